
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
    size_t           size;
    ssize_t          n;
    ngx_int_t        rc;
    ngx_file_t       file;
    ngx_file_info_t  fi;

    ngx_memzero(&file, sizeof(ngx_file_t));

    file.name.len = argument->len - 5;
    file.name.data = argument->data + 5;
    file.log = cf->log;

    if (file.name.len == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "no path after \"file:\" in \"%s\"", what);
        return NGX_ERROR;
    }

    if (ngx_conf_full_name(cf->cycle, &file.name, 1) != NGX_OK) {
        return NGX_ERROR;
    }

    file.fd = ngx_open_file(file.name.data, NGX_FILE_RDONLY, NGX_FILE_OPEN,
                            0);
    if (file.fd == NGX_INVALID_FILE) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           ngx_open_file_n " \"%V\" of \"%s\" failed",
                           &file.name, what);
        return NGX_ERROR;
    }

    rc = NGX_ERROR;

    if (ngx_fd_info(file.fd, &fi) == NGX_FILE_ERROR) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           ngx_fd_info_n " \"%V\" failed", &file.name);
        goto done;
    }

    if (!ngx_is_file(&fi) || ngx_file_size(&fi) == 0
        || ngx_file_size(&fi) > NGX_HTTP_INTAKE_MAX_SECRET_FILE)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\" of \"%s\" must be a file that holds "
                           "1 byte to 64k", &file.name, what);
        goto done;
    }

    if (ngx_file_access(&fi) & 0004) {
        ngx_conf_log_error(NGX_LOG_WARN, cf, 0,
                           "\"%V\" of \"%s\" can be read by others, "
                           "run: chmod o-r %V",
                           &file.name, what, &file.name);
    }

    size = (size_t) ngx_file_size(&fi);

    value->data = ngx_pnalloc(cf->pool, size);
    if (value->data == NULL) {
        goto done;
    }

    n = ngx_read_file(&file, value->data, size, 0);

    if (n == NGX_ERROR || (size_t) n != size) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\" of \"%s\" could not be read whole",
                           &file.name, what);
        goto done;
    }

    /* editors end a file with a line feed; it is no part of the secret */

    if (value->data[size - 1] == LF) {
        size--;

        if (size && value->data[size - 1] == CR) {
            size--;
        }
    }

    value->len = size;
    rc = NGX_OK;

done:

    if (ngx_close_file(file.fd) == NGX_FILE_ERROR) {
        ngx_log_error(NGX_LOG_ALERT, cf->log, ngx_errno,
                      ngx_close_file_n " \"%V\" failed", &file.name);
    }

    return rc;
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
