
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake_board.h"
#include "ngx_http_intake_past.h"
#include "ngx_http_intake_sweep.h"
#include "ngx_intake_scripts.h"


/*
 * Reading the panels: for each source one call of the snapshot script, if it
 * has clocks, and the lengths and groups of its streams; all of it leaves in
 * one write.
 */


typedef enum {
    NGX_HTTP_INTAKE_FETCH_CLOCKS = 0,
    NGX_HTTP_INTAKE_FETCH_ENTRIES,
    NGX_HTTP_INTAKE_FETCH_SPAM,
    NGX_HTTP_INTAKE_FETCH_ESCALATIONS,
    NGX_HTTP_INTAKE_FETCH_GROUPS,
    NGX_HTTP_INTAKE_FETCH_PENDING           /* + the group */
} ngx_http_intake_fetch_e;

#define NGX_HTTP_INTAKE_FETCHES                                               \
    (NGX_HTTP_INTAKE_FETCH_PENDING + NGX_HTTP_INTAKE_MAX_GROUPS)


typedef struct ngx_http_intake_fetch_source_s  ngx_http_intake_fetch_source_t;

/* what the handler of an operation needs to know */

typedef struct {
    ngx_http_intake_fetch_source_t *source;
    ngx_http_intake_fetch_e         what;
} ngx_http_intake_fetch_op_t;


struct ngx_http_intake_fetch_source_s {
    ngx_http_intake_source_t       *source;
    ngx_http_intake_past_t          past;
    ngx_http_intake_fetch_op_t      ops[NGX_HTTP_INTAKE_FETCHES];
};


/* of this worker */

typedef struct {
    ngx_intake_redis_script_t       script;
    ngx_array_t                     sources;    /* ..._fetch_source_t */
    ngx_http_intake_panel_t        *panels;
    ngx_http_intake_fetched_pt      done;
    int64_t                         now;        /* ms; of this reading */
    ngx_uint_t                      pending;
    ngx_uint_t                      answered;
} ngx_http_intake_fetch_t;


static void ngx_http_intake_fetch_source(ngx_http_intake_fetch_source_t *fs);
static void ngx_http_intake_fetch_send(ngx_http_intake_fetch_source_t *fs,
    ngx_uint_t what, ngx_intake_redis_op_t *op);
static ngx_intake_redis_op_t *ngx_http_intake_fetch_command(
    ngx_str_t *words, ngx_uint_t n);
static void ngx_http_intake_fetch_write(ngx_intake_redis_args_t *args,
    void *data, ngx_uint_t *nkeys);
static void ngx_http_intake_fetch_handler(void *data,
    ngx_intake_redis_result_e result, ngx_intake_redis_reply_t *reply);
static void ngx_http_intake_read_snapshot(
    ngx_http_intake_fetch_source_t *fs, ngx_http_intake_panel_t *panel,
    ngx_intake_redis_reply_t *reply);


static ngx_http_intake_fetch_t  ngx_http_intake_the_fetch;


