
/*
 * Copyright (C) nginx-intake contributors
 */


#ifndef _NGX_HTTP_INTAKE_BOARD_H_INCLUDED_
#define _NGX_HTTP_INTAKE_BOARD_H_INCLUDED_


#include "ngx_http_intake_clocks.h"


/*
 * What Redis knows of the sources and all nodes show: clocks, streams and
 * consumer groups.  One worker of a node reads it when it is asked for and
 * what is there is older than a second; all workers show the same copy, so
 * that no counter seems to go back.
 *
 * The copy is in the shared memory zone "intake_board": integers only, two of
 * them, of which the one that is not shown is written, under the mutex of the
 * zone, for which nobody waits.  A reader takes no lock: it compares the
 * sequence before and after.  A writer that dies leaves what is not shown, and
 * its lease ends by itself.
 */


#define NGX_HTTP_INTAKE_BOARD_FRESH   1000      /* ms */
#define NGX_HTTP_INTAKE_BOARD_STALE   15000     /* ms: not shown any more */

#define NGX_HTTP_INTAKE_AGES          5         /* < 30 min, 1, 4, 24 h, more */
#define NGX_HTTP_INTAKE_CLOCK_ANOMALIES  4

/* the last is beyond the last bound */
#define NGX_HTTP_INTAKE_CLOCK_BUCKETS  (NGX_HTTP_INTAKE_MAX_BOUNDS + 1)

#define NGX_HTTP_INTAKE_WINDOWS       3         /* 24 h, 7 d, 30 d */
#define NGX_HTTP_INTAKE_OPEN_SHOWN    100       /* conversations a source */
#define NGX_HTTP_INTAKE_MAX_GROUPS    8         /* a source */
#define NGX_HTTP_INTAKE_MAX_GROUP     64        /* bytes of a name */


/* what was counted in some time; buckets are not cumulative */

typedef struct {
    int64_t                         met;
    int64_t                         breached;
    int64_t                         retracted;
    int64_t                         closed;     /* unanswered */
    int64_t                         wall[NGX_HTTP_INTAKE_CLOCK_BUCKETS];
    int64_t                         business[NGX_HTTP_INTAKE_CLOCK_BUCKETS];
} ngx_http_intake_tally_t;


typedef struct {
    int64_t                         waiting;
    int64_t                         at_risk;
    int64_t                         overdue;
    int64_t                         paused;
    int64_t                         oldest;     /* ms since 1970; 0: none */
    int64_t                         due;        /* a reading; -1: none */
    int64_t                         ages[NGX_HTTP_INTAKE_AGES];

    ngx_http_intake_tally_t         total;
    int64_t                         wall_sum;       /* ms */
    int64_t                         business_sum;   /* ms */

    ngx_http_intake_tally_t         windows[NGX_HTTP_INTAKE_WINDOWS];
    ngx_http_intake_tally_t         previous[NGX_HTTP_INTAKE_WINDOWS];
} ngx_http_intake_lane_t;


typedef enum {
    NGX_HTTP_INTAKE_OPEN_WAITING = 0,
    NGX_HTTP_INTAKE_OPEN_AT_RISK,
    NGX_HTTP_INTAKE_OPEN_OVERDUE,
    NGX_HTTP_INTAKE_OPEN_PAUSED
} ngx_http_intake_open_e;


typedef struct {
    u_char                          hash[NGX_HTTP_INTAKE_HASH_LEN];
    uint8_t                         lane;       /* 2 * tier + clock */
    uint8_t                         state;      /* ..._open_e */
    int64_t                         since;      /* ms since 1970 */
    int64_t                         due;        /* a reading; -1: paused */
} ngx_http_intake_open_shown_t;


/* of a consumer group; -1: Redis does not say, or there is none */

typedef struct {
    int64_t                         lag;
    int64_t                         pending;
    int64_t                         oldest;     /* ms since 1970; 0: none */
} ngx_http_intake_group_t;


/* of one source */

