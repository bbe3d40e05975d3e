
/*
 * Copyright (C) nginx-intake contributors
 */


#ifndef _NGX_HTTP_INTAKE_CLOCKS_H_INCLUDED_
#define _NGX_HTTP_INTAKE_CLOCKS_H_INCLUDED_


#include "ngx_http_intake.h"

#include "ngx_intake_redis_script.h"


/*
 * The words of the scripts that move the clocks: their keys and arguments, as
 * redis/scripts/parts/clock.lua describes them.  Nothing here knows a request.
 */


/* of the random text with which conversations are hashed for people */
#define NGX_HTTP_INTAKE_SECRET_LEN  32

/* bytes: of a stream's key, and of what is appended to it here */
#define NGX_HTTP_INTAKE_MAX_CLOCK_KEY  1200


typedef enum {
    NGX_HTTP_INTAKE_KIND_INBOUND = 0,
    NGX_HTTP_INTAKE_KIND_OUTBOUND,
    NGX_HTTP_INTAKE_KIND_AUTO,
    NGX_HTTP_INTAKE_KIND_NOTE,
    NGX_HTTP_INTAKE_KIND_REACTION,
    NGX_HTTP_INTAKE_KIND_PAUSE,
    NGX_HTTP_INTAKE_KIND_RESUME,
    NGX_HTTP_INTAKE_KIND_CLOSE,
    NGX_HTTP_INTAKE_KIND_MERGE
} ngx_http_intake_kind_e;

#define NGX_HTTP_INTAKE_KINDS  9

extern ngx_str_t  ngx_http_intake_kinds[NGX_HTTP_INTAKE_KINDS];


/* what happened in a conversation, as the scripts want to hear it */

typedef struct {
    ngx_http_intake_kind_e          kind;
    int64_t                         time;       /* ms since 1970 */
    ngx_uint_t                      tier;       /* its place in sla->tiers */
    ngx_str_t                       conversation;
    u_char                          conversation_hash[
                                                  NGX_HTTP_INTAKE_HASH_LEN];
    u_char                          id_hash[NGX_HTTP_INTAKE_HASH_LEN];
    u_char                          event_hash[NGX_HTTP_INTAKE_HASH_LEN];
    u_char                          into_hash[NGX_HTTP_INTAKE_HASH_LEN];
    ngx_msec_t                      extra;      /* ms of leeway */
    int64_t                         readings[NGX_HTTP_INTAKE_MAX_TIERS];

    unsigned                        has_id:1;
    unsigned                        has_event:1;
    unsigned                        skewed:1;   /* the time was too far ahead
                                                   of ours and is ours now */
} ngx_http_intake_change_t;


/*
 * Completes a change of which kind, time, tier, conversation and the marks
 * are set: received is our own time in ms.  A time further ahead than the
 * tier's skew becomes our own.  NGX_ERROR: no memory.
 */
ngx_int_t ngx_http_intake_change(ngx_http_intake_sla_t *sla,
    ngx_http_intake_change_t *change, int64_t received);

/*
 * Hash of a message's, reply's or event's id: kind is 'm', 'r' or 'e'.
 * NGX_ERROR: no memory.
 */
ngx_int_t ngx_http_intake_mark(u_char kind, ngx_str_t *id, u_char *hash);

/* the readings of all tiers' clocks at a time (ms) */
void ngx_http_intake_readings(ngx_http_intake_sla_t *sla, int64_t time,
    int64_t *readings);

/*
 * The keys that every script has; first is the stream.  Returns their number.
 */
ngx_uint_t ngx_http_intake_clock_keys(ngx_intake_redis_args_t *args,
    ngx_http_intake_sla_t *sla, ngx_str_t *first, int64_t now);

/* {KEY}:sla:d:YYYY-MM-DD of a time (ms), with :HH if hour; of UTC */
void ngx_http_intake_day_key(ngx_intake_redis_args_t *args,
    ngx_http_intake_sla_t *sla, int64_t time, ngx_uint_t hour);

/* {KEY}:sla:KIND:H */
void ngx_http_intake_clock_key(ngx_intake_redis_args_t *args,
    ngx_http_intake_sla_t *sla, u_char kind, u_char *hash);

/* the arguments that every script has */
void ngx_http_intake_clock_args(ngx_intake_redis_args_t *args,
    ngx_http_intake_sla_t *sla);

void ngx_http_intake_readings_args(ngx_intake_redis_args_t *args,
    ngx_http_intake_sla_t *sla, int64_t *readings);

/* the keys of a change (returns their number), and its arguments */
ngx_uint_t ngx_http_intake_change_keys(ngx_intake_redis_args_t *args,
    ngx_http_intake_sla_t *sla, ngx_http_intake_change_t *change);
void ngx_http_intake_change_args(ngx_intake_redis_args_t *args,
    ngx_http_intake_sla_t *sla, ngx_http_intake_change_t *change);


/* ms since 1970, now */
int64_t ngx_http_intake_now(void);

/*
 * NGX_HTTP_INTAKE_SECRET_LEN random hexadecimal digits.  NGX_ERROR: there is
 * nothing random, which is logged.
 */
ngx_int_t ngx_http_intake_random_text(u_char *text, ngx_log_t *log);

/* a decimal number; 0 if text is none */
int64_t ngx_http_intake_number(ngx_str_t *text);

/* the same, or that of an integer */
int64_t ngx_http_intake_reply_number(ngx_intake_redis_reply_t *reply);


/* the clocks of a source have just been swept */
typedef void (*ngx_http_intake_swept_pt)(ngx_http_intake_main_conf_t *imcf,
    ngx_http_intake_source_t *source);

/* the worker that moves what became due; one of a node */
ngx_int_t ngx_http_intake_sweep_init(ngx_cycle_t *cycle,
    ngx_http_intake_main_conf_t *imcf, ngx_intake_redis_t *redis,
    ngx_http_intake_swept_pt swept);
void ngx_http_intake_sweep_exit(void);


#endif /* _NGX_HTTP_INTAKE_CLOCKS_H_INCLUDED_ */
