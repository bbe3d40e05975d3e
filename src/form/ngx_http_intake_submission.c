
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake.h"
#include "ngx_http_intake_headers.h"


/*
 * The fields and files of a submission, from a body that is in memory, in a
 * temporary file or in both.  It is read in the pieces in which it is there,
 * to its end: what is wrong with the whole of it comes before what is wrong
 * with one of its files.
 */


typedef struct {
    ngx_http_intake_ctx_t          *ctx;
    ngx_intake_form_t              *form;
    u_char                         *buffer;    /* for the form */
    ngx_http_intake_form_upload_t  *upload;    /* that is read; or NULL */
    ngx_http_intake_code_e          refused;   /* the first file that was */

    unsigned                        opened:1;  /* upload is written */
    unsigned                        recalled:1;    /* for a page alone */
} ngx_http_intake_reader_t;


static ngx_uint_t ngx_http_intake_types_differ(ngx_http_request_t *r);
static off_t ngx_http_intake_body_length(ngx_http_request_t *r);
static ngx_int_t ngx_http_intake_parse_form(ngx_http_intake_ctx_t *ctx,
    ngx_uint_t recalled);
static ngx_int_t ngx_http_intake_start_form(ngx_http_intake_reader_t *reader);
static void ngx_http_intake_body_fed(ngx_http_intake_ctx_t *ctx, ngx_int_t rc);
static ngx_int_t ngx_http_intake_end_form(ngx_http_intake_reader_t *reader,
    ngx_int_t rc);
static ngx_int_t ngx_http_intake_refuse_form(
    ngx_http_intake_reader_t *reader);
static ngx_int_t ngx_http_intake_on_field(void *data,
    ngx_intake_form_field_t *field);
static ngx_int_t ngx_http_intake_on_file(void *data,
    ngx_intake_form_file_t *file);
static ngx_int_t ngx_http_intake_on_data(void *data, u_char *p, size_t len);
static ngx_int_t ngx_http_intake_on_end(void *data);
static ngx_int_t ngx_http_intake_open_upload(ngx_http_intake_reader_t *reader);
static ngx_int_t ngx_http_intake_upload_result(
    ngx_http_intake_reader_t *reader, ngx_int_t rc);
static ngx_int_t ngx_http_intake_copy(ngx_pool_t *pool, ngx_str_t *from,
    ngx_str_t *to);


static ngx_intake_form_handlers_t  ngx_http_intake_form_handlers = {
    ngx_http_intake_on_field,
    ngx_http_intake_on_file,
    ngx_http_intake_on_data,
    ngx_http_intake_on_end
};


/* what an answer says of a form that is refused as a whole */

typedef struct {
    ngx_http_intake_code_e          code;
    ngx_str_t                       detail;
} ngx_http_intake_form_refusal_t;


/* in the order of ngx_intake_form_error_e */

static ngx_http_intake_form_refusal_t  ngx_http_intake_form_refusals[] = {

    { NGX_HTTP_INTAKE_OK, ngx_null_string },

    { NGX_HTTP_INTAKE_UNSUPPORTED_MEDIA_TYPE,
      ngx_string("Send the form as application/x-www-form-urlencoded, "
                 "multipart/form-data or application/json.") },

    { NGX_HTTP_INTAKE_MALFORMED,
      ngx_string("The Content-Type names no boundary: do not set Content-Type "
                 "yourself when sending FormData.") },

    { NGX_HTTP_INTAKE_MALFORMED,
      ngx_string("The boundary of the Content-Type is not valid: do not set "
                 "Content-Type yourself when sending FormData.") },

    { NGX_HTTP_INTAKE_MALFORMED,
      ngx_string("The body is not multipart/form-data, or it is not "
                 "complete.") },

    { NGX_HTTP_INTAKE_MALFORMED,
      ngx_string("The body is not JSON, or it is not complete.") },

    { NGX_HTTP_INTAKE_MALFORMED,
      ngx_string("The JSON of a form is one object whose values are texts, "
                 "numbers, true, false, null or lists of these, and no name "
                 "comes twice.") },

    { NGX_HTTP_INTAKE_TOO_MANY_FIELDS,
      ngx_string("The form has too many fields.") },

    { NGX_HTTP_INTAKE_TOO_MANY_FILES,
      ngx_string("The form has too many files.") },

    { NGX_HTTP_INTAKE_TOO_LARGE,
      ngx_string("The name of a field is too long.") },

    { NGX_HTTP_INTAKE_TOO_LARGE,
      ngx_string("The text of a field is too long.") },

    { NGX_HTTP_INTAKE_FILES_TOO_BIG,
      ngx_string("A file is too large.") },

    { NGX_HTTP_INTAKE_TOO_LARGE,
      ngx_string("A part of the form has headers that are too long.") }
};


