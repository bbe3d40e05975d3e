
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake_status_html.h"


/* What was delivered, what became of it, and who reads it. */


static void ngx_http_intake_put_stream(ngx_http_intake_writer_t *w,
    ngx_http_intake_status_t *status, ngx_http_intake_source_status_t *ss);
static void ngx_http_intake_put_promise(ngx_http_intake_writer_t *w,
    ngx_http_intake_status_t *status, ngx_http_intake_source_status_t *ss);
static void ngx_http_intake_put_outcome(ngx_http_intake_writer_t *w,
    ngx_http_intake_source_status_t *ss, ngx_http_intake_outcome_e outcome);
static void ngx_http_intake_put_codes(ngx_http_intake_writer_t *w,
    ngx_http_intake_source_status_t *ss, ngx_http_intake_outcome_e outcome);
static void ngx_http_intake_put_reasons(ngx_http_intake_writer_t *w,
    ngx_http_intake_source_status_t *ss);
static void ngx_http_intake_put_length(ngx_http_intake_writer_t *w,
    ngx_uint_t there, int64_t n);
static void ngx_http_intake_put_group(ngx_http_intake_writer_t *w,
    ngx_http_intake_status_page_t *page, ngx_http_intake_source_status_t *ss,
    ngx_uint_t i);


void
ngx_http_intake_put_streams(ngx_http_intake_writer_t *w,
    ngx_http_intake_status_page_t *page)
{
    ngx_uint_t                 i;
    ngx_http_intake_status_t  *status;

    status = page->status;

    if (status->nsources == 0) {
        return;
    }

    ngx_http_intake_put(w,
        "<div tabindex=\"0\" role=\"region\" aria-label=\"Deliveries\">"
        "<table>\n<caption>Deliveries <small>counted here since ");
    ngx_http_intake_put_clock(w, page, NULL, (int64_t) status->started * 1000);
    ngx_http_intake_put(w,
        " UTC</small></caption>\n"
        "<thead><tr><th>Source</th>"
        "<th>Durability</th>"
        "<th>Stored</th>"
        "<th>Duplicates</th>"
        "<th>Rejected</th>"
        "<th>Unavailable</th>"
        "<th>Spam</th>"
        "<th>Entries</th>"
        "<th>Spam stream</th>"
        "<th>Escalations</th></tr></thead>\n"
        "<tbody>\n");

    for (i = 0; i < status->nsources; i++) {
        ngx_http_intake_put_stream(w, status, &status->sources[i]);
    }

    ngx_http_intake_put(w, "</tbody></table></div>\n");
}


static void
ngx_http_intake_put_stream(ngx_http_intake_writer_t *w,
    ngx_http_intake_status_t *status, ngx_http_intake_source_status_t *ss)
{
    ngx_http_intake_panel_t  *panel;

    panel = ss->panel;

    ngx_http_intake_put(w, "<tr><th scope=\"row\">");
    ngx_http_intake_put_text(w, &ss->name);
    ngx_http_intake_put(w, "</th>");

    ngx_http_intake_put_promise(w, status, ss);
    ngx_http_intake_put_outcome(w, ss, NGX_HTTP_INTAKE_STORED);
    ngx_http_intake_put_outcome(w, ss, NGX_HTTP_INTAKE_DUPLICATE);
    ngx_http_intake_put_outcome(w, ss, NGX_HTTP_INTAKE_REJECTED);
    ngx_http_intake_put_outcome(w, ss, NGX_HTTP_INTAKE_UNAVAILABLE);
    ngx_http_intake_put_outcome(w, ss, NGX_HTTP_INTAKE_SPAM);

    ngx_http_intake_put_length(w, panel != NULL, panel ? panel->entries : 0);
    ngx_http_intake_put_length(w, panel && ss->source->form,
                               panel ? panel->spam : 0);
    ngx_http_intake_put_length(w, panel && ss->source->sla,
                               panel ? panel->escalations : 0);

    ngx_http_intake_put(w, "</tr>\n");
}


/* what a 2xx of the source promises */

static void
ngx_http_intake_put_promise(ngx_http_intake_writer_t *w,
    ngx_http_intake_status_t *status, ngx_http_intake_source_status_t *ss)
{
    ngx_http_intake_put(w, "<td>");
    ngx_http_intake_put_in_force(w, status, ss->in_force);
    ngx_http_intake_put(w, " <small>");

    if (ss->durability.fsync) {
        ngx_http_intake_put(w, "fsync");

    } else if (ss->durability.replicas) {
        ngx_http_intake_put(w, "replicas=");
        ngx_http_intake_put_number(w, ss->durability.replicas);

    } else {
        ngx_http_intake_put(w, "memory");
    }

    ngx_http_intake_put(w, "</small></td>");
}


