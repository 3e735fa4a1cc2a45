// SPDX-License-Identifier: ISC
/* A session: one request at a time.

       idle ──REQUEST──► verb's step ──► again | ROOM | INPUT | ANSWER ──► … ──► END: DONE is in out ──► idle
         └─ broken frame, foreign version ──► CLOSE                                                          */
#include <stdlib.h>
#include "base/encode.h"
#include "base/facts.h"
#include "control/inside.h"
#include "message/date.h"

static enum step (*const verb_steps[CONTROL_VERB_COUNT])(struct control_session *s) = {
#define VERB(id, word, change) control_do_##id,
#include "control/verbs.def"
#undef VERB
};

static const bool verb_changes[CONTROL_VERB_COUNT] = {
#define VERB(id, word, change) change,
#include "control/verbs.def"
#undef VERB
};

struct control_session *control_session_new(struct control_context *c, uint32_t peer_uid)
{
    struct control_session *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->c = c;
    s->peer = peer_uid;
    s->need = STEP_END;
    buf_init(&s->in, CONTROL_FRAME_MAX + 64);
    buf_init(&s->out, CONTROL_OUT_MAX);
    buf_init(&s->line, LINE_MAX);
    buf_init(&s->answer.data, LINE_MAX);
    arena_init(&s->a, REQUEST_MEM);
    return s;
}

struct buf *control_session_in(struct control_session *s)
{
    return &s->in;
}
struct buf *control_session_out(struct control_session *s)
{
    return &s->out;
}
uint32_t control_session_peer(const struct control_session *s)
{
    return s->peer;
}
bool control_session_is_gone(const struct control_session *s)
{
    return s->gone;
}

void control_wipe(void *p, size_t n)
{
    if (n)
        explicit_bzero(p, n);
}

static void request_clear(struct control_session *s)
{
    if (s->body)
        engine_body_abort(s->c->engine, s->body);
    s->body = NULL;
    if (s->r) {
        control_wipe(s->r, sizeof *s->r);
        free(s->r);
    }
    s->r = NULL;
    arena_clear(&s->a);
    s->step = NULL;
    s->last = STR_NONE;
    s->first = s->more = false;
    s->cursor = s->offset = 0;
    s->work = NULL;
}

static void session_end(struct control_session *s)
{
    request_clear(s);
    control_wipe(s->in.p, s->in.p ? s->in.cap : 0); /* a password may stand in it */
    buf_free(&s->in);
    buf_free(&s->out);
    buf_free(&s->line);
    buf_free(&s->answer.data);
    free(s);
}

void control_session_free(struct control_session *s)
{
    if (s->owed)
        s->gone = true;
    else
        session_end(s);
}

void control_session_answer(struct control_session *s, enum outcome outcome, const struct why *why, struct str data)
{
    s->owed = false;
    if (s->gone) {
        session_end(s);
        return;
    }
    s->answer.outcome = outcome;
    s->answer.why = why ? *why : (struct why){"", ""};
    buf_clear(&s->answer.data);
    buf_add(&s->answer.data, data);
    if (s->need == STEP_ANSWER && s->c->hooks.wake)
        s->c->hooks.wake(s->c->hooks.self, s);
}

static void op_done(struct op *op)
{
    struct control_session *s = op->owner;
    control_session_answer(s, op->outcome, &op->why, STR_NONE);
}

enum step control_submit(struct control_session *s, enum step (*then)(struct control_session *s))
{
    s->op.done = op_done;
    s->op.owner = s;
    s->owed = true;
    s->step = then;
    engine_submit(s->c->engine, &s->op);
    return STEP_ANSWER;
}

enum step control_end(struct control_session *s, uint32_t code, const char *before, struct str what, const char *after,
                      const char *hint)
{
    struct control_end end = {.code = code};
    struct buf b;
    buf_fixed(&b, end.text, sizeof end.text - 1);
    buf_add_c(&b, before);
    buf_add(&b, str_head(what, 300));
    buf_add_c(&b, after);
    end.text[b.n] = 0;
    (void)str_to_c(str_c(hint ? hint : ""), end.hint, sizeof end.hint);
    control_frame_add(&s->out, CONTROL_FRAME_DONE, str_of(&end, sizeof end));
    return STEP_END;
}

enum step control_ok(struct control_session *s)
{
    return control_end(s, 0, "", STR_NONE, "", "");
}

enum step control_no_memory(struct control_session *s)
{
    return control_end(s, EXIT_LATER, "no memory for this request", STR_NONE, "", "ask for less at a time");
}

enum step control_outcome(struct control_session *s, enum outcome o, const struct why *why)
{
    if (o == DONE)
        return control_ok(s);
    return control_end(s, o == RETRY ? EXIT_LATER : EXIT_NO, "", str_c(why->text[0] ? why->text : "the store refused it"), "",
                       o == RETRY ? "try again in a moment; penny status says how the server is" : "");
}

enum step control_finish(struct control_session *s)
{
    return control_outcome(s, s->answer.outcome, &s->answer.why);
}

struct str control_keep(struct control_session *s, struct str x)
{
    return arena_str(&s->a, x);
}

