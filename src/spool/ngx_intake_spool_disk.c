
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_intake_spool_internal.h"

#include <sys/file.h>
#include <sys/uio.h>


/* What runs in threads: system calls, nothing of nginx. */


#define ngx_intake_spool_failed(call, what)                                  \
    ((call)->failed = what, (call)->err = errno, NGX_ERROR)


static ngx_int_t ngx_intake_spool_make_file(ngx_intake_spool_write_t *call);
static ngx_int_t ngx_intake_spool_check_file(ngx_intake_spool_write_t *call);
static ngx_int_t ngx_intake_spool_write_records(
    ngx_intake_spool_write_t *call, off_t offset, ngx_uint_t header);
static ngx_int_t ngx_intake_spool_publish(ngx_intake_spool_write_t *call);
static ngx_int_t ngx_intake_spool_write_all(int fd, struct iovec *iovs,
    ngx_uint_t n, off_t *offset);
static void ngx_intake_spool_read_window(ngx_intake_spool_read_t *call);
static ngx_int_t ngx_intake_spool_set_aside(ngx_intake_spool_read_t *call);
static ngx_int_t ngx_intake_spool_add_aside(ngx_intake_spool_read_t *call,
    int fd, off_t *end);
static ngx_int_t ngx_intake_spool_check_aside(ngx_intake_spool_read_t *call,
    int fd, off_t *end);
static ngx_int_t ngx_intake_spool_copy_record(ngx_intake_spool_read_t *call,
    int fd, off_t *offset);
static ngx_int_t ngx_intake_spool_end_file(ngx_intake_spool_read_t *call);


/*
 * A file gets its name when its first batch is on the disk, and the batch is
 * on the disk when the name is.  After an error of fdatasync() nobody can tell
 * what the disk holds, so the file is not written again; what has been
 * synchronized before stays in it.
 */

void
ngx_intake_spool_write_batch(void *data)
{
    ngx_intake_spool_write_t *call = data;

    ngx_uint_t  made, synced;

    call->failed = NULL;
    made = (call->fd == -1);

    if (made ? ngx_intake_spool_make_file(call) != NGX_OK
             : ngx_intake_spool_check_file(call) != NGX_OK)
    {
        return;
    }

    synced = 1;

    if (ngx_intake_spool_write_records(call, made ? 0 : call->offset, made)
        == NGX_OK)
    {
        if (fdatasync(call->fd) == -1) {
            synced = 0;
            (void) ngx_intake_spool_failed(call, "fdatasync");

        } else if (!made || ngx_intake_spool_publish(call) == NGX_OK) {
            return;
        }
    }

    if (made) {
        (void) unlinkat(call->dir, (char *) call->temporary, 0);
        (void) unlinkat(call->dir, (char *) call->name, 0);
    }

    /* what was refused must not be replayed, as far as that can be had */

    if (ftruncate(call->fd, call->offset) == -1 || !synced || made) {
        (void) close(call->fd);
        call->fd = -1;
    }
}


static ngx_int_t
ngx_intake_spool_make_file(ngx_intake_spool_write_t *call)
{
    call->fd = openat(call->dir, (char *) call->temporary,
                      O_RDWR|O_CREAT|O_EXCL|O_CLOEXEC, 0600);

    if (call->fd == -1) {
        return ngx_intake_spool_failed(call, "openat");
    }

    if (flock(call->fd, LOCK_EX|LOCK_NB) == -1) {
        (void) ngx_intake_spool_failed(call, "flock");

        (void) unlinkat(call->dir, (char *) call->temporary, 0);
        (void) close(call->fd);
        call->fd = -1;

        return NGX_ERROR;
    }

    return NGX_OK;
}


/* what is added to a file that somebody has removed would never be replayed */

static ngx_int_t
ngx_intake_spool_check_file(ngx_intake_spool_write_t *call)
{
    struct stat  st;

    if (fstat(call->fd, &st) == 0) {

        if (st.st_nlink) {
            return NGX_OK;
        }

        errno = ENOENT;
    }

    (void) ngx_intake_spool_failed(call, "fstat");

    (void) close(call->fd);
    call->fd = -1;

    return NGX_ERROR;
}


static ngx_int_t
ngx_intake_spool_write_records(ngx_intake_spool_write_t *call, off_t offset,
    ngx_uint_t header)
{
    ngx_uint_t              n;
    ngx_queue_t            *q;
    struct iovec            iovs[NGX_INTAKE_SPOOL_IOV];
    ngx_intake_spool_op_t  *op;

    n = 0;

    if (header) {
        iovs[n].iov_base = call->header;
        iovs[n++].iov_len = NGX_INTAKE_SEGMENT_HEADER;
    }

    for (q = ngx_queue_head(call->batch);
         q != ngx_queue_sentinel(call->batch);
         q = ngx_queue_next(q))
    {
        op = ngx_queue_data(q, ngx_intake_spool_op_t, queue);

        iovs[n].iov_base = op->record;
        iovs[n++].iov_len = op->size;

        if (n == NGX_INTAKE_SPOOL_IOV) {

            if (ngx_intake_spool_write_all(call->fd, iovs, n, &offset)
                != NGX_OK)
            {
                return ngx_intake_spool_failed(call, "pwritev");
            }

            n = 0;
        }
    }

    if (n && ngx_intake_spool_write_all(call->fd, iovs, n, &offset) != NGX_OK)
    {
        return ngx_intake_spool_failed(call, "pwritev");
    }

    return NGX_OK;
}


