
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake_store.h"


/*
 * The words of scripts/store.lua: its keys and arguments, and what it
 * answers.
 */


#define NGX_HTTP_INTAKE_OWN_KEY_TTL  600000    /* ms: longer than any resend
                                                  of our own */


static ngx_uint_t ngx_http_intake_delivery_keys(
    ngx_intake_redis_args_t *args, ngx_http_intake_batch_t *batch,
    ngx_http_intake_ctx_t *ctx);
static void ngx_http_intake_write_key(ngx_intake_redis_args_t *args,
    ngx_http_intake_stream_t *stream, u_char kind, u_char *hash);
static void ngx_http_intake_write_args(ngx_intake_redis_args_t *args,
    ngx_http_intake_batch_t *batch);
static void ngx_http_intake_write_delivery(ngx_intake_redis_args_t *args,
    ngx_http_intake_batch_t *batch, ngx_http_intake_ctx_t *ctx);
static ngx_http_intake_code_e ngx_http_intake_copy_text(
    ngx_http_intake_ctx_t *ctx, ngx_str_t *from, ngx_str_t *to);


ngx_http_intake_stream_t *
ngx_http_intake_stream_of(ngx_http_intake_ctx_t *ctx)
{
    return (ctx->submission && ctx->submission->certain) ? &ctx->source->spam
                                                         : &ctx->source->stream;
}


/* the stream, then the keys of clocks, then those of each delivery */

void
ngx_http_intake_write_batch(ngx_intake_redis_args_t *args, void *data,
    ngx_uint_t *nkeys)
{
    ngx_http_intake_batch_t *batch = data;

    ngx_uint_t                 i;
    ngx_http_intake_ctx_t     *ctx;
    ngx_http_intake_source_t  *source;

    source = batch->source;
    ctx = batch->waiting[0];

    if (batch->clocks) {
        *nkeys = ngx_http_intake_clock_keys(args, source->sla,
                                            &batch->stream->key,
                                            ctx->received / 1000);
    } else {
        *nkeys = 1;
        ngx_intake_redis_text_arg(args, &batch->stream->key);
    }

    for (i = 0; i < batch->nelts; i++) {
        *nkeys += ngx_http_intake_delivery_keys(args, batch,
                                                batch->waiting[i]);
    }

    ngx_http_intake_write_args(args, batch);
}


static ngx_uint_t
ngx_http_intake_delivery_keys(ngx_intake_redis_args_t *args,
    ngx_http_intake_batch_t *batch, ngx_http_intake_ctx_t *ctx)
{
    ngx_uint_t                 i, n;
    ngx_http_intake_source_t  *source;
    ngx_http_intake_change_t  *change;
    ngx_http_intake_stream_t  *stream;

    source = batch->source;
    stream = batch->stream;
    n = 1;

    ngx_http_intake_write_key(args, stream, ctx->key_kind, ctx->key_hash);

    if (ctx->body_key) {
        ngx_http_intake_write_key(args, stream, NGX_HTTP_INTAKE_KEY_BODY,
                                  ctx->body_hash);
        n++;
    }

    if (ctx->nonce_key) {
        ngx_http_intake_write_key(args, stream, NGX_HTTP_INTAKE_KEY_NONCE,
                                  ctx->nonce_hash);
        n++;
    }

    if (source->dedupe.mark && ctx->key_kind != NGX_HTTP_INTAKE_KEY_OWN) {
        ngx_http_intake_write_key(args, stream, NGX_HTTP_INTAKE_KEY_OWN,
                                  ctx->own_hash);
        n++;
    }

    if (!batch->clocks || ctx->changes == NULL) {
        return n;
    }

    change = ctx->changes->elts;

    for (i = 0; i < ctx->changes->nelts; i++) {
        n += ngx_http_intake_change_keys(args, source->sla, &change[i]);
    }

    return n;
}


/* {KEY}:dedupe:KIND:H */

static void
ngx_http_intake_write_key(ngx_intake_redis_args_t *args,
    ngx_http_intake_stream_t *stream, u_char kind, u_char *hash)
{
    u_char  *p, key[NGX_HTTP_INTAKE_MAX_KEY + sizeof(":dedupe:K:")
                    + NGX_HTTP_INTAKE_HASH_LEN];

    p = ngx_cpymem(key, stream->dedupe_prefix.data,
                   stream->dedupe_prefix.len);
    *p++ = kind;
    *p++ = ':';
    p = ngx_cpymem(p, hash, NGX_HTTP_INTAKE_HASH_LEN);

    ngx_intake_redis_arg(args, key, p - key);
}


static void
ngx_http_intake_write_args(ngx_intake_redis_args_t *args,
    ngx_http_intake_batch_t *batch)
{
    ngx_uint_t                 i;
    ngx_http_intake_source_t  *source;

    source = batch->source;

    ngx_intake_redis_number_arg(args, batch->stream->maxlen);
    ngx_intake_redis_number_arg(args, batch->stream->age);
    ngx_intake_redis_number_arg(args, source->dedupe.window);
    ngx_intake_redis_number_arg(args, source->dedupe.window);
    ngx_intake_redis_number_arg(args, NGX_HTTP_INTAKE_OWN_KEY_TTL);

    ngx_intake_redis_number_arg(args, source->form
                                      ? ngx_max(source->form->token.max, 1)
                                      : 1);

    if (source->dedupe.mark) {
        ngx_intake_redis_arg(args, (u_char *) "mark", 4);

    } else {
        ngx_intake_redis_arg(args, (u_char *) "drop", 4);
    }

    /* whether WAITAOF or WAIT follows */

    ngx_intake_redis_number_arg(args, source->durability.fsync
                                      || source->durability.replicas);

    ngx_intake_redis_arg(args, source->event_source.data,
                        source->event_source.len);

    if (batch->clocks) {
        ngx_http_intake_clock_args(args, source->sla);
    }

    for (i = 0; i < batch->nelts; i++) {
        ngx_http_intake_write_delivery(args, batch, batch->waiting[i]);
    }
}


static void
ngx_http_intake_write_delivery(ngx_intake_redis_args_t *args,
    ngx_http_intake_batch_t *batch, ngx_http_intake_ctx_t *ctx)
{
    u_char                     kind;
    ngx_uint_t                 i, n;
    ngx_http_intake_change_t  *change;

    if (ctx->key_kind == NGX_HTTP_INTAKE_KEY_OWN) {
        kind = 'o';

    } else if (ctx->nonce_key) {
        kind = 'n';

    } else {
        kind = ctx->body_key ? 'u' : 'k';
    }

    ngx_intake_redis_arg(args, &kind, 1);

    for (i = 0; i < NGX_HTTP_INTAKE_FIELDS; i++) {
        ngx_intake_redis_arg(args, ctx->fields[i].data, ctx->fields[i].len);
    }

    if (!batch->clocks) {
        return;
    }

    n = ctx->changes ? ctx->changes->nelts : 0;
    ngx_intake_redis_number_arg(args, n);

    for (i = 0; i < n; i++) {
        change = ctx->changes->elts;
        ngx_http_intake_change_args(args, batch->source->sla, &change[i]);
    }
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
