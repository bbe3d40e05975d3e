/* sources: src/sla/ngx_intake_business_clock.c src/sla/ngx_intake_calendar.c */
/* sources: src/sla/ngx_intake_date.c src/sla/ngx_intake_tz.c */
/* sources: src/sla/ngx_intake_tzif.c */

/*
 * Copyright (C) nginx-intake contributors
 */


/*
 * The business clock.  With the name of a zone and directives of a calendar
 * it answers each number of milliseconds on standard input with the reading,
 * what is due and exhausted at that reading, whether it counts, until when,
 * and whether somebody is scheduled; t/oracle/zones.py compares these.
 */


#include "sla_test.h"


#define END      ms("2060-01-01 00:00")
#define MINUTE   60000LL
#define HOUR     3600000LL
#define REFUSED  -1LL

#define WEEK     "hours mon-fri 09:00-17:00"


static uint64_t  seed = 20241224;


/* xorshift64*: the same numbers everywhere */

static uint64_t
pick(uint64_t n)
{
    seed ^= seed >> 12;
    seed ^= seed << 25;
    seed ^= seed >> 27;

    return (seed * 0x2545f4914f6cdd1dULL >> 16) % n;
}


static int64_t
reading(ngx_intake_business_clock_t *clock, const char *time)
{
    return ngx_intake_business_clock_read(clock, ms(time));
}


static int64_t
between(ngx_intake_business_clock_t *clock, const char *start,
    const char *end)
{
    return reading(clock, end) - reading(clock, start);
}


static int64_t
due(ngx_intake_business_clock_t *clock, int64_t reading)
{
    int64_t  time;

    time = REFUSED;

    if (ngx_intake_business_clock_due(clock, reading, &time) != NGX_OK) {
        return (time == REFUSED) ? REFUSED : -2;
    }

    return time;
}


static int64_t
exhausted(ngx_intake_business_clock_t *clock, int64_t reading)
{
    int64_t  time;

    time = REFUSED;

    if (ngx_intake_business_clock_exhausted(clock, reading, &time)
        != NGX_OK)
    {
        return (time == REFUSED) ? REFUSED : -2;
    }

    return time;
}


static int64_t
change(ngx_intake_business_clock_t *clock, int64_t time, ngx_uint_t open)
{
    int64_t  at;

    at = REFUSED;

    if (ngx_intake_business_clock_open(clock, time, &at) != open) {
        return REFUSED;
    }

    return at;
}


static void
test_always(void)
{
    int64_t                       time;
    ngx_uint_t                    i, wrong;
    ngx_intake_business_clock_t   clock, table;

    static int64_t  times[] = {
        INT64_MIN, -1, 0, 1, 1734998400000, 1734998400001, INT64_MAX
    };

    memset(&clock, 0, sizeof(clock));

    for (i = 0, wrong = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        time = ngx_max(times[i], 0);

        wrong += ngx_intake_business_clock_read(&clock, times[i]) != time
                 || due(&clock, times[i]) != time
                 || exhausted(&clock, times[i]) != time
                 || change(&clock, times[i], 1) != INT64_MAX
                 || !ngx_intake_business_clock_staffed(&clock, times[i]);
    }

    ok(wrong == 0, "a clock of zeros is the time");

    ok(make_clock(&table, "", NULL, END) == NGX_OK
       && table.end == END && table.hours.nperiods == 1,
       "a calendar without hours");

    for (i = 0, wrong = 0; i < 1000; i++) {
        time = pick(END);

        wrong += ngx_intake_business_clock_read(&table, time) != time
                 || due(&table, time) != time
                 || exhausted(&table, time) != time
                 || change(&table, time, 1) != END
                 || !ngx_intake_business_clock_staffed(&table, time)
                 || ngx_intake_business_clock_fingerprint(&clock, time)
                    != ngx_intake_business_clock_fingerprint(&table, time);
    }

    ok(wrong == 0, "is the same up to its end");

    ok(ngx_intake_business_clock_read(&table, END) == END
       && ngx_intake_business_clock_read(&table, END + 1) == END
       && ngx_intake_business_clock_read(&table, INT64_MAX) == END
       && ngx_intake_business_clock_read(&table, INT64_MIN) == 0
       && due(&table, END - 1) == END - 1
       && due(&table, END) == REFUSED
       && due(&table, INT64_MAX) == REFUSED
       && exhausted(&table, END) == END
       && exhausted(&table, END + 1) == REFUSED
       && exhausted(&table, INT64_MAX) == REFUSED
       && change(&table, END, 0) == END
       && change(&table, INT64_MAX, 0) == END
       && change(&table, -1, 0) == 0
       && change(&table, INT64_MIN, 0) == 0
       && !ngx_intake_business_clock_staffed(&table, END)
       && !ngx_intake_business_clock_staffed(&table, -1),
       "where it stands");
}


