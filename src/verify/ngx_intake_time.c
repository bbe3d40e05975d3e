
/*
 * Copyright (C) nginx-intake contributors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_intake_civil.h"
#include "ngx_intake_time.h"


#define NGX_INTAKE_SECOND          1000000LL
#define NGX_INTAKE_DAY             86400

/* milliseconds from 1970 to 2015, where Discord's clock begins */

#define NGX_INTAKE_DISCORD_EPOCH   1420070400000LL

/* digits, leading zeros too */

#define NGX_INTAKE_NUMBER_MAX      15
#define NGX_INTAKE_FRACTION_MAX    9
#define NGX_INTAKE_SNOWFLAKE_MAX   20


static ngx_int_t ngx_intake_time_number(ngx_str_t *src, int64_t unit,
    int64_t *usec);
static ngx_int_t ngx_intake_time_fraction(u_char *p, u_char *last,
    int64_t unit, int64_t *usec);
static ngx_int_t ngx_intake_time_snowflake(ngx_str_t *src, int64_t *usec);
static ngx_int_t ngx_intake_time_rfc3339(ngx_str_t *src, int64_t *usec);
static ngx_int_t ngx_intake_time_clock(u_char *p);
static ngx_int_t ngx_intake_time_zone(u_char *p, u_char *last,
    ngx_int_t *offset);
static u_char *ngx_intake_time_pair(u_char *dst, ngx_uint_t value);


ngx_int_t
ngx_intake_time_parse(ngx_intake_time_unit_e unit, ngx_str_t *src,
    int64_t *usec)
{
    if (src->len == 0) {
        return NGX_ERROR;
    }

    switch (unit) {

    case NGX_INTAKE_TIME_S:
        return ngx_intake_time_number(src, NGX_INTAKE_SECOND, usec);

    case NGX_INTAKE_TIME_MS:
        return ngx_intake_time_number(src, NGX_INTAKE_SECOND / 1000, usec);

    case NGX_INTAKE_TIME_RFC3339:
        return ngx_intake_time_rfc3339(src, usec);

    case NGX_INTAKE_TIME_SNOWFLAKE:
        return ngx_intake_time_snowflake(src, usec);
    }

    return NGX_ERROR;
}


/* unit is the number of microseconds in one */

