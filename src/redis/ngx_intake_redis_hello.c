
/*
 * Copyright (C) nginx-intake contributors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include "ngx_intake_redis_internal.h"


/*
 * The questions of a new connection leave in one write.  Their replies come
 * in the same order, so a step is a row: what is asked, when, and what its
 * reply means.  RESP2 is what a connection speaks until HELLO 3, which is
 * never sent.
 */


#define NGX_INTAKE_REDIS_MAX_ARGS  4


struct ngx_intake_redis_step_s {
    ngx_str_t    args[NGX_INTAKE_REDIS_MAX_ARGS];

    /* instead of args: how many were set, 0: this step is not needed */
    ngx_uint_t (*set)(ngx_intake_redis_t *redis, ngx_str_t *args,
                      u_char *buf);

    /* row is NULL if it is no error; not NGX_OK: the connection was closed */
    ngx_int_t  (*reply)(ngx_intake_redis_t *redis,
                        ngx_intake_redis_reply_t *reply,
                        const ngx_intake_redis_error_t *row);

    ngx_uint_t   periodic;
};


static ngx_uint_t ngx_intake_redis_set_auth(ngx_intake_redis_t *redis,
    ngx_str_t *args, u_char *buf);
static ngx_uint_t ngx_intake_redis_set_select(ngx_intake_redis_t *redis,
    ngx_str_t *args, u_char *buf);
static ngx_uint_t ngx_intake_redis_set_name(ngx_intake_redis_t *redis,
    ngx_str_t *args, u_char *buf);
static ngx_uint_t ngx_intake_redis_step_args(ngx_intake_redis_t *redis,
    const ngx_intake_redis_step_t *step, ngx_str_t *args, u_char *buf);

static ngx_int_t ngx_intake_redis_reply_required(ngx_intake_redis_t *redis,
    ngx_intake_redis_reply_t *reply, const ngx_intake_redis_error_t *row);
static ngx_int_t ngx_intake_redis_reply_ignored(ngx_intake_redis_t *redis,
    ngx_intake_redis_reply_t *reply, const ngx_intake_redis_error_t *row);
static ngx_int_t ngx_intake_redis_reply_role(ngx_intake_redis_t *redis,
    ngx_intake_redis_reply_t *reply, const ngx_intake_redis_error_t *row);


/* each set puts what it prints into a buffer of this size */
#define NGX_INTAKE_REDIS_ARG_SIZE  64


static const ngx_intake_redis_step_t  ngx_intake_redis_steps[] = {

    { { ngx_null_string, ngx_null_string, ngx_null_string },
      ngx_intake_redis_set_auth,
      ngx_intake_redis_reply_required, 0 },

    { { ngx_null_string, ngx_null_string, ngx_null_string },
      ngx_intake_redis_set_select,
      ngx_intake_redis_reply_required, 0 },

    { { ngx_null_string, ngx_null_string, ngx_null_string },
      ngx_intake_redis_set_name,
      ngx_intake_redis_reply_ignored, 0 },

    { { ngx_string("ROLE"), ngx_null_string, ngx_null_string },
      NULL,
      ngx_intake_redis_reply_role, 1 },

    { { ngx_string("TIME"), ngx_null_string, ngx_null_string },
      NULL,
      ngx_intake_redis_reply_time, 1 },

    { { ngx_string("INFO"), ngx_string("persistence"), ngx_null_string },
      NULL,
      ngx_intake_redis_reply_persistence, 1 },

    { { ngx_string("INFO"), ngx_string("memory"), ngx_null_string },
      NULL,
      ngx_intake_redis_reply_memory, 1 },

    { { ngx_string("INFO"), ngx_string("server"), ngx_null_string },
      NULL,
      ngx_intake_redis_reply_server, 1 },

    { { ngx_string("CONFIG"), ngx_string("GET"), ngx_string("appendfsync") },
      NULL,
      ngx_intake_redis_reply_appendfsync, 1 },

    { { ngx_null_string, ngx_null_string, ngx_null_string },
      ngx_intake_redis_set_waitaof,
      ngx_intake_redis_reply_waitaof, 1 },

    { { ngx_null_string, ngx_null_string, ngx_null_string },
      ngx_intake_redis_set_wait,
      ngx_intake_redis_reply_wait, 1 },
};

#define NGX_INTAKE_REDIS_NSTEPS                                               \
    (sizeof(ngx_intake_redis_steps) / sizeof(ngx_intake_redis_step_t))


