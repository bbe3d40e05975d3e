/* sources: src/verify/ngx_http_intake_extract.c */
/* sources: src/verify/ngx_http_intake_content.c */
/* sources: src/verify/ngx_intake_encoding.c src/verify/ngx_intake_xml.c */
/* sources: src/verify/ngx_intake_xml_scan.c src/verify/ngx_intake_xml_text.c */
/* sources: src/json/ngx_intake_json.c src/json/ngx_intake_json_scan.c */
/* sources: src/json/ngx_intake_json_string.c t/fuzz/nginx.c */
/* sources: src/form/ngx_intake_urlencoded.c */

/*
 * Copyright (C) nginx-intake contributors
 */


#include "nginx.h"
#include "ngx_http_intake.h"
#include "ngx_intake_urlencoded.h"


/*
 * The input is lines: the character of split= (a space: none) and the text of
 * prefix=, a header, a path of JSON, a query; the rest is a body.  What each
 * kind of SRC finds is what a plain reading finds: the header and the body's
 * parameters split by hand, parameters by the parser of forms, a document's
 * values by the reader itself.
 */


#define FUZZ_VALUES  4096


typedef struct {
    ngx_http_intake_ctx_t      *ctx;
    ngx_http_intake_src_t       src;
    ngx_uint_t                  n;
    ngx_str_t                   values[FUZZ_VALUES];
} fuzz_t;


static fuzz_t  fuzz;


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


/* what split and prefix make of a text, one character after another */

static void
fuzz_select(ngx_str_t *text)
{
    size_t      i, start, end, len;
    ngx_str_t   value;

    len = fuzz.src.prefix.len;

    for (i = 0, start = 0; i <= text->len; i++) {

        if (i < text->len
            && (fuzz.src.split == 0 || text->data[i] != fuzz.src.split))
        {
            continue;
        }

        end = i;

        while (fuzz.src.split && start < end
               && strchr(" \t", text->data[start]) && text->data[start])
        {
            start++;
        }

        while (fuzz.src.split && start < end
               && strchr(" \t", text->data[end - 1]) && text->data[end - 1])
        {
            end--;
        }

        if (end - start >= len
            && (len == 0
                || memcmp(text->data + start, fuzz.src.prefix.data, len) == 0))
        {
            value.data = text->data + start + len;
            value.len = end - start - len;

            check(fuzz.n < FUZZ_VALUES);
            fuzz.values[fuzz.n++] = fuzz_copy(value.data, value.len);
        }

        start = i + 1;
    }
}


/* fuzz.values are what must be found */

static void
fuzz_compare(ngx_http_intake_src_e kind, const char *name)
{
    ngx_str_t   *values, first;
    ngx_int_t    rc;
    ngx_uint_t   i, n;

    fuzz.src.kind = kind;
    fuzz.src.name.data = (u_char *) name;
    fuzz.src.name.len = strlen(name);

    check(ngx_http_intake_extract(fuzz.ctx, &fuzz.src, &values, &n) == NGX_OK);
    check(n == fuzz.n);

    for (i = 0; i < n; i++) {
        check(values[i].len == fuzz.values[i].len);
        check(values[i].len == 0
              || memcmp(values[i].data, fuzz.values[i].data, values[i].len)
                 == 0);
    }

    rc = ngx_http_intake_extract_first(fuzz.ctx, &fuzz.src, &first);

    check((rc == NGX_OK) == (n && values[0].len));
    check(rc == NGX_OK ? first.data == values[0].data : first.len == 0);

    fuzz.n = 0;
}


static ngx_int_t
fuzz_pair(void *ctx, ngx_str_t *name, ngx_str_t *value)
{
    if (name->len == 1 && name->data[0] == 'a') {
        fuzz_select(value);
    }

    return NGX_OK;
}


static void
fuzz_params(ngx_str_t *text)
{
    ngx_intake_urlencoded_t   u;
    ngx_intake_form_limits_t  limits;

    memset(&limits, 0, sizeof(limits));

    limits.fields = NGX_HTTP_INTAKE_MAX_PARAMS + 1;
    limits.name = text->len;
    limits.value = text->len;

    u.handler = fuzz_pair;
    u.ctx = NULL;
    u.limits = &limits;

    ngx_intake_urlencoded_init(&u,
        fuzz_alloc(ngx_intake_urlencoded_size(&limits, text->len)), text->len);

    if (text->len
        && ngx_intake_urlencoded_feed(&u, text->data, text->len) == NGX_OK)
    {
        (void) ngx_intake_urlencoded_end(&u);
    }
}


/*
 * The values of a path in the order of their indices, none of them twice; a
 * document that is none has no values.
 */

