
/*
 * Copyright (C) nginx-intake contributors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_intake_control.h"


typedef struct {
    ngx_str_t               name;
    ngx_intake_control_e    control;
} ngx_intake_control_name_t;


static ngx_uint_t ngx_intake_control_same(u_char *one, u_char *other,
    size_t len);


/*
 * Those of Formspree, Netlify Forms, FormSubmit and Web3Forms; captchas by the
 * names that their widgets give to what they add
 */

static ngx_intake_control_name_t  ngx_intake_control_names[] = {

    { ngx_string("_gotcha"), NGX_INTAKE_CONTROL_HONEYPOT },
    { ngx_string("_honey"), NGX_INTAKE_CONTROL_HONEYPOT },
    { ngx_string("bot-field"), NGX_INTAKE_CONTROL_HONEYPOT },
    { ngx_string("botcheck"), NGX_INTAKE_CONTROL_HONEYPOT },

    { ngx_string("_next"), NGX_INTAKE_CONTROL_REDIRECT },
    { ngx_string("_redirect"), NGX_INTAKE_CONTROL_REDIRECT },
    { ngx_string("redirect"), NGX_INTAKE_CONTROL_REDIRECT },

    { ngx_string("_replyto"), NGX_INTAKE_CONTROL_REPLY },
    { ngx_string("email"), NGX_INTAKE_CONTROL_REPLY },
    { ngx_string("replyto"), NGX_INTAKE_CONTROL_REPLY },

    { ngx_string("_subject"), NGX_INTAKE_CONTROL_SUBJECT },
    { ngx_string("subject"), NGX_INTAKE_CONTROL_SUBJECT },

    { ngx_string("_token"), NGX_INTAKE_CONTROL_TOKEN },

    { ngx_string("cf-turnstile-response"), NGX_INTAKE_CONTROL_CAPTCHA },
    { ngx_string("h-captcha-response"), NGX_INTAKE_CONTROL_CAPTCHA },
    { ngx_string("g-recaptcha-response"), NGX_INTAKE_CONTROL_CAPTCHA },
    { ngx_string("frc-captcha-response"), NGX_INTAKE_CONTROL_CAPTCHA },
    { ngx_string("mcaptcha__token"), NGX_INTAKE_CONTROL_CAPTCHA },
    { ngx_string("altcha"), NGX_INTAKE_CONTROL_CAPTCHA },

    { ngx_null_string, NGX_INTAKE_CONTROL_NONE }
};


ngx_intake_control_e
ngx_intake_control(ngx_str_t *name)
{
    ngx_intake_control_name_t  *n;

    static u_char  charset[] = "_charset_";

    for (n = ngx_intake_control_names; n->name.len; n++) {
        if (n->name.len == name->len
            && ngx_memcmp(n->name.data, name->data, name->len) == 0)
        {
            return n->control;
        }
    }

    /* the one name in HTML that ignores case */

    if (name->len == sizeof(charset) - 1
        && ngx_intake_control_same(name->data, charset, name->len))
    {
        return NGX_INTAKE_CONTROL_CHARSET;
    }

    if (name->len && name->data[0] == '_') {
        return NGX_INTAKE_CONTROL_RESERVED;
    }

    return NGX_INTAKE_CONTROL_NONE;
}


ngx_uint_t
ngx_intake_redirect_allowed(ngx_str_t *target, ngx_str_t *origins,
    ngx_uint_t norigins)
{
    size_t       i, len;
    u_char      *p;
    ngx_uint_t   n;

    p = target->data;
    len = target->len;

    if (len == 0 || len > NGX_INTAKE_REDIRECT_MAX) {
        return 0;
    }

    /* browsers pass over tabs and line ends, and take "\" for "/" */

    for (i = 0; i < len; i++) {
        if (p[i] <= ' ' || p[i] >= 0x7f || p[i] == '\\') {
            return 0;
        }
    }

    if (p[0] == '/') {
        return len == 1 || p[1] != '/';
    }

    for (n = 0; n < norigins; n++) {

        i = origins[n].len;

        if (i == 0 || len < i
            || !ngx_intake_control_same(p, origins[n].data, i))
        {
            continue;
        }

        if (len == i || p[i] == '/' || p[i] == '?' || p[i] == '#') {
            return 1;
        }
    }

    return 0;
}


static ngx_uint_t
ngx_intake_control_same(u_char *one, u_char *other, size_t len)
{
    size_t  i;

    for (i = 0; i < len; i++) {
        if (ngx_tolower(one[i]) != ngx_tolower(other[i])) {
            return 0;
        }
    }

    return 1;
}
