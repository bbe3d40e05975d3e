
/*
 * Copyright (C) nginx-intake contributors
 */


#ifndef _NGX_HTTP_INTAKE_VERIFY_H_INCLUDED_
#define _NGX_HTTP_INTAKE_VERIFY_H_INCLUDED_


#include "ngx_http_intake.h"


/* What the grammar of platforms does with a request. */


/*
 * All values of src in the request, in order, in r->pool; n is their number,
 * 0 if there is none.  NGX_ERROR: no memory.
 */
ngx_int_t ngx_http_intake_extract(ngx_http_intake_ctx_t *ctx,
    ngx_http_intake_src_t *src, ngx_str_t **values, ngx_uint_t *n);

/*
 * Appends to values (ngx_str_t) what split and prefix of src make of text.
 * NGX_ERROR: no memory.
 */
ngx_int_t ngx_http_intake_select(ngx_http_intake_src_t *src, ngx_str_t *text,
    ngx_array_t *values);

/* The first value.  NGX_DECLINED: it is absent or empty.  NGX_ERROR. */
ngx_int_t ngx_http_intake_extract_first(ngx_http_intake_ctx_t *ctx,
    ngx_http_intake_src_t *src, ngx_str_t *value);

/*
 * These fill json, xml, query or form of ctx, once.  Form: the parameters of
 * a body of application/x-www-form-urlencoded, of the query if the method is
 * GET, else none.  NGX_ERROR: no memory.
 */
ngx_int_t ngx_http_intake_read_json(ngx_http_intake_ctx_t *ctx);
ngx_int_t ngx_http_intake_read_xml(ngx_http_intake_ctx_t *ctx);
ngx_int_t ngx_http_intake_read_query(ngx_http_intake_ctx_t *ctx);
ngx_int_t ngx_http_intake_read_form(ngx_http_intake_ctx_t *ctx);

/*
 * The values that text, a JSON document, has at source->paths: an array as
 * ctx->json.  NGX_DECLINED: text could not be read, and all of them are
 * empty.  NGX_ERROR: no memory.
 */
ngx_int_t ngx_http_intake_read_values(ngx_http_intake_ctx_t *ctx,
    ngx_str_t *text, ngx_array_t **values);

/* the part of ngx_http_intake_extract() for such an array */
ngx_int_t ngx_http_intake_extract_values(ngx_array_t *array,
    ngx_http_intake_src_t *src, ngx_array_t *values);

/* 1 if src reads a document that has been tried and is none */
ngx_uint_t ngx_http_intake_is_unreadable(ngx_http_intake_ctx_t *ctx,
    ngx_http_intake_src_t *src);

/* 1 if src reads the body as a document */
#define ngx_http_intake_is_document(src)                                      \
    ((src)->kind == NGX_HTTP_INTAKE_SRC_JSON                                  \
     || (src)->kind == NGX_HTTP_INTAKE_SRC_XML)

/* 1 if the request's Content-Type is application/x-www-form-urlencoded */
ngx_uint_t ngx_http_intake_is_form(ngx_http_request_t *r);

/*
 * The parts of a template, for one secret and one variant of the URL.
 * NGX_DECLINED: a SRC in it is absent or empty.  json: values of SRCs are
 * escaped.
 */
typedef struct {
    ngx_str_t                      *secret;     /* NULL: none */
    ngx_str_t                       url;        /* of $url; "": url_base and
                                                   the request's path */
    unsigned                        json:1;
    unsigned                        lenient:1;  /* absent SRC = empty */
} ngx_http_intake_values_t;

ngx_int_t ngx_http_intake_evaluate(ngx_http_intake_ctx_t *ctx,
    ngx_http_intake_template_t *template, ngx_http_intake_values_t *v,
    ngx_str_t **parts, ngx_uint_t *n);

/* Joins parts, in pool if there are several.  NGX_ERROR: no memory. */
ngx_int_t ngx_http_intake_flatten(ngx_pool_t *pool, ngx_str_t *parts,
    ngx_uint_t n, ngx_str_t *text);

/*
 * Names and values of a POST form, which Twilio and Mandrill sign: twilio.com
 * /docs/usage/security; "" for a GET, whose parameters stand in the URL.
 * NGX_DECLINED: there are too many; NGX_ERROR: no memory.
 */
ngx_int_t ngx_http_intake_form_word(ngx_http_intake_ctx_t *ctx,
    ngx_str_t *text);

/*
 * "&NAME=VALUE" of all parameters but one, Vonage's SMS signature: developer
 * .vonage.com/en/getting-started/concepts/signing-messages.  Of equal names a
 * form's one counts before that of the query.  NGX_DECLINED: there are too
 * many, or a form has a name twice, which would be signed once, and readers
 * may take the other; NGX_ERROR: no memory.
 */
