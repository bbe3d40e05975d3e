
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake_platform.h"


/*
 * What is sent back, by
 *
 *  answer STATUS [TYPE "TEMPLATE"]
 *
 * and by a challenge behind its arrow.
 */


static ngx_int_t ngx_http_intake_parse_reply_body(ngx_conf_t *cf,
    ngx_array_t *paths, ngx_str_t *type, ngx_str_t *text, const char *what,
    ngx_http_intake_reply_t *reply);
static ngx_http_intake_template_t *ngx_http_intake_parse_sent(ngx_conf_t *cf,
    ngx_array_t *paths, ngx_str_t *text, const char *what);
static ngx_uint_t ngx_http_intake_is_json(ngx_str_t *type);
static ngx_int_t ngx_http_intake_header_value(ngx_conf_t *cf,
    ngx_array_t *paths, ngx_str_t *text, ngx_http_intake_header_t *header);


static ngx_http_intake_choice_t  ngx_http_intake_own_headers[] = {
    { ngx_string("connection"), 0 },
    { ngx_string("content-length"), 0 },
    { ngx_string("content-type"), 0 },
    { ngx_string("date"), 0 },
    { ngx_string("server"), 0 },
    { ngx_string("transfer-encoding"), 0 },
    { ngx_string("x-content-type-options"), 0 },
    ngx_http_intake_null_choice
};


char *
ngx_http_intake_parse_answer(ngx_conf_t *cf, ngx_array_t *paths,
    ngx_http_intake_reply_t **answer)
{
    ngx_int_t                 n;
    ngx_str_t                *value;
    ngx_http_intake_reply_t  *reply;

    value = cf->args->elts;

    reply = ngx_pcalloc(cf->pool, sizeof(ngx_http_intake_reply_t));
    if (reply == NULL) {
        return NGX_CONF_ERROR;
    }

    n = ngx_http_intake_parse_reply(cf, paths, &value[1], cf->args->nelts - 1,
                                    200, 299, "answer", reply);
    if (n == NGX_ERROR) {
        return NGX_CONF_ERROR;
    }

    if ((ngx_uint_t) n != cf->args->nelts - 1) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "unknown \"%V\" in \"answer\", which is "
                           "STATUS [TYPE \"TEMPLATE\"]", &value[n + 1]);
        return NGX_CONF_ERROR;
    }

    *answer = reply;

    return NGX_CONF_OK;
}


ngx_int_t
ngx_http_intake_parse_reply(ngx_conf_t *cf, ngx_array_t *paths,
    ngx_str_t *value, ngx_uint_t n, ngx_uint_t least, ngx_uint_t most,
    const char *what, ngx_http_intake_reply_t *reply)
{
    ngx_int_t  status;
    ngx_str_t  dummy;

    if (n == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "no status after \"->\" in \"%s\"", what);
        return NGX_ERROR;
    }

    status = ngx_atoi(value[0].data, value[0].len);

    if (status < (ngx_int_t) least || status > (ngx_int_t) most) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid status \"%V\" in \"%s\", write one of "
                           "%ui to %ui", &value[0], what, least, most);
        return NGX_ERROR;
    }

    reply->status = status;

    if (n == 1 || ngx_http_intake_param(&value[1], "header=", &dummy)) {
        return 1;
    }

    if (n == 2 || ngx_http_intake_param(&value[2], "header=", &dummy)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "no template after the type \"%V\" in \"%s\", "
                           "write %i TYPE \"TEMPLATE\"",
                           &value[1], what, status);
        return NGX_ERROR;
    }

    if (value[2].len
        && (status == NGX_HTTP_NO_CONTENT || status == 205
            || status == NGX_HTTP_NOT_MODIFIED))
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "status %i in \"%s\" has no body, the template "
                           "behind \"%V\" must be empty",
                           status, what, &value[1]);
        return NGX_ERROR;
    }

    if (ngx_http_intake_parse_reply_body(cf, paths, &value[1], &value[2],
                                         what, reply)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return 3;
}


