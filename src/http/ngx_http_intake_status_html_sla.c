
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake_status_html.h"


/* Who waits: a table for the sources of each state, and the overdue. */


typedef struct {
    const char                     *class;
    const char                     *word;
    const char                     *caption;
} ngx_http_intake_calm_text_t;


static void ngx_http_intake_rank_source(ngx_http_intake_ranked_t *ranked,
    ngx_http_intake_source_status_t *ss);
static int ngx_libc_cdecl ngx_http_intake_compare_ranked(const void *one,
    const void *two);
static void ngx_http_intake_find_late(ngx_http_intake_status_page_t *page,
    ngx_http_intake_source_status_t *ss);
static void ngx_http_intake_put_lanes_head(ngx_http_intake_writer_t *w,
    ngx_http_intake_calm_e state, ngx_uint_t n);
static void ngx_http_intake_put_source(ngx_http_intake_writer_t *w,
    ngx_http_intake_status_page_t *page, ngx_http_intake_source_status_t *ss);
static ngx_uint_t ngx_http_intake_rank_lanes(
    ngx_http_intake_source_status_t *ss, ngx_uint_t *order);
static ngx_uint_t ngx_http_intake_tell_hours(ngx_http_intake_sla_t *sla,
    ngx_uint_t *order, ngx_uint_t k);
static void ngx_http_intake_put_lane_name(ngx_http_intake_writer_t *w,
    ngx_http_intake_sla_t *sla, ngx_uint_t i);
static void ngx_http_intake_put_hours(ngx_http_intake_writer_t *w,
    ngx_http_intake_status_page_t *page, ngx_http_intake_tier_t *tier);
static void ngx_http_intake_put_late_row(ngx_http_intake_writer_t *w,
    ngx_http_intake_status_page_t *page, ngx_http_intake_late_t *late);


static ngx_http_intake_calm_text_t
    ngx_http_intake_calm_texts[NGX_HTTP_INTAKE_CALM_STATES] =
{
    { "calm", "calm", "Calm" },
    { "wait", "waiting", "Waiting" },
    { "risk", "at risk", "At risk" },
    { "late", "overdue", "Overdue" }
};


ngx_int_t
ngx_http_intake_rank_sources(ngx_http_intake_status_page_t *page,
    ngx_pool_t *pool)
{
    ngx_uint_t                        i;
    ngx_http_intake_ranked_t         *ranked;
    ngx_http_intake_source_status_t  *ss;

    page->ranked = ngx_palloc(pool, (page->status->nsources + 1)
                                    * sizeof(ngx_http_intake_ranked_t));
    if (page->ranked == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < page->status->nsources; i++) {
        ss = &page->status->sources[i];

        if (ss->source->sla == NULL || ss->panel == NULL) {
            continue;
        }

        ranked = &page->ranked[page->nranked++];

        ngx_http_intake_rank_source(ranked, ss);
        ngx_http_intake_find_late(page, ss);

        page->sums.waiting += ranked->sums.waiting;
        page->sums.at_risk += ranked->sums.at_risk;
        page->sums.overdue += ranked->sums.overdue;
    }

    ngx_qsort(page->ranked, page->nranked, sizeof(ngx_http_intake_ranked_t),
              ngx_http_intake_compare_ranked);

    return NGX_OK;
}


static void
ngx_http_intake_rank_source(ngx_http_intake_ranked_t *ranked,
    ngx_http_intake_source_status_t *ss)
{
    ngx_uint_t               i;
    ngx_http_intake_lane_t  *lane;

    ngx_memzero(ranked, sizeof(ngx_http_intake_ranked_t));

    ranked->ss = ss;

    for (i = 0; i < 2 * ss->source->sla->ntiers; i++) {
        lane = &ss->panel->lanes[i];

        ranked->sums.waiting += lane->waiting;
        ranked->sums.at_risk += lane->at_risk;
        ranked->sums.overdue += lane->overdue;
    }

    ranked->state = ngx_http_intake_calm_state(&ranked->sums);
}


/* equals stay in the order of the configuration */

