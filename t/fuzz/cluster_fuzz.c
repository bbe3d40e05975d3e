/* sources: src/redis/ngx_intake_redis_cluster.c t/fuzz/nginx.c */
/* sources: src/redis/ngx_intake_redis_node.c */
/* sources: src/redis/ngx_intake_redis_resp.c */
/* libs: -lhiredis */

/*
 * Copyright (C) nginx-intake contributors
 */


#include "nginx.h"
#include "ngx_intake_redis_topology.h"


/*
 * The input is what a node answers to CLUSTER SLOTS, one time after another.
 * Each slot belongs to the node that the last good range with it names, as long
 * as there is room for nodes; of an answer that is no map nothing is taken.
 */


typedef struct {
    ngx_str_t    host;
    in_port_t    port;
} fuzz_owner_t;


static fuzz_owner_t                 fuzz_owners[NGX_INTAKE_REDIS_SLOTS];
static ngx_uint_t                   fuzz_known;

static ngx_intake_redis_t           fuzz_seeds;
static ngx_intake_redis_peer_t      fuzz_peer;
static ngx_intake_redis_server_t    fuzz_server;

/* what the question for the map was sent with */
static ngx_intake_redis_handler_pt  fuzz_handler;

ngx_rbtree_t                        ngx_event_timer_rbtree;
volatile ngx_msec_t                 ngx_current_msec;
ngx_uint_t                          ngx_exiting;


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


void
ngx_rbtree_insert(ngx_rbtree_t *tree, ngx_rbtree_node_t *node)
{
    /* void */
}


void
ngx_rbtree_delete(ngx_rbtree_t *tree, ngx_rbtree_node_t *node)
{
    /* void */
}


void *
ngx_calloc(size_t size, ngx_log_t *log)
{
    return calloc(1, size);
}


u_char *
ngx_snprintf(u_char *buf, size_t max, const char *fmt, ...)
{
    va_list     args;
    ngx_str_t  *host;

    check(strcmp(fmt, "%V:%ui") == 0);

    va_start(args, fmt);
    host = va_arg(args, ngx_str_t *);
    check(host->len + sizeof(":65535") <= max);
    buf = ngx_sprintf(buf, fmt, host, va_arg(args, ngx_uint_t));
    va_end(args);

    return buf;
}


ngx_intake_redis_t *
ngx_intake_redis_create_client(ngx_cycle_t *cycle,
    ngx_intake_redis_conf_t *conf, ngx_intake_redis_kind_e kind)
{
    check(kind == NGX_INTAKE_REDIS_KIND_SEED);

    return &fuzz_seeds;
}


void
ngx_intake_redis_destroy(ngx_intake_redis_t *redis)
{
    check(redis == &fuzz_seeds);
}


ngx_intake_redis_op_t *
ngx_intake_redis_op_create(ngx_uint_t nargs, size_t bytes, ngx_log_t *log)
{
    static ngx_intake_redis_op_t  op;

    return &op;
}


void
ngx_intake_redis_op_arg(ngx_intake_redis_op_t *op, u_char *data, size_t len)
{
    /* void */
}


ngx_int_t
ngx_intake_redis_send(ngx_intake_redis_t *redis, ngx_intake_redis_op_t *op,
    ngx_msec_t timeout, ngx_uint_t repeatable,
    ngx_intake_redis_handler_pt handler, void *data)
{
    fuzz_handler = handler;

    return NGX_OK;
}


/* nothing waits for the map, and no node is talked to */

void
ngx_intake_redis_reroute(ngx_intake_redis_t *redis)
{
    fuzz_known = 1;
}


void
ngx_intake_redis_op_free(ngx_intake_redis_op_t *op)
{
    abort();
}


void
ngx_intake_redis_op_finish(ngx_intake_redis_t *redis,
    ngx_intake_redis_op_t *op, ngx_intake_redis_result_e result,
    ngx_intake_redis_reply_t *reply)
{
    abort();
}


void
ngx_intake_redis_close(ngx_intake_redis_t *redis,
    ngx_intake_redis_close_e why, ngx_err_t err, const char *reason)
{
    abort();
}


ngx_int_t
ngx_intake_redis_set_address(ngx_intake_redis_t *redis, ngx_str_t *host,
    in_port_t port)
{
    abort();
}


/* what an element has to be, and where */

static ngx_uint_t
fuzz_element(ngx_intake_redis_reply_t *array, ngx_uint_t i,
    ngx_intake_redis_reply_t *element)
{
    if (array->type != NGX_INTAKE_REDIS_ARRAY || i >= array->nelts) {
        return 0;
    }

    *element = ngx_intake_redis_element(array, i);

    return 1;
}


