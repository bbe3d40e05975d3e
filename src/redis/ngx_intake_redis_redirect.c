
/*
 * Copyright (C) nginx-intake contributors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include "ngx_intake_redis_topology.h"


/* Cluster: an operation that goes from one node to another. */


/* a slot that two nodes disown is not looked for until the deadline */
#define NGX_INTAKE_REDIS_MAX_HOPS   16

#define NGX_INTAKE_REDIS_AGAIN      50    /* ms; TRYAGAIN and CLUSTERDOWN */

#define NGX_INTAKE_REDIS_ASKING     "*1" CRLF "$6" CRLF "ASKING" CRLF


static void ngx_intake_redis_disown(ngx_intake_redis_t *redis,
    ngx_intake_redis_op_t *op);
static void ngx_intake_redis_move(ngx_intake_redis_t *from,
    ngx_intake_redis_op_t *op, ngx_uint_t node);
static void ngx_intake_redis_reroute_queue(ngx_intake_redis_t *redis,
    ngx_intake_redis_t *from, ngx_uint_t node);
static ngx_int_t ngx_intake_redis_add_asking(ngx_intake_redis_op_t *op,
    ngx_log_t *log);
static void ngx_intake_redis_drop_asking(ngx_intake_redis_op_t *op);


ngx_int_t
ngx_intake_redis_redirect(ngx_intake_redis_t *redis,
    ngx_intake_redis_op_t *op, ngx_str_t *text)
{
    ngx_str_t                    host;
    in_port_t                    port;
    ngx_uint_t                   slot, node;
    ngx_intake_redis_t          *router;
    ngx_intake_redis_cluster_t  *cluster;

    router = redis->router;
    cluster = router->cluster;

    if (op->told || op->hops == NGX_INTAKE_REDIS_MAX_HOPS) {
        return NGX_DECLINED;
    }

    /* it was for this node only */

    if (op->asking) {
        ngx_intake_redis_drop_asking(op);
    }

    if (ngx_strncmp(text->data, "TRYAGAIN", 8) == 0
        || ngx_strncmp(text->data, "CLUSTERDOWN", 11) == 0)
    {
        /* its deadline is the end of it, not the number of tries */

        op->hops = 0;

        ngx_intake_redis_disown(redis, op);
        ngx_intake_redis_accept(router, op);
        ngx_intake_redis_want_map(router, NGX_INTAKE_REDIS_AGAIN);

        return NGX_OK;
    }

    if (ngx_intake_redis_redirection(text, &slot, &host, &port) != NGX_OK) {
        return NGX_DECLINED;
    }

    node = ngx_intake_redis_node(router, &host, port, redis);

    if (node == 0) {
        return NGX_DECLINED;
    }

    op->hops++;

    if (text->data[0] == 'M') {
        cluster->nodes[node - 1]->slots++;
        cluster->owner[slot] = node;

        ngx_intake_redis_want_map(router, NGX_INTAKE_REDIS_AGAIN);
        ngx_intake_redis_move(redis, op, node);

        return NGX_OK;
    }

    if (ngx_intake_redis_add_asking(op, &redis->log) != NGX_OK) {
        return NGX_DECLINED;
    }

    ngx_intake_redis_move(redis, op, node);

    return NGX_OK;
}


/* takes it from a client, as if it had never been sent to it */

static void
ngx_intake_redis_disown(ngx_intake_redis_t *redis, ngx_intake_redis_op_t *op)
{
    ngx_queue_remove(&op->queue);
    ngx_queue_remove(&op->deadlines);

    redis->info.in_flight--;
    redis->bytes -= op->size;

    ngx_intake_redis_set_timer(redis);
    ngx_intake_redis_op_rewind(op);
}


static void
ngx_intake_redis_move(ngx_intake_redis_t *from, ngx_intake_redis_op_t *op,
    ngx_uint_t node)
{
    ngx_intake_redis_t  *router, *to;

    router = from->router ? from->router : from;

    ngx_intake_redis_disown(from, op);

    if (ngx_intake_redis_start(router, node, &to) != NGX_OK) {
        to = router;
    }

    ngx_intake_redis_accept(to, op);
}


void
ngx_intake_redis_reroute(ngx_intake_redis_t *redis)
{
    ngx_uint_t                   i;
    ngx_intake_redis_cluster_t  *cluster;

    cluster = redis->cluster;

    ngx_intake_redis_reroute_queue(redis, redis, 0);

    /* what waits for a node that is gone goes to who has the slot now */

    for (i = 0; i < NGX_INTAKE_REDIS_MAX_NODES; i++) {
        if (cluster->nodes[i] && cluster->nodes[i]->client) {
            ngx_intake_redis_reroute_queue(redis, cluster->nodes[i]->client,
                                           i + 1);
        }
    }
}


static void
ngx_intake_redis_reroute_queue(ngx_intake_redis_t *redis,
    ngx_intake_redis_t *from, ngx_uint_t node)
{
    ngx_uint_t              owner;
    ngx_queue_t            *q, all;
    ngx_intake_redis_op_t  *op;

    /* one that finds no client comes back, and must not be met again */

    ngx_queue_init(&all);
    ngx_queue_add(&all, &from->waiting);
    ngx_queue_init(&from->waiting);

    while (!ngx_queue_empty(&all)) {
        q = ngx_queue_head(&all);
        op = ngx_queue_data(q, ngx_intake_redis_op_t, queue);

        owner = redis->cluster->owner[op->slot];

        if (owner && owner != node && !op->asking) {
            ngx_intake_redis_move(from, op, owner);
            continue;
        }

        ngx_queue_remove(q);
        ngx_queue_insert_tail(&from->waiting, q);
    }
}


/* ASKING is for the next command only, so the two leave as one */

static ngx_int_t
ngx_intake_redis_add_asking(ngx_intake_redis_op_t *op, ngx_log_t *log)
{
    u_char  *p, *start;
    size_t   len, prefix;

    prefix = sizeof(NGX_INTAKE_REDIS_ASKING) - 1;
    len = op->buf.last - op->buf.start;

    start = ngx_alloc(prefix + len, log);
    if (start == NULL) {
        return NGX_ERROR;
    }

    p = ngx_cpymem(start, NGX_INTAKE_REDIS_ASKING, prefix);
    p = ngx_cpymem(p, op->buf.start, len);

    /* an EVAL has no use for them any more */

    op->args = start + prefix + (op->args - op->buf.start);

    if (op->asked) {
        ngx_free(op->asked);
    }

    op->asked = start;
    op->asking = 1;

    op->buf.start = start;
    op->buf.pos = start;
    op->buf.last = p;
    op->buf.end = p;

    return NGX_OK;
}


static void
ngx_intake_redis_drop_asking(ngx_intake_redis_op_t *op)
{
    op->buf.start += sizeof(NGX_INTAKE_REDIS_ASKING) - 1;
    op->buf.pos = op->buf.start;
    op->asking = 0;
}
