
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake_form_answer.h"


/*
 * The answers that scripts read.  Success is what the clients of other form
 * services look for: "ok" and "next", "success" and "message", the status 200.
 * A problem (RFC 9457) has "error" and "errors" beside its own members, as
 * Formspree's client reads them.  What the visitor wrote is never in it: such
 * answers end in logs.
 */


static void ngx_http_intake_put_member(ngx_http_intake_writer_t *w,
    const char *name, ngx_str_t *value);
static int64_t ngx_http_intake_received_at(ngx_http_intake_ctx_t *ctx);
static void ngx_http_intake_put_errors(ngx_http_intake_writer_t *w,
    ngx_http_intake_form_answer_t *answer);
static void ngx_http_intake_put_pointer(ngx_http_intake_writer_t *w,
    ngx_str_t *name);
static off_t ngx_http_intake_limit(ngx_http_intake_form_answer_t *answer);


/* {"ok":true,"success":true,"id":"...","received_at":"...",...} */

void
ngx_http_intake_put_success(ngx_http_intake_writer_t *w, void *data)
{
    ngx_http_intake_form_answer_t *answer = data;

    u_char                  time[NGX_INTAKE_TIME_LEN];
    ngx_http_intake_ctx_t  *ctx;

    ctx = answer->ctx;

    ngx_http_intake_put(w, "{\"ok\":true,\"success\":true");
    ngx_http_intake_put_member(w, "id", &ctx->id);

    (void) ngx_intake_time_format(time, ngx_http_intake_received_at(ctx));

    /* milliseconds are enough for people */

    ngx_http_intake_put(w, ",\"received_at\":\"");
    ngx_http_intake_put_bytes(w, time, sizeof("2026-11-21T20:39:12.345") - 1);
    ngx_http_intake_put(w, "Z\",\"message\":\"");
    ngx_http_intake_put_detail(w, answer);
    ngx_http_intake_put(w, "\"");

    if (answer->next.len) {
        ngx_http_intake_put_member(w, "next", &answer->next);
    }

    ngx_http_intake_put(w, ctx->duplicate ? ",\"duplicate\":true}"
                                          : ",\"duplicate\":false}");
}


static void
ngx_http_intake_put_member(ngx_http_intake_writer_t *w, const char *name,
    ngx_str_t *value)
{
    ngx_http_intake_put(w, ",\"");
    ngx_http_intake_put(w, name);
    ngx_http_intake_put(w, "\":\"");
    ngx_http_intake_put_text(w, value);
    ngx_http_intake_put(w, "\"");
}


/*
 * A duplicate has the id of the first copy, a UUID of version 7, and with it
 * the time of that one: RFC 9562, 5.7.
 */

static int64_t
ngx_http_intake_received_at(ngx_http_intake_ctx_t *ctx)
{
    u_char   *p;
    int64_t   msec;
    ngx_int_t  high, low;

    p = ctx->id.data;

    if (!ctx->duplicate || ctx->id.len != NGX_INTAKE_UUID_LEN
        || p[8] != '-' || p[14] != '7')
    {
        return ctx->received;
    }

    high = ngx_hextoi(p, 8);
    low = ngx_hextoi(p + 9, 4);

    if (high == NGX_ERROR || low == NGX_ERROR) {
        return ctx->received;
    }

    msec = ((int64_t) high << 16) + low;

    return msec * 1000;
}


void
ngx_http_intake_put_problem(ngx_http_intake_writer_t *w, void *data)
{
    ngx_http_intake_form_answer_t *answer = data;

    off_t       limit;
    ngx_str_t  *title;

    title = ngx_http_intake_code_title(answer->code);

    ngx_http_intake_put(w, "{\"type\":\"about:blank\"");
    ngx_http_intake_put_member(w, "title", title);
    ngx_http_intake_put(w, ",\"status\":");
    ngx_http_intake_put_number(w, answer->status);
    ngx_http_intake_put(w, ",\"detail\":\"");
    ngx_http_intake_put_detail(w, answer);
    ngx_http_intake_put(w, "\"");
    ngx_http_intake_put_member(w, "code",
                               ngx_http_intake_code_name(answer->code));
    ngx_http_intake_put_member(w, "error", title);
    ngx_http_intake_put_errors(w, answer);

    if (answer->status == NGX_HTTP_REQUEST_ENTITY_TOO_LARGE) {
        limit = ngx_http_intake_limit(answer);

        if (limit) {
            ngx_http_intake_put(w, ",\"limit\":");
            ngx_http_intake_put_number(w, limit);
        }
    }

    ngx_http_intake_put(w, "}");
}


