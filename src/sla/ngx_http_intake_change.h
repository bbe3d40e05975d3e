
/*
 * Copyright (C) nginx-intake contributors
 */


#ifndef _NGX_HTTP_INTAKE_CHANGE_H_INCLUDED_
#define _NGX_HTTP_INTAKE_CHANGE_H_INCLUDED_


#include "ngx_http_intake_clocks.h"


/*
 * The changes of a delivery as the spool keeps them (docs/spool-format.md):
 * what happened, and nothing that is computed with a calendar, which may be
 * another one by the time they are replayed.
 */


/* bytes that n changes take */
size_t ngx_http_intake_changes_size(ngx_http_intake_change_t *change,
    ngx_uint_t n, ngx_http_intake_sla_t *sla);
void ngx_http_intake_changes_write(u_char *p,
    ngx_http_intake_change_t *change, ngx_uint_t n,
    ngx_http_intake_sla_t *sla);

/*
 * Their number.  NGX_ERROR: text is no changes.
 */
ngx_int_t ngx_http_intake_changes_count(ngx_str_t *text);

/*
 * Reads and completes the changes of text, of which the number is known, with
 * the tiers and calendars of sla; their strings are views.  received is our
 * own time then, in ms.  NGX_ERROR: no memory.
 */
ngx_int_t ngx_http_intake_changes_read(ngx_str_t *text,
    ngx_http_intake_sla_t *sla, int64_t received,
    ngx_http_intake_change_t *change);


#endif /* _NGX_HTTP_INTAKE_CHANGE_H_INCLUDED_ */
