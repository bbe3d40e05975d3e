
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake.h"
#include "ngx_http_intake_board.h"
#include "ngx_http_intake_form_conf.h"
#include "ngx_intake_utf8.h"


/* intake_source NAME { }: one channel with its own stream */


static char *ngx_http_intake_source_stream(ngx_conf_t *cf,
    ngx_http_intake_directive_t *d, void *conf);
static char *ngx_http_intake_source_retain(ngx_conf_t *cf,
    ngx_http_intake_directive_t *d, void *conf);
static char *ngx_http_intake_source_groups(ngx_conf_t *cf,
    ngx_http_intake_directive_t *d, void *conf);
static ngx_uint_t ngx_http_intake_is_printed(ngx_str_t *name);
static char *ngx_http_intake_source_client_ip(ngx_conf_t *cf,
    ngx_http_intake_directive_t *d, void *conf);
static char *ngx_http_intake_source_platform(ngx_conf_t *cf,
    ngx_http_intake_directive_t *d, void *conf);
static char *ngx_http_intake_source_secret(ngx_conf_t *cf,
    ngx_http_intake_directive_t *d, void *conf);
static char *ngx_http_intake_source_set(ngx_conf_t *cf,
    ngx_http_intake_directive_t *d, void *conf);
static char *ngx_http_intake_source_url_base(ngx_conf_t *cf,
    ngx_http_intake_directive_t *d, void *conf);
static char *ngx_http_intake_source_answer(ngx_conf_t *cf,
    ngx_http_intake_directive_t *d, void *conf);
static char *ngx_http_intake_source_tolerance(ngx_conf_t *cf,
    ngx_http_intake_directive_t *d, void *conf);
static ngx_http_intake_source_t *ngx_http_intake_create_source(
    ngx_conf_t *cf, ngx_http_intake_main_conf_t *imcf, ngx_str_t *name);


static ngx_http_intake_directive_t  ngx_http_intake_source_directives[] = {

    { ngx_string("platform"), 1, 1, ngx_http_intake_source_platform, 0, 0 },

    { ngx_string("secret"), 1, 2, ngx_http_intake_source_secret,
      offsetof(ngx_http_intake_source_t, secrets), 1 },

    { ngx_string("verify_token"), 1, 1, ngx_http_intake_source_secret,
      offsetof(ngx_http_intake_source_t, verify_tokens), 1 },

    { ngx_string("set"), 2, 2, ngx_http_intake_source_set, 0, 1 },

    { ngx_string("url_base"), 1, 1, ngx_http_intake_source_url_base, 0, 0 },

    { ngx_string("form"), 0, 0, ngx_http_intake_source_form, 0, 0 },

    { ngx_string("field"), 1, NGX_HTTP_INTAKE_ANY_ARGS,
      ngx_http_intake_source_field, 0, 1 },

    { ngx_string("strict"), 1, 1, ngx_http_intake_source_strict, 0, 0 },

    { ngx_string("honeypot"), 1, NGX_HTTP_INTAKE_ANY_ARGS,
      ngx_http_intake_source_honeypot, 0, 0 },

    { ngx_string("token"), 1, 4, ngx_http_intake_source_token, 0, 0 },

    { ngx_string("spam"), 0, 6, ngx_http_intake_source_spam, 0, 0 },

    { ngx_string("captcha"), 2, 3, ngx_http_intake_source_captcha, 0, 0 },

    { ngx_string("origin"), 1, NGX_HTTP_INTAKE_ANY_ARGS,
      ngx_http_intake_source_origin, 0, 0 },

    { ngx_string("redirect"), 1, 3, ngx_http_intake_source_redirect, 0, 0 },

    { ngx_string("attachments"), 1, 4, ngx_http_intake_source_attachments,
      0, 0 },

    { ngx_string("conversation"), 1, 1, ngx_http_intake_source_conversation,
      0, 0 },

    { ngx_string("stream"), 1, 1, ngx_http_intake_source_stream, 0, 0 },

    { ngx_string("retain"), 1, 2, ngx_http_intake_source_retain, 0, 0 },

    { ngx_string("groups"), 1, NGX_HTTP_INTAKE_MAX_GROUPS,
      ngx_http_intake_source_groups, 0, 0 },

    { ngx_string("event_source"), 1, 1, ngx_http_intake_set_str,
      offsetof(ngx_http_intake_source_t, event_source), 0 },

    { ngx_string("client_ip"), 1, 1, ngx_http_intake_source_client_ip, 0, 0 },

    { ngx_string("durability"), 1, 1, ngx_http_intake_set_durability,
      offsetof(ngx_http_intake_source_t, durability), 0 },

    { ngx_string("dedupe"), 1, 3, ngx_http_intake_set_dedupe,
      offsetof(ngx_http_intake_source_t, dedupe), 0 },

    { ngx_string("answer"), 1, 3, ngx_http_intake_source_answer, 0, 0 },

    { ngx_string("headers"), 1, NGX_HTTP_INTAKE_ANY_ARGS,
      ngx_http_intake_set_headers,
      offsetof(ngx_http_intake_source_t, headers), 0 },

    { ngx_string("max_body"), 1, 1, ngx_http_intake_set_size,
      offsetof(ngx_http_intake_source_t, max_body), 0 },

    { ngx_string("deadline"), 1, 1, ngx_http_intake_set_msec,
      offsetof(ngx_http_intake_source_t, deadline), 0 },

    { ngx_string("sla"), 1, 9, ngx_http_intake_source_sla, 0, 1 },

    { ngx_string("tier"), 1, 1, ngx_http_intake_source_tier, 0, 0 },

    { ngx_string("escalate"), 2, 3, ngx_http_intake_source_escalate, 0, 1 },

    { ngx_string("tolerance"), 1, 1, ngx_http_intake_source_tolerance,
      offsetof(ngx_http_intake_source_t, tolerance), 0 },

    ngx_http_intake_null_directive
};


