
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake_status_json.h"


/* The document, and what this node alone knows. */


static void ngx_http_intake_json_node(ngx_http_intake_json_t *json,
    ngx_http_intake_status_t *status, ngx_uint_t detail);
static void ngx_http_intake_json_spool(ngx_http_intake_json_t *json,
    ngx_http_intake_status_t *status);
static void ngx_http_intake_json_redis(ngx_http_intake_json_t *json,
    ngx_http_intake_status_t *status, ngx_uint_t detail);
static void ngx_http_intake_json_connections(ngx_http_intake_json_t *json,
    ngx_http_intake_status_t *status);
static void ngx_http_intake_json_connection(ngx_http_intake_json_t *json,
    ngx_http_intake_worker_status_t *ws);
static void ngx_http_intake_json_durability(ngx_http_intake_json_t *json,
    ngx_http_intake_status_t *status);
static void ngx_http_intake_json_source(ngx_http_intake_json_t *json,
    ngx_http_intake_status_t *status,
    ngx_http_intake_source_status_t *source, ngx_uint_t detail);
static void ngx_http_intake_json_counters(ngx_http_intake_json_t *json,
    ngx_http_intake_source_status_t *source);
static void ngx_http_intake_json_anomalies(ngx_http_intake_json_t *json,
    ngx_http_intake_status_t *status,
    ngx_http_intake_source_status_t *source);
static void ngx_http_intake_json_family(ngx_http_intake_json_t *json,
    ngx_http_intake_family_t *family,
    ngx_http_intake_source_status_t *source);
static void ngx_http_intake_json_store(ngx_http_intake_json_t *json,
    ngx_http_intake_source_status_t *source);
static void ngx_http_intake_json_quantile(ngx_http_intake_json_t *json,
    const char *name, int64_t *buckets, ngx_uint_t percent);
static void ngx_http_intake_json_promise(ngx_http_intake_json_t *json,
    ngx_http_intake_source_status_t *source);
static void ngx_http_intake_json_version(ngx_http_intake_json_t *json,
    const char *name, ngx_uint_t version);


/* in the order of ngx_intake_redis_state_e */

static ngx_str_t  ngx_http_intake_states[] = {
    ngx_string("down"),
    ngx_string("resolving"),
    ngx_string("connecting"),
    ngx_string("tls"),
    ngx_string("hello"),
    ngx_string("ready"),
    ngx_string("draining")
};


ngx_int_t
ngx_http_intake_write_json(ngx_pool_t *pool, ngx_http_intake_status_t *status,
    ngx_uint_t detail, ngx_chain_t **out, off_t *len)
{
    ngx_str_t               schema = ngx_string("intake-status/1");
    ngx_uint_t              i;
    ngx_http_intake_json_t  json;

    ngx_http_intake_json_init(&json, pool);

    ngx_http_intake_json_object(&json, NULL);
    ngx_http_intake_json_text(&json, "schema", &schema);
    ngx_http_intake_json_time(&json, "now", status->now, status->now_msec);

    if (!status->global_only) {
        ngx_http_intake_json_node(&json, status, detail);
    }

    if (!status->node_only) {
        ngx_http_intake_json_snapshot(&json, status);
    }

    ngx_http_intake_json_array(&json, "sources");

    for (i = 0; i < status->nsources; i++) {
        ngx_http_intake_json_source(&json, status, &status->sources[i],
                                    detail);
    }

    ngx_http_intake_json_array_end(&json);
    ngx_http_intake_json_object_end(&json);

    if (ngx_http_intake_json_done(&json) != NGX_OK) {
        return NGX_ERROR;
    }

    *out = json.out;
    *len = json.len;

    return NGX_OK;
}


static void
ngx_http_intake_json_node(ngx_http_intake_json_t *json,
    ngx_http_intake_status_t *status, ngx_uint_t detail)
{
    ngx_str_t  hostname, version, nginx;

    hostname = ngx_cycle->hostname;
    ngx_str_set(&version, NGX_HTTP_INTAKE_VERSION);
    ngx_str_set(&nginx, NGINX_VERSION);

    ngx_http_intake_json_object(json, "node");

    ngx_http_intake_json_text(json, "name", &hostname);
    ngx_http_intake_json_text(json, "version", &version);
    ngx_http_intake_json_text(json, "nginx", &nginx);
    ngx_http_intake_json_time(json, "start", status->started, -1);
    ngx_http_intake_json_integer(json, "workers", status->nworkers);
    ngx_http_intake_json_redis(json, status, detail);

    if (status->spool) {
        ngx_http_intake_json_spool(json, status);
    }

    ngx_http_intake_json_durability(json, status);

    ngx_http_intake_json_object_end(json);
}


