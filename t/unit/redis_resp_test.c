/* sources: src/redis/ngx_intake_redis_resp.c */
/* sources: src/redis/ngx_intake_redis_error.c */
/* libs: -l:libhiredis.a */

/*
 * Copyright (C) nginx-intake contributors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_intake_redis_resp.h"
#include "ngx_intake_redis_error.h"
#include "bytes.h"
#include "tap.h"


typedef struct {
    const char                 *text;
    const char                 *word;
    ngx_intake_redis_action_e   action;
} error_case_t;


static ngx_uint_t
equals(ngx_str_t *s, const char *text)
{
    return s->len == strlen(text) && memcmp(s->data, text, s->len) == 0;
}


static void
test_encode(void)
{
    u_char  *p, buf[256];

    p = ngx_intake_redis_resp_header(buf, '*', 0);
    ok(p - buf == 4 && memcmp(buf, "*0\r\n", 4) == 0, "an empty header");

    p = ngx_intake_redis_resp_header(buf, '$', 1234567890);
    ok(p - buf == 13 && memcmp(buf, "$1234567890\r\n", 13) == 0,
       "all digits of a length");

    p = ngx_intake_redis_resp_header(buf, '$', NGX_MAX_SIZE_T_VALUE);
    ok((size_t) (p - buf) <= NGX_INTAKE_REDIS_RESP_HEADER,
       "the largest length fits its room");

    p = ngx_intake_redis_resp_bulk(buf, (u_char *) "a\0\r\n", 4);
    ok(p - buf == 10 && memcmp(buf, "$4\r\na\0\r\n\r\n", 10) == 0,
       "an argument holds any bytes");

    p = ngx_intake_redis_resp_bulk(buf, NULL, 0);
    ok(p - buf == 6 && memcmp(buf, "$0\r\n\r\n", 6) == 0,
       "an empty argument");
}


/* a command has the form of a reply, so hiredis can read what we write */

static void
test_round_trip(void)
{
    void                      *reader, *memory;
    u_char                    *p, *cmd, *args;
    size_t                     lens[60], total;
    ngx_int_t                  rc;
    ngx_uint_t                 i, n, round, good;
    ngx_intake_redis_reply_t   reply, element;

    cmd = malloc(60 * (NGX_INTAKE_REDIS_RESP_FRAME + 3000) + 32);
    args = malloc(60 * 3000);

    reader = ngx_intake_redis_reader_create();
    good = 1;
    srandom(1);

    for (round = 0; round < 200; round++) {

        n = 1 + random() % 60;
        total = 0;
        p = ngx_intake_redis_resp_header(cmd, '*', n);

        for (i = 0; i < n; i++) {
            lens[i] = random() % ((random() % 4) ? 40 : 3000);

            memset(args + total, random() % 256, lens[i]);

            p = ngx_intake_redis_resp_bulk(p, args + total, lens[i]);
            total += lens[i];
        }

        (void) ngx_intake_redis_reader_feed(reader, cmd, p - cmd);
        rc = ngx_intake_redis_reader_next(reader, &reply, &memory);

        good = (rc == NGX_OK && reply.nelts == n);
        total = 0;

        for (i = 0; good && i < n; i++) {
            element = ngx_intake_redis_element(&reply, i);

            good = (element.str.len == lens[i]
                    && memcmp(element.str.data, args + total, lens[i]) == 0);
            total += lens[i];
        }

        ngx_intake_redis_reader_release(memory);

        if (!good) {
            break;
        }
    }

    ok(good, "commands are read back, round %lu", (unsigned long) round);

    ngx_intake_redis_reader_free(reader);
    free(args);
    free(cmd);
}


static void
test_replies(void)
{
    void                      *reader, *memory;
    size_t                     i, len;
    ngx_int_t                  rc;
    ngx_uint_t                 n, early;
    ngx_intake_redis_reply_t   reply, element;

    static const char  stream[] =
        "+OK\r\n"
        ":-42\r\n"
        "$-1\r\n"
        "*-1\r\n"
        "$5\r\na\0\r\nb\r\n"
        "*3\r\n:1\r\n$3\r\n1-1\r\n*1\r\n+x\r\n"
        "-NOSCRIPT No matching script.\r\n";

    reader = ngx_intake_redis_reader_create();
    len = sizeof(stream) - 1;
    n = 0;
    early = 0;

    for (i = 0; i < len; i++) {

        (void) ngx_intake_redis_reader_feed(reader, (u_char *) stream + i, 1);

        rc = ngx_intake_redis_reader_next(reader, &reply, &memory);

        if (rc == NGX_AGAIN) {
            continue;
        }

        early += (stream[i] != '\n');

        switch (n++) {

        case 0:
            ok(rc == NGX_OK && reply.type == NGX_INTAKE_REDIS_STRING
               && equals(&reply.str, "OK"), "a status");
            break;

        case 1:
            ok(rc == NGX_OK && reply.type == NGX_INTAKE_REDIS_INTEGER
               && reply.integer == -42, "an integer");
            break;

        case 2:
        case 3:
            ok(rc == NGX_OK && reply.type == NGX_INTAKE_REDIS_NIL, "a nil");
            break;

        case 4:
            ok(rc == NGX_OK && reply.str.len == 5
               && memcmp(reply.str.data, "a\0\r\nb", 5) == 0, "a string");
            break;

        case 5:
            ok(rc == NGX_OK && reply.type == NGX_INTAKE_REDIS_ARRAY
               && reply.nelts == 3, "an array");

            element = ngx_intake_redis_element(&reply, 1);
            ok(equals(&element.str, "1-1"), "its second element");

            element = ngx_intake_redis_element(&reply, 2);
            element = ngx_intake_redis_element(&element, 0);
            ok(equals(&element.str, "x"), "an element of its third element");
            break;

        default:
            ok(rc == NGX_DECLINED
               && equals(&reply.str, "NOSCRIPT No matching script."),
               "an error");
            break;
        }

        ngx_intake_redis_reader_release(memory);
    }

    ok(n == 7 && early == 0, "byte by byte: seven replies, none too early");

    ngx_intake_redis_reader_free(reader);
}


