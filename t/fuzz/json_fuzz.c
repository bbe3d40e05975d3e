/* sources: src/json/ngx_intake_json.c src/json/ngx_intake_json_scan.c */
/* sources: src/json/ngx_intake_json_string.c */
/* libs: -ljansson */

/*
 * Copyright (C) nginx-intake contributors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <jansson.h>
#include "ngx_intake_json.h"


/*
 * The input is a line of paths, separated by spaces, and a document; with a
 * "+" in front, "*" in the paths means members as well.  The reader and jansson
 * must find the same values, and must agree about what is a document, but for
 * what the reader tolerates.
 */


#define FUZZ_PATHS   8
#define FUZZ_VALUES  256

#define fuzz_check(condition)                                                 \
    do {                                                                      \
        if (!(condition)) {                                                   \
            fprintf(stderr, "line %d: %s\n", __LINE__, #condition);           \
            abort();                                                          \
        }                                                                     \
    } while (0)


typedef struct {
    ngx_uint_t                n;
    ngx_uint_t                nindices;
    uint32_t                  indices[NGX_INTAKE_JSON_MAX_STEPS];
    ngx_intake_json_value_t   value;
} fuzz_value_t;


typedef struct {
    ngx_uint_t                nvalues;
    ngx_uint_t                overflow;
    fuzz_value_t              values[FUZZ_VALUES];

    ngx_uint_t                found;          /* by jansson */
    uint32_t                  indices[NGX_INTAKE_JSON_MAX_STEPS];

    u_char                   *data;
    u_char                   *end;

    ngx_uint_t                npaths;
    ngx_intake_json_path_t   *paths[FUZZ_PATHS];
    ngx_intake_json_path_t    parsed[FUZZ_PATHS];
} fuzz_t;


static fuzz_t  fuzz;


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static ngx_int_t
fuzz_handler(void *ctx, ngx_uint_t n, ngx_intake_json_value_t *value)
{
    ngx_uint_t     i, k, len, stars;
    fuzz_value_t  *v;

    fuzz_check(n < fuzz.npaths);

    for (i = 0, stars = 0; i < fuzz.paths[n]->nsteps; i++) {
        stars += fuzz.paths[n]->steps[i].index == NGX_INTAKE_JSON_ELEMENTS
                 || fuzz.paths[n]->steps[i].index == NGX_INTAKE_JSON_CHILDREN;
    }

    len = value->nindices;

    fuzz_check(len == stars
               || (value->kind == NGX_INTAKE_JSON_VOID && len < stars));

    if (value->kind != NGX_INTAKE_JSON_VOID) {
        fuzz_check(value->raw.data >= fuzz.data
                   && value->raw.data + value->raw.len <= fuzz.end);
    }

    /* what was found before at the same place goes */

    for (i = 0, k = 0; i < fuzz.nvalues; i++) {
        v = &fuzz.values[i];

        if (v->n == n
            && ngx_memcmp(v->indices, value->indices, len * sizeof(uint32_t))
               == 0)
        {
            continue;
        }

        fuzz.values[k++] = *v;
    }

    fuzz.nvalues = k;

    if (value->kind == NGX_INTAKE_JSON_VOID) {
        return NGX_OK;
    }

    if (k == FUZZ_VALUES) {
        fuzz.overflow = 1;
        return NGX_OK;
    }

    v = &fuzz.values[fuzz.nvalues++];

    v->n = n;
    v->nindices = len;
    v->value = *value;
    ngx_memcpy(v->indices, value->indices, len * sizeof(uint32_t));

    return NGX_OK;
}


static ngx_int_t
fuzz_read(u_char *data, size_t len, ngx_uint_t npaths, size_t *offset)
{
    ngx_int_t          rc;
    ngx_intake_json_t  json;

    fuzz.nvalues = 0;
    fuzz.overflow = 0;
    fuzz.data = data;
    fuzz.end = data + len;

    json.paths = fuzz.paths;
    json.npaths = npaths;
    json.handler = fuzz_handler;
    json.ctx = NULL;

    rc = ngx_intake_json_read(&json, data, len);

    fuzz_check(json.offset <= len);
    fuzz_check(rc != NGX_OK || json.offset == len);

    *offset = json.offset;

    return rc;
}


static void
fuzz_same(ngx_intake_json_value_t *value, json_t *node)
{
    char    text[512];
    u_char  *decoded;
    size_t   len;

    switch (json_typeof(node)) {

    case JSON_OBJECT:
        fuzz_check(value->kind == NGX_INTAKE_JSON_OBJECT);
        return;

    case JSON_ARRAY:
        fuzz_check(value->kind == NGX_INTAKE_JSON_ARRAY);
        return;

    case JSON_TRUE:
        fuzz_check(value->kind == NGX_INTAKE_JSON_TRUE);
        return;

    case JSON_FALSE:
        fuzz_check(value->kind == NGX_INTAKE_JSON_FALSE);
        return;

    case JSON_NULL:
        fuzz_check(value->kind == NGX_INTAKE_JSON_NULL);
        return;

    case JSON_STRING:
        fuzz_check(value->kind == NGX_INTAKE_JSON_STRING);

        decoded = malloc(value->raw.len + 1);
        fuzz_check(decoded);

        len = ngx_intake_json_unescape(decoded, &value->raw);

        fuzz_check(len == json_string_length(node));
        fuzz_check(ngx_memcmp(decoded, json_string_value(node), len) == 0);
        fuzz_check(value->escaped || len == value->raw.len);

        free(decoded);
        return;

    default:
        fuzz_check(value->kind == NGX_INTAKE_JSON_NUMBER);

        if (value->raw.len >= sizeof(text)) {
            return;
        }

        ngx_memcpy(text, value->raw.data, value->raw.len);
        text[value->raw.len] = '\0';

        if (json_is_integer(node)) {
            fuzz_check(strtoll(text, NULL, 10) == json_integer_value(node));

        } else {
            fuzz_check(strtod(text, NULL) == json_real_value(node));
        }
    }
}


static void
fuzz_find(json_t *node, ngx_uint_t n, ngx_uint_t step, ngx_uint_t nindices)
{
    void                    *iter;
    uint32_t                 index;
    ngx_uint_t               i, all;
    fuzz_value_t            *v;
    ngx_intake_json_step_t  *s;

    if (step == fuzz.paths[n]->nsteps) {

        for (i = 0; i < fuzz.nvalues; i++) {
            v = &fuzz.values[i];

            if (v->n == n && v->nindices == nindices
                && ngx_memcmp(v->indices, fuzz.indices,
                              nindices * sizeof(uint32_t))
                   == 0)
            {
                fuzz.found++;
                fuzz_same(&v->value, node);
                return;
            }
        }

        fuzz_check(0 && "a value that the reader has not found");
    }

    s = &fuzz.paths[n]->steps[step++];

    all = s->index == NGX_INTAKE_JSON_CHILDREN;

    if (json_is_object(node) && !all && s->index != NGX_INTAKE_JSON_ELEMENTS) {

        node = json_object_getn(node, (char *) s->data, s->len);

        if (node) {
            fuzz_find(node, n, step, nindices);
        }

    } else if (json_is_object(node) && all) {

        iter = json_object_iter(node);

        for (index = 0; iter; index++) {
            fuzz.indices[nindices] = index;
            fuzz_find(json_object_iter_value(iter), n, step, nindices + 1);
            iter = json_object_iter_next(node, iter);
        }

    } else if (json_is_array(node)) {

        all |= s->index == NGX_INTAKE_JSON_ELEMENTS;

        for (index = 0; index < json_array_size(node); index++) {

            if (all) {
                fuzz.indices[nindices] = index;
            }

            if (all || index == s->index) {
                fuzz_find(json_array_get(node, index), n, step,
                          nindices + all);
            }
        }
    }
}


static ngx_uint_t
fuzz_depth(json_t *node)
{
    size_t       i;
    json_t      *child;
    ngx_uint_t   depth, max;
    const char  *key;

    max = 0;

    json_array_foreach(node, i, child) {
        depth = fuzz_depth(child);
        max = ngx_max(max, depth);
    }

    json_object_foreach(node, key, child) {
        depth = fuzz_depth(child);
        max = ngx_max(max, depth);
    }

    return max + (json_is_array(node) || json_is_object(node));
}


/* what jansson refuses and the reader takes: see the head of its header */

static ngx_uint_t
fuzz_tolerated(u_char *data, size_t len, json_error_t *error)
{
    switch (json_error_code(error)) {

    case json_error_invalid_utf8:
    case json_error_numeric_overflow:
    case json_error_null_byte_in_key:
    case json_error_stack_overflow:
    case json_error_duplicate_key:
        return 1;

    default:

        /* jansson takes no surrogate alone and no byte order mark */

        return memmem(data, len, "\\u", 2) != NULL
               || (len >= 3 && ngx_memcmp(data, "\xef\xbb\xbf", 3) == 0);
    }
}


static void
fuzz_document(u_char *data, size_t len, ngx_uint_t members)
{
    size_t         offset, other;
    json_t        *root;
    ngx_int_t      rc;
    ngx_uint_t     n;
    json_error_t   error;

    rc = fuzz_read(data, len, 0, &other);

    fuzz_check(fuzz_read(data, len, fuzz.npaths, &offset) == rc);
    fuzz_check(offset == other);

    root = json_loadb((char *) data, len, JSON_DECODE_ANY|JSON_ALLOW_NUL
                      |(members ? JSON_REJECT_DUPLICATES : 0), &error);

    if (root == NULL) {
        fuzz_check(rc != NGX_OK || fuzz_tolerated(data, len, &error));
        return;
    }

    if (fuzz_depth(root) > NGX_INTAKE_JSON_MAX_DEPTH) {
        fuzz_check(rc == NGX_DECLINED);

    } else if (rc == NGX_ERROR && memchr(data, '\0', len)) {

        /* jansson passes over a zero byte behind a number or a word */

    } else {
        fuzz_check(rc == NGX_OK);

        for (n = 0, fuzz.found = 0; n < fuzz.npaths && !fuzz.overflow; n++) {
            fuzz_find(root, n, 0, 0);
        }

        fuzz_check(fuzz.overflow || fuzz.found == fuzz.nvalues);
    }

    json_decref(root);
}


/* any bytes, escaped, are the content of a string that both read alike */

static void
fuzz_string(u_char *data, size_t len)
{
    u_char        *buf, *again, *last;
    size_t         size, n, offset;
    json_t        *root;
    ngx_str_t      raw;
    json_error_t   error;

    size = ngx_intake_json_escape_length(data, len);

    buf = malloc(size + 2);
    again = malloc(ngx_max(size, len) + 1);
    fuzz_check(buf && again);

    buf[0] = '"';
    last = ngx_intake_json_escape(buf + 1, data, len);

    fuzz_check((size_t) (last - buf) == size + 1);
    fuzz_check(memchr(buf, '<', size + 1) == NULL);

    *last = '"';

    fuzz_check(fuzz_read(buf, size + 2, 0, &offset) == NGX_OK);

    root = json_loadb((char *) buf, size + 2, JSON_DECODE_ANY|JSON_ALLOW_NUL,
                      &error);
    fuzz_check(root);

    raw.data = buf + 1;
    raw.len = size;
    n = ngx_intake_json_unescape(again, &raw);

    fuzz_check(n == json_string_length(root)
               && ngx_memcmp(again, json_string_value(root), n) == 0);
    fuzz_check(ngx_intake_json_equal(&raw, again, n));

    json_decref(root);

    /* valid UTF-8 comes back as it was */

    root = json_stringn((char *) data, len);

    if (root) {
        fuzz_check(n == len && ngx_memcmp(again, data, n) == 0);
        json_decref(root);
    }

    /* and bytes that were never checked are unescaped without harm */

    raw.data = data;
    raw.len = len;
    n = ngx_intake_json_unescape(again, &raw);

    fuzz_check(n <= len);
    fuzz_check(ngx_intake_json_equal(&raw, again, n));

    free(again);
    free(buf);
}


/* an empty path is the document */

static void
fuzz_paths(u_char *p, u_char *last, ngx_uint_t flags)
{
    ngx_str_t                text;
    ngx_intake_json_path_t  *path;

    fuzz.npaths = 0;

    while (p < last && fuzz.npaths < FUZZ_PATHS) {

        text.data = p;

        while (p < last && *p != ' ') {
            p++;
        }

        text.len = p++ - text.data;

        path = &fuzz.parsed[fuzz.npaths];
        path->nsteps = 0;

        if (text.len
            && ngx_intake_json_path_parse(&text, path, flags) != NGX_OK)
        {
            continue;
        }

        fuzz.paths[fuzz.npaths++] = path;
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    u_char      *copy, *document, *line;
    size_t       len;
    ngx_uint_t   members;

    copy = malloc(size + 1);
    fuzz_check(copy);

    ngx_memcpy(copy, data, size);

    line = memchr(copy, '\n', size);

    if (line == NULL) {
        free(copy);
        return 0;
    }

    members = (*copy == '+');

    fuzz_paths(copy + members, line, members ? NGX_INTAKE_JSON_MEMBERS : 0);

    /* of its own size, so that every byte read behind it is seen */

    line++;
    len = copy + size - line;

    document = malloc(len ? len : 1);
    fuzz_check(document);

    ngx_memcpy(document, line, len);

    fuzz_document(document, len, members);
    fuzz_string(document, len);

    free(document);
    free(copy);

    return 0;
}
