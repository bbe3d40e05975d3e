
/*
 * Copyright (C) nginx-intake contributors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_intake_json.h"


#define NGX_INTAKE_JSON_NO_UNIT  0x10000


static size_t ngx_intake_json_decode(u_char **pos, u_char *end, u_char *dst);
static u_char ngx_intake_json_short(u_char ch);
static uint32_t ngx_intake_json_unit(u_char *p, u_char *end);
static size_t ngx_intake_json_encode(u_char *dst, uint32_t c);
static size_t ngx_intake_json_sequence(u_char *p, u_char *end,
    ngx_uint_t *valid);


/* how an ASCII character is written: 0 as it is, 'u' as \u00XX, else as \X */

static u_char  ngx_intake_json_escapes[] =
    "uuuuuuuubtnufruu"
    "uuuuuuuuuuuuuuuu"
    "\0\0\"\0\0\0\0\0\0\0\0\0\0\0\0\0"
    "\0\0\0\0\0\0\0\0\0\0\0\0u\0\0\0"
    "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
    "\0\0\0\0\0\0\0\0\0\0\0\0\\\0\0\0"
    "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
    "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";


size_t
ngx_intake_json_unescape(u_char *dst, ngx_str_t *raw)
{
    u_char  *p, *last, *start;

    if (raw->len == 0) {
        return 0;
    }

    p = raw->data;
    last = raw->data + raw->len;
    start = dst;

    while (p < last) {

        if (*p != '\\') {
            *dst++ = *p++;
            continue;
        }

        /* no escape is shorter than what it stands for */

        dst += ngx_intake_json_decode(&p, last, dst);
    }

    return dst - start;
}


ngx_uint_t
ngx_intake_json_equal(ngx_str_t *raw, u_char *text, size_t len)
{
    size_t   n;
    u_char  *p, *last, buf[4];

    if (raw->len == 0) {
        return len == 0;
    }

    p = raw->data;
    last = raw->data + raw->len;

    while (p < last) {

        if (*p == '\\') {
            n = ngx_intake_json_decode(&p, last, buf);

        } else {
            buf[0] = *p++;
            n = 1;
        }

        if (len < n || ngx_memcmp(text, buf, n) != 0) {
            return 0;
        }

        text += n;
        len -= n;
    }

    return len == 0;
}


/*
 * Decodes the escape at *pos to at most 4 bytes and moves *pos behind it.  Of
 * what is no escape, which the reader would not have passed, the backslash is
 * copied, so that no input can lead out of its bounds.
 */

static size_t
ngx_intake_json_decode(u_char **pos, u_char *end, u_char *dst)
{
    u_char    *p, ch;
    uint32_t   c, low;

    p = *pos;

    ch = (end - p < 2) ? '\0' : ngx_intake_json_short(p[1]);

    if (ch != '\0') {
        *dst = ch;
        *pos = p + 2;
        return 1;
    }

    c = ngx_intake_json_unit(p, end);

    if (c == NGX_INTAKE_JSON_NO_UNIT) {
        *dst = *p;
        *pos = p + 1;
        return 1;
    }

    p += 6;

    if (c >= 0xd800 && c <= 0xdfff) {

        low = ngx_intake_json_unit(p, end);

        if (c <= 0xdbff && low >= 0xdc00 && low <= 0xdfff) {
            c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
            p += 6;

        } else {
            c = 0xfffd;
        }
    }

    *pos = p;

    return ngx_intake_json_encode(dst, c);
}


static u_char
ngx_intake_json_short(u_char ch)
{
    switch (ch) {

    case '"':
    case '\\':
    case '/':
        return ch;

    case 'b':
        return '\b';

    case 'f':
        return '\f';

    case 'n':
        return '\n';

    case 'r':
        return '\r';

    case 't':
        return '\t';
    }

    return '\0';
}


/* the UTF-16 unit of the \uXXXX at p */

static uint32_t
ngx_intake_json_unit(u_char *p, u_char *end)
{
    u_char      ch;
    uint32_t    c;
    ngx_uint_t  i;

    if (end - p < 6 || p[0] != '\\' || p[1] != 'u') {
        return NGX_INTAKE_JSON_NO_UNIT;
    }

    c = 0;

    for (i = 2; i < 6; i++) {

        ch = p[i];

        if (ch >= '0' && ch <= '9') {
            c = c << 4 | (ch - '0');
            continue;
        }

        ch |= 0x20;

        if (ch < 'a' || ch > 'f') {
            return NGX_INTAKE_JSON_NO_UNIT;
        }

        c = c << 4 | (ch - 'a' + 10);
    }

    return c;
}


