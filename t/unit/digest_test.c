/* sources: src/verify/ngx_intake_digest.c src/verify/ngx_intake_pkey.c */
/* sources: src/verify/ngx_intake_sha256.c */
/* sources: src/verify/ngx_intake_encoding.c */
/* libs: -lcrypto */

/*
 * Copyright (C) nginx-intake contributors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <dlfcn.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <sys/wait.h>

#include "ngx_intake_digest.h"
#include "ngx_intake_encoding.h"
#include "ngx_intake_sha256.h"
#include "bytes.h"
#include "libcrypto.h"
#include "tap.h"


#define ALGORITHM(name)  NGX_INTAKE_ALGORITHM_##name


typedef int (*mac_init_pt)(EVP_MAC_CTX *ctx, const unsigned char *key,
    size_t len, const OSSL_PARAM params[]);


typedef struct {
    ngx_intake_algorithm_e   algorithm;
    u_char                  *key;
    size_t                   len;
    const char              *message;
    const char              *digest;
} digest_case_t;


static ngx_uint_t  broken;     /* OpenSSL begins a MAC anew as 3.0.2 did */

/* stands before libcrypto's */

int
EVP_MAC_init(EVP_MAC_CTX *ctx, const unsigned char *key, size_t len,
    const OSSL_PARAM params[])
{
    static mac_init_pt  init;

    if (init == NULL) {
        init = (mac_init_pt) (uintptr_t) dlsym(RTLD_NEXT, "EVP_MAC_init");
    }

    if (broken && key == NULL) {
        return 1;
    }

    return init(ctx, key, len, params);
}


static ngx_intake_key_t *
key_of(ngx_intake_algorithm_e algorithm, const char *secret)
{
    const char  *error;

    return ngx_intake_key_create(algorithm, (u_char *) secret, strlen(secret),
                                 &error);
}


static ngx_uint_t
is_hex(u_char *bytes, size_t len, const char *hex)
{
    size_t     n;
    u_char     expected[NGX_INTAKE_DIGEST_MAX];
    ngx_str_t  src;

    src = string(hex);

    return ngx_intake_hex_decode(&src, expected, sizeof(expected), &n)
           == NGX_OK
           && n == len
           && memcmp(bytes, expected, len) == 0;
}


static void
test_names(void)
{
    ngx_str_t   name;
    ngx_uint_t  i;

    static const char  *names[] = {
        "none", "hmac-md5", "hmac-sha1", "hmac-sha256", "hmac-sha384",
        "hmac-sha512", "md5", "sha1", "sha256", "ed25519", "ecdsa-p256-sha256",
        "rsa-sha1", "rsa-sha256", "equal", "basic", "jwt-hs256", "jwt-rs256",
        "sns"
    };

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        name = string(names[i]);

        ok(ngx_intake_algorithm_name(i)->len == name.len
           && memcmp(ngx_intake_algorithm_name(i)->data, names[i], name.len)
              == 0, "the algorithm %s", names[i]);
    }

    ok(ALGORITHM(SNS) == i - 1, "all algorithms have names");
}


static u_char  key_0b[] = {
    11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11,
    11, 11
};

static u_char  key_1_to_25[] = {
    1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20,
    21, 22, 23, 24, 25
};

static u_char  key_aa[131];            /* filled by test_digests() */


#define DD50  "\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd"   \
    "\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd"     \
    "\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd"

#define CD50  "\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd"   \
    "\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd"     \
    "\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd"

#define LARGE_KEY  "Test Using Larger Than Block-Size Key - Hash Key First"

#define LARGE_BOTH  "This is a test using a larger than block-size key and a " \
    "larger than block-size data. The key needs to be hashed before being "    \
    "used by the HMAC algorithm."


