/* sources: src/spool/ngx_intake_segment.c src/spool/ngx_intake_delivery.c */
/* sources: src/spool/ngx_intake_crc32c.c */

/*
 * Copyright (C) nginx-intake contributors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_intake_crc32c.h"
#include "ngx_intake_delivery.h"
#include "ngx_intake_segment.h"
#include "bytes.h"
#include "tap.h"


/*
 * Without arguments: the tests.  "write FILE": the segment of the tests;
 * "print FILE": what t/spool-dump prints for the file.
 */


#define HEADER   NGX_INTAKE_SEGMENT_HEADER
#define HEAD     NGX_INTAKE_RECORD_HEAD
#define RECORDS  4


static u_char  file[8192];
static size_t  ends[RECORDS + 1];

static const char  *names[] = {
    "id", "type", "time", "datacontenttype", "subject", "recordedtime",
    "intakekey", "intakeverify", "intakekeyid", "intakeip", "intakeheaders",
    "intakespam", "intakefiles", "data"
};


static void
set(ngx_str_t *str, const char *text)
{
    str->data = (u_char *) text;
    str->len = strlen(text);
}


/* a delivery as the n-th of a file; the fields differ in what is empty */

static void
example(ngx_intake_delivery_t *delivery, ngx_uint_t n)
{
    ngx_uint_t  i;

    static u_char  bytes[256];
    static char    kinds[] = "kuno";

    memset(delivery, 0, sizeof(ngx_intake_delivery_t));

    set(&delivery->source, n == 2 ? "a" : "abcdefghijklmnopqrstuvwxyz_-1234");
    delivery->kind = kinds[n];
    delivery->stream = (n == 2) ? 's' : 'm';
    delivery->nkeys = n % 3 + 1;

    for (i = 0; i < delivery->nkeys; i++) {
        delivery->keys[i].kind = "suo"[i];
        memset(delivery->keys[i].hash, 'A' + i, NGX_INTAKE_DELIVERY_HASH);
    }

    for (i = 0; i < NGX_INTAKE_DELIVERY_FIELDS; i++) {
        if (n != 2 && (i + n) % 3) {
            set(&delivery->fields[i], names[i]);
        }
    }

    if (n == 1) {
        for (i = 0; i < 256; i++) {
            bytes[i] = (u_char) i;
        }

        delivery->fields[13].data = bytes;
        delivery->fields[13].len = sizeof(bytes);
        set(&delivery->extra, "\"clock\"");
    }
}


static ngx_uint_t
same(ngx_intake_delivery_t *a, ngx_intake_delivery_t *b)
{
    ngx_uint_t  i;

#define same_str(x, y)                                                       \
    ((x).len == (y).len                                                      \
     && ((x).len == 0 || memcmp((x).data, (y).data, (x).len) == 0))

    for (i = 0; i < NGX_INTAKE_DELIVERY_FIELDS; i++) {
        if (!same_str(a->fields[i], b->fields[i])) {
            return 0;
        }
    }

    return a->kind == b->kind && a->nkeys == b->nkeys
           && a->stream == b->stream
           && memcmp(a->keys, b->keys,
                     a->nkeys * sizeof(ngx_intake_delivery_key_t)) == 0
           && same_str(a->source, b->source)
           && same_str(a->extra, b->extra);
}


/* returns the length of the file */

static size_t
make_file(ngx_intake_segment_t *segment)
{
    size_t                 len;
    u_char                *p;
    ngx_uint_t             n;
    ngx_intake_delivery_t  delivery;

    memset(segment, 0, sizeof(ngx_intake_segment_t));
    memcpy(segment->salt, "\x01\x80saltsa", NGX_INTAKE_SEGMENT_SALT);
    segment->created = 1767225600000001;
    segment->done = HEADER;

    p = ngx_intake_segment_write_header(file, segment);
    ends[0] = p - file;

    for (n = 0; n < RECORDS; n++) {
        example(&delivery, n);

        len = ngx_intake_delivery_size(&delivery);
        (void) ngx_intake_delivery_write(p + HEAD, &delivery);
        ngx_intake_segment_write_head(p, segment,
                                      segment->created + (int64_t) n, len);

        p += HEAD + len;
        ends[n + 1] = p - file;
    }

    return p - file;
}


