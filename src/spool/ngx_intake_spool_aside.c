
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_intake_spool_internal.h"

#include <openssl/rand.h>


/*
 * What is set aside so that the replay goes on: NAME.bad has records that Redis
 * never takes, NAME.SOURCE.later those of a source of which it takes none for
 * now.  They are segments like others: the records stay as they are, with the
 * header of theirs.
 */


static ngx_uint_t ngx_intake_spool_same_file(ngx_intake_spool_record_t *one,
    ngx_intake_spool_record_t *two);
static void ngx_intake_spool_name_aside(ngx_intake_spool_t *spool,
    ngx_intake_spool_record_t *record);
static void ngx_intake_spool_name_copy(ngx_intake_spool_t *spool);
static void ngx_intake_spool_header_aside(ngx_intake_spool_replay_t *replay);
static ngx_intake_spool_stuck_t *ngx_intake_spool_find_stuck(
    ngx_intake_spool_replay_t *replay, ngx_str_t *source);


void
ngx_intake_spool_collect(ngx_intake_spool_t *spool)
{
    ngx_uint_t                  i;
    ngx_intake_spool_read_t    *call;
    ngx_intake_spool_record_t  *record, *first;
    ngx_intake_spool_replay_t  *replay;

    replay = &spool->replay;
    call = &replay->call;

    call->niovs = 0;
    call->more = 0;

    if (call->copy_len) {
        ngx_intake_spool_name_copy(spool);
        return;
    }

    first = NULL;

    for (i = 0; i < replay->nrecords; i++) {
        record = &replay->records[i];

        if (record->state != NGX_INTAKE_SPOOL_BAD
            && record->state != NGX_INTAKE_SPOOL_LATER)
        {
            continue;
        }

        if (first == NULL) {
            first = record;
            ngx_intake_spool_name_aside(spool, first);
        }

        if (!ngx_intake_spool_same_file(first, record)) {
            call->more = 1;
            continue;
        }

        call->iovs[call->niovs].iov_base = record->start;
        call->iovs[call->niovs++].iov_len = record->size;
    }

    if (call->niovs) {
        ngx_intake_spool_header_aside(replay);
    }
}


static ngx_uint_t
ngx_intake_spool_same_file(ngx_intake_spool_record_t *one,
    ngx_intake_spool_record_t *two)
{
    ngx_str_t  *a, *b;

    if (one->state != two->state) {
        return 0;
    }

    a = &one->delivery.source;
    b = &two->delivery.source;

    return one->state == NGX_INTAKE_SPOOL_BAD
           || (a->len == b->len && ngx_memcmp(a->data, b->data, a->len) == 0);
}


static void
ngx_intake_spool_name_aside(ngx_intake_spool_t *spool,
    ngx_intake_spool_record_t *record)
{
    u_char                     *p;
    ngx_intake_spool_read_t    *call;
    ngx_intake_spool_replay_t  *replay;

    replay = &spool->replay;
    call = &replay->call;

    if (record->state == NGX_INTAKE_SPOOL_BAD) {
        call->append = replay->has_bad;
        call->create = !replay->has_bad;

        p = ngx_cpymem(call->aside, replay->fresh, ngx_strlen(replay->fresh));
        (void) ngx_cpymem(p, ".bad", sizeof(".bad"));
        return;
    }

    /* with the name of the segment others of it are in the same file */

    if (replay->later) {
        call->append = replay->has_later;
        call->create = !replay->has_later;

        p = ngx_cpymem(call->aside, replay->fresh, ngx_strlen(replay->fresh));

    } else {
        call->append = 0;
        call->create = 0;

        p = ngx_cpymem(call->aside, call->name, replay->name_len);
    }

    *p++ = '.';
    p = ngx_cpymem(p, record->delivery.source.data,
                   record->delivery.source.len);
    (void) ngx_cpymem(p, ".later", sizeof(".later"));
}


