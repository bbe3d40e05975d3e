
/*
 * Copyright (C) nginx-intake contributors
 */


#ifndef _NGX_INTAKE_FORM_JSON_H_INCLUDED_
#define _NGX_INTAKE_FORM_JSON_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_intake_form_limits.h"
#include "ngx_intake_json.h"


/*
 * A form as an object of JSON, decoded as the Fetch Standard does ("parse JSON
 * from bytes"): a byte order mark may be in front, bytes that are not UTF-8 and
 * surrogates without the other half become U+FFFD.  A member is a string, a
 * number (its text is kept), true or false, null (it is absent) or an array of
 * these without null (one field each).  Other values, names that come twice and
 * documents that are no object are not supported.
 */


#define NGX_INTAKE_FORM_JSON_MEMBERS  1024      /* absent ones as well */


/* gone after the call; any code but NGX_OK ends reading */

typedef ngx_int_t (*ngx_intake_form_json_pair_pt)(void *ctx, ngx_str_t *name,
    ngx_str_t *value, ngx_uint_t replaced);


typedef struct {
    ngx_intake_form_json_pair_pt    handler;
    void                           *ctx;
    ngx_intake_form_limits_t       *limits;

    ngx_intake_form_error_e         error;

    ngx_int_t                       rc;         /* the handler's */

    u_char                         *text;       /* room for a value */
    u_char                         *raw;        /* and before it is UTF-8 */
    u_char                         *names;      /* of the members so far */
    ngx_str_t                       name;       /* of the last one */
    ngx_uint_t                      replaced;   /* in it */

    ngx_uint_t                      npairs;
    ngx_uint_t                      nmembers;
    uint32_t                        position;   /* of the last one */
    uint32_t                        lengths[NGX_INTAKE_FORM_JSON_MEMBERS];
} ngx_intake_form_json_t;


/* the bytes that are needed to read a body of len bytes */

size_t ngx_intake_form_json_size(ngx_intake_form_limits_t *limits, size_t len);

/*
 * Reads a whole body, which is not changed; handler, ctx and limits were set by
 * the caller, buffer has the bytes above.  Returns NGX_OK; NGX_DECLINED, and
 * sets error, if the body is malformed, not supported or over a limit; else
 * what the handler returned.  Pairs may have been reported before an error is
 * found.
 */

ngx_int_t ngx_intake_form_json_read(ngx_intake_form_json_t *j, u_char *buffer,
    u_char *data, size_t len);


#endif /* _NGX_INTAKE_FORM_JSON_H_INCLUDED_ */