static void
test_crc(void)
{
    u_char      buf[64];
    uint32_t    crc;
    ngx_uint_t  i, bad;

    /* RFC 3720, appendix B.4 */

    memset(buf, 0, 32);
    ok(ngx_intake_crc32c(0, buf, 32) == 0x8a9136aa, "CRC of 32 zeros");

    memset(buf, 0xff, 32);
    ok(ngx_intake_crc32c(0, buf, 32) == 0x62a8ab43, "CRC of 32 ones");

    for (i = 0; i < 32; i++) {
        buf[i] = (u_char) i;
    }

    ok(ngx_intake_crc32c(0, buf, 32) == 0x46dd794e, "CRC of 0 to 31");
    ok(ngx_intake_crc32c(0, (u_char *) "123456789", 9) == 0xe3069283,
       "CRC of 123456789");

    for (bad = 0, i = 0; i <= 32; i++) {
        crc = ngx_intake_crc32c(0, buf, i);
        bad += ngx_intake_crc32c(crc, buf + i, 32 - i) != 0x46dd794e;
    }

    ok(bad == 0, "CRC in two pieces");
}


static void
test_delivery(void)
{
    size_t                 len, i;
    u_char                 buf[1024], *exact;
    ngx_uint_t             n, bad;
    ngx_intake_delivery_t  delivery, read;

    for (n = 0; n < RECORDS; n++) {
        example(&delivery, n);
        len = ngx_intake_delivery_size(&delivery);

        ok(ngx_intake_delivery_write(buf, &delivery) == buf + len,
           "delivery %lu: its size", (unsigned long) n);
        ok(ngx_intake_delivery_read(buf, buf + len, &read) == NGX_OK
           && same(&delivery, &read),
           "delivery %lu: read as written", (unsigned long) n);

        for (bad = 0, i = 0; i < len; i++) {
            exact = copy_bytes(buf, i);
            bad += ngx_intake_delivery_read(exact, exact + i, &read)
                   != NGX_ERROR;
            free(exact);
        }

        buf[len] = 0;
        bad += ngx_intake_delivery_read(buf, buf + len + 1, &read)
               != NGX_ERROR;

        ok(bad == 0, "delivery %lu: no other length", (unsigned long) n);
    }

    example(&delivery, 0);
    delivery.kind = 's';
    ok(ngx_intake_delivery_size(&delivery) == 0, "no such kind");

    example(&delivery, 0);
    delivery.stream = 'k';
    ok(ngx_intake_delivery_size(&delivery) == 0, "no such stream");

    example(&delivery, 0);
    delivery.kind = 'n';
    ok(ngx_intake_delivery_size(&delivery) == 0, "a key is missing");

    example(&delivery, 0);
    delivery.nkeys = 0;
    ok(ngx_intake_delivery_size(&delivery) == 0, "no keys");

    delivery.nkeys = 4;
    ok(ngx_intake_delivery_size(&delivery) == 0, "too many keys");

    example(&delivery, 0);
    delivery.source.len = 0;
    ok(ngx_intake_delivery_size(&delivery) == 0, "no source");

    delivery.source.len = 33;
    ok(ngx_intake_delivery_size(&delivery) == 0, "a long source");

    example(&delivery, 0);
    delivery.fields[13].len = NGX_INTAKE_RECORD_MAX;
    ok(ngx_intake_delivery_size(&delivery) == 0, "too much data");

    delivery.fields[13].len = (size_t) -1;
    ok(ngx_intake_delivery_size(&delivery) == 0, "more than memory");
}


