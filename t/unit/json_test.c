/* sources: src/json/ngx_intake_json.c src/json/ngx_intake_json_scan.c */
/* sources: src/json/ngx_intake_json_string.c */

/*
 * Copyright (C) nginx-intake contributors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <stdio.h>
#include "ngx_intake_json.h"
#include "bytes.h"
#include "tap.h"


typedef struct {
    const char  *name;
    const char  *doc;
    const char  *paths;             /* separated by spaces; "@": no step */
    const char  *expect;
} test_match_t;


typedef struct {
    char        *text;
    size_t       len;
    ngx_uint_t   calls;
    ngx_uint_t   stop;              /* the call to end at */
} test_log_t;


/* writes "PATH[INDICES]NAME=KIND:RAW" for each value */

static ngx_int_t
test_log(void *ctx, ngx_uint_t n, ngx_intake_json_value_t *value)
{
    test_log_t         *log = ctx;
    ngx_uint_t          i;
    static const char   kinds[] = "VnftdsAO";

    log->calls++;

    if (log->text == NULL) {
        return (log->calls == log->stop) ? NGX_ABORT : NGX_OK;
    }

    log->len += sprintf(log->text + log->len, "%s%u", log->len ? " " : "",
                        (unsigned) n);

    for (i = 0; i < value->nindices; i++) {
        log->len += sprintf(log->text + log->len, "%c%u", i ? ',' : '[',
                            (unsigned) value->indices[i]);
    }

    log->len += sprintf(log->text + log->len, "%s%.*s%s=%c%s%.*s",
                        value->nindices ? "]" : "",
                        (int) value->name.len, (char *) value->name.data,
                        value->name_escaped ? "!" : "",
                        kinds[value->kind], value->escaped ? "!" : "",
                        (int) value->raw.len, (char *) value->raw.data);

    return (log->calls == log->stop) ? NGX_ABORT : NGX_OK;
}


/*
 * The document is read from memory of just its size, so that a sanitizer sees
 * every byte read behind it
 */

static ngx_int_t
test_read(const char *doc, size_t len, const char *names, ngx_uint_t flags,
    test_log_t *log, size_t *offset)
{
    u_char                         *data;
    ngx_int_t                       rc;
    ngx_str_t                       text;
    ngx_intake_json_t               json;
    ngx_intake_json_path_t         *paths[NGX_INTAKE_JSON_MAX_PATHS];
    static ngx_intake_json_path_t   parsed[NGX_INTAKE_JSON_MAX_PATHS];

    json.npaths = 0;

    while (*names) {
        text.data = (u_char *) names;
        text.len = strcspn(names, " ");
        names += text.len + strspn(names + text.len, " ");

        paths[json.npaths] = &parsed[json.npaths];

        if (text.len == 1 && text.data[0] == '@') {
            parsed[json.npaths].nsteps = 0;

        } else if (ngx_intake_json_path_parse(&text, &parsed[json.npaths],
                                              flags)
                   != NGX_OK)
        {
            return NGX_BUSY;
        }

        json.npaths++;
    }

    data = copy_bytes(doc, len);

    json.paths = paths;
    json.handler = test_log;
    json.ctx = log;

    rc = ngx_intake_json_read(&json, data, len);

    *offset = json.offset;
    free(data);

    return rc;
}


/* the verdict must not depend on whether paths lead into the document */

static ngx_int_t
test_verdict(const char *doc, size_t len, size_t *offset)
{
    size_t              other;
    ngx_int_t           rc;
    ngx_uint_t          i;
    test_log_t          log;
    static const char  *paths[] = { "@", "a", "a.b.c.d *.*.*.* 0.0.0", NULL };

    ngx_memzero(&log, sizeof(test_log_t));

    rc = test_read(doc, len, "", 0, &log, offset);

    for (i = 0; paths[i]; i++) {

        if (test_read(doc, len, paths[i], NGX_INTAKE_JSON_MEMBERS, &log,
                      &other)
            != rc
            || other != *offset)
        {
            printf("# with paths \"%s\" another verdict at %u, not %u\n",
                   paths[i], (unsigned) other, (unsigned) *offset);
            return NGX_BUSY;
        }
    }

    return rc;
}


