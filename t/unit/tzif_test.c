/* sources: src/sla/ngx_intake_business_clock.c src/sla/ngx_intake_calendar.c */
/* sources: src/sla/ngx_intake_date.c src/sla/ngx_intake_tz.c */
/* sources: src/sla/ngx_intake_tzif.c */

/*
 * Copyright (C) nginx-intake contributors
 */


/*
 * Time zones: the rules of POSIX and the files of RFC 9636.  With the name of
 * a file it answers each number of seconds on standard input with the offset
 * and, if that is different one second earlier, "change"; t/oracle/zones.py
 * compares these.
 */


#include "sla_test.h"


/* what stands in a file, in front of its last line */

typedef struct {
    int64_t          times[8];
    u_char           indexes[8];
    ngx_uint_t       ntimes;
    int32_t          offsets[4];
    ngx_uint_t       ntypes;
    ngx_uint_t       leap;
} table_t;


/* Berlin in 2024 and 2025, behind its local mean time */

static table_t  berlin = {
    { -2422054408LL, 1711846800, 1729990800, 1743296400, 1761440400 },
    { 1, 2, 1, 2, 1 }, 5,
    { 3208, 3600, 7200 }, 3, 0
};


static u_char *
number(u_char *p, int64_t value, ngx_uint_t width)
{
    while (width--) {
        *p++ = (u_char) (value >> (width * 8));
    }

    return p;
}


static u_char *
block(u_char *p, u_char version, table_t *table, ngx_uint_t width)
{
    ngx_uint_t  i;

    memcpy(p, "TZif", 4);
    p[4] = version;
    memset(p + 5, 0, 15);

    p = number(p + 20, 0, 4);
    p = number(p, 0, 4);
    p = number(p, table->leap, 4);
    p = number(p, table->ntimes, 4);
    p = number(p, table->ntypes, 4);
    p = number(p, 4, 4);

    for (i = 0; i < table->ntimes; i++) {
        p = number(p, table->times[i], width);
    }

    for (i = 0; i < table->ntimes; i++) {
        *p++ = table->indexes[i];
    }

    for (i = 0; i < table->ntypes; i++) {
        p = number(p, table->offsets[i], 4);
        *p++ = 0;
        *p++ = 0;
    }

    memcpy(p, "LMT", 4);
    p += 4;

    for (i = 0; i < table->leap; i++) {
        p = number(p, 78796800 + i, width);
        p = number(p, 1 + i, 4);
    }

    return p;
}


/* a file of a version; line is NULL where it has no last line */

static ngx_str_t
make_file(u_char version, table_t *table, const char *line)
{
    u_char          bytes[2048], *p;
    static table_t  empty = { { 0 }, { 0 }, 0, { 0 }, 1, 0 };

    if (version == 0) {
        p = block(bytes, version, table, 4);

    } else {
        p = block(bytes, version, table->leap ? table : &empty, 4);
        p = block(p, version, table, 8);
    }

    if (line) {
        p += sprintf((char *) p, "\n%s\n", line);
    }

    return copy((char *) bytes, p - bytes);
}


static ngx_int_t
offset_at(ngx_intake_tzif_t *zone, int64_t sec)
{
    ngx_intake_tz_stretch_t  stretch;

    ngx_intake_tzif_find(zone, sec, &stretch);

    if (sec < stretch.begin || sec >= stretch.end) {
        return NGX_ERROR;
    }

    return stretch.offset;
}


/* strings: the two changes of 2040 and those of 2041, as other readers say */

