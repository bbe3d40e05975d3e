
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake.h"
#include "ngx_http_intake_store.h"
#include "ngx_intake_scripts.h"


/*
 * retain age=: entries that are added trim their stream, so it is a stream
 * that gets nothing that is seen to here, hourly, by one worker of a node.
 */


#define NGX_HTTP_INTAKE_RETAIN_FIRST     1000          /* ms after the start */
#define NGX_HTTP_INTAKE_RETAIN_INTERVAL  (3600 * 1000) /* ms */


typedef struct {
    ngx_http_intake_main_conf_t    *conf;
    ngx_intake_redis_t             *redis;
    ngx_intake_redis_script_t       script;
    ngx_event_t                     timer;
} ngx_http_intake_retain_t;


static void ngx_http_intake_retain_handler(ngx_event_t *ev);
static void ngx_http_intake_trim(ngx_http_intake_retain_t *retain,
    ngx_http_intake_stream_t *stream);
static void ngx_http_intake_trimmed(void *data,
    ngx_intake_redis_result_e result, ngx_intake_redis_reply_t *reply);


static ngx_http_intake_retain_t  ngx_http_intake_the_retain;


void
ngx_http_intake_retain_init(ngx_cycle_t *cycle,
    ngx_http_intake_main_conf_t *imcf, ngx_intake_redis_t *redis)
{
    ngx_uint_t                  i;
    ngx_http_intake_source_t  **source;
    ngx_http_intake_retain_t   *retain;

    static ngx_connection_t     dumb;

    if (ngx_worker != 0) {
        return;
    }

    source = imcf->sources->elts;

    for (i = 0; i < imcf->sources->nelts; i++) {
        if (source[i]->stream.age || source[i]->spam.age) {
            break;
        }
    }

    if (i == imcf->sources->nelts) {
        return;
    }

    retain = &ngx_http_intake_the_retain;

    ngx_memzero(retain, sizeof(ngx_http_intake_retain_t));

    retain->conf = imcf;
    retain->redis = redis;

    ngx_str_set(&retain->script.text, NGX_INTAKE_TRIM_LUA);
    ngx_intake_redis_script_digest(&retain->script);

    /* the log of events wants a connection */

    dumb.fd = (ngx_socket_t) -1;
    dumb.data = retain;

    retain->timer.handler = ngx_http_intake_retain_handler;
    retain->timer.data = &dumb;
    retain->timer.log = cycle->log;
    retain->timer.cancelable = 1;

    ngx_add_timer(&retain->timer, NGX_HTTP_INTAKE_RETAIN_FIRST);
}


void
ngx_http_intake_retain_exit(void)
{
    ngx_http_intake_retain_t  *retain;

    retain = &ngx_http_intake_the_retain;

    if (retain->timer.timer_set) {
        ngx_del_timer(&retain->timer);
    }
}


static void
ngx_http_intake_retain_handler(ngx_event_t *ev)
{
    ngx_uint_t                  i;
    ngx_connection_t           *c;
    ngx_http_intake_source_t  **source;
    ngx_http_intake_retain_t   *retain;

    if (ngx_exiting) {
        return;
    }

    c = ev->data;
    retain = c->data;
    source = retain->conf->sources->elts;

    for (i = 0; i < retain->conf->sources->nelts; i++) {
        if (source[i]->stream.age) {
            ngx_http_intake_trim(retain, &source[i]->stream);
        }

        if (source[i]->spam.age) {
            ngx_http_intake_trim(retain, &source[i]->spam);
        }
    }

    ngx_add_timer(ev, NGX_HTTP_INTAKE_RETAIN_INTERVAL);
}


static void
ngx_http_intake_trim(ngx_http_intake_retain_t *retain,
    ngx_http_intake_stream_t *stream)
{
    u_char                  *p, age[NGX_INT64_LEN];
    ngx_log_t               *log;
    ngx_intake_redis_op_t   *op;

    log = retain->timer.log;
    p = ngx_sprintf(age, "%M", stream->age);

    op = ngx_intake_redis_op_script(&retain->script, 1, 2,
                                    stream->key.len + (p - age), log);
    if (op == NULL) {
        return;
    }

    ngx_intake_redis_op_arg(op, stream->key.data, stream->key.len);
    ngx_intake_redis_op_arg(op, age, p - age);

    /* an hour later is soon enough for another try */

    if (ngx_intake_redis_send(retain->redis, op, 0, 1,
                              ngx_http_intake_trimmed, stream)
        != NGX_OK)
    {
        ngx_intake_redis_op_free(op);
    }
}


static void
ngx_http_intake_trimmed(void *data, ngx_intake_redis_result_e result,
    ngx_intake_redis_reply_t *reply)
{
    ngx_http_intake_stream_t *stream = data;

    if (result == NGX_INTAKE_REDIS_OK) {
        ngx_http_intake_accepted(stream, NGX_HTTP_INTAKE_REFUSAL_TRIM);

    } else if (reply
               && ngx_intake_redis_told(ngx_http_intake_the_retain.redis,
                                        &reply->str)
                  != NGX_OK)
    {
        ngx_http_intake_refused(stream, NGX_HTTP_INTAKE_REFUSAL_TRIM,
                                &reply->str, 1);
    }
}
