
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake.h"

#include "ngx_intake_holidays.h"


/*
 * intake_calendar NAME { }: when the team is there.  The business clock is
 * built when the block ends; the workers inherit it and only read.
 */


#define NGX_HTTP_INTAKE_ZONEINFO       "/usr/share/zoneinfo/"
#define NGX_HTTP_INTAKE_MAX_ZONE_FILE  (1024 * 1024)
#define NGX_HTTP_INTAKE_MAX_HOLIDAYS   (1024 * 1024)

/* ms: what a calendar covers beyond now */
#define NGX_HTTP_INTAKE_HORIZON        (3653 * 86400 * (int64_t) 1000)


typedef ngx_int_t (*ngx_http_intake_add_times_pt)(
    ngx_intake_calendar_t *calendar, ngx_uint_t days,
    ngx_intake_times_t *times);


static ngx_http_intake_calendar_t *ngx_http_intake_create_calendar(
    ngx_conf_t *cf, ngx_http_intake_main_conf_t *imcf, ngx_str_t *name);
static void *ngx_http_intake_calendar_alloc(void *data, size_t size);
static char *ngx_http_intake_calendar_hours(ngx_conf_t *cf,
    ngx_http_intake_directive_t *d, void *conf);
static char *ngx_http_intake_calendar_closed(ngx_conf_t *cf,
    ngx_http_intake_directive_t *d, void *conf);
static char *ngx_http_intake_calendar_open(ngx_conf_t *cf,
    ngx_http_intake_directive_t *d, void *conf);
static char *ngx_http_intake_calendar_holidays(ngx_conf_t *cf,
    ngx_http_intake_directive_t *d, void *conf);
static char *ngx_http_intake_calendar_weight(ngx_conf_t *cf,
    ngx_http_intake_directive_t *d, void *conf);
static char *ngx_http_intake_add_rule(ngx_http_intake_calendar_t *calendar,
    ngx_intake_rule_t *rule);
static char *ngx_http_intake_build_clock(ngx_conf_t *cf,
    ngx_http_intake_calendar_t *calendar);
static ngx_int_t ngx_http_intake_read_zone(ngx_conf_t *cf,
    ngx_http_intake_calendar_t *calendar);


static ngx_http_intake_directive_t  ngx_http_intake_calendar_directives[] = {

    { ngx_string("timezone"), 1, 1, ngx_http_intake_set_str,
      offsetof(ngx_http_intake_calendar_t, timezone), 0 },

    { ngx_string("hours"), 2, NGX_HTTP_INTAKE_ANY_ARGS,
      ngx_http_intake_calendar_hours, 0, 1 },

    { ngx_string("staffed"), 2, NGX_HTTP_INTAKE_ANY_ARGS,
      ngx_http_intake_calendar_hours, 1, 1 },

    { ngx_string("closed"), 1, NGX_HTTP_INTAKE_ANY_ARGS,
      ngx_http_intake_calendar_closed, 0, 1 },

    { ngx_string("open"), 2, NGX_HTTP_INTAKE_ANY_ARGS,
      ngx_http_intake_calendar_open, 0, 1 },

    { ngx_string("holidays"), 1, 1, ngx_http_intake_calendar_holidays, 0, 1 },

    { ngx_string("weekend_weight"), 1, 1, ngx_http_intake_calendar_weight,
      0, 0 },

    ngx_http_intake_null_directive
};


