
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake_store.h"
#include "ngx_http_intake_counters.h"
#include "ngx_http_intake_replies.h"
#include "ngx_intake_scripts.h"


/*
 * The store: the deliveries of one stream that are ready in one turn of the
 * event loop go to Redis in one call of the script.  A batch outlives those who
 * wait in it: who leaves early takes himself out, and what has been sent for
 * him is stored all the same.
 */


/* of this worker */

typedef struct {
    ngx_intake_redis_t             *redis;
    ngx_intake_redis_t             *durable;    /* NULL: no source needs it */
    ngx_intake_spool_t             *spool;      /* NULL: there is none */
    ngx_intake_redis_script_t       script;
    ngx_intake_redis_script_t       clocks;     /* the same and the clocks */
    ngx_http_intake_main_conf_t    *conf;
    ngx_event_t                     flush;
    ngx_queue_t                     unsent;

    /* of requests, and of what is replayed */
    ngx_http_intake_batch_t        *open[2][NGX_HTTP_INTAKE_MAX_STREAMS];

    unsigned                        ready:1;
} ngx_http_intake_store_t;


static void ngx_http_intake_store_spool(ngx_cycle_t *cycle,
    ngx_http_intake_store_t *store);
static ngx_uint_t ngx_http_intake_store_ready(void *data);
static void ngx_http_intake_store_info(void *data,
    ngx_intake_redis_info_t *info);
static ngx_http_intake_batch_t *ngx_http_intake_open_batch(
    ngx_http_intake_delivery_t *delivery);
static void ngx_http_intake_flush(ngx_event_t *ev);
static ngx_uint_t ngx_http_intake_close_batch(ngx_http_intake_batch_t *batch);
static ngx_int_t ngx_http_intake_send_batch(ngx_http_intake_store_t *store,
    ngx_http_intake_batch_t *batch, ngx_log_t *log);


static ngx_http_intake_store_t  ngx_http_intake_the_store;


