/* sources: src/form/ngx_intake_disposition.c src/form/ngx_intake_mime.c */
/* sources: src/form/ngx_intake_utf8.c src/verify/ngx_intake_encoding.c */

/*
 * Copyright (C) nginx-intake contributors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_intake_disposition.h"
#include "ngx_intake_mime.h"
#include "ngx_intake_utf8.h"


/*
 * The input is a Content-Disposition, a Content-Type and the name of a file.
 * What is found stands in it; names and boundaries that are written as browsers
 * do are read back; a safe name is safe and stays what it is.
 */


#define check(condition)  if (!(condition)) { abort(); }


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static void
fuzz_inside(ngx_str_t *value, u_char *data, size_t size)
{
    check(value->data == NULL
          || (value->data >= data && value->data <= data + size
              && value->len <= (size_t) (data + size - value->data)));
}


static void
fuzz_disposition(const uint8_t *data, size_t size)
{
    u_char                    *copy;
    ngx_str_t                  value;
    ngx_intake_disposition_t   disposition;

    copy = malloc(size);
    memcpy(copy, data, size);

    value.data = copy;
    value.len = size;

    if (ngx_intake_disposition_parse(&disposition, &value) == NGX_OK) {
        fuzz_inside(&disposition.name, copy, size);
        fuzz_inside(&disposition.filename, copy, size);
    }

    free(copy);
}


/* the first half a name, the second one a file's */

static void
fuzz_written(const uint8_t *data, size_t size)
{
    size_t                     i, half;
    u_char                    *text, *p, *start;
    ngx_str_t                  name, filename, value;
    ngx_intake_disposition_t   disposition;

    half = size / 2;
    text = malloc(5 * size + 64);

    p = ngx_cpymem(text, "Form-Data; name=\"", 17);
    start = p;

    for (i = 0; i < half; i++) {
        *p = data[i];
        p += (data[i] != '"');
    }

    name.data = start;
    name.len = p - start;

    p = ngx_cpymem(p, "\" ;filename*=UTF-8'en'", 22);

    for (i = half; i < size; i++) {
        p += sprintf((char *) p, "%%%02X", data[i]);
    }

    value.data = text;
    value.len = p - text;

    check(ngx_intake_disposition_parse(&disposition, &value) == NGX_OK);
    check(disposition.name.data == name.data
          && disposition.name.len == name.len);

    filename = disposition.filename;
    check(filename.len == size - half
          && memcmp(filename.data, data + half, filename.len) == 0);

    /* a name twice is nobody's */

    p = ngx_cpymem(text, "form-data; name=\"a\"; NAME=b", 27);
    value.len = p - text;
    check(ngx_intake_disposition_parse(&disposition, &value) == NGX_DECLINED);

    free(text);
}


static void
fuzz_safe(ngx_str_t *filename)
{
    size_t     len, again;
    u_char     name[NGX_INTAKE_FILENAME_SAFE];
    u_char     copy[NGX_INTAKE_FILENAME_SAFE];
    ngx_str_t  value;

    len = ngx_intake_filename_safe(name, filename);

    check(len > 0 && len <= NGX_INTAKE_FILENAME_SAFE);
    check(ngx_intake_utf8_valid(name, len));
    check(memchr(name, '/', len) == NULL && memchr(name, '\\', len) == NULL);
    check(memchr(name, '\0', len) == NULL && memchr(name, '\n', len) == NULL);
    check(len > 1 || name[0] != '.');
    check(len > 2 || name[0] != '.' || name[1] != '.');

    value.data = name;
    value.len = len;

    again = ngx_intake_filename_safe(copy, &value);
    check(again == len && memcmp(copy, name, len) == 0);
}


static void
fuzz_mime(const uint8_t *data, size_t size)
{
    u_char             *p, *last;
    ngx_intake_mime_t   mime;

    if (ngx_intake_mime_parse(&mime, (u_char *) data, size) != NGX_OK) {
        return;
    }

    fuzz_inside(&mime.essence, (u_char *) data, size);

    p = mime.essence.data;
    last = p + mime.essence.len;

    p += ngx_intake_mime_token(p, last);
    check(p > mime.essence.data && p < last && *p++ == '/');
    check(p < last && ngx_intake_mime_token(p, last) == (size_t) (last - p));

    if (mime.found == NGX_INTAKE_MIME_BOUNDARY_FOUND) {
        check(mime.len > 0 && mime.len <= NGX_INTAKE_MIME_BOUNDARY);
        check(mime.boundary[mime.len - 1] != ' ');
        check(ngx_intake_utf8_valid(mime.boundary, mime.len));
        check(mime.nboundaries == 1);
    }
}


/* what of the input may be a boundary, as one in quotes */

static void
fuzz_boundary(const uint8_t *data, size_t size)
{
    size_t              i, len;
    u_char              text[256], boundary[NGX_INTAKE_MIME_BOUNDARY], *p;
    ngx_intake_mime_t   mime;

    p = ngx_cpymem(text, "multipart/form-data;boundary=\"", 30);
    len = 0;

    for (i = 0; i < size && len < NGX_INTAKE_MIME_BOUNDARY; i++) {

        if (data[i] < ' ' || data[i] > '~') {
            continue;
        }

        if (data[i] == '"' || data[i] == '\\') {
            *p++ = '\\';
        }

        *p++ = data[i];
        boundary[len++] = data[i];
    }

    p = ngx_cpymem(p, "\"; charset=utf-8", 16);

    check(ngx_intake_mime_parse(&mime, text, p - text) == NGX_OK);
    check(ngx_intake_mime_is(&mime, "multipart/form-data"));

    if (len == 0) {
        check(mime.found == NGX_INTAKE_MIME_NO_BOUNDARY);

    } else if (boundary[len - 1] == ' ') {
        check(mime.found == NGX_INTAKE_MIME_BOUNDARY_BAD);

    } else {
        check(mime.found == NGX_INTAKE_MIME_BOUNDARY_FOUND);
        check(mime.len == len && memcmp(mime.boundary, boundary, len) == 0);
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ngx_str_t  filename;

    if (size == 0) {
        return 0;
    }

    filename.data = (u_char *) data;
    filename.len = size;

    fuzz_disposition(data, size);
    fuzz_written(data, size);
    fuzz_safe(&filename);
    fuzz_mime(data, size);
    fuzz_boundary(data, size);

    return 0;
}
