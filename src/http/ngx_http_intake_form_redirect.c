
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake_form_answer.h"


/*
 * Where the answer to a form sends the visitor.  An address that the page has
 * sent is taken as it is or not at all: it is neither decoded nor completed,
 * for then browsers and we could understand it differently.
 */


/* bytes that codes may add to the address of an error page */

#define NGX_HTTP_INTAKE_FORM_ERROR_MAX  1536


static ngx_array_t *ngx_http_intake_redirect_origins(
    ngx_http_intake_ctx_t *ctx);
static void ngx_http_intake_put_location(ngx_http_intake_writer_t *w,
    void *data);
static void ngx_http_intake_put_codes(ngx_http_intake_writer_t *w,
    ngx_http_intake_form_answer_t *answer);


ngx_int_t
ngx_http_intake_form_next(ngx_http_intake_ctx_t *ctx, ngx_str_t *next)
{
    ngx_uint_t                     i;
    ngx_array_t                   *origins;
    ngx_http_intake_form_value_t  *value;

    *next = ctx->source->form->redirect;

    if (ctx->submission->next.len) {
        *next = ctx->submission->next;
        return NGX_OK;
    }

    if (!ctx->source->form->next) {
        return NGX_OK;
    }

    origins = NULL;
    value = ctx->submission->values.elts;

    for (i = 0; i < ctx->submission->values.nelts; i++) {

        if (value[i].control != NGX_INTAKE_CONTROL_REDIRECT
            || value[i].value.len == 0)
        {
            continue;
        }

        if (origins == NULL) {
            origins = ngx_http_intake_redirect_origins(ctx);
            if (origins == NULL) {
                return NGX_ERROR;
            }
        }

        if (ngx_intake_redirect_allowed(&value[i].value, origins->elts,
                                        origins->nelts))
        {
            ctx->submission->next = value[i].value;
            *next = value[i].value;
            return NGX_OK;
        }

        ngx_log_error(NGX_LOG_INFO, ctx->request->connection->log, 0,
                      "intake source \"%V\": the page asked for a redirect "
                      "that is not allowed", &ctx->source->name);
    }

    return NGX_OK;
}


/* those of the list and the own one */

static ngx_array_t *
ngx_http_intake_redirect_origins(ngx_http_intake_ctx_t *ctx)
{
    ngx_str_t    *origin, *listed;
    ngx_uint_t    i;
    ngx_array_t  *origins, *list;

    list = ctx->source->form->origins;

    origins = ngx_array_create(ctx->request->pool, list ? list->nelts + 1 : 1,
                               sizeof(ngx_str_t));
    if (origins == NULL) {
        return NULL;
    }

    origin = ngx_array_push(origins);
    if (origin == NULL
        || ngx_http_intake_own_origin(ctx->request, origin) != NGX_OK)
    {
        return NULL;
    }

    if (list == NULL) {
        return origins;
    }

    listed = list->elts;

    for (i = 0; i < list->nelts; i++) {
        origin = ngx_array_push(origins);
        if (origin == NULL) {
            return NULL;
        }

        *origin = listed[i];
    }

    return origins;
}


ngx_int_t
ngx_http_intake_error_location(ngx_http_intake_form_answer_t *answer,
    ngx_str_t *location)
{
    return ngx_http_intake_write(answer->ctx->request->pool,
                                 NGX_HTTP_INTAKE_WRITE_URI,
                                 ngx_http_intake_put_location, answer,
                                 location);
}


/* the address, its query and the codes, its fragment */

static void
ngx_http_intake_put_location(ngx_http_intake_writer_t *w, void *data)
{
    ngx_http_intake_form_answer_t *answer = data;

    u_char     *p, *last, *fragment, *query;
    ngx_str_t  *uri;

    uri = &answer->form->error;
    p = uri->data;
    last = p + uri->len;

    fragment = ngx_strlchr(p, last, '#');

    if (fragment == NULL) {
        fragment = last;
    }

    query = ngx_strlchr(p, fragment, '?');

    ngx_http_intake_put_bytes(w, p, fragment - p);

    if (query == NULL) {
        ngx_http_intake_put(w, "?");

    } else if (query + 1 < fragment && fragment[-1] != '&') {
        ngx_http_intake_put(w, "&");
    }

    ngx_http_intake_put(w, "form_error=");
    ngx_http_intake_put_codes(w, answer);
    ngx_http_intake_put_bytes(w, fragment, last - fragment);
}


/* NAME:CODE,... or, of what is wrong with no field in particular, CODE */

static void
ngx_http_intake_put_codes(ngx_http_intake_writer_t *w,
    ngx_http_intake_form_answer_t *answer)
{
    size_t                         start;
    ngx_uint_t                     i;
    ngx_array_t                   *errors;
    ngx_http_intake_form_error_t  *error;

    errors = answer->ctx->submission ? &answer->ctx->submission->errors
                                     : NULL;

    if (errors == NULL || errors->nelts == 0) {
        ngx_http_intake_put_text(w, ngx_http_intake_code_name(answer->code));
        return;
    }

    start = w->len;
    error = errors->elts;

    for (i = 0; i < errors->nelts; i++) {

        /* the rest is found when these have been corrected */

        if (i && w->len - start + 3 * error[i].field.len
                 > NGX_HTTP_INTAKE_FORM_ERROR_MAX)
        {
            break;
        }

        if (i) {
            ngx_http_intake_put(w, ",");
        }

        if (error[i].field.len) {
            ngx_http_intake_put_text(w, &error[i].field);
            ngx_http_intake_put(w, ":");
        }

        ngx_http_intake_put(w, error[i].code);
    }
}
