
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake.h"


/*
 * The names of platforms, sources and calendars: which may be given, what has
 * one, and which was meant by another.
 */


/* they begin as ngx_http_intake_named_t */

typedef char  ngx_http_intake_begin_with_names[
    (offsetof(ngx_http_intake_platform_t, name) == 0
     && offsetof(ngx_http_intake_source_t, name) == 0
     && offsetof(ngx_http_intake_calendar_t, name) == 0
     && offsetof(ngx_http_intake_platform_t, position)
        == offsetof(ngx_http_intake_named_t, position)
     && offsetof(ngx_http_intake_source_t, position)
        == offsetof(ngx_http_intake_named_t, position)
     && offsetof(ngx_http_intake_calendar_t, position)
        == offsetof(ngx_http_intake_named_t, position)) ? 1 : -1];


static ngx_uint_t ngx_http_intake_distance(ngx_str_t *a, ngx_str_t *b);


ngx_uint_t
ngx_http_intake_same(ngx_str_t *a, ngx_str_t *b)
{
    return a->len == b->len
           && (a->len == 0 || ngx_memcmp(a->data, b->data, a->len) == 0);
}


ngx_int_t
ngx_http_intake_check_name(ngx_str_t *name)
{
    u_char      c;
    ngx_uint_t  i;

    if (name->len == 0 || name->len > NGX_HTTP_INTAKE_MAX_NAME) {
        return NGX_ERROR;
    }

    for (i = 0; i < name->len; i++) {
        c = name->data[i];

        if (c >= 'a' && c <= 'z') {
            continue;
        }

        if (i && ((c >= '0' && c <= '9') || c == '_' || c == '-')) {
            continue;
        }

        return NGX_ERROR;
    }

    return NGX_OK;
}


char *
ngx_http_intake_check_new_name(ngx_conf_t *cf, ngx_array_t *objects,
    ngx_str_t *name, const char *directive)
{
    ngx_http_intake_named_t  *first;

    if (ngx_http_intake_check_name(name) != NGX_OK) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid name \"%V\" of %s: up to 32 of a-z, "
                           "0-9, \"_\" and \"-\", a letter first", name,
                           directive);
        return NGX_CONF_ERROR;
    }

    first = ngx_http_intake_find_named(objects, name);

    if (first) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "duplicate %s \"%V\": the first is in %V:%ui",
                           directive, name, &first->position.file,
                           first->position.line);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


void *
ngx_http_intake_find_named(ngx_array_t *objects, ngx_str_t *name)
{
    ngx_uint_t                 i;
    ngx_http_intake_named_t  **object;

    object = objects->elts;

    for (i = 0; i < objects->nelts; i++) {
        if (ngx_http_intake_same(&object[i]->name, name)) {
            return object[i];
        }
    }

    return NULL;
}


void *
ngx_http_intake_require_named(ngx_conf_t *cf, ngx_array_t *objects,
    ngx_str_t *name, ngx_http_intake_position_t *position, const char *noun,
    const char *unknown)
{
    void                      *found;
    ngx_str_t                 *names, *nearest;
    ngx_uint_t                 i, n;
    ngx_http_intake_named_t  **object;

    found = ngx_http_intake_find_named(objects, name);

    if (found) {
        return found;
    }

    object = objects->elts;
    n = objects->nelts;

    names = ngx_palloc(cf->temp_pool, (n + 1) * sizeof(ngx_str_t));
    if (names == NULL) {
        return NULL;
    }

    for (i = 0; i < n; i++) {
        names[i] = object[i]->name;
    }

    nearest = ngx_http_intake_nearest(name, names, n, sizeof(ngx_str_t));

    if (nearest) {
        ngx_http_intake_conf_log(cf, NGX_LOG_EMERG, position,
                                 "unknown %s \"%V\", did you mean \"%V\"?",
                                 noun, name, nearest);

    } else {
        ngx_http_intake_conf_log(cf, NGX_LOG_EMERG, position, unknown, name,
                                 name);
    }

    return NULL;
}


ngx_str_t *
ngx_http_intake_nearest(ngx_str_t *name, ngx_str_t *known, ngx_uint_t n,
    size_t stride)
{
    ngx_str_t   *k, *nearest;
    ngx_uint_t   i, d, least;

    nearest = NULL;

    /* more than a third of the letters wrong is another word */

    least = name->len / 3 + 2;

    for (i = 0; i < n; i++) {
        k = (ngx_str_t *) ((u_char *) known + i * stride);
        d = ngx_http_intake_distance(name, k);

        if (d < least) {
            least = d;
            nearest = k;
        }
    }

    return nearest;
}


/* Levenshtein's distance; names longer than 63 bytes are far from all */

static ngx_uint_t
ngx_http_intake_distance(ngx_str_t *a, ngx_str_t *b)
{
    ngx_uint_t  i, j, left, diagonal, above, row[64];

    if (a->len > 63 || b->len > 63) {
        return NGX_MAX_INT_T_VALUE;
    }

    for (j = 0; j <= b->len; j++) {
        row[j] = j;
    }

    for (i = 1; i <= a->len; i++) {
        diagonal = row[0];
        row[0] = i;

        for (j = 1; j <= b->len; j++) {
            above = row[j];
            left = row[j - 1];

            row[j] = ngx_min(above, left) + 1;

            if (a->data[i - 1] == b->data[j - 1]) {
                row[j] = ngx_min(row[j], diagonal);

            } else {
                row[j] = ngx_min(row[j], diagonal + 1);
            }

            diagonal = above;
        }
    }

    return row[b->len];
}
