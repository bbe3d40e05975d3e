
/*
 * Copyright (C) nginx-intake contributors
 */


/*
 * Allocations of nginx that fail when a test says so.  Preloaded, or linked
 * into an nginx with -Wl,--wrap and NGX_FAILING_WRAP, where the sanitizers
 * have taken the names.
 *
 * INTAKE_MEMORY names a file of three 64-bit numbers, which a test writes and
 * reads while this runs:
 *
 *     fail     the number of the allocation that fails, from 1; 0: none is
 *              counted, the largest number: none fails
 *     count    how many there were
 *     failed   how many failed
 *
 * and where the one that failed was called from is written behind them.
 */


#define _GNU_SOURCE

#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>


#define NGX_FAILING_FRAMES  16


typedef struct {
    uint64_t   fail;
    uint64_t   count;
    uint64_t   failed;
} ngx_failing_control_t;


#ifdef NGX_FAILING_WRAP

#define ngx_failing_name(name)  __wrap_##name
#define ngx_failing_real(name)  __real_##name

#else

/* names that glibc has for them, which need no dlsym() */

#define ngx_failing_name(name)  name
#define ngx_failing_real(name)  __libc_##name

#endif


void *ngx_failing_real(malloc)(size_t size);
void *ngx_failing_real(calloc)(size_t n, size_t size);
void *ngx_failing_real(realloc)(void *p, size_t size);
void *ngx_failing_real(memalign)(size_t alignment, size_t size);

void *ngx_failing_name(malloc)(size_t size);
void *ngx_failing_name(calloc)(size_t n, size_t size);
void *ngx_failing_name(realloc)(void *p, size_t size);
void *ngx_failing_name(memalign)(size_t alignment, size_t size);
void *ngx_failing_name(aligned_alloc)(size_t alignment, size_t size);
int ngx_failing_name(posix_memalign)(void **p, size_t alignment, size_t size);


static ngx_failing_control_t  *ngx_failing;
static int                     ngx_failing_trace = -1;


static void __attribute__((constructor))
ngx_failing_init(void)
{
    int          fd;
    void        *control, *frames[1];
    const char  *name;

    name = getenv("INTAKE_MEMORY");

    if (name == NULL) {
        return;
    }

    fd = open(name, O_RDWR|O_CLOEXEC);
    if (fd == -1) {
        abort();
    }

    control = mmap(NULL, sizeof(ngx_failing_control_t), PROT_READ|PROT_WRITE,
                   MAP_SHARED, fd, 0);
    if (control == MAP_FAILED) {
        abort();
    }

    /* its first call loads a library, and allocates */

    (void) backtrace(frames, 1);

    ngx_failing_trace = fd;
    ngx_failing = control;
}


/* 1 if this one is to fail */

static int
ngx_failing_next(void)
{
    int        n;
    void      *frames[NGX_FAILING_FRAMES];
    uint64_t   fail, count;

    if (ngx_failing == NULL) {
        return 0;
    }

    fail = __atomic_load_n(&ngx_failing->fail, __ATOMIC_ACQUIRE);

    if (fail == 0) {
        return 0;
    }

    count = __atomic_add_fetch(&ngx_failing->count, 1, __ATOMIC_ACQ_REL);

    if (count != fail) {
        return 0;
    }

    n = backtrace(frames, NGX_FAILING_FRAMES);

    (void) lseek(ngx_failing_trace, sizeof(ngx_failing_control_t), SEEK_SET);
    (void) (ftruncate(ngx_failing_trace, sizeof(ngx_failing_control_t)) == 0);

    backtrace_symbols_fd(frames, n, ngx_failing_trace);

    (void) __atomic_add_fetch(&ngx_failing->failed, 1, __ATOMIC_ACQ_REL);

    errno = ENOMEM;

    return 1;
}


void *
ngx_failing_name(malloc)(size_t size)
{
    return ngx_failing_next() ? NULL : ngx_failing_real(malloc)(size);
}


void *
ngx_failing_name(calloc)(size_t n, size_t size)
{
    return ngx_failing_next() ? NULL : ngx_failing_real(calloc)(n, size);
}


void *
ngx_failing_name(realloc)(void *p, size_t size)
{
    return ngx_failing_next() ? NULL : ngx_failing_real(realloc)(p, size);
}


void *
ngx_failing_name(memalign)(size_t alignment, size_t size)
{
    return ngx_failing_next() ? NULL
                              : ngx_failing_real(memalign)(alignment, size);
}


void *
ngx_failing_name(aligned_alloc)(size_t alignment, size_t size)
{
    return ngx_failing_next() ? NULL
                              : ngx_failing_real(memalign)(alignment, size);
}


int
ngx_failing_name(posix_memalign)(void **p, size_t alignment, size_t size)
{
    void  *memory;

    if (ngx_failing_next()) {
        return ENOMEM;
    }

    memory = ngx_failing_real(memalign)(alignment, size);

    if (memory == NULL) {
        return ENOMEM;
    }

    *p = memory;

    return 0;
}
