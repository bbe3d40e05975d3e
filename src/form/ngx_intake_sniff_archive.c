
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_intake_sniff.h"


/*
 * ZIP: the directory is at the end (PKWARE's APPNOTE, 4.3.16) and is what
 * readers go by; the names in it are looked at, not the contents, but for
 * "mimetype", which has to be the first of OpenDocument and EPUB and stands
 * there uncompressed.
 */

#define NGX_INTAKE_SNIFF_ZIP_TAIL     4096
#define NGX_INTAKE_SNIFF_ZIP_NAMES    1024     /* that are looked at */
#define NGX_INTAKE_SNIFF_ZIP_NAME     64

#define NGX_INTAKE_SNIFF_ZIP_END      22       /* bytes of the records */
#define NGX_INTAKE_SNIFF_ZIP_ENTRY    46
#define NGX_INTAKE_SNIFF_ZIP_LOCAL    30


/* [MS-CFB]: sectors of a compound file; directory entries of 128 bytes */

#define NGX_INTAKE_SNIFF_OLE_HEADER   512
#define NGX_INTAKE_SNIFF_OLE_ENTRY    128
#define NGX_INTAKE_SNIFF_OLE_SECTORS  64       /* that are looked at */
#define NGX_INTAKE_SNIFF_OLE_DIFAT    109


typedef struct {
    const char   *part;             /* the folder */
    const char   *type;
    const char   *macros;           /* with a program in it */
} ngx_intake_sniff_ooxml_t;


typedef struct {
    u_char        header[NGX_INTAKE_SNIFF_OLE_HEADER];
    ngx_uint_t    shift;            /* of the size of a sector */
} ngx_intake_sniff_ole_t;


static const char *ngx_intake_sniff_mimetype(ngx_intake_sniff_file_t *file);
static ngx_int_t ngx_intake_sniff_directory(ngx_intake_sniff_file_t *file,
    off_t *offset, ngx_uint_t *n);
static const char *ngx_intake_sniff_entries(ngx_intake_sniff_file_t *file,
    off_t offset, ngx_uint_t n);
static void ngx_intake_sniff_entry(u_char *name, size_t len,
    ngx_uint_t *found);
static const char *ngx_intake_sniff_found(ngx_uint_t found);
static const char *ngx_intake_sniff_stream(u_char *entry);
static ngx_int_t ngx_intake_sniff_next_sector(ngx_intake_sniff_file_t *file,
    ngx_intake_sniff_ole_t *ole, uint32_t *sector);
static ngx_uint_t ngx_intake_sniff_prefix(u_char *p, size_t len,
    const char *prefix);
static uint32_t ngx_intake_sniff_16(u_char *p);
static uint32_t ngx_intake_sniff_32(u_char *p);


static ngx_intake_sniff_ooxml_t  ngx_intake_sniff_ooxml[] = {

    { "word/",
      "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
      "application/vnd.ms-word.document.macroenabled.12" },

    { "xl/",
      "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
      "application/vnd.ms-excel.sheet.macroenabled.12" },

    { "ppt/",
      "application/vnd.openxmlformats-officedocument.presentationml"
      ".presentation",
      "application/vnd.ms-powerpoint.presentation.macroenabled.12" },

    { "visio/",
      "application/vnd.ms-visio.drawing",
      "application/vnd.ms-visio.drawing.macroenabled.12" },
};

#define NGX_INTAKE_SNIFF_OOXML                                                \
    (sizeof(ngx_intake_sniff_ooxml) / sizeof(ngx_intake_sniff_ooxml[0]))

/* bits of what was found, above those of the table */

#define NGX_INTAKE_SNIFF_CONTENT_TYPES  0x100
#define NGX_INTAKE_SNIFF_MACROS         0x200
#define NGX_INTAKE_SNIFF_JAVA           0x400
#define NGX_INTAKE_SNIFF_ANDROID        0x800


