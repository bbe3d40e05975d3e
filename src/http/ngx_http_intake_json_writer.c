
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake_status_json.h"
#include "ngx_intake_json.h"


/* One pass into a chain of buffers. */


#define NGX_HTTP_INTAKE_JSON_BUFFER  32768

/* the digits of a share behind the point; those of seconds are 6 */
#define NGX_HTTP_INTAKE_JSON_SHARE   1000000000


static u_char *ngx_http_intake_json_room(ngx_http_intake_json_t *json,
    size_t size);
static u_char *ngx_http_intake_json_begin(ngx_http_intake_json_t *json,
    const char *name, size_t size);
static void ngx_http_intake_json_end(ngx_http_intake_json_t *json,
    u_char *p);
static void ngx_http_intake_json_open(ngx_http_intake_json_t *json,
    const char *name, u_char bracket);
static void ngx_http_intake_json_close(ngx_http_intake_json_t *json,
    u_char bracket);
static void ngx_http_intake_json_word(ngx_http_intake_json_t *json,
    const char *name, const char *word);
static u_char *ngx_http_intake_json_fraction(u_char *p, uint64_t n,
    uint64_t one);
static u_char *ngx_http_intake_json_digits(u_char *p, ngx_int_t n,
    ngx_uint_t width);


void
ngx_http_intake_json_init(ngx_http_intake_json_t *json, ngx_pool_t *pool)
{
    ngx_memzero(json, sizeof(ngx_http_intake_json_t));

    json->pool = pool;
    json->next = &json->out;
}


ngx_int_t
ngx_http_intake_json_done(ngx_http_intake_json_t *json)
{
    u_char       *p;
    ngx_chain_t  *cl;

    p = ngx_http_intake_json_room(json, 1);

    if (p == NULL) {
        return NGX_ERROR;
    }

    *p++ = LF;
    json->buf->last = p;

    json->buf->last_buf = 1;
    json->buf->last_in_chain = 1;

    for (cl = json->out; cl; cl = cl->next) {
        json->len += cl->buf->last - cl->buf->pos;
    }

    return NGX_OK;
}


/* where size bytes may be written, which are in one piece */

static u_char *
ngx_http_intake_json_room(ngx_http_intake_json_t *json, size_t size)
{
    ngx_buf_t    *b;
    ngx_chain_t  *cl;

    if (json->failed) {
        return NULL;
    }

    b = json->buf;

    if (b && (size_t) (b->end - b->last) >= size) {
        return b->last;
    }

    json->failed = 1;

    cl = ngx_alloc_chain_link(json->pool);
    if (cl == NULL) {
        return NULL;
    }

    b = ngx_create_temp_buf(json->pool,
                            ngx_max(size, NGX_HTTP_INTAKE_JSON_BUFFER));
    if (b == NULL) {
        return NULL;
    }

    cl->buf = b;
    cl->next = NULL;

    *json->next = cl;
    json->next = &cl->next;
    json->buf = b;
    json->failed = 0;

    return b->last;
}


/* a comma and the name: where a value of up to size bytes is written */

static u_char *
ngx_http_intake_json_begin(ngx_http_intake_json_t *json, const char *name,
    size_t size)
{
    u_char  *p;
    size_t   len;

    len = name ? ngx_strlen(name) : 0;

    p = ngx_http_intake_json_room(json, sizeof(",\"\":") - 1 + len + size);

    if (p == NULL) {
        return NULL;
    }

    if (json->comma) {
        *p++ = ',';
    }

    if (name) {
        *p++ = '"';
        p = ngx_cpymem(p, name, len);
        *p++ = '"';
        *p++ = ':';
    }

    return p;
}


static void
ngx_http_intake_json_end(ngx_http_intake_json_t *json, u_char *p)
{
    json->buf->last = p;
    json->comma = 1;
}


void
ngx_http_intake_json_object(ngx_http_intake_json_t *json, const char *name)
{
    ngx_http_intake_json_open(json, name, '{');
}


void
ngx_http_intake_json_object_end(ngx_http_intake_json_t *json)
{
    ngx_http_intake_json_close(json, '}');
}


void
ngx_http_intake_json_array(ngx_http_intake_json_t *json, const char *name)
{
    ngx_http_intake_json_open(json, name, '[');
}


void
ngx_http_intake_json_array_end(ngx_http_intake_json_t *json)
{
    ngx_http_intake_json_close(json, ']');
}


static void
ngx_http_intake_json_open(ngx_http_intake_json_t *json, const char *name,
    u_char bracket)
{
    u_char  *p;

    p = ngx_http_intake_json_begin(json, name, 1);

    if (p) {
        *p++ = bracket;
        ngx_http_intake_json_end(json, p);
        json->comma = 0;
    }
}


static void
ngx_http_intake_json_close(ngx_http_intake_json_t *json, u_char bracket)
{
    u_char  *p;

    p = ngx_http_intake_json_room(json, 1);

    if (p) {
        *p++ = bracket;
        ngx_http_intake_json_end(json, p);
    }
}


static void
ngx_http_intake_json_word(ngx_http_intake_json_t *json, const char *name,
    const char *word)
{
    u_char  *p;
    size_t   len;

    len = ngx_strlen(word);
    p = ngx_http_intake_json_begin(json, name, len);

    if (p) {
        ngx_http_intake_json_end(json, ngx_cpymem(p, word, len));
    }
}


void
ngx_http_intake_json_null(ngx_http_intake_json_t *json, const char *name)
{
    ngx_http_intake_json_word(json, name, "null");
}


