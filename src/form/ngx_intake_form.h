
/*
 * Copyright (C) nginx-intake contributors
 */


#ifndef _NGX_INTAKE_FORM_H_INCLUDED_
#define _NGX_INTAKE_FORM_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_intake_form_json.h"
#include "ngx_intake_form_limits.h"
#include "ngx_intake_mime.h"
#include "ngx_intake_multipart.h"
#include "ngx_intake_urlencoded.h"


/*
 * A form in any of the three types, fed with successive pieces of its body:
 *
 *     ngx_intake_form_init() with its Content-Type
 *     ngx_intake_form_start() with ngx_intake_form_size() bytes
 *     ngx_intake_form_feed() for each piece
 *     ngx_intake_form_end()
 *
 * Fields and files are reported in the order of the body, while it is read; all
 * of them are void if the form is refused in the end.  Names, values and names
 * of files are UTF-8, anything else in them has become U+FFFD.  They may hold
 * any characters, zero too; the same name may come again; a name may be empty,
 * which no browser sends.  A file with an empty filename and no content is an
 * input in which no file was chosen.
 *
 * Linear in the length of the body.  What is reported and the error that is
 * found do not depend on how the body is cut.
 */


typedef enum {
    NGX_INTAKE_FORM_URLENCODED = 0,
    NGX_INTAKE_FORM_MULTIPART,
    NGX_INTAKE_FORM_JSON
} ngx_intake_form_type_e;


typedef struct {
    ngx_str_t                         name;
    ngx_str_t                         value;

    unsigned                          replaced:1;  /* something, by U+FFFD */
} ngx_intake_form_field_t;


/*
 * filename is as it was sent, and no path to trust: ngx_intake_filename_safe().
 * type is what was claimed, the essence in lower case: text/plain if nothing
 * was, empty if it was no type.
 */

typedef struct {
    ngx_str_t                         name;
    ngx_str_t                         filename;
    ngx_str_t                         type;

    unsigned                          replaced:1;
} ngx_intake_form_file_t;


/*
 * field for each field; file, data for each piece of the content and end for
 * each file.  What they are given is gone after the call.  NGX_OK goes on; any
 * other code, which should not be NGX_DECLINED, ends parsing.
 */

typedef struct {
    ngx_int_t                       (*field)(void *ctx,
                                             ngx_intake_form_field_t *field);
    ngx_int_t                       (*file)(void *ctx,
                                            ngx_intake_form_file_t *file);
    ngx_int_t                       (*data)(void *ctx, u_char *p, size_t len);
    ngx_int_t                       (*end)(void *ctx);
} ngx_intake_form_handlers_t;


/* about 13 KB: not for the stack */

typedef struct {
    ngx_intake_form_limits_t          limits;
    ngx_intake_form_handlers_t       *handlers;
    void                             *ctx;

    ngx_intake_form_type_e            type;
    ngx_intake_form_error_e           error;

    ngx_uint_t                        nfields;
    ngx_uint_t                        nfiles;
    off_t                             file_size;

    ngx_str_t                         gathered;    /* a value, or the body */
    size_t                            room;        /* for it */
    u_char                           *text;        /* where it is decoded */

    union {
        ngx_intake_urlencoded_t       urlencoded;
        ngx_intake_multipart_t        multipart;
        ngx_intake_form_json_t        json;
    } u;
} ngx_intake_form_t;


/* sets the limits to their defaults */

void ngx_intake_form_limits_init(ngx_intake_form_limits_t *limits);

/*
 * The type that a Content-Type names, which may be NULL, if there is none; mime
 * gets its parts.  Returns NGX_OK; NGX_DECLINED: it is not that of a form.
 */

ngx_int_t ngx_intake_form_type(ngx_str_t *content_type,
    ngx_intake_mime_t *mime, ngx_intake_form_type_e *type);

/*
 * limits, handlers and ctx were set by the caller; content_type may be NULL, if
 * there is none.  Returns NGX_OK and sets type; or NGX_DECLINED and sets error.
 */

ngx_int_t ngx_intake_form_init(ngx_intake_form_t *form,
    ngx_str_t *content_type);

/*
 * The bytes that are needed to parse a body of at most len bytes.  It grows
 * with len only up to the limits, but for JSON, which is read when it is whole.
 */

size_t ngx_intake_form_size(ngx_intake_form_t *form, size_t len);

/* buffer has the bytes above for the same len, and is used until the end */

void ngx_intake_form_start(ngx_intake_form_t *form, u_char *buffer,
    size_t len);

/*
 * Both return NGX_OK; NGX_DECLINED, and set error, if the form is refused;
 * NGX_ERROR if more than len bytes come; else what a handler returned.  After
 * any other code than NGX_OK there is nothing more to feed.
 */

ngx_int_t ngx_intake_form_feed(ngx_intake_form_t *form, u_char *p, size_t len);
ngx_int_t ngx_intake_form_end(ngx_intake_form_t *form);

/* a word for each error, for logs: "malformed_multipart" */

const char *ngx_intake_form_reason(ngx_intake_form_error_e error);


#endif /* _NGX_INTAKE_FORM_H_INCLUDED_ */
