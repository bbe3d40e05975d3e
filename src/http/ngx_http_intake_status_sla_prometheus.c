
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake_exposition.h"


/*
 * The families of what Redis knows.  A source whose panel is not there is left
 * out of them: a 0 would be read as a counter that began anew.  What the
 * configuration says is always there.
 */


/* instead of an offset: computed */
#define NGX_HTTP_INTAKE_GROUP_EXISTS  ((size_t) -1)


/* a lane of a source that has clocks */

typedef struct {
    ngx_http_intake_source_status_t  *source;
    ngx_http_intake_sla_t            *sla;
    ngx_http_intake_lane_t           *lane;     /* NULL: no panel */
    ngx_uint_t                        n;
    ngx_str_t                         tier;     /* labels: source, tier */
    ngx_str_t                         labels;   /* and the clock */
} ngx_http_intake_lane_row_t;


typedef struct {
    ngx_http_intake_writer_t         *writer;
    ngx_http_intake_lane_row_t       *rows;
    ngx_uint_t                        n;
} ngx_http_intake_lanes_t;


static ngx_int_t ngx_http_intake_lane_rows(ngx_http_intake_lanes_t *lanes);
static void ngx_http_intake_expose_readings(ngx_http_intake_writer_t *w);
static void ngx_http_intake_expose_streams(ngx_http_intake_writer_t *w);
static void ngx_http_intake_expose_stream(ngx_http_intake_writer_t *w,
    const char *name, size_t offset, const char *help);
static void ngx_http_intake_expose_groups(ngx_http_intake_writer_t *w);
static void ngx_http_intake_expose_group(ngx_http_intake_writer_t *w,
    size_t offset);
static void ngx_http_intake_expose_events(ngx_http_intake_writer_t *w);
static void ngx_http_intake_expose_counts(ngx_http_intake_writer_t *w,
    size_t offset, const char *label, ngx_str_t *names, ngx_uint_t n);
static void ngx_http_intake_expose_waiting(ngx_http_intake_lanes_t *lanes);
static void ngx_http_intake_expose_outcomes(ngx_http_intake_lanes_t *lanes);
static void ngx_http_intake_expose_responses(ngx_http_intake_lanes_t *lanes);
static void ngx_http_intake_expose_targets(ngx_http_intake_lanes_t *lanes);
static void ngx_http_intake_expose_calendars(ngx_http_intake_lanes_t *lanes);
static void ngx_http_intake_expose_lanes(ngx_http_intake_lanes_t *lanes,
    size_t offset);


void
ngx_http_intake_expose_panels(ngx_http_intake_writer_t *w)
{
    ngx_http_intake_lanes_t  lanes;

    ngx_http_intake_expose_readings(w);
    ngx_http_intake_expose_streams(w);
    ngx_http_intake_expose_groups(w);
    ngx_http_intake_expose_events(w);

    lanes.writer = w;

    if (ngx_http_intake_lane_rows(&lanes) != NGX_OK) {
        w->failed = 1;
        return;
    }

    ngx_http_intake_expose_waiting(&lanes);
    ngx_http_intake_expose_outcomes(&lanes);
    ngx_http_intake_expose_responses(&lanes);
    ngx_http_intake_expose_targets(&lanes);
    ngx_http_intake_expose_calendars(&lanes);
}


/* labels once for all families */

static ngx_int_t
ngx_http_intake_lane_rows(ngx_http_intake_lanes_t *lanes)
{
    ngx_uint_t                        i, k;
    ngx_http_intake_sla_t            *sla;
    ngx_http_intake_writer_t         *w;
    ngx_http_intake_lane_row_t       *row;
    ngx_http_intake_source_status_t  *ss;

    w = lanes->writer;

    lanes->n = 0;
    lanes->rows = ngx_pcalloc(w->pool, (w->status->nsources + 1)
                                       * NGX_HTTP_INTAKE_LANES
                                       * sizeof(ngx_http_intake_lane_row_t));
    if (lanes->rows == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < w->status->nsources; i++) {
        ss = &w->status->sources[i];
        sla = ss->source->sla;

        for (k = 0; sla && k < 2 * sla->ntiers; k++) {
            row = &lanes->rows[lanes->n++];

            row->source = ss;
            row->sla = sla;
            row->lane = ss->panel ? &ss->panel->lanes[k] : NULL;
            row->n = k;
            row->tier = w->sources[i];

            if (ngx_http_intake_add_label(w->pool, &row->tier, "tier",
                                          &sla->tiers[k / 2].name)
                != NGX_OK)
            {
                return NGX_ERROR;
            }

            row->labels = row->tier;

            if (ngx_http_intake_add_label(w->pool, &row->labels, "clock",
                                          &ngx_http_intake_lane_clocks[k & 1])
                != NGX_OK)
            {
                return NGX_ERROR;
            }
        }
    }

    return NGX_OK;
}


