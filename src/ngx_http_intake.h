
/*
 * Copyright (C) nginx-intake contributors
 */


#ifndef _NGX_HTTP_INTAKE_H_INCLUDED_
#define _NGX_HTTP_INTAKE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_intake_grammar.h"
#include "ngx_intake_digest.h"
#include "ngx_intake_encoding.h"
#include "ngx_intake_json.h"
#include "ngx_intake_redis.h"
#include "ngx_intake_sha256.h"
#include "ngx_intake_spool.h"
#include "ngx_intake_time.h"
#include "ngx_intake_uuid.h"
#include "ngx_intake_xml.h"


/*
 * The types that the HTTP side shares.  The way of one delivery:
 *
 *  http/receive     limits, method, body
 *  verify/verify    signature, time; verify/challenge: handshakes
 *  verify/event     id, type, dedupe key
 *  http/deliver     the entry; http/store: one pipelined script call; on
 *                   trouble, the spool
 *  http/answer      the answer
 *
 * Everything that conf/ fills is read only after the configuration is read.
 */


#define NGX_HTTP_INTAKE_VERSION        "0.1.0"

#define NGX_HTTP_INTAKE_MAX_NAME       32
#define NGX_HTTP_INTAKE_MAX_SOURCES    64
#define NGX_HTTP_INTAKE_MAX_KEY        900   /* bytes, of a stream's key */
#define NGX_HTTP_INTAKE_MAX_SECRETS    16    /* of a source */
#define NGX_HTTP_INTAKE_MAX_SIGNATURES 8     /* that are tried in a request */
#define NGX_HTTP_INTAKE_MAX_URLS       6     /* that may have been signed */
#define NGX_HTTP_INTAKE_MAX_BODY       (512 * 1024 * 1024)
#define NGX_HTTP_INTAKE_MAX_VALUES     20000 /* of a JSON document, a SRC */
#define NGX_HTTP_INTAKE_MAX_PARAMS     1000  /* of a query or form; one more
                                                says that there were more */


typedef struct ngx_http_intake_form_conf_s  ngx_http_intake_form_conf_t;
typedef struct ngx_http_intake_submission_s  ngx_http_intake_submission_t;
typedef struct ngx_http_intake_sla_s  ngx_http_intake_sla_t;


typedef struct {
    ngx_str_t                       value;      /* wiped at exit */
    ngx_str_t                       id;         /* "" none */
    ngx_intake_key_t               *key;        /* of platform->algorithm */
    ngx_array_t                    *keys;       /* jwt-rs256, sns: instead;
                                                   ..._named_key_t */
    ngx_http_intake_position_t      position;
} ngx_http_intake_secret_t;


/* a stream of a source: what it keeps, and what knows its entries again */

typedef struct {
    ngx_str_t                       key;        /* resolved */
    ngx_str_t                       dedupe_prefix;  /* "KEY:dedupe:" */
    ngx_uint_t                      index;      /* of all streams */
    ngx_uint_t                      maxlen;     /* 0: untrimmed */
    ngx_msec_t                      age;        /* ms; 0: untrimmed */
} ngx_http_intake_stream_t;

/* a source has two */
#define NGX_HTTP_INTAKE_MAX_STREAMS  (2 * NGX_HTTP_INTAKE_MAX_SOURCES)


/* one channel with its own stream, rules and targets */

