
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake_store.h"
#include "ngx_intake_redis_error.h"


/*
 * What Redis refuses, stream by stream: one line of the log when a kind of
 * refusal starts, one when all is well again.
 */


/*
 * At the edge of maxmemory some succeed between others that are refused: it is
 * over when none was refused for so long, in ms.
 */
#define NGX_HTTP_INTAKE_REFUSAL_OVER  1000


typedef struct {
    ngx_uint_t                      kinds;     /* a bit for each that was
                                                  logged; 0: all is well */
    ngx_uint_t                      count;
    ngx_msec_t                      last;
} ngx_http_intake_refusal_t;


/* how the two lines call it */

typedef struct {
    const char                     *refused;
    const char                     *accepted;
} ngx_http_intake_refusal_name_t;


static const ngx_http_intake_refusal_name_t
    ngx_http_intake_refusal_names[NGX_HTTP_INTAKE_REFUSALS] =
{
    { "an entry of", "takes entries of" },
    { "a dedupe key of", "takes dedupe keys of" },
    { "to trim", "trims" },
    { "counters and marks of clocks of", "takes counters and marks of" },
    { "messages for the clocks of", "takes messages for the clocks of" }
};


/* of this worker */

static ngx_http_intake_refusal_t
    ngx_http_intake_refusals[NGX_HTTP_INTAKE_MAX_STREAMS]
                            [NGX_HTTP_INTAKE_REFUSALS];


void
ngx_http_intake_refused(ngx_http_intake_stream_t *stream,
    ngx_http_intake_refusal_e what, ngx_str_t *error, ngx_uint_t n)
{
    size_t                           len;
    u_char                           text[256];
    ngx_uint_t                       kind;
    ngx_http_intake_refusal_t       *refusal;
    const ngx_intake_redis_error_t  *row;

    refusal = &ngx_http_intake_refusals[stream->index][what];

    refusal->count += n;
    refusal->last = ngx_current_msec;

    row = ngx_intake_redis_error(error);
    kind = (ngx_uint_t) 1 << (row - ngx_intake_redis_errors);

    if (refusal->kinds & kind) {
        return;
    }

    refusal->kinds |= kind;

    len = ngx_intake_redis_error_text(text, sizeof(text), error);

    ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                  "Redis refused %s \"%V\": \"%*s\"%s",
                  ngx_http_intake_refusal_names[what].refused,
                  &stream->key, len, text, row->hint);
}


void
ngx_http_intake_accepted(ngx_http_intake_stream_t *stream,
    ngx_http_intake_refusal_e what)
{
    ngx_http_intake_refusal_t  *refusal;

    refusal = &ngx_http_intake_refusals[stream->index][what];

    if (refusal->kinds == 0
        || ngx_current_msec - refusal->last < NGX_HTTP_INTAKE_REFUSAL_OVER)
    {
        return;
    }

    ngx_log_error(NGX_LOG_NOTICE, ngx_cycle->log, 0,
                  "Redis %s \"%V\" again, refused meanwhile: %ui",
                  ngx_http_intake_refusal_names[what].accepted,
                  &stream->key, refusal->count);

    ngx_memzero(refusal, sizeof(ngx_http_intake_refusal_t));
}


/*
 * A server that does not take so large an argument calls it an error of the
 * protocol.
 */

void
ngx_http_intake_set_fault(ngx_http_intake_delivery_t *delivery,
    ngx_str_t *error)
{
    delivery->fault = (ngx_intake_redis_error(error)->action
                       == NGX_INTAKE_REDIS_ACT_ERROR);

    delivery->unfit = (ngx_http_intake_alone(delivery)
                       && error->len >= sizeof("ERR Protocol error") - 1
                       && ngx_memcmp(error->data, "ERR Protocol error",
                                     sizeof("ERR Protocol error") - 1)
                          == 0);
}