ngx_int_t
ngx_http_intake_fetch_init(ngx_cycle_t *cycle,
    ngx_http_intake_main_conf_t *imcf)
{
    ngx_uint_t                       i, n;
    ngx_http_intake_fetch_t         *fetch;
    ngx_http_intake_source_t       **source;
    ngx_http_intake_fetch_source_t  *fs;

    fetch = &ngx_http_intake_the_fetch;

    ngx_memzero(fetch, sizeof(ngx_http_intake_fetch_t));

    ngx_str_set(&fetch->script.text, NGX_INTAKE_SNAPSHOT_LUA);
    ngx_intake_redis_script_digest(&fetch->script);

    if (ngx_array_init(&fetch->sources, cycle->pool, imcf->sources->nelts + 1,
                       sizeof(ngx_http_intake_fetch_source_t))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    source = imcf->sources->elts;

    for (i = 0; i < imcf->sources->nelts; i++) {
        fs = ngx_array_push(&fetch->sources);

        ngx_memzero(fs, sizeof(ngx_http_intake_fetch_source_t));

        fs->source = source[i];
        fs->past.grace = NGX_HTTP_INTAKE_PAST_GRACE
                         + (int64_t) imcf->redis.max_clock_skew;

        for (n = 0; n < NGX_HTTP_INTAKE_FETCHES; n++) {
            fs->ops[n].source = fs;
            fs->ops[n].what = n;
        }
    }

    return NGX_OK;
}


void
ngx_http_intake_fetch_exit(void)
{
    ngx_uint_t                       i;
    ngx_http_intake_fetch_t         *fetch;
    ngx_http_intake_fetch_source_t  *fs;

    fetch = &ngx_http_intake_the_fetch;
    fs = fetch->sources.elts;

    for (i = 0; i < fetch->sources.nelts; i++) {
        ngx_http_intake_past_free(&fs[i].past);
    }
}


void
ngx_http_intake_fetch(ngx_http_intake_panel_t *panels,
    ngx_http_intake_fetched_pt done)
{
    ngx_uint_t                       i;
    ngx_http_intake_fetch_t         *fetch;
    ngx_http_intake_fetch_source_t  *fs;

    fetch = &ngx_http_intake_the_fetch;

    fetch->panels = panels;
    fetch->done = done;
    fetch->now = ngx_http_intake_now();
    fetch->answered = 0;

    /* handlers are never called before all are sent */

    fetch->pending = 1;

    fs = fetch->sources.elts;

    for (i = 0; i < fetch->sources.nelts; i++) {
        ngx_http_intake_fetch_source(&fs[i]);
    }

    if (--fetch->pending == 0) {
        done(0);
    }
}


static void
ngx_http_intake_fetch_source(ngx_http_intake_fetch_source_t *fs)
{
    ngx_str_t                  words[3], *group;
    ngx_uint_t                 i;
    ngx_http_intake_fetch_t   *fetch;
    ngx_http_intake_panel_t   *panel;
    ngx_http_intake_source_t  *source;

    fetch = &ngx_http_intake_the_fetch;
    source = fs->source;
    panel = &fetch->panels[source->index];

    panel->entries = -1;
    panel->spam = -1;
    panel->escalations = -1;

    for (i = 0; i < NGX_HTTP_INTAKE_MAX_GROUPS; i++) {
        panel->groups[i].lag = -1;
        panel->groups[i].pending = -1;
        panel->groups[i].oldest = -1;
    }

    if (source->sla) {

        if (ngx_http_intake_past_init(&fs->past, source->sla) != NGX_OK) {
            return;
        }

        ngx_http_intake_fetch_send(fs, NGX_HTTP_INTAKE_FETCH_CLOCKS,
                   ngx_intake_redis_script_op(&fetch->script,
                                              ngx_http_intake_fetch_write, fs,
                                              ngx_cycle->log));

        ngx_str_set(&words[0], "XLEN");
        words[1] = source->sla->stream;

        ngx_http_intake_fetch_send(fs, NGX_HTTP_INTAKE_FETCH_ESCALATIONS,
                                   ngx_http_intake_fetch_command(words, 2));
    }

    ngx_str_set(&words[0], "XLEN");
    words[1] = source->stream.key;

    ngx_http_intake_fetch_send(fs, NGX_HTTP_INTAKE_FETCH_ENTRIES,
                               ngx_http_intake_fetch_command(words, 2));

    if (source->form) {
        words[1] = source->spam.key;

        ngx_http_intake_fetch_send(fs, NGX_HTTP_INTAKE_FETCH_SPAM,
                                   ngx_http_intake_fetch_command(words, 2));
    }

    if (source->groups == NULL) {
        return;
    }

    ngx_str_set(&words[0], "XINFO");
    ngx_str_set(&words[1], "GROUPS");
    words[2] = source->stream.key;

    ngx_http_intake_fetch_send(fs, NGX_HTTP_INTAKE_FETCH_GROUPS,
                               ngx_http_intake_fetch_command(words, 3));

    group = source->groups->elts;

    for (i = 0; i < source->groups->nelts; i++) {
        ngx_str_set(&words[0], "XPENDING");
        words[1] = source->stream.key;
        words[2] = group[i];

        ngx_http_intake_fetch_send(fs, NGX_HTTP_INTAKE_FETCH_PENDING + i,
                                   ngx_http_intake_fetch_command(words, 3));
    }
}


static void
ngx_http_intake_fetch_send(ngx_http_intake_fetch_source_t *fs,
    ngx_uint_t what, ngx_intake_redis_op_t *op)
{
    if (op == NULL) {
        return;
    }

    if (ngx_intake_redis_send(ngx_http_intake_redis(), op, 0, 1,
                              ngx_http_intake_fetch_handler, &fs->ops[what])
        != NGX_OK)
    {
        ngx_intake_redis_op_free(op);
        return;
    }

    ngx_http_intake_the_fetch.pending++;
}


static ngx_intake_redis_op_t *
ngx_http_intake_fetch_command(ngx_str_t *words, ngx_uint_t n)
{
    size_t                  bytes;
    ngx_uint_t              i;
    ngx_intake_redis_op_t  *op;

    bytes = 0;

    for (i = 0; i < n; i++) {
        bytes += words[i].len;
    }

    op = ngx_intake_redis_op_create(n, bytes, ngx_cycle->log);
    if (op == NULL) {
        return NULL;
    }

    for (i = 0; i < n; i++) {
        ngx_intake_redis_op_arg(op, words[i].data, words[i].len);
    }

    return op;
}


static void
ngx_http_intake_fetch_write(ngx_intake_redis_args_t *args, void *data,
    ngx_uint_t *nkeys)
{
    ngx_http_intake_fetch_source_t *fs = data;

    int64_t                   now, readings[NGX_HTTP_INTAKE_MAX_TIERS];
    ngx_uint_t                i;
    ngx_http_intake_sla_t    *sla;

    sla = fs->source->sla;
    now = ngx_http_intake_the_fetch.now;

    *nkeys = ngx_http_intake_clock_keys(args, sla, &fs->source->stream.key,
                                        now);
    *nkeys += ngx_http_intake_past_keys(args, &fs->past, sla, now);

    ngx_http_intake_clock_args(args, sla);
    ngx_intake_redis_number_arg(args, now);

    ngx_http_intake_readings(sla, now, readings);
    ngx_http_intake_readings_args(args, sla, readings);

    ngx_intake_redis_number_arg(args, NGX_HTTP_INTAKE_OPEN_SHOWN);

    for (i = 0; i < sla->ntiers; i++) {
        ngx_http_intake_risk_args(args, &sla->tiers[i]);
    }
}


static void
ngx_http_intake_fetch_handler(void *data, ngx_intake_redis_result_e result,
    ngx_intake_redis_reply_t *reply)
{
    ngx_http_intake_fetch_op_t *op = data;

    ngx_uint_t                       group;
    ngx_http_intake_fetch_t         *fetch;
    ngx_http_intake_panel_t         *panel;
    ngx_http_intake_fetch_source_t  *fs;

    fetch = &ngx_http_intake_the_fetch;
    fs = op->source;
    panel = &fetch->panels[fs->source->index];

    if (result == NGX_INTAKE_REDIS_OK) {
        fetch->answered++;

        switch ((ngx_uint_t) op->what) {

        case NGX_HTTP_INTAKE_FETCH_CLOCKS:
            ngx_http_intake_read_snapshot(fs, panel, reply);
            break;

        case NGX_HTTP_INTAKE_FETCH_ENTRIES:
            panel->entries = reply->integer;

            if (fs->source->sla == NULL) {
                panel->fetched = fetch->now;
            }

            break;

        case NGX_HTTP_INTAKE_FETCH_SPAM:
            panel->spam = reply->integer;
            break;

        case NGX_HTTP_INTAKE_FETCH_ESCALATIONS:
            panel->escalations = reply->integer;
            break;

        case NGX_HTTP_INTAKE_FETCH_GROUPS:
            ngx_http_intake_read_groups(fs->source, panel, reply);
            break;

        default:
            group = op->what - NGX_HTTP_INTAKE_FETCH_PENDING;
            ngx_http_intake_read_pending(&panel->groups[group], reply);
            break;
        }
    }

    if (--fetch->pending == 0) {
        fetch->done(fetch->answered != 0);
    }
}


/* {metrics, lanes, conversations, hashes, key} */

static void
ngx_http_intake_read_snapshot(ngx_http_intake_fetch_source_t *fs,
    ngx_http_intake_panel_t *panel, ngx_intake_redis_reply_t *reply)
{
    ngx_http_intake_sla_t     *sla;
    ngx_intake_redis_reply_t   e;
    ngx_http_intake_fetch_t   *fetch;

    if (reply->type != NGX_INTAKE_REDIS_ARRAY || reply->nelts < 5) {
        return;
    }

    sla = fs->source->sla;
    fetch = &ngx_http_intake_the_fetch;

    e = ngx_intake_redis_element(reply, 0);
    ngx_http_intake_read_metrics(sla, panel, &e);

    e = ngx_intake_redis_element(reply, 1);
    ngx_http_intake_read_lanes(panel, &e);

    e = ngx_intake_redis_element(reply, 2);
    ngx_http_intake_read_conversations(sla, panel, &e);

    e = ngx_intake_redis_element(reply, 3);
    ngx_http_intake_read_past(&fs->past, sla, fetch->now, panel, &e);

    e = ngx_intake_redis_element(reply, 4);

    if (e.str.len == sizeof(panel->key)) {
        ngx_memcpy(panel->key, e.str.data, sizeof(panel->key));
    }

    panel->fetched = fetch->now;
}
