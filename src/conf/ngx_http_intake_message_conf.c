
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake_platform.h"


/*
 *  message inbound|outbound|auto [each=json:PATH] [when=COND]...
 *          [unless=COND]... conversation=REF... [id=REF]... [time=REF]
 *          [unit=s|ms|rfc3339|snowflake]
 *
 * REF is SRC|SRC|...; "@" in it is the element that each= names, so that
 * with each=json:a.* "@.b" is json:a.*.b.  Without each= the delivery is the
 * element, and "@.b" is json:b.  split= and prefix= may follow a parameter
 * and belong to the last SRC of it.
 */


typedef struct {
    ngx_conf_t                      *cf;
    ngx_array_t                     *paths;
    ngx_str_t                        each;
    ngx_http_intake_src_t           *last;     /* read */
    ngx_http_intake_message_rule_t  *rule;
    ngx_uint_t                       unit_set;
} ngx_http_intake_message_parser_t;


static ngx_int_t ngx_http_intake_message_each(
    ngx_http_intake_message_parser_t *mp);
static ngx_int_t ngx_http_intake_message_param(
    ngx_http_intake_message_parser_t *mp, ngx_str_t *arg);
static ngx_int_t ngx_http_intake_message_time(
    ngx_http_intake_message_parser_t *mp, ngx_str_t *text);
static ngx_int_t ngx_http_intake_message_unit(
    ngx_http_intake_message_parser_t *mp, ngx_str_t *text);
static ngx_int_t ngx_http_intake_add_ref(
    ngx_http_intake_message_parser_t *mp, ngx_array_t **refs,
    ngx_str_t *text);
static ngx_http_intake_ref_t *ngx_http_intake_parse_ref(
    ngx_http_intake_message_parser_t *mp, u_char *start, u_char *end);
static ngx_int_t ngx_http_intake_parse_element(
    ngx_http_intake_message_parser_t *mp, ngx_str_t *text,
    ngx_http_intake_src_t *src);
static ngx_int_t ngx_http_intake_add_cond(
    ngx_http_intake_message_parser_t *mp, ngx_array_t **conds,
    ngx_str_t *text);
static ngx_array_t *ngx_http_intake_parse_values(
    ngx_http_intake_message_parser_t *mp, u_char *start, u_char *end);


static ngx_http_intake_choice_t  ngx_http_intake_directions[] = {
    { ngx_string("inbound"), NGX_HTTP_INTAKE_INBOUND },
    { ngx_string("outbound"), NGX_HTTP_INTAKE_OUTBOUND },
    { ngx_string("auto"), NGX_HTTP_INTAKE_AUTO },
    ngx_http_intake_null_choice
};


static ngx_http_intake_choice_t  ngx_http_intake_message_units[] = {
    { ngx_string("s"), NGX_INTAKE_TIME_S },
    { ngx_string("ms"), NGX_INTAKE_TIME_MS },
    { ngx_string("rfc3339"), NGX_INTAKE_TIME_RFC3339 },
    { ngx_string("snowflake"), NGX_INTAKE_TIME_SNOWFLAKE },
    ngx_http_intake_null_choice
};


enum {
    ngx_http_intake_param_each = 0,
    ngx_http_intake_param_when,
    ngx_http_intake_param_unless,
    ngx_http_intake_param_conversation,
    ngx_http_intake_param_id,
    ngx_http_intake_param_time,
    ngx_http_intake_param_unit
};


static ngx_http_intake_choice_t  ngx_http_intake_message_params[] = {
    { ngx_string("each"), ngx_http_intake_param_each },
    { ngx_string("when"), ngx_http_intake_param_when },
    { ngx_string("unless"), ngx_http_intake_param_unless },
    { ngx_string("conversation"), ngx_http_intake_param_conversation },
    { ngx_string("id"), ngx_http_intake_param_id },
    { ngx_string("time"), ngx_http_intake_param_time },
    { ngx_string("unit"), ngx_http_intake_param_unit },
    ngx_http_intake_null_choice
};


