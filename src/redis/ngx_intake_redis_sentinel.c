
/*
 * Copyright (C) nginx-intake contributors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include "ngx_intake_redis_topology.h"


/*
 * Sentinel: before each connection it is asked who the master is.  The
 * sentinels have a client of their own, which tries them in turn; the next one
 * is asked when one does not know, does not answer, or named a server that
 * cannot be used or whose ROLE is another.  All addresses of a name are tried
 * before that.
 */


static ngx_int_t ngx_intake_redis_ask_sentinel(ngx_intake_redis_t *redis);
static void ngx_intake_redis_sentinel_handler(void *data,
    ngx_intake_redis_result_e result, ngx_intake_redis_reply_t *reply);
static ngx_int_t ngx_intake_redis_found(ngx_intake_redis_t *redis,
    ngx_intake_redis_reply_t *reply);
static void ngx_intake_redis_ask_handler(ngx_event_t *ev);
static void ngx_intake_redis_next_sentinel(ngx_intake_redis_t *redis);
static void ngx_intake_redis_use(ngx_intake_redis_t *redis);


ngx_int_t
ngx_intake_redis_create_sentinel(ngx_intake_redis_t *redis)
{
    ngx_intake_redis_conf_t      *conf;
    ngx_intake_redis_sentinel_t  *sentinel;

    sentinel = ngx_pcalloc(redis->pool, sizeof(ngx_intake_redis_sentinel_t));
    if (sentinel == NULL) {
        return NGX_ERROR;
    }

    sentinel->found.data = sentinel->host_buf;
    sentinel->server.url = redis->conf->url;
    sentinel->server.ssl = ngx_intake_redis_ssl(redis->conf);

    sentinel->ask.handler = ngx_intake_redis_ask_handler;
    sentinel->ask.data = redis;
    sentinel->ask.log = &redis->log;

    /* all that is said of the server is not said of its sentinels */

    conf = &sentinel->conf;

    *conf = *redis->conf;
    conf->topology = NGX_INTAKE_REDIS_SERVERS;
    conf->password = redis->conf->sentinel_password;
    conf->database = 0;
    ngx_str_null(&conf->user);

    sentinel->client = ngx_intake_redis_create_client(redis->cycle, conf,
                                            NGX_INTAKE_REDIS_KIND_SENTINEL);
    if (sentinel->client == NULL) {
        return NGX_ERROR;
    }

    redis->sentinel = sentinel;

    redis->peers[0].conf = &sentinel->server;
    redis->peers[0].naddrs = 0;

    return NGX_OK;
}


void
ngx_intake_redis_destroy_sentinel(ngx_intake_redis_t *redis)
{
    if (redis->sentinel->ask.posted) {
        ngx_delete_posted_event(&redis->sentinel->ask);
    }

    ngx_intake_redis_destroy(redis->sentinel->client);
}


void
ngx_intake_redis_discover(ngx_intake_redis_t *redis)
{
    ngx_intake_redis_sentinel_t  *sentinel;

    sentinel = redis->sentinel;

    ngx_intake_redis_set_state(redis, NGX_INTAKE_REDIS_RESOLVING);

    sentinel->asked = 0;

    /* those of another name would be of another server */

    redis->peers[redis->peer].naddrs = 0;

    if (sentinel->doubt) {
        ngx_intake_redis_next_sentinel(redis);
    }

    /* what it names is in doubt until it is READY */

    sentinel->doubt = 1;

    if (ngx_intake_redis_ask_sentinel(redis) != NGX_OK) {
        ngx_intake_redis_close(redis, NGX_INTAKE_REDIS_CLOSE_FAILED, 0,
                               "no sentinel answers");
    }
}


