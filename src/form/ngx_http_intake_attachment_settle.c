
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake_attachment.h"

#include <sys/file.h>


static ngx_int_t ngx_http_intake_unmark(ngx_http_intake_attachment_t *file);


void
ngx_http_intake_drop_attachments(ngx_http_intake_ctx_t *ctx)
{
    ngx_http_intake_attachment_t   *file;
    ngx_http_intake_attachments_t  *files;

    files = ctx->submission->attachments;

    if (files == NULL) {
        return;
    }

    for (file = files->first; file; file = file->next) {
        ngx_http_intake_attachment_remove(file);
    }

    ngx_http_intake_attachments_drop(files);
}


/*
 * After a time-out and the like the entry may be there all the same, and a file
 * too many is better than one that is missed.
 */

void
ngx_http_intake_settle_attachments(ngx_http_intake_ctx_t *ctx,
    ngx_http_intake_code_e code)
{
    ngx_http_intake_attachments_t  *files;

    if (ctx->submission == NULL || ctx->submission->attachments == NULL) {
        return;
    }

    files = ctx->submission->attachments;

    switch (code) {

    case NGX_HTTP_INTAKE_STORE_UNAVAILABLE:
    case NGX_HTTP_INTAKE_STORE_REFUSED:
        ngx_http_intake_attachments_drop(files);
        break;

    default:
        ngx_http_intake_attachments_confirm(files);
        break;
    }
}


void
ngx_http_intake_attachments_confirm(ngx_http_intake_attachments_t *files)
{
    ngx_http_intake_attachment_t  *file;

    if (files->settled) {
        return;
    }

    files->settled = 1;

    for (file = files->first; file; file = file->next) {

        if (file->marked
            && ngx_delete_file(file->mark) == NGX_FILE_ERROR
            && ngx_errno != NGX_ENOENT)
        {
            ngx_log_error(NGX_LOG_CRIT, ngx_cycle->log, ngx_errno,
                          ngx_delete_file_n " \"%s\" failed: the attachment "
                          "will be removed in a week", file->mark);
        }
    }
}


void
ngx_http_intake_attachments_drop(ngx_http_intake_attachments_t *files)
{
    ngx_fd_t                       lock;
    ngx_http_intake_attachment_t  *file;

    if (files->settled) {
        return;
    }

    files->settled = 1;
    lock = NGX_INVALID_FILE;

    for (file = files->first; file; file = file->next) {

        if (!file->marked) {
            continue;
        }

        if (lock == NGX_INVALID_FILE) {
            lock = ngx_http_intake_attachments_lock(files->pending);
        }

        /* without the lock they are left to the sweep */

        if (lock == NGX_INVALID_FILE
            || ngx_http_intake_unmark(file) != NGX_OK)
        {
            ngx_log_error(NGX_LOG_CRIT, ngx_cycle->log, ngx_errno,
                          "the attachment \"%s\" of a refused submission "
                          "could not be removed", file->path);
        }
    }

    if (lock != NGX_INVALID_FILE) {
        (void) ngx_close_file(lock);
    }
}


/* the lock is held; no mark: an entry names the content by now */

static ngx_int_t
ngx_http_intake_unmark(ngx_http_intake_attachment_t *file)
{
    ngx_file_info_t  fi;

    if (ngx_file_info(file->mark, &fi) == NGX_FILE_ERROR) {
        return (ngx_errno == NGX_ENOENT) ? NGX_OK : NGX_ERROR;
    }

    if (ngx_file_size(&fi) > 1) {
        return (truncate((char *) file->mark, ngx_file_size(&fi) - 1) == -1)
               ? NGX_ERROR : NGX_OK;
    }

    /* in this order: a mark without a content does no harm */

    if (ngx_delete_file(file->path) == NGX_FILE_ERROR
        && ngx_errno != NGX_ENOENT && ngx_errno != NGX_ENOTDIR)
    {
        return NGX_ERROR;
    }

    return (ngx_delete_file(file->mark) == NGX_FILE_ERROR
            && ngx_errno != NGX_ENOENT) ? NGX_ERROR : NGX_OK;
}


ngx_fd_t
ngx_http_intake_attachments_lock(u_char *pending)
{
    int       rc;
    ngx_fd_t  fd;

    fd = ngx_open_file(pending, NGX_FILE_RDONLY, NGX_FILE_OPEN, 0);

    if (fd == NGX_INVALID_FILE) {
        return NGX_INVALID_FILE;
    }

    do {
        rc = flock(fd, LOCK_EX);
    } while (rc == -1 && ngx_errno == NGX_EINTR);

    if (rc == -1) {
        (void) ngx_close_file(fd);
        return NGX_INVALID_FILE;
    }

    return fd;
}
