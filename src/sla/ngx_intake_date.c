
/*
 * Copyright (C) nginx-intake contributors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_intake_civil.h"
#include "ngx_intake_date.h"


/* 1970-01-01 was a Thursday */

#define NGX_INTAKE_DATE_EPOCH_DAY  4

#define NGX_INTAKE_TIMES_LEN       (sizeof("00:00-24:00") - 1)
#define NGX_INTAKE_WEEKDAY_LEN     (sizeof("mon") - 1)


static ngx_int_t ngx_intake_weekday_parse(u_char *p, u_char *last);
static ngx_int_t ngx_intake_clock_parse(u_char *p);


int64_t
ngx_intake_date(int64_t year, ngx_uint_t month, ngx_uint_t day)
{
    return ngx_intake_civil_date(year, month, day);
}


int64_t
ngx_intake_date_of(int64_t sec)
{
    return ngx_intake_civil_floor(sec, NGX_INTAKE_DAY_SECONDS);
}


int64_t
ngx_intake_date_year(int64_t date)
{
    ngx_uint_t  month, day;

    return ngx_intake_civil_year(date, &month, &day);
}


ngx_uint_t
ngx_intake_date_weekday(int64_t date)
{
    date += NGX_INTAKE_DATE_EPOCH_DAY;

    return date - ngx_intake_civil_floor(date, NGX_INTAKE_WEEKDAYS)
                  * NGX_INTAKE_WEEKDAYS;
}


ngx_uint_t
ngx_intake_date_leap_year(int64_t year)
{
    return ngx_intake_civil_leap_year(year);
}


ngx_int_t
ngx_intake_date_parse(ngx_str_t *text, int64_t *date)
{
    if (text->len != NGX_INTAKE_CIVIL_LEN) {
        return NGX_ERROR;
    }

    return ngx_intake_civil_parse(text->data, 1970, date);
}


ngx_int_t
ngx_intake_date_range_parse(ngx_str_t *text, int64_t *first, int64_t *last)
{
    u_char     *p;
    int64_t     from, to;
    ngx_str_t   date;

    date = *text;

    if (date.len > NGX_INTAKE_CIVIL_LEN) {
        date.len = NGX_INTAKE_CIVIL_LEN;
    }

    if (ngx_intake_date_parse(&date, &from) != NGX_OK) {
        return NGX_ERROR;
    }

    to = from;

    if (text->len > NGX_INTAKE_CIVIL_LEN) {
        p = text->data + NGX_INTAKE_CIVIL_LEN;

        if (text->len != 2 * NGX_INTAKE_CIVIL_LEN + 2
            || p[0] != '.' || p[1] != '.')
        {
            return NGX_ERROR;
        }

        date.data = p + 2;

        if (ngx_intake_date_parse(&date, &to) != NGX_OK || to < from) {
            return NGX_ERROR;
        }
    }

    *first = from;
    *last = to;

    return NGX_OK;
}


ngx_int_t
ngx_intake_weekdays_parse(ngx_str_t *text, ngx_uint_t *days)
{
    u_char      *p, *last;
    ngx_int_t    day, end;
    ngx_uint_t   set;

    p = text->data;
    last = p + text->len;
    set = 0;

    for ( ;; ) {
        day = ngx_intake_weekday_parse(p, last);

        if (day == NGX_ERROR) {
            return NGX_ERROR;
        }

        p += NGX_INTAKE_WEEKDAY_LEN;
        end = day;

        if (p < last && *p == '-') {
            end = ngx_intake_weekday_parse(p + 1, last);

            if (end == NGX_ERROR || end == day) {
                return NGX_ERROR;
            }

            p += 1 + NGX_INTAKE_WEEKDAY_LEN;
        }

        for ( ;; ) {

            if (set & ((ngx_uint_t) 1 << day)) {
                return NGX_ERROR;
            }

            set |= (ngx_uint_t) 1 << day;

            if (day == end) {
                break;
            }

            day = (day + 1) % NGX_INTAKE_WEEKDAYS;
        }

        if (p == last) {
            *days = set;
            return NGX_OK;
        }

        if (*p++ != ',') {
            return NGX_ERROR;
        }
    }
}


/* the day whose name stands at p, or NGX_ERROR */

static ngx_int_t
ngx_intake_weekday_parse(u_char *p, u_char *last)
{
    ngx_int_t  day;

    static u_char  names[] = "sunmontuewedthufrisat";

    if (last - p < (ssize_t) NGX_INTAKE_WEEKDAY_LEN) {
        return NGX_ERROR;
    }

    for (day = 0; day < NGX_INTAKE_WEEKDAYS; day++) {

        if (ngx_memcmp(p, names + day * NGX_INTAKE_WEEKDAY_LEN,
                       NGX_INTAKE_WEEKDAY_LEN)
            == 0)
        {
            return day;
        }
    }

    return NGX_ERROR;
}


ngx_int_t
ngx_intake_times_parse(ngx_str_t *text, ngx_intake_times_t *times)
{
    u_char     *p;
    ngx_int_t   start, end;

    p = text->data;

    if (text->len != NGX_INTAKE_TIMES_LEN || p[5] != '-') {
        return NGX_ERROR;
    }

    start = ngx_intake_clock_parse(p);
    end = ngx_intake_clock_parse(p + 6);

    if (start == NGX_ERROR || end == NGX_ERROR
        || start == NGX_INTAKE_DAY_MINUTES || start == end)
    {
        return NGX_ERROR;
    }

    if (end < start) {
        end += NGX_INTAKE_DAY_MINUTES;
    }

    times->start = start;
    times->end = end;

    return NGX_OK;
}


ngx_uint_t
ngx_intake_times_meant(ngx_str_t *word)
{
    u_char      c;
    size_t      i;
    ngx_uint_t  digit, mark;

    digit = 0;
    mark = 0;

    for (i = 0; i < word->len; i++) {
        c = word->data[i];

        if (c == ':' || c == '-') {
            mark = 1;

        } else if (c >= '0' && c <= '9') {
            digit = 1;

        } else {
            return 0;
        }
    }

    return digit && mark;
}


/* "HH:MM", up to 24:00, in minutes, or NGX_ERROR */

static ngx_int_t
ngx_intake_clock_parse(u_char *p)
{
    ngx_int_t  hour, min;

    hour = ngx_intake_civil_digits(p, 2);
    min = ngx_intake_civil_digits(p + 3, 2);

    if (p[2] != ':' || hour < 0 || min < 0 || min > 59
        || hour * 60 + min > NGX_INTAKE_DAY_MINUTES)
    {
        return NGX_ERROR;
    }

    return hour * 60 + min;
}
