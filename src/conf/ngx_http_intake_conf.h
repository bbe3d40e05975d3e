
/*
 * Copyright (C) nginx-intake contributors
 */


#ifndef _NGX_HTTP_INTAKE_CONF_H_INCLUDED_
#define _NGX_HTTP_INTAKE_CONF_H_INCLUDED_


#include "ngx_http_intake.h"


/* What the files that read the configuration offer. */


typedef struct ngx_http_intake_directive_s  ngx_http_intake_directive_t;

struct ngx_http_intake_directive_s {
    ngx_str_t                       name;
    ngx_uint_t                      min;        /* arguments */
    ngx_uint_t                      max;
    char                         *(*set)(ngx_conf_t *cf,
                                        ngx_http_intake_directive_t *d,
                                        void *conf);
    ngx_uint_t                      offset;     /* for the plain setters */
    ngx_uint_t                      multiple;   /* may stand several times */
};

#define ngx_http_intake_null_directive  { ngx_null_string, 0, 0, NULL, 0, 0 }
#define NGX_HTTP_INTAKE_ANY_ARGS  256

/*
 * Reads { ... } of a block with its table of directives: cf->args of a
 * directive go to its setter with conf.  `include` works inside.  block is
 * the block's name for messages ("intake_platform \"github\"").
 */
char *ngx_http_intake_read_block(ngx_conf_t *cf, ngx_str_t *block,
    ngx_http_intake_directive_t *directives, void *conf);

/* plain setters: of the ngx_str_t, ngx_msec_t, size_t, ... at d->offset */
char *ngx_http_intake_set_str(ngx_conf_t *cf, ngx_http_intake_directive_t *d,
    void *conf);
char *ngx_http_intake_set_msec(ngx_conf_t *cf,
    ngx_http_intake_directive_t *d, void *conf);
char *ngx_http_intake_set_size(ngx_conf_t *cf,
    ngx_http_intake_directive_t *d, void *conf);

/* where cf reads now */
void ngx_http_intake_position(ngx_conf_t *cf,
    ngx_http_intake_position_t *position);

/* nginx's own message with "in FILE:LINE" of position, at level */
void ngx_http_intake_conf_log(ngx_conf_t *cf, ngx_uint_t level,
    ngx_http_intake_position_t *position, const char *fmt, ...);

/* NGX_OK if name is [a-z][a-z0-9_-]{0,31} */
ngx_int_t ngx_http_intake_check_name(ngx_str_t *name);

/*
 * The whole of a file of at most max bytes; path is absolute and ends with a
 * zero; info, if not NULL, gets what stat() says.  NGX_ERROR: a message has
 * been logged.
 */
ngx_int_t ngx_http_intake_read_file(ngx_conf_t *cf, ngx_str_t *path,
    size_t max, ngx_str_t *text, ngx_file_info_t *info);

/*
 * VALUE or file:PATH (relative to nginx.conf's folder; without one final LF
 * or CRLF).  what names the directive in messages.  The value is wiped with
 * cf->pool.  NGX_ERROR: a message has been logged.
 */
ngx_int_t ngx_http_intake_read_secret(ngx_conf_t *cf, ngx_str_t *argument,
    const char *what, ngx_str_t *value);

/* how platforms, sources and calendars begin */
typedef struct {
    ngx_str_t                       name;
    ngx_http_intake_position_t      position;
} ngx_http_intake_named_t;

/*
 * Tests the name of one that is to be added to objects; directive is for
 * messages.  NGX_CONF_ERROR: a message has been logged.
 */
char *ngx_http_intake_check_new_name(ngx_conf_t *cf, ngx_array_t *objects,
    ngx_str_t *name, const char *directive);

/* the one of this name among objects (pointers to such), or NULL */
void *ngx_http_intake_find_named(ngx_array_t *objects, ngx_str_t *name);

/*
 * The same of a name that stands at position.  NULL: a message has been
 * logged, "unknown NOUN, did you mean ..."; or, if no name is near, unknown,
 * a format that gets the name twice.  NULL without one: no memory.
 */
void *ngx_http_intake_require_named(ngx_conf_t *cf, ngx_array_t *objects,
    ngx_str_t *name, ngx_http_intake_position_t *position, const char *noun,
    const char *unknown);

