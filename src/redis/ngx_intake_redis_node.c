
/*
 * Copyright (C) nginx-intake contributors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include "ngx_intake_redis_topology.h"


/*
 * The nodes of a cluster: each has a client of its own, made for the first
 * operation that goes there.  What others ask of the cluster is what these
 * clients are together.
 */


static ngx_int_t ngx_intake_redis_create_node(ngx_intake_redis_t *redis,
    ngx_intake_redis_node_t *node);
static void ngx_intake_redis_add_info(ngx_intake_redis_info_t *all,
    ngx_intake_redis_info_t *info);


ngx_uint_t
ngx_intake_redis_node(ngx_intake_redis_t *redis, ngx_str_t *host,
    in_port_t port, ngx_intake_redis_t *from)
{
    ngx_uint_t                   i, unused;
    ngx_intake_redis_node_t     *node;
    ngx_intake_redis_cluster_t  *cluster;

    cluster = redis->cluster;
    unused = NGX_INTAKE_REDIS_MAX_NODES;

    /* a node that does not know its own address means the one it is at */

    if (host->len == 0) {
        host = &from->peers[from->peer].conf->host;
    }

    if (host->len == 0 || host->len > NGX_INTAKE_REDIS_MAX_HOST
        || (host->len == 1 && host->data[0] == '?'))
    {
        return 0;
    }

    for (i = 0; i < NGX_INTAKE_REDIS_MAX_NODES; i++) {
        node = cluster->nodes[i];

        if (node == NULL) {
            unused = ngx_min(unused, i);
            continue;
        }

        if (node->server.port == port && node->server.host.len == host->len
            && ngx_memcmp(node->server.host.data, host->data, host->len) == 0)
        {
            return i + 1;
        }
    }

    if (unused == NGX_INTAKE_REDIS_MAX_NODES) {
        return 0;
    }

    node = ngx_calloc(sizeof(ngx_intake_redis_node_t), &redis->log);
    if (node == NULL) {
        return 0;
    }

    ngx_memcpy(node->host, host->data, host->len);

    node->server.host.data = node->host;
    node->server.host.len = host->len;
    node->server.port = port;
    node->server.ssl = ngx_intake_redis_ssl(redis->conf);

    node->server.url.data = node->url;
    node->server.url.len = ngx_snprintf(node->url, sizeof(node->url),
                                        "%V:%ui", host, (ngx_uint_t) port)
                           - node->url;

    cluster->nodes[unused] = node;

    return unused + 1;
}


ngx_int_t
ngx_intake_redis_start(ngx_intake_redis_t *redis, ngx_uint_t node,
    ngx_intake_redis_t **client)
{
    ngx_intake_redis_node_t  *n;

    n = redis->cluster->nodes[node - 1];

    if (n->client == NULL && ngx_intake_redis_create_node(redis, n) != NGX_OK)
    {
        return NGX_ERROR;
    }

    *client = n->client;

    return NGX_OK;
}


static ngx_int_t
ngx_intake_redis_create_node(ngx_intake_redis_t *redis,
    ngx_intake_redis_node_t *node)
{
    ngx_int_t                 rc;
    ngx_intake_redis_t       *client;
    ngx_intake_redis_conf_t  *conf;

    conf = &node->conf;

    *conf = *redis->conf;
    conf->topology = NGX_INTAKE_REDIS_SERVERS;
    conf->servers.elts = &node->server;
    conf->servers.nelts = 1;

    client = ngx_intake_redis_create_client(redis->cycle, conf,
                                            NGX_INTAKE_REDIS_KIND_NODE);
    if (client == NULL) {
        return NGX_ERROR;
    }

    /* a name is resolved by the client, an address it is told */

    rc = ngx_intake_redis_set_address(client, &node->server.host,
                                      node->server.port);

    if (rc == NGX_ERROR) {
        ngx_intake_redis_destroy(client);
        return NGX_ERROR;
    }

    node->server.addrs = client->peers[0].addrs;
    node->server.naddrs = client->peers[0].naddrs;

    client->durable = redis->durable;
    client->router = redis;
    client->info_handler = ngx_intake_redis_node_info;
    client->data = redis;

    node->client = client;

    return NGX_OK;
}


ngx_uint_t
ngx_intake_redis_some_node(ngx_intake_redis_t *redis)
{
    ngx_uint_t                i;
    ngx_intake_redis_node_t  *node;

    if (!redis->cluster->known) {
        return 0;
    }

    for (i = 0; i < NGX_INTAKE_REDIS_MAX_NODES; i++) {
        node = redis->cluster->nodes[i];

        if (node && node->slots
            && (node->client == NULL
                || node->client->info.state == NGX_INTAKE_REDIS_READY))
        {
            return 1;
        }
    }

    return 0;
}


void
ngx_intake_redis_node_info(void *data, ngx_intake_redis_info_t *changed)
{
    ngx_intake_redis_t *redis = data;

    ngx_uint_t                   i;
    ngx_intake_redis_t          *client;
    ngx_intake_redis_info_t      all;
    ngx_intake_redis_cluster_t  *cluster;

    cluster = redis->cluster;

    if (cluster == NULL) {
        return;
    }

    all = cluster->seeds->info;
    all.connects += cluster->connects;

    /* the question for the map is nobody's operation */

    all.in_flight = redis->info.in_flight;
    all.fsync = -1;
    all.replicas = -1;

    if (!cluster->known) {
        all.state = ngx_min(all.state, NGX_INTAKE_REDIS_HELLO);

    } else if (all.state != NGX_INTAKE_REDIS_DRAINING) {
        all.state = NGX_INTAKE_REDIS_READY;
    }

    for (i = 0; i < NGX_INTAKE_REDIS_MAX_NODES; i++) {

        if (cluster->nodes[i] == NULL || cluster->nodes[i]->client == NULL) {
            continue;
        }

        client = cluster->nodes[i]->client;

        all.connects += client->info.connects;

        if (cluster->nodes[i]->slots) {
            ngx_intake_redis_add_info(&all, &client->info);
        }
    }

    if (changed && changed != &cluster->seeds->info
        && changed->state == NGX_INTAKE_REDIS_DOWN)
    {
        ngx_intake_redis_want_map(redis, NGX_INTAKE_REDIS_MAP_SOON);
    }

    cluster->all = all;

    if (redis->info_handler) {
        redis->info_handler(redis->data, &cluster->all);
    }
}


static void
ngx_intake_redis_add_info(ngx_intake_redis_info_t *all,
    ngx_intake_redis_info_t *info)
{
    all->state = ngx_min(all->state, info->state);
    all->in_flight += info->in_flight;
    all->round_trip = ngx_max(all->round_trip, info->round_trip);

    if (info->appendonly == 0) {
        all->appendonly = 0;
    }

    if (info->evicting == 1) {
        all->evicting = 1;
        ngx_memcpy(all->maxmemory_policy, info->maxmemory_policy,
                   sizeof(all->maxmemory_policy));
    }

    if (info->fsync == 0 || all->fsync == -1) {
        all->fsync = info->fsync;
    }

    if (info->replicas != -1
        && (all->replicas == -1 || info->replicas < all->replicas))
    {
        all->replicas = info->replicas;
    }
}
