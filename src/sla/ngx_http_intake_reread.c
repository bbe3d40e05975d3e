
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake_sweep.h"
#include "ngx_intake_scripts.h"


/*
 * A calendar that was changed for the past (a holiday that was forgotten, new
 * rules of a zone) makes the readings in Redis wrong, and other targets the
 * deadlines.  Which calendar and targets they were made with stands there;
 * when it is another one, the times of all open conversations are read on the
 * new clock, in batches, and then the calendar is adopted.  Changes of the
 * calendar for the future need nothing.
 *
 * Who waits in a tier that was taken out of the configuration is read on the
 * clock of the first one, and goes on there.
 *
 * While that lasts a mark of whoever does it stands in place of the calendar.
 * So what is not finished, because the worker has left, is begun anew, and of
 * two nodes with different calendars only the one that came last goes on.
 */


#define NGX_HTTP_INTAKE_REREAD_COUNT     32             /* conversations */
#define NGX_HTTP_INTAKE_REREAD_ENTRIES   32             /* of each */


/* an open conversation, as it stands in Redis */

typedef struct {
    u_char                          hash[NGX_HTTP_INTAKE_HASH_LEN];
    int64_t                         pause;      /* ms; -1: none */
    ngx_uint_t                      nentries;
    int64_t                         times[NGX_HTTP_INTAKE_REREAD_ENTRIES];
    ngx_uint_t                      tiers[NGX_HTTP_INTAKE_REREAD_ENTRIES];
} ngx_http_intake_open_t;


/* a tier that is gone */

typedef struct {
    ngx_str_t                       name;
    ngx_str_t                       text;       /* that of its calendar */
} ngx_http_intake_gone_t;


struct ngx_http_intake_reread_s {
    ngx_http_intake_sweep_t        *sweep;

    /* 2 * tier + clock, of tiers that are gone first: who writes meanwhile
       goes from those to others, which are still to be read */
    ngx_uint_t                      lane;
    ngx_array_t                     gone;       /* ..._gone_t */

    u_char                          cursor[NGX_INT64_LEN];
    size_t                          cursor_len;

    ngx_array_t                     open;       /* ..._open_t */
    ngx_uint_t                      total;

    /* our marks; "" where the calendar is as it was */
    u_char                          marks[NGX_HTTP_INTAKE_MAX_TIERS]
                                         [NGX_HTTP_INTAKE_CALENDAR_TEXT];
    ngx_str_t                       expected[NGX_HTTP_INTAKE_MAX_TIERS];
    ngx_pool_t                     *pool;
};


static ngx_http_intake_reread_t *ngx_http_intake_reread_start(
    ngx_http_intake_sweep_t *sweep);
static ngx_http_intake_reread_t *ngx_http_intake_reread_gone(
    ngx_http_intake_sweep_t *sweep, ngx_http_intake_reread_t *reread,
    ngx_intake_redis_reply_t *calendars);
static void ngx_http_intake_reread_end(ngx_http_intake_reread_t *reread);
static void ngx_http_intake_reread_send(ngx_http_intake_reread_t *reread,
    ngx_intake_redis_script_t *script, ngx_intake_redis_write_pt write,
    ngx_intake_redis_handler_pt handler);
static void ngx_http_intake_open_write(ngx_intake_redis_args_t *args,
    void *data, ngx_uint_t *nkeys);
static void ngx_http_intake_opened(void *data,
    ngx_intake_redis_result_e result, ngx_intake_redis_reply_t *reply);
static ngx_int_t ngx_http_intake_read_open(ngx_http_intake_reread_t *reread,
    ngx_intake_redis_reply_t *reply);
static void ngx_http_intake_reread_write(ngx_intake_redis_args_t *args,
    void *data, ngx_uint_t *nkeys);
static void ngx_http_intake_reread_conversation(
    ngx_intake_redis_args_t *args, ngx_http_intake_sla_t *sla,
    ngx_http_intake_open_t *open);
static void ngx_http_intake_reread_done(void *data,
    ngx_intake_redis_result_e result, ngx_intake_redis_reply_t *reply);
