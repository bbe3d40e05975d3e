
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake.h"


/*
 * Secrets: inline or from a file.  They are wiped when the cycle that read
 * them ends, and never become a variable or a part of a log line.
 */


#define NGX_HTTP_INTAKE_MAX_SECRET_FILE  (64 * 1024)


static ngx_int_t ngx_http_intake_read_secret_file(ngx_conf_t *cf,
    ngx_str_t *argument, const char *what, ngx_str_t *value);
static ngx_int_t ngx_http_intake_wipe_at_exit(ngx_conf_t *cf,
    ngx_str_t *value);
static void ngx_http_intake_wipe(void *data);


ngx_int_t
ngx_http_intake_read_secret(ngx_conf_t *cf, ngx_str_t *argument,
    const char *what, ngx_str_t *value)
{
    if (argument->len >= 5 && ngx_strncmp(argument->data, "file:", 5) == 0) {
        if (ngx_http_intake_read_secret_file(cf, argument, what, value)
            != NGX_OK)
        {
            return NGX_ERROR;
        }

    } else {
        *value = *argument;
    }

    if (value->len == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%s\" is empty: write a value, or file:PATH "
                           "of a file that holds it", what);
        return NGX_ERROR;
    }

    return ngx_http_intake_wipe_at_exit(cf, value);
}


static ngx_int_t
ngx_http_intake_read_secret_file(ngx_conf_t *cf, ngx_str_t *argument,
    const char *what, ngx_str_t *value)
{
    ngx_str_t        path;
    ngx_file_info_t  fi;

    path.len = argument->len - 5;
    path.data = argument->data + 5;

    if (path.len == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "no path after \"file:\" in \"%s\"", what);
        return NGX_ERROR;
    }

    if (ngx_conf_full_name(cf->cycle, &path, 1) != NGX_OK
        || ngx_http_intake_read_file(cf, &path,
                                     NGX_HTTP_INTAKE_MAX_SECRET_FILE, value,
                                     &fi)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (ngx_file_access(&fi) & 0004) {
        ngx_conf_log_error(NGX_LOG_WARN, cf, 0,
                           "\"%V\" of \"%s\" can be read by others, "
                           "run: chmod o-r %V", &path, what, &path);
    }

    /* editors end a file with a line feed; it is no part of the secret */

    if (value->len && value->data[value->len - 1] == LF) {
        value->len--;

        if (value->len && value->data[value->len - 1] == CR) {
            value->len--;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_intake_wipe_at_exit(ngx_conf_t *cf, ngx_str_t *value)
{
    ngx_pool_cleanup_t  *cln;

    cln = ngx_pool_cleanup_add(cf->pool, sizeof(ngx_str_t));
    if (cln == NULL) {
        return NGX_ERROR;
    }

    *(ngx_str_t *) cln->data = *value;
    cln->handler = ngx_http_intake_wipe;

    return NGX_OK;
}


static void
ngx_http_intake_wipe(void *data)
{
    ngx_str_t  *value = data;

    ngx_explicit_memzero(value->data, value->len);
}
