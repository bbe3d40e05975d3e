
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_intake_spool_internal.h"


/*
 * The replay.  A window of the oldest segment is read, its records, 64 at
 * once, are sent, and when Redis has answered for all of them the mark is
 * moved and the next are read.  A segment is removed when it is at its end.
 */


static void ngx_intake_spool_begin(ngx_intake_spool_t *spool, int fd);
static void ngx_intake_spool_read_on(ngx_intake_spool_t *spool);
static ngx_int_t ngx_intake_spool_prepare(ngx_intake_spool_t *spool);
static void ngx_intake_spool_collect_bad(ngx_intake_spool_replay_t *replay);
static void ngx_intake_spool_has_read(void *data);
static ngx_uint_t ngx_intake_spool_account_bad(ngx_intake_spool_t *spool);
static void ngx_intake_spool_parse(ngx_intake_spool_t *spool);
static void ngx_intake_spool_send(ngx_intake_spool_t *spool);
static void ngx_intake_spool_go_on(ngx_intake_spool_t *spool);
static void ngx_intake_spool_at_end(ngx_intake_spool_t *spool);
static void ngx_intake_spool_ended(ngx_intake_spool_t *spool);


ngx_int_t
ngx_intake_spool_replay_init(ngx_intake_spool_t *spool)
{
    ngx_intake_spool_replay_t  *replay;

    replay = &spool->replay;

    replay->fd = -1;

    replay->task.work = ngx_intake_spool_read_segment;
    replay->task.handler = ngx_intake_spool_has_read;
    replay->task.call = &replay->call;
    replay->task.data = spool;

    return ngx_intake_spool_task_init(spool, &replay->task);
}


void
ngx_intake_spool_replay_destroy(ngx_intake_spool_t *spool)
{
    ngx_intake_spool_replay_t  *replay;

    replay = &spool->replay;

    if (replay->task.done.posted) {
        ngx_delete_posted_event(&replay->task.done);
    }

    if (replay->fd != -1) {
        (void) close(replay->fd);
    }

    if (replay->window) {
        ngx_free(replay->window);
    }
}


void
ngx_intake_spool_replay(ngx_intake_spool_t *spool)
{
    int                         fd;
    ngx_intake_spool_replay_t  *replay;
    ngx_intake_spool_writer_t  *writer;

    replay = &spool->replay;
    writer = &spool->writer;

    if (replay->task.active) {
        return;
    }

    if (replay->fd != -1) {

        if (replay->nrecords) {
            ngx_intake_spool_send(spool);

        } else {
            ngx_intake_spool_read_on(spool);
        }

        return;
    }

    if (!writer->task.active && ngx_queue_empty(&writer->gathered)) {
        ngx_intake_spool_seal(spool);
    }

    fd = ngx_intake_spool_adopt(spool, replay->call.name, &replay->size);

    if (fd != -1) {
        ngx_intake_spool_begin(spool, fd);
    }
}


static void
ngx_intake_spool_begin(ngx_intake_spool_t *spool, int fd)
{
    u_char                     *p;
    size_t                      len;
    ngx_intake_spool_read_t    *call;
    ngx_intake_spool_replay_t  *replay;

    replay = &spool->replay;
    call = &replay->call;

    ngx_log_error(NGX_LOG_NOTICE, spool->log, 0,
                  "the segment \"%s\" of the spool is replayed, %O bytes",
                  call->name, replay->size);

    replay->fd = fd;
    replay->base = 0;
    replay->len = 0;
    replay->pos = 0;
    replay->gap = 0;
    replay->nrecords = 0;
    replay->pending = 0;
    replay->in_flight = 0;
    replay->header_read = 0;
    replay->skipping = 0;
    replay->foreign = 0;
    replay->torn = 0;
    replay->damaged = 0;
    replay->finishing = 0;

    call->dir = spool->dir;
    call->fd = fd;
    call->finish = 0;
    call->damaged[0] = '\0';

    len = ngx_strlen(call->name) - (sizeof(".seg") - 1);
    p = ngx_cpymem(call->bad, call->name, len);
    (void) ngx_cpymem(p, ".bad", sizeof(".bad"));

    ngx_intake_spool_read_on(spool);
}


/* sets aside what Redis refused, moves the mark, reads from replay->pos on */

static void
ngx_intake_spool_read_on(ngx_intake_spool_t *spool)
{
    ngx_intake_spool_replay_t  *replay;

    replay = &spool->replay;

    if (ngx_exiting || ngx_intake_spool_prepare(spool) != NGX_OK) {
        return;
    }

    /* if the threads are busy, the next tick tries again */

    (void) ngx_intake_spool_task_post(&replay->task);
}