char *
ngx_http_intake_source_block(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_intake_main_conf_t *imcf = conf;

    ngx_str_t                 *value, block;
    ngx_http_intake_source_t  *source;

    value = cf->args->elts;

    source = ngx_http_intake_create_source(cf, imcf, &value[1]);
    if (source == NULL) {
        return NGX_CONF_ERROR;
    }

    block.len = sizeof("intake_source \"\"") - 1 + source->name.len;
    block.data = ngx_pnalloc(cf->pool, block.len);
    if (block.data == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_sprintf(block.data, "intake_source \"%V\"", &source->name);

    return ngx_http_intake_read_block(cf, &block,
                                      ngx_http_intake_source_directives,
                                      source);
}


static ngx_http_intake_source_t *
ngx_http_intake_create_source(ngx_conf_t *cf,
    ngx_http_intake_main_conf_t *imcf, ngx_str_t *name)
{
    ngx_http_intake_source_t  *source, **slot;

    if (ngx_http_intake_check_new_name(cf, imcf->sources, name,
                                       "intake_source")
        != NGX_CONF_OK)
    {
        return NULL;
    }

    if (imcf->sources->nelts == NGX_HTTP_INTAKE_MAX_SOURCES) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "more than %d intake_source blocks",
                           NGX_HTTP_INTAKE_MAX_SOURCES);
        return NULL;
    }

    slot = ngx_array_push(imcf->sources);
    if (slot == NULL) {
        return NULL;
    }

    source = ngx_pcalloc(cf->pool, sizeof(ngx_http_intake_source_t));
    if (source == NULL) {
        return NULL;
    }

    *slot = source;

    source->name = *name;
    source->index = imcf->sources->nelts - 1;
    source->max_body = NGX_CONF_UNSET_SIZE;
    source->deadline = NGX_CONF_UNSET_MSEC;
    source->tolerance = NGX_CONF_UNSET;

    ngx_http_intake_position(cf, &source->position);

    source->paths = ngx_array_create(cf->pool, 1,
                                     sizeof(ngx_intake_json_path_t));
    if (source->paths == NULL) {
        return NULL;
    }

    return source;
}


static char *
ngx_http_intake_source_stream(ngx_conf_t *cf, ngx_http_intake_directive_t *d,
    void *conf)
{
    ngx_http_intake_source_t *source = conf;

    ngx_str_t  *value;

    value = cf->args->elts;

    if (value[1].len == 0
        || ngx_strlchr(value[1].data, value[1].data + value[1].len, '{')
        || ngx_strlchr(value[1].data, value[1].data + value[1].len, '}'))
    {
        return "must be a key without \"{\" and \"}\": they mark the hash "
               "tag of the keys that belong to it";
    }

    source->stream.key = value[1];

    return NGX_CONF_OK;
}


