
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake_status.h"


/* What is asked of the status endpoint: ?format=, ?source=, ?scope=, ?health */


static ngx_int_t ngx_http_intake_status_argument(ngx_http_request_t *r,
    ngx_str_t *arg, ngx_http_intake_status_query_t *query,
    const char **detail);
static ngx_int_t ngx_http_intake_status_decode(ngx_http_request_t *r,
    ngx_str_t *s);
static ngx_uint_t ngx_http_intake_status_equal(ngx_str_t *s,
    const char *text);


ngx_http_intake_format_t  ngx_http_intake_formats[NGX_HTTP_INTAKE_FORMATS] = {

    { ngx_string("openmetrics"),
      ngx_string("application/openmetrics-text"),
      ngx_string("; version=1.0.0; charset=utf-8") },

    { ngx_string("prometheus"),
      ngx_string("text/plain"),
      ngx_string("; version=0.0.4; charset=utf-8") },

    { ngx_string("json"),
      ngx_string("application/json"),
      ngx_string("") },

    { ngx_string("html"),
      ngx_string("text/html"),
      ngx_string("; charset=utf-8") }
};


ngx_int_t
ngx_http_intake_status_query(ngx_http_request_t *r,
    ngx_http_intake_status_query_t *query, const char **detail)
{
    u_char     *p, *last;
    ngx_int_t   rc;
    ngx_str_t   arg;

    ngx_memzero(query, sizeof(ngx_http_intake_status_query_t));
    query->format = NGX_HTTP_INTAKE_FORMAT_ASK;

    p = r->args.data;
    last = p + r->args.len;

    while (p < last) {
        arg.data = p;

        while (p < last && *p != '&') {
            p++;
        }

        arg.len = p - arg.data;
        p++;

        rc = ngx_http_intake_status_argument(r, &arg, query, detail);

        if (rc != NGX_OK) {
            return rc;
        }
    }

    return NGX_OK;
}


/* what has a name that is not known does not matter */

static ngx_int_t
ngx_http_intake_status_argument(ngx_http_request_t *r, ngx_str_t *arg,
    ngx_http_intake_status_query_t *query, const char **detail)
{
    u_char      *equal;
    ngx_str_t    value;
    ngx_uint_t   i;

    value.data = arg->data + arg->len;
    value.len = 0;

    equal = ngx_strlchr(arg->data, arg->data + arg->len, '=');

    if (equal) {
        value.data = equal + 1;
        value.len = arg->data + arg->len - value.data;
        arg->len = equal - arg->data;
    }

    if (ngx_http_intake_status_decode(r, &value) != NGX_OK) {
        return NGX_ERROR;
    }

    if (ngx_http_intake_status_equal(arg, "health")) {
        if (value.len && !ngx_http_intake_status_equal(&value, "1")) {
            *detail = "health is written alone or as health=1";
            return NGX_DECLINED;
        }

        query->health = 1;
        return NGX_OK;
    }

    if (ngx_http_intake_status_equal(arg, "source")) {
        if (ngx_http_intake_check_name(&value) != NGX_OK) {
            *detail = "source must be the name of a source";
            return NGX_DECLINED;
        }

        query->source = value;
        return NGX_OK;
    }

    if (ngx_http_intake_status_equal(arg, "scope")) {
        query->node = ngx_http_intake_status_equal(&value, "node");
        query->global = ngx_http_intake_status_equal(&value, "global");

        if (!query->node && !query->global) {
            *detail = "scope must be global or node";
            return NGX_DECLINED;
        }

        return NGX_OK;
    }

    if (!ngx_http_intake_status_equal(arg, "format")) {
        return NGX_OK;
    }

    for (i = 0; i < NGX_HTTP_INTAKE_FORMATS; i++) {
        if (value.len == ngx_http_intake_formats[i].name.len
            && ngx_strncmp(value.data, ngx_http_intake_formats[i].name.data,
                           value.len)
               == 0)
        {
            query->format = i;
            return NGX_OK;
        }
    }

    *detail = "format must be prometheus, openmetrics, json or html";

    return NGX_DECLINED;
}


static ngx_int_t
ngx_http_intake_status_decode(ngx_http_request_t *r, ngx_str_t *s)
{
    u_char  *p, *dst, *src;

    p = ngx_pnalloc(r->pool, s->len + 1);
    if (p == NULL) {
        return NGX_ERROR;
    }

    dst = p;
    src = s->data;

    ngx_unescape_uri(&dst, &src, s->len, 0);

    s->data = p;
    s->len = dst - p;

    return NGX_OK;
}


static ngx_uint_t
ngx_http_intake_status_equal(ngx_str_t *s, const char *text)
{
    return s->len == ngx_strlen(text)
           && ngx_strncmp(s->data, text, s->len) == 0;
}
