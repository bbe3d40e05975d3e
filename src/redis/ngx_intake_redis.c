
/*
 * Copyright (C) nginx-intake contributors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include "ngx_intake_redis_topology.h"


/* no byte in this time while replies are due: the connection is dead */
#define NGX_INTAKE_REDIS_SILENCE        5000

/* as much as kernels and proxies may have of what was written */
#define NGX_INTAKE_REDIS_ON_ITS_WAY     (8 * 1024 * 1024)


static ngx_intake_redis_t *ngx_intake_redis_new(ngx_cycle_t *cycle,
    ngx_intake_redis_conf_t *conf);
static ngx_int_t ngx_intake_redis_create_peers(ngx_intake_redis_t *redis);
static void ngx_intake_redis_init_events(ngx_intake_redis_t *redis);
static ngx_uint_t ngx_intake_redis_op_slot(ngx_intake_redis_op_t *op);
static void ngx_intake_redis_add_deadline(ngx_intake_redis_t *redis,
    ngx_intake_redis_op_t *op);
static void ngx_intake_redis_deadline_handler(ngx_event_t *ev);
static u_char *ngx_intake_redis_log_handler(ngx_log_t *log, u_char *buf,
    size_t len);


ngx_intake_redis_t *
ngx_intake_redis_create(ngx_cycle_t *cycle, ngx_intake_redis_conf_t *conf,
    ngx_uint_t durable, ngx_intake_redis_info_pt info_handler, void *data)
{
    ngx_intake_redis_t  *redis;

    redis = ngx_intake_redis_new(cycle, conf);
    if (redis == NULL) {
        return NULL;
    }

    redis->durable = durable;
    redis->info_handler = info_handler;
    redis->data = data;

    if (conf->topology == NGX_INTAKE_REDIS_SENTINELS
        && ngx_intake_redis_create_sentinel(redis) != NGX_OK)
    {
        ngx_intake_redis_destroy(redis);
        return NULL;
    }

    if (conf->topology == NGX_INTAKE_REDIS_CLUSTER
        && ngx_intake_redis_create_cluster(redis) != NGX_OK)
    {
        ngx_intake_redis_destroy(redis);
        return NULL;
    }

    return redis;
}


ngx_intake_redis_t *
ngx_intake_redis_create_client(ngx_cycle_t *cycle,
    ngx_intake_redis_conf_t *conf, ngx_intake_redis_kind_e kind)
{
    ngx_intake_redis_t  *redis;

    redis = ngx_intake_redis_new(cycle, conf);

    if (redis) {
        redis->kind = kind;
    }

    return redis;
}


static ngx_intake_redis_t *
ngx_intake_redis_new(ngx_cycle_t *cycle, ngx_intake_redis_conf_t *conf)
{
    ngx_pool_t          *pool;
    ngx_intake_redis_t  *redis;

    pool = ngx_create_pool(NGX_INTAKE_REDIS_POOL_SIZE, cycle->log);
    if (pool == NULL) {
        return NULL;
    }

    redis = ngx_pcalloc(pool, sizeof(ngx_intake_redis_t));
    if (redis == NULL) {
        ngx_destroy_pool(pool);
        return NULL;
    }

    redis->cycle = cycle;
    redis->conf = conf;
    redis->pool = pool;
    redis->fd = (ngx_socket_t) -1;

    redis->log = *cycle->log;
    redis->log.handler = ngx_intake_redis_log_handler;
    redis->log.data = redis;

    redis->info.round_trip = -1;
    redis->info.appendonly = -1;
    redis->info.evicting = -1;
    redis->info.fsync = -1;
    redis->info.replicas = -1;

    ngx_queue_init(&redis->waiting);
    ngx_queue_init(&redis->deadlines);

    ngx_intake_redis_init_events(redis);

    if (ngx_intake_redis_create_peers(redis) != NGX_OK) {
        ngx_destroy_pool(pool);
        return NULL;
    }

    /* nothing is called before we return: the loop begins with this event */

    if (conf->topology != NGX_INTAKE_REDIS_CLUSTER) {
        ngx_post_event(&redis->retry, &ngx_posted_next_events);
    }

    return redis;
}


