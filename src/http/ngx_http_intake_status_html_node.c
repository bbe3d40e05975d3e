
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake_status_html.h"


/* How this node and its Redis are. */


typedef void (*ngx_http_intake_fact_pt)(ngx_http_intake_writer_t *w,
    ngx_http_intake_status_page_t *page);


static void ngx_http_intake_put_redis(ngx_http_intake_writer_t *w,
    ngx_http_intake_status_page_t *page);
static void ngx_http_intake_put_round_trip(ngx_http_intake_writer_t *w,
    ngx_http_intake_status_page_t *page);
static void ngx_http_intake_put_skew(ngx_http_intake_writer_t *w,
    ngx_http_intake_status_page_t *page);
static void ngx_http_intake_put_in_flight(ngx_http_intake_writer_t *w,
    ngx_http_intake_status_page_t *page);
static void ngx_http_intake_put_durability(ngx_http_intake_writer_t *w,
    ngx_http_intake_status_page_t *page);
static void ngx_http_intake_put_spool(ngx_http_intake_writer_t *w,
    ngx_http_intake_status_page_t *page);
static void ngx_http_intake_put_workers(ngx_http_intake_writer_t *w,
    ngx_http_intake_status_page_t *page);
static void ngx_http_intake_put_versions(ngx_http_intake_writer_t *w,
    ngx_http_intake_status_page_t *page);
static void ngx_http_intake_put_us(ngx_http_intake_writer_t *w, int64_t us);
static void ngx_http_intake_put_megabytes(ngx_http_intake_writer_t *w,
    off_t bytes);


void
ngx_http_intake_put_node(ngx_http_intake_writer_t *w,
    ngx_http_intake_status_page_t *page)
{
    ngx_uint_t  i;

    static struct {
        const char               *name;
        ngx_http_intake_fact_pt   put;
    } facts[] = {
        { "Redis", ngx_http_intake_put_redis },
        { "Round trip", ngx_http_intake_put_round_trip },
        { "Clock", ngx_http_intake_put_skew },
        { "In flight", ngx_http_intake_put_in_flight },
        { "Durability", ngx_http_intake_put_durability },
        { "Spool", ngx_http_intake_put_spool },
        { "Workers", ngx_http_intake_put_workers },
        { "Versions", ngx_http_intake_put_versions }
    };

    ngx_http_intake_put(w, "<h2>This node</h2>\n<dl>\n");

    for (i = 0; i < sizeof(facts) / sizeof(facts[0]); i++) {

        if (facts[i].put == ngx_http_intake_put_spool
            && page->status->spool == NULL)
        {
            continue;
        }

        ngx_http_intake_put(w, "<dt>");
        ngx_http_intake_put(w, facts[i].name);
        ngx_http_intake_put(w, "</dt><dd>");
        facts[i].put(w, page);
        ngx_http_intake_put(w, "</dd>\n");
    }

    ngx_http_intake_put(w, "</dl>\n");
}


static void
ngx_http_intake_put_redis(ngx_http_intake_writer_t *w,
    ngx_http_intake_status_page_t *page)
{
    ngx_http_intake_status_t  *status;

    /* in the order of ngx_intake_redis_state_e */

    static const char  *states[] = {
        "away", "away", "connecting", "connecting", "connecting", "ready",
        "away"
    };

    status = page->status;

    ngx_http_intake_put_state(w, status->nready == 0 ? NGX_HTTP_INTAKE_OVERDUE
                                 : status->nready < status->nworkers
                                   ? NGX_HTTP_INTAKE_AT_RISK
                                   : NGX_HTTP_INTAKE_CALM,
                              states[status->node.state]);

    ngx_http_intake_put(w, " in ");
    ngx_http_intake_put_number(w, status->nready);
    ngx_http_intake_put(w, " of ");
    ngx_http_intake_put_count(w, status->nworkers, "worker", "workers");
    ngx_http_intake_put(w, ", connected ");
    ngx_http_intake_put_count(w, status->connects, "time", "times");
}


