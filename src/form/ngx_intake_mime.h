
/*
 * Copyright (C) nginx-intake contributors
 */


#ifndef _NGX_INTAKE_MIME_H_INCLUDED_
#define _NGX_INTAKE_MIME_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


#define NGX_INTAKE_MIME_BOUNDARY  70       /* RFC 2046, section 5.1.1 */


typedef enum {
    NGX_INTAKE_MIME_NO_BOUNDARY = 0,
    NGX_INTAKE_MIME_BOUNDARY_FOUND,
    NGX_INTAKE_MIME_BOUNDARY_BAD           /* too long, or two of them */
} ngx_intake_mime_boundary_e;


/*
 * A MIME type of a Content-Type header.  essence, "type/subtype", points into
 * the text and has its letters as they were written.
 */

typedef struct {
    ngx_str_t                     essence;

    ngx_intake_mime_boundary_e    found;
    ngx_uint_t                    nboundaries;
    size_t                        len;
    u_char                        boundary[NGX_INTAKE_MIME_BOUNDARY];
} ngx_intake_mime_t;


/*
 * Parses a MIME type as the MIME Sniffing Standard does (section 4.4): what is
 * no parameter is passed over, a quoted string need not end.  The standard
 * takes the first of two boundaries; here, as parsers differ in that, two make
 * it bad.  A byte above 0x7f stands for the character of Latin-1 that it is
 * there, so the boundary has its UTF-8.  An empty boundary is none.
 *
 * Returns NGX_OK, or NGX_DECLINED if the text is no MIME type.  Linear.
 */

ngx_int_t ngx_intake_mime_parse(ngx_intake_mime_t *mime, u_char *text,
    size_t len);

/* returns 1 if text is the essence, which ignores case; text is lower case */

ngx_uint_t ngx_intake_mime_is(ngx_intake_mime_t *mime, const char *text);

/* the number of bytes at p that may stand in a token (RFC 9110, 5.6.2) */

size_t ngx_intake_mime_token(u_char *p, u_char *last);


#endif /* _NGX_INTAKE_MIME_H_INCLUDED_ */
