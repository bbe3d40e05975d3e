
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake.h"


/*
 * sla, tier and escalate of a source: which promise it makes.  What they name
 * is looked up when http {} has been read, by sla_check.
 */


static ngx_http_intake_sla_t *ngx_http_intake_create_sla(ngx_conf_t *cf,
    ngx_http_intake_source_t *source);
static char *ngx_http_intake_sla_argument(ngx_http_intake_tier_t *tier,
    ngx_str_t *argument);
static ngx_uint_t ngx_http_intake_sla_value(ngx_str_t *argument,
    const char *name, ngx_str_t *value);
static ngx_int_t ngx_http_intake_sla_time(ngx_str_t *text, ngx_msec_t *ms);
static ngx_int_t ngx_http_intake_sla_percent(ngx_str_t *text, ngx_uint_t *n);


/* as far as calendars reach; what is computed of times has room for more */
#define NGX_HTTP_INTAKE_MAX_SLA_TIME                                         \
    ((int64_t) 3650 * 24 * 60 * 60 * 1000)


ngx_str_t  ngx_http_intake_default_tier = ngx_string("default");


static ngx_http_intake_sla_t *
ngx_http_intake_create_sla(ngx_conf_t *cf, ngx_http_intake_source_t *source)
{
    ngx_http_intake_sla_t  *sla;

    if (source->sla) {
        return source->sla;
    }

    sla = ngx_pcalloc(cf->pool, sizeof(ngx_http_intake_sla_t));
    if (sla == NULL) {
        return NULL;
    }

    sla->variable = NGX_ERROR;
    sla->escalations = ngx_array_create(cf->pool, 2,
                                       sizeof(ngx_http_intake_escalation_t));
    if (sla->escalations == NULL) {
        return NULL;
    }

    source->sla = sla;

    return sla;
}


char *
ngx_http_intake_source_sla(ngx_conf_t *cf, ngx_http_intake_directive_t *d,
    void *conf)
{
    char                    *rv;
    ngx_str_t               *value;
    ngx_uint_t               i;
    ngx_http_intake_sla_t   *sla;
    ngx_http_intake_tier_t  *tier;

    sla = ngx_http_intake_create_sla(cf, conf);
    if (sla == NULL) {
        return NGX_CONF_ERROR;
    }

    if (sla->ntiers == NGX_HTTP_INTAKE_MAX_TIERS) {
        return "may stand four times";
    }

    tier = &sla->tiers[sla->ntiers];

    tier->first = NGX_CONF_UNSET_MSEC;
    tier->next = NGX_CONF_UNSET_MSEC;
    tier->objective = 900;
    tier->at_risk = 750;
    tier->skew = 2 * 60 * 1000;
    tier->forget = (ngx_msec_t) 30 * 24 * 60 * 60 * 1000;
    tier->name = ngx_http_intake_default_tier;
    ngx_str_set(&tier->calendar_name, "24/7");

    ngx_http_intake_position(cf, &tier->position);

    value = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {
        rv = ngx_http_intake_sla_argument(tier, &value[i]);

        if (rv != NGX_CONF_OK) {
            return rv;
        }
    }

    if (tier->first == NGX_CONF_UNSET_MSEC) {
        return "must have first=T, the promised time of a first response, "
               "such as first=30m";
    }

    if (tier->next == NGX_CONF_UNSET_MSEC) {
        tier->next = tier->first;
    }

    if (ngx_http_intake_find_tier(sla, &tier->name)) {
        return "is there already for this tier: write tier=NAME with "
               "another name";
    }

    sla->ntiers++;

    return NGX_CONF_OK;
}


static char *
ngx_http_intake_sla_argument(ngx_http_intake_tier_t *tier,
    ngx_str_t *argument)
{
    ngx_str_t  value;

    if (ngx_http_intake_sla_value(argument, "first=", &value)) {
        if (ngx_http_intake_sla_time(&value, &tier->first) != NGX_OK) {
            return "must have a time as first=T, such as first=30m, "
                   "3650d at most";
        }

    } else if (ngx_http_intake_sla_value(argument, "next=", &value)) {
        if (ngx_http_intake_sla_time(&value, &tier->next) != NGX_OK) {
            return "must have a time as next=T, such as next=4h, "
                   "3650d at most";
        }

    } else if (ngx_http_intake_sla_value(argument, "out_of_hours=", &value)) {
        if (ngx_http_intake_sla_time(&value, &tier->out_of_hours) != NGX_OK) {
            return "must have a time as out_of_hours=T, such as "
                   "out_of_hours=8h, 3650d at most";
        }

    } else if (ngx_http_intake_sla_value(argument, "skew=", &value)) {
        if (ngx_http_intake_sla_time(&value, &tier->skew) != NGX_OK) {
            return "must have a time as skew=T, such as skew=2m, "
                   "3650d at most";
        }

    } else if (ngx_http_intake_sla_value(argument, "forget=", &value)) {
        if (ngx_http_intake_sla_time(&value, &tier->forget) != NGX_OK
            || tier->forget < 1000)
        {
            return "must have a time of 1s or more as forget=T, such as "
                   "forget=30d, 3650d at most";
        }

    } else if (ngx_http_intake_sla_value(argument, "objective=", &value)) {
        if (ngx_http_intake_sla_percent(&value, &tier->objective) != NGX_OK) {
            return "must have a share below 100% as objective=N%, such as "
                   "objective=90%";
        }

    } else if (ngx_http_intake_sla_value(argument, "at_risk=", &value)) {
        if (ngx_http_intake_sla_percent(&value, &tier->at_risk) != NGX_OK) {
            return "must have a share of the target below 100% as "
                   "at_risk=N%, such as at_risk=75%";
        }

    } else if (ngx_http_intake_sla_value(argument, "calendar=", &value)) {
        tier->calendar_name = value;

    } else if (ngx_http_intake_sla_value(argument, "tier=", &value)) {
        if (ngx_http_intake_check_name(&value) != NGX_OK) {
            return "must have a tier=NAME of up to 32 of a-z, 0-9, \"_\" "
                   "and \"-\", a letter first";
        }

        tier->name = value;

    } else {
        return "takes tier=, first=, next=, objective=, at_risk=, "
               "calendar=, out_of_hours=, skew= and forget=";
    }

    return NGX_CONF_OK;
}