struct json_writer control_line_begin(struct control_session *s)
{
    struct json_writer w;
    buf_clear(&s->line);
    json_begin(&w, &s->line);
    json_object(&w, NULL);
    json_num(&w, "v", 1);
    return w;
}

static bool room(struct control_session *s, size_t n)
{
    return buf_room(&s->out) >= n + 8 + OUT_RESERVE;
}

bool control_line_end(struct control_session *s, struct json_writer *w)
{
    json_end(w);
    buf_add_byte(&s->line, '\n');
    if (!room(s, s->line.n))
        return false;
    control_frame_add(&s->out, CONTROL_FRAME_LINE, buf_str(&s->line));
    return true;
}

bool control_bytes(struct control_session *s, struct str piece)
{
    if (!room(s, piece.n))
        return false;
    control_frame_add(&s->out, CONTROL_FRAME_BYTES, piece);
    return true;
}

void control_time(struct json_writer *w, const char *name, int64_t unix_ms)
{
    char text[40];
    struct buf b;
    buf_fixed(&b, text, sizeof text);
    date_print_iso(&b, unix_ms);
    json_str(w, name, buf_str(&b));
}

void control_id(struct json_writer *w, const char *name, uint64_t id)
{
    json_str(w, name, str_c(id_text(id).c));
}

/* A request came: is it one, may this peer ask it? */
static enum step request_begin(struct control_session *s, struct str payload)
{
    size_t fixed = offsetof(struct control_request, args);
    s->r = calloc(1, sizeof *s->r);
    if (!s->r)
        return control_no_memory(s);
    if (payload.n < fixed || payload.n > sizeof *s->r) {
        s->broken = true;
        return STEP_END;
    }
    memcpy(s->r, payload.p, payload.n);
    struct control_request *r = s->r;
    if (r->version != CONTROL_VERSION)
        return control_end(s, EXIT_NOT_RUNNING, "this command and the running server are of different versions", STR_NONE, "",
                           "restart the server: penny stop, then penny serve");
    if (r->verb >= CONTROL_VERB_COUNT || r->name_n > sizeof r->name || r->secret_n > sizeof r->secret ||
        r->args_n != payload.n - fixed || (r->args_n && r->args[r->args_n - 1] != 0)) {
        s->broken = true;
        return STEP_END;
    }
    s->name = str_of(r->name, r->name_n);
    if (s->peer != 0 && s->peer != s->c->owner_uid)
        return control_end(s, EXIT_NOT_ALLOWED, "only root and the server's own user may do this", STR_NONE, "",
                           "run it with sudo, or as the server's user");
    if (s->c->hooks.reload == NULL && (r->verb == CONTROL_RELOAD || r->verb == CONTROL_STOP))
        return control_end(s, EXIT_NOT_RUNNING, "no server runs on this directory", STR_NONE, "", "start it: penny serve");
    if (verb_changes[r->verb] && !s->c->direct)
        fact(FACT_INFO, "control.change", fact_c("verb", control_verb_word(r->verb)), fact_str("name", s->name),
             fact_num("uid", s->peer));
    s->step = verb_steps[r->verb];
    return STEP_AGAIN;
}

static enum step next_request(struct control_session *s)
{
    enum control_frame kind;
    struct str payload;
    switch (control_frame_take(&s->in, &kind, &payload)) {
    case CONTROL_TAKE_MORE:
        return STEP_INPUT;
    case CONTROL_TAKE_BROKEN:
        s->broken = true;
        return STEP_END;
    case CONTROL_TAKE_FRAME:
        break;
    }
    if (kind == CONTROL_FRAME_DATA || kind == CONTROL_FRAME_END)
        return STEP_AGAIN; /* of a message that was refused before all of it came */
    if (kind != CONTROL_FRAME_REQUEST) {
        s->broken = true;
        return STEP_END;
    }
    enum step n = request_begin(s, payload);
    control_wipe((char *)(uintptr_t)payload.p, payload.n);
    return n;
}

enum control_next control_session_run(struct control_session *s)
{
    for (;;) {
        if (s->broken)
            return CONTROL_WANTS_CLOSE;
        if (s->owed)
            return CONTROL_WANTS_ANSWER;
        if (buf_room(&s->out) < OUT_RESERVE + 8)
            return CONTROL_WANTS_ROOM;
        bool between = s->step == NULL;
        s->need = STEP_AGAIN;
        enum step n = between ? next_request(s) : s->step(s);
        s->need = n;
        switch (n) {
        case STEP_AGAIN:
            break;
        case STEP_YIELD:
            if (!s->c->hooks.wake || s->c->direct)
                break;
            s->c->hooks.wake(s->c->hooks.self, s);
            return CONTROL_WANTS_ANSWER;
        case STEP_ANSWER:
            if (s->owed) /* else it was answered at once */
                return CONTROL_WANTS_ANSWER;
            break;
        case STEP_ROOM:
            return CONTROL_WANTS_ROOM;
        case STEP_INPUT:
            return CONTROL_WANTS_INPUT;
        case STEP_END:
            request_clear(s);
            break;
        }
    }
}