typedef struct {
    ngx_str_t                       name;
    ngx_http_intake_position_t      position;
    ngx_uint_t                      index;      /* in main->sources */

    ngx_str_t                       platform_name;
    ngx_http_intake_position_t      platform_position;
    ngx_http_intake_platform_t     *platform;

    ngx_http_intake_form_conf_t    *form;       /* NULL: webhooks */
    ngx_str_t                       webhook;    /* the first directive that
                                                   is for them alone, or "" */

    ngx_array_t                    *paths;      /* platform->paths, then
                                                   those of our answer */
    ngx_array_t                    *secrets;        /* ..._secret_t */
    ngx_array_t                    *verify_tokens;  /* ..._secret_t */
    ngx_array_t                    *set;            /* ngx_keyval_t */
    ngx_str_t                       url_base;

    ngx_http_intake_stream_t        stream;
    ngx_http_intake_stream_t        spam;       /* of a form: what is spam
                                                   for certain */
    ngx_str_t                       event_source;   /* CloudEvents source */

    /* replace the platform's, resolved when the configuration is read */
    ngx_http_intake_dedupe_t        dedupe;
    ngx_http_intake_reply_t        *answer;
    ngx_array_t                    *headers;    /* ngx_str_t, lower case */
    size_t                          max_body;
    ngx_msec_t                      deadline;   /* ms */
    ngx_msec_t                      patience;   /* ms, with Redis: less than
                                                   deadline with a spool */
    ngx_msec_t                      key_ttl;    /* ms, of dedupe keys */
    ngx_msec_t                      own_key_ttl;    /* ms */
    time_t                          tolerance;  /* s; 0: off */
    time_t                          leeway;     /* s */

    ngx_uint_t                      client_ip;  /* ..._IP_... */
    ngx_intake_redis_durability_t   durability; /* none: in Redis's memory */

    ngx_http_intake_sla_t          *sla;        /* NULL: no clocks */
    ngx_array_t                    *groups;     /* ngx_str_t, or NULL */

    unsigned                        used:1;     /* a location serves it */
} ngx_http_intake_source_t;

#define NGX_HTTP_INTAKE_IP_ON      0
#define NGX_HTTP_INTAKE_IP_MASKED  1
#define NGX_HTTP_INTAKE_IP_OFF     2


typedef struct ngx_http_intake_counters_s  ngx_http_intake_counters_t;


typedef struct {
    ngx_intake_redis_conf_t         redis;
    ngx_http_intake_position_t      redis_position;
    ngx_intake_spool_conf_t         spool;
    ngx_http_intake_position_t      spool_position;

    ngx_array_t                    *platforms;  /* ..._platform_t * */
    ngx_array_t                    *sources;    /* ..._source_t * */
    ngx_array_t                    *calendars;  /* ..._calendar_t * */

    ngx_shm_zone_t                 *zone;
    ngx_shm_zone_t                 *board;      /* NULL: no sources */
    ngx_shm_zone_t                 *readings;   /* the same */
    ngx_http_intake_counters_t    **counters;   /* of sources[i]; set when
                                                   the zone is initialised */

    unsigned                        redis_defined:1;
    unsigned                        used:1;     /* some location is ours */
    unsigned                        replies:1;  /* intake_replies, too */
} ngx_http_intake_main_conf_t;


typedef struct {
    ngx_flag_t                      used;       /* a location of it is ours */
} ngx_http_intake_srv_conf_t;


typedef struct {
    ngx_str_t                       source_name;
    ngx_http_intake_position_t      source_position;
    ngx_http_intake_source_t       *source;     /* NULL: not ours */
    ngx_http_intake_source_t       *token_source;   /* of intake_token */

    ngx_array_t                    *reply_tokens;   /* ..._secret_t */

    ngx_uint_t                      health;     /* bits of `health=` */

    unsigned                        get_page:1;
    unsigned                        token:1;    /* intake_token */
    unsigned                        status:1;   /* intake_status */
    unsigned                        replies:1;  /* intake_replies */
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


/* the codes of our answers; http/codes has their table */

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
    NGX_HTTP_INTAKE_FILES_TOO_BIG,
    NGX_HTTP_INTAKE_TOO_MANY_FILES,
    NGX_HTTP_INTAKE_TOO_MANY_FIELDS,
    NGX_HTTP_INTAKE_UNSUPPORTED_CONTENT_ENCODING,
    NGX_HTTP_INTAKE_UNSUPPORTED_MEDIA_TYPE,
    NGX_HTTP_INTAKE_VALIDATION_FAILED,
    NGX_HTTP_INTAKE_EMPTY,
    NGX_HTTP_INTAKE_NO_FILE_UPLOADS,
    NGX_HTTP_INTAKE_CAPTCHA_MISSING,
    NGX_HTTP_INTAKE_CAPTCHA_EXPIRED,
    NGX_HTTP_INTAKE_CAPTCHA_FAILED,
    NGX_HTTP_INTAKE_RATE_LIMITED,
    NGX_HTTP_INTAKE_STORE_UNAVAILABLE,
    NGX_HTTP_INTAKE_STORE_TIMEOUT,
    NGX_HTTP_INTAKE_STORE_REFUSED,
    NGX_HTTP_INTAKE_DURABILITY_UNAVAILABLE,
    NGX_HTTP_INTAKE_CAPTCHA_UNAVAILABLE,
    NGX_HTTP_INTAKE_INTERNAL_ERROR             /* nginx's own 5xx */
} ngx_http_intake_code_e;

