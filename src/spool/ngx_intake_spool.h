
/*
 * Copyright (C) nginx-intake contributors
 */


#ifndef _NGX_INTAKE_SPOOL_H_INCLUDED_
#define _NGX_INTAKE_SPOOL_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "ngx_intake_delivery.h"

#if (NGX_THREADS)
#include <ngx_thread_pool.h>
#endif


/*
 * The spool: deliveries that wait on the disk while Redis is away.  Nothing
 * here knows a request or Redis: whoever appends hears when the disk has it,
 * and the sender says what became of a record.
 */


typedef struct ngx_intake_spool_s     ngx_intake_spool_t;
typedef struct ngx_intake_spool_op_s  ngx_intake_spool_op_t;


/* what intake_spool says; read only after the configuration is read */

typedef struct {
    ngx_path_t                *path;       /* NULL: there is no spool */
    off_t                      max_size;   /* bytes, of all files together */
#if (NGX_THREADS)
    ngx_thread_pool_t         *threads;
#endif
} ngx_intake_spool_conf_t;


/*
 * The numbers of a node, in shared memory that begins as zeros; if that is
 * kept while the directory changes, they are put right within seconds.
 */

typedef struct {
    ngx_atomic_t               bytes;      /* of all files, and of records
                                              that are being written */
    ngx_atomic_t               files;      /* segments, and those of records
                                              that wait for their source */
    ngx_atomic_t               oldest;     /* s since 1970, arrival of the
                                              oldest file's first record; 0:
                                              there is none */
    ngx_atomic_t               replayed;   /* records, in Redis now */
    ngx_atomic_t               bad;        /* records that Redis refused for
                                              good, and damaged files */
} ngx_intake_spool_shared_t;


/* NGX_OK: on the disk; NGX_ERROR: not, it will not be replayed */

typedef void (*ngx_intake_spool_handler_pt)(void *data, ngx_int_t rc);


/* of shared; what is counted twice for a moment may make them negative */
#define ngx_intake_spool_bytes(shared)                                       \
    ((ngx_atomic_int_t) (shared)->bytes > 0 ? (shared)->bytes : 0)
#define ngx_intake_spool_files(shared)                                       \
    ((ngx_atomic_int_t) (shared)->files > 0 ? (shared)->files : 0)


/*
 * A record that is replayed; it and its strings stay until
 * ngx_intake_spool_sent() is called with it, or the spool is destroyed.
 */

typedef struct {
    ngx_intake_delivery_t      delivery;
    int64_t                    arrival;    /* us since 1970 */

    ngx_intake_spool_t        *spool;
    u_char                    *start;      /* of the record, in its file */
    size_t                     size;
    ngx_uint_t                 state;
} ngx_intake_spool_record_t;


/*
 * Sends a record to Redis.
 *
 *  NGX_OK        taken: ngx_intake_spool_sent() will be called, later, once
 *  NGX_DECLINED  not now: it is given again
 *  NGX_ABORT     none of its source now: the others need not wait for it
 *  NGX_ERROR     never: it is set aside
 */

typedef ngx_int_t (*ngx_intake_spool_sender_pt)(void *data,
    ngx_intake_spool_record_t *record);

/* whether Redis is there, so that it is worth while to begin */

typedef ngx_uint_t (*ngx_intake_spool_ready_pt)(void *data);


/*
 * For the handler of a directive: creates conf->path, that the master makes
 * with mode 0700 for the user of the workers, and sets conf->threads.
 */
ngx_int_t ngx_intake_spool_path(ngx_conf_t *cf, ngx_str_t *path,
    ngx_intake_spool_conf_t *conf);

/*
 * The spool of this worker, until ngx_intake_spool_destroy(); conf and shared
 * must outlive it.  It begins to replay what others have left.  NULL: no
 * memory, or the directory cannot be opened, which is logged.
 */
ngx_intake_spool_t *ngx_intake_spool_create(ngx_cycle_t *cycle,
    ngx_intake_spool_conf_t *conf, ngx_intake_spool_shared_t *shared,
    ngx_intake_spool_sender_pt sender, ngx_intake_spool_ready_pt ready,
    void *data);

/*
 * For exit_process: closes the files, which others then adopt, and frees all;
 * no handler is called.
 */
void ngx_intake_spool_destroy(ngx_intake_spool_t *spool);

/*
 * Appends a delivery that arrived at arrival (us since 1970); what is appended
 * in one turn of the event loop, or while the disk is busy, is synchronized
 * together.
 *
 *  NGX_OK     handler will be called, later, once; it may be forgotten by *op
 *  NGX_BUSY   the spool is full, or the disk does not keep up
 *  NGX_ERROR  no memory, or a delivery that cannot be written
 */
ngx_int_t ngx_intake_spool_append(ngx_intake_spool_t *spool,
    ngx_intake_delivery_t *delivery, int64_t arrival,
    ngx_intake_spool_handler_pt handler, void *data,
    ngx_intake_spool_op_t **op);

/*
 * The handler will not be called; the delivery is written all the same.  Legal
 * at any time until the handler returns.
 */
void ngx_intake_spool_forget(ngx_intake_spool_op_t *op);

/*
 * What became of a record that the sender took.  Not to be called by the sender
 * itself.
 *
 *  NGX_OK        it is in Redis
 *  NGX_DECLINED  not: it is given again later
 *  NGX_ABORT     not, for a reason of its source: the same, but records of
 *                other sources do not wait for it
 *  NGX_ERROR     Redis will never take it: it is set aside
 */
void ngx_intake_spool_sent(ngx_intake_spool_record_t *record, ngx_int_t rc);

/* Redis has come back: replay begins at once instead of within seconds. */
void ngx_intake_spool_wake(ngx_intake_spool_t *spool);

/*
 * Whether the spool takes deliveries: it is not full, and its disk has not
 * failed within the last seconds.
 */
ngx_uint_t ngx_intake_spool_takes(ngx_intake_spool_t *spool);


#endif /* _NGX_INTAKE_SPOOL_H_INCLUDED_ */
