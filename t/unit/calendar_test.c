/* sources: src/sla/ngx_intake_business_clock.c src/sla/ngx_intake_calendar.c */
/* sources: src/sla/ngx_intake_date.c src/sla/ngx_intake_holidays.c */
/* sources: src/sla/ngx_intake_tz.c src/sla/ngx_intake_tzif.c */

/*
 * Copyright (C) nginx-intake contributors
 */


#include "sla_test.h"


#define REFUSED  -1


static void
test_dates(void)
{
    int64_t     date, expected, first, last;
    ngx_int_t   rc;
    ngx_str_t   text;
    ngx_uint_t  i, wrong, month, day, weekday;

    static struct {
        const char  *text;
        int64_t      date;
    } cases[] = {
        { "1970-01-01", 0 },
        { "1970-12-31", 364 },
        { "2000-02-29", 11016 },
        { "2024-02-29", 19782 },
        { "2024-12-24", 20081 },
        { "9999-12-31", 2932896 },
        { "1969-12-31", REFUSED },
        { "2023-02-29", REFUSED },
        { "2100-02-29", REFUSED },
        { "2024-04-31", REFUSED },
        { "2024-00-01", REFUSED },
        { "2024-13-01", REFUSED },
        { "2024-01-00", REFUSED },
        { "2024-1-01", REFUSED },
        { "2024-01-1", REFUSED },
        { "24-01-01", REFUSED },
        { "2024/01/01", REFUSED },
        { "2024-01-01 ", REFUSED },
        { "2024-01- 1", REFUSED },
        { "20240101", REFUSED },
        { "", REFUSED }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        text = copy(cases[i].text, strlen(cases[i].text));
        date = REFUSED;
        rc = ngx_intake_date_parse(&text, &date);

        ok(date == cases[i].date
           && rc == (date == REFUSED ? NGX_ERROR : NGX_OK),
           "date \"%s\"", cases[i].text);
    }

    /* one day after the other, from the year -400 to 2400 */

    expected = ngx_intake_date(-400, 1, 1);
    weekday = ngx_intake_date_weekday(expected);
    wrong = (weekday != 6);

    for (first = -400; first < 2400; first++) {
        for (month = 1; month <= 12; month++) {
            last = (month == 12) ? ngx_intake_date(first + 1, 1, 1)
                                 : ngx_intake_date(first, month + 1, 1);

            for (day = 1; ngx_intake_date(first, month, day) < last; day++) {
                date = ngx_intake_date(first, month, day);

                wrong += date != expected++
                         || ngx_intake_date_year(date) != first
                         || ngx_intake_date_weekday(date) != weekday
                         || ngx_intake_date_of(date * 86400) != date
                         || ngx_intake_date_of(date * 86400 + 86399) != date;

                weekday = (weekday + 1) % 7;
            }

            wrong += day < 29 || day > 32;
        }
    }

    ok(wrong == 0 && expected == 157054, "2800 years of days");
}


static void
test_ranges(void)
{
    int64_t     first, last;
    ngx_int_t   rc;
    ngx_str_t   text;
    ngx_uint_t  i;

    static struct {
        const char  *text;
        int64_t      first;
        int64_t      last;
    } cases[] = {
        { "2024-12-24", 20081, 20081 },
        { "2024-12-24..2024-12-26", 20081, 20083 },
        { "2024-12-24..2024-12-24", 20081, 20081 },
        { "2024-12-24..2024-12-23", REFUSED, REFUSED },
        { "2024-12-24..2024-12-32", REFUSED, REFUSED },
        { "2024-12-24..", REFUSED, REFUSED },
        { "..2024-12-24", REFUSED, REFUSED },
        { "2024-12-24.2024-12-26", REFUSED, REFUSED },
        { "2024-12-24...2024-12-26", REFUSED, REFUSED },
        { "2024-12-24-.2024-12-26", REFUSED, REFUSED },
        { "2024-12-24..2024-12-26 ", REFUSED, REFUSED },
        { "", REFUSED, REFUSED }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        text = copy(cases[i].text, strlen(cases[i].text));
        first = REFUSED;
        last = REFUSED;
        rc = ngx_intake_date_range_parse(&text, &first, &last);

        ok(first == cases[i].first && last == cases[i].last
           && rc == (first == REFUSED ? NGX_ERROR : NGX_OK),
           "dates \"%s\"", cases[i].text);
    }
}


