
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake.h"


/*
 * Templates: the strings that signatures are made of, and the bodies of our
 * answers.  The parts of a template are not joined, so that the request's
 * body is never copied.
 */


static ngx_int_t ngx_http_intake_evaluate_word(ngx_http_intake_ctx_t *ctx,
    ngx_http_intake_word_t *word, ngx_http_intake_values_t *v,
    ngx_str_t *text);
static ngx_int_t ngx_http_intake_source_word(ngx_http_intake_ctx_t *ctx,
    ngx_http_intake_word_t *word, ngx_http_intake_values_t *v,
    ngx_str_t *text);
static ngx_int_t ngx_http_intake_crc32_word(ngx_http_intake_ctx_t *ctx,
    ngx_str_t *text);
static ngx_int_t ngx_http_intake_sorted_word(ngx_http_intake_ctx_t *ctx,
    ngx_http_intake_word_t *word, ngx_http_intake_values_t *v,
    ngx_str_t *text);
static ngx_int_t ngx_http_intake_hmac_word(ngx_http_intake_ctx_t *ctx,
    ngx_http_intake_word_t *word, ngx_http_intake_values_t *v,
    ngx_str_t *text);
static ngx_int_t ngx_http_intake_escape(ngx_pool_t *pool, ngx_str_t *text);


