
/*
 * Copyright (C) nginx-intake contributors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include "ngx_intake_redis_topology.h"


/*
 * Cluster: the client that others see has no connection.  It knows which node
 * has which slot, asked of the configured nodes by a client of their own.  An
 * operation whose node is not known waits here, inside its own deadline.
 */


static void ngx_intake_redis_cluster_handler(ngx_event_t *ev);
static ngx_uint_t ngx_intake_redis_troubled(ngx_intake_redis_t *redis);
static void ngx_intake_redis_tidy(ngx_intake_redis_t *redis);
static ngx_int_t ngx_intake_redis_ask_map(ngx_intake_redis_t *redis);
static void ngx_intake_redis_map_handler(void *data,
    ngx_intake_redis_result_e result, ngx_intake_redis_reply_t *reply);
static ngx_int_t ngx_intake_redis_read_map(ngx_intake_redis_t *redis,
    ngx_intake_redis_reply_t *reply);
static void ngx_intake_redis_read_range(ngx_intake_redis_t *redis,
    ngx_intake_redis_reply_t *range);
static void ngx_intake_redis_refuse_all(ngx_intake_redis_t *redis);


ngx_int_t
ngx_intake_redis_create_cluster(ngx_intake_redis_t *redis)
{
    ngx_intake_redis_conf_t     *conf;
    ngx_intake_redis_cluster_t  *cluster;

    cluster = ngx_pcalloc(redis->pool, sizeof(ngx_intake_redis_cluster_t));
    if (cluster == NULL) {
        return NGX_ERROR;
    }

    cluster->timer.handler = ngx_intake_redis_cluster_handler;
    cluster->timer.data = redis;
    cluster->timer.log = &redis->log;
    cluster->timer.cancelable = 1;

    conf = &cluster->conf;

    *conf = *redis->conf;
    conf->topology = NGX_INTAKE_REDIS_SERVERS;

    cluster->seeds = ngx_intake_redis_create_client(redis->cycle, conf,
                                                NGX_INTAKE_REDIS_KIND_SEED);
    if (cluster->seeds == NULL) {
        return NGX_ERROR;
    }

    cluster->seeds->info_handler = ngx_intake_redis_node_info;
    cluster->seeds->data = redis;

    redis->cluster = cluster;

    ngx_add_timer(&cluster->timer, 0);

    return NGX_OK;
}


void
ngx_intake_redis_destroy_cluster(ngx_intake_redis_t *redis)
{
    ngx_uint_t                   i;
    ngx_intake_redis_cluster_t  *cluster;

    cluster = redis->cluster;

    for (i = 0; i < NGX_INTAKE_REDIS_MAX_NODES; i++) {

        if (cluster->nodes[i] == NULL) {
            continue;
        }

        if (cluster->nodes[i]->client) {
            ngx_intake_redis_destroy(cluster->nodes[i]->client);
        }

        ngx_free(cluster->nodes[i]);
    }

    ngx_intake_redis_destroy(cluster->seeds);

    if (cluster->timer.timer_set) {
        ngx_del_timer(&cluster->timer);
    }
}


ngx_int_t
ngx_intake_redis_route(ngx_intake_redis_t *redis, ngx_intake_redis_op_t *op,
    ngx_intake_redis_t **client)
{
    ngx_uint_t                   i;
    ngx_intake_redis_cluster_t  *cluster;

    cluster = redis->cluster;

    if (!cluster->known && cluster->seeds->avoided) {
        return NGX_DECLINED;
    }

    i = cluster->known ? cluster->owner[op->slot] : 0;

    if (i == 0) {
        ngx_intake_redis_want_map(redis, 0);
        return NGX_AGAIN;
    }

    return (ngx_intake_redis_start(redis, i, client) == NGX_OK)
           ? NGX_OK : NGX_DECLINED;
}


