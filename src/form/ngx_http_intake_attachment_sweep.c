
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake_attachment.h"


/*
 * What workers that died have left in the folders of attachments is removed,
 * by one worker of a node; a thread does it, if nginx has threads.
 */


#define NGX_HTTP_INTAKE_SWEEP_FIRST     1000             /* ms */
#define NGX_HTTP_INTAKE_SWEEP_INTERVAL  (3600 * 1000)    /* ms */

#define NGX_HTTP_INTAKE_SWEEP_INCOMING  3600             /* s */
#define NGX_HTTP_INTAKE_SWEEP_PENDING   (7 * 86400)      /* s */


typedef struct {
    ngx_str_t                  *dir;
    ngx_uint_t                  incoming;   /* removed */
    ngx_uint_t                  pending;
} ngx_http_intake_sweep_dir_t;


typedef struct {
    ngx_event_t                 timer;
    void                       *threads;
#if (NGX_THREADS)
    ngx_thread_task_t          *task;
#endif
    ngx_uint_t                  ndirs;
    ngx_http_intake_sweep_dir_t
                                dirs[NGX_HTTP_INTAKE_MAX_SOURCES];
} ngx_http_intake_sweep_t;


static void ngx_http_intake_sweep_add(ngx_http_intake_sweep_t *sweep,
    ngx_http_intake_form_conf_t *form);
static void ngx_http_intake_sweep_start(ngx_event_t *ev);
static void ngx_http_intake_sweep_done(ngx_event_t *ev);
static void ngx_http_intake_sweep_dirs(void *data, ngx_log_t *log);
static void ngx_http_intake_sweep_folder(ngx_http_intake_sweep_dir_t *dir,
    const char *folder, time_t before, time_t boot);
static ngx_uint_t ngx_http_intake_sweep_file(u_char *name, time_t before);
static ngx_uint_t ngx_http_intake_sweep_mark(ngx_http_intake_sweep_dir_t *dir,
    u_char *mark, u_char *sha256, time_t before, time_t boot);
static time_t ngx_http_intake_boot_time(time_t now);


static ngx_http_intake_sweep_t  ngx_http_intake_the_sweep;


char *
ngx_http_intake_attachments_conf(ngx_conf_t *cf,
    ngx_http_intake_form_conf_t *form)
{
    u_char       *p;
    ngx_str_t    *dir;
    ngx_path_t   *path;
    ngx_uint_t    i;

    static ngx_str_t  folders[] = {
        ngx_string(""),
        ngx_string("/" NGX_HTTP_INTAKE_INCOMING),
        ngx_string("/" NGX_HTTP_INTAKE_PENDING),
    };

    dir = &form->attachments.path;

    for (i = 0; i < 3; i++) {
        path = ngx_pcalloc(cf->pool, sizeof(ngx_path_t));
        if (path == NULL) {
            return NGX_CONF_ERROR;
        }

        p = ngx_pnalloc(cf->pool, dir->len + folders[i].len + 1);
        if (p == NULL) {
            return NGX_CONF_ERROR;
        }

        path->name.data = p;
        path->name.len = dir->len + folders[i].len;
        path->data = &ngx_http_intake_module;
        path->conf_file = cf->conf_file->file.name.data;
        path->line = cf->conf_file->line;

        ngx_sprintf(p, "%V%V%Z", dir, &folders[i]);

        if (ngx_add_path(cf, &path) != NGX_OK) {
            return NGX_CONF_ERROR;
        }
    }

#if (NGX_THREADS)

    form->attachments.threads = ngx_thread_pool_add(cf, NULL);

    if (form->attachments.threads == NULL) {
        return NGX_CONF_ERROR;
    }

#endif

    return NGX_CONF_OK;
}


