
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake_attachment.h"

#include "ngx_intake_disposition.h"

#include <sys/file.h>


/*
 * Files are on the disk, under their own names, before an entry refers to them.
 * A thread waits for the disk, if nginx has threads: its calls are those of the
 * system alone.
 */


#define NGX_HTTP_INTAKE_PLACE_TIME  60000    /* ms; is told then */


static void ngx_http_intake_place(void *data, ngx_log_t *log);
static ngx_int_t ngx_http_intake_place_file(
    ngx_http_intake_attachments_t *files, ngx_http_intake_attachment_t *file,
    ngx_uint_t *created);
static ngx_int_t ngx_http_intake_mark(ngx_http_intake_attachments_t *files,
    ngx_http_intake_attachment_t *file);
static ngx_int_t ngx_http_intake_sync_folder(
    ngx_http_intake_attachments_t *files, u_char *name);
static ngx_int_t ngx_http_intake_placed(ngx_http_intake_attachments_t *files);
static ngx_int_t ngx_http_intake_describe_files(ngx_http_intake_ctx_t *ctx);
static u_char *ngx_http_intake_describe_file(u_char *p,
    ngx_http_intake_form_upload_t *upload, ngx_str_t *name);
#if (NGX_THREADS)
static ngx_int_t ngx_http_intake_place_later(
    ngx_http_intake_attachments_t *files);
static void ngx_http_intake_place_ended(void *data);
static void ngx_http_intake_place_handler(ngx_event_t *ev);
#endif


ngx_int_t
ngx_http_intake_keep_attachments(ngx_http_intake_ctx_t *ctx)
{
    ngx_http_intake_attachments_t  *files;

    files = ctx->submission->attachments;

    if (files == NULL) {
        return NGX_OK;
    }

    /* nothing more is written */

    ngx_pfree(ctx->request->pool, files->buffer);
    files->buffer = NULL;

#if (NGX_THREADS)

    if (ctx->source->form->attachments.threads) {
        return ngx_http_intake_place_later(files);
    }

#endif

    ngx_http_intake_place(files, ctx->request->connection->log);

    return ngx_http_intake_placed(files);
}


#if (NGX_THREADS)

static ngx_int_t
ngx_http_intake_place_later(ngx_http_intake_attachments_t *files)
{
    ngx_thread_task_t   *task;
    ngx_http_cleanup_t  *cln;
    ngx_http_request_t  *r;

    r = files->ctx->request;

    task = ngx_thread_task_alloc(r->pool, 0);
    if (task == NULL) {
        return NGX_ERROR;
    }

    cln = ngx_http_cleanup_add(r, 0);
    if (cln == NULL) {
        return NGX_ERROR;
    }

    cln->handler = ngx_http_intake_place_ended;
    cln->data = files;

    task->ctx = files;
    task->handler = ngx_http_intake_place;
    task->event.data = r;
    task->event.log = r->connection->log;
    task->event.handler = ngx_http_intake_place_handler;

    if (ngx_thread_task_post(files->ctx->source->form->attachments.threads,
                             task)
        != NGX_OK)
    {
        /* the queue is full */

        ngx_http_intake_place(files, r->connection->log);

        return ngx_http_intake_placed(files);
    }

    /* a worker that is told to leave waits for it */

    ngx_add_timer(&task->event, NGX_HTTP_INTAKE_PLACE_TIME);

    r->main->blocked++;
    r->aio = 1;

    return NGX_AGAIN;
}


/* a request that is blocked is not freed, but it may be over */

static void
ngx_http_intake_place_ended(void *data)
{
    ngx_http_intake_attachments_t *files = data;

    files->ended = 1;
}


