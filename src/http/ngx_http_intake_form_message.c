
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake_form_answer.h"


/*
 * What answers to forms say, in English.  Codes are for scripts and stay as
 * they are; these texts are for people and may change.
 */


/*
 * In a text "%L" is the label of the field, "%S" and "%M" the least and most
 * characters, "%F" and "%T" the least and greatest number or date.
 */

typedef struct {
    const char  *code;
    const char  *text;
    const char  *limited;    /* if the rule has such a limit; NULL: none */
} ngx_http_intake_message_text_t;


static ngx_http_intake_form_error_t *ngx_http_intake_whole_form(
    ngx_http_intake_form_answer_t *answer);
static ngx_intake_field_rule_t *ngx_http_intake_rule_of(
    ngx_http_intake_form_conf_t *form, ngx_str_t *name);
static ngx_uint_t ngx_http_intake_has_limit(ngx_intake_field_rule_t *rule,
    const char *text);
static void ngx_http_intake_put_template(ngx_http_intake_writer_t *w,
    const char *text, ngx_str_t *label, ngx_intake_field_rule_t *rule);


/* the first is for what is not in the list */

static ngx_http_intake_form_text_t  ngx_http_intake_form_texts[] = {

    { NGX_HTTP_INTAKE_INTERNAL_ERROR,
      "Something went wrong here",
      "The form was not sent. Please try again in a moment." },

    { NGX_HTTP_INTAKE_OK,
      "Thank you",
      "Thank you. Your message was sent." },

    { NGX_HTTP_INTAKE_MALFORMED,
      "The form could not be read",
      "What arrived here is incomplete or is no form. Please send it again." },

    { NGX_HTTP_INTAKE_CREDENTIALS,
      "A password is needed",
      "This form is only for people who have a password for it." },

    { NGX_HTTP_INTAKE_ORIGIN_NOT_ALLOWED,
      "The form cannot be sent from there",
      "It was sent from a page of a site that this form does not belong to." },

    { NGX_HTTP_INTAKE_FORBIDDEN,
      "The form cannot be sent",
      "This address takes no forms from you." },

    { NGX_HTTP_INTAKE_NOT_FOUND,
      "There is no form here",
      "The address may be misspelt, or the form has gone." },

    { NGX_HTTP_INTAKE_METHOD_NOT_ALLOWED,
      "This address receives forms",
      "It has no page of its own. Please open the page that has the form and "
      "send it from there." },

    { NGX_HTTP_INTAKE_TOO_LARGE,
      "That is too much",
      "The form is larger than what can be taken. Please shorten the text or "
      "leave out files." },

    { NGX_HTTP_INTAKE_FILES_TOO_BIG,
      "A file is too large",
      "Please choose a smaller one." },

    { NGX_HTTP_INTAKE_TOO_MANY_FILES,
      "Too many files",
      "Please choose fewer of them." },

    { NGX_HTTP_INTAKE_TOO_MANY_FIELDS,
      "Too many fields",
      "The form has more fields than what can be taken." },

    { NGX_HTTP_INTAKE_UNSUPPORTED_CONTENT_ENCODING,
      "The form could not be read",
      "It was sent compressed. Please send it as it is." },

    { NGX_HTTP_INTAKE_UNSUPPORTED_MEDIA_TYPE,
      "The form could not be read",
      "A form is sent as application/x-www-form-urlencoded, "
      "multipart/form-data or application/json." },

    { NGX_HTTP_INTAKE_VALIDATION_FAILED,
      "The form has errors",
      "Please correct them and send it again." },

    { NGX_HTTP_INTAKE_EMPTY,
      "The form is empty",
      "Please fill it in before you send it." },

    { NGX_HTTP_INTAKE_NO_FILE_UPLOADS,
      "This form takes no files",
      "Please send it again without them." },

    { NGX_HTTP_INTAKE_CAPTCHA_MISSING,
      "One thing is left to do",
      "Please solve the captcha and send the form again." },

    { NGX_HTTP_INTAKE_CAPTCHA_EXPIRED,
      "The captcha has expired",
      "Please solve it once more and send the form again." },

    { NGX_HTTP_INTAKE_CAPTCHA_FAILED,
      "The captcha was not accepted",
      "Please solve it once more and send the form again." },

    { NGX_HTTP_INTAKE_RATE_LIMITED,
      "Too many forms in a short time",
      "Please wait half a minute, then send it again." },

    { NGX_HTTP_INTAKE_STORE_UNAVAILABLE,
      "Your message could not be sent",
      "It cannot be kept here just now. Please send it again in half a "
      "minute." },

    { NGX_HTTP_INTAKE_STORE_TIMEOUT,
      "Your message may not have been sent",
      "Nobody could say in time whether it has been kept. Please send it "
      "again in half a minute: it will not be there twice." },

    { NGX_HTTP_INTAKE_STORE_REFUSED,
      "Your message could not be sent",
      "It cannot be kept here just now. Please send it again in half a "
      "minute." },

    { NGX_HTTP_INTAKE_DURABILITY_UNAVAILABLE,
      "Your message could not be sent",
      "It cannot be kept safely here just now. Please send it again in half "
      "a minute." },

    { NGX_HTTP_INTAKE_CAPTCHA_UNAVAILABLE,
      "Your message could not be sent",
      "The captcha cannot be checked just now. Please send it again in half "
      "a minute." }
};


