
/*
 * Copyright (C) nginx-intake contributors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_intake_multipart.h"


#define NGX_INTAKE_MULTIPART_BLANKS  64     /* behind a delimiter in a body */
#define NGX_INTAKE_MULTIPART_NEAR    8      /* bytes */


/*
 * A delimiter is CRLF, "--", the boundary, optional blanks and CRLF, or one
 * more "--" in front of the blanks.  The blank line behind the headers may be
 * its first CRLF.
 */

enum {
    sw_data = 0,                    /* of a part, and up to the boundary */
    sw_boundary,                    /* "--boundary" has been read */
    sw_boundary_dash,
    sw_boundary_cr,
    sw_boundary_blank,
    sw_boundary_blank_cr,
    sw_line,                        /* a header line begins */
    sw_header,
    sw_header_cr,
    sw_headers_cr,
    sw_close,                       /* the last delimiter has been read */
    sw_close_cr,
    sw_epilogue,
    sw_failed
};


static ngx_int_t ngx_intake_multipart_data(ngx_intake_multipart_t *m,
    u_char **pos, u_char *last);
static size_t ngx_intake_multipart_match(ngx_intake_multipart_t *m, u_char *p,
    u_char *last);
static u_char *ngx_intake_multipart_search(ngx_intake_multipart_t *m,
    u_char *p, u_char *last);
static ngx_uint_t ngx_intake_multipart_goes_on(u_char *p, u_char *last);
static ngx_int_t ngx_intake_multipart_step(ngx_intake_multipart_t *m,
    u_char **pos);
static ngx_int_t ngx_intake_multipart_padding(ngx_intake_multipart_t *m,
    u_char ch);
static ngx_int_t ngx_intake_multipart_delimiter(ngx_intake_multipart_t *m,
    ngx_uint_t state);
static ngx_int_t ngx_intake_multipart_not_delimiter(ngx_intake_multipart_t *m,
    u_char *tail, size_t len);
static ngx_int_t ngx_intake_multipart_line(ngx_intake_multipart_t *m,
    u_char **pos, u_char *last);
static ngx_int_t ngx_intake_multipart_header(ngx_intake_multipart_t *m);
static ngx_int_t ngx_intake_multipart_begin(ngx_intake_multipart_t *m);
static ngx_int_t ngx_intake_multipart_refuse(ngx_intake_multipart_t *m,
    ngx_intake_form_error_e error);


ngx_int_t
ngx_intake_multipart_init(ngx_intake_multipart_t *m, ngx_intake_mime_t *mime)
{
    u_char  *p;

    m->state = sw_failed;

    if (mime->found != NGX_INTAKE_MIME_BOUNDARY_FOUND) {
        return ngx_intake_multipart_refuse(m,
                              mime->found == NGX_INTAKE_MIME_NO_BOUNDARY
                              ? NGX_INTAKE_FORM_MISSING_BOUNDARY
                              : NGX_INTAKE_FORM_BAD_BOUNDARY);
    }

    p = ngx_cpymem(m->delimiter, "\r\n--", 4);
    p = ngx_cpymem(p, mime->boundary, mime->len);

    m->len = p - m->delimiter;

    /* in front of the first delimiter there is no CRLF, nor anything else */

    m->matched = 2;
    m->skip = 2;
    m->opened = 0;

    m->error = NGX_INTAKE_FORM_FINE;
    m->state = sw_data;

    return NGX_OK;
}


ngx_int_t
ngx_intake_multipart_feed(ngx_intake_multipart_t *m, u_char *p, size_t len)
{
    u_char     *last;
    ngx_int_t   rc;

    if (m->state == sw_failed) {
        return NGX_ERROR;
    }

    if (len == 0) {
        return NGX_OK;
    }

    last = p + len;

    while (p < last) {

        switch (m->state) {

        case sw_data:
            rc = ngx_intake_multipart_data(m, &p, last);
            break;

        case sw_line:
        case sw_header:
            rc = ngx_intake_multipart_line(m, &p, last);
            break;

        case sw_epilogue:
            return NGX_OK;

        default:
            rc = ngx_intake_multipart_step(m, &p);
        }

        if (rc != NGX_OK) {
            m->state = sw_failed;
            return rc;
        }
    }

    return NGX_OK;
}


ngx_int_t
ngx_intake_multipart_end(ngx_intake_multipart_t *m)
{
    switch (m->state) {

    case sw_close:
    case sw_epilogue:
        m->state = sw_failed;
        return NGX_OK;

    case sw_failed:
        return NGX_ERROR;

    default:
        m->state = sw_failed;
        return ngx_intake_multipart_refuse(m,
                                         NGX_INTAKE_FORM_MALFORMED_MULTIPART);
    }
}