ngx_int_t
ngx_http_intake_store_init(ngx_cycle_t *cycle,
    ngx_http_intake_main_conf_t *imcf)
{
    ngx_http_intake_store_t  *store;

    store = &ngx_http_intake_the_store;

    ngx_memzero(store, sizeof(ngx_http_intake_store_t));
    ngx_queue_init(&store->unsent);

    store->conf = imcf;

    ngx_str_set(&store->script.text, NGX_INTAKE_STORE_LUA);
    ngx_intake_redis_script_digest(&store->script);

    ngx_str_set(&store->clocks.text, NGX_INTAKE_STORE_CLOCKS_LUA);
    ngx_intake_redis_script_digest(&store->clocks);

    store->flush.handler = ngx_http_intake_flush;
    store->flush.data = store;
    store->flush.log = cycle->log;

    store->redis = ngx_intake_redis_create(cycle, &imcf->redis, 0,
                                           ngx_http_intake_store_info, store);
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

    if (ngx_http_intake_board_init(cycle, imcf) != NGX_OK
        || ngx_http_intake_sweep_init(cycle, imcf, store->redis,
                                      ngx_http_intake_publish_sweep)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (imcf->spool.path) {
        ngx_http_intake_store_spool(cycle, store);
    }

    return NGX_OK;
}


/*
 * Without it, which has been logged, deliveries are refused while Redis is
 * away: a worker that ended instead would be started again for ever.
 */

static void
ngx_http_intake_store_spool(ngx_cycle_t *cycle,
    ngx_http_intake_store_t *store)
{
    ngx_http_intake_zone_t  *zone;

    zone = store->conf->zone->data;

    store->spool = ngx_intake_spool_create(cycle, &store->conf->spool,
                                           &zone->shared->spool,
                                           ngx_http_intake_replay,
                                           ngx_http_intake_store_ready,
                                           store->conf);
}


static ngx_uint_t
ngx_http_intake_store_ready(void *data)
{
    return ngx_intake_redis_reachable(ngx_http_intake_the_store.redis);
}


static void
ngx_http_intake_store_info(void *data, ngx_intake_redis_info_t *info)
{
    ngx_http_intake_store_t *store = data;

    ngx_uint_t  ready;

    ready = (info->state == NGX_INTAKE_REDIS_READY);

    if (ready && !store->ready && store->spool) {
        ngx_intake_spool_wake(store->spool);
    }

    store->ready = ready;

    ngx_http_intake_publish_redis(store->conf, info);
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

    if (store->spool) {
        ngx_intake_spool_destroy(store->spool);
        ngx_http_intake_replay_exit();
        store->spool = NULL;
    }

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


/* WAIT stops what is behind it, so who needs it has a connection apart */

ngx_intake_redis_t *
ngx_http_intake_client(ngx_http_intake_source_t *source)
{
    ngx_http_intake_store_t  *store;

    store = &ngx_http_intake_the_store;

    return (source->durability.fsync || source->durability.replicas)
           ? store->durable : store->redis;
}


ngx_intake_spool_t *
ngx_http_intake_spool(void)
{
    return ngx_http_intake_the_store.spool;
}


ngx_int_t
ngx_http_intake_store(ngx_http_intake_delivery_t *delivery)
{
    ngx_http_intake_batch_t  *batch;
    ngx_http_intake_store_t  *store;

    batch = ngx_http_intake_open_batch(delivery);
    if (batch == NULL) {
        return NGX_ERROR;
    }

    delivery->batch = batch;
    delivery->slot = batch->nelts;

    batch->waiting[batch->nelts++] = delivery;

    batch->bytes += delivery->content->fields[NGX_HTTP_INTAKE_FIELD_DATA].len;
    batch->nchanges += delivery->nchanges;

    store = &ngx_http_intake_the_store;

    if (batch->nelts == NGX_HTTP_INTAKE_BATCH
        || batch->bytes >= NGX_HTTP_INTAKE_BATCH_BYTES
        || batch->nchanges >= NGX_HTTP_INTAKE_BATCH_CHANGES)
    {
        store->open[batch->replayed][batch->stream->index] = NULL;
    }

    if (!store->flush.posted) {
        ngx_post_event(&store->flush, &ngx_posted_events);
    }

    return NGX_OK;
}


static ngx_http_intake_batch_t *
ngx_http_intake_open_batch(ngx_http_intake_delivery_t *delivery)
{
    ngx_http_intake_batch_t   *batch, **open;
    ngx_http_intake_stream_t  *stream;

    stream = delivery->stream;
    open = &ngx_http_intake_the_store.open[delivery->replayed][stream->index];
    batch = *open;

    if (batch
        && batch->nchanges + delivery->nchanges
           <= NGX_HTTP_INTAKE_BATCH_CHANGES
        && !(delivery->replayed && ngx_http_intake_alone(delivery)))
    {
        return batch;
    }

    batch = ngx_alloc(sizeof(ngx_http_intake_batch_t), ngx_cycle->log);
    if (batch == NULL) {
        return NULL;
    }

    batch->source = delivery->source;
    batch->stream = stream;
    batch->op = NULL;
    batch->now = ngx_http_intake_now();
    batch->nelts = 0;
    batch->nchanges = 0;
    batch->bytes = 0;
    batch->clocks = (delivery->source->sla
                     && stream == &delivery->source->stream);
    batch->replayed = delivery->replayed;

    ngx_queue_insert_tail(&ngx_http_intake_the_store.unsent, &batch->queue);
    *open = batch;

    return batch;
}


void
ngx_http_intake_store_forget(ngx_http_intake_delivery_t *delivery)
{
    if (delivery->batch) {
        delivery->batch->waiting[delivery->slot] = NULL;
        delivery->batch = NULL;
    }
}


/* at the end of the turn: what is ready in it shares one call a stream */

static void
ngx_http_intake_flush(ngx_event_t *ev)
{
    ngx_int_t                 rc;
    ngx_queue_t              *q;
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

        rc = ngx_http_intake_send_batch(store, batch, ev->log);

        if (rc != NGX_OK) {
            ngx_http_intake_stored(batch,
                                   rc == NGX_ABORT ? NGX_INTAKE_REDIS_WEAK
                                                   : NGX_INTAKE_REDIS_REFUSED,
                                   NULL);
        }
    }
}


/* takes out who has left; returns how many still wait */

static ngx_uint_t
ngx_http_intake_close_batch(ngx_http_intake_batch_t *batch)
{
    ngx_uint_t                   i, n;
    ngx_http_intake_batch_t    **open;
    ngx_http_intake_delivery_t  *delivery;

    open = &ngx_http_intake_the_store.open[batch->replayed]
                                          [batch->stream->index];

    if (*open == batch) {
        *open = NULL;
    }

    n = 0;

    for (i = 0; i < batch->nelts; i++) {
        delivery = batch->waiting[i];

        if (delivery) {
            delivery->slot = n;
            batch->waiting[n++] = delivery;
        }
    }

    batch->nelts = n;

    return n;
}


/*
 * NGX_ABORT: the server cannot give the durability that the source asks for.
 * Where there is a spool nobody waits for a Redis that is known to be away.
 * What is replayed has time, so that it gets through in the end.
 */

static ngx_int_t
ngx_http_intake_send_batch(ngx_http_intake_store_t *store,
    ngx_http_intake_batch_t *batch, ngx_log_t *log)
{
    ngx_int_t               rc;
    ngx_intake_redis_t     *redis;
    ngx_intake_redis_op_t  *op;

    redis = ngx_http_intake_client(batch->source);

    if (store->spool && ngx_intake_redis_away(redis)) {
        return NGX_DECLINED;
    }

    op = ngx_intake_redis_script_op(batch->clocks ? &store->clocks
                                                  : &store->script,
                                    ngx_http_intake_write_batch, batch, log);
    if (op == NULL) {
        return NGX_ERROR;
    }

    ngx_intake_redis_op_durability(op, &batch->source->durability);

    if (batch->replayed) {
        ngx_intake_redis_op_patient(op);
    }

    rc = ngx_intake_redis_send(redis, op, batch->source->patience, 1,
                               ngx_http_intake_stored, batch);

    if (rc != NGX_OK) {
        ngx_intake_redis_op_free(op);
        return rc;
    }

    batch->op = op;

    return NGX_OK;
}
