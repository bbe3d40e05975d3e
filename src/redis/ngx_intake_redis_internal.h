
/*
 * Copyright (C) nginx-intake contributors
 */


#ifndef _NGX_INTAKE_REDIS_INTERNAL_H_INCLUDED_
#define _NGX_INTAKE_REDIS_INTERNAL_H_INCLUDED_


/*
 * What the files of the client share:
 *
 *   ngx_intake_redis.c             the client: send, deadlines
 *   ngx_intake_redis_retry.c       when to connect, the choice of the server
 *   ngx_intake_redis_op.c          an operation: bytes, outcome, resending
 *   ngx_intake_redis_connection.c  the states
 *   ngx_intake_redis_close.c       the end of a connection, what is logged
 *   ngx_intake_redis_io.c          reading and writing
 *   ngx_intake_redis_resolve.c     the addresses of a server
 *   ngx_intake_redis_connect.c     the socket, TLS
 *   ngx_intake_redis_hello.c       what is asked on connect and every 15 s
 *   ngx_intake_redis_info.c        what the answers say of the server
 *   ngx_intake_redis_durability.c  what is waited for before an answer counts
 *   ngx_intake_redis_resp.c        the protocol
 *   ngx_intake_redis_error.c       error replies
 *   ngx_intake_redis_script.c      calls of scripts
 *
 * Those of Sentinel and Cluster are in ngx_intake_redis_topology.h.
 */


#include "ngx_intake_redis.h"
#include "ngx_intake_redis_resp.h"
#include "ngx_intake_redis_error.h"


/* a connection that broke sooner, in ms, counts as a failed try */
#define NGX_INTAKE_REDIS_STEADY         1000

#define NGX_INTAKE_REDIS_POOL_SIZE      1024
#define NGX_INTAKE_REDIS_BUFFER_SIZE    16384


/* kinds of durability, each with a command that waits for it */
#define NGX_INTAKE_REDIS_FSYNC          1
#define NGX_INTAKE_REDIS_REPLICAS       2


/* why a connection ends; it decides what is logged and what comes next */

typedef enum {
    NGX_INTAKE_REDIS_CLOSE_NONE = 0,
    NGX_INTAKE_REDIS_CLOSE_FAILED,     /* no use: the next address or server,
                                          back off after the last one */
    NGX_INTAKE_REDIS_CLOSE_FAULT,      /* the same; only an operator helps */
    NGX_INTAKE_REDIS_CLOSE_LOST,       /* it broke: once more */
    NGX_INTAKE_REDIS_CLOSE_CLEAN,      /* nothing was due: once more */
    NGX_INTAKE_REDIS_CLOSE_DEMOTED,    /* no master now: the next server */
    NGX_INTAKE_REDIS_CLOSE_NEXT,       /* all is well, but the next server is
                                          wanted */
    NGX_INTAKE_REDIS_CLOSE_QUIT,       /* the worker leaves, nothing is due */
    NGX_INTAKE_REDIS_CLOSE_SHUTDOWN,   /* worker_shutdown_timeout has passed */
    NGX_INTAKE_REDIS_CLOSE_DESTROY     /* no handler is called any more */
} ngx_intake_redis_close_e;


/* what was logged at "error" since Redis last did what it was told */

#define NGX_INTAKE_REDIS_REPORTED_AWAY    1
#define NGX_INTAKE_REDIS_REPORTED_FAULT   2


#define NGX_INTAKE_REDIS_HELLO_STEPS     12

typedef struct ngx_intake_redis_step_s      ngx_intake_redis_step_t;
typedef struct ngx_intake_redis_sentinel_s  ngx_intake_redis_sentinel_t;
typedef struct ngx_intake_redis_cluster_s   ngx_intake_redis_cluster_t;


/* whom a client talks to */

typedef enum {
    NGX_INTAKE_REDIS_KIND_SERVER = 0,
    NGX_INTAKE_REDIS_KIND_SENTINEL,        /* it is asked for the master */
    NGX_INTAKE_REDIS_KIND_SEED,            /* it is asked for the slots */
    NGX_INTAKE_REDIS_KIND_NODE             /* of a cluster */
} ngx_intake_redis_kind_e;


/* a configured server as this worker sees it */

