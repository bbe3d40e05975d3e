/* sources: src/verify/ngx_intake_encoding.c */

/*
 * Copyright (C) nginx-intake contributors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_intake_encoding.h"
#include "bytes.h"
#include "tap.h"


typedef struct {
    ngx_intake_encoding_e    encoding;
    const char              *text;
    const char              *bytes;     /* NULL: refused */
} decode_case_t;


#define HEX        NGX_INTAKE_ENCODING_HEX
#define BASE64     NGX_INTAKE_ENCODING_BASE64
#define BASE64URL  NGX_INTAKE_ENCODING_BASE64URL
#define RAW        NGX_INTAKE_ENCODING_RAW


static decode_case_t  decode_cases[] = {

    { RAW, "", "" },
    { RAW, "=?\t", "=?\t" },

    { HEX, "", "" },
    { HEX, "666f6f626172", "foobar" },
    { HEX, "666F6F626172", "foobar" },
    { HEX, "6F6f", "oo" },
    { HEX, "6", NULL },
    { HEX, "666", NULL },
    { HEX, "6g", NULL },
    { HEX, "g6", NULL },
    { HEX, "6`", NULL },
    { HEX, "6@", NULL },
    { HEX, "6/", NULL },
    { HEX, "6:", NULL },
    { HEX, "0x66", NULL },
    { HEX, " 66", NULL },
    { HEX, "66 ", NULL },
    { HEX, "66\n", NULL },
    { HEX, "+666", NULL },

    /* RFC 4648, section 10 */
    { BASE64, "", "" },
    { BASE64, "Zg==", "f" },
    { BASE64, "Zm8=", "fo" },
    { BASE64, "Zm9v", "foo" },
    { BASE64, "Zm9vYg==", "foob" },
    { BASE64, "Zm9vYmE=", "fooba" },
    { BASE64, "Zm9vYmFy", "foobar" },

    { BASE64, "Zg", "f" },
    { BASE64, "Zm8", "fo" },
    { BASE64, "Zm9vYg", "foob" },
    { BASE64, "Zm9vYmE", "fooba" },
    { BASE64, "++//", "\xfb\xef\xff" },

    /* unused bits that are set */
    { BASE64, "Zh==", "f" },
    { BASE64, "Zm9=", "fo" },
    { BASE64, "Zm9", "fo" },

    { BASE64, "Z", NULL },
    { BASE64, "Zm9vY", NULL },
    { BASE64, "Z===", NULL },
    { BASE64, "Z=", NULL },
    { BASE64, "Zg=", NULL },
    { BASE64, "Zm8==", NULL },
    { BASE64, "Zm9v=", NULL },
    { BASE64, "Zm9v==", NULL },
    { BASE64, "Zm9v====", NULL },
    { BASE64, "=", NULL },
    { BASE64, "==", NULL },
    { BASE64, "====", NULL },
    { BASE64, "Zg==Zg==", NULL },
    { BASE64, "Zm=v", NULL },
    { BASE64, "Z=g=", NULL },
    { BASE64, "Zm9v\n", NULL },
    { BASE64, "Zm9v\nYmFy", NULL },
    { BASE64, " Zm9", NULL },
    { BASE64, "--__", NULL },
    { BASE64, "Zm9*", NULL },
    { BASE64, "Zm9\xc3", NULL },

    { BASE64URL, "", "" },
    { BASE64URL, "Zg", "f" },
    { BASE64URL, "Zg==", "f" },
    { BASE64URL, "Zm8", "fo" },
    { BASE64URL, "Zm8=", "fo" },
    { BASE64URL, "Zm9vYmFy", "foobar" },
    { BASE64URL, "--__", "\xfb\xef\xff" },
    { BASE64URL, "++//", NULL },
    { BASE64URL, "Zg=", NULL },
    { BASE64URL, "Z", NULL },
};


