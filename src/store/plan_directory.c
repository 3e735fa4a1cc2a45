/* SPDX-License-Identifier: ISC */
/* Accounts, domains, aliases, mailboxes: rare, so each travels in a batch of its own and needs no thought about its neighbours. */
#include <stdio.h>
#include "store/inside.h"

/* RFC 6154 names of what a new account gets. */
static const char *const first_folders[][2] = {{"INBOX", ""},       {"Drafts", "\\Drafts"}, {"Sent", "\\Sent"},
                                               {"Junk", "\\Junk"}, {"Trash", "\\Trash"},   {"Archive", "\\Archive"}};
enum { NAME_MAX_BYTES = 1000, MAILBOXES_MAX = 10000 };

static uint32_t uidvalidity_after(uint32_t last, int64_t now_ms)
{
    uint32_t now = (uint32_t)((uint64_t)now_ms / 1000);
    return now > last ? now : last + 1;
}

static enum plan account_add(struct engine *e, struct op *op)
{
    struct str name = op->account_add.name;
    if (name.n == 0 || name.n > NAME_MAX_BYTES)
        return op_fail(op, REFUSE, "5.1.3", "an account needs a name like user@example.org");
    if (account_get_name(e, name))
        return op_fail(op, REFUSE, "5.1.0", "there is such an account already");
    if (table_get(&e->aliases, name))
        return op_fail(op, REFUSE, "5.1.0", "there is an alias of that name: remove it first");
    struct enc *f = &e->batch.facts;
    op->account_add.account = e->counters.next_account++;
    size_t begin = record_begin(f, RECORD_ACCOUNT);
    enc_var(f, op->account_add.account);
    enc_str(f, name);
    enc_str(f, op->account_add.verifier);
    enc_var(f, op->account_add.quota);
    enc_var(f, (uint64_t)e->batch.at_ms);
    enc_var(f, 0);
    struct enc boxes = {0};
    const uint32_t count = sizeof first_folders / sizeof *first_folders;
    uint32_t uidvalidity = uidvalidity_after(0, e->batch.at_ms);
    for (uint32_t i = 0; i < count; i++)
        fact_mailbox_write(&boxes, &(struct fact_mailbox){.account = op->account_add.account,
                                                          .id = i + 1,
                                                          .uidvalidity = uidvalidity,
                                                          .uidnext = 1,
                                                          .modseq = 1,
                                                          .name = str_c(first_folders[i][0]),
                                                          .special_use = str_c(first_folders[i][1])});
    enc_var(f, count);
    enc_str(f, str_of(boxes.p, boxes.n));
    f->failed |= boxes.failed;
    enc_free(&boxes);
    record_end(f, begin);
    return PLAN_OK;
}

static enum plan account_change(struct engine *e, struct op *op, enum record_type type)
{
    if (!account_get(e, op->account.account))
        return op_fail(op, REFUSE, "5.1.1", "no such account");
    struct enc *f = &e->batch.facts;
    size_t begin = record_begin(f, type);
    enc_var(f, op->account.account);
    if (type == RECORD_VERIFIER)
        enc_str(f, op->account.verifier);
    else if (type != RECORD_ACCOUNT_GONE)
        enc_var(f, type == RECORD_QUOTA ? op->account.quota : op->account.suspended);
    record_end(f, begin);
    return PLAN_OK;
}

static void name_write(struct enc *f, enum record_type type, struct str name)
{
    size_t begin = record_begin(f, type);
    enc_str(f, name);
    record_end(f, begin);
}

static enum plan domain_change(struct engine *e, struct op *op)
{
    bool there = table_get(&e->domains, op->domain.name) != NULL, add = op->kind == OP_DOMAIN_ADD;
    if (add && (op->domain.name.n == 0 || op->domain.name.n > NAME_MAX_BYTES))
        return op_fail(op, REFUSE, "5.1.2", "not a domain name");
    if (add == there)
        return op_fail(op, REFUSE, "5.1.2", add ? "the domain is there already" : "no such domain");
    name_write(&e->batch.facts, add ? RECORD_DOMAIN : RECORD_DOMAIN_GONE, op->domain.name);
    return PLAN_OK;
}

