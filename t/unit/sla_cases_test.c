/* sources: src/sla/ngx_intake_business_clock.c src/sla/ngx_intake_calendar.c */
/* sources: src/sla/ngx_intake_date.c src/sla/ngx_intake_tz.c */
/* sources: src/sla/ngx_intake_tzif.c src/verify/ngx_intake_time.c */
/* sources: src/json/ngx_intake_json.c src/json/ngx_intake_json_scan.c */
/* sources: src/json/ngx_intake_json_string.c */

/*
 * Copyright (C) nginx-intake contributors
 */


/*
 * Conversations against the clock: what is due when, and how long an answer
 * took.  INTAKE_VECTORS names the folder that holds sla/cases.json, a list of
 * { name, timezone, hours, holidays, shifts, breaks, weekend_weight,
 * staffed_hours, out_of_hours_extra_minutes, max_skew_seconds, events,
 * target_minutes, expect }.
 */


#include "sla_test.h"
#include "ngx_intake_json.h"
#include "ngx_intake_time.h"


#define MAX_CASES   1024
#define MAX_EVENTS  16
#define NONE        INT64_MIN


typedef struct {
    char                   kind[16];
    char                   id[32];
    char                   conv[32];
    char                   into[32];
    int64_t                time;
    int64_t                received;
} event_t;


typedef struct {
    char                   name[256];
    char                   zone[64];
    char                   calendar[16384];

    event_t                events[MAX_EVENTS];
    ngx_uint_t             nevents;

    int64_t                target;
    int64_t                extra;
    int64_t                skew;

    int64_t                due;
    int64_t                exhausted;
    int64_t                response;
    ngx_uint_t             breached;
} case_t;


/* times are events', readings are the clock's; both in milliseconds */

typedef struct {
    const char            *name;
    int64_t                waiting[MAX_EVENTS];
    ngx_uint_t             nwaiting;
    int64_t                orphans[MAX_EVENTS];
    ngx_uint_t             norphans;
    int64_t                answered;
    int64_t                paused;          /* reading, or NONE */
    int64_t                given_back;
    ngx_uint_t             measured;
} conversation_t;


typedef struct {
    ngx_intake_business_clock_t   clock;
    case_t                       *c;
    conversation_t                conversations[MAX_EVENTS];
    ngx_uint_t                    n;

    int64_t                       due;
    int64_t                       exhausted;
    int64_t                       response;
    ngx_uint_t                    breached;
} play_t;


static case_t  cases[MAX_CASES];
static size_t  ncases;


static const char  *paths[] = {
    "*.name", "*.timezone", "*.hours.*.*.*", "*.staffed_hours.*.*.*",
    "*.holidays.*", "*.shifts.*", "*.shifts.*.*.*", "*.breaks.*.*.*",
    "*.weekend_weight", "*.out_of_hours_extra_minutes", "*.target_minutes",
    "*.max_skew_seconds", "*.events.*.t", "*.events.*.recv",
    "*.events.*.kind", "*.events.*.id", "*.events.*.conv", "*.events.*.into",
    "*.expect.due", "*.expect.exhausted_at",
    "*.expect.first_response_business_minutes", "*.expect.breached"
};

enum {
    NAME = 0, TIMEZONE, HOURS, STAFFED,
    HOLIDAY, SHIFT, SHIFT_HOURS, BREAK,
    WEIGHT, EXTRA, TARGET,
    SKEW, TIME, RECEIVED,
    KIND, ID, CONV, INTO,
    DUE, EXHAUSTED,
    RESPONSE, BREACHED, NPATHS
};


static void
read_text(char *dst, size_t size, ngx_str_t *raw)
{
    if (raw->len >= size) {
        abort();
    }

    dst[ngx_intake_json_unescape((u_char *) dst, raw)] = '\0';
}


static int64_t
read_time(ngx_intake_json_value_t *value)
{
    int64_t  usec;

    if (value->kind == NGX_INTAKE_JSON_NULL) {
        return NONE;
    }

    if (ngx_intake_time_parse(NGX_INTAKE_TIME_RFC3339, &value->raw, &usec)
        != NGX_OK)
    {
        abort();
    }

    return usec / 1000;
}


/* a number of units of that many milliseconds */

static int64_t
read_number(ngx_intake_json_value_t *value, double unit)
{
    double  number;

    if (value->kind == NGX_INTAKE_JSON_NULL) {
        return NONE;
    }

    number = atof((char *) value->raw.data) * unit;

    return (int64_t) (number + 0.5);
}


