
/*
 * Copyright (C) nginx-intake contributors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include "ngx_intake_digest.h"
#include "ngx_intake_pkey.h"
#include "ngx_intake_sha256.h"


#if (OPENSSL_VERSION_NUMBER < 0x30000000L)
#error "nginx-intake needs OpenSSL 3.0 or later"
#endif


typedef enum {
    NGX_INTAKE_KIND_NONE = 0,
    NGX_INTAKE_KIND_MAC,
    NGX_INTAKE_KIND_DIGEST,
    NGX_INTAKE_KIND_PUBLIC,
    NGX_INTAKE_KIND_TEXT
} ngx_intake_kind_e;


typedef struct {
    ngx_str_t                name;
    ngx_intake_kind_e        kind;
    const char              *digest;    /* OpenSSL's name */
} ngx_intake_algorithm_t;


/* made by ngx_intake_key_create(), freed by ngx_intake_key_destroy() */

struct ngx_intake_key_s {
    ngx_intake_algorithm_e   algorithm;

    EVP_MAC_CTX             *mac;       /* with the key in it */
    EVP_MD                  *digest;
    EVP_MD_CTX              *md;        /* used again by every call */
    ngx_intake_pkey_t       *pkey;

    u_char                  *secret;    /* of equal and basic */
    size_t                   len;

    unsigned                 dup:1;     /* mac is only to be copied */
};


static const char *ngx_intake_key_init(ngx_intake_key_t *key, u_char *secret,
    size_t len);
static const char *ngx_intake_key_init_mac(ngx_intake_key_t *key,
    u_char *secret, size_t len);
static ngx_int_t ngx_intake_key_test_mac(ngx_intake_key_t *key);
static const char *ngx_intake_key_init_digest(ngx_intake_key_t *key);
static ngx_int_t ngx_intake_key_mac(ngx_intake_key_t *key, ngx_str_t *parts,
    ngx_uint_t nparts, u_char *out, size_t *len);


/* in the order of ngx_intake_algorithm_e */

static ngx_intake_algorithm_t  ngx_intake_algorithms[] = {
    { ngx_string("none"), NGX_INTAKE_KIND_NONE, NULL },
    { ngx_string("hmac-md5"), NGX_INTAKE_KIND_MAC, "MD5" },
    { ngx_string("hmac-sha1"), NGX_INTAKE_KIND_MAC, "SHA1" },
    { ngx_string("hmac-sha256"), NGX_INTAKE_KIND_MAC, "SHA256" },
    { ngx_string("hmac-sha384"), NGX_INTAKE_KIND_MAC, "SHA384" },
    { ngx_string("hmac-sha512"), NGX_INTAKE_KIND_MAC, "SHA512" },
    { ngx_string("md5"), NGX_INTAKE_KIND_DIGEST, "MD5" },
    { ngx_string("sha1"), NGX_INTAKE_KIND_DIGEST, "SHA1" },
    { ngx_string("sha256"), NGX_INTAKE_KIND_DIGEST, "SHA256" },
    { ngx_string("ed25519"), NGX_INTAKE_KIND_PUBLIC, NULL },
    { ngx_string("ecdsa-p256-sha256"), NGX_INTAKE_KIND_PUBLIC, NULL },
    { ngx_string("rsa-sha1"), NGX_INTAKE_KIND_PUBLIC, NULL },
    { ngx_string("rsa-sha256"), NGX_INTAKE_KIND_PUBLIC, NULL },
    { ngx_string("equal"), NGX_INTAKE_KIND_TEXT, NULL },
    { ngx_string("basic"), NGX_INTAKE_KIND_TEXT, NULL },
    { ngx_string("jwt-hs256"), NGX_INTAKE_KIND_MAC, "SHA256" },
    { ngx_string("jwt-rs256"), NGX_INTAKE_KIND_PUBLIC, NULL },
    { ngx_string("sns"), NGX_INTAKE_KIND_PUBLIC, NULL }
};


ngx_str_t *
ngx_intake_algorithm_name(ngx_intake_algorithm_e algorithm)
{
    return &ngx_intake_algorithms[algorithm].name;
}


