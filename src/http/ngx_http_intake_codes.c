
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake.h"


/* The codes of our answers: their names, titles, statuses and outcomes. */


/* the values that these modules keep to themselves */
#define NGX_HTTP_INTAKE_LIMIT_REQ_REJECTED   3
#define NGX_HTTP_INTAKE_LIMIT_CONN_REJECTED  2


typedef struct {
    ngx_uint_t                 status;
    ngx_http_intake_outcome_e  outcome;
    ngx_str_t                  title;
    ngx_str_t                  code;
} ngx_http_intake_problem_t;


/* in the order of ngx_http_intake_code_e */

static ngx_http_intake_problem_t  ngx_http_intake_problems[] = {

    { 200, NGX_HTTP_INTAKE_STORED,
      ngx_string("OK"), ngx_string("") },

    { 400, NGX_HTTP_INTAKE_REJECTED,
      ngx_string("Malformed request"), ngx_string("MALFORMED") },

    { 401, NGX_HTTP_INTAKE_REJECTED,
      ngx_string("Signature missing"), ngx_string("SIGNATURE_MISSING") },

    { 401, NGX_HTTP_INTAKE_REJECTED,
      ngx_string("Signature does not match"),
      ngx_string("SIGNATURE_MISMATCH") },

    { 401, NGX_HTTP_INTAKE_REJECTED,
      ngx_string("Timestamp missing"), ngx_string("TIMESTAMP_MISSING") },

    { 401, NGX_HTTP_INTAKE_REJECTED,
      ngx_string("Timestamp outside the tolerance"),
      ngx_string("TIMESTAMP_RANGE") },

    { 401, NGX_HTTP_INTAKE_REJECTED,
      ngx_string("Wrong or missing credentials"),
      ngx_string("CREDENTIALS") },

    { 403, NGX_HTTP_INTAKE_REJECTED,
      ngx_string("Challenge refused"), ngx_string("CHALLENGE_REFUSED") },

    { 403, NGX_HTTP_INTAKE_REJECTED,
      ngx_string("Origin not allowed"), ngx_string("ORIGIN_NOT_ALLOWED") },

    { 403, NGX_HTTP_INTAKE_REJECTED,
      ngx_string("Forbidden"), ngx_string("FORBIDDEN") },

    { 404, NGX_HTTP_INTAKE_REJECTED,
      ngx_string("Not found"), ngx_string("NOT_FOUND") },

    { 405, NGX_HTTP_INTAKE_REJECTED,
      ngx_string("Method not allowed"), ngx_string("METHOD_NOT_ALLOWED") },

    { 413, NGX_HTTP_INTAKE_REJECTED,
      ngx_string("Body too large"), ngx_string("TOO_LARGE") },

    { 413, NGX_HTTP_INTAKE_REJECTED,
      ngx_string("A file is too large"), ngx_string("FILES_TOO_BIG") },

    { 413, NGX_HTTP_INTAKE_REJECTED,
      ngx_string("Too many files"), ngx_string("TOO_MANY_FILES") },

    { 413, NGX_HTTP_INTAKE_REJECTED,
      ngx_string("Too many fields"), ngx_string("TOO_MANY_FIELDS") },

    { 415, NGX_HTTP_INTAKE_REJECTED,
      ngx_string("Content-Encoding not supported"),
      ngx_string("UNSUPPORTED_CONTENT_ENCODING") },

    { 415, NGX_HTTP_INTAKE_REJECTED,
      ngx_string("Content-Type not supported"),
      ngx_string("UNSUPPORTED_MEDIA_TYPE") },

    { 422, NGX_HTTP_INTAKE_REJECTED,
      ngx_string("The form has errors"), ngx_string("VALIDATION_FAILED") },

    { 422, NGX_HTTP_INTAKE_REJECTED,
      ngx_string("The form is empty"), ngx_string("EMPTY") },

    { 422, NGX_HTTP_INTAKE_REJECTED,
      ngx_string("This form takes no files"),
      ngx_string("NO_FILE_UPLOADS") },

    { 422, NGX_HTTP_INTAKE_REJECTED,
      ngx_string("The captcha has not been solved"),
      ngx_string("CAPTCHA_MISSING") },

    { 422, NGX_HTTP_INTAKE_REJECTED,
      ngx_string("The captcha has expired"),
      ngx_string("CAPTCHA_EXPIRED") },

    { 422, NGX_HTTP_INTAKE_REJECTED,
      ngx_string("The captcha was not accepted"),
      ngx_string("CAPTCHA_FAILED") },

    { 429, NGX_HTTP_INTAKE_REJECTED,
      ngx_string("Too many requests"), ngx_string("RATE_LIMITED") },

    { 503, NGX_HTTP_INTAKE_UNAVAILABLE,
      ngx_string("Store unavailable"), ngx_string("STORE_UNAVAILABLE") },

    { 503, NGX_HTTP_INTAKE_UNAVAILABLE,
      ngx_string("Store did not answer in time"),
      ngx_string("STORE_TIMEOUT") },

    { 503, NGX_HTTP_INTAKE_UNAVAILABLE,
      ngx_string("Store refused the write"), ngx_string("STORE_REFUSED") },

    { 503, NGX_HTTP_INTAKE_UNAVAILABLE,
      ngx_string("Promised durability unavailable"),
      ngx_string("DURABILITY_UNAVAILABLE") },

    { 503, NGX_HTTP_INTAKE_UNAVAILABLE,
      ngx_string("The captcha could not be verified"),
      ngx_string("CAPTCHA_UNAVAILABLE") },

    { 500, NGX_HTTP_INTAKE_UNAVAILABLE,
      ngx_string("Internal error"), ngx_string("INTERNAL_ERROR") },
};


ngx_str_t *
ngx_http_intake_code_name(ngx_http_intake_code_e code)
{
    return &ngx_http_intake_problems[code].code;
}


ngx_str_t *
ngx_http_intake_code_title(ngx_http_intake_code_e code)
{
    return &ngx_http_intake_problems[code].title;
}


ngx_uint_t
ngx_http_intake_code_status(ngx_http_intake_code_e code)
{
    return ngx_http_intake_problems[code].status;
}


ngx_http_intake_outcome_e
ngx_http_intake_code_outcome(ngx_http_intake_code_e code)
{
    return ngx_http_intake_problems[code].outcome;
}


ngx_http_intake_code_e
ngx_http_intake_code_of_status(ngx_http_request_t *r, ngx_uint_t status)
{
    ngx_uint_t  i;

    if (r->main->limit_req_status == NGX_HTTP_INTAKE_LIMIT_REQ_REJECTED
        || r->main->limit_conn_status == NGX_HTTP_INTAKE_LIMIT_CONN_REJECTED)
    {
        return NGX_HTTP_INTAKE_RATE_LIMITED;
    }

    switch (status) {

    case NGX_HTTP_UNAUTHORIZED:
        return NGX_HTTP_INTAKE_CREDENTIALS;

    case NGX_HTTP_FORBIDDEN:
        return NGX_HTTP_INTAKE_FORBIDDEN;
    }

    if (status >= NGX_HTTP_INTERNAL_SERVER_ERROR) {
        return NGX_HTTP_INTAKE_INTERNAL_ERROR;
    }

    for (i = NGX_HTTP_INTAKE_OK + 1; i < NGX_HTTP_INTAKE_CODES; i++) {
        if (ngx_http_intake_problems[i].status == status) {
            return i;
        }
    }

    return NGX_HTTP_INTAKE_MALFORMED;
}
