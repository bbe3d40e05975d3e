
/*
 * Copyright (C) nginx-intake contributors
 */


#ifndef _NGX_HTTP_INTAKE_SLA_H_INCLUDED_
#define _NGX_HTTP_INTAKE_SLA_H_INCLUDED_


#include "ngx_http_intake.h"

#include "ngx_intake_business_clock.h"
#include "ngx_intake_calendar.h"


/*
 * Response clocks: what `sla`, `tier`, `escalate` and intake_calendar {} say.
 * A lane is a tier with one of two clocks: of the first response of a
 * conversation, or of one of the next.
 */


#define NGX_HTTP_INTAKE_MAX_TIERS        4
#define NGX_HTTP_INTAKE_LANES            (2 * NGX_HTTP_INTAKE_MAX_TIERS)
#define NGX_HTTP_INTAKE_MAX_ESCALATIONS  8     /* of a tier */

/* the bounds of the histograms: ten, and those targets that are none of them */
#define NGX_HTTP_INTAKE_MAX_BOUNDS       (10 + NGX_HTTP_INTAKE_LANES)


typedef struct {
    ngx_str_t                       name;
    ngx_http_intake_position_t      position;
    ngx_str_t                       timezone;
    ngx_intake_tzif_t               zone;       /* its content stays, too */
    ngx_intake_calendar_t           calendar;   /* used up by clock */
    ngx_intake_business_clock_t     clock;
    unsigned                        weighted:1; /* weekend_weight was given */
} ngx_http_intake_calendar_t;


/* escalate after=T name=NAME [tier=NAME] */

typedef struct {
    ngx_str_t                       name;
    ngx_msec_t                      after;      /* ms of the business clock,
                                                   from the start of the
                                                   waiting period */
    ngx_str_t                       tier;       /* "default": no tier= */
    ngx_http_intake_position_t      position;
} ngx_http_intake_escalation_t;


/* sla [tier=NAME] first=T [next=T] ...; all times are ms */

typedef struct {
    ngx_str_t                       name;       /* "default": no tier= */
    ngx_http_intake_position_t      position;

    ngx_msec_t                      first;      /* targets; 0 is one, too */
    ngx_msec_t                      next;
    ngx_uint_t                      objective;  /* thousandths */
    ngx_uint_t                      at_risk;    /* thousandths of the target */
    ngx_msec_t                      out_of_hours;
    ngx_msec_t                      skew;
    ngx_msec_t                      forget;

    ngx_str_t                       calendar_name;  /* "24/7": NULL below */
    ngx_http_intake_calendar_t     *calendar;

    ngx_http_intake_escalation_t   *escalations[
                                            NGX_HTTP_INTAKE_MAX_ESCALATIONS];
    ngx_uint_t                      nescalations;   /* by after, ascending */
    ngx_str_t                       steps;      /* their times in ms and */
    ngx_str_t                       step_names; /* names, for the scripts */
} ngx_http_intake_tier_t;


struct ngx_http_intake_sla_s {
    ngx_http_intake_tier_t          tiers[NGX_HTTP_INTAKE_MAX_TIERS];
    ngx_uint_t                      ntiers;     /* the first is that without
                                                   tier=, of all whom
                                                   $variable does not name */
    ngx_int_t                       variable;   /* its index, or NGX_ERROR */
    ngx_array_t                    *escalations;    /* ..._escalation_t */

    ngx_str_t                       prefix;     /* of keys: "{KEY}:sla:" */
    ngx_str_t                       stream;     /* "{KEY}:escalations" */

    ngx_msec_t                      bounds[NGX_HTTP_INTAKE_MAX_BOUNDS];
    ngx_uint_t                      nbounds;    /* ms, ascending */
    ngx_str_t                       bounds_text;    /* for the scripts */
};


/* sla/clocks: the clock of a tier; that of 24/7 always runs */
ngx_intake_business_clock_t *ngx_http_intake_clock(
    ngx_http_intake_tier_t *tier);


/* conf/calendar_block, conf/sla_conf, conf/sla_check */

char *ngx_http_intake_calendar_block(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

/* the setters of `sla`, `tier` and `escalate` of a source */
char *ngx_http_intake_source_sla(ngx_conf_t *cf,
    ngx_http_intake_directive_t *d, void *conf);
char *ngx_http_intake_source_tier(ngx_conf_t *cf,
    ngx_http_intake_directive_t *d, void *conf);
char *ngx_http_intake_source_escalate(ngx_conf_t *cf,
    ngx_http_intake_directive_t *d, void *conf);

/* the name of the tier of whoever is in no other */
extern ngx_str_t  ngx_http_intake_default_tier;

/* NULL: the source has no such tier */
ngx_http_intake_tier_t *ngx_http_intake_find_tier(ngx_http_intake_sla_t *sla,
    ngx_str_t *name);

/* finds the calendars and tiers that source names, and what cannot be */
char *ngx_http_intake_check_sla(ngx_conf_t *cf,
    ngx_http_intake_main_conf_t *imcf, ngx_http_intake_source_t *source);


#endif /* _NGX_HTTP_INTAKE_SLA_H_INCLUDED_ */
