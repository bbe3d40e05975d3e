
/*
 * Copyright (C) nginx-intake contributors
 */


#ifndef _FORM_BODIES_H_INCLUDED_
#define _FORM_BODIES_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <stdio.h>
#include "ngx_intake_form.h"


/*
 * Long bodies that repeat a pattern; of most, the pattern is what a search for
 * the boundary likes least.
 */

#define FORM_WEBKIT                                                          \
    "multipart/form-data; boundary=----WebKitFormBoundaryTB2MiQ36fnSJlrhY"
#define FORM_WEBKIT_DASHES  "------WebKitFormBoundaryTB2MiQ36fnSJlrhY"


typedef struct {
    const char  *name;
    const char  *type;
    const char  *head;
    const char  *pattern;                  /* NULL: random bytes */
    const char  *tail;
} form_body_t;


static form_body_t  form_bodies[] = {

    { "multipart, random file", FORM_WEBKIT,
      FORM_WEBKIT_DASHES "\r\nContent-Disposition: form-data; name=a; "
      "filename=b\r\n\r\n", NULL, "\r\n" FORM_WEBKIT_DASHES "--\r\n" },

    { "multipart, text file, CRLF", FORM_WEBKIT,
      FORM_WEBKIT_DASHES "\r\nContent-Disposition: form-data; name=a; "
      "filename=b\r\n\r\n",
      "The quick brown fox jumps over the lazy dog and is not seen again.\r\n",
      "\r\n" FORM_WEBKIT_DASHES "--\r\n" },

    { "multipart, CR only", FORM_WEBKIT,
      FORM_WEBKIT_DASHES "\r\nContent-Disposition: form-data; name=a; "
      "filename=b\r\n\r\n", "\r", "\r\n" FORM_WEBKIT_DASHES "--\r\n" },

    { "multipart, CRLF only", FORM_WEBKIT,
      FORM_WEBKIT_DASHES "\r\nContent-Disposition: form-data; name=a; "
      "filename=b\r\n\r\n", "\r\n", "\r\n" FORM_WEBKIT_DASHES "--\r\n" },

    { "multipart, every other CR", FORM_WEBKIT,
      FORM_WEBKIT_DASHES "\r\nContent-Disposition: form-data; name=a; "
      "filename=b\r\n\r\n", "x\r", "\r\n" FORM_WEBKIT_DASHES "--\r\n" },

    { "multipart, almost delimiters", FORM_WEBKIT,
      FORM_WEBKIT_DASHES "\r\nContent-Disposition: form-data; name=a; "
      "filename=b\r\n\r\n",
      "\r\n------WebKitFormBoundaryTB2MiQ36fnSJlrh",
      "\r\n" FORM_WEBKIT_DASHES "--\r\n" },

    { "multipart, delimiters that go on", FORM_WEBKIT,
      FORM_WEBKIT_DASHES "\r\nContent-Disposition: form-data; name=a; "
      "filename=b\r\n\r\n", "\r\n" FORM_WEBKIT_DASHES "-\r",
      "\r\n" FORM_WEBKIT_DASHES "--\r\n" },

    { "multipart, delimiters, boundary a", "multipart/form-data; boundary=a",
      "--a\r\nContent-Disposition: form-data; name=a; filename=b\r\n\r\n",
      "\r\n--a-", "\r\n--a--" },

    { "multipart, dashes", "multipart/form-data; boundary=-------------------",
      "---------------------\r\nContent-Disposition: form-data; name=a; "
      "filename=b\r\n\r\nx", "-", "\r\n-----------------------\r\n" },

    { "multipart, epilogue", "multipart/form-data; boundary=a", "--a--\r\n",
      "\r\n--a", "" },

    { "multipart, fields of 100 bytes", "multipart/form-data; boundary=a",
      "--a\r\n",
      "Content-Disposition: form-data; name=\"message\"\r\n\r\n"
      "The quick brown fox jumps over the lazy dog and is not seen again "
      "until it returns in the evening.\r\n--a\r\n",
      "Content-Disposition: form-data; name=a\r\n\r\n\r\n--a--\r\n" },

    { "urlencoded, text", "application/x-www-form-urlencoded", "a=",
      "The+quick+brown+fox+jumps+over+the+lazy+dog%2C+and+again.&name=", "" },

    { "urlencoded, escapes", "application/x-www-form-urlencoded", "a=",
      "%D0%BF%D1%80%D0%B8%D0%B2%D0%B5%D1%82&b=", "" },

    { "urlencoded, not UTF-8", "application/x-www-form-urlencoded", "a=",
      "%80%80%80%80%80%80%80%80%80%80%80%80&b=", "" },

    { "urlencoded, percent signs", "application/x-www-form-urlencoded", "a=",
      "%", "" },

    { "urlencoded, ampersands", "application/x-www-form-urlencoded", "a=",
      "&", "" },

    { "JSON, text", "application/json", "{\"a\":[\"\"",
      ",\"The quick brown fox jumps over the lazy dog and is not seen again\"",
      "]}" },

    { "JSON, escapes", "application/json", "{\"a\":[\"\"",
      ",\"\\u043f\\u0440\\u0438\\u0432\\u0435\\u0442\"", "]}" }
};


