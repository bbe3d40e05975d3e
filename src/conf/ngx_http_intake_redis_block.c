
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake.h"


/* intake_redis { }: the server that keeps the streams */


typedef struct {
    ngx_intake_redis_conf_t     *redis;

    ngx_str_t                    tls_ca;
    ngx_str_t                    tls_certificate;
    ngx_str_t                    tls_certificate_key;
    ngx_flag_t                   tls_verify;
} ngx_http_intake_redis_block_t;


static char *ngx_http_intake_redis_server(ngx_conf_t *cf,
    ngx_http_intake_directive_t *d, void *conf);
static char *ngx_http_intake_redis_user(ngx_conf_t *cf,
    ngx_http_intake_directive_t *d, void *conf);
static char *ngx_http_intake_redis_password(ngx_conf_t *cf,
    ngx_http_intake_directive_t *d, void *conf);
static char *ngx_http_intake_redis_number(ngx_conf_t *cf,
    ngx_http_intake_directive_t *d, void *conf);
static char *ngx_http_intake_redis_prefix(ngx_conf_t *cf,
    ngx_http_intake_directive_t *d, void *conf);
static char *ngx_http_intake_redis_timeout(ngx_conf_t *cf,
    ngx_http_intake_directive_t *d, void *conf);
static char *ngx_http_intake_redis_skew(ngx_conf_t *cf,
    ngx_http_intake_directive_t *d, void *conf);
static char *ngx_http_intake_redis_durability(ngx_conf_t *cf,
    ngx_http_intake_directive_t *d, void *conf);
static char *ngx_http_intake_redis_tls_file(ngx_conf_t *cf,
    ngx_http_intake_directive_t *d, void *conf);
static char *ngx_http_intake_redis_tls_name(ngx_conf_t *cf,
    ngx_http_intake_directive_t *d, void *conf);
static char *ngx_http_intake_redis_tls_verify(ngx_conf_t *cf,
    ngx_http_intake_directive_t *d, void *conf);
static char *ngx_http_intake_redis_tls(ngx_conf_t *cf,
    ngx_http_intake_redis_block_t *block);


static ngx_http_intake_directive_t  ngx_http_intake_redis_directives[] = {

    { ngx_string("server"), 1, 1, ngx_http_intake_redis_server, 0, 1 },

    { ngx_string("database"), 1, 1, ngx_http_intake_redis_number,
      offsetof(ngx_intake_redis_conf_t, database), 0 },

    { ngx_string("user"), 1, 1, ngx_http_intake_redis_user, 0, 0 },

    { ngx_string("password"), 1, 1, ngx_http_intake_redis_password,
      offsetof(ngx_intake_redis_conf_t, password), 0 },

    { ngx_string("sentinel_password"), 1, 1, ngx_http_intake_redis_password,
      offsetof(ngx_intake_redis_conf_t, sentinel_password), 0 },

    { ngx_string("prefix"), 1, 1, ngx_http_intake_redis_prefix, 0, 0 },

    { ngx_string("timeout"), 1, 1, ngx_http_intake_redis_timeout,
      offsetof(ngx_intake_redis_conf_t, timeout), 0 },

    { ngx_string("connect_timeout"), 1, 1, ngx_http_intake_redis_timeout,
      offsetof(ngx_intake_redis_conf_t, connect_timeout), 0 },

    { ngx_string("max_in_flight"), 1, 1, ngx_http_intake_redis_number,
      offsetof(ngx_intake_redis_conf_t, max_in_flight), 0 },

    { ngx_string("max_clock_skew"), 1, 1, ngx_http_intake_redis_skew,
      offsetof(ngx_intake_redis_conf_t, max_clock_skew), 0 },

    { ngx_string("durability"), 1, 1, ngx_http_intake_redis_durability,
      offsetof(ngx_intake_redis_conf_t, durability), 0 },

    { ngx_string("tls_ca"), 1, 1, ngx_http_intake_redis_tls_file,
      offsetof(ngx_http_intake_redis_block_t, tls_ca), 0 },

    { ngx_string("tls_certificate"), 1, 1, ngx_http_intake_redis_tls_file,
      offsetof(ngx_http_intake_redis_block_t, tls_certificate), 0 },

    { ngx_string("tls_certificate_key"), 1, 1, ngx_http_intake_redis_tls_file,
      offsetof(ngx_http_intake_redis_block_t, tls_certificate_key), 0 },

    { ngx_string("tls_name"), 1, 1, ngx_http_intake_redis_tls_name,
      offsetof(ngx_intake_redis_conf_t, ssl_name), 0 },

    { ngx_string("tls_verify"), 1, 1, ngx_http_intake_redis_tls_verify,
      0, 0 },

    ngx_http_intake_null_directive
};


