
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake_counters.h"


/* What a worker tells of its Redis connections in the shared memory zone. */


static ngx_http_intake_worker_t *ngx_http_intake_this_worker(
    ngx_http_intake_zone_t *zone);
static ngx_atomic_uint_t ngx_http_intake_word(int64_t n);
static ngx_uint_t ngx_http_intake_text_index(u_char *text, ngx_str_t *names);
static ngx_uint_t ngx_http_intake_version_number(u_char *text);


/* the first is for "unknown", the last for what is not known here */

ngx_str_t  ngx_http_intake_appendfsync[] = {
    ngx_string(""),
    ngx_string("always"),
    ngx_string("everysec"),
    ngx_string("no"),
    ngx_string("other"),
    ngx_null_string
};


ngx_str_t  ngx_http_intake_maxmemory_policies[] = {
    ngx_string(""),
    ngx_string("noeviction"),
    ngx_string("allkeys-lru"),
    ngx_string("allkeys-lfu"),
    ngx_string("allkeys-random"),
    ngx_string("volatile-lru"),
    ngx_string("volatile-lfu"),
    ngx_string("volatile-random"),
    ngx_string("volatile-ttl"),
    ngx_string("other"),
    ngx_null_string
};


void
ngx_http_intake_publish_redis(void *data, ngx_intake_redis_info_t *info)
{
    ngx_http_intake_main_conf_t *imcf = data;

    ngx_http_intake_zone_t    *zone;
    ngx_http_intake_worker_t  *worker;

    static ngx_atomic_uint_t   connects;

    zone = imcf->zone->data;

    if (info->connects > connects) {
        (void) ngx_atomic_fetch_add(&zone->shared->connects,
                                    info->connects - connects);
    }

    connects = info->connects;

    worker = ngx_http_intake_this_worker(zone);

    if (worker == NULL) {
        return;
    }

    worker->state = info->state;
    worker->in_flight = info->in_flight;
    worker->round_trip = ngx_http_intake_word(info->round_trip);
    worker->clock_skew = ngx_http_intake_word(info->clock_skew);
    worker->skew_known = info->skew_known;
    worker->appendonly = ngx_http_intake_word(info->appendonly);
    worker->evicting = ngx_http_intake_word(info->evicting);

    worker->version = ngx_http_intake_version_number(info->version);
    worker->appendfsync = ngx_http_intake_text_index(info->appendfsync,
                                                 ngx_http_intake_appendfsync);
    worker->maxmemory_policy = ngx_http_intake_text_index(
                                           info->maxmemory_policy,
                                           ngx_http_intake_maxmemory_policies);
}


void
ngx_http_intake_publish_durable(void *data, ngx_intake_redis_info_t *info)
{
    ngx_http_intake_main_conf_t *imcf = data;

    ngx_http_intake_worker_t  *worker;

    worker = ngx_http_intake_this_worker(imcf->zone->data);

    if (worker) {
        worker->fsync = ngx_http_intake_word(info->fsync);
        worker->replicas = ngx_http_intake_word(info->replicas);
    }
}


/* NULL: there are too many, or a newer one has taken the place */

static ngx_http_intake_worker_t *
ngx_http_intake_this_worker(ngx_http_intake_zone_t *zone)
{
    ngx_http_intake_worker_t  *worker;

    if (ngx_worker >= NGX_HTTP_INTAKE_WORKERS) {
        return NULL;
    }

    worker = &zone->shared->workers[ngx_worker];

    if (worker->generation > zone->generation) {
        return NULL;
    }

    if (worker->generation < zone->generation
        || worker->pid != (ngx_atomic_uint_t) ngx_pid)
    {
        worker->pid = ngx_pid;
        worker->generation = zone->generation;

        worker->fsync = ngx_http_intake_word(-1);
        worker->replicas = ngx_http_intake_word(-1);
    }

    return worker;
}


/* a signed number as an atomic; on 32 bits one that fits */

static ngx_atomic_uint_t
ngx_http_intake_word(int64_t n)
{
    n = ngx_min(n, NGX_MAX_INT_T_VALUE);
    n = ngx_max(n, -NGX_MAX_INT_T_VALUE);

    return (ngx_atomic_uint_t) (ngx_atomic_int_t) n;
}


/* names start with "" and end with "other" and a null string */

static ngx_uint_t
ngx_http_intake_text_index(u_char *text, ngx_str_t *names)
{
    ngx_uint_t  i;

    for (i = 0; names[i + 1].data; i++) {
        if (ngx_strcmp(text, names[i].data) == 0) {
            return i;
        }
    }

    return i;
}


/* 7.0.15 is 0x07000f; 0 if there is none */

static ngx_uint_t
ngx_http_intake_version_number(u_char *text)
{
    ngx_uint_t  i, n, version;

    version = 0;

    for (i = 0; i < 3; i++) {

        for (n = 0; *text >= '0' && *text <= '9' && n < 256; text++) {
            n = n * 10 + (*text - '0');
        }

        version = (version << 8) | ngx_min(n, 255);

        if (*text == '.') {
            text++;
        }
    }

    return version;
}
