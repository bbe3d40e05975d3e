
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake.h"


/*
 * server of intake_redis { }: one server, the sentinels that know it, or some
 * nodes of a cluster.
 */


#define NGX_HTTP_INTAKE_REDIS_PORT     6379
#define NGX_HTTP_INTAKE_SENTINEL_PORT  26379


/* what a URL of several hosts begins with */

typedef struct {
    ngx_str_t                    name;
    ngx_intake_redis_topology_e  topology;
    in_port_t                    port;
    ngx_uint_t                   ssl;
} ngx_http_intake_scheme_t;


static const ngx_http_intake_scheme_t *ngx_http_intake_find_scheme(
    ngx_str_t *url);
static char *ngx_http_intake_add_server(ngx_conf_t *cf, ngx_str_t *url,
    ngx_intake_redis_conf_t *redis);
static char *ngx_http_intake_add_hosts(ngx_conf_t *cf, ngx_str_t *url,
    size_t skip, const ngx_http_intake_scheme_t *scheme,
    ngx_intake_redis_conf_t *redis);
static char *ngx_http_intake_parse_server(ngx_conf_t *cf, ngx_url_t *u,
    ngx_str_t *url, ngx_intake_redis_server_t *server);


static const ngx_http_intake_scheme_t  ngx_http_intake_schemes[] = {

    { ngx_string("sentinel://"), NGX_INTAKE_REDIS_SENTINELS,
      NGX_HTTP_INTAKE_SENTINEL_PORT, 0 },

    { ngx_string("rediss+sentinel://"), NGX_INTAKE_REDIS_SENTINELS,
      NGX_HTTP_INTAKE_SENTINEL_PORT, 1 },

    { ngx_string("cluster://"), NGX_INTAKE_REDIS_CLUSTER,
      NGX_HTTP_INTAKE_REDIS_PORT, 0 },

    { ngx_string("rediss+cluster://"), NGX_INTAKE_REDIS_CLUSTER,
      NGX_HTTP_INTAKE_REDIS_PORT, 1 },

    { ngx_null_string, NGX_INTAKE_REDIS_SERVERS, 0, 0 }
};