void
ngx_http_intake_attachments_init(ngx_cycle_t *cycle,
    ngx_http_intake_main_conf_t *imcf)
{
    ngx_uint_t                  i;
    ngx_http_intake_sweep_t    *sweep;
    ngx_http_intake_source_t  **source;

    static ngx_connection_t     dumb;

    if (ngx_worker != 0) {
        return;
    }

    sweep = &ngx_http_intake_the_sweep;
    ngx_memzero(sweep, sizeof(ngx_http_intake_sweep_t));

    source = imcf->sources->elts;

    for (i = 0; i < imcf->sources->nelts; i++) {

        if (source[i]->form && source[i]->form->attachments.path.len) {
            ngx_http_intake_sweep_add(sweep, source[i]->form);
        }
    }

    if (sweep->ndirs == 0) {
        return;
    }

    /* the log of events wants a connection */

    dumb.fd = (ngx_socket_t) -1;
    dumb.data = sweep;

#if (NGX_THREADS)

    if (sweep->threads) {
        sweep->task = ngx_thread_task_alloc(cycle->pool, 0);

        if (sweep->task) {
            sweep->task->ctx = sweep;
            sweep->task->handler = ngx_http_intake_sweep_dirs;
            sweep->task->event.data = &dumb;
            sweep->task->event.log = cycle->log;
            sweep->task->event.handler = ngx_http_intake_sweep_done;
        }
    }

#endif

    sweep->timer.handler = ngx_http_intake_sweep_start;
    sweep->timer.data = &dumb;
    sweep->timer.log = cycle->log;
    sweep->timer.cancelable = 1;

    ngx_add_timer(&sweep->timer, NGX_HTTP_INTAKE_SWEEP_FIRST);
}


/* sources may share a folder */

static void
ngx_http_intake_sweep_add(ngx_http_intake_sweep_t *sweep,
    ngx_http_intake_form_conf_t *form)
{
    ngx_str_t   *dir;
    ngx_uint_t   i;

    dir = &form->attachments.path;

    for (i = 0; i < sweep->ndirs; i++) {

        if (sweep->dirs[i].dir->len == dir->len
            && ngx_strncmp(sweep->dirs[i].dir->data, dir->data, dir->len)
               == 0)
        {
            return;
        }
    }

    sweep->dirs[sweep->ndirs++].dir = dir;
    sweep->threads = form->attachments.threads;
}


void
ngx_http_intake_attachments_exit(void)
{
    ngx_http_intake_sweep_t  *sweep;

    sweep = &ngx_http_intake_the_sweep;

    if (sweep->timer.timer_set) {
        ngx_del_timer(&sweep->timer);
    }
}


static void
ngx_http_intake_sweep_start(ngx_event_t *ev)
{
    ngx_connection_t         *c;
    ngx_http_intake_sweep_t  *sweep;

    if (ngx_exiting) {
        return;
    }

    c = ev->data;
    sweep = c->data;

#if (NGX_THREADS)

    if (sweep->task
        && ngx_thread_task_post(sweep->threads, sweep->task) == NGX_OK)
    {
        return;
    }

#endif

    ngx_http_intake_sweep_dirs(sweep, ev->log);
    ngx_http_intake_sweep_done(ev);
}


static void
ngx_http_intake_sweep_done(ngx_event_t *ev)
{
    ngx_uint_t                    i;
    ngx_connection_t             *c;
    ngx_http_intake_sweep_t      *sweep;
    ngx_http_intake_sweep_dir_t  *dir;

    c = ev->data;
    sweep = c->data;

    for (i = 0; i < sweep->ndirs; i++) {
        dir = &sweep->dirs[i];

        if (dir->incoming || dir->pending) {
            ngx_log_error(NGX_LOG_NOTICE, sweep->timer.log, 0,
                          "swept \"%V\": %ui files that were not whole, "
                          "%ui that no entry names", dir->dir,
                          dir->incoming, dir->pending);
        }
    }

    if (!ngx_exiting) {
        ngx_add_timer(&sweep->timer, NGX_HTTP_INTAKE_SWEEP_INTERVAL);
    }
}