static void
test_week(void)
{
    int64_t                       monday;
    ngx_intake_business_clock_t   clock;

    ok(make_clock(&clock, WEEK, NULL, END) == NGX_OK, WEEK);

    monday = reading(&clock, "2024-12-23 09:00");

    ok(reading(&clock, "1970-01-01 09:00") == 0
       && reading(&clock, "1970-01-01 17:00") == 8 * HOUR
       && reading(&clock, "1970-01-05 09:30") == 16 * HOUR + 30 * MINUTE,
       "since 1970, which began on a Thursday");

    /* 2869 weeks, and the Thursday and Friday in front */

    ok(monday == (2869 * 5 - 3) * 8 * HOUR, "Monday");
    ok(reading(&clock, "2024-12-20 17:00") == monday
       && reading(&clock, "2024-12-22 00:00") == monday, "the weekend");
    ok(ngx_intake_business_clock_read(&clock, ms("2024-12-23 09:00") + 1)
       == monday + 1, "a millisecond");

    ok(due(&clock, monday) == ms("2024-12-23 09:00")
       && exhausted(&clock, monday) == ms("2024-12-20 17:00"),
       "due at the opening, exhausted at the closing");
    ok(due(&clock, monday + 1) == ms("2024-12-23 09:00") + 1
       && exhausted(&clock, monday + 1) == ms("2024-12-23 09:00") + 1
       && due(&clock, monday - 1) == ms("2024-12-20 17:00") - 1
       && exhausted(&clock, monday - 1) == ms("2024-12-20 17:00") - 1,
       "the same while it runs");
    ok(due(&clock, 0) == ms("1970-01-01 09:00") && exhausted(&clock, 0) == 0,
       "before the first opening");

    ok(change(&clock, ms("2024-12-22 12:00"), 0) == ms("2024-12-23 09:00")
       && change(&clock, ms("2024-12-23 09:00") - 1, 0)
          == ms("2024-12-23 09:00")
       && change(&clock, ms("2024-12-23 09:00"), 1)
          == ms("2024-12-23 17:00")
       && change(&clock, ms("2024-12-23 17:00") - 1, 1)
          == ms("2024-12-23 17:00")
       && change(&clock, ms("2024-12-23 17:00"), 0)
          == ms("2024-12-24 09:00")
       && change(&clock, 0, 0) == ms("1970-01-01 09:00"), "open and closed");

    /* the last day is a Wednesday */

    ok(due(&clock, reading(&clock, "2059-12-31 16:00"))
       == ms("2059-12-31 16:00")
       && due(&clock, reading(&clock, "2059-12-31 17:00")) == REFUSED
       && exhausted(&clock, reading(&clock, "2059-12-31 17:00"))
          == ms("2059-12-31 17:00")
       && exhausted(&clock, reading(&clock, "2059-12-31 17:00") + 1)
          == REFUSED
       && change(&clock, ms("2059-12-31 18:00"), 0) == END,
       "at the end");
}


