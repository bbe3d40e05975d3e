
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake.h"
#include "ngx_http_intake_form_conf.h"


/* The directives that keep spam out of forms. */


enum {
    NGX_HTTP_INTAKE_SPAM_WORD_OFF = 0,
    NGX_HTTP_INTAKE_SPAM_WORD_LINKS,
    NGX_HTTP_INTAKE_SPAM_WORD_WORDS,
    NGX_HTTP_INTAKE_SPAM_WORD_DOMAINS,
    NGX_HTTP_INTAKE_SPAM_WORD_SUSPECT,
    NGX_HTTP_INTAKE_SPAM_WORD_CERTAIN,
    NGX_HTTP_INTAKE_SPAM_WORD_WITHOUT,

    NGX_HTTP_INTAKE_SPAM_OPTIONS
};

enum {
    NGX_HTTP_INTAKE_CAPTCHA_LOCATION = 0,
    NGX_HTTP_INTAKE_CAPTCHA_FIELD,
    NGX_HTTP_INTAKE_CAPTCHA_STRICT,

    NGX_HTTP_INTAKE_CAPTCHA_WORDS
};


static ngx_int_t ngx_http_intake_honeypot_name(ngx_conf_t *cf,
    ngx_http_intake_form_conf_t *form, ngx_str_t *name);
static char *ngx_http_intake_spam_off(ngx_conf_t *cf,
    ngx_http_intake_spam_conf_t *spam);
static ngx_int_t ngx_http_intake_spam_reasons_off(ngx_conf_t *cf,
    ngx_http_intake_spam_conf_t *spam, ngx_str_t *texts);
static ngx_int_t ngx_http_intake_spam_reason_off(ngx_conf_t *cf,
    ngx_http_intake_spam_conf_t *spam, ngx_str_t *reason);
static ngx_int_t ngx_http_intake_spam_number(ngx_conf_t *cf, ngx_str_t *text,
    const char *name, ngx_uint_t least, ngx_uint_t *number);
static ngx_int_t ngx_http_intake_captcha_location(ngx_conf_t *cf,
    ngx_str_t *location);


static ngx_http_intake_choice_t  ngx_http_intake_spam_words[] = {
    { ngx_string("off"), NGX_HTTP_INTAKE_SPAM_WORD_OFF },
    { ngx_string("links="), NGX_HTTP_INTAKE_SPAM_WORD_LINKS },
    { ngx_string("words="), NGX_HTTP_INTAKE_SPAM_WORD_WORDS },
    { ngx_string("domains="), NGX_HTTP_INTAKE_SPAM_WORD_DOMAINS },
    { ngx_string("suspect="), NGX_HTTP_INTAKE_SPAM_WORD_SUSPECT },
    { ngx_string("certain="), NGX_HTTP_INTAKE_SPAM_WORD_CERTAIN },
    { ngx_string("without="), NGX_HTTP_INTAKE_SPAM_WORD_WITHOUT },
    ngx_http_intake_null_choice
};


/* what nothing else switches off */

static ngx_http_intake_choice_t  ngx_http_intake_spam_without[] = {
    { ngx_string("token_missing"), NGX_HTTP_INTAKE_SPAM_TOKEN_MISSING },
    { ngx_string("cross_site"), NGX_HTTP_INTAKE_SPAM_CROSS_SITE },
    { ngx_string("request_shape"), NGX_HTTP_INTAKE_SPAM_REQUEST_SHAPE },
    { ngx_string("links"), NGX_HTTP_INTAKE_SPAM_LINKS },
    { ngx_string("markup"), NGX_HTTP_INTAKE_SPAM_MARKUP },
    { ngx_string("address_in_name"), NGX_HTTP_INTAKE_SPAM_ADDRESS_IN_NAME },
    { ngx_string("same_text"), NGX_HTTP_INTAKE_SPAM_SAME_TEXT },
    ngx_http_intake_null_choice
};

/* in the order of the reasons; NULL: `without` */

