
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake_status.h"


/*
 * Both formats have the same samples; they differ in what stands above a
 * family.  All series are there from the start, so that the first event is
 * an increase.
 */


#define NGX_HTTP_INTAKE_STORE_NAME  "intake_store_duration_seconds"

/* the longest line of a source, with its name escaped whole */
#define NGX_HTTP_INTAKE_LINE        192

/* the families of the node, and what stands above every family */
#define NGX_HTTP_INTAKE_HEADS       8192


typedef struct {
    u_char                         *pos;
    u_char                         *last;
    ngx_http_intake_status_t       *status;
    unsigned                        openmetrics:1;
} ngx_http_intake_writer_t;


static size_t ngx_http_intake_prometheus_size(
    ngx_http_intake_status_t *status);
static void ngx_http_intake_write_node(ngx_http_intake_writer_t *w);
static void ngx_http_intake_write_redis(ngx_http_intake_writer_t *w);
static void ngx_http_intake_write_spool(ngx_http_intake_writer_t *w);
static void ngx_http_intake_write_durability(ngx_http_intake_writer_t *w);
static void ngx_http_intake_write_family(ngx_http_intake_writer_t *w,
    ngx_http_intake_family_t *family);
static void ngx_http_intake_write_store(ngx_http_intake_writer_t *w);
static void ngx_http_intake_write_head(ngx_http_intake_writer_t *w,
    const char *name, const char *type, const char *unit, const char *help);
static void ngx_http_intake_write_seconds(ngx_http_intake_writer_t *w,
    const char *name, ngx_uint_t known, ngx_int_t us);
static void ngx_http_intake_write_label(ngx_http_intake_writer_t *w,
    ngx_str_t *value);


ngx_int_t
ngx_http_intake_write_prometheus(ngx_pool_t *pool,
    ngx_http_intake_status_t *status, ngx_uint_t openmetrics, ngx_str_t *out)
{
    size_t                     size;
    ngx_uint_t                 i;
    ngx_http_intake_writer_t   w;

    size = ngx_http_intake_prometheus_size(status);

    out->data = ngx_palloc(pool, size);
    if (out->data == NULL) {
        return NGX_ERROR;
    }

    w.pos = out->data;
    w.last = out->data + size;
    w.status = status;
    w.openmetrics = openmetrics ? 1 : 0;

    ngx_http_intake_write_node(&w);
    ngx_http_intake_write_redis(&w);
    ngx_http_intake_write_spool(&w);
    ngx_http_intake_write_durability(&w);

    for (i = 0; ngx_http_intake_families[i].key.len; i++) {
        ngx_http_intake_write_family(&w, &ngx_http_intake_families[i]);
    }

    ngx_http_intake_write_store(&w);

    if (openmetrics) {
        w.pos = ngx_slprintf(w.pos, w.last, "# EOF\n");
    }

    if (w.pos == w.last) {
        ngx_log_error(NGX_LOG_ALERT, pool->log, 0,
                      "the metrics are longer than %uz bytes", size);
        return NGX_ERROR;
    }

    out->len = w.pos - out->data;

    return NGX_OK;
}


static size_t
ngx_http_intake_prometheus_size(ngx_http_intake_status_t *status)
{
    ngx_uint_t                 lines;
    ngx_http_intake_family_t  *family;

    /* durability, and the sum and the count of the histogram */

    lines = 1 + NGX_HTTP_INTAKE_BUCKETS + 2;

    for (family = ngx_http_intake_families; family->key.len; family++) {
        lines += family->n - family->first;
    }

    return NGX_HTTP_INTAKE_HEADS
           + status->nsources * lines * NGX_HTTP_INTAKE_LINE;
}


static void
ngx_http_intake_write_node(ngx_http_intake_writer_t *w)
{
    ngx_http_intake_write_head(w, "intake_build", "info", NULL,
                               "The versions of the module and of nginx.");

    w->pos = ngx_slprintf(w->pos, w->last,
                          "intake_build_info{version=\"%s\",nginx=\"%s\"} 1\n",
                          NGX_HTTP_INTAKE_VERSION, NGINX_VERSION);

    ngx_http_intake_write_head(w, "intake_start_timestamp_seconds", "gauge",
                               "seconds",
                               "When the counters of this node began.");

    w->pos = ngx_slprintf(w->pos, w->last,
                          "intake_start_timestamp_seconds %T\n",
                          w->status->started);
}


