
/*
 * Copyright (C) nginx-intake contributors
 */


#ifndef _NGX_INTAKE_DISPOSITION_H_INCLUDED_
#define _NGX_INTAKE_DISPOSITION_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


#define NGX_INTAKE_DISPOSITION_PARAMETERS  16

#define NGX_INTAKE_FILENAME_SAFE           120      /* bytes */


/* data is NULL where a parameter is absent */

typedef struct {
    ngx_str_t    name;
    ngx_str_t    filename;
} ngx_intake_disposition_t;


/*
 * Parses the value of a part's Content-Disposition, without blanks around it.
 * Inside quotes a backslash is itself and the first quote ends, as browsers
 * write them: they send %22, %0D and %0A, but "%" as it is, so escapes are not
 * decoded either.  The name and the filename point into value.
 *
 * filename* (RFC 8187, UTF-8 only, else empty) counts only where there is no
 * filename; it is decoded in place, so value is changed.  RFC 7578 forbids it,
 * but without it a file would become text.
 *
 * Returns NGX_OK, or NGX_DECLINED if this is not form-data, is malformed, has
 * more parameters than NGX_INTAKE_DISPOSITION_PARAMETERS or one of them twice.
 */

ngx_int_t ngx_intake_disposition_parse(ngx_intake_disposition_t *disposition,
    ngx_str_t *value);

/*
 * Makes of the name of a file, which is UTF-8, one that is safe to show and to
 * use: what follows the last "/" or "\", without control characters, line and
 * paragraph separators and marks of direction (Unicode's Bidi_Control); "file"
 * if that is nothing, "." or "..".  Of a long name whole characters before a
 * short extension, or at the end, are left out.  dst has room for
 * NGX_INTAKE_FILENAME_SAFE bytes; the length is returned.
 */

size_t ngx_intake_filename_safe(u_char *dst, ngx_str_t *filename);


#endif /* _NGX_INTAKE_DISPOSITION_H_INCLUDED_ */
