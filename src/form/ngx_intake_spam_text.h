
/*
 * Copyright (C) nginx-intake contributors
 */


#ifndef _NGX_INTAKE_SPAM_TEXT_H_INCLUDED_
#define _NGX_INTAKE_SPAM_TEXT_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/*
 * What advertisements in forms look like.  Text is UTF-8, as the parsers of
 * forms report it.  Pure: no allocation, no state; linear in the text.
 */


/* bytes of a phrase or a domain that is looked for */

#define NGX_INTAKE_SPAM_PHRASE_MAX  256


/*
 * Writes the words of text with one space between them and returns the length,
 * at most that of text: dst has as much room and may be the text itself.  A
 * word is what stands between white space and punctuation; characters that
 * cannot be seen are left out.  Letters of Latin, Greek and Cyrillic become
 * lower case; others stay.
 */

size_t ngx_intake_spam_words(u_char *dst, ngx_str_t *text);

/*
 * Returns 1 if one of the phrases, whole words, stands in the text.  All of
 * them are as ngx_intake_spam_words() writes them; phrases are not empty and
 * in the order of ngx_intake_spam_compare().
 */

ngx_uint_t ngx_intake_spam_find(ngx_str_t *text, ngx_str_t *phrases,
    ngx_uint_t n);

/* of bytes, the shorter one first; for ngx_qsort(): ngx_str_t */

int ngx_libc_cdecl ngx_intake_spam_compare(const void *one,
    const void *other);

/* the number of http://, https://, ftp:// and www. that begin a word */

ngx_uint_t ngx_intake_spam_links(ngx_str_t *text);

/* returns 1 if there is "<a ", "[url=", "[url]" or "[link=", in any case */

ngx_uint_t ngx_intake_spam_markup(ngx_str_t *text);

/* returns 1 if there is a link or something like an e-mail address */

ngx_uint_t ngx_intake_spam_address(ngx_str_t *text);

/*
 * Returns 1 if the domain of an e-mail address, or one above it, is one of
 * domains, which are in lower case and in order, as above.
 */

ngx_uint_t ngx_intake_spam_domain(ngx_str_t *address, ngx_str_t *domains,
    ngx_uint_t n);


#endif /* _NGX_INTAKE_SPAM_TEXT_H_INCLUDED_ */
