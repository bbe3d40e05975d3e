
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake_sweep.h"
#include "ngx_intake_scripts.h"


/*
 * The sweep: every 2 s one worker of a node has the script move what became
 * due from stage to stage, which counts it and queues what is to be told.
 * Whichever node comes first does it; the others find nothing.  While no
 * clock moves, at night, nothing becomes due, and one call a minute does for
 * what is to be forgotten and for what other calls have queued.
 */


#define NGX_HTTP_INTAKE_SWEEP_INTERVAL  2000             /* ms */
#define NGX_HTTP_INTAKE_SWEEP_IDLE      (60 * 1000)      /* ms */
#define NGX_HTTP_INTAKE_SWEEP_LIMIT     128              /* conversations */
#define NGX_HTTP_INTAKE_SWEEP_REPEATS   32               /* calls at once */
#define NGX_HTTP_INTAKE_ESCALATIONS     10000            /* maxlen */
#define NGX_HTTP_INTAKE_DAY             (86400 * (int64_t) 1000)    /* ms */


/* where the script's answer has what */

enum {
    NGX_HTTP_INTAKE_SWEPT_MORE = 6,
    NGX_HTTP_INTAKE_SWEPT_NEEDED,
    NGX_HTTP_INTAKE_SWEPT_CALENDARS,
    NGX_HTTP_INTAKE_SWEPT_ELEMENTS
};


static void ngx_http_intake_sweep_handler(ngx_event_t *ev);
static ngx_uint_t ngx_http_intake_sweep_is_due(
    ngx_http_intake_sweep_t *sweep, int64_t now);
static ngx_uint_t ngx_http_intake_sweep_clock_is_wrong(
    ngx_http_intake_sweeper_t *sweeper);
static void ngx_http_intake_sweep_send(ngx_http_intake_sweep_t *sweep);
static void ngx_http_intake_sweep_write(ngx_intake_redis_args_t *args,
    void *data, ngx_uint_t *nkeys);
static void ngx_http_intake_sweep_tier_args(ngx_intake_redis_args_t *args,
    ngx_http_intake_sweep_t *sweep, ngx_uint_t n);
static int64_t ngx_http_intake_risk(ngx_http_intake_tier_t *tier,
    ngx_msec_t target);
static void ngx_http_intake_swept(void *data,
    ngx_intake_redis_result_e result, ngx_intake_redis_reply_t *reply);
static ngx_uint_t ngx_http_intake_sweep_texts(ngx_http_intake_sweep_t *sweep,
    ngx_intake_redis_reply_t *needed);
static void ngx_http_intake_sweep_deadline(ngx_http_intake_sweep_t *sweep,
    ngx_http_intake_sweep_text_t *text);


static ngx_http_intake_sweeper_t  ngx_http_intake_sweeper;


