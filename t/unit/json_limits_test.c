/* sources: src/json/ngx_intake_json.c src/json/ngx_intake_json_scan.c */
/* sources: src/json/ngx_intake_json_string.c */

/*
 * Copyright (C) nginx-intake contributors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <dirent.h>
#include <stdio.h>
#include "ngx_intake_json.h"
#include "tap.h"


#define BIG  (4 * 1024 * 1024)


typedef struct {
    ngx_uint_t   calls;
    ngx_uint_t   wrong;
} test_order_t;


static char        *big;


static ngx_int_t
test_count(void *ctx, ngx_uint_t n, ngx_intake_json_value_t *value)
{
    test_order_t  *order = ctx;

    order->calls++;

    return NGX_OK;
}


static ngx_int_t
test_read(size_t len, const char *names, ngx_intake_json_handler_pt handler,
    void *ctx, size_t *offset)
{
    ngx_int_t                       rc;
    ngx_str_t                       text;
    ngx_intake_json_t               json;
    ngx_intake_json_path_t         *paths[NGX_INTAKE_JSON_MAX_PATHS];
    static ngx_intake_json_path_t   parsed[NGX_INTAKE_JSON_MAX_PATHS];

    json.npaths = 0;

    while (*names) {
        text.data = (u_char *) names;
        text.len = strcspn(names, " ");
        names += text.len + strspn(names + text.len, " ");

        paths[json.npaths] = &parsed[json.npaths];

        if (ngx_intake_json_path_parse(&text, &parsed[json.npaths++],
                                       NGX_INTAKE_JSON_MEMBERS)
            != NGX_OK)
        {
            return NGX_BUSY;
        }
    }

    json.paths = paths;
    json.handler = handler;
    json.ctx = ctx;

    rc = ngx_intake_json_read(&json, (u_char *) big, len);

    *offset = json.offset;

    return rc;
}


/* the verdict must not depend on whether paths lead into the document */

static ngx_int_t
test_verdict(size_t len, size_t *offset)
{
    size_t        other;
    ngx_int_t     rc;
    test_order_t  order;

    rc = test_read(len, "", NULL, NULL, offset);

    if (test_read(len, "id *.*.*.*.*.*.*.*.*.*.*.*.*.*.*.*.*.*.*.*.*.*.*.*.*.*"
                  " a.*.b.0 0.0.0.0.0", test_count, &order, &other)
        != rc
        || other != *offset
        || test_read(len, "b", test_count, &order, &other) != rc
        || other != *offset)
    {
        return NGX_BUSY;
    }

    return rc;
}


/* nested arrays, objects, or one in the other */

static size_t
test_nested(ngx_uint_t n, ngx_uint_t kind)
{
    char        *p;
    ngx_uint_t   i;

    p = big;

    for (i = 0; i < n; i++) {
        p = stpcpy(p, (kind == 0 || (kind == 2 && i & 1)) ? "[" : "{\"a\":");
    }

    *p++ = '1';

    while (i--) {
        *p++ = (kind == 0 || (kind == 2 && i & 1)) ? ']' : '}';
    }

    return p - big;
}


static void
test_depth(void)
{
    size_t      offset;
    ngx_uint_t  kind;

    for (kind = 0; kind < 3; kind++) {
        ok(test_verdict(test_nested(512, kind), &offset) == NGX_OK,
           "as deep as allowed");
        ok(test_verdict(test_nested(513, kind), &offset) == NGX_DECLINED,
           "too deep");
        ok(test_verdict(test_nested(100000, kind), &offset) == NGX_DECLINED,
           "much too deep");
    }

    ngx_memset(big, '[', BIG);
    ok(test_verdict(BIG, &offset) == NGX_DECLINED && offset == 512,
       "four million brackets");
}


static void
test_arguments(void)
{
    ngx_intake_json_t  json;

    ngx_memzero(&json, sizeof(ngx_intake_json_t));

    ok(ngx_intake_json_read(&json, (u_char *) "1", 1) == NGX_OK, "no paths");
    ok(ngx_intake_json_read(&json, NULL, 0) == NGX_ERROR, "no document");

#if (NGX_PTR_SIZE == 8)
    ok(ngx_intake_json_read(&json, (u_char *) "1", (size_t) 1 << 32)
       == NGX_DECLINED, "too long");
#endif

    json.npaths = NGX_INTAKE_JSON_MAX_PATHS + 1;
    ok(ngx_intake_json_read(&json, (u_char *) "1", 1) == NGX_DECLINED,
       "too many paths");
}


