/* sources: src/http/ngx_http_intake_negotiate.c t/fuzz/nginx.c */
/* sources: src/form/ngx_http_intake_origin.c */

/*
 * Copyright (C) nginx-intake contributors
 */


#include "nginx.h"
#include "ngx_http_intake.h"
#include "ngx_http_intake_form_answer.h"
#include "ngx_http_intake_negotiate.h"


/*
 * The input is the lines of a request's head: Accept twice, Host, Origin,
 * Referer and Sec-Fetch-Site.  The type that is chosen is that of a plain
 * reading, where nothing is quoted; what is said to come from here names the
 * same host, and what names it is said to.
 */


#define FUZZ_TYPES  4


typedef struct {
    ngx_uint_t    quality;
    ngx_uint_t    specificity;
    ngx_uint_t    position;
} fuzz_rank_t;


static const char  *fuzz_types[FUZZ_TYPES] = {
    "application/json", "text/html", "text/plain", "image/svg+xml"
};

/* a range with "*" is not enough for the last one */
#define fuzz_named(i)  ((i) == FUZZ_TYPES - 1)


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static void
fuzz_trim(ngx_str_t *s)
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


/* what stands before ch; *text moves behind it */

static ngx_str_t
fuzz_cut(ngx_str_t *text, u_char ch)
{
    u_char     *p;
    ngx_str_t   piece;

    p = text->len ? memchr(text->data, ch, text->len) : NULL;

    piece.data = text->data;
    piece.len = p ? (size_t) (p - text->data) : text->len;

    text->data += piece.len + (p != NULL);
    text->len -= piece.len + (p != NULL);

    fuzz_trim(&piece);

    return piece;
}


static ngx_uint_t
fuzz_quality(ngx_str_t q)
{
    size_t  i;
    char    digits[] = "0000";

    if (q.len == 0 || q.len > 5 || (q.len > 1 && q.data[1] != '.')) {
        return 1;
    }

    for (i = 0; i < q.len; i++) {
        if (i != 1) {
            if (q.data[i] < '0' || q.data[i] > (i ? '9' : '1')) {
                return 1;
            }

            digits[i ? i - 1 : 0] = q.data[i];
        }
    }

    return atoi(digits) > 1000 ? 1 : atoi(digits);
}


static ngx_uint_t
fuzz_specificity(ngx_str_t *range, ngx_uint_t i)
{
    size_t       slash;
    const char  *type, *text;

    type = fuzz_types[i];
    text = (char *) range->data;
    slash = strchr(type, '/') - type + 1;

    if (range->len == strlen(type)
        && strncasecmp(text, type, range->len) == 0)
    {
        return 3;
    }

    if (fuzz_named(i)) {
        return 0;
    }

    if (range->len == 3 && memcmp(text, "*/*", 3) == 0) {
        return 1;
    }

    return (range->len == slash + 1 && text[slash] == '*'
            && strncasecmp(text, type, slash) == 0) ? 2 : 0;
}


static ngx_uint_t
fuzz_ranges(fuzz_rank_t *ranks, ngx_str_t text, ngx_uint_t position)
{
    ngx_str_t   range, parameter, type;
    ngx_uint_t  i, quality, specificity;

    while (text.len) {
        range = fuzz_cut(&text, ',');
        type = fuzz_cut(&range, ';');

        if (type.len == 0) {
            continue;
        }

        for (quality = 1000; range.len; ) {
            parameter = fuzz_cut(&range, ';');

            if (parameter.len > 1 && strchr("qQ", parameter.data[0])
                && parameter.data[0] && parameter.data[1] == '=')
            {
                parameter.data += 2;
                parameter.len -= 2;
                quality = fuzz_quality(parameter);
                break;
            }
        }

        for (i = 0; i < FUZZ_TYPES; i++) {
            specificity = fuzz_specificity(&type, i);

            if (specificity > ranks[i].specificity
                || (specificity && specificity == ranks[i].specificity
                    && quality > ranks[i].quality))
            {
                ranks[i].specificity = specificity;
                ranks[i].quality = quality;
                ranks[i].position = position;
            }
        }

        position++;
    }

    return position;
}


static void
fuzz_accept(ngx_http_request_t *r, ngx_str_t *one, ngx_str_t *other)
{
    ngx_int_t                best, chosen;
    ngx_str_t                any;
    ngx_uint_t               i;
    fuzz_rank_t              ranks[FUZZ_TYPES], *a, *b;
    ngx_http_intake_media_t  media[FUZZ_TYPES];

    memset(ranks, 0, sizeof(ranks));

    for (i = 0; i < FUZZ_TYPES; i++) {
        media[i].type.data = (u_char *) fuzz_types[i];
        media[i].type.len = strlen(fuzz_types[i]);
        media[i].named = fuzz_named(i);
    }

    chosen = ngx_http_intake_negotiate(r, media, FUZZ_TYPES);
    check(chosen == NGX_DECLINED || (chosen >= 0 && chosen < FUZZ_TYPES));
    (void) ngx_http_intake_is_navigation(r);

    if (memchr(one->data, '"', one->len)
        || memchr(other->data, '"', other->len))
    {
        return;
    }

    if (fuzz_ranges(ranks, *other, fuzz_ranges(ranks, *one, 0)) == 0) {
        ngx_str_set(&any, "*/*");
        (void) fuzz_ranges(ranks, any, 0);
    }

    best = NGX_DECLINED;

    for (i = 0; i < FUZZ_TYPES; i++) {
        a = &ranks[i];
        b = &ranks[best == NGX_DECLINED ? (ngx_int_t) i : best];

        check(media[i].quality == a->quality);

        if (a->quality
            && (best == NGX_DECLINED || a->quality > b->quality
                || (a->quality == b->quality
                    && (a->specificity > b->specificity
                        || (a->specificity == b->specificity
                            && a->position < b->position)))))
        {
            best = i;
        }
    }

    check(best == chosen);
}


