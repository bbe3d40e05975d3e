
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake.h"
#include "ngx_http_intake_headers.h"


/*
 * SRC: the values that a header, a parameter, a place of the document or the
 * token, or a "set" of the source has in this request.
 */


static ngx_int_t ngx_http_intake_extract_header(ngx_http_intake_ctx_t *ctx,
    ngx_http_intake_src_t *src, ngx_array_t *values);
static ngx_int_t ngx_http_intake_extract_xml(ngx_http_intake_ctx_t *ctx,
    ngx_http_intake_src_t *src, ngx_array_t *values);
static ngx_int_t ngx_http_intake_extract_param(ngx_array_t *params,
    ngx_http_intake_src_t *src, ngx_array_t *values);
static ngx_int_t ngx_http_intake_extract_conf(ngx_http_intake_ctx_t *ctx,
    ngx_http_intake_src_t *src, ngx_array_t *values);
static ngx_int_t ngx_http_intake_keep(ngx_http_intake_src_t *src, u_char *p,
    u_char *last, ngx_array_t *values);


ngx_int_t
ngx_http_intake_extract(ngx_http_intake_ctx_t *ctx,
    ngx_http_intake_src_t *src, ngx_str_t **values, ngx_uint_t *n)
{
    ngx_int_t    rc;
    ngx_array_t  array;

    if (ngx_array_init(&array, ctx->request->pool, 1, sizeof(ngx_str_t))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    rc = NGX_OK;

    switch (src->kind) {

    case NGX_HTTP_INTAKE_SRC_HEADER:
        rc = ngx_http_intake_extract_header(ctx, src, &array);
        break;

    case NGX_HTTP_INTAKE_SRC_QUERY:
        rc = ngx_http_intake_read_query(ctx);

        if (rc == NGX_OK) {
            rc = ngx_http_intake_extract_param(ctx->query, src, &array);
        }

        break;

    case NGX_HTTP_INTAKE_SRC_FORM:
        rc = ngx_http_intake_read_form(ctx);

        if (rc == NGX_OK) {
            rc = ngx_http_intake_extract_param(ctx->form, src, &array);
        }

        break;

    case NGX_HTTP_INTAKE_SRC_JSON:
    case NGX_HTTP_INTAKE_SRC_ELEMENT:
        rc = ngx_http_intake_read_json(ctx);

        if (rc == NGX_OK) {
            rc = ngx_http_intake_extract_values(ctx->json, src, &array);
        }

        break;

    case NGX_HTTP_INTAKE_SRC_XML:
        rc = ngx_http_intake_read_xml(ctx);

        if (rc == NGX_OK) {
            rc = ngx_http_intake_extract_xml(ctx, src, &array);
        }

        break;

    case NGX_HTTP_INTAKE_SRC_JWT:

        /* a token that has not been verified says nothing */

        if (ctx->claims) {
            rc = ngx_http_intake_extract_values(ctx->claims, src, &array);
        }

        break;

    case NGX_HTTP_INTAKE_SRC_CONF:
        rc = ngx_http_intake_extract_conf(ctx, src, &array);
        break;
    }

    *values = array.elts;
    *n = array.nelts;

    return rc;
}


ngx_int_t
ngx_http_intake_extract_first(ngx_http_intake_ctx_t *ctx,
    ngx_http_intake_src_t *src, ngx_str_t *value)
{
    ngx_str_t   *values;
    ngx_uint_t   n;

    if (ngx_http_intake_extract(ctx, src, &values, &n) != NGX_OK) {
        return NGX_ERROR;
    }

    if (n == 0 || values[0].len == 0) {
        ngx_str_null(value);
        return NGX_DECLINED;
    }

    *value = values[0];

    return NGX_OK;
}


static ngx_int_t
ngx_http_intake_extract_header(ngx_http_intake_ctx_t *ctx,
    ngx_http_intake_src_t *src, ngx_array_t *values)
{
    ngx_str_t                  *value;
    ngx_http_intake_headers_t   headers;

    value = ngx_http_intake_first_header(&headers, ctx->request,
                                         (char *) src->name.data,
                                         src->name.len);

    for ( /* void */ ; value; value = ngx_http_intake_next_header(&headers)) {

        if (ngx_http_intake_select(src, value, values) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_intake_extract_values(ngx_array_t *array, ngx_http_intake_src_t *src,
    ngx_array_t *values)
{
    ngx_uint_t                     i;
    ngx_array_t                   *found;
    ngx_http_intake_json_value_t  *value;

    if (src->path >= array->nelts) {
        return NGX_OK;
    }

    found = (ngx_array_t *) array->elts + src->path;
    value = found->elts;

    for (i = 0; i < found->nelts; i++) {

        if (value[i].container) {
            continue;
        }

        if (ngx_http_intake_select(src, &value[i].value, values) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_intake_extract_xml(ngx_http_intake_ctx_t *ctx,
    ngx_http_intake_src_t *src, ngx_array_t *values)
{
    if (src->path >= ctx->source->paths->nelts
        || ctx->xml[src->path].data == NULL)
    {
        return NGX_OK;
    }

    return ngx_http_intake_select(src, &ctx->xml[src->path], values);
}


static ngx_int_t
ngx_http_intake_extract_param(ngx_array_t *params, ngx_http_intake_src_t *src,
    ngx_array_t *values)
{
    ngx_uint_t                i;
    ngx_http_intake_param_t  *param;

    param = params->elts;

    for (i = 0; i < params->nelts; i++) {

        if (param[i].name.len != src->name.len
            || ngx_memcmp(param[i].name.data, src->name.data, src->name.len)
               != 0)
        {
            continue;
        }

        if (ngx_http_intake_select(src, &param[i].value, values) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_intake_extract_conf(ngx_http_intake_ctx_t *ctx,
    ngx_http_intake_src_t *src, ngx_array_t *values)
{
    ngx_uint_t     i;
    ngx_keyval_t  *kv;

    if (ctx->source->set == NULL) {
        return NGX_OK;
    }

    kv = ctx->source->set->elts;

    for (i = 0; i < ctx->source->set->nelts; i++) {

        if (kv[i].key.len == src->name.len
            && ngx_memcmp(kv[i].key.data, src->name.data, src->name.len) == 0)
        {
            return ngx_http_intake_select(src, &kv[i].value, values);
        }
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_intake_select(ngx_http_intake_src_t *src, ngx_str_t *text,
    ngx_array_t *values)
{
    u_char  *p, *last, *end, *start, *stop;

    p = text->data;
    last = p + text->len;

    if (src->split == 0) {
        return ngx_http_intake_keep(src, p, last, values);
    }

    for ( ;; ) {
        end = ngx_strlchr(p, last, src->split);
        if (end == NULL) {
            end = last;
        }

        start = p;
        stop = end;

        while (start < stop && (*start == ' ' || *start == '\t')) {
            start++;
        }

        while (stop > start && (stop[-1] == ' ' || stop[-1] == '\t')) {
            stop--;
        }

        if (ngx_http_intake_keep(src, start, stop, values) != NGX_OK) {
            return NGX_ERROR;
        }

        if (end == last) {
            return NGX_OK;
        }

        p = end + 1;
    }
}


static ngx_int_t
ngx_http_intake_keep(ngx_http_intake_src_t *src, u_char *p, u_char *last,
    ngx_array_t *values)
{
    ngx_str_t  *value;

    if (src->prefix.len) {

        if ((size_t) (last - p) < src->prefix.len
            || ngx_memcmp(p, src->prefix.data, src->prefix.len) != 0)
        {
            return NGX_OK;
        }

        p += src->prefix.len;
    }

    if (values->nelts == NGX_HTTP_INTAKE_MAX_VALUES) {
        return NGX_OK;
    }

    value = ngx_array_push(values);
    if (value == NULL) {
        return NGX_ERROR;
    }

    value->data = p;
    value->len = last - p;

    return NGX_OK;
}