static void
ngx_intake_spool_name_copy(ngx_intake_spool_t *spool)
{
    ngx_intake_spool_record_t  record;

    record.state = NGX_INTAKE_SPOOL_BAD;
    ngx_intake_spool_name_aside(spool, &record);
}


/* that of the segment, but for the mark: nothing of this file is replayed */

static void
ngx_intake_spool_header_aside(ngx_intake_spool_replay_t *replay)
{
    ngx_intake_segment_t  segment;

    segment = replay->segment;
    segment.done = NGX_INTAKE_SEGMENT_HEADER;

    (void) ngx_intake_segment_write_header(replay->call.header, &segment);
}


void
ngx_intake_spool_collected(ngx_intake_spool_t *spool)
{
    ngx_uint_t                  i, bad;
    ngx_intake_spool_read_t    *call;
    ngx_intake_spool_record_t  *record, first;
    ngx_intake_spool_replay_t  *replay;

    replay = &spool->replay;
    call = &replay->call;

    (void) ngx_atomic_fetch_add(&spool->shared->bytes, call->added);

    if (call->copy_len) {
        replay->has_bad = 1;
        replay->pos += (off_t) call->copy_len;
        call->copy_len = 0;

        (void) ngx_atomic_fetch_add(&spool->shared->bad, 1);
        return;
    }

    bad = 0;
    first.state = NGX_INTAKE_SPOOL_DONE;

    for (i = 0; i < replay->nrecords; i++) {
        record = &replay->records[i];

        if (record->state != NGX_INTAKE_SPOOL_BAD
            && record->state != NGX_INTAKE_SPOOL_LATER)
        {
            continue;
        }

        if (first.state == NGX_INTAKE_SPOOL_DONE) {
            first = *record;
        }

        if (ngx_intake_spool_same_file(&first, record)) {
            bad += (record->state == NGX_INTAKE_SPOOL_BAD);
            record->state = NGX_INTAKE_SPOOL_DONE;
        }
    }

    (void) ngx_atomic_fetch_add(&spool->shared->bad, bad);

    if (first.state == NGX_INTAKE_SPOOL_BAD) {
        replay->has_bad = 1;

    } else {
        replay->has_later = 1;
    }

    if (call->made && first.state == NGX_INTAKE_SPOOL_LATER) {
        (void) ngx_atomic_fetch_add(&spool->shared->files, 1);
    }
}


ngx_int_t
ngx_intake_spool_name_fresh(ngx_intake_spool_t *spool)
{
    uint64_t                    random;
    ngx_intake_spool_replay_t  *replay;

    replay = &spool->replay;

    if (RAND_bytes((u_char *) &random, sizeof(uint64_t)) != 1) {
        ngx_log_error(NGX_LOG_ALERT, spool->log, 0,
                      "RAND_bytes() failed, the spool cannot be used");
        return NGX_ERROR;
    }

    replay->has_bad = 0;
    replay->has_later = 0;

    /* it sorts by age where its segment did */

    (void) ngx_sprintf(replay->fresh, "%*s-%P-%016xL%Z", (size_t) 16,
                       replay->call.name, ngx_pid, random);

    return NGX_OK;
}


void
ngx_intake_spool_refused(ngx_intake_spool_t *spool)
{
    ngx_uint_t                  i;
    ngx_intake_spool_record_t  *record;
    ngx_intake_spool_replay_t  *replay;

    replay = &spool->replay;

    for (i = 0; i < replay->nrecords; i++) {
        record = &replay->records[i];

        if (record->state != NGX_INTAKE_SPOOL_REFUSED) {
            continue;
        }

        record->state = NGX_INTAKE_SPOOL_LATER;

        ngx_log_error(NGX_LOG_ERR, spool->log, 0,
                      "a record of the source \"%V\" does not get out of the "
                      "spool, others of it do, it is kept in "
                      "\"%s.%V.later\", which is tried again, arrived %L us "
                      "after 1970", &record->delivery.source, replay->fresh,
                      &record->delivery.source, record->arrival);
    }

    replay->refused = 0;
}


