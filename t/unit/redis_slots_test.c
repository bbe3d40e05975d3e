/* sources: src/redis/ngx_intake_redis_slots.c */

/*
 * Copyright (C) nginx-intake contributors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_intake_redis_slots.h"
#include "bytes.h"
#include "tap.h"


typedef struct {
    const char  *key;
    ngx_uint_t   slot;
} slot_case_t;


typedef struct {
    const char  *text;
    ngx_int_t    rc;
    ngx_uint_t   slot;
    const char  *host;
    ngx_uint_t   port;
} redirection_case_t;


/* as CLUSTER KEYSLOT of Redis 7.0 says */

static slot_case_t  slots[] = {
    { "", 0 },
    { "foo", 12182 },
    { "123456789", 12739 },
    { "intake:{github}", 10239 },
    { "intake:{github}:dedupe:s:abc", 10239 },
    { "{a", 10276 },
    { "a}", 5921 },
    { "{}", 15257 },
    { "{}a", 10875 },
    { "a{}{b}", 15033 },
    { "a{b}c{d}", 3300 },
    { "{{b}}", 6215 },
    { "}{b}", 3300 },
    { "foo{{bar}}zap", 4015 },
    { "foo{bar}{zap}", 5061 },
    { "\xc3\xbc{\xc3\xbc}", 9552 },
};


static redirection_case_t  redirections[] = {
    { "MOVED 3999 127.0.0.1:6381", NGX_OK, 3999, "127.0.0.1", 6381 },
    { "ASK 0 redis.test:1", NGX_OK, 0, "redis.test", 1 },
    { "MOVED 16383 :65535", NGX_OK, 16383, "", 65535 },
    { "MOVED 1 ::1:6379", NGX_OK, 1, "::1", 6379 },
    { "MOVED 1 [::1]:6379", NGX_OK, 1, "::1", 6379 },
    { "MOVED 16384 127.0.0.1:6381", NGX_DECLINED, 0, "", 0 },
    { "MOVED -1 127.0.0.1:6381", NGX_DECLINED, 0, "", 0 },
    { "MOVED x 127.0.0.1:6381", NGX_DECLINED, 0, "", 0 },
    { "MOVED 99999999999999999999 a:1", NGX_DECLINED, 0, "", 0 },
    { "MOVED 1 127.0.0.1:65536", NGX_DECLINED, 0, "", 0 },
    { "MOVED 1 127.0.0.1:0", NGX_DECLINED, 0, "", 0 },
    { "MOVED 1 127.0.0.1:", NGX_DECLINED, 0, "", 0 },
    { "MOVED 1 127.0.0.1", NGX_DECLINED, 0, "", 0 },
    { "MOVED 1 ", NGX_DECLINED, 0, "", 0 },
    { "MOVED 1", NGX_DECLINED, 0, "", 0 },
    { "MOVED ", NGX_DECLINED, 0, "", 0 },
    { "ASK", NGX_DECLINED, 0, "", 0 },
    { "TRYAGAIN", NGX_DECLINED, 0, "", 0 },
    { "", NGX_DECLINED, 0, "", 0 },
};


int
main(void)
{
    ngx_int_t            rc;
    ngx_str_t            text, host;
    in_port_t            port;
    ngx_uint_t           i, slot;
    redirection_case_t  *c;

    for (i = 0; i < sizeof(slots) / sizeof(slots[0]); i++) {
        slot = ngx_intake_redis_slot((u_char *) slots[i].key,
                                     strlen(slots[i].key));
        ok(slot == slots[i].slot, "%s", slots[i].key);
    }

    for (i = 0; i < sizeof(redirections) / sizeof(redirections[0]); i++) {
        c = &redirections[i];

        /* of its own size, so that reading too far is found */

        text = copy_string(c->text, strlen(c->text));

        rc = ngx_intake_redis_redirection(&text, &slot, &host, &port);

        ok(rc == c->rc
           && (rc != NGX_OK
               || (slot == c->slot && port == c->port
                   && host.len == strlen(c->host)
                   && memcmp(host.data, c->host, host.len) == 0)),
           "%s", c->text);

        free(text.data);
    }

    return done();
}
