
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake_status_json.h"


/* What Redis knows of a source: response clocks, streams, who waits. */


static void ngx_http_intake_json_tiers(ngx_http_intake_json_t *json,
    ngx_http_intake_status_t *status, ngx_http_intake_source_status_t *ss);
static void ngx_http_intake_json_tier(ngx_http_intake_json_t *json,
    ngx_http_intake_status_t *status, ngx_http_intake_source_status_t *ss,
    ngx_uint_t n);
static void ngx_http_intake_json_calendar(ngx_http_intake_json_t *json,
    ngx_http_intake_tier_t *tier, int64_t now);
static void ngx_http_intake_json_conversations(ngx_http_intake_json_t *json,
    ngx_http_intake_status_t *status, ngx_http_intake_source_status_t *ss);
static void ngx_http_intake_json_conversation(ngx_http_intake_json_t *json,
    ngx_http_intake_source_status_t *ss, ngx_http_intake_open_shown_t *open,
    int64_t now);
static void ngx_http_intake_json_stream(ngx_http_intake_json_t *json,
    ngx_http_intake_source_status_t *ss);
static void ngx_http_intake_json_group(ngx_http_intake_json_t *json,
    ngx_str_t *name, ngx_http_intake_group_t *group);


void
ngx_http_intake_json_snapshot(ngx_http_intake_json_t *json,
    ngx_http_intake_status_t *status)
{
    int64_t  age;

    age = ngx_max(ngx_http_intake_status_now(status) - status->fetched, 0);

    ngx_http_intake_json_object(json, "snapshot");

    ngx_http_intake_json_ms(json, "at", status->fetched);
    ngx_http_intake_json_count(json, "age_ms", status->fetched ? age : -1);
    ngx_http_intake_json_integer(json, "revision", status->revision);
    ngx_http_intake_json_flag(json, "stale", status->stale);

    ngx_http_intake_json_object_end(json);
}


/* what is not known is null: no counter ever seems to begin anew */

void
ngx_http_intake_json_panel(ngx_http_intake_json_t *json,
    ngx_http_intake_status_t *status, ngx_http_intake_source_status_t *ss,
    ngx_uint_t detail)
{
    ngx_http_intake_json_flag(json, "redis_up", ss->up);
    ngx_http_intake_json_stream(json, ss);
    ngx_http_intake_json_tiers(json, status, ss);

    if (detail) {
        ngx_http_intake_json_conversations(json, status, ss);
        ngx_http_intake_json_count(json, "conversations_left_out",
                                   ss->panel ? (int64_t) ss->panel->nmore
                                             : -1);
    }

    if (ss->source->sla == NULL) {
        return;
    }

    if (ss->panel == NULL) {
        ngx_http_intake_json_null(json, "events");
        return;
    }

    ngx_http_intake_json_object(json, "events");
    ngx_http_intake_json_counts(json, ngx_http_intake_kinds, ss->panel->kinds,
                                NGX_HTTP_INTAKE_KINDS);
    ngx_http_intake_json_object_end(json);
}


static void
ngx_http_intake_json_tiers(ngx_http_intake_json_t *json,
    ngx_http_intake_status_t *status, ngx_http_intake_source_status_t *ss)
{
    ngx_uint_t              i;
    ngx_http_intake_sla_t  *sla;

    sla = ss->source->sla;

    if (sla && ss->panel == NULL) {
        ngx_http_intake_json_null(json, "tiers");
        return;
    }

    ngx_http_intake_json_array(json, "tiers");

    for (i = 0; sla && i < sla->ntiers; i++) {
        ngx_http_intake_json_tier(json, status, ss, i);
    }

    ngx_http_intake_json_array_end(json);
}


static void
ngx_http_intake_json_tier(ngx_http_intake_json_t *json,
    ngx_http_intake_status_t *status, ngx_http_intake_source_status_t *ss,
    ngx_uint_t n)
{
    ngx_http_intake_tier_t  *tier;

    tier = &ss->source->sla->tiers[n];

    ngx_http_intake_json_object(json, NULL);

    ngx_http_intake_json_text(json, "name", &tier->name);
    ngx_http_intake_json_calendar(json, tier,
                                  ngx_http_intake_status_now(status));

    ngx_http_intake_json_object(json, "clocks");
    ngx_http_intake_json_lane(json, status, ss, 2 * n);
    ngx_http_intake_json_lane(json, status, ss, 2 * n + 1);
    ngx_http_intake_json_object_end(json);

    ngx_http_intake_json_object_end(json);
}