static int ngx_libc_cdecl
ngx_http_intake_compare_ranked(const void *one, const void *two)
{
    int64_t                          diff;
    const ngx_http_intake_ranked_t  *a, *b;

    a = one;
    b = two;

    diff = b->sums.overdue - a->sums.overdue;

    if (diff == 0) {
        diff = b->sums.at_risk - a->sums.at_risk;
    }

    if (diff == 0) {
        diff = b->sums.waiting - a->sums.waiting;
    }

    if (diff == 0) {
        diff = (int64_t) a->ss->source->index - (int64_t) b->ss->source->index;
    }

    return (diff > 0) - (diff < 0);
}


/* puts each where it belongs among those who are the latest so far */

static void
ngx_http_intake_find_late(ngx_http_intake_status_page_t *page,
    ngx_http_intake_source_status_t *ss)
{
    int64_t                        i, by;
    ngx_uint_t                     n;
    ngx_http_intake_open_shown_t  *open;

    if (!page->detail) {
        return;
    }

    for (i = 0; i < ss->panel->nopen; i++) {
        open = &ss->panel->open[i];

        if (open->state != NGX_HTTP_INTAKE_OPEN_OVERDUE) {
            break;
        }

        by = ngx_http_intake_overdue(ss->source->sla, open, page->now);
        n = page->nlate;

        if (n < NGX_HTTP_INTAKE_LATE_SHOWN) {
            page->nlate++;

        } else if (page->late[--n].by >= by) {
            continue;
        }

        while (n && page->late[n - 1].by < by) {
            page->late[n] = page->late[n - 1];
            n--;
        }

        page->late[n].ss = ss;
        page->late[n].open = open;
        page->late[n].by = by;
    }
}


ngx_http_intake_calm_e
ngx_http_intake_calm_state(ngx_http_intake_sums_t *sums)
{
    if (sums->overdue) {
        return NGX_HTTP_INTAKE_OVERDUE;
    }

    if (sums->at_risk) {
        return NGX_HTTP_INTAKE_AT_RISK;
    }

    return sums->waiting ? NGX_HTTP_INTAKE_WAITING : NGX_HTTP_INTAKE_CALM;
}


const char *
ngx_http_intake_calm_word(ngx_http_intake_calm_e state)
{
    return ngx_http_intake_calm_texts[state].word;
}


const char *
ngx_http_intake_calm_class(ngx_http_intake_calm_e state)
{
    return ngx_http_intake_calm_texts[state].class;
}


void
ngx_http_intake_put_state(ngx_http_intake_writer_t *w,
    ngx_http_intake_calm_e state, const char *word)
{
    ngx_http_intake_calm_text_t  *text;

    text = &ngx_http_intake_calm_texts[state];

    ngx_http_intake_put(w, "<b class=\"");
    ngx_http_intake_put(w, text->class);
    ngx_http_intake_put(w, "\">");
    ngx_http_intake_put(w, word ? word : text->word);
    ngx_http_intake_put(w, "</b>");
}


void
ngx_http_intake_put_lanes(ngx_http_intake_writer_t *w,
    ngx_http_intake_status_page_t *page)
{
    ngx_uint_t                 i, end;
    ngx_http_intake_ranked_t  *ranked;

    ranked = page->ranked;

    for (i = 0; i < page->nranked; i = end) {

        for (end = i + 1; end < page->nranked; end++) {
            if (ranked[end].state != ranked[i].state) {
                break;
            }
        }

        ngx_http_intake_put_lanes_head(w, ranked[i].state, end - i);

        for ( /* void */ ; i < end; i++) {
            ngx_http_intake_put_source(w, page, ranked[i].ss);
        }

        ngx_http_intake_put(w, "</tbody></table></div>\n");
    }
}


