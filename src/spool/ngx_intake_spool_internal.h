
/*
 * Copyright (C) nginx-intake contributors
 */


#ifndef _NGX_INTAKE_SPOOL_INTERNAL_H_INCLUDED_
#define _NGX_INTAKE_SPOOL_INTERNAL_H_INCLUDED_


#include "ngx_intake_spool.h"
#include "ngx_intake_segment.h"


/*
 * Inside the spool.  What a thread is given it has alone until the task has
 * ended; the event loop touches nothing of it meanwhile, but the handlers of
 * operations that are being written.
 *
 * A file is named ARRIVAL-PID-SALT.seg, so that names sort by the arrival of
 * the first record.  Whoever has the lock (flock) of a file owns it: the
 * worker that writes it, then the one that replays it.  Others are
 * NAME.new, being made, NAME.SOURCE.later, records of a source of which Redis
 * takes none for now, NAME.bad, records that Redis refused for good, and
 * NAME.damaged, files that were read as far as they could be.  A .bad, and what
 * is left of a .later, has a NAME of its own: people rename such files to .seg
 * while the file that the records came from may still be there.
 */


#define NGX_INTAKE_SPOOL_SEGMENT   (64 * 1024 * 1024)  /* then it is closed */
#define NGX_INTAKE_SPOOL_GATHER    (64 * 1024 * 1024)  /* in memory */
#define NGX_INTAKE_SPOOL_WINDOW    (1024 * 1024)       /* read at once */
#define NGX_INTAKE_SPOOL_RECORDS   64                  /* sent at once */

#define NGX_INTAKE_SPOOL_INTERVAL  2000                /* ms, of scans */
#define NGX_INTAKE_SPOOL_HOLD      60000               /* ms, a slow disk */
#define NGX_INTAKE_SPOOL_STALE     60                  /* s, of a .new */
#define NGX_INTAKE_SPOOL_AGAIN     5                   /* s, then a disk that
                                                          failed is trusted
                                                          with more */

#define NGX_INTAKE_SPOOL_STUCK     5000                /* ms that a source may
                                                          hold up others */
#define NGX_INTAKE_SPOOL_REST      10                  /* s, then a .later is
                                                          tried again */
#define NGX_INTAKE_SPOOL_TRIES     5                   /* of what fails and
                                                          holds up others */
#define NGX_INTAKE_SPOOL_SOURCES   64                  /* that are known to be
                                                          stuck */
#define NGX_INTAKE_SPOOL_SECTOR    4096                /* skipped when it
                                                          cannot be read */
#define NGX_INTAKE_SPOOL_COPY      65536               /* copied at once */

#define NGX_INTAKE_SPOOL_NAME      128
#define NGX_INTAKE_SPOOL_IOV       64


struct ngx_intake_spool_op_s {
    ngx_queue_t                    queue;
    ngx_intake_spool_handler_pt    handler;    /* NULL: forgotten */
    void                          *data;
    int64_t                        arrival;
    size_t                         size;
    u_char                        *record;     /* behind this struct */
};


/* system calls in a thread, one call at a time */

typedef struct {
    void                         (*work)(void *call);    /* in the thread */
    void                         (*handler)(void *data); /* when it ended */
    void                          *call;
    void                          *data;
    ngx_event_t                    done;
#if (NGX_THREADS)
    ngx_thread_pool_t             *threads;
    ngx_thread_task_t             *task;
#endif
    unsigned                       active:1;
} ngx_intake_spool_task_t;


/* a batch, for the thread that writes it */

typedef struct {
    int                            dir;
    int                            fd;         /* -1: make the file; -1
                                                  after: it is not used any
                                                  more */
    u_char                         name[NGX_INTAKE_SPOOL_NAME];
    u_char                         temporary[NGX_INTAKE_SPOOL_NAME];
    u_char                         header[NGX_INTAKE_SEGMENT_HEADER];
    off_t                          offset;     /* where the batch begins */
    ngx_queue_t                   *batch;      /* ngx_intake_spool_op_t */

    const char                    *failed;     /* NULL, or the call */
    ngx_err_t                      err;
} ngx_intake_spool_write_t;


/* in this order, as far as there is something to do, until a call fails */

