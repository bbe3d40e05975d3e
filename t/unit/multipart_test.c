/* sources: src/form/ngx_intake_multipart.c src/form/ngx_intake_part.c */
/* sources: src/form/ngx_intake_disposition.c src/form/ngx_intake_mime.c */
/* sources: src/form/ngx_intake_utf8.c src/verify/ngx_intake_encoding.c */

/*
 * Copyright (C) nginx-intake contributors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <stdio.h>
#include "ngx_intake_multipart.h"
#include "bytes.h"
#include "tap.h"


#define BAD    NULL
#define HUGE   ((const char *) 1)           /* header too large */

#define D      "Content-Disposition: form-data; "
#define A      "--b\r\n" D "name=a\r\n\r\n"    /* a field begins */
#define END    "\r\n--b--\r\n"


typedef struct {
    const char  *body;                  /* its boundary is "b" */
    const char  *expect;                /* "[NAME] or [NAME|FILENAME|TYPE]" */
} test_body_t;


typedef struct {
    char         text[8192];
    size_t       len;
    ngx_uint_t   open;
    ngx_uint_t   calls;
    ngx_uint_t   stop;                  /* the call to end at */
} test_log_t;


static test_body_t  test_bodies[] = {

    { A "v" END, "[a]v" },
    { A "v\r\n--b--", "[a]v" },
    { A "" END, "[a]" },
    { "--b--", "" },
    { "--b--\r\n", "" },
    { "--b-- \t\r\n", "" },
    { "--b--\r\nepilogue\r\n--b\r\n", "" },
    { A "1\r\n--b\r\n" D "name=a\r\n\r\n2" END, "[a]1[a]2" },

    /* the delimiter may share the blank line */

    { "--b\r\n" D "name=a\r\n\r\n--b--", "[a]" },
    { "--b\r\n" D "name=a\r\n\r\n--b\r\n" D "name=c\r\n\r\n--b--", "[a][c]" },
    { "--b\r\n" D "name=a\r\n\r\n--bx\r\n--b--", "[a]--bx" },
    { "--b\r\n" D "name=a\r\n\r\n--b-x\r\n--b--", "[a]--b-x" },
    { "--b\r\n" D "name=a\r\n\r\n--b\rx\r\n--b--", "[a]--b\rx" },
    { "--b\r\n" D "name=a\r\n\r\n-\r\n--b--", "[a]-" },

    /* what begins like a delimiter */

    { A "\r\n" END, "[a]\r\n" },
    { A "\r" END, "[a]\r" },
    { A "\r\n-" END, "[a]\r\n-" },
    { A "\r\n--" END, "[a]\r\n--" },
    { A "\r\r\n\r\n\r" END, "[a]\r\r\n\r\n\r" },
    { A "x\r\n--c\r\n--bb\r\n--b-\r\n--b-b" END,
      "[a]x\r\n--c\r\n--bb\r\n--b-\r\n--b-b" },
    { A "x\r\n--b\r" END, "[a]x\r\n--b\r" },
    { A "x\r\n--b\r\r\n--b-" END, "[a]x\r\n--b\r\r\n--b-" },
    { A "x--b--" END, "[a]x--b--" },
    { A "x\n--b--" END, "[a]x\n--b--" },
    { A "x\r--b--" END, "[a]x\r--b--" },
    { A "x\r\n--b-\r\n--b\rx" END, "[a]x\r\n--b-\r\n--b\rx" },

    /* blanks behind delimiters */

    { "--b \t \r\n" D "name=a\r\n\r\nv\r\n--b\t\r\n" D "name=c\r\n\r\n"
      "w\r\n--b-- \t", "[a]v[c]w" },
    { A "v\r\n--b  x" END, BAD },
    { A "v\r\n--b \n" END, BAD },
    { A "v\r\n--b \rx" END, BAD },
    { A "v\r\n--b--x", BAD },
    { A "v\r\n--b--\n", BAD },
    { A "v\r\n--b-- \rx", BAD },
    { A "v\r\n--b--\r", BAD },

    /* where a body begins */

    { "", BAD },
    { "\r\n" A "v" END, BAD },
    { "x" A "v" END, BAD },
    { "\n" A "v" END, BAD },
    { "--bx\r\n" D "name=a\r\n\r\nv" END, BAD },
    { "--b\n" D "name=a\n\nv\n--b--\n", BAD },
    { "--b-x", BAD },
    { "--b\rx", BAD },

    /* header lines */

    { "--b\r\ncontent-DISPOSITION \t:\tFORM-data ; name=a\r\n\r\nv" END,
      "[a]v" },
    { "--b\r\n \tContent-Disposition:form-data;name=a\r\n\r\nv" END, "[a]v" },
    { "--b\r\nX-A: 1\r\n" D "name=a\r\nX-B:\r\n\r\nv" END, "[a]v" },
    { "--b\r\n\r\nv" END, BAD },
    { "--b\r\nX-A: 1\r\n\r\nv" END, BAD },
    { "--b\r\n" D "name=a\r\nX-A\r\n\r\nv" END, BAD },
    { "--b\r\n" D "name=a\r\n: x\r\n\r\nv" END, BAD },
    { "--b\r\n" D "name=a\r\nX A: x\r\n\r\nv" END, BAD },
    { "--b\r\n" D "name=a\n\r\nv" END, BAD },
    { "--b\r\n" D "name=a\n\n\r\nv" END, BAD },
    { "--b\r\n" D "name=a\r\r\n\r\nv" END, BAD },
    { "--b\r\n" D "name=a\r\n\rv" END, BAD },
    { "--b\r\n" D "\r\n name=a\r\n\r\nv" END, BAD },
    { "--b\r\n" D "name=a\r\n" D "name=a\r\n\r\nv" END, BAD },
    { "--b\r\nContent-Disposition: attachment; name=a\r\n\r\nv" END, BAD },

    { "--b\r\n" D "name=a\r\n1:\r\n2:\r\n3:\r\n4:\r\n5:\r\n6:\r\n7:\r\n8:\r\n"
      "9:\r\n10:\r\n11:\r\n12:\r\n13:\r\n14:\r\n15:\r\n\r\nv" END, "[a]v" },
    { "--b\r\n" D "name=a\r\n1:\r\n2:\r\n3:\r\n4:\r\n5:\r\n6:\r\n7:\r\n8:\r\n"
      "9:\r\n10:\r\n11:\r\n12:\r\n13:\r\n14:\r\n15:\r\n16:\r\n\r\nv" END,
      HUGE },

    /* parameters */

    { "--b\r\n" D "name=\"\"\r\n\r\nv" END, "[]v" },
    { "--b\r\n" D "name=\r\n\r\nv" END, "[]v" },
    { "--b\r\n" D "NAME=\"a;b\\\"; x=y\r\n\r\nv" END, "[a;b\\]v" },
    { "--b\r\n" D "name=\"%22%0D%0Aa%\"\r\n\r\nv" END, "[%22%0D%0Aa%]v" },
    { "--b\r\n" D "name=a;\r\n\r\nv" END, "[a]v" },
    { "--b\r\n" D "name=a;;x=y\r\n\r\nv" END, BAD },
    { "--b\r\n" D "name=\"a\r\n\r\nv" END, BAD },
    { "--b\r\n" D "name=\"a\\\"b\"\r\n\r\nv" END, BAD },
    { "--b\r\n" D "name=a b\r\n\r\nv" END, BAD },
    { "--b\r\n" D "name=a\"b\"\r\n\r\nv" END, BAD },
    { "--b\r\n" D "name=a; name=a\r\n\r\nv" END, BAD },
    { "--b\r\n" D "name=a; x=1; X=2\r\n\r\nv" END, BAD },
    { "--b\r\n" D "name =a\r\n\r\nv" END, BAD },
    { "--b\r\n" D "name\r\n\r\nv" END, BAD },
    { "--b\r\n" D "filename=a\r\n\r\nv" END, BAD },
    { "--b\r\nContent-Disposition: form-data\r\n\r\nv" END, BAD },
    { "--b\r\nContent-Disposition:\r\n\r\nv" END, BAD },
    { "--b\r\n" D "name=a; 1=;2=;3=;4=;5=;6=;7=;8=;9=;10=;11=;12=;13=;14=;15="
      "\r\n\r\nv" END, "[a]v" },
    { "--b\r\n" D "name=a; 1=;2=;3=;4=;5=;6=;7=;8=;9=;10=;11=;12=;13=;14=;15=;"
      "16=\r\n\r\nv" END, BAD },

    /* files */

    { "--b\r\n" D "name=a; filename=\"\"\r\n\r\n" END, "[a||text/plain]" },
    { "--b\r\n" D "name=a; filename=c\r\n\r\nv" END, "[a|c|text/plain]v" },
    { "--b\r\nContent-Type: IMAGE/png;x=\"y\r\n" D "name=a; filename=c\r\n\r\n"
      END, "[a|c|image/png]" },
    { "--b\r\nContent-Type: a/b\r\nContent-Type: c/d , e/f\r\n" D
      "name=a; filename=c\r\n\r\n" END, "[a|c|e/f]" },
    { "--b\r\nContent-Type: a/b\r\nContent-Type:\r\n" D
      "name=a; filename=c\r\n\r\n" END, "[a|c|]" },
    { "--b\r\nContent-Type: text/\xc3\xa9\r\n" D "name=a; filename=c\r\n\r\n"
      END, "[a|c|]" },
    { "--b\r\nContent-Type: a/b\r\n" D "name=a; filename=\"../\\c\"\r\n\r\nv"
      "\r\n--b\r\n" D "name=d; filename=e\r\n\r\n" END,
      "[a|../\\c|a/b]v[d|e|text/plain]" },
    { "--b\r\n" D "name=a; filename=c\r\n\r\nv\r\n--b\r\n" D "name=d\r\n\r\n"
      END, "[a|c|text/plain]v[d]" },

    { "--b\r\n" D "name=a; filename*=utf-8''c%C3%A9\r\n\r\nv" END,
      "[a|c\xc3\xa9|text/plain]v" },
    { "--b\r\n" D "name=a; filename*=UTF-8'en-GB'%\r\n\r\nv" END,
      "[a|%|text/plain]v" },
    { "--b\r\n" D "name=a; filename*=utf-8''c; filename=d\r\n\r\nv" END,
      "[a|d|text/plain]v" },
    { "--b\r\n" D "name=a; filename*=latin1''c\r\n\r\nv" END,
      "[a||text/plain]v" },
    { "--b\r\n" D "name=a; filename*=utf-8'c\r\n\r\nv" END,
      "[a||text/plain]v" },
    { "--b\r\n" D "name=a; filename*=c\r\n\r\nv" END, "[a||text/plain]v" },

    { NULL, NULL }
};


