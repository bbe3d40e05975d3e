
/*
 * Copyright (C) nginx-intake contributors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include "ngx_intake_redis_internal.h"


static ngx_int_t ngx_intake_redis_replies(ngx_intake_redis_t *redis);
static ngx_int_t ngx_intake_redis_reply(ngx_intake_redis_t *redis,
    ngx_int_t rc, ngx_intake_redis_reply_t *reply);
static ngx_int_t ngx_intake_redis_hello_step(ngx_intake_redis_t *redis,
    ngx_intake_redis_op_t *op, ngx_int_t rc, ngx_intake_redis_reply_t *reply);
static void ngx_intake_redis_send_failed(ngx_intake_redis_t *redis,
    ngx_err_t err);
static ngx_intake_redis_op_t *ngx_intake_redis_unfinished(
    ngx_intake_redis_t *redis);
static void ngx_intake_redis_written(ngx_intake_redis_t *redis,
    ngx_intake_redis_op_t *op);
static ngx_chain_t *ngx_intake_redis_chain(ngx_intake_redis_t *redis);
static ngx_chain_t **ngx_intake_redis_chain_queue(ngx_queue_t *queue,
    ngx_chain_t **ll);
static ngx_uint_t ngx_intake_redis_mark_sent(ngx_intake_redis_t *redis,
    ngx_queue_t *queue);
static ngx_uint_t ngx_intake_redis_serves(ngx_intake_redis_t *redis);
static void ngx_intake_redis_watch(ngx_intake_redis_t *redis);
static void ngx_intake_redis_set_read_timer(ngx_intake_redis_t *redis);


void
ngx_intake_redis_receive(ngx_intake_redis_t *redis)
{
    ssize_t                         n;
    ngx_connection_t               *c;
    ngx_intake_redis_connection_t  *rc;

    rc = redis->connection;
    c = rc->peer.connection;

    while (c->read->ready) {

        ngx_set_socket_errno(0);

        n = c->recv(c, rc->buffer, NGX_INTAKE_REDIS_BUFFER_SIZE);

        if (n == NGX_AGAIN) {
            break;
        }

        if (n == NGX_ERROR || n == 0) {
            ngx_intake_redis_close(redis,
                                   ngx_intake_redis_due(redis)
                                   ? NGX_INTAKE_REDIS_CLOSE_LOST
                                   : NGX_INTAKE_REDIS_CLOSE_CLEAN,
                                   n ? ngx_socket_errno : 0,
                                   n ? "recv() failed"
                                     : "the server closed the connection");
            return;
        }

        if (ngx_intake_redis_reader_feed(rc->reader, rc->buffer, n)
            != NGX_OK)
        {
            ngx_intake_redis_close(redis, NGX_INTAKE_REDIS_CLOSE_LOST, 0,
                                   "no memory");
            return;
        }

        if (ngx_intake_redis_replies(redis) != NGX_OK) {
            return;
        }

        if (rc->due) {
            ngx_intake_redis_set_read_timer(redis);
        }
    }

    if (ngx_handle_read_event(c->read, 0) != NGX_OK) {
        ngx_intake_redis_close(redis, NGX_INTAKE_REDIS_CLOSE_LOST, 0,
                               "no event");
        return;
    }

    if (!ngx_queue_empty(&rc->first)
        || (redis->durable && rc->round == 0
            && !ngx_queue_empty(&redis->waiting)))
    {
        ngx_intake_redis_post_write(redis);
    }

    ngx_intake_redis_settle(redis);
}


/* NGX_ERROR: the connection was closed */

