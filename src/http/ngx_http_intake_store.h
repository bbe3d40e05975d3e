
/*
 * Copyright (C) nginx-intake contributors
 */


#ifndef _NGX_HTTP_INTAKE_STORE_H_INCLUDED_
#define _NGX_HTTP_INTAKE_STORE_H_INCLUDED_


#include "ngx_http_intake_clocks.h"


#define NGX_HTTP_INTAKE_BATCH        64            /* deliveries */
#define NGX_HTTP_INTAKE_BATCH_BYTES  (512 * 1024)  /* then it is closed */

/*
 * A call takes so many messages, or one delivery, whatever that has: it is
 * stored and counted at once or not at all.
 */
#define NGX_HTTP_INTAKE_BATCH_CHANGES  64

/* the longest dedupe key */
#define NGX_HTTP_INTAKE_DEDUPE_LEN                                           \
    (NGX_HTTP_INTAKE_MAX_KEY + sizeof(":dedupe:K:") - 1                      \
     + NGX_HTTP_INTAKE_HASH_LEN)


/* what scripts/store.lua did with a delivery */

typedef enum {
    NGX_HTTP_INTAKE_SCRIPT_ERROR = -1,
    NGX_HTTP_INTAKE_SCRIPT_STORED = 0,
    NGX_HTTP_INTAKE_SCRIPT_DUPLICATE,              /* not stored */
    NGX_HTTP_INTAKE_SCRIPT_MARKED,                 /* a duplicate, stored */
    NGX_HTTP_INTAKE_SCRIPT_ID_REUSED
} ngx_http_intake_script_e;


/* what it answered for one; a view, valid only while the handler runs */

typedef struct {
    ngx_http_intake_script_e        status;
    ngx_str_t                       entry;         /* its own; of a duplicate
                                                      that is not stored, the
                                                      first one's */
    ngx_str_t                       id;            /* of the first one, of
                                                      such a duplicate */
} ngx_http_intake_result_t;


/*
 * What became of a delivery: NGX_HTTP_INTAKE_OK, it is in Redis, as durable as
 * its source asks for; or one of the codes of 503, of which STORE_TIMEOUT means
 * that nobody knows.  result is NULL if no answer came for it.
 */

typedef void (*ngx_http_intake_stored_pt)(void *data,
    ngx_http_intake_code_e code, ngx_http_intake_result_t *result);


typedef struct ngx_http_intake_batch_s  ngx_http_intake_batch_t;


/* a delivery on its way to Redis: a request's, or one out of the spool */

typedef struct {
    ngx_http_intake_source_t       *source;
    ngx_http_intake_stream_t       *stream;        /* one of the source's */
    ngx_intake_delivery_t          *content;
    ngx_http_intake_change_t       *changes;       /* of clocks */
    ngx_uint_t                      nchanges;

    ngx_http_intake_stored_pt       handler;
    void                           *data;

    ngx_http_intake_batch_t        *batch;         /* where it waits, or NULL */
    ngx_uint_t                      slot;          /* its place there */

    unsigned                        replayed:1;
    unsigned                        fault:1;       /* after: what Redis said
                                                      is true of the stream or
                                                      of this delivery */
    unsigned                        unfit:1;       /* of this one alone */
} ngx_http_intake_delivery_t;


/* whether it shares no call out of the spool: what becomes of it is its own */
#define ngx_http_intake_alone(delivery)                                      \
    ((delivery)->content->fields[NGX_HTTP_INTAKE_FIELD_DATA].len             \
     >= NGX_HTTP_INTAKE_BATCH_BYTES)


/* the deliveries of one stream that share one call of the script */

struct ngx_http_intake_batch_s {
    ngx_queue_t                     queue;         /* of those not sent yet */
    ngx_http_intake_source_t       *source;
    ngx_http_intake_stream_t       *stream;
    ngx_intake_redis_op_t          *op;            /* NULL: not sent */
    int64_t                         now;           /* ms since 1970 */
    ngx_uint_t                      nelts;
    ngx_uint_t                      nchanges;
    size_t                          bytes;
    unsigned                        clocks:1;      /* the source has them, and
                                                      this stream moves them */
    unsigned                        replayed:1;    /* all of them */

