
/*
 * Copyright (C) nginx-intake contributors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_intake_calendar.h"


#define NGX_INTAKE_RULES_FIRST  16


static ngx_int_t ngx_intake_week_add(ngx_intake_day_t *week, ngx_uint_t days,
    ngx_intake_times_t *times);
static ngx_uint_t ngx_intake_times_pieces(ngx_intake_times_t *times,
    ngx_intake_times_t *pieces);
static void ngx_intake_calendar_open(ngx_intake_calendar_t *calendar,
    int64_t date, ngx_intake_day_t *day);
static void ngx_intake_calendar_sort(ngx_intake_calendar_t *calendar);
static int ngx_libc_cdecl ngx_intake_rule_compare(const void *one,
    const void *two);
static ngx_uint_t ngx_intake_rule_piece(ngx_intake_rule_t *rule, int64_t date,
    ngx_uint_t n, ngx_intake_times_t *piece);
static void ngx_intake_day_set(ngx_intake_day_t *day,
    ngx_intake_times_t *times);
static void ngx_intake_day_clear(ngx_intake_day_t *day,
    ngx_intake_times_t *times);
static ngx_uint_t ngx_intake_day_overlaps(ngx_intake_day_t *day,
    ngx_intake_times_t *times);
static uint64_t ngx_intake_day_mask(ngx_intake_times_t *times,
    ngx_uint_t word);
static ngx_uint_t ngx_intake_day_find(ngx_intake_day_t *day,
    ngx_uint_t minute, ngx_uint_t open);


void
ngx_intake_calendar_init(ngx_intake_calendar_t *calendar,
    ngx_intake_memory_t *memory)
{
    ngx_uint_t                 i;
    static ngx_intake_times_t  whole = { 0, NGX_INTAKE_DAY_MINUTES };

    ngx_memzero(calendar, sizeof(ngx_intake_calendar_t));

    for (i = 0; i < NGX_INTAKE_WEEKDAYS; i++) {
        ngx_intake_day_set(&calendar->hours[i], &whole);
    }

    calendar->weekend_weight = NGX_INTAKE_WEIGHT_ONE;
    calendar->memory = *memory;
    calendar->sorted = 1;
}


ngx_int_t
ngx_intake_calendar_add_hours(ngx_intake_calendar_t *calendar,
    ngx_uint_t days, ngx_intake_times_t *times)
{
    if (!calendar->has_hours) {
        ngx_memzero(calendar->hours, sizeof(calendar->hours));
        calendar->has_hours = 1;
    }

    return ngx_intake_week_add(calendar->hours, days, times);
}


ngx_int_t
ngx_intake_calendar_add_staffed(ngx_intake_calendar_t *calendar,
    ngx_uint_t days, ngx_intake_times_t *times)
{
    calendar->has_staffed = 1;

    return ngx_intake_week_add(calendar->staffed, days, times);
}


static ngx_int_t
ngx_intake_week_add(ngx_intake_day_t *week, ngx_uint_t days,
    ngx_intake_times_t *times)
{
    ngx_uint_t          i, n, npieces;
    ngx_intake_day_t   *day;
    ngx_intake_times_t  pieces[2];

    npieces = ngx_intake_times_pieces(times, pieces);

    for (i = 0; i < NGX_INTAKE_WEEKDAYS; i++) {
        for (n = 0; n < npieces; n++) {
            day = &week[(i + n) % NGX_INTAKE_WEEKDAYS];

            if ((days & ((ngx_uint_t) 1 << i))
                && ngx_intake_day_overlaps(day, &pieces[n]))
            {
                return NGX_DECLINED;
            }
        }
    }

    for (i = 0; i < NGX_INTAKE_WEEKDAYS; i++) {
        for (n = 0; n < npieces; n++) {
            day = &week[(i + n) % NGX_INTAKE_WEEKDAYS];

            if (days & ((ngx_uint_t) 1 << i)) {
                ngx_intake_day_set(day, &pieces[n]);
            }
        }
    }

    return NGX_OK;
}


/* the times of the first and of the second date; returns their number */

static ngx_uint_t
ngx_intake_times_pieces(ngx_intake_times_t *times, ngx_intake_times_t *pieces)
{
    pieces[0] = *times;

    if (times->end <= NGX_INTAKE_DAY_MINUTES) {
        return 1;
    }

    pieces[0].end = NGX_INTAKE_DAY_MINUTES;

    pieces[1].start = 0;
    pieces[1].end = times->end - NGX_INTAKE_DAY_MINUTES;

    return 2;
}


