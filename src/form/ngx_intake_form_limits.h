
/*
 * Copyright (C) nginx-intake contributors
 */


#ifndef _NGX_INTAKE_FORM_LIMITS_H_INCLUDED_
#define _NGX_INTAKE_FORM_LIMITS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/*
 * What one form may hold, in bytes and numbers.  A form that is just at the
 * limits is taken.  Names and values are measured as they were sent, after
 * percent-decoding; those of JSON in UTF-8.  A value is that of a text field,
 * not the content of a file.
 */

typedef struct {
    ngx_uint_t    fields;
    ngx_uint_t    files;
    size_t        name;
    size_t        value;
    off_t         file;           /* the content of one file */
} ngx_intake_form_limits_t;


#define NGX_INTAKE_FORM_FIELDS   100
#define NGX_INTAKE_FORM_FILES    10
#define NGX_INTAKE_FORM_NAME     256
#define NGX_INTAKE_FORM_VALUE    65536
#define NGX_INTAKE_FORM_FILE     10485760


/* why a form is refused; ngx_intake_form_reason() gives the words */

typedef enum {
    NGX_INTAKE_FORM_FINE = 0,

    /* the status is 415 */

    NGX_INTAKE_FORM_UNSUPPORTED_TYPE,

    /* 400 */

    NGX_INTAKE_FORM_MISSING_BOUNDARY,
    NGX_INTAKE_FORM_BAD_BOUNDARY,
    NGX_INTAKE_FORM_MALFORMED_MULTIPART,
    NGX_INTAKE_FORM_MALFORMED_JSON,
    NGX_INTAKE_FORM_UNSUPPORTED_JSON,

    /* 413 */

    NGX_INTAKE_FORM_TOO_MANY_FIELDS,
    NGX_INTAKE_FORM_TOO_MANY_FILES,
    NGX_INTAKE_FORM_NAME_TOO_LONG,
    NGX_INTAKE_FORM_VALUE_TOO_LARGE,
    NGX_INTAKE_FORM_FILE_TOO_LARGE,
    NGX_INTAKE_FORM_HEADER_TOO_LARGE
} ngx_intake_form_error_e;


#endif /* _NGX_INTAKE_FORM_LIMITS_H_INCLUDED_ */
