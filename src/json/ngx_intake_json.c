
/*
 * Copyright (C) nginx-intake contributors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_intake_json_scan.h"


/*
 * The reader follows several paths at once.  A set of paths is a mask of 64
 * bits.  For each open container that some path leads into there is a level
 * with the mask of these paths; a child gets the mask of those whose next step
 * it matches.  A value with an empty mask is skipped by a tighter loop, which
 * checks it all the same.  So levels are never deeper than the longest path.
 */


typedef struct {
    uint64_t                  mask;       /* paths that lead into it */
    uint64_t                  named;      /* of them met by a member's name */
    ngx_str_t                 name;       /* of the current member */
    uint32_t                  count;      /* children begun */
    unsigned                  object:1;
    unsigned                  escaped:1;  /* the name is */
} ngx_intake_json_level_t;


typedef struct {
    ngx_intake_json_t        *json;
    ngx_intake_json_scan_t    scan;

    ngx_uint_t                depth;      /* levels in use */
    ngx_uint_t                done;

    /* paths by their number of steps, and by the kind of the step n */

    uint64_t                  ends[NGX_INTAKE_JSON_MAX_STEPS + 1];
    uint64_t                  elements[NGX_INTAKE_JSON_MAX_STEPS];
    uint64_t                  members[NGX_INTAKE_JSON_MAX_STEPS];
    uint64_t                  numbers[NGX_INTAKE_JSON_MAX_STEPS];

    /* lengths of the names at the step n, modulo 64 */

    uint64_t                  lengths[NGX_INTAKE_JSON_MAX_STEPS];

    ngx_intake_json_level_t   levels[NGX_INTAKE_JSON_MAX_STEPS];
    uint32_t                  indices[NGX_INTAKE_JSON_MAX_STEPS];
} ngx_intake_json_reader_t;


static uint32_t ngx_intake_json_index(u_char *p, size_t len);
static void ngx_intake_json_prepare(ngx_intake_json_reader_t *r);
static ngx_int_t ngx_intake_json_value(ngx_intake_json_reader_t *r,
    uint64_t mask);
static ngx_int_t ngx_intake_json_next(ngx_intake_json_reader_t *r,
    uint64_t *mask);
static ngx_int_t ngx_intake_json_member(ngx_intake_json_reader_t *r,
    ngx_intake_json_level_t *level, uint64_t *mask);
static uint64_t ngx_intake_json_element(ngx_intake_json_reader_t *r,
    ngx_intake_json_level_t *level);
static uint64_t ngx_intake_json_match(ngx_intake_json_reader_t *r,
    ngx_intake_json_level_t *level);
static ngx_int_t ngx_intake_json_report(ngx_intake_json_reader_t *r,
    uint64_t mask, ngx_intake_json_value_t *value);
static void ngx_intake_json_bind(ngx_intake_json_reader_t *r,
    ngx_intake_json_path_t *path, ngx_intake_json_value_t *value);


ngx_int_t
ngx_intake_json_path_parse(ngx_str_t *text, ngx_intake_json_path_t *path,
    ngx_uint_t flags)
{
    u_char                  *p, *last, *dot;
    ngx_intake_json_step_t  *step;

    path->nsteps = 0;

    if (text->len == 0) {
        return NGX_ERROR;
    }

    p = text->data;
    last = text->data + text->len;

    for ( ;; ) {

        for (dot = p; dot < last && *dot != '.'; dot++) { /* void */ }

        if (dot == p) {
            return NGX_ERROR;
        }

        if (path->nsteps == NGX_INTAKE_JSON_MAX_STEPS) {
            return NGX_DECLINED;
        }

        step = &path->steps[path->nsteps++];

        step->data = p;
        step->len = dot - p;

        if (step->len == 1 && *p == '*') {
            step->index = (flags & NGX_INTAKE_JSON_MEMBERS)
                          ? NGX_INTAKE_JSON_CHILDREN
                          : NGX_INTAKE_JSON_ELEMENTS;

        } else {
            step->index = ngx_intake_json_index(p, step->len);
        }

        if (dot == last) {
            return NGX_OK;
        }

        p = dot + 1;
    }
}


static uint32_t
ngx_intake_json_index(u_char *p, size_t len)
{
    uint64_t  n;

    for (n = 0; len; len--, p++) {

        if (*p < '0' || *p > '9') {
            return NGX_INTAKE_JSON_NAME;
        }

        n = n * 10 + (*p - '0');

        /* no document has so many elements */

        if (n >= NGX_INTAKE_JSON_CHILDREN) {
            return NGX_INTAKE_JSON_NAME;
        }
    }

    return (uint32_t) n;
}


