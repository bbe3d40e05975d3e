/* sources: src/form/ngx_intake_urlencoded.c src/verify/ngx_intake_encoding.c */

/*
 * Copyright (C) nginx-intake contributors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <stdio.h>
#include "ngx_intake_urlencoded.h"
#include "bytes.h"
#include "form_pairs.h"
#include "tap.h"


typedef struct {
    const char  *body;
    const char  *expect;            /* "name=value;" for each pair */
} test_pair_t;


static test_pair_t  test_pairs[] = {

    { "", "" },
    { "a=b", "a=b;" },
    { "a=b&c=d", "a=b;c=d;" },
    { "a=b&", "a=b;" },
    { "&a=b", "a=b;" },
    { "&&&a=b&&&&c=d&&", "a=b;c=d;" },
    { "&", "" },
    { "a", "a=;" },
    { "a&b&c", "a=;b=;c=;" },
    { "a=", "a=;" },
    { "=b", "=b;" },
    { "=", "=;" },
    { "=&=", "=;=;" },
    { "a==b=", "a==b=;" },
    { "a=b;c=d", "a=b;c=d;" },
    { "?a=b", "?a=b;" },
    { "a[x].y=1&a[]=2", "a[x].y=1;a[]=2;" },
    { "a=1&a=2&a=1", "a=1;a=2;a=1;" },

    { "+a+=+b+", " a = b ;" },
    { "a=%2B+%2b", "a=+ +;" },
    { "%61%3D%26=%3D%26", "a=&==&;" },
    { "a=%", "a=%;" },
    { "a=%4", "a=%4;" },
    { "a=%4&b=%&c=%4g", "a=%4;b=%;c=%4g;" },
    { "a=%%41%4%41", "a=%A%4A;" },
    { "a=%2541", "a=%41;" },
    { "a%3=%3D", "a%3==;" },
    { "%3=%d", "%3=%d;" },
    { "a=%u00e9", "a=%u00e9;" },

    { NULL, NULL }
};


static ngx_int_t
test_pair(void *ctx, ngx_str_t *name, ngx_str_t *value)
{
    return form_pairs_add(ctx, name, value) ? NGX_ABORT : NGX_OK;
}


/* first bytes and then the rest, or byte by byte; pieces of their own memory */

static ngx_int_t
test_parse(form_pairs_t *log, ngx_intake_form_limits_t *limits,
    const char *body, size_t len, size_t first, ngx_intake_form_error_e *error)
{
    size_t                    n, pos;
    u_char                   *buffer, *piece;
    ngx_int_t                 rc;
    ngx_intake_urlencoded_t   u;

    log->len = 0;
    log->calls = 0;

    u.handler = test_pair;
    u.ctx = log;
    u.limits = limits;

    buffer = malloc(ngx_intake_urlencoded_size(limits, len) + 1);

    if (buffer == NULL) {
        abort();
    }

    ngx_intake_urlencoded_init(&u, buffer, len);

    rc = NGX_OK;

    for (pos = 0; rc == NGX_OK && pos < len; pos += n) {

        n = (first == 0) ? 1 : (pos == 0) ? first : len - pos;

        piece = copy_bytes(body + pos, n);
        rc = ngx_intake_urlencoded_feed(&u, piece, n);
        free(piece);
    }

    if (rc == NGX_OK) {
        rc = ngx_intake_urlencoded_end(&u);
    }

    /* there is nothing more to feed */

    if (ngx_intake_urlencoded_feed(&u, (u_char *) "a", 1) != NGX_ERROR
        || ngx_intake_urlencoded_end(&u) != NGX_ERROR)
    {
        printf("# goes on after the end\n");
        rc = NGX_BUSY;
    }

    free(buffer);

    *error = u.error;

    return rc;
}


static void
test_pieces(void)
{
    size_t                     len, at;
    ngx_uint_t                 good;
    test_pair_t               *t;
    form_pairs_t               log;
    ngx_intake_form_error_e    error;
    ngx_intake_form_limits_t   limits;

    limits.fields = 10;
    limits.name = 20;
    limits.value = 20;

    log.stop = 0;

    for (t = test_pairs; t->body; t++) {

        good = 1;
        len = strlen(t->body);

        for (at = 0; at <= len; at++) {

            if (test_parse(&log, &limits, t->body, len, at, &error) != NGX_OK
                || error != NGX_INTAKE_FORM_FINE
                || log.len != strlen(t->expect)
                || ngx_memcmp(log.text, t->expect, log.len) != 0)
            {
                printf("# cut at %u: %.*s\n", (unsigned) at, (int) log.len,
                       log.text);
                good = 0;
            }
        }

        ok(good, "%s", t->body);
    }

    good = test_parse(&log, &limits, "a\0b=%00\0", 8, 0, &error) == NGX_OK
           && log.len == 7 && ngx_memcmp(log.text, "a\0b=\0\0;", 7) == 0;

    ok(good, "zero bytes");
}