ngx_int_t
ngx_intake_calendar_add_rule(ngx_intake_calendar_t *calendar,
    ngx_intake_rule_t *rule)
{
    ngx_uint_t           n, npieces, nalloc;
    ngx_intake_day_t     day;
    ngx_intake_rule_t   *rules;
    ngx_intake_times_t   pieces[2];

    if (rule->open) {
        npieces = ngx_intake_times_pieces(&rule->times, pieces);

        for (n = 0; n < npieces; n++) {
            ngx_intake_calendar_open(calendar, rule->first + n, &day);

            if (ngx_intake_day_overlaps(&day, &pieces[n])) {
                return NGX_DECLINED;
            }
        }
    }

    if (calendar->nrules == NGX_INTAKE_MAX_RULES) {
        return NGX_ERROR;
    }

    if (calendar->nrules == calendar->nalloc) {
        nalloc = calendar->nalloc ? calendar->nalloc * 2
                                  : NGX_INTAKE_RULES_FIRST;

        rules = calendar->memory.alloc(calendar->memory.data,
                                       nalloc * sizeof(ngx_intake_rule_t));
        if (rules == NULL) {
            return NGX_ERROR;
        }

        if (calendar->nrules) {
            ngx_memcpy(rules, calendar->rules,
                       calendar->nrules * sizeof(ngx_intake_rule_t));
        }

        calendar->rules = rules;
        calendar->nalloc = nalloc;
    }

    calendar->rules[calendar->nrules++] = *rule;
    calendar->sorted = 0;

    return NGX_OK;
}


/* what the open lines so far open on a date */

static void
ngx_intake_calendar_open(ngx_intake_calendar_t *calendar, int64_t date,
    ngx_intake_day_t *day)
{
    ngx_uint_t           i, n;
    ngx_intake_times_t   piece;

    ngx_memzero(day, sizeof(ngx_intake_day_t));

    for (i = 0; i < calendar->nrules; i++) {

        if (!calendar->rules[i].open) {
            continue;
        }

        for (n = 0; n < 2; n++) {
            if (ngx_intake_rule_piece(&calendar->rules[i], date, n, &piece)) {
                ngx_intake_day_set(day, &piece);
            }
        }
    }
}


ngx_uint_t
ngx_intake_calendar_weekdays(ngx_intake_calendar_t *calendar)
{
    ngx_uint_t          i, days;
    ngx_intake_times_t  times;

    days = 0;

    for (i = 0; i < NGX_INTAKE_WEEKDAYS; i++) {
        times.end = 0;

        if (ngx_intake_day_next(&calendar->hours[i], &times)) {
            days |= (ngx_uint_t) 1 << i;
        }
    }

    return days;
}


void
ngx_intake_calendar_day(ngx_intake_calendar_t *calendar, ngx_uint_t staffed,
    int64_t date, ngx_intake_day_t *day)
{
    ngx_uint_t           i, n, low, high, replaced;
    ngx_intake_day_t     open, *week;
    ngx_intake_rule_t   *rule;
    ngx_intake_times_t   piece;

    if (!calendar->sorted) {
        ngx_intake_calendar_sort(calendar);
    }

    week = (staffed && calendar->has_staffed) ? calendar->staffed
                                              : calendar->hours;

    *day = week[ngx_intake_date_weekday(date)];

    ngx_memzero(&open, sizeof(ngx_intake_day_t));
    replaced = 0;

    /* low becomes the number of rules that do not begin after date */

    low = 0;
    high = calendar->nrules;

    while (low < high) {
        i = (low + high) / 2;

        if (calendar->rules[i].first <= date) {
            low = i + 1;

        } else {
            high = i;
        }
    }

    /* backward, as long as one of them reaches into date */

    while (low-- && calendar->rules[low].reach >= date - 1) {
        rule = &calendar->rules[low];

        if (rule->open && rule->first == date) {
            replaced = 1;
        }

        for (n = 0; n < 2; n++) {

            if (!ngx_intake_rule_piece(rule, date, n, &piece)) {
                continue;
            }

            if (rule->open) {
                ngx_intake_day_set(&open, &piece);

            } else {
                ngx_intake_day_clear(day, &piece);
            }
        }
    }

    for (i = 0; i < NGX_INTAKE_DAY_WORDS; i++) {

        if (replaced) {
            day->minutes[i] = 0;
        }

        day->minutes[i] |= open.minutes[i];
    }
}


/* by the first date; reach is the latest of all last ones up to a rule */

