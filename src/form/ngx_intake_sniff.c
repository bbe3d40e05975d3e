
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_intake_sniff.h"


#define NGX_INTAKE_SNIFF_HEAD  1024


typedef struct {
    size_t        offset;
    size_t        len;
    const char   *bytes;
    const char   *type;
} ngx_intake_sniff_magic_t;


typedef struct {
    ngx_str_t     name;
    ngx_str_t     type;
} ngx_intake_sniff_alias_t;


static const char *ngx_intake_sniff_head(u_char *p, size_t len);
static const char *ngx_intake_sniff_media(u_char *p, size_t len);
static const char *ngx_intake_sniff_riff(u_char *p, size_t len);
static const char *ngx_intake_sniff_brand(u_char *p, size_t len);
static const char *ngx_intake_sniff_mpeg(u_char *p, size_t len);
static const char *ngx_intake_sniff_markup(u_char *p, size_t len);
static u_char *ngx_intake_sniff_prologue(u_char *p, u_char *last,
    ngx_uint_t *xml);
static ngx_uint_t ngx_intake_sniff_begins(u_char *p, u_char *last,
    const char *word);
static ngx_uint_t ngx_intake_sniff_find(u_char *p, size_t len,
    const char *word, size_t n);
static void ngx_intake_sniff_canonical(ngx_str_t *type);
static ngx_uint_t ngx_intake_sniff_equal(ngx_str_t *a, ngx_str_t *b);
static ngx_uint_t ngx_intake_sniff_is(ngx_str_t *type, const char *name);
static ngx_uint_t ngx_intake_sniff_ends(ngx_str_t *type, const char *end);


#define ngx_intake_sniff_magic(offset, bytes, type)                           \
    { offset, sizeof(bytes) - 1, bytes, type }

static ngx_intake_sniff_magic_t  ngx_intake_sniff_magics[] = {

    ngx_intake_sniff_magic(0, "%PDF-", "application/pdf"),
    ngx_intake_sniff_magic(0, "\xef\xbb\xbf%PDF-", "application/pdf"),
    ngx_intake_sniff_magic(0, "\x89PNG\r\n\x1a\n", "image/png"),
    ngx_intake_sniff_magic(0, "\xff\xd8\xff", "image/jpeg"),
    ngx_intake_sniff_magic(0, "GIF87a", "image/gif"),
    ngx_intake_sniff_magic(0, "GIF89a", "image/gif"),
    ngx_intake_sniff_magic(0, "II*\0", "image/tiff"),
    ngx_intake_sniff_magic(0, "MM\0*", "image/tiff"),
    ngx_intake_sniff_magic(0, "8BPS\0\1", "image/vnd.adobe.photoshop"),
    ngx_intake_sniff_magic(0, "\0\0\1\0", "image/vnd.microsoft.icon"),
    ngx_intake_sniff_magic(0, "\0\0\0\x0cJXL \r\n\x87\n", "image/jxl"),
    ngx_intake_sniff_magic(0, "\xff\x0a", "image/jxl"),
    ngx_intake_sniff_magic(0, "\0\0\0\x0cjP  \r\n\x87\n", "image/jp2"),
    ngx_intake_sniff_magic(0, "{\\rtf", "application/rtf"),
    ngx_intake_sniff_magic(0, "%!PS", "application/postscript"),
    ngx_intake_sniff_magic(0, "\x1f\x8b", "application/gzip"),
    ngx_intake_sniff_magic(0, "BZh", "application/x-bzip2"),
    ngx_intake_sniff_magic(0, "\xfd" "7zXZ\0", "application/x-xz"),
    ngx_intake_sniff_magic(0, "\x28\xb5\x2f\xfd", "application/zstd"),
    ngx_intake_sniff_magic(0, "7z\xbc\xaf\x27\x1c",
                           "application/x-7z-compressed"),
    ngx_intake_sniff_magic(0, "Rar!\x1a\7", "application/vnd.rar"),
    ngx_intake_sniff_magic(0, "MSCF\0\0\0\0",
                           "application/vnd.ms-cab-compressed"),
    ngx_intake_sniff_magic(257, "ustar", "application/x-tar"),
    ngx_intake_sniff_magic(0, "ID3", "audio/mpeg"),
    ngx_intake_sniff_magic(0, "fLaC", "audio/flac"),
    ngx_intake_sniff_magic(0, "MThd\0\0\0\6", "audio/midi"),
    ngx_intake_sniff_magic(0, "#!AMR", "audio/amr"),
    ngx_intake_sniff_magic(0, "wOFF", "font/woff"),
    ngx_intake_sniff_magic(0, "wOF2", "font/woff2"),
    ngx_intake_sniff_magic(0, "SQLite format 3\0", "application/vnd.sqlite3"),
    ngx_intake_sniff_magic(0, "\x7f" "ELF", "application/x-executable"),
    ngx_intake_sniff_magic(0, "\xca\xfe\xba\xbe", "application/x-executable"),
    ngx_intake_sniff_magic(0, "\xcf\xfa\xed\xfe", "application/x-executable"),
    ngx_intake_sniff_magic(0, "#!", "text/x-shellscript"),

    { 0, 0, NULL, NULL }
};


