
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake.h"


/* Handshakes: the requests by which a platform tests that we are there. */


static ngx_int_t ngx_http_intake_match(ngx_http_intake_ctx_t *ctx,
    ngx_http_intake_challenge_t *challenge);
static ngx_int_t ngx_http_intake_check_token(ngx_http_intake_ctx_t *ctx,
    ngx_http_intake_challenge_t *challenge);
static ngx_int_t ngx_http_intake_check_signed(ngx_http_intake_ctx_t *ctx,
    ngx_http_intake_template_t *template);
static ngx_uint_t ngx_http_intake_is_token(ngx_str_t *text);
static ngx_int_t ngx_http_intake_answer_text(ngx_http_intake_ctx_t *ctx,
    ngx_http_intake_template_t *template, ngx_uint_t json, ngx_str_t *text);


ngx_int_t
ngx_http_intake_challenge(ngx_http_intake_ctx_t *ctx, ngx_uint_t verified,
    ngx_http_intake_challenge_t **challenge, ngx_str_t *body)
{
    ngx_int_t                     rc;
    ngx_uint_t                    i;
    ngx_array_t                  *challenges;
    ngx_http_intake_challenge_t  *c;

    challenges = ctx->source->platform->challenges;

    if (challenges == NULL) {
        return NGX_DECLINED;
    }

    c = challenges->elts;

    for (i = 0; i < challenges->nelts; i++) {

        if (c[i].verified != (verified ? 1 : 0)
            || c[i].method != ctx->request->method)
        {
            continue;
        }

        rc = ngx_http_intake_match(ctx, &c[i]);

        if (rc == NGX_DECLINED) {
            continue;
        }

        if (rc == NGX_OK) {
            rc = ngx_http_intake_check_token(ctx, &c[i]);
        }

        if (rc == NGX_OK && !verified && c[i].reply.body) {
            rc = ngx_http_intake_check_signed(ctx, c[i].reply.body);
        }

        if (rc == NGX_OK) {
            rc = ngx_http_intake_answer_text(ctx, c[i].reply.body,
                                             c[i].reply.json, body);
        }

        *challenge = &c[i];

        return rc;
    }

    return NGX_DECLINED;
}


