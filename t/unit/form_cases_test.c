/* sources: src/form/ngx_intake_form.c src/form/ngx_intake_form_json.c */
/* sources: src/form/ngx_intake_urlencoded.c src/form/ngx_intake_multipart.c */
/* sources: src/form/ngx_intake_part.c src/form/ngx_intake_disposition.c */
/* sources: src/form/ngx_intake_mime.c src/form/ngx_intake_utf8.c */
/* sources: src/json/ngx_intake_json.c src/json/ngx_intake_json_scan.c */
/* sources: src/json/ngx_intake_json_string.c */
/* sources: src/verify/ngx_intake_encoding.c */
/* libs: -ljansson */

/*
 * Copyright (C) nginx-intake contributors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <jansson.h>
#include "form_record.h"
#include "ngx_intake_encoding.h"
#include "tap.h"


/*
 * The cases in t/data/forms/cases.json, and in forms/cases.json of the folder
 * INTAKE_VECTORS if that is set: each as a whole, byte by byte, and cut in two
 * at every offset.  Long bodies are cut at as many as make INTAKE_SPLITS MB to
 * parse, or 4.
 */


#define TEST_SPLITS  4                     /* MB to parse for one case */


static ngx_str_t
test_base64(json_t *text)
{
    ngx_str_t  src, dst;

    src.data = (u_char *) json_string_value(text);
    src.len = json_string_length(text);

    dst.data = malloc(src.len + 1);

    if (dst.data == NULL
        || ngx_intake_base64_decode(&src, dst.data, src.len, &dst.len)
           != NGX_OK)
    {
        abort();
    }

    return dst;
}


static void
test_body(json_t *test, form_record_t *body)
{
    size_t      i;
    json_t     *text, *part;
    ngx_str_t   bytes;
    ngx_uint_t  n;

    body->len = 0;

    text = json_object_get(test, "body");

    if (text) {
        form_record_bytes(body, json_string_value(text),
                          json_string_length(text));
    }

    text = json_object_get(test, "body_base64");

    if (text) {
        bytes = test_base64(text);
        form_record_bytes(body, bytes.data, bytes.len);
        free(bytes.data);
    }

    json_array_foreach(json_object_get(test, "body_parts"), i, part) {

        bytes = test_base64(json_object_get(part, "base64"));
        n = json_object_get(part, "repeat")
            ? json_integer_value(json_object_get(part, "repeat")) : 1;

        while (n--) {
            form_record_bytes(body, bytes.data, bytes.len);
        }

        free(bytes.data);
    }
}


/* a character up to U+00FF stands for one byte */

static void
test_latin1(json_t *text, ngx_str_t *dst)
{
    u_char  *p, *last;

    p = (u_char *) json_string_value(text);
    last = p + json_string_length(text);

    dst->data = malloc(json_string_length(text) + 1);
    dst->len = 0;

    while (p < last) {
        if (*p >= 0xc2 && *p <= 0xc3) {
            dst->data[dst->len++] = (u_char) ((*p & 0x03) << 6 | (p[1] & 0x3f));
            p += 2;

        } else {
            dst->data[dst->len++] = *p++;
        }
    }
}


static ngx_uint_t
test_same(json_t *text, ngx_str_t *got)
{
    return json_is_string(text)
           && json_string_length(text) == got->len
           && ngx_memcmp(json_string_value(text), got->data, got->len) == 0;
}


static ngx_uint_t
test_file(json_t *expect, u_char **pos)
{
    json_t     *data;
    ngx_str_t   name, filename, type, content, bytes;
    ngx_uint_t  same;

    name = form_record_read(pos);
    filename = form_record_read(pos);
    type = form_record_read(pos);
    content = form_record_read(pos);

    if (!test_same(json_object_get(expect, "name"), &name)
        || !test_same(json_object_get(expect, "filename"), &filename)
        || !test_same(json_object_get(expect, "type"), &type)
        || (size_t) json_integer_value(json_object_get(expect, "size"))
           != content.len)
    {
        return 0;
    }

    data = json_object_get(expect, "data_base64");

    if (data == NULL) {
        return 1;
    }

    bytes = test_base64(data);

    same = (bytes.len == content.len
            && ngx_memcmp(bytes.data, content.data, bytes.len) == 0);

    free(bytes.data);

    return same;
}


