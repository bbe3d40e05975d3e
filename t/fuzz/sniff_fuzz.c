/* sources: src/form/ngx_intake_sniff.c src/form/ngx_intake_sniff_archive.c */
/* sources: src/form/ngx_intake_sniff_text.c src/form/ngx_intake_utf8.c */

/*
 * Copyright (C) nginx-intake contributors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_intake_sniff.h"
#include "ngx_intake_utf8.h"


/*
 * The input is a file.  Nothing outside of it is read, not more of it than is
 * promised, and a file that cannot be read has no type; it is text however it
 * is cut.
 */


/* all that one file may cost: 64 sectors of 4096 bytes and 1024 names */
#define FUZZ_BYTES  (512 * 1024)

#define check(condition)  if (!(condition)) { abort(); }


typedef struct {
    u_char       *data;
    size_t        size;
    size_t        bytes;       /* read so far */
    ngx_uint_t    reads;
    ngx_uint_t    fails;       /* the number of the read that does */
} fuzz_file_t;


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static ngx_int_t
fuzz_read(void *ctx, off_t offset, u_char *p, size_t len)
{
    fuzz_file_t *file = ctx;

    check(offset >= 0 && offset <= (off_t) file->size);
    check(len && len <= file->size - (size_t) offset);

    if (++file->reads == file->fails) {
        return NGX_ERROR;
    }

    file->bytes += len;
    check(file->bytes <= FUZZ_BYTES);

    memcpy(p, file->data + offset, len);

    return NGX_OK;
}


static const char *
fuzz_type(fuzz_file_t *memory, ngx_intake_sniff_text_t *text,
    ngx_uint_t fails)
{
    ngx_intake_sniff_file_t  file;

    memory->bytes = 0;
    memory->reads = 0;
    memory->fails = fails;

    file.read = fuzz_read;
    file.ctx = memory;
    file.size = memory->size;

    return ngx_intake_sniff(&file, text);
}


/* as it stands in the list of a form, which is the type itself or a class */

static void
fuzz_names(const char *type, u_char *data, size_t size)
{
    char       *slash;
    ngx_str_t   found, claimed, list[2];

    found.data = (u_char *) type;
    found.len = strlen(type);
    claimed.data = data;
    claimed.len = size;

    check(ngx_intake_sniff_allowed(&found, &found, 1) == 1);

    slash = strchr(type, '/');
    check(slash != NULL);

    ngx_str_set(&list[0], "image/*");
    list[1] = claimed;

    check(ngx_intake_sniff_allowed(&found, list, 1)
          == (strncmp(type, "image/", 6) == 0
              && strcmp(type, "image/svg+xml") != 0));

    (void) ngx_intake_sniff_allowed(&claimed, list, 2);
    (void) ngx_intake_sniff_fits(&claimed, type);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t                    cut, pos;
    u_char                   *piece;
    ngx_uint_t                n, reads;
    const char               *type;
    fuzz_file_t               file;
    ngx_intake_sniff_text_t   text, cut_text;

    file.data = (u_char *) data;
    file.size = size;

    memset(&text, 0, sizeof(text));
    ngx_intake_sniff_text(&text, file.data, size);

    check((!text.binary && text.rest == 0)
          == (size == 0
              || (ngx_intake_utf8_valid(file.data, size)
                  && memchr(data, '\0', size) == NULL)));

    for (cut = 1; cut <= 3; cut++) {
        memset(&cut_text, 0, sizeof(cut_text));

        for (pos = 0; pos < size; pos += cut) {
            piece = malloc(ngx_min(cut, size - pos));
            memcpy(piece, data + pos, ngx_min(cut, size - pos));
            ngx_intake_sniff_text(&cut_text, piece,
                                  ngx_min(cut, size - pos));
            free(piece);
        }

        check(cut_text.binary == text.binary);
        check(text.binary || cut_text.rest == text.rest);
    }

    type = fuzz_type(&file, &text, 0);
    check(type != NULL);

    fuzz_names(type, file.data, size);

    reads = file.reads;

    for (n = 1; n <= reads && n <= 8; n++) {
        check(fuzz_type(&file, &text, n) == NULL);
    }

    return 0;
}
