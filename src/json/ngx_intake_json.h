
/*
 * Copyright (C) nginx-intake contributors
 */


#ifndef _NGX_INTAKE_JSON_H_INCLUDED_
#define _NGX_INTAKE_JSON_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/*
 * A reader of JSON (RFC 8259) that checks a whole document in one pass and
 * reports the values which stand at given paths.  It builds no tree, allocates
 * nothing, does not recurse and needs less than 4 KB of stack; its time is
 * linear in the length of the document, with the number of paths as a factor
 * only where their beginnings match.
 *
 * Tolerated, because signed bodies contain it: a byte order mark in front,
 * escapes of lone surrogates, \u0000, numbers of any size (they are kept as
 * text), bytes inside strings that are not UTF-8, duplicate names.
 */


#define NGX_INTAKE_JSON_MAX_DEPTH   512    /* of nested arrays and objects */
#define NGX_INTAKE_JSON_MAX_STEPS   32     /* of a path */
#define NGX_INTAKE_JSON_MAX_PATHS   64     /* of one reading */


/* flags of ngx_intake_json_path_parse() */

#define NGX_INTAKE_JSON_MEMBERS     0x01   /* "*" means members as well */


/* ngx_intake_json_step_t.index, when it is not the index of an element */

#define NGX_INTAKE_JSON_NAME        0xffffffff    /* a member's name */
#define NGX_INTAKE_JSON_ELEMENTS    0xfffffffe    /* "*": elements */
#define NGX_INTAKE_JSON_CHILDREN    0xfffffffd    /* "*": members, elements */


typedef enum {
    NGX_INTAKE_JSON_VOID = 0,
    NGX_INTAKE_JSON_NULL,
    NGX_INTAKE_JSON_FALSE,
    NGX_INTAKE_JSON_TRUE,
    NGX_INTAKE_JSON_NUMBER,
    NGX_INTAKE_JSON_STRING,
    NGX_INTAKE_JSON_ARRAY,
    NGX_INTAKE_JSON_OBJECT
} ngx_intake_json_kind_e;


typedef struct {
    u_char                        *data;
    uint32_t                       len;
    uint32_t                       index;
} ngx_intake_json_step_t;


/* a path without steps is the document itself */

typedef struct {
    ngx_uint_t                     nsteps;
    ngx_intake_json_step_t         steps[NGX_INTAKE_JSON_MAX_STEPS];
} ngx_intake_json_path_t;


/*
 * One value at one path.  raw points into the document: for a string to what
 * stands between its quotes, still escaped; for a number, true, false and null
 * to their source text.  Arrays and objects are reported where they begin,
 * before anything inside them; raw.data is then their first byte, raw.len 0.
 *
 * indices[] has one number for each "*" of the path, from left to right: the
 * index of the element, or with NGX_INTAKE_JSON_MEMBERS the position of the
 * member in its object, from 0.  They live as long as the call.
 *
 * name is the name, still escaped, of the innermost member that a "*" stands
 * for; name.data is NULL when there is none.
 *
 * Of members with the same name the last one counts.  A value that comes again
 * with the same path and indices replaces the earlier one, whatever the kinds.
 * If the repeated member is a step on the way, the kind NGX_INTAKE_JSON_VOID
 * comes first: all values reported so far for this path whose indices begin
 * with these (nindices may be less than the path has "*", or 0) are no more.
 * Members found by "*" are told apart by position, not by name: to find
 * duplicates among them is left to the handler.
 */

typedef struct {
    ngx_intake_json_kind_e         kind;

    ngx_str_t                      raw;
    ngx_str_t                      name;

    uint32_t                      *indices;
    ngx_uint_t                     nindices;

    unsigned                       escaped:1;         /* raw has escapes */
    unsigned                       name_escaped:1;
} ngx_intake_json_value_t;


/*
 * Is called for each value, in the order of the document, and for one value in
 * the order of the paths; n is the number of the path.  Reading goes on after
 * NGX_OK and ends with any other code.
 */

typedef ngx_int_t (*ngx_intake_json_handler_pt)(void *ctx, ngx_uint_t n,
    ngx_intake_json_value_t *value);


typedef struct {
    ngx_intake_json_path_t       **paths;
    ngx_uint_t                     npaths;

    ngx_intake_json_handler_pt     handler;           /* may be NULL: check */
    void                          *ctx;

    size_t                         offset;
} ngx_intake_json_t;


/*
 * Parses names and indices joined by dots, such as "entry.*.messaging.0.id".
 * A step of digits is the name of a member as well as the index of an element;
 * "*" is every element of an array and, with NGX_INTAKE_JSON_MEMBERS, every
 * member of an object.  The steps point into text.  Returns NGX_OK, NGX_ERROR
 * if a step or the text is empty, NGX_DECLINED if there are more steps than
 * NGX_INTAKE_JSON_MAX_STEPS.
 */

ngx_int_t ngx_intake_json_path_parse(ngx_str_t *text,
    ngx_intake_json_path_t *path, ngx_uint_t flags);


/*
 * Reads one document.  Returns NGX_OK if all of it is valid; NGX_ERROR if it is
 * malformed; NGX_DECLINED if it is too deep, 4 GB or longer, or there are too
 * many paths; else what the handler returned, which should not be one of these.
 * Values may have been reported before an error is found.  json->offset is set
 * to the place in bytes where reading ended; nothing else is written.
 */

ngx_int_t ngx_intake_json_read(ngx_intake_json_t *json, u_char *data,
    size_t len);


/*
 * Decodes the content of a string, as reported by the reader, to dst, which has
 * room for raw->len bytes and may be raw->data itself.  Returns the length.
 * Surrogate pairs become one character, a lone surrogate U+FFFD, \u0000 a zero
 * byte.  Other bytes are copied as they are, valid UTF-8 or not.
 */

size_t ngx_intake_json_unescape(u_char *dst, ngx_str_t *raw);


/* returns 1 if raw, decoded as above, is the text of the given length */

ngx_uint_t ngx_intake_json_equal(ngx_str_t *raw, u_char *text, size_t len);


/*
 * Writes any bytes as the content of a JSON string, without the quotes: quote,
 * backslash and control characters are escaped, bytes that are not UTF-8 become
 * U+FFFD as in the Encoding Standard (one for each maximal subpart), and "<"
 * is escaped too, so that the result may stand in a script element of a page.
 * dst has room for ngx_intake_json_escape_length() bytes; the end is returned.
 */

size_t ngx_intake_json_escape_length(u_char *src, size_t len);
u_char *ngx_intake_json_escape(u_char *dst, u_char *src, size_t len);


#endif /* _NGX_INTAKE_JSON_H_INCLUDED_ */
