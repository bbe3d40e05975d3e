
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake.h"


/*
 * The way of a submission: its steps one after the other, each of which may
 * have to wait.
 */


typedef ngx_int_t (*ngx_http_intake_step_pt)(ngx_http_intake_ctx_t *ctx);


static ngx_int_t ngx_http_intake_next_steps(ngx_http_intake_ctx_t *ctx,
    ngx_int_t rc);


static ngx_http_intake_step_pt  ngx_http_intake_steps[] = {
    ngx_http_intake_submission_read,
    ngx_http_intake_validate,
    ngx_http_intake_captcha,
    ngx_http_intake_spam,
    ngx_http_intake_keep_attachments,
    ngx_http_intake_form_event,
    ngx_http_intake_deliver,
    NULL
};


ngx_int_t
ngx_http_intake_submit(ngx_http_intake_ctx_t *ctx)
{
    if (ngx_http_intake_submission_create(ctx) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_intake_next_steps(ctx, NGX_OK);
}


ngx_int_t
ngx_http_intake_submission_create(ngx_http_intake_ctx_t *ctx)
{
    ngx_pool_t                    *pool;
    ngx_http_intake_submission_t  *submission;

    pool = ctx->request->pool;

    submission = ngx_pcalloc(pool, sizeof(ngx_http_intake_submission_t));
    if (submission == NULL) {
        return NGX_ERROR;
    }

    if (ngx_array_init(&submission->values, pool, 8,
                       sizeof(ngx_http_intake_form_value_t))
        != NGX_OK
        || ngx_array_init(&submission->uploads, pool, 1,
                          sizeof(ngx_http_intake_form_upload_t))
           != NGX_OK
        || ngx_array_init(&submission->errors, pool, 1,
                          sizeof(ngx_http_intake_form_error_t))
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    ctx->submission = submission;

    return NGX_OK;
}


void
ngx_http_intake_submit_continue(ngx_http_intake_ctx_t *ctx, ngx_int_t rc)
{
    ngx_connection_t    *c;
    ngx_http_request_t  *r;

    r = ctx->request;
    c = r->connection;

    rc = ngx_http_intake_next_steps(ctx, rc);

    if (rc == NGX_DONE) {
        return;
    }

    if (rc == NGX_ERROR && !r->header_sent) {
        rc = NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_http_finalize_request(r, rc);
    ngx_http_run_posted_requests(c);
}


/* rc is that of the step before the next one */

static ngx_int_t
ngx_http_intake_next_steps(ngx_http_intake_ctx_t *ctx, ngx_int_t rc)
{
    ngx_http_intake_step_pt  step;

    for ( ;; ) {

        switch (rc) {

        case NGX_OK:
            break;

        case NGX_AGAIN:
            return NGX_DONE;

        case NGX_DECLINED:
            ngx_http_intake_drop_attachments(ctx);
            return ngx_http_intake_refuse(ctx, ctx->code);

        default:
            return rc;
        }

        step = ngx_http_intake_steps[ctx->submission->step++];

        if (step == NULL) {

            /* it has been queued: http/deliver answers it */

            return NGX_DONE;
        }

        rc = step(ctx);
    }
}