static ngx_int_t
ngx_intake_redis_ask_sentinel(ngx_intake_redis_t *redis)
{
    ngx_str_t                    *name;
    ngx_intake_redis_op_t        *op;
    ngx_intake_redis_sentinel_t  *sentinel;

    sentinel = redis->sentinel;
    name = &redis->conf->master;

    sentinel->asked++;

    op = ngx_intake_redis_op_create(3, sizeof("SENTINEL") - 1
                                       + sizeof("GET-MASTER-ADDR-BY-NAME") - 1
                                       + name->len, &redis->log);
    if (op == NULL) {
        return NGX_ERROR;
    }

    ngx_intake_redis_op_arg(op, (u_char *) "SENTINEL",
                            sizeof("SENTINEL") - 1);
    ngx_intake_redis_op_arg(op, (u_char *) "GET-MASTER-ADDR-BY-NAME",
                            sizeof("GET-MASTER-ADDR-BY-NAME") - 1);
    ngx_intake_redis_op_arg(op, name->data, name->len);

    if (ngx_intake_redis_send(sentinel->client, op,
                              redis->conf->connect_timeout, 1,
                              ngx_intake_redis_sentinel_handler, redis)
        != NGX_OK)
    {
        ngx_intake_redis_op_free(op);
        return NGX_ERROR;
    }

    sentinel->op = op;

    return NGX_OK;
}


static void
ngx_intake_redis_sentinel_handler(void *data,
    ngx_intake_redis_result_e result, ngx_intake_redis_reply_t *reply)
{
    ngx_intake_redis_t *redis = data;

    redis->sentinel->op = NULL;

    redis->sentinel->answered = (result == NGX_INTAKE_REDIS_OK
                                 && ngx_intake_redis_found(redis, reply)
                                    == NGX_OK);

    /* this is the client of the sentinels that is running */

    ngx_post_event(&redis->sentinel->ask, &ngx_posted_events);
}


/* [host, port] or nil */

static ngx_int_t
ngx_intake_redis_found(ngx_intake_redis_t *redis,
    ngx_intake_redis_reply_t *reply)
{
    ngx_int_t                     port;
    ngx_intake_redis_reply_t      host, number;
    ngx_intake_redis_sentinel_t  *sentinel;

    sentinel = redis->sentinel;

    if (reply->type != NGX_INTAKE_REDIS_ARRAY || reply->nelts != 2) {
        return NGX_DECLINED;
    }

    host = ngx_intake_redis_element(reply, 0);
    number = ngx_intake_redis_element(reply, 1);

    port = ngx_atoi(number.str.data, number.str.len);

    if (host.str.len == 0 || host.str.len > NGX_INTAKE_REDIS_MAX_HOST
        || port < 1 || port > 65535)
    {
        return NGX_DECLINED;
    }

    ngx_memcpy(sentinel->host_buf, host.str.data, host.str.len);
    sentinel->found.len = host.str.len;
    sentinel->server.port = (in_port_t) port;

    return NGX_OK;
}


static void
ngx_intake_redis_ask_handler(ngx_event_t *ev)
{
    ngx_intake_redis_t           *redis;
    ngx_intake_redis_sentinel_t  *sentinel;

    redis = ev->data;
    sentinel = redis->sentinel;

    if (redis->info.state != NGX_INTAKE_REDIS_RESOLVING) {
        return;
    }

    if (sentinel->answered) {
        ngx_intake_redis_use(redis);
        return;
    }

    if (sentinel->asked < sentinel->client->npeers) {

        ngx_intake_redis_next_sentinel(redis);

        if (ngx_intake_redis_ask_sentinel(redis) == NGX_OK) {
            return;
        }
    }

    ngx_intake_redis_close(redis, NGX_INTAKE_REDIS_CLOSE_FAILED, 0,
                           "no sentinel knows the master");
}


static void
ngx_intake_redis_next_sentinel(ngx_intake_redis_t *redis)
{
    ngx_intake_redis_t  *client;

    client = redis->sentinel->client;

    if (client->npeers > 1 && client->connection) {
        ngx_intake_redis_close(client, NGX_INTAKE_REDIS_CLOSE_NEXT, 0,
                               "another sentinel is asked");
    }
}


/* the server that was named, which is the only peer */

static void
ngx_intake_redis_use(ngx_intake_redis_t *redis)
{
    ngx_str_t                  *host;
    ngx_intake_redis_server_t  *server;

    host = &redis->sentinel->found;
    server = &redis->sentinel->server;

    redis->peers[redis->peer].name = *host;
    server->host = *host;

    switch (ngx_intake_redis_set_address(redis, host, server->port)) {

    case NGX_OK:
        ngx_intake_redis_next(redis);
        return;

    case NGX_DECLINED:
        ngx_intake_redis_resolve(redis);
        return;

    default: /* NGX_ERROR */
        ngx_intake_redis_close(redis, NGX_INTAKE_REDIS_CLOSE_FAILED, 0,
                               "no memory");
        return;
    }
}
