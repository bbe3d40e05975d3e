
/*
 * Copyright (C) nginx-intake contributors
 */


#ifndef _NGX_INTAKE_REDIS_RESP_H_INCLUDED_
#define _NGX_INTAKE_REDIS_RESP_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_intake_redis.h"


/*
 * RESP2, the protocol of Redis.  Commands are written by two plain copies,
 * replies are read by hiredis, which nothing but ngx_intake_redis_resp.c sees.
 */


/* more than this read and not understood yet: the peer is no Redis of ours */
#define NGX_INTAKE_REDIS_MAX_UNPARSED  (1024 * 1024)

/* what a header and what the frame of one argument may take, in bytes */
#define NGX_INTAKE_REDIS_RESP_HEADER   (1 + NGX_SIZE_T_LEN + 2)
#define NGX_INTAKE_REDIS_RESP_FRAME    (NGX_INTAKE_REDIS_RESP_HEADER + 2)


/*
 * Writes "*COUNT" or "$LENGTH" with its CRLF at p, at most
 * NGX_INTAKE_REDIS_RESP_HEADER bytes; returns the end.
 */
u_char *ngx_intake_redis_resp_header(u_char *p, u_char type, size_t n);

/*
 * Writes one argument at p, at most NGX_INTAKE_REDIS_RESP_FRAME + len bytes;
 * returns the end.  data may hold any bytes.
 */
u_char *ngx_intake_redis_resp_bulk(u_char *p, u_char *data, size_t len);

/* A reader of one connection's replies.  NULL: no memory. */
void *ngx_intake_redis_reader_create(void);
void ngx_intake_redis_reader_free(void *reader);

/* Takes a copy of what was received.  NGX_ERROR: no memory. */
ngx_int_t ngx_intake_redis_reader_feed(void *reader, u_char *data,
    size_t len);

/*
 * The next whole reply.  reply shows into *memory, which the caller gives
 * back with ngx_intake_redis_reader_release() when it is done with the reply.
 *
 *  NGX_OK        a reply
 *  NGX_DECLINED  an error reply, its text in reply->str
 *  NGX_AGAIN     more has to be received first
 *  NGX_ERROR     this is no RESP, or too much of it, or no memory is left;
 *                the reader can only be freed
 */
ngx_int_t ngx_intake_redis_reader_next(void *reader,
    ngx_intake_redis_reply_t *reply, void **memory);
void ngx_intake_redis_reader_release(void *memory);

/*
 * The value of "name:value" in the text of an INFO reply, without its line
 * end.  NGX_DECLINED: no such line.
 */
ngx_int_t ngx_intake_redis_info_field(ngx_str_t *text, const char *name,
    ngx_str_t *value);


#endif /* _NGX_INTAKE_REDIS_RESP_H_INCLUDED_ */
