
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake_clocks.h"
#include "ngx_http_intake_event.h"

#include <openssl/rand.h>


/* What the scripts that move the clocks are told. */


/* ms: how long a mark of a message lives; platforms resend for a day or two */
#define NGX_HTTP_INTAKE_MARK_TTL  (7 * 24 * 3600 * 1000)


static void ngx_http_intake_lane_keys(ngx_intake_redis_args_t *args,
    ngx_http_intake_sla_t *sla, ngx_http_intake_tier_t *tier,
    const char *clock);


ngx_str_t  ngx_http_intake_kinds[NGX_HTTP_INTAKE_KINDS] = {
    ngx_string("inbound"),
    ngx_string("outbound"),
    ngx_string("auto"),
    ngx_string("note"),
    ngx_string("reaction"),
    ngx_string("pause"),
    ngx_string("resume"),
    ngx_string("close"),
    ngx_string("merge")
};


ngx_intake_business_clock_t *
ngx_http_intake_clock(ngx_http_intake_tier_t *tier)
{
    static ngx_intake_business_clock_t  always;

    return tier->calendar ? &tier->calendar->clock : &always;
}


ngx_int_t
ngx_http_intake_change(ngx_http_intake_sla_t *sla,
    ngx_http_intake_change_t *change, int64_t received)
{
    ngx_http_intake_tier_t  *tier;

    tier = &sla->tiers[change->tier];

    if (change->time > received + (int64_t) tier->skew) {
        change->time = received;
        change->skewed = 1;
    }

    ngx_http_intake_readings(sla, change->time, change->readings);

    if (tier->out_of_hours
        && change->kind == NGX_HTTP_INTAKE_KIND_INBOUND
        && !ngx_intake_business_clock_staffed(ngx_http_intake_clock(tier),
                                              change->time))
    {
        change->extra = tier->out_of_hours;
    }

    return ngx_http_intake_hash(&change->conversation,
                                change->conversation_hash);
}


ngx_int_t
ngx_http_intake_mark(u_char kind, ngx_str_t *id, u_char *hash)
{
    u_char     prefix[2];
    ngx_str_t  parts[2];

    prefix[0] = kind;
    prefix[1] = ':';

    parts[0].data = prefix;
    parts[0].len = sizeof(prefix);
    parts[1] = *id;

    return ngx_http_intake_hash_parts(parts, 2, hash);
}


void
ngx_http_intake_readings(ngx_http_intake_sla_t *sla, int64_t time,
    int64_t *readings)
{
    ngx_uint_t  i;

    for (i = 0; i < sla->ntiers; i++) {
        readings[i] = ngx_intake_business_clock_read(
                                    ngx_http_intake_clock(&sla->tiers[i]),
                                    time);
    }
}


ngx_uint_t
ngx_http_intake_clock_keys(ngx_intake_redis_args_t *args,
    ngx_http_intake_sla_t *sla, ngx_str_t *first, int64_t now)
{
    u_char      key[NGX_HTTP_INTAKE_MAX_CLOCK_KEY], *p;
    ngx_uint_t  i;

    ngx_intake_redis_text_arg(args, first);

    p = ngx_sprintf(key, "%Vm", &sla->prefix);
    ngx_intake_redis_arg(args, key, p - key);

    ngx_http_intake_day_key(args, sla, now, 0);
    ngx_http_intake_day_key(args, sla, now, 1);

    p = ngx_sprintf(key, "%Vx", &sla->prefix);
    ngx_intake_redis_arg(args, key, p - key);

    for (i = 0; i < sla->ntiers; i++) {
        ngx_http_intake_lane_keys(args, sla, &sla->tiers[i], "first");
        ngx_http_intake_lane_keys(args, sla, &sla->tiers[i], "next");
    }

    return 5 + 10 * sla->ntiers;
}


void
ngx_http_intake_day_key(ngx_intake_redis_args_t *args,
    ngx_http_intake_sla_t *sla, int64_t time, ngx_uint_t hour)
{
    u_char    key[NGX_HTTP_INTAKE_MAX_CLOCK_KEY], *p;
    ngx_tm_t  tm;

    ngx_gmtime((time_t) (time / 1000), &tm);

    p = ngx_sprintf(key, "%Vd:%04d-%02d-%02d", &sla->prefix, tm.ngx_tm_year,
                    tm.ngx_tm_mon, tm.ngx_tm_mday);

    if (hour) {
        p = ngx_sprintf(p, ":%02d", tm.ngx_tm_hour);
    }

    ngx_intake_redis_arg(args, key, p - key);
}


static void
ngx_http_intake_lane_keys(ngx_intake_redis_args_t *args,
    ngx_http_intake_sla_t *sla, ngx_http_intake_tier_t *tier,
    const char *clock)
{
    u_char      key[NGX_HTTP_INTAKE_MAX_CLOCK_KEY], *p;
    ngx_uint_t  i;

    static const char  *sets[] = { "wait", "ok", "risk", "late", "step" };

    for (i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
        p = ngx_sprintf(key, "%V%s:%V:%s", &sla->prefix, sets[i],
                        &tier->name, clock);
        ngx_intake_redis_arg(args, key, p - key);
    }
}


