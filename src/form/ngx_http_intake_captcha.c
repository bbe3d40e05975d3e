
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake.h"


/*
 * The captcha's answer is checked by a location of the operator's, mostly with
 * proxy_pass to the vendor: a subrequest whose answer is kept here.  (In nginx
 * itself, with NGX_HTTP_SUBREQUEST_IN_MEMORY, one that is too long would end
 * the request.)  The request waits; if the client leaves, nginx ends both.
 *
 * A visitor can mend what is missing, expired or wrong, so it is shown.  A
 * verifier that is away, or one that finds fault with our secret, is no fault
 * of the visitor's: the message is taken, and marked.
 */


/*
 * Bytes of a token, of which the longest have some KB, and of an answer, whose
 * JSON has some hundred; errors of it that are looked at
 */

#define NGX_HTTP_INTAKE_CAPTCHA_MAX     16384
#define NGX_HTTP_INTAKE_CAPTCHA_ANSWER  8192
#define NGX_HTTP_INTAKE_CAPTCHA_ERRORS  8


typedef struct {
    ngx_http_request_t             *subrequest;
    ngx_uint_t                      status;     /* 0: no answer */
    ngx_str_t                       body;
    unsigned                        done:1;
    unsigned                        long_body:1;    /* it is not all here */
} ngx_http_intake_captcha_t;


/* what the verifier says; the texts lie in its answer */

typedef struct {
    ngx_intake_json_kind_e          success;
    ngx_str_t                       errors[NGX_HTTP_INTAKE_CAPTCHA_ERRORS];
    ngx_uint_t                      nerrors;
} ngx_http_intake_captcha_answer_t;


static ngx_uint_t ngx_http_intake_captcha_plausible(ngx_str_t *value);
static ngx_int_t ngx_http_intake_ask_captcha(ngx_http_intake_ctx_t *ctx);
static void ngx_http_intake_strip_subrequest(ngx_http_request_t *sr);
static ngx_int_t ngx_http_intake_captcha_done(ngx_http_request_t *sr,
    void *data, ngx_int_t rc);
static void ngx_http_intake_captcha_wake(ngx_http_request_t *r);
static ngx_int_t ngx_http_intake_captcha_verdict(ngx_http_intake_ctx_t *ctx);
static ngx_uint_t ngx_http_intake_captcha_says(
    ngx_http_intake_captcha_t *captcha,
    ngx_http_intake_captcha_answer_t *answer);
static ngx_int_t ngx_http_intake_captcha_refused(ngx_http_intake_ctx_t *ctx,
    ngx_http_intake_captcha_answer_t *answer);
static ngx_int_t ngx_http_intake_captcha_unverified(
    ngx_http_intake_ctx_t *ctx, const char *reason, ngx_str_t *text);
static ngx_int_t ngx_http_intake_read_captcha(
    ngx_http_intake_captcha_t *captcha,
    ngx_http_intake_captcha_answer_t *answer);
static ngx_int_t ngx_http_intake_captcha_value(void *data, ngx_uint_t n,
    ngx_intake_json_value_t *value);
static ngx_str_t *ngx_http_intake_captcha_error(
    ngx_http_intake_captcha_answer_t *answer, ngx_str_t *names);
static ngx_int_t ngx_http_intake_captcha_body_filter(ngx_http_request_t *r,
    ngx_chain_t *in);
static ngx_http_intake_captcha_t *ngx_http_intake_captcha_of(
    ngx_http_request_t *sr);


static ngx_http_output_body_filter_pt  ngx_http_next_body_filter;


/*
 * Turnstile, hCaptcha and reCAPTCHA: {"success":false,"error-codes":["..."]};
 * Friendly Captcha: {"success":false,"error":{"error_code":"..."}}
 */

static ngx_str_t  ngx_http_intake_captcha_paths[] = {
    ngx_string("success"),
    ngx_string("error-codes.*"),
    ngx_string("error.error_code")
};

#define NGX_HTTP_INTAKE_CAPTCHA_PATHS                                         \
    (sizeof(ngx_http_intake_captcha_paths) / sizeof(ngx_str_t))


/* it held once: too old, or used before */

static ngx_str_t  ngx_http_intake_captcha_expired[] = {
    ngx_string("timeout-or-duplicate"),
    ngx_string("expired-input-response"),
    ngx_string("already-seen-response"),
    ngx_string("invalid-or-already-seen-response"),
    ngx_string("response_timeout"),
    ngx_string("response_duplicate"),
    ngx_null_string
};


