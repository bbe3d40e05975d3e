
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_intake_spool_internal.h"


/*
 * The records of a window on their way to Redis.  A round is all that is
 * pending; those of which nothing was taken are tried again with the next tick.
 *
 * One call has many records, and fails when a key of one of them may not be
 * used.  So those of a .later are then sent one by one.  If the others are
 * taken, those that are refused are set aside once more; if none is, it is the
 * source that has to wait.
 */


static void ngx_intake_spool_send_all(ngx_intake_spool_t *spool);
static void ngx_intake_spool_round(ngx_intake_spool_t *spool);
static void ngx_intake_spool_answered(ngx_intake_spool_t *spool);


void
ngx_intake_spool_send(ngx_intake_spool_t *spool)
{
    ngx_intake_spool_replay_t  *replay;

    replay = &spool->replay;

    if (ngx_exiting || (replay->alone && replay->in_flight)) {
        return;
    }

    replay->taken = 0;

    ngx_intake_spool_send_all(spool);

    if (replay->in_flight) {
        return;
    }

    ngx_intake_spool_round(spool);
}


static void
ngx_intake_spool_send_all(ngx_intake_spool_t *spool)
{
    ngx_int_t                   rc;
    ngx_uint_t                  i;
    ngx_intake_spool_record_t  *record;
    ngx_intake_spool_replay_t  *replay;

    replay = &spool->replay;

    for (i = 0; i < replay->nrecords && replay->pending; i++) {
        record = &replay->records[i];

        if (record->state != NGX_INTAKE_SPOOL_PENDING) {
            continue;
        }

        rc = spool->sender(spool->data, record);

        switch (rc) {

        case NGX_OK:
            record->state = NGX_INTAKE_SPOOL_SENT;
            replay->pending--;
            replay->in_flight++;

            if (replay->alone) {
                return;
            }

            break;

        case NGX_DECLINED:

            /* the next answer goes on, or the next tick */

            return;

        case NGX_ABORT:

            /* that is no word of Redis on this record */

            if (replay->alone) {
                return;
            }

            ngx_intake_spool_stuck(spool, record);
            break;

        default: /* NGX_ERROR */
            ngx_intake_spool_set_bad(spool, record, "is refused");
            break;
        }
    }
}


void
ngx_intake_spool_sent(ngx_intake_spool_record_t *record, ngx_int_t rc)
{
    ngx_intake_spool_t         *spool;
    ngx_intake_spool_replay_t  *replay;

    spool = record->spool;
    replay = &spool->replay;

    replay->in_flight--;

    record->state = NGX_INTAKE_SPOOL_PENDING;
    replay->pending++;

    switch (rc) {

    case NGX_OK:
        record->state = NGX_INTAKE_SPOOL_DONE;
        replay->pending--;
        replay->taken++;
        replay->moved = 1;

        ngx_intake_spool_flows(spool, &record->delivery.source);
        (void) ngx_atomic_fetch_add(&spool->shared->replayed, 1);
        break;

    case NGX_DECLINED:
        break;

    case NGX_ABORT:
        ngx_intake_spool_stuck(spool, record);
        break;

    default: /* NGX_ERROR */
        ngx_intake_spool_set_bad(spool, record, "is refused");
        break;
    }

    if (replay->in_flight == 0) {
        ngx_intake_spool_round(spool);
    }
}


/* nothing is in flight: on, or once more, at once or with the next tick */

static void
ngx_intake_spool_round(ngx_intake_spool_t *spool)
{
    ngx_intake_spool_replay_t  *replay;

    replay = &spool->replay;

    if (ngx_exiting) {
        return;
    }

    if (replay->pending == 0) {
        ngx_intake_spool_answered(spool);
        return;
    }

    /* if all are refused it is the tick that tries again */

    if (replay->taken
        && (!replay->alone || replay->moved
            || ngx_current_msec - replay->alone_since
               < NGX_INTAKE_SPOOL_STUCK))
    {
        ngx_intake_spool_send(spool);
        return;
    }

    if (!replay->later) {
        return;
    }

    if (replay->alone) {
        ngx_intake_spool_put_back(spool);
        return;
    }

    replay->alone = 1;
    replay->alone_since = ngx_current_msec;

    ngx_intake_spool_send(spool);
}


static void
ngx_intake_spool_answered(ngx_intake_spool_t *spool)
{
    ngx_intake_spool_replay_t  *replay;

    replay = &spool->replay;

    if (replay->refused) {

        if (!replay->moved) {
            ngx_intake_spool_put_back(spool);
            return;
        }

        ngx_intake_spool_refused(spool);
    }

    ngx_intake_spool_go_on(spool);
}


void
ngx_intake_spool_set_bad(ngx_intake_spool_t *spool,
    ngx_intake_spool_record_t *record, const char *why)
{
    record->state = NGX_INTAKE_SPOOL_BAD;
    spool->replay.pending--;

    ngx_log_error(NGX_LOG_ERR, spool->log, 0,
                  "a record of the spool %s, it is kept in \"%s.bad\": "
                  "source \"%V\", arrived %L us after 1970", why,
                  spool->replay.fresh, &record->delivery.source,
                  record->arrival);
}
