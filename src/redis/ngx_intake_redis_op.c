
/*
 * Copyright (C) nginx-intake contributors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_intake_redis_topology.h"


/* an operation that so many connections end with is not sent again */
#define NGX_INTAKE_REDIS_BREAKS  3


static ngx_int_t ngx_intake_redis_op_eval(ngx_intake_redis_t *redis,
    ngx_intake_redis_op_t *op);
static void ngx_intake_redis_op_error(ngx_intake_redis_t *redis,
    ngx_intake_redis_op_t *op, ngx_intake_redis_reply_t *reply);
static void ngx_intake_redis_op_again(ngx_intake_redis_t *redis,
    ngx_intake_redis_op_t *op);


ngx_intake_redis_op_t *
ngx_intake_redis_op_alloc(size_t size, ngx_log_t *log)
{
    u_char                 *p;
    ngx_intake_redis_op_t  *op;

    if (size > NGX_MAX_INT32_VALUE) {
        ngx_log_error(NGX_LOG_ERR, log, 0,
                      "a redis operation of %uz bytes is too large", size);
        return NULL;
    }

    p = ngx_alloc(sizeof(ngx_intake_redis_op_t) + size, log);
    if (p == NULL) {
        return NULL;
    }

    op = (ngx_intake_redis_op_t *) p;
    p += sizeof(ngx_intake_redis_op_t);

    ngx_memzero(op, sizeof(ngx_intake_redis_op_t));

    op->buf.start = p;
    op->buf.pos = p;
    op->buf.last = p;
    op->buf.end = p + size;
    op->buf.memory = 1;

    /* TLS must not keep it until its buffer is full */
    op->buf.flush = 1;

    op->out.buf = &op->buf;

    return op;
}


ngx_intake_redis_op_t *
ngx_intake_redis_op_create(ngx_uint_t nargs, size_t bytes, ngx_log_t *log)
{
    ngx_intake_redis_op_t  *op;

    op = ngx_intake_redis_op_alloc(NGX_INTAKE_REDIS_RESP_HEADER
                                   + nargs * NGX_INTAKE_REDIS_RESP_FRAME
                                   + bytes, log);
    if (op == NULL) {
        return NULL;
    }

    op->buf.last = ngx_intake_redis_resp_header(op->buf.last, '*', nargs);

    op->nargs = nargs;
    op->room = bytes;

    return op;
}


ngx_intake_redis_op_t *
ngx_intake_redis_op_script(ngx_intake_redis_script_t *script,
    ngx_uint_t nkeys, ngx_uint_t nargs, size_t bytes, ngx_log_t *log)
{
    u_char                 *last, count[NGX_INT_T_LEN];
    ngx_intake_redis_op_t  *op;

    last = ngx_sprintf(count, "%ui", nkeys);

    op = ngx_intake_redis_op_create(3 + nargs,
                                    sizeof("EVALSHA") - 1
                                    + sizeof(script->sha1)
                                    + (last - count) + bytes, log);
    if (op == NULL) {
        return NULL;
    }

    ngx_intake_redis_op_arg(op, (u_char *) "EVALSHA", sizeof("EVALSHA") - 1);
    ngx_intake_redis_op_arg(op, script->sha1, sizeof(script->sha1));
    ngx_intake_redis_op_arg(op, count, last - count);

    op->script = script;
    op->nkeys = nkeys;
    op->neval = nargs;
    op->args = op->buf.last;

    return op;
}


void
ngx_intake_redis_op_arg(ngx_intake_redis_op_t *op, u_char *data, size_t len)
{
    if (op->nargs == 0 || len > op->room) {
        op->bad = 1;
        return;
    }

    op->nargs--;
    op->room -= len;

    op->buf.last = ngx_intake_redis_resp_bulk(op->buf.last, data, len);
}


void
ngx_intake_redis_op_durability(ngx_intake_redis_op_t *op,
    ngx_intake_redis_durability_t *durability)
{
    op->durability = *durability;
}


void
ngx_intake_redis_op_patient(ngx_intake_redis_op_t *op)
{
    op->patient = 1;
}


ngx_uint_t
ngx_intake_redis_is_cut(ngx_intake_redis_op_t *op)
{
    return op->cuts == NGX_INTAKE_REDIS_BREAKS;
}


void
ngx_intake_redis_op_free(ngx_intake_redis_op_t *op)
{
    if (op->eval) {
        ngx_free(op->eval);
    }

    if (op->asked) {
        ngx_free(op->asked);
    }

    if (op->memory) {
        ngx_intake_redis_reader_release(op->memory);
    }

    ngx_free(op);
}


/* an EVALSHA becomes an EVAL */