static void
ngx_http_intake_expose_readings(ngx_http_intake_writer_t *w)
{
    ngx_uint_t  i;

    if (w->status->nsources == 0) {
        return;
    }

    ngx_http_intake_family(w, "intake_sla_snapshot_timestamp_seconds",
                           "gauge", "seconds",
                           "When this node read from Redis what all nodes "
                           "share.");
    ngx_http_intake_sample_ms(w, NULL, w->status->fetched);

    ngx_http_intake_family(w, "intake_sla_redis_up", "gauge", NULL,
                           "Whether that has succeeded for the source.");

    for (i = 0; i < w->status->nsources; i++) {
        ngx_http_intake_sample(w, &w->sources[i], NULL, NULL, "%d",
                               w->status->sources[i].up ? 1 : 0);
    }
}


static void
ngx_http_intake_expose_streams(ngx_http_intake_writer_t *w)
{
    ngx_http_intake_expose_stream(w, "intake_stream_entries",
                            offsetof(ngx_http_intake_panel_t, entries),
                            "Entries in the stream.");

    ngx_http_intake_expose_stream(w, "intake_spam_stream_entries",
                            offsetof(ngx_http_intake_panel_t, spam),
                            "Entries in the stream of certain spam.");

    ngx_http_intake_expose_stream(w, "intake_escalation_stream_entries",
                            offsetof(ngx_http_intake_panel_t, escalations),
                            "Entries in the stream of escalations.");
}


/* -1: there is no such stream, or Redis has not told */

static void
ngx_http_intake_expose_stream(ngx_http_intake_writer_t *w, const char *name,
    size_t offset, const char *help)
{
    int64_t                   n;
    ngx_uint_t                i;
    ngx_http_intake_panel_t  *panel;

    ngx_http_intake_family(w, name, "gauge", NULL, help);

    for (i = 0; i < w->status->nsources; i++) {
        panel = w->status->sources[i].panel;

        if (panel == NULL) {
            continue;
        }

        n = *(int64_t *) ((u_char *) panel + offset);

        if (n >= 0) {
            ngx_http_intake_sample(w, &w->sources[i], NULL, NULL, "%L", n);
        }
    }
}


/*
 * A name that Redis does not know has nothing pending, and its 0 for whether
 * it is there is what an alert can see.
 */

static void
ngx_http_intake_expose_groups(ngx_http_intake_writer_t *w)
{
    ngx_http_intake_family(w, "intake_group_exists", "gauge", NULL,
                           "Whether Redis knows the consumer group.");
    ngx_http_intake_expose_group(w, NGX_HTTP_INTAKE_GROUP_EXISTS);

    ngx_http_intake_family(w, "intake_group_lag_entries", "gauge", NULL,
                           "Entries that the consumer group has not been "
                           "given.");
    ngx_http_intake_expose_group(w, offsetof(ngx_http_intake_group_t, lag));

    ngx_http_intake_family(w, "intake_group_pending_entries", "gauge", NULL,
                           "Entries that the consumer group was given and "
                           "has not acknowledged.");
    ngx_http_intake_expose_group(w,
                                 offsetof(ngx_http_intake_group_t, pending));

    ngx_http_intake_family(w, "intake_group_oldest_pending_timestamp_seconds",
                           "gauge", "seconds",
                           "When the oldest of these was stored, 0 if there "
                           "is none.");
    ngx_http_intake_expose_group(w,
                                 offsetof(ngx_http_intake_group_t, oldest));
}


static void
ngx_http_intake_expose_group(ngx_http_intake_writer_t *w, size_t offset)
{
    int64_t                   n;
    ngx_str_t                 labels, *name;
    ngx_uint_t                i, k, exists;
    ngx_array_t              *groups;
    ngx_http_intake_group_t  *group;
    ngx_http_intake_panel_t  *panel;

    for (i = 0; i < w->status->nsources; i++) {
        panel = w->status->sources[i].panel;
        groups = w->status->sources[i].source->groups;

        for (k = 0; panel && groups && k < groups->nelts; k++) {
            group = &panel->groups[k];

            exists = group->lag >= 0 || group->pending >= 0;

            if (offset == NGX_HTTP_INTAKE_GROUP_EXISTS) {
                n = exists;

            } else {
                n = *(int64_t *) ((u_char *) group + offset);
            }

            if (n < 0
                && (exists
                    || offset == offsetof(ngx_http_intake_group_t, lag)))
            {
                continue;
            }

            n = ngx_max(n, 0);

            name = groups->elts;
            labels = w->sources[i];

            if (offset == offsetof(ngx_http_intake_group_t, oldest)) {

                if (ngx_http_intake_add_label(w->pool, &labels, "group",
                                              &name[k])
                    != NGX_OK)
                {
                    w->failed = 1;
                    return;
                }

                ngx_http_intake_sample_ms(w, &labels, n);

            } else {
                ngx_http_intake_sample(w, &labels, "group", &name[k], "%L",
                                       n);
            }
        }
    }
}