static void
ngx_http_intake_json_spool(ngx_http_intake_json_t *json,
    ngx_http_intake_status_t *status)
{
    ngx_atomic_uint_t           oldest;
    ngx_intake_spool_shared_t  *shared;

    shared = status->spool;
    oldest = shared->oldest;

    ngx_http_intake_json_object(json, "spool");

    ngx_http_intake_json_flag(json, "takes", status->spool_takes);
    ngx_http_intake_json_integer(json, "bytes",
                                 ngx_intake_spool_bytes(shared));
    ngx_http_intake_json_integer(json, "files",
                                 ngx_intake_spool_files(shared));

    if (oldest) {
        ngx_http_intake_json_time(json, "oldest", oldest, -1);

    } else {
        ngx_http_intake_json_null(json, "oldest");
    }

    ngx_http_intake_json_integer(json, "replayed", shared->replayed);
    ngx_http_intake_json_integer(json, "bad", shared->bad);

    ngx_http_intake_json_object_end(json);
}


static void
ngx_http_intake_json_redis(ngx_http_intake_json_t *json,
    ngx_http_intake_status_t *status, ngx_uint_t detail)
{
    ngx_http_intake_worker_status_t  *node;

    node = &status->node;

    ngx_http_intake_json_object(json, "redis");

    ngx_http_intake_json_text(json, "state",
                              &ngx_http_intake_states[node->state]);
    ngx_http_intake_json_flag(json, "up", status->nready ? 1 : 0);
    ngx_http_intake_json_integer(json, "ready_workers", status->nready);
    ngx_http_intake_json_integer(json, "in_flight", node->in_flight);
    ngx_http_intake_json_integer(json, "connects", status->connects);
    ngx_http_intake_json_seconds(json, "round_trip_seconds",
                                 node->round_trip >= 0, node->round_trip);
    ngx_http_intake_json_seconds(json, "clock_skew_seconds",
                                 node->skew_known, node->clock_skew);
    ngx_http_intake_json_version(json, "version", node->version);

    if (detail) {
        ngx_http_intake_json_connections(json, status);
    }

    ngx_http_intake_json_object_end(json);
}


static void
ngx_http_intake_json_connections(ngx_http_intake_json_t *json,
    ngx_http_intake_status_t *status)
{
    ngx_uint_t  i;

    ngx_http_intake_json_array(json, "connections");

    for (i = 0; i < status->nworkers; i++) {
        ngx_http_intake_json_connection(json, &status->workers[i]);
    }

    ngx_http_intake_json_array_end(json);
}


static void
ngx_http_intake_json_connection(ngx_http_intake_json_t *json,
    ngx_http_intake_worker_status_t *ws)
{
    ngx_http_intake_json_object(json, NULL);

    ngx_http_intake_json_integer(json, "worker", ws->index);
    ngx_http_intake_json_integer(json, "pid", ws->pid);
    ngx_http_intake_json_text(json, "state",
                              &ngx_http_intake_states[ws->state]);
    ngx_http_intake_json_integer(json, "in_flight", ws->in_flight);
    ngx_http_intake_json_seconds(json, "round_trip_seconds",
                                 ws->round_trip >= 0, ws->round_trip);
    ngx_http_intake_json_seconds(json, "clock_skew_seconds", ws->skew_known,
                                 ws->clock_skew);

    ngx_http_intake_json_object_end(json);
}


/* what the server is set up to, as far as it says */

static void
ngx_http_intake_json_durability(ngx_http_intake_json_t *json,
    ngx_http_intake_status_t *status)
{
    ngx_http_intake_worker_status_t  *node;

    node = &status->node;

    ngx_http_intake_json_object(json, "durability");

    ngx_http_intake_json_flag(json, "appendonly", node->appendonly);
    ngx_http_intake_json_text(json, "appendfsync",
                          &ngx_http_intake_appendfsync[node->appendfsync]);
    ngx_http_intake_json_text(json, "maxmemory_policy",
              &ngx_http_intake_maxmemory_policies[node->maxmemory_policy]);
    ngx_http_intake_json_flag(json, "evicting", node->evicting);

    ngx_http_intake_json_object_end(json);
}


static void
ngx_http_intake_json_source(ngx_http_intake_json_t *json,
    ngx_http_intake_status_t *status,
    ngx_http_intake_source_status_t *source, ngx_uint_t detail)
{
    ngx_http_intake_json_object(json, NULL);

    ngx_http_intake_json_text(json, "name", &source->name);

    if (!status->global_only) {
        ngx_http_intake_json_counters(json, source);
    }

    ngx_http_intake_json_anomalies(json, status, source);

    if (!status->node_only) {
        ngx_http_intake_json_panel(json, status, source, detail);
    }

    ngx_http_intake_json_object_end(json);
}


static void
ngx_http_intake_json_counters(ngx_http_intake_json_t *json,
    ngx_http_intake_source_status_t *source)
{
    ngx_http_intake_family_t  *family;

    for (family = ngx_http_intake_families; family->key.len; family++) {

        if (family->offset == NGX_HTTP_INTAKE_N_ANOMALIES) {
            continue;
        }

        if (family->value == NULL) {
            ngx_http_intake_json_integer(json, (char *) family->key.data,
                                         source->n[family->offset]);
            continue;
        }

        ngx_http_intake_json_object(json, (char *) family->key.data);
        ngx_http_intake_json_family(json, family, source);
        ngx_http_intake_json_object_end(json);
    }

    ngx_http_intake_json_store(json, source);
    ngx_http_intake_json_promise(json, source);
}


