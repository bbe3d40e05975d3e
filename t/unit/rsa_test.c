/* sources: src/verify/ngx_intake_digest.c src/verify/ngx_intake_pkey.c */
/* sources: src/verify/ngx_intake_sha256.c */
/* sources: src/verify/ngx_intake_encoding.c */
/* libs: -lcrypto */

/*
 * Copyright (C) nginx-intake contributors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "ngx_intake_digest.h"
#include "libcrypto.h"
#include "tap.h"


/* RSA keys that are given as modulus and exponent */


#define JWT_RS256  NGX_INTAKE_ALGORITHM_JWT_RS256
#define RSA_SHA1   NGX_INTAKE_ALGORITHM_RSA_SHA1


/* the number of a key, with a zero in front */

static void
number(EVP_PKEY *pkey, const char *name, u_char *buf, ngx_str_t *text)
{
    BIGNUM  *n;

    n = NULL;

    if (EVP_PKEY_get_bn_param(pkey, name, &n) != 1) {
        printf("Bail out! No %s\n", name);
        exit(1);
    }

    buf[0] = 0;
    text->data = buf + 1;
    text->len = BN_bn2bin(n, buf + 1);

    BN_free(n);
}


static size_t
sign(EVP_PKEY *pkey, const EVP_MD *md, u_char *signature, size_t size)
{
    EVP_MD_CTX  *ctx;

    ctx = EVP_MD_CTX_new();

    if (EVP_DigestSignInit(ctx, NULL, md, NULL, pkey) != 1
        || EVP_DigestSign(ctx, signature, &size, (u_char *) "message", 7) != 1)
    {
        printf("Bail out! No signature\n");
        exit(1);
    }

    EVP_MD_CTX_free(ctx);

    return size;
}


static void
test_refused(ngx_str_t *modulus, ngx_str_t *exponent, const char *why,
    const char *name)
{
    const char        *error;
    ngx_intake_key_t  *key;

    error = NULL;
    key = ngx_intake_key_create_rsa(JWT_RS256, modulus, exponent, &error);

    ok(key == NULL && error && strstr(error, why), "%s", name);
    ok(ERR_peek_error() == 0, "... the error queue is empty");

    ngx_intake_key_destroy(key);
}


static void
test_key(EVP_PKEY *pkey, EVP_PKEY *small)
{
    size_t             len;
    u_char             n[300], e[16], signature[300];
    ngx_str_t          modulus, exponent, none;
    const char        *error;
    ngx_intake_key_t  *key;

    ngx_str_t  parts[] = { ngx_string("mess"), ngx_string("age") };

    number(pkey, OSSL_PKEY_PARAM_RSA_N, n, &modulus);
    number(pkey, OSSL_PKEY_PARAM_RSA_E, e, &exponent);

    key = ngx_intake_key_create_rsa(JWT_RS256, &modulus, &exponent, &error);
    len = sign(pkey, EVP_sha256(), signature, sizeof(signature));

    ok(key && ngx_intake_key_verify(key, parts, 2, signature, len) == NGX_OK,
       "a signature");
    ok(key && ngx_intake_key_verify(key, parts, 1, signature, len)
              == NGX_DECLINED, "another message");

    signature[20] ^= 1;

    ok(key && ngx_intake_key_verify(key, parts, 2, signature, len)
              == NGX_DECLINED, "another signature");

    len = sign(pkey, EVP_sha1(), signature, sizeof(signature));

    ok(key && ngx_intake_key_verify(key, parts, 2, signature, len)
              == NGX_DECLINED, "another digest");

    ngx_intake_key_destroy(key);

    modulus.data--;
    modulus.len++;

    key = ngx_intake_key_create_rsa(RSA_SHA1, &modulus, &exponent, &error);

    ok(key && ngx_intake_key_verify(key, parts, 2, signature, len) == NGX_OK,
       "a zero in front of the modulus, and SHA-1");

    ngx_intake_key_destroy(key);

    ngx_str_null(&none);

    test_refused(&none, &exponent, "not a public key", "no modulus");
    test_refused(&modulus, &none, "not a public key", "no exponent");

    ngx_str_set(&none, "\0\0\0\0");

    test_refused(&none, &exponent, "", "a modulus of zero");

    number(small, OSSL_PKEY_PARAM_RSA_N, n, &modulus);

    test_refused(&modulus, &exponent, "1024 bits or more", "1023 bits");
}


/* every allocation fails once */

static void
test_memory(EVP_PKEY *pkey)
{
    u_char             n[300], e[16];
    ngx_int_t          i, left;
    ngx_str_t          modulus, exponent;
    ngx_uint_t         wrong;
    const char        *error;
    ngx_intake_key_t  *key;

    number(pkey, OSSL_PKEY_PARAM_RSA_N, n, &modulus);
    number(pkey, OSSL_PKEY_PARAM_RSA_E, e, &exponent);

    wrong = 0;

    for (i = 0; i < 10000; i++) {
        allocations = i;
        error = NULL;
        key = ngx_intake_key_create_rsa(JWT_RS256, &modulus, &exponent,
                                        &error);
        left = allocations;
        allocations = -1;

        if (key == NULL) {
            wrong += (error == NULL);
            continue;
        }

        ngx_intake_key_destroy(key);

        if (left > 0) {
            break;
        }
    }

    ok(wrong == 0 && i < 10000 && ERR_peek_error() == 0, "without memory");
}


int
main(void)
{
    EVP_PKEY  *pkey, *small;

    take_memory();

    pkey = EVP_RSA_gen(2048);
    small = EVP_RSA_gen(1023);

    test_key(pkey, small);
    test_memory(pkey);

    EVP_PKEY_free(pkey);
    EVP_PKEY_free(small);

    return done();
}
