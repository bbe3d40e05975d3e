
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake.h"


/*
 * The body of a request, in memory, in a temporary file or in both, goes to the
 * parser in pieces.  Hashing and writing what is in it take time: a long body
 * lets other requests go between.
 */


#define NGX_HTTP_INTAKE_PIECE   65536           /* bytes read of a file */
#define NGX_HTTP_INTAKE_PIECES  8               /* in a turn of the loop */


typedef struct {
    ngx_http_intake_ctx_t    *ctx;
    ngx_intake_form_t        *form;
    ngx_http_intake_fed_pt    fed;
    ngx_chain_t              *cl;               /* what is read next */
    off_t                     offset;           /* in it, if it is a file */
    u_char                   *piece;            /* of it; or NULL */
    ngx_event_t               turn;
    ngx_http_cleanup_t       *cleanup;          /* of turn; or NULL */
} ngx_http_intake_body_t;


static ngx_int_t ngx_http_intake_feed_rest(ngx_http_intake_body_t *body);
static ngx_int_t ngx_http_intake_feed_file(ngx_http_intake_body_t *body,
    ngx_buf_t *b);
static ngx_int_t ngx_http_intake_next_turn(ngx_http_intake_body_t *body);
static void ngx_http_intake_turn_handler(ngx_event_t *ev);
static void ngx_http_intake_turn_cleanup(void *data);


ngx_int_t
ngx_http_intake_feed_body(ngx_http_intake_ctx_t *ctx, ngx_intake_form_t *form,
    ngx_http_intake_fed_pt fed)
{
    ngx_http_request_t      *r;
    ngx_http_intake_body_t  *body;

    r = ctx->request;

    if (r->request_body == NULL) {
        return NGX_OK;
    }

    body = ngx_pcalloc(r->pool, sizeof(ngx_http_intake_body_t));
    if (body == NULL) {
        return NGX_ERROR;
    }

    body->ctx = ctx;
    body->form = form;
    body->fed = fed;
    body->cl = r->request_body->bufs;

    ctx->submission->body = body;

    return ngx_http_intake_feed_rest(body);
}


static ngx_int_t
ngx_http_intake_feed_rest(ngx_http_intake_body_t *body)
{
    ngx_int_t   rc;
    ngx_buf_t  *b;

    rc = NGX_OK;

    for ( /* void */ ; body->cl; body->cl = body->cl->next) {
        b = body->cl->buf;

        /* the last chunk is a buffer of nothing, neither memory nor file */

        if (ngx_buf_size(b) == 0) {
            continue;
        }

        if (ngx_buf_in_memory(b)) {
            rc = ngx_intake_form_feed(body->form, b->pos, b->last - b->pos);

        } else {
            rc = ngx_http_intake_feed_file(body, b);
        }

        if (rc != NGX_OK) {
            break;
        }
    }

    if (body->piece && rc != NGX_AGAIN) {
        ngx_pfree(body->ctx->request->pool, body->piece);
        body->piece = NULL;
    }

    return rc;
}


static ngx_int_t
ngx_http_intake_feed_file(ngx_http_intake_body_t *body, ngx_buf_t *b)
{
    size_t               size;
    ssize_t              n;
    ngx_int_t            rc;
    ngx_uint_t           pieces;
    ngx_http_request_t  *r;

    r = body->ctx->request;

    if (body->piece == NULL) {
        body->piece = ngx_palloc(r->pool, NGX_HTTP_INTAKE_PIECE);
        if (body->piece == NULL) {
            return NGX_ERROR;
        }
    }

    for (pieces = 0; body->offset < ngx_buf_size(b); pieces++) {

        if (pieces == NGX_HTTP_INTAKE_PIECES) {
            return ngx_http_intake_next_turn(body);
        }

        size = (size_t) ngx_min(ngx_buf_size(b) - body->offset,
                                NGX_HTTP_INTAKE_PIECE);

        n = ngx_read_file(b->file, body->piece, size,
                          b->file_pos + body->offset);

        if (n == NGX_ERROR || n != (ssize_t) size) {
            ngx_log_error(NGX_LOG_CRIT, r->connection->log, 0,
                          "a request body in \"%V\" could not be read back",
                          &b->file->name);
            return NGX_ERROR;
        }

        rc = ngx_intake_form_feed(body->form, body->piece, size);

        if (rc != NGX_OK) {
            return rc;
        }

        body->offset += size;
    }

    body->offset = 0;

    return NGX_OK;
}


/*
 * A timer rather than a posted event: a worker that is told to leave waits for
 * it.  With 0 it would expire in this turn.
 */

static ngx_int_t
ngx_http_intake_next_turn(ngx_http_intake_body_t *body)
{
    ngx_http_request_t  *r;

    r = body->ctx->request;

    if (body->cleanup == NULL) {
        body->cleanup = ngx_http_cleanup_add(r, 0);
        if (body->cleanup == NULL) {
            return NGX_ERROR;
        }

        body->cleanup->handler = ngx_http_intake_turn_cleanup;
        body->cleanup->data = body;

        body->turn.handler = ngx_http_intake_turn_handler;
        body->turn.data = r;
        body->turn.log = r->connection->log;
    }

    ngx_add_timer(&body->turn, 1);

    return NGX_AGAIN;
}


static void
ngx_http_intake_turn_handler(ngx_event_t *ev)
{
    ngx_int_t                rc;
    ngx_http_request_t      *r;
    ngx_http_intake_ctx_t   *ctx;
    ngx_http_intake_body_t  *body;

    r = ev->data;
    ctx = ngx_http_get_module_ctx(r, ngx_http_intake_module);
    body = ctx->submission->body;

    ngx_http_set_log_request(r->connection->log, r);

    ev->timedout = 0;

    rc = ngx_http_intake_feed_rest(body);

    if (rc != NGX_AGAIN) {
        body->fed(ctx, rc);
    }
}


static void
ngx_http_intake_turn_cleanup(void *data)
{
    ngx_http_intake_body_t *body = data;

    if (body->turn.timer_set) {
        ngx_del_timer(&body->turn);
    }
}