static void
ngx_http_intake_json_calendar(ngx_http_intake_json_t *json,
    ngx_http_intake_tier_t *tier, int64_t now)
{
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

    ngx_http_intake_json_object(json, "calendar");

    ngx_http_intake_json_text(json, "name", &tier->calendar_name);
    ngx_http_intake_json_text(json, "timezone", &timezone);
    ngx_http_intake_json_flag(json, "open", open ? 1 : 0);
    ngx_http_intake_json_ms(json, "changes_at", change);
    ngx_http_intake_json_ms(json, "known_until", end);
    ngx_http_intake_json_real(json, "weekend_weight",
                              (double) weight / NGX_INTAKE_WEIGHT_ONE);

    ngx_http_intake_json_object_end(json);
}


static void
ngx_http_intake_json_conversations(ngx_http_intake_json_t *json,
    ngx_http_intake_status_t *status, ngx_http_intake_source_status_t *ss)
{
    int64_t  i, now;

    if (ss->panel == NULL && ss->source->sla) {
        ngx_http_intake_json_null(json, "conversations");
        return;
    }

    now = ngx_http_intake_status_now(status);

    ngx_http_intake_json_array(json, "conversations");

    for (i = 0; ss->source->sla && i < ss->panel->nopen; i++) {
        ngx_http_intake_json_conversation(json, ss, &ss->panel->open[i], now);
    }

    ngx_http_intake_json_array_end(json);
}


static void
ngx_http_intake_json_conversation(ngx_http_intake_json_t *json,
    ngx_http_intake_source_status_t *ss, ngx_http_intake_open_shown_t *open,
    int64_t now)
{
    u_char                  buf[NGX_HTTP_INTAKE_REF_LEN];
    int64_t                 due, exhausted, late;
    ngx_str_t               ref;
    ngx_http_intake_sla_t  *sla;

    sla = ss->source->sla;

    if (ngx_http_intake_open_ref(ss, open, buf) != NGX_OK) {
        json->failed = 1;
        return;
    }

    ref.data = buf;
    ref.len = sizeof(buf);

    due = ngx_http_intake_deadline(sla, open->lane, open->due);
    exhausted = ngx_http_intake_exhausted(sla, open->lane, open->due,
                                          open->since);
    late = 0;

    if (open->state == NGX_HTTP_INTAKE_OPEN_OVERDUE && due > 0) {
        late = ngx_http_intake_elapsed(sla, open->lane, due, now);
    }

    ngx_http_intake_json_object(json, NULL);

    ngx_http_intake_json_text(json, "ref", &ref);
    ngx_http_intake_json_text(json, "tier", &sla->tiers[open->lane / 2].name);
    ngx_http_intake_json_text(json, "clock",
                              &ngx_http_intake_lane_clocks[open->lane & 1]);
    ngx_http_intake_json_ms(json, "waiting_since", open->since);
    ngx_http_intake_json_ms(json, "due", due);
    ngx_http_intake_json_ms(json, "exhausted_at", exhausted);
    ngx_http_intake_json_text(json, "state",
                              &ngx_http_intake_open_states[open->state]);
    ngx_http_intake_json_seconds(json, "overdue_business_seconds", 1,
                                 late * 1000);

    ngx_http_intake_json_object_end(json);
}


/* spam and escalations only where there are such streams */

static void
ngx_http_intake_json_stream(ngx_http_intake_json_t *json,
    ngx_http_intake_source_status_t *ss)
{
    ngx_str_t                 *names;
    ngx_uint_t                 i;
    ngx_http_intake_panel_t   *panel;
    ngx_http_intake_source_t  *source;

    panel = ss->panel;
    source = ss->source;

    if (panel == NULL) {
        ngx_http_intake_json_null(json, "stream");
        return;
    }

    ngx_http_intake_json_object(json, "stream");

    ngx_http_intake_json_count(json, "entries", panel->entries);

    if (source->form) {
        ngx_http_intake_json_count(json, "spam", panel->spam);
    }

    if (source->sla) {
        ngx_http_intake_json_count(json, "escalations", panel->escalations);
    }

    ngx_http_intake_json_array(json, "groups");

    if (source->groups) {
        names = source->groups->elts;

        for (i = 0; i < source->groups->nelts; i++) {
            ngx_http_intake_json_group(json, &names[i], &panel->groups[i]);
        }
    }

    ngx_http_intake_json_array_end(json);
    ngx_http_intake_json_object_end(json);
}


static void
ngx_http_intake_json_group(ngx_http_intake_json_t *json, ngx_str_t *name,
    ngx_http_intake_group_t *group)
{
    ngx_http_intake_json_object(json, NULL);

    ngx_http_intake_json_text(json, "name", name);
    ngx_http_intake_json_count(json, "lag", group->lag);
    ngx_http_intake_json_count(json, "pending", group->pending);
    ngx_http_intake_json_ms(json, "oldest_pending", group->oldest);

    ngx_http_intake_json_object_end(json);
}