static ngx_int_t
ngx_intake_redis_create_peers(ngx_intake_redis_t *redis)
{
    ngx_uint_t                  i;
    ngx_intake_redis_peer_t    *peers;
    ngx_intake_redis_server_t  *servers;

    servers = redis->conf->servers.elts;

    /* a server that is still to be found is one, too */

    redis->npeers = (redis->conf->topology == NGX_INTAKE_REDIS_SENTINELS)
                    ? 1 : redis->conf->servers.nelts;
    redis->left = redis->npeers;

    peers = ngx_pcalloc(redis->pool,
                        redis->npeers * sizeof(ngx_intake_redis_peer_t));
    if (peers == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < redis->npeers; i++) {
        peers[i].conf = &servers[i];
        peers[i].addrs = servers[i].addrs;
        peers[i].naddrs = servers[i].naddrs;

        peers[i].name.len = servers[i].host.len;
        peers[i].name.data = ngx_pstrdup(redis->pool, &servers[i].host);

        if (peers[i].name.data == NULL) {
            return NGX_ERROR;
        }
    }

    redis->peers = peers;

    return NGX_OK;
}


static void
ngx_intake_redis_init_events(ngx_intake_redis_t *redis)
{
    redis->deadline.handler = ngx_intake_redis_deadline_handler;
    redis->deadline.data = redis;
    redis->deadline.log = &redis->log;

    redis->retry.handler = ngx_intake_redis_retry_handler;
    redis->retry.data = redis;
    redis->retry.log = &redis->log;
    redis->retry.cancelable = 1;

    redis->ping.handler = ngx_intake_redis_ping_handler;
    redis->ping.data = redis;
    redis->ping.log = &redis->log;
    redis->ping.cancelable = 1;
}


void
ngx_intake_redis_destroy(ngx_intake_redis_t *redis)
{
    ngx_uint_t  i;

    ngx_intake_redis_close(redis, NGX_INTAKE_REDIS_CLOSE_DESTROY, 0, "");

    if (redis->sentinel) {
        ngx_intake_redis_destroy_sentinel(redis);
    }

    if (redis->cluster) {
        ngx_intake_redis_destroy_cluster(redis);
    }

    if (redis->retry.timer_set) {
        ngx_del_timer(&redis->retry);
    }

    if (redis->retry.posted) {
        ngx_delete_posted_event(&redis->retry);
    }

    for (i = 0; i < redis->npeers; i++) {
        if (redis->peers[i].pool) {
            ngx_destroy_pool(redis->peers[i].pool);
        }
    }

    ngx_destroy_pool(redis->pool);
}


ngx_int_t
ngx_intake_redis_send(ngx_intake_redis_t *redis, ngx_intake_redis_op_t *op,
    ngx_msec_t timeout, ngx_uint_t repeatable,
    ngx_intake_redis_handler_pt handler, void *data)
{
    ngx_intake_redis_t  *client;

    if (op->bad || op->nargs) {
        ngx_log_error(NGX_LOG_ALERT, &redis->log, 0,
                      "redis operation with a wrong number of arguments");
        return NGX_ERROR;
    }

    if (redis->cluster) {
        op->slot = ngx_intake_redis_op_slot(op);
        client = redis;

        if (ngx_intake_redis_route(redis, op, &client) == NGX_DECLINED) {
            return NGX_DECLINED;
        }

        redis = client;
    }

    if (redis->avoided) {
        redis->refused++;
        return NGX_DECLINED;
    }

    if (!ngx_intake_redis_gives(redis, op)) {
        return NGX_ABORT;
    }

    /* a large one is let in, too, as long as the others are not too much */

    if (redis->info.in_flight
        && (redis->info.in_flight >= redis->conf->max_in_flight
            || redis->bytes >= redis->conf->max_bytes))
    {
        return NGX_BUSY;
    }

    op->handler = handler;
    op->data = data;
    op->repeatable = (repeatable != 0);

    if (op->patient) {
        timeout = ngx_intake_redis_patience(redis, op);
    }

    op->deadline = ngx_current_msec
                   + (timeout ? timeout : redis->conf->timeout);

    ngx_intake_redis_accept(redis, op);

    return NGX_OK;
}