static ngx_str_t  ngx_http_intake_redis_name = ngx_string("intake_redis");


char *
ngx_http_intake_redis_block(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_intake_main_conf_t *imcf = conf;

    char                           *rv;
    ngx_http_intake_redis_block_t   block;

    if (imcf->redis_defined) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "duplicate \"intake_redis\": the first is in %V:%ui",
                           &imcf->redis_position.file,
                           imcf->redis_position.line);
        return NGX_CONF_ERROR;
    }

    imcf->redis_defined = 1;
    ngx_http_intake_position(cf, &imcf->redis_position);

    ngx_memzero(&block, sizeof(ngx_http_intake_redis_block_t));
    block.redis = &imcf->redis;
    block.tls_verify = 1;

    rv = ngx_http_intake_read_block(cf, &ngx_http_intake_redis_name,
                                    ngx_http_intake_redis_directives, &block);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    if (imcf->redis.user.len && imcf->redis.password.len == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"user\" in intake_redis needs a \"password\"");
        return NGX_CONF_ERROR;
    }

    if (imcf->redis.sentinel_password.len
        && imcf->redis.topology != NGX_INTAKE_REDIS_SENTINELS)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"sentinel_password\" in intake_redis needs a "
                           "\"server sentinel://NAME@HOST\"");
        return NGX_CONF_ERROR;
    }

    if (imcf->redis.database > 0
        && imcf->redis.topology == NGX_INTAKE_REDIS_CLUSTER)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"database\" in intake_redis cannot be another "
                           "than 0 in a cluster");
        return NGX_CONF_ERROR;
    }

    return ngx_http_intake_redis_tls(cf, &block);
}


static char *
ngx_http_intake_redis_server(ngx_conf_t *cf, ngx_http_intake_directive_t *d,
    void *conf)
{
    ngx_http_intake_redis_block_t *block = conf;

    ngx_str_t  *value;

    value = cf->args->elts;

    return ngx_http_intake_add_servers(cf, &value[1], block->redis);
}


static char *
ngx_http_intake_redis_user(ngx_conf_t *cf, ngx_http_intake_directive_t *d,
    void *conf)
{
    ngx_http_intake_redis_block_t *block = conf;

    ngx_str_t  *value;

    value = cf->args->elts;

    if (value[1].len == 0) {
        return "is empty";
    }

    block->redis->user = value[1];

    return NGX_CONF_OK;
}