void
ngx_http_intake_json_flag(ngx_http_intake_json_t *json, const char *name,
    ngx_int_t flag)
{
    ngx_http_intake_json_word(json, name, flag < 0 ? "null"
                                          : flag ? "true" : "false");
}


void
ngx_http_intake_json_integer(ngx_http_intake_json_t *json, const char *name,
    int64_t n)
{
    u_char  *p;

    p = ngx_http_intake_json_begin(json, name, NGX_INT64_LEN);

    if (p) {
        ngx_http_intake_json_end(json, ngx_sprintf(p, "%L", n));
    }
}


void
ngx_http_intake_json_count(ngx_http_intake_json_t *json, const char *name,
    int64_t n)
{
    if (n < 0) {
        ngx_http_intake_json_null(json, name);
        return;
    }

    ngx_http_intake_json_integer(json, name, n);
}


void
ngx_http_intake_json_real(ngx_http_intake_json_t *json, const char *name,
    double n)
{
    u_char    *p;
    uint64_t   whole, fraction;

    if (n < 0) {
        ngx_http_intake_json_null(json, name);
        return;
    }

    p = ngx_http_intake_json_begin(json, name, 2 * NGX_INT64_LEN);

    if (p == NULL) {
        return;
    }

    whole = (uint64_t) n;
    fraction = (uint64_t) ((n - (double) whole) * NGX_HTTP_INTAKE_JSON_SHARE
                           + 0.5);

    if (fraction == NGX_HTTP_INTAKE_JSON_SHARE) {
        whole++;
        fraction = 0;
    }

    p = ngx_sprintf(p, "%uL", whole);
    p = ngx_http_intake_json_fraction(p, fraction, NGX_HTTP_INTAKE_JSON_SHARE);

    ngx_http_intake_json_end(json, p);
}


void
ngx_http_intake_json_seconds(ngx_http_intake_json_t *json, const char *name,
    ngx_uint_t known, int64_t us)
{
    u_char    *p;
    uint64_t   n;

    if (!known) {
        ngx_http_intake_json_null(json, name);
        return;
    }

    p = ngx_http_intake_json_begin(json, name, 2 * NGX_INT64_LEN);

    if (p == NULL) {
        return;
    }

    n = us;

    if (us < 0) {
        *p++ = '-';
        n = -n;
    }

    p = ngx_sprintf(p, "%uL", n / 1000000);
    p = ngx_http_intake_json_fraction(p, n % 1000000, 1000000);

    ngx_http_intake_json_end(json, p);
}


/* n / one without zeros at its end but one: who reads 1.0 knows what it is */

static u_char *
ngx_http_intake_json_fraction(u_char *p, uint64_t n, uint64_t one)
{
    *p++ = '.';

    do {
        one /= 10;
        *p++ = (u_char) ('0' + n / one);
        n %= one;
    } while (n);

    return p;
}


void
ngx_http_intake_json_text(ngx_http_intake_json_t *json, const char *name,
    ngx_str_t *text)
{
    u_char  *p;
    size_t   len;

    if (text->len == 0) {
        ngx_http_intake_json_null(json, name);
        return;
    }

    len = ngx_intake_json_escape_length(text->data, text->len);
    p = ngx_http_intake_json_begin(json, name, len + 2);

    if (p) {
        *p++ = '"';
        p = ngx_intake_json_escape(p, text->data, text->len);
        *p++ = '"';
        ngx_http_intake_json_end(json, p);
    }
}


void
ngx_http_intake_json_time(ngx_http_intake_json_t *json, const char *name,
    time_t sec, ngx_int_t msec)
{
    u_char    *p;
    ngx_tm_t   tm;

    p = ngx_http_intake_json_begin(json, name,
                             sizeof("\"9999-12-31T23:59:59.999Z\"") - 1);
    if (p == NULL) {
        return;
    }

    ngx_gmtime(sec, &tm);

    *p++ = '"';
    p = ngx_http_intake_json_digits(p, tm.ngx_tm_year, 4);
    *p++ = '-';
    p = ngx_http_intake_json_digits(p, tm.ngx_tm_mon, 2);
    *p++ = '-';
    p = ngx_http_intake_json_digits(p, tm.ngx_tm_mday, 2);
    *p++ = 'T';
    p = ngx_http_intake_json_digits(p, tm.ngx_tm_hour, 2);
    *p++ = ':';
    p = ngx_http_intake_json_digits(p, tm.ngx_tm_min, 2);
    *p++ = ':';
    p = ngx_http_intake_json_digits(p, tm.ngx_tm_sec, 2);

    if (msec >= 0) {
        *p++ = '.';
        p = ngx_http_intake_json_digits(p, msec, 3);
    }

    *p++ = 'Z';
    *p++ = '"';

    ngx_http_intake_json_end(json, p);
}


/* the last width digits: a document may have thousands of times */

static u_char *
ngx_http_intake_json_digits(u_char *p, ngx_int_t n, ngx_uint_t width)
{
    ngx_uint_t  i;

    for (i = width; i; i--) {
        p[i - 1] = (u_char) ('0' + n % 10);
        n /= 10;
    }

    return p + width;
}


void
ngx_http_intake_json_ms(ngx_http_intake_json_t *json, const char *name,
    int64_t ms)
{
    if (ms <= 0) {
        ngx_http_intake_json_null(json, name);
        return;
    }

    ngx_http_intake_json_time(json, name, (time_t) (ms / 1000), ms % 1000);
}


void
ngx_http_intake_json_counts(ngx_http_intake_json_t *json, ngx_str_t *names,
    int64_t *n, ngx_uint_t count)
{
    ngx_uint_t  i;

    for (i = 0; i < count; i++) {
        ngx_http_intake_json_integer(json, (char *) names[i].data, n[i]);
    }
}
