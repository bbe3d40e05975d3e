/* sources: src/verify/ngx_intake_time.c src/verify/ngx_intake_uuid.c */

/*
 * Copyright (C) nginx-intake contributors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_intake_time.h"
#include "ngx_intake_uuid.h"
#include "bytes.h"
#include "tap.h"


#define S          NGX_INTAKE_TIME_S
#define MS         NGX_INTAKE_TIME_MS
#define RFC3339    NGX_INTAKE_TIME_RFC3339
#define SNOWFLAKE  NGX_INTAKE_TIME_SNOWFLAKE

#define REFUSED    -1LL


typedef struct {
    ngx_intake_time_unit_e   unit;
    const char              *text;
    int64_t                  usec;
} parse_case_t;


static parse_case_t  parse_cases[] = {

    { S, "0", 0 },
    { S, "1531420618", 1531420618000000 },
    { S, "1531420618.123", 1531420618123000 },
    { S, "1531420618.000200", 1531420618000200 },
    { S, "1531420618.1234567", 1531420618123456 },
    { S, "1531420618.999999999", 1531420618999999 },
    { S, "253402300799", 253402300799000000 },
    { S, "253402300799.999999", NGX_INTAKE_TIME_MAX },
    { S, "253402300800", REFUSED },
    { S, "1531420618.1234567890", REFUSED },
    { S, "1531420618.", REFUSED },
    { S, "1531420618.1.2", REFUSED },
    { S, "1531420618.1x", REFUSED },
    { S, ".5", REFUSED },
    { S, ".", REFUSED },
    { S, "", REFUSED },
    { S, "-1", REFUSED },
    { S, "+1531420618", REFUSED },
    { S, " 1531420618", REFUSED },
    { S, "1531420618 ", REFUSED },
    { S, "1531420618\n", REFUSED },
    { S, "1,531,420,618", REFUSED },
    { S, "1.531420618e9", REFUSED },
    { S, "0x5b47988a", REFUSED },
    { S, "nan", REFUSED },
    { S, "123456789012345678901234567890", REFUSED },
    { S, "18446744073709551616", REFUSED },
    { S, "9223372036854775807", REFUSED },
    { S, "000000000000000000000000000001", REFUSED },

    { MS, "0", 0 },
    { MS, "1531420618123", 1531420618123000 },
    { MS, "1531420618123.4567", 1531420618123456 },
    { MS, "253402300799999", 253402300799999000 },
    { MS, "253402300800000", REFUSED },
    { MS, "123456789012345678901234567890", REFUSED },
    { MS, "-5", REFUSED },
    { MS, "", REFUSED },

    { RFC3339, "1970-01-01T00:00:00Z", 0 },
    { RFC3339, "2018-07-12T18:36:58Z", 1531420618000000 },
    { RFC3339, "2018-07-12t18:36:58z", 1531420618000000 },
    { RFC3339, "2018-07-12 18:36:58Z", 1531420618000000 },
    { RFC3339, "2018-07-12T18:36:58+00:00", 1531420618000000 },
    { RFC3339, "2018-07-12T18:36:58-00:00", 1531420618000000 },
    { RFC3339, "2018-07-12T18:36:58+0000", 1531420618000000 },
    { RFC3339, "2018-07-12T20:36:58+02:00", 1531420618000000 },
    { RFC3339, "2018-07-12T14:36:58-0400", 1531420618000000 },
    { RFC3339, "2018-07-13T00:06:58.25+05:30", 1531420618250000 },
    { RFC3339, "2018-07-12T18:36:58.1Z", 1531420618100000 },
    { RFC3339, "2018-07-12T18:36:58.000001Z", 1531420618000001 },

    /* Twitch sends nanoseconds, .NET seven digits */
    { RFC3339, "2019-11-16T10:11:12.634234626Z", 1573899072634234 },
    { RFC3339, "2019-11-16T10:11:12.9999999Z", 1573899072999999 },
    { RFC3339, "2019-11-16T10:11:12.6342346261Z", REFUSED },

    /* RFC 3339, section 5.8 */
    { RFC3339, "1985-04-12T23:20:50.52Z", 482196050520000 },
    { RFC3339, "1996-12-19T16:39:57-08:00", 851042397000000 },
    { RFC3339, "1990-12-31T23:59:60Z", 662687999999999 },
    { RFC3339, "1990-12-31T15:59:60-08:00", 662687999999999 },
    { RFC3339, "1937-01-01T12:00:27.87+00:20", REFUSED },

    { RFC3339, "2016-12-31T23:59:60.5Z", 1483228799999999 },
    { RFC3339, "2016-12-31T23:58:60Z", REFUSED },
    { RFC3339, "2016-12-31T23:59:60-08:00", REFUSED },
    { RFC3339, "2016-12-31T23:59:61Z", REFUSED },

    { RFC3339, "9999-12-31T23:59:59.999999Z", NGX_INTAKE_TIME_MAX },
    { RFC3339, "9999-12-31T23:59:60Z", NGX_INTAKE_TIME_MAX },
    { RFC3339, "9999-12-31T23:59:59-00:01", REFUSED },
    { RFC3339, "1969-12-31T23:59:59Z", REFUSED },
    { RFC3339, "1969-12-31T23:59:60Z", REFUSED },
    { RFC3339, "1969-12-31T23:30:00-01:00", 1800000000 },
    { RFC3339, "1970-01-01T00:30:00+01:00", REFUSED },
    { RFC3339, "0000-01-01T00:00:00Z", REFUSED },

    { RFC3339, "2024-02-29T00:00:00Z", 1709164800000000 },
    { RFC3339, "2000-02-29T00:00:00Z", 951782400000000 },
    { RFC3339, "2023-02-29T00:00:00Z", REFUSED },
    { RFC3339, "2100-02-29T00:00:00Z", REFUSED },
    { RFC3339, "2024-02-30T00:00:00Z", REFUSED },
    { RFC3339, "2024-04-31T00:00:00Z", REFUSED },
    { RFC3339, "2024-00-10T00:00:00Z", REFUSED },
    { RFC3339, "2024-13-10T00:00:00Z", REFUSED },
    { RFC3339, "2024-01-00T00:00:00Z", REFUSED },
    { RFC3339, "2024-01-32T00:00:00Z", REFUSED },
    { RFC3339, "2024-01-01T24:00:00Z", REFUSED },
    { RFC3339, "2024-01-01T00:60:00Z", REFUSED },

    { RFC3339, "2018-07-12T18:36:58", REFUSED },
    { RFC3339, "2018-07-12T18:36:58.5", REFUSED },
    { RFC3339, "2018-07-12T18:36:58.Z", REFUSED },
    { RFC3339, "2018-07-12T18:36:58,5Z", REFUSED },
    { RFC3339, "2018-07-12T18:36Z", REFUSED },
    { RFC3339, "2018-07-12", REFUSED },
    { RFC3339, "2018-07-12_18:36:58Z", REFUSED },
    { RFC3339, "2018/07/12T18:36:58Z", REFUSED },
    { RFC3339, "2018-07/12T18:36:58Z", REFUSED },
    { RFC3339, "2018-07-12T18.36:58Z", REFUSED },
    { RFC3339, "2018-07-12T18:36.58Z", REFUSED },
    { RFC3339, "20180712T183658Z0000", REFUSED },
    { RFC3339, "2018-07-12T18:36:58ZZ", REFUSED },
    { RFC3339, "2018-07-12T18:36:58Z ", REFUSED },
    { RFC3339, " 2018-07-12T18:36:58Z", REFUSED },
    { RFC3339, "2018-07-12T18:36:58 Z", REFUSED },
    { RFC3339, "2018-07-12T18:36:58+02", REFUSED },
    { RFC3339, "2018-07-12T18:36:58+2:00", REFUSED },
    { RFC3339, "2018-07-12T18:36:58+02:0", REFUSED },
    { RFC3339, "2018-07-12T18:36:58+02-00", REFUSED },
    { RFC3339, "2018-07-12T18:36:58*02:00", REFUSED },
    { RFC3339, "2018-07-12T18:36:58+24:00", REFUSED },
    { RFC3339, "2018-07-12T18:36:58+02:60", REFUSED },
    { RFC3339, "2018-07-12T18:36:58+02:00x", REFUSED },
    { RFC3339, "2018-07-12T18:36:58.5+", REFUSED },
    { RFC3339, "2018-07-12T18:36:-8Z", REFUSED },
    { RFC3339, "+018-07-12T18:36:58Z", REFUSED },
    { RFC3339, "2018-07-12T18:36: 8Z", REFUSED },
    { RFC3339, "12018-07-12T18:36:58Z", REFUSED },
    { RFC3339, "1531420618", REFUSED },
    { RFC3339, "123456789012345678901234567890", REFUSED },
    { RFC3339, "", REFUSED },

    /* the example of Discord's reference, and its range */
    { SNOWFLAKE, "175928847299117063", 1462015105796000 },
    { SNOWFLAKE, "0", 1420070400000000 },
    { SNOWFLAKE, "18446744073709551615", 5818116911103000 },
    { SNOWFLAKE, "18446744073709551616", REFUSED },
    { SNOWFLAKE, "99999999999999999999", REFUSED },
    { SNOWFLAKE, "123456789012345678901234567890", REFUSED },
    { SNOWFLAKE, "-1", REFUSED },
    { SNOWFLAKE, "1.5", REFUSED },
    { SNOWFLAKE, "", REFUSED }
};


