
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake.h"


/*
 * The reader of intake_redis {}, intake_platform {}, intake_calendar {} and
 * intake_source {}.  Each block has a table of directives of its own and is
 * read by cf->handler; nginx's own lookup is never used inside, because a
 * directive such as "server" would then reach another module with a context
 * that is not its.
 */


typedef struct {
    ngx_str_t                    *name;         /* of the block */
    ngx_http_intake_directive_t  *directives;
    void                         *conf;
    uint64_t                      seen;         /* bit by place in the table */
} ngx_http_intake_block_t;


static char *ngx_http_intake_read_directive(ngx_conf_t *cf,
    ngx_command_t *dummy, void *conf);
static char *ngx_http_intake_unknown_directive(ngx_conf_t *cf,
    ngx_http_intake_block_t *block);


char *
ngx_http_intake_read_block(ngx_conf_t *cf, ngx_str_t *name,
    ngx_http_intake_directive_t *directives, void *conf)
{
    char                     *rv;
    ngx_conf_t                save;
    ngx_http_intake_block_t   block;

    block.name = name;
    block.directives = directives;
    block.conf = conf;
    block.seen = 0;

    save = *cf;

    cf->handler = ngx_http_intake_read_directive;
    cf->handler_conf = (void *) &block;

    rv = ngx_conf_parse(cf, NULL);

    *cf = save;

    return rv;
}


static char *
ngx_http_intake_read_directive(ngx_conf_t *cf, ngx_command_t *dummy,
    void *conf)
{
    ngx_http_intake_block_t  *block = conf;

    char                         *rv;
    ngx_str_t                    *value;
    ngx_uint_t                    i, n;
    ngx_http_intake_directive_t  *d;

    value = cf->args->elts;

    if (value[0].len == 7 && ngx_strncmp(value[0].data, "include", 7) == 0) {
        if (cf->args->nelts != 2) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "\"include\" takes one file name or mask");
            return NGX_CONF_ERROR;
        }

        return ngx_conf_include(cf, dummy, NULL);
    }

    for (i = 0; block->directives[i].name.len; i++) {
        d = &block->directives[i];

        if (d->name.len != value[0].len
            || ngx_strncmp(d->name.data, value[0].data, value[0].len) != 0)
        {
            continue;
        }

        n = cf->args->nelts - 1;

        if (n < d->min || n > d->max) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid number of arguments in \"%V\" of %V: "
                               "it takes %s%ui, %ui given", &d->name,
                               block->name,
                               d->min == d->max ? ""
                                                : n < d->min ? "at least "
                                                             : "at most ",
                               n < d->min ? d->min : d->max, n);
            return NGX_CONF_ERROR;
        }

        if (!d->multiple && (block->seen & ((uint64_t) 1 << i))) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "duplicate \"%V\" in %V: write it once",
                               &d->name, block->name);
            return NGX_CONF_ERROR;
        }

        block->seen |= (uint64_t) 1 << i;

        rv = d->set(cf, d, block->conf);

        if (rv == NGX_CONF_OK || rv == NGX_CONF_ERROR) {
            return rv;
        }

        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "\"%V\" in %V %s",
                           &d->name, block->name, rv);
        return NGX_CONF_ERROR;
    }

    return ngx_http_intake_unknown_directive(cf, block);
}


static char *
ngx_http_intake_unknown_directive(ngx_conf_t *cf,
    ngx_http_intake_block_t *block)
{
    ngx_str_t   *value, *known;
    ngx_uint_t   n;

    value = cf->args->elts;

    for (n = 0; block->directives[n].name.len; n++) { /* void */ }

    known = ngx_http_intake_nearest(&value[0], &block->directives[0].name, n,
                                    sizeof(ngx_http_intake_directive_t));
    if (known == NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "unknown directive \"%V\" in %V",
                           &value[0], block->name);

    } else {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "unknown directive \"%V\" in %V, "
                           "did you mean \"%V\"?",
                           &value[0], block->name, known);
    }

    return NGX_CONF_ERROR;
}


char *
ngx_http_intake_set_str(ngx_conf_t *cf, ngx_http_intake_directive_t *d,
    void *conf)
{
    ngx_str_t  *value, *field;

    value = cf->args->elts;
    field = (ngx_str_t *) ((u_char *) conf + d->offset);

    if (value[1].len == 0) {
        return "is empty";
    }

    *field = value[1];

    return NGX_CONF_OK;
}


char *
ngx_http_intake_set_msec(ngx_conf_t *cf, ngx_http_intake_directive_t *d,
    void *conf)
{
    ngx_int_t    ms;
    ngx_str_t   *value;
    ngx_msec_t  *field;

    value = cf->args->elts;
    field = (ngx_msec_t *) ((u_char *) conf + d->offset);

    ms = ngx_parse_time(&value[1], 0);

    if (ms == NGX_ERROR || ms == 0) {
        return "must be a time such as 500ms, 2s or 5m";
    }

    *field = (ngx_msec_t) ms;

    return NGX_CONF_OK;
}


char *
ngx_http_intake_set_size(ngx_conf_t *cf, ngx_http_intake_directive_t *d,
    void *conf)
{
    size_t     *field;
    ssize_t     size;
    ngx_str_t  *value;

    value = cf->args->elts;
    field = (size_t *) ((u_char *) conf + d->offset);

    size = ngx_parse_size(&value[1]);

    if (size == NGX_ERROR || size == 0) {
        return "must be a size such as 64k or 1m";
    }

    *field = (size_t) size;

    return NGX_CONF_OK;
}


void
ngx_http_intake_position(ngx_conf_t *cf, ngx_http_intake_position_t *position)
{
    position->file = cf->conf_file->file.name;
    position->line = cf->conf_file->line;
}


void
ngx_http_intake_conf_log(ngx_conf_t *cf, ngx_uint_t level,
    ngx_http_intake_position_t *position, const char *fmt, ...)
{
    u_char    buf[NGX_MAX_CONF_ERRSTR], *p, *last;
    va_list   args;

    last = buf + NGX_MAX_CONF_ERRSTR;

    va_start(args, fmt);
    p = ngx_vslprintf(buf, last, fmt, args);
    va_end(args);

    if (position->file.len == 0) {
        ngx_log_error(level, cf->log, 0, "%*s", p - buf, buf);
        return;
    }

    ngx_log_error(level, cf->log, 0, "%*s in %V:%ui", p - buf, buf,
                  &position->file, position->line);
}
