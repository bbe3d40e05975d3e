
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake_platform.h"
#include "ngx_http_intake_token.h"


/*
 * What is special to senders that are verified by code of their own:
 *
 *  algorithm jwt-hs256|jwt-rs256 [leeway=TIME];
 *  claim NAME ["TEMPLATE"] [digest=sha256] [optional];
 *  algorithm sns;
 */


static ngx_int_t ngx_http_intake_claim_argument(ngx_conf_t *cf, ngx_uint_t n,
    ngx_http_intake_platform_conf_t *pc, ngx_http_intake_claim_t *claim);
static ngx_int_t ngx_http_intake_jwt_src(ngx_conf_t *cf, ngx_array_t *paths,
    ngx_str_t *name, const char *rest, ngx_http_intake_src_t *src);
static char *ngx_http_intake_check_claim_words(ngx_conf_t *cf,
    ngx_http_intake_platform_conf_t *pc);
static char *ngx_http_intake_no_effect(ngx_conf_t *cf,
    ngx_http_intake_platform_t *platform, const char *what,
    ngx_http_intake_position_t *position);
static ngx_uint_t ngx_http_intake_reads_token(
    ngx_http_intake_platform_t *platform);
static ngx_uint_t ngx_http_intake_lists_token(ngx_array_t *srcs);
static ngx_int_t ngx_http_intake_word_of_token(void *data,
    ngx_http_intake_word_t *word);


static ngx_http_intake_choice_t  ngx_http_intake_claim_digests[] = {
    { ngx_string("sha256"), 1 },
    ngx_http_intake_null_choice
};


char *
ngx_http_intake_set_claim(ngx_conf_t *cf, ngx_http_intake_directive_t *d,
    void *conf)
{
    ngx_http_intake_platform_conf_t *pc = conf;

    ngx_str_t                *value;
    ngx_uint_t                i;
    ngx_http_intake_claim_t   claim, *c;

    value = cf->args->elts;

    ngx_memzero(&claim, sizeof(ngx_http_intake_claim_t));

    if (ngx_http_intake_jwt_src(cf, pc->platform.paths, &value[1], "",
                                &claim.src)
        != NGX_OK
        || ngx_http_intake_jwt_src(cf, pc->platform.paths, &value[1], ".*",
                                   &claim.element)
           != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    for (i = 2; i < cf->args->nelts; i++) {
        if (ngx_http_intake_claim_argument(cf, i, pc, &claim) != NGX_OK) {
            return NGX_CONF_ERROR;
        }
    }

    if (claim.digest && claim.value == NULL) {
        return "has \"digest=\" without a template";
    }

    ngx_http_intake_position(cf, &pc->claim);

    /* without "exp" a token is refused anyway */

    if (claim.value == NULL && claim.optional
        && value[1].len == 3 && ngx_strncmp(value[1].data, "exp", 3) == 0)
    {
        pc->platform.exp_optional = 1;
        return NGX_CONF_OK;
    }

    if (claim.value == NULL && claim.optional) {
        return "that is optional needs a template to be tested";
    }

    if (pc->platform.claims == NULL) {
        pc->platform.claims = ngx_array_create(cf->pool, 4,
                                             sizeof(ngx_http_intake_claim_t));
        if (pc->platform.claims == NULL) {
            return NGX_CONF_ERROR;
        }
    }

    c = ngx_array_push(pc->platform.claims);
    if (c == NULL) {
        return NGX_CONF_ERROR;
    }

    *c = claim;

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_http_intake_claim_argument(ngx_conf_t *cf, ngx_uint_t n,
    ngx_http_intake_platform_conf_t *pc, ngx_http_intake_claim_t *claim)
{
    ngx_int_t   rc;
    ngx_str_t  *value, text;

    value = cf->args->elts;

    if (ngx_strcmp(value[n].data, "optional") == 0) {
        claim->optional = 1;
        return NGX_OK;
    }

    rc = ngx_http_intake_single_param(cf, n, "digest=", "claim", &text);

    if (rc == NGX_OK) {
        claim->digest = 1;
        rc = ngx_http_intake_choose(cf, ngx_http_intake_claim_digests, &text,
                                    "digest", "claim");
        return (rc == NGX_ERROR) ? NGX_ERROR : NGX_OK;
    }

    if (rc != NGX_DECLINED) {
        return NGX_ERROR;
    }

    if (claim->value) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "unknown \"%V\" in \"claim\", which is NAME "
                           "[\"TEMPLATE\"] [digest=sha256] [optional]",
                           &value[n]);
        return NGX_ERROR;
    }

    claim->value = ngx_http_intake_parse_template(cf, pc->platform.paths,
                                                  &value[n], "claim");

    return claim->value ? NGX_OK : NGX_ERROR;
}


