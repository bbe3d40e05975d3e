/* sources: src/form/ngx_intake_spam_text.c src/form/ngx_intake_utf8.c */

/*
 * Copyright (C) nginx-intake contributors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <stdio.h>
#include "ngx_intake_spam_text.h"
#include "bytes.h"
#include "tap.h"


typedef struct {
    const char  *text;
    const char  *expected;
} test_words_t;


typedef struct {
    const char  *text;
    ngx_uint_t   expected;
} test_number_t;


typedef ngx_uint_t (*test_number_pt)(ngx_str_t *text);


static test_words_t  test_words[] = {
    { "", "" },
    { " \t\r\n", "" },
    { "Hello", "hello" },
    { "  Free,\r\n MONEY!! now ", "free money now" },
    { "a-b_c", "a b c" },
    { "100% free", "100 free" },
    { "Gr\xc3\x9c\xc3\x9f" "e", "gr\xc3\xbc\xc3\x9f" "e" },
    { "\xc5\xbd\xc4\x8c\xc5\x81\xc4\x9e", "\xc5\xbe\xc4\x8d\xc5\x82\xc4\x9f" },
    { "\xd0\x9a\xd0\xa3\xd0\x9f\xd0\x98\xd0\xa2\xd0\xac",
      "\xd0\xba\xd1\x83\xd0\xbf\xd0\xb8\xd1\x82\xd1\x8c" },
    { "\xd0\x81", "\xd1\x91" },
    { "\xce\x94\xce\xa9", "\xce\xb4\xcf\x89" },
    { "\xc3\x97\xc3\xb7", "" },
    { "vi\xe2\x80\x8b" "a\xc2\xad" "gra", "viagra" },
    { "a\xe2\x80\x94" "b\xe3\x80\x82" "c\xc2\xa0" "d", "a b c d" },
    { "\xef\xbb\xbf" "a", "a" },
    { "\xe4\xbd\xa0\xe5\xa5\xbd", "\xe4\xbd\xa0\xe5\xa5\xbd" },
    { "\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80" },
    { "a\xff" "b\xc3", "a b" },
    { NULL, NULL }
};


/* the phrases are: bit coin, casino, free, free money now, viagra */

static ngx_str_t  test_phrases[] = {
    ngx_string("bit coin"),
    ngx_string("casino"),
    ngx_string("free"),
    ngx_string("free money now"),
    ngx_string("viagra")
};


static test_number_t  test_find[] = {
    { "", 0 },
    { "casino", 1 },
    { "the casino", 1 },
    { "casino royale", 1 },
    { "casinos", 0 },
    { "mycasino", 0 },
    { "cas ino", 0 },
    { "free", 1 },
    { "freedom", 0 },
    { "money now", 0 },
    { "bit", 0 },
    { "bit coin", 1 },
    { "bit bit coin", 1 },
    { "bit coins", 0 },
    { "aaa zzz", 0 },
    { "viagr", 0 },
    { NULL, 0 }
};


static test_number_t  test_money[] = {
    { "free money", 0 },
    { "free money now", 1 },
    { "free money nowhere", 0 },
    { "free free money now", 1 },
    { NULL, 0 }
};


static test_number_t  test_links[] = {
    { "", 0 },
    { "no link", 0 },
    { "http://a.example", 1 },
    { "HTTP://a.example https://b.example", 2 },
    { "http://www.a.example", 1 },
    { "www.a.example,www.b.example", 2 },
    { "ftp://a.example", 1 },
    { "awww.a.example", 0 },
    { "xhttp://a.example", 0 },
    { "http://http://a.example", 2 },
    { "http:/", 0 },
    { "www", 0 },
    { "http://w", 1 },
    { "(http://a)<http://b>\"http://c\"", 3 },
    { NULL, 0 }
};


static test_number_t  test_markup[] = {
    { "", 0 },
    { "<a", 0 },
    { "a < b", 0 },
    { "<abbr>", 0 },
    { "<a href=x>", 1 },
    { "x<A\nhref=x>", 1 },
    { "[url=http://a]", 1 },
    { "[URL]http://a", 1 },
    { "[link=a]", 1 },
    { "[links]", 0 },
    { "[url", 0 },
    { NULL, 0 }
};


static test_number_t  test_addresses[] = {
    { "", 0 },
    { "@", 0 },
    { "a@b", 0 },
    { "a@b.c", 1 },
    { "Ann Lee", 0 },
    { "Ann (ann@example.org)", 1 },
    { "Ann @home. Yes", 0 },
    { "@example.org", 0 },
    { "ann@.org", 0 },
    { "ann@my-host.example.org", 1 },
    { "J. R. Smith", 0 },
    { "buy at www.example.org", 1 },
    { NULL, 0 }
};


static ngx_str_t  test_domain_list[] = {
    ngx_string("mailinator.com"),
    ngx_string("spam.example"),
    ngx_string("temp.example")
};


static test_number_t  test_domains[] = {
    { "a@mailinator.com", 1 },
    { "a@MAILINATOR.com", 1 },
    { "a@b.c.mailinator.com", 1 },
    { "a@notmailinator.com", 0 },
    { "a@mailinator.com.example", 0 },
    { "a@example", 0 },
    { "\"a@b\"@spam.example", 1 },
    { "temp.example", 0 },
    { "a@", 0 },
    { "a@.", 0 },
    { "", 0 },
    { NULL, 0 }
};


static void
check_words(void)
{
    u_char        *dst;
    size_t         len;
    ngx_str_t      text;
    test_words_t  *t;

    for (t = test_words; t->text; t++) {
        text = copy_string(t->text, strlen(t->text));
        dst = malloc(text.len ? text.len : 1);

        len = ngx_intake_spam_words(dst, &text);
        ok(len == strlen(t->expected) && memcmp(dst, t->expected, len) == 0,
           "words: %s", t->text);

        len = ngx_intake_spam_words(text.data, &text);
        ok(len == strlen(t->expected)
           && memcmp(text.data, t->expected, len) == 0,
           "words in place: %s", t->text);

        free(dst);
        free(text.data);
    }
}


static ngx_uint_t
find(ngx_str_t *text)
{
    return ngx_intake_spam_find(text, test_phrases, 5);
}


static ngx_uint_t
find_money(ngx_str_t *text)
{
    return ngx_intake_spam_find(text, &test_phrases[3], 1);
}


static ngx_uint_t
domain(ngx_str_t *text)
{
    return ngx_intake_spam_domain(text, test_domain_list, 3);
}


static void
check(const char *what, test_number_pt function, test_number_t *t)
{
    ngx_str_t  text;

    for ( /* void */ ; t->text; t++) {
        text = copy_string(t->text, strlen(t->text));
        ok(function(&text) == t->expected, "%s: %s", what, t->text);
        free(text.data);
    }
}


static void
check_order(void)
{
    ngx_str_t  one, other;

    ngx_str_set(&one, "ab");
    ngx_str_set(&other, "abc");

    ok(ngx_intake_spam_compare(&one, &other) < 0, "order: shorter first");
    ok(ngx_intake_spam_compare(&other, &one) > 0, "order: longer last");
    ok(ngx_intake_spam_compare(&one, &one) == 0, "order: same");
}


int
main(void)
{
    check_words();
    check_order();

    check("find", find, test_find);
    check("find a phrase", find_money, test_money);
    check("links", ngx_intake_spam_links, test_links);
    check("markup", ngx_intake_spam_markup, test_markup);
    check("address", ngx_intake_spam_address, test_addresses);
    check("domain", domain, test_domains);

    return done();
}
