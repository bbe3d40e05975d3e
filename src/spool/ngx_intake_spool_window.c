
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_intake_spool_internal.h"


/*
 * The window of a segment that is replayed, and the records in it.
 *
 * What is no record is skipped.  If a record follows or the bytes are not what
 * an interrupted write leaves, then the file is damaged: it is kept under
 * another name when its other records have been replayed.
 */


static ngx_uint_t ngx_intake_spool_unwritten(
    ngx_intake_spool_replay_t *replay);
static void ngx_intake_spool_take(ngx_intake_spool_t *spool,
    ngx_intake_record_t *record);
static void ngx_intake_spool_skip(ngx_intake_spool_replay_t *replay,
    ngx_uint_t torn);


ngx_int_t
ngx_intake_spool_read_header(ngx_intake_spool_t *spool)
{
    ngx_int_t                   rc;
    ngx_intake_spool_replay_t  *replay;

    replay = &spool->replay;

    rc = ngx_intake_segment_read_header(replay->window,
                                        replay->window + replay->len,
                                        &replay->segment);

    if (rc == NGX_ERROR && ngx_intake_spool_unwritten(replay)) {
        ngx_log_error(NGX_LOG_WARN, spool->log, 0,
                      "the file \"%s\" of the spool had not been written, its "
                      "records are in their segment", replay->call.name);
        return NGX_ERROR;
    }

    if (rc != NGX_OK) {
        ngx_log_error(NGX_LOG_ALERT, spool->log, 0,
                      "the file \"%s\" of the spool %s", replay->call.name,
                      rc == NGX_DECLINED ? "has another version"
                                         : "has no header that is right");

        replay->damaged = 1;

        return NGX_ERROR;
    }

    if (replay->segment.done > replay->size) {
        replay->segment.done = NGX_INTAKE_SEGMENT_HEADER;
    }

    replay->header_read = 1;
    replay->pos = replay->segment.done;

    return NGX_OK;
}


/* what is left of a .later when its writer was killed, or the power failed */

static ngx_uint_t
ngx_intake_spool_unwritten(ngx_intake_spool_replay_t *replay)
{
    ngx_uint_t  i;

    if (!replay->later) {
        return 0;
    }

    if (replay->len < NGX_INTAKE_SEGMENT_HEADER) {
        return 1;
    }

    for (i = 0; i < NGX_INTAKE_SEGMENT_MARK; i++) {

        if (replay->window[i] != 0) {
            return 0;
        }
    }

    return 1;
}


ngx_int_t
ngx_intake_spool_parse_one(ngx_intake_spool_t *spool)
{
    u_char                     *p, *last;
    ngx_int_t                   rc;
    ngx_intake_record_t         record;
    ngx_intake_spool_replay_t  *replay;

    replay = &spool->replay;

    if (replay->pos >= replay->base + (off_t) replay->len) {
        return NGX_DONE;
    }

    p = replay->window + (replay->pos - replay->base);
    last = replay->window + replay->len;

    rc = ngx_intake_segment_read(&replay->segment, p, last, &record);

    if (rc == NGX_OK) {
        ngx_intake_spool_take(spool, &record);
        return NGX_OK;
    }

    if (rc == NGX_AGAIN
        && replay->pos + (off_t) record.size <= replay->size)
    {
        /* the rest of it is not in the window yet */

        if (record.size <= replay->capacity || replay->nrecords) {
            return NGX_DONE;
        }

        if (ngx_intake_spool_grow(spool, record.size) == NGX_OK) {
            replay->no_memory = 0;
            return NGX_DONE;
        }

        if (++replay->no_memory < NGX_INTAKE_SPOOL_TRIES) {
            return NGX_ERROR;
        }

        replay->no_memory = 0;
        ngx_intake_spool_copy_aside(spool, record.size);

        return NGX_ABORT;
    }

    ngx_intake_spool_skip(replay, rc == NGX_AGAIN);

    return NGX_OK;
}


static void
ngx_intake_spool_take(ngx_intake_spool_t *spool, ngx_intake_record_t *record)
{
    ngx_intake_spool_record_t  *r;
    ngx_intake_spool_replay_t  *replay;

    replay = &spool->replay;

    if (replay->skipping) {
        ngx_log_error(NGX_LOG_ALERT, spool->log, 0,
                      "the segment \"%s\" of the spool is damaged, %O bytes "
                      "at %O", replay->call.name, replay->pos - replay->gap,
                      replay->gap);

        replay->damaged = 1;
        replay->skipping = 0;
        replay->foreign = 0;
        replay->torn = 0;
    }

    r = &replay->records[replay->nrecords++];

    r->arrival = record->arrival;
    r->spool = spool;
    r->start = record->data - NGX_INTAKE_RECORD_HEAD;
    r->size = record->size;
    r->state = NGX_INTAKE_SPOOL_PENDING;

    replay->pending++;
    replay->pos += (off_t) record->size;

    if (ngx_intake_delivery_read(record->data, record->data + record->len,
                                 &r->delivery)
        != NGX_OK)
    {
        ngx_memzero(&r->delivery, sizeof(ngx_intake_delivery_t));
        ngx_intake_spool_set_bad(spool, r, "is no delivery");
    }
}


/* up to where the next record may begin */

static void
ngx_intake_spool_skip(ngx_intake_spool_replay_t *replay, ngx_uint_t torn)
{
    u_char  *p, *q, *last;

    p = replay->window + (replay->pos - replay->base);
    last = replay->window + replay->len;

    if (!replay->skipping) {
        replay->skipping = 1;
        replay->gap = replay->pos;
    }

    if (torn) {
        replay->torn = 1;
    }

    q = ngx_intake_segment_find(&replay->segment, p + 1, last);
    replay->pos += q - p;

    /* an interrupted write leaves the beginning of a record, or zeros */

    while (!replay->torn && !replay->foreign && p < q) {
        replay->foreign = (*p++ != 0);
    }
}


ngx_int_t
ngx_intake_spool_grow(ngx_intake_spool_t *spool, size_t size)
{
    u_char                     *window;
    ngx_intake_spool_replay_t  *replay;

    replay = &spool->replay;

    window = ngx_alloc(size, spool->log);
    if (window == NULL) {
        return NGX_ERROR;
    }

    if (replay->window) {
        ngx_free(replay->window);
    }

    replay->window = window;
    replay->capacity = size;
    replay->base = replay->pos;
    replay->len = 0;

    return NGX_OK;
}
