
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake.h"
#include "ngx_http_intake_form_conf.h"
#include "ngx_intake_mime.h"


/* attachments path=DIR [max=SIZE] [count=N] [types=a/b,...] */


enum {
    NGX_HTTP_INTAKE_ATTACHMENTS_PATH = 0,
    NGX_HTTP_INTAKE_ATTACHMENTS_MAX,
    NGX_HTTP_INTAKE_ATTACHMENTS_COUNT,
    NGX_HTTP_INTAKE_ATTACHMENTS_TYPES,

    NGX_HTTP_INTAKE_ATTACHMENTS_WORDS
};


#define NGX_HTTP_INTAKE_MAX_FILES  1000

#define NGX_HTTP_INTAKE_OTHERS     0005     /* may list or enter a folder */


static ngx_int_t ngx_http_intake_attachments_path(ngx_conf_t *cf,
    ngx_str_t *text, ngx_str_t *name);
static ngx_int_t ngx_http_intake_attachments_folder(ngx_conf_t *cf,
    ngx_str_t *name);
static ngx_int_t ngx_http_intake_attachments_limits(ngx_conf_t *cf,
    ngx_str_t *max, ngx_str_t *count, ngx_intake_form_limits_t *limits);
static ngx_array_t *ngx_http_intake_attachments_types(ngx_conf_t *cf,
    ngx_str_t *text);
static ngx_int_t ngx_http_intake_attachments_type(ngx_conf_t *cf,
    ngx_array_t *types, ngx_str_t *text);
static ngx_uint_t ngx_http_intake_is_type(ngx_str_t *type);


static ngx_http_intake_choice_t  ngx_http_intake_attachments_words[] = {
    { ngx_string("path="), NGX_HTTP_INTAKE_ATTACHMENTS_PATH },
    { ngx_string("max="), NGX_HTTP_INTAKE_ATTACHMENTS_MAX },
    { ngx_string("count="), NGX_HTTP_INTAKE_ATTACHMENTS_COUNT },
    { ngx_string("types="), NGX_HTTP_INTAKE_ATTACHMENTS_TYPES },
    ngx_http_intake_null_choice
};


char *
ngx_http_intake_source_attachments(ngx_conf_t *cf,
    ngx_http_intake_directive_t *d, void *conf)
{
    ngx_str_t                     texts[NGX_HTTP_INTAKE_ATTACHMENTS_WORDS];
    ngx_str_t                    *path, *types;
    ngx_http_intake_form_conf_t  *form;

    form = ngx_http_intake_source_form_conf(cf, conf);
    if (form == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_http_intake_position(cf, &form->attachments.position);
    ngx_http_intake_check_threads(cf, "attachments");

    if (ngx_http_intake_options(cf, 1, ngx_http_intake_attachments_words,
                                texts, NGX_HTTP_INTAKE_ATTACHMENTS_WORDS)
        != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    path = &texts[NGX_HTTP_INTAKE_ATTACHMENTS_PATH];

    if (path->data == NULL) {
        return "has no \"path=\": write the folder that keeps the files";
    }

    if (ngx_http_intake_attachments_limits(cf,
                                    &texts[NGX_HTTP_INTAKE_ATTACHMENTS_MAX],
                                    &texts[NGX_HTTP_INTAKE_ATTACHMENTS_COUNT],
                                    &form->limits)
        != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    types = &texts[NGX_HTTP_INTAKE_ATTACHMENTS_TYPES];

    if (types->data) {
        form->attachments.types = ngx_http_intake_attachments_types(cf, types);
        if (form->attachments.types == NULL) {
            return NGX_CONF_ERROR;
        }
    }

    if (ngx_http_intake_attachments_path(cf, path, &form->attachments.path)
        != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    return ngx_http_intake_attachments_conf(cf, form);
}


/*
 * nginx makes the folder when the configuration has been read, as it makes
 * client_body_temp_path, for its workers alone.  Sources may share one, but
 * not with nginx: its files come and go.
 */

static ngx_int_t
ngx_http_intake_attachments_path(ngx_conf_t *cf, ngx_str_t *text,
    ngx_str_t *name)
{
    ngx_path_t  *path;

    path = ngx_pcalloc(cf->pool, sizeof(ngx_path_t));
    if (path == NULL) {
        return NGX_ERROR;
    }

    path->name = *text;

    /* one folder has one name; the copy ends with a zero byte */

    while (path->name.len > 1
           && path->name.data[path->name.len - 1] == '/')
    {
        path->name.len--;
    }

    path->name.data = ngx_pnalloc(cf->pool, path->name.len + 1);
    if (path->name.data == NULL) {
        return NGX_ERROR;
    }

    (void) ngx_cpystrn(path->name.data, text->data, path->name.len + 1);

    if (ngx_conf_full_name(cf->cycle, &path->name, 1) != NGX_OK) {
        return NGX_ERROR;
    }

    if (ngx_http_intake_attachments_folder(cf, &path->name) != NGX_OK) {
        return NGX_ERROR;
    }

    path->data = &ngx_http_intake_module;
    path->conf_file = cf->conf_file->file.name.data;
    path->line = cf->conf_file->line;

    if (ngx_add_path(cf, &path) != NGX_OK) {
        return NGX_ERROR;
    }

    *name = path->name;

    return NGX_OK;
}


static ngx_int_t
ngx_http_intake_attachments_folder(ngx_conf_t *cf, ngx_str_t *name)
{
    ngx_file_info_t  fi;

    /* it would become the workers' own */

    if (name->len == 1) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"path=%V\" in \"attachments\": write a folder "
                           "for the files alone", name);
        return NGX_ERROR;
    }

    if (ngx_file_info(name->data, &fi) == NGX_FILE_ERROR) {

        if (ngx_errno == NGX_ENOENT) {
            return NGX_OK;
        }

        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           ngx_file_info_n " \"%V\" of \"attachments\" "
                           "failed", name);
        return NGX_ERROR;
    }

    if (!ngx_is_dir(&fi)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\" of \"attachments\" is not a folder", name);
        return NGX_ERROR;
    }

    if (ngx_file_access(&fi) & NGX_HTTP_INTAKE_OTHERS) {
        ngx_conf_log_error(NGX_LOG_WARN, cf, 0,
                           "\"%V\" of \"attachments\" can be read by others, "
                           "run: chmod o-rx %V", name, name);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_intake_attachments_limits(ngx_conf_t *cf, ngx_str_t *max,
    ngx_str_t *count, ngx_intake_form_limits_t *limits)
{
    ssize_t    size;
    ngx_int_t  n;

    if (max->data) {
        size = ngx_parse_size(max);

        if (size < 1 || size > NGX_HTTP_INTAKE_MAX_BODY) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid \"max=%V\" in \"attachments\", write "
                               "a size such as 10m, up to 512m", max);
            return NGX_ERROR;
        }

        limits->file = size;
    }

    if (count->data) {
        n = ngx_atoi(count->data, count->len);

        if (n < 1 || n > NGX_HTTP_INTAKE_MAX_FILES) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid \"count=%V\" in \"attachments\", "
                               "write a number of files from 1 to %d", count,
                               NGX_HTTP_INTAKE_MAX_FILES);
            return NGX_ERROR;
        }

        limits->files = n;
    }

    return NGX_OK;
}


