
/*
 * Copyright (C) nginx-intake contributors
 */


#ifndef _NGX_HTTP_INTAKE_TOKEN_H_INCLUDED_
#define _NGX_HTTP_INTAKE_TOKEN_H_INCLUDED_


#include "ngx_http_intake.h"


/*
 * Senders whose deliveries are verified by code of their own: those that sign
 * a token (JWT, RFC 7519), and Amazon SNS.
 */


/* claim NAME ["TEMPLATE"] [digest=sha256] [optional] */

typedef struct {
    ngx_http_intake_src_t           src;        /* jwt:NAME */
    ngx_http_intake_src_t           element;    /* jwt:NAME.* */
    ngx_http_intake_template_t     *value;      /* NULL: any */
    unsigned                        digest:1;
    unsigned                        optional:1;
} ngx_http_intake_claim_t;


/* where the parts of a token stand: jwt:NAME of its header, and claims */

struct ngx_http_intake_jwt_s {
    ngx_http_intake_src_t           alg;
    ngx_http_intake_src_t           crit;
    ngx_http_intake_src_t           kid;

    ngx_http_intake_src_t           exp;
    ngx_http_intake_src_t           nbf;
};


/* one of the keys of a secret that are told apart by a name */

typedef struct {
    ngx_str_t                       name;       /* kid, "" none; sns: the
                                                   SignatureVersion */
    ngx_intake_key_t               *key;
} ngx_http_intake_named_key_t;


/* the fields of a body of SNS; those that are signed in their order */

typedef enum {
    NGX_HTTP_INTAKE_SNS_MESSAGE = 0,
    NGX_HTTP_INTAKE_SNS_MESSAGE_ID,
    NGX_HTTP_INTAKE_SNS_SUBJECT,
    NGX_HTTP_INTAKE_SNS_SUBSCRIBE_URL,
    NGX_HTTP_INTAKE_SNS_TIMESTAMP,
    NGX_HTTP_INTAKE_SNS_TOKEN,
    NGX_HTTP_INTAKE_SNS_TOPIC_ARN,
    NGX_HTTP_INTAKE_SNS_TYPE,

    NGX_HTTP_INTAKE_SNS_VERSION,
    NGX_HTTP_INTAKE_SNS_CERT_URL,
    NGX_HTTP_INTAKE_SNS_SIGNATURE,

    NGX_HTTP_INTAKE_SNS_FIELDS
} ngx_http_intake_sns_e;

extern ngx_str_t  ngx_http_intake_sns_names[NGX_HTTP_INTAKE_SNS_FIELDS];

/* 1 if the field is signed in all messages of SNS */
ngx_uint_t ngx_http_intake_sns_is_signed(ngx_http_intake_sns_e field);


/* 1 if its algorithm is jwt-* */
ngx_uint_t ngx_http_intake_is_jwt(ngx_http_intake_platform_t *platform);

/*
 * The parts of ngx_http_intake_verify() for these; jwt leaves "timestamp" to
 * the caller.  NGX_DECLINED: ctx->code is set.
 */
ngx_int_t ngx_http_intake_verify_jwt(ngx_http_intake_ctx_t *ctx);
ngx_int_t ngx_http_intake_verify_sns(ngx_http_intake_ctx_t *ctx);

/*
 * Decodes a signature that is written as an encoder would: no bit that stands
 * for nothing is set, base64 is padded, base64url may be.  NGX_DECLINED: it is
 * not, or is empty.  NGX_ERROR: no memory.
 */
ngx_int_t ngx_http_intake_decode_exact(ngx_pool_t *pool,
    ngx_intake_encoding_e encoding, ngx_str_t *value, ngx_str_t *bytes);


#endif /* _NGX_HTTP_INTAKE_TOKEN_H_INCLUDED_ */
