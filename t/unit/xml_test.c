/* sources: src/verify/ngx_intake_xml.c src/verify/ngx_intake_xml_scan.c */
/* sources: src/verify/ngx_intake_xml_text.c */

/*
 * Copyright (C) nginx-intake contributors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <time.h>

#include "ngx_intake_xml.h"
#include "bytes.h"
#include "tap.h"


#define MAX_DEPTH  NGX_INTAKE_XML_MAX_DEPTH
#define MAX_PATHS  NGX_INTAKE_XML_MAX_PATHS


typedef struct {
    const char  *document;
    const char  *path;
    const char  *text;          /* NULL: absent, or the document malformed */
} field_case_t;


#define WECHAT                                                                \
    "<xml>\n    <ToUserName><![CDATA[12121212121212]]></ToUserName>\n"        \
    "    <FromUserName><![CDATA[1234]]></FromUserName>\n"                     \
    "    <CreateTime>1518774424</CreateTime>\n"                               \
    "    <MsgType><![CDATA[text]]></MsgType>\n"                               \
    "    <Content><![CDATA[a <b> & ]] > c]]></Content>\n"                     \
    "    <MsgId>123456</MsgId>\n\t</xml>"

#define YOUTUBE                                                               \
    "<?xml version='1.0' encoding='UTF-8'?>\n"                                \
    "<feed xmlns:yt=\"http://www.youtube.com/xml/schemas/2015\"\n"            \
    "      xmlns=\"http://www.w3.org/2005/Atom\">\n"                          \
    "<link rel=\"hub\" href=\"https://pubsubhubbub.appspot.com\"/>\n"         \
    "<id>feed id</id>\n<entry><id>yt:video:V</id>\n"                          \
    "<yt:videoId>VIDEO_ID</yt:videoId>\n<yt:channelId>C</yt:channelId>\n"     \
    "<author><name>A&amp;B</name></author></entry>\n"                         \
    "<entry><id>second</id><extra>e</extra></entry></feed>\n"


