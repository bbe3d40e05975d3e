
/*
 * Copyright (C) nginx-intake contributors
 */


#ifndef _NGX_INTAKE_SEGMENT_H_INCLUDED_
#define _NGX_INTAKE_SEGMENT_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/* A file of the spool; its format stands at the top of the .c. */


#define NGX_INTAKE_SEGMENT_VERSION      1
#define NGX_INTAKE_SEGMENT_SALT         8
#define NGX_INTAKE_SEGMENT_HEADER       44    /* bytes, the mark included */
#define NGX_INTAKE_SEGMENT_MARK         32    /* where the mark stands */
#define NGX_INTAKE_SEGMENT_MARK_LEN     12

#define NGX_INTAKE_RECORD_HEAD          24            /* bytes */
#define NGX_INTAKE_RECORD_MAX           0x30000000    /* bytes of data */


typedef struct {
    u_char      salt[NGX_INTAKE_SEGMENT_SALT];    /* random, of each file */
    int64_t     created;      /* arrival of the first record, us since 1970 */
    int64_t     done;         /* offset before which every record is in Redis
                                 or set aside; at least that of the first */
} ngx_intake_segment_t;


/* a view into the bytes that were read */

typedef struct {
    int64_t     arrival;      /* us since 1970 */
    u_char     *data;
    size_t      len;          /* 1 to NGX_INTAKE_RECORD_MAX */
    size_t      size;         /* with its head */
} ngx_intake_record_t;


/*
 * Writes the NGX_INTAKE_SEGMENT_HEADER bytes that a file begins with, and the
 * NGX_INTAKE_SEGMENT_MARK_LEN bytes of its mark; both return the end.
 */
u_char *ngx_intake_segment_write_header(u_char *p,
    ngx_intake_segment_t *segment);
u_char *ngx_intake_segment_write_mark(u_char *p,
    ngx_intake_segment_t *segment);

/*
 * Reads the header of a file.  A mark that is damaged means none.
 *
 *  NGX_OK        segment is set
 *  NGX_DECLINED  another version
 *  NGX_ERROR     no header, or one that is damaged or cut
 */
ngx_int_t ngx_intake_segment_read_header(u_char *p, u_char *last,
    ngx_intake_segment_t *segment);

/*
 * Writes the NGX_INTAKE_RECORD_HEAD bytes before len bytes of data at p +
 * NGX_INTAKE_RECORD_HEAD; len is from 1 to NGX_INTAKE_RECORD_MAX.
 */
void ngx_intake_segment_write_head(u_char *p, ngx_intake_segment_t *segment,
    int64_t arrival, size_t len);

/*
 * Reads the record at p; data is a view.
 *
 *  NGX_OK        record is set
 *  NGX_DONE      p is last
 *  NGX_AGAIN     the beginning of a record; record->size is what it needs,
 *                as far as it is known
 *  NGX_ERROR     no record, or a damaged one
 */
ngx_int_t ngx_intake_segment_read(ngx_intake_segment_t *segment, u_char *p,
    u_char *last, ngx_intake_record_t *record);

/*
 * The first place from p on where a record may begin, if only because last is
 * near; last, if there is none.
 */
u_char *ngx_intake_segment_find(ngx_intake_segment_t *segment, u_char *p,
    u_char *last);


#endif /* _NGX_INTAKE_SEGMENT_H_INCLUDED_ */
