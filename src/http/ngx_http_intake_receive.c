
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake.h"
#include "ngx_http_intake_headers.h"


/*
 * The way of one delivery: arrival time, method, body, handshake, signature,
 * event, store.  Whatever ends it sends the answer.
 */


static int64_t ngx_http_intake_unique_time(void);
static ngx_http_intake_code_e ngx_http_intake_check_head(
    ngx_http_intake_ctx_t *ctx);
static ngx_uint_t ngx_http_intake_identity(ngx_http_request_t *r);
static void ngx_http_intake_body_handler(ngx_http_request_t *r);
static ngx_int_t ngx_http_intake_webhook(ngx_http_intake_ctx_t *ctx);
static ngx_int_t ngx_http_intake_try_challenge(ngx_http_intake_ctx_t *ctx,
    ngx_uint_t verified);


/*
 * The clock of a customer starts when the head of the request has arrived:
 * limits, a slow body and Redis come later.
 */

ngx_int_t
ngx_http_intake_post_read(ngx_http_request_t *r)
{
    struct timespec              ts;
    ngx_http_intake_ctx_t       *ctx;
    ngx_http_intake_srv_conf_t  *iscf;

    iscf = ngx_http_get_module_srv_conf(r, ngx_http_intake_module);

    if (!iscf->used || r != r->main) {
        return NGX_DECLINED;
    }

    ctx = ngx_pcalloc(r->pool, sizeof(ngx_http_intake_ctx_t));
    if (ctx == NULL) {
        return NGX_ERROR;
    }

    (void) clock_gettime(CLOCK_MONOTONIC, &ts);

    ctx->request = r;
    ctx->received = ngx_http_intake_unique_time();
    ctx->started = (uint64_t) ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
    ctx->time = -1;
    ctx->outcome = NGX_HTTP_INTAKE_PENDING;

    ngx_http_set_ctx(r, ctx, ngx_http_intake_module);

    return NGX_DECLINED;
}


/*
 * The script knows a resend by its recorded time, so no two deliveries share
 * one: the workers of a node take turns in the microseconds.  A clock that was
 * set back is followed.
 */

static int64_t
ngx_http_intake_unique_time(void)
{
    int64_t           now, workers;
    struct timeval    tv;
    ngx_core_conf_t  *ccf;

    static int64_t    last;

    ccf = (ngx_core_conf_t *) ngx_get_conf(ngx_cycle->conf_ctx,
                                           ngx_core_module);

    ngx_gettimeofday(&tv);

    workers = ngx_max(ccf->worker_processes, 1);
    now = (int64_t) tv.tv_sec * 1000000 + tv.tv_usec;
    now += (int64_t) ngx_worker - now % workers;

    if (now <= last && last - now < 1000000) {
        now = last + workers;
    }

    last = now;

    return now;
}


/*
 * What can be refused by the head alone is refused here, before limit_req
 * counts it and before a byte of the body is read.  A form of a browser comes
 * here once more when its body has been read.
 */

ngx_int_t
ngx_http_intake_preaccess(ngx_http_request_t *r)
{
    ngx_http_intake_ctx_t       *ctx;
    ngx_http_intake_code_e       code;
    ngx_http_intake_loc_conf_t  *ilcf;

    ilcf = ngx_http_get_module_loc_conf(r, ngx_http_intake_module);

    if (ilcf->source == NULL) {
        return NGX_DECLINED;
    }

    if (ilcf->get_page && (r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD))) {
        r->content_handler = NULL;
        return NGX_DECLINED;
    }

    ctx = ngx_http_get_module_ctx(r, ngx_http_intake_module);

    /*
     * a subrequest has no body of its own, and an internal redirect has lost
     * the arrival time with its context
     */

    if (r != r->main || ctx == NULL) {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "intake source \"%V\" takes no subrequest and no "
                      "internal redirect", &ilcf->source->name);
        return NGX_HTTP_NOT_FOUND;
    }

    ctx->source = ilcf->source;

    /* see ngx_http_intake_keep_errors() */

    r->error_page = 1;

    code = ngx_http_intake_check_head(ctx);

    if (code != NGX_HTTP_INTAKE_OK) {
        ngx_http_finalize_request(r, ngx_http_intake_refuse(ctx, code));
        return NGX_DONE;
    }

    if (ctx->source->form && r->method == NGX_HTTP_OPTIONS) {
        ngx_http_finalize_request(r, ngx_http_intake_preflight(ctx));
        return NGX_DONE;
    }

    return ngx_http_intake_read_early(ctx);
}


