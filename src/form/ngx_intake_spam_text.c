
/*
 * Copyright (C) nginx-intake contributors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_intake_spam_text.h"
#include "ngx_intake_utf8.h"


/* what a character is to the words of a text */

#define NGX_INTAKE_SPAM_BETWEEN  0
#define NGX_INTAKE_SPAM_UNSEEN   1


static uint32_t ngx_intake_spam_character(uint32_t c);
static ngx_uint_t ngx_intake_spam_begin(ngx_str_t *text, size_t start,
    ngx_str_t *phrases, ngx_uint_t n);
static ngx_uint_t ngx_intake_spam_bound(ngx_str_t *phrases, ngx_uint_t low,
    ngx_uint_t high, size_t depth, ngx_uint_t ch);
static ngx_uint_t ngx_intake_spam_search(ngx_str_t *text, ngx_str_t *sorted,
    ngx_uint_t n);
static size_t ngx_intake_spam_starts(u_char *p, size_t len,
    ngx_str_t *beginnings);
static ngx_uint_t ngx_intake_spam_in_word(u_char ch);


static ngx_str_t  ngx_intake_spam_schemes[] = {
    ngx_string("http://"),
    ngx_string("https://"),
    ngx_string("ftp://"),
    ngx_string("www."),
    ngx_null_string
};


static ngx_str_t  ngx_intake_spam_tags[] = {
    ngx_string("<a "),
    ngx_string("<a\t"),
    ngx_string("<a\n"),
    ngx_string("<a\r"),
    ngx_string("[url="),
    ngx_string("[url]"),
    ngx_string("[link="),
    ngx_null_string
};


size_t
ngx_intake_spam_words(u_char *dst, ngx_str_t *text)
{
    u_char      *p, *last, *out;
    uint32_t     c;
    ngx_uint_t   between;

    p = text->data;
    last = p + text->len;
    out = dst;
    between = 0;

    while (p < last) {
        c = ngx_intake_spam_character(ngx_intake_utf8_next(&p, last));

        if (c == NGX_INTAKE_SPAM_UNSEEN) {
            continue;
        }

        if (c == NGX_INTAKE_SPAM_BETWEEN) {
            between = (out > dst);
            continue;
        }

        /* what stood between took a byte, and no letter gets longer */

        if (between) {
            *out++ = ' ';
            between = 0;
        }

        out = ngx_intake_utf8_put(out, c);
    }

    return out - dst;
}


/*
 * Simple case mapping of Unicode where it is regular and keeps the length: all
 * pairs are of two bytes each.
 */

static uint32_t
ngx_intake_spam_character(uint32_t c)
{
    if (c < 0x80) {

        if (c >= 'A' && c <= 'Z') {
            return c | 0x20;
        }

        return ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
               ? c : NGX_INTAKE_SPAM_BETWEEN;
    }

    /* soft hyphen, zero width, direction marks, byte order mark */

    if (c == 0xad || (c >= 0x200b && c <= 0x200f)
        || (c >= 0x202a && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f)
        || (c >= 0xfe00 && c <= 0xfe0f) || c == 0xfeff)
    {
        return NGX_INTAKE_SPAM_UNSEEN;
    }

    /* signs of Latin-1, general and CJK punctuation, what is not UTF-8 */

    if ((c < 0xc0 && c != 0xaa && c != 0xb5 && c != 0xba)
        || c == 0xd7 || c == 0xf7 || c == 0x1680
        || (c >= 0x2000 && c <= 0x206f)
        || (c >= 0x3000 && c <= 0x3004) || (c >= 0x3008 && c <= 0x3020)
        || (c >= 0xff00 && c <= 0xff0f)
        || c == NGX_INTAKE_UTF8_REPLACEMENT || c == NGX_INTAKE_UTF8_INVALID)
    {
        return NGX_INTAKE_SPAM_BETWEEN;
    }

    if ((c >= 0xc0 && c <= 0xde) || (c >= 0x391 && c <= 0x3a9 && c != 0x3a2)
        || (c >= 0x410 && c <= 0x42f))
    {
        return c + 0x20;
    }

    if (c >= 0x400 && c <= 0x40f) {
        return c + 0x50;
    }

    /* Latin Extended-A: pairs, which begin at odd numbers in two places */

    if ((c >= 0x139 && c <= 0x148) || (c >= 0x179 && c <= 0x17e)) {
        return c + (c & 1);
    }

    if ((c >= 0x100 && c <= 0x12f) || (c >= 0x132 && c <= 0x137)
        || (c >= 0x14a && c <= 0x177))
    {
        return c | 1;
    }

    return c;
}


ngx_uint_t
ngx_intake_spam_find(ngx_str_t *text, ngx_str_t *phrases, ngx_uint_t n)
{
    size_t  i;

    for (i = 0; i < text->len; i++) {

        if ((i == 0 || text->data[i - 1] == ' ')
            && ngx_intake_spam_begin(text, i, phrases, n))
        {
            return 1;
        }
    }

    return 0;
}


/*
 * Returns 1 if a phrase stands at start.  The phrases that begin as the text
 * does there stand beside each other: with each byte they become fewer.
 */

static ngx_uint_t
ngx_intake_spam_begin(ngx_str_t *text, size_t start, ngx_str_t *phrases,
    ngx_uint_t n)
{
    size_t      i, depth;
    ngx_uint_t  low, high, ch;

    low = 0;
    high = n;

    for (i = start, depth = 0; low < high; i++, depth++) {

        ch = (i < text->len) ? text->data[i] : ' ';

        /* the shortest one is the first */

        if (ch == ' ' && phrases[low].len == depth && depth) {
            return 1;
        }

        if (i >= text->len || depth == NGX_INTAKE_SPAM_PHRASE_MAX) {
            return 0;
        }

        low = ngx_intake_spam_bound(phrases, low, high, depth, ch);
        high = ngx_intake_spam_bound(phrases, low, high, depth, ch + 1);
    }

    return 0;
}