static void
test_append(test_log_t *log, u_char *p, size_t len)
{
    if (len < sizeof(log->text) - log->len) {
        ngx_memcpy(log->text + log->len, p, len);
        log->len += len;
    }
}


static ngx_int_t
test_begin(void *ctx, ngx_intake_part_t *part)
{
    test_log_t *log = ctx;

    if (log->open++) {
        abort();
    }

    test_append(log, (u_char *) "[", 1);
    test_append(log, part->name.data, part->name.len);

    if (part->file) {
        test_append(log, (u_char *) "|", 1);
        test_append(log, part->filename.data, part->filename.len);
        test_append(log, (u_char *) "|", 1);
        test_append(log, part->type.data, part->type.len);
    }

    test_append(log, (u_char *) "]", 1);

    return (++log->calls == log->stop) ? NGX_ABORT : NGX_OK;
}


static ngx_int_t
test_data(void *ctx, u_char *p, size_t len)
{
    test_log_t *log = ctx;

    if (!log->open || len == 0) {
        abort();
    }

    test_append(log, p, len);

    return (++log->calls == log->stop) ? NGX_ABORT : NGX_OK;
}


static ngx_int_t
test_end(void *ctx)
{
    test_log_t *log = ctx;

    if (!log->open--) {
        abort();
    }

    return (++log->calls == log->stop) ? NGX_ABORT : NGX_OK;
}


