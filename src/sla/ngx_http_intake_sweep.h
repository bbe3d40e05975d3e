
/*
 * Copyright (C) nginx-intake contributors
 */


#ifndef _NGX_HTTP_INTAKE_SWEEP_H_INCLUDED_
#define _NGX_HTTP_INTAKE_SWEEP_H_INCLUDED_


#include "ngx_http_intake_clocks.h"


/* What the sweep and the reading anew after a changed calendar share. */


#define NGX_HTTP_INTAKE_SWEEP_TEXTS    128      /* deadlines of a call */
#define NGX_HTTP_INTAKE_REREAD_INTERVAL  (60 * 1000)    /* ms, at least */
#define NGX_HTTP_INTAKE_CALENDAR_TEXT  (NGX_INT64_LEN + 1 + 16 + 1)


typedef struct ngx_http_intake_sweeper_s  ngx_http_intake_sweeper_t;
typedef struct ngx_http_intake_reread_s   ngx_http_intake_reread_t;


typedef struct {
    u_char                          tier[NGX_HTTP_INTAKE_MAX_NAME];
    size_t                          tier_len;
    int64_t                         reading;
    u_char                          due[NGX_INTAKE_TIME_LEN];
    size_t                          due_len;
} ngx_http_intake_sweep_text_t;


/* of one source */

typedef struct {
    ngx_http_intake_sweeper_t      *sweeper;
    ngx_http_intake_source_t       *source;
    ngx_http_intake_sla_t          *sla;

    int64_t                         now;        /* ms; of the last call */
    int64_t                         readings[NGX_HTTP_INTAKE_MAX_TIERS];

    int64_t                         days[NGX_HTTP_INTAKE_MAX_TIERS];
    uint64_t                        fingerprints[NGX_HTTP_INTAKE_MAX_TIERS];

    ngx_http_intake_sweep_text_t    texts[NGX_HTTP_INTAKE_SWEEP_TEXTS];
    ngx_uint_t                      ntexts;

    ngx_uint_t                      repeats;    /* of the call, at once */

    int64_t                         reread_at;  /* ms; the last start */

    /* for who is there first */
    u_char                          key[NGX_HTTP_INTAKE_SECRET_LEN];

    unsigned                        busy:1;     /* a call is under way */
    unsigned                        failed:1;   /* which has been logged */
} ngx_http_intake_sweep_t;


/* of one worker */

struct ngx_http_intake_sweeper_s {
    ngx_http_intake_main_conf_t    *conf;
    ngx_intake_redis_t             *redis;
    ngx_array_t                     sweeps;
    ngx_event_t                     timer;
    ngx_http_intake_swept_pt        swept;

    ngx_intake_redis_script_t       script;
    ngx_intake_redis_script_t       open;
    ngx_intake_redis_script_t       reread;
    ngx_intake_redis_script_t       calendar;

    ngx_uint_t                      wrong;      /* our clock is */
};


/* of first and next, ms before the deadline from which on one is at risk */
void ngx_http_intake_risk_args(ngx_intake_redis_args_t *args,
    ngx_http_intake_tier_t *tier);

/* text has NGX_HTTP_INTAKE_CALENDAR_TEXT bytes; returns its end */
u_char *ngx_http_intake_calendar_text(ngx_http_intake_sweep_t *sweep,
    ngx_uint_t n, u_char *text);

/*
 * What the deadlines of a tier come of: its clock up to a time (ms), and its
 * targets.
 */
uint64_t ngx_http_intake_fingerprint(ngx_http_intake_tier_t *tier,
    int64_t time);

/*
 * sla/calendar_mark.  same: whether our clock says the same of all time before
 * that in a text that stood in Redis, and the targets are the same.
 */
ngx_uint_t ngx_http_intake_same_calendar(ngx_http_intake_sweep_t *sweep,
    ngx_uint_t n, ngx_str_t *text);

/* whether the text is the mark of somebody who may still be reading anew */
ngx_uint_t ngx_http_intake_is_reread(ngx_http_intake_sweep_t *sweep,
    ngx_str_t *text);

/*
 * Puts ours in place of what is expected there: a mark, "TIME:r..." as no
 * fingerprint begins, written to mark, which has NGX_HTTP_INTAKE_CALENDAR_TEXT
 * bytes, and whose end is returned; or the text of our calendar.  Whoever is
 * too late changes nothing.
 */
u_char *ngx_http_intake_mark_calendar(ngx_http_intake_sweep_t *sweep,
    ngx_uint_t n, ngx_str_t *expected, u_char *mark);
void ngx_http_intake_adopt_calendar(ngx_http_intake_sweep_t *sweep,
    ngx_uint_t n, ngx_str_t *expected);

/* nobody waits in the lanes of a tier that is gone any more */
void ngx_http_intake_drop_calendar(ngx_http_intake_sweep_t *sweep,
    ngx_str_t *tier, ngx_str_t *expected);

void ngx_http_intake_sweep_failed(ngx_http_intake_sweep_t *sweep,
    ngx_intake_redis_result_e result, ngx_intake_redis_reply_t *reply);


void ngx_http_intake_reread_init(ngx_http_intake_sweeper_t *sweeper);

/*
 * calendars are the texts that stand in Redis in place of ours, and the names
 * and texts of tiers that are gone.  Returns 1 if open conversations are read
 * anew now, so that the sweep has to wait.
 */
ngx_uint_t ngx_http_intake_reread(ngx_http_intake_sweep_t *sweep,
    ngx_intake_redis_reply_t *calendars);


#endif /* _NGX_HTTP_INTAKE_SWEEP_H_INCLUDED_ */
