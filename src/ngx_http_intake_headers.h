
/*
 * Copyright (C) nginx-intake contributors
 */


#ifndef _NGX_HTTP_INTAKE_HEADERS_H_INCLUDED_
#define _NGX_HTTP_INTAKE_HEADERS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>


/* The headers of a request that have one name, in their order. */


typedef struct {
    ngx_list_part_t  *part;
    ngx_uint_t        next;      /* in the part */
    const char       *name;      /* in lower case */
    size_t            len;
} ngx_http_intake_headers_t;


/* the value of the next one; NULL: there is no other */

static ngx_inline ngx_str_t *
ngx_http_intake_next_header(ngx_http_intake_headers_t *headers)
{
    ngx_table_elt_t  *header;

    for ( ;; ) {

        if (headers->next >= headers->part->nelts) {
            if (headers->part->next == NULL) {
                return NULL;
            }

            headers->part = headers->part->next;
            headers->next = 0;
            continue;
        }

        header = headers->part->elts;
        header += headers->next++;

        if (header->key.len == headers->len
            && ngx_memcmp(header->lowcase_key, headers->name, headers->len)
               == 0)
        {
            return &header->value;
        }
    }
}


/* the value of the first one; name must stay; NULL: there is none */

static ngx_inline ngx_str_t *
ngx_http_intake_first_header(ngx_http_intake_headers_t *headers,
    ngx_http_request_t *r, const char *name, size_t len)
{
    headers->part = &r->headers_in.headers.part;
    headers->next = 0;
    headers->name = name;
    headers->len = len;

    return ngx_http_intake_next_header(headers);
}


#endif /* _NGX_HTTP_INTAKE_HEADERS_H_INCLUDED_ */
