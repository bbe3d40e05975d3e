
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake_replies.h"
#include "ngx_http_intake_event.h"

#include <jansson.h>


/* The items of a request to intake_replies, read from JSON. */


static json_t *ngx_http_intake_load(ngx_str_t *text, ngx_uint_t *failed);
static void *ngx_http_intake_load_alloc(size_t size);
static ngx_int_t ngx_http_intake_read_item(
    ngx_http_intake_replies_t *replies, json_t *object);
static ngx_int_t ngx_http_intake_item_members(
    ngx_http_intake_replies_t *replies, ngx_http_intake_reply_item_t *item,
    json_t *object);
static ngx_int_t ngx_http_intake_item_kind(
    ngx_http_intake_reply_item_t *item, ngx_str_t *kind);
static ngx_uint_t ngx_http_intake_item_is_ahead(
    ngx_http_intake_reply_item_t *item, int64_t time, int64_t now);
static ngx_int_t ngx_http_intake_item_time(ngx_http_intake_replies_t *replies,
    ngx_http_intake_reply_item_t *item, json_t *object, const char *name,
    int64_t *time);
static ngx_int_t ngx_http_intake_item_text(ngx_http_intake_replies_t *replies,
    ngx_http_intake_reply_item_t *item, json_t *object, const char *name,
    ngx_str_t *text);
static ngx_int_t ngx_http_intake_item_fails(
    ngx_http_intake_reply_item_t *item, ngx_http_intake_reply_error_e error,
    const char *member);


/* what is sent as `reply` and `message` is outbound and inbound here */

static ngx_str_t  ngx_http_intake_reply_kinds[] = {
    ngx_string("message"),
    ngx_string("reply"),
    ngx_string("auto"),
    ngx_string("note"),
    ngx_string("reaction"),
    ngx_string("pause"),
    ngx_string("resume"),
    ngx_string("close"),
    ngx_string("merge")
};


static json_malloc_t  ngx_http_intake_load_malloc;
static ngx_uint_t     ngx_http_intake_load_failed;


ngx_int_t
ngx_http_intake_read_items(ngx_http_intake_replies_t *replies,
    const char **detail)
{
    size_t       i, n;
    json_t      *root;
    ngx_int_t    rc;
    ngx_uint_t   failed;

    root = ngx_http_intake_load(&replies->body, &failed);

    if (failed) {
        json_decref(root);
        return NGX_ERROR;
    }

    if (root == NULL) {
        *detail = "the body must be JSON, its strings Unicode, its integers "
                  "of 64 bits, no member of an object twice";
        return NGX_DECLINED;
    }

    if (json_is_object(root)) {
        rc = ngx_http_intake_read_item(replies, root);
        json_decref(root);
        return rc;
    }

    n = json_array_size(root);
    replies->array = 1;

    if (!json_is_array(root) || n > NGX_HTTP_INTAKE_MAX_REPLIES) {
        *detail = "the body must be a JSON object, or an array of at most "
                  "1000";
        json_decref(root);
        return NGX_DECLINED;
    }

    rc = NGX_OK;

    for (i = 0; i < n && rc == NGX_OK; i++) {

        if (!json_is_object(json_array_get(root, i))) {
            *detail = "each element of the array must be an object";
            rc = NGX_DECLINED;
            break;
        }

        rc = ngx_http_intake_read_item(replies, json_array_get(root, i));
    }

    json_decref(root);

    return rc;
}


/*
 * Where memory is wanting, jansson finds fault with the text, or leaves a
 * character out of it: its allocations are watched.
 */

static json_t *
ngx_http_intake_load(ngx_str_t *text, ngx_uint_t *failed)
{
    json_t       *root;
    json_free_t   free_pt;

    json_get_alloc_funcs(&ngx_http_intake_load_malloc, &free_pt);
    json_set_alloc_funcs(ngx_http_intake_load_alloc, free_pt);

    ngx_http_intake_load_failed = 0;

    root = json_loadb((char *) text->data, text->len, JSON_REJECT_DUPLICATES,
                      NULL);

    json_set_alloc_funcs(ngx_http_intake_load_malloc, free_pt);

    *failed = ngx_http_intake_load_failed;

    return root;
}