/* the result of the reader for the head of a reply and more of it */

static ngx_int_t
feed(const char *head, size_t more)
{
    void                      *reader, *memory;
    u_char                    *p;
    ngx_int_t                  rc;
    ngx_intake_redis_reply_t   reply;

    reader = ngx_intake_redis_reader_create();

    p = malloc(more + 1);
    memset(p, 'x', more);

    (void) ngx_intake_redis_reader_feed(reader, (u_char *) head,
                                        strlen(head));
    (void) ngx_intake_redis_reader_feed(reader, p, more);

    rc = ngx_intake_redis_reader_next(reader, &reply, &memory);

    if (rc == NGX_OK) {
        ngx_intake_redis_reader_release(memory);
    }

    free(p);
    ngx_intake_redis_reader_free(reader);

    return rc;
}


static void
test_invalid(void)
{
    ok(feed("HTTP/1.1 400 Bad Request\r\n", 0) == NGX_ERROR, "no RESP");
    ok(feed("\r\n", 0) == NGX_ERROR, "an empty line");
    ok(feed("", 0) == NGX_AGAIN, "nothing");

    ok(feed("$2000000\r\n", NGX_INTAKE_REDIS_MAX_UNPARSED - 100) == NGX_AGAIN,
       "as much as we take unparsed");
    ok(feed("$2000000\r\n", NGX_INTAKE_REDIS_MAX_UNPARSED + 1) == NGX_ERROR,
       "more than that");

    ok(feed("*262144\r\n", 0) == NGX_AGAIN, "a large array");
    ok(feed("*262145\r\n", 0) == NGX_ERROR, "too large an array");
    ok(feed("*1000000000\r\n", 0) == NGX_ERROR, "a huge array");

    ok(feed("*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n", 0) == NGX_AGAIN,
       "seven arrays in each other");
    ok(feed("*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n", 0)
       == NGX_ERROR, "eight");
}


