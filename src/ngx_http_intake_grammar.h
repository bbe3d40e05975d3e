
/*
 * Copyright (C) nginx-intake contributors
 */


#ifndef _NGX_HTTP_INTAKE_GRAMMAR_H_INCLUDED_
#define _NGX_HTTP_INTAKE_GRAMMAR_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_intake_digest.h"
#include "ngx_intake_encoding.h"
#include "ngx_intake_time.h"


/*
 * What the words of intake_platform { } become: conf/ fills it, verify/ reads
 * it with each request.
 */


/* where an object stands in the configuration, for checks at its end */

typedef struct {
    ngx_str_t                       file;
    ngx_uint_t                      line;
} ngx_http_intake_position_t;


/*
 * SRC of the grammar: (header|query|form|json|xml|jwt|conf):NAME [split=CH]
 * [prefix=STR], and @ or @.PATH for the element of a message rule.
 */

typedef enum {
    NGX_HTTP_INTAKE_SRC_HEADER = 0,
    NGX_HTTP_INTAKE_SRC_QUERY,
    NGX_HTTP_INTAKE_SRC_FORM,
    NGX_HTTP_INTAKE_SRC_JSON,
    NGX_HTTP_INTAKE_SRC_CONF,
    NGX_HTTP_INTAKE_SRC_XML,
    NGX_HTTP_INTAKE_SRC_JWT,          /* a claim of the token that held */
    NGX_HTTP_INTAKE_SRC_ELEMENT       /* becomes a json path of its own */
} ngx_http_intake_src_e;


typedef struct {
    ngx_http_intake_src_e           kind;
    ngx_str_t                       name;       /* header: lower case */
    ngx_str_t                       prefix;     /* "" none */
    ngx_uint_t                      path;       /* json, xml, jwt: in
                                                   source->paths */
    u_char                          split;      /* 0: none */
} ngx_http_intake_src_t;


/* a word of a template; the text between words is a literal */

typedef enum {
    NGX_HTTP_INTAKE_WORD_LITERAL = 0,
    NGX_HTTP_INTAKE_WORD_BODY,
    NGX_HTTP_INTAKE_WORD_URL,
    NGX_HTTP_INTAKE_WORD_PATH,
    NGX_HTTP_INTAKE_WORD_METHOD,
    NGX_HTTP_INTAKE_WORD_SECRET,
    NGX_HTTP_INTAKE_WORD_TIMESTAMP,
    NGX_HTTP_INTAKE_WORD_ID,
    NGX_HTTP_INTAKE_WORD_CRC32_BODY,
    NGX_HTTP_INTAKE_WORD_FORM_SORTED,
    NGX_HTTP_INTAKE_WORD_PARAMS_AMP,
    NGX_HTTP_INTAKE_WORD_SORTED,
    NGX_HTTP_INTAKE_WORD_HMAC,
    NGX_HTTP_INTAKE_WORD_SRC
} ngx_http_intake_word_e;


typedef struct {
    ngx_http_intake_word_e          type;
    ngx_str_t                       text;       /* LITERAL: the text;
                                                   PARAMS_AMP: the name that
                                                   is left out */
    ngx_http_intake_src_t           src;        /* SRC */
    ngx_array_t                    *words;      /* SORTED: its words; HMAC:
                                                   exactly one */
    ngx_intake_algorithm_e          algorithm;  /* HMAC */
    ngx_intake_encoding_e           encoding;   /* HMAC: hex or base64 */
} ngx_http_intake_word_t;


typedef ngx_array_t  ngx_http_intake_template_t;  /* ngx_http_intake_word_t */


/* NAME: TEMPLATE of a header that a challenge adds */

typedef struct {
    ngx_str_t                       name;
    ngx_http_intake_template_t     *value;
} ngx_http_intake_header_t;


/* SRC, SRC=VALUE: present and not empty, or equal to VALUE */

typedef struct {
    ngx_http_intake_src_t           src;
    ngx_str_t                       value;
    unsigned                        equal:1;
} ngx_http_intake_match_t;


typedef struct {
    ngx_uint_t                      status;
    ngx_str_t                       type;       /* "" none: no body */
    ngx_http_intake_template_t     *body;       /* NULL: none */
    unsigned                        json:1;     /* type ends in json: values
                                                   are escaped */
} ngx_http_intake_reply_t;


typedef struct {
    ngx_uint_t                      method;     /* NGX_HTTP_GET, ... */
    ngx_array_t                    *matches;    /* ..._match_t, or NULL */
    ngx_http_intake_src_t          *token;      /* or NULL */
    ngx_http_intake_reply_t         reply;
    ngx_array_t                    *headers;    /* ..._header_t, or NULL */
    unsigned                        verified:1;
} ngx_http_intake_challenge_t;


/* the rules of `message`; REFs: the first present of its alternatives */

typedef ngx_array_t  ngx_http_intake_ref_t;       /* ngx_http_intake_src_t */

