
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake_sweep.h"


/*
 * What stands in Redis for the calendar and targets that the deadlines of a
 * tier were made with.
 */


static void ngx_http_intake_replace_calendar(ngx_http_intake_sweep_t *sweep,
    ngx_str_t *tier, ngx_str_t *expected, ngx_str_t *text);
static void ngx_http_intake_calendar_replaced(void *data,
    ngx_intake_redis_result_e result, ngx_intake_redis_reply_t *reply);


ngx_uint_t
ngx_http_intake_same_calendar(ngx_http_intake_sweep_t *sweep, ngx_uint_t n,
    ngx_str_t *text)
{
    u_char     *p, *last, fingerprint[16];
    ngx_str_t   time;

    last = text->data + text->len;
    p = ngx_strlchr(text->data, last, ':');

    if (p == NULL || (size_t) (last - p - 1) != sizeof(fingerprint)) {
        return 0;
    }

    time.data = text->data;
    time.len = p - text->data;

    ngx_sprintf(fingerprint, "%016xL",
                ngx_http_intake_fingerprint(&sweep->sla->tiers[n],
                                            ngx_http_intake_number(&time)));

    return ngx_memcmp(p + 1, fingerprint, sizeof(fingerprint)) == 0;
}


ngx_uint_t
ngx_http_intake_is_reread(ngx_http_intake_sweep_t *sweep, ngx_str_t *text)
{
    u_char     *p;
    int64_t     age;
    ngx_str_t   time;

    p = ngx_strlchr(text->data, text->data + text->len, ':');

    if (p == NULL || p + 1 == text->data + text->len || p[1] != 'r') {
        return 0;
    }

    time.data = text->data;
    time.len = p - text->data;

    age = sweep->now - ngx_http_intake_number(&time);

    return ngx_abs(age) < NGX_HTTP_INTAKE_REREAD_INTERVAL;
}


u_char *
ngx_http_intake_mark_calendar(ngx_http_intake_sweep_t *sweep, ngx_uint_t n,
    ngx_str_t *expected, u_char *mark)
{
    u_char     *p;
    uint64_t    number;
    ngx_str_t   text;

    number = ((uint64_t) ngx_random() << 31 ^ (uint64_t) ngx_random())
             & 0xfffffffffffffff;

    p = ngx_sprintf(mark, "%L:r%015xL", sweep->now, number);

    text.data = mark;
    text.len = p - mark;

    ngx_http_intake_replace_calendar(sweep, &sweep->sla->tiers[n].name,
                                     expected, &text);

    return p;
}


void
ngx_http_intake_adopt_calendar(ngx_http_intake_sweep_t *sweep, ngx_uint_t n,
    ngx_str_t *expected)
{
    u_char     text[NGX_HTTP_INTAKE_CALENDAR_TEXT];
    ngx_str_t  ours;

    ours.data = text;
    ours.len = ngx_http_intake_calendar_text(sweep, n, text) - text;

    ngx_http_intake_replace_calendar(sweep, &sweep->sla->tiers[n].name,
                                     expected, &ours);
}


void
ngx_http_intake_drop_calendar(ngx_http_intake_sweep_t *sweep,
    ngx_str_t *tier, ngx_str_t *expected)
{
    ngx_str_t  none = ngx_string("");

    ngx_http_intake_replace_calendar(sweep, tier, expected, &none);
}


static void
ngx_http_intake_replace_calendar(ngx_http_intake_sweep_t *sweep,
    ngx_str_t *tier, ngx_str_t *expected, ngx_str_t *text)
{
    u_char                      key[NGX_HTTP_INTAKE_MAX_CLOCK_KEY], *last;
    ngx_intake_redis_op_t      *op;
    ngx_http_intake_sweeper_t  *sweeper;

    sweeper = sweep->sweeper;

    last = ngx_sprintf(key, "%Vm", &sweep->sla->prefix);

    op = ngx_intake_redis_op_script(&sweeper->calendar, 1, 4,
                                    (last - key) + tier->len + expected->len
                                    + text->len, sweeper->timer.log);
    if (op == NULL) {
        return;
    }

    ngx_intake_redis_op_arg(op, key, last - key);
    ngx_intake_redis_op_arg(op, tier->data, tier->len);
    ngx_intake_redis_op_arg(op, expected->data, expected->len);
    ngx_intake_redis_op_arg(op, text->data, text->len);

    /* whoever is too late hears 0: another node was first */

    if (ngx_intake_redis_send(sweeper->redis, op, 0, 1,
                              ngx_http_intake_calendar_replaced, sweep)
        != NGX_OK)
    {
        ngx_intake_redis_op_free(op);
    }
}


static void
ngx_http_intake_calendar_replaced(void *data, ngx_intake_redis_result_e result,
    ngx_intake_redis_reply_t *reply)
{
    if (result != NGX_INTAKE_REDIS_OK) {
        ngx_http_intake_sweep_failed(data, result, reply);
    }
}
