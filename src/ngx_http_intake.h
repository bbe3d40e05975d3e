
/*
 * Copyright (C) nginx-intake contributors
 */


#ifndef _NGX_HTTP_INTAKE_H_INCLUDED_
#define _NGX_HTTP_INTAKE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_intake_digest.h"
#include "ngx_intake_encoding.h"
#include "ngx_intake_json.h"
#include "ngx_intake_redis.h"
#include "ngx_intake_time.h"
#include "ngx_intake_uuid.h"
#include "ngx_intake_xml.h"


/*
 * The types that the HTTP side shares.  The way of one delivery:
 *
 *  http/receive     limits, method, body
 *  verify/verify    signature, time; verify/challenge: handshakes
 *  verify/event     id, type, dedupe key
 *  http/store       the entry, one pipelined script call
 *  http/answer      the answer
 *
 * Everything that conf/ fills is read only after the configuration is read.
 */


#define NGX_HTTP_INTAKE_VERSION        "0.1.0"

#define NGX_HTTP_INTAKE_MAX_NAME       32
#define NGX_HTTP_INTAKE_MAX_SOURCES    64
#define NGX_HTTP_INTAKE_MAX_SECRETS    16    /* of a source */
#define NGX_HTTP_INTAKE_MAX_SIGNATURES 8     /* that are tried in a request */
#define NGX_HTTP_INTAKE_MAX_URLS       6     /* that may have been signed */
#define NGX_HTTP_INTAKE_MAX_BODY       (512 * 1024 * 1024)
#define NGX_HTTP_INTAKE_MAX_VALUES     20000 /* of a JSON document, a SRC */
#define NGX_HTTP_INTAKE_MAX_PARAMS     1000  /* of a query or form; one more
                                                says that there were more */


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
    unsigned                        mark:1;     /* on_duplicate=mark */
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
    unsigned                        signature_in_body:1; /* it, its time or a
                                                   word of signed reads the
                                                   body */
} ngx_http_intake_platform_t;


typedef struct {
    ngx_str_t                       value;      /* wiped at exit */
    ngx_str_t                       id;         /* "" none */
    ngx_intake_key_t               *key;        /* of platform->algorithm */
    ngx_array_t                    *keys;       /* jwt-rs256, sns: instead;
                                                   ..._named_key_t */
    ngx_http_intake_position_t      position;
} ngx_http_intake_secret_t;


/* one channel with its own stream, rules and targets */

typedef struct {
    ngx_str_t                       name;
    ngx_http_intake_position_t      position;
    ngx_uint_t                      index;      /* in main->sources */

    ngx_str_t                       platform_name;
    ngx_http_intake_position_t      platform_position;
    ngx_http_intake_platform_t     *platform;

    ngx_array_t                    *paths;      /* platform->paths, then
                                                   those of our answer */
    ngx_array_t                    *secrets;        /* ..._secret_t */
    ngx_array_t                    *verify_tokens;  /* ..._secret_t */
    ngx_array_t                    *set;            /* ngx_keyval_t */
    ngx_str_t                       url_base;

    ngx_str_t                       stream;     /* the key, resolved */
    ngx_str_t                       dedupe_prefix;  /* "{KEY}:dedupe:" */
    ngx_str_t                       event_source;   /* CloudEvents source */

    ngx_uint_t                      maxlen;     /* 0: untrimmed */
    ngx_msec_t                      age;        /* ms; 0: untrimmed */

    /* replace the platform's, resolved when the configuration is read */
    ngx_http_intake_dedupe_t        dedupe;
    ngx_http_intake_reply_t        *answer;
    ngx_array_t                    *headers;    /* ngx_str_t, lower case */
    size_t                          max_body;
    ngx_msec_t                      deadline;   /* ms */
    time_t                          tolerance;  /* s; 0: off */
    time_t                          leeway;     /* s */

    ngx_uint_t                      client_ip;  /* ..._IP_... */

    unsigned                        used:1;     /* a location serves it */
} ngx_http_intake_source_t;

