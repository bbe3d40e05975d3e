
/*
 * Copyright (C) nginx-intake contributors
 */


#ifndef _NGX_INTAKE_SHA256_H_INCLUDED_
#define _NGX_INTAKE_SHA256_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include <openssl/evp.h>


/*
 * SHA-256, of one message after another or of several in pieces.  As in
 * ngx_intake_digest.h messages are parts whose concatenation is meant, no two
 * threads may call these functions at a time, and OpenSSL's error queue is
 * left empty.
 */


#define NGX_INTAKE_SHA256_LEN   32


typedef struct ngx_intake_sha256_s  ngx_intake_sha256_t;


/*
 * What the others need.  ngx_intake_sha256_init() may be called again and
 * returns NGX_ERROR when OpenSSL offers no SHA-256 or without memory;
 * ngx_intake_sha256_done() frees it and may be called at any time.
 */
ngx_int_t ngx_intake_sha256_init(void);
void ngx_intake_sha256_done(void);

/*
 * NGX_INTAKE_SHA256_LEN bytes go to out.  Returns NGX_OK, or NGX_ERROR
 * before ngx_intake_sha256_init() or without memory.
 */
ngx_int_t ngx_intake_sha256(ngx_str_t *parts, ngx_uint_t nparts, u_char *out);

/*
 * The same of a message that comes in pieces.  begin() returns NULL where
 * ngx_intake_sha256() returns NGX_ERROR; end() gives the digest, once; after
 * an error of add() or end() there is none.  The caller owns the result of
 * begin(); free() may be called at any time, with NULL too.
 */
ngx_intake_sha256_t *ngx_intake_sha256_begin(void);
ngx_int_t ngx_intake_sha256_add(ngx_intake_sha256_t *sha256, u_char *p,
    size_t len);
ngx_int_t ngx_intake_sha256_end(ngx_intake_sha256_t *sha256, u_char *out);
void ngx_intake_sha256_free(ngx_intake_sha256_t *sha256);

/*
 * For ngx_intake_digest.c too: any digest, with a context that was begun with
 * it once and keeps it; EVP_Digest() makes one for every call.  At most
 * EVP_MAX_MD_SIZE bytes go to out, their number to *len.  Returns NGX_OK, or
 * NGX_ERROR without memory.
 */
ngx_int_t ngx_intake_md(EVP_MD_CTX *ctx, ngx_str_t *parts, ngx_uint_t nparts,
    u_char *out, size_t *len);


#endif /* _NGX_INTAKE_SHA256_H_INCLUDED_ */
