
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake.h"
#include "ngx_http_intake_token.h"


/*
 * Amazon SNS signs some fields of its JSON document, as names and values each
 * with a line feed behind: docs.aws.amazon.com/sns/latest/dg
 * /sns-verify-signature-of-message-verify-message-signature.html.
 *
 * The certificate is the operator's.  SigningCertURL is only looked at, and
 * nothing is ever fetched from there or from SubscribeURL.
 */


#define NGX_HTTP_INTAKE_SNS_SIGNED  (NGX_HTTP_INTAKE_SNS_TYPE + 1)


static ngx_int_t ngx_http_intake_sns_parts(ngx_str_t **fields,
    ngx_str_t *parts, ngx_uint_t *n);
static ngx_uint_t ngx_http_intake_sns_is_ours(ngx_str_t *url);
static ngx_int_t ngx_http_intake_sns_secret(ngx_http_intake_ctx_t *ctx,
    ngx_str_t **fields, ngx_str_t *signature);
static ngx_int_t ngx_http_intake_sns_topic(ngx_http_intake_ctx_t *ctx,
    ngx_str_t *topic);


ngx_str_t  ngx_http_intake_sns_names[] = {
    ngx_string("Message"),
    ngx_string("MessageId"),
    ngx_string("Subject"),
    ngx_string("SubscribeURL"),
    ngx_string("Timestamp"),
    ngx_string("Token"),
    ngx_string("TopicArn"),
    ngx_string("Type"),
    ngx_string("SignatureVersion"),
    ngx_string("SigningCertURL"),
    ngx_string("Signature")
};


ngx_uint_t
ngx_http_intake_sns_is_signed(ngx_http_intake_sns_e field)
{
    return field < NGX_HTTP_INTAKE_SNS_SIGNED
           && field != NGX_HTTP_INTAKE_SNS_SUBJECT
           && field != NGX_HTTP_INTAKE_SNS_SUBSCRIBE_URL
           && field != NGX_HTTP_INTAKE_SNS_TOKEN;
}