#define NGX_HTTP_INTAKE_IP_ON      0
#define NGX_HTTP_INTAKE_IP_MASKED  1
#define NGX_HTTP_INTAKE_IP_OFF     2


typedef struct ngx_http_intake_counters_s  ngx_http_intake_counters_t;


typedef struct {
    ngx_intake_redis_conf_t         redis;
    ngx_http_intake_position_t      redis_position;

    ngx_array_t                    *platforms;  /* ..._platform_t * */
    ngx_array_t                    *sources;    /* ..._source_t * */

    ngx_shm_zone_t                 *zone;
    ngx_http_intake_counters_t    **counters;   /* of sources[i]; set when
                                                   the zone is initialised */

    unsigned                        redis_defined:1;
    unsigned                        used:1;     /* some location is ours */
} ngx_http_intake_main_conf_t;


typedef struct {
    ngx_flag_t                      used;       /* a location of it is ours */
} ngx_http_intake_srv_conf_t;


typedef struct {
    ngx_str_t                       source_name;
    ngx_http_intake_position_t      source_position;
    ngx_http_intake_source_t       *source;     /* NULL: not ours */

    ngx_uint_t                      health;     /* bits of `health=` */

    unsigned                        get_page:1;
    unsigned                        status:1;   /* intake_status */
    unsigned                        detail:1;
} ngx_http_intake_loc_conf_t;


/* how a request ended; also the index of its counter */

typedef enum {
    NGX_HTTP_INTAKE_STORED = 0,
    NGX_HTTP_INTAKE_DUPLICATE,
    NGX_HTTP_INTAKE_SPOOLED,
    NGX_HTTP_INTAKE_SPAM,
    NGX_HTTP_INTAKE_CHALLENGE,
    NGX_HTTP_INTAKE_REJECTED,
    NGX_HTTP_INTAKE_UNAVAILABLE,
    NGX_HTTP_INTAKE_PENDING                    /* not ended yet */
} ngx_http_intake_outcome_e;

#define NGX_HTTP_INTAKE_OUTCOMES  7


/* the codes of our answers; http/answer has their table */

typedef enum {
    NGX_HTTP_INTAKE_OK = 0,
    NGX_HTTP_INTAKE_MALFORMED,
    NGX_HTTP_INTAKE_SIGNATURE_MISSING,
    NGX_HTTP_INTAKE_SIGNATURE_MISMATCH,
    NGX_HTTP_INTAKE_TIMESTAMP_MISSING,
    NGX_HTTP_INTAKE_TIMESTAMP_RANGE,
    NGX_HTTP_INTAKE_CREDENTIALS,
    NGX_HTTP_INTAKE_CHALLENGE_REFUSED,
    NGX_HTTP_INTAKE_ORIGIN_NOT_ALLOWED,
    NGX_HTTP_INTAKE_FORBIDDEN,                 /* nginx's own 403 */
    NGX_HTTP_INTAKE_NOT_FOUND,
    NGX_HTTP_INTAKE_METHOD_NOT_ALLOWED,
    NGX_HTTP_INTAKE_TOO_LARGE,
    NGX_HTTP_INTAKE_UNSUPPORTED_CONTENT_ENCODING,
    NGX_HTTP_INTAKE_RATE_LIMITED,
    NGX_HTTP_INTAKE_STORE_UNAVAILABLE,
    NGX_HTTP_INTAKE_STORE_TIMEOUT,
    NGX_HTTP_INTAKE_STORE_REFUSED,
    NGX_HTTP_INTAKE_DURABILITY_UNAVAILABLE,
    NGX_HTTP_INTAKE_INTERNAL_ERROR             /* nginx's own 5xx */
} ngx_http_intake_code_e;

#define NGX_HTTP_INTAKE_CODES  20


