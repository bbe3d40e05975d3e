
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake_board.h"


/* The copy of what Redis knows that all workers of a node show. */


#define NGX_HTTP_INTAKE_BOARD_LEASE  3000    /* ms, that of one reading */
#define NGX_HTTP_INTAKE_BOARD_WAIT   1000    /* ms, for another's reading */
#define NGX_HTTP_INTAKE_BOARD_POLL   20      /* ms */


typedef struct {
    ngx_atomic_t                    sequence;   /* of what is shown */
    ngx_atomic_t                    shown;      /* 0 or 1 */
    ngx_atomic_t                    fetched;    /* ms since 1970; 0: never */
    ngx_atomic_t                    number;     /* of the reading shown */
    ngx_atomic_t                    lease;      /* ms since 1970: until then
                                                   somebody reads */
    ngx_http_intake_panel_t         panels[1];  /* 2 * npanels */
} ngx_http_intake_shared_board_t;


/*
 * In a zone of its own, which outlives a reload: the workers of two
 * configurations answer side by side for a moment, each with its own copy, and
 * the older one must not be shown after the newer one.
 */

typedef struct {
    ngx_atomic_t                    newest;     /* number of the last reading,
                                                   whosever it was */

    /* of this node, for the panel of a source that has none in Redis yet */
    u_char                          key[NGX_HTTP_INTAKE_SECRET_LEN];
} ngx_http_intake_readings_t;


/* somebody who waits for a copy */

typedef struct {
    ngx_queue_t                     queue;
    ngx_http_intake_board_pt        handler;
    void                           *data;
    int64_t                         until;      /* ms since 1970 */
} ngx_http_intake_waiting_t;


/* of this worker */

typedef struct {
    ngx_shmtx_t                    *mutex;      /* of who writes a copy */
    ngx_http_intake_shared_board_t *shared;
    ngx_http_intake_readings_t     *readings;
    ngx_http_intake_panel_t        *panels;     /* that are being read */
    ngx_atomic_uint_t               began;      /* readings->newest then */
    ngx_uint_t                      npanels;
    ngx_queue_t                     waiting;
    ngx_event_t                     timer;
    ngx_event_t                     ready;
    ngx_uint_t                      fetching;
} ngx_http_intake_board_t;


static ngx_int_t ngx_http_intake_init_board(ngx_shm_zone_t *shm_zone,
    void *data);
static ngx_int_t ngx_http_intake_init_readings(ngx_shm_zone_t *shm_zone,
    void *data);
static ngx_http_intake_panel_t *ngx_http_intake_board_panels(
    ngx_http_intake_shared_board_t *shared, ngx_uint_t which);
static ngx_uint_t ngx_http_intake_board_is_fresh(int64_t now);
static ngx_uint_t ngx_http_intake_board_is_newest(void);
static ngx_uint_t ngx_http_intake_board_lease(int64_t now);
static void ngx_http_intake_board_fetched(ngx_uint_t ok);
static void ngx_http_intake_board_publish(int64_t now);
static void ngx_http_intake_board_ready(ngx_event_t *ev);
static void ngx_http_intake_board_wake(void);
static void ngx_http_intake_board_poll(ngx_event_t *ev);


static ngx_http_intake_board_t  ngx_http_intake_the_board;


ngx_int_t
ngx_http_intake_add_board(ngx_conf_t *cf, ngx_http_intake_main_conf_t *imcf)
{
    size_t           size;
    ngx_str_t        name = ngx_string("intake_board");
    ngx_str_t        readings = ngx_string("intake_readings");
    ngx_shm_zone_t  *zone;

    imcf->board = NULL;

    if (imcf->sources->nelts == 0) {
        return NGX_OK;
    }

    size = sizeof(ngx_http_intake_shared_board_t)
           + 2 * imcf->sources->nelts * sizeof(ngx_http_intake_panel_t);
    size = ngx_align(size, ngx_pagesize) + 8 * ngx_pagesize;

    zone = ngx_shared_memory_add(cf, &name, size, &ngx_http_intake_module);
    if (zone == NULL) {
        return NGX_ERROR;
    }

    /* panels are found by the place of their source: a reload begins anew */

    zone->noreuse = 1;
    zone->init = ngx_http_intake_init_board;
    zone->data = imcf;

    imcf->board = zone;

    zone = ngx_shared_memory_add(cf, &readings, 8 * ngx_pagesize,
                                 &ngx_http_intake_module);
    if (zone == NULL) {
        return NGX_ERROR;
    }

    zone->init = ngx_http_intake_init_readings;
    zone->data = imcf;

    imcf->readings = zone;

    return NGX_OK;
}


