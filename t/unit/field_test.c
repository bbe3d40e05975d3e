/* sources: src/form/ngx_intake_field.c src/form/ngx_intake_field_number.c */
/* sources: src/form/ngx_intake_text.c src/form/ngx_intake_utf8.c */
/* libs: -ljansson */

/*
 * Copyright (C) nginx-intake contributors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <jansson.h>
#include <stdio.h>
#include "ngx_intake_field.h"
#include "bytes.h"
#include "tap.h"


typedef ngx_int_t (*test_rule_pt)(ngx_str_t *value);


typedef struct {
    const char                *value;
    ngx_intake_field_error_e   error;
} test_check_t;


#define TEST_64                                                               \
    "0123456789012345678901234567890123456789012345678901234567890123"
#define TEST_63                                                               \
    "012345678901234567890123456789012345678901234567890123456789012"

static const char  *test_emails_of_html[] = {
    "a@b", "a.b+c@d.e-f.g", TEST_64 "@a", "a@" TEST_63 "." TEST_63,
    "..@x", NULL,

    "", "a", "@", "@b", "a@", "a@@b", "a@b@c", "a@-b", "a@b-", "a@.b", "a@b.",
    "a@b..c", "a@b_c", "a@" TEST_64, "a b@c", "a@b c", "a@b\n", "\na@b",
    " a@b", "a@[1.2.3.4]", "\"a\"@b", "a(x)@b", "a@b,c@d", "\xc3\xa9@b",
    "a@\xc3\xa9", "<a@b>", NULL
};

static const char  *test_tels[] = {
    "123", "+49 (0)30 / 123-456", "030.123.456", "1-800-555-0100 x12",
    "555 0100 ext. 5", "*21*0301234#", "\xe2\x80\xaa+1\xc2\xa0""555\xe2\x80\x91"
    "0100\xe2\x80\xac", "\xef\xbc\x90\xef\xbc\x93\xef\xbc\x91", NULL,

    "", "12", "abc", "+", "12a4", "123\n", "123\r\nBcc: a", "123\t",
    "12\xff" "3",
    "1<2>3", "call me at 5550100", NULL
};

static const char  *test_urls[] = {
    "http://a", "https://example.com", "HTTPS://Example.COM/",
    "http://a.b/c?d#e",
    "https://a?b", "https://a#b", "http://a:80/", "http://a:65535", "http://a:",
    "http://127.0.0.1/", "http://[::1]/", "http://[::ffff:1.2.3.4]:8080/x",
    "http://user:pass@host/", "http://a/@b:c", "http://a/b%20c",
    "http://b\xc3\xbc" "cher.example/\xd1\x84", NULL,

    "", "a", "example.com", "www.example.com", "//example.com", "/path",
    "http:", "http:/", "http://", "https:///x", "http://:80/", "http:a",
    "http:/a", "ftp://a/", "mailto:a@b", "javascript:alert(1)",
    "data:text/html,x", "http://a b/", "http://a/b c", "http://a\\b",
    "http://a/<b>", "http://a/\"b", "http://a/\n", " http://a", "http://a:x",
    "http://a:65536", "http://a:99999999999999999999", "http://[::1",
    "http://[]/", "http://[g::1]/", "http://a]/", "http://%61/", "http://u@/",
    "httpss://a", "xhttp://a", NULL
};

static const char  *test_numbers[] = {
    "0", "-0", "1", "-1", "007", "1.5", ".5", "-.5", "1e3", "1E3", "1e+3",
    "1e-3", "-1.50e+03", "123456789012345678901234567890", "1e999", NULL,

    "", "-", "+1", ".", "1.", "1.e3", "e3", "1e", "1e+", "1e1.5", "--1", "1-",
    " 1", "1 ", "1,5", "1_000", "0x1", "NaN", "Infinity", "1\n", "\xd9\xa1",
    NULL
};

static const char  *test_dates[] = {
    "2026-11-21", "2024-02-29", "2000-02-29", "0001-01-01", "1999-12-31",
    "12026-01-01", "275760-09-13", NULL,

    "", "2026-11-31", "2026-02-29", "1900-02-29", "2026-00-01", "2026-13-01",
    "2026-01-00", "2026-01-32", "0000-01-01", "26-01-01", "2026-1-1",
    "2026/01/01", "20260101", "2026-01-01T00:00", "2026-01-01 ", "-026-01-01",
    "275761-01-01", "99999999999999999999-01-01", "2026-0a-01", "01.02.2026",
    NULL
};


/* each is less than the next; those behind a "=" are the same as before */

