
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake_counters.h"


/*
 * Proofs: what has been verified for a submission that was not stored then,
 * so that it holds once more.  Each is one word of a digest, kept in the
 * shared memory of a node, for a while and not for ever: one that comes later
 * may take its place.
 */


#define NGX_HTTP_INTAKE_PROOF_TIME  600    /* s */


static ngx_http_intake_proof_t *ngx_http_intake_proof(ngx_http_request_t *r,
    ngx_atomic_uint_t proof);


void
ngx_http_intake_keep_proof(ngx_http_request_t *r, ngx_atomic_uint_t proof)
{
    ngx_http_intake_proof_t  *kept;

    kept = ngx_http_intake_proof(r, proof);

    /* whoever finds the proof finds its time, or a later one */

    kept->time = ngx_time();
    ngx_memory_barrier();

    kept->proof = proof;
}


ngx_uint_t
ngx_http_intake_take_proof(ngx_http_request_t *r, ngx_atomic_uint_t proof)
{
    time_t                    age;
    ngx_http_intake_proof_t  *kept;

    kept = ngx_http_intake_proof(r, proof);

    /* of those who come for it at the same time one gets it */

    if (proof == 0 || !ngx_atomic_cmp_set(&kept->proof, proof, 0)) {
        return 0;
    }

    age = ngx_time() - (time_t) kept->time;

    return age < NGX_HTTP_INTAKE_PROOF_TIME;
}


static ngx_http_intake_proof_t *
ngx_http_intake_proof(ngx_http_request_t *r, ngx_atomic_uint_t proof)
{
    ngx_http_intake_zone_t       *zone;
    ngx_http_intake_main_conf_t  *imcf;

    imcf = ngx_http_get_module_main_conf(r, ngx_http_intake_module);
    zone = imcf->zone->data;

    return &zone->shared->proofs[proof % NGX_HTTP_INTAKE_PROOFS];
}
