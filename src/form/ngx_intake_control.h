
/*
 * Copyright (C) nginx-intake contributors
 */


#ifndef _NGX_INTAKE_CONTROL_H_INCLUDED_
#define _NGX_INTAKE_CONTROL_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/*
 * Fields of a form that say what is to be done with it, by the names that form
 * services have made common.
 */


typedef enum {
    NGX_INTAKE_CONTROL_NONE = 0,
    NGX_INTAKE_CONTROL_HONEYPOT,
    NGX_INTAKE_CONTROL_REDIRECT,
    NGX_INTAKE_CONTROL_REPLY,              /* is content, too */
    NGX_INTAKE_CONTROL_SUBJECT,            /* is content, too, in one line */
    NGX_INTAKE_CONTROL_TOKEN,
    NGX_INTAKE_CONTROL_CAPTCHA,
    NGX_INTAKE_CONTROL_CHARSET,            /* _charset_, which means nothing */

    /*
     * any other name that begins with "_": _cc and _to too, for a page must not
     * say whom a mail is for
     */

    NGX_INTAKE_CONTROL_RESERVED
} ngx_intake_control_e;


#define NGX_INTAKE_REDIRECT_MAX  2048      /* bytes */


/* what a field of this name is for; names that are configured come before */

ngx_intake_control_e ngx_intake_control(ngx_str_t *name);

/*
 * Returns 1 if a page may send the visitor to target: it has at most
 * NGX_INTAKE_REDIRECT_MAX bytes, all visible ASCII and no backslash; and it is
 * a path ("/", but not "//"), or begins with one of the origins, such as
 * "https://host" or "https://host:port", in any case, and then ends or goes on
 * with "/", "?" or "#".  Browsers (the URL Standard) find the same origin in it
 * as long as nobody decodes it.
 */

ngx_uint_t ngx_intake_redirect_allowed(ngx_str_t *target, ngx_str_t *origins,
    ngx_uint_t norigins);


#endif /* _NGX_INTAKE_CONTROL_H_INCLUDED_ */