ngx_int_t
ngx_intake_json_read(ngx_intake_json_t *json, u_char *data, size_t len)
{
    uint64_t                  mask;
    ngx_int_t                 rc;
    ngx_intake_json_reader_t  r;

    json->offset = 0;

    if (len == 0) {
        return NGX_ERROR;
    }

    if (json->npaths > NGX_INTAKE_JSON_MAX_PATHS || len > 0xffffffff) {
        return NGX_DECLINED;
    }

    r.json = json;
    r.scan.pos = data;
    r.scan.end = data + len;
    r.depth = 0;
    r.done = 0;

    if (len >= 3 && ngx_memcmp(data, "\xef\xbb\xbf", 3) == 0) {
        r.scan.pos += 3;
    }

    ngx_intake_json_prepare(&r);

    mask = 0;

    if (json->npaths && json->handler) {
        mask = ~(uint64_t) 0 >> (64 - json->npaths);
    }

    do {
        rc = ngx_intake_json_value(&r, mask);

        if (rc == NGX_OK) {
            rc = ngx_intake_json_next(&r, &mask);
        }

    } while (rc == NGX_OK && !r.done);

    json->offset = r.scan.pos - data;

    return rc;
}


static void
ngx_intake_json_prepare(ngx_intake_json_reader_t *r)
{
    uint64_t                 bit;
    ngx_uint_t               n, i;
    ngx_intake_json_step_t  *step;
    ngx_intake_json_path_t  *path;

    ngx_memzero(r->ends, sizeof(r->ends));
    ngx_memzero(r->elements, sizeof(r->elements));
    ngx_memzero(r->members, sizeof(r->members));
    ngx_memzero(r->numbers, sizeof(r->numbers));
    ngx_memzero(r->lengths, sizeof(r->lengths));

    for (n = 0; n < r->json->npaths; n++) {

        path = r->json->paths[n];
        bit = ngx_intake_json_bit(n);

        r->ends[path->nsteps] |= bit;

        for (i = 0; i < path->nsteps; i++) {

            step = &path->steps[i];

            switch (step->index) {

            case NGX_INTAKE_JSON_CHILDREN:
                r->members[i] |= bit;
                r->elements[i] |= bit;
                continue;

            case NGX_INTAKE_JSON_ELEMENTS:
                r->elements[i] |= bit;
                continue;

            case NGX_INTAKE_JSON_NAME:
                break;

            default:
                r->numbers[i] |= bit;
            }

            r->lengths[i] |= ngx_intake_json_bit(step->len & 63);
        }
    }
}


/* reports one value, and either passes it or enters it */

static ngx_int_t
ngx_intake_json_value(ngx_intake_json_reader_t *r, uint64_t mask)
{
    u_char                   *p;
    uint64_t                  ends;
    ngx_int_t                 rc;
    ngx_uint_t                object;
    ngx_intake_json_level_t  *level;
    ngx_intake_json_value_t   value;

    if (mask == 0) {
        return ngx_intake_json_skip(&r->scan,
                                    NGX_INTAKE_JSON_MAX_DEPTH - r->depth);
    }

    p = ngx_intake_json_space(&r->scan, r->scan.pos);
    r->scan.pos = p;

    ends = mask & r->ends[r->depth];

    if (p == r->scan.end || (*p != '{' && *p != '[')) {

        p = ngx_intake_json_scalar(&r->scan, p, &value);

        if (p == NULL) {
            return NGX_ERROR;
        }

        r->scan.pos = p;

        return ngx_intake_json_report(r, ends, &value);
    }

    object = (*p == '{');

    if (ends) {
        value.kind = object ? NGX_INTAKE_JSON_OBJECT : NGX_INTAKE_JSON_ARRAY;
        value.raw.data = p;
        value.raw.len = 0;
        value.escaped = 0;

        rc = ngx_intake_json_report(r, ends, &value);

        if (rc != NGX_OK) {
            return rc;
        }

        mask &= ~ends;
    }

    /* of the paths that have a next step, those that can take it here */

    if (mask) {
        mask &= object ? ~(r->elements[r->depth] & ~r->members[r->depth])
                       : (r->elements[r->depth] | r->numbers[r->depth]);
    }

    if (mask == 0) {
        return ngx_intake_json_skip(&r->scan,
                                    NGX_INTAKE_JSON_MAX_DEPTH - r->depth);
    }

    level = &r->levels[r->depth++];

    level->mask = mask;
    level->named = 0;
    level->count = 0;
    level->object = object;

    r->scan.pos = p + 1;

    return NGX_OK;
}


/* goes on to the next value, leaving the containers that end before it */