void
ngx_intake_redis_want_map(ngx_intake_redis_t *redis, ngx_msec_t delay)
{
    ngx_event_t  *ev;

    redis->cluster->stale = 1;

    ev = &redis->cluster->timer;

    if (ev->timer_set) {

        if ((ngx_msec_int_t) (ev->timer.key - (ngx_current_msec + delay))
            <= 0)
        {
            return;
        }

        ngx_del_timer(ev);
    }

    ngx_add_timer(ev, delay);
}


static void
ngx_intake_redis_cluster_handler(ngx_event_t *ev)
{
    ngx_intake_redis_t          *redis;
    ngx_intake_redis_cluster_t  *cluster;

    redis = ev->data;
    cluster = redis->cluster;

    ngx_intake_redis_tidy(redis);

    if (cluster->op) {
        return;
    }

    /* nobody needs to know any more */

    if (ngx_exiting && redis->info.in_flight == 0) {
        return;
    }

    /* whoever said so last may not see the others */

    if (ngx_intake_redis_troubled(redis) && cluster->seeds->npeers > 1
        && cluster->seeds->connection)
    {
        ngx_intake_redis_close(cluster->seeds, NGX_INTAKE_REDIS_CLOSE_NEXT, 0,
                               "another node is asked");
    }

    if (ngx_intake_redis_ask_map(redis) != NGX_OK) {

        if (!cluster->known) {
            ngx_intake_redis_refuse_all(redis);
        }

        ngx_intake_redis_want_map(redis, NGX_INTAKE_REDIS_MAP_LATER);
    }
}


/* whether a node that has slots cannot be talked to */

static ngx_uint_t
ngx_intake_redis_troubled(ngx_intake_redis_t *redis)
{
    ngx_uint_t                i;
    ngx_intake_redis_node_t  *node;

    for (i = 0; i < NGX_INTAKE_REDIS_MAX_NODES; i++) {
        node = redis->cluster->nodes[i];

        if (node && node->slots && node->client
            && node->client->info.state < NGX_INTAKE_REDIS_READY)
        {
            return 1;
        }
    }

    return 0;
}


/* nodes that have no slots any more and nothing due; not in their own stack */

static void
ngx_intake_redis_tidy(ngx_intake_redis_t *redis)
{
    ngx_uint_t                   i;
    ngx_intake_redis_node_t     *node;
    ngx_intake_redis_cluster_t  *cluster;

    cluster = redis->cluster;

    for (i = 0; i < NGX_INTAKE_REDIS_MAX_NODES; i++) {
        node = cluster->nodes[i];

        if (node == NULL || node->slots
            || (node->client && node->client->info.in_flight))
        {
            continue;
        }

        if (node->client) {
            cluster->connects += node->client->info.connects;
            ngx_intake_redis_destroy(node->client);
        }

        ngx_free(node);
        cluster->nodes[i] = NULL;
    }
}


static ngx_int_t
ngx_intake_redis_ask_map(ngx_intake_redis_t *redis)
{
    ngx_intake_redis_op_t       *op;
    ngx_intake_redis_cluster_t  *cluster;

    cluster = redis->cluster;

    op = ngx_intake_redis_op_create(2, sizeof("CLUSTER") - 1
                                       + sizeof("SLOTS") - 1, &redis->log);
    if (op == NULL) {
        return NGX_ERROR;
    }

    ngx_intake_redis_op_arg(op, (u_char *) "CLUSTER", sizeof("CLUSTER") - 1);
    ngx_intake_redis_op_arg(op, (u_char *) "SLOTS", sizeof("SLOTS") - 1);

    if (ngx_intake_redis_send(cluster->seeds, op,
                              redis->conf->connect_timeout, 1,
                              ngx_intake_redis_map_handler, redis)
        != NGX_OK)
    {
        ngx_intake_redis_op_free(op);
        return NGX_ERROR;
    }

    cluster->op = op;

    return NGX_OK;
}


