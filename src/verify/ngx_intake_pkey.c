
/*
 * Copyright (C) nginx-intake contributors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/x509.h>

#include "ngx_intake_encoding.h"
#include "ngx_intake_pkey.h"


#define NGX_INTAKE_RSA_BITS_MIN   1024
#define NGX_INTAKE_ED25519_LEN    32
#define NGX_INTAKE_PROBE_SIZE     4096


/* made by ngx_intake_pkey_create(), freed by ngx_intake_pkey_destroy() */

struct ngx_intake_pkey_s {
    EVP_PKEY      *key;
    EVP_MD_CTX    *md;        /* used again by every call */
    const char    *digest;    /* OpenSSL's name; NULL: Ed25519 has its own */
};


static ngx_intake_pkey_t *ngx_intake_pkey_new(EVP_PKEY *key,
    ngx_intake_algorithm_e algorithm, const char **error);
static EVP_PKEY *ngx_intake_pkey_rsa(ngx_str_t *modulus,
    ngx_str_t *exponent);
static EVP_PKEY *ngx_intake_pkey_read(u_char *secret, size_t len,
    const char **error);
static EVP_PKEY *ngx_intake_pkey_read_base64(u_char *p, u_char *last,
    const char **error);
static EVP_PKEY *ngx_intake_pkey_read_der(u_char *der, size_t len);
static u_char *ngx_intake_pkey_search(u_char *p, u_char *last,
    const char *text);
static const char *ngx_intake_pkey_check(EVP_PKEY *key,
    ngx_intake_algorithm_e algorithm);
static ngx_int_t ngx_intake_pkey_start(ngx_intake_pkey_t *pkey);
static ngx_int_t ngx_intake_pkey_verify_whole(ngx_intake_pkey_t *pkey,
    ngx_str_t *parts, ngx_uint_t nparts, u_char *signature, size_t len);
static ngx_int_t ngx_intake_pkey_result(int ok);


ngx_intake_pkey_t *
ngx_intake_pkey_create(ngx_intake_algorithm_e algorithm, u_char *secret,
    size_t len, const char **error)
{
    EVP_PKEY  *key;

    if (algorithm == NGX_INTAKE_ALGORITHM_ED25519
        && len == NGX_INTAKE_ED25519_LEN)
    {
        *error = NGX_INTAKE_NO_ALGORITHM;
        key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, secret,
                                          len);

    } else {
        key = ngx_intake_pkey_read(secret, len, error);
    }

    if (key == NULL) {
        return NULL;
    }

    return ngx_intake_pkey_new(key, algorithm, error);
}


ngx_intake_pkey_t *
ngx_intake_pkey_create_rsa(ngx_intake_algorithm_e algorithm,
    ngx_str_t *modulus, ngx_str_t *exponent, const char **error)
{
    EVP_PKEY  *key;

    if (modulus->len == 0 || exponent->len == 0) {
        *error = "is not a public key";
        return NULL;
    }

    *error = NGX_INTAKE_NO_MEMORY;

    key = ngx_intake_pkey_rsa(modulus, exponent);

    if (key == NULL) {
        return NULL;
    }

    return ngx_intake_pkey_new(key, algorithm, error);
}


/* takes the key */

static ngx_intake_pkey_t *
ngx_intake_pkey_new(EVP_PKEY *key, ngx_intake_algorithm_e algorithm,
    const char **error)
{
    ngx_intake_pkey_t  *pkey;

    *error = NGX_INTAKE_NO_MEMORY;

    pkey = OPENSSL_zalloc(sizeof(ngx_intake_pkey_t));
    if (pkey == NULL) {
        EVP_PKEY_free(key);
        return NULL;
    }

    pkey->key = key;

    pkey->md = EVP_MD_CTX_new();
    if (pkey->md == NULL) {
        goto failed;
    }

    *error = ngx_intake_pkey_check(pkey->key, algorithm);
    if (*error) {
        goto failed;
    }

    if (algorithm == NGX_INTAKE_ALGORITHM_RSA_SHA1) {
        pkey->digest = "SHA1";

    } else if (algorithm != NGX_INTAKE_ALGORITHM_ED25519) {
        pkey->digest = "SHA256";
    }

    /* SHA-1 may be forbidden by OpenSSL's configuration */

    if (ngx_intake_pkey_start(pkey) != NGX_OK) {
        *error = NGX_INTAKE_NO_ALGORITHM;
        goto failed;
    }

    return pkey;

failed:

    ngx_intake_pkey_destroy(pkey);

    return NULL;
}


void
ngx_intake_pkey_destroy(ngx_intake_pkey_t *pkey)
{
    if (pkey == NULL) {
        return;
    }

    EVP_MD_CTX_free(pkey->md);
    EVP_PKEY_free(pkey->key);
    OPENSSL_free(pkey);
}


