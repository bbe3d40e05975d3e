
/*
 * Copyright (C) nginx-intake contributors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_intake_disposition.h"
#include "ngx_intake_encoding.h"
#include "ngx_intake_mime.h"
#include "ngx_intake_utf8.h"


#define NGX_INTAKE_FILENAME_EXTENSION  16      /* kept of a name cut short */


typedef struct {
    ngx_str_t    name;
    ngx_str_t    value;
} ngx_intake_disposition_parameter_t;


static ngx_int_t ngx_intake_disposition_parameters(
    ngx_intake_disposition_parameter_t *parameters, u_char *p, u_char *last);
static u_char *ngx_intake_disposition_parameter(
    ngx_intake_disposition_parameter_t *parameter, u_char *p, u_char *last);
static ngx_str_t *ngx_intake_disposition_find(
    ngx_intake_disposition_parameter_t *parameters, ngx_uint_t n,
    ngx_str_t *name);
static u_char *ngx_intake_disposition_blanks(u_char *p, u_char *last);
static ngx_uint_t ngx_intake_disposition_same(ngx_str_t *one,
    ngx_str_t *other);
static void ngx_intake_disposition_extended(ngx_str_t *value);
static ngx_uint_t ngx_intake_filename_unsafe(uint32_t c);
static size_t ngx_intake_filename_extension(u_char *p, size_t len);


static ngx_str_t  ngx_intake_disposition_form_data = ngx_string("form-data");
static ngx_str_t  ngx_intake_disposition_name = ngx_string("name");
static ngx_str_t  ngx_intake_disposition_filename = ngx_string("filename");
static ngx_str_t  ngx_intake_disposition_filename_extended =
                                                      ngx_string("filename*");


ngx_int_t
ngx_intake_disposition_parse(ngx_intake_disposition_t *disposition,
    ngx_str_t *value)
{
    u_char                              *last;
    ngx_int_t                            n;
    ngx_str_t                            type, *found;
    ngx_intake_disposition_parameter_t   parameters
                                           [NGX_INTAKE_DISPOSITION_PARAMETERS];

    ngx_str_null(&disposition->name);
    ngx_str_null(&disposition->filename);

    if (value->len == 0) {
        return NGX_DECLINED;
    }

    last = value->data + value->len;

    type.data = value->data;
    type.len = ngx_intake_mime_token(type.data, last);

    if (!ngx_intake_disposition_same(&type, &ngx_intake_disposition_form_data))
    {
        return NGX_DECLINED;
    }

    n = ngx_intake_disposition_parameters(parameters, type.data + type.len,
                                          last);
    if (n == NGX_ERROR) {
        return NGX_DECLINED;
    }

    found = ngx_intake_disposition_find(parameters, n,
                                        &ngx_intake_disposition_name);
    if (found != NULL) {
        disposition->name = *found;
    }

    found = ngx_intake_disposition_find(parameters, n,
                                        &ngx_intake_disposition_filename);
    if (found != NULL) {
        disposition->filename = *found;
        return NGX_OK;
    }

    found = ngx_intake_disposition_find(parameters, n,
                                    &ngx_intake_disposition_filename_extended);
    if (found != NULL) {
        ngx_intake_disposition_extended(found);
        disposition->filename = *found;
    }

    return NGX_OK;
}


/* returns how many there are, or NGX_ERROR */

static ngx_int_t
ngx_intake_disposition_parameters(
    ngx_intake_disposition_parameter_t *parameters, u_char *p, u_char *last)
{
    ngx_uint_t  n;

    for (n = 0; /* void */ ; n++) {

        p = ngx_intake_disposition_blanks(p, last);

        if (p == last) {
            return n;
        }

        if (*p != ';') {
            return NGX_ERROR;
        }

        p = ngx_intake_disposition_blanks(p + 1, last);

        if (p == last) {
            return n;
        }

        if (n == NGX_INTAKE_DISPOSITION_PARAMETERS) {
            return NGX_ERROR;
        }

        p = ngx_intake_disposition_parameter(&parameters[n], p, last);

        if (p == NULL
            || ngx_intake_disposition_find(parameters, n, &parameters[n].name)
               != NULL)
        {
            return NGX_ERROR;
        }
    }
}


/* returns the end of the parameter, or NULL */

