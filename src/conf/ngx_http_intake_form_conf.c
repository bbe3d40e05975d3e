
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake.h"
#include "ngx_http_intake_form_conf.h"


/*
 * What makes a source take forms, and what can be tested only when its whole
 * block is known: its directives may stand in any order.
 */


static char *ngx_http_intake_check_written(ngx_conf_t *cf,
    ngx_http_intake_source_t *source);
static char *ngx_http_intake_check_fields(ngx_conf_t *cf,
    ngx_http_intake_source_t *source);
static char *ngx_http_intake_check_field(ngx_conf_t *cf,
    ngx_http_intake_source_t *source, ngx_http_intake_field_t *field);
static char *ngx_http_intake_check_captcha(ngx_conf_t *cf,
    ngx_http_intake_source_t *source);
static char *ngx_http_intake_check_conversation(ngx_conf_t *cf,
    ngx_http_intake_source_t *source);
static void ngx_http_intake_check_max_body(ngx_conf_t *cf,
    ngx_http_intake_source_t *source);
static char *ngx_http_intake_check_form_dedupe(ngx_conf_t *cf,
    ngx_http_intake_source_t *source);


#define NGX_HTTP_INTAKE_FORM_WINDOW  600000     /* ms */

/* what a form has beside the content of its files, with room to spare */

#define NGX_HTTP_INTAKE_FORM_TEXT    (1024 * 1024)

/* bytes of a UTF-16 code unit in UTF-8, and of a line end, which counts 1 */

#define NGX_HTTP_INTAKE_UNIT_BYTES   3


static ngx_array_t  ngx_http_intake_no_paths;


ngx_http_intake_platform_t  ngx_http_intake_form_platform = {
    .name = ngx_string("form"),
    .algorithm = NGX_INTAKE_ALGORITHM_NONE,
    .paths = &ngx_http_intake_no_paths,
    .type_as = ngx_string("intake.form.submitted"),
    .methods = NGX_HTTP_POST,
    .dedupe = {
        .window = NGX_HTTP_INTAKE_FORM_WINDOW,
        .key = NGX_HTTP_INTAKE_DEDUPE_BODY
    },
    .max_body = NGX_CONF_UNSET_SIZE,
    .deadline = NGX_CONF_UNSET_MSEC
};


ngx_http_intake_form_conf_t *
ngx_http_intake_source_form_conf(ngx_conf_t *cf,
    ngx_http_intake_source_t *source)
{
    ngx_str_t                    *value;
    ngx_http_intake_form_conf_t  *form;

    if (source->form) {
        return source->form;
    }

    form = ngx_pcalloc(cf->pool, sizeof(ngx_http_intake_form_conf_t));
    if (form == NULL) {
        return NULL;
    }

    ngx_intake_form_limits_init(&form->limits);

    form->spam.links = 3;
    form->spam.suspect = 3;
    form->spam.certain = 6;

    value = cf->args->elts;

    form->directive = value[0];
    ngx_http_intake_position(cf, &form->position);

    source->form = form;

    return form;
}


/* form */

char *
ngx_http_intake_source_form(ngx_conf_t *cf, ngx_http_intake_directive_t *d,
    void *conf)
{
    ngx_http_intake_source_t *source = conf;

    ngx_http_intake_form_conf_t  *form;

    form = ngx_http_intake_source_form_conf(cf, source);
    if (form == NULL) {
        return NGX_CONF_ERROR;
    }

    form->written = 1;

    if (source->webhook.len) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"form\" beside \"%V\" in intake_source \"%V\": "
                           "\"%V\" is for webhooks, take out one of them",
                           &source->webhook, &source->name,
                           &source->webhook);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


char *
ngx_http_intake_webhook_directive(ngx_conf_t *cf,
    ngx_http_intake_source_t *source)
{
    ngx_str_t  *value;

    value = cf->args->elts;

    if (source->webhook.len == 0) {
        source->webhook = value[0];
    }

    if (source->form && source->form->written) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\" beside \"form\" in intake_source \"%V\": "
                           "\"%V\" is for webhooks, take out one of them",
                           &value[0], &source->name, &value[0]);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


