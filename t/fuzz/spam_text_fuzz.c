/* sources: src/form/ngx_intake_spam_text.c src/form/ngx_intake_utf8.c */
/* sources: src/form/ngx_intake_field_name.c */

/*
 * Copyright (C) nginx-intake contributors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_intake_field_name.h"
#include "ngx_intake_spam_text.h"


/*
 * The input is phrases, one a line, and behind an empty line a text.  What is
 * found in it is what a plain search finds.
 */


#define FUZZ_PHRASES  32

#define check(condition)  if (!(condition)) { abort(); }


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static void
fuzz_words(ngx_str_t *text, ngx_str_t *words)
{
    size_t   len;
    u_char  *again;

    words->data = malloc(text->len + 1);
    words->len = ngx_intake_spam_words(words->data, text);
    check(words->len <= text->len);

    again = malloc(words->len + 1);
    len = ngx_intake_spam_words(again, words);
    check(len == words->len && memcmp(again, words->data, len) == 0);
    free(again);
}


static ngx_uint_t
fuzz_find(ngx_str_t *text, ngx_str_t *phrase)
{
    size_t  i, end;

    for (i = 0; i + phrase->len <= text->len; i++) {
        end = i + phrase->len;

        if (memcmp(text->data + i, phrase->data, phrase->len) == 0
            && (i == 0 || text->data[i - 1] == ' ')
            && (end == text->len || text->data[end] == ' '))
        {
            return 1;
        }
    }

    return 0;
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    u_char      *p, *copy, *last, *end;
    ngx_str_t    line, text, phrases[FUZZ_PHRASES];
    ngx_uint_t   i, n, found;

    copy = malloc(size + 1);
    memcpy(copy, data, size);

    p = copy;
    last = copy + size;
    n = 0;

    while (p < last && *p != '\n') {
        end = memchr(p, '\n', last - p);
        end = end ? end : last;

        line.data = p;
        line.len = end - p;

        if (n < FUZZ_PHRASES && line.len <= NGX_INTAKE_SPAM_PHRASE_MAX) {
            fuzz_words(&line, &phrases[n]);

            if (phrases[n].len) {
                n++;

            } else {
                free(phrases[n].data);
            }
        }

        p = (end < last) ? end + 1 : last;
    }

    line.data = p;
    line.len = last - p;
    fuzz_words(&line, &text);

    (void) ngx_intake_spam_links(&line);
    (void) ngx_intake_spam_markup(&line);
    (void) ngx_intake_spam_address(&line);
    (void) ngx_intake_field_name_header(&line);

    qsort(phrases, n, sizeof(ngx_str_t), ngx_intake_spam_compare);

    (void) ngx_intake_spam_domain(&line, phrases, n);

    found = 0;

    for (i = 0; i < n; i++) {
        found |= fuzz_find(&text, &phrases[i]);
    }

    check(ngx_intake_spam_find(&text, phrases, n) == found);

    for (i = 0; i < n; i++) {
        free(phrases[i].data);
    }

    free(text.data);
    free(copy);

    return 0;
}