static ngx_int_t
ngx_intake_time_number(ngx_str_t *src, int64_t unit, int64_t *usec)
{
    u_char   *p, *last;
    int64_t   value, fraction, max;

    p = src->data;
    last = p + src->len;

    value = 0;
    fraction = 0;
    max = NGX_INTAKE_TIME_MAX / unit;

    while (p < last && *p >= '0' && *p <= '9') {
        value = value * 10 + (*p++ - '0');

        if (value > max || p - src->data > NGX_INTAKE_NUMBER_MAX) {
            return NGX_ERROR;
        }
    }

    if (p == src->data) {
        return NGX_ERROR;
    }

    if (p < last) {
        if (*p++ != '.'
            || ngx_intake_time_fraction(p, last, unit, &fraction) != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    *usec = value * unit + fraction;

    return NGX_OK;
}


/* the digits after the point; unit as above */

static ngx_int_t
ngx_intake_time_fraction(u_char *p, u_char *last, int64_t unit, int64_t *usec)
{
    int64_t  value;

    if (p == last || last - p > NGX_INTAKE_FRACTION_MAX) {
        return NGX_ERROR;
    }

    value = 0;

    for ( /* void */ ; p < last; p++) {

        if (*p < '0' || *p > '9') {
            return NGX_ERROR;
        }

        unit /= 10;
        value += (*p - '0') * unit;
    }

    *usec = value;

    return NGX_OK;
}


static ngx_int_t
ngx_intake_time_snowflake(ngx_str_t *src, int64_t *usec)
{
    size_t    i;
    uint64_t  value, digit;

    if (src->len > NGX_INTAKE_SNOWFLAKE_MAX) {
        return NGX_ERROR;
    }

    value = 0;

    for (i = 0; i < src->len; i++) {

        if (src->data[i] < '0' || src->data[i] > '9') {
            return NGX_ERROR;
        }

        digit = src->data[i] - '0';

        if (value > (UINT64_MAX - digit) / 10) {
            return NGX_ERROR;
        }

        value = value * 10 + digit;
    }

    /* 42 bits of milliseconds end in the year 2154 */

    *usec = ((int64_t) (value >> 22) + NGX_INTAKE_DISCORD_EPOCH) * 1000;

    return NGX_OK;
}


static ngx_int_t
ngx_intake_time_rfc3339(ngx_str_t *src, int64_t *usec)
{
    u_char     *p, *last, *zone;
    int64_t     days, sec, fraction;
    ngx_int_t   clock, offset;

    p = src->data;
    last = p + src->len;

    /* the last evening of 1969 may be 1970 in UTC */

    if (src->len < sizeof("1970-01-01T00:00:00Z") - 1
        || (p[10] != 'T' && p[10] != 't' && p[10] != ' ')
        || ngx_intake_civil_parse(p, 1969, &days) != NGX_OK)
    {
        return NGX_ERROR;
    }

    clock = ngx_intake_time_clock(p + 11);

    if (clock == NGX_ERROR) {
        return NGX_ERROR;
    }

    p += sizeof("1970-01-01T00:00:00") - 1;
    zone = p;
    fraction = 0;

    if (*p == '.') {
        zone++;

        while (zone < last && *zone >= '0' && *zone <= '9') {
            zone++;
        }

        if (ngx_intake_time_fraction(p + 1, zone, NGX_INTAKE_SECOND, &fraction)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    if (ngx_intake_time_zone(zone, last, &offset) != NGX_OK) {
        return NGX_ERROR;
    }

    sec = days * NGX_INTAKE_DAY + clock - offset;

    if (p[-2] == '6') {
        /* a leap second: sec is the first second of the next minute */

        if (sec % NGX_INTAKE_DAY != 0) {
            return NGX_ERROR;
        }

        sec--;
        fraction = NGX_INTAKE_SECOND - 1;
    }

    if (sec < 0 || sec > NGX_INTAKE_TIME_MAX / NGX_INTAKE_SECOND) {
        return NGX_ERROR;
    }

    *usec = sec * NGX_INTAKE_SECOND + fraction;

    return NGX_OK;
}


/* "HH:MM:SS" to seconds, where SS may be 60, or NGX_ERROR */

static ngx_int_t
ngx_intake_time_clock(u_char *p)
{
    ngx_int_t  hour, min, sec;

    hour = ngx_intake_civil_digits(p, 2);
    min = ngx_intake_civil_digits(p + 3, 2);
    sec = ngx_intake_civil_digits(p + 6, 2);

    if (p[2] != ':' || p[5] != ':'
        || hour < 0 || hour > 23 || min < 0 || min > 59 || sec < 0 || sec > 60)
    {
        return NGX_ERROR;
    }

    return hour * 3600 + min * 60 + sec;
}


/* "Z", "z", "+HH:MM" or "+HHMM" up to last; the offset is in seconds */

static ngx_int_t
ngx_intake_time_zone(u_char *p, u_char *last, ngx_int_t *offset)
{
    u_char     sign;
    ngx_int_t  hour, min;

    if (last - p == 1 && (*p == 'Z' || *p == 'z')) {
        *offset = 0;
        return NGX_OK;
    }

    if (last - p == 6) {

        if (p[3] != ':') {
            return NGX_ERROR;
        }

    } else if (last - p != 5) {
        return NGX_ERROR;
    }

    sign = *p;

    hour = ngx_intake_civil_digits(p + 1, 2);
    min = ngx_intake_civil_digits(last - 2, 2);

    if ((sign != '+' && sign != '-')
        || hour < 0 || hour > 23 || min < 0 || min > 59)
    {
        return NGX_ERROR;
    }

    *offset = hour * 3600 + min * 60;

    if (sign == '-') {
        *offset = -*offset;
    }

    return NGX_OK;
}


u_char *
ngx_intake_time_format(u_char *dst, int64_t usec)
{
    int64_t     year;
    uint32_t    sec, frac;
    ngx_uint_t  month, day;

    if (usec < 0) {
        usec = 0;

    } else if (usec > NGX_INTAKE_TIME_MAX) {
        usec = NGX_INTAKE_TIME_MAX;
    }

    frac = usec % NGX_INTAKE_SECOND;
    usec /= NGX_INTAKE_SECOND;

    sec = usec % NGX_INTAKE_DAY;
    year = ngx_intake_civil_year(usec / NGX_INTAKE_DAY, &month, &day);

    dst = ngx_intake_time_pair(dst, year / 100);
    dst = ngx_intake_time_pair(dst, year % 100);
    *dst++ = '-';
    dst = ngx_intake_time_pair(dst, month);
    *dst++ = '-';
    dst = ngx_intake_time_pair(dst, day);
    *dst++ = 'T';
    dst = ngx_intake_time_pair(dst, sec / 3600);
    *dst++ = ':';
    dst = ngx_intake_time_pair(dst, sec / 60 % 60);
    *dst++ = ':';
    dst = ngx_intake_time_pair(dst, sec % 60);
    *dst++ = '.';
    dst = ngx_intake_time_pair(dst, frac / 10000);
    dst = ngx_intake_time_pair(dst, frac / 100 % 100);
    dst = ngx_intake_time_pair(dst, frac % 100);
    *dst++ = 'Z';

    return dst;
}


static u_char *
ngx_intake_time_pair(u_char *dst, ngx_uint_t value)
{
    *dst++ = (u_char) ('0' + value / 10);
    *dst++ = (u_char) ('0' + value % 10);

    return dst;
}
