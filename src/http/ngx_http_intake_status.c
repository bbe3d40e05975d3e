
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake_board.h"
#include "ngx_http_intake_negotiate.h"
#include "ngx_http_intake_status.h"


#define NGX_HTTP_INTAKE_NOT_ACCEPTABLE  406


typedef struct {
    ngx_http_request_t              *request;
    ngx_http_intake_status_query_t   query;
} ngx_http_intake_status_wait_t;


static void ngx_http_intake_status_ready(void *data);
static ngx_int_t ngx_http_intake_status_render(
    ngx_http_intake_status_wait_t *wait);
static ngx_int_t ngx_http_intake_status_format(ngx_http_request_t *r);
static ngx_int_t ngx_http_intake_send_status(ngx_http_request_t *r,
    ngx_http_intake_status_t *status, ngx_int_t format);
static ngx_int_t ngx_http_intake_send_json(ngx_http_request_t *r,
    ngx_http_intake_status_t *status, ngx_uint_t detail);
static ngx_int_t ngx_http_intake_status_headers(ngx_http_request_t *r,
    ngx_str_t *type, ngx_str_t *parameters);


static ngx_http_intake_status_problem_t  ngx_http_intake_status_problems[] = {
    { 400, "Malformed request", "MALFORMED" },
    { 404, "Not found", "NOT_FOUND" },
    { 405, "Method not allowed", "METHOD_NOT_ALLOWED" },
    { 406, "Not acceptable", "NOT_ACCEPTABLE" },
    { 503, "Store unavailable", "STORE_UNAVAILABLE" }
};


/* intake_status [health=redis,spool,overdue] [detail=on|off]; */

char *
ngx_http_intake_status_directive(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_intake_loc_conf_t *ilcf = conf;

    ngx_str_t                    *value;
    ngx_uint_t                    i;
    ngx_http_intake_main_conf_t  *imcf;

    if (ilcf->status) {
        return "is duplicate";
    }

    value = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {

        if (ngx_strncmp(value[i].data, "health=", 7) == 0) {
            if (ngx_http_intake_status_health(cf, &value[i], ilcf)
                != NGX_CONF_OK)
            {
                return NGX_CONF_ERROR;
            }

            continue;
        }

        if (ngx_strcmp(value[i].data, "detail=on") == 0) {
            ilcf->detail = 1;
            continue;
        }

        if (ngx_strcmp(value[i].data, "detail=off") == 0) {
            ilcf->detail = 0;
            continue;
        }

        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid parameter \"%V\" of \"intake_status\": "
                           "write health=redis, detail=on or nothing",
                           &value[i]);
        return NGX_CONF_ERROR;
    }

    ilcf->status = 1;
    ngx_http_intake_position(cf, &ilcf->source_position);

    imcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_intake_module);
    imcf->used = 1;

    return ngx_http_intake_set_handler(cf, ngx_http_intake_status_handler);
}