static void
test_parse(void)
{
    int64_t        usec;
    ngx_int_t      rc;
    ngx_str_t      src;
    ngx_uint_t     i;
    parse_case_t  *c;

    for (i = 0; i < sizeof(parse_cases) / sizeof(parse_cases[0]); i++) {
        c = &parse_cases[i];

        src = copy_string(c->text, strlen(c->text));
        usec = REFUSED;

        rc = ngx_intake_time_parse(c->unit, &src, &usec);

        ok(usec == c->usec && rc == (usec == REFUSED ? NGX_ERROR : NGX_OK),
           "unit %u \"%s\" is %lld", c->unit,
           (c->text[0] && c->text[src.len - 1] == '\n') ? "..." : c->text,
           (long long) c->usec);

        free(src.data);
    }

    ngx_str_null(&src);
    usec = REFUSED;

    ok(ngx_intake_time_parse(S, &src, &usec) == NGX_ERROR
       && ngx_intake_time_parse(RFC3339, &src, &usec) == NGX_ERROR
       && usec == REFUSED, "a null string is no time");
}


static void
test_format(void)
{
    u_char      dst[NGX_INTAKE_TIME_LEN + 1], *end;
    ngx_uint_t  i;

    static struct {
        int64_t      usec;
        const char  *text;
    } cases[] = {
        { 0, "1970-01-01T00:00:00.000000Z" },
        { 1, "1970-01-01T00:00:00.000001Z" },
        { 951782399999999, "2000-02-28T23:59:59.999999Z" },
        { 951782400000000, "2000-02-29T00:00:00.000000Z" },
        { 951868800000000, "2000-03-01T00:00:00.000000Z" },
        { 978307199999999, "2000-12-31T23:59:59.999999Z" },
        { 978307200000000, "2001-01-01T00:00:00.000000Z" },
        { 1795293000123456, "2026-11-21T20:30:00.123456Z" },
        { 4107542399000000, "2100-02-28T23:59:59.000000Z" },
        { 4107542400000000, "2100-03-01T00:00:00.000000Z" },
        { NGX_INTAKE_TIME_MAX, "9999-12-31T23:59:59.999999Z" },
        { NGX_INTAKE_TIME_MAX + 1, "9999-12-31T23:59:59.999999Z" },
        { INT64_MAX, "9999-12-31T23:59:59.999999Z" },
        { -1, "1970-01-01T00:00:00.000000Z" },
        { INT64_MIN, "1970-01-01T00:00:00.000000Z" }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        memset(dst, '#', sizeof(dst));
        end = ngx_intake_time_format(dst, cases[i].usec);

        ok(end == dst + NGX_INTAKE_TIME_LEN && *end == '#'
           && memcmp(dst, cases[i].text, NGX_INTAKE_TIME_LEN) == 0,
           "%lld is %s", (long long) cases[i].usec, cases[i].text);
    }
}


