
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake.h"


/*
 * $url: the address that a sender knows us by.  It is never made of what the
 * request says of its host.
 */


typedef struct {
    ngx_str_t                       head;       /* https://host */
    ngx_str_t                       port;       /* "" none */
    ngx_str_t                       tail;       /* /path?query */
    ngx_str_t                       usual;      /* port of the scheme */
} ngx_http_intake_parts_t;


static ngx_int_t ngx_http_intake_add_url(ngx_pool_t *pool, ngx_str_t *urls,
    ngx_uint_t *n, ngx_str_t *parts, ngx_uint_t nparts);
static ngx_int_t ngx_http_intake_decode_url(ngx_pool_t *pool, ngx_str_t *url,
    const char *only);
static ngx_int_t ngx_http_intake_split_url(ngx_str_t *url,
    ngx_http_intake_parts_t *parts);


ngx_int_t
ngx_http_intake_url(ngx_http_intake_ctx_t *ctx, ngx_str_t *url)
{
    ngx_str_t  parts[2];

    parts[0] = ctx->source->url_base;
    parts[1] = ctx->request->unparsed_uri;

    return ngx_http_intake_flatten(ctx->request->pool, parts, 2, url);
}


/*
 * url_decode: HubSpot decodes escapes before it signs, "but not the question
 * mark"; its page has a list of them and does not say what becomes of others:
 * developers.hubspot.com/docs/guides/apps/authentication/validating-requests.
 *
 * url_port_variants: Twilio signs with or without the port, whichever stands
 * in the address: twilio.com/docs/usage/security.
 */

ngx_int_t
ngx_http_intake_signed_urls(ngx_http_intake_ctx_t *ctx, ngx_str_t *urls,
    ngx_uint_t *n)
{
    ngx_str_t                    url, list[4];
    ngx_uint_t                   i, nplain;
    ngx_pool_t                  *pool;
    ngx_http_intake_parts_t      parts;
    ngx_http_intake_platform_t  *platform;

    pool = ctx->request->pool;
    platform = ctx->source->platform;
    *n = 0;

    if (ngx_http_intake_url(ctx, &url) != NGX_OK) {
        return NGX_ERROR;
    }

    if (platform->url_decode) {
        list[0] = url;
        list[1] = url;

        if (ngx_http_intake_decode_url(pool, &list[0], NULL) != NGX_OK
            || ngx_http_intake_decode_url(pool, &list[1], ":/?@!$'()*,;")
               != NGX_OK
            || ngx_http_intake_add_url(pool, urls, n, &list[0], 1) != NGX_OK
            || ngx_http_intake_add_url(pool, urls, n, &list[1], 1) != NGX_OK)
        {
            return NGX_ERROR;
        }

    } else if (ngx_http_intake_add_url(pool, urls, n, &url, 1) != NGX_OK) {
        return NGX_ERROR;
    }

    if (!platform->url_port_variants) {
        return NGX_OK;
    }

    nplain = *n;

    for (i = 0; i < nplain; i++) {

        if (ngx_http_intake_split_url(&urls[i], &parts) != NGX_OK) {
            continue;
        }

        list[0] = parts.head;
        list[1] = parts.tail;

        if (ngx_http_intake_add_url(pool, urls, n, list, 2) != NGX_OK) {
            return NGX_ERROR;
        }

        ngx_str_set(&list[1], ":");
        list[2] = parts.port.len ? parts.port : parts.usual;
        list[3] = parts.tail;

        if (list[2].len
            && ngx_http_intake_add_url(pool, urls, n, list, 4) != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* unless it is there already: each is hashed */

static ngx_int_t
ngx_http_intake_add_url(ngx_pool_t *pool, ngx_str_t *urls, ngx_uint_t *n,
    ngx_str_t *parts, ngx_uint_t nparts)
{
    ngx_str_t   url;
    ngx_uint_t  i;

    if (ngx_http_intake_flatten(pool, parts, nparts, &url) != NGX_OK) {
        return NGX_ERROR;
    }

    for (i = 0; i < *n; i++) {
        if (urls[i].len == url.len
            && ngx_memcmp(urls[i].data, url.data, url.len) == 0)
        {
            return NGX_OK;
        }
    }

    if (*n < NGX_HTTP_INTAKE_MAX_URLS) {
        urls[*n] = url;
        (*n)++;
    }

    return NGX_OK;
}


/*
 * Percent-escapes of the characters in only are decoded; all but "?" if only
 * is NULL.
 */

static ngx_int_t
ngx_http_intake_decode_url(ngx_pool_t *pool, ngx_str_t *url, const char *only)
{
    u_char     *p, *dst, *last;
    ngx_int_t   ch;

    dst = ngx_pnalloc(pool, url->len + 1);
    if (dst == NULL) {
        return NGX_ERROR;
    }

    p = url->data;
    last = p + url->len;
    url->data = dst;

    while (p < last) {

        if (*p == '%' && last - p > 2) {
            ch = ngx_hextoi(p + 1, 2);

            if (ch > 0 && (only ? (ngx_strchr(only, ch) != NULL) : ch != '?'))
            {
                *dst++ = (u_char) ch;
                p += 3;
                continue;
            }
        }

        *dst++ = *p++;
    }

    url->len = dst - url->data;

    return NGX_OK;
}


static ngx_int_t
ngx_http_intake_split_url(ngx_str_t *url, ngx_http_intake_parts_t *parts)
{
    u_char  *p, *last, *host, *end, *colon;

    ngx_memzero(parts, sizeof(ngx_http_intake_parts_t));

    last = url->data + url->len;

    if (url->len > 8 && ngx_strncasecmp(url->data, (u_char *) "https://", 8)
                        == 0)
    {
        host = url->data + 8;
        ngx_str_set(&parts->usual, "443");

    } else if (url->len > 7 && ngx_strncasecmp(url->data,
                                               (u_char *) "http://", 7)
                               == 0)
    {
        host = url->data + 7;
        ngx_str_set(&parts->usual, "80");

    } else {
        return NGX_DECLINED;
    }

    for (end = host; end < last; end++) {
        if (*end == '/' || *end == '?' || *end == '#') {
            break;
        }
    }

    /* the colons of [::1] and of user:password@ are none of a port */

    colon = NULL;

    for (p = host; p < end; p++) {

        if (*p == ':') {
            colon = p;

        } else if (*p == ']' || *p == '@') {
            colon = NULL;
        }
    }

    if (colon == NULL) {
        colon = end;

    } else {
        parts->port.data = colon + 1;
        parts->port.len = end - colon - 1;
    }

    parts->head.data = url->data;
    parts->head.len = colon - url->data;

    parts->tail.data = end;
    parts->tail.len = last - end;

    return NGX_OK;
}
