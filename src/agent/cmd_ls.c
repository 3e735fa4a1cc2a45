// SPDX-License-Identifier: ISC
/* penny ls: one line a message, the newest last. */
#include "agent/parts.h"
#include "message/date.h"

enum { NEWEST = 50 };

static const struct column columns[] = {{"N", true, false},    {"", false, false},    {"AGE", true, false},
                                        {"SIZE", true, false}, {"FROM", false, true}, {"SUBJECT", false, true}};

static bool json_line(const struct box_message *m, const struct summary *s)
{
    struct buf b, date;
    struct json_writer w;
    char text[40];
    buf_init(&b, 64 * 1024);
    json_begin(&w, &b);
    json_object(&w, NULL);
    json_num(&w, "v", 1);
    json_num(&w, "number", m->number);
    json_str(&w, "id", m->id);
    json_num(&w, "size", (int64_t)m->size);
    json_str(&w, "from", s->from);
    json_str(&w, "from_name", s->from_name);
    json_str(&w, "to", s->to);
    json_str(&w, "subject", s->subject);
    json_str(&w, "message_id", s->message_id);
    buf_fixed(&date, text, sizeof text);
    if (s->date_ms)
        date_print_iso(&date, s->date_ms);
    json_str(&w, "date", buf_str(&date));
    if (m->has_flags) {
        json_bool(&w, "seen", m->seen);
        json_bool(&w, "answered", m->answered);
        json_bool(&w, "flagged", m->flagged);
    }
    json_end(&w);
    buf_add_byte(&b, '\n');
    agent_print_raw(buf_str(&b));
    buf_free(&b);
    return true;
}

static bool each(struct agent *g, void *self, const struct box_message *m, struct str content)
{
    struct summary s;
    summary_of(&g->a, content, m, &s);
    if (g->json)
        return json_line(m, &s);
    bool fresh = m->has_flags && !m->seen;
    struct str cells[] = {agent_text(&g->a, "%u", m->number),
                          fresh         ? S("●")
                          : m->answered ? S("↩")
                          : m->flagged  ? S("!")
                                        : S(" "),
                          s.date_ms ? agent_age_text(&g->a, s.date_ms) : S("?"),
                          agent_size_text(&g->a, m->size),
                          s.from_name.n ? s.from_name : s.from,
                          s.subject.n ? s.subject : S("(no subject)")};
    table_add(g, self, fresh ? "\033[1m" : NULL, cells);
    return true;
}

int agent_do_ls(struct agent *g)
{
    struct table t;
    struct choice c = {.newest = agent_has(g, OPTION_ALL) ? 0 : NEWEST};
    struct box_work w = {.choice = &c, .each = each, .self = &t};
    table_init(&t, columns, countof(columns));
    int status = box_choice(g, &c);
    if (status < 0)
        status = box_run(g, &w);
    if (status >= 0)
        return status;
    if (!g->json) {
        agent_pager_begin(g);
        table_print(g, &t);
    }
    if (!w.total)
        agent_note(g, "the mailbox is empty");
    else if (w.shown < w.total && !c.count)
        agent_note(g, "%u older: penny ls --all", w.total - w.shown);
    return agent_flush(DONE_OK);
}