static void
test_header(void)
{
    u_char                buf[HEADER];
    size_t                i;
    ngx_uint_t            bad, bit;
    ngx_intake_segment_t  segment, read;

    (void) make_file(&segment);
    segment.done = 4711;

    ok(ngx_intake_segment_write_header(buf, &segment) == buf + HEADER
       && ngx_intake_segment_read_header(buf, buf + HEADER, &read) == NGX_OK
       && memcmp(read.salt, segment.salt, sizeof(read.salt)) == 0
       && read.created == segment.created && read.done == 4711,
       "the header is read as written");

    for (bad = 0, i = 0; i < HEADER; i++) {
        bad += ngx_intake_segment_read_header(buf, buf + i, &read)
               != NGX_ERROR;
    }

    ok(bad == 0, "a header that is cut");

    for (bad = 0, i = 0; i < HEADER; i++) {
        for (bit = 0; bit < 8; bit++) {
            buf[i] ^= 1 << bit;

            if (i < NGX_INTAKE_SEGMENT_MARK) {
                bad += ngx_intake_segment_read_header(buf, buf + HEADER, &read)
                       != NGX_ERROR;

            } else {
                bad += ngx_intake_segment_read_header(buf, buf + HEADER, &read)
                       != NGX_OK
                       || read.done != HEADER;
            }

            buf[i] ^= 1 << bit;
        }
    }

    ok(bad == 0, "every flipped bit of the header; in the mark it is none");

    segment.done = HEADER - 1;
    (void) ngx_intake_segment_write_header(buf, &segment);
    ok(ngx_intake_segment_read_header(buf, buf + HEADER, &read) == NGX_OK
       && read.done == HEADER, "a mark inside the header");

    segment.done = -1;
    (void) ngx_intake_segment_write_header(buf, &segment);
    ok(ngx_intake_segment_read_header(buf, buf + HEADER, &read) == NGX_OK
       && read.done == HEADER, "a negative mark");

    buf[8] = 2;
    i = ngx_intake_crc32c(0, buf, 28);
    buf[28] = (u_char) i;
    buf[29] = (u_char) (i >> 8);
    buf[30] = (u_char) (i >> 16);
    buf[31] = (u_char) (i >> 24);
    ok(ngx_intake_segment_read_header(buf, buf + HEADER, &read)
       == NGX_DECLINED, "another version");
}


/*
 * The records of a file, which is copied so that the sanitizers see its end:
 * bit n is set if the n-th of make_file() was found as it is.  Sets the rc and
 * the offset of the first place where there was no record.
 */

static ngx_uint_t
read_file(ngx_intake_segment_t *segment, size_t len, ngx_int_t *rc,
    size_t *stop)
{
    u_char                 *p, *data, *last;
    ngx_int_t               found;
    ngx_uint_t              n, seen;
    ngx_intake_record_t     record;
    ngx_intake_delivery_t   delivery, read;

    data = copy_bytes(file, len);

    p = data + HEADER;
    last = data + len;
    seen = 0;
    *stop = 0;

    for ( ;; ) {
        found = ngx_intake_segment_read(segment, p, last, &record);

        if (found == NGX_OK) {
            n = (ngx_uint_t) (record.arrival - segment->created);
            example(&delivery, n);

            if (ngx_intake_delivery_read(record.data, record.data + record.len,
                                         &read)
                == NGX_OK && same(&delivery, &read))
            {
                seen |= 1 << n;
            }

            p += record.size;
            continue;
        }

        if (*stop == 0) {
            *stop = p - data;
            *rc = found;
        }

        if (found == NGX_DONE) {
            break;
        }

        p = ngx_intake_segment_find(segment, p + 1, last);
    }

    free(data);

    return seen;
}


static void
test_truncation(void)
{
    size_t                len, i, n, stop;
    ngx_int_t             rc;
    ngx_uint_t            bad;
    ngx_intake_segment_t  segment;

    len = make_file(&segment);

    ok(read_file(&segment, len, &rc, &stop) == 0xf && rc == NGX_DONE
       && stop == len, "a whole file");
    ok(read_file(&segment, HEADER, &rc, &stop) == 0 && rc == NGX_DONE,
       "a file without records");

    for (bad = 0, i = HEADER; i <= len; i++) {

        for (n = 0; n < RECORDS && ends[n + 1] <= i; n++) { /* void */ }

        if (read_file(&segment, i, &rc, &stop) != (1u << n) - 1
            || stop != ends[n]
            || rc != (i == ends[n] ? NGX_DONE : NGX_AGAIN))
        {
            bad++;
        }
    }

    ok(bad == 0, "every truncation: what is whole before it, and a torn tail");
}


