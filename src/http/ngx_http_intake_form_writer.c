
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake_form_writer.h"
#include "ngx_intake_json.h"


static u_char *ngx_http_intake_room(ngx_http_intake_writer_t *w, size_t len);
static void ngx_http_intake_put_html(ngx_http_intake_writer_t *w, u_char *p,
    size_t len);
static ngx_uint_t ngx_http_intake_is_control(u_char ch);


ngx_int_t
ngx_http_intake_write(ngx_pool_t *pool, ngx_http_intake_write_e type,
    ngx_http_intake_write_pt write, void *data, ngx_str_t *out)
{
    ngx_http_intake_writer_t  w;

    w.type = type;
    w.p = NULL;
    w.last = NULL;
    w.len = 0;

    write(&w, data);

    out->len = w.len;
    out->data = ngx_pnalloc(pool, out->len);
    if (out->data == NULL) {
        return NGX_ERROR;
    }

    w.p = out->data;
    w.last = out->data + out->len;
    w.len = 0;

    write(&w, data);

    out->len = w.len;

    return NGX_OK;
}


/* NULL: len bytes have been counted, and nothing is to be written */

static u_char *
ngx_http_intake_room(ngx_http_intake_writer_t *w, size_t len)
{
    u_char  *p;

    if (w->p == NULL) {
        w->len += len;
        return NULL;
    }

    if ((size_t) (w->last - w->p) < len) {
        return NULL;
    }

    p = w->p;

    w->p += len;
    w->len += len;

    return p;
}


void
ngx_http_intake_put(ngx_http_intake_writer_t *w, const char *text)
{
    ngx_http_intake_put_bytes(w, (u_char *) text, ngx_strlen(text));
}


void
ngx_http_intake_put_bytes(ngx_http_intake_writer_t *w, u_char *p, size_t len)
{
    u_char  *dst;

    dst = ngx_http_intake_room(w, len);

    if (dst) {
        ngx_memcpy(dst, p, len);
    }
}


void
ngx_http_intake_put_number(ngx_http_intake_writer_t *w, off_t n)
{
    u_char  buf[NGX_OFF_T_LEN];

    ngx_http_intake_put_bytes(w, buf, ngx_sprintf(buf, "%O", n) - buf);
}


void
ngx_http_intake_put_text(ngx_http_intake_writer_t *w, ngx_str_t *text)
{
    u_char  *dst;
    size_t   len;

    if (text->len == 0) {
        return;
    }

    switch (w->type) {

    case NGX_HTTP_INTAKE_WRITE_JSON:
        len = ngx_intake_json_escape_length(text->data, text->len);
        dst = ngx_http_intake_room(w, len);

        if (dst) {
            (void) ngx_intake_json_escape(dst, text->data, text->len);
        }

        break;

    case NGX_HTTP_INTAKE_WRITE_HTML:
        ngx_http_intake_put_html(w, text->data, text->len);
        break;

    case NGX_HTTP_INTAKE_WRITE_URI:
        len = text->len + 2 * ngx_escape_uri(NULL, text->data, text->len,
                                             NGX_ESCAPE_URI_COMPONENT);
        dst = ngx_http_intake_room(w, len);

        if (dst) {
            (void) ngx_escape_uri(dst, text->data, text->len,
                                  NGX_ESCAPE_URI_COMPONENT);
        }

        break;
    }
}


/* control characters stand alone, what is between them in one piece */

static void
ngx_http_intake_put_html(ngx_http_intake_writer_t *w, u_char *p, size_t len)
{
    size_t   n;
    u_char  *end, *last, *dst;

    for (last = p + len; p < last; p = end) {

        if (ngx_http_intake_is_control(*p)) {
            ngx_http_intake_put(w, "\xEF\xBF\xBD");
            end = p + 1;
            continue;
        }

        for (end = p; end < last && !ngx_http_intake_is_control(*end); end++) {
            /* void */
        }

        n = end - p;
        dst = ngx_http_intake_room(w, n + ngx_escape_html(NULL, p, n));

        if (dst) {
            (void) ngx_escape_html(dst, p, n);
        }
    }
}


static ngx_uint_t
ngx_http_intake_is_control(u_char ch)
{
    return (ch < ' ' && ch != '\t' && ch != LF && ch != CR) || ch == 0x7f;
}