char *
ngx_http_intake_calendar_block(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_intake_main_conf_t *imcf = conf;

    char                        *rv;
    ngx_str_t                   *value, block;
    ngx_http_intake_calendar_t  *calendar;

    value = cf->args->elts;

    calendar = ngx_http_intake_create_calendar(cf, imcf, &value[1]);
    if (calendar == NULL) {
        return NGX_CONF_ERROR;
    }

    block.len = sizeof("intake_calendar \"\"") - 1 + calendar->name.len;
    block.data = ngx_pnalloc(cf->pool, block.len);
    if (block.data == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_sprintf(block.data, "intake_calendar \"%V\"", &calendar->name);

    rv = ngx_http_intake_read_block(cf, &block,
                                    ngx_http_intake_calendar_directives,
                                    calendar);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    return ngx_http_intake_build_clock(cf, calendar);
}


static ngx_http_intake_calendar_t *
ngx_http_intake_create_calendar(ngx_conf_t *cf,
    ngx_http_intake_main_conf_t *imcf, ngx_str_t *name)
{
    ngx_intake_memory_t           memory;
    ngx_http_intake_calendar_t   *calendar, **slot;

    if (ngx_http_intake_check_new_name(cf, imcf->calendars, name,
                                       "intake_calendar")
        != NGX_CONF_OK)
    {
        return NULL;
    }

    slot = ngx_array_push(imcf->calendars);
    if (slot == NULL) {
        return NULL;
    }

    calendar = ngx_pcalloc(cf->pool, sizeof(ngx_http_intake_calendar_t));
    if (calendar == NULL) {
        return NULL;
    }

    *slot = calendar;

    calendar->name = *name;
    ngx_http_intake_position(cf, &calendar->position);

    memory.alloc = ngx_http_intake_calendar_alloc;
    memory.data = cf->pool;

    ngx_intake_calendar_init(&calendar->calendar, &memory);

    return calendar;
}


static void *
ngx_http_intake_calendar_alloc(void *data, size_t size)
{
    return ngx_palloc(data, size);
}


/* hours DAYS HH:MM-HH:MM...; staffed has the same form */

static char *
ngx_http_intake_calendar_hours(ngx_conf_t *cf, ngx_http_intake_directive_t *d,
    void *conf)
{
    ngx_http_intake_calendar_t *calendar = conf;

    ngx_str_t                     *value;
    ngx_uint_t                     i, days;
    ngx_intake_times_t             times;
    ngx_http_intake_add_times_pt   add;

    value = cf->args->elts;

    if (ngx_intake_weekdays_parse(&value[1], &days) != NGX_OK) {
        return "must begin with days such as mon-fri or sat,sun";
    }

    add = d->offset ? ngx_intake_calendar_add_staffed
                    : ngx_intake_calendar_add_hours;

    for (i = 2; i < cf->args->nelts; i++) {

        if (ngx_intake_times_parse(&value[i], &times) != NGX_OK) {
            return "must have times such as 09:00-17:00 or 22:00-06:00 "
                   "(24:00 is the end of a day)";
        }

        if (add(&calendar->calendar, days, &times) != NGX_OK) {
            return "has times that overlap with those of another line";
        }
    }

    return NGX_CONF_OK;
}


/* closed DATE[..DATE] [HH:MM-HH:MM...] ["NAME"] */

static char *
ngx_http_intake_calendar_closed(ngx_conf_t *cf,
    ngx_http_intake_directive_t *d, void *conf)
{
    char               *rv;
    ngx_str_t          *value;
    ngx_uint_t          i, n;
    ngx_intake_rule_t   rule;

    value = cf->args->elts;
    n = cf->args->nelts;

    ngx_memzero(&rule, sizeof(ngx_intake_rule_t));

    if (ngx_intake_date_range_parse(&value[1], &rule.first, &rule.last)
        != NGX_OK)
    {
        return "must begin with a date such as 2026-12-25 or "
               "2026-12-24..2026-12-26";
    }

    if (n > 2 && !ngx_intake_times_meant(&value[n - 1])) {
        n--;
    }

    if (n == 2) {
        rule.times.end = NGX_INTAKE_DAY_MINUTES;
        return ngx_http_intake_add_rule(conf, &rule);
    }

    for (i = 2; i < n; i++) {

        if (ngx_intake_times_parse(&value[i], &rule.times) != NGX_OK) {
            return "takes a date, times such as 12:00-24:00, then a name";
        }

        rv = ngx_http_intake_add_rule(conf, &rule);

        if (rv != NGX_CONF_OK) {
            return rv;
        }
    }

    return NGX_CONF_OK;
}


/* open DATE HH:MM-HH:MM... */

static char *
ngx_http_intake_calendar_open(ngx_conf_t *cf, ngx_http_intake_directive_t *d,
    void *conf)
{
    char               *rv;
    ngx_str_t          *value;
    ngx_uint_t          i;
    ngx_intake_rule_t   rule;

    value = cf->args->elts;

    ngx_memzero(&rule, sizeof(ngx_intake_rule_t));

    rule.open = 1;

    if (ngx_intake_date_parse(&value[1], &rule.first) != NGX_OK) {
        return "must begin with a date such as 2026-12-24";
    }

    rule.last = rule.first;

    for (i = 2; i < cf->args->nelts; i++) {

        if (ngx_intake_times_parse(&value[i], &rule.times) != NGX_OK) {
            return "must have times such as 09:00-12:00";
        }

        rv = ngx_http_intake_add_rule(conf, &rule);

        if (rv != NGX_CONF_OK) {
            return rv;
        }
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_intake_add_rule(ngx_http_intake_calendar_t *calendar,
    ngx_intake_rule_t *rule)
{
    switch (ngx_intake_calendar_add_rule(&calendar->calendar, rule)) {

    case NGX_OK:
        return NGX_CONF_OK;

    case NGX_DECLINED:
        return "has times that overlap with those of another \"open\"";

    default:
        return "is one of too many dates";
    }
}


static char *
ngx_http_intake_calendar_holidays(ngx_conf_t *cf,
    ngx_http_intake_directive_t *d, void *conf)
{
    char                   *rv;
    ngx_int_t               rc;
    ngx_str_t              *value, path;
    ngx_intake_holidays_t   holidays;

    value = cf->args->elts;
    path = value[1];

    ngx_memzero(&holidays, sizeof(ngx_intake_holidays_t));

    if (ngx_conf_full_name(cf->cycle, &path, 1) != NGX_OK
        || ngx_http_intake_read_file(cf, &path, NGX_HTTP_INTAKE_MAX_HOLIDAYS,
                                     &holidays.text, NULL)
           != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    for ( ;; ) {
        rc = ngx_intake_holidays_next(&holidays);

        if (rc == NGX_DONE) {
            return NGX_CONF_OK;
        }

        if (rc != NGX_OK) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "line %ui of \"%V\" must be "
                               "\"DATE [HH:MM-HH:MM] NAME\"",
                               holidays.line, &path);
            return NGX_CONF_ERROR;
        }

        rv = ngx_http_intake_add_rule(conf, &holidays.rule);

        if (rv != NGX_CONF_OK) {
            return rv;
        }
    }
}


static char *
ngx_http_intake_calendar_weight(ngx_conf_t *cf,
    ngx_http_intake_directive_t *d, void *conf)
{
    ngx_http_intake_calendar_t *calendar = conf;

    ngx_str_t  *value;

    value = cf->args->elts;

    if (ngx_intake_weight_parse(&value[1], &calendar->calendar.weekend_weight)
        != NGX_OK)
    {
        return "must be a number from 0 to 1 such as 0.5";
    }

    calendar->weighted = 1;

    return NGX_CONF_OK;
}


static char *
ngx_http_intake_build_clock(ngx_conf_t *cf,
    ngx_http_intake_calendar_t *calendar)
{
    int64_t              end;
    ngx_uint_t           days, weekend;
    ngx_intake_memory_t  memory;

    if (calendar->timezone.len == 0) {
        ngx_http_intake_conf_log(cf, NGX_LOG_EMERG, &calendar->position,
                                 "no \"timezone\" in intake_calendar \"%V\": "
                                 "write one such as \"timezone "
                                 "Europe/Berlin;\" or \"timezone UTC;\"",
                                 &calendar->name);
        return NGX_CONF_ERROR;
    }

    if (ngx_http_intake_read_zone(cf, calendar) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    weekend = 1 << NGX_INTAKE_SUNDAY | 1 << NGX_INTAKE_SATURDAY;
    days = ngx_intake_calendar_weekdays(&calendar->calendar);

    if (calendar->weighted && calendar->calendar.has_hours
        && !(days & weekend))
    {
        ngx_http_intake_conf_log(cf, NGX_LOG_WARN, &calendar->position,
                                 "\"weekend_weight\" in intake_calendar "
                                 "\"%V\" does nothing: it is closed on "
                                 "Saturdays and Sundays", &calendar->name);
    }

    memory.alloc = ngx_http_intake_calendar_alloc;
    memory.data = cf->pool;

    end = (int64_t) ngx_time() * 1000 + NGX_HTTP_INTAKE_HORIZON;

    switch (ngx_intake_business_clock_init(&calendar->clock,
                                           &calendar->calendar,
                                           &calendar->zone, end, &memory))
    {
    case NGX_OK:
        return NGX_CONF_OK;

    case NGX_DECLINED:
        ngx_http_intake_conf_log(cf, NGX_LOG_EMERG, &calendar->position,
                                 "intake_calendar \"%V\" never opens",
                                 &calendar->name);
        return NGX_CONF_ERROR;

    default:
        return NGX_CONF_ERROR;
    }
}


static ngx_int_t
ngx_http_intake_read_zone(ngx_conf_t *cf,
    ngx_http_intake_calendar_t *calendar)
{
    u_char     *p, *last;
    ngx_int_t   rc;
    ngx_str_t   path, text;

    p = calendar->timezone.data;
    last = p + calendar->timezone.len;

    /* a name, no way out of the folder of zones */

    if (*p == '/' || ngx_strlcasestrn(p, last, (u_char *) "..", 1) != NULL) {
        rc = NGX_ERROR;

    } else {
        path.len = sizeof(NGX_HTTP_INTAKE_ZONEINFO) - 1
                   + calendar->timezone.len;
        path.data = ngx_pnalloc(cf->pool, path.len + 1);
        if (path.data == NULL) {
            return NGX_ERROR;
        }

        ngx_sprintf(path.data, NGX_HTTP_INTAKE_ZONEINFO "%V%Z",
                    &calendar->timezone);

        if (ngx_http_intake_read_file(cf, &path,
                                      NGX_HTTP_INTAKE_MAX_ZONE_FILE, &text,
                                      NULL)
            != NGX_OK)
        {
            ngx_http_intake_conf_log(cf, NGX_LOG_EMERG, &calendar->position,
                                     "unknown timezone \"%V\" in "
                                     "intake_calendar \"%V\": write a name "
                                     "such as America/New_York (the files "
                                     "are in Debian's package tzdata)",
                                     &calendar->timezone, &calendar->name);
            return NGX_ERROR;
        }

        rc = ngx_intake_tzif_read(&calendar->zone, &text);
    }

    if (rc != NGX_OK) {
        ngx_http_intake_conf_log(cf, NGX_LOG_EMERG, &calendar->position,
                                 "\"%V\" in intake_calendar \"%V\" is no "
                                 "timezone: write a name such as "
                                 "America/New_York",
                                 &calendar->timezone, &calendar->name);
        return NGX_ERROR;
    }

    return NGX_OK;
}
