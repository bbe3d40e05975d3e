
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_intake_spool_internal.h"

#include <sys/file.h>


/*
 * The directory is read anew each time: what lies there is the truth,
 * whichever worker, generation or master has written it.
 */


typedef struct {
    ngx_uint_t                     bytes;
    ngx_uint_t                     files;
    ngx_uint_t                     oldest;     /* s, 0: none */
} ngx_intake_spool_counted_t;


typedef struct {
    u_char                         text[NGX_INTAKE_SPOOL_NAME];
} ngx_intake_spool_name_t;


static ngx_int_t ngx_intake_spool_count_files(ngx_intake_spool_t *spool,
    ngx_intake_spool_counted_t *counted);
static ngx_uint_t ngx_intake_spool_arrival(u_char *name);
static ngx_array_t *ngx_intake_spool_segments(ngx_intake_spool_t *spool,
    ngx_pool_t *pool);
static ngx_uint_t ngx_intake_spool_due(ngx_intake_spool_t *spool,
    u_char *name, size_t len);
static int ngx_libc_cdecl ngx_intake_spool_cmp_names(const void *one,
    const void *two);
static int ngx_intake_spool_lock(ngx_intake_spool_t *spool, u_char *name,
    off_t *size);
static ngx_uint_t ngx_intake_spool_ends(u_char *name, size_t len,
    const char *end);
static void ngx_intake_spool_remove_stale(ngx_intake_spool_t *spool,
    u_char *name, struct stat *st);


/*
 * What was counted is added as a difference: what others count meanwhile is
 * not lost, and what is counted twice is put right by the next time.
 */

void
ngx_intake_spool_count(ngx_intake_spool_t *spool)
{
    ngx_uint_t                   bytes, files;
    ngx_intake_spool_counted_t   counted;
    ngx_intake_spool_shared_t   *shared;

    shared = spool->shared;

    bytes = shared->bytes;
    files = shared->files;

    if (ngx_intake_spool_count_files(spool, &counted) != NGX_OK) {
        return;
    }

    (void) ngx_atomic_fetch_add(&shared->bytes, counted.bytes - bytes);
    (void) ngx_atomic_fetch_add(&shared->files, counted.files - files);
    shared->oldest = counted.oldest;
}


static ngx_int_t
ngx_intake_spool_count_files(ngx_intake_spool_t *spool,
    ngx_intake_spool_counted_t *counted)
{
    size_t        len;
    u_char       *name;
    ngx_dir_t     dir;
    ngx_uint_t    sec;
    struct stat   st;

    ngx_memzero(counted, sizeof(ngx_intake_spool_counted_t));

    if (ngx_open_dir(&spool->conf->path->name, &dir) == NGX_ERROR) {
        ngx_log_error(NGX_LOG_CRIT, spool->log, ngx_errno,
                      ngx_open_dir_n " \"%V\" failed",
                      &spool->conf->path->name);
        return NGX_ERROR;
    }

    while (ngx_read_dir(&dir) == NGX_OK) {
        name = ngx_de_name(&dir);
        len = ngx_de_namelen(&dir);

        if (name[0] == '.'
            || fstatat(spool->dir, (char *) name, &st, AT_SYMLINK_NOFOLLOW)
               == -1
            || !S_ISREG(st.st_mode))
        {
            continue;
        }

        counted->bytes += (ngx_uint_t) st.st_size;

        if (ngx_intake_spool_ends(name, len, ".seg")
            || ngx_intake_spool_ends(name, len, ".later"))
        {
            counted->files++;
            sec = ngx_intake_spool_arrival(name);

            if (counted->oldest == 0 || sec < counted->oldest) {
                counted->oldest = sec;
            }

        } else if (ngx_intake_spool_ends(name, len, ".new")) {
            ngx_intake_spool_remove_stale(spool, name, &st);
        }
    }

    (void) ngx_close_dir(&dir);

    return NGX_OK;
}


/* in seconds, from the 16 digits that the name of a segment begins with */

static ngx_uint_t
ngx_intake_spool_arrival(u_char *name)
{
    uint64_t    usec;
    ngx_int_t   digit;
    ngx_uint_t  i;

    usec = 0;

    for (i = 0; i < 16; i++) {
        digit = ngx_hextoi(&name[i], 1);

        if (digit == NGX_ERROR) {
            return 0;
        }

        usec = usec << 4 | (uint64_t) digit;
    }

    return (ngx_uint_t) (usec / 1000000);
}


/* left by a worker that died before anything was acknowledged from it */

static void
ngx_intake_spool_remove_stale(ngx_intake_spool_t *spool, u_char *name,
    struct stat *st)
{
    int  fd;

    if (st->st_mtime + NGX_INTAKE_SPOOL_STALE > ngx_time()) {
        return;
    }

    fd = openat(spool->dir, (char *) name, O_RDWR|O_CLOEXEC);

