// SPDX-License-Identifier: ISC
/* penny read N…: header and text for a person; --raw, --headers, --part N for programs. */
#include "agent/parts.h"
#include "message/date.h"
#include "message/header.h"

enum { TEXT_MAX = 64 << 20 };

static void line(struct agent *g, const char *name, struct str value)
{
    if (!value.n)
        return;
    printf("%s%-8s%s ", agent_paint(g, "\033[2m"), name, agent_paint(g, "\033[0m"));
    agent_print(value);
    putchar('\n');
}

/* Text with its line ends kept and everything else made safe. */
static void print_text(struct str text)
{
    while (text.n) {
        size_t n = str_find(text, '\n');
        for (struct str one = str_head(text, n); one.n;) {
            size_t tab = str_find(one, '\t');
            agent_print(str_head(one, tab));
            if (tab < one.n)
                putchar('\t');
            one = str_skip(one, tab + 1);
        }
        putchar('\n');
        text = str_skip(text, n + 1);
    }
}

static struct str type_of(struct agent *g, const struct mime_part *p)
{
    return agent_text(&g->a, "%.*s/%.*s", STR_ARG(p->type), STR_ARG(p->subtype));
}

static void show(struct agent *g, const struct box_message *m, struct str content, const struct mime *mime)
{
    struct summary s;
    struct buf text;
    size_t count = 0;
    summary_of(&g->a, content, m, &s);
    line(g, "From",
         s.from_name.n && s.from.n ? agent_text(&g->a, "%.*s <%.*s>", STR_ARG(s.from_name), STR_ARG(s.from))
         : s.from.n                ? s.from
                                   : s.from_name);
    line(g, "To", s.to);
    line(g, "Cc", s.cc);
    if (s.date_ms)
        line(g, "Date",
             agent_text(&g->a, "%.*s (%.*s)", STR_ARG(agent_time_text(&g->a, s.date_ms)),
                        STR_ARG(agent_age_text(&g->a, s.date_ms))));
    line(g, "Subject", s.subject);
    putchar('\n');
    buf_init(&text, TEXT_MAX);
    if (mime && !mime_preferred_text(mime, &text) && text.full)
        agent_note(g, "the text is too long; its beginning is shown");
    print_text(buf_str(&text));
    buf_free(&text);
    const struct mime_part **parts = mime ? mime_attachments(&g->a, mime, &count) : NULL;
    for (size_t i = 0; i < count; i++) {
        if (i == 0)
            putchar('\n');
        printf("%s[%zu]%s ", agent_paint(g, "\033[2m"), i + 1, agent_paint(g, "\033[0m"));
        agent_print(mime_file_name(&g->a, parts[i]));
        printf("  ");
        agent_print(type_of(g, parts[i]));
        printf("  %.*s\n", STR_ARG(agent_size_text(&g->a, mime_part_size(mime, parts[i]))));
    }
    if (count)
        agent_note(g, "penny save %u saves %s", m->number, count == 1 ? "it" : "them");
}

