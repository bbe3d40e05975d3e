
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake_platform.h"


/*
 * Templates: text with words of the grammar, not nginx variables.
 *
 *  $$                     a dollar
 *  $WORD, ${WORD}         body, url, path, method, secret, timestamp, id,
 *                         crc32_body, form_sorted
 *  ${SRC}                 such as ${header:X-Id} or ${json:a.b}
 *  $params_amp(NAME)
 *  $sorted(ARG,...)
 *  $hmac(ALG,hex|base64,ARG)
 *
 * An ARG is written as in the text, $secret or ${query:nonce}, or without
 * dollar and braces: secret, query:nonce.  ALG is sha256 or hmac-sha256.
 */


#define NGX_HTTP_INTAKE_MAX_NESTING  4     /* of $sorted() and $hmac() */


typedef struct {
    ngx_conf_t                  *cf;
    ngx_array_t                 *paths;
    const char                  *what;

    u_char                      *pos;
    u_char                      *last;
    ngx_uint_t                   nesting;
} ngx_http_intake_template_parser_t;


static ngx_int_t ngx_http_intake_parse_text(
    ngx_http_intake_template_parser_t *tp, ngx_array_t *words, u_char *buf);
static ngx_int_t ngx_http_intake_add_literal(ngx_array_t *words,
    u_char *start, u_char *end);
static ngx_int_t ngx_http_intake_parse_braces(
    ngx_http_intake_template_parser_t *tp, ngx_http_intake_word_t *word);
static ngx_int_t ngx_http_intake_parse_word(
    ngx_http_intake_template_parser_t *tp, ngx_http_intake_word_t *word);
static ngx_int_t ngx_http_intake_parse_arguments(
    ngx_http_intake_template_parser_t *tp, ngx_http_intake_word_t *word);
static ngx_int_t ngx_http_intake_parse_params_amp(
    ngx_http_intake_template_parser_t *tp, ngx_http_intake_word_t *word);
static ngx_int_t ngx_http_intake_parse_sorted(
    ngx_http_intake_template_parser_t *tp, ngx_http_intake_word_t *word);
static ngx_int_t ngx_http_intake_parse_hmac(
    ngx_http_intake_template_parser_t *tp, ngx_http_intake_word_t *word);
static ngx_int_t ngx_http_intake_hmac_algorithm(
    ngx_http_intake_template_parser_t *tp, ngx_str_t *text,
    ngx_http_intake_word_t *word);
static ngx_int_t ngx_http_intake_parse_argument(
    ngx_http_intake_template_parser_t *tp, ngx_array_t *words);
static ngx_int_t ngx_http_intake_parse_bare_src(
    ngx_http_intake_template_parser_t *tp, ngx_http_intake_word_t *word);
static void ngx_http_intake_skip_spaces(
    ngx_http_intake_template_parser_t *tp);
static void ngx_http_intake_take(ngx_http_intake_template_parser_t *tp,
    ngx_str_t *text);
static ngx_int_t ngx_http_intake_expect(ngx_http_intake_template_parser_t *tp,
    u_char ch, const char *usage);


static ngx_http_intake_choice_t  ngx_http_intake_words[] = {
    { ngx_string("body"), NGX_HTTP_INTAKE_WORD_BODY },
    { ngx_string("url"), NGX_HTTP_INTAKE_WORD_URL },
    { ngx_string("path"), NGX_HTTP_INTAKE_WORD_PATH },
    { ngx_string("method"), NGX_HTTP_INTAKE_WORD_METHOD },
    { ngx_string("secret"), NGX_HTTP_INTAKE_WORD_SECRET },
    { ngx_string("timestamp"), NGX_HTTP_INTAKE_WORD_TIMESTAMP },
    { ngx_string("id"), NGX_HTTP_INTAKE_WORD_ID },
    { ngx_string("crc32_body"), NGX_HTTP_INTAKE_WORD_CRC32_BODY },
    { ngx_string("form_sorted"), NGX_HTTP_INTAKE_WORD_FORM_SORTED },
    { ngx_string("params_amp"), NGX_HTTP_INTAKE_WORD_PARAMS_AMP },
    { ngx_string("sorted"), NGX_HTTP_INTAKE_WORD_SORTED },
    { ngx_string("hmac"), NGX_HTTP_INTAKE_WORD_HMAC },
    ngx_http_intake_null_choice
};


static ngx_http_intake_choice_t  ngx_http_intake_hmac_encodings[] = {
    { ngx_string("hex"), NGX_INTAKE_ENCODING_HEX },
    { ngx_string("base64"), NGX_INTAKE_ENCODING_BASE64 },
    ngx_http_intake_null_choice
};