/*
 * What no visitor can bring about: what a token of another site gives rise to,
 * such as "sitekey-secret-mismatch", must not pass for trouble of ours.
 */

static ngx_str_t  ngx_http_intake_captcha_ours[] = {
    ngx_string("missing-input-secret"),
    ngx_string("invalid-input-secret"),
    ngx_string("internal-error"),
    ngx_string("auth_required"),
    ngx_string("auth_invalid"),
    ngx_null_string
};


ngx_int_t
ngx_http_intake_captcha(ngx_http_intake_ctx_t *ctx)
{
    ngx_str_t                       text;
    ngx_http_intake_form_value_t   *value;
    ngx_http_intake_captcha_conf_t *conf;

    conf = &ctx->source->form->captcha;

    if (conf->location.len == 0) {
        return NGX_OK;
    }

    value = ngx_http_intake_form_value(ctx, &conf->field);

    if (value == NULL) {
        ctx->code = NGX_HTTP_INTAKE_CAPTCHA_MISSING;
        return NGX_DECLINED;
    }

    text = value->value;

    if (!ngx_http_intake_captcha_plausible(&text)) {
        ctx->code = NGX_HTTP_INTAKE_CAPTCHA_FAILED;
        return NGX_DECLINED;
    }

    return ngx_http_intake_ask_captcha(ctx);
}


/* a verifier must not be made to fail by what it is asked */

static ngx_uint_t
ngx_http_intake_captcha_plausible(ngx_str_t *value)
{
    size_t  i;

    for (i = 0; i < value->len; i++) {
        if (value->data[i] < 0x20 || value->data[i] >= 0x7f) {
            return 0;
        }
    }

    return value->len <= NGX_HTTP_INTAKE_CAPTCHA_MAX;
}


static ngx_int_t
ngx_http_intake_ask_captcha(ngx_http_intake_ctx_t *ctx)
{
    ngx_http_request_t          *r, *sr;
    ngx_http_request_body_t     *body;
    ngx_http_intake_captcha_t   *captcha;
    ngx_http_post_subrequest_t  *post;

    r = ctx->request;

    captcha = ngx_pcalloc(r->pool, sizeof(ngx_http_intake_captcha_t));
    post = ngx_palloc(r->pool, sizeof(ngx_http_post_subrequest_t));
    body = ngx_pcalloc(r->pool, sizeof(ngx_http_request_body_t));

    if (captcha == NULL || post == NULL || body == NULL) {
        return NGX_ERROR;
    }

    ctx->submission->captcha = captcha;

    post->handler = ngx_http_intake_captcha_done;
    post->data = ctx;

    if (ngx_http_subrequest(r, &ctx->source->form->captcha.location, NULL,
                            &sr, post, 0)
        != NGX_OK)
    {
        /*
         * nginx may have counted it, and put it in front of this request:
         * then no answer would get out, nor would the request end
         */

        return NGX_HTTP_CLOSE;
    }

    captcha->subrequest = sr;
    sr->filter_need_in_memory = 1;

    /* not the visitor's body: the location says what is sent */

    sr->request_body = body;

    ngx_http_intake_strip_subrequest(sr);

    return NGX_AGAIN;
}


/* what a copy of the visitor's request must not keep */

static void
ngx_http_intake_strip_subrequest(ngx_http_request_t *sr)
{
    sr->method = NGX_HTTP_POST;
    ngx_str_set(&sr->method_name, "POST");

    sr->headers_in.content_length = NULL;
    sr->headers_in.content_length_n = 0;
    sr->headers_in.transfer_encoding = NULL;
    sr->headers_in.chunked = 0;
}


/*
 * The answer is used once the subrequest has ended as a whole.  It may go on
 * with the location's error_page; then it ends well here, whatever has become
 * of it: else nginx would end the request, too.  That is right only where the
 * client has gone.
 */

static ngx_int_t
ngx_http_intake_captcha_done(ngx_http_request_t *sr, void *data,
    ngx_int_t rc)
{
    ngx_http_intake_ctx_t *ctx = data;

    ngx_http_intake_captcha_t         *captcha;
    ngx_http_intake_captcha_answer_t   answer;

    captcha = ctx->submission->captcha;

    if (captcha->done
        || rc >= NGX_HTTP_SPECIAL_RESPONSE
        || rc == NGX_HTTP_CREATED
        || rc == NGX_HTTP_NO_CONTENT)
    {
        return rc;
    }

    captcha->done = 1;

    if (rc == NGX_OK) {
        captcha->status = sr->headers_out.status;
    }

    if (sr->connection->error) {

        /* nginx ends the request; the same form may be on its way again */

        if (ngx_http_intake_captcha_says(captcha, &answer)
            && answer.success == NGX_INTAKE_JSON_TRUE)
        {
            ngx_http_intake_captcha_remember(ctx);
        }

        return rc;
    }

    /* what could not be put out is of no interest any more */

    sr->buffered = 0;

    ctx->request->write_event_handler = ngx_http_intake_captcha_wake;

    return NGX_OK;
}


