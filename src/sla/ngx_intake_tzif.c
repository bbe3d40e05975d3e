
/*
 * Copyright (C) nginx-intake contributors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_intake_date.h"
#include "ngx_intake_tzif.h"


#define NGX_INTAKE_TZIF_HEADER      44
#define NGX_INTAKE_TZIF_VERSION     4
#define NGX_INTAKE_TZIF_COUNTS      20
#define NGX_INTAKE_TZIF_TYPE        6

/* RFC 9636, section 3.2: offsets are more than -25 hours, less than 26 */

#define NGX_INTAKE_TZIF_MIN_OFFSET  (-25 * 3600 + 1)
#define NGX_INTAKE_TZIF_MAX_OFFSET  (26 * 3600 - 1)


/* the six numbers of a header, in its order */

typedef struct {
    size_t   isut;
    size_t   isstd;
    size_t   leap;
    size_t   time;
    size_t   type;
    size_t   chars;
} ngx_intake_tzif_counts_t;


static ngx_int_t ngx_intake_tzif_header(u_char *p, u_char *last,
    ngx_intake_tzif_counts_t *counts);
static size_t ngx_intake_tzif_length(ngx_intake_tzif_counts_t *counts,
    size_t width);
static ngx_int_t ngx_intake_tzif_table(ngx_intake_tzif_t *zone, u_char *p,
    ngx_intake_tzif_counts_t *counts, size_t width);
static ngx_int_t ngx_intake_tzif_last_line(ngx_intake_tzif_t *zone, u_char *p,
    u_char *last);
static int64_t ngx_intake_tzif_time(ngx_intake_tzif_t *zone, ngx_uint_t n);
static ngx_int_t ngx_intake_tzif_offset(ngx_intake_tzif_t *zone,
    ngx_uint_t type);
static int64_t ngx_intake_tzif_number(u_char *p, size_t width);


ngx_int_t
ngx_intake_tzif_read(ngx_intake_tzif_t *zone, ngx_str_t *content)
{
    u_char                    *p, *last;
    size_t                     width;
    ngx_int_t                  rc;
    ngx_uint_t                 version;
    ngx_intake_tzif_counts_t   counts;

    p = content->data;
    last = p + content->len;

    if (ngx_intake_tzif_header(p, last, &counts) != NGX_OK) {
        return NGX_ERROR;
    }

    version = p[NGX_INTAKE_TZIF_VERSION];
    p += NGX_INTAKE_TZIF_HEADER;
    width = 4;

    if (version != 0) {

        /* the table of version 1 stands in front, for old readers */

        if (version < '2' || ngx_intake_tzif_length(&counts, 4)
                             > (size_t) (last - p))
        {
            return NGX_ERROR;
        }

        p += ngx_intake_tzif_length(&counts, 4);

        if (ngx_intake_tzif_header(p, last, &counts) != NGX_OK) {
            return NGX_ERROR;
        }

        p += NGX_INTAKE_TZIF_HEADER;
        width = 8;
    }

    if (ngx_intake_tzif_length(&counts, width) > (size_t) (last - p)) {
        return NGX_ERROR;
    }

    rc = ngx_intake_tzif_table(zone, p, &counts, width);

    if (rc != NGX_OK) {
        return rc;
    }

    zone->has_tz = 0;

    if (version == 0) {
        return NGX_OK;
    }

    p += ngx_intake_tzif_length(&counts, width);

    return ngx_intake_tzif_last_line(zone, p, last);
}


