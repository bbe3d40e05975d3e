
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake_attachment.h"


/*
 * A file of a form, while the body is read: its content goes to DIR/incoming,
 * is hashed on its way and looked at when it is whole.
 */


#define NGX_HTTP_INTAKE_INCOMING_TRIES  100


static ngx_http_intake_attachments_t *ngx_http_intake_attachments_create(
    ngx_http_intake_ctx_t *ctx);
static void ngx_http_intake_attachments_cleanup(void *data);
static ngx_int_t ngx_http_intake_attachment_create(
    ngx_http_intake_attachments_t *files, ngx_http_intake_attachment_t *file);
static ngx_int_t ngx_http_intake_attachment_flush(
    ngx_http_intake_attachments_t *files, ngx_http_intake_attachment_t *file,
    u_char *p, size_t len);
static ngx_int_t ngx_http_intake_attachment_type(ngx_http_intake_ctx_t *ctx,
    ngx_http_intake_form_upload_t *upload);
static ngx_int_t ngx_http_intake_attachment_pread(void *ctx, off_t offset,
    u_char *p, size_t len);
static ngx_int_t ngx_http_intake_attachment_refuse_type(
    ngx_http_intake_ctx_t *ctx, ngx_http_intake_form_upload_t *upload);


/* of this worker: the sources whose files cannot be kept now */

static u_char
    ngx_http_intake_attachments_failing[NGX_HTTP_INTAKE_MAX_SOURCES];


ngx_int_t
ngx_http_intake_attachment_open(ngx_http_intake_ctx_t *ctx,
    ngx_http_intake_form_upload_t *upload)
{
    ngx_http_intake_attachment_t   *file;
    ngx_http_intake_attachments_t  *files;

    if (ctx->source->form->attachments.path.len == 0) {
        ctx->code = NGX_HTTP_INTAKE_NO_FILE_UPLOADS;
        return NGX_DECLINED;
    }

    files = ctx->submission->attachments;

    if (files == NULL) {
        files = ngx_http_intake_attachments_create(ctx);
        if (files == NULL) {
            return NGX_ERROR;
        }
    }

    file = ngx_pcalloc(ctx->request->pool,
                       sizeof(ngx_http_intake_attachment_t));
    if (file == NULL) {
        return NGX_ERROR;
    }

    file->fd = NGX_INVALID_FILE;

    *files->last = file;
    files->last = &file->next;

    upload->writer = file;

    file->sha256 = ngx_intake_sha256_begin();
    if (file->sha256 == NULL) {
        return NGX_ERROR;
    }

    return ngx_http_intake_attachment_create(files, file);
}


static ngx_http_intake_attachments_t *
ngx_http_intake_attachments_create(ngx_http_intake_ctx_t *ctx)
{
    ngx_str_t                      *dir;
    ngx_pool_t                     *pool;
    ngx_pool_cleanup_t             *cln;
    ngx_http_intake_attachments_t  *files;

    pool = ctx->request->pool;
    dir = &ctx->source->form->attachments.path;

    cln = ngx_pool_cleanup_add(pool, sizeof(ngx_http_intake_attachments_t));
    if (cln == NULL) {
        return NULL;
    }

    files = cln->data;

    ngx_memzero(files, sizeof(ngx_http_intake_attachments_t));

    files->ctx = ctx;
    files->dir = dir;
    files->last = &files->first;

    cln->handler = ngx_http_intake_attachments_cleanup;

    files->buffer = ngx_palloc(pool, NGX_HTTP_INTAKE_ATTACHMENT_BUFFER);
    files->pending = ngx_pnalloc(pool, dir->len
                                       + sizeof("/" NGX_HTTP_INTAKE_PENDING));

    if (files->buffer == NULL || files->pending == NULL) {
        return NULL;
    }

    ngx_sprintf(files->pending, "%V/" NGX_HTTP_INTAKE_PENDING "%Z", dir);

    ctx->submission->attachments = files;

    return files;
}


/*
 * The end of the request, whatever it was.  Once the entry has been made it
 * may have reached Redis.
 */

static void
ngx_http_intake_attachments_cleanup(void *data)
{
    ngx_http_intake_attachments_t *files = data;

    ngx_http_intake_attachment_t  *file;

    for (file = files->first; file; file = file->next) {
        ngx_http_intake_attachment_remove(file);
    }

    if (files->ctx->fields) {
        ngx_http_intake_attachments_confirm(files);

    } else {
        ngx_http_intake_attachments_drop(files);
    }
}