static void
ngx_http_intake_expose_events(ngx_http_intake_writer_t *w)
{
    ngx_http_intake_family(w, "intake_sla_events", "counter", NULL,
                           "What the response clocks heard of, by kind.");
    ngx_http_intake_expose_counts(w,
                            offsetof(ngx_http_intake_panel_t, kinds),
                            "kind", ngx_http_intake_kinds,
                            NGX_HTTP_INTAKE_KINDS);

    ngx_http_intake_family(w, "intake_sla_event_anomalies", "counter", NULL,
                           "Events that were repeated, overtaken, answered "
                           "nothing or came from the future.");
    ngx_http_intake_expose_counts(w,
                            offsetof(ngx_http_intake_panel_t, anomalies),
                            "reason", ngx_http_intake_clock_anomalies,
                            NGX_HTTP_INTAKE_CLOCK_ANOMALIES);
}


static void
ngx_http_intake_expose_counts(ngx_http_intake_writer_t *w, size_t offset,
    const char *label, ngx_str_t *names, ngx_uint_t n)
{
    int64_t                          *counts;
    ngx_uint_t                        i, k;
    ngx_http_intake_source_status_t  *ss;

    for (i = 0; i < w->status->nsources; i++) {
        ss = &w->status->sources[i];

        if (ss->panel == NULL || ss->source->sla == NULL) {
            continue;
        }

        counts = (int64_t *) ((u_char *) ss->panel + offset);

        for (k = 0; k < n; k++) {
            ngx_http_intake_sample(w, &w->sources[i], label, &names[k], "%L",
                                   counts[k]);
        }
    }
}


static void
ngx_http_intake_expose_waiting(ngx_http_intake_lanes_t *lanes)
{
    int64_t                      due;
    ngx_uint_t                   i, k;
    ngx_http_intake_writer_t    *w;
    ngx_http_intake_lane_row_t  *row;

    w = lanes->writer;
    row = lanes->rows;

    ngx_http_intake_family(w, "intake_sla_waiting_conversations", "gauge",
                           NULL, "Conversations that wait for an answer, by "
                           "the age of the oldest unanswered message.");

    for (i = 0; i < lanes->n; i++) {
        for (k = 0; row[i].lane && k < NGX_HTTP_INTAKE_AGES; k++) {
            ngx_http_intake_sample(w, &row[i].labels, "age",
                                   &ngx_http_intake_age_names[k], "%L",
                                   row[i].lane->ages[k]);
        }
    }

    ngx_http_intake_family(w, "intake_sla_at_risk_conversations", "gauge",
                           NULL, "Those whose target has nearly passed.");
    ngx_http_intake_expose_lanes(lanes,
                            offsetof(ngx_http_intake_lane_t, at_risk));

    ngx_http_intake_family(w, "intake_sla_overdue_conversations", "gauge",
                           NULL, "Those whose target has passed.");
    ngx_http_intake_expose_lanes(lanes,
                            offsetof(ngx_http_intake_lane_t, overdue));

    ngx_http_intake_family(w, "intake_sla_oldest_waiting_timestamp_seconds",
                           "gauge", "seconds",
                           "When the oldest unanswered message was written, "
                           "0 if there is none.");

    for (i = 0; i < lanes->n; i++) {
        if (row[i].lane) {
            ngx_http_intake_sample_ms(w, &row[i].labels, row[i].lane->oldest);
        }
    }

    ngx_http_intake_family(w, "intake_sla_next_due_timestamp_seconds",
                           "gauge", "seconds",
                           "The next deadline that has not passed, 0 if "
                           "there is none.");

    for (i = 0; i < lanes->n; i++) {
        if (row[i].lane) {
            due = ngx_http_intake_deadline(row[i].sla, row[i].n,
                                           row[i].lane->due);
            ngx_http_intake_sample_ms(w, &row[i].labels, ngx_max(due, 0));
        }
    }
}


static void
ngx_http_intake_expose_outcomes(ngx_http_intake_lanes_t *lanes)
{
    ngx_http_intake_writer_t  *w;

    w = lanes->writer;

    ngx_http_intake_family(w, "intake_sla_met", "counter", NULL,
                           "Waits that were answered within the target.");
    ngx_http_intake_expose_lanes(lanes,
                            offsetof(ngx_http_intake_lane_t, total.met));

    ngx_http_intake_family(w, "intake_sla_breaches", "counter", NULL,
                           "Waits whose target has passed, counted when it "
                           "passes.");
    ngx_http_intake_expose_lanes(lanes,
                            offsetof(ngx_http_intake_lane_t, total.breached));

    ngx_http_intake_family(w, "intake_sla_breaches_retracted", "counter",
                           NULL, "Breaches whose answer turned out to be in "
                           "time.");
    ngx_http_intake_expose_lanes(lanes,
                            offsetof(ngx_http_intake_lane_t,
                                     total.retracted));

    ngx_http_intake_family(w, "intake_sla_closed_unanswered", "counter",
                           NULL, "Waits that were closed without an answer.");
    ngx_http_intake_expose_lanes(lanes,
                            offsetof(ngx_http_intake_lane_t, total.closed));
}