static void ngx_http_intake_reread_next(ngx_http_intake_reread_t *reread);


void
ngx_http_intake_reread_init(ngx_http_intake_sweeper_t *sweeper)
{
    ngx_str_set(&sweeper->open.text, NGX_INTAKE_OPEN_LUA);
    ngx_intake_redis_script_digest(&sweeper->open);

    ngx_str_set(&sweeper->reread.text, NGX_INTAKE_REREAD_LUA);
    ngx_intake_redis_script_digest(&sweeper->reread);

    ngx_str_set(&sweeper->calendar.text, NGX_INTAKE_CALENDAR_LUA);
    ngx_intake_redis_script_digest(&sweeper->calendar);
}


ngx_uint_t
ngx_http_intake_reread(ngx_http_intake_sweep_t *sweep,
    ngx_intake_redis_reply_t *calendars)
{
    ngx_uint_t                 i;
    ngx_intake_redis_reply_t   text;
    ngx_http_intake_reread_t  *reread;

    reread = NULL;

    for (i = 0; i < calendars->nelts && i < sweep->sla->ntiers; i++) {
        text = ngx_intake_redis_element(calendars, i);

        if (text.type != NGX_INTAKE_REDIS_STRING || text.str.len == 0) {
            continue;
        }

        if (ngx_http_intake_same_calendar(sweep, i, &text.str)) {
            ngx_http_intake_adopt_calendar(sweep, i, &text.str);
            continue;
        }

        /* nodes with different calendars must not do this all the time */

        if (ngx_abs(sweep->now - sweep->reread_at)
            < NGX_HTTP_INTAKE_REREAD_INTERVAL
            || ngx_http_intake_is_reread(sweep, &text.str))
        {
            continue;
        }

        if (reread == NULL) {
            reread = ngx_http_intake_reread_start(sweep);
            if (reread == NULL) {
                return 0;
            }
        }

        reread->expected[i].data = reread->marks[i];
        reread->expected[i].len = ngx_http_intake_mark_calendar(sweep, i,
                                           &text.str, reread->marks[i])
                                  - reread->marks[i];
    }

    reread = ngx_http_intake_reread_gone(sweep, reread, calendars);

    if (reread == NULL) {
        return 0;
    }

    sweep->reread_at = sweep->now;
    sweep->busy = 1;

    ngx_http_intake_reread_send(reread, &sweep->sweeper->open,
                                ngx_http_intake_open_write,
                                ngx_http_intake_opened);

    return 1;
}


static ngx_http_intake_reread_t *
ngx_http_intake_reread_start(ngx_http_intake_sweep_t *sweep)
{
    ngx_pool_t                *pool;
    ngx_http_intake_reread_t  *reread;

    pool = ngx_create_pool(4096, sweep->sweeper->timer.log);
    if (pool == NULL) {
        return NULL;
    }

    reread = ngx_pcalloc(pool, sizeof(ngx_http_intake_reread_t));

    if (reread == NULL
        || ngx_array_init(&reread->open, pool, NGX_HTTP_INTAKE_REREAD_COUNT,
                          sizeof(ngx_http_intake_open_t))
           != NGX_OK
        || ngx_array_init(&reread->gone, pool, 1,
                          sizeof(ngx_http_intake_gone_t))
           != NGX_OK)
    {
        ngx_destroy_pool(pool);
        return NULL;
    }

    reread->pool = pool;
    reread->sweep = sweep;
    reread->cursor[0] = '0';
    reread->cursor_len = 1;

    return reread;
}


/* the names and texts behind those of the tiers; reread may be NULL */

