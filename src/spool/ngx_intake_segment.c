
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_intake_segment.h"
#include "ngx_intake_crc32c.h"


/*
 * A segment is a header and records, one after the other.  Integers are
 * unsigned (times: signed), little-endian, not aligned; there is no padding.
 *
 * Header, 44 bytes:
 *
 *    0   8  magic: 89 "INTAKE" 0a
 *    8   4  version: 1
 *   12   8  salt: random bytes
 *   20   8  created: arrival of the first record, us since 1970
 *   28   4  CRC-32C of the bytes 0 to 27
 *
 *   32   8  done: the offset before which every record has been replayed
 *   40   4  CRC-32C of the salt and the bytes 32 to 39
 *
 * The first 32 bytes keep their places in later versions.  The last two are
 * the mark, the only bytes that are written again.  It need not reach the
 * disk: what is replayed twice is recognised by Redis.  One that is damaged
 * counts as 44.
 *
 * Record, 24 bytes and the data:
 *
 *    0   4  the first four bytes of the salt
 *    4   4  length of the data, from 1 to 0x30000000
 *    8   8  arrival of the delivery, us since 1970
 *   16   4  CRC-32C of the salt and the bytes 4 to 15
 *   20   4  CRC-32C of the salt, the bytes 4 to 15 and the data
 *   24      data: a delivery, see ngx_intake_delivery.c
 *
 * The salt tells the records of this file from what the disk held before, and
 * its four bytes tell where a record may begin after damage; nobody outside
 * knows them.
 *
 * A delivery is acknowledged after the file has been synchronized with all of
 * its record.  So an incomplete record at the end, or zeros there, belonged to
 * a write that nobody was told of; anything else that is no record is damage.
 * The head has a sum of its own, so that a length that is damaged does not look
 * like a record that goes on behind the end.
 */


#define ngx_intake_segment_crc(segment)                                      \
    ngx_intake_crc32c(0, (segment)->salt, NGX_INTAKE_SEGMENT_SALT)


static u_char *ngx_intake_segment_put(u_char *p, uint64_t n, size_t len);
static uint64_t ngx_intake_segment_get(u_char *p, size_t len);


static u_char  ngx_intake_segment_magic[] = {
    0x89, 'I', 'N', 'T', 'A', 'K', 'E', 0x0a
};


u_char *
ngx_intake_segment_write_header(u_char *p, ngx_intake_segment_t *segment)
{
    u_char  *start;

    start = p;

    p = ngx_cpymem(p, ngx_intake_segment_magic,
                   sizeof(ngx_intake_segment_magic));
    p = ngx_intake_segment_put(p, NGX_INTAKE_SEGMENT_VERSION, 4);
    p = ngx_cpymem(p, segment->salt, NGX_INTAKE_SEGMENT_SALT);
    p = ngx_intake_segment_put(p, (uint64_t) segment->created, 8);
    p = ngx_intake_segment_put(p, ngx_intake_crc32c(0, start, p - start), 4);

    return ngx_intake_segment_write_mark(p, segment);
}


u_char *
ngx_intake_segment_write_mark(u_char *p, ngx_intake_segment_t *segment)
{
    u_char  *start;

    start = p;
    p = ngx_intake_segment_put(p, (uint64_t) segment->done, 8);

    return ngx_intake_segment_put(p,
                     ngx_intake_crc32c(ngx_intake_segment_crc(segment),
                                       start, p - start), 4);
}