static ngx_http_intake_code_e
ngx_http_intake_check_head(ngx_http_intake_ctx_t *ctx)
{
    ngx_uint_t                    methods;
    ngx_http_request_t           *r;
    ngx_http_intake_form_conf_t  *form;

    r = ctx->request;
    form = ctx->source->form;
    methods = ngx_http_intake_methods(ctx->source, 0);

    if (form) {
        methods |= NGX_HTTP_OPTIONS;
    }

    if (!(r->method & methods)) {
        return NGX_HTTP_INTAKE_METHOD_NOT_ALLOWED;
    }

    if (form && form->origins
        && ngx_http_intake_origin(r, form) == NGX_HTTP_INTAKE_ORIGIN_FOREIGN)
    {
        return NGX_HTTP_INTAKE_ORIGIN_NOT_ALLOWED;
    }

    if (!ngx_http_intake_identity(r)) {
        return NGX_HTTP_INTAKE_UNSUPPORTED_CONTENT_ENCODING;
    }

    return NGX_HTTP_INTAKE_OK;
}


ngx_uint_t
ngx_http_intake_methods(ngx_http_intake_source_t *source, ngx_uint_t verified)
{
    ngx_uint_t                    i, methods;
    ngx_http_intake_platform_t   *platform;
    ngx_http_intake_challenge_t  *challenge;

    platform = source->platform;
    methods = platform->methods;

    if (platform->challenges == NULL) {
        return methods;
    }

    challenge = platform->challenges->elts;

    for (i = 0; i < platform->challenges->nelts; i++) {
        if (!verified || challenge[i].verified) {
            methods |= challenge[i].method;
        }
    }

    return methods;
}


/* a signature covers the bytes of the body as they were sent */

static ngx_uint_t
ngx_http_intake_identity(ngx_http_request_t *r)
{
    ngx_str_t                  *value;
    ngx_http_intake_headers_t   headers;

    value = ngx_http_intake_first_header(&headers, r, "content-encoding",
                                         sizeof("content-encoding") - 1);

    for ( /* void */ ; value; value = ngx_http_intake_next_header(&headers)) {

        if (value->len
            && (value->len != sizeof("identity") - 1
                || ngx_strncasecmp(value->data, (u_char *) "identity",
                                   sizeof("identity") - 1)
                   != 0))
        {
            return 0;
        }
    }

    return 1;
}


ngx_int_t
ngx_http_intake_handler(ngx_http_request_t *r)
{
    ngx_int_t               rc;
    ngx_http_intake_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_intake_module);

    if (r != r->main || ctx == NULL || ctx->source == NULL) {
        return NGX_HTTP_NOT_FOUND;
    }

    /* a form is read piece by piece */

    r->request_body_in_single_buf = (ctx->source->form == NULL);

    rc = ngx_http_read_client_request_body(r, ngx_http_intake_body_handler);

    if (rc >= NGX_HTTP_SPECIAL_RESPONSE) {
        return rc;
    }

    return NGX_DONE;
}


static void
ngx_http_intake_body_handler(ngx_http_request_t *r)
{
    ngx_int_t               rc;
    ngx_http_intake_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_intake_module);

    if (ctx->source->form) {
        rc = ngx_http_intake_submit(ctx);

    } else {
        rc = ngx_http_intake_collect_body(r, &ctx->body);

        if (rc == NGX_OK) {
            ctx->body_size = ctx->body.len;
            rc = ngx_http_intake_webhook(ctx);
        }
    }

    if (rc == NGX_DONE) {

        /* the reference that reading the body took is given back later */

        return;
    }

    if (rc == NGX_ERROR && !r->header_sent) {
        rc = NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_http_finalize_request(r, rc);
}


