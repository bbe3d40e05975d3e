
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake.h"
#include "ngx_http_intake_token.h"


/*
 * When http {} has been read: names are resolved, what a source leaves out is
 * taken from its platform, and what cannot work is refused with the place of
 * the directive that is at fault.
 */


/* that the operations of a connection may have together in any case */
#define NGX_HTTP_INTAKE_MAX_BYTES  (8 * 1024 * 1024)


static char *ngx_http_intake_check_redis(ngx_conf_t *cf,
    ngx_http_intake_main_conf_t *imcf);
static void ngx_http_intake_ask_durability(ngx_intake_redis_conf_t *redis,
    ngx_http_intake_source_t *source);
static char *ngx_http_intake_check_source(ngx_conf_t *cf,
    ngx_http_intake_main_conf_t *imcf, ngx_http_intake_source_t *source);
static char *ngx_http_intake_check_form_source(ngx_conf_t *cf,
    ngx_http_intake_main_conf_t *imcf, ngx_http_intake_source_t *source);
static char *ngx_http_intake_find_platform(ngx_conf_t *cf,
    ngx_http_intake_main_conf_t *imcf, ngx_http_intake_source_t *source);
static char *ngx_http_intake_name_keys(ngx_conf_t *cf,
    ngx_http_intake_main_conf_t *imcf, ngx_http_intake_source_t *source);
static char *ngx_http_intake_name_stream(ngx_conf_t *cf,
    ngx_http_intake_source_t *source, ngx_http_intake_stream_t *stream,
    ngx_str_t *tag, const char *suffix);
static char *ngx_http_intake_inherit(ngx_conf_t *cf,
    ngx_http_intake_source_t *source);
static char *ngx_http_intake_join_paths(ngx_conf_t *cf,
    ngx_http_intake_source_t *source);
static void ngx_http_intake_shift_paths(ngx_http_intake_template_t *template,
    ngx_uint_t shift);


#define NGX_HTTP_INTAKE_MAX_PATHS  64    /* of the JSON reader's one pass */

/* `retain` of the stream of spam */
#define NGX_HTTP_INTAKE_SPAM_MAXLEN  10000
#define NGX_HTTP_INTAKE_SPAM_AGE     ((ngx_msec_t) 30 * 24 * 3600 * 1000)


static ngx_str_t  ngx_http_intake_default_server =
    ngx_string("redis://127.0.0.1:6379");

static ngx_addr_t          ngx_http_intake_default_addr;
static struct sockaddr_in  ngx_http_intake_default_sockaddr;


char *
ngx_http_intake_check_conf(ngx_conf_t *cf, ngx_http_intake_main_conf_t *imcf)
{
    char                       *rv;
    ngx_uint_t                  i;
    ngx_http_intake_source_t  **sources;

    rv = ngx_http_intake_check_redis(cf, imcf);

    if (rv != NGX_CONF_OK) {
        return rv;
    }

    sources = imcf->sources->elts;

    for (i = 0; i < imcf->sources->nelts; i++) {
        rv = ngx_http_intake_check_source(cf, imcf, sources[i]);

        if (rv != NGX_CONF_OK) {
            return rv;
        }

        ngx_http_intake_ask_durability(&imcf->redis, sources[i]);

        /* of a form with files most of it does not go to Redis */

        if (sources[i]->form == NULL) {
            imcf->redis.max_bytes = ngx_max(imcf->redis.max_bytes,
                                            2 * sources[i]->max_body);
        }
    }

    return ngx_http_intake_check_spool(cf, imcf);
}


static void
ngx_http_intake_ask_durability(ngx_intake_redis_conf_t *redis,
    ngx_http_intake_source_t *source)
{
    if (!source->durability.set) {
        source->durability = redis->durability;
    }

    redis->asked.fsync |= source->durability.fsync;
    redis->asked.replicas = ngx_max(redis->asked.replicas,
                                    source->durability.replicas);
}