typedef struct {
    ngx_intake_redis_server_t      *conf;
    ngx_str_t                       name;      /* the resolver writes to it */

    ngx_pool_t                     *pool;      /* of resolved addresses */
    ngx_addr_t                     *addrs;
    ngx_uint_t                      naddrs;
} ngx_intake_redis_peer_t;


/*
 * One connection.  It lives in a pool of its own from CONNECTING until
 * ngx_intake_redis_close(), which alone ends it.  An operation in sent[] is
 * never unlinked before its reply: replies are matched by position only.
 */

typedef struct {
    ngx_peer_connection_t           peer;
    ngx_pool_t                     *pool;
    ngx_log_t                       log;

    void                           *reader;
    u_char                         *buffer;

    ngx_queue_t                     sent;      /* written, the last one maybe
                                                  in part; replies are due */
    ngx_queue_t                     first;     /* go before those waiting */
    ngx_queue_t                     held;      /* answered; of a durable
                                                  client, until the server
                                                  says how durable it is */
    ngx_uint_t                      round;     /* that many answers are due */

    const ngx_intake_redis_step_t  *steps[NGX_INTAKE_REDIS_HELLO_STEPS];
    ngx_uint_t                      nsteps;    /* 0: nothing was asked */
    ngx_uint_t                      step;      /* of the next reply */
    ngx_int_t                       replicas;  /* that ROLE named last; -1:
                                                  it was not answered */
    int64_t                         asked;     /* us, monotonic */

    ngx_msec_t                      ready;     /* since when READY */

    /* DRAINING: why, and what to log then */
    ngx_intake_redis_close_e        leaving;   /* 0: also what waits is sent */
    const char                     *reason;

    ngx_str_t                       text;      /* the server's last error */
    u_char                          text_buf[128];

    unsigned                        due:1;     /* the read timer runs */
} ngx_intake_redis_connection_t;


/*
 * The client.  An operation that was accepted is in exactly one of waiting,
 * connection->first, connection->sent and connection->held, and, until its
 * handler was called, in deadlines.
 */

struct ngx_intake_redis_s {
    ngx_cycle_t                    *cycle;
    ngx_intake_redis_conf_t        *conf;
    ngx_pool_t                     *pool;

    /* event ident must be after 3 pointers as in ngx_connection_t */
    ngx_socket_t                    fd;

    ngx_intake_redis_info_t         info;
    ngx_intake_redis_info_pt        info_handler;
    void                           *data;

    ngx_intake_redis_peer_t        *peers;
    ngx_uint_t                      npeers;
    ngx_uint_t                      peer;      /* the current one */
    ngx_uint_t                      addr;      /* its current address */
    ngx_uint_t                      left;      /* peers until back-off */

    ngx_intake_redis_connection_t  *connection;  /* NULL: DOWN, RESOLVING */
    ngx_resolver_ctx_t             *resolve;

    ngx_queue_t                     waiting;   /* never written as yet, or to
                                                  be written again */
    ngx_queue_t                     deadlines; /* the earliest first */
    size_t                          bytes;     /* of all operations */

    ngx_event_t                     deadline;  /* of the first of deadlines;
                                                  the only timer that is not
                                                  cancelable */
    ngx_event_t                     retry;     /* posted: connect; its timer
                                                  runs: back-off */
    ngx_event_t                     ping;

    ngx_msec_t                      backoff;   /* the last one, 0: none yet */
    ngx_msec_t                      begun;     /* the tries of all servers;
                                                  0: none is under way */
    ngx_msec_t                      tried;     /* when the last ones failed */
    ngx_uint_t                      avoided;   /* operations do not wait for
                                                  the next ones */
    ngx_uint_t                      reported;
    ngx_uint_t                      refused;   /* operations since then */
    ngx_uint_t                      warned;    /* durability last warned of */

    ngx_intake_redis_kind_e         kind;
    ngx_intake_redis_sentinel_t    *sentinel;  /* NULL: not needed */
    ngx_intake_redis_cluster_t     *cluster;   /* NULL: a client of its own */
    ngx_intake_redis_t             *router;    /* of a NODE: who has cluster */

    ngx_uint_t                      durable;   /* unsigned flag */
    ngx_uint_t                      lacking;   /* kinds that were reported */

    void                           *memory;    /* of the reply being read */

