
/*
 * Copyright (C) nginx-intake contributors
 */


#ifndef _NGX_INTAKE_TZ_H_INCLUDED_
#define _NGX_INTAKE_TZ_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/*
 * A time zone as POSIX writes it in the variable TZ (IEEE Std 1003.1, section
 * 8.3), with the extensions of RFC 9636, section 3.3.1: what stands in the
 * last line of a TZif file and holds for the years after its table.
 *
 * Pure: no allocation, no state, no libc time functions.
 */


/* the first second of the year 1 and the last of 9999, where rules stop */

#define NGX_INTAKE_TZ_MIN  -62135596800LL
#define NGX_INTAKE_TZ_MAX  253402300799LL


/*
 * A time in which the offset of a zone is the same: from begin on and before
 * end, in seconds since 1970 (INT64_MIN, INT64_MAX: without limit).  The
 * offset is in seconds and is added to UTC to get local time.
 */

typedef struct {
    int64_t                begin;
    int64_t                end;
    ngx_int_t              offset;
} ngx_intake_tz_stretch_t;


typedef enum {
    NGX_INTAKE_TZ_JULIAN = 0,              /* "Jn": 1 to 365, no leap day */
    NGX_INTAKE_TZ_DAY,                     /* "n": 0 to 365 */
    NGX_INTAKE_TZ_MONTH                    /* "Mm.w.d" */
} ngx_intake_tz_rule_e;


typedef struct {
    ngx_intake_tz_rule_e   kind;
    ngx_uint_t             month;
    ngx_uint_t             week;           /* 5 is the last of the month */
    ngx_uint_t             day;
    ngx_int_t              time;           /* seconds, +-167:59:59 */
} ngx_intake_tz_rule_t;


typedef struct {
    ngx_int_t              std;            /* offsets, as above */
    ngx_int_t              dst;
    ngx_uint_t             rules;          /* 0: std is all there is */
    ngx_intake_tz_rule_t   start;          /* of dst, on the clock of std */
    ngx_intake_tz_rule_t   end;            /* of dst, on the clock of dst */
} ngx_intake_tz_t;


/*
 * Reads the whole of text: std offset [dst [offset], start, end].  A dst
 * without rules, for which POSIX leaves the dates open, is refused.  Returns
 * NGX_OK, or NGX_ERROR when text is not of this form; *tz is then undefined.
 */
ngx_int_t ngx_intake_tz_parse(ngx_str_t *text, ngx_intake_tz_t *tz);

/*
 * Sets the stretch that the time is in.  Neighbouring stretches may have the
 * same offset.  Times out of the range above belong to the first or the last
 * stretch.
 */
void ngx_intake_tz_find(ngx_intake_tz_t *tz, int64_t sec,
    ngx_intake_tz_stretch_t *stretch);


#endif /* _NGX_INTAKE_TZ_H_INCLUDED_ */
