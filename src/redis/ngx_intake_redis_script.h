
/*
 * Copyright (C) nginx-intake contributors
 */


#ifndef _NGX_INTAKE_REDIS_SCRIPT_H_INCLUDED_
#define _NGX_INTAKE_REDIS_SCRIPT_H_INCLUDED_


#include "ngx_intake_redis.h"


/*
 * The keys and arguments of a script's call.  Whoever writes them does so
 * twice: without an operation they are counted, with one they are appended.
 */

typedef struct {
    ngx_intake_redis_op_t     *op;         /* NULL: count */
    ngx_uint_t                 nargs;      /* keys and arguments so far */
    size_t                     bytes;
} ngx_intake_redis_args_t;


void ngx_intake_redis_arg(ngx_intake_redis_args_t *args, u_char *data,
    size_t len);
void ngx_intake_redis_text_arg(ngx_intake_redis_args_t *args,
    ngx_str_t *text);
void ngx_intake_redis_number_arg(ngx_intake_redis_args_t *args,
    int64_t number);

/* sets sha1 of script to the digest of its text, as EVALSHA wants it */
void ngx_intake_redis_script_digest(ngx_intake_redis_script_t *script);


/* the keys are written first; their number goes to *nkeys */

typedef void (*ngx_intake_redis_write_pt)(ngx_intake_redis_args_t *args,
    void *data, ngx_uint_t *nkeys);

/*
 * The operation that calls script with what write writes.  NULL: no memory.
 */
ngx_intake_redis_op_t *ngx_intake_redis_script_op(
    ngx_intake_redis_script_t *script, ngx_intake_redis_write_pt write,
    void *data, ngx_log_t *log);


#endif /* _NGX_INTAKE_REDIS_SCRIPT_H_INCLUDED_ */
