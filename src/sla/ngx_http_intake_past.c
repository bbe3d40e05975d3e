
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake_past.h"


#define NGX_HTTP_INTAKE_HOUR_MS  (3600 * (int64_t) 1000)
#define NGX_HTTP_INTAKE_DAY_MS   (86400 * (int64_t) 1000)


static ngx_int_t ngx_http_intake_spans_init(ngx_http_intake_span_t *spans,
    ngx_uint_t n, ngx_http_intake_sla_t *sla);
static ngx_uint_t ngx_http_intake_span_keys(ngx_intake_redis_args_t *args,
    ngx_http_intake_span_t *spans, ngx_uint_t n, ngx_http_intake_sla_t *sla,
    int64_t now, int64_t length);
static ngx_uint_t ngx_http_intake_read_spans(ngx_http_intake_span_t *spans,
    ngx_uint_t n, ngx_http_intake_sla_t *sla, int64_t last, int64_t settled,
    ngx_uint_t current, ngx_uint_t next, ngx_intake_redis_reply_t *hashes);
static void ngx_http_intake_sum_spans(ngx_http_intake_span_t *spans,
    ngx_uint_t n, int64_t last, ngx_uint_t count, ngx_uint_t lane,
    ngx_http_intake_tally_t *sum);


ngx_int_t
ngx_http_intake_past_init(ngx_http_intake_past_t *past,
    ngx_http_intake_sla_t *sla)
{
    if (ngx_http_intake_spans_init(past->days, NGX_HTTP_INTAKE_DAYS, sla)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_intake_spans_init(past->hours, NGX_HTTP_INTAKE_HOURS,
                                      sla);
}


static ngx_int_t
ngx_http_intake_spans_init(ngx_http_intake_span_t *spans, ngx_uint_t n,
    ngx_http_intake_sla_t *sla)
{
    ngx_uint_t                i, lanes;
    ngx_http_intake_tally_t  *tally;

    if (spans[0].lanes) {
        return NGX_OK;
    }

    lanes = 2 * sla->ntiers;

    tally = ngx_calloc(n * lanes * sizeof(ngx_http_intake_tally_t),
                       ngx_cycle->log);
    if (tally == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < n; i++) {
        spans[i].number = -1;
        spans[i].lanes = tally + i * lanes;
    }

    return NGX_OK;
}


void
ngx_http_intake_past_free(ngx_http_intake_past_t *past)
{
    if (past->days[0].lanes) {
        ngx_free(past->days[0].lanes);
        past->days[0].lanes = NULL;
    }

    if (past->hours[0].lanes) {
        ngx_free(past->hours[0].lanes);
        past->hours[0].lanes = NULL;
    }
}


ngx_uint_t
ngx_http_intake_past_keys(ngx_intake_redis_args_t *args,
    ngx_http_intake_past_t *past, ngx_http_intake_sla_t *sla, int64_t now)
{
    ngx_uint_t  n;

    n = ngx_http_intake_span_keys(args, past->days, NGX_HTTP_INTAKE_DAYS, sla,
                                  now, NGX_HTTP_INTAKE_DAY_MS);

    return n + ngx_http_intake_span_keys(args, past->hours,
                                         NGX_HTTP_INTAKE_HOURS, sla, now,
                                         NGX_HTTP_INTAKE_HOUR_MS);
}


static ngx_uint_t
ngx_http_intake_span_keys(ngx_intake_redis_args_t *args,
    ngx_http_intake_span_t *spans, ngx_uint_t n, ngx_http_intake_sla_t *sla,
    int64_t now, int64_t length)
{
    int64_t     i, last, count;
    ngx_uint_t  keys;

    keys = 0;
    count = (int64_t) n;
    last = now / length;

    for (i = last - count + 1; i < last; i++) {
        if (spans[i % count].number != i) {
            ngx_http_intake_day_key(args, sla, i * length,
                                    length == NGX_HTTP_INTAKE_HOUR_MS);
            keys++;
        }
    }

    return keys;
}


void
ngx_http_intake_read_past(ngx_http_intake_past_t *past,
    ngx_http_intake_sla_t *sla, int64_t now, ngx_http_intake_panel_t *panel,
    ngx_intake_redis_reply_t *hashes)
{
    int64_t                  day, hour, settled;
    ngx_uint_t               i, n;
    ngx_http_intake_lane_t  *lane;

    day = now / NGX_HTTP_INTAKE_DAY_MS;
    hour = now / NGX_HTTP_INTAKE_HOUR_MS;

    if (hashes->nelts < 2) {
        return;
    }

    settled = now - past->grace;

    n = ngx_http_intake_read_spans(past->days, NGX_HTTP_INTAKE_DAYS, sla, day,
                                   settled / NGX_HTTP_INTAKE_DAY_MS, 0, 2,
                                   hashes);
    (void) ngx_http_intake_read_spans(past->hours, NGX_HTTP_INTAKE_HOURS, sla,
                                      hour, settled / NGX_HTTP_INTAKE_HOUR_MS,
                                      1, n, hashes);

    for (i = 0; i < 2 * sla->ntiers; i++) {
        lane = &panel->lanes[i];

        ngx_http_intake_sum_spans(past->hours, NGX_HTTP_INTAKE_HOURS, hour,
                                  24, i, &lane->windows[0]);
        ngx_http_intake_sum_spans(past->hours, NGX_HTTP_INTAKE_HOURS,
                                  hour - 24, 24, i, &lane->previous[0]);
        ngx_http_intake_sum_spans(past->days, NGX_HTTP_INTAKE_DAYS, day, 7, i,
                                  &lane->windows[1]);
        ngx_http_intake_sum_spans(past->days, NGX_HTTP_INTAKE_DAYS, day - 7,
                                  7, i, &lane->previous[1]);
        ngx_http_intake_sum_spans(past->days, NGX_HTTP_INTAKE_DAYS, day, 30,
                                  i, &lane->windows[2]);
        ngx_http_intake_sum_spans(past->days, NGX_HTTP_INTAKE_DAYS, day - 30,
                                  30, i, &lane->previous[2]);
    }
}


/*
 * The hash of the last span, which goes on, is at the place current; those
 * before it that had to be read begin at next, and those from settled on are
 * read again.  Returns where they end.
 */

static ngx_uint_t
ngx_http_intake_read_spans(ngx_http_intake_span_t *spans, ngx_uint_t n,
    ngx_http_intake_sla_t *sla, int64_t last, int64_t settled,
    ngx_uint_t current, ngx_uint_t next, ngx_intake_redis_reply_t *hashes)
{
    size_t                     size;
    int64_t                    i, count;
    ngx_http_intake_span_t    *span;
    ngx_intake_redis_reply_t   e;

    count = (int64_t) n;
    size = 2 * sla->ntiers * sizeof(ngx_http_intake_tally_t);

    for (i = last - count + 1; i <= last; i++) {
        span = &spans[i % count];

        if (i < last && (span->number == i || next == hashes->nelts)) {
            continue;
        }

        e = ngx_intake_redis_element(hashes, i < last ? next++ : current);

        ngx_memzero(span->lanes, size);
        ngx_http_intake_read_tallies(sla, span->lanes, &e);

        span->number = i < settled ? i : -1;
    }

    return next;
}


/* the count spans up to the last one */

static void
ngx_http_intake_sum_spans(ngx_http_intake_span_t *spans, ngx_uint_t n,
    int64_t last, ngx_uint_t count, ngx_uint_t lane,
    ngx_http_intake_tally_t *sum)
{
    int64_t  i;

    for (i = last - (int64_t) count + 1; i <= last; i++) {
        ngx_http_intake_add_tally(sum, &spans[i % (int64_t) n].lanes[lane]);
    }
}
