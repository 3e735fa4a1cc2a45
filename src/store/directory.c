/* SPDX-License-Identifier: ISC */
/* Accounts, domains and aliases in memory: loaded at start, changed when an operation is durable. */
#include <stdio.h>
#include <stdlib.h>
#include "store/inside.h"

static struct str column(sqlite3_stmt *s, int i)
{
    const void *p = sqlite3_column_blob(s, i);
    return str_of(p ? p : "", (size_t)sqlite3_column_bytes(s, i));
}

static void drop(struct str s) { free((char *)(uintptr_t)s.p); }

static struct account *account_new(struct engine *e, account_id id, struct str name, struct str verifier)
{
    struct account *a = calloc(1, sizeof *a);
    if (!a)
        return NULL;
    a->id = id;
    put_u64(a->key, id);
    a->name = str_keep(name);
    a->verifier = str_keep(verifier);
    a->next_mailbox = 1;
    if (a->name.p && a->verifier.p && table_put(&e->accounts_by_id, str_of(a->key, sizeof a->key), a)) {
        if (table_put(&e->accounts_by_name, a->name, a))
            return a;
        table_remove(&e->accounts_by_id, str_of(a->key, sizeof a->key));
    }
    drop(a->name);
    drop(a->verifier);
    free(a);
    return NULL;
}

static void account_free(struct engine *e, struct account *a)
{
    mailboxes_free(e, a);
    drop(a->name);
    drop(a->verifier);
    free(a);
}

static bool domain_put(struct engine *e, struct str name)
{
    if (table_get(&e->domains, name))
        return true;
    struct domain_entry *d = malloc(sizeof *d);
    if (!d)
        return false;
    d->name = str_keep(name);
    return d->name.p && table_put(&e->domains, d->name, d);
}

static void domain_drop(struct domain_entry *d)
{
    if (d)
        drop(d->name);
    free(d);
}

static void alias_free(struct alias_entry *a)
{
    if (!a)
        return;
    for (uint32_t i = 0; i < a->count; i++)
        drop(a->targets[i]);
    free(a->targets);
    drop(a->name);
    free(a);
}

static struct alias_entry *alias_new(struct str name)
{
    struct alias_entry *a = calloc(1, sizeof *a);
    if (a)
        a->name = str_keep(name);
    return a;
}

static bool alias_target(struct alias_entry *a, struct str target)
{
    struct str *p = realloc(a->targets, (a->count + 1) * sizeof *p);
    if (!p)
        return false;
    a->targets = p;
    p[a->count] = str_keep(target);
    return p[a->count++].p != NULL;
}

static bool rows(struct engine *e, const char *sql, bool (*row)(struct engine *e, sqlite3_stmt *s))
{
    sqlite3_stmt *s;
    if (sqlite3_prepare_v2(e->read->db, sql, -1, &s, NULL) != SQLITE_OK)
        return false;
    bool ok = true;
    int r = SQLITE_DONE;
    while (ok && (r = sqlite3_step(s)) == SQLITE_ROW)
        ok = row(e, s);
    sqlite3_finalize(s);
    return ok && r == SQLITE_DONE;
}

static bool load_account(struct engine *e, sqlite3_stmt *s)
{
    struct account *a = account_new(e, (account_id)sqlite3_column_int64(s, 0), column(s, 1), column(s, 3));
    if (!a)
        return false;
    a->quota = (uint64_t)sqlite3_column_int64(s, 2);
    a->created_ms = sqlite3_column_int64(s, 4);
    a->suspended = sqlite3_column_int(s, 5) != 0;
    a->next_mailbox = (mailbox_id)sqlite3_column_int64(s, 6);
    a->uidvalidity = (uint32_t)sqlite3_column_int64(s, 7);
    return true;
}

