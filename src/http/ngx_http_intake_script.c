
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake_store.h"

#include <ngx_sha1.h>


/*
 * The words of scripts/store.lua: its keys and arguments, and what it
 * answers.
 */


#define NGX_HTTP_INTAKE_OWN_KEY_TTL  600000    /* ms: longer than any resend
                                                  of our own */


/* counts the arguments first, then writes them */

typedef struct {
    ngx_intake_redis_op_t          *op;        /* NULL: count */
    ngx_uint_t                      nargs;
    size_t                          bytes;
} ngx_http_intake_args_t;


static ngx_uint_t ngx_http_intake_write_keys(ngx_http_intake_args_t *args,
    ngx_http_intake_batch_t *batch);
static void ngx_http_intake_write_key(ngx_http_intake_args_t *args,
    ngx_http_intake_stream_t *stream, u_char kind, u_char *hash);
static void ngx_http_intake_write_args(ngx_http_intake_args_t *args,
    ngx_http_intake_batch_t *batch);
static void ngx_http_intake_write_delivery(ngx_http_intake_args_t *args,
    ngx_http_intake_ctx_t *ctx);
static void ngx_http_intake_arg(ngx_http_intake_args_t *args, u_char *data,
    size_t len);
static void ngx_http_intake_number_arg(ngx_http_intake_args_t *args,
    uint64_t number);
static ngx_http_intake_code_e ngx_http_intake_copy_text(
    ngx_http_intake_ctx_t *ctx, ngx_str_t *from, ngx_str_t *to);


void
ngx_http_intake_script_digest(ngx_intake_redis_script_t *script)
{
    u_char      digest[20];
    ngx_sha1_t  sha1;

    ngx_sha1_init(&sha1);
    ngx_sha1_update(&sha1, script->text.data, script->text.len);
    ngx_sha1_final(digest, &sha1);

    ngx_hex_dump(script->sha1, digest, sizeof(digest));
}


ngx_http_intake_stream_t *
ngx_http_intake_stream_of(ngx_http_intake_ctx_t *ctx)
{
    return (ctx->submission && ctx->submission->certain) ? &ctx->source->spam
                                                         : &ctx->source->stream;
}


ngx_intake_redis_op_t *
ngx_http_intake_write_batch(ngx_http_intake_batch_t *batch,
    ngx_intake_redis_script_t *script, ngx_log_t *log)
{
    ngx_uint_t              nkeys;
    ngx_http_intake_args_t  args;

    ngx_memzero(&args, sizeof(ngx_http_intake_args_t));

    nkeys = ngx_http_intake_write_keys(&args, batch);
    ngx_http_intake_write_args(&args, batch);

    args.op = ngx_intake_redis_op_script(script, nkeys, args.nargs,
                                         args.bytes, log);
    if (args.op == NULL) {
        return NULL;
    }

    (void) ngx_http_intake_write_keys(&args, batch);
    ngx_http_intake_write_args(&args, batch);

    return args.op;
}


/* the stream, then each delivery's dedupe keys; returns their number */

static ngx_uint_t
ngx_http_intake_write_keys(ngx_http_intake_args_t *args,
    ngx_http_intake_batch_t *batch)
{
    ngx_uint_t                 i, n;
    ngx_http_intake_ctx_t     *ctx;
    ngx_http_intake_source_t  *source;
    ngx_http_intake_stream_t  *stream;

    source = batch->source;
    stream = batch->stream;
    n = 1;

    ngx_http_intake_arg(args, stream->key.data, stream->key.len);

    for (i = 0; i < batch->nelts; i++) {
        ctx = batch->waiting[i];

        ngx_http_intake_write_key(args, stream, ctx->key_kind, ctx->key_hash);
        n++;

        if (ctx->body_key) {
            ngx_http_intake_write_key(args, stream, NGX_HTTP_INTAKE_KEY_BODY,
                                      ctx->body_hash);
            n++;
        }

        if (source->dedupe.mark && ctx->key_kind != NGX_HTTP_INTAKE_KEY_OWN) {
            ngx_http_intake_write_key(args, stream, NGX_HTTP_INTAKE_KEY_OWN,
                                      ctx->own_hash);
            n++;
        }
    }

    return n;
}


/* {KEY}:dedupe:KIND:H */

static void
ngx_http_intake_write_key(ngx_http_intake_args_t *args,
    ngx_http_intake_stream_t *stream, u_char kind, u_char *hash)
{
    u_char  *p, key[NGX_HTTP_INTAKE_MAX_KEY + sizeof(":dedupe:K:")
                    + NGX_HTTP_INTAKE_HASH_LEN];

    p = ngx_cpymem(key, stream->dedupe_prefix.data,
                   stream->dedupe_prefix.len);
    *p++ = kind;
    *p++ = ':';
    p = ngx_cpymem(p, hash, NGX_HTTP_INTAKE_HASH_LEN);

    ngx_http_intake_arg(args, key, p - key);
}


