/* sources: src/redis/ngx_intake_redis_resp.c */
/* sources: src/redis/ngx_intake_redis_error.c */
/* sources: src/redis/ngx_intake_redis_slots.c */
/* libs: -lhiredis */

/*
 * Copyright (C) nginx-intake contributors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_intake_redis_error.h"
#include "ngx_intake_redis_resp.h"
#include "ngx_intake_redis_slots.h"


/*
 * The input is what a server sends.  The replies in it are the same however it
 * is cut, and those that a plain reading of the protocol finds; what is written
 * as a command is read back.  As the text of an error and of INFO, and as a
 * key, it is read as a plain search reads it.
 */


#define FUZZ_DEPTH   7
#define FUZZ_DIGITS  9
#define FUZZ_ARGS    16

#define check(condition)  if (!(condition)) { abort(); }


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


/* the replies as a text of our own */

typedef struct {
    u_char      *data;
    size_t       len;
    size_t       size;
} fuzz_text_t;


static void
fuzz_add(fuzz_text_t *text, const void *data, size_t len)
{
    if (text->len + len > text->size) {
        text->size = 2 * text->size + len;
        text->data = realloc(text->data, text->size);
        check(text->data != NULL);
    }

    if (len) {
        memcpy(text->data + text->len, data, len);
        text->len += len;
    }
}


static void
fuzz_add_value(fuzz_text_t *text, char type, long long n)
{
    int   len;
    char  buf[32];

    len = snprintf(buf, sizeof(buf), "%c%lld ", type, n);

    fuzz_add(text, buf, len);
}


static void
fuzz_reply(fuzz_text_t *text, ngx_intake_redis_reply_t *reply)
{
    ngx_uint_t                i;
    ngx_intake_redis_reply_t  element;

    switch (reply->type) {

    case NGX_INTAKE_REDIS_STRING:
        fuzz_add_value(text, '$', reply->str.len);
        fuzz_add(text, reply->str.data, reply->str.len);
        break;

    case NGX_INTAKE_REDIS_INTEGER:
        fuzz_add_value(text, ':', reply->integer);
        break;

    case NGX_INTAKE_REDIS_ARRAY:
        fuzz_add_value(text, '*', reply->nelts);

        for (i = 0; i < reply->nelts; i++) {
            element = ngx_intake_redis_element(reply, i);
            fuzz_reply(text, &element);
        }

        break;

    default:
        fuzz_add_value(text, '_', 0);
        break;
    }
}


/* returns how reading ended */

static ngx_int_t
fuzz_read(fuzz_text_t *text, const uint8_t *data, size_t size, size_t cut)
{
    void                      *reader, *memory;
    size_t                     n, pos;
    u_char                    *piece;
    ngx_int_t                  rc;
    ngx_intake_redis_reply_t   reply;

    memset(text, 0, sizeof(fuzz_text_t));

    reader = ngx_intake_redis_reader_create();
    check(reader != NULL);

    rc = NGX_AGAIN;

    for (pos = 0; rc == NGX_AGAIN && pos < size; pos += n) {
        n = ngx_min(cut, size - pos);

        piece = malloc(n);
        memcpy(piece, data + pos, n);
        check(ngx_intake_redis_reader_feed(reader, piece, n) == NGX_OK);
        free(piece);

        for ( ;; ) {
            rc = ngx_intake_redis_reader_next(reader, &reply, &memory);

            if (rc != NGX_OK && rc != NGX_DECLINED) {
                check(rc == NGX_AGAIN || rc == NGX_ERROR);
                check(memory == NULL);
                break;
            }

            fuzz_add_value(text, (rc == NGX_OK) ? '+' : '-', 0);
            fuzz_reply(text, &reply);
            ngx_intake_redis_reader_release(memory);
        }
    }

    ngx_intake_redis_reader_free(reader);

    return rc;
}


/* the number of a line as servers write it; NULL: not so */

