
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake.h"


ngx_http_intake_origin_e
ngx_http_intake_origin(ngx_http_request_t *r,
    ngx_http_intake_form_conf_t *form)
{
    return NGX_HTTP_INTAKE_ORIGIN_UNKNOWN;
}


ngx_int_t
ngx_http_intake_own_origin(ngx_http_request_t *r, ngx_str_t *origin)
{
    ngx_str_null(origin);
    return NGX_OK;
}