/* a piece of configuration */

static void
add(case_t *c, const char *format, ...)
{
    size_t   len;
    va_list  args;

    len = strlen(c->calendar);

    va_start(args, format);
    vsnprintf(c->calendar + len, sizeof(c->calendar) - len, format, args);
    va_end(args);
}


/* the start of an interval, under the name of its day, or the end */

static void
add_times(case_t *c, const char *word, ngx_intake_json_value_t *value)
{
    char  text[32], day[32];

    read_text(text, sizeof(text), &value->raw);

    if (value->indices[value->nindices - 1]) {
        add(c, "-%s;", text);
        return;
    }

    read_text(day, sizeof(day), &value->name);
    add(c, "%s %s %s", word, day, text);
}


static void
handle_event(event_t *event, ngx_uint_t n, ngx_intake_json_value_t *value)
{
    switch (n) {

    case TIME:
        event->time = read_time(value);
        break;

    case RECEIVED:
        event->received = read_time(value);
        break;

    case KIND:
        read_text(event->kind, sizeof(event->kind), &value->raw);
        break;

    case ID:
        read_text(event->id, sizeof(event->id), &value->raw);
        break;

    case CONV:
        read_text(event->conv, sizeof(event->conv), &value->raw);
        break;

    case INTO:
        read_text(event->into, sizeof(event->into), &value->raw);
        break;
    }
}


static void
handle_calendar(case_t *c, ngx_uint_t n, ngx_intake_json_value_t *value)
{
    char  text[32];

    switch (n) {

    case HOURS:
        add_times(c, "hours", value);
        break;

    case STAFFED:
        add_times(c, "staffed", value);
        break;

    case SHIFT_HOURS:
        add_times(c, "open", value);
        break;

    case BREAK:
        add_times(c, "closed", value);
        break;

    case SHIFT:
        /* none at all closes the date, open lines come on top of that */
        read_text(text, sizeof(text), &value->name);
        add(c, "closed %s;", text);
        break;

    case HOLIDAY:
        read_text(text, sizeof(text), &value->raw);
        add(c, "closed %s;", text);
        break;

    case WEIGHT:
        add(c, "weekend_weight %.*s;", (int) value->raw.len,
            value->raw.data);
        break;
    }
}


static ngx_int_t
handle(void *ctx, ngx_uint_t n, ngx_intake_json_value_t *value)
{
    case_t   *c;
    event_t  *event;

    if (value->indices[0] >= MAX_CASES) {
        return NGX_ABORT;
    }

    c = &cases[value->indices[0]];

    if (value->indices[0] >= ncases) {
        ncases = value->indices[0] + 1;
        c->skew = 120 * 1000;
        c->exhausted = NONE;
    }

    switch (n) {

    case NAME:
        read_text(c->name, sizeof(c->name), &value->raw);
        break;

    case TIMEZONE:
        read_text(c->zone, sizeof(c->zone), &value->raw);
        break;

    case TIME: case RECEIVED: case KIND: case ID: case CONV: case INTO:

        if (value->indices[1] >= MAX_EVENTS) {
            return NGX_ABORT;
        }

        event = &c->events[value->indices[1]];

        if (value->indices[1] >= c->nevents) {
            c->nevents = value->indices[1] + 1;
            event->received = NONE;
        }

        handle_event(event, n, value);
        break;

    case EXTRA:
        c->extra = read_number(value, 60000);
        break;

    case TARGET:
        c->target = read_number(value, 60000);
        break;

    case SKEW:
        c->skew = read_number(value, 1000);
        break;

    case DUE:
        c->due = read_time(value);
        break;

    case EXHAUSTED:
        c->exhausted = read_time(value);
        break;

    case RESPONSE:
        c->response = read_number(value, 60000);
        break;

    case BREACHED:
        c->breached = value->kind == NGX_INTAKE_JSON_TRUE;
        break;

    default:
        handle_calendar(c, n, value);
    }

    return NGX_OK;
}


/* the conversations */

static conversation_t *
conversation(play_t *play, const char *name)
{
    ngx_uint_t       i;
    conversation_t  *v;

    for (i = 0; i < play->n; i++) {
        if (strcmp(play->conversations[i].name, name) == 0) {
            return &play->conversations[i];
        }
    }

    v = &play->conversations[play->n++];

    v->name = name;
    v->answered = NONE;
    v->paused = NONE;

    return v;
}


