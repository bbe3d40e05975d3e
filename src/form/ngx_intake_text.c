
/*
 * Copyright (C) nginx-intake contributors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_intake_text.h"
#include "ngx_intake_utf8.h"


#define ngx_intake_text_control(c)                                            \
    ((c) < 0x20 || ((c) >= 0x7f && (c) <= 0x9f))

#define ngx_intake_text_space(ch)                                             \
    ((ch) == ' ' || ((ch) >= '\t' && (ch) <= '\r' && (ch) != '\v'))


static uint32_t ngx_intake_text_next(u_char **pos, u_char *last);


ngx_uint_t
ngx_intake_text_single_line(ngx_str_t *text)
{
    u_char    *p, *last;
    uint32_t   c;

    if (text->len == 0) {
        return 1;
    }

    p = text->data;
    last = p + text->len;

    while (p < last) {
        c = ngx_intake_utf8_next(&p, last);

        if (ngx_intake_text_control(c) || c == 0x2028 || c == 0x2029) {
            return 0;
        }
    }

    return 1;
}


size_t
ngx_intake_text_lines_length(ngx_str_t *text)
{
    size_t   n;
    u_char  *p, *last, buf[NGX_INTAKE_UTF8_MAX];

    if (text->len == 0) {
        return 0;
    }

    n = 0;
    p = text->data;
    last = p + text->len;

    while (p < last) {
        n += ngx_intake_utf8_put(buf, ngx_intake_text_next(&p, last)) - buf;
    }

    return n;
}


u_char *
ngx_intake_text_lines(u_char *dst, ngx_str_t *text)
{
    u_char  *p, *last;

    if (text->len == 0) {
        return dst;
    }

    p = text->data;
    last = p + text->len;

    while (p < last) {
        dst = ngx_intake_utf8_put(dst, ngx_intake_text_next(&p, last));
    }

    return dst;
}


/* the next character, as text of several lines has it */

static uint32_t
ngx_intake_text_next(u_char **pos, u_char *last)
{
    uint32_t  c;

    c = ngx_intake_utf8_next(pos, last);

    if (c == '\r') {

        if (*pos < last && **pos == '\n') {
            (*pos)++;
        }

        return '\n';
    }

    if (c == '\n' || c == '\t') {
        return c;
    }

    if (ngx_intake_text_control(c) || c == NGX_INTAKE_UTF8_INVALID) {
        return NGX_INTAKE_UTF8_REPLACEMENT;
    }

    return c;
}


size_t
ngx_intake_text_units(ngx_str_t *text)
{
    size_t   n;
    u_char  *p, *last;

    if (text->len == 0) {
        return 0;
    }

    n = 0;
    p = text->data;
    last = p + text->len;

    while (p < last) {
        n += (ngx_intake_text_next(&p, last) < 0x10000) ? 1 : 2;
    }

    return n;
}


ngx_uint_t
ngx_intake_text_blank(ngx_str_t *text)
{
    u_char    *p, *last;
    uint32_t   c;

    if (text->len == 0) {
        return 1;
    }

    p = text->data;
    last = p + text->len;

    while (p < last) {
        c = ngx_intake_utf8_next(&p, last);

        /* White_Space, and the byte order mark as in ECMAScript */

        if ((c >= '\t' && c <= '\r') || c == ' ' || c == 0x85 || c == 0xa0
            || c == 0x1680 || (c >= 0x2000 && c <= 0x200a)
            || c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f
            || c == 0x3000 || c == 0xfeff)
        {
            continue;
        }

        return 0;
    }

    return 1;
}


void
ngx_intake_text_trim(ngx_str_t *text)
{
    while (text->len && ngx_intake_text_space(*text->data)) {
        text->data++;
        text->len--;
    }

    while (text->len && ngx_intake_text_space(text->data[text->len - 1])) {
        text->len--;
    }
}
