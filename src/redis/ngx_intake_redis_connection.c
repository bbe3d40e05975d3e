
/*
 * Copyright (C) nginx-intake contributors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include "ngx_intake_redis_topology.h"


static void ngx_intake_redis_start_hello(ngx_intake_redis_t *redis);
static void ngx_intake_redis_ready(ngx_intake_redis_t *redis);
static void ngx_intake_redis_timed_out(ngx_intake_redis_t *redis);
static void ngx_intake_redis_quit(ngx_intake_redis_t *redis);


static const char  *ngx_intake_redis_states[] = {
    "down", "resolving", "connecting", "tls", "hello", "ready", "draining"
};


void
ngx_intake_redis_next(ngx_intake_redis_t *redis)
{
    ngx_intake_redis_peer_t  *peer;

    peer = &redis->peers[redis->peer];

    switch (redis->info.state) {

    case NGX_INTAKE_REDIS_DOWN:

        if (redis->sentinel && redis->addr == 0) {
            ngx_intake_redis_discover(redis);
            return;
        }

        if (peer->conf->naddrs == 0 && redis->addr == 0) {
            ngx_intake_redis_resolve(redis);
            return;
        }

        /* fall through */

    case NGX_INTAKE_REDIS_RESOLVING:

        ngx_intake_redis_connect(redis);
        return;

    case NGX_INTAKE_REDIS_CONNECTING:

#if (NGX_SSL)
        if (peer->conf->ssl) {
            ngx_intake_redis_tls(redis);
            return;
        }
#else
        if (peer->conf->ssl) {
            ngx_intake_redis_close(redis, NGX_INTAKE_REDIS_CLOSE_FAULT, 0,
                                   "nginx was built without TLS");
            return;
        }
#endif

        /* fall through */

    case NGX_INTAKE_REDIS_TLS:

        ngx_intake_redis_start_hello(redis);
        return;

    case NGX_INTAKE_REDIS_HELLO:

        ngx_intake_redis_ready(redis);
        return;

    case NGX_INTAKE_REDIS_READY:

        ngx_intake_redis_set_state(redis, NGX_INTAKE_REDIS_DRAINING);
        return;

    case NGX_INTAKE_REDIS_DRAINING:

        ngx_intake_redis_close(redis,
                               redis->connection->leaving
                               ? redis->connection->leaving
                               : NGX_INTAKE_REDIS_CLOSE_QUIT,
                               0, redis->connection->reason);
        return;
    }
}


void
ngx_intake_redis_set_state(ngx_intake_redis_t *redis,
    ngx_intake_redis_state_e state)
{
    ngx_log_debug2(NGX_LOG_DEBUG_EVENT, &redis->log, 0, "redis %s -> %s",
                   ngx_intake_redis_states[redis->info.state],
                   ngx_intake_redis_states[state]);

    redis->info.state = state;

    ngx_intake_redis_changed(redis);
}


static void
ngx_intake_redis_start_hello(ngx_intake_redis_t *redis)
{
    ngx_connection_t               *c;
    ngx_intake_redis_connection_t  *rc;

    rc = redis->connection;
    c = rc->peer.connection;

    ngx_intake_redis_set_state(redis, NGX_INTAKE_REDIS_HELLO);

    c->read->handler = ngx_intake_redis_read_handler;
    c->write->handler = ngx_intake_redis_write_handler;

    /* how durable it is takes the server longer than to answer */

    ngx_add_timer(c->read, redis->conf->connect_timeout
                           + (redis->durable ? redis->conf->timeout : 0));

    rc->reader = ngx_intake_redis_reader_create();
    rc->buffer = ngx_palloc(rc->pool, NGX_INTAKE_REDIS_BUFFER_SIZE);

    if (rc->reader == NULL || rc->buffer == NULL
        || ngx_intake_redis_hello(redis, 0) != NGX_OK)
    {
        ngx_intake_redis_close(redis, NGX_INTAKE_REDIS_CLOSE_FAILED, 0,
                               "no memory");
        return;
    }

    /* TLS may have read ahead */

    if (c->read->ready) {
        ngx_post_event(c->read, &ngx_posted_events);
    }

    ngx_intake_redis_flush(redis);
}


