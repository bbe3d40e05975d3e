
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake_change.h"


#define NGX_HTTP_INTAKE_CHANGE_HEAD    15    /* bytes */

#define NGX_HTTP_INTAKE_CHANGE_ID      1     /* of its second byte */
#define NGX_HTTP_INTAKE_CHANGE_EVENT   2
#define NGX_HTTP_INTAKE_CHANGE_SKEWED  4


static u_char *ngx_http_intake_change_write(u_char *p,
    ngx_http_intake_change_t *change, ngx_str_t *tier);
static u_char *ngx_http_intake_change_parse(u_char *p, u_char *last,
    ngx_http_intake_change_t *change, ngx_str_t *tier);
static u_char *ngx_http_intake_change_put(u_char *p, uint64_t n, size_t len);
static uint64_t ngx_http_intake_change_get(u_char *p, size_t len);


size_t
ngx_http_intake_changes_size(ngx_http_intake_change_t *change, ngx_uint_t n,
    ngx_http_intake_sla_t *sla)
{
    size_t      size;
    ngx_uint_t  i;

    size = 0;

    for (i = 0; i < n; i++) {
        size += NGX_HTTP_INTAKE_CHANGE_HEAD
                + sla->tiers[change[i].tier].name.len
                + change[i].conversation.len
                + (change[i].has_id ? NGX_HTTP_INTAKE_HASH_LEN : 0)
                + (change[i].has_event ? NGX_HTTP_INTAKE_HASH_LEN : 0);
    }

    return size;
}


void
ngx_http_intake_changes_write(u_char *p, ngx_http_intake_change_t *change,
    ngx_uint_t n, ngx_http_intake_sla_t *sla)
{
    ngx_uint_t  i;

    for (i = 0; i < n; i++) {
        p = ngx_http_intake_change_write(p, &change[i],
                                         &sla->tiers[change[i].tier].name);
    }
}


static u_char *
ngx_http_intake_change_write(u_char *p, ngx_http_intake_change_t *change,
    ngx_str_t *tier)
{
    *p++ = (u_char) change->kind;
    *p++ = (u_char) ((change->has_id ? NGX_HTTP_INTAKE_CHANGE_ID : 0)
                     | (change->has_event ? NGX_HTTP_INTAKE_CHANGE_EVENT : 0)
                     | (change->skewed ? NGX_HTTP_INTAKE_CHANGE_SKEWED : 0));

    p = ngx_http_intake_change_put(p, (uint64_t) change->time, 8);
    p = ngx_http_intake_change_put(p, tier->len, 1);
    p = ngx_http_intake_change_put(p, change->conversation.len, 4);

    p = ngx_cpymem(p, tier->data, tier->len);
    p = ngx_cpymem(p, change->conversation.data, change->conversation.len);

    if (change->has_id) {
        p = ngx_cpymem(p, change->id_hash, NGX_HTTP_INTAKE_HASH_LEN);
    }

    if (change->has_event) {
        p = ngx_cpymem(p, change->event_hash, NGX_HTTP_INTAKE_HASH_LEN);
    }

    return p;
}


ngx_int_t
ngx_http_intake_changes_count(ngx_str_t *text)
{
    u_char                    *p, *last;
    ngx_int_t                  n;
    ngx_str_t                  tier;
    ngx_http_intake_change_t   change;

    p = text->data;
    last = p + text->len;

    for (n = 0; p != last; n++) {
        p = ngx_http_intake_change_parse(p, last, &change, &tier);

        if (p == NULL) {
            return NGX_ERROR;
        }
    }

    return n;
}


ngx_int_t
ngx_http_intake_changes_read(ngx_str_t *text, ngx_http_intake_sla_t *sla,
    int64_t received, ngx_http_intake_change_t *change)
{
    u_char      *p, *last;
    ngx_str_t    tier, *name;
    ngx_uint_t   i;

    p = text->data;
    last = p + text->len;

    for ( /* void */ ; p != last; change++) {
        p = ngx_http_intake_change_parse(p, last, change, &tier);

        /* the first, without tier=, in place of one that is gone */

        for (i = 1; i < sla->ntiers; i++) {
            name = &sla->tiers[i].name;

            if (name->len == tier.len
                && ngx_memcmp(name->data, tier.data, tier.len) == 0)
            {
                change->tier = i;
                break;
            }
        }

        if (ngx_http_intake_change(sla, change, received) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* returns its end; NULL: it is none */

static u_char *
ngx_http_intake_change_parse(u_char *p, u_char *last,
    ngx_http_intake_change_t *change, ngx_str_t *tier)
{
    size_t      hashes;
    ngx_uint_t  flags;

    if (last - p < NGX_HTTP_INTAKE_CHANGE_HEAD
        || p[0] > NGX_HTTP_INTAKE_KIND_AUTO)
    {
        return NULL;
    }

    flags = p[1];

    ngx_memzero(change, sizeof(ngx_http_intake_change_t));

    change->kind = (ngx_http_intake_kind_e) p[0];
    change->has_id = ((flags & NGX_HTTP_INTAKE_CHANGE_ID) != 0);
    change->has_event = ((flags & NGX_HTTP_INTAKE_CHANGE_EVENT) != 0);
    change->skewed = ((flags & NGX_HTTP_INTAKE_CHANGE_SKEWED) != 0);
    change->time = (int64_t) ngx_http_intake_change_get(p + 2, 8);

    tier->len = p[10];
    change->conversation.len = ngx_http_intake_change_get(p + 11, 4);
    p += NGX_HTTP_INTAKE_CHANGE_HEAD;

    hashes = (change->has_id + change->has_event) * NGX_HTTP_INTAKE_HASH_LEN;

    if ((size_t) (last - p) < tier->len + hashes
        || (size_t) (last - p) - tier->len - hashes < change->conversation.len)
    {
        return NULL;
    }

    tier->data = p;
    p += tier->len;

    change->conversation.data = p;
    p += change->conversation.len;

    if (change->has_id) {
        ngx_memcpy(change->id_hash, p, NGX_HTTP_INTAKE_HASH_LEN);
        p += NGX_HTTP_INTAKE_HASH_LEN;
    }

    if (change->has_event) {
        ngx_memcpy(change->event_hash, p, NGX_HTTP_INTAKE_HASH_LEN);
        p += NGX_HTTP_INTAKE_HASH_LEN;
    }

    return p;
}


static u_char *
ngx_http_intake_change_put(u_char *p, uint64_t n, size_t len)
{
    while (len--) {
        *p++ = (u_char) n;
        n >>= 8;
    }

    return p;
}


static uint64_t
ngx_http_intake_change_get(u_char *p, size_t len)
{
    uint64_t  n;

    n = 0;

    while (len--) {
        n = n << 8 | p[len];
    }

    return n;
}
