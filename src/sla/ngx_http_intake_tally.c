
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake_board.h"


/* The fields of the hashes in which the scripts count. */


typedef struct {
    ngx_str_t                       what;       /* "met", "hw", "ev", ... */
    ngx_str_t                       name;       /* of the rest: a kind, ... */
    ngx_uint_t                      lane;
    ngx_str_t                       bound;      /* "" none */
} ngx_http_intake_field_name_t;


static ngx_int_t ngx_http_intake_read_field(ngx_http_intake_sla_t *sla,
    ngx_str_t *text, ngx_http_intake_field_name_t *field);
static ngx_int_t ngx_http_intake_read_lane(ngx_http_intake_sla_t *sla,
    ngx_str_t *tier, ngx_str_t *clock, ngx_uint_t *lane);
static void ngx_http_intake_next_word(ngx_str_t *text, ngx_str_t *word);
static ngx_uint_t ngx_http_intake_is(ngx_str_t *text, const char *name);
static ngx_uint_t ngx_http_intake_bucket(ngx_http_intake_sla_t *sla,
    ngx_str_t *bound);
static void ngx_http_intake_count_field(ngx_http_intake_sla_t *sla,
    ngx_http_intake_tally_t *tally, ngx_http_intake_field_name_t *field,
    int64_t n);
static void ngx_http_intake_read_counter(ngx_http_intake_panel_t *panel,
    ngx_http_intake_field_name_t *field, int64_t n);


ngx_str_t  ngx_http_intake_clock_anomalies[
                                         NGX_HTTP_INTAKE_CLOCK_ANOMALIES] = {
    ngx_string("duplicate"),
    ngx_string("overtaken"),
    ngx_string("orphan_reply"),
    ngx_string("clock_skew")
};


void
ngx_http_intake_read_metrics(ngx_http_intake_sla_t *sla,
    ngx_http_intake_panel_t *panel, ngx_intake_redis_reply_t *hash)
{
    int64_t                        n;
    ngx_uint_t                     i;
    ngx_http_intake_lane_t        *lane;
    ngx_intake_redis_reply_t       name, value;
    ngx_http_intake_field_name_t   field;

    for (i = 0; i + 1 < hash->nelts; i += 2) {
        name = ngx_intake_redis_element(hash, i);
        value = ngx_intake_redis_element(hash, i + 1);
        n = ngx_http_intake_reply_number(&value);

        switch (ngx_http_intake_read_field(sla, &name.str, &field)) {

        case NGX_DECLINED:
            ngx_http_intake_read_counter(panel, &field, n);
            continue;

        case NGX_OK:
            break;

        default:
            continue;
        }

        lane = &panel->lanes[field.lane];

        if (ngx_http_intake_is(&field.bound, "sum")) {

            if (ngx_http_intake_is(&field.what, "hw")) {
                lane->wall_sum = n;

            } else {
                lane->business_sum = n;
            }

        } else {
            ngx_http_intake_count_field(sla, &lane->total, &field, n);
        }
    }
}


void
ngx_http_intake_read_tallies(ngx_http_intake_sla_t *sla,
    ngx_http_intake_tally_t *lanes, ngx_intake_redis_reply_t *hash)
{
    ngx_uint_t                     i;
    ngx_intake_redis_reply_t       name, value;
    ngx_http_intake_field_name_t   field;

    for (i = 0; i + 1 < hash->nelts; i += 2) {
        name = ngx_intake_redis_element(hash, i);
        value = ngx_intake_redis_element(hash, i + 1);

        if (ngx_http_intake_read_field(sla, &name.str, &field) == NGX_OK) {
            ngx_http_intake_count_field(sla, &lanes[field.lane], &field,
                                     ngx_http_intake_reply_number(&value));
        }
    }
}


void
ngx_http_intake_add_tally(ngx_http_intake_tally_t *sum,
    ngx_http_intake_tally_t *tally)
{
    ngx_uint_t  i;

    sum->met += tally->met;
    sum->breached += tally->breached;
    sum->retracted += tally->retracted;
    sum->closed += tally->closed;

    for (i = 0; i < NGX_HTTP_INTAKE_CLOCK_BUCKETS; i++) {
        sum->wall[i] += tally->wall[i];
        sum->business[i] += tally->business[i];
    }
}


/*
 * "met:TIER:CLOCK", "hw:TIER:CLOCK:BOUND": NGX_OK.  "rev", "ev:KIND",
 * "an:REASON": NGX_DECLINED.  NGX_ERROR: of a tier that is not configured, or
 * nothing that is read here.
 */