ngx_int_t
ngx_intake_redis_hello(ngx_intake_redis_t *redis, ngx_uint_t periodic)
{
    u_char                         *p, buf[NGX_INTAKE_REDIS_ARG_SIZE];
    size_t                          size;
    ngx_str_t                       args[NGX_INTAKE_REDIS_MAX_ARGS];
    ngx_uint_t                      i, k, n;
    ngx_intake_redis_op_t          *op;
    const ngx_intake_redis_step_t  *step;
    ngx_intake_redis_connection_t  *rc;

    rc = redis->connection;

    size = NGX_INTAKE_REDIS_NSTEPS
           * (NGX_INTAKE_REDIS_RESP_HEADER
              + NGX_INTAKE_REDIS_MAX_ARGS * (NGX_INTAKE_REDIS_RESP_FRAME
                                             + NGX_INTAKE_REDIS_ARG_SIZE))
           + redis->conf->user.len + redis->conf->password.len;

    op = ngx_intake_redis_op_alloc(size, &rc->log);
    if (op == NULL) {
        return NGX_ERROR;
    }

    op->control = 1;
    p = op->buf.last;

    rc->nsteps = 0;
    rc->step = 0;

    for (i = 0; i < NGX_INTAKE_REDIS_NSTEPS; i++) {

        step = &ngx_intake_redis_steps[i];

        /* a sentinel is told who asks, and asked nothing here */

        if (step->periodic
            ? redis->kind == NGX_INTAKE_REDIS_KIND_SENTINEL : periodic)
        {
            continue;
        }

        n = ngx_intake_redis_step_args(redis, step, args, buf);
        if (n == 0) {
            continue;
        }

        p = ngx_intake_redis_resp_header(p, '*', n);

        for (k = 0; k < n; k++) {
            p = ngx_intake_redis_resp_bulk(p, args[k].data, args[k].len);
        }

        rc->steps[rc->nsteps++] = step;
    }

    op->buf.last = p;

    ngx_queue_insert_tail(&rc->first, &op->queue);

    return NGX_OK;
}


static ngx_uint_t
ngx_intake_redis_step_args(ngx_intake_redis_t *redis,
    const ngx_intake_redis_step_t *step, ngx_str_t *args, u_char *buf)
{
    ngx_uint_t  n;

    if (step->set) {
        return step->set(redis, args, buf);
    }

    for (n = 0; n < NGX_INTAKE_REDIS_MAX_ARGS && step->args[n].len; n++) {
        args[n] = step->args[n];
    }

    return n;
}


void
ngx_intake_redis_hello_sent(ngx_intake_redis_t *redis)
{
    redis->connection->asked = ngx_intake_redis_monotonic();
}


ngx_int_t
ngx_intake_redis_hello_reply(ngx_intake_redis_t *redis, ngx_int_t rc,
    ngx_intake_redis_reply_t *reply)
{
    const ngx_intake_redis_step_t   *step;
    ngx_intake_redis_connection_t   *conn;
    const ngx_intake_redis_error_t  *row;

    conn = redis->connection;
    step = conn->steps[conn->step];

    row = NULL;

    if (rc == NGX_DECLINED) {

        row = ngx_intake_redis_error(&reply->str);

        ngx_intake_redis_keep_text(conn, &reply->str);

        switch (row->action) {

        case NGX_INTAKE_REDIS_ACT_CREDENTIALS:
            return ngx_intake_redis_hello_failed(redis, row,
                                             NGX_INTAKE_REDIS_CLOSE_FAULT,
                                             "the server refuses the user");

        case NGX_INTAKE_REDIS_ACT_BACK_OFF:
        case NGX_INTAKE_REDIS_ACT_REDISCOVER:
            return ngx_intake_redis_hello_failed(redis, row,
                                             NGX_INTAKE_REDIS_CLOSE_FAILED,
                                             "the server is not ready");

        default:
            break;
        }
    }

    if (step->reply(redis, reply, row) != NGX_OK) {
        return NGX_ERROR;
    }

    if (++conn->step < conn->nsteps) {
        return NGX_AGAIN;
    }

    conn->nsteps = 0;
    conn->text.len = 0;

    ngx_intake_redis_warn(redis);
    ngx_intake_redis_changed(redis);
    ngx_intake_redis_refuse_weak(redis);

    return NGX_OK;
}


ngx_int_t
ngx_intake_redis_hello_failed(ngx_intake_redis_t *redis,
    const ngx_intake_redis_error_t *row, ngx_intake_redis_close_e why,
    const char *reason)
{
    if (row == NULL) {
        /* the text is that of an error which did not matter */
        redis->connection->text.len = 0;
    }

    ngx_intake_redis_close(redis, why, 0, reason);

    return NGX_ERROR;
}


