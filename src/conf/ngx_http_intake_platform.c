
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake_platform.h"


/* intake_platform NAME { }: how one kind of sender signs and identifies */


#define NGX_HTTP_INTAKE_DEFAULT_TOLERANCE  300                 /* s */
#define NGX_HTTP_INTAKE_DEFAULT_WINDOW     (24 * 3600 * 1000)  /* ms */


static ngx_http_intake_platform_conf_t *ngx_http_intake_create_platform(
    ngx_conf_t *cf, ngx_http_intake_main_conf_t *imcf, ngx_str_t *name);
static char *ngx_http_intake_platform_id(ngx_conf_t *cf,
    ngx_http_intake_directive_t *d, void *conf);
static char *ngx_http_intake_platform_type(ngx_conf_t *cf,
    ngx_http_intake_directive_t *d, void *conf);
static char *ngx_http_intake_platform_methods(ngx_conf_t *cf,
    ngx_http_intake_directive_t *d, void *conf);
static char *ngx_http_intake_platform_answer(ngx_conf_t *cf,
    ngx_http_intake_directive_t *d, void *conf);
static char *ngx_http_intake_platform_headers(ngx_conf_t *cf,
    ngx_http_intake_directive_t *d, void *conf);
static char *ngx_http_intake_platform_max_body(ngx_conf_t *cf,
    ngx_http_intake_directive_t *d, void *conf);
static ngx_int_t ngx_http_intake_add_src(ngx_conf_t *cf,
    ngx_http_intake_platform_conf_t *pc, ngx_array_t **srcs, ngx_str_t *arg,
    const char *what);


static ngx_http_intake_directive_t  ngx_http_intake_platform_directives[] = {

    { ngx_string("algorithm"), 1, 2, ngx_http_intake_set_algorithm,
      0, 0 },

    { ngx_string("signature"), 1, 5, ngx_http_intake_set_signature,
      0, 0 },

    { ngx_string("key"), 1, 2, ngx_http_intake_set_key, 0, 0 },

    { ngx_string("signed"), 1, 1, ngx_http_intake_set_signed, 0, 0 },

    { ngx_string("url_variants"), 1, 1, ngx_http_intake_set_url_variants,
      0, 0 },

    { ngx_string("url_decode"), 1, 1, ngx_http_intake_set_url_decode,
      0, 0 },

    { ngx_string("body_digest"), 1, 4, ngx_http_intake_set_body_digest,
      0, 0 },

    { ngx_string("timestamp"), 1, 5, ngx_http_intake_set_timestamp,
      0, 0 },

    { ngx_string("claim"), 1, 4, ngx_http_intake_set_claim, 0, 1 },

    { ngx_string("document"), 1, 3, ngx_http_intake_set_document, 0, 0 },

    { ngx_string("id"), 1, NGX_HTTP_INTAKE_ANY_ARGS,
      ngx_http_intake_platform_id, 0, 0 },

    { ngx_string("type"), 1, NGX_HTTP_INTAKE_ANY_ARGS,
      ngx_http_intake_platform_type, 0, 0 },

    { ngx_string("challenge"), 3, NGX_HTTP_INTAKE_ANY_ARGS,
      ngx_http_intake_set_challenge, 0, 1 },

    { ngx_string("message"), 2, NGX_HTTP_INTAKE_ANY_ARGS,
      ngx_http_intake_set_message, 0, 1 },

    { ngx_string("methods"), 1, 2, ngx_http_intake_platform_methods, 0, 0 },

    { ngx_string("dedupe"), 1, 3, ngx_http_intake_set_dedupe,
      offsetof(ngx_http_intake_platform_t, dedupe), 0 },

    { ngx_string("answer"), 1, 3, ngx_http_intake_platform_answer, 0, 0 },

    { ngx_string("headers"), 1, NGX_HTTP_INTAKE_ANY_ARGS,
      ngx_http_intake_platform_headers,
      offsetof(ngx_http_intake_platform_t, headers), 0 },

    { ngx_string("max_body"), 1, 1, ngx_http_intake_platform_max_body,
      offsetof(ngx_http_intake_platform_t, max_body), 0 },

    { ngx_string("deadline"), 1, 1, ngx_http_intake_set_msec,
      offsetof(ngx_http_intake_platform_t, deadline), 0 },

    ngx_http_intake_null_directive
};


