
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake.h"
#include "ngx_http_intake_form_conf.h"
#include "ngx_intake_mime.h"


/* The directives that keep spam out of forms. */


enum {
    NGX_HTTP_INTAKE_TOKEN_SECRET = 0,
    NGX_HTTP_INTAKE_TOKEN_MIN,
    NGX_HTTP_INTAKE_TOKEN_MAX,
    NGX_HTTP_INTAKE_TOKEN_COOKIE,

    NGX_HTTP_INTAKE_TOKEN_WORDS
};

enum {
    NGX_HTTP_INTAKE_SPAM_WORD_LINKS = 0,
    NGX_HTTP_INTAKE_SPAM_WORD_WORDS,
    NGX_HTTP_INTAKE_SPAM_WORD_DOMAINS,
    NGX_HTTP_INTAKE_SPAM_WORD_SUSPECT,
    NGX_HTTP_INTAKE_SPAM_WORD_CERTAIN,

    NGX_HTTP_INTAKE_SPAM_OPTIONS
};

enum {
    NGX_HTTP_INTAKE_CAPTCHA_LOCATION = 0,
    NGX_HTTP_INTAKE_CAPTCHA_FIELD,
    NGX_HTTP_INTAKE_CAPTCHA_STRICT,

    NGX_HTTP_INTAKE_CAPTCHA_WORDS
};


#define NGX_HTTP_INTAKE_TOKEN_MIN_DEFAULT     2000               /* ms */
#define NGX_HTTP_INTAKE_TOKEN_MAX_DEFAULT     (7 * 86400000)

/* 128 bits cannot be guessed */

#define NGX_HTTP_INTAKE_TOKEN_SECRET_LEN      16


static ngx_int_t ngx_http_intake_honeypot_name(ngx_conf_t *cf,
    ngx_http_intake_form_conf_t *form, ngx_str_t *name);
static ngx_int_t ngx_http_intake_token_times(ngx_conf_t *cf,
    ngx_http_intake_form_token_conf_t *token, ngx_str_t *texts);
static ngx_int_t ngx_http_intake_token_time(ngx_conf_t *cf, ngx_str_t *text,
    const char *name, ngx_msec_t *time);
static ngx_int_t ngx_http_intake_spam_number(ngx_conf_t *cf, ngx_str_t *text,
    const char *name, ngx_uint_t least, ngx_uint_t *number);
static ngx_int_t ngx_http_intake_captcha_location(ngx_conf_t *cf,
    ngx_str_t *location);


static ngx_http_intake_choice_t  ngx_http_intake_token_words[] = {
    { ngx_string("secret="), NGX_HTTP_INTAKE_TOKEN_SECRET },
    { ngx_string("min="), NGX_HTTP_INTAKE_TOKEN_MIN },
    { ngx_string("max="), NGX_HTTP_INTAKE_TOKEN_MAX },
    { ngx_string("cookie="), NGX_HTTP_INTAKE_TOKEN_COOKIE },
    ngx_http_intake_null_choice
};

static ngx_http_intake_choice_t  ngx_http_intake_spam_words[] = {
    { ngx_string("links="), NGX_HTTP_INTAKE_SPAM_WORD_LINKS },
    { ngx_string("words="), NGX_HTTP_INTAKE_SPAM_WORD_WORDS },
    { ngx_string("domains="), NGX_HTTP_INTAKE_SPAM_WORD_DOMAINS },
    { ngx_string("suspect="), NGX_HTTP_INTAKE_SPAM_WORD_SUSPECT },
    { ngx_string("certain="), NGX_HTTP_INTAKE_SPAM_WORD_CERTAIN },
    ngx_http_intake_null_choice
};

static ngx_http_intake_choice_t  ngx_http_intake_captcha_words[] = {
    { ngx_string("location="), NGX_HTTP_INTAKE_CAPTCHA_LOCATION },
    { ngx_string("field="), NGX_HTTP_INTAKE_CAPTCHA_FIELD },
    { ngx_string("strict"), NGX_HTTP_INTAKE_CAPTCHA_STRICT },
    ngx_http_intake_null_choice
};


