/* sources: src/json/ngx_intake_json.c src/json/ngx_intake_json_scan.c */
/* sources: src/json/ngx_intake_json_string.c */

/*
 * Copyright (C) nginx-intake contributors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <stdio.h>
#include "ngx_intake_json.h"
#include "tap.h"


static struct {
    const char  *raw;
    const char  *text;
    size_t       len;
} test_raw[] = {
    { "", "", 0 }, { "abc", "abc", 3 }, { "\\u0041", "A", 1 },
    { "\\\"\\\\\\/\\b\\f\\n\\r\\t", "\"\\/\b\f\n\r\t", 8 },
    { "b\\u0000c", "b\0c", 3 }, { "\\u007f\\u0080", "\x7f\xc2\x80", 3 },
    { "\\u07fF\\u0800", "\xdf\xbf\xe0\xa0\x80", 5 },
    { "\\uffff\\uFFFE", "\xef\xbf\xbf\xef\xbf\xbe", 6 },
    { "\\ud83d\\ude00", "\xf0\x9f\x98\x80", 4 },
    { "\\uDBFF\\uDFFF", "\xf4\x8f\xbf\xbf", 4 },
    { "\\ude00\\ud83d", "\xef\xbf\xbd\xef\xbf\xbd", 6 },
    { "x\\ud800y\\udc00", "x\xef\xbf\xbdy\xef\xbf\xbd", 8 },
    { "\\ud83d\\ud83d\\ude00", "\xef\xbf\xbd\xf0\x9f\x98\x80", 7 },
    { "\\ud83d\\u0041", "\xef\xbf\xbd" "A", 4 },
    { "\\udc00\\udc00", "\xef\xbf\xbd\xef\xbf\xbd", 6 },
    { "\\ud83d\\ue000", "\xef\xbf\xbd\xee\x80\x80", 6 },
    { "\\ud800\\udc00", "\xf0\x90\x80\x80", 4 },
    { "\\ud83d\\n", "\xef\xbf\xbd\n", 4 },
    { "\\ud83d", "\xef\xbf\xbd", 3 }, { "\xff\\n\xe9", "\xff\n\xe9", 3 },
    { "\\u005cn", "\\n", 2 }, { "\\\\u0041", "\\u0041", 6 },

    /* nothing that the reader reports, but it must do no harm */

    { "\\", "\\", 1 }, { "\\u00", "\\u00", 4 }, { "\\x", "\\x", 2 },
    { NULL, NULL, 0 }
};


static void
test_unescape(void)
{
    u_char       buf[64];
    size_t       n;
    ngx_str_t    raw;
    ngx_uint_t   i;

    for (i = 0; test_raw[i].raw; i++) {
        raw.data = (u_char *) test_raw[i].raw;
        raw.len = strlen(test_raw[i].raw);

        ok(ngx_intake_json_equal(&raw, (u_char *) test_raw[i].text,
                                 test_raw[i].len)
           && !ngx_intake_json_equal(&raw, (u_char *) test_raw[i].text,
                                     test_raw[i].len + 1)
           && !ngx_intake_json_equal(&raw, (u_char *) "\1\1\1\1\1\1\1\1\1",
                                     test_raw[i].len ? test_raw[i].len : 1),
           "equal");

        ngx_memcpy(buf, raw.data, raw.len);
        buf[raw.len] = '!';
        raw.data = buf;

        n = ngx_intake_json_unescape(buf, &raw);

        ok(n == test_raw[i].len && ngx_memcmp(buf, test_raw[i].text, n) == 0
           && buf[raw.len] == '!',
           "unescaped in place");
    }
}


#define REPL  "\xef\xbf\xbd"

