
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake_counters.h"


static ngx_int_t ngx_http_intake_init_zone(ngx_shm_zone_t *shm_zone,
    void *data);
static void ngx_http_intake_find_slots(ngx_http_intake_zone_t *zone,
    ngx_http_intake_zone_t *old);
static ngx_http_intake_slot_t *ngx_http_intake_claim_slot(
    ngx_http_intake_zone_t *zone, ngx_http_intake_zone_t *old, uint64_t hash);
static ngx_uint_t ngx_http_intake_zone_uses(ngx_http_intake_zone_t *zone,
    uint64_t hash);
static uint64_t ngx_http_intake_hash_name(ngx_str_t *name);

static ngx_str_t *ngx_http_intake_outcome_value(ngx_uint_t i);
static ngx_str_t *ngx_http_intake_code_value(ngx_uint_t i);
static ngx_str_t *ngx_http_intake_spam_value(ngx_uint_t i);
static ngx_str_t *ngx_http_intake_direction_value(ngx_uint_t i);
static ngx_str_t *ngx_http_intake_anomaly_value(ngx_uint_t i);


ngx_str_t  ngx_http_intake_outcomes[NGX_HTTP_INTAKE_OUTCOMES] = {
    ngx_string("stored"),
    ngx_string("duplicate"),
    ngx_string("spooled"),
    ngx_string("spam"),
    ngx_string("challenge"),
    ngx_string("rejected"),
    ngx_string("unavailable")
};


static ngx_str_t  ngx_http_intake_directions[NGX_HTTP_INTAKE_DIRECTIONS] = {
    ngx_string("inbound"),
    ngx_string("outbound"),
    ngx_string("auto")
};


static ngx_str_t  ngx_http_intake_anomalies[NGX_HTTP_INTAKE_ANOMALIES] = {
    ngx_string("id_reused"),
    ngx_string("unparsed"),
    ngx_string("unknown_outcome"),
    ngx_string("messages_left_out")
};


ngx_http_intake_family_t  ngx_http_intake_families[] = {

    { ngx_string("requests"),
      ngx_string("intake_requests"),
      ngx_null_string,
      ngx_string("Requests that have ended, by outcome."),
      ngx_string("outcome"),
      NGX_HTTP_INTAKE_N_REQUESTS, 0, NGX_HTTP_INTAKE_OUTCOMES,
      ngx_http_intake_outcome_value },

    { ngx_string("rejected"),
      ngx_string("intake_rejected"),
      ngx_null_string,
      ngx_string("Requests that were rejected or could not be stored, "
                 "by the code of the answer."),
      ngx_string("code"),
      NGX_HTTP_INTAKE_N_REJECTED, NGX_HTTP_INTAKE_OK + 1,
      NGX_HTTP_INTAKE_CODES,
      ngx_http_intake_code_value },

    { ngx_string("spam"),
      ngx_string("intake_spam"),
      ngx_null_string,
      ngx_string("Evidence of spam in stored submissions of forms, by "
                 "reason."),
      ngx_string("reason"),
      NGX_HTTP_INTAKE_N_SPAM, 0, NGX_HTTP_INTAKE_SPAM_REASONS,
      ngx_http_intake_spam_value },

    { ngx_string("messages"),
      ngx_string("intake_messages"),
      ngx_null_string,
      ngx_string("Messages found in stored deliveries, by direction."),
      ngx_string("direction"),
      NGX_HTTP_INTAKE_N_MESSAGES, 0, NGX_HTTP_INTAKE_DIRECTIONS,
      ngx_http_intake_direction_value },

    { ngx_string("anomalies"),
      ngx_string("intake_anomalies"),
      ngx_null_string,
      ngx_string("Deliveries with something unusual about them, by reason."),
      ngx_string("reason"),
      NGX_HTTP_INTAKE_N_ANOMALIES, 0, NGX_HTTP_INTAKE_ANOMALIES,
      ngx_http_intake_anomaly_value },

    { ngx_string("body_bytes"),
      ngx_string("intake_body_bytes"),
      ngx_string("bytes"),
      ngx_string("Bytes of the request bodies that were read."),
      ngx_null_string,
      NGX_HTTP_INTAKE_N_BODY_BYTES, 0, 1,
      NULL },

    { ngx_null_string, ngx_null_string, ngx_null_string, ngx_null_string,
      ngx_null_string, 0, 0, 0, NULL }
};


ngx_http_intake_bucket_t  ngx_http_intake_buckets[NGX_HTTP_INTAKE_BUCKETS] = {
    {      500, ngx_string("0.0005") },
    {     1000, ngx_string("0.001") },
    {     2500, ngx_string("0.0025") },
    {     5000, ngx_string("0.005") },
    {    10000, ngx_string("0.01") },
    {    25000, ngx_string("0.025") },
    {    50000, ngx_string("0.05") },
    {   100000, ngx_string("0.1") },
    {   250000, ngx_string("0.25") },
    {   500000, ngx_string("0.5") },
    {  1000000, ngx_string("1.0") },
    {  2500000, ngx_string("2.5") },
    {  5000000, ngx_string("5.0") },
    { 10000000, ngx_string("10.0") },
    { (ngx_atomic_uint_t) -1, ngx_string("+Inf") }
};