ngx_intake_key_t *
ngx_intake_key_create(ngx_intake_algorithm_e algorithm, u_char *secret,
    size_t len, const char **error)
{
    ngx_intake_key_t  *key;

    if (len == 0) {
        *error = "is empty";
        return NULL;
    }

    key = OPENSSL_zalloc(sizeof(ngx_intake_key_t));

    if (key == NULL) {
        ERR_clear_error();
        *error = NGX_INTAKE_NO_MEMORY;
        return NULL;
    }

    key->algorithm = algorithm;

    *error = ngx_intake_key_init(key, secret, len);

    ERR_clear_error();

    if (*error) {
        ngx_intake_key_destroy(key);
        return NULL;
    }

    return key;
}


ngx_intake_key_t *
ngx_intake_key_create_rsa(ngx_intake_algorithm_e algorithm,
    ngx_str_t *modulus, ngx_str_t *exponent, const char **error)
{
    ngx_intake_key_t  *key;

    key = OPENSSL_zalloc(sizeof(ngx_intake_key_t));

    if (key == NULL) {
        ERR_clear_error();
        *error = NGX_INTAKE_NO_MEMORY;
        return NULL;
    }

    key->algorithm = algorithm;
    key->pkey = ngx_intake_pkey_create_rsa(algorithm, modulus, exponent,
                                           error);

    ERR_clear_error();

    if (key->pkey == NULL) {
        ngx_intake_key_destroy(key);
        return NULL;
    }

    return key;
}


/* returns NULL, or what is wrong */

static const char *
ngx_intake_key_init(ngx_intake_key_t *key, u_char *secret, size_t len)
{
    const char  *error;

    switch (ngx_intake_algorithms[key->algorithm].kind) {

    case NGX_INTAKE_KIND_MAC:
        return ngx_intake_key_init_mac(key, secret, len);

    case NGX_INTAKE_KIND_DIGEST:
        return ngx_intake_key_init_digest(key);

    case NGX_INTAKE_KIND_PUBLIC:
        key->pkey = ngx_intake_pkey_create(key->algorithm, secret, len,
                                           &error);

        return key->pkey ? NULL : error;

    case NGX_INTAKE_KIND_TEXT:

        if (key->algorithm == NGX_INTAKE_ALGORITHM_BASIC
            && memchr(secret, ':', len) == NULL)
        {
            return "is not of the form \"user:password\"";
        }

        key->secret = OPENSSL_memdup(secret, len);
        if (key->secret == NULL) {
            return NGX_INTAKE_NO_MEMORY;
        }

        key->len = len;

        return NULL;

    case NGX_INTAKE_KIND_NONE:
        break;
    }

    return "is of no use: the algorithm takes no secret";
}


static const char *
ngx_intake_key_init_mac(ngx_intake_key_t *key, u_char *secret, size_t len)
{
    EVP_MAC     *mac;
    OSSL_PARAM   params[2];

    mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    if (mac == NULL) {
        return NGX_INTAKE_NO_ALGORITHM;
    }

    key->mac = EVP_MAC_CTX_new(mac);

    /* the context has its own reference */

    EVP_MAC_free(mac);

    if (key->mac == NULL) {
        return NGX_INTAKE_NO_MEMORY;
    }

    params[0] = OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST,
                    (char *) ngx_intake_algorithms[key->algorithm].digest, 0);
    params[1] = OSSL_PARAM_construct_end();

    if (EVP_MAC_init(key->mac, secret, len, params) != 1) {
        return NGX_INTAKE_NO_ALGORITHM;
    }

    if (ngx_intake_key_test_mac(key) != NGX_OK) {
        return NGX_INTAKE_NO_MEMORY;
    }

    return NULL;
}


/*
 * To begin anew with the key that is already there saves half of a short
 * HMAC, but is wrong before OpenSSL 3.0.3 (its issue 17811).  So it is tried
 * with a copy, and where it fails the context is kept only to be copied.
 */

static ngx_int_t
ngx_intake_key_test_mac(ngx_intake_key_t *key)
{
    size_t        len, again;
    u_char        expected[NGX_INTAKE_DIGEST_MAX];
    u_char        digest[NGX_INTAKE_DIGEST_MAX];
    ngx_str_t     text = ngx_string("nginx-intake");
    ngx_uint_t    i;
    EVP_MAC_CTX  *template;

    template = key->mac;
    key->dup = 1;

    if (ngx_intake_key_mac(key, &text, 1, expected, &len) != NGX_OK) {
        return NGX_ERROR;
    }

    key->mac = EVP_MAC_CTX_dup(template);

    if (key->mac == NULL) {
        key->mac = template;
        return NGX_ERROR;
    }

    key->dup = 0;

    for (i = 0; i < 2; i++) {

        if (ngx_intake_key_mac(key, &text, 1, digest, &again) != NGX_OK
            || again != len
            || CRYPTO_memcmp(digest, expected, len) != 0)
        {
            EVP_MAC_CTX_free(key->mac);
            key->mac = template;
            key->dup = 1;

            return NGX_OK;
        }
    }

    EVP_MAC_CTX_free(template);

    return NGX_OK;
}