static void
ngx_http_intake_place_handler(ngx_event_t *ev)
{
    ngx_int_t                       rc;
    ngx_connection_t               *c;
    ngx_http_request_t             *r;
    ngx_http_intake_ctx_t          *ctx;
    ngx_http_intake_attachments_t  *files;

    r = ev->data;
    c = r->connection;

    ngx_http_set_log_request(c->log, r);

    if (ev->timedout) {
        ev->timedout = 0;

        ngx_log_error(NGX_LOG_ALERT, c->log, 0,
                      "the disk takes too long to keep attachments");

        ngx_add_timer(ev, NGX_HTTP_INTAKE_PLACE_TIME);
        return;
    }

    if (ev->timer_set) {
        ngx_del_timer(ev);
    }

    r->main->blocked--;
    r->aio = 0;

    ctx = ngx_http_get_module_ctx(r, ngx_http_intake_module);
    files = ctx->submission->attachments;

    if (files->ended) {
        r->write_event_handler(r);
        ngx_http_run_posted_requests(c);
        return;
    }

    rc = ngx_http_intake_placed(files);

    ngx_http_intake_submit_continue(ctx, rc);
}

#endif


/* for a thread: notes what failed and leaves the rest to the request */

static void
ngx_http_intake_place(void *data, ngx_log_t *log)
{
    ngx_http_intake_attachments_t *files = data;

    ngx_fd_t                       lock;
    ngx_int_t                      rc;
    ngx_uint_t                     created;
    ngx_http_intake_attachment_t  *file;

    for (file = files->first; file; file = file->next) {

        if (fsync(file->fd) == -1) {
            ngx_http_intake_attachment_failed(files, "fsync()",
                                              file->incoming);
            return;
        }
    }

    lock = ngx_http_intake_attachments_lock(files->pending);

    if (lock == NGX_INVALID_FILE) {
        ngx_http_intake_attachment_failed(files, "flock()", files->pending);
        return;
    }

    rc = NGX_OK;
    created = 0;

    for (file = files->first; file && rc == NGX_OK; file = file->next) {
        rc = ngx_http_intake_place_file(files, file, &created);
    }

    (void) ngx_close_file(lock);

    for (file = files->first; file && rc == NGX_OK; file = file->next) {
        rc = ngx_http_intake_sync_folder(files, file->folder);
    }

    if (created && rc == NGX_OK) {
        (void) ngx_http_intake_sync_folder(files, files->dir->data);
    }
}


