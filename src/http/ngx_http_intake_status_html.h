
/*
 * Copyright (C) nginx-intake contributors
 */


#ifndef _NGX_HTTP_INTAKE_STATUS_HTML_H_INCLUDED_
#define _NGX_HTTP_INTAKE_STATUS_HTML_H_INCLUDED_


#include "ngx_http_intake.h"

#include "ngx_http_intake_form_writer.h"
#include "ngx_http_intake_status.h"


/* The parts of the page of the status endpoint. */


/* rows of the list of those who are overdue */
#define NGX_HTTP_INTAKE_LATE_SHOWN  15


/* from the best to the worst */

typedef enum {
    NGX_HTTP_INTAKE_CALM = 0,
    NGX_HTTP_INTAKE_WAITING,
    NGX_HTTP_INTAKE_AT_RISK,
    NGX_HTTP_INTAKE_OVERDUE
} ngx_http_intake_calm_e;

#define NGX_HTTP_INTAKE_CALM_STATES  4


typedef struct {
    int64_t                             waiting;
    int64_t                             at_risk;
    int64_t                             overdue;
} ngx_http_intake_sums_t;


/* a source with clocks, and how it does: the sums of its lanes */

typedef struct {
    ngx_http_intake_source_status_t    *ss;
    ngx_http_intake_calm_e              state;
    ngx_http_intake_sums_t              sums;
} ngx_http_intake_ranked_t;


typedef struct {
    ngx_http_intake_source_status_t    *ss;
    ngx_http_intake_open_shown_t       *open;
    int64_t                             by;         /* ms of its clock */
} ngx_http_intake_late_t;


typedef struct {
    ngx_http_intake_status_t           *status;
    int64_t                             now;        /* ms since 1970 */
    ngx_uint_t                          detail;
    ngx_intake_spool_shared_t           spool;      /* a copy, if there is
                                                       one: the page is written
                                                       twice */

    ngx_http_intake_ranked_t           *ranked;     /* the worst first */
    ngx_uint_t                          nranked;
    ngx_http_intake_sums_t              sums;

    ngx_http_intake_late_t              late[NGX_HTTP_INTAKE_LATE_SHOWN];
    ngx_uint_t                          nlate;      /* the longest first */
} ngx_http_intake_status_page_t;


/* status_html_sla */

/* Ranks the sources and finds who is overdue.  NGX_ERROR: no memory. */
ngx_int_t ngx_http_intake_rank_sources(ngx_http_intake_status_page_t *page,
    ngx_pool_t *pool);

ngx_http_intake_calm_e ngx_http_intake_calm_state(
    ngx_http_intake_sums_t *sums);

/* "overdue", and the class of what has the colour of the state */
const char *ngx_http_intake_calm_word(ngx_http_intake_calm_e state);
const char *ngx_http_intake_calm_class(ngx_http_intake_calm_e state);

/* a word of ours in the colour of a state; word NULL: that of the state */
void ngx_http_intake_put_state(ngx_http_intake_writer_t *w,
    ngx_http_intake_calm_e state, const char *word);

/* a table for each state that a source is in, and who is overdue */
void ngx_http_intake_put_lanes(ngx_http_intake_writer_t *w,
    ngx_http_intake_status_page_t *page);
void ngx_http_intake_put_late(ngx_http_intake_writer_t *w,
    ngx_http_intake_status_page_t *page);


/* status_html_lane: the cells of a lane beside its name */
void ngx_http_intake_put_lane(ngx_http_intake_writer_t *w,
    ngx_http_intake_status_page_t *page, ngx_http_intake_source_status_t *ss,
    ngx_uint_t i);


/* status_html_streams */

void ngx_http_intake_put_streams(ngx_http_intake_writer_t *w,
    ngx_http_intake_status_page_t *page);
void ngx_http_intake_put_groups(ngx_http_intake_writer_t *w,
    ngx_http_intake_status_page_t *page);


/* status_html_node */

void ngx_http_intake_put_node(ngx_http_intake_writer_t *w,
    ngx_http_intake_status_page_t *page);

/* whether a promise is kept: 1, 0, -1 unknown */
void ngx_http_intake_put_in_force(ngx_http_intake_writer_t *w,
    ngx_http_intake_status_t *status, ngx_int_t in_force);


/* status_html_text; times are ms since 1970, spans ms */

/* "3 h 12 min" */
void ngx_http_intake_put_span(ngx_http_intake_writer_t *w, int64_t ms);

/*
 * Both have the time in UTC, too, for those who point at them: as the clock of
 * a zone shows it (NULL: UTC), with the day if that is not today's; and as the
 * span to now, whether before or after it.
 */
void ngx_http_intake_put_clock(ngx_http_intake_writer_t *w,
    ngx_http_intake_status_page_t *page, ngx_intake_tzif_t *zone,
    int64_t time);
void ngx_http_intake_put_distance(ngx_http_intake_writer_t *w,
    ngx_http_intake_status_page_t *page, int64_t time);

/* "97.5 %", rounded down: what is not all is not shown as all */
void ngx_http_intake_put_percent(ngx_http_intake_writer_t *w, double share);

/* "1 source", "2 sources" */
void ngx_http_intake_put_count(ngx_http_intake_writer_t *w, int64_t n,
    const char *one, const char *many);


#endif /* _NGX_HTTP_INTAKE_STATUS_HTML_H_INCLUDED_ */
