
/*
 * Copyright (C) nginx-intake contributors
 */


#ifndef _NGX_HTTP_INTAKE_PAST_H_INCLUDED_
#define _NGX_HTTP_INTAKE_PAST_H_INCLUDED_


#include "ngx_http_intake_board.h"


/*
 * Windows are sums of daily and hourly hashes.  Those of days and hours that
 * are over do not change any more and are read once by a worker, but not
 * before a while has passed: another node's clock may be behind, and a call
 * may have been on its way to Redis.
 */


#define NGX_HTTP_INTAKE_PAST_GRACE  60000   /* ms, and max_clock_skew */


#define NGX_HTTP_INTAKE_DAYS   60       /* of 30 days and the 30 before */
#define NGX_HTTP_INTAKE_HOURS  48       /* of 24 hours and the 24 before */


/* a day or an hour; number counts them since 1970, -1: is read again */

typedef struct {
    int64_t                         number;
    ngx_http_intake_tally_t        *lanes;
} ngx_http_intake_span_t;


/* of one source */

typedef struct {
    ngx_http_intake_span_t          days[NGX_HTTP_INTAKE_DAYS];
    ngx_http_intake_span_t          hours[NGX_HTTP_INTAKE_HOURS];
    int64_t                         grace;      /* ms */
} ngx_http_intake_past_t;


/*
 * Allocates, once, some 70K a tier: only in workers that are asked for the
 * status.  past is zeroed but for grace.  NGX_ERROR: no memory.
 */
ngx_int_t ngx_http_intake_past_init(ngx_http_intake_past_t *past,
    ngx_http_intake_sla_t *sla);
void ngx_http_intake_past_free(ngx_http_intake_past_t *past);

/*
 * The keys of the days and hours before now (ms) that have to be read, the
 * oldest first.  Returns their number.
 */
ngx_uint_t ngx_http_intake_past_keys(ngx_intake_redis_args_t *args,
    ngx_http_intake_past_t *past, ngx_http_intake_sla_t *sla, int64_t now);

/*
 * Reads the hashes of this day and hour, then those whose keys were written,
 * in their order, and sums the windows of panel.  now is that of the keys.
 */
void ngx_http_intake_read_past(ngx_http_intake_past_t *past,
    ngx_http_intake_sla_t *sla, int64_t now, ngx_http_intake_panel_t *panel,
    ngx_intake_redis_reply_t *hashes);


#endif /* _NGX_HTTP_INTAKE_PAST_H_INCLUDED_ */
