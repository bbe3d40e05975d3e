
/*
 * Copyright (C) nginx-intake contributors
 */


#ifndef _NGX_INTAKE_FIELD_H_INCLUDED_
#define _NGX_INTAKE_FIELD_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/*
 * The rules that a field of a form is held to.  All values are UTF-8, as the
 * parsers of forms report them.  Pure: no allocation, no state; linear.
 */


#define NGX_INTAKE_FIELD_EMAIL_MAX    254      /* bytes, RFC 5321 */
#define NGX_INTAKE_FIELD_EMAIL_LOCAL  64       /* of these before the "@" */
#define NGX_INTAKE_FIELD_NO_LIMIT     NGX_MAX_SIZE_T_VALUE


typedef enum {
    NGX_INTAKE_FIELD_TEXT = 0,                 /* the only one of many lines */
    NGX_INTAKE_FIELD_EMAIL,
    NGX_INTAKE_FIELD_TEL,
    NGX_INTAKE_FIELD_URL,
    NGX_INTAKE_FIELD_NUMBER,
    NGX_INTAKE_FIELD_DATE,
    NGX_INTAKE_FIELD_CHOICE
} ngx_intake_field_type_e;


/* what is wrong with a field; ngx_intake_field_code() gives the code */

typedef enum {
    NGX_INTAKE_FIELD_FINE = 0,
    NGX_INTAKE_FIELD_REQUIRED_EMPTY,
    NGX_INTAKE_FIELD_REQUIRED_MISSING,
    NGX_INTAKE_FIELD_TYPE_EMAIL,
    NGX_INTAKE_FIELD_TYPE_TEL,
    NGX_INTAKE_FIELD_TYPE_URL,
    NGX_INTAKE_FIELD_TYPE_NUMERIC,
    NGX_INTAKE_FIELD_TYPE_DATE,
    NGX_INTAKE_FIELD_TOO_SHORT,
    NGX_INTAKE_FIELD_TOO_LONG,
    NGX_INTAKE_FIELD_UNDERFLOW,
    NGX_INTAKE_FIELD_OVERFLOW,
    NGX_INTAKE_FIELD_PATTERN,
    NGX_INTAKE_FIELD_NOT_ONE_OF,
    NGX_INTAKE_FIELD_UNKNOWN,
    NGX_INTAKE_FIELD_DUPLICATE,
    NGX_INTAKE_FIELD_CONTROL_CHARACTERS
} ngx_intake_field_error_e;


/*
 * min and max are UTF-16 code units (NGX_INTAKE_FIELD_NO_LIMIT: no max), but of
 * numbers and dates from and to count, which are such themselves, or empty.
 */

typedef struct {
    ngx_intake_field_type_e    type;

    size_t                     min;
    size_t                     max;
    ngx_str_t                  from;
    ngx_str_t                  to;

    ngx_str_t                 *values;         /* what may be chosen */
    ngx_uint_t                 nvalues;

    unsigned                   required:1;
    unsigned                   single_line:1;  /* as all types but text are */
    unsigned                   multiple:1;     /* e-mail: separated by "," */
} ngx_intake_field_rule_t;


/*
 * Returns what is wrong with a value, or NGX_INTAKE_FIELD_FINE.  Of an e-mail
 * address, value is narrowed to what is between the white space, which is how
 * it should be stored.  Required means one character that is no white space;
 * an empty value that is not required is fine.  Whether there is a field at
 * all or more than one, and whether it matches a pattern, is not looked at.
 */

ngx_intake_field_error_e ngx_intake_field_check(ngx_intake_field_rule_t *rule,
    ngx_str_t *value);

/* returns the code of an error as answers have it: "TYPE_EMAIL" */

const char *ngx_intake_field_code(ngx_intake_field_error_e error);


/*
 * The rules of the types.  They look at the whole value and return NGX_OK or
 * NGX_DECLINED.
 */

/*
 * A valid e-mail address of HTML (4.10.5.1.5), which is neither a part nor the
 * whole of RFC 5322: no quoted local part, no comment, no list, ASCII alone.
 * Returns NGX_ABORT if it is one but longer than RFC 5321 allows.
 */
ngx_int_t ngx_intake_field_email(ngx_str_t *value);

/*
 * At least three digits, and nothing else than digits, blanks, "x", "ext" and
 * what people write between them; HTML itself asks for nothing.
 */
ngx_int_t ngx_intake_field_tel(ngx_str_t *value);

/* http:// or https://, a host, and only what may stand in a URL (or IRI) */

ngx_int_t ngx_intake_field_url(ngx_str_t *value);

/* a valid floating-point number of HTML: "-1.5e+3", not "+1" nor "1." */

ngx_int_t ngx_intake_field_number(ngx_str_t *value);

/* a valid date string of HTML, "2026-11-21", to the year 275760 */

ngx_int_t ngx_intake_field_date(ngx_str_t *value);

/*
 * Compare two numbers, by their exact value, or two dates, which have passed
 * the rules above.  Return less than, equal to or greater than 0.
 */

ngx_int_t ngx_intake_field_number_compare(ngx_str_t *one, ngx_str_t *other);
ngx_int_t ngx_intake_field_date_compare(ngx_str_t *one, ngx_str_t *other);


#endif /* _NGX_INTAKE_FIELD_H_INCLUDED_ */
