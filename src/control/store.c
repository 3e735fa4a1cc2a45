// SPDX-License-Identifier: ISC
/* penny store verify|compact|stat and backup: the engine does them beside its service; here its words become frames. */
#include "base/clock.h"
#include "control/inside.h"

/* The job's end. The session waits for it even when its connection is gone: the engine still calls. */
static void job_done(void *to, enum outcome o, const struct why *why)
{
    control_session_answer(to, o, why, STR_NONE);
}

static void progress(void *to, uint32_t permille)
{
    struct control_session *s = to;
    if (s->gone || s->last_permille == permille + 1)
        return;
    s->last_permille = permille + 1;
    if (buf_room(&s->out) >= sizeof permille + 8 + OUT_RESERVE)
        control_frame_add(&s->out, CONTROL_FRAME_PROGRESS, str_of(&permille, sizeof permille));
    if (s->c->hooks.progress)
        s->c->hooks.progress(s->c->hooks.self, s, permille);
}

static void finding(void *to, struct str text)
{
    struct control_session *s = to;
    if (s->gone)
        return;
    struct json_writer w = control_line_begin(s);
    json_str(&w, "finding", text);
    s->cursor++;
    (void)control_line_end(s, &w); /* without room it is counted, not shown: the first thousands tell enough */
}

static enum step start(struct control_session *s, enum engine_job_kind kind, const char *dir,
                       enum step (*then)(struct control_session *s))
{
    struct why why = {"", ""};
    struct engine_job_calls calls = {finding, progress, job_done, s};
    s->last_permille = 0;
    s->owed = true;
    s->step = then;
    if (engine_job_start(s->c->engine, kind, dir, &calls, &why))
        return STEP_ANSWER;
    s->owed = false;
    return control_end(s, EXIT_LATER, "", str_c(why.text), "", "one such work at a time: try again when it is through");
}

static enum step verified(struct control_session *s)
{
    char text[64];
    struct buf b;
    if (s->answer.outcome == RETRY)
        return control_end(s, EXIT_DISK, "the store could not be read: ", str_c(s->answer.why.text), "", "");
    if (s->answer.outcome == DONE && !s->cursor)
        return control_end(s, 0, "the store is whole", STR_NONE, "", "");
    buf_fixed(&b, text, sizeof text);
    buf_printf(&b, "%llu finding%s", (unsigned long long)s->cursor, s->cursor == 1 ? "" : "s");
    return control_end(s, EXIT_NO, "", buf_str(&b), "",
                       "penny backup saves what can be read; penny store rebuild makes the index anew from the log");
}

enum step control_do_STORE_VERIFY(struct control_session *s)
{
    return start(s, ENGINE_VERIFY, NULL, verified);
}

static enum step compacted(struct control_session *s)
{
    if (s->answer.outcome != DONE)
        return control_end(s, s->answer.outcome == RETRY ? EXIT_LATER : EXIT_DISK, "", str_c(s->answer.why.text), "", "");
    return control_ok(s);
}

enum step control_do_STORE_COMPACT(struct control_session *s)
{
    if (s->r->flags & CONTROL_DRY_RUN)
        return control_end(s, 0, "would compact; penny store stat shows how much is dead", STR_NONE, "", "");
    return start(s, s->r->flags & CONTROL_ALL ? ENGINE_COMPACT_ALL : ENGINE_COMPACT, NULL, compacted);
}

void control_stat(struct control_session *s, struct json_writer *w)
{
    struct engine_stat st = {0};
    engine_stat(s->c->engine, &st);
#define NUMBER(member) json_num(w, #member, (int64_t)st.member)
    NUMBER(accounts);
    NUMBER(domains);
    NUMBER(aliases);
    NUMBER(messages);
    NUMBER(bodies);
    NUMBER(queued);
    NUMBER(segments);
    NUMBER(bytes);
    NUMBER(dead_bytes);
    NUMBER(position);
    NUMBER(index_position);
    NUMBER(commits);
    NUMBER(ops);
    NUMBER(fdatasyncs);
    NUMBER(fdatasync_us_total);
    NUMBER(dropped);
    NUMBER(rotten);
#undef NUMBER
}

enum step control_do_STORE_STAT(struct control_session *s)
{
    struct json_writer w = control_line_begin(s);
    control_stat(s, &w);
    return control_line_end(s, &w) ? control_ok(s) : STEP_ROOM;
}

static enum step backed_up(struct control_session *s)
{
    if (s->answer.outcome != DONE)
        return control_end(s, s->answer.outcome == RETRY ? EXIT_DISK : EXIT_CREATE,
                           "no backup was made: ", str_c(s->answer.why.text), "", "");
    struct json_writer w = control_line_begin(s);
    json_str(&w, "path", s->last);
    return control_line_end(s, &w) ? control_ok(s) : STEP_ROOM;
}

/* Without a path: beside the store, as the store role may write nowhere else; the command then carries it to where it was asked
 * for. */
enum step control_do_BACKUP(struct control_session *s)
{
    char path[CONTROL_NAME_MAX + 64];
    struct buf b;
    buf_fixed(&b, path, sizeof path - 1);
    buf_add(&b, s->name);
    if (!s->name.n) {
        buf_add(&b, s->c->dir);
        buf_printf(&b, "/backup-%lld", (long long)clock_unix_ms());
    }
    path[b.n] = 0;
    if (b.full || path[0] != '/' || str_find(buf_str(&b), '\0') < b.n)
        return control_end(s, EXIT_USAGE_BAD, "a backup needs the whole path of a directory", STR_NONE, "",
                           "penny backup /srv/backup");
    if (s->r->flags & CONTROL_DRY_RUN)
        return control_end(s, 0, "would make a backup", STR_NONE, "", "");
    s->last = control_keep(s, buf_str(&b));
    return s->last.p ? start(s, ENGINE_BACKUP, path, backed_up) : control_no_memory(s);
}