static void
test_weight(void)
{
    int64_t                       friday;
    ngx_intake_business_clock_t   clock;

    (void) make_clock(&clock, "weekend_weight 0.5", NULL, END);

    friday = reading(&clock, "2024-12-20 18:00");

    ok(due(&clock, friday + 24 * HOUR) == ms("2024-12-22 12:00")
       && exhausted(&clock, friday + 24 * HOUR) == ms("2024-12-22 12:00"),
       "24 hours from Friday 18:00 at half the speed");
    ok(between(&clock, "2024-12-21 00:00", "2024-12-23 00:00") == 24 * HOUR
       && between(&clock, "2024-12-23 00:00", "2024-12-24 00:00")
          == 24 * HOUR, "a weekend has the hours of a day");
    ok(change(&clock, ms("2024-12-20 18:00"), 1) == END, "but is open");
    ok(clock.hours.nperiods == 2 * 4696 + 1, "the periods");

    friday = ms("2024-12-21 00:00");

    ok(ngx_intake_business_clock_read(&clock, friday + 1)
       == ngx_intake_business_clock_read(&clock, friday)
       && ngx_intake_business_clock_read(&clock, friday + 2)
          == ngx_intake_business_clock_read(&clock, friday) + 1,
       "half a millisecond is rounded down");

    (void) make_clock(&clock, "weekend_weight 0.3", NULL, END);
    friday = ngx_intake_business_clock_read(&clock, ms("2024-12-21 00:00"));

    ok(due(&clock, friday + 1) == ms("2024-12-21 00:00") + 3
       && exhausted(&clock, friday + 1) == ms("2024-12-21 00:00") + 4
       && due(&clock, friday + 3) == ms("2024-12-21 00:00") + 10
       && exhausted(&clock, friday + 3) == ms("2024-12-21 00:00") + 10,
       "thirds: due before, exhausted after");

    (void) make_clock(&clock, "weekend_weight 0", NULL, END);

    ok(between(&clock, "2024-12-21 00:00", "2024-12-23 00:00") == 0
       && change(&clock, ms("2024-12-21 00:00"), 0)
          == ms("2024-12-23 00:00"), "no weight is closed");

    /* a weekend is one of the wall's */

    if (make_clock(&clock, "weekend_weight 0", "Asia/Tokyo", END)
        == NGX_OK)
    {
        ok(change(&clock, ms("2024-12-20 15:00"), 0)
           == ms("2024-12-22 15:00"), "the weekend of Tokyo");

    } else {
        ok(1, "the weekend of Tokyo # SKIP no zone");
    }
}


/* the clock on the wall: what is missing, and what comes twice */

static void
test_zones(void)
{
    ngx_int_t                     rc;
    ngx_uint_t                    i;
    ngx_intake_business_clock_t   clock;

    static struct {
        const char  *zone;
        const char  *calendar;
        const char  *start;
        const char  *end;
        int64_t      minutes;
    } cases[] = {
        { "Europe/Berlin", "", "2024-03-30 23:00", "2024-03-31 22:00",
          23 * 60 },
        { "Europe/Berlin", "hours sun 00:00-24:00",
          "2024-03-30 00:00", "2024-04-01 00:00", 23 * 60 },
        { "Europe/Berlin", "hours sun 00:00-24:00",
          "2024-10-26 00:00", "2024-10-28 00:00", 25 * 60 },
        { "Europe/Berlin", "hours sun 02:00-03:00",
          "2024-03-30 00:00", "2024-04-01 00:00", 0 },
        { "Europe/Berlin", "hours sun 02:30-04:00",
          "2024-03-30 00:00", "2024-04-01 00:00", 60 },
        { "Europe/Berlin", "hours sun 02:15-02:45",
          "2024-10-26 00:00", "2024-10-28 00:00", 60 },
        { "Europe/Berlin", "hours sat 22:00-06:00",
          "2024-03-30 00:00", "2024-04-01 00:00", 7 * 60 },
        { "Europe/Berlin", "hours sat 22:00-06:00",
          "2024-10-26 00:00", "2024-10-28 00:00", 9 * 60 },

        /* half an hour; no 30 December; back over midnight at 00:01 */
        { "Australia/Lord_Howe", "hours sun 00:00-24:00",
          "2024-04-05 00:00", "2024-04-08 00:00", 24 * 60 + 30 },
        { "Pacific/Apia", "hours fri 00:00-24:00",
          "2011-12-27 00:00", "2012-01-02 00:00", 0 },
        { "America/St_Johns", "hours sat 23:00-24:00; hours sun 00:00-01:00",
          "2009-10-31 12:00", "2009-11-01 12:00", 180 },
        { "America/St_Johns", "closed 2009-11-01",
          "2009-10-31 12:00", "2009-11-02 12:00", 870 + 59 + 510 },

        /* the last year of the table of a fat file, and later */
        { "America/New_York", "hours sun 00:00-24:00",
          "2059-03-08 00:00", "2059-03-12 00:00", 23 * 60 },
        { "Africa/Monrovia", "hours sat 00:00-24:00",
          "1972-01-07 00:44", "1972-01-09 12:00", 24 * 60 }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        rc = make_clock(&clock, cases[i].calendar, cases[i].zone, END);

        if (rc != NGX_OK) {
            ok(rc == NGX_ABORT, "%s # SKIP no zone", cases[i].zone);
            continue;
        }

        ok(between(&clock, cases[i].start, cases[i].end)
           == cases[i].minutes * MINUTE, "%s, \"%s\": %lld minutes",
           cases[i].zone, cases[i].calendar, (long long) cases[i].minutes);

        release();
    }
}


