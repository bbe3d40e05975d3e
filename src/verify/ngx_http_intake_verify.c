
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake.h"
#include "ngx_http_intake_token.h"


/*
 * Whether a delivery comes from who knows a secret, and now.  All secrets are
 * tried whichever matches, so that the time tells nothing about them.
 */


/* client text in a log line */

#define NGX_HTTP_INTAKE_LOG_LEN  64


static ngx_int_t ngx_http_intake_verify_basic(ngx_http_intake_ctx_t *ctx);
static ngx_int_t ngx_http_intake_verify_signature(ngx_http_intake_ctx_t *ctx);
static ngx_int_t ngx_http_intake_verify_time(ngx_http_intake_ctx_t *ctx);
static ngx_int_t ngx_http_intake_verify_equal(ngx_http_intake_ctx_t *ctx,
    ngx_str_t *values, ngx_uint_t n);
static ngx_uint_t ngx_http_intake_elements(ngx_http_intake_ctx_t *ctx);
static ngx_int_t ngx_http_intake_verify_body_digest(
    ngx_http_intake_ctx_t *ctx);


ngx_int_t
ngx_http_intake_verify(ngx_http_intake_ctx_t *ctx)
{
    ngx_int_t  rc;

    switch (ctx->source->platform->algorithm) {

    case NGX_INTAKE_ALGORITHM_NONE:
        return NGX_OK;

    case NGX_INTAKE_ALGORITHM_BASIC:
        return ngx_http_intake_verify_basic(ctx);

    case NGX_INTAKE_ALGORITHM_JWT_HS256:
    case NGX_INTAKE_ALGORITHM_JWT_RS256:
        rc = ngx_http_intake_verify_jwt(ctx);
        return (rc == NGX_OK) ? ngx_http_intake_verify_time(ctx) : rc;

    case NGX_INTAKE_ALGORITHM_SNS:
        return ngx_http_intake_verify_sns(ctx);

    default:
        return ngx_http_intake_verify_signature(ctx);
    }
}


/* RFC 7617; the name of the scheme is of any case */

