
/*
 * Copyright (C) nginx-intake contributors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include "ngx_intake_redis_internal.h"


/* The addresses of a server: of its name, or the one that stands in its URL. */


static void ngx_intake_redis_resolve_handler(ngx_resolver_ctx_t *ctx);
static ngx_int_t ngx_intake_redis_copy_addrs(ngx_intake_redis_t *redis,
    ngx_resolver_ctx_t *ctx);
static void ngx_intake_redis_unresolved(ngx_intake_redis_t *redis,
    const char *reason);


void
ngx_intake_redis_resolve(ngx_intake_redis_t *redis)
{
    ngx_resolver_ctx_t  *ctx;

    ngx_intake_redis_set_state(redis, NGX_INTAKE_REDIS_RESOLVING);

    if (redis->conf->resolver == NULL) {
        ngx_intake_redis_unresolved(redis, "no resolver for the name");
        return;
    }

    ctx = ngx_resolve_start(redis->conf->resolver, NULL);

    if (ctx == NGX_NO_RESOLVER) {
        ngx_intake_redis_unresolved(redis, "no resolver for the name");
        return;
    }

    if (ctx == NULL) {
        ngx_intake_redis_unresolved(redis, "no memory");
        return;
    }

    ctx->name = redis->peers[redis->peer].name;
    ctx->handler = ngx_intake_redis_resolve_handler;
    ctx->data = redis;
    ctx->timeout = redis->conf->resolver_timeout;
    ctx->cancelable = 1;

    redis->resolve = ctx;

    if (ngx_resolve_name(ctx) != NGX_OK) {
        redis->resolve = NULL;
        ngx_intake_redis_unresolved(redis, "the name cannot be resolved");
    }
}


static void
ngx_intake_redis_resolve_handler(ngx_resolver_ctx_t *ctx)
{
    ngx_int_t            rc;
    ngx_intake_redis_t  *redis;

    redis = ctx->data;

    if (ctx->state) {
        ngx_log_error(NGX_LOG_INFO, &redis->log, 0,
                      "\"%V\" could not be resolved (%i: %s)", &ctx->name,
                      ctx->state, ngx_resolver_strerror(ctx->state));

        rc = NGX_DECLINED;

    } else {
        rc = ngx_intake_redis_copy_addrs(redis, ctx);
    }

    redis->resolve = NULL;
    ngx_resolve_name_done(ctx);

    switch (rc) {

    case NGX_OK:
        ngx_intake_redis_next(redis);
        return;

    case NGX_DECLINED:
        ngx_intake_redis_unresolved(redis, "the name cannot be resolved");
        return;

    default: /* NGX_ERROR */
        ngx_intake_redis_unresolved(redis, "no memory");
        return;
    }
}


static ngx_int_t
ngx_intake_redis_copy_addrs(ngx_intake_redis_t *redis,
    ngx_resolver_ctx_t *ctx)
{
    u_char                   *p;
    ngx_uint_t                i;
    ngx_pool_t               *pool;
    ngx_addr_t               *addrs;
    struct sockaddr          *sockaddr;
    ngx_intake_redis_peer_t  *peer;

    peer = &redis->peers[redis->peer];

    pool = ngx_create_pool(NGX_INTAKE_REDIS_POOL_SIZE, redis->cycle->log);
    if (pool == NULL) {
        return NGX_ERROR;
    }

    addrs = ngx_pcalloc(pool, ctx->naddrs * sizeof(ngx_addr_t));
    if (addrs == NULL) {
        goto failed;
    }

    for (i = 0; i < ctx->naddrs; i++) {

        sockaddr = ngx_palloc(pool, ctx->addrs[i].socklen);
        p = ngx_pnalloc(pool, NGX_SOCKADDR_STRLEN);

        if (sockaddr == NULL || p == NULL) {
            goto failed;
        }

        ngx_memcpy(sockaddr, ctx->addrs[i].sockaddr, ctx->addrs[i].socklen);
        ngx_inet_set_port(sockaddr, peer->conf->port);

        addrs[i].sockaddr = sockaddr;
        addrs[i].socklen = ctx->addrs[i].socklen;
        addrs[i].name.data = p;
        addrs[i].name.len = ngx_sock_ntop(sockaddr, addrs[i].socklen, p,
                                          NGX_SOCKADDR_STRLEN, 1);
    }

    if (peer->pool) {
        ngx_destroy_pool(peer->pool);
    }

    peer->pool = pool;
    peer->addrs = addrs;
    peer->naddrs = ctx->naddrs;

    return NGX_OK;

failed:

    ngx_destroy_pool(pool);

    return NGX_ERROR;
}


/* the addresses of the last time are better than none */

static void
ngx_intake_redis_unresolved(ngx_intake_redis_t *redis, const char *reason)
{
    if (redis->peers[redis->peer].naddrs) {
        ngx_intake_redis_next(redis);
        return;
    }

    ngx_intake_redis_close(redis, NGX_INTAKE_REDIS_CLOSE_FAILED, 0, reason);
}


ngx_int_t
ngx_intake_redis_set_address(ngx_intake_redis_t *redis, ngx_str_t *host,
    in_port_t port)
{
    ngx_int_t                 rc;
    ngx_addr_t               *addr;
    ngx_pool_t               *pool;
    ngx_intake_redis_peer_t  *peer;

    peer = &redis->peers[redis->peer];

    pool = ngx_create_pool(NGX_INTAKE_REDIS_POOL_SIZE, redis->cycle->log);
    if (pool == NULL) {
        return NGX_ERROR;
    }

    addr = ngx_palloc(pool, sizeof(ngx_addr_t));
    if (addr == NULL) {
        rc = NGX_ERROR;
        goto failed;
    }

    rc = ngx_parse_addr(pool, addr, host->data, host->len);
    if (rc != NGX_OK) {
        goto failed;
    }

    ngx_inet_set_port(addr->sockaddr, port);

    addr->name.data = ngx_pnalloc(pool, NGX_SOCKADDR_STRLEN);
    if (addr->name.data == NULL) {
        rc = NGX_ERROR;
        goto failed;
    }

    addr->name.len = ngx_sock_ntop(addr->sockaddr, addr->socklen,
                                   addr->name.data, NGX_SOCKADDR_STRLEN, 1);

    if (peer->pool) {
        ngx_destroy_pool(peer->pool);
    }

    peer->pool = pool;
    peer->addrs = addr;
    peer->naddrs = 1;

    return NGX_OK;

failed:

    ngx_destroy_pool(pool);

    return rc;
}
