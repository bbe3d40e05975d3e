
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_intake_crc32c.h"


#define NGX_INTAKE_CRC32C_POLYNOMIAL  0x82f63b78    /* reflected */


static void ngx_intake_crc32c_init(void);


/* [k][b]: the remainder of the byte b with k zero bytes after it */

static uint32_t  ngx_intake_crc32c_table[8][256];


static void
ngx_intake_crc32c_init(void)
{
    uint32_t    c;
    ngx_uint_t  i, k;

    for (i = 0; i < 256; i++) {
        c = (uint32_t) i;

        for (k = 0; k < 8; k++) {
            c = (c & 1) ? (c >> 1) ^ NGX_INTAKE_CRC32C_POLYNOMIAL : c >> 1;
        }

        ngx_intake_crc32c_table[0][i] = c;
    }

    for (i = 0; i < 256; i++) {
        for (k = 1; k < 8; k++) {
            c = ngx_intake_crc32c_table[k - 1][i];
            ngx_intake_crc32c_table[k][i] = (c >> 8)
                                        ^ ngx_intake_crc32c_table[0][c & 0xff];
        }
    }
}


uint32_t
ngx_intake_crc32c(uint32_t crc, u_char *p, size_t len)
{
    uint32_t  (*t)[256];

    t = ngx_intake_crc32c_table;

    if (t[0][1] == 0) {
        ngx_intake_crc32c_init();
    }

    crc = ~crc;

    while (len >= 8) {
        crc ^= p[0] | (uint32_t) p[1] << 8 | (uint32_t) p[2] << 16
               | (uint32_t) p[3] << 24;

        crc = t[7][crc & 0xff] ^ t[6][crc >> 8 & 0xff]
              ^ t[5][crc >> 16 & 0xff] ^ t[4][crc >> 24]
              ^ t[3][p[4]] ^ t[2][p[5]] ^ t[1][p[6]] ^ t[0][p[7]];

        p += 8;
        len -= 8;
    }

    while (len--) {
        crc = crc >> 8 ^ t[0][(crc ^ *p++) & 0xff];
    }

    return ~crc;
}