static const char  *test_order[] = {
    "-1e1000", "-123456789012345678901234567890", "-10", "=-1e1", "=-010.00",
    "-9.99999999999999999999", "-1", "-.5", "-1e-1000", "0", "=-0", "=0.000",
    "=0e9", "1e-1000", "=0.1e-999", "0.001", "=1e-3", "=.10e-2", "0.5", "=5e-1",
    "1", "=1.000", "=01", "=100e-2", "1.0000000000000000000001", "9", "=9e0",
    "10", "=1e1", "=10.0", "99.99", "100", "=1e2", "12345678901234567890",
    "12345678901234567891", "1e999", "1e1000", "=10e999", NULL
};


/* what is taken, NULL, and what is not */

static void
test_type(const char *what, test_rule_pt rule, const char **values)
{
    ngx_int_t   expect;
    ngx_str_t   value;

    for (expect = NGX_OK; *values || expect == NGX_OK; values++) {

        if (*values == NULL) {
            expect = NGX_DECLINED;
            continue;
        }

        value = copy_string(*values, strlen(*values));
        ok(rule(&value) == expect, "%s: %s", what, *values);
        free(value.data);
    }
}


static void
test_email_lengths(void)
{
    ngx_str_t  value;

    ngx_str_set(&value, TEST_64 "0@a");

    ok(ngx_intake_field_email(&value) == NGX_ABORT,
       "e-mail: 65 bytes in front");

    ngx_str_set(&value, "ab@" TEST_63 "." TEST_63 "." TEST_63 "."
                        "0123456789012345678901234567890123456789012345678901"
                        "0123456");

    ok(value.len == NGX_INTAKE_FIELD_EMAIL_MAX
       && ngx_intake_field_email(&value) == NGX_OK, "e-mail: 254 bytes");

    ngx_str_set(&value, "abc@" TEST_63 "." TEST_63 "." TEST_63 "."
                        "0123456789012345678901234567890123456789012345678901"
                        "0123456");

    ok(ngx_intake_field_email(&value) == NGX_ABORT, "e-mail: 255 bytes");
}


static void
test_compare(void)
{
    ngx_int_t    rc, expect;
    ngx_str_t    one, other;
    const char  *s;
    ngx_uint_t   i, n, step, class[64];

    for (n = 0; test_order[n]; n++) {
        class[n] = (n == 0) ? 0 : class[n - 1] + (test_order[n][0] != '=');
    }

    for (i = 0; i < n; i++) {
        for (step = 0; step < n; step++) {

            s = test_order[i] + (test_order[i][0] == '=');
            one = copy_string(s, strlen(s));

            s = test_order[step] + (test_order[step][0] == '=');
            other = copy_string(s, strlen(s));

            rc = ngx_intake_field_number_compare(&one, &other);
            expect = (class[i] < class[step]) ? -1 : (class[i] > class[step]);

            if (rc != expect) {
                ok(0, "%s: %s", test_order[i], test_order[step]);
            }

            free(one.data);
            free(other.data);
        }
    }

    ok(1, "numbers: compared");

    ngx_str_set(&one, "9999-12-31");
    ngx_str_set(&other, "10000-01-01");

    ok(ngx_intake_field_date_compare(&one, &other) < 0
       && ngx_intake_field_date_compare(&other, &one) > 0
       && ngx_intake_field_date_compare(&one, &one) == 0, "dates: compared");
}


static void
test_one(ngx_intake_field_rule_t *rule, const char *text,
    ngx_intake_field_error_e expect)
{
    ngx_str_t                 value, copy;
    ngx_intake_field_error_e  error;

    value = copy_string(text, strlen(text));
    copy = value;

    error = ngx_intake_field_check(rule, &copy);

    if (error != expect) {
        printf("# %s\n", ngx_intake_field_code(error));
    }

    ok(error == expect, "%s: %s", ngx_intake_field_code(expect), text);

    free(value.data);
}


