
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake.h"
#include "ngx_http_intake_token.h"


/*
 * Signatures over a string that a template describes: each of those that came
 * against each secret, and against each form of the URL that may be signed.
 */


typedef struct {
    ngx_str_t                       bytes;      /* decoded */
    ngx_http_intake_secret_t       *secret;     /* that matched, or NULL */
} ngx_http_intake_candidate_t;


typedef struct {
    ngx_http_intake_candidate_t     elts[NGX_HTTP_INTAKE_MAX_SIGNATURES];
    ngx_uint_t                      nelts;
    unsigned                        incomplete:1;   /* some were left out */
} ngx_http_intake_candidates_t;


static ngx_int_t ngx_http_intake_decode_signatures(
    ngx_http_intake_ctx_t *ctx, ngx_str_t *values, ngx_uint_t n,
    ngx_http_intake_candidates_t *candidates);
static ngx_int_t ngx_http_intake_try_secrets(ngx_http_intake_ctx_t *ctx,
    ngx_str_t *url, ngx_http_intake_candidates_t *candidates);
static ngx_int_t ngx_http_intake_try_secret(ngx_http_intake_ctx_t *ctx,
    ngx_http_intake_secret_t *secret, ngx_str_t *parts, ngx_uint_t n,
    ngx_http_intake_candidates_t *candidates);
static ngx_uint_t ngx_http_intake_reads_unreadable(
    ngx_http_intake_ctx_t *ctx, ngx_http_intake_template_t *template);


