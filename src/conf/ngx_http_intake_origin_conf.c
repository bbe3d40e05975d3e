
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake.h"
#include "ngx_http_intake_form_conf.h"


/* Where a form may come from, and where its visitor goes next. */


enum {
    NGX_HTTP_INTAKE_REDIRECT_ERROR = 0,
    NGX_HTTP_INTAKE_REDIRECT_NEXT,

    NGX_HTTP_INTAKE_REDIRECT_WORDS
};


#define NGX_HTTP_INTAKE_MAX_PORT  65535


static ngx_int_t ngx_http_intake_add_origin(ngx_conf_t *cf,
    ngx_array_t *origins, ngx_str_t *text);
static ngx_int_t ngx_http_intake_parse_origin(ngx_str_t *text, ngx_str_t *host,
    ngx_uint_t *port);
static size_t ngx_http_intake_scheme(ngx_str_t *text, ngx_uint_t *port);
static u_char *ngx_http_intake_origin_host(u_char *p, u_char *last);
static ngx_int_t ngx_http_intake_redirect_target(ngx_conf_t *cf,
    ngx_str_t *target);


static ngx_http_intake_choice_t  ngx_http_intake_redirect_words[] = {
    { ngx_string("error="), NGX_HTTP_INTAKE_REDIRECT_ERROR },
    { ngx_string("next="), NGX_HTTP_INTAKE_REDIRECT_NEXT },
    ngx_http_intake_null_choice
};


/* origin URL... */

char *
ngx_http_intake_source_origin(ngx_conf_t *cf, ngx_http_intake_directive_t *d,
    void *conf)
{
    ngx_str_t                    *value;
    ngx_uint_t                    i;
    ngx_http_intake_form_conf_t  *form;

    form = ngx_http_intake_source_form_conf(cf, conf);
    if (form == NULL) {
        return NGX_CONF_ERROR;
    }

    form->origins = ngx_array_create(cf->pool, cf->args->nelts - 1,
                                     sizeof(ngx_str_t));
    if (form->origins == NULL) {
        return NGX_CONF_ERROR;
    }

    value = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {
        if (ngx_http_intake_add_origin(cf, form->origins, &value[i])
            != NGX_OK)
        {
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}


/* as browsers write it: lower case, without the port that is the default */

static ngx_int_t
ngx_http_intake_add_origin(ngx_conf_t *cf, ngx_array_t *origins,
    ngx_str_t *text)
{
    u_char      *p;
    ngx_str_t    host, origin, *known;
    ngx_uint_t   i, port;

    if (ngx_http_intake_parse_origin(text, &host, &port) != NGX_OK) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid origin \"%V\", write https://HOST, "
                           "http://HOST or one of them with :PORT, and "
                           "nothing after it", text);
        return NGX_ERROR;
    }

    /* what is before the host, the host, the port */

    origin.data = ngx_pnalloc(cf->pool, text->len + NGX_INT_T_LEN + 1);
    if (origin.data == NULL) {
        return NGX_ERROR;
    }

    p = ngx_cpymem(origin.data, text->data,
                   host.data + host.len - text->data);

    if (port) {
        p = ngx_sprintf(p, ":%ui", port);
    }

    origin.len = p - origin.data;
    ngx_strlow(origin.data, origin.data, origin.len);

    known = origins->elts;

    for (i = 0; i < origins->nelts; i++) {
        if (ngx_http_intake_same(&known[i], &origin)) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "duplicate origin \"%V\"", text);
            return NGX_ERROR;
        }
    }

    known = ngx_array_push(origins);
    if (known == NULL) {
        return NGX_ERROR;
    }

    *known = origin;

    return NGX_OK;
}


/* port is 0 if it is the default */

static ngx_int_t
ngx_http_intake_parse_origin(ngx_str_t *text, ngx_str_t *host,
    ngx_uint_t *port)
{
    size_t       skip;
    u_char      *p, *last;
    ngx_int_t    n;
    ngx_uint_t   standard;

    skip = ngx_http_intake_scheme(text, &standard);

    if (skip == 0) {
        return NGX_DECLINED;
    }

    last = text->data + text->len;

    host->data = text->data + skip;
    p = ngx_http_intake_origin_host(host->data, last);

    if (p == NULL) {
        return NGX_DECLINED;
    }

    host->len = p - host->data;
    *port = 0;

    if (p == last) {
        return NGX_OK;
    }

    if (*p != ':') {
        return NGX_DECLINED;
    }

    p++;
    n = ngx_atoi(p, last - p);

    if (n < 1 || n > NGX_HTTP_INTAKE_MAX_PORT) {
        return NGX_DECLINED;
    }

    if ((ngx_uint_t) n != standard) {
        *port = n;
    }

    return NGX_OK;
}


