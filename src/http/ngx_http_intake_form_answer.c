
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake.h"


static ngx_str_t  ngx_http_intake_form_json_type =
    ngx_string("application/json");


ngx_int_t
ngx_http_intake_form_accept(ngx_http_intake_ctx_t *ctx)
{
    ngx_str_t  body;

    ctx->answered = 1;
    ctx->outcome = ctx->duplicate ? NGX_HTTP_INTAKE_DUPLICATE
                                  : NGX_HTTP_INTAKE_STORED;
    ngx_http_intake_count_request(ctx);
    ngx_str_set(&body, "{\"ok\":true}");

    return ngx_http_intake_send(ctx->request, NGX_HTTP_OK,
                                &ngx_http_intake_form_json_type, &body);
}


ngx_int_t
ngx_http_intake_form_refuse(ngx_http_intake_ctx_t *ctx,
    ngx_http_intake_code_e code)
{
    ngx_str_t  body;

    if (ngx_http_intake_problem(ctx, code, 422, &body) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_intake_send(ctx->request, 422,
                                &ngx_http_intake_form_json_type, &body);
}


ngx_int_t
ngx_http_intake_form_problem(ngx_http_intake_ctx_t *ctx,
    ngx_http_intake_code_e code, ngx_uint_t status, ngx_str_t *type,
    ngx_str_t *body)
{
    *type = ngx_http_intake_form_json_type;
    return ngx_http_intake_problem(ctx, code, status, body);
}


ngx_int_t
ngx_http_intake_form_headers(ngx_http_intake_ctx_t *ctx)
{
    return NGX_OK;
}


ngx_int_t
ngx_http_intake_preflight(ngx_http_intake_ctx_t *ctx)
{
    return NGX_HTTP_NO_CONTENT;
}


ngx_uint_t
ngx_http_intake_is_navigation(ngx_http_request_t *r)
{
    return 0;
}
