
/*
 * Copyright (C) nginx-intake contributors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_intake_field_name.h"


/* longer than anything that is known below */

#define NGX_INTAKE_FIELD_NAME_LETTERS  32


static void ngx_intake_field_name_letters(ngx_str_t *name, ngx_str_t *text);
static void ngx_intake_field_name_last(ngx_str_t *name, ngx_str_t *last);
static ngx_uint_t ngx_intake_field_name_known(ngx_str_t *text,
    ngx_str_t *known);


static ngx_str_t  ngx_intake_field_name_persons[] = {
    ngx_string("apellido"),
    ngx_string("apellidos"),
    ngx_string("clientname"),
    ngx_string("cognome"),
    ngx_string("contactname"),
    ngx_string("customername"),
    ngx_string("familyname"),
    ngx_string("firstname"),
    ngx_string("fname"),
    ngx_string("forename"),
    ngx_string("fullname"),
    ngx_string("givenname"),
    ngx_string("lastname"),
    ngx_string("lname"),
    ngx_string("nachname"),
    ngx_string("name"),
    ngx_string("nom"),
    ngx_string("nombre"),
    ngx_string("nome"),
    ngx_string("prenom"),
    ngx_string("surname"),
    ngx_string("vorname"),
    ngx_string("yourname"),
    ngx_null_string
};


/* beside those of persons */

static ngx_str_t  ngx_intake_field_name_headers[] = {
    ngx_string("asunto"),
    ngx_string("assunto"),
    ngx_string("author"),
    ngx_string("bcc"),
    ngx_string("betreff"),
    ngx_string("cc"),
    ngx_string("email"),
    ngx_string("emailaddress"),
    ngx_string("from"),
    ngx_string("mail"),
    ngx_string("mailaddress"),
    ngx_string("objet"),
    ngx_string("oggetto"),
    ngx_string("onderwerp"),
    ngx_string("replyto"),
    ngx_string("subject"),
    ngx_string("sujet"),
    ngx_string("to"),
    ngx_null_string
};


/* what may stand before either */

static ngx_str_t  ngx_intake_field_name_owners[] = {
    ngx_string("client"),
    ngx_string("contact"),
    ngx_string("customer"),
    ngx_string("email"),
    ngx_string("from"),
    ngx_string("guest"),
    ngx_string("mail"),
    ngx_string("message"),
    ngx_string("my"),
    ngx_string("sender"),
    ngx_string("user"),
    ngx_string("visitor"),
    ngx_string("your"),
    ngx_null_string
};


ngx_uint_t
ngx_intake_field_name_person(ngx_str_t *name)
{
    u_char     letters[NGX_INTAKE_FIELD_NAME_LETTERS];
    ngx_str_t  text;

    text.data = letters;
    ngx_intake_field_name_letters(name, &text);

    return ngx_intake_field_name_known(&text, ngx_intake_field_name_persons);
}


ngx_uint_t
ngx_intake_field_name_header(ngx_str_t *name)
{
    u_char      letters[NGX_INTAKE_FIELD_NAME_LETTERS];
    ngx_str_t   text, rest, *owner;

    text.data = letters;
    ngx_intake_field_name_letters(name, &text);

    if (ngx_intake_field_name_known(&text, ngx_intake_field_name_headers)
        || ngx_intake_field_name_known(&text, ngx_intake_field_name_persons))
    {
        return 1;
    }

    for (owner = ngx_intake_field_name_owners; owner->len; owner++) {

        if (owner->len >= text.len
            || ngx_memcmp(owner->data, text.data, owner->len) != 0)
        {
            continue;
        }

        rest.data = text.data + owner->len;
        rest.len = text.len - owner->len;

        if (ngx_intake_field_name_known(&rest, ngx_intake_field_name_headers)
            || ngx_intake_field_name_known(&rest,
                                           ngx_intake_field_name_persons))
        {
            return 1;
        }
    }

    return 0;
}


/*
 * The letters and digits of the last part, in lower case; text->data has room
 * for NGX_INTAKE_FIELD_NAME_LETTERS.  Nothing if there are more.
 */

static void
ngx_intake_field_name_letters(ngx_str_t *name, ngx_str_t *text)
{
    size_t     i;
    u_char     ch;
    ngx_str_t  last;

    ngx_intake_field_name_last(name, &last);

    text->len = 0;

    for (i = 0; i < last.len; i++) {
        ch = ngx_tolower(last.data[i]);

        if (!((ch >= 'a' && ch <= 'z') || (ch >= '0' && ch <= '9')
              || ch >= 0x80))
        {
            continue;
        }

        if (text->len == NGX_INTAKE_FIELD_NAME_LETTERS) {
            text->len = 0;
            return;
        }

        text->data[text->len++] = ch;
    }
}


/* of "a[b][c]", "a.c" and "c[]" it is "c" */

static void
ngx_intake_field_name_last(ngx_str_t *name, ngx_str_t *last)
{
    u_char  *p, *end;

#define ngx_intake_field_name_between(ch)                                     \
    ((ch) == '[' || (ch) == ']' || (ch) == '.')

    end = name->data + name->len;

    while (end > name->data && ngx_intake_field_name_between(end[-1])) {
        end--;
    }

    p = end;

    while (p > name->data && !ngx_intake_field_name_between(p[-1])) {
        p--;
    }

    last->data = p;
    last->len = end - p;
}


static ngx_uint_t
ngx_intake_field_name_known(ngx_str_t *text, ngx_str_t *known)
{
    for ( /* void */ ; known->len; known++) {
        if (known->len == text->len
            && ngx_memcmp(known->data, text->data, text->len) == 0)
        {
            return 1;
        }
    }

    return 0;
}