/* names in use, and those by which the files are known here */

static ngx_intake_sniff_alias_t  ngx_intake_sniff_aliases[] = {

    { ngx_string("image/jpg"), ngx_string("image/jpeg") },
    { ngx_string("image/pjpeg"), ngx_string("image/jpeg") },
    { ngx_string("image/x-png"), ngx_string("image/png") },
    { ngx_string("image/heif"), ngx_string("image/heic") },
    { ngx_string("image/x-ms-bmp"), ngx_string("image/bmp") },
    { ngx_string("image/x-icon"), ngx_string("image/vnd.microsoft.icon") },
    { ngx_string("audio/mp3"), ngx_string("audio/mpeg") },
    { ngx_string("audio/x-wav"), ngx_string("audio/wav") },
    { ngx_string("audio/wave"), ngx_string("audio/wav") },
    { ngx_string("audio/vnd.wave"), ngx_string("audio/wav") },
    { ngx_string("audio/x-m4a"), ngx_string("audio/mp4") },
    { ngx_string("audio/x-flac"), ngx_string("audio/flac") },
    { ngx_string("audio/x-aac"), ngx_string("audio/aac") },
    { ngx_string("video/avi"), ngx_string("video/x-msvideo") },
    { ngx_string("application/x-pdf"), ngx_string("application/pdf") },
    { ngx_string("text/rtf"), ngx_string("application/rtf") },
    { ngx_string("application/xml"), ngx_string("text/xml") },
    { ngx_string("application/x-gzip"), ngx_string("application/gzip") },
    { ngx_string("application/x-rar-compressed"),
      ngx_string("application/vnd.rar") },
    { ngx_string("application/x-zip-compressed"),
      ngx_string("application/zip") },
    { ngx_string("application/x-zip"), ngx_string("application/zip") },

    { ngx_null_string, ngx_null_string }
};


const char *
ngx_intake_sniff(ngx_intake_sniff_file_t *file, ngx_intake_sniff_text_t *text)
{
    u_char       head[NGX_INTAKE_SNIFF_HEAD];
    size_t       len;
    const char  *type;

    len = (size_t) ngx_min(file->size, NGX_INTAKE_SNIFF_HEAD);

    if (len && file->read(file->ctx, 0, head, len) != NGX_OK) {
        return NULL;
    }

    if (len >= 4
        && (ngx_memcmp(head, "PK\3\4", 4) == 0
            || ngx_memcmp(head, "PK\5\6", 4) == 0))
    {
        return ngx_intake_sniff_zip(file);
    }

    if (len >= 8
        && ngx_memcmp(head, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 8) == 0)
    {
        return ngx_intake_sniff_ole(file);
    }

    type = ngx_intake_sniff_head(head, len);

    if (type) {
        return type;
    }

    if (!text->binary && text->rest == 0) {
        return ngx_intake_sniff_markup(head, len);
    }

    if (len >= 2 && head[0] == 'M' && head[1] == 'Z') {
        return "application/vnd.microsoft.portable-executable";
    }

    return "application/octet-stream";
}


static const char *
ngx_intake_sniff_head(u_char *p, size_t len)
{
    ngx_intake_sniff_magic_t  *m;

    for (m = ngx_intake_sniff_magics; m->type; m++) {

        if (m->offset + m->len <= len
            && ngx_memcmp(p + m->offset, m->bytes, m->len) == 0)
        {
            return m->type;
        }
    }

    return ngx_intake_sniff_media(p, len);
}


/* formats whose first bytes leave something open */

static const char *
ngx_intake_sniff_media(u_char *p, size_t len)
{
    if (len >= 12 && ngx_memcmp(p, "RIFF", 4) == 0) {
        return ngx_intake_sniff_riff(p, len);
    }

    if (len >= 12 && ngx_memcmp(p + 4, "ftyp", 4) == 0) {
        return ngx_intake_sniff_brand(p, len);
    }

    if (len >= 4 && ngx_memcmp(p, "\x1a\x45\xdf\xa3", 4) == 0) {
        return ngx_intake_sniff_find(p, ngx_min(len, 64), "webm", 4)
               ? "video/webm" : "video/x-matroska";
    }

    if (len >= 4 && ngx_memcmp(p, "OggS", 4) == 0) {
        return ngx_intake_sniff_find(p, ngx_min(len, 64), "\x80theora", 7)
               ? "video/ogg" : "audio/ogg";
    }

    /* "BM" begins texts too: the length of the second header decides */

    if (len >= 18 && p[0] == 'B' && p[1] == 'M'
        && (p[14] == 12 || p[14] == 40 || p[14] == 108 || p[14] == 124)
        && p[15] == 0 && p[16] == 0 && p[17] == 0)
    {
        return "image/bmp";
    }

    return ngx_intake_sniff_mpeg(p, len);
}


