
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake_status_json.h"


/* What Redis knows of a source: response clocks, streams, who waits. */


static json_t *ngx_http_intake_json_tiers(ngx_http_intake_status_t *status,
    ngx_http_intake_source_status_t *ss);
static json_t *ngx_http_intake_json_tier(ngx_http_intake_status_t *status,
    ngx_http_intake_source_status_t *ss, ngx_uint_t n);
static json_t *ngx_http_intake_json_calendar(ngx_http_intake_tier_t *tier,
    int64_t now);
static json_t *ngx_http_intake_json_conversations(
    ngx_http_intake_status_t *status, ngx_http_intake_source_status_t *ss);
static json_t *ngx_http_intake_json_conversation(
    ngx_http_intake_source_status_t *ss, ngx_http_intake_open_shown_t *open,
    int64_t now);
static json_t *ngx_http_intake_json_stream(
    ngx_http_intake_source_status_t *ss);
static json_t *ngx_http_intake_json_group(ngx_str_t *name,
    ngx_http_intake_group_t *group);
static json_t *ngx_http_intake_json_count(int64_t n);


json_t *
ngx_http_intake_json_snapshot(ngx_http_intake_status_t *status)
{
    int      rc;
    json_t  *object;
    int64_t  age;

    object = json_object();

    age = ngx_max(ngx_http_intake_status_now(status) - status->fetched, 0);

    rc = json_object_set_new(object, "at",
                             ngx_http_intake_json_ms(status->fetched));
    rc |= json_object_set_new(object, "age_ms",
                              status->fetched ? json_integer(age)
                                              : json_null());
    rc |= json_object_set_new(object, "revision",
                              json_integer(status->revision));
    rc |= json_object_set_new(object, "stale", json_boolean(status->stale));

    if (rc != 0) {
        json_decref(object);
        return NULL;
    }

    return object;
}


/* what is not known is null: no counter ever seems to begin anew */

int
ngx_http_intake_json_panel(json_t *object, ngx_http_intake_status_t *status,
    ngx_http_intake_source_status_t *ss, ngx_uint_t detail)
{
    int                       rc;
    json_t                   *anomalies, *counts;
    ngx_http_intake_panel_t  *panel;

    panel = ss->panel;

    rc = json_object_set_new(object, "redis_up", json_boolean(ss->up));
    rc |= json_object_set_new(object, "stream",
                              ngx_http_intake_json_stream(ss));
    rc |= json_object_set_new(object, "tiers",
                              ngx_http_intake_json_tiers(status, ss));

    if (detail) {
        rc |= json_object_set_new(object, "conversations",
                               ngx_http_intake_json_conversations(status, ss));
        rc |= json_object_set_new(object, "conversations_left_out",
                                  panel ? json_integer(panel->nmore)
                                        : json_null());
    }

    if (ss->source->sla == NULL) {
        return rc;
    }

    rc |= json_object_set_new(object, "events",
              panel ? ngx_http_intake_json_counts(ngx_http_intake_kinds,
                                                  panel->kinds,
                                                  NGX_HTTP_INTAKE_KINDS)
                    : json_null());

    if (panel == NULL) {
        return rc;
    }

    /* beside those that this node has met with */

    counts = ngx_http_intake_json_counts(ngx_http_intake_clock_anomalies,
                                         panel->anomalies,
                                         NGX_HTTP_INTAKE_CLOCK_ANOMALIES);

    anomalies = json_object_get(object, "anomalies");

    if (anomalies == NULL) {
        return rc | json_object_set_new(object, "anomalies", counts);
    }

    rc |= json_object_update(anomalies, counts);
    json_decref(counts);

    return rc;
}


