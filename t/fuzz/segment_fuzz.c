/* sources: src/spool/ngx_intake_segment.c src/spool/ngx_intake_crc32c.c */
/* sources: src/spool/ngx_intake_delivery.c */

/*
 * Copyright (C) nginx-intake contributors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_intake_crc32c.h"
#include "ngx_intake_delivery.h"
#include "ngx_intake_segment.h"


#define check(condition)  if (!(condition)) { abort(); }


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


/* bit by bit, as the polynomial says */

static void
fuzz_crc(u_char *p, size_t len)
{
    size_t    i, bit;
    uint32_t  crc;

    for (crc = 0xffffffff, i = 0; i < len; i++) {
        crc ^= p[i];

        for (bit = 0; bit < 8; bit++) {
            crc = (crc >> 1) ^ ((crc & 1) ? 0x82f63b78 : 0);
        }
    }

    check(ngx_intake_crc32c(0, p, len) == ~crc);

    /* in two parts, that the table's steps begin elsewhere */

    check(ngx_intake_crc32c(ngx_intake_crc32c(0, p, len / 3), p + len / 3,
                            len - len / 3)
          == ~crc);
}


/* what is read is written as the same bytes */

static void
fuzz_delivery(u_char *p, size_t len)
{
    u_char                 *buf;
    ngx_intake_delivery_t   delivery;

    if (ngx_intake_delivery_read(p, p + len, &delivery) != NGX_OK) {
        return;
    }

    check(ngx_intake_delivery_size(&delivery) == len);

    buf = malloc(len);
    check(buf != NULL);

    check(ngx_intake_delivery_write(buf, &delivery) == buf + len);
    check(memcmp(buf, p, len) == 0);

    free(buf);
}


/* returns how many records there are, whatever is between them */

static ngx_uint_t
fuzz_records(ngx_intake_segment_t *segment, u_char *start, u_char *last)
{
    u_char               *p, *q;
    ngx_int_t             rc;
    ngx_uint_t            n;
    ngx_intake_record_t   record;

    n = 0;

    for (p = start; ; p = q) {
        rc = ngx_intake_segment_read(segment, p, last, &record);

        if (rc == NGX_DONE) {
            check(p == last);
            return n;
        }

        if (rc == NGX_OK) {
            n++;
            q = record.data + record.len;

            check(record.len && q <= last && q == p + record.size);
            fuzz_delivery(record.data, record.len);
            continue;
        }

        check(rc == NGX_ERROR || (size_t) (last - p) < record.size);

        q = ngx_intake_segment_find(segment, p + 1, last);
        check(q > p && q <= last);
    }
}


/* the input between two records, with the first at its place or not */

static void
fuzz_between(u_char *data, size_t size)
{
    size_t                len;
    u_char               *buf, *p;
    ngx_uint_t            n;
    ngx_intake_segment_t  segment;

    memcpy(segment.salt, "saltsalt", NGX_INTAKE_SEGMENT_SALT);

    len = 3 * NGX_INTAKE_RECORD_HEAD + 2 + size;
    buf = malloc(len);
    check(buf != NULL);

    p = buf;
    p[NGX_INTAKE_RECORD_HEAD] = 'a';
    ngx_intake_segment_write_head(p, &segment, 0, 1);

    p += NGX_INTAKE_RECORD_HEAD + 1;
    memcpy(p + NGX_INTAKE_RECORD_HEAD, data, size);
    ngx_intake_segment_write_head(p, &segment, -1, size);

    p += NGX_INTAKE_RECORD_HEAD + size;
    p[NGX_INTAKE_RECORD_HEAD] = 'b';
    ngx_intake_segment_write_head(p, &segment, INT64_MAX, 1);

    check(fuzz_records(&segment, buf, buf + len) == 3);

    p = buf + NGX_INTAKE_RECORD_HEAD + 1;
    memmove(p, data, size);

    n = fuzz_records(&segment, buf, p + size);
    check(n >= 1);

    free(buf);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    u_char                buf[NGX_INTAKE_SEGMENT_HEADER], *p, *last;
    ngx_intake_segment_t  segment;

    p = (u_char *) data;
    last = p + size;

    if (size == 0) {
        return 0;
    }

    fuzz_crc(p, size);
    fuzz_delivery(p, size);
    fuzz_between(p, size);

    if (ngx_intake_segment_read_header(p, last, &segment) != NGX_OK) {
        return 0;
    }

    check(segment.done >= NGX_INTAKE_SEGMENT_HEADER);

    (void) ngx_intake_segment_write_header(buf, &segment);
    check(memcmp(buf, p, NGX_INTAKE_SEGMENT_MARK) == 0);

    (void) fuzz_records(&segment, p + NGX_INTAKE_SEGMENT_HEADER, last);

    return 0;
}
