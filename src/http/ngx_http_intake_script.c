
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake_store.h"


/*
 * The words of scripts/store.lua and store_clocks.lua: their keys and
 * arguments, and what they answer.
 */


/* what the spool keeps is what the script is told */

typedef char  ngx_http_intake_fields_are_all[
    (NGX_HTTP_INTAKE_FIELDS == NGX_INTAKE_DELIVERY_FIELDS
     && NGX_HTTP_INTAKE_HASH_LEN == NGX_INTAKE_DELIVERY_HASH) ? 1 : -1];


static ngx_uint_t ngx_http_intake_delivery_keys(
    ngx_intake_redis_args_t *args, ngx_http_intake_batch_t *batch,
    ngx_http_intake_delivery_t *delivery);
static void ngx_http_intake_write_args(ngx_intake_redis_args_t *args,
    ngx_http_intake_batch_t *batch);
static void ngx_http_intake_write_delivery(ngx_intake_redis_args_t *args,
    ngx_http_intake_batch_t *batch, ngx_http_intake_delivery_t *delivery);


/* the stream, then the keys of clocks, then those of each delivery */

void
ngx_http_intake_write_batch(ngx_intake_redis_args_t *args, void *data,
    ngx_uint_t *nkeys)
{
    ngx_http_intake_batch_t *batch = data;

    ngx_uint_t                 i;
    ngx_http_intake_source_t  *source;

    source = batch->source;

    if (batch->clocks) {
        *nkeys = ngx_http_intake_clock_keys(args, source->sla,
                                            &batch->stream->key, batch->now);
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
    ngx_http_intake_batch_t *batch, ngx_http_intake_delivery_t *delivery)
{
    u_char                     *p, text[NGX_HTTP_INTAKE_DEDUPE_LEN];
    ngx_uint_t                  i, n;
    ngx_intake_delivery_t      *content;
    ngx_intake_delivery_key_t  *key;

    content = delivery->content;
    key = content->keys;
    n = ngx_intake_delivery_nkeys(content->kind);

    if (batch->source->dedupe.mark && content->kind != 'o') {
        n++;
    }

    for (i = 0; i < n; i++) {
        p = ngx_http_intake_dedupe_key(text, batch->stream, key[i].kind,
                                       key[i].hash);
        ngx_intake_redis_arg(args, text, p - text);
    }

    if (!batch->clocks) {
        return n;
    }

    for (i = 0; i < delivery->nchanges; i++) {
        n += ngx_http_intake_change_keys(args, batch->source->sla,
                                         &delivery->changes[i]);
    }

    return n;
}


u_char *
ngx_http_intake_dedupe_key(u_char *p, ngx_http_intake_stream_t *stream,
    u_char kind, u_char *hash)
{
    p = ngx_cpymem(p, stream->dedupe_prefix.data, stream->dedupe_prefix.len);
    *p++ = kind;
    *p++ = ':';

    return ngx_cpymem(p, hash, NGX_HTTP_INTAKE_HASH_LEN);
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
    ngx_intake_redis_number_arg(args, source->key_ttl);
    ngx_intake_redis_number_arg(args, source->own_key_ttl);

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

    ngx_intake_redis_number_arg(args, batch->replayed);

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
    ngx_http_intake_batch_t *batch, ngx_http_intake_delivery_t *delivery)
{
    ngx_uint_t              i;
    ngx_intake_delivery_t  *content;

    content = delivery->content;

    ngx_intake_redis_arg(args, &content->kind, 1);

    for (i = 0; i < NGX_HTTP_INTAKE_FIELDS; i++) {
        ngx_intake_redis_text_arg(args, &content->fields[i]);
    }

    if (!batch->clocks) {
        return;
    }

    ngx_intake_redis_number_arg(args, delivery->nchanges);

    for (i = 0; i < delivery->nchanges; i++) {
        ngx_http_intake_change_args(args, batch->source->sla,
                                    &delivery->changes[i]);
    }
}


ngx_http_intake_code_e
ngx_http_intake_read_result(ngx_http_intake_stream_t *stream,
    ngx_intake_redis_reply_t *reply, ngx_http_intake_result_t *result)
{
    ngx_intake_redis_reply_t  status, second, third;

    ngx_memzero(result, sizeof(ngx_http_intake_result_t));

    /* the common case is the entry alone */

    if (reply->type == NGX_INTAKE_REDIS_STRING) {
        ngx_http_intake_accepted(stream, NGX_HTTP_INTAKE_REFUSAL_ENTRY);
        ngx_http_intake_accepted(stream, NGX_HTTP_INTAKE_REFUSAL_KEY);
        ngx_http_intake_accepted(stream, NGX_HTTP_INTAKE_REFUSAL_MESSAGE);

        result->status = NGX_HTTP_INTAKE_SCRIPT_STORED;
        result->entry = reply->str;

        return NGX_HTTP_INTAKE_OK;
    }

    result->status = NGX_HTTP_INTAKE_SCRIPT_ERROR;

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

        if (reply->nelts > 3) {

            /* stored, but the clocks do not know of it */

            third = ngx_intake_redis_element(reply, 3);
            ngx_http_intake_refused(stream, NGX_HTTP_INTAKE_REFUSAL_MESSAGE,
                                    &third.str, 1);
            break;
        }

        /* stored, but nothing will know a second copy */

        ngx_http_intake_refused(stream, NGX_HTTP_INTAKE_REFUSAL_KEY,
                                &third.str, 1);
        break;

    case NGX_HTTP_INTAKE_SCRIPT_DUPLICATE:
        result->id = third.str;
        break;

    case NGX_HTTP_INTAKE_SCRIPT_MARKED:
    case NGX_HTTP_INTAKE_SCRIPT_ID_REUSED:
        break;

    default:
        return NGX_HTTP_INTAKE_STORE_REFUSED;
    }

    result->status = (ngx_http_intake_script_e) status.integer;
    result->entry = second.str;

    return NGX_HTTP_INTAKE_OK;
}