static ngx_int_t
ngx_http_intake_init_board(ngx_shm_zone_t *shm_zone, void *data)
{
    size_t                        size;
    ngx_slab_pool_t              *shpool;
    ngx_http_intake_main_conf_t  *imcf;

    imcf = shm_zone->data;
    shpool = (ngx_slab_pool_t *) shm_zone->shm.addr;

    size = sizeof(ngx_http_intake_shared_board_t)
           + 2 * imcf->sources->nelts * sizeof(ngx_http_intake_panel_t);

    shpool->data = ngx_slab_calloc(shpool, size);

    return shpool->data ? NGX_OK : NGX_ERROR;
}


static ngx_int_t
ngx_http_intake_init_readings(ngx_shm_zone_t *shm_zone, void *data)
{
    ngx_slab_pool_t             *shpool;
    ngx_http_intake_readings_t  *readings;

    if (data || shm_zone->shm.exists) {
        return NGX_OK;
    }

    shpool = (ngx_slab_pool_t *) shm_zone->shm.addr;

    readings = ngx_slab_calloc(shpool, sizeof(ngx_http_intake_readings_t));
    if (readings == NULL) {
        return NGX_ERROR;
    }

    shpool->data = readings;

    return ngx_http_intake_random_text(readings->key, shm_zone->shm.log);
}


ngx_int_t
ngx_http_intake_board_init(ngx_cycle_t *cycle,
    ngx_http_intake_main_conf_t *imcf)
{
    ngx_slab_pool_t          *shpool;
    ngx_http_intake_board_t  *board;

    static ngx_connection_t   dumb;

    board = &ngx_http_intake_the_board;

    ngx_memzero(board, sizeof(ngx_http_intake_board_t));
    ngx_queue_init(&board->waiting);

    if (imcf->board == NULL) {
        return NGX_OK;
    }

    shpool = (ngx_slab_pool_t *) imcf->board->shm.addr;

    board->shared = shpool->data;
    board->mutex = &shpool->mutex;

    shpool = (ngx_slab_pool_t *) imcf->readings->shm.addr;

    board->readings = shpool->data;
    board->npanels = imcf->sources->nelts;

    /* the log of events wants a connection */

    dumb.fd = (ngx_socket_t) -1;
    dumb.data = board;

    board->timer.handler = ngx_http_intake_board_poll;
    board->timer.data = &dumb;
    board->timer.log = cycle->log;

    board->ready.handler = ngx_http_intake_board_ready;
    board->ready.data = &dumb;
    board->ready.log = cycle->log;

    return ngx_http_intake_fetch_init(cycle, imcf);
}


void
ngx_http_intake_board_exit(void)
{
    ngx_http_intake_board_t  *board;

    board = &ngx_http_intake_the_board;

    if (board->timer.timer_set) {
        ngx_del_timer(&board->timer);
    }

    if (board->ready.posted) {
        ngx_delete_posted_event(&board->ready);
    }

    if (board->panels) {
        ngx_free(board->panels);
        board->panels = NULL;
    }

    ngx_http_intake_fetch_exit();
}


ngx_int_t
ngx_http_intake_board_ask(ngx_http_intake_board_pt handler, void *data)
{
    int64_t                     now;
    ngx_http_intake_board_t    *board;
    ngx_http_intake_waiting_t  *waiting;

    board = &ngx_http_intake_the_board;
    now = ngx_http_intake_now();

    if (board->shared == NULL || ngx_http_intake_board_is_fresh(now)) {
        return NGX_OK;
    }

    /* nobody waits for a server that is away */

    if (ngx_intake_redis_info(ngx_http_intake_redis())->state
        != NGX_INTAKE_REDIS_READY)
    {
        return NGX_OK;
    }

    waiting = ngx_alloc(sizeof(ngx_http_intake_waiting_t), board->timer.log);
    if (waiting == NULL) {
        return NGX_OK;
    }

    waiting->handler = handler;
    waiting->data = data;
    waiting->until = now + NGX_HTTP_INTAKE_BOARD_WAIT;

    ngx_queue_insert_tail(&board->waiting, &waiting->queue);

    if (!board->fetching && ngx_http_intake_board_lease(now)) {

        board->panels = ngx_calloc(board->npanels
                                   * sizeof(ngx_http_intake_panel_t),
                                   board->timer.log);

        if (board->panels) {
            board->fetching = 1;
            board->began = board->readings->newest;
            ngx_http_intake_fetch(board->panels,
                                  ngx_http_intake_board_fetched);
        }
    }

    if (!board->timer.timer_set) {
        ngx_add_timer(&board->timer, NGX_HTTP_INTAKE_BOARD_POLL);
    }

    return NGX_AGAIN;
}


