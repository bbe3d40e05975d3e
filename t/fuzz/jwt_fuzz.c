/* sources: src/verify/ngx_http_intake_verify.c */
/* sources: src/http/ngx_http_intake_codes.c */
/* sources: src/verify/ngx_http_intake_signature.c */
/* sources: src/verify/ngx_http_intake_challenge.c */
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
/* sources: src/json/ngx_intake_json_string.c */
/* libs: -lcrypto -ljansson */

/*
 * Copyright (C) nginx-intake contributors
 */


#include "nginx.h"
#include "ngx_http_intake.h"
#include "ngx_http_intake_token.h"

#include <jansson.h>


/*
 * The input is lines: the header and the claims of a token, then a token.  What
 * is not signed with the secret is never taken, nor with a character changed;
 * what is signed is taken if the header and the claims, as jansson reads them,
 * are those that are asked for.
 */


#define FUZZ_PATHS  7

#define fuzz_json_time(json)                                                  \
    (json_is_string(json) || json_is_integer(json))


typedef struct {
    ngx_http_intake_src_t       token;
    ngx_http_intake_jwt_t       jwt;
    ngx_http_intake_claim_t     claim;
    ngx_http_intake_secret_t    secret;
    ngx_http_intake_source_t    source;
    ngx_http_intake_platform_t  platform;
    ngx_array_t                 paths;
    ngx_intake_json_path_t      path[FUZZ_PATHS];
} fuzz_t;


static fuzz_t  fuzz;


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static void
fuzz_path(ngx_http_intake_src_t *src, const char *name)
{
    src->kind = NGX_HTTP_INTAKE_SRC_JWT;
    src->name = fuzz_copy(name, strlen(name));
    src->path = fuzz.paths.nelts++;

    check(ngx_intake_json_path_parse(&src->name, &fuzz.path[src->path], 0)
          == NGX_OK);
}


static void
fuzz_conf(void)
{
    const char               *error;
    ngx_http_intake_word_t   *word;
    static ngx_intake_key_t  *key;

    memset(&fuzz, 0, sizeof(fuzz));

    fuzz.paths.elts = fuzz.path;

    fuzz_path(&fuzz.jwt.alg, "alg");
    fuzz_path(&fuzz.jwt.crit, "crit");
    fuzz_path(&fuzz.jwt.kid, "kid");
    fuzz_path(&fuzz.jwt.exp, "exp");
    fuzz_path(&fuzz.jwt.nbf, "nbf");
    fuzz_path(&fuzz.claim.src, "aud");
    fuzz_path(&fuzz.claim.element, "aud.*");

    word = fuzz_alloc(sizeof(ngx_http_intake_word_t));
    memset(word, 0, sizeof(ngx_http_intake_word_t));
    ngx_str_set(&word->text, "intake");

    fuzz.claim.value = fuzz_array(word, 1);

    ngx_str_set(&fuzz.secret.value, "secret");

    if (key == NULL) {
        key = ngx_intake_key_create(NGX_INTAKE_ALGORITHM_JWT_HS256,
                                    fuzz.secret.value.data,
                                    fuzz.secret.value.len, &error);
        check(key != NULL);
    }

    fuzz.secret.key = key;

    fuzz.token.kind = NGX_HTTP_INTAKE_SRC_HEADER;
    ngx_str_set(&fuzz.token.name, "authorization");
    ngx_str_set(&fuzz.token.prefix, "Bearer ");

    fuzz.platform.algorithm = NGX_INTAKE_ALGORITHM_JWT_HS256;
    fuzz.platform.signature = &fuzz.token;
    fuzz.platform.jwt = &fuzz.jwt;
    fuzz.platform.claims = fuzz_array(&fuzz.claim, 1);

    fuzz.source.platform = &fuzz.platform;
    fuzz.source.secrets = fuzz_array(&fuzz.secret, 1);
    fuzz.source.paths = &fuzz.paths;
    fuzz.source.leeway = 60;
}


static ngx_int_t
fuzz_verify(ngx_str_t *token)
{
    u_char                 *p;
    ngx_int_t               rc;
    ngx_str_t               value;
    ngx_http_intake_ctx_t   ctx;

    memset(&ctx, 0, sizeof(ctx));

    ctx.request = fuzz_request();
    ctx.source = &fuzz.source;

    value.len = 7 + token->len;
    value.data = fuzz_alloc(value.len);
    p = ngx_cpymem(value.data, "Bearer ", 7);
    memcpy(p, token->data, token->len);

    fuzz_add_header(ctx.request, "authorization", &value);

    rc = ngx_http_intake_verify(&ctx);

    check(rc == NGX_OK ? ctx.secret && ctx.claims
                       : rc == NGX_DECLINED && !ctx.secret && !ctx.claims);

    return rc;
}


static u_char *
fuzz_encode(u_char *p, ngx_str_t *bytes)
{
    size_t  len;

    check(ngx_intake_base64url_encode(bytes, p, 2 * bytes->len + 4, &len)
          == NGX_OK);

    return p + len;
}