ngx_int_t
ngx_http_intake_submission_read(ngx_http_intake_ctx_t *ctx)
{
    ngx_http_request_t  *r;

    r = ctx->request;

    ctx->body_size = ngx_http_intake_body_length(r);

    if (ctx->body_size == 0 && r->headers_in.content_type == NULL) {
        ctx->submission->read = 1;
        ctx->code = NGX_HTTP_INTAKE_EMPTY;
        return NGX_DECLINED;
    }

    if (ngx_http_intake_types_differ(r)) {
        ngx_str_set(&ctx->submission->detail,
                    "The form has more than one Content-Type.");
        ctx->code = NGX_HTTP_INTAKE_MALFORMED;
        return NGX_DECLINED;
    }

    return ngx_http_intake_parse_form(ctx, 0);
}


/* a body so short is read in one turn */

ngx_int_t
ngx_http_intake_submission_recall(ngx_http_intake_ctx_t *ctx)
{
    ctx->body_size = ngx_http_intake_body_length(ctx->request);

    return ngx_http_intake_parse_form(ctx, 1);
}


static off_t
ngx_http_intake_body_length(ngx_http_request_t *r)
{
    off_t         size;
    ngx_chain_t  *cl;

    size = 0;

    if (r->request_body) {
        for (cl = r->request_body->bufs; cl; cl = cl->next) {
            size += ngx_buf_size(cl->buf);
        }
    }

    return size;
}


static ngx_int_t
ngx_http_intake_parse_form(ngx_http_intake_ctx_t *ctx, ngx_uint_t recalled)
{
    ngx_int_t                  rc;
    ngx_http_request_t        *r;
    ngx_http_intake_reader_t  *reader;

    r = ctx->request;

    reader = ngx_pcalloc(r->pool, sizeof(ngx_http_intake_reader_t));
    if (reader == NULL) {
        return NGX_ERROR;
    }

    ctx->submission->reader = reader;

    reader->ctx = ctx;
    reader->recalled = recalled;

    reader->form = ngx_palloc(r->pool, sizeof(ngx_intake_form_t));
    if (reader->form == NULL) {
        return NGX_ERROR;
    }

    rc = ngx_http_intake_start_form(reader);

    if (rc == NGX_DECLINED) {
        return ngx_http_intake_refuse_form(reader);
    }

    if (rc != NGX_OK) {
        return rc;
    }

    rc = ngx_http_intake_feed_body(ctx, reader->form,
                                   ngx_http_intake_body_fed);

    return (rc == NGX_AGAIN) ? NGX_AGAIN
                             : ngx_http_intake_end_form(reader, rc);
}


/* nginx takes the first; who has looked at the form before may have another */

static ngx_uint_t
ngx_http_intake_types_differ(ngx_http_request_t *r)
{
    ngx_str_t                  *value;
    ngx_table_elt_t            *type;
    ngx_http_intake_headers_t   headers;

    type = r->headers_in.content_type;

    value = ngx_http_intake_first_header(&headers, r, "content-type",
                                         sizeof("content-type") - 1);

    for ( /* void */ ; value; value = ngx_http_intake_next_header(&headers)) {

        if (!ngx_http_intake_same(value, &type->value)) {
            return 1;
        }
    }

    return 0;
}


