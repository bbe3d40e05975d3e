
/*
 * Copyright (C) nginx-intake contributors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_intake_holidays.h"


static ngx_int_t ngx_intake_holidays_line(ngx_intake_holidays_t *holidays,
    ngx_str_t *line);
static void ngx_intake_holidays_word(ngx_str_t *line, ngx_str_t *word);


ngx_int_t
ngx_intake_holidays_next(ngx_intake_holidays_t *holidays)
{
    u_char     *p, *last;
    ngx_str_t   line;

    while (holidays->text.len) {

        p = holidays->text.data;
        last = p + holidays->text.len;

        line.data = p;

        while (p < last && *p != '\n') {
            p++;
        }

        line.len = p - line.data;

        if (p < last) {
            p++;
        }

        holidays->text.data = p;
        holidays->text.len = last - p;
        holidays->line++;

        /* some editors begin a file with a byte order mark */

        if (holidays->line == 1 && line.len >= 3
            && ngx_memcmp(line.data, "\xef\xbb\xbf", 3) == 0)
        {
            line.data += 3;
            line.len -= 3;
        }

        while (line.len && (line.data[line.len - 1] == ' '
                            || line.data[line.len - 1] == '\t'
                            || line.data[line.len - 1] == '\r'))
        {
            line.len--;
        }

        if (line.len && line.data[0] != '#') {
            return ngx_intake_holidays_line(holidays, &line);
        }
    }

    return NGX_DONE;
}


static ngx_int_t
ngx_intake_holidays_line(ngx_intake_holidays_t *holidays, ngx_str_t *line)
{
    ngx_str_t           word, rest;
    ngx_intake_rule_t  *rule;

    rule = &holidays->rule;

    ngx_memzero(rule, sizeof(ngx_intake_rule_t));

    rule->times.end = NGX_INTAKE_DAY_MINUTES;

    ngx_intake_holidays_word(line, &word);

    if (ngx_intake_date_parse(&word, &rule->first) != NGX_OK) {
        return NGX_ERROR;
    }

    rule->last = rule->first;

    rest = *line;
    ngx_intake_holidays_word(&rest, &word);

    if (ngx_intake_times_meant(&word)) {

        if (ngx_intake_times_parse(&word, &rule->times) != NGX_OK) {
            return NGX_ERROR;
        }

        *line = rest;
        ngx_intake_holidays_word(&rest, &word);

        if (ngx_intake_times_meant(&word)) {
            return NGX_ERROR;
        }
    }

    holidays->name = *line;

    return NGX_OK;
}


/* takes a word and the spaces behind it from a line */

static void
ngx_intake_holidays_word(ngx_str_t *line, ngx_str_t *word)
{
    word->data = line->data;

    while (line->len && *line->data != ' ' && *line->data != '\t') {
        line->data++;
        line->len--;
    }

    word->len = line->data - word->data;

    while (line->len && (*line->data == ' ' || *line->data == '\t')) {
        line->data++;
        line->len--;
    }
}