typedef enum {
    NGX_HTTP_INTAKE_ANOMALY_ID_REUSED = 0,
    NGX_HTTP_INTAKE_ANOMALY_UNPARSED,
    NGX_HTTP_INTAKE_ANOMALY_UNKNOWN_OUTCOME
} ngx_http_intake_anomaly_e;

#define NGX_HTTP_INTAKE_ANOMALIES  3


/* a value that the JSON reader found at one of source->paths */

#define NGX_HTTP_INTAKE_MAX_INDICES  4     /* "*" of a path */

typedef struct {
    ngx_str_t                       value;      /* decoded; of scalars */
    uint32_t                        indices[NGX_HTTP_INTAKE_MAX_INDICES];
    ngx_uint_t                      nindices;
    unsigned                        container:1;
} ngx_http_intake_json_value_t;


typedef struct {
    ngx_str_t                       name;       /* percent-decoded */
    ngx_str_t                       value;
} ngx_http_intake_param_t;


/* what the rules of `message` found in a delivery */

typedef struct {
    ngx_http_intake_direction_e     direction;
    ngx_str_t                       conversation;
    ngx_str_t                       id;         /* "" none */
    int64_t                         time;       /* us, the sender's, or -1 */
} ngx_http_intake_message_t;


/* KIND of a dedupe key */

typedef enum {
    NGX_HTTP_INTAKE_KEY_SIGNED = 's',           /* signed id */
    NGX_HTTP_INTAKE_KEY_UNSIGNED = 'u',         /* unsigned id */
    NGX_HTTP_INTAKE_KEY_BODY = 'h',             /* body digest */
    NGX_HTTP_INTAKE_KEY_OWN = 'o'               /* own id: no duplicates */
} ngx_http_intake_key_e;

#define NGX_HTTP_INTAKE_HASH_LEN  22            /* H, in base64url */


/* the values of an entry, as scripts/store.lua takes them */

enum {
    NGX_HTTP_INTAKE_FIELD_ID = 0,
    NGX_HTTP_INTAKE_FIELD_TYPE,
    NGX_HTTP_INTAKE_FIELD_TIME,
    NGX_HTTP_INTAKE_FIELD_DATACONTENTTYPE,
    NGX_HTTP_INTAKE_FIELD_SUBJECT,
    NGX_HTTP_INTAKE_FIELD_RECORDEDTIME,
    NGX_HTTP_INTAKE_FIELD_KEY,
    NGX_HTTP_INTAKE_FIELD_VERIFY,
    NGX_HTTP_INTAKE_FIELD_KEYID,
    NGX_HTTP_INTAKE_FIELD_IP,
    NGX_HTTP_INTAKE_FIELD_HEADERS,
    NGX_HTTP_INTAKE_FIELD_SPAM,
    NGX_HTTP_INTAKE_FIELD_FILES,
    NGX_HTTP_INTAKE_FIELD_DATA,

    NGX_HTTP_INTAKE_FIELDS
};


/*
 * The state of one request, in r->pool.  Set for every request that reached
 * an intake location, by preaccess.
 */

