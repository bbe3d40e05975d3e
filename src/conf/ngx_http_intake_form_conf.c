
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake.h"


/* the directives of forms in intake_source { } */


static ngx_array_t  ngx_http_intake_no_paths;

ngx_http_intake_platform_t  ngx_http_intake_form_platform;


char *
ngx_http_intake_source_form(ngx_conf_t *cf, ngx_http_intake_directive_t *d,
    void *conf)
{
    ngx_http_intake_source_t *source = conf;

    ngx_http_intake_form_conf_t  *form;

    form = ngx_pcalloc(cf->pool, sizeof(ngx_http_intake_form_conf_t));
    if (form == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_intake_form_limits_init(&form->limits);

    source->form = form;

    return NGX_CONF_OK;
}


char *
ngx_http_intake_check_form(ngx_conf_t *cf, ngx_http_intake_source_t *source)
{
    ngx_http_intake_platform_t  *platform;

    platform = &ngx_http_intake_form_platform;

    ngx_memzero(platform, sizeof(ngx_http_intake_platform_t));
    ngx_str_set(&platform->name, "form");
    ngx_str_set(&platform->type_as, "intake.form.submitted");
    platform->algorithm = NGX_INTAKE_ALGORITHM_NONE;
    platform->methods = NGX_HTTP_POST;
    platform->paths = &ngx_http_intake_no_paths;
    platform->max_body = NGX_CONF_UNSET_SIZE;
    platform->deadline = NGX_CONF_UNSET_MSEC;
    platform->dedupe.window = 600000;
    platform->dedupe.key = NGX_HTTP_INTAKE_DEDUPE_BODY;

    source->paths = platform->paths;

    return NGX_CONF_OK;
}
