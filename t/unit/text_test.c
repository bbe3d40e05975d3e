/* sources: src/form/ngx_intake_text.c src/form/ngx_intake_utf8.c */

/*
 * Copyright (C) nginx-intake contributors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <stdio.h>
#include "ngx_intake_text.h"
#include "ngx_intake_utf8.h"
#include "bytes.h"
#include "tap.h"


#define R  "\xef\xbf\xbd"

#define test_string(s)  s, sizeof(s) - 1


typedef struct {
    const char  *text;
    size_t       len;
    const char  *expect;
    size_t       expect_len;
} test_pair_t;


typedef struct {
    const char  *text;
    size_t       len;
    ngx_uint_t   single_line;
    ngx_uint_t   blank;
    size_t       units;
    const char  *lines;                 /* NULL: as it is */
} test_text_t;


/* the examples of Unicode, section 3.9, and the ends of all ranges */

static test_pair_t  test_utf8[] = {

    { test_string(""), test_string("") },
    { test_string("a\0b\x7f"), test_string("a\0b\x7f") },
    { test_string("\xc2\x80\xdf\xbf"), test_string("\xc2\x80\xdf\xbf") },
    { test_string("\xe0\xa0\x80\xef\xbf\xbf"),
      test_string("\xe0\xa0\x80\xef\xbf\xbf") },
    { test_string("\xed\x9f\xbf\xee\x80\x80"),
      test_string("\xed\x9f\xbf\xee\x80\x80") },
    { test_string("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"),
      test_string("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf") },
    { test_string("\xef\xbb\xbf" "a"), test_string("\xef\xbb\xbf" "a") },
    { test_string("0123456789abcdef\xc3\xa9" "0123456789abcdef"),
      test_string("0123456789abcdef\xc3\xa9" "0123456789abcdef") },

    { test_string("\x80"), test_string(R) },
    { test_string("\xc0\xaf\xe0\x80\xbf\xf0\x81\x82\x41"),
      test_string(R R R R R R R R "A") },
    { test_string("\xed\xa0\x80\xed\xbf\xbf\xed\xaf\x41"),
      test_string(R R R R R R R R "A") },
    { test_string("\xf4\x91\x92\x93\xff\x41\x80\xbf\x42"),
      test_string(R R R R R "A" R R "B") },
    { test_string("\xe1\x80\xe2\xf0\x91\x92\xf1\xbf\x41"),
      test_string(R R R R "A") },
    { test_string("\xc2"), test_string(R) },
    { test_string("\xe2\x82"), test_string(R) },
    { test_string("\xf0\x9f\x98"), test_string(R) },
    { test_string("\xf0\x9f\x98\xf0\x9f\x98\x80"),
      test_string(R "\xf0\x9f\x98\x80") },
    { test_string("\xf5\x80\x80\x80"), test_string(R R R R) },
    { test_string("01234567\xff" "01234567"),
      test_string("01234567" R "01234567") },

    { NULL, 0, NULL, 0 }
};


static test_text_t  test_texts[] = {

    { test_string(""), 1, 1, 0, NULL },
    { test_string("a b"), 1, 0, 3, NULL },
    { test_string("  "), 1, 1, 2, NULL },
    { test_string("\xc2\xa0\xe2\x80\x83\xe3\x80\x80\xef\xbb\xbf"), 1, 1, 4,
      NULL },
    { test_string("\xe2\x80\x8b"), 1, 0, 1, NULL },

    /* UTF-16 */

    { test_string("\xc3\xa9\xe2\x82\xac"), 1, 0, 2, NULL },
    { test_string("\xf0\x9f\x98\x80"), 1, 0, 2, NULL },
    { test_string("\xef\xbf\xbf\xf0\x90\x80\x80"), 1, 0, 3, NULL },

    /* lines */

    { test_string("a\nb"), 0, 0, 3, NULL },
    { test_string("a\r\nb"), 0, 0, 3, "a\nb" },
    { test_string("a\rb"), 0, 0, 3, "a\nb" },
    { test_string("\r\n\r\n"), 0, 1, 2, "\n\n" },
    { test_string("\n\r"), 0, 1, 2, "\n\n" },
    { test_string("\r\r\n\r"), 0, 1, 3, "\n\n\n" },
    { test_string("a\tb"), 0, 0, 3, NULL },
    { test_string("a\xe2\x80\xa8" "b\xe2\x80\xa9" "c"), 0, 0, 5, NULL },

    /* other controls */

    { test_string("a\0b"), 0, 0, 3, "a" R "b" },
    { test_string("\x1b[0m"), 0, 0, 4, R "[0m" },
    { test_string("\x0b\x0c"), 0, 1, 2, R R },
    { test_string("\x7f"), 0, 0, 1, R },
    { test_string("\xc2\x80\xc2\x9f\xc2\xa0"), 0, 0, 3, R R "\xc2\xa0" },
    { test_string("\xc2\x85"), 0, 1, 1, R },

    { NULL, 0, 0, 0, 0, NULL }
};