static ngx_int_t
test_update(void *ctx, ngx_uint_t n, ngx_intake_json_value_t *value)
{
    char           text[32];
    test_order_t  *order = ctx;

    sprintf(text, "%c%06u", "csm"[n], (unsigned) (order->calls / 3));

    if (n != order->calls % 3 || value->nindices != 1
        || value->indices[0] != order->calls / 3 || value->raw.len != 7
        || ngx_memcmp(value->raw.data, text, 7) != 0)
    {
        order->wrong++;
    }

    order->calls++;

    return NGX_OK;
}


static void
test_updates(void)
{
    char          *p;
    size_t         offset;
    ngx_uint_t     i;
    test_order_t   order;

    p = stpcpy(big, "{\"updates\":[");

    for (i = 0; i < 1000; i++) {
        p += sprintf(p, "%s{\"conversation\":\"c%06u\",\"from\":{\"x\":[1,{}],"
                     "\"id\":\"s%06u\"},\"id\":\"m%06u\",\"text\":\"",
                     i ? "," : "", (unsigned) i, (unsigned) i, (unsigned) i);
        ngx_memset(p, 'x', 3000);
        p = stpcpy(p + 3000, "\\n\"}");
    }

    p = stpcpy(p, "]}");

    ngx_memzero(&order, sizeof(test_order_t));

    ok(test_read(p - big, "updates.*.conversation updates.*.from.id "
                 "updates.*.id", test_update, &order, &offset)
       == NGX_OK && p - big > 3000000, "a body of 3 MB is read");

    ok(order.calls == 3000 && order.wrong == 0, "with 1000 updates in order");
}


static void
test_names(void)
{
    char          *p, *last, paths[512];
    size_t         offset;
    ngx_uint_t     i;
    test_order_t   order;

    p = stpcpy(big, "{");

    for (i = 0; i < 60000; i++) {
        p += sprintf(p, "\"k%u\":%u,", (unsigned) i, (unsigned) i);
    }

    p = stpcpy(p, "\"end\":1}");

    ngx_memzero(&order, sizeof(test_order_t));

    ok(test_read(p - big, "k0 k59999 end k60000", test_count, &order, &offset)
       == NGX_OK && order.calls == 3, "60,000 names");

    /* as many paths as there may be, all of which match every name */

    p = stpcpy(big, "{");

    for (i = 0; i < 100000; i++) {
        p = stpcpy(p, "\"a\":{},");
    }

    p = stpcpy(p, "\"b\":1}");

    last = paths;

    for (i = 0; i < NGX_INTAKE_JSON_MAX_PATHS; i++) {
        last = stpcpy(last, i ? " a.b" : "a.b");
    }

    ngx_memzero(&order, sizeof(test_order_t));

    ok(test_read(p - big, paths, test_count, &order, &offset) == NGX_OK
       && order.calls == 99999 * NGX_INTAKE_JSON_MAX_PATHS,
       "64 paths, 100,000 duplicates");
}


static void
test_body(const char *path, const char *name)
{
    FILE        *file;
    size_t       len, n, offset;
    ngx_uint_t   wrong;

    file = fopen(path, "rb");
    len = file ? fread(big, 1, BIG, file) : 0;

    if (file) {
        fclose(file);
    }

    ok(test_verdict(len, &offset) == NGX_OK, "%s", name);

    while (len && (big[len - 1] == '\n' || big[len - 1] == '\r')) {
        len--;
    }

    for (n = 0, wrong = 0; n < len; n += 1 + len / 2000) {
        wrong += test_verdict(n, &offset) != NGX_ERROR;
    }

    ok(wrong == 0, "and no beginning of it");
}


/* real bodies, where they are at hand */

static void
test_bodies(void)
{
    DIR            *dir;
    char            name[1024], path[2048];
    const char     *root;
    struct dirent  *de;

    root = getenv("INTAKE_VECTORS");

    snprintf(name, sizeof(name), "%s/webhooks/payloads", root ? root : "");
    dir = root ? opendir(name) : NULL;

    if (dir == NULL) {
        skip("real bodies", "no INTAKE_VECTORS");
        return;
    }

    for ( ;; ) {
        de = readdir(dir);

        if (de == NULL) {
            break;
        }

        if (strstr(de->d_name, ".json")) {
            snprintf(path, sizeof(path), "%s/%s", name, de->d_name);
            test_body(path, de->d_name);
        }
    }

    closedir(dir);
}


int
main(void)
{
    big = malloc(BIG);
    if (big == NULL) {
        return 1;
    }

    test_depth();
    test_arguments();
    test_updates();
    test_names();
    test_bodies();

    free(big);

    return done();
}
