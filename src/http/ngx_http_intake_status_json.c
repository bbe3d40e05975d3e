
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake_status_json.h"


/* The document, and what this node alone knows. */


static json_t *ngx_http_intake_json_document(ngx_http_intake_status_t *status,
    ngx_uint_t detail);
static json_t *ngx_http_intake_json_node(ngx_http_intake_status_t *status,
    ngx_uint_t detail);
static json_t *ngx_http_intake_json_spool(ngx_http_intake_status_t *status);
static json_t *ngx_http_intake_json_redis(ngx_http_intake_status_t *status,
    ngx_uint_t detail);
static json_t *ngx_http_intake_json_connections(
    ngx_http_intake_status_t *status);
static json_t *ngx_http_intake_json_durability(
    ngx_http_intake_status_t *status);
static json_t *ngx_http_intake_json_source(ngx_http_intake_status_t *status,
    ngx_http_intake_source_status_t *source, ngx_uint_t detail);
static int ngx_http_intake_json_counters(json_t *object,
    ngx_http_intake_status_t *status,
    ngx_http_intake_source_status_t *source);
static json_t *ngx_http_intake_json_family(ngx_http_intake_family_t *family,
    ngx_http_intake_source_status_t *source);
static json_t *ngx_http_intake_json_store(
    ngx_http_intake_source_status_t *source);
static json_t *ngx_http_intake_json_quantile(int64_t *buckets,
    ngx_uint_t percent);
static json_t *ngx_http_intake_json_promise(
    ngx_http_intake_source_status_t *source);
static json_t *ngx_http_intake_json_flag(ngx_int_t flag);
static json_t *ngx_http_intake_json_time(time_t sec, ngx_int_t msec);
static json_t *ngx_http_intake_json_version(ngx_uint_t version);


/* in the order of ngx_intake_redis_state_e */

static const char  *ngx_http_intake_states[] = {
    "down",
    "resolving",
    "connecting",
    "tls",
    "hello",
    "ready",
    "draining"
};


ngx_int_t
ngx_http_intake_write_json(ngx_pool_t *pool, ngx_http_intake_status_t *status,
    ngx_uint_t detail, ngx_str_t *out)
{
    size_t      size, flags;
    json_t     *root;
    ngx_int_t   rc;

    root = ngx_http_intake_json_document(status, detail);
    if (root == NULL) {
        return NGX_ERROR;
    }

    /* microseconds in at most 15 digits come out as they went in */

    flags = JSON_COMPACT|JSON_REAL_PRECISION(15);

    /* at the first call only the size is counted; 0: no memory */

    rc = NGX_ERROR;
    size = json_dumpb(root, NULL, 0, flags);

    out->len = size + 1;
    out->data = ngx_pnalloc(pool, out->len);

    if (size
        && out->data
        && json_dumpb(root, (char *) out->data, size, flags) == size)
    {
        out->data[size] = LF;
        rc = NGX_OK;
    }

    json_decref(root);

    return rc;
}


static json_t *
ngx_http_intake_json_document(ngx_http_intake_status_t *status,
    ngx_uint_t detail)
{
    int          rc;
    json_t      *root, *sources;
    ngx_uint_t   i;

    root = json_object();
    sources = json_array();

    rc = json_object_set_new(root, "schema", json_string("intake-status/1"));
    rc |= json_object_set_new(root, "now",
                              ngx_http_intake_json_time(status->now,
                                                        status->now_msec));

    if (!status->global_only) {
        rc |= json_object_set_new(root, "node",
                                  ngx_http_intake_json_node(status, detail));
    }

    if (!status->node_only) {
        rc |= json_object_set_new(root, "snapshot",
                                  ngx_http_intake_json_snapshot(status));
    }

    for (i = 0; i < status->nsources; i++) {
        rc |= json_array_append_new(sources,
                        ngx_http_intake_json_source(status,
                                                    &status->sources[i],
                                                    detail));
    }

    rc |= json_object_set_new(root, "sources", sources);

    if (rc != 0) {
        json_decref(root);
        return NULL;
    }

    return root;
}


