
/*
 * Copyright (C) nginx-intake contributors
 */


#ifndef _FORM_PAIRS_H_INCLUDED_
#define _FORM_PAIRS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/* what a parser of forms reports: "name=value;" for each pair */

typedef struct {
    char         text[4096];
    size_t       len;
    ngx_uint_t   calls;
    ngx_uint_t   stop;              /* the call to end at */
} form_pairs_t;


/* returns 1 when the parser is to be ended */

static ngx_inline ngx_uint_t
form_pairs_add(form_pairs_t *pairs, ngx_str_t *name, ngx_str_t *value)
{
    if (pairs->len + name->len + value->len + 2 < sizeof(pairs->text)) {
        ngx_memcpy(pairs->text + pairs->len, name->data, name->len);
        pairs->len += name->len;
        pairs->text[pairs->len++] = '=';
        ngx_memcpy(pairs->text + pairs->len, value->data, value->len);
        pairs->len += value->len;
        pairs->text[pairs->len++] = ';';
    }

    return ++pairs->calls == pairs->stop;
}


#endif /* _FORM_PAIRS_H_INCLUDED_ */