ngx_int_t
ngx_http_intake_sweep_init(ngx_cycle_t *cycle,
    ngx_http_intake_main_conf_t *imcf, ngx_intake_redis_t *redis,
    ngx_http_intake_swept_pt swept)
{
    ngx_uint_t                   i;
    ngx_http_intake_sweep_t     *sweep;
    ngx_http_intake_source_t   **source;
    ngx_http_intake_sweeper_t   *sweeper;

    static ngx_connection_t      dumb;

    sweeper = &ngx_http_intake_sweeper;

    ngx_memzero(sweeper, sizeof(ngx_http_intake_sweeper_t));

    if (ngx_worker != 0) {
        return NGX_OK;
    }

    if (ngx_array_init(&sweeper->sweeps, cycle->pool, 4,
                       sizeof(ngx_http_intake_sweep_t))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    source = imcf->sources->elts;

    for (i = 0; i < imcf->sources->nelts; i++) {

        if (source[i]->sla == NULL) {
            continue;
        }

        sweep = ngx_array_push(&sweeper->sweeps);
        if (sweep == NULL) {
            return NGX_ERROR;
        }

        ngx_memzero(sweep, sizeof(ngx_http_intake_sweep_t));

        sweep->source = source[i];
        sweep->sla = source[i]->sla;
        sweep->sweeper = sweeper;

        if (ngx_http_intake_random_text(sweep->key, cycle->log) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    if (sweeper->sweeps.nelts == 0) {
        return NGX_OK;
    }

    sweeper->conf = imcf;
    sweeper->redis = redis;
    sweeper->swept = swept;

    ngx_str_set(&sweeper->script.text, NGX_INTAKE_SWEEP_LUA);
    ngx_intake_redis_script_digest(&sweeper->script);

    ngx_http_intake_reread_init(sweeper);

    /* the log of events wants a connection */

    dumb.fd = (ngx_socket_t) -1;
    dumb.data = sweeper;

    sweeper->timer.handler = ngx_http_intake_sweep_handler;
    sweeper->timer.data = &dumb;
    sweeper->timer.log = cycle->log;
    sweeper->timer.cancelable = 1;

    ngx_add_timer(&sweeper->timer, NGX_HTTP_INTAKE_SWEEP_INTERVAL);

    return NGX_OK;
}


void
ngx_http_intake_sweep_exit(void)
{
    ngx_http_intake_sweeper_t  *sweeper;

    sweeper = &ngx_http_intake_sweeper;

    if (sweeper->timer.timer_set) {
        ngx_del_timer(&sweeper->timer);
    }
}


static void
ngx_http_intake_sweep_handler(ngx_event_t *ev)
{
    ngx_uint_t                  i;
    ngx_connection_t           *c;
    ngx_http_intake_sweep_t    *sweep;
    ngx_http_intake_sweeper_t  *sweeper;

    if (ngx_exiting) {
        return;
    }

    c = ev->data;
    sweeper = c->data;

    ngx_add_timer(ev, NGX_HTTP_INTAKE_SWEEP_INTERVAL);

    if (ngx_http_intake_sweep_clock_is_wrong(sweeper)) {
        return;
    }

    sweep = sweeper->sweeps.elts;

    for (i = 0; i < sweeper->sweeps.nelts; i++) {

        if (ngx_http_intake_sweep_is_due(&sweep[i],
                                         ngx_http_intake_now()))
        {
            sweep[i].repeats = 0;
            ngx_http_intake_sweep_send(&sweep[i]);
        }
    }
}


/* sets the readings */

static ngx_uint_t
ngx_http_intake_sweep_is_due(ngx_http_intake_sweep_t *sweep, int64_t now)
{
    int64_t     readings[NGX_HTTP_INTAKE_MAX_TIERS];
    ngx_uint_t  i, moved;

    if (sweep->busy) {
        return 0;
    }

    ngx_http_intake_readings(sweep->sla, now, readings);

    moved = 0;

    for (i = 0; i < sweep->sla->ntiers; i++) {
        if (readings[i] != sweep->readings[i]) {
            moved = 1;
        }
    }

    if (!moved && now >= sweep->now
        && now - sweep->now < NGX_HTTP_INTAKE_SWEEP_IDLE)
    {
        return 0;
    }

    ngx_memcpy(sweep->readings, readings, sizeof(readings));
    sweep->now = now;

    return 1;
}


/*
 * A node whose clock is wrong would count what is not due, or too late: it
 * leaves that to the others.
 */

static ngx_uint_t
ngx_http_intake_sweep_clock_is_wrong(ngx_http_intake_sweeper_t *sweeper)
{
    int64_t                   skew, most;
    ngx_uint_t                wrong;
    ngx_intake_redis_info_t  *info;

    info = ngx_intake_redis_info(sweeper->redis);
    most = (int64_t) sweeper->conf->redis.max_clock_skew * 1000;

    if (most == 0 || !info->skew_known) {
        return 0;
    }

    skew = ngx_abs(info->clock_skew);
    wrong = (skew > most);

    if (wrong && !sweeper->wrong) {
        ngx_log_error(NGX_LOG_ERR, sweeper->timer.log, 0,
                      "the clock of this node differs from that of Redis by "
                      "%L ms, more than \"max_clock_skew\": response clocks "
                      "are left to other nodes", skew / 1000);

    } else if (!wrong && sweeper->wrong) {
        ngx_log_error(NGX_LOG_NOTICE, sweeper->timer.log, 0,
                      "the clock of this node is right again");
    }

    sweeper->wrong = wrong;

    return wrong;
}


static void
ngx_http_intake_sweep_send(ngx_http_intake_sweep_t *sweep)
{
    ngx_intake_redis_op_t      *op;
    ngx_http_intake_sweeper_t  *sweeper;

    sweeper = sweep->sweeper;

    op = ngx_intake_redis_script_op(&sweeper->script,
                                    ngx_http_intake_sweep_write, sweep,
                                    sweeper->timer.log);
    if (op == NULL) {
        return;
    }

    if (ngx_intake_redis_send(sweeper->redis, op, 0, 1,
                              ngx_http_intake_swept, sweep)
        != NGX_OK)
    {
        ngx_intake_redis_op_free(op);

        /* the next one is no repetition of this one */

        sweep->now = 0;
        return;
    }

    sweep->busy = 1;
}


static void
ngx_http_intake_sweep_write(ngx_intake_redis_args_t *args, void *data,
    ngx_uint_t *nkeys)
{
    ngx_http_intake_sweep_t *sweep = data;

    ngx_uint_t                     i;
    ngx_http_intake_sla_t         *sla;
    ngx_http_intake_sweep_text_t  *text;

    sla = sweep->sla;

    *nkeys = ngx_http_intake_clock_keys(args, sla, &sla->stream, sweep->now);

    ngx_http_intake_clock_args(args, sla);
    ngx_intake_redis_number_arg(args, sweep->now);
    ngx_http_intake_readings_args(args, sla, sweep->readings);
    ngx_intake_redis_number_arg(args, NGX_HTTP_INTAKE_SWEEP_LIMIT);
    ngx_intake_redis_text_arg(args, &sweep->source->event_source);
    ngx_intake_redis_number_arg(args, NGX_HTTP_INTAKE_ESCALATIONS);
    ngx_intake_redis_arg(args, sweep->key, sizeof(sweep->key));

    for (i = 0; i < sla->ntiers; i++) {
        ngx_http_intake_sweep_tier_args(args, sweep, i);
    }

    for (i = 0; i < sweep->ntexts; i++) {
        text = &sweep->texts[i];

        ngx_intake_redis_arg(args, text->tier, text->tier_len);
        ngx_intake_redis_number_arg(args, text->reading);
        ngx_intake_redis_arg(args, text->due, text->due_len);
    }
}


static void
ngx_http_intake_sweep_tier_args(ngx_intake_redis_args_t *args,
    ngx_http_intake_sweep_t *sweep, ngx_uint_t n)
{
    u_char                  *p, text[NGX_HTTP_INTAKE_CALENDAR_TEXT];
    ngx_http_intake_tier_t  *tier;

    tier = &sweep->sla->tiers[n];

    ngx_http_intake_risk_args(args, tier);
    ngx_intake_redis_text_arg(args, &tier->step_names);

    p = ngx_http_intake_calendar_text(sweep, n, text);
    ngx_intake_redis_arg(args, text, p - text);
}


void
ngx_http_intake_risk_args(ngx_intake_redis_args_t *args,
    ngx_http_intake_tier_t *tier)
{
    ngx_intake_redis_number_arg(args, ngx_http_intake_risk(tier,
                                                           tier->first));
    ngx_intake_redis_number_arg(args, ngx_http_intake_risk(tier,
                                                           tier->next));
}


static int64_t
ngx_http_intake_risk(ngx_http_intake_tier_t *tier, ngx_msec_t target)
{
    return (int64_t) target
           - (int64_t) target * (int64_t) tier->at_risk / 1000;
}


/*
 * "TIME:FINGERPRINT" of a tier.  The time is the start of the day, so that it
 * is the same text all day and on all nodes.
 */

u_char *
ngx_http_intake_calendar_text(ngx_http_intake_sweep_t *sweep, ngx_uint_t n,
    u_char *text)
{
    int64_t  day;

    day = sweep->now - sweep->now % NGX_HTTP_INTAKE_DAY;

    if (sweep->days[n] != day) {
        sweep->days[n] = day;
        sweep->fingerprints[n] = ngx_http_intake_fingerprint(
                                               &sweep->sla->tiers[n], day);
    }

    return ngx_sprintf(text, "%L:%016xL", day, sweep->fingerprints[n]);
}


/* FNV-1a of the targets, from the fingerprint of the clock on */

uint64_t
ngx_http_intake_fingerprint(ngx_http_intake_tier_t *tier, int64_t time)
{
    u_char      *p, *last, numbers[3 * (NGX_INT64_LEN + 1)];
    uint64_t     hash;
    ngx_uint_t   i;

    hash = 0;

    if (tier->calendar) {
        hash = ngx_intake_business_clock_fingerprint(&tier->calendar->clock,
                                                     time);
    }

    last = ngx_sprintf(numbers, "%M %M %M ", tier->first, tier->next,
                       tier->out_of_hours);

    for (p = numbers; p < last; p++) {
        hash = (hash ^ *p) * 0x100000001b3ULL;
    }

    for (i = 0; i < tier->steps.len; i++) {
        hash = (hash ^ tier->steps.data[i]) * 0x100000001b3ULL;
    }

    return hash;
}


static void
ngx_http_intake_swept(void *data, ngx_intake_redis_result_e result,
    ngx_intake_redis_reply_t *reply)
{
    ngx_http_intake_sweep_t *sweep = data;

    ngx_uint_t                again;
    ngx_intake_redis_reply_t  more, needed, calendars;

    sweep->busy = 0;
    sweep->ntexts = 0;

    if (result != NGX_INTAKE_REDIS_OK
        || reply->type != NGX_INTAKE_REDIS_ARRAY
        || reply->nelts < NGX_HTTP_INTAKE_SWEPT_ELEMENTS)
    {
        ngx_http_intake_sweep_failed(sweep, result, reply);

        sweep->now = 0;
        return;
    }

    sweep->failed = 0;
    sweep->sweeper->swept(sweep->sweeper->conf, sweep->source);

    more = ngx_intake_redis_element(reply, NGX_HTTP_INTAKE_SWEPT_MORE);
    needed = ngx_intake_redis_element(reply, NGX_HTTP_INTAKE_SWEPT_NEEDED);
    calendars = ngx_intake_redis_element(reply,
                                         NGX_HTTP_INTAKE_SWEPT_CALENDARS);

    again = ngx_http_intake_sweep_texts(sweep, &needed);

    if (ngx_http_intake_reread(sweep, &calendars)) {
        return;
    }

    if (!(again || more.integer) || ngx_exiting) {
        return;
    }

    /* much at once is done in turns, so that Redis serves others as well */

    if (++sweep->repeats == NGX_HTTP_INTAKE_SWEEP_REPEATS) {
        sweep->now = 0;
        return;
    }

    ngx_http_intake_sweep_send(sweep);
}


/* once until it works again */

void
ngx_http_intake_sweep_failed(ngx_http_intake_sweep_t *sweep,
    ngx_intake_redis_result_e result, ngx_intake_redis_reply_t *reply)
{
    if (reply == NULL || sweep->failed) {
        return;
    }

    sweep->failed = 1;

    ngx_log_error(NGX_LOG_ERR, sweep->sweeper->timer.log, 0,
                  "Redis refused the response clocks of intake_source "
                  "\"%V\": %*s", &sweep->source->name,
                  ngx_min(reply->str.len, 256), reply->str.data);
}


/* the deadlines that the script wants to be told; 1 if there are any */

static ngx_uint_t
ngx_http_intake_sweep_texts(ngx_http_intake_sweep_t *sweep,
    ngx_intake_redis_reply_t *needed)
{
    ngx_uint_t                     i;
    ngx_intake_redis_reply_t       tier, reading;
    ngx_http_intake_sweep_text_t  *text;

    if (needed->type != NGX_INTAKE_REDIS_ARRAY) {
        return 0;
    }

    for (i = 0; i + 1 < needed->nelts; i += 2) {

        if (sweep->ntexts == NGX_HTTP_INTAKE_SWEEP_TEXTS) {
            break;
        }

        tier = ngx_intake_redis_element(needed, i);
        reading = ngx_intake_redis_element(needed, i + 1);

        if (tier.str.len > NGX_HTTP_INTAKE_MAX_NAME) {
            continue;
        }

        text = &sweep->texts[sweep->ntexts++];

        text->tier_len = tier.str.len;
        ngx_memcpy(text->tier, tier.str.data, tier.str.len);

        text->reading = reading.type == NGX_INTAKE_REDIS_INTEGER
                        ? reading.integer
                        : ngx_http_intake_number(&reading.str);

        ngx_http_intake_sweep_deadline(sweep, text);
    }

    return sweep->ntexts != 0;
}


/* left empty where no clock knows it */

static void
ngx_http_intake_sweep_deadline(ngx_http_intake_sweep_t *sweep,
    ngx_http_intake_sweep_text_t *text)
{
    int64_t                  time;
    ngx_uint_t               i;
    ngx_http_intake_tier_t  *tier;

    text->due_len = 0;

    for (i = 0; i < sweep->sla->ntiers; i++) {
        tier = &sweep->sla->tiers[i];

        if (tier->name.len != text->tier_len
            || ngx_memcmp(tier->name.data, text->tier, text->tier_len) != 0)
        {
            continue;
        }

        if (ngx_intake_business_clock_due(ngx_http_intake_clock(tier),
                                          text->reading, &time)
            == NGX_OK)
        {
            text->due_len = ngx_intake_time_format(text->due, time * 1000)
                            - text->due;
        }

        return;
    }
}