static ngx_int_t
ngx_http_intake_parse_reply_body(ngx_conf_t *cf, ngx_array_t *paths,
    ngx_str_t *type, ngx_str_t *text, const char *what,
    ngx_http_intake_reply_t *reply)
{
    u_char  *p, *last;

    last = type->data + type->len;
    p = ngx_strlchr(type->data, last, '/');

    if (p == NULL || p == type->data || p + 1 == last) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid type \"%V\" in \"%s\", write one such as "
                           "text/plain or application/json", type, what);
        return NGX_ERROR;
    }

    for (p = type->data; p < last; p++) {
        if (*p < 0x20 || *p > 0x7e) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid character in the type of \"%s\"",
                               what);
            return NGX_ERROR;
        }
    }

    reply->type = *type;
    reply->json = ngx_http_intake_is_json(type);

    reply->body = ngx_http_intake_parse_sent(cf, paths, text, what);

    return reply->body ? NGX_OK : NGX_ERROR;
}


/* a template that leaves this server: the secret itself must not */

static ngx_http_intake_template_t *
ngx_http_intake_parse_sent(ngx_conf_t *cf, ngx_array_t *paths,
    ngx_str_t *text, const char *what)
{
    ngx_http_intake_template_t  *template;

    template = ngx_http_intake_parse_template(cf, paths, text, what);

    if (template
        && ngx_http_intake_has_word(template, NGX_HTTP_INTAKE_WORD_SECRET))
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"$secret\" in \"%s\" would send the secret, "
                           "it may stand in \"signed\" only", what);
        return NULL;
    }

    return template;
}


/* application/json, text/x-json, application/problem+json; charset=utf-8 */

static ngx_uint_t
ngx_http_intake_is_json(ngx_str_t *type)
{
    u_char  *last;

    last = ngx_strlchr(type->data, type->data + type->len, ';');

    if (last == NULL) {
        last = type->data + type->len;
    }

    while (last > type->data && last[-1] == ' ') {
        last--;
    }

    return last - type->data >= 4
           && ngx_strncasecmp(last - 4, (u_char *) "json", 4) == 0;
}


ngx_int_t
ngx_http_intake_parse_header(ngx_conf_t *cf, ngx_array_t *paths,
    ngx_str_t *arg, ngx_http_intake_challenge_t *challenge)
{
    ngx_str_t                  text;
    ngx_http_intake_header_t  *header;

    if (!ngx_http_intake_param(arg, "header=", &text)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "unknown \"%V\" in \"challenge\" after \"->\", "
                           "which is STATUS [TYPE \"TEMPLATE\"] "
                           "[\"header=NAME: TEMPLATE\"]...", arg);
        return NGX_ERROR;
    }

    if (challenge->headers == NULL) {
        challenge->headers = ngx_array_create(cf->pool, 1,
                                            sizeof(ngx_http_intake_header_t));
        if (challenge->headers == NULL) {
            return NGX_ERROR;
        }
    }

    header = ngx_array_push(challenge->headers);
    if (header == NULL) {
        return NGX_ERROR;
    }

    return ngx_http_intake_header_value(cf, paths, &text, header);
}


static ngx_int_t
ngx_http_intake_header_value(ngx_conf_t *cf, ngx_array_t *paths,
    ngx_str_t *text, ngx_http_intake_header_t *header)
{
    u_char                    *p, *last;
    ngx_str_t                  name;
    ngx_http_intake_choice_t  *own;

    last = text->data + text->len;
    p = ngx_strlchr(text->data, last, ':');

    if (p == NULL || p == text->data) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "no name and \":\" in \"header=%V\" in "
                           "\"challenge\", write \"header=NAME: TEMPLATE\"",
                           text);
        return NGX_ERROR;
    }

    header->name.data = text->data;
    header->name.len = p - text->data;

    name = header->name;

    if (ngx_http_intake_header_name(cf, "challenge", &name) != NGX_OK) {
        return NGX_ERROR;
    }

    for (own = ngx_http_intake_own_headers; own->name.len; own++) {
        if (ngx_http_intake_same(&own->name, &name)) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "header \"%V\" in \"challenge\" is written "
                               "by nginx, leave it out", &header->name);
            return NGX_ERROR;
        }
    }

    for (p++; p < last && *p == ' '; p++) { /* void */ }

    name.data = p;
    name.len = last - p;

    for ( /* void */ ; p < last; p++) {
        if (*p < 0x20 || *p == 0x7f) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "control character in header \"%V\" in "
                               "\"challenge\"", &header->name);
            return NGX_ERROR;
        }
    }

    header->value = ngx_http_intake_parse_sent(cf, paths, &name, "challenge");

    return header->value ? NGX_OK : NGX_ERROR;
}