static size_t
ngx_intake_json_encode(u_char *dst, uint32_t c)
{
    if (c < 0x80) {
        dst[0] = (u_char) c;
        return 1;
    }

    if (c < 0x800) {
        dst[0] = (u_char) (0xc0 | c >> 6);
        dst[1] = (u_char) (0x80 | (c & 0x3f));
        return 2;
    }

    if (c < 0x10000) {
        dst[0] = (u_char) (0xe0 | c >> 12);
        dst[1] = (u_char) (0x80 | (c >> 6 & 0x3f));
        dst[2] = (u_char) (0x80 | (c & 0x3f));
        return 3;
    }

    dst[0] = (u_char) (0xf0 | c >> 18);
    dst[1] = (u_char) (0x80 | (c >> 12 & 0x3f));
    dst[2] = (u_char) (0x80 | (c >> 6 & 0x3f));
    dst[3] = (u_char) (0x80 | (c & 0x3f));

    return 4;
}


size_t
ngx_intake_json_escape_length(u_char *src, size_t len)
{
    size_t       n, sequence;
    u_char      *end, ch;
    ngx_uint_t   valid;

    if (len == 0) {
        return 0;
    }

    n = 0;
    end = src + len;

    while (src < end) {

        if (*src < 0x80) {
            ch = ngx_intake_json_escapes[*src++];
            n += (ch == '\0') ? 1 : (ch == 'u') ? 6 : 2;
            continue;
        }

        sequence = ngx_intake_json_sequence(src, end, &valid);

        src += sequence;
        n += valid ? sequence : 3;
    }

    return n;
}


u_char *
ngx_intake_json_escape(u_char *dst, u_char *src, size_t len)
{
    size_t         n;
    u_char        *end, ch;
    ngx_uint_t     valid;
    static u_char  hex[] = "0123456789abcdef";

    if (len == 0) {
        return dst;
    }

    end = src + len;

    while (src < end) {

        if (*src >= 0x80) {
            n = ngx_intake_json_sequence(src, end, &valid);

            if (valid) {
                dst = ngx_cpymem(dst, src, n);

            } else {
                dst += ngx_intake_json_encode(dst, 0xfffd);
            }

            src += n;
            continue;
        }

        ch = ngx_intake_json_escapes[*src];

        if (ch == '\0') {
            *dst++ = *src++;
            continue;
        }

        *dst++ = '\\';
        *dst++ = ch;

        if (ch == 'u') {
            *dst++ = '0';
            *dst++ = '0';
            *dst++ = hex[*src >> 4];
            *dst++ = hex[*src & 0x0f];
        }

        src++;
    }

    return dst;
}


/*
 * The length of the UTF-8 sequence at p, whose first byte is not ASCII; if it
 * is not valid, the length of its maximal subpart (Unicode 3.9, table 3-7)
 */

static size_t
ngx_intake_json_sequence(u_char *p, u_char *end, ngx_uint_t *valid)
{
    u_char  *start, lower, upper;
    size_t   n;

    start = p;
    lower = 0x80;
    upper = 0xbf;
    *valid = 0;

    if (*p >= 0xc2 && *p <= 0xdf) {
        n = 1;

    } else if (*p >= 0xe0 && *p <= 0xef) {
        n = 2;

        /* neither overlong nor a surrogate */

        lower = (*p == 0xe0) ? 0xa0 : 0x80;
        upper = (*p == 0xed) ? 0x9f : 0xbf;

    } else if (*p >= 0xf0 && *p <= 0xf4) {
        n = 3;

        /* neither overlong nor above U+10FFFF */

        lower = (*p == 0xf0) ? 0x90 : 0x80;
        upper = (*p == 0xf4) ? 0x8f : 0xbf;

    } else {
        return 1;
    }

    for (p++; n; n--, p++) {

        if (p == end || *p < lower || *p > upper) {
            return p - start;
        }

        lower = 0x80;
        upper = 0xbf;
    }

    *valid = 1;

    return p - start;
}