static struct {
    const char  *text;
    int64_t      times[4];
    ngx_int_t    offsets[2];
} rules[] = {
    { "CET-1CEST,M3.5.0,M10.5.0/3",
      { 2216250000, 2234998800, 2248304400, 2266448400 }, { 7200, 3600 } },
    { "EST5EDT,M3.2.0,M11.1.0",
      { 2215062000, 2235621600, 2246511600, 2267071200 },
      { -14400, -18000 } },

    /* quoted names, times before midnight and after the next one */
    { "<-02>2<-01>,M3.5.0/-1,M10.5.0/0",
      { 2216250000, 2234998800, 2248304400, 2266448400 }, { -3600, -7200 } },
    { "IST-2IDT,M3.4.4/26,M10.5.0",
      { 2216073600, 2234991600, 2248128000, 2266441200 }, { 10800, 7200 } },
    { "EET-2EEST,M3.5.0/-167,M10.5.0/167",
      { 2215638000, 2235585600, 2247692400, 2267035200 }, { 10800, 7200 } },

    /* Dublin, whose winter is the exception; the other half of the Earth */
    { "IST-1GMT0,M10.5.0,M3.5.0/1",
      { 2216250000, 2234998800, 2248304400, 2266448400 }, { 3600, 0 } },
    { "AEST-10AEDT,M10.1.0,M4.1.0/3",
      { 2216822400, 2233152000, 2248876800, 2264601600 }, { 36000, 39600 } },

    /* half an hour, and three quarters */
    { "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0",
      { 2216818800, 2233150200, 2248873200, 2264599800 }, { 37800, 39600 } },
    { "<+1245>-12:45<+1345>,M9.5.0/2:45,M4.1.0/3:45",
      { 2216815200, 2232540000, 2248869600, 2263989600 }, { 45900, 49500 } },

    /* days of the year, where 2040 is a leap year */
    { "EET-2EEST,J60/0,J300/24",
      { 2214165600, 2234984400, 2245701600, 2266520400 }, { 10800, 7200 } },
    { "EET-2EEST,59/0,299/24",
      { 2214079200, 2234898000, 2245701600, 2266520400 }, { 10800, 7200 } },
    { "STD0DST,M2.5.1,M12.5.6",
      { 2213920800, 2240355600, 2245370400, 2271805200 }, { 3600, 0 } }
};


static void
test_rules(void)
{
    int64_t             time;
    ngx_int_t           before, after;
    ngx_str_t           file;
    ngx_uint_t          i, n, good;
    table_t             table = { { 0 }, { 0 }, 0, { 0 }, 1, 0 };
    ngx_intake_tzif_t   zone;

    for (i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        file = make_file('3', &table, rules[i].text);
        good = ngx_intake_tzif_read(&zone, &file) == NGX_OK;

        for (n = 0; n < 4 && good; n++) {
            time = rules[i].times[n];
            before = rules[i].offsets[1 - n % 2];
            after = rules[i].offsets[n % 2];

            good = offset_at(&zone, time - 1) == before
                   && offset_at(&zone, time) == after
                   && offset_at(&zone, time + 1) == after
                   && (n == 0
                       || offset_at(&zone, rules[i].times[n - 1]) == before);
        }

        ok(good, "%s", rules[i].text);
    }
}


/* strings without a change: the offset, or NGX_ERROR if they are none */

