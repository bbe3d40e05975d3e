
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake.h"
#include "ngx_http_intake_replies.h"


/*
 * What a location serves: intake and intake_token, and what they, intake_status
 * and intake_replies make of a location when all sources have been read.
 */


static char *ngx_http_intake_merge_token(ngx_conf_t *cf,
    ngx_http_intake_loc_conf_t *ilcf, ngx_http_core_loc_conf_t *clcf);
static ngx_http_intake_source_t *ngx_http_intake_location_source(
    ngx_conf_t *cf, ngx_http_intake_loc_conf_t *ilcf);
static char *ngx_http_intake_keep_errors(ngx_conf_t *cf,
    ngx_http_core_loc_conf_t *clcf, ngx_http_intake_loc_conf_t *ilcf);


void *
ngx_http_intake_create_loc_conf(ngx_conf_t *cf)
{
    return ngx_pcalloc(cf->pool, sizeof(ngx_http_intake_loc_conf_t));
}


/* intake NAME [get=page]; */

char *
ngx_http_intake_directive(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_intake_loc_conf_t *ilcf = conf;

    ngx_str_t                    *value;
    ngx_http_intake_srv_conf_t   *iscf;
    ngx_http_intake_main_conf_t  *imcf;

    if (ilcf->source_name.len) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (cf->args->nelts == 3) {
        if (ngx_strcmp(value[2].data, "get=page") != 0) {
            return "takes a source's name, then get=page";
        }

        ilcf->get_page = 1;
    }

    ilcf->source_name = value[1];
    ngx_http_intake_position(cf, &ilcf->source_position);

    iscf = ngx_http_conf_get_module_srv_conf(cf, ngx_http_intake_module);
    iscf->used = 1;

    imcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_intake_module);
    imcf->used = 1;

    return ngx_http_intake_set_handler(cf, ngx_http_intake_handler);
}


char *
ngx_http_intake_set_handler(ngx_conf_t *cf, ngx_http_handler_pt handler)
{
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    if (clcf->handler) {
        return "cannot stand beside another handler of the location, "
               "such as proxy_pass, intake or intake_status";
    }

    clcf->handler = handler;

    return NGX_CONF_OK;
}


/* intake_token NAME; its name and place are kept as those of a source */

char *
ngx_http_intake_token_directive(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_intake_loc_conf_t *ilcf = conf;

    ngx_str_t  *value;

    if (ilcf->token) {
        return "is duplicate";
    }

    value = cf->args->elts;

    ilcf->token = 1;
    ilcf->source_name = value[1];
    ngx_http_intake_position(cf, &ilcf->source_position);

    return ngx_http_intake_set_handler(cf, ngx_http_intake_token_handler);
}


static char *
ngx_http_intake_merge_token(ngx_conf_t *cf, ngx_http_intake_loc_conf_t *ilcf,
    ngx_http_core_loc_conf_t *clcf)
{
    ngx_http_intake_source_t  *source;

    if (clcf->handler != ngx_http_intake_token_handler) {
        ngx_http_intake_conf_log(cf, NGX_LOG_EMERG, &ilcf->source_position,
                                 "\"intake_token\" cannot stand beside "
                                 "another handler of the location");
        return NGX_CONF_ERROR;
    }

    source = ngx_http_intake_location_source(cf, ilcf);

    if (source == NULL) {
        return NGX_CONF_ERROR;
    }

    if (source->form == NULL || source->form->token.cookie.len == 0) {
        ngx_http_intake_conf_log(cf, NGX_LOG_EMERG, &ilcf->source_position,
                                 "intake_source \"%V\" has no cookie to set: "
                                 "write \"token secret=file:PATH "
                                 "cookie=NAME\" there", &source->name);
        return NGX_CONF_ERROR;
    }

    ilcf->token_source = source;

    return NGX_CONF_OK;
}