static ngx_int_t
ngx_intake_multipart_data(ngx_intake_multipart_t *m, u_char **pos,
    u_char *last)
{
    size_t      n;
    u_char     *p, *start;
    ngx_int_t   rc;

    p = *pos;

    if (m->matched) {

        /* it began in an earlier piece, or with the blank line */

        n = ngx_intake_multipart_match(m, p, last);

        m->matched += n;
        p += n;

        if (m->matched < m->len && p < last) {
            rc = ngx_intake_multipart_not_delimiter(m, NULL, 0);
            if (rc != NGX_OK) {
                return rc;
            }
        }
    }

    if (m->matched == 0) {
        start = p;
        p = ngx_intake_multipart_search(m, p, last);

        if (p > start) {
            rc = m->handlers->data(m->ctx, start, p - start);
            if (rc != NGX_OK) {
                return rc;
            }
        }

        p += m->matched;
    }

    if (m->matched == m->len) {
        m->state = sw_boundary;
    }

    *pos = p;

    return NGX_OK;
}


/* the number of bytes at p that go on with the delimiter */

static size_t
ngx_intake_multipart_match(ngx_intake_multipart_t *m, u_char *p, u_char *last)
{
    size_t  n, max;

    max = ngx_min(m->len - m->matched, (size_t) (last - p));

    for (n = 0; n < max; n++) {
        if (p[n] != m->delimiter[m->matched + n]) {
            break;
        }
    }

    return n;
}


/*
 * Returns where the delimiter, or as much of it as there is, begins.  It has
 * one CR, so nothing that was compared in vain needs to be looked at again.
 */

static u_char *
ngx_intake_multipart_search(ngx_intake_multipart_t *m, u_char *p, u_char *last)
{
    size_t      n;
    ngx_uint_t  near;

    near = 0;

    while (p < last) {

        if (*p != '\r') {

            /* where one CR was, the next is often near: a call costs more */

            if (near) {
                near--;
                p++;
                continue;
            }

            p = memchr(p, '\r', last - p);

            if (p == NULL) {
                return last;
            }
        }

        if (last - p > 1 && p[1] != '\n') {
            n = 1;

        } else {
            n = ngx_intake_multipart_match(m, p, last);

            if (p + n == last
                || (n == m->len && ngx_intake_multipart_goes_on(p + n, last)))
            {
                m->matched = n;
                return p;
            }
        }

        p += n;
        near = NGX_INTAKE_MULTIPART_NEAR;
    }

    return last;
}


/*
 * What is at p cannot show that the boundary before it is data; where both
 * bytes are there, that spares the steps.
 */

static ngx_uint_t
ngx_intake_multipart_goes_on(u_char *p, u_char *last)
{
    if (last - p < 2) {
        return 1;
    }

    switch (p[0]) {

    case '-':
        return p[1] == '-';

    case '\r':
        return p[1] == '\n';

    default:
        return p[0] == ' ' || p[0] == '\t';
    }
}


/* the states that take one byte */

static ngx_int_t
ngx_intake_multipart_step(ngx_intake_multipart_t *m, u_char **pos)
{
    u_char  ch;

    ch = **pos;

    switch (m->state) {

    case sw_boundary:
        if (ch == '-' || ch == '\r' || ch == ' ' || ch == '\t') {
            m->state = (ch == '-') ? sw_boundary_dash
                       : (ch == '\r') ? sw_boundary_cr : sw_boundary_blank;
            m->blanks = 1;
            (*pos)++;
            return NGX_OK;
        }

        return ngx_intake_multipart_not_delimiter(m, NULL, 0);

    case sw_boundary_dash:
        if (ch == '-') {
            (*pos)++;
            return ngx_intake_multipart_delimiter(m, sw_close);
        }

        return ngx_intake_multipart_not_delimiter(m, (u_char *) "-", 1);

    case sw_boundary_cr:
        if (ch == '\n') {
            (*pos)++;
            return ngx_intake_multipart_delimiter(m, sw_line);
        }

        return ngx_intake_multipart_not_delimiter(m, (u_char *) "\r", 1);

    case sw_header_cr:
    case sw_headers_cr:
        if (ch == '\n') {
            (*pos)++;
            return (m->state == sw_header_cr) ? ngx_intake_multipart_header(m)
                                              : ngx_intake_multipart_begin(m);
        }

        return ngx_intake_multipart_refuse(m,
                                         NGX_INTAKE_FORM_MALFORMED_MULTIPART);

    default:
        (*pos)++;
        return ngx_intake_multipart_padding(m, ch);
    }
}


/* blanks and CRLF; once one of them has been read there is no way back */

