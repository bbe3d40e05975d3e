
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake.h"
#include "ngx_http_intake_headers.h"

#include <openssl/rand.h>


/*
 * v1.FORM.ISSUED.NONCE.MAC: that this server has shown FORM's page at ISSUED,
 * in ms since 1970.  The MAC is of all that stands before it, dots included,
 * so that no part can lend a character to its neighbour.
 */


#define NGX_HTTP_INTAKE_TOKEN_NONCE  16         /* random bytes */
#define NGX_HTTP_INTAKE_TOKEN_PARTS  5
#define NGX_HTTP_INTAKE_TOKEN_AHEAD  300000     /* ms a clock may be set back */

#define NGX_HTTP_INTAKE_TOKEN_NONCE_LEN                                       \
    ngx_intake_base64url_length(NGX_HTTP_INTAKE_TOKEN_NONCE)
#define NGX_HTTP_INTAKE_TOKEN_MAC_LEN                                         \
    ngx_intake_base64url_length(NGX_INTAKE_SHA256_LEN)


static void ngx_http_intake_form_token_free(void *data);
static ngx_int_t ngx_http_intake_form_token_mac(
    ngx_http_intake_source_t *source, ngx_str_t *text, u_char *mac);
static ngx_uint_t ngx_http_intake_find_token(ngx_http_intake_ctx_t *ctx,
    ngx_str_t *token);
static ngx_int_t ngx_http_intake_check_token_cookies(
    ngx_http_intake_ctx_t *ctx);
static ngx_int_t ngx_http_intake_check_cookie_header(
    ngx_http_intake_ctx_t *ctx, ngx_str_t *header);
static ngx_int_t ngx_http_intake_judge_token(ngx_http_intake_ctx_t *ctx,
    ngx_str_t *token, ngx_uint_t cookie);
static ngx_uint_t ngx_http_intake_split_token(ngx_str_t *token,
    ngx_str_t *part);
static void ngx_http_intake_judge_token_age(ngx_http_intake_ctx_t *ctx,
    ngx_str_t *issued, ngx_str_t *nonce);
static ngx_int_t ngx_http_intake_set_token_cookie(ngx_http_request_t *r,
    ngx_http_intake_source_t *source);


static ngx_str_t  ngx_http_intake_token_version = ngx_string("v1.");
static ngx_str_t  ngx_http_intake_token_type = ngx_string("text/css");
static ngx_str_t  ngx_http_intake_token_cache = ngx_string("no-store");
static ngx_str_t  ngx_http_intake_token_nosniff = ngx_string("nosniff");


char *
ngx_http_intake_form_token_key(ngx_conf_t *cf,
    ngx_http_intake_source_t *source)
{
    const char                         *error;
    ngx_pool_cleanup_t                 *cln;
    ngx_http_intake_form_token_conf_t  *conf;

    conf = &source->form->token;

    if (conf->secret.len == 0) {
        return NGX_CONF_OK;
    }

    cln = ngx_pool_cleanup_add(cf->pool, 0);
    if (cln == NULL) {
        return NGX_CONF_ERROR;
    }

    conf->key = ngx_intake_key_create(NGX_INTAKE_ALGORITHM_HMAC_SHA256,
                                      conf->secret.data, conf->secret.len,
                                      &error);
    if (conf->key == NULL) {
        ngx_http_intake_conf_log(cf, NGX_LOG_EMERG, &source->position,
                                 "the secret of \"token\" in intake_source "
                                 "\"%V\" %s", &source->name, error);
        return NGX_CONF_ERROR;
    }

    cln->handler = ngx_http_intake_form_token_free;
    cln->data = conf->key;

    return NGX_CONF_OK;
}


static void
ngx_http_intake_form_token_free(void *data)
{
    ngx_intake_key_destroy(data);
}


