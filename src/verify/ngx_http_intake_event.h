
/*
 * Copyright (C) nginx-intake contributors
 */


#ifndef _NGX_HTTP_INTAKE_EVENT_H_INCLUDED_
#define _NGX_HTTP_INTAKE_EVENT_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/* What the parts of ngx_http_intake_event() share, with those of forms too. */


/*
 * Sets id of ctx, and key to the value of the dedupe key; both are empty when
 * the sender gives no id.  Of several ids the first is the event's, and their
 * digest is the key.  NGX_ERROR: no memory.
 */
ngx_int_t ngx_http_intake_event_id(ngx_http_intake_ctx_t *ctx,
    ngx_str_t *key);

/*
 * Sets the keys of ctx, and its id if it is empty.  value is that of an id's
 * key, "" if there is none.  NGX_ERROR: no memory.
 */
ngx_int_t ngx_http_intake_event_key(ngx_http_intake_ctx_t *ctx,
    ngx_str_t *value);

/* Sets recordedtime and time of ctx.  NGX_ERROR: no memory. */
ngx_int_t ngx_http_intake_event_times(ngx_http_intake_ctx_t *ctx);

/* Sets key of ctx to "KIND:VALUE".  NGX_ERROR: no memory. */
ngx_int_t ngx_http_intake_key_text(ngx_http_intake_ctx_t *ctx,
    ngx_str_t *value);

/*
 * A new UUIDv7 of the time at which the request has arrived.  NGX_ERROR: no
 * memory or no random bytes.
 */
ngx_int_t ngx_http_intake_uuid(ngx_http_intake_ctx_t *ctx, ngx_str_t *text);

/*
 * The texts (at least one ngx_str_t) with separator between.  NGX_ERROR: no
 * memory.
 */
ngx_int_t ngx_http_intake_join(ngx_pool_t *pool, ngx_array_t *texts,
    u_char separator, ngx_str_t *text);

/* 1 if text can be an attribute: no control characters, 512 bytes at most */
ngx_uint_t ngx_http_intake_is_text(ngx_str_t *text);

/*
 * H of a key's value: the first NGX_HTTP_INTAKE_HASH_LEN characters of its
 * SHA-256 in base64url.  NGX_ERROR: no memory.
 */
ngx_int_t ngx_http_intake_hash(ngx_str_t *text, u_char *hash);

/* the same of n parts, one after the other */
ngx_int_t ngx_http_intake_hash_parts(ngx_str_t *parts, ngx_uint_t n,
    u_char *hash);


#endif /* _NGX_HTTP_INTAKE_EVENT_H_INCLUDED_ */
