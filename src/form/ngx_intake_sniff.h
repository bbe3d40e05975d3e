
/*
 * Copyright (C) nginx-intake contributors
 */


#ifndef _NGX_INTAKE_SNIFF_H_INCLUDED_
#define _NGX_INTAKE_SNIFF_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/*
 * What a file is by its content, whatever its sender says: by the bytes that
 * formats begin with; of a ZIP archive by the names in its directory (OOXML,
 * OpenDocument), of an OLE file by those of its streams (Word, Excel, ...); of
 * what begins with none of them by being text.
 *
 * Pure: no allocation; what is read is bounded, whatever the file holds.
 */


/*
 * read() puts len bytes at offset of the file, which are all inside of it, to
 * p and returns NGX_OK; else NGX_ERROR.
 */

typedef struct {
    ngx_int_t       (*read)(void *ctx, off_t offset, u_char *p, size_t len);
    void             *ctx;
    off_t             size;
} ngx_intake_sniff_file_t;


/* begins as zeroes */

typedef struct {
    uint32_t          rest;         /* bytes of a character to come */
    u_char            low;          /* of the next of them: its bounds */
    u_char            high;
    unsigned          binary:1;     /* not UTF-8, or it holds a zero byte */
} ngx_intake_sniff_text_t;


/* takes the next piece of the content; linear */

void ngx_intake_sniff_text(ngx_intake_sniff_text_t *text, u_char *p,
    size_t len);

/*
 * The type of the file, static and in lower case; text has been given the whole
 * content.  application/octet-stream if nothing is known of it.  NULL: it could
 * not be read.
 */

const char *ngx_intake_sniff(ngx_intake_sniff_file_t *file,
    ngx_intake_sniff_text_t *text);

/*
 * Whether one of the list (ngx_str_t, in lower case; "image" followed by a
 * slash and an asterisk is any image but SVG, which is a program) allows the
 * type.  The several names of one type, as image/jpg, are the same.
 */

ngx_uint_t ngx_intake_sniff_allowed(ngx_str_t *type, ngx_str_t *list,
    ngx_uint_t n);

/*
 * Whether a file that is claimed to be of one type may be what was found: what
 * is called text/csv has no bytes of its own and is text/plain, video/mp4 may
 * hold sound only.
 */

ngx_uint_t ngx_intake_sniff_fits(ngx_str_t *claimed, const char *found);


/* what the files of this share: the types of archives, or NULL on error */

const char *ngx_intake_sniff_zip(ngx_intake_sniff_file_t *file);
const char *ngx_intake_sniff_ole(ngx_intake_sniff_file_t *file);


#endif /* _NGX_INTAKE_SNIFF_H_INCLUDED_ */
