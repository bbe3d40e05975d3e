/* sources: src/verify/ngx_http_intake_challenge.c */
/* sources: src/verify/ngx_http_intake_verify.c */
/* sources: src/http/ngx_http_intake_codes.c */
/* sources: src/verify/ngx_http_intake_signature.c */
/* sources: src/verify/ngx_http_intake_template.c */
/* sources: src/verify/ngx_http_intake_sorted_params.c */
/* sources: src/verify/ngx_http_intake_extract.c */
/* sources: src/verify/ngx_http_intake_content.c */
/* sources: src/verify/ngx_http_intake_url.c src/verify/ngx_http_intake_id.c */
/* sources: src/verify/ngx_http_intake_key.c src/verify/ngx_http_intake_jwt.c */
/* sources: src/verify/ngx_http_intake_sns.c src/verify/ngx_intake_uuid.c */
/* sources: src/verify/ngx_intake_encoding.c src/verify/ngx_intake_xml.c */
/* sources: src/verify/ngx_intake_xml_scan.c src/verify/ngx_intake_xml_text.c */
/* sources: src/verify/ngx_intake_digest.c src/verify/ngx_intake_pkey.c */
/* sources: src/verify/ngx_intake_sha256.c */
/* sources: src/verify/ngx_intake_time.c src/json/ngx_intake_json.c */
/* sources: src/json/ngx_intake_json_scan.c t/fuzz/nginx.c */
/* sources: src/json/ngx_intake_json_string.c src/form/ngx_intake_utf8.c */
/* libs: -lcrypto -ljansson */

/*
 * Copyright (C) nginx-intake contributors
 */


#include "nginx.h"
#include "ngx_http_intake.h"
#include "ngx_intake_utf8.h"

#include <jansson.h>


/*
 * The input is a header and, behind its line, the body of a handshake that
 * anybody may send.  It is answered if the body says what it must; the answer
 * is a document, whatever stands in the body, and has the value that was sent;
 * only what looks like a token is signed, and not nothing; a header of the
 * answer is one line.
 */


#define FUZZ_SRCS  3


typedef struct {
    ngx_http_intake_src_t        srcs[FUZZ_SRCS];   /* type, challenge, t */
    ngx_intake_json_path_t       paths[FUZZ_SRCS];
    ngx_http_intake_match_t      match;
    ngx_http_intake_header_t     header;
    ngx_http_intake_challenge_t  challenge;
    ngx_http_intake_secret_t     secret;
    ngx_http_intake_source_t     source;
    ngx_http_intake_platform_t   platform;
} fuzz_t;


static fuzz_t  fuzz;


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static ngx_http_intake_word_t *
fuzz_word(ngx_array_t *words, ngx_http_intake_word_e type, const char *text)
{
    ngx_http_intake_word_t  *word;

    word = ngx_array_push(words);
    memset(word, 0, sizeof(ngx_http_intake_word_t));

    word->type = type;
    word->text = fuzz_copy(text, strlen(text));

    return word;
}


/* {"challenge":"${json:challenge}","hmac":"${hmac-sha256:json:t}"} */

static void
fuzz_reply(void)
{
    ngx_array_t             *words;
    ngx_http_intake_word_t  *word;

    words = ngx_array_create(NULL, 5, sizeof(ngx_http_intake_word_t));

    fuzz_word(words, NGX_HTTP_INTAKE_WORD_LITERAL, "{\"challenge\":\"");
    word = fuzz_word(words, NGX_HTTP_INTAKE_WORD_SRC, "");
    word->src = fuzz.srcs[1];
    fuzz_word(words, NGX_HTTP_INTAKE_WORD_LITERAL, "\",\"hmac\":\"");

    word = fuzz_word(words, NGX_HTTP_INTAKE_WORD_HMAC, "");
    word->algorithm = NGX_INTAKE_ALGORITHM_HMAC_SHA256;
    word->encoding = NGX_INTAKE_ENCODING_HEX;
    word->words = ngx_array_create(NULL, 1, sizeof(ngx_http_intake_word_t));
    word = fuzz_word(word->words, NGX_HTTP_INTAKE_WORD_SRC, "");
    word->src = fuzz.srcs[2];

    fuzz_word(words, NGX_HTTP_INTAKE_WORD_LITERAL, "\"}");

    fuzz.challenge.reply.body = words;
    fuzz.challenge.reply.json = 1;

    words = ngx_array_create(NULL, 1, sizeof(ngx_http_intake_word_t));
    word = fuzz_word(words, NGX_HTTP_INTAKE_WORD_SRC, "");
    word->src.kind = NGX_HTTP_INTAKE_SRC_HEADER;
    ngx_str_set(&word->src.name, "x-echo");

    fuzz.header.value = words;
}


