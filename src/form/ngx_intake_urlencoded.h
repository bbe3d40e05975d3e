
/*
 * Copyright (C) nginx-intake contributors
 */


#ifndef _NGX_INTAKE_URLENCODED_H_INCLUDED_
#define _NGX_INTAKE_URLENCODED_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_intake_form_limits.h"


/*
 * The parser of application/x-www-form-urlencoded of the URL Standard (section
 * 5.1), fed with successive pieces of any size: only "&" separates, the first
 * "=" ends the name, "+" is a space, an escape that is none stays as it is, and
 * nothing is malformed.  Names and values may hold any bytes, zero too, and are
 * not yet UTF-8; a name may be empty.  Linear; memory is what the caller gives.
 */


/* name and value are gone after the call; any code but NGX_OK ends parsing */

typedef ngx_int_t (*ngx_intake_urlencoded_pair_pt)(void *ctx, ngx_str_t *name,
    ngx_str_t *value);


typedef struct {
    ngx_intake_urlencoded_pair_pt    handler;
    void                            *ctx;
    ngx_intake_form_limits_t        *limits;

    ngx_intake_form_error_e          error;

    ngx_str_t                        name;      /* of the pair being read */
    ngx_str_t                        value;
    size_t                           name_room;
    size_t                           value_room;
    ngx_uint_t                       npairs;

    unsigned                         assigned:1;    /* "=" has been seen */
    unsigned                         ended:1;
} ngx_intake_urlencoded_t;


/*
 * The bytes that are needed to parse a body of the given length; of an unknown
 * one with len as large as it may become.
 */

size_t ngx_intake_urlencoded_size(ngx_intake_form_limits_t *limits,
    size_t len);

/*
 * Begins a body of at most len bytes.  handler, ctx and limits were set by the
 * caller; buffer has ngx_intake_urlencoded_size() bytes for the same len and is
 * used until the end.
 */

void ngx_intake_urlencoded_init(ngx_intake_urlencoded_t *u, u_char *buffer,
    size_t len);

/*
 * Takes the next piece, which is not changed and not kept.  Returns NGX_OK;
 * NGX_DECLINED, and sets error, if the form is over a limit; NGX_ERROR if more
 * than len bytes come; else what the handler returned.  After any other code
 * than NGX_OK there is nothing more to feed.
 */

ngx_int_t ngx_intake_urlencoded_feed(ngx_intake_urlencoded_t *u, u_char *p,
    size_t len);

/* the last pair may be reported; returns as above */

ngx_int_t ngx_intake_urlencoded_end(ngx_intake_urlencoded_t *u);


#endif /* _NGX_INTAKE_URLENCODED_H_INCLUDED_ */