static void *
ngx_http_intake_load_alloc(size_t size)
{
    void  *p;

    p = ngx_http_intake_load_malloc(size);

    if (p == NULL) {
        ngx_http_intake_load_failed = 1;
    }

    return p;
}


/* an item that is wrong gets its error: the others are taken all the same */

static ngx_int_t
ngx_http_intake_read_item(ngx_http_intake_replies_t *replies, json_t *object)
{
    ngx_int_t                      rc;
    ngx_http_intake_reply_item_t  *item;

    item = ngx_array_push(&replies->items);
    if (item == NULL) {
        return NGX_ERROR;
    }

    ngx_memzero(item, sizeof(ngx_http_intake_reply_item_t));

    item->response = -1;
    item->business = -1;
    item->met = -1;
    item->due = -1;
    item->tier = -1;

    rc = ngx_http_intake_item_members(replies, item, object);

    return rc == NGX_ERROR ? NGX_ERROR : NGX_OK;
}


/* NGX_DECLINED: error is set */

static ngx_int_t
ngx_http_intake_item_members(ngx_http_intake_replies_t *replies,
    ngx_http_intake_reply_item_t *item, json_t *object)
{
    int64_t                    now;
    ngx_int_t                  rc;
    ngx_str_t                  source, kind, event, into;
    ngx_uint_t                 i;
    ngx_http_intake_change_t  *change;

    struct {
        const char            *name;
        ngx_str_t             *value;
    } texts[] = {
        { "source", &source },
        { "kind", &kind },
        { "event", &event },
        { "into", &into },
        { "id", &item->id },
        { "conversation", &item->change.conversation }
    };

    change = &item->change;
    now = ngx_http_intake_now();

    for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        rc = ngx_http_intake_item_text(replies, item, object, texts[i].name,
                                       texts[i].value);
        if (rc != NGX_OK) {
            return rc;
        }
    }

    if (source.len == 0) {
        return ngx_http_intake_item_fails(item,
                                  NGX_HTTP_INTAKE_REPLY_MISSING, "source");
    }

    item->source = ngx_http_intake_reply_source(replies->conf, &source);

    if (item->source == NULL) {
        return ngx_http_intake_item_fails(item,
                               NGX_HTTP_INTAKE_REPLY_UNKNOWN_SOURCE, NULL);
    }

    if (ngx_http_intake_item_kind(item, &kind) != NGX_OK) {
        return NGX_DECLINED;
    }

    change->time = now;

    rc = ngx_http_intake_item_time(replies, item, object, "at",
                                   &change->time);
    if (rc != NGX_OK) {
        return rc;
    }

    if (ngx_http_intake_item_is_ahead(item, change->time, now)) {
        return ngx_http_intake_item_fails(item,
                                  NGX_HTTP_INTAKE_REPLY_FUTURE_TIME, NULL);
    }

    if (change->conversation.len == 0) {

        if (event.len) {
            change->conversation = event;
            change->has_event = 1;

            if (ngx_http_intake_mark('e', &event, change->event_hash)
                != NGX_OK)
            {
                return NGX_ERROR;
            }

        } else if (change->kind == NGX_HTTP_INTAKE_KIND_CLOSE
                   && json_object_get(object, "before")
                   && json_object_get(object, "conversation") == NULL
                   && json_object_get(object, "event") == NULL)
        {
            /* an empty variable of a script does not mean everybody */

            item->bulk = 1;

            rc = ngx_http_intake_item_time(replies, item, object, "before",
                                           &item->before);
            if (rc != NGX_OK) {
                return rc;
            }

            if (ngx_http_intake_item_is_ahead(item, item->before, now)) {
                return ngx_http_intake_item_fails(item,
                                  NGX_HTTP_INTAKE_REPLY_FUTURE_TIME, NULL);
            }

            /* who wrote after it was closed still waits */

            item->before = ngx_min(item->before, change->time);

        } else {
            return ngx_http_intake_item_fails(item,
                            NGX_HTTP_INTAKE_REPLY_MISSING, "conversation");
        }
    }

    if (change->kind == NGX_HTTP_INTAKE_KIND_MERGE) {

        if (into.len == 0) {
            return ngx_http_intake_item_fails(item,
                                    NGX_HTTP_INTAKE_REPLY_MISSING, "into");
        }

        if (ngx_http_intake_hash(&into, change->into_hash) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    if (item->id.len) {
        change->has_id = 1;

        if (ngx_http_intake_mark('r', &item->id, change->id_hash) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return ngx_http_intake_change(item->source->sla, change, now);
}


static ngx_int_t
ngx_http_intake_item_kind(ngx_http_intake_reply_item_t *item, ngx_str_t *kind)
{
    ngx_uint_t  i;

    if (kind->len == 0) {
        return ngx_http_intake_item_fails(item,
                                    NGX_HTTP_INTAKE_REPLY_MISSING, "kind");
    }

    for (i = 0; i < NGX_HTTP_INTAKE_KINDS; i++) {

        if (ngx_http_intake_reply_kinds[i].len == kind->len
            && ngx_memcmp(ngx_http_intake_reply_kinds[i].data, kind->data,
                          kind->len)
               == 0)
        {
            item->change.kind = i;
            return NGX_OK;
        }
    }

    return ngx_http_intake_item_fails(item, NGX_HTTP_INTAKE_REPLY_BAD_KIND,
                                      NULL);
}


/* whether a time is further ahead than clocks may differ */

static ngx_uint_t
ngx_http_intake_item_is_ahead(ngx_http_intake_reply_item_t *item,
    int64_t time, int64_t now)
{
    return time > now + (int64_t) item->source->sla->tiers[0].skew;
}


/* a time that is absent stays as it is; clocks begin in 1970 */

static ngx_int_t
ngx_http_intake_item_time(ngx_http_intake_replies_t *replies,
    ngx_http_intake_reply_item_t *item, json_t *object, const char *name,
    int64_t *time)
{
    int64_t    usec;
    json_t    *value;
    ngx_str_t  text;

    value = json_object_get(object, name);

    if (value == NULL || json_is_null(value)) {
        return NGX_OK;
    }

    text.data = (u_char *) json_string_value(value);
    text.len = json_string_length(value);

    if (text.data == NULL
        || ngx_intake_time_parse(NGX_INTAKE_TIME_RFC3339, &text, &usec)
           != NGX_OK
        || usec < 0)
    {
        return ngx_http_intake_item_fails(item,
                                     NGX_HTTP_INTAKE_REPLY_BAD_TIME, NULL);
    }

    *time = usec / 1000;

    return NGX_OK;
}


/*
 * A string, or a number as text; empty if it is absent or null.  Another type,
 * control characters, or more than what names can be long: NGX_DECLINED.
 */

static ngx_int_t
ngx_http_intake_item_text(ngx_http_intake_replies_t *replies,
    ngx_http_intake_reply_item_t *item, json_t *object, const char *name,
    ngx_str_t *text)
{
    json_t    *value;
    ngx_str_t  s;
    u_char     number[NGX_INT64_LEN];

    ngx_str_null(text);
    ngx_str_null(&s);

    value = json_object_get(object, name);

    if (json_is_string(value)) {
        s.data = (u_char *) json_string_value(value);
        s.len = json_string_length(value);

        if (s.len == 0) {
            return NGX_OK;
        }

    } else if (json_is_integer(value)) {
        s.data = number;
        s.len = ngx_sprintf(number, "%L", (int64_t) json_integer_value(value))
                - number;

    } else if (value == NULL || json_is_null(value)) {
        return NGX_OK;
    }

    if (s.len == 0 || !ngx_http_intake_is_text(&s)) {
        return ngx_http_intake_item_fails(item,
                                     NGX_HTTP_INTAKE_REPLY_BAD_MEMBER, name);
    }

    text->data = ngx_pstrdup(replies->request->pool, &s);
    if (text->data == NULL) {
        return NGX_ERROR;
    }

    text->len = s.len;

    return NGX_OK;
}


static ngx_int_t
ngx_http_intake_item_fails(ngx_http_intake_reply_item_t *item,
    ngx_http_intake_reply_error_e error, const char *member)
{
    item->error = error;

    if (member) {
        item->member.data = (u_char *) member;
        item->member.len = ngx_strlen(member);
    }

    return NGX_DECLINED;
}


ngx_http_intake_source_t *
ngx_http_intake_reply_source(ngx_http_intake_main_conf_t *imcf,
    ngx_str_t *name)
{
    ngx_http_intake_source_t  *source;

    source = ngx_http_intake_find_named(imcf->sources, name);

    return (source && source->sla) ? source : NULL;
}
