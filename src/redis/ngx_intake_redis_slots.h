
/*
 * Copyright (C) nginx-intake contributors
 */


#ifndef _NGX_INTAKE_REDIS_SLOTS_H_INCLUDED_
#define _NGX_INTAKE_REDIS_SLOTS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/* The slots of a Redis Cluster (the cluster specification of Redis). */


#define NGX_INTAKE_REDIS_SLOTS  16384


/*
 * The slot of a key: CRC16 of its hash tag, what stands between the first "{"
 * and the first "}" behind it; of the whole key if there is nothing between
 * them.
 */
ngx_uint_t ngx_intake_redis_slot(u_char *key, size_t len);

/*
 * Reads "MOVED SLOT HOST:PORT" and "ASK SLOT HOST:PORT".  host shows into
 * text and is empty if it is that of the server which says so; that of an IPv6
 * address has no brackets.  NGX_DECLINED: text is neither.
 */
ngx_int_t ngx_intake_redis_redirection(ngx_str_t *text, ngx_uint_t *slot,
    ngx_str_t *host, in_port_t *port);


#endif /* _NGX_INTAKE_REDIS_SLOTS_H_INCLUDED_ */