/* what is wrong with no field in particular has no "field" */

static void
ngx_http_intake_put_errors(ngx_http_intake_writer_t *w,
    ngx_http_intake_form_answer_t *answer)
{
    ngx_str_t                      code;
    ngx_uint_t                     i;
    ngx_http_intake_submission_t  *submission;
    ngx_http_intake_form_error_t  *error;

    submission = answer->ctx->submission;

    if (submission == NULL || submission->errors.nelts == 0) {
        ngx_http_intake_put(w, ",\"errors\":[{\"code\":\"");
        ngx_http_intake_put_text(w, ngx_http_intake_code_name(answer->code));
        ngx_http_intake_put(w, "\",\"message\":\"");
        ngx_http_intake_put(w, ngx_http_intake_form_text(answer->code)->text);
        ngx_http_intake_put(w, "\"}]");
        return;
    }

    error = submission->errors.elts;

    for (i = 0; i < submission->errors.nelts; i++) {
        ngx_http_intake_put(w, i ? ",{" : ",\"errors\":[{");

        if (error[i].field.len) {
            ngx_http_intake_put(w, "\"field\":\"");
            ngx_http_intake_put_text(w, &error[i].field);
            ngx_http_intake_put(w, "\",");
        }

        code.data = (u_char *) error[i].code;
        code.len = ngx_strlen(error[i].code);

        ngx_http_intake_put(w, "\"code\":\"");
        ngx_http_intake_put_text(w, &code);
        ngx_http_intake_put(w, "\",\"message\":\"");
        ngx_http_intake_put_message(w, answer, &error[i]);
        ngx_http_intake_put(w, "\"");

        if (error[i].field.len) {
            ngx_http_intake_put_pointer(w, &error[i].field);
        }

        ngx_http_intake_put(w, "}");
    }

    ngx_http_intake_put(w, "]");
}


/* a JSON Pointer as the fragment of a URI: RFC 6901, 6 */

static void
ngx_http_intake_put_pointer(ngx_http_intake_writer_t *w, ngx_str_t *name)
{
    u_char                    ch;
    size_t                    i;
    ngx_str_t                 part;
    ngx_http_intake_write_e   type;

    type = w->type;
    w->type = NGX_HTTP_INTAKE_WRITE_URI;

    ngx_http_intake_put(w, ",\"pointer\":\"#/");

    part.data = name->data;

    for (i = 0; i < name->len; i++) {
        ch = name->data[i];

        if (ch != '~' && ch != '/') {
            continue;
        }

        part.len = name->data + i - part.data;
        ngx_http_intake_put_text(w, &part);
        ngx_http_intake_put(w, ch == '~' ? "~0" : "~1");

        part.data = name->data + i + 1;
    }

    part.len = name->data + name->len - part.data;
    ngx_http_intake_put_text(w, &part);
    ngx_http_intake_put(w, "\"");

    w->type = type;
}


/* bytes or a number of things; 0: not known */

static off_t
ngx_http_intake_limit(ngx_http_intake_form_answer_t *answer)
{
    ngx_intake_form_limits_t  *limits;

    limits = &answer->form->limits;

    if (answer->ctx->submission && answer->ctx->submission->limit) {
        return answer->ctx->submission->limit;
    }

    switch (answer->code) {

    case NGX_HTTP_INTAKE_FILES_TOO_BIG:
        return limits->file;

    case NGX_HTTP_INTAKE_TOO_MANY_FILES:
        return limits->files;

    case NGX_HTTP_INTAKE_TOO_MANY_FIELDS:
        return limits->fields;

    case NGX_HTTP_INTAKE_TOO_LARGE:

        /* a body that has been read was not too large as a whole */

        if (answer->ctx->submission) {
            return limits->value;
        }

        return answer->ctx->source->max_body;

    default:
        return 0;
    }
}