static void
test_decode(void)
{
    size_t          len, size;
    u_char          dst[64];
    ngx_int_t       rc;
    ngx_str_t       src;
    ngx_uint_t      i;
    decode_case_t  *c;

    for (i = 0; i < sizeof(decode_cases) / sizeof(decode_cases[0]); i++) {
        c = &decode_cases[i];
        src = string(c->text);
        len = 77;

        rc = ngx_intake_decode(c->encoding, &src, dst, sizeof(dst), &len);

        if (c->bytes == NULL) {
            ok(rc == NGX_ERROR && len == 77, "decode %u: refused case %u",
               c->encoding, (unsigned) i);
            continue;
        }

        size = strlen(c->bytes);

        ok(rc == NGX_OK && len == size && memcmp(dst, c->bytes, len) == 0,
           "decode %u: accepted case %u", c->encoding, (unsigned) i);

        rc = ngx_intake_decode(c->encoding, &src, dst, size, &len);
        ok(rc == NGX_OK, "... into exactly enough");

        if (size) {
            dst[size - 1] = 0x55;
            rc = ngx_intake_decode(c->encoding, &src, dst, size - 1, &len);
            ok(rc == NGX_ERROR && dst[size - 1] == 0x55,
               "... not into one byte less");
        }
    }
}


static void
test_encode(void)
{
    size_t      len;
    u_char      dst[64], bytes[] = { 0x00, 0xfb, 0xef, 0xff, 0x9a };
    ngx_str_t   src;
    ngx_uint_t  i, good;

    static const char  *texts[][4] = {
        { "", "", "", "" },
        { "f", "66", "Zg==", "Zg" },
        { "fo", "666f", "Zm8=", "Zm8" },
        { "foo", "666f6f", "Zm9v", "Zm9v" },
        { "foob", "666f6f62", "Zm9vYg==", "Zm9vYg" },
        { "fooba", "666f6f6261", "Zm9vYmE=", "Zm9vYmE" },
        { "foobar", "666f6f626172", "Zm9vYmFy", "Zm9vYmFy" }
    };

    for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        src = string(texts[i][0]);

        good = ngx_intake_hex_encode(&src, dst, strlen(texts[i][1]), &len)
               == NGX_OK
               && len == strlen(texts[i][1])
               && len == ngx_intake_hex_length(src.len)
               && memcmp(dst, texts[i][1], len) == 0;
        ok(good, "hex of \"%s\"", texts[i][0]);

        good = ngx_intake_base64_encode(&src, dst, strlen(texts[i][2]), &len)
               == NGX_OK
               && len == strlen(texts[i][2])
               && len == ngx_intake_base64_length(src.len)
               && memcmp(dst, texts[i][2], len) == 0;
        ok(good, "base64 of \"%s\"", texts[i][0]);

        good = ngx_intake_base64url_encode(&src, dst, strlen(texts[i][3]),
                                           &len)
               == NGX_OK
               && len == strlen(texts[i][3])
               && len == ngx_intake_base64url_length(src.len)
               && memcmp(dst, texts[i][3], len) == 0;
        ok(good, "base64url of \"%s\"", texts[i][0]);
    }

    src.data = bytes;
    src.len = sizeof(bytes);

    ok(ngx_intake_encode(HEX, &src, dst, sizeof(dst), &len) == NGX_OK
       && len == 10 && memcmp(dst, "00fbefff9a", 10) == 0, "bytes as hex");
    ok(ngx_intake_encode(BASE64, &src, dst, sizeof(dst), &len) == NGX_OK
       && len == 8 && memcmp(dst, "APvv/5o=", 8) == 0, "bytes as base64");
    ok(ngx_intake_encode(BASE64URL, &src, dst, sizeof(dst), &len) == NGX_OK
       && len == 7 && memcmp(dst, "APvv_5o", 7) == 0, "bytes as base64url");
    ok(ngx_intake_encode(RAW, &src, dst, sizeof(dst), &len) == NGX_OK
       && len == 5 && memcmp(dst, bytes, 5) == 0, "bytes as they are");

    ok(ngx_intake_encode(HEX, &src, dst, 9, &len) == NGX_ERROR
       && ngx_intake_encode(BASE64, &src, dst, 7, &len) == NGX_ERROR
       && ngx_intake_encode(BASE64URL, &src, dst, 6, &len) == NGX_ERROR
       && ngx_intake_encode(RAW, &src, dst, 4, &len) == NGX_ERROR,
       "nothing is encoded into too little");
}


/* every single byte, and every length, there and back, in place */

