
/*
 * Copyright (C) nginx-intake contributors
 */


#ifndef _NGX_HTTP_INTAKE_COUNTERS_H_INCLUDED_
#define _NGX_HTTP_INTAKE_COUNTERS_H_INCLUDED_


#include "ngx_http_intake_board.h"


/*
 * The shared memory zone "intake".  It holds integers only, is changed with
 * atomic operations and has no locks and no pointers, so that a worker that
 * dies leaves nothing behind that another would wait for or follow.
 *
 * The master alone gives slots to sources, while it reads a configuration.  A
 * source is found by the hash of its name, so a reload with other sources
 * keeps the counters of those that stay.  The slot of a source that vanished
 * is kept too, in case it comes back, until no slot is free; then the slots
 * that neither the running nor the new configuration uses are given away.
 * There are twice as many slots as sources, so both always fit and a reload
 * that fails costs the running configuration nothing.
 *
 * A worker of an older configuration may still count into a slot that has
 * been given away: everyone compares the hash first.
 */


#define NGX_HTTP_INTAKE_SLOTS    (2 * NGX_HTTP_INTAKE_MAX_SOURCES)
#define NGX_HTTP_INTAKE_WORKERS  256


/* the histogram of the store's duration; the last bucket is +Inf */

#define NGX_HTTP_INTAKE_BUCKETS  15


/*
 * where the counters of a source lie in its slot, and the time, in s since
 * 1970, at which this node last swept its clocks
 */

#define NGX_HTTP_INTAKE_N_REQUESTS   0
#define NGX_HTTP_INTAKE_N_REJECTED                                            \
    (NGX_HTTP_INTAKE_N_REQUESTS + NGX_HTTP_INTAKE_OUTCOMES)
#define NGX_HTTP_INTAKE_N_SPAM                                                \
    (NGX_HTTP_INTAKE_N_REJECTED + NGX_HTTP_INTAKE_CODES)
#define NGX_HTTP_INTAKE_N_MESSAGES                                            \
    (NGX_HTTP_INTAKE_N_SPAM + NGX_HTTP_INTAKE_SPAM_REASONS)
#define NGX_HTTP_INTAKE_N_ANOMALIES                                           \
    (NGX_HTTP_INTAKE_N_MESSAGES + NGX_HTTP_INTAKE_DIRECTIONS)
#define NGX_HTTP_INTAKE_N_BODY_BYTES                                          \
    (NGX_HTTP_INTAKE_N_ANOMALIES + NGX_HTTP_INTAKE_ANOMALIES)
#define NGX_HTTP_INTAKE_N_STORE_BUCKETS                                       \
    (NGX_HTTP_INTAKE_N_BODY_BYTES + 1)
#define NGX_HTTP_INTAKE_N_STORE_US                                            \
    (NGX_HTTP_INTAKE_N_STORE_BUCKETS + NGX_HTTP_INTAKE_BUCKETS)
#define NGX_HTTP_INTAKE_N_SWEPT      (NGX_HTTP_INTAKE_N_STORE_US + 1)
#define NGX_HTTP_INTAKE_COUNTERS     (NGX_HTTP_INTAKE_N_SWEPT + 1)


typedef struct {
    volatile uint64_t               hash;       /* of the name; 0: free */

    /* together with the hash whole cache lines: 64 bytes, 8 words */
    ngx_atomic_t                    n[ngx_align(NGX_HTTP_INTAKE_COUNTERS + 1,
                                                8) - 1];
} ngx_http_intake_slot_t;


/*
 * What a worker last told of its Redis connection.  It belongs to the newest
 * worker of its index: that of the highest generation (each configuration
 * that is read has one), and of those the last one that wrote here.
 */

typedef struct {
    ngx_atomic_t                    generation; /* 0: never used */
    ngx_atomic_t                    pid;

    ngx_atomic_t                    state;      /* ngx_intake_redis_state_e */
    ngx_atomic_t                    in_flight;
    ngx_atomic_t                    round_trip; /* us, signed; -1 unknown */
    ngx_atomic_t                    clock_skew; /* us, signed */
    ngx_atomic_t                    skew_known;
    ngx_atomic_t                    version;    /* 7.0.15 is 0x07000f */
    ngx_atomic_t                    appendonly; /* 1, 0, signed -1 unknown */
    ngx_atomic_t                    evicting;   /* the same */
    ngx_atomic_t                    appendfsync;    /* index of the name */
    ngx_atomic_t                    maxmemory_policy;   /* the same */
    ngx_atomic_t                    fsync;      /* 1, 0, signed -1 unknown */
    ngx_atomic_t                    replicas;   /* signed; -1 unknown */

    /* whole cache lines: each worker writes to its own only */
    ngx_atomic_t                    unused[2];
} ngx_http_intake_worker_t;


/* see http/proofs */

#define NGX_HTTP_INTAKE_PROOFS  1024

typedef struct {
    ngx_atomic_t                    proof;      /* of a digest; 0: free */
    ngx_atomic_t                    time;       /* s since 1970 */
} ngx_http_intake_proof_t;


