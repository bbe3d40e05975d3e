
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake_form_answer.h"


/*
 * The pages that a person sees: without script, without anything from
 * elsewhere, readable with any browser and any reader of screens.  What comes
 * from outside goes through ngx_http_intake_put_text().
 */


/* bytes of what is given back; nobody has written so much by hand */

#define NGX_HTTP_INTAKE_PAGE_TEXT   (1024 * 1024)

/* of a text area */

#define NGX_HTTP_INTAKE_PAGE_COLUMNS  60
#define NGX_HTTP_INTAKE_PAGE_ROWS     15


static void ngx_http_intake_put_errors_list(ngx_http_intake_writer_t *w,
    ngx_http_intake_form_answer_t *answer);
static void ngx_http_intake_put_way_back(ngx_http_intake_writer_t *w,
    ngx_http_intake_form_answer_t *answer);
static void ngx_http_intake_put_texts(ngx_http_intake_writer_t *w,
    ngx_http_intake_form_answer_t *answer);
static ngx_uint_t ngx_http_intake_is_shown(
    ngx_http_intake_form_value_t *value);
static ngx_uint_t ngx_http_intake_rows(ngx_str_t *text);


static const char  ngx_http_intake_page_head[] =
    "<!DOCTYPE html>\n"
    "<html lang=\"en\">\n"
    "<head>\n"
    "<meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, "
        "initial-scale=1\">\n"
    "<meta name=\"robots\" content=\"noindex\">\n"
    "<title>";


static const char  ngx_http_intake_page_style[] =
    "</title>\n"
    "<style>\n"
    ":root { color-scheme: light dark; --text: #1b1b1b; --page: #fff; "
        "--error: #9b0014; --line: #707070; --link: #0b4fb3 }\n"
    "@media (prefers-color-scheme: dark) { :root { --text: #e9e9e9; "
        "--page: #161616; --error: #ff9f9f; --line: #909090; "
        "--link: #9cc3ff } }\n"
    "body { margin: 0; background: var(--page); color: var(--text); "
        "font: 1.0625rem/1.5 system-ui, sans-serif }\n"
    "main { box-sizing: border-box; max-width: 42rem; margin: 0 auto; "
        "padding: 2rem 1rem; overflow-wrap: anywhere }\n"
    "h1 { margin: 0 0 1rem; font-size: 1.6rem; line-height: 1.25 }\n"
    "h2 { margin: 2rem 0 .5rem; font-size: 1.2rem }\n"
    "ul { margin: 0 0 1rem; padding: .5rem 1rem .5rem 2rem; "
        "border-left: .25rem solid var(--error); color: var(--error) }\n"
    "a { color: var(--link) }\n"
    "label { display: block; margin-top: 1rem; font-weight: 600 }\n"
    "textarea { box-sizing: border-box; width: 100%; padding: .5rem; "
        "border: 1px solid var(--line); border-radius: .25rem; "
        "background: transparent; color: inherit; font: inherit; "
        "resize: vertical }\n"
    "</style>\n"
    "</head>\n"
    "<body>\n"
    "<main>\n"
    "<h1>";


void
ngx_http_intake_put_page(ngx_http_intake_writer_t *w, void *data)
{
    ngx_http_intake_form_answer_t *answer = data;

    const char  *heading;

    heading = ngx_http_intake_form_text(answer->code)->heading;

    ngx_http_intake_put(w, ngx_http_intake_page_head);
    ngx_http_intake_put(w, answer->code ? "Error: " : "");
    ngx_http_intake_put(w, heading);
    ngx_http_intake_put(w, ngx_http_intake_page_style);
    ngx_http_intake_put(w, heading);
    ngx_http_intake_put(w, "</h1>\n<p>");

    if (answer->code == NGX_HTTP_INTAKE_OK) {
        ngx_http_intake_put(w, "Your message was sent.</p>\n<p>Its number is ");
        ngx_http_intake_put_text(w, &answer->ctx->id);
        ngx_http_intake_put(w, ".");

    } else {
        ngx_http_intake_put_detail(w, answer);
    }

    ngx_http_intake_put(w, "</p>\n");

    if (answer->code) {
        ngx_http_intake_put_errors_list(w, answer);
    }

    ngx_http_intake_put_way_back(w, answer);

    if (ngx_http_intake_gives_back(answer)
        && answer->ctx->submission && answer->ctx->submission->read)
    {
        ngx_http_intake_put_texts(w, answer);
    }

    ngx_http_intake_put(w, "</main>\n</body>\n</html>\n");
}