void
ngx_intake_redis_accept(ngx_intake_redis_t *redis, ngx_intake_redis_op_t *op)
{
    op->size = op->buf.last - op->buf.start;

    redis->info.in_flight++;
    redis->bytes += op->size;

    ngx_queue_insert_tail(&redis->waiting, &op->queue);
    ngx_intake_redis_add_deadline(redis, op);

    if (redis->cluster) {
        return;
    }

    switch (redis->info.state) {

    case NGX_INTAKE_REDIS_READY:
    case NGX_INTAKE_REDIS_DRAINING:

        redis->connection->peer.connection->idle = 0;

        ngx_intake_redis_post_write(redis);
        break;

    case NGX_INTAKE_REDIS_DOWN:

        ngx_intake_redis_hurry(redis);
        break;

    default:
        break;
    }
}


/* that of its first key; a source is where all its keys are */

static ngx_uint_t
ngx_intake_redis_op_slot(ngx_intake_redis_op_t *op)
{
    u_char      *p;
    ngx_str_t    arg;
    ngx_uint_t   i, n;

    ngx_str_null(&arg);

    if (op->script) {
        p = op->args;
        n = op->nkeys ? 1 : 0;

    } else {

        /* behind "*COUNT" CRLF the command, whose key is its first argument */

        n = 2;

        for (p = op->buf.start; *p != LF; p++) { /* void */ }

        p++;
    }

    for (i = 0; i < n && p < op->buf.last; i++) {

        /* "$LENGTH" CRLF */

        arg.len = 0;

        for (p++; *p != CR; p++) {
            arg.len = arg.len * 10 + (*p - '0');
        }

        arg.data = p + 2;
        p = arg.data + arg.len + 2;

        /* one with subcommands */

        if (i == 0 && n == 2 && arg.len == sizeof("XINFO") - 1
            && ngx_memcmp(arg.data, "XINFO", arg.len) == 0)
        {
            n = 3;
        }
    }

    return (i && i == n) ? ngx_intake_redis_slot(arg.data, arg.len) : 0;
}


ngx_uint_t
ngx_intake_redis_away(ngx_intake_redis_t *redis)
{
    if (redis->avoided) {
        return 1;
    }

    if (redis->backoff == 0
        || redis->info.state == NGX_INTAKE_REDIS_READY
        || redis->info.state == NGX_INTAKE_REDIS_DRAINING)
    {
        return 0;
    }

    if (redis->info.state == NGX_INTAKE_REDIS_DOWN) {
        ngx_intake_redis_hurry(redis);
    }

    return 1;
}


ngx_uint_t
ngx_intake_redis_reachable(ngx_intake_redis_t *redis)
{
    return redis->cluster ? ngx_intake_redis_some_node(redis)
                          : redis->info.state == NGX_INTAKE_REDIS_READY;
}


ngx_uint_t
ngx_intake_redis_is_cluster(ngx_intake_redis_t *redis)
{
    return redis->cluster != NULL;
}


void
ngx_intake_redis_forget(ngx_intake_redis_op_t *op)
{
    op->handler = NULL;
}


ngx_intake_redis_info_t *
ngx_intake_redis_info(ngx_intake_redis_t *redis)
{
    return redis->cluster ? &redis->cluster->all : &redis->info;
}


void
ngx_intake_redis_changed(ngx_intake_redis_t *redis)
{
    if (redis->cluster) {
        ngx_intake_redis_node_info(redis, NULL);
        return;
    }

    if (redis->info_handler) {
        redis->info_handler(redis->data, &redis->info);
    }
}


