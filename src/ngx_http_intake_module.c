
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake.h"
#include "ngx_http_intake_board.h"
#include "ngx_http_intake_replies.h"


/*
 * The front door: the table of directives, the conf of http {}, the phases, and
 * what a worker starts and ends with.
 */


static ngx_int_t ngx_http_intake_add_handlers(ngx_conf_t *cf);
static void *ngx_http_intake_create_main_conf(ngx_conf_t *cf);
static char *ngx_http_intake_init_main_conf(ngx_conf_t *cf, void *conf);
static void *ngx_http_intake_create_srv_conf(ngx_conf_t *cf);
static ngx_int_t ngx_http_intake_init_process(ngx_cycle_t *cycle);
static void ngx_http_intake_exit_process(ngx_cycle_t *cycle);


static ngx_command_t  ngx_http_intake_commands[] = {

    { ngx_string("intake_redis"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_BLOCK|NGX_CONF_NOARGS,
      ngx_http_intake_redis_block,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("intake_spool"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE12,
      ngx_http_intake_spool_directive,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("intake_platform"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_BLOCK|NGX_CONF_TAKE1,
      ngx_http_intake_platform_block,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("intake_source"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_BLOCK|NGX_CONF_TAKE1,
      ngx_http_intake_source_block,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("intake_calendar"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_BLOCK|NGX_CONF_TAKE1,
      ngx_http_intake_calendar_block,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("intake"),
      NGX_HTTP_LOC_CONF|NGX_CONF_TAKE12,
      ngx_http_intake_directive,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("intake_token"),
      NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_http_intake_token_directive,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("intake_replies"),
      NGX_HTTP_LOC_CONF|NGX_CONF_1MORE,
      ngx_http_intake_replies_directive,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("intake_status"),
      NGX_HTTP_LOC_CONF|NGX_CONF_ANY,
      ngx_http_intake_status_directive,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

      ngx_null_command
};


static ngx_http_module_t  ngx_http_intake_module_ctx = {
    ngx_http_intake_add_variables,         /* preconfiguration */
    ngx_http_intake_add_handlers,          /* postconfiguration */

    ngx_http_intake_create_main_conf,      /* create main configuration */
    ngx_http_intake_init_main_conf,        /* init main configuration */

    ngx_http_intake_create_srv_conf,       /* create server configuration */
    NULL,                                  /* merge server configuration */

    ngx_http_intake_create_loc_conf,       /* create location configuration */
    ngx_http_intake_merge_loc_conf         /* merge location configuration */
};


ngx_module_t  ngx_http_intake_module = {
    NGX_MODULE_V1,
    &ngx_http_intake_module_ctx,           /* module context */
    ngx_http_intake_commands,              /* module directives */
    NGX_HTTP_MODULE,                       /* module type */
    NULL,                                  /* init master */
    NULL,                                  /* init module */
    ngx_http_intake_init_process,          /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    ngx_http_intake_exit_process,          /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


static ngx_int_t
ngx_http_intake_add_handlers(ngx_conf_t *cf)
{
    ngx_http_handler_pt          *h;
    ngx_http_core_main_conf_t    *cmcf;
    ngx_http_intake_main_conf_t  *imcf;

    if (ngx_http_intake_check_variables(cf) != NGX_OK) {
        return NGX_ERROR;
    }

    imcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_intake_module);

    if (!imcf->used) {
        return NGX_OK;
    }

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);

    h = ngx_array_push(&cmcf->phases[NGX_HTTP_POST_READ_PHASE].handlers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    *h = ngx_http_intake_post_read;

    /* pushed last, hence called first: before limit_req and limit_conn */

    h = ngx_array_push(&cmcf->phases[NGX_HTTP_PREACCESS_PHASE].handlers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    *h = ngx_http_intake_preaccess;

    ngx_http_intake_add_filters();
    ngx_http_intake_captcha_add_filter();

    return NGX_OK;
}


static void *
ngx_http_intake_create_main_conf(ngx_conf_t *cf)
{
    ngx_http_intake_main_conf_t  *imcf;

    imcf = ngx_pcalloc(cf->pool, sizeof(ngx_http_intake_main_conf_t));
    if (imcf == NULL) {
        return NULL;
    }

    imcf->redis.database = NGX_CONF_UNSET;
    imcf->redis.timeout = NGX_CONF_UNSET_MSEC;
    imcf->redis.connect_timeout = NGX_CONF_UNSET_MSEC;
    imcf->redis.max_in_flight = NGX_CONF_UNSET_UINT;
    imcf->redis.max_clock_skew = NGX_CONF_UNSET_MSEC;

    imcf->platforms = ngx_array_create(cf->pool, 8,
                                       sizeof(ngx_http_intake_platform_t *));
    if (imcf->platforms == NULL) {
        return NULL;
    }

    imcf->calendars = ngx_array_create(cf->pool, 4,
                                       sizeof(ngx_http_intake_calendar_t *));
    if (imcf->calendars == NULL) {
        return NULL;
    }

    imcf->sources = ngx_array_create(cf->pool, 4,
                                     sizeof(ngx_http_intake_source_t *));
    if (imcf->sources == NULL) {
        return NULL;
    }

    return imcf;
}


static char *
ngx_http_intake_init_main_conf(ngx_conf_t *cf, void *conf)
{
    ngx_http_intake_main_conf_t *imcf = conf;

    char  *rv;

    rv = ngx_http_intake_check_conf(cf, imcf);

    if (rv != NGX_CONF_OK) {
        return rv;
    }

    if (!imcf->used) {
        return NGX_CONF_OK;
    }

    if (ngx_http_intake_add_zone(cf, imcf) != NGX_OK
        || ngx_http_intake_add_board(cf, imcf) != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static void *
ngx_http_intake_create_srv_conf(ngx_conf_t *cf)
{
    return ngx_pcalloc(cf->pool, sizeof(ngx_http_intake_srv_conf_t));
}


static ngx_int_t
ngx_http_intake_init_process(ngx_cycle_t *cycle)
{
    ngx_http_intake_main_conf_t  *imcf;

    if (ngx_process != NGX_PROCESS_WORKER
        && ngx_process != NGX_PROCESS_SINGLE)
    {
        return NGX_OK;
    }

    /* there may be no http {} at all */

    imcf = ngx_http_cycle_get_module_main_conf(cycle, ngx_http_intake_module);

    if (imcf == NULL || !imcf->used) {
        return NGX_OK;
    }

    if (ngx_intake_sha256_init() != NGX_OK) {
        ngx_log_error(NGX_LOG_EMERG, cycle->log, 0,
                      "SHA-256 of the library of digests cannot be used");
        return NGX_ERROR;
    }

    ngx_http_intake_attachments_init(cycle, imcf);

    return ngx_http_intake_store_init(cycle, imcf);
}


static void
ngx_http_intake_exit_process(ngx_cycle_t *cycle)
{
    ngx_http_intake_main_conf_t  *imcf;

    imcf = ngx_http_cycle_get_module_main_conf(cycle, ngx_http_intake_module);

    if (imcf == NULL || !imcf->used) {
        return;
    }

    ngx_http_intake_attachments_exit();
    ngx_http_intake_store_exit(cycle);
    ngx_intake_sha256_done();
}