static void
ngx_http_intake_expose_responses(ngx_http_intake_lanes_t *lanes)
{
    ngx_uint_t                   i;
    ngx_http_intake_writer_t    *w;
    ngx_http_intake_lane_row_t  *row;

    w = lanes->writer;
    row = lanes->rows;

    ngx_http_intake_family(w, "intake_sla_response_seconds", "histogram",
                           "seconds", "How long answered waits have lasted, "
                           "by the clock on the wall.");

    for (i = 0; i < lanes->n; i++) {
        if (row[i].lane) {
            ngx_http_intake_histogram(w, &row[i].labels, row[i].sla->bounds,
                                      row[i].lane->total.wall,
                                      row[i].sla->nbounds,
                                      row[i].lane->wall_sum);
        }
    }

    ngx_http_intake_family(w, "intake_sla_response_business_seconds",
                           "histogram", "seconds",
                           "The same by the business clock.");

    for (i = 0; i < lanes->n; i++) {
        if (row[i].lane) {
            ngx_http_intake_histogram(w, &row[i].labels, row[i].sla->bounds,
                                      row[i].lane->total.business,
                                      row[i].sla->nbounds,
                                      row[i].lane->business_sum);
        }
    }
}


static void
ngx_http_intake_expose_targets(ngx_http_intake_lanes_t *lanes)
{
    ngx_uint_t                   i, objective;
    ngx_http_intake_writer_t    *w;
    ngx_http_intake_lane_row_t  *row;

    w = lanes->writer;
    row = lanes->rows;

    ngx_http_intake_family(w, "intake_sla_target_seconds", "gauge", "seconds",
                           "The configured target, of the business clock.");

    for (i = 0; i < lanes->n; i++) {
        ngx_http_intake_sample_ms(w, &row[i].labels,
                                  ngx_http_intake_lane_target(row[i].sla,
                                                              row[i].n));
    }

    ngx_http_intake_family(w, "intake_sla_objective_ratio", "gauge", "ratio",
                           "The configured share of waits that are to meet "
                           "it.");

    for (i = 0; i < lanes->n; i++) {
        objective = row[i].sla->tiers[row[i].n / 2].objective;

        ngx_http_intake_sample(w, &row[i].labels, NULL, NULL, "%ui.%03ui",
                               objective / 1000, objective % 1000);
    }
}


/* once a tier; a clock that always runs has no end */

static void
ngx_http_intake_expose_calendars(ngx_http_intake_lanes_t *lanes)
{
    int64_t                      now, change;
    ngx_uint_t                   i, open;
    ngx_http_intake_tier_t      *tier;
    ngx_http_intake_writer_t    *w;
    ngx_http_intake_lane_row_t  *row;

    w = lanes->writer;
    row = lanes->rows;
    now = ngx_http_intake_status_now(w->status);

    ngx_http_intake_family(w, "intake_sla_calendar_open", "gauge", NULL,
                           "Whether the business clock runs.");

    for (i = 0; i < lanes->n; i += 2) {
        tier = &row[i].sla->tiers[row[i].n / 2];
        open = ngx_intake_business_clock_open(ngx_http_intake_clock(tier),
                                              now, &change);

        ngx_http_intake_sample(w, &row[i].tier, NULL, NULL, "%ui", open);
    }

    ngx_http_intake_family(w, "intake_sla_calendar_end_timestamp_seconds",
                           "gauge", "seconds",
                           "Until when the calendar is known.");

    for (i = 0; i < lanes->n; i += 2) {
        tier = &row[i].sla->tiers[row[i].n / 2];

        if (tier->calendar) {
            ngx_http_intake_sample_ms(w, &row[i].tier,
                                      tier->calendar->clock.end);
        }
    }
}


static void
ngx_http_intake_expose_lanes(ngx_http_intake_lanes_t *lanes, size_t offset)
{
    int64_t                     *n;
    ngx_uint_t                   i;
    ngx_http_intake_lane_row_t  *row;

    row = lanes->rows;

    for (i = 0; i < lanes->n; i++) {
        if (row[i].lane) {
            n = (int64_t *) ((u_char *) row[i].lane + offset);

            ngx_http_intake_sample(lanes->writer, &row[i].labels, NULL, NULL,
                                   "%L", *n);
        }
    }
}