/* nearly always all have the same timeout, so the place is at the end */

static void
ngx_intake_redis_add_deadline(ngx_intake_redis_t *redis,
    ngx_intake_redis_op_t *op)
{
    ngx_queue_t            *q;
    ngx_intake_redis_op_t  *other;

    for (q = ngx_queue_last(&redis->deadlines);
         q != ngx_queue_sentinel(&redis->deadlines);
         q = ngx_queue_prev(q))
    {
        other = ngx_queue_data(q, ngx_intake_redis_op_t, deadlines);

        if ((ngx_msec_int_t) (op->deadline - other->deadline) >= 0) {
            break;
        }
    }

    ngx_queue_insert_after(q, &op->deadlines);

    ngx_intake_redis_set_timer(redis);
}


void
ngx_intake_redis_extend(ngx_intake_redis_t *redis, ngx_intake_redis_op_t *op)
{
    /* a worker that quits does not wait for what nobody waits for */

    if (!op->patient || op->told || ngx_exiting) {
        return;
    }

    ngx_queue_remove(&op->deadlines);

    op->deadline = ngx_current_msec + ngx_intake_redis_patience(redis, op);

    ngx_intake_redis_add_deadline(redis, op);
}


ngx_msec_t
ngx_intake_redis_patience(ngx_intake_redis_t *redis,
    ngx_intake_redis_op_t *op)
{
    size_t  size;

    size = op ? op->buf.last - op->buf.start : 0;

    return ngx_max(NGX_INTAKE_REDIS_SILENCE, 2 * redis->conf->timeout)
           + ngx_min(size, NGX_INTAKE_REDIS_ON_ITS_WAY)
             / (1024 * 1024 / 1000);
}


void
ngx_intake_redis_set_timer(ngx_intake_redis_t *redis)
{
    ngx_msec_t              now;
    ngx_queue_t            *q;
    ngx_event_t            *ev;
    ngx_intake_redis_op_t  *op;

    ev = &redis->deadline;

    if (ngx_queue_empty(&redis->deadlines)) {

        /* it would keep a worker that quits */

        if (ev->timer_set) {
            ngx_del_timer(ev);
        }

        return;
    }

    q = ngx_queue_head(&redis->deadlines);
    op = ngx_queue_data(q, ngx_intake_redis_op_t, deadlines);

    if (ev->timer_set) {

        /* too early does no harm and saves the work */

        if ((ngx_msec_int_t) (ev->timer.key - op->deadline) <= 0) {
            return;
        }

        ngx_del_timer(ev);
    }

    now = ngx_current_msec;

    ngx_add_timer(ev, (ngx_msec_int_t) (op->deadline - now) > 0
                      ? op->deadline - now : 0);
}


static void
ngx_intake_redis_deadline_handler(ngx_event_t *ev)
{
    ngx_queue_t            *q;
    ngx_intake_redis_t     *redis;
    ngx_intake_redis_op_t  *op;

    redis = ev->data;

    while (!ngx_queue_empty(&redis->deadlines)) {

        q = ngx_queue_head(&redis->deadlines);
        op = ngx_queue_data(q, ngx_intake_redis_op_t, deadlines);

        if ((ngx_msec_int_t) (op->deadline - ngx_current_msec) > 0) {
            break;
        }

        ngx_intake_redis_op_expire(redis, op);
    }

    ngx_intake_redis_set_timer(redis);
    ngx_intake_redis_changed(redis);
}


static u_char *
ngx_intake_redis_log_handler(ngx_log_t *log, u_char *buf, size_t len)
{
    ngx_str_t                *name;
    ngx_intake_redis_t       *redis;
    ngx_intake_redis_peer_t  *peer;

    redis = log->data;
    peer = &redis->peers[redis->peer];

    name = &peer->conf->url;

    if (redis->addr < peer->naddrs && peer->addrs[redis->addr].name.len) {
        name = &peer->addrs[redis->addr].name;
    }

    return ngx_snprintf(buf, len, " while talking to redis %V", name);
}