/* the body in one piece, in memory: hashed, read and sent from there */

ngx_int_t
ngx_http_intake_collect_body(ngx_http_request_t *r, ngx_str_t *body)
{
    u_char       *p;
    off_t         size;
    ssize_t       n;
    ngx_buf_t    *b, *filled;
    ngx_uint_t    nfilled;
    ngx_chain_t  *cl;

    if (r->request_body == NULL) {
        return NGX_OK;
    }

    size = 0;
    filled = NULL;
    nfilled = 0;

    for (cl = r->request_body->bufs; cl; cl = cl->next) {

        if (ngx_buf_size(cl->buf)) {
            size += ngx_buf_size(cl->buf);
            filled = cl->buf;
            nfilled++;
        }
    }

    if (nfilled == 0) {
        return NGX_OK;
    }

    if (nfilled == 1 && ngx_buf_in_memory(filled)) {
        body->data = filled->pos;
        body->len = (size_t) size;
        return NGX_OK;
    }

    p = ngx_palloc(r->pool, (size_t) size + 1);
    if (p == NULL) {
        return NGX_ERROR;
    }

    body->data = p;
    body->len = (size_t) size;

    for (cl = r->request_body->bufs; cl; cl = cl->next) {
        b = cl->buf;
        size = ngx_buf_size(b);

        /* the last chunk is a buffer of nothing, neither memory nor file */

        if (size == 0) {
            continue;
        }

        if (ngx_buf_in_memory(b)) {
            p = ngx_cpymem(p, b->pos, (size_t) size);
            continue;
        }

        n = ngx_read_file(b->file, p, (size_t) size, b->file_pos);

        if (n == NGX_ERROR || n != (ssize_t) size) {
            ngx_log_error(NGX_LOG_CRIT, r->connection->log, 0,
                          "a request body in \"%V\" could not be read back",
                          &b->file->name);
            return NGX_ERROR;
        }

        p += n;
    }

    return NGX_OK;
}


/*
 * NGX_DONE: the request waits for Redis; else the answer has been sent and
 * the result is for ngx_http_finalize_request().
 */

static ngx_int_t
ngx_http_intake_webhook(ngx_http_intake_ctx_t *ctx)
{
    ngx_int_t                  rc;
    ngx_uint_t                 method;
    ngx_http_intake_source_t  *source;

    source = ctx->source;
    method = ctx->request->method;

    rc = ngx_http_intake_try_challenge(ctx, 0);

    if (rc != NGX_DECLINED) {
        return rc;
    }

    if (!(method & ngx_http_intake_methods(source, 1))) {
        return ngx_http_intake_refuse(ctx,
                                      NGX_HTTP_INTAKE_METHOD_NOT_ALLOWED);
    }

    rc = ngx_http_intake_verify(ctx);

    if (rc == NGX_DECLINED) {
        return ngx_http_intake_refuse(ctx, ctx->code);
    }

    if (rc != NGX_OK) {
        return rc;
    }

    rc = ngx_http_intake_try_challenge(ctx, 1);

    if (rc != NGX_DECLINED) {
        return rc;
    }

    if (!(method & source->platform->methods)) {
        return ngx_http_intake_refuse(ctx,
                                      NGX_HTTP_INTAKE_METHOD_NOT_ALLOWED);
    }

    if (ngx_http_intake_event(ctx) != NGX_OK) {
        return NGX_ERROR;
    }

    if (ngx_http_intake_deliver(ctx) != NGX_OK) {
        return NGX_ERROR;
    }

    return NGX_DONE;
}


static ngx_int_t
ngx_http_intake_try_challenge(ngx_http_intake_ctx_t *ctx, ngx_uint_t verified)
{
    ngx_int_t                     rc;
    ngx_str_t                     body;
    ngx_http_intake_challenge_t  *challenge;

    rc = ngx_http_intake_challenge(ctx, verified, &challenge, &body);

    switch (rc) {

    case NGX_OK:
        return ngx_http_intake_send_challenge(ctx, challenge, &body);

    case NGX_ABORT:
        return ngx_http_intake_refuse(ctx, ctx->code);

    default:
        return rc;
    }
}