/* every day from 1970 to 2200 at a changing time, and the first of months */

static ngx_uint_t
same_as_gmtime(time_t sec)
{
    char        text[64];
    u_char      dst[NGX_INTAKE_TIME_LEN];
    int64_t     usec, parsed;
    struct tm   tm;
    ngx_str_t   src;
    ngx_uint_t  us;

    us = (ngx_uint_t) sec * 7919 % 1000000;
    usec = (int64_t) sec * 1000000 + us;

    gmtime_r(&sec, &tm);

    snprintf(text, sizeof(text), "%04d-%02d-%02dT%02d:%02d:%02d.%06luZ",
             tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour,
             tm.tm_min, tm.tm_sec, (unsigned long) us);

    ngx_intake_time_format(dst, usec);

    src.len = sizeof(dst);
    src.data = (u_char *) text;

    return memcmp(dst, text, sizeof(dst)) == 0
           && ngx_intake_time_parse(RFC3339, &src, &parsed) == NGX_OK
           && parsed == usec;
}


static void
test_days(void)
{
    time_t  sec;
    time_t  last = 7289654400;          /* 2201-01-01 */
    time_t  end = 253402300800;         /* 10000-01-01 */

    for (sec = 0; sec < last; sec += 86400 + 61) {
        if (!same_as_gmtime(sec)) {
            break;
        }
    }

    ok(sec >= last, "all times of the day from 1970 to 2200 (%lld)",
       (long long) sec);

    for (sec = 0; sec < last; sec += 86400) {
        if (!same_as_gmtime(sec) || !same_as_gmtime(sec + 86399)) {
            break;
        }
    }

    ok(sec == last, "first and last second of every day from 1970 to 2200"
       " (%lld)", (long long) sec);

    for (sec = 0; sec < end; sec += 864000) {
        if (!same_as_gmtime(sec)) {
            break;
        }
    }

    ok(sec >= end, "every tenth day to the end of 9999 (%lld)",
       (long long) sec);
}