static json_t *
ngx_http_intake_json_tiers(ngx_http_intake_status_t *status,
    ngx_http_intake_source_status_t *ss)
{
    int                     rc;
    json_t                 *array;
    ngx_uint_t              i;
    ngx_http_intake_sla_t  *sla;

    sla = ss->source->sla;

    if (sla && ss->panel == NULL) {
        return json_null();
    }

    rc = 0;
    array = json_array();

    for (i = 0; sla && i < sla->ntiers; i++) {
        rc |= json_array_append_new(array,
                                    ngx_http_intake_json_tier(status, ss, i));
    }

    if (rc != 0) {
        json_decref(array);
        return NULL;
    }

    return array;
}


static json_t *
ngx_http_intake_json_tier(ngx_http_intake_status_t *status,
    ngx_http_intake_source_status_t *ss, ngx_uint_t n)
{
    int                      rc;
    json_t                  *object, *clocks;
    ngx_http_intake_tier_t  *tier;

    tier = &ss->source->sla->tiers[n];

    object = json_object();
    clocks = json_object();

    rc = json_object_set_new(clocks, "first",
                             ngx_http_intake_json_lane(status, ss, 2 * n));
    rc |= json_object_set_new(clocks, "next",
                              ngx_http_intake_json_lane(status, ss,
                                                        2 * n + 1));

    rc |= json_object_set_new(object, "name",
                              ngx_http_intake_json_name(&tier->name));
    rc |= json_object_set_new(object, "calendar",
                              ngx_http_intake_json_calendar(tier,
                                          ngx_http_intake_status_now(status)));
    rc |= json_object_set_new(object, "clocks", clocks);

    if (rc != 0) {
        json_decref(object);
        return NULL;
    }

    return object;
}


static json_t *
ngx_http_intake_json_calendar(ngx_http_intake_tier_t *tier, int64_t now)
{
    int                          rc;
    json_t                      *object;
    int64_t                      change, end;
    ngx_str_t                    timezone;
    ngx_uint_t                   open, weight;
    ngx_http_intake_calendar_t  *calendar;

    calendar = tier->calendar;

    ngx_str_set(&timezone, "UTC");
    weight = NGX_INTAKE_WEIGHT_ONE;
    end = 0;

    if (calendar) {
        timezone = calendar->timezone;
        weight = calendar->calendar.weekend_weight;
        end = calendar->clock.end;
    }

    open = ngx_intake_business_clock_open(ngx_http_intake_clock(tier), now,
                                          &change);

    /* beyond the end of the calendar nothing is known */

    if (change >= end) {
        change = 0;
    }

    object = json_object();

    rc = json_object_set_new(object, "name",
                             ngx_http_intake_json_name(&tier->calendar_name));
    rc |= json_object_set_new(object, "timezone",
                              ngx_http_intake_json_name(&timezone));
    rc |= json_object_set_new(object, "open", json_boolean(open));
    rc |= json_object_set_new(object, "changes_at",
                              ngx_http_intake_json_ms(change));
    rc |= json_object_set_new(object, "known_until",
                              ngx_http_intake_json_ms(end));
    rc |= json_object_set_new(object, "weekend_weight",
                              json_real((double) weight
                                        / NGX_INTAKE_WEIGHT_ONE));

    if (rc != 0) {
        json_decref(object);
        return NULL;
    }

    return object;
}


static json_t *
ngx_http_intake_json_conversations(ngx_http_intake_status_t *status,
    ngx_http_intake_source_status_t *ss)
{
    int       rc;
    json_t   *array;
    int64_t   i, now;

    if (ss->panel == NULL && ss->source->sla) {
        return json_null();
    }

    rc = 0;
    array = json_array();
    now = ngx_http_intake_status_now(status);

    for (i = 0; ss->source->sla && i < ss->panel->nopen; i++) {
        rc |= json_array_append_new(array,
                          ngx_http_intake_json_conversation(ss,
                                                    &ss->panel->open[i], now));
    }

    if (rc != 0) {
        json_decref(array);
        return NULL;
    }

    return array;
}