static ngx_int_t
ngx_http_intake_attachment_create(ngx_http_intake_attachments_t *files,
    ngx_http_intake_attachment_t *file)
{
    u_char      *name;
    size_t       len;
    ngx_uint_t   n;

    static ngx_uint_t  number;

    len = files->dir->len + sizeof("/" NGX_HTTP_INTAKE_INCOMING "/--")
          + NGX_INT64_LEN + NGX_INT_T_LEN + 8;

    name = ngx_pnalloc(files->ctx->request->pool, len);
    if (name == NULL) {
        return NGX_ERROR;
    }

    /* workers of several systems may share the folder */

    for (n = 0; n < NGX_HTTP_INTAKE_INCOMING_TRIES; n++) {

        ngx_sprintf(name, "%V/" NGX_HTTP_INTAKE_INCOMING "/%P-%ui-%08xD%Z",
                    files->dir, ngx_pid, number++, (uint32_t) ngx_random());

        file->fd = ngx_open_tempfile(name, 1, NGX_FILE_OWNER_ACCESS);

        if (file->fd != NGX_INVALID_FILE) {
            file->incoming = name;
            return NGX_OK;
        }

        if (ngx_errno != NGX_EEXIST) {
            break;
        }
    }

    ngx_http_intake_attachment_failed(files, ngx_open_tempfile_n, name);

    return ngx_http_intake_attachments_state(files);
}


/* pieces may be as short as a byte */