static void
fuzz_plain_range(ngx_intake_redis_reply_t *range)
{
    int64_t                    slot;
    fuzz_owner_t               owner;
    ngx_intake_redis_reply_t   first, last, node, host, port;

    if (!fuzz_element(range, 0, &first) || !fuzz_element(range, 1, &last)
        || !fuzz_element(range, 2, &node) || !fuzz_element(&node, 0, &host)
        || !fuzz_element(&node, 1, &port)
        || first.integer < 0 || last.integer > 16383
        || port.integer < 1 || port.integer > 65535)
    {
        return;
    }

    owner.host = host.str.len ? host.str : fuzz_server.host;
    owner.port = port.integer;

    if (owner.host.len > 255
        || (owner.host.len == 1 && owner.host.data[0] == '?'))
    {
        return;
    }

    for (slot = first.integer; slot <= last.integer; slot++) {
        fuzz_owners[slot] = owner;
    }
}


static void
fuzz_compare(ngx_intake_redis_t *redis, ngx_intake_redis_reply_t *reply)
{
    ngx_uint_t                   i, n, nodes;
    fuzz_owner_t                *owner;
    ngx_intake_redis_node_t     *node;
    ngx_intake_redis_reply_t     range;
    ngx_intake_redis_cluster_t  *cluster;

    cluster = redis->cluster;

    check(fuzz_known == (reply->type == NGX_INTAKE_REDIS_ARRAY
                         && reply->nelts > 0));

    if (!fuzz_known) {
        return;
    }

    memset(fuzz_owners, 0, sizeof(fuzz_owners));

    for (i = 0; fuzz_element(reply, i, &range); i++) {
        fuzz_plain_range(&range);
    }

    for (i = 0, nodes = 0; i < NGX_INTAKE_REDIS_MAX_NODES; i++) {
        nodes += (cluster->nodes[i] != NULL);
    }

    for (i = 0; i < NGX_INTAKE_REDIS_SLOTS; i++) {
        owner = &fuzz_owners[i];
        n = cluster->owner[i];

        if (n == 0) {
            check(owner->port == 0 || nodes == NGX_INTAKE_REDIS_MAX_NODES);
            continue;
        }

        node = cluster->nodes[n - 1];
        check(node && node->slots);

        if (nodes < NGX_INTAKE_REDIS_MAX_NODES) {
            check(node->server.port == owner->port);
            check(node->server.host.len == owner->host.len
                  && memcmp(node->server.host.data, owner->host.data,
                            owner->host.len)
                     == 0);
        }
    }
}


static void
fuzz_replies(ngx_intake_redis_t *redis, const uint8_t *data, size_t size)
{
    void                       *reader, *memory;
    ngx_int_t                   rc;
    ngx_intake_redis_reply_t    reply;

    reader = ngx_intake_redis_reader_create();
    check(reader != NULL);
    check(ngx_intake_redis_reader_feed(reader, (u_char *) data, size)
          == NGX_OK);

    for ( ;; ) {

        /* as when the timer fires: asks, and forgets nodes without slots */

        redis->cluster->timer.timer_set = 0;
        redis->cluster->timer.handler(&redis->cluster->timer);

        rc = ngx_intake_redis_reader_next(reader, &reply, &memory);

        if (rc != NGX_OK && rc != NGX_DECLINED) {
            break;
        }

        fuzz_known = 0;

        fuzz_handler(redis, (rc == NGX_OK) ? NGX_INTAKE_REDIS_OK
                                           : NGX_INTAKE_REDIS_REFUSED, &reply);

        if (rc == NGX_OK) {
            fuzz_compare(redis, &reply);
        }

        ngx_intake_redis_reader_release(memory);
    }

    ngx_intake_redis_reader_free(reader);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ngx_intake_redis_t       redis;
    ngx_intake_redis_conf_t  conf;

    if (size == 0) {
        return 0;
    }

    memset(&redis, 0, sizeof(redis));
    memset(&conf, 0, sizeof(conf));
    memset(&fuzz_seeds, 0, sizeof(fuzz_seeds));

    ngx_str_set(&fuzz_server.host, "seed.test");
    fuzz_peer.conf = &fuzz_server;
    fuzz_seeds.peers = &fuzz_peer;
    fuzz_seeds.npeers = 1;

    conf.servers.elts = &fuzz_server;
    conf.servers.nelts = 1;

    redis.conf = &conf;
    ngx_queue_init(&redis.waiting);

    check(ngx_intake_redis_create_cluster(&redis) == NGX_OK);

    fuzz_replies(&redis, data, size);

    ngx_intake_redis_destroy_cluster(&redis);
    fuzz_free();

    return 0;
}
