/* sources: src/verify/ngx_http_intake_verify.c */
/* sources: src/http/ngx_http_intake_codes.c */
/* sources: src/verify/ngx_http_intake_signature.c */
/* sources: src/verify/ngx_http_intake_template.c */
/* sources: src/verify/ngx_http_intake_sorted_params.c */
/* sources: src/verify/ngx_http_intake_challenge.c */
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
/* libs: -lcrypto */

/*
 * Copyright (C) nginx-intake contributors
 */


#include "nginx.h"
#include "ngx_http_intake.h"


/*
 * The input is lines: four letters that choose the string to be signed, the
 * algorithm, the encoding and the form of the URL; other signatures; the time;
 * a header; the request's line; then the body.  What is signed as the template
 * says is taken, and no more when a character of the signature or a byte of the
 * body that it covers is another one.  Strings that can be made by hand in a
 * few lines are.
 */


#define FUZZ_STRINGS   8
#define FUZZ_BODY      4096
#define FUZZ_TOLERANCE 300


typedef struct {
    ngx_uint_t                  choice[4];
    ngx_str_t                   others;
    ngx_str_t                   time;
    ngx_str_t                   header;
    ngx_str_t                   uri;
    ngx_str_t                   body;

    ngx_array_t                 words;
    ngx_http_intake_src_t       signature;
    ngx_http_intake_src_t       timestamp;
    ngx_http_intake_secret_t    secrets[2];
    ngx_http_intake_source_t    source;
    ngx_http_intake_platform_t  platform;
} fuzz_t;


static fuzz_t  fuzz;

static ngx_intake_algorithm_e  fuzz_algorithms[] = {
    NGX_INTAKE_ALGORITHM_HMAC_SHA256,
    NGX_INTAKE_ALGORITHM_HMAC_SHA1,
    NGX_INTAKE_ALGORITHM_HMAC_SHA512
};

static ngx_intake_encoding_e  fuzz_encodings[] = {
    NGX_INTAKE_ENCODING_HEX,
    NGX_INTAKE_ENCODING_BASE64,
    NGX_INTAKE_ENCODING_BASE64URL
};


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static ngx_http_intake_word_t *
fuzz_word(ngx_array_t *words, ngx_http_intake_word_e type, const char *text)
{
    ngx_http_intake_word_t  *word;

    word = ngx_array_push(words);
    memset(word, 0, sizeof(ngx_http_intake_word_t));

    word->type = type;
    word->text.data = (u_char *) text;
    word->text.len = strlen(text);

    if (type == NGX_HTTP_INTAKE_WORD_SRC) {
        word->src.kind = NGX_HTTP_INTAKE_SRC_HEADER;
        word->src.name = word->text;
    }

    if (type == NGX_HTTP_INTAKE_WORD_SORTED
        || type == NGX_HTTP_INTAKE_WORD_HMAC)
    {
        word->words = ngx_array_create(NULL, 4,
                                       sizeof(ngx_http_intake_word_t));
    }

    return word;
}


