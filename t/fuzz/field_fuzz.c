/* sources: src/form/ngx_intake_field.c src/form/ngx_intake_field_number.c */
/* sources: src/form/ngx_intake_text.c src/form/ngx_intake_utf8.c */
/* sources: src/form/ngx_intake_control.c */
/* libs: -ljansson */

/*
 * Copyright (C) nginx-intake contributors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <jansson.h>
#include <regex.h>
#include <time.h>
#include "ngx_intake_control.h"
#include "ngx_intake_field.h"
#include "ngx_intake_text.h"
#include "ngx_intake_utf8.h"


/*
 * The input is the value of a field, and behind the first line end another one.
 * It is a number or an address if the expression in HTML says so, a date if the
 * C library knows the day; numbers and dates are ordered as those of the C
 * library; a redirect goes where browsers would see one of the origins.
 */


#define FUZZ_VALUE  512          /* the longest that is compared */

#define check(condition)  if (!(condition)) { abort(); }


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


#define FUZZ_LABEL  "[a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?"

static const char  fuzz_email_regex[] =
    "^[a-zA-Z0-9.!#$%&'*+/=?^_`{|}~-]+@" FUZZ_LABEL "(\\." FUZZ_LABEL ")*$";

static const char  fuzz_number_regex[] =
    "^-?([0-9]+|[0-9]*\\.[0-9]+)([eE][-+]?[0-9]+)?$";

static const char  fuzz_date_regex[] =
    "^[0-9]{4,}-[0-9][0-9]-[0-9][0-9]$";


static ngx_uint_t
fuzz_match(const char *expression, regex_t *regex, ngx_uint_t *compiled,
    char *text)
{
    if (!*compiled) {
        check(regcomp(regex, expression, REG_EXTENDED|REG_NOSUB) == 0);
        *compiled = 1;
    }

    return regexec(regex, text, 0, NULL, 0) == 0;
}


static ngx_uint_t
fuzz_labels(const char *p)
{
    size_t  n;

    for ( /* void */ ; ; p += n + 1) {
        n = strcspn(p, ".");

        if (n > 63) {
            return 0;
        }

        if (p[n] == '\0') {
            return 1;
        }
    }
}


static void
fuzz_email(ngx_str_t *value, char *text)
{
    char               *at;
    ngx_int_t           rc;
    static regex_t      regex;
    static ngx_uint_t   compiled;

    rc = ngx_intake_field_email(value);
    at = strrchr(text, '@');

    if (!fuzz_match(fuzz_email_regex, &regex, &compiled, text)
        || !fuzz_labels(at + 1))
    {
        check(rc == NGX_DECLINED);
        return;
    }

    check(rc == ((value->len > NGX_INTAKE_FIELD_EMAIL_MAX
                  || at - text > NGX_INTAKE_FIELD_EMAIL_LOCAL)
                 ? NGX_ABORT : NGX_OK));
}


static ngx_uint_t
fuzz_number(ngx_str_t *value, char *text)
{
    ngx_uint_t          number;
    static regex_t      regex;
    static ngx_uint_t   compiled;

    number = fuzz_match(fuzz_number_regex, &regex, &compiled, text);

    check(ngx_intake_field_number(value) == (number ? NGX_OK : NGX_DECLINED));

    return number;
}


/* the seconds of the day since 1970, or NGX_ERROR */

static time_t
fuzz_date(ngx_str_t *value, char *text)
{
    int                 month, day;
    char               *end;
    time_t              time;
    unsigned long       year;
    struct tm           tm, known;
    static regex_t      regex;
    static ngx_uint_t   compiled;

    time = NGX_ERROR;

    if (fuzz_match(fuzz_date_regex, &regex, &compiled, text)) {
        year = strtoul(text, &end, 10);
        month = atoi(end + 1);
        day = atoi(end + 4);

        memset(&tm, 0, sizeof(tm));
        tm.tm_year = (int) ngx_min(year, 1000000) - 1900;
        tm.tm_mon = month - 1;
        tm.tm_mday = day;

        known = tm;
        time = timegm(&known);

        if (year == 0 || year > 275760 || known.tm_mon != tm.tm_mon
            || known.tm_mday != day || known.tm_year != tm.tm_year)
        {
            time = NGX_ERROR;
        }
    }

    check((ngx_intake_field_date(value) == NGX_OK) == (time != NGX_ERROR));

    return time;
}


static ngx_int_t
fuzz_sign(ngx_int_t n)
{
    return (n > 0) - (n < 0);
}


static void
fuzz_compare(ngx_str_t *one, char *text, ngx_str_t *other, char *other_text)
{
    time_t       a, b;
    ngx_int_t    rc;
    long double  x, y;

    if (fuzz_number(one, text) & fuzz_number(other, other_text)) {
        rc = fuzz_sign(ngx_intake_field_number_compare(one, other));

        check(ngx_intake_field_number_compare(one, one) == 0);
        check(fuzz_sign(ngx_intake_field_number_compare(other, one)) == -rc);

        /* rounding keeps the order */

        x = strtold(text, NULL);
        y = strtold(other_text, NULL);

        check(x == y || rc == (x < y ? -1 : 1));
    }

    a = fuzz_date(one, text);
    b = fuzz_date(other, other_text);

    if (a != NGX_ERROR && b != NGX_ERROR) {
        rc = ngx_intake_field_date_compare(one, other);
        check(fuzz_sign(rc) == (a > b) - (a < b));
    }
}


