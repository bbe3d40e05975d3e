
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake_platform.h"


/* The directives of intake_platform { } that say how a sender signs. */


/* the argument numbered n; NGX_DECLINED: it is none of the directive's */

typedef ngx_int_t (*ngx_http_intake_option_pt)(ngx_conf_t *cf, ngx_uint_t n,
    ngx_http_intake_platform_conf_t *pc);


static char *ngx_http_intake_set_elements(ngx_conf_t *cf,
    ngx_http_intake_platform_conf_t *pc);
static ngx_int_t ngx_http_intake_signature_option(ngx_conf_t *cf,
    ngx_uint_t n, ngx_http_intake_platform_conf_t *pc);
static ngx_int_t ngx_http_intake_body_digest_option(ngx_conf_t *cf,
    ngx_uint_t n, ngx_http_intake_platform_conf_t *pc);
static ngx_int_t ngx_http_intake_timestamp_option(ngx_conf_t *cf,
    ngx_uint_t n, ngx_http_intake_platform_conf_t *pc);
static char *ngx_http_intake_set_src(ngx_conf_t *cf,
    ngx_http_intake_platform_conf_t *pc, ngx_http_intake_src_t **result,
    const char *what, ngx_http_intake_option_pt option, char *takes);
static ngx_int_t ngx_http_intake_set_encoding(ngx_conf_t *cf, ngx_uint_t n,
    ngx_http_intake_choice_t *encodings, const char *what,
    ngx_intake_encoding_e *encoding);


static ngx_http_intake_choice_t  ngx_http_intake_algorithms[] = {
    { ngx_string("hmac-md5"), NGX_INTAKE_ALGORITHM_HMAC_MD5 },
    { ngx_string("hmac-sha1"), NGX_INTAKE_ALGORITHM_HMAC_SHA1 },
    { ngx_string("hmac-sha256"), NGX_INTAKE_ALGORITHM_HMAC_SHA256 },
    { ngx_string("hmac-sha384"), NGX_INTAKE_ALGORITHM_HMAC_SHA384 },
    { ngx_string("hmac-sha512"), NGX_INTAKE_ALGORITHM_HMAC_SHA512 },
    { ngx_string("md5"), NGX_INTAKE_ALGORITHM_MD5 },
    { ngx_string("sha1"), NGX_INTAKE_ALGORITHM_SHA1 },
    { ngx_string("sha256"), NGX_INTAKE_ALGORITHM_SHA256 },
    { ngx_string("ed25519"), NGX_INTAKE_ALGORITHM_ED25519 },
    { ngx_string("ecdsa-p256-sha256"),
      NGX_INTAKE_ALGORITHM_ECDSA_P256_SHA256 },
    { ngx_string("rsa-sha1"), NGX_INTAKE_ALGORITHM_RSA_SHA1 },
    { ngx_string("rsa-sha256"), NGX_INTAKE_ALGORITHM_RSA_SHA256 },
    { ngx_string("equal"), NGX_INTAKE_ALGORITHM_EQUAL },
    { ngx_string("basic"), NGX_INTAKE_ALGORITHM_BASIC },
    { ngx_string("jwt-hs256"), NGX_INTAKE_ALGORITHM_JWT_HS256 },
    { ngx_string("jwt-rs256"), NGX_INTAKE_ALGORITHM_JWT_RS256 },
    { ngx_string("sns"), NGX_INTAKE_ALGORITHM_SNS },
    { ngx_string("none"), NGX_INTAKE_ALGORITHM_NONE },
    ngx_http_intake_null_choice
};


static ngx_http_intake_choice_t  ngx_http_intake_encodings[] = {
    { ngx_string("hex"), NGX_INTAKE_ENCODING_HEX },
    { ngx_string("base64"), NGX_INTAKE_ENCODING_BASE64 },
    { ngx_string("base64url"), NGX_INTAKE_ENCODING_BASE64URL },
    ngx_http_intake_null_choice
};


static ngx_http_intake_choice_t  ngx_http_intake_key_encodings[] = {
    { ngx_string("raw"), NGX_INTAKE_ENCODING_RAW },
    { ngx_string("base64"), NGX_INTAKE_ENCODING_BASE64 },
    { ngx_string("hex"), NGX_INTAKE_ENCODING_HEX },
    ngx_http_intake_null_choice
};