static void
test_text_rules(ngx_intake_field_rule_t empty)
{
    ngx_intake_field_rule_t  rule;

    rule = empty;
    test_one(&rule, "", NGX_INTAKE_FIELD_FINE);
    test_one(&rule, "a\r\n\tb\x1b", NGX_INTAKE_FIELD_FINE);

    rule.required = 1;
    test_one(&rule, "", NGX_INTAKE_FIELD_REQUIRED_EMPTY);
    test_one(&rule, " \r\n\xc2\xa0", NGX_INTAKE_FIELD_REQUIRED_EMPTY);
    test_one(&rule, ".", NGX_INTAKE_FIELD_FINE);

    rule = empty;
    rule.min = 3;
    rule.max = 5;
    test_one(&rule, "", NGX_INTAKE_FIELD_FINE);
    test_one(&rule, "ab", NGX_INTAKE_FIELD_TOO_SHORT);
    test_one(&rule, "a\r\n", NGX_INTAKE_FIELD_TOO_SHORT);
    test_one(&rule, "a\r\nb", NGX_INTAKE_FIELD_FINE);
    test_one(&rule, "a\r\n\r\n\r\nb", NGX_INTAKE_FIELD_FINE);
    test_one(&rule, "a\r\n\r\n\r\n\r\nb", NGX_INTAKE_FIELD_TOO_LONG);
    test_one(&rule, "\xf0\x9f\x98\x80\xf0\x9f\x98\x80", NGX_INTAKE_FIELD_FINE);
    test_one(&rule, "\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf0\x9f\x98\x80",
             NGX_INTAKE_FIELD_TOO_LONG);

    rule = empty;
    rule.single_line = 1;
    test_one(&rule, "Hello", NGX_INTAKE_FIELD_FINE);
    test_one(&rule, "Hi\nTo: x@evil.example",
             NGX_INTAKE_FIELD_CONTROL_CHARACTERS);
    test_one(&rule, "Hi\xc2\x85", NGX_INTAKE_FIELD_CONTROL_CHARACTERS);
    test_one(&rule, "Hi\xe2\x80\xa8", NGX_INTAKE_FIELD_CONTROL_CHARACTERS);
}


static void
test_email_rules(ngx_intake_field_rule_t empty)
{
    ngx_intake_field_rule_t  rule;

    rule = empty;
    rule.type = NGX_INTAKE_FIELD_EMAIL;
    rule.max = 10;
    test_one(&rule, " \r\n", NGX_INTAKE_FIELD_FINE);
    test_one(&rule, " a@b \r\n", NGX_INTAKE_FIELD_FINE);
    test_one(&rule, "a@example.com", NGX_INTAKE_FIELD_TOO_LONG);
    test_one(&rule, "a@b\r\nBcc: x@evil.example", NGX_INTAKE_FIELD_TYPE_EMAIL);
    test_one(&rule, "a@b,c@d", NGX_INTAKE_FIELD_TYPE_EMAIL);

    rule.multiple = 1;
    test_one(&rule, "a@b", NGX_INTAKE_FIELD_FINE);
    test_one(&rule, "a@b, c@d", NGX_INTAKE_FIELD_FINE);
    test_one(&rule, "a@b,", NGX_INTAKE_FIELD_TYPE_EMAIL);
    test_one(&rule, ",a@b", NGX_INTAKE_FIELD_TYPE_EMAIL);
    test_one(&rule, "a@b,,c@d", NGX_INTAKE_FIELD_TYPE_EMAIL);
    test_one(&rule, "a@b,\r\nc@d", NGX_INTAKE_FIELD_CONTROL_CHARACTERS);
}


static void
test_other_rules(ngx_intake_field_rule_t empty)
{
    ngx_str_t                choices[2];
    ngx_intake_field_rule_t  rule;

    rule = empty;
    rule.type = NGX_INTAKE_FIELD_TEL;
    rule.max = 8;
    test_one(&rule, "", NGX_INTAKE_FIELD_FINE);
    test_one(&rule, "  ", NGX_INTAKE_FIELD_FINE);
    test_one(&rule, " 030 12", NGX_INTAKE_FIELD_FINE);
    test_one(&rule, "030 123456", NGX_INTAKE_FIELD_TOO_LONG);
    test_one(&rule, "none", NGX_INTAKE_FIELD_TYPE_TEL);
    test_one(&rule, "030123\r\nBcc:", NGX_INTAKE_FIELD_CONTROL_CHARACTERS);

    rule = empty;
    rule.type = NGX_INTAKE_FIELD_URL;
    test_one(&rule, "https://a/ ", NGX_INTAKE_FIELD_FINE);
    test_one(&rule, "javascript:x", NGX_INTAKE_FIELD_TYPE_URL);

    rule = empty;
    rule.type = NGX_INTAKE_FIELD_NUMBER;
    ngx_str_set(&rule.from, "-1.5");
    ngx_str_set(&rule.to, "1e2");
    test_one(&rule, "-1.5", NGX_INTAKE_FIELD_FINE);
    test_one(&rule, "100.0", NGX_INTAKE_FIELD_FINE);
    test_one(&rule, "-1.51", NGX_INTAKE_FIELD_UNDERFLOW);
    test_one(&rule, "100.01", NGX_INTAKE_FIELD_OVERFLOW);
    test_one(&rule, "x", NGX_INTAKE_FIELD_TYPE_NUMERIC);

    rule = empty;
    rule.type = NGX_INTAKE_FIELD_DATE;
    ngx_str_set(&rule.from, "2026-02-28");
    test_one(&rule, "2026-02-28", NGX_INTAKE_FIELD_FINE);
    test_one(&rule, "2026-02-27", NGX_INTAKE_FIELD_UNDERFLOW);
    test_one(&rule, "2026-02-29", NGX_INTAKE_FIELD_TYPE_DATE);

    rule = empty;
    rule.type = NGX_INTAKE_FIELD_CHOICE;
    rule.values = choices;
    rule.nvalues = 2;
    ngx_str_set(&choices[0], "red");
    ngx_str_set(&choices[1], "dark blue");
    test_one(&rule, "red", NGX_INTAKE_FIELD_FINE);
    test_one(&rule, " dark blue ", NGX_INTAKE_FIELD_FINE);
    test_one(&rule, "", NGX_INTAKE_FIELD_FINE);
    test_one(&rule, "Red", NGX_INTAKE_FIELD_NOT_ONE_OF);
    test_one(&rule, "blue", NGX_INTAKE_FIELD_NOT_ONE_OF);
    test_one(&rule, "red\n", NGX_INTAKE_FIELD_CONTROL_CHARACTERS);
}