static ngx_int_t
ngx_intake_redis_replies(ngx_intake_redis_t *redis)
{
    void                           *memory;
    ngx_int_t                       rc, rv;
    ngx_intake_redis_reply_t        reply;
    ngx_intake_redis_connection_t  *conn;

    conn = redis->connection;

    for ( ;; ) {

        rc = ngx_intake_redis_reader_next(conn->reader, &reply, &memory);

        if (rc == NGX_AGAIN) {
            return NGX_OK;
        }

        if (rc == NGX_ERROR) {
            ngx_intake_redis_close(redis, NGX_INTAKE_REDIS_CLOSE_LOST, 0,
                                   "the server sent an invalid reply");
            return NGX_ERROR;
        }

        redis->memory = memory;

        rv = ngx_intake_redis_reply(redis, rc, &reply);

        if (redis->memory) {
            ngx_intake_redis_reader_release(redis->memory);
            redis->memory = NULL;
        }

        if (rv != NGX_OK) {
            return NGX_ERROR;
        }
    }
}


static ngx_int_t
ngx_intake_redis_reply(ngx_intake_redis_t *redis, ngx_int_t rc,
    ngx_intake_redis_reply_t *reply)
{
    ngx_queue_t                    *q;
    ngx_intake_redis_op_t          *op;
    ngx_intake_redis_connection_t  *conn;

    conn = redis->connection;

    op = NULL;

    if (!ngx_queue_empty(&conn->sent)) {
        q = ngx_queue_head(&conn->sent);
        op = ngx_queue_data(q, ngx_intake_redis_op_t, queue);
    }

    if (op && op->wait) {
        ngx_intake_redis_wait_reply(redis, op, rc, reply);
        return NGX_OK;
    }

    if (op && op->control) {
        return ngx_intake_redis_hello_step(redis, op, rc, reply);
    }

    /* that to ASKING may come before all of the operation has left */

    if (op && op->asking && !op->skipped) {
        op->skipped = 1;
        return NGX_OK;
    }

    if (op == NULL || op->buf.pos != op->buf.last) {

        if (rc == NGX_DECLINED) {
            ngx_intake_redis_keep_text(conn, &reply->str);

            /* the server has seen enough of it: it would say so again */

            if (op && op->buf.pos != op->buf.start) {
                ngx_intake_redis_op_finish(redis, op,
                                           NGX_INTAKE_REDIS_ERROR, reply);
            }
        }

        ngx_intake_redis_close(redis, NGX_INTAKE_REDIS_CLOSE_LOST, 0,
                               "the server sent an unexpected reply");
        return NGX_ERROR;
    }

    ngx_intake_redis_op_reply(redis, op, rc, reply);

    return NGX_OK;
}


static ngx_int_t
ngx_intake_redis_hello_step(ngx_intake_redis_t *redis,
    ngx_intake_redis_op_t *op, ngx_int_t rc, ngx_intake_redis_reply_t *reply)
{
    /* one operation with as many replies as there were questions */

    switch (ngx_intake_redis_hello_reply(redis, rc, reply)) {

    case NGX_AGAIN:
        return NGX_OK;

    case NGX_OK:
        break;

    default: /* NGX_ERROR */
        return NGX_ERROR;
    }

    ngx_queue_remove(&op->queue);
    ngx_intake_redis_op_free(op);

    if (redis->info.state == NGX_INTAKE_REDIS_HELLO) {
        ngx_intake_redis_next(redis);
    }

    return NGX_OK;
}


void
ngx_intake_redis_post_write(ngx_intake_redis_t *redis)
{
    ngx_connection_t  *c;

    c = redis->connection->peer.connection;

    if (c->write->ready) {
        ngx_post_event(c->write, &ngx_posted_events);
    }
}


/* one write for all that was queued in this turn of the event loop */