ngx_int_t
ngx_http_intake_verify_string(ngx_http_intake_ctx_t *ctx, ngx_str_t *values,
    ngx_uint_t n)
{
    ngx_int_t                      rc;
    ngx_str_t                      urls[NGX_HTTP_INTAKE_MAX_URLS];
    ngx_uint_t                     i, nurls, matched;
    ngx_http_intake_platform_t    *platform;
    ngx_http_intake_candidates_t   candidates;

    platform = ctx->source->platform;

    if (ngx_http_intake_decode_signatures(ctx, values, n, &candidates)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_str_null(&urls[0]);
    nurls = 1;

    if (ngx_http_intake_has_word(platform->signed_string,
                                 NGX_HTTP_INTAKE_WORD_URL)
        && ngx_http_intake_signed_urls(ctx, urls, &nurls) != NGX_OK)
    {
        return NGX_ERROR;
    }

    for (i = 0; i < nurls; i++) {
        rc = ngx_http_intake_try_secrets(ctx, &urls[i], &candidates);
        if (rc != NGX_OK) {
            return rc;
        }
    }

    matched = 0;

    for (i = 0; i < candidates.nelts; i++) {

        if (candidates.elts[i].secret) {
            ctx->secret = candidates.elts[i].secret;
            matched++;
        }
    }

    if (matched == 0
        || (platform->every
            && (candidates.incomplete || matched != candidates.nelts)))
    {
        ctx->secret = NULL;
        return NGX_DECLINED;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_intake_decode_signatures(ngx_http_intake_ctx_t *ctx,
    ngx_str_t *values, ngx_uint_t n, ngx_http_intake_candidates_t *candidates)
{
    ngx_int_t                     rc;
    ngx_uint_t                    i;
    ngx_http_intake_candidate_t  *candidate;

    ngx_memzero(candidates, sizeof(ngx_http_intake_candidates_t));

    if (n > NGX_HTTP_INTAKE_MAX_SIGNATURES) {
        n = NGX_HTTP_INTAKE_MAX_SIGNATURES;
        candidates->incomplete = 1;
    }

    for (i = 0; i < n; i++) {

        candidate = &candidates->elts[candidates->nelts];

        rc = ngx_http_intake_decode_exact(ctx->request->pool,
                                  ctx->source->platform->signature_encoding,
                                  &values[i], &candidate->bytes);
        if (rc == NGX_ERROR) {
            return NGX_ERROR;
        }

        if (rc == NGX_OK) {
            candidates->nelts++;

        } else {
            candidates->incomplete = 1;
        }
    }

    return NGX_OK;
}


/* so that no character of a signature can be changed */

ngx_int_t
ngx_http_intake_decode_exact(ngx_pool_t *pool, ngx_intake_encoding_e encoding,
    ngx_str_t *value, ngx_str_t *bytes)
{
    u_char  *p;
    size_t   len, size;

    /* room for the bytes, and for their text */

    size = value->len + 4;

    p = ngx_pnalloc(pool, 2 * size);
    if (p == NULL) {
        return NGX_ERROR;
    }

    bytes->data = p;

    if (ngx_intake_decode(encoding, value, bytes->data, size, &bytes->len)
        != NGX_OK
        || bytes->len == 0)
    {
        return NGX_DECLINED;
    }

    if (encoding != NGX_INTAKE_ENCODING_BASE64
        && encoding != NGX_INTAKE_ENCODING_BASE64URL)
    {
        return NGX_OK;
    }

    p += size;

    if (ngx_intake_encode(encoding, bytes, p, size, &len) != NGX_OK) {
        return NGX_DECLINED;
    }

    if (encoding == NGX_INTAKE_ENCODING_BASE64URL) {
        while (value->len > len && value->data[value->len - 1] == '=') {
            value->len--;
        }
    }

    return value->len == len && ngx_memcmp(p, value->data, len) == 0
           ? NGX_OK : NGX_DECLINED;
}


static ngx_int_t
ngx_http_intake_try_secrets(ngx_http_intake_ctx_t *ctx, ngx_str_t *url,
    ngx_http_intake_candidates_t *candidates)
{
    ngx_int_t                    rc;
    ngx_str_t                   *parts;
    ngx_uint_t                   i, n, each;
    ngx_http_intake_values_t     v;
    ngx_http_intake_secret_t    *secret;
    ngx_http_intake_platform_t  *platform;

    platform = ctx->source->platform;
    secret = ctx->source->secrets->elts;

    each = ngx_http_intake_has_word(platform->signed_string,
                                    NGX_HTTP_INTAKE_WORD_SECRET)
           || ngx_http_intake_has_word(platform->signed_string,
                                       NGX_HTTP_INTAKE_WORD_HMAC);

    ngx_memzero(&v, sizeof(ngx_http_intake_values_t));

    v.url = *url;
    parts = NULL;
    n = 0;

    for (i = 0; i < ctx->source->secrets->nelts; i++) {

        if (i == 0 || each) {
            v.secret = &secret[i].value;

            rc = ngx_http_intake_evaluate(ctx, platform->signed_string, &v,
                                          &parts, &n);
            if (rc == NGX_ERROR) {
                return NGX_ERROR;
            }

            if (rc == NGX_DECLINED) {

                if (ngx_http_intake_reads_unreadable(ctx,
                                                  platform->signed_string))
                {
                    return ngx_http_intake_deny(ctx,
                                                NGX_HTTP_INTAKE_MALFORMED,
                                                NULL);
                }

                return ngx_http_intake_deny(ctx,
                                            NGX_HTTP_INTAKE_SIGNATURE_MISSING,
                                            NULL);
            }

            if (ngx_http_intake_is_handshake(ctx, parts, n)) {
                return NGX_DECLINED;
            }
        }

        if (ngx_http_intake_try_secret(ctx, &secret[i], parts, n, candidates)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_intake_try_secret(ngx_http_intake_ctx_t *ctx,
    ngx_http_intake_secret_t *secret, ngx_str_t *parts, ngx_uint_t n,
    ngx_http_intake_candidates_t *candidates)
{
    u_char                        digest[NGX_INTAKE_DIGEST_MAX];
    size_t                        len;
    ngx_int_t                     rc;
    ngx_uint_t                    i, own;
    ngx_intake_algorithm_e        algorithm;
    ngx_http_intake_candidate_t  *candidate;

    /* a digest of our own serves all signatures that came */

    algorithm = ctx->source->platform->algorithm;
    own = (algorithm >= NGX_INTAKE_ALGORITHM_HMAC_MD5
           && algorithm <= NGX_INTAKE_ALGORITHM_SHA256);
    len = 0;

    if (own
        && ngx_intake_key_digest(secret->key, parts, n, digest, &len)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    for (i = 0; i < candidates->nelts; i++) {

        candidate = &candidates->elts[i];

        if (own) {
            rc = ngx_intake_equal(digest, len, candidate->bytes.data,
                                  candidate->bytes.len);

        } else {
            rc = ngx_intake_key_verify(secret->key, parts, n,
                                       candidate->bytes.data,
                                       candidate->bytes.len);
            if (rc == NGX_ERROR) {
                return NGX_ERROR;
            }
        }

        if (rc == NGX_OK) {
            candidate->secret = secret;
        }
    }

    return NGX_OK;
}


ngx_uint_t
ngx_http_intake_has_word(ngx_http_intake_template_t *template,
    ngx_http_intake_word_e type)
{
    ngx_uint_t               i;
    ngx_http_intake_word_t  *word;

    word = template->elts;

    for (i = 0; i < template->nelts; i++) {

        if (word[i].type == type) {
            return 1;
        }

        if (word[i].words && ngx_http_intake_has_word(word[i].words, type)) {
            return 1;
        }
    }

    return 0;
}


static ngx_uint_t
ngx_http_intake_reads_unreadable(ngx_http_intake_ctx_t *ctx,
    ngx_http_intake_template_t *template)
{
    ngx_uint_t               i;
    ngx_http_intake_word_t  *word;

    word = template->elts;

    for (i = 0; i < template->nelts; i++) {

        if (word[i].type == NGX_HTTP_INTAKE_WORD_ID
            && ((ctx->json_read && ctx->json_rc != NGX_OK)
                || (ctx->xml_read && ctx->xml_rc != NGX_OK)))
        {
            return 1;
        }

        if (word[i].type == NGX_HTTP_INTAKE_WORD_SRC
            && ngx_http_intake_is_unreadable(ctx, &word[i].src))
        {
            return 1;
        }

        if (word[i].words
            && ngx_http_intake_reads_unreadable(ctx, word[i].words))
        {
            return 1;
        }
    }

    return 0;
}