static void
ngx_intake_calendar_sort(ngx_intake_calendar_t *calendar)
{
    int64_t             reach;
    ngx_uint_t          i;
    ngx_intake_rule_t  *rule;

    ngx_qsort(calendar->rules, calendar->nrules, sizeof(ngx_intake_rule_t),
              ngx_intake_rule_compare);

    reach = calendar->rules[0].last;

    for (i = 0; i < calendar->nrules; i++) {
        rule = &calendar->rules[i];

        reach = ngx_max(reach, rule->last);
        rule->reach = reach;
    }

    calendar->sorted = 1;
}


static int ngx_libc_cdecl
ngx_intake_rule_compare(const void *one, const void *two)
{
    const ngx_intake_rule_t  *a = one;
    const ngx_intake_rule_t  *b = two;

    return (a->first > b->first) - (a->first < b->first);
}


/* what a rule says of a date: n is 1 for what it began on the date before */

static ngx_uint_t
ngx_intake_rule_piece(ngx_intake_rule_t *rule, int64_t date, ngx_uint_t n,
    ngx_intake_times_t *piece)
{
    ngx_intake_times_t  pieces[2];

    date -= n;

    if (date < rule->first || date > rule->last
        || n >= ngx_intake_times_pieces(&rule->times, pieces))
    {
        return 0;
    }

    *piece = pieces[n];

    return 1;
}


static void
ngx_intake_day_set(ngx_intake_day_t *day, ngx_intake_times_t *times)
{
    ngx_uint_t  i;

    for (i = times->start / 64; i * 64 < times->end; i++) {
        day->minutes[i] |= ngx_intake_day_mask(times, i);
    }
}


static void
ngx_intake_day_clear(ngx_intake_day_t *day, ngx_intake_times_t *times)
{
    ngx_uint_t  i;

    for (i = times->start / 64; i * 64 < times->end; i++) {
        day->minutes[i] &= ~ngx_intake_day_mask(times, i);
    }
}


static ngx_uint_t
ngx_intake_day_overlaps(ngx_intake_day_t *day, ngx_intake_times_t *times)
{
    ngx_uint_t  i;

    for (i = times->start / 64; i * 64 < times->end; i++) {

        if (day->minutes[i] & ngx_intake_day_mask(times, i)) {
            return 1;
        }
    }

    return 0;
}


/* the bits of a word, which has some of the times */

static uint64_t
ngx_intake_day_mask(ngx_intake_times_t *times, ngx_uint_t word)
{
    uint64_t    mask;
    ngx_uint_t  first;

    mask = ~ (uint64_t) 0;
    first = word * 64;

    if (times->start > first) {
        mask <<= times->start - first;
    }

    if (times->end < first + 64) {
        mask &= ((uint64_t) 1 << (times->end - first)) - 1;
    }

    return mask;
}


ngx_uint_t
ngx_intake_day_next(ngx_intake_day_t *day, ngx_intake_times_t *times)
{
    times->start = ngx_intake_day_find(day, times->end, 1);

    if (times->start == NGX_INTAKE_DAY_MINUTES) {
        return 0;
    }

    times->end = ngx_intake_day_find(day, times->start, 0);

    return 1;
}


/* the first minute, from the given one on, that is open or is not, or 1440 */

static ngx_uint_t
ngx_intake_day_find(ngx_intake_day_t *day, ngx_uint_t minute, ngx_uint_t open)
{
    uint64_t  word;

    while (minute < NGX_INTAKE_DAY_MINUTES) {

        word = day->minutes[minute / 64];

        if (!open) {
            word = ~word;
        }

        word >>= minute % 64;

        if (word == 0) {
            minute = (minute / 64 + 1) * 64;
            continue;
        }

        while ((word & 1) == 0) {
            word >>= 1;
            minute++;
        }

        break;
    }

    return ngx_min(minute, NGX_INTAKE_DAY_MINUTES);
}


ngx_int_t
ngx_intake_weight_parse(ngx_str_t *text, ngx_uint_t *weight)
{
    u_char      *p, *last;
    ngx_uint_t   value, unit;

    p = text->data;
    last = p + text->len;

    if (p == last || (*p != '0' && *p != '1')) {
        return NGX_ERROR;
    }

    unit = NGX_INTAKE_WEIGHT_ONE;
    value = (*p++ - '0') * unit;

    if (p < last) {

        if (*p++ != '.' || p == last) {
            return NGX_ERROR;
        }

        while (p < last) {
            unit /= 10;

            if (unit == 0 || *p < '0' || *p > '9') {
                return NGX_ERROR;
            }

            value += (*p++ - '0') * unit;
        }
    }

    if (value > NGX_INTAKE_WEIGHT_ONE) {
        return NGX_ERROR;
    }

    *weight = value;

    return NGX_OK;
}