ngx_int_t
ngx_http_intake_form_token(ngx_http_request_t *r,
    ngx_http_intake_source_t *source, ngx_str_t *token)
{
    u_char          *p, random[NGX_HTTP_INTAKE_TOKEN_NONCE];
    size_t           len;
    ngx_str_t        text;
    struct timeval   tv;

    if (RAND_bytes(random, sizeof(random)) != 1) {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "no random bytes for a form token");
        return NGX_ERROR;
    }

    len = ngx_http_intake_token_version.len + source->name.len + 1
          + NGX_INT64_LEN + 1 + NGX_HTTP_INTAKE_TOKEN_NONCE_LEN + 1
          + NGX_HTTP_INTAKE_TOKEN_MAC_LEN;

    token->data = ngx_pnalloc(r->pool, len);
    if (token->data == NULL) {
        return NGX_ERROR;
    }

    /* not the cached time: it could be before that of the last request */

    ngx_gettimeofday(&tv);

    p = ngx_sprintf(token->data, "%V%V.%L.", &ngx_http_intake_token_version,
                    &source->name,
                    (int64_t) tv.tv_sec * 1000 + tv.tv_usec / 1000);

    text.data = random;
    text.len = sizeof(random);

    if (ngx_intake_base64url_encode(&text, p, NGX_HTTP_INTAKE_TOKEN_NONCE_LEN,
                                    &len)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    p += len;
    *p++ = '.';

    text.data = token->data;
    text.len = p - token->data;

    if (ngx_http_intake_form_token_mac(source, &text, p) != NGX_OK) {
        return NGX_ERROR;
    }

    token->len = text.len + NGX_HTTP_INTAKE_TOKEN_MAC_LEN;

    return NGX_OK;
}


/* NGX_HTTP_INTAKE_TOKEN_MAC_LEN characters go to mac */

