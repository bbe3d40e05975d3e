
/*
 * Copyright (C) nginx-intake contributors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_intake_field.h"
#include "ngx_intake_text.h"
#include "ngx_intake_utf8.h"


#define NGX_INTAKE_FIELD_LABEL       63     /* bytes, of a host name */
#define NGX_INTAKE_FIELD_TEL_DIGITS  3
#define NGX_INTAKE_FIELD_PORT        65535


static ngx_intake_field_error_e ngx_intake_field_addresses(
    ngx_intake_field_rule_t *rule, ngx_str_t *value);
static ngx_intake_field_error_e ngx_intake_field_type(
    ngx_intake_field_rule_t *rule, ngx_str_t *value);
static ngx_intake_field_error_e ngx_intake_field_range(
    ngx_intake_field_rule_t *rule, ngx_str_t *value);
static ngx_intake_field_error_e ngx_intake_field_length(
    ngx_intake_field_rule_t *rule, ngx_str_t *value);
static ngx_uint_t ngx_intake_field_one_of(ngx_intake_field_rule_t *rule,
    ngx_str_t *value);
static u_char *ngx_intake_field_label(u_char *p, u_char *last);
static u_char *ngx_intake_field_authority(u_char *p, u_char *last);
static u_char *ngx_intake_field_host(u_char *p, u_char *last);


/* in the order of ngx_intake_field_error_e; the first are those of Formspree */

static const char  *ngx_intake_field_codes[] = {
    "",
    "REQUIRED_FIELD_EMPTY",
    "REQUIRED_FIELD_MISSING",
    "TYPE_EMAIL",
    "TYPE_TEL",
    "TYPE_URL",
    "TYPE_NUMERIC",
    "TYPE_DATE",
    "TOO_SHORT",
    "TOO_LONG",
    "RANGE_UNDERFLOW",
    "RANGE_OVERFLOW",
    "PATTERN",
    "NOT_ONE_OF",
    "UNKNOWN_FIELD",
    "DUPLICATE_FIELD",
    "CONTROL_CHARACTERS"
};


/* what may stand before the "@": atext of RFC 5322, and "." */

static uint32_t  ngx_intake_field_atext[] = {
    0x00000000,     /* 0000 0000 0000 0000  0000 0000 0000 0000 */

                    /* ?>=< ;:98 7654 3210  /.-, +*)( '&%$ #"!  */
    0xa3ffecfa,     /* 1010 0011 1111 1111  1110 1100 1111 1010 */

                    /* _^]\ [ZYX WVUT SRQP  ONML KJIH GFED CBA@ */
    0xc7fffffe,     /* 1100 0111 1111 1111  1111 1111 1111 1110 */

                    /*  ~}| {zyx wvut srqp  onml kjih gfed cba` */
    0x7fffffff      /* 0111 1111 1111 1111  1111 1111 1111 1111 */
};

/* what no URL has: white space, controls and "<>\^`{|} */

static uint32_t  ngx_intake_field_not_url[] = {
    0xffffffff,     /* 1111 1111 1111 1111  1111 1111 1111 1111 */

                    /* ?>=< ;:98 7654 3210  /.-, +*)( '&%$ #"!  */
    0x50000005,     /* 0101 0000 0000 0000  0000 0000 0000 0101 */

                    /* _^]\ [ZYX WVUT SRQP  ONML KJIH GFED CBA@ */
    0x50000000,     /* 0101 0000 0000 0000  0000 0000 0000 0000 */

                    /*  ~}| {zyx wvut srqp  onml kjih gfed cba` */
    0xb8000001      /* 1011 1000 0000 0000  0000 0000 0000 0001 */
};


#define ngx_intake_field_in(table, ch)                                        \
    ((ch) < 0x80 && table[(ch) >> 5] & (1U << ((ch) & 0x1f)))

#define ngx_intake_field_digit(ch)  ((ch) >= '0' && (ch) <= '9')

#define ngx_intake_field_alnum(ch)                                            \
    (ngx_intake_field_digit(ch)                                               \
     || (((ch) | 0x20) >= 'a' && ((ch) | 0x20) <= 'z'))


const char *
ngx_intake_field_code(ngx_intake_field_error_e error)
{
    return ngx_intake_field_codes[error];
}