static json_t *
ngx_http_intake_json_node(ngx_http_intake_status_t *status, ngx_uint_t detail)
{
    int         rc;
    json_t     *node;
    ngx_str_t   hostname;

    node = json_object();

    hostname = ngx_cycle->hostname;

    rc = json_object_set_new(node, "name",
                             ngx_http_intake_json_name(&hostname));
    rc |= json_object_set_new(node, "version",
                              json_string(NGX_HTTP_INTAKE_VERSION));
    rc |= json_object_set_new(node, "nginx", json_string(NGINX_VERSION));
    rc |= json_object_set_new(node, "start",
                              ngx_http_intake_json_time(status->started, -1));
    rc |= json_object_set_new(node, "workers",
                              json_integer(status->nworkers));
    rc |= json_object_set_new(node, "redis",
                              ngx_http_intake_json_redis(status, detail));

    if (status->spool) {
        rc |= json_object_set_new(node, "spool",
                                  ngx_http_intake_json_spool(status));
    }

    rc |= json_object_set_new(node, "durability",
                              ngx_http_intake_json_durability(status));

    if (rc != 0) {
        json_decref(node);
        return NULL;
    }

    return node;
}


static json_t *
ngx_http_intake_json_spool(ngx_http_intake_status_t *status)
{
    int                         rc;
    json_t                     *spool;
    ngx_atomic_uint_t           oldest;
    ngx_intake_spool_shared_t  *shared;

    shared = status->spool;
    oldest = shared->oldest;
    spool = json_object();

    rc = json_object_set_new(spool, "takes",
                             json_boolean(status->spool_takes));
    rc |= json_object_set_new(spool, "bytes",
                              json_integer(ngx_intake_spool_bytes(shared)));
    rc |= json_object_set_new(spool, "files", json_integer(shared->files));
    rc |= json_object_set_new(spool, "oldest",
                              oldest ? ngx_http_intake_json_time(oldest, -1)
                                     : json_null());
    rc |= json_object_set_new(spool, "replayed",
                              json_integer(shared->replayed));
    rc |= json_object_set_new(spool, "bad", json_integer(shared->bad));

    if (rc != 0) {
        json_decref(spool);
        return NULL;
    }

    return spool;
}


static json_t *
ngx_http_intake_json_redis(ngx_http_intake_status_t *status,
    ngx_uint_t detail)
{
    int                               rc;
    json_t                           *redis;
    ngx_http_intake_worker_status_t  *node;

    node = &status->node;
    redis = json_object();

    rc = json_object_set_new(redis, "state",
                             json_string(ngx_http_intake_states[node->state]));
    rc |= json_object_set_new(redis, "up", json_boolean(status->nready));
    rc |= json_object_set_new(redis, "ready_workers",
                              json_integer(status->nready));
    rc |= json_object_set_new(redis, "in_flight",
                              json_integer(node->in_flight));
    rc |= json_object_set_new(redis, "connects",
                              json_integer(status->connects));
    rc |= json_object_set_new(redis, "round_trip_seconds",
                        ngx_http_intake_json_seconds(node->round_trip >= 0,
                                                     node->round_trip));
    rc |= json_object_set_new(redis, "clock_skew_seconds",
                        ngx_http_intake_json_seconds(node->skew_known,
                                                     node->clock_skew));
    rc |= json_object_set_new(redis, "version",
                              ngx_http_intake_json_version(node->version));

    if (detail) {
        rc |= json_object_set_new(redis, "connections",
                                  ngx_http_intake_json_connections(status));
    }

    if (rc != 0) {
        json_decref(redis);
        return NULL;
    }

    return redis;
}