static int64_t
reading(play_t *play, int64_t time)
{
    return ngx_intake_business_clock_read(&play->clock, time);
}


static int64_t
target(play_t *play, int64_t time)
{
    return play->c->target
           + (ngx_intake_business_clock_staffed(&play->clock, time)
              ? 0 : play->c->extra);
}


/* the deadline of a period that began at a time */

static void
deadline(play_t *play, int64_t start, int64_t given_back)
{
    int64_t  value;

    value = reading(play, start) + target(play, start) + given_back;

    if (ngx_intake_business_clock_due(&play->clock, value, &play->due)
        != NGX_OK
        || ngx_intake_business_clock_exhausted(&play->clock, value,
                                               &play->exhausted)
           != NGX_OK)
    {
        play->due = INT64_MAX;
    }

    play->exhausted = ngx_max(play->exhausted, start);
}


static void
renew(play_t *play, conversation_t *v)
{
    if (v->nwaiting == 0 || v->paused != NONE) {
        play->due = NONE;
        play->exhausted = NONE;
        return;
    }

    deadline(play, v->waiting[0], v->given_back);
}


static int64_t
spent(play_t *play, conversation_t *v, int64_t time)
{
    int64_t  value;

    value = (v->paused != NONE) ? v->paused : reading(play, time);
    value -= reading(play, v->waiting[0]) + v->given_back;

    return ngx_max(value, 0);
}


static void
look(play_t *play, conversation_t *v, int64_t time)
{
    if (v->nwaiting
        && spent(play, v, time) > target(play, v->waiting[0]))
    {
        play->breached = 1;
    }
}


static void
resume(play_t *play, conversation_t *v, int64_t time)
{
    v->given_back += ngx_max(reading(play, time) - v->paused, 0);
    v->paused = NONE;
}


static void
wait_from(conversation_t *v, int64_t time)
{
    ngx_uint_t  i;

    for (i = v->nwaiting++; i && v->waiting[i - 1] > time; i--) {
        v->waiting[i] = v->waiting[i - 1];
    }

    v->waiting[i] = time;
}


static void
forget(conversation_t *v)
{
    v->nwaiting = 0;
    v->paused = NONE;
    v->given_back = 0;
}


static void
inbound(play_t *play, conversation_t *v, int64_t time)
{
    int64_t     oldest, answer, took;
    ngx_uint_t  i;

    if (v->answered != NONE && time <= v->answered) {

        /* answered by what overtook it */

        answer = INT64_MAX;

        for (i = 0; i < v->norphans; i++) {
            if (v->orphans[i] >= time) {
                answer = ngx_min(answer, v->orphans[i]);
            }
        }

        if (!v->measured && answer != INT64_MAX) {
            took = reading(play, answer) - reading(play, time);

            v->measured = 1;
            play->response = (play->response == NONE) ? took : play->response;
            play->breached |= took > target(play, time);

            deadline(play, time, 0);
        }

        return;
    }

    oldest = v->nwaiting ? v->waiting[0] : NONE;

    wait_from(v, time);

    if (v->paused != NONE) {
        resume(play, v, time);
        oldest = NONE;
    }

    if (v->waiting[0] != oldest) {
        renew(play, v);
    }
}


static void
outbound(play_t *play, conversation_t *v, int64_t time)
{
    int64_t     took;
    ngx_uint_t  i, n;

    v->answered = (v->answered == NONE) ? time : ngx_max(v->answered, time);

    for (n = 0; n < v->nwaiting && v->waiting[n] <= time; n++) { /* void */ }

    if (n == 0) {
        if (!v->measured) {
            v->orphans[v->norphans++] = time;
        }

        return;
    }

    look(play, v, time);
    took = spent(play, v, time);

    if (!v->measured && play->response == NONE) {
        play->response = took;
    }

    v->measured = 1;

    for (i = n; i < v->nwaiting; i++) {
        v->waiting[i - n] = v->waiting[i];
    }

    n = v->nwaiting - n;
    forget(v);
    v->nwaiting = n;

    if (n) {
        renew(play, v);
    }
}


