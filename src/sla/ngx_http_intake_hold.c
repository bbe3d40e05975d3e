
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake_board.h"


/*
 * After a fail-over the clocks may know less than what has been shown.  A
 * counter that goes back is read as one that began anew, so the old counters
 * are held for a while, in which the new ones mostly pass them.  Who waits, and
 * how much is in the streams, is shown as it is.
 *
 * Each counter is compared.  Their sum would not do: it also has milliseconds,
 * so that one answer could outweigh any number that are gone.
 */


/* how long a source whose clocks know less than before is not believed */
#define NGX_HTTP_INTAKE_HOLD  60000     /* ms */


static ngx_uint_t ngx_http_intake_went_back(ngx_http_intake_panel_t *panel,
    ngx_http_intake_panel_t *old);
static ngx_uint_t ngx_http_intake_lane_went_back(
    ngx_http_intake_lane_t *lane, ngx_http_intake_lane_t *old);
static ngx_uint_t ngx_http_intake_less(int64_t *n, int64_t *old,
    ngx_uint_t count);
static void ngx_http_intake_keep_counters(ngx_http_intake_panel_t *panel,
    ngx_http_intake_panel_t *old);


void
ngx_http_intake_hold(ngx_http_intake_panel_t *panel,
    ngx_http_intake_panel_t *old, int64_t now)
{
    int64_t  held;

    if (panel->fetched == 0) {

        /* this source could not be read: what is there grows old */

        *panel = *old;
        return;
    }

    if (!ngx_http_intake_went_back(panel, old)) {
        return;
    }

    held = old->held ? old->held : now;

    if (now - held > NGX_HTTP_INTAKE_HOLD) {
        return;
    }

    ngx_http_intake_keep_counters(panel, old);
    panel->held = held;
}


static ngx_uint_t
ngx_http_intake_went_back(ngx_http_intake_panel_t *panel,
    ngx_http_intake_panel_t *old)
{
    ngx_uint_t  i;

    if (ngx_http_intake_less(panel->kinds, old->kinds, NGX_HTTP_INTAKE_KINDS)
        || ngx_http_intake_less(panel->anomalies, old->anomalies,
                                NGX_HTTP_INTAKE_CLOCK_ANOMALIES))
    {
        return 1;
    }

    for (i = 0; i < NGX_HTTP_INTAKE_LANES; i++) {
        if (ngx_http_intake_lane_went_back(&panel->lanes[i],
                                           &old->lanes[i]))
        {
            return 1;
        }
    }

    return 0;
}


static ngx_uint_t
ngx_http_intake_lane_went_back(ngx_http_intake_lane_t *lane,
    ngx_http_intake_lane_t *old)
{
    ngx_http_intake_tally_t  *n, *o;

    n = &lane->total;
    o = &old->total;

    return n->met < o->met
           || n->breached < o->breached
           || n->retracted < o->retracted
           || n->closed < o->closed
           || lane->wall_sum < old->wall_sum
           || lane->business_sum < old->business_sum
           || ngx_http_intake_less(n->wall, o->wall,
                                   NGX_HTTP_INTAKE_CLOCK_BUCKETS)
           || ngx_http_intake_less(n->business, o->business,
                                   NGX_HTTP_INTAKE_CLOCK_BUCKETS);
}


static ngx_uint_t
ngx_http_intake_less(int64_t *n, int64_t *old, ngx_uint_t count)
{
    ngx_uint_t  i;

    for (i = 0; i < count; i++) {
        if (n[i] < old[i]) {
            return 1;
        }
    }

    return 0;
}


static void
ngx_http_intake_keep_counters(ngx_http_intake_panel_t *panel,
    ngx_http_intake_panel_t *old)
{
    ngx_uint_t               i;
    ngx_http_intake_lane_t  *lane, *shown;

    panel->revision = old->revision;

    ngx_memcpy(panel->kinds, old->kinds, sizeof(panel->kinds));
    ngx_memcpy(panel->anomalies, old->anomalies, sizeof(panel->anomalies));

    for (i = 0; i < NGX_HTTP_INTAKE_LANES; i++) {
        lane = &panel->lanes[i];
        shown = &old->lanes[i];

        lane->total = shown->total;
        lane->wall_sum = shown->wall_sum;
        lane->business_sum = shown->business_sum;

        ngx_memcpy(lane->windows, shown->windows, sizeof(lane->windows));
        ngx_memcpy(lane->previous, shown->previous, sizeof(lane->previous));
    }
}
