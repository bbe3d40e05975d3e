
/*
 * Copyright (C) nginx-intake contributors
 */


#ifndef _NGX_INTAKE_REDIS_H_INCLUDED_
#define _NGX_INTAKE_REDIS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include <ngx_event_connect.h>


/*
 * The Redis client: one pipelined connection per worker to the server whose
 * ROLE is master.  Nothing here knows a request: whoever sends an operation
 * gets its handler called exactly once, never before ngx_intake_redis_send()
 * has returned, unless the operation was forgotten before.
 */


typedef struct ngx_intake_redis_s      ngx_intake_redis_t;
typedef struct ngx_intake_redis_op_s   ngx_intake_redis_op_t;


typedef struct {
    ngx_str_t                  url;        /* as configured, no password */
    ngx_str_t                  host;       /* a name, an address or a path */
    in_port_t                  port;       /* 0 for a unix socket */

    ngx_addr_t                *addrs;      /* resolved at configuration */
    ngx_uint_t                 naddrs;     /* 0: resolve while running */

    unsigned                   ssl:1;
    unsigned                   unix_socket:1;
} ngx_intake_redis_server_t;


/* what is true of an operation before its handler hears NGX_INTAKE_REDIS_OK */

typedef struct {
    ngx_uint_t                 replicas;   /* so many have it; 0: not asked */
    unsigned                   fsync:1;    /* it is on the server's disk */
    unsigned                   set:1;      /* the directive was given */
} ngx_intake_redis_durability_t;


typedef enum {
    NGX_INTAKE_REDIS_SERVERS = 0,          /* replicas of one another */
    NGX_INTAKE_REDIS_SENTINELS,            /* that name the server */
    NGX_INTAKE_REDIS_CLUSTER               /* some nodes of it */
} ngx_intake_redis_topology_e;


/* what intake_redis {} says; read only after the configuration is read */

typedef struct {
    ngx_array_t                servers;    /* ngx_intake_redis_server_t */
    ngx_intake_redis_topology_e  topology; /* what they are */
    ngx_str_t                  url;        /* of a topology, as configured */
    ngx_str_t                  master;     /* its name at the sentinels */
    ngx_str_t                  sentinel_password;

    ngx_str_t                  user;
    ngx_str_t                  password;
    ngx_str_t                  prefix;     /* default "intake:" */

    ngx_int_t                  database;
    ngx_msec_t                 timeout;            /* ms, of an operation */
    ngx_msec_t                 connect_timeout;    /* ms */
    ngx_uint_t                 max_in_flight;      /* operations a worker */
    size_t                     max_bytes;          /* of these */
    ngx_msec_t                 max_clock_skew;     /* ms; 0: off */

    ngx_intake_redis_durability_t  durability;     /* default of sources */
    ngx_intake_redis_durability_t  asked;          /* by all sources: the most
                                                      that is needed */

    ngx_resolver_t            *resolver;           /* nginx's, or NULL: a
                                                      server without addrs
                                                      cannot be used */
    ngx_msec_t                 resolver_timeout;   /* ms */

    ngx_str_t                  ssl_name;           /* "": the host */
    ngx_uint_t                 ssl_verify;         /* unsigned flag */
#if (NGX_SSL)
    ngx_ssl_t                 *ssl;                /* set if a server has */
#endif
} ngx_intake_redis_conf_t;


typedef enum {
    NGX_INTAKE_REDIS_DOWN = 0,             /* no connection */
    NGX_INTAKE_REDIS_RESOLVING,
    NGX_INTAKE_REDIS_CONNECTING,
    NGX_INTAKE_REDIS_TLS,
    NGX_INTAKE_REDIS_HELLO,                /* AUTH, SELECT, ROLE, ... */
    NGX_INTAKE_REDIS_READY,
    NGX_INTAKE_REDIS_DRAINING              /* told to quit, replies due */
} ngx_intake_redis_state_e;


