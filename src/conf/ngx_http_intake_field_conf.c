
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake.h"
#include "ngx_http_intake_form_conf.h"
#include "ngx_intake_text.h"


/*
 * field NAME [required] [type=...] [line] [min=N] [max=N] [pattern=REGEX]
 *     [values=a|b] [multiple] [label=TEXT]
 */


enum {
    NGX_HTTP_INTAKE_FIELD_WORD_REQUIRED = 0,
    NGX_HTTP_INTAKE_FIELD_WORD_TYPE,
    NGX_HTTP_INTAKE_FIELD_WORD_LINE,
    NGX_HTTP_INTAKE_FIELD_WORD_MIN,
    NGX_HTTP_INTAKE_FIELD_WORD_MAX,
    NGX_HTTP_INTAKE_FIELD_WORD_PATTERN,
    NGX_HTTP_INTAKE_FIELD_WORD_VALUES,
    NGX_HTTP_INTAKE_FIELD_WORD_MULTIPLE,
    NGX_HTTP_INTAKE_FIELD_WORD_LABEL,

    NGX_HTTP_INTAKE_FIELD_WORDS
};


static ngx_http_intake_field_t *ngx_http_intake_add_field(ngx_conf_t *cf,
    ngx_http_intake_form_conf_t *form, ngx_str_t *name);
static ngx_int_t ngx_http_intake_field_type(ngx_conf_t *cf,
    ngx_intake_field_rule_t *rule, ngx_str_t *texts);
static ngx_int_t ngx_http_intake_field_line(ngx_conf_t *cf,
    ngx_http_intake_field_t *field, ngx_str_t *texts);
static ngx_int_t ngx_http_intake_field_limits(ngx_conf_t *cf,
    ngx_intake_field_rule_t *rule, ngx_str_t *texts);
static ngx_int_t ngx_http_intake_field_length(ngx_conf_t *cf, ngx_str_t *text,
    const char *name, size_t *length);
static ngx_int_t ngx_http_intake_field_range(ngx_conf_t *cf,
    ngx_intake_field_rule_t *rule, ngx_str_t *texts);
static ngx_int_t ngx_http_intake_field_bound(ngx_conf_t *cf,
    ngx_intake_field_rule_t *rule, ngx_str_t *text, const char *name);
static ngx_int_t ngx_http_intake_field_values(ngx_conf_t *cf,
    ngx_intake_field_rule_t *rule, ngx_str_t *text);
static ngx_int_t ngx_http_intake_field_value(ngx_conf_t *cf,
    ngx_intake_field_rule_t *rule, ngx_str_t *value);


static ngx_http_intake_choice_t  ngx_http_intake_field_words[] = {
    { ngx_string("required"), NGX_HTTP_INTAKE_FIELD_WORD_REQUIRED },
    { ngx_string("type="), NGX_HTTP_INTAKE_FIELD_WORD_TYPE },
    { ngx_string("line"), NGX_HTTP_INTAKE_FIELD_WORD_LINE },
    { ngx_string("min="), NGX_HTTP_INTAKE_FIELD_WORD_MIN },
    { ngx_string("max="), NGX_HTTP_INTAKE_FIELD_WORD_MAX },
    { ngx_string("pattern="), NGX_HTTP_INTAKE_FIELD_WORD_PATTERN },
    { ngx_string("values="), NGX_HTTP_INTAKE_FIELD_WORD_VALUES },
    { ngx_string("multiple"), NGX_HTTP_INTAKE_FIELD_WORD_MULTIPLE },
    { ngx_string("label="), NGX_HTTP_INTAKE_FIELD_WORD_LABEL },
    ngx_http_intake_null_choice
};


static ngx_http_intake_choice_t  ngx_http_intake_field_types[] = {
    { ngx_string("text"), NGX_INTAKE_FIELD_TEXT },
    { ngx_string("email"), NGX_INTAKE_FIELD_EMAIL },
    { ngx_string("tel"), NGX_INTAKE_FIELD_TEL },
    { ngx_string("url"), NGX_INTAKE_FIELD_URL },
    { ngx_string("number"), NGX_INTAKE_FIELD_NUMBER },
    { ngx_string("date"), NGX_INTAKE_FIELD_DATE },
    { ngx_string("choice"), NGX_INTAKE_FIELD_CHOICE },
    ngx_http_intake_null_choice
};


