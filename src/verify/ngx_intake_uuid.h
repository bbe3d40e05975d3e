
/*
 * Copyright (C) nginx-intake contributors
 */


#ifndef _NGX_INTAKE_UUID_H_INCLUDED_
#define _NGX_INTAKE_UUID_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


#define NGX_INTAKE_UUID_LEN     36
#define NGX_INTAKE_UUID_RANDOM  10


/*
 * Writes NGX_INTAKE_UUID_LEN characters, a UUID of version 7 in lower case
 * (RFC 9562, section 5.7), and returns their end.  No zero is appended.
 * usec is the time in microseconds since 1970, of which the UUID keeps the
 * milliseconds; random are NGX_INTAKE_UUID_RANDOM bytes, of which it keeps
 * 74 bits.  Pure; cannot fail.
 */
u_char *ngx_intake_uuid_v7(u_char *dst, int64_t usec, u_char *random);


#endif /* _NGX_INTAKE_UUID_H_INCLUDED_ */