static ngx_int_t
ngx_intake_tzif_header(u_char *p, u_char *last,
    ngx_intake_tzif_counts_t *counts)
{
    if (last - p < NGX_INTAKE_TZIF_HEADER || ngx_memcmp(p, "TZif", 4) != 0) {
        return NGX_ERROR;
    }

    p += NGX_INTAKE_TZIF_COUNTS;

    counts->isut = ngx_intake_tzif_number(p, 4);
    counts->isstd = ngx_intake_tzif_number(p + 4, 4);
    counts->leap = ngx_intake_tzif_number(p + 8, 4);
    counts->time = ngx_intake_tzif_number(p + 12, 4);
    counts->type = ngx_intake_tzif_number(p + 16, 4);
    counts->chars = ngx_intake_tzif_number(p + 20, 4);

    /* negative ones are large here; the sum of what is below fits */

    if (counts->isut > 256 || counts->isstd > 256
        || counts->leap > 0xffffff || counts->time > 0xffffff
        || counts->type > 256 || counts->chars > 0xffffff)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


/* bytes from a header to what follows its table */

static size_t
ngx_intake_tzif_length(ngx_intake_tzif_counts_t *counts, size_t width)
{
    return counts->time * (width + 1)
           + counts->type * NGX_INTAKE_TZIF_TYPE
           + counts->chars
           + counts->leap * (width + 4)
           + counts->isstd
           + counts->isut;
}


static ngx_int_t
ngx_intake_tzif_table(ngx_intake_tzif_t *zone, u_char *p,
    ngx_intake_tzif_counts_t *counts, size_t width)
{
    ngx_int_t   offset;
    ngx_uint_t  i;

    zone->width = width;
    zone->ntimes = counts->time;
    zone->ntypes = counts->type;

    zone->times = p;
    zone->indexes = zone->times + counts->time * width;
    zone->types = zone->indexes + counts->time;

    if (counts->type == 0 || counts->chars == 0
        || (counts->isut && counts->isut != counts->type)
        || (counts->isstd && counts->isstd != counts->type))
    {
        return NGX_ERROR;
    }

    for (i = 0; i < zone->ntimes; i++) {

        if (zone->indexes[i] >= zone->ntypes
            || (i && ngx_intake_tzif_time(zone, i)
                     <= ngx_intake_tzif_time(zone, i - 1)))
        {
            return NGX_ERROR;
        }
    }

    for (i = 0; i < zone->ntypes; i++) {
        offset = ngx_intake_tzif_offset(zone, i);

        if (offset < NGX_INTAKE_TZIF_MIN_OFFSET
            || offset > NGX_INTAKE_TZIF_MAX_OFFSET)
        {
            return NGX_ERROR;
        }
    }

    return counts->leap ? NGX_DECLINED : NGX_OK;
}


/* a TZ string or nothing, between two newlines; what follows is not ours */

static ngx_int_t
ngx_intake_tzif_last_line(ngx_intake_tzif_t *zone, u_char *p, u_char *last)
{
    ngx_str_t  text;

    if (p == last || *p++ != '\n') {
        return NGX_ERROR;
    }

    text.data = p;

    while (p < last && *p != '\n') {
        p++;
    }

    if (p == last) {
        return NGX_ERROR;
    }

    text.len = p - text.data;

    if (text.len == 0) {
        return NGX_OK;
    }

    zone->has_tz = 1;

    return ngx_intake_tz_parse(&text, &zone->tz);
}


void
ngx_intake_tzif_find(ngx_intake_tzif_t *zone, int64_t sec,
    ngx_intake_tz_stretch_t *stretch)
{
    int64_t     begin;
    ngx_uint_t  low, high, middle;

    /* low becomes the number of transitions that are not after sec */

    low = 0;
    high = zone->ntimes;

    while (low < high) {
        middle = (low + high) / 2;

        if (ngx_intake_tzif_time(zone, middle) <= sec) {
            low = middle + 1;

        } else {
            high = middle;
        }
    }

    begin = low ? ngx_intake_tzif_time(zone, low - 1) : INT64_MIN;

    if (low == zone->ntimes && zone->has_tz) {
        ngx_intake_tz_find(&zone->tz, sec, stretch);
        stretch->begin = ngx_max(stretch->begin, begin);
        return;
    }

    stretch->begin = begin;
    stretch->end = (low < zone->ntimes) ? ngx_intake_tzif_time(zone, low)
                                        : INT64_MAX;

    /* before the first transition it is type 0 (RFC 9636, section 3.2) */

    stretch->offset = ngx_intake_tzif_offset(zone,
                                       low ? zone->indexes[low - 1] : 0);
}


ngx_int_t
ngx_intake_tzif_utc(ngx_intake_tzif_t *zone, int64_t local, int64_t *first,
    int64_t *last)
{
    int64_t                  sec, until, gap;
    ngx_uint_t               found;
    ngx_intake_tz_stretch_t  stretch;

    found = 0;
    gap = INT64_MAX;

    until = local - NGX_INTAKE_TZIF_MIN_OFFSET;

    for (sec = local - NGX_INTAKE_TZIF_MAX_OFFSET;
         sec <= until;
         sec = stretch.end)
    {
        ngx_intake_tzif_find(zone, sec, &stretch);

        if (local - stretch.offset < stretch.begin) {
            gap = ngx_min(gap, stretch.begin);

        } else if (local - stretch.offset < stretch.end) {
            *last = local - stretch.offset;

            if (!found) {
                *first = *last;
                found = 1;
            }
        }

        if (stretch.end == INT64_MAX) {
            break;
        }
    }

    if (found) {
        return NGX_OK;
    }

    *first = gap;
    *last = gap;

    return NGX_DECLINED;
}


/* the n-th transition */

static int64_t
ngx_intake_tzif_time(ngx_intake_tzif_t *zone, ngx_uint_t n)
{
    return ngx_intake_tzif_number(zone->times + n * zone->width, zone->width);
}


static ngx_int_t
ngx_intake_tzif_offset(ngx_intake_tzif_t *zone, ngx_uint_t type)
{
    return ngx_intake_tzif_number(zone->types + type * NGX_INTAKE_TZIF_TYPE,
                                  4);
}


/* a signed one of four or eight bytes */

static int64_t
ngx_intake_tzif_number(u_char *p, size_t width)
{
    uint64_t  value;

    value = (*p & 0x80) ? ~ (uint64_t) 0 : 0;

    while (width--) {
        value = value << 8 | *p++;
    }

    return (int64_t) value;
}
