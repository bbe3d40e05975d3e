
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake_replies.h"
#include "ngx_http_intake_store.h"
#include "ngx_intake_scripts.h"


/*
 * The calls of scripts that items become: those of one source that follow one
 * another share a call, so that their order is that in which they were sent.
 */


#define NGX_HTTP_INTAKE_REPLY_CALL   64     /* items */
#define NGX_HTTP_INTAKE_CLOSE_LIMIT  256    /* conversations */


typedef struct {
    ngx_str_t                       state;
    ngx_http_intake_reply_error_e   error;
} ngx_http_intake_reply_state_t;


static void ngx_http_intake_reply_write(ngx_intake_redis_args_t *args,
    void *data, ngx_uint_t *nkeys);
static void ngx_http_intake_close_write(ngx_intake_redis_args_t *args,
    void *data, ngx_uint_t *nkeys);
static ngx_uint_t ngx_http_intake_reply_run(
    ngx_http_intake_replies_t *replies);
static void ngx_http_intake_reply_done(void *data,
    ngx_intake_redis_result_e result, ngx_intake_redis_reply_t *reply);
static void ngx_http_intake_close_done(void *data,
    ngx_intake_redis_result_e result, ngx_intake_redis_reply_t *reply);
static ngx_int_t ngx_http_intake_read_reply(
    ngx_http_intake_replies_t *replies, ngx_http_intake_reply_item_t *item,
    ngx_intake_redis_reply_t *reply);
static void ngx_http_intake_reply_refused(
    ngx_http_intake_replies_t *replies, ngx_intake_redis_reply_t *reply);


static ngx_intake_redis_script_t  ngx_http_intake_replies_script;
static ngx_intake_redis_script_t  ngx_http_intake_close_script;


/* what the scripts say in place of a state */

static ngx_http_intake_reply_state_t  ngx_http_intake_reply_states[] = {

    { ngx_string("unknown_conversation"),
      NGX_HTTP_INTAKE_REPLY_UNKNOWN_CONVERSATION },

    { ngx_string("unknown_into"),
      NGX_HTTP_INTAKE_REPLY_UNKNOWN_CONVERSATION },

    { ngx_string("unknown_event"), NGX_HTTP_INTAKE_REPLY_UNKNOWN_EVENT },

    { ngx_null_string, NGX_HTTP_INTAKE_REPLY_FINE }
};


void
ngx_http_intake_reply_calls_init(void)
{
    ngx_str_set(&ngx_http_intake_replies_script.text, NGX_INTAKE_REPLIES_LUA);
    ngx_intake_redis_script_digest(&ngx_http_intake_replies_script);

    ngx_str_set(&ngx_http_intake_close_script.text, NGX_INTAKE_CLOSE_LUA);
    ngx_intake_redis_script_digest(&ngx_http_intake_close_script);
}


ngx_int_t
ngx_http_intake_reply_call(ngx_http_intake_replies_t *replies)
{
    ngx_int_t                      rc;
    ngx_log_t                     *log;
    ngx_intake_redis_op_t         *op;
    ngx_http_intake_reply_item_t  *item;

    item = replies->items.elts;

    while (replies->next < replies->items.nelts
           && item[replies->next].error)
    {
        replies->next++;
    }

    if (replies->next == replies->items.nelts) {
        return NGX_OK;
    }

    item += replies->next;
    log = replies->request->connection->log;

    if (item->bulk) {
        replies->sent = 1;
        op = ngx_intake_redis_script_op(&ngx_http_intake_close_script,
                                        ngx_http_intake_close_write, replies,
                                        log);
    } else {
        replies->sent = ngx_http_intake_reply_run(replies);
        op = ngx_intake_redis_script_op(&ngx_http_intake_replies_script,
                                        ngx_http_intake_reply_write, replies,
                                        log);
    }

    if (op == NULL) {
        return NGX_ERROR;
    }

    rc = ngx_intake_redis_send(ngx_http_intake_redis(), op,
                               item->source->deadline, 0,
                               item->bulk ? ngx_http_intake_close_done
                                          : ngx_http_intake_reply_done,
                               replies);

    if (rc != NGX_OK) {
        ngx_intake_redis_op_free(op);
        return NGX_DECLINED;
    }

    replies->op = op;

    return NGX_AGAIN;
}


/* how many items from the next one on go into one call */

static ngx_uint_t
ngx_http_intake_reply_run(ngx_http_intake_replies_t *replies)
{
    ngx_uint_t                     i;
    ngx_http_intake_reply_item_t  *item;

    item = replies->items.elts;

    for (i = replies->next + 1; i < replies->items.nelts; i++) {

        if (item[i].error || item[i].bulk
            || item[i].source != item[replies->next].source
            || i - replies->next == NGX_HTTP_INTAKE_REPLY_CALL)
        {
            break;
        }
    }

    return i - replies->next;
}


static void
ngx_http_intake_reply_write(ngx_intake_redis_args_t *args, void *data,
    ngx_uint_t *nkeys)
{
    ngx_http_intake_replies_t *replies = data;

    ngx_uint_t                     i;
    ngx_http_intake_sla_t         *sla;
    ngx_http_intake_source_t      *source;
    ngx_http_intake_reply_item_t  *item;

    item = replies->items.elts;
    item += replies->next;
    source = item->source;
    sla = source->sla;

    *nkeys = ngx_http_intake_clock_keys(args, sla,
                                        &source->stream.key,
                                        ngx_http_intake_now());

    for (i = 0; i < replies->sent; i++) {
        *nkeys += ngx_http_intake_change_keys(args, sla, &item[i].change);

        if (item[i].change.kind == NGX_HTTP_INTAKE_KIND_MERGE) {
            ngx_http_intake_clock_key(args, sla, 'c',
                                      item[i].change.into_hash);
            (*nkeys)++;
        }
    }

    ngx_http_intake_clock_args(args, sla);

    for (i = 0; i < replies->sent; i++) {
        ngx_http_intake_change_args(args, sla, &item[i].change);
        ngx_intake_redis_text_arg(args, &item[i].id);
    }
}