static struct {
    const char  *src;
    const char  *expect;
} test_text[] = {
    { "", "" }, { "plain text", "plain text" },
    { "\"\\/\b\f\n\r\t", "\\\"\\\\/\\b\\f\\n\\r\\t" },
    { "\x01\x1f\x7f", "\\u0001\\u001f\x7f" },
    { "</script>&'", "\\u003c/script>&'" },
    { "\xc2\x80\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf",
      "\xc2\x80\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf" },
    { "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf",
      "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf" },
    { "\xe2\x80\xa8\xe2\x80\xa9", "\xe2\x80\xa8\xe2\x80\xa9" },
    { "\x80\xbf", REPL REPL }, { "\xc0\xaf", REPL REPL },
    { "\xc1\xbf", REPL REPL }, { "\xe0\x9f\xbf", REPL REPL REPL },
    { "\xed\xa0\x80", REPL REPL REPL },
    { "\xf0\x8f\xbf\xbf", REPL REPL REPL REPL },
    { "\xf4\x90\x80\x80", REPL REPL REPL REPL },
    { "\xf5\x80\x80\x80", REPL REPL REPL REPL },
    { "\xf5\xfe\xff", REPL REPL REPL }, { "\xc3", REPL },
    { "\xe2\x82", REPL }, { "\xf0\x9f\x98", REPL },
    { "\xe2\x82" "A", REPL "A" }, { "\xf0\x9f\xe2\x82\xac",
      REPL "\xe2\x82\xac" }, { "\xf1\x80\x80\n", REPL "\\n" },
    { "\xc3\"", REPL "\\\"" }, { "\xe9t\xe9", REPL "t" REPL },
    { NULL, NULL }
};


static void
test_escape(void)
{
    u_char                  buf[128], *last;
    size_t                  len;
    ngx_str_t               null;
    ngx_uint_t              i;
    ngx_intake_json_path_t  path;

    for (i = 0; test_text[i].src; i++) {
        len = strlen(test_text[i].src);

        last = ngx_intake_json_escape(buf, (u_char *) test_text[i].src, len);
        *last = '\0';

        is((char *) buf, test_text[i].expect, "escaped");

        ok(ngx_intake_json_escape_length((u_char *) test_text[i].src, len)
           == (size_t) (last - buf), "and its length");
    }

    last = ngx_intake_json_escape(buf, (u_char *) "a\0b", 3);
    *last = '\0';

    is((char *) buf, "a\\u0000b", "a zero byte escaped");

    ngx_str_null(&null);

    ok(ngx_intake_json_escape(buf, NULL, 0) == buf
       && ngx_intake_json_escape_length(NULL, 0) == 0
       && ngx_intake_json_unescape(buf, &null) == 0
       && ngx_intake_json_equal(&null, NULL, 0)
       && ngx_intake_json_path_parse(&null, &path, 0) == NGX_ERROR,
       "no bytes");
}


/* each character, unescaped and escaped, is itself */

static void
test_round_trip(void)
{
    u_char              src[4], doc[64], *last;
    size_t              n;
    uint32_t            c;
    ngx_str_t           raw;
    ngx_uint_t          wrong;
    ngx_intake_json_t   json;

    ngx_memzero(&json, sizeof(ngx_intake_json_t));

    for (c = 1, wrong = 0; c < 0x110000; c += (c < 0x3000) ? 1 : 251) {

        if (c >= 0xd800 && c <= 0xdfff) {
            continue;
        }

        n = sprintf((char *) doc, "\\u%04x", (unsigned) c);

        if (c >= 0x10000) {
            n = sprintf((char *) doc, "\\u%04X\\u%04x",
                        (unsigned) (0xd7c0 + (c >> 10)),
                        (unsigned) (0xdc00 + (c & 0x3ff)));
        }

        raw.data = doc;
        raw.len = n;

        n = ngx_intake_json_unescape(src, &raw);

        doc[0] = '"';
        last = ngx_intake_json_escape(doc + 1, src, n);
        *last++ = '"';

        if (ngx_intake_json_read(&json, doc, last - doc) != NGX_OK) {
            wrong++;
        }

        raw.data = doc + 1;
        raw.len = last - doc - 2;

        if (!ngx_intake_json_equal(&raw, src, n)
            || (c >= 0x80 && raw.len != n))
        {
            wrong++;
        }
    }

    ok(wrong == 0, "characters come back");
}


int
main(void)
{
    test_unescape();
    test_escape();
    test_round_trip();

    return done();
}
