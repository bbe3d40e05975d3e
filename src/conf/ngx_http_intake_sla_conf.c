
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake.h"


/*
 * sla, tier and escalate of a source: which promise it makes.  What they name
 * is looked up when http {} has been read.
 */


/* what the shipped alert on a fast burn needs to be able to fire: a budget
   that 6 times itself does not exceed everything; see docs/sla.md */

#define NGX_HTTP_INTAKE_LEAST_OBJECTIVE  834    /* thousandths */


static ngx_http_intake_sla_t *ngx_http_intake_create_sla(ngx_conf_t *cf,
    ngx_http_intake_source_t *source);
static char *ngx_http_intake_sla_argument(ngx_http_intake_tier_t *tier,
    ngx_str_t *argument);
static ngx_uint_t ngx_http_intake_sla_value(ngx_str_t *argument,
    const char *name, ngx_str_t *value);
static ngx_int_t ngx_http_intake_sla_time(ngx_str_t *text, ngx_msec_t *ms);
static ngx_int_t ngx_http_intake_sla_percent(ngx_str_t *text, ngx_uint_t *n);
static char *ngx_http_intake_check_tier(ngx_conf_t *cf,
    ngx_http_intake_main_conf_t *imcf, ngx_http_intake_source_t *source,
    ngx_http_intake_tier_t *tier);
static char *ngx_http_intake_check_escalations(ngx_conf_t *cf,
    ngx_http_intake_source_t *source);
static ngx_int_t ngx_http_intake_add_escalation(
    ngx_http_intake_tier_t *tier, ngx_http_intake_escalation_t *escalation);
static ngx_http_intake_tier_t *ngx_http_intake_find_tier(
    ngx_http_intake_sla_t *sla, ngx_str_t *name);
static char *ngx_http_intake_name_clocks(ngx_conf_t *cf,
    ngx_http_intake_source_t *source);
static char *ngx_http_intake_set_bounds(ngx_conf_t *cf,
    ngx_http_intake_sla_t *sla);
static void ngx_http_intake_add_bound(ngx_http_intake_sla_t *sla,
    ngx_msec_t bound);
static ngx_uint_t ngx_http_intake_has_outbound(
    ngx_http_intake_source_t *source);