static digest_case_t  digest_cases[] = {

    /* RFC 4231, 4.2 to 4.5, 4.7, 4.8 */
    { ALGORITHM(HMAC_SHA256), key_0b, 20, "Hi There",
      "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7" },
    { ALGORITHM(HMAC_SHA384), key_0b, 20, "Hi There",
      "afd03944d84895626b0825f4ab46907f15f9dadbe4101ec682aa034c7cebc59c"
      "faea9ea9076ede7f4af152e8b2fa9cb6" },
    { ALGORITHM(HMAC_SHA512), key_0b, 20, "Hi There",
      "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cde"
      "daa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854" },
    { ALGORITHM(HMAC_SHA256), (u_char *) "Jefe", 4,
      "what do ya want for nothing?",
      "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843" },
    { ALGORITHM(HMAC_SHA384), (u_char *) "Jefe", 4,
      "what do ya want for nothing?",
      "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e"
      "8e2240ca5e69e2c78b3239ecfab21649" },
    { ALGORITHM(HMAC_SHA512), (u_char *) "Jefe", 4,
      "what do ya want for nothing?",
      "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
      "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737" },
    { ALGORITHM(HMAC_SHA256), key_aa, 20, DD50,
      "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe" },
    { ALGORITHM(HMAC_SHA256), key_1_to_25, 25, CD50,
      "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b" },
    { ALGORITHM(HMAC_SHA256), key_aa, 131, LARGE_KEY,
      "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54" },
    { ALGORITHM(HMAC_SHA256), key_aa, 131, LARGE_BOTH,
      "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2" },
    { ALGORITHM(HMAC_SHA512), key_aa, 131, LARGE_BOTH,
      "e37b6a775dc87dbaa4dfa9f96e5e3ffddebd71f8867289865df5a32d20cdc944"
      "b6022cac3c4982b10d5eeb55c3e4de15134676fb6de0446065c97440fa8c6a58" },

    /* RFC 2202 */
    { ALGORITHM(HMAC_MD5), key_0b, 16, "Hi There",
      "9294727a3638bb1c13f48ef8158bfc9d" },
    { ALGORITHM(HMAC_MD5), key_aa, 16, DD50,
      "56be34521d144c88dbb8c733f0e8b3f6" },
    { ALGORITHM(HMAC_SHA1), key_0b, 20, "Hi There",
      "b617318655057264e28bc0b6fb378c8ef146be00" },
    { ALGORITHM(HMAC_SHA1), key_aa, 20, DD50,
      "125d7342b9ac11cd91a39af48aa17b4f63f175d3" },

    /* RFC 1321, RFC 3174, FIPS 180; the secret has no part in them */
    { ALGORITHM(MD5), (u_char *) "x", 1, "",
      "d41d8cd98f00b204e9800998ecf8427e" },
    { ALGORITHM(MD5), (u_char *) "x", 1, "abc",
      "900150983cd24fb0d6963f7d28e17f72" },
    { ALGORITHM(SHA1), (u_char *) "x", 1, "abc",
      "a9993e364706816aba3e25717850c26c9cd0d89d" },
    { ALGORITHM(SHA256), (u_char *) "x", 1, "abc",
      "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" }
};


/* the message whole, and cut in three at every two places */

static ngx_uint_t
digests_are(ngx_intake_key_t *key, const char *message, const char *hex)
{
    size_t     i, j, n, len;
    u_char     out[NGX_INTAKE_DIGEST_MAX];
    ngx_str_t  parts[3];

    parts[0] = string(message);
    len = parts[0].len;

    if (ngx_intake_key_digest(key, parts, 1, out, &n) != NGX_OK
        || !is_hex(out, n, hex))
    {
        return 0;
    }

    for (i = 0; i <= len; i++) {

        for (j = i; j <= len; j++) {
            parts[0].len = i;
            parts[1].data = (j > i) ? parts[0].data + i : NULL;
            parts[1].len = j - i;
            parts[2].data = parts[0].data + j;
            parts[2].len = len - j;

            if (ngx_intake_key_digest(key, parts, 3, out, &n) != NGX_OK
                || !is_hex(out, n, hex))
            {
                return 0;
            }
        }
    }

    return 1;
}


/* the right signature, and every way to have a wrong one */

static ngx_uint_t
verifies(ngx_intake_key_t *key, const char *message)
{
    size_t      n;
    u_char      out[NGX_INTAKE_DIGEST_MAX + 1];
    ngx_str_t   part, other;
    ngx_uint_t  i;

    part = string(message);
    other = string("another message");

    if (ngx_intake_key_digest(key, &part, 1, out, &n) != NGX_OK
        || ngx_intake_key_verify(key, &part, 1, out, n) != NGX_OK
        || ngx_intake_key_verify(key, &other, 1, out, n) != NGX_DECLINED
        || ngx_intake_key_verify(key, &part, 1, out, n - 1) != NGX_DECLINED
        || ngx_intake_key_verify(key, &part, 1, out, n + 1) != NGX_DECLINED
        || ngx_intake_key_verify(key, &part, 1, out, 0) != NGX_DECLINED
        || ngx_intake_key_verify(key, &part, 1, NULL, 0) != NGX_DECLINED)
    {
        return 0;
    }

    for (i = 0; i < n * 8; i++) {
        out[i / 8] ^= 1 << i % 8;

        if (ngx_intake_key_verify(key, &part, 1, out, n) != NGX_DECLINED) {
            return 0;
        }

        out[i / 8] ^= 1 << i % 8;
    }

    return ngx_intake_key_verify(key, &part, 1, out, n) == NGX_OK;
}