static void
ngx_http_intake_write_redis(ngx_http_intake_writer_t *w)
{
    ngx_http_intake_status_t         *status;
    ngx_http_intake_worker_status_t  *node;

    status = w->status;
    node = &status->node;

    ngx_http_intake_write_head(w, "intake_redis_up", "gauge", NULL,
                               "Whether a worker of this node has a Redis "
                               "that takes entries.");
    w->pos = ngx_slprintf(w->pos, w->last, "intake_redis_up %d\n",
                          status->nready ? 1 : 0);

    ngx_http_intake_write_head(w, "intake_redis_in_flight", "gauge", NULL,
                               "Operations that were sent to Redis or wait "
                               "for it.");
    w->pos = ngx_slprintf(w->pos, w->last, "intake_redis_in_flight %ui\n",
                          node->in_flight);

    ngx_http_intake_write_head(w, "intake_redis_round_trip_seconds", "gauge",
                               "seconds",
                               "The last measured round trip to Redis, of "
                               "the slowest worker.");
    ngx_http_intake_write_seconds(w, "intake_redis_round_trip_seconds",
                                  node->round_trip >= 0, node->round_trip);

    ngx_http_intake_write_head(w, "intake_redis_connects", "counter", NULL,
                               "Connections to Redis that were established.");
    w->pos = ngx_slprintf(w->pos, w->last, "intake_redis_connects_total %uA\n",
                          status->connects);

    ngx_http_intake_write_head(w, "intake_redis_clock_skew_seconds", "gauge",
                               "seconds",
                               "The clock of this node minus the clock of "
                               "Redis.");
    ngx_http_intake_write_seconds(w, "intake_redis_clock_skew_seconds",
                                  node->skew_known, node->clock_skew);
}


static void
ngx_http_intake_write_spool(ngx_http_intake_writer_t *w)
{
    ngx_atomic_uint_t           oldest;
    ngx_intake_spool_shared_t  *spool;

    spool = w->status->spool;

    if (spool == NULL) {
        return;
    }

    ngx_http_intake_write_head(w, "intake_spool_bytes", "gauge", "bytes",
                               "What lies in the spool.");
    w->pos = ngx_slprintf(w->pos, w->last, "intake_spool_bytes %uA\n",
                          ngx_intake_spool_bytes(spool));

    ngx_http_intake_write_head(w, "intake_spool_files", "gauge", NULL,
                               "Segments of the spool that wait for Redis.");
    w->pos = ngx_slprintf(w->pos, w->last, "intake_spool_files %uA\n",
                          spool->files);

    ngx_http_intake_write_head(w, "intake_spool_oldest_timestamp_seconds",
                               "gauge", "seconds",
                               "When the oldest delivery in the spool "
                               "arrived; absent if there is none.");
    oldest = spool->oldest;

    if (oldest) {
        w->pos = ngx_slprintf(w->pos, w->last,
                              "intake_spool_oldest_timestamp_seconds %uA\n",
                              oldest);
    }

    ngx_http_intake_write_head(w, "intake_spool_replayed", "counter", NULL,
                               "Deliveries of the spool that are in Redis "
                               "now.");
    w->pos = ngx_slprintf(w->pos, w->last, "intake_spool_replayed_total %uA\n",
                          spool->replayed);

    ngx_http_intake_write_head(w, "intake_spool_bad", "counter", NULL,
                               "Deliveries of the spool that were set aside, "
                               "and files that are damaged.");
    w->pos = ngx_slprintf(w->pos, w->last, "intake_spool_bad_total %uA\n",
                          spool->bad);
}


static void
ngx_http_intake_write_durability(ngx_http_intake_writer_t *w)
{
    ngx_int_t    in_force;
    ngx_uint_t   i;
    const char  *value;

    ngx_http_intake_write_head(w, "intake_durability_in_force", "gauge", NULL,
                               "Whether Redis is set up to keep what was "
                               "answered with 2xx; NaN if it does not say.");

    for (i = 0; i < w->status->nsources; i++) {
        in_force = w->status->sources[i].in_force;
        value = (in_force == -1) ? "NaN" : (in_force ? "1" : "0");

        w->pos = ngx_slprintf(w->pos, w->last,
                              "intake_durability_in_force{source=\"");
        ngx_http_intake_write_label(w, &w->status->sources[i].name);
        w->pos = ngx_slprintf(w->pos, w->last, "\"} %s\n", value);
    }
}