ngx_int_t
ngx_http_intake_add_zone(ngx_conf_t *cf, ngx_http_intake_main_conf_t *imcf)
{
    size_t                       size;
    ngx_str_t                    name = ngx_string("intake");
    ngx_uint_t                   i, n;
    ngx_http_intake_zone_t      *zone;
    ngx_http_intake_counters_t  *counters;

    n = imcf->sources->nelts;

    zone = ngx_pcalloc(cf->pool, sizeof(ngx_http_intake_zone_t));
    counters = ngx_pcalloc(cf->pool,
                           (n + 1) * sizeof(ngx_http_intake_counters_t));
    imcf->counters = ngx_pcalloc(cf->pool,
                               (n + 1) * sizeof(ngx_http_intake_counters_t *));

    if (zone == NULL || counters == NULL || imcf->counters == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < n; i++) {
        imcf->counters[i] = &counters[i];
    }

    zone->imcf = imcf;

    /* the size is always the same: with another one the zone would be new */

    size = ngx_align(sizeof(ngx_http_intake_shared_t), ngx_pagesize)
           + 8 * ngx_pagesize;

    imcf->zone = ngx_shared_memory_add(cf, &name, size,
                                       &ngx_http_intake_module);
    if (imcf->zone == NULL) {
        return NGX_ERROR;
    }

    imcf->zone->init = ngx_http_intake_init_zone;
    imcf->zone->data = zone;

    return NGX_OK;
}


static ngx_int_t
ngx_http_intake_init_zone(ngx_shm_zone_t *shm_zone, void *data)
{
    ngx_http_intake_zone_t *old = data;

    ngx_slab_pool_t         *shpool;
    ngx_http_intake_zone_t  *zone;

    zone = shm_zone->data;
    shpool = (ngx_slab_pool_t *) shm_zone->shm.addr;

    if (old) {
        zone->shared = old->shared;

    } else if (shm_zone->shm.exists) {
        zone->shared = shpool->data;

    } else {
        zone->shared = ngx_slab_calloc(shpool,
                                       sizeof(ngx_http_intake_shared_t));
        if (zone->shared == NULL) {
            return NGX_ERROR;
        }

        shpool->data = zone->shared;

        zone->shared->started = ngx_time();
    }

    zone->generation = ++zone->shared->generation;

    ngx_http_intake_find_slots(zone, old);

    return NGX_OK;
}


static void
ngx_http_intake_find_slots(ngx_http_intake_zone_t *zone,
    ngx_http_intake_zone_t *old)
{
    ngx_uint_t                    i, k;
    ngx_http_intake_slot_t       *slots;
    ngx_http_intake_source_t    **sources;
    ngx_http_intake_counters_t   *counters;
    ngx_http_intake_main_conf_t  *imcf;

    imcf = zone->imcf;
    sources = imcf->sources->elts;
    slots = zone->shared->slots;

    for (i = 0; i < imcf->sources->nelts; i++) {
        counters = imcf->counters[i];
        counters->hash = ngx_http_intake_hash_name(&sources[i]->name);

        for (k = 0; k < NGX_HTTP_INTAKE_SLOTS; k++) {
            if (slots[k].hash == counters->hash) {
                counters->slot = &slots[k];
                break;
            }
        }
    }

    /* now it is known which slots are in use */

    for (i = 0; i < imcf->sources->nelts; i++) {
        counters = imcf->counters[i];

        if (counters->slot == NULL) {
            counters->slot = ngx_http_intake_claim_slot(zone, old,
                                                        counters->hash);
        }
    }
}


/*
 * A free slot, or one that neither configuration uses.  There is always one:
 * see the number of slots.  Only the master comes here.
 */

static ngx_http_intake_slot_t *
ngx_http_intake_claim_slot(ngx_http_intake_zone_t *zone,
    ngx_http_intake_zone_t *old, uint64_t hash)
{
    ngx_uint_t               i;
    ngx_http_intake_slot_t  *slot, *found;

    found = NULL;

    for (i = 0; i < NGX_HTTP_INTAKE_SLOTS; i++) {
        slot = &zone->shared->slots[i];

        if (slot->hash == 0) {
            found = slot;
            break;
        }

        if (!ngx_http_intake_zone_uses(zone, slot->hash)
            && (old == NULL || !ngx_http_intake_zone_uses(old, slot->hash)))
        {
            found = slot;
        }
    }

    /* who still counts here for the slot's last source stops first */

    found->hash = 0;
    ngx_memory_barrier();

    ngx_memzero((void *) found->n, sizeof(found->n));
    ngx_memory_barrier();

    found->hash = hash;

    return found;
}