static void
play_event(play_t *play, event_t *event)
{
    int64_t          time;
    ngx_uint_t       i;
    conversation_t  *v, *into;

    time = event->time;

    if (event->received != NONE
        && time > event->received + play->c->skew)
    {
        time = event->received;
    }

    v = conversation(play, event->conv);

    if (strcmp(event->kind, "inbound") == 0) {
        inbound(play, v, time);

    } else if (strcmp(event->kind, "outbound") == 0) {
        outbound(play, v, time);

    } else if (strcmp(event->kind, "pause") == 0) {

        if (v->nwaiting && v->paused == NONE) {
            v->paused = reading(play, time);
            renew(play, v);
        }

    } else if (strcmp(event->kind, "resume") == 0) {

        if (v->paused != NONE) {
            resume(play, v, time);
            renew(play, v);
        }

    } else if (strcmp(event->kind, "close") == 0) {
        look(play, v, time);
        forget(v);
        v->answered = ngx_max(v->answered, time);

    } else if (strcmp(event->kind, "merge") == 0) {
        into = conversation(play, event->into);

        for (i = 0; i < v->nwaiting; i++) {
            wait_from(into, v->waiting[i]);
        }

        into->measured |= v->measured;
        forget(v);

        if (into->nwaiting) {
            renew(play, into);
        }

    } else if (strcmp(event->kind, "eval") == 0) {
        for (i = 0; i < play->n; i++) {
            look(play, &play->conversations[i], time);
        }
    }
}


static void
play_case(case_t *c)
{
    int64_t        exhausted;
    ngx_int_t      rc;
    ngx_uint_t     i, n;
    static play_t  play;

    memset(&play, 0, sizeof(play_t));

    play.c = c;
    play.due = NONE;
    play.exhausted = NONE;
    play.response = NONE;

    rc = make_clock(&play.clock, c->calendar, c->zone,
                    ms("2038-01-01 00:00"));

    if (rc == NGX_ABORT) {
        ok(1, "%s # SKIP no %s", c->name, c->zone);
        return;
    }

    if (rc != NGX_OK) {
        ok(0, "%s: %s", c->name, c->calendar);
        return;
    }

    for (i = 0; i < c->nevents; i++) {

        for (n = 0; n < i; n++) {
            if (c->events[i].id[0]
                && strcmp(c->events[n].id, c->events[i].id) == 0)
            {
                break;
            }
        }

        if (n == i) {
            play_event(&play, &c->events[i]);
        }
    }

    exhausted = (c->exhausted != NONE) ? c->exhausted : c->due;

    if (c->due == NONE || (c->target == 0 && c->exhausted == NONE)) {
        play.exhausted = exhausted;
    }

    ok(play.due == c->due && play.exhausted == exhausted
       && play.response == c->response && play.breached == c->breached,
       "%s", c->name);

    if (play.due != c->due || play.exhausted != exhausted) {
        printf("# due %lld, not %lld; exhausted %lld, not %lld\n",
               (long long) play.due, (long long) c->due,
               (long long) play.exhausted, (long long) exhausted);
    }

    if (play.response != c->response || play.breached != c->breached) {
        printf("# response %lld, not %lld; breached %u, not %u\n",
               (long long) play.response, (long long) c->response,
               (unsigned) play.breached, (unsigned) c->breached);
    }
}


int
main(void)
{
    char                            path[1024];
    size_t                          i;
    ngx_str_t                       content, text;
    const char                     *root;
    ngx_intake_json_t               json;
    ngx_intake_json_path_t         *pointers[NPATHS];
    static ngx_intake_json_path_t   parsed[NPATHS];

    root = getenv("INTAKE_VECTORS");
    snprintf(path, sizeof(path), "%s/sla/cases.json", root ? root : "");

    if (root == NULL || read_file(path, &content) != NGX_OK) {
        printf("1..0 # SKIP no INTAKE_VECTORS\n");
        return 0;
    }

    for (i = 0; i < NPATHS; i++) {
        text.data = (u_char *) paths[i];
        text.len = strlen(paths[i]);

        if (ngx_intake_json_path_parse(&text, &parsed[i],
                                       NGX_INTAKE_JSON_MEMBERS)
            != NGX_OK)
        {
            return 1;
        }

        pointers[i] = &parsed[i];
    }

    json.paths = pointers;
    json.npaths = NPATHS;
    json.handler = handle;
    json.ctx = NULL;

    ok(ngx_intake_json_read(&json, content.data, content.len) == NGX_OK
       && ncases > 0, "%s is read", path);

    release();

    for (i = 0; i < ncases; i++) {
        play_case(&cases[i]);
        release();
    }

    return done();
}
