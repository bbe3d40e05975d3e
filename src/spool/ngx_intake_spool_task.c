
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_intake_spool_internal.h"


/*
 * System calls that wait for the disk run in a thread of nginx's pool; where
 * nginx has no threads they run at once, and the end is told all the same in
 * an event of its own.
 */


static void ngx_intake_spool_task_done(ngx_event_t *ev);
#if (NGX_THREADS)
static void ngx_intake_spool_task_run(void *data, ngx_log_t *log);
#endif


ngx_int_t
ngx_intake_spool_task_init(ngx_intake_spool_t *spool,
    ngx_intake_spool_task_t *task)
{
    task->done.handler = ngx_intake_spool_task_done;
    task->done.data = task;
    task->done.log = spool->log;

#if (NGX_THREADS)

    task->threads = spool->conf->threads;

    if (task->threads == NULL) {
        return NGX_OK;
    }

    task->task = ngx_thread_task_alloc(spool->pool, 0);
    if (task->task == NULL) {
        return NGX_ERROR;
    }

    task->task->ctx = task;
    task->task->handler = ngx_intake_spool_task_run;
    task->task->event.handler = ngx_intake_spool_task_done;
    task->task->event.data = task;
    task->task->event.log = spool->log;

#endif

    return NGX_OK;
}


ngx_int_t
ngx_intake_spool_task_post(ngx_intake_spool_task_t *task)
{
#if (NGX_THREADS)

    if (task->threads) {

        if (ngx_thread_task_post(task->threads, task->task) != NGX_OK) {
            return NGX_ERROR;
        }

        task->active = 1;

        return NGX_OK;
    }

#endif

    task->active = 1;
    task->work(task->call);

    ngx_post_event(&task->done, &ngx_posted_events);

    return NGX_OK;
}


static void
ngx_intake_spool_task_done(ngx_event_t *ev)
{
    ngx_intake_spool_task_t *task = ev->data;

    task->active = 0;
    task->handler(task->data);
}


#if (NGX_THREADS)

static void
ngx_intake_spool_task_run(void *data, ngx_log_t *log)
{
    ngx_intake_spool_task_t *task = data;

    task->work(task->call);
}

#endif
