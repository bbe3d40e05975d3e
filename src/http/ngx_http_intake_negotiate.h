
/*
 * Copyright (C) nginx-intake contributors
 */


#ifndef _NGX_HTTP_INTAKE_NEGOTIATE_H_INCLUDED_
#define _NGX_HTTP_INTAKE_NEGOTIATE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>


/* a media type that can be sent, and what the client's Accept says of it */

typedef struct {
    ngx_str_t                       type;       /* "text/plain" */
    ngx_uint_t                      named;      /* flag: a range with "*" is
                                                   not enough */

    ngx_uint_t                      quality;    /* 0 .. 1000; 0: refused */
    ngx_uint_t                      specificity;    /* 3: in full, 2: type/?,
                                                       1: any, 0: not said */
    ngx_uint_t                      position;   /* of the range */
} ngx_http_intake_media_t;


/*
 * Fills quality, specificity and position of n media types from all Accept
 * headers of r (RFC 9110, 12.5.1); without one, or if it is empty, any type
 * will do.  Parameters of a range other than q do not matter.
 *
 * Returns the index of the best: of the highest quality, of these the one
 * that was named most precisely, of these the one that was named first, of
 * these the first of media.  NGX_DECLINED: none is acceptable.
 */
ngx_int_t ngx_http_intake_negotiate(ngx_http_request_t *r,
    ngx_http_intake_media_t *media, ngx_uint_t n);

/*
 * The value of the first header of r with this name, which is in lower case;
 * NULL: there is none.
 */
ngx_str_t *ngx_http_intake_request_header(ngx_http_request_t *r,
    const char *name);


#endif /* _NGX_HTTP_INTAKE_NEGOTIATE_H_INCLUDED_ */
