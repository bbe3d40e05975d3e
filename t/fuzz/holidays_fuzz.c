/* sources: src/sla/ngx_intake_business_clock.c src/sla/ngx_intake_calendar.c */
/* sources: src/sla/ngx_intake_date.c src/sla/ngx_intake_holidays.c */
/* sources: src/sla/ngx_intake_tz.c src/sla/ngx_intake_tzif.c */

/*
 * Copyright (C) nginx-intake contributors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_intake_business_clock.h"
#include "ngx_intake_holidays.h"


#define check(condition)  if (!(condition)) { abort(); }

#define MAX_RULES  500
#define DAYS       15
#define DAY_MS     86400000LL


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static void        *blocks[64];
static ngx_uint_t   nblocks;


static void *
allocate(void *data, size_t size)
{
    check(nblocks < 64);

    blocks[nblocks] = malloc(size);

    return blocks[nblocks++];
}


/* the parsers of the configuration get the beginning and the end of a line */

static void
fuzz_words(ngx_intake_calendar_t *calendar, ngx_str_t *name)
{
    int64_t             first, last;
    ngx_str_t           word;
    ngx_uint_t          days, weight;
    ngx_intake_rule_t   rule;
    ngx_intake_times_t  times;

    word = *name;

    while (word.len && word.data[word.len - 1] != ' ') {
        word.len--;
    }

    name->data += word.len;
    name->len -= word.len;

    if (word.len) {
        word.len--;
    }

    memset(&rule, 0, sizeof(rule));

    if (ngx_intake_times_parse(name, &times) == NGX_OK) {
        check(times.start < 1440 && times.end > times.start
              && times.end < times.start + 1440 + (times.start == 0));

        if (ngx_intake_weekdays_parse(&word, &days) == NGX_OK) {
            check(days && days < 0x80);
            (void) ngx_intake_calendar_add_hours(calendar, days, &times);
            (void) ngx_intake_calendar_add_staffed(calendar, days, &times);
        }

        if (ngx_intake_date_parse(&word, &first) == NGX_OK) {
            rule.first = first;
            rule.last = first;
            rule.times = times;
            rule.open = 1;
            check(ngx_intake_calendar_add_rule(calendar, &rule) != NGX_ERROR);
        }
    }

    if (ngx_intake_weight_parse(name, &weight) == NGX_OK) {
        check(weight <= 1000);
        calendar->weekend_weight = weight;
    }

    if (ngx_intake_date_range_parse(name, &first, &last) == NGX_OK) {
        check(first >= 0 && last >= first);
        rule.first = first;
        rule.last = last;
        rule.times.start = 0;
        rule.times.end = 1440;
        rule.open = 0;
        check(ngx_intake_calendar_add_rule(calendar, &rule) == NGX_OK);
    }
}


/* each minute of the clock is that of the calendar; the inverses are some */

static void
fuzz_clock(ngx_intake_calendar_t *calendar)
{
    int64_t                       date, time, reading, expected, at, weight;
    ngx_int_t                     rc;
    ngx_uint_t                    minute, weekday, open, last;
    ngx_intake_day_t              day;
    ngx_intake_memory_t           memory = { allocate, NULL };
    ngx_intake_business_clock_t   clock;

    rc = ngx_intake_business_clock_init(&clock, calendar, NULL,
                                        DAYS * DAY_MS, &memory);
    check(rc != NGX_ERROR);

    expected = 0;
    time = 0;
    last = 0;

    for (date = 0; date < DAYS; date++) {
        ngx_intake_calendar_day(calendar, 0, date, &day);

        weekday = ngx_intake_date_weekday(date);
        weight = (weekday == 0 || weekday == 6)
                 ? (int64_t) calendar->weekend_weight : 1000;

        for (minute = 0; minute < 1440; minute++, time += 60000) {
            open = weight && (day.minutes[minute / 64] >> (minute % 64) & 1);

            check(ngx_intake_business_clock_open(&clock, time, &at) == open);
            check(at > time && at <= DAYS * DAY_MS);

            reading = ngx_intake_business_clock_read(&clock, time);
            check(reading == expected);

            expected += open ? 60 * weight : 0;

            if (open == last) {
                continue;
            }

            last = open;

            if (ngx_intake_business_clock_due(&clock, reading, &at)
                == NGX_OK)
            {
                check(open ? at == time : at > time);
            }

            if (reading
                && ngx_intake_business_clock_exhausted(&clock, reading, &at)
                   == NGX_OK)
            {
                check(open ? at < time : at == time);
            }
        }
    }

    check((expected == 0) == (rc == NGX_DECLINED));
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ngx_int_t               rc;
    ngx_uint_t              line;
    ngx_intake_memory_t     memory = { allocate, NULL };
    ngx_intake_calendar_t   calendar;
    ngx_intake_holidays_t   holidays;

    ngx_intake_calendar_init(&calendar, &memory);

    holidays.text.data = (u_char *) data;
    holidays.text.len = size;
    holidays.line = 0;

    while (calendar.nrules < MAX_RULES) {
        line = holidays.line;
        rc = ngx_intake_holidays_next(&holidays);

        if (rc != NGX_OK) {
            check(rc == NGX_DONE || rc == NGX_ERROR);
            break;
        }

        check(holidays.line > line);
        check(holidays.rule.first >= 0
              && holidays.rule.last == holidays.rule.first
              && holidays.rule.open == 0);
        check(holidays.name.data >= data
              && holidays.name.data + holidays.name.len <= data + size);

        check(ngx_intake_calendar_add_rule(&calendar, &holidays.rule)
              == NGX_OK);

        fuzz_words(&calendar, &holidays.name);
    }

    fuzz_clock(&calendar);

    while (nblocks) {
        free(blocks[--nblocks]);
    }

    return 0;
}
