
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake_status_html.h"


/* Times, spans and shares as people read them. */


#define NGX_HTTP_INTAKE_SECOND  1000

/* days around today that are told by their names */
#define NGX_HTTP_INTAKE_NAMED_DAYS  6


static void ngx_http_intake_put_moment(ngx_http_intake_writer_t *w,
    int64_t time);
static int64_t ngx_http_intake_local(ngx_intake_tzif_t *zone, int64_t time);
static void ngx_http_intake_put_part(ngx_http_intake_writer_t *w, int64_t n,
    const char *unit, ngx_uint_t more);


void
ngx_http_intake_put_span(ngx_http_intake_writer_t *w, int64_t ms)
{
    int64_t  s, m, h;

    s = ngx_max(ms, 0) / NGX_HTTP_INTAKE_SECOND;
    m = s / 60;
    h = m / 60;

    if (m == 0) {
        ngx_http_intake_put_part(w, s, "s", 0);

    } else if (h == 0) {
        ngx_http_intake_put_part(w, m, "min", 0);

        if (m < 10 && s % 60) {
            ngx_http_intake_put_part(w, s % 60, "s", 1);
        }

    } else if (h < 48) {
        ngx_http_intake_put_part(w, h, "h", 0);

        if (m % 60) {
            ngx_http_intake_put_part(w, m % 60, "min", 1);
        }

    } else {
        ngx_http_intake_put_part(w, h / 24, "d", 0);

        if (h % 24) {
            ngx_http_intake_put_part(w, h % 24, "h", 1);
        }
    }
}


static void
ngx_http_intake_put_part(ngx_http_intake_writer_t *w, int64_t n,
    const char *unit, ngx_uint_t more)
{
    if (more) {
        ngx_http_intake_put(w, " ");
    }

    ngx_http_intake_put_number(w, n);
    ngx_http_intake_put(w, " ");
    ngx_http_intake_put(w, unit);
}


void
ngx_http_intake_put_clock(ngx_http_intake_writer_t *w,
    ngx_http_intake_status_page_t *page, ngx_intake_tzif_t *zone,
    int64_t time)
{
    u_char    *p, *last, buf[sizeof("9999-12-31 23:59") + 16];
    int64_t    sec, days;
    ngx_tm_t   tm;

    static const char  *weekdays[] = {
        "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"
    };

    sec = ngx_http_intake_local(zone, time);
    days = ngx_intake_date_of(sec)
           - ngx_intake_date_of(ngx_http_intake_local(zone, page->now));

    ngx_gmtime(sec, &tm);

    p = buf;
    last = buf + sizeof(buf);

    if (ngx_abs(days) > NGX_HTTP_INTAKE_NAMED_DAYS) {
        p = ngx_slprintf(p, last, "%04d-%02d-%02d ", tm.ngx_tm_year,
                         tm.ngx_tm_mon, tm.ngx_tm_mday);

    } else if (days) {
        p = ngx_slprintf(p, last, "%s ", weekdays[tm.ngx_tm_wday]);
    }

    p = ngx_slprintf(p, last, "%02d:%02d", tm.ngx_tm_hour, tm.ngx_tm_min);

    ngx_http_intake_put_moment(w, time);
    ngx_http_intake_put_bytes(w, buf, p - buf);
    ngx_http_intake_put(w, "</span>");
}


void
ngx_http_intake_put_distance(ngx_http_intake_writer_t *w,
    ngx_http_intake_status_page_t *page, int64_t time)
{
    ngx_http_intake_put_moment(w, time);
    ngx_http_intake_put_span(w, ngx_abs(time - page->now));
    ngx_http_intake_put(w, "</span>");
}


static void
ngx_http_intake_put_moment(ngx_http_intake_writer_t *w, int64_t time)
{
    u_char    *p, buf[80];
    ngx_tm_t   tm;

    ngx_gmtime(time / NGX_HTTP_INTAKE_SECOND, &tm);

    p = ngx_snprintf(buf, sizeof(buf),
                     "<span title=\"%04d-%02d-%02d %02d:%02d UTC\">",
                     tm.ngx_tm_year, tm.ngx_tm_mon, tm.ngx_tm_mday,
                     tm.ngx_tm_hour, tm.ngx_tm_min);

    ngx_http_intake_put_bytes(w, buf, p - buf);
}


/* s since 1970 on the clock of the zone */

static int64_t
ngx_http_intake_local(ngx_intake_tzif_t *zone, int64_t time)
{
    int64_t                  sec;
    ngx_intake_tz_stretch_t  stretch;

    sec = time / NGX_HTTP_INTAKE_SECOND;

    if (zone) {
        ngx_intake_tzif_find(zone, sec, &stretch);
        sec += stretch.offset;
    }

    return sec;
}


void
ngx_http_intake_put_percent(ngx_http_intake_writer_t *w, double share)
{
    ngx_uint_t  thousandths;

    /* what was computed as 0.28999999 is 0.29 */

    thousandths = (ngx_uint_t) (share * 1000 + 0.000001);

    ngx_http_intake_put_number(w, thousandths / 10);

    if (thousandths % 10) {
        ngx_http_intake_put(w, ".");
        ngx_http_intake_put_number(w, thousandths % 10);
    }

    ngx_http_intake_put(w, " %");
}


void
ngx_http_intake_put_count(ngx_http_intake_writer_t *w, int64_t n,
    const char *one, const char *many)
{
    ngx_http_intake_put_number(w, n);
    ngx_http_intake_put(w, " ");
    ngx_http_intake_put(w, n == 1 ? one : many);
}
