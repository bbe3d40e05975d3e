
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake.h"


/*
 * The readers of a request's content: its query, its form, its document.  Each
 * runs at most once in a request, when something first asks for it.
 */


typedef struct {
    ngx_pool_t                     *pool;
    ngx_array_t                    *values;
    ngx_uint_t                      nvalues;    /* of all paths */
} ngx_http_intake_reading_t;


static ngx_int_t ngx_http_intake_find_document(ngx_http_intake_ctx_t *ctx,
    ngx_str_t *text);
static ngx_int_t ngx_http_intake_json_value(void *data, ngx_uint_t n,
    ngx_intake_json_value_t *value);
static ngx_int_t ngx_http_intake_add_json_value(ngx_array_t *values,
    ngx_intake_json_value_t *value, size_t size);
static ngx_int_t ngx_http_intake_xml_texts(ngx_pool_t *pool, ngx_str_t *values,
    ngx_uint_t n);
static ngx_array_t *ngx_http_intake_parse_params(ngx_pool_t *pool,
    ngx_str_t *text);


ngx_int_t
ngx_http_intake_read_json(ngx_http_intake_ctx_t *ctx)
{
    ngx_str_t  text;

    if (ctx->json_read) {
        return NGX_OK;
    }

    if (ngx_http_intake_find_document(ctx, &text) != NGX_OK) {
        return NGX_ERROR;
    }

    ctx->json_rc = ngx_http_intake_read_values(ctx, &text, &ctx->json);

    if (ctx->json_rc == NGX_ERROR) {
        return NGX_ERROR;
    }

    ctx->json_read = 1;

    return NGX_OK;
}


/* where "document" says, if something is there; else the body */

static ngx_int_t
ngx_http_intake_find_document(ngx_http_intake_ctx_t *ctx, ngx_str_t *text)
{
    ngx_int_t               rc;
    ngx_http_intake_src_t  *src;

    src = ctx->source->platform->document;

    if (src) {
        rc = ngx_http_intake_extract_first(ctx, src, text);

        if (rc != NGX_DECLINED) {
            ctx->document = 1;
            return rc;
        }
    }

    *text = ctx->body;

    return NGX_OK;
}


/*
 * A document with too many values counts as unreadable: a rule that asks for
 * each of them must not see a part.
 */

ngx_int_t
ngx_http_intake_read_values(ngx_http_intake_ctx_t *ctx, ngx_str_t *text,
    ngx_array_t **array)
{
    ngx_int_t                   rc;
    ngx_uint_t                  i, npaths;
    ngx_array_t                *values;
    ngx_intake_json_t           json;
    ngx_intake_json_path_t     *path, *paths[NGX_INTAKE_JSON_MAX_PATHS];
    ngx_http_intake_reading_t   reading;

    npaths = ctx->source->paths->nelts;
    path = ctx->source->paths->elts;

    if (npaths > NGX_INTAKE_JSON_MAX_PATHS) {
        npaths = NGX_INTAKE_JSON_MAX_PATHS;
    }

    for (i = 0; i < npaths; i++) {
        paths[i] = &path[i];
    }

    *array = ngx_array_create(ctx->request->pool, npaths + 1,
                              sizeof(ngx_array_t));
    if (*array == NULL) {
        return NGX_ERROR;
    }

    values = (*array)->elts;
    ngx_memzero(values, (npaths + 1) * sizeof(ngx_array_t));
    (*array)->nelts = npaths;

    reading.pool = ctx->request->pool;
    reading.values = values;
    reading.nvalues = 0;

    ngx_memzero(&json, sizeof(ngx_intake_json_t));

    json.paths = paths;
    json.npaths = npaths;
    json.handler = ngx_http_intake_json_value;
    json.ctx = &reading;

    rc = ngx_intake_json_read(&json, text->data, text->len);

    if (rc == NGX_OK) {
        return NGX_OK;
    }

    if (rc == NGX_ABORT) {
        return NGX_ERROR;
    }

    ngx_log_debug2(NGX_LOG_DEBUG_HTTP, ctx->request->connection->log, 0,
                   "intake json: %i at %uz", rc, json.offset);

    for (i = 0; i < npaths; i++) {
        values[i].nelts = 0;
    }

    return NGX_DECLINED;
}