static EVP_PKEY *
ngx_intake_pkey_rsa(ngx_str_t *modulus, ngx_str_t *exponent)
{
    BIGNUM          *n, *e;
    EVP_PKEY        *key;
    OSSL_PARAM      *params;
    EVP_PKEY_CTX    *ctx;
    OSSL_PARAM_BLD  *build;

    key = NULL;
    params = NULL;

    n = BN_bin2bn(modulus->data, modulus->len, NULL);
    e = BN_bin2bn(exponent->data, exponent->len, NULL);
    build = OSSL_PARAM_BLD_new();
    ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);

    if (n && e && build && ctx
        && OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) == 1
        && OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e) == 1)
    {
        params = OSSL_PARAM_BLD_to_param(build);
    }

    if (params
        && (EVP_PKEY_fromdata_init(ctx) != 1
            || EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) != 1))
    {
        key = NULL;
    }

    OSSL_PARAM_free(params);
    EVP_PKEY_CTX_free(ctx);
    OSSL_PARAM_BLD_free(build);
    BN_free(e);
    BN_free(n);

    return key;
}


/*
 * The label of a PEM block tells little: keys come as "RSA PUBLIC KEY" that
 * are none of PKCS #1.  So only what is in it counts.
 */

static EVP_PKEY *
ngx_intake_pkey_read(u_char *secret, size_t len, const char **error)
{
    u_char  *p, *last, *label;

    *error = "is not a public key";

    p = secret;
    last = secret + len;

    /* no base64 of DER begins with this character, which is "0" */

    if (*p == (V_ASN1_SEQUENCE | V_ASN1_CONSTRUCTED)) {
        return ngx_intake_pkey_read_der(secret, len);
    }

    label = ngx_intake_pkey_search(p, last, "-----BEGIN ");

    if (label) {
        label += sizeof("-----BEGIN ") - 1;

        p = ngx_intake_pkey_search(label, last, "-----");
        if (p == NULL) {
            return NULL;
        }

        if (ngx_intake_pkey_search(label, p, "PRIVATE KEY")) {
            *error = "is a private key: its public key is needed";
            return NULL;
        }

        p += sizeof("-----") - 1;

        last = ngx_intake_pkey_search(p, last, "-----END ");
        if (last == NULL) {
            return NULL;
        }
    }

    return ngx_intake_pkey_read_base64(p, last, error);
}


static EVP_PKEY *
ngx_intake_pkey_read_base64(u_char *p, u_char *last, const char **error)
{
    size_t      len;
    ngx_str_t   text;
    EVP_PKEY   *key;

    text.len = 0;
    text.data = OPENSSL_malloc(last - p + 1);

    if (text.data == NULL) {
        *error = NGX_INTAKE_NO_MEMORY;
        return NULL;
    }

    for ( /* void */ ; p < last; p++) {

        if (*p != ' ' && *p != '\t' && *p != CR && *p != LF) {
            text.data[text.len++] = *p;
        }
    }

    key = NULL;

    if (ngx_intake_base64_decode(&text, text.data, text.len, &len) == NGX_OK) {
        key = ngx_intake_pkey_read_der(text.data, len);
    }

    OPENSSL_free(text.data);

    return key;
}


/* SubjectPublicKeyInfo, PKCS #1 or a certificate, and nothing behind it */

static EVP_PKEY *
ngx_intake_pkey_read_der(u_char *der, size_t len)
{
    X509          *cert;
    EVP_PKEY      *key;
    const u_char  *p;

    p = der;
    key = d2i_PUBKEY(NULL, &p, len);

    if (key == NULL) {
        p = der;
        key = d2i_PublicKey(EVP_PKEY_RSA, NULL, &p, len);
    }

    if (key == NULL) {
        p = der;
        cert = d2i_X509(NULL, &p, len);

        if (cert) {
            key = X509_get_pubkey(cert);
            X509_free(cert);
        }
    }

    if (key && p != der + len) {
        EVP_PKEY_free(key);
        return NULL;
    }

    return key;
}


static u_char *
ngx_intake_pkey_search(u_char *p, u_char *last, const char *text)
{
    size_t  len;

    len = ngx_strlen(text);

    for ( /* void */ ; (size_t) (last - p) >= len; p++) {

        if (ngx_memcmp(p, text, len) == 0) {
            return p;
        }
    }

    return NULL;
}


/* returns NULL, or what is wrong */