void
ngx_intake_redis_flush(ngx_intake_redis_t *redis)
{
    off_t                           sent;
    ngx_err_t                       err;
    ngx_uint_t                      failed;
    ngx_chain_t                    *out;
    ngx_connection_t               *c;
    ngx_intake_redis_op_t          *op;
    ngx_intake_redis_connection_t  *rc;

    rc = redis->connection;
    c = rc->peer.connection;

    if (redis->durable && ngx_intake_redis_begin_round(redis) != NGX_OK) {
        ngx_intake_redis_close(redis, NGX_INTAKE_REDIS_CLOSE_LOST, 0,
                               "no memory");
        return;
    }

    sent = c->sent;
    op = ngx_intake_redis_unfinished(redis);
    out = ngx_intake_redis_chain(redis);

    if (out || c->buffered) {

        ngx_set_socket_errno(0);

        failed = (c->send_chain(c, out, 0) == NGX_CHAIN_ERROR);
        err = ngx_socket_errno;

        /* a part may have left before it failed */

        if (ngx_intake_redis_mark_sent(redis, &rc->first)
            && ngx_intake_redis_serves(redis) && !redis->durable)
        {
            (void) ngx_intake_redis_mark_sent(redis, &redis->waiting);
        }

        if (failed) {
            ngx_intake_redis_send_failed(redis, err);
            return;
        }

        if (op && c->sent != sent) {
            ngx_intake_redis_written(redis, op);
        }
    }

    if (ngx_handle_write_event(c->write, 0) != NGX_OK) {
        ngx_intake_redis_close(redis, NGX_INTAKE_REDIS_CLOSE_LOST, 0,
                               "no event");
        return;
    }

    ngx_intake_redis_watch(redis);
    ngx_intake_redis_settle(redis);
}


/* what the server has said before it went away still counts */

static void
ngx_intake_redis_send_failed(ngx_intake_redis_t *redis, ngx_err_t err)
{
    ngx_event_t  *rev;

    rev = redis->connection->peer.connection->read;

    rev->ready = 1;
    rev->available = -1;

    ngx_intake_redis_receive(redis);

    if (redis->connection) {
        ngx_intake_redis_close(redis, NGX_INTAKE_REDIS_CLOSE_LOST, err,
                               "send() failed");
    }
}


/* the last one sent, if it was written in part only */

static ngx_intake_redis_op_t *
ngx_intake_redis_unfinished(ngx_intake_redis_t *redis)
{
    ngx_queue_t            *sent;
    ngx_intake_redis_op_t  *op;

    sent = &redis->connection->sent;

    if (ngx_queue_empty(sent)) {
        return NULL;
    }

    op = ngx_queue_data(ngx_queue_last(sent), ngx_intake_redis_op_t, queue);

    return (op->buf.pos != op->buf.last) ? op : NULL;
}


/*
 * More of op was.  As long as that goes on the server cannot answer it; of what
 * is behind it the time without a reply begins with that of the first.
 */

static void
ngx_intake_redis_written(ngx_intake_redis_t *redis, ngx_intake_redis_op_t *op)
{
    ngx_intake_redis_connection_t  *rc;

    rc = redis->connection;

    ngx_intake_redis_extend(redis, op);

    if (rc->due && ngx_queue_head(&rc->sent) == &op->queue) {
        ngx_intake_redis_set_read_timer(redis);
    }
}


/* the rest of the last one sent, then those that go first, then all others */

static ngx_chain_t *
ngx_intake_redis_chain(ngx_intake_redis_t *redis)
{
    ngx_chain_t                    *out, **ll;
    ngx_intake_redis_op_t          *op;
    ngx_intake_redis_connection_t  *rc;

    rc = redis->connection;
    ll = &out;

    op = ngx_intake_redis_unfinished(redis);

    if (op) {
        *ll = &op->out;
        ll = &op->out.next;
    }

    if (!rc->leaving) {
        ll = ngx_intake_redis_chain_queue(&rc->first, ll);
    }

    /* those of a durable client go first, when their round begins */

    if (ngx_intake_redis_serves(redis) && !redis->durable) {
        ll = ngx_intake_redis_chain_queue(&redis->waiting, ll);
    }

    *ll = NULL;

    return out;
}


