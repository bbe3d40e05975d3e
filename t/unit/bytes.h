
/*
 * Copyright (C) nginx-intake contributors
 */


#ifndef _BYTES_H_INCLUDED_
#define _BYTES_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/* the bytes that tests give to a parser */


/* the text itself */

static ngx_inline ngx_str_t
string(const char *text)
{
    ngx_str_t  s;

    s.data = (u_char *) text;
    s.len = strlen(text);

    return s;
}


/*
 * In memory of just its size, so that a sanitizer sees who reads behind it;
 * the caller frees it.
 */

static ngx_inline u_char *
copy_bytes(const void *bytes, size_t len)
{
    u_char  *p;

    p = malloc(len);

    if (p == NULL && len) {
        abort();
    }

    if (len) {
        ngx_memcpy(p, bytes, len);
    }

    return p;
}


static ngx_inline ngx_str_t
copy_string(const char *text, size_t len)
{
    ngx_str_t  s;

    s.data = copy_bytes(text, len);
    s.len = len;

    return s;
}


#endif /* _BYTES_H_INCLUDED_ */