typedef enum {
    NGX_INTAKE_REDIS_OK = 0,     /* a reply that is no error */
    NGX_INTAKE_REDIS_ERROR,      /* an error reply, nothing was written; the
                                    fault is in the data or configuration */
    NGX_INTAKE_REDIS_REFUSED,    /* not executed: the server was away or
                                    refuses writes for now */
    NGX_INTAKE_REDIS_UNKNOWN,    /* sent, no reply in time: it may have been
                                    executed */
    NGX_INTAKE_REDIS_WEAK        /* the server does not give the durability
                                    asked for; it may have been executed */
} ngx_intake_redis_result_e;


typedef enum {
    NGX_INTAKE_REDIS_NIL = 0,
    NGX_INTAKE_REDIS_STRING,               /* bulk, status or error text */
    NGX_INTAKE_REDIS_INTEGER,
    NGX_INTAKE_REDIS_ARRAY
} ngx_intake_redis_type_e;


/* a view of a reply, valid only while the handler runs */

typedef struct ngx_intake_redis_reply_s  ngx_intake_redis_reply_t;

struct ngx_intake_redis_reply_s {
    ngx_intake_redis_type_e    type;
    int64_t                    integer;
    ngx_str_t                  str;
    ngx_uint_t                 nelts;
    void                      *elts;       /* ngx_intake_redis_element() */
};


/*
 * The outcome of an operation.  reply is set for OK and for ERROR or REFUSED
 * that came from the server (its text in reply->str), else NULL.
 */

typedef void (*ngx_intake_redis_handler_pt)(void *data,
    ngx_intake_redis_result_e result, ngx_intake_redis_reply_t *reply);


/* what a worker can tell of its connection; for the status endpoint */

typedef struct {
    ngx_intake_redis_state_e   state;
    ngx_uint_t                 in_flight;      /* sent or waiting */
    ngx_atomic_uint_t          connects;       /* since the worker started */
    int64_t                    round_trip;     /* us, last TIME; -1 unknown */
    int64_t                    clock_skew;     /* us, ours minus Redis's */
    unsigned                   skew_known:1;
    signed                     appendonly:2;   /* 1, 0, -1 unknown */
    signed                     evicting:2;     /* maxmemory-policy is not
                                                  noeviction; -1 unknown */
    signed                     fsync:2;        /* of a durable client: WAITAOF
                                                  does; 1, 0, -1 unknown */
    ngx_int_t                  replicas;       /* of a durable client: that
                                                  WAIT counts; -1 unknown */
    u_char                     appendfsync[16];      /* "" unknown */
    u_char                     maxmemory_policy[32]; /* "" unknown */
    u_char                     version[32];          /* "" unknown */
} ngx_intake_redis_info_t;


typedef void (*ngx_intake_redis_info_pt)(void *data,
    ngx_intake_redis_info_t *info);


/*
 * Creates the client of this worker and starts to connect at once.  It lives
 * until ngx_intake_redis_destroy(); conf must outlive it.  info_handler, if
 * not NULL, is called whenever something in ngx_intake_redis_info_t may have
 * changed, never before create has returned and at most a few times in a turn
 * of the event loop.  durable: its operations may ask for durability, which
 * makes all that is sent later wait.  NULL: no memory.
 */
ngx_intake_redis_t *ngx_intake_redis_create(ngx_cycle_t *cycle,
    ngx_intake_redis_conf_t *conf, ngx_uint_t durable,
    ngx_intake_redis_info_pt info_handler, void *data);

/* Closes the connection, frees every operation (handlers are not called). */
void ngx_intake_redis_destroy(ngx_intake_redis_t *redis);

/*
 * A new operation of nargs arguments that are bytes long together.  The
 * arguments are then appended with ngx_intake_redis_op_arg(), exactly nargs
 * of them and no more than bytes.  NULL: no memory.  The operation belongs to
 * the caller until it is sent; an unsent one is freed with
 * ngx_intake_redis_op_free().
 */
ngx_intake_redis_op_t *ngx_intake_redis_op_create(ngx_uint_t nargs,
    size_t bytes, ngx_log_t *log);
void ngx_intake_redis_op_arg(ngx_intake_redis_op_t *op, u_char *data,
    size_t len);
void ngx_intake_redis_op_free(ngx_intake_redis_op_t *op);

