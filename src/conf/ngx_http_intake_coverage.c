
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake_platform.h"
#include "ngx_http_intake_token.h"


/*
 * What the signature covers, and whether the body must be read before it can
 * be checked.
 */


typedef struct {
    ngx_http_intake_platform_t  *platform;
    ngx_http_intake_src_t       *src;
} ngx_http_intake_cover_t;


static void ngx_http_intake_check_timestamp(ngx_conf_t *cf,
    ngx_http_intake_platform_conf_t *pc);
static char *ngx_http_intake_check_id(ngx_conf_t *cf,
    ngx_http_intake_platform_conf_t *pc);
static ngx_uint_t ngx_http_intake_is_covered(
    ngx_http_intake_platform_t *platform, ngx_http_intake_src_t *src);
static ngx_uint_t ngx_http_intake_token_covers(
    ngx_http_intake_platform_t *platform, ngx_http_intake_src_t *src);
static ngx_uint_t ngx_http_intake_sns_covers(
    ngx_http_intake_platform_t *platform, ngx_http_intake_src_t *src);
static ngx_int_t ngx_http_intake_word_covers(void *data,
    ngx_http_intake_word_t *word);
static ngx_uint_t ngx_http_intake_src_covers(ngx_http_intake_src_t *all,
    ngx_http_intake_src_t *part);

static const char  *ngx_http_intake_src_prefixes[] = {
    "header:", "query:", "form:", "json:", "conf:", "xml:", "jwt:", "@"
};


/* what covers a value, and how more of them are */

#define ngx_http_intake_covering(platform)                                    \
    ((platform)->jwt ? "the token"                                            \
     : (platform)->sns ? "the signature of SNS" : "\"signed\"")
#define ngx_http_intake_to_cover(platform)                                    \
    ((platform)->jwt ? ", or test it with \"claim\""                          \
     : (platform)->sns ? "" : ", or name it in \"signed\"")


char *
ngx_http_intake_check_coverage(ngx_conf_t *cf,
    ngx_http_intake_platform_conf_t *pc)
{
    if (ngx_http_intake_check_id(cf, pc) != NGX_CONF_OK) {
        return NGX_CONF_ERROR;
    }

    ngx_http_intake_check_timestamp(cf, pc);

    return NGX_CONF_OK;
}


static void
ngx_http_intake_check_timestamp(ngx_conf_t *cf,
    ngx_http_intake_platform_conf_t *pc)
{
    ngx_http_intake_platform_t  *platform;

    platform = &pc->platform;

    if (platform->timestamp == NULL || platform->tolerance == 0
        || ngx_http_intake_is_covered(platform, platform->timestamp))
    {
        return;
    }

    ngx_http_intake_conf_log(cf, NGX_LOG_WARN, &pc->timestamp,
                             "\"timestamp %s%V\" of intake_platform \"%V\" is "
                             "not in %s: it does not keep a delivery "
                             "from being sent again with another time",
                             ngx_http_intake_src_prefixes[
                                                  platform->timestamp->kind],
                             &platform->timestamp->name, &platform->name,
                             ngx_http_intake_covering(platform));
}


/*
 * An id that the signature does not cover can be replaced by whoever sends a
 * captured delivery again; such an id is taken as "unsigned" even if that is
 * not written, because a key that only looks signed would let the copy pass.
 * It is not an error: what is stored is right without the word.  Where a
 * token stands for a signature (equal, basic) the sender is known, and with
 * none there is nothing to be known, so the id is as good as the rest.
 */

static char *
ngx_http_intake_check_id(ngx_conf_t *cf, ngx_http_intake_platform_conf_t *pc)
{
    ngx_uint_t                   i;
    ngx_http_intake_src_t       *src;
    ngx_http_intake_platform_t  *platform;

    platform = &pc->platform;

    if (platform->id == NULL) {
        return NGX_CONF_OK;
    }

    src = platform->id->elts;

    for (i = 0; i < platform->id->nelts; i++) {

        if (src[i].kind == NGX_HTTP_INTAKE_SRC_CONF) {
            ngx_http_intake_conf_log(cf, NGX_LOG_EMERG, &pc->id,
                                     "\"id conf:%V\" in intake_platform "
                                     "\"%V\" is the same for every delivery",
                                     &src[i].name, &platform->name);
            return NGX_CONF_ERROR;
        }

        if (platform->id_unsigned
            || ngx_http_intake_is_covered(platform, &src[i]))
        {
            continue;
        }

        ngx_http_intake_conf_log(cf, NGX_LOG_WARN, &pc->id,
                                 "\"id %s%V\" of intake_platform \"%V\" is "
                                 "not covered by %s and taken as unsigned: "
                                 "write \"unsigned\" after it%s",
                                 ngx_http_intake_src_prefixes[src[i].kind],
                                 &src[i].name, &platform->name,
                                 ngx_http_intake_covering(platform),
                                 ngx_http_intake_to_cover(platform));

        platform->id_unsigned = 1;
    }

    return NGX_CONF_OK;
}


