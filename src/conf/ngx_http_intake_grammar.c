
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake_platform.h"


/*
 * The grammar's smallest parts: words out of a list, and SRC, which says
 * where a value of a request stands:
 *
 *  (header|query|form|json|xml|jwt|conf):NAME [split=CH] [prefix=STR]
 *
 * In a directive the options are arguments of their own that follow their
 * SRC.  Where a SRC stands inside of an argument, as in "${...}" or after
 * "token=", they may follow the name after a space: "${header:X split=,}".
 */


static ngx_int_t ngx_http_intake_src_name(ngx_conf_t *cf, ngx_array_t *paths,
    ngx_str_t *text, const char *what, ngx_http_intake_src_t *src);
static ngx_int_t ngx_http_intake_src_options(ngx_conf_t *cf, ngx_str_t *name,
    const char *what, ngx_http_intake_src_t *src);
static u_char *ngx_http_intake_find_option(u_char *p, u_char *last);
static ngx_int_t ngx_http_intake_xml_path(ngx_conf_t *cf, ngx_array_t *paths,
    const char *what, ngx_http_intake_src_t *src);
static ngx_int_t ngx_http_intake_add_path(ngx_conf_t *cf, ngx_array_t *paths,
    const char *what, ngx_http_intake_src_t *src);
static ngx_uint_t ngx_http_intake_same_path(ngx_intake_json_path_t *a,
    ngx_intake_json_path_t *b);


static ngx_http_intake_choice_t  ngx_http_intake_kinds[] = {
    { ngx_string("header"), NGX_HTTP_INTAKE_SRC_HEADER },
    { ngx_string("query"), NGX_HTTP_INTAKE_SRC_QUERY },
    { ngx_string("form"), NGX_HTTP_INTAKE_SRC_FORM },
    { ngx_string("json"), NGX_HTTP_INTAKE_SRC_JSON },
    { ngx_string("xml"), NGX_HTTP_INTAKE_SRC_XML },
    { ngx_string("jwt"), NGX_HTTP_INTAKE_SRC_JWT },
    { ngx_string("conf"), NGX_HTTP_INTAKE_SRC_CONF },
    ngx_http_intake_null_choice
};


ngx_int_t
ngx_http_intake_choose(ngx_conf_t *cf, ngx_http_intake_choice_t *choices,
    ngx_str_t *text, const char *noun, const char *what)
{
    ngx_http_intake_choice_t  *choice;

    for (choice = choices; choice->name.len; choice++) {
        if (ngx_http_intake_same(&choice->name, text)) {
            return choice->value;
        }
    }

    ngx_http_intake_unknown(cf, text, noun, what, choices, "", "");

    return NGX_ERROR;
}


void
ngx_http_intake_unknown(ngx_conf_t *cf, ngx_str_t *text, const char *noun,
    const char *what, ngx_http_intake_choice_t *choices, const char *before,
    const char *after)
{
    u_char      *p, *last, list[NGX_MAX_CONF_ERRSTR / 2];
    ngx_str_t   *nearest;
    ngx_uint_t   i, n;

    for (n = 0; choices[n].name.len; n++) { /* void */ }

    /* a few are told at once: "PUT" is not far from "POST" */

    nearest = NULL;

    if (n > 4) {
        nearest = ngx_http_intake_nearest(text, &choices[0].name, n,
                                          sizeof(ngx_http_intake_choice_t));
    }

    if (nearest) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "unknown %s \"%s%V%s\" in \"%s\", did you mean "
                           "\"%s%V%s\"?", noun, before, text, after, what,
                           before, nearest, after);
        return;
    }

    p = list;
    last = list + sizeof(list);

    for (i = 0; i < n; i++) {
        p = ngx_slprintf(p, last, "%s%s%V%s",
                         i == 0 ? "" : i == n - 1 ? " or " : ", ",
                         before, &choices[i].name, after);
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "unknown %s \"%s%V%s\" in \"%s\", write %*s",
                       noun, before, text, after, what,
                       (size_t) (p - list), list);
}


ngx_uint_t
ngx_http_intake_param(ngx_str_t *arg, const char *name, ngx_str_t *value)
{
    size_t  len;

    len = ngx_strlen(name);

    if (arg->len < len || ngx_strncmp(arg->data, name, len) != 0) {
        return 0;
    }

    value->len = arg->len - len;
    value->data = arg->data + len;

    return 1;
}