static struct {
    const char  *text;
    ngx_int_t    offset;
} strings[] = {
    { "UTC0", 0 },
    { "EST5", -18000 },
    { "<+03>-3", 10800 },
    { "<+0545>-05:45", 20700 },
    { "<-1130>+11:30:15", -41415 },
    { "ABC-24:59:59", 89999 },
    { "ABC24:59:59", -89999 },

    /* summer all year, as RFC 9636 writes it */
    { "AAA3EDT4,0/0,J365/23", -14400 },
    { "AAA3EDT4,J1/0,J365/23", -14400 },

    { "", NGX_ERROR },
    { "UTC", NGX_ERROR },
    { "U0", NGX_ERROR },
    { "UT0", NGX_ERROR },
    { "0", NGX_ERROR },
    { ":Europe/Berlin", NGX_ERROR },
    { "<+03-3", NGX_ERROR },
    { "<+3>-3", NGX_ERROR },
    { "+03-3", NGX_ERROR },
    { "A_C3", NGX_ERROR },
    { "UTC25", NGX_ERROR },
    { "UTC0000", NGX_ERROR },
    { "UTC1:60", NGX_ERROR },
    { "UTC1:00:60", NGX_ERROR },
    { "UTC1:", NGX_ERROR },
    { "UTC--1", NGX_ERROR },
    { "UTC0 ", NGX_ERROR },
    { "UTC0,", NGX_ERROR },
    { "EST5EDT", NGX_ERROR },
    { "EST5EDT4", NGX_ERROR },
    { "EST5EDT,M3.2.0", NGX_ERROR },
    { "EST5EDT,M3.2.0,", NGX_ERROR },
    { "EST5EDT,M3.2.0,M11.1.0,", NGX_ERROR },
    { "EST5EDT,M3.2.0,M11.1.0 ", NGX_ERROR },
    { "EST5ED,M3.2.0,M11.1.0", NGX_ERROR },
    { "EST5EDT,M0.2.0,M11.1.0", NGX_ERROR },
    { "EST5EDT,M13.2.0,M11.1.0", NGX_ERROR },
    { "EST5EDT,M3.0.0,M11.1.0", NGX_ERROR },
    { "EST5EDT,M3.6.0,M11.1.0", NGX_ERROR },
    { "EST5EDT,M3.2.7,M11.1.0", NGX_ERROR },
    { "EST5EDT,M3.2,M11.1.0", NGX_ERROR },
    { "EST5EDT,M3,M11.1.0", NGX_ERROR },
    { "EST5EDT,J0,J300", NGX_ERROR },
    { "EST5EDT,J366,J300", NGX_ERROR },
    { "EST5EDT,366,300", NGX_ERROR },
    { "EST5EDT,-1,300", NGX_ERROR },
    { "EST5EDT,M3.2.0/168,M11.1.0", NGX_ERROR },
    { "EST5EDT,M3.2.0/-168,M11.1.0", NGX_ERROR },
    { "EST5EDT,M3.2.0/,M11.1.0", NGX_ERROR },
    { "EST5EDT,M3.2.0/2:0:,M11.1.0", NGX_ERROR }
};


static void
test_strings(void)
{
    ngx_int_t         rc;
    ngx_str_t         text;
    ngx_uint_t        i, n, good;
    ngx_intake_tz_t   tz;

    static int64_t  times[] = {
        INT64_MIN, -62135596801, -1, 0, 2208988799, 2208988800, 2208999600,
        2209003200, 253402300799, 253402300800, INT64_MAX - 1
    };

    ngx_intake_tz_stretch_t  stretch;

    for (i = 0; i < sizeof(strings) / sizeof(strings[0]); i++) {
        text = copy(strings[i].text, strlen(strings[i].text));
        rc = ngx_intake_tz_parse(&text, &tz);

        if (strings[i].offset == NGX_ERROR) {
            ok(rc == NGX_ERROR, "\"%s\" is no zone", strings[i].text);
            continue;
        }

        good = rc == NGX_OK;

        for (n = 0; n < sizeof(times) / sizeof(times[0]) && good; n++) {
            ngx_intake_tz_find(&tz, times[n], &stretch);

            good = stretch.offset == strings[i].offset
                   && stretch.begin <= times[n] && times[n] < stretch.end;
        }

        ok(good, "\"%s\" is always %ld", strings[i].text,
           (long) strings[i].offset);
    }
}


/* rules whose times lead into another year, both of them */

