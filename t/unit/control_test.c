/* sources: src/form/ngx_intake_control.c */
/* libs: -ljansson */

/*
 * Copyright (C) nginx-intake contributors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <jansson.h>
#include <stdio.h>
#include "ngx_intake_control.h"
#include "bytes.h"
#include "tap.h"


typedef struct {
    const char            *name;
    ngx_intake_control_e   control;
} test_control_t;


static test_control_t  test_controls[] = {
    { "_gotcha", NGX_INTAKE_CONTROL_HONEYPOT },
    { "bot-field", NGX_INTAKE_CONTROL_HONEYPOT },
    { "_next", NGX_INTAKE_CONTROL_REDIRECT },
    { "redirect", NGX_INTAKE_CONTROL_REDIRECT },
    { "email", NGX_INTAKE_CONTROL_REPLY },
    { "Email", NGX_INTAKE_CONTROL_NONE },
    { "_replyto", NGX_INTAKE_CONTROL_REPLY },
    { "subject", NGX_INTAKE_CONTROL_SUBJECT },
    { "_token", NGX_INTAKE_CONTROL_TOKEN },
    { "g-recaptcha-response", NGX_INTAKE_CONTROL_CAPTCHA },
    { "altcha", NGX_INTAKE_CONTROL_CAPTCHA },
    { "_charset_", NGX_INTAKE_CONTROL_CHARSET },
    { "_ChArSeT_", NGX_INTAKE_CONTROL_CHARSET },
    { "_cc", NGX_INTAKE_CONTROL_RESERVED },
    { "_to", NGX_INTAKE_CONTROL_RESERVED },
    { "_", NGX_INTAKE_CONTROL_RESERVED },
    { "_GOTCHA", NGX_INTAKE_CONTROL_RESERVED },
    { "message", NGX_INTAKE_CONTROL_NONE },
    { "", NGX_INTAKE_CONTROL_NONE },
    { "email2", NGX_INTAKE_CONTROL_NONE },
    { NULL, NGX_INTAKE_CONTROL_NONE }
};


static void
test_names(void)
{
    ngx_str_t        name;
    test_control_t  *t;

    for (t = test_controls; t->name; t++) {
        name = copy_string(t->name, strlen(t->name));
        ok(ngx_intake_control(&name) == t->control, "control: %s", t->name);
        free(name.data);
    }
}


static void
test_targets(void)
{
    char               text[NGX_INTAKE_REDIRECT_MAX + 2];
    ngx_str_t          target;
    ngx_uint_t         i;

    static ngx_str_t   origins[] = { ngx_string("https://good.example") };

    static const char  *good[] = {
        "/", "/x", "/?//", "/x//y", "https://good.example",
        "HTTPS://GOOD.EXAMPLE?x", "https://good.example#", NULL
    };

    static const char  *bad[] = {
        "", "x", "//", "//good.example", "https://good.example:443/",
        "https://good.example@evil", "https://good.exampl", "/\xc3\xa9",
        "/ ", "/\x7f", "https:/good.example/", "http://good.example/", NULL
    };

    for (i = 0; good[i]; i++) {
        target = copy_string(good[i], strlen(good[i]));
        ok(ngx_intake_redirect_allowed(&target, origins, 1), "allowed: %s",
           good[i]);
        free(target.data);
    }

    for (i = 0; bad[i]; i++) {
        target = copy_string(bad[i], strlen(bad[i]));
        ok(!ngx_intake_redirect_allowed(&target, origins, 1), "not allowed: %s",
           bad[i]);
        free(target.data);
    }

    ngx_memset(text, '/', sizeof(text));
    text[1] = 'x';

    target.data = (u_char *) text;
    target.len = NGX_INTAKE_REDIRECT_MAX;
    ok(ngx_intake_redirect_allowed(&target, NULL, 0), "allowed: 2048 bytes");

    target.len++;
    ok(!ngx_intake_redirect_allowed(&target, NULL, 0),
       "not allowed: 2049 bytes");
}


static void
test_redirects(const char *folder)
{
    char           path[1024];
    size_t         i;
    json_t        *cases, *test, *next;
    ngx_str_t      target;
    json_error_t   e;

    static ngx_str_t  origins[] = {
        ngx_string("https://own.example:8443"),
        ngx_string("https://good.example")
    };

    snprintf(path, sizeof(path), "%s/forms/redirect-cases.json", folder);

    cases = json_load_file(path, JSON_ALLOW_NUL, &e);

    ok(json_is_array(cases), "cases: %s", path);

    json_array_foreach(cases, i, test) {

        next = json_object_get(test, "next");

        target = copy_string(json_string_value(next),
                             json_string_length(next));

        ok(ngx_intake_redirect_allowed(&target, origins, 2)
           == (ngx_uint_t) json_is_true(json_object_get(test, "allowed")),
           "redirect: %s", json_string_value(next));

        free(target.data);
    }

    json_decref(cases);
}


int
main(void)
{
    char  *folder;

    test_names();
    test_targets();

    test_redirects("t/data");

    folder = getenv("INTAKE_VECTORS");

    if (folder && *folder) {
        test_redirects(folder);
    }

    return done();
}