static void
ngx_intake_redis_map_handler(void *data, ngx_intake_redis_result_e result,
    ngx_intake_redis_reply_t *reply)
{
    ngx_intake_redis_t *redis = data;

    ngx_intake_redis_cluster_t  *cluster;

    cluster = redis->cluster;

    cluster->op = NULL;

    if (result == NGX_INTAKE_REDIS_OK
        && ngx_intake_redis_read_map(redis, reply) == NGX_OK)
    {
        cluster->known = 1;
        cluster->stale = 0;

        ngx_intake_redis_reroute(redis);

    } else {

        if (reply && result != NGX_INTAKE_REDIS_OK) {
            ngx_log_error(NGX_LOG_INFO, &redis->log, 0,
                          "redis does not tell the slots of its cluster: "
                          "\"%V\"", &reply->str);
        }

        if (!cluster->known) {
            ngx_intake_redis_refuse_all(redis);
        }

        cluster->stale = 1;
    }

    ngx_intake_redis_node_info(redis, NULL);

    if (cluster->stale || ngx_intake_redis_troubled(redis)) {
        ngx_intake_redis_want_map(redis, ngx_queue_empty(&redis->waiting)
                                         ? NGX_INTAKE_REDIS_MAP_LATER
                                         : NGX_INTAKE_REDIS_MAP_SOON);
    }
}


/* [first slot, last slot, [host, port, ...] of the master, ...] each */

static ngx_int_t
ngx_intake_redis_read_map(ngx_intake_redis_t *redis,
    ngx_intake_redis_reply_t *reply)
{
    ngx_uint_t                   i;
    ngx_intake_redis_reply_t     range;
    ngx_intake_redis_cluster_t  *cluster;

    cluster = redis->cluster;

    if (reply->type != NGX_INTAKE_REDIS_ARRAY || reply->nelts == 0) {
        return NGX_DECLINED;
    }

    ngx_memzero(cluster->owner, sizeof(cluster->owner));

    for (i = 0; i < NGX_INTAKE_REDIS_MAX_NODES; i++) {
        if (cluster->nodes[i]) {
            cluster->nodes[i]->slots = 0;
        }
    }

    for (i = 0; i < reply->nelts; i++) {
        range = ngx_intake_redis_element(reply, i);
        ngx_intake_redis_read_range(redis, &range);
    }

    return NGX_OK;
}


static void
ngx_intake_redis_read_range(ngx_intake_redis_t *redis,
    ngx_intake_redis_reply_t *range)
{
    int64_t                      slot;
    ngx_uint_t                   i;
    ngx_intake_redis_reply_t     first, last, node, host, port;
    ngx_intake_redis_cluster_t  *cluster;

    cluster = redis->cluster;

    if (range->type != NGX_INTAKE_REDIS_ARRAY || range->nelts < 3) {
        return;
    }

    first = ngx_intake_redis_element(range, 0);
    last = ngx_intake_redis_element(range, 1);
    node = ngx_intake_redis_element(range, 2);

    if (node.type != NGX_INTAKE_REDIS_ARRAY || node.nelts < 2
        || first.integer < 0 || last.integer >= NGX_INTAKE_REDIS_SLOTS)
    {
        return;
    }

    host = ngx_intake_redis_element(&node, 0);
    port = ngx_intake_redis_element(&node, 1);

    if (port.integer < 1 || port.integer > 65535) {
        return;
    }

    i = ngx_intake_redis_node(redis, &host.str, (in_port_t) port.integer,
                              cluster->seeds);
    if (i == 0) {
        return;
    }

    for (slot = first.integer; slot <= last.integer; slot++) {
        cluster->owner[slot] = i;
        cluster->nodes[i - 1]->slots++;
    }
}


/* an operation waits here that has nowhere to go */

static void
ngx_intake_redis_refuse_all(ngx_intake_redis_t *redis)
{
    ngx_queue_t            *q, told;
    ngx_intake_redis_op_t  *op;

    ngx_queue_init(&told);

    ngx_queue_add(&told, &redis->waiting);
    ngx_queue_init(&redis->waiting);

    while (!ngx_queue_empty(&told)) {
        q = ngx_queue_head(&told);
        op = ngx_queue_data(q, ngx_intake_redis_op_t, queue);

        ngx_intake_redis_op_finish(redis, op, NGX_INTAKE_REDIS_REFUSED, NULL);
    }
}
