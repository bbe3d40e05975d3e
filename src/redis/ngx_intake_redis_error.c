
/*
 * Copyright (C) nginx-intake contributors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_intake_redis_error.h"


static const u_char *ngx_intake_redis_error_search(const u_char *p,
    const u_char *last, const char *s);
static const ngx_intake_redis_error_t *ngx_intake_redis_error_row(
    const u_char *p, const u_char *last);


/* the words of Redis 7 (src/server.c, src/cluster.c, src/acl.c) */

const ngx_intake_redis_error_t
    ngx_intake_redis_errors[NGX_INTAKE_REDIS_ERRORS] =
{
    { ngx_string("ERR"), NGX_INTAKE_REDIS_ACT_ERROR, "" },

    { ngx_string("NOSCRIPT"), NGX_INTAKE_REDIS_ACT_EVAL, "" },

    { ngx_string("OOM"), NGX_INTAKE_REDIS_ACT_REFUSED,
      ", maxmemory of the server is reached" },

    { ngx_string("MISCONF"), NGX_INTAKE_REDIS_ACT_REFUSED,
      ", the server cannot save to its disk" },

    { ngx_string("NOREPLICAS"), NGX_INTAKE_REDIS_ACT_REFUSED,
      ", the server misses the replicas of min-replicas-to-write" },

    { ngx_string("BUSY"), NGX_INTAKE_REDIS_ACT_REFUSED, "" },

    { ngx_string("TRYAGAIN"), NGX_INTAKE_REDIS_ACT_REFUSED, "" },

    { ngx_string("CLUSTERDOWN"), NGX_INTAKE_REDIS_ACT_REFUSED, "" },

    { ngx_string("LOADING"), NGX_INTAKE_REDIS_ACT_BACK_OFF, "" },

    { ngx_string("READONLY"), NGX_INTAKE_REDIS_ACT_REDISCOVER, "" },

    { ngx_string("MASTERDOWN"), NGX_INTAKE_REDIS_ACT_REDISCOVER, "" },

    { ngx_string("UNBLOCKED"), NGX_INTAKE_REDIS_ACT_REDISCOVER, "" },

    { ngx_string("MOVED"), NGX_INTAKE_REDIS_ACT_ERROR,
      ", the server is part of a cluster, which needs \"cluster://\"" },

    { ngx_string("ASK"), NGX_INTAKE_REDIS_ACT_ERROR,
      ", the server is part of a cluster, which needs \"cluster://\"" },

    { ngx_string("CROSSSLOT"), NGX_INTAKE_REDIS_ACT_ERROR,
      ", the server is part of a cluster, which needs \"cluster://\"" },

    { ngx_string("WRONGTYPE"), NGX_INTAKE_REDIS_ACT_ERROR,
      ", a key of another program has the same name" },

    { ngx_string("NOPERM"), NGX_INTAKE_REDIS_ACT_ERROR,
      ", the ACL of the user must allow it" },

    { ngx_string("NOAUTH"), NGX_INTAKE_REDIS_ACT_CREDENTIALS,
      ", check \"user\" and \"password\"" },

    { ngx_string("WRONGPASS"), NGX_INTAKE_REDIS_ACT_CREDENTIALS,
      ", check \"user\" and \"password\"" },

    { ngx_null_string, NGX_INTAKE_REDIS_ACT_ERROR, "" }
};


const ngx_intake_redis_error_t *
ngx_intake_redis_error(ngx_str_t *text)
{
    const u_char                    *p, *last;
    const ngx_intake_redis_error_t  *row, *inner;

    p = text->data;
    last = p + text->len;

    row = ngx_intake_redis_error_row(p, last);

    if (text->len < sizeof("ERR Error running script") - 1
        || ngx_memcmp(p, "ERR Error running script",
                      sizeof("ERR Error running script") - 1)
           != 0)
    {
        return row;
    }

    p = ngx_intake_redis_error_search(p, last, ": -");

    if (p) {
        inner = ngx_intake_redis_error_row(p, last);

        if (inner->prefix.len) {
            return inner;
        }
    }

    return row;
}


static const ngx_intake_redis_error_t *
ngx_intake_redis_error_row(const u_char *p, const u_char *last)
{
    size_t                           len;
    ngx_uint_t                       i;
    const u_char                    *end;
    const ngx_intake_redis_error_t  *row;

    for (end = p; end < last; end++) {
        if (*end == ' ' || *end == CR || *end == LF) {
            break;
        }
    }

    len = end - p;

    for (i = 0; i < NGX_INTAKE_REDIS_ERRORS - 1; i++) {
        row = &ngx_intake_redis_errors[i];

        if (row->prefix.len == len
            && ngx_memcmp(row->prefix.data, p, len) == 0)
        {
            return row;
        }
    }

    return &ngx_intake_redis_errors[i];
}


/* the end of the first s in p..last, or NULL */

static const u_char *
ngx_intake_redis_error_search(const u_char *p, const u_char *last,
    const char *s)
{
    size_t  len;

    len = ngx_strlen(s);

    for ( /* void */ ; (size_t) (last - p) >= len; p++) {
        if (ngx_memcmp(p, s, len) == 0) {
            return p + len;
        }
    }

    return NULL;
}


size_t
ngx_intake_redis_error_text(u_char *buf, size_t size, ngx_str_t *text)
{
    size_t         i, len;
    const u_char  *p;

    len = text->len;

    p = ngx_intake_redis_error_search(text->data, text->data + len,
                                      ", with args");
    if (p) {
        len = p - text->data - (sizeof(", with args") - 1);
    }

    len = ngx_min(len, size);

    for (i = 0; i < len; i++) {
        buf[i] = (text->data[i] < 0x20 || text->data[i] > 0x7e)
                 ? '?' : text->data[i];
    }

    return len;
}