static void
ngx_http_intake_put_lanes_head(ngx_http_intake_writer_t *w,
    ngx_http_intake_calm_e state, ngx_uint_t n)
{
    ngx_http_intake_put(w, "<div><table class=\"cards lanes\">\n<caption>");
    ngx_http_intake_put(w, ngx_http_intake_calm_texts[state].caption);
    ngx_http_intake_put(w, " <small>");
    ngx_http_intake_put_count(w, n, "source", "sources");
    ngx_http_intake_put(w,
        "</small></caption>\n"
        "<thead><tr><th>Source</th>"
        "<th>State</th>"
        "<th>Waiting</th>"
        "<th>At risk</th>"
        "<th>Overdue</th>"
        "<th>Oldest</th>"
        "<th>Next due</th>"
        "<th>Attainment 24 h</th>"
        "<th>Attainment 7 d</th>"
        "<th>p50 7 d</th>"
        "<th>p90 7 d</th>"
        "<th>Target</th></tr></thead>\n"
        "<tbody>\n");
}


/* the lanes of a source, the worst first; the first has the link */

static void
ngx_http_intake_put_source(ngx_http_intake_writer_t *w,
    ngx_http_intake_status_page_t *page, ngx_http_intake_source_status_t *ss)
{
    ngx_uint_t              k, n, order[NGX_HTTP_INTAKE_LANES];
    ngx_http_intake_sla_t  *sla;

    sla = ss->source->sla;
    n = ngx_http_intake_rank_lanes(ss, order);

    for (k = 0; k < n; k++) {
        ngx_http_intake_put(w, "<tr><th scope=\"row\">");

        if (k == 0) {
            ngx_http_intake_put(w, "<a href=\"?source=");
            ngx_http_intake_put_text(w, &ss->name);
            ngx_http_intake_put(w, "\">");
        }

        ngx_http_intake_put_text(w, &ss->name);
        ngx_http_intake_put(w, k == 0 ? "</a> " : " ");
        ngx_http_intake_put_lane_name(w, sla, order[k]);

        if (ngx_http_intake_tell_hours(sla, order, k)) {
            ngx_http_intake_put_hours(w, page, &sla->tiers[order[k] / 2]);
        }

        ngx_http_intake_put(w, "</th>");
        ngx_http_intake_put_lane(w, page, ss, order[k]);
        ngx_http_intake_put(w, "</tr>\n");
    }
}


/* equals stay in the order of the configuration; returns how many there are */

static ngx_uint_t
ngx_http_intake_rank_lanes(ngx_http_intake_source_status_t *ss,
    ngx_uint_t *order)
{
    int64_t                  diff;
    ngx_uint_t               i, k, n;
    ngx_http_intake_lane_t  *lane, *before;

    n = 2 * ss->source->sla->ntiers;

    for (i = 0; i < n; i++) {
        lane = &ss->panel->lanes[i];

        for (k = i; k; k--) {
            before = &ss->panel->lanes[order[k - 1]];
            diff = lane->overdue - before->overdue;

            if (diff == 0) {
                diff = lane->at_risk - before->at_risk;
            }

            if (diff == 0) {
                diff = lane->waiting - before->waiting;
            }

            if (diff <= 0) {
                break;
            }

            order[k] = order[k - 1];
        }

        order[k] = i;
    }

    return n;
}


/* once for the source, if all tiers have one calendar; else once a tier */

static ngx_uint_t
ngx_http_intake_tell_hours(ngx_http_intake_sla_t *sla, ngx_uint_t *order,
    ngx_uint_t k)
{
    ngx_uint_t  i, one;

    one = 1;

    for (i = 1; i < sla->ntiers; i++) {
        if (sla->tiers[i].calendar != sla->tiers[0].calendar) {
            one = 0;
        }
    }

    for (i = 0; i < k; i++) {
        if (one || order[i] / 2 == order[k] / 2) {
            return 0;
        }
    }

    return 1;
}


/* the tier only where there are several */

static void
ngx_http_intake_put_lane_name(ngx_http_intake_writer_t *w,
    ngx_http_intake_sla_t *sla, ngx_uint_t i)
{
    if (sla->ntiers > 1) {
        ngx_http_intake_put_text(w, &sla->tiers[i / 2].name);
        ngx_http_intake_put(w, " ");
    }

    ngx_http_intake_put_text(w, &ngx_http_intake_lane_clocks[i & 1]);
}


/* whose time it is, and whether the clock runs */

