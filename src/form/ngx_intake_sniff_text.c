
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_intake_sniff.h"
#include "ngx_intake_utf8.h"


static u_char *ngx_intake_sniff_lead(ngx_intake_sniff_text_t *text, u_char *p);


/*
 * The table 3-7 of the Unicode standard; a character may be cut between two
 * pieces, so how it goes on is kept.
 */

void
ngx_intake_sniff_text(ngx_intake_sniff_text_t *text, u_char *p, size_t len)
{
    u_char  *last;

    last = p + len;

    if (!text->binary && len && memchr(p, '\0', len)) {
        text->binary = 1;
    }

    while (p < last && !text->binary) {

        if (text->rest == 0) {
            p += ngx_intake_utf8_ascii(p, last - p);

            if (p < last) {
                p = ngx_intake_sniff_lead(text, p);
            }

            continue;
        }

        if (*p < text->low || *p > text->high) {
            text->binary = 1;
            return;
        }

        p++;

        text->rest--;
        text->low = 0x80;
        text->high = 0xbf;
    }
}


/* the first byte of a character of several */

static u_char *
ngx_intake_sniff_lead(ngx_intake_sniff_text_t *text, u_char *p)
{
    u_char  c;

    c = *p;

    text->low = 0x80;
    text->high = 0xbf;

    if (c >= 0xc2 && c <= 0xdf) {
        text->rest = 1;

    } else if (c >= 0xe0 && c <= 0xef) {
        text->rest = 2;

        if (c == 0xe0) {
            text->low = 0xa0;

        } else if (c == 0xed) {
            text->high = 0x9f;
        }

    } else if (c >= 0xf0 && c <= 0xf4) {
        text->rest = 3;

        if (c == 0xf0) {
            text->low = 0x90;

        } else if (c == 0xf4) {
            text->high = 0x8f;
        }

    } else {
        text->binary = 1;
    }

    return p + 1;
}
