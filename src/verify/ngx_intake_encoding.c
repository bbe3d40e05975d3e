
/*
 * Copyright (C) nginx-intake contributors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_intake_encoding.h"


static ngx_int_t ngx_intake_copy(ngx_str_t *src, u_char *dst, size_t size,
    size_t *len);
static ngx_int_t ngx_intake_hex_value(u_char ch);
static ngx_int_t ngx_intake_sextets_decode(ngx_str_t *src, u_char *dst,
    size_t size, size_t *len, u_char *extra);
static ngx_int_t ngx_intake_sextet_value(u_char ch, u_char *extra);
static void ngx_intake_sextets_encode(ngx_str_t *src, u_char *dst,
    const char *alphabet, ngx_uint_t padding);


/* the last two characters of the alphabets */

static u_char  ngx_intake_base64_extra[] = "+/";
static u_char  ngx_intake_base64url_extra[] = "-_";


ngx_int_t
ngx_intake_decode(ngx_intake_encoding_e encoding, ngx_str_t *src, u_char *dst,
    size_t size, size_t *len)
{
    switch (encoding) {

    case NGX_INTAKE_ENCODING_RAW:
        return ngx_intake_copy(src, dst, size, len);

    case NGX_INTAKE_ENCODING_HEX:
        return ngx_intake_hex_decode(src, dst, size, len);

    case NGX_INTAKE_ENCODING_BASE64:
        return ngx_intake_base64_decode(src, dst, size, len);

    case NGX_INTAKE_ENCODING_BASE64URL:
        return ngx_intake_base64url_decode(src, dst, size, len);
    }

    return NGX_ERROR;
}


ngx_int_t
ngx_intake_encode(ngx_intake_encoding_e encoding, ngx_str_t *src, u_char *dst,
    size_t size, size_t *len)
{
    switch (encoding) {

    case NGX_INTAKE_ENCODING_RAW:
        return ngx_intake_copy(src, dst, size, len);

    case NGX_INTAKE_ENCODING_HEX:
        return ngx_intake_hex_encode(src, dst, size, len);

    case NGX_INTAKE_ENCODING_BASE64:
        return ngx_intake_base64_encode(src, dst, size, len);

    case NGX_INTAKE_ENCODING_BASE64URL:
        return ngx_intake_base64url_encode(src, dst, size, len);
    }

    return NGX_ERROR;
}


static ngx_int_t
ngx_intake_copy(ngx_str_t *src, u_char *dst, size_t size, size_t *len)
{
    if (src->len > size) {
        return NGX_ERROR;
    }

    /* memcpy() and memmove() want pointers even for no bytes */

    if (src->len) {
        ngx_memmove(dst, src->data, src->len);
    }

    *len = src->len;

    return NGX_OK;
}


ngx_int_t
ngx_intake_hex_decode(ngx_str_t *src, u_char *dst, size_t size, size_t *len)
{
    size_t     i, n;
    ngx_int_t  high, low;

    n = src->len / 2;

    if (src->len % 2 != 0 || n > size) {
        return NGX_ERROR;
    }

    for (i = 0; i < n; i++) {
        high = ngx_intake_hex_value(src->data[2 * i]);
        low = ngx_intake_hex_value(src->data[2 * i + 1]);

        if (high == NGX_ERROR || low == NGX_ERROR) {
            return NGX_ERROR;
        }

        dst[i] = (u_char) (high << 4 | low);
    }

    *len = n;

    return NGX_OK;
}


static ngx_int_t
ngx_intake_hex_value(u_char ch)
{
    if (ch >= '0' && ch <= '9') {
        return ch - '0';
    }

    ch |= 0x20;

    if (ch >= 'a' && ch <= 'f') {
        return ch - 'a' + 10;
    }

    return NGX_ERROR;
}


ngx_int_t
ngx_intake_base64_decode(ngx_str_t *src, u_char *dst, size_t size, size_t *len)
{
    return ngx_intake_sextets_decode(src, dst, size, len,
                                     ngx_intake_base64_extra);
}


ngx_int_t
ngx_intake_base64url_decode(ngx_str_t *src, u_char *dst, size_t size,
    size_t *len)
{
    return ngx_intake_sextets_decode(src, dst, size, len,
                                     ngx_intake_base64url_extra);
}