ngx_intake_field_error_e
ngx_intake_field_check(ngx_intake_field_rule_t *rule, ngx_str_t *value)
{
    ngx_str_t                 trimmed;
    ngx_intake_field_error_e  error;

    if (rule->required && ngx_intake_text_blank(value)) {
        return NGX_INTAKE_FIELD_REQUIRED_EMPTY;
    }

    if (rule->type == NGX_INTAKE_FIELD_EMAIL) {
        ngx_intake_text_trim(value);
    }

    /* one address alone has no control characters by its own rule */

    if ((rule->single_line || rule->multiple
         || rule->type != NGX_INTAKE_FIELD_EMAIL)
        && (rule->single_line || rule->type != NGX_INTAKE_FIELD_TEXT)
        && !ngx_intake_text_single_line(value))
    {
        return NGX_INTAKE_FIELD_CONTROL_CHARACTERS;
    }

    trimmed = *value;

    if (rule->type != NGX_INTAKE_FIELD_TEXT) {
        ngx_intake_text_trim(&trimmed);
    }

    if (trimmed.len == 0) {
        return NGX_INTAKE_FIELD_FINE;
    }

    error = ngx_intake_field_type(rule, &trimmed);

    if (error != NGX_INTAKE_FIELD_FINE) {
        return error;
    }

    if (rule->nvalues && !ngx_intake_field_one_of(rule, &trimmed)) {
        return NGX_INTAKE_FIELD_NOT_ONE_OF;
    }

    if (rule->type == NGX_INTAKE_FIELD_NUMBER
        || rule->type == NGX_INTAKE_FIELD_DATE)
    {
        return ngx_intake_field_range(rule, &trimmed);
    }

    return ngx_intake_field_length(rule, value);
}


/* one address, or as HTML has it with "multiple" some, between commas */

static ngx_intake_field_error_e
ngx_intake_field_addresses(ngx_intake_field_rule_t *rule, ngx_str_t *value)
{
    u_char     *p, *end, *last;
    ngx_int_t   rc;
    ngx_str_t   address;

    p = value->data;
    last = p + value->len;

    for ( ;; ) {
        end = rule->multiple ? memchr(p, ',', last - p) : NULL;
        end = (end != NULL) ? end : last;

        address.data = p;
        address.len = end - p;

        ngx_intake_text_trim(&address);

        rc = ngx_intake_field_email(&address);

        if (rc != NGX_OK) {
            return (rc == NGX_ABORT) ? NGX_INTAKE_FIELD_TOO_LONG
                                     : NGX_INTAKE_FIELD_TYPE_EMAIL;
        }

        if (end == last) {
            return NGX_INTAKE_FIELD_FINE;
        }

        p = end + 1;

        if (p == last) {
            return NGX_INTAKE_FIELD_TYPE_EMAIL;
        }
    }
}


static ngx_intake_field_error_e
ngx_intake_field_type(ngx_intake_field_rule_t *rule, ngx_str_t *value)
{
    switch (rule->type) {

    case NGX_INTAKE_FIELD_EMAIL:
        return ngx_intake_field_addresses(rule, value);

    case NGX_INTAKE_FIELD_TEL:
        return (ngx_intake_field_tel(value) == NGX_OK)
               ? NGX_INTAKE_FIELD_FINE : NGX_INTAKE_FIELD_TYPE_TEL;

    case NGX_INTAKE_FIELD_URL:
        return (ngx_intake_field_url(value) == NGX_OK)
               ? NGX_INTAKE_FIELD_FINE : NGX_INTAKE_FIELD_TYPE_URL;

    case NGX_INTAKE_FIELD_NUMBER:
        return (ngx_intake_field_number(value) == NGX_OK)
               ? NGX_INTAKE_FIELD_FINE : NGX_INTAKE_FIELD_TYPE_NUMERIC;

    case NGX_INTAKE_FIELD_DATE:
        return (ngx_intake_field_date(value) == NGX_OK)
               ? NGX_INTAKE_FIELD_FINE : NGX_INTAKE_FIELD_TYPE_DATE;

    default:
        return NGX_INTAKE_FIELD_FINE;
    }
}


static ngx_intake_field_error_e
ngx_intake_field_range(ngx_intake_field_rule_t *rule, ngx_str_t *value)
{
    ngx_int_t  (*compare)(ngx_str_t *one, ngx_str_t *other);

    compare = (rule->type == NGX_INTAKE_FIELD_DATE)
              ? ngx_intake_field_date_compare
              : ngx_intake_field_number_compare;

    if (rule->from.len && compare(value, &rule->from) < 0) {
        return NGX_INTAKE_FIELD_UNDERFLOW;
    }

    if (rule->to.len && compare(value, &rule->to) > 0) {
        return NGX_INTAKE_FIELD_OVERFLOW;
    }

    return NGX_INTAKE_FIELD_FINE;
}


static ngx_intake_field_error_e
ngx_intake_field_length(ngx_intake_field_rule_t *rule, ngx_str_t *value)
{
    size_t  units;

    units = ngx_intake_text_units(value);

    if (units < rule->min) {
        return NGX_INTAKE_FIELD_TOO_SHORT;
    }

    if (units > rule->max) {
        return NGX_INTAKE_FIELD_TOO_LONG;
    }

    return NGX_INTAKE_FIELD_FINE;
}


/* blanks around a text among the choices are nothing */

static ngx_uint_t
ngx_intake_field_one_of(ngx_intake_field_rule_t *rule, ngx_str_t *value)
{
    ngx_str_t   choice;
    ngx_uint_t  i;

    for (i = 0; i < rule->nvalues; i++) {
        choice = rule->values[i];
        ngx_intake_text_trim(&choice);

        if (choice.len == value->len
            && ngx_memcmp(choice.data, value->data, choice.len) == 0)
        {
            return 1;
        }
    }

    return 0;
}