static void
test_years(void)
{
    ngx_str_t                text;
    ngx_intake_tz_t          tz;
    ngx_intake_tz_stretch_t  stretch;

    text = copy("AAA0BBB,J365/167,J364/167", 25);

    ok(ngx_intake_tz_parse(&text, &tz) == NGX_OK, "rules of December");

    ngx_intake_tz_find(&tz, ms("2041-01-02 00:00") / 1000, &stretch);

    ok(stretch.offset == 3600
       && stretch.begin == ms("2040-01-06 23:00") / 1000
       && stretch.end == ms("2041-01-05 22:00") / 1000,
       "take effect in January");

    text = copy("AAA0BBB,J2/-167,J1/-167", 23);

    ok(ngx_intake_tz_parse(&text, &tz) == NGX_OK, "rules of January");

    ngx_intake_tz_find(&tz, ms("2040-12-28 00:00") / 1000, &stretch);

    ok(stretch.offset == 3600
       && stretch.begin == ms("2040-12-26 01:00") / 1000
       && stretch.end == ms("2041-12-25 00:00") / 1000,
       "take effect in December");
}


/* the same zone in files of all kinds */

static void
test_versions(void)
{
    ngx_str_t          file;
    ngx_uint_t         i, good;
    ngx_intake_tzif_t  zone;

    ngx_intake_tz_stretch_t  stretch;

    static struct {
        u_char       version;
        const char  *line;
        const char  *name;
        ngx_int_t    summer;               /* in 2040 */
    } files[] = {
        { 0, NULL, "version 1", 3600 },
        { '2', "", "version 2 with an empty line", 3600 },
        { '2', "CET-1CEST,M3.5.0,M10.5.0/3", "version 2", 7200 },
        { '3', "CET-1CEST,M3.5.0,M10.5.0/3", "version 3", 7200 },
        { '4', "CET-1CEST,M3.5.0,M10.5.0/3", "version 4", 7200 },
        { '5', "CET-1CEST,M3.5.0,M10.5.0/3", "a later version", 7200 }
    };

    for (i = 0; i < sizeof(files) / sizeof(files[0]); i++) {

        /* the first transition does not fit into 32 bits */

        berlin.times[0] = files[i].version ? -2422054408LL : -2147483648LL;

        file = make_file(files[i].version, &berlin, files[i].line);
        good = ngx_intake_tzif_read(&zone, &file) == NGX_OK
               && offset_at(&zone, -3000000000LL) == 3208
               && offset_at(&zone, berlin.times[0] - 1) == 3208
               && offset_at(&zone, berlin.times[0]) == 3600
               && offset_at(&zone, 1711846799) == 3600
               && offset_at(&zone, 1711846800) == 7200
               && offset_at(&zone, 1729990799) == 7200
               && offset_at(&zone, 1729990800) == 3600
               && offset_at(&zone, 1761440399) == 7200
               && offset_at(&zone, 1761440400) == 3600
               && offset_at(&zone, 2216250000 - 1) == 3600
               && offset_at(&zone, 2216250000) == files[i].summer
               && offset_at(&zone, INT64_MIN) == 3208
               && offset_at(&zone, INT64_MAX - 1) != NGX_ERROR;

        ok(good, "%s", files[i].name);
    }

    file = make_file('2', &berlin, "CET-1");
    good = ngx_intake_tzif_read(&zone, &file) == NGX_OK;
    ngx_intake_tzif_find(&zone, 2216250000, &stretch);

    ok(good && stretch.begin == 1761440400 && stretch.end == INT64_MAX
       && stretch.offset == 3600, "the last line begins with the table's end");
}


static ngx_int_t
read_with(table_t *table, const char *line)
{
    ngx_str_t          file;
    ngx_intake_tzif_t  zone;

    file = make_file('2', table, line);

    return ngx_intake_tzif_read(&zone, &file);
}


