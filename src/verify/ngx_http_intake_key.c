
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake.h"
#include "ngx_http_intake_event.h"

#include <openssl/rand.h>


/* The keys by which a repetition of a delivery is known. */


#define NGX_HTTP_INTAKE_UUIDS  64    /* whose random bytes are kept */


static ngx_int_t ngx_http_intake_own_key(ngx_http_intake_ctx_t *ctx);
static void ngx_http_intake_encode_hash(u_char *digest, u_char *hash);


ngx_int_t
ngx_http_intake_event_key(ngx_http_intake_ctx_t *ctx, ngx_str_t *id)
{
    ngx_str_t                     hash;
    ngx_http_intake_dedupe_key_e  key;

    key = ctx->source->dedupe.key;

    if (key == NGX_HTTP_INTAKE_DEDUPE_NONE
        || (ctx->body.len == 0
            && (key == NGX_HTTP_INTAKE_DEDUPE_BODY || id->len == 0)))
    {
        return ngx_http_intake_own_key(ctx);
    }

    if (ctx->id.len == 0 && ngx_http_intake_uuid(ctx, &ctx->id) != NGX_OK) {
        return NGX_ERROR;
    }

    ctx->id_unsigned = ctx->source->platform->id_unsigned;

    if (ctx->body.len
        && (key == NGX_HTTP_INTAKE_DEDUPE_BODY || id->len == 0
            || ctx->id_unsigned))
    {
        if (ngx_http_intake_hash_body(ctx) != NGX_OK) {
            return NGX_ERROR;
        }

        ngx_http_intake_encode_hash(ctx->body_digest, ctx->body_hash);
    }

    if (key == NGX_HTTP_INTAKE_DEDUPE_BODY || id->len == 0) {
        ctx->key_kind = NGX_HTTP_INTAKE_KEY_BODY;
        ctx->id_unsigned = 0;

        ngx_memcpy(ctx->key_hash, ctx->body_hash, NGX_HTTP_INTAKE_HASH_LEN);

        hash.data = ctx->key_hash;
        hash.len = NGX_HTTP_INTAKE_HASH_LEN;

        return ngx_http_intake_key_text(ctx, &hash);
    }

    ctx->key_kind = ctx->id_unsigned ? NGX_HTTP_INTAKE_KEY_UNSIGNED
                                     : NGX_HTTP_INTAKE_KEY_SIGNED;
    ctx->body_key = (ctx->id_unsigned && ctx->body.len);

    if (!ngx_http_intake_is_text(id)) {
        id = &ctx->id;
    }

    if (ngx_http_intake_hash(id, ctx->key_hash) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_intake_key_text(ctx, id);
}


/* it keeps a resend of ours from being stored twice, nothing else */

static ngx_int_t
ngx_http_intake_own_key(ngx_http_intake_ctx_t *ctx)
{
    ngx_str_t  uuid, hash;

    if (ngx_http_intake_uuid(ctx, &uuid) != NGX_OK
        || ngx_http_intake_hash(&uuid, ctx->key_hash) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (ctx->id.len == 0) {
        ctx->id = uuid;
    }

    ctx->key_kind = NGX_HTTP_INTAKE_KEY_OWN;

    hash.data = ctx->key_hash;
    hash.len = NGX_HTTP_INTAKE_HASH_LEN;

    return ngx_http_intake_key_text(ctx, &hash);
}


ngx_int_t
ngx_http_intake_key_text(ngx_http_intake_ctx_t *ctx, ngx_str_t *value)
{
    u_char  *p;

    p = ngx_pnalloc(ctx->request->pool, value->len + 2);
    if (p == NULL) {
        return NGX_ERROR;
    }

    ctx->key.data = p;
    ctx->key.len = value->len + 2;

    *p++ = (u_char) ctx->key_kind;
    *p++ = ':';
    ngx_memcpy(p, value->data, value->len);

    return NGX_OK;
}


ngx_int_t
ngx_http_intake_hash_body(ngx_http_intake_ctx_t *ctx)
{
    if (ctx->body_hashed) {
        return NGX_OK;
    }

    if (ngx_intake_sha256(&ctx->body, 1, ctx->body_digest) != NGX_OK) {
        return NGX_ERROR;
    }

    ctx->body_hashed = 1;

    return NGX_OK;
}


ngx_int_t
ngx_http_intake_hash(ngx_str_t *text, u_char *hash)
{
    return ngx_http_intake_hash_parts(text, 1, hash);
}


ngx_int_t
ngx_http_intake_hash_parts(ngx_str_t *parts, ngx_uint_t n, u_char *hash)
{
    u_char  digest[NGX_INTAKE_SHA256_LEN];

    if (ngx_intake_sha256(parts, n, digest) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_http_intake_encode_hash(digest, hash);

    return NGX_OK;
}


static void
ngx_http_intake_encode_hash(u_char *digest, u_char *hash)
{
    u_char     text[ngx_intake_base64url_length(NGX_INTAKE_SHA256_LEN)];
    size_t     len;
    ngx_str_t  bytes;

    bytes.data = digest;
    bytes.len = NGX_INTAKE_SHA256_LEN;

    (void) ngx_intake_base64url_encode(&bytes, text, sizeof(text), &len);

    ngx_memcpy(hash, text, NGX_HTTP_INTAKE_HASH_LEN);
}


ngx_int_t
ngx_http_intake_uuid(ngx_http_intake_ctx_t *ctx, ngx_str_t *text)
{
    static u_char  random[NGX_HTTP_INTAKE_UUIDS * NGX_INTAKE_UUID_RANDOM];
    static size_t  used = sizeof(random);

    if (used == sizeof(random)) {

        if (RAND_bytes(random, sizeof(random)) != 1) {
            return NGX_ERROR;
        }

        used = 0;
    }

    text->len = NGX_INTAKE_UUID_LEN;
    text->data = ngx_pnalloc(ctx->request->pool, NGX_INTAKE_UUID_LEN);
    if (text->data == NULL) {
        return NGX_ERROR;
    }

    (void) ngx_intake_uuid_v7(text->data, ctx->received, &random[used]);

    used += NGX_INTAKE_UUID_RANDOM;

    return NGX_OK;
}
