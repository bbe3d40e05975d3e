
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake.h"


/*
 * When http {} has been read: what sla, tier and escalate of a source name, and
 * what the scripts are told of it.
 */


/* what the shipped alert on a fast burn needs to be able to fire: a budget
   that 6 times itself does not exceed everything; see docs/sla.md */

#define NGX_HTTP_INTAKE_LEAST_OBJECTIVE  834    /* thousandths */


static char *ngx_http_intake_check_tier(ngx_conf_t *cf,
    ngx_http_intake_main_conf_t *imcf, ngx_http_intake_source_t *source,
    ngx_http_intake_tier_t *tier);
static char *ngx_http_intake_check_escalations(ngx_conf_t *cf,
    ngx_http_intake_source_t *source);
static ngx_int_t ngx_http_intake_add_escalation(
    ngx_http_intake_tier_t *tier, ngx_http_intake_escalation_t *escalation);
static char *ngx_http_intake_name_clocks(ngx_conf_t *cf,
    ngx_http_intake_source_t *source);
static char *ngx_http_intake_set_bounds(ngx_conf_t *cf,
    ngx_http_intake_sla_t *sla);
static void ngx_http_intake_add_bound(ngx_http_intake_sla_t *sla,
    ngx_msec_t bound);
static ngx_uint_t ngx_http_intake_has_messages(
    ngx_http_intake_source_t *source, ngx_uint_t inbound);


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

    if (!imcf->replies && !ngx_http_intake_has_messages(source, 0)) {
        ngx_http_intake_conf_log(cf, NGX_LOG_WARN, &sla->tiers[0].position,
                                 "\"sla\" in intake_source \"%V\", but "
                                 "nothing reports replies, so that everybody "
                                 "waits for ever: write a location with "
                                 "\"intake_replies\"", &source->name);
    }

    if (source->form == NULL && !ngx_http_intake_has_messages(source, 1)) {
        ngx_http_intake_conf_log(cf, NGX_LOG_WARN, &sla->tiers[0].position,
                                 "\"sla\" in intake_source \"%V\", but no "
                                 "delivery of platform \"%V\" starts a clock: "
                                 "write \"message inbound\" in an "
                                 "intake_platform, or report messages to "
                                 "\"intake_replies\"", &source->name,
                                 &source->platform->name);
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

    tier->calendar = ngx_http_intake_require_named(cf, imcf->calendars,
                                  &tier->calendar_name, &tier->position,
                                  "calendar",
                                  "unknown calendar \"%V\": write "
                                  "\"intake_calendar %V { }\" in http { }");

    return tier->calendar ? NGX_CONF_OK : NGX_CONF_ERROR;
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
ngx_http_intake_has_messages(ngx_http_intake_source_t *source,
    ngx_uint_t inbound)
{
    ngx_uint_t                       i, d;
    ngx_http_intake_message_rule_t  *rule;

    if (source->platform->messages == NULL) {
        return 0;
    }

    rule = source->platform->messages->elts;

    for (i = 0; i < source->platform->messages->nelts; i++) {
        d = rule[i].direction;

        if (inbound ? d == NGX_HTTP_INTAKE_INBOUND
                    : d != NGX_HTTP_INTAKE_INBOUND && d != NGX_HTTP_INTAKE_AUTO)
        {
            return 1;
        }
    }

    return 0;
}
