
/*
 * Copyright (C) nginx-intake contributors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_intake_disposition.h"
#include "ngx_intake_mime.h"
#include "ngx_intake_part.h"


static void ngx_intake_part_trim(ngx_str_t *text);
static ngx_uint_t ngx_intake_part_header_is(ngx_str_t *name,
    const char *text);
static ngx_int_t ngx_intake_part_disposition(ngx_intake_part_t *part,
    ngx_str_t *value);
static void ngx_intake_part_type(ngx_intake_part_t *part, ngx_str_t *value);


static ngx_str_t  ngx_intake_part_text = ngx_string("text/plain");


void
ngx_intake_part_init(ngx_intake_part_t *part)
{
    ngx_str_null(&part->name);
    ngx_str_null(&part->filename);

    part->type = ngx_intake_part_text;

    part->file = 0;
    part->disposed = 0;
}


ngx_int_t
ngx_intake_part_header(ngx_intake_part_t *part, u_char *line, size_t len)
{
    u_char     *colon;
    ngx_str_t   name, value;

    if (len == 0 || memchr(line, '\0', len) != NULL) {
        return NGX_DECLINED;
    }

    colon = memchr(line, ':', len);

    if (colon == NULL) {
        return NGX_DECLINED;
    }

    name.data = line;
    name.len = colon - line;

    ngx_intake_part_trim(&name);

    if (name.len == 0
        || ngx_intake_mime_token(name.data, name.data + name.len) != name.len)
    {
        return NGX_DECLINED;
    }

    value.data = colon + 1;
    value.len = line + len - value.data;

    ngx_intake_part_trim(&value);

    if (ngx_intake_part_header_is(&name, "content-disposition")) {
        return ngx_intake_part_disposition(part, &value);
    }

    if (ngx_intake_part_header_is(&name, "content-type")) {
        ngx_intake_part_type(part, &value);
    }

    return NGX_OK;
}


ngx_int_t
ngx_intake_part_headers_end(ngx_intake_part_t *part)
{
    return (part->name.data == NULL) ? NGX_DECLINED : NGX_OK;
}


static void
ngx_intake_part_trim(ngx_str_t *text)
{
    while (text->len && (*text->data == ' ' || *text->data == '\t')) {
        text->data++;
        text->len--;
    }

    while (text->len
           && (text->data[text->len - 1] == ' '
               || text->data[text->len - 1] == '\t'))
    {
        text->len--;
    }
}


/* name is a token, without zero bytes; text is lower case */

static ngx_uint_t
ngx_intake_part_header_is(ngx_str_t *name, const char *text)
{
    size_t  i;

    for (i = 0; i < name->len; i++) {
        if (ngx_tolower(name->data[i]) != (u_char) text[i]) {
            return 0;
        }
    }

    return text[i] == '\0';
}


static ngx_int_t
ngx_intake_part_disposition(ngx_intake_part_t *part, ngx_str_t *value)
{
    ngx_str_t                 text;
    ngx_intake_disposition_t  disposition;

    if (part->disposed) {
        return NGX_DECLINED;
    }

    part->disposed = 1;

    /* what it says must outlive the line */

    ngx_memcpy(part->disposition_text, value->data, value->len);

    text.data = part->disposition_text;
    text.len = value->len;

    if (ngx_intake_disposition_parse(&disposition, &text) != NGX_OK) {
        return NGX_DECLINED;
    }

    part->name = disposition.name;
    part->filename = disposition.filename;
    part->file = (disposition.filename.data != NULL);

    return NGX_OK;
}


/* of a list of types the last one counts, as in the Fetch Standard */

static void
ngx_intake_part_type(ngx_intake_part_t *part, ngx_str_t *value)
{
    u_char             *p, *last, *start;
    ngx_intake_mime_t   mime;

    part->type.data = part->type_text;
    part->type.len = 0;

    last = value->data + value->len;
    start = value->data;

    for (p = value->data; p < last; p++) {

        if (*p >= 0x80) {
            return;
        }

        if (*p == ',') {
            start = p + 1;
        }
    }

    if (ngx_intake_mime_parse(&mime, start, last - start) != NGX_OK) {
        return;
    }

    part->type.len = mime.essence.len;

    for (p = part->type_text; mime.essence.len; mime.essence.len--) {
        *p++ = ngx_tolower(*mime.essence.data);
        mime.essence.data++;
    }
}
