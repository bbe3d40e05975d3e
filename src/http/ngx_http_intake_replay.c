
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake_store.h"
#include "ngx_http_intake_change.h"


/*
 * Records of the spool on their way to Redis.  They take the way of all
 * deliveries, with the keys and the times that they have had since they
 * arrived; the stream, times to live and targets are those of the source now.
 */


/* a record that is being sent; its changes are behind it */

typedef struct {
    ngx_queue_t                     queue;
    ngx_http_intake_delivery_t      delivery;
    ngx_intake_spool_record_t      *record;
} ngx_http_intake_replay_t;


static ngx_int_t ngx_http_intake_replay_valid(
    ngx_intake_spool_record_t *record);
static ngx_http_intake_replay_t *ngx_http_intake_replay_create(
    ngx_http_intake_source_t *source, ngx_intake_spool_record_t *record,
    ngx_uint_t nchanges);
static void ngx_http_intake_replayed(void *data, ngx_http_intake_code_e code,
    ngx_http_intake_result_t *result);
static ngx_int_t ngx_http_intake_replay_result(
    ngx_http_intake_delivery_t *delivery, ngx_http_intake_code_e code);


static ngx_queue_t  ngx_http_intake_replays;


ngx_int_t
ngx_http_intake_replay(void *data, ngx_intake_spool_record_t *record)
{
    ngx_http_intake_main_conf_t *imcf = data;

    ngx_int_t                  n;
    ngx_http_intake_replay_t  *replay;
    ngx_http_intake_source_t  *source;

    source = ngx_http_intake_find_named(imcf->sources,
                                        &record->delivery.source);
    n = ngx_http_intake_replay_valid(record);

    if (source == NULL || n == NGX_ERROR) {
        return NGX_ERROR;
    }

    if (!ngx_intake_redis_reachable(ngx_http_intake_client(source))) {
        return NGX_ABORT;
    }

    if (source->sla == NULL || record->delivery.stream == 's') {
        n = 0;
    }

    replay = ngx_http_intake_replay_create(source, record, (ngx_uint_t) n);
    if (replay == NULL) {
        return NGX_DECLINED;
    }

    if (ngx_http_intake_store(&replay->delivery) != NGX_OK) {
        ngx_free(replay);
        return NGX_DECLINED;
    }

    if (ngx_http_intake_replays.next == NULL) {
        ngx_queue_init(&ngx_http_intake_replays);
    }

    ngx_queue_insert_tail(&ngx_http_intake_replays, &replay->queue);

    return NGX_OK;
}


/*
 * The number of its changes.  NGX_ERROR: Redis would never take it, or it is
 * none that we have written.
 */

static ngx_int_t
ngx_http_intake_replay_valid(ngx_intake_spool_record_t *record)
{
    ngx_intake_delivery_t  *content;

    content = &record->delivery;

    if (content->kind != 'o'
        && content->nkeys == ngx_intake_delivery_nkeys(content->kind))
    {
        return NGX_ERROR;
    }

    if (content->fields[NGX_HTTP_INTAKE_FIELD_DATA].len
        > NGX_HTTP_INTAKE_MAX_BODY)
    {
        return NGX_ERROR;
    }

    return ngx_http_intake_changes_count(&content->extra);
}


static ngx_http_intake_replay_t *
ngx_http_intake_replay_create(ngx_http_intake_source_t *source,
    ngx_intake_spool_record_t *record, ngx_uint_t nchanges)
{
    ngx_http_intake_replay_t    *replay;
    ngx_http_intake_delivery_t  *delivery;

    replay = ngx_calloc(sizeof(ngx_http_intake_replay_t)
                        + nchanges * sizeof(ngx_http_intake_change_t),
                        ngx_cycle->log);
    if (replay == NULL) {
        return NULL;
    }

    replay->record = record;

    delivery = &replay->delivery;

    delivery->source = source;
    delivery->stream = (record->delivery.stream == 's') ? &source->spam
                                                        : &source->stream;
    delivery->content = &record->delivery;
    delivery->changes = (ngx_http_intake_change_t *) (replay + 1);
    delivery->nchanges = nchanges;
    delivery->handler = ngx_http_intake_replayed;
    delivery->data = replay;
    delivery->replayed = 1;

    if (nchanges
        && ngx_http_intake_changes_read(&record->delivery.extra, source->sla,
                                        record->arrival / 1000,
                                        delivery->changes)
           != NGX_OK)
    {
        ngx_free(replay);
        return NULL;
    }

    return replay;
}


/* a duplicate is in Redis, too: another copy of it came first */

static void
ngx_http_intake_replayed(void *data, ngx_http_intake_code_e code,
    ngx_http_intake_result_t *result)
{
    ngx_http_intake_replay_t *replay = data;

    ngx_int_t                   rc;
    ngx_intake_spool_record_t  *record;

    record = replay->record;
    rc = ngx_http_intake_replay_result(&replay->delivery, code);

    ngx_queue_remove(&replay->queue);
    ngx_free(replay);

    ngx_intake_spool_sent(record, rc);
}


/*
 * A server that is away or takes nothing is no fault of a source, but in a
 * cluster, where each source is on a server of its own; that what is large
 * takes long, or finds no room, is no reason for others to wait.
 */

static ngx_int_t
ngx_http_intake_replay_result(ngx_http_intake_delivery_t *delivery,
    ngx_http_intake_code_e code)
{
    if (code == NGX_HTTP_INTAKE_OK) {
        return NGX_OK;
    }

    if (delivery->unfit) {
        return NGX_ERROR;
    }

    if (code == NGX_HTTP_INTAKE_DURABILITY_UNAVAILABLE
        || delivery->fault
        || ngx_intake_redis_is_cluster(ngx_http_intake_redis()))
    {
        return NGX_ABORT;
    }

    if (!ngx_http_intake_alone(delivery)) {
        return NGX_DECLINED;
    }

    if (code == NGX_HTTP_INTAKE_STORE_TIMEOUT
        || (code == NGX_HTTP_INTAKE_STORE_UNAVAILABLE
            && ngx_intake_redis_reachable(ngx_http_intake_redis())))
    {
        return NGX_ABORT;
    }

    return NGX_DECLINED;
}


void
ngx_http_intake_replay_exit(void)
{
    ngx_queue_t               *q;
    ngx_http_intake_replay_t  *replay;

    if (ngx_http_intake_replays.next == NULL) {
        return;
    }

    while (!ngx_queue_empty(&ngx_http_intake_replays)) {
        q = ngx_queue_head(&ngx_http_intake_replays);
        ngx_queue_remove(q);

        replay = ngx_queue_data(q, ngx_http_intake_replay_t, queue);

        ngx_http_intake_store_forget(&replay->delivery);
        ngx_free(replay);
    }
}
