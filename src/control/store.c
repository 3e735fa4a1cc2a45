// SPDX-License-Identifier: ISC
/* penny store verify|compact|stat. verify and compact hold the loop up for as long as they take. */
#include "control/inside.h"

static void progress(void *to, uint32_t permille)
{
    struct control_session *s = to;
    if (s->c->hooks.progress)
        s->c->hooks.progress(s->c->hooks.self, s, permille);
}

static void finding(void *to, struct str text)
{
    struct control_session *s = to;
    struct json_writer w = control_line_begin(s);
    json_str(&w, "finding", text);
    s->more = true;
    s->cursor++;
    if (!control_line_end(s, &w))
        s->offset++; /* counted, not shown: the first thousands tell enough */
}

enum step control_do_STORE_VERIFY(struct control_session *s)
{
    struct why why = {"", ""};
    char text[64];
    struct buf b;
    enum outcome o = engine_verify(s->c->engine, finding, progress, s, &why);
    if (o != DONE)
        return control_end(s, s->more ? EXIT_NO : EXIT_DISK, "", str_c(why.text[0] ? why.text : "the store is not whole"), "", s->more ? "what can be read is safe; penny store rebuild makes the index anew, penny backup saves what is there" : "");
    if (!s->more)
        return control_end(s, 0, "the store is whole", STR_NONE, "", "");
    buf_fixed(&b, text, sizeof text);
    buf_printf(&b, "%llu finding%s", (unsigned long long)s->cursor, s->cursor == 1 ? "" : "s");
    return control_end(s, EXIT_NO, "", buf_str(&b), "", "penny store rebuild makes the index anew from the log");
}

enum step control_do_STORE_COMPACT(struct control_session *s)
{
    struct why why = {"", ""};
    if (s->r->flags & CONTROL_DRY_RUN)
        return control_end(s, 0, "would compact; penny store stat shows how much is dead", STR_NONE, "", "");
    enum outcome o = engine_compact(s->c->engine, s->r->flags & CONTROL_ALL, progress, s, &why);
    return o == DONE ? control_ok(s) : control_end(s, o == RETRY ? EXIT_LATER : EXIT_DISK, "", str_c(why.text), "", "");
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
#undef NUMBER
}

enum step control_do_STORE_STAT(struct control_session *s)
{
    struct json_writer w = control_line_begin(s);
    control_stat(s, &w);
    return control_line_end(s, &w) ? control_ok(s) : STEP_ROOM;
}

enum step control_do_BACKUP(struct control_session *s)
{
    struct why why = {"", ""};
    char path[CONTROL_NAME_MAX + 1];
    if (!str_to_c(s->name, path, sizeof path) || path[0] != '/')
        return control_end(s, EXIT_USAGE_BAD, "a backup needs the whole path of a directory", STR_NONE, "", "penny backup /srv/backup");
    if (s->r->flags & CONTROL_DRY_RUN)
        return control_end(s, 0, "would write a backup to ", s->name, "", "");
    enum outcome o = engine_backup(s->c->engine, path, progress, s, &why);
    if (o != DONE)
        return control_end(s, o == RETRY ? EXIT_DISK : EXIT_CREATE, "", str_c(why.text), "", "");
    return control_end(s, 0, "the backup is in ", s->name, "", "");
}