static void
test_rules(void)
{
    ngx_intake_field_rule_t  empty;

    ngx_memzero(&empty, sizeof(empty));
    empty.max = NGX_INTAKE_FIELD_NO_LIMIT;

    test_text_rules(empty);
    test_email_rules(empty);
    test_other_rules(empty);
}


static ngx_str_t
test_value(json_t *test)
{
    size_t      len;
    ngx_int_t   i, n;
    json_t     *value;
    ngx_str_t   text;

    value = json_object_get(test, "value");

    if (value) {
        return copy_string(json_string_value(value),
                           json_string_length(value));
    }

    value = json_object_get(test, "value_generator");
    n = json_integer_value(json_object_get(value, "times"));
    value = json_object_get(value, "repeat");
    len = json_string_length(value);

    text.len = len * n;
    text.data = malloc(text.len);

    if (text.data == NULL) {
        abort();
    }

    for (i = 0; i < n; i++) {
        ngx_memcpy(text.data + i * len, json_string_value(value), len);
    }

    return text;
}


static void
test_emails(const char *folder)
{
    char                       path[1024];
    size_t                     i;
    json_t                    *cases, *test;
    ngx_int_t                  rc;
    ngx_str_t                  value, copy;
    const char                *name;
    json_error_t               e;
    ngx_intake_field_rule_t    rule;

    snprintf(path, sizeof(path), "%s/forms/email-cases.json", folder);

    cases = json_load_file(path, JSON_ALLOW_NUL, &e);

    ok(json_is_array(cases), "cases: %s", path);

    ngx_memzero(&rule, sizeof(rule));
    rule.type = NGX_INTAKE_FIELD_EMAIL;
    rule.max = NGX_INTAKE_FIELD_NO_LIMIT;
    rule.required = 1;

    json_array_foreach(cases, i, test) {

        value = test_value(test);
        copy = value;

        name = json_string_value(json_object_get(test, "value"));
        name = name ? name : "long";

        ok((ngx_intake_field_check(&rule, &copy) == NGX_INTAKE_FIELD_FINE)
           == json_is_true(json_object_get(test, "accept")),
           "e-mail: %s", name);

        rc = ngx_intake_field_email(&copy);

        ok((rc == NGX_OK || rc == NGX_ABORT)
           == json_is_true(json_object_get(test, "html_valid")),
           "e-mail of HTML: %s", name);

        free(value.data);
    }

    json_decref(cases);
}


int
main(void)
{
    char  *folder;

    test_type("e-mail", ngx_intake_field_email, test_emails_of_html);
    test_email_lengths();

    test_type("tel", ngx_intake_field_tel, test_tels);
    test_type("url", ngx_intake_field_url, test_urls);
    test_type("number", ngx_intake_field_number, test_numbers);
    test_type("date", ngx_intake_field_date, test_dates);

    test_compare();
    test_rules();

    test_emails("t/data");

    folder = getenv("INTAKE_VECTORS");

    if (folder && *folder) {
        test_emails(folder);
    }

    return done();
}
