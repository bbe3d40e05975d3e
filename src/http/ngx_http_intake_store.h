
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


/* the deliveries of one stream that share one call of the script */

typedef struct {
    ngx_queue_t                     queue;         /* of those not sent yet */
    ngx_http_intake_source_t       *source;
    ngx_http_intake_stream_t       *stream;        /* one of the source's */
    ngx_uint_t                      nelts;
    ngx_uint_t                      nchanges;      /* of clocks */
    size_t                          bytes;
    unsigned                        clocks:1;      /* the source has them, and
                                                      this stream moves them */

    /* NULL: the request has ended */
    ngx_http_intake_ctx_t          *waiting[NGX_HTTP_INTAKE_BATCH];
} ngx_http_intake_batch_t;


/* what scripts/store.lua did with a delivery */

typedef enum {
    NGX_HTTP_INTAKE_SCRIPT_ERROR = -1,
    NGX_HTTP_INTAKE_SCRIPT_STORED = 0,
    NGX_HTTP_INTAKE_SCRIPT_DUPLICATE,              /* not stored */
    NGX_HTTP_INTAKE_SCRIPT_MARKED,                 /* a duplicate, stored */
    NGX_HTTP_INTAKE_SCRIPT_ID_REUSED
} ngx_http_intake_script_e;


/* what may be refused while other things are not */

typedef enum {
    NGX_HTTP_INTAKE_REFUSAL_ENTRY = 0,
    NGX_HTTP_INTAKE_REFUSAL_KEY,                   /* its dedupe key */
    NGX_HTTP_INTAKE_REFUSAL_TRIM                   /* retain age= */
} ngx_http_intake_refusal_e;

#define NGX_HTTP_INTAKE_REFUSALS     3


/*
 * An ngx_intake_redis_write_pt: the call of scripts/store.lua, or of
 * store_clocks.lua, for a batch, data, in which every place is taken.
 */
void ngx_http_intake_write_batch(ngx_intake_redis_args_t *args, void *data,
    ngx_uint_t *nkeys);

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

/* the stream that a delivery belongs to */
ngx_http_intake_stream_t *ngx_http_intake_stream_of(
    ngx_http_intake_ctx_t *ctx);

/*
 * What the script answered for one delivery; entry and id of ctx are set from
 * it.  The code is that of our answer.
 */
ngx_http_intake_code_e ngx_http_intake_read_result(ngx_http_intake_ctx_t *ctx,
    ngx_intake_redis_reply_t *reply);


#endif /* _NGX_HTTP_INTAKE_STORE_H_INCLUDED_ */