/* the known name nearest to name, or NULL; for "did you mean" */
ngx_str_t *ngx_http_intake_nearest(ngx_str_t *name, ngx_str_t *known,
    ngx_uint_t n, size_t stride);

/* 1: the texts are the same bytes */
ngx_uint_t ngx_http_intake_same(ngx_str_t *a, ngx_str_t *b);

char *ngx_http_intake_redis_block(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_intake_platform_block(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_intake_source_block(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

/* intake NAME [get=page] and intake_token NAME of a location */
char *ngx_http_intake_directive(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_intake_token_directive(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

/*
 * Gives the location that is being read its content handler; a text for the
 * log: it has another.
 */
char *ngx_http_intake_set_handler(ngx_conf_t *cf,
    ngx_http_handler_pt handler);

/* of a location: its conf, and what it serves when http {} has been read */
void *ngx_http_intake_create_loc_conf(ngx_conf_t *cf);
char *ngx_http_intake_merge_loc_conf(ngx_conf_t *cf, void *parent,
    void *child);

/* intake_spool PATH [max_size=SIZE] */
char *ngx_http_intake_spool_directive(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

/* warns that the directive waits for the disk if nginx has no threads */
void ngx_http_intake_check_threads(ngx_conf_t *cf, const char *name);

/* what sources have of the spool; that it can hold what they take */
char *ngx_http_intake_check_spool(ngx_conf_t *cf,
    ngx_http_intake_main_conf_t *imcf);

/* what `server URL` of intake_redis says goes to redis */
char *ngx_http_intake_add_servers(ngx_conf_t *cf, ngx_str_t *url,
    ngx_intake_redis_conf_t *redis);

/* the setters that a source has in common with its platform or Redis */
char *ngx_http_intake_set_durability(ngx_conf_t *cf,
    ngx_http_intake_directive_t *d, void *conf);
char *ngx_http_intake_set_dedupe(ngx_conf_t *cf,
    ngx_http_intake_directive_t *d, void *conf);    /* ..._dedupe_t */
char *ngx_http_intake_set_headers(ngx_conf_t *cf,
    ngx_http_intake_directive_t *d, void *conf);    /* ngx_array_t * */
char *ngx_http_intake_set_tolerance(ngx_conf_t *cf,
    ngx_http_intake_directive_t *d, void *conf);    /* time_t */

/*
 * Refuses headers of a source or platform that name the header which is the
 * platform's secret (algorithm equal).  headers may be NULL; position is that
 * of the directive.
 */
ngx_int_t ngx_http_intake_check_headers(ngx_conf_t *cf, ngx_array_t *headers,
    ngx_http_intake_platform_t *platform,
    ngx_http_intake_position_t *position);

/*
 * The grammar's words.  paths (ngx_intake_json_path_t) gets the json paths
 * that they read; a path that is there already is shared.  what names the
 * directive in messages.  NGX_ERROR: a message has been logged.
 */
ngx_int_t ngx_http_intake_parse_src(ngx_conf_t *cf, ngx_array_t *paths,
    ngx_str_t *text, const char *what, ngx_http_intake_src_t *src);
ngx_http_intake_template_t *ngx_http_intake_parse_template(ngx_conf_t *cf,
    ngx_array_t *paths, ngx_str_t *text, const char *what);

/* answer STATUS [TYPE "TEMPLATE"] */
char *ngx_http_intake_parse_answer(ngx_conf_t *cf, ngx_array_t *paths,
    ngx_http_intake_reply_t **answer);

/* checks and resolves names when http {} has been read */
char *ngx_http_intake_check_conf(ngx_conf_t *cf,
    ngx_http_intake_main_conf_t *imcf);

/* makes the keys of the source's secrets */
char *ngx_http_intake_check_secrets(ngx_conf_t *cf,
    ngx_http_intake_source_t *source);

/* finds the addresses of the servers, or who will be asked for them */
char *ngx_http_intake_resolve_servers(ngx_conf_t *cf,
    ngx_http_intake_main_conf_t *imcf);

/* that source has what the rules of its platform need */
char *ngx_http_intake_check_needs(ngx_conf_t *cf,
    ngx_http_intake_source_t *source);


#endif /* _NGX_HTTP_INTAKE_CONF_H_INCLUDED_ */