static ngx_int_t
ngx_intake_redis_op_eval(ngx_intake_redis_t *redis, ngx_intake_redis_op_t *op)
{
    u_char  *p, *last, count[NGX_INT_T_LEN];
    size_t   size;

    last = ngx_sprintf(count, "%ui", op->nkeys);

    size = NGX_INTAKE_REDIS_RESP_HEADER
           + 3 * NGX_INTAKE_REDIS_RESP_FRAME
           + sizeof("EVAL") - 1
           + op->script->text.len
           + (last - count)
           + (op->buf.last - op->args);

    p = ngx_alloc(size, &redis->log);
    if (p == NULL) {
        return NGX_ERROR;
    }

    /* to one that has to be asked it gets by way of the other again */

    op->asking = 0;

    op->eval = p;
    op->buf.start = p;
    op->buf.end = p + size;

    p = ngx_intake_redis_resp_header(p, '*', 3 + op->neval);
    p = ngx_intake_redis_resp_bulk(p, (u_char *) "EVAL", sizeof("EVAL") - 1);
    p = ngx_intake_redis_resp_bulk(p, op->script->text.data,
                                   op->script->text.len);
    p = ngx_intake_redis_resp_bulk(p, count, last - count);
    p = ngx_cpymem(p, op->args, op->buf.last - op->args);

    op->buf.last = p;

    redis->bytes -= op->size;
    op->size = op->buf.last - op->buf.start;
    redis->bytes += op->size;

    return NGX_OK;
}


void
ngx_intake_redis_op_finish(ngx_intake_redis_t *redis,
    ngx_intake_redis_op_t *op, ngx_intake_redis_result_e result,
    ngx_intake_redis_reply_t *reply)
{
    ngx_uint_t  told;

    ngx_queue_remove(&op->queue);

    redis->info.in_flight--;
    redis->bytes -= op->size;

    told = op->told;

    if (!told) {
        op->told = 1;

        ngx_queue_remove(&op->deadlines);
        ngx_intake_redis_set_timer(redis);
    }

    if (result == NGX_INTAKE_REDIS_REFUSED) {

        if (op->maybe) {
            /* not this time, but perhaps before the connection broke */
            result = NGX_INTAKE_REDIS_UNKNOWN;
            reply = NULL;

        } else if (reply == NULL) {
            redis->refused++;
        }
    }

    /* a handler may still forget its own operation */

    if (op->handler && !told) {
        op->handler(op->data, result, reply);
    }

    ngx_intake_redis_op_free(op);
}


void
ngx_intake_redis_op_expire(ngx_intake_redis_t *redis,
    ngx_intake_redis_op_t *op)
{
    if (!op->sent) {
        ngx_intake_redis_op_finish(redis, op, NGX_INTAKE_REDIS_REFUSED, NULL);
        return;
    }

    op->told = 1;

    ngx_queue_remove(&op->deadlines);

    if (op->handler) {
        op->handler(op->data, NGX_INTAKE_REDIS_UNKNOWN, NULL);
        op->handler = NULL;
    }
}


void
ngx_intake_redis_op_reply(ngx_intake_redis_t *redis,
    ngx_intake_redis_op_t *op, ngx_int_t rc, ngx_intake_redis_reply_t *reply)
{
    if (rc == NGX_DECLINED) {
        ngx_intake_redis_op_error(redis, op, reply);
        return;
    }

    if (redis->reported) {
        ngx_intake_redis_report_well(redis);
    }

    if (redis->connection->round && !op->told) {
        ngx_intake_redis_hold(redis, op, reply);
        return;
    }

    ngx_intake_redis_op_finish(redis, op, NGX_INTAKE_REDIS_OK, reply);
}


static void
ngx_intake_redis_op_error(ngx_intake_redis_t *redis,
    ngx_intake_redis_op_t *op, ngx_intake_redis_reply_t *reply)
{
    ngx_intake_redis_result_e        result;
    const ngx_intake_redis_error_t  *row;

    if (redis->router
        && ngx_intake_redis_redirect(redis, op, &reply->str) == NGX_OK)
    {
        return;
    }

    row = ngx_intake_redis_error(&reply->str);

    result = NGX_INTAKE_REDIS_REFUSED;

    switch (row->action) {

    case NGX_INTAKE_REDIS_ACT_EVAL:

        if (op->script && op->eval == NULL) {

            if (!op->told && ngx_intake_redis_op_eval(redis, op) == NGX_OK) {
                ngx_intake_redis_op_again(redis, op);
                return;
            }

            break;
        }

        /* fall through */

    case NGX_INTAKE_REDIS_ACT_ERROR:

        result = NGX_INTAKE_REDIS_ERROR;
        break;

    case NGX_INTAKE_REDIS_ACT_REFUSED:
        break;

    case NGX_INTAKE_REDIS_ACT_REDISCOVER:

        ngx_intake_redis_leave(redis, NGX_INTAKE_REDIS_CLOSE_DEMOTED,
                               "the server is no longer a master",
                               &reply->str);

        if (!op->told && !op->redirected) {
            op->redirected = 1;
            ngx_intake_redis_op_again(redis, op);
            return;
        }

        break;

    case NGX_INTAKE_REDIS_ACT_BACK_OFF:

        ngx_intake_redis_leave(redis, NGX_INTAKE_REDIS_CLOSE_FAILED,
                               "the server is not ready", &reply->str);
        break;

    case NGX_INTAKE_REDIS_ACT_CREDENTIALS:

        ngx_intake_redis_leave(redis, NGX_INTAKE_REDIS_CLOSE_FAULT,
                               "the server refuses the user", &reply->str);
        break;
    }

    ngx_intake_redis_op_finish(redis, op, result, reply);
}


