
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake_store.h"
#include "ngx_http_intake_board.h"
#include "ngx_http_intake_replies.h"
#include "ngx_http_intake_event.h"
#include "ngx_intake_scripts.h"


/*
 * The store: the deliveries of one stream that are ready in one turn of the
 * event loop go to Redis in one call of the script.  A batch outlives the
 * requests that wait in it: a request that ends early takes itself out, and
 * what has been sent for it is stored all the same.
 */


/* of this worker */

typedef struct {
ngx_intake_redis_t             *redis;
    ngx_intake_redis_t             *durable;   /* NULL: no source needs it */
    ngx_intake_redis_script_t       script;
    ngx_intake_redis_script_t       clocks;     /* the same and the clocks */
    ngx_event_t                     flush;
    ngx_queue_t                     unsent;
    ngx_http_intake_batch_t        *open[NGX_HTTP_INTAKE_MAX_STREAMS];
} ngx_http_intake_store_t;


static ngx_int_t ngx_http_intake_own_hash(ngx_http_intake_ctx_t *ctx);
static ngx_http_intake_batch_t *ngx_http_intake_open_batch(
    ngx_http_intake_ctx_t *ctx);
static void ngx_http_intake_leave_batch(void *data);
static void ngx_http_intake_flush(ngx_event_t *ev);
static ngx_intake_redis_t *ngx_http_intake_client(
    ngx_http_intake_source_t *source);
static ngx_uint_t ngx_http_intake_close_batch(ngx_http_intake_batch_t *batch);
static void ngx_http_intake_stored(void *data,
    ngx_intake_redis_result_e result, ngx_intake_redis_reply_t *reply);
static void ngx_http_intake_store_refused(ngx_http_intake_batch_t *batch,
    ngx_str_t *error, ngx_uint_t n);
static void ngx_http_intake_read_trim(ngx_http_intake_batch_t *batch,
    ngx_intake_redis_reply_t *reply);
static ngx_http_intake_code_e ngx_http_intake_result_code(
    ngx_intake_redis_result_e result, ngx_intake_redis_reply_t *reply);
static void ngx_http_intake_count_event(ngx_http_intake_ctx_t *ctx);
static void ngx_http_intake_finish(ngx_http_intake_ctx_t *ctx,
    ngx_http_intake_code_e code);


static ngx_http_intake_store_t  ngx_http_intake_the_store;