static json_t *
ngx_http_intake_json_connections(ngx_http_intake_status_t *status)
{
    int                               rc;
    json_t                           *array, *connection;
    ngx_uint_t                        i;
    ngx_http_intake_worker_status_t  *ws;

    rc = 0;
    array = json_array();

    for (i = 0; i < status->nworkers; i++) {
        ws = &status->workers[i];
        connection = json_object();

        rc |= json_object_set_new(connection, "worker",
                                  json_integer(ws->index));
        rc |= json_object_set_new(connection, "pid", json_integer(ws->pid));
        rc |= json_object_set_new(connection, "state",
                              json_string(ngx_http_intake_states[ws->state]));
        rc |= json_object_set_new(connection, "in_flight",
                                  json_integer(ws->in_flight));
        rc |= json_object_set_new(connection, "round_trip_seconds",
                          ngx_http_intake_json_seconds(ws->round_trip >= 0,
                                                       ws->round_trip));
        rc |= json_object_set_new(connection, "clock_skew_seconds",
                          ngx_http_intake_json_seconds(ws->skew_known,
                                                       ws->clock_skew));
        rc |= json_array_append_new(array, connection);
    }

    if (rc != 0) {
        json_decref(array);
        return NULL;
    }

    return array;
}


/* what the server is set up to, as far as it says */

static json_t *
ngx_http_intake_json_durability(ngx_http_intake_status_t *status)
{
    int                               rc;
    json_t                           *durability;
    ngx_http_intake_worker_status_t  *node;

    node = &status->node;
    durability = json_object();

    rc = json_object_set_new(durability, "appendonly",
                             ngx_http_intake_json_flag(node->appendonly));
    rc |= json_object_set_new(durability, "appendfsync",
                              ngx_http_intake_json_name(
                       &ngx_http_intake_appendfsync[node->appendfsync]));
    rc |= json_object_set_new(durability, "maxmemory_policy",
                              ngx_http_intake_json_name(
                       &ngx_http_intake_maxmemory_policies[
                                                   node->maxmemory_policy]));
    rc |= json_object_set_new(durability, "evicting",
                              ngx_http_intake_json_flag(node->evicting));

    if (rc != 0) {
        json_decref(durability);
        return NULL;
    }

    return durability;
}


static json_t *
ngx_http_intake_json_source(ngx_http_intake_status_t *status,
    ngx_http_intake_source_status_t *source, ngx_uint_t detail)
{
    int      rc;
    json_t  *object;

    object = json_object();

    rc = json_object_set_new(object, "name",
                             ngx_http_intake_json_name(&source->name));

    if (!status->global_only) {
        rc |= ngx_http_intake_json_counters(object, status, source);
    }

    if (!status->node_only) {
        rc |= ngx_http_intake_json_panel(object, status, source, detail);
    }

    if (rc != 0) {
        json_decref(object);
        return NULL;
    }

    return object;
}


static int
ngx_http_intake_json_counters(json_t *object,
    ngx_http_intake_status_t *status, ngx_http_intake_source_status_t *source)
{
    int                        rc;
    ngx_http_intake_family_t  *family;

    rc = 0;

    for (family = ngx_http_intake_families; family->key.len; family++) {
        rc |= json_object_set_new(object, (char *) family->key.data,
                                  ngx_http_intake_json_family(family, source));
    }

    rc |= json_object_set_new(object, "store",
                              ngx_http_intake_json_store(source));
    rc |= json_object_set_new(object, "durability",
                              ngx_http_intake_json_promise(source));

    return rc;
}


/* {"stored":3,"duplicate":1,...}, or the number where there is no label */

static json_t *
ngx_http_intake_json_family(ngx_http_intake_family_t *family,
    ngx_http_intake_source_status_t *source)
{
    int         rc;
    json_t     *object;
    ngx_uint_t  i;

    if (family->value == NULL) {
        return json_integer(source->n[family->offset]);
    }

    rc = 0;
    object = json_object();

    for (i = family->first; i < family->n; i++) {
        rc |= json_object_set_new(object, (char *) family->value(i)->data,
                                json_integer(source->n[family->offset + i]));
    }

    if (rc != 0) {
        json_decref(object);
        return NULL;
    }

    return object;
}