static ngx_uint_t
test_expected(json_t *expect, form_record_t *r)
{
    u_char      *p, *last;
    json_t      *pair, *error;
    ngx_str_t    name, value;
    ngx_uint_t   nfields, nfiles;

    error = json_object_get(expect, "error");

    if (error || r->rc != NGX_OK) {
        return error && r->rc == NGX_DECLINED
               && strcmp(json_string_value(error),
                         ngx_intake_form_reason(r->error)) == 0;
    }

    nfields = 0;
    nfiles = 0;

    p = r->data;
    last = r->len ? p + r->len : p;

    while (p < last) {

        if (*p++ == 'F') {
            if (!test_file(json_array_get(json_object_get(expect, "files"),
                                          nfiles++), &p))
            {
                return 0;
            }

            continue;
        }

        name = form_record_read(&p);
        value = form_record_read(&p);

        pair = json_array_get(json_object_get(expect, "fields"), nfields++);

        if (!test_same(json_array_get(pair, 0), &name)
            || !test_same(json_array_get(pair, 1), &value))
        {
            return 0;
        }
    }

    return nfields == json_array_size(json_object_get(expect, "fields"))
           && nfiles == json_array_size(json_object_get(expect, "files"));
}


static ngx_uint_t
test_splits(form_record_t *whole, ngx_str_t *type, ngx_str_t *body)
{
    char           *mb;
    size_t          at, bytes, step;
    ngx_uint_t      same;
    form_record_t   r;

    ngx_memzero(&r, sizeof(form_record_t));

    mb = getenv("INTAKE_SPLITS");
    bytes = (mb ? strtoul(mb, NULL, 10) : TEST_SPLITS) * 1000000;

    step = body->len ? 1 + body->len / (1 + bytes / body->len) : 1;

    same = 1;

    for (at = 1; same && at < body->len; at++) {

        /* near the ends all of them */

        if (at > 200 && at + 200 < body->len && at % step) {
            continue;
        }

        form_record_pieces(&r, type, body, at, 0);

        if (!form_record_same(whole, &r)) {
            printf("# cut at %lu\n", (unsigned long) at);
            same = 0;
        }
    }

    free(r.data);

    return same;
}


static void
test_case(json_t *test)
{
    size_t          i;
    json_t         *header, *expect;
    ngx_str_t       type, body;
    const char     *name;
    ngx_uint_t      good;
    form_record_t   text, whole, bytes;

    ngx_memzero(&text, sizeof(form_record_t));
    ngx_memzero(&whole, sizeof(form_record_t));
    ngx_memzero(&bytes, sizeof(form_record_t));

    name = json_string_value(json_object_get(test, "name"));
    header = json_object_get(test, "content_type");

    ngx_str_null(&type);

    if (json_is_string(header)) {
        test_latin1(header, &type);
    }

    test_body(test, &text);

    body.data = text.data;
    body.len = text.len;

    form_record_pieces(&whole, type.data ? &type : NULL, &body, 0, 0);

    good = test_expected(json_object_get(test, "expect"), &whole);

    json_array_foreach(json_object_get(test, "also_allowed"), i, expect) {
        good |= test_expected(expect, &whole);
    }

    ok(good, "%s: whole", name);

    if (!good) {
        printf("# rc %d, error \"%s\"\n", (int) whole.rc,
               ngx_intake_form_reason(whole.error));
    }

    form_record_pieces(&bytes, type.data ? &type : NULL, &body, 1, 1);

    ok(form_record_same(&whole, &bytes), "%s: byte by byte", name);

    ok(test_splits(&whole, type.data ? &type : NULL, &body),
       "%s: cut in two", name);

    free(type.data);
    free(text.data);
    free(whole.data);
    free(bytes.data);
}


static void
test_cases(const char *path)
{
    size_t         i;
    json_t        *cases, *test;
    const char    *error;
    json_error_t   e;

    cases = json_load_file(path, JSON_ALLOW_NUL, &e);

    ok(json_is_array(cases), "%s: cases", path);

    json_array_foreach(cases, i, test) {

        error = json_string_value(json_object_get(
                                json_object_get(test, "expect"), "error"));

        /* these are seen before the body is parsed */

        if (error && (strcmp(error, "unsupported_content_encoding") == 0
                      || strcmp(error, "too_large") == 0))
        {
            continue;
        }

        test_case(test);
    }

    json_decref(cases);
}


int
main(void)
{
    char  *folder, path[1024];

    setbuf(stdout, NULL);

    test_cases("t/data/forms/cases.json");

    folder = getenv("INTAKE_VECTORS");

    if (folder && *folder) {
        snprintf(path, sizeof(path), "%s/forms/cases.json", folder);
        test_cases(path);
    }

    return done();
}