static ngx_uint_t
ngx_http_intake_zone_uses(ngx_http_intake_zone_t *zone, uint64_t hash)
{
    ngx_uint_t  i;

    for (i = 0; i < zone->imcf->sources->nelts; i++) {
        if (zone->imcf->counters[i]->hash == hash) {
            return 1;
        }
    }

    return 0;
}


/* FNV-1a; 0 means a free slot */

static uint64_t
ngx_http_intake_hash_name(ngx_str_t *name)
{
    uint64_t    hash;
    ngx_uint_t  i;

    hash = 0xcbf29ce484222325ULL;

    for (i = 0; i < name->len; i++) {
        hash = (hash ^ name->data[i]) * 0x100000001b3ULL;
    }

    return hash ? hash : 1;
}


static ngx_inline void
ngx_http_intake_count(ngx_http_intake_ctx_t *ctx, ngx_uint_t i,
    ngx_atomic_int_t n)
{
    ngx_http_intake_counters_t   *counters;
    ngx_http_intake_main_conf_t  *imcf;

    if (ctx->source == NULL) {
        return;
    }

    imcf = ngx_http_get_module_main_conf(ctx->request, ngx_http_intake_module);

    counters = imcf->counters[ctx->source->index];

    if (counters->slot->hash == counters->hash) {
        (void) ngx_atomic_fetch_add(&counters->slot->n[i], n);
    }
}


void
ngx_http_intake_count_request(ngx_http_intake_ctx_t *ctx)
{
    if (ctx->counted || ctx->outcome >= NGX_HTTP_INTAKE_OUTCOMES) {
        return;
    }

    ctx->counted = 1;

    ngx_http_intake_count(ctx, NGX_HTTP_INTAKE_N_REQUESTS + ctx->outcome, 1);

    if (ctx->outcome == NGX_HTTP_INTAKE_REJECTED
        || ctx->outcome == NGX_HTTP_INTAKE_UNAVAILABLE)
    {
        ngx_http_intake_count(ctx, NGX_HTTP_INTAKE_N_REJECTED + ctx->code, 1);
    }

    if (ctx->body_size) {
        ngx_http_intake_count(ctx, NGX_HTTP_INTAKE_N_BODY_BYTES,
                              ctx->body_size);
    }
}


void
ngx_http_intake_count_anomaly(ngx_http_intake_ctx_t *ctx,
    ngx_http_intake_anomaly_e anomaly)
{
    ngx_http_intake_count(ctx, NGX_HTTP_INTAKE_N_ANOMALIES + anomaly, 1);
}


void
ngx_http_intake_count_spam(ngx_http_intake_ctx_t *ctx)
{
    ngx_uint_t  i;

    for (i = 0; i < NGX_HTTP_INTAKE_SPAM_REASONS; i++) {
        if (ctx->submission->spam & ((ngx_uint_t) 1 << i)) {
            ngx_http_intake_count(ctx, NGX_HTTP_INTAKE_N_SPAM + i, 1);
        }
    }
}


void
ngx_http_intake_count_message(ngx_http_intake_ctx_t *ctx,
    ngx_http_intake_direction_e direction, ngx_uint_t n)
{
    ngx_http_intake_count(ctx, NGX_HTTP_INTAKE_N_MESSAGES + direction, n);
}


void
ngx_http_intake_count_store(ngx_http_intake_ctx_t *ctx, uint64_t us)
{
    ngx_uint_t  i;

    ctx->store_us = ngx_max(us, 1);

    for (i = 0; us > ngx_http_intake_buckets[i].us; i++) { /* void */ }

    ngx_http_intake_count(ctx, NGX_HTTP_INTAKE_N_STORE_BUCKETS + i, 1);
    ngx_http_intake_count(ctx, NGX_HTTP_INTAKE_N_STORE_US, us);
}


void
ngx_http_intake_publish_sweep(ngx_http_intake_main_conf_t *imcf,
    ngx_http_intake_source_t *source)
{
    ngx_http_intake_counters_t  *counters;

    counters = imcf->counters[source->index];

    if (counters->slot->hash == counters->hash) {
        counters->slot->n[NGX_HTTP_INTAKE_N_SWEPT] = ngx_time();
    }
}


static ngx_str_t *
ngx_http_intake_outcome_value(ngx_uint_t i)
{
    return &ngx_http_intake_outcomes[i];
}


static ngx_str_t *
ngx_http_intake_code_value(ngx_uint_t i)
{
    return ngx_http_intake_code_name(i);
}


static ngx_str_t *
ngx_http_intake_spam_value(ngx_uint_t i)
{
    return &ngx_http_intake_spam_reasons[i];
}


static ngx_str_t *
ngx_http_intake_direction_value(ngx_uint_t i)
{
    return &ngx_http_intake_directions[i];
}


static ngx_str_t *
ngx_http_intake_anomaly_value(ngx_uint_t i)
{
    return &ngx_http_intake_anomalies[i];
}