/*
 * An EVALSHA of script instead of a plain command: the first three arguments
 * (EVALSHA, the digest, the number of keys) are written by the client; on
 * NOSCRIPT it resends just this one as EVAL.  nargs and bytes are those of
 * the keys and arguments that the caller appends.  script must stay.
 */

typedef struct {
    ngx_str_t                  text;
    u_char                     sha1[40];   /* lower-case hex */
} ngx_intake_redis_script_t;

ngx_intake_redis_op_t *ngx_intake_redis_op_script(
    ngx_intake_redis_script_t *script, ngx_uint_t nkeys, ngx_uint_t nargs,
    size_t bytes, ngx_log_t *log);

/*
 * Before op is sent to a durable client: what has to be true before its handler
 * hears OK.  All that leaves in one write shares one WAIT or WAITAOF.
 */
void ngx_intake_redis_op_durability(ngx_intake_redis_op_t *op,
    ngx_intake_redis_durability_t *durability);

/*
 * Before op is sent: nobody waits for it, and to repeat it does no harm.  It
 * has the time that a silent connection has, which begins anew whenever a part
 * of it was written, and is sent again after more than one break.
 */
void ngx_intake_redis_op_patient(ngx_intake_redis_op_t *op);

/*
 * Queues op; all that is queued in one turn of the event loop leaves in one
 * write.  timeout (ms) is the time until the handler hears UNKNOWN or
 * REFUSED, 0 for the configured one; that of a patient operation is its own.
 * repeatable: it may be sent again, once, when the connection broke before the
 * reply.
 *
 *  NGX_OK        queued: handler will be called, later, once; op is the
 *                client's from now on
 *  NGX_BUSY      a limit is reached  } op stays the caller's,
 *  NGX_DECLINED  Redis is away       } handler will not be called
 *  NGX_ABORT     it does not give    }
 *                the durability      }
 *  NGX_ERROR     wrong arguments     }
 */
ngx_int_t ngx_intake_redis_send(ngx_intake_redis_t *redis,
    ngx_intake_redis_op_t *op, ngx_msec_t timeout, ngx_uint_t repeatable,
    ngx_intake_redis_handler_pt handler, void *data);

/*
 * Whether an operation would have to wait for Redis although the last try to
 * reach it has failed: whoever has another place for what it would store need
 * not wait.  To ask makes the next try come sooner, as to send does.
 */
ngx_uint_t ngx_intake_redis_away(ngx_intake_redis_t *redis);

/*
 * Whether it is worth while to send what nobody waits for: there is a
 * connection, or, in a cluster, one to some of its nodes.
 */
ngx_uint_t ngx_intake_redis_reachable(ngx_intake_redis_t *redis);

/* Whether one server may be away while others are not. */
ngx_uint_t ngx_intake_redis_is_cluster(ngx_intake_redis_t *redis);

/*
 * The handler of a sent operation will not be called; the operation is still
 * executed.  Legal at any time between a successful send and the return of
 * the handler.
 */
void ngx_intake_redis_forget(ngx_intake_redis_op_t *op);

/*
 * For a handler: the operation, or a command inside its script, failed with
 * error.  A server that turns out to be no master any more is left if there is
 * another to try.
 *
 *  NGX_OK        the server is being left, which the client logs itself
 *  NGX_DECLINED  it is not: nobody but the caller will speak of this error
 */
ngx_int_t ngx_intake_redis_told(ngx_intake_redis_t *redis, ngx_str_t *error);

/*
 * For a handler that hears UNKNOWN or REFUSED without a reply: whether the
 * server, which was there before and after, has ended the connection each time
 * when it had to read or to answer op, until op was not sent again.
 */
ngx_uint_t ngx_intake_redis_is_cut(ngx_intake_redis_op_t *op);

/* The i-th element of an array reply; i < reply->nelts. */
ngx_intake_redis_reply_t ngx_intake_redis_element(
    ngx_intake_redis_reply_t *reply, ngx_uint_t i);

ngx_intake_redis_info_t *ngx_intake_redis_info(ngx_intake_redis_t *redis);


#endif /* _NGX_INTAKE_REDIS_H_INCLUDED_ */