ngx_int_t
ngx_http_intake_verify_sns(ngx_http_intake_ctx_t *ctx)
{
    ngx_int_t               rc;
    ngx_str_t              *values, signature;
    ngx_str_t              *fields[NGX_HTTP_INTAKE_SNS_FIELDS];
    ngx_uint_t              i, n;
    ngx_http_intake_src_t  *src;

    src = ctx->source->platform->sns;

    for (i = 0; i < NGX_HTTP_INTAKE_SNS_FIELDS; i++) {

        if (ngx_http_intake_extract(ctx, &src[i], &values, &n) != NGX_OK) {
            return NGX_ERROR;
        }

        fields[i] = n ? values : NULL;
    }

    if (ngx_http_intake_is_unreadable(ctx, src)) {
        return ngx_http_intake_deny(ctx, NGX_HTTP_INTAKE_MALFORMED, NULL);
    }

    if (fields[NGX_HTTP_INTAKE_SNS_SIGNATURE] == NULL
        || fields[NGX_HTTP_INTAKE_SNS_SIGNATURE]->len == 0)
    {
        return ngx_http_intake_deny(ctx, NGX_HTTP_INTAKE_SIGNATURE_MISSING,
                                    NULL);
    }

    rc = ngx_http_intake_decode_exact(ctx->request->pool,
                                      NGX_INTAKE_ENCODING_BASE64,
                                      fields[NGX_HTTP_INTAKE_SNS_SIGNATURE],
                                      &signature);
    if (rc == NGX_OK) {
        rc = ngx_http_intake_sns_secret(ctx, fields, &signature);
    }

    if (rc == NGX_DECLINED) {
        return ngx_http_intake_deny(ctx, NGX_HTTP_INTAKE_SIGNATURE_MISMATCH,
                                    NULL);
    }

    if (rc != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_intake_sns_topic(ctx,
                                     fields[NGX_HTTP_INTAKE_SNS_TOPIC_ARN]);
}


/* sets secret of ctx; all secrets are tried whichever matches */

static ngx_int_t
ngx_http_intake_sns_secret(ngx_http_intake_ctx_t *ctx, ngx_str_t **fields,
    ngx_str_t *signature)
{
    ngx_int_t                     rc;
    ngx_str_t                    *url, *version;
    ngx_str_t                     parts[4 * NGX_HTTP_INTAKE_SNS_SIGNED];
    ngx_uint_t                    i, j, n;
    ngx_http_intake_secret_t     *secret;
    ngx_http_intake_named_key_t  *key;

    url = fields[NGX_HTTP_INTAKE_SNS_CERT_URL];
    version = fields[NGX_HTTP_INTAKE_SNS_VERSION];

    if (version == NULL || url == NULL || !ngx_http_intake_sns_is_ours(url)
        || ngx_http_intake_sns_parts(fields, parts, &n) != NGX_OK)
    {
        return NGX_DECLINED;
    }

    secret = ctx->source->secrets->elts;

    for (i = 0; i < ctx->source->secrets->nelts; i++) {

        key = secret[i].keys->elts;

        for (j = 0; j < secret[i].keys->nelts; j++) {

            if (key[j].name.len != version->len
                || ngx_memcmp(key[j].name.data, version->data, version->len)
                   != 0)
            {
                continue;
            }

            rc = ngx_intake_key_verify(key[j].key, parts, n, signature->data,
                                       signature->len);

            if (rc == NGX_ERROR) {
                return NGX_ERROR;
            }

            if (rc == NGX_OK) {
                ctx->secret = &secret[i];
            }
        }
    }

    return ctx->secret ? NGX_OK : NGX_DECLINED;
}


/*
 * NGX_DECLINED: the type is unknown, or a field of it is absent or would be
 * signed as two
 */

static ngx_int_t
ngx_http_intake_sns_parts(ngx_str_t **fields, ngx_str_t *parts, ngx_uint_t *n)
{
    ngx_str_t   *type;
    ngx_uint_t   i, notification;

    static ngx_str_t  line_feed = ngx_string("\n");

    type = fields[NGX_HTTP_INTAKE_SNS_TYPE];

    if (type == NULL) {
        return NGX_DECLINED;
    }

    notification = (type->len == sizeof("Notification") - 1
                    && ngx_memcmp(type->data, "Notification", type->len) == 0);

    if (!notification
        && (type->len != sizeof("SubscriptionConfirmation") - 1
            || ngx_memcmp(type->data, "SubscriptionConfirmation", type->len)
               != 0)
        && (type->len != sizeof("UnsubscribeConfirmation") - 1
            || ngx_memcmp(type->data, "UnsubscribeConfirmation", type->len)
               != 0))
    {
        return NGX_DECLINED;
    }

    *n = 0;

    for (i = 0; i < NGX_HTTP_INTAKE_SNS_SIGNED; i++) {

        if (i == NGX_HTTP_INTAKE_SNS_SUBJECT
            ? (!notification || fields[i] == NULL)
            : (notification && !ngx_http_intake_sns_is_signed(i)))
        {
            continue;
        }

        if (fields[i] == NULL) {
            return NGX_DECLINED;
        }

        /* line feeds are all that tells where a field ends */

        if (i != NGX_HTTP_INTAKE_SNS_MESSAGE && fields[i]->len
            && memchr(fields[i]->data, LF, fields[i]->len))
        {
            return NGX_DECLINED;
        }

        parts[(*n)++] = ngx_http_intake_sns_names[i];
        parts[(*n)++] = line_feed;
        parts[(*n)++] = *fields[i];
        parts[(*n)++] = line_feed;
    }

    return NGX_OK;
}


/* https://sns.REGION.amazonaws.com/ or the same in .com.cn */

static ngx_uint_t
ngx_http_intake_sns_is_ours(ngx_str_t *url)
{
    u_char  *p, *last, *region;

    static ngx_str_t  scheme = ngx_string("https://sns.");
    static ngx_str_t  domain = ngx_string(".amazonaws.com");

    p = url->data;
    last = p + url->len;

    if (url->len < scheme.len || ngx_memcmp(p, scheme.data, scheme.len) != 0) {
        return 0;
    }

    p += scheme.len;
    region = p;

    while (p < last && ((*p >= 'a' && *p <= 'z') || (*p >= '0' && *p <= '9')
                        || *p == '-'))
    {
        p++;
    }

    if (p == region || (size_t) (last - p) < domain.len
        || ngx_memcmp(p, domain.data, domain.len) != 0)
    {
        return 0;
    }

    p += domain.len;

    if (last - p >= 3 && ngx_memcmp(p, ".cn", 3) == 0) {
        p += 3;
    }

    return p < last && *p == '/';
}


/*
 * The certificate is the same for all topics, everybody's: which of them may
 * send is a matter of "set topic".
 */

static ngx_int_t
ngx_http_intake_sns_topic(ngx_http_intake_ctx_t *ctx, ngx_str_t *topic)
{
    ngx_str_t              *values;
    ngx_uint_t              i, n;
    ngx_http_intake_src_t   src;

    ngx_memzero(&src, sizeof(ngx_http_intake_src_t));

    src.kind = NGX_HTTP_INTAKE_SRC_CONF;
    src.split = ' ';
    ngx_str_set(&src.name, "topic");

    if (ngx_http_intake_extract(ctx, &src, &values, &n) != NGX_OK) {
        return NGX_ERROR;
    }

    for (i = 0; i < n; i++) {
        if (values[i].len == topic->len
            && ngx_memcmp(values[i].data, topic->data, topic->len) == 0)
        {
            return NGX_OK;
        }
    }

    if (n == 0) {
        return NGX_OK;
    }

    return ngx_http_intake_deny(ctx, NGX_HTTP_INTAKE_CREDENTIALS, topic);
}
