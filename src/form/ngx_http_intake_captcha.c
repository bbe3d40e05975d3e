
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake.h"


ngx_int_t
ngx_http_intake_captcha(ngx_http_intake_ctx_t *ctx)
{
    return NGX_OK;
}
