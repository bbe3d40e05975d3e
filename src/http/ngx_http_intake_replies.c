
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake_replies.h"


/*
 * The location of intake_replies: who may post, the body, its items one after
 * the other, the answer.
 */


typedef struct {
    ngx_uint_t                      status;
    const char                     *title;
    const char                     *code;
} ngx_http_intake_replies_problem_t;


static ngx_int_t ngx_http_intake_replies_access(ngx_http_request_t *r,
    ngx_array_t *tokens);
static void ngx_http_intake_replies_body(ngx_http_request_t *r);
static ngx_int_t ngx_http_intake_replies_start(ngx_http_request_t *r);
static ngx_int_t ngx_http_intake_replies_go(
    ngx_http_intake_replies_t *replies);
static void ngx_http_intake_replies_forget(void *data);
static ngx_int_t ngx_http_intake_replies_answer(
    ngx_http_intake_replies_t *replies);
static ngx_int_t ngx_http_intake_replies_problem(ngx_http_request_t *r,
    ngx_uint_t status, const char *detail);


static ngx_http_intake_replies_problem_t
    ngx_http_intake_replies_problems[] = {
    { 400, "Malformed request", "MALFORMED" },
    { 401, "Wrong or missing credentials", "CREDENTIALS" },
    { 405, "Method not allowed", "METHOD_NOT_ALLOWED" },
    { 503, "Store unavailable", "STORE_UNAVAILABLE" }
};


static ngx_str_t  ngx_http_intake_replies_json =
    ngx_string("application/json");

static ngx_str_t  ngx_http_intake_replies_problem_json =
    ngx_string("application/problem+json");


/* intake_replies token=VALUE|file:PATH... | access=nginx; */

char *
ngx_http_intake_replies_directive(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_intake_loc_conf_t *ilcf = conf;

    ngx_str_t                    *value, text;
    ngx_uint_t                    i, access;
    ngx_http_intake_secret_t     *secret;
    ngx_http_intake_srv_conf_t   *iscf;
    ngx_http_intake_main_conf_t  *imcf;

    if (ilcf->replies) {
        return "is duplicate";
    }

    ilcf->reply_tokens = ngx_array_create(cf->pool, 2,
                                          sizeof(ngx_http_intake_secret_t));
    if (ilcf->reply_tokens == NULL) {
        return NGX_CONF_ERROR;
    }

    access = 0;
    value = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {

        if (ngx_strcmp(value[i].data, "access=nginx") == 0) {
            access = 1;
            continue;
        }

        if (value[i].len < 6 || ngx_strncmp(value[i].data, "token=", 6) != 0)
        {
            return "takes token=VALUE or token=file:PATH, several times, or "
                   "access=nginx if allow, deny or auth_basic guard it";
        }

        secret = ngx_array_push(ilcf->reply_tokens);
        if (secret == NULL) {
            return NGX_CONF_ERROR;
        }

        ngx_memzero(secret, sizeof(ngx_http_intake_secret_t));

        text.data = value[i].data + 6;
        text.len = value[i].len - 6;

        if (ngx_http_intake_read_secret(cf, &text, "intake_replies",
                                        &secret->value)
            != NGX_OK)
        {
            return NGX_CONF_ERROR;
        }
    }

    if (access == (ilcf->reply_tokens->nelts != 0)) {
        return "must have either token=file:PATH, or access=nginx if "
               "allow, deny or auth_basic guard it";
    }

    ilcf->replies = 1;
    ngx_http_intake_position(cf, &ilcf->source_position);

    iscf = ngx_http_conf_get_module_srv_conf(cf, ngx_http_intake_module);
    iscf->used = 1;

    imcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_intake_module);
    imcf->used = 1;
    imcf->replies = 1;

    return ngx_http_intake_set_handler(cf, ngx_http_intake_replies_handler);
}


