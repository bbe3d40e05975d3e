
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake.h"


/*
 * The parameters of a request, sorted, as platforms sign them.  Nothing but
 * their order tells where one of them ends: what a signature of this kind does
 * not cover stands in docs/security.md.
 */


typedef struct {
    ngx_http_intake_param_t         param;
    ngx_uint_t                      order;      /* in the request */
} ngx_http_intake_sorted_t;


static ngx_http_intake_sorted_t *ngx_http_intake_sort_params(
    ngx_http_intake_ctx_t *ctx, ngx_array_t *first, ngx_array_t *second,
    int (*compare)(const void *, const void *), ngx_uint_t *n);
static int ngx_libc_cdecl ngx_http_intake_compare_values(const void *one,
    const void *two);
static int ngx_libc_cdecl ngx_http_intake_compare_orders(const void *one,
    const void *two);


ngx_int_t
ngx_http_intake_form_word(ngx_http_intake_ctx_t *ctx, ngx_str_t *text)
{
    u_char                    *p;
    size_t                     len;
    ngx_uint_t                 i, n;
    ngx_http_intake_sorted_t  *sorted;

    ngx_str_null(text);

    if (ctx->request->method == NGX_HTTP_GET) {
        return NGX_OK;
    }

    if (ngx_http_intake_read_form(ctx) != NGX_OK) {
        return NGX_ERROR;
    }

    if (ctx->form->nelts > NGX_HTTP_INTAKE_MAX_PARAMS) {
        return NGX_DECLINED;
    }

    sorted = ngx_http_intake_sort_params(ctx, ctx->form, NULL,
                                         ngx_http_intake_compare_values, &n);
    if (sorted == NULL) {
        return NGX_ERROR;
    }

    len = 0;

    for (i = 0; i < n; i++) {
        len += sorted[i].param.name.len + sorted[i].param.value.len;
    }

    p = ngx_pnalloc(ctx->request->pool, len + 1);
    if (p == NULL) {
        return NGX_ERROR;
    }

    text->data = p;

    for (i = 0; i < n; i++) {

        if (i && ngx_http_intake_compare_values(&sorted[i - 1], &sorted[i])
                 == 0)
        {
            continue;
        }

        p = ngx_cpymem(p, sorted[i].param.name.data,
                       sorted[i].param.name.len);
        p = ngx_cpymem(p, sorted[i].param.value.data,
                       sorted[i].param.value.len);
    }

    text->len = p - text->data;

    return NGX_OK;
}


ngx_int_t
ngx_http_intake_params_word(ngx_http_intake_ctx_t *ctx, ngx_str_t *except,
    ngx_str_t *text)
{
    u_char                    *p, ch;
    size_t                     j, len;
    ngx_str_t                 *name, *value;
    ngx_uint_t                 i, n;
    ngx_http_intake_sorted_t  *sorted;

    if (ngx_http_intake_read_query(ctx) != NGX_OK
        || ngx_http_intake_read_form(ctx) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (ctx->query->nelts > NGX_HTTP_INTAKE_MAX_PARAMS
        || ctx->form->nelts > NGX_HTTP_INTAKE_MAX_PARAMS)
    {
        return NGX_DECLINED;
    }

    sorted = ngx_http_intake_sort_params(ctx, ctx->query, ctx->form,
                                         ngx_http_intake_compare_orders, &n);
    if (sorted == NULL) {
        return NGX_ERROR;
    }

    len = 0;

    for (i = 0; i < n; i++) {
        len += sorted[i].param.name.len + sorted[i].param.value.len + 2;
    }

    p = ngx_pnalloc(ctx->request->pool, len + 1);
    if (p == NULL) {
        return NGX_ERROR;
    }

    text->data = p;

    for (i = 0; i < n; i++) {
        name = &sorted[i].param.name;
        value = &sorted[i].param.value;

        if (ngx_http_intake_compare_texts(name, except) == 0) {
            continue;
        }

        if (i + 1 < n
            && ngx_http_intake_compare_texts(name, &sorted[i + 1].param.name)
               == 0)
        {
            if ((sorted[i].order < ctx->query->nelts)
                == (sorted[i + 1].order < ctx->query->nelts))
            {
                return NGX_DECLINED;
            }

            continue;
        }

        *p++ = '&';
        p = ngx_cpymem(p, name->data, name->len);
        *p++ = '=';

        for (j = 0; j < value->len; j++) {
            ch = value->data[j];
            *p++ = (ch == '&' || ch == '=') ? '_' : ch;
        }
    }

    text->len = p - text->data;

    return NGX_OK;
}


/* the parameters of first, then those of second, sorted */

static ngx_http_intake_sorted_t *
ngx_http_intake_sort_params(ngx_http_intake_ctx_t *ctx, ngx_array_t *first,
    ngx_array_t *second, int (*compare)(const void *, const void *),
    ngx_uint_t *n)
{
    ngx_uint_t                 i;
    ngx_http_intake_param_t   *param;
    ngx_http_intake_sorted_t  *sorted;

    if (second == first) {
        second = NULL;
    }

    *n = first->nelts + (second ? second->nelts : 0);

    sorted = ngx_palloc(ctx->request->pool,
                        (*n + 1) * sizeof(ngx_http_intake_sorted_t));
    if (sorted == NULL) {
        return NULL;
    }

    param = first->elts;

    for (i = 0; i < first->nelts; i++) {
        sorted[i].param = param[i];
        sorted[i].order = i;
    }

    if (second) {
        param = second->elts;

        for ( /* void */ ; i < *n; i++) {
            sorted[i].param = param[i - first->nelts];
            sorted[i].order = i;
        }
    }

    ngx_qsort(sorted, (size_t) *n, sizeof(ngx_http_intake_sorted_t), compare);

    return sorted;
}


static int ngx_libc_cdecl
ngx_http_intake_compare_values(const void *one, const void *two)
{
    int                              rc;
    const ngx_http_intake_sorted_t  *first, *second;

    first = one;
    second = two;

    rc = ngx_http_intake_compare_texts(&first->param.name,
                                       &second->param.name);
    if (rc) {
        return rc;
    }

    return ngx_http_intake_compare_texts(&first->param.value,
                                         &second->param.value);
}


static int ngx_libc_cdecl
ngx_http_intake_compare_orders(const void *one, const void *two)
{
    int                              rc;
    const ngx_http_intake_sorted_t  *first, *second;

    first = one;
    second = two;

    rc = ngx_http_intake_compare_texts(&first->param.name,
                                       &second->param.name);
    if (rc) {
        return rc;
    }

    return first->order < second->order ? -1 : first->order > second->order;
}


int ngx_libc_cdecl
ngx_http_intake_compare_texts(const void *one, const void *two)
{
    int               rc;
    size_t            len;
    const ngx_str_t  *first, *second;

    first = one;
    second = two;

    len = ngx_min(first->len, second->len);

    if (len) {
        rc = ngx_memcmp(first->data, second->data, len);

        if (rc) {
            return rc;
        }
    }

    return first->len < second->len ? -1 : first->len > second->len;
}
