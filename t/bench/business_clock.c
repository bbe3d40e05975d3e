/* sources: src/sla/ngx_intake_business_clock.c src/sla/ngx_intake_calendar.c */
/* sources: src/sla/ngx_intake_date.c src/sla/ngx_intake_tz.c */
/* sources: src/sla/ngx_intake_tzif.c */

/*
 * Copyright (C) nginx-intake contributors
 */


/*
 * What a reading of the business clock costs, and both inverses: at times of
 * the last thirty days, one after the other, and anywhere since 1970.
 */


#include "../unit/sla_test.h"


#define ROUNDS  10000000
#define NOW     ms("2026-01-01 00:00")
#define MONTH   (30 * 86400000LL)


static volatile int64_t  sum;


static double
now(void)
{
    struct timespec  ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);

    return ts.tv_sec * 1e9 + ts.tv_nsec;
}


static void
measure(const char *name, ngx_intake_business_clock_t *clock, int64_t from,
    int64_t length)
{
    double      start, read, due, exhausted;
    int64_t     time;
    uint64_t    n;
    ngx_uint_t  i;

    start = now();

    for (i = 0, n = 1; i < ROUNDS; i++) {
        n = n * 6364136223846793005ULL + 1442695040888963407ULL;
        time = from + (int64_t) ((n >> 24) % (uint64_t) length);
        sum += ngx_intake_business_clock_read(clock, time);
    }

    read = now() - start;

    from = ngx_intake_business_clock_read(clock, from);
    length = ngx_intake_business_clock_read(clock, NOW) - from;
    start = now();

    for (i = 0, n = 1; i < ROUNDS; i++) {
        n = n * 6364136223846793005ULL + 1442695040888963407ULL;
        time = from + (int64_t) ((n >> 24) % (uint64_t) length);
        (void) ngx_intake_business_clock_due(clock, time, &time);
        sum += time;
    }

    due = now() - start;
    start = now();

    for (i = 0, n = 1; i < ROUNDS; i++) {
        n = n * 6364136223846793005ULL + 1442695040888963407ULL;
        time = from + (int64_t) ((n >> 24) % (uint64_t) length);
        (void) ngx_intake_business_clock_exhausted(clock, time, &time);
        sum += time;
    }

    exhausted = now() - start;

    printf("%s: reading %.1f ns, due %.1f ns, exhausted %.1f ns\n", name,
           read / ROUNDS, due / ROUNDS, exhausted / ROUNDS);
}


int
main(void)
{
    double                        start;
    ngx_int_t                     rc;
    ngx_intake_business_clock_t   clock;

    start = now();

    rc = make_clock(&clock, "hours mon-fri 09:00-12:00 13:00-17:00;"
                            " closed 2025-12-24..2025-12-26;"
                            " staffed mon-fri 09:00-12:00",
                    "America/New_York", NOW + 3653 * 86400000LL);

    if (rc != NGX_OK) {
        return 1;
    }

    printf("%lu periods, %lu bytes, made in %.2f ms\n",
           (unsigned long) clock.hours.nperiods,
           (unsigned long) (clock.hours.nperiods
                            * sizeof(ngx_intake_period_t)
                            + clock.end / 86400000 * sizeof(uint32_t)),
           (now() - start) / 1e6);

    start = now();
    sum += ngx_intake_business_clock_fingerprint(&clock, NOW);
    printf("the fingerprint in %.2f ms\n", (now() - start) / 1e6);

    measure("last month", &clock, NOW - MONTH, MONTH);
    measure("since 1970", &clock, 0, NOW);

    release();

    return 0;
}
