/* sources: src/verify/ngx_intake_digest.c src/verify/ngx_intake_pkey.c */
/* sources: src/verify/ngx_intake_sha256.c */
/* sources: src/verify/ngx_intake_encoding.c */
/* libs: -lcrypto */

/*
 * Copyright (C) nginx-intake contributors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "ngx_intake_digest.h"
#include "ngx_intake_encoding.h"
#include "libcrypto.h"
#include "tap.h"


#define ED25519     NGX_INTAKE_ALGORITHM_ED25519
#define ECDSA       NGX_INTAKE_ALGORITHM_ECDSA_P256_SHA256
#define RSA_SHA1    NGX_INTAKE_ALGORITHM_RSA_SHA1
#define RSA_SHA256  NGX_INTAKE_ALGORITHM_RSA_SHA256


static size_t
from_hex(u_char *dst, size_t size, const char *hex)
{
    size_t     len;
    ngx_str_t  src;

    src.data = (u_char *) hex;
    src.len = strlen(hex);

    if (ngx_intake_hex_decode(&src, dst, size, &len) != NGX_OK) {
        printf("Bail out! Not hexadecimal: %s\n", hex);
        exit(1);
    }

    return len;
}


/* the right signature, and many ways to have a wrong one */

static ngx_uint_t
verifies(ngx_intake_key_t *key, u_char *message, size_t len,
    u_char *signature, size_t n)
{
    u_char      wrong[600];
    ngx_str_t   parts[3];
    ngx_uint_t  i;

    parts[0].data = message;
    parts[0].len = len / 2;
    parts[1].data = NULL;
    parts[1].len = 0;
    parts[2].data = message + len / 2;
    parts[2].len = len - len / 2;

    if (key == NULL
        || ngx_intake_key_verify(key, parts, 3, signature, n) != NGX_OK
        || ngx_intake_key_verify(key, parts, 2, signature, n)
           != (parts[2].len ? NGX_DECLINED : NGX_OK))
    {
        return 0;
    }

    parts[0].len = len;

    if (ngx_intake_key_verify(key, parts, 1, signature, n) != NGX_OK) {
        return 0;
    }

    for (i = 0; i < n; i++) {
        memcpy(wrong, signature, n);
        wrong[i] ^= 1 << i % 8;

        if (ngx_intake_key_verify(key, parts, 1, wrong, n) != NGX_DECLINED
            || ngx_intake_key_verify(key, parts, 1, signature, i)
               != NGX_DECLINED)
        {
            return 0;
        }
    }

    memcpy(wrong, signature, n);
    wrong[n] = 0;

    if (ngx_intake_key_verify(key, parts, 1, signature, n) != NGX_OK
        || ngx_intake_key_verify(key, parts, 1, wrong, n + 1) != NGX_DECLINED)
    {
        return 0;
    }

    /* an error that somebody else has left */

    ERR_raise(ERR_LIB_USER, ERR_R_MALLOC_FAILURE);

    return ngx_intake_key_verify(key, parts, 1, NULL, 0) == NGX_DECLINED
           && ERR_peek_error() == 0;
}


/* the text in which a key comes */

static size_t
key_text(u_char *dst, const char *label, u_char *der, size_t len,
    size_t line, const char *end)
{
    size_t     i, n;
    u_char    *p, text[8192];
    ngx_str_t  src;

    src.data = der;
    src.len = len;

    ngx_intake_base64_encode(&src, text, sizeof(text), &n);

    p = dst;

    if (label) {
        p += sprintf((char *) p, "Some words\n-----BEGIN %s-----%s", label,
                     end);
    }

    for (i = 0; i < n; i++) {
        *p++ = text[i];

        if (line && i % line == line - 1) {
            p += sprintf((char *) p, "%s", end);
        }
    }

    if (label) {
        p += sprintf((char *) p, "%s-----END %s-----%s", end, label, end);
    }

    return p - dst;
}


static void
refused(ngx_intake_algorithm_e algorithm, const char *secret, size_t len,
    const char *reason, const char *what)
{
    const char        *error;
    ngx_intake_key_t  *key;

    error = "";
    key = ngx_intake_key_create(algorithm, (u_char *) secret, len, &error);

    ok(key == NULL && strstr(error, reason) && ERR_peek_error() == 0,
       "%s %s", what, error);

    ngx_intake_key_destroy(key);
}