static ngx_http_intake_reread_t *
ngx_http_intake_reread_gone(ngx_http_intake_sweep_t *sweep,
    ngx_http_intake_reread_t *reread, ngx_intake_redis_reply_t *calendars)
{
    ngx_uint_t                 i;
    ngx_http_intake_gone_t    *gone;
    ngx_intake_redis_reply_t   name, text;

    if (reread == NULL
        && ngx_abs(sweep->now - sweep->reread_at)
           < NGX_HTTP_INTAKE_REREAD_INTERVAL)
    {
        return NULL;
    }

    for (i = sweep->sla->ntiers; i + 1 < calendars->nelts; i += 2) {
        name = ngx_intake_redis_element(calendars, i);
        text = ngx_intake_redis_element(calendars, i + 1);

        if (name.str.len > NGX_HTTP_INTAKE_MAX_NAME) {
            continue;
        }

        if (reread == NULL) {
            reread = ngx_http_intake_reread_start(sweep);
            if (reread == NULL) {
                return NULL;
            }
        }

        gone = ngx_array_push(&reread->gone);
        if (gone == NULL) {
            break;
        }

        gone->name.len = name.str.len;
        gone->name.data = ngx_pstrdup(reread->pool, &name.str);
        gone->text.len = text.str.len;
        gone->text.data = ngx_pstrdup(reread->pool, &text.str);

        if (gone->name.data == NULL || gone->text.data == NULL) {
            reread->gone.nelts--;
            break;
        }
    }

    return reread;
}


/* what is not done yet begins anew with a later sweep */

static void
ngx_http_intake_reread_end(ngx_http_intake_reread_t *reread)
{
    reread->sweep->busy = 0;
    ngx_destroy_pool(reread->pool);
}


static void
ngx_http_intake_reread_send(ngx_http_intake_reread_t *reread,
    ngx_intake_redis_script_t *script, ngx_intake_redis_write_pt write,
    ngx_intake_redis_handler_pt handler)
{
    ngx_intake_redis_op_t      *op;
    ngx_http_intake_sweeper_t  *sweeper;

    sweeper = reread->sweep->sweeper;

    op = ngx_intake_redis_script_op(script, write, reread,
                                    sweeper->timer.log);

    if (op == NULL) {
        ngx_http_intake_reread_end(reread);
        return;
    }

    if (ngx_intake_redis_send(sweeper->redis, op, 0, 1, handler, reread)
        != NGX_OK)
    {
        ngx_intake_redis_op_free(op);
        ngx_http_intake_reread_end(reread);
    }
}


static void
ngx_http_intake_open_write(ngx_intake_redis_args_t *args, void *data,
    ngx_uint_t *nkeys)
{
    ngx_http_intake_reread_t *reread = data;

    u_char                  *p, key[NGX_HTTP_INTAKE_MAX_CLOCK_KEY];
    ngx_str_t               *tier;
    ngx_uint_t               n;
    ngx_http_intake_sla_t   *sla;
    ngx_http_intake_gone_t  *gone;

    sla = reread->sweep->sla;
    gone = reread->gone.elts;
    n = reread->lane / 2;

    tier = n < reread->gone.nelts ? &gone[n].name
                                  : &sla->tiers[n - reread->gone.nelts].name;

    p = ngx_sprintf(key, "%Vwait:%V:%s", &sla->prefix, tier,
                    reread->lane % 2 ? "next" : "first");

    ngx_intake_redis_arg(args, key, p - key);
    *nkeys = 1;

    ngx_intake_redis_arg(args, reread->cursor, reread->cursor_len);
    ngx_intake_redis_number_arg(args, NGX_HTTP_INTAKE_REREAD_COUNT);
}


static void
ngx_http_intake_opened(void *data, ngx_intake_redis_result_e result,
    ngx_intake_redis_reply_t *reply)
{
    ngx_http_intake_reread_t *reread = data;

    if (result != NGX_INTAKE_REDIS_OK
        || ngx_http_intake_read_open(reread, reply) != NGX_OK)
    {
        ngx_http_intake_sweep_failed(reread->sweep, result, reply);
        ngx_http_intake_reread_end(reread);
        return;
    }

    if (reread->open.nelts == 0) {
        ngx_http_intake_reread_next(reread);
        return;
    }

    ngx_http_intake_reread_send(reread, &reread->sweep->sweeper->reread,
                                ngx_http_intake_reread_write,
                                ngx_http_intake_reread_done);
}


