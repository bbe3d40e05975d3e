
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake.h"
#include "ngx_http_intake_form_conf.h"
#include "ngx_intake_mime.h"


/* The signed token of a form. */


enum {
    NGX_HTTP_INTAKE_TOKEN_SECRET = 0,
    NGX_HTTP_INTAKE_TOKEN_MIN,
    NGX_HTTP_INTAKE_TOKEN_MAX,
    NGX_HTTP_INTAKE_TOKEN_COOKIE,

    NGX_HTTP_INTAKE_TOKEN_WORDS
};


#define NGX_HTTP_INTAKE_TOKEN_MIN_DEFAULT     2000               /* ms */
#define NGX_HTTP_INTAKE_TOKEN_MAX_DEFAULT     (7 * 86400000)

/* 128 bits cannot be guessed */

#define NGX_HTTP_INTAKE_TOKEN_SECRET_LEN      16


static ngx_int_t ngx_http_intake_token_times(ngx_conf_t *cf,
    ngx_http_intake_form_token_conf_t *token, ngx_str_t *texts);
static ngx_int_t ngx_http_intake_token_time(ngx_conf_t *cf, ngx_str_t *text,
    const char *name, ngx_msec_t *time);


static ngx_http_intake_choice_t  ngx_http_intake_token_words[] = {
    { ngx_string("secret="), NGX_HTTP_INTAKE_TOKEN_SECRET },
    { ngx_string("min="), NGX_HTTP_INTAKE_TOKEN_MIN },
    { ngx_string("max="), NGX_HTTP_INTAKE_TOKEN_MAX },
    { ngx_string("cookie="), NGX_HTTP_INTAKE_TOKEN_COOKIE },
    ngx_http_intake_null_choice
};


/* token secret=VALUE|file:PATH [min=TIME] [max=TIME] [cookie=NAME] */

char *
ngx_http_intake_source_token(ngx_conf_t *cf, ngx_http_intake_directive_t *d,
    void *conf)
{
    ngx_str_t                           texts[NGX_HTTP_INTAKE_TOKEN_WORDS];
    ngx_str_t                          *cookie, *secret;
    ngx_http_intake_form_conf_t        *form;
    ngx_http_intake_form_token_conf_t  *token;

    form = ngx_http_intake_source_form_conf(cf, conf);
    if (form == NULL) {
        return NGX_CONF_ERROR;
    }

    token = &form->token;

    if (ngx_http_intake_options(cf, 1, ngx_http_intake_token_words, texts,
                                NGX_HTTP_INTAKE_TOKEN_WORDS)
        != NGX_OK
        || ngx_http_intake_token_times(cf, token, texts) != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    cookie = &texts[NGX_HTTP_INTAKE_TOKEN_COOKIE];

    if (cookie->data
        && ngx_intake_mime_token(cookie->data, cookie->data + cookie->len)
           != cookie->len)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid \"cookie=%V\" in \"token\", write a name "
                           "of letters, digits, \"-\" and \"_\"", cookie);
        return NGX_CONF_ERROR;
    }

    token->cookie = *cookie;

    secret = &texts[NGX_HTTP_INTAKE_TOKEN_SECRET];

    if (secret->data == NULL) {
        return "has no \"secret=\": write secret=file:PATH of a file that "
               "holds a random text";
    }

    if (ngx_http_intake_read_secret(cf, secret, "token", &token->secret)
        != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    if (token->secret.len < NGX_HTTP_INTAKE_TOKEN_SECRET_LEN) {
        ngx_conf_log_error(NGX_LOG_WARN, cf, 0,
                           "the secret of \"token\" is shorter than %d bytes "
                           "and may be guessed, make one with: openssl rand "
                           "-hex 32", NGX_HTTP_INTAKE_TOKEN_SECRET_LEN);
    }

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_http_intake_token_times(ngx_conf_t *cf,
    ngx_http_intake_form_token_conf_t *token, ngx_str_t *texts)
{
    token->min = NGX_HTTP_INTAKE_TOKEN_MIN_DEFAULT;
    token->max = NGX_HTTP_INTAKE_TOKEN_MAX_DEFAULT;

    if (ngx_http_intake_token_time(cf, &texts[NGX_HTTP_INTAKE_TOKEN_MIN],
                                   "min=", &token->min)
        != NGX_OK
        || ngx_http_intake_token_time(cf, &texts[NGX_HTTP_INTAKE_TOKEN_MAX],
                                      "max=", &token->max)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (token->min >= token->max) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"min=\" in \"token\" is no less than \"max=\": "
                           "no token would say anything");
        return NGX_ERROR;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_intake_token_time(ngx_conf_t *cf, ngx_str_t *text, const char *name,
    ngx_msec_t *time)
{
    ngx_int_t  ms;

    if (text->data == NULL) {
        return NGX_OK;
    }

    ms = ngx_parse_time(text, 0);

    if (ms == NGX_ERROR) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid time \"%s%V\" in \"token\", write one "
                           "such as 2s or 7d", name, text);
        return NGX_ERROR;
    }

    *time = ms;

    return NGX_OK;
}
