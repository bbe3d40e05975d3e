
/*
 * Copyright (C) nginx-intake contributors
 */


#ifndef _NGX_HTTP_INTAKE_STATUS_H_INCLUDED_
#define _NGX_HTTP_INTAKE_STATUS_H_INCLUDED_


#include "ngx_http_intake_counters.h"


/* what ?health asks for beside that entries can be stored or spooled */
#define NGX_HTTP_INTAKE_HEALTH_REDIS    0x01
#define NGX_HTTP_INTAKE_HEALTH_SPOOL    0x02
#define NGX_HTTP_INTAKE_HEALTH_OVERDUE  0x04


/* in the order of ngx_http_intake_formats */

typedef enum {
    NGX_HTTP_INTAKE_FORMAT_OPENMETRICS = 0,
    NGX_HTTP_INTAKE_FORMAT_PROMETHEUS,
    NGX_HTTP_INTAKE_FORMAT_JSON,
    NGX_HTTP_INTAKE_FORMAT_HTML
} ngx_http_intake_format_e;

#define NGX_HTTP_INTAKE_FORMATS  4

#define NGX_HTTP_INTAKE_FORMAT_ASK  NGX_HTTP_INTAKE_FORMATS    /* Accept */


typedef struct {
    ngx_str_t                       name;       /* in ?format= */
    ngx_str_t                       type;
    ngx_str_t                       parameters; /* of the type */
} ngx_http_intake_format_t;


typedef struct {
    ngx_int_t                       format;
    ngx_str_t                       source;     /* data NULL: all */
    unsigned                        health:1;
    unsigned                        node:1;     /* scope=node */
    unsigned                        global:1;   /* scope=global */
} ngx_http_intake_status_query_t;


extern ngx_http_intake_format_t
    ngx_http_intake_formats[NGX_HTTP_INTAKE_FORMATS];


typedef struct {
    ngx_uint_t                      status;
    const char                     *title;
    const char                     *code;
} ngx_http_intake_status_problem_t;


/*
 * What the query of r asks for.  NGX_DECLINED: *detail says what is wrong with
 * it.  NGX_ERROR: no memory.
 */
ngx_int_t ngx_http_intake_status_query(ngx_http_request_t *r,
    ngx_http_intake_status_query_t *query, const char **detail);


/*
 * Copies the counters and panels of all sources, or of the one that query
 * names, and what the living workers told.  All memory is pool's.
 * NGX_DECLINED: there is no such source; NGX_ERROR: no memory.
 */
ngx_int_t ngx_http_intake_snapshot(ngx_http_intake_main_conf_t *imcf,
    ngx_http_intake_status_query_t *query, ngx_pool_t *pool,
    ngx_http_intake_status_t *status);


/* ms since 1970: the moment that status shows */
#define ngx_http_intake_status_now(status)                                    \
    ((int64_t) (status)->now * 1000 + (int64_t) (status)->now_msec)


/*
 * status_numbers: what the writers make of a panel.  Shares are from 0 to 1;
 * a negative number says that there is nothing to be told.
 */

extern ngx_str_t  ngx_http_intake_window_names[NGX_HTTP_INTAKE_WINDOWS];
extern ngx_str_t  ngx_http_intake_age_names[NGX_HTTP_INTAKE_AGES];
extern ngx_str_t  ngx_http_intake_lane_clocks[2];   /* "first", "next" */
extern ngx_str_t  ngx_http_intake_open_states[];    /* by ..._open_e */

/* ms of the target of a lane */
ngx_msec_t ngx_http_intake_lane_target(ngx_http_intake_sla_t *sla,
    ngx_uint_t lane);

/* a breach whose reply turned out to be in time counts as met only */
double ngx_http_intake_attainment(ngx_http_intake_tally_t *tally);

/* of what was answered, the share that was within ms, which is a bound */
double ngx_http_intake_answered_within(ngx_http_intake_sla_t *sla,
    ngx_http_intake_tally_t *tally, ngx_msec_t ms);