char *
ngx_http_intake_merge_loc_conf(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_http_intake_loc_conf_t *prev = parent;
    ngx_http_intake_loc_conf_t *conf = child;

    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    /* the unnamed location of an "if" or "limit_except" serves the same */

    if (clcf->noname && clcf->handler == NULL) {
        if (prev->source) {
            *conf = *prev;
            clcf->handler = ngx_http_intake_handler;

        } else if (prev->token) {
            *conf = *prev;
            clcf->handler = ngx_http_intake_token_handler;

        } else if (prev->status) {
            *conf = *prev;
            clcf->handler = ngx_http_intake_status_handler;

        } else if (prev->replies) {
            *conf = *prev;
            clcf->handler = ngx_http_intake_replies_handler;
        }

    } else if (conf->token) {
        return ngx_http_intake_merge_token(cf, conf, clcf);

    } else if (conf->source_name.len) {

        if (clcf->handler != ngx_http_intake_handler) {
            ngx_http_intake_conf_log(cf, NGX_LOG_EMERG,
                                     &conf->source_position,
                                     "\"intake\" cannot stand beside another "
                                     "handler of the location");
            return NGX_CONF_ERROR;
        }

        conf->source = ngx_http_intake_location_source(cf, conf);

        if (conf->source == NULL) {
            return NGX_CONF_ERROR;
        }

        conf->source->used = 1;

    } else if (conf->status
               && clcf->handler != ngx_http_intake_status_handler)
    {
        ngx_http_intake_conf_log(cf, NGX_LOG_EMERG, &conf->source_position,
                                 "\"intake_status\" cannot stand beside "
                                 "another handler of the location");
        return NGX_CONF_ERROR;
    }

    if (conf->status
        && ngx_http_intake_check_health(cf, conf) != NGX_CONF_OK)
    {
        return NGX_CONF_ERROR;
    }

    if (conf->replies) {
        clcf->client_max_body_size = NGX_HTTP_INTAKE_REPLY_BODY;
    }

    if (conf->source) {

        /* the source's limit is the location's, also for nginx's own 413 */

        clcf->client_max_body_size = conf->source->max_body;
        clcf->client_body_buffer_size = ngx_max(clcf->client_body_buffer_size,
                                                64 * 1024);

        return ngx_http_intake_keep_errors(cf, clcf, conf);
    }

    return NGX_CONF_OK;
}


/*
 * What a sender is answered is ours: no error_page, which is mostly inherited,
 * may put a page or a redirect in its place.  A page keeps its error pages,
 * but that of 413, which is answered before the method is looked at.
 */

static char *
ngx_http_intake_keep_errors(ngx_conf_t *cf, ngx_http_core_loc_conf_t *clcf,
    ngx_http_intake_loc_conf_t *ilcf)
{
    ngx_uint_t            i;
    ngx_array_t          *kept;
    ngx_http_err_page_t  *page, *copy;

    if (clcf->error_pages == NULL) {
        return NGX_CONF_OK;
    }

    if (!ilcf->get_page) {
        clcf->error_pages = NULL;
        return NGX_CONF_OK;
    }

    kept = ngx_array_create(cf->pool, clcf->error_pages->nelts,
                            sizeof(ngx_http_err_page_t));
    if (kept == NULL) {
        return NGX_CONF_ERROR;
    }

    page = clcf->error_pages->elts;

    for (i = 0; i < clcf->error_pages->nelts; i++) {

        if (page[i].status == NGX_HTTP_REQUEST_ENTITY_TOO_LARGE) {
            continue;
        }

        copy = ngx_array_push(kept);
        if (copy == NULL) {
            return NGX_CONF_ERROR;
        }

        *copy = page[i];
    }

    clcf->error_pages = kept;

    return NGX_CONF_OK;
}


static ngx_http_intake_source_t *
ngx_http_intake_location_source(ngx_conf_t *cf,
    ngx_http_intake_loc_conf_t *ilcf)
{
    ngx_http_intake_main_conf_t  *imcf;

    imcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_intake_module);

    return ngx_http_intake_require_named(cf, imcf->sources,
                                  &ilcf->source_name, &ilcf->source_position,
                                  "source", "unknown source \"%V\": write "
                                  "\"intake_source %V { }\" in http { }");
}