typedef struct {
    ngx_http_request_t             *request;
    ngx_http_intake_source_t       *source;

    int64_t                         received;   /* us since 1970, real clock,
                                                   when the head had arrived */
    uint64_t                        started;    /* us, monotonic */

    ngx_str_t                       body;       /* contiguous */

    /* the body's values, read once when first asked for */
    ngx_array_t                    *json;       /* for each of source->paths
                                                   an ngx_array_t of
                                                   ..._json_value_t, ordered
                                                   by their indices */
    ngx_array_t                    *form;       /* ..._param_t */
    ngx_array_t                    *query;      /* ..._param_t */
    ngx_str_t                      *xml;        /* for each of source->paths
                                                   its text; data is NULL if
                                                   it is absent */
    ngx_int_t                       json_rc;    /* NGX_OK: a whole document;
                                                   else there are no values */
    ngx_int_t                       xml_rc;     /* the same */

    ngx_array_t                    *claims;     /* as json, of the token that
                                                   held; NULL: none has yet */

    ngx_str_t                       timestamp;  /* text as received */
    ngx_http_intake_secret_t       *secret;     /* that matched, or NULL */

    ngx_str_t                       id;         /* CloudEvents id */
    ngx_str_t                       type;
    ngx_str_t                       conversation;
    ngx_str_t                       key;        /* "s:ID", "h:H", ... */
    ngx_array_t                    *messages;   /* ..._message_t, or NULL */
    ngx_str_t                       recordedtime;   /* 27 bytes */
    int64_t                         time;       /* us, the sender's, or -1 */

    u_char                          body_digest[32];    /* SHA-256 */

    /* of the dedupe keys; body_hash is a second key, if body_key is set */
    ngx_http_intake_key_e           key_kind;
    u_char                          key_hash[NGX_HTTP_INTAKE_HASH_LEN];
    u_char                          body_hash[NGX_HTTP_INTAKE_HASH_LEN];
    u_char                          own_hash[NGX_HTTP_INTAKE_HASH_LEN];

    ngx_str_t                      *fields;     /* the entry's values */

    ngx_str_t                       entry;      /* stream id, after the store */
    uint64_t                        store_us;   /* from the head to Redis's
                                                   answer; 0: none came */

    ngx_http_intake_outcome_e       outcome;
    ngx_http_intake_code_e          code;       /* if not OK */

    void                           *batch;      /* http/store: where we wait */
    ngx_uint_t                      slot;       /* our place in it */

    ngx_str_t                       replacement;    /* http/filter: the body
                                                   in place of nginx's own */

    unsigned                        json_read:1;
    unsigned                        document:1; /* json is not of the body */
    unsigned                        xml_read:1;
    unsigned                        form_read:1;
    unsigned                        query_read:1;
    unsigned                        body_hashed:1;
    unsigned                        body_key:1;
    unsigned                        unparsed:1;
    unsigned                        id_unsigned:1;
    unsigned                        duplicate:1;
    unsigned                        id_reused:1;
    unsigned                        answered:1; /* by ourselves */
    unsigned                        replace:1;  /* http/filter */
    unsigned                        counted:1;
} ngx_http_intake_ctx_t;


extern ngx_module_t  ngx_http_intake_module;


/* conf/: the block reader */

typedef struct ngx_http_intake_directive_s  ngx_http_intake_directive_t;

struct ngx_http_intake_directive_s {
    ngx_str_t                       name;
    ngx_uint_t                      min;        /* arguments */
    ngx_uint_t                      max;
    char                         *(*set)(ngx_conf_t *cf,
                                        ngx_http_intake_directive_t *d,
                                        void *conf);
    ngx_uint_t                      offset;     /* for the plain setters */
    ngx_uint_t                      multiple;   /* may stand several times */
};

#define ngx_http_intake_null_directive  { ngx_null_string, 0, 0, NULL, 0, 0 }
#define NGX_HTTP_INTAKE_ANY_ARGS  256

/*
 * Reads { ... } of a block with its table of directives: cf->args of a
 * directive go to its setter with conf.  `include` works inside.  block is
 * the block's name for messages ("intake_platform \"github\"").
 */
char *ngx_http_intake_read_block(ngx_conf_t *cf, ngx_str_t *block,
    ngx_http_intake_directive_t *directives, void *conf);

/* plain setters: of the ngx_str_t, ngx_msec_t, size_t, ... at d->offset */
char *ngx_http_intake_set_str(ngx_conf_t *cf, ngx_http_intake_directive_t *d,
    void *conf);
char *ngx_http_intake_set_msec(ngx_conf_t *cf,
    ngx_http_intake_directive_t *d, void *conf);
char *ngx_http_intake_set_size(ngx_conf_t *cf,
    ngx_http_intake_directive_t *d, void *conf);

/* where cf reads now */
void ngx_http_intake_position(ngx_conf_t *cf,
    ngx_http_intake_position_t *position);

