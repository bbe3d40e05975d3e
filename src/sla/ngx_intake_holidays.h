
/*
 * Copyright (C) nginx-intake contributors
 */


#ifndef _NGX_INTAKE_HOLIDAYS_H_INCLUDED_
#define _NGX_INTAKE_HOLIDAYS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_intake_calendar.h"


/*
 * A reader of holiday files.  A line is "DATE [HH:MM-HH:MM] [NAME]": the whole
 * date, or these times of it, are closed.  Empty lines and those that begin
 * with "#" are passed over.  Pure: no allocation, no state.
 */

typedef struct {
    ngx_str_t               text;       /* what is left */
    ngx_uint_t              line;       /* the number of the line read last */

    ngx_intake_rule_t       rule;
    ngx_str_t               name;       /* points into the text; may be empty */
} ngx_intake_holidays_t;


/*
 * Reads the next line; before the first call text is the content of the file
 * and line is 0.  Returns NGX_OK with rule and name set, NGX_DONE at the end,
 * NGX_ERROR when the line is of another form.
 */
ngx_int_t ngx_intake_holidays_next(ngx_intake_holidays_t *holidays);


#endif /* _NGX_INTAKE_HOLIDAYS_H_INCLUDED_ */
