
/*
 * Copyright (C) nginx-intake contributors
 */


#ifndef _NGX_INTAKE_REDIS_ERROR_H_INCLUDED_
#define _NGX_INTAKE_REDIS_ERROR_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/*
 * What the error replies of Redis mean to an operation and to the connection.
 * A command that was answered with one of them was not executed.
 */

typedef enum {
    NGX_INTAKE_REDIS_ACT_ERROR = 0,    /* the data or the configuration */
    NGX_INTAKE_REDIS_ACT_REFUSED,      /* not now; the connection stays */
    NGX_INTAKE_REDIS_ACT_EVAL,         /* send the script's text */
    NGX_INTAKE_REDIS_ACT_REDISCOVER,   /* no master any more: look for it and
                                          send once more */
    NGX_INTAKE_REDIS_ACT_BACK_OFF,     /* not now; try another connection */
    NGX_INTAKE_REDIS_ACT_CREDENTIALS   /* an operator must act */
} ngx_intake_redis_action_e;


typedef struct {
    ngx_str_t                  prefix;     /* the first word; "" any other */
    ngx_intake_redis_action_e  action;
    const char                *hint;       /* for the log, or "" */
} ngx_intake_redis_error_t;


#define NGX_INTAKE_REDIS_ERRORS    20

extern const ngx_intake_redis_error_t
    ngx_intake_redis_errors[NGX_INTAKE_REDIS_ERRORS];


/*
 * The row for the text of an error reply, without the leading "-"; never
 * NULL, the last row is for unknown words.  Before Redis 7 an error inside a
 * script came as "ERR Error running script (...): ...: -WORD ..."; WORD counts.
 */
const ngx_intake_redis_error_t *ngx_intake_redis_error(ngx_str_t *text);

/*
 * A copy of an error's text for a log line: at most size bytes, nothing but
 * printable ASCII, and without the arguments that an "unknown command" error
 * repeats, which may be a password.  Returns the length.
 */
size_t ngx_intake_redis_error_text(u_char *buf, size_t size, ngx_str_t *text);


#endif /* _NGX_INTAKE_REDIS_ERROR_H_INCLUDED_ */
