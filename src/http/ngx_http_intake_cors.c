
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake_form_answer.h"
#include "ngx_http_intake_negotiate.h"


/*
 * The headers that every answer of a form has, and those of CORS, without
 * which the script of another site cannot read the answer.  They protect
 * nothing: a form may be sent from anywhere without them.
 */


typedef struct {
    const char  *name;
    ngx_str_t    value;
} ngx_http_intake_fixed_header_t;


static ngx_str_t *ngx_http_intake_cors_origin(ngx_http_intake_ctx_t *ctx);
static ngx_int_t ngx_http_intake_add_headers(ngx_http_request_t *r,
    ngx_http_intake_fixed_header_t *header);


static ngx_http_intake_fixed_header_t  ngx_http_intake_common_headers[] = {
    { "Vary",
      ngx_string("Accept, Origin, Sec-Fetch-Mode, Sec-Fetch-Site") },
    { "Cache-Control", ngx_string("no-store") },
    { "X-Content-Type-Options", ngx_string("nosniff") },
    { NULL, ngx_null_string }
};


static ngx_http_intake_fixed_header_t  ngx_http_intake_preflight_headers[] = {
    { "Access-Control-Allow-Methods", ngx_string("POST") },
    { "Access-Control-Allow-Headers",
      ngx_string("content-type, accept, x-requested-with, "
                 "idempotency-key") },
    { "Access-Control-Max-Age", ngx_string("7200") },
    { NULL, ngx_null_string }
};


ngx_int_t
ngx_http_intake_form_headers(ngx_http_intake_ctx_t *ctx)
{
    ngx_str_t           *origin, expose;
    ngx_http_request_t  *r;

    r = ctx->request;

    if (ngx_http_intake_add_headers(r, ngx_http_intake_common_headers)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    origin = ngx_http_intake_cors_origin(ctx);

    if (origin == NULL) {
        return NGX_OK;
    }

    ngx_str_set(&expose, "Retry-After");

    if (ngx_http_intake_add_header(r, "Access-Control-Allow-Origin", origin)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_intake_add_header(r, "Access-Control-Expose-Headers",
                                      &expose);
}


ngx_int_t
ngx_http_intake_preflight(ngx_http_intake_ctx_t *ctx)
{
    ngx_int_t            rc;
    ngx_str_t            none;
    ngx_http_request_t  *r;

    r = ctx->request;

    rc = ngx_http_discard_request_body(r);

    if (rc != NGX_OK) {
        return rc;
    }

    if (ngx_http_intake_form_allow(ctx) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (ngx_http_intake_request_header(r, "access-control-request-method")
        && ngx_http_intake_cors_origin(ctx)
        && ngx_http_intake_add_headers(r, ngx_http_intake_preflight_headers)
           != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    /* no delivery: it is not counted */

    ctx->answered = 1;
    ngx_str_null(&none);

    return ngx_http_intake_send(r, NGX_HTTP_NO_CONTENT, &none, &none);
}


/* the origin that may read the answer, as it wrote itself; NULL: none */

static ngx_str_t *
ngx_http_intake_cors_origin(ngx_http_intake_ctx_t *ctx)
{
    ngx_str_t                    *origin;
    ngx_http_intake_form_conf_t  *form;

    form = ctx->source->form;

    if (form->origins == NULL) {
        return NULL;
    }

    origin = ngx_http_intake_request_header(ctx->request, "origin");

    if (origin && ngx_http_intake_origin_listed(form, origin)) {
        return origin;
    }

    return NULL;
}


static ngx_int_t
ngx_http_intake_add_headers(ngx_http_request_t *r,
    ngx_http_intake_fixed_header_t *header)
{
    for ( /* void */ ; header->name; header++) {
        if (ngx_http_intake_add_header(r, header->name, &header->value)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}
