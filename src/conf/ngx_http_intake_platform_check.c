
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake_platform.h"
#include "ngx_http_intake_token.h"


/*
 * What can be tested only when all of intake_platform { } is known: that its
 * directives fit the algorithm and each other.
 */


static char *ngx_http_intake_check_unsigned(ngx_conf_t *cf,
    ngx_http_intake_platform_conf_t *pc);
static char *ngx_http_intake_check_signed(ngx_conf_t *cf,
    ngx_http_intake_platform_conf_t *pc);
static char *ngx_http_intake_check_digest(ngx_conf_t *cf,
    ngx_http_intake_platform_conf_t *pc);
static char *ngx_http_intake_check_signature(ngx_conf_t *cf,
    ngx_http_intake_platform_conf_t *pc);
static char *ngx_http_intake_check_own(ngx_conf_t *cf,
    ngx_http_intake_platform_conf_t *pc);
static char *ngx_http_intake_check_words(ngx_conf_t *cf,
    ngx_http_intake_platform_conf_t *pc);
static ngx_int_t ngx_http_intake_word_of_request(void *data,
    ngx_http_intake_word_t *word);


char *
ngx_http_intake_check_platform(ngx_conf_t *cf,
    ngx_http_intake_platform_conf_t *pc)
{
    char                        *rv;
    ngx_http_intake_platform_t  *platform;

    platform = &pc->platform;

    if (!pc->algorithm_set) {
        ngx_http_intake_conf_log(cf, NGX_LOG_EMERG, &platform->position,
                                 "no \"algorithm\" in intake_platform "
                                 "\"%V\": write how its deliveries are "
                                 "verified, such as \"algorithm "
                                 "hmac-sha256;\", or \"algorithm none;\" if "
                                 "they cannot be", &platform->name);
        return NGX_CONF_ERROR;
    }

    switch (platform->algorithm) {

    case NGX_INTAKE_ALGORITHM_NONE:
    case NGX_INTAKE_ALGORITHM_BASIC:
    case NGX_INTAKE_ALGORITHM_EQUAL:
    case NGX_INTAKE_ALGORITHM_JWT_HS256:
    case NGX_INTAKE_ALGORITHM_JWT_RS256:
    case NGX_INTAKE_ALGORITHM_SNS:
        rv = ngx_http_intake_check_unsigned(cf, pc);
        break;

    default:
        rv = ngx_http_intake_check_signed(cf, pc);
    }

    if (rv != NGX_CONF_OK
        || ngx_http_intake_check_signature(cf, pc) != NGX_CONF_OK
        || ngx_http_intake_check_own(cf, pc) != NGX_CONF_OK
        || ngx_http_intake_check_words(cf, pc) != NGX_CONF_OK
        || ngx_http_intake_check_coverage(cf, pc) != NGX_CONF_OK
        || ngx_http_intake_check_headers(cf, platform->headers, platform,
                                         &pc->headers)
           != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


/* there is no string that is signed, or it is known */

static char *
ngx_http_intake_check_unsigned(ngx_conf_t *cf,
    ngx_http_intake_platform_conf_t *pc)
{
    const char                  *what;
    ngx_http_intake_platform_t  *platform;
    ngx_http_intake_position_t  *position;

    platform = &pc->platform;

    if (platform->signed_string) {
        what = "signed";
        position = &pc->signed_string;

    } else if (pc->key.file.len && !ngx_http_intake_is_jwt(platform)) {
        what = "key";
        position = &pc->key;

    } else if (platform->url_port_variants || platform->url_decode) {
        what = platform->url_decode ? "url_decode" : "url_variants";
        position = &pc->url;

    } else {
        return NGX_CONF_OK;
    }

    ngx_http_intake_conf_log(cf, NGX_LOG_EMERG, position,
                             "\"%s\" in intake_platform \"%V\" has no effect "
                             "with \"algorithm %V\", leave it out",
                             what, &platform->name,
                             ngx_intake_algorithm_name(platform->algorithm));

    return NGX_CONF_ERROR;
}


static char *
ngx_http_intake_check_signed(ngx_conf_t *cf,
    ngx_http_intake_platform_conf_t *pc)
{
    ngx_uint_t                   digest;
    ngx_http_intake_platform_t  *platform;

    platform = &pc->platform;

    digest = platform->algorithm == NGX_INTAKE_ALGORITHM_MD5
             || platform->algorithm == NGX_INTAKE_ALGORITHM_SHA1
             || platform->algorithm == NGX_INTAKE_ALGORITHM_SHA256;

    if (platform->signed_string == NULL) {
        ngx_http_intake_conf_log(cf, NGX_LOG_EMERG, &platform->position,
                                 "no \"signed\" in intake_platform \"%V\": "
                                 "write the string that the sender signs, "
                                 "such as signed \"%s$body\";",
                                 &platform->name, digest ? "$secret" : "");
        return NGX_CONF_ERROR;
    }

    if (ngx_http_intake_walk(platform->signed_string,
                             ngx_http_intake_word_of_request, NULL)
        == NGX_OK)
    {
        ngx_http_intake_conf_log(cf, NGX_LOG_EMERG, &pc->signed_string,
                                 "\"signed\" in intake_platform \"%V\" is the "
                                 "same for every request: write what of the "
                                 "request is signed, such as $body",
                                 &platform->name);
        return NGX_CONF_ERROR;
    }

    if (digest && ngx_http_intake_check_digest(cf, pc) != NGX_CONF_OK) {
        return NGX_CONF_ERROR;
    }

    if ((platform->url_port_variants || platform->url_decode)
        && !ngx_http_intake_has_word(platform->signed_string,
                                     NGX_HTTP_INTAKE_WORD_URL))
    {
        ngx_http_intake_conf_log(cf, NGX_LOG_EMERG, &pc->url,
                                 "\"%s\" in intake_platform \"%V\" has no "
                                 "effect: \"signed\" has no $url",
                                 platform->url_decode ? "url_decode"
                                                      : "url_variants",
                                 &platform->name);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


/* the secret is a part of what is digested, as it is written */

static char *
ngx_http_intake_check_digest(ngx_conf_t *cf,
    ngx_http_intake_platform_conf_t *pc)
{
    ngx_http_intake_platform_t  *platform;

    platform = &pc->platform;

    if (!ngx_http_intake_has_word(platform->signed_string,
                                  NGX_HTTP_INTAKE_WORD_SECRET))
    {
        ngx_http_intake_conf_log(cf, NGX_LOG_EMERG, &pc->signed_string,
                                 "no $secret in \"signed\" of intake_platform "
                                 "\"%V\": everybody can compute a plain "
                                 "digest", &platform->name);
        return NGX_CONF_ERROR;
    }

    if (pc->key.file.len) {
        ngx_http_intake_conf_log(cf, NGX_LOG_EMERG, &pc->key,
                                 "\"key\" in intake_platform \"%V\" has no "
                                 "effect with \"algorithm %V\", leave it out: "
                                 "$secret is the text as it is",
                                 &platform->name,
                                 ngx_intake_algorithm_name(
                                                       platform->algorithm));
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_intake_check_signature(ngx_conf_t *cf,
    ngx_http_intake_platform_conf_t *pc)
{
    ngx_str_t                   *algorithm;
    ngx_http_intake_platform_t  *platform;

    platform = &pc->platform;
    algorithm = ngx_intake_algorithm_name(platform->algorithm);

    if (platform->algorithm == NGX_INTAKE_ALGORITHM_NONE
        || platform->algorithm == NGX_INTAKE_ALGORITHM_BASIC
        || platform->algorithm == NGX_INTAKE_ALGORITHM_SNS)
    {
        if (platform->signature == NULL) {
            return NGX_CONF_OK;
        }

        ngx_http_intake_conf_log(cf, NGX_LOG_EMERG, &pc->signature,
                                 "\"signature\" in intake_platform \"%V\" has "
                                 "no effect with \"algorithm %V\", leave it "
                                 "out%s", &platform->name, algorithm,
                                 platform->algorithm
                                     == NGX_INTAKE_ALGORITHM_BASIC
                                     ? ": the header is Authorization" : "");
        return NGX_CONF_ERROR;
    }

    if (platform->signature == NULL) {
        ngx_http_intake_conf_log(cf, NGX_LOG_EMERG, &platform->position,
                                 "no \"signature\" in intake_platform "
                                 "\"%V\": write where the sender puts it, "
                                 "such as \"signature header:X-Signature;\"",
                                 &platform->name);
        return NGX_CONF_ERROR;
    }

    if (platform->signature->kind == NGX_HTTP_INTAKE_SRC_CONF
        || platform->signature->kind == NGX_HTTP_INTAKE_SRC_JWT)
    {
        ngx_http_intake_conf_log(cf, NGX_LOG_EMERG, &pc->signature,
                                 "\"signature\" in intake_platform \"%V\" is "
                                 "not of the request", &platform->name);
        return NGX_CONF_ERROR;
    }

    if (platform->algorithm != NGX_INTAKE_ALGORITHM_EQUAL) {
        return NGX_CONF_OK;
    }

    if (pc->encoding_set) {
        ngx_http_intake_conf_log(cf, NGX_LOG_EMERG, &pc->signature,
                                 "\"encoding=\" of \"signature\" in "
                                 "intake_platform \"%V\" has no effect with "
                                 "\"algorithm equal\", leave it out: the text "
                                 "is compared as it is", &platform->name);
        return NGX_CONF_ERROR;
    }

    platform->signature_encoding = NGX_INTAKE_ENCODING_RAW;

    return NGX_CONF_OK;
}


/* what belongs to the code of its own that some algorithms have */

static char *
ngx_http_intake_check_own(ngx_conf_t *cf, ngx_http_intake_platform_conf_t *pc)
{
    if (ngx_http_intake_is_jwt(&pc->platform)) {
        return ngx_http_intake_check_jwt(cf, pc);
    }

    if (pc->platform.algorithm == NGX_INTAKE_ALGORITHM_SNS
        && ngx_http_intake_check_sns(cf, pc) != NGX_CONF_OK)
    {
        return NGX_CONF_ERROR;
    }

    return ngx_http_intake_check_no_jwt(cf, pc);
}


/* words that stand for what another directive says */

static char *
ngx_http_intake_check_words(ngx_conf_t *cf,
    ngx_http_intake_platform_conf_t *pc)
{
    ngx_http_intake_platform_t  *platform;

    platform = &pc->platform;

    if (platform->timestamp == NULL && platform->signed_string
        && ngx_http_intake_has_word(platform->signed_string,
                                    NGX_HTTP_INTAKE_WORD_TIMESTAMP))
    {
        ngx_http_intake_conf_log(cf, NGX_LOG_EMERG, &pc->signed_string,
                                 "$timestamp in \"signed\" of intake_platform "
                                 "\"%V\" without \"timestamp\": write where "
                                 "it stands, such as \"timestamp "
                                 "header:X-Timestamp;\"", &platform->name);
        return NGX_CONF_ERROR;
    }

    if (platform->id == NULL && platform->signed_string
        && ngx_http_intake_has_word(platform->signed_string,
                                    NGX_HTTP_INTAKE_WORD_ID))
    {
        ngx_http_intake_conf_log(cf, NGX_LOG_EMERG, &pc->signed_string,
                                 "$id in \"signed\" of intake_platform "
                                 "\"%V\" without \"id\": write where it "
                                 "stands, such as \"id header:X-Id;\"",
                                 &platform->name);
        return NGX_CONF_ERROR;
    }

    if (platform->timestamp == NULL && platform->answer
        && platform->answer->body
        && ngx_http_intake_has_word(platform->answer->body,
                                    NGX_HTTP_INTAKE_WORD_TIMESTAMP))
    {
        ngx_http_intake_conf_log(cf, NGX_LOG_EMERG, &pc->answer,
                                 "$timestamp in \"answer\" of intake_platform "
                                 "\"%V\" without \"timestamp\"",
                                 &platform->name);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_http_intake_word_of_request(void *data, ngx_http_intake_word_t *word)
{
    switch (word->type) {

    case NGX_HTTP_INTAKE_WORD_LITERAL:
    case NGX_HTTP_INTAKE_WORD_SECRET:
    case NGX_HTTP_INTAKE_WORD_METHOD:
    case NGX_HTTP_INTAKE_WORD_SORTED:
    case NGX_HTTP_INTAKE_WORD_HMAC:
        return NGX_OK;

    case NGX_HTTP_INTAKE_WORD_SRC:
        return word->src.kind == NGX_HTTP_INTAKE_SRC_CONF ? NGX_OK
                                                          : NGX_DECLINED;

    default:
        return NGX_DECLINED;
    }
}


ngx_int_t
ngx_http_intake_walk(ngx_http_intake_template_t *template,
    ngx_http_intake_word_pt handler, void *data)
{
    ngx_int_t                rc;
    ngx_uint_t               i;
    ngx_http_intake_word_t  *word;

    if (template == NULL) {
        return NGX_OK;
    }

    word = template->elts;

    for (i = 0; i < template->nelts; i++) {
        rc = handler(data, &word[i]);

        if (rc == NGX_OK) {
            rc = ngx_http_intake_walk(word[i].words, handler, data);
        }

        if (rc != NGX_OK) {
            return rc;
        }
    }

    return NGX_OK;
}