ngx_int_t
ngx_http_intake_single_param(ngx_conf_t *cf, ngx_uint_t n, const char *name,
    const char *what, ngx_str_t *value)
{
    ngx_str_t   *arg, other;
    ngx_uint_t   i;

    arg = cf->args->elts;

    if (!ngx_http_intake_param(&arg[n], name, value)) {
        return NGX_DECLINED;
    }

    if (value->len == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%s\" in \"%s\" is empty, leave it out",
                           name, what);
        return NGX_ERROR;
    }

    for (i = 1; i < n; i++) {
        if (ngx_http_intake_param(&arg[i], name, &other)) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "duplicate \"%s\" in \"%s\"", name, what);
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_intake_parse_src(ngx_conf_t *cf, ngx_array_t *paths,
    ngx_str_t *text, const char *what, ngx_http_intake_src_t *src)
{
    u_char     *p;
    ngx_int_t   kind;
    ngx_str_t   s;

    ngx_memzero(src, sizeof(ngx_http_intake_src_t));

    if (text->len && text->data[0] == '@') {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\" in \"%s\": \"@\" is the element of "
                           "\"message\" and known only there", text, what);
        return NGX_ERROR;
    }

    p = ngx_strlchr(text->data, text->data + text->len, ':');

    if (p == NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\" in \"%s\" does not say where the value "
                           "stands, write header:NAME, query:NAME, form:NAME, "
                           "json:PATH, xml:PATH or conf:NAME", text, what);
        return NGX_ERROR;
    }

    s.data = text->data;
    s.len = p - text->data;

    kind = ngx_http_intake_choose(cf, ngx_http_intake_kinds, &s, "source",
                                  what);
    if (kind == NGX_ERROR) {
        return NGX_ERROR;
    }

    src->kind = kind;
    src->name.data = p + 1;
    src->name.len = text->data + text->len - src->name.data;

    if (ngx_http_intake_src_options(cf, &src->name, what, src) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_intake_src_name(cf, paths, text, what, src);
}


static ngx_int_t
ngx_http_intake_src_name(ngx_conf_t *cf, ngx_array_t *paths, ngx_str_t *text,
    const char *what, ngx_http_intake_src_t *src)
{
    if (src->name.len == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "no name after \":\" of \"%V\" in \"%s\"",
                           text, what);
        return NGX_ERROR;
    }

    switch (src->kind) {

    case NGX_HTTP_INTAKE_SRC_HEADER:
        return ngx_http_intake_header_name(cf, what, &src->name);

    case NGX_HTTP_INTAKE_SRC_JSON:
    case NGX_HTTP_INTAKE_SRC_JWT:
        return ngx_http_intake_add_path(cf, paths, what, src);

    case NGX_HTTP_INTAKE_SRC_XML:
        return ngx_http_intake_xml_path(cf, paths, what, src);

    case NGX_HTTP_INTAKE_SRC_CONF:
        if (ngx_http_intake_check_name(&src->name) != NGX_OK) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid name \"%V\" of conf: in \"%s\", write "
                               "up to 32 of a-z, 0-9, \"_\" and \"-\", "
                               "a letter first", &src->name, what);
            return NGX_ERROR;
        }

        return NGX_OK;

    default:
        return NGX_OK;
    }
}


ngx_int_t
ngx_http_intake_header_name(ngx_conf_t *cf, const char *what, ngx_str_t *name)
{
    u_char      *lower, c;
    ngx_uint_t   i;

    lower = ngx_pnalloc(cf->pool, name->len);
    if (lower == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < name->len; i++) {
        c = ngx_tolower(name->data[i]);

        if ((c < 'a' || c > 'z') && (c < '0' || c > '9')
            && (c == '\0' || ngx_strchr("!#$%&'*+-.^_`|~", c) == NULL))
        {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid header name \"%V\" in \"%s\"",
                               name, what);
            return NGX_ERROR;
        }

        lower[i] = c;
    }

    name->data = lower;

    return NGX_OK;
}


/* takes the options that follow the name after a space from it */

static ngx_int_t
ngx_http_intake_src_options(ngx_conf_t *cf, ngx_str_t *name,
    const char *what, ngx_http_intake_src_t *src)
{
    u_char     *p, *last, *next;
    ngx_str_t   arg;

    last = name->data + name->len;
    p = ngx_http_intake_find_option(name->data, last);

    name->len = p - name->data;

    while (p < last) {
        p++;

        /* the character of split= may be the space of the next option */

        next = p + sizeof("split=") - 1;

        if (next < last && *p == 's') {
            next++;
        }

        next = ngx_http_intake_find_option(next, last);

        arg.data = p;
        arg.len = next - p;

        if (ngx_http_intake_src_option(cf, &arg, what, src) != NGX_OK) {
            return NGX_ERROR;
        }

        p = next;
    }

    return NGX_OK;
}


static u_char *
ngx_http_intake_find_option(u_char *p, u_char *last)
{
    ngx_str_t  s, value;

    for ( /* void */ ; p < last; p++) {
        if (*p != ' ') {
            continue;
        }

        s.data = p + 1;
        s.len = last - s.data;

        if (ngx_http_intake_param(&s, "split=", &value)
            || ngx_http_intake_param(&s, "prefix=", &value))
        {
            return p;
        }
    }

    return last;
}


