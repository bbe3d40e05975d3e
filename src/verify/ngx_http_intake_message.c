
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake.h"


/*
 * The messages of a delivery, by the rules of `message`.  An element is what
 * "each" names, or the delivery itself; of the rules with the same "each" the
 * first one whose conditions hold decides what it is.
 */


#define NGX_HTTP_INTAKE_MAX_MESSAGES  1000


typedef struct {
    ngx_http_intake_ctx_t          *ctx;

    uint32_t                       *indices;    /* of the element */
    ngx_uint_t                      nindices;

    ngx_array_t                     values;     /* of the REF read last */
    ngx_array_t                     others;
} ngx_http_intake_element_t;


static ngx_int_t ngx_http_intake_read_elements(ngx_http_intake_element_t *e,
    ngx_uint_t rule);
static ngx_int_t ngx_http_intake_read_element(ngx_http_intake_element_t *e,
    ngx_uint_t rule);
static ngx_int_t ngx_http_intake_conditions(ngx_http_intake_element_t *e,
    ngx_array_t *conditions, ngx_uint_t wanted);
static ngx_int_t ngx_http_intake_condition(ngx_http_intake_element_t *e,
    ngx_http_intake_cond_t *condition);
static ngx_int_t ngx_http_intake_add_message(ngx_http_intake_element_t *e,
    ngx_http_intake_message_rule_t *rule);
static ngx_int_t ngx_http_intake_join_refs(ngx_http_intake_element_t *e,
    ngx_array_t *refs, ngx_str_t *text);
static ngx_int_t ngx_http_intake_read_ref(ngx_http_intake_element_t *e,
    ngx_http_intake_ref_t *ref, ngx_array_t *values);
static ngx_int_t ngx_http_intake_read_bound(ngx_http_intake_element_t *e,
    ngx_http_intake_src_t *src, ngx_array_t *values);
static ngx_int_t ngx_http_intake_compare_indices(
    ngx_http_intake_element_t *e, ngx_http_intake_json_value_t *value);
static ngx_uint_t ngx_http_intake_same_text(ngx_str_t *one, ngx_str_t *two);
static ngx_uint_t ngx_http_intake_refs_use_document(ngx_array_t *refs);


