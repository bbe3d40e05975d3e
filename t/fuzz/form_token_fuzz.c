/* sources: src/form/ngx_http_intake_form_token.c t/fuzz/nginx.c */
/* sources: src/form/ngx_intake_text.c src/form/ngx_intake_utf8.c */
/* sources: src/verify/ngx_intake_digest.c src/verify/ngx_intake_pkey.c */
/* sources: src/verify/ngx_intake_sha256.c */
/* sources: src/verify/ngx_intake_encoding.c */
/* libs: -lcrypto */

/*
 * Copyright (C) nginx-intake contributors
 */


#include "nginx.h"
#include "ngx_http_intake.h"


/*
 * The input is lines: the token of a field, a Cookie header, and what stands
 * between the name of the form and the MAC of a token.  What this server has
 * not signed is missing or forged; what it has signed holds in the field and
 * among any cookies before it, and with a bit of it changed does not.
 */


#define FUZZ_WRONG  ((1 << NGX_HTTP_INTAKE_SPAM_TOKEN_MISSING)                \
                     | (1 << NGX_HTTP_INTAKE_SPAM_TOKEN_FORGED))


typedef struct {
    ngx_http_intake_source_t      source;
    ngx_http_intake_form_conf_t   form;
    ngx_str_t                     nonce;        /* of the last check */
} fuzz_t;


static fuzz_t  fuzz;


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


/* what sets cookies is not run here */

ngx_module_t  ngx_http_intake_module;


ngx_int_t
ngx_http_discard_request_body(ngx_http_request_t *r)
{
    return NGX_ERROR;
}


ngx_int_t
ngx_http_intake_add_header(ngx_http_request_t *r, const char *name,
    ngx_str_t *value)
{
    return NGX_ERROR;
}


ngx_int_t
ngx_http_intake_send(ngx_http_request_t *r, ngx_uint_t status,
    ngx_str_t *type, ngx_str_t *body)
{
    return NGX_ERROR;
}


ngx_pool_cleanup_t *
ngx_pool_cleanup_add(ngx_pool_t *p, size_t size)
{
    return NULL;
}


void
ngx_http_intake_conf_log(ngx_conf_t *cf, ngx_uint_t level,
    ngx_http_intake_position_t *position, const char *fmt, ...)
{
    /* void */
}


static void
fuzz_conf(void)
{
    const char               *error;
    static ngx_intake_key_t  *key;

    memset(&fuzz, 0, sizeof(fuzz));

    if (key == NULL) {
        key = ngx_intake_key_create(NGX_INTAKE_ALGORITHM_HMAC_SHA256,
                                    (u_char *) "secret", 6, &error);
        check(key != NULL);
    }

    fuzz.source.name = fuzz_copy("form", 4);
    fuzz.source.form = &fuzz.form;
    fuzz.form.token.key = key;
    fuzz.form.token.cookie = fuzz_copy("intake", 6);
    fuzz.form.token.min = 2000;
    fuzz.form.token.max = 60000;
}


/* the bits that speak against the submission */

static ngx_uint_t
fuzz_check(ngx_str_t *field, ngx_str_t *cookie)
{
    ngx_http_intake_ctx_t          ctx;
    ngx_http_intake_submission_t   submission;
    ngx_http_intake_form_value_t  *value;

    memset(&ctx, 0, sizeof(ctx));
    memset(&submission, 0, sizeof(submission));

    ctx.request = fuzz_request();
    ctx.source = &fuzz.source;
    ctx.submission = &submission;
    ctx.received = FUZZ_NOW * 1000000LL;

    if (field) {
        value = fuzz_alloc(sizeof(ngx_http_intake_form_value_t));
        memset(value, 0, sizeof(ngx_http_intake_form_value_t));

        value->value = *field;
        value->control = NGX_INTAKE_CONTROL_TOKEN;

        submission.values.elts = value;
        submission.values.nelts = 1;
    }

    if (cookie) {
        fuzz_add_header(ctx.request, "cookie", cookie);
    }

    check(ngx_http_intake_check_form_token(&ctx) == NGX_OK);
    check((submission.spam & FUZZ_WRONG) != FUZZ_WRONG);

    fuzz.nonce = submission.nonce;

    return submission.spam;
}


/* of this age, with this nonce */

static ngx_str_t
fuzz_token(int64_t age, ngx_str_t *nonce)
{
    int         n;
    size_t      len;
    u_char      digest[NGX_INTAKE_DIGEST_MAX];
    ngx_str_t   token, bytes;

    token.data = fuzz_alloc(128 + nonce->len);

    n = sprintf((char *) token.data, "v1.form.%lld.",
                FUZZ_NOW * 1000LL - (long long) age);
    memcpy(token.data + n, nonce->data, nonce->len);
    token.len = n + nonce->len;
    token.data[token.len++] = '.';

    bytes.data = digest;

    check(ngx_intake_key_digest(fuzz.form.token.key, &token, 1, digest,
                                &bytes.len)
          == NGX_OK);
    check(ngx_intake_base64url_encode(&bytes, token.data + token.len, 64,
                                      &len)
          == NGX_OK);

    token.len += len;

    return token;
}


static void
fuzz_age(ngx_str_t *token, ngx_str_t *cookie, int64_t age)
{
    ngx_uint_t  spam;

    spam = fuzz_check(token, cookie);

    check((spam & FUZZ_WRONG) == 0);
    check((spam != 0) == (age >= 0 && age < 2000));
    check((fuzz.nonce.len != 0) == (age >= -300000 && age <= 60000));
}


static void
fuzz_signed(ngx_str_t *cookies, ngx_str_t *part)
{
    int64_t    age;
    u_char    *p;
    ngx_str_t  nonce, token, header;

    nonce = *part;
    age = 0;

    while (nonce.len && nonce.data[0] == '<' && age < 1000000) {
        age = age * 2 + 777;
        nonce.data++;
        nonce.len--;
    }

    age = (age >= 1000000) ? -(age % 1000000) : age;

    if (nonce.len == 0 || memchr(nonce.data, '.', nonce.len)) {
        return;
    }

    token = fuzz_token(age, &nonce);
    fuzz_age(&token, NULL, age);

    /* a semicolon ends a cookie */

    if (memchr(nonce.data, ';', nonce.len) == NULL) {
        header.len = cookies->len + 9 + token.len;
        header.data = fuzz_alloc(header.len);

        p = ngx_cpymem(header.data, cookies->data, cookies->len);
        p = ngx_cpymem(p, "; intake=", 9);
        memcpy(p, token.data, token.len);

        fuzz_age(NULL, &header, age);
    }

    p = token.data + cookies->len % token.len;
    *p ^= 1 << (nonce.len % 8);

    check(fuzz_check(&token, NULL) & FUZZ_WRONG);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ngx_str_t       field, cookie, part;
    const uint8_t  *last;

    fuzz_conf();

    last = data + size;
    field = fuzz_line(&data, last);
    cookie = fuzz_line(&data, last);
    part = fuzz_line(&data, last);

    check(fuzz_check(&field, &cookie) & FUZZ_WRONG);
    fuzz_signed(&cookie, &part);

    fuzz_free();

    return 0;
}