void
ngx_http_intake_board_forget(void *data)
{
    ngx_queue_t                *q;
    ngx_http_intake_board_t    *board;
    ngx_http_intake_waiting_t  *waiting;

    board = &ngx_http_intake_the_board;

    for (q = ngx_queue_head(&board->waiting);
         q != ngx_queue_sentinel(&board->waiting);
         q = ngx_queue_next(q))
    {
        waiting = ngx_queue_data(q, ngx_http_intake_waiting_t, queue);

        if (waiting->data == data) {
            ngx_queue_remove(q);
            ngx_free(waiting);
            break;
        }
    }

    if (ngx_queue_empty(&board->waiting) && board->timer.timer_set) {
        ngx_del_timer(&board->timer);
    }
}


ngx_int_t
ngx_http_intake_board_copy(ngx_http_intake_source_t *source,
    ngx_http_intake_panel_t *panel)
{
    int64_t                          now;
    ngx_uint_t                       tries;
    ngx_atomic_uint_t                sequence;
    ngx_http_intake_panel_t         *panels;
    ngx_http_intake_shared_board_t  *shared;

    shared = ngx_http_intake_the_board.shared;

    if (shared == NULL) {
        return NGX_DECLINED;
    }

    /* only two readings that end while a panel is copied could disturb it */

    for (tries = 0; tries < 3; tries++) {
        sequence = shared->sequence;
        ngx_memory_barrier();

        panels = ngx_http_intake_board_panels(shared, shared->shown);
        *panel = panels[source->index];

        ngx_memory_barrier();

        if (sequence == shared->sequence) {
            break;
        }
    }

    now = ngx_http_intake_now();

    if (!ngx_http_intake_board_is_newest()
        || panel->fetched == 0
        || ngx_abs(now - panel->fetched) > NGX_HTTP_INTAKE_BOARD_STALE)
    {
        return NGX_DECLINED;
    }

    return NGX_OK;
}


static ngx_http_intake_panel_t *
ngx_http_intake_board_panels(ngx_http_intake_shared_board_t *shared,
    ngx_uint_t which)
{
    return shared->panels
           + (which ? ngx_http_intake_the_board.npanels : 0);
}


static ngx_uint_t
ngx_http_intake_board_is_fresh(int64_t now)
{
    int64_t  fetched;

    fetched = (int64_t) ngx_http_intake_the_board.shared->fetched;

    return fetched && ngx_abs(now - fetched) < NGX_HTTP_INTAKE_BOARD_FRESH
           && ngx_http_intake_board_is_newest();
}


/* 0: workers of another configuration have shown a later reading */

static ngx_uint_t
ngx_http_intake_board_is_newest(void)
{
    ngx_http_intake_board_t  *board;

    board = &ngx_http_intake_the_board;

    return board->shared->number == board->readings->newest;
}


/* 1: the reading is ours until the lease ends */

static ngx_uint_t
ngx_http_intake_board_lease(int64_t now)
{
    ngx_atomic_uint_t                old;
    ngx_http_intake_shared_board_t  *shared;

    shared = ngx_http_intake_the_board.shared;
    old = shared->lease;

    if ((int64_t) old > now
        && (int64_t) old - now <= NGX_HTTP_INTAKE_BOARD_LEASE)
    {
        return 0;
    }

    return ngx_atomic_cmp_set(&shared->lease, old,
                              (ngx_atomic_uint_t) now
                              + NGX_HTTP_INTAKE_BOARD_LEASE);
}