char *
ngx_http_intake_set_message(ngx_conf_t *cf, ngx_http_intake_directive_t *d,
    void *conf)
{
    ngx_http_intake_platform_conf_t *pc = conf;

    ngx_int_t                          direction, rc;
    ngx_str_t                         *value;
    ngx_uint_t                         i;
    ngx_http_intake_message_rule_t     rule, *r;
    ngx_http_intake_message_parser_t   mp;

    value = cf->args->elts;

    direction = ngx_http_intake_choose(cf, ngx_http_intake_directions,
                                       &value[1], "direction", "message");
    if (direction == NGX_ERROR) {
        return NGX_CONF_ERROR;
    }

    ngx_memzero(&rule, sizeof(ngx_http_intake_message_rule_t));
    ngx_memzero(&mp, sizeof(ngx_http_intake_message_parser_t));

    rule.direction = direction;
    rule.unit = NGX_INTAKE_TIME_S;

    mp.cf = cf;
    mp.paths = pc->platform.paths;
    mp.rule = &rule;

    if (ngx_http_intake_message_each(&mp) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    for (i = 2; i < cf->args->nelts; i++) {

        rc = ngx_http_intake_src_option(cf, &value[i], "message", mp.last);

        if (rc == NGX_DECLINED) {
            rc = ngx_http_intake_message_param(&mp, &value[i]);
        }

        if (rc != NGX_OK) {
            return NGX_CONF_ERROR;
        }
    }

    if (rule.conversation == NULL) {
        return "has no \"conversation=\": write where the customer's or "
               "thread's id stands, such as conversation=json:from.id";
    }

    if (mp.unit_set && rule.time == NULL) {
        return "has \"unit=\" without \"time=\"";
    }

    if (pc->platform.messages == NULL) {
        pc->platform.messages = ngx_array_create(cf->pool, 4,
                                      sizeof(ngx_http_intake_message_rule_t));
        if (pc->platform.messages == NULL) {
            return NGX_CONF_ERROR;
        }
    }

    r = ngx_array_push(pc->platform.messages);
    if (r == NULL) {
        return NGX_CONF_ERROR;
    }

    *r = rule;

    return NGX_CONF_OK;
}


/* "@" in front of each= needs it as well */

static ngx_int_t
ngx_http_intake_message_each(ngx_http_intake_message_parser_t *mp)
{
    ngx_str_t              *value, text;
    ngx_uint_t              i;
    ngx_http_intake_src_t   src;

    mp->rule->each = NGX_ERROR;

    value = mp->cf->args->elts;

    for (i = 2; i < mp->cf->args->nelts; i++) {

        if (!ngx_http_intake_param(&value[i], "each=", &text)) {
            continue;
        }

        if (mp->each.len) {
            ngx_conf_log_error(NGX_LOG_EMERG, mp->cf, 0,
                               "duplicate \"each=\" in \"message\"");
            return NGX_ERROR;
        }

        if (ngx_http_intake_parse_src(mp->cf, mp->paths, &text, "message",
                                      &src)
            != NGX_OK)
        {
            return NGX_ERROR;
        }

        if (src.kind != NGX_HTTP_INTAKE_SRC_JSON || src.split
            || src.prefix.len)
        {
            ngx_conf_log_error(NGX_LOG_EMERG, mp->cf, 0,
                               "\"%V\" in \"message\" must be "
                               "each=json:PATH", &value[i]);
            return NGX_ERROR;
        }

        mp->rule->each = src.path;
        mp->each = src.name;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_intake_message_param(ngx_http_intake_message_parser_t *mp,
    ngx_str_t *arg)
{
    u_char     *p;
    ngx_int_t   param;
    ngx_str_t   name, text;

    name = *arg;
    p = ngx_strlchr(arg->data, arg->data + arg->len, '=');

    if (p) {
        name.len = p - arg->data;
    }

    param = ngx_http_intake_choose(mp->cf, ngx_http_intake_message_params,
                                   &name, "parameter", "message");
    if (param == NGX_ERROR) {
        return NGX_ERROR;
    }

    if (p == NULL || p + 1 == arg->data + arg->len) {
        ngx_conf_log_error(NGX_LOG_EMERG, mp->cf, 0,
                           "no value of \"%V=\" in \"message\"", &name);
        return NGX_ERROR;
    }

    text.data = p + 1;
    text.len = arg->data + arg->len - text.data;

    mp->last = NULL;

    switch (param) {

    case ngx_http_intake_param_when:
        return ngx_http_intake_add_cond(mp, &mp->rule->when, &text);

    case ngx_http_intake_param_unless:
        return ngx_http_intake_add_cond(mp, &mp->rule->unless, &text);

    case ngx_http_intake_param_conversation:
        return ngx_http_intake_add_ref(mp, &mp->rule->conversation, &text);

    case ngx_http_intake_param_id:
        return ngx_http_intake_add_ref(mp, &mp->rule->id, &text);

    case ngx_http_intake_param_time:
        return ngx_http_intake_message_time(mp, &text);

    case ngx_http_intake_param_unit:
        return ngx_http_intake_message_unit(mp, &text);

    default: /* each= has been read */
        return NGX_OK;
    }
}


static ngx_int_t
ngx_http_intake_message_time(ngx_http_intake_message_parser_t *mp,
    ngx_str_t *text)
{
    if (mp->rule->time) {
        ngx_conf_log_error(NGX_LOG_EMERG, mp->cf, 0,
                           "duplicate \"time=\" in \"message\"");
        return NGX_ERROR;
    }

    mp->rule->time = ngx_http_intake_parse_ref(mp, text->data,
                                               text->data + text->len);

    return mp->rule->time ? NGX_OK : NGX_ERROR;
}


static ngx_int_t
ngx_http_intake_message_unit(ngx_http_intake_message_parser_t *mp,
    ngx_str_t *text)
{
    ngx_int_t  unit;

    if (mp->unit_set) {
        ngx_conf_log_error(NGX_LOG_EMERG, mp->cf, 0,
                           "duplicate \"unit=\" in \"message\"");
        return NGX_ERROR;
    }

    unit = ngx_http_intake_choose(mp->cf, ngx_http_intake_message_units, text,
                                  "unit", "message");
    if (unit == NGX_ERROR) {
        return NGX_ERROR;
    }

    mp->rule->unit = unit;
    mp->unit_set = 1;

    return NGX_OK;
}


static ngx_int_t
ngx_http_intake_add_ref(ngx_http_intake_message_parser_t *mp,
    ngx_array_t **refs, ngx_str_t *text)
{
    ngx_http_intake_ref_t  *ref, **r;

    ref = ngx_http_intake_parse_ref(mp, text->data, text->data + text->len);
    if (ref == NULL) {
        return NGX_ERROR;
    }

    if (*refs == NULL) {
        *refs = ngx_array_create(mp->cf->pool, 2,
                                 sizeof(ngx_http_intake_ref_t *));
        if (*refs == NULL) {
            return NGX_ERROR;
        }
    }

    r = ngx_array_push(*refs);
    if (r == NULL) {
        return NGX_ERROR;
    }

    *r = ref;

    return NGX_OK;
}


static ngx_http_intake_ref_t *
ngx_http_intake_parse_ref(ngx_http_intake_message_parser_t *mp,
    u_char *start, u_char *end)
{
    u_char                 *p;
    ngx_int_t               rc;
    ngx_str_t               text;
    ngx_array_t            *ref;
    ngx_http_intake_src_t  *src;

    ref = ngx_array_create(mp->cf->pool, 1, sizeof(ngx_http_intake_src_t));
    if (ref == NULL) {
        return NULL;
    }

    for ( ;; ) {
        p = ngx_strlchr(start, end, '|');

        text.data = start;
        text.len = (p ? p : end) - start;

        src = ngx_array_push(ref);
        if (src == NULL) {
            return NULL;
        }

        if (text.len && text.data[0] == '@') {
            rc = ngx_http_intake_parse_element(mp, &text, src);

        } else {
            rc = ngx_http_intake_parse_src(mp->cf, mp->paths, &text,
                                           "message", src);
        }

        if (rc != NGX_OK) {
            return NULL;
        }

        if (p == NULL) {
            mp->last = src;
            return ref;
        }

        start = p + 1;
    }
}


static ngx_int_t
ngx_http_intake_parse_element(ngx_http_intake_message_parser_t *mp,
    ngx_str_t *text, ngx_http_intake_src_t *src)
{
    u_char     *p;
    ngx_str_t   rest, path;

    rest.data = text->data + 1;
    rest.len = text->len - 1;

    if (rest.len && rest.data[0] != '.' && rest.data[0] != ' ') {
        ngx_conf_log_error(NGX_LOG_EMERG, mp->cf, 0,
                           "\"%V\" in \"message\": write \"@\" or \"@.NAME\"",
                           text);
        return NGX_ERROR;
    }

    if (mp->each.len == 0) {

        if (rest.len == 0 || rest.data[0] == ' ') {
            ngx_conf_log_error(NGX_LOG_EMERG, mp->cf, 0,
                               "\"%V\" in \"message\" without \"each=\" is "
                               "the whole delivery, which is no value", text);
            return NGX_ERROR;
        }

        rest.data++;
        rest.len--;
    }

    path.len = sizeof("json:") - 1 + mp->each.len + rest.len;
    path.data = ngx_pnalloc(mp->cf->pool, path.len);
    if (path.data == NULL) {
        return NGX_ERROR;
    }

    p = ngx_cpymem(path.data, "json:", sizeof("json:") - 1);
    p = ngx_cpymem(p, mp->each.data, mp->each.len);
    ngx_memcpy(p, rest.data, rest.len);

    return ngx_http_intake_parse_src(mp->cf, mp->paths, &path, "message",
                                     src);
}


/* REF, REF=V|W, REF==REF, REF!=REF */

static ngx_int_t
ngx_http_intake_add_cond(ngx_http_intake_message_parser_t *mp,
    ngx_array_t **conds, ngx_str_t *text)
{
    u_char                  *p, *end, *last;
    ngx_http_intake_cond_t  *cond;

    if (*conds == NULL) {
        *conds = ngx_array_create(mp->cf->pool, 2,
                                  sizeof(ngx_http_intake_cond_t));
        if (*conds == NULL) {
            return NGX_ERROR;
        }
    }

    cond = ngx_array_push(*conds);
    if (cond == NULL) {
        return NGX_ERROR;
    }

    ngx_memzero(cond, sizeof(ngx_http_intake_cond_t));

    if (ngx_http_intake_find_value(mp->cf, text, "message", &p) != NGX_OK) {
        return NGX_ERROR;
    }

    last = text->data + text->len;
    end = last;

    if (p) {
        end = p++;

        if (end > text->data && end[-1] == '!') {
            cond->type = NGX_HTTP_INTAKE_COND_DIFFERENT;
            end--;

        } else if (p < last && *p == '=') {
            cond->type = NGX_HTTP_INTAKE_COND_SAME;
            p++;

        } else {
            cond->type = NGX_HTTP_INTAKE_COND_VALUES;
        }
    }

    cond->ref = ngx_http_intake_parse_ref(mp, text->data, end);
    if (cond->ref == NULL) {
        return NGX_ERROR;
    }

    if (p == NULL) {
        return NGX_OK;
    }

    if (cond->type == NGX_HTTP_INTAKE_COND_VALUES) {
        cond->values = ngx_http_intake_parse_values(mp, p, last);
        return cond->values ? NGX_OK : NGX_ERROR;
    }

    cond->other = ngx_http_intake_parse_ref(mp, p, last);

    return cond->other ? NGX_OK : NGX_ERROR;
}


static ngx_array_t *
ngx_http_intake_parse_values(ngx_http_intake_message_parser_t *mp,
    u_char *start, u_char *end)
{
    u_char       *p;
    ngx_str_t    *value;
    ngx_array_t  *values;

    values = ngx_array_create(mp->cf->pool, 2, sizeof(ngx_str_t));
    if (values == NULL) {
        return NULL;
    }

    for ( ;; ) {
        p = ngx_strlchr(start, end, '|');

        value = ngx_array_push(values);
        if (value == NULL) {
            return NULL;
        }

        value->data = start;
        value->len = (p ? p : end) - start;

        if (value->len == 0) {
            ngx_conf_log_error(NGX_LOG_EMERG, mp->cf, 0,
                               "empty value after \"=\" in \"message\", write "
                               "REF=VALUE, or REF alone for any value");
            return NULL;
        }

        if (p == NULL) {
            return values;
        }

        start = p + 1;
    }
}
