
/*
 * Copyright (C) nginx-intake contributors
 */


#ifndef _NGX_HTTP_INTAKE_FORM_CONF_H_INCLUDED_
#define _NGX_HTTP_INTAKE_FORM_CONF_H_INCLUDED_


#include "ngx_http_intake.h"
#include "ngx_http_intake_form.h"
#include "ngx_http_intake_platform.h"


/* What the files that read the directives of forms share. */


/*
 * The form of a source; the first of its directives makes it, `form` or
 * another.  NULL: no memory.
 */
ngx_http_intake_form_conf_t *ngx_http_intake_source_form_conf(ngx_conf_t *cf,
    ngx_http_intake_source_t *source);

/*
 * Notes that a directive for webhooks alone is being read, and refuses it
 * beside `form`.  NGX_CONF_ERROR: a message has been logged.
 */
char *ngx_http_intake_webhook_directive(ngx_conf_t *cf,
    ngx_http_intake_source_t *source);

/*
 * Reads the arguments of the directive from the one numbered first on.  A name
 * in options that ends with "=" takes a value, any other stands for itself;
 * each may be there once.  texts[value of the option] gets the text; its data
 * is NULL where the option was not given.  NGX_ERROR: a message has been
 * logged.
 */
ngx_int_t ngx_http_intake_options(ngx_conf_t *cf, ngx_uint_t first,
    ngx_http_intake_choice_t *options, ngx_str_t *texts, ngx_uint_t ntexts);

/*
 * Tests the name of a field: its length, and that what ngx_intake_control()
 * takes it for is one of allowed (bits 1 << ..._e).  what names the directive.
 * NGX_ERROR: a message has been logged.
 */
ngx_int_t ngx_http_intake_field_name(ngx_conf_t *cf, ngx_str_t *name,
    ngx_uint_t allowed, const char *what);

/*
 * Compiles the pattern of a field so that it has to match the whole value.
 * NGX_ERROR: a message has been logged.
 */
ngx_int_t ngx_http_intake_field_pattern(ngx_conf_t *cf,
    ngx_http_intake_field_t *field, ngx_str_t *pattern);

/*
 * Reads a file of one word a line, as it is kept in the spam conf; path is
 * relative to nginx.conf's folder.  what is the option ("words="); domains are
 * tested for being such.  NULL: a message has been logged.
 */
ngx_array_t *ngx_http_intake_read_list(ngx_conf_t *cf, ngx_str_t *path,
    const char *what, ngx_uint_t domains);


char *ngx_http_intake_source_form(ngx_conf_t *cf,
    ngx_http_intake_directive_t *d, void *conf);
char *ngx_http_intake_source_strict(ngx_conf_t *cf,
    ngx_http_intake_directive_t *d, void *conf);
char *ngx_http_intake_source_conversation(ngx_conf_t *cf,
    ngx_http_intake_directive_t *d, void *conf);
char *ngx_http_intake_source_field(ngx_conf_t *cf,
    ngx_http_intake_directive_t *d, void *conf);
char *ngx_http_intake_source_honeypot(ngx_conf_t *cf,
    ngx_http_intake_directive_t *d, void *conf);
char *ngx_http_intake_source_token(ngx_conf_t *cf,
    ngx_http_intake_directive_t *d, void *conf);
char *ngx_http_intake_source_spam(ngx_conf_t *cf,
    ngx_http_intake_directive_t *d, void *conf);
char *ngx_http_intake_source_captcha(ngx_conf_t *cf,
    ngx_http_intake_directive_t *d, void *conf);
char *ngx_http_intake_source_origin(ngx_conf_t *cf,
    ngx_http_intake_directive_t *d, void *conf);
char *ngx_http_intake_source_redirect(ngx_conf_t *cf,
    ngx_http_intake_directive_t *d, void *conf);
char *ngx_http_intake_source_attachments(ngx_conf_t *cf,
    ngx_http_intake_directive_t *d, void *conf);


#endif /* _NGX_HTTP_INTAKE_FORM_CONF_H_INCLUDED_ */
