
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake.h"
#include "ngx_http_intake_event.h"


/*
 * The sender's id of an event.  A delivery that carries several events has
 * several.
 */


#define NGX_HTTP_INTAKE_MAX_ID  512    /* bytes */


static ngx_int_t ngx_http_intake_collect_ids(ngx_http_intake_ctx_t *ctx,
    ngx_array_t *ids, ngx_array_t *firsts);
static ngx_int_t ngx_http_intake_add_ids(ngx_array_t *ids, ngx_str_t *values,
    ngx_uint_t n);
static ngx_int_t ngx_http_intake_digest_ids(ngx_pool_t *pool,
    ngx_array_t *ids, ngx_str_t *key);


ngx_int_t
ngx_http_intake_event_id(ngx_http_intake_ctx_t *ctx, ngx_str_t *key)
{
    u_char       digest[NGX_INTAKE_SHA256_LEN];
    ngx_int_t    rc;
    ngx_str_t    bytes;
    ngx_pool_t  *pool;
    ngx_array_t  ids, firsts;

    pool = ctx->request->pool;

    ngx_str_null(key);
    ngx_str_null(&ctx->id);

    rc = ngx_http_intake_collect_ids(ctx, &ids, &firsts);

    if (rc != NGX_OK) {
        return (rc == NGX_DECLINED) ? NGX_OK : NGX_ERROR;
    }

    if (ngx_http_intake_join(pool, &firsts, ':', &ctx->id) != NGX_OK) {
        return NGX_ERROR;
    }

    *key = ctx->id;

    if (ids.nelts != firsts.nelts
        && ngx_http_intake_digest_ids(pool, &ids, key) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (ngx_http_intake_is_text(&ctx->id)) {
        return NGX_OK;
    }

    /* an id that cannot be one in our entry is represented by its digest */

    if (ngx_intake_sha256(&ctx->id, 1, digest) != NGX_OK) {
        return NGX_ERROR;
    }

    bytes.data = digest;
    bytes.len = NGX_INTAKE_SHA256_LEN;

    ctx->id.len = ngx_intake_base64url_length(NGX_INTAKE_SHA256_LEN);
    ctx->id.data = ngx_pnalloc(pool, ctx->id.len);
    if (ctx->id.data == NULL) {
        return NGX_ERROR;
    }

    return ngx_intake_base64url_encode(&bytes, ctx->id.data, ctx->id.len,
                                       &ctx->id.len);
}


ngx_int_t
ngx_http_intake_find_id(ngx_http_intake_ctx_t *ctx, ngx_str_t *id)
{
    ngx_int_t    rc;
    ngx_array_t  ids, firsts;

    ngx_str_null(id);

    rc = ngx_http_intake_collect_ids(ctx, &ids, &firsts);

    if (rc != NGX_OK) {
        return rc;
    }

    return ngx_http_intake_join(ctx->request->pool, &firsts, ':', id);
}


/*
 * ids: all values; firsts: one of each SRC that makes the id.  NGX_DECLINED:
 * there is none, or of a joined id a part is missing.
 *
 * Only a document may hold several: a header or a parameter that is repeated
 * must not make another key of a delivery whose signature covers the first.
 */

static ngx_int_t
ngx_http_intake_collect_ids(ngx_http_intake_ctx_t *ctx, ngx_array_t *ids,
    ngx_array_t *firsts)
{
    ngx_str_t                   *values, *id;
    ngx_uint_t                   i, n, before;
    ngx_http_intake_src_t       *src;
    ngx_http_intake_platform_t  *platform;

    platform = ctx->source->platform;

    if (platform->id == NULL) {
        return NGX_DECLINED;
    }

    if (ngx_array_init(ids, ctx->request->pool, 2, sizeof(ngx_str_t))
        != NGX_OK
        || ngx_array_init(firsts, ctx->request->pool, 2, sizeof(ngx_str_t))
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    src = platform->id->elts;

    for (i = 0; i < platform->id->nelts; i++) {

        if (ngx_http_intake_extract(ctx, &src[i], &values, &n) != NGX_OK) {
            return NGX_ERROR;
        }

        if (n > 1 && src[i].kind != NGX_HTTP_INTAKE_SRC_JSON) {
            n = 1;
        }

        before = ids->nelts;

        if (ngx_http_intake_add_ids(ids, values, n) != NGX_OK) {
            return NGX_ERROR;
        }

        if (ids->nelts == before) {

            if (platform->id_joined) {
                return NGX_DECLINED;
            }

            continue;
        }

        id = ngx_array_push(firsts);
        if (id == NULL) {
            return NGX_ERROR;
        }

        *id = ((ngx_str_t *) ids->elts)[before];

        if (!platform->id_joined) {
            return NGX_OK;
        }
    }

    return firsts->nelts ? NGX_OK : NGX_DECLINED;
}


/* those that are not empty */

static ngx_int_t
ngx_http_intake_add_ids(ngx_array_t *ids, ngx_str_t *values, ngx_uint_t n)
{
    ngx_str_t   *id;
    ngx_uint_t   i;

    for (i = 0; i < n; i++) {

        if (values[i].len == 0) {
            continue;
        }

        id = ngx_array_push(ids);
        if (id == NULL) {
            return NGX_ERROR;
        }

        *id = values[i];
    }

    return NGX_OK;
}


/* H of "LENGTH:ID" of each: no two lists look the same */

static ngx_int_t
ngx_http_intake_digest_ids(ngx_pool_t *pool, ngx_array_t *ids, ngx_str_t *key)
{
    u_char      *p, *start;
    size_t       len;
    ngx_str_t   *id, text;
    ngx_uint_t   i;

    id = ids->elts;
    len = 0;

    for (i = 0; i < ids->nelts; i++) {
        len += NGX_SIZE_T_LEN + 1 + id[i].len;
    }

    start = ngx_pnalloc(pool, len);
    if (start == NULL) {
        return NGX_ERROR;
    }

    p = start;

    for (i = 0; i < ids->nelts; i++) {
        p = ngx_sprintf(p, "%uz:", id[i].len);
        p = ngx_cpymem(p, id[i].data, id[i].len);
    }

    text.data = start;
    text.len = p - start;

    key->len = NGX_HTTP_INTAKE_HASH_LEN;
    key->data = ngx_pnalloc(pool, key->len);
    if (key->data == NULL) {
        return NGX_ERROR;
    }

    return ngx_http_intake_hash(&text, key->data);
}


ngx_int_t
ngx_http_intake_join(ngx_pool_t *pool, ngx_array_t *texts, u_char separator,
    ngx_str_t *text)
{
    u_char      *p;
    size_t       len;
    ngx_str_t   *part;
    ngx_uint_t   i;

    part = texts->elts;

    if (texts->nelts == 1) {
        *text = part[0];
        return NGX_OK;
    }

    len = texts->nelts;

    for (i = 0; i < texts->nelts; i++) {
        len += part[i].len;
    }

    p = ngx_pnalloc(pool, len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    text->data = p;

    for (i = 0; i < texts->nelts; i++) {

        if (i) {
            *p++ = separator;
        }

        p = ngx_cpymem(p, part[i].data, part[i].len);
    }

    text->len = p - text->data;

    return NGX_OK;
}


/* a string of CloudEvents has no control characters */

ngx_uint_t
ngx_http_intake_is_text(ngx_str_t *text)
{
    size_t  i;

    if (text->len > NGX_HTTP_INTAKE_MAX_ID) {
        return 0;
    }

    for (i = 0; i < text->len; i++) {
        if (text->data[i] < 0x20 || text->data[i] == 0x7f) {
            return 0;
        }
    }

    return 1;
}
