
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake.h"


ngx_int_t
ngx_http_intake_submission_read(ngx_http_intake_ctx_t *ctx)
{
    ctx->submission->read = 1;
    return NGX_OK;
}


ngx_int_t
ngx_http_intake_form_event(ngx_http_intake_ctx_t *ctx)
{
    return ngx_http_intake_event(ctx);
}


ngx_http_intake_form_value_t *
ngx_http_intake_form_value(ngx_http_intake_ctx_t *ctx, ngx_str_t *name)
{
    return NULL;
}
