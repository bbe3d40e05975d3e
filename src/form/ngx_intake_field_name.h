
/*
 * Copyright (C) nginx-intake contributors
 */


#ifndef _NGX_INTAKE_FIELD_NAME_H_INCLUDED_
#define _NGX_INTAKE_FIELD_NAME_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/*
 * What a field asks for, as far as its name tells.  Case does not matter, nor
 * what stands between letters and digits; of "contact[name]" and "contact.name"
 * the last part is the name.  Pure: no allocation, no state.
 */


/* returns 1 if a field of this name asks for the name of a person */

ngx_uint_t ngx_intake_field_name_person(ngx_str_t *name);

/*
 * Returns 1 if the value of a field of this name is what a header of a mail is
 * made of: the name of a person, an address, a subject; with or without "your"
 * or the like before it.
 */

ngx_uint_t ngx_intake_field_name_header(ngx_str_t *name);


#endif /* _NGX_INTAKE_FIELD_NAME_H_INCLUDED_ */
