
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_intake_spool_internal.h"

#include <openssl/rand.h>


/*
 * The writer.  Records gather while a batch is being written, so that the
 * more there are the more share one synchronization.
 */


static ngx_int_t ngx_intake_spool_reserve(ngx_intake_spool_t *spool,
    size_t size);
static void ngx_intake_spool_flush(ngx_event_t *ev);
static ngx_int_t ngx_intake_spool_open_segment(ngx_intake_spool_t *spool);
static void ngx_intake_spool_frame_batch(ngx_intake_spool_writer_t *writer);
static void ngx_intake_spool_written(void *data);
static void ngx_intake_spool_write_failed(ngx_intake_spool_t *spool);
static void ngx_intake_spool_end_batch(ngx_intake_spool_t *spool,
    ngx_int_t rc);
static void ngx_intake_spool_hold(ngx_event_t *ev);
static void ngx_intake_spool_free_ops(ngx_queue_t *queue);


ngx_int_t
ngx_intake_spool_writer_init(ngx_intake_spool_t *spool)
{
    ngx_intake_spool_writer_t  *writer;

    writer = &spool->writer;

    ngx_queue_init(&writer->gathered);
    ngx_queue_init(&writer->batch);

    writer->fd = -1;

    writer->flush.handler = ngx_intake_spool_flush;
    writer->flush.data = spool;
    writer->flush.log = spool->log;

    writer->hold.handler = ngx_intake_spool_hold;
    writer->hold.data = &spool->dumb;
    writer->hold.log = spool->log;

    writer->task.work = ngx_intake_spool_write_batch;
    writer->task.handler = ngx_intake_spool_written;
    writer->task.call = &writer->call;
    writer->task.data = spool;

    return ngx_intake_spool_task_init(spool, &writer->task);
}


void
ngx_intake_spool_writer_destroy(ngx_intake_spool_t *spool)
{
    ngx_intake_spool_writer_t  *writer;

    writer = &spool->writer;

    if (writer->flush.posted) {
        ngx_delete_posted_event(&writer->flush);
    }

    if (writer->task.done.posted) {
        ngx_delete_posted_event(&writer->task.done);
    }

    if (writer->hold.timer_set) {
        ngx_del_timer(&writer->hold);
    }

    if (writer->task.active) {
        writer->fd = writer->call.fd;
    }

    ngx_intake_spool_seal(spool);

    ngx_intake_spool_free_ops(&writer->batch);
    ngx_intake_spool_free_ops(&writer->gathered);
}


void
ngx_intake_spool_seal(ngx_intake_spool_t *spool)
{
    ngx_intake_spool_writer_t  *writer;

    writer = &spool->writer;

    if (writer->fd == -1) {
        return;
    }

    if (close(writer->fd) == -1) {
        ngx_log_error(NGX_LOG_ALERT, spool->log, ngx_errno,
                      ngx_close_file_n " a segment of the spool failed");
    }

    writer->fd = -1;
}


ngx_int_t
ngx_intake_spool_append(ngx_intake_spool_t *spool,
    ngx_intake_delivery_t *delivery, int64_t arrival,
    ngx_intake_spool_handler_pt handler, void *data,
    ngx_intake_spool_op_t **op)
{
    size_t                      size;
    ngx_intake_spool_op_t      *new;
    ngx_intake_spool_writer_t  *writer;

    writer = &spool->writer;
    size = ngx_intake_delivery_size(delivery);

    if (size == 0) {
        return NGX_ERROR;
    }

    size += NGX_INTAKE_RECORD_HEAD;

    /* a limit never refuses the only one */

    if ((writer->size && writer->size + size > NGX_INTAKE_SPOOL_GATHER)
        || ngx_intake_spool_reserve(spool, size) != NGX_OK)
    {
        return NGX_BUSY;
    }

    new = ngx_alloc(sizeof(ngx_intake_spool_op_t) + size, spool->log);

    if (new == NULL) {
        (void) ngx_atomic_fetch_add(&spool->shared->bytes,
                                    -(ngx_atomic_int_t) size);
        return NGX_ERROR;
    }

    new->handler = handler;
    new->data = data;
    new->arrival = arrival;
    new->size = size;
    new->record = (u_char *) (new + 1);

    (void) ngx_intake_delivery_write(new->record + NGX_INTAKE_RECORD_HEAD,
                                     delivery);

    ngx_queue_insert_tail(&writer->gathered, &new->queue);
    writer->size += size;

    if (!writer->task.active && !writer->flush.posted) {
        ngx_post_event(&writer->flush, &ngx_posted_events);
    }

    *op = new;

    return NGX_OK;
}


void
ngx_intake_spool_forget(ngx_intake_spool_op_t *op)
{
    op->handler = NULL;
}