static void
test_paths(void)
{
    char                     text[80];
    ngx_str_t                s;
    ngx_uint_t               i;
    ngx_intake_json_path_t   path;

    static const char       *bad[] = { "", ".", ".a", "a.", "a..b", NULL };

    ngx_str_set(&s, "entry.*.0.a*.007.4294967292.4294967293.99999999999999");

    ok(ngx_intake_json_path_parse(&s, &path, 0) == NGX_OK && path.nsteps == 8,
       "a path of 8 steps");
    ok(path.steps[0].index == NGX_INTAKE_JSON_NAME && path.steps[0].len == 5
       && path.steps[0].data == s.data, "a step points into the text");
    ok(path.steps[1].index == NGX_INTAKE_JSON_ELEMENTS, "elements");
    ok(path.steps[2].index == 0 && path.steps[4].index == 7, "indices");
    ok(path.steps[3].index == NGX_INTAKE_JSON_NAME, "a* is a name");
    ok(path.steps[5].index == 4294967292u
       && path.steps[6].index == NGX_INTAKE_JSON_NAME
       && path.steps[7].index == NGX_INTAKE_JSON_NAME, "the greatest index");

    ok(ngx_intake_json_path_parse(&s, &path, NGX_INTAKE_JSON_MEMBERS) == NGX_OK
       && path.steps[1].index == NGX_INTAKE_JSON_CHILDREN, "children");

    for (i = 0; bad[i]; i++) {
        s.data = (u_char *) bad[i];
        s.len = strlen(bad[i]);

        ok(ngx_intake_json_path_parse(&s, &path, 0) == NGX_ERROR,
           "an empty step is an error");
    }

    for (i = 0; i < 33; i++) {
        text[2 * i] = 'k';
        text[2 * i + 1] = '.';
    }

    s.data = (u_char *) text;
    s.len = 63;
    ok(ngx_intake_json_path_parse(&s, &path, 0) == NGX_OK, "32 steps");

    s.len = 65;
    ok(ngx_intake_json_path_parse(&s, &path, 0) == NGX_DECLINED, "33 steps");
}


static void
test_valid(void)
{
    size_t              offset, len;
    ngx_uint_t          i;
    static const char  *docs[] = {
        "{}", "[]", "0", "-0", "\"\"", "true", "false", "null", " \t\r\n{}\n",
        "\xef\xbb\xbf{}", "\xef\xbb\xbf 1", "[1,-1,0.5,-0.0,1e1,1E+1,1e-01]",
        "123456789012345678901234567890", "1e999", "-1.50e+3", "0e0", "0E-0",
        "{\"\":0}", "{\"a\":1,\"a\":2}", "[[],{},[{}],{\"\":[]}]",
        "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0000\\uD834\\udd1E\"",
        "\"\\ud800\"", "\"\\udc00\\ud800\"", "\"\\uDADA\\n\"",
        "\"\x7f\xc2\x85\xe2\x80\xa8\"", "\"\xff\xc0\x80\xed\xa0\x80\"",
        "\"\xe9\"", "\"/* no comment */\"", "\"1234567\"", "\"12345678\"",
        "[ 1 , 2 ]", "{ \"a\" : [ ] , \"b\" : { } }", NULL
    };

    for (i = 0; docs[i]; i++) {
        len = strlen(docs[i]);

        ok(test_verdict(docs[i], len, &offset) == NGX_OK && offset == len,
           "a valid document");
    }
}


