
/*
 * Copyright (C) nginx-intake contributors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_intake_encoding.h"
#include "ngx_intake_urlencoded.h"


#define NGX_INTAKE_URLENCODED_ESCAPE  3         /* bytes for one */


static u_char *ngx_intake_urlencoded_name_end(u_char *p, u_char *last);
static ngx_int_t ngx_intake_urlencoded_name(ngx_intake_urlencoded_t *u,
    u_char *p, size_t len);
static ngx_int_t ngx_intake_urlencoded_assign(ngx_intake_urlencoded_t *u);
static ngx_int_t ngx_intake_urlencoded_value(ngx_intake_urlencoded_t *u,
    u_char *p, size_t len);
static ngx_int_t ngx_intake_urlencoded_pair(ngx_intake_urlencoded_t *u);
static ngx_int_t ngx_intake_urlencoded_refuse(ngx_intake_urlencoded_t *u,
    ngx_intake_form_error_e error);


size_t
ngx_intake_urlencoded_size(ngx_intake_form_limits_t *limits, size_t len)
{
    return ngx_min(limits->name * NGX_INTAKE_URLENCODED_ESCAPE, len)
           + ngx_min(limits->value * NGX_INTAKE_URLENCODED_ESCAPE, len);
}


void
ngx_intake_urlencoded_init(ngx_intake_urlencoded_t *u, u_char *buffer,
    size_t len)
{
    u->error = NGX_INTAKE_FORM_FINE;

    u->name_room = ngx_min(u->limits->name * NGX_INTAKE_URLENCODED_ESCAPE,
                           len);
    u->value_room = ngx_min(u->limits->value * NGX_INTAKE_URLENCODED_ESCAPE,
                            len);

    u->name.data = buffer;
    u->name.len = 0;

    u->value.data = buffer + u->name_room;
    u->value.len = 0;

    u->npairs = 0;
    u->assigned = 0;
    u->ended = 0;
}


ngx_int_t
ngx_intake_urlencoded_feed(ngx_intake_urlencoded_t *u, u_char *p, size_t len)
{
    u_char     *end, *last;
    ngx_int_t   rc;

    if (u->ended) {
        return NGX_ERROR;
    }

    if (len == 0) {
        return NGX_OK;
    }

    last = p + len;

    while (p < last) {

        if (*p == '&' && !u->assigned && u->name.len == 0) {
            p++;
            continue;
        }

        if (u->assigned) {
            end = memchr(p, '&', last - p);
            end = (end != NULL) ? end : last;

            rc = ngx_intake_urlencoded_value(u, p, end - p);

        } else {
            end = ngx_intake_urlencoded_name_end(p, last);

            rc = ngx_intake_urlencoded_name(u, p, end - p);
        }

        if (rc == NGX_OK && end < last) {
            rc = (*end == '=') ? ngx_intake_urlencoded_assign(u)
                               : ngx_intake_urlencoded_pair(u);
        }

        if (rc != NGX_OK) {
            u->ended = 1;
            return rc;
        }

        p = end + 1;
    }

    return NGX_OK;
}


ngx_int_t
ngx_intake_urlencoded_end(ngx_intake_urlencoded_t *u)
{
    if (u->ended) {
        return NGX_ERROR;
    }

    u->ended = 1;

    return ngx_intake_urlencoded_pair(u);
}


static u_char *
ngx_intake_urlencoded_name_end(u_char *p, u_char *last)
{
    while (p < last && *p != '=' && *p != '&') {
        p++;
    }

    return p;
}


static ngx_int_t
ngx_intake_urlencoded_name(ngx_intake_urlencoded_t *u, u_char *p, size_t len)
{
    if (len > u->name_room - u->name.len) {

        /* even if all of it were escapes */

        if (u->name_room == u->limits->name * NGX_INTAKE_URLENCODED_ESCAPE) {
            return ngx_intake_urlencoded_refuse(u,
                                            NGX_INTAKE_FORM_NAME_TOO_LONG);
        }

        return NGX_ERROR;
    }

    ngx_memcpy(u->name.data + u->name.len, p, len);
    u->name.len += len;

    return NGX_OK;
}


/* the name is complete */

static ngx_int_t
ngx_intake_urlencoded_assign(ngx_intake_urlencoded_t *u)
{
    u->assigned = 1;

    u->name.len = ngx_intake_percent_decode(u->name.data, u->name.data,
                                            u->name.len, 1);

    if (u->name.len > u->limits->name) {
        return ngx_intake_urlencoded_refuse(u, NGX_INTAKE_FORM_NAME_TOO_LONG);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_intake_urlencoded_value(ngx_intake_urlencoded_t *u, u_char *p, size_t len)
{
    if (len > u->value_room - u->value.len) {

        if (u->value_room == u->limits->value * NGX_INTAKE_URLENCODED_ESCAPE) {
            return ngx_intake_urlencoded_refuse(u,
                                            NGX_INTAKE_FORM_VALUE_TOO_LARGE);
        }

        return NGX_ERROR;
    }

    ngx_memcpy(u->value.data + u->value.len, p, len);
    u->value.len += len;

    return NGX_OK;
}


/* at "&", or the end of the body: there may be nothing before it */

static ngx_int_t
ngx_intake_urlencoded_pair(ngx_intake_urlencoded_t *u)
{
    ngx_int_t  rc;

    if (!u->assigned) {

        if (u->name.len == 0) {
            return NGX_OK;
        }

        rc = ngx_intake_urlencoded_assign(u);
        if (rc != NGX_OK) {
            return rc;
        }
    }

    u->value.len = ngx_intake_percent_decode(u->value.data, u->value.data,
                                             u->value.len, 1);

    if (u->value.len > u->limits->value) {
        return ngx_intake_urlencoded_refuse(u,
                                            NGX_INTAKE_FORM_VALUE_TOO_LARGE);
    }

    if (++u->npairs > u->limits->fields) {
        return ngx_intake_urlencoded_refuse(u,
                                            NGX_INTAKE_FORM_TOO_MANY_FIELDS);
    }

    rc = u->handler(u->ctx, &u->name, &u->value);

    u->name.len = 0;
    u->value.len = 0;
    u->assigned = 0;

    return rc;
}


static ngx_int_t
ngx_intake_urlencoded_refuse(ngx_intake_urlencoded_t *u,
    ngx_intake_form_error_e error)
{
    u->error = error;

    return NGX_DECLINED;
}
