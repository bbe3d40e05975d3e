
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake_platform.h"


/*
 *  challenge METHOD [SRC|SRC=VALUE]... [verified] [token=SRC]
 *            -> STATUS [TYPE "TEMPLATE"] ["header=NAME: TEMPLATE"]...
 *
 * What stands in front of the arrow; for the rest see conf/reply_conf.
 */


static ngx_int_t ngx_http_intake_parse_conditions(ngx_conf_t *cf,
    ngx_array_t *paths, ngx_http_intake_challenge_t *challenge);
static ngx_int_t ngx_http_intake_parse_condition(ngx_conf_t *cf,
    ngx_array_t *paths, ngx_str_t *arg, ngx_http_intake_challenge_t *challenge,
    ngx_http_intake_src_t **last);
static ngx_int_t ngx_http_intake_parse_match(ngx_conf_t *cf,
    ngx_array_t *paths, ngx_str_t *arg, ngx_http_intake_match_t *match);
static ngx_int_t ngx_http_intake_check_signs(ngx_conf_t *cf,
    ngx_http_intake_challenge_t *challenge);
static ngx_int_t ngx_http_intake_count_hmac(void *data,
    ngx_http_intake_word_t *word);


static ngx_http_intake_choice_t  ngx_http_intake_challenge_methods[] = {
    { ngx_string("GET"), NGX_HTTP_GET },
    { ngx_string("HEAD"), NGX_HTTP_HEAD },
    { ngx_string("POST"), NGX_HTTP_POST },
    { ngx_string("PUT"), NGX_HTTP_PUT },
    { ngx_string("PATCH"), NGX_HTTP_PATCH },
    { ngx_string("DELETE"), NGX_HTTP_DELETE },
    { ngx_string("OPTIONS"), NGX_HTTP_OPTIONS },
    ngx_http_intake_null_choice
};


