
/*
 * Copyright (C) nginx-intake contributors
 */


#ifndef _NGX_HTTP_INTAKE_STATUS_JSON_H_INCLUDED_
#define _NGX_HTTP_INTAKE_STATUS_JSON_H_INCLUDED_


#include "ngx_http_intake_status.h"


/*
 * Writes a document of JSON in one pass into buffers of nginx, and adds one
 * when the last is full: nothing is allocated for a value, and nothing is
 * copied.  Commas come by themselves.  When there is no memory, failed is set
 * and nothing more is written.
 */

typedef struct {
    ngx_pool_t                     *pool;
    ngx_chain_t                    *out;
    ngx_chain_t                   **next;
    ngx_buf_t                      *buf;        /* the last one */
    off_t                           len;

    unsigned                        comma:1;    /* before the next value */
    unsigned                        failed:1;
} ngx_http_intake_json_t;


void ngx_http_intake_json_init(ngx_http_intake_json_t *json,
    ngx_pool_t *pool);

/* A line feed behind the document.  NGX_ERROR: there was no memory. */
ngx_int_t ngx_http_intake_json_done(ngx_http_intake_json_t *json);


/*
 * Everything below has a name, which is ours and needs no escapes, or NULL in
 * an array.
 */

void ngx_http_intake_json_object(ngx_http_intake_json_t *json,
    const char *name);
void ngx_http_intake_json_object_end(ngx_http_intake_json_t *json);
void ngx_http_intake_json_array(ngx_http_intake_json_t *json,
    const char *name);
void ngx_http_intake_json_array_end(ngx_http_intake_json_t *json);

void ngx_http_intake_json_null(ngx_http_intake_json_t *json,
    const char *name);
void ngx_http_intake_json_integer(ngx_http_intake_json_t *json,
    const char *name, int64_t n);

/* null if it is negative */
void ngx_http_intake_json_count(ngx_http_intake_json_t *json,
    const char *name, int64_t n);
void ngx_http_intake_json_real(ngx_http_intake_json_t *json,
    const char *name, double n);
void ngx_http_intake_json_flag(ngx_http_intake_json_t *json,
    const char *name, ngx_int_t flag);

/* seconds; null if it is not known */
void ngx_http_intake_json_seconds(ngx_http_intake_json_t *json,
    const char *name, ngx_uint_t known, int64_t us);

/* any bytes, escaped; null if it is empty */
void ngx_http_intake_json_text(ngx_http_intake_json_t *json,
    const char *name, ngx_str_t *text);

/* RFC 3339 in UTC; msec -1: whole seconds */
void ngx_http_intake_json_time(ngx_http_intake_json_t *json,
    const char *name, time_t sec, ngx_int_t msec);

/* the same, of ms since 1970; null if that is not positive */
void ngx_http_intake_json_ms(ngx_http_intake_json_t *json, const char *name,
    int64_t ms);

/* "NAME":n,... of an object that is open */
void ngx_http_intake_json_counts(ngx_http_intake_json_t *json,
    ngx_str_t *names, int64_t *n, ngx_uint_t count);


/*
 * status_sla_json: puts what Redis knows of a source into its object, which is
 * open: its clocks, its streams and, with detail, who waits.
 */
void ngx_http_intake_json_panel(ngx_http_intake_json_t *json,
    ngx_http_intake_status_t *status, ngx_http_intake_source_status_t *ss,
    ngx_uint_t detail);

/* which moment that is */
void ngx_http_intake_json_snapshot(ngx_http_intake_json_t *json,
    ngx_http_intake_status_t *status);

/* status_lane_json: a clock of a tier of a source whose panel is there */
void ngx_http_intake_json_lane(ngx_http_intake_json_t *json,
    ngx_http_intake_status_t *status, ngx_http_intake_source_status_t *ss,
    ngx_uint_t n);


#endif /* _NGX_HTTP_INTAKE_STATUS_JSON_H_INCLUDED_ */