static field_case_t  field_cases[] = {

    { WECHAT, "xml.MsgId", "123456" },
    { WECHAT, "xml.FromUserName", "1234" },
    { WECHAT, "xml.Content", "a <b> & ]] > c" },
    { WECHAT, "xml.Event", NULL },
    { WECHAT, "MsgId", NULL },
    { WECHAT, "xml.MsgI", NULL },
    { WECHAT, "xml.MsgIdx", NULL },
    { WECHAT, "xml.msgid", NULL },
    { WECHAT, "xml", "" },

    { YOUTUBE, "feed.entry.yt:videoId", "VIDEO_ID" },
    { YOUTUBE, "feed.entry.id", "yt:video:V" },
    { YOUTUBE, "feed.id", "feed id" },
    { YOUTUBE, "feed.entry.author.name", "A&B" },
    { YOUTUBE, "feed.link", "" },
    { YOUTUBE, "feed.entry.extra", "e" },
    { YOUTUBE, "feed.entry.author", "" },
    { YOUTUBE, "feed.author.name", NULL },
    { YOUTUBE, "feed.videoId", NULL },

    /* what is the text of an element */

    { "<a>x</a>", "a", "x" },
    { "<a></a>", "a", "" },
    { "<a/>", "a", "" },
    { "<a  b = 'c'\t/>", "a", "" },
    { "<a> \r\n\tx y \n</a>", "a", "x y" },
    { "<a> \n <![CDATA[x]]> \n </a>", "a", "x" },
    { "<a>1<![CDATA[2]]>3<![CDATA[]]>4</a>", "a", "1234" },
    { "<a>1<b>2</b>3<c/>4</a>", "a", "134" },
    { "<a>1<!-- <b> -->2<?c <d> ?>3</a>", "a", "123" },
    { "<a>1<b>2<a>3</a>4</b>5</a>", "a", "15" },
    { "<a>1<b><![CDATA[</b>]]></b>2</a>", "a", "12" },
    { "<a><b>1</b><b>2</b></a>", "a.b", "1" },
    { "<a><b/><b>2</b></a>", "a.b", "" },
    { "<a><b><c/></b><b><d>1</d></b></a>", "a.b.d", "1" },
    { "<a><a><a>x</a></a></a>", "a.a.a", "x" },
    { "<a><b><b>x</b></b></a>", "a.b.b", "x" },
    { "<a><c><b>no</b></c><b>x</b></a>", "a.b", "x" },
    { "<a><ab>no</ab><b>x</b></a>", "a.b", "x" },
    { "<a b='>' c=\"'/>\">x</a>", "a", "x" },
    { "<a>]]></a>", "a", "]]>" },
    { "<a>\xe4\xbd\xa0</a>", "a", "\xe4\xbd\xa0" },
    { "<\xc3\xa4-1_.:>x</\xc3\xa4-1_.:\n>", "\xc3\xa4-1_.:", "x" },

    /* entities */

    { "<a>&lt;&gt;&amp;&quot;&apos;</a>", "a", "<>&\"'" },
    { "<a>&amp;lt;</a>", "a", "&lt;" },
    { "<a>&#65;&#x42;&#x6a;&#x6A;</a>", "a", "ABjj" },
    { "<a>&#x7f;&#x80;&#x7ff;&#x800;&#xffff;&#x10000;&#x10FFFF;</a>", "a",
      "\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80&#xffff;"
      "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf" },
    { "<a>x&#9;&#10;&#13;y</a>", "a", "x\t\n\ry" },
    { "<a>&#0;&#1;&#xd800;&#xdfff;&#x110000;&#4294967361;</a>", "a",
      "&#0;&#1;&#xd800;&#xdfff;&#x110000;&#4294967361;" },
    { "<a>&#000065;&#x0000000041;</a>", "a", "AA" },
    { "<a>&#0000000000000065;</a>", "a", "&#0000000000000065;" },
    { "<a>&#;&#x;&#X41;&#65 &#6z;&;&lt &LT;&a;&&amp;</a>", "a",
      "&#;&#x;&#X41;&#65 &#6z;&;&lt &LT;&a;&&" },
    { "<a>&#6</a>", "a", "&#6" },
    { "<a>&</a>", "a", "&" },
    { "<a><![CDATA[&amp;&#65;]]></a>", "a", "&amp;&#65;" },

    /* what is around the root */

    { "\xef\xbb\xbf<a>x</a>", "a", "x" },
    { " \n<!-- <b/> -->\n<?p?><a>x</a>\n<!-- - -->\n", "a", "x" },
    { "<!DOCTYPE a><a>x</a>", "a", "x" },
    { "<!DOCTYPE a SYSTEM \"x>y\" [\n<!ENTITY b 'c>]\"'>\n<!-- ' ]> -->"
      "<?p ' ]> ?>\n]>\n<a>&b;</a>", "a", "&b;" },
    { "<!DOCTYPE a [<!ENTITY a '&b;&b;'><!ENTITY b '&a;&a;'>]><a>&a;</a>",
      "a", "&a;" },

    /* what is none */

    { "", "a", NULL },
    { " ", "a", NULL },
    { "x", "a", NULL },
    { "{\"a\":1}", "a", NULL },
    { "<a>x", "a", NULL },
    { "<a>x</a", "a", NULL },
    { "<a>x</b>", "a", NULL },
    { "<a>x</aa>", "a", NULL },
    { "<aa>x</a>", "aa", NULL },
    { "<a>x</A>", "a", NULL },
    { "<a>x</a b='c'>", "a", NULL },
    { "<a>x</a/>", "a", NULL },
    { "</a>", "a", NULL },
    { "<a>x</a></a>", "a", NULL },
    { "<a>x</a><b/>", "a", NULL },
    { "<a>x</a><!DOCTYPE a>", "a", NULL },
    { "<a><!DOCTYPE a>x</a>", "a", NULL },
    { "<a>x</a>y", "a", NULL },
    { "<a>x</a><![CDATA[]]>", "a", NULL },
    { "<![CDATA[]]><a>x</a>", "a", NULL },
    { "<a><b>x</a></b>", "a", NULL },
    { "<a>x<!-- </a>", "a", NULL },
    { "<a>x<!-->--</a>", "a", NULL },
    { "<a>x<![CDATA[</a>", "a", NULL },
    { "<a>x<![cdata[]]></a>", "a", NULL },
    { "<a>x<? </a>", "a", NULL },
    { "<a>x<!b></a>", "a", NULL },
    { "<a>x< /a>", "a", NULL },
    { "<a>x<</a>", "a", NULL },
    { "<a>x<1/></a>", "a", NULL },
    { "<a>x<b c></b></a>", "a", NULL },
    { "<a>x<b c=d></b></a>", "a", NULL },
    { "<a>x<b c='d></b></a>", "a", NULL },
    { "<a>x<b c=''/ ></a>", "a", NULL },
    { "<a>x<b =''/></a>", "a", NULL },
    { "<a>x<b/", "a", NULL },
    { "<", "a", NULL },
    { "<a", "a", NULL },
    { "<!", "a", NULL },
    { "<!DOCTYPE a [ <a>x</a>", "a", NULL },
    { "<!DOCTYPE a 'b> <a>x</a>", "a", NULL },
    { "<!DOCTYPE a [<!-- ]><a>x</a>", "a", NULL },
    { "\xff\xfe<\0a\0>\0", "a", NULL }
};