static const char *
ngx_intake_pkey_check(EVP_PKEY *key, ngx_intake_algorithm_e algorithm)
{
    char    group[sizeof("prime256v1")];
    size_t  len;

    switch (algorithm) {

    case NGX_INTAKE_ALGORITHM_ED25519:

        if (!EVP_PKEY_is_a(key, "ED25519")) {
            return "is another key: an Ed25519 key is needed";
        }

        return NULL;

    case NGX_INTAKE_ALGORITHM_ECDSA_P256_SHA256:

        /* a longer name does not fit and fails */

        if (!EVP_PKEY_is_a(key, "EC")
            || EVP_PKEY_get_group_name(key, group, sizeof(group), &len) != 1
            || ngx_strcmp(group, "prime256v1") != 0)
        {
            return "is another key: a P-256 key is needed";
        }

        return NULL;

    default:

        if (!EVP_PKEY_is_a(key, "RSA")) {
            return "is another key: an RSA key is needed";
        }

        if (EVP_PKEY_get_bits(key) < NGX_INTAKE_RSA_BITS_MIN) {
            return "is too short: an RSA key of 1024 bits or more is needed";
        }

        return NULL;
    }
}


static ngx_int_t
ngx_intake_pkey_start(ngx_intake_pkey_t *pkey)
{
    if (EVP_MD_CTX_reset(pkey->md) != 1
        || EVP_DigestVerifyInit_ex(pkey->md, NULL, pkey->digest, NULL, NULL,
                                   pkey->key, NULL)
           != 1)
    {
        return NGX_ERROR;
    }

    /* without a copy, the failure of which would pass for a mismatch */

    EVP_MD_CTX_set_flags(pkey->md, EVP_MD_CTX_FLAG_FINALISE);

    return NGX_OK;
}


ngx_int_t
ngx_intake_pkey_verify(ngx_intake_pkey_t *pkey, ngx_str_t *parts,
    ngx_uint_t nparts, u_char *signature, size_t len)
{
    ngx_uint_t  i;

    /* what others have left there must not be taken for ours */

    ERR_clear_error();

    if (ngx_intake_pkey_start(pkey) != NGX_OK) {
        goto failed;
    }

    if (pkey->digest == NULL) {
        return ngx_intake_pkey_verify_whole(pkey, parts, nparts, signature,
                                            len);
    }

    for (i = 0; i < nparts; i++) {

        if (EVP_DigestVerifyUpdate(pkey->md, parts[i].data, parts[i].len)
            != 1)
        {
            goto failed;
        }
    }

    return ngx_intake_pkey_result(EVP_DigestVerifyFinal(pkey->md, signature,
                                                        len));

failed:

    ERR_clear_error();

    return NGX_ERROR;
}


/* OpenSSL takes an Ed25519 message in one piece */

static ngx_int_t
ngx_intake_pkey_verify_whole(ngx_intake_pkey_t *pkey, ngx_str_t *parts,
    ngx_uint_t nparts, u_char *signature, size_t len)
{
    int          ok;
    size_t       size;
    u_char      *message, *p;
    ngx_uint_t   i;

    if (nparts == 1) {
        return ngx_intake_pkey_result(EVP_DigestVerify(pkey->md, signature,
                                          len, parts[0].data, parts[0].len));
    }

    size = 0;

    for (i = 0; i < nparts; i++) {
        size += parts[i].len;
    }

    /* OPENSSL_malloc(0) is NULL */

    message = OPENSSL_malloc(size + 1);

    if (message == NULL) {
        ERR_clear_error();
        return NGX_ERROR;
    }

    p = message;

    for (i = 0; i < nparts; i++) {

        if (parts[i].len) {
            p = ngx_cpymem(p, parts[i].data, parts[i].len);
        }
    }

    ok = EVP_DigestVerify(pkey->md, signature, len, message, size);

    OPENSSL_free(message);

    return ngx_intake_pkey_result(ok);
}


/*
 * A malformed signature is an error for OpenSSL, but a mismatch for us.
 * Memory that is out is not always an error for OpenSSL: so look whether
 * there is any, before a good delivery is called forged.
 */

static ngx_int_t
ngx_intake_pkey_result(int ok)
{
    void           *probe;
    ngx_int_t       rc;
    unsigned long   e;

    if (ok == 1) {
        ERR_clear_error();
        return NGX_OK;
    }

    rc = NGX_DECLINED;

    while ((e = ERR_get_error()) != 0) {

        if (ERR_GET_REASON(e) == ERR_R_MALLOC_FAILURE) {
            rc = NGX_ERROR;
        }
    }

    probe = OPENSSL_malloc(NGX_INTAKE_PROBE_SIZE);

    if (probe == NULL) {
        ERR_clear_error();
        return NGX_ERROR;
    }

    OPENSSL_free(probe);

    return rc;
}
