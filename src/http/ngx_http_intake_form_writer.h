
/*
 * Copyright (C) nginx-intake contributors
 */


#ifndef _NGX_HTTP_INTAKE_FORM_WRITER_H_INCLUDED_
#define _NGX_HTTP_INTAKE_FORM_WRITER_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/*
 * Writes the body of an answer.  The function that puts it together runs
 * twice, first to count and then to write: so the memory is what it needs.
 * It must do the same both times.
 */


typedef enum {
    NGX_HTTP_INTAKE_WRITE_JSON = 0,
    NGX_HTTP_INTAKE_WRITE_HTML,
    NGX_HTTP_INTAKE_WRITE_URI               /* for a part of a query */
} ngx_http_intake_write_e;


typedef struct {
    ngx_http_intake_write_e     type;       /* how text is escaped */
    u_char                     *p;          /* NULL: it is counted */
    u_char                     *last;
    size_t                      len;        /* so far */
} ngx_http_intake_writer_t;


typedef void (*ngx_http_intake_write_pt)(ngx_http_intake_writer_t *w,
    void *data);


/* Makes out in pool.  NGX_ERROR: no memory. */
ngx_int_t ngx_http_intake_write(ngx_pool_t *pool, ngx_http_intake_write_e type,
    ngx_http_intake_write_pt write, void *data, ngx_str_t *out);

/* what needs no escapes: text of ours, ended by a zero, and bytes */
void ngx_http_intake_put(ngx_http_intake_writer_t *w, const char *text);
void ngx_http_intake_put_bytes(ngx_http_intake_writer_t *w, u_char *p,
    size_t len);
void ngx_http_intake_put_number(ngx_http_intake_writer_t *w, off_t n);

/*
 * Foreign text, escaped: for a string of JSON; for the text or a value in
 * double quotes of HTML, where control characters that no page may have become
 * U+FFFD; for a query, where all but the unreserved characters are encoded.
 */
void ngx_http_intake_put_text(ngx_http_intake_writer_t *w, ngx_str_t *text);


#endif /* _NGX_HTTP_INTAKE_FORM_WRITER_H_INCLUDED_ */