static void
ngx_http_intake_captcha_wake(ngx_http_request_t *r)
{
    ngx_http_intake_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_intake_module);

    r->write_event_handler = ngx_http_request_empty_handler;

    ngx_http_intake_submit_continue(ctx,
                                    ngx_http_intake_captcha_verdict(ctx));
}


static ngx_int_t
ngx_http_intake_captcha_verdict(ngx_http_intake_ctx_t *ctx)
{
    ngx_str_t                          none;
    ngx_http_intake_captcha_t         *captcha;
    ngx_http_intake_captcha_answer_t   answer;

    ngx_str_null(&none);

    captcha = ctx->submission->captcha;

    if (captcha->status == 0) {
        return ngx_http_intake_captcha_unverified(ctx, "there is no answer",
                                                  &none);
    }

    if (!ngx_http_intake_captcha_says(captcha, &answer)) {
        return ngx_http_intake_captcha_unverified(ctx,
                                         "the answer says neither yes nor no",
                                                  &none);
    }

    if (answer.success == NGX_INTAKE_JSON_TRUE) {
        return ngx_http_intake_captcha_held(ctx);
    }

    return ngx_http_intake_captcha_refused(ctx, &answer);
}


/* whether there is an answer of yes or no; a vendor may say no with a 4xx */

static ngx_uint_t
ngx_http_intake_captcha_says(ngx_http_intake_captcha_t *captcha,
    ngx_http_intake_captcha_answer_t *answer)
{
    return captcha->status != 0
           && captcha->status < NGX_HTTP_INTERNAL_SERVER_ERROR
           && captcha->status != NGX_HTTP_TOO_MANY_REQUESTS
           && ngx_http_intake_read_captcha(captcha, answer) == NGX_OK
           && (answer->success != NGX_INTAKE_JSON_TRUE
               || captcha->status < NGX_HTTP_SPECIAL_RESPONSE);
}


static ngx_int_t
ngx_http_intake_captcha_refused(ngx_http_intake_ctx_t *ctx,
    ngx_http_intake_captcha_answer_t *answer)
{
    ngx_str_t  *error;

    error = ngx_http_intake_captcha_error(answer,
                                          ngx_http_intake_captcha_ours);
    if (error) {
        return ngx_http_intake_captcha_unverified(ctx, "the verifier says ",
                                                  error);
    }

    error = ngx_http_intake_captcha_error(answer,
                                          ngx_http_intake_captcha_expired);
    if (error) {
        return ngx_http_intake_captcha_again(ctx);
    }

    ctx->code = NGX_HTTP_INTAKE_CAPTCHA_FAILED;

    return NGX_DECLINED;
}


static ngx_int_t
ngx_http_intake_captcha_unverified(ngx_http_intake_ctx_t *ctx,
    const char *reason, ngx_str_t *text)
{
    ngx_http_request_t              *r;
    ngx_http_intake_captcha_t       *captcha;
    ngx_http_intake_captcha_conf_t  *conf;

    r = ctx->request;
    captcha = ctx->submission->captcha;
    conf = &ctx->source->form->captcha;

    ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                  "a captcha of intake_source \"%V\" could not be verified by "
                  "\"%V\", status %ui: %s%V", &ctx->source->name,
                  &conf->location, captcha->status, reason, text);

    if (conf->strict) {
        ctx->code = NGX_HTTP_INTAKE_CAPTCHA_UNAVAILABLE;
        return NGX_DECLINED;
    }

    ctx->submission->spam |= 1 << NGX_HTTP_INTAKE_SPAM_CAPTCHA_UNVERIFIED;

    return NGX_OK;
}


/* NGX_DECLINED: the answer is not JSON that says whether it holds */