void
ngx_http_intake_clock_key(ngx_intake_redis_args_t *args,
    ngx_http_intake_sla_t *sla, u_char kind, u_char *hash)
{
    u_char  key[NGX_HTTP_INTAKE_MAX_CLOCK_KEY], *p;

    p = ngx_cpymem(key, sla->prefix.data, sla->prefix.len);
    *p++ = kind;
    *p++ = ':';
    p = ngx_cpymem(p, hash, NGX_HTTP_INTAKE_HASH_LEN);

    ngx_intake_redis_arg(args, key, p - key);
}


void
ngx_http_intake_clock_args(ngx_intake_redis_args_t *args,
    ngx_http_intake_sla_t *sla)
{
    ngx_uint_t               i;
    ngx_http_intake_tier_t  *tier;

    ngx_intake_redis_number_arg(args, sla->ntiers);
    ngx_intake_redis_number_arg(args, sla->tiers[0].forget);
    ngx_intake_redis_number_arg(args, NGX_HTTP_INTAKE_MARK_TTL);
    ngx_intake_redis_text_arg(args, &sla->bounds_text);

    for (i = 0; i < sla->ntiers; i++) {
        tier = &sla->tiers[i];

        ngx_intake_redis_text_arg(args, &tier->name);
        ngx_intake_redis_number_arg(args, tier->first);
        ngx_intake_redis_number_arg(args, tier->next);
        ngx_intake_redis_text_arg(args, &tier->steps);
    }
}


void
ngx_http_intake_readings_args(ngx_intake_redis_args_t *args,
    ngx_http_intake_sla_t *sla, int64_t *readings)
{
    ngx_uint_t  i;

    for (i = 0; i < sla->ntiers; i++) {
        ngx_intake_redis_number_arg(args, readings[i]);
    }
}


ngx_uint_t
ngx_http_intake_change_keys(ngx_intake_redis_args_t *args,
    ngx_http_intake_sla_t *sla, ngx_http_intake_change_t *change)
{
    ngx_uint_t  n;

    n = 1;

    ngx_http_intake_clock_key(args, sla, 'c', change->conversation_hash);

    if (change->has_id) {
        ngx_http_intake_clock_key(args, sla, 'e', change->id_hash);
        n++;
    }

    if (change->has_event) {
        ngx_http_intake_clock_key(args, sla, 'e', change->event_hash);
        n++;
    }

    return n;
}


void
ngx_http_intake_change_args(ngx_intake_redis_args_t *args,
    ngx_http_intake_sla_t *sla, ngx_http_intake_change_t *change)
{
    ngx_intake_redis_text_arg(args, &ngx_http_intake_kinds[change->kind]);
    ngx_intake_redis_number_arg(args, change->time);
    ngx_intake_redis_number_arg(args, change->tier);
    ngx_intake_redis_number_arg(args, (change->has_id ? 1 : 0)
                                      + (change->has_event ? 2 : 0)
                                      + (change->skewed ? 4 : 0));
    ngx_intake_redis_text_arg(args, &change->conversation);
    ngx_intake_redis_number_arg(args, change->extra);

    ngx_http_intake_readings_args(args, sla, change->readings);
}


int64_t
ngx_http_intake_now(void)
{
    struct timeval  tv;

    ngx_gettimeofday(&tv);

    return (int64_t) tv.tv_sec * 1000 + tv.tv_usec / 1000;
}


int64_t
ngx_http_intake_number(ngx_str_t *text)
{
    size_t      i;
    int64_t     n;
    ngx_uint_t  minus;

    n = 0;
    minus = (text->len && text->data[0] == '-');

    for (i = minus; i < text->len && i < 18 + minus; i++) {

        if (text->data[i] < '0' || text->data[i] > '9') {
            break;
        }

        n = n * 10 + (text->data[i] - '0');
    }

    return minus ? -n : n;
}


int64_t
ngx_http_intake_reply_number(ngx_intake_redis_reply_t *reply)
{
    return reply->type == NGX_INTAKE_REDIS_INTEGER
           ? reply->integer : ngx_http_intake_number(&reply->str);
}


ngx_int_t
ngx_http_intake_random_text(u_char *text, ngx_log_t *log)
{
    u_char  random[NGX_HTTP_INTAKE_SECRET_LEN / 2];

    if (RAND_bytes(random, sizeof(random)) != 1) {
        ngx_log_error(NGX_LOG_ERR, log, 0,
                      "no random bytes for the names of conversations");
        return NGX_ERROR;
    }

    (void) ngx_hex_dump(text, random, sizeof(random));

    return NGX_OK;
}