static ngx_int_t
ngx_http_intake_verify_basic(ngx_http_intake_ctx_t *ctx)
{
    ngx_str_t              *values, text;
    ngx_uint_t              i, n, nkept;
    ngx_http_intake_src_t   src;

    ngx_memzero(&src, sizeof(ngx_http_intake_src_t));

    src.kind = NGX_HTTP_INTAKE_SRC_HEADER;
    ngx_str_set(&src.name, "authorization");

    if (ngx_http_intake_extract(ctx, &src, &values, &n) != NGX_OK) {
        return NGX_ERROR;
    }

    nkept = 0;

    for (i = 0; i < n; i++) {

        if (values[i].len < sizeof("Basic ") - 1
            || ngx_strncasecmp(values[i].data, (u_char *) "Basic ",
                               sizeof("Basic ") - 1)
               != 0)
        {
            continue;
        }

        text.data = values[i].data + sizeof("Basic ") - 1;
        text.len = values[i].len - (sizeof("Basic ") - 1);

        while (text.len && *text.data == ' ') {
            text.data++;
            text.len--;
        }

        values[nkept].data = ngx_pnalloc(ctx->request->pool, text.len + 1);
        if (values[nkept].data == NULL) {
            return NGX_ERROR;
        }

        if (ngx_intake_base64_decode(&text, values[nkept].data, text.len + 1,
                                     &values[nkept].len)
            == NGX_OK)
        {
            nkept++;
        }
    }

    if (ngx_http_intake_verify_equal(ctx, values, nkept) != NGX_OK) {
        return ngx_http_intake_deny(ctx, NGX_HTTP_INTAKE_CREDENTIALS, NULL);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_intake_verify_signature(ngx_http_intake_ctx_t *ctx)
{
    ngx_int_t                    rc;
    ngx_str_t                   *values;
    ngx_uint_t                   i, n;
    ngx_http_intake_platform_t  *platform;

    platform = ctx->source->platform;

    if (ngx_http_intake_extract(ctx, platform->signature, &values, &n)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (ngx_http_intake_is_unreadable(ctx, platform->signature)) {
        return ngx_http_intake_deny(ctx, NGX_HTTP_INTAKE_MALFORMED, NULL);
    }

    for (i = 0; i < n; i++) {
        if (values[i].len) {
            break;
        }
    }

    if (i == n) {
        return ngx_http_intake_deny(ctx, NGX_HTTP_INTAKE_SIGNATURE_MISSING,
                                    NULL);
    }

    rc = ngx_http_intake_verify_time(ctx);
    if (rc != NGX_OK) {
        return rc;
    }

    rc = ngx_http_intake_verify_body_digest(ctx);
    if (rc != NGX_OK) {
        return rc;
    }

    if (platform->algorithm == NGX_INTAKE_ALGORITHM_EQUAL) {
        rc = ngx_http_intake_verify_equal(ctx, values, n);

    } else {
        rc = ngx_http_intake_verify_string(ctx, values, n);
    }

    if (rc == NGX_DECLINED && ctx->code == NGX_HTTP_INTAKE_OK) {
        return ngx_http_intake_deny(ctx, NGX_HTTP_INTAKE_SIGNATURE_MISMATCH,
                                    NULL);
    }

    return rc;
}


static ngx_int_t
ngx_http_intake_verify_time(ngx_http_intake_ctx_t *ctx)
{
    int64_t                      now, time, difference, tolerance;
    ngx_int_t                    rc;
    ngx_time_t                  *tp;
    ngx_http_intake_platform_t  *platform;

    platform = ctx->source->platform;

    if (platform->timestamp == NULL) {
        return NGX_OK;
    }

    rc = ngx_http_intake_find_timestamp(ctx);

    if (rc == NGX_ERROR) {
        return NGX_ERROR;
    }

    if (ngx_http_intake_is_unreadable(ctx, platform->timestamp)) {
        return ngx_http_intake_deny(ctx, NGX_HTTP_INTAKE_MALFORMED, NULL);
    }

    if (rc == NGX_DECLINED) {
        return ngx_http_intake_deny(ctx, NGX_HTTP_INTAKE_TIMESTAMP_MISSING,
                                    NULL);
    }

    if (ngx_intake_time_parse(platform->timestamp_unit, &ctx->timestamp,
                              &time)
        != NGX_OK)
    {
        return ngx_http_intake_deny(ctx, NGX_HTTP_INTAKE_TIMESTAMP_RANGE,
                                    &ctx->timestamp);
    }

    if (ctx->source->tolerance == 0) {
        return NGX_OK;
    }

    tp = ngx_timeofday();
    now = (int64_t) tp->sec * 1000000;

    /* whole seconds are compared as such, as the senders' libraries do */

    if (platform->timestamp_unit != NGX_INTAKE_TIME_S) {
        now += (int64_t) tp->msec * 1000;
    }

    difference = (now > time) ? now - time : time - now;
    tolerance = (int64_t) ctx->source->tolerance * 1000000;

    if (difference > tolerance) {
        return ngx_http_intake_deny(ctx, NGX_HTTP_INTAKE_TIMESTAMP_RANGE,
                                    &ctx->timestamp);
    }

    return NGX_OK;
}


/* values are compared with the secrets themselves */

static ngx_int_t
ngx_http_intake_verify_equal(ngx_http_intake_ctx_t *ctx, ngx_str_t *values,
    ngx_uint_t n)
{
    ngx_uint_t                 i, j, all, every;
    ngx_http_intake_secret_t  *secret, *matched;

    secret = ctx->source->secrets->elts;
    every = ctx->source->platform->every;
    all = (n && n >= ngx_http_intake_elements(ctx));

    if (!every && n > NGX_HTTP_INTAKE_MAX_SIGNATURES) {
        n = NGX_HTTP_INTAKE_MAX_SIGNATURES;
    }

    for (i = 0; i < n; i++) {

        matched = NULL;

        for (j = 0; j < ctx->source->secrets->nelts; j++) {

            if (ngx_intake_equal(values[i].data, values[i].len,
                                 secret[j].value.data, secret[j].value.len)
                == NGX_OK && values[i].len)
            {
                matched = &secret[j];
            }
        }

        if (matched == NULL) {
            all = 0;

        } else if (ctx->secret == NULL) {
            ctx->secret = matched;
        }
    }

    if (ctx->secret == NULL || (every && !all)) {
        ctx->secret = NULL;
        return NGX_DECLINED;
    }

    return NGX_OK;
}


/* how many elements must have a signature where every one must */

static ngx_uint_t
ngx_http_intake_elements(ngx_http_intake_ctx_t *ctx)
{
    ngx_uint_t    path;
    ngx_array_t  *values;

    path = ctx->source->platform->elements;

    if (path == NGX_CONF_UNSET_UINT || ctx->json_rc != NGX_OK) {
        return 0;
    }

    values = ctx->json->elts;

    return values[path].nelts;
}


/*
 * The body's own digest.  Where forms are signed it is all that covers a body
 * which is no form, and must not be left out.
 */

static ngx_int_t
ngx_http_intake_verify_body_digest(ngx_http_intake_ctx_t *ctx)
{
    u_char                       digest[NGX_INTAKE_DIGEST_MAX];
    size_t                       len;
    ngx_str_t                   *values;
    ngx_uint_t                   n;
    ngx_http_request_t          *r;
    ngx_http_intake_platform_t  *platform;

    r = ctx->request;
    platform = ctx->source->platform;

    if (platform->body_digest == NULL) {
        return NGX_OK;
    }

    if (ngx_http_intake_extract(ctx, platform->body_digest, &values, &n)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (n == 0) {

        if (ctx->body.len
            && (r->method == NGX_HTTP_GET || !ngx_http_intake_is_form(r))
            && ngx_http_intake_has_word(platform->signed_string,
                                        NGX_HTTP_INTAKE_WORD_FORM_SORTED)
            && !ngx_http_intake_has_word(platform->signed_string,
                                         NGX_HTTP_INTAKE_WORD_BODY))
        {
            return ngx_http_intake_deny(ctx,
                                        NGX_HTTP_INTAKE_SIGNATURE_MISSING,
                                        NULL);
        }

        return NGX_OK;
    }

    if (ngx_http_intake_hash_body(ctx) != NGX_OK) {
        return NGX_ERROR;
    }

    if (ngx_intake_decode(platform->body_digest_encoding, &values[0], digest,
                          NGX_INTAKE_DIGEST_MAX, &len)
        != NGX_OK
        || ngx_intake_equal(digest, len, ctx->body_digest,
                            NGX_INTAKE_SHA256_LEN)
           != NGX_OK)
    {
        return ngx_http_intake_deny(ctx, NGX_HTTP_INTAKE_SIGNATURE_MISMATCH,
                                    NULL);
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_intake_find_timestamp(ngx_http_intake_ctx_t *ctx)
{
    if (ctx->timestamp.len) {
        return NGX_OK;
    }

    if (ctx->source->platform->timestamp == NULL) {
        return NGX_DECLINED;
    }

    return ngx_http_intake_extract_first(ctx,
                                         ctx->source->platform->timestamp,
                                         &ctx->timestamp);
}


ngx_int_t
ngx_http_intake_deny(ngx_http_intake_ctx_t *ctx, ngx_http_intake_code_e code,
    ngx_str_t *text)
{
    u_char  shown[NGX_HTTP_INTAKE_LOG_LEN];
    size_t  i, len;

    ctx->code = code;
    len = 0;

    if (text) {
        len = ngx_min(text->len, NGX_HTTP_INTAKE_LOG_LEN);

        for (i = 0; i < len; i++) {
            shown[i] = text->data[i];

            if (shown[i] < 0x20 || shown[i] > 0x7e) {
                shown[i] = '?';
            }
        }
    }

    ngx_log_error(NGX_LOG_INFO, ctx->request->connection->log, 0,
                  "intake source \"%V\" refused a request: %V%s%*s",
                  &ctx->source->name, ngx_http_intake_code_name(code),
                  len ? " " : "", len, shown);

    return NGX_DECLINED;
}