static bool load_used(struct engine *e, sqlite3_stmt *s)
{
    struct account *a = account_get(e, (account_id)sqlite3_column_int64(s, 0));
    if (a) {
        a->used = a->plan_used = (uint64_t)sqlite3_column_int64(s, 1);
        a->messages = a->plan_messages = (uint64_t)sqlite3_column_int64(s, 2);
    }
    return true;
}

static bool load_domain(struct engine *e, sqlite3_stmt *s) { return domain_put(e, column(s, 0)); }

static bool load_alias(struct engine *e, sqlite3_stmt *s)
{
    struct alias_entry *a = table_get(&e->aliases, column(s, 0));
    if (!a) {
        a = alias_new(column(s, 0));
        if (!a || !a->name.p || !table_put(&e->aliases, a->name, a))
            return false;
    }
    return alias_target(a, column(s, 1));
}

bool directory_load(struct engine *e, struct why *why)
{
    if (rows(e, "SELECT id, name, quota, verifier, created, suspended, next_mailbox, uidvalidity FROM account", load_account) &&
        rows(e, "SELECT account, sum(bytes), sum(messages) FROM mailbox GROUP BY account", load_used) &&
        rows(e, "SELECT name FROM domain", load_domain) && rows(e, "SELECT name, target FROM alias ORDER BY name, n", load_alias))
        return true;
    snprintf(why->text, sizeof why->text, "accounts cannot be read from the index: %.90s", sqlite3_errmsg(e->read->db));
    return false;
}

void directory_free(struct engine *e)
{
    size_t i = 0;
    for (struct account *a; (a = table_next(&e->accounts_by_id, &i));)
        account_free(e, a);
    i = 0;
    for (struct domain_entry *d; (d = table_next(&e->domains, &i));)
        domain_drop(d);
    i = 0;
    for (struct alias_entry *a; (a = table_next(&e->aliases, &i));)
        alias_free(a);
    table_free(&e->accounts_by_id);
    table_free(&e->accounts_by_name);
    table_free(&e->domains);
    table_free(&e->aliases);
}

static bool apply_account_add(struct engine *e, const struct op *op)
{
    struct account *a = account_new(e, op->account_add.account, op->account_add.name, op->account_add.verifier);
    if (!a)
        return false;
    a->quota = op->account_add.quota;
    a->created_ms = e->batch.at_ms;
    a->last = e->batch.end; /* its mailboxes come from the index when they are needed */
    return true;
}

static bool apply_account(struct engine *e, const struct op *op)
{
    struct account *a = account_get(e, op->account.account);
    if (!a)
        return true;
    if (op->kind == OP_ACCOUNT_QUOTA)
        a->quota = op->account.quota;
    else if (op->kind == OP_ACCOUNT_SUSPEND)
        a->suspended = op->account.suspended;
    else if (op->kind == OP_ACCOUNT_REMOVE) {
        table_remove(&e->accounts_by_id, str_of(a->key, sizeof a->key));
        table_remove(&e->accounts_by_name, a->name);
        account_free(e, a);
        return true;
    } else {
        struct str v = str_keep(op->account.verifier);
        if (!v.p)
            return false;
        drop(a->verifier);
        a->verifier = v;
    }
    a->last = e->batch.end;
    return true;
}

static bool apply_alias(struct engine *e, const struct op *op)
{
    alias_free(table_remove(&e->aliases, op->alias.name));
    if (op->kind == OP_ALIAS_REMOVE || op->alias.count == 0)
        return true;
    struct alias_entry *a = alias_new(op->alias.name);
    bool ok = a && a->name.p;
    for (uint32_t i = 0; ok && i < op->alias.count; i++)
        ok = alias_target(a, op->alias.targets[i]);
    ok = ok && table_put(&e->aliases, a->name, a);
    if (!ok)
        alias_free(a);
    return ok;
}

static bool apply_mailbox(struct engine *e, const struct op *op)
{
    struct account *a = account_get(e, op->mailbox_add.account);
    if (!a)
        return true;
    a->last = e->batch.end;
    if (op->mailbox_add.mailbox >= a->next_mailbox)
        a->next_mailbox = op->mailbox_add.mailbox + 1;
    mailboxes_free(e, a); /* loaded again when needed, with the new one */
    return true;
}

