
/*
 * Copyright (C) nginx-intake contributors
 */


#ifndef _NGX_HTTP_INTAKE_STATUS_H_INCLUDED_
#define _NGX_HTTP_INTAKE_STATUS_H_INCLUDED_


#include "ngx_http_intake_counters.h"


#define NGX_HTTP_INTAKE_HEALTH_REDIS  0x01
#define NGX_HTTP_INTAKE_HEALTH_SPOOL  0x02


/* in the order of ngx_http_intake_formats */

typedef enum {
    NGX_HTTP_INTAKE_FORMAT_OPENMETRICS = 0,
    NGX_HTTP_INTAKE_FORMAT_PROMETHEUS,
    NGX_HTTP_INTAKE_FORMAT_JSON
} ngx_http_intake_format_e;

#define NGX_HTTP_INTAKE_FORMATS  3

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


/*
 * The writers.  They put the whole document into out, in memory of pool.
 * detail: what stands behind the node's sums is shown too.  NGX_ERROR: no
 * memory.
 */

/* the text format 0.0.4, or OpenMetrics 1.0 */
ngx_int_t ngx_http_intake_write_prometheus(ngx_pool_t *pool,
    ngx_http_intake_status_t *status, ngx_uint_t openmetrics, ngx_str_t *out);

/* the schema intake-status/1 */
ngx_int_t ngx_http_intake_write_json(ngx_pool_t *pool,
    ngx_http_intake_status_t *status, ngx_uint_t detail, ngx_str_t *out);


#endif /* _NGX_HTTP_INTAKE_STATUS_H_INCLUDED_ */
