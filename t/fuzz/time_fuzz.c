/* sources: src/verify/ngx_intake_time.c src/verify/ngx_intake_uuid.c */

/*
 * Copyright (C) nginx-intake contributors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_intake_time.h"
#include "ngx_intake_uuid.h"


#define check(condition)  if (!(condition)) { abort(); }


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


/* what is written is read as the same time */

static void
fuzz_format(int64_t usec)
{
    u_char      text[NGX_INTAKE_TIME_LEN], uuid[NGX_INTAKE_UUID_LEN];
    int64_t     parsed;
    ngx_str_t   src;

    static u_char  random[NGX_INTAKE_UUID_RANDOM];

    check(ngx_intake_time_format(text, usec) == text + sizeof(text));

    src.data = text;
    src.len = sizeof(text);

    check(ngx_intake_time_parse(NGX_INTAKE_TIME_RFC3339, &src, &parsed)
          == NGX_OK);
    check(parsed >= 0 && parsed <= NGX_INTAKE_TIME_MAX);

    if (usec >= 0 && usec <= NGX_INTAKE_TIME_MAX) {
        check(parsed == usec);
    }

    check(ngx_intake_uuid_v7(uuid, usec, random) == uuid + sizeof(uuid));
    check(uuid[14] == '7' && uuid[19] == '8');
}


/* the first byte is the unit, the rest a text; eight bytes of it a time */

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int64_t                 usec;
    ngx_str_t               src;
    ngx_intake_time_unit_e  unit;

    if (size == 0) {
        return 0;
    }

    unit = data[0] % 4;

    src.data = (u_char *) data + 1;
    src.len = size - 1;
    usec = -1;

    if (ngx_intake_time_parse(unit, &src, &usec) == NGX_OK) {
        check(usec >= 0 && usec <= NGX_INTAKE_TIME_MAX);
        fuzz_format(usec);

    } else {
        check(usec == -1);
    }

    if (src.len >= sizeof(int64_t)) {
        memcpy(&usec, src.data, sizeof(int64_t));
        fuzz_format(usec);

        if (usec != INT64_MIN) {
            usec = (usec < 0) ? -usec : usec;
            fuzz_format(usec % (NGX_INTAKE_TIME_MAX + 1));
        }
    }

    return 0;
}
