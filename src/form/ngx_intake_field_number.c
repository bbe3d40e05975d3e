
/*
 * Copyright (C) nginx-intake contributors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_intake_field.h"


#define NGX_INTAKE_FIELD_EXPONENT  1000000000      /* and whatever is more */
#define NGX_INTAKE_FIELD_YEAR      275760          /* the last of ECMAScript */


#define ngx_intake_field_digit(ch)  ((ch) >= '0' && (ch) <= '9')


/* 0.ddd times 10 to the exponent; no digits: zero */

typedef struct {
    u_char      *digits;           /* the first is not 0 */
    u_char      *last;             /* there is a point between, perhaps */
    int64_t      exponent;
    ngx_uint_t   negative;
} ngx_intake_field_decimal_t;


static u_char *ngx_intake_field_digits(u_char *p, u_char *last);
static void ngx_intake_field_decimal(ngx_intake_field_decimal_t *decimal,
    ngx_str_t *value);
static int64_t ngx_intake_field_exponent(u_char *p, u_char *last);
static ngx_int_t ngx_intake_field_magnitude(ngx_intake_field_decimal_t *one,
    ngx_intake_field_decimal_t *other);
static u_char ngx_intake_field_next_digit(ngx_intake_field_decimal_t *decimal);
static int64_t ngx_intake_field_day(ngx_str_t *value);


ngx_int_t
ngx_intake_field_number(ngx_str_t *value)
{
    u_char  *p, *last, *start;

    if (value->len == 0) {
        return NGX_DECLINED;
    }

    p = value->data;
    last = p + value->len;

    if (*p == '-') {
        p++;
    }

    start = p;
    p = ngx_intake_field_digits(p, last);

    if (p < last && *p == '.') {
        start = p + 1;
        p = ngx_intake_field_digits(start, last);
    }

    if (p == start) {
        return NGX_DECLINED;
    }

    if (p < last && (*p == 'e' || *p == 'E')) {
        p++;

        if (p < last && (*p == '-' || *p == '+')) {
            p++;
        }

        start = p;
        p = ngx_intake_field_digits(p, last);

        if (p == start) {
            return NGX_DECLINED;
        }
    }

    return (p == last) ? NGX_OK : NGX_DECLINED;
}


static u_char *
ngx_intake_field_digits(u_char *p, u_char *last)
{
    while (p < last && ngx_intake_field_digit(*p)) {
        p++;
    }

    return p;
}


ngx_int_t
ngx_intake_field_number_compare(ngx_str_t *one, ngx_str_t *other)
{
    ngx_int_t                    rc;
    ngx_intake_field_decimal_t   a, b;

    ngx_intake_field_decimal(&a, one);
    ngx_intake_field_decimal(&b, other);

    if (a.negative != b.negative) {
        return a.negative ? -1 : 1;
    }

    rc = ngx_intake_field_magnitude(&a, &b);

    return a.negative ? -rc : rc;
}


static void
ngx_intake_field_decimal(ngx_intake_field_decimal_t *decimal, ngx_str_t *value)
{
    u_char      *p, *last;
    ngx_uint_t   point;

    p = value->data;
    last = p + value->len;

    decimal->digits = NULL;
    decimal->exponent = 0;
    decimal->negative = (*p == '-');

    point = 0;

    for (p += decimal->negative; p < last; p++) {

        if (*p == '.') {
            point = 1;
            continue;
        }

        if (!ngx_intake_field_digit(*p)) {
            break;
        }

        if (decimal->digits == NULL && *p != '0') {
            decimal->digits = p;
        }

        if (decimal->digits != NULL && !point) {
            decimal->exponent++;
        }

        if (decimal->digits == NULL && point) {
            decimal->exponent--;
        }
    }

    decimal->last = p;

    if (decimal->digits == NULL) {

        /* there is one zero, without a sign */

        decimal->digits = p;
        decimal->exponent = -NGX_INTAKE_FIELD_EXPONENT * (int64_t) 4;
        decimal->negative = 0;
        return;
    }

    if (p < last) {
        decimal->exponent += ngx_intake_field_exponent(p + 1, last);
    }
}


static int64_t
ngx_intake_field_exponent(u_char *p, u_char *last)
{
    int64_t     exponent;
    ngx_uint_t  negative;

    negative = (*p == '-');

    if (*p == '-' || *p == '+') {
        p++;
    }

    for (exponent = 0; p < last; p++) {
        exponent = exponent * 10 + (*p - '0');
        exponent = ngx_min(exponent, NGX_INTAKE_FIELD_EXPONENT);
    }

    return negative ? -exponent : exponent;
}


static ngx_int_t
ngx_intake_field_magnitude(ngx_intake_field_decimal_t *one,
    ngx_intake_field_decimal_t *other)
{
    u_char  a, b;

    if (one->exponent != other->exponent) {
        return (one->exponent < other->exponent) ? -1 : 1;
    }

    while (one->digits < one->last || other->digits < other->last) {
        a = ngx_intake_field_next_digit(one);
        b = ngx_intake_field_next_digit(other);

        if (a != b) {
            return (a < b) ? -1 : 1;
        }
    }

    return 0;
}


/* zeros follow the last one */

static u_char
ngx_intake_field_next_digit(ngx_intake_field_decimal_t *decimal)
{
    if (decimal->digits < decimal->last && *decimal->digits == '.') {
        decimal->digits++;
    }

    if (decimal->digits == decimal->last) {
        return '0';
    }

    return *decimal->digits++;
}


ngx_int_t
ngx_intake_field_date(ngx_str_t *value)
{
    return (ngx_intake_field_day(value) == NGX_ERROR) ? NGX_DECLINED : NGX_OK;
}


ngx_int_t
ngx_intake_field_date_compare(ngx_str_t *one, ngx_str_t *other)
{
    int64_t  a, b;

    a = ngx_intake_field_day(one);
    b = ngx_intake_field_day(other);

    return (a < b) ? -1 : (a > b);
}


/* returns a number that grows from day to day, or NGX_ERROR */

static int64_t
ngx_intake_field_day(ngx_str_t *value)
{
    size_t    i, len;
    u_char   *p;
    int64_t   year, month, day;

    static u_char  days[] = { 31, 29, 31, 30, 31, 30,
                              31, 31, 30, 31, 30, 31 };

    if (value->len < sizeof("2026-11-21") - 1) {
        return NGX_ERROR;
    }

    len = value->len - (sizeof("-11-21") - 1);

    for (i = 0, year = 0; i < len; i++) {

        if (!ngx_intake_field_digit(value->data[i])) {
            return NGX_ERROR;
        }

        year = year * 10 + (value->data[i] - '0');

        if (year > NGX_INTAKE_FIELD_YEAR) {
            return NGX_ERROR;
        }
    }

    p = value->data + len;

    if (p[0] != '-' || !ngx_intake_field_digit(p[1])
        || !ngx_intake_field_digit(p[2])
        || p[3] != '-' || !ngx_intake_field_digit(p[4])
        || !ngx_intake_field_digit(p[5]))
    {
        return NGX_ERROR;
    }

    month = (p[1] - '0') * 10 + (p[2] - '0');
    day = (p[4] - '0') * 10 + (p[5] - '0');

    if (year == 0 || month == 0 || month > 12
        || day == 0 || day > days[month - 1])
    {
        return NGX_ERROR;
    }

    if (month == 2 && day == 29
        && (year % 4 != 0 || (year % 100 == 0 && year % 400 != 0)))
    {
        return NGX_ERROR;
    }

    return (year * 12 + month) * 31 + day;
}
