
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake.h"


/* The fields of a submission: by their names, and what they are for. */


void
ngx_http_intake_name_value(ngx_http_intake_form_conf_t *form,
    ngx_http_intake_form_value_t *value)
{
    value->field = ngx_http_intake_form_field(form, &value->name);

    if (ngx_http_intake_is_honeypot(form, &value->name)) {
        value->control = NGX_INTAKE_CONTROL_HONEYPOT;
        return;
    }

    if (form->captcha.field.len
        && ngx_http_intake_same(&form->captcha.field, &value->name))
    {
        value->control = NGX_INTAKE_CONTROL_CAPTCHA;
        return;
    }

    value->control = ngx_intake_control(&value->name);

    if (value->field
        && value->control != NGX_INTAKE_CONTROL_REPLY
        && value->control != NGX_INTAKE_CONTROL_SUBJECT)
    {
        value->control = NGX_INTAKE_CONTROL_NONE;
    }
}


ngx_http_intake_field_t *
ngx_http_intake_form_field(ngx_http_intake_form_conf_t *form, ngx_str_t *name)
{
    ngx_uint_t                i;
    ngx_http_intake_field_t  *field;

    if (form->fields == NULL) {
        return NULL;
    }

    field = form->fields->elts;

    for (i = 0; i < form->fields->nelts; i++) {
        if (ngx_http_intake_same(&field[i].name, name)) {
            return &field[i];
        }
    }

    return NULL;
}


ngx_uint_t
ngx_http_intake_is_honeypot(ngx_http_intake_form_conf_t *form, ngx_str_t *name)
{
    ngx_str_t   *honeypot;
    ngx_uint_t   i;

    if (form->honeypots == NULL) {
        return 0;
    }

    honeypot = form->honeypots->elts;

    for (i = 0; i < form->honeypots->nelts; i++) {
        if (ngx_http_intake_same(&honeypot[i], name)) {
            return 1;
        }
    }

    return 0;
}


ngx_http_intake_form_value_t *
ngx_http_intake_form_value(ngx_http_intake_ctx_t *ctx, ngx_str_t *name)
{
    ngx_uint_t                     i;
    ngx_http_intake_form_value_t  *value;

    value = ctx->submission->values.elts;

    for (i = 0; i < ctx->submission->values.nelts; i++) {
        if (ngx_http_intake_same(&value[i].name, name)
            && !ngx_intake_text_blank(&value[i].value))
        {
            return &value[i];
        }
    }

    return NULL;
}


ngx_int_t
ngx_http_intake_captcha_response(ngx_http_request_t *r, ngx_uint_t json,
    ngx_str_t *text)
{
    u_char                        *p;
    ngx_str_t                     *token;
    ngx_http_intake_ctx_t         *ctx;
    ngx_http_intake_form_value_t  *value;

    ctx = ngx_http_get_module_ctx(r->main, ngx_http_intake_module);

    if (ctx == NULL || ctx->submission == NULL
        || ctx->submission->captcha == NULL)
    {
        return NGX_DECLINED;
    }

    value = ngx_http_intake_form_value(ctx,
                                       &ctx->source->form->captcha.field);
    if (value == NULL) {
        return NGX_DECLINED;
    }

    token = &value->value;

    text->len = json ? ngx_intake_json_escape_length(token->data, token->len)
                     : 3 * token->len;

    p = ngx_pnalloc(r->pool, text->len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    text->data = p;

    if (json) {
        p = ngx_intake_json_escape(p, token->data, token->len);

    } else {
        p = (u_char *) ngx_escape_uri(p, token->data, token->len,
                                      NGX_ESCAPE_URI_COMPONENT);
    }

    text->len = p - text->data;

    return NGX_OK;
}


ngx_uint_t
ngx_http_intake_is_content(ngx_http_intake_form_value_t *value)
{
    switch (value->control) {

    case NGX_INTAKE_CONTROL_NONE:
    case NGX_INTAKE_CONTROL_REPLY:
    case NGX_INTAKE_CONTROL_SUBJECT:
        return 1;

    default:
        return 0;
    }
}