static const char *
ngx_intake_sniff_riff(u_char *p, size_t len)
{
    if (ngx_memcmp(p + 8, "WEBP", 4) == 0) {
        return "image/webp";
    }

    if (ngx_memcmp(p + 8, "WAVE", 4) == 0) {
        return "audio/wav";
    }

    if (ngx_memcmp(p + 8, "AVI ", 4) == 0) {
        return "video/x-msvideo";
    }

    return NULL;
}


/* ISO/IEC 14496-12: the major brand, for images the compatible ones as well */

static const char *
ngx_intake_sniff_brand(u_char *p, size_t len)
{
    u_char  *brand;
    size_t   size;

    brand = p + 8;

    size = (size_t) p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3];
    size = ngx_min(size, len);

    if (size < 12) {
        return NULL;
    }

    if (ngx_intake_sniff_find(brand, 4, "avi", 3)) {
        return "image/avif";
    }

    if (ngx_memcmp(brand, "hei", 3) == 0 || ngx_memcmp(brand, "hev", 3) == 0) {
        return "image/heic";
    }

    if (ngx_memcmp(brand, "mif1", 4) == 0 || ngx_memcmp(brand, "msf1", 4) == 0)
    {
        return ngx_intake_sniff_find(brand, size - 8, "avif", 4)
               ? "image/avif" : "image/heic";
    }

    if (ngx_memcmp(brand, "qt  ", 4) == 0) {
        return "video/quicktime";
    }

    if (ngx_memcmp(brand, "M4A", 3) == 0 || ngx_memcmp(brand, "M4B", 3) == 0) {
        return "audio/mp4";
    }

    if (ngx_memcmp(brand, "3gp", 3) == 0 || ngx_memcmp(brand, "3g2", 3) == 0) {
        return "video/3gpp";
    }

    return "video/mp4";
}


/* ISO/IEC 11172-3: a frame's header whose parts are not the reserved ones */

static const char *
ngx_intake_sniff_mpeg(u_char *p, size_t len)
{
    if (len < 4 || p[0] != 0xff || (p[1] & 0xe0) != 0xe0) {
        return NULL;
    }

    /* ADTS: layer 0 with twelve bits of synchronization */

    if ((p[1] & 0xf6) == 0xf0) {
        return (p[2] & 0x3c) < 0x34 ? "audio/aac" : NULL;
    }

    if ((p[1] & 0x18) == 0x08                  /* version */
        || (p[1] & 0x06) == 0                  /* layer */
        || (p[2] & 0xf0) == 0xf0               /* bit rate */
        || (p[2] & 0x0c) == 0x0c)              /* sampling rate */
    {
        return NULL;
    }

    return "audio/mpeg";
}


/* text: what a browser would run or draw is not taken for plain */

static const char *
ngx_intake_sniff_markup(u_char *p, size_t len)
{
    u_char      *last;
    ngx_uint_t   xml;

    last = p + len;
    p = ngx_intake_sniff_prologue(p, last, &xml);

    if (ngx_intake_sniff_begins(p, last, "<svg")
        || ngx_intake_sniff_begins(p, last, "<!doctype svg"))
    {
        return "image/svg+xml";
    }

    if (ngx_intake_sniff_begins(p, last, "<!doctype html")
        || ngx_intake_sniff_begins(p, last, "<html")
        || ngx_intake_sniff_begins(p, last, "<head")
        || ngx_intake_sniff_begins(p, last, "<body")
        || ngx_intake_sniff_begins(p, last, "<script")
        || ngx_intake_sniff_begins(p, last, "<iframe")
        || ngx_intake_sniff_begins(p, last, "<style")
        || ngx_intake_sniff_begins(p, last, "<title")
        || ngx_intake_sniff_begins(p, last, "<meta"))
    {
        return "text/html";
    }

    return xml ? "text/xml" : "text/plain";
}


/* passes over byte order mark, white space, <?...?> and comments */

