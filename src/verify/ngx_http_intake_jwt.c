
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake.h"
#include "ngx_http_intake_token.h"


/*
 * Deliveries that come with a JWT (RFC 7519) in the compact form of a JWS
 * (RFC 7515, section 3.1): HEADER.PAYLOAD.SIGNATURE, each in base64url without
 * padding.  What it says is read only when its signature holds; of its header,
 * which must be read before, only "alg", "crit" and "kid" are looked at.
 */


#define NGX_HTTP_INTAKE_MAX_TOKEN  8192


typedef struct {
    ngx_str_t                       signed_text;    /* HEADER.PAYLOAD */
    ngx_str_t                       header;         /* decoded */
    ngx_str_t                       payload;
    ngx_str_t                       signature;

    ngx_http_intake_code_e          code;           /* why it is refused */
    ngx_str_t                      *what;           /* the claim, or NULL */
} ngx_http_intake_token_t;


static ngx_int_t ngx_http_intake_verify_token(ngx_http_intake_ctx_t *ctx,
    ngx_str_t *text, ngx_http_intake_token_t *token);
static ngx_int_t ngx_http_intake_split_token(ngx_http_intake_ctx_t *ctx,
    ngx_str_t *text, ngx_http_intake_token_t *token);
static ngx_int_t ngx_http_intake_verify_header(ngx_http_intake_ctx_t *ctx,
    ngx_http_intake_token_t *token, ngx_str_t *kid);
static ngx_int_t ngx_http_intake_token_secret(ngx_http_intake_ctx_t *ctx,
    ngx_http_intake_token_t *token, ngx_str_t *kid);
static ngx_int_t ngx_http_intake_try_keys(ngx_http_intake_secret_t *secret,
    ngx_http_intake_token_t *token, ngx_str_t *kid);
static ngx_int_t ngx_http_intake_verify_times(ngx_http_intake_ctx_t *ctx,
    ngx_http_intake_token_t *token);
static ngx_int_t ngx_http_intake_verify_claims(ngx_http_intake_ctx_t *ctx,
    ngx_http_intake_token_t *token);
static ngx_int_t ngx_http_intake_verify_claim(ngx_http_intake_ctx_t *ctx,
    ngx_http_intake_claim_t *claim);
static ngx_int_t ngx_http_intake_claim_text(ngx_http_intake_ctx_t *ctx,
    ngx_http_intake_claim_t *claim, ngx_uint_t *empty, ngx_str_t *text);


ngx_uint_t
ngx_http_intake_is_jwt(ngx_http_intake_platform_t *platform)
{
    return platform->algorithm == NGX_INTAKE_ALGORITHM_JWT_HS256
           || platform->algorithm == NGX_INTAKE_ALGORITHM_JWT_RS256;
}


ngx_int_t
ngx_http_intake_verify_jwt(ngx_http_intake_ctx_t *ctx)
{
    ngx_int_t                 rc;
    ngx_str_t                *values;
    ngx_uint_t                i, n;
    ngx_http_intake_src_t    *src;
    ngx_http_intake_token_t   token;

    src = ctx->source->platform->signature;

    if (ngx_http_intake_extract(ctx, src, &values, &n) != NGX_OK) {
        return NGX_ERROR;
    }

    if (ngx_http_intake_is_unreadable(ctx, src)) {
        return ngx_http_intake_deny(ctx, NGX_HTTP_INTAKE_MALFORMED, NULL);
    }

    ngx_memzero(&token, sizeof(ngx_http_intake_token_t));

    token.code = NGX_HTTP_INTAKE_SIGNATURE_MISSING;
    n = ngx_min(n, NGX_HTTP_INTAKE_MAX_SIGNATURES);

    for (i = 0; i < n; i++) {

        if (values[i].len == 0) {
            continue;
        }

        rc = ngx_http_intake_verify_token(ctx, &values[i], &token);

        if (rc != NGX_DECLINED) {
            return rc;
        }

        ctx->secret = NULL;
        ctx->claims = NULL;
    }

    return ngx_http_intake_deny(ctx, token.code, token.what);
}