/*
 * The reader reports in the order of the document, so that the values of a
 * path are ordered by their indices and those that a repeated member replaces
 * stand at the end.
 */

static ngx_int_t
ngx_http_intake_json_value(void *data, ngx_uint_t n,
    ngx_intake_json_value_t *value)
{
    size_t                         size;
    ngx_array_t                   *values;
    ngx_http_intake_reading_t     *reading;
    ngx_http_intake_json_value_t  *v;

    reading = data;
    values = &reading->values[n];

    size = ngx_min(value->nindices, NGX_HTTP_INTAKE_MAX_INDICES)
           * sizeof(uint32_t);

    v = values->elts;

    while (values->nelts
           && (size == 0
               || ngx_memcmp(v[values->nelts - 1].indices, value->indices,
                             size)
                  == 0))
    {
        values->nelts--;
        reading->nvalues--;
    }

    if (value->kind == NGX_INTAKE_JSON_VOID
        || value->kind == NGX_INTAKE_JSON_NULL)
    {
        return NGX_OK;
    }

    if (reading->nvalues == NGX_HTTP_INTAKE_MAX_VALUES) {
        return NGX_DONE;
    }

    if (values->elts == NULL
        && ngx_array_init(values, reading->pool, 2,
                          sizeof(ngx_http_intake_json_value_t))
           != NGX_OK)
    {
        return NGX_ABORT;
    }

    reading->nvalues++;

    return ngx_http_intake_add_json_value(values, value, size);
}


static ngx_int_t
ngx_http_intake_add_json_value(ngx_array_t *values,
    ngx_intake_json_value_t *value, size_t size)
{
    ngx_http_intake_json_value_t  *v;

    v = ngx_array_push(values);
    if (v == NULL) {
        return NGX_ABORT;
    }

    ngx_memzero(v, sizeof(ngx_http_intake_json_value_t));

    if (size) {
        ngx_memcpy(v->indices, value->indices, size);
        v->nindices = size / sizeof(uint32_t);
    }

    v->container = (value->kind == NGX_INTAKE_JSON_ARRAY
                    || value->kind == NGX_INTAKE_JSON_OBJECT);

    v->value = value->raw;

    if (value->escaped && !v->container) {
        v->value.data = ngx_pnalloc(values->pool, value->raw.len);
        if (v->value.data == NULL) {
            return NGX_ABORT;
        }

        v->value.len = ngx_intake_json_unescape(v->value.data, &value->raw);
    }

    return NGX_OK;
}


/* json paths and those of xml are written alike, and one list has both */

ngx_int_t
ngx_http_intake_read_xml(ngx_http_intake_ctx_t *ctx)
{
    ngx_str_t                 texts[NGX_INTAKE_JSON_MAX_PATHS];
    ngx_uint_t                i, n;
    ngx_intake_json_path_t   *path;
    ngx_intake_json_step_t   *last;

    if (ctx->xml_read) {
        return NGX_OK;
    }

    n = ngx_min(ctx->source->paths->nelts, NGX_INTAKE_JSON_MAX_PATHS);
    path = ctx->source->paths->elts;

    for (i = 0; i < n; i++) {
        last = &path[i].steps[path[i].nsteps - 1];

        texts[i].data = path[i].steps[0].data;
        texts[i].len = last->data + last->len - texts[i].data;
    }

    ctx->xml = ngx_palloc(ctx->request->pool, (n + 1) * sizeof(ngx_str_t));
    if (ctx->xml == NULL) {
        return NGX_ERROR;
    }

    ctx->xml_rc = ngx_intake_xml_read(ctx->body.data, ctx->body.len, texts, n,
                                      ctx->xml);

    if (ctx->xml_rc != NGX_OK) {
        ngx_memzero(ctx->xml, n * sizeof(ngx_str_t));
    }

    if (ngx_http_intake_xml_texts(ctx->request->pool, ctx->xml, n) != NGX_OK) {
        return NGX_ERROR;
    }

    ctx->xml_read = 1;

    return NGX_OK;
}


/* what stands between tags becomes the text that it means */

