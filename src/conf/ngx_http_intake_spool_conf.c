
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake.h"


/* intake_spool, and what it changes for the sources. */


#define NGX_HTTP_INTAKE_SPOOL_SIZE   ((off_t) 1024 * 1024 * 1024)

/* ms: how long what waits in the spool is known again, and so kept once */
#define NGX_HTTP_INTAKE_SPOOL_TTL    ((ngx_msec_t) 7 * 24 * 3600 * 1000)

/* ms: longer than any resend of our own */
#define NGX_HTTP_INTAKE_OWN_KEY_TTL  600000

/* ms of a sender's patience that are left for the disk; of little a quarter */
#define NGX_HTTP_INTAKE_SPOOL_TIME   300


char *
ngx_http_intake_spool_directive(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_intake_main_conf_t *imcf = conf;

    ngx_str_t  *value, size;

    if (imcf->spool.path) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (value[1].len == 0) {
        return "needs the path of a directory";
    }

    imcf->spool.max_size = NGX_HTTP_INTAKE_SPOOL_SIZE;

    if (cf->args->nelts == 3) {

        if (ngx_strncmp(value[2].data, "max_size=", 9) != 0) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid parameter \"%V\" of "
                               "\"intake_spool\": write max_size=SIZE",
                               &value[2]);
            return NGX_CONF_ERROR;
        }

        size.data = value[2].data + 9;
        size.len = value[2].len - 9;

        imcf->spool.max_size = ngx_parse_offset(&size);

        if (imcf->spool.max_size <= 0) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid size \"%V\" of \"intake_spool\": "
                               "write max_size=1g or the like", &size);
            return NGX_CONF_ERROR;
        }
    }

    ngx_http_intake_position(cf, &imcf->spool_position);
    ngx_http_intake_check_threads(cf, "intake_spool");

    if (ngx_intake_spool_path(cf, &value[1], &imcf->spool) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


void
ngx_http_intake_check_threads(ngx_conf_t *cf, const char *name)
{
#if !(NGX_THREADS)

    ngx_conf_log_error(NGX_LOG_WARN, cf, 0,
                       "this nginx was built without threads, so \"%s\" "
                       "stops the worker while it waits for the disk: use an "
                       "nginx that was built with \"--with-threads\"", name);

#endif
}


char *
ngx_http_intake_check_spool(ngx_conf_t *cf, ngx_http_intake_main_conf_t *imcf)
{
    ngx_uint_t                  i;
    ngx_http_intake_source_t   *source, **sources;

    sources = imcf->sources->elts;

    for (i = 0; i < imcf->sources->nelts; i++) {
        source = sources[i];

        source->patience = source->deadline;
        source->key_ttl = source->dedupe.window;
        source->own_key_ttl = NGX_HTTP_INTAKE_OWN_KEY_TTL;

        if (imcf->spool.path == NULL) {
            continue;
        }

        source->patience -= ngx_min(source->deadline / 4,
                                    NGX_HTTP_INTAKE_SPOOL_TIME);
        source->key_ttl = ngx_max(source->key_ttl, NGX_HTTP_INTAKE_SPOOL_TTL);
        source->own_key_ttl = NGX_HTTP_INTAKE_SPOOL_TTL;

        if ((off_t) source->max_body > imcf->spool.max_size) {
            ngx_http_intake_conf_log(cf, NGX_LOG_EMERG,
                                     &imcf->spool_position,
                                     "\"max_size\" of \"intake_spool\" is "
                                     "smaller than \"max_body\" of "
                                     "intake_source \"%V\": the spool could "
                                     "not keep what the source takes",
                                     &source->name);
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}