void
ngx_intake_spool_copy_aside(ngx_intake_spool_t *spool, size_t size)
{
    ngx_intake_spool_read_t    *call;
    ngx_intake_spool_replay_t  *replay;

    replay = &spool->replay;
    call = &replay->call;

    if (call->copy_buf == NULL) {
        call->copy_buf = ngx_alloc(NGX_INTAKE_SPOOL_COPY, spool->log);
        if (call->copy_buf == NULL) {
            return;
        }
    }

    call->copy = replay->pos;
    call->copy_len = size;

    ngx_intake_spool_name_copy(spool);
    ngx_intake_spool_header_aside(replay);

    ngx_log_error(NGX_LOG_ERR, spool->log, 0,
                  "a record of the spool of %uz bytes does not fit into "
                  "memory, it is kept in \"%s\"", size, call->aside);
}


void
ngx_intake_spool_stuck(ngx_intake_spool_t *spool,
    ngx_intake_spool_record_t *record)
{
    ngx_str_t                  *source;
    ngx_intake_spool_stuck_t   *stuck;
    ngx_intake_spool_replay_t  *replay;

    replay = &spool->replay;
    source = &record->delivery.source;

    /*
     * A .later is all of one source, and put back as it is, but for a record
     * that is refused by itself.
     */

    if (replay->later) {

        if (replay->alone) {
            record->state = NGX_INTAKE_SPOOL_REFUSED;
            replay->pending--;
            replay->refused++;
            replay->taken++;
        }

        return;
    }

    stuck = ngx_intake_spool_find_stuck(replay, source);

    if (stuck == NULL) {

        if (replay->nstuck == NGX_INTAKE_SPOOL_SOURCES) {
            return;
        }

        stuck = &replay->stuck[replay->nstuck++];

        ngx_memcpy(stuck->name, source->data, source->len);
        stuck->len = source->len;
        stuck->since = ngx_current_msec;
        stuck->logged = 0;
    }

    if (ngx_current_msec - stuck->since < NGX_INTAKE_SPOOL_STUCK) {
        return;
    }

    record->state = NGX_INTAKE_SPOOL_LATER;
    replay->pending--;

    if (!stuck->logged) {
        stuck->logged = 1;
        ngx_log_error(NGX_LOG_ERR, spool->log, 0,
                      "nothing of the source \"%V\" gets out of the spool, "
                      "its records are kept in \"*.%V.later\", which are "
                      "tried again, others are replayed", source, source);
    }
}


void
ngx_intake_spool_flows(ngx_intake_spool_t *spool, ngx_str_t *source)
{
    ngx_intake_spool_stuck_t   *stuck;
    ngx_intake_spool_replay_t  *replay;

    replay = &spool->replay;

    if (replay->nstuck == 0) {
        return;
    }

    if (source == NULL) {
        replay->nstuck = 0;
        return;
    }

    stuck = ngx_intake_spool_find_stuck(replay, source);

    if (stuck == NULL) {
        return;
    }

    if (stuck->logged) {
        ngx_log_error(NGX_LOG_NOTICE, spool->log, 0,
                      "records of the source \"%V\" get out of the spool "
                      "again", source);
    }

    *stuck = replay->stuck[--replay->nstuck];
}


static ngx_intake_spool_stuck_t *
ngx_intake_spool_find_stuck(ngx_intake_spool_replay_t *replay,
    ngx_str_t *source)
{
    ngx_uint_t                 i;
    ngx_intake_spool_stuck_t  *stuck;

    for (i = 0; i < replay->nstuck; i++) {
        stuck = &replay->stuck[i];

        if (stuck->len == source->len
            && ngx_memcmp(stuck->name, source->data, source->len) == 0)
        {
            return stuck;
        }
    }

    return NULL;
}
