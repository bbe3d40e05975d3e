
/*
 * Copyright (C) nginx-intake contributors
 */


#ifndef _NGX_HTTP_INTAKE_EXPOSITION_H_INCLUDED_
#define _NGX_HTTP_INTAKE_EXPOSITION_H_INCLUDED_


#include "ngx_http_intake_status.h"


/*
 * Prometheus's text format 0.0.4 and OpenMetrics 1.0.  Both have the same
 * samples; they differ in what stands above a family.  That is written before
 * the first sample, so that a family without one is left out.
 *
 * The buffer grows.  When there is no memory for it, failed is set and
 * nothing more is written.
 */

typedef struct {
    ngx_pool_t                     *pool;
    u_char                         *start;
    u_char                         *pos;
    u_char                         *last;

    /* the family: its name, and what is written behind it in a sample */
    ngx_str_t                       name;
    ngx_str_t                       suffix;
    const char                     *type;
    const char                     *unit;       /* NULL: none */
    const char                     *help;

    ngx_http_intake_status_t       *status;
    ngx_str_t                      *sources;    /* source="NAME" of each */

    unsigned                        head:1;     /* is to be written */
    unsigned                        openmetrics:1;
    unsigned                        failed:1;
} ngx_http_intake_writer_t;


/* size: bytes to begin with.  NGX_ERROR: no memory */
ngx_int_t ngx_http_intake_exposition(ngx_http_intake_writer_t *w,
    ngx_pool_t *pool, ngx_http_intake_status_t *status,
    ngx_uint_t openmetrics, size_t size);

/* NGX_ERROR: there was no memory */
ngx_int_t ngx_http_intake_exposed(ngx_http_intake_writer_t *w,
    ngx_str_t *out);

/*
 * name is without _total and _info, which the type asks for; help has no
 * character that would have to be escaped
 */
void ngx_http_intake_family(ngx_http_intake_writer_t *w, const char *name,
    const char *type, const char *unit, const char *help);

/*
 * A sample: labels as they are written, or NULL; one more label, or NULL;
 * the value, of at most 64 characters.
 */
void ngx_http_intake_sample(ngx_http_intake_writer_t *w, ngx_str_t *labels,
    const char *label, ngx_str_t *value, const char *fmt, ...);

/* the same in s, of ms */
void ngx_http_intake_sample_ms(ngx_http_intake_writer_t *w,
    ngx_str_t *labels, int64_t ms);

/*
 * A histogram of ms: n bounds, n + 1 buckets that are not cumulative, and the
 * sum of what was observed.
 */
void ngx_http_intake_histogram(ngx_http_intake_writer_t *w,
    ngx_str_t *labels, ngx_msec_t *bounds, int64_t *buckets, ngx_uint_t n,
    int64_t sum);

/* a bucket of a histogram, and its _sum and _count */
void ngx_http_intake_sample_bucket(ngx_http_intake_writer_t *w,
    ngx_str_t *labels, ngx_str_t *le, uint64_t n);
void ngx_http_intake_sample_sum(ngx_http_intake_writer_t *w,
    ngx_str_t *labels, uint64_t us, uint64_t n);

/*
 * NAME="VALUE", escaped, behind what is in labels, in memory of the pool.
 * NGX_ERROR: no memory.
 */
ngx_int_t ngx_http_intake_add_label(ngx_pool_t *pool, ngx_str_t *labels,
    const char *name, ngx_str_t *value);


/* status_sla_prometheus: the families of what Redis knows */
void ngx_http_intake_expose_panels(ngx_http_intake_writer_t *w);


#endif /* _NGX_HTTP_INTAKE_EXPOSITION_H_INCLUDED_ */
