
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake_status_json.h"


/* One clock of one tier: who waits now, and how it went. */


static int ngx_http_intake_json_waiting(json_t *object,
    ngx_http_intake_sla_t *sla, ngx_http_intake_lane_t *lane, ngx_uint_t n,
    int64_t now);
static json_t *ngx_http_intake_json_outcome(ngx_http_intake_tally_t *tally);
static json_t *ngx_http_intake_json_windows(ngx_http_intake_sla_t *sla,
    ngx_http_intake_lane_t *lane);
static json_t *ngx_http_intake_json_window(ngx_http_intake_sla_t *sla,
    ngx_http_intake_tally_t *tally, ngx_http_intake_tally_t *previous);
static json_t *ngx_http_intake_json_known(double n);


json_t *
ngx_http_intake_json_lane(ngx_http_intake_status_t *status,
    ngx_http_intake_source_status_t *ss, ngx_uint_t n)
{
    int                      rc;
    json_t                  *object;
    ngx_msec_t               target;
    ngx_http_intake_sla_t   *sla;
    ngx_http_intake_lane_t  *lane;

    sla = ss->source->sla;
    lane = &ss->panel->lanes[n];
    target = ngx_http_intake_lane_target(sla, n);

    object = json_object();

    rc = json_object_set_new(object, "target_seconds",
                             json_real((double) target / 1000));
    rc |= json_object_set_new(object, "objective",
                              json_real((double) sla->tiers[n / 2].objective
                                        / 1000));
    rc |= ngx_http_intake_json_waiting(object, sla, lane, n,
                                       ngx_http_intake_status_now(status));
    rc |= json_object_set_new(object, "totals",
                              ngx_http_intake_json_outcome(&lane->total));
    rc |= json_object_set_new(object, "windows",
                              ngx_http_intake_json_windows(sla, lane));

    if (rc != 0) {
        json_decref(object);
        return NULL;
    }

    return object;
}


static int
ngx_http_intake_json_waiting(json_t *object, ngx_http_intake_sla_t *sla,
    ngx_http_intake_lane_t *lane, ngx_uint_t n, int64_t now)
{
    int      rc;
    int64_t  waited, business;

    waited = ngx_max(now - lane->oldest, 0);
    business = ngx_http_intake_elapsed(sla, n, lane->oldest, now);

    rc = json_object_set_new(object, "waiting", json_integer(lane->waiting));
    rc |= json_object_set_new(object, "at_risk", json_integer(lane->at_risk));
    rc |= json_object_set_new(object, "overdue", json_integer(lane->overdue));
    rc |= json_object_set_new(object, "paused", json_integer(lane->paused));
    rc |= json_object_set_new(object, "oldest_waiting_since",
                              ngx_http_intake_json_ms(lane->oldest));
    rc |= json_object_set_new(object, "oldest_waiting_seconds",
                              ngx_http_intake_json_seconds(lane->oldest != 0,
                                                           waited * 1000));
    rc |= json_object_set_new(object, "oldest_waiting_business_seconds",
                              ngx_http_intake_json_seconds(lane->oldest != 0,
                                                           business * 1000));
    rc |= json_object_set_new(object, "next_due",
                              ngx_http_intake_json_ms(
                                 ngx_http_intake_deadline(sla, n, lane->due)));
    rc |= json_object_set_new(object, "age",
                              ngx_http_intake_json_counts(
                                                   ngx_http_intake_age_names,
                                                   lane->ages,
                                                   NGX_HTTP_INTAKE_AGES));

    return rc;
}


static json_t *
ngx_http_intake_json_outcome(ngx_http_intake_tally_t *tally)
{
    int      rc;
    json_t  *object;

    object = json_object();

    rc = json_object_set_new(object, "met", json_integer(tally->met));
    rc |= json_object_set_new(object, "breached",
                              json_integer(tally->breached));
    rc |= json_object_set_new(object, "retracted",
                              json_integer(tally->retracted));
    rc |= json_object_set_new(object, "closed_unanswered",
                              json_integer(tally->closed));

    if (rc != 0) {
        json_decref(object);
        return NULL;
    }

    return object;
}


static json_t *
ngx_http_intake_json_windows(ngx_http_intake_sla_t *sla,
    ngx_http_intake_lane_t *lane)
{
    int         rc;
    json_t     *object;
    ngx_uint_t  i;

    rc = 0;
    object = json_object();

    for (i = 0; i < NGX_HTTP_INTAKE_WINDOWS; i++) {
        rc |= json_object_set_new(object,
                          (char *) ngx_http_intake_window_names[i].data,
                          ngx_http_intake_json_window(sla, &lane->windows[i],
                                                      &lane->previous[i]));
    }

    if (rc != 0) {
        json_decref(object);
        return NULL;
    }

    return object;
}


static json_t *
ngx_http_intake_json_window(ngx_http_intake_sla_t *sla,
    ngx_http_intake_tally_t *tally, ngx_http_intake_tally_t *previous)
{
    int         rc;
    json_t     *object;
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
        const char  *key;
        ngx_uint_t   percent;
    } quantiles[] = {
        { "p50_seconds", 50 },
        { "p90_seconds", 90 },
        { "p99_seconds", 99 }
    };

    object = ngx_http_intake_json_outcome(tally);

    rc = json_object_set_new(object, "attainment",
                             ngx_http_intake_json_known(
                                         ngx_http_intake_attainment(tally)));
    rc |= json_object_set_new(object, "previous_attainment",
                              ngx_http_intake_json_known(
                                      ngx_http_intake_attainment(previous)));

    for (i = 0; i < sizeof(shares) / sizeof(shares[0]); i++) {
        rc |= json_object_set_new(object, shares[i].key,
                    ngx_http_intake_json_known(
                        ngx_http_intake_answered_within(sla, tally,
                                                        shares[i].ms)));
    }

    for (i = 0; i < sizeof(quantiles) / sizeof(quantiles[0]); i++) {
        rc |= json_object_set_new(object, quantiles[i].key,
                    ngx_http_intake_json_known(
                        ngx_http_intake_response_quantile(sla, tally,
                                                     quantiles[i].percent)));
    }

    if (rc != 0) {
        json_decref(object);
        return NULL;
    }

    return object;
}


json_t *
ngx_http_intake_json_counts(ngx_str_t *names, int64_t *n, ngx_uint_t count)
{
    int         rc;
    json_t     *object;
    ngx_uint_t  i;

    rc = 0;
    object = json_object();

    for (i = 0; i < count; i++) {
        rc |= json_object_set_new(object, (char *) names[i].data,
                                  json_integer(n[i]));
    }

    if (rc != 0) {
        json_decref(object);
        return NULL;
    }

    return object;
}


static json_t *
ngx_http_intake_json_known(double n)
{
    return n < 0 ? json_null() : json_real(n);
}
