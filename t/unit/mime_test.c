/* sources: src/form/ngx_intake_mime.c src/form/ngx_intake_disposition.c */
/* sources: src/form/ngx_intake_utf8.c src/verify/ngx_intake_encoding.c */

/*
 * Copyright (C) nginx-intake contributors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <stdio.h>
#include "ngx_intake_disposition.h"
#include "ngx_intake_mime.h"
#include "bytes.h"
#include "tap.h"


#define SEVENTY                                                               \
    "0123456789012345678901234567890123456789012345678901234567890123456789"


typedef struct {
    const char  *text;
    const char  *essence;           /* NULL: no MIME type */
    const char  *boundary;          /* NULL: none; "!": a bad one */
} test_mime_t;


typedef struct {
    const char  *filename;
    const char  *expect;
} test_filename_t;


static test_mime_t  test_mimes[] = {

    { "text/html", "text/html", NULL },
    { " \t\r\ntext/html\r\n\t ", "text/html", NULL },
    { "text/html;", "text/html", NULL },
    { "text/html ;x=y", "text/html", NULL },
    { "TEXT/Html", "TEXT/Html", NULL },
    { "!#$%&'*+-.^_`|~/0a", "!#$%&'*+-.^_`|~/0a", NULL },

    { "", NULL, NULL },
    { " ", NULL, NULL },
    { "/", NULL, NULL },
    { "text", NULL, NULL },
    { "text/", NULL, NULL },
    { "/html", NULL, NULL },
    { "text /html", NULL, NULL },
    { "text/ html", NULL, NULL },
    { "text/html x", NULL, NULL },
    { "text/html,text/plain", NULL, NULL },
    { "text/html, boundary=b", NULL, NULL },
    { "text/(html)", NULL, NULL },
    { "text/ht\xe9ml", NULL, NULL },
    { "text/html/x", NULL, NULL },
    { ";;;", NULL, NULL },

    { "a/b;boundary=c", "a/b", "c" },
    { "a/b; BoundarY=c", "a/b", "c" },
    { "a/b;\t\r\n boundary=c \t", "a/b", "c" },
    { "a/b;;;boundary=c", "a/b", "c" },
    { "a/b;x;boundary=c", "a/b", "c" },
    { "a/b;x=;boundary=c", "a/b", "c" },
    { "a/b;x=\"\\\";boundary=d\";boundary=c", "a/b", "c" },
    { "a/b;x=\"boundary=d", "a/b", NULL },
    { "a/b;x=\"y\"z;boundary=c", "a/b", "c" },
    { "a/b;boundary=c;x=y", "a/b", "c" },
    { "a/b;boundary=a b", "a/b", "a b" },
    { "a/b;boundary= c", "a/b", " c" },
    { "a/b;boundary=c\"d", "a/b", "c\"d" },
    { "a/b;boundary=c,boundary=d", "a/b", "c,boundary=d" },
    { "a/b;boundary=\"c\"", "a/b", "c" },
    { "a/b;boundary=\"c\"d", "a/b", "c" },
    { "a/b;boundary=\"c;d\"", "a/b", "c;d" },
    { "a/b;boundary=\"\\c\\\"\\\\\"", "a/b", "c\"\\" },
    { "a/b;boundary=\"c", "a/b", "c" },
    { "a/b;boundary=\"c\\", "a/b", "c\\" },
    { "a/b;boundary=\"c\\\"", "a/b", "c\"" },
    { "a/b;boundary=\xe9", "a/b", "\xc3\xa9" },
    { "a/b;boundary=" SEVENTY, "a/b", SEVENTY },
    { "a/b;boundary=\"" SEVENTY "\"", "a/b", SEVENTY },

    { "a/b;boundary", "a/b", NULL },
    { "a/b;boundary=", "a/b", NULL },
    { "a/b;boundary= ", "a/b", NULL },
    { "a/b;boundary=\"\"", "a/b", NULL },
    { "a/b;boundary =c", "a/b", NULL },
    { "a/b;xboundary=c", "a/b", NULL },
    { "a/b;boundary*=c", "a/b", NULL },
    { "a/b;boundary=c\x01", "a/b", NULL },
    { "a/b;boundary=c\x01;boundary=d", "a/b", "d" },
    { "a/b;boundary=;boundary=d", "a/b", "d" },

    { "a/b;boundary=c;boundary=c", "a/b", "!" },
    { "a/b;boundary=\"\";boundary=d", "a/b", "!" },
    { "a/b;boundary=c;boundary=\"\"", "a/b", "!" },
    { "a/b;boundary=\"c \"", "a/b", "!" },
    { "a/b;boundary=\" \"", "a/b", "!" },
    { "a/b;boundary=" SEVENTY "0", "a/b", "!" },
    { "a/b;boundary=\xe9" SEVENTY, "a/b", "!" },

    { NULL, NULL, NULL }
};