static void
ngx_http_intake_write_args(ngx_http_intake_args_t *args,
    ngx_http_intake_batch_t *batch)
{
    ngx_uint_t                 i;
    ngx_http_intake_source_t  *source;

    source = batch->source;

    ngx_http_intake_number_arg(args, batch->stream->maxlen);
    ngx_http_intake_number_arg(args, batch->stream->age);
    ngx_http_intake_number_arg(args, source->dedupe.window);
    ngx_http_intake_number_arg(args, source->dedupe.window);
    ngx_http_intake_number_arg(args, NGX_HTTP_INTAKE_OWN_KEY_TTL);

    /* no delivery has a key of the kind n */

    ngx_http_intake_arg(args, (u_char *) "1", 1);

    if (source->dedupe.mark) {
        ngx_http_intake_arg(args, (u_char *) "mark", 4);

    } else {
        ngx_http_intake_arg(args, (u_char *) "drop", 4);
    }

    /* no WAIT follows */

    ngx_http_intake_arg(args, (u_char *) "0", 1);

    ngx_http_intake_arg(args, source->event_source.data,
                        source->event_source.len);

    for (i = 0; i < batch->nelts; i++) {
        ngx_http_intake_write_delivery(args, batch->waiting[i]);
    }
}


static void
ngx_http_intake_write_delivery(ngx_http_intake_args_t *args,
    ngx_http_intake_ctx_t *ctx)
{
    u_char      kind;
    ngx_uint_t  i;

    if (ctx->key_kind == NGX_HTTP_INTAKE_KEY_OWN) {
        kind = 'o';

    } else {
        kind = ctx->body_key ? 'u' : 'k';
    }

    ngx_http_intake_arg(args, &kind, 1);

    for (i = 0; i < NGX_HTTP_INTAKE_FIELDS; i++) {
        ngx_http_intake_arg(args, ctx->fields[i].data, ctx->fields[i].len);
    }
}


static void
ngx_http_intake_arg(ngx_http_intake_args_t *args, u_char *data, size_t len)
{
    if (args->op) {
        ngx_intake_redis_op_arg(args->op, data, len);
        return;
    }

    args->nargs++;
    args->bytes += len;
}


static void
ngx_http_intake_number_arg(ngx_http_intake_args_t *args, uint64_t number)
{
    u_char  *p, text[NGX_INT64_LEN];

    p = text + NGX_INT64_LEN;

    do {
        *--p = (u_char) (number % 10 + '0');
    } while (number /= 10);

    ngx_http_intake_arg(args, p, text + NGX_INT64_LEN - p);
}


ngx_http_intake_code_e
ngx_http_intake_read_result(ngx_http_intake_ctx_t *ctx,
    ngx_intake_redis_reply_t *reply)
{
    ngx_str_t                  id;
    ngx_http_intake_stream_t  *stream;
    ngx_intake_redis_reply_t   status, second, third;

    stream = ngx_http_intake_stream_of(ctx);

    /* the common case is the entry alone */

    if (reply->type == NGX_INTAKE_REDIS_STRING) {
        ngx_http_intake_accepted(stream, NGX_HTTP_INTAKE_REFUSAL_ENTRY);
        ngx_http_intake_accepted(stream, NGX_HTTP_INTAKE_REFUSAL_KEY);

        return ngx_http_intake_copy_text(ctx, &reply->str, &ctx->entry);
    }

    if (reply->type != NGX_INTAKE_REDIS_ARRAY || reply->nelts < 2) {
        return NGX_HTTP_INTAKE_STORE_REFUSED;
    }

    status = ngx_intake_redis_element(reply, 0);
    second = ngx_intake_redis_element(reply, 1);
    ngx_memzero(&third, sizeof(ngx_intake_redis_reply_t));

    if (reply->nelts > 2) {
        third = ngx_intake_redis_element(reply, 2);
    }

    switch (status.integer) {

    case NGX_HTTP_INTAKE_SCRIPT_STORED:

        /* stored, but nothing will know a second copy */

        ngx_http_intake_refused(stream, NGX_HTTP_INTAKE_REFUSAL_KEY,
                                &third.str, 1);
        break;

    case NGX_HTTP_INTAKE_SCRIPT_DUPLICATE:
        ctx->duplicate = 1;

        /* it hears the id under which the first copy was stored */

        if (ngx_http_intake_copy_text(ctx, &third.str, &id)
            != NGX_HTTP_INTAKE_OK)
        {
            return NGX_HTTP_INTAKE_INTERNAL_ERROR;
        }

        if (ctx->source->form && ctx->conversation.data == ctx->id.data) {
            ctx->conversation = id;
        }

        ctx->id = id;
        break;

    case NGX_HTTP_INTAKE_SCRIPT_MARKED:
        ctx->duplicate = 1;
        break;

    case NGX_HTTP_INTAKE_SCRIPT_ID_REUSED:
        ctx->id_reused = 1;
        break;

    default:
        return NGX_HTTP_INTAKE_STORE_REFUSED;
    }

    return ngx_http_intake_copy_text(ctx, &second.str, &ctx->entry);
}


static ngx_http_intake_code_e
ngx_http_intake_copy_text(ngx_http_intake_ctx_t *ctx, ngx_str_t *from,
    ngx_str_t *to)
{
    to->len = from->len;
    to->data = ngx_pstrdup(ctx->request->pool, from);

    return to->data ? NGX_HTTP_INTAKE_OK : NGX_HTTP_INTAKE_INTERNAL_ERROR;
}