static ngx_http_intake_choice_t  ngx_http_intake_hmac_algorithms[] = {
    { ngx_string("md5"), NGX_INTAKE_ALGORITHM_HMAC_MD5 },
    { ngx_string("sha1"), NGX_INTAKE_ALGORITHM_HMAC_SHA1 },
    { ngx_string("sha256"), NGX_INTAKE_ALGORITHM_HMAC_SHA256 },
    { ngx_string("sha384"), NGX_INTAKE_ALGORITHM_HMAC_SHA384 },
    { ngx_string("sha512"), NGX_INTAKE_ALGORITHM_HMAC_SHA512 },
    ngx_http_intake_null_choice
};


ngx_http_intake_template_t *
ngx_http_intake_parse_template(ngx_conf_t *cf, ngx_array_t *paths,
    ngx_str_t *text, const char *what)
{
    u_char                             *buf;
    ngx_array_t                        *words;
    ngx_http_intake_template_parser_t   tp;

    words = ngx_array_create(cf->pool, 4, sizeof(ngx_http_intake_word_t));
    if (words == NULL) {
        return NULL;
    }

    /* all literals of the template, "$$" undone */

    buf = ngx_pnalloc(cf->pool, text->len + 1);
    if (buf == NULL) {
        return NULL;
    }

    tp.cf = cf;
    tp.paths = paths;
    tp.what = what;
    tp.pos = text->data;
    tp.last = text->data + text->len;
    tp.nesting = 0;

    if (ngx_http_intake_parse_text(&tp, words, buf) != NGX_OK) {
        return NULL;
    }

    return words;
}


static ngx_int_t
ngx_http_intake_parse_text(ngx_http_intake_template_parser_t *tp,
    ngx_array_t *words, u_char *buf)
{
    u_char                  *start;
    ngx_http_intake_word_t   word;

    start = buf;

    while (tp->pos < tp->last) {

        if (*tp->pos != '$') {
            *buf++ = *tp->pos++;
            continue;
        }

        tp->pos++;

        if (tp->pos < tp->last && *tp->pos == '$') {
            *buf++ = *tp->pos++;
            continue;
        }

        if (ngx_http_intake_add_literal(words, start, buf) != NGX_OK) {
            return NGX_ERROR;
        }

        start = buf;

        /* the array may move while the word's own are read */

        if (ngx_http_intake_parse_word(tp, &word) != NGX_OK) {
            return NGX_ERROR;
        }

        if (ngx_array_push(words) == NULL) {
            return NGX_ERROR;
        }

        ((ngx_http_intake_word_t *) words->elts)[words->nelts - 1] = word;
    }

    return ngx_http_intake_add_literal(words, start, buf);
}


static ngx_int_t
ngx_http_intake_add_literal(ngx_array_t *words, u_char *start, u_char *end)
{
    ngx_http_intake_word_t  *word;

    if (start == end) {
        return NGX_OK;
    }

    word = ngx_array_push(words);
    if (word == NULL) {
        return NGX_ERROR;
    }

    ngx_memzero(word, sizeof(ngx_http_intake_word_t));

    word->type = NGX_HTTP_INTAKE_WORD_LITERAL;
    word->text.data = start;
    word->text.len = end - start;

    return NGX_OK;
}


/* after the dollar, or in an argument without one */

static ngx_int_t
ngx_http_intake_parse_word(ngx_http_intake_template_parser_t *tp,
    ngx_http_intake_word_t *word)
{
    ngx_str_t                  name;
    ngx_http_intake_choice_t  *choice;

    ngx_memzero(word, sizeof(ngx_http_intake_word_t));

    if (tp->pos < tp->last && *tp->pos == '{') {
        return ngx_http_intake_parse_braces(tp, word);
    }

    ngx_http_intake_take(tp, &name);

    if (name.len == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, tp->cf, 0,
                           "no word after \"$\" in \"%s\", write \"$$\" for "
                           "a dollar", tp->what);
        return NGX_ERROR;
    }

    for (choice = ngx_http_intake_words; choice->name.len; choice++) {
        if (ngx_http_intake_same(&choice->name, &name)) {
            word->type = choice->value;
            return ngx_http_intake_parse_arguments(tp, word);
        }
    }

    if (tp->pos < tp->last && *tp->pos == ':') {
        ngx_conf_log_error(NGX_LOG_EMERG, tp->cf, 0,
                           "unknown word \"$%V\" in \"%s\", write braces: "
                           "\"${%V:...}\"", &name, tp->what, &name);
        return NGX_ERROR;
    }

    ngx_http_intake_unknown(tp->cf, &name, "word", tp->what,
                            ngx_http_intake_words, "$", "");

    return NGX_ERROR;
}