static void
test_damaged(void)
{
    size_t             len;
    table_t            table;
    ngx_int_t          rc;
    ngx_str_t          file, part;
    ngx_uint_t         wrong;
    ngx_intake_tzif_t  zone;

    file = make_file('2', &berlin, "CET-1CEST,M3.5.0,M10.5.0/3");
    wrong = 0;

    for (len = 0; len < file.len; len++) {
        part = copy((char *) file.data, len);
        wrong += ngx_intake_tzif_read(&zone, &part) != NGX_ERROR;
    }

    ok(wrong == 0, "no beginning of a file is one");

    part = copy("", 0);
    part.data = NULL;
    ok(ngx_intake_tzif_read(&zone, &part) == NGX_ERROR, "nor is nothing");

    file.data[0] = 't';
    ok(ngx_intake_tzif_read(&zone, &file) == NGX_ERROR, "another name");

    file = make_file('1', &berlin, "UTC0");
    ok(ngx_intake_tzif_read(&zone, &file) == NGX_ERROR, "version \"1\"");

    file = make_file('2', &berlin, NULL);
    ok(ngx_intake_tzif_read(&zone, &file) == NGX_ERROR, "no last line");

    ok(read_with(&berlin, "CET-1CEST") == NGX_ERROR, "a bad last line");

    table = berlin;
    table.indexes[4] = 3;
    ok(read_with(&table, "") == NGX_ERROR, "an unknown type");

    table = berlin;
    table.times[3] = table.times[2];
    ok(read_with(&table, "") == NGX_ERROR, "a transition twice");

    table = berlin;
    table.times[3] = table.times[2] - 1;
    ok(read_with(&table, "") == NGX_ERROR, "transitions in disorder");

    table = berlin;
    table.ntypes = 0;
    table.ntimes = 0;
    ok(read_with(&table, "UTC0") == NGX_ERROR, "no type");

    table = berlin;
    table.offsets[0] = 26 * 3600;
    ok(read_with(&table, "") == NGX_ERROR, "26 hours east");

    table.offsets[0] = -25 * 3600;
    ok(read_with(&table, "") == NGX_ERROR, "25 hours west");

    table.offsets[0] = -25 * 3600 + 1;
    ok(read_with(&table, "") == NGX_OK, "a second less is one");

    table = berlin;
    table.leap = 2;
    ok(read_with(&table, "") == NGX_DECLINED, "leap seconds");

    /* counts that do not go together, or do not fit */

    for (wrong = 0, len = 0; len < 6; len++) {
        file = make_file('2', &berlin, "UTC0");
        file.data[54 + 20 + len * 4] = 0x80;
        rc = ngx_intake_tzif_read(&zone, &file);

        file.data[54 + 20 + len * 4] = 0x7f;
        wrong += rc != NGX_ERROR
                 || ngx_intake_tzif_read(&zone, &file) != NGX_ERROR;
    }

    file = make_file('2', &berlin, "UTC0");
    file.data[54 + 23] = 2;
    wrong += ngx_intake_tzif_read(&zone, &file) != NGX_ERROR;
    file.data[54 + 23] = 0;
    file.data[54 + 27] = 2;
    wrong += ngx_intake_tzif_read(&zone, &file) != NGX_ERROR;

    ok(wrong == 0, "bad counts");
}