static json_t *
ngx_http_intake_json_store(ngx_http_intake_source_status_t *source)
{
    int          rc;
    json_t      *store;
    int64_t      count, buckets[NGX_HTTP_INTAKE_BUCKETS];
    ngx_uint_t   i;

    count = 0;

    for (i = 0; i < NGX_HTTP_INTAKE_BUCKETS; i++) {
        buckets[i] = source->n[NGX_HTTP_INTAKE_N_STORE_BUCKETS + i];
        count += buckets[i];
    }

    store = json_object();

    rc = json_object_set_new(store, "count", json_integer(count));
    rc |= json_object_set_new(store, "sum_seconds",
                              ngx_http_intake_json_seconds(1,
                                   source->n[NGX_HTTP_INTAKE_N_STORE_US]));
    rc |= json_object_set_new(store, "p50_seconds",
                       ngx_http_intake_json_quantile(buckets, 50));
    rc |= json_object_set_new(store, "p90_seconds",
                       ngx_http_intake_json_quantile(buckets, 90));
    rc |= json_object_set_new(store, "p99_seconds",
                       ngx_http_intake_json_quantile(buckets, 99));

    if (rc != 0) {
        json_decref(store);
        return NULL;
    }

    return store;
}


static json_t *
ngx_http_intake_json_quantile(int64_t *buckets, ngx_uint_t percent)
{
    double      us, bounds[NGX_HTTP_INTAKE_BUCKETS - 1];
    ngx_uint_t  i;

    for (i = 0; i < NGX_HTTP_INTAKE_BUCKETS - 1; i++) {
        bounds[i] = (double) ngx_http_intake_buckets[i].us;
    }

    us = ngx_http_intake_quantile(bounds, buckets, NGX_HTTP_INTAKE_BUCKETS - 1,
                                  percent);

    return ngx_http_intake_json_seconds(us >= 0, (int64_t) us);
}


/* what a source's 2xx promises, and whether that is given */

static json_t *
ngx_http_intake_json_promise(ngx_http_intake_source_status_t *source)
{
    int         rc;
    u_char      buf[sizeof("replicas=") + NGX_INT_T_LEN];
    json_t     *object;
    ngx_str_t   promise;

    object = json_object();

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

    rc = json_object_set_new(object, "promise",
                             ngx_http_intake_json_name(&promise));
    rc |= json_object_set_new(object, "in_force",
                              ngx_http_intake_json_flag(source->in_force));

    if (rc != 0) {
        json_decref(object);
        return NULL;
    }

    return object;
}


json_t *
ngx_http_intake_json_seconds(ngx_uint_t known, int64_t us)
{
    return known ? json_real((double) us / 1000000) : json_null();
}


static json_t *
ngx_http_intake_json_flag(ngx_int_t flag)
{
    return flag < 0 ? json_null() : json_boolean(flag);
}


json_t *
ngx_http_intake_json_name(ngx_str_t *name)
{
    return name->len ? json_stringn((char *) name->data, name->len)
                     : json_null();
}


json_t *
ngx_http_intake_json_ms(int64_t ms)
{
    return ms > 0 ? ngx_http_intake_json_time((time_t) (ms / 1000), ms % 1000)
                  : json_null();
}


/* RFC 3339, UTC; msec -1: whole seconds */

static json_t *
ngx_http_intake_json_time(time_t sec, ngx_int_t msec)
{
    u_char    *p, buf[sizeof("9999-12-31T23:59:59.999Z") + 8];
    ngx_tm_t   tm;

    ngx_gmtime(sec, &tm);

    p = ngx_snprintf(buf, sizeof(buf), "%04d-%02d-%02dT%02d:%02d:%02d",
                     tm.ngx_tm_year, tm.ngx_tm_mon, tm.ngx_tm_mday,
                     tm.ngx_tm_hour, tm.ngx_tm_min, tm.ngx_tm_sec);

    if (msec >= 0) {
        p = ngx_slprintf(p, buf + sizeof(buf), ".%03i", msec);
    }

    p = ngx_slprintf(p, buf + sizeof(buf), "Z");

    return json_stringn((char *) buf, p - buf);
}


static json_t *
ngx_http_intake_json_version(ngx_uint_t version)
{
    u_char  *p, buf[sizeof("255.255.255")];

    if (version == 0) {
        return json_null();
    }

    p = ngx_snprintf(buf, sizeof(buf), "%ui.%ui.%ui", version >> 16,
                     (version >> 8) & 0xff, version & 0xff);

    return json_stringn((char *) buf, p - buf);
}