static struct {
    const char  *doc;
    size_t       offset;
} test_docs[] = {
    { "", 0 }, { " ", 1 }, { "\xef\xbb\xbf", 3 }, { "\xef\xbb", 0 },
    { "{\"a\":\"b\"}{\"c\":\"d\"}", 9 }, { "1 2", 2 }, { "{}/* c */", 2 },
    { "{}//", 2 }, { "[]]", 2 }, { "{}}", 2 }, { "\xef\xbb\xbf" "1x", 4 },
    { "[1,]", 3 }, { "[,1]", 1 }, { "[1,,2]", 3 }, { "[1 2]", 3 },
    { "[", 1 }, { "]", 0 }, { "[}", 1 }, { "[1}", 2 }, { "[1:2]", 2 },
    { "{", 1 }, { "}", 0 }, { "{]", 1 }, { "{\"a\":1]", 6 }, { "{,}", 1 },
    { "{\"a\"}", 4 }, { "{\"a\":}", 5 }, { "{\"a\" 1}", 5 },
    { "{\"a\":1,}", 7 }, { "{\"a\":1 \"b\":2}", 7 }, { "{\"a\"::1}", 5 },
    { "{1:1}", 1 }, { "{a:1}", 1 }, { "{'a':1}", 1 }, { "['a']", 1 },
    { "01", 2 }, { "-", 1 }, { "-01", 3 }, { "+1", 0 }, { ".5", 0 },
    { "1.", 2 }, { "1.e1", 2 }, { "1e", 2 }, { "1e+", 3 }, { "-a", 1 },
    { "0x1", 1 }, { "1_0", 1 }, { "NaN", 0 }, { "-Infinity", 1 },
    { "True", 0 }, { "tru", 0 }, { "trux", 0 }, { "nul", 0 },
    { "truefalse", 4 }, { "nulll", 4 }, { "undefined", 0 },
    { "\"", 1 }, { "\"a", 2 }, { "\"\\", 1 }, { "\"\\\"", 3 },
    { "\"\\x41\"", 1 }, { "\"\\'\"", 1 }, { "\"\\u\"", 1 },
    { "\"\\u123\"", 1 }, { "\"\\u12g4\"", 1 }, { "\"\\U0041\"", 1 },
    { "\"\\u 123\"", 1 }, { "\"\\u-123\"", 1 }, { "\"\\ud800\\\"", 9 },
    { "\"a\nb\"", 2 }, { "\"\t\"", 1 }, { "\"1234567\x1f\"", 8 },
    { "\"\x1f\"", 1 },
    { "\"12345678\x01\"", 9 }, { "{\"a\nb\":1}", 3 },
    { "\xc2\xa0{}", 0 }, { "\x0b{}", 0 }, { "\x0c{}", 0 },
    { "{}\xc2\xa0", 2 }, { "\xe2\x80\xa8{}", 0 }, { NULL, 0 }
};


static void
test_malformed(void)
{
    char                name[64];
    size_t              offset;
    ngx_int_t           rc;
    ngx_uint_t          i;

    for (i = 0; test_docs[i].doc; i++) {
        rc = test_verdict(test_docs[i].doc, strlen(test_docs[i].doc), &offset);

        sprintf(name, "malformed document %u", (unsigned) i);
        ok(rc == NGX_ERROR && offset == test_docs[i].offset, "%s", name);

        if (rc != NGX_ERROR || offset != test_docs[i].offset) {
            printf("# %s: %d at %u, not at %u\n", test_docs[i].doc, (int) rc,
                   (unsigned) offset, (unsigned) test_docs[i].offset);
        }
    }

    ok(test_verdict("{}\0", 3, &offset) == NGX_ERROR && offset == 2,
       "a zero byte behind the document");
    ok(test_verdict("\"a\0b\"", 5, &offset) == NGX_ERROR && offset == 2,
       "a zero byte in a string");
    ok(test_verdict("\0", 1, &offset) == NGX_ERROR && offset == 0,
       "a zero byte only");
}