ngx_int_t
ngx_http_intake_attachment_write(ngx_http_intake_ctx_t *ctx,
    ngx_http_intake_form_upload_t *upload, u_char *p, size_t len)
{
    size_t                          n;
    ngx_http_intake_attachment_t   *file;
    ngx_http_intake_attachments_t  *files;

    file = upload->writer;
    files = ctx->submission->attachments;

    while (len) {

        n = ngx_min(len, NGX_HTTP_INTAKE_ATTACHMENT_BUFFER - files->filled);

        ngx_memcpy(files->buffer + files->filled, p, n);

        files->filled += n;
        p += n;
        len -= n;

        if (files->filled == NGX_HTTP_INTAKE_ATTACHMENT_BUFFER) {
            files->filled = 0;

            if (ngx_http_intake_attachment_flush(files, file, files->buffer,
                                           NGX_HTTP_INTAKE_ATTACHMENT_BUFFER)
                != NGX_OK)
            {
                return ngx_http_intake_attachments_state(files);
            }
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_intake_attachment_flush(ngx_http_intake_attachments_t *files,
    ngx_http_intake_attachment_t *file, u_char *p, size_t len)
{
    ssize_t  n;

    if (ngx_intake_sha256_add(file->sha256, p, len) != NGX_OK) {
        ngx_set_errno(NGX_ENOMEM);
        ngx_http_intake_attachment_failed(files, "SHA-256", file->incoming);
        return NGX_ERROR;
    }

    if (files->ctx->source->form->attachments.types) {
        ngx_intake_sniff_text(&file->text, p, len);
    }

    file->size += len;

    while (len) {
        n = ngx_write_fd(file->fd, p, len);

        if (n == -1 && ngx_errno == NGX_EINTR) {
            continue;
        }

        if (n <= 0) {
            ngx_http_intake_attachment_failed(files, ngx_write_fd_n,
                                              file->incoming);
            return NGX_ERROR;
        }

        p += n;
        len -= n;
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_intake_attachment_close(ngx_http_intake_ctx_t *ctx,
    ngx_http_intake_form_upload_t *upload)
{
    size_t                          len;
    u_char                         *p, hex[2 * NGX_INTAKE_SHA256_LEN];
    ngx_str_t                      *dir;
    ngx_http_intake_attachment_t   *file;
    ngx_http_intake_attachments_t  *files;

    file = upload->writer;
    files = ctx->submission->attachments;
    dir = files->dir;

    len = files->filled;
    files->filled = 0;

    if (ngx_http_intake_attachment_flush(files, file, files->buffer, len)
        != NGX_OK)
    {
        return ngx_http_intake_attachments_state(files);
    }

    if (ngx_intake_sha256_end(file->sha256, upload->sha256) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_intake_sha256_free(file->sha256);
    file->sha256 = NULL;

    upload->size = file->size;

    /* the mark, the folder and the path with its zero */

    p = ngx_pnalloc(ctx->request->pool,
                    3 * (dir->len + sizeof("//" NGX_HTTP_INTAKE_PENDING)
                         + sizeof(hex)));
    if (p == NULL) {
        return NGX_ERROR;
    }

    ngx_hex_dump(hex, upload->sha256, NGX_INTAKE_SHA256_LEN);

    file->mark = p;
    p = ngx_sprintf(p, "%V/" NGX_HTTP_INTAKE_PENDING "/%*s%Z", dir,
                    sizeof(hex), hex);

    file->folder = p;
    p = ngx_sprintf(p, "%V/%*s%Z", dir, (size_t) 2, hex);

    file->path = p;
    p = ngx_sprintf(p, "%V/%*s/%*s%Z", dir, (size_t) 2, hex,
                    sizeof(hex) - 2, hex + 2);

    upload->path.data = file->path;
    upload->path.len = p - file->path - 1;

    return ngx_http_intake_attachment_type(ctx, upload);
}


/* the type that is claimed and the one that is found must both be allowed */

static ngx_int_t
ngx_http_intake_attachment_type(ngx_http_intake_ctx_t *ctx,
    ngx_http_intake_form_upload_t *upload)
{
    ngx_str_t                       found;
    ngx_array_t                    *types;
    const char                     *type;
    ngx_intake_sniff_file_t         sniff;
    ngx_http_intake_attachment_t   *file;
    ngx_http_intake_attachments_t  *files;

    types = ctx->source->form->attachments.types;

    if (types == NULL) {
        return NGX_OK;
    }

    file = upload->writer;

    sniff.read = ngx_http_intake_attachment_pread;
    sniff.ctx = file;
    sniff.size = file->size;

    type = ngx_intake_sniff(&sniff, &file->text);

    if (type == NULL) {
        files = ctx->submission->attachments;
        ngx_http_intake_attachment_failed(files, "pread()", file->incoming);

        return ngx_http_intake_attachments_state(files);
    }

    found.len = ngx_strlen(type);
    found.data = (u_char *) type;

    if (ngx_intake_sniff_fits(&upload->type, type)) {
        found = upload->type;
    }

    if (ngx_intake_sniff_allowed(&upload->type, types->elts, types->nelts)
        && ngx_intake_sniff_allowed(&found, types->elts, types->nelts))
    {
        return NGX_OK;
    }

    return ngx_http_intake_attachment_refuse_type(ctx, upload);
}


static ngx_int_t
ngx_http_intake_attachment_pread(void *ctx, off_t offset, u_char *p,
    size_t len)
{
    ngx_http_intake_attachment_t *file = ctx;

    ssize_t  n;

    while (len) {
        n = pread(file->fd, p, len, offset);

        if (n == -1 && ngx_errno == NGX_EINTR) {
            continue;
        }

        if (n <= 0) {
            return NGX_ERROR;
        }

        p += n;
        offset += n;
        len -= n;
    }

    return NGX_OK;
}


/* the form is refused when all of it has been looked at */

static ngx_int_t
ngx_http_intake_attachment_refuse_type(ngx_http_intake_ctx_t *ctx,
    ngx_http_intake_form_upload_t *upload)
{
    ngx_str_t                *label;
    ngx_uint_t                i;
    ngx_array_t              *fields;
    ngx_http_intake_field_t  *field;

    ngx_http_intake_attachment_remove(upload->writer);

    label = &upload->field;
    fields = ctx->source->form->fields;

    if (fields) {
        field = fields->elts;

        for (i = 0; i < fields->nelts; i++) {

            if (field[i].name.len == upload->field.len
                && ngx_strncmp(field[i].name.data, upload->field.data,
                               upload->field.len)
                   == 0)
            {
                label = &field[i].label;
                break;
            }
        }
    }

    return ngx_http_intake_form_error(ctx, &upload->field, label,
                                      "FILE_TYPE");
}


void
ngx_http_intake_attachment_remove(ngx_http_intake_attachment_t *file)
{
    ngx_intake_sha256_free(file->sha256);
    file->sha256 = NULL;

    if (file->fd != NGX_INVALID_FILE) {

        if (ngx_close_file(file->fd) == NGX_FILE_ERROR) {
            ngx_log_error(NGX_LOG_ALERT, ngx_cycle->log, ngx_errno,
                          ngx_close_file_n " of an attachment failed");
        }

        file->fd = NGX_INVALID_FILE;
    }

    if (file->incoming) {

        if (ngx_delete_file(file->incoming) == NGX_FILE_ERROR) {
            ngx_log_error(NGX_LOG_CRIT, ngx_cycle->log, ngx_errno,
                          ngx_delete_file_n " \"%s\" failed", file->incoming);
        }

        file->incoming = NULL;
    }
}


void
ngx_http_intake_attachment_failed(ngx_http_intake_attachments_t *files,
    const char *call, u_char *name)
{
    if (files->call == NULL) {
        files->err = ngx_errno;
        files->call = call;
        files->failed = name;
    }
}


ngx_int_t
ngx_http_intake_attachments_state(ngx_http_intake_attachments_t *files)
{
    u_char                    *failing;
    ngx_log_t                 *log;
    ngx_http_intake_source_t  *source;

    log = files->ctx->request->connection->log;
    source = files->ctx->source;
    failing = &ngx_http_intake_attachments_failing[source->index];

    if (files->call == NULL) {

        if (*failing) {
            *failing = 0;
            ngx_log_error(NGX_LOG_NOTICE, log, 0,
                          "attachments of source \"%V\" are kept again",
                          &source->name);
        }

        return NGX_OK;
    }

    if (!*failing) {
        *failing = 1;
        ngx_log_error(NGX_LOG_ERR, log, files->err,
                      "attachments of source \"%V\" cannot be kept: "
                      "%s \"%s\" failed", &source->name, files->call,
                      files->failed);
    }

    files->ctx->code = NGX_HTTP_INTAKE_STORE_UNAVAILABLE;

    return NGX_DECLINED;
}