    ngx_log_t                       log;
};


/*
 * An operation: this and its bytes are one block of memory.  It belongs to
 * the caller until it is sent, then to the client.
 */

struct ngx_intake_redis_op_s {
    ngx_queue_t                     queue;
    ngx_queue_t                     deadlines;
    ngx_msec_t                      deadline;

    ngx_buf_t                       buf;       /* the command */
    ngx_chain_t                     out;
    size_t                          size;      /* accounted for */

    ngx_uint_t                      nargs;     /* still to be appended */
    size_t                          room;      /* for their bytes */

    ngx_intake_redis_script_t      *script;
    ngx_uint_t                      nkeys;
    ngx_uint_t                      neval;     /* keys and arguments */
    u_char                         *args;      /* the first of them */
    u_char                         *eval;      /* the EVAL, allocated */

    ngx_intake_redis_handler_pt     handler;   /* NULL: forgotten */
    void                           *data;

    ngx_intake_redis_durability_t   durability;
    ngx_intake_redis_reply_t        reply;     /* while it is held */
    void                           *memory;    /* of reply */

    ngx_uint_t                      slot;      /* in a cluster */
    ngx_uint_t                      hops;      /* from node to node */
    ngx_uint_t                      breaks;    /* when a part of it had been
                                                  written, or, if it is
                                                  patient, all */
    ngx_uint_t                      cuts;      /* of these, by the server when
                                                  this was what it had to read
                                                  or to answer */
    u_char                         *asked;     /* with ASKING, allocated */

    ngx_uint_t                      wait;      /* a control that asks for this
                                                  kind of durability */

    unsigned                        control:1; /* our own questions */
    unsigned                        bad:1;     /* wrong count of arguments */
    unsigned                        repeatable:1;
    unsigned                        patient:1; /* nobody waits for it */
    unsigned                        repeated:1;    /* after a break */
    unsigned                        redirected:1;  /* after READONLY */
    unsigned                        asking:1;  /* ASKING goes before it */
    unsigned                        skipped:1; /* the reply to that came */
    unsigned                        sent:1;    /* it is in sent[] */
    unsigned                        maybe:1;   /* may have been executed */
    unsigned                        told:1;    /* handler was called */
};


/* ngx_intake_redis.c */

/* A client that tells nobody of its info.  NULL: no memory. */
ngx_intake_redis_t *ngx_intake_redis_create_client(ngx_cycle_t *cycle,
    ngx_intake_redis_conf_t *conf, ngx_intake_redis_kind_e kind);

/* op, whose deadline is set, waits for its turn. */
void ngx_intake_redis_accept(ngx_intake_redis_t *redis,
    ngx_intake_redis_op_t *op);

/* A part of op has been written: if it is patient its time begins anew. */
void ngx_intake_redis_extend(ngx_intake_redis_t *redis,
    ngx_intake_redis_op_t *op);

/*
 * How long, in ms, the server may be silent when it has op, or NULL, to answer:
 * a second for each megabyte of what may still be on its way.
 */
ngx_msec_t ngx_intake_redis_patience(ngx_intake_redis_t *redis,
    ngx_intake_redis_op_t *op);

/* Makes the deadline timer fit the first deadline. */
void ngx_intake_redis_set_timer(ngx_intake_redis_t *redis);

/* Tells the owner of the client that its info has changed. */
void ngx_intake_redis_changed(ngx_intake_redis_t *redis);


/* ngx_intake_redis_retry.c */

void ngx_intake_redis_retry_handler(ngx_event_t *ev);

/*
 * DOWN, and an operation waits: the next try is at once, in back-off a short
 * time after the last one.
 */
void ngx_intake_redis_hurry(ngx_intake_redis_t *redis);

/* Whatever ended the connection: what to do next. */
void ngx_intake_redis_again(ngx_intake_redis_t *redis,
    ngx_intake_redis_close_e why, ngx_uint_t steady);

/* Keeps what is known of the server true, and finds a dead connection. */
void ngx_intake_redis_ping_handler(ngx_event_t *ev);

/* Sets the timer after which the server is asked again what it is. */
void ngx_intake_redis_set_ping(ngx_intake_redis_t *redis);


/* ngx_intake_redis_op.c */

/* As if it had never been sent. */
void ngx_intake_redis_op_rewind(ngx_intake_redis_op_t *op);

