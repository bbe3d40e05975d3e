
/*
 * Copyright (C) nginx-intake contributors
 */


#ifndef _NGX_INTAKE_UTF8_H_INCLUDED_
#define _NGX_INTAKE_UTF8_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/*
 * UTF-8 of the Encoding Standard, "UTF-8 decode without BOM": a byte order
 * mark is text, and bytes that are not UTF-8 become U+FFFD, one for each
 * maximal subpart of a sequence (Unicode 3.9, table 3-7).  Pure: no allocation,
 * no state.
 */


#define NGX_INTAKE_UTF8_MAX      4         /* bytes of a character */
#define NGX_INTAKE_UTF8_GROWTH   3         /* a byte may become U+FFFD */

#define NGX_INTAKE_UTF8_REPLACEMENT  0xfffd


/*
 * Reads the character at *pos, which is before last, and moves *pos behind it.
 * Of a sequence that is not valid, *pos moves behind the maximal subpart and
 * NGX_INTAKE_UTF8_INVALID is returned.
 */

#define NGX_INTAKE_UTF8_INVALID  0xffffffff

uint32_t ngx_intake_utf8_next(u_char **pos, u_char *last);

/* writes a character of at most U+10FFFF and returns the end */

u_char *ngx_intake_utf8_put(u_char *dst, uint32_t c);

/* the number of bytes at p that are ASCII */

size_t ngx_intake_utf8_ascii(u_char *p, size_t len);

/* returns 1 if the bytes are UTF-8 */

ngx_uint_t ngx_intake_utf8_valid(u_char *p, size_t len);

/*
 * Copies text and replaces what is not UTF-8.  dst, which is not src, has room
 * for ngx_intake_utf8_length() bytes, at most NGX_INTAKE_UTF8_GROWTH times len;
 * the end is returned.
 */

size_t ngx_intake_utf8_length(u_char *p, size_t len);
u_char *ngx_intake_utf8_copy(u_char *dst, u_char *src, size_t len);


#endif /* _NGX_INTAKE_UTF8_H_INCLUDED_ */