static ngx_http_intake_choice_t  ngx_http_intake_timestamp_units[] = {
    { ngx_string("s"), NGX_INTAKE_TIME_S },
    { ngx_string("ms"), NGX_INTAKE_TIME_MS },
    { ngx_string("rfc3339"), NGX_INTAKE_TIME_RFC3339 },
    ngx_http_intake_null_choice
};


/* algorithm NAME [leeway=TIME] */

char *
ngx_http_intake_set_algorithm(ngx_conf_t *cf, ngx_http_intake_directive_t *d,
    void *conf)
{
    ngx_http_intake_platform_conf_t *pc = conf;

    ngx_int_t   algorithm, leeway;
    ngx_str_t  *value, text;

    value = cf->args->elts;

    algorithm = ngx_http_intake_choose(cf, ngx_http_intake_algorithms,
                                       &value[1], "algorithm", "algorithm");
    if (algorithm == NGX_ERROR) {
        return NGX_CONF_ERROR;
    }

    pc->platform.algorithm = algorithm;
    pc->algorithm_set = 1;

    if (cf->args->nelts == 2) {
        return NGX_CONF_OK;
    }

    if (!ngx_http_intake_param(&value[2], "leeway=", &text)) {
        return "takes a name and leeway=";
    }

    leeway = ngx_parse_time(&text, 1);

    if (leeway == NGX_ERROR) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid leeway \"%V\" in \"algorithm\", write a "
                           "time of whole seconds, such as 1s", &text);
        return NGX_CONF_ERROR;
    }

    pc->platform.leeway = leeway;
    pc->leeway_set = 1;

    return NGX_CONF_OK;
}


/* signature SRC [encoding=hex|base64|base64url] [every] */

char *
ngx_http_intake_set_signature(ngx_conf_t *cf, ngx_http_intake_directive_t *d,
    void *conf)
{
    ngx_http_intake_platform_conf_t *pc = conf;

    char  *rv;

    rv = ngx_http_intake_set_src(cf, pc, &pc->platform.signature, "signature",
                         ngx_http_intake_signature_option,
                         "takes SRC, split=, prefix=, encoding= and every");

    if (rv != NGX_CONF_OK) {
        return rv;
    }

    ngx_http_intake_position(cf, &pc->signature);

    return ngx_http_intake_set_elements(cf, pc);
}


static ngx_int_t
ngx_http_intake_signature_option(ngx_conf_t *cf, ngx_uint_t n,
    ngx_http_intake_platform_conf_t *pc)
{
    ngx_str_t  *value;

    value = cf->args->elts;

    if (ngx_strcmp(value[n].data, "every") == 0) {
        pc->platform.every = 1;
        return NGX_OK;
    }

    pc->encoding_set = 1;

    return ngx_http_intake_set_encoding(cf, n, ngx_http_intake_encodings,
                                        "signature",
                                        &pc->platform.signature_encoding);
}


/*
 * every json:value.*.clientState: an element of value without a clientState
 * must not pass unseen, so the elements are counted.
 */