void directory_apply(struct engine *e, struct op *op)
{
    bool ok = true;
    switch (op->kind) {
    case OP_ACCOUNT_ADD: ok = apply_account_add(e, op); break;
    case OP_ACCOUNT_VERIFIER:
    case OP_ACCOUNT_QUOTA:
    case OP_ACCOUNT_SUSPEND:
    case OP_ACCOUNT_REMOVE:
        ok = apply_account(e, op);
        break;
    case OP_DOMAIN_ADD: ok = domain_put(e, op->domain.name); break;
    case OP_DOMAIN_REMOVE: domain_drop(table_remove(&e->domains, op->domain.name)); break;
    case OP_ALIAS_SET: case OP_ALIAS_REMOVE: ok = apply_alias(e, op); break;
    case OP_MAILBOX_ADD: ok = apply_mailbox(e, op); break;
    case OP_ACCEPT: case OP_EXPUNGE: case OP_FLAGS: case OP_QUEUE_REMOVE: case OP_QUEUE_RESULT: case OP_QUEUE_CHANGE: case OP_NOTE: case OP_OWN:
        break;
    }
    if (!ok) /* it is durable, but this process has no memory to know it: a new one reads it from the index */
        engine_die(e, "no memory for accounts", -12);
}

static bool account_view(const struct account *a, struct engine_account *to)
{
    if (a)
        *to = (struct engine_account){a->id, a->name, a->used, a->quota, a->messages, a->suspended, a->verifier, a->created_ms};
    return a != NULL;
}

bool engine_account_by_name(struct engine *e, struct str name, struct engine_account *to)
{
    return account_view(account_get_name(e, name), to);
}
bool engine_account_by_id(struct engine *e, account_id id, struct engine_account *to)
{
    return account_view(account_get(e, id), to);
}
bool engine_domain(struct engine *e, struct str name) { return table_get(&e->domains, name) != NULL; }

uint32_t engine_alias(struct engine *e, struct str name, const struct str **targets)
{
    const struct alias_entry *a = table_get(&e->aliases, name);
    *targets = a ? a->targets : NULL;
    return a ? a->count : 0;
}

static int by_name(const void *a, const void *b)
{
    return str_cmp(((const struct table_slot *)a)->key, ((const struct table_slot *)b)->key);
}

/* The slots in order of their keys; heap. */
static struct table_slot *sorted(const struct table *t)
{
    struct table_slot *list = malloc((t->count + 1) * sizeof *list);
    size_t n = 0;
    for (size_t i = 0; list && i < t->size; i++)
        if (t->slots[i].value)
            list[n++] = t->slots[i];
    if (n > 1)
        qsort(list, n, sizeof *list, by_name);
    return list;
}

void engine_accounts(struct engine *e, bool (*each)(void *to, const struct engine_account *a), void *to)
{
    struct table_slot *list = sorted(&e->accounts_by_name);
    struct engine_account view;
    for (size_t i = 0; list && i < e->accounts_by_name.count; i++)
        if (account_view(list[i].value, &view) && !each(to, &view))
            break;
    free(list);
}

void engine_domains(struct engine *e, bool (*each)(void *to, struct str name), void *to)
{
    struct table_slot *list = sorted(&e->domains);
    for (size_t i = 0; list && i < e->domains.count && each(to, list[i].key); i++) {
    }
    free(list);
}

void engine_aliases(struct engine *e, bool (*each)(void *to, struct str name, const struct str *targets, uint32_t count),
                    void *to)
{
    struct table_slot *list = sorted(&e->aliases);
    for (size_t i = 0; list && i < e->aliases.count; i++) {
        const struct alias_entry *a = list[i].value;
        if (!each(to, a->name, a->targets, a->count))
            break;
    }
    free(list);
}