static const uint8_t *
fuzz_plain_number(const uint8_t *p, const uint8_t *last, long long *n)
{
    int             minus;
    const uint8_t  *start;

    minus = (p < last && *p == '-');
    start = p += minus;

    for (*n = 0; p < last && *p >= '0' && *p <= '9'; p++) {

        if (p - start == FUZZ_DIGITS) {
            return NULL;
        }

        *n = *n * 10 + (*p - '0');
    }

    if (p == start || last - p < 2
        || (*start == '0' && (minus || p - start > 1))
        || p[0] != '\r' || p[1] != '\n')
    {
        return NULL;
    }

    *n = minus ? -*n : *n;

    return p + 2;
}


static const uint8_t *
fuzz_plain(fuzz_text_t *text, const uint8_t *p, const uint8_t *last,
    ngx_uint_t depth)
{
    long long       n;
    const uint8_t  *end;

    if (p == last) {
        return NULL;
    }

    if (*p == '+' || *p == '-') {
        end = memmem(p, last - p, "\r\n", 2);

        if (end == NULL) {
            return NULL;
        }

        fuzz_add_value(text, '$', end - p - 1);
        fuzz_add(text, p + 1, end - p - 1);

        return end + 2;
    }

    if (strchr(":$*", *p) == NULL || *p == '\0') {
        return NULL;
    }

    end = fuzz_plain_number(p + 1, last, &n);

    if (end == NULL || (*p != ':' && n < -1)
        || (*p == '*' && depth == FUZZ_DEPTH))
    {
        return NULL;
    }

    if (*p == ':') {
        fuzz_add_value(text, ':', n);
        return end;
    }

    if (n == -1) {
        fuzz_add_value(text, '_', 0);
        return end;
    }

    fuzz_add_value(text, *p, n);

    if (*p == '*') {
        while (n-- && end != NULL) {
            end = fuzz_plain(text, end, last, depth + 1);
        }

        return end;
    }

    if (last - end < n + 2 || end[n] != '\r' || end[n + 1] != '\n') {
        return NULL;
    }

    fuzz_add(text, end, n);

    return end + n + 2;
}


static void
fuzz_replies(const uint8_t *data, size_t size)
{
    size_t          cut, len;
    ngx_int_t       rc;
    fuzz_text_t     whole, pieces, plain;
    const uint8_t  *p;

    rc = fuzz_read(&whole, data, size, size);

    for (cut = 1; cut <= size / 2; cut += 1 + size / 5) {
        check(fuzz_read(&pieces, data, size, cut) == rc);
        check(pieces.len == whole.len
              && (whole.len == 0
                  || memcmp(pieces.data, whole.data, whole.len) == 0));
        free(pieces.data);
    }

    memset(&plain, 0, sizeof(fuzz_text_t));

    for (p = data, len = 0; p != NULL && p < data + size; ) {
        len = plain.len;

        fuzz_add_value(&plain, (*p == '-') ? '-' : '+', 0);
        p = fuzz_plain(&plain, p, data + size, 0);
    }

    len = (p == NULL) ? len : plain.len;

    check(whole.len >= len
          && (len == 0 || memcmp(whole.data, plain.data, len) == 0));
    check(p == NULL || (rc == NGX_AGAIN && whole.len == len));

    free(whole.data);
    free(plain.data);
}


/* the input as a command of some arguments */

static void
fuzz_command(u_char *data, size_t size)
{
    u_char       *buf, *p;
    size_t        i, n, len;
    ngx_int_t     rc;
    fuzz_text_t   text, expected;

    memset(&expected, 0, sizeof(fuzz_text_t));

    n = 1 + size % FUZZ_ARGS;
    len = size / n;

    buf = malloc(NGX_INTAKE_REDIS_RESP_HEADER
                 + n * (NGX_INTAKE_REDIS_RESP_FRAME + len));
    check(buf != NULL);

    p = ngx_intake_redis_resp_header(buf, '*', n);
    fuzz_add_value(&expected, '+', 0);
    fuzz_add_value(&expected, '*', n);

    for (i = 0; i < n; i++) {
        p = ngx_intake_redis_resp_bulk(p, data + i * len, len);
        fuzz_add_value(&expected, '$', len);
        fuzz_add(&expected, data + i * len, len);
    }

    rc = fuzz_read(&text, buf, p - buf, p - buf);

    check(rc == NGX_AGAIN && text.len == expected.len
          && memcmp(text.data, expected.data, text.len) == 0);

    free(text.data);
    free(expected.data);
    free(buf);
}


