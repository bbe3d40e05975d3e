
/*
 * Copyright (C) nginx-intake contributors
 */


#ifndef _NGX_INTAKE_DATE_H_INCLUDED_
#define _NGX_INTAKE_DATE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/*
 * Dates, weekdays and times of day: arithmetic and text.  A date is a number
 * of days since 1970-01-01 in the Gregorian calendar, which is used for all
 * years, negative ones too; which day it is on the clock of a zone is not
 * known here.  Pure: no allocation, no state, no libc time functions.
 *
 * The parsers read the whole of their text.  They return NGX_OK, or NGX_ERROR
 * with nothing set.
 */


#define NGX_INTAKE_DAY_SECONDS  86400
#define NGX_INTAKE_DAY_MINUTES  1440

/* weekdays, and the bits of a set of them, are counted from Sunday */

#define NGX_INTAKE_SUNDAY       0
#define NGX_INTAKE_SATURDAY     6
#define NGX_INTAKE_WEEKDAYS     7


/*
 * Minutes since midnight: start is 0 to 1439, end is greater than start and
 * less than start + 1440, or 1440.  An end above 1440 is on the next day.
 */

typedef struct {
    ngx_uint_t    start;
    ngx_uint_t    end;
} ngx_intake_times_t;


/* the date of a month from 1 to 12 and a day; day 1 + n is n days later */

int64_t ngx_intake_date(int64_t year, ngx_uint_t month, ngx_uint_t day);

/* the date of a second since 1970, both on the same clock */

int64_t ngx_intake_date_of(int64_t sec);

int64_t ngx_intake_date_year(int64_t date);
ngx_uint_t ngx_intake_date_weekday(int64_t date);
ngx_uint_t ngx_intake_date_leap_year(int64_t year);


/* "YYYY-MM-DD", from 1970 on */

ngx_int_t ngx_intake_date_parse(ngx_str_t *text, int64_t *date);

/* "DATE" or "DATE..DATE", which has the same or a later date behind */

ngx_int_t ngx_intake_date_range_parse(ngx_str_t *text, int64_t *first,
    int64_t *last);

/*
 * "mon", "mon-fri", "sat,sun", "mon-wed,fri": a set of bits.  A range may run
 * over the end of the week ("fri-mon").  A day that comes twice is an error.
 */
ngx_int_t ngx_intake_weekdays_parse(ngx_str_t *text, ngx_uint_t *days);

/*
 * "HH:MM-HH:MM", two digits each.  24:00 may be the end.  An end that is
 * earlier than the start is on the next day; an end equal to the start is an
 * error, for it could mean no time as well as a whole day.
 */
ngx_int_t ngx_intake_times_parse(ngx_str_t *text, ngx_intake_times_t *times);

/*
 * Whether a word where times or a name may stand is meant to be times ("9-12",
 * "9:00-12:00"): a mistake in them must not become a name.
 */
ngx_uint_t ngx_intake_times_meant(ngx_str_t *word);


#endif /* _NGX_INTAKE_DATE_H_INCLUDED_ */
