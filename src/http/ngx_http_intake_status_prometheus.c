
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake_exposition.h"


/*
 * The families of this node.  All series are there from the start, so that
 * the first event is an increase.  Families stand outside, sources inside:
 * neither format lets them be mixed.
 */


/* bytes of the answer, roughly: of the node, of a source, of a lane of it */
#define NGX_HTTP_INTAKE_NODE_BYTES    16384
#define NGX_HTTP_INTAKE_SOURCE_BYTES  8192
#define NGX_HTTP_INTAKE_LANE_BYTES    5120


static size_t ngx_http_intake_prometheus_size(
    ngx_http_intake_status_t *status);
static void ngx_http_intake_expose_node(ngx_http_intake_writer_t *w);
static void ngx_http_intake_expose_redis(ngx_http_intake_writer_t *w);
static void ngx_http_intake_expose_spool(ngx_http_intake_writer_t *w);
static void ngx_http_intake_expose_durability(ngx_http_intake_writer_t *w);
static void ngx_http_intake_expose_counters(ngx_http_intake_writer_t *w,
    ngx_http_intake_family_t *family);
static void ngx_http_intake_expose_store(ngx_http_intake_writer_t *w);
static void ngx_http_intake_expose_sweeps(ngx_http_intake_writer_t *w);
static void ngx_http_intake_sample_us(ngx_http_intake_writer_t *w,
    ngx_uint_t known, ngx_int_t us);


