
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake_replies.h"

#include <jansson.h>


/* What intake_replies answers of each item, in JSON. */


static json_t *ngx_http_intake_item_result(
    ngx_http_intake_reply_item_t *item, ngx_uint_t single);
static json_t *ngx_http_intake_item_seconds(int64_t ms);
static json_t *ngx_http_intake_item_due(ngx_http_intake_reply_item_t *item);


typedef struct {
    ngx_str_t                       code;
    const char                     *title;
} ngx_http_intake_reply_problem_t;


/* in the order of ngx_http_intake_reply_error_e */

static ngx_http_intake_reply_problem_t  ngx_http_intake_reply_problems[] = {
    { ngx_string(""), "" },
    { ngx_string("UNKNOWN_SOURCE"), "No source with clocks has this name" },
    { ngx_string("UNKNOWN_CONVERSATION"), "No such conversation is known" },
    { ngx_string("UNKNOWN_EVENT"), "No such event is known" },
    { ngx_string("BAD_KIND"), "No such kind" },
    { ngx_string("BAD_TIME"), "No time of RFC 3339" },
    { ngx_string("FUTURE_TIME"), "The time is in the future" },
    { ngx_string("MISSING"), "A member is missing" },
    { ngx_string("BAD_MEMBER"), "A member is not a text of 512 bytes at most" }
};


ngx_int_t
ngx_http_intake_write_results(ngx_http_intake_replies_t *replies,
    ngx_str_t *body)
{
    size_t                         size, flags;
    json_t                        *root, *results;
    ngx_int_t                      rc;
    ngx_uint_t                     i;
    ngx_http_intake_reply_item_t  *item;

    item = replies->items.elts;

    if (replies->array) {
        results = json_array();

        for (i = 0; i < replies->items.nelts; i++) {
            if (json_array_append_new(results,
                                   ngx_http_intake_item_result(&item[i], 0))
                != 0)
            {
                json_decref(results);
                return NGX_ERROR;
            }
        }

        root = json_pack("{s:o}", "results", results);

    } else {
        root = ngx_http_intake_item_result(item, 1);
    }

    if (root == NULL) {
        return NGX_ERROR;
    }

    flags = JSON_COMPACT|JSON_REAL_PRECISION(15);

    rc = NGX_ERROR;
    size = json_dumpb(root, NULL, 0, flags);

    body->len = size;
    body->data = ngx_pnalloc(replies->request->pool, size + 1);

    if (size && body->data
        && json_dumpb(root, (char *) body->data, size, flags) == size)
    {
        rc = NGX_OK;
    }

    json_decref(root);

    return rc;
}


/* NULL: no memory; what was given to jansson is freed by it */

static json_t *
ngx_http_intake_item_result(ngx_http_intake_reply_item_t *item,
    ngx_uint_t single)
{
    json_t                           *result;
    ngx_http_intake_reply_problem_t  *problem;

    if (item->error) {
        problem = &ngx_http_intake_reply_problems[item->error];

        if (single) {
            result = json_pack("{s:s,s:s,s:i,s:b,s:s}",
                               "type", "about:blank",
                               "title", problem->title,
                               "status", 422, "ok", 0,
                               "code", problem->code.data);
        } else {
            result = json_pack("{s:b,s:s}", "ok", 0,
                               "code", problem->code.data);
        }

        if (item->member.len) {
            (void) json_object_set_new(result, "member",
                                json_string((char *) item->member.data));
        }

        return result;
    }

    if (item->bulk) {
        return json_pack("{s:b,s:s,s:I}", "ok", 1, "state", "closed",
                         "closed", (json_int_t) item->closed);
    }

    return json_pack("{s:b,s:s%,s:o,s:o,s:o,s:o}", "ok", 1,
                     "state", item->state.data, item->state.len,
                     "response_seconds",
                     ngx_http_intake_item_seconds(item->response),
                     "business_seconds",
                     ngx_http_intake_item_seconds(item->business),
                     "met", item->met < 0 ? json_null()
                                          : json_boolean(item->met),
                     "due", ngx_http_intake_item_due(item));
}


static json_t *
ngx_http_intake_item_seconds(int64_t ms)
{
    if (ms < 0) {
        return json_null();
    }

    return ms % 1000 ? json_real((double) ms / 1000)
                     : json_integer(ms / 1000);
}


/* the deadline as people write it; null where the clock does not know it */

static json_t *
ngx_http_intake_item_due(ngx_http_intake_reply_item_t *item)
{
    u_char                        text[NGX_INTAKE_TIME_LEN];
    int64_t                       time;
    ngx_http_intake_sla_t        *sla;
    ngx_intake_business_clock_t  *clock;

    sla = item->source->sla;

    if (item->due < 0 || item->tier < 0
        || (ngx_uint_t) item->tier >= sla->ntiers)
    {
        return json_null();
    }

    clock = ngx_http_intake_clock(&sla->tiers[item->tier]);

    if (ngx_intake_business_clock_due(clock, item->due, &time) != NGX_OK) {
        return json_null();
    }

    (void) ngx_intake_time_format(text, time * 1000);

    return json_stringn((char *) text, sizeof(text));
}