static void
ngx_http_intake_board_fetched(ngx_uint_t ok)
{
    ngx_http_intake_board_t  *board;

    board = &ngx_http_intake_the_board;

    board->fetching = 0;

    /* this worker leaves, and what it had asked for is not answered */

    if (board->panels == NULL) {
        return;
    }

    /*
     * A lease may end while somebody reads, so two may want to write the same
     * copy.  Nobody waits here: a third would only be later.  If the owner
     * dies, nginx unlocks the mutex of a zone.
     */

    if (ok && ngx_shmtx_trylock(board->mutex)) {
        ngx_http_intake_board_publish(ngx_http_intake_now());
        ngx_shmtx_unlock(board->mutex);
    }

    ngx_free(board->panels);
    board->panels = NULL;

    board->shared->lease = 0;

    /*
     * A reading that failed is not tried again for whoever waits now.  They
     * are not woken in the middle of the client's work.
     */

    if (!board->ready.posted) {
        ngx_post_event(&board->ready, &ngx_posted_events);
    }
}


static void
ngx_http_intake_board_publish(int64_t now)
{
    ngx_uint_t                       i, next;
    ngx_http_intake_board_t         *board;
    ngx_http_intake_panel_t         *panels, *panel, *shown;
    ngx_http_intake_shared_board_t  *shared;

    board = &ngx_http_intake_the_board;
    shared = board->shared;

    /* one that another has overtaken may know less than what was shown */

    if (board->readings->newest != board->began) {
        return;
    }

    next = !shared->shown;
    panels = ngx_http_intake_board_panels(shared, next);
    shown = ngx_http_intake_board_panels(shared, shared->shown);

    for (i = 0; i < board->npanels; i++) {
        panel = &board->panels[i];

        if (panel->key[0] == 0) {
            ngx_memcpy(panel->key, board->readings->key, sizeof(panel->key));
        }

        ngx_http_intake_hold(panel, &shown[i], now);
        panels[i] = *panel;
    }

    ngx_memory_barrier();

    /* workers of another configuration write another board */

    if (!ngx_atomic_cmp_set(&board->readings->newest, board->began,
                            board->began + 1))
    {
        return;
    }

    shared->shown = next;
    shared->sequence++;
    shared->fetched = (ngx_atomic_uint_t) now;
    shared->number = board->began + 1;
}


static void
ngx_http_intake_board_ready(ngx_event_t *ev)
{
    ngx_http_intake_board_wake();
}


static void
ngx_http_intake_board_wake(void)
{
    ngx_uint_t                  n;
    ngx_queue_t                *q;
    ngx_http_intake_board_t    *board;
    ngx_http_intake_waiting_t  *waiting, copy;

    board = &ngx_http_intake_the_board;
    n = 0;

    for (q = ngx_queue_head(&board->waiting);
         q != ngx_queue_sentinel(&board->waiting);
         q = ngx_queue_next(q))
    {
        n++;
    }

    /* a handler may ask again, or end others that wait */

    while (n-- && !ngx_queue_empty(&board->waiting)) {
        q = ngx_queue_head(&board->waiting);
        ngx_queue_remove(q);

        waiting = ngx_queue_data(q, ngx_http_intake_waiting_t, queue);
        copy = *waiting;
        ngx_free(waiting);

        copy.handler(copy.data);
    }

    if (ngx_queue_empty(&board->waiting) && board->timer.timer_set) {
        ngx_del_timer(&board->timer);
    }
}


/* another worker reads: look until it is done, or took too long */

static void
ngx_http_intake_board_poll(ngx_event_t *ev)
{
    int64_t                     now;
    ngx_queue_t                *q;
    ngx_http_intake_board_t    *board;
    ngx_http_intake_waiting_t  *first;

    board = &ngx_http_intake_the_board;
    now = ngx_http_intake_now();

    if (ngx_queue_empty(&board->waiting)) {
        return;
    }

    q = ngx_queue_head(&board->waiting);
    first = ngx_queue_data(q, ngx_http_intake_waiting_t, queue);

    if (ngx_exiting || ngx_http_intake_board_is_fresh(now)
        || now >= first->until
        || first->until - now > NGX_HTTP_INTAKE_BOARD_WAIT)
    {
        ngx_http_intake_board_wake();
        return;
    }

    ngx_add_timer(ev, NGX_HTTP_INTAKE_BOARD_POLL);
}