/* what a field of such a name does; in the order of ngx_intake_control_e */

static const char  *ngx_http_intake_purposes[] = {
    "is content",
    "is a honeypot",
    "says where to go next",
    "is the address to reply to",
    "is the subject",
    "carries the form token",
    "is the answer of a captcha",
    "names the charset of the page",
    "is dropped, because its name begins with \"_\""
};


char *
ngx_http_intake_source_field(ngx_conf_t *cf, ngx_http_intake_directive_t *d,
    void *conf)
{
    ngx_str_t                    *value;
    ngx_str_t                     texts[NGX_HTTP_INTAKE_FIELD_WORDS];
    ngx_intake_field_rule_t      *rule;
    ngx_http_intake_field_t      *field;
    ngx_http_intake_form_conf_t  *form;

    form = ngx_http_intake_source_form_conf(cf, conf);
    if (form == NULL) {
        return NGX_CONF_ERROR;
    }

    value = cf->args->elts;

    field = ngx_http_intake_add_field(cf, form, &value[1]);
    if (field == NULL) {
        return NGX_CONF_ERROR;
    }

    rule = &field->rule;

    if (ngx_http_intake_options(cf, 2, ngx_http_intake_field_words, texts,
                                NGX_HTTP_INTAKE_FIELD_WORDS)
        != NGX_OK
        || ngx_http_intake_field_type(cf, rule, texts) != NGX_OK
        || ngx_http_intake_field_line(cf, field, texts) != NGX_OK
        || ngx_http_intake_field_limits(cf, rule, texts) != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    rule->required = (texts[NGX_HTTP_INTAKE_FIELD_WORD_REQUIRED].data != NULL);

    if (texts[NGX_HTTP_INTAKE_FIELD_WORD_MULTIPLE].data) {
        field->multiple = 1;
        rule->multiple = (rule->type == NGX_INTAKE_FIELD_EMAIL);
    }

    if (texts[NGX_HTTP_INTAKE_FIELD_WORD_LABEL].data) {
        field->label = texts[NGX_HTTP_INTAKE_FIELD_WORD_LABEL];
    }

    if (texts[NGX_HTTP_INTAKE_FIELD_WORD_PATTERN].data
        && ngx_http_intake_field_pattern(cf, field,
                                &texts[NGX_HTTP_INTAKE_FIELD_WORD_PATTERN])
           != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static ngx_http_intake_field_t *
ngx_http_intake_add_field(ngx_conf_t *cf, ngx_http_intake_form_conf_t *form,
    ngx_str_t *name)
{
    ngx_str_t                  text;
    ngx_uint_t                 i;
    ngx_http_intake_field_t   *field;
    ngx_http_intake_choice_t  *words;

    words = ngx_http_intake_field_words;

    for (i = 0; words[i].name.len; i++) {
        if (words[i].name.data[words[i].name.len - 1] == '='
            && ngx_http_intake_param(name, (char *) words[i].name.data, &text))
        {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "no name before \"%V\" in \"field\": write "
                               "field NAME, then what it must be", name);
            return NULL;
        }
    }

    if (ngx_http_intake_field_name(cf, name,
                                   1 << NGX_INTAKE_CONTROL_NONE
                                   | 1 << NGX_INTAKE_CONTROL_REPLY
                                   | 1 << NGX_INTAKE_CONTROL_SUBJECT
                                   | 1 << NGX_INTAKE_CONTROL_RESERVED, "field")
        != NGX_OK)
    {
        return NULL;
    }

    field = ngx_http_intake_form_field(form, name);

    if (field) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "duplicate field \"%V\": the first is in %V:%ui",
                           name, &field->position.file, field->position.line);
        return NULL;
    }

    if (form->fields == NULL) {
        form->fields = ngx_array_create(cf->pool, 4,
                                        sizeof(ngx_http_intake_field_t));
        if (form->fields == NULL) {
            return NULL;
        }
    }

    if (form->fields->nelts == NGX_INTAKE_FORM_FIELDS) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "more than %d \"field\" directives: a form may "
                           "not send more", NGX_INTAKE_FORM_FIELDS);
        return NULL;
    }

    field = ngx_array_push(form->fields);
    if (field == NULL) {
        return NULL;
    }

    ngx_memzero(field, sizeof(ngx_http_intake_field_t));

    field->name = *name;
    field->label = *name;
    field->rule.max = NGX_INTAKE_FIELD_NO_LIMIT;

    ngx_http_intake_position(cf, &field->position);

    return field;
}


