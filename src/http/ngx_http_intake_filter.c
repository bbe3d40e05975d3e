
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake.h"


/*
 * Answers of 400 and up that nginx itself makes in an intake location (a body
 * over the limit, limit_req, auth_basic, ...) get the form of ours: whoever
 * posts there reads JSON, not a page; the visitor of a form reads a page of
 * ours.  All answers of a form have headers of their own.
 */


static ngx_int_t ngx_http_intake_header_filter(ngx_http_request_t *r);
static ngx_int_t ngx_http_intake_replace(ngx_http_intake_ctx_t *ctx);
static ngx_int_t ngx_http_intake_body_filter(ngx_http_request_t *r,
    ngx_chain_t *in);


static ngx_http_output_header_filter_pt  ngx_http_next_header_filter;
static ngx_http_output_body_filter_pt    ngx_http_next_body_filter;


static ngx_int_t
ngx_http_intake_header_filter(ngx_http_request_t *r)
{
    ngx_http_intake_ctx_t       *ctx;
    ngx_http_intake_loc_conf_t  *ilcf;

    if (r != r->main) {
        return ngx_http_next_header_filter(r);
    }

    ctx = ngx_http_get_module_ctx(r, ngx_http_intake_module);
    ilcf = ngx_http_get_module_loc_conf(r, ngx_http_intake_module);

    if (ctx == NULL || ilcf->source == NULL
        || (ilcf->get_page && (r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD))))
    {
        return ngx_http_next_header_filter(r);
    }

    /* a declared length over the limit is refused before preaccess */

    ctx->source = ilcf->source;

    if (r->headers_out.status >= NGX_HTTP_BAD_REQUEST
        && !ctx->answered
        && ngx_http_intake_replace(ctx) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (ctx->source->form && ngx_http_intake_form_headers(ctx) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_next_header_filter(r);
}


static ngx_int_t
ngx_http_intake_replace(ngx_http_intake_ctx_t *ctx)
{
    ngx_str_t                body, type;
    ngx_uint_t               status;
    ngx_http_request_t      *r;
    ngx_http_intake_code_e   code;

    r = ctx->request;
    status = r->headers_out.status;
    code = ngx_http_intake_code_of_status(r, status);

    r->headers_out.charset.len = 0;

    if (ctx->source->form) {
        if (ngx_http_intake_form_problem(ctx, code, status, &type, &body)
            != NGX_OK)
        {
            return NGX_ERROR;
        }

    } else {
        ngx_str_set(&type, "application/problem+json");

        if (ngx_http_intake_problem(ctx, code, status, &body) != NGX_OK) {
            return NGX_ERROR;
        }

        /* the header of auth_basic and its like stays the only one */

        if (r->headers_out.www_authenticate == NULL
            && ngx_http_intake_problem_headers(ctx, status) != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    ngx_http_clear_accept_ranges(r);
    ngx_http_clear_last_modified(r);
    ngx_http_clear_etag(r);
    ngx_http_clear_content_length(r);

    r->headers_out.content_length_n = body.len;
    r->headers_out.content_type = type;
    r->headers_out.content_type_len = type.len;
    r->headers_out.content_type_lowcase = NULL;

    ctx->replacement = body;
    ctx->replace = 1;

    return NGX_OK;
}


static ngx_int_t
ngx_http_intake_body_filter(ngx_http_request_t *r, ngx_chain_t *in)
{
    ngx_buf_t              *b;
    ngx_chain_t            *cl, out;
    ngx_http_intake_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_intake_module);

    if (in == NULL || ctx == NULL || !ctx->replace) {
        return ngx_http_next_body_filter(r, in);
    }

    for (cl = in; cl; cl = cl->next) {
        cl->buf->pos = cl->buf->last;
        cl->buf->file_pos = cl->buf->file_last;
    }

    if (ctx->replacement.len == 0) {
        return NGX_OK;
    }

    b = ngx_calloc_buf(r->pool);
    if (b == NULL) {
        return NGX_ERROR;
    }

    b->pos = ctx->replacement.data;
    b->last = ctx->replacement.data + ctx->replacement.len;
    b->memory = 1;
    b->last_buf = 1;
    b->last_in_chain = 1;

    ctx->replacement.len = 0;

    out.buf = b;
    out.next = NULL;

    return ngx_http_next_body_filter(r, &out);
}


void
ngx_http_intake_add_filters(void)
{
    ngx_http_next_header_filter = ngx_http_top_header_filter;
    ngx_http_top_header_filter = ngx_http_intake_header_filter;

    ngx_http_next_body_filter = ngx_http_top_body_filter;
    ngx_http_top_body_filter = ngx_http_intake_body_filter;
}
