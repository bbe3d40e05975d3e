
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake_form_answer.h"
#include "ngx_http_intake_negotiate.h"


/*
 * Where a request says that it comes from.  Browsers tell the truth; what is
 * no browser says what it likes.
 *
 * The own host is that of Host.  Its scheme is not compared, because nginx may
 * stand behind a proxy that ends TLS; its port is, but that http and https
 * have one of their own which need not be written.
 */


typedef struct {
    ngx_str_t    host;
    ngx_uint_t   port;       /* 0: that of the scheme */
    ngx_uint_t   secure;     /* flag: https */
} ngx_http_intake_place_t;


static ngx_http_intake_origin_e ngx_http_intake_judge(ngx_http_request_t *r,
    ngx_http_intake_form_conf_t *form, ngx_http_intake_place_t *place,
    ngx_str_t *site);
static ngx_uint_t ngx_http_intake_is(ngx_str_t *value, const char *word);
static ngx_uint_t ngx_http_intake_is_own(ngx_http_request_t *r,
    ngx_http_intake_place_t *place);
static ngx_uint_t ngx_http_intake_is_listed(ngx_http_intake_form_conf_t *form,
    ngx_http_intake_place_t *place);
static ngx_int_t ngx_http_intake_read_place(ngx_str_t *url, ngx_uint_t path,
    ngx_http_intake_place_t *place);
static ngx_int_t ngx_http_intake_read_authority(u_char *p, u_char *last,
    ngx_http_intake_place_t *place);
static ngx_int_t ngx_http_intake_own_place(ngx_http_request_t *r,
    ngx_http_intake_place_t *place);


ngx_http_intake_origin_e
ngx_http_intake_origin(ngx_http_request_t *r,
    ngx_http_intake_form_conf_t *form)
{
    ngx_str_t                *site, *origin, *referer;
    ngx_http_intake_place_t   place;

    site = ngx_http_intake_request_header(r, "sec-fetch-site");

    if (ngx_http_intake_is(site, "same-origin")) {
        return NGX_HTTP_INTAKE_ORIGIN_OWN;
    }

    origin = ngx_http_intake_request_header(r, "origin");

    if (origin && origin->len && !ngx_http_intake_is(origin, "null")) {

        if (ngx_http_intake_read_place(origin, 0, &place) != NGX_OK) {
            return NGX_HTTP_INTAKE_ORIGIN_FOREIGN;
        }

        return ngx_http_intake_judge(r, form, &place, site);
    }

    /* a page may keep its origin and its address to itself */

    referer = ngx_http_intake_request_header(r, "referer");

    if (referer
        && ngx_http_intake_read_place(referer, 1, &place) == NGX_OK)
    {
        return ngx_http_intake_judge(r, form, &place, site);
    }

    /* another site that does not say which: no list can have it */

    if (form->origins == NULL && ngx_http_intake_is(site, "cross-site")) {
        return NGX_HTTP_INTAKE_ORIGIN_FOREIGN;
    }

    return NGX_HTTP_INTAKE_ORIGIN_UNKNOWN;
}


static ngx_http_intake_origin_e
ngx_http_intake_judge(ngx_http_request_t *r,
    ngx_http_intake_form_conf_t *form, ngx_http_intake_place_t *place,
    ngx_str_t *site)
{
    if (ngx_http_intake_is_listed(form, place)) {
        return NGX_HTTP_INTAKE_ORIGIN_ALLOWED;
    }

    /* what the browser calls another origin is none of ours */

    if (!ngx_http_intake_is(site, "cross-site")
        && !ngx_http_intake_is(site, "same-site")
        && ngx_http_intake_is_own(r, place))
    {
        return NGX_HTTP_INTAKE_ORIGIN_OWN;
    }

    /* the same owner's, as far as a browser can know */

    if (form->origins == NULL && ngx_http_intake_is(site, "same-site")) {
        return NGX_HTTP_INTAKE_ORIGIN_UNKNOWN;
    }

    return NGX_HTTP_INTAKE_ORIGIN_FOREIGN;
}


static ngx_uint_t
ngx_http_intake_is(ngx_str_t *value, const char *word)
{
    return value
           && value->len == ngx_strlen(word)
           && ngx_strncmp(value->data, word, value->len) == 0;
}


static ngx_uint_t
ngx_http_intake_is_own(ngx_http_request_t *r, ngx_http_intake_place_t *place)
{
    ngx_http_intake_place_t  own;

    if (ngx_http_intake_own_place(r, &own) != NGX_OK) {
        return 0;
    }

    if (own.port == 80 || own.port == 443) {
        own.port = 0;
    }

    return own.port == place->port
           && own.host.len == place->host.len
           && ngx_strncasecmp(own.host.data, place->host.data, own.host.len)
              == 0;
}


static ngx_uint_t
ngx_http_intake_is_listed(ngx_http_intake_form_conf_t *form,
    ngx_http_intake_place_t *place)
{
    ngx_str_t                *origin;
    ngx_uint_t                i;
    ngx_http_intake_place_t   listed;

    if (form->origins == NULL) {
        return 0;
    }

    origin = form->origins->elts;

    for (i = 0; i < form->origins->nelts; i++) {

        if (ngx_http_intake_read_place(&origin[i], 0, &listed) == NGX_OK
            && listed.secure == place->secure
            && listed.port == place->port
            && listed.host.len == place->host.len
            && ngx_strncasecmp(listed.host.data, place->host.data,
                               listed.host.len)
               == 0)
        {
            return 1;
        }
    }

    return 0;
}


