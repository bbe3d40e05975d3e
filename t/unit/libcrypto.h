
/*
 * Copyright (C) nginx-intake contributors
 */


#ifndef _LIBCRYPTO_H_INCLUDED_
#define _LIBCRYPTO_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <openssl/crypto.h>
#include <stdio.h>


/* libcrypto's memory, which ends when a test says so */


static ngx_int_t  allocations = -1;     /* that succeed; -1: all */


static ngx_inline void *
test_realloc(void *p, size_t size, const char *file, int line)
{
    if (allocations == 0) {
        return NULL;
    }

    if (allocations > 0) {
        allocations--;
    }

    return realloc(p, size);
}


static ngx_inline void *
test_malloc(size_t size, const char *file, int line)
{
    return test_realloc(NULL, size, file, line);
}


static ngx_inline void
test_free(void *p, const char *file, int line)
{
    free(p);
}


/* before anything else of libcrypto is called */

static ngx_inline void
take_memory(void)
{
    if (CRYPTO_set_mem_functions(test_malloc, test_realloc, test_free) != 1) {
        printf("Bail out! OpenSSL has allocated already\n");
        exit(1);
    }
}


#endif /* _LIBCRYPTO_H_INCLUDED_ */