static char *
ngx_http_intake_source_retain(ngx_conf_t *cf, ngx_http_intake_directive_t *d,
    void *conf)
{
    ngx_http_intake_source_t *source = conf;

    ngx_int_t    n;
    ngx_str_t   *value, s;
    ngx_uint_t   i;

    value = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {

        if (ngx_strncmp(value[i].data, "maxlen=", 7) == 0) {
            n = ngx_atoi(value[i].data + 7, value[i].len - 7);

            if (n == NGX_ERROR || n == 0 || source->stream.maxlen) {
                return "must have one maxlen=N of 1 or more entries";
            }

            source->stream.maxlen = n;
            continue;
        }

        if (ngx_strncmp(value[i].data, "age=", 4) == 0) {
            s.len = value[i].len - 4;
            s.data = value[i].data + 4;

            n = ngx_parse_time(&s, 0);

            if (n == NGX_ERROR || n == 0 || source->stream.age) {
                return "must have one age=TIME such as age=30d";
            }

            source->stream.age = n;
            continue;
        }

        return "takes maxlen=N and age=TIME";
    }

    return NGX_CONF_OK;
}


/* the consumer groups that the status shows: labels come from here only */

static char *
ngx_http_intake_source_groups(ngx_conf_t *cf, ngx_http_intake_directive_t *d,
    void *conf)
{
    ngx_http_intake_source_t *source = conf;

    ngx_str_t   *value, *name;
    ngx_uint_t   i, k;

    value = cf->args->elts;

    source->groups = ngx_array_create(cf->pool, cf->args->nelts - 1,
                                      sizeof(ngx_str_t));
    if (source->groups == NULL) {
        return NGX_CONF_ERROR;
    }

    for (i = 1; i < cf->args->nelts; i++) {

        if (value[i].len == 0 || value[i].len > NGX_HTTP_INTAKE_MAX_GROUP) {
            return "takes names of consumer groups, up to 64 bytes long";
        }

        if (!ngx_http_intake_is_printed(&value[i])) {
            return "takes names in UTF-8 without control characters";
        }

        for (k = 1; k < i; k++) {
            if (value[k].len == value[i].len
                && ngx_memcmp(value[k].data, value[i].data, value[i].len) == 0)
            {
                return "has the same name twice";
            }
        }

        name = ngx_array_push(source->groups);
        *name = value[i];
    }

    return NGX_CONF_OK;
}


/*
 * Names become labels: one byte that is not UTF-8, and no format of the status
 * can be read; a control character OpenMetrics cannot write.
 */

static ngx_uint_t
ngx_http_intake_is_printed(ngx_str_t *name)
{
    u_char    *p, *last;
    uint32_t   c;

    p = name->data;
    last = p + name->len;

    while (p < last) {
        c = ngx_intake_utf8_next(&p, last);

        if (c == NGX_INTAKE_UTF8_INVALID || c < ' '
            || (c >= 0x7f && c < 0xa0))
        {
            return 0;
        }
    }

    return 1;
}


