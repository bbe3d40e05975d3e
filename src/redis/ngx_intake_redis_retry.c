
/*
 * Copyright (C) nginx-intake contributors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include "ngx_intake_redis_internal.h"


/*
 * When the client connects again, and to which server; and when it asks the
 * one it has what it is.
 */


/* ms */
#define NGX_INTAKE_REDIS_MIN_BACKOFF    100
#define NGX_INTAKE_REDIS_MAX_BACKOFF    5000

/* until the questions of ngx_intake_redis_hello.c are asked again */
#define NGX_INTAKE_REDIS_PING_INTERVAL  15000

/* until an operator has changed something */
#define NGX_INTAKE_REDIS_FAULT_BACKOFF  10000

/* where a fail-over is what ends it */
#define NGX_INTAKE_REDIS_SENTINEL_BACKOFF  1000


static void ngx_intake_redis_back_off(ngx_intake_redis_t *redis,
    ngx_uint_t fault);


void
ngx_intake_redis_retry_handler(ngx_event_t *ev)
{
    ngx_intake_redis_t  *redis;

    redis = ev->data;

    if (redis->info.state != NGX_INTAKE_REDIS_DOWN) {
        return;
    }

    /* a worker that quits connects only for those who still wait */

    if (ngx_exiting && ngx_queue_empty(&redis->waiting)) {
        return;
    }

    if (redis->begun == 0) {
        redis->begun = ngx_current_msec;
    }

    ngx_intake_redis_next(redis);
}


void
ngx_intake_redis_hurry(ngx_intake_redis_t *redis)
{
    ngx_msec_t    due, now;
    ngx_event_t  *ev;

    ev = &redis->retry;

    if (!ev->timer_set) {
        ngx_post_event(ev, &ngx_posted_events);
        return;
    }

    due = redis->tried + NGX_INTAKE_REDIS_MIN_BACKOFF;

    if ((ngx_msec_int_t) (ev->timer.key - due) <= 0) {
        return;
    }

    ngx_del_timer(ev);

    now = ngx_current_msec;

    ngx_add_timer(ev, (ngx_msec_int_t) (due - now) > 0 ? due - now : 0);
}


void
ngx_intake_redis_again(ngx_intake_redis_t *redis,
    ngx_intake_redis_close_e why, ngx_uint_t steady)
{
    if (steady) {
        redis->backoff = 0;
    }

    switch (why) {

    case NGX_INTAKE_REDIS_CLOSE_DEMOTED:
    case NGX_INTAKE_REDIS_CLOSE_NEXT:
        redis->peer = (redis->peer + 1) % redis->npeers;

        /* fall through */

    case NGX_INTAKE_REDIS_CLOSE_LOST:
    case NGX_INTAKE_REDIS_CLOSE_CLEAN:
    case NGX_INTAKE_REDIS_CLOSE_QUIT:
        redis->addr = 0;
        redis->left = redis->npeers;
        break;

    default: /* FAILED, FAULT */

        if (++redis->addr < redis->peers[redis->peer].naddrs) {
            break;
        }

        redis->addr = 0;
        redis->peer = (redis->peer + 1) % redis->npeers;

        if (--redis->left == 0) {
            redis->left = redis->npeers;

            ngx_intake_redis_back_off(redis,
                                      why == NGX_INTAKE_REDIS_CLOSE_FAULT);
            return;
        }

        break;
    }

    ngx_post_event(&redis->retry, &ngx_posted_events);
}


static void
ngx_intake_redis_back_off(ngx_intake_redis_t *redis, ngx_uint_t fault)
{
    ngx_msec_t  delay, longest;

    longest = (redis->sentinel || redis->kind)
              ? NGX_INTAKE_REDIS_SENTINEL_BACKOFF
              : NGX_INTAKE_REDIS_MAX_BACKOFF;

    redis->backoff = redis->backoff ? ngx_min(2 * redis->backoff, longest)
                                    : NGX_INTAKE_REDIS_MIN_BACKOFF;

    delay = fault ? NGX_INTAKE_REDIS_FAULT_BACKOFF : redis->backoff;

    /* the workers of many hosts must not come back all at once */

    delay = delay - delay / 4 + (ngx_msec_t) ngx_random() % (delay / 2 + 1);

    /*
     * A try that fails at once costs nothing, so the next operation has one
     * of its own; where nobody answers each of them would wait in vain.
     */

    redis->tried = ngx_current_msec;
    redis->avoided = (fault
                      || (redis->begun
                          && redis->tried - redis->begun
                             >= NGX_INTAKE_REDIS_MIN_BACKOFF));
    redis->begun = 0;

    ngx_add_timer(&redis->retry, delay);
}


void
ngx_intake_redis_ping_handler(ngx_event_t *ev)
{
    ngx_intake_redis_t             *redis;
    ngx_intake_redis_connection_t  *rc;

    redis = ev->data;

    if (redis->info.state != NGX_INTAKE_REDIS_READY || ngx_exiting
        || redis->kind == NGX_INTAKE_REDIS_KIND_SENTINEL)
    {
        return;
    }

    if (redis->reported) {
        ngx_intake_redis_report_well(redis);
    }

    rc = redis->connection;

    if (rc->nsteps == 0 && ngx_intake_redis_hello(redis, 1) == NGX_OK) {
        rc->peer.connection->idle = 0;
        ngx_intake_redis_post_write(redis);
    }

    ngx_intake_redis_set_ping(redis);
}


void
ngx_intake_redis_set_ping(ngx_intake_redis_t *redis)
{
    ngx_add_timer(&redis->ping, (redis->reported || redis->lacking)
                                ? NGX_INTAKE_REDIS_STEADY
                                : NGX_INTAKE_REDIS_PING_INTERVAL);
}