static const char  test_rich[] =
    "{ \"object\": \"page\", \"time\" : 1700000000123, \"entry\": [\r\n"
    "\t{\"id\":\"1\", \"messaging\":[{\"sender\":{\"id\":\"a\\u00e9\\n\"},"
    "\"message\":{\"mid\":\"m_\\\"1\\\"\", "
    "\"text\":\"\xd0\x9f\\ud83d\\ude00\"}},"
    "{\"sender\":{\"id\":\"b\"},\"message\":{}}]},\n"
    "\t{\"id\":\"2\", \"messaging\":[{\"sender\":{\"id\":\"c\"},"
    "\"read\":-0.5e-7,\"x\":[[],[[true],false],null]}]}],"
    "\"\\u0065nd\":{\"\":[1,2,3]}}";


static void
test_truncated(void)
{
    size_t      n, offset;
    ngx_uint_t  wrong;

    for (n = 0, wrong = 0; n < sizeof(test_rich) - 1; n++) {

        if (test_verdict(test_rich, n, &offset) != NGX_ERROR || offset > n) {
            wrong++;
        }
    }

    ok(wrong == 0, "no beginning of a document is a document");
    ok(test_verdict(test_rich, n, &offset) == NGX_OK && offset == n,
       "all of it is");
}


static const test_match_t  test_matches[] = {

    { "members", "{\"a\":{\"b\":[1,{\"c\":\"x\"}]},\"b\":true}",
      "a.b.1.c b a.b.0 a.c c", "2=d1 0=sx 1=ttrue" },

    { "every kind", "[null,false,true,-1e2,\"x\",[1],{\"a\":1}]", "*",
      "0[0]=nnull 0[1]=ffalse 0[2]=ttrue 0[3]=d-1e2 0[4]=sx 0[5]=A 0[6]=O" },

    { "the document", "\xef\xbb\xbf \"x\\n\"", "@ a *", "0=s!x\\n" },

    { "an array is reported before what is in it", "[[1,[2]]]",
      "@ *.* * *.*.*", "0=A 2[0]=A 1[0,0]=d1 1[0,1]=A 3[0,1,0]=d2" },

    { "one value, several paths", "{\"a\":[7]}", "a.0 a.* a.00 a",
      "3=A 0=d7 1[0]=d7 2=d7" },

    { "a number is an index and a name", "{\"0\":{\"1\":2},\"00\":3}",
      "0.1 0.* 0 00", "2=O 0=d2 3=d3" },

    { "indices count in their own array", "[[1],[],[2,3]]", "*.* 2.* *.0 3",
      "0[0,0]=d1 2[0]=d1 0[2,0]=d2 1[0]=d2 2[2]=d2 0[2,1]=d3 1[1]=d3" },

    { "* is no member", "{\"*\":1,\"a\":{\"*\":2}}", "* a.* *.*", "" },

    { "a name that only begins alike", "{\"ab\":1,\"a\":2,\"\":3,\"b\":4}",
      "a b abc", "0=d2 1=d4" },

    { "no member for * beside another path", "{\"*\":1,\"a\":2}", "* a",
      "1=d2" },

    { "long names",
      "{\"0123456789012345678901234567890123456789\":1,"
      "\"0123456789012345678901234567890123456789"
      "0123456789012345678901234567890123456789\":2}",
      "0123456789012345678901234567890123456789 "
      "0123456789012345678901234567890123456789"
      "0123456789012345678901234567890123456789", "0=d1 1=d2" },

    { "containers where values were expected", "{\"a\":1,\"b\":[],\"c\":{}}",
      "a.x b.x c.x b.0 b.* c.0 c.*", "" },

    { "escaped names",
      "{\"\\u0069d\":1,\"i\\u0064\":{\"\\/\":2},\"id\\u0000\":3}", "id id./",
      "0=d1 1=V 0=O 1=d2" },

    { "escaped names beyond ASCII",
      "{\"\\u00e9\":1,\"\\ud83d\\ude00\":2,\"\\ud83d\":3}",
      "\xc3\xa9 \xf0\x9f\x98\x80 \xef\xbf\xbd", "0=d1 1=d2 2=d3" },

    { "the last of duplicates comes last", "{\"a\":1,\"a\":null,\"a\":\"x\"}",
      "a", "0=d1 0=nnull 0=sx" },

    { "a duplicate on the way voids", "{\"a\":{\"b\":1},\"a\":{\"c\":2}}",
      "a.b a a.c", "1=O 0=d1 0=V 2=V 1=O 2=d2" },

    { "a duplicate below * voids its element",
      "[{\"a\":[1]},{\"a\":[2],\"a\":[3,4],\"a\":5}]", "*.a.*",
      "0[0,0]=d1 0[1,0]=d2 0[1]=V 0[1,0]=d3 0[1,1]=d4 0[1]=V" },

    { "a duplicate of another name", "{\"a\":{\"b\":1},\"b\":2,\"b\":3}",
      "a.b c", "0=d1" },

    { "webhook updates", test_rich,
      "entry.*.id entry.*.messaging.*.sender.id time "
      "entry.*.messaging.*.message.mid entry.1.messaging.0.x.1.0.0",
      "2=d1700000000123 0[0]=s1 1[0,0]=s!a\\u00e9\\n 3[0,0]=s!m_\\\"1\\\" "
      "1[0,1]=sb 0[1]=s2 1[1,0]=sc 4=ttrue" },

    { NULL, NULL, NULL, NULL }
};


