
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake_form_answer.h"


/*
 * The answers to forms: a page or a redirect for a person, JSON for a script.
 * Certain spam is answered as success is, so that its sender learns nothing.
 */


#define NGX_HTTP_INTAKE_FORM_RETRY_AFTER  "30"    /* seconds */

#define NGX_HTTP_INTAKE_UNPROCESSABLE     422


static ngx_int_t ngx_http_intake_form_redirect(ngx_http_request_t *r,
    ngx_str_t *location);
static ngx_int_t ngx_http_intake_form_body(
    ngx_http_intake_form_answer_t *answer, ngx_str_t *type, ngx_str_t *body);
static ngx_int_t ngx_http_intake_form_demands(ngx_http_intake_ctx_t *ctx,
    ngx_http_intake_code_e code, ngx_uint_t status);


ngx_int_t
ngx_http_intake_form_accept(ngx_http_intake_ctx_t *ctx)
{
    ngx_str_t                      type, body;
    ngx_http_request_t            *r;
    ngx_http_intake_form_answer_t  answer;

    r = ctx->request;

    ngx_memzero(&answer, sizeof(ngx_http_intake_form_answer_t));
    answer.ctx = ctx;
    answer.form = ctx->source->form;
    answer.code = NGX_HTTP_INTAKE_OK;
    answer.status = NGX_HTTP_OK;

    ctx->answered = 1;

    ctx->outcome = ngx_http_intake_success_outcome(ctx);
    ngx_http_intake_count_request(ctx);

    if (ngx_http_intake_form_next(ctx, &answer.next) != NGX_OK) {
        return NGX_ERROR;
    }

    if (answer.next.len && ngx_http_intake_wants_page(ctx)) {
        return ngx_http_intake_form_redirect(r, &answer.next);
    }

    if (ngx_http_intake_form_body(&answer, &type, &body) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_intake_send(r, NGX_HTTP_OK, &type, &body);
}


ngx_int_t
ngx_http_intake_form_refuse(ngx_http_intake_ctx_t *ctx,
    ngx_http_intake_code_e code)
{
    ngx_str_t                      type, body, location;
    ngx_uint_t                     status;
    ngx_http_request_t            *r;
    ngx_http_intake_form_answer_t  answer;

    r = ctx->request;
    status = ngx_http_intake_code_status(code);

    if (status == NGX_HTTP_INTAKE_UNPROCESSABLE
        && ctx->source->form->error.len
        && ngx_http_intake_wants_page(ctx))
    {
        ngx_memzero(&answer, sizeof(ngx_http_intake_form_answer_t));
        answer.ctx = ctx;
        answer.form = ctx->source->form;
        answer.code = code;
        answer.status = status;

        if (ngx_http_intake_error_location(&answer, &location) != NGX_OK) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }

        ngx_http_intake_count_refusal(ctx, code);

        return ngx_http_intake_form_redirect(r, &location);
    }

    if (ngx_http_intake_form_problem(ctx, code, status, &type, &body)
        != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    /* nginx has no words for this one */

    if (status == NGX_HTTP_INTAKE_UNPROCESSABLE) {
        ngx_str_set(&r->headers_out.status_line, "422 Unprocessable Content");
    }

    return ngx_http_intake_send(r, status, &type, &body);
}


ngx_int_t
ngx_http_intake_form_problem(ngx_http_intake_ctx_t *ctx,
    ngx_http_intake_code_e code, ngx_uint_t status, ngx_str_t *type,
    ngx_str_t *body)
{
    ngx_http_intake_form_answer_t  answer;

    ngx_memzero(&answer, sizeof(ngx_http_intake_form_answer_t));
    answer.ctx = ctx;
    answer.form = ctx->source->form;
    answer.code = code;
    answer.status = status;

    if (ngx_http_intake_form_body(&answer, type, body) != NGX_OK
        || ngx_http_intake_form_demands(ctx, code, status) != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_http_intake_count_refusal(ctx, code);

    return NGX_OK;
}


/*
 * 303, so that to reload the page it leads to sends nothing twice.  The
 * address stays as it is: nginx would put a host and a scheme before a path,
 * and behind a proxy they may be wrong.
 */

static ngx_int_t
ngx_http_intake_form_redirect(ngx_http_request_t *r, ngx_str_t *location)
{
    ngx_str_t  none;

    if (ngx_http_intake_add_header(r, "Location", location) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_str_null(&none);

    return ngx_http_intake_send(r, NGX_HTTP_SEE_OTHER, &none, &none);
}


static ngx_int_t
ngx_http_intake_form_body(ngx_http_intake_form_answer_t *answer,
    ngx_str_t *type, ngx_str_t *body)
{
    ngx_str_t            value;
    ngx_http_request_t  *r;

    r = answer->ctx->request;

    ngx_str_set(&value, "en");

    if (ngx_http_intake_add_header(r, "Content-Language", &value) != NGX_OK) {
        return NGX_ERROR;
    }

    if (!ngx_http_intake_wants_page(answer->ctx)) {
        r->headers_out.charset.len = 0;

        if (answer->code == NGX_HTTP_INTAKE_OK) {
            ngx_str_set(type, "application/json");

            return ngx_http_intake_write(r->pool, NGX_HTTP_INTAKE_WRITE_JSON,
                                         ngx_http_intake_put_success, answer,
                                         body);
        }

        ngx_str_set(type, "application/problem+json");

        return ngx_http_intake_write(r->pool, NGX_HTTP_INTAKE_WRITE_JSON,
                                     ngx_http_intake_put_problem, answer,
                                     body);
    }

    /* what the visitor wrote comes back: nothing in it may do anything */

    ngx_str_set(&value, "default-src 'none'; style-src 'unsafe-inline'; "
                        "base-uri 'none'; form-action 'none'");

    if (ngx_http_intake_add_header(r, "Content-Security-Policy", &value)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_str_set(type, "text/html");
    ngx_str_set(&r->headers_out.charset, "utf-8");

    ngx_http_intake_own_referer(r, &answer->back);

    if (ngx_http_intake_gives_back(answer)) {
        ngx_http_intake_recall(answer->ctx);
    }

    return ngx_http_intake_write(r->pool, NGX_HTTP_INTAKE_WRITE_HTML,
                                 ngx_http_intake_put_page, answer, body);
}


/* the headers without which a status says too little */

static ngx_int_t
ngx_http_intake_form_demands(ngx_http_intake_ctx_t *ctx,
    ngx_http_intake_code_e code, ngx_uint_t status)
{
    ngx_str_t            value;
    ngx_http_request_t  *r;

    r = ctx->request;

    switch (status) {

    case NGX_HTTP_NOT_ALLOWED:
        return ngx_http_intake_form_allow(ctx);

    case NGX_HTTP_UNSUPPORTED_MEDIA_TYPE:

        if (code == NGX_HTTP_INTAKE_UNSUPPORTED_CONTENT_ENCODING) {
            ngx_str_set(&value, "identity");
            return ngx_http_intake_add_header(r, "Accept-Encoding", &value);
        }

        ngx_str_set(&value, "application/x-www-form-urlencoded, "
                            "multipart/form-data, application/json");
        return ngx_http_intake_add_header(r, "Accept", &value);

    case NGX_HTTP_TOO_MANY_REQUESTS:
    case NGX_HTTP_SERVICE_UNAVAILABLE:
        ngx_str_set(&value, NGX_HTTP_INTAKE_FORM_RETRY_AFTER);
        return ngx_http_intake_add_header(r, "Retry-After", &value);

    default:
        return NGX_OK;
    }
}


/* asked before the body is read, and once more for the answer */

ngx_uint_t
ngx_http_intake_wants_page(ngx_http_intake_ctx_t *ctx)
{
    if (!ctx->negotiated) {
        ctx->page = ngx_http_intake_is_navigation(ctx->request);
        ctx->negotiated = 1;
    }

    return ctx->page;
}


ngx_int_t
ngx_http_intake_form_allow(ngx_http_intake_ctx_t *ctx)
{
    ngx_str_t                    value;
    ngx_http_intake_loc_conf_t  *ilcf;

    ilcf = ngx_http_get_module_loc_conf(ctx->request, ngx_http_intake_module);

    if (ilcf->get_page) {
        ngx_str_set(&value, "POST, OPTIONS, GET, HEAD");

    } else {
        ngx_str_set(&value, "POST, OPTIONS");
    }

    return ngx_http_intake_add_header(ctx->request, "Allow", &value);
}
