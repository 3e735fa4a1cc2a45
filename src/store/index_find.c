/* SPDX-License-Identifier: ISC */
/* Search terms of accepted messages: hashes in a table of their own, written when the index has nothing else to do, because
   random places in a large table would cost each message more than all else. Until then a search looks through the newest rows. */
#include "store/index.h"

uint64_t index_term(struct str word)
{
    uint64_t h = 14695981039346656037u; /* FNV-1a: a collision costs one look more, nothing else */
    for (size_t i = 0; i < word.n; i++)
        h = (h ^ (unsigned char)ascii_lower(word.p[i])) * 1099511628211u;
    return h;
}

static bool is_word(unsigned char c) { return c > 127 || ascii_is_alnum((char)c); }

void index_terms(struct str search, void (*each)(void *to, struct str term), void *to)
{
    struct str rest = search;
    bool addresses = true;
    while (rest.n > 0) { /* addresses, an empty line, Message-ID, subject */
        struct str line = str_cut(rest, '\n', &rest);
        if (line.n == 0 && addresses && rest.n > 0 && line.p != search.p) {
            addresses = false;
            struct str id = str_cut(rest, '\n', &rest);
            if (id.n)
                each(to, id);
            break;
        }
        if (line.n)
            each(to, line);
    }
    for (size_t i = 0; i < rest.n;) {
        size_t n = 0;
        while (i + n < rest.n && is_word((unsigned char)rest.p[i + n]))
            n++;
        if (n > 1)
            each(to, str_of(rest.p + i, n));
        i += n + 1;
    }
}

struct adding { struct index *x; int64_t id; bool ok; };

static void add_term(void *to, struct str term)
{
    struct adding *a = to;
    sqlite3_stmt *s = a->ok ? index_q(a->x, Q_FIND_ADD) : NULL;
    if (!s)
        return;
    sqlite3_bind_int64(s, 1, (int64_t)index_term(term));
    sqlite3_bind_int64(s, 2, a->id);
    a->ok = index_run(a->x, s);
}

bool index_find_some(struct index *x, int limit)
{
    if (!index_begin(x))
        return false;
    sqlite3_stmt *s = index_q(x, Q_FIND_NEXT);
    struct adding a = {x, 0, s != NULL};
    int n = 0;
    if (s)
        sqlite3_bind_int64(s, 1, limit);
    for (; a.ok && sqlite3_step(s) == SQLITE_ROW; n++) {
        const void *p = sqlite3_column_blob(s, 1);
        a.id = sqlite3_column_int64(s, 0);
        index_terms(str_of(p ? p : "", (size_t)sqlite3_column_bytes(s, 1)), add_term, &a);
    }
    if (s)
        sqlite3_reset(s);
    sqlite3_stmt *set = a.ok && n > 0 ? index_q(x, Q_FOUND_SET) : NULL;
    if (set) {
        sqlite3_bind_int64(set, 1, a.id);
        a.ok = index_run(x, set);
    }
    if (!set || !a.ok) {
        index_rollback(x);
        return false;
    }
    return index_commit(x) && n == limit;
}