static ngx_int_t
ngx_intake_multipart_padding(ngx_intake_multipart_t *m, u_char ch)
{
    switch (m->state) {

    case sw_boundary_blank:
        if (ch == ' ' || ch == '\t') {

            if (++m->blanks <= NGX_INTAKE_MULTIPART_BLANKS || !m->opened) {
                return NGX_OK;
            }

        } else if (ch == '\r') {
            m->state = sw_boundary_blank_cr;
            return NGX_OK;
        }

        break;

    case sw_boundary_blank_cr:
        if (ch == '\n') {
            return ngx_intake_multipart_delimiter(m, sw_line);
        }

        break;

    case sw_close:
        if (ch == ' ' || ch == '\t') {
            return NGX_OK;
        }

        if (ch == '\r') {
            m->state = sw_close_cr;
            return NGX_OK;
        }

        break;

    case sw_close_cr:
        if (ch == '\n') {
            m->state = sw_epilogue;
            return NGX_OK;
        }

        break;
    }

    return ngx_intake_multipart_refuse(m, NGX_INTAKE_FORM_MALFORMED_MULTIPART);
}


static ngx_int_t
ngx_intake_multipart_delimiter(ngx_intake_multipart_t *m, ngx_uint_t state)
{
    ngx_int_t  rc;

    if (m->opened) {
        rc = m->handlers->end(m->ctx);
        if (rc != NGX_OK) {
            return rc;
        }
    }

    m->state = state;
    m->opened = 1;
    m->nheaders = 0;

    ngx_intake_part_init(&m->part);

    return NGX_OK;
}


/* what has been taken for a delimiter is data, and so is the tail */

static ngx_int_t
ngx_intake_multipart_not_delimiter(ngx_intake_multipart_t *m, u_char *tail,
    size_t len)
{
    size_t     n, skip;
    ngx_int_t  rc;

    if (!m->opened) {
        return ngx_intake_multipart_refuse(m,
                                         NGX_INTAKE_FORM_MALFORMED_MULTIPART);
    }

    n = m->matched;
    skip = m->skip;

    m->state = sw_data;
    m->matched = 0;
    m->skip = 0;

    if (n > skip) {
        rc = m->handlers->data(m->ctx, m->delimiter + skip, n - skip);
        if (rc != NGX_OK) {
            return rc;
        }
    }

    return len ? m->handlers->data(m->ctx, tail, len) : NGX_OK;
}


static ngx_int_t
ngx_intake_multipart_line(ngx_intake_multipart_t *m, u_char **pos,
    u_char *last)
{
    size_t   n;
    u_char  *p, *start;

    start = *pos;

    if (m->state == sw_line) {

        if (*start == '\r') {
            m->state = sw_headers_cr;
            *pos = start + 1;
            return NGX_OK;
        }

        m->state = sw_header;
        m->line_len = 0;
    }

    for (p = start; p < last && *p != '\r' && *p != '\n'; p++) {
        /* void */
    }

    n = p - start;

    if (n > NGX_INTAKE_PART_LINE - m->line_len) {
        return ngx_intake_multipart_refuse(m,
                                           NGX_INTAKE_FORM_HEADER_TOO_LARGE);
    }

    ngx_memcpy(m->line + m->line_len, start, n);
    m->line_len += n;

    if (p < last) {

        if (*p++ == '\n') {
            return ngx_intake_multipart_refuse(m,
                                         NGX_INTAKE_FORM_MALFORMED_MULTIPART);
        }

        m->state = sw_header_cr;
    }

    *pos = p;

    return NGX_OK;
}


/* a line is complete */

static ngx_int_t
ngx_intake_multipart_header(ngx_intake_multipart_t *m)
{
    m->state = sw_line;

    if (++m->nheaders > NGX_INTAKE_PART_HEADERS) {
        return ngx_intake_multipart_refuse(m,
                                           NGX_INTAKE_FORM_HEADER_TOO_LARGE);
    }

    if (ngx_intake_part_header(&m->part, m->line, m->line_len) != NGX_OK) {
        return ngx_intake_multipart_refuse(m,
                                         NGX_INTAKE_FORM_MALFORMED_MULTIPART);
    }

    return NGX_OK;
}


/* the blank line behind the headers */

static ngx_int_t
ngx_intake_multipart_begin(ngx_intake_multipart_t *m)
{
    if (ngx_intake_part_headers_end(&m->part) != NGX_OK) {
        return ngx_intake_multipart_refuse(m,
                                         NGX_INTAKE_FORM_MALFORMED_MULTIPART);
    }

    /* the delimiter may follow at once, without a CRLF of its own */

    m->state = sw_data;
    m->matched = 2;
    m->skip = 2;

    return m->handlers->begin(m->ctx, &m->part);
}


static ngx_int_t
ngx_intake_multipart_refuse(ngx_intake_multipart_t *m,
    ngx_intake_form_error_e error)
{
    m->error = error;

    return NGX_DECLINED;
}