static void
fuzz_info(ngx_str_t *text, const char *name)
{
    size_t     i, end, len;
    u_char    *p;
    ngx_str_t  value;

    p = text->data;
    len = strlen(name);

    for (i = 0; i + len < text->len; i++) {
        if ((i == 0 || p[i - 1] == '\n') && memcmp(p + i, name, len) == 0
            && p[i + len] == ':')
        {
            i += len + 1;

            for (end = i; end < text->len && p[end] != '\n'; end++) {
                /* void */
            }

            end -= (end > i && p[end - 1] == '\r');

            check(ngx_intake_redis_info_field(text, name, &value) == NGX_OK);
            check(value.data == p + i && value.len == end - i);

            return;
        }
    }

    check(ngx_intake_redis_info_field(text, name, &value) == NGX_DECLINED);
}


/* a redirection that is written anew says the same */

static void
fuzz_redirection(ngx_str_t *text)
{
    int         n;
    char       *buf;
    ngx_str_t   host, again;
    in_port_t   port, port_again;
    ngx_uint_t  slot, slot_again;

    if (ngx_intake_redis_redirection(text, &slot, &host, &port) != NGX_OK) {
        return;
    }

    check(slot < NGX_INTAKE_REDIS_SLOTS && port > 0);
    check(host.data >= text->data
          && host.data + host.len < text->data + text->len);

    buf = malloc(text->len + 32);
    n = sprintf(buf, "ASK %lu %s", (unsigned long) slot, host.len ? "[" : "");
    memcpy(buf + n, host.data, host.len);
    n += host.len;
    n += sprintf(buf + n, "%s:%u", host.len ? "]" : "", port);

    again.data = (u_char *) buf;
    again.len = n;

    check(ngx_intake_redis_redirection(&again, &slot_again, &again,
                                       &port_again)
          == NGX_OK);
    check(slot_again == slot && port_again == port);
    check(again.len == host.len
          && memcmp(again.data, host.data, host.len) == 0);

    free(buf);
}


/* bit by bit, as the polynomial says */

static void
fuzz_slot(u_char *key, size_t len)
{
    size_t      i, bit;
    u_char     *open, *end;
    ngx_str_t   tag;
    ngx_uint_t  crc;

    tag.data = key;
    tag.len = len;

    open = memchr(key, '{', len);
    end = open ? memchr(open, '}', key + len - open) : NULL;

    if (end && end > open + 1) {
        tag.data = open + 1;
        tag.len = end - tag.data;
    }

    for (crc = 0, i = 0; i < tag.len; i++) {
        crc ^= tag.data[i] << 8;

        for (bit = 0; bit < 8; bit++) {
            crc = (crc << 1) ^ ((crc & 0x8000) ? 0x11021 : 0);
        }
    }

    check(ngx_intake_redis_slot(key, len) == crc % NGX_INTAKE_REDIS_SLOTS);
}


static void
fuzz_error(ngx_str_t *text)
{
    size_t                           i, len;
    u_char                           buf[64];
    const ngx_intake_redis_error_t  *row;

    row = ngx_intake_redis_error(text);

    check(row >= ngx_intake_redis_errors
          && row < ngx_intake_redis_errors + NGX_INTAKE_REDIS_ERRORS);

    len = ngx_intake_redis_error_text(buf, sizeof(buf), text);
    check(len <= sizeof(buf) && len <= text->len);

    for (i = 0; i < len; i++) {
        check(buf[i] == text->data[i]
              ? buf[i] >= ' ' && buf[i] <= '~' : buf[i] == '?');
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ngx_str_t  text;

    if (size == 0) {
        return 0;
    }

    text.data = (u_char *) data;
    text.len = size;

    fuzz_replies(data, size);
    fuzz_command(text.data, size);
    fuzz_info(&text, "role");
    fuzz_info(&text, "aof_enabled");
    fuzz_redirection(&text);
    fuzz_slot(text.data, size);
    fuzz_error(&text);

    return 0;
}