static ngx_inline ngx_int_t
form_body_on_field(void *ctx, ngx_intake_form_field_t *field)
{
    return NGX_OK;
}


static ngx_inline ngx_int_t
form_body_on_file(void *ctx, ngx_intake_form_file_t *file)
{
    return NGX_OK;
}


static ngx_inline ngx_int_t
form_body_on_data(void *ctx, u_char *p, size_t len)
{
    return NGX_OK;
}


static ngx_inline ngx_int_t
form_body_on_end(void *ctx)
{
    return NGX_OK;
}


static ngx_intake_form_handlers_t  form_body_handlers = {
    form_body_on_field,
    form_body_on_file,
    form_body_on_data,
    form_body_on_end
};


/* about size bytes, which the caller frees */

static ngx_inline u_char *
form_body_make(form_body_t *kind, size_t size, size_t *len)
{
    u_char  *body, *p;
    size_t   n, pattern;

    body = malloc(size + 1024);

    if (body == NULL) {
        abort();
    }

    p = ngx_cpymem(body, kind->head, strlen(kind->head));

    if (kind->pattern == NULL) {

        for (n = 0; n < size; n++) {
            *p++ = (u_char) (random() >> 7);
        }

    } else {
        pattern = strlen(kind->pattern);

        for (n = 0; n + pattern <= size; n += pattern) {
            p = ngx_cpymem(p, kind->pattern, pattern);
        }
    }

    p = ngx_cpymem(p, kind->tail, strlen(kind->tail));

    *len = p - body;

    return body;
}


/* in pieces of so many bytes; returns what the parser does */

static ngx_inline ngx_int_t
form_body_parse(form_body_t *kind, u_char *body, size_t len, size_t piece)
{
    size_t              n, pos;
    u_char             *buffer;
    ngx_int_t           rc;
    ngx_str_t           type;
    ngx_intake_form_t   form;

    ngx_intake_form_limits_init(&form.limits);

    form.limits.fields = NGX_MAX_INT_T_VALUE;
    form.limits.value = len;
    form.limits.file = len;
    form.handlers = &form_body_handlers;
    form.ctx = NULL;

    type.data = (u_char *) kind->type;
    type.len = strlen(kind->type);

    rc = ngx_intake_form_init(&form, &type);

    buffer = malloc(ngx_intake_form_size(&form, len));

    if (rc != NGX_OK || buffer == NULL) {
        abort();
    }

    ngx_intake_form_start(&form, buffer, len);

    for (pos = 0; rc == NGX_OK && pos < len; pos += n) {
        n = ngx_min(piece, len - pos);
        rc = ngx_intake_form_feed(&form, body + pos, n);
    }

    if (rc == NGX_OK) {
        rc = ngx_intake_form_end(&form);
    }

    free(buffer);

    return rc;
}


#endif /* _FORM_BODIES_H_INCLUDED_ */