static void
fuzz_conf(void)
{
    ngx_uint_t                i;
    const char               *error;
    static const char        *names[] = { "type", "challenge", "t" };
    static ngx_intake_key_t  *key;

    memset(&fuzz, 0, sizeof(fuzz));

    for (i = 0; i < FUZZ_SRCS; i++) {
        fuzz.srcs[i].kind = NGX_HTTP_INTAKE_SRC_JSON;
        fuzz.srcs[i].name = fuzz_copy(names[i], strlen(names[i]));
        fuzz.srcs[i].path = i;

        check(ngx_intake_json_path_parse(&fuzz.srcs[i].name, &fuzz.paths[i], 0)
              == NGX_OK);
    }

    fuzz_reply();

    fuzz.match.src = fuzz.srcs[0];
    fuzz.match.equal = 1;
    ngx_str_set(&fuzz.match.value, "url_verification");

    fuzz.challenge.method = NGX_HTTP_POST;
    fuzz.challenge.matches = fuzz_array(&fuzz.match, 1);

    ngx_str_set(&fuzz.secret.value, "secret");

    if (key == NULL) {
        key = ngx_intake_key_create(NGX_INTAKE_ALGORITHM_HMAC_SHA256,
                                    fuzz.secret.value.data,
                                    fuzz.secret.value.len, &error);
        check(key != NULL);
    }

    fuzz.secret.key = key;

    fuzz.platform.challenges = fuzz_array(&fuzz.challenge, 1);
    fuzz.source.platform = &fuzz.platform;
    fuzz.source.secrets = fuzz_array(&fuzz.secret, 1);
    fuzz.source.paths = fuzz_array(fuzz.paths, FUZZ_SRCS);
}


/* the text of the answer is that of the request, as UTF-8 */

static void
fuzz_text(json_t *json, ngx_str_t *text)
{
    size_t   len;
    u_char  *copy;

    check(json_is_string(json));

    len = ngx_intake_utf8_length(text->data, text->len);
    copy = fuzz_alloc(len);

    if (len) {
        (void) ngx_intake_utf8_copy(copy, text->data, text->len);
    }

    check(json_string_length(json) == len);
    check(len == 0 || memcmp(json_string_value(json), copy, len) == 0);
}


/* nothing but a token, and that with our secret */

static void
fuzz_signed(json_t *json, ngx_str_t *token)
{
    size_t     i, len;
    u_char     digest[NGX_INTAKE_DIGEST_MAX], hex[2 * NGX_INTAKE_DIGEST_MAX];
    ngx_str_t  bytes;

    check(json_is_string(json) && token->len);

    for (i = 0; i < token->len; i++) {
        check(token->data[i] > ' ' && token->data[i] <= '~'
              && strchr("{}[]\"<>&", token->data[i]) == NULL);
    }

    bytes.data = digest;

    check(ngx_intake_key_digest(fuzz.secret.key, token, 1, digest, &bytes.len)
          == NGX_OK);
    check(ngx_intake_hex_encode(&bytes, hex, sizeof(hex), &len) == NGX_OK);

    check(json_string_length(json) == len
          && memcmp(json_string_value(json), hex, len) == 0);
}


static void
fuzz_answer(ngx_http_intake_ctx_t *ctx, ngx_str_t *body)
{
    json_t     *json;
    ngx_str_t   type, text, token;

    check(ngx_http_intake_extract_first(ctx, &fuzz.srcs[0], &type) == NGX_OK);
    check(type.len == 16 && memcmp(type.data, "url_verification", 16) == 0);

    (void) ngx_http_intake_extract_first(ctx, &fuzz.srcs[1], &text);
    (void) ngx_http_intake_extract_first(ctx, &fuzz.srcs[2], &token);

    json = json_loadb((char *) body->data, body->len,
                      JSON_REJECT_DUPLICATES|JSON_ALLOW_NUL, NULL);

    check(json_is_object(json) && json_object_size(json) == 2);

    fuzz_text(json_object_get(json, "challenge"), &text);
    fuzz_signed(json_object_get(json, "hmac"), &token);

    json_decref(json);
}


/* what may stand in a header stays as it is */

static void
fuzz_header(ngx_http_intake_ctx_t *ctx, ngx_str_t *sent)
{
    size_t     i, n;
    ngx_str_t  value;

    check(ngx_http_intake_challenge_header(ctx, &fuzz.header, &value)
          == NGX_OK);

    for (i = 0, n = 0; i < sent->len; i++) {
        if ((sent->data[i] >= ' ' && sent->data[i] != 0x7f)
            || sent->data[i] == '\t')
        {
            check(n < value.len && value.data[n++] == sent->data[i]);
        }
    }

    check(n == value.len);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ngx_int_t                     rc;
    ngx_str_t                     header, body;
    const uint8_t                *last;
    ngx_http_intake_ctx_t         ctx;
    ngx_http_intake_challenge_t  *challenge;

    last = data + size;

    fuzz_conf();

    header = fuzz_line(&data, last);

    memset(&ctx, 0, sizeof(ctx));

    ctx.request = fuzz_request();
    ctx.request->method = NGX_HTTP_POST;
    ctx.source = &fuzz.source;
    ctx.body = fuzz_copy(data, last - data);

    fuzz_add_header(ctx.request, "x-echo", &header);

    rc = ngx_http_intake_challenge(&ctx, 0, &challenge, &body);

    check(rc == NGX_OK || rc == NGX_DECLINED || rc == NGX_ABORT);
    check((rc == NGX_ABORT)
          == (ctx.code == NGX_HTTP_INTAKE_CHALLENGE_REFUSED));

    if (rc == NGX_OK) {
        fuzz_answer(&ctx, &body);
    }

    fuzz_header(&ctx, &header);

    fuzz_free();

    return 0;
}