static void
test_utc(void)
{
    int64_t            first, last;
    ngx_int_t          rc;
    ngx_str_t          file;
    ngx_uint_t         i;
    ngx_intake_tzif_t  zone;

    static table_t  twice = {
        { 1000000, 1036000 }, { 1, 2 }, 2, { 0, 3600, 7200 }, 3, 0
    };

    static struct {
        const char  *local;
        const char  *first;
        const char  *last;
        ngx_int_t    rc;
    } cases[] = {
        { "2024-01-15 09:00", "2024-01-15 08:00", NULL, NGX_OK },
        { "2024-07-15 09:00", "2024-07-15 07:00", NULL, NGX_OK },

        { "2024-03-31 01:59:59", "2024-03-31 00:59:59", NULL, NGX_OK },
        { "2024-03-31 02:00", "2024-03-31 01:00", NULL, NGX_DECLINED },
        { "2024-03-31 02:59:59", "2024-03-31 01:00", NULL, NGX_DECLINED },
        { "2024-03-31 03:00", "2024-03-31 01:00", NULL, NGX_OK },

        { "2024-10-27 01:59:59", "2024-10-26 23:59:59", NULL, NGX_OK },
        { "2024-10-27 02:00", "2024-10-27 00:00", "2024-10-27 01:00",
          NGX_OK },
        { "2024-10-27 02:59:59", "2024-10-27 00:59:59",
          "2024-10-27 01:59:59", NGX_OK },
        { "2024-10-27 03:00", "2024-10-27 02:00", NULL, NGX_OK },

        { "2041-03-31 02:30", "2041-03-31 01:00", NULL, NGX_DECLINED },
        { "2041-10-27 02:30", "2041-10-27 00:30", "2041-10-27 01:30",
          NGX_OK }
    };

    file = make_file('2', &berlin, "CET-1CEST,M3.5.0,M10.5.0/3");
    (void) ngx_intake_tzif_read(&zone, &file);

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        rc = ngx_intake_tzif_utc(&zone, ms(cases[i].local) / 1000, &first,
                                 &last);

        ok(rc == cases[i].rc && first == ms(cases[i].first) / 1000
           && last == ms(cases[i].last ? cases[i].last : cases[i].first)
                      / 1000,
           "%s in Berlin", cases[i].local);
    }

    file = make_file('2', &twice, "");
    (void) ngx_intake_tzif_read(&zone, &file);
    rc = ngx_intake_tzif_utc(&zone, 1000000 + 1800, &first, &last);
    ok(rc == NGX_DECLINED && first == 1000000 && last == 1000000,
       "forward twice in a day");

    file = make_file('2', &berlin, "");
    (void) ngx_intake_tzif_read(&zone, &file);
    rc = ngx_intake_tzif_utc(&zone, -62135596800LL, &first, &last);
    ok(rc == NGX_OK && first == -62135596800LL - 3208 && last == first,
       "the year 1");
}


/* the stretches of a zone of the system follow each other */

static void
test_system(void)
{
    int64_t                  sec;
    ngx_uint_t               n, changes;
    ngx_intake_tzif_t        zone;
    ngx_intake_tz_stretch_t  stretch, last;

    if (read_zone("Europe/Berlin", &zone) != NGX_OK) {
        ok(1, "the system's Berlin # SKIP there is none");
        return;
    }

    changes = 0;
    last.end = INT64_MIN;
    last.offset = 0;

    for (n = 0, sec = INT64_MIN; sec != INT64_MAX; n++, sec = stretch.end) {
        ngx_intake_tzif_find(&zone, sec, &stretch);

        if (stretch.begin != last.end || stretch.end <= stretch.begin) {
            break;
        }

        changes += stretch.begin > 2500000000LL
                   && stretch.begin < 253370764800LL
                   && stretch.offset != last.offset;
        last = stretch;
    }

    ok(sec == INT64_MAX, "the system's Berlin, from one end to the other");
    ok(changes == 2 * (9999 - 2049), "two changes a year from 2049 to 9998");
}


static int
answer(const char *path)
{
    long long          sec;
    ngx_str_t          content;
    ngx_int_t          rc;
    ngx_intake_tzif_t  zone;

    if (read_file(path, &content) != NGX_OK) {
        return 1;
    }

    rc = ngx_intake_tzif_read(&zone, &content);

    if (rc != NGX_OK) {
        printf("%s\n", rc == NGX_DECLINED ? "leap seconds" : "no zone");

    } else {
        while (scanf("%lld", &sec) == 1) {
            printf("%ld%s\n", (long) offset_at(&zone, sec),
                   offset_at(&zone, sec) != offset_at(&zone, sec - 1)
                   ? " change" : "");
        }
    }

    release();

    return 0;
}


int
main(int argc, char **argv)
{
    if (argc > 1) {
        return answer(argv[1]);
    }

    test_rules();
    test_strings();
    test_years();
    test_versions();
    test_damaged();
    test_utc();
    test_system();

    release();

    return done();
}
