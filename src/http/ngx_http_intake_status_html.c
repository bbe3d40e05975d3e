
/*
 * Copyright (C) nginx-intake contributors
 */


#include "ngx_http_intake_status_html.h"


/*
 * The page of the status endpoint, for people: without script, readable on a
 * telephone at night, in a text browser and with a reader of screens.  It
 * loads itself anew.
 */


static void ngx_http_intake_put_status(ngx_http_intake_writer_t *w,
    void *data);
static void ngx_http_intake_put_head(ngx_http_intake_writer_t *w,
    ngx_http_intake_status_page_t *page);
static void ngx_http_intake_put_headline(ngx_http_intake_writer_t *w,
    ngx_http_intake_status_page_t *page);
static void ngx_http_intake_put_sums(ngx_http_intake_writer_t *w,
    ngx_http_intake_status_page_t *page);
static void ngx_http_intake_put_sum(ngx_http_intake_writer_t *w, int64_t n,
    ngx_http_intake_calm_e state);
static void ngx_http_intake_put_banners(ngx_http_intake_writer_t *w,
    ngx_http_intake_status_page_t *page);
static void ngx_http_intake_put_stale(ngx_http_intake_writer_t *w,
    ngx_http_intake_status_page_t *page);
static void ngx_http_intake_put_others(ngx_http_intake_writer_t *w,
    ngx_http_intake_status_page_t *page);


/*
 * Where it is narrow each row becomes a card, whose cells say of which column
 * they are; those that have nothing to say are not seen, but stay for a reader
 * of screens, which counts them.
 */