char *
ngx_http_intake_set_challenge(ngx_conf_t *cf, ngx_http_intake_directive_t *d,
    void *conf)
{
    ngx_http_intake_platform_conf_t *pc = conf;

    ngx_int_t                     i, n;
    ngx_str_t                    *value;
    ngx_array_t                  *paths;
    ngx_http_intake_challenge_t   challenge, *c;

    value = cf->args->elts;
    paths = pc->platform.paths;

    ngx_memzero(&challenge, sizeof(ngx_http_intake_challenge_t));

    i = ngx_http_intake_parse_conditions(cf, paths, &challenge);
    if (i == NGX_ERROR) {
        return NGX_CONF_ERROR;
    }

    n = ngx_http_intake_parse_reply(cf, paths, &value[i], cf->args->nelts - i,
                                    200, 599, "challenge", &challenge.reply);
    if (n == NGX_ERROR) {
        return NGX_CONF_ERROR;
    }

    for (i += n; i < (ngx_int_t) cf->args->nelts; i++) {
        if (ngx_http_intake_parse_header(cf, paths, &value[i], &challenge)
            != NGX_OK)
        {
            return NGX_CONF_ERROR;
        }
    }

    if (!challenge.verified
        && ngx_http_intake_check_signs(cf, &challenge) != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    if (pc->platform.challenges == NULL) {
        pc->platform.challenges = ngx_array_create(cf->pool, 2,
                                         sizeof(ngx_http_intake_challenge_t));
        if (pc->platform.challenges == NULL) {
            return NGX_CONF_ERROR;
        }
    }

    c = ngx_array_push(pc->platform.challenges);
    if (c == NULL) {
        return NGX_CONF_ERROR;
    }

    *c = challenge;

    return NGX_CONF_OK;
}


/* up to the arrow; the number of the argument after it, or NGX_ERROR */

static ngx_int_t
ngx_http_intake_parse_conditions(ngx_conf_t *cf, ngx_array_t *paths,
    ngx_http_intake_challenge_t *challenge)
{
    ngx_int_t               rc, method;
    ngx_str_t              *value;
    ngx_uint_t              i;
    ngx_http_intake_src_t  *last;

    value = cf->args->elts;

    method = ngx_http_intake_choose(cf, ngx_http_intake_challenge_methods,
                                    &value[1], "method", "challenge");
    if (method == NGX_ERROR) {
        return NGX_ERROR;
    }

    challenge->method = method;
    last = NULL;

    for (i = 2; i < cf->args->nelts; i++) {

        if (ngx_strcmp(value[i].data, "->") == 0) {
            return i + 1;
        }

        rc = ngx_http_intake_src_option(cf, &value[i], "challenge", last);

        if (rc == NGX_DECLINED) {
            rc = ngx_http_intake_parse_condition(cf, paths, &value[i],
                                                 challenge, &last);
        }

        if (rc != NGX_OK) {
            return NGX_ERROR;
        }
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "no \"->\" in \"challenge\", write the answer after "
                       "it, such as -> 200 text/plain \"${query:challenge}\"");

    return NGX_ERROR;
}


/*
 * Without "verified" anybody gets an answer, and what it signs must never be
 * a delivery: only one value at a time, which is tested when it comes.
 */

static ngx_int_t
ngx_http_intake_check_signs(ngx_conf_t *cf,
    ngx_http_intake_challenge_t *challenge)
{
    ngx_uint_t                 i, total, tested;
    ngx_http_intake_word_t    *word, *argument;
    ngx_http_intake_header_t  *header;

    total = 0;
    tested = 0;

    (void) ngx_http_intake_walk(challenge->reply.body,
                                ngx_http_intake_count_hmac, &total);

    if (challenge->headers) {
        header = challenge->headers->elts;

        for (i = 0; i < challenge->headers->nelts; i++) {
            (void) ngx_http_intake_walk(header[i].value,
                                        ngx_http_intake_count_hmac, &total);
        }
    }

    if (challenge->reply.body) {
        word = challenge->reply.body->elts;

        for (i = 0; i < challenge->reply.body->nelts; i++) {

            if (word[i].type != NGX_HTTP_INTAKE_WORD_HMAC) {
                continue;
            }

            argument = word[i].words->elts;

            if (argument->type == NGX_HTTP_INTAKE_WORD_SRC) {
                tested++;
            }
        }
    }

    if (total != tested) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "$hmac() in \"challenge\" without \"verified\" "
                           "would sign deliveries for anybody, write it in "
                           "the body with one source, such as "
                           "$hmac(sha256,hex,query:NAME)");
        return NGX_ERROR;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_intake_count_hmac(void *data, ngx_http_intake_word_t *word)
{
    ngx_uint_t  *total = data;

    if (word->type == NGX_HTTP_INTAKE_WORD_HMAC) {
        (*total)++;
    }

    return NGX_OK;
}


/* what stands in front of the arrow; *last becomes the SRC it ends with */

static ngx_int_t
ngx_http_intake_parse_condition(ngx_conf_t *cf, ngx_array_t *paths,
    ngx_str_t *arg, ngx_http_intake_challenge_t *challenge,
    ngx_http_intake_src_t **last)
{
    ngx_str_t                 text;
    ngx_http_intake_match_t  *match;

    if (ngx_strcmp(arg->data, "verified") == 0) {
        challenge->verified = 1;
        return NGX_OK;
    }

    if (ngx_http_intake_param(arg, "token=", &text)) {

        if (challenge->token) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "duplicate \"token=\" in \"challenge\"");
            return NGX_ERROR;
        }

        challenge->token = ngx_palloc(cf->pool,
                                      sizeof(ngx_http_intake_src_t));
        if (challenge->token == NULL) {
            return NGX_ERROR;
        }

        *last = challenge->token;

        return ngx_http_intake_parse_src(cf, paths, &text, "challenge",
                                         challenge->token);
    }

    if (challenge->matches == NULL) {
        challenge->matches = ngx_array_create(cf->pool, 2,
                                             sizeof(ngx_http_intake_match_t));
        if (challenge->matches == NULL) {
            return NGX_ERROR;
        }
    }

    match = ngx_array_push(challenge->matches);
    if (match == NULL) {
        return NGX_ERROR;
    }

    *last = &match->src;

    return ngx_http_intake_parse_match(cf, paths, arg, match);
}


static ngx_int_t
ngx_http_intake_parse_match(ngx_conf_t *cf, ngx_array_t *paths,
    ngx_str_t *arg, ngx_http_intake_match_t *match)
{
    u_char     *p;
    ngx_str_t   text;

    ngx_memzero(match, sizeof(ngx_http_intake_match_t));

    text = *arg;

    if (ngx_http_intake_find_value(cf, arg, "challenge", &p) != NGX_OK) {
        return NGX_ERROR;
    }

    if (p) {
        match->equal = 1;
        match->value.data = p + 1;
        match->value.len = text.data + text.len - match->value.data;

        text.len = p - text.data;

        if (match->value.len == 0) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "no value after \"%V\" in \"challenge\", "
                               "write SRC=VALUE, or SRC for any value", arg);
            return NGX_ERROR;
        }
    }

    return ngx_http_intake_parse_src(cf, paths, &text, "challenge",
                                     &match->src);
}