static ngx_uint_t
ngx_intake_redis_set_auth(ngx_intake_redis_t *redis, ngx_str_t *args,
    u_char *buf)
{
    ngx_uint_t  n;

    if (redis->conf->password.len == 0) {
        return 0;
    }

    n = 0;

    ngx_str_set(&args[n], "AUTH");
    n++;

    if (redis->conf->user.len) {
        args[n++] = redis->conf->user;
    }

    args[n++] = redis->conf->password;

    return n;
}


static ngx_uint_t
ngx_intake_redis_set_select(ngx_intake_redis_t *redis, ngx_str_t *args,
    u_char *buf)
{
    if (redis->conf->database == 0) {
        return 0;
    }

    ngx_str_set(&args[0], "SELECT");

    args[1].data = buf;
    args[1].len = ngx_sprintf(buf, "%i", redis->conf->database) - buf;

    return 2;
}


static ngx_uint_t
ngx_intake_redis_set_name(ngx_intake_redis_t *redis, ngx_str_t *args,
    u_char *buf)
{
    ngx_str_set(&args[0], "CLIENT");
    ngx_str_set(&args[1], "SETNAME");

    args[2].data = buf;
    args[2].len = ngx_sprintf(buf, "nginx-intake-%P", ngx_pid) - buf;

    return 3;
}


/* AUTH and SELECT */

static ngx_int_t
ngx_intake_redis_reply_required(ngx_intake_redis_t *redis,
    ngx_intake_redis_reply_t *reply, const ngx_intake_redis_error_t *row)
{
    u_char     *p, *last;
    ngx_str_t  *password;

    if (row == NULL) {
        return NGX_OK;
    }

    /* whatever a server says to a password, it is not repeated in a log */

    password = &redis->conf->password;

    if (password->len) {
        last = reply->str.data + reply->str.len;

        for (p = reply->str.data; (size_t) (last - p) >= password->len; p++) {
            if (ngx_memcmp(p, password->data, password->len) == 0) {
                redis->connection->text.len = 0;
                break;
            }
        }
    }

    /* whatever was asked first is answered so to one client too many */

    if (row->action == NGX_INTAKE_REDIS_ACT_REFUSED
        || (reply->str.len >= sizeof("ERR max number of clients") - 1
            && ngx_memcmp(reply->str.data, "ERR max number of clients",
                          sizeof("ERR max number of clients") - 1)
               == 0))
    {
        return ngx_intake_redis_hello_failed(redis, row,
                                             NGX_INTAKE_REDIS_CLOSE_FAILED,
                                             "the server is not ready");
    }

    return ngx_intake_redis_hello_failed(redis, row,
                              NGX_INTAKE_REDIS_CLOSE_FAULT,
                              "the server refuses the user or the database");
}


static ngx_int_t
ngx_intake_redis_reply_ignored(ngx_intake_redis_t *redis,
    ngx_intake_redis_reply_t *reply, const ngx_intake_redis_error_t *row)
{
    return NGX_OK;
}


static ngx_int_t
ngx_intake_redis_reply_role(ngx_intake_redis_t *redis,
    ngx_intake_redis_reply_t *reply, const ngx_intake_redis_error_t *row)
{
    ngx_intake_redis_reply_t  role, replicas;

    redis->connection->replicas = -1;

    if (redis->kind == NGX_INTAKE_REDIS_KIND_SEED) {
        /* every node has the map */
        return NGX_OK;
    }

    if (row) {

        if (redis->npeers == 1 && redis->sentinel == NULL) {
            /* nothing to choose from */
            return NGX_OK;
        }

        if (row->action == NGX_INTAKE_REDIS_ACT_REFUSED) {
            return ngx_intake_redis_hello_failed(redis, row,
                                             NGX_INTAKE_REDIS_CLOSE_FAILED,
                                             "the server is not ready");
        }

        return ngx_intake_redis_hello_failed(redis, row,
                                             NGX_INTAKE_REDIS_CLOSE_FAULT,
                                             "the server hides its role");
    }

    if (reply->type == NGX_INTAKE_REDIS_ARRAY && reply->nelts) {

        role = ngx_intake_redis_element(reply, 0);

        if (role.str.len == sizeof("master") - 1
            && ngx_memcmp(role.str.data, "master", sizeof("master") - 1) == 0)
        {
            if (reply->nelts == 3) {
                replicas = ngx_intake_redis_element(reply, 2);

                if (replicas.type == NGX_INTAKE_REDIS_ARRAY) {
                    redis->connection->replicas = replicas.nelts;
                }
            }

            return NGX_OK;
        }
    }

    return ngx_intake_redis_hello_failed(redis, row,
                                         NGX_INTAKE_REDIS_CLOSE_DEMOTED,
                                         "the server is not a master");
}