static void
test_flips(void)
{
    size_t                len, i, n, stop;
    ngx_int_t             rc;
    ngx_uint_t            bad, bit, seen;
    ngx_intake_segment_t  segment;

    len = make_file(&segment);

    for (bad = 0, n = 0, i = HEADER; i < len; i++) {
        n += (i == ends[n + 1]);

        for (bit = 0; bit < 8; bit++) {
            file[i] ^= 1 << bit;
            seen = read_file(&segment, len, &rc, &stop);
            file[i] ^= 1 << bit;

            bad += seen != (0xf & ~(1u << n)) || stop != ends[n]
                   || rc != NGX_ERROR;
        }
    }

    ok(bad == 0, "every flipped bit: all records but its own are found");

    segment.salt[7] ^= 1;
    ok(read_file(&segment, len, &rc, &stop) == 0 && rc == NGX_ERROR,
       "the salt of another file");
}


/* the head of a record of so many bytes, whatever they are */

static void
write_head(u_char *p, ngx_intake_segment_t *segment, uint32_t len)
{
    uint32_t  crc;

    memcpy(p, segment->salt, 4);
    memcpy(p + 4, &len, 4);
    memset(p + 8, 0, 8);

    crc = ngx_intake_crc32c(0, segment->salt, NGX_INTAKE_SEGMENT_SALT);
    crc = ngx_intake_crc32c(crc, p + 4, 12);
    memcpy(p + 16, &crc, 4);
}


static void
test_lengths(void)
{
    u_char                buf[64];
    ngx_intake_record_t   record;
    ngx_intake_segment_t  segment;

    (void) make_file(&segment);

    memset(buf, 0, sizeof(buf));
    write_head(buf, &segment, 0);

    ok(ngx_intake_segment_read(&segment, buf, buf + 64, &record)
       == NGX_ERROR, "a length of 0");

    write_head(buf, &segment, 0xffffffff);
    ok(ngx_intake_segment_read(&segment, buf, buf + 64, &record)
       == NGX_ERROR, "a length of 4 GB");

    write_head(buf, &segment, NGX_INTAKE_RECORD_MAX + 1);
    ok(ngx_intake_segment_read(&segment, buf, buf + 64, &record)
       == NGX_ERROR, "a length of more than the maximum");

    write_head(buf, &segment, NGX_INTAKE_RECORD_MAX);
    ok(ngx_intake_segment_read(&segment, buf, buf + 64, &record) == NGX_AGAIN
       && record.size == HEAD + NGX_INTAKE_RECORD_MAX,
       "the maximum, and what it needs");

    buf[4] ^= 1;
    ok(ngx_intake_segment_read(&segment, buf, buf + 64, &record)
       == NGX_ERROR, "a damaged length does not look like a torn tail");

    ngx_intake_segment_write_head(buf, &segment, -1, 1);
    ok(ngx_intake_segment_read(&segment, buf, buf + 64, &record) == NGX_OK
       && record.arrival == -1 && record.len == 1
       && record.size == HEAD + 1 && record.data == buf + HEAD,
       "the least length; a time before 1970");

    ok(ngx_intake_segment_read(&segment, buf, buf + 3, &record) == NGX_AGAIN
       && record.size == HEAD, "three bytes of a record");
    ok(ngx_intake_segment_find(&segment, buf + 1, buf + 64) == buf + 64,
       "no other record in sight");

    buf[62] = segment.salt[0];
    ok(ngx_intake_segment_find(&segment, buf + 1, buf + 64) == buf + 64,
       "not with one byte that is right");

    buf[63] = segment.salt[1];
    ok(ngx_intake_segment_find(&segment, buf + 1, buf + 64) == buf + 62,
       "the end may be the beginning of a record");
}


