/* sources: src/form/ngx_intake_form.c src/form/ngx_intake_form_json.c */
/* sources: src/form/ngx_intake_urlencoded.c src/form/ngx_intake_multipart.c */
/* sources: src/form/ngx_intake_part.c src/form/ngx_intake_disposition.c */
/* sources: src/form/ngx_intake_mime.c src/form/ngx_intake_utf8.c */
/* sources: src/json/ngx_intake_json.c src/json/ngx_intake_json_scan.c */
/* sources: src/json/ngx_intake_json_string.c */
/* sources: src/verify/ngx_intake_encoding.c */

/*
 * Copyright (C) nginx-intake contributors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <stdio.h>
#include "form_record.h"
#include "ngx_intake_disposition.h"
#include "ngx_intake_utf8.h"


/*
 * The input is a line, the Content-Type, and a body.  What is reported must be
 * the same however the body is cut; if a good multipart body is taken when it
 * is truncated, nothing of it may be missing; all text must be UTF-8, and a
 * file's safe name must be safe.  An empty line stands for multipart/form-data
 * with the boundary "b".
 */


#define fuzz_check(condition)                                                 \
    do {                                                                      \
        if (!(condition)) {                                                   \
            fprintf(stderr, "line %d: %s\n", __LINE__, #condition);           \
            abort();                                                          \
        }                                                                     \
    } while (0)


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static void
fuzz_safe_name(ngx_str_t *filename)
{
    size_t  len;
    u_char  name[NGX_INTAKE_FILENAME_SAFE];

    len = ngx_intake_filename_safe(name, filename);

    fuzz_check(len > 0 && len <= NGX_INTAKE_FILENAME_SAFE);
    fuzz_check(memchr(name, '/', len) == NULL);
    fuzz_check(memchr(name, '\\', len) == NULL);
    fuzz_check(memchr(name, '\0', len) == NULL);
    fuzz_check(memchr(name, '\n', len) == NULL);
    fuzz_check(len > 1 || name[0] != '.');
    fuzz_check(len > 2 || name[0] != '.' || name[1] != '.');
    fuzz_check(ngx_intake_utf8_valid(name, len));
}


static void
fuzz_texts(form_record_t *r)
{
    u_char      *p, *last, kind;
    ngx_str_t    text;
    ngx_uint_t   i, fields, files;

    if (r->len == 0) {
        return;
    }

    fields = 0;
    files = 0;

    p = r->data;
    last = p + r->len;

    while (p < last) {
        kind = *p++;

        fields += (kind == 'f');
        files += (kind == 'F');

        for (i = 0; i < 2; i++) {
            text = form_record_read(&p);
            fuzz_check(ngx_intake_utf8_valid(text.data, text.len));
        }

        if (kind == 'F') {
            fuzz_safe_name(&text);

            text = form_record_read(&p);
            fuzz_check(ngx_intake_utf8_ascii(text.data, text.len) == text.len);

            (void) form_record_read(&p);
        }
    }

    fuzz_check(fields <= NGX_INTAKE_FORM_FIELDS);
    fuzz_check(files <= NGX_INTAKE_FORM_FILES);
}


static void
fuzz_pieces(form_record_t *whole, ngx_str_t *type, ngx_str_t *body)
{
    size_t                 size;
    static form_record_t   r;

    for (size = 1; size <= 3; size++) {
        form_record_pieces(&r, type, body, size, size);
        fuzz_check(form_record_same(whole, &r));
    }

    for (size = 1; size < body->len; size += 1 + body->len / 8) {
        form_record_pieces(&r, type, body, size, 0);
        fuzz_check(form_record_same(whole, &r));
    }
}


static void
fuzz_truncated(form_record_t *whole, ngx_str_t *type, ngx_str_t *body)
{
    size_t                 len;
    ngx_str_t              part;
    ngx_intake_mime_t      mime;
    static form_record_t   r;

    if (ngx_intake_mime_parse(&mime, type->data, type->len) != NGX_OK
        || !ngx_intake_mime_is(&mime, "multipart/form-data"))
    {
        return;
    }

    for (len = 0; len < body->len; len += 1 + body->len / 16) {

        part.data = body->data;
        part.len = len;

        if (form_record_pieces(&r, type, &part, 0, 0) == NGX_OK) {
            fuzz_check(form_record_same(whole, &r));
        }
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    u_char                *line;
    ngx_str_t              type, body;
    static form_record_t   whole;

    line = memchr(data, '\n', size);

    if (line == NULL) {
        return 0;
    }

    type.data = (u_char *) data;
    type.len = line - data;

    if (type.len == 0) {
        ngx_str_set(&type, "multipart/form-data; boundary=b");
    }

    body.data = line + 1;
    body.len = data + size - body.data;

    form_record_pieces(&whole, &type, &body, 0, 0);

    fuzz_check(whole.rc == NGX_OK || whole.rc == NGX_DECLINED);
    fuzz_check((whole.rc == NGX_OK) == (whole.error == NGX_INTAKE_FORM_FINE));

    fuzz_pieces(&whole, &type, &body);

    if (whole.rc == NGX_OK) {
        fuzz_texts(&whole);
        fuzz_truncated(&whole, &type, &body);
    }

    return 0;
}