static ngx_int_t
ngx_http_intake_xml_texts(ngx_pool_t *pool, ngx_str_t *values, ngx_uint_t n)
{
    u_char      *text;
    ngx_uint_t   i;

    for (i = 0; i < n; i++) {

        if (values[i].len == 0) {
            continue;
        }

        text = ngx_pnalloc(pool, values[i].len);
        if (text == NULL) {
            return NGX_ERROR;
        }

        values[i].len = ngx_intake_xml_text(text, &values[i]);
        values[i].data = text;
    }

    return NGX_OK;
}


ngx_uint_t
ngx_http_intake_is_unreadable(ngx_http_intake_ctx_t *ctx,
    ngx_http_intake_src_t *src)
{
    switch (src->kind) {

    case NGX_HTTP_INTAKE_SRC_JSON:
        return ctx->json_read && ctx->json_rc != NGX_OK;

    case NGX_HTTP_INTAKE_SRC_XML:
        return ctx->xml_read && ctx->xml_rc != NGX_OK;

    default:
        return 0;
    }
}


ngx_int_t
ngx_http_intake_read_query(ngx_http_intake_ctx_t *ctx)
{
    if (ctx->query_read) {
        return NGX_OK;
    }

    ctx->query = ngx_http_intake_parse_params(ctx->request->pool,
                                              &ctx->request->args);
    if (ctx->query == NULL) {
        return NGX_ERROR;
    }

    ctx->query_read = 1;

    return NGX_OK;
}


ngx_int_t
ngx_http_intake_read_form(ngx_http_intake_ctx_t *ctx)
{
    ngx_str_t  text;

    if (ctx->form_read) {
        return NGX_OK;
    }

    if (ctx->request->method == NGX_HTTP_GET) {

        if (ngx_http_intake_read_query(ctx) != NGX_OK) {
            return NGX_ERROR;
        }

        ctx->form = ctx->query;

    } else {
        ngx_str_null(&text);

        if (ngx_http_intake_is_form(ctx->request)) {
            text = ctx->body;
        }

        ctx->form = ngx_http_intake_parse_params(ctx->request->pool, &text);
        if (ctx->form == NULL) {
            return NGX_ERROR;
        }
    }

    ctx->form_read = 1;

    return NGX_OK;
}


ngx_uint_t
ngx_http_intake_is_form(ngx_http_request_t *r)
{
    size_t      len;
    ngx_str_t  *type;

    static ngx_str_t  form = ngx_string("application/x-www-form-urlencoded");

    if (r->headers_in.content_type == NULL) {
        return 0;
    }

    type = &r->headers_in.content_type->value;
    len = form.len;

    if (type->len < len || ngx_strncasecmp(type->data, form.data, len) != 0) {
        return 0;
    }

    return type->len == len || type->data[len] == ';'
           || type->data[len] == ' ' || type->data[len] == '\t';
}


/* the application/x-www-form-urlencoded parser of the URL standard */

static ngx_array_t *
ngx_http_intake_parse_params(ngx_pool_t *pool, ngx_str_t *text)
{
    u_char                   *p, *last, *end, *equal, *dst;
    ngx_array_t              *params;
    ngx_http_intake_param_t  *param;

    params = ngx_array_create(pool, 8, sizeof(ngx_http_intake_param_t));
    if (params == NULL) {
        return NULL;
    }

    if (text->len == 0) {
        return params;
    }

    dst = ngx_pnalloc(pool, text->len);
    if (dst == NULL) {
        return NULL;
    }

    last = text->data + text->len;

    for (p = text->data; p < last; p = end + 1) {

        end = ngx_strlchr(p, last, '&');
        if (end == NULL) {
            end = last;
        }

        if (end == p) {
            continue;
        }

        if (params->nelts > NGX_HTTP_INTAKE_MAX_PARAMS) {
            break;
        }

        param = ngx_array_push(params);
        if (param == NULL) {
            return NULL;
        }

        equal = ngx_strlchr(p, end, '=');
        if (equal == NULL) {
            equal = end;
        }

        param->name.data = dst;
        param->name.len = ngx_intake_percent_decode(dst, p, equal - p, 1);
        dst += param->name.len;

        param->value.data = dst;
        param->value.len = 0;

        if (equal < end) {
            equal++;
            param->value.len = ngx_intake_percent_decode(dst, equal,
                                                         end - equal, 1);
            dst += param->value.len;
        }
    }

    return params;
}
