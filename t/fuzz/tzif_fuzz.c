/* sources: src/sla/ngx_intake_date.c src/sla/ngx_intake_tz.c */
/* sources: src/sla/ngx_intake_tzif.c */

/*
 * Copyright (C) nginx-intake contributors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_intake_date.h"
#include "ngx_intake_tzif.h"


#define check(condition)  if (!(condition)) { abort(); }

#define STRETCHES         300


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


/* what the wall shows at a time leads back to that time */

static void
fuzz_local(ngx_intake_tzif_t *zone, int64_t sec)
{
    int64_t                  first, last;
    ngx_intake_tz_stretch_t  stretch;

    if (sec < NGX_INTAKE_TZ_MIN + 200000 || sec > NGX_INTAKE_TZ_MAX - 200000) {
        return;
    }

    ngx_intake_tzif_find(zone, sec, &stretch);

    check(ngx_intake_tzif_utc(zone, sec + stretch.offset, &first, &last)
          == NGX_OK);
    check(first <= sec && last >= sec);

    /* and what it does not show is passed over */

    if (ngx_intake_tzif_utc(zone, sec, &first, &last) == NGX_DECLINED) {
        check(first == last);

        ngx_intake_tzif_find(zone, first, &stretch);
        check(stretch.begin == first && first + stretch.offset > sec);

        ngx_intake_tzif_find(zone, first - 1, &stretch);
        check(first - 1 + stretch.offset < sec);
    }
}


/* stretches follow each other, and each is the same in all of its times */

static void
fuzz_stretches(ngx_intake_tzif_t *zone, int64_t sec)
{
    ngx_uint_t               i;
    ngx_intake_tz_stretch_t  stretch, other;

    for (i = 0; i < STRETCHES; i++) {
        ngx_intake_tzif_find(zone, sec, &stretch);

        check(stretch.begin <= sec && sec < stretch.end);
        check(stretch.offset > -25 * 3600 && stretch.offset < 26 * 3600);

        ngx_intake_tzif_find(zone, stretch.begin, &other);
        check(other.begin == stretch.begin && other.end == stretch.end
              && other.offset == stretch.offset);

        ngx_intake_tzif_find(zone, stretch.end - 1, &other);
        check(other.begin == stretch.begin && other.end == stretch.end
              && other.offset == stretch.offset);

        fuzz_local(zone, sec);

        if (stretch.end == INT64_MAX) {
            break;
        }

        fuzz_local(zone, stretch.end - 1);

        sec = stretch.end;
    }
}


/* a file; also as a TZ string, which seldom is one inside of a file */

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ngx_str_t                text;
    ngx_intake_tz_t          tz;
    ngx_intake_tzif_t        zone;
    ngx_intake_tz_stretch_t  stretch;

    text.data = (u_char *) data;
    text.len = size;

    if (ngx_intake_tz_parse(&text, &tz) == NGX_OK) {
        ngx_intake_tz_find(&tz, INT64_MIN, &stretch);

        memset(&zone, 0, sizeof(zone));
        zone.has_tz = 1;
        zone.tz = tz;

        fuzz_stretches(&zone, NGX_INTAKE_TZ_MIN);
        fuzz_stretches(&zone, 0);
        fuzz_stretches(&zone, 253370764800LL);
    }

    if (ngx_intake_tzif_read(&zone, &text) == NGX_OK) {
        fuzz_stretches(&zone, INT64_MIN);
        fuzz_stretches(&zone, 0);
        fuzz_stretches(&zone, 2147483648LL);
    }

    return 0;
}