static void
test_weekdays(void)
{
    ngx_int_t   rc;
    ngx_str_t   text;
    ngx_uint_t  i, days;

    /* bits from Sunday */

    static struct {
        const char  *text;
        ngx_uint_t   days;
    } cases[] = {
        { "sun", 0x01 }, { "mon", 0x02 }, { "tue", 0x04 }, { "wed", 0x08 },
        { "thu", 0x10 }, { "fri", 0x20 }, { "sat", 0x40 },
        { "mon-fri", 0x3e }, { "mon-sun", 0x7f }, { "sun-sat", 0x7f },
        { "sat,sun", 0x41 }, { "sat-sun", 0x41 }, { "fri-mon", 0x63 },
        { "mon-wed,fri", 0x2e }, { "fri,mon-wed,sun", 0x2f },
        { "", 0 }, { "m", 0 }, { "mo", 0 }, { "monday", 0 }, { "MON", 0 },
        { "foo", 0 }, { "unm", 0 }, { "mon,", 0 }, { ",mon", 0 },
        { "mon-", 0 }, { "mon-f", 0 }, { "mon--fri", 0 },
        { "mon-fri-sat", 0 }, { "mon;fri", 0 }, { "mon, fri", 0 },
        { "mon,mon", 0 }, { "mon-mon", 0 }, { "mon-wed,wed-fri", 0 },
        { "fri-mon,sat", 0 }, { "mon ", 0 }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        text = copy(cases[i].text, strlen(cases[i].text));
        days = 0;
        rc = ngx_intake_weekdays_parse(&text, &days);

        ok(days == cases[i].days && rc == (days ? NGX_OK : NGX_ERROR),
           "days \"%s\"", cases[i].text);
    }
}


static void
test_times(void)
{
    ngx_int_t           rc;
    ngx_str_t           text;
    ngx_uint_t          i;
    ngx_intake_times_t  times;

    static struct {
        const char  *text;
        ngx_uint_t   start;
        ngx_uint_t   end;
    } cases[] = {
        { "09:00-17:30", 540, 1050 },
        { "00:00-24:00", 0, 1440 },
        { "00:00-00:01", 0, 1 },
        { "23:59-24:00", 1439, 1440 },
        { "22:00-06:00", 1320, 1800 },
        { "22:00-00:00", 1320, 1440 },
        { "09:00-08:59", 540, 1979 },
        { "00:01-00:00", 1, 1440 },
        { "09:00-09:00", 0, 0 },
        { "00:00-00:00", 0, 0 },
        { "24:00-24:00", 0, 0 },
        { "24:00-06:00", 0, 0 },
        { "09:00-24:01", 0, 0 },
        { "09:00-25:00", 0, 0 },
        { "09:60-10:00", 0, 0 },
        { "09:00-10:60", 0, 0 },
        { "9:00-17:00", 0, 0 },
        { "09:00-9:30", 0, 0 },
        { "09:00 17:00", 0, 0 },
        { "09.00-17.00", 0, 0 },
        { "09:00-17:00 ", 0, 0 },
        { "09:00", 0, 0 },
        { "", 0, 0 }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        text = copy(cases[i].text, strlen(cases[i].text));
        times.start = 0;
        times.end = 0;
        rc = ngx_intake_times_parse(&text, &times);

        ok(times.start == cases[i].start && times.end == cases[i].end
           && rc == (times.end ? NGX_OK : NGX_ERROR),
           "times \"%s\"", cases[i].text);
    }
}