ngx_int_t
ngx_http_intake_status_handler(ngx_http_request_t *r)
{
    ngx_int_t                        rc;
    ngx_uint_t                       panels;
    const char                      *detail;
    ngx_http_cleanup_t              *cln;
    ngx_http_intake_loc_conf_t      *ilcf;
    ngx_http_intake_status_wait_t   *wait;

    if (r != r->main) {
        return NGX_HTTP_NOT_FOUND;
    }

    rc = ngx_http_discard_request_body(r);

    if (rc != NGX_OK) {
        return rc;
    }

    if (!(r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD))) {
        return ngx_http_intake_send_problem(r, NGX_HTTP_NOT_ALLOWED, NULL);
    }

    wait = ngx_pcalloc(r->pool, sizeof(ngx_http_intake_status_wait_t));
    if (wait == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    wait->request = r;

    rc = ngx_http_intake_status_query(r, &wait->query, &detail);

    if (rc == NGX_DECLINED) {
        return ngx_http_intake_send_problem(r, NGX_HTTP_BAD_REQUEST, detail);
    }

    if (rc != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ilcf = ngx_http_get_module_loc_conf(r, ngx_http_intake_module);

    panels = !wait->query.node;

    if (wait->query.health) {
        panels = ilcf->health & NGX_HTTP_INTAKE_HEALTH_OVERDUE;
        wait->query.node = panels ? 0 : 1;
    }

    if (!panels) {
        return ngx_http_intake_status_render(wait);
    }

    cln = ngx_http_cleanup_add(r, 0);
    if (cln == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    cln->handler = ngx_http_intake_board_forget;
    cln->data = wait;

    rc = ngx_http_intake_board_ask(ngx_http_intake_status_ready, wait);

    if (rc == NGX_OK) {
        return ngx_http_intake_status_render(wait);
    }

    r->main->count++;

    return NGX_DONE;
}


/* what Redis knows has been read, or could not be */

static void
ngx_http_intake_status_ready(void *data)
{
    ngx_http_intake_status_wait_t *wait = data;

    ngx_connection_t    *c;
    ngx_http_request_t  *r;

    r = wait->request;
    c = r->connection;

    ngx_http_set_log_request(c->log, r);

    ngx_http_finalize_request(r, ngx_http_intake_status_render(wait));
    ngx_http_run_posted_requests(c);
}


static ngx_int_t
ngx_http_intake_status_render(ngx_http_intake_status_wait_t *wait)
{
    ngx_int_t                        rc;
    ngx_http_request_t              *r;
    ngx_http_intake_status_t         status;
    ngx_http_intake_main_conf_t     *imcf;
    ngx_http_intake_status_query_t  *query;

    r = wait->request;
    query = &wait->query;

    /* a copy first: what is shown belongs to one moment */

    imcf = ngx_http_get_module_main_conf(r, ngx_http_intake_module);

    rc = ngx_http_intake_snapshot(imcf, query, r->pool, &status);

    if (rc == NGX_DECLINED) {
        return ngx_http_intake_send_problem(r, NGX_HTTP_NOT_FOUND,
                                            "there is no such source");
    }

    if (rc != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (query->health) {
        return ngx_http_intake_send_health(r, &status);
    }

    return ngx_http_intake_send_status(r, &status, query->format);
}


/*
 * OpenMetrics and HTML only for a client that names them; OpenMetrics to such
 * a client always if it does not prefer the text format.
 */

static ngx_int_t
ngx_http_intake_status_format(ngx_http_request_t *r)
{
    ngx_int_t                 format;
    ngx_uint_t                i;
    ngx_http_intake_media_t   media[NGX_HTTP_INTAKE_FORMATS], *m;

    for (i = 0; i < NGX_HTTP_INTAKE_FORMATS; i++) {
        media[i].type = ngx_http_intake_formats[i].type;
        media[i].named = (i == NGX_HTTP_INTAKE_FORMAT_OPENMETRICS
                          || i == NGX_HTTP_INTAKE_FORMAT_HTML);
    }

    format = ngx_http_intake_negotiate(r, media, NGX_HTTP_INTAKE_FORMATS);

    m = &media[NGX_HTTP_INTAKE_FORMAT_OPENMETRICS];

    if (format == NGX_HTTP_INTAKE_FORMAT_PROMETHEUS
        && m->quality == media[format].quality)
    {
        return NGX_HTTP_INTAKE_FORMAT_OPENMETRICS;
    }

    return format;
}


static ngx_int_t
ngx_http_intake_send_status(ngx_http_request_t *r,
    ngx_http_intake_status_t *status, ngx_int_t format)
{
    ngx_int_t                    rc;
    ngx_str_t                    body, *policy;
    ngx_http_intake_format_t    *f;
    ngx_http_intake_loc_conf_t  *ilcf;

    ilcf = ngx_http_get_module_loc_conf(r, ngx_http_intake_module);

    if (format == NGX_HTTP_INTAKE_FORMAT_ASK) {
        format = ngx_http_intake_status_format(r);
    }

    if (format == NGX_DECLINED) {
        return ngx_http_intake_send_problem(r, NGX_HTTP_INTAKE_NOT_ACCEPTABLE,
                             "text/plain, application/openmetrics-text, "
                             "application/json and text/html can be sent");
    }

    f = &ngx_http_intake_formats[format];

    if (format == NGX_HTTP_INTAKE_FORMAT_JSON) {
        return ngx_http_intake_send_json(r, status, ilcf->detail);
    }

    if (format == NGX_HTTP_INTAKE_FORMAT_HTML) {
        policy = ngx_http_intake_status_policy();

        if (policy == NULL
            || ngx_http_intake_add_header(r, "Content-Security-Policy",
                                          policy)
               != NGX_OK)
        {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }

        rc = ngx_http_intake_write_html(r->pool, status, ilcf->detail, &body);

    } else {
        rc = ngx_http_intake_write_prometheus(r->pool, status,
                                format == NGX_HTTP_INTAKE_FORMAT_OPENMETRICS,
                                &body);
    }

    if (rc != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_intake_status_send(r, NGX_HTTP_OK, &f->type,
                                       &f->parameters, &body);
}


static ngx_int_t
ngx_http_intake_send_json(ngx_http_request_t *r,
    ngx_http_intake_status_t *status, ngx_uint_t detail)
{
    off_t                      len;
    ngx_str_t                  none;
    ngx_chain_t               *out;
    ngx_http_intake_format_t  *f;

    f = &ngx_http_intake_formats[NGX_HTTP_INTAKE_FORMAT_JSON];

    if (ngx_http_intake_write_json(r->pool, status, detail, &out, &len)
        != NGX_OK
        || ngx_http_intake_status_headers(r, &f->type, &f->parameters)
           != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_str_null(&none);

    return ngx_http_intake_send_chain(r, NGX_HTTP_OK, &none, out, len);
}


ngx_int_t
ngx_http_intake_send_problem(ngx_http_request_t *r, ngx_uint_t status,
    const char *detail)
{
    ngx_http_intake_status_problem_t  *problem;

    problem = ngx_http_intake_status_problems;

    while (problem->status != status) {
        problem++;
    }

    return ngx_http_intake_send_problem_of(r, problem, detail);
}


ngx_int_t
ngx_http_intake_send_problem_of(ngx_http_request_t *r,
    ngx_http_intake_status_problem_t *problem, const char *detail)
{
    u_char      *p;
    ngx_str_t    body, value, none;
    ngx_str_t    type = ngx_string("application/problem+json");
    ngx_uint_t   status;

    status = problem->status;

    body.data = ngx_pnalloc(r->pool, 512);
    if (body.data == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    p = ngx_snprintf(body.data, 512,
                     "{\"type\":\"about:blank\",\"title\":\"%s\","
                     "\"status\":%ui,\"code\":\"%s\"%s%s%s}",
                     problem->title, status, problem->code,
                     detail ? ",\"detail\":\"" : "", detail ? detail : "",
                     detail ? "\"" : "");
    body.len = p - body.data;

    if (status == NGX_HTTP_NOT_ALLOWED) {
        ngx_str_set(&value, "GET, HEAD");

        if (ngx_http_intake_add_header(r, "Allow", &value) != NGX_OK) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }
    }

    if (status == NGX_HTTP_SERVICE_UNAVAILABLE) {
        ngx_str_set(&value, "5");

        if (ngx_http_intake_add_header(r, "Retry-After", &value) != NGX_OK) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }
    }

    ngx_str_null(&none);

    return ngx_http_intake_status_send(r, status, &type, &none, &body);
}


ngx_int_t
ngx_http_intake_status_send(ngx_http_request_t *r, ngx_uint_t status,
    ngx_str_t *type, ngx_str_t *parameters, ngx_str_t *body)
{
    ngx_str_t  none;

    if (ngx_http_intake_status_headers(r, type, parameters) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_str_null(&none);

    return ngx_http_intake_send(r, status, &none, body);
}


static ngx_int_t
ngx_http_intake_status_headers(ngx_http_request_t *r, ngx_str_t *type,
    ngx_str_t *parameters)
{
    u_char      *p;
    ngx_uint_t   i;

    static struct {
        const char  *name;
        ngx_str_t    value;
    } headers[] = {
        { "Vary", ngx_string("Accept") },
        { "Cache-Control", ngx_string("no-store") },
        { "X-Content-Type-Options", ngx_string("nosniff") }
    };

    for (i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
        if (ngx_http_intake_add_header(r, headers[i].name, &headers[i].value)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    /* gzip_types and charset_types look at the type without parameters */

    p = ngx_pnalloc(r->pool, type->len + parameters->len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    r->headers_out.content_type.data = p;
    r->headers_out.content_type.len = type->len + parameters->len;
    r->headers_out.content_type_len = type->len;
    r->headers_out.content_type_lowcase = NULL;

    p = ngx_cpymem(p, type->data, type->len);
    ngx_memcpy(p, parameters->data, parameters->len);

    return NGX_OK;
}