static enum plan alias_change(struct engine *e, struct op *op)
{
    struct enc *f = &e->batch.facts;
    if (op->kind == OP_ALIAS_REMOVE) {
        if (!table_get(&e->aliases, op->alias.name))
            return op_fail(op, REFUSE, "5.1.1", "no such alias");
        name_write(f, RECORD_ALIAS_GONE, op->alias.name);
        return PLAN_OK;
    }
    if (op->alias.name.n == 0 || op->alias.name.n > NAME_MAX_BYTES || op->alias.count == 0)
        return op_fail(op, REFUSE, "5.1.3", "an alias needs a name and at least one target");
    if (op->alias.count > ALIAS_TARGETS_MAX)
        return op_fail(op, REFUSE, "5.1.3", "too many targets");
    if (account_get_name(e, op->alias.name))
        return op_fail(op, REFUSE, "5.1.0", "there is an account of that name");
    size_t begin = record_begin(f, RECORD_ALIAS);
    enc_str(f, op->alias.name);
    enc_var(f, op->alias.count);
    for (uint32_t i = 0; i < op->alias.count; i++)
        enc_str(f, op->alias.targets[i]);
    record_end(f, begin);
    return PLAN_OK;
}

static enum plan mailbox_add(struct engine *e, struct op *op)
{
    struct account *a = account_get(e, op->mailbox_add.account);
    struct str name = op->mailbox_add.name;
    if (!a)
        return op_fail(op, REFUSE, "5.1.1", "no such account");
    if (name.n == 0 || name.n > NAME_MAX_BYTES || op->mailbox_add.special_use.n > NAME_MAX_BYTES)
        return op_fail(op, REFUSE, "5.1.3", "not a mailbox name");
    if (account_load(e, a, &op->why) != DONE) {
        op->outcome = RETRY;
        return PLAN_FAILED;
    }
    if (account_mailbox_by_name(a, name))
        return op_fail(op, REFUSE, "5.1.0", "there is such a mailbox already");
    if (a->mailbox_count >= MAILBOXES_MAX)
        return op_fail(op, REFUSE, "5.2.2", "too many mailboxes");
    op->mailbox_add.mailbox = a->next_mailbox;
    size_t begin = record_begin(&e->batch.facts, RECORD_MAILBOX);
    fact_mailbox_write(&e->batch.facts, &(struct fact_mailbox){.account = a->id,
                                                               .id = a->next_mailbox,
                                                               .uidnext = 1,
                                                               .modseq = 1,
                                                               .name = name,
                                                               .uidvalidity = uidvalidity_after(a->uidvalidity, e->batch.at_ms),
                                                               .special_use = op->mailbox_add.special_use});
    record_end(&e->batch.facts, begin);
    return PLAN_OK;
}

static size_t size_bound(const struct op *op)
{
    size_t n = 1024;
    if (op->kind == OP_ACCOUNT_ADD)
        n += op->account_add.name.n + op->account_add.verifier.n + 512;
    else if (op->kind == OP_ACCOUNT_VERIFIER)
        n += op->account.verifier.n;
    else if (op->kind == OP_ALIAS_SET)
        for (uint32_t i = 0; i < op->alias.count; i++)
            n += op->alias.targets[i].n + 8;
    return n + NAME_MAX_BYTES * 2;
}

enum plan plan_directory(struct engine *e, struct op *op)
{
    enum plan p = plan_room(e, op, size_bound(op));
    if (p != PLAN_OK)
        return p;
    switch (op->kind) {
    case OP_ACCOUNT_ADD: return account_add(e, op);
    case OP_ACCOUNT_VERIFIER: return account_change(e, op, RECORD_VERIFIER);
    case OP_ACCOUNT_QUOTA: return account_change(e, op, RECORD_QUOTA);
    case OP_ACCOUNT_SUSPEND: return account_change(e, op, RECORD_SUSPEND);
    case OP_ACCOUNT_REMOVE: return account_change(e, op, RECORD_ACCOUNT_GONE);
    case OP_DOMAIN_ADD: case OP_DOMAIN_REMOVE: return domain_change(e, op);
    case OP_ALIAS_SET: case OP_ALIAS_REMOVE: return alias_change(e, op);
    case OP_MAILBOX_ADD: return mailbox_add(e, op);
    case OP_ACCEPT:
    case OP_EXPUNGE:
    case OP_FLAGS:
    case OP_QUEUE_REMOVE:
    case OP_QUEUE_RESULT:
    case OP_QUEUE_CHANGE:
    case OP_NOTE:
    case OP_OWN: break;
    }
    return op_fail(op, REFUSE, "5.5.4", "no such operation");
}
