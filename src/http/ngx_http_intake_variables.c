
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake.h"


/*
 * For log_format, but the token, which is for pages, and the captcha's answer,
 * which is for its verifier.  What is not known, or not known yet, is "not
 * found".  The log escapes what it writes; what came from the sender is cut
 * here.
 */


#define NGX_HTTP_INTAKE_MAX_LOGGED  512


static ngx_int_t ngx_http_intake_variable_source(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_intake_variable_outcome(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_intake_variable_reason(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_intake_variable_text(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_intake_variable_store_time(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_intake_variable_token(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_intake_variable_token_of(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_intake_variable_captcha(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_http_intake_source_t *ngx_http_intake_token_source(
    ngx_http_request_t *r);
static ngx_http_intake_source_t *ngx_http_intake_location_form(
    ngx_http_request_t *r);
static ngx_http_intake_source_t *ngx_http_intake_token_source_of(
    ngx_http_intake_main_conf_t *imcf, ngx_str_t *name);
static ngx_int_t ngx_http_intake_set_token(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, ngx_http_intake_source_t *source);
static void ngx_http_intake_set_variable(ngx_http_variable_value_t *v,
    ngx_str_t *value);


#define NGX_HTTP_INTAKE_TOKEN_PREFIX  "intake_token_"


static ngx_http_variable_t  ngx_http_intake_vars[] = {

    { ngx_string("intake_source"), NULL,
      ngx_http_intake_variable_source,
      0,
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("intake_outcome"), NULL,
      ngx_http_intake_variable_outcome,
      0,
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("intake_reason"), NULL,
      ngx_http_intake_variable_reason,
      0,
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("intake_id"), NULL,
      ngx_http_intake_variable_text,
      offsetof(ngx_http_intake_ctx_t, id),
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("intake_entry"), NULL,
      ngx_http_intake_variable_text,
      offsetof(ngx_http_intake_ctx_t, entry),
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("intake_type"), NULL,
      ngx_http_intake_variable_text,
      offsetof(ngx_http_intake_ctx_t, type),
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("intake_conversation"), NULL,
      ngx_http_intake_variable_text,
      offsetof(ngx_http_intake_ctx_t, conversation),
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("intake_store_time"), NULL,
      ngx_http_intake_variable_store_time,
      0,
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("intake_token"), NULL,
      ngx_http_intake_variable_token,
      0,
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("intake_token_"), NULL,
      ngx_http_intake_variable_token_of,
      0,
      NGX_HTTP_VAR_NOCACHEABLE|NGX_HTTP_VAR_PREFIX, 0 },

    { ngx_string("intake_captcha_response"), NULL,
      ngx_http_intake_variable_captcha,
      0,
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("intake_captcha_response_json"), NULL,
      ngx_http_intake_variable_captcha,
      1,
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

      ngx_http_null_variable
};


ngx_int_t
ngx_http_intake_add_variables(ngx_conf_t *cf)
{
    ngx_http_variable_t  *var, *v;

    for (v = ngx_http_intake_vars; v->name.len; v++) {
        var = ngx_http_add_variable(cf, &v->name, v->flags);
        if (var == NULL) {
            return NGX_ERROR;
        }

        var->get_handler = v->get_handler;
        var->data = v->data;
    }

    return NGX_OK;
}


/* $intake_token_NAME is checked when all sources are known */

ngx_int_t
ngx_http_intake_check_variables(ngx_conf_t *cf)
{
    size_t                        prefix;
    ngx_str_t                     name;
    ngx_uint_t                    i;
    ngx_http_variable_t          *v;
    ngx_http_core_main_conf_t    *cmcf;
    ngx_http_intake_main_conf_t  *imcf;

    imcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_intake_module);
    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);

    prefix = sizeof(NGX_HTTP_INTAKE_TOKEN_PREFIX) - 1;
    v = cmcf->variables.elts;

    for (i = 0; i < cmcf->variables.nelts; i++) {

        if (v[i].name.len <= prefix
            || ngx_strncmp(v[i].name.data, NGX_HTTP_INTAKE_TOKEN_PREFIX,
                           prefix)
               != 0)
        {
            continue;
        }

        name.data = v[i].name.data + prefix;
        name.len = v[i].name.len - prefix;

        if (ngx_http_intake_token_source_of(imcf, &name) == NULL) {
            ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                          "variable \"$%V\": there is no intake_source "
                          "\"%V\" with \"token\"", &v[i].name, &name);
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* known as soon as the location is */

static ngx_int_t
ngx_http_intake_variable_source(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_http_intake_ctx_t       *ctx;
    ngx_http_intake_loc_conf_t  *ilcf;

    ctx = ngx_http_get_module_ctx(r, ngx_http_intake_module);

    if (ctx && ctx->source) {
        ngx_http_intake_set_variable(v, &ctx->source->name);
        return NGX_OK;
    }

    ilcf = ngx_http_get_module_loc_conf(r, ngx_http_intake_module);

    if (ilcf->source == NULL) {
        v->not_found = 1;
        return NGX_OK;
    }

    ngx_http_intake_set_variable(v, &ilcf->source->name);

    return NGX_OK;
}


static ngx_int_t
ngx_http_intake_variable_outcome(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_http_intake_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_intake_module);

    if (ctx == NULL || ctx->outcome >= NGX_HTTP_INTAKE_OUTCOMES) {
        v->not_found = 1;
        return NGX_OK;
    }

    ngx_http_intake_set_variable(v, &ngx_http_intake_outcomes[ctx->outcome]);

    return NGX_OK;
}


/* the code of the answer */

static ngx_int_t
ngx_http_intake_variable_reason(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_http_intake_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_intake_module);

    if (ctx == NULL || ctx->code == NGX_HTTP_INTAKE_OK) {
        v->not_found = 1;
        return NGX_OK;
    }

    ngx_http_intake_set_variable(v, ngx_http_intake_code_name(ctx->code));

    return NGX_OK;
}


static ngx_int_t
ngx_http_intake_variable_text(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_str_t              *s;
    ngx_http_intake_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_intake_module);

    if (ctx == NULL) {
        v->not_found = 1;
        return NGX_OK;
    }

    s = (ngx_str_t *) ((char *) ctx + data);

    if (s->len == 0) {
        v->not_found = 1;
        return NGX_OK;
    }

    ngx_http_intake_set_variable(v, s);

    return NGX_OK;
}


/* seconds with milliseconds, as $upstream_response_time */

static ngx_int_t
ngx_http_intake_variable_store_time(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    u_char                 *p;
    uint64_t                ms;
    ngx_str_t               value;
    ngx_http_intake_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_intake_module);

    if (ctx == NULL || ctx->store_us == 0) {
        v->not_found = 1;
        return NGX_OK;
    }

    p = ngx_pnalloc(r->pool, NGX_INT64_LEN + sizeof(".000"));
    if (p == NULL) {
        return NGX_ERROR;
    }

    ms = (ctx->store_us + 500) / 1000;

    value.data = p;
    value.len = ngx_sprintf(p, "%uL.%03uL", ms / 1000, ms % 1000) - p;

    ngx_http_intake_set_variable(v, &value);

    return NGX_OK;
}


/* $intake_token: each time another one */

static ngx_int_t
ngx_http_intake_variable_token(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    return ngx_http_intake_set_token(r, v, ngx_http_intake_token_source(r));
}


/* $intake_token_NAME; data is the variable's name */

static ngx_int_t
ngx_http_intake_variable_token_of(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_str_t *variable = (ngx_str_t *) data;

    ngx_str_t                     name;
    ngx_http_intake_main_conf_t  *imcf;

    imcf = ngx_http_get_module_main_conf(r, ngx_http_intake_module);

    name.data = variable->data + sizeof(NGX_HTTP_INTAKE_TOKEN_PREFIX) - 1;
    name.len = variable->len - (sizeof(NGX_HTTP_INTAKE_TOKEN_PREFIX) - 1);

    return ngx_http_intake_set_token(r, v,
                                ngx_http_intake_token_source_of(imcf, &name));
}


/*
 * The form of the location, be it that of a part that SSI includes or that of
 * the page; else the only form that has tokens.
 */

static ngx_http_intake_source_t *
ngx_http_intake_token_source(ngx_http_request_t *r)
{
    ngx_uint_t                     i;
    ngx_http_intake_source_t      *source, *found, **sources;
    ngx_http_intake_main_conf_t   *imcf;

    source = ngx_http_intake_location_form(r);

    if (source == NULL) {
        source = ngx_http_intake_location_form(r->main);
    }

    if (source) {
        return source;
    }

    imcf = ngx_http_get_module_main_conf(r, ngx_http_intake_module);

    found = NULL;
    sources = imcf->sources->elts;

    for (i = 0; i < imcf->sources->nelts; i++) {

        if (sources[i]->form == NULL || sources[i]->form->token.key == NULL) {
            continue;
        }

        if (found) {
            return NULL;
        }

        found = sources[i];
    }

    return found;
}


static ngx_http_intake_source_t *
ngx_http_intake_location_form(ngx_http_request_t *r)
{
    ngx_http_intake_source_t    *source;
    ngx_http_intake_loc_conf_t  *ilcf;

    ilcf = ngx_http_get_module_loc_conf(r, ngx_http_intake_module);

    source = ilcf->source ? ilcf->source : ilcf->token_source;

    return (source && source->form && source->form->token.key) ? source : NULL;
}


/* "-" of a source's name is "_" in that of a variable */

static ngx_http_intake_source_t *
ngx_http_intake_token_source_of(ngx_http_intake_main_conf_t *imcf,
    ngx_str_t *name)
{
    size_t                      k;
    u_char                      ch;
    ngx_uint_t                  i;
    ngx_http_intake_source_t   *source, **sources;

    sources = imcf->sources->elts;

    for (i = 0; i < imcf->sources->nelts; i++) {
        source = sources[i];

        if (source->form == NULL || source->form->token.key == NULL
            || source->name.len != name->len)
        {
            continue;
        }

        for (k = 0; k < name->len; k++) {
            ch = source->name.data[k];

            if ((ch == '-' ? '_' : ch) != name->data[k]) {
                break;
            }
        }

        if (k == name->len) {
            return source;
        }
    }

    return NULL;
}


static ngx_int_t
ngx_http_intake_set_token(ngx_http_request_t *r, ngx_http_variable_value_t *v,
    ngx_http_intake_source_t *source)
{
    ngx_str_t  token;

    if (source == NULL) {
        v->not_found = 1;
        return NGX_OK;
    }

    if (ngx_http_intake_form_token(r, source, &token) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_http_intake_set_variable(v, &token);

    return NGX_OK;
}


/* $intake_captcha_response, whole; data: for JSON */

static ngx_int_t
ngx_http_intake_variable_captcha(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_int_t  rc;
    ngx_str_t  text;

    rc = ngx_http_intake_captcha_response(r, data, &text);

    if (rc == NGX_ERROR) {
        return NGX_ERROR;
    }

    if (rc == NGX_DECLINED) {
        v->not_found = 1;
        return NGX_OK;
    }

    ngx_http_intake_set_variable(v, &text);

    v->len = text.len;

    return NGX_OK;
}


static void
ngx_http_intake_set_variable(ngx_http_variable_value_t *v, ngx_str_t *value)
{
    v->data = value->data;
    v->len = ngx_min(value->len, NGX_HTTP_INTAKE_MAX_LOGGED);
    v->valid = 1;
    v->no_cacheable = 0;
    v->not_found = 0;
}
