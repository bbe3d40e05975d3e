
/*
 * Copyright (C) nginx-intake contributors
 */


#ifndef _NGX_INTAKE_MULTIPART_H_INCLUDED_
#define _NGX_INTAKE_MULTIPART_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_intake_form_limits.h"
#include "ngx_intake_mime.h"
#include "ngx_intake_part.h"


/*
 * The parser of multipart/form-data, fed with successive pieces of any size, by
 * the rules of web-platform-tests (fetch/api/body/formdata-parsing.any.js),
 * which are stricter than RFC 7578: the body begins with the first delimiter
 * and has the last one; only CRLF ends lines; headers are not folded and hold
 * no zero byte; transfer encodings and charsets mean nothing; a part within a
 * part is text.  What is behind the last delimiter is passed over.
 *
 * What is reported and the error that is found do not depend on how the body is
 * cut into pieces, but for the pieces of the data.  Linear in the length of the
 * body, whatever it holds; memory is the structure alone.
 */


/* CRLF, "--" and the boundary */

#define NGX_INTAKE_MULTIPART_DELIMITER  (4 + NGX_INTAKE_MIME_BOUNDARY)


/*
 * For each part begin, data for each piece of its content and end.  What they
 * are given is gone after the call, but the part stays until its end.  Any code
 * but NGX_OK ends parsing.
 */

typedef struct {
    ngx_int_t                (*begin)(void *ctx,
                                      ngx_intake_part_t *part);
    ngx_int_t                (*data)(void *ctx, u_char *p, size_t len);
    ngx_int_t                (*end)(void *ctx);
} ngx_intake_multipart_handlers_t;


typedef struct {
    ngx_intake_multipart_handlers_t   *handlers;
    void                              *ctx;

    ngx_intake_form_error_e            error;

    ngx_uint_t                         state;

    size_t                             len;        /* of the delimiter */
    size_t                             matched;    /* of it, so far */
    size_t                             skip;       /* of these, not data */
    size_t                             blanks;
    ngx_uint_t                         opened;     /* by the first one */

    ngx_uint_t                         nheaders;
    size_t                             line_len;
    ngx_intake_part_t                  part;

    u_char                             delimiter
                                         [NGX_INTAKE_MULTIPART_DELIMITER];
    u_char                             line[NGX_INTAKE_PART_LINE];
} ngx_intake_multipart_t;


/*
 * Begins a body; handlers and ctx were set by the caller.  Returns NGX_OK, or
 * NGX_DECLINED, and sets error, if the type has no boundary or a bad one.
 */

ngx_int_t ngx_intake_multipart_init(ngx_intake_multipart_t *m,
    ngx_intake_mime_t *mime);

/*
 * Takes the next piece, which is neither changed nor kept.  Returns NGX_OK;
 * NGX_DECLINED, and sets error, if the body is malformed or a header too large;
 * else what a handler returned.  After any other code than NGX_OK there is
 * nothing more to feed.
 */

ngx_int_t ngx_intake_multipart_feed(ngx_intake_multipart_t *m, u_char *p,
    size_t len);

/* returns NGX_OK if the body is whole, else NGX_DECLINED, and sets error */

ngx_int_t ngx_intake_multipart_end(ngx_intake_multipart_t *m);


#endif /* _NGX_INTAKE_MULTIPART_H_INCLUDED_ */