/* jwt:NAME and the rest of a path */

static ngx_int_t
ngx_http_intake_jwt_src(ngx_conf_t *cf, ngx_array_t *paths, ngx_str_t *name,
    const char *rest, ngx_http_intake_src_t *src)
{
    ngx_str_t  text;

    text.len = sizeof("jwt:") - 1 + name->len + ngx_strlen(rest);
    text.data = ngx_pnalloc(cf->pool, text.len);
    if (text.data == NULL) {
        return NGX_ERROR;
    }

    ngx_sprintf(text.data, "jwt:%V%s", name, rest);

    return ngx_http_intake_parse_src(cf, paths, &text, "claim", src);
}


/* of a platform with an algorithm jwt-* */

char *
ngx_http_intake_check_jwt(ngx_conf_t *cf, ngx_http_intake_platform_conf_t *pc)
{
    u_char                      *jwt;
    ngx_uint_t                   i;
    ngx_http_intake_platform_t  *platform;

    static struct {
        ngx_str_t  name;
        size_t     offset;
    } parts[] = {
        { ngx_string("alg"), offsetof(ngx_http_intake_jwt_t, alg) },
        { ngx_string("crit"), offsetof(ngx_http_intake_jwt_t, crit) },
        { ngx_string("kid"), offsetof(ngx_http_intake_jwt_t, kid) },
        { ngx_string("exp"), offsetof(ngx_http_intake_jwt_t, exp) },
        { ngx_string("nbf"), offsetof(ngx_http_intake_jwt_t, nbf) }
    };

    platform = &pc->platform;

    if (platform->every || pc->encoding_set) {
        return ngx_http_intake_no_effect(cf, platform,
                                         platform->every ? "every"
                                                         : "encoding=",
                                         &pc->signature);
    }

    if (platform->body_digest) {
        return ngx_http_intake_no_effect(cf, platform, "body_digest",
                                         &platform->position);
    }

    if (ngx_http_intake_check_claim_words(cf, pc) != NGX_CONF_OK) {
        return NGX_CONF_ERROR;
    }

    jwt = ngx_palloc(cf->pool, sizeof(ngx_http_intake_jwt_t));
    if (jwt == NULL) {
        return NGX_CONF_ERROR;
    }

    for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        if (ngx_http_intake_jwt_src(cf, platform->paths, &parts[i].name, "",
                           (ngx_http_intake_src_t *) (jwt + parts[i].offset))
            != NGX_OK)
        {
            return NGX_CONF_ERROR;
        }
    }

    platform->jwt = (ngx_http_intake_jwt_t *) jwt;

    return NGX_CONF_OK;
}


/* words that stand for what another directive says */

