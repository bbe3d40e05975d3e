
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake.h"
#include "ngx_http_intake_negotiate.h"


/*
 * Evidence of spam.  Nothing here refuses a submission, and the visitor never
 * learns which rule has fired: what is suspected is marked, what is certain
 * goes to a stream of its own, and the entry names the reasons.
 */


static ngx_uint_t ngx_http_intake_honeypot_filled(ngx_http_intake_ctx_t *ctx);
static ngx_uint_t ngx_http_intake_is_unticked(ngx_str_t *value);
static ngx_uint_t ngx_http_intake_odd_request(ngx_http_request_t *r);
static ngx_int_t ngx_http_intake_look_at_content(ngx_http_intake_ctx_t *ctx);
static ngx_int_t ngx_http_intake_look_for_words(ngx_http_intake_ctx_t *ctx,
    ngx_str_t *text);
static ngx_uint_t ngx_http_intake_same_text(ngx_http_intake_ctx_t *ctx);
static void ngx_http_intake_judge_spam(ngx_http_intake_ctx_t *ctx);


ngx_str_t  ngx_http_intake_spam_reasons[NGX_HTTP_INTAKE_SPAM_REASONS] = {
    ngx_string("honeypot"),
    ngx_string("token_forged"),
    ngx_string("token_missing"),
    ngx_string("too_fast"),
    ngx_string("cross_site"),
    ngx_string("request_shape"),
    ngx_string("links"),
    ngx_string("markup"),
    ngx_string("address_in_name"),
    ngx_string("same_text"),
    ngx_string("words"),
    ngx_string("domain"),
    ngx_string("captcha_unverified")
};


/*
 * The weights, in the order of the reasons; 3 marks and 6 sets apart, unless
 * `spam` says otherwise.  People autofill and are fast, block cookies, send
 * links and write from offices whose proxies change requests: none of these
 * marks alone.  The lists of words and domains are the operator's own word.
 */

static ngx_uint_t  ngx_http_intake_spam_weights[] = {
    3,    /* honeypot */
    6,    /* token_forged */
    1,    /* token_missing */
    2,    /* too_fast */
    2,    /* cross_site */
    1,    /* request_shape */
    2,    /* links */
    2,    /* markup */
    2,    /* address_in_name */
    2,    /* same_text */
    3,    /* words */
    3,    /* domain */
    2     /* captcha_unverified */
};


/* what a text says; together it counts so much that it is not yet certain */

#define NGX_HTTP_INTAKE_SPAM_CONTENT                                          \
    (ngx_http_intake_spam_bit(LINKS)                                          \
     |ngx_http_intake_spam_bit(MARKUP)                                        \
     |ngx_http_intake_spam_bit(ADDRESS_IN_NAME)                               \
     |ngx_http_intake_spam_bit(SAME_TEXT)                                     \
     |ngx_http_intake_spam_bit(WORDS)                                         \
     |ngx_http_intake_spam_bit(DOMAIN))

#define NGX_HTTP_INTAKE_SPAM_CONTENT_MAX  5

/* the shortest text that looks odd in every field; "5" or "on" do not */

#define NGX_HTTP_INTAKE_SPAM_SAME_MIN     3
#define NGX_HTTP_INTAKE_SPAM_SAME_FIELDS  3


void
ngx_http_intake_spam_init(ngx_http_intake_form_conf_t *form)
{
    ngx_str_t   *word;
    ngx_uint_t   i, n;

    if (form->spam.words) {
        word = form->spam.words->elts;

        for (i = 0, n = 0; i < form->spam.words->nelts; i++) {
            word[i].len = ngx_intake_spam_words(word[i].data, &word[i]);

            if (word[i].len && word[i].len <= NGX_INTAKE_SPAM_PHRASE_MAX) {
                word[n++] = word[i];
            }
        }

        form->spam.words->nelts = n;

        ngx_qsort(word, n, sizeof(ngx_str_t), ngx_intake_spam_compare);
    }

    if (form->spam.domains) {
        ngx_qsort(form->spam.domains->elts, form->spam.domains->nelts,
                  sizeof(ngx_str_t), ngx_intake_spam_compare);
    }
}