ngx_int_t
ngx_http_intake_evaluate(ngx_http_intake_ctx_t *ctx,
    ngx_http_intake_template_t *template, ngx_http_intake_values_t *v,
    ngx_str_t **parts, ngx_uint_t *n)
{
    ngx_int_t                rc;
    ngx_str_t               *part;
    ngx_uint_t               i;
    ngx_http_intake_word_t  *word;

    part = ngx_palloc(ctx->request->pool,
                      (template->nelts + 1) * sizeof(ngx_str_t));
    if (part == NULL) {
        return NGX_ERROR;
    }

    word = template->elts;

    for (i = 0; i < template->nelts; i++) {

        rc = ngx_http_intake_evaluate_word(ctx, &word[i], v, &part[i]);

        if (rc == NGX_DECLINED && v->lenient) {
            ngx_str_null(&part[i]);
            continue;
        }

        if (rc != NGX_OK) {
            return rc;
        }

        if (v->json && word[i].type != NGX_HTTP_INTAKE_WORD_LITERAL
            && ngx_http_intake_escape(ctx->request->pool, &part[i]) != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    *parts = part;
    *n = template->nelts;

    return NGX_OK;
}


static ngx_int_t
ngx_http_intake_evaluate_word(ngx_http_intake_ctx_t *ctx,
    ngx_http_intake_word_t *word, ngx_http_intake_values_t *v,
    ngx_str_t *text)
{
    ngx_int_t  rc;

    switch (word->type) {

    case NGX_HTTP_INTAKE_WORD_LITERAL:
        *text = word->text;
        return NGX_OK;

    case NGX_HTTP_INTAKE_WORD_BODY:
        *text = ctx->body;
        return NGX_OK;

    case NGX_HTTP_INTAKE_WORD_URL:

        if (v->url.len == 0) {
            return ngx_http_intake_url(ctx, text);
        }

        *text = v->url;
        return NGX_OK;

    case NGX_HTTP_INTAKE_WORD_PATH:
        *text = ctx->request->unparsed_uri;
        return NGX_OK;

    case NGX_HTTP_INTAKE_WORD_METHOD:
        *text = ctx->request->method_name;
        return NGX_OK;

    case NGX_HTTP_INTAKE_WORD_SECRET:

        if (v->secret == NULL) {
            return NGX_DECLINED;
        }

        *text = *v->secret;
        return NGX_OK;

    case NGX_HTTP_INTAKE_WORD_TIMESTAMP:
        rc = ngx_http_intake_find_timestamp(ctx);
        *text = ctx->timestamp;
        return rc;

    case NGX_HTTP_INTAKE_WORD_ID:

        if (ctx->id.len == 0) {
            return ngx_http_intake_find_id(ctx, text);
        }

        *text = ctx->id;
        return NGX_OK;

    case NGX_HTTP_INTAKE_WORD_CRC32_BODY:
        return ngx_http_intake_crc32_word(ctx, text);

    case NGX_HTTP_INTAKE_WORD_FORM_SORTED:
        return ngx_http_intake_form_word(ctx, text);

    case NGX_HTTP_INTAKE_WORD_PARAMS_AMP:
        return ngx_http_intake_params_word(ctx, &word->text, text);

    case NGX_HTTP_INTAKE_WORD_SORTED:
        return ngx_http_intake_sorted_word(ctx, word, v, text);

    case NGX_HTTP_INTAKE_WORD_HMAC:
        return ngx_http_intake_hmac_word(ctx, word, v, text);

    default: /* NGX_HTTP_INTAKE_WORD_SRC */
        return ngx_http_intake_source_word(ctx, word, v, text);
    }
}


/* of a field that comes twice readers may take the one that is not signed */

static ngx_int_t
ngx_http_intake_source_word(ngx_http_intake_ctx_t *ctx,
    ngx_http_intake_word_t *word, ngx_http_intake_values_t *v,
    ngx_str_t *text)
{
    ngx_str_t   *values;
    ngx_uint_t   n;

    if (word->src.kind == NGX_HTTP_INTAKE_SRC_FORM && !v->lenient) {

        if (ngx_http_intake_extract(ctx, &word->src, &values, &n) != NGX_OK) {
            return NGX_ERROR;
        }

        if (n > 1) {
            return NGX_DECLINED;
        }
    }

    return ngx_http_intake_extract_first(ctx, &word->src, text);
}


ngx_int_t
ngx_http_intake_flatten(ngx_pool_t *pool, ngx_str_t *parts, ngx_uint_t n,
    ngx_str_t *text)
{
    u_char      *p;
    size_t       len;
    ngx_uint_t   i;

    if (n == 1) {
        *text = parts[0];
        return NGX_OK;
    }

    len = 0;

    for (i = 0; i < n; i++) {
        len += parts[i].len;
    }

    text->len = len;
    text->data = ngx_pnalloc(pool, len + 1);
    if (text->data == NULL) {
        return NGX_ERROR;
    }

    p = text->data;

    for (i = 0; i < n; i++) {
        if (parts[i].len) {
            p = ngx_cpymem(p, parts[i].data, parts[i].len);
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_intake_crc32_word(ngx_http_intake_ctx_t *ctx, ngx_str_t *text)
{
    uint32_t  crc;

    text->data = ngx_pnalloc(ctx->request->pool, NGX_INT32_LEN);
    if (text->data == NULL) {
        return NGX_ERROR;
    }

    crc = ngx_crc32_long(ctx->body.data, ctx->body.len);
    text->len = ngx_sprintf(text->data, "%uD", crc) - text->data;

    return NGX_OK;
}


static ngx_int_t
ngx_http_intake_sorted_word(ngx_http_intake_ctx_t *ctx,
    ngx_http_intake_word_t *word, ngx_http_intake_values_t *v,
    ngx_str_t *text)
{
    ngx_int_t                 rc;
    ngx_str_t                *parts;
    ngx_uint_t                n;
    ngx_http_intake_values_t  plain;

    plain = *v;
    plain.json = 0;

    rc = ngx_http_intake_evaluate(ctx, word->words, &plain, &parts, &n);
    if (rc != NGX_OK) {
        return rc;
    }

    ngx_qsort(parts, (size_t) n, sizeof(ngx_str_t),
              ngx_http_intake_compare_texts);

    return ngx_http_intake_flatten(ctx->request->pool, parts, n, text);
}


static ngx_int_t
ngx_http_intake_hmac_word(ngx_http_intake_ctx_t *ctx,
    ngx_http_intake_word_t *word, ngx_http_intake_values_t *v,
    ngx_str_t *text)
{
    u_char                    digest[NGX_INTAKE_DIGEST_MAX];
    ngx_int_t                 rc;
    ngx_str_t                *parts, bytes;
    ngx_uint_t                n;
    const char               *error;
    ngx_intake_key_t         *key;
    ngx_http_intake_values_t  plain;

    if (v->secret == NULL) {
        return NGX_DECLINED;
    }

    plain = *v;
    plain.json = 0;

    rc = ngx_http_intake_evaluate(ctx, word->words, &plain, &parts, &n);
    if (rc != NGX_OK) {
        return rc;
    }

    key = ngx_intake_key_create(word->algorithm, v->secret->data,
                                v->secret->len, &error);
    if (key == NULL) {
        return NGX_ERROR;
    }

    bytes.data = digest;
    rc = ngx_intake_key_digest(key, parts, n, digest, &bytes.len);

    ngx_intake_key_destroy(key);

    if (rc != NGX_OK) {
        return NGX_ERROR;
    }

    text->data = ngx_pnalloc(ctx->request->pool, 2 * NGX_INTAKE_DIGEST_MAX);
    if (text->data == NULL) {
        return NGX_ERROR;
    }

    return ngx_intake_encode(word->encoding, &bytes, text->data,
                             2 * NGX_INTAKE_DIGEST_MAX, &text->len);
}


static ngx_int_t
ngx_http_intake_escape(ngx_pool_t *pool, ngx_str_t *text)
{
    size_t   len;
    u_char  *p;

    len = ngx_intake_json_escape_length(text->data, text->len);

    p = ngx_pnalloc(pool, len + 1);
    if (p == NULL) {
        return NGX_ERROR;
    }

    ngx_intake_json_escape(p, text->data, text->len);

    text->data = p;
    text->len = len;

    return NGX_OK;
}