static void
test_fields(void)
{
    size_t         i, len, n;
    u_char        *data, *text;
    ngx_int_t      rc;
    ngx_str_t      path, value;
    field_case_t  *c;

    for (i = 0; i < sizeof(field_cases) / sizeof(field_cases[0]); i++) {
        c = &field_cases[i];
        len = strlen(c->document);
        data = copy_bytes(c->document, len);

        path.data = (u_char *) c->path;
        path.len = strlen(c->path);

        rc = ngx_intake_xml_read(data, len, &path, 1, &value);

        if (rc != NGX_OK || value.data == NULL) {
            ok(c->text == NULL, "%s of %s: absent", c->path, c->document);
            free(data);
            continue;
        }

        text = malloc(value.len);
        n = ngx_intake_xml_text(text, &value);

        ok(c->text && n == strlen(c->text) && memcmp(text, c->text, n) == 0,
           "%s of %s: \"%.*s\"", c->path, c->document, (int) n, text);

        free(text);
        free(data);
    }
}


static void
test_several(void)
{
    ngx_int_t   rc;
    ngx_str_t   values[4];
    ngx_uint_t  i, n;

    ngx_str_t  paths[MAX_PATHS + 1] = {
        ngx_string("a.b"), ngx_string("a"), ngx_string("a.b"),
        ngx_string("a.c")
    };

    static u_char  text[] = "<a>1<b>2</b><b>3</b></a>";

    rc = ngx_intake_xml_read(text, sizeof(text) - 1, paths, 4, values);

    ok(rc == NGX_OK
       && values[0].data == text + 7 && values[0].len == 1
       && values[1].data == text + 3 && values[1].len == 17
       && values[2].data == values[0].data && values[2].len == 1
       && values[3].data == NULL,
       "several paths, nested and the same");

    rc = ngx_intake_xml_read(text, sizeof(text) - 1, NULL, 0, NULL);
    ok(rc == NGX_OK, "no path");

    rc = ngx_intake_xml_read(text, sizeof(text) - 1, paths, MAX_PATHS + 1,
                             values);
    ok(rc == NGX_DECLINED, "too many paths");

    n = 0;

    for (i = 1; i < sizeof(text) - 1; i++) {
        n += ngx_intake_xml_read(text, i, paths, 4, values) == NGX_OK;
    }

    ok(n == 0, "no beginning of a document is one");
}


static void
test_depth(void)
{
    u_char      text[(MAX_DEPTH + 1) * 7], path[(MAX_DEPTH + 1) * 2], *p;
    ngx_int_t   rc;
    ngx_str_t   name, value;
    ngx_uint_t  i, depth;

    for (depth = MAX_DEPTH; depth <= MAX_DEPTH + 1; depth++) {
        p = text;

        for (i = 0; i < depth; i++) {
            p = ngx_cpymem(p, "<a>", 3);
            path[2 * i] = 'a';
            path[2 * i + 1] = '.';
        }

        for (i = 0; i < depth; i++) {
            p = ngx_cpymem(p, "</a>", 4);
        }

        name.data = path;
        name.len = 2 * depth - 1;

        rc = ngx_intake_xml_read(text, p - text, &name, 1, &value);

        ok(depth == MAX_DEPTH ? rc == NGX_OK && value.data && value.len == 0
                              : rc == NGX_DECLINED,
           "%d deep", (int) depth);
    }
}


/* time is linear: four times the text takes less than sixteen times as long */

static double
seconds(const char *piece, const char *end, size_t size)
{
    size_t      len, n;
    u_char     *text, *p, *dst;
    clock_t     start;
    ngx_str_t   path, value;

    len = strlen(piece);
    text = malloc(size + len + 64);
    p = ngx_cpymem(text, "<a>", 3);

    for (n = 0; n < size; n += len) {
        p = ngx_cpymem(p, piece, len);
    }

    p = ngx_cpymem(p, end, strlen(end));

    ngx_str_set(&path, "a");
    dst = malloc(p - text);
    start = clock();

    if (ngx_intake_xml_read(text, p - text, &path, 1, &value) == NGX_OK) {
        (void) ngx_intake_xml_text(dst, &value);
    }

    free(text);
    free(dst);

    return (double) (clock() - start) / CLOCKS_PER_SEC;
}


static void
test_time(void)
{
    double      one, four;
    ngx_uint_t  i;

    static const char  *pieces[] = {
        "<b/>", "<b></b>", "<b>", "<!-- ", "<!---->", "<![CDATA[", "<? ",
        "<![CDATA[]]>", "<b c='", "<!DOCTYPE [", "&", "&#", "&#1;", "]]", "-",
        "<b c=''", "</a><a>", "\""
    };

    for (i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
        one = seconds(pieces[i], "</a>", 1024 * 1024);
        four = seconds(pieces[i], "</a>", 4 * 1024 * 1024);

        ok(four < 0.05 || four < 16 * one, "linear: %s, %.3f and %.3f s",
           pieces[i], one, four);
    }
}


int
main(void)
{
    test_fields();
    test_several();
    test_depth();
    test_time();

    return done();
}
