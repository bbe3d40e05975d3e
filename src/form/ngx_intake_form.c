
/*
 * Copyright (C) nginx-intake contributors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_intake_form.h"
#include "ngx_intake_utf8.h"


static ngx_int_t ngx_intake_form_result(ngx_intake_form_t *form, ngx_int_t rc);
static ngx_int_t ngx_intake_form_gather(ngx_intake_form_t *form, u_char *p,
    size_t len);
static ngx_int_t ngx_intake_form_pair(void *ctx, ngx_str_t *name,
    ngx_str_t *value);
static ngx_int_t ngx_intake_form_json_field(void *ctx, ngx_str_t *name,
    ngx_str_t *value, ngx_uint_t replaced);
static ngx_int_t ngx_intake_form_part_begin(void *ctx,
    ngx_intake_part_t *part);
static ngx_int_t ngx_intake_form_part_data(void *ctx, u_char *p, size_t len);
static ngx_int_t ngx_intake_form_part_end(void *ctx);
static ngx_int_t ngx_intake_form_file(ngx_intake_form_t *form,
    ngx_intake_part_t *part);
static ngx_int_t ngx_intake_form_refuse(ngx_intake_form_t *form,
    ngx_intake_form_error_e error);
static ngx_uint_t ngx_intake_form_utf8(u_char **dst, ngx_str_t *text);


static ngx_intake_multipart_handlers_t  ngx_intake_form_part_handlers = {
    ngx_intake_form_part_begin,
    ngx_intake_form_part_data,
    ngx_intake_form_part_end
};


/* in the order of ngx_intake_form_error_e */

static const char  *ngx_intake_form_reasons[] = {
    "",
    "unsupported_media_type",
    "missing_boundary",
    "bad_boundary",
    "malformed_multipart",
    "malformed_json",
    "unsupported_json",
    "too_many_fields",
    "too_many_files",
    "name_too_long",
    "value_too_large",
    "file_too_large",
    "header_too_large"
};


void
ngx_intake_form_limits_init(ngx_intake_form_limits_t *limits)
{
    limits->fields = NGX_INTAKE_FORM_FIELDS;
    limits->files = NGX_INTAKE_FORM_FILES;
    limits->name = NGX_INTAKE_FORM_NAME;
    limits->value = NGX_INTAKE_FORM_VALUE;
    limits->file = NGX_INTAKE_FORM_FILE;
}


ngx_int_t
ngx_intake_form_type(ngx_str_t *content_type, ngx_intake_mime_t *mime,
    ngx_intake_form_type_e *type)
{
    if (content_type == NULL
        || ngx_intake_mime_parse(mime, content_type->data, content_type->len)
           != NGX_OK)
    {
        return NGX_DECLINED;
    }

    if (ngx_intake_mime_is(mime, "application/x-www-form-urlencoded")) {
        *type = NGX_INTAKE_FORM_URLENCODED;

    } else if (ngx_intake_mime_is(mime, "multipart/form-data")) {
        *type = NGX_INTAKE_FORM_MULTIPART;

    } else if (ngx_intake_mime_is(mime, "application/json")) {
        *type = NGX_INTAKE_FORM_JSON;

    } else {
        return NGX_DECLINED;
    }

    return NGX_OK;
}


ngx_int_t
ngx_intake_form_init(ngx_intake_form_t *form, ngx_str_t *content_type)
{
    ngx_int_t          rc;
    ngx_intake_mime_t  mime;

    form->error = NGX_INTAKE_FORM_FINE;
    form->nfields = 0;
    form->nfiles = 0;
    form->file_size = 0;

    if (ngx_intake_form_type(content_type, &mime, &form->type) != NGX_OK) {
        return ngx_intake_form_refuse(form, NGX_INTAKE_FORM_UNSUPPORTED_TYPE);
    }

    if (form->type != NGX_INTAKE_FORM_MULTIPART) {
        return NGX_OK;
    }

    form->u.multipart.handlers = &ngx_intake_form_part_handlers;
    form->u.multipart.ctx = form;

    rc = ngx_intake_multipart_init(&form->u.multipart, &mime);

    return ngx_intake_form_result(form, rc);
}


/* what is gathered or decoded comes first, and behind it UTF-8 or JSON */