typedef enum {
    NGX_HTTP_INTAKE_INBOUND = 0,
    NGX_HTTP_INTAKE_OUTBOUND,
    NGX_HTTP_INTAKE_AUTO
} ngx_http_intake_direction_e;

#define NGX_HTTP_INTAKE_DIRECTIONS  3


typedef enum {
    NGX_HTTP_INTAKE_COND_PRESENT = 0,           /* REF */
    NGX_HTTP_INTAKE_COND_VALUES,                /* REF=V|W */
    NGX_HTTP_INTAKE_COND_SAME,                  /* REF==REF */
    NGX_HTTP_INTAKE_COND_DIFFERENT              /* REF!=REF */
} ngx_http_intake_cond_e;


typedef struct {
    ngx_http_intake_cond_e          type;
    ngx_http_intake_ref_t          *ref;
    ngx_http_intake_ref_t          *other;      /* SAME, DIFFERENT */
    ngx_array_t                    *values;     /* VALUES: ngx_str_t */
} ngx_http_intake_cond_t;


typedef struct {
    ngx_http_intake_direction_e     direction;
    ngx_int_t                       each;       /* path, or NGX_ERROR: the
                                                   delivery is one message */
    ngx_array_t                    *when;       /* ..._cond_t, or NULL */
    ngx_array_t                    *unless;     /* ..._cond_t, or NULL */
    ngx_array_t                    *conversation;  /* ..._ref_t * */
    ngx_array_t                    *id;         /* ..._ref_t *, or NULL */
    ngx_http_intake_ref_t          *time;       /* or NULL */
    ngx_intake_time_unit_e          unit;
} ngx_http_intake_message_rule_t;


typedef enum {
    NGX_HTTP_INTAKE_DEDUPE_ID = 0,
    NGX_HTTP_INTAKE_DEDUPE_BODY,
    NGX_HTTP_INTAKE_DEDUPE_NONE
} ngx_http_intake_dedupe_key_e;


typedef struct {
    ngx_msec_t                      window;     /* ms */
    ngx_http_intake_dedupe_key_e    key;
    ngx_http_intake_position_t      position;
    unsigned                        mark:1;     /* on_duplicate=mark */
    unsigned                        key_set:1;  /* key= was given */
    unsigned                        set:1;      /* the directive was given */
} ngx_http_intake_dedupe_t;


typedef struct ngx_http_intake_jwt_s  ngx_http_intake_jwt_t;


/* how one kind of sender signs, identifies and shakes hands */

typedef struct {
    ngx_str_t                       name;
    ngx_http_intake_position_t      position;

    ngx_intake_algorithm_e          algorithm;

    ngx_array_t                    *paths;      /* ngx_intake_json_path_t of
                                                   all json, xml and jwt SRCs
                                                   below; a document is read
                                                   once */

    ngx_http_intake_src_t          *document;   /* of json SRCs, if it is
                                                   there; NULL: the body */

    ngx_http_intake_src_t          *signature;  /* NULL: none, basic, sns */
    ngx_intake_encoding_e           signature_encoding;
    ngx_uint_t                      elements;   /* path of those of which
                                                   `every` needs a signature,
                                                   or NGX_CONF_UNSET_UINT */

    ngx_intake_encoding_e           key_encoding;
    ngx_str_t                       key_strip;

    ngx_http_intake_jwt_t          *jwt;        /* jwt-*: its own parts */
    ngx_array_t                    *claims;     /* ..._claim_t, or NULL */
    time_t                          leeway;     /* s; of exp and nbf */
    ngx_http_intake_src_t          *sns;        /* sns: its fields */

    ngx_http_intake_template_t     *signed_string;
    ngx_http_intake_src_t          *body_digest;
    ngx_intake_encoding_e           body_digest_encoding;

    ngx_http_intake_src_t          *timestamp;
    ngx_intake_time_unit_e          timestamp_unit;
    time_t                          tolerance;  /* s; 0: off */

    ngx_array_t                    *id;         /* ngx_http_intake_src_t */
    ngx_array_t                    *type;       /* ngx_http_intake_src_t */
    ngx_str_t                       type_as;

    ngx_array_t                    *challenges; /* ..._challenge_t */
    ngx_array_t                    *messages;   /* ..._message_rule_t */

    ngx_uint_t                      methods;    /* NGX_HTTP_POST | ... */
    ngx_http_intake_dedupe_t        dedupe;
    ngx_http_intake_reply_t        *answer;     /* NULL: ours */
    ngx_array_t                    *headers;    /* ngx_str_t, lower case */
    size_t                          max_body;   /* NGX_CONF_UNSET_SIZE */
    ngx_msec_t                      deadline;   /* NGX_CONF_UNSET_MSEC */

    unsigned                        every:1;
    unsigned                        exp_optional:1;
    unsigned                        url_port_variants:1;
    unsigned                        url_decode:1;
    unsigned                        id_joined:1;
    unsigned                        id_unsigned:1;
    unsigned                        type_joined:1;
} ngx_http_intake_platform_t;


#endif /* _NGX_HTTP_INTAKE_GRAMMAR_H_INCLUDED_ */
