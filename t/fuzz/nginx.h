
/*
 * Copyright (C) nginx-intake contributors
 */


#ifndef _FUZZ_NGINX_H_INCLUDED_
#define _FUZZ_NGINX_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>


/*
 * The few functions of nginx that the readers of a request call, so that they
 * can be fuzzed without a server.  Each allocation of a pool is one of its own,
 * so that the sanitizers see its end; fuzz_free() frees them all.  Nothing is
 * logged, and the time is always FUZZ_NOW.
 */


#define FUZZ_NOW  1700000000     /* s */

#define check(condition)  if (!(condition)) { abort(); }


/* a request without headers; static */

ngx_http_request_t *fuzz_request(void);

/* the name is in lower case; both stay where they are */

void fuzz_add_header(ngx_http_request_t *r, const char *name,
    ngx_str_t *value);

/*
 * The next line of the input, without its end, or what is left; it is an
 * allocation of its own, and *data moves behind it.
 */

ngx_str_t fuzz_line(const uint8_t **data, const uint8_t *last);

/*
 * An allocation of a pool, a copy of a text in one, and an array whose elements
 * stay where they are.
 */

void *fuzz_alloc(size_t size);
ngx_str_t fuzz_copy(const void *data, size_t len);
ngx_array_t *fuzz_array(void *elts, ngx_uint_t n);

void fuzz_free(void);


#endif /* _FUZZ_NGINX_H_INCLUDED_ */