static ngx_int_t
ngx_http_intake_match(ngx_http_intake_ctx_t *ctx,
    ngx_http_intake_challenge_t *challenge)
{
    ngx_str_t                *values;
    ngx_uint_t                i, j, n;
    ngx_http_intake_match_t  *match;

    if (challenge->matches == NULL) {
        return NGX_OK;
    }

    match = challenge->matches->elts;

    for (i = 0; i < challenge->matches->nelts; i++) {

        if (ngx_http_intake_extract(ctx, &match[i].src, &values, &n)
            != NGX_OK)
        {
            return NGX_ERROR;
        }

        for (j = 0; j < n; j++) {

            if (match[i].equal
                ? (values[j].len == match[i].value.len
                   && ngx_memcmp(values[j].data, match[i].value.data,
                                 values[j].len)
                      == 0)
                : (values[j].len != 0))
            {
                break;
            }
        }

        if (j == n) {
            return NGX_DECLINED;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_intake_check_token(ngx_http_intake_ctx_t *ctx,
    ngx_http_intake_challenge_t *challenge)
{
    ngx_int_t                  rc;
    ngx_str_t                  value;
    ngx_uint_t                 i, matched;
    ngx_array_t               *tokens;
    ngx_http_intake_secret_t  *token;

    if (challenge->token == NULL) {
        return NGX_OK;
    }

    rc = ngx_http_intake_extract_first(ctx, challenge->token, &value);

    if (rc == NGX_ERROR) {
        return NGX_ERROR;
    }

    tokens = ctx->source->verify_tokens;
    matched = 0;

    if (rc == NGX_OK && tokens) {
        token = tokens->elts;

        for (i = 0; i < tokens->nelts; i++) {
            if (ngx_intake_equal(value.data, value.len, token[i].value.data,
                                 token[i].value.len)
                == NGX_OK)
            {
                matched = 1;
            }
        }
    }

    if (!matched) {
        (void) ngx_http_intake_deny(ctx, NGX_HTTP_INTAKE_CHALLENGE_REFUSED,
                                    NULL);
        return NGX_ABORT;
    }

    return NGX_OK;
}


/*
 * Anybody may ask for an answer with $hmac.  It must not become the signature
 * of a delivery, so only what looks like a token is signed: not a document.
 */

static ngx_int_t
ngx_http_intake_check_signed(ngx_http_intake_ctx_t *ctx,
    ngx_http_intake_template_t *template)
{
    ngx_int_t                rc;
    ngx_str_t                value;
    ngx_uint_t               i;
    ngx_http_intake_word_t  *word, *inner;

    word = template->elts;

    for (i = 0; i < template->nelts; i++) {

        if (word[i].type != NGX_HTTP_INTAKE_WORD_HMAC) {
            continue;
        }

        inner = word[i].words->elts;

        if (inner->type != NGX_HTTP_INTAKE_WORD_SRC) {
            continue;
        }

        rc = ngx_http_intake_extract_first(ctx, &inner->src, &value);

        if (rc == NGX_ERROR) {
            return NGX_ERROR;
        }

        /* a signature of nothing is that of an empty body */

        if (rc == NGX_DECLINED || !ngx_http_intake_is_token(&value)) {
            (void) ngx_http_intake_deny(ctx,
                                        NGX_HTTP_INTAKE_CHALLENGE_REFUSED,
                                        NULL);
            return NGX_ABORT;
        }
    }

    return NGX_OK;
}


/* what has not the form of a token is not signed for anybody, see above */

ngx_uint_t
ngx_http_intake_is_handshake(ngx_http_intake_ctx_t *ctx, ngx_str_t *parts,
    ngx_uint_t n)
{
    size_t                        len;
    ngx_uint_t                    i;
    ngx_array_t                  *challenges;
    ngx_http_intake_challenge_t  *c;

    challenges = ctx->source->platform->challenges;

    if (challenges == NULL) {
        return 0;
    }

    c = challenges->elts;

    for (i = 0; i < challenges->nelts; i++) {
        if (!c[i].verified && c[i].reply.body
            && ngx_http_intake_has_word(c[i].reply.body,
                                        NGX_HTTP_INTAKE_WORD_HMAC))
        {
            break;
        }
    }

    if (i == challenges->nelts) {
        return 0;
    }

    len = 0;

    for (i = 0; i < n; i++) {

        if (!ngx_http_intake_is_token(&parts[i])) {
            return 0;
        }

        len += parts[i].len;
    }

    return len != 0;
}


static ngx_uint_t
ngx_http_intake_is_token(ngx_str_t *text)
{
    u_char  ch;
    size_t  i;

    for (i = 0; i < text->len; i++) {
        ch = text->data[i];

        if (ch <= ' ' || ch > '~' || ngx_strchr("\"&<>[]{}", ch)) {
            return 0;
        }
    }

    return 1;
}


static ngx_int_t
ngx_http_intake_answer_text(ngx_http_intake_ctx_t *ctx,
    ngx_http_intake_template_t *template, ngx_uint_t json, ngx_str_t *text)
{
    ngx_str_t                 *parts;
    ngx_uint_t                 n;
    ngx_array_t               *secrets;
    ngx_http_intake_values_t   v;
    ngx_http_intake_secret_t  *secret;

    ngx_str_null(text);

    if (template == NULL) {
        return NGX_OK;
    }

    ngx_memzero(&v, sizeof(ngx_http_intake_values_t));

    v.json = json ? 1 : 0;
    v.lenient = 1;

    secrets = ctx->source->secrets;

    if (secrets && secrets->nelts) {
        secret = secrets->elts;
        v.secret = &secret->value;
    }

    if (ngx_http_intake_evaluate(ctx, template, &v, &parts, &n) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_intake_flatten(ctx->request->pool, parts, n, text);
}


/* a value of the request must not begin another header */

ngx_int_t
ngx_http_intake_challenge_header(ngx_http_intake_ctx_t *ctx,
    ngx_http_intake_header_t *header, ngx_str_t *value)
{
    u_char     *dst;
    size_t      i, n;
    ngx_str_t   text;

    if (ngx_http_intake_answer_text(ctx, header->value, 0, &text) != NGX_OK) {
        return NGX_ERROR;
    }

    dst = ngx_pnalloc(ctx->request->pool, text.len + 1);
    if (dst == NULL) {
        return NGX_ERROR;
    }

    n = 0;

    for (i = 0; i < text.len; i++) {

        if ((text.data[i] < 0x20 && text.data[i] != '\t')
            || text.data[i] == 0x7f)
        {
            continue;
        }

        dst[n++] = text.data[i];
    }

    value->data = dst;
    value->len = n;

    return NGX_OK;
}