static void
test_weights(void)
{
    ngx_int_t   rc;
    ngx_str_t   text;
    ngx_uint_t  i, weight;

    static struct {
        const char  *text;
        ngx_int_t    weight;
    } cases[] = {
        { "0", 0 }, { "0.0", 0 }, { "1", 1000 }, { "1.000", 1000 },
        { "0.5", 500 }, { "0.25", 250 }, { "0.125", 125 }, { "0.001", 1 },
        { "0.999", 999 }, { "1.001", REFUSED }, { "2", REFUSED },
        { "0.0625", REFUSED }, { "0.0000", REFUSED }, { "0.", REFUSED },
        { ".5", REFUSED }, { "-0.5", REFUSED }, { "50%", REFUSED },
        { "0,5", REFUSED }, { "0.5 ", REFUSED }, { "0.x", REFUSED },
        { "00", REFUSED }, { "", REFUSED }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        text = copy(cases[i].text, strlen(cases[i].text));
        weight = 5555;
        rc = ngx_intake_weight_parse(&text, &weight);

        ok(cases[i].weight == REFUSED
           ? rc == NGX_ERROR && weight == 5555
           : rc == NGX_OK && weight == (ngx_uint_t) cases[i].weight,
           "weight \"%s\"", cases[i].text);
    }
}


/* the times of a date as text */

static const char *
day_text(ngx_intake_calendar_t *calendar, ngx_uint_t staffed,
    const char *date)
{
    char                *p;
    int64_t              days;
    ngx_str_t            text;
    ngx_intake_day_t     day;
    ngx_intake_times_t   times;
    static char          line[1024];

    text = copy(date, strlen(date));

    if (ngx_intake_date_parse(&text, &days) != NGX_OK) {
        abort();
    }

    ngx_intake_calendar_day(calendar, staffed, days, &day);

    p = line;
    times.end = 0;

    while (ngx_intake_day_next(&day, &times)) {
        p += sprintf(p, "%s%02lu:%02lu-%02lu:%02lu", p == line ? "" : " ",
                     (unsigned long) times.start / 60,
                     (unsigned long) times.start % 60,
                     (unsigned long) times.end / 60,
                     (unsigned long) times.end % 60);
    }

    *p = '\0';

    return line;
}


/* 2024-12-23 is a Monday */

