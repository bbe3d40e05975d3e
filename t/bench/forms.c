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
#include "ngx_intake_form.h"


/*
 * How fast forms are parsed: MB/s of bodies of 1 MB and of 2 MB, the second of
 * which must not be slower, fed in pieces of 64 KB.  The bodies repeat a
 * pattern; of most, the pattern is what a search for the boundary likes least.
 */


#define BENCH_SIZE    (1024 * 1024)
#define BENCH_PIECE   65536
#define BENCH_ROUNDS  20

#define BENCH_WEBKIT                                                          \
    "multipart/form-data; boundary=----WebKitFormBoundaryTB2MiQ36fnSJlrhY"
#define BENCH_WEBKIT_DASHES  "------WebKitFormBoundaryTB2MiQ36fnSJlrhY"


typedef struct {
    const char  *name;
    const char  *type;
    const char  *head;
    const char  *pattern;                  /* NULL: random bytes */
    const char  *tail;
} bench_t;


static bench_t  benches[] = {

    { "multipart, random file", BENCH_WEBKIT,
      BENCH_WEBKIT_DASHES "\r\nContent-Disposition: form-data; name=a; "
      "filename=b\r\n\r\n", NULL, "\r\n" BENCH_WEBKIT_DASHES "--\r\n" },

    { "multipart, text file, CRLF", BENCH_WEBKIT,
      BENCH_WEBKIT_DASHES "\r\nContent-Disposition: form-data; name=a; "
      "filename=b\r\n\r\n",
      "The quick brown fox jumps over the lazy dog and is not seen again.\r\n",
      "\r\n" BENCH_WEBKIT_DASHES "--\r\n" },

    { "multipart, CR only", BENCH_WEBKIT,
      BENCH_WEBKIT_DASHES "\r\nContent-Disposition: form-data; name=a; "
      "filename=b\r\n\r\n", "\r", "\r\n" BENCH_WEBKIT_DASHES "--\r\n" },

    { "multipart, CRLF only", BENCH_WEBKIT,
      BENCH_WEBKIT_DASHES "\r\nContent-Disposition: form-data; name=a; "
      "filename=b\r\n\r\n", "\r\n", "\r\n" BENCH_WEBKIT_DASHES "--\r\n" },

    { "multipart, every other CR", BENCH_WEBKIT,
      BENCH_WEBKIT_DASHES "\r\nContent-Disposition: form-data; name=a; "
      "filename=b\r\n\r\n", "x\r", "\r\n" BENCH_WEBKIT_DASHES "--\r\n" },

    { "multipart, almost delimiters", BENCH_WEBKIT,
      BENCH_WEBKIT_DASHES "\r\nContent-Disposition: form-data; name=a; "
      "filename=b\r\n\r\n",
      "\r\n------WebKitFormBoundaryTB2MiQ36fnSJlrh",
      "\r\n" BENCH_WEBKIT_DASHES "--\r\n" },

    { "multipart, delimiters that go on", BENCH_WEBKIT,
      BENCH_WEBKIT_DASHES "\r\nContent-Disposition: form-data; name=a; "
      "filename=b\r\n\r\n", "\r\n" BENCH_WEBKIT_DASHES "-\r",
      "\r\n" BENCH_WEBKIT_DASHES "--\r\n" },

    { "multipart, delimiters, boundary a", "multipart/form-data; boundary=a",
      "--a\r\nContent-Disposition: form-data; name=a; filename=b\r\n\r\n",
      "\r\n--a-", "\r\n--a--" },

    { "multipart, dashes", "multipart/form-data; boundary=-------------------",
      "---------------------\r\nContent-Disposition: form-data; name=a; "
      "filename=b\r\n\r\nx", "-", "\r\n-----------------------\r\n" },

    { "multipart, epilogue", "multipart/form-data; boundary=a", "--a--\r\n",
      "\r\n--a", "" },

    { "multipart, fields of 100 bytes", "multipart/form-data; boundary=a",
      "--a\r\n",
      "Content-Disposition: form-data; name=\"message\"\r\n\r\n"
      "The quick brown fox jumps over the lazy dog and is not seen again "
      "until it returns in the evening.\r\n--a\r\n",
      "Content-Disposition: form-data; name=a\r\n\r\n\r\n--a--\r\n" },

    { "urlencoded, text", "application/x-www-form-urlencoded", "a=",
      "The+quick+brown+fox+jumps+over+the+lazy+dog%2C+and+again.&name=", "" },

    { "urlencoded, escapes", "application/x-www-form-urlencoded", "a=",
      "%D0%BF%D1%80%D0%B8%D0%B2%D0%B5%D1%82&b=", "" },

    { "urlencoded, not UTF-8", "application/x-www-form-urlencoded", "a=",
      "%80%80%80%80%80%80%80%80%80%80%80%80&b=", "" },

    { "urlencoded, percent signs", "application/x-www-form-urlencoded", "a=",
      "%", "" },

    { "urlencoded, ampersands", "application/x-www-form-urlencoded", "a=",
      "&", "" },

    { "JSON, text", "application/json", "{\"a\":[\"\"",
      ",\"The quick brown fox jumps over the lazy dog and is not seen again\"",
      "]}" },

    { "JSON, escapes", "application/json", "{\"a\":[\"\"",
      ",\"\\u043f\\u0440\\u0438\\u0432\\u0435\\u0442\"", "]}" }
};


