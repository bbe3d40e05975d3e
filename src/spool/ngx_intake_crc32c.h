
/*
 * Copyright (C) nginx-intake contributors
 */


#ifndef _NGX_INTAKE_CRC32C_H_INCLUDED_
#define _NGX_INTAKE_CRC32C_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/*
 * CRC-32C (Castagnoli; RFC 3720, appendix B.4) of len bytes after those that
 * gave crc; 0 begins.  The first call makes the table: not for threads.
 */
uint32_t ngx_intake_crc32c(uint32_t crc, u_char *p, size_t len);


#endif /* _NGX_INTAKE_CRC32C_H_INCLUDED_ */