ngx_int_t
ngx_http_intake_field_name(ngx_conf_t *cf, ngx_str_t *name,
    ngx_uint_t allowed, const char *what)
{
    ngx_intake_control_e  control;

    if (name->len == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "empty name in \"%s\", write that of a field",
                           what);
        return NGX_ERROR;
    }

    if (name->len > NGX_INTAKE_FORM_NAME) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "name \"%V\" in \"%s\" is longer than %d bytes: "
                           "a form may not send it", name, what,
                           NGX_INTAKE_FORM_NAME);
        return NGX_ERROR;
    }

    control = ngx_intake_control(name);

    if (allowed & ((ngx_uint_t) 1 << control)) {
        return NGX_OK;
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "invalid name \"%V\" in \"%s\": a field of this name "
                       "%s, write another", name, what,
                       ngx_http_intake_purposes[control]);

    return NGX_ERROR;
}


/* type= and values=, which belong together */

static ngx_int_t
ngx_http_intake_field_type(ngx_conf_t *cf, ngx_intake_field_rule_t *rule,
    ngx_str_t *texts)
{
    ngx_int_t   type;
    ngx_str_t  *text, *values;

    text = &texts[NGX_HTTP_INTAKE_FIELD_WORD_TYPE];
    values = &texts[NGX_HTTP_INTAKE_FIELD_WORD_VALUES];

    if (text->data) {
        type = ngx_http_intake_choose(cf, ngx_http_intake_field_types, text,
                                      "type", "field");
        if (type == NGX_ERROR) {
            return NGX_ERROR;
        }

        rule->type = type;
    }

    if (rule->type == NGX_INTAKE_FIELD_CHOICE) {

        if (values->data == NULL) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "\"type=choice\" in \"field\" without "
                               "\"values=\": write what may be chosen, such "
                               "as values=sales|support");
            return NGX_ERROR;
        }

        return ngx_http_intake_field_values(cf, rule, values);
    }

    if (values->data) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"values=\" in \"field\" is for \"type=choice\", "
                           "write that, or leave it out");
        return NGX_ERROR;
    }

    return NGX_OK;
}


/* what may become a header of a mail is one line, whatever was written */

static ngx_int_t
ngx_http_intake_field_line(ngx_conf_t *cf, ngx_http_intake_field_t *field,
    ngx_str_t *texts)
{
    ngx_uint_t  line;

    line = (texts[NGX_HTTP_INTAKE_FIELD_WORD_LINE].data != NULL);

    if (line && field->rule.type != NGX_INTAKE_FIELD_TEXT) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"line\" in \"field\" is for \"type=text\", all "
                           "others are one line anyway: leave it out");
        return NGX_ERROR;
    }

    if (line
        || field->rule.type != NGX_INTAKE_FIELD_TEXT
        || ngx_intake_field_name_header(&field->name))
    {
        field->rule.single_line = 1;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_intake_field_limits(ngx_conf_t *cf, ngx_intake_field_rule_t *rule,
    ngx_str_t *texts)
{
    ngx_str_t  *min, *max, *pattern;

    min = &texts[NGX_HTTP_INTAKE_FIELD_WORD_MIN];
    max = &texts[NGX_HTTP_INTAKE_FIELD_WORD_MAX];
    pattern = &texts[NGX_HTTP_INTAKE_FIELD_WORD_PATTERN];

    switch (rule->type) {

    case NGX_INTAKE_FIELD_CHOICE:

        if (min->data == NULL && max->data == NULL && pattern->data == NULL) {
            return NGX_OK;
        }

        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%s\" in \"field\" has no effect with "
                           "\"type=choice\", leave it out",
                           min->data ? "min=" : max->data ? "max="
                                                          : "pattern=");
        return NGX_ERROR;

    case NGX_INTAKE_FIELD_NUMBER:
    case NGX_INTAKE_FIELD_DATE:
        return ngx_http_intake_field_range(cf, rule, texts);

    default:
        break;
    }

    if (ngx_http_intake_field_length(cf, min, "min=", &rule->min) != NGX_OK
        || ngx_http_intake_field_length(cf, max, "max=", &rule->max)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (rule->max == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"max=0\" in \"field\" allows nothing: write 1 "
                           "or more");
        return NGX_ERROR;
    }

    if (rule->min > rule->max) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"min=%V\" in \"field\" is more than \"max=%V\"",
                           min, max);
        return NGX_ERROR;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_intake_field_length(ngx_conf_t *cf, ngx_str_t *text,
    const char *name, size_t *length)
{
    ssize_t  n;

    if (text->data == NULL) {
        return NGX_OK;
    }

    n = ngx_atosz(text->data, text->len);

    if (n == NGX_ERROR || n > NGX_HTTP_INTAKE_MAX_BODY) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid \"%s%V\" in \"field\", write a number of "
                           "characters", name, text);
        return NGX_ERROR;
    }

    *length = n;

    return NGX_OK;
}