ngx_int_t
ngx_intake_segment_read_header(u_char *p, u_char *last,
    ngx_intake_segment_t *segment)
{
    u_char  *mark;

    if (last - p < NGX_INTAKE_SEGMENT_HEADER
        || ngx_memcmp(p, ngx_intake_segment_magic,
                      sizeof(ngx_intake_segment_magic))
           != 0
        || ngx_intake_segment_get(p + 28, 4) != ngx_intake_crc32c(0, p, 28))
    {
        return NGX_ERROR;
    }

    if (ngx_intake_segment_get(p + 8, 4) != NGX_INTAKE_SEGMENT_VERSION) {
        return NGX_DECLINED;
    }

    ngx_memcpy(segment->salt, p + 12, NGX_INTAKE_SEGMENT_SALT);
    segment->created = (int64_t) ngx_intake_segment_get(p + 20, 8);

    mark = p + NGX_INTAKE_SEGMENT_MARK;
    segment->done = (int64_t) ngx_intake_segment_get(mark, 8);

    if (segment->done < NGX_INTAKE_SEGMENT_HEADER
        || ngx_intake_segment_get(mark + 8, 4)
           != ngx_intake_crc32c(ngx_intake_segment_crc(segment), mark, 8))
    {
        segment->done = NGX_INTAKE_SEGMENT_HEADER;
    }

    return NGX_OK;
}


void
ngx_intake_segment_write_head(u_char *p, ngx_intake_segment_t *segment,
    int64_t arrival, size_t len)
{
    uint32_t  crc;

    ngx_memcpy(p, segment->salt, 4);
    (void) ngx_intake_segment_put(p + 4, len, 4);
    (void) ngx_intake_segment_put(p + 8, (uint64_t) arrival, 8);

    crc = ngx_intake_segment_crc(segment);
    crc = ngx_intake_crc32c(crc, p + 4, 12);
    (void) ngx_intake_segment_put(p + 16, crc, 4);

    crc = ngx_intake_crc32c(crc, p + NGX_INTAKE_RECORD_HEAD, len);
    (void) ngx_intake_segment_put(p + 20, crc, 4);
}


ngx_int_t
ngx_intake_segment_read(ngx_intake_segment_t *segment, u_char *p,
    u_char *last, ngx_intake_record_t *record)
{
    size_t    rest;
    uint32_t  crc;

    rest = last - p;

    if (rest == 0) {
        return NGX_DONE;
    }

    if (ngx_memcmp(p, segment->salt, ngx_min(rest, 4)) != 0) {
        return NGX_ERROR;
    }

    if (rest < NGX_INTAKE_RECORD_HEAD) {
        record->size = NGX_INTAKE_RECORD_HEAD;
        return NGX_AGAIN;
    }

    crc = ngx_intake_segment_crc(segment);
    crc = ngx_intake_crc32c(crc, p + 4, 12);

    record->len = (size_t) ngx_intake_segment_get(p + 4, 4);

    if (ngx_intake_segment_get(p + 16, 4) != crc
        || record->len == 0 || record->len > NGX_INTAKE_RECORD_MAX)
    {
        return NGX_ERROR;
    }

    record->size = NGX_INTAKE_RECORD_HEAD + record->len;

    if (rest < record->size) {
        return NGX_AGAIN;
    }

    record->arrival = (int64_t) ngx_intake_segment_get(p + 8, 8);
    record->data = p + NGX_INTAKE_RECORD_HEAD;

    crc = ngx_intake_crc32c(crc, record->data, record->len);

    return (ngx_intake_segment_get(p + 20, 4) == crc) ? NGX_OK : NGX_ERROR;
}


u_char *
ngx_intake_segment_find(ngx_intake_segment_t *segment, u_char *p,
    u_char *last)
{
    for ( /* void */ ; p < last; p++) {

        if (*p == segment->salt[0]
            && ngx_memcmp(p, segment->salt, ngx_min(last - p, 4)) == 0)
        {
            break;
        }
    }

    return p;
}


static u_char *
ngx_intake_segment_put(u_char *p, uint64_t n, size_t len)
{
    while (len--) {
        *p++ = (u_char) n;
        n >>= 8;
    }

    return p;
}


static uint64_t
ngx_intake_segment_get(u_char *p, size_t len)
{
    uint64_t  n;

    n = 0;

    while (len--) {
        n = n << 8 | p[len];
    }

    return n;
}
