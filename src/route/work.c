// SPDX-License-Identifier: ISC
/* The results of an expansion as they come: targets, failures, the explanation. */
#include "base/hash.h"
#include "base/utf8.h"
#include "route/inside.h"

static void why_set(struct why *why, const char *status, const char *before, struct str what, const char *after)
{
    struct buf b;
    buf_fixed(&b, why->text, sizeof why->text - 1);
    buf_add_c(&b, before);
    for (size_t i = 0; i < what.n && i < 90; i++)
        buf_add_byte(&b, what.p[i] > ' ' && what.p[i] < 0x7f ? what.p[i] : '?');
    buf_add_c(&b, after);
    why->text[b.n] = 0;
    (void)str_to_c(str_c(status), why->status, sizeof why->status);
}

void route_stop(struct work *w, enum outcome o, const char *status, const char *before, struct str what, const char *after)
{
    w->stop = true;
    w->result.outcome = o;
    why_set(&w->result.why, status, before, what, after);
    route_step(w, what, o == RETRY ? "not now:" : "refused:", str_c(w->result.why.text), STR_NONE, 0);
}

static void no_memory(struct work *w)
{
    route_stop(w, RETRY, "4.3.0", "no memory to find out where this address leads", STR_NONE, "");
}

void route_fail(struct work *w, const struct item *it, enum outcome o, const char *status, const char *before, struct str what,
                const char *after)
{
    struct route_failure *fail = arena_new(w->a, struct route_failure);
    if (!fail) {
        no_memory(w);
        return;
    }
    fail->address = route_text(w, &it->adr);
    fail->outcome = o;
    why_set(&fail->why, status, before, what, after);
    *w->last_failure = fail;
    w->last_failure = &fail->next;
    route_step(w, fail->address, o == RETRY ? "not now:" : "refused:", str_c(fail->why.text), STR_NONE, 0);
}

struct str route_text(struct work *w, const struct address *adr)
{
    char text[PATH_MAX_MAIL * 3];
    struct buf b;
    buf_fixed(&b, text, sizeof text);
    address_print(&b, adr, true);
    struct str s = arena_str(w->a, buf_str(&b));
    if (!s.p)
        no_memory(w);
    return s;
}

void route_target(struct work *w, enum route_kind kind, const struct item *it, uint64_t account, struct str key,
                  struct str folder)
{
    struct str seen = kind == ROUTE_LOCAL ? key : address_key(w->a, &it->adr);
    enum set_result s = seen.p ? route_set_add(w, kind == ROUTE_LOCAL ? 'L' : 'R', seen) : SET_NO_MEMORY;
    if (s == SET_OLD) {
        route_step(w, seen, "is already a recipient", STR_NONE, STR_NONE, 0);
        return;
    }
    struct route_target *t = s == SET_NEW ? arena_new(w->a, struct route_target) : NULL;
    if (!t) {
        no_memory(w);
        return;
    }
    *t = (struct route_target){.kind = kind,
                               .account = account,
                               .key = arena_str(w->a, key),
                               .folder = arena_str(w->a, folder),
                               .address = route_text(w, &it->adr)};
    if (!t->folder.p || (kind == ROUTE_LOCAL && !t->key.p)) {
        no_memory(w);
        return;
    }
    *w->last = t;
    w->last = &t->next;
    w->result.target_count++;
}

enum set_result route_set_add(struct work *w, char kind, struct str key)
{
    struct set *set = &w->seen;
    if (set->n * 2 >= set->cap) {
        size_t cap = set->cap ? set->cap * 4 : 32;
        struct str *slot = arena_array(w->a, cap, sizeof *slot);
        if (!slot)
            return SET_NO_MEMORY;
        for (size_t i = 0; i < set->cap; i++)
            if (set->slot[i].p) {
                size_t at = (size_t)hash_table(set->slot[i]) & (cap - 1);
                while (slot[at].p)
                    at = (at + 1) & (cap - 1);
                slot[at] = set->slot[i];
            }
        set->slot = slot;
        set->cap = cap;
    }
    char *copy = arena_alloc(w->a, key.n + 1);
    if (!copy)
        return SET_NO_MEMORY;
    copy[0] = kind;
    if (key.n)
        memcpy(copy + 1, key.p, key.n);
    struct str full = str_of(copy, key.n + 1);
    size_t at = (size_t)hash_table(full) & (set->cap - 1);
    while (set->slot[at].p) {
        if (str_eq(set->slot[at], full))
            return SET_OLD;
        at = (at + 1) & (set->cap - 1);
    }
    set->slot[at] = full;
    set->n++;
    return SET_NEW;
}

void route_step(struct work *w, struct str who, const char *what, struct str detail, struct str file, uint32_t line)
{
    if (!w->steps)
        return;
    struct buf *to = w->steps;
    buf_add(to, S("  "));
    utf8_add_printable(to, who);
    for (size_t width = utf8_width(who); width < 28; width++)
        buf_add_byte(to, ' ');
    buf_add_byte(to, ' ');
    buf_add_c(to, what);
    if (detail.n) {
        buf_add_byte(to, ' ');
        utf8_add_printable(to, detail);
    }
    if (line) {
        buf_add(to, S("   ("));
        utf8_add_printable(to, file.n ? file : S("configuration"));
        buf_printf(to, ":%u)", line);
    }
    buf_add_byte(to, '\n');
}