static const test_match_t  test_members[] = {

    { "a form", "{\"n\":[\"x\",\"y\"],\"\\u0065\":1,\"o\":{},\"z\":null}",
      "@ * *.*",
      "0=O 1[0]n=A 2[0,0]n=sx 2[0,1]n=sy 1[1]\\u0065!=d1 1[2]o=O 1[3]z=nnull" },

    { "no object", "\"x\"", "@ * *.*", "0=sx" },

    { "the innermost name", "{\"a\":{\"b\":[{\"c\":1}]}}", "*.b.0.* *.b.*.c",
      "0[0,0]c=d1 1[0,0]a=d1" },

    { "duplicates found by *", "{\"*\":{\"x\":1},\"*\":{\"x\":2}}",
      "*.x a.x", "0[0]*=d1 0[1]*=d2" },

    { "names and * at the same step", "{\"a\":1,\"b\":2,\"a\":3}", "* a",
      "0[0]a=d1 1=d1 0[1]b=d2 0[2]a=d3 1=d3" },

    { NULL, NULL, NULL, NULL }
};


static void
test_match(const test_match_t *test, ngx_uint_t flags)
{
    char        text[2048];
    size_t      offset;
    ngx_int_t   rc;
    test_log_t  log;

    for ( /* void */ ; test->name; test++) {

        ngx_memzero(&log, sizeof(test_log_t));
        text[0] = '\0';
        log.text = text;

        rc = test_read(test->doc, strlen(test->doc), test->paths, flags, &log,
                       &offset);

        is(rc == NGX_OK ? text : "error", test->expect, test->name);
    }
}


static void
test_stop(void)
{
    size_t      offset;
    test_log_t  log;

    ngx_memzero(&log, sizeof(test_log_t));
    log.stop = 2;

    ok(test_read("[1,2,3,x", 8, "*", 0, &log, &offset) == NGX_ABORT
       && log.calls == 2 && offset == 4, "the handler ends the reading");

    ngx_memzero(&log, sizeof(test_log_t));
    log.stop = 2;

    ok(test_read("{\"a\":{\"b\":1},\"a\":x", 19, "a.b", 0, &log, &offset)
       == NGX_ABORT && log.calls == 2, "also when a value is void");

    ngx_memzero(&log, sizeof(test_log_t));
    log.stop = 1;

    ok(test_read("[", 1, "@", 0, &log, &offset) == NGX_ABORT && log.calls == 1,
       "also before an array is read");
}


int
main(void)
{
    test_paths();
    test_valid();
    test_malformed();
    test_truncated();
    test_match(test_matches, 0);
    test_match(test_members, NGX_INTAKE_JSON_MEMBERS);
    test_stop();

    return done();
}