/* those that this node has met with, and those of the clocks */

static void
ngx_http_intake_json_anomalies(ngx_http_intake_json_t *json,
    ngx_http_intake_status_t *status, ngx_http_intake_source_status_t *source)
{
    ngx_uint_t                 clocks;
    ngx_http_intake_family_t  *family;

    clocks = !status->node_only && source->panel && source->source->sla;

    if (status->global_only && !clocks) {
        return;
    }

    ngx_http_intake_json_object(json, "anomalies");

    for (family = ngx_http_intake_families; family->key.len; family++) {
        if (!status->global_only
            && family->offset == NGX_HTTP_INTAKE_N_ANOMALIES)
        {
            ngx_http_intake_json_family(json, family, source);
        }
    }

    if (clocks) {
        ngx_http_intake_json_counts(json, ngx_http_intake_clock_anomalies,
                                    source->panel->anomalies,
                                    NGX_HTTP_INTAKE_CLOCK_ANOMALIES);
    }

    ngx_http_intake_json_object_end(json);
}


static void
ngx_http_intake_json_family(ngx_http_intake_json_t *json,
    ngx_http_intake_family_t *family, ngx_http_intake_source_status_t *source)
{
    ngx_uint_t  i;

    for (i = family->first; i < family->n; i++) {
        ngx_http_intake_json_integer(json, (char *) family->value(i)->data,
                                     source->n[family->offset + i]);
    }
}


static void
ngx_http_intake_json_store(ngx_http_intake_json_t *json,
    ngx_http_intake_source_status_t *source)
{
    int64_t      count, buckets[NGX_HTTP_INTAKE_BUCKETS];
    ngx_uint_t   i;

    count = 0;

    for (i = 0; i < NGX_HTTP_INTAKE_BUCKETS; i++) {
        buckets[i] = source->n[NGX_HTTP_INTAKE_N_STORE_BUCKETS + i];
        count += buckets[i];
    }

    ngx_http_intake_json_object(json, "store");

    ngx_http_intake_json_integer(json, "count", count);
    ngx_http_intake_json_seconds(json, "sum_seconds", 1,
                                 source->n[NGX_HTTP_INTAKE_N_STORE_US]);
    ngx_http_intake_json_quantile(json, "p50_seconds", buckets, 50);
    ngx_http_intake_json_quantile(json, "p90_seconds", buckets, 90);
    ngx_http_intake_json_quantile(json, "p99_seconds", buckets, 99);

    ngx_http_intake_json_object_end(json);
}


static void
ngx_http_intake_json_quantile(ngx_http_intake_json_t *json, const char *name,
    int64_t *buckets, ngx_uint_t percent)
{
    double      us, bounds[NGX_HTTP_INTAKE_BUCKETS - 1];
    ngx_uint_t  i;

    for (i = 0; i < NGX_HTTP_INTAKE_BUCKETS - 1; i++) {
        bounds[i] = (double) ngx_http_intake_buckets[i].us;
    }

    us = ngx_http_intake_quantile(bounds, buckets, NGX_HTTP_INTAKE_BUCKETS - 1,
                                  percent);

    ngx_http_intake_json_seconds(json, name, us >= 0, (int64_t) us);
}


/* what a source's 2xx promises, and whether that is given */

static void
ngx_http_intake_json_promise(ngx_http_intake_json_t *json,
    ngx_http_intake_source_status_t *source)
{
    u_char     buf[sizeof("replicas=") + NGX_INT_T_LEN];
    ngx_str_t  promise;

    if (source->durability.fsync) {
        ngx_str_set(&promise, "fsync");

    } else if (source->durability.replicas) {
        promise.data = buf;
        promise.len = ngx_sprintf(buf, "replicas=%ui",
                                  source->durability.replicas)
                      - buf;

    } else {
        ngx_str_set(&promise, "memory");
    }

    ngx_http_intake_json_object(json, "durability");

    ngx_http_intake_json_text(json, "promise", &promise);
    ngx_http_intake_json_flag(json, "in_force", source->in_force);

    ngx_http_intake_json_object_end(json);
}


static void
ngx_http_intake_json_version(ngx_http_intake_json_t *json, const char *name,
    ngx_uint_t version)
{
    u_char     buf[sizeof("255.255.255") + NGX_INT_T_LEN];
    ngx_str_t  text;

    ngx_str_null(&text);

    if (version) {
        text.data = buf;
        text.len = ngx_snprintf(buf, sizeof(buf), "%ui.%ui.%ui",
                                version >> 16, (version >> 8) & 0xff,
                                version & 0xff)
                   - buf;
    }

    ngx_http_intake_json_text(json, name, &text);
}
