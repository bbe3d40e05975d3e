
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake_store.h"


/*
 * What Redis answered to a call of the store: it is read, and those who wait
 * for it are told.
 */


static void ngx_http_intake_tell(ngx_http_intake_batch_t *batch,
    ngx_uint_t i, ngx_intake_redis_reply_t *reply);
static void ngx_http_intake_store_refused(ngx_http_intake_batch_t *batch,
    ngx_str_t *error, ngx_uint_t n);
static void ngx_http_intake_read_counted(ngx_http_intake_batch_t *batch,
    ngx_intake_redis_reply_t *reply);
static void ngx_http_intake_read_trim(ngx_http_intake_batch_t *batch,
    ngx_intake_redis_reply_t *reply);
static ngx_http_intake_code_e ngx_http_intake_result_code(
    ngx_intake_redis_result_e result, ngx_intake_redis_reply_t *reply);


void
ngx_http_intake_stored(void *data, ngx_intake_redis_result_e result,
    ngx_intake_redis_reply_t *reply)
{
    ngx_http_intake_batch_t *batch = data;

    ngx_uint_t                   i;
    ngx_http_intake_code_e       code;
    ngx_http_intake_delivery_t  *delivery;

    code = ngx_http_intake_result_code(result, reply);

    if (code == NGX_HTTP_INTAKE_OK
        && (reply->type != NGX_INTAKE_REDIS_ARRAY
            || reply->nelts < batch->nelts))
    {
        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                      "Redis answered the store script with something else");
        code = NGX_HTTP_INTAKE_STORE_REFUSED;
    }

    if (code == NGX_HTTP_INTAKE_OK) {
        ngx_http_intake_read_counted(batch, reply);
        ngx_http_intake_read_trim(batch, reply);

    } else if (result != NGX_INTAKE_REDIS_OK && reply) {
        ngx_http_intake_store_refused(batch, &reply->str, batch->nelts);
    }

    for (i = 0; i < batch->nelts; i++) {

        /* the end of one request may end others */

        delivery = batch->waiting[i];

        if (delivery == NULL) {
            continue;
        }

        delivery->batch = NULL;

        if (code == NGX_HTTP_INTAKE_OK) {
            ngx_http_intake_tell(batch, i, reply);

        } else {

            if (result != NGX_INTAKE_REDIS_OK && reply) {
                ngx_http_intake_set_fault(delivery, &reply->str);

            } else if (batch->op && ngx_intake_redis_is_cut(batch->op)) {
                delivery->unfit = ngx_http_intake_alone(delivery);
            }

            delivery->handler(delivery->data, code, NULL);
        }
    }

    ngx_free(batch);
}


static void
ngx_http_intake_tell(ngx_http_intake_batch_t *batch, ngx_uint_t i,
    ngx_intake_redis_reply_t *reply)
{
    ngx_http_intake_code_e       code;
    ngx_intake_redis_reply_t     element;
    ngx_http_intake_result_t     result;
    ngx_http_intake_delivery_t  *delivery;

    delivery = batch->waiting[i];
    element = ngx_intake_redis_element(reply, i);

    code = ngx_http_intake_read_result(batch->stream, &element, &result);

    if (code != NGX_HTTP_INTAKE_OK && element.nelts) {

        /* an error inside the script is no error of the call */

        element = ngx_intake_redis_element(&element, element.nelts - 1);
        ngx_http_intake_store_refused(batch, &element.str, 1);
        ngx_http_intake_set_fault(delivery, &element.str);
    }

    delivery->handler(delivery->data, code, &result);
}


static void
ngx_http_intake_store_refused(ngx_http_intake_batch_t *batch,
    ngx_str_t *error, ngx_uint_t n)
{
    if (ngx_intake_redis_told(ngx_http_intake_client(batch->source), error)
        != NGX_OK)
    {
        ngx_http_intake_refused(batch->stream, NGX_HTTP_INTAKE_REFUSAL_ENTRY,
                                error, n);
    }
}


/* what is behind the deliveries' elements: {-2, TEXT} */

static void
ngx_http_intake_read_counted(ngx_http_intake_batch_t *batch,
    ngx_intake_redis_reply_t *reply)
{
    ngx_intake_redis_reply_t  element;

    if (batch->source->sla == NULL) {
        return;
    }

    if (reply->nelts > batch->nelts) {
        element = ngx_intake_redis_element(reply, batch->nelts);

        if (element.type == NGX_INTAKE_REDIS_ARRAY && element.nelts == 2) {
            element = ngx_intake_redis_element(&element, 1);
            ngx_http_intake_refused(batch->stream,
                                    NGX_HTTP_INTAKE_REFUSAL_COUNTERS,
                                    &element.str, 1);
            return;
        }
    }

    ngx_http_intake_accepted(batch->stream, NGX_HTTP_INTAKE_REFUSAL_COUNTERS);
}


/* whether the stream was trimmed, which it is when an entry was added */

static void
ngx_http_intake_read_trim(ngx_http_intake_batch_t *batch,
    ngx_intake_redis_reply_t *reply)
{
    ngx_uint_t                i;
    ngx_intake_redis_reply_t  element;

    if (batch->stream->age == 0) {
        return;
    }

    if (reply->nelts > batch->nelts) {
        element = ngx_intake_redis_element(reply, reply->nelts - 1);

        if (element.type == NGX_INTAKE_REDIS_STRING) {
            ngx_http_intake_refused(batch->stream,
                                    NGX_HTTP_INTAKE_REFUSAL_TRIM,
                                    &element.str, 1);
            return;
        }
    }

    for (i = 0; i < batch->nelts; i++) {
        element = ngx_intake_redis_element(reply, i);

        if (element.type == NGX_INTAKE_REDIS_STRING) {
            ngx_http_intake_accepted(batch->stream,
                                     NGX_HTTP_INTAKE_REFUSAL_TRIM);
            return;
        }
    }
}


static ngx_http_intake_code_e
ngx_http_intake_result_code(ngx_intake_redis_result_e result,
    ngx_intake_redis_reply_t *reply)
{
    switch (result) {

    case NGX_INTAKE_REDIS_OK:
        return NGX_HTTP_INTAKE_OK;

    case NGX_INTAKE_REDIS_UNKNOWN:
        return NGX_HTTP_INTAKE_STORE_TIMEOUT;

    case NGX_INTAKE_REDIS_WEAK:
        return NGX_HTTP_INTAKE_DURABILITY_UNAVAILABLE;

    default:
        return reply ? NGX_HTTP_INTAKE_STORE_REFUSED
                     : NGX_HTTP_INTAKE_STORE_UNAVAILABLE;
    }
}