static void
fuzz_document(void)
{
    u_char                        *text;
    ngx_int_t                      rc;
    ngx_uint_t                     i, k, n;
    ngx_array_t                   *found;
    ngx_intake_json_t              json;
    ngx_http_intake_json_value_t  *value;

    check(ngx_http_intake_read_json(fuzz.ctx) == NGX_OK);

    memset(&json, 0, sizeof(json));
    rc = ngx_intake_json_read(&json, fuzz.ctx->body.data, fuzz.ctx->body.len);

    check((rc == NGX_OK) == (fuzz.ctx->json_rc == NGX_OK));

    found = fuzz.ctx->json->elts;
    value = found->elts;
    n = found->nelts;

    check(rc == NGX_OK || n == 0);

    for (i = 0; i < n; i++) {

        if (!value[i].container) {
            text = value[i].value.data;
            (void) fuzz_copy(text, value[i].value.len);
            fuzz_select(&value[i].value);
        }

        if (i == 0) {
            continue;
        }

        check(value[i].nindices == value[0].nindices && value[0].nindices);

        for (k = 0; value[i].indices[k] == value[i - 1].indices[k]; k++) {
            check(k + 1 < value[0].nindices);
        }

        check(value[i].indices[k] > value[i - 1].indices[k]);
    }

    fuzz_compare(NGX_HTTP_INTAKE_SRC_JSON, "");
}


static void
fuzz_xml(void)
{
    u_char                  *text;
    ngx_str_t                path, value;
    ngx_intake_json_path_t  *steps;

    steps = fuzz.ctx->source->paths->elts;
    path = fuzz_copy("a.b", 3);

    check(ngx_intake_json_path_parse(&path, steps, 0) == NGX_OK);

    if (ngx_intake_xml_read(fuzz.ctx->body.data, fuzz.ctx->body.len, &path, 1,
                            &value)
        == NGX_OK
        && value.data)
    {
        text = fuzz_alloc(value.len + 1);
        value.len = ngx_intake_xml_text(text, &value);
        value.data = text;
        fuzz_select(&value);
    }

    fuzz_compare(NGX_HTTP_INTAKE_SRC_XML, "a.b");
}


static ngx_uint_t
fuzz_wildcards(ngx_intake_json_path_t *path)
{
    ngx_uint_t  i, n;

    for (i = 0, n = 0; i < path->nsteps; i++) {
        n += path->steps[i].index == NGX_INTAKE_JSON_ELEMENTS;
    }

    return n;
}


static void
fuzz_extract(ngx_str_t *header, ngx_str_t *path, ngx_str_t *body)
{
    ngx_http_request_t      *r;
    ngx_table_elt_t          type;
    ngx_intake_json_path_t  *steps;

    r = fuzz.ctx->request;
    steps = fuzz.ctx->source->paths->elts;

    fuzz_add_header(r, "x-other", body);
    fuzz_add_header(r, "x-value", header);
    fuzz_add_header(r, "x-value", body);

    fuzz_select(header);
    fuzz_select(body);
    fuzz_compare(NGX_HTTP_INTAKE_SRC_HEADER, "x-value");

    fuzz_params(&r->args);
    fuzz_compare(NGX_HTTP_INTAKE_SRC_QUERY, "a");

    /* a body of another type has no parameters */

    memset(&type, 0, sizeof(type));
    ngx_str_set(&type.value, "application/x-www-form-urlencoded; a=b");

    if (header->len % 2) {
        r->headers_in.content_type = &type;
        fuzz_params(body);
    }

    r->method = NGX_HTTP_POST;
    fuzz_compare(NGX_HTTP_INTAKE_SRC_FORM, "a");

    if (ngx_intake_json_path_parse(path, steps, 0) == NGX_OK
        && fuzz_wildcards(steps) <= NGX_HTTP_INTAKE_MAX_INDICES)
    {
        fuzz_document();
    }

    fuzz_xml();
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ngx_str_t                    line, header, path, body;
    ngx_array_t                  paths;
    const uint8_t               *last;
    ngx_http_intake_ctx_t        ctx;
    ngx_intake_json_path_t       steps;
    ngx_http_intake_source_t     source;
    ngx_http_intake_platform_t   platform;

    if (size > FUZZ_VALUES / 2) {
        return 0;
    }

    memset(&fuzz, 0, offsetof(fuzz_t, values));
    memset(&ctx, 0, sizeof(ctx));
    memset(&steps, 0, sizeof(steps));
    memset(&source, 0, sizeof(source));
    memset(&platform, 0, sizeof(platform));

    last = data + size;

    line = fuzz_line(&data, last);

    if (line.len) {
        fuzz.src.split = (line.data[0] == ' ') ? 0 : line.data[0];
        fuzz.src.prefix.data = line.data + 1;
        fuzz.src.prefix.len = line.len - 1;
    }

    header = fuzz_line(&data, last);
    path = fuzz_line(&data, last);

    ctx.request = fuzz_request();
    ctx.request->args = fuzz_line(&data, last);

    body = fuzz_copy(data, last - data);

    paths.elts = &steps;
    paths.nelts = 1;
    source.paths = &paths;
    source.platform = &platform;
    ctx.source = &source;
    ctx.body = body;

    fuzz.ctx = &ctx;
    fuzz_extract(&header, &path, &body);

    fuzz_free();

    return 0;
}