static void
test_digests(void)
{
    ngx_uint_t         i, old;
    const char        *error, *name;
    digest_case_t     *c;
    ngx_intake_key_t  *key;

    memset(key_aa, 0xaa, sizeof(key_aa));

    for (old = 0; old < 2; old++) {
        broken = old;

        for (i = 0; i < sizeof(digest_cases) / sizeof(digest_cases[0]); i++) {
            c = &digest_cases[i];
            name = (char *) ngx_intake_algorithm_name(c->algorithm)->data;

            key = ngx_intake_key_create(c->algorithm, c->key, c->len, &error);

            ok(key && digests_are(key, c->message, c->digest),
               "%s digest, case %u%s", name, (unsigned) i,
               old ? ", OpenSSL before 3.0.3" : "");
            ok(key && verifies(key, c->message), "... verified");

            ngx_intake_key_destroy(key);
        }
    }

    broken = 0;
    ok(ERR_peek_error() == 0, "no error is left");
}


static void
test_sha256(void)
{
    u_char                out[NGX_INTAKE_SHA256_LEN];
    ngx_str_t             parts[2];
    ngx_intake_sha256_t  *pieces, *other;

    static const char  *abc =
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    static const char  *empty =
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    parts[0] = string("a");
    parts[1] = string("bc");

    ok(ngx_intake_sha256(parts, 2, out) == NGX_ERROR, "no SHA-256 before init");

    ok(ngx_intake_sha256_init() == NGX_OK
       && ngx_intake_sha256_init() == NGX_OK, "init, twice");
    ok(ngx_intake_sha256(parts, 2, out) == NGX_OK
       && is_hex(out, sizeof(out), abc), "SHA-256 of two parts");
    ok(ngx_intake_sha256(parts, 2, out) == NGX_OK
       && is_hex(out, sizeof(out), abc), "... again");
    ok(ngx_intake_sha256(NULL, 0, out) == NGX_OK
       && is_hex(out, sizeof(out), empty), "SHA-256 of nothing");

    pieces = ngx_intake_sha256_begin();
    other = ngx_intake_sha256_begin();

    ok(pieces && other
       && ngx_intake_sha256_add(pieces, (u_char *) "ab", 2) == NGX_OK
       && ngx_intake_sha256_end(other, out) == NGX_OK
       && is_hex(out, sizeof(out), empty), "SHA-256 of no piece");
    ok(ngx_intake_sha256_add(pieces, NULL, 0) == NGX_OK
       && ngx_intake_sha256_add(pieces, (u_char *) "c", 1) == NGX_OK
       && ngx_intake_sha256_end(pieces, out) == NGX_OK
       && is_hex(out, sizeof(out), abc), "SHA-256 of pieces");

    ngx_intake_sha256_free(pieces);
    ngx_intake_sha256_free(other);
    ngx_intake_sha256_free(NULL);

    ngx_intake_sha256_done();
    ngx_intake_sha256_done();

    ok(ngx_intake_sha256(parts, 2, out) == NGX_ERROR, "no SHA-256 after done");
    ok(ngx_intake_sha256_begin() == NULL, "no pieces after done");
    ok(ngx_intake_sha256_init() == NGX_OK
       && ngx_intake_sha256(parts, 2, out) == NGX_OK
       && is_hex(out, sizeof(out), abc), "init after done");
}


static void
test_texts(void)
{
    size_t             n;
    u_char             out[NGX_INTAKE_DIGEST_MAX];
    ngx_intake_key_t  *key;

    static u_char  token[] = "token";
    static u_char  user[] = "user:pass:word";

    key = key_of(ALGORITHM(EQUAL), "token");

    ok(key && ngx_intake_key_verify(key, NULL, 0, token, 5) == NGX_OK
       && ngx_intake_key_verify(key, NULL, 0, token, 4) == NGX_DECLINED
       && ngx_intake_key_verify(key, NULL, 0, token, 6) == NGX_DECLINED
       && ngx_intake_key_verify(key, NULL, 0, NULL, 0) == NGX_DECLINED
       && ngx_intake_key_verify(key, NULL, 0, (u_char *) "Token", 5)
          == NGX_DECLINED, "equal");
    ok(key && ngx_intake_key_digest(key, NULL, 0, out, &n) == NGX_ERROR,
       "equal has no digest");

    ngx_intake_key_destroy(key);

    key = key_of(ALGORITHM(BASIC), "user:pass:word");

    ok(key && ngx_intake_key_verify(key, NULL, 0, user, 14) == NGX_OK
       && ngx_intake_key_verify(key, NULL, 0, user, 9) == NGX_DECLINED,
       "basic");

    ngx_intake_key_destroy(key);

    ok(ngx_intake_equal(token, 5, (u_char *) "token", 5) == NGX_OK
       && ngx_intake_equal(token, 5, user, 5) == NGX_DECLINED
       && ngx_intake_equal(token, 5, token, 4) == NGX_DECLINED
       && ngx_intake_equal(NULL, 0, NULL, 0) == NGX_OK, "equal texts");
}


