
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake.h"
#include "ngx_intake_text.h"


/*
 * The rules of a form: what is wrong is found for all fields at once, one
 * error for each, in the order of the form.  What is right is left as it is
 * stored: lines end with LF, and there are no other control characters.
 */


#define NGX_HTTP_INTAKE_LOGGED_NAME  64        /* bytes */


static ngx_int_t ngx_http_intake_text_values(ngx_http_intake_ctx_t *ctx);
static ngx_int_t ngx_http_intake_validate_fields(ngx_http_intake_ctx_t *ctx);
static ngx_intake_field_error_e ngx_http_intake_validate_field(
    ngx_http_intake_ctx_t *ctx, ngx_http_intake_field_t *field);
static ngx_intake_field_error_e ngx_http_intake_validate_value(
    ngx_http_intake_ctx_t *ctx, ngx_http_intake_form_value_t *value,
    ngx_uint_t required);
static ngx_uint_t ngx_http_intake_matches(ngx_http_intake_ctx_t *ctx,
    ngx_http_intake_field_t *field, ngx_str_t *value);
static ngx_uint_t ngx_http_intake_has_upload(ngx_http_intake_ctx_t *ctx,
    ngx_str_t *name);
static ngx_int_t ngx_http_intake_validate_others(ngx_http_intake_ctx_t *ctx);
static ngx_int_t ngx_http_intake_validate_uploads(ngx_http_intake_ctx_t *ctx);
static ngx_int_t ngx_http_intake_error_once(ngx_http_intake_ctx_t *ctx,
    ngx_str_t *name, ngx_intake_field_error_e error);
static ngx_uint_t ngx_http_intake_is_empty(ngx_http_intake_ctx_t *ctx);
static void ngx_http_intake_log_reserved(ngx_http_intake_ctx_t *ctx);