static const char  *ngx_intake_sniff_mimetypes[] = {
    "application/vnd.oasis.opendocument.text",
    "application/vnd.oasis.opendocument.spreadsheet",
    "application/vnd.oasis.opendocument.presentation",
    "application/vnd.oasis.opendocument.graphics",
    "application/vnd.oasis.opendocument.chart",
    "application/vnd.oasis.opendocument.formula",
    "application/vnd.oasis.opendocument.image",
    "application/vnd.oasis.opendocument.database",
    "application/vnd.oasis.opendocument.text-master",
    "application/vnd.oasis.opendocument.text-template",
    "application/vnd.oasis.opendocument.spreadsheet-template",
    "application/vnd.oasis.opendocument.presentation-template",
    "application/epub+zip",
    "image/openraster",
    NULL
};


const char *
ngx_intake_sniff_zip(ngx_intake_sniff_file_t *file)
{
    off_t        offset;
    ngx_int_t    rc;
    ngx_uint_t   n;
    const char  *type;

    type = ngx_intake_sniff_mimetype(file);

    if (type == NULL || *type) {
        return type;
    }

    rc = ngx_intake_sniff_directory(file, &offset, &n);

    if (rc == NGX_OK) {
        return ngx_intake_sniff_entries(file, offset, n);
    }

    return (rc == NGX_DECLINED) ? "application/zip" : NULL;
}


/* "" if there is none that is known */

static const char *
ngx_intake_sniff_mimetype(ngx_intake_sniff_file_t *file)
{
    u_char       p[NGX_INTAKE_SNIFF_ZIP_LOCAL + 8 + 64];
    size_t       len;
    ngx_uint_t   i;
    const char  *type;

    if (file->size < (off_t) sizeof(p)) {
        return "";
    }

    if (file->read(file->ctx, 0, p, sizeof(p)) != NGX_OK) {
        return NULL;
    }

    len = ngx_intake_sniff_32(p + 18);

    if (ngx_intake_sniff_16(p + 8) != 0 || ngx_intake_sniff_16(p + 26) != 8
        || ngx_intake_sniff_16(p + 28) != 0
        || ngx_memcmp(p + NGX_INTAKE_SNIFF_ZIP_LOCAL, "mimetype", 8) != 0)
    {
        return "";
    }

    for (i = 0; ngx_intake_sniff_mimetypes[i]; i++) {
        type = ngx_intake_sniff_mimetypes[i];

        if (ngx_strlen(type) == len
            && ngx_memcmp(p + NGX_INTAKE_SNIFF_ZIP_LOCAL + 8, type, len) == 0)
        {
            return type;
        }
    }

    return "";
}


/* NGX_DECLINED: it is not where it mostly is */

static ngx_int_t
ngx_intake_sniff_directory(ngx_intake_sniff_file_t *file, off_t *offset,
    ngx_uint_t *n)
{
    u_char  tail[NGX_INTAKE_SNIFF_ZIP_TAIL], *p;
    size_t  len;

    len = (size_t) ngx_min(file->size, NGX_INTAKE_SNIFF_ZIP_TAIL);

    if (len < NGX_INTAKE_SNIFF_ZIP_END) {
        return NGX_DECLINED;
    }

    if (file->read(file->ctx, file->size - len, tail, len) != NGX_OK) {
        return NGX_ERROR;
    }

    for (p = tail + len - NGX_INTAKE_SNIFF_ZIP_END; p >= tail; p--) {

        if (ngx_memcmp(p, "PK\5\6", 4) == 0) {
            *n = ngx_intake_sniff_16(p + 10);
            *offset = ngx_intake_sniff_32(p + 16);

            return NGX_OK;
        }
    }

    return NGX_DECLINED;
}