static ngx_uint_t
ngx_http_intake_sla_value(ngx_str_t *argument, const char *name,
    ngx_str_t *value)
{
    size_t  len;

    len = ngx_strlen(name);

    if (argument->len < len || ngx_strncmp(argument->data, name, len) != 0) {
        return 0;
    }

    value->len = argument->len - len;
    value->data = argument->data + len;

    return 1;
}


static ngx_int_t
ngx_http_intake_sla_time(ngx_str_t *text, ngx_msec_t *ms)
{
    ngx_int_t  n;

    n = ngx_parse_time(text, 0);

    if (n == NGX_ERROR || n > NGX_HTTP_INTAKE_MAX_SLA_TIME) {
        return NGX_ERROR;
    }

    *ms = (ngx_msec_t) n;

    return NGX_OK;
}


/* "90%", "99.5%" as thousandths; 100% is no objective that can be missed */

static ngx_int_t
ngx_http_intake_sla_percent(ngx_str_t *text, ngx_uint_t *thousandths)
{
    ngx_int_t  n;

    if (text->len < 2 || text->data[text->len - 1] != '%') {
        return NGX_ERROR;
    }

    n = ngx_atofp(text->data, text->len - 1, 1);

    if (n == NGX_ERROR || n == 0 || n >= 1000) {
        return NGX_ERROR;
    }

    *thousandths = n;

    return NGX_OK;
}


/* tier $variable */

char *
ngx_http_intake_source_tier(ngx_conf_t *cf, ngx_http_intake_directive_t *d,
    void *conf)
{
    ngx_str_t              *value, name;
    ngx_http_intake_sla_t  *sla;

    value = cf->args->elts;

    if (value[1].len < 2 || value[1].data[0] != '$') {
        return "must be a variable, such as \"tier $tier;\" with a \"map\" "
               "that sets it";
    }

    sla = ngx_http_intake_create_sla(cf, conf);
    if (sla == NULL) {
        return NGX_CONF_ERROR;
    }

    name.len = value[1].len - 1;
    name.data = value[1].data + 1;

    sla->variable = ngx_http_get_variable_index(cf, &name);

    if (sla->variable == NGX_ERROR) {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


char *
ngx_http_intake_source_escalate(ngx_conf_t *cf,
    ngx_http_intake_directive_t *d, void *conf)
{
    ngx_str_t                     *value, text;
    ngx_uint_t                     i, after;
    ngx_http_intake_sla_t         *sla;
    ngx_http_intake_escalation_t  *escalation;

    sla = ngx_http_intake_create_sla(cf, conf);
    if (sla == NULL) {
        return NGX_CONF_ERROR;
    }

    escalation = ngx_array_push(sla->escalations);
    if (escalation == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_memzero(escalation, sizeof(ngx_http_intake_escalation_t));
    escalation->tier = ngx_http_intake_default_tier;
    ngx_http_intake_position(cf, &escalation->position);

    after = 0;
    value = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {

        if (ngx_http_intake_sla_value(&value[i], "after=", &text)) {
            if (ngx_http_intake_sla_time(&text, &escalation->after)
                != NGX_OK)
            {
                return "must have a time as after=T, such as after=1h, "
                       "3650d at most";
            }

            after = 1;

        } else if (ngx_http_intake_sla_value(&value[i], "name=", &text)) {
            escalation->name = text;

        } else if (ngx_http_intake_sla_value(&value[i], "tier=", &text)) {
            escalation->tier = text;

        } else {
            return "takes after=T, name=NAME and tier=NAME";
        }
    }

    if (!after || ngx_http_intake_check_name(&escalation->name) != NGX_OK) {
        return "must have after=T and name=NAME, such as "
               "\"escalate after=1h name=manager;\"";
    }

    return NGX_CONF_OK;
}


ngx_http_intake_tier_t *
ngx_http_intake_find_tier(ngx_http_intake_sla_t *sla, ngx_str_t *name)
{
    ngx_uint_t  i;

    for (i = 0; i < sla->ntiers; i++) {
        if (sla->tiers[i].name.len == name->len
            && ngx_strncmp(sla->tiers[i].name.data, name->data, name->len)
               == 0)
        {
            return &sla->tiers[i];
        }
    }

    return NULL;
}
