
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake.h"


/*
 * The addresses of Redis's servers.  With a "resolver" names are looked up
 * while running; without one, when the configuration is read, as nginx does
 * it.  A name that nobody knows yet must not keep nginx from starting: it is
 * asked for while running, of the name servers of this machine.
 */


#define NGX_HTTP_INTAKE_RESOLV_CONF       "/etc/resolv.conf"
#define NGX_HTTP_INTAKE_MAX_NAMESERVERS   3
#define NGX_HTTP_INTAKE_RESOLVER_TIMEOUT  30000    /* ms, as nginx's */


static ngx_uint_t ngx_http_intake_resolve_now(ngx_conf_t *cf,
    ngx_http_intake_main_conf_t *imcf);
static ngx_resolver_t *ngx_http_intake_system_resolver(ngx_conf_t *cf);
static ngx_uint_t ngx_http_intake_read_nameservers(ngx_conf_t *cf,
    ngx_str_t *names);
static ngx_uint_t ngx_http_intake_nameserver(ngx_conf_t *cf, u_char *p,
    u_char *last, ngx_str_t *name);


char *
ngx_http_intake_resolve_servers(ngx_conf_t *cf,
    ngx_http_intake_main_conf_t *imcf)
{
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    imcf->redis.resolver_timeout = NGX_HTTP_INTAKE_RESOLVER_TIMEOUT;

    /* a resolver without a connection is nginx's dummy */

    if (clcf->resolver && clcf->resolver->connections.nelts) {
        imcf->redis.resolver = clcf->resolver;

        if (clcf->resolver_timeout != NGX_CONF_UNSET_MSEC) {
            imcf->redis.resolver_timeout = clcf->resolver_timeout;
        }

        return NGX_CONF_OK;
    }

    if (ngx_http_intake_resolve_now(cf, imcf)) {
        imcf->redis.resolver = ngx_http_intake_system_resolver(cf);
    }

    return NGX_CONF_OK;
}


/* returns how many names are not known */

static ngx_uint_t
ngx_http_intake_resolve_now(ngx_conf_t *cf, ngx_http_intake_main_conf_t *imcf)
{
    ngx_url_t                   u;
    ngx_uint_t                  i, unknown;
    ngx_intake_redis_server_t  *server;

    unknown = 0;
    server = imcf->redis.servers.elts;

    for (i = 0; i < imcf->redis.servers.nelts; i++) {

        if (server[i].naddrs) {
            continue;
        }

        ngx_memzero(&u, sizeof(ngx_url_t));

        u.url = server[i].host;
        u.default_port = server[i].port;

        if (ngx_parse_url(cf->pool, &u) != NGX_OK) {
            ngx_http_intake_conf_log(cf, NGX_LOG_WARN, &imcf->redis_position,
                                     "%s \"%V\" of intake_redis, it will be "
                                     "tried again",
                                     u.err ? u.err : "cannot resolve",
                                     &server[i].host);
            unknown++;
            continue;
        }

        server[i].addrs = u.addrs;
        server[i].naddrs = u.naddrs;
    }

    return unknown;
}


/* NULL: there is no name server to ask */

static ngx_resolver_t *
ngx_http_intake_system_resolver(ngx_conf_t *cf)
{
    ngx_str_t   names[NGX_HTTP_INTAKE_MAX_NAMESERVERS];
    ngx_uint_t  n;

    n = ngx_http_intake_read_nameservers(cf, names);

    return n ? ngx_resolver_create(cf, names, n) : NULL;
}


static ngx_uint_t
ngx_http_intake_read_nameservers(ngx_conf_t *cf, ngx_str_t *names)
{
    u_char      *p, *last, *eol, buf[4096];
    ssize_t      size;
    ngx_fd_t     fd;
    ngx_uint_t   n;

    fd = ngx_open_file(NGX_HTTP_INTAKE_RESOLV_CONF, NGX_FILE_RDONLY,
                       NGX_FILE_OPEN, 0);
    if (fd == NGX_INVALID_FILE) {
        return 0;
    }

    size = ngx_read_fd(fd, buf, sizeof(buf));

    if (ngx_close_file(fd) == NGX_FILE_ERROR) {
        ngx_log_error(NGX_LOG_ALERT, cf->log, ngx_errno,
                      ngx_close_file_n " \"%s\" failed",
                      NGX_HTTP_INTAKE_RESOLV_CONF);
    }

    n = 0;
    p = buf;
    last = buf + ngx_max(size, 0);

    while (p < last && n < NGX_HTTP_INTAKE_MAX_NAMESERVERS) {

        eol = ngx_strlchr(p, last, LF);
        if (eol == NULL) {
            eol = last;
        }

        n += ngx_http_intake_nameserver(cf, p, eol, &names[n]);
        p = eol + 1;
    }

    return n;
}


/* 1 if the line is "nameserver ADDRESS": resolv.conf(5) */

static ngx_uint_t
ngx_http_intake_nameserver(ngx_conf_t *cf, u_char *p, u_char *last,
    ngx_str_t *name)
{
    u_char    *start;
    ngx_url_t  u;

    if (last - p < 11 || ngx_strncmp(p, "nameserver", 10) != 0
        || (p[10] != ' ' && p[10] != '\t'))
    {
        return 0;
    }

    for (p += 10; p < last && (*p == ' ' || *p == '\t'); p++) { /* void */ }

    for (start = p; p < last && *p > ' '; p++) { /* void */ }

    name->data = ngx_pnalloc(cf->pool, p - start + 2);
    if (name->data == NULL || p == start) {
        return 0;
    }

    /* an IPv6 address needs brackets */

    if (ngx_strlchr(start, p, ':')) {
        name->len = ngx_sprintf(name->data, "[%*s]", p - start, start)
                    - name->data;

    } else {
        name->len = ngx_cpymem(name->data, start, p - start) - name->data;
    }

    /* one that nginx would refuse, such as fe80::1%eth0, is passed over */

    ngx_memzero(&u, sizeof(ngx_url_t));

    u.url = *name;
    u.default_port = 53;
    u.no_resolve = 1;

    return ngx_parse_url(cf->pool, &u) == NGX_OK && u.naddrs;
}