/* first bytes and then the rest, or byte by byte; pieces of their own memory */

static ngx_int_t
test_parse(test_log_t *log, const char *boundary, const char *body,
    size_t len, size_t first, ngx_intake_form_error_e *error)
{
    size_t              n, pos;
    u_char             *piece;
    ngx_int_t           rc;
    ngx_intake_mime_t   mime;

    static ngx_intake_multipart_t           m;
    static ngx_intake_multipart_handlers_t  handlers = {
        test_begin, test_data, test_end
    };

    log->len = 0;
    log->calls = 0;
    log->open = 0;

    ngx_memset(&m, 0xa5, sizeof(m));

    m.handlers = &handlers;
    m.ctx = log;

    ngx_memzero(&mime, sizeof(mime));

    mime.found = NGX_INTAKE_MIME_BOUNDARY_FOUND;
    mime.len = strlen(boundary);
    ngx_memcpy(mime.boundary, boundary, mime.len);

    rc = ngx_intake_multipart_init(&m, &mime);

    for (pos = 0; rc == NGX_OK && pos < len; pos += n) {

        n = (first == 0) ? 1 : (pos == 0) ? ngx_min(first, len) : len - pos;

        piece = copy_bytes(body + pos, n);
        rc = ngx_intake_multipart_feed(&m, piece, n);
        free(piece);
    }

    if (rc == NGX_OK) {
        rc = ngx_intake_multipart_end(&m);
    }

    *error = m.error;

    if (ngx_intake_multipart_feed(&m, (u_char *) "a", 1) != NGX_ERROR
        || ngx_intake_multipart_end(&m) != NGX_ERROR)
    {
        printf("# goes on after the end\n");
        rc = NGX_BUSY;
    }

    return rc;
}


