/* SPDX-License-Identifier: ISC */
/* Accounts in memory; mailboxes of the accounts in use (loaded from the index, at most ACCOUNTS_LOADED_MAX of them). Counts are
   kept twice: as committed, and as the batch that is being planned will leave them, so that a batch that failed leaves no trace. */
#include <stdio.h>
#include <stdlib.h>
#include "store/inside.h"

enum { ROOM_EVERY = 256 };

struct account *account_get(struct engine *e, account_id id)
{
    char key[8];
    put_u64(key, id);
    return table_get(&e->accounts_by_id, str_of(key, sizeof key));
}

struct account *account_get_name(struct engine *e, struct str name) { return table_get(&e->accounts_by_name, name); }

struct mailbox *account_mailbox(struct account *a, mailbox_id id)
{
    for (uint32_t i = 0; i < a->mailbox_count; i++)
        if (a->mailboxes[i].id == id)
            return &a->mailboxes[i];
    return NULL;
}

struct mailbox *account_mailbox_by_name(struct account *a, struct str name)
{
    bool inbox = str_eq_icase(name, S("INBOX")); /* RFC 9051 5.1: the one name that has no case */
    for (uint32_t i = 0; i < a->mailbox_count; i++)
        if (inbox ? a->mailboxes[i].id == 1 : str_eq(a->mailboxes[i].name, name))
            return &a->mailboxes[i];
    return NULL;
}

void mailboxes_free(struct engine *e, struct account *a)
{
    for (uint32_t i = 0; i < a->mailbox_count; i++) {
        free((char *)(uintptr_t)a->mailboxes[i].name.p);
        free((char *)(uintptr_t)a->mailboxes[i].special_use.p);
    }
    free(a->mailboxes);
    a->mailboxes = NULL;
    a->mailbox_count = 0;
    e->loaded_count -= a->loaded;
    a->loaded = false;
}

struct str str_keep(struct str s)
{
    char *p = malloc(s.n + 1);
    if (!p)
        return STR_NONE;
    if (s.n)
        memcpy(p, s.p, s.n);
    p[s.n] = 0;
    return str_of(p, s.n);
}

/* Forgets the mailboxes of the accounts that were not used for longest, a quarter of them, if the index already knows all about
   them. */
static void make_room(struct engine *e)
{
    log_pos known = index_position(e);
    size_t i = 0;
    uint64_t line = e->uses > ACCOUNTS_LOADED_MAX / 2 ? e->uses - ACCOUNTS_LOADED_MAX / 2 : 0;
    for (struct account *a; (a = table_next(&e->accounts_by_id, &i));)
        if (a->loaded && !a->touched && a->last_use < line && a->last <= known)
            mailboxes_free(e, a);
}

static bool mailbox_add(struct account *a, const struct fact_mailbox *f)
{
    struct mailbox *p = realloc(a->mailboxes, (a->mailbox_count + 1) * sizeof *p);
    if (!p)
        return false;
    a->mailboxes = p;
    struct mailbox *m = &p[a->mailbox_count];
    *m = (struct mailbox){.id = f->id,
                          .name = str_keep(f->name),
                          .special_use = str_keep(f->special_use),
                          .uidvalidity = f->uidvalidity,
                          .now = {f->uidnext, f->messages, f->modseq, f->bytes}};
    m->plan = m->now;
    if (!m->name.p || !m->special_use.p) {
        free((char *)(uintptr_t)m->name.p);
        free((char *)(uintptr_t)m->special_use.p);
        return false;
    }
    a->mailbox_count++;
    if (f->id >= a->next_mailbox)
        a->next_mailbox = f->id + 1;
    if (f->uidvalidity > a->uidvalidity)
        a->uidvalidity = f->uidvalidity;
    return true;
}

static struct str column(sqlite3_stmt *s, int i)
{
    const void *p = sqlite3_column_blob(s, i);
    return str_of(p ? p : "", (size_t)sqlite3_column_bytes(s, i));
}

enum outcome account_load(struct engine *e, struct account *a, struct why *why)
{
    a->last_use = ++e->uses;
    if (a->loaded)
        return DONE;
    if (e->loaded_count >= ACCOUNTS_LOADED_MAX && e->uses % ROOM_EVERY == 0) /* it looks at all accounts */
        make_room(e);
    struct index *x = e->read;
    sqlite3_stmt *s = index_wait(e, a->last) ? index_q(x, Q_R_MAILBOXES) : NULL;
    bool ok = s != NULL;
    if (s)
        sqlite3_bind_int64(s, 1, (int64_t)a->id);
    while (ok && sqlite3_step(s) == SQLITE_ROW) {
        struct fact_mailbox f = {.account = a->id,
                                 .id = (mailbox_id)sqlite3_column_int64(s, 0),
                                 .name = column(s, 1),
                                 .special_use = column(s, 2),
                                 .uidvalidity = (uint32_t)sqlite3_column_int64(s, 3),
                                 .uidnext = (uint32_t)sqlite3_column_int64(s, 4),
                                 .modseq = (uint64_t)sqlite3_column_int64(s, 5),
                                 .messages = (uint32_t)sqlite3_column_int64(s, 6),
                                 .bytes = (uint64_t)sqlite3_column_int64(s, 7)};
        ok = mailbox_add(a, &f);
    }
    ok = ok && index_run(x, s); /* steps once more: done, or the error */
    e->loaded_count++;
    a->loaded = true;
    if (ok)
        return DONE;
    mailboxes_free(e, a);
    snprintf(why->status, sizeof why->status, "4.3.0");
    snprintf(why->text, sizeof why->text, "the index cannot be read now");
    return RETRY;
}

bool account_touch(struct engine *e, struct account *a)
{
    struct batch *b = &e->batch;
    if (a->touched)
        return true;
    if (b->touched_count == b->touched_cap) {
        uint32_t cap = b->touched_cap ? b->touched_cap * 2 : 64;
        struct account **p = realloc(b->touched, cap * sizeof *p);
        if (!p)
            return false;
        b->touched = p;
        b->touched_cap = cap;
    }
    b->touched[b->touched_count++] = a;
    a->touched = true;
    return true;
}

void account_settle(struct engine *e, bool committed)
{
    struct batch *b = &e->batch;
    for (uint32_t i = 0; i < b->touched_count; i++) {
        struct account *a = b->touched[i];
        a->touched = false;
        a->expunged_in = 0;
        if (committed) {
            a->used = a->plan_used;
            a->messages = a->plan_messages;
            a->last = b->end;
        } else {
            a->plan_used = a->used;
            a->plan_messages = a->messages;
        }
        for (uint32_t k = 0; k < a->mailbox_count; k++) {
            struct mailbox *m = &a->mailboxes[k];
            if (committed)
                m->now = m->plan;
            else
                m->plan = m->now;
        }
    }
    b->touched_count = 0;
}