/*
 * The host and port of "http://host:port/...", without a port that need not be
 * written; a Host of its own has either.
 */

static ngx_str_t
fuzz_authority(ngx_str_t text)
{
    size_t       i, len;
    ngx_str_t    rest;
    ngx_uint_t   scheme;

    static const char  *ports[] = { ":80", ":443" };

    scheme = 2;

    if (text.len > 7 && strncasecmp((char *) text.data, "http://", 7) == 0) {
        scheme = 0;

    } else if (text.len > 8
               && strncasecmp((char *) text.data, "https://", 8) == 0)
    {
        scheme = 1;
    }

    rest.data = text.data + (scheme == 2 ? 0 : 7 + scheme);
    rest.len = text.data + text.len - rest.data;

    for (i = 0; i < rest.len && scheme != 2; i++) {
        if (strchr("/?#", rest.data[i]) && rest.data[i]) {
            rest.len = i;
        }
    }

    for (i = 0; i < 2; i++) {
        len = strlen(ports[i]);

        if ((scheme == 2 || scheme == i) && rest.len > len
            && memcmp(rest.data + rest.len - len, ports[i], len) == 0)
        {
            rest.len -= len;
            break;
        }
    }

    return rest;
}


static ngx_uint_t
fuzz_same(ngx_str_t *one, ngx_str_t *other)
{
    ngx_str_t  a, b;

    a = fuzz_authority(*one);
    b = fuzz_authority(*other);

    return a.len == b.len
           && strncasecmp((char *) a.data, (char *) b.data, a.len) == 0;
}


static ngx_uint_t
fuzz_leading_zero(ngx_str_t *text)
{
    return memmem(text->data, text->len, ":0", 2) != NULL;
}


/* a request that comes from origin, and from nowhere else */

static ngx_http_intake_origin_e
fuzz_from(ngx_str_t *host, const char *name, ngx_str_t *value,
    ngx_http_intake_form_conf_t *form, ngx_str_t *referer, ngx_str_t *own)
{
    ngx_table_elt_t           header;
    ngx_http_request_t       *r;
    ngx_http_intake_origin_e  from;

    r = fuzz_request();
    header.value = *host;
    r->headers_in.host = &header;
    fuzz_add_header(r, name, value);

    from = ngx_http_intake_origin(r, form);

    ngx_http_intake_own_referer(r, referer);
    check(ngx_http_intake_own_origin(r, own) == NGX_OK);

    return from;
}


static void
fuzz_origin(ngx_str_t *host, const char *name, ngx_str_t *value)
{
    size_t                        i;
    ngx_str_t                     referer, own, list[2];
    ngx_array_t                   origins;
    ngx_http_intake_origin_e      from;
    ngx_http_intake_form_conf_t   form;

    memset(&form, 0, sizeof(form));

    from = fuzz_from(host, name, value, &form, &referer, &own);

    check(from != NGX_HTTP_INTAKE_ORIGIN_ALLOWED);

    /* a port may have zeros in front */

    if (from == NGX_HTTP_INTAKE_ORIGIN_OWN && !fuzz_leading_zero(host)
        && !fuzz_leading_zero(value))
    {
        check(fuzz_same(host, value));
    }

    for (i = 0; i < referer.len; i++) {
        check(referer.data[i] > ' ' && referer.data[i] < 0x7f
              && referer.data[i] != '\\');
    }

    check(referer.len == 0 || from == NGX_HTTP_INTAKE_ORIGIN_OWN);

    /* a port of the one scheme may be written with the other */

    if (own.len && fuzz_authority(*host).len == host->len
        && !fuzz_leading_zero(host))
    {
        check(fuzz_from(host, "origin", &own, &form, &referer, &own)
              == NGX_HTTP_INTAKE_ORIGIN_OWN);
    }

    ngx_str_set(&list[0], "https://example.test");
    ngx_str_set(&list[1], "http://[::1]:8080");

    memset(&origins, 0, sizeof(origins));
    origins.elts = list;
    origins.nelts = 2;
    form.origins = &origins;

    from = fuzz_from(host, name, value, &form, &referer, &own);

    check(ngx_http_intake_origin_listed(&form, &list[0]));

    if (from == NGX_HTTP_INTAKE_ORIGIN_ALLOWED && !fuzz_leading_zero(value)) {
        check(value->len > 5
              && (fuzz_same(&list[value->data[4] != 's'
                                  && value->data[4] != 'S'], value)));
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ngx_str_t                     lines[6];
    ngx_uint_t                    i;
    const uint8_t                *last;
    ngx_table_elt_t               host;
    ngx_http_request_t           *r;
    ngx_http_intake_form_conf_t   form;

    static const char  *names[] = {
        "accept", "accept", "host", "origin", "referer", "sec-fetch-site"
    };

    last = data + size;
    r = fuzz_request();

    for (i = 0; i < 6; i++) {
        lines[i] = fuzz_line(&data, last);
        fuzz_add_header(r, names[i], &lines[i]);
    }

    host.value = lines[2];
    r->headers_in.host = &host;

    memset(&form, 0, sizeof(form));

    fuzz_accept(r, &lines[0], &lines[1]);
    (void) ngx_http_intake_origin(r, &form);

    fuzz_origin(&lines[2], "origin", &lines[3]);
    fuzz_origin(&lines[2], "referer", &lines[4]);

    fuzz_free();

    return 0;
}