static ngx_int_t
ngx_http_intake_place_file(ngx_http_intake_attachments_t *files,
    ngx_http_intake_attachment_t *file, ngx_uint_t *created)
{
    ngx_file_info_t  fi;

    if (ngx_file_info(file->path, &fi) == NGX_FILE_ERROR
        || ngx_file_info(file->mark, &fi) != NGX_FILE_ERROR)
    {
        if (ngx_http_intake_mark(files, file) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    /* over the same content: it is as new as the last entry that names it */

    if (ngx_rename_file(file->incoming, file->path) == NGX_FILE_ERROR) {

        if (ngx_errno != NGX_ENOENT) {
            goto failed;
        }

        if (ngx_create_dir(file->folder, 0700) == NGX_FILE_ERROR
            && ngx_errno != NGX_EEXIST)
        {
            goto failed;
        }

        *created = 1;

        if (ngx_rename_file(file->incoming, file->path) == NGX_FILE_ERROR) {
            goto failed;
        }
    }

    file->incoming = NULL;

    return NGX_OK;

failed:

    ngx_http_intake_attachment_failed(files, ngx_rename_file_n, file->path);

    return NGX_ERROR;
}


static ngx_int_t
ngx_http_intake_mark(ngx_http_intake_attachments_t *files,
    ngx_http_intake_attachment_t *file)
{
    ngx_fd_t  fd;

    fd = ngx_open_file(file->mark, O_WRONLY|O_APPEND, NGX_FILE_CREATE_OR_OPEN,
                       NGX_FILE_OWNER_ACCESS);

    if (fd != NGX_INVALID_FILE) {
        file->marked = (ngx_write_fd(fd, ".", 1) == 1);
    }

    if (!file->marked) {
        ngx_http_intake_attachment_failed(files, ngx_write_fd_n, file->mark);
    }

    if (fd != NGX_INVALID_FILE) {
        (void) ngx_close_file(fd);
    }

    return file->marked ? NGX_OK : NGX_ERROR;
}


static ngx_int_t
ngx_http_intake_sync_folder(ngx_http_intake_attachments_t *files, u_char *name)
{
    ngx_fd_t   fd;
    ngx_int_t  rc;

    fd = ngx_open_file(name, NGX_FILE_RDONLY, NGX_FILE_OPEN, 0);

    if (fd == NGX_INVALID_FILE) {
        ngx_http_intake_attachment_failed(files, ngx_open_file_n, name);
        return NGX_ERROR;
    }

    rc = NGX_OK;

    if (fsync(fd) == -1) {
        ngx_http_intake_attachment_failed(files, "fsync()", name);
        rc = NGX_ERROR;
    }

    (void) ngx_close_file(fd);

    return rc;
}


static ngx_int_t
ngx_http_intake_placed(ngx_http_intake_attachments_t *files)
{
    ngx_int_t                      rc;
    ngx_http_intake_attachment_t  *file;

    for (file = files->first; file; file = file->next) {
        ngx_http_intake_attachment_remove(file);
    }

    rc = ngx_http_intake_attachments_state(files);

    if (rc != NGX_OK) {
        ngx_http_intake_attachments_drop(files);
        return rc;
    }

    return ngx_http_intake_describe_files(files->ctx);
}


/* intakefiles: [{"field":"cv","name":"cv.pdf","type":...}] */

static ngx_int_t
ngx_http_intake_describe_files(ngx_http_intake_ctx_t *ctx)
{
    u_char                         *p, buffer[NGX_INTAKE_FILENAME_SAFE];
    size_t                          len;
    ngx_str_t                       name, *files;
    ngx_uint_t                      i, n;
    ngx_http_intake_form_upload_t  *upload;

    upload = ctx->submission->uploads.elts;
    n = ctx->submission->uploads.nelts;
    files = &ctx->submission->files;

    len = sizeof("[]") - 1;
    name.data = buffer;

    for (i = 0; i < n; i++) {
        name.len = ngx_intake_filename_safe(buffer, &upload[i].filename);

        len += sizeof("{\"field\":\"\",\"name\":\"\",\"type\":\"\",\"size\":,"
                      "\"sha256\":\"\",\"path\":\"\"},") - 1
               + NGX_OFF_T_LEN + 2 * NGX_INTAKE_SHA256_LEN
               + ngx_intake_json_escape_length(upload[i].field.data,
                                               upload[i].field.len)
               + ngx_intake_json_escape_length(name.data, name.len)
               + ngx_intake_json_escape_length(upload[i].type.data,
                                               upload[i].type.len)
               + ngx_intake_json_escape_length(upload[i].path.data,
                                               upload[i].path.len);
    }

    p = ngx_pnalloc(ctx->request->pool, len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    files->data = p;
    *p++ = '[';

    for (i = 0; i < n; i++) {
        if (i) {
            *p++ = ',';
        }

        name.len = ngx_intake_filename_safe(buffer, &upload[i].filename);
        p = ngx_http_intake_describe_file(p, &upload[i], &name);
    }

    *p++ = ']';
    files->len = p - files->data;

    return NGX_OK;
}


static u_char *
ngx_http_intake_describe_file(u_char *p, ngx_http_intake_form_upload_t *upload,
    ngx_str_t *name)
{
    p = ngx_cpymem(p, "{\"field\":\"", sizeof("{\"field\":\"") - 1);
    p = ngx_intake_json_escape(p, upload->field.data, upload->field.len);

    p = ngx_cpymem(p, "\",\"name\":\"", sizeof("\",\"name\":\"") - 1);
    p = ngx_intake_json_escape(p, name->data, name->len);

    p = ngx_cpymem(p, "\",\"type\":\"", sizeof("\",\"type\":\"") - 1);
    p = ngx_intake_json_escape(p, upload->type.data, upload->type.len);

    p = ngx_sprintf(p, "\",\"size\":%O,\"sha256\":\"", upload->size);
    p = ngx_hex_dump(p, upload->sha256, NGX_INTAKE_SHA256_LEN);

    p = ngx_cpymem(p, "\",\"path\":\"", sizeof("\",\"path\":\"") - 1);
    p = ngx_intake_json_escape(p, upload->path.data, upload->path.len);

    *p++ = '"';
    *p++ = '}';

    return p;
}