static ngx_int_t
ngx_intake_spool_prepare(ngx_intake_spool_t *spool)
{
    ngx_intake_spool_read_t    *call;
    ngx_intake_spool_replay_t  *replay;

    replay = &spool->replay;
    call = &replay->call;

    if (replay->window == NULL
        && ngx_intake_spool_grow(spool, NGX_INTAKE_SPOOL_WINDOW) != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_intake_spool_collect_bad(replay);

    call->marked = 0;

    /* never beyond damage: whoever begins again must find it too */

    if (replay->header_read && !replay->skipping && !replay->damaged
        && replay->pos > replay->segment.done)
    {
        replay->segment.done = replay->pos;
        (void) ngx_intake_segment_write_mark(call->mark, &replay->segment);
        call->marked = 1;
    }

    call->finish = replay->finishing;
    call->buf = replay->window;
    call->size = replay->capacity;
    call->offset = replay->pos;

    return NGX_OK;
}


static void
ngx_intake_spool_collect_bad(ngx_intake_spool_replay_t *replay)
{
    ngx_uint_t                  i;
    ngx_intake_spool_read_t    *call;
    ngx_intake_spool_record_t  *record;

    call = &replay->call;
    call->niovs = 0;

    for (i = 0; i < replay->nrecords; i++) {
        record = &replay->records[i];

        if (record->state == NGX_INTAKE_SPOOL_BAD) {
            call->iovs[call->niovs].iov_base = record->start;
            call->iovs[call->niovs++].iov_len = record->size;
        }
    }

    if (call->niovs) {
        (void) ngx_intake_segment_write_header(call->header,
                                               &replay->segment);
    }
}


static void
ngx_intake_spool_has_read(void *data)
{
    ngx_intake_spool_t *spool = data;

    ngx_intake_spool_read_t    *call;
    ngx_intake_spool_replay_t  *replay;

    replay = &spool->replay;
    call = &replay->call;

    if (ngx_intake_spool_account_bad(spool) || call->failed == NULL) {
        replay->nrecords = 0;
    }

    if (call->failed) {

        if (!replay->failed) {
            replay->failed = 1;
            ngx_log_error(NGX_LOG_CRIT, spool->log, call->err,
                          "%s() failed, the segment \"%s\" of the spool is "
                          "not replayed", call->failed, call->name);
        }

        return;
    }

    replay->failed = 0;

    if (replay->finishing) {
        ngx_intake_spool_ended(spool);
        return;
    }

    replay->base = call->offset;
    replay->len = call->n;

    if (call->n < call->size) {

        /* the end of the file, wherever it was before */

        replay->size = replay->base + (off_t) replay->len;
    }

    if (!replay->header_read && ngx_intake_spool_read_header(spool) != NGX_OK)
    {
        ngx_intake_spool_at_end(spool);
        return;
    }

    ngx_intake_spool_parse(spool);
}


/* once they are on the disk, whatever failed after that */

static ngx_uint_t
ngx_intake_spool_account_bad(ngx_intake_spool_t *spool)
{
    ngx_intake_spool_read_t  *call;

    call = &spool->replay.call;

    if (call->added == 0) {
        return 0;
    }

    (void) ngx_atomic_fetch_add(&spool->shared->bad, call->niovs);
    (void) ngx_atomic_fetch_add(&spool->shared->bytes, call->added);

    return 1;
}


/* what is in the window becomes records, which are sent */

static void
ngx_intake_spool_parse(ngx_intake_spool_t *spool)
{
    ngx_int_t                   rc;
    ngx_intake_spool_replay_t  *replay;

    replay = &spool->replay;

    rc = NGX_OK;

    while (rc == NGX_OK && replay->nrecords < NGX_INTAKE_SPOOL_RECORDS) {
        rc = ngx_intake_spool_parse_one(spool);
    }

    if (rc == NGX_ERROR) {
        return;
    }

    if (replay->nrecords) {
        ngx_intake_spool_send(spool);
        return;
    }

    if (replay->pos < replay->size) {
        ngx_intake_spool_read_on(spool);
        return;
    }

    ngx_intake_spool_at_end(spool);
}


static void
ngx_intake_spool_send(ngx_intake_spool_t *spool)
{
    ngx_int_t                   rc;
    ngx_uint_t                  i;
    ngx_intake_spool_record_t  *record;
    ngx_intake_spool_replay_t  *replay;

    replay = &spool->replay;

    if (ngx_exiting) {
        return;
    }

    for (i = 0; i < replay->nrecords && replay->pending; i++) {
        record = &replay->records[i];

        if (record->state != NGX_INTAKE_SPOOL_PENDING) {
            continue;
        }

        rc = spool->sender(spool->data, record);

        if (rc == NGX_DECLINED) {

            /* the next answer goes on, or the next tick */

            break;
        }

        if (rc != NGX_OK) {
            ngx_intake_spool_set_bad(spool, record, "is refused");
            continue;
        }

        record->state = NGX_INTAKE_SPOOL_SENT;
        replay->pending--;
        replay->in_flight++;
    }

    if (replay->pending == 0 && replay->in_flight == 0) {
        ngx_intake_spool_go_on(spool);
    }
}


/* Redis has answered for all of the records */

static void
ngx_intake_spool_go_on(ngx_intake_spool_t *spool)
{
    ngx_uint_t                  i;
    ngx_intake_spool_replay_t  *replay;

    replay = &spool->replay;

    for (i = 0; i < replay->nrecords; i++) {

        if (replay->records[i].state != NGX_INTAKE_SPOOL_BAD) {
            continue;
        }

        /* they are in the window until they have been set aside */

        if (replay->pos < replay->size) {
            ngx_intake_spool_read_on(spool);

        } else {
            ngx_intake_spool_at_end(spool);
        }

        return;
    }

    replay->nrecords = 0;

    ngx_intake_spool_parse(spool);
}


void
ngx_intake_spool_sent(ngx_intake_spool_record_t *record, ngx_int_t rc)
{
    ngx_intake_spool_t         *spool;
    ngx_intake_spool_replay_t  *replay;

    spool = record->spool;
    replay = &spool->replay;

    replay->in_flight--;

    switch (rc) {

    case NGX_OK:
        record->state = NGX_INTAKE_SPOOL_DONE;
        (void) ngx_atomic_fetch_add(&spool->shared->replayed, 1);
        break;

    case NGX_DECLINED:

        /* if all are refused it is the tick that tries again */

        record->state = NGX_INTAKE_SPOOL_PENDING;
        replay->pending++;
        return;

    default:
        replay->pending++;
        ngx_intake_spool_set_bad(spool, record, "is refused");
        break;
    }

    if (replay->in_flight == 0) {
        ngx_intake_spool_send(spool);
    }
}


void
ngx_intake_spool_set_bad(ngx_intake_spool_t *spool,
    ngx_intake_spool_record_t *record, const char *why)
{
    record->state = NGX_INTAKE_SPOOL_BAD;
    spool->replay.pending--;

    ngx_log_error(NGX_LOG_ERR, spool->log, 0,
                  "a record of the spool %s, it is kept in \"%s\": source "
                  "\"%V\", arrived %L us after 1970", why,
                  spool->replay.call.bad, &record->delivery.source,
                  record->arrival);
}


/* everything has been sent: the file is removed, or kept if it is damaged */

static void
ngx_intake_spool_at_end(ngx_intake_spool_t *spool)
{
    size_t                      len;
    u_char                     *p;
    ngx_intake_spool_read_t    *call;
    ngx_intake_spool_replay_t  *replay;

    replay = &spool->replay;
    call = &replay->call;

    if (replay->skipping && replay->foreign && !replay->damaged) {
        replay->damaged = 1;
        ngx_log_error(NGX_LOG_ALERT, spool->log, 0,
                      "the segment \"%s\" of the spool is damaged, %O bytes "
                      "at %O", call->name, replay->size - replay->gap,
                      replay->gap);

    } else if (replay->skipping && !replay->finishing) {
        ngx_log_error(NGX_LOG_WARN, spool->log, 0,
                      "the last %O bytes of the segment \"%s\" of the spool "
                      "had not been written completely, nobody was told that "
                      "they were", replay->size - replay->gap, call->name);
    }

    if (replay->damaged) {
        len = ngx_strlen(call->name) - (sizeof(".seg") - 1);
        p = ngx_cpymem(call->damaged, call->name, len);
        (void) ngx_cpymem(p, ".damaged", sizeof(".damaged"));
    }

    replay->finishing = 1;

    ngx_intake_spool_read_on(spool);
}


static void
ngx_intake_spool_ended(ngx_intake_spool_t *spool)
{
    ngx_intake_spool_replay_t  *replay;

    replay = &spool->replay;

    if (replay->damaged) {
        (void) ngx_atomic_fetch_add(&spool->shared->bad, 1);

    } else {
        (void) ngx_atomic_fetch_add(&spool->shared->bytes,
                                    -(ngx_atomic_int_t) replay->size);
    }

    if (ngx_atomic_fetch_add(&spool->shared->files, -1) == 1) {
        spool->shared->oldest = 0;
    }

    (void) close(replay->fd);
    replay->fd = -1;

    ngx_free(replay->window);
    replay->window = NULL;

    /* perhaps there is another */

    ngx_intake_spool_wake(spool);
}