/* before it, others may remove the file: then there is nothing to rename */

static ngx_int_t
ngx_intake_spool_publish(ngx_intake_spool_write_t *call)
{
    if (renameat(call->dir, (char *) call->temporary, call->dir,
                 (char *) call->name)
        == -1)
    {
        return ngx_intake_spool_failed(call, "renameat");
    }

    if (fsync(call->dir) == -1) {
        return ngx_intake_spool_failed(call, "fsync");
    }

    return NGX_OK;
}


static ngx_int_t
ngx_intake_spool_write_all(int fd, struct iovec *iovs, ngx_uint_t n,
    off_t *offset)
{
    size_t   size;
    ssize_t  written;

    while (n) {
        written = pwritev(fd, iovs, (int) n, *offset);

        if (written == -1) {

            if (errno == EINTR) {
                continue;
            }

            return NGX_ERROR;
        }

        if (written == 0) {
            errno = ENOSPC;
            return NGX_ERROR;
        }

        *offset += written;

        while (written) {
            size = ngx_min(iovs->iov_len, (size_t) written);

            iovs->iov_base = (u_char *) iovs->iov_base + size;
            iovs->iov_len -= size;
            written -= size;

            if (iovs->iov_len == 0) {
                iovs++;
                n--;
            }
        }
    }

    return NGX_OK;
}


void
ngx_intake_spool_read_segment(void *data)
{
    ngx_intake_spool_read_t *call = data;

    call->failed = NULL;
    call->added = 0;
    call->made = 0;
    call->n = 0;
    call->skipped = 0;

    if ((call->niovs || call->copy_len)
        && ngx_intake_spool_set_aside(call) != NGX_OK)
    {
        return;
    }

    if (call->more) {
        return;
    }

    /* without the mark more is replayed again, and recognised */

    if (call->marked
        && pwrite(call->fd, call->mark, NGX_INTAKE_SEGMENT_MARK_LEN,
                  NGX_INTAKE_SEGMENT_MARK)
           == -1)
    {
        call->marked = 0;
    }

    if (call->finish) {
        (void) ngx_intake_spool_end_file(call);
        return;
    }

    ngx_intake_spool_read_window(call);
}


/* a sector that cannot be read holds up those behind it for some time only */

static void
ngx_intake_spool_read_window(ngx_intake_spool_read_t *call)
{
    size_t   size;
    ssize_t  n;

    while (call->n < call->size) {
        n = pread(call->fd, call->buf + call->n, call->size - call->n,
                  call->offset + (off_t) call->n);

        if (n == -1) {

            if (errno == EINTR) {
                continue;
            }

            if (!call->skip) {
                (void) ngx_intake_spool_failed(call, "pread");
                return;
            }

            size = NGX_INTAKE_SPOOL_SECTOR
                   - (size_t) ((call->offset + (off_t) call->n)
                               % NGX_INTAKE_SPOOL_SECTOR);
            size = ngx_min(size, call->size - call->n);

            ngx_memzero(call->buf + call->n, size);

            call->n += size;
            call->skipped += size;

            continue;
        }

        if (n == 0) {
            return;
        }

        call->n += n;
    }
}


static ngx_int_t
ngx_intake_spool_set_aside(ngx_intake_spool_read_t *call)
{
    int        fd;
    off_t      end;
    ngx_int_t  rc;

    fd = openat(call->dir, (char *) call->aside,
                O_RDWR|O_CLOEXEC|(call->append ? 0 : O_CREAT)
                |(call->create ? O_EXCL : 0),
                0600);

    if (fd == -1) {
        return ngx_intake_spool_failed(call, "openat");
    }

    /* whoever replays it will remove it */

    if (flock(fd, LOCK_EX|LOCK_NB) == -1) {
        (void) ngx_intake_spool_failed(call, "flock");
        (void) close(fd);

        return NGX_ERROR;
    }

    rc = ngx_intake_spool_add_aside(call, fd, &end);

    /* without a header nobody could read it, and the next try makes another */

    if (rc != NGX_OK && end == 0) {
        (void) unlinkat(call->dir, (char *) call->aside, 0);
    }

    (void) close(fd);

    return rc;
}


/* the header is that of the segment: the records stay as they are */

