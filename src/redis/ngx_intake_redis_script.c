
/*
 * Copyright (C) nginx-intake contributors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_sha1.h>
#include "ngx_intake_redis_script.h"


/* Scripts: their digests, their keys and arguments. */


void
ngx_intake_redis_script_digest(ngx_intake_redis_script_t *script)
{
    u_char      digest[20];
    ngx_sha1_t  sha1;

    ngx_sha1_init(&sha1);
    ngx_sha1_update(&sha1, script->text.data, script->text.len);
    ngx_sha1_final(digest, &sha1);

    ngx_hex_dump(script->sha1, digest, sizeof(digest));
}


ngx_intake_redis_op_t *
ngx_intake_redis_script_op(ngx_intake_redis_script_t *script,
    ngx_intake_redis_write_pt write, void *data, ngx_log_t *log)
{
    ngx_uint_t               nkeys;
    ngx_intake_redis_args_t  args;

    ngx_memzero(&args, sizeof(ngx_intake_redis_args_t));

    write(&args, data, &nkeys);

    args.op = ngx_intake_redis_op_script(script, nkeys, args.nargs,
                                         args.bytes, log);
    if (args.op == NULL) {
        return NULL;
    }

    write(&args, data, &nkeys);

    return args.op;
}


void
ngx_intake_redis_arg(ngx_intake_redis_args_t *args, u_char *data, size_t len)
{
    if (args->op) {
        ngx_intake_redis_op_arg(args->op, data, len);
        return;
    }

    args->nargs++;
    args->bytes += len;
}


void
ngx_intake_redis_text_arg(ngx_intake_redis_args_t *args, ngx_str_t *text)
{
    ngx_intake_redis_arg(args, text->data, text->len);
}


void
ngx_intake_redis_number_arg(ngx_intake_redis_args_t *args, int64_t number)
{
    u_char    *p, text[NGX_INT64_LEN + 1];
    uint64_t   n;

    p = text + sizeof(text);
    n = number < 0 ? 0 - (uint64_t) number : (uint64_t) number;

    do {
        *--p = (u_char) (n % 10 + '0');
    } while (n /= 10);

    if (number < 0) {
        *--p = '-';
    }

    ngx_intake_redis_arg(args, p, text + sizeof(text) - p);
}
