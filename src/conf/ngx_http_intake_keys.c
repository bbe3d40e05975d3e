
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake.h"
#include "ngx_http_intake_token.h"

#include <jansson.h>


/*
 * What the secrets of a source become for the algorithm of its platform: a
 * key, or several keys with names.  The text of a secret is never a part of a
 * message.
 */


#define NGX_HTTP_INTAKE_MAX_KEYS  64    /* of one secret */


static char *ngx_http_intake_make_key(ngx_conf_t *cf,
    ngx_http_intake_source_t *source, ngx_http_intake_secret_t *secret);
static const char *ngx_http_intake_make_decoded(ngx_conf_t *cf,
    ngx_http_intake_platform_t *platform, ngx_http_intake_secret_t *secret,
    ngx_str_t *text);
static const char *ngx_http_intake_make_sns(ngx_conf_t *cf,
    ngx_http_intake_secret_t *secret, ngx_str_t *text);
static const char *ngx_http_intake_make_rs256(ngx_conf_t *cf,
    ngx_http_intake_secret_t *secret, ngx_str_t *text);
static const char *ngx_http_intake_make_jwks(ngx_conf_t *cf,
    ngx_http_intake_secret_t *secret, json_t *keys);
static ngx_uint_t ngx_http_intake_is_jwk(json_t *jwk);
static const char *ngx_http_intake_make_jwk(ngx_conf_t *cf,
    ngx_http_intake_secret_t *secret, json_t *jwk);
static ngx_int_t ngx_http_intake_jwk_number(ngx_conf_t *cf, json_t *jwk,
    const char *name, ngx_str_t *number);
static const char *ngx_http_intake_add_key(ngx_conf_t *cf,
    ngx_http_intake_secret_t *secret, const char *name, size_t len,
    ngx_intake_key_t *key);
static const char *ngx_http_intake_keep_key(ngx_conf_t *cf,
    ngx_intake_key_t *key);
static void ngx_http_intake_destroy_key(void *data);


static const char  ngx_http_intake_no_memory[] =
    "cannot be used: no memory";