static ngx_int_t
bench_field(void *ctx, ngx_intake_form_field_t *field)
{
    return NGX_OK;
}


static ngx_int_t
bench_file(void *ctx, ngx_intake_form_file_t *file)
{
    return NGX_OK;
}


static ngx_int_t
bench_data(void *ctx, u_char *p, size_t len)
{
    return NGX_OK;
}


static ngx_int_t
bench_end(void *ctx)
{
    return NGX_OK;
}


static ngx_intake_form_handlers_t  bench_handlers = {
    bench_field,
    bench_file,
    bench_data,
    bench_end
};


static double
bench_now(void)
{
    struct timespec  ts;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);

    return ts.tv_sec + ts.tv_nsec / 1e9;
}


static u_char *
bench_body(bench_t *bench, size_t size, size_t *len)
{
    u_char  *body, *p;
    size_t   n, pattern;

    body = malloc(size + 1024);

    if (body == NULL) {
        abort();
    }

    p = ngx_cpymem(body, bench->head, strlen(bench->head));

    if (bench->pattern == NULL) {

        for (n = 0; n < size; n++) {
            *p++ = (u_char) (random() >> 7);
        }

    } else {
        pattern = strlen(bench->pattern);

        for (n = 0; n + pattern <= size; n += pattern) {
            p = ngx_cpymem(p, bench->pattern, pattern);
        }
    }

    p = ngx_cpymem(p, bench->tail, strlen(bench->tail));

    *len = p - body;

    return body;
}


static double
bench_parse(bench_t *bench, u_char *body, size_t len)
{
    double              start, time;
    size_t              n, pos;
    u_char             *buffer;
    ngx_int_t           rc;
    ngx_str_t           type;
    ngx_intake_form_t   form;

    ngx_intake_form_limits_init(&form.limits);

    form.limits.fields = NGX_MAX_INT_T_VALUE;
    form.limits.value = len;
    form.limits.file = len;
    form.handlers = &bench_handlers;
    form.ctx = NULL;

    type.data = (u_char *) bench->type;
    type.len = strlen(bench->type);

    start = bench_now();

    rc = ngx_intake_form_init(&form, &type);

    buffer = malloc(ngx_intake_form_size(&form, len));

    if (rc != NGX_OK || buffer == NULL) {
        abort();
    }

    ngx_intake_form_start(&form, buffer, len);

    for (pos = 0; rc == NGX_OK && pos < len; pos += n) {
        n = ngx_min(BENCH_PIECE, len - pos);
        rc = ngx_intake_form_feed(&form, body + pos, n);
    }

    if (rc == NGX_OK) {
        rc = ngx_intake_form_end(&form);
    }

    time = bench_now() - start;

    if (rc != NGX_OK) {
        printf("%s: refused, %s\n", bench->name,
               ngx_intake_form_reason(form.error));
    }

    free(buffer);

    return time;
}


/* the best of some rounds */

static double
bench_speed(bench_t *bench, size_t size)
{
    double       time, best;
    size_t       len;
    u_char      *body;
    ngx_uint_t   i;

    best = 0;
    body = bench_body(bench, size, &len);

    for (i = 0; i < BENCH_ROUNDS; i++) {
        time = bench_parse(bench, body, len);
        best = (i == 0 || time < best) ? time : best;
    }

    free(body);

    return len / best / 1e6;
}


int
main(void)
{
    ngx_uint_t  i;

    printf("%-36s %10s %10s\n", "MB/s", "1 MB", "2 MB");

    for (i = 0; i < sizeof(benches) / sizeof(bench_t); i++) {
        printf("%-36s %10.0f %10.0f\n", benches[i].name,
               bench_speed(&benches[i], BENCH_SIZE),
               bench_speed(&benches[i], 2 * BENCH_SIZE));
    }

    return 0;
}
