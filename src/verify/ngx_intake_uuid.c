
/*
 * Copyright (C) nginx-intake contributors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_intake_uuid.h"


u_char *
ngx_intake_uuid_v7(u_char *dst, int64_t usec, u_char *random)
{
    u_char      uuid[16];
    uint64_t    msec;
    ngx_uint_t  i;

    static const char  hex[] = "0123456789abcdef";

    msec = (uint64_t) (usec / 1000);

    for (i = 0; i < 6; i++) {
        uuid[i] = (u_char) (msec >> (40 - 8 * i));
    }

    ngx_memcpy(uuid + 6, random, NGX_INTAKE_UUID_RANDOM);

    uuid[6] = (uuid[6] & 0x0f) | 0x70;    /* version 7 */
    uuid[8] = (uuid[8] & 0x3f) | 0x80;    /* variant 10 */

    for (i = 0; i < 16; i++) {

        if (i == 4 || i == 6 || i == 8 || i == 10) {
            *dst++ = '-';
        }

        *dst++ = hex[uuid[i] >> 4];
        *dst++ = hex[uuid[i] & 0x0f];
    }

    return dst;
}