static void
ngx_http_intake_put_round_trip(ngx_http_intake_writer_t *w,
    ngx_http_intake_status_page_t *page)
{
    if (page->status->nready == 0 || page->status->node.round_trip < 0) {
        ngx_http_intake_put(w, "unknown");
        return;
    }

    ngx_http_intake_put_us(w, page->status->node.round_trip);
}


/* a node whose clock is too far away does not move the response clocks */

static void
ngx_http_intake_put_skew(ngx_http_intake_writer_t *w,
    ngx_http_intake_status_page_t *page)
{
    ngx_int_t                         skew;
    ngx_http_intake_main_conf_t      *imcf;
    ngx_http_intake_worker_status_t  *node;

    node = &page->status->node;
    skew = ngx_abs(node->clock_skew);

    imcf = ngx_http_cycle_get_module_main_conf(ngx_cycle,
                                               ngx_http_intake_module);

    if (!node->skew_known) {
        ngx_http_intake_put(w, "unknown");
        return;
    }

    if (imcf->redis.max_clock_skew
        && skew / 1000 > (ngx_int_t) imcf->redis.max_clock_skew)
    {
        ngx_http_intake_put_state(w, NGX_HTTP_INTAKE_OVERDUE, "wrong");
        ngx_http_intake_put(w, " ");
    }

    ngx_http_intake_put_us(w, skew);
    ngx_http_intake_put(w, node->clock_skew < 0 ? " behind that of Redis"
                                                : " ahead of that of Redis");
}


static void
ngx_http_intake_put_in_flight(ngx_http_intake_writer_t *w,
    ngx_http_intake_status_page_t *page)
{
    ngx_http_intake_put_number(w, page->status->node.in_flight);
}


/* the worst of what the sources promise, and what decides on it */

static void
ngx_http_intake_put_durability(ngx_http_intake_writer_t *w,
    ngx_http_intake_status_page_t *page)
{
    ngx_int_t                         worst;
    ngx_uint_t                        i;
    ngx_http_intake_status_t         *status;
    ngx_http_intake_worker_status_t  *node;

    status = page->status;
    node = &status->node;
    worst = 1;

    for (i = 0; i < status->nsources; i++) {
        if (status->sources[i].in_force == 0
            || (status->sources[i].in_force == -1 && worst == 1))
        {
            worst = status->sources[i].in_force;
        }
    }

    if (status->nsources) {
        ngx_http_intake_put_in_force(w, status, worst);
        ngx_http_intake_put(w, " ");
    }

    ngx_http_intake_put(w, "appendonly ");
    ngx_http_intake_put(w, node->appendonly < 0 ? "unknown"
                           : node->appendonly ? "yes" : "no");

    if (node->appendonly > 0 && node->appendfsync) {
        ngx_http_intake_put(w, ", appendfsync ");
        ngx_http_intake_put_text(w,
                           &ngx_http_intake_appendfsync[node->appendfsync]);
    }

    if (node->maxmemory_policy) {
        ngx_http_intake_put(w, ", maxmemory-policy ");
        ngx_http_intake_put_text(w,
              &ngx_http_intake_maxmemory_policies[node->maxmemory_policy]);
    }

    if (node->replicas >= 0) {
        ngx_http_intake_put(w, ", ");
        ngx_http_intake_put_count(w, node->replicas, "replica", "replicas");
    }
}


/* of a server that is away only what it once said is known */

void
ngx_http_intake_put_in_force(ngx_http_intake_writer_t *w,
    ngx_http_intake_status_t *status, ngx_int_t in_force)
{
    if (in_force < 0 || status->nready == 0) {
        ngx_http_intake_put_state(w, NGX_HTTP_INTAKE_AT_RISK, "unknown");

    } else if (in_force) {
        ngx_http_intake_put_state(w, NGX_HTTP_INTAKE_CALM, "in force");

    } else {
        ngx_http_intake_put_state(w, NGX_HTTP_INTAKE_OVERDUE, "not in force");
    }
}