static ngx_uint_t
test_expected(test_body_t *t, ngx_int_t rc, ngx_intake_form_error_e error,
    test_log_t *log)
{
    if (t->expect == BAD) {
        return rc == NGX_DECLINED
               && error == NGX_INTAKE_FORM_MALFORMED_MULTIPART;
    }

    if (t->expect == HUGE) {
        return rc == NGX_DECLINED && error == NGX_INTAKE_FORM_HEADER_TOO_LARGE;
    }

    return rc == NGX_OK && log->open == 0
           && log->len == strlen(t->expect)
           && ngx_memcmp(log->text, t->expect, log->len) == 0;
}


/* where the last delimiter of a good body ends: what is shorter is not whole */

static size_t
test_whole(const char *body)
{
    const char  *p;

    if (strncmp(body, "--b--", 5) == 0) {
        return 5;
    }

    for (p = body; strncmp(p, "\r\n--b--", 7) != 0; p++) {
        /* void */
    }

    return p + 7 - body;
}


static void
test_pieces(void)
{
    size_t                    at, len;
    ngx_int_t                 rc;
    ngx_uint_t                good, whole;
    test_log_t                log;
    test_body_t              *t;
    ngx_intake_form_error_e   error;

    log.stop = 0;

    for (t = test_bodies; t->body; t++) {

        good = 1;
        len = strlen(t->body);

        for (at = 0; good && at <= len; at++) {
            rc = test_parse(&log, "b", t->body, len, at, &error);

            if (!test_expected(t, rc, error, &log)) {
                printf("# cut at %u: %d, error %d, %u bytes\n", (unsigned) at,
                       (int) rc, (int) error, (unsigned) log.len);
                good = 0;
            }
        }

        ok(good, "%s", t->body);

        if (t->expect == BAD || t->expect == HUGE) {
            continue;
        }

        /* every truncated body is refused, however it is cut */

        good = 1;
        whole = test_whole(t->body);

        for (at = 0; at < whole; at++) {
            if (test_parse(&log, "b", t->body, at, 0, &error) != NGX_DECLINED
                || test_parse(&log, "b", t->body, at, at, &error)
                   != NGX_DECLINED
                || test_parse(&log, "b", t->body, at, at / 2 + 1, &error)
                   != NGX_DECLINED)
            {
                printf("# %u bytes are taken\n", (unsigned) at);
                good = 0;
            }
        }

        ok(good, "truncated: %s", t->body);
    }
}