static void
ngx_http_intake_sweep_dirs(void *data, ngx_log_t *log)
{
    ngx_http_intake_sweep_t *sweep = data;

    time_t                        now, boot;
    ngx_uint_t                    i;
    ngx_http_intake_sweep_dir_t  *dir;

    now = time(NULL);
    boot = ngx_http_intake_boot_time(now);

    for (i = 0; i < sweep->ndirs; i++) {
        dir = &sweep->dirs[i];

        dir->incoming = 0;
        dir->pending = 0;

        ngx_http_intake_sweep_folder(dir, NGX_HTTP_INTAKE_INCOMING,
                                     now - NGX_HTTP_INTAKE_SWEEP_INCOMING, 0);

        ngx_http_intake_sweep_folder(dir, NGX_HTTP_INTAKE_PENDING,
                                     now - NGX_HTTP_INTAKE_SWEEP_PENDING,
                                     boot);
    }
}


/* boot is 0 for incoming */

static void
ngx_http_intake_sweep_folder(ngx_http_intake_sweep_dir_t *dir,
    const char *folder, time_t before, time_t boot)
{
    size_t      len;
    u_char      name[NGX_MAX_PATH], *p;
    ngx_dir_t   entries;
    ngx_str_t   path;

    if (dir->dir->len + NGX_MAX_PATH / 2 > sizeof(name)) {
        return;
    }

    p = ngx_snprintf(name, sizeof(name), "%V/%s%Z", dir->dir, folder);

    path.data = name;
    path.len = p - name - 1;

    if (ngx_open_dir(&path, &entries) == NGX_ERROR) {
        return;
    }

    while (ngx_read_dir(&entries) == NGX_OK) {
        len = ngx_de_namelen(&entries);

        if (ngx_de_name(&entries)[0] == '.'
            || path.len + 1 + len + 1 > sizeof(name))
        {
            continue;
        }

        name[path.len] = '/';
        ngx_memcpy(name + path.len + 1, ngx_de_name(&entries), len + 1);

        if (boot == 0) {
            dir->incoming += ngx_http_intake_sweep_file(name, before);

        } else if (len == 2 * NGX_INTAKE_SHA256_LEN) {
            dir->pending += ngx_http_intake_sweep_mark(dir, name,
                                                       name + path.len + 1,
                                                       before, boot);
        }
    }

    (void) ngx_close_dir(&entries);
}


static ngx_uint_t
ngx_http_intake_sweep_file(u_char *name, time_t before)
{
    ngx_file_info_t  fi;

    if (ngx_link_info(name, &fi) == NGX_FILE_ERROR || !ngx_is_file(&fi)
        || ngx_file_mtime(&fi) >= before)
    {
        return 0;
    }

    return ngx_delete_file(name) != NGX_FILE_ERROR;
}


static ngx_uint_t
ngx_http_intake_sweep_mark(ngx_http_intake_sweep_dir_t *dir, u_char *mark,
    u_char *sha256, time_t before, time_t boot)
{
    u_char           path[NGX_MAX_PATH];
    ngx_fd_t         lock;
    ngx_uint_t       removed;
    ngx_file_info_t  fi;

    if (ngx_link_info(mark, &fi) == NGX_FILE_ERROR
        || ngx_file_mtime(&fi) >= before)
    {
        return 0;
    }

    ngx_snprintf(path, sizeof(path), "%V/" NGX_HTTP_INTAKE_PENDING "%Z",
                 dir->dir);

    lock = ngx_http_intake_attachments_lock(path);

    if (lock == NGX_INVALID_FILE) {
        return 0;
    }

    removed = 0;

    if (ngx_link_info(mark, &fi) != NGX_FILE_ERROR
        && ngx_file_mtime(&fi) < before)
    {
        if (fi.st_ctime > boot) {
            ngx_snprintf(path, sizeof(path), "%V/%*s/%s%Z", dir->dir,
                         (size_t) 2, sha256, sha256 + 2);

            removed = (ngx_delete_file(path) != NGX_FILE_ERROR);
        }

        (void) ngx_delete_file(mark);
    }

    (void) ngx_close_file(lock);

    return removed;
}


/* of the system: what was not synced before is not certain */

static time_t
ngx_http_intake_boot_time(time_t now)
{
    struct timespec  ts;

#ifdef CLOCK_BOOTTIME
    (void) clock_gettime(CLOCK_BOOTTIME, &ts);
#else
    (void) clock_gettime(CLOCK_MONOTONIC, &ts);
#endif

    return ngx_max(now - ts.tv_sec, 1);
}