typedef struct {
    int64_t                         fetched;    /* ms since 1970; 0: never */
    int64_t                         held;       /* ms since 1970: since then
                                                   its counters are older
                                                   ones; 0 */
    int64_t                         revision;   /* of its clocks */

    /* entries; -1: unknown */
    int64_t                         entries;
    int64_t                         spam;
    int64_t                         escalations;
    ngx_http_intake_group_t         groups[NGX_HTTP_INTAKE_MAX_GROUPS];

    int64_t                         kinds[NGX_HTTP_INTAKE_KINDS];
    int64_t                         anomalies[
                                            NGX_HTTP_INTAKE_CLOCK_ANOMALIES];
    ngx_http_intake_lane_t          lanes[NGX_HTTP_INTAKE_LANES];

    /* those who wait, the overdue first, and how many more there are */
    int64_t                         nopen;
    int64_t                         nmore;
    ngx_http_intake_open_shown_t    open[NGX_HTTP_INTAKE_OPEN_SHOWN];

    /* with which they are hashed; key[0] is 0: not read */
    u_char                          key[NGX_HTTP_INTAKE_SECRET_LEN];
} ngx_http_intake_panel_t;


/* "duplicate", "overtaken", "orphan_reply", "clock_skew" */
extern ngx_str_t  ngx_http_intake_clock_anomalies[
                                            NGX_HTTP_INTAKE_CLOCK_ANOMALIES];


/* adds the zone, if there is a source.  NGX_ERROR: a message was logged */
ngx_int_t ngx_http_intake_add_board(ngx_conf_t *cf,
    ngx_http_intake_main_conf_t *imcf);

ngx_int_t ngx_http_intake_board_init(ngx_cycle_t *cycle,
    ngx_http_intake_main_conf_t *imcf);
void ngx_http_intake_board_exit(void);


typedef void (*ngx_http_intake_board_pt)(void *data);

/*
 * Asks for a copy that is not older than a second.  NGX_OK: it is there.
 * NGX_AGAIN: handler will be called with data, once, when it is, or when that
 * has failed or taken too long; ngx_http_intake_board_forget() ends that.
 */
ngx_int_t ngx_http_intake_board_ask(ngx_http_intake_board_pt handler,
    void *data);
void ngx_http_intake_board_forget(void *data);

/*
 * Copies the panel of a source.  NGX_DECLINED: there is none, it is too old
 * to be shown, or a later one has been shown elsewhere.
 */
ngx_int_t ngx_http_intake_board_copy(ngx_http_intake_source_t *source,
    ngx_http_intake_panel_t *panel);


/*
 * sla/hold: shows old again in place of panel, which is to come after it, if
 * panel was not read, or, for a minute, its counters, if one of them went back.
 * now is in ms.
 */
void ngx_http_intake_hold(ngx_http_intake_panel_t *panel,
    ngx_http_intake_panel_t *old, int64_t now);


/*
 * sla/tally: adds what the hash m counts to a panel, and what one of d:* does
 * to lanes, which has a tally for each lane of sla.
 */
void ngx_http_intake_read_metrics(ngx_http_intake_sla_t *sla,
    ngx_http_intake_panel_t *panel, ngx_intake_redis_reply_t *hash);
void ngx_http_intake_read_tallies(ngx_http_intake_sla_t *sla,
    ngx_http_intake_tally_t *lanes, ngx_intake_redis_reply_t *hash);
void ngx_http_intake_add_tally(ngx_http_intake_tally_t *sum,
    ngx_http_intake_tally_t *tally);


/*
 * sla/fetch_reply: what the snapshot script tells of the lanes, rows in their
 * order, and then of the conversations, {H, TIER, CLOCK, since, due, state}
 * each, in theirs; what XINFO GROUPS and XPENDING tell of the groups.
 */
void ngx_http_intake_read_lanes(ngx_http_intake_panel_t *panel,
    ngx_intake_redis_reply_t *lanes);
void ngx_http_intake_read_conversations(ngx_http_intake_sla_t *sla,
    ngx_http_intake_panel_t *panel, ngx_intake_redis_reply_t *list);
void ngx_http_intake_read_groups(ngx_http_intake_source_t *source,
    ngx_http_intake_panel_t *panel, ngx_intake_redis_reply_t *reply);
void ngx_http_intake_read_pending(ngx_http_intake_group_t *group,
    ngx_intake_redis_reply_t *reply);


/* sla/fetch: reads all panels; done hears of the end, once */

typedef void (*ngx_http_intake_fetched_pt)(ngx_uint_t ok);

void ngx_http_intake_fetch(ngx_http_intake_panel_t *panels,
    ngx_http_intake_fetched_pt done);
ngx_int_t ngx_http_intake_fetch_init(ngx_cycle_t *cycle,
    ngx_http_intake_main_conf_t *imcf);
void ngx_http_intake_fetch_exit(void);


#endif /* _NGX_HTTP_INTAKE_BOARD_H_INCLUDED_ */