char *
ngx_http_intake_add_servers(ngx_conf_t *cf, ngx_str_t *url,
    ngx_intake_redis_conf_t *redis)
{
    u_char                          *p, *last;
    size_t                           skip;
    const ngx_http_intake_scheme_t  *scheme;

    last = url->data + url->len;
    scheme = ngx_http_intake_find_scheme(url);
    skip = scheme->name.len;

    if (scheme->topology == NGX_INTAKE_REDIS_SENTINELS) {

        p = ngx_strlchr(url->data + skip, last, '@');

        if (p == NULL || p == url->data + skip) {
            return "must be sentinel://NAME@HOST[:PORT],...: NAME is that "
                   "of the master at its sentinels";
        }

        redis->master.data = url->data + skip;
        redis->master.len = p - redis->master.data;
        skip = p + 1 - url->data;
    }

    if (redis->servers.nelts
        && (scheme->topology || redis->topology != scheme->topology))
    {
        return "cannot stand beside another one: sentinel:// and cluster:// "
               "take several hosts, with commas";
    }

    if (redis->servers.elts == NULL
        && ngx_array_init(&redis->servers, cf->pool, 2,
                          sizeof(ngx_intake_redis_server_t))
           != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    redis->topology = scheme->topology;

    if (scheme->topology == NGX_INTAKE_REDIS_SERVERS) {
        return ngx_http_intake_add_server(cf, url, redis);
    }

    redis->url = *url;

    return ngx_http_intake_add_hosts(cf, url, skip, scheme, redis);
}


/* the last one, if it is none of them */

static const ngx_http_intake_scheme_t *
ngx_http_intake_find_scheme(ngx_str_t *url)
{
    const ngx_http_intake_scheme_t  *scheme;

    for (scheme = ngx_http_intake_schemes; scheme->name.len; scheme++) {

        if (url->len >= scheme->name.len
            && ngx_strncmp(url->data, scheme->name.data, scheme->name.len)
               == 0)
        {
            break;
        }
    }

    return scheme;
}


static char *
ngx_http_intake_add_server(ngx_conf_t *cf, ngx_str_t *url,
    ngx_intake_redis_conf_t *redis)
{
    size_t                      skip;
    ngx_url_t                   u;
    ngx_uint_t                  ssl;
    ngx_intake_redis_server_t  *server;

    ngx_memzero(&u, sizeof(ngx_url_t));

    ssl = 0;
    skip = 0;

    if (ngx_strncmp(url->data, "redis://", 8) == 0) {
        skip = 8;

    } else if (ngx_strncmp(url->data, "rediss://", 9) == 0) {
        skip = 9;
        ssl = 1;

    } else if (ngx_strncmp(url->data, "unix:", 5) != 0) {
        return "must be redis://HOST[:PORT], rediss://HOST[:PORT], "
               "unix:/PATH, [rediss+]sentinel://NAME@HOST[:PORT],... or "
               "[rediss+]cluster://HOST[:PORT],...";
    }

    u.url.data = url->data + skip;
    u.url.len = url->len - skip;
    u.default_port = NGX_HTTP_INTAKE_REDIS_PORT;

    if (ngx_strlchr(u.url.data, u.url.data + u.url.len, '@')) {
        return "must not hold credentials: write \"user\" and \"password\" "
               "of their own";
    }

    if (skip && ngx_strlchr(u.url.data, u.url.data + u.url.len, '/')) {
        return "must end after the port: write \"database\" of its own";
    }

    server = ngx_array_push(&redis->servers);
    if (server == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_memzero(server, sizeof(ngx_intake_redis_server_t));

    server->url = *url;
    server->ssl = ssl;
    server->unix_socket = (skip == 0);

    return ngx_http_intake_parse_server(cf, &u, url, server);
}


/* HOST[:PORT],... */

static char *
ngx_http_intake_add_hosts(ngx_conf_t *cf, ngx_str_t *url, size_t skip,
    const ngx_http_intake_scheme_t *scheme, ngx_intake_redis_conf_t *redis)
{
    char                       *rv;
    u_char                     *p, *end, *last;
    ngx_url_t                   u;
    ngx_intake_redis_server_t  *server;

    p = url->data + skip;
    last = url->data + url->len;

    for ( ;; ) {

        end = ngx_strlchr(p, last, ',');
        if (end == NULL) {
            end = last;
        }

        if (ngx_strlchr(p, end, '@') || ngx_strlchr(p, end, '/')) {
            return "takes hosts with ports and commas after its \"//\" and "
                   "nothing else: write \"user\" and \"password\" of their "
                   "own";
        }

        ngx_memzero(&u, sizeof(ngx_url_t));

        u.url.data = p;
        u.url.len = end - p;
        u.default_port = scheme->port;

        server = ngx_array_push(&redis->servers);
        if (server == NULL) {
            return NGX_CONF_ERROR;
        }

        ngx_memzero(server, sizeof(ngx_intake_redis_server_t));

        server->url = u.url;
        server->ssl = scheme->ssl;

        rv = ngx_http_intake_parse_server(cf, &u, url, server);

        if (rv != NGX_CONF_OK || end == last) {
            return rv;
        }

        p = end + 1;
    }
}


static char *
ngx_http_intake_parse_server(ngx_conf_t *cf, ngx_url_t *u, ngx_str_t *url,
    ngx_intake_redis_server_t *server)
{
    u->no_resolve = 1;

    if (ngx_parse_url(cf->pool, u) != NGX_OK) {
        if (u->err) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "%s in \"server %V\" of intake_redis",
                               u->err, url);
        }

        return NGX_CONF_ERROR;
    }

    server->host = server->unix_socket ? u->url : u->host;
    server->port = server->unix_socket ? 0 : u->port;
    server->addrs = u->addrs;
    server->naddrs = u->naddrs;

    return NGX_CONF_OK;
}