    if (fd == -1) {
        return;
    }

    if (flock(fd, LOCK_EX|LOCK_NB) == 0) {
        (void) unlinkat(spool->dir, (char *) name, 0);
    }

    (void) close(fd);
}


int
ngx_intake_spool_adopt(ngx_intake_spool_t *spool, u_char *name, off_t *size)
{
    int                       fd;
    ngx_uint_t                i;
    ngx_pool_t               *pool;
    ngx_array_t              *names;
    ngx_intake_spool_name_t  *elts;

    fd = -1;

    pool = ngx_create_pool(4096, spool->log);
    if (pool == NULL) {
        return -1;
    }

    names = ngx_intake_spool_segments(spool, pool);

    if (names) {
        elts = names->elts;

        for (i = 0; i < names->nelts; i++) {
            fd = ngx_intake_spool_lock(spool, elts[i].text, size);

            if (fd != -1) {
                (void) ngx_cpystrn(name, elts[i].text,
                                   NGX_INTAKE_SPOOL_NAME);
                break;
            }
        }
    }

    ngx_destroy_pool(pool);

    return fd;
}


/* their names, the oldest first */

static ngx_array_t *
ngx_intake_spool_segments(ngx_intake_spool_t *spool, ngx_pool_t *pool)
{
    size_t                    len;
    ngx_dir_t                 dir;
    ngx_array_t              *names;
    ngx_intake_spool_name_t  *name;

    names = ngx_array_create(pool, 16, sizeof(ngx_intake_spool_name_t));
    if (names == NULL) {
        return NULL;
    }

    if (ngx_open_dir(&spool->conf->path->name, &dir) == NGX_ERROR) {
        ngx_log_error(NGX_LOG_CRIT, spool->log, ngx_errno,
                      ngx_open_dir_n " \"%V\" failed",
                      &spool->conf->path->name);
        return NULL;
    }

    while (ngx_read_dir(&dir) == NGX_OK) {
        len = ngx_de_namelen(&dir);

        /* room for the endings of other names */

        if (len + NGX_INTAKE_DELIVERY_SOURCE + sizeof("..damaged")
            > NGX_INTAKE_SPOOL_NAME)
        {
            continue;
        }

        if (!ngx_intake_spool_ends(ngx_de_name(&dir), len, ".seg")
            && !ngx_intake_spool_due(spool, ngx_de_name(&dir), len))
        {
            continue;
        }

        name = ngx_array_push(names);

        if (name == NULL) {
            names = NULL;
            break;
        }

        (void) ngx_cpystrn(name->text, ngx_de_name(&dir), len + 1);
    }

    (void) ngx_close_dir(&dir);

    if (names) {
        ngx_qsort(names->elts, names->nelts, sizeof(ngx_intake_spool_name_t),
                  ngx_intake_spool_cmp_names);
    }

    return names;
}


/* whether it is a .later that has not been written or tried for some time */

static ngx_uint_t
ngx_intake_spool_due(ngx_intake_spool_t *spool, u_char *name, size_t len)
{
    struct stat  st;

    return ngx_intake_spool_ends(name, len, ".later")
           && fstatat(spool->dir, (char *) name, &st, AT_SYMLINK_NOFOLLOW)
              == 0
           && (st.st_mtime + NGX_INTAKE_SPOOL_REST <= ngx_time()
               || st.st_mtime > ngx_time() + NGX_INTAKE_SPOOL_REST);
}


static int ngx_libc_cdecl
ngx_intake_spool_cmp_names(const void *one, const void *two)
{
    return ngx_strcmp(((ngx_intake_spool_name_t *) one)->text,
                      ((ngx_intake_spool_name_t *) two)->text);
}


static int
ngx_intake_spool_lock(ngx_intake_spool_t *spool, u_char *name, off_t *size)
{
    int          fd;
    struct stat  st;

    fd = openat(spool->dir, (char *) name, O_RDWR|O_CLOEXEC|O_NOFOLLOW);

    if (fd == -1) {

        if (ngx_errno != NGX_ENOENT && !spool->unreadable) {
            spool->unreadable = 1;
            ngx_log_error(NGX_LOG_CRIT, spool->log, ngx_errno,
                          "opening the segment \"%s\" of the spool failed",
                          name);
        }

        return -1;
    }

    /* whoever had it may have ended it between the two calls */

    if (flock(fd, LOCK_EX|LOCK_NB) == -1
        || fstat(fd, &st) == -1
        || st.st_nlink == 0
        || !S_ISREG(st.st_mode))
    {
        (void) close(fd);
        return -1;
    }

    *size = st.st_size;

    return fd;
}


static ngx_uint_t
ngx_intake_spool_ends(u_char *name, size_t len, const char *end)
{
    return len > 16 + ngx_strlen(end)
           && ngx_strcmp(name + len - ngx_strlen(end), end) == 0;
}