/* month lengths: just what the calendar has is taken */

static void
test_dates(void)
{
    int         year, month, day, length, leap;
    char        text[32];
    int64_t     usec;
    ngx_int_t   rc;
    ngx_str_t   src;
    ngx_uint_t  wrong;

    static int  lengths[] = {
        31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31
    };

    wrong = 0;

    for (year = 1970; year <= 2400; year++) {
        leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

        for (month = 1; month <= 12; month++) {
            length = lengths[month - 1] + (month == 2 && leap);

            for (day = 0; day <= 33; day++) {
                src.len = snprintf(text, sizeof(text),
                                   "%04d-%02d-%02dT00:00:00Z", year, month,
                                   day);
                src.data = (u_char *) text;
                rc = ngx_intake_time_parse(RFC3339, &src, &usec);

                if ((rc == NGX_OK) != (day >= 1 && day <= length)) {
                    wrong++;
                }
            }
        }
    }

    ok(wrong == 0, "the lengths of all months from 1970 to 2400");
}


static void
test_uuid(void)
{
    u_char      dst[NGX_INTAKE_UUID_LEN + 1], *end;
    u_char      ones[NGX_INTAKE_UUID_RANDOM], zeros[NGX_INTAKE_UUID_RANDOM];

    /* RFC 9562, appendix A.6, with the version and variant bits wrong */

    static u_char  random[NGX_INTAKE_UUID_RANDOM] = {
        0xfc, 0xc3, 0xd8, 0xc4, 0xdc, 0x0c, 0x0c, 0x07, 0x39, 0x8f
    };

    memset(ones, 0xff, sizeof(ones));
    memset(zeros, 0, sizeof(zeros));

    memset(dst, '#', sizeof(dst));
    end = ngx_intake_uuid_v7(dst, 1645557742000999, random);

    ok(end == dst + NGX_INTAKE_UUID_LEN && *end == '#'
       && memcmp(dst, "017f22e2-79b0-7cc3-98c4-dc0c0c07398f",
                 NGX_INTAKE_UUID_LEN) == 0, "the UUID of RFC 9562, A.6");

    ngx_intake_uuid_v7(dst, 0, zeros);
    ok(memcmp(dst, "00000000-0000-7000-8000-000000000000",
              NGX_INTAKE_UUID_LEN) == 0, "the least UUID");

    ngx_intake_uuid_v7(dst, NGX_INTAKE_TIME_MAX, ones);
    ok(memcmp(dst, "e677d21f-dbff-7fff-bfff-ffffffffffff",
              NGX_INTAKE_UUID_LEN) == 0, "the greatest UUID");
}


int
main(void)
{
    test_parse();
    test_format();
    test_days();
    test_dates();
    test_uuid();

    return done();
}