static ngx_int_t
ngx_http_intake_read_captcha(ngx_http_intake_captcha_t *captcha,
    ngx_http_intake_captcha_answer_t *answer)
{
    ngx_uint_t               i;
    ngx_intake_json_t        json;
    ngx_intake_json_path_t   path[NGX_HTTP_INTAKE_CAPTCHA_PATHS];
    ngx_intake_json_path_t  *paths[NGX_HTTP_INTAKE_CAPTCHA_PATHS];

    if (captcha->body.len == 0 || captcha->long_body) {
        return NGX_DECLINED;
    }

    for (i = 0; i < NGX_HTTP_INTAKE_CAPTCHA_PATHS; i++) {
        paths[i] = &path[i];

        if (ngx_intake_json_path_parse(&ngx_http_intake_captcha_paths[i],
                                       paths[i], 0)
            != NGX_OK)
        {
            return NGX_DECLINED;
        }
    }

    answer->success = NGX_INTAKE_JSON_VOID;
    answer->nerrors = 0;

    json.paths = paths;
    json.npaths = NGX_HTTP_INTAKE_CAPTCHA_PATHS;
    json.handler = ngx_http_intake_captcha_value;
    json.ctx = answer;

    if (ngx_intake_json_read(&json, captcha->body.data, captcha->body.len)
        != NGX_OK
        || (answer->success != NGX_INTAKE_JSON_TRUE
            && answer->success != NGX_INTAKE_JSON_FALSE))
    {
        return NGX_DECLINED;
    }

    return NGX_OK;
}


/* n is the index of the path */

static ngx_int_t
ngx_http_intake_captcha_value(void *data, ngx_uint_t n,
    ngx_intake_json_value_t *value)
{
    ngx_http_intake_captcha_answer_t *answer = data;

    if (n == 0) {
        answer->success = value->kind;

    } else if (value->kind == NGX_INTAKE_JSON_STRING
               && answer->nerrors < NGX_HTTP_INTAKE_CAPTCHA_ERRORS)
    {
        answer->errors[answer->nerrors++] = value->raw;
    }

    return NGX_OK;
}


static ngx_str_t *
ngx_http_intake_captcha_error(ngx_http_intake_captcha_answer_t *answer,
    ngx_str_t *names)
{
    ngx_str_t   *error, *name;
    ngx_uint_t   i;

    for (i = 0; i < answer->nerrors; i++) {
        error = &answer->errors[i];

        for (name = names; name->len; name++) {
            if (error->len == name->len
                && ngx_memcmp(error->data, name->data, name->len) == 0)
            {
                return name;
            }
        }
    }

    return NULL;
}


/* the answer goes no further than here; the copy filter comes before */

static ngx_int_t
ngx_http_intake_captcha_body_filter(ngx_http_request_t *r, ngx_chain_t *in)
{
    size_t                      len;
    ngx_buf_t                  *b;
    ngx_str_t                  *body;
    ngx_http_intake_captcha_t  *captcha;

    captcha = ngx_http_intake_captcha_of(r);

    if (captcha == NULL) {
        return ngx_http_next_body_filter(r, in);
    }

    body = &captcha->body;

    if (body->data == NULL) {
        body->data = ngx_pnalloc(r->pool, NGX_HTTP_INTAKE_CAPTCHA_ANSWER);
        if (body->data == NULL) {
            return NGX_ERROR;
        }
    }

    for ( /* void */ ; in; in = in->next) {
        b = in->buf;

        if (ngx_buf_size(b) == 0) {
            continue;
        }

        if (!ngx_buf_in_memory(b)
            || b->last - b->pos
               > (ssize_t) (NGX_HTTP_INTAKE_CAPTCHA_ANSWER - body->len))
        {
            captcha->long_body = 1;

        } else {
            len = b->last - b->pos;
            ngx_memcpy(body->data + body->len, b->pos, len);
            body->len += len;
        }

        b->pos = b->last;
        b->file_pos = b->file_last;
    }

    return NGX_OK;
}


/* NULL: a request that is none of these */

static ngx_http_intake_captcha_t *
ngx_http_intake_captcha_of(ngx_http_request_t *sr)
{
    ngx_http_intake_ctx_t      *ctx;
    ngx_http_intake_captcha_t  *captcha;

    if (sr == sr->main) {
        return NULL;
    }

    ctx = ngx_http_get_module_ctx(sr->main, ngx_http_intake_module);

    if (ctx == NULL || ctx->submission == NULL) {
        return NULL;
    }

    captcha = ctx->submission->captcha;

    return (captcha && captcha->subrequest == sr) ? captcha : NULL;
}


void
ngx_http_intake_captcha_add_filter(void)
{
    ngx_http_next_body_filter = ngx_http_top_body_filter;
    ngx_http_top_body_filter = ngx_http_intake_captcha_body_filter;
}
