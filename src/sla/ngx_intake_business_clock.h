
/*
 * Copyright (C) nginx-intake contributors
 */


#ifndef _NGX_INTAKE_BUSINESS_CLOCK_H_INCLUDED_
#define _NGX_INTAKE_BUSINESS_CLOCK_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_intake_calendar.h"
#include "ngx_intake_tzif.h"


/*
 * A clock that stands still while a calendar is closed, and goes slower at
 * weekends where the calendar says so.  Times are milliseconds since 1970;
 * a reading of the clock is the number of milliseconds that have counted from
 * then to a time, rounded down.  So the time that somebody waited is the
 * difference of two readings, and a deadline is a reading too: the one at
 * which the clock will have gone long enough.
 *
 * A time counts if and only if the clock on the wall of the zone shows a
 * minute that is open on the date it shows.  Where the clock on the wall is
 * set forward, minutes are missing from both; where it is set back, minutes
 * that come twice count twice.
 *
 * All of it is computed once, from 1970 to a given end; a reading is then a
 * look into a table.  Nothing in it depends on that end: the readings of two
 * clocks with different ends are the same before the earlier one.
 *
 * Pure: no state, no libc time functions; memory comes from the caller.
 */


/* an uninterrupted time that counts with a weight, from start to before end */

typedef struct {
    int64_t                  start;
    int64_t                  end;
    int64_t                  reading;      /* at start */
    ngx_uint_t               weight;       /* in thousandths, never 0 */
} ngx_intake_period_t;


/* days[n] is the number of periods that begin before day n since 1970 */

typedef struct {
    ngx_intake_period_t     *periods;
    ngx_uint_t               nperiods;
    uint32_t                *days;
} ngx_intake_timetable_t;


/* all zero is a clock that always runs and has no end */

typedef struct {
    ngx_intake_timetable_t   hours;
    ngx_intake_timetable_t   staffed;
    int64_t                  end;          /* no time from here on counts */
} ngx_intake_business_clock_t;


/*
 * Makes the clock of a calendar on the wall of a zone (NULL: UTC), which both
 * are not needed any more after that.  end is in milliseconds, is rounded up
 * to a whole day of UTC, and is before the year 9999.  Returns NGX_OK;
 * NGX_DECLINED when the calendar does not open at all before the end;
 * NGX_ERROR when there is no memory or end is out of range.
 */
ngx_int_t ngx_intake_business_clock_init(ngx_intake_business_clock_t *clock,
    ngx_intake_calendar_t *calendar, ngx_intake_tzif_t *zone, int64_t end,
    ngx_intake_memory_t *memory);

/* the reading at a time; 0 before 1970 */

int64_t ngx_intake_business_clock_read(ngx_intake_business_clock_t *clock,
    int64_t time);

/*
 * The last time at which the clock has not gone beyond the reading: what is
 * done at that time is done in time.  Where the reading is that of a whole
 * night it is the next opening.  Returns NGX_OK, or NGX_DECLINED, with *time
 * untouched, when the clock does not get beyond the reading before its end.
 */
ngx_int_t ngx_intake_business_clock_due(ngx_intake_business_clock_t *clock,
    int64_t reading, int64_t *time);

/*
 * The first time at which the clock has reached the reading.  Where the
 * reading is that of a whole night it is the closing before it, which is what
 * people expect to read; a caller who waits for a start plus nothing takes
 * the start if that is later.  Returns as above.
 */
ngx_int_t ngx_intake_business_clock_exhausted(
    ngx_intake_business_clock_t *clock, int64_t reading, int64_t *time);

/*
 * Returns 1 if the time counts.  Sets *change to the next time at which that
 * is different, and to the end of the clock, or INT64_MAX, if none is known.
 */
ngx_uint_t ngx_intake_business_clock_open(ngx_intake_business_clock_t *clock,
    int64_t time, int64_t *change);

/* returns 1 if somebody is scheduled at the time */

ngx_uint_t ngx_intake_business_clock_staffed(
    ngx_intake_business_clock_t *clock, int64_t time);

/*
 * A hash of all readings before a time.  Two clocks for which it is the same
 * can be taken for each other up to then, whatever their ends and what they
 * say of later times.
 */
uint64_t ngx_intake_business_clock_fingerprint(
    ngx_intake_business_clock_t *clock, int64_t time);


#endif /* _NGX_INTAKE_BUSINESS_CLOCK_H_INCLUDED_ */
