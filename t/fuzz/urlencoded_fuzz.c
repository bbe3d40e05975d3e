/* sources: src/form/ngx_intake_urlencoded.c src/verify/ngx_intake_encoding.c */

/*
 * Copyright (C) nginx-intake contributors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <stdio.h>
#include "ngx_intake_urlencoded.h"


/*
 * The input is a body.  Its pairs are those that a plain reading of the
 * standard finds in it, however it is cut.
 */


#define FUZZ_PAIRS  8
#define FUZZ_NAME   16
#define FUZZ_VALUE  32

#define fuzz_check(condition)                                                 \
    do {                                                                      \
        if (!(condition)) {                                                   \
            fprintf(stderr, "line %d: %s\n", __LINE__, #condition);           \
            abort();                                                          \
        }                                                                     \
    } while (0)


typedef struct {
    ngx_uint_t                n;
    ngx_intake_form_error_e   error;
    ngx_str_t                 names[FUZZ_PAIRS];
    ngx_str_t                 values[FUZZ_PAIRS];

    u_char                    text[FUZZ_PAIRS * (FUZZ_NAME + FUZZ_VALUE)];
    u_char                   *last;
} fuzz_pairs_t;


static ngx_intake_form_limits_t  fuzz_limits = {
    FUZZ_PAIRS, 0, FUZZ_NAME, FUZZ_VALUE, 0
};


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static ngx_int_t
fuzz_pair(void *ctx, ngx_str_t *name, ngx_str_t *value)
{
    fuzz_pairs_t *pairs = ctx;

    fuzz_check(pairs->n < FUZZ_PAIRS);
    fuzz_check(name->len <= FUZZ_NAME && value->len <= FUZZ_VALUE);

    pairs->names[pairs->n].data = pairs->last;
    pairs->names[pairs->n].len = name->len;
    pairs->last = ngx_cpymem(pairs->last, name->data, name->len);

    pairs->values[pairs->n].data = pairs->last;
    pairs->values[pairs->n].len = value->len;
    pairs->last = ngx_cpymem(pairs->last, value->data, value->len);

    pairs->n++;

    return NGX_OK;
}


static size_t
fuzz_decode(u_char *dst, const u_char *p, size_t len)
{
    char    hex[3];
    size_t  i, n;

    n = 0;
    hex[2] = '\0';

    for (i = 0; i < len; i++) {

        if (p[i] == '+') {
            dst[n++] = ' ';

        } else if (p[i] == '%' && i + 2 < len && isxdigit(p[i + 1])
                   && isxdigit(p[i + 2]))
        {
            hex[0] = p[i + 1];
            hex[1] = p[i + 2];
            dst[n++] = (u_char) strtol(hex, NULL, 16);
            i += 2;

        } else {
            dst[n++] = p[i];
        }
    }

    return n;
}


/* one pair, all of it in view */

static void
fuzz_sequence(fuzz_pairs_t *pairs, const u_char *p, size_t len)
{
    size_t      i;
    u_char     *text;
    ngx_str_t   name, value;

    for (i = 0; i < len && p[i] != '='; i++) {
        /* void */
    }

    text = malloc(len + 1);
    fuzz_check(text);

    name.data = text;
    name.len = fuzz_decode(text, p, i);

    value.data = text + i;
    value.len = (i < len) ? fuzz_decode(text + i, p + i + 1, len - i - 1) : 0;

    if (name.len > FUZZ_NAME) {
        pairs->error = NGX_INTAKE_FORM_NAME_TOO_LONG;

    } else if (value.len > FUZZ_VALUE) {
        pairs->error = NGX_INTAKE_FORM_VALUE_TOO_LARGE;

    } else if (pairs->n == FUZZ_PAIRS) {
        pairs->error = NGX_INTAKE_FORM_TOO_MANY_FIELDS;

    } else {
        fuzz_pair(pairs, &name, &value);
    }

    free(text);
}


static void
fuzz_plain(fuzz_pairs_t *pairs, const u_char *p, size_t len)
{
    size_t  i, start;

    pairs->n = 0;
    pairs->error = NGX_INTAKE_FORM_FINE;
    pairs->last = pairs->text;

    for (i = 0, start = 0; i <= len && !pairs->error; i++) {

        if (i == len || p[i] == '&') {

            if (i > start) {
                fuzz_sequence(pairs, p + start, i - start);
            }

            start = i + 1;
        }
    }
}


static void
fuzz_parse(fuzz_pairs_t *pairs, const u_char *p, size_t len, size_t size)
{
    size_t                    n, pos;
    u_char                   *piece, *buffer;
    ngx_int_t                 rc;
    ngx_intake_urlencoded_t   u;

    pairs->n = 0;
    pairs->last = pairs->text;

    u.handler = fuzz_pair;
    u.ctx = pairs;
    u.limits = &fuzz_limits;

    buffer = malloc(ngx_intake_urlencoded_size(&fuzz_limits, len) + 1);
    fuzz_check(buffer);

    ngx_intake_urlencoded_init(&u, buffer, len);

    rc = NGX_OK;

    for (pos = 0; rc == NGX_OK && pos < len; pos += n) {

        n = ngx_min(size, len - pos);

        piece = malloc(n);
        fuzz_check(piece);

        ngx_memcpy(piece, p + pos, n);

        rc = ngx_intake_urlencoded_feed(&u, piece, n);

        free(piece);
    }

    if (rc == NGX_OK) {
        rc = ngx_intake_urlencoded_end(&u);
    }

    fuzz_check(rc == (u.error ? NGX_DECLINED : NGX_OK));

    pairs->error = u.error;

    free(buffer);
}


static void
fuzz_same(fuzz_pairs_t *one, fuzz_pairs_t *other)
{
    ngx_uint_t  i;

    fuzz_check(one->error == other->error);
    fuzz_check(one->n == other->n);

    for (i = 0; i < one->n; i++) {
        fuzz_check(one->names[i].len == other->names[i].len);
        fuzz_check(one->values[i].len == other->values[i].len);
    }

    fuzz_check(one->last - one->text == other->last - other->text);
    fuzz_check(ngx_memcmp(one->text, other->text, one->last - one->text) == 0);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t               piece;
    static fuzz_pairs_t  plain, pairs;

    fuzz_plain(&plain, data, size);

    for (piece = 1; piece <= 4; piece++) {
        fuzz_parse(&pairs, data, size, piece);
        fuzz_same(&plain, &pairs);
    }

    fuzz_parse(&pairs, data, size, size / 2 + 1);
    fuzz_same(&plain, &pairs);

    fuzz_parse(&pairs, data, size, size + 1);
    fuzz_same(&plain, &pairs);

    return 0;
}
