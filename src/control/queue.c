// SPDX-License-Identifier: ISC
/* penny queue ls|show: what waits for other machines. */
#include "base/encode.h"
#include "control/inside.h"

struct listing {
    struct control_session *s;
    uint64_t only;
    bool full;
};

static bool each_queued(void *to, const struct engine_queued *q)
{
    struct listing *l = to;
    struct control_session *s = l->s;
    if (l->only && q->id != l->only)
        return true;
    struct json_writer w = control_line_begin(s);
    control_id(&w, "id", q->id);
    json_num(&w, "entry", (int64_t)q->queue_id);
    json_str(&w, "from", q->from);
    json_str(&w, "to", q->address);
    json_num(&w, "size", (int64_t)q->size);
    control_time(&w, "received", q->received_ms);
    if (q->next_ms)
        control_time(&w, "next", q->next_ms);
    json_num(&w, "attempts", q->attempts);
    json_str(&w, "last_reply", q->last_reply);
    if (!control_line_end(s, &w)) {
        l->full = true;
        return false;
    }
    s->more = true;
    s->cursor = q->queue_id + 1;
    return true;
}

static enum step list(struct control_session *s, uint64_t only, const char *nothing)
{
    struct listing l = {.s = s, .only = only};
    engine_queue(s->c->engine, s->cursor, each_queued, &l);
    if (l.full)
        return STEP_ROOM;
    return s->more
               ? control_ok(s)
               : control_end(s, only ? EXIT_NO : 0, nothing, STR_NONE, "", only ? "penny trace ID tells what became of it" : "");
}

enum step control_do_QUEUE_LS(struct control_session *s)
{
    return list(s, 0, "nothing waits in the queue");
}

enum step control_do_QUEUE_SHOW(struct control_session *s)
{
    uint64_t id;
    if (!id_parse(s->name, &id) || !id)
        return control_end(s, EXIT_USAGE_BAD, "", s->name, " is not an id", "an id looks like 7F3K2: penny queue ls");
    return list(s, id, "nothing of that id waits in the queue");
}
