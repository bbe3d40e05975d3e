
/*
 * Copyright (C) nginx-intake contributors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_intake_xml_scan.h"


/* how far a path has been followed to the element that is open now */

typedef struct {
    ngx_uint_t                depth;      /* its names that are open */
    size_t                    offset;     /* of the next one */
    unsigned                  open:1;     /* its element is */
    unsigned                  done:1;
} ngx_intake_xml_path_t;


typedef struct {
    ngx_str_t                *paths;
    ngx_str_t                *values;
    ngx_uint_t                npaths;
    ngx_uint_t                depth;

    ngx_str_t                 names[NGX_INTAKE_XML_MAX_DEPTH];
    ngx_intake_xml_path_t     states[NGX_INTAKE_XML_MAX_PATHS];
} ngx_intake_xml_reader_t;


static ngx_int_t ngx_intake_xml_markup(ngx_intake_xml_reader_t *r,
    ngx_intake_xml_markup_t *markup, u_char *start, u_char *after);
static void ngx_intake_xml_open(ngx_intake_xml_reader_t *r, ngx_str_t *name,
    u_char *content);
static void ngx_intake_xml_close(ngx_intake_xml_reader_t *r, u_char *end);


ngx_int_t
ngx_intake_xml_read(u_char *data, size_t len, ngx_str_t *paths,
    ngx_uint_t npaths, ngx_str_t *values)
{
    u_char                   *p, *last, *start;
    ngx_int_t                 rc;
    ngx_uint_t                root;
    ngx_intake_xml_reader_t   r;
    ngx_intake_xml_markup_t   markup;

    if (npaths > NGX_INTAKE_XML_MAX_PATHS) {
        return NGX_DECLINED;
    }

    r.paths = paths;
    r.values = values;
    r.npaths = npaths;
    r.depth = 0;

    ngx_memzero(r.states, sizeof(r.states));
    ngx_memzero(values, npaths * sizeof(ngx_str_t));

    p = data;
    last = data + len;
    root = 0;

    if (len >= 3 && ngx_memcmp(p, "\xef\xbb\xbf", 3) == 0) {
        p += 3;
    }

    for ( ;; ) {

        if (r.depth) {
            start = memchr(p, '<', last - p);

        } else {
            start = ngx_intake_xml_space(p, last);

            if (start == last) {
                return root ? NGX_OK : NGX_ERROR;
            }
        }

        if (start == NULL || *start != '<') {
            return NGX_ERROR;
        }

        p = ngx_intake_xml_scan(start, last, &markup);

        if (p == NULL
            || (markup.doctype && root)
            || (markup.kind != NGX_INTAKE_XML_IGNORED && r.depth == 0 && root))
        {
            return NGX_ERROR;
        }

        rc = ngx_intake_xml_markup(&r, &markup, start, p);

        if (rc != NGX_OK) {
            return rc;
        }

        root |= (markup.kind != NGX_INTAKE_XML_IGNORED);
    }
}


static ngx_int_t
ngx_intake_xml_markup(ngx_intake_xml_reader_t *r,
    ngx_intake_xml_markup_t *markup, u_char *start, u_char *after)
{
    ngx_str_t  *name;

    switch (markup->kind) {

    case NGX_INTAKE_XML_START:

        if (r->depth == NGX_INTAKE_XML_MAX_DEPTH) {
            return NGX_DECLINED;
        }

        ngx_intake_xml_open(r, &markup->text, after);

        return NGX_OK;

    case NGX_INTAKE_XML_EMPTY:

        if (r->depth == NGX_INTAKE_XML_MAX_DEPTH) {
            return NGX_DECLINED;
        }

        ngx_intake_xml_open(r, &markup->text, after);
        ngx_intake_xml_close(r, after);

        return NGX_OK;

    case NGX_INTAKE_XML_END:

        if (r->depth == 0) {
            return NGX_ERROR;
        }

        name = &r->names[r->depth - 1];

        if (name->len != markup->text.len
            || ngx_memcmp(name->data, markup->text.data, name->len) != 0)
        {
            return NGX_ERROR;
        }

        ngx_intake_xml_close(r, start);

        return NGX_OK;

    case NGX_INTAKE_XML_CDATA:
        return r->depth ? NGX_OK : NGX_ERROR;

    default: /* NGX_INTAKE_XML_IGNORED */
        return NGX_OK;
    }
}


static void
ngx_intake_xml_open(ngx_intake_xml_reader_t *r, ngx_str_t *name,
    u_char *content)
{
    size_t                  left;
    u_char                 *next;
    ngx_uint_t              i;
    ngx_intake_xml_path_t  *state;

    for (i = 0; i < r->npaths; i++) {
        state = &r->states[i];

        if (state->done || state->open || state->depth != r->depth) {
            continue;
        }

        next = r->paths[i].data + state->offset;
        left = r->paths[i].len - state->offset;

        if (left < name->len
            || ngx_memcmp(next, name->data, name->len) != 0
            || (left > name->len && next[name->len] != '.'))
        {
            continue;
        }

        if (left == name->len) {
            state->open = 1;
            r->values[i].data = content;

        } else {
            state->offset += name->len + 1;
        }

        state->depth++;
    }

    r->names[r->depth++] = *name;
}


static void
ngx_intake_xml_close(ngx_intake_xml_reader_t *r, u_char *end)
{
    ngx_uint_t              i;
    ngx_intake_xml_path_t  *state;

    for (i = 0; i < r->npaths; i++) {
        state = &r->states[i];

        if (state->done || state->depth != r->depth) {
            continue;
        }

        if (state->open) {
            r->values[i].len = end - r->values[i].data;
            state->done = 1;

        } else {
            state->offset -= r->names[r->depth - 1].len + 1;
        }

        state->depth--;
    }

    r->depth--;
}