/* the length of "https://" or "http://", or 0 */

static size_t
ngx_http_intake_scheme(ngx_str_t *text, ngx_uint_t *port)
{
    if (text->len > 8
        && ngx_strncasecmp(text->data, (u_char *) "https://", 8) == 0)
    {
        *port = 443;
        return 8;
    }

    if (text->len > 7
        && ngx_strncasecmp(text->data, (u_char *) "http://", 7) == 0)
    {
        *port = 80;
        return 7;
    }

    return 0;
}


/* the end of the host, or NULL; browsers send others in their ASCII form */

static u_char *
ngx_http_intake_origin_host(u_char *p, u_char *last)
{
    u_char  c, *start;

    start = p;

    if (p < last && *p == '[') {

        for (p++; p < last && *p != ']'; p++) {
            c = (u_char) (*p | 0x20);

            if ((*p < '0' || *p > '9') && (c < 'a' || c > 'f')
                && *p != ':' && *p != '.')
            {
                return NULL;
            }
        }

        /* "::" is the shortest address */

        return (p < last && p - start > 2) ? p + 1 : NULL;
    }

    for ( /* void */ ; p < last && *p != ':'; p++) {
        c = (u_char) (*p | 0x20);

        if ((*p < '0' || *p > '9') && (c < 'a' || c > 'z')
            && *p != '-' && *p != '.' && *p != '_')
        {
            return NULL;
        }
    }

    return (p == start || *start == '.') ? NULL : p;
}


/* redirect URI [error=URI] [next=on] */

char *
ngx_http_intake_source_redirect(ngx_conf_t *cf,
    ngx_http_intake_directive_t *d, void *conf)
{
    ngx_str_t                     texts[NGX_HTTP_INTAKE_REDIRECT_WORDS];
    ngx_str_t                    *value, *error, *next;
    ngx_http_intake_form_conf_t  *form;

    form = ngx_http_intake_source_form_conf(cf, conf);
    if (form == NULL) {
        return NGX_CONF_ERROR;
    }

    value = cf->args->elts;

    if (ngx_http_intake_redirect_target(cf, &value[1]) != NGX_OK
        || ngx_http_intake_options(cf, 2, ngx_http_intake_redirect_words,
                                   texts, NGX_HTTP_INTAKE_REDIRECT_WORDS)
           != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    form->redirect = value[1];

    error = &texts[NGX_HTTP_INTAKE_REDIRECT_ERROR];

    if (error->data) {
        if (ngx_http_intake_redirect_target(cf, error) != NGX_OK) {
            return NGX_CONF_ERROR;
        }

        form->error = *error;
    }

    next = &texts[NGX_HTTP_INTAKE_REDIRECT_NEXT];

    if (next->data == NULL || ngx_strcmp(next->data, "off") == 0) {
        return NGX_CONF_OK;
    }

    if (ngx_strcmp(next->data, "on") != 0) {
        return "has \"next=\", which must be \"on\" or \"off\"";
    }

    form->next = 1;

    return NGX_CONF_OK;
}


/* what a page may not name itself would not be a place to go to either */

static ngx_int_t
ngx_http_intake_redirect_target(ngx_conf_t *cf, ngx_str_t *target)
{
    u_char      *p, *last;
    size_t       skip;
    ngx_str_t    origin;
    ngx_uint_t   port;

    skip = ngx_http_intake_scheme(target, &port);

    origin.data = target->data;
    origin.len = 0;

    if (skip && ngx_intake_field_url(target) == NGX_OK) {
        last = target->data + target->len;

        for (p = target->data + skip; p < last; p++) {
            if (*p == '/' || *p == '?' || *p == '#') {
                break;
            }
        }

        origin.len = p - target->data;
    }

    if (ngx_intake_redirect_allowed(target, &origin, 1)) {
        return NGX_OK;
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "invalid \"%V\" in \"redirect\", write /PATH of this "
                       "site, or https://HOST/PATH of another, in ASCII "
                       "without blanks", target);
    return NGX_ERROR;
}
