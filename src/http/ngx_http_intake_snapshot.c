
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake_status.h"


static ngx_int_t ngx_http_intake_in_force(
    ngx_http_intake_worker_status_t *node,
    ngx_intake_redis_durability_t *durability);
static ngx_int_t ngx_http_intake_read_sources(
    ngx_http_intake_main_conf_t *imcf, ngx_str_t *source, ngx_pool_t *pool,
    ngx_http_intake_status_t *status);
static ngx_int_t ngx_http_intake_copy_panel(
    ngx_http_intake_status_t *status, ngx_http_intake_source_status_t *ss,
    ngx_pool_t *pool);
static ngx_int_t ngx_http_intake_read_workers(
    ngx_http_intake_shared_t *shared, ngx_pool_t *pool,
    ngx_http_intake_status_t *status);
static ngx_uint_t ngx_http_intake_worker_alive(
    ngx_http_intake_worker_t *worker);
static void ngx_http_intake_read_worker(ngx_http_intake_worker_t *worker,
    ngx_http_intake_worker_status_t *ws);
static void ngx_http_intake_add_worker(
    ngx_http_intake_worker_status_t *node,
    ngx_http_intake_worker_status_t *ws);


/* how far a connection is; a worker that drains is on its way out */

static ngx_uint_t  ngx_http_intake_state_rank[] = {
    0,    /* DOWN */
    2,    /* RESOLVING */
    3,    /* CONNECTING */
    4,    /* TLS */
    5,    /* HELLO */
    6,    /* READY */
    1     /* DRAINING */
};


ngx_int_t
ngx_http_intake_snapshot(ngx_http_intake_main_conf_t *imcf,
    ngx_http_intake_status_query_t *query, ngx_pool_t *pool,
    ngx_http_intake_status_t *status)
{
    ngx_int_t                         rc;
    ngx_uint_t                        i;
    ngx_time_t                       *tp;
    ngx_http_intake_zone_t           *zone;
    ngx_http_intake_worker_status_t  *node;

    zone = imcf->zone->data;
    node = &status->node;

    ngx_memzero(status, sizeof(ngx_http_intake_status_t));

    tp = ngx_timeofday();
    status->now = tp->sec;
    status->now_msec = tp->msec;
    status->started = zone->shared->started;
    status->connects = zone->shared->connects;

    if (imcf->spool.path) {
        status->spool = &zone->shared->spool;
        status->spool_takes = (ngx_http_intake_spool() != NULL
                               && ngx_intake_spool_takes(
                                                   ngx_http_intake_spool()));
    }

    status->node_only = query->node;
    status->global_only = query->global;
    status->one = query->source.data != NULL;

    rc = ngx_http_intake_read_sources(imcf, query->source.data
                                            ? &query->source : NULL,
                                      pool, status);
    if (rc != NGX_OK) {
        return rc;
    }

    node->state = NGX_INTAKE_REDIS_DOWN;
    node->round_trip = -1;
    node->appendonly = -1;
    node->evicting = -1;
    node->fsync = -1;
    node->replicas = -1;

    if (ngx_http_intake_read_workers(zone->shared, pool, status) != NGX_OK) {
        return NGX_ERROR;
    }

    for (i = 0; i < status->nsources; i++) {
        status->sources[i].in_force = status->nready
                        ? ngx_http_intake_in_force(node,
                                               &status->sources[i].durability)
                        : -1;
    }

    return NGX_OK;
}


/*
 * A source promises that what was answered with 2xx is in Redis and stays
 * there.  A server that evicts takes it away at any time, and one without an
 * append-only file with its next restart, but for the copies of replicas.
 * What a server that is away said before is no promise.
 */

static ngx_int_t
ngx_http_intake_in_force(ngx_http_intake_worker_status_t *node,
    ngx_intake_redis_durability_t *durability)
{
    ngx_int_t  kept;

    kept = node->appendonly;

    if (durability->replicas) {
        kept = (node->replicas == -1)
               ? -1 : node->replicas >= (ngx_int_t) durability->replicas;
    }

    if (durability->fsync) {
        kept = node->fsync;
    }

    if (kept == 0 || node->evicting == 1) {
        return 0;
    }

    return (kept == 1 && node->evicting == 0) ? 1 : -1;
}


static ngx_int_t
ngx_http_intake_read_sources(ngx_http_intake_main_conf_t *imcf,
    ngx_str_t *source, ngx_pool_t *pool, ngx_http_intake_status_t *status)
{
    ngx_uint_t                         i, k;
    ngx_http_intake_slot_t            *slot;
    ngx_http_intake_source_t         **sources;
    ngx_http_intake_source_status_t   *ss;

    sources = imcf->sources->elts;

    status->sources = ngx_pcalloc(pool, (imcf->sources->nelts + 1)
                                  * sizeof(ngx_http_intake_source_status_t));
    if (status->sources == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < imcf->sources->nelts; i++) {

        if (source && !ngx_http_intake_same(source, &sources[i]->name)) {
            continue;
        }

        ss = &status->sources[status->nsources++];
        ss->name = sources[i]->name;
        ss->durability = sources[i]->durability;
        ss->source = sources[i];

        if (!status->node_only
            && ngx_http_intake_copy_panel(status, ss, pool) != NGX_OK)
        {
            return NGX_ERROR;
        }

        slot = imcf->counters[i]->slot;

        if (slot->hash != imcf->counters[i]->hash) {
            continue;
        }

        for (k = 0; k < NGX_HTTP_INTAKE_COUNTERS; k++) {
            ss->n[k] = slot->n[k];
        }
    }

    return (source && status->nsources == 0) ? NGX_DECLINED : NGX_OK;
}


