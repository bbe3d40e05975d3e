
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake_store.h"
#include "ngx_http_intake_change.h"
#include "ngx_http_intake_event.h"


/*
 * What becomes of a delivery that is right: it is stored; or, when Redis is
 * away, does not answer or refuses, it is kept in the spool; or its sender
 * hears 503.  One of the three is waited for until the request is answered.
 */


/* ms: the least that the disk is given */
#define NGX_HTTP_INTAKE_SPOOL_LEAST  100


/* of a request, in its pool */

typedef struct {
    ngx_http_intake_ctx_t          *ctx;
    ngx_http_intake_delivery_t      delivery;
    ngx_intake_delivery_t           content;

    ngx_msec_t                      begun;
    ngx_http_intake_code_e          code;       /* why it goes to the spool */
    ngx_intake_spool_op_t          *op;         /* NULL: it does not */
    ngx_event_t                     timer;
} ngx_http_intake_pending_t;


static void ngx_http_intake_content(ngx_http_intake_ctx_t *ctx,
    ngx_intake_delivery_t *content);
static void ngx_http_intake_add_key(ngx_intake_delivery_t *content,
    u_char kind, u_char *hash);
static ngx_int_t ngx_http_intake_own_key(ngx_http_intake_pending_t *pending);
static void ngx_http_intake_leave(void *data);
static void ngx_http_intake_delivered(void *data, ngx_http_intake_code_e code,
    ngx_http_intake_result_t *result);
static ngx_http_intake_code_e ngx_http_intake_take_result(
    ngx_http_intake_ctx_t *ctx, ngx_http_intake_result_t *result);
static ngx_http_intake_code_e ngx_http_intake_copy_text(
    ngx_http_intake_ctx_t *ctx, ngx_str_t *from, ngx_str_t *to);
static ngx_int_t ngx_http_intake_keep(ngx_http_intake_pending_t *pending,
    ngx_http_intake_code_e code);
static ngx_int_t ngx_http_intake_append(ngx_http_intake_pending_t *pending);
static void ngx_http_intake_kept(void *data, ngx_int_t rc);
static void ngx_http_intake_late(ngx_event_t *ev);
static void ngx_http_intake_count_event(ngx_http_intake_ctx_t *ctx);
static void ngx_http_intake_finish(ngx_http_intake_ctx_t *ctx,
    ngx_http_intake_code_e code);


