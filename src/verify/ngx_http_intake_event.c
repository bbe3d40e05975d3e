
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake.h"
#include "ngx_http_intake_event.h"


/* What a delivery is: its type, its times, and what the others here find. */


static ngx_int_t ngx_http_intake_event_type(ngx_http_intake_ctx_t *ctx,
    ngx_str_t *value);
static void ngx_http_intake_event_readable(ngx_http_intake_ctx_t *ctx,
    ngx_str_t *id, ngx_str_t *type);
static ngx_uint_t ngx_http_intake_uses_document(ngx_array_t *srcs);
static ngx_uint_t ngx_http_intake_time_is_signed(ngx_http_intake_ctx_t *ctx);


ngx_int_t
ngx_http_intake_event(ngx_http_intake_ctx_t *ctx)
{
    ngx_str_t  id, type, parts[2];

    if (ngx_http_intake_event_times(ctx) != NGX_OK
        || ngx_http_intake_event_id(ctx, &id) != NGX_OK
        || ngx_http_intake_event_type(ctx, &type) != NGX_OK
        || ngx_http_intake_find_messages(ctx) != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_http_intake_event_readable(ctx, &id, &type);

    if (type.len == 0) {
        if (ctx->unparsed) {
            ngx_str_set(&type, "unparsed");

        } else {
            ngx_str_set(&type, "event");
        }
    }

    parts[0] = ctx->source->platform->type_as;
    parts[1] = type;

    if (ngx_http_intake_flatten(ctx->request->pool, parts, 2, &ctx->type)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_intake_event_key(ctx, &id);
}


/*
 * "" if there is none.  A joined type is made of what is present: an event
 * without an action is an event all the same.
 */

static ngx_int_t
ngx_http_intake_event_type(ngx_http_intake_ctx_t *ctx, ngx_str_t *value)
{
    ngx_int_t                    rc;
    ngx_str_t                   *part, text;
    ngx_uint_t                   i;
    ngx_array_t                  parts;
    ngx_http_intake_src_t       *src;
    ngx_http_intake_platform_t  *platform;

    ngx_str_null(value);

    platform = ctx->source->platform;

    if (platform->type == NULL) {
        return NGX_OK;
    }

    if (ngx_array_init(&parts, ctx->request->pool, platform->type->nelts + 1,
                       sizeof(ngx_str_t))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    src = platform->type->elts;

    for (i = 0; i < platform->type->nelts; i++) {

        rc = ngx_http_intake_extract_first(ctx, &src[i], &text);

        if (rc == NGX_ERROR) {
            return NGX_ERROR;
        }

        if (rc != NGX_OK) {
            continue;
        }

        part = ngx_array_push(&parts);
        if (part == NULL) {
            return NGX_ERROR;
        }

        *part = text;

        if (!platform->type_joined) {
            break;
        }
    }

    if (parts.nelts == 0) {
        return NGX_OK;
    }

    if (ngx_http_intake_join(ctx->request->pool, &parts, '.', value)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (!ngx_http_intake_is_text(value)) {
        ngx_str_null(value);
    }

    return NGX_OK;
}


/*
 * Sets unparsed when a rule needed the document that the body should be and
 * is not.  Forms are what some platforms send besides: a body is readable if
 * it is a form and a rule reads forms.
 */

static void
ngx_http_intake_event_readable(ngx_http_intake_ctx_t *ctx, ngx_str_t *id,
    ngx_str_t *type)
{
    ngx_http_intake_platform_t  *platform;

    platform = ctx->source->platform;

    if (!(ctx->json_read || ctx->xml_read)
        || (ctx->json_read && ctx->json_rc == NGX_OK)
        || (ctx->xml_read && ctx->xml_rc == NGX_OK)
        || ctx->body.len == 0
        || (ctx->form_read && !ctx->document
            && ngx_http_intake_is_form(ctx->request)))
    {
        return;
    }

    if ((id->len == 0 && ngx_http_intake_uses_document(platform->id))
        || (type->len == 0 && ngx_http_intake_uses_document(platform->type))
        || (platform->messages
            && ngx_http_intake_messages_use_document(platform)))
    {
        ctx->unparsed = 1;
    }
}


static ngx_uint_t
ngx_http_intake_uses_document(ngx_array_t *srcs)
{
    ngx_uint_t              i;
    ngx_http_intake_src_t  *src;

    if (srcs == NULL) {
        return 0;
    }

    src = srcs->elts;

    for (i = 0; i < srcs->nelts; i++) {
        if (ngx_http_intake_is_document(&src[i])) {
            return 1;
        }
    }

    return 0;
}


ngx_int_t
ngx_http_intake_event_times(ngx_http_intake_ctx_t *ctx)
{
    int64_t                      time;
    ngx_http_intake_platform_t  *platform;

    ctx->recordedtime.len = NGX_INTAKE_TIME_LEN;
    ctx->recordedtime.data = ngx_pnalloc(ctx->request->pool,
                                         NGX_INTAKE_TIME_LEN);
    if (ctx->recordedtime.data == NULL) {
        return NGX_ERROR;
    }

    (void) ngx_intake_time_format(ctx->recordedtime.data, ctx->received);

    ctx->time = -1;
    platform = ctx->source->platform;

    if (ctx->timestamp.len
        && ngx_http_intake_time_is_signed(ctx)
        && ngx_intake_time_parse(platform->timestamp_unit, &ctx->timestamp,
                                 &time)
           == NGX_OK)
    {
        ctx->time = time;
    }

    return NGX_OK;
}


static ngx_uint_t
ngx_http_intake_time_is_signed(ngx_http_intake_ctx_t *ctx)
{
    ngx_http_intake_src_t       *src;
    ngx_http_intake_template_t  *template;

    src = ctx->source->platform->timestamp;
    template = ctx->source->platform->signed_string;

    if (src == NULL || template == NULL) {
        return 0;
    }

    if (ngx_http_intake_has_word(template, NGX_HTTP_INTAKE_WORD_TIMESTAMP)) {
        return 1;
    }

    switch (src->kind) {

    case NGX_HTTP_INTAKE_SRC_JSON:
    case NGX_HTTP_INTAKE_SRC_XML:
        return ngx_http_intake_has_word(template, NGX_HTTP_INTAKE_WORD_BODY);

    case NGX_HTTP_INTAKE_SRC_FORM:

        if (ctx->request->method != NGX_HTTP_GET) {
            return ngx_http_intake_has_word(template,
                                            NGX_HTTP_INTAKE_WORD_BODY);
        }

        /* fall through */

    case NGX_HTTP_INTAKE_SRC_QUERY:
        return ngx_http_intake_has_word(template, NGX_HTTP_INTAKE_WORD_URL)
               || ngx_http_intake_has_word(template,
                                           NGX_HTTP_INTAKE_WORD_PATH);

    default:
        return 0;
    }
}