/* NGX_DECLINED: code and what of token say why */

static ngx_int_t
ngx_http_intake_verify_token(ngx_http_intake_ctx_t *ctx, ngx_str_t *text,
    ngx_http_intake_token_t *token)
{
    ngx_int_t  rc;
    ngx_str_t  kid;

    token->code = NGX_HTTP_INTAKE_SIGNATURE_MISMATCH;
    token->what = NULL;

    rc = ngx_http_intake_split_token(ctx, text, token);

    if (rc == NGX_OK) {
        rc = ngx_http_intake_verify_header(ctx, token, &kid);
    }

    if (rc == NGX_OK) {
        rc = ngx_http_intake_token_secret(ctx, token, &kid);
    }

    if (rc == NGX_OK) {
        rc = ngx_http_intake_read_values(ctx, &token->payload, &ctx->claims);
    }

    if (rc == NGX_OK) {
        rc = ngx_http_intake_verify_times(ctx, token);
    }

    if (rc == NGX_OK) {
        rc = ngx_http_intake_verify_claims(ctx, token);
    }

    return rc;
}


static ngx_int_t
ngx_http_intake_split_token(ngx_http_intake_ctx_t *ctx, ngx_str_t *text,
    ngx_http_intake_token_t *token)
{
    u_char      *p, *last, *dot;
    ngx_int_t    rc;
    ngx_str_t    part, *decoded[3];
    ngx_uint_t   i;

    if (text->len > NGX_HTTP_INTAKE_MAX_TOKEN) {
        return NGX_DECLINED;
    }

    p = text->data;
    last = p + text->len;

    if (ngx_strlchr(p, last, '=')) {
        return NGX_DECLINED;
    }

    decoded[0] = &token->header;
    decoded[1] = &token->payload;
    decoded[2] = &token->signature;

    for (i = 0; i < 3; i++) {

        dot = (i < 2) ? ngx_strlchr(p, last, '.') : last;

        if (dot == NULL) {
            return NGX_DECLINED;
        }

        part.data = p;
        part.len = dot - p;

        rc = ngx_http_intake_decode_exact(ctx->request->pool,
                                          NGX_INTAKE_ENCODING_BASE64URL,
                                          &part, decoded[i]);
        if (rc != NGX_OK) {
            return rc;
        }

        p = dot + 1;
    }

    token->signed_text.data = text->data;
    token->signed_text.len = part.data - 1 - text->data;

    return NGX_OK;
}


/*
 * RFC 8725, section 3.1: the algorithm is the configured one, whatever the
 * token prefers.  Of "crit" (RFC 7515, section 4.1.11) nothing is understood.
 */