/* the first is for what is not in the list */

static ngx_http_intake_message_text_t  ngx_http_intake_message_texts[] = {

    { "UNSPECIFIED",
      "Please correct \"%L\"", NULL },

    { "REQUIRED_FIELD_EMPTY",
      "Fill in \"%L\"", NULL },

    { "REQUIRED_FIELD_MISSING",
      "Fill in \"%L\"", NULL },

    { "TYPE_EMAIL",
      "Enter an e-mail address like name@example.com", NULL },

    { "TYPE_TEL",
      "Enter a telephone number like +44 20 7946 0000", NULL },

    { "TYPE_URL",
      "Enter a web address like https://example.com/", NULL },

    { "TYPE_NUMERIC",
      "Enter a number like 12 or 12.5", NULL },

    { "TYPE_DATE",
      "Enter a date like 2026-11-21", NULL },

    { "TOO_SHORT",
      "\"%L\" is too short",
      "\"%L\" is too short: it has %S characters at least" },

    { "TOO_LONG",
      "\"%L\" is too long",
      "\"%L\" is too long: it has %M characters at most" },

    { "RANGE_UNDERFLOW",
      "\"%L\" is too small",
      "\"%L\" is too small: the least is %F" },

    { "RANGE_OVERFLOW",
      "\"%L\" is too large",
      "\"%L\" is too large: the greatest is %T" },

    { "PATTERN",
      "\"%L\" does not look as it should", NULL },

    { "NOT_ONE_OF",
      "Choose one of what is offered as \"%L\"", NULL },

    { "UNKNOWN_FIELD",
      "This form has no field \"%L\"", NULL },

    { "DUPLICATE_FIELD",
      "Fill in \"%L\" only once", NULL },

    { "CONTROL_CHARACTERS",
      "Write \"%L\" in one line, of letters and signs alone", NULL },

    { "FILE_TYPE",
      "A file of this type is not taken as \"%L\"", NULL },

    { "FILES_TOO_BIG",
      "The file of \"%L\" is too large", NULL },

    { "TOO_MANY_FILES",
      "Choose fewer files for \"%L\"", NULL },

    { "NO_FILE_UPLOADS",
      "This form takes no files", NULL }
};


ngx_http_intake_form_text_t *
ngx_http_intake_form_text(ngx_http_intake_code_e code)
{
    ngx_uint_t                    i, n;
    ngx_http_intake_form_text_t  *text;

    text = ngx_http_intake_form_texts;
    n = sizeof(ngx_http_intake_form_texts)
        / sizeof(ngx_http_intake_form_text_t);

    for (i = 0; i < n; i++) {
        if (text[i].code == code) {
            return &text[i];
        }
    }

    return &text[0];
}


