
/*
 * Copyright (C) nginx-intake contributors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_intake_utf8.h"


uint32_t
ngx_intake_utf8_next(u_char **pos, u_char *last)
{
    u_char     *p, lower, upper;
    uint32_t    c;
    ngx_uint_t  n;

    p = *pos;
    c = *p++;

    *pos = p;

    lower = 0x80;
    upper = 0xbf;

    if (c < 0x80) {
        return c;
    }

    if (c >= 0xc2 && c <= 0xdf) {
        c &= 0x1f;
        n = 1;

    } else if (c >= 0xe0 && c <= 0xef) {

        /* neither overlong nor a surrogate */

        lower = (c == 0xe0) ? 0xa0 : 0x80;
        upper = (c == 0xed) ? 0x9f : 0xbf;

        c &= 0x0f;
        n = 2;

    } else if (c >= 0xf0 && c <= 0xf4) {

        /* neither overlong nor above U+10FFFF */

        lower = (c == 0xf0) ? 0x90 : 0x80;
        upper = (c == 0xf4) ? 0x8f : 0xbf;

        c &= 0x07;
        n = 3;

    } else {
        return NGX_INTAKE_UTF8_INVALID;
    }

    for ( /* void */ ; n; n--) {

        if (p == last || *p < lower || *p > upper) {
            *pos = p;
            return NGX_INTAKE_UTF8_INVALID;
        }

        c = c << 6 | (*p++ & 0x3f);

        lower = 0x80;
        upper = 0xbf;
    }

    *pos = p;

    return c;
}


u_char *
ngx_intake_utf8_put(u_char *dst, uint32_t c)
{
    if (c < 0x80) {
        *dst++ = (u_char) c;
        return dst;
    }

    if (c < 0x800) {
        *dst++ = (u_char) (0xc0 | c >> 6);
        *dst++ = (u_char) (0x80 | (c & 0x3f));
        return dst;
    }

    if (c < 0x10000) {
        *dst++ = (u_char) (0xe0 | c >> 12);

    } else {
        *dst++ = (u_char) (0xf0 | c >> 18);
        *dst++ = (u_char) (0x80 | (c >> 12 & 0x3f));
    }

    *dst++ = (u_char) (0x80 | (c >> 6 & 0x3f));
    *dst++ = (u_char) (0x80 | (c & 0x3f));

    return dst;
}


size_t
ngx_intake_utf8_ascii(u_char *p, size_t len)
{
    size_t    i;
    uint64_t  word;

    for (i = 0; i + sizeof(word) <= len; i += sizeof(word)) {
        ngx_memcpy(&word, p + i, sizeof(word));

        if (word & 0x8080808080808080ULL) {
            break;
        }
    }

    while (i < len && p[i] < 0x80) {
        i++;
    }

    return i;
}


ngx_uint_t
ngx_intake_utf8_valid(u_char *p, size_t len)
{
    u_char  *last;

    if (len == 0) {
        return 1;
    }

    last = p + len;

    for ( ;; ) {
        p += ngx_intake_utf8_ascii(p, last - p);

        if (p == last) {
            return 1;
        }

        /* texts that are not ASCII seldom have one such character alone */

        while (p < last && *p >= 0x80) {
            if (ngx_intake_utf8_next(&p, last) == NGX_INTAKE_UTF8_INVALID) {
                return 0;
            }
        }
    }
}


size_t
ngx_intake_utf8_length(u_char *p, size_t len)
{
    size_t   n;
    u_char  *last, *start;

    if (len == 0) {
        return 0;
    }

    n = 0;
    last = p + len;

    while (p < last) {
        start = p;

        if (ngx_intake_utf8_next(&p, last) == NGX_INTAKE_UTF8_INVALID) {
            n += 3;

        } else {
            n += p - start;
        }
    }

    return n;
}


u_char *
ngx_intake_utf8_copy(u_char *dst, u_char *src, size_t len)
{
    u_char    *last;
    uint32_t   c;

    if (len == 0) {
        return dst;
    }

    last = src + len;

    while (src < last) {
        c = ngx_intake_utf8_next(&src, last);

        if (c == NGX_INTAKE_UTF8_INVALID) {
            c = NGX_INTAKE_UTF8_REPLACEMENT;
        }

        dst = ngx_intake_utf8_put(dst, c);
    }

    return dst;
}
