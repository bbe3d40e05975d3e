
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake.h"


/*
 * What we answer: success, handshakes, and problems (RFC 9457).  Each answer
 * is counted when it is sent, once.
 */


#define NGX_HTTP_INTAKE_RETRY_AFTER  "5"    /* seconds */


static ngx_int_t ngx_http_intake_allow(ngx_http_request_t *r,
    ngx_http_intake_source_t *source);
static ngx_int_t ngx_http_intake_authenticate(ngx_http_request_t *r,
    ngx_http_intake_source_t *source);
static ngx_int_t ngx_http_intake_push_header(ngx_http_request_t *r,
    ngx_str_t *name, ngx_str_t *value);
static ngx_int_t ngx_http_intake_success(ngx_http_intake_ctx_t *ctx,
    ngx_str_t *body);


static ngx_str_t  ngx_http_intake_json_type =
    ngx_string("application/json");

static ngx_str_t  ngx_http_intake_problem_type =
    ngx_string("application/problem+json");


ngx_int_t
ngx_http_intake_refuse(ngx_http_intake_ctx_t *ctx,
    ngx_http_intake_code_e code)
{
    ngx_int_t            rc;
    ngx_str_t            body;
    ngx_uint_t           status;
    ngx_http_request_t  *r;

    r = ctx->request;

    /*
     * whoever waits for "100 Continue" is not asked for a body in vain; as
     * nobody knows whether it still comes then, the connection ends
     */

    if (r->headers_in.expect && !r->expect_tested && r->request_body == NULL
        && r->http_version < NGX_HTTP_VERSION_20)
    {
        r->keepalive = 0;

    } else {
        rc = ngx_http_discard_request_body(r);

        if (rc != NGX_OK) {
            return rc;
        }
    }

    if (ctx->source->form) {
        return ngx_http_intake_form_refuse(ctx, code);
    }

    status = ngx_http_intake_code_status(code);

    if (ngx_http_intake_problem(ctx, code, status, &body) != NGX_OK
        || ngx_http_intake_problem_headers(ctx, status) != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_intake_send(r, status, &ngx_http_intake_problem_type,
                                &body);
}


ngx_int_t
ngx_http_intake_problem(ngx_http_intake_ctx_t *ctx,
    ngx_http_intake_code_e code, ngx_uint_t status, ngx_str_t *body)
{
    u_char     *p;
    size_t      len;
    ngx_str_t  *title, *name;

    title = ngx_http_intake_code_title(code);
    name = ngx_http_intake_code_name(code);

    len = sizeof("{\"type\":\"about:blank\",\"title\":\"\",\"status\":000,"
                 "\"code\":\"\"}") - 1
          + title->len + name->len;

    p = ngx_pnalloc(ctx->request->pool, len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    body->data = p;

    p = ngx_sprintf(p, "{\"type\":\"about:blank\",\"title\":\"%V\","
                    "\"status\":%03ui,\"code\":\"%V\"}",
                    title, status, name);

    body->len = p - body->data;

    ngx_http_intake_count_refusal(ctx, code);

    return NGX_OK;
}


void
ngx_http_intake_count_refusal(ngx_http_intake_ctx_t *ctx,
    ngx_http_intake_code_e code)
{
    ctx->answered = 1;
    ctx->code = code;
    ctx->outcome = ngx_http_intake_code_outcome(code);

    ngx_http_intake_count_request(ctx);
}


ngx_int_t
ngx_http_intake_problem_headers(ngx_http_intake_ctx_t *ctx, ngx_uint_t status)
{
    ngx_str_t            value;
    ngx_http_request_t  *r;

    r = ctx->request;

    switch (status) {

    case NGX_HTTP_UNAUTHORIZED:
        return ngx_http_intake_authenticate(r, ctx->source);

    case NGX_HTTP_NOT_ALLOWED:
        return ngx_http_intake_allow(r, ctx->source);

    case NGX_HTTP_TOO_MANY_REQUESTS:
    case NGX_HTTP_SERVICE_UNAVAILABLE:
        ngx_str_set(&value, NGX_HTTP_INTAKE_RETRY_AFTER);
        return ngx_http_intake_add_header(r, "Retry-After", &value);

    default:
        return NGX_OK;
    }
}


static ngx_int_t
ngx_http_intake_allow(ngx_http_request_t *r, ngx_http_intake_source_t *source)
{
    u_char      *p, buf[64];
    ngx_str_t    value;
    ngx_uint_t   i, methods;

    static struct {
        ngx_uint_t   method;
        const char  *name;
    } names[] = {
        { NGX_HTTP_POST, "POST" },
        { NGX_HTTP_GET, "GET" },
        { NGX_HTTP_HEAD, "HEAD" },
        { NGX_HTTP_PUT, "PUT" },
        { NGX_HTTP_OPTIONS, "OPTIONS" }
    };

    p = buf;
    methods = ngx_http_intake_methods(source, 0);

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (methods & names[i].method) {
            p = ngx_sprintf(p, "%s%s", p == buf ? "" : ", ", names[i].name);
        }
    }

    value.len = p - buf;
    value.data = ngx_pnalloc(r->pool, value.len);
    if (value.data == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(value.data, buf, value.len);

    return ngx_http_intake_add_header(r, "Allow", &value);
}


/* RFC 9110, 15.5.2: a 401 names the scheme that would be accepted */

static ngx_int_t
ngx_http_intake_authenticate(ngx_http_request_t *r,
    ngx_http_intake_source_t *source)
{
    ngx_str_t    value;
    const char  *scheme;

    scheme = source->platform->algorithm == NGX_INTAKE_ALGORITHM_BASIC
             ? "Basic" : "Signature";

    value.data = ngx_pnalloc(r->pool, sizeof("Signature realm=\"\"") - 1
                                      + source->name.len);
    if (value.data == NULL) {
        return NGX_ERROR;
    }

    value.len = ngx_sprintf(value.data, "%s realm=\"%V\"", scheme,
                            &source->name)
                - value.data;

    return ngx_http_intake_add_header(r, "WWW-Authenticate", &value);
}


ngx_int_t
ngx_http_intake_add_header(ngx_http_request_t *r, const char *name,
    ngx_str_t *value)
{
    ngx_str_t  key;

    key.data = (u_char *) name;
    key.len = ngx_strlen(name);

    return ngx_http_intake_push_header(r, &key, value);
}


static ngx_int_t
ngx_http_intake_push_header(ngx_http_request_t *r, ngx_str_t *name,
    ngx_str_t *value)
{
    ngx_table_elt_t  *h;

    h = ngx_list_push(&r->headers_out.headers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    h->hash = 1;
#if (nginx_version >= 1023000)
    h->next = NULL;
#endif
    h->key = *name;
    h->value = *value;

    return NGX_OK;
}


ngx_int_t
ngx_http_intake_send(ngx_http_request_t *r, ngx_uint_t status,
    ngx_str_t *type, ngx_str_t *body)
{
    ngx_buf_t    *b;
    ngx_chain_t   out;

    b = ngx_calloc_buf(r->pool);
    if (b == NULL) {
        return NGX_ERROR;
    }

    b->pos = body->data;
    b->last = body->data + body->len;
    b->memory = 1;
    b->last_buf = 1;
    b->last_in_chain = 1;

    out.buf = b;
    out.next = NULL;

    return ngx_http_intake_send_chain(r, status, type, &out, body->len);
}


ngx_int_t
ngx_http_intake_send_chain(ngx_http_request_t *r, ngx_uint_t status,
    ngx_str_t *type, ngx_chain_t *body, off_t len)
{
    ngx_int_t  rc;

    r->headers_out.status = status;
    r->headers_out.content_length_n = len;

    if (type->len && status == NGX_HTTP_NO_CONTENT) {

        /* nginx leaves it out of a 204, but Discord wants to see one */

        if (ngx_http_intake_add_header(r, "Content-Type", type) != NGX_OK) {
            return NGX_ERROR;
        }

    } else if (type->len) {
        r->headers_out.content_type = *type;
        r->headers_out.content_type_len = type->len;
        r->headers_out.content_type_lowcase = NULL;
    }

    if (len == 0) {
        r->header_only = 1;
    }

    /* "If-Match" and its like ask about pages: 304 and 412 are not ours */

    r->disable_not_modified = 1;

    rc = ngx_http_send_header(r);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return rc;
    }

    return ngx_http_output_filter(r, body);
}


ngx_int_t
ngx_http_intake_send_challenge(ngx_http_intake_ctx_t *ctx,
    ngx_http_intake_challenge_t *challenge, ngx_str_t *body)
{
    ngx_str_t                  value;
    ngx_uint_t                 i;
    ngx_http_request_t        *r;
    ngx_http_intake_header_t  *header;

    r = ctx->request;

    /* what a stranger sent comes back: no browser may take it for a page */

    ngx_str_set(&value, "nosniff");

    if (ngx_http_intake_add_header(r, "X-Content-Type-Options", &value)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (challenge->headers) {
        header = challenge->headers->elts;

        for (i = 0; i < challenge->headers->nelts; i++) {

            if (ngx_http_intake_challenge_header(ctx, &header[i], &value)
                != NGX_OK
                || ngx_http_intake_push_header(r, &header[i].name, &value)
                   != NGX_OK)
            {
                return NGX_ERROR;
            }
        }
    }

    ctx->answered = 1;
    ctx->outcome = NGX_HTTP_INTAKE_CHALLENGE;
    ngx_http_intake_count_request(ctx);

    return ngx_http_intake_send(r, challenge->reply.status,
                                &challenge->reply.type, body);
}


ngx_http_intake_outcome_e
ngx_http_intake_success_outcome(ngx_http_intake_ctx_t *ctx)
{
    if (ctx->submission && ctx->submission->certain) {
        return NGX_HTTP_INTAKE_SPAM;
    }

    if (ctx->spooled) {
        return NGX_HTTP_INTAKE_SPOOLED;
    }

    return ctx->duplicate ? NGX_HTTP_INTAKE_DUPLICATE
                          : NGX_HTTP_INTAKE_STORED;
}


ngx_int_t
ngx_http_intake_accept(ngx_http_intake_ctx_t *ctx)
{
    ngx_str_t                *parts, body;
    ngx_uint_t                n;
    ngx_http_request_t       *r;
    ngx_http_intake_reply_t  *answer;
    ngx_http_intake_values_t  v;

    if (ctx->source->form) {
        return ngx_http_intake_form_accept(ctx);
    }

    r = ctx->request;
    answer = ctx->source->answer;

    ctx->answered = 1;
    ctx->outcome = ngx_http_intake_success_outcome(ctx);
    ngx_http_intake_count_request(ctx);

    if (answer == NULL) {
        if (ngx_http_intake_success(ctx, &body) != NGX_OK) {
            return NGX_ERROR;
        }

        return ngx_http_intake_send(r, NGX_HTTP_OK,
                                    &ngx_http_intake_json_type, &body);
    }

    ngx_str_null(&body);

    if (answer->body) {
        ngx_memzero(&v, sizeof(ngx_http_intake_values_t));
        v.json = answer->json;
        v.lenient = 1;

        if (ngx_http_intake_evaluate(ctx, answer->body, &v, &parts, &n)
            != NGX_OK
            || ngx_http_intake_flatten(r->pool, parts, n, &body) != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return ngx_http_intake_send(r, answer->status, &answer->type, &body);
}


/*
 * {"ok":true,"id":"...","entry":"...","duplicate":false}; without entry as
 * long as the delivery is in the spool
 */

static ngx_int_t
ngx_http_intake_success(ngx_http_intake_ctx_t *ctx, ngx_str_t *body)
{
    u_char  *p;
    size_t   len;

    len = sizeof("{\"ok\":true,\"id\":\"\",\"entry\":\"\","
                 "\"duplicate\":false}") - 1
          + ngx_intake_json_escape_length(ctx->id.data, ctx->id.len)
          + ctx->entry.len;

    p = ngx_pnalloc(ctx->request->pool, len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    body->data = p;

    p = ngx_cpymem(p, "{\"ok\":true,\"id\":\"",
                   sizeof("{\"ok\":true,\"id\":\"") - 1);
    p = ngx_intake_json_escape(p, ctx->id.data, ctx->id.len);

    if (ctx->entry.len) {
        p = ngx_cpymem(p, "\",\"entry\":\"", sizeof("\",\"entry\":\"") - 1);
        p = ngx_cpymem(p, ctx->entry.data, ctx->entry.len);
    }

    p = ngx_cpymem(p, "\",\"duplicate\":", sizeof("\",\"duplicate\":") - 1);

    if (ctx->duplicate) {
        p = ngx_cpymem(p, "true}", sizeof("true}") - 1);

    } else {
        p = ngx_cpymem(p, "false}", sizeof("false}") - 1);
    }

    body->len = p - body->data;

    return NGX_OK;
}