typedef struct {
    int                            dir;
    int                            fd;
    u_char                         name[NGX_INTAKE_SPOOL_NAME];

    /*
     * Records are set aside in a file of their own: those of iovs, or one that
     * does not fit into memory, copied from the segment.
     */
    u_char                         aside[NGX_INTAKE_SPOOL_NAME];
    u_char                         header[NGX_INTAKE_SEGMENT_HEADER];
    struct iovec                   iovs[NGX_INTAKE_SPOOL_RECORDS];
    ngx_uint_t                     niovs;
    off_t                          copy;
    size_t                         copy_len;   /* 0: iovs */
    u_char                        *copy_buf;
    size_t                         added;      /* bytes of it, after */
    ngx_uint_t                     create;     /* it must not be there; else
                                                  it may, or, with append,
                                                  must */
    ngx_uint_t                     append;
    ngx_uint_t                     made;       /* it is new */
    ngx_uint_t                     more;       /* and then nothing else */

    u_char                         mark[NGX_INTAKE_SEGMENT_MARK_LEN];
    ngx_uint_t                     marked;

    /* the file is removed or, if this is not "", renamed */
    u_char                         damaged[NGX_INTAKE_SPOOL_NAME];
    ngx_uint_t                     finish;

    u_char                        *buf;
    size_t                         size;
    off_t                          offset;
    size_t                         n;          /* bytes that were read */
    ngx_uint_t                     skip;       /* what cannot be read is read
                                                  as zeros */
    size_t                         skipped;    /* so many bytes were */

    const char                    *failed;     /* NULL, or the call */
    ngx_err_t                      err;
} ngx_intake_spool_read_t;


typedef struct {
    ngx_event_t                    flush;
    ngx_event_t                    hold;       /* not cancelable: somebody
                                                  waits for the disk */
    ngx_queue_t                    gathered;
    size_t                         size;       /* of the gathered */

    ngx_queue_t                    batch;
    size_t                         batch_size; /* with a header */
    ngx_intake_spool_task_t        task;
    ngx_intake_spool_write_t       call;

    int                            fd;         /* -1: none */
    off_t                          end;        /* of what is on the disk */
    ngx_intake_segment_t           segment;

    time_t                         failed;     /* when it last did, s */
    unsigned                       failing:1;  /* has been logged */
} ngx_intake_spool_writer_t;


/* of a record */

typedef enum {
    NGX_INTAKE_SPOOL_PENDING = 0,
    NGX_INTAKE_SPOOL_SENT,
    NGX_INTAKE_SPOOL_DONE,
    NGX_INTAKE_SPOOL_REFUSED,                  /* alone, of a .later */
    NGX_INTAKE_SPOOL_BAD,                      /* to be set aside for good */
    NGX_INTAKE_SPOOL_LATER                     /* to be set aside for now */
} ngx_intake_spool_state_e;


/* a source of which Redis takes nothing, as far as this worker has tried */

typedef struct {
    u_char                         name[NGX_INTAKE_DELIVERY_SOURCE];
    size_t                         len;
    ngx_msec_t                     since;
    ngx_uint_t                     logged;
} ngx_intake_spool_stuck_t;


typedef struct {
    ngx_intake_spool_task_t        task;
    ngx_intake_spool_read_t        call;

    int                            fd;         /* -1: none */
    off_t                          size;
    ngx_intake_segment_t           segment;

    u_char                        *window;
    size_t                         capacity;
    off_t                          base;       /* what it begins with */
    size_t                         len;
    off_t                          pos;        /* read so far */
    off_t                          gap;        /* where skipping began */

    ngx_intake_spool_record_t      records[NGX_INTAKE_SPOOL_RECORDS];
    ngx_uint_t                     nrecords;
    ngx_uint_t                     pending;    /* to be sent */
    ngx_uint_t                     in_flight;
    ngx_uint_t                     taken;      /* in this round, by Redis, or
                                                  refused alone */
    ngx_uint_t                     refused;    /* of the records */
    ngx_msec_t                     alone_since;
    ngx_uint_t                     failures;   /* of reading, in a row */
    ngx_uint_t                     no_memory;  /* the same, for a record */
    size_t                         name_len;   /* of the file, without the
                                                  ending */
    u_char                         fresh[NGX_INTAKE_SPOOL_NAME];

    ngx_intake_spool_stuck_t       stuck[NGX_INTAKE_SPOOL_SOURCES];
    ngx_uint_t                     nstuck;

    unsigned                       header_read:1;
    unsigned                       skipping:1;
    unsigned                       foreign:1;  /* what is skipped is no torn
                                                  tail */
    unsigned                       torn:1;
    unsigned                       damaged:1;
    unsigned                       finishing:1;
    unsigned                       later:1;    /* it is a .later */
    unsigned                       moved:1;    /* Redis took some of it */
    unsigned                       alone:1;    /* one record at a time */
    unsigned                       has_bad:1;  /* fresh.bad was made */
    unsigned                       has_later:1;  /* fresh.SOURCE.later was */
    unsigned                       failed:1;   /* has been logged */
} ngx_intake_spool_replay_t;


struct ngx_intake_spool_s {
    ngx_intake_spool_conf_t       *conf;
    ngx_intake_spool_shared_t     *shared;
    ngx_intake_spool_sender_pt     sender;
    ngx_intake_spool_ready_pt      ready;
    void                          *data;

    int                            dir;
    ngx_pool_t                    *pool;
    ngx_log_t                     *log;
    ngx_event_t                    tick;
    ngx_connection_t               dumb;       /* the log of timers wants it */