static void
test_ed25519(void)
{
    size_t             n, len;
    u_char             public[64], message[64], signature[64], text[512];
    ngx_str_t          empty;
    ngx_uint_t         i;
    const char        *error;
    ngx_intake_key_t  *key;

    /* RFC 8032, section 7.1 */

    static const char  *cases[][3] = {
        { "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
          "",
          "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
          "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b" },
        { "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
          "72",
          "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
          "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00" },
        { "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
          "af82",
          "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
          "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a" }
    };

    for (i = 0; i < 3; i++) {
        from_hex(public, sizeof(public), cases[i][0]);
        len = from_hex(message, sizeof(message), cases[i][1]);
        from_hex(signature, sizeof(signature), cases[i][2]);

        key = ngx_intake_key_create(ED25519, public, 32, &error);
        ok(verifies(key, message, len, signature, 64),
           "ed25519, RFC 8032, test %u", (unsigned) i + 1);

        ngx_str_null(&empty);
        ok(len || ngx_intake_key_verify(key, NULL, 0, signature, 64) == NGX_OK,
           "... no parts are an empty message");
        ok(ngx_intake_key_digest(key, &empty, 1, text, &n) == NGX_ERROR,
           "... no digest");

        ngx_intake_key_destroy(key);
    }

    n = from_hex(public, sizeof(public), "302a300506032b6570032100");
    n += from_hex(public + n, sizeof(public) - n, cases[2][0]);

    key = ngx_intake_key_create(ED25519, public, n, &error);
    ok(verifies(key, message, len, signature, 64), "ed25519 in DER");
    ngx_intake_key_destroy(key);

    n = key_text(text, "PUBLIC KEY", public, n, 64, "\n");
    key = ngx_intake_key_create(ED25519, text, n, &error);
    ok(verifies(key, message, len, signature, 64), "ed25519 in PEM");
    ngx_intake_key_destroy(key);

    refused(RSA_SHA256, (char *) text, n, "an RSA key is needed",
            "ed25519 for rsa");
    refused(ECDSA, (char *) text, n, "a P-256 key is needed",
            "ed25519 for ecdsa");
    refused(ED25519, cases[0][0], 64, "not a public key",
            "ed25519 as hex that was not decoded");
    refused(ED25519, cases[0][0], 31, "not a public key", "31 bytes");
}


static void
test_ecdsa(void)
{
    size_t             n, len;
    u_char             der[128], text[512], signature[128];
    EVP_PKEY          *pkey;
    u_char            *p;
    const char        *error;
    ngx_intake_key_t  *key;

    /* RFC 6979, appendix A.2.5, "sample" with SHA-256 */

    n = from_hex(der, sizeof(der),
            "3059301306072a8648ce3d020106082a8648ce3d03010703420004"
            "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"
            "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299");
    len = from_hex(signature, sizeof(signature),
            "3046022100"
            "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
            "022100"
            "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8");

    key = ngx_intake_key_create(ECDSA, der, n, &error);
    ok(verifies(key, (u_char *) "sample", 6, signature, len),
       "ecdsa, RFC 6979, key in DER");
    ngx_intake_key_destroy(key);

    n = key_text(text, NULL, der, n, 0, "");
    key = ngx_intake_key_create(ECDSA, text, n, &error);
    ok(verifies(key, (u_char *) "sample", 6, signature, len),
       "ecdsa, key in base64");
    ngx_intake_key_destroy(key);

    refused(ED25519, (char *) text, n, "an Ed25519 key is needed",
            "ecdsa for ed25519");
    refused(ECDSA, (char *) text, n - 8, "not a public key", "a cut key");

    text[70] ^= 1;
    refused(ECDSA, (char *) text, n, "not a public key",
            "a point that is not on the curve");

    pkey = EVP_EC_gen("P-384");
    p = NULL;
    n = i2d_PUBKEY(pkey, &p);
    refused(ECDSA, (char *) p, n, "a P-256 key is needed", "P-384");
    OPENSSL_free(p);
    EVP_PKEY_free(pkey);
}