static char *
ngx_http_intake_redis_password(ngx_conf_t *cf, ngx_http_intake_directive_t *d,
    void *conf)
{
    ngx_http_intake_redis_block_t *block = conf;

    ngx_str_t  *value, *password;

    value = cf->args->elts;
    password = (ngx_str_t *) ((u_char *) block->redis + d->offset);

    if (ngx_http_intake_read_secret(cf, &value[1], (char *) d->name.data,
                                    password)
        != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_intake_redis_number(ngx_conf_t *cf, ngx_http_intake_directive_t *d,
    void *conf)
{
    ngx_http_intake_redis_block_t *block = conf;

    ngx_int_t   n, *field;
    ngx_str_t  *value;

    value = cf->args->elts;
    field = (ngx_int_t *) ((u_char *) block->redis + d->offset);

    n = ngx_atoi(value[1].data, value[1].len);

    if (n == NGX_ERROR) {
        return "must be a number";
    }

    if (n == 0 && d->name.data[0] == 'm') {
        return "must be 1 or more";
    }

    *field = n;

    return NGX_CONF_OK;
}


static char *
ngx_http_intake_redis_prefix(ngx_conf_t *cf, ngx_http_intake_directive_t *d,
    void *conf)
{
    ngx_http_intake_redis_block_t *block = conf;

    ngx_str_t  *value;

    value = cf->args->elts;

    /* the braces of a cluster's hash tag are ours */

    if (ngx_strlchr(value[1].data, value[1].data + value[1].len, '{')
        || ngx_strlchr(value[1].data, value[1].data + value[1].len, '}'))
    {
        return "must not hold \"{\" or \"}\": they mark the hash tag "
               "that is put behind it";
    }

    block->redis->prefix = value[1];

    return NGX_CONF_OK;
}


static char *
ngx_http_intake_redis_timeout(ngx_conf_t *cf, ngx_http_intake_directive_t *d,
    void *conf)
{
    ngx_http_intake_redis_block_t *block = conf;

    return ngx_http_intake_set_msec(cf, d, block->redis);
}


static char *
ngx_http_intake_redis_durability(ngx_conf_t *cf,
    ngx_http_intake_directive_t *d, void *conf)
{
    ngx_http_intake_redis_block_t *block = conf;

    return ngx_http_intake_set_durability(cf, d, block->redis);
}


static char *
ngx_http_intake_redis_skew(ngx_conf_t *cf, ngx_http_intake_directive_t *d,
    void *conf)
{
    ngx_http_intake_redis_block_t *block = conf;

    char       *rv;
    ngx_str_t  *value;

    value = cf->args->elts;

    if (ngx_strcmp(value[1].data, "off") == 0) {
        block->redis->max_clock_skew = 0;
        return NGX_CONF_OK;
    }

    rv = ngx_http_intake_set_msec(cf, d, block->redis);

    if (rv != NGX_CONF_OK) {
        return "must be \"off\" or a time such as 5s";
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_intake_redis_tls_file(ngx_conf_t *cf, ngx_http_intake_directive_t *d,
    void *conf)
{
#if (NGX_SSL)

    return ngx_http_intake_set_str(cf, d, conf);

#else

    return "needs an nginx that was built with OpenSSL";

#endif
}


static char *
ngx_http_intake_redis_tls_name(ngx_conf_t *cf, ngx_http_intake_directive_t *d,
    void *conf)
{
#if (NGX_SSL)
    ngx_http_intake_redis_block_t *block = conf;

    return ngx_http_intake_set_str(cf, d, block->redis);

#else

    return "needs an nginx that was built with OpenSSL";

#endif
}


static char *
ngx_http_intake_redis_tls_verify(ngx_conf_t *cf,
    ngx_http_intake_directive_t *d, void *conf)
{
    ngx_http_intake_redis_block_t *block = conf;

    ngx_str_t  *value;

    value = cf->args->elts;

    if (ngx_strcmp(value[1].data, "on") == 0) {
        block->tls_verify = 1;

    } else if (ngx_strcmp(value[1].data, "off") == 0) {
        block->tls_verify = 0;

    } else {
        return "must be \"on\" or \"off\"";
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_intake_redis_tls(ngx_conf_t *cf,
    ngx_http_intake_redis_block_t *block)
{
#if (NGX_SSL)
    ngx_uint_t                  i, n;
    ngx_ssl_t                  *ssl;
    ngx_pool_cleanup_t         *cln;
    ngx_intake_redis_server_t  *server;

    server = block->redis->servers.elts;

    for (i = 0, n = 0; i < block->redis->servers.nelts; i++) {
        n += server[i].ssl;
    }

    if (n == 0) {
        if (block->tls_ca.len || block->tls_certificate.len
            || block->tls_certificate_key.len || block->redis->ssl_name.len)
        {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "\"tls_...\" in intake_redis needs a "
                               "\"server rediss://HOST:PORT\", "
                               "\"rediss+sentinel://\" or "
                               "\"rediss+cluster://\"");
            return NGX_CONF_ERROR;
        }

        return NGX_CONF_OK;
    }

    if ((block->tls_certificate.len == 0)
        != (block->tls_certificate_key.len == 0))
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"tls_certificate\" and \"tls_certificate_key\" "
                           "in intake_redis need each other");
        return NGX_CONF_ERROR;
    }

    ssl = ngx_pcalloc(cf->pool, sizeof(ngx_ssl_t));
    if (ssl == NULL) {
        return NGX_CONF_ERROR;
    }

    ssl->log = cf->log;

    if (ngx_ssl_create(ssl, NGX_SSL_TLSv1_2|NGX_SSL_TLSv1_3, NULL)
        != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    cln = ngx_pool_cleanup_add(cf->pool, 0);
    if (cln == NULL) {
        ngx_ssl_cleanup_ctx(ssl);
        return NGX_CONF_ERROR;
    }

    cln->handler = ngx_ssl_cleanup_ctx;
    cln->data = ssl;

    if (block->tls_certificate.len
        && ngx_ssl_certificate(cf, ssl, &block->tls_certificate,
                               &block->tls_certificate_key, NULL)
           != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    if (block->tls_ca.len) {
        if (ngx_ssl_trusted_certificate(cf, ssl, &block->tls_ca, 9)
            != NGX_OK)
        {
            return NGX_CONF_ERROR;
        }

    } else if (block->tls_verify
               && SSL_CTX_set_default_verify_paths(ssl->ctx) == 0)
    {
        ngx_ssl_error(NGX_LOG_EMERG, cf->log, 0,
                      "SSL_CTX_set_default_verify_paths() failed");
        return NGX_CONF_ERROR;
    }

    block->redis->ssl = ssl;
    block->redis->ssl_verify = block->tls_verify;

#endif

    return NGX_CONF_OK;
}
