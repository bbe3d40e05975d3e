/* sources: src/form/ngx_intake_form.c src/form/ngx_intake_form_json.c */
/* sources: src/form/ngx_intake_urlencoded.c src/form/ngx_intake_multipart.c */
/* sources: src/form/ngx_intake_part.c src/form/ngx_intake_disposition.c */
/* sources: src/form/ngx_intake_mime.c src/form/ngx_intake_utf8.c */
/* sources: src/json/ngx_intake_json.c src/json/ngx_intake_json_scan.c */
/* sources: src/json/ngx_intake_json_string.c */
/* sources: src/verify/ngx_intake_encoding.c */

/*
 * Copyright (C) nginx-intake contributors
 */


#include "form_bodies.h"


/*
 * How fast forms are parsed: MB/s of bodies of 1 MB and of 2 MB, the second of
 * which must not be slower, fed in pieces of 64 KB.
 */


#define BENCH_SIZE    (1024 * 1024)
#define BENCH_PIECE   65536
#define BENCH_ROUNDS  20


static double
bench_now(void)
{
    struct timespec  ts;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);

    return ts.tv_sec + ts.tv_nsec / 1e9;
}


/* the best of some rounds */

static double
bench_speed(form_body_t *kind, size_t size)
{
    double       start, time, best;
    size_t       len;
    u_char      *body;
    ngx_int_t    rc;
    ngx_uint_t   i;

    best = 0;
    body = form_body_make(kind, size, &len);

    for (i = 0; i < BENCH_ROUNDS; i++) {
        start = bench_now();
        rc = form_body_parse(kind, body, len, BENCH_PIECE);
        time = bench_now() - start;

        if (rc != NGX_OK) {
            printf("%s: refused\n", kind->name);
            exit(1);
        }

        best = (i == 0 || time < best) ? time : best;
    }

    free(body);

    return len / best / 1e6;
}


int
main(void)
{
    ngx_uint_t  i;

    printf("%-36s %10s %10s\n", "MB/s", "1 MB", "2 MB");

    for (i = 0; i < sizeof(form_bodies) / sizeof(form_body_t); i++) {
        printf("%-36s %10.0f %10.0f\n", form_bodies[i].name,
               bench_speed(&form_bodies[i], BENCH_SIZE),
               bench_speed(&form_bodies[i], 2 * BENCH_SIZE));
    }

    return 0;
}
