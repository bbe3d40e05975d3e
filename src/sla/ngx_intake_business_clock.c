
/*
 * Copyright (C) nginx-intake contributors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_intake_business_clock.h"


#define NGX_INTAKE_MS      1000
#define NGX_INTAKE_DAY_MS  ((int64_t) NGX_INTAKE_DAY_SECONDS * NGX_INTAKE_MS)


/* collects periods in their order; without an array it only counts them */

typedef struct {
    ngx_intake_period_t     *periods;
    ngx_uint_t               nperiods;
    ngx_intake_period_t      last;
} ngx_intake_collector_t;


static ngx_int_t ngx_intake_timetable_init(ngx_intake_timetable_t *table,
    ngx_intake_calendar_t *calendar, ngx_uint_t staffed,
    ngx_intake_tzif_t *zone, int64_t end, ngx_intake_memory_t *memory);
static void ngx_intake_collect(ngx_intake_collector_t *collector,
    ngx_intake_calendar_t *calendar, ngx_uint_t staffed,
    ngx_intake_tzif_t *zone, int64_t end);
static void ngx_intake_collect_stretch(ngx_intake_collector_t *collector,
    ngx_intake_calendar_t *calendar, ngx_uint_t staffed,
    ngx_intake_tz_stretch_t *stretch);
static void ngx_intake_collect_period(ngx_intake_collector_t *collector,
    int64_t start, int64_t end, ngx_uint_t weight);
static ngx_uint_t ngx_intake_timetable_find(ngx_intake_timetable_t *table,
    int64_t end, int64_t time);
static ngx_uint_t ngx_intake_timetable_reading(ngx_intake_timetable_t *table,
    int64_t reading);
static uint64_t ngx_intake_fingerprint_mix(uint64_t hash, uint64_t value);


