
/*
 * Copyright (C) nginx-intake contributors
 */


#ifndef _TAP_H_INCLUDED_
#define _TAP_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <stdio.h>


/*
 * What every unit test prints: TAP, which prove reads.  main() ends with
 * "return done();".
 */


static ngx_uint_t  tests;
static ngx_uint_t  failed;


static ngx_inline ngx_uint_t ok(ngx_uint_t passed, const char *format, ...)
    __attribute__((format(printf, 2, 3)));


/*
 * One test; returns passed.  In its name what is no printable ASCII becomes
 * ".", as does "#", behind which prove looks for directives.
 */

static ngx_inline ngx_uint_t
ok(ngx_uint_t passed, const char *format, ...)
{
    char     *p, name[1024];
    va_list   args;

    va_start(args, format);
    vsnprintf(name, sizeof(name), format, args);
    va_end(args);

    for (p = name; *p; p++) {
        if (*p < ' ' || *p > '~' || *p == '#') {
            *p = '.';
        }
    }

    tests++;

    if (!passed) {
        failed++;
    }

    printf("%s %lu - %s\n", passed ? "ok" : "not ok", (unsigned long) tests,
           name);

    return passed;
}


/* one test: the texts are the same */

static ngx_inline void
is(const char *got, const char *expect, const char *name)
{
    if (!ok(strcmp(got, expect) == 0, "%s", name)) {
        printf("# got:      %s\n# expected: %s\n", got, expect);
    }
}


/* in place of a test that cannot be made here */

static ngx_inline void
skip(const char *name, const char *why)
{
    printf("ok %lu - %s # SKIP %s\n", (unsigned long) ++tests, name, why);
}


/* the plan; returns the status to exit with */

static ngx_inline int
done(void)
{
    printf("1..%lu\n", (unsigned long) tests);

    return failed != 0;
}


#endif /* _TAP_H_INCLUDED_ */