static void
ngx_http_intake_put_spool(ngx_http_intake_writer_t *w,
    ngx_http_intake_status_page_t *page)
{
    ngx_intake_spool_shared_t    *spool;
    ngx_http_intake_main_conf_t  *imcf;

    imcf = ngx_http_cycle_get_module_main_conf(ngx_cycle,
                                               ngx_http_intake_module);
    spool = &page->spool;

    if (!page->status->spool_takes) {
        ngx_http_intake_put_state(w, NGX_HTTP_INTAKE_OVERDUE, "takes nothing");
        ngx_http_intake_put(w, " ");
    }

    if (spool->oldest == 0) {
        ngx_http_intake_put_state(w, NGX_HTTP_INTAKE_CALM, "empty");

    } else {
        ngx_http_intake_put_state(w, NGX_HTTP_INTAKE_AT_RISK, "in use");
        ngx_http_intake_put(w, " ");
        ngx_http_intake_put_megabytes(w, ngx_intake_spool_bytes(spool));
        ngx_http_intake_put(w, " of ");
        ngx_http_intake_put_megabytes(w, imcf->spool.max_size);
        ngx_http_intake_put(w, " in ");
        ngx_http_intake_put_count(w, ngx_intake_spool_files(spool), "file",
                                  "files");
        ngx_http_intake_put(w, ", the oldest ");
        ngx_http_intake_put_distance(w, page, (int64_t) spool->oldest * 1000);
        ngx_http_intake_put(w, " old");
    }

    if (spool->bad) {
        ngx_http_intake_put(w, ", ");
        ngx_http_intake_put_number(w, spool->bad);
        ngx_http_intake_put(w, " set aside");
    }
}


static void
ngx_http_intake_put_workers(ngx_http_intake_writer_t *w,
    ngx_http_intake_status_page_t *page)
{
    ngx_http_intake_put_number(w, page->status->nworkers);
}


static void
ngx_http_intake_put_versions(ngx_http_intake_writer_t *w,
    ngx_http_intake_status_page_t *page)
{
    u_char      *p, buf[sizeof(", Redis 255.255.255")];
    ngx_uint_t   version;

    version = page->status->node.version;

    ngx_http_intake_put(w, "nginx-intake " NGX_HTTP_INTAKE_VERSION
                           ", nginx " NGINX_VERSION);

    if (version) {
        p = ngx_snprintf(buf, sizeof(buf), ", Redis %ui.%ui.%ui",
                         version >> 16, (version >> 8) & 0xff,
                         version & 0xff);
        ngx_http_intake_put_bytes(w, buf, p - buf);
    }
}


/* "0.18 ms", "7.1 s" */

static void
ngx_http_intake_put_us(ngx_http_intake_writer_t *w, int64_t us)
{
    u_char  *p, buf[NGX_INT64_LEN + sizeof(".00 ms")];

    if (us < 1000000) {
        p = ngx_snprintf(buf, sizeof(buf), "%L.%02L ms", us / 1000,
                         us % 1000 / 10);

    } else {
        p = ngx_snprintf(buf, sizeof(buf), "%L.%L s", us / 1000000,
                         us % 1000000 / 100000);
    }

    ngx_http_intake_put_bytes(w, buf, p - buf);
}


static void
ngx_http_intake_put_megabytes(ngx_http_intake_writer_t *w, off_t bytes)
{
    u_char  *p, buf[NGX_OFF_T_LEN + sizeof(".0 MB")];

    p = ngx_snprintf(buf, sizeof(buf), "%O.%O MB", bytes / 1048576,
                     bytes % 1048576 * 10 / 1048576);

    ngx_http_intake_put_bytes(w, buf, p - buf);
}