ngx_int_t
ngx_http_intake_spam(ngx_http_intake_ctx_t *ctx)
{
    ngx_http_intake_form_conf_t   *form;
    ngx_http_intake_submission_t  *submission;

    submission = ctx->submission;

    if (submission->judged) {
        return NGX_OK;
    }

    submission->judged = 1;

    if (ngx_http_intake_honeypot_filled(ctx)) {
        submission->spam |= ngx_http_intake_spam_bit(HONEYPOT);
    }

    if (ngx_http_intake_check_form_token(ctx) != NGX_OK) {
        return NGX_ERROR;
    }

    form = ctx->source->form;

    if (ngx_http_intake_origin(ctx->request, form)
        == NGX_HTTP_INTAKE_ORIGIN_FOREIGN)
    {
        submission->spam |= ngx_http_intake_spam_bit(CROSS_SITE);
    }

    if (form->spam.content) {

        if (ngx_http_intake_odd_request(ctx->request)) {
            submission->spam |= ngx_http_intake_spam_bit(REQUEST_SHAPE);
        }

        if (ngx_http_intake_look_at_content(ctx) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    submission->spam &= ~form->spam.without;

    ngx_http_intake_judge_spam(ctx);

    return NGX_OK;
}


/* every field of a name, for one of them could hide behind another */

static ngx_uint_t
ngx_http_intake_honeypot_filled(ngx_http_intake_ctx_t *ctx)
{
    ngx_uint_t                     i;
    ngx_http_intake_form_value_t  *value;

    value = ctx->submission->values.elts;

    for (i = 0; i < ctx->submission->values.nelts; i++) {
        if (value[i].control == NGX_INTAKE_CONTROL_HONEYPOT
            && !ngx_intake_text_blank(&value[i].value)
            && !ngx_http_intake_is_unticked(&value[i].value))
        {
            return 1;
        }
    }

    return 0;
}


/*
 * A browser leaves out a box that was not ticked.  Scripts send its state:
 * false of JSON, or what FormData makes of false, null and undefined; and a
 * hidden field beside the box says "0" or "false".
 */

static ngx_uint_t
ngx_http_intake_is_unticked(ngx_str_t *value)
{
    ngx_str_t  text, *word;

    static ngx_str_t  words[] = {
        ngx_string("false"),
        ngx_string("0"),
        ngx_string("null"),
        ngx_string("undefined"),
        ngx_null_string
    };

    text = *value;
    ngx_intake_text_trim(&text);

    for (word = words; word->len; word++) {
        if (word->len == text.len
            && ngx_strncasecmp(word->data, text.data, text.len) == 0)
        {
            return 1;
        }
    }

    return 0;
}


/* what no browser of today leaves out */

static ngx_uint_t
ngx_http_intake_odd_request(ngx_http_request_t *r)
{
    if (r->headers_in.user_agent == NULL
        || r->headers_in.user_agent->value.len < 2
        || ngx_http_intake_request_header(r, "accept") == NULL
        || ngx_http_intake_request_header(r, "accept-language") == NULL)
    {
        return 1;
    }

    /* proxies, nginx among them, speak HTTP/1.0 for a browser */

    return r->http_version < NGX_HTTP_VERSION_11
           && ngx_http_intake_request_header(r, "x-forwarded-for") == NULL
           && ngx_http_intake_request_header(r, "forwarded") == NULL
           && ngx_http_intake_request_header(r, "x-real-ip") == NULL
           && ngx_http_intake_request_header(r, "via") == NULL;
}


static ngx_int_t
ngx_http_intake_look_at_content(ngx_http_intake_ctx_t *ctx)
{
    ngx_str_t                     *text;
    ngx_uint_t                     i, links, type, *spam;
    ngx_http_intake_form_value_t  *value;
    ngx_http_intake_spam_conf_t   *conf;

    conf = &ctx->source->form->spam;
    spam = &ctx->submission->spam;
    value = ctx->submission->values.elts;
    links = 0;

    for (i = 0; i < ctx->submission->values.nelts; i++) {

        if (!ngx_http_intake_is_content(&value[i])) {
            continue;
        }

        text = &value[i].value;
        type = value[i].field ? value[i].field->rule.type
                              : NGX_INTAKE_FIELD_TEXT;

        /* a link in a field for links is an answer */

        if (type != NGX_INTAKE_FIELD_URL) {
            links += ngx_intake_spam_links(text);
        }

        if (ngx_intake_spam_markup(text)) {
            *spam |= ngx_http_intake_spam_bit(MARKUP);
        }

        if (type == NGX_INTAKE_FIELD_TEXT
            && ngx_intake_field_name_person(&value[i].name)
            && ngx_intake_spam_address(text))
        {
            *spam |= ngx_http_intake_spam_bit(ADDRESS_IN_NAME);
        }

        if (conf->domains
            && (type == NGX_INTAKE_FIELD_EMAIL
                || value[i].control == NGX_INTAKE_CONTROL_REPLY)
            && ngx_intake_spam_domain(text, conf->domains->elts,
                                      conf->domains->nelts))
        {
            *spam |= ngx_http_intake_spam_bit(DOMAIN);
        }

        if (conf->words
            && ngx_http_intake_look_for_words(ctx, text) != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    if (links > conf->links) {
        *spam |= ngx_http_intake_spam_bit(LINKS);
    }

    if (ngx_http_intake_same_text(ctx)) {
        *spam |= ngx_http_intake_spam_bit(SAME_TEXT);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_intake_look_for_words(ngx_http_intake_ctx_t *ctx, ngx_str_t *text)
{
    ngx_str_t     words;
    ngx_array_t  *phrases;

    if (text->len == 0
        || (ctx->submission->spam & ngx_http_intake_spam_bit(WORDS)))
    {
        return NGX_OK;
    }

    words.data = ngx_pnalloc(ctx->request->pool, text->len);
    if (words.data == NULL) {
        return NGX_ERROR;
    }

    words.len = ngx_intake_spam_words(words.data, text);
    phrases = ctx->source->form->spam.words;

    if (ngx_intake_spam_find(&words, phrases->elts, phrases->nelts)) {
        ctx->submission->spam |= ngx_http_intake_spam_bit(WORDS);
    }

    return NGX_OK;
}


/* three fields that have text, and all that have some have the same */

static ngx_uint_t
ngx_http_intake_same_text(ngx_http_intake_ctx_t *ctx)
{
    ngx_uint_t                     i, n, type;
    ngx_http_intake_form_value_t  *value, *first, *last;

    value = ctx->submission->values.elts;
    first = NULL;
    last = NULL;
    n = 0;

    for (i = 0; i < ctx->submission->values.nelts; i++) {

        type = value[i].field ? value[i].field->rule.type
                              : NGX_INTAKE_FIELD_TEXT;

        if (!ngx_http_intake_is_content(&value[i])
            || type == NGX_INTAKE_FIELD_CHOICE
            || type == NGX_INTAKE_FIELD_NUMBER
            || type == NGX_INTAKE_FIELD_DATE
            || ngx_intake_text_blank(&value[i].value))
        {
            continue;
        }

        if (first == NULL) {
            first = &value[i];

        } else if (!ngx_http_intake_same(&first->value, &value[i].value)) {
            return 0;
        }

        /* boxes that were ticked share a name */

        if (last == NULL || !ngx_http_intake_same(&last->name,
                                                  &value[i].name))
        {
            n++;
        }

        last = &value[i];
    }

    return n >= NGX_HTTP_INTAKE_SPAM_SAME_FIELDS
           && first->value.len >= NGX_HTTP_INTAKE_SPAM_SAME_MIN;
}


/*
 * A forged token is certain, and so is a honeypot with any other evidence; but
 * not with that of a verifier which is away, for the visitor has no part in
 * it.  A filled honeypot and a captcha that nobody could check are marked
 * whatever `suspect` is.  A page without a token, as caches and blocked cookies
 * make it, is nothing by itself, however low the scores are set.
 */

static void
ngx_http_intake_judge_spam(ngx_http_intake_ctx_t *ctx)
{
    ngx_uint_t                     i, spam, others, content;
    ngx_http_intake_spam_conf_t   *conf;
    ngx_http_intake_submission_t  *submission;

    conf = &ctx->source->form->spam;
    submission = ctx->submission;
    spam = submission->spam;
    content = 0;

    for (i = 0; i < NGX_HTTP_INTAKE_SPAM_REASONS; i++) {

        if (!(spam & ((ngx_uint_t) 1 << i))) {
            continue;
        }

        if (NGX_HTTP_INTAKE_SPAM_CONTENT & ((ngx_uint_t) 1 << i)) {
            content += ngx_http_intake_spam_weights[i];

        } else {
            submission->score += ngx_http_intake_spam_weights[i];
        }
    }

    submission->score += ngx_min(content, NGX_HTTP_INTAKE_SPAM_CONTENT_MAX);

    others = spam & ~(ngx_http_intake_spam_bit(TOKEN_MISSING)
                      |ngx_http_intake_spam_bit(CAPTCHA_UNVERIFIED));

    if ((others && submission->score >= conf->certain)
        || (spam & ngx_http_intake_spam_bit(TOKEN_FORGED))
        || ((spam & ngx_http_intake_spam_bit(HONEYPOT))
            && (spam & ~(ngx_http_intake_spam_bit(HONEYPOT)
                         |ngx_http_intake_spam_bit(CAPTCHA_UNVERIFIED)))))
    {
        submission->certain = 1;
    }

    if ((others && submission->score >= conf->suspect)
        || submission->certain
        || (spam & (ngx_http_intake_spam_bit(HONEYPOT)
                    |ngx_http_intake_spam_bit(CAPTCHA_UNVERIFIED))))
    {
        submission->suspected = 1;
    }
}
