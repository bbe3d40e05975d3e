
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake.h"


/*
 * For log_format.  What is not known, or not known yet, is "not found".  The
 * log escapes what it writes; what came from the sender is cut here.
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
static void ngx_http_intake_set_variable(ngx_http_variable_value_t *v,
    ngx_str_t *value);


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


static void
ngx_http_intake_set_variable(ngx_http_variable_value_t *v, ngx_str_t *value)
{
    v->data = value->data;
    v->len = ngx_min(value->len, NGX_HTTP_INTAKE_MAX_LOGGED);
    v->valid = 1;
    v->no_cacheable = 0;
    v->not_found = 0;
}