size_t
ngx_intake_form_size(ngx_intake_form_t *form, size_t len)
{
    size_t                     name, value, filename;
    ngx_intake_form_limits_t  *limits;

    limits = &form->limits;

    if (form->type == NGX_INTAKE_FORM_JSON) {
        return len + ngx_intake_form_json_size(limits, len);
    }

    name = ngx_min(limits->name, len);
    value = ngx_min(limits->value, len);

    if (form->type == NGX_INTAKE_FORM_URLENCODED) {
        return ngx_intake_urlencoded_size(limits, len)
               + (name + value) * NGX_INTAKE_UTF8_GROWTH;
    }

    filename = ngx_min(NGX_INTAKE_PART_LINE, len);

    return value + (name + ngx_max(value, filename)) * NGX_INTAKE_UTF8_GROWTH;
}


void
ngx_intake_form_start(ngx_intake_form_t *form, u_char *buffer, size_t len)
{
    ngx_intake_form_json_t   *j;
    ngx_intake_urlencoded_t  *u;

    form->gathered.data = buffer;
    form->gathered.len = 0;

    switch (form->type) {

    case NGX_INTAKE_FORM_URLENCODED:
        u = &form->u.urlencoded;

        u->handler = ngx_intake_form_pair;
        u->ctx = form;
        u->limits = &form->limits;

        ngx_intake_urlencoded_init(u, buffer, len);

        form->room = ngx_intake_urlencoded_size(&form->limits, len);
        break;

    case NGX_INTAKE_FORM_MULTIPART:
        form->room = ngx_min(form->limits.value, len);
        break;

    case NGX_INTAKE_FORM_JSON:
        j = &form->u.json;

        j->handler = ngx_intake_form_json_field;
        j->ctx = form;
        j->limits = &form->limits;

        form->room = len;
        break;
    }

    form->text = buffer + form->room;
}


ngx_int_t
ngx_intake_form_feed(ngx_intake_form_t *form, u_char *p, size_t len)
{
    ngx_int_t  rc;

    switch (form->type) {

    case NGX_INTAKE_FORM_URLENCODED:
        rc = ngx_intake_urlencoded_feed(&form->u.urlencoded, p, len);
        break;

    case NGX_INTAKE_FORM_MULTIPART:
        rc = ngx_intake_multipart_feed(&form->u.multipart, p, len);
        break;

    default: /* NGX_INTAKE_FORM_JSON */
        rc = ngx_intake_form_gather(form, p, len);
    }

    return ngx_intake_form_result(form, rc);
}


ngx_int_t
ngx_intake_form_end(ngx_intake_form_t *form)
{
    ngx_int_t  rc;

    switch (form->type) {

    case NGX_INTAKE_FORM_URLENCODED:
        rc = ngx_intake_urlencoded_end(&form->u.urlencoded);
        break;

    case NGX_INTAKE_FORM_MULTIPART:
        rc = ngx_intake_multipart_end(&form->u.multipart);
        break;

    default: /* NGX_INTAKE_FORM_JSON */
        rc = ngx_intake_form_json_read(&form->u.json, form->text,
                                       form->gathered.data,
                                       form->gathered.len);
    }

    return ngx_intake_form_result(form, rc);
}


/* the error is the form's own, or that of its parser */

static ngx_int_t
ngx_intake_form_result(ngx_intake_form_t *form, ngx_int_t rc)
{
    if (rc != NGX_DECLINED || form->error != NGX_INTAKE_FORM_FINE) {
        return rc;
    }

    switch (form->type) {

    case NGX_INTAKE_FORM_URLENCODED:
        form->error = form->u.urlencoded.error;
        break;

    case NGX_INTAKE_FORM_MULTIPART:
        form->error = form->u.multipart.error;
        break;

    case NGX_INTAKE_FORM_JSON:
        form->error = form->u.json.error;
        break;
    }

    return NGX_DECLINED;
}