ngx_int_t
ngx_http_intake_replies_handler(ngx_http_request_t *r)
{
    ngx_int_t                    rc;
    ngx_http_intake_ctx_t       *ctx;
    ngx_http_intake_replies_t   *replies;
    ngx_http_intake_loc_conf_t  *ilcf;

    ilcf = ngx_http_get_module_loc_conf(r, ngx_http_intake_module);

    ctx = ngx_http_get_module_ctx(r, ngx_http_intake_module);

    /* an internal redirect has lost its context */

    if (r != r->main || ctx == NULL) {
        return NGX_HTTP_NOT_FOUND;
    }

    replies = ngx_pcalloc(r->pool, sizeof(ngx_http_intake_replies_t));
    if (replies == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    replies->request = r;
    replies->conf = ngx_http_get_module_main_conf(r, ngx_http_intake_module);

    if (ngx_array_init(&replies->items, r->pool, 1,
                       sizeof(ngx_http_intake_reply_item_t))
        != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    rc = ngx_http_intake_link_token(replies, ilcf->reply_tokens);

    if (rc == NGX_ERROR) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (rc != NGX_OK) {

        if (r->method != NGX_HTTP_POST) {
            return ngx_http_intake_replies_problem(r, NGX_HTTP_NOT_ALLOWED,
                                       "replies are sent by POST, as JSON");
        }

        if (ngx_http_intake_replies_access(r, ilcf->reply_tokens) != NGX_OK) {
            return ngx_http_intake_replies_problem(r, NGX_HTTP_UNAUTHORIZED,
                           "\"Authorization: Bearer TOKEN\" is asked for");
        }

    } else if (r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD)) {

        if (ngx_http_discard_request_body(r) != NGX_OK) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }

        return ngx_http_intake_link_page(r, NGX_HTTP_OK,
                                 "Close this conversation?",
                                 "Nobody will be reminded of it any more.",
                                 1);

    } else if (r->method != NGX_HTTP_POST) {
        return ngx_http_intake_replies_problem(r, NGX_HTTP_NOT_ALLOWED,
                                               "a link is opened or posted");
    }

    ctx->replies = replies;

    r->request_body_in_single_buf = 1;

    rc = ngx_http_read_client_request_body(r, ngx_http_intake_replies_body);

    if (rc >= NGX_HTTP_SPECIAL_RESPONSE) {
        return rc;
    }

    return NGX_DONE;
}


/* RFC 6750; compared in constant time.  Without tokens nginx has decided. */

static ngx_int_t
ngx_http_intake_replies_access(ngx_http_request_t *r, ngx_array_t *tokens)
{
    ngx_str_t                 *value;
    ngx_int_t                  rc;
    ngx_uint_t                 i;
    ngx_http_intake_secret_t  *secret;

    if (tokens->nelts == 0) {
        return NGX_OK;
    }

    if (r->headers_in.authorization == NULL) {
        return NGX_DECLINED;
    }

    value = &r->headers_in.authorization->value;

    if (value->len <= sizeof("Bearer ") - 1
        || ngx_strncasecmp(value->data, (u_char *) "Bearer ",
                           sizeof("Bearer ") - 1)
           != 0)
    {
        return NGX_DECLINED;
    }

    rc = NGX_DECLINED;
    secret = tokens->elts;

    for (i = 0; i < tokens->nelts; i++) {
        if (ngx_intake_equal(value->data + sizeof("Bearer ") - 1,
                             value->len - (sizeof("Bearer ") - 1),
                             secret[i].value.data, secret[i].value.len)
            == NGX_OK)
        {
            rc = NGX_OK;
        }
    }

    return rc;
}