/* size bytes to be written at op->buf.last.  NULL: no memory. */
ngx_intake_redis_op_t *ngx_intake_redis_op_alloc(size_t size, ngx_log_t *log);

/* The end of an operation: unlinks it, calls its handler, frees it. */
void ngx_intake_redis_op_finish(ngx_intake_redis_t *redis,
    ngx_intake_redis_op_t *op, ngx_intake_redis_result_e result,
    ngx_intake_redis_reply_t *reply);

/* Its time is over; if it was sent, it keeps its place. */
void ngx_intake_redis_op_expire(ngx_intake_redis_t *redis,
    ngx_intake_redis_op_t *op);

/* The first of sent[] was answered; rc is that of the reader. */
void ngx_intake_redis_op_reply(ngx_intake_redis_t *redis,
    ngx_intake_redis_op_t *op, ngx_int_t rc, ngx_intake_redis_reply_t *reply);

/*
 * The connection is going, cut: the server has ended it.  Puts before those
 * waiting what may be sent again, and into told what has to be told the
 * outcome.  Adds up those that were sent as a whole: repeated will be sent
 * once more, unknown will not.
 */
void ngx_intake_redis_op_requeue(ngx_intake_redis_t *redis,
    ngx_uint_t repeat, ngx_uint_t cut, ngx_queue_t *told,
    ngx_uint_t *repeated, ngx_uint_t *unknown);


/* ngx_intake_redis_durability.c */

/* Whether the server, as far as is known, gives what op asks for. */
ngx_uint_t ngx_intake_redis_gives(ngx_intake_redis_t *redis,
    ngx_intake_redis_op_t *op);

/*
 * Before a write: all that waits goes, and behind it what asks how durable it
 * is, unless answers to that are due.  NGX_ERROR: no memory.
 */
ngx_int_t ngx_intake_redis_begin_round(ngx_intake_redis_t *redis);

/* Keeps an answered operation with its reply until that is known. */
void ngx_intake_redis_hold(ngx_intake_redis_t *redis,
    ngx_intake_redis_op_t *op, ngx_intake_redis_reply_t *reply);

/* The answer to op, which asked how durable those held are; frees op. */
void ngx_intake_redis_wait_reply(ngx_intake_redis_t *redis,
    ngx_intake_redis_op_t *op, ngx_int_t rc, ngx_intake_redis_reply_t *reply);

/* Ends those that wait for what the server does not give. */
void ngx_intake_redis_refuse_weak(ngx_intake_redis_t *redis);

/* The questions of ngx_intake_redis_hello.c about it, and their answers. */
ngx_uint_t ngx_intake_redis_set_waitaof(ngx_intake_redis_t *redis,
    ngx_str_t *args, u_char *buf);
ngx_uint_t ngx_intake_redis_set_wait(ngx_intake_redis_t *redis,
    ngx_str_t *args, u_char *buf);
ngx_int_t ngx_intake_redis_reply_waitaof(ngx_intake_redis_t *redis,
    ngx_intake_redis_reply_t *reply, const ngx_intake_redis_error_t *row);
ngx_int_t ngx_intake_redis_reply_wait(ngx_intake_redis_t *redis,
    ngx_intake_redis_reply_t *reply, const ngx_intake_redis_error_t *row);


/* ngx_intake_redis_connection.c */

/* From the current state to the one that follows when all is well. */
void ngx_intake_redis_next(ngx_intake_redis_t *redis);

void ngx_intake_redis_set_state(ngx_intake_redis_t *redis,
    ngx_intake_redis_state_e state);

/* Lets the replies arrive that are due, then closes; nothing more is sent. */
void ngx_intake_redis_leave(ngx_intake_redis_t *redis,
    ngx_intake_redis_close_e why, const char *reason, ngx_str_t *text);

void ngx_intake_redis_read_handler(ngx_event_t *rev);
void ngx_intake_redis_write_handler(ngx_event_t *wev);


/* ngx_intake_redis_close.c */

/* The one function that ends a connection or the try to get one. */
void ngx_intake_redis_close(ngx_intake_redis_t *redis,
    ngx_intake_redis_close_e why, ngx_err_t err, const char *reason);