static ngx_str_t
fuzz_sign(ngx_str_t *header, ngx_str_t *claims)
{
    u_char     *p, digest[NGX_INTAKE_DIGEST_MAX];
    ngx_str_t   token, bytes;

    token.data = fuzz_alloc(2 * (header->len + claims->len)
                            + 2 * NGX_INTAKE_DIGEST_MAX + 16);

    p = fuzz_encode(token.data, header);
    *p++ = '.';
    p = fuzz_encode(p, claims);

    token.len = p - token.data;
    bytes.data = digest;

    check(ngx_intake_key_digest(fuzz.secret.key, &token, 1, digest, &bytes.len)
          == NGX_OK);

    *p++ = '.';
    token.len = fuzz_encode(p, &bytes) - token.data;

    return token;
}


/* NGX_ERROR: no time, or none that jansson has kept as it was written */

static int64_t
fuzz_time(json_t *json)
{
    char       buf[32];
    int64_t    time;
    ngx_str_t  text;

    if (json_is_string(json)) {
        text = fuzz_copy(json_string_value(json), json_string_length(json));

    } else {
        sprintf(buf, "%" JSON_INTEGER_FORMAT, json_integer_value(json));
        text = fuzz_copy(buf, strlen(buf));
    }

    return (ngx_intake_time_parse(NGX_INTAKE_TIME_S, &text, &time) == NGX_OK)
           ? time : NGX_ERROR;
}


static ngx_uint_t
fuzz_is(json_t *json, const char *text)
{
    return json_is_string(json)
           && json_string_length(json) == strlen(text)
           && strcmp(json_string_value(json), text) == 0;
}


static ngx_uint_t
fuzz_audience(json_t *json)
{
    size_t   i;
    json_t  *element;

    json_array_foreach(json, i, element) {
        if (fuzz_is(element, "intake")) {
            return 1;
        }
    }

    return fuzz_is(json, "intake");
}


/* NGX_DONE: jansson does not know */

static ngx_int_t
fuzz_judge(json_t *header, json_t *claims)
{
    json_t   *crit, *exp, *nbf;
    int64_t   time, now, leeway;

    now = FUZZ_NOW * 1000000LL;
    leeway = 60 * 1000000LL;

    crit = json_object_get(header, "crit");
    exp = json_object_get(claims, "exp");
    nbf = json_object_get(claims, "nbf");

    if (!fuzz_is(json_object_get(header, "alg"), "HS256")
        || (crit && !json_is_null(crit))
        || !fuzz_audience(json_object_get(claims, "aud")))
    {
        return NGX_DECLINED;
    }

    if (json_is_real(exp) || json_is_real(nbf)) {
        return NGX_DONE;
    }

    time = fuzz_json_time(exp) ? fuzz_time(exp) : NGX_ERROR;

    if (time == NGX_ERROR || now - leeway >= time) {
        return NGX_DECLINED;
    }

    if (nbf == NULL || json_is_null(nbf) || json_is_array(nbf)
        || json_is_object(nbf)
        || (json_is_string(nbf) && json_string_length(nbf) == 0))
    {
        return NGX_OK;
    }

    time = fuzz_json_time(nbf) ? fuzz_time(nbf) : NGX_ERROR;

    return (time == NGX_ERROR || now + leeway < time) ? NGX_DECLINED : NGX_OK;
}


static void
fuzz_signed(ngx_str_t *header, ngx_str_t *claims)
{
    u_char      ch;
    size_t      i;
    json_t     *one, *other;
    ngx_int_t   rc, judged;
    ngx_str_t   token;

    token = fuzz_sign(header, claims);
    rc = fuzz_verify(&token);

    one = json_loadb((char *) header->data, header->len,
                     JSON_REJECT_DUPLICATES|JSON_ALLOW_NUL, NULL);
    other = json_loadb((char *) claims->data, claims->len,
                       JSON_REJECT_DUPLICATES|JSON_ALLOW_NUL, NULL);

    /* jansson passes over a zero byte behind a number or a word */

    if (one && other && memchr(header->data, '\0', header->len) == NULL
        && memchr(claims->data, '\0', claims->len) == NULL)
    {
        judged = fuzz_judge(one, other);
        check(judged == NGX_DONE || judged == rc);
    }

    json_decref(one);
    json_decref(other);

    /* a bit of it, wherever */

    i = (header->len * 31 + claims->len * 7) % token.len;
    ch = token.data[i];

    token.data[i] ^= 1 << (claims->len % 8);
    check(fuzz_verify(&token) == NGX_DECLINED);
    token.data[i] = ch;

    token.len--;
    check(fuzz_verify(&token) == NGX_DECLINED);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ngx_str_t       header, claims, token;
    const uint8_t  *last;

    last = data + size;

    fuzz_conf();

    header = fuzz_line(&data, last);
    claims = fuzz_line(&data, last);
    token = fuzz_copy(data, last - data);

    check(fuzz_verify(&token) == NGX_DECLINED);
    fuzz_signed(&header, &claims);

    fuzz_free();

    return 0;
}