/*
 * Linear inside the bucket, as histogram_quantile() of Prometheus has it; in
 * the last bucket the highest bound.  bounds and the result have one unit;
 * buckets has one more than the n bounds, and is not cumulative.
 */
double ngx_http_intake_quantile(double *bounds, int64_t *buckets,
    ngx_uint_t n, ngx_uint_t percent);

/* s; buckets are those of a tally, of its wall or business clock */
double ngx_http_intake_response_quantile(ngx_http_intake_sla_t *sla,
    int64_t *buckets, ngx_uint_t percent);

/*
 * ms since 1970 at which the clock of a lane will be beyond a reading (the
 * deadline), -1 if it is not known; exhausted: at which it will have reached
 * it, and since if that is later.
 */
int64_t ngx_http_intake_deadline(ngx_http_intake_sla_t *sla, ngx_uint_t lane,
    int64_t reading);
int64_t ngx_http_intake_exhausted(ngx_http_intake_sla_t *sla,
    ngx_uint_t lane, int64_t reading, int64_t since);

/* ms that the clock of a lane has gone from one time to another, or 0 */
int64_t ngx_http_intake_elapsed(ngx_http_intake_sla_t *sla, ngx_uint_t lane,
    int64_t from, int64_t to);

/* ms that the clock of a lane is beyond the deadline of somebody overdue */
int64_t ngx_http_intake_overdue(ngx_http_intake_sla_t *sla,
    ngx_http_intake_open_shown_t *open, int64_t now);

/*
 * What a conversation is called where people read: 16 hexadecimal digits, the
 * same on all nodes, from which its id cannot be guessed without the key that
 * is in Redis.  ss has a panel.  NGX_ERROR: no memory.
 */
#define NGX_HTTP_INTAKE_REF_LEN  16

ngx_int_t ngx_http_intake_open_ref(ngx_http_intake_source_status_t *ss,
    ngx_http_intake_open_shown_t *open, u_char *ref);


/*
 * The writers.  They put the whole document into out, in memory of pool.
 * detail: what stands behind the node's sums is shown too.  NGX_ERROR: no
 * memory.
 */

/* the text format 0.0.4, or OpenMetrics 1.0 */
ngx_int_t ngx_http_intake_write_prometheus(ngx_pool_t *pool,
    ngx_http_intake_status_t *status, ngx_uint_t openmetrics, ngx_str_t *out);

/* the schema intake-status/1, of len bytes */
ngx_int_t ngx_http_intake_write_json(ngx_pool_t *pool,
    ngx_http_intake_status_t *status, ngx_uint_t detail, ngx_chain_t **out,
    off_t *len);

/* the page for people */
ngx_int_t ngx_http_intake_write_html(ngx_pool_t *pool,
    ngx_http_intake_status_t *status, ngx_uint_t detail, ngx_str_t *out);

/*
 * The Content-Security-Policy of the page, which allows its own style and
 * nothing else; computed once.  NULL: there is no SHA-256.
 */
ngx_str_t *ngx_http_intake_status_policy(void);


/* status_health: reads health=WORD,...; answers ?health */
char *ngx_http_intake_status_health(ngx_conf_t *cf, ngx_str_t *value,
    ngx_http_intake_loc_conf_t *ilcf);
ngx_int_t ngx_http_intake_send_health(ngx_http_request_t *r,
    ngx_http_intake_status_t *status);


/*
 * status: answers.  A problem is that of RFC 9457: the usual one of the
 * status, or another; detail is our own text, or NULL.  Parameters follow the
 * type in its header.
 */
ngx_int_t ngx_http_intake_send_problem(ngx_http_request_t *r,
    ngx_uint_t status, const char *detail);
ngx_int_t ngx_http_intake_send_problem_of(ngx_http_request_t *r,
    ngx_http_intake_status_problem_t *problem, const char *detail);
ngx_int_t ngx_http_intake_status_send(ngx_http_request_t *r,
    ngx_uint_t status, ngx_str_t *type, ngx_str_t *parameters,
    ngx_str_t *body);


#endif /* _NGX_HTTP_INTAKE_STATUS_H_INCLUDED_ */
