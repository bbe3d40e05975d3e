/* sources: src/form/ngx_intake_field_name.c */

/*
 * Copyright (C) nginx-intake contributors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <stdio.h>
#include "ngx_intake_field_name.h"
#include "bytes.h"
#include "tap.h"


/* 2: the name of a person; 1: of another header; 0: of none */

typedef struct {
    const char  *name;
    ngx_uint_t   expected;
} test_name_t;


static test_name_t  test_names[] = {
    { "name", 2 },
    { "Name", 2 },
    { "first_name", 2 },
    { "last-name", 2 },
    { "your name", 2 },
    { "customer-name", 2 },
    { "contact[name]", 2 },
    { "fields[0][First Name][]", 2 },
    { "form.name", 2 },
    { "username", 1 },
    { "your-first-name", 1 },
    { "senderName", 1 },
    { "subject", 1 },
    { "_subject", 1 },
    { "SUBJECT", 1 },
    { "your-subject", 1 },
    { "mail_subject", 1 },
    { "Betreff", 1 },
    { "email", 1 },
    { "E-Mail", 1 },
    { "your-email", 1 },
    { "contact_email_address", 1 },
    { "data[attributes][email]", 1 },
    { "from", 1 },
    { "From", 1 },
    { "from_email", 1 },
    { "to", 1 },
    { "_to", 1 },
    { "cc", 1 },
    { "_cc", 1 },
    { "Bcc", 1 },
    { "reply-to", 1 },
    { "_replyto", 1 },
    { "Reply_To", 1 },
    { "author", 1 },
    { "message", 0 },
    { "your-message", 0 },
    { "comment", 0 },
    { "comments", 0 },
    { "body", 0 },
    { "email-body", 0 },
    { "message_text", 0 },
    { "subject[body]", 0 },
    { "your", 0 },
    { "my", 0 },
    { "company", 0 },
    { "names", 0 },
    { "total", 0 },
    { "notes", 0 },
    { "fromage", 0 },
    { "a-very-long-name-of-a-field-for-a-name", 0 },
    { "yourveryveryveryveryverylongname", 0 },
    { "yourveryveryveryveryveryverylongname", 0 },
    { "[]", 0 },
    { "...", 0 },
    { "", 0 },
    { NULL, 0 }
};


int
main(void)
{
    ngx_str_t     name;
    test_name_t  *t;

    for (t = test_names; t->name; t++) {
        name = copy_string(t->name, strlen(t->name));

        ok(ngx_intake_field_name_header(&name) == (t->expected > 0),
           "header: %s", t->name);
        ok(ngx_intake_field_name_person(&name) == (t->expected == 2),
           "person: %s", t->name);

        free(name.data);
    }

    return done();
}
