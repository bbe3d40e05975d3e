
/*
 * Copyright (C) nginx-intake contributors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_intake_form_json.h"
#include "ngx_intake_utf8.h"


#define NGX_INTAKE_FORM_JSON_ESCAPE  6     /* bytes for one, at most */


static ngx_int_t ngx_intake_form_json_value(void *ctx, ngx_uint_t n,
    ngx_intake_json_value_t *value);
static void ngx_intake_form_json_member(ngx_intake_form_json_t *j,
    ngx_intake_json_value_t *value);
static ngx_int_t ngx_intake_form_json_pair(ngx_intake_form_json_t *j,
    ngx_intake_json_value_t *value);
static ngx_int_t ngx_intake_form_json_text(ngx_intake_form_json_t *j,
    ngx_str_t *text, ngx_str_t *raw, ngx_uint_t escaped, size_t max,
    ngx_uint_t *replaced);
static void ngx_intake_form_json_refuse(ngx_intake_form_json_t *j,
    ngx_intake_form_error_e error);


#define ngx_intake_form_json_any  { NULL, 0, NGX_INTAKE_JSON_CHILDREN }

/* the document, its members, what is in these and what is in that */

static ngx_intake_json_path_t  ngx_intake_form_json_levels[] = {
    { 0, { ngx_intake_form_json_any } },
    { 1, { ngx_intake_form_json_any } },
    { 2, { ngx_intake_form_json_any, ngx_intake_form_json_any } },
    { 3, { ngx_intake_form_json_any, ngx_intake_form_json_any,
           ngx_intake_form_json_any } }
};

#define NGX_INTAKE_FORM_JSON_LEVELS                                           \
    (sizeof(ngx_intake_form_json_levels) / sizeof(ngx_intake_json_path_t))


size_t
ngx_intake_form_json_size(ngx_intake_form_limits_t *limits, size_t len)
{
    return ngx_min(limits->name * NGX_INTAKE_FORM_JSON_MEMBERS,
                   len * NGX_INTAKE_UTF8_GROWTH)
           + ngx_min(limits->value, len * NGX_INTAKE_UTF8_GROWTH)
           + ngx_min(ngx_max(limits->name, limits->value)
                     * NGX_INTAKE_FORM_JSON_ESCAPE, len);
}


ngx_int_t
ngx_intake_form_json_read(ngx_intake_form_json_t *j, u_char *buffer,
    u_char *data, size_t len)
{
    ngx_int_t                rc;
    ngx_uint_t               i;
    ngx_intake_json_t        json;
    ngx_intake_json_path_t  *paths[NGX_INTAKE_FORM_JSON_LEVELS];

    j->error = NGX_INTAKE_FORM_FINE;
    j->rc = NGX_OK;

    j->names = buffer;
    j->text = j->names + ngx_min(j->limits->name
                                 * NGX_INTAKE_FORM_JSON_MEMBERS,
                                 len * NGX_INTAKE_UTF8_GROWTH);
    j->raw = j->text + ngx_min(j->limits->value, len * NGX_INTAKE_UTF8_GROWTH);

    j->npairs = 0;
    j->nmembers = 0;
    j->position = 0;

    ngx_str_set(&j->name, "");
    j->replaced = 0;

    for (i = 0; i < NGX_INTAKE_FORM_JSON_LEVELS; i++) {
        paths[i] = &ngx_intake_form_json_levels[i];
    }

    json.paths = paths;
    json.npaths = NGX_INTAKE_FORM_JSON_LEVELS;
    json.handler = ngx_intake_form_json_value;
    json.ctx = j;

    rc = ngx_intake_json_read(&json, data, len);

    if (rc == NGX_ABORT && j->rc != NGX_OK) {
        return j->rc;
    }

    /* the grammar first: an error of the content is found in a document */

    if (rc == NGX_ERROR) {
        j->error = NGX_INTAKE_FORM_MALFORMED_JSON;

    } else if (rc != NGX_OK) {
        j->error = NGX_INTAKE_FORM_UNSUPPORTED_JSON;
    }

    return (j->error == NGX_INTAKE_FORM_FINE) ? NGX_OK : NGX_DECLINED;
}