/*
 * Whoever shows a panel has asked for a new one: what is older than a reading
 * takes is there because that has failed.
 */

static ngx_int_t
ngx_http_intake_copy_panel(ngx_http_intake_status_t *status,
    ngx_http_intake_source_status_t *ss, ngx_pool_t *pool)
{
    int64_t                   now;
    ngx_http_intake_panel_t  *panel;

    panel = ngx_palloc(pool, sizeof(ngx_http_intake_panel_t));
    if (panel == NULL) {
        return NGX_ERROR;
    }

    panel->fetched = 0;

    if (ngx_http_intake_board_copy(ss->source, panel) == NGX_OK) {
        ss->panel = panel;
    }

    ss->fetched = panel->fetched;

    if (status->nsources == 1 || ss->fetched < status->fetched) {
        status->fetched = ss->fetched;
    }

    now = ngx_http_intake_status_now(status);

    if (ss->panel
        && ngx_abs(now - ss->fetched) <= 2 * NGX_HTTP_INTAKE_BOARD_FRESH)
    {
        ss->up = 1;
    }

    if (!ss->up || panel->held) {
        status->stale = 1;
    }

    if (ss->panel) {
        status->revision += panel->revision;
    }

    return NGX_OK;
}


/*
 * The workers of the newest generation that has any: those of older ones
 * finish their last requests, or are gone.
 */

static ngx_int_t
ngx_http_intake_read_workers(ngx_http_intake_shared_t *shared,
    ngx_pool_t *pool, ngx_http_intake_status_t *status)
{
    ngx_uint_t                        i, n, generation;
    ngx_http_intake_worker_t         *worker;
    ngx_http_intake_worker_status_t  *ws;

    worker = shared->workers;
    generation = 0;
    n = 0;

    for (i = 0; i < NGX_HTTP_INTAKE_WORKERS; i++) {
        if (worker[i].generation > generation) {
            generation = worker[i].generation;
        }

        if (worker[i].generation) {
            n++;
        }
    }

    status->workers = ngx_pcalloc(pool, (n + 1)
                                  * sizeof(ngx_http_intake_worker_status_t));
    if (status->workers == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < NGX_HTTP_INTAKE_WORKERS && status->nworkers < n; i++) {

        if (worker[i].generation == 0
            || worker[i].generation < generation
            || !ngx_http_intake_worker_alive(&worker[i]))
        {
            continue;
        }

        ws = &status->workers[status->nworkers++];

        ws->index = i;
        ngx_http_intake_read_worker(&worker[i], ws);

        ngx_http_intake_add_worker(&status->node, ws);

        if (ws->state == NGX_INTAKE_REDIS_READY) {
            status->nready++;
        }
    }

    return NGX_OK;
}


/* one that was killed and could not be started again says nothing more */

static ngx_uint_t
ngx_http_intake_worker_alive(ngx_http_intake_worker_t *worker)
{
    ngx_pid_t  pid;

    pid = (ngx_pid_t) worker->pid;

    if (pid == ngx_pid) {
        return 1;
    }

    return kill(pid, 0) == 0 || ngx_errno != NGX_ESRCH;
}


static void
ngx_http_intake_read_worker(ngx_http_intake_worker_t *worker,
    ngx_http_intake_worker_status_t *ws)
{
    ws->pid = (ngx_pid_t) worker->pid;
    ws->state = worker->state;
    ws->in_flight = worker->in_flight;
    ws->round_trip = (ws->state == NGX_INTAKE_REDIS_READY)
                     ? (ngx_atomic_int_t) worker->round_trip : -1;
    ws->clock_skew = (ngx_atomic_int_t) worker->clock_skew;
    ws->skew_known = worker->skew_known ? 1 : 0;
    ws->version = worker->version;
    ws->appendonly = (ngx_atomic_int_t) worker->appendonly;
    ws->evicting = (ngx_atomic_int_t) worker->evicting;
    ws->appendfsync = worker->appendfsync;
    ws->maxmemory_policy = worker->maxmemory_policy;
    ws->fsync = (ngx_atomic_int_t) worker->fsync;
    ws->replicas = (ngx_atomic_int_t) worker->replicas;
}


static void
ngx_http_intake_add_worker(ngx_http_intake_worker_status_t *node,
    ngx_http_intake_worker_status_t *ws)
{
    if (ngx_http_intake_state_rank[ws->state]
        > ngx_http_intake_state_rank[node->state])
    {
        node->state = ws->state;
    }

    node->in_flight += ws->in_flight;
    node->round_trip = ngx_max(node->round_trip, ws->round_trip);

    if (ws->skew_known
        && (!node->skew_known
            || ngx_abs(ws->clock_skew) > ngx_abs(node->clock_skew)))
    {
        node->clock_skew = ws->clock_skew;
        node->skew_known = 1;
    }

    if (ws->appendonly == 0 || node->appendonly == -1) {
        node->appendonly = ws->appendonly;
    }

    if (ws->evicting == 1 || node->evicting == -1) {
        node->evicting = ws->evicting;
    }

    if (ws->fsync == 0 || node->fsync == -1) {
        node->fsync = ws->fsync;
    }

    if (ws->replicas != -1
        && (node->replicas == -1 || ws->replicas < node->replicas))
    {
        node->replicas = ws->replicas;
    }

    if (node->version == 0) {
        node->version = ws->version;
    }

    if (node->appendfsync == 0) {
        node->appendfsync = ws->appendfsync;
    }

    if (node->maxmemory_policy == 0) {
        node->maxmemory_policy = ws->maxmemory_policy;
    }
}