static char *
ngx_http_intake_check_redis(ngx_conf_t *cf, ngx_http_intake_main_conf_t *imcf)
{
    struct sockaddr_in         *sin;
    ngx_intake_redis_conf_t    *redis;
    ngx_intake_redis_server_t  *server;

    redis = &imcf->redis;

    ngx_conf_init_value(redis->database, 0);
    ngx_conf_init_msec_value(redis->timeout, 2000);
    ngx_conf_init_msec_value(redis->connect_timeout, 1000);
    ngx_conf_init_uint_value(redis->max_in_flight, 1024);
    redis->max_bytes = NGX_HTTP_INTAKE_MAX_BYTES;
    ngx_conf_init_msec_value(redis->max_clock_skew, 5000);

    if (redis->prefix.data == NULL) {
        ngx_str_set(&redis->prefix, "intake:");
    }

    if (redis->servers.nelts) {
        return ngx_http_intake_resolve_servers(cf, imcf);
    }

    /* a Redis on this machine, as it is installed */

    if (redis->servers.elts == NULL
        && ngx_array_init(&redis->servers, cf->pool, 1,
                          sizeof(ngx_intake_redis_server_t))
           != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    server = ngx_array_push(&redis->servers);
    if (server == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_memzero(server, sizeof(ngx_intake_redis_server_t));

    sin = &ngx_http_intake_default_sockaddr;
    sin->sin_family = AF_INET;
    sin->sin_port = htons(6379);
    sin->sin_addr.s_addr = htonl(INADDR_LOOPBACK);

    ngx_http_intake_default_addr.sockaddr = (struct sockaddr *) sin;
    ngx_http_intake_default_addr.socklen = sizeof(struct sockaddr_in);
    ngx_str_set(&ngx_http_intake_default_addr.name, "127.0.0.1:6379");

    server->url = ngx_http_intake_default_server;
    ngx_str_set(&server->host, "127.0.0.1");
    server->port = 6379;
    server->addrs = &ngx_http_intake_default_addr;
    server->naddrs = 1;

    return NGX_CONF_OK;
}


static char *
ngx_http_intake_check_source(ngx_conf_t *cf,
    ngx_http_intake_main_conf_t *imcf, ngx_http_intake_source_t *source)
{
    if (source->form) {
        return ngx_http_intake_check_form_source(cf, imcf, source);
    }

    if (source->platform_name.len == 0) {
        ngx_http_intake_conf_log(cf, NGX_LOG_EMERG, &source->position,
                                 "no \"platform\" in intake_source \"%V\": "
                                 "write \"platform NAME;\", or \"form;\" if "
                                 "it takes forms", &source->name);
        return NGX_CONF_ERROR;
    }

    if (ngx_http_intake_find_platform(cf, imcf, source) != NGX_CONF_OK
        || ngx_http_intake_name_keys(cf, imcf, source) != NGX_CONF_OK
        || ngx_http_intake_inherit(cf, source) != NGX_CONF_OK
        || ngx_http_intake_join_paths(cf, source) != NGX_CONF_OK
        || ngx_http_intake_check_secrets(cf, source) != NGX_CONF_OK
        || ngx_http_intake_check_needs(cf, source) != NGX_CONF_OK
        || ngx_http_intake_check_sla(cf, imcf, source) != NGX_CONF_OK)
    {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


/* a form has no platform of its own to name */

static char *
ngx_http_intake_check_form_source(ngx_conf_t *cf,
    ngx_http_intake_main_conf_t *imcf, ngx_http_intake_source_t *source)
{
    source->platform = &ngx_http_intake_form_platform;

    if (ngx_http_intake_check_form(cf, source) != NGX_CONF_OK
        || ngx_http_intake_form_token_key(cf, source) != NGX_CONF_OK
        || ngx_http_intake_name_keys(cf, imcf, source) != NGX_CONF_OK
        || ngx_http_intake_inherit(cf, source) != NGX_CONF_OK
        || ngx_http_intake_check_sla(cf, imcf, source) != NGX_CONF_OK)
    {
        return NGX_CONF_ERROR;
    }

    ngx_http_intake_spam_init(source->form);

    source->spam.maxlen = NGX_HTTP_INTAKE_SPAM_MAXLEN;
    source->spam.age = NGX_HTTP_INTAKE_SPAM_AGE;

    return NGX_CONF_OK;
}


static char *
ngx_http_intake_find_platform(ngx_conf_t *cf,
    ngx_http_intake_main_conf_t *imcf, ngx_http_intake_source_t *source)
{
    source->platform = ngx_http_intake_require_named(cf, imcf->platforms,
                                  &source->platform_name,
                                  &source->platform_position, "platform",
                                  "unknown platform \"%V\": include the file "
                                  "of presets (intake/platforms.conf) or "
                                  "write \"intake_platform %V { }\"");

    return source->platform ? NGX_CONF_OK : NGX_CONF_ERROR;
}


/* the stream and its dedupe keys share one hash tag, hence one slot */

static char *
ngx_http_intake_name_keys(ngx_conf_t *cf, ngx_http_intake_main_conf_t *imcf,
    ngx_http_intake_source_t *source)
{
    ngx_str_t  tag;

    if (source->stream.key.len) {
        tag.len = sizeof("{}") - 1 + source->stream.key.len;

    } else {
        tag.len = imcf->redis.prefix.len + sizeof("{}") - 1
                  + source->name.len;
    }

    tag.data = ngx_pnalloc(cf->pool, tag.len);
    if (tag.data == NULL) {
        return NGX_CONF_ERROR;
    }

    if (source->stream.key.len) {
        ngx_sprintf(tag.data, "{%V}", &source->stream.key);

    } else {
        ngx_sprintf(tag.data, "%V{%V}", &imcf->redis.prefix, &source->name);
    }

    if (ngx_http_intake_name_stream(cf, source, &source->stream, &tag, "")
        != NGX_CONF_OK
        || ngx_http_intake_name_stream(cf, source, &source->spam, &tag,
                                       ":spam")
           != NGX_CONF_OK)
    {
        return NGX_CONF_ERROR;
    }

    source->stream.index = 2 * source->index;
    source->spam.index = 2 * source->index + 1;

    if (source->event_source.len) {
        return NGX_CONF_OK;
    }

    source->event_source.len = source->name.len + 1;
    source->event_source.data = ngx_pnalloc(cf->pool,
                                            source->event_source.len);
    if (source->event_source.data == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_sprintf(source->event_source.data, "/%V", &source->name);

    return NGX_CONF_OK;
}


/* the stream's own name stands without the braces */

static char *
ngx_http_intake_name_stream(ngx_conf_t *cf, ngx_http_intake_source_t *source,
    ngx_http_intake_stream_t *stream, ngx_str_t *tag, const char *suffix)
{
    size_t   len;
    u_char  *p;

    len = tag->len + ngx_strlen(suffix);

    if (len > NGX_HTTP_INTAKE_MAX_KEY) {
        ngx_http_intake_conf_log(cf, NGX_LOG_EMERG, &source->position,
                                 "the keys of intake_source \"%V\" would be "
                                 "longer than %d bytes: shorten its "
                                 "\"stream\" or the \"prefix\" of "
                                 "intake_redis", &source->name,
                                 NGX_HTTP_INTAKE_MAX_KEY);
        return NGX_CONF_ERROR;
    }

    p = ngx_pnalloc(cf->pool, len + sizeof(":dedupe:") - 1);
    if (p == NULL) {
        return NGX_CONF_ERROR;
    }

    stream->dedupe_prefix.data = p;
    stream->dedupe_prefix.len = ngx_sprintf(p, "%V%s:dedupe:", tag, suffix)
                                - p;

    if (stream->key.len == 0) {
        stream->key.data = p;
        stream->key.len = len;
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_intake_inherit(ngx_conf_t *cf, ngx_http_intake_source_t *source)
{
    ngx_http_intake_platform_t  *platform;

    platform = source->platform;

    if (!source->dedupe.set) {
        source->dedupe = platform->dedupe;
    }

    if (source->headers == NULL) {
        source->headers = platform->headers;

    } else if (ngx_http_intake_check_headers(cf, source->headers, platform,
                                             &source->position)
               != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    source->leeway = platform->leeway;

    if (source->tolerance == NGX_CONF_UNSET) {
        source->tolerance = platform->tolerance;

    } else if (platform->jwt && platform->timestamp == NULL) {

        if (source->tolerance == 0) {
            ngx_http_intake_conf_log(cf, NGX_LOG_EMERG, &source->position,
                                     "\"tolerance off\" in intake_source "
                                     "\"%V\": tokens of platform \"%V\" would "
                                     "never expire, write a time",
                                     &source->name, &platform->name);
            return NGX_CONF_ERROR;
        }

        source->leeway = source->tolerance;
    }

    ngx_conf_merge_size_value(source->max_body, platform->max_body,
                              1024 * 1024);
    ngx_conf_merge_msec_value(source->deadline, platform->deadline, 2000);

    if (source->max_body > NGX_HTTP_INTAKE_MAX_BODY) {
        ngx_http_intake_conf_log(cf, NGX_LOG_EMERG, &source->position,
                                 "\"max_body\" of intake_source \"%V\" is "
                                 "larger than 512m, which Redis takes in "
                                 "one value", &source->name);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


/* one pass over a body serves the platform's paths and those of our answer */

static char *
ngx_http_intake_join_paths(ngx_conf_t *cf, ngx_http_intake_source_t *source)
{
    ngx_uint_t                   i, n;
    ngx_array_t                 *own, *paths;
    ngx_intake_json_path_t      *path;
    ngx_http_intake_platform_t  *platform;

    own = source->paths;
    platform = source->platform;
    n = platform->paths->nelts;

    if (source->answer == NULL) {
        source->answer = platform->answer;
        source->paths = platform->paths;

    } else if (own->nelts == 0) {
        source->paths = platform->paths;

    } else {
        paths = ngx_array_create(cf->pool, n + own->nelts,
                                 sizeof(ngx_intake_json_path_t));
        if (paths == NULL) {
            return NGX_CONF_ERROR;
        }

        path = ngx_array_push_n(paths, n + own->nelts);

        ngx_memcpy(path, platform->paths->elts,
                   n * sizeof(ngx_intake_json_path_t));
        path += n;

        for (i = 0; i < own->nelts; i++) {
            path[i] = ((ngx_intake_json_path_t *) own->elts)[i];
        }

        if (source->answer->body) {
            ngx_http_intake_shift_paths(source->answer->body, n);
        }

        source->paths = paths;
    }

    if (source->paths->nelts > NGX_HTTP_INTAKE_MAX_PATHS) {
        ngx_http_intake_conf_log(cf, NGX_LOG_EMERG, &source->position,
                                 "intake_source \"%V\" and its platform read "
                                 "more than %d json paths", &source->name,
                                 NGX_HTTP_INTAKE_MAX_PATHS);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static void
ngx_http_intake_shift_paths(ngx_http_intake_template_t *template,
    ngx_uint_t shift)
{
    ngx_uint_t               i;
    ngx_http_intake_word_t  *word;

    word = template->elts;

    for (i = 0; i < template->nelts; i++) {

        if (word[i].words) {
            ngx_http_intake_shift_paths(word[i].words, shift);
        }

        if (word[i].type == NGX_HTTP_INTAKE_WORD_SRC
            && (ngx_http_intake_is_document(&word[i].src)
                || word[i].src.kind == NGX_HTTP_INTAKE_SRC_JWT))
        {
            word[i].src.path += shift;
        }
    }
}