static u_char *
ngx_intake_sniff_prologue(u_char *p, u_char *last, ngx_uint_t *xml)
{
    const char  *end;

    *xml = 0;

    if (last - p >= 3 && ngx_memcmp(p, "\xef\xbb\xbf", 3) == 0) {
        p += 3;
    }

    for ( ;; ) {

        while (p < last
               && (*p == ' ' || *p == '\t' || *p == '\r' || *p == '\n'
                   || *p == '\f'))
        {
            p++;
        }

        if (ngx_intake_sniff_begins(p, last, "<?")) {
            if (ngx_intake_sniff_begins(p, last, "<?xml")) {
                *xml = 1;
            }

            end = "?>";

        } else if (ngx_intake_sniff_begins(p, last, "<!--")) {
            end = "-->";

        } else {
            return p;
        }

        while (p < last && !ngx_intake_sniff_begins(p, last, end)) {
            p++;
        }

        p += ngx_min((size_t) (last - p), ngx_strlen(end));
    }
}


/* word is in lower case */

static ngx_uint_t
ngx_intake_sniff_begins(u_char *p, u_char *last, const char *word)
{
    for ( /* void */ ; *word; word++, p++) {

        if (p == last || ngx_tolower(*p) != *word) {
            return 0;
        }
    }

    return 1;
}


static ngx_uint_t
ngx_intake_sniff_find(u_char *p, size_t len, const char *word, size_t n)
{
    for ( /* void */ ; len >= n; p++, len--) {

        if (ngx_memcmp(p, word, n) == 0) {
            return 1;
        }
    }

    return 0;
}


ngx_uint_t
ngx_intake_sniff_allowed(ngx_str_t *type, ngx_str_t *list, ngx_uint_t n)
{
    ngx_str_t   known, one, svg;
    ngx_uint_t  i;

    ngx_str_set(&svg, "image/svg+xml");

    known = *type;
    ngx_intake_sniff_canonical(&known);

    for (i = 0; i < n; i++) {
        one = list[i];
        ngx_intake_sniff_canonical(&one);

        if (ngx_intake_sniff_equal(&one, &known)) {
            return 1;
        }

        if (one.len > 2
            && one.data[one.len - 1] == '*' && one.data[one.len - 2] == '/'
            && known.len > one.len - 1
            && ngx_memcmp(one.data, known.data, one.len - 1) == 0
            && !ngx_intake_sniff_equal(&known, &svg))
        {
            return 1;
        }
    }

    return 0;
}


static void
ngx_intake_sniff_canonical(ngx_str_t *type)
{
    ngx_intake_sniff_alias_t  *alias;

    for (alias = ngx_intake_sniff_aliases; alias->name.len; alias++) {

        if (ngx_intake_sniff_equal(&alias->name, type)) {
            *type = alias->type;
            return;
        }
    }
}


static ngx_uint_t
ngx_intake_sniff_equal(ngx_str_t *a, ngx_str_t *b)
{
    return a->len == b->len && ngx_memcmp(a->data, b->data, a->len) == 0;
}


ngx_uint_t
ngx_intake_sniff_fits(ngx_str_t *claimed, const char *found)
{
    ngx_uint_t  i;

    /* a slash at the end: all of them */

    static const char  *pairs[][2] = {
        { "text/plain", "text/" },
        { "text/plain", "application/json" },
        { "text/plain", "application/x-ndjson" },
        { "text/plain", "application/yaml" },
        { "text/plain", "application/x-yaml" },
        { "text/plain", "application/toml" },
        { "text/plain", "application/sql" },
        { "text/plain", "application/pgp-keys" },
        { "text/plain", "application/pgp-signature" },
        { "text/plain", "message/rfc822" },
        { "video/mp4", "audio/mp4" },
        { "video/mp4", "audio/x-m4a" },
        { "video/mp4", "video/x-m4v" },
        { "video/webm", "audio/webm" },
        { "video/3gpp", "audio/3gpp" },
        { "video/3gpp", "video/3gpp2" },
        { NULL, NULL }
    };

    for (i = 0; pairs[i][0]; i++) {

        if (ngx_strcmp(found, pairs[i][0]) == 0
            && ngx_intake_sniff_is(claimed, pairs[i][1]))
        {
            return 1;
        }
    }

    return (ngx_strcmp(found, "text/plain") == 0
            && ngx_intake_sniff_ends(claimed, "+json"))
           || (ngx_strcmp(found, "text/xml") == 0
               && ngx_intake_sniff_ends(claimed, "+xml"));
}


static ngx_uint_t
ngx_intake_sniff_is(ngx_str_t *type, const char *name)
{
    size_t  len;

    len = ngx_strlen(name);

    return (type->len == len || (type->len > len && name[len - 1] == '/'))
           && ngx_memcmp(type->data, name, len) == 0;
}


static ngx_uint_t
ngx_intake_sniff_ends(ngx_str_t *type, const char *end)
{
    size_t  len;

    len = ngx_strlen(end);

    return type->len > len
           && ngx_memcmp(type->data + type->len - len, end, len) == 0;
}
