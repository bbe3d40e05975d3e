
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake_platform.h"
#include "ngx_http_intake_token.h"


/* The directives that a source has in common with its platform or Redis. */


#define NGX_HTTP_INTAKE_MAX_REPLICAS  100


static ngx_int_t ngx_http_intake_dedupe_option(ngx_conf_t *cf, ngx_uint_t n,
    ngx_http_intake_dedupe_t *dedupe);
static ngx_int_t ngx_http_intake_list_header(ngx_conf_t *cf,
    ngx_array_t *headers, ngx_str_t *name);


static ngx_http_intake_choice_t  ngx_http_intake_dedupe_keys[] = {
    { ngx_string("id"), NGX_HTTP_INTAKE_DEDUPE_ID },
    { ngx_string("body"), NGX_HTTP_INTAKE_DEDUPE_BODY },
    { ngx_string("none"), NGX_HTTP_INTAKE_DEDUPE_NONE },
    ngx_http_intake_null_choice
};


static ngx_http_intake_choice_t  ngx_http_intake_duplicates[] = {
    { ngx_string("drop"), 0 },
    { ngx_string("mark"), 1 },
    ngx_http_intake_null_choice
};


/* headers that are credentials, whatever the platform */

static ngx_http_intake_choice_t  ngx_http_intake_credentials[] = {
    { ngx_string("authorization"), 0 },
    { ngx_string("cookie"), 0 },
    { ngx_string("proxy-authorization"), 0 },
    ngx_http_intake_null_choice
};


/* dedupe window=TIME [key=id|body|none] [on_duplicate=drop|mark] */

char *
ngx_http_intake_set_dedupe(ngx_conf_t *cf, ngx_http_intake_directive_t *d,
    void *conf)
{
    ngx_int_t                  rc;
    ngx_uint_t                 i;
    ngx_http_intake_dedupe_t  *dedupe;

    dedupe = (ngx_http_intake_dedupe_t *) ((u_char *) conf + d->offset);

    ngx_memzero(dedupe, sizeof(ngx_http_intake_dedupe_t));
    ngx_http_intake_position(cf, &dedupe->position);

    for (i = 1; i < cf->args->nelts; i++) {
        rc = ngx_http_intake_dedupe_option(cf, i, dedupe);

        if (rc == NGX_DECLINED) {
            return "takes window=, key= and on_duplicate=";
        }

        if (rc != NGX_OK) {
            return NGX_CONF_ERROR;
        }
    }

    if (dedupe->window == 0 && dedupe->key != NGX_HTTP_INTAKE_DEDUPE_NONE) {
        return "has no \"window=\": write the time in which the sender "
               "repeats itself, such as window=1d";
    }

    dedupe->set = 1;

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_http_intake_dedupe_option(ngx_conf_t *cf, ngx_uint_t n,
    ngx_http_intake_dedupe_t *dedupe)
{
    ngx_int_t  rc, value;
    ngx_str_t  text;

    rc = ngx_http_intake_single_param(cf, n, "window=", "dedupe", &text);

    if (rc == NGX_OK) {
        value = ngx_parse_time(&text, 0);

        if (value == NGX_ERROR || value == 0) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid time \"window=%V\" in \"dedupe\", "
                               "write one such as window=1d", &text);
            return NGX_ERROR;
        }

        dedupe->window = value;
        return NGX_OK;
    }

    if (rc == NGX_DECLINED) {
        rc = ngx_http_intake_single_param(cf, n, "key=", "dedupe", &text);

        if (rc == NGX_OK) {
            value = ngx_http_intake_choose(cf, ngx_http_intake_dedupe_keys,
                                           &text, "key", "dedupe");
            dedupe->key = value;
            dedupe->key_set = 1;
            return value == NGX_ERROR ? NGX_ERROR : NGX_OK;
        }
    }

    if (rc == NGX_DECLINED) {
        rc = ngx_http_intake_single_param(cf, n, "on_duplicate=", "dedupe",
                                          &text);
        if (rc == NGX_OK) {
            value = ngx_http_intake_choose(cf, ngx_http_intake_duplicates,
                                           &text, "on_duplicate", "dedupe");
            dedupe->mark = value == 1;
            return value == NGX_ERROR ? NGX_ERROR : NGX_OK;
        }
    }

    return rc;
}


/* durability memory|fsync|replicas=N */

