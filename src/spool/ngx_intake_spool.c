
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_intake_spool_internal.h"


/*
 * The life of a worker's spool.  Every few seconds it looks for segments that
 * nobody has: those of workers that have gone, and its own once Redis is back.
 */


static void ngx_intake_spool_tick(ngx_event_t *ev);
static void ngx_intake_spool_leave(ngx_intake_spool_t *spool);


ngx_int_t
ngx_intake_spool_path(ngx_conf_t *cf, ngx_str_t *path,
    ngx_intake_spool_conf_t *conf)
{
    ngx_str_t  *name;

    conf->path = ngx_pcalloc(cf->pool, sizeof(ngx_path_t));
    if (conf->path == NULL) {
        return NGX_ERROR;
    }

    name = &conf->path->name;

    name->len = path->len;
    name->data = ngx_pnalloc(cf->pool, path->len + 1);
    if (name->data == NULL) {
        return NGX_ERROR;
    }

    (void) ngx_cpystrn(name->data, path->data, path->len + 1);

    if (name->len > 1 && name->data[name->len - 1] == '/') {
        name->data[--name->len] = '\0';
    }

    if (ngx_conf_full_name(cf->cycle, name, 0) != NGX_OK) {
        return NGX_ERROR;
    }

    /* no other may use it: what lies there is ours */

    conf->path->data = conf;
    conf->path->conf_file = cf->conf_file->file.name.data;
    conf->path->line = cf->conf_file->line;

#if (NGX_THREADS)

    conf->threads = ngx_thread_pool_add(cf, NULL);
    if (conf->threads == NULL) {
        return NGX_ERROR;
    }

#endif

    return ngx_add_path(cf, &conf->path);
}


ngx_intake_spool_t *
ngx_intake_spool_create(ngx_cycle_t *cycle, ngx_intake_spool_conf_t *conf,
    ngx_intake_spool_shared_t *shared, ngx_intake_spool_sender_pt sender,
    ngx_intake_spool_ready_pt ready, void *data)
{
    ngx_pool_t          *pool;
    ngx_intake_spool_t  *spool;

    pool = ngx_create_pool(16384, cycle->log);
    if (pool == NULL) {
        return NULL;
    }

    spool = ngx_pcalloc(pool, sizeof(ngx_intake_spool_t));
    if (spool == NULL) {
        ngx_destroy_pool(pool);
        return NULL;
    }

    spool->pool = pool;
    spool->log = cycle->log;
    spool->conf = conf;
    spool->shared = shared;
    spool->sender = sender;
    spool->ready = ready;
    spool->data = data;

    spool->dumb.fd = (ngx_socket_t) -1;
    spool->dumb.data = spool;

    spool->tick.handler = ngx_intake_spool_tick;
    spool->tick.data = &spool->dumb;
    spool->tick.log = spool->log;
    spool->tick.cancelable = 1;

    if (ngx_intake_spool_writer_init(spool) != NGX_OK
        || ngx_intake_spool_replay_init(spool) != NGX_OK)
    {
        ngx_destroy_pool(pool);
        return NULL;
    }

    spool->dir = open((char *) conf->path->name.data,
                      O_RDONLY|O_DIRECTORY|O_CLOEXEC);

    if (spool->dir == -1) {
        ngx_log_error(NGX_LOG_CRIT, cycle->log, ngx_errno,
                      ngx_open_file_n " \"%V\" failed", &conf->path->name);
        ngx_destroy_pool(pool);
        return NULL;
    }

    ngx_post_event(&spool->tick, &ngx_posted_next_events);

    return spool;
}


/*
 * The threads have ended, or are none of ours: nginx's module of thread pools
 * waits for them before it lets other modules exit.
 */

void
ngx_intake_spool_destroy(ngx_intake_spool_t *spool)
{
    if (spool->tick.posted) {
        ngx_delete_posted_event(&spool->tick);
    }

    if (spool->tick.timer_set) {
        ngx_del_timer(&spool->tick);
    }

    ngx_intake_spool_writer_destroy(spool);
    ngx_intake_spool_replay_destroy(spool);

    (void) close(spool->dir);

    ngx_destroy_pool(spool->pool);
}


void
ngx_intake_spool_wake(ngx_intake_spool_t *spool)
{
    if (!spool->tick.posted) {
        ngx_post_event(&spool->tick, &ngx_posted_next_events);
    }
}


static void
ngx_intake_spool_tick(ngx_event_t *ev)
{
    ngx_connection_t    *c;
    ngx_intake_spool_t  *spool;

    c = ev->data;
    spool = c->data;

    if (ngx_exiting) {

        /* connections may keep the worker for hours: others go on */

        ngx_intake_spool_leave(spool);

        ngx_add_timer(ev, NGX_INTAKE_SPOOL_INTERVAL);
        return;
    }

    if (ngx_worker == 0) {
        ngx_intake_spool_count(spool);
    }

    if (spool->ready(spool->data)) {
        ngx_intake_spool_replay(spool);

    } else {

        /* no source is to blame when Redis is away */

        ngx_intake_spool_flows(spool, NULL);
    }

    ngx_add_timer(ev, NGX_INTAKE_SPOOL_INTERVAL);
}


/* what is not in use any more is closed, so that it can be adopted */

static void
ngx_intake_spool_leave(ngx_intake_spool_t *spool)
{
    ngx_intake_spool_replay_t  *replay;
    ngx_intake_spool_writer_t  *writer;

    writer = &spool->writer;
    replay = &spool->replay;

    if (!writer->task.active && ngx_queue_empty(&writer->gathered)) {
        ngx_intake_spool_seal(spool);
    }

    if (replay->fd != -1 && !replay->task.active && replay->in_flight == 0) {
        ngx_intake_spool_release(spool);
    }
}