static void
ngx_http_intake_put_outcome(ngx_http_intake_writer_t *w,
    ngx_http_intake_source_status_t *ss, ngx_http_intake_outcome_e outcome)
{
    ngx_http_intake_put(w, "<td>");

    if (outcome != NGX_HTTP_INTAKE_SPAM || ss->source->form) {
        ngx_http_intake_put_number(w,
                            ss->n[NGX_HTTP_INTAKE_N_REQUESTS + outcome]);
    }

    switch ((ngx_uint_t) outcome) {

    case NGX_HTTP_INTAKE_REJECTED:
    case NGX_HTTP_INTAKE_UNAVAILABLE:
        ngx_http_intake_put_codes(w, ss, outcome);
        break;

    case NGX_HTTP_INTAKE_SPAM:
        ngx_http_intake_put_reasons(w, ss);
        break;

    default:
        break;
    }

    ngx_http_intake_put(w, "</td>");
}


/* the codes that were answered, of those that belong to the outcome */

static void
ngx_http_intake_put_codes(ngx_http_intake_writer_t *w,
    ngx_http_intake_source_status_t *ss, ngx_http_intake_outcome_e outcome)
{
    ngx_uint_t         i;
    ngx_atomic_uint_t  n;

    for (i = NGX_HTTP_INTAKE_OK + 1; i < NGX_HTTP_INTAKE_CODES; i++) {
        n = ss->n[NGX_HTTP_INTAKE_N_REJECTED + i];

        if (n == 0 || ngx_http_intake_code_outcome(i) != outcome) {
            continue;
        }

        ngx_http_intake_put(w, " <small>");
        ngx_http_intake_put_text(w, ngx_http_intake_code_name(i));
        ngx_http_intake_put(w, " ");
        ngx_http_intake_put_number(w, n);
        ngx_http_intake_put(w, "</small>");
    }
}


/* the evidence, in what was taken for spam and in what was only marked */

static void
ngx_http_intake_put_reasons(ngx_http_intake_writer_t *w,
    ngx_http_intake_source_status_t *ss)
{
    ngx_uint_t                 i;
    ngx_atomic_uint_t          n;
    ngx_http_intake_family_t  *family;

    for (family = ngx_http_intake_families;
         family->offset != NGX_HTTP_INTAKE_N_SPAM;
         family++)
    {
        /* void */
    }

    for (i = family->first; i < family->n; i++) {
        n = ss->n[family->offset + i];

        if (n == 0) {
            continue;
        }

        ngx_http_intake_put(w, " <small>");
        ngx_http_intake_put_text(w, family->value(i));
        ngx_http_intake_put(w, " ");
        ngx_http_intake_put_number(w, n);
        ngx_http_intake_put(w, "</small>");
    }
}


/* an empty cell: there is no such stream, or Redis did not say */

static void
ngx_http_intake_put_length(ngx_http_intake_writer_t *w, ngx_uint_t there,
    int64_t n)
{
    ngx_http_intake_put(w, "<td>");

    if (there && n >= 0) {
        ngx_http_intake_put_number(w, n);
    }

    ngx_http_intake_put(w, "</td>");
}


void
ngx_http_intake_put_groups(ngx_http_intake_writer_t *w,
    ngx_http_intake_status_page_t *page)
{
    ngx_uint_t                        i, k, open;
    ngx_http_intake_source_status_t  *ss;

    open = 0;

    for (i = 0; i < page->status->nsources; i++) {
        ss = &page->status->sources[i];

        if (ss->panel == NULL || ss->source->groups == NULL) {
            continue;
        }

        if (!open) {
            ngx_http_intake_put(w,
                "<div><table class=\"groups\">\n"
                "<caption>Consumer groups</caption>\n"
                "<thead><tr><th>Source</th>"
                "<th>Groups</th></tr></thead>\n"
                "<tbody>\n");
            open = 1;
        }

        ngx_http_intake_put(w, "<tr><th scope=\"row\">");
        ngx_http_intake_put_text(w, &ss->name);
        ngx_http_intake_put(w, "</th><td>");

        for (k = 0; k < ss->source->groups->nelts; k++) {
            ngx_http_intake_put(w, k ? "<br>\n" : "");
            ngx_http_intake_put_group(w, page, ss, k);
        }

        ngx_http_intake_put(w, "</td></tr>\n");
    }

    if (open) {
        ngx_http_intake_put(w, "</tbody></table></div>\n");
    }
}


static void
ngx_http_intake_put_group(ngx_http_intake_writer_t *w,
    ngx_http_intake_status_page_t *page, ngx_http_intake_source_status_t *ss,
    ngx_uint_t i)
{
    ngx_str_t                *name;
    ngx_http_intake_group_t  *group;

    name = ss->source->groups->elts;
    group = &ss->panel->groups[i];

    ngx_http_intake_put_text(w, &name[i]);

    if (group->lag < 0 && group->pending < 0) {
        ngx_http_intake_put(w, ": ");
        ngx_http_intake_put_state(w, NGX_HTTP_INTAKE_AT_RISK,
                                  "no such group");
        return;
    }

    ngx_http_intake_put(w, ": lag ");

    if (group->lag < 0) {
        ngx_http_intake_put(w, "unknown");

    } else {
        ngx_http_intake_put_number(w, group->lag);
    }

    if (group->pending >= 0) {
        ngx_http_intake_put(w, ", ");
        ngx_http_intake_put_number(w, group->pending);
        ngx_http_intake_put(w, " pending");
    }

    if (group->oldest > 0) {
        ngx_http_intake_put(w, ", the oldest ");
        ngx_http_intake_put_span(w, page->now - group->oldest);
    }
}