static char *
ngx_http_intake_set_elements(ngx_conf_t *cf,
    ngx_http_intake_platform_conf_t *pc)
{
    u_char                 *p;
    ngx_str_t               text, *name;
    ngx_http_intake_src_t   elements;

    name = &pc->platform.signature->name;

    if (!pc->platform.every
        || pc->platform.signature->kind != NGX_HTTP_INTAKE_SRC_JSON
        || ngx_strlchr(name->data, name->data + name->len, '*') == NULL)
    {
        return NGX_CONF_OK;
    }

    for (p = name->data + name->len; *(p - 1) != '*'; p--) { /* void */ }

    text.len = sizeof("json:") - 1 + (p - name->data);
    text.data = ngx_pnalloc(cf->pool, text.len);
    if (text.data == NULL) {
        return NGX_CONF_ERROR;
    }

    p = ngx_cpymem(text.data, "json:", sizeof("json:") - 1);
    ngx_memcpy(p, name->data, text.len - (sizeof("json:") - 1));

    if (ngx_http_intake_parse_src(cf, pc->platform.paths, &text, "signature",
                                  &elements)
        != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    pc->platform.elements = elements.path;

    return NGX_CONF_OK;
}


/* key [encoding=raw|base64|hex] [strip=PREFIX] */

char *
ngx_http_intake_set_key(ngx_conf_t *cf, ngx_http_intake_directive_t *d,
    void *conf)
{
    ngx_http_intake_platform_conf_t *pc = conf;

    ngx_int_t   rc;
    ngx_str_t   text;
    ngx_uint_t  i;

    for (i = 1; i < cf->args->nelts; i++) {

        rc = ngx_http_intake_single_param(cf, i, "strip=", "key", &text);

        if (rc == NGX_OK) {
            pc->platform.key_strip = text;
            continue;
        }

        if (rc == NGX_DECLINED) {
            rc = ngx_http_intake_set_encoding(cf, i,
                                              ngx_http_intake_key_encodings,
                                              "key",
                                              &pc->platform.key_encoding);
        }

        if (rc == NGX_DECLINED) {
            return "takes encoding= and strip=";
        }

        if (rc != NGX_OK) {
            return NGX_CONF_ERROR;
        }
    }

    ngx_http_intake_position(cf, &pc->key);

    return NGX_CONF_OK;
}


char *
ngx_http_intake_set_signed(ngx_conf_t *cf, ngx_http_intake_directive_t *d,
    void *conf)
{
    ngx_http_intake_platform_conf_t *pc = conf;

    ngx_str_t  *value;

    value = cf->args->elts;

    pc->platform.signed_string = ngx_http_intake_parse_template(cf,
                                                        pc->platform.paths,
                                                        &value[1], "signed");
    if (pc->platform.signed_string == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_http_intake_position(cf, &pc->signed_string);

    return NGX_CONF_OK;
}


char *
ngx_http_intake_set_url_variants(ngx_conf_t *cf,
    ngx_http_intake_directive_t *d, void *conf)
{
    ngx_http_intake_platform_conf_t *pc = conf;

    ngx_str_t  *value;

    value = cf->args->elts;

    if (ngx_strcmp(value[1].data, "port") != 0) {
        return "must be \"port\": the URL is tried with and without its port";
    }

    pc->platform.url_port_variants = 1;
    ngx_http_intake_position(cf, &pc->url);

    return NGX_CONF_OK;
}


char *
ngx_http_intake_set_url_decode(ngx_conf_t *cf, ngx_http_intake_directive_t *d,
    void *conf)
{
    ngx_http_intake_platform_conf_t *pc = conf;

    ngx_str_t  *value;

    value = cf->args->elts;

    if (ngx_strcmp(value[1].data, "off") == 0) {
        return NGX_CONF_OK;
    }

    if (ngx_strcmp(value[1].data, "on") != 0) {
        return "must be \"on\" or \"off\"";
    }

    pc->platform.url_decode = 1;
    ngx_http_intake_position(cf, &pc->url);

    return NGX_CONF_OK;
}


/* body_digest SRC [encoding=hex|base64|base64url] */

char *
ngx_http_intake_set_body_digest(ngx_conf_t *cf,
    ngx_http_intake_directive_t *d, void *conf)
{
    ngx_http_intake_platform_conf_t *pc = conf;

    return ngx_http_intake_set_src(cf, pc, &pc->platform.body_digest,
                                 "body_digest",
                                 ngx_http_intake_body_digest_option,
                                 "takes SRC, split=, prefix= and encoding=");
}


static ngx_int_t
ngx_http_intake_body_digest_option(ngx_conf_t *cf, ngx_uint_t n,
    ngx_http_intake_platform_conf_t *pc)
{
    return ngx_http_intake_set_encoding(cf, n, ngx_http_intake_encodings,
                                        "body_digest",
                                        &pc->platform.body_digest_encoding);
}


/* timestamp SRC [unit=s|ms|rfc3339] [tolerance=TIME|off] */

char *
ngx_http_intake_set_timestamp(ngx_conf_t *cf, ngx_http_intake_directive_t *d,
    void *conf)
{
    ngx_http_intake_platform_conf_t *pc = conf;

    char  *rv;

    rv = ngx_http_intake_set_src(cf, pc, &pc->platform.timestamp, "timestamp",
                         ngx_http_intake_timestamp_option,
                         "takes SRC, split=, prefix=, unit= and tolerance=");

    if (rv != NGX_CONF_OK) {
        return rv;
    }

    ngx_http_intake_position(cf, &pc->timestamp);

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_http_intake_timestamp_option(ngx_conf_t *cf, ngx_uint_t n,
    ngx_http_intake_platform_conf_t *pc)
{
    ngx_int_t  rc, unit;
    ngx_str_t  text;

    rc = ngx_http_intake_single_param(cf, n, "tolerance=", "timestamp",
                                      &text);
    if (rc == NGX_OK) {
        return ngx_http_intake_parse_tolerance(cf, &text, "timestamp",
                                               &pc->platform.tolerance);
    }

    if (rc != NGX_DECLINED) {
        return rc;
    }

    rc = ngx_http_intake_single_param(cf, n, "unit=", "timestamp", &text);

    if (rc != NGX_OK) {
        return rc;
    }

    unit = ngx_http_intake_choose(cf, ngx_http_intake_timestamp_units, &text,
                                  "unit", "timestamp");
    if (unit == NGX_ERROR) {
        return NGX_ERROR;
    }

    pc->platform.timestamp_unit = unit;

    return NGX_OK;
}


/* document (form|query):NAME */

char *
ngx_http_intake_set_document(ngx_conf_t *cf, ngx_http_intake_directive_t *d,
    void *conf)
{
    ngx_http_intake_platform_conf_t *pc = conf;

    char                   *rv;
    ngx_http_intake_src_t  *src;

    rv = ngx_http_intake_set_src(cf, pc, &src, "document", NULL,
                                 "takes SRC, split= and prefix=");

    if (rv != NGX_CONF_OK) {
        return rv;
    }

    if (src->kind != NGX_HTTP_INTAKE_SRC_FORM
        && src->kind != NGX_HTTP_INTAKE_SRC_QUERY)
    {
        return "must be a parameter, such as form:payload";
    }

    pc->platform.document = src;

    return NGX_CONF_OK;
}


/*
 * What begins with a SRC: split= and prefix=, which belong to it, and options
 * of the directive's own, if it has any; takes is said of anything else.
 */

static char *
ngx_http_intake_set_src(ngx_conf_t *cf, ngx_http_intake_platform_conf_t *pc,
    ngx_http_intake_src_t **result, const char *what,
    ngx_http_intake_option_pt option, char *takes)
{
    ngx_int_t               rc;
    ngx_str_t              *value;
    ngx_uint_t              i;
    ngx_http_intake_src_t  *src;

    value = cf->args->elts;

    src = ngx_palloc(cf->pool, sizeof(ngx_http_intake_src_t));
    if (src == NULL) {
        return NGX_CONF_ERROR;
    }

    if (ngx_http_intake_parse_src(cf, pc->platform.paths, &value[1], what,
                                  src)
        != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    for (i = 2; i < cf->args->nelts; i++) {

        rc = ngx_http_intake_src_option(cf, &value[i], what, src);

        if (rc == NGX_DECLINED && option) {
            rc = option(cf, i, pc);
        }

        if (rc == NGX_DECLINED) {
            return takes;
        }

        if (rc != NGX_OK) {
            return NGX_CONF_ERROR;
        }
    }

    *result = src;

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_http_intake_set_encoding(ngx_conf_t *cf, ngx_uint_t n,
    ngx_http_intake_choice_t *encodings, const char *what,
    ngx_intake_encoding_e *encoding)
{
    ngx_int_t  rc, value;
    ngx_str_t  text;

    rc = ngx_http_intake_single_param(cf, n, "encoding=", what, &text);

    if (rc != NGX_OK) {
        return rc;
    }

    value = ngx_http_intake_choose(cf, encodings, &text, "encoding", what);

    if (value == NGX_ERROR) {
        return NGX_ERROR;
    }

    *encoding = value;

    return NGX_OK;
}