ngx_int_t
ngx_http_intake_find_messages(ngx_http_intake_ctx_t *ctx)
{
    ngx_uint_t                       i, j;
    ngx_array_t                     *rules;
    ngx_http_intake_element_t        e;
    ngx_http_intake_message_t       *message;
    ngx_http_intake_message_rule_t  *rule;

    rules = ctx->source->platform->messages;

    if (rules == NULL) {
        return NGX_OK;
    }

    ngx_memzero(&e, sizeof(ngx_http_intake_element_t));

    e.ctx = ctx;

    if (ngx_array_init(&e.values, ctx->request->pool, 4, sizeof(ngx_str_t))
        != NGX_OK
        || ngx_array_init(&e.others, ctx->request->pool, 4, sizeof(ngx_str_t))
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    rule = rules->elts;

    for (i = 0; i < rules->nelts; i++) {

        for (j = 0; j < i; j++) {
            if (rule[j].each == rule[i].each) {
                break;
            }
        }

        if (j == i && ngx_http_intake_read_elements(&e, i) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    if (ctx->messages == NULL) {
        return NGX_OK;
    }

    message = ctx->messages->elts;

    for (i = 1; i < ctx->messages->nelts; i++) {
        if (!ngx_http_intake_same_text(&message[i].conversation,
                                       &message[0].conversation))
        {
            return NGX_OK;
        }
    }

    ctx->conversation = message[0].conversation;

    return NGX_OK;
}


/* the elements of rule, which is the first with its "each" */

static ngx_int_t
ngx_http_intake_read_elements(ngx_http_intake_element_t *e, ngx_uint_t rule)
{
    ngx_uint_t                       i;
    ngx_array_t                     *found;
    ngx_http_intake_json_value_t    *value;
    ngx_http_intake_message_rule_t  *rules;

    rules = e->ctx->source->platform->messages->elts;

    if (rules[rule].each == NGX_ERROR) {
        e->indices = NULL;
        e->nindices = 0;

        return ngx_http_intake_read_element(e, rule);
    }

    if (ngx_http_intake_read_json(e->ctx) != NGX_OK) {
        return NGX_ERROR;
    }

    found = (ngx_array_t *) e->ctx->json->elts + rules[rule].each;
    value = found->elts;

    for (i = 0; i < found->nelts; i++) {
        e->indices = value[i].indices;
        e->nindices = value[i].nindices;

        if (ngx_http_intake_read_element(e, rule) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_intake_read_element(ngx_http_intake_element_t *e, ngx_uint_t rule)
{
    ngx_int_t                        rc;
    ngx_uint_t                       i;
    ngx_array_t                     *rules;
    ngx_http_intake_message_rule_t  *r;

    rules = e->ctx->source->platform->messages;
    r = rules->elts;

    for (i = rule; i < rules->nelts; i++) {

        if (r[i].each != r[rule].each) {
            continue;
        }

        rc = ngx_http_intake_conditions(e, r[i].when, 1);

        if (rc == NGX_OK) {
            rc = ngx_http_intake_conditions(e, r[i].unless, 0);
        }

        if (rc == NGX_OK) {
            rc = ngx_http_intake_add_message(e, &r[i]);
            return (rc == NGX_DECLINED) ? NGX_OK : rc;
        }

        if (rc == NGX_ERROR) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* NGX_OK: all of them are wanted; NGX_DECLINED: not all */

static ngx_int_t
ngx_http_intake_conditions(ngx_http_intake_element_t *e,
    ngx_array_t *conditions, ngx_uint_t wanted)
{
    ngx_int_t                rc;
    ngx_uint_t               i;
    ngx_http_intake_cond_t  *condition;

    if (conditions == NULL) {
        return NGX_OK;
    }

    condition = conditions->elts;

    for (i = 0; i < conditions->nelts; i++) {

        rc = ngx_http_intake_condition(e, &condition[i]);

        if (rc == NGX_ERROR) {
            return NGX_ERROR;
        }

        if ((rc == NGX_OK) != (wanted == 1)) {
            return NGX_DECLINED;
        }
    }

    return NGX_OK;
}


/*
 * NGX_OK: it holds; NGX_DECLINED: it does not.  What is absent is neither the
 * same as anything nor different from it.
 */

static ngx_int_t
ngx_http_intake_condition(ngx_http_intake_element_t *e,
    ngx_http_intake_cond_t *condition)
{
    ngx_str_t   *value, *other;
    ngx_uint_t   i, j, same;

    if (ngx_http_intake_read_ref(e, condition->ref, &e->values) != NGX_OK) {
        return NGX_ERROR;
    }

    if (e->values.nelts == 0) {
        return NGX_DECLINED;
    }

    value = e->values.elts;

    switch (condition->type) {

    case NGX_HTTP_INTAKE_COND_PRESENT:
        return NGX_OK;

    case NGX_HTTP_INTAKE_COND_VALUES:
        other = condition->values->elts;

        for (i = 0; i < e->values.nelts; i++) {
            for (j = 0; j < condition->values->nelts; j++) {
                if (ngx_http_intake_same_text(&value[i], &other[j])) {
                    return NGX_OK;
                }
            }
        }

        return NGX_DECLINED;

    default: /* NGX_HTTP_INTAKE_COND_SAME, NGX_HTTP_INTAKE_COND_DIFFERENT */
        break;
    }

    if (ngx_http_intake_read_ref(e, condition->other, &e->others) != NGX_OK) {
        return NGX_ERROR;
    }

    if (e->others.nelts == 0) {
        return NGX_DECLINED;
    }

    other = e->others.elts;
    same = ngx_http_intake_same_text(&value[0], &other[0]);

    return same == (condition->type == NGX_HTTP_INTAKE_COND_SAME)
           ? NGX_OK : NGX_DECLINED;
}


/* NGX_DECLINED: a part of it is missing */

static ngx_int_t
ngx_http_intake_add_message(ngx_http_intake_element_t *e,
    ngx_http_intake_message_rule_t *rule)
{
    ngx_int_t                   rc;
    ngx_str_t                   conversation, id;
    ngx_array_t                *messages;
    ngx_http_intake_message_t  *message;

    rc = ngx_http_intake_join_refs(e, rule->conversation, &conversation);

    if (rc == NGX_OK) {
        rc = ngx_http_intake_join_refs(e, rule->id, &id);
    }

    if (rc != NGX_OK) {
        return rc;
    }

    messages = e->ctx->messages;

    if (messages == NULL) {
        messages = ngx_array_create(e->ctx->request->pool, 1,
                                    sizeof(ngx_http_intake_message_t));
        if (messages == NULL) {
            return NGX_ERROR;
        }

        e->ctx->messages = messages;
    }

    if (messages->nelts == NGX_HTTP_INTAKE_MAX_MESSAGES) {

        if (!e->ctx->left_out) {
            ngx_log_error(NGX_LOG_WARN, e->ctx->request->connection->log, 0,
                          "client sent more than %d messages to "
                          "intake_source \"%V\": those after them have no "
                          "response clock", NGX_HTTP_INTAKE_MAX_MESSAGES,
                          &e->ctx->source->name);
        }

        e->ctx->left_out = 1;

        return NGX_OK;
    }

    message = ngx_array_push(messages);
    if (message == NULL) {
        return NGX_ERROR;
    }

    message->direction = rule->direction;
    message->conversation = conversation;
    message->id = id;
    message->time = -1;

    if (rule->time == NULL) {
        return NGX_OK;
    }

    if (ngx_http_intake_read_ref(e, rule->time, &e->values) != NGX_OK) {
        return NGX_ERROR;
    }

    if (e->values.nelts) {
        (void) ngx_intake_time_parse(rule->unit, e->values.elts,
                                     &message->time);
    }

    return NGX_OK;
}


/* the first values of all refs, with ":"; NGX_DECLINED: one has none */

static ngx_int_t
ngx_http_intake_join_refs(ngx_http_intake_element_t *e, ngx_array_t *refs,
    ngx_str_t *text)
{
    ngx_str_t                joined, *value;
    ngx_uint_t               i;
    ngx_http_intake_ref_t  **ref;

    ngx_str_null(text);

    if (refs == NULL) {
        return NGX_OK;
    }

    ref = refs->elts;

    for (i = 0; i < refs->nelts; i++) {

        if (ngx_http_intake_read_ref(e, ref[i], &e->values) != NGX_OK) {
            return NGX_ERROR;
        }

        if (e->values.nelts == 0) {
            return NGX_DECLINED;
        }

        value = e->values.elts;

        if (i == 0) {
            *text = *value;
            continue;
        }

        joined.len = text->len + 1;
        joined.data = ngx_pnalloc(e->ctx->request->pool,
                                  joined.len + value->len);
        if (joined.data == NULL) {
            return NGX_ERROR;
        }

        ngx_memcpy(joined.data, text->data, text->len);
        joined.data[text->len] = ':';

        ngx_memcpy(joined.data + joined.len, value->data, value->len);

        text->data = joined.data;
        text->len = joined.len + value->len;
    }

    return NGX_OK;
}


/* the values, none of them empty, of the first alternative that has any */

static ngx_int_t
ngx_http_intake_read_ref(ngx_http_intake_element_t *e,
    ngx_http_intake_ref_t *ref, ngx_array_t *values)
{
    ngx_str_t              *value, *v;
    ngx_uint_t              i, j, n;
    ngx_http_intake_src_t  *src;

    values->nelts = 0;
    src = ref->elts;

    for (i = 0; i < ref->nelts && values->nelts == 0; i++) {

        if (src[i].kind == NGX_HTTP_INTAKE_SRC_JSON) {

            if (ngx_http_intake_read_bound(e, &src[i], values) != NGX_OK) {
                return NGX_ERROR;
            }

        } else {
            if (ngx_http_intake_extract(e->ctx, &src[i], &value, &n)
                != NGX_OK)
            {
                return NGX_ERROR;
            }

            for (j = 0; j < n; j++) {
                v = ngx_array_push(values);
                if (v == NULL) {
                    return NGX_ERROR;
                }

                *v = value[j];
            }
        }

        v = values->elts;
        n = 0;

        for (j = 0; j < values->nelts; j++) {
            if (v[j].len) {
                v[n++] = v[j];
            }
        }

        values->nelts = n;
    }

    return NGX_OK;
}


/*
 * Those values of a path whose indices are the element's, as far as both have
 * some; they are ordered by them.
 */

static ngx_int_t
ngx_http_intake_read_bound(ngx_http_intake_element_t *e,
    ngx_http_intake_src_t *src, ngx_array_t *values)
{
    ngx_uint_t                     low, high, middle;
    ngx_array_t                   *found;
    ngx_http_intake_json_value_t  *value;

    if (ngx_http_intake_read_json(e->ctx) != NGX_OK) {
        return NGX_ERROR;
    }

    found = (ngx_array_t *) e->ctx->json->elts + src->path;
    value = found->elts;

    low = 0;
    high = found->nelts;

    while (low < high) {
        middle = low + (high - low) / 2;

        if (ngx_http_intake_compare_indices(e, &value[middle]) < 0) {
            low = middle + 1;

        } else {
            high = middle;
        }
    }

    for ( /* void */ ; low < found->nelts; low++) {

        if (ngx_http_intake_compare_indices(e, &value[low]) != 0) {
            break;
        }

        if (value[low].container) {
            continue;
        }

        if (ngx_http_intake_select(src, &value[low].value, values) != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* less than 0: value stands before the element, 0: it belongs to it */

static ngx_int_t
ngx_http_intake_compare_indices(ngx_http_intake_element_t *e,
    ngx_http_intake_json_value_t *value)
{
    ngx_uint_t  i, n;

    n = ngx_min(e->nindices, value->nindices);

    for (i = 0; i < n; i++) {
        if (value->indices[i] != e->indices[i]) {
            return value->indices[i] < e->indices[i] ? -1 : 1;
        }
    }

    return 0;
}


static ngx_uint_t
ngx_http_intake_same_text(ngx_str_t *one, ngx_str_t *two)
{
    return one->len == two->len
           && (one->len == 0
               || ngx_memcmp(one->data, two->data, one->len) == 0);
}


ngx_uint_t
ngx_http_intake_messages_use_document(ngx_http_intake_platform_t *platform)
{
    ngx_uint_t                       i;
    ngx_http_intake_message_rule_t  *rule;

    rule = platform->messages->elts;

    for (i = 0; i < platform->messages->nelts; i++) {

        if (rule[i].each != NGX_ERROR
            || ngx_http_intake_refs_use_document(rule[i].conversation))
        {
            return 1;
        }
    }

    return 0;
}


static ngx_uint_t
ngx_http_intake_refs_use_document(ngx_array_t *refs)
{
    ngx_uint_t               i, j;
    ngx_http_intake_ref_t  **ref;
    ngx_http_intake_src_t   *src;

    ref = refs->elts;

    for (i = 0; i < refs->nelts; i++) {
        src = ref[i]->elts;

        for (j = 0; j < ref[i]->nelts; j++) {
            if (ngx_http_intake_is_document(&src[j])) {
                return 1;
            }
        }
    }

    return 0;
}