static void
ngx_http_intake_write_family(ngx_http_intake_writer_t *w,
    ngx_http_intake_family_t *family)
{
    ngx_uint_t                        i, k;
    ngx_http_intake_source_status_t  *source;

    ngx_http_intake_write_head(w, (char *) family->name.data, "counter",
                               (char *) family->unit.data,
                               (char *) family->help.data);

    for (i = 0; i < w->status->nsources; i++) {
        source = &w->status->sources[i];

        for (k = family->first; k < family->n; k++) {
            w->pos = ngx_slprintf(w->pos, w->last, "%V_total{source=\"",
                                  &family->name);
            ngx_http_intake_write_label(w, &source->name);

            if (family->value) {
                w->pos = ngx_slprintf(w->pos, w->last, "\",%V=\"",
                                      &family->label);
                ngx_http_intake_write_label(w, family->value(k));
            }

            w->pos = ngx_slprintf(w->pos, w->last, "\"} %uA\n",
                                  source->n[family->offset + k]);
        }
    }
}


static void
ngx_http_intake_write_store(ngx_http_intake_writer_t *w)
{
    ngx_uint_t                        i, k;
    ngx_atomic_uint_t                 n, us;
    ngx_http_intake_source_status_t  *source;

    ngx_http_intake_write_head(w, NGX_HTTP_INTAKE_STORE_NAME, "histogram",
                               "seconds",
                               "From the arrival of a request's head to the "
                               "answer of Redis.");

    for (i = 0; i < w->status->nsources; i++) {
        source = &w->status->sources[i];
        n = 0;

        for (k = 0; k < NGX_HTTP_INTAKE_BUCKETS; k++) {
            n += source->n[NGX_HTTP_INTAKE_N_STORE_BUCKETS + k];

            w->pos = ngx_slprintf(w->pos, w->last,
                               NGX_HTTP_INTAKE_STORE_NAME "_bucket{source=\"");
            ngx_http_intake_write_label(w, &source->name);
            w->pos = ngx_slprintf(w->pos, w->last, "\",le=\"%V\"} %uA\n",
                                  &ngx_http_intake_buckets[k].le, n);
        }

        us = source->n[NGX_HTTP_INTAKE_N_STORE_US];

        w->pos = ngx_slprintf(w->pos, w->last,
                              NGX_HTTP_INTAKE_STORE_NAME "_sum{source=\"");
        ngx_http_intake_write_label(w, &source->name);
        w->pos = ngx_slprintf(w->pos, w->last, "\"} %uA.%06uA\n",
                              us / 1000000, us % 1000000);

        w->pos = ngx_slprintf(w->pos, w->last,
                              NGX_HTTP_INTAKE_STORE_NAME "_count{source=\"");
        ngx_http_intake_write_label(w, &source->name);
        w->pos = ngx_slprintf(w->pos, w->last, "\"} %uA\n", n);
    }
}


/*
 * The text format names the sample and knows neither units nor "info";
 * OpenMetrics names the family, and its order is TYPE, UNIT, HELP.  No help
 * has a character that would have to be escaped.
 */

static void
ngx_http_intake_write_head(ngx_http_intake_writer_t *w, const char *name,
    const char *type, const char *unit, const char *help)
{
    const char  *suffix;

    if (w->openmetrics) {
        w->pos = ngx_slprintf(w->pos, w->last, "# TYPE %s %s\n", name, type);

        if (unit) {
            w->pos = ngx_slprintf(w->pos, w->last, "# UNIT %s %s\n", name,
                                  unit);
        }

        w->pos = ngx_slprintf(w->pos, w->last, "# HELP %s %s\n", name, help);

        return;
    }

    suffix = "";

    if (ngx_strcmp(type, "counter") == 0) {
        suffix = "_total";

    } else if (ngx_strcmp(type, "info") == 0) {
        suffix = "_info";
        type = "gauge";
    }

    w->pos = ngx_slprintf(w->pos, w->last, "# HELP %s%s %s\n# TYPE %s%s %s\n",
                          name, suffix, help, name, suffix, type);
}


static void
ngx_http_intake_write_seconds(ngx_http_intake_writer_t *w, const char *name,
    ngx_uint_t known, ngx_int_t us)
{
    if (!known) {
        w->pos = ngx_slprintf(w->pos, w->last, "%s NaN\n", name);
        return;
    }

    w->pos = ngx_slprintf(w->pos, w->last, "%s %s%i.%06i\n", name,
                          us < 0 ? "-" : "", ngx_abs(us) / 1000000,
                          ngx_abs(us) % 1000000);
}


static void
ngx_http_intake_write_label(ngx_http_intake_writer_t *w, ngx_str_t *value)
{
    u_char  ch;
    size_t  i;

    for (i = 0; i < value->len && w->last - w->pos > 1; i++) {
        ch = value->data[i];

        if (ch == '"' || ch == '\\') {
            *w->pos++ = '\\';

        } else if (ch == '\n') {
            *w->pos++ = '\\';
            ch = 'n';
        }

        *w->pos++ = ch;
    }
}