ngx_int_t
ngx_http_intake_write_prometheus(ngx_pool_t *pool,
    ngx_http_intake_status_t *status, ngx_uint_t openmetrics, ngx_str_t *out)
{
    ngx_uint_t                i;
    ngx_http_intake_writer_t  w;

    if (ngx_http_intake_exposition(&w, pool, status, openmetrics,
                                   ngx_http_intake_prometheus_size(status))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (!status->global_only) {
        ngx_http_intake_expose_node(&w);
        ngx_http_intake_expose_redis(&w);
        ngx_http_intake_expose_spool(&w);
        ngx_http_intake_expose_durability(&w);

        for (i = 0; ngx_http_intake_families[i].key.len; i++) {
            ngx_http_intake_expose_counters(&w, &ngx_http_intake_families[i]);
        }

        ngx_http_intake_expose_store(&w);
        ngx_http_intake_expose_sweeps(&w);
    }

    if (!status->node_only) {
        ngx_http_intake_expose_panels(&w);
    }

    return ngx_http_intake_exposed(&w, out);
}


static size_t
ngx_http_intake_prometheus_size(ngx_http_intake_status_t *status)
{
    size_t                  size;
    ngx_uint_t              i;
    ngx_http_intake_sla_t  *sla;

    size = NGX_HTTP_INTAKE_NODE_BYTES;

    for (i = 0; i < status->nsources; i++) {
        size += NGX_HTTP_INTAKE_SOURCE_BYTES;

        sla = status->sources[i].source->sla;

        if (sla && !status->node_only) {
            size += 2 * sla->ntiers * NGX_HTTP_INTAKE_LANE_BYTES;
        }
    }

    return size;
}


static void
ngx_http_intake_expose_node(ngx_http_intake_writer_t *w)
{
    ngx_str_t  labels, version, nginx;

    ngx_str_null(&labels);
    ngx_str_set(&version, NGX_HTTP_INTAKE_VERSION);
    ngx_str_set(&nginx, NGINX_VERSION);

    if (ngx_http_intake_add_label(w->pool, &labels, "version", &version)
        != NGX_OK)
    {
        w->failed = 1;
        return;
    }

    ngx_http_intake_family(w, "intake_build", "info", NULL,
                           "The versions of the module and of nginx.");
    ngx_http_intake_sample(w, &labels, "nginx", &nginx, "1");

    ngx_http_intake_family(w, "intake_start_timestamp_seconds", "gauge",
                           "seconds",
                           "When the counters of this node began.");
    ngx_http_intake_sample(w, NULL, NULL, NULL, "%T", w->status->started);
}


static void
ngx_http_intake_expose_redis(ngx_http_intake_writer_t *w)
{
    ngx_http_intake_status_t         *status;
    ngx_http_intake_worker_status_t  *node;

    status = w->status;
    node = &status->node;

    ngx_http_intake_family(w, "intake_redis_up", "gauge", NULL,
                           "Whether a worker of this node has a Redis "
                           "that takes entries.");
    ngx_http_intake_sample(w, NULL, NULL, NULL, "%d",
                           status->nready ? 1 : 0);

    ngx_http_intake_family(w, "intake_redis_in_flight", "gauge", NULL,
                           "Operations that were sent to Redis or wait "
                           "for it.");
    ngx_http_intake_sample(w, NULL, NULL, NULL, "%ui", node->in_flight);

    ngx_http_intake_family(w, "intake_redis_round_trip_seconds", "gauge",
                           "seconds",
                           "The last measured round trip to Redis, of "
                           "the slowest worker.");
    ngx_http_intake_sample_us(w, node->round_trip >= 0, node->round_trip);

    ngx_http_intake_family(w, "intake_redis_connects", "counter", NULL,
                           "Connections to Redis that were established.");
    ngx_http_intake_sample(w, NULL, NULL, NULL, "%uA", status->connects);

    ngx_http_intake_family(w, "intake_redis_clock_skew_seconds", "gauge",
                           "seconds",
                           "The clock of this node minus the clock of "
                           "Redis.");
    ngx_http_intake_sample_us(w, node->skew_known, node->clock_skew);
}


static void
ngx_http_intake_expose_spool(ngx_http_intake_writer_t *w)
{
    ngx_intake_spool_shared_t  *spool;

    spool = w->status->spool;

    if (spool == NULL) {
        return;
    }

    ngx_http_intake_family(w, "intake_spool_bytes", "gauge", "bytes",
                           "What lies in the spool.");
    ngx_http_intake_sample(w, NULL, NULL, NULL, "%uA",
                           ngx_intake_spool_bytes(spool));

    ngx_http_intake_family(w, "intake_spool_files", "gauge", NULL,
                           "Segments of the spool that wait for Redis.");
    ngx_http_intake_sample(w, NULL, NULL, NULL, "%uA",
                           ngx_intake_spool_files(spool));

    ngx_http_intake_family(w, "intake_spool_oldest_timestamp_seconds",
                           "gauge", "seconds",
                           "When the oldest delivery in the spool arrived, "
                           "0 if there is none.");
    ngx_http_intake_sample(w, NULL, NULL, NULL, "%uA", spool->oldest);

    ngx_http_intake_family(w, "intake_spool_replayed", "counter", NULL,
                           "Deliveries of the spool that are in Redis now.");
    ngx_http_intake_sample(w, NULL, NULL, NULL, "%uA", spool->replayed);

    ngx_http_intake_family(w, "intake_spool_bad", "counter", NULL,
                           "Deliveries of the spool that were set aside, "
                           "and files that are damaged.");
    ngx_http_intake_sample(w, NULL, NULL, NULL, "%uA", spool->bad);
}


static void
ngx_http_intake_expose_durability(ngx_http_intake_writer_t *w)
{
    ngx_int_t    in_force;
    ngx_uint_t   i;
    const char  *value;

    ngx_http_intake_family(w, "intake_durability_in_force", "gauge", NULL,
                           "Whether Redis is set up to keep what was "
                           "answered with 2xx; NaN if it does not say.");

    for (i = 0; i < w->status->nsources; i++) {
        in_force = w->status->sources[i].in_force;
        value = (in_force == -1) ? "NaN" : (in_force ? "1" : "0");

        ngx_http_intake_sample(w, &w->sources[i], NULL, NULL, "%s", value);
    }
}


static void
ngx_http_intake_expose_counters(ngx_http_intake_writer_t *w,
    ngx_http_intake_family_t *family)
{
    ngx_uint_t                        i, k;
    ngx_http_intake_source_status_t  *source;

    ngx_http_intake_family(w, (char *) family->name.data, "counter",
                           (char *) family->unit.data,
                           (char *) family->help.data);

    for (i = 0; i < w->status->nsources; i++) {
        source = &w->status->sources[i];

        for (k = family->first; k < family->n; k++) {
            ngx_http_intake_sample(w, &w->sources[i],
                                   family->value ? (char *) family->label.data
                                                 : NULL,
                                   family->value ? family->value(k) : NULL,
                                   "%uA", source->n[family->offset + k]);
        }
    }
}


static void
ngx_http_intake_expose_store(ngx_http_intake_writer_t *w)
{
    ngx_uint_t                        i, k;
    ngx_atomic_uint_t                 n;
    ngx_http_intake_source_status_t  *source;

    ngx_http_intake_family(w, "intake_store_duration_seconds", "histogram",
                           "seconds",
                           "From the arrival of a request's head to the "
                           "answer of Redis.");

    for (i = 0; i < w->status->nsources; i++) {
        source = &w->status->sources[i];
        n = 0;

        for (k = 0; k < NGX_HTTP_INTAKE_BUCKETS; k++) {
            n += source->n[NGX_HTTP_INTAKE_N_STORE_BUCKETS + k];

            ngx_http_intake_sample_bucket(w, &w->sources[i],
                                          &ngx_http_intake_buckets[k].le, n);
        }

        ngx_http_intake_sample_sum(w, &w->sources[i],
                                   source->n[NGX_HTTP_INTAKE_N_STORE_US], n);
    }
}


static void
ngx_http_intake_expose_sweeps(ngx_http_intake_writer_t *w)
{
    ngx_uint_t                        i;
    ngx_http_intake_source_status_t  *source;

    ngx_http_intake_family(w, "intake_sla_last_sweep_timestamp_seconds",
                           "gauge", "seconds",
                           "When this node last looked for deadlines that "
                           "have passed, 0 if it has not.");

    for (i = 0; i < w->status->nsources; i++) {
        source = &w->status->sources[i];

        if (source->source->sla) {
            ngx_http_intake_sample(w, &w->sources[i], NULL, NULL, "%uA",
                                   source->n[NGX_HTTP_INTAKE_N_SWEPT]);
        }
    }
}


static void
ngx_http_intake_sample_us(ngx_http_intake_writer_t *w, ngx_uint_t known,
    ngx_int_t us)
{
    if (!known) {
        ngx_http_intake_sample(w, NULL, NULL, NULL, "NaN");
        return;
    }

    ngx_http_intake_sample(w, NULL, NULL, NULL, "%s%i.%06i",
                           us < 0 ? "-" : "", ngx_abs(us) / 1000000,
                           ngx_abs(us) % 1000000);
}