ngx_int_t
ngx_intake_business_clock_init(ngx_intake_business_clock_t *clock,
    ngx_intake_calendar_t *calendar, ngx_intake_tzif_t *zone, int64_t end,
    ngx_intake_memory_t *memory)
{
    if (end <= 0 || end / NGX_INTAKE_MS > NGX_INTAKE_TZ_MAX) {
        return NGX_ERROR;
    }

    end = (end + NGX_INTAKE_DAY_MS - 1) / NGX_INTAKE_DAY_MS;

    clock->end = end * NGX_INTAKE_DAY_MS;

    if (ngx_intake_timetable_init(&clock->hours, calendar, 0, zone, end,
                                  memory)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    clock->staffed = clock->hours;

    if (calendar->has_staffed
        && ngx_intake_timetable_init(&clock->staffed, calendar, 1, zone, end,
                                     memory)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    return clock->hours.nperiods ? NGX_OK : NGX_DECLINED;
}


/* end is a number of days */

static ngx_int_t
ngx_intake_timetable_init(ngx_intake_timetable_t *table,
    ngx_intake_calendar_t *calendar, ngx_uint_t staffed,
    ngx_intake_tzif_t *zone, int64_t end, ngx_intake_memory_t *memory)
{
    int64_t                 day;
    ngx_uint_t              n;
    ngx_intake_collector_t  collector;

    ngx_memzero(&collector, sizeof(ngx_intake_collector_t));

    ngx_intake_collect(&collector, calendar, staffed, zone, end);

    /* one more than there are, for a table without any is not a NULL */

    table->periods = memory->alloc(memory->data,
                                   (collector.nperiods + 1)
                                   * sizeof(ngx_intake_period_t));
    if (table->periods == NULL) {
        return NGX_ERROR;
    }

    table->days = memory->alloc(memory->data, (end + 1) * sizeof(uint32_t));
    if (table->days == NULL) {
        return NGX_ERROR;
    }

    ngx_memzero(&collector, sizeof(ngx_intake_collector_t));

    collector.periods = table->periods;

    ngx_intake_collect(&collector, calendar, staffed, zone, end);

    table->nperiods = collector.nperiods;

    n = 0;

    for (day = 0; day <= end; day++) {

        while (n < table->nperiods
               && table->periods[n].start < day * NGX_INTAKE_DAY_MS)
        {
            n++;
        }

        table->days[day] = n;
    }

    return NGX_OK;
}


static void
ngx_intake_collect(ngx_intake_collector_t *collector,
    ngx_intake_calendar_t *calendar, ngx_uint_t staffed,
    ngx_intake_tzif_t *zone, int64_t end)
{
    int64_t                  sec;
    ngx_intake_tz_stretch_t  stretch;

    end *= NGX_INTAKE_DAY_SECONDS;

    for (sec = 0; sec < end; sec = stretch.end) {

        if (zone) {
            ngx_intake_tzif_find(zone, sec, &stretch);

        } else {
            stretch.offset = 0;
            stretch.end = end;
        }

        stretch.begin = sec;
        stretch.end = ngx_min(stretch.end, end);

        ngx_intake_collect_stretch(collector, calendar, staffed, &stretch);
    }
}


/* all that is open while the offset of the zone is the same */

static void
ngx_intake_collect_stretch(ngx_intake_collector_t *collector,
    ngx_intake_calendar_t *calendar, ngx_uint_t staffed,
    ngx_intake_tz_stretch_t *stretch)
{
    int64_t             date, last, midnight, start, end;
    ngx_uint_t          weekday, weight;
    ngx_intake_day_t    day;
    ngx_intake_times_t  times;

    date = ngx_intake_date_of(stretch->begin + stretch->offset);
    last = ngx_intake_date_of(stretch->end - 1 + stretch->offset);

    for ( /* void */ ; date <= last; date++) {

        weekday = ngx_intake_date_weekday(date);
        weight = NGX_INTAKE_WEIGHT_ONE;

        if (weekday == NGX_INTAKE_SATURDAY || weekday == NGX_INTAKE_SUNDAY) {
            weight = calendar->weekend_weight;
        }

        if (weight == 0) {
            continue;
        }

        midnight = date * NGX_INTAKE_DAY_SECONDS - stretch->offset;
        times.end = 0;

        ngx_intake_calendar_day(calendar, staffed, date, &day);

        while (ngx_intake_day_next(&day, &times)) {
            start = midnight + (int64_t) times.start * 60;
            end = midnight + (int64_t) times.end * 60;

            ngx_intake_collect_period(collector,
                                      ngx_max(start, stretch->begin),
                                      ngx_min(end, stretch->end), weight);
        }
    }
}


/* start and end in seconds; together with the last one if they touch */

static void
ngx_intake_collect_period(ngx_intake_collector_t *collector, int64_t start,
    int64_t end, ngx_uint_t weight)
{
    ngx_intake_period_t  *last;

    if (start >= end) {
        return;
    }

    last = &collector->last;

    start *= NGX_INTAKE_MS;
    end *= NGX_INTAKE_MS;

    if (collector->nperiods == 0
        || last->end != start || last->weight != weight)
    {
        /* exact, for all periods are of whole seconds */

        last->reading += (last->end - last->start) * (int64_t) last->weight
                         / NGX_INTAKE_WEIGHT_ONE;
        last->start = start;
        last->weight = weight;

        collector->nperiods++;
    }

    last->end = end;

    if (collector->periods) {
        collector->periods[collector->nperiods - 1] = *last;
    }
}


int64_t
ngx_intake_business_clock_read(ngx_intake_business_clock_t *clock,
    int64_t time)
{
    ngx_uint_t            n;
    ngx_intake_period_t  *period;

    if (time <= 0) {
        return 0;
    }

    if (clock->hours.periods == NULL) {
        return time;
    }

    n = ngx_intake_timetable_find(&clock->hours, clock->end, time);

    if (n == 0) {
        return 0;
    }

    period = &clock->hours.periods[n - 1];
    time = ngx_min(time, period->end) - period->start;

    if (period->weight != NGX_INTAKE_WEIGHT_ONE) {
        time = time * (int64_t) period->weight / NGX_INTAKE_WEIGHT_ONE;
    }

    return period->reading + time;
}


/* the number of periods that begin at time or earlier, which is from 1970 on */

static ngx_uint_t
ngx_intake_timetable_find(ngx_intake_timetable_t *table, int64_t end,
    int64_t time)
{
    int64_t     day;
    ngx_uint_t  low, high, middle;

    if (time >= end) {
        return table->nperiods;
    }

    day = time / NGX_INTAKE_DAY_MS;

    low = table->days[day];
    high = table->days[day + 1];

    while (low < high) {
        middle = (low + high) / 2;

        if (table->periods[middle].start <= time) {
            low = middle + 1;

        } else {
            high = middle;
        }
    }

    return low;
}


ngx_int_t
ngx_intake_business_clock_due(ngx_intake_business_clock_t *clock,
    int64_t reading, int64_t *time)
{
    int64_t               result;
    ngx_uint_t            n;
    ngx_intake_period_t  *period;

    reading = ngx_max(reading, 0);

    if (clock->hours.periods == NULL) {
        *time = reading;
        return NGX_OK;
    }

    /* a clock is never ahead of the time; the sums below fit */

    if (reading >= clock->end) {
        return NGX_DECLINED;
    }

    /* the last period that begins with this reading or a smaller one */

    n = ngx_intake_timetable_reading(&clock->hours, reading + 1);

    if (n == 0) {
        return NGX_DECLINED;
    }

    period = &clock->hours.periods[n - 1];

    result = period->start + (reading - period->reading)
                             * NGX_INTAKE_WEIGHT_ONE
                             / (int64_t) period->weight;

    if (result >= period->end) {
        return NGX_DECLINED;
    }

    *time = result;

    return NGX_OK;
}


ngx_int_t
ngx_intake_business_clock_exhausted(ngx_intake_business_clock_t *clock,
    int64_t reading, int64_t *time)
{
    int64_t               result;
    ngx_uint_t            n;
    ngx_intake_period_t  *period;

    reading = ngx_max(reading, 0);

    if (clock->hours.periods == NULL || reading == 0) {
        *time = reading;
        return NGX_OK;
    }

    if (reading > clock->end) {
        return NGX_DECLINED;
    }

    /* the last period that begins with a smaller reading */

    n = ngx_intake_timetable_reading(&clock->hours, reading);

    if (n == 0) {
        return NGX_DECLINED;
    }

    period = &clock->hours.periods[n - 1];

    result = period->start + ((reading - period->reading)
                              * NGX_INTAKE_WEIGHT_ONE
                              + (int64_t) period->weight - 1)
                             / (int64_t) period->weight;

    if (result > period->end) {
        return NGX_DECLINED;
    }

    *time = result;

    return NGX_OK;
}


/* the number of periods that begin with less than the reading */

static ngx_uint_t
ngx_intake_timetable_reading(ngx_intake_timetable_t *table, int64_t reading)
{
    ngx_uint_t  low, high, middle;

    low = 0;
    high = table->nperiods;

    while (low < high) {
        middle = (low + high) / 2;

        if (table->periods[middle].reading < reading) {
            low = middle + 1;

        } else {
            high = middle;
        }
    }

    return low;
}


ngx_uint_t
ngx_intake_business_clock_open(ngx_intake_business_clock_t *clock,
    int64_t time, int64_t *change)
{
    ngx_uint_t            n;
    ngx_intake_period_t  *period, *last;

    if (clock->hours.periods == NULL) {
        *change = INT64_MAX;
        return 1;
    }

    n = 0;

    if (time >= 0) {
        n = ngx_intake_timetable_find(&clock->hours, clock->end, time);
    }

    period = &clock->hours.periods[n];
    last = clock->hours.periods + clock->hours.nperiods;

    if (n == 0 || time >= period[-1].end) {
        *change = (period < last) ? period->start : clock->end;
        return 0;
    }

    /* of another weight, but open */

    while (period < last && period->start == period[-1].end) {
        period++;
    }

    *change = period[-1].end;

    return 1;
}


ngx_uint_t
ngx_intake_business_clock_staffed(ngx_intake_business_clock_t *clock,
    int64_t time)
{
    ngx_uint_t  n;

    if (clock->staffed.periods == NULL) {
        return 1;
    }

    if (time < 0) {
        return 0;
    }

    n = ngx_intake_timetable_find(&clock->staffed, clock->end, time);

    return n && time < clock->staffed.periods[n - 1].end;
}


uint64_t
ngx_intake_business_clock_fingerprint(ngx_intake_business_clock_t *clock,
    int64_t time)
{
    uint64_t              hash;
    ngx_uint_t            n;
    ngx_intake_period_t  *period, always;

    period = clock->hours.periods;
    n = clock->hours.nperiods;

    if (period == NULL) {
        ngx_memzero(&always, sizeof(ngx_intake_period_t));

        always.end = INT64_MAX;
        always.weight = NGX_INTAKE_WEIGHT_ONE;

        period = &always;
        n = 1;
    }

    hash = 0;

    for ( /* void */ ; n && period->start < time; n--, period++) {
        hash = ngx_intake_fingerprint_mix(hash, period->start);
        hash = ngx_intake_fingerprint_mix(hash, ngx_min(period->end, time));
        hash = ngx_intake_fingerprint_mix(hash, period->weight);
    }

    return hash;
}


/* odd multipliers and shifts lose nothing: one step is a permutation */

static uint64_t
ngx_intake_fingerprint_mix(uint64_t hash, uint64_t value)
{
    hash = (hash ^ value) * 0x9e3779b97f4a7c15ULL;
    hash ^= hash >> 32;
    hash *= 0xd6e8feb86659fd93ULL;

    return hash ^ hash >> 32;
}