static void
test_decode(void)
{
    u_char       *src, *dst, *last;
    size_t        n;
    ngx_uint_t    same;
    test_pair_t  *t;

    for (t = test_utf8; t->text; t++) {

        src = copy_bytes(t->text, t->len);

        same = t->len == t->expect_len
               && ngx_memcmp(t->text, t->expect, t->len) == 0;

        ok(ngx_intake_utf8_valid(src, t->len) == same, "valid: %s", t->text);

        n = ngx_intake_utf8_length(src, t->len);

        ok(n == t->expect_len && n <= t->len * NGX_INTAKE_UTF8_GROWTH,
           "length: %s", t->text);

        dst = malloc(n ? n : 1);

        if (dst == NULL) {
            abort();
        }

        last = ngx_intake_utf8_copy(dst, src, t->len);

        ok((size_t) (last - dst) == t->expect_len
           && ngx_memcmp(dst, t->expect, t->expect_len) == 0,
           "copy: %s", t->text);

        free(dst);
        free(src);
    }
}


/* every character there is, and back */

static void
test_characters(void)
{
    u_char      *p, *last, buf[NGX_INTAKE_UTF8_MAX];
    uint32_t     c;
    ngx_uint_t   good;

    good = 1;

    for (c = 0; c <= 0x10ffff; c++) {

        if (c == 0xd800) {
            c = 0xe000;
        }

        last = ngx_intake_utf8_put(buf, c);
        p = buf;

        good &= (ngx_intake_utf8_next(&p, last) == c && p == last);
    }

    ok(good, "all characters: and back");
}


static void
test_rules(void)
{
    u_char       *dst, *last;
    size_t        n, expect;
    ngx_str_t     text;
    const char   *lines;
    test_text_t  *t;

    for (t = test_texts; t->text; t++) {

        text.data = copy_bytes(t->text, t->len);
        text.len = t->len;

        ok(ngx_intake_text_single_line(&text) == t->single_line,
           "single line: %s", t->text);

        ok(ngx_intake_text_blank(&text) == t->blank, "blank: %s", t->text);

        ok(ngx_intake_text_units(&text) == t->units, "units: %s", t->text);

        lines = t->lines ? t->lines : t->text;
        expect = t->lines ? strlen(t->lines) : t->len;

        n = ngx_intake_text_lines_length(&text);

        dst = malloc(n ? n : 1);

        if (dst == NULL) {
            abort();
        }

        last = ngx_intake_text_lines(dst, &text);

        ok(n == expect && (size_t) (last - dst) == n
           && ngx_memcmp(dst, lines, n) == 0, "lines: %s", t->text);

        free(dst);
        free(text.data);
    }
}


static void
test_trim(void)
{
    ngx_uint_t   i;
    ngx_str_t    text;

    static const char  *texts[] = {
        "", "a", " a ", "\t\n\f\r a b \t\n\f\r ", "   ", "\v", "\xc2\xa0"
    };

    static const char  *expect[] = {
        "", "a", "a", "a b", "", "\v", "\xc2\xa0"
    };

    for (i = 0; i < sizeof(texts) / sizeof(char *); i++) {

        text.data = (u_char *) texts[i];
        text.len = strlen(texts[i]);

        ngx_intake_text_trim(&text);

        ok(text.len == strlen(expect[i])
           && ngx_memcmp(text.data, expect[i], text.len) == 0, "trim: %s",
           texts[i]);
    }
}


int
main(void)
{
    test_decode();
    test_characters();
    test_rules();
    test_trim();

    return done();
}
