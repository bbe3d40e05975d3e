
/*
 * Copyright (C) nginx-intake contributors
 */


#ifndef _NGX_HTTP_INTAKE_FORM_H_INCLUDED_
#define _NGX_HTTP_INTAKE_FORM_H_INCLUDED_


#include "ngx_http_intake.h"

#include "ngx_intake_control.h"
#include "ngx_intake_field.h"
#include "ngx_intake_field_name.h"
#include "ngx_intake_form.h"
#include "ngx_intake_spam_text.h"
#include "ngx_intake_text.h"


/*
 * Contact forms.  The way of a submission, after its body has been read:
 *
 *  form/submission  fields and files of the body, control fields set apart;
 *                   form/form_body: a long one lets others go between
 *  form/validate    the rules of `field`
 *  form/captcha     one subrequest, if the source asks for it;
 *                   form/captcha_again: its answer was used before
 *  form/spam        evidence and its score; form/form_token: the signed token
 *  form/attachment  files are on the disk before the entry names them
 *  form/submit      the stored `data`, the dedupe key; then http/deliver
 *  http/form_*      the answers: JSON for scripts, pages for people
 */


/* field NAME [required] [type=] [line] [min=] [max=] [pattern=] ... */

typedef struct {
    ngx_str_t                       name;
    ngx_str_t                       label;      /* default: the name */
    ngx_intake_field_rule_t         rule;
#if (NGX_PCRE)
    ngx_regex_t                    *pattern;    /* NULL: none; anchored at
                                                   both ends; UTF-8, where
                                                   PCRE knows it */
#endif
    ngx_http_intake_position_t      position;
    unsigned                        multiple:1; /* several values are fine */
} ngx_http_intake_field_t;


/* token secret=file:PATH [min=2s] [max=7d] [cookie=NAME] */

typedef struct {
    ngx_str_t                       secret;     /* "": no token */
    ngx_msec_t                      min;        /* ms: faster is suspicious */
    ngx_msec_t                      max;        /* ms: older says nothing */
    ngx_str_t                       cookie;     /* "": field only */
    ngx_intake_key_t               *key;        /* of the secret, or NULL */
} ngx_http_intake_form_token_conf_t;


/*
 * spam off | [links=3] [words=FILE] [domains=FILE] [suspect=3] [certain=6]
 *     [without=REASON,...]
 */

typedef struct {
    ngx_uint_t                      links;      /* more of them score */
    ngx_array_t                    *words;      /* ngx_str_t: A-Z in lower
                                                   case, each once, in the
                                                   order of ngx_memn2cmp();
                                                   NULL: none */
    ngx_array_t                    *domains;    /* the same */
    ngx_uint_t                      suspect;    /* score that marks */
    ngx_uint_t                      certain;    /* ... that sets apart */
    ngx_uint_t                      without;    /* bits of the reasons that
                                                   are none here */
    unsigned                        content:1;  /* `spam` was given: links,
                                                   markup and the head of the
                                                   request are looked at */
} ngx_http_intake_spam_conf_t;


/* captcha location=/URI field=NAME [strict] */

typedef struct {
    ngx_str_t                       location;   /* "": none */
    ngx_str_t                       field;
    ngx_http_intake_position_t      position;
    unsigned                        strict:1;
} ngx_http_intake_captcha_conf_t;


/* attachments path=DIR [max=10m] [count=10] [types=a/b,...] */

typedef struct {
    ngx_str_t                       path;       /* "": files are refused */
    ngx_array_t                    *types;      /* ngx_str_t, lower case,
                                                   "a/b" or "a/" followed by
                                                   "*"; NULL: any */
    void                           *threads;    /* the pool that waits for
                                                   the disk; NULL: none */
    ngx_http_intake_position_t      position;
} ngx_http_intake_attachments_conf_t;


/* what `form` and its directives say; NULL in a source for webhooks */

struct ngx_http_intake_form_conf_s {
    ngx_array_t                    *fields;     /* ..._field_t, in order */
    ngx_array_t                    *honeypots;  /* ngx_str_t; beside the
                                                   common names; of `off` see
                                                   spam.without */
    ngx_intake_form_limits_t        limits;

