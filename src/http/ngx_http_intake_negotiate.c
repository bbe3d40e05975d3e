
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake.h"
#include "ngx_http_intake_headers.h"
#include "ngx_http_intake_negotiate.h"


static ngx_uint_t ngx_http_intake_read_accept(ngx_http_request_t *r,
    ngx_http_intake_media_t *media, ngx_uint_t n);
static ngx_uint_t ngx_http_intake_read_ranges(ngx_str_t *value,
    ngx_uint_t position, ngx_http_intake_media_t *media, ngx_uint_t n);
static u_char *ngx_http_intake_element_end(u_char *p, u_char *last, u_char ch);
static void ngx_http_intake_trim(ngx_str_t *s);
static ngx_uint_t ngx_http_intake_range_quality(u_char *p, u_char *last);
static ngx_uint_t ngx_http_intake_quality(ngx_str_t *s);
static ngx_uint_t ngx_http_intake_specificity(ngx_str_t *range,
    ngx_http_intake_media_t *media);


ngx_int_t
ngx_http_intake_negotiate(ngx_http_request_t *r,
    ngx_http_intake_media_t *media, ngx_uint_t n)
{
    ngx_int_t                 best;
    ngx_str_t                 any = ngx_string("*/*");
    ngx_uint_t                i;
    ngx_http_intake_media_t  *m, *b;

    for (i = 0; i < n; i++) {
        media[i].quality = 0;
        media[i].specificity = 0;
        media[i].position = 0;
    }

    if (ngx_http_intake_read_accept(r, media, n) == 0) {
        (void) ngx_http_intake_read_ranges(&any, 0, media, n);
    }

    best = NGX_DECLINED;

    for (i = 0; i < n; i++) {
        m = &media[i];

        if (m->quality == 0) {
            continue;
        }

        if (best == NGX_DECLINED) {
            best = i;
            continue;
        }

        b = &media[best];

        if (m->quality > b->quality
            || (m->quality == b->quality
                && (m->specificity > b->specificity
                    || (m->specificity == b->specificity
                        && m->position < b->position))))
        {
            best = i;
        }
    }

    return best;
}


/* the number of ranges in all Accept headers */

static ngx_uint_t
ngx_http_intake_read_accept(ngx_http_request_t *r,
    ngx_http_intake_media_t *media, ngx_uint_t n)
{
    ngx_str_t                  *value;
    ngx_uint_t                  ranges;
    ngx_http_intake_headers_t   headers;

    ranges = 0;

    value = ngx_http_intake_first_header(&headers, r, "accept",
                                         sizeof("accept") - 1);

    for ( /* void */ ; value; value = ngx_http_intake_next_header(&headers)) {
        ranges += ngx_http_intake_read_ranges(value, ranges, media, n);
    }

    return ranges;
}


/*
 * The most precise range that matches a type decides on its quality; of
 * several such ranges, which differ in parameters, the highest quality.
 */

static ngx_uint_t
ngx_http_intake_read_ranges(ngx_str_t *value, ngx_uint_t position,
    ngx_http_intake_media_t *media, ngx_uint_t n)
{
    u_char      *p, *last, *end, *semicolon;
    ngx_str_t    range;
    ngx_uint_t   i, quality, specificity, ranges;

    p = value->data;
    last = p + value->len;

    for (ranges = 0; p < last; p = end + 1) {
        end = ngx_http_intake_element_end(p, last, ',');
        semicolon = ngx_http_intake_element_end(p, end, ';');

        range.data = p;
        range.len = semicolon - p;
        ngx_http_intake_trim(&range);

        if (range.len == 0) {
            continue;
        }

        quality = ngx_http_intake_range_quality(semicolon, end);

        for (i = 0; i < n; i++) {
            specificity = ngx_http_intake_specificity(&range, &media[i]);

            if (specificity == 0 || specificity < media[i].specificity) {
                continue;
            }

            if (specificity > media[i].specificity
                || quality > media[i].quality)
            {
                media[i].specificity = specificity;
                media[i].quality = quality;
                media[i].position = position + ranges;
            }
        }

        ranges++;
    }

    return ranges;
}


/* the next ch outside of a quoted string, or last */

static u_char *
ngx_http_intake_element_end(u_char *p, u_char *last, u_char ch)
{
    ngx_uint_t  quoted;

    quoted = 0;

    for ( /* void */ ; p < last; p++) {

        if (quoted && *p == '\\' && p + 1 < last) {
            p++;
            continue;
        }

        if (*p == '"') {
            quoted = !quoted;
            continue;
        }

        if (*p == ch && !quoted) {
            return p;
        }
    }

    return last;
}


