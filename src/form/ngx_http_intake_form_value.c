
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
        if (ngx_http_intake_same(&value[i].name, name)) {
            return &value[i];
        }
    }

    return NULL;
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