static void
ngx_http_intake_body_fed(ngx_http_intake_ctx_t *ctx, ngx_int_t rc)
{
    rc = ngx_http_intake_end_form(ctx->submission->reader, rc);

    ngx_http_intake_submit_continue(ctx, rc);
}


static ngx_int_t
ngx_http_intake_start_form(ngx_http_intake_reader_t *reader)
{
    size_t               size;
    ngx_int_t            rc;
    ngx_table_elt_t     *type;
    ngx_intake_form_t   *form;
    ngx_http_request_t  *r;

    r = reader->ctx->request;
    form = reader->form;
    type = r->headers_in.content_type;

    form->limits = reader->ctx->source->form->limits;
    form->handlers = &ngx_http_intake_form_handlers;
    form->ctx = reader;

    rc = ngx_intake_form_init(form, type ? &type->value : NULL);

    if (rc != NGX_OK) {
        return rc;
    }

    size = (size_t) reader->ctx->body_size;

    reader->buffer = ngx_palloc(r->pool, ngx_intake_form_size(form, size) + 1);
    if (reader->buffer == NULL) {
        return NGX_ERROR;
    }

    ngx_intake_form_start(form, reader->buffer, size);

    return NGX_OK;
}


static ngx_int_t
ngx_http_intake_end_form(ngx_http_intake_reader_t *reader, ngx_int_t rc)
{
    ngx_http_intake_ctx_t  *ctx;

    ctx = reader->ctx;

    if (rc == NGX_OK) {
        rc = ngx_intake_form_end(reader->form);
    }

    if (rc == NGX_DECLINED) {
        rc = ngx_http_intake_refuse_form(reader);
    }

    ngx_pfree(ctx->request->pool, reader->buffer);
    ngx_pfree(ctx->request->pool, reader->form);

    if (rc != NGX_OK) {
        return rc;
    }

    ctx->submission->read = 1;

    if (reader->refused != NGX_HTTP_INTAKE_OK || reader->recalled) {
        ctx->code = reader->refused;
        return NGX_DECLINED;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_intake_refuse_form(ngx_http_intake_reader_t *reader)
{
    ngx_http_intake_ctx_t           *ctx;
    ngx_intake_form_error_e          error;
    ngx_http_intake_form_refusal_t  *refusal;

    /* it is refused for another reason */

    if (reader->recalled) {
        return NGX_DECLINED;
    }

    ctx = reader->ctx;
    error = reader->form->error;
    refusal = &ngx_http_intake_form_refusals[error];

    ctx->code = refusal->code;
    ctx->submission->detail = refusal->detail;

    ngx_log_error(NGX_LOG_INFO, ctx->request->connection->log, 0,
                  "a form for intake source \"%V\" is refused: %s",
                  &ctx->source->name, ngx_intake_form_reason(error));

    return NGX_DECLINED;
}


/* a field without a name has no place in `data` */

static ngx_int_t
ngx_http_intake_on_field(void *data, ngx_intake_form_field_t *field)
{
    ngx_http_intake_reader_t *reader = data;

    ngx_pool_t                    *pool;
    ngx_http_intake_ctx_t         *ctx;
    ngx_http_intake_form_value_t  *value;

    if (field->name.len == 0) {
        return NGX_OK;
    }

    ctx = reader->ctx;
    pool = ctx->request->pool;

    value = ngx_array_push(&ctx->submission->values);
    if (value == NULL) {
        return NGX_ERROR;
    }

    ngx_memzero(value, sizeof(ngx_http_intake_form_value_t));

    if (ngx_http_intake_copy(pool, &field->name, &value->name) != NGX_OK
        || ngx_http_intake_copy(pool, &field->value, &value->value) != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_http_intake_name_value(ctx->source->form, value);

    return NGX_OK;
}


static ngx_int_t
ngx_http_intake_on_file(void *data, ngx_intake_form_file_t *file)
{
    ngx_http_intake_reader_t *reader = data;

    ngx_pool_t                     *pool;
    ngx_http_intake_ctx_t          *ctx;
    ngx_http_intake_form_upload_t  *upload;

    /* as a field without a name */

    if (file->name.len == 0) {
        return NGX_OK;
    }

    ctx = reader->ctx;
    pool = ctx->request->pool;

    upload = ngx_array_push(&ctx->submission->uploads);
    if (upload == NULL) {
        return NGX_ERROR;
    }

    ngx_memzero(upload, sizeof(ngx_http_intake_form_upload_t));

    if (ngx_http_intake_copy(pool, &file->name, &upload->field) != NGX_OK
        || ngx_http_intake_copy(pool, &file->filename, &upload->filename)
           != NGX_OK
        || ngx_http_intake_copy(pool, &file->type, &upload->type) != NGX_OK)
    {
        return NGX_ERROR;
    }

    reader->upload = upload;
    reader->opened = 0;

    /* without a name it is a file only if it has content */

    if (upload->filename.len == 0) {
        return NGX_OK;
    }

    return ngx_http_intake_open_upload(reader);
}


static ngx_int_t
ngx_http_intake_on_data(void *data, u_char *p, size_t len)
{
    ngx_http_intake_reader_t *reader = data;

    ngx_int_t  rc;

    if (len == 0 || reader->upload == NULL) {
        return NGX_OK;
    }

    if (!reader->opened) {
        rc = ngx_http_intake_open_upload(reader);

        if (rc != NGX_OK || reader->upload == NULL) {
            return rc;
        }
    }

    rc = ngx_http_intake_attachment_write(reader->ctx, reader->upload, p, len);

    return ngx_http_intake_upload_result(reader, rc);
}


static ngx_int_t
ngx_http_intake_on_end(void *data)
{
    ngx_http_intake_reader_t *reader = data;

    ngx_int_t  rc;

    if (reader->upload == NULL) {
        return NGX_OK;
    }

    if (!reader->opened) {

        /* no file was chosen */

        reader->ctx->submission->uploads.nelts--;
        reader->upload = NULL;

        return NGX_OK;
    }

    rc = ngx_http_intake_attachment_close(reader->ctx, reader->upload);
    rc = ngx_http_intake_upload_result(reader, rc);

    reader->upload = NULL;

    return rc;
}


static ngx_int_t
ngx_http_intake_open_upload(ngx_http_intake_reader_t *reader)
{
    ngx_int_t  rc;

    /* nothing more is written when the form is going to be refused */

    if (reader->refused != NGX_HTTP_INTAKE_OK || reader->recalled) {
        reader->ctx->submission->uploads.nelts--;
        reader->upload = NULL;
        return NGX_OK;
    }

    reader->opened = 1;

    rc = ngx_http_intake_attachment_open(reader->ctx, reader->upload);

    return ngx_http_intake_upload_result(reader, rc);
}


/* a file that is refused is passed over, and so is what comes after it */

static ngx_int_t
ngx_http_intake_upload_result(ngx_http_intake_reader_t *reader, ngx_int_t rc)
{
    if (rc != NGX_DECLINED) {
        return rc;
    }

    reader->refused = reader->ctx->code;
    reader->upload = NULL;

    return NGX_OK;
}


static ngx_int_t
ngx_http_intake_copy(ngx_pool_t *pool, ngx_str_t *from, ngx_str_t *to)
{
    to->len = from->len;
    to->data = ngx_pnalloc(pool, from->len + 1);

    if (to->data == NULL) {
        return NGX_ERROR;
    }

    if (from->len) {
        ngx_memcpy(to->data, from->data, from->len);
    }

    return NGX_OK;
}