ngx_int_t
ngx_http_intake_store_init(ngx_cycle_t *cycle,
    ngx_http_intake_main_conf_t *imcf)
{
    ngx_http_intake_store_t  *store;

    store = &ngx_http_intake_the_store;

    ngx_memzero(store, sizeof(ngx_http_intake_store_t));
    ngx_queue_init(&store->unsent);

    ngx_str_set(&store->script.text, NGX_INTAKE_STORE_LUA);
    ngx_intake_redis_script_digest(&store->script);

    ngx_str_set(&store->clocks.text, NGX_INTAKE_STORE_CLOCKS_LUA);
    ngx_intake_redis_script_digest(&store->clocks);

    store->flush.handler = ngx_http_intake_flush;
    store->flush.data = store;
    store->flush.log = cycle->log;

    store->redis = ngx_intake_redis_create(cycle, &imcf->redis,
                                           0, ngx_http_intake_publish_redis,
                                           imcf);
    if (store->redis == NULL) {
        return NGX_ERROR;
    }

    if (imcf->redis.asked.fsync || imcf->redis.asked.replicas) {

        store->durable = ngx_intake_redis_create(cycle, &imcf->redis, 1,
                                             ngx_http_intake_publish_durable,
                                             imcf);
        if (store->durable == NULL) {
            return NGX_ERROR;
        }
    }

    ngx_http_intake_retain_init(cycle, imcf, store->redis);
    ngx_http_intake_reply_calls_init();

    if (ngx_http_intake_board_init(cycle, imcf) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_intake_sweep_init(cycle, imcf, store->redis);
}


void
ngx_http_intake_store_exit(ngx_cycle_t *cycle)
{
    ngx_queue_t              *q;
    ngx_http_intake_batch_t  *batch;
    ngx_http_intake_store_t  *store;

    store = &ngx_http_intake_the_store;

    if (store->redis == NULL) {
        return;
    }

    ngx_http_intake_retain_exit();
    ngx_http_intake_sweep_exit();
    ngx_http_intake_board_exit();

    if (store->flush.posted) {
        ngx_delete_posted_event(&store->flush);
    }

    while (!ngx_queue_empty(&store->unsent)) {
        q = ngx_queue_head(&store->unsent);
        ngx_queue_remove(q);

        batch = ngx_queue_data(q, ngx_http_intake_batch_t, queue);
        (void) ngx_http_intake_close_batch(batch);
        ngx_free(batch);
    }

    ngx_intake_redis_destroy(store->redis);
    store->redis = NULL;

    if (store->durable) {
        ngx_intake_redis_destroy(store->durable);
        store->durable = NULL;
    }
}


ngx_intake_redis_t *
ngx_http_intake_redis(void)
{
    return ngx_http_intake_the_store.redis;
}


ngx_int_t
ngx_http_intake_store(ngx_http_intake_ctx_t *ctx)
{
    ngx_http_cleanup_t       *cln;
    ngx_http_intake_batch_t  *batch;
    ngx_http_intake_store_t  *store;

    if (ngx_http_intake_own_hash(ctx) != NGX_OK
        || ngx_http_intake_entry(ctx) != NGX_OK
        || ngx_http_intake_feed(ctx) != NGX_OK)
    {
        return NGX_ERROR;
    }

    /* before it is queued: whatever ends the request runs its cleanups */

    cln = ngx_http_cleanup_add(ctx->request, 0);
    if (cln == NULL) {
        return NGX_ERROR;
    }

    cln->handler = ngx_http_intake_leave_batch;
    cln->data = ctx;

    batch = ngx_http_intake_open_batch(ctx);
    if (batch == NULL) {
        return NGX_ERROR;
    }

    ctx->batch = batch;
    ctx->slot = batch->nelts;

    batch->waiting[batch->nelts++] = ctx;

    batch->bytes += ctx->body.len;
    batch->nchanges += ctx->changes ? ctx->changes->nelts : 0;

    store = &ngx_http_intake_the_store;

    if (batch->nelts == NGX_HTTP_INTAKE_BATCH
        || batch->bytes >= NGX_HTTP_INTAKE_BATCH_BYTES
        || batch->nchanges >= NGX_HTTP_INTAKE_BATCH_CHANGES)
    {
        store->open[batch->stream->index] = NULL;
    }

    if (!store->flush.posted) {
        ngx_post_event(&store->flush, &ngx_posted_events);
    }

    return NGX_OK;
}


/*
 * A marked copy leaves the key of the first as it is; its own resend is known
 * by a key that only this copy has.
 */

static ngx_int_t
ngx_http_intake_own_hash(ngx_http_intake_ctx_t *ctx)
{
    ngx_str_t  parts[2], text;

    if (!ctx->source->dedupe.mark
        || ctx->key_kind == NGX_HTTP_INTAKE_KEY_OWN)
    {
        return NGX_OK;
    }

    parts[0] = ctx->recordedtime;
    parts[1] = ctx->key;

    if (ngx_http_intake_flatten(ctx->request->pool, parts, 2, &text)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_intake_hash(&text, ctx->own_hash);
}


static ngx_http_intake_batch_t *
ngx_http_intake_open_batch(ngx_http_intake_ctx_t *ctx)
{
    ngx_uint_t                 n;
    ngx_http_intake_batch_t   *batch;
    ngx_http_intake_store_t   *store;
    ngx_http_intake_stream_t  *stream;

    store = &ngx_http_intake_the_store;
    stream = ngx_http_intake_stream_of(ctx);
    batch = store->open[stream->index];
    n = ctx->changes ? ctx->changes->nelts : 0;

    if (batch && batch->nchanges + n <= NGX_HTTP_INTAKE_BATCH_CHANGES) {
        return batch;
    }

    batch = ngx_alloc(sizeof(ngx_http_intake_batch_t),
                      ctx->request->connection->log);
    if (batch == NULL) {
        return NULL;
    }

    batch->source = ctx->source;
    batch->stream = stream;
    batch->nelts = 0;
    batch->nchanges = 0;
    batch->bytes = 0;
    batch->clocks = (ctx->source->sla && stream == &ctx->source->stream);

    ngx_queue_insert_tail(&store->unsent, &batch->queue);
    store->open[stream->index] = batch;

    return batch;
}


static void
ngx_http_intake_leave_batch(void *data)
{
    ngx_http_intake_ctx_t *ctx = data;

    ngx_http_intake_batch_t  *batch;

    batch = ctx->batch;

    if (batch) {
        batch->waiting[ctx->slot] = NULL;
        ctx->batch = NULL;
    }
}


/* at the end of the turn: what is ready in it shares one call a stream */

static void
ngx_http_intake_flush(ngx_event_t *ev)
{
    ngx_int_t                 rc;
    ngx_queue_t              *q;
    ngx_intake_redis_op_t    *op;
    ngx_http_intake_batch_t  *batch;
    ngx_http_intake_store_t  *store;

    store = ev->data;

    while (!ngx_queue_empty(&store->unsent)) {
        q = ngx_queue_head(&store->unsent);
        ngx_queue_remove(q);

        batch = ngx_queue_data(q, ngx_http_intake_batch_t, queue);

        if (ngx_http_intake_close_batch(batch) == 0) {
            ngx_free(batch);
            continue;
        }

        op = ngx_intake_redis_script_op(batch->clocks ? &store->clocks
                                                      : &store->script,
                                        ngx_http_intake_write_batch, batch,
                                        ev->log);
        if (op == NULL) {
            ngx_http_intake_stored(batch, NGX_INTAKE_REDIS_REFUSED, NULL);
            continue;
        }

        ngx_intake_redis_op_durability(op, &batch->source->durability);

        rc = ngx_intake_redis_send(ngx_http_intake_client(batch->source), op,
                                   batch->source->deadline, 1,
                                   ngx_http_intake_stored, batch);

        if (rc != NGX_OK) {
            ngx_intake_redis_op_free(op);
            ngx_http_intake_stored(batch,
                                   rc == NGX_ABORT ? NGX_INTAKE_REDIS_WEAK
                                                   : NGX_INTAKE_REDIS_REFUSED,
                                   NULL);
        }
    }
}


/* WAIT stops what is behind it, so who needs it has a connection apart */

static ngx_intake_redis_t *
ngx_http_intake_client(ngx_http_intake_source_t *source)
{
    ngx_http_intake_store_t  *store;

    store = &ngx_http_intake_the_store;

    return (source->durability.fsync || source->durability.replicas)
           ? store->durable : store->redis;
}


/* takes out who has left; returns how many still wait */

static ngx_uint_t
ngx_http_intake_close_batch(ngx_http_intake_batch_t *batch)
{
    ngx_uint_t                i, n;
    ngx_http_intake_ctx_t    *ctx;
    ngx_http_intake_store_t  *store;

    store = &ngx_http_intake_the_store;

    if (store->open[batch->stream->index] == batch) {
        store->open[batch->stream->index] = NULL;
    }

    n = 0;

    for (i = 0; i < batch->nelts; i++) {
        ctx = batch->waiting[i];

        if (ctx) {
            ctx->slot = n;
            batch->waiting[n++] = ctx;
        }
    }

    batch->nelts = n;

    return n;
}


static void
ngx_http_intake_stored(void *data, ngx_intake_redis_result_e result,
    ngx_intake_redis_reply_t *reply)
{
    ngx_http_intake_batch_t *batch = data;

    ngx_uint_t                 i;
    struct timespec            now;
    ngx_http_intake_ctx_t     *ctx;
    ngx_http_intake_code_e     code, refused;
    ngx_intake_redis_reply_t   element;

    code = ngx_http_intake_result_code(result, reply);
    (void) clock_gettime(CLOCK_MONOTONIC, &now);

    if (code == NGX_HTTP_INTAKE_OK
        && (reply->type != NGX_INTAKE_REDIS_ARRAY
            || reply->nelts < batch->nelts))
    {
        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                      "Redis answered the store script with something else");
        code = NGX_HTTP_INTAKE_STORE_REFUSED;
    }

    if (code == NGX_HTTP_INTAKE_OK) {
        ngx_http_intake_read_trim(batch, reply);

    } else if (result != NGX_INTAKE_REDIS_OK && reply) {
        ngx_http_intake_store_refused(batch, &reply->str, batch->nelts);
    }

    for (i = 0; i < batch->nelts; i++) {

        /* the end of one request may end others */

        ctx = batch->waiting[i];

        if (ctx == NULL) {
            continue;
        }

        ctx->batch = NULL;

        if (code != NGX_HTTP_INTAKE_OK) {

            if (result == NGX_INTAKE_REDIS_UNKNOWN) {
                ngx_http_intake_count_anomaly(ctx,
                                     NGX_HTTP_INTAKE_ANOMALY_UNKNOWN_OUTCOME);
            }

            ngx_http_intake_finish(ctx, code);
            continue;
        }

        ngx_http_intake_count_store(ctx, (uint64_t) now.tv_sec * 1000000
                                         + now.tv_nsec / 1000 - ctx->started);

        element = ngx_intake_redis_element(reply, i);
        refused = ngx_http_intake_read_result(ctx, &element);

        if (refused == NGX_HTTP_INTAKE_STORE_REFUSED && element.nelts) {

            /* an error inside the script is no error of the call */

            element = ngx_intake_redis_element(&element, element.nelts - 1);
            ngx_http_intake_store_refused(batch, &element.str, 1);
        }

        ngx_http_intake_finish(ctx, refused);
    }

    ngx_free(batch);
}


static void
ngx_http_intake_store_refused(ngx_http_intake_batch_t *batch,
    ngx_str_t *error, ngx_uint_t n)
{
    if (ngx_intake_redis_told(ngx_http_intake_client(batch->source), error)
        != NGX_OK)
    {
        ngx_http_intake_refused(batch->stream, NGX_HTTP_INTAKE_REFUSAL_ENTRY,
                                error, n);
    }
}


/* whether the stream was trimmed, which it is when an entry was added */

static void
ngx_http_intake_read_trim(ngx_http_intake_batch_t *batch,
    ngx_intake_redis_reply_t *reply)
{
    ngx_uint_t                i;
    ngx_intake_redis_reply_t  element;

    if (batch->stream->age == 0) {
        return;
    }

    if (reply->nelts > batch->nelts) {
        element = ngx_intake_redis_element(reply, batch->nelts);
        ngx_http_intake_refused(batch->stream, NGX_HTTP_INTAKE_REFUSAL_TRIM,
                                &element.str, 1);
        return;
    }

    for (i = 0; i < reply->nelts; i++) {
        element = ngx_intake_redis_element(reply, i);

        if (element.type == NGX_INTAKE_REDIS_STRING) {
            ngx_http_intake_accepted(batch->stream,
                                     NGX_HTTP_INTAKE_REFUSAL_TRIM);
            return;
        }
    }
}


static ngx_http_intake_code_e
ngx_http_intake_result_code(ngx_intake_redis_result_e result,
    ngx_intake_redis_reply_t *reply)
{
    switch (result) {

    case NGX_INTAKE_REDIS_OK:
        return NGX_HTTP_INTAKE_OK;

    case NGX_INTAKE_REDIS_UNKNOWN:
        return NGX_HTTP_INTAKE_STORE_TIMEOUT;

    case NGX_INTAKE_REDIS_WEAK:
        return NGX_HTTP_INTAKE_DURABILITY_UNAVAILABLE;

    default:
        return reply ? NGX_HTTP_INTAKE_STORE_REFUSED
                     : NGX_HTTP_INTAKE_STORE_UNAVAILABLE;
    }
}


/* what the counters tell of an event that is new in the stream */

static void
ngx_http_intake_count_event(ngx_http_intake_ctx_t *ctx)
{
    ngx_uint_t                  i;
    ngx_http_intake_message_t  *message;

    if (ctx->duplicate) {
        return;
    }

    if (ctx->unparsed) {
        ngx_http_intake_count_anomaly(ctx, NGX_HTTP_INTAKE_ANOMALY_UNPARSED);
    }

    if (ctx->id_reused) {
        ngx_http_intake_count_anomaly(ctx,
                                      NGX_HTTP_INTAKE_ANOMALY_ID_REUSED);
    }

    if (ctx->submission) {
        ngx_http_intake_count_spam(ctx);
    }

    if (ctx->messages) {
        message = ctx->messages->elts;

        for (i = 0; i < ctx->messages->nelts; i++) {
            ngx_http_intake_count_message(ctx, message[i].direction, 1);
        }
    }
}


static void
ngx_http_intake_finish(ngx_http_intake_ctx_t *ctx,
    ngx_http_intake_code_e code)
{
    ngx_int_t            rc;
    ngx_connection_t    *c;
    ngx_http_request_t  *r;

    r = ctx->request;
    c = r->connection;

    ngx_http_set_log_request(c->log, r);

    ngx_http_intake_settle_attachments(ctx, code);

    if (code == NGX_HTTP_INTAKE_OK) {
        ngx_http_intake_count_event(ctx);
        rc = ngx_http_intake_accept(ctx);

    } else {
        rc = ngx_http_intake_refuse(ctx, code);
    }

    ngx_http_finalize_request(r, rc);
    ngx_http_run_posted_requests(c);
}
