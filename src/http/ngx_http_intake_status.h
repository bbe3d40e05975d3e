
/*
 * Copyright (C) nginx-intake contributors
 */


#ifndef _NGX_HTTP_INTAKE_STATUS_H_INCLUDED_
#define _NGX_HTTP_INTAKE_STATUS_H_INCLUDED_


#include "ngx_http_intake_counters.h"


#define NGX_HTTP_INTAKE_HEALTH_REDIS  0x01


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