static ngx_int_t
ngx_http_intake_form_token_mac(ngx_http_intake_source_t *source,
    ngx_str_t *text, u_char *mac)
{
    u_char     digest[NGX_INTAKE_DIGEST_MAX];
    size_t     len;
    ngx_str_t  bytes;

    bytes.data = digest;

    if (ngx_intake_key_digest(source->form->token.key, text, 1, digest,
                              &bytes.len)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_intake_base64url_encode(&bytes, mac,
                                       NGX_HTTP_INTAKE_TOKEN_MAC_LEN, &len);
}


/*
 * The field first, then the cookie.  A page that nobody filled the token into
 * ("(none)" of SSI, a placeholder that sub_filter has not seen) has no token;
 * it must not look like a forger's.
 */

ngx_int_t
ngx_http_intake_check_form_token(ngx_http_intake_ctx_t *ctx)
{
    ngx_int_t                      rc;
    ngx_str_t                      token;
    ngx_http_intake_submission_t  *submission;

    if (ctx->source->form->token.key == NULL) {
        return NGX_OK;
    }

    submission = ctx->submission;

    if (ngx_http_intake_find_token(ctx, &token)) {
        rc = ngx_http_intake_judge_token(ctx, &token, 0);

    } else {
        rc = ngx_http_intake_check_token_cookies(ctx);
    }

    if (rc == NGX_DECLINED) {
        submission->spam |= 1 << NGX_HTTP_INTAKE_SPAM_TOKEN_MISSING;
        return NGX_OK;
    }

    if (rc == NGX_ABORT) {
        submission->spam |= 1 << NGX_HTTP_INTAKE_SPAM_TOKEN_FORGED;
        return NGX_OK;
    }

    return rc;
}


static ngx_uint_t
ngx_http_intake_find_token(ngx_http_intake_ctx_t *ctx, ngx_str_t *token)
{
    ngx_uint_t                     i;
    ngx_http_intake_form_value_t  *value;

    value = ctx->submission->values.elts;

    for (i = 0; i < ctx->submission->values.nelts; i++) {

        if (value[i].control != NGX_INTAKE_CONTROL_TOKEN) {
            continue;
        }

        *token = value[i].value;
        ngx_intake_text_trim(token);

        if (token->len >= ngx_http_intake_token_version.len
            && ngx_memcmp(token->data, ngx_http_intake_token_version.data,
                          ngx_http_intake_token_version.len)
               == 0)
        {
            return 1;
        }
    }

    return 0;
}


/*
 * A browser may have several cookies of the name, set for other paths or by
 * another form of the site: one that holds is enough.
 */

static ngx_int_t
ngx_http_intake_check_token_cookies(ngx_http_intake_ctx_t *ctx)
{
    ngx_int_t                   rc, found;
    ngx_str_t                  *value;
    ngx_http_intake_headers_t   headers;

    found = NGX_DECLINED;

    if (ctx->source->form->token.cookie.len == 0) {
        return found;
    }

    value = ngx_http_intake_first_header(&headers, ctx->request, "cookie",
                                         sizeof("cookie") - 1);

    for ( /* void */ ; value; value = ngx_http_intake_next_header(&headers)) {

        rc = ngx_http_intake_check_cookie_header(ctx, value);

        if (rc == NGX_OK || rc == NGX_ERROR) {
            return rc;
        }

        if (rc == NGX_ABORT) {
            found = rc;
        }
    }

    return found;
}


static ngx_int_t
ngx_http_intake_check_cookie_header(ngx_http_intake_ctx_t *ctx,
    ngx_str_t *header)
{
    u_char     *p, *last, *end;
    ngx_int_t   rc, found;
    ngx_str_t  *name, token;

    name = &ctx->source->form->token.cookie;
    found = NGX_DECLINED;

    p = header->data;
    last = p + header->len;

    for ( /* void */ ; p < last; p = end + 1) {

        end = ngx_strlchr(p, last, ';');

        if (end == NULL) {
            end = last;
        }

        while (p < end && *p == ' ') {
            p++;
        }

        if ((size_t) (end - p) <= name->len || p[name->len] != '='
            || ngx_memcmp(p, name->data, name->len) != 0)
        {
            continue;
        }

        token.data = p + name->len + 1;
        token.len = end - token.data;
        ngx_intake_text_trim(&token);

        rc = ngx_http_intake_judge_token(ctx, &token, 1);

        if (rc == NGX_OK || rc == NGX_ERROR) {
            return rc;
        }

        if (rc == NGX_ABORT) {
            found = rc;
        }
    }

    return found;
}


/*
 * NGX_OK: the token is ours, whatever its age; NGX_ABORT: it is forged, or
 * another form's; NGX_DECLINED: it is no token, or a cookie that another form
 * has set.
 */

static ngx_int_t
ngx_http_intake_judge_token(ngx_http_intake_ctx_t *ctx, ngx_str_t *token,
    ngx_uint_t cookie)
{
    u_char      mac[NGX_HTTP_INTAKE_TOKEN_MAC_LEN];
    ngx_str_t   part[NGX_HTTP_INTAKE_TOKEN_PARTS], text, *name;
    ngx_uint_t  other;

    if (!ngx_http_intake_split_token(token, part)) {
        return cookie ? NGX_DECLINED : NGX_ABORT;
    }

    name = &ctx->source->name;
    other = part[1].len != name->len
            || ngx_memcmp(part[1].data, name->data, name->len) != 0;

    if (other) {
        return cookie ? NGX_DECLINED : NGX_ABORT;
    }

    text.data = token->data;
    text.len = part[4].data - token->data;

    if (ngx_http_intake_form_token_mac(ctx->source, &text, mac) != NGX_OK) {
        return NGX_ERROR;
    }

    if (ngx_intake_equal(mac, sizeof(mac), part[4].data, part[4].len)
        != NGX_OK)
    {
        return NGX_ABORT;
    }

    ngx_http_intake_judge_token_age(ctx, &part[2], &part[3]);

    return NGX_OK;
}


static ngx_uint_t
ngx_http_intake_split_token(ngx_str_t *token, ngx_str_t *part)
{
    u_char      *p, *last, *dot;
    ngx_uint_t   i;

    p = token->data;
    last = p + token->len;

    for (i = 0; i < NGX_HTTP_INTAKE_TOKEN_PARTS; i++) {

        dot = ngx_strlchr(p, last, '.');

        if ((dot == NULL) != (i == NGX_HTTP_INTAKE_TOKEN_PARTS - 1)) {
            return 0;
        }

        part[i].data = p;
        part[i].len = (dot ? dot : last) - p;

        if (dot) {
            p = dot + 1;
        }
    }

    return part[0].len == 2 && ngx_memcmp(part[0].data, "v1", 2) == 0;
}


/*
 * Of a token that is ours.  Pages live long in caches and tabs: an old token
 * says nothing.  Neither does one from the future, which a clock that was set
 * back makes.
 */

static void
ngx_http_intake_judge_token_age(ngx_http_intake_ctx_t *ctx, ngx_str_t *issued,
    ngx_str_t *nonce)
{
    int64_t                             age, since;
    size_t                              i;
    ngx_http_intake_submission_t       *submission;
    ngx_http_intake_form_token_conf_t  *conf;

    conf = &ctx->source->form->token;
    submission = ctx->submission;
    since = 0;

    for (i = 0; i < issued->len; i++) {
        since = since * 10 + (issued->data[i] - '0');
    }

    age = ctx->received / 1000 - since;

    if (age > (int64_t) conf->max || age < -NGX_HTTP_INTAKE_TOKEN_AHEAD) {
        return;
    }

    if (age >= 0 && age < (int64_t) conf->min) {
        submission->spam |= 1 << NGX_HTTP_INTAKE_SPAM_TOO_FAST;
    }

    submission->nonce = *nonce;
}


/*
 * What a page asks for as a style sheet or an image, so that the page itself
 * may stay in every cache.
 */

ngx_int_t
ngx_http_intake_token_handler(ngx_http_request_t *r)
{
    ngx_int_t                    rc;
    ngx_str_t                    body;
    ngx_http_intake_loc_conf_t  *ilcf;

    ilcf = ngx_http_get_module_loc_conf(r, ngx_http_intake_module);

    if (!(r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD))) {
        return NGX_HTTP_NOT_ALLOWED;
    }

    rc = ngx_http_discard_request_body(r);

    if (rc != NGX_OK) {
        return rc;
    }

    if (ngx_http_intake_set_token_cookie(r, ilcf->token_source) != NGX_OK
        || ngx_http_intake_add_header(r, "Cache-Control",
                                      &ngx_http_intake_token_cache)
           != NGX_OK
        || ngx_http_intake_add_header(r, "X-Content-Type-Options",
                                      &ngx_http_intake_token_nosniff)
           != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_str_null(&body);

    return ngx_http_intake_send(r, NGX_HTTP_OK, &ngx_http_intake_token_type,
                                &body);
}


static ngx_int_t
ngx_http_intake_set_token_cookie(ngx_http_request_t *r,
    ngx_http_intake_source_t *source)
{
    u_char                             *p;
    size_t                              len;
    ngx_str_t                           token, value;
    ngx_uint_t                          https;
    ngx_http_intake_form_token_conf_t  *conf;

    static u_char  attributes[] = "; Path=/; HttpOnly; SameSite=Lax; Max-Age=";
    static u_char  secure[] = "; Secure";

    conf = &source->form->token;

    if (ngx_http_intake_form_token(r, source, &token) != NGX_OK) {
        return NGX_ERROR;
    }

    len = conf->cookie.len + 1 + token.len + sizeof(attributes) - 1
          + NGX_TIME_T_LEN + sizeof(secure) - 1;

    p = ngx_pnalloc(r->pool, len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    https = 0;

#if (NGX_HTTP_SSL)
    https = (r->connection->ssl != NULL);
#endif

    value.data = p;

    p = ngx_sprintf(p, "%V=%V%s%T", &conf->cookie, &token, attributes,
                    (time_t) (conf->max / 1000));

    if (https) {
        p = ngx_cpymem(p, secure, sizeof(secure) - 1);
    }

    value.len = p - value.data;

    return ngx_http_intake_add_header(r, "Set-Cookie", &value);
}
