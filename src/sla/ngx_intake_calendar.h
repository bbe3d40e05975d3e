
/*
 * Copyright (C) nginx-intake contributors
 */


#ifndef _NGX_INTAKE_CALENDAR_H_INCLUDED_
#define _NGX_INTAKE_CALENDAR_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_intake_date.h"


/*
 * Which minutes of which dates are open: the hours of the week, and what
 * single dates have instead.  All times are those of a clock on the wall and
 * all dates those of a calendar beside it; zones come in with the business
 * clock.
 *
 * Each minute stands for itself, under the date that it lies in.  Times that
 * run past midnight ("fri 22:00-06:00") are two pieces, the second of which
 * belongs to the next date: when that one is closed it ends at midnight.
 *
 * A date with an "open" line has the times of its open lines and not those of
 * the week.  Where nothing is open by such a line, what a "closed" line or a
 * holiday covers is closed, and the hours of the week count elsewhere.
 *
 * Pure: memory comes from a function of the caller, which also frees it.
 */


/* 1440 minutes in words of 64 bits */

#define NGX_INTAKE_DAY_WORDS     23

#define NGX_INTAKE_MAX_RULES     100000

/* weights are in thousandths */

#define NGX_INTAKE_WEIGHT_ONE    1000


typedef void *(*ngx_intake_alloc_pt)(void *data, size_t size);


typedef struct {
    ngx_intake_alloc_pt     alloc;
    void                   *data;
} ngx_intake_memory_t;


/* the minutes of one date, a bit each */

typedef struct {
    uint64_t                minutes[NGX_INTAKE_DAY_WORDS];
} ngx_intake_day_t;


/*
 * What is different on the dates from first to last, on each of them: times
 * is { 0, 1440 } for whole days.  Open ones have a single date.
 */

typedef struct {
    int64_t                 first;
    int64_t                 last;
    ngx_intake_times_t      times;
    ngx_uint_t              open;

    int64_t                 reach;      /* the calendar's own */
} ngx_intake_rule_t;


typedef struct {
    ngx_intake_day_t        hours[NGX_INTAKE_WEEKDAYS];
    ngx_intake_day_t        staffed[NGX_INTAKE_WEEKDAYS];
    ngx_uint_t              weekend_weight;

    ngx_intake_rule_t      *rules;
    ngx_uint_t              nrules;
    ngx_uint_t              nalloc;
    ngx_intake_memory_t     memory;

    unsigned                has_hours:1;
    unsigned                has_staffed:1;
    unsigned                sorted:1;
} ngx_intake_calendar_t;


/* a calendar without hours is open all day and night */

void ngx_intake_calendar_init(ngx_intake_calendar_t *calendar,
    ngx_intake_memory_t *memory);

/*
 * Add times to the hours of a set of weekdays: those that count, and those at
 * which somebody is scheduled (without any: the former).  Return NGX_OK, or
 * NGX_DECLINED with nothing added when they overlap with what is there.
 */
ngx_int_t ngx_intake_calendar_add_hours(ngx_intake_calendar_t *calendar,
    ngx_uint_t days, ngx_intake_times_t *times);
ngx_int_t ngx_intake_calendar_add_staffed(ngx_intake_calendar_t *calendar,
    ngx_uint_t days, ngx_intake_times_t *times);

/*
 * Adds a copy of the rule.  Returns NGX_OK; NGX_DECLINED when it opens what
 * another one opens too (closures may overlap); NGX_ERROR when there is no
 * memory or there are NGX_INTAKE_MAX_RULES.
 */
ngx_int_t ngx_intake_calendar_add_rule(ngx_intake_calendar_t *calendar,
    ngx_intake_rule_t *rule);

/* the set of weekdays on which some minute of the week's hours lies */

ngx_uint_t ngx_intake_calendar_weekdays(ngx_intake_calendar_t *calendar);

/* sets the minutes of a date: of the hours, or those of the staffed ones */

void ngx_intake_calendar_day(ngx_intake_calendar_t *calendar,
    ngx_uint_t staffed, int64_t date, ngx_intake_day_t *day);

/*
 * Finds the next times in a day.  Before the first call times->end is 0.
 * Returns 0 when there are no more.
 */
ngx_uint_t ngx_intake_day_next(ngx_intake_day_t *day,
    ngx_intake_times_t *times);


/*
 * A number from 0 to 1 with at most three decimals, such as "0.5".  Returns
 * NGX_OK, or NGX_ERROR with *weight untouched.
 */
ngx_int_t ngx_intake_weight_parse(ngx_str_t *text, ngx_uint_t *weight);


#endif /* _NGX_INTAKE_CALENDAR_H_INCLUDED_ */
