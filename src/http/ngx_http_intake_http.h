
/*
 * Copyright (C) nginx-intake contributors
 */


#ifndef _NGX_HTTP_INTAKE_HTTP_H_INCLUDED_
#define _NGX_HTTP_INTAKE_HTTP_H_INCLUDED_


#include "ngx_http_intake.h"


/* The way of a delivery, its answers, and what is counted. */


ngx_int_t ngx_http_intake_post_read(ngx_http_request_t *r);
ngx_int_t ngx_http_intake_preaccess(ngx_http_request_t *r);
ngx_int_t ngx_http_intake_handler(ngx_http_request_t *r);
ngx_int_t ngx_http_intake_status_handler(ngx_http_request_t *r);

/* the setter of intake_status; marks the main conf as used: it counts */
char *ngx_http_intake_status_directive(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

/* that what `health=` asks for is there to be asked */
char *ngx_http_intake_check_health(ngx_conf_t *cf,
    ngx_http_intake_loc_conf_t *ilcf);

/* the methods of deliveries, and of handshakes: of all or of verified ones */
ngx_uint_t ngx_http_intake_methods(ngx_http_intake_source_t *source,
    ngx_uint_t verified);

/*
 * Sends the answer of code (a problem, RFC 9457) and counts the outcome; the
 * result is for ngx_http_finalize_request().
 */
ngx_int_t ngx_http_intake_refuse(ngx_http_intake_ctx_t *ctx,
    ngx_http_intake_code_e code);

/*
 * Makes the body of a problem, in r->pool, and counts the outcome.  status is
 * that of the answer, which may be nginx's own.  NGX_ERROR: no memory.
 */
ngx_int_t ngx_http_intake_problem(ngx_http_intake_ctx_t *ctx,
    ngx_http_intake_code_e code, ngx_uint_t status, ngx_str_t *body);

/* Adds what status demands: Allow, WWW-Authenticate, Retry-After. */
ngx_int_t ngx_http_intake_problem_headers(ngx_http_intake_ctx_t *ctx,
    ngx_uint_t status);

/* Counts a refusal that is being answered, as that of code. */
void ngx_http_intake_count_refusal(ngx_http_intake_ctx_t *ctx,
    ngx_http_intake_code_e code);

/* http/codes: "SIGNATURE_MISSING", ...; "" of OK */
ngx_str_t *ngx_http_intake_code_name(ngx_http_intake_code_e code);

/* "Signature missing", the status that goes with it, and how it is counted */
ngx_str_t *ngx_http_intake_code_title(ngx_http_intake_code_e code);
ngx_uint_t ngx_http_intake_code_status(ngx_http_intake_code_e code);
ngx_http_intake_outcome_e ngx_http_intake_code_outcome(
    ngx_http_intake_code_e code);

/* the code of an answer that nginx itself makes */
ngx_http_intake_code_e ngx_http_intake_code_of_status(ngx_http_request_t *r,
    ngx_uint_t status);

/* how a delivery that has been accepted is counted */
ngx_http_intake_outcome_e ngx_http_intake_success_outcome(
    ngx_http_intake_ctx_t *ctx);

/*
 * Sends the success answer of a delivery that is stored or in the spool, or of
 * a duplicate; counts it.
 */
ngx_int_t ngx_http_intake_accept(ngx_http_intake_ctx_t *ctx);

/* Sends the answer of a handshake; counts it. */
ngx_int_t ngx_http_intake_send_challenge(ngx_http_intake_ctx_t *ctx,
    ngx_http_intake_challenge_t *challenge, ngx_str_t *body);

/* Sends status, type and body of ours; type or body may be empty. */
ngx_int_t ngx_http_intake_send(ngx_http_request_t *r, ngx_uint_t status,
    ngx_str_t *type, ngx_str_t *body);

/* The same with a body of len bytes, whose last buffer says that it is. */
ngx_int_t ngx_http_intake_send_chain(ngx_http_request_t *r,
    ngx_uint_t status, ngx_str_t *type, ngx_chain_t *body, off_t len);

/* name must stay.  NGX_ERROR: no memory. */
ngx_int_t ngx_http_intake_add_header(ngx_http_request_t *r, const char *name,
    ngx_str_t *value);

void ngx_http_intake_add_filters(void);

/* Makes changes of ctx, where its source has clocks.  NGX_ERROR: no memory. */
ngx_int_t ngx_http_intake_feed(ngx_http_intake_ctx_t *ctx);

/*
 * Makes the NGX_HTTP_INTAKE_FIELDS values of the entry, version 1, which are
 * ctx->fields then.  NGX_ERROR: no memory.
 */
ngx_int_t ngx_http_intake_entry(ngx_http_intake_ctx_t *ctx,
    ngx_str_t *value);

/*
 * Queues the delivery for its source's script call.  NGX_OK: the request will
 * be answered and finalized when Redis has answered, or the spool.  NGX_ERROR:
 * no memory.
 */
ngx_int_t ngx_http_intake_deliver(ngx_http_intake_ctx_t *ctx);

ngx_int_t ngx_http_intake_store_init(ngx_cycle_t *cycle,
    ngx_http_intake_main_conf_t *imcf);
void ngx_http_intake_store_exit(ngx_cycle_t *cycle);

/* this worker's; valid between store_init and store_exit */
ngx_intake_redis_t *ngx_http_intake_redis(void);
ngx_intake_spool_t *ngx_http_intake_spool(void);    /* NULL: there is none */

/*
 * The body in one piece: of memory that stays with r.  NGX_ERROR: no memory,
 * or a message has been logged.
 */
ngx_int_t ngx_http_intake_collect_body(ngx_http_request_t *r,
    ngx_str_t *body);

ngx_int_t ngx_http_intake_add_variables(ngx_conf_t *cf);

/* NGX_ERROR: a variable names a source that is not there; it was logged */
ngx_int_t ngx_http_intake_check_variables(ngx_conf_t *cf);


/* http/counters: shared memory, integers only */

/*
 * Adds the zone "intake"; to be called when all sources have been read.
 * NGX_ERROR: no memory, or a message has been logged.
 */
ngx_int_t ngx_http_intake_add_zone(ngx_conf_t *cf,
    ngx_http_intake_main_conf_t *imcf);

/*
 * Counts the outcome, the code if it is rejected or unavailable, and the bytes
 * of the body.  Sets ctx->counted; the second call of a request does nothing.
 */
void ngx_http_intake_count_request(ngx_http_intake_ctx_t *ctx);
void ngx_http_intake_count_anomaly(ngx_http_intake_ctx_t *ctx,
    ngx_http_intake_anomaly_e anomaly);
void ngx_http_intake_count_message(ngx_http_intake_ctx_t *ctx,
    ngx_http_intake_direction_e direction, ngx_uint_t n);

/* the evidence against a submission, all of it, marked or not */
void ngx_http_intake_count_spam(ngx_http_intake_ctx_t *ctx);

/* us: from the head to Redis's answer; sets ctx->store_us */
void ngx_http_intake_count_store(ngx_http_intake_ctx_t *ctx, uint64_t us);

/* an ngx_http_intake_swept_pt: the clocks of source have been swept now */
void ngx_http_intake_publish_sweep(ngx_http_intake_main_conf_t *imcf,
    ngx_http_intake_source_t *source);

/*
 * http/proofs: keeps, on this node and for ten minutes at most, that what has
 * this digest was verified; and whether it was, which is said once.
 */
void ngx_http_intake_keep_proof(ngx_http_request_t *r,
    ngx_atomic_uint_t proof);
ngx_uint_t ngx_http_intake_take_proof(ngx_http_request_t *r,
    ngx_atomic_uint_t proof);

/* http/worker: an ngx_intake_redis_info_pt; data is the main conf */
void ngx_http_intake_publish_redis(void *data, ngx_intake_redis_info_t *info);

/* the same of the connection of durable sources */
void ngx_http_intake_publish_durable(void *data,
    ngx_intake_redis_info_t *info);

extern ngx_str_t  ngx_http_intake_outcomes[NGX_HTTP_INTAKE_OUTCOMES];


#endif /* _NGX_HTTP_INTAKE_HTTP_H_INCLUDED_ */