static void
test_errors(void)
{
    ngx_uint_t         i;
    const char        *error;
    ngx_intake_key_t  *key;

    for (i = 0; i <= ALGORITHM(SNS); i++) {
        error = NULL;
        key = ngx_intake_key_create(i, (u_char *) "", 0, &error);
        ok(key == NULL && error && strcmp(error, "is empty") == 0,
           "an empty secret for %s", ngx_intake_algorithm_name(i)->data);
    }

    error = NULL;
    key = ngx_intake_key_create(ALGORITHM(NONE), (u_char *) "x", 1, &error);
    ok(key == NULL && error && strstr(error, "takes no secret"),
       "a secret for none");

    error = NULL;
    key = ngx_intake_key_create(ALGORITHM(BASIC), (u_char *) "x", 1, &error);
    ok(key == NULL && error && strstr(error, "user:password"),
       "a secret for basic without a colon");

    ngx_intake_key_destroy(NULL);
}


/* made before fork(), used after it in both processes */

static void
test_fork(void)
{
    int                status;
    pid_t              pid;
    ngx_uint_t         good;
    const char        *hex = digest_cases[3].digest;
    ngx_intake_key_t  *key;

    key = key_of(ALGORITHM(HMAC_SHA256), "Jefe");

    fflush(stdout);

    pid = fork();

    if (pid == 0) {
        good = key && digests_are(key, digest_cases[3].message, hex);
        ngx_intake_key_destroy(key);
        ngx_intake_sha256_done();
        _exit(good ? 0 : 1);
    }

    ok(pid > 0 && waitpid(pid, &status, 0) == pid && status == 0,
       "a key in a child");
    ok(key && digests_are(key, digest_cases[3].message, hex),
       "... and in its parent");

    ngx_intake_key_destroy(key);
}


/* every allocation fails once: never a wrong verdict */

static void
test_memory(ngx_intake_algorithm_e algorithm, ngx_uint_t old)
{
    size_t             n;
    u_char             out[NGX_INTAKE_DIGEST_MAX];
    ngx_int_t          i, rc, used;
    ngx_str_t          part;
    ngx_uint_t         wrong;
    const char        *error;
    ngx_intake_key_t  *key;

    broken = old;
    part = string("message");
    wrong = 0;

    key = key_of(algorithm, "secret");
    rc = ngx_intake_key_digest(key, &part, 1, out, &n);
    ngx_intake_key_destroy(key);

    for (i = 0; rc == NGX_OK && i < 1000; i++) {
        allocations = i;
        error = NULL;
        key = ngx_intake_key_create(algorithm, (u_char *) "secret", 6, &error);
        used = allocations;

        if (key == NULL) {
            wrong += (error == NULL);
            allocations = -1;
            continue;
        }

        allocations = 0;
        rc = ngx_intake_key_verify(key, &part, 1, out, n);
        wrong += (rc != NGX_OK && rc != NGX_ERROR);

        allocations = -1;
        wrong += (ngx_intake_key_verify(key, &part, 1, out, n) != NGX_OK);
        rc = NGX_OK;

        ngx_intake_key_destroy(key);

        if (used > 0) {
            break;
        }
    }

    allocations = -1;
    broken = 0;

    ok(rc == NGX_OK && wrong == 0 && i > 0 && i < 1000
       && ERR_peek_error() == 0, "%s without memory, %d allocations%s",
       ngx_intake_algorithm_name(algorithm)->data, (int) i,
       old ? ", OpenSSL before 3.0.3" : "");
}


int
main(void)
{
    take_memory();

    test_names();
    test_digests();
    test_sha256();
    test_texts();
    test_errors();
    test_fork();
    test_memory(ALGORITHM(HMAC_SHA256), 0);
    test_memory(ALGORITHM(HMAC_SHA256), 1);
    test_memory(ALGORITHM(SHA1), 0);

    ngx_intake_sha256_done();

    return done();
}
