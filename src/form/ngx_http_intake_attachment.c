
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake.h"


ngx_int_t
ngx_http_intake_attachment_open(ngx_http_intake_ctx_t *ctx,
    ngx_http_intake_form_upload_t *upload)
{
    ctx->code = NGX_HTTP_INTAKE_NO_FILE_UPLOADS;
    return NGX_DECLINED;
}


ngx_int_t
ngx_http_intake_attachment_write(ngx_http_intake_ctx_t *ctx,
    ngx_http_intake_form_upload_t *upload, u_char *p, size_t len)
{
    return NGX_OK;
}


ngx_int_t
ngx_http_intake_attachment_close(ngx_http_intake_ctx_t *ctx,
    ngx_http_intake_form_upload_t *upload)
{
    return NGX_OK;
}


ngx_int_t
ngx_http_intake_keep_attachments(ngx_http_intake_ctx_t *ctx)
{
    return NGX_OK;
}


void
ngx_http_intake_attachments_init(ngx_cycle_t *cycle,
    ngx_http_intake_main_conf_t *imcf)
{
}


void
ngx_http_intake_attachments_exit(void)
{
}