ngx_int_t
ngx_http_intake_validate(ngx_http_intake_ctx_t *ctx)
{
    ngx_http_intake_log_reserved(ctx);

    if (ngx_http_intake_validate_fields(ctx) != NGX_OK
        || ngx_http_intake_validate_others(ctx) != NGX_OK
        || ngx_http_intake_validate_uploads(ctx) != NGX_OK
        || ngx_http_intake_text_values(ctx) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (ngx_http_intake_is_empty(ctx)) {
        ctx->code = NGX_HTTP_INTAKE_EMPTY;
        return NGX_DECLINED;
    }

    if (ctx->submission->errors.nelts) {
        ctx->code = NGX_HTTP_INTAKE_VALIDATION_FAILED;
        return NGX_DECLINED;
    }

    return NGX_OK;
}


/* the tokens that are no text are left alone: they are compared */

static ngx_int_t
ngx_http_intake_text_values(ngx_http_intake_ctx_t *ctx)
{
    ngx_str_t                      text;
    ngx_uint_t                     i;
    ngx_http_intake_form_value_t  *value;

    value = ctx->submission->values.elts;

    for (i = 0; i < ctx->submission->values.nelts; i++) {

        if (ngx_intake_text_single_line(&value[i].value)
            || (!ngx_http_intake_is_content(&value[i])
                && value[i].control != NGX_INTAKE_CONTROL_HONEYPOT))
        {
            continue;
        }

        text.data = ngx_pnalloc(ctx->request->pool,
                              ngx_intake_text_lines_length(&value[i].value));
        if (text.data == NULL) {
            return NGX_ERROR;
        }

        text.len = ngx_intake_text_lines(text.data, &value[i].value)
                   - text.data;

        value[i].value = text;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_intake_validate_fields(ngx_http_intake_ctx_t *ctx)
{
    ngx_uint_t                    i;
    ngx_http_intake_field_t      *field;
    ngx_intake_field_error_e      error;
    ngx_http_intake_form_conf_t  *form;

    form = ctx->source->form;

    if (form->fields == NULL) {
        return NGX_OK;
    }

    field = form->fields->elts;

    for (i = 0; i < form->fields->nelts; i++) {
        error = ngx_http_intake_validate_field(ctx, &field[i]);

        if (error != NGX_INTAKE_FIELD_FINE
            && ngx_http_intake_form_error(ctx, &field[i].name,
                                          &field[i].label,
                                          ngx_intake_field_code(error))
               != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_intake_field_error_e
ngx_http_intake_validate_field(ngx_http_intake_ctx_t *ctx,
    ngx_http_intake_field_t *field)
{
    ngx_uint_t                     i, n, required;
    ngx_intake_field_error_e       error;
    ngx_http_intake_form_value_t  *value;

    value = ctx->submission->values.elts;

    n = 0;
    required = field->rule.required;

    for (i = 0; i < ctx->submission->values.nelts; i++) {
        if (value[i].field == field) {
            n++;

            if (!ngx_intake_text_blank(&value[i].value)) {
                required = 0;
            }
        }
    }

    if (n == 0) {
        return (required && !ngx_http_intake_has_upload(ctx, &field->name))
               ? NGX_INTAKE_FIELD_REQUIRED_MISSING : NGX_INTAKE_FIELD_FINE;
    }

    if (n > 1 && !field->multiple) {
        return NGX_INTAKE_FIELD_DUPLICATE;
    }

    for (i = 0; i < ctx->submission->values.nelts; i++) {

        if (value[i].field != field) {
            continue;
        }

        error = ngx_http_intake_validate_value(ctx, &value[i], required);

        if (error != NGX_INTAKE_FIELD_FINE) {
            return error;
        }
    }

    return NGX_INTAKE_FIELD_FINE;
}


/* required: none of the field's values says anything */

static ngx_intake_field_error_e
ngx_http_intake_validate_value(ngx_http_intake_ctx_t *ctx,
    ngx_http_intake_form_value_t *value, ngx_uint_t required)
{
    ngx_intake_field_rule_t   rule;
    ngx_intake_field_error_e  error;

    rule = value->field->rule;
    rule.required = required ? 1 : 0;

    error = ngx_intake_field_check(&rule, &value->value);

    if (error != NGX_INTAKE_FIELD_FINE) {
        return error;
    }

    if (value->value.len
        && !ngx_http_intake_matches(ctx, value->field, &value->value))
    {
        return NGX_INTAKE_FIELD_PATTERN;
    }

    return NGX_INTAKE_FIELD_FINE;
}


/* the pattern is anchored; its "\n" is what HTML's is */

static ngx_uint_t
ngx_http_intake_matches(ngx_http_intake_ctx_t *ctx,
    ngx_http_intake_field_t *field, ngx_str_t *value)
{
#if (NGX_PCRE)
    u_char     *p;
    ngx_int_t   n;
    ngx_str_t   text;

    if (field->pattern == NULL) {
        return 1;
    }

    text = *value;

    if (!ngx_intake_text_single_line(value)) {
        p = ngx_pnalloc(ctx->request->pool,
                        ngx_intake_text_lines_length(value));
        if (p == NULL) {
            return 0;
        }

        text.data = p;
        text.len = ngx_intake_text_lines(p, value) - p;
    }

    n = ngx_regex_exec(field->pattern, &text, NULL, 0);

    if (n >= 0) {
        return 1;
    }

    if (n != NGX_REGEX_NO_MATCHED) {
        ngx_log_error(NGX_LOG_ERR, ctx->request->connection->log, 0,
                      "the pattern of field \"%V\" of intake source \"%V\" "
                      "failed: %i", &field->name, &ctx->source->name, n);
    }

    return 0;
#else
    return 1;
#endif
}


/* the file of an input that has rules */

static ngx_uint_t
ngx_http_intake_has_upload(ngx_http_intake_ctx_t *ctx, ngx_str_t *name)
{
    ngx_uint_t                      i;
    ngx_http_intake_form_upload_t  *upload;

    upload = ctx->submission->uploads.elts;

    for (i = 0; i < ctx->submission->uploads.nelts; i++) {
        if (ngx_http_intake_same(&upload[i].field, name)) {
            return 1;
        }
    }

    return 0;
}


/* fields without rules of their own */

static ngx_int_t
ngx_http_intake_validate_others(ngx_http_intake_ctx_t *ctx)
{
    ngx_uint_t                     i;
    ngx_intake_field_error_e       error;
    ngx_http_intake_form_conf_t   *form;
    ngx_http_intake_form_value_t  *value;

    form = ctx->source->form;
    value = ctx->submission->values.elts;

    for (i = 0; i < ctx->submission->values.nelts; i++) {

        if (value[i].field || !ngx_http_intake_is_content(&value[i])) {
            continue;
        }

        error = NGX_INTAKE_FIELD_FINE;

        /* _subject and _replyto are words of ours, not fields of the form */

        if (form->strict
            && (value[i].control == NGX_INTAKE_CONTROL_NONE
                || value[i].name.data[0] != '_'))
        {
            error = NGX_INTAKE_FIELD_UNKNOWN;

        } else if (!ngx_intake_text_single_line(&value[i].value)
                   && (ngx_intake_field_name_header(&value[i].name)
                       || ngx_http_intake_same(&value[i].name,
                                               &form->conversation)))
        {
            error = NGX_INTAKE_FIELD_CONTROL_CHARACTERS;
        }

        if (error != NGX_INTAKE_FIELD_FINE
            && ngx_http_intake_error_once(ctx, &value[i].name, error)
               != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_intake_validate_uploads(ngx_http_intake_ctx_t *ctx)
{
    ngx_uint_t                      i;
    ngx_http_intake_form_upload_t  *upload;

    if (!ctx->source->form->strict) {
        return NGX_OK;
    }

    upload = ctx->submission->uploads.elts;

    for (i = 0; i < ctx->submission->uploads.nelts; i++) {

        if (ngx_http_intake_form_field(ctx->source->form, &upload[i].field)) {
            continue;
        }

        if (ngx_http_intake_error_once(ctx, &upload[i].field,
                                       NGX_INTAKE_FIELD_UNKNOWN)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* a name that comes again has one error all the same */

static ngx_int_t
ngx_http_intake_error_once(ngx_http_intake_ctx_t *ctx, ngx_str_t *name,
    ngx_intake_field_error_e error)
{
    ngx_uint_t                     i;
    ngx_http_intake_form_error_t  *errors;

    errors = ctx->submission->errors.elts;

    for (i = 0; i < ctx->submission->errors.nelts; i++) {
        if (ngx_http_intake_same(&errors[i].field, name)) {
            return NGX_OK;
        }
    }

    return ngx_http_intake_form_error(ctx, name, name,
                                      ngx_intake_field_code(error));
}


static ngx_uint_t
ngx_http_intake_is_empty(ngx_http_intake_ctx_t *ctx)
{
    ngx_uint_t                     i;
    ngx_http_intake_form_value_t  *value;

    if (ctx->submission->uploads.nelts) {
        return 0;
    }

    value = ctx->submission->values.elts;

    for (i = 0; i < ctx->submission->values.nelts; i++) {
        if (value[i].value.len && ngx_http_intake_is_content(&value[i])) {
            return 0;
        }
    }

    return 1;
}


/*
 * Names with "_" are for words of ours, and those that are none are left out:
 * whoever wrote the page should hear of it.  The name is the sender's.
 */

static void
ngx_http_intake_log_reserved(ngx_http_intake_ctx_t *ctx)
{
    u_char                         text[NGX_HTTP_INTAKE_LOGGED_NAME];
    ngx_str_t                     *name;
    ngx_uint_t                     i, n, len;
    ngx_http_intake_form_value_t  *value;

    value = ctx->submission->values.elts;

    name = NULL;
    n = 0;

    for (i = 0; i < ctx->submission->values.nelts; i++) {
        if (value[i].control == NGX_INTAKE_CONTROL_RESERVED && n++ == 0) {
            name = &value[i].name;
        }
    }

    if (n == 0) {
        return;
    }

    len = ngx_min(name->len, NGX_HTTP_INTAKE_LOGGED_NAME);

    for (i = 0; i < len; i++) {
        text[i] = (name->data[i] > ' ' && name->data[i] < 0x7f
                   && name->data[i] != '"') ? name->data[i] : '?';
    }

    ngx_log_error(NGX_LOG_INFO, ctx->request->connection->log, 0,
                  "a form for intake source \"%V\" has %ui fields with names "
                  "that are reserved, they are left out: the first is "
                  "\"%*s\"", &ctx->source->name, n, len, text);
}


ngx_int_t
ngx_http_intake_form_error(ngx_http_intake_ctx_t *ctx, ngx_str_t *field,
    ngx_str_t *label, const char *code)
{
    ngx_http_intake_form_error_t  *error;

    error = ngx_array_push(&ctx->submission->errors);
    if (error == NULL) {
        return NGX_ERROR;
    }

    error->field = *field;
    error->label = *label;
    error->code = code;

    return NGX_OK;
}
