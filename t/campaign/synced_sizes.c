
/*
 * Copyright (C) nginx-intake contributors
 */


/*
 * Preloaded into redis-server or nginx: what the disk would have after a loss
 * of power.  INTAKE_SYNCED names a file to which is appended, each time that
 * fsync() or fdatasync() has succeeded,
 *
 *     file INODE SIZE
 *     directory INODE NAME/INODE NAME/INODE ...
 *
 * with what was there before the call.  Files of the directory INTAKE_KEPT
 * are, by their inodes, those whose names were removed or given to others:
 * they are there again as long as their directory has not been synchronized.
 */


#define _GNU_SOURCE

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>


#define NGX_SYNCED_LINE  65536


int fsync(int fd);
int fdatasync(int fd);
int unlink(const char *path);
int unlinkat(int dir, const char *path, int flags);
int rename(const char *from, const char *to);
int renameat(int olddir, const char *from, int newdir, const char *to);


static void *
ngx_synced_real(const char *name)
{
    void  *real;

    real = dlsym(RTLD_NEXT, name);

    if (real == NULL) {
        abort();
    }

    return real;
}


/* several processes synchronize a directory: one after the other */

static int
ngx_synced_open(void)
{
    int          fd;
    const char  *name;

    name = getenv("INTAKE_SYNCED");

    if (name == NULL) {
        return -1;
    }

    fd = open(name, O_WRONLY|O_APPEND|O_CLOEXEC);

    if (fd == -1 || flock(fd, LOCK_EX) == -1) {
        abort();
    }

    return fd;
}


static size_t
ngx_synced_directory(int fd, char *line, size_t n)
{
    int             copy;
    DIR            *dir;
    struct dirent  *entry;

    copy = openat(fd, ".", O_RDONLY|O_DIRECTORY|O_CLOEXEC);
    dir = (copy == -1) ? NULL : fdopendir(copy);

    if (dir == NULL) {
        abort();
    }

    while ((entry = readdir(dir)) != NULL) {

        if (entry->d_type == DT_DIR) {
            continue;
        }

        n += snprintf(line + n, NGX_SYNCED_LINE - n, " %s/%lu", entry->d_name,
                      (unsigned long) entry->d_ino);

        if (n >= NGX_SYNCED_LINE - 1) {
            abort();
        }
    }

    (void) closedir(dir);

    return n;
}


static int
ngx_synced_call(const char *name, int fd)
{
    int           out, rc, err, (*real)(int);
    char         *line;
    size_t        n;
    struct stat   st;

    real = (int (*)(int)) ngx_synced_real(name);

    if (fstat(fd, &st) == -1
        || (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode)))
    {
        return real(fd);
    }

    out = S_ISDIR(st.st_mode) ? ngx_synced_open() : -1;

    line = malloc(NGX_SYNCED_LINE);
    if (line == NULL) {
        abort();
    }

    n = snprintf(line, NGX_SYNCED_LINE, "%s %lu",
                 S_ISDIR(st.st_mode) ? "directory" : "file",
                 (unsigned long) st.st_ino);

    if (S_ISDIR(st.st_mode)) {
        n = ngx_synced_directory(fd, line, n);

    } else {
        n += snprintf(line + n, NGX_SYNCED_LINE - n, " %lu",
                      (unsigned long) st.st_size);
    }

    line[n++] = '\n';

    rc = real(fd);
    err = errno;

    if (out == -1) {
        out = ngx_synced_open();
    }

    if (out != -1) {

        if (rc == 0 && write(out, line, n) != (ssize_t) n) {
            abort();
        }

        (void) close(out);
    }

    free(line);
    errno = err;

    return rc;
}


int
fsync(int fd)
{
    return ngx_synced_call("fsync", fd);
}


int
fdatasync(int fd)
{
    return ngx_synced_call("fdatasync", fd);
}


/* its inode is not used again, either */

static void
ngx_synced_keep(int dir, const char *path)
{
    int          err;
    char         name[1024];
    const char  *kept;
    struct stat  st;

    err = errno;
    kept = getenv("INTAKE_KEPT");

    if (kept && fstatat(dir, path, &st, AT_SYMLINK_NOFOLLOW) == 0
        && S_ISREG(st.st_mode))
    {
        snprintf(name, sizeof(name), "%s/%lu", kept,
                 (unsigned long) st.st_ino);

        if (linkat(dir, path, AT_FDCWD, name, 0) == -1 && errno != EEXIST) {
            abort();
        }
    }

    errno = err;
}


int
unlink(const char *path)
{
    int  (*real)(const char *);

    real = (int (*)(const char *)) ngx_synced_real("unlink");

    ngx_synced_keep(AT_FDCWD, path);

    return real(path);
}


int
unlinkat(int dir, const char *path, int flags)
{
    int  (*real)(int, const char *, int);

    real = (int (*)(int, const char *, int)) ngx_synced_real("unlinkat");

    ngx_synced_keep(dir, path);

    return real(dir, path, flags);
}


int
rename(const char *from, const char *to)
{
    int  (*real)(const char *, const char *);

    real = (int (*)(const char *, const char *)) ngx_synced_real("rename");

    ngx_synced_keep(AT_FDCWD, to);

    return real(from, to);
}


int
renameat(int olddir, const char *from, int newdir, const char *to)
{
    int  (*real)(int, const char *, int, const char *);

    real = (int (*)(int, const char *, int, const char *))
           ngx_synced_real("renameat");

    ngx_synced_keep(newdir, to);

    return real(olddir, from, newdir, to);
}