static ngx_int_t
ngx_intake_spool_add_aside(ngx_intake_spool_read_t *call, int fd, off_t *end)
{
    off_t         offset;
    struct stat   st;
    struct iovec  header;

    *end = -1;

    if (fstat(fd, &st) == -1) {
        return ngx_intake_spool_failed(call, "fstat");
    }

    /* it was removed before it was locked: the next try makes another */

    if (st.st_nlink == 0) {
        errno = EWOULDBLOCK;
        return ngx_intake_spool_failed(call, "flock");
    }

    *end = st.st_size;

    if (ngx_intake_spool_check_aside(call, fd, end) != NGX_OK) {
        return NGX_ERROR;
    }

    offset = *end;

    header.iov_base = call->header;
    header.iov_len = NGX_INTAKE_SEGMENT_HEADER;

    if ((*end == 0
         && ngx_intake_spool_write_all(fd, &header, 1, &offset) != NGX_OK)
        || (call->niovs
            && ngx_intake_spool_write_all(fd, call->iovs, call->niovs,
                                          &offset)
               != NGX_OK)
        || (call->copy_len
            && ngx_intake_spool_copy_record(call, fd, &offset) != NGX_OK))
    {
        (void) ngx_intake_spool_failed(call, "pwritev");
        (void) (ftruncate(fd, *end) == 0);

        return NGX_ERROR;
    }

    if (fdatasync(fd) == -1) {
        return ngx_intake_spool_failed(call, "fdatasync");
    }

    if (*end == 0 && fsync(call->dir) == -1) {
        return ngx_intake_spool_failed(call, "fsync");
    }

    call->added = (size_t) (offset - *end);
    call->made = (*end == 0);

    return NGX_OK;
}


/*
 * A loss of power may leave the beginning of a header, or zeros.  Then nothing
 * of the file was synchronized, and what it held is still in its segment, so
 * it begins anew: behind such a header no record would be found.  A header
 * that was damaged otherwise is written again, for what lies behind it.
 */

static ngx_int_t
ngx_intake_spool_check_aside(ngx_intake_spool_read_t *call, int fd, off_t *end)
{
    off_t         offset;
    u_char        head[NGX_INTAKE_SEGMENT_MARK];
    ssize_t       n, i;
    struct iovec  header;

    if (*end == 0) {
        return NGX_OK;
    }

    n = pread(fd, head, NGX_INTAKE_SEGMENT_MARK, 0);

    if (n == -1) {
        return ngx_intake_spool_failed(call, "pread");
    }

    for (i = 0; i < n && head[i] == call->header[i]; i++) { /* void */ }

    if (i == NGX_INTAKE_SEGMENT_MARK && *end >= NGX_INTAKE_SEGMENT_HEADER) {
        return NGX_OK;
    }

    while (i < n && head[i] == 0) {
        i++;
    }

    if (i == n) {

        if (ftruncate(fd, 0) == -1) {
            return ngx_intake_spool_failed(call, "ftruncate");
        }

        *end = 0;

        return NGX_OK;
    }

    offset = 0;
    header.iov_base = call->header;
    header.iov_len = NGX_INTAKE_SEGMENT_HEADER;

    if (ngx_intake_spool_write_all(fd, &header, 1, &offset) != NGX_OK) {
        return ngx_intake_spool_failed(call, "pwritev");
    }

    *end = ngx_max(*end, offset);

    return NGX_OK;
}


static ngx_int_t
ngx_intake_spool_copy_record(ngx_intake_spool_read_t *call, int fd,
    off_t *offset)
{
    off_t         from;
    size_t        left;
    ssize_t       n;
    struct iovec  iov;

    from = call->copy;
    left = call->copy_len;

    while (left) {
        n = pread(call->fd, call->copy_buf,
                  ngx_min(left, NGX_INTAKE_SPOOL_COPY), from);

        if (n == -1 && errno == EINTR) {
            continue;
        }

        if (n <= 0) {
            return NGX_ERROR;
        }

        iov.iov_base = call->copy_buf;
        iov.iov_len = n;

        from += n;
        left -= n;

        if (ngx_intake_spool_write_all(fd, &iov, 1, offset) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* somebody may have removed or renamed it, and there are others to replay */

static ngx_int_t
ngx_intake_spool_end_file(ngx_intake_spool_read_t *call)
{
    if (call->damaged[0] == '\0') {

        if (unlinkat(call->dir, (char *) call->name, 0) == -1
            && errno != ENOENT)
        {
            return ngx_intake_spool_failed(call, "unlinkat");
        }

        return NGX_OK;
    }

    if (renameat(call->dir, (char *) call->name, call->dir,
                 (char *) call->damaged)
        == -1
        && errno != ENOENT)
    {
        return ngx_intake_spool_failed(call, "renameat");
    }

    return NGX_OK;
}