static json_t *
ngx_http_intake_json_conversation(ngx_http_intake_source_status_t *ss,
    ngx_http_intake_open_shown_t *open, int64_t now)
{
    int                     rc;
    u_char                  ref[NGX_HTTP_INTAKE_REF_LEN];
    json_t                 *object;
    int64_t                 due, exhausted, late;
    ngx_http_intake_sla_t  *sla;

    sla = ss->source->sla;

    if (ngx_http_intake_open_ref(ss, open, ref) != NGX_OK) {
        return NULL;
    }

    due = ngx_http_intake_deadline(sla, open->lane, open->due);
    exhausted = ngx_http_intake_exhausted(sla, open->lane, open->due,
                                          open->since);
    late = 0;

    if (open->state == NGX_HTTP_INTAKE_OPEN_OVERDUE && due > 0) {
        late = ngx_http_intake_elapsed(sla, open->lane, due, now);
    }

    object = json_object();

    rc = json_object_set_new(object, "ref",
                             json_stringn((char *) ref, sizeof(ref)));
    rc |= json_object_set_new(object, "tier",
              ngx_http_intake_json_name(&sla->tiers[open->lane / 2].name));
    rc |= json_object_set_new(object, "clock",
              ngx_http_intake_json_name(
                           &ngx_http_intake_lane_clocks[open->lane & 1]));
    rc |= json_object_set_new(object, "waiting_since",
                              ngx_http_intake_json_ms(open->since));
    rc |= json_object_set_new(object, "due", ngx_http_intake_json_ms(due));
    rc |= json_object_set_new(object, "exhausted_at",
                              ngx_http_intake_json_ms(exhausted));
    rc |= json_object_set_new(object, "state",
              ngx_http_intake_json_name(
                              &ngx_http_intake_open_states[open->state]));
    rc |= json_object_set_new(object, "overdue_business_seconds",
                              ngx_http_intake_json_seconds(1, late * 1000));

    if (rc != 0) {
        json_decref(object);
        return NULL;
    }

    return object;
}


/* spam and escalations only where there are such streams */

static json_t *
ngx_http_intake_json_stream(ngx_http_intake_source_status_t *ss)
{
    int                        rc;
    json_t                    *object, *groups;
    ngx_str_t                 *names;
    ngx_uint_t                 i;
    ngx_http_intake_panel_t   *panel;
    ngx_http_intake_source_t  *source;

    panel = ss->panel;
    source = ss->source;

    if (panel == NULL) {
        return json_null();
    }

    object = json_object();
    groups = json_array();

    rc = json_object_set_new(object, "entries",
                             ngx_http_intake_json_count(panel->entries));

    if (source->form) {
        rc |= json_object_set_new(object, "spam",
                                  ngx_http_intake_json_count(panel->spam));
    }

    if (source->sla) {
        rc |= json_object_set_new(object, "escalations",
                              ngx_http_intake_json_count(panel->escalations));
    }

    if (source->groups) {
        names = source->groups->elts;

        for (i = 0; i < source->groups->nelts; i++) {
            rc |= json_array_append_new(groups,
                                  ngx_http_intake_json_group(&names[i],
                                                         &panel->groups[i]));
        }
    }

    rc |= json_object_set_new(object, "groups", groups);

    if (rc != 0) {
        json_decref(object);
        return NULL;
    }

    return object;
}


static json_t *
ngx_http_intake_json_group(ngx_str_t *name, ngx_http_intake_group_t *group)
{
    int      rc;
    json_t  *object;

    object = json_object();

    rc = json_object_set_new(object, "name", ngx_http_intake_json_name(name));
    rc |= json_object_set_new(object, "lag",
                              ngx_http_intake_json_count(group->lag));
    rc |= json_object_set_new(object, "pending",
                              ngx_http_intake_json_count(group->pending));
    rc |= json_object_set_new(object, "oldest_pending",
                              ngx_http_intake_json_ms(group->oldest));

    if (rc != 0) {
        json_decref(object);
        return NULL;
    }

    return object;
}


static json_t *
ngx_http_intake_json_count(int64_t n)
{
    return n < 0 ? json_null() : json_integer(n);
}
