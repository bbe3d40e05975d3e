
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_intake_spool_internal.h"


/*
 * The replay.  A window of the oldest segment is read, its records, 64 at
 * once, are sent, and when Redis has answered for all of them the mark is
 * moved and the next are read.  A segment is removed when it is at its end.
 *
 * Nothing holds up what is behind it for long.  What cannot be read is skipped,
 * and the file kept; what Redis never takes is set aside in a .bad; and so are,
 * in a .later, the records of a source of which Redis takes none for now.
 */


static void ngx_intake_spool_begin(ngx_intake_spool_t *spool, int fd);
static void ngx_intake_spool_read_on(ngx_intake_spool_t *spool);
static ngx_int_t ngx_intake_spool_prepare(ngx_intake_spool_t *spool);
static void ngx_intake_spool_has_read(void *data);
static void ngx_intake_spool_read_failed(ngx_intake_spool_t *spool);
static void ngx_intake_spool_read_skipped(ngx_intake_spool_t *spool);
static void ngx_intake_spool_parse(ngx_intake_spool_t *spool);
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

    if (replay->call.copy_buf) {
        ngx_free(replay->call.copy_buf);
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
    ngx_uint_t                  level;
    ngx_intake_spool_read_t    *call;
    ngx_intake_spool_replay_t  *replay;

    replay = &spool->replay;
    call = &replay->call;

    p = (u_char *) strrchr((char *) call->name, '.');

    replay->name_len = p - call->name;
    replay->later = (ngx_strcmp(p, ".later") == 0);

    /* of a .later it was said when it was made */

    level = replay->later ? NGX_LOG_INFO : NGX_LOG_NOTICE;

    ngx_log_error(level, spool->log, 0,
                  "the segment \"%s\" of the spool is replayed, %O bytes",
                  call->name, replay->size);

    if (ngx_intake_spool_name_fresh(spool) != NGX_OK) {
        (void) close(fd);
        return;
    }

    replay->fd = fd;
    replay->base = 0;
    replay->len = 0;
    replay->pos = 0;
    replay->gap = 0;
    replay->nrecords = 0;
    replay->pending = 0;
    replay->in_flight = 0;
    replay->moved = 0;
    replay->failures = 0;
    replay->no_memory = 0;
    replay->header_read = 0;
    replay->skipping = 0;
    replay->foreign = 0;
    replay->torn = 0;
    replay->damaged = 0;
    replay->finishing = 0;

    call->dir = spool->dir;
    call->fd = fd;
    call->finish = 0;
    call->skip = 0;
    call->copy_len = 0;
    call->damaged[0] = '\0';

    ngx_intake_spool_read_on(spool);
}


/* sets aside what is to be, moves the mark, reads from replay->pos on */

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

    ngx_intake_spool_collect(spool);

    call->marked = 0;

    /* never beyond damage: whoever begins again must find it too */

    if (!call->more && replay->header_read && !replay->skipping
        && !replay->damaged && replay->pos > replay->segment.done)
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
ngx_intake_spool_has_read(void *data)
{
    ngx_intake_spool_t *spool = data;

    ngx_intake_spool_read_t    *call;
    ngx_intake_spool_replay_t  *replay;

    replay = &spool->replay;
    call = &replay->call;

    if (call->added) {
        ngx_intake_spool_collected(spool);

        if (!call->more) {
            replay->nrecords = 0;
        }
    }

    if (call->failed) {
        ngx_intake_spool_read_failed(spool);
        return;
    }

    if (call->more) {
        ngx_intake_spool_read_on(spool);
        return;
    }

    replay->nrecords = 0;
    replay->failed = 0;
    replay->failures = 0;

    if (replay->finishing) {
        ngx_intake_spool_ended(spool);
        return;
    }

    if (call->skipped) {
        ngx_intake_spool_read_skipped(spool);
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


/* the next tick tries again; a lock is of somebody who replays that file */

static void
ngx_intake_spool_read_failed(ngx_intake_spool_t *spool)
{
    ngx_intake_spool_read_t    *call;
    ngx_intake_spool_replay_t  *replay;

    replay = &spool->replay;
    call = &replay->call;

    /* somebody has renamed it, so it gets another name */

    if (ngx_strcmp(call->failed, "openat") == 0
        && ((call->append && call->err == NGX_ENOENT)
            || (call->create && call->err == NGX_EEXIST)))
    {
        (void) ngx_intake_spool_name_fresh(spool);
        return;
    }

    if (ngx_strcmp(call->failed, "pread") == 0
        && ++replay->failures == NGX_INTAKE_SPOOL_TRIES)
    {
        call->skip = 1;
    }

    if (!replay->failed && call->err != NGX_EAGAIN) {
        replay->failed = 1;
        ngx_log_error(NGX_LOG_CRIT, spool->log, call->err,
                      "%s() failed, the segment \"%s\" of the spool is not "
                      "replayed", call->failed, call->name);
    }
}


/* zeros would be a torn tail at the end of a file, which is none here */

static void
ngx_intake_spool_read_skipped(ngx_intake_spool_t *spool)
{
    ngx_intake_spool_read_t    *call;
    ngx_intake_spool_replay_t  *replay;

    replay = &spool->replay;
    call = &replay->call;

    call->skip = 0;

    if (call->offset + (off_t) call->n > replay->size) {
        call->n = (size_t) (replay->size - call->offset);
    }

    ngx_log_error(NGX_LOG_ALERT, spool->log, 0,
                  "%uz bytes of the segment \"%s\" of the spool behind %O "
                  "cannot be read, the others are replayed", call->skipped,
                  call->name, call->offset);

    replay->damaged = 1;
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

    if (rc == NGX_ABORT) {
        ngx_intake_spool_read_on(spool);
        return;
    }

    if (replay->nrecords) {
        replay->alone = 0;
        replay->refused = 0;

        ngx_intake_spool_send(spool);
        return;
    }

    if (replay->pos < replay->size) {
        ngx_intake_spool_read_on(spool);
        return;
    }

    ngx_intake_spool_at_end(spool);
}


void
ngx_intake_spool_go_on(ngx_intake_spool_t *spool)
{
    ngx_uint_t                  i;
    ngx_intake_spool_replay_t  *replay;

    replay = &spool->replay;

    for (i = 0; i < replay->nrecords; i++) {

        if (replay->records[i].state == NGX_INTAKE_SPOOL_DONE) {
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
ngx_intake_spool_put_back(ngx_intake_spool_t *spool)
{
    int                         rc;
    ngx_intake_spool_replay_t  *replay;

    replay = &spool->replay;

    rc = futimens(replay->fd, NULL);

    ngx_intake_spool_release(spool);

    /* without its new time it would be the next one again */

    if (rc == 0) {
        ngx_intake_spool_wake(spool);
    }
}


void
ngx_intake_spool_release(ngx_intake_spool_t *spool)
{
    ngx_intake_spool_replay_t  *replay;

    replay = &spool->replay;

    (void) close(replay->fd);

    replay->fd = -1;
    replay->nrecords = 0;
    replay->pending = 0;

    if (replay->window) {
        ngx_free(replay->window);
        replay->window = NULL;
    }
}


/* everything has been sent: the file is removed, or kept if it is damaged */

static void
ngx_intake_spool_at_end(ngx_intake_spool_t *spool)
{
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
        p = ngx_cpymem(call->damaged, call->name, replay->name_len);
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

    ngx_intake_spool_release(spool);

    /* perhaps there is another */

    ngx_intake_spool_wake(spool);
}
