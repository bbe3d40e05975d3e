
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake.h"


ngx_int_t
ngx_http_intake_form_token(ngx_http_request_t *r,
    ngx_http_intake_source_t *source, ngx_str_t *token)
{
    return NGX_ERROR;
}


ngx_int_t
ngx_http_intake_check_form_token(ngx_http_intake_ctx_t *ctx)
{
    return NGX_OK;
}


ngx_int_t
ngx_http_intake_token_handler(ngx_http_request_t *r)
{
    return NGX_HTTP_NOT_FOUND;
}
