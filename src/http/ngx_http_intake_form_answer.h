
/*
 * Copyright (C) nginx-intake contributors
 */


#ifndef _NGX_HTTP_INTAKE_FORM_ANSWER_H_INCLUDED_
#define _NGX_HTTP_INTAKE_FORM_ANSWER_H_INCLUDED_


#include "ngx_http_intake.h"
#include "ngx_http_intake_form_writer.h"


/* What the parts of an answer to a form share. */


/* what an answer says */

typedef struct {
    ngx_http_intake_ctx_t          *ctx;
    ngx_http_intake_form_conf_t    *form;
    ngx_http_intake_code_e          code;       /* OK: it was taken */
    ngx_uint_t                      status;
    ngx_str_t                       next;       /* OK: "" none */
    ngx_str_t                       back;       /* the page of the form, if it
                                                   is the same site; "" */
} ngx_http_intake_form_answer_t;


/* for people, of an answer; in English */

typedef struct {
    ngx_http_intake_code_e          code;
    const char                     *heading;
    const char                     *text;
} ngx_http_intake_form_text_t;


/* http/form_message */

ngx_http_intake_form_text_t *ngx_http_intake_form_text(
    ngx_http_intake_code_e code);

/* what is to be said beside the heading: one sentence or more */
void ngx_http_intake_put_detail(ngx_http_intake_writer_t *w,
    ngx_http_intake_form_answer_t *answer);

/* what is wrong with a field and what to do about it */
void ngx_http_intake_put_message(ngx_http_intake_writer_t *w,
    ngx_http_intake_form_answer_t *answer,
    ngx_http_intake_form_error_t *error);


/* the bodies; ngx_http_intake_write_pt of a ..._form_answer_t */

/* http/form_page: the answer is one that gives back what was written */
ngx_uint_t ngx_http_intake_gives_back(ngx_http_intake_form_answer_t *answer);
void ngx_http_intake_put_page(ngx_http_intake_writer_t *w, void *data);

/* http/form_json */
void ngx_http_intake_put_success(ngx_http_intake_writer_t *w, void *data);
void ngx_http_intake_put_problem(ngx_http_intake_writer_t *w, void *data);


/* http/form_answer: adds Allow.  NGX_ERROR: no memory. */
ngx_int_t ngx_http_intake_form_allow(ngx_http_intake_ctx_t *ctx);


/*
 * http/form_redirect.  next is where the page or the configuration wants the
 * visitor to go; "" nowhere.  NGX_ERROR: no memory.
 */
ngx_int_t ngx_http_intake_form_next(ngx_http_intake_ctx_t *ctx,
    ngx_str_t *next);

/*
 * The place of redirect error= with the codes of what is wrong in its query:
 * form_error=NAME:CODE,...  NGX_ERROR: no memory.
 */
ngx_int_t ngx_http_intake_error_location(
    ngx_http_intake_form_answer_t *answer, ngx_str_t *location);


/*
 * form/origin.  1 if the value of an Origin header is in the list of the form:
 * by scheme and host in any case, and by port.
 */
ngx_uint_t ngx_http_intake_origin_listed(ngx_http_intake_form_conf_t *form,
    ngx_str_t *value);

/* the Referer, if it is a page of this host; else ""; it is a URL of http */
void ngx_http_intake_own_referer(ngx_http_request_t *r, ngx_str_t *referer);


#endif /* _NGX_HTTP_INTAKE_FORM_ANSWER_H_INCLUDED_ */