    ngx_http_intake_form_token_conf_t    token;
    ngx_http_intake_spam_conf_t          spam;
    ngx_http_intake_captcha_conf_t       captcha;
    ngx_http_intake_attachments_conf_t   attachments;

    ngx_array_t                    *origins;    /* ngx_str_t, lower case
                                                   "https://host[:port]";
                                                   NULL: the own one only */
    ngx_str_t                       redirect;   /* "": the page of ours */
    ngx_str_t                       error;      /* "": the page of ours */
    ngx_str_t                       conversation;   /* of the field of this
                                                       name; "": the id */

    ngx_http_intake_position_t      honeypots_position;
    ngx_http_intake_position_t      conversation_position;
    ngx_http_intake_position_t      strict_position;

    ngx_str_t                       directive;  /* the first that made this a
                                                   form, and where it is */
    ngx_http_intake_position_t      position;

    unsigned                        written:1;  /* `form` itself is there */
    unsigned                        next:1;     /* the page may name another
                                                   place to go to */
    unsigned                        strict:1;   /* unknown fields are
                                                   refused */
};


typedef struct {
    ngx_str_t                       name;       /* UTF-8, as it was sent */
    ngx_str_t                       value;      /* UTF-8 */
    ngx_intake_control_e            control;    /* what it is for; configured
                                                   names are looked at too */
    ngx_http_intake_field_t        *field;      /* its rules, or NULL */

    unsigned                        repeated:1; /* the name came before */
} ngx_http_intake_form_value_t;


typedef struct {
    ngx_str_t                       field;
    ngx_str_t                       filename;   /* as sent, capped */
    ngx_str_t                       type;       /* as claimed */
    off_t                           size;
    u_char                          sha256[NGX_INTAKE_SHA256_LEN];
    ngx_str_t                       path;       /* where it is kept */
    void                           *writer;     /* form/attachment */
} ngx_http_intake_form_upload_t;


/* one of the errors[] of an answer */

typedef struct {
    ngx_str_t                       field;      /* "": of the whole form */
    ngx_str_t                       label;
    const char                     *code;       /* "TYPE_EMAIL" */
} ngx_http_intake_form_error_t;


/* evidence of spam; the index of its counter and of its name */

typedef enum {
    NGX_HTTP_INTAKE_SPAM_HONEYPOT = 0,
    NGX_HTTP_INTAKE_SPAM_TOKEN_FORGED,
    NGX_HTTP_INTAKE_SPAM_TOKEN_MISSING,
    NGX_HTTP_INTAKE_SPAM_TOO_FAST,
    NGX_HTTP_INTAKE_SPAM_CROSS_SITE,
    NGX_HTTP_INTAKE_SPAM_REQUEST_SHAPE,
    NGX_HTTP_INTAKE_SPAM_LINKS,
    NGX_HTTP_INTAKE_SPAM_MARKUP,
    NGX_HTTP_INTAKE_SPAM_ADDRESS_IN_NAME,
    NGX_HTTP_INTAKE_SPAM_SAME_TEXT,
    NGX_HTTP_INTAKE_SPAM_WORDS,
    NGX_HTTP_INTAKE_SPAM_DOMAIN,
    NGX_HTTP_INTAKE_SPAM_CAPTCHA_UNVERIFIED
} ngx_http_intake_spam_e;

#define NGX_HTTP_INTAKE_SPAM_REASONS  13