static ngx_int_t
ngx_http_intake_verify_header(ngx_http_intake_ctx_t *ctx,
    ngx_http_intake_token_t *token, ngx_str_t *kid)
{
    ngx_int_t               rc;
    ngx_str_t              *alg, *value;
    ngx_array_t            *header, *crit, found;
    ngx_http_intake_jwt_t  *jwt;

    static ngx_str_t  hs256 = ngx_string("HS256");
    static ngx_str_t  rs256 = ngx_string("RS256");

    jwt = ctx->source->platform->jwt;

    alg = (ctx->source->platform->algorithm == NGX_INTAKE_ALGORITHM_JWT_HS256)
          ? &hs256 : &rs256;

    rc = ngx_http_intake_read_values(ctx, &token->header, &header);
    if (rc != NGX_OK) {
        return rc;
    }

    crit = (ngx_array_t *) header->elts + jwt->crit.path;

    if (crit->nelts) {
        return NGX_DECLINED;
    }

    if (ngx_array_init(&found, ctx->request->pool, 2, sizeof(ngx_str_t))
        != NGX_OK
        || ngx_http_intake_extract_values(header, &jwt->alg, &found) != NGX_OK)
    {
        return NGX_ERROR;
    }

    value = found.elts;

    if (found.nelts == 0
        || value->len != alg->len
        || ngx_memcmp(value->data, alg->data, alg->len) != 0)
    {
        return NGX_DECLINED;
    }

    found.nelts = 0;

    if (ngx_http_intake_extract_values(header, &jwt->kid, &found) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_str_null(kid);

    if (found.nelts) {
        *kid = *(ngx_str_t *) found.elts;
    }

    return NGX_OK;
}


/* sets secret of ctx; all secrets are tried whichever matches */

static ngx_int_t
ngx_http_intake_token_secret(ngx_http_intake_ctx_t *ctx,
    ngx_http_intake_token_t *token, ngx_str_t *kid)
{
    ngx_int_t                  rc;
    ngx_uint_t                 i;
    ngx_http_intake_secret_t  *secret;

    secret = ctx->source->secrets->elts;
    ctx->secret = NULL;

    for (i = 0; i < ctx->source->secrets->nelts; i++) {

        rc = ngx_http_intake_try_keys(&secret[i], token, kid);

        if (rc == NGX_ERROR) {
            return NGX_ERROR;
        }

        if (rc == NGX_OK) {
            ctx->secret = &secret[i];
        }
    }

    return ctx->secret ? NGX_OK : NGX_DECLINED;
}


/*
 * A key with a name is for tokens with this kid; without one, or for a token
 * without one, it may be meant.
 */

static ngx_int_t
ngx_http_intake_try_keys(ngx_http_intake_secret_t *secret,
    ngx_http_intake_token_t *token, ngx_str_t *kid)
{
    ngx_int_t                     rc;
    ngx_uint_t                    i;
    ngx_http_intake_named_key_t  *key;

    if (secret->keys == NULL) {
        return ngx_intake_key_verify(secret->key, &token->signed_text, 1,
                                     token->signature.data,
                                     token->signature.len);
    }

    key = secret->keys->elts;

    for (i = 0; i < secret->keys->nelts; i++) {

        if (kid->len && key[i].name.len
            && (key[i].name.len != kid->len
                || ngx_memcmp(key[i].name.data, kid->data, kid->len) != 0))
        {
            continue;
        }

        rc = ngx_intake_key_verify(key[i].key, &token->signed_text, 1,
                                   token->signature.data,
                                   token->signature.len);

        if (rc != NGX_DECLINED) {
            return rc;
        }
    }

    return NGX_DECLINED;
}


/* RFC 7519, sections 4.1.4 and 4.1.5 */

static ngx_int_t
ngx_http_intake_verify_times(ngx_http_intake_ctx_t *ctx,
    ngx_http_intake_token_t *token)
{
    int64_t                 now, time, leeway;
    ngx_int_t               rc;
    ngx_str_t               text;
    ngx_time_t             *tp;
    ngx_http_intake_jwt_t  *jwt;

    jwt = ctx->source->platform->jwt;

    tp = ngx_timeofday();
    now = (int64_t) tp->sec * 1000000 + (int64_t) tp->msec * 1000;
    leeway = (int64_t) ctx->source->leeway * 1000000;

    token->code = NGX_HTTP_INTAKE_TIMESTAMP_RANGE;
    token->what = &jwt->exp.name;

    rc = ngx_http_intake_extract_first(ctx, &jwt->exp, &text);

    if (rc == NGX_DECLINED && !ctx->source->platform->exp_optional) {
        token->code = NGX_HTTP_INTAKE_TIMESTAMP_MISSING;
        return NGX_DECLINED;
    }

    if (rc == NGX_OK
        && (ngx_intake_time_parse(NGX_INTAKE_TIME_S, &text, &time) != NGX_OK
            || now - leeway >= time))
    {
        return NGX_DECLINED;
    }

    if (rc == NGX_ERROR) {
        return NGX_ERROR;
    }

    token->what = &jwt->nbf.name;

    rc = ngx_http_intake_extract_first(ctx, &jwt->nbf, &text);

    if (rc == NGX_OK
        && (ngx_intake_time_parse(NGX_INTAKE_TIME_S, &text, &time) != NGX_OK
            || now + leeway < time))
    {
        return NGX_DECLINED;
    }

    return (rc == NGX_ERROR) ? NGX_ERROR : NGX_OK;
}


static ngx_int_t
ngx_http_intake_verify_claims(ngx_http_intake_ctx_t *ctx,
    ngx_http_intake_token_t *token)
{
    ngx_int_t                 rc;
    ngx_uint_t                i;
    ngx_http_intake_claim_t  *claim;

    if (ctx->source->platform->claims == NULL) {
        return NGX_OK;
    }

    token->code = NGX_HTTP_INTAKE_CREDENTIALS;
    claim = ctx->source->platform->claims->elts;

    for (i = 0; i < ctx->source->platform->claims->nelts; i++) {

        token->what = &claim[i].src.name;

        rc = ngx_http_intake_verify_claim(ctx, &claim[i]);
        if (rc != NGX_OK) {
            return rc;
        }
    }

    return NGX_OK;
}


/* of an array one element must match, as of "aud" (section 4.1.3) */

static ngx_int_t
ngx_http_intake_verify_claim(ngx_http_intake_ctx_t *ctx,
    ngx_http_intake_claim_t *claim)
{
    ngx_int_t    rc;
    ngx_str_t    text, *value;
    ngx_uint_t   i, empty;
    ngx_array_t  found;

    if (ngx_array_init(&found, ctx->request->pool, 2, sizeof(ngx_str_t))
        != NGX_OK
        || ngx_http_intake_extract_values(ctx->claims, &claim->src, &found)
           != NGX_OK
        || ngx_http_intake_extract_values(ctx->claims, &claim->element, &found)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (claim->value == NULL) {
        return (found.nelts || claim->optional) ? NGX_OK : NGX_DECLINED;
    }

    rc = ngx_http_intake_claim_text(ctx, claim, &empty, &text);

    if (rc == NGX_ERROR) {
        return NGX_ERROR;
    }

    if (found.nelts == 0) {
        return (claim->optional && empty) ? NGX_OK : NGX_DECLINED;
    }

    if (rc == NGX_DECLINED) {
        return NGX_DECLINED;
    }

    value = found.elts;

    for (i = 0; i < found.nelts; i++) {

        if (ngx_intake_equal(value[i].data, value[i].len, text.data, text.len)
            == NGX_OK)
        {
            return NGX_OK;
        }
    }

    return NGX_DECLINED;
}


/*
 * What the claim must be, and whether the text of its template is empty.
 * NGX_DECLINED: a SRC in it is absent.
 */

static ngx_int_t
ngx_http_intake_claim_text(ngx_http_intake_ctx_t *ctx,
    ngx_http_intake_claim_t *claim, ngx_uint_t *empty, ngx_str_t *text)
{
    u_char                    digest[NGX_INTAKE_SHA256_LEN];
    ngx_int_t                 rc;
    ngx_str_t                *parts, bytes;
    ngx_uint_t                i, n;
    ngx_http_intake_values_t  v;

    ngx_memzero(&v, sizeof(ngx_http_intake_values_t));

    v.secret = &ctx->secret->value;
    *empty = 1;

    rc = ngx_http_intake_evaluate(ctx, claim->value, &v, &parts, &n);

    if (rc != NGX_OK) {
        return rc;
    }

    for (i = 0; i < n; i++) {
        if (parts[i].len) {
            *empty = 0;
        }
    }

    if (!claim->digest) {
        return ngx_http_intake_flatten(ctx->request->pool, parts, n, text);
    }

    if (ngx_intake_sha256(parts, n, digest) != NGX_OK) {
        return NGX_ERROR;
    }

    bytes.data = digest;
    bytes.len = NGX_INTAKE_SHA256_LEN;

    text->len = ngx_intake_hex_length(NGX_INTAKE_SHA256_LEN);
    text->data = ngx_pnalloc(ctx->request->pool, text->len);
    if (text->data == NULL) {
        return NGX_ERROR;
    }

    return ngx_intake_hex_encode(&bytes, text->data, text->len, &text->len);
}