/* {cursor, {{H, pause, TIER, time, ...}, ...}} */

static ngx_int_t
ngx_http_intake_read_open(ngx_http_intake_reread_t *reread,
    ngx_intake_redis_reply_t *reply)
{
    ngx_uint_t                 i, n, t;
    ngx_http_intake_sla_t     *sla;
    ngx_http_intake_open_t    *open;
    ngx_intake_redis_reply_t   cursor, list, conversation, e;

    reread->open.nelts = 0;
    sla = reread->sweep->sla;

    if (reply->type != NGX_INTAKE_REDIS_ARRAY || reply->nelts < 2) {
        return NGX_ERROR;
    }

    cursor = ngx_intake_redis_element(reply, 0);
    list = ngx_intake_redis_element(reply, 1);

    if (cursor.str.len > sizeof(reread->cursor)) {
        return NGX_ERROR;
    }

    ngx_memcpy(reread->cursor, cursor.str.data, cursor.str.len);
    reread->cursor_len = cursor.str.len;

    for (i = 0; i < list.nelts; i++) {
        conversation = ngx_intake_redis_element(&list, i);

        if (conversation.nelts < 4) {
            continue;
        }

        e = ngx_intake_redis_element(&conversation, 0);

        if (e.str.len != NGX_HTTP_INTAKE_HASH_LEN) {
            return NGX_ERROR;
        }

        open = ngx_array_push(&reread->open);
        if (open == NULL) {
            return NGX_ERROR;
        }

        ngx_memcpy(open->hash, e.str.data, NGX_HTTP_INTAKE_HASH_LEN);

        e = ngx_intake_redis_element(&conversation, 1);
        open->pause = ngx_http_intake_reply_number(&e);
        open->nentries = 0;

        for (n = 2; n + 1 < conversation.nelts
                    && open->nentries < NGX_HTTP_INTAKE_REREAD_ENTRIES;
             n += 2)
        {
            e = ngx_intake_redis_element(&conversation, n);

            for (t = sla->ntiers - 1; t > 0; t--) {
                if (sla->tiers[t].name.len == e.str.len
                    && ngx_memcmp(sla->tiers[t].name.data, e.str.data,
                                  e.str.len)
                       == 0)
                {
                    break;
                }
            }

            e = ngx_intake_redis_element(&conversation, n + 1);

            open->tiers[open->nentries] = t;
            open->times[open->nentries++] = ngx_http_intake_reply_number(&e);
        }
    }

    return NGX_OK;
}


static void
ngx_http_intake_reread_write(ngx_intake_redis_args_t *args, void *data,
    ngx_uint_t *nkeys)
{
    ngx_http_intake_reread_t *reread = data;

    int64_t                   readings[NGX_HTTP_INTAKE_MAX_TIERS];
    ngx_uint_t                i;
    ngx_http_intake_sla_t    *sla;
    ngx_http_intake_open_t   *open;
    ngx_http_intake_sweep_t  *sweep;

    sweep = reread->sweep;
    sla = sweep->sla;
    open = reread->open.elts;

    *nkeys = ngx_http_intake_clock_keys(args, sla, &sla->stream, sweep->now);

    for (i = 0; i < reread->open.nelts; i++) {
        ngx_http_intake_clock_key(args, sla, 'c', open[i].hash);
        (*nkeys)++;
    }

    ngx_http_intake_clock_args(args, sla);

    ngx_http_intake_readings(sla, sweep->now, readings);
    ngx_http_intake_readings_args(args, sla, readings);

    for (i = 0; i < sla->ntiers; i++) {
        ngx_intake_redis_text_arg(args, &reread->expected[i]);
    }

    for (i = 0; i < sla->ntiers; i++) {
        ngx_http_intake_risk_args(args, &sla->tiers[i]);
    }

    for (i = 0; i < reread->open.nelts; i++) {
        ngx_http_intake_reread_conversation(args, sla, &open[i]);
    }
}


