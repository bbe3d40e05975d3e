
/*
 * Copyright (C) nginx-intake contributors
 */


#ifndef _FORM_RECORD_H_INCLUDED_
#define _FORM_RECORD_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <stdio.h>
#include "ngx_intake_form.h"


/*
 * Runs the parser of forms and writes down what it reports, so that two runs
 * can be compared byte by byte.  An entry is "f" and two texts, name and value,
 * or "F" and four: name, filename, type and content.  A text is its length, in
 * four bytes, and its bytes.
 */

typedef struct {
    u_char                    *data;
    size_t                     len;
    size_t                     size;

    size_t                     content;     /* of the file: where it begins */
    ngx_uint_t                 open;        /* in a file */

    ngx_int_t                  rc;
    ngx_intake_form_error_e    error;
} form_record_t;


static ngx_inline void
form_record_bytes(form_record_t *r, const void *p, size_t len)
{
    if (len == 0) {
        return;
    }

    if (len > r->size - r->len) {
        r->size = (r->len + len) * 2;
        r->data = realloc(r->data, r->size);

        if (r->data == NULL) {
            abort();
        }
    }

    ngx_memcpy(r->data + r->len, p, len);
    r->len += len;
}


static ngx_inline void
form_record_text(form_record_t *r, ngx_str_t *text)
{
    uint32_t  len;

    len = (uint32_t) text->len;

    form_record_bytes(r, &len, sizeof(len));
    form_record_bytes(r, text->data, text->len);
}


/* moves behind the text at *pos */

static ngx_inline ngx_str_t
form_record_read(u_char **pos)
{
    uint32_t   len;
    ngx_str_t  text;

    ngx_memcpy(&len, *pos, sizeof(len));

    text.data = *pos + sizeof(len);
    text.len = len;

    *pos = text.data + len;

    return text;
}


static ngx_inline ngx_int_t
form_record_field(void *ctx, ngx_intake_form_field_t *field)
{
    form_record_t *r = ctx;

    if (r->open) {
        abort();
    }

    form_record_bytes(r, "f", 1);
    form_record_text(r, &field->name);
    form_record_text(r, &field->value);

    return NGX_OK;
}


static ngx_inline ngx_int_t
form_record_file(void *ctx, ngx_intake_form_file_t *file)
{
    form_record_t *r = ctx;

    ngx_str_t  empty = ngx_null_string;

    if (r->open++) {
        abort();
    }

    form_record_bytes(r, "F", 1);
    form_record_text(r, &file->name);
    form_record_text(r, &file->filename);
    form_record_text(r, &file->type);
    form_record_text(r, &empty);

    r->content = r->len;

    return NGX_OK;
}


static ngx_inline ngx_int_t
form_record_data(void *ctx, u_char *p, size_t len)
{
    form_record_t *r = ctx;

    if (!r->open || len == 0) {
        abort();
    }

    form_record_bytes(r, p, len);

    return NGX_OK;
}


static ngx_inline ngx_int_t
form_record_end(void *ctx)
{
    form_record_t *r = ctx;

    uint32_t  len;

    if (r->open-- == 0) {
        abort();
    }

    len = (uint32_t) (r->len - r->content);
    ngx_memcpy(r->data + r->content - sizeof(len), &len, sizeof(len));

    return NGX_OK;
}


/* each piece is an allocation of its own, so that a sanitizer sees its end */

static ngx_inline ngx_int_t
form_record_feed(ngx_intake_form_t *form, u_char *p, size_t len)
{
    u_char     *piece;
    ngx_int_t   rc;

    piece = malloc(len ? len : 1);

    if (piece == NULL) {
        abort();
    }

    ngx_memcpy(piece, p, len);

    rc = ngx_intake_form_feed(form, piece, len);

    free(piece);

    return rc;
}


/*
 * Feeds first bytes of the body, then pieces of the given size; 0 is all that
 * is left
 */

static ngx_inline ngx_int_t
form_record_pieces(form_record_t *r, ngx_str_t *content_type, ngx_str_t *body,
    size_t first, size_t size)
{
    size_t              n, pos;
    u_char             *buffer;
    ngx_int_t           rc;
    ngx_intake_form_t  *form;

    static ngx_intake_form_handlers_t  handlers = {
        form_record_field,
        form_record_file,
        form_record_data,
        form_record_end
    };

    r->len = 0;
    r->open = 0;

    form = malloc(sizeof(ngx_intake_form_t));

    if (form == NULL) {
        abort();
    }

    ngx_intake_form_limits_init(&form->limits);

    form->handlers = &handlers;
    form->ctx = r;

    buffer = NULL;
    rc = ngx_intake_form_init(form, content_type);

    if (rc == NGX_OK) {
        buffer = malloc(ngx_intake_form_size(form, body->len) + 1);

        if (buffer == NULL) {
            abort();
        }

        ngx_intake_form_start(form, buffer, body->len);

        n = first;

        for (pos = 0; rc == NGX_OK && pos < body->len; pos += n, n = size) {

            if (n == 0 || n > body->len - pos) {
                n = body->len - pos;
            }

            rc = form_record_feed(form, body->data + pos, n);
        }
    }

    if (rc == NGX_OK) {
        rc = ngx_intake_form_end(form);
    }

    r->rc = rc;
    r->error = form->error;

    free(buffer);
    free(form);

    return rc;
}


static ngx_inline ngx_uint_t
form_record_same(form_record_t *one, form_record_t *other)
{
    if (one->rc != other->rc || one->error != other->error) {
        return 0;
    }

    if (one->rc != NGX_OK) {
        return 1;
    }

    return one->len == other->len
           && (one->len == 0
               || ngx_memcmp(one->data, other->data, one->len) == 0);
}


#endif /* _FORM_RECORD_H_INCLUDED_ */