static ngx_int_t
ngx_intake_spool_reserve(ngx_intake_spool_t *spool, size_t size)
{
    off_t          before, max;
    ngx_atomic_t  *bytes;

    max = spool->conf->max_size;
    bytes = &spool->shared->bytes;
    before = (off_t) ngx_atomic_fetch_add(bytes, (ngx_atomic_int_t) size);

    /* what a source takes as its largest is not refused by an empty spool */

    if (before <= 0 || before + (off_t) size + NGX_INTAKE_SEGMENT_HEADER <= max)
    {

        /* what is small finds room where others do not: not a line each */

        if (spool->full && before < max - max / 8) {
            spool->full = 0;
            ngx_log_error(NGX_LOG_NOTICE, spool->log, 0,
                          "the spool \"%V\" has room again",
                          &spool->conf->path->name);
        }

        return NGX_OK;
    }

    (void) ngx_atomic_fetch_add(bytes, -(ngx_atomic_int_t) size);

    if (!spool->full) {
        spool->full = 1;
        ngx_log_error(NGX_LOG_ERR, spool->log, 0,
                      "the spool \"%V\" is full: %O of %O bytes",
                      &spool->conf->path->name, before, max);
    }

    return NGX_ERROR;
}


ngx_uint_t
ngx_intake_spool_takes(ngx_intake_spool_t *spool)
{
    ngx_intake_spool_writer_t  *writer;

    writer = &spool->writer;

    /* nothing is written where nobody sends because of our health */

    if (writer->failing
        && ngx_time() - writer->failed < NGX_INTAKE_SPOOL_AGAIN)
    {
        return 0;
    }

    return (off_t) ngx_intake_spool_bytes(spool->shared)
           + NGX_INTAKE_SEGMENT_HEADER
           < spool->conf->max_size;
}


/* at the end of the turn, or when the batch before has been written */

static void
ngx_intake_spool_flush(ngx_event_t *ev)
{
    ngx_intake_spool_t         *spool;
    ngx_intake_spool_write_t   *call;
    ngx_intake_spool_writer_t  *writer;

    spool = ev->data;
    writer = &spool->writer;
    call = &writer->call;

    if (writer->task.active || ngx_queue_empty(&writer->gathered)) {
        return;
    }

    ngx_queue_add(&writer->batch, &writer->gathered);
    ngx_queue_init(&writer->gathered);

    writer->batch_size = writer->size;
    writer->size = 0;

    call->dir = spool->dir;
    call->fd = writer->fd;
    call->offset = writer->end;
    call->batch = &writer->batch;
    call->failed = NULL;
    call->err = 0;

    if (writer->fd == -1 && ngx_intake_spool_open_segment(spool) != NGX_OK) {
        ngx_intake_spool_end_batch(spool, NGX_ERROR);
        return;
    }

    ngx_intake_spool_frame_batch(writer);

    if (ngx_intake_spool_task_post(&writer->task) != NGX_OK) {
        ngx_intake_spool_end_batch(spool, NGX_ERROR);
        return;
    }

    /* a worker that is told to quit stays until the disk has answered */

    ngx_add_timer(&writer->hold, NGX_INTAKE_SPOOL_HOLD);
}


/* the file itself is made in the thread, with its first batch */

static ngx_int_t
ngx_intake_spool_open_segment(ngx_intake_spool_t *spool)
{
    u_char                     *p;
    int64_t                     arrival;
    uint64_t                    random;
    ngx_queue_t                *q;
    ngx_intake_spool_op_t      *op;
    ngx_intake_segment_t       *segment;
    ngx_intake_spool_write_t   *call;
    ngx_intake_spool_writer_t  *writer;

    writer = &spool->writer;
    call = &writer->call;
    segment = &writer->segment;

    arrival = INT64_MAX;

    for (q = ngx_queue_head(&writer->batch);
         q != ngx_queue_sentinel(&writer->batch);
         q = ngx_queue_next(q))
    {
        op = ngx_queue_data(q, ngx_intake_spool_op_t, queue);
        arrival = ngx_min(arrival, op->arrival);
    }

    if (RAND_bytes(segment->salt, NGX_INTAKE_SEGMENT_SALT) != 1) {
        ngx_log_error(NGX_LOG_ALERT, spool->log, 0,
                      "RAND_bytes() failed, the spool cannot be used");
        return NGX_ERROR;
    }

    segment->created = arrival;
    segment->done = NGX_INTAKE_SEGMENT_HEADER;

    (void) ngx_intake_segment_write_header(call->header, segment);

    ngx_memcpy(&random, segment->salt, sizeof(uint64_t));

    p = ngx_sprintf(call->name, "%016xL-%P-%016xL", arrival, ngx_pid, random);
    (void) ngx_cpymem(ngx_cpymem(call->temporary, call->name, p - call->name),
                      ".new", sizeof(".new"));
    (void) ngx_cpymem(p, ".seg", sizeof(".seg"));

    call->offset = 0;

    writer->batch_size += NGX_INTAKE_SEGMENT_HEADER;
    (void) ngx_atomic_fetch_add(&spool->shared->bytes,
                                NGX_INTAKE_SEGMENT_HEADER);

    return NGX_OK;
}