static char *
ngx_http_intake_source_client_ip(ngx_conf_t *cf,
    ngx_http_intake_directive_t *d, void *conf)
{
    ngx_http_intake_source_t *source = conf;

    ngx_str_t  *value;

    value = cf->args->elts;

    if (ngx_strcmp(value[1].data, "on") == 0) {
        source->client_ip = NGX_HTTP_INTAKE_IP_ON;

    } else if (ngx_strcmp(value[1].data, "masked") == 0) {
        source->client_ip = NGX_HTTP_INTAKE_IP_MASKED;

    } else if (ngx_strcmp(value[1].data, "off") == 0) {
        source->client_ip = NGX_HTTP_INTAKE_IP_OFF;

    } else {
        return "must be \"on\", \"masked\" or \"off\"";
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_intake_source_platform(ngx_conf_t *cf,
    ngx_http_intake_directive_t *d, void *conf)
{
    ngx_http_intake_source_t *source = conf;

    ngx_str_t  *value;

    if (ngx_http_intake_webhook_directive(cf, source) != NGX_CONF_OK) {
        return NGX_CONF_ERROR;
    }

    value = cf->args->elts;

    source->platform_name = value[1];
    ngx_http_intake_position(cf, &source->platform_position);

    return NGX_CONF_OK;
}


/* secret VALUE|file:PATH [id=NAME]; verify_token VALUE|file:PATH */

static char *
ngx_http_intake_source_secret(ngx_conf_t *cf, ngx_http_intake_directive_t *d,
    void *conf)
{
    u_char                    *p;
    ngx_str_t                 *value;
    ngx_array_t              **secrets;
    ngx_http_intake_secret_t  *secret;

    if (ngx_http_intake_webhook_directive(cf, conf) != NGX_CONF_OK) {
        return NGX_CONF_ERROR;
    }

    value = cf->args->elts;
    p = conf;
    secrets = (ngx_array_t **) (p + d->offset);

    if (*secrets == NULL) {
        *secrets = ngx_array_create(cf->pool, 2,
                                    sizeof(ngx_http_intake_secret_t));
        if (*secrets == NULL) {
            return NGX_CONF_ERROR;
        }
    }

    if ((*secrets)->nelts == NGX_HTTP_INTAKE_MAX_SECRETS) {
        return "may stand 16 times: take out the oldest";
    }

    secret = ngx_array_push(*secrets);
    if (secret == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_memzero(secret, sizeof(ngx_http_intake_secret_t));
    ngx_http_intake_position(cf, &secret->position);

    if (ngx_http_intake_read_secret(cf, &value[1], (char *) d->name.data,
                                    &secret->value)
        != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    if (cf->args->nelts == 3) {
        if (ngx_strncmp(value[2].data, "id=", 3) != 0 || value[2].len == 3) {
            return "takes VALUE or file:PATH, then id=NAME";
        }

        secret->id.len = value[2].len - 3;
        secret->id.data = value[2].data + 3;
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_intake_source_set(ngx_conf_t *cf, ngx_http_intake_directive_t *d,
    void *conf)
{
    ngx_http_intake_source_t *source = conf;

    ngx_str_t     *value;
    ngx_uint_t     i;
    ngx_keyval_t  *kv;

    if (ngx_http_intake_webhook_directive(cf, source) != NGX_CONF_OK) {
        return NGX_CONF_ERROR;
    }

    value = cf->args->elts;

    if (source->set == NULL) {
        source->set = ngx_array_create(cf->pool, 2, sizeof(ngx_keyval_t));
        if (source->set == NULL) {
            return NGX_CONF_ERROR;
        }
    }

    kv = source->set->elts;

    for (i = 0; i < source->set->nelts; i++) {
        if (kv[i].key.len == value[1].len
            && ngx_strncmp(kv[i].key.data, value[1].data, value[1].len) == 0)
        {
            return "sets the same name twice";
        }
    }

    kv = ngx_array_push(source->set);
    if (kv == NULL) {
        return NGX_CONF_ERROR;
    }

    kv->key = value[1];

    if (ngx_http_intake_read_secret(cf, &value[2], "set", &kv->value)
        != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


/* https://HOST[:PORT], as the platform knows it; the path is the request's */

static char *
ngx_http_intake_source_url_base(ngx_conf_t *cf,
    ngx_http_intake_directive_t *d, void *conf)
{
    ngx_http_intake_source_t *source = conf;

    size_t      skip;
    u_char     *p, *last;
    ngx_str_t  *value;

    if (ngx_http_intake_webhook_directive(cf, source) != NGX_CONF_OK) {
        return NGX_CONF_ERROR;
    }

    value = cf->args->elts;

    if (ngx_strncmp(value[1].data, "https://", 8) == 0) {
        skip = 8;

    } else if (ngx_strncmp(value[1].data, "http://", 7) == 0) {
        skip = 7;

    } else {
        return "must be https://HOST[:PORT] or http://HOST[:PORT]";
    }

    p = value[1].data + skip;
    last = value[1].data + value[1].len;

    if (p == last || ngx_strlchr(p, last, '/') || ngx_strlchr(p, last, '?')
        || ngx_strlchr(p, last, '#'))
    {
        return "must end after the host or its port: the path is that of "
               "the request";
    }

    source->url_base = value[1];

    return NGX_CONF_OK;
}


static char *
ngx_http_intake_source_answer(ngx_conf_t *cf, ngx_http_intake_directive_t *d,
    void *conf)
{
    ngx_http_intake_source_t *source = conf;

    if (ngx_http_intake_webhook_directive(cf, source) != NGX_CONF_OK) {
        return NGX_CONF_ERROR;
    }

    return ngx_http_intake_parse_answer(cf, source->paths, &source->answer);
}


static char *
ngx_http_intake_source_tolerance(ngx_conf_t *cf,
    ngx_http_intake_directive_t *d, void *conf)
{
    if (ngx_http_intake_webhook_directive(cf, conf) != NGX_CONF_OK) {
        return NGX_CONF_ERROR;
    }

    return ngx_http_intake_set_tolerance(cf, d, conf);
}
