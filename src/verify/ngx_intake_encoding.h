
/*
 * Copyright (C) nginx-intake contributors
 */


#ifndef _NGX_INTAKE_ENCODING_H_INCLUDED_
#define _NGX_INTAKE_ENCODING_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/*
 * Bytes as text and back.  Pure: no allocation, no state.
 *
 * All encoders and decoders take the text or bytes of src, write at most
 * size bytes to dst, set *len to what was written and return NGX_OK; they
 * return NGX_ERROR, with *len untouched and the content of dst undefined,
 * when src is not of the encoding or dst is too small.  No zero is appended.
 * Empty src gives empty dst.  Decoders may work in place (dst == src->data).
 */


typedef enum {
    NGX_INTAKE_ENCODING_RAW = 0,
    NGX_INTAKE_ENCODING_HEX,
    NGX_INTAKE_ENCODING_BASE64,
    NGX_INTAKE_ENCODING_BASE64URL
} ngx_intake_encoding_e;


/* characters that the encoders write for len bytes */

#define ngx_intake_hex_length(len)         ((len) * 2)
#define ngx_intake_base64_length(len)      (((len) + 2) / 3 * 4)
#define ngx_intake_base64url_length(len)   (((len) * 4 + 2) / 3)


/* pairs of hexadecimal digits of either case and nothing else */

ngx_int_t ngx_intake_hex_decode(ngx_str_t *src, u_char *dst, size_t size,
    size_t *len);

/*
 * RFC 4648, section 4.  The padding may be left out as a whole; where it is
 * present it must complete a group of four.  Any other character than those
 * of the alphabet is refused, line ends too.  The unused bits of the last
 * character are not looked at.
 */
ngx_int_t ngx_intake_base64_decode(ngx_str_t *src, u_char *dst, size_t size,
    size_t *len);

/* RFC 4648, section 5: the same with "-_" for "+/", which are refused */

ngx_int_t ngx_intake_base64url_decode(ngx_str_t *src, u_char *dst,
    size_t size, size_t *len);

/* one of the above; RAW copies */

ngx_int_t ngx_intake_decode(ngx_intake_encoding_e encoding, ngx_str_t *src,
    u_char *dst, size_t size, size_t *len);


/* lower case */

ngx_int_t ngx_intake_hex_encode(ngx_str_t *src, u_char *dst, size_t size,
    size_t *len);

/* with padding */

ngx_int_t ngx_intake_base64_encode(ngx_str_t *src, u_char *dst, size_t size,
    size_t *len);

/* without padding */

ngx_int_t ngx_intake_base64url_encode(ngx_str_t *src, u_char *dst,
    size_t size, size_t *len);

/* one of the above; RAW copies */

ngx_int_t ngx_intake_encode(ngx_intake_encoding_e encoding, ngx_str_t *src,
    u_char *dst, size_t size, size_t *len);


/*
 * Percent-decoding of the WHATWG URL standard, section 1.3: an escape that
 * is not % and two hexadecimal digits stays as it is.  With plus_is_space
 * "+" becomes a space (application/x-www-form-urlencoded).  Writes at most
 * len bytes to dst, which may be src, and returns how many.  Cannot fail.
 */
size_t ngx_intake_percent_decode(u_char *dst, u_char *src, size_t len,
    ngx_uint_t plus_is_space);


#endif /* _NGX_INTAKE_ENCODING_H_INCLUDED_ */
