
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake.h"


ngx_int_t
ngx_http_intake_validate(ngx_http_intake_ctx_t *ctx)
{
    return NGX_OK;
}


ngx_int_t
ngx_http_intake_form_error(ngx_http_intake_ctx_t *ctx, ngx_str_t *field,
    ngx_str_t *label, const char *code)
{
    ngx_http_intake_form_error_t  *error;

    error = ngx_array_push(&ctx->submission->errors);
    if (error == NULL) {
        return NGX_ERROR;
    }

    error->field = *field;
    error->label = *label;
    error->code = code;

    return NGX_OK;
}
