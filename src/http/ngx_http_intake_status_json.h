
/*
 * Copyright (C) nginx-intake contributors
 */


#ifndef _NGX_HTTP_INTAKE_STATUS_JSON_H_INCLUDED_
#define _NGX_HTTP_INTAKE_STATUS_JSON_H_INCLUDED_


#include "ngx_http_intake_status.h"

#include <jansson.h>


/*
 * Every function that makes a value returns NULL when there is no memory; to
 * put NULL into an object or an array is an error, which goes up the same
 * way.  A value that could not be put anywhere has been freed by jansson.
 */


/* null if it is not known */
json_t *ngx_http_intake_json_seconds(ngx_uint_t known, int64_t us);

/* null if it is empty */
json_t *ngx_http_intake_json_name(ngx_str_t *name);

/* RFC 3339 in UTC with milliseconds; null if ms is not positive */
json_t *ngx_http_intake_json_ms(int64_t ms);

/* {"NAME":n,...} */
json_t *ngx_http_intake_json_counts(ngx_str_t *names, int64_t *n,
    ngx_uint_t count);


/*
 * status_sla_json: puts what Redis knows of a source into its object: its
 * clocks, its streams and, with detail, who waits.  Returns 0 or -1, as
 * jansson does.
 */
int ngx_http_intake_json_panel(json_t *object,
    ngx_http_intake_status_t *status, ngx_http_intake_source_status_t *ss,
    ngx_uint_t detail);

/* which moment that is */
json_t *ngx_http_intake_json_snapshot(ngx_http_intake_status_t *status);

/* status_lane_json: a clock of a tier of a source whose panel is there */
json_t *ngx_http_intake_json_lane(ngx_http_intake_status_t *status,
    ngx_http_intake_source_status_t *ss, ngx_uint_t n);


#endif /* _NGX_HTTP_INTAKE_STATUS_JSON_H_INCLUDED_ */