static void
ngx_http_intake_close_write(ngx_intake_redis_args_t *args, void *data,
    ngx_uint_t *nkeys)
{
    ngx_http_intake_replies_t *replies = data;

    ngx_http_intake_sla_t         *sla;
    ngx_http_intake_reply_item_t  *item;

    item = replies->items.elts;
    item += replies->next;
    sla = item->source->sla;

    *nkeys = ngx_http_intake_clock_keys(args, sla,
                                        &item->source->stream.key,
                                  ngx_http_intake_now());

    ngx_http_intake_clock_args(args, sla);
    ngx_intake_redis_number_arg(args, item->change.time);
    ngx_http_intake_readings_args(args, sla, item->change.readings);
    ngx_intake_redis_number_arg(args, item->before);
    ngx_intake_redis_number_arg(args, NGX_HTTP_INTAKE_CLOSE_LIMIT);
}


static void
ngx_http_intake_reply_done(void *data, ngx_intake_redis_result_e result,
    ngx_intake_redis_reply_t *reply)
{
    ngx_http_intake_replies_t *replies = data;

    ngx_uint_t                     i;
    ngx_intake_redis_reply_t       element;
    ngx_http_intake_reply_item_t  *item;

    replies->op = NULL;

    if (result != NGX_INTAKE_REDIS_OK
        || reply->type != NGX_INTAKE_REDIS_ARRAY
        || reply->nelts < replies->sent)
    {
        ngx_http_intake_reply_refused(replies, reply);
        return;
    }

    item = replies->items.elts;

    for (i = 0; i < replies->sent; i++) {
        element = ngx_intake_redis_element(reply, i);

        if (ngx_http_intake_read_reply(replies, &item[replies->next + i],
                                       &element)
            != NGX_OK)
        {
            ngx_http_intake_reply_refused(replies, &element);
            return;
        }
    }

    if (reply->nelts > replies->sent) {
        element = ngx_intake_redis_element(reply, replies->sent);
        ngx_http_intake_refused(&item[replies->next].source->stream,
                                NGX_HTTP_INTAKE_REFUSAL_COUNTERS,
                                &element.str, 1);
    }

    replies->next += replies->sent;

    ngx_http_intake_replies_continue(replies, NGX_OK);
}


/* {state, response, business, met, due, tier} */

static ngx_int_t
ngx_http_intake_read_reply(ngx_http_intake_replies_t *replies,
    ngx_http_intake_reply_item_t *item, ngx_intake_redis_reply_t *reply)
{
    ngx_uint_t                      i;
    ngx_intake_redis_reply_t        e;
    ngx_http_intake_reply_state_t  *state;

    int64_t  *number[] = {
        &item->response, &item->business, &item->met, &item->due, &item->tier
    };

    if (reply->type != NGX_INTAKE_REDIS_ARRAY || reply->nelts < 6) {
        return NGX_ERROR;
    }

    e = ngx_intake_redis_element(reply, 0);

    for (state = ngx_http_intake_reply_states; state->state.len; state++) {

        if (state->state.len == e.str.len
            && ngx_memcmp(state->state.data, e.str.data, e.str.len) == 0)
        {
            item->error = state->error;
            return NGX_OK;
        }
    }

    item->state.len = e.str.len;
    item->state.data = ngx_pstrdup(replies->request->pool, &e.str);
    if (item->state.data == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < sizeof(number) / sizeof(number[0]); i++) {
        e = ngx_intake_redis_element(reply, i + 1);
        *number[i] = ngx_http_intake_reply_number(&e);
    }

    return NGX_OK;
}


/* {closed, more} */

static void
ngx_http_intake_close_done(void *data, ngx_intake_redis_result_e result,
    ngx_intake_redis_reply_t *reply)
{
    ngx_http_intake_replies_t *replies = data;

    ngx_intake_redis_reply_t       closed, more;
    ngx_http_intake_reply_item_t  *item;

    replies->op = NULL;

    if (result != NGX_INTAKE_REDIS_OK
        || reply->type != NGX_INTAKE_REDIS_ARRAY || reply->nelts < 2)
    {
        ngx_http_intake_reply_refused(replies, reply);
        return;
    }

    item = replies->items.elts;
    item += replies->next;

    closed = ngx_intake_redis_element(reply, 0);
    more = ngx_intake_redis_element(reply, 1);

    item->closed += ngx_http_intake_reply_number(&closed);

    if (ngx_http_intake_reply_number(&more) == 0) {
        ngx_str_set(&item->state, "closed");
        replies->next++;
    }

    ngx_http_intake_replies_continue(replies, NGX_OK);
}


static void
ngx_http_intake_reply_refused(ngx_http_intake_replies_t *replies,
    ngx_intake_redis_reply_t *reply)
{
    ngx_intake_redis_reply_t  e;

    if (reply && reply->type == NGX_INTAKE_REDIS_ARRAY && reply->nelts > 1) {
        e = ngx_intake_redis_element(reply, 1);
        reply = &e;
    }

    if (reply && reply->str.len) {
        ngx_log_error(NGX_LOG_ERR, replies->request->connection->log, 0,
                      "Redis refused a reply: %*s",
                      ngx_min(reply->str.len, 256), reply->str.data);
    }

    ngx_http_intake_replies_continue(replies, NGX_DECLINED);
}
