
/*
 * Copyright (C) nginx-intake contributors
 */


#ifndef _NGX_HTTP_INTAKE_PLATFORM_H_INCLUDED_
#define _NGX_HTTP_INTAKE_PLATFORM_H_INCLUDED_


#include "ngx_http_intake.h"


/* What the files that read intake_platform { } share. */


/* a platform while its block is read: it, and where its directives stand */

typedef struct {
    ngx_http_intake_platform_t   platform;

    ngx_http_intake_position_t   signature;
    ngx_http_intake_position_t   key;
    ngx_http_intake_position_t   signed_string;
    ngx_http_intake_position_t   url;               /* _variants, _decode */
    ngx_http_intake_position_t   timestamp;
    ngx_http_intake_position_t   claim;
    ngx_http_intake_position_t   id;
    ngx_http_intake_position_t   answer;
    ngx_http_intake_position_t   headers;

    unsigned                     algorithm_set:1;
    unsigned                     leeway_set:1;
    unsigned                     encoding_set:1;    /* of signature */
} ngx_http_intake_platform_conf_t;


/* a word that the grammar knows, and what it stands for */

typedef struct {
    ngx_str_t                    name;
    ngx_uint_t                   value;
} ngx_http_intake_choice_t;

#define ngx_http_intake_null_choice  { ngx_null_string, 0 }


/*
 * The value that text stands for in a table that ends with a null name, or
 * NGX_ERROR after the message "unknown NOUN "TEXT" in "WHAT", ..." that names
 * the nearest choice, or all.
 */
ngx_int_t ngx_http_intake_choose(ngx_conf_t *cf,
    ngx_http_intake_choice_t *choices, ngx_str_t *text, const char *noun,
    const char *what);

/*
 * The same message; every choice is written between before and after, such
 * as "$" and "" for words of a template.
 */
void ngx_http_intake_unknown(ngx_conf_t *cf, ngx_str_t *text,
    const char *noun, const char *what, ngx_http_intake_choice_t *choices,
    const char *before, const char *after);


/* 1 if arg is name and a value; name ends with "=" */

ngx_uint_t ngx_http_intake_param(ngx_str_t *arg, const char *name,
    ngx_str_t *value);

/*
 * The same of argument n of the directive, which may stand there once and
 * must not be empty.  NGX_OK; NGX_DECLINED: it is another; NGX_ERROR: a
 * message has been logged.
 */
ngx_int_t ngx_http_intake_single_param(ngx_conf_t *cf, ngx_uint_t n,
    const char *name, const char *what, ngx_str_t *value);

/*
 * Applies split=CH or prefix=STR to src, which is NULL where no SRC stands
 * before it.  NGX_DECLINED: arg is neither.  NGX_ERROR: a message has been
 * logged.
 */
ngx_int_t ngx_http_intake_src_option(ngx_conf_t *cf, ngx_str_t *arg,
    const char *what, ngx_http_intake_src_t *src);

/*
 * The place of the "=" after the SRC that arg begins with, NULL if there is
 * none.  NGX_ERROR: a message has been logged.
 */
ngx_int_t ngx_http_intake_find_value(ngx_conf_t *cf, ngx_str_t *arg,
    const char *what, u_char **value);

/*
 * Tests the name of a header (RFC 9110, section 5.6.2: a token) and replaces
 * it by a copy in lower case.  NGX_ERROR: a message has been logged.
 */
ngx_int_t ngx_http_intake_header_name(ngx_conf_t *cf, const char *what,
    ngx_str_t *name);

/*
 * Calls handler with each word of the template, those inside $sorted() and
 * $hmac() too, until one returns other than NGX_OK, which is returned.
 * template may be NULL.
 */
typedef ngx_int_t (*ngx_http_intake_word_pt)(void *data,
    ngx_http_intake_word_t *word);

ngx_int_t ngx_http_intake_walk(ngx_http_intake_template_t *template,
    ngx_http_intake_word_pt handler, void *data);


/*
 * STATUS [TYPE "TEMPLATE"] of value[0] to value[n - 1]; a status is least to
 * most.  Returns how many of them it took, or NGX_ERROR after a message.
 */

ngx_int_t ngx_http_intake_parse_reply(ngx_conf_t *cf, ngx_array_t *paths,
    ngx_str_t *value, ngx_uint_t n, ngx_uint_t least, ngx_uint_t most,
    const char *what, ngx_http_intake_reply_t *reply);

/* header=NAME: TEMPLATE of a challenge; NGX_ERROR: a message has been logged */

ngx_int_t ngx_http_intake_parse_header(ngx_conf_t *cf, ngx_array_t *paths,
    ngx_str_t *arg, ngx_http_intake_challenge_t *challenge);


/* TIME or off, as seconds or 0; NGX_ERROR: a message has been logged */

ngx_int_t ngx_http_intake_parse_tolerance(ngx_conf_t *cf, ngx_str_t *text,
    const char *what, time_t *tolerance);


char *ngx_http_intake_set_algorithm(ngx_conf_t *cf,
    ngx_http_intake_directive_t *d, void *conf);
char *ngx_http_intake_set_signature(ngx_conf_t *cf,
    ngx_http_intake_directive_t *d, void *conf);
char *ngx_http_intake_set_key(ngx_conf_t *cf,
    ngx_http_intake_directive_t *d, void *conf);
char *ngx_http_intake_set_signed(ngx_conf_t *cf,
    ngx_http_intake_directive_t *d, void *conf);
char *ngx_http_intake_set_url_variants(ngx_conf_t *cf,
    ngx_http_intake_directive_t *d, void *conf);
char *ngx_http_intake_set_url_decode(ngx_conf_t *cf,
    ngx_http_intake_directive_t *d, void *conf);
char *ngx_http_intake_set_body_digest(ngx_conf_t *cf,
    ngx_http_intake_directive_t *d, void *conf);
char *ngx_http_intake_set_timestamp(ngx_conf_t *cf,
    ngx_http_intake_directive_t *d, void *conf);
char *ngx_http_intake_set_document(ngx_conf_t *cf,
    ngx_http_intake_directive_t *d, void *conf);
char *ngx_http_intake_set_claim(ngx_conf_t *cf,
    ngx_http_intake_directive_t *d, void *conf);
char *ngx_http_intake_set_challenge(ngx_conf_t *cf,
    ngx_http_intake_directive_t *d, void *conf);
char *ngx_http_intake_set_message(ngx_conf_t *cf,
    ngx_http_intake_directive_t *d, void *conf);

/* what can be tested only when the whole block is known */

char *ngx_http_intake_check_platform(ngx_conf_t *cf,
    ngx_http_intake_platform_conf_t *pc);
char *ngx_http_intake_check_coverage(ngx_conf_t *cf,
    ngx_http_intake_platform_conf_t *pc);

/*
 * The parts of it for algorithms jwt-*, for sns, and for all that are none of
 * jwt-*; the first two read where the sender's own fields stand.
 */

char *ngx_http_intake_check_jwt(ngx_conf_t *cf,
    ngx_http_intake_platform_conf_t *pc);
char *ngx_http_intake_check_sns(ngx_conf_t *cf,
    ngx_http_intake_platform_conf_t *pc);
char *ngx_http_intake_check_no_jwt(ngx_conf_t *cf,
    ngx_http_intake_platform_conf_t *pc);


#endif /* _NGX_HTTP_INTAKE_PLATFORM_H_INCLUDED_ */
