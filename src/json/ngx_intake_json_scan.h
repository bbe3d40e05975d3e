
/*
 * Copyright (C) nginx-intake contributors
 */


#ifndef _NGX_INTAKE_JSON_SCAN_H_INCLUDED_
#define _NGX_INTAKE_JSON_SCAN_H_INCLUDED_


#include "ngx_intake_json.h"


/*
 * The grammar of JSON, for the reader of paths alone.  A function takes the
 * place p to read at and returns the place behind what it has read; or NULL, if
 * the text is malformed, with the place of the error in s->pos.
 */


typedef struct {
    u_char                        *pos;
    u_char                        *end;
} ngx_intake_json_scan_t;


#define ngx_intake_json_bit(n)  ((uint64_t) 1 << (n))


static ngx_inline u_char *
ngx_intake_json_space(ngx_intake_json_scan_t *s, u_char *p)
{
    while (p < s->end
           && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t'))
    {
        p++;
    }

    return p;
}


/* a string, a number, true, false or null */

u_char *ngx_intake_json_scalar(ngx_intake_json_scan_t *s, u_char *p,
    ngx_intake_json_value_t *value);


/* the name of a member and the colon, with the space before each of them */

u_char *ngx_intake_json_name(ngx_intake_json_scan_t *s, u_char *p,
    ngx_str_t *name, ngx_uint_t *escaped);


/*
 * Checks and passes any value at s->pos.  Returns NGX_OK with s->pos behind it,
 * NGX_ERROR, or NGX_DECLINED if arrays and objects are nested deeper than
 * depth, which is at most NGX_INTAKE_JSON_MAX_DEPTH.
 */

ngx_int_t ngx_intake_json_skip(ngx_intake_json_scan_t *s, ngx_uint_t depth);


#endif /* _NGX_INTAKE_JSON_SCAN_H_INCLUDED_ */
