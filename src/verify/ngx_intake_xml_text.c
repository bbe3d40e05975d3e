
/*
 * Copyright (C) nginx-intake contributors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_intake_xml_scan.h"


/* "&#x10FFFF;" and some zeros in front of the number */

#define NGX_INTAKE_XML_MAX_ENTITY  16


static u_char *ngx_intake_xml_characters(u_char *dst, u_char *p,
    u_char *last);
static u_char *ngx_intake_xml_entity(u_char *dst, u_char *p, u_char *last,
    u_char **next);
static u_char *ngx_intake_xml_number(u_char *p, u_char *last,
    uint32_t *number);
static u_char *ngx_intake_xml_utf8(u_char *dst, uint32_t ch);


size_t
ngx_intake_xml_text(u_char *dst, ngx_str_t *content)
{
    u_char                   *p, *d, *last, *start, *end;
    ngx_uint_t                depth;
    ngx_intake_xml_markup_t   markup;

    p = content->data;
    last = p + content->len;
    d = dst;
    depth = 0;

    while (p < last) {

        start = memchr(p, '<', last - p);
        end = start ? start : last;

        if (depth == 0) {
            d = ngx_intake_xml_characters(d, p, end);
        }

        if (start == NULL) {
            break;
        }

        p = ngx_intake_xml_scan(start, last, &markup);

        if (p == NULL) {
            break;
        }

        if (markup.kind == NGX_INTAKE_XML_START) {
            depth++;

        } else if (markup.kind == NGX_INTAKE_XML_END && depth) {
            depth--;

        } else if (markup.kind == NGX_INTAKE_XML_CDATA && depth == 0) {
            d = ngx_cpymem(d, markup.text.data, markup.text.len);
        }
    }

    while (d > dst && ngx_intake_xml_is_space(d[-1])) {
        d--;
    }

    start = ngx_intake_xml_space(dst, d);

    if (start > dst) {
        ngx_memmove(dst, start, d - start);
    }

    return d - start;
}


static u_char *
ngx_intake_xml_characters(u_char *dst, u_char *p, u_char *last)
{
    u_char  *end, *next;

    while (p < last) {

        end = memchr(p, '&', last - p);

        if (end == NULL) {
            return ngx_cpymem(dst, p, last - p);
        }

        dst = ngx_cpymem(dst, p, end - p);
        dst = ngx_intake_xml_entity(dst, end, last, &next);
        p = next;
    }

    return dst;
}


/* what begins with "&" at p; *next is where it ends */

static u_char *
ngx_intake_xml_entity(u_char *dst, u_char *p, u_char *last, u_char **next)
{
    size_t      len;
    u_char     *end;
    uint32_t    ch;
    ngx_uint_t  i;

    static struct {
        const char  *name;
        size_t       len;
        u_char       ch;
    } entities[] = {
        { "&lt;", 4, '<' },
        { "&gt;", 4, '>' },
        { "&amp;", 5, '&' },
        { "&quot;", 6, '"' },
        { "&apos;", 6, '\'' }
    };

    for (i = 0; i < sizeof(entities) / sizeof(entities[0]); i++) {
        len = entities[i].len;

        if ((size_t) (last - p) >= len
            && ngx_memcmp(p, entities[i].name, len) == 0)
        {
            *dst++ = entities[i].ch;
            *next = p + len;
            return dst;
        }
    }

    end = ngx_intake_xml_number(p, last, &ch);

    if (end) {
        *next = end;
        return ngx_intake_xml_utf8(dst, ch);
    }

    *dst++ = '&';
    *next = p + 1;

    return dst;
}


/* the number of a character; NULL if it is none, or no Char of XML */

static u_char *
ngx_intake_xml_number(u_char *p, u_char *last, uint32_t *number)
{
    u_char      c;
    uint32_t    ch;
    ngx_uint_t  n, base;

    if (last - p > NGX_INTAKE_XML_MAX_ENTITY) {
        last = p + NGX_INTAKE_XML_MAX_ENTITY;
    }

    if (last - p < 4 || p[1] != '#') {
        return NULL;
    }

    base = (p[2] == 'x') ? 16 : 10;
    p += (base == 16) ? 3 : 2;
    ch = 0;

    for (n = 0; p < last && ch <= 0x10ffff; n++, p++) {
        c = *p | 0x20;

        if (*p >= '0' && *p <= '9') {
            ch = ch * base + (*p - '0');

        } else if (base == 16 && c >= 'a' && c <= 'f') {
            ch = ch * base + (c - 'a' + 10);

        } else {
            break;
        }
    }

    if (n == 0 || p == last || *p != ';'
        || ch > 0x10ffff || (ch >= 0xd800 && ch <= 0xdfff)
        || ch == 0xfffe || ch == 0xffff
        || (ch < 0x20 && ch != '\t' && ch != LF && ch != CR))
    {
        return NULL;
    }

    *number = ch;

    return p + 1;
}


static u_char *
ngx_intake_xml_utf8(u_char *dst, uint32_t ch)
{
    if (ch < 0x80) {
        *dst++ = (u_char) ch;
        return dst;
    }

    if (ch < 0x800) {
        *dst++ = (u_char) (0xc0 | (ch >> 6));
        *dst++ = (u_char) (0x80 | (ch & 0x3f));
        return dst;
    }

    if (ch < 0x10000) {
        *dst++ = (u_char) (0xe0 | (ch >> 12));

    } else {
        *dst++ = (u_char) (0xf0 | (ch >> 18));
        *dst++ = (u_char) (0x80 | ((ch >> 12) & 0x3f));
    }

    *dst++ = (u_char) (0x80 | ((ch >> 6) & 0x3f));
    *dst++ = (u_char) (0x80 | (ch & 0x3f));

    return dst;
}