static ngx_int_t
ngx_http_intake_parse_braces(ngx_http_intake_template_parser_t *tp,
    ngx_http_intake_word_t *word)
{
    u_char     *p, *end, *last;
    ngx_int_t   rc;
    ngx_str_t   text;

    end = ngx_strlchr(tp->pos, tp->last, '}');

    if (end == NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, tp->cf, 0,
                           "\"${\" without \"}\" in \"%s\"", tp->what);
        return NGX_ERROR;
    }

    text.data = tp->pos + 1;
    text.len = end - text.data;

    for (p = text.data; p < end && *p != ':' && *p != '('; p++) { /* void */ }

    if (*p == ':') {
        word->type = NGX_HTTP_INTAKE_WORD_SRC;
        rc = ngx_http_intake_parse_src(tp->cf, tp->paths, &text, tp->what,
                                       &word->src);

    } else {
        last = tp->last;

        tp->pos++;
        tp->last = end;

        rc = ngx_http_intake_parse_word(tp, word);

        if (rc == NGX_OK && tp->pos != end) {
            ngx_conf_log_error(NGX_LOG_EMERG, tp->cf, 0,
                               "\"${%V}\" in \"%s\" is not one word",
                               &text, tp->what);
            rc = NGX_ERROR;
        }

        tp->last = last;
    }

    tp->pos = end + 1;

    return rc;
}


static ngx_int_t
ngx_http_intake_parse_arguments(ngx_http_intake_template_parser_t *tp,
    ngx_http_intake_word_t *word)
{
    ngx_int_t  rc;

    if (word->type == NGX_HTTP_INTAKE_WORD_PARAMS_AMP) {
        return ngx_http_intake_parse_params_amp(tp, word);
    }

    if (word->type != NGX_HTTP_INTAKE_WORD_SORTED
        && word->type != NGX_HTTP_INTAKE_WORD_HMAC)
    {
        return NGX_OK;
    }

    if (++tp->nesting > NGX_HTTP_INTAKE_MAX_NESTING) {
        ngx_conf_log_error(NGX_LOG_EMERG, tp->cf, 0,
                           "more than %d of $sorted() and $hmac() in each "
                           "other in \"%s\"", NGX_HTTP_INTAKE_MAX_NESTING,
                           tp->what);
        return NGX_ERROR;
    }

    word->words = ngx_array_create(tp->cf->pool, 4,
                                   sizeof(ngx_http_intake_word_t));
    if (word->words == NULL) {
        return NGX_ERROR;
    }

    if (word->type == NGX_HTTP_INTAKE_WORD_HMAC) {
        rc = ngx_http_intake_parse_hmac(tp, word);

    } else {
        rc = ngx_http_intake_parse_sorted(tp, word);
    }

    tp->nesting--;

    return rc;
}


