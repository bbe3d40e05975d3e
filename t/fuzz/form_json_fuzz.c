/* sources: src/form/ngx_intake_form_json.c src/form/ngx_intake_utf8.c */
/* sources: src/json/ngx_intake_json.c src/json/ngx_intake_json_scan.c */
/* sources: src/json/ngx_intake_json_string.c */
/* libs: -ljansson */

/*
 * Copyright (C) nginx-intake contributors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <jansson.h>
#include "ngx_intake_form_json.h"
#include "ngx_intake_utf8.h"


/*
 * The input is a body of JSON.  What is reported keeps the limits and is UTF-8;
 * if jansson reads it as an object whose members a form may have, its pairs are
 * those of jansson.
 */


#define FUZZ_FIELDS  64
#define FUZZ_NAME    64
#define FUZZ_VALUE   256

#define check(condition)  if (!(condition)) { abort(); }


typedef struct {
    ngx_uint_t    n;
    ngx_str_t     names[FUZZ_FIELDS];
    ngx_str_t     values[FUZZ_FIELDS];
    ngx_uint_t    found;                   /* of jansson's */
} fuzz_form_t;


static ngx_intake_form_limits_t  fuzz_limits = {
    FUZZ_FIELDS, 0, FUZZ_NAME, FUZZ_VALUE, 0
};


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static ngx_str_t
fuzz_copy(ngx_str_t *text)
{
    ngx_str_t  copy;

    check(ngx_intake_utf8_valid(text->data, text->len));

    copy.len = text->len;
    copy.data = malloc(text->len + 1);
    memcpy(copy.data, text->data, text->len);

    return copy;
}


static ngx_int_t
fuzz_pair(void *ctx, ngx_str_t *name, ngx_str_t *value, ngx_uint_t replaced)
{
    fuzz_form_t *form = ctx;

    check(form->n < FUZZ_FIELDS);
    check(name->len <= FUZZ_NAME && value->len <= FUZZ_VALUE);

    form->names[form->n] = fuzz_copy(name);
    form->values[form->n] = fuzz_copy(value);
    form->n++;

    return NGX_OK;
}


/* whether a form may have it, and how many fields it is */

static ngx_int_t
fuzz_fields(json_t *value, ngx_uint_t array)
{
    size_t   i;
    json_t  *element;

    switch (json_typeof(value)) {

    case JSON_STRING:
        return (json_string_length(value) > FUZZ_VALUE) ? NGX_ERROR : 1;

    case JSON_NULL:
        return array ? NGX_ERROR : 0;

    case JSON_OBJECT:
        return NGX_ERROR;

    case JSON_ARRAY:

        if (array) {
            return NGX_ERROR;
        }

        json_array_foreach(value, i, element) {
            if (fuzz_fields(element, 1) == NGX_ERROR) {
                return NGX_ERROR;
            }
        }

        return json_array_size(value);

    default:
        return 1;
    }
}


/* numbers are as they were written, so only that there is one is compared */

static void
fuzz_expect(fuzz_form_t *form, const char *name, size_t len, json_t *value)
{
    size_t       i;
    json_t      *element;
    ngx_str_t   *text;

    if (json_is_null(value)) {
        return;
    }

    if (json_is_array(value)) {
        json_array_foreach(value, i, element) {
            fuzz_expect(form, name, len, element);
        }

        return;
    }

    check(form->found < form->n);

    text = &form->names[form->found];
    check(text->len == len && memcmp(text->data, name, len) == 0);

    text = &form->values[form->found++];

    if (json_is_string(value)) {
        check(text->len == json_string_length(value)
              && memcmp(text->data, json_string_value(value), text->len)
                 == 0);

    } else if (json_is_boolean(value)) {
        check(strncmp((char *) text->data,
                      json_is_true(value) ? "true" : "false", text->len)
              == 0 && text->len == 5u - json_is_true(value));

    } else {
        check(text->len && (text->data[0] == '-'
                            || (text->data[0] >= '0'
                                && text->data[0] <= '9')));
    }
}


static void
fuzz_jansson(fuzz_form_t *form, ngx_int_t rc, const uint8_t *data,
    size_t size)
{
    void        *iter;
    json_t      *json;
    ngx_int_t    n;
    ngx_uint_t   fields;

    json = json_loadb((char *) data, size,
                      JSON_REJECT_DUPLICATES|JSON_ALLOW_NUL, NULL);

    if (!json_is_object(json)
        || json_object_size(json) > NGX_INTAKE_FORM_JSON_MEMBERS)
    {
        check(rc == NGX_DECLINED || !json_is_array(json));
        json_decref(json);
        return;
    }

    fields = 0;

    for (iter = json_object_iter(json); iter;
         iter = json_object_iter_next(json, iter))
    {
        n = fuzz_fields(json_object_iter_value(iter), 0);

        if (n == NGX_ERROR
            || json_object_iter_key_len(iter) > FUZZ_NAME)
        {
            check(rc == NGX_DECLINED);
            json_decref(json);
            return;
        }

        fields += n;
    }

    if (fields > FUZZ_FIELDS) {
        check(rc == NGX_DECLINED);
        json_decref(json);
        return;
    }

    /* a number may be longer than a value */

    if (rc == NGX_DECLINED) {
        check(size > FUZZ_VALUE);
        json_decref(json);
        return;
    }

    check(form->n == fields);

    for (iter = json_object_iter(json); iter;
         iter = json_object_iter_next(json, iter))
    {
        fuzz_expect(form, json_object_iter_key(iter),
                    json_object_iter_key_len(iter),
                    json_object_iter_value(iter));
    }

    check(form->found == form->n);
    json_decref(json);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    u_char                         *buffer;
    ngx_int_t                       rc;
    static fuzz_form_t              form;
    static ngx_intake_form_json_t   json;

    if (size == 0) {
        return 0;
    }

    memset(&form, 0, sizeof(form));

    json.handler = fuzz_pair;
    json.ctx = &form;
    json.limits = &fuzz_limits;

    buffer = malloc(ngx_intake_form_json_size(&fuzz_limits, size));
    check(buffer != NULL);

    rc = ngx_intake_form_json_read(&json, buffer, (u_char *) data, size);

    check(rc == NGX_OK || rc == NGX_DECLINED);
    check((rc == NGX_OK) == (json.error == NGX_INTAKE_FORM_FINE));

    /* jansson passes over a zero byte behind a number or a word */

    if (memchr(data, '\0', size) == NULL) {
        fuzz_jansson(&form, rc, data, size);
    }

    while (form.n) {
        form.n--;
        free(form.names[form.n].data);
        free(form.values[form.n].data);
    }

    free(buffer);

    return 0;
}
