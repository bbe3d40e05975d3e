
/*
 * Copyright (C) nginx-intake contributors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include "ngx_intake_redis_internal.h"


static void ngx_intake_redis_start_hello(ngx_intake_redis_t *redis);
static void ngx_intake_redis_ready(ngx_intake_redis_t *redis);
static void ngx_intake_redis_timed_out(ngx_intake_redis_t *redis);
static void ngx_intake_redis_quit(ngx_intake_redis_t *redis);
static ngx_uint_t ngx_intake_redis_steady(ngx_intake_redis_t *redis);
static void ngx_intake_redis_report(ngx_intake_redis_t *redis,
    ngx_intake_redis_close_e why, ngx_err_t err, const char *reason,
    ngx_uint_t repeated, ngx_uint_t unknown);
static void ngx_intake_redis_close_connection(ngx_intake_redis_t *redis);
static void ngx_intake_redis_refuse_waiting(ngx_intake_redis_t *redis,
    ngx_uint_t all, ngx_queue_t *told);
static void ngx_intake_redis_tell(ngx_intake_redis_t *redis,
    ngx_queue_t *told, ngx_uint_t destroy);


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


/* not before: a connection that comes and goes is no change of state */

void
ngx_intake_redis_report_well(ngx_intake_redis_t *redis)
{
    ngx_log_error(NGX_LOG_NOTICE, &redis->connection->log, 0,
                  "redis is ready again, %ui operations were refused "
                  "meanwhile", redis->refused);

    redis->reported = 0;
    redis->refused = 0;
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
ngx_intake_redis_keep_text(ngx_intake_redis_connection_t *rc,
    ngx_str_t *text)
{
    rc->text.data = rc->text_buf;
    rc->text.len = ngx_intake_redis_error_text(rc->text_buf,
                                               sizeof(rc->text_buf), text);
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


void
ngx_intake_redis_close(ngx_intake_redis_t *redis,
    ngx_intake_redis_close_e why, ngx_err_t err, const char *reason)
{
    ngx_uint_t   steady, ready, alive, cut, repeated, unknown;
    ngx_queue_t  told;

    alive = (why != NGX_INTAKE_REDIS_CLOSE_SHUTDOWN
             && why != NGX_INTAKE_REDIS_CLOSE_DESTROY);

    ready = (redis->info.state >= NGX_INTAKE_REDIS_READY);
    steady = ngx_intake_redis_steady(redis);
    cut = (err == 0 || err == NGX_ECONNRESET || err == NGX_EPIPE);

    if (!steady
        && (why == NGX_INTAKE_REDIS_CLOSE_LOST
            || why == NGX_INTAKE_REDIS_CLOSE_CLEAN
            || why == NGX_INTAKE_REDIS_CLOSE_DEMOTED))
    {
        why = NGX_INTAKE_REDIS_CLOSE_FAILED;
    }

    ngx_queue_init(&told);

    repeated = 0;
    unknown = 0;

    if (redis->connection) {
        ngx_intake_redis_op_requeue(redis, alive, cut, &told, &repeated,
                                    &unknown);
    }

    if (why != NGX_INTAKE_REDIS_CLOSE_DESTROY) {
        ngx_intake_redis_report(redis, why, err, reason, repeated, unknown);
    }

    ngx_intake_redis_close_connection(redis);

    redis->info.state = NGX_INTAKE_REDIS_DOWN;

    if (alive) {
        ngx_intake_redis_again(redis, why, steady);
    }

    if (!alive || (redis->retry.timer_set && (!ready || redis->avoided))) {
        ngx_intake_redis_refuse_waiting(redis, !alive, &told);
    }

    if (redis->retry.timer_set && !redis->avoided
        && !ngx_queue_empty(&redis->waiting))
    {
        ngx_intake_redis_hurry(redis);
    }

    /* nothing is left of the connection: handlers may send again */

    ngx_intake_redis_tell(redis, &told,
                          why == NGX_INTAKE_REDIS_CLOSE_DESTROY);

    if (why != NGX_INTAKE_REDIS_CLOSE_DESTROY) {
        ngx_intake_redis_changed(redis);
    }
}


static ngx_uint_t
ngx_intake_redis_steady(ngx_intake_redis_t *redis)
{
    return redis->info.state >= NGX_INTAKE_REDIS_READY
           && ngx_current_msec - redis->connection->ready
              >= NGX_INTAKE_REDIS_STEADY;
}


static void
ngx_intake_redis_report(ngx_intake_redis_t *redis,
    ngx_intake_redis_close_e why, ngx_err_t err, const char *reason,
    ngx_uint_t repeated, ngx_uint_t unknown)
{
    ngx_uint_t  level, kind, last;
    ngx_str_t  *text, none;
    ngx_log_t  *log;

    ngx_str_null(&none);

    log = redis->connection ? &redis->connection->log : &redis->log;
    text = redis->connection ? &redis->connection->text : &none;

    log->log_level = redis->log.log_level;

    /* of several servers the last one to fail stands for all */

    last = (redis->left <= 1
            && redis->addr + 1 >= redis->peers[redis->peer].naddrs);

    kind = NGX_INTAKE_REDIS_REPORTED_AWAY;
    level = NGX_LOG_INFO;

    switch (why) {

    case NGX_INTAKE_REDIS_CLOSE_FAULT:
        kind = NGX_INTAKE_REDIS_REPORTED_FAULT;
        level = NGX_LOG_ERR;
        break;

    case NGX_INTAKE_REDIS_CLOSE_LOST:
    case NGX_INTAKE_REDIS_CLOSE_DEMOTED:
        level = NGX_LOG_ERR;
        break;

    case NGX_INTAKE_REDIS_CLOSE_FAILED:
        level = last ? NGX_LOG_ERR : NGX_LOG_INFO;
        break;

    default:
        break;
    }

    if (level == NGX_LOG_ERR) {

        if (redis->reported & kind) {
            level = NGX_LOG_INFO;
        }

        redis->reported |= kind;
    }

    if (repeated || unknown) {
        ngx_log_error(level, log, err,
                      "redis connection lost: %s%s%V%s, operations sent "
                      "again: %ui, left with unknown outcome: %ui",
                      reason, text->len ? ": \"" : "", text,
                      text->len ? "\"" : "", repeated, unknown);
        return;
    }

    ngx_log_error(level, log, err, "redis connection %s: %s%s%V%s",
                  (redis->info.state >= NGX_INTAKE_REDIS_READY)
                  ? "ended" : "failed",
                  reason, text->len ? ": \"" : "", text,
                  text->len ? "\"" : "");
}


static void
ngx_intake_redis_close_connection(ngx_intake_redis_t *redis)
{
    ngx_pool_t                     *pool;
    ngx_connection_t               *c;
    ngx_intake_redis_connection_t  *rc;

    if (redis->sentinel && redis->sentinel->op) {
        ngx_intake_redis_forget(redis->sentinel->op);
        redis->sentinel->op = NULL;
    }

    if (redis->resolve) {
        ngx_resolve_name_done(redis->resolve);
        redis->resolve = NULL;
    }

    if (redis->ping.timer_set) {
        ngx_del_timer(&redis->ping);
    }

    rc = redis->connection;

    if (rc == NULL) {
        return;
    }

    redis->connection = NULL;

    redis->info.fsync = -1;
    redis->info.replicas = -1;

    if (rc->reader) {
        ngx_intake_redis_reader_free(rc->reader);
    }

    c = rc->peer.connection;

    if (c) {

#if (NGX_SSL)
        if (c->ssl) {
            c->ssl->no_wait_shutdown = 1;
            c->ssl->no_send_shutdown = 1;

            /* with both set it has nothing to wait for */

            (void) ngx_ssl_shutdown(c);
        }
#endif

        c->destroyed = 1;

        ngx_close_connection(c);
    }

    pool = rc->pool;

    ngx_destroy_pool(pool);
}


/*
 * After a failed try nothing that waited for it waits on, but for what was
 * sent before: only the server can tell whether that was executed.  A server
 * that was away did not go because of one operation.
 */

static void
ngx_intake_redis_refuse_waiting(ngx_intake_redis_t *redis, ngx_uint_t all,
    ngx_queue_t *told)
{
    ngx_queue_t            *q;
    ngx_intake_redis_op_t  *op;

    q = ngx_queue_head(&redis->waiting);

    while (q != ngx_queue_sentinel(&redis->waiting)) {

        op = ngx_queue_data(q, ngx_intake_redis_op_t, queue);
        q = ngx_queue_next(q);

        op->cuts = 0;

        if (all || !op->maybe) {
            ngx_queue_remove(&op->queue);
            ngx_queue_insert_tail(told, &op->queue);
        }
    }
}


static void
ngx_intake_redis_tell(ngx_intake_redis_t *redis, ngx_queue_t *told,
    ngx_uint_t destroy)
{
    ngx_queue_t            *q;
    ngx_intake_redis_op_t  *op;

    while (!ngx_queue_empty(told)) {
        q = ngx_queue_head(told);
        op = ngx_queue_data(q, ngx_intake_redis_op_t, queue);

        if (destroy) {
            op->handler = NULL;
        }

        ngx_intake_redis_op_finish(redis, op, NGX_INTAKE_REDIS_REFUSED, NULL);
    }
}