#define ngx_http_intake_spam_bit(reason)                                      \
    ((ngx_uint_t) 1 << NGX_HTTP_INTAKE_SPAM_##reason)


/* where a request says that it comes from, note order of evidence */

typedef enum {
    NGX_HTTP_INTAKE_ORIGIN_UNKNOWN = 0,        /* nothing said, or "null" */
    NGX_HTTP_INTAKE_ORIGIN_OWN,
    NGX_HTTP_INTAKE_ORIGIN_ALLOWED,            /* by the list */
    NGX_HTTP_INTAKE_ORIGIN_FOREIGN
} ngx_http_intake_origin_e;


/* the state of one submission, in r->pool; in ctx->submission */

struct ngx_http_intake_submission_s {
    ngx_array_t                     values;     /* ..._form_value_t */
    ngx_array_t                     uploads;    /* ..._form_upload_t */
    ngx_array_t                     errors;     /* ..._form_error_t */

    ngx_str_t                       detail;     /* for people, of a refusal;
                                                   "" none */
    off_t                           limit;      /* of 413: what the form was
                                                   over; 0: see the code */
    ngx_str_t                       next;       /* where the page wants to
                                                   go, allowed; "" none */

    ngx_uint_t                      spam;       /* bits 1 << ..._spam_e */
    ngx_uint_t                      score;
    ngx_str_t                       nonce;      /* of a token that holds; ""
                                                   none */

    ngx_str_t                       data;       /* the JSON that is stored */
    ngx_str_t                       files;      /* JSON of intakefiles, or
                                                   "" */
    ngx_str_t                       reasons;    /* intakespam, or "" */

    ngx_uint_t                      step;       /* form/submit: what is next */
    void                           *reader;     /* form/submission */
    void                           *body;       /* form/form_body */
    void                           *captcha;    /* form/captcha */
    void                           *attachments;    /* form/attachment */

    unsigned                        read:1;     /* values are all there: they
                                                   may be shown back */
    unsigned                        judged:1;   /* form/spam: once */
    unsigned                        suspected:1;    /* is marked */
    unsigned                        certain:1;  /* goes to the :spam stream */
};


/* form/submit: makes ctx->submission, which is empty.  NGX_ERROR: no memory. */
ngx_int_t ngx_http_intake_submission_create(ngx_http_intake_ctx_t *ctx);

/*
 * form/submit.  The body has been read.  NGX_DONE: the request waits; else the
 * answer has been sent and the result is for ngx_http_finalize_request().
 */
ngx_int_t ngx_http_intake_submit(ngx_http_intake_ctx_t *ctx);

/*
 * For a step that answered NGX_AGAIN and is done now: goes on with the next
 * one and finalizes the request if that is its end.  rc is what the step
 * would have returned.
 */
void ngx_http_intake_submit_continue(ngx_http_intake_ctx_t *ctx,
    ngx_int_t rc);

/*
 * The steps.  Each returns NGX_OK to go on, NGX_AGAIN when
 * ngx_http_intake_submit_continue() will be called later, NGX_DECLINED with
 * ctx->code set when the submission is refused, NGX_ERROR when there is no
 * memory.
 */
ngx_int_t ngx_http_intake_submission_read(ngx_http_intake_ctx_t *ctx);
ngx_int_t ngx_http_intake_validate(ngx_http_intake_ctx_t *ctx);
ngx_int_t ngx_http_intake_captcha(ngx_http_intake_ctx_t *ctx);
ngx_int_t ngx_http_intake_spam(ngx_http_intake_ctx_t *ctx);
ngx_int_t ngx_http_intake_keep_attachments(ngx_http_intake_ctx_t *ctx);
ngx_int_t ngx_http_intake_form_event(ngx_http_intake_ctx_t *ctx);

/*
 * form/form_event: sets ctx->key_hash to the digest of what is stored; after
 * ngx_http_intake_spam().  NGX_ERROR: no memory.
 */
ngx_int_t ngx_http_intake_form_hash(ngx_http_intake_ctx_t *ctx);

/*
 * form/form_early, of the preaccess phase: reads the body of a form that a
 * browser sends, ahead of nginx's own limits.  NGX_DECLINED: it has been read,
 * or is left for later; else the result is for the phases.
 */
ngx_int_t ngx_http_intake_read_early(ngx_http_intake_ctx_t *ctx);

/*
 * form/form_early: makes ctx->submission of a body that was read early, so
 * that a page can give the text back.  Files are passed over.  If it cannot be
 * parsed, or there is no memory, there is no submission then.
 */
void ngx_http_intake_recall(ngx_http_intake_ctx_t *ctx);

/* form/submission: the fields alone, and no code is set; as the step returns */
ngx_int_t ngx_http_intake_submission_recall(ngx_http_intake_ctx_t *ctx);

/*
 * form/form_body: feeds the body of the request to a form that was started.
 * Returns what ngx_intake_form_feed() returns, NGX_ERROR too if the body cannot
 * be read back; or NGX_AGAIN, and fed is called later with such a result.
 */
typedef void (*ngx_http_intake_fed_pt)(ngx_http_intake_ctx_t *ctx,
    ngx_int_t rc);

ngx_int_t ngx_http_intake_feed_body(ngx_http_intake_ctx_t *ctx,
    ngx_intake_form_t *form, ngx_http_intake_fed_pt fed);

/* adds to errors[]; code must stay.  NGX_ERROR: no memory. */
ngx_int_t ngx_http_intake_form_error(ngx_http_intake_ctx_t *ctx,
    ngx_str_t *field, ngx_str_t *label, const char *code);

/* the first value of this name that is not blank, or NULL */
ngx_http_intake_form_value_t *ngx_http_intake_form_value(
    ngx_http_intake_ctx_t *ctx, ngx_str_t *name);

/*
 * Sets control and field of a value by its name: one to which the operator has
 * given a meaning has no other.
 */
void ngx_http_intake_name_value(ngx_http_intake_form_conf_t *form,
    ngx_http_intake_form_value_t *value);

/* the rules of `field` for this name, or NULL */
ngx_http_intake_field_t *ngx_http_intake_form_field(
    ngx_http_intake_form_conf_t *form, ngx_str_t *name);

/* 1 if `honeypot` of the form has this name */
ngx_uint_t ngx_http_intake_is_honeypot(ngx_http_intake_form_conf_t *form,
    ngx_str_t *name);

/* 1: a field of the form, which is stored; 0: a word for us */
ngx_uint_t ngx_http_intake_is_content(ngx_http_intake_form_value_t *value);

/*
 * form/attachment, called while the body is read: one file after the other.
 * NGX_DECLINED: ctx->code is set, the file is refused.
 */
ngx_int_t ngx_http_intake_attachment_open(ngx_http_intake_ctx_t *ctx,
    ngx_http_intake_form_upload_t *upload);
ngx_int_t ngx_http_intake_attachment_write(ngx_http_intake_ctx_t *ctx,
    ngx_http_intake_form_upload_t *upload, u_char *p, size_t len);
ngx_int_t ngx_http_intake_attachment_close(ngx_http_intake_ctx_t *ctx,
    ngx_http_intake_form_upload_t *upload);

/* removes the files of a submission that is refused before it is stored */
void ngx_http_intake_drop_attachments(ngx_http_intake_ctx_t *ctx);

/*
 * What became of the delivery is known: before it is answered, files that an
 * entry may name are made lasting, others are removed.
 */
void ngx_http_intake_settle_attachments(ngx_http_intake_ctx_t *ctx,
    ngx_http_intake_code_e code);

/* what the path of `attachments` needs: its folders and a thread pool */
char *ngx_http_intake_attachments_conf(ngx_conf_t *cf,
    ngx_http_intake_form_conf_t *form);

/* the worker that sweeps orphans of the sources' directories */
void ngx_http_intake_attachments_init(ngx_cycle_t *cycle,
    ngx_http_intake_main_conf_t *imcf);
void ngx_http_intake_attachments_exit(void);

/*
 * form/form_value.  What the operator's location sends to the verifier: the
 * value of the captcha's field, for a body of
 * application/x-www-form-urlencoded or, with json, for a string of JSON.  r
 * may be the subrequest.  NGX_DECLINED: there is none.
 */
ngx_int_t ngx_http_intake_captcha_response(ngx_http_request_t *r,
    ngx_uint_t json, ngx_str_t *text);

/*
 * form/captcha_again.  The answer has held: if nothing becomes of the request,
 * that is remembered.  NGX_ERROR: no memory.
 */
ngx_int_t ngx_http_intake_captcha_held(ngx_http_intake_ctx_t *ctx);

/* Nothing has become of a submission whose answer has held. */
void ngx_http_intake_captcha_remember(ngx_http_intake_ctx_t *ctx);

/*
 * The verifier knows the answer, but not any more.  The result is that of the
 * captcha's step: NGX_OK, this very message came with it before.
 */
ngx_int_t ngx_http_intake_captcha_again(ngx_http_intake_ctx_t *ctx);

/* once a configuration: what keeps the verifier's answer */
void ngx_http_intake_captcha_add_filter(void);

/* form/origin: by the head alone; used by preaccess, spam and redirects */
ngx_http_intake_origin_e ngx_http_intake_origin(ngx_http_request_t *r,
    ngx_http_intake_form_conf_t *form);

/* the own origin of a request, "https://host[:port]".  NGX_ERROR: no memory */
ngx_int_t ngx_http_intake_own_origin(ngx_http_request_t *r,
    ngx_str_t *origin);

/*
 * form/form_token: a fresh token for a page, in r->pool.  NGX_ERROR: no
 * memory or no random bytes.
 */
ngx_int_t ngx_http_intake_form_token(ngx_http_request_t *r,
    ngx_http_intake_source_t *source, ngx_str_t *token);
/* looks at the token of a submission: sets bits of spam and nonce */
ngx_int_t ngx_http_intake_check_form_token(ngx_http_intake_ctx_t *ctx);

/*
 * To be called when the source's form has been read: makes the key of its
 * token.  NGX_CONF_ERROR: a message has been logged, or no memory.
 */
char *ngx_http_intake_form_token_key(ngx_conf_t *cf,
    ngx_http_intake_source_t *source);

/* intake_token NAME; the handler that sets the cookie */
ngx_int_t ngx_http_intake_token_handler(ngx_http_request_t *r);

/*
 * form/spam.  To be called when the source's form has been read: brings words
 * and domains into the order that they are searched in.
 */
void ngx_http_intake_spam_init(ngx_http_intake_form_conf_t *form);

/* the names of evidence: "honeypot", ... */
extern ngx_str_t  ngx_http_intake_spam_reasons[NGX_HTTP_INTAKE_SPAM_REASONS];


/*
 * http/form_answer.  Both count the outcome; the results are for
 * ngx_http_finalize_request().
 */
ngx_int_t ngx_http_intake_form_accept(ngx_http_intake_ctx_t *ctx);
ngx_int_t ngx_http_intake_form_refuse(ngx_http_intake_ctx_t *ctx,
    ngx_http_intake_code_e code);

/*
 * For the filter: body and type of the answer to a submission that nginx
 * itself has refused with status.  NGX_ERROR: no memory.
 */
ngx_int_t ngx_http_intake_form_problem(ngx_http_intake_ctx_t *ctx,
    ngx_http_intake_code_e code, ngx_uint_t status, ngx_str_t *type,
    ngx_str_t *body);

/* CORS, Vary, Cache-Control and nosniff; for every answer of a form */
ngx_int_t ngx_http_intake_form_headers(ngx_http_intake_ctx_t *ctx);

/* 204 to OPTIONS; the result is for ngx_http_finalize_request() */
ngx_int_t ngx_http_intake_preflight(ngx_http_intake_ctx_t *ctx);

/* 1: a person sees the answer, so it is a page; 0: a script reads JSON */
ngx_uint_t ngx_http_intake_is_navigation(ngx_http_request_t *r);

/* the same, found out once; of a form */
ngx_uint_t ngx_http_intake_wants_page(ngx_http_intake_ctx_t *ctx);


/* conf/form_conf: what is wrong with a source's form; with its place */
char *ngx_http_intake_check_form(ngx_conf_t *cf,
    ngx_http_intake_source_t *source);

/* the platform of every form: no signature, POST; read only */
extern ngx_http_intake_platform_t  ngx_http_intake_form_platform;


#endif /* _NGX_HTTP_INTAKE_FORM_H_INCLUDED_ */