#define NGX_HTTP_INTAKE_CODES  (NGX_HTTP_INTAKE_INTERNAL_ERROR + 1)


typedef enum {
    NGX_HTTP_INTAKE_ANOMALY_ID_REUSED = 0,
    NGX_HTTP_INTAKE_ANOMALY_UNPARSED,
    NGX_HTTP_INTAKE_ANOMALY_UNKNOWN_OUTCOME,
    NGX_HTTP_INTAKE_ANOMALY_MESSAGES_LEFT_OUT
} ngx_http_intake_anomaly_e;

#define NGX_HTTP_INTAKE_ANOMALIES  4


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
    NGX_HTTP_INTAKE_KEY_FORM = 'f',             /* digest of a form's data */
    NGX_HTTP_INTAKE_KEY_NONCE = 'n',            /* of a form's token and data */
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

    ngx_str_t                       body;       /* contiguous; of a form, the
                                                   `data` of its entry */
    off_t                           body_size;  /* of the request's body, as
                                                   it was read */

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
    ngx_array_t                    *changes;    /* of clocks: ..._change_t, or
                                                   NULL */
    ngx_str_t                       recordedtime;   /* 27 bytes */
    int64_t                         time;       /* us, the sender's, or -1 */

    u_char                          body_digest[32];    /* SHA-256 */

    /* of the dedupe keys; body_hash is a second key, if body_key is set */
    ngx_http_intake_key_e           key_kind;
    u_char                          key_hash[NGX_HTTP_INTAKE_HASH_LEN];
    u_char                          body_hash[NGX_HTTP_INTAKE_HASH_LEN];
    u_char                          nonce_hash[NGX_HTTP_INTAKE_HASH_LEN];

    ngx_str_t                      *fields;     /* the entry's values, once
                                                   they have been made */
    ngx_http_intake_submission_t   *submission; /* of a form */
    void                           *replies;    /* of intake_replies */

    ngx_str_t                       entry;      /* stream id, after the store */
    uint64_t                        store_us;   /* from the head to Redis's
                                                   answer; 0: none came */

    ngx_http_intake_outcome_e       outcome;
    ngx_http_intake_code_e          code;       /* if not OK */

    ngx_str_t                       replacement;    /* http/filter: the body
                                                   in place of nginx's own */

    unsigned                        json_read:1;
    unsigned                        document:1; /* json is not of the body */
    unsigned                        xml_read:1;
    unsigned                        form_read:1;
    unsigned                        query_read:1;
    unsigned                        body_hashed:1;
    unsigned                        body_key:1;
    unsigned                        nonce_key:1;    /* nonce_hash is set */
    unsigned                        unparsed:1;
    unsigned                        left_out:1; /* messages, some */
    unsigned                        id_unsigned:1;
    unsigned                        duplicate:1;
    unsigned                        spooled:1;
    unsigned                        id_reused:1;
    unsigned                        negotiated:1;   /* page is set */
    unsigned                        page:1;     /* is what a form answers */
    unsigned                        early:1;    /* the body was read before
                                                   limit_req */
    unsigned                        answered:1; /* by ourselves */
    unsigned                        replace:1;  /* http/filter */
    unsigned                        counted:1;
} ngx_http_intake_ctx_t;


extern ngx_module_t  ngx_http_intake_module;


#include "ngx_http_intake_conf.h"
#include "ngx_http_intake_form.h"
#include "ngx_http_intake_http.h"
#include "ngx_http_intake_sla.h"
#include "ngx_http_intake_verify.h"


#endif /* _NGX_HTTP_INTAKE_H_INCLUDED_ */
