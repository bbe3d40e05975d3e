
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake_exposition.h"


/* How a family of metrics is written, in either format. */


/* bytes of a line beside its labels and its help */
#define NGX_HTTP_INTAKE_LINE  512


static ngx_int_t ngx_http_intake_exposition_reserve(
    ngx_http_intake_writer_t *w, size_t size);
static void ngx_http_intake_exposition_head(ngx_http_intake_writer_t *w);
static ngx_int_t ngx_http_intake_begin_sample(ngx_http_intake_writer_t *w,
    ngx_str_t *suffix, ngx_str_t *labels, const char *label,
    ngx_str_t *value);
static u_char *ngx_http_intake_write_label(u_char *p, const char *name,
    ngx_str_t *value);
static u_char *ngx_http_intake_write_bound(u_char *p, ngx_msec_t ms);


ngx_int_t
ngx_http_intake_exposition(ngx_http_intake_writer_t *w, ngx_pool_t *pool,
    ngx_http_intake_status_t *status, ngx_uint_t openmetrics, size_t size)
{
    ngx_uint_t  i;

    ngx_memzero(w, sizeof(ngx_http_intake_writer_t));

    w->pool = pool;
    w->status = status;
    w->openmetrics = openmetrics ? 1 : 0;

    w->sources = ngx_pcalloc(pool,
                             (status->nsources + 1) * sizeof(ngx_str_t));
    w->start = ngx_palloc(pool, size);

    if (w->sources == NULL || w->start == NULL) {
        return NGX_ERROR;
    }

    w->pos = w->start;
    w->last = w->start + size;

    for (i = 0; i < status->nsources; i++) {
        if (ngx_http_intake_add_label(pool, &w->sources[i], "source",
                                      &status->sources[i].name)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_intake_exposed(ngx_http_intake_writer_t *w, ngx_str_t *out)
{
    if (ngx_http_intake_exposition_reserve(w, NGX_HTTP_INTAKE_LINE)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (w->openmetrics) {
        w->pos = ngx_cpymem(w->pos, "# EOF\n", sizeof("# EOF\n") - 1);
    }

    out->data = w->start;
    out->len = w->pos - w->start;

    return NGX_OK;
}


void
ngx_http_intake_family(ngx_http_intake_writer_t *w, const char *name,
    const char *type, const char *unit, const char *help)
{
    w->name.data = (u_char *) name;
    w->name.len = ngx_strlen(name);
    w->type = type;
    w->unit = unit;
    w->help = help;
    w->head = 1;

    ngx_str_null(&w->suffix);

    if (ngx_strcmp(type, "counter") == 0) {
        ngx_str_set(&w->suffix, "_total");

    } else if (ngx_strcmp(type, "info") == 0) {
        ngx_str_set(&w->suffix, "_info");
    }
}


/*
 * The text format names the sample and knows neither units nor "info";
 * OpenMetrics names the family, and its order is TYPE, UNIT, HELP.
 */

static void
ngx_http_intake_exposition_head(ngx_http_intake_writer_t *w)
{
    w->head = 0;

    if (!w->openmetrics) {
        w->pos = ngx_sprintf(w->pos, "# HELP %V%V %s\n# TYPE %V%V %s\n",
                             &w->name, &w->suffix, w->help, &w->name,
                             &w->suffix,
                             ngx_strcmp(w->type, "info") == 0 ? "gauge"
                                                              : w->type);
        return;
    }

    w->pos = ngx_sprintf(w->pos, "# TYPE %V %s\n", &w->name, w->type);

    if (w->unit) {
        w->pos = ngx_sprintf(w->pos, "# UNIT %V %s\n", &w->name, w->unit);
    }

    w->pos = ngx_sprintf(w->pos, "# HELP %V %s\n", &w->name, w->help);
}


static ngx_int_t
ngx_http_intake_exposition_reserve(ngx_http_intake_writer_t *w, size_t size)
{
    u_char  *p;
    size_t   used, n;

    if (w->failed) {
        return NGX_ERROR;
    }

    if ((size_t) (w->last - w->pos) >= size) {
        return NGX_OK;
    }

    used = w->pos - w->start;
    n = 2 * (w->last - w->start) + size;

    p = ngx_palloc(w->pool, n);
    if (p == NULL) {
        w->failed = 1;
        return NGX_ERROR;
    }

    ngx_memcpy(p, w->start, used);
    ngx_pfree(w->pool, w->start);

    w->start = p;
    w->pos = p + used;
    w->last = p + n;

    return NGX_OK;
}


/* NAME{LABELS and a space; there is room for the rest of the line */

static ngx_int_t
ngx_http_intake_begin_sample(ngx_http_intake_writer_t *w, ngx_str_t *suffix,
    ngx_str_t *labels, const char *label, ngx_str_t *value)
{
    size_t  size;

    size = NGX_HTTP_INTAKE_LINE;

    if (w->head) {
        size += ngx_strlen(w->help);
    }

    if (labels) {
        size += labels->len;
    }

    if (label) {
        size += 2 * value->len;
    }

    if (ngx_http_intake_exposition_reserve(w, size) != NGX_OK) {
        return NGX_ERROR;
    }

    if (w->head) {
        ngx_http_intake_exposition_head(w);
    }

    w->pos = ngx_cpymem(w->pos, w->name.data, w->name.len);
    w->pos = ngx_cpymem(w->pos, suffix->data, suffix->len);

    if (labels || label) {
        *w->pos++ = '{';

        if (labels) {
            w->pos = ngx_cpymem(w->pos, labels->data, labels->len);
        }

        if (labels && label) {
            *w->pos++ = ',';
        }

        if (label) {
            w->pos = ngx_http_intake_write_label(w->pos, label, value);
        }

        *w->pos++ = '}';
    }

    *w->pos++ = ' ';

    return NGX_OK;
}


void
ngx_http_intake_sample(ngx_http_intake_writer_t *w, ngx_str_t *labels,
    const char *label, ngx_str_t *value, const char *fmt, ...)
{
    va_list  args;

    if (ngx_http_intake_begin_sample(w, &w->suffix, labels, label, value)
        != NGX_OK)
    {
        return;
    }

    va_start(args, fmt);
    w->pos = ngx_vslprintf(w->pos, w->last - 1, fmt, args);
    va_end(args);

    *w->pos++ = LF;
}


void
ngx_http_intake_sample_ms(ngx_http_intake_writer_t *w, ngx_str_t *labels,
    int64_t ms)
{
    if (ms % 1000 == 0) {
        ngx_http_intake_sample(w, labels, NULL, NULL, "%L", ms / 1000);

    } else {
        ngx_http_intake_sample(w, labels, NULL, NULL, "%L.%03L", ms / 1000,
                               ms % 1000);
    }
}


void
ngx_http_intake_histogram(ngx_http_intake_writer_t *w, ngx_str_t *labels,
    ngx_msec_t *bounds, int64_t *buckets, ngx_uint_t n, int64_t sum)
{
    u_char       text[NGX_INT64_LEN + sizeof(".000")];
    int64_t      count;
    ngx_str_t    le;
    ngx_uint_t   i;

    count = 0;
    le.data = text;

    for (i = 0; i < n; i++) {
        count += buckets[i];
        le.len = ngx_http_intake_write_bound(text, bounds[i]) - text;

        ngx_http_intake_sample_bucket(w, labels, &le, count);
    }

    count += buckets[n];
    ngx_str_set(&le, "+Inf");

    ngx_http_intake_sample_bucket(w, labels, &le, count);
    ngx_http_intake_sample_sum(w, labels, sum * 1000, count);
}


void
ngx_http_intake_sample_bucket(ngx_http_intake_writer_t *w, ngx_str_t *labels,
    ngx_str_t *le, uint64_t n)
{
    ngx_str_t  suffix = ngx_string("_bucket");

    if (ngx_http_intake_begin_sample(w, &suffix, labels, "le", le) == NGX_OK)
    {
        w->pos = ngx_sprintf(w->pos, "%uL\n", n);
    }
}


void
ngx_http_intake_sample_sum(ngx_http_intake_writer_t *w, ngx_str_t *labels,
    uint64_t us, uint64_t n)
{
    ngx_str_t  sum = ngx_string("_sum");
    ngx_str_t  count = ngx_string("_count");

    if (ngx_http_intake_begin_sample(w, &sum, labels, NULL, NULL) == NGX_OK) {
        w->pos = ngx_sprintf(w->pos, "%uL.%06uL\n", us / 1000000,
                             us % 1000000);
    }

    if (ngx_http_intake_begin_sample(w, &count, labels, NULL, NULL) == NGX_OK)
    {
        w->pos = ngx_sprintf(w->pos, "%uL\n", n);
    }
}


ngx_int_t
ngx_http_intake_add_label(ngx_pool_t *pool, ngx_str_t *labels,
    const char *name, ngx_str_t *value)
{
    u_char  *p, *start;

    start = ngx_pnalloc(pool, labels->len + ngx_strlen(name) + 2 * value->len
                              + sizeof(",=\"\"") - 1);
    if (start == NULL) {
        return NGX_ERROR;
    }

    p = start;

    if (labels->len) {
        p = ngx_cpymem(p, labels->data, labels->len);
        *p++ = ',';
    }

    labels->data = start;
    labels->len = ngx_http_intake_write_label(p, name, value) - start;

    return NGX_OK;
}


static u_char *
ngx_http_intake_write_label(u_char *p, const char *name, ngx_str_t *value)
{
    u_char  ch;
    size_t  i;

    p = ngx_cpymem(p, name, ngx_strlen(name));
    *p++ = '=';
    *p++ = '"';

    for (i = 0; i < value->len; i++) {
        ch = value->data[i];

        if (ch == '"' || ch == '\\') {
            *p++ = '\\';

        } else if (ch == LF) {
            *p++ = '\\';
            ch = 'n';
        }

        *p++ = ch;
    }

    *p++ = '"';

    return p;
}


/* OpenMetrics, "Considerations: Canonical Numbers": 1800.0, 0.5 */

static u_char *
ngx_http_intake_write_bound(u_char *p, ngx_msec_t ms)
{
    p = ngx_sprintf(p, "%M.%03M", ms / 1000, ms % 1000);

    while (p[-1] == '0' && p[-2] != '.') {
        p--;
    }

    return p;
}
