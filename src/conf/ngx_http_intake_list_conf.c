
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake.h"
#include "ngx_http_intake_form_conf.h"
#include "ngx_intake_text.h"


/*
 * words= and domains= of `spam`: files of one a line, with "#" before a
 * comment.  Requests look them up, so they are sorted here.
 */


#define NGX_HTTP_INTAKE_MAX_LIST  (64 * 1024 * 1024)


static ngx_int_t ngx_http_intake_list_text(ngx_conf_t *cf, ngx_str_t *path,
    ngx_str_t *text);
static ngx_int_t ngx_http_intake_list_line(ngx_conf_t *cf, ngx_array_t *list,
    ngx_str_t *line);
static ngx_int_t ngx_http_intake_list_domain(ngx_str_t *line);
static void ngx_http_intake_sort_list(ngx_array_t *list);
static int ngx_libc_cdecl ngx_http_intake_compare_lines(const void *one,
    const void *other);


ngx_array_t *
ngx_http_intake_read_list(ngx_conf_t *cf, ngx_str_t *path, const char *what,
    ngx_uint_t domains)
{
    u_char       *p, *last, *end;
    ngx_str_t     name, text, line;
    ngx_uint_t    n;
    ngx_array_t  *list;

    name = *path;

    if (ngx_http_intake_list_text(cf, &name, &text) != NGX_OK) {
        return NULL;
    }

    last = text.data + text.len;

    for (n = 1, p = text.data; p < last; p++) {
        if (*p == LF) {
            n++;
        }
    }

    list = ngx_array_create(cf->pool, n, sizeof(ngx_str_t));
    if (list == NULL) {
        return NULL;
    }

    for (n = 1, p = text.data; p < last; n++, p = end + 1) {
        end = ngx_strlchr(p, last, LF);
        end = (end != NULL) ? end : last;

        line.data = p;
        line.len = end - p;

        ngx_intake_text_trim(&line);

        if (line.len == 0 || line.data[0] == '#') {
            continue;
        }

        if (domains && ngx_http_intake_list_domain(&line) != NGX_OK) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid domain \"%V\" in \"%V\" line %ui of "
                               "\"%s\", write one such as example.com",
                               &line, &name, n, what);
            return NULL;
        }

        if (ngx_http_intake_list_line(cf, list, &line) != NGX_OK) {
            return NULL;
        }
    }

    if (list->nelts == 0) {
        ngx_conf_log_error(NGX_LOG_WARN, cf, 0,
                           "\"%V\" of \"%s\" in \"spam\" is empty",
                           &name, what);
    }

    ngx_http_intake_sort_list(list);

    return list;
}


/* path becomes the full one; text is the file's content, in cf->pool */

static ngx_int_t
ngx_http_intake_list_text(ngx_conf_t *cf, ngx_str_t *path, ngx_str_t *text)
{
    static u_char  bom[] = "\xef\xbb\xbf";

    if (ngx_conf_full_name(cf->cycle, path, 1) != NGX_OK) {
        return NGX_ERROR;
    }

    if (ngx_http_intake_read_file(cf, path, NGX_HTTP_INTAKE_MAX_LIST, text,
                                  NULL)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (text->len >= sizeof(bom) - 1
        && ngx_memcmp(text->data, bom, sizeof(bom) - 1) == 0)
    {
        text->data += sizeof(bom) - 1;
        text->len -= sizeof(bom) - 1;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_intake_list_line(ngx_conf_t *cf, ngx_array_t *list, ngx_str_t *line)
{
    ngx_str_t  *item;

    item = ngx_array_push(list);
    if (item == NULL) {
        return NGX_ERROR;
    }

    ngx_strlow(line->data, line->data, line->len);

    *item = *line;

    return NGX_OK;
}


/* lists of addresses or of URLs are another thing, and would never match */

static ngx_int_t
ngx_http_intake_list_domain(ngx_str_t *line)
{
    u_char  *p, *last;

    p = line->data;
    last = p + line->len;

    if (*p == '.' || ngx_strlchr(p, last, '.') == NULL) {
        return NGX_DECLINED;
    }

    for ( /* void */ ; p < last; p++) {
        if (*p <= ' ' || *p == '@' || *p == '/' || *p == ':' || *p == '*'
            || *p == ',' || *p == 0x7f)
        {
            return NGX_DECLINED;
        }
    }

    return NGX_OK;
}


/* each line once */

static void
ngx_http_intake_sort_list(ngx_array_t *list)
{
    ngx_str_t   *line;
    ngx_uint_t   i, n;

    if (list->nelts == 0) {
        return;
    }

    line = list->elts;

    ngx_qsort(line, list->nelts, sizeof(ngx_str_t),
              ngx_http_intake_compare_lines);

    for (i = 1, n = 1; i < list->nelts; i++) {
        if (!ngx_http_intake_same(&line[i], &line[n - 1])) {
            line[n++] = line[i];
        }
    }

    list->nelts = n;
}


static int ngx_libc_cdecl
ngx_http_intake_compare_lines(const void *one, const void *other)
{
    const ngx_str_t  *a, *b;

    a = one;
    b = other;

    return (int) ngx_memn2cmp(a->data, b->data, a->len, b->len);
}