ngx_int_t
ngx_http_intake_deliver(ngx_http_intake_ctx_t *ctx)
{
    ngx_http_cleanup_t          *cln;
    ngx_http_intake_pending_t   *pending;
    ngx_http_intake_delivery_t  *delivery;

    pending = ngx_pcalloc(ctx->request->pool,
                          sizeof(ngx_http_intake_pending_t));
    if (pending == NULL) {
        return NGX_ERROR;
    }

    pending->ctx = ctx;
    pending->begun = ngx_current_msec;

    if (ngx_http_intake_entry(ctx, pending->content.fields) != NGX_OK
        || ngx_http_intake_feed(ctx) != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_http_intake_content(ctx, &pending->content);

    if (ctx->source->dedupe.mark
        && ngx_http_intake_own_key(pending) != NGX_OK)
    {
        return NGX_ERROR;
    }

    delivery = &pending->delivery;

    delivery->source = ctx->source;
    delivery->stream = (pending->content.stream == 's') ? &ctx->source->spam
                                                        : &ctx->source->stream;
    delivery->content = &pending->content;
    delivery->handler = ngx_http_intake_delivered;
    delivery->data = pending;

    if (ctx->changes) {
        delivery->changes = ctx->changes->elts;
        delivery->nchanges = ctx->changes->nelts;
    }

    /* before it is queued: whatever ends the request runs its cleanups */

    cln = ngx_http_cleanup_add(ctx->request, 0);
    if (cln == NULL) {
        return NGX_ERROR;
    }

    cln->handler = ngx_http_intake_leave;
    cln->data = pending;

    return ngx_http_intake_store(delivery);
}


static void
ngx_http_intake_content(ngx_http_intake_ctx_t *ctx,
    ngx_intake_delivery_t *content)
{
    content->source = ctx->source->name;
    content->stream = (ctx->submission && ctx->submission->certain) ? 's'
                                                                    : 'm';

    ngx_http_intake_add_key(content, ctx->key_kind, ctx->key_hash);

    if (ctx->key_kind == NGX_HTTP_INTAKE_KEY_OWN) {
        content->kind = 'o';

    } else if (ctx->nonce_key) {
        content->kind = 'n';
        ngx_http_intake_add_key(content, NGX_HTTP_INTAKE_KEY_NONCE,
                                ctx->nonce_hash);

    } else if (ctx->body_key) {
        content->kind = 'u';
        ngx_http_intake_add_key(content, NGX_HTTP_INTAKE_KEY_BODY,
                                ctx->body_hash);

    } else {
        content->kind = 'k';
    }
}


static void
ngx_http_intake_add_key(ngx_intake_delivery_t *content, u_char kind,
    u_char *hash)
{
    ngx_intake_delivery_key_t  *key;

    key = &content->keys[content->nkeys++];

    key->kind = kind;
    ngx_memcpy(key->hash, hash, NGX_HTTP_INTAKE_HASH_LEN);
}


/*
 * A marked copy leaves the key of the first as it is; its own resend is known
 * by a key that only this copy has.
 */

static ngx_int_t
ngx_http_intake_own_key(ngx_http_intake_pending_t *pending)
{
    u_char                  hash[NGX_HTTP_INTAKE_HASH_LEN];
    ngx_str_t               parts[2];
    ngx_intake_delivery_t  *content;

    content = &pending->content;

    if (content->kind == 'o'
        || content->nkeys > ngx_intake_delivery_nkeys(content->kind))
    {
        return NGX_OK;
    }

    parts[0] = pending->ctx->recordedtime;
    parts[1] = pending->ctx->key;

    if (ngx_http_intake_hash_parts(parts, 2, hash) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_http_intake_add_key(content, NGX_HTTP_INTAKE_KEY_OWN, hash);

    return NGX_OK;
}


static void
ngx_http_intake_leave(void *data)
{
    ngx_http_intake_pending_t *pending = data;

    ngx_http_intake_store_forget(&pending->delivery);

    if (pending->op) {
        ngx_intake_spool_forget(pending->op);
        pending->op = NULL;
    }

    if (pending->timer.timer_set) {
        ngx_del_timer(&pending->timer);
    }
}


static void
ngx_http_intake_delivered(void *data, ngx_http_intake_code_e code,
    ngx_http_intake_result_t *result)
{
    ngx_http_intake_pending_t *pending = data;

    struct timespec         now;
    ngx_http_intake_ctx_t  *ctx;

    ctx = pending->ctx;

    if (result) {
        (void) clock_gettime(CLOCK_MONOTONIC, &now);

        ngx_http_intake_count_store(ctx, (uint64_t) now.tv_sec * 1000000
                                         + now.tv_nsec / 1000 - ctx->started);
    }

    switch (code) {

    case NGX_HTTP_INTAKE_OK:
        code = ngx_http_intake_take_result(ctx, result);
        break;

    case NGX_HTTP_INTAKE_STORE_TIMEOUT:
        ngx_http_intake_count_anomaly(ctx,
                                     NGX_HTTP_INTAKE_ANOMALY_UNKNOWN_OUTCOME);

        /* if it is there, the replay will be recognised */

        /* fall through */

    case NGX_HTTP_INTAKE_STORE_UNAVAILABLE:
    case NGX_HTTP_INTAKE_STORE_REFUSED:

        if (ngx_http_intake_keep(pending, code) == NGX_OK) {
            return;
        }

        break;

    default:
        break;
    }

    ngx_http_intake_finish(ctx, code);
}


static ngx_http_intake_code_e
ngx_http_intake_take_result(ngx_http_intake_ctx_t *ctx,
    ngx_http_intake_result_t *result)
{
    ngx_str_t  id;

    switch (result->status) {

    case NGX_HTTP_INTAKE_SCRIPT_DUPLICATE:
        ctx->duplicate = 1;

        /* it hears the id under which the first copy was stored */

        if (ngx_http_intake_copy_text(ctx, &result->id, &id)
            != NGX_HTTP_INTAKE_OK)
        {
            return NGX_HTTP_INTAKE_INTERNAL_ERROR;
        }

        if (ctx->source->form && ctx->conversation.data == ctx->id.data) {
            ctx->conversation = id;
        }

        ctx->id = id;
        break;

    case NGX_HTTP_INTAKE_SCRIPT_MARKED:
        ctx->duplicate = 1;
        break;

    case NGX_HTTP_INTAKE_SCRIPT_ID_REUSED:
        ctx->id_reused = 1;
        break;

    default:
        break;
    }

    return ngx_http_intake_copy_text(ctx, &result->entry, &ctx->entry);
}


static ngx_http_intake_code_e
ngx_http_intake_copy_text(ngx_http_intake_ctx_t *ctx, ngx_str_t *from,
    ngx_str_t *to)
{
    to->len = from->len;
    to->data = ngx_pstrdup(ctx->request->pool, from);

    return to->data ? NGX_HTTP_INTAKE_OK : NGX_HTTP_INTAKE_INTERNAL_ERROR;
}


/*
 * NGX_OK: the request is answered when the disk has it.  A disk that does not
 * answer in time has the delivery perhaps, as a Redis has it after a time-out.
 */

static ngx_int_t
ngx_http_intake_keep(ngx_http_intake_pending_t *pending,
    ngx_http_intake_code_e code)
{
    ngx_msec_t   passed, left;
    ngx_event_t  *ev;

    if (ngx_http_intake_spool() == NULL
        || ngx_http_intake_own_key(pending) != NGX_OK
        || ngx_http_intake_append(pending) != NGX_OK)
    {
        return NGX_ERROR;
    }

    pending->code = code;

    ev = &pending->timer;

    ev->handler = ngx_http_intake_late;
    ev->data = pending->ctx->request->connection;
    ev->log = pending->ctx->request->connection->log;

    passed = ngx_current_msec - pending->begun;
    left = pending->delivery.source->deadline;
    left = (passed < left) ? left - passed : 0;

    ngx_add_timer(ev, ngx_max(left, NGX_HTTP_INTAKE_SPOOL_LEAST));

    return NGX_OK;
}


static ngx_int_t
ngx_http_intake_append(ngx_http_intake_pending_t *pending)
{
    ngx_int_t                    rc;
    ngx_str_t                   *extra;
    ngx_http_intake_delivery_t  *delivery;

    delivery = &pending->delivery;
    extra = &pending->content.extra;

    extra->len = ngx_http_intake_changes_size(delivery->changes,
                                              delivery->nchanges,
                                              delivery->source->sla);
    if (extra->len) {
        extra->data = ngx_alloc(extra->len, ngx_cycle->log);
        if (extra->data == NULL) {
            extra->len = 0;
            return NGX_ERROR;
        }

        ngx_http_intake_changes_write(extra->data, delivery->changes,
                                      delivery->nchanges,
                                      delivery->source->sla);
    }

    rc = ngx_intake_spool_append(ngx_http_intake_spool(), &pending->content,
                                 pending->ctx->received, ngx_http_intake_kept,
                                 pending, &pending->op);

    /* it has a copy */

    if (extra->len) {
        ngx_free(extra->data);
        extra->len = 0;
    }

    return rc;
}


static void
ngx_http_intake_kept(void *data, ngx_int_t rc)
{
    ngx_http_intake_pending_t *pending = data;

    pending->op = NULL;

    /* the request may stay for a while after its answer */

    ngx_del_timer(&pending->timer);

    if (rc == NGX_OK) {
        pending->ctx->spooled = 1;
        pending->code = NGX_HTTP_INTAKE_OK;
    }

    ngx_http_intake_finish(pending->ctx, pending->code);
}


static void
ngx_http_intake_late(ngx_event_t *ev)
{
    ngx_http_intake_pending_t  *pending;

    pending = (ngx_http_intake_pending_t *)
              ((u_char *) ev - offsetof(ngx_http_intake_pending_t, timer));

    ngx_intake_spool_forget(pending->op);
    pending->op = NULL;

    ngx_http_intake_finish(pending->ctx, NGX_HTTP_INTAKE_STORE_TIMEOUT);
}


/* what the counters tell of an event that is new in the stream, or will be */

static void
ngx_http_intake_count_event(ngx_http_intake_ctx_t *ctx)
{
    ngx_uint_t                  i;
    ngx_http_intake_message_t  *message;

    if (ctx->duplicate) {
        return;
    }

    if (ctx->unparsed) {
        ngx_http_intake_count_anomaly(ctx, NGX_HTTP_INTAKE_ANOMALY_UNPARSED);
    }

    if (ctx->left_out) {
        ngx_http_intake_count_anomaly(ctx,
                                  NGX_HTTP_INTAKE_ANOMALY_MESSAGES_LEFT_OUT);
    }

    if (ctx->id_reused) {
        ngx_http_intake_count_anomaly(ctx,
                                      NGX_HTTP_INTAKE_ANOMALY_ID_REUSED);
    }

    if (ctx->submission) {
        ngx_http_intake_count_spam(ctx);
    }

    if (ctx->messages) {
        message = ctx->messages->elts;

        for (i = 0; i < ctx->messages->nelts; i++) {
            ngx_http_intake_count_message(ctx, message[i].direction, 1);
        }
    }
}


static void
ngx_http_intake_finish(ngx_http_intake_ctx_t *ctx,
    ngx_http_intake_code_e code)
{
    ngx_int_t            rc;
    ngx_connection_t    *c;
    ngx_http_request_t  *r;

    r = ctx->request;
    c = r->connection;

    ngx_http_set_log_request(c->log, r);

    ngx_http_intake_settle_attachments(ctx, code);

    if (code == NGX_HTTP_INTAKE_OK) {
        ngx_http_intake_count_event(ctx);
        rc = ngx_http_intake_accept(ctx);

    } else {
        rc = ngx_http_intake_refuse(ctx, code);
    }

    ngx_http_finalize_request(r, rc);
    ngx_http_run_posted_requests(c);
}
