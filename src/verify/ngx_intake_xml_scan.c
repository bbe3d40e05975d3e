
/*
 * Copyright (C) nginx-intake contributors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_intake_xml_scan.h"


static u_char *ngx_intake_xml_scan_tag(u_char *p, u_char *last,
    ngx_intake_xml_markup_t *markup);
static u_char *ngx_intake_xml_scan_attribute(u_char *p, u_char *last);
static u_char *ngx_intake_xml_scan_doctype(u_char *p, u_char *last);
static u_char *ngx_intake_xml_name(u_char *p, u_char *last);
static u_char *ngx_intake_xml_find(u_char *p, u_char *last, const char *text);


u_char *
ngx_intake_xml_scan(u_char *p, u_char *last, ngx_intake_xml_markup_t *markup)
{
    u_char  *end;

    ngx_memzero(markup, sizeof(ngx_intake_xml_markup_t));

    if (last - p < 2) {
        return NULL;
    }

    switch (p[1]) {

    case '?':
        return ngx_intake_xml_find(p + 2, last, "?>");

    case '!':
        break;

    default:
        return ngx_intake_xml_scan_tag(p, last, markup);
    }

    p += 2;

    if (last - p >= 2 && ngx_memcmp(p, "--", 2) == 0) {
        return ngx_intake_xml_find(p + 2, last, "-->");
    }

    if (last - p >= 7 && ngx_memcmp(p, "[CDATA[", 7) == 0) {
        p += 7;
        end = ngx_intake_xml_find(p, last, "]]>");

        if (end) {
            markup->kind = NGX_INTAKE_XML_CDATA;
            markup->text.data = p;
            markup->text.len = end - 3 - p;
        }

        return end;
    }

    if (last - p >= 7 && ngx_memcmp(p, "DOCTYPE", 7) == 0) {
        markup->doctype = 1;
        return ngx_intake_xml_scan_doctype(p + 7, last);
    }

    return NULL;
}


static u_char *
ngx_intake_xml_scan_tag(u_char *p, u_char *last,
    ngx_intake_xml_markup_t *markup)
{
    p++;

    markup->kind = NGX_INTAKE_XML_START;

    if (*p == '/') {
        markup->kind = NGX_INTAKE_XML_END;
        p++;
    }

    markup->text.data = p;

    p = ngx_intake_xml_name(p, last);
    if (p == NULL) {
        return NULL;
    }

    markup->text.len = p - markup->text.data;

    for ( ;; ) {
        p = ngx_intake_xml_space(p, last);

        if (p == last) {
            return NULL;
        }

        if (*p == '>') {
            return p + 1;
        }

        if (markup->kind == NGX_INTAKE_XML_END) {
            return NULL;
        }

        if (*p == '/') {

            if (++p == last || *p != '>') {
                return NULL;
            }

            markup->kind = NGX_INTAKE_XML_EMPTY;

            return p + 1;
        }

        p = ngx_intake_xml_scan_attribute(p, last);
        if (p == NULL) {
            return NULL;
        }
    }
}


static u_char *
ngx_intake_xml_scan_attribute(u_char *p, u_char *last)
{
    p = ngx_intake_xml_name(p, last);
    if (p == NULL) {
        return NULL;
    }

    p = ngx_intake_xml_space(p, last);

    if (p == last || *p != '=') {
        return NULL;
    }

    p = ngx_intake_xml_space(p + 1, last);

    if (p == last || (*p != '"' && *p != '\'')) {
        return NULL;
    }

    p = memchr(p + 1, *p, last - p - 1);

    return p ? p + 1 : NULL;
}


/* up to the ">" that stands in no quotes, comment or inner part */

static u_char *
ngx_intake_xml_scan_doctype(u_char *p, u_char *last)
{
    ngx_uint_t  inside;

    inside = 0;

    while (p && p < last) {

        switch (*p) {

        case '"':
        case '\'':
            p = memchr(p + 1, *p, last - p - 1);
            break;

        case '[':
            inside = 1;
            break;

        case ']':
            inside = 0;
            break;

        case '<':
            if (last - p >= 4 && ngx_memcmp(p, "<!--", 4) == 0) {
                p = ngx_intake_xml_find(p + 4, last, "-->");
                continue;
            }

            if (last - p >= 2 && p[1] == '?') {
                p = ngx_intake_xml_find(p + 2, last, "?>");
                continue;
            }

            break;

        case '>':
            if (!inside) {
                return p + 1;
            }

            break;

        default:
            break;
        }

        if (p) {
            p++;
        }
    }

    return NULL;
}


/* the end of a name, NULL if there is none or the document ends in it */

static u_char *
ngx_intake_xml_name(u_char *p, u_char *last)
{
    u_char   c, ch;
    u_char  *start;

    for (start = p; p < last; p++) {
        ch = *p;
        c = ch | 0x20;

        if ((c >= 'a' && c <= 'z') || ch == '_' || ch == ':' || ch >= 0x80) {
            continue;
        }

        if (p > start
            && ((ch >= '0' && ch <= '9') || ch == '-' || ch == '.'))
        {
            continue;
        }

        return (p > start) ? p : NULL;
    }

    return NULL;
}


u_char *
ngx_intake_xml_space(u_char *p, u_char *last)
{
    while (p < last && ngx_intake_xml_is_space(*p)) {
        p++;
    }

    return p;
}


/* the end of text in p, or NULL */

static u_char *
ngx_intake_xml_find(u_char *p, u_char *last, const char *text)
{
    size_t  len;

    len = ngx_strlen(text);

    for ( /* void */ ; (size_t) (last - p) >= len; p++) {

        p = memchr(p, text[0], last - p - len + 1);

        if (p == NULL) {
            return NULL;
        }

        if (ngx_memcmp(p, text, len) == 0) {
            return p + len;
        }
    }

    return NULL;
}
