
/*
 * Copyright (C) nginx-intake contributors
 */


#ifndef _NGX_INTAKE_TZIF_H_INCLUDED_
#define _NGX_INTAKE_TZIF_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_intake_tz.h"


/*
 * A reader of TZif files (RFC 9636), versions 1 to 4 and later: those with a
 * table of all transitions ("fat") as well as those that leave the years
 * after the last change of rules to their last line ("slim").
 *
 * Nothing is copied: a zone points into the content of its file.  Pure: no
 * allocation, no state, no libc time functions.
 */


typedef struct {
    u_char            *times;              /* of width bytes, big-endian */
    u_char            *indexes;            /* into types, a byte each */
    u_char            *types;              /* of six bytes */
    ngx_uint_t         ntimes;
    ngx_uint_t         ntypes;
    size_t             width;

    ngx_uint_t         has_tz;             /* the last line is not empty */
    ngx_intake_tz_t    tz;
} ngx_intake_tzif_t;


/*
 * Checks a whole file and sets *zone, which may be used as long as the
 * content is there.  Returns NGX_OK; NGX_ERROR when this is no TZif file or a
 * damaged one; NGX_DECLINED when the times in it count leap seconds (the
 * zones under "right/"), for those of a Unix clock do not.
 */
ngx_int_t ngx_intake_tzif_read(ngx_intake_tzif_t *zone, ngx_str_t *content);

/*
 * Sets the stretch that the time, in seconds since 1970, is in.  Neighbouring
 * stretches may have the same offset.
 */
void ngx_intake_tzif_find(ngx_intake_tzif_t *zone, int64_t sec,
    ngx_intake_tz_stretch_t *stretch);

/*
 * The times at which the clock of the zone shows local, a number of seconds
 * since 1970-01-01T00:00:00 on that clock, of the years 1 to 9999.  Sets
 * *first and *last and returns NGX_OK: they differ where the clock was set
 * back and shows local twice (or oftener).  Where it was set forward over
 * local, returns NGX_DECLINED; both are then the time at which that happened,
 * the first with a later local time.
 */
ngx_int_t ngx_intake_tzif_utc(ngx_intake_tzif_t *zone, int64_t local,
    int64_t *first, int64_t *last);


#endif /* _NGX_INTAKE_TZIF_H_INCLUDED_ */
