
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake.h"
#include "ngx_http_intake_form_conf.h"


/*
 * pattern= of `field`.  As in HTML it has to match the whole value, and what
 * is one character for people is one for it.  A "$" of PCRE also matches
 * before a last line feed; "\z" after the pattern does not.
 */


#if (NGX_PCRE)

#define NGX_HTTP_INTAKE_REGEX_ERROR  (2 * NGX_MAX_CONF_ERRSTR)


static ngx_int_t ngx_http_intake_compile(ngx_conf_t *cf,
    ngx_regex_compile_t *rc, const char *before, ngx_str_t *pattern,
    const char *after, u_char *errstr);
static void ngx_http_intake_pattern_error(ngx_conf_t *cf, ngx_str_t *pattern,
    ngx_regex_compile_t *rc);
static u_char *ngx_http_intake_find_text(u_char *p, u_char *last,
    const char *before, ngx_str_t *text);


static ngx_str_t  ngx_http_intake_no_pattern = ngx_null_string;


ngx_int_t
ngx_http_intake_field_pattern(ngx_conf_t *cf, ngx_http_intake_field_t *field,
    ngx_str_t *pattern)
{
    u_char               errstr[NGX_HTTP_INTAKE_REGEX_ERROR];
    ngx_int_t            code;
    ngx_uint_t           utf;
    ngx_regex_compile_t  rc;

    /* PCRE may have been built without UTF */

    code = ngx_http_intake_compile(cf, &rc, "(*UTF)",
                                   &ngx_http_intake_no_pattern, "", errstr);
    if (code == NGX_ABORT) {
        return NGX_ERROR;
    }

    utf = (code == NGX_OK);

    /*
     * first by itself: "a)|(b" would become valid in brackets, and escape the
     * anchors
     */

    code = ngx_http_intake_compile(cf, &rc, utf ? "(*UTF)" : "", pattern, "",
                                   errstr);

    if (code == NGX_OK) {
        code = ngx_http_intake_compile(cf, &rc,
                                       utf ? "(*UTF)\\A(?:" : "\\A(?:",
                                       pattern, ")\\z", errstr);
    }

    if (code == NGX_OK) {
        field->pattern = rc.regex;
        return NGX_OK;
    }

    if (code == NGX_ERROR) {
        ngx_http_intake_pattern_error(cf, pattern, &rc);
    }

    return NGX_ERROR;
}


/* NGX_ERROR: rc->err says why; NGX_ABORT: no memory */

static ngx_int_t
ngx_http_intake_compile(ngx_conf_t *cf, ngx_regex_compile_t *rc,
    const char *before, ngx_str_t *pattern, const char *after, u_char *errstr)
{
    size_t   len;
    u_char  *p;

    len = ngx_strlen(before) + pattern->len + ngx_strlen(after);

    p = ngx_pnalloc(cf->pool, len + 1);
    if (p == NULL) {
        return NGX_ABORT;
    }

    ngx_sprintf(p, "%s%V%s%Z", before, pattern, after);

    ngx_memzero(rc, sizeof(ngx_regex_compile_t));

    rc->pattern.data = p;
    rc->pattern.len = len;
    rc->pool = cf->pool;
    rc->err.data = errstr;
    rc->err.len = NGX_HTTP_INTAKE_REGEX_ERROR;

    return ngx_regex_compile(rc);
}


/*
 * nginx's message is "pcre2_compile() failed: WHY in "TEXT" at "REST"", and
 * TEXT has what we have put around the pattern
 */

static void
ngx_http_intake_pattern_error(ngx_conf_t *cf, ngx_str_t *pattern,
    ngx_regex_compile_t *rc)
{
    u_char     *p, *end, *last;
    ngx_str_t   failed, why;

    p = rc->err.data;
    last = p + rc->err.len;

    ngx_str_set(&failed, "failed: ");
    p = ngx_http_intake_find_text(p, last, "", &failed);

    end = (p == NULL) ? NULL
                      : ngx_http_intake_find_text(p, last, " in \"",
                                                  &rc->pattern);
    if (end == NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid pattern \"%V\" in \"field\": %V",
                           pattern, &rc->err);
        return;
    }

    why.data = p;
    why.len = end - p - rc->pattern.len - (sizeof(" in \"") - 1);

    end++;

    /* what follows is empty, or: at "REST" */

    if (end == last) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid pattern \"%V\" in \"field\": %V at its "
                           "end", pattern, &why);
        return;
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "invalid pattern \"%V\" in \"field\": %V%*s",
                       pattern, &why, (size_t) (last - end), end);
}


/* the end of the first text that stands after before, or NULL */

static u_char *
ngx_http_intake_find_text(u_char *p, u_char *last, const char *before,
    ngx_str_t *text)
{
    size_t  len;

    len = ngx_strlen(before);

    for ( /* void */ ; (size_t) (last - p) >= len + text->len; p++) {
        if (ngx_memcmp(p, before, len) == 0
            && ngx_memcmp(p + len, text->data, text->len) == 0)
        {
            return p + len + text->len;
        }
    }

    return NULL;
}


#else


ngx_int_t
ngx_http_intake_field_pattern(ngx_conf_t *cf, ngx_http_intake_field_t *field,
    ngx_str_t *pattern)
{
    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "\"pattern=%V\" in \"field\" needs the PCRE library, "
                       "which this nginx was built without", pattern);

    return NGX_ERROR;
}


#endif
