
/*
 * Copyright (C) nginx-intake contributors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_intake_json_scan.h"


/* each byte of a word: is it zero, is it less than a space */

#define NGX_INTAKE_JSON_ONES    0x0101010101010101ULL
#define NGX_INTAKE_JSON_HIGHS   0x8080808080808080ULL

#define ngx_intake_json_zero(w)                                               \
    (((w) - NGX_INTAKE_JSON_ONES) & ~(w))

#define ngx_intake_json_control(w)                                            \
    (((w) - NGX_INTAKE_JSON_ONES * 0x20) & ~(w))


static u_char *ngx_intake_json_word(ngx_intake_json_scan_t *s, u_char *p,
    char *word, size_t len);
static u_char *ngx_intake_json_number(ngx_intake_json_scan_t *s, u_char *p);
static u_char *ngx_intake_json_string(ngx_intake_json_scan_t *s, u_char *p,
    ngx_uint_t *escaped);
static ngx_uint_t ngx_intake_json_hex(u_char *p);


static ngx_inline u_char *
ngx_intake_json_digits(u_char *p, u_char *end)
{
    while (p < end && *p >= '0' && *p <= '9') {
        p++;
    }

    return p;
}


/* finds the first quote, backslash or control character */

static ngx_inline u_char *
ngx_intake_json_plain(u_char *p, u_char *end)
{
    uint64_t  w;

    while (end - p >= 8) {

        ngx_memcpy(&w, p, 8);

        w = (ngx_intake_json_zero(w ^ NGX_INTAKE_JSON_ONES * '"')
             | ngx_intake_json_zero(w ^ NGX_INTAKE_JSON_ONES * '\\')
             | ngx_intake_json_control(w))
            & NGX_INTAKE_JSON_HIGHS;

        if (w) {

#if (NGX_HAVE_LITTLE_ENDIAN && __GNUC__)

            /* a carry marks only bytes above one that is rightly marked */

            return p + (__builtin_ctzll(w) >> 3);
#else
            break;
#endif
        }

        p += 8;
    }

    while (p < end && *p != '"' && *p != '\\' && *p >= ' ') {
        p++;
    }

    return p;
}


/* the stack of the containers that are skipped: is each an object */

static ngx_inline void
ngx_intake_json_push(uint64_t *objects, ngx_uint_t n, ngx_uint_t object)
{
    uint64_t  bit;

    bit = ngx_intake_json_bit(n & 63);

    if ((n & 63) == 0) {
        objects[n >> 6] = object;

    } else if (object) {
        objects[n >> 6] |= bit;

    } else {
        objects[n >> 6] &= ~bit;
    }
}


static ngx_inline ngx_uint_t
ngx_intake_json_top(uint64_t *objects, ngx_uint_t n)
{
    if (n == 0) {
        return 0;
    }

    n--;

    return objects[n >> 6] >> (n & 63) & 1;
}


ngx_int_t
ngx_intake_json_skip(ngx_intake_json_scan_t *s, ngx_uint_t depth)
{
    u_char                   *p;
    uint64_t                  objects[NGX_INTAKE_JSON_MAX_DEPTH / 64];
    ngx_str_t                 name;
    ngx_uint_t                n, object, escaped;
    ngx_intake_json_value_t   value;

    p = s->pos;
    n = 0;
    object = 0;

    for ( ;; ) {

        if (object) {
            p = ngx_intake_json_name(s, p, &name, &escaped);

            if (p == NULL) {
                return NGX_ERROR;
            }
        }

        p = ngx_intake_json_space(s, p);

        if (p < s->end && (*p == '{' || *p == '[')) {

            if (n == depth) {
                s->pos = p;
                return NGX_DECLINED;
            }

            object = (*p == '{');
            ngx_intake_json_push(objects, n++, object);

            p = ngx_intake_json_space(s, p + 1);

            if (p == s->end || *p != (object ? '}' : ']')) {
                continue;
            }

        } else {
            p = ngx_intake_json_scalar(s, p, &value);

            if (p == NULL) {
                return NGX_ERROR;
            }
        }

        for ( ;; ) {

            if (n == 0) {
                s->pos = p;
                return NGX_OK;
            }

            p = ngx_intake_json_space(s, p);

            if (p < s->end && *p == ',') {
                p++;
                break;
            }

            if (p == s->end || *p != (object ? '}' : ']')) {
                s->pos = p;
                return NGX_ERROR;
            }

            p++;
            n--;
            object = ngx_intake_json_top(objects, n);
        }
    }
}


