
/*
 * Copyright (C) nginx-intake contributors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_intake_date.h"
#include "ngx_intake_tz.h"


#define NGX_INTAKE_TZ_NAME_MIN      3

/* hours of an offset from UTC, and of a rule's time (RFC 9636) */

#define NGX_INTAKE_TZ_OFFSET_HOURS  24
#define NGX_INTAKE_TZ_RULE_HOURS    167

/* a rule without a time means 02:00:00 */

#define NGX_INTAKE_TZ_RULE_TIME     7200


typedef struct {
    u_char  *pos;
    u_char  *last;
} ngx_intake_tz_cursor_t;


static ngx_int_t ngx_intake_tz_name(ngx_intake_tz_cursor_t *c);
static ngx_int_t ngx_intake_tz_time(ngx_intake_tz_cursor_t *c,
    ngx_int_t hours, ngx_int_t *time);
static ngx_int_t ngx_intake_tz_rule(ngx_intake_tz_cursor_t *c,
    ngx_intake_tz_rule_t *rule);
static ngx_int_t ngx_intake_tz_number(ngx_intake_tz_cursor_t *c,
    ngx_int_t min, ngx_int_t max);
static ngx_uint_t ngx_intake_tz_char(ngx_intake_tz_cursor_t *c, u_char ch);
static int64_t ngx_intake_tz_rule_time(ngx_intake_tz_rule_t *rule,
    int64_t year);


ngx_int_t
ngx_intake_tz_parse(ngx_str_t *text, ngx_intake_tz_t *tz)
{
    ngx_int_t               time;
    ngx_intake_tz_cursor_t  c;

    c.pos = text->data;
    c.last = text->data + text->len;

    if (ngx_intake_tz_name(&c) != NGX_OK
        || ngx_intake_tz_time(&c, NGX_INTAKE_TZ_OFFSET_HOURS, &time) != NGX_OK)
    {
        return NGX_ERROR;
    }

    /* POSIX counts what is added to local time to get UTC */

    tz->std = -time;
    tz->rules = 0;

    if (c.pos == c.last) {
        return NGX_OK;
    }

    if (ngx_intake_tz_name(&c) != NGX_OK) {
        return NGX_ERROR;
    }

    tz->dst = tz->std + 3600;

    if (c.pos < c.last && *c.pos != ',') {

        if (ngx_intake_tz_time(&c, NGX_INTAKE_TZ_OFFSET_HOURS, &time)
            != NGX_OK)
        {
            return NGX_ERROR;
        }

        tz->dst = -time;
    }

    if (!ngx_intake_tz_char(&c, ',')
        || ngx_intake_tz_rule(&c, &tz->start) != NGX_OK
        || !ngx_intake_tz_char(&c, ',')
        || ngx_intake_tz_rule(&c, &tz->end) != NGX_OK
        || c.pos != c.last)
    {
        return NGX_ERROR;
    }

    tz->rules = 1;

    return NGX_OK;
}


/* letters, or in <> also digits and signs; which they are is of no use here */

static ngx_int_t
ngx_intake_tz_name(ngx_intake_tz_cursor_t *c)
{
    u_char      ch, *start;
    ngx_uint_t  quoted;

    quoted = ngx_intake_tz_char(c, '<');
    start = c->pos;

    for ( /* void */ ; c->pos < c->last; c->pos++) {

        ch = *c->pos;

        if ((ch >= 'A' && ch <= 'Z') || (ch >= 'a' && ch <= 'z')) {
            continue;
        }

        if (quoted
            && ((ch >= '0' && ch <= '9') || ch == '+' || ch == '-'))
        {
            continue;
        }

        break;
    }

    if (c->pos - start < NGX_INTAKE_TZ_NAME_MIN) {
        return NGX_ERROR;
    }

    if (quoted && !ngx_intake_tz_char(c, '>')) {
        return NGX_ERROR;
    }

    return NGX_OK;
}


/* "[+-]hh[:mm[:ss]]" in seconds, up to that many hours, 59:59 */

static ngx_int_t
ngx_intake_tz_time(ngx_intake_tz_cursor_t *c, ngx_int_t hours,
    ngx_int_t *time)
{
    ngx_int_t   hour, min, sec;
    ngx_uint_t  negative;

    negative = ngx_intake_tz_char(c, '-');

    if (!negative) {
        (void) ngx_intake_tz_char(c, '+');
    }

    hour = ngx_intake_tz_number(c, 0, hours);
    min = 0;
    sec = 0;

    if (ngx_intake_tz_char(c, ':')) {
        min = ngx_intake_tz_number(c, 0, 59);

        if (ngx_intake_tz_char(c, ':')) {
            sec = ngx_intake_tz_number(c, 0, 59);
        }
    }

    if (hour == NGX_ERROR || min == NGX_ERROR || sec == NGX_ERROR) {
        return NGX_ERROR;
    }

    *time = hour * 3600 + min * 60 + sec;

    if (negative) {
        *time = -*time;
    }

    return NGX_OK;
}


/* "Jn", "n" or "Mm.w.d", then "/time" or nothing */