static ngx_int_t
ngx_intake_form_gather(ngx_intake_form_t *form, u_char *p, size_t len)
{
    if (len > form->room - form->gathered.len) {
        return NGX_ERROR;
    }

    if (len) {
        ngx_memcpy(form->gathered.data + form->gathered.len, p, len);
        form->gathered.len += len;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_intake_form_pair(void *ctx, ngx_str_t *name, ngx_str_t *value)
{
    ngx_intake_form_t *form = ctx;

    u_char                   *dst;
    ngx_uint_t                replaced;
    ngx_intake_form_field_t   field;

    form->nfields++;

    dst = form->text;

    field.name = *name;
    field.value = *value;

    replaced = ngx_intake_form_utf8(&dst, &field.name);
    replaced |= ngx_intake_form_utf8(&dst, &field.value);

    field.replaced = (replaced != 0);

    return form->handlers->field(form->ctx, &field);
}


static ngx_int_t
ngx_intake_form_json_field(void *ctx, ngx_str_t *name, ngx_str_t *value,
    ngx_uint_t replaced)
{
    ngx_intake_form_t *form = ctx;

    ngx_intake_form_field_t  field;

    form->nfields++;

    field.name = *name;
    field.value = *value;
    field.replaced = (replaced != 0);

    return form->handlers->field(form->ctx, &field);
}


static ngx_int_t
ngx_intake_form_part_begin(void *ctx, ngx_intake_part_t *part)
{
    ngx_intake_form_t *form = ctx;

    if (part->name.len > form->limits.name) {
        return ngx_intake_form_refuse(form, NGX_INTAKE_FORM_NAME_TOO_LONG);
    }

    if (part->file) {
        return ngx_intake_form_file(form, part);
    }

    form->gathered.len = 0;

    return NGX_OK;
}


static ngx_int_t
ngx_intake_form_part_data(void *ctx, u_char *p, size_t len)
{
    ngx_intake_form_t *form = ctx;

    if (!form->u.multipart.part.file) {

        if (len > form->limits.value - form->gathered.len) {
            return ngx_intake_form_refuse(form,
                                          NGX_INTAKE_FORM_VALUE_TOO_LARGE);
        }

        return ngx_intake_form_gather(form, p, len);
    }

    if ((off_t) len > form->limits.file - form->file_size) {
        return ngx_intake_form_refuse(form, NGX_INTAKE_FORM_FILE_TOO_LARGE);
    }

    form->file_size += len;

    return form->handlers->data(form->ctx, p, len);
}


static ngx_int_t
ngx_intake_form_part_end(void *ctx)
{
    ngx_intake_form_t *form = ctx;

    ngx_intake_part_t  *part;

    part = &form->u.multipart.part;

    if (part->file) {
        return form->handlers->end(form->ctx);
    }

    if (form->nfields == form->limits.fields) {
        return ngx_intake_form_refuse(form, NGX_INTAKE_FORM_TOO_MANY_FIELDS);
    }

    return ngx_intake_form_pair(form, &part->name, &form->gathered);
}


static ngx_int_t
ngx_intake_form_file(ngx_intake_form_t *form, ngx_intake_part_t *part)
{
    u_char                  *dst;
    ngx_uint_t               replaced;
    ngx_intake_form_file_t   file;

    if (++form->nfiles > form->limits.files) {
        return ngx_intake_form_refuse(form, NGX_INTAKE_FORM_TOO_MANY_FILES);
    }

    form->file_size = 0;

    dst = form->text;

    file.name = part->name;
    file.filename = part->filename;
    file.type = part->type;

    replaced = ngx_intake_form_utf8(&dst, &file.name);
    replaced |= ngx_intake_form_utf8(&dst, &file.filename);

    file.replaced = (replaced != 0);

    return form->handlers->file(form->ctx, &file);
}


static ngx_int_t
ngx_intake_form_refuse(ngx_intake_form_t *form, ngx_intake_form_error_e error)
{
    form->error = error;

    return NGX_DECLINED;
}


/* text stays where it is if it is UTF-8; else it goes to *dst */

static ngx_uint_t
ngx_intake_form_utf8(u_char **dst, ngx_str_t *text)
{
    u_char  *p;

    if (ngx_intake_utf8_valid(text->data, text->len)) {
        return 0;
    }

    p = *dst;
    *dst = ngx_intake_utf8_copy(p, text->data, text->len);

    text->data = p;
    text->len = *dst - p;

    return 1;
}


const char *
ngx_intake_form_reason(ngx_intake_form_error_e error)
{
    return ngx_intake_form_reasons[error];
}