ngx_int_t
ngx_intake_field_email(ngx_str_t *value)
{
    u_char  *p, *at, *last;

    p = value->data;
    last = p + value->len;

    while (p < last && ngx_intake_field_in(ngx_intake_field_atext, *p)) {
        p++;
    }

    at = p;

    if (at == value->data || at == last || *at != '@') {
        return NGX_DECLINED;
    }

    do {
        p = ngx_intake_field_label(p + 1, last);

        if (p == NULL) {
            return NGX_DECLINED;
        }

    } while (p < last);

    if (value->len > NGX_INTAKE_FIELD_EMAIL_MAX
        || at - value->data > NGX_INTAKE_FIELD_EMAIL_LOCAL)
    {
        return NGX_ABORT;
    }

    return NGX_OK;
}


/* returns the end of the label, where a dot or nothing is, or NULL */

static u_char *
ngx_intake_field_label(u_char *p, u_char *last)
{
    u_char  *start;

    start = p;

    while (p < last && (ngx_intake_field_alnum(*p) || *p == '-')) {
        p++;
    }

    if (p == start || p - start > NGX_INTAKE_FIELD_LABEL
        || *start == '-' || p[-1] == '-'
        || (p < last && *p != '.'))
    {
        return NULL;
    }

    return p;
}


ngx_int_t
ngx_intake_field_tel(ngx_str_t *value)
{
    u_char      *p, *last;
    uint32_t     c;
    ngx_uint_t   digits;

    digits = 0;

    p = value->data;
    last = p + value->len;

    while (p < last) {
        c = ngx_intake_utf8_next(&p, last);

        if (ngx_intake_field_digit(c) || (c >= 0xff10 && c <= 0xff19)) {
            digits++;
            continue;
        }

        if (c < 0x80) {
            if (c == '\0' || ngx_strchr(" +-.()/#*,;xXeEtT", c) == NULL) {
                return NGX_DECLINED;
            }

            continue;
        }

        /*
         * blanks, dashes, full-width signs, and the marks of direction that
         * come with numbers copied from an address book
         */

        if (c == 0xa0 || c == 0x2009 || c == 0x202f || c == 0x3000
            || (c >= 0x2010 && c <= 0x2015) || c == 0x2212
            || c == 0x202a || c == 0x202c || c == 0x200e
            || c == 0xff08 || c == 0xff09 || c == 0xff0b || c == 0xff0d)
        {
            continue;
        }

        return NGX_DECLINED;
    }

    return (digits < NGX_INTAKE_FIELD_TEL_DIGITS) ? NGX_DECLINED : NGX_OK;
}


ngx_int_t
ngx_intake_field_url(ngx_str_t *value)
{
    size_t   i;
    u_char  *p, *last;

    static u_char  scheme[] = "http";

    p = value->data;
    last = p + value->len;

    for (i = 0; i < value->len; i++) {
        if (ngx_intake_field_in(ngx_intake_field_not_url, p[i])) {
            return NGX_DECLINED;
        }
    }

    for (i = 0; i < sizeof(scheme) - 1; i++, p++) {
        if (p == last || ngx_tolower(*p) != scheme[i]) {
            return NGX_DECLINED;
        }
    }

    if (p < last && (*p == 's' || *p == 'S')) {
        p++;
    }

    if (last - p < 3 || p[0] != ':' || p[1] != '/' || p[2] != '/') {
        return NGX_DECLINED;
    }

    return (ngx_intake_field_authority(p + 3, last) == NULL) ? NGX_DECLINED
                                                             : NGX_OK;
}


/* returns the end of the user, the host and the port, or NULL */

static u_char *
ngx_intake_field_authority(u_char *p, u_char *last)
{
    u_char      *end;
    ngx_uint_t   port;

    for (end = p; end < last; end++) {
        if (*end == '/' || *end == '?' || *end == '#') {
            break;
        }
    }

    last = end;

    while (end > p && end[-1] != '@') {
        end--;
    }

    p = ngx_intake_field_host(end, last);

    if (p == NULL || p == last) {
        return p;
    }

    if (*p++ != ':') {
        return NULL;
    }

    for (port = 0; p < last; p++) {

        if (!ngx_intake_field_digit(*p)) {
            return NULL;
        }

        port = port * 10 + (*p - '0');

        if (port > NGX_INTAKE_FIELD_PORT) {
            return NULL;
        }
    }

    return p;
}


static u_char *
ngx_intake_field_host(u_char *p, u_char *last)
{
    u_char  *start;

    start = p;

    if (p < last && *p == '[') {

        for (p++; p < last; p++) {
            if (!ngx_intake_field_digit(*p) && *p != ':' && *p != '.'
                && ((*p | 0x20) < 'a' || (*p | 0x20) > 'f'))
            {
                break;
            }
        }

        /* "::" is the shortest address */

        return (p < last && *p == ']' && p - start > 2) ? p + 1 : NULL;
    }

    while (p < last && *p != ':') {

        if (*p == '[' || *p == ']' || *p == '%' || *p == '@') {
            return NULL;
        }

        p++;
    }

    return (p == start) ? NULL : p;
}
