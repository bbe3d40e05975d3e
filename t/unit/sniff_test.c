/* sources: src/form/ngx_intake_sniff.c src/form/ngx_intake_sniff_archive.c */
/* sources: src/form/ngx_intake_sniff_text.c src/form/ngx_intake_utf8.c */

/*
 * Copyright (C) nginx-intake contributors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <stdio.h>
#include "ngx_intake_sniff.h"
#include "ngx_intake_utf8.h"
#include "bytes.h"
#include "tap.h"


#define DOCX                                                                  \
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
#define XLSX                                                                  \
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
#define ODT   "application/vnd.oasis.opendocument.text"

#define SECTOR  512


typedef struct {
    const char  *bytes;
    size_t       len;
    const char  *type;
} test_magic_t;


typedef struct {
    const char  *names[5];          /* of a ZIP */
    const char  *type;
} test_zip_t;


typedef struct {
    const char  *type;
    const char  *list;
    ngx_uint_t   allowed;
} test_allowed_t;


typedef struct {
    u_char      *data;
    size_t       len;
} test_memory_t;


#define magic(bytes, type)  { bytes, sizeof(bytes) - 1, type }

static test_magic_t  test_magics[] = {

    magic("%PDF-1.4", "application/pdf"),
    magic("%PDF", "text/plain"),
    magic(" %PDF-1.4", "text/plain"),
    magic("\x89PNG\r\n\x1a\n\0\0", "image/png"),
    magic("\x89PNG\r\n\x1a", "application/octet-stream"),
    magic("\xff\xd8\xff\xe0", "image/jpeg"),
    magic("GIF89a", "image/gif"),
    magic("GIF88a", "text/plain"),
    magic("RIFF\0\0\0\0WEBPVP8 ", "image/webp"),
    magic("RIFF\0\0\0\0WAVEfmt ", "audio/wav"),
    magic("RIFF\0\0\0\0AVI LIST", "video/x-msvideo"),
    magic("RIFF\0\0\0\0none", "application/octet-stream"),
    magic("BM\0\0\0\0\0\0\0\0\0\0\0\0\x28\0\0\0", "image/bmp"),
    magic("BMW is a car, not a picture", "text/plain"),
    magic("MZ is a text", "text/plain"),
    magic("MZ\x90\0\3\0", "application/vnd.microsoft.portable-executable"),
    magic("\0\0\0\x18" "ftypmp42\0\0\0\0mp42isom", "video/mp4"),
    magic("\0\0\0\x18" "ftypisom\0\0\0\0mp42isom", "video/mp4"),
    magic("\0\0\0\x18" "ftypM4A \0\0\0\0M4A mp42", "audio/mp4"),
    magic("\0\0\0\x14" "ftypqt  \0\0\0\0qt  ", "video/quicktime"),
    magic("\0\0\0\x14" "ftypheic\0\0\0\0mif1", "image/heic"),
    magic("\0\0\0\x18" "ftypmif1\0\0\0\0mif1heic", "image/heic"),
    magic("\0\0\0\x18" "ftypmif1\0\0\0\0mif1avif", "image/avif"),
    magic("\0\0\0\x14" "ftypmif1\0\0\0\0mif1avif", "image/heic"),
    magic("\0\0\0\x14" "ftypavif\0\0\0\0mif1", "image/avif"),
    magic("\0\0\0\x04" "ftypmp42\0\0\0\0", "application/octet-stream"),
    magic("ID3\4\0\0", "audio/mpeg"),
    magic("\xff\xfb\x90\x64", "audio/mpeg"),
    magic("\xff\xf3\x40\xc0", "audio/mpeg"),
    magic("\xff\xfb\xf0\x64", "application/octet-stream"),
    magic("\xff\xfb\x9c\x64", "application/octet-stream"),
    magic("\xff\xeb\x90\x64", "application/octet-stream"),
    magic("\xff\xf1\x50\x80", "audio/aac"),
    magic("OggS\0\2xxxxxxxxOpusHead", "audio/ogg"),
    magic("OggS\0\2xxxxxxxx\x80theora", "video/ogg"),
    magic("\x1a\x45\xdf\xa3\x9f\x42\x82\x84webm", "video/webm"),
    magic("\x1a\x45\xdf\xa3\x9f\x42\x82\x88matroska", "video/x-matroska"),
    magic("fLaC\0", "audio/flac"),
    magic("\x1f\x8b\x08", "application/gzip"),
    magic("7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    magic("Rar!\x1a\7\1\0", "application/vnd.rar"),
    magic("{\\rtf1", "application/rtf"),
    magic("\x7f" "ELF\2", "application/x-executable"),
    magic("#!/bin/sh\n", "text/x-shellscript"),
    magic("PK\3\4", "application/zip"),
    magic("PK\5\6\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", "application/zip"),
    magic("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole-storage"),

    magic("", "text/plain"),
    magic("plain", "text/plain"),
    magic("gr\xc3\xbc\xc3\x9f" "e", "text/plain"),
    magic("gr\xfc\xdf" "e", "application/octet-stream"),
    magic("a\0b", "application/octet-stream"),
    magic("cut \xe2\x82", "application/octet-stream"),
    magic("<?xml version=\"1.0\"?><a/>", "text/xml"),
    magic("\xef\xbb\xbf<?xml version=\"1.0\"?>\r\n<!-- <a> -->\n<SVG/>",
          "image/svg+xml"),
    magic("<svg", "image/svg+xml"),
    magic("<!DOCTYPE svg PUBLIC", "image/svg+xml"),
    magic(" \n<!doctype HTML>", "text/html"),
    magic("<!-- x --><script>", "text/html"),
    magic("<!-- x", "text/plain"),
    magic("<?", "text/plain"),
    magic("<p>", "text/plain"),
    magic("{\"a\":1}", "text/plain"),
};


static test_zip_t  test_zips[] = {

    { { "a.txt" }, "application/zip" },
    { { "[Content_Types].xml", "_rels/.rels", "word/document.xml" }, DOCX },
    { { "_rels/.rels", "xl/workbook.xml", "[Content_Types].xml" }, XLSX },
    { { "[Content_Types].xml", "ppt/presentation.xml" },
      "application/vnd.openxmlformats-officedocument.presentationml"
      ".presentation" },
    { { "[Content_Types].xml", "word/document.xml", "word/vbaProject.bin" },
      "application/vnd.ms-word.document.macroenabled.12" },
    { { "word/document.xml" }, "application/zip" },
    { { "[Content_Types].xml" }, "application/zip" },
    { { "META-INF/MANIFEST.MF", "a.class" }, "application/java-archive" },
    { { "META-INF/MANIFEST.MF", "AndroidManifest.xml" },
      "application/vnd.android.package-archive" },
    { { "mimetype=" ODT, "content.xml" }, ODT },
    { { "mimetype=application/epub+zip", "a" }, "application/epub+zip" },
    { { "mimetype=text/html", "a" }, "application/zip" },
    { { "a", "mimetype=" ODT }, "application/zip" },
};


static test_allowed_t  test_allows[] = {

    { "application/pdf", "application/pdf", 1 },
    { "application/pdf", "application/pd", 0 },
    { "application/pd", "application/pdf", 0 },
    { "image/jpg", "image/jpeg", 1 },
    { "image/jpeg", "image/jpg", 1 },
    { "image/pjpeg", "image/jpg", 1 },
    { "application/x-zip-compressed", "application/zip", 1 },
    { "image/png", "image/*", 1 },
    { "image/svg+xml", "image/*", 0 },
    { "image/svg+xml", "image/svg+xml", 1 },
    { "image", "image/*", 0 },
    { "image/", "image/*", 0 },
    { "images/png", "image/*", 0 },
    { "video/mp4", "image/*", 0 },
    { "", "image/*", 0 },
};


static void
test_ok(ngx_uint_t passed, const char *name, const char *got)
{
    if (!ok(passed, "%s", name)) {
        printf("# got %s\n", got);
    }
}


static ngx_int_t
test_read(void *ctx, off_t offset, u_char *p, size_t len)
{
    test_memory_t *memory = ctx;

    if (offset < 0 || len > memory->len
        || offset > (off_t) (memory->len - len))
    {
        test_ok(0, "reads inside of the file", "outside");
        return NGX_ERROR;
    }

    ngx_memcpy(p, memory->data + offset, len);

    return NGX_OK;
}


/* the content in a block of its own length, given in pieces of n bytes */

static const char *
test_sniff(const u_char *p, size_t len, size_t n)
{
    size_t                   i;
    u_char                  *copy;
    const char              *type;
    test_memory_t            memory;
    ngx_intake_sniff_file_t  file;
    ngx_intake_sniff_text_t  text;

    copy = copy_bytes(p, len);

    memory.data = copy;
    memory.len = len;

    file.read = test_read;
    file.ctx = &memory;
    file.size = len;

    ngx_memzero(&text, sizeof(ngx_intake_sniff_text_t));

    for (i = 0; i < len; i += n) {
        ngx_intake_sniff_text(&text, copy + i, ngx_min(n, len - i));
    }

    type = ngx_intake_sniff(&file, &text);

    free(copy);

    return type ? type : "an error";
}


static u_char *
test_put(u_char *p, uint32_t value, size_t len)
{
    while (len--) {
        *p++ = (u_char) value;
        value >>= 8;
    }

    return p;
}


/* a record of a ZIP; NAME=CONTENT: its content is stored */

static u_char *
test_zip_entry(u_char *p, const char *name, ngx_uint_t central)
{
    size_t       len;
    const char  *content;

    content = strchr(name, '=');
    len = content ? (size_t) (content++ - name) : strlen(name);

    p = test_put(p, central ? 0x02014b50 : 0x04034b50, 4);
    p = test_put(p, 20, central ? 4 : 2);
    p = test_put(p, 0, 12);
    p = test_put(p, content ? strlen(content) : 0, 4);
    p = test_put(p, content ? strlen(content) : 0, 4);
    p = test_put(p, len, 2);
    p = test_put(p, 0, central ? 16 : 2);
    p = ngx_cpymem(p, name, len);

    return central || !content ? p : ngx_cpymem(p, content, strlen(content));
}


static size_t
test_zip(u_char *buffer, test_zip_t *zip, ngx_uint_t comment)
{
    u_char      *p, *directory;
    ngx_uint_t   i;

    p = buffer;

    for (i = 0; zip->names[i]; i++) {
        p = test_zip_entry(p, zip->names[i], 0);
    }

    directory = p;

    for (i = 0; zip->names[i]; i++) {
        p = test_zip_entry(p, zip->names[i], 1);
    }

    i = p - directory;

    p = test_put(p, 0x06054b50, 4);
    p = test_put(p, 0, 4);
    p = test_put(p, 5, 2);
    p = test_put(p, 5, 2);
    p = test_put(p, i, 4);
    p = test_put(p, directory - buffer, 4);
    p = test_put(p, comment, 2);

    ngx_memset(p, 'c', comment);

    return p + comment - buffer;
}


/* header, table of sectors, then the directory: its second sector has name */

static size_t
test_ole(u_char *buffer, const char *name)
{
    u_char  *entry;
    size_t   i;

    ngx_memzero(buffer, 5 * SECTOR);

    ngx_memcpy(buffer, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 8);
    (void) test_put(buffer + 30, 9, 2);
    (void) test_put(buffer + 48, 1, 4);
    (void) test_put(buffer + 76, 0, 4);

    (void) test_put(buffer + SECTOR + 4, 3, 4);
    (void) test_put(buffer + SECTOR + 12, 0xfffffffe, 4);

    entry = buffer + 4 * SECTOR + 128;

    for (i = 0; name[i]; i++) {
        entry[2 * i] = name[i];
    }

    (void) test_put(entry + 64, 2 * (i + 1), 2);

    return 5 * SECTOR;
}


static void
test_archives(void)
{
    u_char       buffer[8192];
    size_t       len, cut;
    ngx_uint_t   i, n, j;
    const char  *type;

    static const char  *streams[][2] = {
        { "WordDocument", "application/msword" },
        { "Workbook", "application/vnd.ms-excel" },
        { "Book", "application/vnd.ms-excel" },
        { "PowerPoint Document", "application/vnd.ms-powerpoint" },
        { "__properties_version1.0", "application/vnd.ms-outlook" },
        { "WordDocumentX", "application/x-ole-storage" },
        { "WordDocumen", "application/x-ole-storage" },
    };

    n = sizeof(test_zips) / sizeof(test_zips[0]);

    for (i = 0; i < n; i++) {
        len = test_zip(buffer, &test_zips[i], 0);
        type = test_sniff(buffer, len, len);
        test_ok(strcmp(type, test_zips[i].type) == 0, test_zips[i].type, type);
    }

    len = test_zip(buffer, &test_zips[1], 4000);
    type = test_sniff(buffer, len, len);
    test_ok(strcmp(type, DOCX) == 0, "a ZIP with a comment", type);

    len = test_zip(buffer, &test_zips[1], 0);

    for (cut = 4; cut < len; cut++) {
        (void) test_sniff(buffer, cut, cut);
    }

    n = sizeof(streams) / sizeof(streams[0]);

    for (i = 0; i < n; i++) {
        len = test_ole(buffer, streams[i][0]);
        type = test_sniff(buffer, len, len);
        test_ok(strcmp(type, streams[i][1]) == 0, streams[i][0], type);
    }

    for (cut = 8; cut < len; cut += 4) {
        (void) test_sniff(buffer, cut, cut);
    }

    /* whatever the numbers say, it ends, and inside of the file */

    srandom(1);

    for (i = 0; i < 20000; i++) {
        len = (i & 1) ? test_ole(buffer, "Workbook")
                      : test_zip(buffer, &test_zips[i % 13], 0);

        for (j = 0; j < 4; j++) {
            cut = 8 + random() % (len - 8);
            buffer[cut] = (random() & 1) ? 0xff : random();
        }

        (void) test_sniff(buffer, len, len);
    }

    /* a chain that goes round */

    len = test_ole(buffer, "nothing");
    (void) test_put(buffer + SECTOR + 12, 1, 4);
    type = test_sniff(buffer, len, len);
    test_ok(strcmp(type, "application/x-ole-storage") == 0, "a circle", type);
}


/* every pair of bytes of interest, cut everywhere, against the whole reader */

static void
test_text(void)
{
    u_char       p[4];
    size_t       len, n;
    ngx_uint_t   i, valid, found, wrong;
    const char  *type;

    static u_char  bytes[] = { 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf,
                               0xc1, 0xc2, 0xdf, 0xe0, 0xec, 0xed, 0xef, 0xf0,
                               0xf1, 0xf4, 0xf5, 0xff };

    wrong = 0;

    for (i = 0; i < 20 * 20 * 20 * 20; i++) {
        p[0] = bytes[i % 20];
        p[1] = bytes[i / 20 % 20];
        p[2] = bytes[i / 400 % 20];
        p[3] = bytes[i / 8000];

        if (p[0] == 0xff || p[0] == 0x41) {
            continue;
        }

        for (len = 1; len <= 4; len++) {
            valid = ngx_intake_utf8_valid(p, len);

            for (n = 1; n <= len; n++) {
                type = test_sniff(p, len, n);
                found = (strcmp(type, "text/plain") == 0);
                wrong += (found != valid);
            }
        }
    }

    test_ok(wrong == 0, "UTF-8, however it is cut", "others");
}


int
main(void)
{
    ngx_str_t        type, list;
    ngx_uint_t       i, n;
    const char      *got;
    test_magic_t    *m;
    test_allowed_t  *a;

    n = sizeof(test_magics) / sizeof(test_magics[0]);

    for (i = 0; i < n; i++) {
        m = &test_magics[i];

        got = test_sniff((u_char *) m->bytes, m->len, 1 + m->len);
        test_ok(strcmp(got, m->type) == 0, m->type, got);
    }

    n = sizeof(test_allows) / sizeof(test_allows[0]);

    for (i = 0; i < n; i++) {
        a = &test_allows[i];

        type.data = (u_char *) a->type;
        type.len = strlen(a->type);
        list.data = (u_char *) a->list;
        list.len = strlen(a->list);

        test_ok(ngx_intake_sniff_allowed(&type, &list, 1) == a->allowed,
                a->type, a->list);
    }

    test_archives();
    test_text();

    ngx_str_set(&type, "text/csv");
    test_ok(ngx_intake_sniff_fits(&type, "text/plain"), "csv", "no");
    test_ok(!ngx_intake_sniff_fits(&type, "text/html"), "csv, HTML", "yes");
    ngx_str_set(&type, "application/ld+json");
    test_ok(ngx_intake_sniff_fits(&type, "text/plain"), "+json", "no");
    ngx_str_set(&type, "application/gpx+xml");
    test_ok(ngx_intake_sniff_fits(&type, "text/xml"), "+xml", "no");
    ngx_str_set(&type, "audio/mp4");
    test_ok(ngx_intake_sniff_fits(&type, "video/mp4"), "sound", "no");
    ngx_str_set(&type, "image/png");
    test_ok(!ngx_intake_sniff_fits(&type, "text/plain"), "png, text", "yes");

    return done();
}
