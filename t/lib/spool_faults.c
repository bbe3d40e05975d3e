
/*
 * Copyright (C) nginx-intake contributors
 */


/*
 * Preloaded into nginx: faults of the disk for the files of a spool, and of
 * what they are replayed with.  The file that INTAKE_FAULTS names says which,
 * in its first line:
 *
 *     slow MS    fdatasync() takes so long
 *     eio        fdatasync() fails with EIO, and again for each file
 *     full       pwritev() writes half of it, then fails with ENOSPC
 *     rename     renameat() fails with EIO
 *     sector N   pread() of the 4096 bytes at N fails with EIO
 *     memory     malloc() of 4 MB or more fails
 *     pipe       the first writev() that has a buffer of more than 1 MB writes
 *                100 bytes of it, and fails with EPIPE when it is called again
 *
 * and what was done is appended to a file of its name and ".done".
 */


#define _GNU_SOURCE

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>


int fdatasync(int fd);
void *malloc(size_t size);
void *__libc_malloc(size_t size);
int renameat(int from, const char *old, int to, const char *new);
ssize_t pwritev(int fd, const struct iovec *iov, int n, off_t offset);
ssize_t writev(int fd, const struct iovec *iov, int n);


/* what is wanted; "" for nothing */

static void
ngx_faults_wanted(char *fault, int size)
{
    int          in;
    ssize_t      n;
    const char  *name;

    fault[0] = '\0';
    name = getenv("INTAKE_FAULTS");

    in = name ? open(name, O_RDONLY|O_CLOEXEC) : -1;

    if (in == -1) {
        return;
    }

    n = read(in, fault, size - 1);
    fault[n > 0 ? n : 0] = '\0';
    close(in);
}


/* the same of a file; "" for files of others */

static void
ngx_faults_read(int fd, char *fault, int size)
{
    char     link[64], path[1024];
    ssize_t  n;

    fault[0] = '\0';

    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    n = readlink(link, path, sizeof(path) - 1);

    if (n == -1) {
        return;
    }

    path[n] = '\0';

    if (strstr(path, "/spool")) {
        ngx_faults_wanted(fault, size);
    }
}


static void
ngx_faults_done(const char *what)
{
    int   out;
    char  name[1024];

    snprintf(name, sizeof(name), "%s.done", getenv("INTAKE_FAULTS"));

    out = open(name, O_WRONLY|O_APPEND|O_CREAT|O_CLOEXEC, 0600);

    if (out != -1) {
        if (write(out, what, strlen(what)) == -1) {
            abort();
        }

        close(out);
    }
}


int
fdatasync(int fd)
{
    int   (*real)(int);
    char  fault[64];

    ngx_faults_read(fd, fault, sizeof(fault));

    if (strncmp(fault, "slow ", 5) == 0) {
        ngx_faults_done("slow\n");
        usleep(atoi(fault + 5) * 1000);
    }

    if (strncmp(fault, "eio", 3) == 0) {
        ngx_faults_done("eio\n");
        errno = EIO;
        return -1;
    }

    real = (int (*)(int)) dlsym(RTLD_NEXT, "fdatasync");

    return real(fd);
}


int
renameat(int from, const char *old, int to, const char *new)
{
    int   (*real)(int, const char *, int, const char *);
    char  fault[64];

    ngx_faults_read(from, fault, sizeof(fault));

    if (strncmp(fault, "rename", 6) == 0) {
        ngx_faults_done("rename\n");
        errno = EIO;
        return -1;
    }

    real = (int (*)(int, const char *, int, const char *))
           dlsym(RTLD_NEXT, "renameat");

    return real(from, old, to, new);
}


static ssize_t
ngx_faults_pwritev(const char *name, int fd, const struct iovec *iov, int n,
    off_t offset)
{
    char           fault[64];
    ssize_t      (*real)(int, const struct iovec *, int, off_t);
    struct iovec   half;

    ngx_faults_read(fd, fault, sizeof(fault));

    real = (ssize_t (*)(int, const struct iovec *, int, off_t))
           dlsym(RTLD_NEXT, name);

    if (strncmp(fault, "full", 4) != 0) {
        return real(fd, iov, n, offset);
    }

    half = iov[0];

    if (half.iov_len > 100) {
        half.iov_len /= 2;
        return real(fd, &half, 1, offset);
    }

    ngx_faults_done("full\n");
    errno = ENOSPC;
    return -1;
}


ssize_t
pwritev(int fd, const struct iovec *iov, int n, off_t offset)
{
    return ngx_faults_pwritev("pwritev", fd, iov, n, offset);
}


ssize_t
pwritev64(int fd, const struct iovec *iov, int n, off_t offset)
{
    return ngx_faults_pwritev("pwritev64", fd, iov, n, offset);
}


/* what lies before the sector is read, as a disk does */

static ssize_t
ngx_faults_pread(const char *name, int fd, void *buf, size_t n, off_t offset)
{
    char       fault[64];
    off_t      bad;
    ssize_t  (*real)(int, void *, size_t, off_t);

    ngx_faults_read(fd, fault, sizeof(fault));

    real = (ssize_t (*)(int, void *, size_t, off_t)) dlsym(RTLD_NEXT, name);

    if (strncmp(fault, "sector ", 7) == 0) {
        bad = atoll(fault + 7);

        if (offset >= bad && offset < bad + 4096) {
            ngx_faults_done("sector\n");
            errno = EIO;
            return -1;
        }

        if (offset < bad && offset + (off_t) n > bad) {
            n = (size_t) (bad - offset);
        }
    }

    return real(fd, buf, n, offset);
}


ssize_t
pread(int fd, void *buf, size_t n, off_t offset)
{
    return ngx_faults_pread("pread", fd, buf, n, offset);
}


ssize_t
pread64(int fd, void *buf, size_t n, off_t offset)
{
    return ngx_faults_pread("pread64", fd, buf, n, offset);
}


/* a part has left before it fails, as when the reader goes away meanwhile */

ssize_t
writev(int fd, const struct iovec *iov, int n)
{
    int            i;
    char           fault[64];
    ssize_t      (*real)(int, const struct iovec *, int);
    struct iovec   parts[64];

    static int     begun = -1, done;

    real = (ssize_t (*)(int, const struct iovec *, int))
           dlsym(RTLD_NEXT, "writev");

    for (i = 0; i < n && i < 64; i++) {
        parts[i] = iov[i];

        if (iov[i].iov_len > 1024 * 1024) {
            break;
        }
    }

    if (i == n || i == 64 || done) {
        return real(fd, iov, n);
    }

    ngx_faults_wanted(fault, sizeof(fault));

    if (strncmp(fault, "pipe", 4) != 0) {
        return real(fd, iov, n);
    }

    if (fd == begun) {
        done = 1;
        ngx_faults_done("pipe\n");
        errno = EPIPE;
        return -1;
    }

    begun = fd;
    parts[i].iov_len = 100;

    return real(fd, parts, i + 1);
}


void *
malloc(size_t size)
{
    char  fault[64];

    if (size < 4 * 1024 * 1024) {
        return __libc_malloc(size);
    }

    ngx_faults_wanted(fault, sizeof(fault));

    if (strncmp(fault, "memory", 6) != 0) {
        return __libc_malloc(size);
    }

    ngx_faults_done("memory\n");
    errno = ENOMEM;

    return NULL;
}
