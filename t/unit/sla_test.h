
/*
 * Copyright (C) nginx-intake contributors
 */


#ifndef _SLA_TEST_H_INCLUDED_
#define _SLA_TEST_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <stdio.h>

#include "ngx_intake_business_clock.h"
#include "ngx_intake_holidays.h"
#include "tap.h"


/* what the tests of the business clock and of its parts have in common */


#define ZONES  "/usr/share/zoneinfo"


typedef struct block_s  block_t;

struct block_s {
    block_t             *next;
    void                *data;
};


static block_t  *blocks;


/* memory that release() frees; data counts down to a failure, or is NULL */

static ngx_inline void *
allocate(void *data, size_t size)
{
    block_t     *block;
    ngx_uint_t  *left = data;

    if (left && (*left)-- == 0) {
        return NULL;
    }

    block = malloc(sizeof(block_t));
    block->data = malloc(size);
    block->next = blocks;
    blocks = block;

    return block->data;
}


static ngx_inline void
release(void)
{
    block_t  *next;

    for ( /* void */ ; blocks; blocks = next) {
        next = blocks->next;

        free(blocks->data);
        free(blocks);
    }
}


/* a copy without a zero behind it, so that sanitizers see a read of it */

static ngx_inline ngx_str_t
copy(const char *text, size_t len)
{
    ngx_str_t  str;

    str.len = len;
    str.data = allocate(NULL, len);

    if (len) {
        memcpy(str.data, text, len);
    }

    return str;
}


static ngx_inline ngx_int_t
read_file(const char *path, ngx_str_t *content)
{
    long   size;
    FILE  *file;

    file = fopen(path, "rb");

    if (file == NULL) {
        return NGX_ERROR;
    }

    fseek(file, 0, SEEK_END);
    size = ftell(file);
    rewind(file);

    content->data = (size > 0) ? allocate(NULL, size) : NULL;
    content->len = content->data ? fread(content->data, 1, size, file) : 0;

    fclose(file);

    return content->data ? NGX_OK : NGX_ERROR;
}


/* a zone of the system */

static ngx_inline ngx_int_t
read_zone(const char *name, ngx_intake_tzif_t *zone)
{
    char       path[1024];
    ngx_str_t  content;

    snprintf(path, sizeof(path), "%s/%s", ZONES, name);

    if (read_file(path, &content) != NGX_OK) {
        return NGX_DECLINED;
    }

    return ngx_intake_tzif_read(zone, &content);
}


/* milliseconds of "YYYY-MM-DD HH:MM[:SS]" in UTC, from 1970 on */

static ngx_inline int64_t
ms(const char *text)
{
    int      n, hour, min, sec;
    char     date[16];
    int64_t  days;

    sec = 0;
    n = sscanf(text, "%15s %d:%d:%d", date, &hour, &min, &sec);

    if (n < 3
        || ngx_intake_date_parse(&(ngx_str_t) { strlen(date),
                                                (u_char *) date }, &days)
           != NGX_OK)
    {
        abort();
    }

    return (days * 86400 + hour * 3600 + min * 60 + sec) * 1000;
}


/* one directive; its words are those of the configuration */

static ngx_inline ngx_int_t
directive(ngx_intake_calendar_t *calendar, ngx_str_t *words, ngx_uint_t n)
{
    char                kind;
    ngx_int_t           rc;
    ngx_uint_t          i, days;
    ngx_intake_rule_t   rule;

    kind = words[0].data[0];

    if (kind == 'w') {
        return ngx_intake_weight_parse(&words[1], &calendar->weekend_weight);
    }

    memset(&rule, 0, sizeof(rule));

    rule.open = kind == 'o';
    rule.times.end = NGX_INTAKE_DAY_MINUTES;

    if (kind == 'h' || kind == 's') {
        rc = ngx_intake_weekdays_parse(&words[1], &days);

    } else {
        rc = ngx_intake_date_range_parse(&words[1], &rule.first, &rule.last);

        if (rc == NGX_OK && n == 2) {
            return ngx_intake_calendar_add_rule(calendar, &rule);
        }
    }

    for (i = 2; i < n && rc == NGX_OK; i++) {
        rc = ngx_intake_times_parse(&words[i], &rule.times);

        if (rc == NGX_OK) {
            rc = (kind == 'h')
                 ? ngx_intake_calendar_add_hours(calendar, days, &rule.times)
                 : (kind == 's')
                 ? ngx_intake_calendar_add_staffed(calendar, days, &rule.times)
                 : ngx_intake_calendar_add_rule(calendar, &rule);
        }
    }

    return rc;
}


/* "hours mon-fri 09:00-17:00; closed 2024-12-24": what the first error is */

static ngx_inline ngx_int_t
configure(ngx_intake_calendar_t *calendar, const char *text)
{
    ngx_int_t            rc;
    ngx_str_t            words[16];
    ngx_uint_t           n;
    ngx_intake_memory_t  memory = { allocate, NULL };

    ngx_intake_calendar_init(calendar, &memory);

    while (*text) {

        for (n = 0; *text && *text != ';'; /* void */ ) {
            words[n].data = (u_char *) text;
            words[n].len = strcspn(text, " ;");
            text += words[n].len;
            text += strspn(text, " ");
            n++;
        }

        if (*text == ';') {
            text += 1 + strspn(text + 1, " ");
        }

        rc = directive(calendar, words, n);

        if (rc != NGX_OK) {
            return rc;
        }
    }

    return NGX_OK;
}


/* the clock of such a text in a zone of the system, NULL being UTC */

static ngx_inline ngx_int_t
make_clock(ngx_intake_business_clock_t *clock, const char *text,
    const char *name, int64_t end)
{
    ngx_int_t              rc;
    ngx_intake_tzif_t      zone;
    ngx_intake_memory_t    memory = { allocate, NULL };
    ngx_intake_calendar_t  calendar;

    if (name && read_zone(name, &zone) != NGX_OK) {
        return NGX_ABORT;
    }

    rc = configure(&calendar, text);

    if (rc != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_intake_business_clock_init(clock, &calendar,
                                          name ? &zone : NULL, end, &memory);
}


#endif /* _SLA_TEST_H_INCLUDED_ */