static ngx_int_t
ngx_intake_form_json_value(void *ctx, ngx_uint_t n,
    ngx_intake_json_value_t *value)
{
    ngx_intake_form_json_t *j = ctx;

    ngx_uint_t  nested;

    nested = (value->kind == NGX_INTAKE_JSON_ARRAY
              || value->kind == NGX_INTAKE_JSON_OBJECT);

    if (n == 0) {
        if (value->kind != NGX_INTAKE_JSON_OBJECT) {
            ngx_intake_form_json_refuse(j, NGX_INTAKE_FORM_UNSUPPORTED_JSON);
        }

        return NGX_OK;
    }

    if (n == 3) {

        /* whatever follows, this is no form */

        return nested ? NGX_ABORT : NGX_OK;
    }

    if (n == 1
        && (j->nmembers == 0 || value->indices[0] != j->position))
    {
        ngx_intake_form_json_member(j, value);
    }

    if (j->error != NGX_INTAKE_FORM_FINE
        || (n == 1 && value->kind == NGX_INTAKE_JSON_NULL)
        || (n == 1 && value->kind == NGX_INTAKE_JSON_ARRAY))
    {
        return NGX_OK;
    }

    if (nested || value->kind == NGX_INTAKE_JSON_NULL) {
        ngx_intake_form_json_refuse(j, NGX_INTAKE_FORM_UNSUPPORTED_JSON);
        return NGX_OK;
    }

    return ngx_intake_form_json_pair(j, value);
}


/* decodes the name of the next member and looks for it among the others */

static void
ngx_intake_form_json_member(ngx_intake_form_json_t *j,
    ngx_intake_json_value_t *value)
{
    u_char      *p;
    ngx_str_t    name;
    ngx_uint_t   i;

    j->position = value->indices[0];

    if (j->nmembers == NGX_INTAKE_FORM_JSON_MEMBERS) {
        ngx_intake_form_json_refuse(j, NGX_INTAKE_FORM_TOO_MANY_FIELDS);
        return;
    }

    /* the name behind the others */

    name.data = (j->nmembers == 0) ? j->names : j->name.data + j->name.len;

    if (ngx_intake_form_json_text(j, &name, &value->name,
                                  value->name_escaped, j->limits->name,
                                  &j->replaced)
        != NGX_OK)
    {
        ngx_intake_form_json_refuse(j, NGX_INTAKE_FORM_NAME_TOO_LONG);
        return;
    }

    for (i = 0, p = j->names; i < j->nmembers; p += j->lengths[i++]) {

        if (j->lengths[i] == name.len
            && ngx_memcmp(p, name.data, name.len) == 0)
        {
            /* which one would count is not to be guessed */

            j->error = NGX_INTAKE_FORM_UNSUPPORTED_JSON;
            break;
        }
    }

    j->lengths[j->nmembers++] = (uint32_t) name.len;
    j->name = name;
}


static ngx_int_t
ngx_intake_form_json_pair(ngx_intake_form_json_t *j,
    ngx_intake_json_value_t *value)
{
    ngx_str_t   text;
    ngx_uint_t  replaced;

    text.data = j->text;

    if (ngx_intake_form_json_text(j, &text, &value->raw, value->escaped,
                                  j->limits->value, &replaced)
        != NGX_OK)
    {
        ngx_intake_form_json_refuse(j, NGX_INTAKE_FORM_VALUE_TOO_LARGE);
        return NGX_OK;
    }

    if (++j->npairs > j->limits->fields) {
        ngx_intake_form_json_refuse(j, NGX_INTAKE_FORM_TOO_MANY_FIELDS);
        return NGX_OK;
    }

    j->rc = j->handler(j->ctx, &j->name, &text, j->replaced || replaced);

    return (j->rc == NGX_OK) ? NGX_OK : NGX_ABORT;
}


/* decodes to text->data, as UTF-8 of at most max bytes */

static ngx_int_t
ngx_intake_form_json_text(ngx_intake_form_json_t *j, ngx_str_t *text,
    ngx_str_t *raw, ngx_uint_t escaped, size_t max, ngx_uint_t *replaced)
{
    ngx_str_t  bytes;

    bytes = *raw;

    if (escaped) {

        /* even if all of it were escapes */

        if (raw->len > max * NGX_INTAKE_FORM_JSON_ESCAPE) {
            return NGX_DECLINED;
        }

        bytes.data = j->raw;
        bytes.len = ngx_intake_json_unescape(j->raw, raw);
    }

    if (bytes.len > max) {
        return NGX_DECLINED;
    }

    *replaced = !ngx_intake_utf8_valid(bytes.data, bytes.len);
    text->len = bytes.len;

    if (!*replaced) {
        ngx_memcpy(text->data, bytes.data, bytes.len);
        return NGX_OK;
    }

    text->len = ngx_intake_utf8_length(bytes.data, bytes.len);

    if (text->len > max) {
        return NGX_DECLINED;
    }

    (void) ngx_intake_utf8_copy(text->data, bytes.data, bytes.len);

    return NGX_OK;
}


/* the first one stays */

static void
ngx_intake_form_json_refuse(ngx_intake_form_json_t *j,
    ngx_intake_form_error_e error)
{
    if (j->error == NGX_INTAKE_FORM_FINE) {
        j->error = error;
    }
}