static ngx_str_t  ngx_http_intake_default_tier = ngx_string("default");


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
            return "must have a time as first=T, such as first=30m";
        }

    } else if (ngx_http_intake_sla_value(argument, "next=", &value)) {
        if (ngx_http_intake_sla_time(&value, &tier->next) != NGX_OK) {
            return "must have a time as next=T, such as next=4h";
        }

    } else if (ngx_http_intake_sla_value(argument, "out_of_hours=", &value)) {
        if (ngx_http_intake_sla_time(&value, &tier->out_of_hours) != NGX_OK) {
            return "must have a time as out_of_hours=T, such as "
                   "out_of_hours=8h";
        }

    } else if (ngx_http_intake_sla_value(argument, "skew=", &value)) {
        if (ngx_http_intake_sla_time(&value, &tier->skew) != NGX_OK) {
            return "must have a time as skew=T, such as skew=2m";
        }

    } else if (ngx_http_intake_sla_value(argument, "forget=", &value)) {
        if (ngx_http_intake_sla_time(&value, &tier->forget) != NGX_OK
            || tier->forget < 1000)
        {
            return "must have a time of 1s or more as forget=T, such as "
                   "forget=30d";
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

    if (n == NGX_ERROR) {
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
                return "must have a time as after=T, such as after=1h";
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


char *
ngx_http_intake_check_sla(ngx_conf_t *cf, ngx_http_intake_main_conf_t *imcf,
    ngx_http_intake_source_t *source)
{
    ngx_uint_t               i;
    ngx_http_intake_sla_t   *sla;
    ngx_http_intake_tier_t  *tier, first;

    sla = source->sla;

    if (sla == NULL) {
        return NGX_CONF_OK;
    }

    if (sla->ntiers == 0) {
        ngx_http_intake_conf_log(cf, NGX_LOG_EMERG, &source->position,
                                 "no \"sla\" in intake_source \"%V\", but "
                                 "\"tier\" or \"escalate\": write "
                                 "\"sla first=T;\"", &source->name);
        return NGX_CONF_ERROR;
    }

    tier = ngx_http_intake_find_tier(sla, &ngx_http_intake_default_tier);

    if (tier == NULL) {
        ngx_http_intake_conf_log(cf, NGX_LOG_EMERG, &source->position,
                                 "every \"sla\" in intake_source \"%V\" has "
                                 "a tier=: write one without, for whoever is "
                                 "in none of them", &source->name);
        return NGX_CONF_ERROR;
    }

    first = *tier;
    *tier = sla->tiers[0];
    sla->tiers[0] = first;

    if (sla->ntiers > 1 && sla->variable == NGX_ERROR) {
        ngx_http_intake_conf_log(cf, NGX_LOG_EMERG, &source->position,
                                 "nothing says which tier of intake_source "
                                 "\"%V\" a customer is in: write "
                                 "\"tier $variable;\"", &source->name);
        return NGX_CONF_ERROR;
    }

    for (i = 0; i < sla->ntiers; i++) {
        if (ngx_http_intake_check_tier(cf, imcf, source, &sla->tiers[i])
            != NGX_CONF_OK)
        {
            return NGX_CONF_ERROR;
        }
    }

    if (!imcf->replies && !ngx_http_intake_has_outbound(source)) {
        ngx_http_intake_conf_log(cf, NGX_LOG_WARN, &sla->tiers[0].position,
                                 "\"sla\" in intake_source \"%V\", but "
                                 "nothing reports replies, so that everybody "
                                 "waits for ever: write a location with "
                                 "\"intake_replies\"", &source->name);
    }

    if (ngx_http_intake_check_escalations(cf, source) != NGX_CONF_OK) {
        return NGX_CONF_ERROR;
    }

    return ngx_http_intake_name_clocks(cf, source);
}


static char *
ngx_http_intake_check_tier(ngx_conf_t *cf, ngx_http_intake_main_conf_t *imcf,
    ngx_http_intake_source_t *source, ngx_http_intake_tier_t *tier)
{
    ngx_str_t                    *names, *nearest;
    ngx_uint_t                    i, n;
    ngx_http_intake_calendar_t  **calendars;

    if (tier->objective < NGX_HTTP_INTAKE_LEAST_OBJECTIVE) {
        ngx_http_intake_conf_log(cf, NGX_LOG_WARN, &tier->position,
                                 "the alert IntakeSlaBurnFast can never fire "
                                 "for intake_source \"%V\": its "
                                 "\"objective\" is below 84%%",
                                 &source->name);
    }

    if (tier->calendar_name.len == 4
        && ngx_strncmp(tier->calendar_name.data, "24/7", 4) == 0)
    {
        return NGX_CONF_OK;
    }

    calendars = imcf->calendars->elts;
    n = imcf->calendars->nelts;

    names = ngx_palloc(cf->temp_pool, (n + 1) * sizeof(ngx_str_t));
    if (names == NULL) {
        return NGX_CONF_ERROR;
    }

    for (i = 0; i < n; i++) {
        names[i] = calendars[i]->name;

        if (names[i].len == tier->calendar_name.len
            && ngx_strncmp(names[i].data, tier->calendar_name.data,
                           names[i].len)
               == 0)
        {
            tier->calendar = calendars[i];
            return NGX_CONF_OK;
        }
    }

    nearest = ngx_http_intake_nearest(&tier->calendar_name, names, n,
                                      sizeof(ngx_str_t));

    if (nearest) {
        ngx_http_intake_conf_log(cf, NGX_LOG_EMERG, &tier->position,
                                 "unknown calendar \"%V\", did you mean "
                                 "\"%V\"?", &tier->calendar_name, nearest);

    } else {
        ngx_http_intake_conf_log(cf, NGX_LOG_EMERG, &tier->position,
                                 "unknown calendar \"%V\": write "
                                 "\"intake_calendar %V { }\" in http { }",
                                 &tier->calendar_name, &tier->calendar_name);
    }

    return NGX_CONF_ERROR;
}


/* each step goes to its tier, the earliest first */

static char *
ngx_http_intake_check_escalations(ngx_conf_t *cf,
    ngx_http_intake_source_t *source)
{
    ngx_uint_t                     i;
    ngx_http_intake_sla_t         *sla;
    ngx_http_intake_tier_t        *tier;
    ngx_http_intake_escalation_t  *escalation;

    sla = source->sla;
    escalation = sla->escalations->elts;

    for (i = 0; i < sla->escalations->nelts; i++) {
        tier = ngx_http_intake_find_tier(sla, &escalation[i].tier);

        if (tier == NULL) {
            ngx_http_intake_conf_log(cf, NGX_LOG_EMERG,
                                     &escalation[i].position,
                                     "no tier \"%V\" in intake_source "
                                     "\"%V\": write \"sla tier=%V "
                                     "first=T;\"", &escalation[i].tier,
                                     &source->name, &escalation[i].tier);
            return NGX_CONF_ERROR;
        }

        if (ngx_http_intake_add_escalation(tier, &escalation[i]) != NGX_OK) {
            ngx_http_intake_conf_log(cf, NGX_LOG_EMERG,
                                     &escalation[i].position,
                                     "two steps \"%V\" or more than %d in a "
                                     "tier of intake_source \"%V\"",
                                     &escalation[i].name,
                                     NGX_HTTP_INTAKE_MAX_ESCALATIONS,
                                     &source->name);
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_http_intake_add_escalation(ngx_http_intake_tier_t *tier,
    ngx_http_intake_escalation_t *escalation)
{
    ngx_uint_t  i;

    if (tier->nescalations == NGX_HTTP_INTAKE_MAX_ESCALATIONS) {
        return NGX_ERROR;
    }

    for (i = 0; i < tier->nescalations; i++) {
        if (tier->escalations[i]->name.len == escalation->name.len
            && ngx_strncmp(tier->escalations[i]->name.data,
                           escalation->name.data, escalation->name.len)
               == 0)
        {
            return NGX_ERROR;
        }
    }

    for (i = tier->nescalations; i > 0; i--) {

        if (tier->escalations[i - 1]->after <= escalation->after) {
            break;
        }

        tier->escalations[i] = tier->escalations[i - 1];
    }

    tier->escalations[i] = escalation;
    tier->nescalations++;

    return NGX_OK;
}


static ngx_http_intake_tier_t *
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


/* what the scripts are told of a source in every call */

static char *
ngx_http_intake_name_clocks(ngx_conf_t *cf, ngx_http_intake_source_t *source)
{
    u_char                        *p, *names;
    size_t                         len;
    ngx_str_t                      key;
    ngx_uint_t                     i, n;
    ngx_http_intake_sla_t         *sla;
    ngx_http_intake_tier_t        *tier;
    ngx_http_intake_escalation_t  *escalation;

    sla = source->sla;

    key.data = source->stream.dedupe_prefix.data;
    key.len = source->stream.dedupe_prefix.len - (sizeof(":dedupe:") - 1);

    sla->prefix.len = key.len + sizeof(":sla:") - 1;
    sla->prefix.data = ngx_pnalloc(cf->pool, sla->prefix.len);
    sla->stream.len = key.len + sizeof(":escalations") - 1;
    sla->stream.data = ngx_pnalloc(cf->pool, sla->stream.len);

    if (sla->prefix.data == NULL || sla->stream.data == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_sprintf(sla->prefix.data, "%V:sla:", &key);
    ngx_sprintf(sla->stream.data, "%V:escalations", &key);

    for (i = 0; i < sla->ntiers; i++) {
        tier = &sla->tiers[i];
        len = 0;

        for (n = 0; n < tier->nescalations; n++) {
            len += NGX_INT64_LEN + 1 + tier->escalations[n]->name.len;
        }

        p = ngx_pnalloc(cf->pool, 2 * len + 1);
        if (p == NULL) {
            return NGX_CONF_ERROR;
        }

        names = p + len;
        tier->steps.data = p;
        tier->step_names.data = names;

        for (n = 0; n < tier->nescalations; n++) {
            escalation = tier->escalations[n];
            p = ngx_sprintf(p, n ? " %M" : "%M", escalation->after);
            names = ngx_sprintf(names, n ? " %V" : "%V", &escalation->name);
        }

        tier->steps.len = p - tier->steps.data;
        tier->step_names.len = names - tier->step_names.data;
    }

    return ngx_http_intake_set_bounds(cf, sla);
}


/* the ten usual bounds and every target, so that it can be counted exactly */

static char *
ngx_http_intake_set_bounds(ngx_conf_t *cf, ngx_http_intake_sla_t *sla)
{
    u_char      *p;
    ngx_uint_t   i;

    static ngx_uint_t  minutes[] = {
        1, 5, 15, 30, 60, 120, 240, 480, 1440, 2880
    };

    for (i = 0; i < sizeof(minutes) / sizeof(ngx_uint_t); i++) {
        ngx_http_intake_add_bound(sla, minutes[i] * 60 * 1000);
    }

    for (i = 0; i < sla->ntiers; i++) {
        ngx_http_intake_add_bound(sla, sla->tiers[i].first);
        ngx_http_intake_add_bound(sla, sla->tiers[i].next);
    }

    p = ngx_pnalloc(cf->pool, sla->nbounds * (NGX_INT64_LEN + 1));
    if (p == NULL) {
        return NGX_CONF_ERROR;
    }

    sla->bounds_text.data = p;

    for (i = 0; i < sla->nbounds; i++) {
        p = ngx_sprintf(p, i ? " %M" : "%M", sla->bounds[i]);
    }

    sla->bounds_text.len = p - sla->bounds_text.data;

    return NGX_CONF_OK;
}


static void
ngx_http_intake_add_bound(ngx_http_intake_sla_t *sla, ngx_msec_t bound)
{
    ngx_uint_t  i, n;

    for (i = 0; i < sla->nbounds && sla->bounds[i] < bound; i++) {
        /* void */
    }

    if (i < sla->nbounds && sla->bounds[i] == bound) {
        return;
    }

    for (n = sla->nbounds++; n > i; n--) {
        sla->bounds[n] = sla->bounds[n - 1];
    }

    sla->bounds[i] = bound;
}


static ngx_uint_t
ngx_http_intake_has_outbound(ngx_http_intake_source_t *source)
{
    ngx_uint_t                      i;
    ngx_http_intake_message_rule_t *rule;

    if (source->platform->messages == NULL) {
        return 0;
    }

    rule = source->platform->messages->elts;

    for (i = 0; i < source->platform->messages->nelts; i++) {

        if (rule[i].direction != NGX_HTTP_INTAKE_INBOUND
            && rule[i].direction != NGX_HTTP_INTAKE_AUTO)
        {
            return 1;
        }
    }

    return 0;
}


ngx_intake_business_clock_t *
ngx_http_intake_clock(ngx_http_intake_tier_t *tier)
{
    static ngx_intake_business_clock_t  always;

    return tier->calendar ? &tier->calendar->clock : &always;
}
