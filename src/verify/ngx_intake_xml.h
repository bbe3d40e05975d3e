
/*
 * Copyright (C) nginx-intake contributors
 */


#ifndef _NGX_INTAKE_XML_H_INCLUDED_
#define _NGX_INTAKE_XML_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/*
 * A reader of single fields of XML (www.w3.org/TR/xml) in UTF-8 or another
 * encoding that has ASCII as its beginning.  It tests in one pass that tags are
 * closed in their order and that there is one root, allocates nothing, does not
 * recurse, and needs less than 6 KB of stack; its time is linear in the length
 * of the document, with the number of paths as a factor for tags.
 *
 * It is no validator: the names and the uniqueness of attributes are not
 * looked at.  A DOCTYPE is skipped: what it declares is not known afterwards,
 * so that no entity is ever expanded and nothing fetched.
 */


#define NGX_INTAKE_XML_MAX_DEPTH   128    /* of nested elements */
#define NGX_INTAKE_XML_MAX_PATHS   64     /* of one reading */


/*
 * A path is the names of elements from the root on, as they are written and
 * joined by dots: "feed.entry.yt:videoId".  values[i] becomes what stands
 * between the tags of the first element at paths[i], still encoded, and points
 * into data; of an element without content it is empty.  data of the others is
 * NULL.
 *
 * Returns NGX_OK if the whole document could be read; NGX_ERROR if it is
 * malformed, NGX_DECLINED if it is too deep or there are too many paths: then
 * values is undefined.
 */

ngx_int_t ngx_intake_xml_read(u_char *data, size_t len, ngx_str_t *paths,
    ngx_uint_t npaths, ngx_str_t *values);


/*
 * The text of an element: character data and CDATA sections of content, which
 * is a value of the above, without what belongs to elements inside of it, and
 * without white space around it.  Of entities the five of XML itself and the
 * numbers of characters are decoded, others are left as they are written.  dst
 * has room for content->len bytes.  Returns the length.
 */

size_t ngx_intake_xml_text(u_char *dst, ngx_str_t *content);


#endif /* _NGX_INTAKE_XML_H_INCLUDED_ */
