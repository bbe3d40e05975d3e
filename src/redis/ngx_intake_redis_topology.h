
/*
 * Copyright (C) nginx-intake contributors
 */


#ifndef _NGX_INTAKE_REDIS_TOPOLOGY_H_INCLUDED_
#define _NGX_INTAKE_REDIS_TOPOLOGY_H_INCLUDED_


/*
 * Sentinel and Cluster: where other servers say which one is talked to.
 *
 *   ngx_intake_redis_sentinel.c    who the master is
 *   ngx_intake_redis_cluster.c     which node has which slot
 *   ngx_intake_redis_node.c        the nodes, their clients
 *   ngx_intake_redis_redirect.c    an operation that goes to another node
 *   ngx_intake_redis_slots.c       the slot of a key
 */


#include "ngx_intake_redis_internal.h"
#include "ngx_intake_redis_slots.h"


#define NGX_INTAKE_REDIS_MAX_HOST  255


/* those who know which server is the master */

struct ngx_intake_redis_sentinel_s {
    ngx_intake_redis_t             *client;    /* of the sentinels */
    ngx_intake_redis_conf_t         conf;      /* of that client */

    ngx_intake_redis_op_t          *op;        /* the question, NULL: none */
    ngx_event_t                     ask;       /* posted: it was answered */
    ngx_uint_t                      asked;     /* sentinels, for this try */

    ngx_intake_redis_server_t       server;    /* that was named */
    ngx_str_t                       found;     /* its host */
    u_char                          host_buf[NGX_INTAKE_REDIS_MAX_HOST];

    unsigned                        answered:1;
    unsigned                        doubt:1;   /* the last answer was of no
                                                  use: ask another */
};


#define NGX_INTAKE_REDIS_MAX_NODES  255


/* a master of a cluster */

typedef struct {
    ngx_intake_redis_t             *client;    /* NULL: nothing was for it */
    ngx_intake_redis_conf_t         conf;      /* of that client */
    ngx_intake_redis_server_t       server;
    ngx_uint_t                      slots;     /* about so many are its */
    u_char                          host[NGX_INTAKE_REDIS_MAX_HOST];
    u_char                          url[NGX_INTAKE_REDIS_MAX_HOST
                                        + sizeof(":65535")];
} ngx_intake_redis_node_t;


struct ngx_intake_redis_cluster_s {
    ngx_intake_redis_t             *seeds;     /* of the configured nodes */
    ngx_intake_redis_conf_t         conf;      /* of that client */

    ngx_intake_redis_op_t          *op;        /* the question, NULL: none */
    ngx_event_t                     timer;     /* of the next one */

    /* the number of a slot's node from 1 on; 0: nobody */
    u_char                          owner[NGX_INTAKE_REDIS_SLOTS];
    ngx_intake_redis_node_t        *nodes[NGX_INTAKE_REDIS_MAX_NODES];

    ngx_intake_redis_info_t         all;       /* of all clients */
    ngx_atomic_uint_t               connects;  /* of clients that are gone */

    unsigned                        known:1;   /* there is a map */
    unsigned                        stale:1;   /* another is wanted */
};


/*
 * Whether servers that others name are talked to with TLS: as those others,
 * all of which are configured in one way.
 */
#define ngx_intake_redis_ssl(conf)                                           \
    ((ngx_intake_redis_server_t *) (conf)->servers.elts)->ssl


/* ngx_intake_redis_sentinel.c */

ngx_int_t ngx_intake_redis_create_sentinel(ngx_intake_redis_t *redis);
void ngx_intake_redis_destroy_sentinel(ngx_intake_redis_t *redis);

/* DOWN, no address is left: asks who the master is, then connects. */
void ngx_intake_redis_discover(ngx_intake_redis_t *redis);


/* ngx_intake_redis_cluster.c */

ngx_int_t ngx_intake_redis_create_cluster(ngx_intake_redis_t *redis);
void ngx_intake_redis_destroy_cluster(ngx_intake_redis_t *redis);

/*
 * The client of the node that has the slot of op.  NGX_AGAIN: it is to wait
 * here; NGX_DECLINED: no node can be reached.
 */
ngx_int_t ngx_intake_redis_route(ngx_intake_redis_t *redis,
    ngx_intake_redis_op_t *op, ngx_intake_redis_t **client);

/* ms between two questions for the map */
#define NGX_INTAKE_REDIS_MAP_SOON   50
#define NGX_INTAKE_REDIS_MAP_LATER  500

/* The map is asked for, in delay ms at the latest. */
void ngx_intake_redis_want_map(ngx_intake_redis_t *redis, ngx_msec_t delay);


/* ngx_intake_redis_node.c */

/*
 * The number of the node at host and port, as the server of from says; a new
 * one if need be.  0: it cannot be used.
 */
ngx_uint_t ngx_intake_redis_node(ngx_intake_redis_t *redis, ngx_str_t *host,
    in_port_t port, ngx_intake_redis_t *from);

/* The client of a node, by its number.  NGX_ERROR: no memory. */
ngx_int_t ngx_intake_redis_start(ngx_intake_redis_t *redis, ngx_uint_t node,
    ngx_intake_redis_t **client);

/* Whether a master can be talked to, as far as is known. */
ngx_uint_t ngx_intake_redis_some_node(ngx_intake_redis_t *redis);

/* Tells what the clients of the cluster are together; changed: one, or NULL. */
void ngx_intake_redis_node_info(void *data, ngx_intake_redis_info_t *changed);


/* ngx_intake_redis_redirect.c */

/*
 * op was answered with text: MOVED, ASK, TRYAGAIN or CLUSTERDOWN.  NGX_OK: it
 * is on another way; NGX_DECLINED: it cannot be.
 */
ngx_int_t ngx_intake_redis_redirect(ngx_intake_redis_t *redis,
    ngx_intake_redis_op_t *op, ngx_str_t *text);

/* There is a new map: all that waits goes to whom it is for. */
void ngx_intake_redis_reroute(ngx_intake_redis_t *redis);


#endif /* _NGX_INTAKE_REDIS_TOPOLOGY_H_INCLUDED_ */
