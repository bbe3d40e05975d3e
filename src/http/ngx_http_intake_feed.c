
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake_clocks.h"


/* What a delivery tells the clocks of its source. */


static ngx_uint_t ngx_http_intake_tier(ngx_http_intake_ctx_t *ctx);
static ngx_int_t ngx_http_intake_feed_message(ngx_http_intake_ctx_t *ctx,
    ngx_http_intake_message_t *message, ngx_uint_t tier);
static ngx_int_t ngx_http_intake_feed_form(ngx_http_intake_ctx_t *ctx,
    ngx_uint_t tier);
static ngx_http_intake_change_t *ngx_http_intake_add_change(
    ngx_http_intake_ctx_t *ctx, ngx_uint_t tier);


ngx_int_t
ngx_http_intake_feed(ngx_http_intake_ctx_t *ctx)
{
    ngx_uint_t                  i, tier;
    ngx_http_intake_message_t  *message;

    if (ctx->source->sla == NULL
        || (ctx->submission && ctx->submission->certain)
        || (ctx->source->form == NULL && ctx->messages == NULL))
    {
        return NGX_OK;
    }

    ctx->changes = ngx_array_create(ctx->request->pool, 1,
                                    sizeof(ngx_http_intake_change_t));
    if (ctx->changes == NULL) {
        return NGX_ERROR;
    }

    tier = ngx_http_intake_tier(ctx);

    if (ctx->source->form) {
        return ngx_http_intake_feed_form(ctx, tier);
    }

    message = ctx->messages->elts;

    for (i = 0; i < ctx->messages->nelts; i++) {
        if (ngx_http_intake_feed_message(ctx, &message[i], tier) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* the tier that the variable names; the first, without tier=, of all others */

static ngx_uint_t
ngx_http_intake_tier(ngx_http_intake_ctx_t *ctx)
{
    ngx_uint_t                  i;
    ngx_http_intake_sla_t      *sla;
    ngx_http_variable_value_t  *v;

    sla = ctx->source->sla;

    if (sla->variable == NGX_ERROR) {
        return 0;
    }

    v = ngx_http_get_flushed_variable(ctx->request, sla->variable);

    if (v == NULL || v->not_found) {
        return 0;
    }

    for (i = 1; i < sla->ntiers; i++) {
        if (sla->tiers[i].name.len == v->len
            && ngx_memcmp(sla->tiers[i].name.data, v->data, v->len) == 0)
        {
            return i;
        }
    }

    return 0;
}


static ngx_int_t
ngx_http_intake_feed_message(ngx_http_intake_ctx_t *ctx,
    ngx_http_intake_message_t *message, ngx_uint_t tier)
{
    int64_t                    received;
    ngx_http_intake_change_t  *change;

    static ngx_http_intake_kind_e  kinds[] = {
        NGX_HTTP_INTAKE_KIND_INBOUND,
        NGX_HTTP_INTAKE_KIND_OUTBOUND,
        NGX_HTTP_INTAKE_KIND_AUTO
    };

    change = ngx_http_intake_add_change(ctx, tier);
    if (change == NULL) {
        return NGX_ERROR;
    }

    change->kind = kinds[message->direction];
    change->conversation = message->conversation;

    received = change->time;

    if (message->time >= 0) {
        change->time = message->time / 1000;
    }

    /*
     * What is from longer ago would be closed at once, as if it had been there
     * all that time.  Mostly its time has another unit than was configured.
     */

    if (change->kind == NGX_HTTP_INTAKE_KIND_INBOUND
        && received - change->time
           > (int64_t) ctx->source->sla->tiers[0].forget)
    {
        change->time = received;
        change->skewed = 1;
    }

    if (message->id.len) {
        change->has_id = 1;

        if (ngx_http_intake_mark('m', &message->id, change->id_hash)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    /* whoever reports a reply may name the delivery's id */

    if (ctx->changes->nelts == 1 && ctx->id.len) {
        change->has_event = 1;

        if (ngx_http_intake_mark('e', &ctx->id, change->event_hash)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return ngx_http_intake_change(ctx->source->sla, change, received);
}


/* a form is one message; its conversation is its id, or that of a field */

static ngx_int_t
ngx_http_intake_feed_form(ngx_http_intake_ctx_t *ctx, ngx_uint_t tier)
{
    ngx_http_intake_change_t  *change;

    change = ngx_http_intake_add_change(ctx, tier);
    if (change == NULL) {
        return NGX_ERROR;
    }

    change->kind = NGX_HTTP_INTAKE_KIND_INBOUND;
    change->conversation = ctx->id;

    if (ctx->source->form->conversation.len && ctx->conversation.len) {
        change->conversation = ctx->conversation;
        change->has_event = 1;

        if (ngx_http_intake_mark('e', &ctx->id, change->event_hash)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return ngx_http_intake_change(ctx->source->sla, change,
                                  ctx->received / 1000);
}


static ngx_http_intake_change_t *
ngx_http_intake_add_change(ngx_http_intake_ctx_t *ctx, ngx_uint_t tier)
{
    ngx_http_intake_change_t  *change;

    change = ngx_array_push(ctx->changes);
    if (change == NULL) {
        return NULL;
    }

    ngx_memzero(change, sizeof(ngx_http_intake_change_t));

    change->tier = tier;
    change->time = ctx->received / 1000;

    return change;
}