static void
test_days(void)
{
    const char             *text;
    ngx_uint_t              i;
    ngx_intake_calendar_t   calendar;

    static struct {
        const char  *directives;
        const char  *date;
        const char  *times;
    } cases[] = {
        { "", "2024-12-23", "00:00-24:00" },
        { "closed 2024-12-24", "2024-12-24", "" },

        { "hours mon-fri 09:00-17:00", "2024-12-23", "09:00-17:00" },
        { "hours mon-fri 09:00-17:00", "2024-12-28", "" },
        { "hours mon 09:00-12:00 13:00-17:00", "2024-12-23",
          "09:00-12:00 13:00-17:00" },
        { "hours mon 13:00-17:00; hours mon 09:00-12:00", "2024-12-23",
          "09:00-12:00 13:00-17:00" },
        { "hours mon 09:00-12:00 12:00-17:00", "2024-12-23", "09:00-17:00" },
        { "hours mon 00:00-00:01 01:03-01:04 23:59-24:00", "2024-12-23",
          "00:00-00:01 01:03-01:04 23:59-24:00" },

        /* past midnight */
        { "hours mon 22:00-06:00", "2024-12-23", "22:00-24:00" },
        { "hours mon 22:00-06:00", "2024-12-24", "00:00-06:00" },
        { "hours mon-fri 22:00-06:00", "2024-12-24",
          "00:00-06:00 22:00-24:00" },
        { "hours sat 22:00-06:00", "2024-12-22", "00:00-06:00" },
        { "hours mon 22:00-00:00", "2024-12-24", "" },
        { "hours mon-sun 06:00-22:00 22:00-06:00", "2024-12-24",
          "00:00-24:00" },

        /* closed */
        { "closed 2024-12-23..2024-12-25", "2024-12-22", "00:00-24:00" },
        { "closed 2024-12-23..2024-12-25", "2024-12-23", "" },
        { "closed 2024-12-23..2024-12-25", "2024-12-25", "" },
        { "closed 2024-12-23..2024-12-25", "2024-12-26", "00:00-24:00" },
        { "closed 2024-12-24 12:00-24:00", "2024-12-24", "00:00-12:00" },
        { "closed 2024-12-24 12:00-13:00", "2024-12-24",
          "00:00-12:00 13:00-24:00" },
        { "closed 2024-12-23..2024-12-25 12:00-13:00", "2024-12-25",
          "00:00-12:00 13:00-24:00" },
        { "closed 2024-12-23 22:00-06:00", "2024-12-23", "00:00-22:00" },
        { "closed 2024-12-23 22:00-06:00", "2024-12-24", "06:00-24:00" },
        { "closed 2024-12-23 22:00-06:00", "2024-12-25", "00:00-24:00" },
        { "closed 2024-12-23..2024-12-24 22:00-06:00", "2024-12-24",
          "06:00-22:00" },
        { "closed 2024-12-24 09:00-12:00; closed 2024-12-24 11:00-14:00",
          "2024-12-24", "00:00-09:00 14:00-24:00" },
        { "closed 2024-12-24; closed 2024-12-24 11:00-14:00",
          "2024-12-24", "" },
        { "hours mon-fri 22:00-06:00; closed 2024-12-24", "2024-12-24", "" },
        { "hours mon-fri 22:00-06:00; closed 2024-12-24", "2024-12-25",
          "00:00-06:00 22:00-24:00" },

        /* open instead of the hours, and of what is closed */
        { "hours mon 09:00-17:00; open 2024-12-23 10:00-12:00",
          "2024-12-23", "10:00-12:00" },
        { "hours mon 09:00-17:00; open 2024-12-23 10:00-12:00",
          "2024-12-30", "09:00-17:00" },
        { "hours mon 09:00-17:00; open 2024-12-28 10:00-12:00 13:00-14:00",
          "2024-12-28", "10:00-12:00 13:00-14:00" },
        { "hours mon 09:00-17:00; open 2024-12-28 13:00-14:00;"
          " open 2024-12-28 10:00-12:00",
          "2024-12-28", "10:00-12:00 13:00-14:00" },
        { "closed 2024-12-20..2024-12-31; open 2024-12-24 10:00-12:00",
          "2024-12-24", "10:00-12:00" },
        { "open 2024-12-24 10:00-12:00; closed 2024-12-24 11:00-24:00",
          "2024-12-24", "10:00-12:00" },
        { "hours mon 08:00-09:00 22:00-06:00; open 2024-12-23 20:00-02:00",
          "2024-12-23", "20:00-24:00" },
        { "hours tue 01:00-09:00; open 2024-12-23 20:00-02:00",
          "2024-12-24", "00:00-09:00" },
        { "hours tue 12:00-19:00; closed 2024-12-24;"
          " open 2024-12-23 20:00-02:00",
          "2024-12-24", "00:00-02:00" },
        { "open 2024-12-23 20:00-02:00; open 2024-12-24 08:00-09:00",
          "2024-12-24", "00:00-02:00 08:00-09:00" },

        /* long and short closures in any order */
        { "closed 2024-01-01..2025-12-31 12:00-13:00; closed 2024-12-25;"
          " closed 2024-06-01; closed 2024-12-24 18:00-24:00",
          "2024-12-24", "00:00-12:00 13:00-18:00" },
        { "closed 2024-01-01..2025-12-31 12:00-13:00; closed 2024-12-25;"
          " closed 2024-06-01", "2025-12-31", "00:00-12:00 13:00-24:00" },
        { "closed 2024-01-01..2025-12-31 12:00-13:00; closed 2024-12-25;"
          " closed 2024-06-01", "2026-01-01", "00:00-24:00" },
        { "closed 1970-01-01", "1970-01-01", "" },
        { "closed 1970-01-01", "1970-01-02", "00:00-24:00" }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {

        if (configure(&calendar, cases[i].directives) != NGX_OK) {
            ok(0, "\"%s\" is read", cases[i].directives);
            continue;
        }

        text = day_text(&calendar, 0, cases[i].date);

        ok(strcmp(text, cases[i].times) == 0, "\"%s\": %s has \"%s\"",
           cases[i].directives, cases[i].date, cases[i].times);
    }

    ok(configure(&calendar, "hours mon 09:00-17:00; staffed mon 10:00-12:00;"
                            " staffed tue 22:00-01:00; closed 2024-12-30;"
                            " open 2025-01-06 08:00-09:00") == NGX_OK
       && strcmp(day_text(&calendar, 1, "2024-12-23"), "10:00-12:00") == 0
       && strcmp(day_text(&calendar, 1, "2024-12-25"), "00:00-01:00") == 0
       && strcmp(day_text(&calendar, 0, "2024-12-25"), "") == 0
       && strcmp(day_text(&calendar, 1, "2024-12-30"), "") == 0
       && strcmp(day_text(&calendar, 1, "2025-01-06"), "08:00-09:00") == 0,
       "staffed hours, on the same dates");
    ok(ngx_intake_calendar_weekdays(&calendar) == 0x02, "open on Mondays");

    ok(configure(&calendar, "staffed mon 10:00-12:00") == NGX_OK
       && strcmp(day_text(&calendar, 0, "2024-12-24"), "00:00-24:00") == 0
       && strcmp(day_text(&calendar, 1, "2024-12-24"), "") == 0,
       "staffed hours alone");
    ok(ngx_intake_calendar_weekdays(&calendar) == 0x7f, "always open");

    ok(configure(&calendar, "hours mon 10:00-12:00") == NGX_OK
       && strcmp(day_text(&calendar, 1, "2024-12-23"), "10:00-12:00") == 0,
       "hours without staffed ones");
    ok(configure(&calendar, "hours fri 22:00-06:00") == NGX_OK
       && ngx_intake_calendar_weekdays(&calendar) == 0x60,
       "a Friday night is a Saturday too");
}


static void
test_overlaps(void)
{
    ngx_uint_t              i;
    ngx_intake_calendar_t   calendar;

    static const char  *cases[] = {
        "hours mon 09:00-17:00 16:59-18:00",
        "hours mon 09:00-17:00; hours mon-fri 08:00-09:01",
        "hours mon 22:00-06:00; hours tue 05:59-07:00",
        "hours tue 05:59-07:00; hours mon 22:00-06:00",
        "hours sun 01:00-02:00; hours sat 22:00-02:00",
        "hours mon-sun 22:00-06:00 05:00-07:00",
        "hours mon 00:00-24:00; hours sun 23:00-00:01",
        "hours mon 01:04-01:05; hours mon 00:00-24:00",
        "staffed mon 09:00-17:00 12:00-13:00",
        "open 2024-12-24 09:00-12:00 11:59-13:00",
        "open 2024-12-24 09:00-12:00; open 2024-12-24 08:00-18:00",
        "open 2024-12-24 22:00-06:00; open 2024-12-25 05:59-08:00",
        "open 2024-12-25 05:59-08:00; open 2024-12-24 22:00-06:00"
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        ok(configure(&calendar, cases[i]) == NGX_DECLINED,
           "\"%s\" overlaps", cases[i]);
    }

    ok(configure(&calendar, "hours mon 09:00-17:00; staffed mon 10:00-18:00;"
                            " hours mon 17:00-09:00; hours tue 09:00-10:00;"
                            " open 2024-12-24 22:00-06:00;"
                            " open 2024-12-25 06:00-08:00;"
                            " closed 2024-12-24; closed 2024-12-24")
       == NGX_OK, "what touches does not, nor do closures");
}


static void
test_holidays(void)
{
    char                   *p, line[1024];
    ngx_int_t               rc;
    ngx_uint_t              i;
    ngx_intake_holidays_t   holidays;

    static struct {
        const char  *text;
        const char  *read;
    } cases[] = {
        { "", "0 done" },
        { "\n\n# no days\n", "3 done" },
        { "2024-12-25 Christmas Day\n", "1 20082 0-1440 Christmas Day;1 done" },
        { "2024-12-25 Christmas Day", "1 20082 0-1440 Christmas Day;1 done" },
        { "2024-12-25", "1 20082 0-1440 ;1 done" },
        { "2024-12-25 \t \r\n", "1 20082 0-1440 ;1 done" },
        { "2024-12-24 12:00-24:00 Eve\r\n# x\r\n\r\n2024-12-25\tDay  1 \r\n",
          "1 20081 720-1440 Eve;4 20082 0-1440 Day  1;4 done" },
        { "2024-12-24 22:00-06:00", "1 20081 1320-1800 ;1 done" },
        { "\xef\xbb\xbf" "2024-12-25 A\n2024-12-26 B",
          "1 20082 0-1440 A;2 20083 0-1440 B;2 done" },
        { "2024-12-25 1. Weihnachtstag\n2024-12-26 12-13. x\n"
          "2024-12-27 12:00-Uhr-Tag",
          "1 20082 0-1440 1. Weihnachtstag;2 20083 0-1440 12-13. x;"
          "3 20084 0-1440 12:00-Uhr-Tag;3 done" },

        { "2024-12-25 A\n2024-12-32 B\n", "1 20082 0-1440 A;2 error" },
        { "\n2024-12-25..2024-12-26 A", "2 error" },
        { " 2024-12-25 A", "1 error" },
        { "Christmas", "1 error" },
        { "2024-12-25 9:00-12:00 A", "1 error" },
        { "2024-12-25 09:00-25:00 A", "1 error" },
        { "2024-12-25 09:00-12:00-13:00", "1 error" },
        { "2024-12-25 09:00 A", "1 error" },
        { "2024-12-25 9-12 A", "1 error" },
        { "2024-12-25 09:00-12:00 13:00-14:00 A", "1 error" }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        holidays.text = copy(cases[i].text, strlen(cases[i].text));
        holidays.line = 0;
        p = line;

        for ( ;; ) {
            rc = ngx_intake_holidays_next(&holidays);
            p += sprintf(p, "%lu ", (unsigned long) holidays.line);

            if (rc != NGX_OK) {
                break;
            }

            p += sprintf(p, "%lld %lu-%lu %.*s;",
                         (long long) holidays.rule.first,
                         (unsigned long) holidays.rule.times.start,
                         (unsigned long) holidays.rule.times.end,
                         (int) holidays.name.len, holidays.name.data);

            if (holidays.rule.last != holidays.rule.first
                || holidays.rule.open)
            {
                break;
            }
        }

        strcpy(p, rc == NGX_DONE ? "done" : rc == NGX_ERROR ? "error" : "?");

        ok(strcmp(line, cases[i].read) == 0, "holidays %lu: %s",
           (unsigned long) i, cases[i].read);
    }
}


/* more rules than the first allocations hold; a date far among them */

static void
test_many(void)
{
    ngx_int_t               rc;
    ngx_uint_t              i, left;
    ngx_intake_rule_t       rule;
    ngx_intake_memory_t     memory = { allocate, NULL };
    ngx_intake_calendar_t   calendar;

    ngx_intake_calendar_init(&calendar, &memory);
    memset(&rule, 0, sizeof(rule));
    rule.times.end = 1440;

    for (i = 0; i < NGX_INTAKE_MAX_RULES; i++) {
        rule.first = 10 + (i * 7919) % NGX_INTAKE_MAX_RULES;
        rule.last = rule.first;
        rule.times.start = rule.first % 1440;

        if (ngx_intake_calendar_add_rule(&calendar, &rule) != NGX_OK) {
            break;
        }
    }

    ok(i == NGX_INTAKE_MAX_RULES
       && ngx_intake_calendar_add_rule(&calendar, &rule) == NGX_ERROR,
       "%u rules and no more", NGX_INTAKE_MAX_RULES);

    /* day 20081 has 1361 minutes */

    ok(strcmp(day_text(&calendar, 0, "2024-12-24"), "00:00-22:41") == 0
       && strcmp(day_text(&calendar, 0, "1970-01-05"), "00:00-24:00") == 0,
       "each on its date");

    left = 1;
    memory.data = &left;
    ngx_intake_calendar_init(&calendar, &memory);

    for (i = 0; ; i++) {
        rc = ngx_intake_calendar_add_rule(&calendar, &rule);

        if (rc != NGX_OK) {
            break;
        }
    }

    ok(rc == NGX_ERROR && i > 0 && calendar.nrules == i, "no memory");
}


int
main(void)
{
    test_dates();
    test_ranges();
    test_weekdays();
    test_times();
    test_weights();
    test_days();
    test_overlaps();
    test_holidays();
    test_many();

    release();

    return done();
}