static ngx_int_t
ngx_http_intake_parse_params_amp(ngx_http_intake_template_parser_t *tp,
    ngx_http_intake_word_t *word)
{
    static const char  *usage = "$params_amp(NAME)";

    if (ngx_http_intake_expect(tp, '(', usage) != NGX_OK) {
        return NGX_ERROR;
    }

    word->text.data = tp->pos;

    while (tp->pos < tp->last && *tp->pos != ')') {
        tp->pos++;
    }

    word->text.len = tp->pos - word->text.data;

    if (ngx_http_intake_expect(tp, ')', usage) != NGX_OK) {
        return NGX_ERROR;
    }

    if (word->text.len == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, tp->cf, 0,
                           "no name in \"$params_amp()\" in \"%s\", write "
                           "that of the signature, which is left out",
                           tp->what);
        return NGX_ERROR;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_intake_parse_sorted(ngx_http_intake_template_parser_t *tp,
    ngx_http_intake_word_t *word)
{
    static const char  *usage = "$sorted(WORD,...)";

    if (ngx_http_intake_expect(tp, '(', usage) != NGX_OK) {
        return NGX_ERROR;
    }

    for ( ;; ) {
        if (ngx_http_intake_parse_argument(tp, word->words) != NGX_OK) {
            return NGX_ERROR;
        }

        if (tp->pos == tp->last || *tp->pos != ',') {
            return ngx_http_intake_expect(tp, ')', usage);
        }

        tp->pos++;
    }
}


static ngx_int_t
ngx_http_intake_parse_hmac(ngx_http_intake_template_parser_t *tp,
    ngx_http_intake_word_t *word)
{
    ngx_int_t           encoding;
    ngx_str_t           text;
    static const char  *usage = "$hmac(ALG,hex|base64,WORD)";

    if (ngx_http_intake_expect(tp, '(', usage) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_http_intake_skip_spaces(tp);
    ngx_http_intake_take(tp, &text);

    if (ngx_http_intake_expect(tp, ',', usage) != NGX_OK
        || ngx_http_intake_hmac_algorithm(tp, &text, word) != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_http_intake_skip_spaces(tp);
    ngx_http_intake_take(tp, &text);

    if (ngx_http_intake_expect(tp, ',', usage) != NGX_OK) {
        return NGX_ERROR;
    }

    encoding = ngx_http_intake_choose(tp->cf, ngx_http_intake_hmac_encodings,
                                      &text, "encoding of $hmac()", tp->what);
    if (encoding == NGX_ERROR) {
        return NGX_ERROR;
    }

    word->encoding = encoding;

    if (ngx_http_intake_parse_argument(tp, word->words) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_intake_expect(tp, ')', usage);
}


static ngx_int_t
ngx_http_intake_hmac_algorithm(ngx_http_intake_template_parser_t *tp,
    ngx_str_t *text, ngx_http_intake_word_t *word)
{
    ngx_int_t  algorithm;
    ngx_str_t  name;

    if (!ngx_http_intake_param(text, "hmac-", &name)) {
        name = *text;
    }

    algorithm = ngx_http_intake_choose(tp->cf,
                                       ngx_http_intake_hmac_algorithms, &name,
                                       "algorithm of $hmac()", tp->what);
    if (algorithm == NGX_ERROR) {
        return NGX_ERROR;
    }

    word->algorithm = algorithm;

    return NGX_OK;
}


static ngx_int_t
ngx_http_intake_parse_argument(ngx_http_intake_template_parser_t *tp,
    ngx_array_t *words)
{
    ngx_int_t               rc;
    ngx_http_intake_word_t  word;

    ngx_http_intake_skip_spaces(tp);

    if (tp->pos == tp->last || *tp->pos == ',' || *tp->pos == ')') {
        ngx_conf_log_error(NGX_LOG_EMERG, tp->cf, 0,
                           "empty argument of $sorted() or $hmac() in \"%s\"",
                           tp->what);
        return NGX_ERROR;
    }

    if (*tp->pos == '$') {
        tp->pos++;
        rc = ngx_http_intake_parse_word(tp, &word);

    } else {
        rc = ngx_http_intake_parse_bare_src(tp, &word);

        if (rc == NGX_DECLINED) {
            rc = ngx_http_intake_parse_word(tp, &word);
        }
    }

    if (rc != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_http_intake_skip_spaces(tp);

    if (ngx_array_push(words) == NULL) {
        return NGX_ERROR;
    }

    ((ngx_http_intake_word_t *) words->elts)[words->nelts - 1] = word;

    return NGX_OK;
}


/* query:nonce, up to "," or ")"; NGX_DECLINED if it is another word */

static ngx_int_t
ngx_http_intake_parse_bare_src(ngx_http_intake_template_parser_t *tp,
    ngx_http_intake_word_t *word)
{
    u_char     *p;
    ngx_str_t   text;

    for (p = tp->pos; p < tp->last; p++) {
        if (*p == '(' || *p == ',' || *p == ')') {
            break;
        }
    }

    if (ngx_strlchr(tp->pos, p, ':') == NULL) {
        return NGX_DECLINED;
    }

    text.data = tp->pos;
    text.len = p - tp->pos;

    tp->pos = p;

    ngx_memzero(word, sizeof(ngx_http_intake_word_t));
    word->type = NGX_HTTP_INTAKE_WORD_SRC;

    return ngx_http_intake_parse_src(tp->cf, tp->paths, &text, tp->what,
                                     &word->src);
}


static void
ngx_http_intake_skip_spaces(ngx_http_intake_template_parser_t *tp)
{
    while (tp->pos < tp->last && *tp->pos == ' ') {
        tp->pos++;
    }
}


/* the letters, digits, "_" and inside of arguments "-" that come next */

static void
ngx_http_intake_take(ngx_http_intake_template_parser_t *tp, ngx_str_t *text)
{
    u_char  c, ch;

    text->data = tp->pos;

    while (tp->pos < tp->last) {
        ch = *tp->pos;
        c = ngx_tolower(ch);

        if ((c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_'
            && (c != '-' || tp->nesting == 0))
        {
            break;
        }

        tp->pos++;
    }

    text->len = tp->pos - text->data;
}


static ngx_int_t
ngx_http_intake_expect(ngx_http_intake_template_parser_t *tp, u_char ch,
    const char *usage)
{
    if (tp->pos == tp->last || *tp->pos != ch) {
        ngx_conf_log_error(NGX_LOG_EMERG, tp->cf, 0,
                           "\"%c\" is missing in \"%s\", write %s",
                           ch, tp->what, usage);
        return NGX_ERROR;
    }

    tp->pos++;

    return NGX_OK;
}
