
/*
 * Copyright (C) nginx-intake contributors
 */


#include "nginx.h"


#define FUZZ_BLOCKS  65536


static void         *fuzz_blocks[FUZZ_BLOCKS];
static ngx_uint_t    fuzz_nblocks;

static ngx_time_t    fuzz_time = { FUZZ_NOW, 0, 0 };
volatile ngx_time_t *ngx_cached_time = &fuzz_time;

/* filled when the first request is made */
static uint32_t      fuzz_crc32_table[256];
uint32_t            *ngx_crc32_table_short = fuzz_crc32_table;
uint32_t             ngx_crc32_table256[256];


ngx_http_request_t *
fuzz_request(void)
{
    uint32_t                   i, bit, crc;
    static ngx_log_t           log;
    static ngx_pool_t          pool;
    static ngx_connection_t    connection;
    static ngx_http_request_t  r;

    for (i = 0; i < 256; i++) {
        crc = i;

        for (bit = 0; bit < 8; bit++) {
            crc = (crc >> 1) ^ ((crc & 1) ? 0xedb88320 : 0);
        }

        ngx_crc32_table256[i] = crc;
    }

    memset(&r, 0, sizeof(r));

    connection.log = &log;
    r.connection = &connection;
    r.pool = &pool;
    r.headers_in.headers.part.elts = fuzz_alloc(sizeof(ngx_table_elt_t));
    r.headers_in.headers.last = &r.headers_in.headers.part;

    return &r;
}


/* each in a part of the list of its own */

void
fuzz_add_header(ngx_http_request_t *r, const char *name, ngx_str_t *value)
{
    ngx_list_part_t  *part;
    ngx_table_elt_t  *header;

    header = fuzz_alloc(sizeof(ngx_table_elt_t));
    memset(header, 0, sizeof(ngx_table_elt_t));

    header->key = fuzz_copy(name, strlen(name));
    header->lowcase_key = header->key.data;
    header->value = *value;

    part = fuzz_alloc(sizeof(ngx_list_part_t));
    part->elts = header;
    part->nelts = 1;
    part->next = NULL;

    r->headers_in.headers.last->next = part;
    r->headers_in.headers.last = part;
}


ngx_str_t
fuzz_line(const uint8_t **data, const uint8_t *last)
{
    ngx_str_t       line;
    const uint8_t  *p, *end;

    p = *data;
    end = (p < last) ? memchr(p, '\n', last - p) : NULL;

    *data = end ? end + 1 : last;

    line = fuzz_copy(p, (end ? end : last) - p);

    return line;
}


void *
fuzz_alloc(size_t size)
{
    void  *p;

    check(fuzz_nblocks < FUZZ_BLOCKS);

    p = malloc(size);
    check(p != NULL);

    fuzz_blocks[fuzz_nblocks++] = p;

    return p;
}


ngx_str_t
fuzz_copy(const void *data, size_t len)
{
    ngx_str_t  copy;

    copy.len = len;
    copy.data = fuzz_alloc(len);

    if (len) {
        memcpy(copy.data, data, len);
    }

    return copy;
}


ngx_array_t *
fuzz_array(void *elts, ngx_uint_t n)
{
    ngx_array_t  *array;

    array = fuzz_alloc(sizeof(ngx_array_t));
    memset(array, 0, sizeof(ngx_array_t));

    array->elts = elts;
    array->nelts = n;

    return array;
}


void
fuzz_free(void)
{
    while (fuzz_nblocks) {
        free(fuzz_blocks[--fuzz_nblocks]);
    }
}


void *
ngx_palloc(ngx_pool_t *pool, size_t size)
{
    return fuzz_alloc(size);
}


void *
ngx_pnalloc(ngx_pool_t *pool, size_t size)
{
    return fuzz_alloc(size);
}


void *
ngx_pcalloc(ngx_pool_t *pool, size_t size)
{
    return memset(fuzz_alloc(size), 0, size);
}


ngx_array_t *
ngx_array_create(ngx_pool_t *pool, ngx_uint_t n, size_t size)
{
    ngx_array_t  *a;

    a = fuzz_alloc(sizeof(ngx_array_t));
    check(ngx_array_init(a, pool, n, size) == NGX_OK);

    return a;
}


void *
ngx_array_push(ngx_array_t *a)
{
    void  *elts;

    if (a->nelts == a->nalloc) {
        elts = fuzz_alloc(2 * a->nalloc * a->size);
        memcpy(elts, a->elts, a->nelts * a->size);

        a->elts = elts;
        a->nalloc *= 2;
    }

    return (u_char *) a->elts + a->size * a->nelts++;
}


ngx_int_t
ngx_strncasecmp(u_char *s1, u_char *s2, size_t n)
{
    return strncasecmp((char *) s1, (char *) s2, n);
}


ngx_int_t
ngx_atoi(u_char *line, size_t n)
{
    ngx_int_t  value;

    if (n == 0 || n > 18) {
        return NGX_ERROR;
    }

    for (value = 0; n--; line++) {
        if (*line < '0' || *line > '9') {
            return NGX_ERROR;
        }

        value = value * 10 + (*line - '0');
    }

    return value;
}


ngx_int_t
ngx_hextoi(u_char *line, size_t n)
{
    char  text[4];

    check(n == 2);

    memcpy(text, line, n);
    text[n] = '\0';

    return (isxdigit(line[0]) && isxdigit(line[1])) ? strtol(text, NULL, 16)
                                                    : NGX_ERROR;
}


/* the conversions that are used, and no others */

u_char *
ngx_sprintf(u_char *buf, const char *fmt, ...)
{
    va_list     args;
    ngx_str_t  *text;

    va_start(args, fmt);

    while (*fmt) {

        if (*fmt != '%') {
            *buf++ = *fmt++;

        } else if (strncmp(fmt, "%V", 2) == 0) {
            text = va_arg(args, ngx_str_t *);
            buf = ngx_cpymem(buf, text->data, text->len);
            fmt += 2;

        } else if (strncmp(fmt, "%s", 2) == 0) {
            buf += sprintf((char *) buf, "%s", va_arg(args, char *));
            fmt += 2;

        } else if (strncmp(fmt, "%uD", 3) == 0) {
            buf += sprintf((char *) buf, "%u", va_arg(args, uint32_t));
            fmt += 3;

        } else {
            check(strncmp(fmt, "%ui", 3) == 0 || strncmp(fmt, "%uz", 3) == 0);
            buf += sprintf((char *) buf, "%lu", va_arg(args, unsigned long));
            fmt += 3;
        }
    }

    va_end(args);

    return buf;
}


void
ngx_log_error_core(ngx_uint_t level, ngx_log_t *log, ngx_err_t err,
    const char *fmt, ...)
{
    /* void */
}
