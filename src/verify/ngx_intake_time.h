
/*
 * Copyright (C) nginx-intake contributors
 */


#ifndef _NGX_INTAKE_TIME_H_INCLUDED_
#define _NGX_INTAKE_TIME_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/*
 * Timestamps as text and back.  A time is an int64_t of microseconds since
 * 1970-01-01T00:00:00Z; all are from then to the end of the year 9999.
 * Pure: no allocation, no state, no libc time functions.
 */


#define NGX_INTAKE_TIME_MAX  253402300799999999LL

/* characters of "2026-11-21T20:30:00.123456Z" */

#define NGX_INTAKE_TIME_LEN  27


typedef enum {
    NGX_INTAKE_TIME_S = 0,
    NGX_INTAKE_TIME_MS,
    NGX_INTAKE_TIME_RFC3339,
    NGX_INTAKE_TIME_SNOWFLAKE
} ngx_intake_time_unit_e;


/*
 * Reads the whole of src.
 *
 * S, MS: digits, optionally a point and one to nine digits.
 * RFC3339: RFC 3339, section 5.6, one to nine digits of a fraction; also a
 * space for the T, lower case t and z, and offsets without a colon.  A zone
 * is required.  Second 60 is taken only at the end of a UTC day, as its last
 * microsecond.
 * SNOWFLAKE: a Discord id, whose upper 42 bits are milliseconds since 2015
 * (discord.com/developers/docs/reference#snowflakes).
 *
 * What is finer than a microsecond is cut off.  Returns NGX_OK and sets
 * *usec, or NGX_ERROR, with *usec untouched, when src is anything else or
 * the time is out of the range above.
 */
ngx_int_t ngx_intake_time_parse(ngx_intake_time_unit_e unit, ngx_str_t *src,
    int64_t *usec);

/*
 * Writes NGX_INTAKE_TIME_LEN characters, RFC 3339 in UTC with six decimals,
 * and returns their end.  No zero is appended.  A time out of the range
 * above is written as the nearest end of it.
 */
u_char *ngx_intake_time_format(u_char *dst, int64_t usec);


#endif /* _NGX_INTAKE_TIME_H_INCLUDED_ */