void
ngx_http_intake_put_detail(ngx_http_intake_writer_t *w,
    ngx_http_intake_form_answer_t *answer)
{
    ngx_uint_t                     n;
    ngx_http_intake_submission_t  *submission;

    submission = answer->ctx->submission;

    if (submission && submission->detail.len && answer->code) {
        ngx_http_intake_put_text(w, &submission->detail);
        return;
    }

    n = submission ? submission->errors.nelts : 0;

    if (n && answer->code == NGX_HTTP_INTAKE_VALIDATION_FAILED
        && ngx_http_intake_whole_form(answer) == NULL)
    {
        ngx_http_intake_put_number(w, n);
        ngx_http_intake_put(w, n == 1 ? " field needs attention."
                                      : " fields need attention.");
        return;
    }

    ngx_http_intake_put(w, ngx_http_intake_form_text(answer->code)->text);
}


/* an error that is no field's */

static ngx_http_intake_form_error_t *
ngx_http_intake_whole_form(ngx_http_intake_form_answer_t *answer)
{
    ngx_uint_t                     i;
    ngx_http_intake_form_error_t  *error;

    error = answer->ctx->submission->errors.elts;

    for (i = 0; i < answer->ctx->submission->errors.nelts; i++) {
        if (error[i].field.len == 0) {
            return &error[i];
        }
    }

    return NULL;
}


void
ngx_http_intake_put_message(ngx_http_intake_writer_t *w,
    ngx_http_intake_form_answer_t *answer,
    ngx_http_intake_form_error_t *error)
{
    ngx_str_t                       *label;
    ngx_uint_t                       i, n;
    ngx_intake_field_rule_t         *rule;
    ngx_http_intake_message_text_t  *text;

    if (error->field.len == 0) {
        ngx_http_intake_put(w, ngx_http_intake_form_text(answer->code)->text);
        return;
    }

    text = ngx_http_intake_message_texts;
    n = sizeof(ngx_http_intake_message_texts)
        / sizeof(ngx_http_intake_message_text_t);

    for (i = n - 1; i > 0; i--) {
        if (ngx_strcmp(text[i].code, error->code) == 0) {
            break;
        }
    }

    label = error->label.len ? &error->label : &error->field;
    rule = ngx_http_intake_rule_of(answer->form, &error->field);

    if (rule && text[i].limited
        && ngx_http_intake_has_limit(rule, text[i].limited))
    {
        ngx_http_intake_put_template(w, text[i].limited, label, rule);
        return;
    }

    ngx_http_intake_put_template(w, text[i].text, label, rule);
}


static ngx_intake_field_rule_t *
ngx_http_intake_rule_of(ngx_http_intake_form_conf_t *form, ngx_str_t *name)
{
    ngx_uint_t                i;
    ngx_http_intake_field_t  *field;

    if (form->fields == NULL) {
        return NULL;
    }

    field = form->fields->elts;

    for (i = 0; i < form->fields->nelts; i++) {
        if (field[i].name.len == name->len
            && ngx_memcmp(field[i].name.data, name->data, name->len) == 0)
        {
            return &field[i].rule;
        }
    }

    return NULL;
}


static ngx_uint_t
ngx_http_intake_has_limit(ngx_intake_field_rule_t *rule, const char *text)
{
    for ( /* void */ ; *text; text++) {

        if (*text != '%') {
            continue;
        }

        switch (*++text) {

        case 'S':
            return rule->min != 0 && rule->min != NGX_INTAKE_FIELD_NO_LIMIT;

        case 'M':
            return rule->max != NGX_INTAKE_FIELD_NO_LIMIT;

        case 'F':
            return rule->from.len != 0;

        case 'T':
            return rule->to.len != 0;
        }
    }

    return 0;
}


static void
ngx_http_intake_put_template(ngx_http_intake_writer_t *w, const char *text,
    ngx_str_t *label, ngx_intake_field_rule_t *rule)
{
    ngx_str_t  literal;

    for ( ;; ) {
        literal.data = (u_char *) text;

        while (*text && *text != '%') {
            text++;
        }

        literal.len = (u_char *) text - literal.data;
        ngx_http_intake_put_text(w, &literal);

        if (*text == '\0') {
            return;
        }

        switch (*++text) {

        case 'L':
            ngx_http_intake_put_text(w, label);
            break;

        case 'S':
            ngx_http_intake_put_number(w, rule->min);
            break;

        case 'M':
            ngx_http_intake_put_number(w, rule->max);
            break;

        case 'F':
            ngx_http_intake_put_text(w, &rule->from);
            break;

        case 'T':
            ngx_http_intake_put_text(w, &rule->to);
            break;
        }

        text++;
    }
}