#define fuzz_add(name, text)                                                  \
    fuzz_word(words, NGX_HTTP_INTAKE_WORD_##name, text)

static void
fuzz_template(ngx_array_t *words)
{
    ngx_http_intake_word_t  *word;

    switch (fuzz.choice[0] % FUZZ_STRINGS) {

    case 0:
        fuzz_add(LITERAL, "v0:");
        fuzz_add(TIMESTAMP, "");
        fuzz_add(LITERAL, ":");
        fuzz_add(BODY, "");
        break;

    case 1:
        fuzz_add(SRC, "x-id");
        fuzz_add(LITERAL, ".");
        fuzz_add(BODY, "");
        break;

    case 2:
        fuzz_add(URL, "");
        fuzz_add(FORM_SORTED, "");
        break;

    case 3:
        fuzz_add(PARAMS_AMP, "sig");
        fuzz_add(SECRET, "");
        break;

    case 4:
        word = fuzz_add(SORTED, "");
        words = word->words;
        fuzz_add(SECRET, "");
        fuzz_add(TIMESTAMP, "");
        word = fuzz_add(SRC, "nonce");
        word->src.kind = NGX_HTTP_INTAKE_SRC_QUERY;
        break;

    case 5:
        fuzz_add(TIMESTAMP, "");
        fuzz_add(LITERAL, "|");
        fuzz_add(CRC32_BODY, "");
        break;

    case 6:
        fuzz_add(METHOD, "");
        fuzz_add(PATH, "");
        fuzz_add(BODY, "");
        break;

    default:
        fuzz_add(URL, "");
        word = fuzz_add(HMAC, "");
        word->algorithm = NGX_INTAKE_ALGORITHM_HMAC_SHA256;
        word->encoding = NGX_INTAKE_ENCODING_HEX;
        words = word->words;
        fuzz_add(BODY, "");
        break;
    }
}


static void
fuzz_secret(ngx_http_intake_secret_t *secret, const char *text,
    ngx_uint_t algorithm)
{
    const char               *error;
    ngx_intake_key_t        **key;
    static ngx_intake_key_t  *keys[2][3];

    key = &keys[secret - fuzz.secrets][algorithm];

    secret->value.data = (u_char *) text;
    secret->value.len = strlen(text);

    if (*key == NULL) {
        *key = ngx_intake_key_create(fuzz_algorithms[algorithm],
                                     secret->value.data, secret->value.len,
                                     &error);
        check(*key != NULL);
    }

    secret->key = *key;
}


static void
fuzz_conf(void)
{
    ngx_uint_t                   algorithm;
    ngx_http_intake_platform_t  *platform;

    platform = &fuzz.platform;
    algorithm = fuzz.choice[1] % 3;

    check(ngx_array_init(&fuzz.words, NULL, 8,
                         sizeof(ngx_http_intake_word_t))
          == NGX_OK);
    fuzz_template(&fuzz.words);

    fuzz.signature.kind = NGX_HTTP_INTAKE_SRC_HEADER;
    ngx_str_set(&fuzz.signature.name, "x-signature");
    ngx_str_set(&fuzz.signature.prefix, "v1=");
    fuzz.signature.split = ',';

    fuzz.timestamp.kind = NGX_HTTP_INTAKE_SRC_HEADER;
    ngx_str_set(&fuzz.timestamp.name, "x-time");

    platform->algorithm = fuzz_algorithms[algorithm];
    platform->signature = &fuzz.signature;
    platform->signature_encoding = fuzz_encodings[fuzz.choice[2] % 3];
    platform->signed_string = &fuzz.words;
    platform->timestamp = &fuzz.timestamp;
    platform->timestamp_unit = NGX_INTAKE_TIME_S;
    platform->elements = NGX_CONF_UNSET_UINT;
    platform->every = fuzz.choice[3] & 1;
    platform->url_decode = (fuzz.choice[3] >> 1) & 1;
    platform->url_port_variants = (fuzz.choice[3] >> 2) & 1;

    fuzz_secret(&fuzz.secrets[0], "another", algorithm);
    fuzz_secret(&fuzz.secrets[1], "secret", algorithm);

    fuzz.source.platform = platform;
    fuzz.source.secrets = fuzz_alloc(sizeof(ngx_array_t));
    fuzz.source.secrets->elts = fuzz.secrets;
    fuzz.source.secrets->nelts = 2;
    fuzz.source.tolerance = FUZZ_TOLERANCE;

    ngx_str_set(&fuzz.source.url_base, "https://u:p@example.test:8443");
}


/* a request with these signatures */

static void
fuzz_context(ngx_http_intake_ctx_t *ctx, ngx_str_t *signature)
{
    u_char                  *question;
    ngx_table_elt_t         *type;
    ngx_http_request_t      *r;

    memset(ctx, 0, sizeof(ngx_http_intake_ctx_t));

    r = fuzz_request();
    r->method = NGX_HTTP_POST;
    ngx_str_set(&r->method_name, "POST");
    r->unparsed_uri = fuzz.uri;

    question = fuzz.uri.len ? memchr(fuzz.uri.data, '?', fuzz.uri.len) : NULL;

    if (question) {
        r->args.data = question + 1;
        r->args.len = fuzz.uri.data + fuzz.uri.len - r->args.data;
    }

    type = fuzz_alloc(sizeof(ngx_table_elt_t));
    ngx_str_set(&type->value, "application/x-www-form-urlencoded");
    r->headers_in.content_type = type;

    fuzz_add_header(r, "x-id", &fuzz.header);
    fuzz_add_header(r, "x-time", &fuzz.time);
    fuzz_add_header(r, "x-signature", signature);

    ctx->request = r;
    ctx->source = &fuzz.source;
    ctx->body = fuzz.body;
}


/* the string that is to be signed; NGX_DECLINED: a part is missing */

static ngx_int_t
fuzz_string(ngx_str_t *text)
{
    ngx_int_t                  rc;
    ngx_str_t                 *parts, none, urls[NGX_HTTP_INTAKE_MAX_URLS];
    ngx_uint_t                 n;
    ngx_http_intake_ctx_t      ctx;
    ngx_http_intake_values_t   v;

    ngx_str_null(&none);
    fuzz_context(&ctx, &none);

    check(ngx_http_intake_signed_urls(&ctx, urls, &n) == NGX_OK);
    check(n > 0 && n <= NGX_HTTP_INTAKE_MAX_URLS);

    memset(&v, 0, sizeof(v));
    v.secret = &fuzz.secrets[1].value;
    v.url = urls[(fuzz.choice[3] >> 3) % n];

    rc = ngx_http_intake_evaluate(&ctx, &fuzz.words, &v, &parts, &n);

    if (rc == NGX_OK) {
        check(ngx_http_intake_flatten(NULL, parts, n, text) == NGX_OK);
    }

    return rc;
}


/* the strings that are easily made by hand */

static void
fuzz_plain(ngx_str_t *text)
{
    int         n;
    char       *buf;
    uint32_t    crc;
    size_t      i, bit;

    buf = fuzz_alloc(text->len + 1);

    switch (fuzz.choice[0] % FUZZ_STRINGS) {

    case 0:
        n = sprintf(buf, "v0:");
        memcpy(buf + n, fuzz.time.data, fuzz.time.len);
        n += fuzz.time.len;
        buf[n++] = ':';
        memcpy(buf + n, fuzz.body.data, fuzz.body.len);
        n += fuzz.body.len;
        break;

    case 1:
        memcpy(buf, fuzz.header.data, fuzz.header.len);
        n = fuzz.header.len;
        buf[n++] = '.';
        memcpy(buf + n, fuzz.body.data, fuzz.body.len);
        n += fuzz.body.len;
        break;

    case 5:
        memcpy(buf, fuzz.time.data, fuzz.time.len);
        n = fuzz.time.len;

        for (crc = 0xffffffff, i = 0; i < fuzz.body.len; i++) {
            crc ^= fuzz.body.data[i];

            for (bit = 0; bit < 8; bit++) {
                crc = (crc >> 1) ^ ((crc & 1) ? 0xedb88320 : 0);
            }
        }

        n += sprintf(buf + n, "|%u", ~crc);
        break;

    default:
        return;
    }

    check(text->len == (size_t) n && memcmp(text->data, buf, n) == 0);
}


static ngx_str_t
fuzz_sign(ngx_str_t *text)
{
    size_t     len;
    u_char     digest[NGX_INTAKE_DIGEST_MAX];
    ngx_str_t  bytes, value;

    bytes.data = digest;

    check(ngx_intake_key_digest(fuzz.secrets[1].key, text, 1, digest,
                                &bytes.len)
          == NGX_OK);

    len = 3 + 2 * NGX_INTAKE_DIGEST_MAX + 1 + fuzz.others.len;
    value.data = fuzz_alloc(len);
    memcpy(value.data, "v1=", 3);

    check(ngx_intake_encode(fuzz.platform.signature_encoding, &bytes,
                            value.data + 3, len - 3, &value.len)
          == NGX_OK);

    value.len += 3;

    return value;
}


static ngx_int_t
fuzz_verify(ngx_str_t *signature, ngx_uint_t *n)
{
    ngx_int_t               rc;
    ngx_str_t              *values;
    ngx_http_intake_ctx_t   ctx;

    fuzz_context(&ctx, signature);

    rc = ngx_http_intake_verify(&ctx);

    check(rc == NGX_OK ? ctx.secret == &fuzz.secrets[1]
                         && ctx.code == NGX_HTTP_INTAKE_OK
                       : rc == NGX_DECLINED && ctx.secret == NULL
                         && ctx.code != NGX_HTTP_INTAKE_OK);

    check(ngx_http_intake_extract(&ctx, &fuzz.signature, &values, n)
          == NGX_OK);

    return rc;
}


/* another character at a place that the body chooses */

static void
fuzz_other_signature(ngx_str_t *signature)
{
    u_char      ch, *p;
    ngx_str_t   copy;
    ngx_uint_t  n;

    if (fuzz.body.len < 2) {
        return;
    }

    copy = fuzz_copy(signature->data, signature->len);

    p = copy.data + 3 + fuzz.body.data[0] % (copy.len - 3);
    ch = fuzz.body.data[1];

    if (fuzz.platform.signature_encoding == NGX_INTAKE_ENCODING_HEX
        ? ngx_tolower(ch) == ngx_tolower(*p) : ch == *p)
    {
        return;
    }

    *p = ch;
    check(fuzz_verify(&copy, &n) == NGX_DECLINED);
}


static void
fuzz_other_body(ngx_str_t *signature, ngx_str_t *text)
{
    ngx_str_t   other;
    ngx_uint_t  n;

    if (fuzz.body.len == 0) {
        return;
    }

    fuzz.body.data[fuzz.body.len / 2] ^= 1;

    if (fuzz_string(&other) == NGX_OK) {
        check(fuzz_verify(signature, &n)
              == (other.len == text->len
                  && memcmp(other.data, text->data, other.len) == 0
                  ? NGX_OK : NGX_DECLINED));
    }
}


static ngx_uint_t
fuzz_in_time(void)
{
    int64_t  time;

    if (fuzz.time.len == 0
        || ngx_intake_time_parse(NGX_INTAKE_TIME_S, &fuzz.time, &time)
           != NGX_OK)
    {
        return 0;
    }

    return llabs(time - FUZZ_NOW * 1000000LL) <= FUZZ_TOLERANCE * 1000000LL;
}


static void
fuzz_signatures(void)
{
    u_char      *p;
    ngx_str_t    text, signature, list;
    ngx_uint_t   n;

    if (fuzz_string(&text) != NGX_OK) {
        check(fuzz_verify(&fuzz.others, &n) == NGX_DECLINED);
        return;
    }

    fuzz_plain(&text);
    signature = fuzz_sign(&text);

    if (!fuzz_in_time()) {
        check(fuzz_verify(&signature, &n) == NGX_DECLINED);
        return;
    }

    check(fuzz_verify(&signature, &n) == NGX_OK && n == 1);

    list = signature;
    p = list.data + list.len;
    *p++ = ',';
    memcpy(p, fuzz.others.data, fuzz.others.len);
    list.len += 1 + fuzz.others.len;

    if (fuzz_verify(&list, &n) == NGX_OK) {
        check(!fuzz.platform.every || n == 1);

    } else {
        check(fuzz.platform.every && n > 1);
    }

    fuzz_other_signature(&signature);
    fuzz_other_body(&signature, &text);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t          i;
    ngx_str_t       line;
    const uint8_t  *last;

    if (size > FUZZ_BODY) {
        return 0;
    }

    memset(&fuzz, 0, sizeof(fuzz));

    last = data + size;
    line = fuzz_line(&data, last);

    for (i = 0; i < 4 && i < line.len; i++) {
        fuzz.choice[i] = (u_char) (line.data[i] - 'a');
    }

    fuzz.others = fuzz_line(&data, last);
    fuzz.time = fuzz_line(&data, last);
    fuzz.header = fuzz_line(&data, last);
    fuzz.uri = fuzz_line(&data, last);
    fuzz.body = fuzz_copy(data, last - data);

    fuzz_conf();
    fuzz_signatures();

    fuzz_free();

    return 0;
}
