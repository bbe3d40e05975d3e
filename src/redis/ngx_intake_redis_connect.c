
/*
 * Copyright (C) nginx-intake contributors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include <ngx_event_connect.h>
#include "ngx_intake_redis_internal.h"


/* bytes; as much as the kernel takes before it has sent what it has */
#define NGX_INTAKE_REDIS_UNSENT      (256 * 1024)


static ngx_intake_redis_connection_t *ngx_intake_redis_create_connection(
    ngx_intake_redis_t *redis);
#if (NGX_SSL)
static ngx_str_t *ngx_intake_redis_tls_name(ngx_intake_redis_t *redis);
static ngx_uint_t ngx_intake_redis_tls_address(ngx_str_t *name,
    u_char *address);
static ngx_int_t ngx_intake_redis_tls_sni(ngx_intake_redis_t *redis,
    ngx_connection_t *c);
static void ngx_intake_redis_tls_handler(ngx_connection_t *c);
static void ngx_intake_redis_tls_done(ngx_intake_redis_t *redis);
static ngx_int_t ngx_intake_redis_tls_check_name(ngx_intake_redis_t *redis,
    ngx_connection_t *c);
#endif


void
ngx_intake_redis_connect(ngx_intake_redis_t *redis)
{
    ngx_int_t                       rc;
    ngx_uint_t                      level;
    ngx_addr_t                     *addr;
    ngx_connection_t               *c;
    ngx_intake_redis_connection_t  *conn;

    ngx_intake_redis_set_state(redis, NGX_INTAKE_REDIS_CONNECTING);

    conn = ngx_intake_redis_create_connection(redis);
    if (conn == NULL) {
        ngx_intake_redis_close(redis, NGX_INTAKE_REDIS_CLOSE_FAILED, 0,
                               "no memory");
        return;
    }

    redis->connection = conn;

    addr = &redis->peers[redis->peer].addrs[redis->addr];

    conn->peer.sockaddr = addr->sockaddr;
    conn->peer.socklen = addr->socklen;
    conn->peer.name = &addr->name;
    conn->peer.get = ngx_event_get_peer;
    conn->peer.log = &conn->log;
    conn->peer.log_error = NGX_ERROR_INFO;
    conn->peer.so_keepalive = 1;

    /* a failed connect() is logged once a change of state, not every try */

    level = conn->log.log_level;
    conn->log.log_level = ngx_min(level, NGX_LOG_ALERT);

    ngx_set_socket_errno(0);

    rc = ngx_event_connect_peer(&conn->peer);

    conn->log.log_level = level;

    if (rc != NGX_OK && rc != NGX_AGAIN) {
        ngx_intake_redis_close(redis, NGX_INTAKE_REDIS_CLOSE_FAILED,
                               ngx_socket_errno, "connect() failed");
        return;
    }

    c = conn->peer.connection;

    c->data = redis;
    c->pool = conn->pool;
    conn->log.connection = c->number;

    c->read->handler = ngx_intake_redis_read_handler;
    c->write->handler = ngx_intake_redis_write_handler;

    c->read->cancelable = 1;

    ngx_add_timer(c->read, redis->conf->connect_timeout);

    if (rc == NGX_OK) {
        ngx_intake_redis_connected(redis);
    }
}


static ngx_intake_redis_connection_t *
ngx_intake_redis_create_connection(ngx_intake_redis_t *redis)
{
    ngx_pool_t                     *pool;
    ngx_intake_redis_connection_t  *conn;

    pool = ngx_create_pool(NGX_INTAKE_REDIS_POOL_SIZE, redis->cycle->log);
    if (pool == NULL) {
        return NULL;
    }

    conn = ngx_pcalloc(pool, sizeof(ngx_intake_redis_connection_t));
    if (conn == NULL) {
        ngx_destroy_pool(pool);
        return NULL;
    }

    conn->pool = pool;
    conn->log = redis->log;
    conn->reason = "the worker quits";
    conn->replicas = -1;

    ngx_queue_init(&conn->sent);
    ngx_queue_init(&conn->first);
    ngx_queue_init(&conn->held);

    return conn;
}


void
ngx_intake_redis_connected(ngx_intake_redis_t *redis)
{
    int                err;
    socklen_t          len;
    ngx_connection_t  *c;
#ifdef TCP_NOTSENT_LOWAT
    int                unsent;
#endif

    c = redis->connection->peer.connection;

#if (NGX_HAVE_KQUEUE)

    if (ngx_event_flags & NGX_USE_KQUEUE_EVENT) {
        err = c->write->pending_eof ? c->write->kq_errno
              : (c->read->pending_eof ? c->read->kq_errno : 0);
    } else
#endif
    {
        err = 0;
        len = sizeof(int);

        if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, (void *) &err, &len)
            == -1)
        {
            err = ngx_socket_errno;
        }
    }

    if (err) {
        ngx_intake_redis_close(redis, NGX_INTAKE_REDIS_CLOSE_FAILED, err,
                               "connect() failed");
        return;
    }

    /* does nothing on a unix socket; without it we are only slower */

    (void) ngx_tcp_nodelay(c);

#ifdef TCP_NOTSENT_LOWAT

    /* on a slow link what it has would look like what the server has */

    unsent = NGX_INTAKE_REDIS_UNSENT;

    (void) setsockopt(c->fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, (void *) &unsent,
                      sizeof(int));
#endif

    ngx_intake_redis_next(redis);
}


#if (NGX_SSL)