/* strict on|off */

char *
ngx_http_intake_source_strict(ngx_conf_t *cf, ngx_http_intake_directive_t *d,
    void *conf)
{
    ngx_str_t                    *value;
    ngx_http_intake_form_conf_t  *form;

    form = ngx_http_intake_source_form_conf(cf, conf);
    if (form == NULL) {
        return NGX_CONF_ERROR;
    }

    value = cf->args->elts;

    if (ngx_strcmp(value[1].data, "on") == 0) {
        form->strict = 1;

    } else if (ngx_strcmp(value[1].data, "off") != 0) {
        return "must be \"on\" or \"off\"";
    }

    ngx_http_intake_position(cf, &form->strict_position);

    return NGX_CONF_OK;
}


/* conversation id|field:NAME */

char *
ngx_http_intake_source_conversation(ngx_conf_t *cf,
    ngx_http_intake_directive_t *d, void *conf)
{
    ngx_str_t                    *value, name;
    ngx_http_intake_form_conf_t  *form;

    form = ngx_http_intake_source_form_conf(cf, conf);
    if (form == NULL) {
        return NGX_CONF_ERROR;
    }

    value = cf->args->elts;

    ngx_http_intake_position(cf, &form->conversation_position);

    if (ngx_strcmp(value[1].data, "id") == 0) {
        return NGX_CONF_OK;
    }

    if (!ngx_http_intake_param(&value[1], "field:", &name) || name.len == 0) {
        return "must be \"id\", or \"field:NAME\" of a field whose value "
               "names the conversation";
    }

    if (ngx_http_intake_field_name(cf, &name,
                                   1 << NGX_INTAKE_CONTROL_NONE
                                   | 1 << NGX_INTAKE_CONTROL_REPLY
                                   | 1 << NGX_INTAKE_CONTROL_SUBJECT,
                                   "conversation")
        != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    form->conversation = name;

    return NGX_CONF_OK;
}


ngx_int_t
ngx_http_intake_options(ngx_conf_t *cf, ngx_uint_t first,
    ngx_http_intake_choice_t *options, ngx_str_t *texts, ngx_uint_t ntexts)
{
    u_char                    *p;
    ngx_str_t                 *arg, name;
    ngx_uint_t                 i;
    ngx_http_intake_choice_t  *option;

    arg = cf->args->elts;

    ngx_memzero(texts, ntexts * sizeof(ngx_str_t));

    for (i = first; i < cf->args->nelts; i++) {

        /* the name, with its "=" if it has one */

        p = ngx_strlchr(arg[i].data, arg[i].data + arg[i].len, '=');

        name.data = arg[i].data;
        name.len = (p == NULL) ? arg[i].len : (size_t) (p + 1 - arg[i].data);

        for (option = options; option->name.len; option++) {
            if (ngx_http_intake_same(&option->name, &name)) {
                break;
            }
        }

        if (option->name.len == 0) {
            ngx_http_intake_unknown(cf, &name, "word", (char *) arg[0].data,
                                    options, "", "");
            return NGX_ERROR;
        }

        if (texts[option->value].data) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "duplicate \"%V\" in \"%V\"", &name, &arg[0]);
            return NGX_ERROR;
        }

        if (p && name.len == arg[i].len) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "\"%V\" in \"%V\" is empty, leave it out",
                               &name, &arg[0]);
            return NGX_ERROR;
        }

        texts[option->value].data = p ? p + 1 : name.data;
        texts[option->value].len = arg[i].data + arg[i].len
                                   - texts[option->value].data;
    }

    return NGX_OK;
}


