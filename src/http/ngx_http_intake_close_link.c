
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake_replies.h"
#include "ngx_http_intake_event.h"


/*
 * A link that closes one conversation, for whoever reads a mail: GET shows a
 * button, because mail programs open links by themselves, POST closes.
 *
 *  ?t=v1.SOURCE.CONVERSATION.EXPIRES.MAC
 *
 * CONVERSATION is in base64url, EXPIRES in seconds since 1970, and MAC the
 * HMAC-SHA256 in base64url, without padding, of everything before its point,
 * with a token of the location as the key.
 */


#define NGX_HTTP_INTAKE_LINK_PARTS  5
#define NGX_HTTP_INTAKE_LINK_MAX    1024    /* bytes */


static ngx_int_t ngx_http_intake_link_split(ngx_str_t *token,
    ngx_str_t *parts);
static ngx_int_t ngx_http_intake_link_holds(ngx_str_t *message,
    ngx_str_t *mac, ngx_array_t *secrets);


ngx_int_t
ngx_http_intake_link_token(ngx_http_intake_replies_t *replies,
    ngx_array_t *secrets)
{
    int64_t                        now;
    ngx_int_t                      rc;
    ngx_str_t                      token, message, conversation;
    ngx_str_t                      parts[NGX_HTTP_INTAKE_LINK_PARTS];
    ngx_http_request_t            *r;
    ngx_http_intake_source_t      *source;
    ngx_http_intake_reply_item_t  *item;

    r = replies->request;

    if (ngx_http_arg(r, (u_char *) "t", 1, &token) != NGX_OK
        || ngx_http_intake_link_split(&token, parts) != NGX_OK)
    {
        return NGX_DECLINED;
    }

    message.data = token.data;
    message.len = parts[4].data - 1 - token.data;

    rc = ngx_http_intake_link_holds(&message, &parts[4], secrets);

    if (rc != NGX_OK) {
        return rc;
    }

    now = ngx_http_intake_now();

    if (ngx_http_intake_number(&parts[3]) < now / 1000) {
        return NGX_DECLINED;
    }

    source = ngx_http_intake_reply_source(replies->conf, &parts[1]);

    if (source == NULL) {
        return NGX_DECLINED;
    }

    conversation.data = ngx_pnalloc(r->pool, parts[2].len);
    if (conversation.data == NULL) {
        return NGX_ERROR;
    }

    if (ngx_intake_base64url_decode(&parts[2], conversation.data,
                                    parts[2].len, &conversation.len)
        != NGX_OK)
    {
        return NGX_DECLINED;
    }

    /* what has been declined leaves no item behind */

    item = ngx_array_push(&replies->items);
    if (item == NULL) {
        return NGX_ERROR;
    }

    ngx_memzero(item, sizeof(ngx_http_intake_reply_item_t));

    item->source = source;
    item->change.conversation = conversation;
    item->change.kind = NGX_HTTP_INTAKE_KIND_CLOSE;
    item->change.time = now;

    replies->link = 1;

    return ngx_http_intake_change(item->source->sla, &item->change, now);
}


static ngx_int_t
ngx_http_intake_link_split(ngx_str_t *token, ngx_str_t *parts)
{
    u_char      *p, *last, *end;
    ngx_uint_t   i;

    p = token->data;
    last = p + token->len;

    if (token->len > NGX_HTTP_INTAKE_LINK_MAX) {
        return NGX_DECLINED;
    }

    for (i = 0; i < NGX_HTTP_INTAKE_LINK_PARTS; i++) {

        end = ngx_strlchr(p, last, '.');

        if ((end == NULL) != (i == NGX_HTTP_INTAKE_LINK_PARTS - 1)) {
            return NGX_DECLINED;
        }

        if (end == NULL) {
            end = last;
        }

        parts[i].data = p;
        parts[i].len = end - p;

        if (parts[i].len == 0) {
            return NGX_DECLINED;
        }

        p = end + 1;
    }

    if (parts[0].len != 2 || ngx_strncmp(parts[0].data, "v1", 2) != 0) {
        return NGX_DECLINED;
    }

    return NGX_OK;
}


/* NGX_ERROR: no memory, which is no fault of the link */

static ngx_int_t
ngx_http_intake_link_holds(ngx_str_t *message, ngx_str_t *mac,
    ngx_array_t *secrets)
{
    u_char                     signature[NGX_INTAKE_DIGEST_MAX];
    size_t                     len;
    ngx_int_t                  rc;
    ngx_uint_t                 i;
    const char                *error;
    ngx_intake_key_t          *key;
    ngx_http_intake_secret_t  *secret;

    if (ngx_intake_base64url_decode(mac, signature, sizeof(signature), &len)
        != NGX_OK)
    {
        return NGX_DECLINED;
    }

    secret = secrets->elts;

    for (i = 0; i < secrets->nelts; i++) {

        key = ngx_intake_key_create(NGX_INTAKE_ALGORITHM_HMAC_SHA256,
                                    secret[i].value.data,
                                    secret[i].value.len, &error);
        if (key == NULL) {
            return NGX_ERROR;
        }

        rc = ngx_intake_key_verify(key, message, 1, signature, len);

        ngx_intake_key_destroy(key);

        if (rc != NGX_DECLINED) {
            return rc;
        }
    }

    return NGX_DECLINED;
}


ngx_int_t
ngx_http_intake_link_page(ngx_http_request_t *r, ngx_uint_t status,
    const char *title, const char *text, ngx_uint_t button)
{
    u_char      *p;
    size_t       len;
    ngx_str_t    body, type, value;
    const char  *form;

    static const char  page[] =
        "<!DOCTYPE html>\n"
        "<html lang=\"en\">\n"
        "<head>\n"
        "<meta charset=\"utf-8\">\n"
        "<meta name=\"viewport\" content=\"width=device-width\">\n"
        "<title>%s</title>\n"
        "<style>body{font:1.1em/1.5 sans-serif;max-width:34em;"
        "margin:3em auto;padding:0 1em}"
        "button{font:inherit;padding:.4em 1.2em}</style>\n"
        "</head>\n"
        "<body>\n"
        "<h1>%s</h1>\n"
        "<p>%s</p>\n"
        "%s"
        "</body>\n"
        "</html>\n";

    /* without an action the form goes to the address of the page itself */

    form = button ? "<form method=\"post\">"
                    "<button>Close the conversation</button></form>\n"
                  : "";

    ngx_str_set(&value, "default-src 'none'; style-src 'unsafe-inline'; "
                        "form-action 'self'; base-uri 'none'; "
                        "frame-ancestors 'none'");

    if (ngx_http_intake_add_header(r, "Content-Security-Policy", &value)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_str_set(&value, "no-store");

    if (ngx_http_intake_add_header(r, "Cache-Control", &value) != NGX_OK) {
        return NGX_ERROR;
    }

    /* the link in the address is a secret */

    ngx_str_set(&value, "no-referrer");

    if (ngx_http_intake_add_header(r, "Referrer-Policy", &value) != NGX_OK) {
        return NGX_ERROR;
    }

    len = sizeof(page) + 2 * ngx_strlen(title) + ngx_strlen(text)
          + ngx_strlen(form);

    p = ngx_pnalloc(r->pool, len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    body.data = p;
    body.len = ngx_sprintf(p, page, title, title, text, form) - p;

    ngx_str_set(&type, "text/html; charset=utf-8");

    return ngx_http_intake_send(r, status, &type, &body);
}