static ngx_uint_t
ngx_http_intake_is_covered(ngx_http_intake_platform_t *platform,
    ngx_http_intake_src_t *src)
{
    ngx_http_intake_cover_t  cover;

    /* a document is signed with the parameter that it is */

    if (src->kind == NGX_HTTP_INTAKE_SRC_JSON && platform->document
        && ngx_http_intake_is_covered(platform, platform->document))
    {
        return 1;
    }

    if (platform->jwt) {
        return ngx_http_intake_token_covers(platform, src);
    }

    if (platform->sns) {
        return ngx_http_intake_sns_covers(platform, src);
    }

    if (platform->signed_string == NULL) {
        return 1;
    }

    /* a digest of the body is signed with what it stands in */

    if (platform->body_digest && src != platform->body_digest
        && (ngx_http_intake_is_document(src)
            || src->kind == NGX_HTTP_INTAKE_SRC_FORM)
        && ngx_http_intake_is_covered(platform, platform->body_digest))
    {
        return 1;
    }

    cover.platform = platform;
    cover.src = src;

    return ngx_http_intake_walk(platform->signed_string,
                                ngx_http_intake_word_covers, &cover)
           != NGX_OK;
}


/* what it says itself, and what its claims must equal */

static ngx_uint_t
ngx_http_intake_token_covers(ngx_http_intake_platform_t *platform,
    ngx_http_intake_src_t *src)
{
    ngx_uint_t                i;
    ngx_http_intake_claim_t  *claim;
    ngx_http_intake_cover_t   cover;

    if (src->kind == NGX_HTTP_INTAKE_SRC_JWT) {
        return 1;
    }

    if (platform->claims == NULL) {
        return 0;
    }

    cover.platform = platform;
    cover.src = src;

    claim = platform->claims->elts;

    for (i = 0; i < platform->claims->nelts; i++) {
        if (ngx_http_intake_walk(claim[i].value, ngx_http_intake_word_covers,
                                 &cover)
            != NGX_OK)
        {
            return 1;
        }
    }

    return 0;
}


static ngx_uint_t
ngx_http_intake_sns_covers(ngx_http_intake_platform_t *platform,
    ngx_http_intake_src_t *src)
{
    ngx_uint_t  i;

    for (i = 0; i < NGX_HTTP_INTAKE_SNS_FIELDS; i++) {

        if (src->kind == NGX_HTTP_INTAKE_SRC_JSON
            && src->path == platform->sns[i].path)
        {
            return ngx_http_intake_sns_is_signed(i);
        }
    }

    return 0;
}


static ngx_int_t
ngx_http_intake_word_covers(void *data, ngx_http_intake_word_t *word)
{
    ngx_http_intake_cover_t *cover = data;

    ngx_uint_t              i, covers;
    ngx_http_intake_src_t  *src, *id;

    src = cover->src;
    covers = 0;

    switch (word->type) {

    case NGX_HTTP_INTAKE_WORD_BODY:

        /* of a GET form: reads the query */

        covers = ngx_http_intake_is_document(src)
                 || (src->kind == NGX_HTTP_INTAKE_SRC_FORM
                     && !(cover->platform->methods & NGX_HTTP_GET));
        break;

    case NGX_HTTP_INTAKE_WORD_FORM_SORTED:
        covers = src->kind == NGX_HTTP_INTAKE_SRC_FORM;
        break;

    case NGX_HTTP_INTAKE_WORD_PARAMS_AMP:
        covers = (src->kind == NGX_HTTP_INTAKE_SRC_FORM
                  || src->kind == NGX_HTTP_INTAKE_SRC_QUERY)
                 && !ngx_http_intake_same(&src->name, &word->text);
        break;

    case NGX_HTTP_INTAKE_WORD_URL:
    case NGX_HTTP_INTAKE_WORD_PATH:
        covers = src->kind == NGX_HTTP_INTAKE_SRC_QUERY;
        break;

    case NGX_HTTP_INTAKE_WORD_TIMESTAMP:
        if (cover->platform->timestamp) {
            covers = ngx_http_intake_src_covers(cover->platform->timestamp,
                                                src);
        }

        break;

    case NGX_HTTP_INTAKE_WORD_ID:
        if (cover->platform->id) {
            id = cover->platform->id->elts;

            for (i = 0; i < cover->platform->id->nelts; i++) {
                covers |= ngx_http_intake_src_covers(&id[i], src);
            }
        }

        break;

    case NGX_HTTP_INTAKE_WORD_SRC:
        covers = ngx_http_intake_src_covers(&word->src, src);
        break;

    default:
        break;
    }

    return covers ? NGX_DECLINED : NGX_OK;
}


/* the whole of a value covers what split= and prefix= take from it */

static ngx_uint_t
ngx_http_intake_src_covers(ngx_http_intake_src_t *all,
    ngx_http_intake_src_t *part)
{
    if (all->kind != part->kind
        || !ngx_http_intake_same(&all->name, &part->name))
    {
        return 0;
    }

    if (all->split == 0 && all->prefix.len == 0) {
        return 1;
    }

    return all->split == part->split
           && ngx_http_intake_same(&all->prefix, &part->prefix);
}