static void
test_errors(void)
{
    ngx_str_t                        text;
    ngx_uint_t                       i;
    const ngx_intake_redis_error_t  *row;

    static const error_case_t  cases[] = {
        { "ERR unknown command 'FOO'", "ERR", NGX_INTAKE_REDIS_ACT_ERROR },
        { "NOSCRIPT No matching script. Please use EVAL.", "NOSCRIPT",
          NGX_INTAKE_REDIS_ACT_EVAL },
        { "OOM command not allowed when used memory > 'maxmemory'.", "OOM",
          NGX_INTAKE_REDIS_ACT_REFUSED },
        { "MISCONF Redis is configured to save RDB snapshots", "MISCONF",
          NGX_INTAKE_REDIS_ACT_REFUSED },
        { "NOREPLICAS Not enough good replicas to write.", "NOREPLICAS",
          NGX_INTAKE_REDIS_ACT_REFUSED },
        { "BUSY Redis is busy running a script.", "BUSY",
          NGX_INTAKE_REDIS_ACT_REFUSED },
        { "TRYAGAIN Multiple keys request during rehashing of slot",
          "TRYAGAIN", NGX_INTAKE_REDIS_ACT_REFUSED },
        { "CLUSTERDOWN The cluster is down", "CLUSTERDOWN",
          NGX_INTAKE_REDIS_ACT_REFUSED },
        { "LOADING Redis is loading the dataset in memory", "LOADING",
          NGX_INTAKE_REDIS_ACT_BACK_OFF },
        { "READONLY You can't write against a read only replica.",
          "READONLY", NGX_INTAKE_REDIS_ACT_REDISCOVER },
        { "MASTERDOWN Link with MASTER is down", "MASTERDOWN",
          NGX_INTAKE_REDIS_ACT_REDISCOVER },
        { "MOVED 3999 127.0.0.1:6381", "MOVED", NGX_INTAKE_REDIS_ACT_ERROR },
        { "ASK 3999 127.0.0.1:6381", "ASK", NGX_INTAKE_REDIS_ACT_ERROR },
        { "CROSSSLOT Keys in request don't hash to the same slot",
          "CROSSSLOT", NGX_INTAKE_REDIS_ACT_ERROR },
        { "WRONGTYPE Operation against a key", "WRONGTYPE",
          NGX_INTAKE_REDIS_ACT_ERROR },
        { "NOPERM this user has no permissions", "NOPERM",
          NGX_INTAKE_REDIS_ACT_ERROR },
        { "NOAUTH Authentication required.", "NOAUTH",
          NGX_INTAKE_REDIS_ACT_CREDENTIALS },
        { "WRONGPASS invalid username-password pair", "WRONGPASS",
          NGX_INTAKE_REDIS_ACT_CREDENTIALS },

        { "NEWWORD of a later version", "", NGX_INTAKE_REDIS_ACT_ERROR },
        { "LOADINGS", "", NGX_INTAKE_REDIS_ACT_ERROR },
        { "LOAD", "", NGX_INTAKE_REDIS_ACT_ERROR },
        { "loading", "", NGX_INTAKE_REDIS_ACT_ERROR },
        { "OOM", "OOM", NGX_INTAKE_REDIS_ACT_REFUSED },
        { "", "", NGX_INTAKE_REDIS_ACT_ERROR },

        { "ERR Error running script (call to f_1): @user_script:1: -OOM "
          "command not allowed", "OOM", NGX_INTAKE_REDIS_ACT_REFUSED },
        { "ERR Error running script (call to f_1): @user_script:1: -READONLY "
          "You can't write", "READONLY", NGX_INTAKE_REDIS_ACT_REDISCOVER },
        { "ERR Error running script (call to f_1): @user_script:1: "
          "user_script:1: attempt to index nil", "ERR",
          NGX_INTAKE_REDIS_ACT_ERROR },
        { "ERR Error running script (call to f_1): @user_script:1: -WHAT",
          "ERR", NGX_INTAKE_REDIS_ACT_ERROR },
        { "ERR Error running script", "ERR", NGX_INTAKE_REDIS_ACT_ERROR },
        { "ERR not a script: -OOM", "ERR", NGX_INTAKE_REDIS_ACT_ERROR },
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {

        text = string(cases[i].text);
        row = ngx_intake_redis_error(&text);

        ok(row->prefix.len == strlen(cases[i].word)
           && memcmp(row->prefix.data ? row->prefix.data : (u_char *) "",
                     cases[i].word, row->prefix.len) == 0
           && row->action == cases[i].action,
           "\"%.40s\"", cases[i].text);
    }

    /* every row was met: the cases begin with one for each word */

    for (i = 0; i < NGX_INTAKE_REDIS_ERRORS - 1; i++) {
        row = &ngx_intake_redis_errors[i];

        text = row->prefix;

        ok(row->prefix.len && ngx_intake_redis_error(&text) == row,
           "the row of %s", row->prefix.data);
    }
}


static void
test_error_text(void)
{
    u_char     buf[16];
    size_t     len;
    ngx_str_t  text;

    text = string("OOM a\r\n\x01\xc3\xa9~ ");
    len = ngx_intake_redis_error_text(buf, sizeof(buf), &text);
    ok(len == 12 && memcmp(buf, "OOM a?????~ ", 12) == 0,
       "nothing but printable ASCII");

    text = string("ERR 0123456789abcdef");
    len = ngx_intake_redis_error_text(buf, sizeof(buf), &text);
    ok(len == 16 && memcmp(buf, "ERR 0123456789ab", 16) == 0,
       "no more than fits");

    text = string("ERR no, with args beginning with: `secret`");
    len = ngx_intake_redis_error_text(buf, sizeof(buf), &text);
    ok(len == 6 && memcmp(buf, "ERR no", 6) == 0, "no arguments");
}


static void
test_info(void)
{
    ngx_str_t  text, value;

    text = string("# Memory\r\nmaxmemory:0\r\nmaxmemory_human:0B\r\n"
                  "empty:\r\nmaxmemory_policy:noeviction\r\nlast:1");

    ok(ngx_intake_redis_info_field(&text, "maxmemory_policy", &value)
       == NGX_OK && equals(&value, "noeviction"), "a field of INFO");

    ok(ngx_intake_redis_info_field(&text, "maxmemory", &value) == NGX_OK
       && equals(&value, "0"), "the name as a whole");

    ok(ngx_intake_redis_info_field(&text, "empty", &value) == NGX_OK
       && value.len == 0, "an empty field");

    ok(ngx_intake_redis_info_field(&text, "last", &value) == NGX_OK
       && equals(&value, "1"), "the last line without an end");

    ok(ngx_intake_redis_info_field(&text, "policy", &value) == NGX_DECLINED,
       "only at the start of a line");

    text.len = 0;
    ok(ngx_intake_redis_info_field(&text, "last", &value) == NGX_DECLINED,
       "an empty text");
}


int
main(void)
{
    test_encode();
    test_round_trip();
    test_replies();
    test_invalid();
    test_errors();
    test_error_text();
    test_info();

    return done();
}
