
/*
 * Copyright (C) nginx-intake contributors
 */


#ifndef _NGX_INTAKE_PART_H_INCLUDED_
#define _NGX_INTAKE_PART_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


#define NGX_INTAKE_PART_HEADERS  16         /* header lines */
#define NGX_INTAKE_PART_LINE     4096       /* bytes, without CRLF */


/*
 * A part of multipart/form-data, by its headers.  name and filename are as they
 * were sent: not decoded, any bytes but CR, LF and zero, perhaps empty, perhaps
 * not UTF-8.  A part with a filename, even an empty one, is a file.  type is
 * the essence of its Content-Type in lower case: text/plain if there is none,
 * empty if it is not valid.
 */

typedef struct {
    ngx_str_t    name;
    ngx_str_t    filename;
    ngx_str_t    type;

    unsigned     file:1;
    unsigned     disposed:1;                /* has a Content-Disposition */

    u_char       disposition_text[NGX_INTAKE_PART_LINE];
    u_char       type_text[NGX_INTAKE_PART_LINE];
} ngx_intake_part_t;


/* forgets the headers of the part before */

void ngx_intake_part_init(ngx_intake_part_t *part);

/*
 * Takes a header line of at most NGX_INTAKE_PART_LINE bytes, without CRLF.
 * Returns NGX_OK, or NGX_DECLINED if it is malformed or a second
 * Content-Disposition.  Of several Content-Types the last one counts.
 */

ngx_int_t ngx_intake_part_header(ngx_intake_part_t *part, u_char *line,
    size_t len);

/* returns NGX_OK, or NGX_DECLINED if the part has no name */

ngx_int_t ngx_intake_part_headers_end(ngx_intake_part_t *part);


#endif /* _NGX_INTAKE_PART_H_INCLUDED_ */