static const char *
ngx_intake_sniff_entries(ngx_intake_sniff_file_t *file, off_t offset,
    ngx_uint_t n)
{
    u_char      p[NGX_INTAKE_SNIFF_ZIP_ENTRY + NGX_INTAKE_SNIFF_ZIP_NAME];
    size_t      len, name;
    ngx_uint_t  found;

    found = 0;
    n = ngx_min(n, NGX_INTAKE_SNIFF_ZIP_NAMES);

    for ( /* void */ ; n; n--) {

        if (file->size - offset < NGX_INTAKE_SNIFF_ZIP_ENTRY) {
            break;
        }

        len = (size_t) ngx_min(file->size - offset, (off_t) sizeof(p));

        if (file->read(file->ctx, offset, p, len) != NGX_OK) {
            return NULL;
        }

        if (ngx_memcmp(p, "PK\1\2", 4) != 0) {
            break;
        }

        name = ngx_intake_sniff_16(p + 28);

        ngx_intake_sniff_entry(p + NGX_INTAKE_SNIFF_ZIP_ENTRY,
                               ngx_min(name, len - NGX_INTAKE_SNIFF_ZIP_ENTRY),
                               &found);

        offset += NGX_INTAKE_SNIFF_ZIP_ENTRY + name
                  + ngx_intake_sniff_16(p + 30) + ngx_intake_sniff_16(p + 32);
    }

    return ngx_intake_sniff_found(found);
}


static void
ngx_intake_sniff_entry(u_char *name, size_t len, ngx_uint_t *found)
{
    ngx_uint_t                 i;
    ngx_intake_sniff_ooxml_t  *ooxml;

    if (ngx_intake_sniff_prefix(name, len, "[Content_Types].xml")) {
        *found |= NGX_INTAKE_SNIFF_CONTENT_TYPES;

    } else if (ngx_intake_sniff_prefix(name, len, "META-INF/MANIFEST.MF")) {
        *found |= NGX_INTAKE_SNIFF_JAVA;

    } else if (ngx_intake_sniff_prefix(name, len, "AndroidManifest.xml")) {
        *found |= NGX_INTAKE_SNIFF_ANDROID;
    }

    ooxml = ngx_intake_sniff_ooxml;

    for (i = 0; i < NGX_INTAKE_SNIFF_OOXML; i++) {

        if (ngx_intake_sniff_prefix(name, len, ooxml[i].part)) {
            *found |= 1 << i;

            if (len >= sizeof("vbaProject.bin") - 1
                && ngx_memcmp(name + len - (sizeof("vbaProject.bin") - 1),
                              "vbaProject.bin", sizeof("vbaProject.bin") - 1)
                   == 0)
            {
                *found |= NGX_INTAKE_SNIFF_MACROS;
            }
        }
    }
}


static const char *
ngx_intake_sniff_found(ngx_uint_t found)
{
    ngx_uint_t                 i;
    ngx_intake_sniff_ooxml_t  *ooxml;

    if (found & NGX_INTAKE_SNIFF_CONTENT_TYPES) {
        ooxml = ngx_intake_sniff_ooxml;

        for (i = 0; i < NGX_INTAKE_SNIFF_OOXML; i++) {
            if (found & (1 << i)) {
                return (found & NGX_INTAKE_SNIFF_MACROS) ? ooxml[i].macros
                                                         : ooxml[i].type;
            }
        }
    }

    if (found & NGX_INTAKE_SNIFF_ANDROID) {
        return "application/vnd.android.package-archive";
    }

    return (found & NGX_INTAKE_SNIFF_JAVA) ? "application/java-archive"
                                           : "application/zip";
}


/* the directory is a chain of sectors; the first name that is known decides */

