
/*
 * Copyright (C) nginx-intake contributors
 */


#ifndef _NGX_INTAKE_DELIVERY_H_INCLUDED_
#define _NGX_INTAKE_DELIVERY_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/*
 * A delivery as the spool keeps it: what scripts/store.lua wants to know of
 * one.  What the source says (the stream, times to live) is not in it.
 */


#define NGX_INTAKE_DELIVERY_SOURCE  32    /* longest name */
#define NGX_INTAKE_DELIVERY_KEYS    3
#define NGX_INTAKE_DELIVERY_HASH    22
#define NGX_INTAKE_DELIVERY_FIELDS  14


/* KIND:H of a dedupe key */

typedef struct {
    u_char                       kind;      /* a small letter */
    u_char                       hash[NGX_INTAKE_DELIVERY_HASH];
} ngx_intake_delivery_key_t;


typedef struct {
    ngx_str_t                    source;    /* its name, not empty */
    u_char                       kind;      /* the script's: k, u, n or o */
    u_char                       stream;    /* of the source: m, the main one,
                                               or s, that of spam */
    ngx_uint_t                   nkeys;     /* at least those of kind; own
                                               one is the last */
    ngx_intake_delivery_key_t    keys[NGX_INTAKE_DELIVERY_KEYS];
    ngx_str_t                    fields[NGX_INTAKE_DELIVERY_FIELDS];
    ngx_str_t                    extra;     /* messages for the clocks, as
                                               their owner writes them */
} ngx_intake_delivery_t;


/* how many keys a kind has, without the delivery's own; 0: no such kind */
ngx_uint_t ngx_intake_delivery_nkeys(u_char kind);

/* Bytes that it takes; 0: it cannot be written. */
size_t ngx_intake_delivery_size(ngx_intake_delivery_t *delivery);

/* Writes them; returns their end. */
u_char *ngx_intake_delivery_write(u_char *p, ngx_intake_delivery_t *delivery);

/*
 * Reads a delivery, all of p to last; its strings are views.  NGX_ERROR: it is
 * none, or of another version.
 */
ngx_int_t ngx_intake_delivery_read(u_char *p, u_char *last,
    ngx_intake_delivery_t *delivery);


#endif /* _NGX_INTAKE_DELIVERY_H_INCLUDED_ */
