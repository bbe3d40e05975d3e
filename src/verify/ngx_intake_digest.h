
/*
 * Copyright (C) nginx-intake contributors
 */


#ifndef _NGX_INTAKE_DIGEST_H_INCLUDED_
#define _NGX_INTAKE_DIGEST_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/*
 * Signatures, digests and the secrets they are checked with.  Nothing else
 * of the module but ngx_intake_sha256.h calls OpenSSL's digests or keys.
 *
 * Messages are given as parts whose concatenation is meant; they are not
 * changed.  Keys may be made in the master process and used in its forked
 * workers; no key and none of these functions may be used by two threads at
 * a time.  All functions leave OpenSSL's error queue empty.
 */


/* bytes of the longest digest */

#define NGX_INTAKE_DIGEST_MAX   64


typedef enum {
    NGX_INTAKE_ALGORITHM_NONE = 0,
    NGX_INTAKE_ALGORITHM_HMAC_MD5,
    NGX_INTAKE_ALGORITHM_HMAC_SHA1,
    NGX_INTAKE_ALGORITHM_HMAC_SHA256,
    NGX_INTAKE_ALGORITHM_HMAC_SHA384,
    NGX_INTAKE_ALGORITHM_HMAC_SHA512,
    NGX_INTAKE_ALGORITHM_MD5,
    NGX_INTAKE_ALGORITHM_SHA1,
    NGX_INTAKE_ALGORITHM_SHA256,
    NGX_INTAKE_ALGORITHM_ED25519,
    NGX_INTAKE_ALGORITHM_ECDSA_P256_SHA256,
    NGX_INTAKE_ALGORITHM_RSA_SHA1,
    NGX_INTAKE_ALGORITHM_RSA_SHA256,
    NGX_INTAKE_ALGORITHM_EQUAL,
    NGX_INTAKE_ALGORITHM_BASIC,
    NGX_INTAKE_ALGORITHM_JWT_HS256,
    NGX_INTAKE_ALGORITHM_JWT_RS256,
    NGX_INTAKE_ALGORITHM_SNS
} ngx_intake_algorithm_e;


typedef struct ngx_intake_key_s  ngx_intake_key_t;


/* the name of the algorithm, as "hmac-sha256"; static */

ngx_str_t *ngx_intake_algorithm_name(ngx_intake_algorithm_e algorithm);


/*
 * Makes a key of the secret, which is copied where it must be kept.  The
 * caller owns the key.  What the secret has to be:
 *
 *  hmac-*               the bytes of the key
 *  md5, sha1, sha256    anything: the secret is a part of the message
 *  equal, basic         the text to be presented; basic: "user:password"
 *  jwt-hs256            as hmac-sha256
 *  jwt-rs256, sns       as rsa-sha256
 *  ed25519              32 bytes, or a public key as below
 *  ecdsa-*, rsa-*       a public key: SubjectPublicKeyInfo, PKCS #1 or a
 *                       certificate, in PEM under any label, as base64
 *                       or as DER
 *
 * Of a certificate only the key is used: neither its dates nor its issuer
 * are looked at.  Returns NULL and sets *error to a static text, which
 * follows the name of the secret well, for an empty secret, one that is not
 * as above, an RSA key below 1024 bits, an algorithm that OpenSSL does not
 * offer here, or without memory.
 */
ngx_intake_key_t *ngx_intake_key_create(ngx_intake_algorithm_e algorithm,
    u_char *secret, size_t len, const char **error);

/*
 * The same of an RSA key that is given as modulus and exponent, both of them
 * numbers without a sign whose first byte is the highest (RFC 7518, section
 * 6.3.1).
 */
ngx_intake_key_t *ngx_intake_key_create_rsa(ngx_intake_algorithm_e algorithm,
    ngx_str_t *modulus, ngx_str_t *exponent, const char **error);

/* frees and wipes; NULL is allowed */

void ngx_intake_key_destroy(ngx_intake_key_t *key);

/*
 * The HMAC or plain digest of the message: at most NGX_INTAKE_DIGEST_MAX
 * bytes go to out, their number to *len.  Returns NGX_OK, or NGX_ERROR
 * without memory or for a key of any other algorithm.
 */
ngx_int_t ngx_intake_key_digest(ngx_intake_key_t *key, ngx_str_t *parts,
    ngx_uint_t nparts, u_char *out, size_t *len);

/*
 * Checks the decoded signature of the message.  HMAC and plain digests:
 * compared in constant time.  ecdsa-*: a DER signature (RFC 3279, section
 * 2.2.3).  rsa-*: PKCS #1 v1.5.  equal, basic: the signature is the text
 * that was presented, for basic the decoded "user:password"; the message is
 * not looked at.  ed25519 (RFC 8032) copies a message of several parts, so
 * that the caller has to limit it.  Returns NGX_OK, NGX_DECLINED when the
 * signature does not match, or NGX_ERROR without memory.
 */
ngx_int_t ngx_intake_key_verify(ngx_intake_key_t *key, ngx_str_t *parts,
    ngx_uint_t nparts, u_char *signature, size_t len);


/*
 * Compares two texts in a time that depends on their lengths, which are no
 * secrets, but not on their content.  Returns NGX_OK or NGX_DECLINED.
 */
ngx_int_t ngx_intake_equal(u_char *a, size_t alen, u_char *b, size_t blen);


#endif /* _NGX_INTAKE_DIGEST_H_INCLUDED_ */