char *
ngx_http_intake_check_form(ngx_conf_t *cf, ngx_http_intake_source_t *source)
{
    if (ngx_http_intake_check_written(cf, source) != NGX_CONF_OK
        || ngx_http_intake_check_captcha(cf, source) != NGX_CONF_OK
        || ngx_http_intake_check_conversation(cf, source) != NGX_CONF_OK
        || ngx_http_intake_check_form_dedupe(cf, source) != NGX_CONF_OK)
    {
        return NGX_CONF_ERROR;
    }

    ngx_http_intake_check_max_body(cf, source);

    if (ngx_http_intake_check_fields(cf, source) != NGX_CONF_OK) {
        return NGX_CONF_ERROR;
    }

    source->paths = ngx_http_intake_form_platform.paths;

    return NGX_CONF_OK;
}


static char *
ngx_http_intake_check_written(ngx_conf_t *cf, ngx_http_intake_source_t *source)
{
    ngx_http_intake_form_conf_t  *form;

    form = source->form;

    if (form->written) {
        return NGX_CONF_OK;
    }

    if (source->webhook.len) {
        ngx_http_intake_conf_log(cf, NGX_LOG_EMERG, &form->position,
                                 "\"%V\" in intake_source \"%V\" is for forms "
                                 "and \"%V\" for webhooks: take out one of "
                                 "them", &form->directive, &source->name,
                                 &source->webhook);
        return NGX_CONF_ERROR;
    }

    ngx_http_intake_conf_log(cf, NGX_LOG_EMERG, &form->position,
                             "\"%V\" in intake_source \"%V\" without "
                             "\"form\": write \"form;\" too",
                             &form->directive, &source->name);
    return NGX_CONF_ERROR;
}


