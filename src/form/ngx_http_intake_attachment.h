
/*
 * Copyright (C) nginx-intake contributors
 */


#ifndef _NGX_HTTP_INTAKE_ATTACHMENT_H_INCLUDED_
#define _NGX_HTTP_INTAKE_ATTACHMENT_H_INCLUDED_


#include "ngx_http_intake.h"

#include "ngx_intake_sniff.h"


/*
 * Attachments on the disk.  DIR is the path of `attachments`:
 *
 *  DIR/ab/cdef...     the content whose SHA-256 is abcdef...
 *  DIR/incoming/NAME  a file while its request is read; no two have one name
 *  DIR/pending/SHA    the mark of a content that no entry is known to name: as
 *                     many bytes as there are submissions under way with it
 *
 * A content without a mark may be named by entries, and nothing here ever
 * removes it.  So several submissions may share one, whatever becomes of each:
 *
 *  place    the file is on the disk; if its content is new, or has a mark, the
 *           mark gets a byte; then it is renamed to where entries find it, over
 *           the same content, and the folder is synced
 *  confirm  Redis or the spool has the entry, or may have it: the mark is
 *           removed, before the sender hears of it
 *  drop     the entry is refused: the mark loses a byte; with the last one the
 *           content is removed
 *  sweep    at the start of a worker and hourly, by one of a node: files of
 *           an hour in incoming; marks of a week, with their content, which
 *           workers have left that died in between; but the mark alone, if it
 *           is older than the system's start, as its removal may have been lost
 *
 * Who adds or takes bytes holds a lock of DIR/pending, and does not wait for
 * the disk meanwhile.
 */


#define NGX_HTTP_INTAKE_INCOMING  "incoming"
#define NGX_HTTP_INTAKE_PENDING   "pending"

#define NGX_HTTP_INTAKE_ATTACHMENT_BUFFER  65536


typedef struct ngx_http_intake_attachment_s  ngx_http_intake_attachment_t;

struct ngx_http_intake_attachment_s {
    ngx_http_intake_attachment_t   *next;

    ngx_fd_t                        fd;         /* NGX_INVALID_FILE: closed */
    off_t                           size;
    ngx_intake_sha256_t            *sha256;
    ngx_intake_sniff_text_t         text;

    u_char                         *incoming;   /* NULL: it is not there */
    u_char                         *mark;
    u_char                         *folder;
    u_char                         *path;

    ngx_uint_t                      marked;     /* with a byte of ours */
};


/* of one request, in its pool; a thread has it to itself while it places */

typedef struct {
    ngx_http_intake_ctx_t          *ctx;
    ngx_http_intake_attachment_t   *first;
    ngx_http_intake_attachment_t  **last;

    ngx_str_t                      *dir;
    u_char                         *pending;    /* DIR/pending */

    u_char                         *buffer;     /* of the file that is read */
    size_t                          filled;

    ngx_err_t                       err;        /* of the first failure */
    const char                     *call;       /* ... or NULL */
    u_char                         *failed;

    unsigned                        settled:1;
    unsigned                        ended:1;    /* the request, meanwhile */
} ngx_http_intake_attachments_t;


/* notes the first failure of a call; for threads too */

void ngx_http_intake_attachment_failed(ngx_http_intake_attachments_t *files,
    const char *call, u_char *name);

/*
 * Logs that files cannot be kept, or can be again, once per change.  Returns
 * NGX_OK, or NGX_DECLINED with the code of ctx set.
 */

ngx_int_t ngx_http_intake_attachments_state(
    ngx_http_intake_attachments_t *files);

/* closes and removes what is in incoming */

void ngx_http_intake_attachment_remove(ngx_http_intake_attachment_t *file);

/* takes back or makes lasting what has been placed */

void ngx_http_intake_attachments_drop(ngx_http_intake_attachments_t *files);
void ngx_http_intake_attachments_confirm(
    ngx_http_intake_attachments_t *files);

/* the lock, or NGX_INVALID_FILE; ngx_close_file() gives it back */

ngx_fd_t ngx_http_intake_attachments_lock(u_char *pending);


#endif /* _NGX_HTTP_INTAKE_ATTACHMENT_H_INCLUDED_ */