/* each body is parsed whole, byte by byte and cut in two */

static void
test_limit(ngx_intake_form_limits_t *limits, const char *body,
    ngx_intake_form_error_e expect)
{
    size_t                   len, at;
    ngx_int_t                rc;
    ngx_uint_t               good;
    form_pairs_t             log;
    ngx_intake_form_error_e  error;

    log.stop = 0;

    good = 1;
    len = strlen(body);

    for (at = 0; at <= len; at++) {

        rc = test_parse(&log, limits, body, len, at, &error);

        if (error != expect
            || rc != (expect == NGX_INTAKE_FORM_FINE ? NGX_OK : NGX_DECLINED))
        {
            printf("# cut at %u: %d, error %d\n", (unsigned) at, (int) rc,
                   (int) error);
            good = 0;
        }
    }

    ok(good, "%s", body);
}


static void
test_limits(void)
{
    ngx_intake_form_limits_t  limits;

    limits.fields = 2;
    limits.name = 3;
    limits.value = 4;

    test_limit(&limits, "a=1&b=2", NGX_INTAKE_FORM_FINE);
    test_limit(&limits, "a=1&b=2&&&", NGX_INTAKE_FORM_FINE);
    test_limit(&limits, "a=1&b=2&c", NGX_INTAKE_FORM_TOO_MANY_FIELDS);
    test_limit(&limits, "a=1&b=2&=&d", NGX_INTAKE_FORM_TOO_MANY_FIELDS);

    test_limit(&limits, "abc=1", NGX_INTAKE_FORM_FINE);
    test_limit(&limits, "%61%62%63", NGX_INTAKE_FORM_FINE);
    test_limit(&limits, "abcd", NGX_INTAKE_FORM_NAME_TOO_LONG);
    test_limit(&limits, "a=1&abcd=2", NGX_INTAKE_FORM_NAME_TOO_LONG);
    test_limit(&limits, "%61%62%6", NGX_INTAKE_FORM_NAME_TOO_LONG);
    test_limit(&limits, "%61%62%63d=", NGX_INTAKE_FORM_NAME_TOO_LONG);
    test_limit(&limits, "abcdefghijklmnop", NGX_INTAKE_FORM_NAME_TOO_LONG);

    test_limit(&limits, "a=1234", NGX_INTAKE_FORM_FINE);
    test_limit(&limits, "a=%31%32%33%34&b", NGX_INTAKE_FORM_FINE);
    test_limit(&limits, "a=12345", NGX_INTAKE_FORM_VALUE_TOO_LARGE);
    test_limit(&limits, "a=%31%32%33%34%&b", NGX_INTAKE_FORM_VALUE_TOO_LARGE);
    test_limit(&limits, "a=12345678901234567", NGX_INTAKE_FORM_VALUE_TOO_LARGE);
    test_limit(&limits, "abcde=12345678901234567",
               NGX_INTAKE_FORM_NAME_TOO_LONG);
}


static void
test_ends(void)
{
    u_char                     buffer[8];
    form_pairs_t               log;
    ngx_intake_form_error_e    error;
    ngx_intake_urlencoded_t    u;
    ngx_intake_form_limits_t   limits;

    limits.fields = 10;
    limits.name = 20;
    limits.value = 20;

    log.stop = 2;

    ok(test_parse(&log, &limits, "a&b&c", 5, 5, &error) == NGX_ABORT
       && log.calls == 2, "the handler ends it");

    log.stop = 3;

    ok(test_parse(&log, &limits, "a&b&c", 5, 0, &error) == NGX_ABORT
       && log.calls == 3, "the handler ends it at the end");

    /* what was promised was less */

    u.handler = test_pair;
    u.ctx = &log;
    u.limits = &limits;

    ok(ngx_intake_urlencoded_size(&limits, 4) == 8, "as much as the body");

    ngx_intake_urlencoded_init(&u, buffer, 4);

    ok(ngx_intake_urlencoded_feed(&u, (u_char *) "abcde", 5) == NGX_ERROR,
       "a longer name than the body");

    ngx_intake_urlencoded_init(&u, buffer, 4);

    ok(ngx_intake_urlencoded_feed(&u, (u_char *) "a=bcdef", 7) == NGX_ERROR,
       "a longer value than the body");

    ok(ngx_intake_urlencoded_size(&limits, 1000000) == 120,
       "no more than the limits");
}


int
main(void)
{
    test_pieces();
    test_limits();
    test_ends();

    return done();
}
