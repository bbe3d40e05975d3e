
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake_board.h"


/* What Redis answers to the reading of a panel. */


static void ngx_http_intake_read_group(ngx_http_intake_source_t *source,
    ngx_http_intake_panel_t *panel, ngx_intake_redis_reply_t *fields);


void
ngx_http_intake_read_lanes(ngx_http_intake_panel_t *panel,
    ngx_intake_redis_reply_t *lanes)
{
    int64_t                   *numbers[6 + NGX_HTTP_INTAKE_AGES];
    ngx_uint_t                 i, k;
    ngx_http_intake_lane_t    *lane;
    ngx_intake_redis_reply_t   row, e;

    for (i = 0; i < lanes->nelts && i < NGX_HTTP_INTAKE_LANES; i++) {
        row = ngx_intake_redis_element(lanes, i);
        lane = &panel->lanes[i];

        numbers[0] = &lane->waiting;
        numbers[1] = &lane->at_risk;
        numbers[2] = &lane->overdue;
        numbers[3] = &lane->paused;
        numbers[4] = &lane->oldest;
        numbers[5] = &lane->due;

        for (k = 0; k < NGX_HTTP_INTAKE_AGES; k++) {
            numbers[6 + k] = &lane->ages[k];
        }

        for (k = 0; k < row.nelts && k < 6 + NGX_HTTP_INTAKE_AGES; k++) {
            e = ngx_intake_redis_element(&row, k);
            *numbers[k] = ngx_http_intake_reply_number(&e);
        }
    }
}


void
ngx_http_intake_read_conversations(ngx_http_intake_sla_t *sla,
    ngx_http_intake_panel_t *panel, ngx_intake_redis_reply_t *list)
{
    ngx_uint_t                     i, t;
    ngx_intake_redis_reply_t       row, e;
    ngx_http_intake_open_shown_t  *open;

    for (i = 0; i < 2 * sla->ntiers; i++) {
        panel->nmore += panel->lanes[i].waiting;
    }

    for (i = 0; i < list->nelts; i++) {

        if (panel->nopen == NGX_HTTP_INTAKE_OPEN_SHOWN) {
            break;
        }

        row = ngx_intake_redis_element(list, i);

        if (row.nelts < 6) {
            continue;
        }

        open = &panel->open[panel->nopen];

        e = ngx_intake_redis_element(&row, 0);

        if (e.str.len != NGX_HTTP_INTAKE_HASH_LEN) {
            continue;
        }

        ngx_memcpy(open->hash, e.str.data, NGX_HTTP_INTAKE_HASH_LEN);

        e = ngx_intake_redis_element(&row, 1);

        for (t = sla->ntiers - 1; t > 0; t--) {
            if (sla->tiers[t].name.len == e.str.len
                && ngx_memcmp(sla->tiers[t].name.data, e.str.data, e.str.len)
                   == 0)
            {
                break;
            }
        }

        e = ngx_intake_redis_element(&row, 2);
        open->lane = 2 * t + (e.str.len && e.str.data[0] == 'n');

        e = ngx_intake_redis_element(&row, 3);
        open->since = ngx_http_intake_reply_number(&e);

        e = ngx_intake_redis_element(&row, 4);
        open->due = ngx_http_intake_reply_number(&e);

        e = ngx_intake_redis_element(&row, 5);

        switch (e.str.len ? e.str.data[0] : 'w') {

        case 'a':
            open->state = NGX_HTTP_INTAKE_OPEN_AT_RISK;
            break;

        case 'o':
            open->state = NGX_HTTP_INTAKE_OPEN_OVERDUE;
            break;

        case 'p':
            open->state = NGX_HTTP_INTAKE_OPEN_PAUSED;
            break;

        default:
            open->state = NGX_HTTP_INTAKE_OPEN_WAITING;
        }

        panel->nopen++;
    }

    panel->nmore = ngx_max(panel->nmore - panel->nopen, 0);
}


void
ngx_http_intake_read_groups(ngx_http_intake_source_t *source,
    ngx_http_intake_panel_t *panel, ngx_intake_redis_reply_t *reply)
{
    ngx_uint_t                i;
    ngx_intake_redis_reply_t  fields;

    for (i = 0; i < reply->nelts; i++) {
        fields = ngx_intake_redis_element(reply, i);
        ngx_http_intake_read_group(source, panel, &fields);
    }
}


/* "name" and "lag" among others; lag is nil where Redis cannot tell */

static void
ngx_http_intake_read_group(ngx_http_intake_source_t *source,
    ngx_http_intake_panel_t *panel, ngx_intake_redis_reply_t *fields)
{
    int64_t                   lag;
    ngx_str_t                 *names, group;
    ngx_uint_t                i;
    ngx_intake_redis_reply_t  name, value;

    lag = -1;
    ngx_str_null(&group);

    for (i = 0; i + 1 < fields->nelts; i += 2) {
        name = ngx_intake_redis_element(fields, i);
        value = ngx_intake_redis_element(fields, i + 1);

        if (name.str.len == 4 && ngx_memcmp(name.str.data, "name", 4) == 0) {
            group = value.str;

        } else if (name.str.len == 3
                   && ngx_memcmp(name.str.data, "lag", 3) == 0
                   && value.type == NGX_INTAKE_REDIS_INTEGER)
        {
            lag = value.integer;
        }
    }

    names = source->groups->elts;

    for (i = 0; i < source->groups->nelts; i++) {
        if (names[i].len == group.len
            && ngx_memcmp(names[i].data, group.data, group.len) == 0)
        {
            panel->groups[i].lag = lag;
        }
    }
}


void
ngx_http_intake_read_pending(ngx_http_intake_group_t *group,
    ngx_intake_redis_reply_t *reply)
{
    ngx_intake_redis_reply_t  count, first;

    if (reply->type != NGX_INTAKE_REDIS_ARRAY || reply->nelts < 2) {
        return;
    }

    count = ngx_intake_redis_element(reply, 0);
    first = ngx_intake_redis_element(reply, 1);

    group->pending = count.integer;
    group->oldest = ngx_http_intake_reply_number(&first);
}