    ngx_intake_spool_writer_t      writer;
    ngx_intake_spool_replay_t      replay;

    unsigned                       full:1;     /* has been logged */
    unsigned                       unreadable:1;   /* the same */
};


/* ngx_intake_spool_task.c */

ngx_int_t ngx_intake_spool_task_init(ngx_intake_spool_t *spool,
    ngx_intake_spool_task_t *task);

/*
 * Runs task->work, then, never before return, task->handler.  NGX_ERROR: the
 * queue of the threads is full.
 */
ngx_int_t ngx_intake_spool_task_post(ngx_intake_spool_task_t *task);


/* ngx_intake_spool_disk.c: all that runs in threads */

void ngx_intake_spool_write_batch(void *data);
void ngx_intake_spool_read_segment(void *data);


/* ngx_intake_spool_directory.c */

/* counts what is there and puts shared right */
void ngx_intake_spool_count(ngx_intake_spool_t *spool);

/*
 * Opens and locks the oldest segment that nobody has, or a .later that is due;
 * its name goes into name.  Returns its descriptor, or -1.
 */
int ngx_intake_spool_adopt(ngx_intake_spool_t *spool, u_char *name,
    off_t *size);


/* ngx_intake_spool_append.c */

ngx_int_t ngx_intake_spool_writer_init(ngx_intake_spool_t *spool);
void ngx_intake_spool_writer_destroy(ngx_intake_spool_t *spool);

/* closes the segment that is written, so that it can be replayed */
void ngx_intake_spool_seal(ngx_intake_spool_t *spool);


/* ngx_intake_spool_replay.c */

ngx_int_t ngx_intake_spool_replay_init(ngx_intake_spool_t *spool);
void ngx_intake_spool_replay_destroy(ngx_intake_spool_t *spool);

/* begins with the oldest segment, or goes on where it had to wait */
void ngx_intake_spool_replay(ngx_intake_spool_t *spool);

/* Redis has answered for all of the records */
void ngx_intake_spool_go_on(ngx_intake_spool_t *spool);

/* a .later whose source still waits: others have their turn */
void ngx_intake_spool_put_back(ngx_intake_spool_t *spool);

/*
 * Closes the file that is replayed, so that another may go on with it; there
 * is one, and nothing of it is in flight or read.
 */
void ngx_intake_spool_release(ngx_intake_spool_t *spool);


/* ngx_intake_spool_round.c */

/* sends what is pending; when all was answered for, the replay goes on */
void ngx_intake_spool_send(ngx_intake_spool_t *spool);

/* Redis never takes the record, which was pending: it is set aside */
void ngx_intake_spool_set_bad(ngx_intake_spool_t *spool,
    ngx_intake_spool_record_t *record, const char *why);


/* ngx_intake_spool_aside.c */

/*
 * The next file of records that are to be set aside: call->niovs is 0 if there
 * are none, call->more tells whether there will be another.
 */
void ngx_intake_spool_collect(ngx_intake_spool_t *spool);

/* They are on the disk, or the call before that has failed. */
void ngx_intake_spool_collected(ngx_intake_spool_t *spool);

/*
 * A new name for what is set aside, which no other file has had.  NGX_ERROR:
 * there are no random numbers, which is logged.
 */
ngx_int_t ngx_intake_spool_name_fresh(ngx_intake_spool_t *spool);

/* Those of a .later that were refused alone: they are to be set aside. */
void ngx_intake_spool_refused(ngx_intake_spool_t *spool);

/* The record of size bytes at replay->pos, which does not fit into memory. */
void ngx_intake_spool_copy_aside(ngx_intake_spool_t *spool, size_t size);

/*
 * Redis took none of the source of the record, which is pending; if that lasts,
 * it is to be set aside, so that others need not wait.
 */
void ngx_intake_spool_stuck(ngx_intake_spool_t *spool,
    ngx_intake_spool_record_t *record);

/* It took one; source NULL: nothing is known of any source. */
void ngx_intake_spool_flows(ngx_intake_spool_t *spool, ngx_str_t *source);


/* ngx_intake_spool_window.c */

/* from the first window; NGX_ERROR: nothing of the file can be read */
ngx_int_t ngx_intake_spool_read_header(ngx_intake_spool_t *spool);

/*
 * Takes the next record of the window, or skips what is none.
 *
 *  NGX_DONE   the window has no more, or the file
 *  NGX_ERROR  no memory, for now
 *  NGX_ABORT  it is set aside because there never is any
 */
ngx_int_t ngx_intake_spool_parse_one(ngx_intake_spool_t *spool);

/* a new window, for which the file is read again from replay->pos on */
ngx_int_t ngx_intake_spool_grow(ngx_intake_spool_t *spool, size_t size);


#endif /* _NGX_INTAKE_SPOOL_INTERNAL_H_INCLUDED_ */