typedef struct {
    ngx_http_intake_slot_t          slots[NGX_HTTP_INTAKE_SLOTS];
    ngx_http_intake_worker_t        workers[NGX_HTTP_INTAKE_WORKERS];
    ngx_http_intake_proof_t         proofs[NGX_HTTP_INTAKE_PROOFS];

    ngx_atomic_t                    started;    /* s since 1970 */
    ngx_atomic_t                    generation;
    ngx_atomic_t                    connects;   /* of all workers so far */

    ngx_intake_spool_shared_t       spool;      /* zeros, if there is none */
} ngx_http_intake_shared_t;


/* a source's way to its slot; in the memory of the process */

struct ngx_http_intake_counters_s {
    ngx_http_intake_slot_t         *slot;
    uint64_t                        hash;
};


/* the zone's data: of one configuration, in the memory of the process */

typedef struct {
    ngx_http_intake_main_conf_t    *imcf;
    ngx_http_intake_shared_t       *shared;
    ngx_uint_t                      generation;
} ngx_http_intake_zone_t;


/* a private copy of everything, for the status writers */

typedef struct {
    ngx_str_t                       name;
    ngx_http_intake_source_t       *source;
    ngx_atomic_uint_t               n[NGX_HTTP_INTAKE_COUNTERS];
    ngx_http_intake_panel_t        *panel;      /* NULL: not asked for, or
                                                   too old to be shown */
    int64_t                         fetched;    /* ms since 1970, of the panel
                                                   even if it is too old;
                                                   0: never */

    ngx_intake_redis_durability_t   durability; /* what a 2xx promises */
    ngx_int_t                       in_force;   /* 1, 0, -1 unknown */

    unsigned                        up:1;       /* the last reading of the
                                                   panel has succeeded */
} ngx_http_intake_source_status_t;


typedef struct {
    ngx_uint_t                      index;
    ngx_pid_t                       pid;
    ngx_intake_redis_state_e        state;
    ngx_uint_t                      in_flight;
    ngx_int_t                       round_trip; /* us; -1 unknown */
    ngx_int_t                       clock_skew; /* us */
    ngx_uint_t                      version;    /* 0 unknown */
    ngx_int_t                       appendonly; /* 1, 0, -1 unknown */
    ngx_int_t                       evicting;   /* the same */
    ngx_uint_t                      appendfsync;        /* 0 unknown */
    ngx_uint_t                      maxmemory_policy;   /* the same */
    ngx_int_t                       fsync;      /* 1, 0, -1 unknown */
    ngx_int_t                       replicas;   /* -1 unknown */
    unsigned                        skew_known:1;
} ngx_http_intake_worker_status_t;


typedef struct {
    time_t                          now;        /* s since 1970 */
    ngx_msec_t                      now_msec;   /* of that second */
    time_t                          started;    /* s since 1970 */

    ngx_atomic_uint_t               connects;
    ngx_uint_t                      nready;     /* workers that are READY */

    ngx_intake_spool_shared_t      *spool;      /* NULL: there is none */
    ngx_uint_t                      spool_takes;    /* unsigned flag */

    /*
     * The node as one: the best state, the sum in flight, the slowest round
     * trip, the skew furthest from 0, the worst durability that some worker
     * knows of.  Facts that no worker knows are unknown.
     */
    ngx_http_intake_worker_status_t  node;

    ngx_http_intake_worker_status_t *workers;   /* the living */
    ngx_uint_t                      nworkers;

    ngx_http_intake_source_status_t *sources;
    ngx_uint_t                      nsources;

    /* of the panels: the oldest of them, and the sum of their revisions */
    int64_t                         fetched;    /* ms since 1970; 0: one has
                                                   never been read */
    int64_t                         revision;

    unsigned                        stale:1;    /* not all panels are there
                                                   and up to date */
    unsigned                        node_only:1;    /* scope=node */
    unsigned                        global_only:1;  /* scope=global */
    unsigned                        one:1;      /* source=: the others are
                                                   left out */
} ngx_http_intake_status_t;


/* a family of a source's counters, as the writers name it */

typedef struct {
    ngx_str_t                       key;        /* in JSON */
    ngx_str_t                       name;       /* of the metric, without
                                                   _total */
    ngx_str_t                       unit;       /* "" none */
    ngx_str_t                       help;
    ngx_str_t                       label;      /* "" none: one counter */
    ngx_uint_t                      offset;     /* NGX_HTTP_INTAKE_N_... */
    ngx_uint_t                      first;      /* of the values */
    ngx_uint_t                      n;          /* of the values */
    ngx_str_t                    *(*value)(ngx_uint_t i);
} ngx_http_intake_family_t;

extern ngx_http_intake_family_t  ngx_http_intake_families[];  /* ends with a
                                                                 null key */


typedef struct {
    ngx_atomic_uint_t               us;         /* at most */
    ngx_str_t                       le;         /* in seconds */
} ngx_http_intake_bucket_t;

extern ngx_http_intake_bucket_t  ngx_http_intake_buckets[
                                                     NGX_HTTP_INTAKE_BUCKETS];

extern ngx_str_t  ngx_http_intake_appendfsync[];
extern ngx_str_t  ngx_http_intake_maxmemory_policies[];


#endif /* _NGX_HTTP_INTAKE_COUNTERS_H_INCLUDED_ */