static test_filename_t  test_filenames[] = {

    { "a.txt", "a.txt" },
    { "", "file" },
    { ".", "file" },
    { "..", "file" },
    { "...", "..." },
    { ".profile", ".profile" },
    { "/", "file" },
    { "../../etc/passwd", "passwd" },
    { "C:\\Documents and Settings\\x\\a b.txt", "a b.txt" },
    { "a/b\\c/d.txt", "d.txt" },
    { "a/..", "file" },
    { "a\\.\x01.", "file" },
    { "\x01\x1f\x7f", "file" },
    { "a\r\nb\tc", "abc" },
    { "a\xc2\x85" "b\xe2\x80\xa8" "c", "abc" },
    { "cv\xe2\x80\xaegpj.exe", "cvgpj.exe" },
    { "\xe2\x81\xa6" "a\xe2\x81\xa9\xd8\x9c\xe2\x80\x8f", "a" },
    { "\xd1\x84\xd0\xb0\xd0\xb9\xd0\xbb.pdf",
      "\xd1\x84\xd0\xb0\xd0\xb9\xd0\xbb.pdf" },
    { "100% of %2e%2e%2f.jpeg", "100% of %2e%2e%2f.jpeg" },

    { SEVENTY "01234567890123456789012345678901234567890123456789",
      SEVENTY "01234567890123456789012345678901234567890123456789" },
    { SEVENTY "012345678901234567890123456789012345678901234567890",
      SEVENTY "01234567890123456789012345678901234567890123456789" },
    { SEVENTY SEVENTY ".tar.gz",
      SEVENTY "01234567890123456789012345678901234567890123456.gz" },
    { SEVENTY SEVENTY "." SEVENTY,
      SEVENTY "01234567890123456789012345678901234567890123456789" },
    { SEVENTY "0123456789012345678901234567890123456789012345\xe2\x82\xac.txt",
      SEVENTY "0123456789012345678901234567890123456789012345.txt" },

    { NULL, NULL }
};


static ngx_uint_t
test_boundary(test_mime_t *t, ngx_intake_mime_t *mime)
{
    if (t->boundary == NULL) {
        return mime->found == NGX_INTAKE_MIME_NO_BOUNDARY;
    }

    if (strcmp(t->boundary, "!") == 0) {
        return mime->found == NGX_INTAKE_MIME_BOUNDARY_BAD;
    }

    return mime->found == NGX_INTAKE_MIME_BOUNDARY_FOUND
           && mime->len == strlen(t->boundary)
           && ngx_memcmp(mime->boundary, t->boundary, mime->len) == 0;
}


static void
test_parse(void)
{
    size_t              len;
    u_char             *text;
    ngx_int_t           rc;
    ngx_uint_t          good;
    test_mime_t        *t;
    ngx_intake_mime_t   mime;

    for (t = test_mimes; t->text; t++) {

        len = strlen(t->text);
        text = copy_bytes(t->text, len);

        rc = ngx_intake_mime_parse(&mime, text, len);

        if (t->essence == NULL) {
            good = (rc == NGX_DECLINED);

        } else {
            good = rc == NGX_OK
                   && mime.essence.len == strlen(t->essence)
                   && ngx_memcmp(mime.essence.data, t->essence,
                                 mime.essence.len) == 0
                   && test_boundary(t, &mime);
        }

        ok(good, "%s", t->text);

        free(text);
    }

    (void) ngx_intake_mime_parse(&mime, (u_char *) "Text/HTML", 9);

    ok(ngx_intake_mime_is(&mime, "text/html")
       && !ngx_intake_mime_is(&mime, "text/htm")
       && !ngx_intake_mime_is(&mime, "text/htmlx"), "an essence in any case");
}


static void
test_safe(void)
{
    size_t            len;
    u_char            dst[NGX_INTAKE_FILENAME_SAFE];
    ngx_str_t         filename;
    test_filename_t  *t;

    for (t = test_filenames; t->filename; t++) {

        filename.len = strlen(t->filename);
        filename.data = copy_bytes(t->filename, filename.len);

        len = ngx_intake_filename_safe(dst, &filename);

        ok(len == strlen(t->expect) && ngx_memcmp(dst, t->expect, len) == 0,
           "%s", t->filename);

        free(filename.data);
    }
}


int
main(void)
{
    test_parse();
    test_safe();

    return done();
}
