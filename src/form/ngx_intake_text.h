
/*
 * Copyright (C) nginx-intake contributors
 */


#ifndef _NGX_INTAKE_TEXT_H_INCLUDED_
#define _NGX_INTAKE_TEXT_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/*
 * What a visitor has written.  All text here is UTF-8, as the parsers of forms
 * report it.  Pure: no allocation, no state.
 */


/*
 * Returns 1 if the text may stand in one line: it has no control characters,
 * C0, DEL or C1, and none of the separators U+2028 and U+2029.  A tab is one,
 * and so is whatever could end a header of a mail.
 */

ngx_uint_t ngx_intake_text_single_line(ngx_str_t *text);

/*
 * Writes text of several lines so that it may be stored and shown: CRLF and CR
 * become LF, other control characters but TAB become U+FFFD.  dst, which is not
 * the text, has room for ngx_intake_text_lines_length() bytes; the end is
 * returned.
 */

size_t ngx_intake_text_lines_length(ngx_str_t *text);
u_char *ngx_intake_text_lines(u_char *dst, ngx_str_t *text);

/*
 * The length that minlength and maxlength of HTML mean: UTF-16 code units of
 * the text with CRLF and CR as LF.
 */

size_t ngx_intake_text_units(ngx_str_t *text);

/* returns 1 if there is nothing but white space, as Unicode has it */

ngx_uint_t ngx_intake_text_blank(ngx_str_t *text);

/* takes ASCII whitespace (Infra Standard) from both ends */

void ngx_intake_text_trim(ngx_str_t *text);


#endif /* _NGX_INTAKE_TEXT_H_INCLUDED_ */
