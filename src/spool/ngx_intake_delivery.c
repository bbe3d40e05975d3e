
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_intake_delivery.h"
#include "ngx_intake_segment.h"


/*
 * The data of a record.  Integers are unsigned, little-endian, not aligned;
 * there is no padding.
 *
 *    0   1  version: 1
 *    1   1  KIND of the script: k, u, n or o
 *    2   1  number of keys, from 1 to 3
 *    3   1  length of the source's name, from 1 to 32
 *    4   1  stream of the source: m, the main one, or s, that of spam
 *    5  56  length of each of the 14 fields, 4 bytes
 *   61   4  length of extra
 *   65      the source's name
 *           the keys, 23 bytes each: a letter, 22 characters of base64url
 *           the fields: id, type, time, datacontenttype, subject,
 *           recordedtime, intakekey, intakeverify, intakekeyid, intakeip,
 *           intakeheaders, intakespam, intakefiles, data
 *           extra: messages for the response clocks; empty, if there are none
 */


#define NGX_INTAKE_DELIVERY_VERSION  1
#define NGX_INTAKE_DELIVERY_LENGTHS  5
#define NGX_INTAKE_DELIVERY_HEAD     65


static ngx_str_t *ngx_intake_delivery_part(ngx_intake_delivery_t *delivery,
    ngx_uint_t i);
static ngx_uint_t ngx_intake_delivery_valid(ngx_intake_delivery_t *delivery);


size_t
ngx_intake_delivery_size(ngx_intake_delivery_t *delivery)
{
    size_t       size;
    ngx_str_t   *part;
    ngx_uint_t   i;

    if (!ngx_intake_delivery_valid(delivery)) {
        return 0;
    }

    size = NGX_INTAKE_DELIVERY_HEAD + delivery->source.len
           + delivery->nkeys * (1 + NGX_INTAKE_DELIVERY_HASH);

    for (i = 0; i <= NGX_INTAKE_DELIVERY_FIELDS; i++) {
        part = ngx_intake_delivery_part(delivery, i);

        if (part->len > NGX_INTAKE_RECORD_MAX - size) {
            return 0;
        }

        size += part->len;
    }

    return size;
}


u_char *
ngx_intake_delivery_write(u_char *p, ngx_intake_delivery_t *delivery)
{
    ngx_str_t                  *part;
    ngx_uint_t                  i;
    ngx_intake_delivery_key_t  *key;

    *p++ = NGX_INTAKE_DELIVERY_VERSION;
    *p++ = delivery->kind;
    *p++ = (u_char) delivery->nkeys;
    *p++ = (u_char) delivery->source.len;
    *p++ = delivery->stream;

    for (i = 0; i <= NGX_INTAKE_DELIVERY_FIELDS; i++) {
        part = ngx_intake_delivery_part(delivery, i);

        *p++ = (u_char) part->len;
        *p++ = (u_char) (part->len >> 8);
        *p++ = (u_char) (part->len >> 16);
        *p++ = (u_char) (part->len >> 24);
    }

    p = ngx_cpymem(p, delivery->source.data, delivery->source.len);

    for (i = 0; i < delivery->nkeys; i++) {
        key = &delivery->keys[i];

        *p++ = key->kind;
        p = ngx_cpymem(p, key->hash, NGX_INTAKE_DELIVERY_HASH);
    }

    for (i = 0; i <= NGX_INTAKE_DELIVERY_FIELDS; i++) {
        part = ngx_intake_delivery_part(delivery, i);

        if (part->len) {
            p = ngx_cpymem(p, part->data, part->len);
        }
    }

    return p;
}


ngx_int_t
ngx_intake_delivery_read(u_char *p, u_char *last,
    ngx_intake_delivery_t *delivery)
{
    size_t       rest;
    u_char      *len;
    ngx_str_t   *part;
    ngx_uint_t   i;

    rest = last - p;

    if (rest < NGX_INTAKE_DELIVERY_HEAD
        || p[0] != NGX_INTAKE_DELIVERY_VERSION)
    {
        return NGX_ERROR;
    }

    delivery->kind = p[1];
    delivery->nkeys = p[2];
    delivery->source.len = p[3];
    delivery->stream = p[4];

    if (!ngx_intake_delivery_valid(delivery)) {
        return NGX_ERROR;
    }

    len = p + NGX_INTAKE_DELIVERY_LENGTHS;
    p += NGX_INTAKE_DELIVERY_HEAD;
    rest -= NGX_INTAKE_DELIVERY_HEAD;

    if (rest < delivery->source.len
               + delivery->nkeys * (1 + NGX_INTAKE_DELIVERY_HASH))
    {
        return NGX_ERROR;
    }

    delivery->source.data = p;
    p += delivery->source.len;

    for (i = 0; i < delivery->nkeys; i++) {
        delivery->keys[i].kind = *p++;

        ngx_memcpy(delivery->keys[i].hash, p, NGX_INTAKE_DELIVERY_HASH);
        p += NGX_INTAKE_DELIVERY_HASH;
    }

    for (i = 0; i <= NGX_INTAKE_DELIVERY_FIELDS; i++) {
        part = ngx_intake_delivery_part(delivery, i);

        part->len = len[0] | (size_t) len[1] << 8 | (size_t) len[2] << 16
                    | (size_t) len[3] << 24;
        part->data = p;

        if ((size_t) (last - p) < part->len) {
            return NGX_ERROR;
        }

        p += part->len;
        len += 4;
    }

    return (p == last) ? NGX_OK : NGX_ERROR;
}


ngx_uint_t
ngx_intake_delivery_nkeys(u_char kind)
{
    switch (kind) {

    case 'k':
    case 'o':
        return 1;

    case 'u':
    case 'n':
        return 2;

    default:
        return 0;
    }
}


static ngx_str_t *
ngx_intake_delivery_part(ngx_intake_delivery_t *delivery, ngx_uint_t i)
{
    return (i < NGX_INTAKE_DELIVERY_FIELDS) ? &delivery->fields[i]
                                            : &delivery->extra;
}


static ngx_uint_t
ngx_intake_delivery_valid(ngx_intake_delivery_t *delivery)
{
    ngx_uint_t  n;

    n = ngx_intake_delivery_nkeys(delivery->kind);

    return n != 0
           && delivery->nkeys >= n
           && delivery->nkeys <= NGX_INTAKE_DELIVERY_KEYS
           && (delivery->stream == 'm' || delivery->stream == 's')
           && delivery->source.len >= 1
           && delivery->source.len <= NGX_INTAKE_DELIVERY_SOURCE;
}