static void
test_staffed(void)
{
    ngx_intake_business_clock_t   clock;

    (void) make_clock(&clock, "staffed mon-fri 09:00-18:00;"
                              " closed 2024-12-25; weekend_weight 0", NULL,
                      END);

    ok(ngx_intake_business_clock_staffed(&clock, ms("2024-12-23 09:00"))
       && ngx_intake_business_clock_staffed(&clock,
                                            ms("2024-12-23 18:00") - 1)
       && !ngx_intake_business_clock_staffed(&clock, ms("2024-12-23 18:00"))
       && !ngx_intake_business_clock_staffed(&clock,
                                             ms("2024-12-23 09:00") - 1)
       && !ngx_intake_business_clock_staffed(&clock, ms("2024-12-25 12:00"))
       && between(&clock, "2024-12-23 00:00", "2024-12-24 00:00")
          == 24 * HOUR, "staffed, and open at night");

    (void) make_clock(&clock, WEEK, NULL, END);

    ok(ngx_intake_business_clock_staffed(&clock, ms("2024-12-23 09:00"))
       && !ngx_intake_business_clock_staffed(&clock, ms("2024-12-22 09:00")),
       "without staffed hours it is the hours");

    ok(make_clock(&clock, "staffed sat 09:00-18:00; closed 1970-01-01.."
                          "2060-01-01 09:00-18:00", NULL, END) == NGX_OK
       && !ngx_intake_business_clock_staffed(&clock,
                                             ms("2024-12-21 12:00")),
       "never staffed");
}


static void
test_refused(void)
{
    ngx_int_t                     rc;
    ngx_uint_t                    left, n;
    ngx_intake_memory_t           memory;
    ngx_intake_calendar_t         calendar;
    ngx_intake_business_clock_t   clock;

    ok(make_clock(&clock, "closed 1970-01-01..2060-01-01", NULL, END)
       == NGX_DECLINED, "never open");
    ok(make_clock(&clock, "hours sat,sun 09:00-17:00; weekend_weight 0",
                  NULL, END)
       == NGX_DECLINED, "open only where nothing counts");
    ok(make_clock(&clock, "", NULL, 0) == NGX_ERROR
       && make_clock(&clock, "", NULL, -1) == NGX_ERROR
       && make_clock(&clock, "", NULL, INT64_MAX) == NGX_ERROR
       && make_clock(&clock, "", NULL, 253402300800000LL) == NGX_ERROR,
       "bad ends");
    ok(make_clock(&clock, "", NULL, 1) == NGX_OK && clock.end == 24 * HOUR,
       "an end is that of a day");

    memory.alloc = allocate;
    memory.data = &left;
    rc = NGX_ERROR;

    for (n = 0; rc == NGX_ERROR && n < 10; n++) {
        (void) configure(&calendar, WEEK "; staffed mon 09:00-10:00");

        left = n;
        rc = ngx_intake_business_clock_init(&clock, &calendar, NULL, END,
                                            &memory);
    }

    ok(rc == NGX_OK && n == 5, "four pieces of memory, or none");
}