static char *
ngx_http_intake_check_claim_words(ngx_conf_t *cf,
    ngx_http_intake_platform_conf_t *pc)
{
    ngx_uint_t                   i;
    const char                  *missing;
    ngx_http_intake_claim_t     *claim;
    ngx_http_intake_platform_t  *platform;

    platform = &pc->platform;

    for (i = 0; platform->claims && i < platform->claims->nelts; i++) {

        claim = platform->claims->elts;

        if (claim[i].value == NULL) {
            continue;
        }

        if (platform->timestamp == NULL
            && ngx_http_intake_has_word(claim[i].value,
                                        NGX_HTTP_INTAKE_WORD_TIMESTAMP))
        {
            missing = "timestamp";

        } else if (platform->id == NULL
                   && ngx_http_intake_has_word(claim[i].value,
                                               NGX_HTTP_INTAKE_WORD_ID))
        {
            missing = "id";

        } else {
            continue;
        }

        ngx_http_intake_conf_log(cf, NGX_LOG_EMERG, &pc->claim,
                                 "$%s in \"claim\" of intake_platform \"%V\" "
                                 "without \"%s\"", missing, &platform->name,
                                 missing);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


char *
ngx_http_intake_check_sns(ngx_conf_t *cf, ngx_http_intake_platform_conf_t *pc)
{
    ngx_str_t                    text;
    ngx_uint_t                   i;
    ngx_http_intake_platform_t  *platform;

    platform = &pc->platform;

    if (platform->timestamp) {
        return ngx_http_intake_no_effect(cf, platform, "timestamp",
                                         &pc->timestamp);
    }

    if (platform->body_digest) {
        return ngx_http_intake_no_effect(cf, platform, "body_digest",
                                         &platform->position);
    }

    platform->sns = ngx_palloc(cf->pool, NGX_HTTP_INTAKE_SNS_FIELDS
                                         * sizeof(ngx_http_intake_src_t));
    if (platform->sns == NULL) {
        return NGX_CONF_ERROR;
    }

    for (i = 0; i < NGX_HTTP_INTAKE_SNS_FIELDS; i++) {

        text.len = sizeof("json:") - 1 + ngx_http_intake_sns_names[i].len;
        text.data = ngx_pnalloc(cf->pool, text.len);
        if (text.data == NULL) {
            return NGX_CONF_ERROR;
        }

        ngx_sprintf(text.data, "json:%V", &ngx_http_intake_sns_names[i]);

        if (ngx_http_intake_parse_src(cf, platform->paths, &text, "algorithm",
                                      &platform->sns[i])
            != NGX_OK)
        {
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}


/* of a platform with another algorithm: it has nothing of a token */

char *
ngx_http_intake_check_no_jwt(ngx_conf_t *cf,
    ngx_http_intake_platform_conf_t *pc)
{
    ngx_http_intake_platform_t  *platform;

    platform = &pc->platform;

    if (pc->claim.file.len) {
        return ngx_http_intake_no_effect(cf, platform, "claim", &pc->claim);
    }

    if (pc->leeway_set) {
        return ngx_http_intake_no_effect(cf, platform, "leeway=",
                                         &platform->position);
    }

    if (ngx_http_intake_reads_token(platform)) {
        ngx_http_intake_conf_log(cf, NGX_LOG_EMERG, &platform->position,
                                 "\"jwt:\" in intake_platform \"%V\" with "
                                 "\"algorithm %V\": there is no token",
                                 &platform->name,
                                 ngx_intake_algorithm_name(
                                                       platform->algorithm));
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_intake_no_effect(ngx_conf_t *cf,
    ngx_http_intake_platform_t *platform, const char *what,
    ngx_http_intake_position_t *position)
{
    ngx_http_intake_conf_log(cf, NGX_LOG_EMERG, position,
                             "\"%s\" in intake_platform \"%V\" has no effect "
                             "with \"algorithm %V\", leave it out",
                             what, &platform->name,
                             ngx_intake_algorithm_name(platform->algorithm));

    return NGX_CONF_ERROR;
}


static ngx_uint_t
ngx_http_intake_reads_token(ngx_http_intake_platform_t *platform)
{
    return (platform->timestamp
            && platform->timestamp->kind == NGX_HTTP_INTAKE_SRC_JWT)
           || ngx_http_intake_lists_token(platform->id)
           || ngx_http_intake_lists_token(platform->type)
           || ngx_http_intake_walk(platform->signed_string,
                                   ngx_http_intake_word_of_token, NULL)
              != NGX_OK;
}


static ngx_uint_t
ngx_http_intake_lists_token(ngx_array_t *srcs)
{
    ngx_uint_t              i;
    ngx_http_intake_src_t  *src;

    if (srcs == NULL) {
        return 0;
    }

    src = srcs->elts;

    for (i = 0; i < srcs->nelts; i++) {
        if (src[i].kind == NGX_HTTP_INTAKE_SRC_JWT) {
            return 1;
        }
    }

    return 0;
}


static ngx_int_t
ngx_http_intake_word_of_token(void *data, ngx_http_intake_word_t *word)
{
    return (word->type == NGX_HTTP_INTAKE_WORD_SRC
            && word->src.kind == NGX_HTTP_INTAKE_SRC_JWT)
           ? NGX_DECLINED : NGX_OK;
}
