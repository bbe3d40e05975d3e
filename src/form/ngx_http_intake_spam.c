
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake.h"


ngx_str_t  ngx_http_intake_spam_reasons[NGX_HTTP_INTAKE_SPAM_REASONS] = {
    ngx_string("honeypot"),
    ngx_string("token_forged"),
    ngx_string("token_missing"),
    ngx_string("too_fast"),
    ngx_string("cross_site"),
    ngx_string("request_shape"),
    ngx_string("links"),
    ngx_string("markup"),
    ngx_string("address_in_name"),
    ngx_string("same_text"),
    ngx_string("words"),
    ngx_string("domain"),
    ngx_string("captcha_unverified")
};


ngx_int_t
ngx_http_intake_spam(ngx_http_intake_ctx_t *ctx)
{
    return NGX_OK;
}
