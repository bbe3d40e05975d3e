
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake_status.h"
#include "ngx_http_intake_conf.h"


/* ?health, and `health=` of intake_status, which says what it asks for. */


static ngx_int_t ngx_http_intake_status_overdue(
    ngx_http_intake_status_t *status);


static ngx_http_intake_status_problem_t  ngx_http_intake_overdue_problem =
    { NGX_HTTP_SERVICE_UNAVAILABLE, "Overdue", "OVERDUE" };


char *
ngx_http_intake_status_health(ngx_conf_t *cf, ngx_str_t *value,
    ngx_http_intake_loc_conf_t *ilcf)
{
    size_t       len;
    u_char      *p, *last, *end;
    ngx_uint_t   i;

    static struct {
        ngx_str_t   name;
        ngx_uint_t  bit;
    } words[] = {
        { ngx_string("redis"), NGX_HTTP_INTAKE_HEALTH_REDIS },
        { ngx_string("spool"), NGX_HTTP_INTAKE_HEALTH_SPOOL },
        { ngx_string("overdue"), NGX_HTTP_INTAKE_HEALTH_OVERDUE },
        { ngx_null_string, 0 }
    };

    last = value->data + value->len;

    for (p = value->data + sizeof("health=") - 1; /* void */ ; p = end + 1) {
        end = ngx_strlchr(p, last, ',');

        if (end == NULL) {
            end = last;
        }

        len = end - p;

        for (i = 0; words[i].name.len; i++) {
            if (words[i].name.len == len
                && ngx_strncmp(words[i].name.data, p, len) == 0)
            {
                break;
            }
        }

        if (words[i].name.len == 0) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid parameter \"%V\" of "
                               "\"intake_status\": write health=redis, "
                               "health=spool, health=overdue or several, "
                               "such as health=redis,overdue", value);
            return NGX_CONF_ERROR;
        }

        ilcf->health |= words[i].bit;

        if (end == last) {
            return NGX_CONF_OK;
        }
    }
}


char *
ngx_http_intake_check_health(ngx_conf_t *cf, ngx_http_intake_loc_conf_t *ilcf)
{
    ngx_http_intake_main_conf_t  *imcf;

    imcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_intake_module);

    if ((ilcf->health & NGX_HTTP_INTAKE_HEALTH_SPOOL)
        && imcf->spool.path == NULL)
    {
        ngx_http_intake_conf_log(cf, NGX_LOG_EMERG, &ilcf->source_position,
                                 "\"health=spool\" in \"intake_status\", but "
                                 "there is no \"intake_spool\"");
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


/*
 * An entry can be stored as long as one worker has its Redis, and kept as long
 * as the spool takes it; `health` asks for more than one of the two.
 */

ngx_int_t
ngx_http_intake_send_health(ngx_http_request_t *r,
    ngx_http_intake_status_t *status)
{
    ngx_int_t                    rc;
    ngx_str_t                   *type, none, body;
    ngx_http_intake_loc_conf_t  *ilcf;

    ilcf = ngx_http_get_module_loc_conf(r, ngx_http_intake_module);

    if (status->nready == 0
        && (!status->spool_takes
            || (ilcf->health & NGX_HTTP_INTAKE_HEALTH_REDIS)))
    {
        return ngx_http_intake_send_problem(r, NGX_HTTP_SERVICE_UNAVAILABLE,
                                            "Redis is not ready");
    }

    if (!status->spool_takes && (ilcf->health & NGX_HTTP_INTAKE_HEALTH_SPOOL))
    {
        return ngx_http_intake_send_problem(r, NGX_HTTP_SERVICE_UNAVAILABLE,
                                            "the spool takes nothing");
    }

    if (ilcf->health & NGX_HTTP_INTAKE_HEALTH_OVERDUE) {
        rc = ngx_http_intake_status_overdue(status);

        if (rc == NGX_DECLINED) {
            return ngx_http_intake_send_problem(r,
                                                NGX_HTTP_SERVICE_UNAVAILABLE,
                                                "the clocks cannot be read");
        }

        if (rc != NGX_OK) {
            return ngx_http_intake_send_problem_of(r,
                                     &ngx_http_intake_overdue_problem,
                                     "somebody has waited for too long");
        }
    }

    type = &ngx_http_intake_formats[NGX_HTTP_INTAKE_FORMAT_JSON].type;
    ngx_str_null(&none);
    ngx_str_set(&body, "{\"ok\":true}");

    return ngx_http_intake_status_send(r, NGX_HTTP_OK, type, &none, &body);
}


/* NGX_ERROR: somebody is overdue; NGX_DECLINED: that is not known */

static ngx_int_t
ngx_http_intake_status_overdue(ngx_http_intake_status_t *status)
{
    ngx_int_t                         rc;
    ngx_uint_t                        i, k;
    ngx_http_intake_source_status_t  *ss;

    rc = NGX_OK;

    for (i = 0; i < status->nsources; i++) {
        ss = &status->sources[i];

        if (ss->source->sla == NULL) {
            continue;
        }

        if (ss->panel == NULL) {
            rc = NGX_DECLINED;
            continue;
        }

        for (k = 0; k < 2 * ss->source->sla->ntiers; k++) {
            if (ss->panel->lanes[k].overdue) {
                return NGX_ERROR;
            }
        }
    }

    return rc;
}
