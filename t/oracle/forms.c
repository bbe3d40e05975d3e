/* sources: src/form/ngx_intake_form.c src/form/ngx_intake_form_json.c */
/* sources: src/form/ngx_intake_urlencoded.c src/form/ngx_intake_multipart.c */
/* sources: src/form/ngx_intake_part.c src/form/ngx_intake_disposition.c */
/* sources: src/form/ngx_intake_mime.c src/form/ngx_intake_utf8.c */
/* sources: src/json/ngx_intake_json.c src/json/ngx_intake_json_scan.c */
/* sources: src/json/ngx_intake_json_string.c */
/* sources: src/verify/ngx_intake_encoding.c */
/* libs: -ljansson */

/*
 * Copyright (C) nginx-intake contributors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <jansson.h>
#include <stdio.h>
#include "form_record.h"
#include "ngx_intake_encoding.h"


/*
 * What forms.py compares with: reads forms from standard input and writes a
 * line of JSON for each.  A form is three numbers of four bytes, the length of
 * its Content-Type, that of its body and the size of the pieces to feed (0: in
 * one), and the two texts.  A line is {"error": WORD}, or {"fields", "files"},
 * where the contents of files are in hexadecimal.
 */


static ngx_uint_t
oracle_read(void *p, size_t len)
{
    return fread(p, 1, len, stdin) == len;
}


static json_t *
oracle_string(u_char **pos)
{
    json_t     *text;
    ngx_str_t   s;

    s = form_record_read(pos);
    text = json_stringn((char *) s.data, s.len);

    /* it is not UTF-8 */

    if (text == NULL) {
        abort();
    }

    return text;
}


static json_t *
oracle_hex(u_char **pos)
{
    char       *hex;
    json_t     *text;
    ngx_str_t   s;

    s = form_record_read(pos);
    hex = malloc(ngx_intake_hex_length(s.len) + 1);

    if (hex == NULL
        || ngx_intake_hex_encode(&s, (u_char *) hex,
                                 ngx_intake_hex_length(s.len), &s.len)
           != NGX_OK)
    {
        abort();
    }

    text = json_stringn(hex, s.len);

    free(hex);

    return text;
}


static json_t *
oracle_result(form_record_t *r)
{
    u_char  *p, *last;
    json_t  *fields, *files, *entry;

    if (r->rc != NGX_OK) {
        return json_pack("{s:s}", "error",
                         (r->rc == NGX_DECLINED)
                         ? ngx_intake_form_reason(r->error) : "failed");
    }

    fields = json_array();
    files = json_array();

    p = r->data;
    last = r->len ? p + r->len : p;

    while (p < last) {
        entry = json_array();

        if (*p++ == 'f') {
            json_array_append_new(entry, oracle_string(&p));
            json_array_append_new(entry, oracle_string(&p));
            json_array_append_new(fields, entry);
            continue;
        }

        json_array_append_new(entry, oracle_string(&p));
        json_array_append_new(entry, oracle_string(&p));
        json_array_append_new(entry, oracle_string(&p));
        json_array_append_new(entry, oracle_hex(&p));
        json_array_append_new(files, entry);
    }

    return json_pack("{s:o,s:o}", "fields", fields, "files", files);
}


int
main(void)
{
    json_t         *result;
    uint32_t        head[3];
    ngx_str_t       type, body;
    form_record_t   r;

    ngx_memzero(&r, sizeof(form_record_t));

    while (oracle_read(head, sizeof(head))) {

        type.len = head[0];
        type.data = malloc(type.len + 1);

        body.len = head[1];
        body.data = malloc(body.len + 1);

        if (type.data == NULL || body.data == NULL
            || !oracle_read(type.data, type.len)
            || !oracle_read(body.data, body.len))
        {
            return 1;
        }

        form_record_pieces(&r, &type, &body, head[2], head[2]);

        result = oracle_result(&r);

        json_dumpf(result, stdout, JSON_COMPACT|JSON_ENSURE_ASCII);
        putchar('\n');
        fflush(stdout);

        json_decref(result);
        free(type.data);
        free(body.data);
    }

    free(r.data);

    return 0;
}