    /* NULL: nobody wants to know any more */
    ngx_http_intake_delivery_t     *waiting[NGX_HTTP_INTAKE_BATCH];
};


/* what may be refused while other things are not */

typedef enum {
    NGX_HTTP_INTAKE_REFUSAL_ENTRY = 0,
    NGX_HTTP_INTAKE_REFUSAL_KEY,                   /* its dedupe key */
    NGX_HTTP_INTAKE_REFUSAL_TRIM,                  /* retain age= */
    NGX_HTTP_INTAKE_REFUSAL_COUNTERS,              /* of clocks, and marks */
    NGX_HTTP_INTAKE_REFUSAL_MESSAGE                /* that moves a clock */
} ngx_http_intake_refusal_e;

#define NGX_HTTP_INTAKE_REFUSALS     5


/*
 * Puts a delivery, of which all but batch and slot is set, into the call that
 * leaves at the end of this turn of the event loop.  NGX_OK: its handler will
 * be called, later, once.  NGX_ERROR: no memory.
 */
ngx_int_t ngx_http_intake_store(ngx_http_intake_delivery_t *delivery);

/* this worker's client for a source */
ngx_intake_redis_t *ngx_http_intake_client(ngx_http_intake_source_t *source);

/* The handler will not be called; what has been sent is stored all the same. */
void ngx_http_intake_store_forget(ngx_http_intake_delivery_t *delivery);

/*
 * An ngx_intake_redis_write_pt: the call of scripts/store.lua, or of
 * store_clocks.lua, for a batch, data, in which every place is taken.
 */
void ngx_http_intake_write_batch(ngx_intake_redis_args_t *args, void *data,
    ngx_uint_t *nkeys);

/*
 * Writes {KEY}:dedupe:KIND:H of a stream, at most NGX_HTTP_INTAKE_DEDUPE_LEN
 * bytes; returns its end.
 */
u_char *ngx_http_intake_dedupe_key(u_char *p,
    ngx_http_intake_stream_t *stream, u_char kind, u_char *hash);

/*
 * An ngx_intake_redis_handler_pt: tells those who wait in a batch, data, what
 * has become of their deliveries, and frees it.
 */
void ngx_http_intake_stored(void *data, ngx_intake_redis_result_e result,
    ngx_intake_redis_reply_t *reply);

/* What error, of the call or for this delivery in it, says of a delivery. */
void ngx_http_intake_set_fault(ngx_http_intake_delivery_t *delivery,
    ngx_str_t *error);

/*
 * Redis has answered n times with error to what a stream is to get: logged
 * when it is the first of its kind since Redis has last accepted it.
 */
void ngx_http_intake_refused(ngx_http_intake_stream_t *stream,
    ngx_http_intake_refusal_e what, ngx_str_t *error, ngx_uint_t n);

/*
 * Redis did it; logged, with the number refused meanwhile, when that comes
 * after a refusal and a second without any.  Cheap where all is well.
 */
void ngx_http_intake_accepted(ngx_http_intake_stream_t *stream,
    ngx_http_intake_refusal_e what);

/* starts what keeps quiet streams within `retain age=` */
void ngx_http_intake_retain_init(ngx_cycle_t *cycle,
    ngx_http_intake_main_conf_t *imcf, ngx_intake_redis_t *redis);
void ngx_http_intake_retain_exit(void);

/*
 * What the script answered for one delivery of a stream.  The code is OK or
 * STORE_REFUSED.
 */
ngx_http_intake_code_e ngx_http_intake_read_result(
    ngx_http_intake_stream_t *stream, ngx_intake_redis_reply_t *reply,
    ngx_http_intake_result_t *result);

/*
 * The sender of this worker's spool, see ngx_intake_spool.h: records become
 * deliveries of the source that has their name.  data is the main conf.
 */
ngx_int_t ngx_http_intake_replay(void *data,
    ngx_intake_spool_record_t *record);

/* frees what is replayed; after the spool's end */
void ngx_http_intake_replay_exit(void);


#endif /* _NGX_HTTP_INTAKE_STORE_H_INCLUDED_ */
