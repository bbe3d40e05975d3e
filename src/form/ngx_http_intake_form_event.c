
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake.h"
#include "ngx_http_intake_event.h"
#include "ngx_intake_text.h"


/* What is stored of a submission: `data`, its key, its conversation. */


static ngx_int_t ngx_http_intake_form_data(ngx_http_intake_ctx_t *ctx);
static u_char *ngx_http_intake_write_data(ngx_http_intake_ctx_t *ctx,
    u_char *p, size_t *size);
static u_char *ngx_http_intake_write_text(u_char *p, ngx_str_t *text,
    size_t *size);
static u_char *ngx_http_intake_write_char(u_char *p, u_char ch, size_t *size);
static ngx_uint_t ngx_http_intake_is_stored(ngx_http_intake_ctx_t *ctx,
    ngx_http_intake_form_value_t *value);
static ngx_int_t ngx_http_intake_form_key(ngx_http_intake_ctx_t *ctx);
static ngx_int_t ngx_http_intake_form_conversation(ngx_http_intake_ctx_t *ctx);
static ngx_int_t ngx_http_intake_form_reasons(ngx_http_intake_ctx_t *ctx);


ngx_int_t
ngx_http_intake_form_event(ngx_http_intake_ctx_t *ctx)
{
    ngx_str_set(&ctx->type, "intake.form.submitted");

    if (ngx_http_intake_form_hash(ctx) != NGX_OK
        || ngx_http_intake_form_reasons(ctx) != NGX_OK
        || ngx_http_intake_event_times(ctx) != NGX_OK
        || ngx_http_intake_form_key(ctx) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_intake_form_conversation(ctx);
}


/* {"name":["value",...],...} in the order in which the names first come */

static ngx_int_t
ngx_http_intake_form_data(ngx_http_intake_ctx_t *ctx)
{
    u_char     *p;
    size_t      size;
    ngx_str_t  *data;

    size = 0;
    data = &ctx->submission->data;

    if (data->len) {
        return NGX_OK;
    }

    (void) ngx_http_intake_write_data(ctx, NULL, &size);

    p = ngx_pnalloc(ctx->request->pool, size);
    if (p == NULL) {
        return NGX_ERROR;
    }

    data->data = p;
    data->len = ngx_http_intake_write_data(ctx, p, NULL) - p;

    ctx->body = *data;

    return NGX_OK;
}


/* with p NULL size grows by what would be written */

static u_char *
ngx_http_intake_write_data(ngx_http_intake_ctx_t *ctx, u_char *p,
    size_t *size)
{
    ngx_uint_t                     i, j, n, first;
    ngx_http_intake_form_value_t  *value;

    value = ctx->submission->values.elts;
    n = ctx->submission->values.nelts;
    first = 1;

    p = ngx_http_intake_write_char(p, '{', size);

    for (i = 0; i < n; i++) {

        if (value[i].repeated || !ngx_http_intake_is_stored(ctx, &value[i])) {
            continue;
        }

        if (!first) {
            p = ngx_http_intake_write_char(p, ',', size);
        }

        first = 0;

        p = ngx_http_intake_write_text(p, &value[i].name, size);
        p = ngx_http_intake_write_char(p, ':', size);
        p = ngx_http_intake_write_char(p, '[', size);
        p = ngx_http_intake_write_text(p, &value[i].value, size);

        for (j = i + 1; j < n; j++) {

            if (!ngx_http_intake_same(&value[i].name, &value[j].name)) {
                continue;
            }

            value[j].repeated = 1;

            p = ngx_http_intake_write_char(p, ',', size);
            p = ngx_http_intake_write_text(p, &value[j].value, size);
        }

        p = ngx_http_intake_write_char(p, ']', size);
    }

    return ngx_http_intake_write_char(p, '}', size);
}


static u_char *
ngx_http_intake_write_text(u_char *p, ngx_str_t *text, size_t *size)
{
    p = ngx_http_intake_write_char(p, '"', size);

    if (p == NULL) {
        *size += ngx_intake_json_escape_length(text->data, text->len);

    } else {
        p = ngx_intake_json_escape(p, text->data, text->len);
    }

    return ngx_http_intake_write_char(p, '"', size);
}


static u_char *
ngx_http_intake_write_char(u_char *p, u_char ch, size_t *size)
{
    if (p == NULL) {
        (*size)++;
        return NULL;
    }

    *p++ = ch;

    return p;
}


/* whoever looks through the spam wants to see what made it that */

static ngx_uint_t
ngx_http_intake_is_stored(ngx_http_intake_ctx_t *ctx,
    ngx_http_intake_form_value_t *value)
{
    return ngx_http_intake_is_content(value)
           || (ctx->submission->certain
               && value->control == NGX_INTAKE_CONTROL_HONEYPOT);
}


/*
 * A second click, a reload and a resend bring the same data, whatever token
 * came with it; an edited text is another message.
 */

static ngx_int_t
ngx_http_intake_form_key(ngx_http_intake_ctx_t *ctx)
{
    ngx_str_t  hash, parts[2];

    if (ctx->source->dedupe.key == NGX_HTTP_INTAKE_DEDUPE_NONE) {
        ngx_str_null(&hash);
        return ngx_http_intake_event_key(ctx, &hash);
    }

    ctx->key_kind = NGX_HTTP_INTAKE_KEY_FORM;

    if (ngx_http_intake_uuid(ctx, &ctx->id) != NGX_OK) {
        return NGX_ERROR;
    }

    hash.data = ctx->key_hash;
    hash.len = NGX_HTTP_INTAKE_HASH_LEN;

    if (ctx->submission->nonce.len) {

        /* a token is good for one text, sent as often as need be */

        parts[0] = ctx->submission->nonce;
        parts[1] = hash;

        if (ngx_http_intake_hash_parts(parts, 2, ctx->nonce_hash) != NGX_OK) {
            return NGX_ERROR;
        }

        ctx->nonce_key = 1;
    }

    return ngx_http_intake_key_text(ctx, &hash);
}


/* of the data, then of the digests of the files */

ngx_int_t
ngx_http_intake_form_hash(ngx_http_intake_ctx_t *ctx)
{
    ngx_str_t                      *parts;
    ngx_uint_t                      i, n;
    ngx_http_intake_form_upload_t  *upload;

    if (ngx_http_intake_form_data(ctx) != NGX_OK) {
        return NGX_ERROR;
    }

    upload = ctx->submission->uploads.elts;
    n = ctx->submission->uploads.nelts;

    parts = ngx_palloc(ctx->request->pool, (n + 1) * sizeof(ngx_str_t));
    if (parts == NULL) {
        return NGX_ERROR;
    }

    parts[0] = ctx->submission->data;

    for (i = 0; i < n; i++) {
        parts[i + 1].data = upload[i].sha256;
        parts[i + 1].len = NGX_INTAKE_SHA256_LEN;
    }

    return ngx_http_intake_hash_parts(parts, n + 1, ctx->key_hash);
}


/* who waits: by the field that the operator named, else this message alone */

static ngx_int_t
ngx_http_intake_form_conversation(ngx_http_intake_ctx_t *ctx)
{
    ngx_str_t                      text, *name;
    ngx_http_intake_message_t     *message;
    ngx_http_intake_form_value_t  *value;

    ctx->conversation = ctx->id;
    name = &ctx->source->form->conversation;

    if (name->len) {
        value = ngx_http_intake_form_value(ctx, name);

        if (value && ngx_http_intake_is_stored(ctx, value)) {
            text = value->value;
            ngx_intake_text_trim(&text);

            if (text.len && ngx_http_intake_is_text(&text)) {
                ctx->conversation = text;
            }
        }
    }

    /* nobody waits for an answer to spam */

    if (ctx->submission->certain) {
        return NGX_OK;
    }

    ctx->messages = ngx_array_create(ctx->request->pool, 1,
                                     sizeof(ngx_http_intake_message_t));
    if (ctx->messages == NULL) {
        return NGX_ERROR;
    }

    message = ngx_array_push(ctx->messages);

    message->direction = NGX_HTTP_INTAKE_INBOUND;
    message->conversation = ctx->conversation;
    message->id = ctx->id;
    message->time = -1;

    return NGX_OK;
}


/* "SCORE reason,reason" of what is marked */

static ngx_int_t
ngx_http_intake_form_reasons(ngx_http_intake_ctx_t *ctx)
{
    u_char                        *p;
    size_t                         len;
    ngx_uint_t                     i, first;
    ngx_http_intake_submission_t  *submission;

    submission = ctx->submission;

    if (!submission->suspected) {
        return NGX_OK;
    }

    len = NGX_INT_T_LEN;

    for (i = 0; i < NGX_HTTP_INTAKE_SPAM_REASONS; i++) {
        len += ngx_http_intake_spam_reasons[i].len + 1;
    }

    p = ngx_pnalloc(ctx->request->pool, len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    submission->reasons.data = p;
    p = ngx_sprintf(p, "%ui ", submission->score);
    first = 1;

    for (i = 0; i < NGX_HTTP_INTAKE_SPAM_REASONS; i++) {

        if (!(submission->spam & ((ngx_uint_t) 1 << i))) {
            continue;
        }

        if (!first) {
            *p++ = ',';
        }

        first = 0;
        p = ngx_cpymem(p, ngx_http_intake_spam_reasons[i].data,
                       ngx_http_intake_spam_reasons[i].len);
    }

    submission->reasons.len = p - submission->reasons.data;

    return NGX_OK;
}