void
ngx_intake_redis_tls(ngx_intake_redis_t *redis)
{
    ngx_connection_t               *c;
    ngx_intake_redis_connection_t  *rc;

    rc = redis->connection;
    c = rc->peer.connection;

    ngx_intake_redis_set_state(redis, NGX_INTAKE_REDIS_TLS);

    /*
     * The details of a failed handshake are logged with the first one only.
     * With TLS 1.3 a server refuses our certificate when it is over.
     */

    if (redis->reported) {
        rc->log.log_level = ngx_min(rc->log.log_level, NGX_LOG_ALERT);
    }

    if (redis->conf->ssl == NULL
        || ngx_ssl_create_connection(redis->conf->ssl, c,
                                     NGX_SSL_BUFFER|NGX_SSL_CLIENT)
           != NGX_OK
        || ngx_intake_redis_tls_sni(redis, c) != NGX_OK)
    {
        ngx_intake_redis_close(redis, NGX_INTAKE_REDIS_CLOSE_FAILED, 0,
                               "TLS cannot be used");
        return;
    }

    c->sendfile = 0;

    ngx_add_timer(c->read, redis->conf->connect_timeout);

    if (ngx_ssl_handshake(c) == NGX_AGAIN) {
        c->ssl->handler = ngx_intake_redis_tls_handler;
        return;
    }

    ngx_intake_redis_tls_done(redis);
}


/* tls_name, else the host of the server */

static ngx_str_t *
ngx_intake_redis_tls_name(ngx_intake_redis_t *redis)
{
    return redis->conf->ssl_name.len ? &redis->conf->ssl_name
                                     : &redis->peers[redis->peer].conf->host;
}


/* the length of the address that name is, 0: it is a name */

static ngx_uint_t
ngx_intake_redis_tls_address(ngx_str_t *name, u_char *address)
{
    in_addr_t  addr;
#if (NGX_HAVE_INET6)
    ngx_str_t  inner;
#endif

    addr = ngx_inet_addr(name->data, name->len);

    if (addr != INADDR_NONE) {
        ngx_memcpy(address, &addr, 4);
        return 4;
    }

#if (NGX_HAVE_INET6)

    inner = *name;

    if (inner.len > 2 && inner.data[0] == '[') {
        inner.data++;
        inner.len -= 2;
    }

    if (ngx_inet6_addr(inner.data, inner.len, address) == NGX_OK) {
        return 16;
    }

#endif

    return 0;
}


static ngx_int_t
ngx_intake_redis_tls_sni(ngx_intake_redis_t *redis, ngx_connection_t *c)
{
    u_char     *name, address[16];
    ngx_str_t  *host;

    host = ngx_intake_redis_tls_name(redis);

    /* as per RFC 6066, literal addresses are not permitted */

    if (host->len == 0 || ngx_intake_redis_tls_address(host, address)) {
        return NGX_OK;
    }

    name = ngx_pnalloc(c->pool, host->len + 1);
    if (name == NULL) {
        return NGX_ERROR;
    }

    (void) ngx_cpystrn(name, host->data, host->len + 1);

    if (SSL_set_tlsext_host_name(c->ssl->connection, (char *) name) == 0) {
        ngx_ssl_error(NGX_LOG_ERR, c->log, 0,
                      "SSL_set_tlsext_host_name(\"%s\") failed", name);
        return NGX_ERROR;
    }

    return NGX_OK;
}


static void
ngx_intake_redis_tls_handler(ngx_connection_t *c)
{
    ngx_intake_redis_tls_done(c->data);
}


static void
ngx_intake_redis_tls_done(ngx_intake_redis_t *redis)
{
    long                            rc;
    ngx_str_t                       text;
    ngx_connection_t               *c;
    ngx_intake_redis_connection_t  *conn;

    conn = redis->connection;
    c = conn->peer.connection;

    if (!c->ssl->handshaked) {
        ngx_intake_redis_close(redis, NGX_INTAKE_REDIS_CLOSE_FAILED,
                               c->read->timedout ? NGX_ETIMEDOUT : 0,
                               "the TLS handshake failed");
        return;
    }

    if (redis->conf->ssl_verify) {

        rc = SSL_get_verify_result(c->ssl->connection);

        if (rc != X509_V_OK) {
            text.data = (u_char *) X509_verify_cert_error_string(rc);
            text.len = ngx_strlen(text.data);

            ngx_intake_redis_keep_text(conn, &text);
            ngx_intake_redis_close(redis, NGX_INTAKE_REDIS_CLOSE_FAULT, 0,
                                   "the certificate is not valid");
            return;
        }

        if (ngx_intake_redis_tls_check_name(redis, c) != NGX_OK) {
            ngx_intake_redis_keep_text(conn,
                                       ngx_intake_redis_tls_name(redis));
            ngx_intake_redis_close(redis, NGX_INTAKE_REDIS_CLOSE_FAULT, 0,
                                   "the certificate is of another name");
            return;
        }
    }

    ngx_intake_redis_next(redis);
}


static ngx_int_t
ngx_intake_redis_tls_check_name(ngx_intake_redis_t *redis,
    ngx_connection_t *c)
{
    int         rc;
    X509       *cert;
    u_char      address[16];
    size_t      len;
    ngx_str_t  *name;

    name = ngx_intake_redis_tls_name(redis);
    len = ngx_intake_redis_tls_address(name, address);

    if (len == 0) {
        return ngx_ssl_check_host(c, name);
    }

    cert = SSL_get_peer_certificate(c->ssl->connection);
    if (cert == NULL) {
        return NGX_ERROR;
    }

    rc = X509_check_ip(cert, address, len, 0);

    X509_free(cert);

    return (rc == 1) ? NGX_OK : NGX_ERROR;
}

#endif