/* Keeps the text of an error reply for the log line of the close. */
void ngx_intake_redis_keep_text(ngx_intake_redis_connection_t *rc,
    ngx_str_t *text);

/* What was reported is over: an operation was done, or no break came. */
void ngx_intake_redis_report_well(ngx_intake_redis_t *redis);


/* ngx_intake_redis_io.c */

/* Both may close the connection. */
void ngx_intake_redis_receive(ngx_intake_redis_t *redis);
void ngx_intake_redis_flush(ngx_intake_redis_t *redis);

/* The write handler runs later in this turn of the event loop. */
void ngx_intake_redis_post_write(ngx_intake_redis_t *redis);

/* Whether anything is to be written to the connection or to be answered. */
ngx_uint_t ngx_intake_redis_due(ngx_intake_redis_t *redis);

/* After reading or writing: closes what has to end and has nothing due. */
void ngx_intake_redis_settle(ngx_intake_redis_t *redis);


/* ngx_intake_redis_resolve.c */

/* Looks for the addresses of the current peer, then connects. */
void ngx_intake_redis_resolve(ngx_intake_redis_t *redis);

/*
 * The current peer has the address host and no other.  NGX_DECLINED: host is
 * a name; NGX_ERROR: no memory.
 */
ngx_int_t ngx_intake_redis_set_address(ngx_intake_redis_t *redis,
    ngx_str_t *host, in_port_t port);


/* ngx_intake_redis_connect.c */

void ngx_intake_redis_connect(ngx_intake_redis_t *redis);
void ngx_intake_redis_connected(ngx_intake_redis_t *redis);
#if (NGX_SSL)
void ngx_intake_redis_tls(ngx_intake_redis_t *redis);
#endif


/* ngx_intake_redis_hello.c */

/*
 * Puts the questions of a new connection, or those that are asked again while
 * READY, into connection->first.  NGX_ERROR: no memory.
 */
ngx_int_t ngx_intake_redis_hello(ngx_intake_redis_t *redis,
    ngx_uint_t periodic);

/* They are being written now. */
void ngx_intake_redis_hello_sent(ngx_intake_redis_t *redis);

/*
 * The next answer to them.
 *
 *  NGX_AGAIN   more are due
 *  NGX_OK      it was the last one
 *  NGX_ERROR   the connection is of no use and was closed
 */
ngx_int_t ngx_intake_redis_hello_reply(ngx_intake_redis_t *redis,
    ngx_int_t rc, ngx_intake_redis_reply_t *reply);


/*
 * The connection is of no use: closes it.  row is that of the error reply it
 * was learnt from, if any.  Always NGX_ERROR.
 */
ngx_int_t ngx_intake_redis_hello_failed(ngx_intake_redis_t *redis,
    const ngx_intake_redis_error_t *row, ngx_intake_redis_close_e why,
    const char *reason);


/* ngx_intake_redis_info.c */

/*
 * What the answer to one question says goes into redis->info; row is NULL or
 * that of an error reply.  NGX_ERROR: the connection was closed.
 */
ngx_int_t ngx_intake_redis_reply_time(ngx_intake_redis_t *redis,
    ngx_intake_redis_reply_t *reply, const ngx_intake_redis_error_t *row);
ngx_int_t ngx_intake_redis_reply_persistence(ngx_intake_redis_t *redis,
    ngx_intake_redis_reply_t *reply, const ngx_intake_redis_error_t *row);
ngx_int_t ngx_intake_redis_reply_memory(ngx_intake_redis_t *redis,
    ngx_intake_redis_reply_t *reply, const ngx_intake_redis_error_t *row);
ngx_int_t ngx_intake_redis_reply_server(ngx_intake_redis_t *redis,
    ngx_intake_redis_reply_t *reply, const ngx_intake_redis_error_t *row);
ngx_int_t ngx_intake_redis_reply_appendfsync(ngx_intake_redis_t *redis,
    ngx_intake_redis_reply_t *reply, const ngx_intake_redis_error_t *row);

/* Warns of a server that may lose data, once for each new state of it. */
void ngx_intake_redis_warn(ngx_intake_redis_t *redis);

/* A clock that only goes forward, in us. */
int64_t ngx_intake_redis_monotonic(void);


#endif /* _NGX_INTAKE_REDIS_INTERNAL_H_INCLUDED_ */
