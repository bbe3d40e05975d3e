
/*
 * Copyright (C) nginx-intake contributors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include "ngx_intake_redis_topology.h"


/* The end of a connection: what becomes of its operations, what is logged. */


static ngx_uint_t ngx_intake_redis_steady(ngx_intake_redis_t *redis);
static void ngx_intake_redis_report(ngx_intake_redis_t *redis,
    ngx_intake_redis_close_e why, ngx_err_t err, const char *reason,
    ngx_uint_t repeated, ngx_uint_t unknown);
static void ngx_intake_redis_close_connection(ngx_intake_redis_t *redis);
static void ngx_intake_redis_refuse_waiting(ngx_intake_redis_t *redis,
    ngx_uint_t all, ngx_queue_t *told);
static void ngx_intake_redis_tell(ngx_intake_redis_t *redis,
    ngx_queue_t *told, ngx_uint_t destroy);


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
ngx_intake_redis_keep_text(ngx_intake_redis_connection_t *rc,
    ngx_str_t *text)
{
    rc->text.data = rc->text_buf;
    rc->text.len = ngx_intake_redis_error_text(rc->text_buf,
                                               sizeof(rc->text_buf), text);
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
