
/*
 * Copyright (C) nginx-intake contributors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <openssl/err.h>
#include <openssl/evp.h>

#include "ngx_intake_sha256.h"


/* of the process; forked workers go on with copies of it */

static EVP_MD      *ngx_intake_sha256_md;
static EVP_MD_CTX  *ngx_intake_sha256_ctx;


ngx_int_t
ngx_intake_sha256_init(void)
{
    if (ngx_intake_sha256_ctx) {
        return NGX_OK;
    }

    ngx_intake_sha256_md = EVP_MD_fetch(NULL, "SHA256", NULL);
    ngx_intake_sha256_ctx = EVP_MD_CTX_new();

    if (ngx_intake_sha256_md == NULL
        || ngx_intake_sha256_ctx == NULL
        || EVP_DigestInit_ex(ngx_intake_sha256_ctx, ngx_intake_sha256_md, NULL)
           != 1)
    {
        ngx_intake_sha256_done();
        ERR_clear_error();
        return NGX_ERROR;
    }

    return NGX_OK;
}


void
ngx_intake_sha256_done(void)
{
    EVP_MD_CTX_free(ngx_intake_sha256_ctx);
    EVP_MD_free(ngx_intake_sha256_md);

    ngx_intake_sha256_ctx = NULL;
    ngx_intake_sha256_md = NULL;
}


ngx_int_t
ngx_intake_sha256(ngx_str_t *parts, ngx_uint_t nparts, u_char *out)
{
    size_t  len;

    if (ngx_intake_sha256_ctx == NULL) {
        return NGX_ERROR;
    }

    return ngx_intake_md(ngx_intake_sha256_ctx, parts, nparts, out, &len);
}


ngx_intake_sha256_t *
ngx_intake_sha256_begin(void)
{
    EVP_MD_CTX  *ctx;

    if (ngx_intake_sha256_md == NULL) {
        return NULL;
    }

    ctx = EVP_MD_CTX_new();

    if (ctx == NULL || EVP_DigestInit_ex(ctx, ngx_intake_sha256_md, NULL) != 1)
    {
        EVP_MD_CTX_free(ctx);
        ERR_clear_error();
        return NULL;
    }

    return (ngx_intake_sha256_t *) ctx;
}


ngx_int_t
ngx_intake_sha256_add(ngx_intake_sha256_t *sha256, u_char *p, size_t len)
{
    if (EVP_DigestUpdate((EVP_MD_CTX *) sha256, p, len) != 1) {
        ERR_clear_error();
        return NGX_ERROR;
    }

    return NGX_OK;
}


ngx_int_t
ngx_intake_sha256_end(ngx_intake_sha256_t *sha256, u_char *out)
{
    if (EVP_DigestFinal_ex((EVP_MD_CTX *) sha256, out, NULL) != 1) {
        ERR_clear_error();
        return NGX_ERROR;
    }

    return NGX_OK;
}


void
ngx_intake_sha256_free(ngx_intake_sha256_t *sha256)
{
    EVP_MD_CTX_free((EVP_MD_CTX *) sha256);
}


ngx_int_t
ngx_intake_md(EVP_MD_CTX *ctx, ngx_str_t *parts, ngx_uint_t nparts,
    u_char *out, size_t *len)
{
    unsigned    n;
    ngx_uint_t  i;

    if (EVP_DigestInit_ex(ctx, NULL, NULL) != 1) {
        goto failed;
    }

    for (i = 0; i < nparts; i++) {

        if (EVP_DigestUpdate(ctx, parts[i].data, parts[i].len) != 1) {
            goto failed;
        }
    }

    if (EVP_DigestFinal_ex(ctx, out, &n) != 1) {
        goto failed;
    }

    *len = n;

    return NGX_OK;

failed:

    ERR_clear_error();

    return NGX_ERROR;
}