/* the salt, hence the sum, is known only now */

static void
ngx_intake_spool_frame_batch(ngx_intake_spool_writer_t *writer)
{
    ngx_queue_t            *q;
    ngx_intake_spool_op_t  *op;

    for (q = ngx_queue_head(&writer->batch);
         q != ngx_queue_sentinel(&writer->batch);
         q = ngx_queue_next(q))
    {
        op = ngx_queue_data(q, ngx_intake_spool_op_t, queue);

        ngx_intake_segment_write_head(op->record, &writer->segment,
                                      op->arrival,
                                      op->size - NGX_INTAKE_RECORD_HEAD);
    }
}


static void
ngx_intake_spool_written(void *data)
{
    ngx_intake_spool_t *spool = data;

    ngx_uint_t                  oldest;
    ngx_intake_spool_write_t   *call;
    ngx_intake_spool_writer_t  *writer;

    writer = &spool->writer;
    call = &writer->call;

    ngx_del_timer(&writer->hold);

    if (call->failed) {
        ngx_intake_spool_write_failed(spool);
        return;
    }

    if (writer->fd == -1) {
        (void) ngx_atomic_fetch_add(&spool->shared->files, 1);

        oldest = (ngx_uint_t) (writer->segment.created / 1000000);
        (void) ngx_atomic_cmp_set(&spool->shared->oldest, 0, oldest);
    }

    writer->fd = call->fd;
    writer->end = call->offset + (off_t) writer->batch_size;

    if (writer->failing) {
        writer->failing = 0;
        ngx_log_error(NGX_LOG_NOTICE, spool->log, 0,
                      "the spool \"%V\" is written again",
                      &spool->conf->path->name);
    }

    if (writer->end >= NGX_INTAKE_SPOOL_SEGMENT || ngx_exiting) {
        ngx_intake_spool_seal(spool);
    }

    ngx_intake_spool_end_batch(spool, NGX_OK);
}


static void
ngx_intake_spool_write_failed(ngx_intake_spool_t *spool)
{
    ngx_intake_spool_write_t   *call;
    ngx_intake_spool_writer_t  *writer;

    writer = &spool->writer;
    call = &writer->call;

    /* it has been closed if it is not to be used any more */

    writer->fd = call->fd;

    writer->failed = ngx_time();

    if (!writer->failing) {
        writer->failing = 1;
        ngx_log_error(NGX_LOG_CRIT, spool->log, call->err,
                      "%s() failed, the spool \"%V\" takes nothing",
                      call->failed, &spool->conf->path->name);
    }

    ngx_intake_spool_end_batch(spool, NGX_ERROR);
}


/* handlers may append, and forget others of the batch */

static void
ngx_intake_spool_end_batch(ngx_intake_spool_t *spool, ngx_int_t rc)
{
    ngx_queue_t                 batch, *q;
    ngx_intake_spool_op_t      *op;
    ngx_intake_spool_writer_t  *writer;

    writer = &spool->writer;

    if (rc != NGX_OK) {
        (void) ngx_atomic_fetch_add(&spool->shared->bytes,
                                    -(ngx_atomic_int_t) writer->batch_size);
    }

    ngx_queue_init(&batch);
    ngx_queue_add(&batch, &writer->batch);
    ngx_queue_init(&writer->batch);

    while (!ngx_queue_empty(&batch)) {
        q = ngx_queue_head(&batch);
        ngx_queue_remove(q);

        op = ngx_queue_data(q, ngx_intake_spool_op_t, queue);

        if (op->handler) {
            op->handler(op->data, rc);
        }

        ngx_free(op);
    }

    if (!ngx_queue_empty(&writer->gathered) && !writer->flush.posted) {
        ngx_post_event(&writer->flush, &ngx_posted_events);
    }
}


static void
ngx_intake_spool_hold(ngx_event_t *ev)
{
    ngx_connection_t    *c;
    ngx_intake_spool_t  *spool;

    c = ev->data;
    spool = c->data;

    ngx_log_error(NGX_LOG_ERR, spool->log, 0,
                  "the disk of the spool \"%V\" has not answered for %d "
                  "seconds", &spool->conf->path->name,
                  NGX_INTAKE_SPOOL_HOLD / 1000);

    ngx_add_timer(ev, NGX_INTAKE_SPOOL_HOLD);
}


static void
ngx_intake_spool_free_ops(ngx_queue_t *queue)
{
    ngx_queue_t  *q;

    while (!ngx_queue_empty(queue)) {
        q = ngx_queue_head(queue);
        ngx_queue_remove(q);

        ngx_free(ngx_queue_data(q, ngx_intake_spool_op_t, queue));
    }
}