static const char  ngx_http_intake_status_style[] =
    ":root{color-scheme:light dark;--page:#fff;--text:#1b1b1b;"
        "--soft:#595959;--line:#cfcfcf;--late:#a8001c;--on-late:#fde5e8;"
        "--risk:#7a4b00;--on-risk:#ffefcf;--wait:#0b4fb3;--on-wait:#e4edfb;"
        "--calm:#1c6b2c;--on-calm:#e3f3e5}\n"
    "@media (prefers-color-scheme:dark){:root{--page:#131313;--text:#ececec;"
        "--soft:#a9a9a9;--line:#454545;--late:#ffa3a3;--on-late:#53121a;"
        "--risk:#ffd07d;--on-risk:#442f05;--wait:#a9cbff;--on-wait:#142d52;"
        "--calm:#a0dcab;--on-calm:#123619}}\n"
    "body{margin:0;background:var(--page);color:var(--text);"
        "font:1rem/1.4 system-ui,sans-serif}\n"
    "main{max-width:90rem;margin:0 auto;padding:.75rem}\n"
    "h1{margin:0;font-size:1.25rem}\n"
    "p,ul,dl{margin:.5rem 0;overflow-wrap:anywhere}\n"
    "a{color:inherit}\n"
    "small{color:var(--soft);font-size:.8rem;font-weight:400}\n"
    "b,.sums li{border-radius:.25rem;padding:.1rem .4rem}\n"
    ".late{background:var(--on-late);color:var(--late)}\n"
    ".risk{background:var(--on-risk);color:var(--risk)}\n"
    ".wait{background:var(--on-wait);color:var(--wait)}\n"
    ".calm{background:var(--on-calm);color:var(--calm)}\n"
    ".low{color:var(--late);font-weight:700}\n"
    "p.late,p.risk{padding:.5rem .75rem;"
        "border-left:.3rem solid currentColor}\n"
    ".sums{display:flex;flex-wrap:wrap;gap:.5rem;padding:0;"
        "list-style:none;font-size:1.1rem}\n"
    ".sums strong{font-size:1.5rem}\n"
    "div{overflow-x:auto;margin:1rem 0}\n"
    "table{border-collapse:collapse;width:100%;"
        "font-variant-numeric:tabular-nums}\n"
    "caption,h2{text-align:left;font-size:1.1rem;font-weight:700;"
        "margin:1rem 0 0}\n"
    "th,td{padding:.35rem .5rem;text-align:right;vertical-align:baseline;"
        "border-bottom:1px solid var(--line)}\n"
    "td{white-space:nowrap}\n"
    "td small{display:block}\n"
    "thead th{color:var(--soft);font-size:.8rem;vertical-align:bottom}\n"
    "th:first-child,.lanes th:nth-child(2),.lanes td:nth-child(2)"
        "{text-align:left}\n"
    ".lanes th small{display:block}\n"
    ".who,.groups{width:auto}\n"
    ".groups th,.groups td{text-align:left;white-space:normal;"
        "overflow-wrap:anywhere}\n"
    "dl{display:grid;grid-template-columns:auto 1fr;gap:.3rem 1rem}\n"
    "dt{color:var(--soft)}\n"
    "dd{margin:0}\n"
    "@media (max-width:64rem){"
        ".cards thead{position:absolute;clip-path:inset(50%)}\n"
        ".cards,.cards tbody,.cards caption,.cards th,.cards td"
            "{display:block;width:auto}\n"
        ".cards tr{display:grid;"
            "grid-template-columns:repeat(auto-fill,minmax(6.5rem,1fr));"
            "margin:.5rem 0;padding:.25rem;border:1px solid var(--line);"
            "border-radius:.25rem}\n"
        ".cards th,.cards td{border:0;padding:.25rem;text-align:left;"
            "white-space:normal;overflow-wrap:anywhere}\n"
        ".cards th{grid-column:span 2}\n"
        ".who th{grid-column:span 3}\n"
        ".cards td:empty,.lanes tr:has(.calm) td:nth-child(n+3)"
            ":nth-child(-n+5){position:absolute;clip-path:inset(50%)}\n"
        ".cards td::before{display:block;color:var(--soft);"
            "font-size:.8rem;font-weight:400}\n"
        ".lanes td:nth-child(3)::before{content:\"Waiting\"}\n"
        ".lanes td:nth-child(4)::before{content:\"At risk\"}\n"
        ".lanes td:nth-child(5)::before{content:\"Overdue\"}\n"
        ".lanes td:nth-child(6)::before{content:\"Oldest\"}\n"
        ".lanes td:nth-child(7)::before{content:\"Next due\"}\n"
        ".lanes td:nth-child(8)::before{content:\"Attained 24 h\"}\n"
        ".lanes td:nth-child(9)::before{content:\"Attained 7 d\"}\n"
        ".lanes td:nth-child(10)::before{content:\"p50 7 d\"}\n"
        ".lanes td:nth-child(11)::before{content:\"p90 7 d\"}\n"
        ".lanes td:nth-child(12)::before{content:\"Target\"}\n"
        ".who td:nth-child(2)::before{content:\"Overdue by\"}\n"
        ".who td:nth-child(3)::before{content:\"Due\"}\n"
        ".who td:nth-child(4)::before{content:\"Waiting\"}}\n";


ngx_str_t *
ngx_http_intake_status_policy(void)
{
    u_char     *p, digest[NGX_INTAKE_SHA256_LEN];
    ngx_str_t   style, hash, encoded;

    static u_char     text[256];
    static ngx_str_t  policy;

    if (policy.len) {
        return &policy;
    }

    style.data = (u_char *) ngx_http_intake_status_style;
    style.len = sizeof(ngx_http_intake_status_style) - 1;

    if (ngx_intake_sha256(&style, 1, digest) != NGX_OK) {
        return NULL;
    }

    p = ngx_cpymem(text, "default-src 'none'; style-src 'sha256-",
                   sizeof("default-src 'none'; style-src 'sha256-") - 1);

    hash.data = digest;
    hash.len = sizeof(digest);
    encoded.data = p;

    ngx_encode_base64(&encoded, &hash);

    p = ngx_slprintf(p + encoded.len, text + sizeof(text),
                     "'; form-action 'none'; frame-ancestors 'none'; "
                     "base-uri 'none'");

    policy.data = text;
    policy.len = p - text;

    return &policy;
}