static ngx_int_t
ngx_intake_json_next(ngx_intake_json_reader_t *r, uint64_t *mask)
{
    u_char                   *p;
    ngx_intake_json_level_t  *level;

    for ( ;; ) {

        p = ngx_intake_json_space(&r->scan, r->scan.pos);
        r->scan.pos = p;

        if (r->depth == 0) {
            r->done = 1;
            return (p == r->scan.end) ? NGX_OK : NGX_ERROR;
        }

        if (p == r->scan.end) {
            return NGX_ERROR;
        }

        level = &r->levels[r->depth - 1];

        if (*p == (level->object ? '}' : ']')) {
            r->scan.pos++;
            r->depth--;
            continue;
        }

        if (level->count++) {

            if (*p != ',') {
                return NGX_ERROR;
            }

            r->scan.pos++;
        }

        if (level->object) {
            return ngx_intake_json_member(r, level, mask);
        }

        *mask = ngx_intake_json_element(r, level);

        return NGX_OK;
    }
}


static ngx_int_t
ngx_intake_json_member(ngx_intake_json_reader_t *r,
    ngx_intake_json_level_t *level, uint64_t *mask)
{
    u_char                   *p;
    uint64_t                  matched, again;
    ngx_uint_t                escaped;
    ngx_intake_json_value_t   value;

    p = ngx_intake_json_name(&r->scan, r->scan.pos, &level->name, &escaped);

    if (p == NULL) {
        return NGX_ERROR;
    }

    r->scan.pos = p;
    level->escaped = escaped;

    matched = ngx_intake_json_match(r, level);

    again = matched & level->named & ~r->ends[r->depth];
    level->named |= matched;

    *mask = matched | (level->mask & r->members[r->depth - 1]);

    if (again == 0) {
        return NGX_OK;
    }

    ngx_memzero(&value, sizeof(ngx_intake_json_value_t));

    value.kind = NGX_INTAKE_JSON_VOID;

    return ngx_intake_json_report(r, again, &value);
}


/* the paths whose next step is the name of the current member */

static uint64_t
ngx_intake_json_match(ngx_intake_json_reader_t *r,
    ngx_intake_json_level_t *level)
{
    uint64_t                 mask, matched;
    ngx_str_t               *name;
    ngx_uint_t               n, depth;
    ngx_intake_json_step_t  *step;

    name = &level->name;
    depth = r->depth - 1;

    if (!level->escaped
        && !(r->lengths[depth] & ngx_intake_json_bit(name->len & 63)))
    {
        return 0;
    }

    matched = 0;
    mask = level->mask & ~r->elements[depth];

    for (n = 0; mask; n++, mask >>= 1) {

        if (!(mask & 1)) {
            continue;
        }

        step = &r->json->paths[n]->steps[depth];

        if (level->escaped) {

            if (!ngx_intake_json_equal(name, step->data, step->len)) {
                continue;
            }

        } else if (step->len != name->len
                   || ngx_memcmp(step->data, name->data, name->len) != 0)
        {
            continue;
        }

        matched |= ngx_intake_json_bit(n);
    }

    return matched;
}


/* the paths that lead to the current element */

static uint64_t
ngx_intake_json_element(ngx_intake_json_reader_t *r,
    ngx_intake_json_level_t *level)
{
    uint64_t    mask, matched;
    ngx_uint_t  n, depth;

    depth = r->depth - 1;

    matched = level->mask & r->elements[depth];
    mask = level->mask & r->numbers[depth];

    for (n = 0; mask; n++, mask >>= 1) {

        if ((mask & 1)
            && r->json->paths[n]->steps[depth].index == level->count - 1)
        {
            matched |= ngx_intake_json_bit(n);
        }
    }

    return matched;
}


static ngx_int_t
ngx_intake_json_report(ngx_intake_json_reader_t *r, uint64_t mask,
    ngx_intake_json_value_t *value)
{
    ngx_int_t   rc;
    ngx_uint_t  n;

    for (n = 0; mask; n++, mask >>= 1) {

        if (!(mask & 1)) {
            continue;
        }

        ngx_intake_json_bind(r, r->json->paths[n], value);

        rc = r->json->handler(r->json->ctx, n, value);

        if (rc != NGX_OK) {
            return rc;
        }
    }

    return NGX_OK;
}


/* what the "*" of the path stand for, as far as containers are open */

static void
ngx_intake_json_bind(ngx_intake_json_reader_t *r, ngx_intake_json_path_t *path,
    ngx_intake_json_value_t *value)
{
    ngx_uint_t                i;
    ngx_intake_json_level_t  *level;

    value->name.data = NULL;
    value->name.len = 0;
    value->name_escaped = 0;

    value->indices = r->indices;
    value->nindices = 0;

    for (i = 0; i < r->depth; i++) {

        if (path->steps[i].index != NGX_INTAKE_JSON_ELEMENTS
            && path->steps[i].index != NGX_INTAKE_JSON_CHILDREN)
        {
            continue;
        }

        level = &r->levels[i];

        r->indices[value->nindices++] = level->count - 1;

        if (level->object) {
            value->name = level->name;
            value->name_escaped = level->escaped;
        }
    }
}
