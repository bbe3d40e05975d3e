
/*
 * Copyright (C) nginx-intake contributors
 */


#ifndef _NGX_HTTP_INTAKE_REPLIES_H_INCLUDED_
#define _NGX_HTTP_INTAKE_REPLIES_H_INCLUDED_


#include "ngx_http_intake_clocks.h"


/*
 * intake_replies: a help desk, a script or a person tells what happened in a
 * conversation.  The way of a request:
 *
 *  http/replies      access, body, the items one after the other, answer
 *  http/reply_items  items from JSON, results to JSON
 *  http/reply_calls  the calls of scripts
 *  http/close_link   a signed link that closes one conversation
 */


#define NGX_HTTP_INTAKE_MAX_REPLIES  1000          /* items */
#define NGX_HTTP_INTAKE_REPLY_BODY   (1024 * 1024) /* bytes */


typedef enum {
    NGX_HTTP_INTAKE_REPLY_FINE = 0,
    NGX_HTTP_INTAKE_REPLY_UNKNOWN_SOURCE,
    NGX_HTTP_INTAKE_REPLY_UNKNOWN_CONVERSATION,
    NGX_HTTP_INTAKE_REPLY_UNKNOWN_EVENT,
    NGX_HTTP_INTAKE_REPLY_BAD_KIND,
    NGX_HTTP_INTAKE_REPLY_BAD_TIME,
    NGX_HTTP_INTAKE_REPLY_FUTURE_TIME,
    NGX_HTTP_INTAKE_REPLY_MISSING,
    NGX_HTTP_INTAKE_REPLY_BAD_MEMBER
} ngx_http_intake_reply_error_e;


typedef struct {
    ngx_http_intake_source_t       *source;
    ngx_http_intake_change_t        change;
    ngx_str_t                       id;         /* "" none */
    int64_t                         before;     /* ms, of a bulk close */

    ngx_http_intake_reply_error_e   error;
    ngx_str_t                       member;     /* MISSING, BAD_MEMBER */

    /* what the script said; numbers are -1 where there is none */
    ngx_str_t                       state;
    int64_t                         response;   /* ms */
    int64_t                         business;   /* ms */
    int64_t                         met;
    int64_t                         due;        /* a reading of the tier's */
    int64_t                         tier;
    int64_t                         closed;     /* of a bulk close */

    unsigned                        bulk:1;
} ngx_http_intake_reply_item_t;


/* the state of one request, in r->pool */

typedef struct {
    ngx_http_request_t             *request;
    ngx_http_intake_main_conf_t    *conf;
    ngx_str_t                       body;

    ngx_array_t                     items;      /* ..._reply_item_t */
    ngx_uint_t                      next;       /* what is not sent yet */
    ngx_uint_t                      sent;       /* items of the call that is
                                                   under way */
    ngx_intake_redis_op_t          *op;         /* that call, or NULL */

    unsigned                        array:1;    /* was sent and is answered */
    unsigned                        link:1;     /* close_link: as a page */
} ngx_http_intake_replies_t;


/* the setter of intake_replies */
char *ngx_http_intake_replies_directive(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

ngx_int_t ngx_http_intake_replies_handler(ngx_http_request_t *r);

/*
 * Reads the items of a body.  NGX_DECLINED: it is not what it should be, and
 * *detail says so; NGX_ERROR: no memory.
 */
ngx_int_t ngx_http_intake_read_items(ngx_http_intake_replies_t *replies,
    const char **detail);

/* the answer's body.  NGX_ERROR: no memory */
ngx_int_t ngx_http_intake_write_results(ngx_http_intake_replies_t *replies,
    ngx_str_t *body);

/* the source of this name that has clocks, or NULL */
ngx_http_intake_source_t *ngx_http_intake_reply_source(
    ngx_http_intake_main_conf_t *imcf, ngx_str_t *name);

/*
 * Sends the next call; ngx_http_intake_replies_continue() hears of its end.
 * NGX_AGAIN: it is under way; NGX_OK: there is nothing left to send;
 * NGX_DECLINED: Redis is away; NGX_ERROR: no memory.
 */
ngx_int_t ngx_http_intake_reply_call(ngx_http_intake_replies_t *replies);
void ngx_http_intake_reply_calls_init(void);

/* rc is NGX_OK, or NGX_DECLINED: Redis is away or refused the call */
void ngx_http_intake_replies_continue(ngx_http_intake_replies_t *replies,
    ngx_int_t rc);

/*
 * GET and POST with ?t=.  link_token finds what the token says: NGX_DECLINED
 * if it is none of ours.
 */
ngx_int_t ngx_http_intake_link_token(ngx_http_intake_replies_t *replies,
    ngx_array_t *secrets);
ngx_int_t ngx_http_intake_link_page(ngx_http_request_t *r,
    ngx_uint_t status, const char *title, const char *text,
    ngx_uint_t button);


#endif /* _NGX_HTTP_INTAKE_REPLIES_H_INCLUDED_ */
