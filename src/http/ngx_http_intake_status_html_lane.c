
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake_status_html.h"


/* The cells of a lane: who waits, until when, and how it went. */


static void ngx_http_intake_put_waits(ngx_http_intake_writer_t *w,
    ngx_http_intake_status_page_t *page, ngx_http_intake_lane_t *lane);
static void ngx_http_intake_put_next_due(ngx_http_intake_writer_t *w,
    ngx_http_intake_status_page_t *page, ngx_http_intake_sla_t *sla,
    ngx_http_intake_lane_t *lane, ngx_uint_t i);
static void ngx_http_intake_put_attainment(ngx_http_intake_writer_t *w,
    ngx_http_intake_tally_t *tally, ngx_http_intake_tally_t *previous,
    ngx_uint_t objective);
static void ngx_http_intake_put_quantile(ngx_http_intake_writer_t *w,
    ngx_http_intake_sla_t *sla, ngx_uint_t i,
    ngx_http_intake_tally_t *tally, ngx_uint_t percent);


void
ngx_http_intake_put_lane(ngx_http_intake_writer_t *w,
    ngx_http_intake_status_page_t *page, ngx_http_intake_source_status_t *ss,
    ngx_uint_t i)
{
    ngx_uint_t               k, objective;
    ngx_http_intake_sla_t   *sla;
    ngx_http_intake_lane_t  *lane;
    ngx_http_intake_sums_t   sums;

    sla = ss->source->sla;
    lane = &ss->panel->lanes[i];
    objective = sla->tiers[i / 2].objective;

    sums.waiting = lane->waiting;
    sums.at_risk = lane->at_risk;
    sums.overdue = lane->overdue;

    ngx_http_intake_put(w, "<td>");
    ngx_http_intake_put_state(w, ngx_http_intake_calm_state(&sums), NULL);
    ngx_http_intake_put(w, "</td>");

    ngx_http_intake_put_waits(w, page, lane);
    ngx_http_intake_put_next_due(w, page, sla, lane, i);

    for (k = 0; k < 2; k++) {
        ngx_http_intake_put_attainment(w, &lane->windows[k],
                                       &lane->previous[k], objective);
    }

    ngx_http_intake_put_quantile(w, sla, i, &lane->windows[1], 50);
    ngx_http_intake_put_quantile(w, sla, i, &lane->windows[1], 90);

    ngx_http_intake_put(w, "<td>");
    ngx_http_intake_put_span(w, ngx_http_intake_lane_target(sla, i));
    ngx_http_intake_put(w, " <small>");
    ngx_http_intake_put_percent(w, (double) objective / 1000);
    ngx_http_intake_put(w, "</small></td>");
}


static void
ngx_http_intake_put_waits(ngx_http_intake_writer_t *w,
    ngx_http_intake_status_page_t *page, ngx_http_intake_lane_t *lane)
{
    ngx_http_intake_put(w, "<td>");
    ngx_http_intake_put_number(w, lane->waiting);

    if (lane->paused) {
        ngx_http_intake_put(w, " <small>");
        ngx_http_intake_put_number(w, lane->paused);
        ngx_http_intake_put(w, " paused</small>");
    }

    ngx_http_intake_put(w, "</td><td>");
    ngx_http_intake_put_number(w, lane->at_risk);
    ngx_http_intake_put(w, "</td><td>");
    ngx_http_intake_put_number(w, lane->overdue);
    ngx_http_intake_put(w, "</td><td>");

    if (lane->oldest) {
        ngx_http_intake_put_distance(w, page, lane->oldest);
    }

    ngx_http_intake_put(w, "</td>");
}


/*
 * What people expect to read is when the time is used up.  Where that has
 * passed and nobody is overdue it is night, and the next opening decides.
 */

static void
ngx_http_intake_put_next_due(ngx_http_intake_writer_t *w,
    ngx_http_intake_status_page_t *page, ngx_http_intake_sla_t *sla,
    ngx_http_intake_lane_t *lane, ngx_uint_t i)
{
    int64_t                  time;
    ngx_http_intake_tier_t  *tier;

    tier = &sla->tiers[i / 2];

    time = ngx_http_intake_exhausted(sla, i, lane->due, 0);

    if (time < page->now) {
        time = ngx_http_intake_deadline(sla, i, lane->due);
    }

    ngx_http_intake_put(w, "<td>");

    if (time > 0) {
        ngx_http_intake_put_clock(w, page,
                                  tier->calendar ? &tier->calendar->zone
                                                 : NULL,
                                  time);
        ngx_http_intake_put(w, " <small>in ");
        ngx_http_intake_put_span(w, time - page->now);
        ngx_http_intake_put(w, "</small>");
    }

    ngx_http_intake_put(w, "</td>");
}


static void
ngx_http_intake_put_attainment(ngx_http_intake_writer_t *w,
    ngx_http_intake_tally_t *tally, ngx_http_intake_tally_t *previous,
    ngx_uint_t objective)
{
    double      share, before;
    ngx_uint_t  low;

    share = ngx_http_intake_attainment(tally);
    before = ngx_http_intake_attainment(previous);

    if (share < 0) {
        ngx_http_intake_put(w, "<td></td>");
        return;
    }

    low = share * 1000 < (double) objective;

    ngx_http_intake_put(w, low ? "<td class=\"low\">" : "<td>");
    ngx_http_intake_put_percent(w, share);

    if (before >= 0) {
        ngx_http_intake_put(w, " <span title=\"before: ");
        ngx_http_intake_put_percent(w, before);
        ngx_http_intake_put(w, "\">");
        ngx_http_intake_put(w, share > before ? "\xE2\x86\x91"
                               : share < before ? "\xE2\x86\x93"
                               : "\xE2\x86\x92");
        ngx_http_intake_put(w, "</span>");
    }

    ngx_http_intake_put(w, low ? " low</td>" : "</td>");
}


/* how long people waited; with a calendar also how long in its hours */

static void
ngx_http_intake_put_quantile(ngx_http_intake_writer_t *w,
    ngx_http_intake_sla_t *sla, ngx_uint_t i, ngx_http_intake_tally_t *tally,
    ngx_uint_t percent)
{
    double  wall, business;

    wall = ngx_http_intake_response_quantile(sla, tally->wall, percent);
    business = ngx_http_intake_response_quantile(sla, tally->business,
                                                 percent);
    ngx_http_intake_put(w, "<td>");

    if (wall >= 0) {
        ngx_http_intake_put_span(w, (int64_t) (wall * 1000));

        if (business >= 0 && sla->tiers[i / 2].calendar) {
            ngx_http_intake_put(w, " <small>open ");
            ngx_http_intake_put_span(w, (int64_t) (business * 1000));
            ngx_http_intake_put(w, "</small>");
        }
    }

    ngx_http_intake_put(w, "</td>");
}