ngx_uint_t
ngx_http_intake_origin_listed(ngx_http_intake_form_conf_t *form,
    ngx_str_t *value)
{
    ngx_http_intake_place_t  place;

    return ngx_http_intake_read_place(value, 0, &place) == NGX_OK
           && ngx_http_intake_is_listed(form, &place);
}


void
ngx_http_intake_own_referer(ngx_http_request_t *r, ngx_str_t *referer)
{
    size_t                    i;
    ngx_str_t                *value;
    ngx_http_intake_place_t   place;

    ngx_str_null(referer);

    value = ngx_http_intake_request_header(r, "referer");

    if (value == NULL
        || value->len > NGX_INTAKE_REDIRECT_MAX
        || ngx_http_intake_read_place(value, 1, &place) != NGX_OK
        || !ngx_http_intake_is_own(r, &place))
    {
        return;
    }

    for (i = 0; i < value->len; i++) {
        if (value->data[i] <= ' ' || value->data[i] >= 0x7f
            || value->data[i] == '\\')
        {
            return;
        }
    }

    *referer = *value;
}


/* http:// or https://, a host, perhaps a port; path: and what follows them */

static ngx_int_t
ngx_http_intake_read_place(ngx_str_t *url, ngx_uint_t path,
    ngx_http_intake_place_t *place)
{
    u_char  *p, *last, *end;

    p = url->data;
    last = p + url->len;

    if (url->len > 8 && ngx_strncasecmp(p, (u_char *) "https://", 8) == 0) {
        place->secure = 1;
        p += 8;

    } else if (url->len > 7
               && ngx_strncasecmp(p, (u_char *) "http://", 7) == 0)
    {
        place->secure = 0;
        p += 7;

    } else {
        return NGX_DECLINED;
    }

    for (end = p; end < last; end++) {
        if (*end == '/' || *end == '?' || *end == '#') {
            break;
        }
    }

    if (end < last && !path) {
        return NGX_DECLINED;
    }

    if (ngx_http_intake_read_authority(p, end, place) != NGX_OK) {
        return NGX_DECLINED;
    }

    if (place->port == (ngx_uint_t) (place->secure ? 443 : 80)) {
        place->port = 0;
    }

    return NGX_OK;
}


/* HOST[:PORT] and nothing else, such as a user's name */

static ngx_int_t
ngx_http_intake_read_authority(u_char *p, u_char *last,
    ngx_http_intake_place_t *place)
{
    ngx_int_t   port;
    ngx_uint_t  bracket;

    bracket = p < last && *p == '[';
    place->host.data = p;
    place->port = 0;

    if (bracket) {
        p++;
    }

    for ( /* void */ ; p < last; p++) {

        if ((*p >= '0' && *p <= '9')
            || ((*p | 0x20) >= 'a' && (*p | 0x20) <= 'z')
            || *p == '.'
            || (bracket ? *p == ':' : *p == '-' || *p == '_'))
        {
            continue;
        }

        break;
    }

    if (bracket) {
        if (p == last || *p != ']') {
            return NGX_DECLINED;
        }

        p++;
    }

    place->host.len = p - place->host.data;

    if (place->host.len == 0) {
        return NGX_DECLINED;
    }

    if (p == last) {
        return NGX_OK;
    }

    if (*p++ != ':') {
        return NGX_DECLINED;
    }

    port = ngx_atoi(p, last - p);

    if (port < 1 || port > 65535) {
        return NGX_DECLINED;
    }

    place->port = port;

    return NGX_OK;
}


static ngx_int_t
ngx_http_intake_own_place(ngx_http_request_t *r,
    ngx_http_intake_place_t *place)
{
    ngx_str_t  *host;

    place->secure = 0;

#if (NGX_HTTP_SSL)

    if (r->connection->ssl) {
        place->secure = 1;
    }

#endif

    host = &r->headers_in.server;

    if (r->headers_in.host && r->headers_in.host->value.len) {
        host = &r->headers_in.host->value;
    }

    /* HTTP/1.0 without Host has no data either */

    if (host->len == 0) {
        return NGX_DECLINED;
    }

    return ngx_http_intake_read_authority(host->data, host->data + host->len,
                                          place);
}


ngx_int_t
ngx_http_intake_own_origin(ngx_http_request_t *r, ngx_str_t *origin)
{
    u_char                   *p;
    ngx_http_intake_place_t   own;

    ngx_str_null(origin);

    if (ngx_http_intake_own_place(r, &own) != NGX_OK) {
        return NGX_OK;
    }

    p = ngx_pnalloc(r->pool, sizeof("https://:65535") - 1 + own.host.len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    origin->data = p;

    p = ngx_sprintf(p, "http%s://%V", own.secure ? "s" : "", &own.host);

    if (own.port && own.port != (ngx_uint_t) (own.secure ? 443 : 80)) {
        p = ngx_sprintf(p, ":%ui", own.port);
    }

    origin->len = p - origin->data;

    return NGX_OK;
}
