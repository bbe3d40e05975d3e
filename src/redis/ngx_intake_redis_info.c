
/*
 * Copyright (C) nginx-intake contributors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include <time.h>
#include "ngx_intake_redis_internal.h"


/*
 * What a server says of its clock and of how durable its data is.  None of it
 * is needed to store: what the user may not ask is unknown.
 */


static void ngx_intake_redis_copy(u_char *dst, size_t size,
    ngx_str_t *value);


ngx_int_t
ngx_intake_redis_reply_time(ngx_intake_redis_t *redis,
    ngx_intake_redis_reply_t *reply, const ngx_intake_redis_error_t *row)
{
    int64_t                    now, theirs;
    ngx_int_t                  sec, usec;
    struct timeval             tv;
    ngx_intake_redis_info_t   *info;
    ngx_intake_redis_reply_t   s, us;

    info = &redis->info;

    info->round_trip = ngx_intake_redis_monotonic()
                       - redis->connection->asked;
    info->skew_known = 0;
    info->clock_skew = 0;

    if (row || reply->type != NGX_INTAKE_REDIS_ARRAY || reply->nelts != 2) {
        return NGX_OK;
    }

    s = ngx_intake_redis_element(reply, 0);
    us = ngx_intake_redis_element(reply, 1);

    sec = ngx_atoi(s.str.data, s.str.len);
    usec = ngx_atoi(us.str.data, us.str.len);

    if (sec == NGX_ERROR || usec == NGX_ERROR) {
        return NGX_OK;
    }

    /* the server has looked at its clock half a round trip ago */

    ngx_gettimeofday(&tv);

    now = (int64_t) tv.tv_sec * 1000000 + tv.tv_usec - info->round_trip / 2;
    theirs = (int64_t) sec * 1000000 + usec;

    info->clock_skew = now - theirs;
    info->skew_known = 1;

    return NGX_OK;
}


ngx_int_t
ngx_intake_redis_reply_persistence(ngx_intake_redis_t *redis,
    ngx_intake_redis_reply_t *reply, const ngx_intake_redis_error_t *row)
{
    ngx_str_t  value;

    redis->info.appendonly = -1;

    if (row || reply->type != NGX_INTAKE_REDIS_STRING) {
        return NGX_OK;
    }

    if (ngx_intake_redis_info_field(&reply->str, "loading", &value) == NGX_OK
        && value.len == 1 && value.data[0] == '1')
    {
        return ngx_intake_redis_hello_failed(redis, row,
                                             NGX_INTAKE_REDIS_CLOSE_FAILED,
                                             "the server is loading its data");
    }

    if (ngx_intake_redis_info_field(&reply->str, "aof_enabled", &value)
        == NGX_OK)
    {
        redis->info.appendonly = (value.len == 1 && value.data[0] == '1');
    }

    return NGX_OK;
}


ngx_int_t
ngx_intake_redis_reply_memory(ngx_intake_redis_t *redis,
    ngx_intake_redis_reply_t *reply, const ngx_intake_redis_error_t *row)
{
    ngx_str_t                 value;
    ngx_intake_redis_info_t  *info;

    info = &redis->info;

    info->evicting = -1;
    info->maxmemory_policy[0] = '\0';

    if (row == NULL && reply->type == NGX_INTAKE_REDIS_STRING
        && ngx_intake_redis_info_field(&reply->str, "maxmemory_policy",
                                       &value)
           == NGX_OK)
    {
        ngx_intake_redis_copy(info->maxmemory_policy,
                              sizeof(info->maxmemory_policy), &value);

        info->evicting = (ngx_strcmp(info->maxmemory_policy, "noeviction")
                          != 0);
    }

    return NGX_OK;
}


ngx_int_t
ngx_intake_redis_reply_server(ngx_intake_redis_t *redis,
    ngx_intake_redis_reply_t *reply, const ngx_intake_redis_error_t *row)
{
    ngx_str_t                 value;
    ngx_intake_redis_info_t  *info;

    info = &redis->info;

    info->version[0] = '\0';

    if (row == NULL && reply->type == NGX_INTAKE_REDIS_STRING
        && ngx_intake_redis_info_field(&reply->str, "redis_version", &value)
           == NGX_OK)
    {
        ngx_intake_redis_copy(info->version, sizeof(info->version), &value);
    }

    return NGX_OK;
}


ngx_int_t
ngx_intake_redis_reply_appendfsync(ngx_intake_redis_t *redis,
    ngx_intake_redis_reply_t *reply, const ngx_intake_redis_error_t *row)
{
    ngx_intake_redis_info_t   *info;
    ngx_intake_redis_reply_t   value;

    info = &redis->info;

    info->appendfsync[0] = '\0';

    /* the name, then the value */

    if (row == NULL && reply->type == NGX_INTAKE_REDIS_ARRAY
        && reply->nelts == 2)
    {
        value = ngx_intake_redis_element(reply, 1);

        ngx_intake_redis_copy(info->appendfsync, sizeof(info->appendfsync),
                              &value.str);
    }

    return NGX_OK;
}


static void
ngx_intake_redis_copy(u_char *dst, size_t size, ngx_str_t *value)
{
    dst[ngx_intake_redis_error_text(dst, size - 1, value)] = '\0';
}


/* one line of one worker for each new state of the server */

void
ngx_intake_redis_warn(ngx_intake_redis_t *redis)
{
    ngx_uint_t                volatile_data, evicting, state;
    ngx_intake_redis_info_t  *info;

    info = &redis->info;

    volatile_data = (info->appendonly == 0);
    evicting = (info->evicting == 1);

    state = volatile_data + 2 * evicting;

    if (state == redis->warned) {
        return;
    }

    redis->warned = state;

    if (state == 0 || ngx_worker != 0 || redis->durable) {
        return;
    }

    ngx_log_error(NGX_LOG_WARN, &redis->connection->log, 0,
                  "redis may lose what it has stored:%s%s%s%s, to change it:"
                  "%s%s CONFIG REWRITE",
                  volatile_data ? " appendonly is no" : "",
                  state == 3 ? "," : "",
                  evicting ? " maxmemory-policy is " : "",
                  evicting ? info->maxmemory_policy : (u_char *) "",
                  volatile_data ? " CONFIG SET appendonly yes," : "",
                  evicting ? " CONFIG SET maxmemory-policy noeviction," : "");
}


int64_t
ngx_intake_redis_monotonic(void)
{
    struct timespec  ts;

    (void) clock_gettime(CLOCK_MONOTONIC, &ts);

    return (int64_t) ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}