static void
ngx_intake_redis_ready(ngx_intake_redis_t *redis)
{
    ngx_connection_t               *c;
    ngx_intake_redis_connection_t  *rc;

    rc = redis->connection;
    c = rc->peer.connection;

    rc->ready = ngx_current_msec;
    rc->log.log_level = redis->log.log_level;
    rc->text.len = 0;

    /* from here on it is the time without a reply, only while one is due */

    if (c->read->timer_set) {
        ngx_del_timer(c->read);
    }

    ngx_log_error(NGX_LOG_INFO, &rc->log, 0,
                  redis->kind == NGX_INTAKE_REDIS_KIND_SENTINEL
                  ? "sentinel is ready" : "redis is ready");

    if (!redis->reported) {
        redis->refused = 0;
    }

    if (redis->sentinel) {
        redis->sentinel->doubt = 0;
    }

    redis->left = redis->npeers;
    redis->begun = 0;
    redis->avoided = 0;
    redis->info.connects++;

    ngx_intake_redis_set_ping(redis);

    ngx_intake_redis_set_state(redis, NGX_INTAKE_REDIS_READY);

    ngx_intake_redis_post_write(redis);
}


void
ngx_intake_redis_leave(ngx_intake_redis_t *redis,
    ngx_intake_redis_close_e why, const char *reason, ngx_str_t *text)
{
    ngx_intake_redis_connection_t  *rc;

    rc = redis->connection;

    if (rc->leaving) {
        return;
    }

    rc->leaving = why;
    rc->reason = reason;
    ngx_intake_redis_keep_text(rc, text);

    if (redis->info.state == NGX_INTAKE_REDIS_READY) {
        ngx_intake_redis_next(redis);
    }
}


void
ngx_intake_redis_read_handler(ngx_event_t *rev)
{
    ngx_connection_t    *c;
    ngx_intake_redis_t  *redis;

    c = rev->data;
    redis = c->data;

    if (c->close) {
        ngx_intake_redis_quit(redis);
        return;
    }

    if (rev->timedout) {
        rev->timedout = 0;
        ngx_intake_redis_timed_out(redis);
        return;
    }

    if (redis->info.state == NGX_INTAKE_REDIS_CONNECTING) {
        ngx_intake_redis_connected(redis);
        return;
    }

    ngx_intake_redis_receive(redis);
}


void
ngx_intake_redis_write_handler(ngx_event_t *wev)
{
    ngx_connection_t    *c;
    ngx_intake_redis_t  *redis;

    c = wev->data;
    redis = c->data;

    if (redis->info.state == NGX_INTAKE_REDIS_CONNECTING) {
        ngx_intake_redis_connected(redis);
        return;
    }

    ngx_intake_redis_flush(redis);
}


static void
ngx_intake_redis_timed_out(ngx_intake_redis_t *redis)
{
    switch (redis->info.state) {

    case NGX_INTAKE_REDIS_CONNECTING:
        ngx_intake_redis_close(redis, NGX_INTAKE_REDIS_CLOSE_FAILED,
                               NGX_ETIMEDOUT, "connect() timed out");
        break;

    case NGX_INTAKE_REDIS_HELLO:
        ngx_intake_redis_close(redis, NGX_INTAKE_REDIS_CLOSE_FAILED,
                               NGX_ETIMEDOUT, "no answer after connect");
        break;

    default:

        /* the timer is not deleted with each last reply */

        if (ngx_intake_redis_due(redis)) {
            ngx_intake_redis_close(redis, NGX_INTAKE_REDIS_CLOSE_LOST,
                                   NGX_ETIMEDOUT, "no reply");
        }

        break;
    }
}


/* on quit nginx closes what is idle, on worker_shutdown_timeout the rest */

static void
ngx_intake_redis_quit(ngx_intake_redis_t *redis)
{
    ngx_connection_t  *c;

    c = redis->connection->peer.connection;

    if (c->error) {
        ngx_intake_redis_close(redis, NGX_INTAKE_REDIS_CLOSE_SHUTDOWN, 0,
                               "the worker shuts down");
        return;
    }

    /* the same event is still needed for replies */

    c->close = 0;

    ngx_intake_redis_settle(redis);
}