static void
ngx_http_intake_put_hours(ngx_http_intake_writer_t *w,
    ngx_http_intake_status_page_t *page, ngx_http_intake_tier_t *tier)
{
    int64_t                      change;
    ngx_uint_t                   open;
    ngx_http_intake_calendar_t  *calendar;

    calendar = tier->calendar;

    if (calendar == NULL) {
        return;
    }

    open = ngx_intake_business_clock_open(&calendar->clock, page->now,
                                          &change);

    ngx_http_intake_put(w, " <small>");
    ngx_http_intake_put_text(w, &calendar->timezone);
    ngx_http_intake_put(w, open ? ", open" : ", closed");

    if (change < calendar->clock.end) {
        ngx_http_intake_put(w, " until ");
        ngx_http_intake_put_clock(w, page, &calendar->zone, change);
    }

    ngx_http_intake_put(w, "</small>");
}


void
ngx_http_intake_put_late(ngx_http_intake_writer_t *w,
    ngx_http_intake_status_page_t *page)
{
    ngx_uint_t  i;

    if (page->nlate == 0) {
        return;
    }

    ngx_http_intake_put(w, "<div><table class=\"cards who\">\n"
                           "<caption>Overdue conversations <small>");

    if ((int64_t) page->nlate < page->sums.overdue) {
        ngx_http_intake_put_number(w, page->nlate);
        ngx_http_intake_put(w, " of ");
        ngx_http_intake_put_number(w, page->sums.overdue);
        ngx_http_intake_put(w, ", the longest overdue first");

    } else {
        ngx_http_intake_put_number(w, page->nlate);
    }

    ngx_http_intake_put(w,
        "</small></caption>\n"
        "<thead><tr><th>Conversation</th>"
        "<th>Overdue by</th>"
        "<th>Due</th>"
        "<th>Waiting</th></tr></thead>\n"
        "<tbody>\n");

    for (i = 0; i < page->nlate; i++) {
        ngx_http_intake_put_late_row(w, page, &page->late[i]);
    }

    ngx_http_intake_put(w, "</tbody></table></div>\n");
}


/* by how much is what the clock of the source has gone since */

static void
ngx_http_intake_put_late_row(ngx_http_intake_writer_t *w,
    ngx_http_intake_status_page_t *page, ngx_http_intake_late_t *late)
{
    u_char                         ref[NGX_HTTP_INTAKE_REF_LEN];
    int64_t                        due, deadline;
    ngx_http_intake_sla_t         *sla;
    ngx_http_intake_tier_t        *tier;
    ngx_http_intake_open_shown_t  *open;

    open = late->open;
    sla = late->ss->source->sla;
    tier = &sla->tiers[open->lane / 2];

    deadline = ngx_http_intake_deadline(sla, open->lane, open->due);
    due = ngx_http_intake_exhausted(sla, open->lane, open->due, open->since);

    ngx_http_intake_put(w, "<tr><th scope=\"row\"><code>");

    if (ngx_http_intake_open_ref(late->ss, open, ref) == NGX_OK) {
        ngx_http_intake_put_bytes(w, ref, sizeof(ref));
    }

    ngx_http_intake_put(w, "</code> <small>");
    ngx_http_intake_put_text(w, &late->ss->name);
    ngx_http_intake_put(w, " ");
    ngx_http_intake_put_lane_name(w, sla, open->lane);
    ngx_http_intake_put(w, "</small></th><td>");

    if (due > 0 && deadline > 0) {
        ngx_http_intake_put(w, "<strong>");
        ngx_http_intake_put_span(w,
                                 ngx_http_intake_elapsed(sla, open->lane,
                                                         deadline,
                                                         page->now));
        ngx_http_intake_put(w, "</strong></td><td>");
        ngx_http_intake_put_clock(w, page,
                                  tier->calendar ? &tier->calendar->zone
                                                 : NULL,
                                  due);
        ngx_http_intake_put(w, "</td><td>");

    } else {
        ngx_http_intake_put(w, "</td><td></td><td>");
    }

    ngx_http_intake_put_span(w, page->now - open->since);
    ngx_http_intake_put(w, "</td></tr>\n");
}
