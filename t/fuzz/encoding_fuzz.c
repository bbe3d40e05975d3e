/* sources: src/verify/ngx_intake_encoding.c */

/*
 * Copyright (C) nginx-intake contributors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_intake_encoding.h"


#define check(condition)  if (!(condition)) { abort(); }


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


/* what is encoded is decoded to the same, into exactly as much as it needs */

static void
fuzz_encode(ngx_intake_encoding_e encoding, ngx_str_t *bytes)
{
    size_t     len;
    u_char    *back;
    ngx_str_t  text;

    text.data = malloc(bytes->len * 2 + 4);
    back = malloc(bytes->len + 1);

    check(ngx_intake_encode(encoding, bytes, text.data, bytes->len * 2 + 4,
                            &text.len)
          == NGX_OK);

    if (text.len) {
        check(ngx_intake_encode(encoding, bytes, text.data, text.len - 1, &len)
              == NGX_ERROR);
    }

    check(ngx_intake_decode(encoding, &text, back, bytes->len, &len)
          == NGX_OK);
    check(len == bytes->len);
    check(len == 0 || memcmp(back, bytes->data, len) == 0);

    free(text.data);
    free(back);
}


/*
 * What is decoded is encoded to a text that is decoded to the same, and in
 * place gives the same too.
 */

static void
fuzz_decode(ngx_intake_encoding_e encoding, ngx_str_t *text)
{
    size_t     len;
    u_char    *place;
    ngx_str_t  bytes, copy;

    bytes.data = malloc(text->len + 1);

    if (ngx_intake_decode(encoding, text, bytes.data, text->len, &bytes.len)
        == NGX_OK)
    {
        check(bytes.len <= text->len);
        fuzz_encode(encoding, &bytes);

        place = malloc(text->len + 1);
        copy.data = place;
        copy.len = text->len;

        if (copy.len) {
            memcpy(place, text->data, copy.len);
        }

        check(ngx_intake_decode(encoding, &copy, place, bytes.len, &len)
              == NGX_OK);
        check(len == bytes.len);
        check(len == 0 || memcmp(place, bytes.data, len) == 0);

        if (bytes.len) {
            check(ngx_intake_decode(encoding, text, place, bytes.len - 1,
                                    &len)
                  == NGX_ERROR);
        }

        free(place);
    }

    free(bytes.data);
}


/* in place is as elsewhere; bytes that are all escaped come back */

static void
fuzz_percent(ngx_str_t *text, ngx_uint_t plus)
{
    size_t   i, len;
    u_char  *dst, *place;

    static u_char  hex[] = "0123456789aBcDeF";

    dst = malloc(text->len * 3 + 1);
    place = malloc(text->len * 3 + 1);

    len = ngx_intake_percent_decode(dst, text->data, text->len, plus);
    check(len <= text->len);

    memcpy(place, text->data, text->len);
    check(ngx_intake_percent_decode(place, place, text->len, plus) == len);
    check(memcmp(place, dst, len) == 0);

    for (i = 0; i < text->len; i++) {
        place[3 * i] = '%';
        place[3 * i + 1] = hex[text->data[i] >> 4];
        place[3 * i + 2] = hex[text->data[i] & 0xf];
    }

    len = ngx_intake_percent_decode(dst, place, text->len * 3, plus);
    check(len == text->len && memcmp(dst, text->data, len) == 0);

    free(dst);
    free(place);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ngx_str_t   src;
    ngx_uint_t  encoding;

    if (size == 0) {
        return 0;
    }

    src.data = (u_char *) data;
    src.len = size;

    for (encoding = NGX_INTAKE_ENCODING_RAW;
         encoding <= NGX_INTAKE_ENCODING_BASE64URL;
         encoding++)
    {
        fuzz_encode(encoding, &src);
        fuzz_decode(encoding, &src);
    }

    fuzz_percent(&src, 0);
    fuzz_percent(&src, 1);

    return 0;
}