static void json_show(struct agent *g, const struct box_message *m, struct str content, const struct mime *mime)
{
    struct summary s;
    struct buf b, text, date;
    struct json_writer w;
    char iso[40];
    size_t count = 0;
    summary_of(&g->a, content, m, &s);
    buf_init(&b, TEXT_MAX * 2);
    buf_init(&text, TEXT_MAX);
    if (mime)
        (void)mime_preferred_text(mime, &text);
    buf_fixed(&date, iso, sizeof iso);
    if (s.date_ms)
        date_print_iso(&date, s.date_ms);
    json_begin(&w, &b);
    json_object(&w, NULL);
    json_num(&w, "v", 1);
    json_num(&w, "number", m->number);
    json_str(&w, "id", m->id);
    json_str(&w, "from", s.from);
    json_str(&w, "from_name", s.from_name);
    json_str(&w, "to", s.to);
    json_str(&w, "cc", s.cc);
    json_str(&w, "date", buf_str(&date));
    json_str(&w, "subject", s.subject);
    json_str(&w, "message_id", s.message_id);
    json_str(&w, "text", buf_str(&text));
    json_array(&w, "attachments");
    const struct mime_part **parts = mime ? mime_attachments(&g->a, mime, &count) : NULL;
    for (size_t i = 0; i < count; i++) {
        json_object(&w, NULL);
        json_num(&w, "part", (int64_t)i + 1);
        json_str(&w, "name", mime_file_name(&g->a, parts[i]));
        json_str(&w, "type", type_of(g, parts[i]));
        json_num(&w, "size", (int64_t)mime_part_size(mime, parts[i]));
        json_end(&w);
    }
    json_end(&w);
    json_end(&w);
    buf_add_byte(&b, '\n');
    agent_print_raw(buf_str(&b));
    buf_free(&b);
    buf_free(&text);
}

static void show_headers(struct agent *g, struct str content)
{
    struct header_reader r;
    struct header_field f;
    header_reader_init(&r, content);
    while (header_next(&r, &f)) {
        struct buf b;
        buf_init(&b, 256 * 1024);
        header_decode(&b, f.value);
        printf("%s", agent_paint(g, "\033[2m"));
        agent_print(f.name);
        printf(":%s ", agent_paint(g, "\033[0m"));
        agent_print(str_trim(buf_str(&b)));
        putchar('\n');
        buf_free(&b);
    }
}

struct reading {
    unsigned shown;
    uint32_t part;
    int status;
};

static void one_part(struct agent *g, struct reading *x, const struct mime *mime)
{
    size_t count = 0;
    const struct mime_part **parts = mime ? mime_attachments(&g->a, mime, &count) : NULL;
    struct buf b;
    if (x->part < 1 || x->part > count) {
        x->status = agent_fail(ANSWER_NO, "penny read N lists them", "there is no attachment %u (there are %zu)", x->part, count);
        return;
    }
    buf_init(&b, 1 << 30);
    if (mime_part_decode(mime, parts[x->part - 1], &b))
        agent_print_raw(buf_str(&b));
    else
        x->status = agent_fail(IO_ERROR, NULL, "the attachment is too large");
    buf_free(&b);
}

static bool each(struct agent *g, void *self, const struct box_message *m, struct str content)
{
    struct reading *x = self;
    bool raw = agent_has(g, OPTION_RAW), headers = agent_has(g, OPTION_HEADERS);
    if (x->shown++ && !raw && !g->json && !x->part)
        printf("\n%s----%s\n\n", agent_paint(g, "\033[2m"), agent_paint(g, "\033[0m"));
    if (raw) {
        agent_print_raw(content);
        return true;
    }
    if (headers) {
        show_headers(g, content);
        return true;
    }
    const struct mime *mime = mime_parse(&g->a, content);
    if (x->part)
        one_part(g, x, mime);
    else if (g->json)
        json_show(g, m, content, mime);
    else
        show(g, m, content, mime);
    return x->status == DONE_OK;
}

int agent_do_read(struct agent *g)
{
    struct choice c = {.count = 0};
    struct reading x = {.status = DONE_OK};
    struct box_work w = {.choice = &c, .whole = true, .each = each, .self = &x};
    const char *part = agent_option(g, OPTION_PART);
    uint64_t n = 0;
    int status = box_choice(g, &c);
    if (status >= 0)
        return status;
    if (part && (!str_to_u64(str_c(part), &n) || n < 1 || n > 100000))
        return agent_fail(BAD_USAGE, NULL, "--part takes a number, not '%s'", part);
    x.part = (uint32_t)n;
    if (!part && !agent_has(g, OPTION_RAW))
        agent_pager_begin(g);
    status = box_run(g, &w);
    return agent_flush(status >= 0 ? status : x.status);
}