static ngx_http_intake_choice_t  ngx_http_intake_delivery_methods[] = {
    { ngx_string("POST"), NGX_HTTP_POST },
    { ngx_string("GET"), NGX_HTTP_GET },
    ngx_http_intake_null_choice
};


char *
ngx_http_intake_platform_block(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_intake_main_conf_t *imcf = conf;

    char                             *rv;
    ngx_str_t                        *value, block;
    ngx_http_intake_platform_t      **slot;
    ngx_http_intake_platform_conf_t  *pc;

    value = cf->args->elts;

    pc = ngx_http_intake_create_platform(cf, imcf, &value[1]);
    if (pc == NULL) {
        return NGX_CONF_ERROR;
    }

    block.len = sizeof("intake_platform \"\"") - 1 + pc->platform.name.len;
    block.data = ngx_pnalloc(cf->pool, block.len);
    if (block.data == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_sprintf(block.data, "intake_platform \"%V\"", &pc->platform.name);

    rv = ngx_http_intake_read_block(cf, &block,
                                    ngx_http_intake_platform_directives, pc);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    rv = ngx_http_intake_check_platform(cf, pc);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    slot = ngx_array_push(imcf->platforms);
    if (slot == NULL) {
        return NGX_CONF_ERROR;
    }

    *slot = &pc->platform;

    return NGX_CONF_OK;
}


static ngx_http_intake_platform_conf_t *
ngx_http_intake_create_platform(ngx_conf_t *cf,
    ngx_http_intake_main_conf_t *imcf, ngx_str_t *name)
{
    ngx_http_intake_platform_t       *platform;
    ngx_http_intake_platform_conf_t  *pc;

    if (ngx_http_intake_check_new_name(cf, imcf->platforms, name,
                                       "intake_platform")
        != NGX_CONF_OK)
    {
        return NULL;
    }

    pc = ngx_pcalloc(cf->pool, sizeof(ngx_http_intake_platform_conf_t));
    if (pc == NULL) {
        return NULL;
    }

    platform = &pc->platform;

    platform->name = *name;
    platform->signature_encoding = NGX_INTAKE_ENCODING_HEX;
    platform->elements = NGX_CONF_UNSET_UINT;
    platform->body_digest_encoding = NGX_INTAKE_ENCODING_HEX;
    platform->timestamp_unit = NGX_INTAKE_TIME_S;
    platform->tolerance = NGX_HTTP_INTAKE_DEFAULT_TOLERANCE;
    platform->methods = NGX_HTTP_POST;
    platform->dedupe.window = NGX_HTTP_INTAKE_DEFAULT_WINDOW;
    platform->max_body = NGX_CONF_UNSET_SIZE;
    platform->deadline = NGX_CONF_UNSET_MSEC;

    ngx_http_intake_position(cf, &platform->position);

    platform->paths = ngx_array_create(cf->pool, 4,
                                       sizeof(ngx_intake_json_path_t));
    if (platform->paths == NULL) {
        return NULL;
    }

    return pc;
}


/* id SRC... [joined] [unsigned] */

static char *
ngx_http_intake_platform_id(ngx_conf_t *cf, ngx_http_intake_directive_t *d,
    void *conf)
{
    ngx_http_intake_platform_conf_t *pc = conf;

    ngx_str_t   *value;
    ngx_uint_t   i;

    value = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {

        if (ngx_strcmp(value[i].data, "joined") == 0) {
            pc->platform.id_joined = 1;
            continue;
        }

        if (ngx_strcmp(value[i].data, "unsigned") == 0) {
            pc->platform.id_unsigned = 1;
            continue;
        }

        if (ngx_http_intake_add_src(cf, pc, &pc->platform.id, &value[i], "id")
            != NGX_OK)
        {
            return NGX_CONF_ERROR;
        }
    }

    if (pc->platform.id == NULL) {
        return "names no source: write one, such as header:X-Request-Id";
    }

    ngx_http_intake_position(cf, &pc->id);

    return NGX_CONF_OK;
}


/* type SRC... [joined] [as=PREFIX]; as= alone: every type is "event" */

static char *
ngx_http_intake_platform_type(ngx_conf_t *cf, ngx_http_intake_directive_t *d,
    void *conf)
{
    ngx_http_intake_platform_conf_t *pc = conf;

    ngx_int_t    rc;
    ngx_str_t   *value, text;
    ngx_uint_t   i;

    value = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {

        if (ngx_strcmp(value[i].data, "joined") == 0) {
            pc->platform.type_joined = 1;
            continue;
        }

        rc = ngx_http_intake_single_param(cf, i, "as=", "type", &text);

        if (rc == NGX_OK) {
            pc->platform.type_as = text;
            continue;
        }

        if (rc == NGX_DECLINED) {
            rc = ngx_http_intake_add_src(cf, pc, &pc->platform.type,
                                         &value[i], "type");
        }

        if (rc != NGX_OK) {
            return NGX_CONF_ERROR;
        }
    }

    if (pc->platform.type == NULL && pc->platform.type_as.len == 0) {
        return "names no source: write one, such as json:type";
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_intake_platform_methods(ngx_conf_t *cf,
    ngx_http_intake_directive_t *d, void *conf)
{
    ngx_http_intake_platform_conf_t *pc = conf;

    ngx_int_t    method;
    ngx_str_t   *value;
    ngx_uint_t   i;

    value = cf->args->elts;

    pc->platform.methods = 0;

    for (i = 1; i < cf->args->nelts; i++) {

        method = ngx_http_intake_choose(cf, ngx_http_intake_delivery_methods,
                                        &value[i], "method", "methods");
        if (method == NGX_ERROR) {
            return NGX_CONF_ERROR;
        }

        pc->platform.methods |= method;
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_intake_platform_answer(ngx_conf_t *cf,
    ngx_http_intake_directive_t *d, void *conf)
{
    ngx_http_intake_platform_conf_t *pc = conf;

    ngx_http_intake_position(cf, &pc->answer);

    return ngx_http_intake_parse_answer(cf, pc->platform.paths,
                                        &pc->platform.answer);
}


static char *
ngx_http_intake_platform_headers(ngx_conf_t *cf,
    ngx_http_intake_directive_t *d, void *conf)
{
    ngx_http_intake_platform_conf_t *pc = conf;

    ngx_http_intake_position(cf, &pc->headers);

    return ngx_http_intake_set_headers(cf, d, conf);
}


static char *
ngx_http_intake_platform_max_body(ngx_conf_t *cf,
    ngx_http_intake_directive_t *d, void *conf)
{
    ngx_http_intake_platform_conf_t *pc = conf;

    char  *rv;

    rv = ngx_http_intake_set_size(cf, d, conf);

    if (rv == NGX_CONF_OK && pc->platform.max_body > NGX_HTTP_INTAKE_MAX_BODY)
    {
        return "is larger than 512m, which Redis takes in one value";
    }

    return rv;
}


/* a SRC of several, or an option of the one before */

static ngx_int_t
ngx_http_intake_add_src(ngx_conf_t *cf, ngx_http_intake_platform_conf_t *pc,
    ngx_array_t **srcs, ngx_str_t *arg, const char *what)
{
    ngx_int_t               rc;
    ngx_http_intake_src_t  *src;

    src = NULL;

    if (*srcs) {
        src = (*srcs)->elts;
        src += (*srcs)->nelts - 1;
    }

    rc = ngx_http_intake_src_option(cf, arg, what, src);

    if (rc != NGX_DECLINED) {
        return rc;
    }

    if (*srcs == NULL) {
        *srcs = ngx_array_create(cf->pool, 2, sizeof(ngx_http_intake_src_t));
        if (*srcs == NULL) {
            return NGX_ERROR;
        }
    }

    src = ngx_array_push(*srcs);
    if (src == NULL) {
        return NGX_ERROR;
    }

    return ngx_http_intake_parse_src(cf, pc->platform.paths, arg, what, src);
}
