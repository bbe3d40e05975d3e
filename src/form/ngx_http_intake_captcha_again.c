
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake.h"
#include "ngx_http_intake_store.h"


/*
 * A captcha's answer that comes again.  Its verifier takes it once, but a
 * browser sends a form twice: at a double click, a reload, and when the store
 * was away.  The same message is then taken for the same answer.
 *
 * One that is stored is found by its dedupe key: it goes on to the store, which
 * calls it a duplicate.  The first one may still be under way, so it is looked
 * for several times.  One that was not stored, though its answer held, has left
 * a proof: a digest of that answer and of all that would be stored.
 */


#define NGX_HTTP_INTAKE_AGAIN_DELAY  50    /* ms, before the second look; */
#define NGX_HTTP_INTAKE_AGAIN_LOOKS  6     /* doubled each time: 1550 ms */


typedef struct {
    ngx_http_intake_ctx_t          *ctx;
    ngx_intake_redis_op_t          *op;        /* NULL: none is under way */
    ngx_event_t                     timer;
    ngx_uint_t                      looks;
    ngx_atomic_uint_t               proof;
} ngx_http_intake_again_t;


static ngx_int_t ngx_http_intake_captcha_proof(ngx_http_intake_ctx_t *ctx,
    ngx_atomic_uint_t *proof);
static void ngx_http_intake_captcha_left(void *data);
static ngx_http_intake_again_t *ngx_http_intake_create_again(
    ngx_http_intake_ctx_t *ctx);
static ngx_int_t ngx_http_intake_look_again(ngx_http_intake_again_t *again);
static void ngx_http_intake_looked(void *data,
    ngx_intake_redis_result_e result, ngx_intake_redis_reply_t *reply);
static ngx_uint_t ngx_http_intake_is_young(ngx_http_intake_ctx_t *ctx,
    ngx_str_t *value);
static ngx_int_t ngx_http_intake_not_found(ngx_http_intake_again_t *again,
    ngx_uint_t away);
static void ngx_http_intake_look_later(ngx_event_t *ev);
static void ngx_http_intake_again_continue(ngx_http_intake_again_t *again,
    ngx_int_t rc);
static void ngx_http_intake_again_forget(void *data);


ngx_int_t
ngx_http_intake_captcha_held(ngx_http_intake_ctx_t *ctx)
{
    ngx_http_cleanup_t  *cln;

    cln = ngx_http_cleanup_add(ctx->request, 0);
    if (cln == NULL) {
        return NGX_ERROR;
    }

    cln->handler = ngx_http_intake_captcha_left;
    cln->data = ctx;

    return NGX_OK;
}


/* the request ends: if nothing has become of it, its answer holds once more */

static void
ngx_http_intake_captcha_left(void *data)
{
    ngx_http_intake_ctx_t *ctx = data;

    switch (ctx->outcome) {

    case NGX_HTTP_INTAKE_REJECTED:
    case NGX_HTTP_INTAKE_UNAVAILABLE:
    case NGX_HTTP_INTAKE_PENDING:
        ngx_http_intake_captcha_remember(ctx);
        break;

    default:
        break;
    }
}


void
ngx_http_intake_captcha_remember(ngx_http_intake_ctx_t *ctx)
{
    ngx_atomic_uint_t  proof;

    if (ngx_http_intake_captcha_proof(ctx, &proof) == NGX_OK) {
        ngx_http_intake_keep_proof(ctx->request, proof);
    }
}


/* what is stored depends on whether it is spam for certain */

