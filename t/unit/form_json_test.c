/* sources: src/form/ngx_intake_form_json.c src/form/ngx_intake_utf8.c */
/* sources: src/json/ngx_intake_json.c src/json/ngx_intake_json_scan.c */
/* sources: src/json/ngx_intake_json_string.c */

/*
 * Copyright (C) nginx-intake contributors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <stdio.h>
#include "ngx_intake_form_json.h"
#include "bytes.h"
#include "form_pairs.h"
#include "tap.h"


#define MALFORMED    NGX_INTAKE_FORM_MALFORMED_JSON
#define UNSUPPORTED  NGX_INTAKE_FORM_UNSUPPORTED_JSON
#define MANY         NGX_INTAKE_FORM_TOO_MANY_FIELDS
#define NAME         NGX_INTAKE_FORM_NAME_TOO_LONG
#define VALUE        NGX_INTAKE_FORM_VALUE_TOO_LARGE


typedef struct {
    const char               *body;
    const char               *expect;       /* "name=value;" for each field */
    ngx_intake_form_error_e   error;
} test_json_t;


/* the limits are 5 fields, names of 6 bytes and values of 12 */

static test_json_t  test_bodies[] = {

    { "{}", "", 0 },
    { " \t\r\n{ \"a\" : \"b\" } ", "a=b;", 0 },
    { "\xef\xbb\xbf{\"a\":\"b\"}", "a=b;", 0 },
    { "{\"a\":\"b\",\"c\":\"\"}", "a=b;c=;", 0 },
    { "{\"a\":1,\"b\":-1.50e+3,\"c\":true,\"d\":false}",
      "a=1;b=-1.50e+3;c=true;d=false;", 0 },
    { "{\"a\":null,\"b\":1}", "b=1;", 0 },
    { "{\"a\":[]}", "", 0 },
    { "{\"a\":[1,\"x\",true],\"b\":[\"y\"]}", "a=1;a=x;a=true;b=y;", 0 },
    { "{\"\":\"x\"}", "=x;", 0 },
    { "{\"A\":1,\"a\":2}", "A=1;a=2;", 0 },
    { "{\"a.b\":1,\"c[]\":2}", "a.b=1;c[]=2;", 0 },

    /* escapes, and what is not UTF-8 */

    { "{\"\\u0061\":\"\\u00e9\\ud83d\\ude00\"}", "a=\xc3\xa9\xf0\x9f\x98\x80;",
      0 },
    { "{\"a\":\"\\ud83dx\\ude00\"}", "a=\xef\xbf\xbdx\xef\xbf\xbd;", 0 },
    { "{\"a\":\"\xffx\"}", "a=\xef\xbf\xbdx;", 0 },
    { "{\"a\":\"\xe2\x82\"}", "a=\xef\xbf\xbd;", 0 },
    { "{\"a\":\"\xed\xa0\x80\"}", "a=\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd;",
      0 },
    { "{\"\xff\":1}", "\xef\xbf\xbd=1;", 0 },
    { "{\"a\\\"=\":\"\\\\\\n\"}", "a\"==\\\n;", 0 },

    { "", "", MALFORMED },
    { " ", "", MALFORMED },
    { "{", "", MALFORMED },
    { "{\"a\":\"b\"", "", MALFORMED },
    { "{\"a\":\"b\"}}", "", MALFORMED },
    { "{\"a\":01}", "", MALFORMED },
    { "{\"a\":NaN}", "", MALFORMED },
    { "{\"a\":'b'}", "", MALFORMED },
    { "{a:1}", "", MALFORMED },
    { "{\"a\":1,}", "", MALFORMED },
    { "{\"a\":\"x\ny\"}", "", MALFORMED },
    { "a=b", "", MALFORMED },
    { "\xc2\xa0{}", "", MALFORMED },

    { "null", "", UNSUPPORTED },
    { "\"a=b\"", "", UNSUPPORTED },
    { "1", "", UNSUPPORTED },
    { "[]", "", UNSUPPORTED },
    { "[\"a\"]", "", UNSUPPORTED },
    { "[{\"a\":\"b\"}]", "", UNSUPPORTED },
    { "{\"a\":{}}", "", UNSUPPORTED },
    { "{\"a\":{\"b\":1}}", "", UNSUPPORTED },
    { "{\"a\":[[]]}", "", UNSUPPORTED },
    { "{\"a\":[{}]}", "", UNSUPPORTED },
    { "{\"a\":[1,null]}", "", UNSUPPORTED },
    { "{\"a\":[[[]]]}", "", UNSUPPORTED },
    { "{\"a\":[[[[[[", "", UNSUPPORTED },

    /* the same name twice */

    { "{\"a\":1,\"a\":1}", "", UNSUPPORTED },
    { "{\"a\":1,\"b\":2,\"\\u0061\":3}", "", UNSUPPORTED },
    { "{\"a\":null,\"a\":1}", "", UNSUPPORTED },
    { "{\"a\":[],\"a\":[]}", "", UNSUPPORTED },
    { "{\"\":1,\"\":1}", "", UNSUPPORTED },
    { "{\"\xff\":1,\"\xef\xbf\xbd\":1}", "", UNSUPPORTED },
    { "{\"a\\u0000\":1,\"a\":1}", NULL, 0 },

    /* limits; a document that is none comes before them, and a name twice */

    { "{\"a\":1,\"b\":1,\"c\":1,\"d\":1,\"e\":1,\"f\":null}",
      "a=1;b=1;c=1;d=1;e=1;", 0 },
    { "{\"a\":1,\"b\":1,\"c\":1,\"d\":1,\"e\":1,\"f\":1}", "", MANY },
    { "{\"a\":[1,2,3,4,5,6]}", "", MANY },
    { "{\"a\":[1,2,3,4,5,6]} x", "", MALFORMED },
    { "{\"a\":[1,2,3,4,5,6],\"a\":1}", "", UNSUPPORTED },

    { "{\"123456\":1}", "123456=1;", 0 },
    { "{\"1234567\":1}", "", NAME },
    { "{\"1234567\":null}", "", NAME },
    { "{\"\\u0031\\u0032\\u0033\\u0034\\u0035\\u0036\":1}", "123456=1;", 0 },
    { "{\"\\u0031\\u0032\\u0033\\u0034\\u0035\\u00361\":1}", "", NAME },
    { "{\"\xff\xff\":1}", "\xef\xbf\xbd\xef\xbf\xbd=1;", 0 },
    { "{\"\xff\xff\xff\":1}", "", NAME },

    { "{\"a\":\"123456789012\"}", "a=123456789012;", 0 },
    { "{\"a\":\"1234567890123\"}", "", VALUE },
    { "{\"a\":1234567890123}", "", VALUE },
    { "{\"a\":\"\xff\xff\xff\xff\"}",
      "a=\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd;", 0 },
    { "{\"a\":\"\xff\xff\xff\xff.\"}", "", VALUE },
    { "{\"a\":\"\\u0031\\u0032\\u0033\\u0034\\u0035\\u0036\\u0037\\u0038"
      "\\u0039\\u0030\\u0031\\u0032\"}", "a=123456789012;", 0 },
    { "{\"a\":\"\\u0031\\u0032\\u0033\\u0034\\u0035\\u0036\\u0037\\u0038"
      "\\u0039\\u0030\\u0031\\u0032\\u0033\"}", "", VALUE },

    { NULL, NULL, 0 }
};


