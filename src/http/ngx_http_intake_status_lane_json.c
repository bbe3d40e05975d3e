
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake_status_json.h"


/* One clock of one tier: who waits now, and how it went. */


static void ngx_http_intake_json_waiting(ngx_http_intake_json_t *json,
    ngx_http_intake_sla_t *sla, ngx_http_intake_lane_t *lane, ngx_uint_t n,
    int64_t now);
static void ngx_http_intake_json_outcome(ngx_http_intake_json_t *json,
    ngx_http_intake_tally_t *tally);
static void ngx_http_intake_json_window(ngx_http_intake_json_t *json,
    ngx_http_intake_sla_t *sla, ngx_http_intake_tally_t *tally,
    ngx_http_intake_tally_t *previous);


void
ngx_http_intake_json_lane(ngx_http_intake_json_t *json,
    ngx_http_intake_status_t *status, ngx_http_intake_source_status_t *ss,
    ngx_uint_t n)
{
    ngx_uint_t               i;
    ngx_http_intake_sla_t   *sla;
    ngx_http_intake_lane_t  *lane;

    sla = ss->source->sla;
    lane = &ss->panel->lanes[n];

    ngx_http_intake_json_object(json,
                         (char *) ngx_http_intake_lane_clocks[n & 1].data);

    ngx_http_intake_json_seconds(json, "target_seconds", 1,
                   (int64_t) ngx_http_intake_lane_target(sla, n) * 1000);
    ngx_http_intake_json_real(json, "objective",
                              (double) sla->tiers[n / 2].objective / 1000);

    ngx_http_intake_json_waiting(json, sla, lane, n,
                                 ngx_http_intake_status_now(status));

    ngx_http_intake_json_object(json, "totals");
    ngx_http_intake_json_outcome(json, &lane->total);
    ngx_http_intake_json_object_end(json);

    ngx_http_intake_json_object(json, "windows");

    for (i = 0; i < NGX_HTTP_INTAKE_WINDOWS; i++) {
        ngx_http_intake_json_object(json,
                           (char *) ngx_http_intake_window_names[i].data);
        ngx_http_intake_json_window(json, sla, &lane->windows[i],
                                    &lane->previous[i]);
        ngx_http_intake_json_object_end(json);
    }

    ngx_http_intake_json_object_end(json);
    ngx_http_intake_json_object_end(json);
}


static void
ngx_http_intake_json_waiting(ngx_http_intake_json_t *json,
    ngx_http_intake_sla_t *sla, ngx_http_intake_lane_t *lane, ngx_uint_t n,
    int64_t now)
{
    int64_t     waited, business;
    ngx_uint_t  known;

    known = lane->oldest != 0;
    waited = ngx_max(now - lane->oldest, 0);
    business = known ? ngx_http_intake_elapsed(sla, n, lane->oldest, now) : 0;

    ngx_http_intake_json_integer(json, "waiting", lane->waiting);
    ngx_http_intake_json_integer(json, "at_risk", lane->at_risk);
    ngx_http_intake_json_integer(json, "overdue", lane->overdue);
    ngx_http_intake_json_integer(json, "paused", lane->paused);

    ngx_http_intake_json_ms(json, "oldest_waiting_since", lane->oldest);
    ngx_http_intake_json_seconds(json, "oldest_waiting_seconds", known,
                                 waited * 1000);
    ngx_http_intake_json_seconds(json, "oldest_waiting_business_seconds",
                                 known, business * 1000);
    ngx_http_intake_json_ms(json, "next_due",
                            ngx_http_intake_deadline(sla, n, lane->due));

    ngx_http_intake_json_object(json, "age");
    ngx_http_intake_json_counts(json, ngx_http_intake_age_names, lane->ages,
                                NGX_HTTP_INTAKE_AGES);
    ngx_http_intake_json_object_end(json);
}


static void
ngx_http_intake_json_outcome(ngx_http_intake_json_t *json,
    ngx_http_intake_tally_t *tally)
{
    ngx_http_intake_json_integer(json, "met", tally->met);
    ngx_http_intake_json_integer(json, "breached", tally->breached);
    ngx_http_intake_json_integer(json, "retracted", tally->retracted);
    ngx_http_intake_json_integer(json, "closed_unanswered", tally->closed);
}


static void
ngx_http_intake_json_window(ngx_http_intake_json_t *json,
    ngx_http_intake_sla_t *sla, ngx_http_intake_tally_t *tally,
    ngx_http_intake_tally_t *previous)
{
    ngx_uint_t  i;

    static struct {
        const char  *key;
        ngx_msec_t   ms;
    } shares[] = {
        { "within_30m", 30 * 60 * 1000 },
        { "within_1h", 60 * 60 * 1000 },
        { "within_4h", 4 * 60 * 60 * 1000 },
        { "within_24h", 24 * 60 * 60 * 1000 }
    };

    static struct {
        const char  *wall;
        const char  *business;
        ngx_uint_t   percent;
    } quantiles[] = {
        { "p50_seconds", "business_p50_seconds", 50 },
        { "p90_seconds", "business_p90_seconds", 90 },
        { "p99_seconds", "business_p99_seconds", 99 }
    };

    ngx_http_intake_json_outcome(json, tally);

    ngx_http_intake_json_real(json, "attainment",
                              ngx_http_intake_attainment(tally));
    ngx_http_intake_json_real(json, "previous_attainment",
                              ngx_http_intake_attainment(previous));

    for (i = 0; i < sizeof(shares) / sizeof(shares[0]); i++) {
        ngx_http_intake_json_real(json, shares[i].key,
                   ngx_http_intake_answered_within(sla, tally, shares[i].ms));
    }

    for (i = 0; i < sizeof(quantiles) / sizeof(quantiles[0]); i++) {
        ngx_http_intake_json_real(json, quantiles[i].wall,
                   ngx_http_intake_response_quantile(sla, tally->wall,
                                                     quantiles[i].percent));
        ngx_http_intake_json_real(json, quantiles[i].business,
                   ngx_http_intake_response_quantile(sla, tally->business,
                                                     quantiles[i].percent));
    }
}