static ngx_chain_t **
ngx_intake_redis_chain_queue(ngx_queue_t *queue, ngx_chain_t **ll)
{
    ngx_queue_t            *q;
    ngx_intake_redis_op_t  *op;

    for (q = ngx_queue_head(queue);
         q != ngx_queue_sentinel(queue);
         q = ngx_queue_next(q))
    {
        op = ngx_queue_data(q, ngx_intake_redis_op_t, queue);

        *ll = &op->out;
        ll = &op->out.next;
    }

    return ll;
}


/* moves to sent[] what has begun to leave; 1 if that was all of the queue */

static ngx_uint_t
ngx_intake_redis_mark_sent(ngx_intake_redis_t *redis, ngx_queue_t *queue)
{
    ngx_queue_t            *q;
    ngx_intake_redis_op_t  *op;

    while (!ngx_queue_empty(queue)) {
        q = ngx_queue_head(queue);
        op = ngx_queue_data(q, ngx_intake_redis_op_t, queue);

        if (op->buf.pos == op->buf.start) {
            return 0;
        }

        op->sent = 1;

        ngx_queue_remove(q);
        ngx_queue_insert_tail(&redis->connection->sent, q);

        ngx_intake_redis_extend(redis, op);

        if (op->control && !op->wait) {
            ngx_intake_redis_hello_sent(redis);
        }
    }

    return 1;
}


/* whether operations are written to this connection */

static ngx_uint_t
ngx_intake_redis_serves(ngx_intake_redis_t *redis)
{
    return (redis->info.state == NGX_INTAKE_REDIS_READY
            || redis->info.state == NGX_INTAKE_REDIS_DRAINING)
           && !redis->connection->leaving;
}


/* whether anything is to be written or to be answered */

ngx_uint_t
ngx_intake_redis_due(ngx_intake_redis_t *redis)
{
    ngx_intake_redis_connection_t  *rc;

    rc = redis->connection;

    if (!ngx_queue_empty(&rc->sent)) {
        return 1;
    }

    if (rc->leaving) {
        return 0;
    }

    return !ngx_queue_empty(&rc->first)
           || (ngx_intake_redis_serves(redis)
               && !ngx_queue_empty(&redis->waiting));
}


/* the time without a reply starts when the first one becomes due */

static void
ngx_intake_redis_watch(ngx_intake_redis_t *redis)
{
    ngx_intake_redis_connection_t  *rc;

    rc = redis->connection;

    if (rc->due || redis->info.state < NGX_INTAKE_REDIS_READY
        || !ngx_intake_redis_due(redis))
    {
        return;
    }

    rc->due = 1;

    ngx_intake_redis_set_read_timer(redis);
}


static void
ngx_intake_redis_set_read_timer(ngx_intake_redis_t *redis)
{
    ngx_queue_t                    *q;
    ngx_intake_redis_op_t          *op;
    ngx_intake_redis_connection_t  *rc;

    rc = redis->connection;
    op = NULL;

    if (!ngx_queue_empty(&rc->sent)) {
        q = ngx_queue_head(&rc->sent);
        op = ngx_queue_data(q, ngx_intake_redis_op_t, queue);
    }

    ngx_add_timer(rc->peer.connection->read,
                  ngx_intake_redis_patience(redis, op));
}


/* after each turn of reading or writing */

void
ngx_intake_redis_settle(ngx_intake_redis_t *redis)
{
    ngx_uint_t                      due;
    ngx_connection_t               *c;
    ngx_intake_redis_connection_t  *rc;

    rc = redis->connection;
    c = rc->peer.connection;

    if (redis->info.state < NGX_INTAKE_REDIS_READY) {
        return;
    }

    due = ngx_intake_redis_due(redis);

    if (!due) {
        rc->due = 0;
    }

    if (redis->info.state == NGX_INTAKE_REDIS_READY && ngx_exiting) {
        ngx_intake_redis_next(redis);
    }

    if (redis->info.state == NGX_INTAKE_REDIS_DRAINING && !due) {
        ngx_intake_redis_next(redis);
        return;
    }

    c->idle = !due;

    ngx_intake_redis_changed(redis);
}