static ngx_int_t
ngx_http_intake_captcha_proof(ngx_http_intake_ctx_t *ctx,
    ngx_atomic_uint_t *proof)
{
    u_char                         digest[NGX_INTAKE_SHA256_LEN];
    ngx_str_t                      parts[3];
    ngx_http_intake_form_value_t  *value;

    value = ngx_http_intake_form_value(ctx,
                                       &ctx->source->form->captcha.field);

    if (value == NULL
        || ngx_http_intake_spam(ctx) != NGX_OK
        || ngx_http_intake_form_hash(ctx) != NGX_OK)
    {
        return NGX_ERROR;
    }

    parts[0].data = ctx->key_hash;
    parts[0].len = NGX_HTTP_INTAKE_HASH_LEN;
    parts[1] = ctx->source->name;
    parts[2] = value->value;

    if (ngx_intake_sha256(parts, 3, digest) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_memcpy(proof, digest, sizeof(ngx_atomic_uint_t));

    return NGX_OK;
}


ngx_int_t
ngx_http_intake_captcha_again(ngx_http_intake_ctx_t *ctx)
{
    ngx_http_intake_again_t  *again;

    again = ngx_http_intake_create_again(ctx);
    if (again == NULL) {
        return NGX_ERROR;
    }

    return ngx_http_intake_look_again(again);
}


static ngx_http_intake_again_t *
ngx_http_intake_create_again(ngx_http_intake_ctx_t *ctx)
{
    ngx_event_t              *ev;
    ngx_http_cleanup_t       *cln;
    ngx_http_intake_again_t  *again;

    again = ngx_pcalloc(ctx->request->pool, sizeof(ngx_http_intake_again_t));
    if (again == NULL) {
        return NULL;
    }

    again->ctx = ctx;

    if (ngx_http_intake_captcha_proof(ctx, &again->proof) != NGX_OK) {
        return NULL;
    }

    ev = &again->timer;

    ev->handler = ngx_http_intake_look_later;
    ev->data = ctx->request->connection;
    ev->log = ctx->request->connection->log;

    /* before anything is queued: whatever ends the request runs its cleanups */

    cln = ngx_http_cleanup_add(ctx->request, 0);
    if (cln == NULL) {
        return NULL;
    }

    cln->handler = ngx_http_intake_again_forget;
    cln->data = again;

    return again;
}


/*
 * Where copies are stored, marked or not, an answer is good for one of them:
 * whoever has one could fill the stream.
 */

static ngx_int_t
ngx_http_intake_look_again(ngx_http_intake_again_t *again)
{
    u_char                    *p, key[NGX_HTTP_INTAKE_DEDUPE_LEN];
    ngx_intake_redis_t        *redis;
    ngx_http_intake_ctx_t     *ctx;
    ngx_http_intake_source_t  *source;
    ngx_http_intake_stream_t  *stream;

    ctx = again->ctx;
    source = ctx->source;

    if (ngx_http_intake_take_proof(ctx->request, again->proof)) {
        return ngx_http_intake_captcha_held(ctx);
    }

    if (source->dedupe.key == NGX_HTTP_INTAKE_DEDUPE_NONE
        || source->dedupe.mark)
    {
        return ngx_http_intake_not_found(again, 0);
    }

    stream = ctx->submission->certain ? &source->spam : &source->stream;

    p = ngx_http_intake_dedupe_key(key, stream, NGX_HTTP_INTAKE_KEY_FORM,
                                   ctx->key_hash);

    again->op = ngx_intake_redis_op_create(2, sizeof("GET") - 1 + (p - key),
                                           ngx_cycle->log);
    if (again->op == NULL) {
        return NGX_ERROR;
    }

    ngx_intake_redis_op_arg(again->op, (u_char *) "GET", sizeof("GET") - 1);
    ngx_intake_redis_op_arg(again->op, key, p - key);

    redis = ngx_http_intake_redis();

    if (ngx_intake_redis_send(redis, again->op, source->patience, 1,
                              ngx_http_intake_looked, again)
        != NGX_OK)
    {
        ngx_intake_redis_op_free(again->op);
        again->op = NULL;

        return ngx_http_intake_not_found(again, 1);
    }

    return NGX_AGAIN;
}


static void
ngx_http_intake_looked(void *data, ngx_intake_redis_result_e result,
    ngx_intake_redis_reply_t *reply)
{
    ngx_http_intake_again_t *again = data;

    ngx_int_t  rc;

    again->op = NULL;

    if (result != NGX_INTAKE_REDIS_OK) {
        rc = ngx_http_intake_not_found(again, 1);

    } else if (reply->type == NGX_INTAKE_REDIS_STRING
               && ngx_http_intake_is_young(again->ctx, &reply->str))
    {
        rc = NGX_OK;

    } else {
        rc = ngx_http_intake_not_found(again, 0);
    }

    if (rc != NGX_AGAIN) {
        ngx_http_intake_again_continue(again, rc);
    }
}


/*
 * "MS-SEQ ...", as scripts/store.lua judges it: by Redis's time, or it could
 * be stored once more
 */

static ngx_uint_t
ngx_http_intake_is_young(ngx_http_intake_ctx_t *ctx, ngx_str_t *value)
{
    u_char                   *p, *last;
    int64_t                   now, ms;
    ngx_intake_redis_info_t  *info;

    last = value->data + value->len;
    p = ngx_strlchr(value->data, last, '-');

    if (p == NULL) {
        return 0;
    }

    ms = ngx_atoof(value->data, p - value->data);

    if (ms == NGX_ERROR) {
        return 0;
    }

    info = ngx_intake_redis_info(ngx_http_intake_redis());
    now = ngx_http_intake_now();

    if (info->skew_known) {
        now -= info->clock_skew / 1000;
    }

    return now - ms < (int64_t) ctx->source->dedupe.window;
}


/* away: nobody can say whether it is stored */

static ngx_int_t
ngx_http_intake_not_found(ngx_http_intake_again_t *again, ngx_uint_t away)
{
    if (away && ngx_http_intake_spool() == NULL) {
        again->ctx->code = NGX_HTTP_INTAKE_STORE_UNAVAILABLE;
        return NGX_DECLINED;
    }

    if (away || ++again->looks == NGX_HTTP_INTAKE_AGAIN_LOOKS) {
        again->ctx->code = NGX_HTTP_INTAKE_CAPTCHA_EXPIRED;
        return NGX_DECLINED;
    }

    ngx_add_timer(&again->timer,
                  NGX_HTTP_INTAKE_AGAIN_DELAY << (again->looks - 1));

    return NGX_AGAIN;
}


static void
ngx_http_intake_look_later(ngx_event_t *ev)
{
    ngx_int_t                 rc;
    ngx_http_intake_again_t  *again;

    again = (ngx_http_intake_again_t *)
            ((u_char *) ev - offsetof(ngx_http_intake_again_t, timer));

    rc = ngx_http_intake_look_again(again);

    if (rc != NGX_AGAIN) {
        ngx_http_intake_again_continue(again, rc);
    }
}


static void
ngx_http_intake_again_continue(ngx_http_intake_again_t *again, ngx_int_t rc)
{
    ngx_http_request_t  *r;

    r = again->ctx->request;

    ngx_http_set_log_request(r->connection->log, r);

    ngx_http_intake_submit_continue(again->ctx, rc);
}


static void
ngx_http_intake_again_forget(void *data)
{
    ngx_http_intake_again_t *again = data;

    if (again->op) {
        ngx_intake_redis_forget(again->op);
        again->op = NULL;
    }

    if (again->timer.timer_set) {
        ngx_del_timer(&again->timer);
    }
}