static void
ngx_http_intake_trim(ngx_str_t *s)
{
    while (s->len && (s->data[0] == ' ' || s->data[0] == '\t')) {
        s->data++;
        s->len--;
    }

    while (s->len
           && (s->data[s->len - 1] == ' ' || s->data[s->len - 1] == '\t'))
    {
        s->len--;
    }
}


/* p stands at the first ";", if there is one */

static ngx_uint_t
ngx_http_intake_range_quality(u_char *p, u_char *last)
{
    u_char     *end;
    ngx_str_t   parameter;

    for ( /* void */ ; p < last; p = end) {
        end = ngx_http_intake_element_end(p + 1, last, ';');

        parameter.data = p + 1;
        parameter.len = end - (p + 1);
        ngx_http_intake_trim(&parameter);

        if (parameter.len >= 2
            && (parameter.data[0] | 0x20) == 'q'
            && parameter.data[1] == '=')
        {
            parameter.data += 2;
            parameter.len -= 2;
            return ngx_http_intake_quality(&parameter);
        }
    }

    return 1000;
}


/*
 * 0[.ddd] or 1[.000] as thousandths.  What is neither (some clients send .2)
 * is the least that is acceptable: better than 406.
 */

static ngx_uint_t
ngx_http_intake_quality(ngx_str_t *s)
{
    u_char      *p;
    ngx_uint_t   i, quality;

    p = s->data;

    if (s->len == 0 || s->len > 5 || (p[0] != '0' && p[0] != '1')
        || (s->len > 1 && p[1] != '.'))
    {
        return 1;
    }

    quality = p[0] - '0';

    for (i = 2; i < 5; i++) {
        quality *= 10;

        if (i < s->len) {
            if (p[i] < '0' || p[i] > '9') {
                return 1;
            }

            quality += p[i] - '0';
        }
    }

    return quality > 1000 ? 1 : quality;
}


static ngx_uint_t
ngx_http_intake_specificity(ngx_str_t *range, ngx_http_intake_media_t *media)
{
    u_char     *slash;
    ngx_str_t  *type;

    type = &media->type;

    if (range->len == type->len
        && ngx_strncasecmp(range->data, type->data, type->len) == 0)
    {
        return 3;
    }

    if (media->named) {
        return 0;
    }

    if (range->len == 3 && ngx_strncmp(range->data, "*/*", 3) == 0) {
        return 1;
    }

    slash = (u_char *) ngx_strchr(type->data, '/');

    if (range->len == (size_t) (slash - type->data) + 2
        && range->data[range->len - 1] == '*'
        && ngx_strncasecmp(range->data, type->data, range->len - 1) == 0)
    {
        return 2;
    }

    return 0;
}


/*
 * What fetch() and XMLHttpRequest ask for decides first, then what the browser
 * says of itself.  A redirect or a page is only for those of whom it is known
 * that a person looks at them: a script that took a page for success would
 * lose the message without a word.
 */

ngx_uint_t
ngx_http_intake_is_navigation(ngx_http_request_t *r)
{
    ngx_int_t   best;
    ngx_str_t  *mode, *with;

    ngx_http_intake_media_t  media[] = {
        { ngx_string("application/json"), 0, 0, 0, 0 },
        { ngx_string("application/problem+json"), 0, 0, 0, 0 },
        { ngx_string("text/html"), 0, 0, 0, 0 },
        { ngx_string("application/xhtml+xml"), 0, 0, 0, 0 }
    };

    best = ngx_http_intake_negotiate(r, media,
                                     sizeof(media) / sizeof(media[0]));

    /* that anything will do is no preference */

    if ((best == 0 || best == 1) && media[best].specificity > 1) {
        return 0;
    }

    mode = ngx_http_intake_request_header(r, "sec-fetch-mode");

    if (mode && mode->len) {
        return mode->len == sizeof("navigate") - 1
               && ngx_strncmp(mode->data, "navigate", mode->len) == 0;
    }

    with = ngx_http_intake_request_header(r, "x-requested-with");

    if (with
        && with->len == sizeof("XMLHttpRequest") - 1
        && ngx_strncasecmp(with->data, (u_char *) "XMLHttpRequest", with->len)
           == 0)
    {
        return 0;
    }

    return (media[2].specificity == 3 && media[2].quality)
           || (media[3].specificity == 3 && media[3].quality);
}


ngx_str_t *
ngx_http_intake_request_header(ngx_http_request_t *r, const char *name)
{
    ngx_http_intake_headers_t  headers;

    return ngx_http_intake_first_header(&headers, r, name, ngx_strlen(name));
}