static void
test_fingerprint(void)
{
    int64_t                       now;
    uint64_t                      print;
    ngx_uint_t                    i;
    ngx_intake_business_clock_t   clock;

    static struct {
        const char  *calendar;
        const char  *end;
        ngx_uint_t   same;
    } cases[] = {
        { WEEK, "2060-01-01 00:00", 1 },
        { WEEK, "2024-12-24 00:00", 1 },
        { "hours mon,tue 09:00-17:00; hours wed-fri 09:00-10:00;"
          " hours wed-fri 10:00-17:00", "2060-01-01 00:00", 1 },
        { WEEK "; closed 2024-12-24", "2060-01-01 00:00", 1 },
        { WEEK "; closed 2024-12-23 12:00-13:00", "2060-01-01 00:00", 1 },
        { WEEK "; closed 2024-12-22", "2060-01-01 00:00", 1 },
        { WEEK "; closed 2024-12-23 11:59-12:00", "2060-01-01 00:00", 0 },
        { WEEK "; closed 1970-01-01 16:59-17:00", "2060-01-01 00:00", 0 },
        { WEEK "; open 1970-01-03 09:00-09:01", "2060-01-01 00:00", 0 },
        { WEEK "; open 1970-01-03 09:00-09:01; weekend_weight 0.5",
          "2060-01-01 00:00", 0 },
        { WEEK "; weekend_weight 0.5", "2060-01-01 00:00", 1 },
        { WEEK "; staffed mon 09:00-10:00", "2060-01-01 00:00", 1 },
        { "", "2060-01-01 00:00", 0 }
    };

    now = ms("2024-12-23 12:00");

    (void) make_clock(&clock, WEEK, NULL, END);
    print = ngx_intake_business_clock_fingerprint(&clock, now);

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        (void) make_clock(&clock, cases[i].calendar, NULL, ms(cases[i].end));

        ok((ngx_intake_business_clock_fingerprint(&clock, now) == print)
           == cases[i].same, "\"%s\" is %s up to now", cases[i].calendar,
           cases[i].same ? "the same" : "another");
    }

    /* nothing is known of other machines but that they have the same */

    ok(print == 0x465633e738393932ULL, "the fingerprint");
    ok(ngx_intake_business_clock_fingerprint(&clock, now + 1) != print
       && ngx_intake_business_clock_fingerprint(&clock, 0) == 0
       && ngx_intake_business_clock_fingerprint(&clock, INT64_MIN) == 0,
       "of other times");
}


/* random calendars against a walk along the wall, and the inverses */

static const char *
random_calendar(void)
{
    char         *p;
    ngx_uint_t    i, hour, next;
    static char   text[1024];

    static const char  *days[] = {
        "mon-fri", "sat,sun", "mon-sun", "tue", "sat-wed"
    };

    p = text;

    for (hour = pick(10); hour < 22; hour = next + pick(4)) {
        next = hour + 1 + pick(9);

        p += sprintf(p, "hours %s %02lu:%02lu-%02lu:00; ",
                     days[(text == p) ? pick(5) : 2], (unsigned long) hour,
                     (unsigned long) pick(60),
                     (unsigned long) (next < 24 ? next : 0));
    }

    for (i = pick(4); i; i--) {
        p += sprintf(p, "closed 2024-%02lu-%02lu..2024-12-%02lu "
                     "%02lu:30-%02lu:15; ", (unsigned long) pick(3) + 10,
                     (unsigned long) pick(19) + 10,
                     (unsigned long) pick(3) + 29, (unsigned long) pick(24),
                     (unsigned long) pick(24));
    }

    for (i = pick(3); i; i--) {
        p += sprintf(p, "open 2024-1%lu-0%lu %02lu:00-%02lu:30; ",
                     (unsigned long) i, (unsigned long) pick(8) + 1,
                     (unsigned long) pick(24), (unsigned long) pick(24));
    }

    sprintf(p, "weekend_weight 0.%lu", (unsigned long) pick(1000));

    return text;
}


/* the weight of a second */