static ngx_int_t
ngx_intake_sextets_decode(ngx_str_t *src, u_char *dst, size_t size,
    size_t *len, u_char *extra)
{
    size_t      i, n;
    u_char     *p;
    uint32_t    bits;
    ngx_int_t   value;

    n = src->len;

    if (n % 4 == 0 && n != 0 && src->data[n - 1] == '=') {
        n -= (src->data[n - 2] == '=') ? 2 : 1;
    }

    /* six bits make no byte; what remains of 2 or 3 characters does */

    if (n % 4 == 1 || n / 4 * 3 + n % 4 * 3 / 4 > size) {
        return NGX_ERROR;
    }

    p = dst;
    bits = 0;

    for (i = 0; i < n; i++) {
        value = ngx_intake_sextet_value(src->data[i], extra);

        if (value == NGX_ERROR) {
            return NGX_ERROR;
        }

        bits = bits << 6 | (uint32_t) value;

        /* the first character of four leaves no whole byte */

        switch (i % 4) {
        case 1:
            *p++ = (u_char) (bits >> 4);
            break;
        case 2:
            *p++ = (u_char) (bits >> 2);
            break;
        case 3:
            *p++ = (u_char) bits;
            break;
        }
    }

    *len = p - dst;

    return NGX_OK;
}


static ngx_int_t
ngx_intake_sextet_value(u_char ch, u_char *extra)
{
    if (ch >= 'A' && ch <= 'Z') {
        return ch - 'A';
    }

    if (ch >= 'a' && ch <= 'z') {
        return ch - 'a' + 26;
    }

    if (ch >= '0' && ch <= '9') {
        return ch - '0' + 52;
    }

    if (ch == extra[0]) {
        return 62;
    }

    if (ch == extra[1]) {
        return 63;
    }

    return NGX_ERROR;
}


ngx_int_t
ngx_intake_hex_encode(ngx_str_t *src, u_char *dst, size_t size, size_t *len)
{
    size_t  i;

    static const char  hex[] = "0123456789abcdef";

    if (ngx_intake_hex_length(src->len) > size) {
        return NGX_ERROR;
    }

    for (i = 0; i < src->len; i++) {
        dst[2 * i] = hex[src->data[i] >> 4];
        dst[2 * i + 1] = hex[src->data[i] & 0xf];
    }

    *len = ngx_intake_hex_length(src->len);

    return NGX_OK;
}


ngx_int_t
ngx_intake_base64_encode(ngx_str_t *src, u_char *dst, size_t size, size_t *len)
{
    static const char  alphabet[] =
           "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    if (ngx_intake_base64_length(src->len) > size) {
        return NGX_ERROR;
    }

    ngx_intake_sextets_encode(src, dst, alphabet, 1);

    *len = ngx_intake_base64_length(src->len);

    return NGX_OK;
}


ngx_int_t
ngx_intake_base64url_encode(ngx_str_t *src, u_char *dst, size_t size,
    size_t *len)
{
    static const char  alphabet[] =
           "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

    if (ngx_intake_base64url_length(src->len) > size) {
        return NGX_ERROR;
    }

    ngx_intake_sextets_encode(src, dst, alphabet, 0);

    *len = ngx_intake_base64url_length(src->len);

    return NGX_OK;
}


static void
ngx_intake_sextets_encode(ngx_str_t *src, u_char *dst, const char *alphabet,
    ngx_uint_t padding)
{
    size_t     n;
    u_char    *p;
    uint32_t   bits;

    p = src->data;

    for (n = src->len; n >= 3; n -= 3) {
        bits = (uint32_t) p[0] << 16 | (uint32_t) p[1] << 8 | p[2];
        p += 3;

        *dst++ = alphabet[bits >> 18];
        *dst++ = alphabet[bits >> 12 & 0x3f];
        *dst++ = alphabet[bits >> 6 & 0x3f];
        *dst++ = alphabet[bits & 0x3f];
    }

    if (n == 0) {
        return;
    }

    bits = (uint32_t) p[0] << 16;

    if (n == 2) {
        bits |= (uint32_t) p[1] << 8;
    }

    *dst++ = alphabet[bits >> 18];
    *dst++ = alphabet[bits >> 12 & 0x3f];

    if (n == 2) {
        *dst++ = alphabet[bits >> 6 & 0x3f];

    } else if (padding) {
        *dst++ = '=';
    }

    if (padding) {
        *dst++ = '=';
    }
}


size_t
ngx_intake_percent_decode(u_char *dst, u_char *src, size_t len,
    ngx_uint_t plus_is_space)
{
    u_char     ch, *p, *last;
    ngx_int_t  high, low;

    if (len == 0) {
        return 0;
    }

    p = dst;
    last = src + len;

    while (src < last) {
        ch = *src++;

        if (ch == '%' && last - src >= 2) {
            high = ngx_intake_hex_value(src[0]);
            low = ngx_intake_hex_value(src[1]);

            if (high != NGX_ERROR && low != NGX_ERROR) {
                ch = (u_char) (high << 4 | low);
                src += 2;
            }

        } else if (ch == '+' && plus_is_space) {
            ch = ' ';
        }

        *p++ = ch;
    }

    return p - dst;
}