/* what browsers fill in, whether a field of this name can be seen or not */

static ngx_str_t  ngx_http_intake_autofilled[] = {
    ngx_string("name"),
    ngx_string("email"),
    ngx_string("url"),
    ngx_string("website"),
    ngx_string("company"),
    ngx_string("phone"),
    ngx_string("address"),
    ngx_null_string
};


/* honeypot NAME... */

char *
ngx_http_intake_source_honeypot(ngx_conf_t *cf,
    ngx_http_intake_directive_t *d, void *conf)
{
    ngx_str_t                    *value, *name;
    ngx_uint_t                    i;
    ngx_http_intake_form_conf_t  *form;

    form = ngx_http_intake_source_form_conf(cf, conf);
    if (form == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_http_intake_position(cf, &form->honeypots_position);

    form->honeypots = ngx_array_create(cf->pool, cf->args->nelts - 1,
                                       sizeof(ngx_str_t));
    if (form->honeypots == NULL) {
        return NGX_CONF_ERROR;
    }

    value = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {

        if (ngx_http_intake_honeypot_name(cf, form, &value[i]) != NGX_OK) {
            return NGX_CONF_ERROR;
        }

        name = ngx_array_push(form->honeypots);
        if (name == NULL) {
            return NGX_CONF_ERROR;
        }

        *name = value[i];
    }

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_http_intake_honeypot_name(ngx_conf_t *cf,
    ngx_http_intake_form_conf_t *form, ngx_str_t *name)
{
    ngx_str_t  *known;

    if (ngx_http_intake_field_name(cf, name,
                                   1 << NGX_INTAKE_CONTROL_NONE
                                   | 1 << NGX_INTAKE_CONTROL_HONEYPOT
                                   | 1 << NGX_INTAKE_CONTROL_REPLY
                                   | 1 << NGX_INTAKE_CONTROL_SUBJECT
                                   | 1 << NGX_INTAKE_CONTROL_RESERVED,
                                   "honeypot")
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (ngx_http_intake_is_honeypot(form, name)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "duplicate name \"%V\" in \"honeypot\"", name);
        return NGX_ERROR;
    }

    for (known = ngx_http_intake_autofilled; known->len; known++) {
        if (known->len == name->len
            && ngx_strncasecmp(known->data, name->data, name->len) == 0)
        {
            ngx_conf_log_error(NGX_LOG_WARN, cf, 0,
                               "honeypot \"%V\": browsers fill in a field of "
                               "this name by themselves, and people would "
                               "look like spam, write another", name);
            break;
        }
    }

    return NGX_OK;
}


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


/* spam [links=N] [words=FILE] [domains=FILE] [suspect=N] [certain=N] */

char *
ngx_http_intake_source_spam(ngx_conf_t *cf, ngx_http_intake_directive_t *d,
    void *conf)
{
    ngx_str_t                     texts[NGX_HTTP_INTAKE_SPAM_OPTIONS], *file;
    ngx_http_intake_form_conf_t  *form;
    ngx_http_intake_spam_conf_t  *spam;

    form = ngx_http_intake_source_form_conf(cf, conf);
    if (form == NULL) {
        return NGX_CONF_ERROR;
    }

    spam = &form->spam;
    spam->content = 1;

    if (ngx_http_intake_options(cf, 1, ngx_http_intake_spam_words, texts,
                                NGX_HTTP_INTAKE_SPAM_OPTIONS)
        != NGX_OK
        || ngx_http_intake_spam_number(cf,
                                   &texts[NGX_HTTP_INTAKE_SPAM_WORD_LINKS],
                                   "links=", 0, &spam->links)
           != NGX_OK
        || ngx_http_intake_spam_number(cf,
                                   &texts[NGX_HTTP_INTAKE_SPAM_WORD_SUSPECT],
                                   "suspect=", 1, &spam->suspect)
           != NGX_OK
        || ngx_http_intake_spam_number(cf,
                                   &texts[NGX_HTTP_INTAKE_SPAM_WORD_CERTAIN],
                                   "certain=", 1, &spam->certain)
           != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    if (spam->suspect > spam->certain) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"suspect=\" in \"spam\", %ui, is more than "
                           "\"certain=\", %ui", spam->suspect, spam->certain);
        return NGX_CONF_ERROR;
    }

    file = &texts[NGX_HTTP_INTAKE_SPAM_WORD_WORDS];

    if (file->data) {
        spam->words = ngx_http_intake_read_list(cf, file, "words=", 0);
        if (spam->words == NULL) {
            return NGX_CONF_ERROR;
        }
    }

    file = &texts[NGX_HTTP_INTAKE_SPAM_WORD_DOMAINS];

    if (file->data) {
        spam->domains = ngx_http_intake_read_list(cf, file, "domains=", 1);
        if (spam->domains == NULL) {
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_http_intake_spam_number(ngx_conf_t *cf, ngx_str_t *text, const char *name,
    ngx_uint_t least, ngx_uint_t *number)
{
    ngx_int_t  n;

    if (text->data == NULL) {
        return NGX_OK;
    }

    n = ngx_atoi(text->data, text->len);

    if (n == NGX_ERROR || (ngx_uint_t) n < least) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid \"%s%V\" in \"spam\", write a number "
                           "from %ui on", name, text, least);
        return NGX_ERROR;
    }

    *number = n;

    return NGX_OK;
}


/* captcha location=/URI field=NAME [strict] */

char *
ngx_http_intake_source_captcha(ngx_conf_t *cf, ngx_http_intake_directive_t *d,
    void *conf)
{
    ngx_str_t                        texts[NGX_HTTP_INTAKE_CAPTCHA_WORDS];
    ngx_str_t                       *location, *field;
    ngx_http_intake_form_conf_t     *form;
    ngx_http_intake_captcha_conf_t  *captcha;

    form = ngx_http_intake_source_form_conf(cf, conf);
    if (form == NULL) {
        return NGX_CONF_ERROR;
    }

    captcha = &form->captcha;

    ngx_http_intake_position(cf, &captcha->position);

    if (ngx_http_intake_options(cf, 1, ngx_http_intake_captcha_words, texts,
                                NGX_HTTP_INTAKE_CAPTCHA_WORDS)
        != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    location = &texts[NGX_HTTP_INTAKE_CAPTCHA_LOCATION];
    field = &texts[NGX_HTTP_INTAKE_CAPTCHA_FIELD];

    if (location->data == NULL) {
        return "has no \"location=\": write that of an internal location "
               "that asks who verifies";
    }

    if (field->data == NULL) {
        return "has no \"field=\": write that which the captcha puts its "
               "answer into, such as field=cf-turnstile-response";
    }

    if (ngx_http_intake_captcha_location(cf, location) != NGX_OK
        || ngx_http_intake_field_name(cf, field,
                                      1 << NGX_INTAKE_CONTROL_NONE
                                      | 1 << NGX_INTAKE_CONTROL_CAPTCHA
                                      | 1 << NGX_INTAKE_CONTROL_RESERVED,
                                      "captcha")
           != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    captcha->location = *location;
    captcha->field = *field;
    captcha->strict = (texts[NGX_HTTP_INTAKE_CAPTCHA_STRICT].data != NULL);

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_http_intake_captcha_location(ngx_conf_t *cf, ngx_str_t *location)
{
    u_char  *p, *last;

    p = location->data;
    last = p + location->len;

    if (*p == '@') {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"location=%V\" in \"captcha\" is a named "
                           "location, which no subrequest reaches: write "
                           "/URI of one with \"internal\"", location);
        return NGX_ERROR;
    }

    if (*p != '/' || ngx_strlchr(p, last, '?') || ngx_strlchr(p, last, '#')) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid \"location=%V\" in \"captcha\", write "
                           "/URI of an internal location, without arguments",
                           location);
        return NGX_ERROR;
    }

    return NGX_OK;
}