static u_char *
ngx_intake_disposition_parameter(
    ngx_intake_disposition_parameter_t *parameter, u_char *p, u_char *last)
{
    u_char  *start;

    parameter->name.data = p;
    parameter->name.len = ngx_intake_mime_token(p, last);

    p += parameter->name.len;

    if (parameter->name.len == 0 || p == last || *p++ != '=') {
        return NULL;
    }

    if (p < last && *p == '"') {
        start = ++p;

        if (p < last) {
            p = memchr(p, '"', last - p);
        }

        if (p == NULL || p == last) {
            return NULL;
        }

        parameter->value.data = start;
        parameter->value.len = p - start;

        return p + 1;
    }

    start = p;

    while (p < last && *p != ' ' && *p != '\t' && *p != ';' && *p != '"') {
        p++;
    }

    parameter->value.data = start;
    parameter->value.len = p - start;

    return p;
}


static ngx_str_t *
ngx_intake_disposition_find(ngx_intake_disposition_parameter_t *parameters,
    ngx_uint_t n, ngx_str_t *name)
{
    ngx_uint_t  i;

    for (i = 0; i < n; i++) {
        if (ngx_intake_disposition_same(&parameters[i].name, name)) {
            return &parameters[i].value;
        }
    }

    return NULL;
}


static u_char *
ngx_intake_disposition_blanks(u_char *p, u_char *last)
{
    while (p < last && (*p == ' ' || *p == '\t')) {
        p++;
    }

    return p;
}


static ngx_uint_t
ngx_intake_disposition_same(ngx_str_t *one, ngx_str_t *other)
{
    size_t  i;

    if (one->len != other->len) {
        return 0;
    }

    for (i = 0; i < one->len; i++) {
        if (ngx_tolower(one->data[i]) != ngx_tolower(other->data[i])) {
            return 0;
        }
    }

    return 1;
}


/* RFC 8187, section 3.2: charset, language and percent-encoded text */

static void
ngx_intake_disposition_extended(ngx_str_t *value)
{
    u_char           *p, *last;
    ngx_str_t         charset;
    static ngx_str_t  utf8 = ngx_string("utf-8'");

    last = value->data + value->len;

    charset.data = value->data;
    charset.len = ngx_min(value->len, utf8.len);

    if (!ngx_intake_disposition_same(&charset, &utf8)) {
        value->len = 0;
        return;
    }

    p = value->data + utf8.len;

    while (p < last
           && ((*p >= '0' && *p <= '9') || *p == '-'
               || ((*p | 0x20) >= 'a' && (*p | 0x20) <= 'z')))
    {
        p++;
    }

    if (p == last || *p != '\'') {
        value->len = 0;
        return;
    }

    p++;

    value->len = ngx_intake_percent_decode(value->data, p, last - p, 0);
}


size_t
ngx_intake_filename_safe(u_char *dst, ngx_str_t *filename)
{
    u_char    *p, *end, *last, *start;
    size_t     len, room;
    uint32_t   c;

    len = 0;
    room = NGX_INTAKE_FILENAME_SAFE;

    if (filename->len) {
        last = filename->data + filename->len;

        for (p = last; p > filename->data; p--) {
            if (p[-1] == '/' || p[-1] == '\\') {
                break;
            }
        }

        end = last - ngx_intake_filename_extension(p, last - p);
        room -= last - end;

        while (p < last) {

            if (p == end) {
                room = NGX_INTAKE_FILENAME_SAFE;
            }

            start = p;
            c = ngx_intake_utf8_next(&p, last);

            if (ngx_intake_filename_unsafe(c)) {
                continue;
            }

            if ((size_t) (p - start) > room - len) {

                /* nothing more before the extension */

                if (start < end) {
                    p = end;
                }

                continue;
            }

            ngx_memmove(dst + len, start, p - start);
            len += p - start;
        }
    }

    if (len == 0 || (len == 1 && dst[0] == '.')
        || (len == 2 && dst[0] == '.' && dst[1] == '.'))
    {
        len = sizeof("file") - 1;
        ngx_memcpy(dst, "file", len);
    }

    return len;
}


/* control characters, separators of lines, and what changes the direction */

static ngx_uint_t
ngx_intake_filename_unsafe(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c <= 0x9f)
           || c == 0x061c || c == 0x200e || c == 0x200f
           || (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069)
           || c == NGX_INTAKE_UTF8_INVALID;
}


/* the length of a short extension in ASCII, with its dot, else 0 */

static size_t
ngx_intake_filename_extension(u_char *p, size_t len)
{
    size_t  n;

    for (n = 1; n < len && n <= NGX_INTAKE_FILENAME_EXTENSION; n++) {

        if (p[len - n] == '.') {
            return n;
        }

        if (p[len - n] >= 0x80) {
            break;
        }
    }

    return 0;
}
