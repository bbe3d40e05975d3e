/* sources: src/verify/ngx_http_intake_event.c */
/* sources: src/verify/ngx_http_intake_message.c */
/* sources: src/verify/ngx_http_intake_verify.c */
/* sources: src/http/ngx_http_intake_codes.c */
/* sources: src/verify/ngx_http_intake_signature.c */
/* sources: src/verify/ngx_http_intake_template.c */
/* sources: src/verify/ngx_http_intake_sorted_params.c */
/* sources: src/verify/ngx_http_intake_challenge.c */
/* sources: src/verify/ngx_http_intake_extract.c */
/* sources: src/verify/ngx_http_intake_content.c */
/* sources: src/verify/ngx_http_intake_url.c src/verify/ngx_http_intake_id.c */
/* sources: src/verify/ngx_http_intake_key.c src/verify/ngx_http_intake_jwt.c */
/* sources: src/verify/ngx_http_intake_sns.c src/verify/ngx_intake_uuid.c */
/* sources: src/verify/ngx_intake_encoding.c src/verify/ngx_intake_xml.c */
/* sources: src/verify/ngx_intake_xml_scan.c src/verify/ngx_intake_xml_text.c */
/* sources: src/verify/ngx_intake_digest.c src/verify/ngx_intake_pkey.c */
/* sources: src/verify/ngx_intake_sha256.c src/verify/ngx_intake_time.c */
/* sources: src/json/ngx_intake_json.c src/json/ngx_intake_json_string.c */
/* sources: src/json/ngx_intake_json_scan.c t/fuzz/nginx.c */
/* libs: -lcrypto -ljansson */

/*
 * Copyright (C) nginx-intake contributors
 */


#include "nginx.h"
#include "ngx_http_intake.h"
#include "ngx_http_intake_event.h"

#include <jansson.h>


/*
 * The input is the body of a delivery.  Its id and type can be attributes of an
 * entry, its keys are the same when it comes again, and its messages are those
 * that jansson finds.
 */


/* m.*, m.*.d, m.*.c, m.*.i, type, id */

#define FUZZ_PATHS  6
#define FUZZ_SRCS   (FUZZ_PATHS - 1)

enum {
    FUZZ_DIRECTION = 0, FUZZ_CONVERSATION, FUZZ_ID, FUZZ_TYPE, FUZZ_EVENT_ID
};


typedef struct {
    ngx_intake_json_path_t          paths[FUZZ_PATHS];
    ngx_http_intake_src_t           srcs[FUZZ_SRCS];
    ngx_http_intake_cond_t          condition;
    ngx_http_intake_message_rule_t  rules[2];
    ngx_http_intake_source_t        source;
    ngx_http_intake_platform_t      platform;
} fuzz_t;


static fuzz_t  fuzz;


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


/* a list of one REF of one SRC */

static ngx_array_t *
fuzz_refs(ngx_http_intake_src_t *src)
{
    ngx_array_t  **ref;

    ref = fuzz_alloc(sizeof(ngx_array_t *));
    *ref = fuzz_array(src, 1);

    return fuzz_array(ref, 1);
}


/* inbound when d=in, else outbound */

static void
fuzz_conf(void)
{
    ngx_uint_t   i;
    ngx_str_t   *in, name;

    static const char  *names[] = {
        "m.*", "m.*.d", "m.*.c", "m.*.i", "type", "id"
    };

    memset(&fuzz, 0, sizeof(fuzz));

    for (i = 0; i < FUZZ_PATHS; i++) {
        name = fuzz_copy(names[i], strlen(names[i]));

        check(ngx_intake_json_path_parse(&name, &fuzz.paths[i], 0) == NGX_OK);

        if (i) {
            fuzz.srcs[i - 1].kind = NGX_HTTP_INTAKE_SRC_JSON;
            fuzz.srcs[i - 1].name = name;
            fuzz.srcs[i - 1].path = i;
        }
    }

    in = fuzz_alloc(sizeof(ngx_str_t));
    *in = fuzz_copy("in", 2);

    fuzz.condition.type = NGX_HTTP_INTAKE_COND_VALUES;
    fuzz.condition.ref = fuzz_array(&fuzz.srcs[FUZZ_DIRECTION], 1);
    fuzz.condition.values = fuzz_array(in, 1);

    for (i = 0; i < 2; i++) {
        fuzz.rules[i].each = 0;
        fuzz.rules[i].conversation = fuzz_refs(&fuzz.srcs[FUZZ_CONVERSATION]);
        fuzz.rules[i].id = fuzz_refs(&fuzz.srcs[FUZZ_ID]);
    }

    fuzz.rules[0].direction = NGX_HTTP_INTAKE_INBOUND;
    fuzz.rules[0].when = fuzz_array(&fuzz.condition, 1);
    fuzz.rules[1].direction = NGX_HTTP_INTAKE_OUTBOUND;

    fuzz.platform.messages = fuzz_array(fuzz.rules, 2);
    fuzz.platform.type = fuzz_array(&fuzz.srcs[FUZZ_TYPE], 1);
    fuzz.platform.id = fuzz_array(&fuzz.srcs[FUZZ_EVENT_ID], 1);

    fuzz.source.platform = &fuzz.platform;
    fuzz.source.paths = fuzz_array(fuzz.paths, FUZZ_PATHS);
}