static const char *
ngx_intake_key_init_digest(ngx_intake_key_t *key)
{
    key->digest = EVP_MD_fetch(NULL,
                           ngx_intake_algorithms[key->algorithm].digest, NULL);
    if (key->digest == NULL) {
        return NGX_INTAKE_NO_ALGORITHM;
    }

    key->md = EVP_MD_CTX_new();
    if (key->md == NULL) {
        return NGX_INTAKE_NO_MEMORY;
    }

    if (EVP_DigestInit_ex(key->md, key->digest, NULL) != 1) {
        return NGX_INTAKE_NO_MEMORY;
    }

    return NULL;
}


void
ngx_intake_key_destroy(ngx_intake_key_t *key)
{
    if (key == NULL) {
        return;
    }

    /* OpenSSL wipes what it has kept of the secret */

    EVP_MAC_CTX_free(key->mac);
    EVP_MD_CTX_free(key->md);
    EVP_MD_free(key->digest);
    ngx_intake_pkey_destroy(key->pkey);

    OPENSSL_clear_free(key->secret, key->len);
    OPENSSL_clear_free(key, sizeof(ngx_intake_key_t));
}


ngx_int_t
ngx_intake_key_digest(ngx_intake_key_t *key, ngx_str_t *parts,
    ngx_uint_t nparts, u_char *out, size_t *len)
{
    switch (ngx_intake_algorithms[key->algorithm].kind) {

    case NGX_INTAKE_KIND_MAC:
        return ngx_intake_key_mac(key, parts, nparts, out, len);

    case NGX_INTAKE_KIND_DIGEST:
        return ngx_intake_md(key->md, parts, nparts, out, len);

    default:
        return NGX_ERROR;
    }
}


static ngx_int_t
ngx_intake_key_mac(ngx_intake_key_t *key, ngx_str_t *parts, ngx_uint_t nparts,
    u_char *out, size_t *len)
{
    ngx_int_t     rc;
    ngx_uint_t    i;
    EVP_MAC_CTX  *ctx;

    rc = NGX_ERROR;
    ctx = key->mac;

    if (key->dup) {
        ctx = EVP_MAC_CTX_dup(key->mac);

        if (ctx == NULL) {
            goto done;
        }

    } else if (EVP_MAC_init(ctx, NULL, 0, NULL) != 1) {
        goto done;
    }

    for (i = 0; i < nparts; i++) {

        if (EVP_MAC_update(ctx, parts[i].data, parts[i].len) != 1) {
            goto done;
        }
    }

    if (EVP_MAC_final(ctx, out, len, NGX_INTAKE_DIGEST_MAX) == 1) {
        rc = NGX_OK;
    }

done:

    if (key->dup) {
        EVP_MAC_CTX_free(ctx);
    }

    if (rc != NGX_OK) {
        ERR_clear_error();
    }

    return rc;
}


ngx_int_t
ngx_intake_key_verify(ngx_intake_key_t *key, ngx_str_t *parts,
    ngx_uint_t nparts, u_char *signature, size_t len)
{
    size_t  n;
    u_char  digest[NGX_INTAKE_DIGEST_MAX];

    switch (ngx_intake_algorithms[key->algorithm].kind) {

    case NGX_INTAKE_KIND_PUBLIC:
        return ngx_intake_pkey_verify(key->pkey, parts, nparts, signature,
                                      len);

    case NGX_INTAKE_KIND_TEXT:
        return ngx_intake_equal(key->secret, key->len, signature, len);

    default:

        if (ngx_intake_key_digest(key, parts, nparts, digest, &n) != NGX_OK) {
            return NGX_ERROR;
        }

        return ngx_intake_equal(digest, n, signature, len);
    }
}


ngx_int_t
ngx_intake_equal(u_char *a, size_t alen, u_char *b, size_t blen)
{
    if (alen != blen || CRYPTO_memcmp(a, b, alen) != 0) {
        return NGX_DECLINED;
    }

    return NGX_OK;
}
