
/*
 * Copyright (C) nginx-intake contributors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include "ngx_intake_redis_internal.h"


/*
 * Durability: WAITAOF 1 0 and WAIT N stop all that a connection sends later,
 * so such operations have a client of their own.  All that waits there leaves
 * in one write with one question of each kind behind it, a round, and what
 * comes meanwhile is the next one.  Whether the server has what is asked for at
 * all is found on connect and every 15 s by the same questions.  They ask for
 * all that was ever written, by others too, so they need their time as well.
 */


static ngx_uint_t ngx_intake_redis_wait_args(ngx_uint_t kind, ngx_uint_t n,
    ngx_msec_t timeout, ngx_str_t *args, u_char *buf);
static ngx_int_t ngx_intake_redis_add_wait(ngx_intake_redis_t *redis,
    ngx_uint_t kind, ngx_uint_t n, ngx_msec_t timeout);
static ngx_uint_t ngx_intake_redis_given(ngx_uint_t kind,
    ngx_intake_redis_reply_t *reply);
static void ngx_intake_redis_end_round(ngx_intake_redis_t *redis,
    ngx_uint_t kind, ngx_uint_t given);
static void ngx_intake_redis_report_lack(ngx_intake_redis_t *redis,
    ngx_uint_t kind, ngx_uint_t lacks, const ngx_intake_redis_error_t *row);


ngx_uint_t
ngx_intake_redis_gives(ngx_intake_redis_t *redis, ngx_intake_redis_op_t *op)
{
    ngx_intake_redis_info_t  *info;

    info = &redis->info;

    if (op->durability.fsync && info->fsync == 0) {
        return 0;
    }

    return info->replicas == -1
           || op->durability.replicas <= (ngx_uint_t) info->replicas;
}