static void
ngx_http_intake_replies_body(ngx_http_request_t *r)
{
    ngx_int_t  rc;

    rc = ngx_http_intake_replies_start(r);

    if (rc == NGX_DONE) {
        return;
    }

    if (rc == NGX_ERROR && !r->header_sent) {
        rc = NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_http_finalize_request(r, rc);
}


static ngx_int_t
ngx_http_intake_replies_start(ngx_http_request_t *r)
{
    ngx_int_t                   rc;
    const char                 *detail;
    ngx_http_cleanup_t         *cln;
    ngx_http_intake_ctx_t      *ctx;
    ngx_http_intake_replies_t  *replies;

    ctx = ngx_http_get_module_ctx(r, ngx_http_intake_module);
    replies = ctx->replies;

    if (!replies->link) {

        if (ngx_http_intake_collect_body(r, &replies->body) != NGX_OK) {
            return NGX_ERROR;
        }

        rc = ngx_http_intake_read_items(replies, &detail);

        if (rc == NGX_ERROR) {
            return NGX_ERROR;
        }

        if (rc != NGX_OK) {
            return ngx_http_intake_replies_problem(r, NGX_HTTP_BAD_REQUEST,
                                                   detail);
        }
    }

    cln = ngx_http_cleanup_add(r, 0);
    if (cln == NULL) {
        return NGX_ERROR;
    }

    cln->handler = ngx_http_intake_replies_forget;
    cln->data = replies;

    return ngx_http_intake_replies_go(replies);
}


/* NGX_DONE: waits for Redis; else the answer has been sent */

static ngx_int_t
ngx_http_intake_replies_go(ngx_http_intake_replies_t *replies)
{
    switch (ngx_http_intake_reply_call(replies)) {

    case NGX_AGAIN:
        return NGX_DONE;

    case NGX_OK:
        return ngx_http_intake_replies_answer(replies);

    case NGX_DECLINED:
        return ngx_http_intake_replies_problem(replies->request,
                           NGX_HTTP_SERVICE_UNAVAILABLE,
                           "not everything was taken: send all of it again");

    default:
        return NGX_ERROR;
    }
}


void
ngx_http_intake_replies_continue(ngx_http_intake_replies_t *replies,
    ngx_int_t rc)
{
    ngx_connection_t    *c;
    ngx_http_request_t  *r;

    r = replies->request;
    c = r->connection;

    ngx_http_set_log_request(c->log, r);

    if (rc == NGX_OK) {
        rc = ngx_http_intake_replies_go(replies);

    } else {
        rc = ngx_http_intake_replies_problem(r, NGX_HTTP_SERVICE_UNAVAILABLE,
                           "not everything was taken: send all of it again");
    }

    if (rc == NGX_DONE) {
        return;
    }

    if (rc == NGX_ERROR && !r->header_sent) {
        rc = NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_http_finalize_request(r, rc);
    ngx_http_run_posted_requests(c);
}


static void
ngx_http_intake_replies_forget(void *data)
{
    ngx_http_intake_replies_t *replies = data;

    if (replies->op) {
        ngx_intake_redis_forget(replies->op);
        replies->op = NULL;
    }
}


static ngx_int_t
ngx_http_intake_replies_answer(ngx_http_intake_replies_t *replies)
{
    ngx_str_t                      body, *type;
    ngx_uint_t                     status;
    ngx_http_request_t            *r;
    ngx_http_intake_reply_item_t  *item;

    r = replies->request;
    item = replies->items.elts;

    if (replies->link) {

        if (item->error) {
            return ngx_http_intake_link_page(r, NGX_HTTP_NOT_FOUND,
                                 "Nothing to close",
                                 "This conversation is not open any more.",
                                 0);
        }

        return ngx_http_intake_link_page(r, NGX_HTTP_OK,
                                 "The conversation is closed",
                                 "If the customer writes again, a new wait "
                                 "begins.", 0);
    }

    if (ngx_http_intake_write_results(replies, &body) != NGX_OK) {
        return NGX_ERROR;
    }

    status = NGX_HTTP_OK;
    type = &ngx_http_intake_replies_json;

    if (!replies->array && item->error) {
        status = 422;
        type = &ngx_http_intake_replies_problem_json;
    }

    return ngx_http_intake_send(r, status, type, &body);
}


static ngx_int_t
ngx_http_intake_replies_problem(ngx_http_request_t *r, ngx_uint_t status,
    const char *detail)
{
    u_char                             *p;
    ngx_int_t                           rc;
    ngx_str_t                           body, value;
    const char                         *name;
    ngx_http_intake_replies_problem_t  *problem;

    if (r->request_body == NULL) {
        rc = ngx_http_discard_request_body(r);

        if (rc != NGX_OK) {
            return rc;
        }
    }

    for (problem = ngx_http_intake_replies_problems;
         problem->status != status;
         problem++)
    {
        /* void */
    }

    name = NULL;

    switch (status) {

    case NGX_HTTP_UNAUTHORIZED:
        name = "WWW-Authenticate";
        ngx_str_set(&value, "Bearer realm=\"intake_replies\"");
        break;

    case NGX_HTTP_NOT_ALLOWED:
        name = "Allow";
        ngx_str_set(&value, "POST");
        break;

    case NGX_HTTP_SERVICE_UNAVAILABLE:
        name = "Retry-After";
        ngx_str_set(&value, "5");
        break;
    }

    if (name && ngx_http_intake_add_header(r, name, &value) != NGX_OK) {
        return NGX_ERROR;
    }

    p = ngx_pnalloc(r->pool, sizeof("{\"type\":\"about:blank\",\"title\":\"\","
                                    "\"status\":000,\"detail\":\"\","
                                    "\"code\":\"\"}")
                             + ngx_strlen(problem->title)
                             + ngx_strlen(problem->code)
                             + 2 * ngx_strlen(detail));
    if (p == NULL) {
        return NGX_ERROR;
    }

    body.data = p;

    p = ngx_sprintf(p, "{\"type\":\"about:blank\",\"title\":\"%s\","
                    "\"status\":%ui,\"detail\":\"",
                    problem->title, status);
    p = ngx_intake_json_escape(p, (u_char *) detail, ngx_strlen(detail));
    p = ngx_sprintf(p, "\",\"code\":\"%s\"}", problem->code);

    body.len = p - body.data;

    return ngx_http_intake_send(r, status,
                                &ngx_http_intake_replies_problem_json, &body);
}
