
/*
 * Copyright (C) nginx-intake contributors
 */


#ifndef _NGX_INTAKE_XML_SCAN_H_INCLUDED_
#define _NGX_INTAKE_XML_SCAN_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_intake_xml.h"


/* What the files behind ngx_intake_xml.h share: one piece of markup. */


typedef enum {
    NGX_INTAKE_XML_IGNORED = 0,           /* comment, instruction, DOCTYPE */
    NGX_INTAKE_XML_CDATA,
    NGX_INTAKE_XML_START,
    NGX_INTAKE_XML_EMPTY,                 /* <name/> */
    NGX_INTAKE_XML_END
} ngx_intake_xml_kind_e;


typedef struct {
    ngx_intake_xml_kind_e     kind;
    ngx_str_t                 text;       /* the name, or that of CDATA */
    unsigned                  doctype:1;
} ngx_intake_xml_markup_t;


#define ngx_intake_xml_is_space(c)                                            \
    ((c) == ' ' || (c) == '\t' || (c) == LF || (c) == CR)


/*
 * Reads the markup that begins with "<" at p.  Returns where it ends, or NULL
 * if it does not end before last or is none.
 */

u_char *ngx_intake_xml_scan(u_char *p, u_char *last,
    ngx_intake_xml_markup_t *markup);

/* the first character from p on that is no white space, or last */

u_char *ngx_intake_xml_space(u_char *p, u_char *last);


#endif /* _NGX_INTAKE_XML_SCAN_H_INCLUDED_ */
