
/*
 * Copyright (C) nginx-intake contributors
 */


#ifndef _NGX_INTAKE_CIVIL_H_INCLUDED_
#define _NGX_INTAKE_CIVIL_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/*
 * The arithmetic of the Gregorian calendar, which is used for all years,
 * negative ones too.  A date is a number of days since 1970-01-01.
 */


/* the calendar repeats every 400 years of this many days */

#define NGX_INTAKE_CIVIL_ERA         146097

/* days from 0000-03-01, where eras begin, to 1970-01-01 */

#define NGX_INTAKE_CIVIL_ERA_OFFSET  719468

/* characters of "1970-01-01" */

#define NGX_INTAKE_CIVIL_LEN         10


/* division that rounds down */

static ngx_inline int64_t
ngx_intake_civil_floor(int64_t value, int64_t unit)
{
    return value / unit - (value % unit < 0);
}


static ngx_inline ngx_uint_t
ngx_intake_civil_leap_year(int64_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}


/* the date of a month from 1 to 12 and a day; day 1 + n is n days later */

static ngx_inline int64_t
ngx_intake_civil_date(int64_t year, ngx_uint_t month, ngx_uint_t day)
{
    int64_t  era;

    /* years that begin in March have their leap day at the end */

    if (month > 2) {
        month -= 3;

    } else {
        month += 9;
        year--;
    }

    era = ngx_intake_civil_floor(year, 400);
    year -= era * 400;

    return era * NGX_INTAKE_CIVIL_ERA
           + year * 365 + year / 4 - year / 100
           + (int64_t) ((153 * month + 2) / 5)
           + (int64_t) day - 1
           - NGX_INTAKE_CIVIL_ERA_OFFSET;
}


/* the inverse: the year; sets the month and the day */

static ngx_inline int64_t
ngx_intake_civil_year(int64_t date, ngx_uint_t *month, ngx_uint_t *day)
{
    int64_t  era, year;

    date += NGX_INTAKE_CIVIL_ERA_OFFSET;

    era = ngx_intake_civil_floor(date, NGX_INTAKE_CIVIL_ERA);
    date -= era * NGX_INTAKE_CIVIL_ERA;

    year = (date - date / 1460 + date / 36524 - date / 146096) / 365;
    date -= year * 365 + year / 4 - year / 100;

    *month = (5 * date + 2) / 153;
    *day = date - (153 * *month + 2) / 5 + 1;

    year += era * 400;

    if (*month < 10) {
        *month += 3;
        return year;
    }

    *month -= 9;

    return year + 1;
}


/* exactly n digits, or NGX_ERROR */

static ngx_inline ngx_int_t
ngx_intake_civil_digits(u_char *p, ngx_uint_t n)
{
    ngx_int_t  value;

    value = 0;

    while (n--) {

        if (*p < '0' || *p > '9') {
            return NGX_ERROR;
        }

        value = value * 10 + (*p++ - '0');
    }

    return value;
}


/*
 * The date of NGX_INTAKE_CIVIL_LEN characters, "YYYY-MM-DD"; NGX_ERROR, with
 * nothing set, when they are none or the year is before the first one.
 */

static ngx_inline ngx_int_t
ngx_intake_civil_parse(u_char *p, ngx_int_t first, int64_t *date)
{
    ngx_int_t  year, month, day, length;

    static ngx_int_t  lengths[] = {
        31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31
    };

    year = ngx_intake_civil_digits(p, 4);
    month = ngx_intake_civil_digits(p + 5, 2);
    day = ngx_intake_civil_digits(p + 8, 2);

    if (p[4] != '-' || p[7] != '-'
        || year < first || month < 1 || month > 12 || day < 1)
    {
        return NGX_ERROR;
    }

    length = lengths[month - 1];

    if (month == 2 && ngx_intake_civil_leap_year(year)) {
        length++;
    }

    if (day > length) {
        return NGX_ERROR;
    }

    *date = ngx_intake_civil_date(year, month, day);

    return NGX_OK;
}


#endif /* _NGX_INTAKE_CIVIL_H_INCLUDED_ */