static char *
ngx_http_intake_check_fields(ngx_conf_t *cf, ngx_http_intake_source_t *source)
{
    ngx_uint_t                    i;
    ngx_http_intake_field_t      *field;
    ngx_http_intake_form_conf_t  *form;

    form = source->form;

    if (form->fields == NULL) {

        if (form->strict) {
            ngx_http_intake_conf_log(cf, NGX_LOG_EMERG,
                                     &form->strict_position,
                                     "\"strict on\" in intake_source \"%V\" "
                                     "without \"field\" refuses every form: "
                                     "write the fields it has",
                                     &source->name);
            return NGX_CONF_ERROR;
        }

        return NGX_CONF_OK;
    }

    field = form->fields->elts;

    for (i = 0; i < form->fields->nelts; i++) {
        if (ngx_http_intake_check_field(cf, source, &field[i])
            != NGX_CONF_OK)
        {
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_intake_check_field(ngx_conf_t *cf, ngx_http_intake_source_t *source,
    ngx_http_intake_field_t *field)
{
    size_t                        size;
    ngx_http_intake_form_conf_t  *form;

    form = source->form;

    if (ngx_http_intake_is_honeypot(form, &field->name)) {
        ngx_http_intake_conf_log(cf, NGX_LOG_EMERG, &field->position,
                                 "field \"%V\" of intake_source \"%V\" is a "
                                 "\"honeypot\" too, which people leave empty: "
                                 "give one of them another name",
                                 &field->name, &source->name);
        return NGX_CONF_ERROR;
    }

    if (ngx_http_intake_same(&field->name, &form->captcha.field)) {
        ngx_http_intake_conf_log(cf, NGX_LOG_EMERG, &field->position,
                                 "field \"%V\" of intake_source \"%V\" is the "
                                 "answer of \"captcha\" too, which is not "
                                 "stored: take out \"field\"",
                                 &field->name, &source->name);
        return NGX_CONF_ERROR;
    }

    if (ngx_http_intake_same(&field->name, &form->conversation)) {
        field->rule.single_line = 1;
    }

    if (field->rule.type == NGX_INTAKE_FIELD_NUMBER
        || field->rule.type == NGX_INTAKE_FIELD_DATE
        || field->rule.max == NGX_INTAKE_FIELD_NO_LIMIT)
    {
        return NGX_CONF_OK;
    }

    /* what the rule allows must not be too large for the parser */

    size = field->rule.max * NGX_HTTP_INTAKE_UNIT_BYTES;
    form->limits.value = ngx_max(form->limits.value, size);

    return NGX_CONF_OK;
}


static char *
ngx_http_intake_check_captcha(ngx_conf_t *cf, ngx_http_intake_source_t *source)
{
    ngx_http_intake_form_conf_t  *form;

    form = source->form;

    if (form->captcha.field.len == 0
        || !ngx_http_intake_is_honeypot(form, &form->captcha.field))
    {
        return NGX_CONF_OK;
    }

    ngx_http_intake_conf_log(cf, NGX_LOG_EMERG, &form->honeypots_position,
                             "honeypot \"%V\" of intake_source \"%V\" is the "
                             "answer of \"captcha\" too, which people do not "
                             "leave empty: give it another name",
                             &form->captcha.field, &source->name);

    return NGX_CONF_ERROR;
}


static char *
ngx_http_intake_check_conversation(ngx_conf_t *cf,
    ngx_http_intake_source_t *source)
{
    ngx_uint_t                    level;
    ngx_http_intake_form_conf_t  *form;

    form = source->form;

    if (form->conversation.len == 0) {
        return NGX_CONF_OK;
    }

    if (ngx_http_intake_is_honeypot(form, &form->conversation)
        || ngx_http_intake_same(&form->conversation, &form->captcha.field))
    {
        ngx_http_intake_conf_log(cf, NGX_LOG_EMERG,
                                 &form->conversation_position,
                                 "\"conversation field:%V\" in intake_source "
                                 "\"%V\" is a \"honeypot\" or the answer of "
                                 "\"captcha\": name a field that people fill "
                                 "in", &form->conversation, &source->name);
        return NGX_CONF_ERROR;
    }

    if (ngx_http_intake_form_field(form, &form->conversation)) {
        return NGX_CONF_OK;
    }

    level = form->strict ? NGX_LOG_EMERG : NGX_LOG_WARN;

    ngx_http_intake_conf_log(cf, level, &form->conversation_position,
                             "\"conversation field:%V\" in intake_source "
                             "\"%V\" without such a field: write \"field %V "
                             "required;\"", &form->conversation,
                             &source->name, &form->conversation);

    return form->strict ? NGX_CONF_ERROR : NGX_CONF_OK;
}


/* as many files as are allowed, each as large as it may be, fit */

static void
ngx_http_intake_check_max_body(ngx_conf_t *cf,
    ngx_http_intake_source_t *source)
{
    off_t                         size;
    ngx_http_intake_form_conf_t  *form;

    form = source->form;

    if (form->attachments.path.len == 0) {
        return;
    }

    if (source->max_body == NGX_CONF_UNSET_SIZE) {
        size = (off_t) form->limits.files * form->limits.file
               + NGX_HTTP_INTAKE_FORM_TEXT;
        size = ngx_min(size, NGX_HTTP_INTAKE_MAX_BODY);

        source->max_body = (size_t) size;
        return;
    }

    if ((off_t) source->max_body <= form->limits.file) {
        ngx_http_intake_conf_log(cf, NGX_LOG_WARN,
                                 &form->attachments.position,
                                 "\"max=\" of \"attachments\" in "
                                 "intake_source \"%V\" is no less than its "
                                 "\"max_body\": such a file is never taken",
                                 &source->name);
    }
}


static char *
ngx_http_intake_check_form_dedupe(ngx_conf_t *cf,
    ngx_http_intake_source_t *source)
{
    ngx_http_intake_dedupe_t  *dedupe;

    dedupe = &source->dedupe;

    if (!dedupe->set) {
        return NGX_CONF_OK;
    }

    if (!dedupe->key_set) {
        dedupe->key = NGX_HTTP_INTAKE_DEDUPE_BODY;
        return NGX_CONF_OK;
    }

    if (dedupe->key == NGX_HTTP_INTAKE_DEDUPE_ID) {
        ngx_http_intake_conf_log(cf, NGX_LOG_EMERG, &dedupe->position,
                                 "\"key=id\" of \"dedupe\" in intake_source "
                                 "\"%V\": a form has no id of its sender, "
                                 "write key=body", &source->name);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}