ngx_int_t ngx_http_intake_params_word(ngx_http_intake_ctx_t *ctx,
    ngx_str_t *except, ngx_str_t *text);

/*
 * The order of two ngx_str_t, for ngx_qsort(): by their bytes, which is also
 * that of the characters in UTF-8.
 */
int ngx_libc_cdecl ngx_http_intake_compare_texts(const void *one,
    const void *two);

/* url_base and the request's path.  NGX_ERROR: no memory. */
ngx_int_t ngx_http_intake_url(ngx_http_intake_ctx_t *ctx, ngx_str_t *url);

/* Its forms that a signature may cover; urls has MAX_URLS places. */
ngx_int_t ngx_http_intake_signed_urls(ngx_http_intake_ctx_t *ctx,
    ngx_str_t *urls, ngx_uint_t *n);

/* 1 if such a word stands in the template or in a word of it */
ngx_uint_t ngx_http_intake_has_word(ngx_http_intake_template_t *template,
    ngx_http_intake_word_e type);

/*
 * Tests signature and time of the delivery.  NGX_OK; NGX_DECLINED: refused,
 * ctx->code says why; NGX_ERROR: no memory.
 */
ngx_int_t ngx_http_intake_verify(ngx_http_intake_ctx_t *ctx);

/*
 * The part of it for signatures of "signed": values are those that came.
 * NGX_DECLINED: none matches; ctx->code is set if the reason is another.
 */
ngx_int_t ngx_http_intake_verify_string(ngx_http_intake_ctx_t *ctx,
    ngx_str_t *values, ngx_uint_t n);

/*
 * Sets ctx->code and logs it, with the beginning of text, which may be NULL.
 * Returns NGX_DECLINED.
 */
ngx_int_t ngx_http_intake_deny(ngx_http_intake_ctx_t *ctx,
    ngx_http_intake_code_e code, ngx_str_t *text);

/*
 * Answers a handshake.  NGX_OK: *reply is to be sent, *challenge is its rule;
 * NGX_DECLINED: none matches, go on; NGX_ABORT: refused, ctx->code says why;
 * NGX_ERROR: no memory.  verified challenges are tried only by the call that
 * has verified set, after ngx_http_intake_verify() held.
 */
ngx_int_t ngx_http_intake_challenge(ngx_http_intake_ctx_t *ctx,
    ngx_uint_t verified, ngx_http_intake_challenge_t **challenge,
    ngx_str_t *body);

/*
 * 1 if parts are a text that a challenge without "verified" signs for anybody
 * who asks: its signature says nothing of who sends it.
 */
ngx_uint_t ngx_http_intake_is_handshake(ngx_http_intake_ctx_t *ctx,
    ngx_str_t *parts, ngx_uint_t n);

/*
 * The text of a header that a challenge adds, without control characters.
 * NGX_ERROR: no memory.
 */
ngx_int_t ngx_http_intake_challenge_header(ngx_http_intake_ctx_t *ctx,
    ngx_http_intake_header_t *header, ngx_str_t *value);

/*
 * Sets id, type, time, recordedtime, the dedupe keys, messages, conversation
 * and unparsed of ctx.  Never fails for what stands in the body.  NGX_ERROR:
 * no memory.
 */
ngx_int_t ngx_http_intake_event(ngx_http_intake_ctx_t *ctx);

/*
 * The sender's id, before ngx_http_intake_event(): the first values.
 * NGX_DECLINED: there is none.  NGX_ERROR: no memory.
 */
ngx_int_t ngx_http_intake_find_id(ngx_http_intake_ctx_t *ctx, ngx_str_t *id);

/* Sets timestamp of ctx.  NGX_DECLINED: absent.  NGX_ERROR: no memory. */
ngx_int_t ngx_http_intake_find_timestamp(ngx_http_intake_ctx_t *ctx);

/* Sets body_digest of ctx, once.  NGX_ERROR: no memory. */
ngx_int_t ngx_http_intake_hash_body(ngx_http_intake_ctx_t *ctx);

/*
 * Sets messages and conversation of ctx by the rules of `message`; at most
 * 1000 messages.  NGX_ERROR: no memory.
 */
ngx_int_t ngx_http_intake_find_messages(ngx_http_intake_ctx_t *ctx);

/* 1 if they need the body to be a document; there is at least one rule */
ngx_uint_t ngx_http_intake_messages_use_document(
    ngx_http_intake_platform_t *platform);


#endif /* _NGX_HTTP_INTAKE_VERIFY_H_INCLUDED_ */
