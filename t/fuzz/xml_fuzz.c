/* sources: src/verify/ngx_intake_xml.c src/verify/ngx_intake_xml_scan.c */
/* sources: src/verify/ngx_intake_xml_text.c */

/*
 * Copyright (C) nginx-intake contributors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_intake_xml.h"


#define check(condition)  if (!(condition)) { abort(); }


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static ngx_str_t  paths[] = {
    ngx_string("a"),
    ngx_string("a.b"),
    ngx_string("a.b.c"),
    ngx_string("a.a"),
    ngx_string("xml.MsgId"),
    ngx_string("feed.entry.id"),
    ngx_string("feed.entry.yt:videoId"),
    ngx_string("")
};

#define NPATHS  (sizeof(paths) / sizeof(paths[0]))


/* its length fits; decoding any bytes ends within them */

static void
fuzz_text(ngx_str_t *content)
{
    size_t   len;
    u_char  *text;

    text = malloc(content->len + 1);
    len = ngx_intake_xml_text(text, content);

    check(len <= content->len);
    check(len == 0 || (text[0] != ' ' && text[len - 1] != ' '));

    free(text);
}


/* a value stands between tags, and alone gives what it gives among others */

static void
fuzz_read(u_char *data, size_t size)
{
    u_char      *p, *last;
    ngx_str_t    values[NPATHS], value;
    ngx_uint_t   i;

    if (ngx_intake_xml_read(data, size, paths, NPATHS, values) != NGX_OK) {
        return;
    }

    last = data + size;

    for (i = 0; i < NPATHS; i++) {

        check(ngx_intake_xml_read(data, size, &paths[i], 1, &value) == NGX_OK);
        check(value.data == values[i].data && value.len == values[i].len);

        if (value.data == NULL) {
            continue;
        }

        check(value.data > data && value.data <= last);
        check(value.len <= (size_t) (last - value.data));
        check(value.data[-1] == '>');

        p = value.data + value.len;

        check((value.len == 0 && value.data[-2] == '/')
              || (last - p > 2 && p[0] == '<' && p[1] == '/'));

        fuzz_text(&value);
    }
}


/* any bytes come back from where they are encoded, but for the space around */

static void
fuzz_encoded(const uint8_t *data, size_t size)
{
    size_t      i, len, start;
    u_char     *document, *p, *text;
    ngx_str_t   value;

    document = malloc(size * 6 + 7);
    p = ngx_cpymem(document, "<a>", 3);

    for (i = 0; i < size; i++) {

        switch (data[i]) {

        case '<':
            p = ngx_cpymem(p, "&#x3c;", 6);
            break;

        case '&':
            p = ngx_cpymem(p, "&amp;", 5);
            break;

        default:
            *p++ = data[i];
        }
    }

    p = ngx_cpymem(p, "</a>", 4);

    check(ngx_intake_xml_read(document, p - document, &paths[0], 1, &value)
          == NGX_OK);

    text = malloc(value.len + 1);
    len = ngx_intake_xml_text(text, &value);

    for (start = 0; start < size; start++) {
        if (strchr(" \t\r\n", data[start]) == NULL || data[start] == '\0') {
            break;
        }
    }

    check(len <= size - start);
    check(len == 0 || memcmp(text, data + start, len) == 0);

    for (i = start + len; i < size; i++) {
        check(data[i] && strchr(" \t\r\n", data[i]));
    }

    free(text);
    free(document);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ngx_str_t  content;

    content.data = (u_char *) data;
    content.len = size;

    fuzz_read(content.data, size);
    fuzz_text(&content);
    fuzz_encoded(data, size);

    return 0;
}