static void
fuzz_url(ngx_str_t *value, char *text)
{
    char    *authority, *at, *host;
    size_t   i, len;

    if (ngx_intake_field_url(value) != NGX_OK) {
        return;
    }

    i = 4 + ((text[4] | 0x20) == 's');

    check(strncasecmp(text, "https", i) == 0);
    check(strncmp(text + i, "://", 3) == 0);

    /* the host is behind the last "@" */

    authority = text + i + 3;
    len = strcspn(authority, "/?#");
    at = memrchr(authority, '@', len);
    host = at ? at + 1 : authority;

    check(host < authority + len && *host != ':');

    for (i = 0; i < value->len; i++) {
        check(text[i] < 0
              || (text[i] > ' ' && text[i] < 0x7f && text[i] != '\\'));
    }
}


/* whatever the rules say, a value that is fine is so once more */

static void
fuzz_rules(ngx_str_t *value, ngx_str_t *other)
{
    ngx_str_t                 checked;
    ngx_uint_t                type;
    ngx_intake_field_rule_t   rule;

    for (type = NGX_INTAKE_FIELD_TEXT; type <= NGX_INTAKE_FIELD_CHOICE;
         type++)
    {
        memset(&rule, 0, sizeof(rule));

        rule.type = type;
        rule.min = other->len / 2;
        rule.max = NGX_INTAKE_FIELD_NO_LIMIT;
        rule.values = other;
        rule.nvalues = (type == NGX_INTAKE_FIELD_CHOICE);
        rule.required = other->len & 1;
        rule.single_line = (other->len >> 1) & 1;
        rule.multiple = (other->len >> 2) & 1;

        if ((type == NGX_INTAKE_FIELD_NUMBER
             && ngx_intake_field_number(other) == NGX_OK)
            || (type == NGX_INTAKE_FIELD_DATE
                && ngx_intake_field_date(other) == NGX_OK))
        {
            rule.from = *other;
        }

        checked = *value;

        if (ngx_intake_field_check(&rule, &checked) != NGX_INTAKE_FIELD_FINE) {
            continue;
        }

        check(checked.data >= value->data
              && checked.data + checked.len <= value->data + value->len);
        check(ngx_intake_field_check(&rule, &checked)
              == NGX_INTAKE_FIELD_FINE);
        check(!rule.required || !ngx_intake_text_blank(&checked));
        check(!rule.single_line || ngx_intake_text_single_line(&checked));
    }
}


static void
fuzz_text(ngx_str_t *value)
{
    u_char     *again;
    json_t     *json;
    ngx_str_t   lines;

    json = json_stringn((char *) value->data, value->len);
    check(ngx_intake_utf8_valid(value->data, value->len) == (json != NULL));
    json_decref(json);

    lines.len = ngx_intake_text_lines_length(value);
    lines.data = malloc(lines.len + 1);

    check(ngx_intake_text_lines(lines.data, value) == lines.data + lines.len);
    check(ngx_intake_utf8_valid(lines.data, lines.len));
    check(memchr(lines.data, '\r', lines.len) == NULL);
    check(ngx_intake_text_units(&lines) == ngx_intake_text_units(value));
    check(ngx_intake_text_lines_length(&lines) == lines.len);

    again = malloc(lines.len + 1);
    check(ngx_intake_text_lines(again, &lines) == again + lines.len);
    check(memcmp(again, lines.data, lines.len) == 0);

    if (json && ngx_intake_text_single_line(value)) {
        check(lines.len == value->len
              && memcmp(lines.data, value->data, lines.len) == 0);
    }

    free(again);
    free(lines.data);
}


/* where a browser would go: to the host that stands before any of "/?#\" */

static void
fuzz_redirect(ngx_str_t *value, char *text)
{
    size_t      i, len;
    ngx_str_t   origins[2];

    ngx_str_set(&origins[0], "https://example.test");
    ngx_str_set(&origins[1], "http://[::1]:8080");

    (void) ngx_intake_control(value);

    if (!ngx_intake_redirect_allowed(value, origins, 2)) {
        return;
    }

    check(strpbrk(text, " \t\r\n\\") == NULL);

    if (text[0] == '/') {
        check(text[1] != '/');
        return;
    }

    for (i = 0; i < 2; i++) {
        len = origins[i].len;

        if (strncasecmp(text, (char *) origins[i].data, len) == 0) {
            check(strcspn(text + 8, "/?#\\@") + 8 == len);
            return;
        }
    }

    abort();
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char       *line, *text, *other_text;
    ngx_str_t   value, other;

    if (size == 0 || size > FUZZ_VALUE) {
        return 0;
    }

    line = memchr(data, '\n', size);

    value.data = (u_char *) data;
    value.len = line ? (size_t) (line - (char *) data) : size;
    other.data = value.data + value.len + (line != NULL);
    other.len = value.data + size - other.data;

    text = strndup((char *) value.data, value.len);
    other_text = strndup((char *) other.data, other.len);

    fuzz_rules(&value, &other);
    fuzz_text(&value);
    (void) ngx_intake_field_tel(&value);

    /* the C library's texts end with a zero */

    if (strlen(text) == value.len && strlen(other_text) == other.len) {
        fuzz_email(&value, text);
        fuzz_compare(&value, text, &other, other_text);
        fuzz_url(&value, text);
        fuzz_redirect(&value, text);
    }

    free(text);
    free(other_text);

    return 0;
}