static const char  *ngx_http_intake_spam_switches[] = {
    "write \"honeypot off;\"",
    "take out \"token\"",                  /* token_forged */
    NULL,
    "write \"min=0\" in \"token\"",        /* too_fast */
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    "leave out \"words=\"",
    "leave out \"domains=\"",
    "take out \"captcha\""
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


/* honeypot off | NAME... */

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

    value = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {

        if (ngx_strcmp(value[i].data, "off") != 0) {
            continue;
        }

        if (cf->args->nelts > 2) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "\"off\" in \"honeypot\" stands alone: write "
                               "\"honeypot off;\", or names of fields");
            return NGX_CONF_ERROR;
        }

        form->spam.without |= ngx_http_intake_spam_bit(HONEYPOT);

        return NGX_CONF_OK;
    }

    form->honeypots = ngx_array_create(cf->pool, cf->args->nelts - 1,
                                       sizeof(ngx_str_t));
    if (form->honeypots == NULL) {
        return NGX_CONF_ERROR;
    }

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


/*
 * spam off
 * spam [links=N] [words=FILE] [domains=FILE] [suspect=N] [certain=N]
 *     [without=REASON,...]
 */

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

    if (ngx_http_intake_options(cf, 1, ngx_http_intake_spam_words, texts,
                                NGX_HTTP_INTAKE_SPAM_OPTIONS)
        != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    if (texts[NGX_HTTP_INTAKE_SPAM_WORD_OFF].data) {
        return ngx_http_intake_spam_off(cf, spam);
    }

    spam->content = 1;

    if (ngx_http_intake_spam_reasons_off(cf, spam, texts) != NGX_OK
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


/* what is looked at without this directive, too */

static char *
ngx_http_intake_spam_off(ngx_conf_t *cf, ngx_http_intake_spam_conf_t *spam)
{
    if (cf->args->nelts > 2) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"off\" in \"spam\" stands alone: write \"spam "
                           "off;\", or leave it out");
        return NGX_CONF_ERROR;
    }

    spam->without |= ngx_http_intake_spam_bit(CROSS_SITE);

    return NGX_CONF_OK;
}


/* without=REASON,... */

static ngx_int_t
ngx_http_intake_spam_reasons_off(ngx_conf_t *cf,
    ngx_http_intake_spam_conf_t *spam, ngx_str_t *texts)
{
    u_char     *p, *end, *last;
    ngx_str_t   reason, *text;

    text = &texts[NGX_HTTP_INTAKE_SPAM_WORD_WITHOUT];

    if (text->data == NULL) {
        return NGX_OK;
    }

    p = text->data;
    last = p + text->len;

    do {
        end = ngx_strlchr(p, last, ',');
        end = (end != NULL) ? end : last;

        reason.data = p;
        reason.len = end - p;

        if (ngx_http_intake_spam_reason_off(cf, spam, &reason) != NGX_OK) {
            return NGX_ERROR;
        }

        p = end + 1;

    } while (end != last);

    if ((spam->without & ngx_http_intake_spam_bit(LINKS))
        && texts[NGX_HTTP_INTAKE_SPAM_WORD_LINKS].data)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"links=\" in \"spam\" has no effect with "
                           "\"without=links\", leave one of them out");
        return NGX_ERROR;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_intake_spam_reason_off(ngx_conf_t *cf,
    ngx_http_intake_spam_conf_t *spam, ngx_str_t *reason)
{
    ngx_int_t   n;
    ngx_uint_t  i, bit;

    for (i = 0; i < NGX_HTTP_INTAKE_SPAM_REASONS; i++) {

        if (ngx_http_intake_spam_switches[i]
            && ngx_http_intake_same(&ngx_http_intake_spam_reasons[i], reason))
        {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "\"without=%V\" in \"spam\": %s instead",
                               reason, ngx_http_intake_spam_switches[i]);
            return NGX_ERROR;
        }
    }

    n = ngx_http_intake_choose(cf, ngx_http_intake_spam_without, reason,
                               "reason", "without=");
    if (n == NGX_ERROR) {
        return NGX_ERROR;
    }

    bit = (ngx_uint_t) 1 << n;

    if (spam->without & bit) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "duplicate reason \"%V\" in \"without=\"", reason);
        return NGX_ERROR;
    }

    spam->without |= bit;

    return NGX_OK;
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