ngx_int_t
ngx_http_intake_src_option(ngx_conf_t *cf, ngx_str_t *arg, const char *what,
    ngx_http_intake_src_t *src)
{
    ngx_str_t   value;
    ngx_uint_t  split;

    split = ngx_http_intake_param(arg, "split=", &value);

    if (!split && !ngx_http_intake_param(arg, "prefix=", &value)) {
        return NGX_DECLINED;
    }

    if (src == NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\" in \"%s\" must follow a source such as "
                           "header:NAME", arg, what);
        return NGX_ERROR;
    }

    if (split ? src->split : src->prefix.len) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "duplicate \"%s=\" of one source in \"%s\"",
                           split ? "split" : "prefix", what);
        return NGX_ERROR;
    }

    if (!split) {
        if (value.len == 0) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "\"prefix=\" in \"%s\" is empty, leave it out",
                               what);
            return NGX_ERROR;
        }

        src->prefix = value;

        return NGX_OK;
    }

    if (value.len != 1) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\" in \"%s\" must have one character after "
                           "\"=\", such as split=, or \"split=;\"", arg, what);
        return NGX_ERROR;
    }

    src->split = value.data[0];

    return NGX_OK;
}


ngx_int_t
ngx_http_intake_find_value(ngx_conf_t *cf, ngx_str_t *arg, const char *what,
    u_char **value)
{
    u_char  *p, *last;

    last = arg->data + arg->len;

    *value = ngx_strlchr(arg->data, last, '=');

    if (*value == NULL) {
        return NGX_OK;
    }

    p = ngx_http_intake_find_option(arg->data, last);

    if (p < *value) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\" in \"%s\": write split= and prefix= as "
                           "arguments of their own after it", arg, what);
        return NGX_ERROR;
    }

    return NGX_OK;
}


/* an element has a name, and of several with one the first is read */

static ngx_int_t
ngx_http_intake_xml_path(ngx_conf_t *cf, ngx_array_t *paths, const char *what,
    ngx_http_intake_src_t *src)
{
    ngx_uint_t               i;
    ngx_intake_json_path_t  *path;

    if (ngx_http_intake_add_path(cf, paths, what, src) != NGX_OK) {
        return NGX_ERROR;
    }

    path = (ngx_intake_json_path_t *) paths->elts + src->path;

    for (i = 0; i < path->nsteps; i++) {
        if (path->steps[i].index != NGX_INTAKE_JSON_NAME) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "\"xml:%V\" in \"%s\": write names of elements, "
                               "the root first, joined by dots",
                               &src->name, what);
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_intake_add_path(ngx_conf_t *cf, ngx_array_t *paths, const char *what,
    ngx_http_intake_src_t *src)
{
    ngx_uint_t               i, wildcards;
    const char              *kind;
    ngx_intake_json_path_t  *known, path;

    kind = (src->kind == NGX_HTTP_INTAKE_SRC_JSON) ? "json"
           : (src->kind == NGX_HTTP_INTAKE_SRC_XML) ? "xml" : "jwt";

    switch (ngx_intake_json_path_parse(&src->name, &path, 0)) {

    case NGX_OK:
        break;

    case NGX_DECLINED:
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "%s path \"%V\" in \"%s\" has more than %d names",
                           kind, &src->name, what, NGX_INTAKE_JSON_MAX_STEPS);
        return NGX_ERROR;

    default:
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "empty name in %s path \"%V\" in \"%s\"",
                           kind, &src->name, what);
        return NGX_ERROR;
    }

    wildcards = 0;

    for (i = 0; i < path.nsteps; i++) {
        wildcards += path.steps[i].index == NGX_INTAKE_JSON_ELEMENTS;
    }

    if (wildcards > NGX_HTTP_INTAKE_MAX_INDICES) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "%s path \"%V\" in \"%s\" has more than %d \"*\"",
                           kind, &src->name, what,
                           NGX_HTTP_INTAKE_MAX_INDICES);
        return NGX_ERROR;
    }

    known = paths->elts;

    for (i = 0; i < paths->nelts; i++) {
        if (ngx_http_intake_same_path(&known[i], &path)) {
            src->path = i;
            return NGX_OK;
        }
    }

    if (paths->nelts == NGX_INTAKE_JSON_MAX_PATHS) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "%s path \"%V\" in \"%s\" is one too many: "
                           "a block may read %d", kind, &src->name, what,
                           NGX_INTAKE_JSON_MAX_PATHS);
        return NGX_ERROR;
    }

    known = ngx_array_push(paths);
    if (known == NULL) {
        return NGX_ERROR;
    }

    *known = path;
    src->path = paths->nelts - 1;

    return NGX_OK;
}


static ngx_uint_t
ngx_http_intake_same_path(ngx_intake_json_path_t *a,
    ngx_intake_json_path_t *b)
{
    ngx_uint_t               i;
    ngx_intake_json_step_t  *s, *t;

    if (a->nsteps != b->nsteps) {
        return 0;
    }

    for (i = 0; i < a->nsteps; i++) {
        s = &a->steps[i];
        t = &b->steps[i];

        if (s->index != t->index || s->len != t->len
            || ngx_memcmp(s->data, t->data, s->len) != 0)
        {
            return 0;
        }
    }

    return 1;
}
