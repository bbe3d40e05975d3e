
/*
 * Copyright (C) nginx-intake contributors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_intake_redis_resp.h"

#include <hiredis/hiredis.h>


/* an element takes at least four bytes, so no reply we accept has more */
#define NGX_INTAKE_REDIS_MAX_ELEMENTS  (NGX_INTAKE_REDIS_MAX_UNPARSED / 4)

/* arrays in arrays; hiredis before 1.0 has a limit of its own */
#define NGX_INTAKE_REDIS_MAX_DEPTH     7


/* hiredis counted the elements of an array with an int before 1.0 */

#if (HIREDIS_MAJOR >= 1)
typedef size_t  ngx_intake_redis_count_t;
#else
typedef int     ngx_intake_redis_count_t;
#endif


static void *ngx_intake_redis_create_array(const redisReadTask *task,
    ngx_intake_redis_count_t n);
static void ngx_intake_redis_view(redisReply *r,
    ngx_intake_redis_reply_t *reply);


u_char *
ngx_intake_redis_resp_header(u_char *p, u_char type, size_t n)
{
    u_char  *d, digits[NGX_SIZE_T_LEN];

    *p++ = type;

    d = digits + NGX_SIZE_T_LEN;

    do {
        *--d = (u_char) ('0' + n % 10);
        n /= 10;
    } while (n);

    p = ngx_cpymem(p, d, digits + NGX_SIZE_T_LEN - d);

    *p++ = CR;
    *p++ = LF;

    return p;
}


u_char *
ngx_intake_redis_resp_bulk(u_char *p, u_char *data, size_t len)
{
    p = ngx_intake_redis_resp_header(p, '$', len);

    if (len) {
        p = ngx_cpymem(p, data, len);
    }

    *p++ = CR;
    *p++ = LF;

    return p;
}


void *
ngx_intake_redis_reader_create(void)
{
    redisReader               *reader;
    redisReplyObjectFunctions *fn;

    reader = redisReaderCreate();
    if (reader == NULL) {
        return NULL;
    }

    /*
     * An array's memory is taken as soon as its length was read.  All else is
     * left to hiredis: its own functions follow ours in the same memory.
     */

    fn = malloc(2 * sizeof(redisReplyObjectFunctions));
    if (fn == NULL) {
        redisReaderFree(reader);
        return NULL;
    }

    fn[0] = *reader->fn;
    fn[1] = *reader->fn;
    fn[0].createArray = ngx_intake_redis_create_array;

    reader->fn = fn;
    reader->privdata = fn;

    return reader;
}


static void *
ngx_intake_redis_create_array(const redisReadTask *task,
    ngx_intake_redis_count_t n)
{
    ngx_uint_t                  depth;
    redisReadTask              *parent;
    redisReplyObjectFunctions  *fn;

    if (n > NGX_INTAKE_REDIS_MAX_ELEMENTS) {
        return NULL;
    }

    depth = 1;

    for (parent = task->parent; parent; parent = parent->parent) {
        if (++depth > NGX_INTAKE_REDIS_MAX_DEPTH) {
            return NULL;
        }
    }

    fn = task->privdata;

    return fn[1].createArray(task, n);
}


void
ngx_intake_redis_reader_free(void *reader)
{
    void         *fn;
    redisReader  *r;

    r = reader;
    fn = r->privdata;

    redisReaderFree(r);

    free(fn);
}


ngx_int_t
ngx_intake_redis_reader_feed(void *reader, u_char *data, size_t len)
{
    return redisReaderFeed(reader, (char *) data, len) == REDIS_OK
           ? NGX_OK : NGX_ERROR;
}


ngx_int_t
ngx_intake_redis_reader_next(void *reader, ngx_intake_redis_reply_t *reply,
    void **memory)
{
    redisReply   *root;
    redisReader  *r;

    r = reader;
    *memory = NULL;

    if (redisReaderGetReply(r, memory) != REDIS_OK) {
        return NGX_ERROR;
    }

    root = *memory;

    if (root == NULL) {
        return (r->len - r->pos > NGX_INTAKE_REDIS_MAX_UNPARSED) ? NGX_ERROR
                                                                 : NGX_AGAIN;
    }

    ngx_intake_redis_view(root, reply);

    return (root->type == REDIS_REPLY_ERROR) ? NGX_DECLINED : NGX_OK;
}


void
ngx_intake_redis_reader_release(void *memory)
{
    freeReplyObject(memory);
}


static void
ngx_intake_redis_view(redisReply *r, ngx_intake_redis_reply_t *reply)
{
    ngx_memzero(reply, sizeof(ngx_intake_redis_reply_t));

    switch (r->type) {

    case REDIS_REPLY_STRING:
    case REDIS_REPLY_STATUS:
    case REDIS_REPLY_ERROR:
        reply->type = NGX_INTAKE_REDIS_STRING;
        reply->str.len = r->len;
        reply->str.data = (u_char *) r->str;
        break;

    case REDIS_REPLY_INTEGER:
        reply->type = NGX_INTAKE_REDIS_INTEGER;
        reply->integer = r->integer;
        break;

    case REDIS_REPLY_ARRAY:
        reply->type = NGX_INTAKE_REDIS_ARRAY;
        reply->nelts = r->elements;
        reply->elts = r->element;
        break;

    default:  /* REDIS_REPLY_NIL; RESP2 has no others */
        reply->type = NGX_INTAKE_REDIS_NIL;
        break;
    }
}


ngx_intake_redis_reply_t
ngx_intake_redis_element(ngx_intake_redis_reply_t *reply, ngx_uint_t i)
{
    redisReply                **elts;
    ngx_intake_redis_reply_t    element;

    elts = reply->elts;

    ngx_intake_redis_view(elts[i], &element);

    return element;
}


ngx_int_t
ngx_intake_redis_info_field(ngx_str_t *text, const char *name,
    ngx_str_t *value)
{
    size_t   len;
    u_char  *p, *last, *eol;

    len = ngx_strlen(name);
    p = text->data;
    last = p + text->len;

    while (p < last) {

        eol = memchr(p, LF, last - p);
        if (eol == NULL) {
            eol = last;
        }

        if ((size_t) (eol - p) > len
            && ngx_memcmp(p, name, len) == 0
            && p[len] == ':')
        {
            value->data = p + len + 1;
            value->len = eol - value->data;

            if (value->len && value->data[value->len - 1] == CR) {
                value->len--;
            }

            return NGX_OK;
        }

        p = eol + 1;
    }

    return NGX_DECLINED;
}