/* a/b,c/... */

static ngx_array_t *
ngx_http_intake_attachments_types(ngx_conf_t *cf, ngx_str_t *text)
{
    u_char       *p, *end, *last;
    ngx_str_t     type;
    ngx_array_t  *types;

    types = ngx_array_create(cf->pool, 4, sizeof(ngx_str_t));
    if (types == NULL) {
        return NULL;
    }

    p = text->data;
    last = p + text->len;

    for ( ;; ) {
        end = ngx_strlchr(p, last, ',');
        end = (end != NULL) ? end : last;

        type.data = p;
        type.len = end - p;

        if (ngx_http_intake_attachments_type(cf, types, &type) != NGX_OK) {
            return NULL;
        }

        if (end == last) {
            return types;
        }

        p = end + 1;
    }
}


static ngx_int_t
ngx_http_intake_attachments_type(ngx_conf_t *cf, ngx_array_t *types,
    ngx_str_t *text)
{
    ngx_str_t   *type;
    ngx_uint_t   i;

    if (!ngx_http_intake_is_type(text)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid type \"%V\" in \"types=\" of "
                           "\"attachments\", write one such as image/png, or "
                           "image/" "* for all of a kind", text);
        return NGX_ERROR;
    }

    ngx_strlow(text->data, text->data, text->len);

    type = types->elts;

    for (i = 0; i < types->nelts; i++) {
        if (ngx_http_intake_same(&type[i], text)) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "duplicate type \"%V\" in \"types=\" of "
                               "\"attachments\"", text);
            return NGX_ERROR;
        }
    }

    type = ngx_array_push(types);
    if (type == NULL) {
        return NGX_ERROR;
    }

    *type = *text;

    return NGX_OK;
}


/* two tokens, the second of which may be "*"; the first may not be */

static ngx_uint_t
ngx_http_intake_is_type(ngx_str_t *type)
{
    size_t   len;
    u_char  *p, *last;

    p = type->data;
    last = p + type->len;

    len = ngx_intake_mime_token(p, last);

    if (len == 0 || p + len == last || p[len] != '/'
        || ngx_strlchr(p, p + len, '*'))
    {
        return 0;
    }

    p += len + 1;

    if (last - p == 1 && *p == '*') {
        return 1;
    }

    return p < last && ngx_intake_mime_token(p, last) == (size_t) (last - p)
           && ngx_strlchr(p, last, '*') == NULL;
}