static ngx_int_t
ngx_http_intake_read_field(ngx_http_intake_sla_t *sla, ngx_str_t *text,
    ngx_http_intake_field_name_t *field)
{
    ngx_str_t  rest, tier, clock;

    rest = *text;

    ngx_http_intake_next_word(&rest, &field->what);

    if (ngx_http_intake_is(&field->what, "rev")
        || ngx_http_intake_is(&field->what, "ev")
        || ngx_http_intake_is(&field->what, "an"))
    {
        field->name = rest;
        return NGX_DECLINED;
    }

    ngx_http_intake_next_word(&rest, &tier);
    ngx_http_intake_next_word(&rest, &clock);
    field->bound = rest;

    return ngx_http_intake_read_lane(sla, &tier, &clock, &field->lane);
}


static ngx_int_t
ngx_http_intake_read_lane(ngx_http_intake_sla_t *sla, ngx_str_t *tier,
    ngx_str_t *clock, ngx_uint_t *lane)
{
    ngx_uint_t  i;

    for (i = 0; i < sla->ntiers; i++) {

        if (sla->tiers[i].name.len != tier->len
            || ngx_memcmp(sla->tiers[i].name.data, tier->data, tier->len)
               != 0)
        {
            continue;
        }

        if (ngx_http_intake_is(clock, "first")) {
            *lane = 2 * i;
            return NGX_OK;
        }

        if (ngx_http_intake_is(clock, "next")) {
            *lane = 2 * i + 1;
            return NGX_OK;
        }
    }

    return NGX_ERROR;
}


/* takes what is before a colon from text */

static void
ngx_http_intake_next_word(ngx_str_t *text, ngx_str_t *word)
{
    u_char  *p, *last;

    last = text->data + text->len;

    *word = *text;
    p = ngx_strlchr(text->data, last, ':');

    if (p == NULL) {
        text->data = last;
        text->len = 0;
        return;
    }

    word->len = p - text->data;
    text->data = p + 1;
    text->len = last - text->data;
}


static ngx_uint_t
ngx_http_intake_is(ngx_str_t *text, const char *name)
{
    return text->len == ngx_strlen(name)
           && ngx_memcmp(text->data, name, text->len) == 0;
}


/* a bound that is not configured any more counts under the next one */

static ngx_uint_t
ngx_http_intake_bucket(ngx_http_intake_sla_t *sla, ngx_str_t *bound)
{
    int64_t     ms;
    ngx_uint_t  i;

    if (ngx_http_intake_is(bound, "inf")) {
        return sla->nbounds;
    }

    ms = ngx_http_intake_number(bound);

    for (i = 0; i < sla->nbounds; i++) {
        if (ms <= (int64_t) sla->bounds[i]) {
            break;
        }
    }

    return i;
}


static void
ngx_http_intake_count_field(ngx_http_intake_sla_t *sla,
    ngx_http_intake_tally_t *tally, ngx_http_intake_field_name_t *field,
    int64_t n)
{
    if (ngx_http_intake_is(&field->what, "met")) {
        tally->met += n;

    } else if (ngx_http_intake_is(&field->what, "breach")) {
        tally->breached += n;

    } else if (ngx_http_intake_is(&field->what, "retract")) {
        tally->retracted += n;

    } else if (ngx_http_intake_is(&field->what, "closed")) {
        tally->closed += n;

    } else if (ngx_http_intake_is(&field->bound, "sum")) {

        /* of all time only */

    } else if (ngx_http_intake_is(&field->what, "hw")) {
        tally->wall[ngx_http_intake_bucket(sla, &field->bound)] += n;

    } else if (ngx_http_intake_is(&field->what, "hb")) {
        tally->business[ngx_http_intake_bucket(sla, &field->bound)] += n;
    }
}


static void
ngx_http_intake_read_counter(ngx_http_intake_panel_t *panel,
    ngx_http_intake_field_name_t *field, int64_t n)
{
    int64_t     *counters;
    ngx_str_t   *names;
    ngx_uint_t   i, count;

    if (ngx_http_intake_is(&field->what, "rev")) {
        panel->revision = n;
        return;
    }

    if (ngx_http_intake_is(&field->what, "ev")) {
        names = ngx_http_intake_kinds;
        counters = panel->kinds;
        count = NGX_HTTP_INTAKE_KINDS;

    } else {
        names = ngx_http_intake_clock_anomalies;
        counters = panel->anomalies;
        count = NGX_HTTP_INTAKE_CLOCK_ANOMALIES;
    }

    for (i = 0; i < count; i++) {
        if (names[i].len == field->name.len
            && ngx_memcmp(names[i].data, field->name.data, names[i].len) == 0)
        {
            counters[i] = n;
            return;
        }
    }
}
