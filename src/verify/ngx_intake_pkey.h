
/*
 * Copyright (C) nginx-intake contributors
 */


#ifndef _NGX_INTAKE_PKEY_H_INCLUDED_
#define _NGX_INTAKE_PKEY_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_intake_digest.h"


/*
 * Public keys and the signatures that are checked with them: the part of
 * ngx_intake_digest.h behind the algorithms ed25519, ecdsa-* and rsa-*.
 * Only ngx_intake_digest.c calls it.
 */


/* what is wrong with a secret when it is not the secret that is wrong */

#define NGX_INTAKE_NO_MEMORY     "cannot be used: no memory"
#define NGX_INTAKE_NO_ALGORITHM                                               \
    "cannot be used: OpenSSL does not offer its algorithm here"


typedef struct ngx_intake_pkey_s  ngx_intake_pkey_t;


/*
 * As ngx_intake_key_create(); len is not 0.  May leave errors in OpenSSL's
 * queue.
 */
ngx_intake_pkey_t *ngx_intake_pkey_create(ngx_intake_algorithm_e algorithm,
    u_char *secret, size_t len, const char **error);

/* as ngx_intake_key_create_rsa(); may leave errors too */

ngx_intake_pkey_t *ngx_intake_pkey_create_rsa(
    ngx_intake_algorithm_e algorithm, ngx_str_t *modulus,
    ngx_str_t *exponent, const char **error);

/* NULL is allowed */

void ngx_intake_pkey_destroy(ngx_intake_pkey_t *pkey);

/* as ngx_intake_key_verify() */

ngx_int_t ngx_intake_pkey_verify(ngx_intake_pkey_t *pkey, ngx_str_t *parts,
    ngx_uint_t nparts, u_char *signature, size_t len);


#endif /* _NGX_INTAKE_PKEY_H_INCLUDED_ */