char *
ngx_http_intake_check_secrets(ngx_conf_t *cf,
    ngx_http_intake_source_t *source)
{
    ngx_uint_t                   i;
    ngx_http_intake_secret_t    *secret;
    ngx_http_intake_platform_t  *platform;

    platform = source->platform;

    if (platform->algorithm == NGX_INTAKE_ALGORITHM_NONE) {

        if (source->secrets) {
            secret = source->secrets->elts;
            ngx_http_intake_conf_log(cf, NGX_LOG_EMERG, &secret->position,
                                     "\"secret\" of intake_source \"%V\" "
                                     "would not be used: platform \"%V\" has "
                                     "\"algorithm none\"",
                                     &source->name, &platform->name);
            return NGX_CONF_ERROR;
        }

        return NGX_CONF_OK;
    }

    if (source->secrets == NULL) {
        ngx_http_intake_conf_log(cf, NGX_LOG_EMERG, &source->position,
                                 "no \"secret\" in intake_source \"%V\": "
                                 "write \"secret file:PATH;\"",
                                 &source->name);
        return NGX_CONF_ERROR;
    }

    secret = source->secrets->elts;

    for (i = 0; i < source->secrets->nelts; i++) {
        if (ngx_http_intake_make_key(cf, source, &secret[i]) != NGX_CONF_OK) {
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_intake_make_key(ngx_conf_t *cf, ngx_http_intake_source_t *source,
    ngx_http_intake_secret_t *secret)
{
    ngx_str_t                    text;
    const char                  *error;
    ngx_http_intake_platform_t  *platform;

    platform = source->platform;
    text = secret->value;

    if (platform->algorithm == NGX_INTAKE_ALGORITHM_EQUAL) {
        return NGX_CONF_OK;
    }

    if (platform->algorithm == NGX_INTAKE_ALGORITHM_BASIC) {
        if (ngx_strlchr(text.data, text.data + text.len, ':') == NULL) {
            ngx_http_intake_conf_log(cf, NGX_LOG_EMERG, &secret->position,
                                     "\"secret\" of intake_source \"%V\" "
                                     "must be USER:PASSWORD", &source->name);
            return NGX_CONF_ERROR;
        }

        return NGX_CONF_OK;
    }

    if (platform->key_strip.len && text.len >= platform->key_strip.len
        && ngx_strncmp(text.data, platform->key_strip.data,
                       platform->key_strip.len)
           == 0)
    {
        text.data += platform->key_strip.len;
        text.len -= platform->key_strip.len;
    }

    error = ngx_http_intake_make_decoded(cf, platform, secret, &text);

    if (error) {
        ngx_http_intake_conf_log(cf, NGX_LOG_EMERG, &secret->position,
                                 "\"secret\" of intake_source \"%V\": %s",
                                 &source->name, error);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


/* returns NULL, or what is wrong; so do those below */

static const char *
ngx_http_intake_make_decoded(ngx_conf_t *cf,
    ngx_http_intake_platform_t *platform, ngx_http_intake_secret_t *secret,
    ngx_str_t *text)
{
    size_t       size;
    ngx_int_t    rc;
    ngx_str_t    bytes;
    const char  *error;

    /* decoded bytes are as secret as the text */

    size = text->len + 1;

    bytes.data = ngx_alloc(size, cf->log);
    if (bytes.data == NULL) {
        return ngx_http_intake_no_memory;
    }

    rc = ngx_intake_decode(platform->key_encoding, text, bytes.data, size,
                           &bytes.len);

    if (rc != NGX_OK || bytes.len == 0) {
        error = "is not encoded as \"key encoding=\" of its platform says";

    } else if (platform->algorithm == NGX_INTAKE_ALGORITHM_SNS) {
        error = ngx_http_intake_make_sns(cf, secret, &bytes);

    } else if (platform->algorithm == NGX_INTAKE_ALGORITHM_JWT_RS256) {
        error = ngx_http_intake_make_rs256(cf, secret, &bytes);

    } else if (platform->algorithm == NGX_INTAKE_ALGORITHM_JWT_HS256
               && bytes.len > 11
               && ngx_strncmp(bytes.data, "-----BEGIN ", 11) == 0)
    {
        /* who knows it could sign anything */

        error = "is a key for \"algorithm jwt-rs256\": with jwt-hs256 it "
                "would be the shared secret";

    } else {
        error = "is refused by the library of digests";
        secret->key = ngx_intake_key_create(platform->algorithm, bytes.data,
                                            bytes.len, &error);
        if (secret->key) {
            error = ngx_http_intake_keep_key(cf, secret->key);
        }
    }

    ngx_explicit_memzero(bytes.data, size);
    ngx_free(bytes.data);

    return error;
}


/* SHA-1 may be forbidden here: then the first version is not known */

static const char *
ngx_http_intake_make_sns(ngx_conf_t *cf, ngx_http_intake_secret_t *secret,
    ngx_str_t *text)
{
    const char        *error, *ignored;
    ngx_intake_key_t  *key;

    key = ngx_intake_key_create(NGX_INTAKE_ALGORITHM_RSA_SHA256, text->data,
                                text->len, &error);
    if (key == NULL) {
        return error;
    }

    error = ngx_http_intake_add_key(cf, secret, "2", 1, key);
    if (error) {
        return error;
    }

    key = ngx_intake_key_create(NGX_INTAKE_ALGORITHM_RSA_SHA1, text->data,
                                text->len, &ignored);
    if (key == NULL) {
        return NULL;
    }

    return ngx_http_intake_add_key(cf, secret, "1", 1, key);
}


/* a JWKS document (RFC 7517), or one key in PEM, base64 or DER */

static const char *
ngx_http_intake_make_rs256(ngx_conf_t *cf, ngx_http_intake_secret_t *secret,
    ngx_str_t *text)
{
    json_t            *jwks, *keys;
    ngx_uint_t         i;
    const char        *error;
    ngx_intake_key_t  *key;

    for (i = 0; i < text->len; i++) {
        if (ngx_strchr(" \t\r\n", text->data[i]) == NULL) {
            break;
        }
    }

    if (i == text->len || text->data[i] != '{') {

        key = ngx_intake_key_create(NGX_INTAKE_ALGORITHM_JWT_RS256,
                                    text->data, text->len, &error);

        return key ? ngx_http_intake_add_key(cf, secret, "", 0, key) : error;
    }

    jwks = json_loadb((char *) text->data, text->len, 0, NULL);

    if (jwks == NULL) {
        return "is not a JSON document";
    }

    keys = json_object_get(jwks, "keys");

    error = json_is_array(keys)
            ? ngx_http_intake_make_jwks(cf, secret, keys)
            : "is a JSON document without \"keys\"";

    json_decref(jwks);

    return error;
}


/* keys of other kinds stand beside ours and are passed over */

static const char *
ngx_http_intake_make_jwks(ngx_conf_t *cf, ngx_http_intake_secret_t *secret,
    json_t *keys)
{
    size_t       i;
    json_t      *jwk;
    const char  *error;

    json_array_foreach(keys, i, jwk) {

        if (!ngx_http_intake_is_jwk(jwk)) {
            continue;
        }

        error = ngx_http_intake_make_jwk(cf, secret, jwk);

        if (error) {
            return error;
        }
    }

    if (secret->keys == NULL) {
        return "has no RSA key for signatures of RS256";
    }

    if (secret->keys->nelts > NGX_HTTP_INTAKE_MAX_KEYS) {
        return "has more than 64 keys";
    }

    return NULL;
}


/* RFC 7517, sections 4.1, 4.2 and 4.4 */

static ngx_uint_t
ngx_http_intake_is_jwk(json_t *jwk)
{
    const char  *kty, *use, *alg;

    kty = json_string_value(json_object_get(jwk, "kty"));
    use = json_string_value(json_object_get(jwk, "use"));
    alg = json_string_value(json_object_get(jwk, "alg"));

    return kty && ngx_strcmp(kty, "RSA") == 0
           && (use == NULL || ngx_strcmp(use, "sig") == 0)
           && (alg == NULL || ngx_strcmp(alg, "RS256") == 0);
}


static const char *
ngx_http_intake_make_jwk(ngx_conf_t *cf, ngx_http_intake_secret_t *secret,
    json_t *jwk)
{
    size_t             len;
    json_t            *kid;
    ngx_str_t          n, e;
    const char        *error, *name;
    ngx_intake_key_t  *key;

    if (ngx_http_intake_jwk_number(cf, jwk, "n", &n) != NGX_OK
        || ngx_http_intake_jwk_number(cf, jwk, "e", &e) != NGX_OK)
    {
        return "has a key whose \"n\" or \"e\" cannot be read";
    }

    key = ngx_intake_key_create_rsa(NGX_INTAKE_ALGORITHM_JWT_RS256, &n, &e,
                                    &error);
    if (key == NULL) {
        return error;
    }

    kid = json_object_get(jwk, "kid");
    name = json_string_value(kid);
    len = json_string_length(kid);

    return ngx_http_intake_add_key(cf, secret, name, len, key);
}


/* Base64urlUInt: RFC 7518, section 2 */

static ngx_int_t
ngx_http_intake_jwk_number(ngx_conf_t *cf, json_t *jwk, const char *name,
    ngx_str_t *number)
{
    json_t     *value;
    ngx_str_t   text;

    value = json_object_get(jwk, name);

    if (!json_is_string(value)) {
        return NGX_ERROR;
    }

    text.data = (u_char *) json_string_value(value);
    text.len = json_string_length(value);

    number->data = ngx_pnalloc(cf->temp_pool, text.len + 1);
    if (number->data == NULL) {
        return NGX_ERROR;
    }

    return ngx_intake_base64url_decode(&text, number->data, text.len + 1,
                                       &number->len);
}


/* takes the key */

static const char *
ngx_http_intake_add_key(ngx_conf_t *cf, ngx_http_intake_secret_t *secret,
    const char *name, size_t len, ngx_intake_key_t *key)
{
    const char                   *error;
    ngx_http_intake_named_key_t  *named;

    error = ngx_http_intake_keep_key(cf, key);
    if (error) {
        return error;
    }

    if (secret->keys == NULL) {
        secret->keys = ngx_array_create(cf->pool, 2,
                                        sizeof(ngx_http_intake_named_key_t));
        if (secret->keys == NULL) {
            return ngx_http_intake_no_memory;
        }
    }

    named = ngx_array_push(secret->keys);
    if (named == NULL) {
        return ngx_http_intake_no_memory;
    }

    named->key = key;
    named->name.len = len;
    named->name.data = ngx_pnalloc(cf->pool, len + 1);
    if (named->name.data == NULL) {
        return ngx_http_intake_no_memory;
    }

    if (len) {
        ngx_memcpy(named->name.data, name, len);
    }

    return NULL;
}


static const char *
ngx_http_intake_keep_key(ngx_conf_t *cf, ngx_intake_key_t *key)
{
    ngx_pool_cleanup_t  *cln;

    cln = ngx_pool_cleanup_add(cf->pool, 0);
    if (cln == NULL) {
        ngx_intake_key_destroy(key);
        return ngx_http_intake_no_memory;
    }

    cln->handler = ngx_http_intake_destroy_key;
    cln->data = key;

    return NULL;
}


static void
ngx_http_intake_destroy_key(void *data)
{
    ngx_intake_key_destroy(data);
}