static void
fuzz_event(ngx_http_intake_ctx_t *ctx, ngx_str_t *body)
{
    memset(ctx, 0, sizeof(ngx_http_intake_ctx_t));

    ctx->request = fuzz_request();
    ctx->request->method = NGX_HTTP_POST;
    ctx->source = &fuzz.source;
    ctx->received = FUZZ_NOW * 1000000LL;
    ctx->body = *body;

    check(ngx_http_intake_event(ctx) == NGX_OK);

    check(ctx->id.len && ngx_http_intake_is_text(&ctx->id));
    check(ctx->type.len && ngx_http_intake_is_text(&ctx->type));
    check(ctx->recordedtime.len == NGX_INTAKE_TIME_LEN);
    check(ctx->key.len > 2 && ctx->key.data[0] == (u_char) ctx->key_kind
          && ctx->key.data[1] == ':');
}


static ngx_uint_t
fuzz_same(ngx_str_t *text, json_t *json)
{
    return text->len == json_string_length(json)
           && memcmp(text->data, json_string_value(json), text->len) == 0;
}


static json_t *
fuzz_string(json_t *object, const char *name)
{
    json_t  *json;

    json = json_object_get(object, name);

    return json_string_length(json) ? json : NULL;
}


/* numbers are not kept as they were written, true and false are texts */

static ngx_uint_t
fuzz_knows(json_t *element)
{
    json_t      *json;
    const char  *key;

    json_object_foreach(element, key, json) {
        if (json_is_number(json) || json_is_boolean(json)) {
            return 0;
        }
    }

    return 1;
}


static void
fuzz_messages(ngx_http_intake_ctx_t *ctx, json_t *root)
{
    size_t                      i;
    json_t                     *m, *element, *direction, *conversation, *id;
    ngx_uint_t                  n;
    ngx_http_intake_message_t  *message;

    m = json_object_get(root, "m");

    json_array_foreach(m, i, element) {
        if (!fuzz_knows(element)) {
            return;
        }
    }

    n = 0;

    json_array_foreach(m, i, element) {
        direction = fuzz_string(element, "d");
        conversation = fuzz_string(element, "c");
        id = fuzz_string(element, "i");

        if (conversation == NULL || id == NULL || n == 1000) {
            continue;
        }

        check(ctx->messages && n < ctx->messages->nelts);

        message = ctx->messages->elts;
        message += n++;

        check(fuzz_same(&message->conversation, conversation));
        check(fuzz_same(&message->id, id));
        check(message->time == -1);
        check(message->direction
              == (direction && strcmp(json_string_value(direction), "in") == 0
                  && json_string_length(direction) == 2
                  ? NGX_HTTP_INTAKE_INBOUND : NGX_HTTP_INTAKE_OUTBOUND));
    }

    check(n == (ctx->messages ? ctx->messages->nelts : 0));
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    json_t                 *root;
    ngx_str_t               body;
    ngx_http_intake_ctx_t   ctx, again;

    static ngx_uint_t  begun;

    if (!begun) {
        check(ngx_intake_sha256_init() == NGX_OK);
        begun = 1;
    }

    fuzz_conf();

    body = fuzz_copy(data, size);

    fuzz_event(&ctx, &body);
    fuzz_event(&again, &body);

    if (size) {
        check(ctx.key_kind != NGX_HTTP_INTAKE_KEY_OWN);
        check(ctx.key.len == again.key.len
              && memcmp(ctx.key.data, again.key.data, ctx.key.len) == 0);
        check(memcmp(ctx.key_hash, again.key_hash, NGX_HTTP_INTAKE_HASH_LEN)
              == 0);
    }

    /* jansson passes over a zero byte behind a number or a word */

    root = (size && memchr(data, '\0', size) == NULL)
           ? json_loadb((char *) data, size,
                        JSON_REJECT_DUPLICATES|JSON_ALLOW_NUL, NULL)
           : NULL;

    if (json_is_object(root)) {
        check(!ctx.unparsed);
        fuzz_messages(&ctx, root);
    }

    json_decref(root);
    fuzz_free();

    return 0;
}