static size_t
sign(EVP_PKEY *pkey, const EVP_MD *md, const char *message, u_char *signature,
    size_t size)
{
    EVP_MD_CTX  *ctx;

    ctx = EVP_MD_CTX_new();

    if (EVP_DigestSignInit(ctx, NULL, md, NULL, pkey) != 1
        || EVP_DigestSign(ctx, signature, &size, (u_char *) message,
                          strlen(message))
           != 1)
    {
        size = 0;
    }

    EVP_MD_CTX_free(ctx);

    return size;
}


static size_t
certificate(EVP_PKEY *pkey, u_char **der)
{
    int    n;
    X509  *cert;

    cert = X509_new();

    ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
    X509_gmtime_adj(X509_getm_notBefore(cert), -7200);
    X509_gmtime_adj(X509_getm_notAfter(cert), -3600);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN",
                               MBSTRING_ASC, (u_char *) "sender", -1, -1, 0);
    X509_set_issuer_name(cert, X509_get_subject_name(cert));
    X509_set_pubkey(cert, pkey);
    X509_sign(cert, pkey, EVP_sha256());

    *der = NULL;
    n = i2d_X509(cert, der);

    X509_free(cert);

    return n;
}


static void
test_rsa_form(u_char *text, size_t n, u_char *signature, size_t len,
    const char *what)
{
    const char        *error;
    ngx_str_t          part = ngx_string("message");
    ngx_intake_key_t  *key;

    error = NULL;
    key = ngx_intake_key_create(RSA_SHA256, text, n, &error);

    ok(key && error == NULL
       && ngx_intake_key_verify(key, &part, 1, signature, len) == NGX_OK,
       "rsa, %s", what);

    ngx_intake_key_destroy(key);
}


static void
test_rsa(void)
{
    size_t             n, len, len1;
    u_char             sig[256], sig1[256], text[8192], *spki, *pkcs1, *cert;
    EVP_PKEY          *pkey, *small;
    const char        *error;
    ngx_intake_key_t  *key;

    pkey = EVP_RSA_gen(2048);
    len = sign(pkey, EVP_sha256(), "message", sig, sizeof(sig));
    len1 = sign(pkey, EVP_sha1(), "message", sig1, sizeof(sig1));

    spki = pkcs1 = NULL;

    n = i2d_PUBKEY(pkey, &spki);

    key = ngx_intake_key_create(RSA_SHA256, spki, n, &error);
    ok(verifies(key, (u_char *) "message", 7, sig, len), "rsa-sha256");
    ok(!verifies(key, (u_char *) "message", 7, sig1, len1),
       "... not with SHA-1");
    ngx_intake_key_destroy(key);

    key = ngx_intake_key_create(RSA_SHA1, spki, n, &error);
    ok(verifies(key, (u_char *) "message", 7, sig1, len1), "rsa-sha1");
    ngx_intake_key_destroy(key);

    len1 = key_text(text, "PUBLIC KEY", spki, n, 64, "\n");
    test_rsa_form(text, len1, sig, len, "PEM");
    refused(RSA_SHA256, (char *) text, len1 - 30, "not a public key",
            "PEM without its end");
    refused(ECDSA, (char *) text, len1, "a P-256 key is needed",
            "rsa for ecdsa");

    len1 = key_text(text, "RSA PUBLIC KEY", spki, n, 64, "\r\n");
    test_rsa_form(text, len1, sig, len, "SPKI under the label of PKCS #1");

    len1 = key_text(text, "PUBLIC KEY", spki, n, 0, " ");
    test_rsa_form(text, len1, sig, len, "PEM on one line");

    len1 = key_text(text, NULL, spki, n, 0, "");
    test_rsa_form(text, len1, sig, len, "base64");

    len1 = key_text(text, NULL, spki, n, 76, "\n");
    test_rsa_form(text, len1, sig, len, "base64 in lines");

    memcpy(text, spki, n);
    text[n] = 0;
    refused(RSA_SHA256, (char *) text, n + 1, "not a public key",
            "a key with a byte more");

    n = i2d_PublicKey(pkey, &pkcs1);
    test_rsa_form(pkcs1, n, sig, len, "PKCS #1 in DER");

    len1 = key_text(text, "RSA PUBLIC KEY", pkcs1, n, 64, "\n");
    test_rsa_form(text, len1, sig, len, "PKCS #1");

    len1 = certificate(pkey, &cert);
    len1 = key_text(text, "CERTIFICATE", cert, len1, 64, "\n");
    test_rsa_form(text, len1, sig, len, "certificate");

    len1 = key_text(text, "RSA PRIVATE KEY", pkcs1, n, 64, "\n");
    refused(RSA_SHA256, (char *) text, len1, "a private key", "PKCS #1");
    len1 = key_text(text, "PRIVATE KEY", pkcs1, n, 64, "\n");
    refused(RSA_SHA256, (char *) text, len1, "a private key", "PKCS #8");

    OPENSSL_free(spki);
    OPENSSL_free(pkcs1);
    OPENSSL_free(cert);
    EVP_PKEY_free(pkey);

    spki = NULL;
    small = EVP_RSA_gen(1023);
    n = i2d_PUBKEY(small, &spki);
    refused(RSA_SHA256, (char *) spki, n, "1024 bits or more", "1023 bits");
    OPENSSL_free(spki);
    EVP_PKEY_free(small);
}