static ngx_int_t
test_pair(void *ctx, ngx_str_t *name, ngx_str_t *value, ngx_uint_t replaced)
{
    return form_pairs_add(ctx, name, value) ? NGX_ERROR : NGX_OK;
}


/* the body and the buffer are of just their sizes, and the body stays */

static ngx_int_t
test_read(form_pairs_t *log, ngx_intake_form_limits_t *limits,
    const char *body, size_t len, ngx_intake_form_error_e *error)
{
    u_char                          *data, *buffer;
    ngx_int_t                        rc;
    static ngx_intake_form_json_t    j;

    log->len = 0;
    log->calls = 0;

    j.handler = test_pair;
    j.ctx = log;
    j.limits = limits;

    data = copy_bytes(body, len);
    buffer = malloc(ngx_intake_form_json_size(limits, len) + 1);

    if (buffer == NULL) {
        abort();
    }

    rc = ngx_intake_form_json_read(&j, buffer, data, len);

    if (ngx_memcmp(data, body, len) != 0) {
        printf("# the body has changed\n");
        rc = NGX_BUSY;
    }

    *error = j.error;

    free(buffer);
    free(data);

    return rc;
}


static void
test_pairs(void)
{
    ngx_int_t                  rc;
    ngx_uint_t                 good;
    test_json_t               *t;
    form_pairs_t               log;
    ngx_intake_form_error_e    error;
    ngx_intake_form_limits_t   limits;

    limits.fields = 5;
    limits.name = 6;
    limits.value = 12;

    log.stop = 0;

    for (t = test_bodies; t->body; t++) {

        rc = test_read(&log, &limits, t->body, strlen(t->body), &error);

        if (t->error) {
            good = (rc == NGX_DECLINED && error == t->error);

        } else {
            good = (rc == NGX_OK && error == NGX_INTAKE_FORM_FINE
                    && (t->expect == NULL
                        || (log.len == strlen(t->expect)
                            && ngx_memcmp(log.text, t->expect, log.len)
                               == 0)));
        }

        if (!good) {
            printf("# %d, error %d: %.*s\n", (int) rc, (int) error,
                   (int) log.len, log.text);
        }

        ok(good, "%s", t->body);
    }

    log.stop = 2;

    ok(test_read(&log, &limits, "{\"a\":1,\"b\":2,\"c\":3}", 19, &error)
       == NGX_ERROR && log.calls == 2 && error == NGX_INTAKE_FORM_FINE,
       "the handler ends it");
}


/* absent members are no fields, but are not without number either */

static void
test_members(void)
{
    size_t                     len;
    ngx_uint_t                 i, n;
    form_pairs_t               log;
    static char                body[32 * 1024];
    ngx_intake_form_error_e    error;
    ngx_intake_form_limits_t   limits;

    limits.fields = 5;
    limits.name = 6;
    limits.value = 12;

    log.stop = 0;

    for (n = NGX_INTAKE_FORM_JSON_MEMBERS;
         n <= NGX_INTAKE_FORM_JSON_MEMBERS + 1;
         n++)
    {
        len = 0;

        for (i = 0; i < n; i++) {
            len += snprintf(body + len, sizeof(body) - len, "%c\"k%04u\":null",
                            i ? ',' : '{', (unsigned) i);
        }

        body[len++] = '}';

        if (n == NGX_INTAKE_FORM_JSON_MEMBERS) {
            ok(test_read(&log, &limits, body, len, &error) == NGX_OK
               && log.calls == 0, "1024 absent members");

            body[len - 1] = ',';

            len += snprintf(body + len, sizeof(body) - len, "\"k0500\":null}");

            ok(test_read(&log, &limits, body, len, &error) == NGX_DECLINED,
               "and one more");

        } else {
            ok(test_read(&log, &limits, body, len, &error) == NGX_DECLINED
               && error == NGX_INTAKE_FORM_TOO_MANY_FIELDS,
               "1025 absent members");
        }
    }
}


int
main(void)
{
    test_pairs();
    test_members();

    return done();
}