ngx_int_t
ngx_http_intake_write_html(ngx_pool_t *pool, ngx_http_intake_status_t *status,
    ngx_uint_t detail, ngx_str_t *out)
{
    ngx_http_intake_status_page_t  page;

    ngx_memzero(&page, sizeof(ngx_http_intake_status_page_t));

    page.status = status;
    page.now = ngx_http_intake_status_now(status);
    page.detail = detail;

    if (status->spool) {
        page.spool = *status->spool;
    }

    if (!status->node_only
        && ngx_http_intake_rank_sources(&page, pool) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_intake_write(pool, NGX_HTTP_INTAKE_WRITE_HTML,
                                 ngx_http_intake_put_status, &page, out);
}


static void
ngx_http_intake_put_status(ngx_http_intake_writer_t *w, void *data)
{
    ngx_http_intake_status_page_t *page = data;

    ngx_http_intake_status_t  *status;

    status = page->status;

    ngx_http_intake_put_head(w, page);
    ngx_http_intake_put_banners(w, page);

    if (!status->node_only) {
        ngx_http_intake_put_sums(w, page);
        ngx_http_intake_put_lanes(w, page);
        ngx_http_intake_put_late(w, page);
        ngx_http_intake_put_others(w, page);
        ngx_http_intake_put_streams(w, page);
        ngx_http_intake_put_groups(w, page);
    }

    if (!status->global_only) {
        ngx_http_intake_put_node(w, page);
    }

    ngx_http_intake_put(w, "</main>\n</body>\n</html>\n");
}


static void
ngx_http_intake_put_head(ngx_http_intake_writer_t *w,
    ngx_http_intake_status_page_t *page)
{
    ngx_str_t  hostname;

    hostname = ngx_cycle->hostname;

    ngx_http_intake_put(w,
        "<!DOCTYPE html>\n"
        "<html lang=\"en\">\n"
        "<head>\n"
        "<meta charset=\"utf-8\">\n"
        "<meta name=\"viewport\" content=\"width=device-width, "
            "initial-scale=1\">\n"
        "<meta name=\"robots\" content=\"noindex\">\n"
        "<meta http-equiv=\"refresh\" content=\"15\">\n"
        "<title>");
    ngx_http_intake_put_headline(w, page);
    ngx_http_intake_put(w, " - intake</title>\n<style>");
    ngx_http_intake_put(w, ngx_http_intake_status_style);
    ngx_http_intake_put(w, "</style>\n</head>\n<body>\n<main>\n"
                           "<h1>Intake");

    if (page->status->one) {
        ngx_http_intake_put(w, ": ");
        ngx_http_intake_put_text(w, &page->status->sources[0].name);
    }

    ngx_http_intake_put(w, "</h1>\n<p>");
    ngx_http_intake_put_text(w, &hostname);
    ngx_http_intake_put(w, ", ");
    ngx_http_intake_put_clock(w, page, NULL, page->now);
    ngx_http_intake_put(w, " UTC; loads itself anew every 15 s");

    if (page->status->one) {
        ngx_http_intake_put(w, ", <a href=\"?\">all sources</a>");
    }

    ngx_http_intake_put(w, "</p>\n");
}


/* what is worst, for the title */

static void
ngx_http_intake_put_headline(ngx_http_intake_writer_t *w,
    ngx_http_intake_status_page_t *page)
{
    if (page->status->nready == 0) {
        ngx_http_intake_put(w, "Redis away");

    } else if (page->sums.overdue) {
        ngx_http_intake_put_number(w, page->sums.overdue);
        ngx_http_intake_put(w, " overdue");

    } else if (page->sums.at_risk) {
        ngx_http_intake_put_number(w, page->sums.at_risk);
        ngx_http_intake_put(w, " at risk");

    } else if (page->status->stale) {
        ngx_http_intake_put(w, "Stale");

    } else if (page->sums.waiting) {
        ngx_http_intake_put_number(w, page->sums.waiting);
        ngx_http_intake_put(w, " waiting");

    } else {
        ngx_http_intake_put(w, page->nranked ? "Calm" : "Ready");
    }
}


static void
ngx_http_intake_put_sums(ngx_http_intake_writer_t *w,
    ngx_http_intake_status_page_t *page)
{
    if (page->nranked == 0) {
        return;
    }

    ngx_http_intake_put(w, "<ul class=\"sums\">\n");
    ngx_http_intake_put_sum(w, page->sums.overdue, NGX_HTTP_INTAKE_OVERDUE);
    ngx_http_intake_put_sum(w, page->sums.at_risk, NGX_HTTP_INTAKE_AT_RISK);
    ngx_http_intake_put_sum(w, page->sums.waiting, NGX_HTTP_INTAKE_WAITING);
    ngx_http_intake_put(w, "</ul>\n");
}


/* that there are none is good news of any kind */

static void
ngx_http_intake_put_sum(ngx_http_intake_writer_t *w, int64_t n,
    ngx_http_intake_calm_e state)
{
    ngx_http_intake_put(w, "<li class=\"");
    ngx_http_intake_put(w, ngx_http_intake_calm_class(n ? state
                                                   : NGX_HTTP_INTAKE_CALM));
    ngx_http_intake_put(w, "\"><strong>");
    ngx_http_intake_put_number(w, n);
    ngx_http_intake_put(w, "</strong> ");
    ngx_http_intake_put(w, ngx_http_intake_calm_word(state));
    ngx_http_intake_put(w, "</li>\n");
}


static void
ngx_http_intake_put_banners(ngx_http_intake_writer_t *w,
    ngx_http_intake_status_page_t *page)
{
    ngx_http_intake_status_t  *status;

    status = page->status;

    if (status->nready == 0) {
        ngx_http_intake_put(w, "<p class=\"late\"><strong>Redis is away."
                               "</strong> ");
        ngx_http_intake_put(w, status->spool_takes
                               ? "Deliveries are kept in the spool.</p>\n"
                               : "Deliveries are answered with 503, and most "
                                 "senders will try again.</p>\n");
    }

    if (status->stale) {
        ngx_http_intake_put_stale(w, page);
    }

    if (status->nsources == 0) {
        ngx_http_intake_put(w, "<p>There is no source yet: the configuration "
                               "has no intake_source.</p>\n");
    }
}


static void
ngx_http_intake_put_stale(ngx_http_intake_writer_t *w,
    ngx_http_intake_status_page_t *page)
{
    ngx_uint_t                        i, n, held;
    ngx_http_intake_source_status_t  *ss;

    n = 0;
    held = 0;

    ngx_http_intake_put(w, "<p class=\"risk\"><strong>Stale.</strong> ");

    for (i = 0; i < page->status->nsources; i++) {
        ss = &page->status->sources[i];

        if (ss->panel == NULL) {
            ngx_http_intake_put(w, n++ ? ", " : "Nothing is known now of ");
            ngx_http_intake_put_text(w, &ss->name);

        } else if (ss->panel->held) {
            held = 1;
        }
    }

    ngx_http_intake_put(w, n ? ". " : "");

    if (held) {
        ngx_http_intake_put(w, "Redis knows less than before, as after a "
                               "fail-over: for a minute older counts are "
                               "shown.</p>\n");
        return;
    }

    if (page->status->fetched) {
        ngx_http_intake_put(w, "Redis was last read ");
        ngx_http_intake_put_distance(w, page, page->status->fetched);
        ngx_http_intake_put(w, " ago.");
    }

    ngx_http_intake_put(w, "</p>\n");
}


/* a source without clocks is neither calm nor anything else */

static void
ngx_http_intake_put_others(ngx_http_intake_writer_t *w,
    ngx_http_intake_status_page_t *page)
{
    ngx_uint_t                        i, n;
    ngx_http_intake_source_status_t  *ss;

    n = 0;

    for (i = 0; i < page->status->nsources; i++) {
        ss = &page->status->sources[i];

        if (ss->source->sla) {
            continue;
        }

        ngx_http_intake_put(w, n++ ? ", " : "<p>Without clocks: ");
        ngx_http_intake_put_text(w, &ss->name);
    }

    ngx_http_intake_put(w, n ? "</p>\n" : "");
}