/* of numbers and dates, min and max are such themselves */

static ngx_int_t
ngx_http_intake_field_range(ngx_conf_t *cf, ngx_intake_field_rule_t *rule,
    ngx_str_t *texts)
{
    ngx_int_t   rc;
    ngx_str_t  *min, *max;

    min = &texts[NGX_HTTP_INTAKE_FIELD_WORD_MIN];
    max = &texts[NGX_HTTP_INTAKE_FIELD_WORD_MAX];

    if (ngx_http_intake_field_bound(cf, rule, min, "min=") != NGX_OK
        || ngx_http_intake_field_bound(cf, rule, max, "max=") != NGX_OK)
    {
        return NGX_ERROR;
    }

    rule->from = *min;
    rule->to = *max;

    if (min->data == NULL || max->data == NULL) {
        return NGX_OK;
    }

    rc = (rule->type == NGX_INTAKE_FIELD_DATE)
         ? ngx_intake_field_date_compare(min, max)
         : ngx_intake_field_number_compare(min, max);

    if (rc > 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"min=%V\" in \"field\" is more than \"max=%V\"",
                           min, max);
        return NGX_ERROR;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_intake_field_bound(ngx_conf_t *cf, ngx_intake_field_rule_t *rule,
    ngx_str_t *text, const char *name)
{
    ngx_int_t  rc;

    if (text->data == NULL) {
        return NGX_OK;
    }

    if (rule->type == NGX_INTAKE_FIELD_DATE) {
        rc = ngx_intake_field_date(text);

    } else {
        rc = ngx_intake_field_number(text);
    }

    if (rc == NGX_OK) {
        return NGX_OK;
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "invalid \"%s%V\" in \"field\", write a %s", name,
                       text, rule->type == NGX_INTAKE_FIELD_DATE
                             ? "date such as 2026-12-31"
                             : "number such as 1 or 0.5");
    return NGX_ERROR;
}


/* a|b */

static ngx_int_t
ngx_http_intake_field_values(ngx_conf_t *cf, ngx_intake_field_rule_t *rule,
    ngx_str_t *text)
{
    u_char      *p, *end, *last;
    ngx_str_t    value;
    ngx_uint_t   n;

    p = text->data;
    last = p + text->len;

    for (n = 1; p < last; p++) {
        if (*p == '|') {
            n++;
        }
    }

    rule->values = ngx_palloc(cf->pool, n * sizeof(ngx_str_t));
    if (rule->values == NULL) {
        return NGX_ERROR;
    }

    p = text->data;

    for ( ;; ) {
        end = ngx_strlchr(p, last, '|');
        end = (end != NULL) ? end : last;

        value.data = p;
        value.len = end - p;

        if (ngx_http_intake_field_value(cf, rule, &value) != NGX_OK) {
            return NGX_ERROR;
        }

        if (end == last) {
            return NGX_OK;
        }

        p = end + 1;
    }
}


static ngx_int_t
ngx_http_intake_field_value(ngx_conf_t *cf, ngx_intake_field_rule_t *rule,
    ngx_str_t *value)
{
    ngx_uint_t  i;

    ngx_intake_text_trim(value);

    if (value->len == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "empty value in \"values=\" of \"field\": a field "
                           "that is not required may be left empty anyway");
        return NGX_ERROR;
    }

    for (i = 0; i < rule->nvalues; i++) {
        if (ngx_http_intake_same(&rule->values[i], value)) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "duplicate value \"%V\" in \"values=\" of "
                               "\"field\"", value);
            return NGX_ERROR;
        }
    }

    rule->values[rule->nvalues++] = *value;

    return NGX_OK;
}