/* nginx's own message with "in FILE:LINE" of position, at level */
void ngx_http_intake_conf_log(ngx_conf_t *cf, ngx_uint_t level,
    ngx_http_intake_position_t *position, const char *fmt, ...);

/* NGX_OK if name is [a-z][a-z0-9_-]{0,31} */
ngx_int_t ngx_http_intake_check_name(ngx_str_t *name);

/*
 * VALUE or file:PATH (relative to nginx.conf's folder; without one final LF
 * or CRLF).  what names the directive in messages.  The value is wiped with
 * cf->pool.  NGX_ERROR: a message has been logged.
 */
ngx_int_t ngx_http_intake_read_secret(ngx_conf_t *cf, ngx_str_t *argument,
    const char *what, ngx_str_t *value);

/* the known name nearest to name, or NULL; for "did you mean" */
ngx_str_t *ngx_http_intake_nearest(ngx_str_t *name, ngx_str_t *known,
    ngx_uint_t n, size_t stride);

char *ngx_http_intake_redis_block(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_intake_platform_block(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_intake_source_block(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

/* the setters that a source has in common with its platform */
char *ngx_http_intake_set_dedupe(ngx_conf_t *cf,
    ngx_http_intake_directive_t *d, void *conf);    /* ..._dedupe_t */
char *ngx_http_intake_set_headers(ngx_conf_t *cf,
    ngx_http_intake_directive_t *d, void *conf);    /* ngx_array_t * */
char *ngx_http_intake_set_tolerance(ngx_conf_t *cf,
    ngx_http_intake_directive_t *d, void *conf);    /* time_t */

/*
 * Refuses headers of a source or platform that name the header which is the
 * platform's secret (algorithm equal).  headers may be NULL; position is that
 * of the directive.
 */
ngx_int_t ngx_http_intake_check_headers(ngx_conf_t *cf, ngx_array_t *headers,
    ngx_http_intake_platform_t *platform,
    ngx_http_intake_position_t *position);

/*
 * The grammar's words.  paths (ngx_intake_json_path_t) gets the json paths
 * that they read; a path that is there already is shared.  what names the
 * directive in messages.  NGX_ERROR: a message has been logged.
 */
ngx_int_t ngx_http_intake_parse_src(ngx_conf_t *cf, ngx_array_t *paths,
    ngx_str_t *text, const char *what, ngx_http_intake_src_t *src);
ngx_http_intake_template_t *ngx_http_intake_parse_template(ngx_conf_t *cf,
    ngx_array_t *paths, ngx_str_t *text, const char *what);

/* answer STATUS [TYPE "TEMPLATE"] */
char *ngx_http_intake_parse_answer(ngx_conf_t *cf, ngx_array_t *paths,
    ngx_http_intake_reply_t **answer);

/* checks and resolves names when http {} has been read */
char *ngx_http_intake_check_conf(ngx_conf_t *cf,
    ngx_http_intake_main_conf_t *imcf);

/* makes the keys of the source's secrets */
char *ngx_http_intake_check_secrets(ngx_conf_t *cf,
    ngx_http_intake_source_t *source);

/* finds the addresses of the servers, or who will be asked for them */
char *ngx_http_intake_resolve_servers(ngx_conf_t *cf,
    ngx_http_intake_main_conf_t *imcf);

/* that source has what the rules of its platform need */
char *ngx_http_intake_check_needs(ngx_conf_t *cf,
    ngx_http_intake_source_t *source);


/* verify/ */

/*
 * All values of src in the request, in order, in r->pool; n is their number,
 * 0 if there is none.  NGX_ERROR: no memory.
 */
ngx_int_t ngx_http_intake_extract(ngx_http_intake_ctx_t *ctx,
    ngx_http_intake_src_t *src, ngx_str_t **values, ngx_uint_t *n);

/*
 * Appends to values (ngx_str_t) what split and prefix of src make of text.
 * NGX_ERROR: no memory.
 */
ngx_int_t ngx_http_intake_select(ngx_http_intake_src_t *src, ngx_str_t *text,
    ngx_array_t *values);

/* The first value.  NGX_DECLINED: it is absent or empty.  NGX_ERROR. */
ngx_int_t ngx_http_intake_extract_first(ngx_http_intake_ctx_t *ctx,
    ngx_http_intake_src_t *src, ngx_str_t *value);

/*
 * These fill json, xml, query or form of ctx, once.  Form: the parameters of
 * a body of application/x-www-form-urlencoded, of the query if the method is
 * GET, else none.  NGX_ERROR: no memory.
 */
ngx_int_t ngx_http_intake_read_json(ngx_http_intake_ctx_t *ctx);
ngx_int_t ngx_http_intake_read_xml(ngx_http_intake_ctx_t *ctx);
ngx_int_t ngx_http_intake_read_query(ngx_http_intake_ctx_t *ctx);
ngx_int_t ngx_http_intake_read_form(ngx_http_intake_ctx_t *ctx);

/*
 * The values that text, a JSON document, has at source->paths: an array as
 * ctx->json.  NGX_DECLINED: text could not be read, and all of them are
 * empty.  NGX_ERROR: no memory.
 */
ngx_int_t ngx_http_intake_read_values(ngx_http_intake_ctx_t *ctx,
    ngx_str_t *text, ngx_array_t **values);

/* the part of ngx_http_intake_extract() for such an array */
ngx_int_t ngx_http_intake_extract_values(ngx_array_t *array,
    ngx_http_intake_src_t *src, ngx_array_t *values);

/* 1 if src reads a document that has been tried and is none */
ngx_uint_t ngx_http_intake_is_unreadable(ngx_http_intake_ctx_t *ctx,
    ngx_http_intake_src_t *src);

/* 1 if src reads the body as a document */
#define ngx_http_intake_is_document(src)                                      \
    ((src)->kind == NGX_HTTP_INTAKE_SRC_JSON                                  \
     || (src)->kind == NGX_HTTP_INTAKE_SRC_XML)

/* 1 if the request's Content-Type is application/x-www-form-urlencoded */
ngx_uint_t ngx_http_intake_is_form(ngx_http_request_t *r);

/*
 * The parts of a template, for one secret and one variant of the URL.
 * NGX_DECLINED: a SRC in it is absent or empty.  json: values of SRCs are
 * escaped.
 */
typedef struct {
    ngx_str_t                      *secret;     /* NULL: none */
    ngx_str_t                       url;        /* of $url; "": url_base and
                                                   the request's path */
    unsigned                        json:1;
    unsigned                        lenient:1;  /* absent SRC = empty */
} ngx_http_intake_values_t;

ngx_int_t ngx_http_intake_evaluate(ngx_http_intake_ctx_t *ctx,
    ngx_http_intake_template_t *template, ngx_http_intake_values_t *v,
    ngx_str_t **parts, ngx_uint_t *n);

/* Joins parts, in pool if there are several.  NGX_ERROR: no memory. */
ngx_int_t ngx_http_intake_flatten(ngx_pool_t *pool, ngx_str_t *parts,
    ngx_uint_t n, ngx_str_t *text);

/* url_base and the request's path.  NGX_ERROR: no memory. */
ngx_int_t ngx_http_intake_url(ngx_http_intake_ctx_t *ctx, ngx_str_t *url);

/* Its forms that a signature may cover; urls has MAX_URLS places. */
ngx_int_t ngx_http_intake_signed_urls(ngx_http_intake_ctx_t *ctx,
    ngx_str_t *urls, ngx_uint_t *n);

/* 1 if such a word stands in the template or in a word of it */
ngx_uint_t ngx_http_intake_has_word(ngx_http_intake_template_t *template,
    ngx_http_intake_word_e type);

/*
 * Tests signature and time of the delivery.  NGX_OK; NGX_DECLINED: refused,
 * ctx->code says why; NGX_ERROR: no memory.
 */
ngx_int_t ngx_http_intake_verify(ngx_http_intake_ctx_t *ctx);

/*
 * The part of it for signatures of "signed": values are those that came.
 * NGX_DECLINED: none matches; ctx->code is set if the reason is another.
 */
ngx_int_t ngx_http_intake_verify_string(ngx_http_intake_ctx_t *ctx,
    ngx_str_t *values, ngx_uint_t n);

/*
 * Sets ctx->code and logs it, with the beginning of text, which may be NULL.
 * Returns NGX_DECLINED.
 */
ngx_int_t ngx_http_intake_deny(ngx_http_intake_ctx_t *ctx,
    ngx_http_intake_code_e code, ngx_str_t *text);

/*
 * Answers a handshake.  NGX_OK: *reply is to be sent, *challenge is its rule;
 * NGX_DECLINED: none matches, go on; NGX_ABORT: refused, ctx->code says why;
 * NGX_ERROR: no memory.  verified challenges are tried only by the call that
 * has verified set, after ngx_http_intake_verify() held.
 */
ngx_int_t ngx_http_intake_challenge(ngx_http_intake_ctx_t *ctx,
    ngx_uint_t verified, ngx_http_intake_challenge_t **challenge,
    ngx_str_t *body);

/*
 * The text of a header that a challenge adds, without control characters.
 * NGX_ERROR: no memory.
 */
ngx_int_t ngx_http_intake_challenge_header(ngx_http_intake_ctx_t *ctx,
    ngx_http_intake_header_t *header, ngx_str_t *value);

/*
 * Sets id, type, time, recordedtime, the dedupe keys, messages, conversation
 * and unparsed of ctx.  Never fails for what stands in the body.  NGX_ERROR:
 * no memory.
 */
ngx_int_t ngx_http_intake_event(ngx_http_intake_ctx_t *ctx);

/*
 * The sender's id, before ngx_http_intake_event(): the first values.
 * NGX_DECLINED: there is none.  NGX_ERROR: no memory.
 */
ngx_int_t ngx_http_intake_find_id(ngx_http_intake_ctx_t *ctx, ngx_str_t *id);

/* Sets timestamp of ctx.  NGX_DECLINED: absent.  NGX_ERROR: no memory. */
ngx_int_t ngx_http_intake_find_timestamp(ngx_http_intake_ctx_t *ctx);

/* Sets body_digest of ctx, once.  NGX_ERROR: no memory. */
ngx_int_t ngx_http_intake_hash_body(ngx_http_intake_ctx_t *ctx);

/*
 * Sets messages and conversation of ctx by the rules of `message`; at most
 * 1000 messages.  NGX_ERROR: no memory.
 */
ngx_int_t ngx_http_intake_find_messages(ngx_http_intake_ctx_t *ctx);

/* 1 if they need the body to be a document; there is at least one rule */
ngx_uint_t ngx_http_intake_messages_use_document(
    ngx_http_intake_platform_t *platform);


/* http/ */

ngx_int_t ngx_http_intake_post_read(ngx_http_request_t *r);
ngx_int_t ngx_http_intake_preaccess(ngx_http_request_t *r);
ngx_int_t ngx_http_intake_handler(ngx_http_request_t *r);
ngx_int_t ngx_http_intake_status_handler(ngx_http_request_t *r);

/* the setter of intake_status; marks the main conf as used: it counts */
char *ngx_http_intake_status_directive(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

/* the methods of deliveries, and of handshakes: of all or of verified ones */
ngx_uint_t ngx_http_intake_methods(ngx_http_intake_source_t *source,
    ngx_uint_t verified);

/*
 * Sends the answer of code (a problem, RFC 9457) and counts the outcome; the
 * result is for ngx_http_finalize_request().
 */
ngx_int_t ngx_http_intake_refuse(ngx_http_intake_ctx_t *ctx,
    ngx_http_intake_code_e code);

/*
 * Makes the body of a problem, in r->pool, and counts the outcome.  status is
 * that of the answer, which may be nginx's own.  NGX_ERROR: no memory.
 */
ngx_int_t ngx_http_intake_problem(ngx_http_intake_ctx_t *ctx,
    ngx_http_intake_code_e code, ngx_uint_t status, ngx_str_t *body);

/* Adds what status demands: Allow, WWW-Authenticate, Retry-After. */
ngx_int_t ngx_http_intake_problem_headers(ngx_http_intake_ctx_t *ctx,
    ngx_uint_t status);

/* "SIGNATURE_MISSING", ...; "" of OK */
ngx_str_t *ngx_http_intake_code_name(ngx_http_intake_code_e code);

/* the code of an answer that nginx itself makes */
ngx_http_intake_code_e ngx_http_intake_code_of_status(ngx_http_request_t *r,
    ngx_uint_t status);

/* Sends the success answer of a stored delivery or a duplicate; counts it. */
ngx_int_t ngx_http_intake_accept(ngx_http_intake_ctx_t *ctx);

/* Sends the answer of a handshake; counts it. */
ngx_int_t ngx_http_intake_send_challenge(ngx_http_intake_ctx_t *ctx,
    ngx_http_intake_challenge_t *challenge, ngx_str_t *body);

/* Sends status, type and body of ours; type or body may be empty. */
ngx_int_t ngx_http_intake_send(ngx_http_request_t *r, ngx_uint_t status,
    ngx_str_t *type, ngx_str_t *body);

/* name must stay.  NGX_ERROR: no memory. */
ngx_int_t ngx_http_intake_add_header(ngx_http_request_t *r, const char *name,
    ngx_str_t *value);

void ngx_http_intake_add_filters(void);

/*
 * Makes fields of ctx: the entry, version 1.  NGX_ERROR: no memory.
 */
ngx_int_t ngx_http_intake_entry(ngx_http_intake_ctx_t *ctx);

/*
 * Queues the delivery for its source's script call.  NGX_OK: the request will
 * be answered and finalized when Redis has answered.  NGX_ERROR: no memory.
 */
ngx_int_t ngx_http_intake_store(ngx_http_intake_ctx_t *ctx);

ngx_int_t ngx_http_intake_store_init(ngx_cycle_t *cycle,
    ngx_http_intake_main_conf_t *imcf);
void ngx_http_intake_store_exit(ngx_cycle_t *cycle);

ngx_int_t ngx_http_intake_add_variables(ngx_conf_t *cf);


/* http/counters: shared memory, integers only */

/*
 * Adds the zone "intake"; to be called when all sources have been read.
 * NGX_ERROR: no memory, or a message has been logged.
 */
ngx_int_t ngx_http_intake_add_zone(ngx_conf_t *cf,
    ngx_http_intake_main_conf_t *imcf);

/*
 * Counts the outcome, the code if it is rejected or unavailable, and the bytes
 * of the body.  Sets ctx->counted; the second call of a request does nothing.
 */
void ngx_http_intake_count_request(ngx_http_intake_ctx_t *ctx);
void ngx_http_intake_count_anomaly(ngx_http_intake_ctx_t *ctx,
    ngx_http_intake_anomaly_e anomaly);
void ngx_http_intake_count_message(ngx_http_intake_ctx_t *ctx,
    ngx_http_intake_direction_e direction, ngx_uint_t n);

/* us: from the head to Redis's answer; sets ctx->store_us */
void ngx_http_intake_count_store(ngx_http_intake_ctx_t *ctx, uint64_t us);

/* an ngx_intake_redis_info_pt; data is the main conf */
void ngx_http_intake_publish_redis(void *data, ngx_intake_redis_info_t *info);

extern ngx_str_t  ngx_http_intake_outcomes[NGX_HTTP_INTAKE_OUTCOMES];


#endif /* _NGX_HTTP_INTAKE_H_INCLUDED_ */
