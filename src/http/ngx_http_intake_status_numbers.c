
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake_status.h"


/* What all writers show of the clocks, computed in one place. */


static ngx_intake_business_clock_t *ngx_http_intake_lane_clock(
    ngx_http_intake_sla_t *sla, ngx_uint_t lane);


ngx_str_t  ngx_http_intake_window_names[NGX_HTTP_INTAKE_WINDOWS] = {
    ngx_string("24h"),
    ngx_string("7d"),
    ngx_string("30d")
};


ngx_str_t  ngx_http_intake_age_names[NGX_HTTP_INTAKE_AGES] = {
    ngx_string("lt_30m"),
    ngx_string("30m_1h"),
    ngx_string("1h_4h"),
    ngx_string("4h_24h"),
    ngx_string("ge_24h")
};


ngx_str_t  ngx_http_intake_lane_clocks[2] = {
    ngx_string("first"),
    ngx_string("next")
};


ngx_str_t  ngx_http_intake_open_states[] = {
    ngx_string("ok"),
    ngx_string("at_risk"),
    ngx_string("overdue"),
    ngx_string("paused")
};


ngx_msec_t
ngx_http_intake_lane_target(ngx_http_intake_sla_t *sla, ngx_uint_t lane)
{
    ngx_http_intake_tier_t  *tier;

    tier = &sla->tiers[lane / 2];

    return (lane & 1) ? tier->next : tier->first;
}


/*
 * The breach of a retracted one may be in an earlier window than its
 * retraction.
 */

double
ngx_http_intake_attainment(ngx_http_intake_tally_t *tally)
{
    int64_t  breached;

    breached = ngx_max(tally->breached - tally->retracted, 0);

    if (tally->met + breached <= 0) {
        return -1;
    }

    return (double) tally->met / (double) (tally->met + breached);
}


double
ngx_http_intake_answered_within(ngx_http_intake_sla_t *sla,
    ngx_http_intake_tally_t *tally, ngx_msec_t ms)
{
    int64_t     all, within;
    ngx_uint_t  i;

    all = 0;
    within = 0;

    for (i = 0; i <= sla->nbounds; i++) {
        all += tally->wall[i];

        if (i < sla->nbounds && sla->bounds[i] <= ms) {
            within += tally->wall[i];
        }
    }

    return all ? (double) within / (double) all : -1;
}


double
ngx_http_intake_quantile(double *bounds, int64_t *buckets, ngx_uint_t n,
    ngx_uint_t percent)
{
    double      rank, low;
    int64_t     count;
    ngx_uint_t  i;

    count = 0;

    for (i = 0; i <= n; i++) {
        count += buckets[i];
    }

    if (count == 0) {
        return -1;
    }

    rank = (double) count * (double) percent / 100;
    low = 0;

    for (i = 0; i < n; i++) {
        if (buckets[i] && rank <= (double) buckets[i]) {
            return low + (bounds[i] - low) * rank / (double) buckets[i];
        }

        rank -= (double) buckets[i];
        low = bounds[i];
    }

    return low;
}


double
ngx_http_intake_response_quantile(ngx_http_intake_sla_t *sla,
    int64_t *buckets, ngx_uint_t percent)
{
    double      bounds[NGX_HTTP_INTAKE_MAX_BOUNDS];
    ngx_uint_t  i;

    for (i = 0; i < sla->nbounds; i++) {
        bounds[i] = (double) sla->bounds[i] / 1000;
    }

    return ngx_http_intake_quantile(bounds, buckets, sla->nbounds, percent);
}


int64_t
ngx_http_intake_deadline(ngx_http_intake_sla_t *sla, ngx_uint_t lane,
    int64_t reading)
{
    int64_t  time;

    if (reading < 0
        || ngx_intake_business_clock_due(ngx_http_intake_lane_clock(sla,
                                                                    lane),
                                         reading, &time)
           != NGX_OK)
    {
        return -1;
    }

    return time;
}


int64_t
ngx_http_intake_exhausted(ngx_http_intake_sla_t *sla, ngx_uint_t lane,
    int64_t reading, int64_t since)
{
    int64_t  time;

    if (reading < 0
        || ngx_intake_business_clock_exhausted(
                                        ngx_http_intake_lane_clock(sla, lane),
                                        reading, &time)
           != NGX_OK)
    {
        return -1;
    }

    return ngx_max(time, since);
}


int64_t
ngx_http_intake_elapsed(ngx_http_intake_sla_t *sla, ngx_uint_t lane,
    int64_t from, int64_t to)
{
    ngx_intake_business_clock_t  *clock;

    clock = ngx_http_intake_lane_clock(sla, lane);

    return ngx_max(ngx_intake_business_clock_read(clock, to)
                   - ngx_intake_business_clock_read(clock, from), 0);
}


int64_t
ngx_http_intake_overdue(ngx_http_intake_sla_t *sla,
    ngx_http_intake_open_shown_t *open, int64_t now)
{
    return ngx_intake_business_clock_read(
                             ngx_http_intake_lane_clock(sla, open->lane), now)
           - open->due;
}


static ngx_intake_business_clock_t *
ngx_http_intake_lane_clock(ngx_http_intake_sla_t *sla, ngx_uint_t lane)
{
    return ngx_http_intake_clock(&sla->tiers[lane / 2]);
}


/*
 * Ids of conversations are addresses and telephone numbers, which are few
 * enough to try them all, so that a hash alone would hide nothing.  The key is
 * not one of the source's secrets: a source may have none, they change, and
 * some are known to the platform.
 */

ngx_int_t
ngx_http_intake_open_ref(ngx_http_intake_source_status_t *ss,
    ngx_http_intake_open_shown_t *open, u_char *ref)
{
    u_char     digest[NGX_INTAKE_SHA256_LEN];
    size_t     len;
    ngx_str_t  parts[5], prefix;

    ngx_str_set(&parts[0], "ref:");
    parts[1] = ss->source->stream.key;
    ngx_str_set(&parts[2], "\n");
    parts[3].data = ss->panel->key;
    parts[3].len = NGX_HTTP_INTAKE_SECRET_LEN;
    parts[4].data = open->hash;
    parts[4].len = NGX_HTTP_INTAKE_HASH_LEN;

    if (ngx_intake_sha256(parts, 5, digest) != NGX_OK) {
        return NGX_ERROR;
    }

    prefix.data = digest;
    prefix.len = NGX_HTTP_INTAKE_REF_LEN / 2;

    return ngx_intake_hex_encode(&prefix, ref, NGX_HTTP_INTAKE_REF_LEN, &len);
}