static void
ngx_http_intake_put_errors_list(ngx_http_intake_writer_t *w,
    ngx_http_intake_form_answer_t *answer)
{
    ngx_uint_t                     i, open;
    ngx_http_intake_submission_t  *submission;
    ngx_http_intake_form_error_t  *error;

    submission = answer->ctx->submission;

    if (submission == NULL) {
        return;
    }

    open = 0;
    error = submission->errors.elts;

    for (i = 0; i < submission->errors.nelts; i++) {

        /* the text beside the heading has said that of the form */

        if (error[i].field.len == 0) {
            continue;
        }

        ngx_http_intake_put(w, open ? "<li><strong>"
                                    : "<ul>\n<li><strong>");
        ngx_http_intake_put_text(w, error[i].label.len ? &error[i].label
                                                       : &error[i].field);
        ngx_http_intake_put(w, "</strong>: ");
        ngx_http_intake_put_message(w, answer, &error[i]);
        ngx_http_intake_put(w, "</li>\n");
        open = 1;
    }

    if (open) {
        ngx_http_intake_put(w, "</ul>\n");
    }
}


static void
ngx_http_intake_put_way_back(ngx_http_intake_writer_t *w,
    ngx_http_intake_form_answer_t *answer)
{
    ngx_uint_t  posted;

    posted = answer->ctx->request->method == NGX_HTTP_POST;

    if (answer->code && posted) {
        ngx_http_intake_put(w, "<p>Use the Back button of your browser: your "
                               "text should still be there.</p>\n");
    }

    if (answer->back.len == 0) {
        return;
    }

    ngx_http_intake_put(w, "<p><a href=\"");
    ngx_http_intake_put_text(w, &answer->back);
    ngx_http_intake_put(w, answer->code
                           ? "\">Open the page of the form anew</a></p>\n"
                           : "\">Back to the page you came from</a></p>\n");
}


/* whatever can be sent again as it is, or corrected */

ngx_uint_t
ngx_http_intake_gives_back(ngx_http_intake_form_answer_t *answer)
{
    return answer->status == 422
           || answer->status == NGX_HTTP_TOO_MANY_REQUESTS
           || answer->status >= NGX_HTTP_INTERNAL_SERVER_ERROR;
}


static void
ngx_http_intake_put_texts(ngx_http_intake_writer_t *w,
    ngx_http_intake_form_answer_t *answer)
{
    size_t                         room;
    ngx_str_t                     *label;
    ngx_uint_t                     i, n, left_out;
    ngx_http_intake_form_value_t  *value;

    n = 0;
    left_out = 0;
    room = NGX_HTTP_INTAKE_PAGE_TEXT;
    value = answer->ctx->submission->values.elts;

    for (i = 0; i < answer->ctx->submission->values.nelts; i++) {

        if (!ngx_http_intake_is_shown(&value[i])) {
            continue;
        }

        if (value[i].value.len > room) {
            left_out = 1;
            continue;
        }

        room -= value[i].value.len;
        label = value[i].field && value[i].field->label.len
                ? &value[i].field->label : &value[i].name;

        ngx_http_intake_put(w, n++ ? "<label for=\"text-"
                            : "<h2>What you wrote</h2>\n<label for=\"text-");
        ngx_http_intake_put_number(w, n);
        ngx_http_intake_put(w, "\">");
        ngx_http_intake_put_text(w, label);
        ngx_http_intake_put(w, "</label>\n<textarea id=\"text-");
        ngx_http_intake_put_number(w, n);
        ngx_http_intake_put(w, "\" rows=\"");
        ngx_http_intake_put_number(w, ngx_http_intake_rows(&value[i].value));

        /* a browser drops the first line end of a text area */

        ngx_http_intake_put(w, "\" readonly>\n");
        ngx_http_intake_put_text(w, &value[i].value);
        ngx_http_intake_put(w, "</textarea>\n");
    }

    if (left_out) {
        ngx_http_intake_put(w, "<p>There was more than can be shown "
                               "here.</p>\n");
    }
}


static ngx_uint_t
ngx_http_intake_is_shown(ngx_http_intake_form_value_t *value)
{
    if (value->value.len == 0) {
        return 0;
    }

    switch (value->control) {

    case NGX_INTAKE_CONTROL_NONE:
    case NGX_INTAKE_CONTROL_REPLY:
    case NGX_INTAKE_CONTROL_SUBJECT:
        return 1;

    default:
        return 0;
    }
}


static ngx_uint_t
ngx_http_intake_rows(ngx_str_t *text)
{
    size_t      i;
    ngx_uint_t  rows;

    rows = 1 + text->len / NGX_HTTP_INTAKE_PAGE_COLUMNS;

    for (i = 0; i < text->len && rows < NGX_HTTP_INTAKE_PAGE_ROWS; i++) {
        if (text->data[i] == LF) {
            rows++;
        }
    }

    return ngx_min(rows, NGX_HTTP_INTAKE_PAGE_ROWS);
}