ngx_int_t
ngx_intake_redis_told(ngx_intake_redis_t *redis, ngx_str_t *error)
{
    if (redis->connection == NULL) {
        return NGX_DECLINED;
    }

    /* where there is no other server it may be a master again at once */

    if ((redis->npeers > 1 || redis->sentinel)
        && ngx_intake_redis_error(error)->action
           == NGX_INTAKE_REDIS_ACT_REDISCOVER)
    {
        ngx_intake_redis_leave(redis, NGX_INTAKE_REDIS_CLOSE_DEMOTED,
                               "the server is no longer a master", error);
    }

    if (!redis->connection->leaving) {
        return NGX_DECLINED;
    }

    redis->refused++;

    return NGX_OK;
}


/* it was answered, so it has no place in sent[] any more */

static void
ngx_intake_redis_op_again(ngx_intake_redis_t *redis,
    ngx_intake_redis_op_t *op)
{
    ngx_queue_remove(&op->queue);

    ngx_intake_redis_op_rewind(op);

    if (redis->durable) {
        /* what was sent behind it does not wait for this one */
        ngx_queue_insert_head(&redis->waiting, &op->queue);
        return;
    }

    ngx_queue_insert_tail(&redis->connection->first, &op->queue);
}


void
ngx_intake_redis_op_requeue(ngx_intake_redis_t *redis, ngx_uint_t repeat,
    ngx_uint_t cut, ngx_queue_t *told, ngx_uint_t *repeated,
    ngx_uint_t *unknown)
{
    ngx_uint_t                      whole;
    ngx_queue_t                    *q, *first, again;
    ngx_intake_redis_op_t          *op;
    ngx_intake_redis_connection_t  *rc;

    rc = redis->connection;

    ngx_queue_init(&again);

    first = ngx_queue_head(&rc->sent);

    /* in the order in which they were sent */

    ngx_queue_add(&rc->held, &rc->sent);
    ngx_queue_init(&rc->sent);

    ngx_queue_add(&rc->held, &rc->first);
    ngx_queue_init(&rc->first);

    while (!ngx_queue_empty(&rc->held)) {

        q = ngx_queue_head(&rc->held);
        op = ngx_queue_data(q, ngx_intake_redis_op_t, queue);

        ngx_queue_remove(q);

        if (op->control) {
            ngx_intake_redis_op_free(op);
            continue;
        }

        /* what was written in part was not executed */

        whole = (op->sent && op->buf.pos == op->buf.last);

        op->maybe |= whole;

        if (op->sent) {
            op->breaks += (!whole || op->patient);
            op->cuts += (cut && (!whole || q == first));
        }

        op->sent = 0;

        /* who is silent to what can wait is not to be asked by it again */

        if (!repeat || op->told || op->breaks == NGX_INTAKE_REDIS_BREAKS
            || (whole && (!op->repeatable || (op->repeated && !op->patient)))
            || (op->patient && q == first && !cut))
        {
            ngx_queue_insert_tail(told, q);
            *unknown += (op->maybe && !op->told);
            continue;
        }

        if (whole) {
            op->repeated = 1;
            (*repeated)++;
        }

        ngx_intake_redis_op_rewind(op);
        ngx_queue_insert_tail(&again, q);
    }

    /* in the same order before all that wait */

    ngx_queue_add(&again, &redis->waiting);
    ngx_queue_init(&redis->waiting);
    ngx_queue_add(&redis->waiting, &again);
}


void
ngx_intake_redis_op_rewind(ngx_intake_redis_op_t *op)
{
    op->buf.pos = op->buf.start;
    op->sent = 0;
    op->skipped = 0;

    if (op->memory) {
        ngx_intake_redis_reader_release(op->memory);
        op->memory = NULL;
    }
}