static void
test_garbage(void)
{
    ngx_uint_t  i;

    static const char  *texts[] = {
        "x", "0", "00000000000000000000", "a secret", "-----BEGIN ",
        "-----BEGIN PUBLIC KEY", "-----BEGIN PUBLIC KEY-----",
        "-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----",
        "-----BEGIN PUBLIC KEY-----\n!\n-----END PUBLIC KEY-----",
        "-----BEGIN PUBLIC KEY-----\nMAA=\n-----END PUBLIC KEY-----"
    };

    for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        refused(RSA_SHA256, texts[i], strlen(texts[i]), "not a public key",
                "garbage");
    }
}


/* every allocation of a verification fails once: never a wrong verdict */

static void
test_memory(ngx_intake_algorithm_e algorithm, EVP_PKEY *pkey,
    const EVP_MD *md)
{
    u_char            *der, signature[256];
    size_t             n, len;
    ngx_int_t          i, rc, left;
    ngx_uint_t         wrong, errors;
    const char        *error;
    ngx_intake_key_t  *key;

    ngx_str_t  parts[] = { ngx_string("mess"), ngx_string("age") };

    der = NULL;
    len = i2d_PUBKEY(pkey, &der);
    n = sign(pkey, md, "message", signature, sizeof(signature));

    wrong = 0;

    for (i = 0; i < 10000; i++) {
        allocations = i;
        error = NULL;
        key = ngx_intake_key_create(algorithm, der, len, &error);
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

    ok(wrong == 0 && i < 10000 && ERR_peek_error() == 0,
       "%s key without memory, %d allocations",
       ngx_intake_algorithm_name(algorithm)->data, (int) i);

    key = ngx_intake_key_create(algorithm, der, len, &error);
    errors = 0;

    for (i = 0; i < 10000; i++) {
        allocations = i;
        rc = ngx_intake_key_verify(key, parts, 2, signature, n);
        left = allocations;
        allocations = -1;

        errors += (rc == NGX_ERROR);
        wrong += (rc == NGX_DECLINED);

        if (left > 0) {
            break;
        }
    }

    ok(wrong == 0 && errors > 0 && i < 10000 && rc == NGX_OK,
       "%s verified without memory, %d allocations, %d wrong",
       ngx_intake_algorithm_name(algorithm)->data, (int) i, (int) wrong);

    ngx_intake_key_destroy(key);
    OPENSSL_free(der);
    EVP_PKEY_free(pkey);
}


int
main(void)
{
    take_memory();

    test_ed25519();
    test_ecdsa();
    test_rsa();
    test_garbage();

    test_memory(ED25519, EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"), NULL);
    test_memory(ECDSA, EVP_EC_gen("P-256"), EVP_sha256());
    test_memory(RSA_SHA256, EVP_RSA_gen(2048), EVP_sha256());

    return done();
}
