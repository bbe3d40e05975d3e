
/*
 * Copyright (C) nginx-intake contributors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_intake_redis_slots.h"


static ngx_int_t ngx_intake_redis_number(const u_char *p,
    const u_char *last, ngx_uint_t max, ngx_uint_t *number);


/* CRC-16/XMODEM: polynomial 0x1021, of four bits at a time */

static const uint16_t  ngx_intake_redis_crc16[] = {
    0x0000, 0x1021, 0x2042, 0x3063, 0x4084, 0x50a5, 0x60c6, 0x70e7,
    0x8108, 0x9129, 0xa14a, 0xb16b, 0xc18c, 0xd1ad, 0xe1ce, 0xf1ef
};


ngx_uint_t
ngx_intake_redis_slot(u_char *key, size_t len)
{
    u_char      *p, *end, *last;
    ngx_uint_t   crc;

    last = key + len;

    p = len ? memchr(key, '{', len) : NULL;

    if (p) {
        p++;
        end = (p < last) ? memchr(p, '}', last - p) : NULL;

        if (end && end > p) {
            key = p;
            last = end;
        }
    }

    crc = 0;

    for (p = key; p < last; p++) {
        crc = (crc << 4) ^ ngx_intake_redis_crc16[((crc >> 12) ^ (*p >> 4))
                                                  & 0x0f];
        crc = (crc << 4) ^ ngx_intake_redis_crc16[((crc >> 12) ^ *p) & 0x0f];
        crc &= 0xffff;
    }

    return crc % NGX_INTAKE_REDIS_SLOTS;
}


ngx_int_t
ngx_intake_redis_redirection(ngx_str_t *text, ngx_uint_t *slot,
    ngx_str_t *host, in_port_t *port)
{
    u_char      *p, *space, *colon, *last;
    ngx_uint_t   n;

    p = text->data;
    last = p + text->len;

    if (text->len > 6 && ngx_memcmp(p, "MOVED ", 6) == 0) {
        p += 6;

    } else if (text->len > 4 && ngx_memcmp(p, "ASK ", 4) == 0) {
        p += 4;

    } else {
        return NGX_DECLINED;
    }

    space = memchr(p, ' ', last - p);

    if (space == NULL
        || ngx_intake_redis_number(p, space, NGX_INTAKE_REDIS_SLOTS - 1, slot)
           != NGX_OK)
    {
        return NGX_DECLINED;
    }

    p = space + 1;

    for (colon = last; colon > p && colon[-1] != ':'; colon--) { /* void */ }

    if (colon == p
        || ngx_intake_redis_number(colon, last, 65535, &n) != NGX_OK
        || n == 0)
    {
        return NGX_DECLINED;
    }

    host->data = p;
    host->len = colon - 1 - p;
    *port = (in_port_t) n;

    if (host->len > 1 && p[0] == '[' && p[host->len - 1] == ']') {
        host->data++;
        host->len -= 2;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_intake_redis_number(const u_char *p, const u_char *last, ngx_uint_t max,
    ngx_uint_t *number)
{
    ngx_uint_t  n;

    if (p == last) {
        return NGX_DECLINED;
    }

    for (n = 0; p < last; p++) {

        if (*p < '0' || *p > '9') {
            return NGX_DECLINED;
        }

        n = n * 10 + (*p - '0');

        if (n > max) {
            return NGX_DECLINED;
        }
    }

    *number = n;

    return NGX_OK;
}
