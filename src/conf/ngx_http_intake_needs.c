
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake.h"
#include "ngx_http_intake_token.h"


/*
 * What a platform's rules need of the source that uses them: $url a
 * "url_base", conf:NAME a "set NAME".
 */


static char *ngx_http_intake_token_needs(ngx_conf_t *cf,
    ngx_http_intake_source_t *source);
static char *ngx_http_intake_template_needs(ngx_conf_t *cf,
    ngx_http_intake_source_t *source, ngx_http_intake_template_t *template);
static char *ngx_http_intake_src_needs(ngx_conf_t *cf,
    ngx_http_intake_source_t *source, ngx_http_intake_src_t *src);
static ngx_uint_t ngx_http_intake_has_set(ngx_http_intake_source_t *source,
    ngx_str_t *name);
static char *ngx_http_intake_challenge_needs(ngx_conf_t *cf,
    ngx_http_intake_source_t *source, ngx_http_intake_challenge_t *challenge);


char *
ngx_http_intake_check_needs(ngx_conf_t *cf, ngx_http_intake_source_t *source)
{
    ngx_uint_t                    i;
    ngx_http_intake_platform_t   *platform;
    ngx_http_intake_challenge_t  *challenge;

    platform = source->platform;

    if (ngx_http_intake_src_needs(cf, source, platform->signature)
        != NGX_CONF_OK
        || ngx_http_intake_src_needs(cf, source, platform->timestamp)
           != NGX_CONF_OK
        || ngx_http_intake_src_needs(cf, source, platform->body_digest)
           != NGX_CONF_OK
        || ngx_http_intake_template_needs(cf, source, platform->signed_string)
           != NGX_CONF_OK
        || ngx_http_intake_token_needs(cf, source) != NGX_CONF_OK)
    {
        return NGX_CONF_ERROR;
    }

    if (source->answer
        && ngx_http_intake_template_needs(cf, source, source->answer->body)
           != NGX_CONF_OK)
    {
        return NGX_CONF_ERROR;
    }

    if (platform->challenges == NULL) {
        return NGX_CONF_OK;
    }

    challenge = platform->challenges->elts;

    for (i = 0; i < platform->challenges->nelts; i++) {
        if (ngx_http_intake_challenge_needs(cf, source, &challenge[i])
            != NGX_CONF_OK)
        {
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_intake_token_needs(ngx_conf_t *cf, ngx_http_intake_source_t *source)
{
    ngx_uint_t                i;
    ngx_array_t              *claims;
    ngx_http_intake_claim_t  *claim;

    static ngx_str_t  topic = ngx_string("topic");

    if (source->platform->sns && !ngx_http_intake_has_set(source, &topic)) {
        ngx_http_intake_conf_log(cf, NGX_LOG_WARN, &source->position,
                                 "no \"set topic\" in intake_source \"%V\": "
                                 "the topics of all customers of SNS may send "
                                 "to it, write \"set topic ARN;\"",
                                 &source->name);
    }

    claims = source->platform->claims;

    if (claims == NULL) {
        return NGX_CONF_OK;
    }

    claim = claims->elts;

    for (i = 0; i < claims->nelts; i++) {
        if (ngx_http_intake_template_needs(cf, source, claim[i].value)
            != NGX_CONF_OK)
        {
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_intake_challenge_needs(ngx_conf_t *cf,
    ngx_http_intake_source_t *source, ngx_http_intake_challenge_t *challenge)
{
    ngx_uint_t                 i;
    ngx_http_intake_match_t   *match;
    ngx_http_intake_header_t  *header;

    if (challenge->token && source->verify_tokens == NULL) {
        ngx_http_intake_conf_log(cf, NGX_LOG_WARN, &source->position,
                                 "no \"verify_token\" in intake_source "
                                 "\"%V\": the handshake of platform \"%V\" "
                                 "will be refused, write \"verify_token "
                                 "file:PATH;\"",
                                 &source->name, &source->platform->name);
    }

    if (challenge->matches) {
        match = challenge->matches->elts;

        for (i = 0; i < challenge->matches->nelts; i++) {
            if (ngx_http_intake_src_needs(cf, source, &match[i].src)
                != NGX_CONF_OK)
            {
                return NGX_CONF_ERROR;
            }
        }
    }

    if (challenge->headers) {
        header = challenge->headers->elts;

        for (i = 0; i < challenge->headers->nelts; i++) {
            if (ngx_http_intake_template_needs(cf, source, header[i].value)
                != NGX_CONF_OK)
            {
                return NGX_CONF_ERROR;
            }
        }
    }

    return ngx_http_intake_template_needs(cf, source, challenge->reply.body);
}


static char *
ngx_http_intake_template_needs(ngx_conf_t *cf,
    ngx_http_intake_source_t *source, ngx_http_intake_template_t *template)
{
    ngx_uint_t               i;
    ngx_http_intake_word_t  *word;

    if (template == NULL) {
        return NGX_CONF_OK;
    }

    word = template->elts;

    for (i = 0; i < template->nelts; i++) {

        if (word[i].type == NGX_HTTP_INTAKE_WORD_URL
            && source->url_base.len == 0)
        {
            ngx_http_intake_conf_log(cf, NGX_LOG_EMERG, &source->position,
                                     "no \"url_base\" in intake_source "
                                     "\"%V\": platform \"%V\" signs the URL, "
                                     "write \"url_base https://HOST;\" as "
                                     "the platform knows this site",
                                     &source->name, &source->platform->name);
            return NGX_CONF_ERROR;
        }

        if (word[i].type == NGX_HTTP_INTAKE_WORD_SRC
            && ngx_http_intake_src_needs(cf, source, &word[i].src)
               != NGX_CONF_OK)
        {
            return NGX_CONF_ERROR;
        }

        /* the words of $sorted() and $hmac() are one level deep */

        if (word[i].words
            && ngx_http_intake_template_needs(cf, source, word[i].words)
               != NGX_CONF_OK)
        {
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_intake_src_needs(ngx_conf_t *cf, ngx_http_intake_source_t *source,
    ngx_http_intake_src_t *src)
{
    if (src == NULL || src->kind != NGX_HTTP_INTAKE_SRC_CONF
        || ngx_http_intake_has_set(source, &src->name))
    {
        return NGX_CONF_OK;
    }

    ngx_http_intake_conf_log(cf, NGX_LOG_EMERG, &source->position,
                             "no \"set %V\" in intake_source \"%V\": platform "
                             "\"%V\" needs it, write \"set %V VALUE;\"",
                             &src->name, &source->name,
                             &source->platform->name, &src->name);

    return NGX_CONF_ERROR;
}


static ngx_uint_t
ngx_http_intake_has_set(ngx_http_intake_source_t *source, ngx_str_t *name)
{
    ngx_uint_t     i;
    ngx_keyval_t  *kv;

    if (source->set == NULL) {
        return 0;
    }

    kv = source->set->elts;

    for (i = 0; i < source->set->nelts; i++) {
        if (kv[i].key.len == name->len
            && ngx_strncmp(kv[i].key.data, name->data, name->len) == 0)
        {
            return 1;
        }
    }

    return 0;
}