char *
ngx_http_intake_set_durability(ngx_conf_t *cf, ngx_http_intake_directive_t *d,
    void *conf)
{
    ngx_int_t                       n;
    ngx_str_t                      *value;
    ngx_intake_redis_durability_t  *durability;

    value = cf->args->elts;
    durability = (ngx_intake_redis_durability_t *)
                                               ((u_char *) conf + d->offset);

    durability->set = 1;

    if (ngx_strcmp(value[1].data, "memory") == 0) {
        return NGX_CONF_OK;
    }

    if (ngx_strcmp(value[1].data, "fsync") == 0) {
        durability->fsync = 1;
        return NGX_CONF_OK;
    }

    if (ngx_strncmp(value[1].data, "replicas=", 9) == 0) {
        n = ngx_atoi(value[1].data + 9, value[1].len - 9);

        if (n >= 1 && n <= NGX_HTTP_INTAKE_MAX_REPLICAS) {
            durability->replicas = n;
            return NGX_CONF_OK;
        }
    }

    return "must be \"memory\", \"fsync\" or replicas=N, with an N of 1 "
           "to 100";
}


/* headers NAME... */

char *
ngx_http_intake_set_headers(ngx_conf_t *cf, ngx_http_intake_directive_t *d,
    void *conf)
{
    ngx_str_t     *value;
    ngx_uint_t     i;
    ngx_array_t  **headers;

    value = cf->args->elts;
    headers = (ngx_array_t **) ((u_char *) conf + d->offset);

    *headers = ngx_array_create(cf->pool, cf->args->nelts - 1,
                                sizeof(ngx_str_t));
    if (*headers == NULL) {
        return NGX_CONF_ERROR;
    }

    for (i = 1; i < cf->args->nelts; i++) {
        if (ngx_http_intake_list_header(cf, *headers, &value[i]) != NGX_OK) {
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_http_intake_list_header(ngx_conf_t *cf, ngx_array_t *headers,
    ngx_str_t *name)
{
    ngx_str_t                  lower, *header;
    ngx_uint_t                 i;
    ngx_http_intake_choice_t  *credential;

    lower = *name;

    if (ngx_http_intake_header_name(cf, "headers", &lower) != NGX_OK) {
        return NGX_ERROR;
    }

    for (credential = ngx_http_intake_credentials;
         credential->name.len;
         credential++)
    {
        if (ngx_http_intake_same(&credential->name, &lower)) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "header \"%V\" in \"headers\" is a credential "
                               "and never stored, leave it out", name);
            return NGX_ERROR;
        }
    }

    header = headers->elts;

    for (i = 0; i < headers->nelts; i++) {
        if (ngx_http_intake_same(&header[i], &lower)) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "duplicate header \"%V\" in \"headers\"",
                               name);
            return NGX_ERROR;
        }
    }

    header = ngx_array_push(headers);
    if (header == NULL) {
        return NGX_ERROR;
    }

    *header = lower;

    return NGX_OK;
}


ngx_int_t
ngx_http_intake_check_headers(ngx_conf_t *cf, ngx_array_t *headers,
    ngx_http_intake_platform_t *platform,
    ngx_http_intake_position_t *position)
{
    ngx_str_t              *header;
    ngx_uint_t              i;
    ngx_http_intake_src_t  *src;

    src = platform->signature;

    if (headers == NULL || src == NULL
        || src->kind != NGX_HTTP_INTAKE_SRC_HEADER
        || (platform->algorithm != NGX_INTAKE_ALGORITHM_EQUAL
            && !ngx_http_intake_is_jwt(platform)))
    {
        return NGX_OK;
    }

    header = headers->elts;

    for (i = 0; i < headers->nelts; i++) {
        if (ngx_http_intake_same(&header[i], &src->name)) {
            ngx_http_intake_conf_log(cf, NGX_LOG_EMERG, position,
                                     "header \"%V\" in \"headers\" is the "
                                     "%s of platform \"%V\" and never "
                                     "stored, leave it out", &header[i],
                                     ngx_http_intake_is_jwt(platform)
                                         ? "token" : "secret",
                                     &platform->name);
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* tolerance TIME|off */

char *
ngx_http_intake_set_tolerance(ngx_conf_t *cf, ngx_http_intake_directive_t *d,
    void *conf)
{
    time_t     *tolerance;
    ngx_str_t  *value;

    value = cf->args->elts;
    tolerance = (time_t *) ((u_char *) conf + d->offset);

    if (ngx_http_intake_parse_tolerance(cf, &value[1], "tolerance", tolerance)
        != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


ngx_int_t
ngx_http_intake_parse_tolerance(ngx_conf_t *cf, ngx_str_t *text,
    const char *what, time_t *tolerance)
{
    ngx_int_t  value;

    if (text->len == 3 && ngx_strncmp(text->data, "off", 3) == 0) {
        *tolerance = 0;
        return NGX_OK;
    }

    value = ngx_parse_time(text, 1);

    if (value == NGX_ERROR || value == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid tolerance \"%V\" in \"%s\", write a time "
                           "of whole seconds, such as 5m, or \"off\"",
                           text, what);
        return NGX_ERROR;
    }

    *tolerance = value;

    return NGX_OK;
}