static ngx_int_t
ngx_intake_tz_rule(ngx_intake_tz_cursor_t *c, ngx_intake_tz_rule_t *rule)
{
    ngx_int_t  month, week, day;

    month = 1;
    week = 1;

    if (ngx_intake_tz_char(c, 'J')) {
        rule->kind = NGX_INTAKE_TZ_JULIAN;
        day = ngx_intake_tz_number(c, 1, 365);

    } else if (ngx_intake_tz_char(c, 'M')) {
        rule->kind = NGX_INTAKE_TZ_MONTH;
        month = ngx_intake_tz_number(c, 1, 12);

        if (!ngx_intake_tz_char(c, '.')) {
            return NGX_ERROR;
        }

        week = ngx_intake_tz_number(c, 1, 5);

        if (!ngx_intake_tz_char(c, '.')) {
            return NGX_ERROR;
        }

        day = ngx_intake_tz_number(c, 0, 6);

    } else {
        rule->kind = NGX_INTAKE_TZ_DAY;
        day = ngx_intake_tz_number(c, 0, 365);
    }

    if (month == NGX_ERROR || week == NGX_ERROR || day == NGX_ERROR) {
        return NGX_ERROR;
    }

    rule->month = month;
    rule->week = week;
    rule->day = day;
    rule->time = NGX_INTAKE_TZ_RULE_TIME;

    if (ngx_intake_tz_char(c, '/')) {
        return ngx_intake_tz_time(c, NGX_INTAKE_TZ_RULE_HOURS, &rule->time);
    }

    return NGX_OK;
}


/* one to three digits within the limits, or NGX_ERROR */

static ngx_int_t
ngx_intake_tz_number(ngx_intake_tz_cursor_t *c, ngx_int_t min, ngx_int_t max)
{
    u_char     *start;
    ngx_int_t   value;

    start = c->pos;
    value = 0;

    while (c->pos < c->last && *c->pos >= '0' && *c->pos <= '9') {

        if (c->pos - start == 3) {
            return NGX_ERROR;
        }

        value = value * 10 + (*c->pos++ - '0');
    }

    if (c->pos == start || value < min || value > max) {
        return NGX_ERROR;
    }

    return value;
}


/* takes one character, if it is the next one */

static ngx_uint_t
ngx_intake_tz_char(ngx_intake_tz_cursor_t *c, u_char ch)
{
    if (c->pos == c->last || *c->pos != ch) {
        return 0;
    }

    c->pos++;

    return 1;
}


void
ngx_intake_tz_find(ngx_intake_tz_t *tz, int64_t sec,
    ngx_intake_tz_stretch_t *stretch)
{
    int64_t    year, last, time[2];
    ngx_int_t  i, offset[2];

    stretch->begin = INT64_MIN;
    stretch->end = INT64_MAX;
    stretch->offset = tz->std;

    if (!tz->rules) {
        return;
    }

    /* the time of a rule may lead into the year before or after its own */

    sec = ngx_max(NGX_INTAKE_TZ_MIN, ngx_min(sec, NGX_INTAKE_TZ_MAX));
    year = ngx_intake_date_year(ngx_intake_date_of(sec + tz->std));
    last = year + 2;

    for (year -= 2; year <= last; year++) {

        time[0] = ngx_intake_tz_rule_time(&tz->end, year) - tz->dst;
        offset[0] = tz->std;

        time[1] = ngx_intake_tz_rule_time(&tz->start, year) - tz->std;
        offset[1] = tz->dst;

        /*
         * Of two at the same time the start comes later: a dst that ends
         * where the next one starts lasts all year.
         */

        for (i = 0; i < 2; i++) {

            if (time[i] > sec) {
                stretch->end = ngx_min(stretch->end, time[i]);

            } else if (time[i] > stretch->begin
                       || (time[i] == stretch->begin && i == 1))
            {
                stretch->begin = time[i];
                stretch->offset = offset[i];
            }
        }
    }

    if (stretch->begin <= NGX_INTAKE_TZ_MIN) {
        stretch->begin = INT64_MIN;
    }

    if (stretch->end > NGX_INTAKE_TZ_MAX) {
        stretch->end = INT64_MAX;
    }
}


/* seconds since 1970 on the clock that the rule is meant for */

static int64_t
ngx_intake_tz_rule_time(ngx_intake_tz_rule_t *rule, int64_t year)
{
    int64_t     date, next;
    ngx_uint_t  weekday;

    switch (rule->kind) {

    case NGX_INTAKE_TZ_JULIAN:
        date = ngx_intake_date(year, 1, rule->day);

        /* March 1 is always day 60 */

        if (rule->day >= 60 && ngx_intake_date_leap_year(year)) {
            date++;
        }

        break;

    case NGX_INTAKE_TZ_DAY:
        date = ngx_intake_date(year, 1, 1 + rule->day);
        break;

    default: /* NGX_INTAKE_TZ_MONTH */
        date = ngx_intake_date(year, rule->month, 1);

        if (rule->month == 12) {
            next = ngx_intake_date(year + 1, 1, 1);

        } else {
            next = ngx_intake_date(year, rule->month + 1, 1);
        }

        weekday = ngx_intake_date_weekday(date);

        date += (NGX_INTAKE_WEEKDAYS + rule->day - weekday)
                % NGX_INTAKE_WEEKDAYS;
        date += (rule->week - 1) * NGX_INTAKE_WEEKDAYS;

        if (date >= next) {
            date -= NGX_INTAKE_WEEKDAYS;
        }
    }

    return date * NGX_INTAKE_DAY_SECONDS + rule->time;
}