static void
print_time(const char *name, int64_t usec)
{
    char       text[64];
    time_t     sec;
    struct tm  tm;

    sec = (time_t) (usec / 1000000);
    gmtime_r(&sec, &tm);
    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);

    printf(" %s=%s.%06dZ", name, text, (int) (usec % 1000000));
}


static void
print_text(const char *name, ngx_str_t *text)
{
    size_t  i;
    u_char  c;

    if (text->len == 0) {
        return;
    }

    printf("    %s: ", name);

    for (i = 0; i < text->len; i++) {
        c = text->data[i];

        if (c < 0x20 || c > 0x7e || c == '\\') {
            printf("\\x%02x", c);

        } else {
            putchar(c);
        }
    }

    printf("\n");
}


static void
print_record(size_t offset, ngx_intake_record_t *record)
{
    ngx_uint_t             i;
    ngx_intake_delivery_t  delivery;

    printf("record at=%lu size=%lu", (unsigned long) offset,
           (unsigned long) record->size);
    print_time("arrival", record->arrival);

    if (ngx_intake_delivery_read(record->data, record->data + record->len,
                                 &delivery)
        != NGX_OK)
    {
        printf(" unknown data\n");
        return;
    }

    printf(" source=%.*s kind=%c stream=%c", (int) delivery.source.len,
           delivery.source.data, delivery.kind, delivery.stream);

    for (i = 0; i < delivery.nkeys; i++) {
        printf(" key=%c:%.*s", delivery.keys[i].kind,
               NGX_INTAKE_DELIVERY_HASH, delivery.keys[i].hash);
    }

    printf("\n");

    for (i = 0; i < NGX_INTAKE_DELIVERY_FIELDS; i++) {
        print_text(names[i], &delivery.fields[i]);
    }

    print_text("extra", &delivery.extra);
}


static int
print_file(const char *path)
{
    FILE                  *f;
    size_t                 len, skipped;
    u_char                *p, *q, *last;
    ngx_int_t              rc;
    ngx_intake_record_t    record;
    ngx_intake_segment_t   segment;

    f = fopen(path, "rb");

    if (f == NULL) {
        perror(path);
        return 2;
    }

    len = fread(file, 1, sizeof(file), f);
    fclose(f);

    last = file + len;

    if (ngx_intake_segment_read_header(file, last, &segment) != NGX_OK) {
        printf("no segment\n");
        return 1;
    }

    printf("segment version=1 salt=");

    for (p = segment.salt; p < segment.salt + 8; p++) {
        printf("%02x", *p);
    }

    print_time("created", segment.created);
    printf(" done=%ld\n", (long) segment.done);

    skipped = 0;
    p = file + HEADER;

    for ( ;; ) {
        rc = ngx_intake_segment_read(&segment, p, last, &record);

        if (rc == NGX_OK) {
            print_record(p - file, &record);
            p += record.size;
            continue;
        }

        if (rc == NGX_DONE) {
            break;
        }

        q = p;

        do {
            p = ngx_intake_segment_find(&segment, p + 1, last);
            rc = ngx_intake_segment_read(&segment, p, last, &record);
        } while (rc != NGX_OK && rc != NGX_DONE);

        skipped += p - q;
        printf("%s at=%ld size=%ld\n", rc == NGX_OK ? "damage" : "tail",
               (long) (q - file), (long) (p - q));
    }

    printf("end at=%lu\n", (unsigned long) len);

    return skipped ? 1 : 0;
}


static int
write_file(const char *path)
{
    FILE                  *f;
    size_t                 len;
    ngx_intake_segment_t   segment;

    len = make_file(&segment);
    f = fopen(path, "wb");

    if (f == NULL || fwrite(file, 1, len, f) != len || fclose(f) != 0) {
        perror(path);
        return 2;
    }

    return 0;
}


int
main(int argc, char **argv)
{
    if (argc == 3) {
        return (argv[1][0] == 'w') ? write_file(argv[2])
                                   : print_file(argv[2]);
    }

    test_crc();
    test_delivery();
    test_header();
    test_truncation();
    test_flips();
    test_lengths();

    return done();
}
