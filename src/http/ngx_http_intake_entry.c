
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake.h"
#include "ngx_http_intake_headers.h"


/*
 * The values of an entry, version 1: CloudEvents 1.0 in binary mode.  Names
 * and order are those of scripts/parts/deliver.lua, which leaves an empty value
 * out.  They stay where they are until the command is written.
 */


static ngx_int_t ngx_http_intake_format_time(ngx_http_intake_ctx_t *ctx,
    ngx_str_t *text);
static ngx_int_t ngx_http_intake_client_address(ngx_http_intake_ctx_t *ctx,
    ngx_str_t *text);
static void ngx_http_intake_mask_address(struct sockaddr *sockaddr);
static ngx_int_t ngx_http_intake_collect_headers(ngx_http_intake_ctx_t *ctx,
    ngx_str_t *json);
static size_t ngx_http_intake_write_header(ngx_http_request_t *r,
    ngx_str_t *name, u_char *p, ngx_uint_t first);


ngx_int_t
ngx_http_intake_entry(ngx_http_intake_ctx_t *ctx, ngx_str_t *value)
{
    ngx_table_elt_t  *type;

    ngx_memzero(value, NGX_HTTP_INTAKE_FIELDS * sizeof(ngx_str_t));

    ctx->fields = value;

    if (ngx_http_intake_format_time(ctx, &value[NGX_HTTP_INTAKE_FIELD_TIME])
        != NGX_OK
        || ngx_http_intake_client_address(ctx,
                                         &value[NGX_HTTP_INTAKE_FIELD_IP])
           != NGX_OK
        || ngx_http_intake_collect_headers(ctx,
                                     &value[NGX_HTTP_INTAKE_FIELD_HEADERS])
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    value[NGX_HTTP_INTAKE_FIELD_ID] = ctx->id;
    value[NGX_HTTP_INTAKE_FIELD_TYPE] = ctx->type;

    type = ctx->request->headers_in.content_type;

    if (ctx->submission) {
        ngx_str_set(&value[NGX_HTTP_INTAKE_FIELD_DATACONTENTTYPE],
                    "application/json");

        value[NGX_HTTP_INTAKE_FIELD_SPAM] = ctx->submission->reasons;
        value[NGX_HTTP_INTAKE_FIELD_FILES] = ctx->submission->files;

    } else if (type) {
        value[NGX_HTTP_INTAKE_FIELD_DATACONTENTTYPE] = type->value;
    }

    value[NGX_HTTP_INTAKE_FIELD_SUBJECT] = ctx->conversation;
    value[NGX_HTTP_INTAKE_FIELD_RECORDEDTIME] = ctx->recordedtime;
    value[NGX_HTTP_INTAKE_FIELD_KEY] = ctx->key;

    if (ctx->source->platform->algorithm == NGX_INTAKE_ALGORITHM_NONE) {
        ngx_str_set(&value[NGX_HTTP_INTAKE_FIELD_VERIFY], "none");

    } else {
        ngx_str_set(&value[NGX_HTTP_INTAKE_FIELD_VERIFY], "ok");
    }

    if (ctx->secret) {
        value[NGX_HTTP_INTAKE_FIELD_KEYID] = ctx->secret->id;
    }

    value[NGX_HTTP_INTAKE_FIELD_DATA] = ctx->body;

    return NGX_OK;
}


/* the sender's time, where the signature covers it; else our own */

static ngx_int_t
ngx_http_intake_format_time(ngx_http_intake_ctx_t *ctx, ngx_str_t *text)
{
    if (ctx->time < 0) {
        *text = ctx->recordedtime;
        return NGX_OK;
    }

    text->data = ngx_pnalloc(ctx->request->pool, NGX_INTAKE_TIME_LEN);
    if (text->data == NULL) {
        return NGX_ERROR;
    }

    text->len = NGX_INTAKE_TIME_LEN;

    (void) ngx_intake_time_format(text->data, ctx->time);

    return NGX_OK;
}


static ngx_int_t
ngx_http_intake_client_address(ngx_http_intake_ctx_t *ctx, ngx_str_t *text)
{
    ngx_sockaddr_t     sa;
    ngx_connection_t  *c;

    c = ctx->request->connection;

    switch (ctx->source->client_ip) {

    case NGX_HTTP_INTAKE_IP_OFF:
        ngx_str_null(text);
        return NGX_OK;

    case NGX_HTTP_INTAKE_IP_ON:
        *text = c->addr_text;
        return NGX_OK;
    }

    if (c->socklen > (socklen_t) sizeof(ngx_sockaddr_t)) {
        ngx_str_null(text);
        return NGX_OK;
    }

    ngx_memcpy(&sa, c->sockaddr, c->socklen);
    ngx_http_intake_mask_address(&sa.sockaddr);

    text->data = ngx_pnalloc(ctx->request->pool, NGX_SOCKADDR_STRLEN);
    if (text->data == NULL) {
        return NGX_ERROR;
    }

    text->len = ngx_sock_ntop(&sa.sockaddr, c->socklen, text->data,
                              NGX_SOCKADDR_STRLEN, 0);

    return NGX_OK;
}


/* /24 of an IPv4 address, mapped ones too, /48 of an IPv6 address */

static void
ngx_http_intake_mask_address(struct sockaddr *sockaddr)
{
    struct sockaddr_in   *sin;
#if (NGX_HAVE_INET6)
    u_char               *p;
    struct sockaddr_in6  *sin6;
#endif

    switch (sockaddr->sa_family) {

#if (NGX_HAVE_INET6)
    case AF_INET6:
        sin6 = (struct sockaddr_in6 *) sockaddr;
        p = sin6->sin6_addr.s6_addr;

        if (IN6_IS_ADDR_V4MAPPED(&sin6->sin6_addr)) {
            p[15] = 0;

        } else {
            ngx_memzero(p + 6, 10);
        }

        break;
#endif

    case AF_INET:
        sin = (struct sockaddr_in *) sockaddr;
        sin->sin_addr.s_addr &= htonl(0xffffff00);
        break;
    }
}


/*
 * {"x-github-event":"push"}: the headers of the allow-list in its order; one
 * that came several times is an array.
 */

static ngx_int_t
ngx_http_intake_collect_headers(ngx_http_intake_ctx_t *ctx, ngx_str_t *json)
{
    u_char              *p;
    size_t               len, n;
    ngx_str_t           *name;
    ngx_uint_t           i, first;
    ngx_http_request_t  *r;

    r = ctx->request;

    ngx_str_null(json);

    if (ctx->source->headers == NULL) {
        return NGX_OK;
    }

    name = ctx->source->headers->elts;
    len = sizeof("{}") - 1;

    for (i = 0; i < ctx->source->headers->nelts; i++) {
        len += ngx_http_intake_write_header(r, &name[i], NULL, 0);
    }

    if (len == sizeof("{}") - 1) {
        return NGX_OK;
    }

    p = ngx_pnalloc(r->pool, len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    json->data = p;
    first = 1;
    *p++ = '{';

    for (i = 0; i < ctx->source->headers->nelts; i++) {
        n = ngx_http_intake_write_header(r, &name[i], p, first);

        if (n) {
            p += n;
            first = 0;
        }
    }

    *p++ = '}';

    json->len = p - json->data;

    return NGX_OK;
}


/* the bytes written; with p NULL the most that it can take */

static size_t
ngx_http_intake_write_header(ngx_http_request_t *r, ngx_str_t *name,
    u_char *p, ngx_uint_t first)
{
    size_t                      len;
    u_char                     *start, *open;
    ngx_str_t                  *value;
    ngx_uint_t                  n;
    ngx_http_intake_headers_t   headers;

    n = 0;
    len = 0;
    start = p;
    open = NULL;

    value = ngx_http_intake_first_header(&headers, r, (char *) name->data,
                                         name->len);

    for ( /* void */ ; value; value = ngx_http_intake_next_header(&headers)) {

        n++;

        if (p == NULL) {
            len += name->len + sizeof(",\"\":[\"\",]") - 1
                   + ngx_intake_json_escape_length(value->data, value->len);
            continue;
        }

        if (n == 1) {
            if (!first) {
                *p++ = ',';
            }

            *p++ = '"';
            p = ngx_cpymem(p, name->data, name->len);
            *p++ = '"';
            *p++ = ':';

            open = p;

        } else {
            if (n == 2) {
                ngx_memmove(open + 1, open, p - open);
                *open = '[';
                p++;
            }

            *p++ = ',';
        }

        *p++ = '"';
        p = ngx_intake_json_escape(p, value->data, value->len);
        *p++ = '"';
    }

    if (p == NULL) {
        return len;
    }

    if (n > 1) {
        *p++ = ']';
    }

    return p - start;
}
