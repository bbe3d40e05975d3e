
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake.h"


/*
 * limit_req and its like refuse a form before its body is read, and the page
 * that says so could not give back what was written.  So a form that a browser
 * sends, if it is no longer than somebody writes, is read before them.  It is
 * parsed when there is such a page to make, and only then.
 */


#define NGX_HTTP_INTAKE_EARLY_BODY  65536       /* bytes */


static ngx_uint_t ngx_http_intake_is_early(ngx_http_intake_ctx_t *ctx);
static void ngx_http_intake_early_handler(ngx_http_request_t *r);


ngx_int_t
ngx_http_intake_read_early(ngx_http_intake_ctx_t *ctx)
{
    ngx_int_t            rc;
    ngx_http_request_t  *r;

    if (ctx->early || !ngx_http_intake_is_early(ctx)) {
        return NGX_DECLINED;
    }

    ctx->early = 1;

    r = ctx->request;

    rc = ngx_http_read_client_request_body(r, ngx_http_intake_early_handler);

    if (rc >= NGX_HTTP_SPECIAL_RESPONSE) {
        return rc;
    }

    /* the reference that reading the body took */

    ngx_http_finalize_request(r, NGX_DONE);

    return NGX_DONE;
}


/*
 * Who waits for "100 Continue" is not told to send what may be refused.  A
 * length that is not declared is known only when all of it has been read.
 */

static ngx_uint_t
ngx_http_intake_is_early(ngx_http_intake_ctx_t *ctx)
{
    ngx_intake_mime_t        mime;
    ngx_http_request_t      *r;
    ngx_intake_form_type_e   type;

    r = ctx->request;

    if (ctx->source->form == NULL
        || r->method != NGX_HTTP_POST
        || r->headers_in.content_length_n <= 0
        || r->headers_in.content_length_n > NGX_HTTP_INTAKE_EARLY_BODY
        || r->headers_in.chunked
        || r->headers_in.expect
        || r->headers_in.content_type == NULL
        || !ngx_http_intake_wants_page(ctx))
    {
        return 0;
    }

    return ngx_intake_form_type(&r->headers_in.content_type->value, &mime,
                                &type)
           == NGX_OK
           && type != NGX_INTAKE_FORM_JSON;
}


/* the phases go on where they were: with preaccess, for the second time */

static void
ngx_http_intake_early_handler(ngx_http_request_t *r)
{
    r->write_event_handler = ngx_http_core_run_phases;
    ngx_http_core_run_phases(r);
}


void
ngx_http_intake_recall(ngx_http_intake_ctx_t *ctx)
{
    if (!ctx->early || ctx->submission) {
        return;
    }

    if (ngx_http_intake_submission_create(ctx) != NGX_OK) {
        return;
    }

    (void) ngx_http_intake_submission_recall(ctx);

    if (!ctx->submission->read) {
        ctx->submission = NULL;
    }
}