ngx_int_t
ngx_intake_redis_begin_round(ngx_intake_redis_t *redis)
{
    ngx_msec_t                      timeout;
    ngx_uint_t                      fsync, replicas;
    ngx_queue_t                    *q;
    ngx_msec_int_t                  left;
    ngx_intake_redis_op_t          *op;
    ngx_intake_redis_connection_t  *rc;

    rc = redis->connection;

    if (rc->round || rc->leaving || redis->info.state < NGX_INTAKE_REDIS_READY
        || ngx_queue_empty(&redis->waiting))
    {
        return NGX_OK;
    }

    timeout = 0;
    fsync = 0;
    replicas = 0;

    for (q = ngx_queue_head(&redis->waiting);
         q != ngx_queue_sentinel(&redis->waiting);
         q = ngx_queue_next(q))
    {
        op = ngx_queue_data(q, ngx_intake_redis_op_t, queue);

        fsync |= op->durability.fsync;
        replicas = ngx_max(replicas, op->durability.replicas);

        left = (ngx_msec_int_t) (op->deadline - ngx_current_msec);
        timeout = ngx_max(timeout, (ngx_msec_t) ngx_max(left, 0));
    }

    /* the answer is to come before the deadline */

    timeout = ngx_min(timeout - timeout / 8, redis->conf->timeout);

    ngx_queue_add(&rc->first, &redis->waiting);
    ngx_queue_init(&redis->waiting);

    if (fsync
        && ngx_intake_redis_add_wait(redis, NGX_INTAKE_REDIS_FSYNC, 1,
                                     timeout)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (replicas
        && ngx_intake_redis_add_wait(redis, NGX_INTAKE_REDIS_REPLICAS,
                                     replicas, timeout)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


/* how many arguments were set; buf takes two numbers */

static ngx_uint_t
ngx_intake_redis_wait_args(ngx_uint_t kind, ngx_uint_t n, ngx_msec_t timeout,
    ngx_str_t *args, u_char *buf)
{
    ngx_uint_t  i;

    i = 0;

    /* 0 would be for ever */

    timeout = ngx_max(timeout, 1);

    if (kind == NGX_INTAKE_REDIS_FSYNC) {
        ngx_str_set(&args[i], "WAITAOF");
        i++;

    } else {
        ngx_str_set(&args[i], "WAIT");
        i++;
    }

    args[i].data = buf;
    args[i].len = ngx_sprintf(buf, "%ui", n) - buf;
    buf += args[i].len;
    i++;

    if (kind == NGX_INTAKE_REDIS_FSYNC) {
        ngx_str_set(&args[i], "0");
        i++;
    }

    args[i].data = buf;
    args[i].len = ngx_sprintf(buf, "%M", timeout) - buf;
    i++;

    return i;
}


static ngx_int_t
ngx_intake_redis_add_wait(ngx_intake_redis_t *redis, ngx_uint_t kind,
    ngx_uint_t n, ngx_msec_t timeout)
{
    u_char                          buf[2 * NGX_INT64_LEN];
    ngx_str_t                       args[4];
    ngx_uint_t                      i, nargs;
    ngx_intake_redis_op_t          *op;
    ngx_intake_redis_connection_t  *rc;

    rc = redis->connection;

    nargs = ngx_intake_redis_wait_args(kind, n, timeout, args, buf);

    op = ngx_intake_redis_op_create(nargs, sizeof("WAITAOF") + sizeof(buf),
                                    &rc->log);
    if (op == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < nargs; i++) {
        ngx_intake_redis_op_arg(op, args[i].data, args[i].len);
    }

    op->control = 1;
    op->wait = kind;

    ngx_queue_insert_tail(&rc->first, &op->queue);
    rc->round++;

    return NGX_OK;
}


void
ngx_intake_redis_hold(ngx_intake_redis_t *redis, ngx_intake_redis_op_t *op,
    ngx_intake_redis_reply_t *reply)
{
    op->reply = *reply;
    op->memory = redis->memory;
    redis->memory = NULL;

    ngx_queue_remove(&op->queue);
    ngx_queue_insert_tail(&redis->connection->held, &op->queue);
}


void
ngx_intake_redis_wait_reply(ngx_intake_redis_t *redis,
    ngx_intake_redis_op_t *op, ngx_int_t rc, ngx_intake_redis_reply_t *reply)
{
    ngx_uint_t                       kind;
    const ngx_intake_redis_error_t  *row;

    kind = op->wait;

    ngx_queue_remove(&op->queue);
    ngx_intake_redis_op_free(op);

    if (rc == NGX_DECLINED) {

        row = ngx_intake_redis_error(&reply->str);

        if (row->action == NGX_INTAKE_REDIS_ACT_REDISCOVER) {

            /* those held are sent once more, to whom is the master now */

            ngx_intake_redis_leave(redis, NGX_INTAKE_REDIS_CLOSE_DEMOTED,
                                   "the server is no longer a master",
                                   &reply->str);
            return;
        }
    }

    redis->connection->round--;

    ngx_intake_redis_end_round(redis, kind,
                               rc == NGX_DECLINED
                               ? 0 : ngx_intake_redis_given(kind, reply));
}


/* WAITAOF answers [here, replicas], WAIT the number of replicas */

static ngx_uint_t
ngx_intake_redis_given(ngx_uint_t kind, ngx_intake_redis_reply_t *reply)
{
    ngx_intake_redis_reply_t  number;

    number = *reply;

    if (kind == NGX_INTAKE_REDIS_FSYNC) {

        if (reply->type != NGX_INTAKE_REDIS_ARRAY || reply->nelts != 2) {
            return 0;
        }

        number = ngx_intake_redis_element(reply, 0);
    }

    if (number.type != NGX_INTAKE_REDIS_INTEGER || number.integer < 0) {
        return 0;
    }

    return (ngx_uint_t) ngx_min(number.integer, NGX_MAX_INT32_VALUE);
}


static void
ngx_intake_redis_end_round(ngx_intake_redis_t *redis, ngx_uint_t kind,
    ngx_uint_t given)
{
    ngx_uint_t                      asked, weak;
    ngx_queue_t                    *q, *next;
    ngx_intake_redis_op_t          *op;
    ngx_intake_redis_connection_t  *rc;

    rc = redis->connection;
    weak = 0;

    for (q = ngx_queue_head(&rc->held);
         q != ngx_queue_sentinel(&rc->held);
         q = next)
    {
        next = ngx_queue_next(q);
        op = ngx_queue_data(q, ngx_intake_redis_op_t, queue);

        asked = (kind == NGX_INTAKE_REDIS_FSYNC) ? op->durability.fsync
                                                 : op->durability.replicas;

        /* one that asks for both hears OK when the last one is known */

        if (given < asked) {
            weak = 1;
            ngx_intake_redis_op_finish(redis, op, NGX_INTAKE_REDIS_WEAK,
                                       NULL);

        } else if (rc->round == 0) {
            ngx_intake_redis_op_finish(redis, op, NGX_INTAKE_REDIS_OK,
                                       &op->reply);
        }
    }

    /* does it still have what is asked for? */

    if (weak && !rc->leaving && rc->nsteps == 0) {
        (void) ngx_intake_redis_hello(redis, 1);
    }
}


void
ngx_intake_redis_refuse_weak(ngx_intake_redis_t *redis)
{
    ngx_queue_t            *q, *next;
    ngx_intake_redis_op_t  *op;

    for (q = ngx_queue_head(&redis->waiting);
         q != ngx_queue_sentinel(&redis->waiting);
         q = next)
    {
        next = ngx_queue_next(q);
        op = ngx_queue_data(q, ngx_intake_redis_op_t, queue);

        if (!ngx_intake_redis_gives(redis, op)) {
            ngx_intake_redis_op_finish(redis, op, NGX_INTAKE_REDIS_WEAK,
                                       NULL);
        }
    }
}


ngx_uint_t
ngx_intake_redis_set_waitaof(ngx_intake_redis_t *redis, ngx_str_t *args,
    u_char *buf)
{
    ngx_msec_t  timeout;

    if (!redis->durable || !redis->conf->asked.fsync) {
        return 0;
    }

    /* with appendfsync everysec it takes up to a second */

    timeout = redis->conf->timeout - redis->conf->timeout / 4;

    return ngx_intake_redis_wait_args(NGX_INTAKE_REDIS_FSYNC, 1, timeout,
                                      args, buf);
}


ngx_uint_t
ngx_intake_redis_set_wait(ngx_intake_redis_t *redis, ngx_str_t *args,
    u_char *buf)
{
    ngx_int_t   there;
    ngx_uint_t  n;

    if (!redis->durable || redis->conf->asked.replicas == 0) {
        return 0;
    }

    /* nobody is held up for a replica that is known not to be there */

    n = redis->conf->asked.replicas;
    there = redis->connection->replicas;

    if (there != -1 && (ngx_uint_t) there < n) {
        n = there;
    }

    return ngx_intake_redis_wait_args(NGX_INTAKE_REDIS_REPLICAS, n,
                                      redis->conf->timeout / 4, args, buf);
}


ngx_int_t
ngx_intake_redis_reply_waitaof(ngx_intake_redis_t *redis,
    ngx_intake_redis_reply_t *reply, const ngx_intake_redis_error_t *row)
{
    redis->info.fsync = (row == NULL
                         && ngx_intake_redis_given(NGX_INTAKE_REDIS_FSYNC,
                                                   reply));

    ngx_intake_redis_report_lack(redis, NGX_INTAKE_REDIS_FSYNC,
                                 !redis->info.fsync, row);

    return NGX_OK;
}


ngx_int_t
ngx_intake_redis_reply_wait(ngx_intake_redis_t *redis,
    ngx_intake_redis_reply_t *reply, const ngx_intake_redis_error_t *row)
{
    redis->info.replicas = row ? 0
                               : ngx_intake_redis_given(
                                            NGX_INTAKE_REDIS_REPLICAS, reply);

    ngx_intake_redis_report_lack(redis, NGX_INTAKE_REDIS_REPLICAS,
                                 (ngx_uint_t) redis->info.replicas
                                 < redis->conf->asked.replicas, row);

    return NGX_OK;
}


/* one line of one worker for each new state of the server */

static void
ngx_intake_redis_report_lack(ngx_intake_redis_t *redis, ngx_uint_t kind,
    ngx_uint_t lacks, const ngx_intake_redis_error_t *row)
{
    u_char                          said[64];
    ngx_str_t                       text;
    ngx_intake_redis_connection_t  *rc;

    rc = redis->connection;

    if (lacks == ((redis->lacking & kind) != 0)) {
        return;
    }

    redis->lacking ^= kind;

    if (redis->info.state == NGX_INTAKE_REDIS_READY) {
        ngx_intake_redis_set_ping(redis);
    }

    if (ngx_worker != 0) {
        return;
    }

    if (!lacks) {
        ngx_log_error(NGX_LOG_NOTICE, &rc->log, 0,
                      "redis gives the durability that sources ask for "
                      "again: %s",
                      kind == NGX_INTAKE_REDIS_FSYNC ? "fsync" : "replicas");
        return;
    }

    if (row) {
        text = rc->text;

    } else if (kind == NGX_INTAKE_REDIS_FSYNC) {
        ngx_str_set(&text, "its append-only file is not synced");

    } else {
        text.data = said;
        text.len = ngx_sprintf(said, "it has %i of them",
                               redis->info.replicas)
                   - said;
    }

    if (kind == NGX_INTAKE_REDIS_FSYNC) {
        ngx_log_error(NGX_LOG_ERR, &rc->log, 0,
                      "redis does not give the durability that sources ask "
                      "for, fsync: \"%V\", it needs WAITAOF, of Redis 7.2 "
                      "or Valkey, and appendonly yes", &text);
        return;
    }

    ngx_log_error(NGX_LOG_ERR, &rc->log, 0,
                  "redis does not give the durability that sources ask for, "
                  "replicas=%ui: \"%V\"", redis->conf->asked.replicas,
                  &text);
}
