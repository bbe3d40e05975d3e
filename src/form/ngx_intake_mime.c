
/*
 * Copyright (C) nginx-intake contributors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_intake_mime.h"
#include "ngx_intake_utf8.h"


#define ngx_intake_mime_space(ch)                                             \
    ((ch) == ' ' || (ch) == '\t' || (ch) == '\r' || (ch) == '\n')

/* what may stand in a quoted string, and so in the value of a parameter */

#define ngx_intake_mime_quotable(ch)                                          \
    ((ch) == '\t' || ((ch) >= 0x20 && (ch) != 0x7f))


static u_char *ngx_intake_mime_trim(u_char *p, u_char *last);
static u_char *ngx_intake_mime_parameter(ngx_intake_mime_t *mime, u_char *p,
    u_char *last);
static void ngx_intake_mime_boundary(ngx_intake_mime_t *mime,
    ngx_str_t *value, ngx_uint_t quoted);
static ngx_uint_t ngx_intake_mime_same(u_char *p, const char *text,
    size_t len);


/* "!", "#" to "'", "*", "+", "-", ".", "^" to "`", "|", "~", letters, digits */

static uint32_t  ngx_intake_mime_tokens[] = {
    0x00000000,     /* 0000 0000 0000 0000  0000 0000 0000 0000 */

                    /* ?>=< ;:98 7654 3210  /.-, +*)( '&%$ #"!  */
    0x03ff6cfa,     /* 0000 0011 1111 1111  0110 1100 1111 1010 */

                    /* _^]\ [ZYX WVUT SRQP  ONML KJIH GFED CBA@ */
    0xc7fffffe,     /* 1100 0111 1111 1111  1111 1111 1111 1110 */

                    /*  ~}| {zyx wvut srqp  onml kjih gfed cba` */
    0x57ffffff      /* 0101 0111 1111 1111  1111 1111 1111 1111 */
};


ngx_int_t
ngx_intake_mime_parse(ngx_intake_mime_t *mime, u_char *text, size_t len)
{
    size_t   n;
    u_char  *p, *last;

    ngx_memzero(mime, sizeof(ngx_intake_mime_t));

    if (len == 0) {
        return NGX_DECLINED;
    }

    p = text;
    last = text + len;

    while (p < last && ngx_intake_mime_space(*p)) {
        p++;
    }

    last = ngx_intake_mime_trim(p, last);

    mime->essence.data = p;

    n = ngx_intake_mime_token(p, last);
    p += n;

    if (n == 0 || p == last || *p++ != '/') {
        return NGX_DECLINED;
    }

    n = ngx_intake_mime_token(p, last);
    p += n;

    if (n == 0) {
        return NGX_DECLINED;
    }

    mime->essence.len = p - mime->essence.data;

    while (p < last && ngx_intake_mime_space(*p)) {
        p++;
    }

    if (p < last && *p != ';') {
        return NGX_DECLINED;
    }

    while (p < last) {
        p = ngx_intake_mime_parameter(mime, p + 1, last);
    }

    return NGX_OK;
}


/* returns the end without spaces */

static u_char *
ngx_intake_mime_trim(u_char *p, u_char *last)
{
    while (p < last && ngx_intake_mime_space(last[-1])) {
        last--;
    }

    return last;
}


/* returns where the parameter ends: at a semicolon, or the end of the text */

static u_char *
ngx_intake_mime_parameter(ngx_intake_mime_t *mime, u_char *p, u_char *last)
{
    ngx_str_t   name, value;
    ngx_uint_t  quoted;

    while (p < last && ngx_intake_mime_space(*p)) {
        p++;
    }

    name.data = p;

    while (p < last && *p != ';' && *p != '=') {
        p++;
    }

    name.len = p - name.data;

    if (p == last || *p == ';' || ++p == last) {
        return p;
    }

    quoted = (*p == '"');
    p += quoted;

    value.data = p;

    while (quoted && p < last && *p != '"') {
        p += (*p == '\\' && last - p > 1) ? 2 : 1;
    }

    value.len = p - value.data;

    /* what follows a closing quote is nothing */

    while (p < last && *p != ';') {
        p++;
    }

    if (!quoted) {
        value.len = ngx_intake_mime_trim(value.data, p) - value.data;

        if (value.len == 0) {
            return p;
        }
    }

    if (name.len == 8 && ngx_intake_mime_same(name.data, "boundary", 8)) {
        ngx_intake_mime_boundary(mime, &value, quoted);
    }

    return p;
}


/* a value that no quoted string could have is none, as in the standard */

static void
ngx_intake_mime_boundary(ngx_intake_mime_t *mime, ngx_str_t *value,
    ngx_uint_t quoted)
{
    u_char  *p, *last, *dst, buf[NGX_INTAKE_UTF8_MAX];
    size_t   len, n;

    last = value->data + value->len;

    for (p = value->data; p < last; p++) {
        if (!ngx_intake_mime_quotable(*p)) {
            return;
        }
    }

    if (mime->nboundaries++) {
        mime->found = NGX_INTAKE_MIME_BOUNDARY_BAD;
        return;
    }

    if (value->len == 0) {
        return;
    }

    mime->found = NGX_INTAKE_MIME_BOUNDARY_BAD;

    dst = mime->boundary;
    len = 0;

    for (p = value->data; p < last; p++) {

        if (quoted && *p == '\\' && last - p > 1) {
            p++;
        }

        n = ngx_intake_utf8_put(buf, *p) - buf;

        if (len + n > NGX_INTAKE_MIME_BOUNDARY) {
            return;
        }

        dst = ngx_cpymem(dst, buf, n);
        len += n;
    }

    if (dst[-1] == ' ') {
        return;
    }

    mime->found = NGX_INTAKE_MIME_BOUNDARY_FOUND;
    mime->len = len;
}


ngx_uint_t
ngx_intake_mime_is(ngx_intake_mime_t *mime, const char *text)
{
    size_t  len;

    len = ngx_strlen(text);

    return mime->essence.len == len
           && ngx_intake_mime_same(mime->essence.data, text, len);
}


static ngx_uint_t
ngx_intake_mime_same(u_char *p, const char *text, size_t len)
{
    size_t  i;

    for (i = 0; i < len; i++) {
        if (ngx_tolower(p[i]) != (u_char) text[i]) {
            return 0;
        }
    }

    return 1;
}


size_t
ngx_intake_mime_token(u_char *p, u_char *last)
{
    u_char  *start;

    start = p;

    while (p < last && *p < 0x80
           && ngx_intake_mime_tokens[*p >> 5] & (1U << (*p & 0x1f)))
    {
        p++;
    }

    return p - start;
}