static void
test_sizes(void)
{
    char                      body[8192], blanks[65];
    size_t                    len;
    ngx_int_t                 rc;
    test_log_t                log;
    ngx_intake_form_error_e   error;

    log.stop = 0;

    for (len = 4096; len <= 4097; len++) {

        snprintf(body, sizeof(body), "--b\r\nX:%0*u\r\n" D
                 "name=a\r\n\r\n" END, (int) len - 2, 0);

        rc = test_parse(&log, "b", body, strlen(body), strlen(body), &error);

        ok((len == 4096) ? rc == NGX_OK
                         : rc == NGX_DECLINED
                           && error == NGX_INTAKE_FORM_HEADER_TOO_LARGE,
           "a line of %u bytes", (unsigned) len);
    }

    ngx_memset(blanks, ' ', sizeof(blanks));

    for (len = 64; len <= 65; len++) {

        snprintf(body, sizeof(body), A "v\r\n--b%.*s\r\n" D "name=c\r\n\r\n"
                 END, (int) len, blanks);

        rc = test_parse(&log, "b", body, strlen(body), strlen(body), &error);

        ok(rc == (len == 64 ? NGX_OK : NGX_DECLINED), "%u blanks",
           (unsigned) len);
    }
}


static void
test_zero(void)
{
    test_log_t               log;
    ngx_intake_form_error_e  error;

    static const char  data[] = A "\0\r\n--b\0x\r\n--b--";
    static const char  name[] = "--b\r\n" D "name=\"\0\"\r\n\r\n\r\n--b--";
    static const char  header[] = "--b\r\nX: \0\r\n" D "name=a\r\n\r\n" END;

    log.stop = 0;

    ok(test_parse(&log, "b", data, sizeof(data) - 1, 20, &error) == NGX_OK
       && log.len == 11 && ngx_memcmp(log.text, "[a]\0\r\n--b\0x", 11) == 0,
       "zero bytes in data");

    ok(test_parse(&log, "b", name, sizeof(name) - 1, 20, &error)
       == NGX_DECLINED, "zero bytes in a name");

    ok(test_parse(&log, "b", header, sizeof(header) - 1, 20, &error)
       == NGX_DECLINED, "zero bytes in a header");
}


static void
test_stops(void)
{
    test_log_t               log;
    ngx_intake_form_error_e  error;

    static const char  body[] = A "v" END;

    for (log.stop = 1; log.stop <= 3; log.stop++) {
        ok(test_parse(&log, "b", body, sizeof(body) - 1, sizeof(body), &error)
           == NGX_ABORT && log.calls == log.stop,
           "a handler ends it, call %u", (unsigned) log.stop);
    }
}


/*
 * Data in which the beginning of the boundary comes again and again, and the
 * longest boundary
 */

static void
test_boundaries(void)
{
    char                      body[1024], data[512];
    size_t                    at, len, start, n;
    ngx_uint_t                good, i;
    test_log_t                log;
    const char               *b;
    ngx_intake_form_error_e   error;

    static const char  *boundaries[] = {
        "-", "--", "-----", "aaaa", "abab", "'()+_,-./:=? x",
        "0123456789012345678901234567890123456789012345678901234567890123456789"
    };

    log.stop = 0;

    for (i = 0; i < sizeof(boundaries) / sizeof(char *); i++) {

        b = boundaries[i];

        len = snprintf(data, sizeof(data), "[a]x%s\r\n\r\n%s\r\n-%s\r\n--%.*s"
                       "\r\r\n--%sx\r\n",
                       b, b, b + 1, (int) strlen(b) - 1, b, b);

        start = snprintf(body, sizeof(body), "--%s\r\n" D "name=a\r\n\r\n", b);
        n = start + snprintf(body + start, sizeof(body) - start,
                             "%s\r\n--%s--", data + 3, b);

        good = 1;

        for (at = 0; good && at <= n; at++) {

            if (test_parse(&log, b, body, n, at, &error) != NGX_OK
                || log.len != len || ngx_memcmp(log.text, data, len) != 0)
            {
                printf("# cut at %u: %u bytes\n", (unsigned) at,
                       (unsigned) log.len);
                good = 0;
            }
        }

        ok(good, "boundary %s", b);
    }
}


int
main(void)
{
    test_pieces();
    test_sizes();
    test_zero();
    test_stops();
    test_boundaries();

    return done();
}