const char *
ngx_intake_sniff_ole(ngx_intake_sniff_file_t *file)
{
    off_t                    offset;
    u_char                   entry[NGX_INTAKE_SNIFF_OLE_ENTRY];
    uint32_t                 sector;
    ngx_int_t                rc;
    ngx_uint_t               i, n;
    const char              *type;
    ngx_intake_sniff_ole_t   ole;

    type = "application/x-ole-storage";

    if (file->size < NGX_INTAKE_SNIFF_OLE_HEADER) {
        return type;
    }

    if (file->read(file->ctx, 0, ole.header, NGX_INTAKE_SNIFF_OLE_HEADER)
        != NGX_OK)
    {
        return NULL;
    }

    ole.shift = ngx_intake_sniff_16(ole.header + 30);

    if (ole.shift != 9 && ole.shift != 12) {
        return type;
    }

    sector = ngx_intake_sniff_32(ole.header + 48);

    for (n = 0; n < NGX_INTAKE_SNIFF_OLE_SECTORS; n++) {
        offset = ((off_t) sector + 1) << ole.shift;

        if (file->size - offset < ((off_t) 1 << ole.shift)) {
            return type;
        }

        for (i = 0; i < (1u << ole.shift); i += NGX_INTAKE_SNIFF_OLE_ENTRY) {

            if (file->read(file->ctx, offset + i, entry, sizeof(entry))
                != NGX_OK)
            {
                return NULL;
            }

            if (ngx_intake_sniff_stream(entry)) {
                return ngx_intake_sniff_stream(entry);
            }
        }

        rc = ngx_intake_sniff_next_sector(file, &ole, &sector);

        if (rc != NGX_OK) {
            return (rc == NGX_DECLINED) ? type : NULL;
        }
    }

    return type;
}


/* names are UTF-16LE, with a zero at their end that counts */

static const char *
ngx_intake_sniff_stream(u_char *entry)
{
    size_t      len, i;
    ngx_uint_t  n;

    static const char  *streams[][2] = {
        { "WordDocument", "application/msword" },
        { "Workbook", "application/vnd.ms-excel" },
        { "Book", "application/vnd.ms-excel" },
        { "PowerPoint Document", "application/vnd.ms-powerpoint" },
        { "VisioDocument", "application/vnd.visio" },
        { "__properties_version1.0", "application/vnd.ms-outlook" },
        { NULL, NULL }
    };

    for (n = 0; streams[n][0]; n++) {
        len = ngx_strlen(streams[n][0]);

        if (ngx_intake_sniff_16(entry + 64) != 2 * (len + 1)) {
            continue;
        }

        for (i = 0; i < len; i++) {
            if (entry[2 * i] != (u_char) streams[n][0][i] || entry[2 * i + 1])
            {
                break;
            }
        }

        if (i == len) {
            return streams[n][1];
        }
    }

    return NULL;
}


/* by the table of sectors; NGX_DECLINED: it was the last */

static ngx_int_t
ngx_intake_sniff_next_sector(ngx_intake_sniff_file_t *file,
    ngx_intake_sniff_ole_t *ole, uint32_t *sector)
{
    off_t     offset;
    u_char    p[4];
    uint32_t  n;

    n = *sector >> (ole->shift - 2);

    if (n >= NGX_INTAKE_SNIFF_OLE_DIFAT) {
        return NGX_DECLINED;
    }

    offset = ((off_t) ngx_intake_sniff_32(ole->header + 76 + 4 * n) + 1)
             << ole->shift;
    offset += 4 * (*sector & ((1u << (ole->shift - 2)) - 1));

    if (file->size - offset < (off_t) sizeof(p)) {
        return NGX_DECLINED;
    }

    if (file->read(file->ctx, offset, p, sizeof(p)) != NGX_OK) {
        return NGX_ERROR;
    }

    *sector = ngx_intake_sniff_32(p);

    return (*sector < 0xfffffffa) ? NGX_OK : NGX_DECLINED;
}


static ngx_uint_t
ngx_intake_sniff_prefix(u_char *p, size_t len, const char *prefix)
{
    size_t  n;

    n = ngx_strlen(prefix);

    return len >= n && ngx_memcmp(p, prefix, n) == 0;
}


static uint32_t
ngx_intake_sniff_16(u_char *p)
{
    return p[0] | p[1] << 8;
}


static uint32_t
ngx_intake_sniff_32(u_char *p)
{
    return p[0] | p[1] << 8 | p[2] << 16 | (uint32_t) p[3] << 24;
}