static void
ngx_http_intake_reread_conversation(ngx_intake_redis_args_t *args,
    ngx_http_intake_sla_t *sla, ngx_http_intake_open_t *open)
{
    int64_t                       time;
    ngx_uint_t                    i, oldest;
    ngx_http_intake_tier_t       *tier;
    ngx_intake_business_clock_t  *clock;

    oldest = 0;

    for (i = 1; i < open->nentries; i++) {
        if (open->times[i] < open->times[oldest]) {
            oldest = i;
        }
    }

    if (open->pause < 0) {
        ngx_intake_redis_number_arg(args, -1);

    } else {
        clock = ngx_http_intake_clock(&sla->tiers[open->tiers[oldest]]);
        ngx_intake_redis_number_arg(args,
                       ngx_intake_business_clock_read(clock, open->pause));
    }

    ngx_intake_redis_number_arg(args, open->nentries);

    for (i = 0; i < open->nentries; i++) {
        time = open->times[i];
        tier = &sla->tiers[open->tiers[i]];
        clock = ngx_http_intake_clock(tier);

        ngx_intake_redis_number_arg(args, time);
        ngx_intake_redis_number_arg(args, open->tiers[i]);
        ngx_intake_redis_number_arg(args,
                              ngx_intake_business_clock_read(clock, time));

        if (tier->out_of_hours
            && !ngx_intake_business_clock_staffed(clock, time))
        {
            ngx_intake_redis_number_arg(args, tier->out_of_hours);

        } else {
            ngx_intake_redis_number_arg(args, 0);
        }
    }
}


static void
ngx_http_intake_reread_done(void *data, ngx_intake_redis_result_e result,
    ngx_intake_redis_reply_t *reply)
{
    ngx_http_intake_reread_t *reread = data;

    int64_t  n;

    if (result != NGX_INTAKE_REDIS_OK) {
        ngx_http_intake_sweep_failed(reread->sweep, result, reply);
        ngx_http_intake_reread_end(reread);
        return;
    }

    n = ngx_http_intake_reply_number(reply);

    if (n < 0) {
        ngx_log_error(NGX_LOG_NOTICE, reread->sweep->sweeper->timer.log, 0,
                      "another node reads the open conversations of "
                      "intake_source \"%V\" anew",
                      &reread->sweep->source->name);

        ngx_http_intake_reread_end(reread);
        return;
    }

    reread->total += (ngx_uint_t) n;

    ngx_http_intake_reread_next(reread);
}


/* the next batch, the next lane, or the end */

static void
ngx_http_intake_reread_next(ngx_http_intake_reread_t *reread)
{
    ngx_uint_t                i;
    ngx_http_intake_gone_t   *gone;
    ngx_http_intake_sweep_t  *sweep;

    sweep = reread->sweep;
    gone = reread->gone.elts;

    if (reread->cursor_len == 1 && reread->cursor[0] == '0') {
        reread->lane++;
    }

    if (reread->lane < 2 * (reread->gone.nelts + sweep->sla->ntiers)) {

        if (ngx_exiting) {
            ngx_http_intake_reread_end(reread);
            return;
        }

        ngx_http_intake_reread_send(reread, &sweep->sweeper->open,
                                    ngx_http_intake_open_write,
                                    ngx_http_intake_opened);
        return;
    }

    for (i = 0; i < sweep->sla->ntiers; i++) {
        if (reread->expected[i].len) {
            ngx_http_intake_adopt_calendar(sweep, i, &reread->expected[i]);
        }
    }

    for (i = 0; i < reread->gone.nelts; i++) {
        ngx_http_intake_drop_calendar(sweep, &gone[i].name, &gone[i].text);
    }

    ngx_log_error(NGX_LOG_NOTICE, sweep->sweeper->timer.log, 0,
                  "a calendar of intake_source \"%V\" says something else of "
                  "the past, its targets are others, or a tier is gone: "
                  "%ui open conversations were read anew",
                  &sweep->source->name, reread->total);

    ngx_http_intake_reread_end(reread);
}