/* the first of the phrases whose byte at depth is not before ch */

static ngx_uint_t
ngx_intake_spam_bound(ngx_str_t *phrases, ngx_uint_t low, ngx_uint_t high,
    size_t depth, ngx_uint_t ch)
{
    ngx_uint_t  middle;

    while (low < high) {
        middle = low + (high - low) / 2;

        if (phrases[middle].len <= depth || phrases[middle].data[depth] < ch) {
            low = middle + 1;

        } else {
            high = middle;
        }
    }

    return low;
}


int ngx_libc_cdecl
ngx_intake_spam_compare(const void *one, const void *other)
{
    int               rc;
    const ngx_str_t  *first, *second;

    first = one;
    second = other;

    rc = ngx_memcmp(first->data, second->data,
                    ngx_min(first->len, second->len));

    if (rc != 0) {
        return rc;
    }

    return (first->len > second->len) - (first->len < second->len);
}


ngx_uint_t
ngx_intake_spam_links(ngx_str_t *text)
{
    size_t      i, len;
    u_char     *p;
    ngx_uint_t  n;

    n = 0;
    p = text->data;

    for (i = 0; i < text->len; i++) {

        if (i && ngx_intake_spam_in_word(p[i - 1])) {
            continue;
        }

        len = ngx_intake_spam_starts(p + i, text->len - i,
                                     ngx_intake_spam_schemes);
        if (len == 0) {
            continue;
        }

        n++;
        i += len - 1;

        /* "http://www." is one */

        if (text->len - i > 4
            && ngx_intake_spam_starts(p + i + 1, 4,
                                      &ngx_intake_spam_schemes[3]))
        {
            i += 4;
        }
    }

    return n;
}


ngx_uint_t
ngx_intake_spam_markup(ngx_str_t *text)
{
    size_t  i;

    for (i = 0; i < text->len; i++) {

        if ((text->data[i] == '<' || text->data[i] == '[')
            && ngx_intake_spam_starts(text->data + i, text->len - i,
                                      ngx_intake_spam_tags))
        {
            return 1;
        }
    }

    return 0;
}


ngx_uint_t
ngx_intake_spam_address(ngx_str_t *text)
{
    size_t       i;
    u_char      *p;
    ngx_uint_t   domain;

    if (ngx_intake_spam_links(text)) {
        return 1;
    }

    p = text->data;
    domain = 0;

    for (i = 1; i + 1 < text->len; i++) {

        if (p[i] == '@') {
            domain = ngx_intake_spam_in_word(p[i - 1]);

        } else if (p[i] == '.') {

            if (domain && ngx_intake_spam_in_word(p[i - 1])
                && ngx_intake_spam_in_word(p[i + 1]))
            {
                return 1;
            }

        } else if (p[i] != '-' && !ngx_intake_spam_in_word(p[i])) {
            domain = 0;
        }
    }

    return 0;
}


ngx_uint_t
ngx_intake_spam_domain(ngx_str_t *address, ngx_str_t *domains, ngx_uint_t n)
{
    size_t      i, at;
    u_char      lower[NGX_INTAKE_SPAM_PHRASE_MAX];
    ngx_str_t   domain;
    ngx_uint_t  found;

    found = 0;
    at = 0;

    for (i = 0; i < address->len; i++) {
        if (address->data[i] == '@') {
            at = i + 1;
        }
    }

    domain.data = lower;
    domain.len = address->len - at;

    if (at == 0 || domain.len > sizeof(lower)) {
        return 0;
    }

    for (i = 0; i < domain.len; i++) {
        lower[i] = ngx_tolower(address->data[at + i]);
    }

    while (domain.len && !found) {

        found = ngx_intake_spam_search(&domain, domains, n);

        /* the one above it */

        while (domain.len && domain.data[0] != '.') {
            domain.data++;
            domain.len--;
        }

        if (domain.len) {
            domain.data++;
            domain.len--;
        }
    }

    return found;
}


static ngx_uint_t
ngx_intake_spam_search(ngx_str_t *text, ngx_str_t *sorted, ngx_uint_t n)
{
    int         rc;
    ngx_uint_t  low, high, middle;

    low = 0;
    high = n;

    while (low < high) {
        middle = low + (high - low) / 2;
        rc = ngx_intake_spam_compare(text, &sorted[middle]);

        if (rc == 0) {
            return 1;
        }

        if (rc < 0) {
            high = middle;

        } else {
            low = middle + 1;
        }
    }

    return 0;
}


/* the length of the one that the text begins with, in any case; 0: none */

static size_t
ngx_intake_spam_starts(u_char *p, size_t len, ngx_str_t *beginnings)
{
    size_t      i;
    ngx_str_t  *text;

    for (text = beginnings; text->len; text++) {

        if (text->len > len) {
            continue;
        }

        for (i = 0; i < text->len; i++) {
            if (ngx_tolower(p[i]) != text->data[i]) {
                break;
            }
        }

        if (i == text->len) {
            return i;
        }
    }

    return 0;
}


static ngx_uint_t
ngx_intake_spam_in_word(u_char ch)
{
    return (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z')
           || (ch >= '0' && ch <= '9') || ch >= 0x80;
}