static void
test_round_trips(void)
{
    size_t      len;
    u_char      bytes[256], text[512];
    ngx_str_t   src, encoded;
    ngx_uint_t  i, n, good;

    for (i = 0; i < 256; i++) {
        bytes[i] = (u_char) (255 - i);
    }

    for (i = RAW; i <= BASE64URL; i++) {
        good = 0;

        for (n = 0; n <= 256; n++) {
            src.data = bytes + 256 - n;
            src.len = n;
            encoded.data = text;

            if (ngx_intake_encode(i, &src, text, sizeof(text), &encoded.len)
                == NGX_OK
                && ngx_intake_decode(i, &encoded, text, n, &len) == NGX_OK
                && len == n
                && memcmp(text, src.data, n) == 0)
            {
                good++;
            }
        }

        ok(good == 257, "encoding %u there and back", (unsigned) i);
    }

    ngx_str_null(&src);

    ok(ngx_intake_decode(BASE64, &src, NULL, 0, &len) == NGX_OK && len == 0
       && ngx_intake_decode(HEX, &src, NULL, 0, &len) == NGX_OK && len == 0
       && ngx_intake_encode(BASE64, &src, NULL, 0, &len) == NGX_OK && len == 0
       && ngx_intake_encode(RAW, &src, NULL, 0, &len) == NGX_OK && len == 0
       && ngx_intake_percent_decode(NULL, NULL, 0, 1) == 0,
       "null strings are empty strings");
}


static void
test_alphabets(void)
{
    size_t      len;
    u_char      text[4], dst[3];
    ngx_str_t   src;
    ngx_uint_t  ch, hex, base64, base64url;

    src.data = text;
    hex = base64 = base64url = 0;

    for (ch = 0; ch < 256; ch++) {
        text[0] = text[1] = text[2] = text[3] = (u_char) ch;

        src.len = 2;
        hex += ngx_intake_hex_decode(&src, dst, 3, &len) == NGX_OK;

        src.len = 4;
        base64 += ngx_intake_base64_decode(&src, dst, 3, &len) == NGX_OK;
        base64url += ngx_intake_base64url_decode(&src, dst, 3, &len)
                     == NGX_OK;
    }

    ok(hex == 22, "22 characters are hexadecimal digits");
    ok(base64 == 64, "64 characters are of base64");
    ok(base64url == 64, "64 characters are of base64url");
}


static void
test_percent(void)
{
    size_t      len;
    u_char      dst[64];
    ngx_str_t   src;
    ngx_uint_t  i;

    static struct {
        const char  *text;
        ngx_uint_t   plus;
        const char  *decoded;
    } cases[] = {
        { "", 1, "" },
        { "plain", 1, "plain" },
        { "a+b", 1, "a b" },
        { "a+b", 0, "a+b" },
        { "a%2Bb", 1, "a+b" },
        { "a%2bb", 0, "a+b" },
        { "%C3%bc", 1, "\xc3\xbc" },
        { "%", 1, "%" },
        { "%4", 1, "%4" },
        { "%41", 1, "A" },
        { "a%", 1, "a%" },
        { "a%4", 1, "a%4" },
        { "%zz", 1, "%zz" },
        { "%4z", 1, "%4z" },
        { "%z4", 1, "%z4" },
        { "%%41", 1, "%A" },
        { "%2541", 1, "%41" },
        { "%+1", 1, "% 1" },
        { "%u00e4", 1, "%u00e4" },
        { "100%&+%25", 1, "100%& %" }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        src = string(cases[i].text);

        len = ngx_intake_percent_decode(dst, src.data, src.len, cases[i].plus);
        ok(len == strlen(cases[i].decoded)
           && memcmp(dst, cases[i].decoded, len) == 0,
           "percent-decoded \"%s\"", cases[i].text);

        memcpy(dst, src.data, src.len);

        len = ngx_intake_percent_decode(dst, dst, src.len, cases[i].plus);
        ok(len == strlen(cases[i].decoded)
           && memcmp(dst, cases[i].decoded, len) == 0, "... in place");
    }

    len = ngx_intake_percent_decode(dst, (u_char *) "%00x", 4, 0);
    ok(len == 2 && dst[0] == 0 && dst[1] == 'x', "a zero is a byte");
}


int
main(void)
{
    test_decode();
    test_encode();
    test_round_trips();
    test_alphabets();
    test_percent();

    return done();
}
