/* sources: src/form/ngx_intake_form.c src/form/ngx_intake_form_json.c */
/* sources: src/form/ngx_intake_urlencoded.c src/form/ngx_intake_multipart.c */
/* sources: src/form/ngx_intake_part.c src/form/ngx_intake_disposition.c */
/* sources: src/form/ngx_intake_mime.c src/form/ngx_intake_utf8.c */
/* sources: src/json/ngx_intake_json.c src/json/ngx_intake_json_scan.c */
/* sources: src/json/ngx_intake_json_string.c */
/* sources: src/verify/ngx_intake_encoding.c */
/* libs: -fsanitize-coverage=trace-pc -Wl,--wrap=memchr,--wrap=memcmp */
/* libs: -Wl,--wrap=memcpy,--wrap=memmove */

/*
 * Copyright (C) nginx-intake contributors
 */


#include "form_bodies.h"
#include "tap.h"


/*
 * The time that a form takes grows as its length does, whatever it holds and
 * however it is cut.  Time is counted in steps, not measured: each basic block
 * of code that is run, and each byte that a function of the C library is given
 * or, of memchr(), that it looks at.  Twice the length may take twice the
 * steps, and a little for what is there once.
 */


#define TEST_SIZE   32768
#define TEST_SLACK  500                     /* steps */


static uint64_t  test_steps;


void *__real_memchr(const void *p, int ch, size_t len);
int __real_memcmp(const void *a, const void *b, size_t len);
void *__real_memcpy(void *to, const void *from, size_t len);
void *__real_memmove(void *to, const void *from, size_t len);


/* what the compiler calls at the beginning of each block */

__attribute__((no_sanitize_coverage)) void
__sanitizer_cov_trace_pc(void)
{
    test_steps++;
}


void *
__wrap_memchr(const void *p, int ch, size_t len)
{
    u_char  *found;

    found = __real_memchr(p, ch, len);

    test_steps += found ? (size_t) (found - (u_char *) p) : len;

    return found;
}


int
__wrap_memcmp(const void *a, const void *b, size_t len)
{
    test_steps += len;

    return __real_memcmp(a, b, len);
}


void *
__wrap_memcpy(void *to, const void *from, size_t len)
{
    test_steps += len;

    return __real_memcpy(to, from, len);
}


void *
__wrap_memmove(void *to, const void *from, size_t len)
{
    test_steps += len;

    return __real_memmove(to, from, len);
}


static uint64_t
test_count(form_body_t *kind, size_t size, size_t piece)
{
    size_t     len;
    u_char    *body;
    uint64_t   start, steps;
    ngx_int_t  rc;

    body = form_body_make(kind, size, &len);

    start = test_steps;
    rc = form_body_parse(kind, body, len, ngx_min(piece, len));
    steps = test_steps - start;

    free(body);

    if (rc != NGX_OK) {
        ok(0, "%s is a form", kind->name);
    }

    return steps;
}


int
main(void)
{
    uint64_t       once, twice;
    ngx_uint_t     i, n;
    form_body_t   *kind;

    static size_t  pieces[] = { 1, 1000, NGX_MAX_SIZE_T_VALUE };

    for (i = 0; i < sizeof(form_bodies) / sizeof(form_body_t); i++) {
        kind = &form_bodies[i];

        for (n = 0; n < sizeof(pieces) / sizeof(size_t); n++) {
            once = test_count(kind, TEST_SIZE, pieces[n]);
            twice = test_count(kind, 2 * TEST_SIZE, pieces[n]);

            if (!ok(once && twice <= 2 * once + once / 50 + TEST_SLACK,
                    "%s, in pieces of %lu", kind->name,
                    (unsigned long) ngx_min(pieces[n], TEST_SIZE)))
            {
                printf("# %lu steps, then %lu\n", (unsigned long) once,
                       (unsigned long) twice);
            }
        }
    }

    return done();
}