static int64_t
weight_at(ngx_intake_calendar_t *calendar, ngx_intake_tzif_t *zone,
    int64_t sec)
{
    ngx_uint_t               minute, weekday;
    ngx_intake_day_t         day;
    ngx_intake_tz_stretch_t  stretch;

    ngx_intake_tzif_find(zone, sec, &stretch);
    sec += stretch.offset;

    ngx_intake_calendar_day(calendar, 0, ngx_intake_date_of(sec), &day);

    minute = sec % 86400 / 60;
    weekday = ngx_intake_date_weekday(ngx_intake_date_of(sec));

    if (!(day.minutes[minute / 64] >> (minute % 64) & 1)) {
        return 0;
    }

    return (weekday == 0 || weekday == 6) ? calendar->weekend_weight : 1000;
}


static ngx_uint_t
check_inverses(ngx_intake_business_clock_t *clock, int64_t value)
{
    int64_t  last, first;

    last = due(clock, value);
    first = exhausted(clock, value);

    return last < 0 || first < 0
           || ngx_intake_business_clock_read(clock, last) > value
           || ngx_intake_business_clock_read(clock, last + 1001) <= value
           || change(clock, last, 1) == REFUSED
           || ngx_intake_business_clock_read(clock, first) < value
           || ngx_intake_business_clock_read(clock, first - 1) >= value;
}


static void
test_random(void)
{
    int64_t                       sec, expected, weight, start;
    ngx_uint_t                    i, n, wrong;
    const char                   *text;
    ngx_intake_tzif_t             zone;
    ngx_intake_memory_t           memory = { allocate, NULL };
    ngx_intake_calendar_t         calendar;
    ngx_intake_business_clock_t   clock;

    for (i = 0; i < 60; i++) {
        text = random_calendar();

        if (read_zone(i % 2 ? "Europe/Berlin" : "America/St_Johns", &zone)
            != NGX_OK)
        {
            ok(1, "random calendars # SKIP no zones");
            return;
        }

        if (configure(&calendar, text) != NGX_OK
            || ngx_intake_business_clock_init(&clock, &calendar, &zone,
                                              ms("2025-06-01 00:00"),
                                              &memory)
               != NGX_OK)
        {
            continue;
        }

        /* two weeks, some of them with a change of the clock on the wall */

        start = ms("2024-10-20 00:00") / 1000 + (int64_t) pick(80) * 86400;
        expected = ngx_intake_business_clock_read(&clock, start * 1000);
        expected *= 1000;
        wrong = 0;

        for (sec = start; sec < start + 14 * 86400; sec += 60) {
            weight = weight_at(&calendar, &zone, sec);

            wrong += ngx_intake_business_clock_read(&clock, sec * 1000)
                     != expected / 1000
                     || (change(&clock, sec * 1000, weight != 0) == REFUSED);

            expected += 60000 * weight;
        }

        for (n = 0; n < 200; n++) {
            wrong += check_inverses(&clock, 1 + pick(expected / 1000));
            wrong += check_inverses(&clock,
                      1 + clock.hours.periods[pick(clock.hours.nperiods / 2)]
                          .reading);
        }

        ok(wrong == 0, "%s", text);
        release();
    }
}


static int
answer(const char *zone, const char *calendar)
{
    int64_t                       value, at;
    long long                     time;
    ngx_int_t                     rc;
    ngx_uint_t                    open;
    ngx_intake_business_clock_t   clock;

    rc = make_clock(&clock, calendar, zone, ms("2071-01-01 00:00"));

    if (rc != NGX_OK) {
        printf("error %ld\n", (long) rc);
        release();
        return 1;
    }

    while (scanf("%lld", &time) == 1) {
        value = ngx_intake_business_clock_read(&clock, time);
        open = ngx_intake_business_clock_open(&clock, time, &at);

        printf("%lld %lld %lld %lu %lld %lu\n", (long long) value,
               (long long) due(&clock, value),
               (long long) exhausted(&clock, value), (unsigned long) open,
               (long long) at,
               (unsigned long) ngx_intake_business_clock_staffed(&clock,
                                                                 time));
    }

    release();

    return 0;
}


int
main(int argc, char **argv)
{
    if (argc > 2) {
        return answer(argv[1], argv[2]);
    }

    test_always();
    test_week();
    test_weight();
    test_zones();
    test_staffed();
    test_refused();
    test_fingerprint();
    test_random();

    release();

    return done();
}