u_char *
ngx_intake_json_scalar(ngx_intake_json_scan_t *s, u_char *p,
    ngx_intake_json_value_t *value)
{
    u_char      *last;
    ngx_uint_t   escaped;

    escaped = 0;

    switch ((p < s->end) ? *p : '\0') {

    case '"':
        value->kind = NGX_INTAKE_JSON_STRING;
        p++;
        last = ngx_intake_json_string(s, p, &escaped);
        break;

    case 't':
        value->kind = NGX_INTAKE_JSON_TRUE;
        last = ngx_intake_json_word(s, p, "true", 4);
        break;

    case 'f':
        value->kind = NGX_INTAKE_JSON_FALSE;
        last = ngx_intake_json_word(s, p, "false", 5);
        break;

    case 'n':
        value->kind = NGX_INTAKE_JSON_NULL;
        last = ngx_intake_json_word(s, p, "null", 4);
        break;

    default:
        value->kind = NGX_INTAKE_JSON_NUMBER;
        last = ngx_intake_json_number(s, p);
    }

    if (last == NULL) {
        return NULL;
    }

    value->raw.data = p;
    value->raw.len = last - p;
    value->escaped = escaped;

    return (value->kind == NGX_INTAKE_JSON_STRING) ? last + 1 : last;
}


static u_char *
ngx_intake_json_word(ngx_intake_json_scan_t *s, u_char *p, char *word,
    size_t len)
{
    if ((size_t) (s->end - p) < len || ngx_memcmp(p, word, len) != 0) {
        s->pos = p;
        return NULL;
    }

    return p + len;
}


static u_char *
ngx_intake_json_number(ngx_intake_json_scan_t *s, u_char *p)
{
    u_char  *end, *digits;

    end = s->end;

    if (p < end && *p == '-') {
        p++;
    }

    digits = p;
    p = ngx_intake_json_digits(p, end);

    if (p == digits || (*digits == '0' && p > digits + 1)) {
        goto failed;
    }

    if (p < end && *p == '.') {
        digits = ++p;
        p = ngx_intake_json_digits(p, end);

        if (p == digits) {
            goto failed;
        }
    }

    if (p < end && (*p == 'e' || *p == 'E')) {
        p++;

        if (p < end && (*p == '+' || *p == '-')) {
            p++;
        }

        digits = p;
        p = ngx_intake_json_digits(p, end);

        if (p == digits) {
            goto failed;
        }
    }

    return p;

failed:

    s->pos = p;

    return NULL;
}


u_char *
ngx_intake_json_name(ngx_intake_json_scan_t *s, u_char *p, ngx_str_t *name,
    ngx_uint_t *escaped)
{
    p = ngx_intake_json_space(s, p);

    if (p == s->end || *p != '"') {
        s->pos = p;
        return NULL;
    }

    *escaped = 0;
    name->data = p + 1;

    p = ngx_intake_json_string(s, p + 1, escaped);

    if (p == NULL) {
        return NULL;
    }

    name->len = p - name->data;

    p = ngx_intake_json_space(s, p + 1);

    if (p == s->end || *p != ':') {
        s->pos = p;
        return NULL;
    }

    return p + 1;
}


/* returns the closing quote */

static u_char *
ngx_intake_json_string(ngx_intake_json_scan_t *s, u_char *p,
    ngx_uint_t *escaped)
{
    for ( ;; ) {

        p = ngx_intake_json_plain(p, s->end);

        if (p < s->end && *p == '"') {
            return p;
        }

        /* a control character, the end, or an escape */

        if (s->end - p < 2 || *p != '\\') {
            break;
        }

        *escaped = 1;

        switch (p[1]) {

        case '"':
        case '\\':
        case '/':
        case 'b':
        case 'f':
        case 'n':
        case 'r':
        case 't':
            p += 2;
            continue;

        case 'u':
            if (s->end - p >= 6 && ngx_intake_json_hex(p + 2)) {
                p += 6;
                continue;
            }
        }

        break;
    }

    s->pos = p;

    return NULL;
}


static ngx_uint_t
ngx_intake_json_hex(u_char *p)
{
    u_char      ch;
    ngx_uint_t  i;

    for (i = 0; i < 4; i++) {
        ch = p[i] | 0x20;

        if ((p[i] < '0' || p[i] > '9') && (ch < 'a' || ch > 'f')) {
            return 0;
        }
    }

    return 1;
}
