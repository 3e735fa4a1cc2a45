// SPDX-License-Identifier: ISC
/* penny user add|ls|show|passwd|rm|quota|suspend */
#include "control/inside.h"

static uint64_t quota_holds(struct control_session *s, const struct engine_account *a)
{
    const struct config_domain *d = config_domain_find(s->c->config, str_skip(a->name, str_find_last(a->name, '@') + 1));
    if (a->quota == UINT64_MAX)
        return 0;
    return a->quota ? a->quota : d ? d->quota : s->c->config->quota;
}

static bool user_line(struct control_session *s, const struct engine_account *a)
{
    struct json_writer w = control_line_begin(s);
    json_str(&w, "name", a->name);
    json_num(&w, "messages", (int64_t)a->messages);
    json_num(&w, "used", (int64_t)a->used);
    json_num(&w, "quota", (int64_t)quota_holds(s, a));
    json_bool(&w, "own_quota", a->quota != 0);
    json_bool(&w, "suspended", a->suspended);
    control_time(&w, "created", a->created_ms);
    return control_line_end(s, &w);
}

/* ---- add ---- */

static enum step added(struct control_session *s)
{
    struct engine_account a;
    if (s->answer.outcome != DONE)
        return control_finish(s);
    if (engine_account_by_name(s->c->engine, s->last, &a) && !user_line(s, &a))
        return STEP_ROOM;
    if (s->more)
        return control_end(s, 0, "domain ", str_skip(s->last, str_find_last(s->last, '@') + 1),
                           " was new and has been added, too", "");
    return control_ok(s);
}

static enum step add_account(struct control_session *s)
{
    struct str verifier = *(struct str *)s->work;
    if (s->first && s->answer.outcome != DONE) /* the domain */
        return control_finish(s);
    s->op = (struct op){.kind = OP_ACCOUNT_ADD};
    s->op.account_add.name = s->last;
    s->op.account_add.verifier = verifier;
    s->op.account_add.quota = s->r->num[0] > 0 ? (uint64_t)s->r->num[0] : s->r->num[0] == -2 ? UINT64_MAX : 0;
    return control_submit(s, added);
}

/* The user's sessions end with what they were let in by. */
static enum step changed(struct control_session *s)
{
    if (s->answer.outcome == DONE && s->c->hooks.account_changed)
        s->c->hooks.account_changed(s->c->hooks.self, s->op.account.account);
    return control_finish(s);
}

static enum step verifier_made(struct control_session *s)
{
    struct str *kept = arena_new(&s->a, struct str);
    if (s->answer.outcome != DONE)
        return control_end(s, s->answer.outcome == RETRY ? EXIT_LATER : EXIT_DATA,
                           "the password cannot be used: ", str_c(s->answer.why.text), "", "");
    if (!kept || !(*kept = control_keep(s, buf_str(&s->answer.data))).p)
        return control_no_memory(s);
    control_wipe(s->answer.data.p, s->answer.data.cap);
    s->work = kept;
    if (s->r->verb == CONTROL_USER_PASSWD) {
        s->op = (struct op){.kind = OP_ACCOUNT_VERIFIER};
        s->op.account.account = s->cursor;
        s->op.account.verifier = *kept;
        return control_submit(s, changed);
    }
    s->more = !control_domain_known(s, str_skip(s->last, str_find_last(s->last, '@') + 1));
    if (!s->more)
        return add_account(s);
    s->first = true;
    s->op = (struct op){.kind = OP_DOMAIN_ADD};
    s->op.domain.name = str_skip(s->last, str_find_last(s->last, '@') + 1);
    return control_submit(s, add_account);
}

static enum step ask_verifier(struct control_session *s)
{
    if (s->r->secret_n == 0)
        return control_end(s, EXIT_DATA, "the password may not be empty", STR_NONE, "", "");
    s->owed = true;
    s->step = verifier_made;
    s->c->hooks.verifier(s->c->hooks.self, s, str_of(s->r->secret, s->r->secret_n));
    control_wipe(s->r->secret, sizeof s->r->secret);
    return STEP_ANSWER;
}

/* An alias of the same name would take the mail away. */
static struct str alias_in_the_way(struct control_session *s, const struct address *adr, struct str key)
{
    const struct str *targets;
    const struct config_domain *d = config_domain_find(s->c->config, adr->domain.ascii);
    const struct config_alias *al = d ? config_alias_find(d, str_head(key, str_find_last(key, '@'))) : NULL;
    if (al)
        return control_place(s, al->file, al->line);
    return engine_alias(s->c->engine, key, &targets) ? S("penny alias show") : STR_NONE;
}

enum step control_do_USER_ADD(struct control_session *s)
{
    struct address adr;
    struct engine_account a;
    enum step n = control_address(s, s->name, &adr, &s->last);
    if (n != STEP_AGAIN)
        return n;
    if (engine_account_by_name(s->c->engine, s->last, &a))
        return control_end(s, EXIT_CREATE, "the user ", s->last, " exists already",
                           "to change the password: penny user passwd ADDRESS");
    struct str other = alias_in_the_way(s, &adr, s->last);
    if (other.n && !(s->r->flags & CONTROL_FORCE))
        return control_end(s, EXIT_CREATE, "an alias of that name exists and would get the mail: ", other, "",
                           "remove the alias first, or -y to have both");
    if (s->r->num[0] < -2)
        return control_end(s, EXIT_USAGE_BAD, "the quota is out of its limits", STR_NONE, "", "");
    if (s->r->flags & CONTROL_DRY_RUN)
        return control_end(s, 0, "would add ", s->last, "", "");
    return ask_verifier(s);
}

enum step control_do_USER_PASSWD(struct control_session *s)
{
    struct engine_account a;
    struct str key;
    enum step n = control_account(s, s->name, &a, &key);
    if (n != STEP_AGAIN)
        return n;
    s->cursor = a.id;
    if (s->r->flags & CONTROL_DRY_RUN)
        return control_end(s, 0, "would change the password of ", key, "", "");
    return ask_verifier(s);
}

/* ---- ls, show ---- */

struct listing {
    struct control_session *s;
    struct str domain;
    bool full;
};

static bool each_user(void *to, const struct engine_account *a)
{
    struct listing *l = to;
    struct control_session *s = l->s;
    if ((s->last.n && str_cmp(a->name, s->last) <= 0) || !control_in_domain(a->name, l->domain))
        return true;
    if (!user_line(s, a)) {
        l->full = true;
        return false;
    }
    s->more = true;
    s->last = control_keep(s, a->name);
    if (!s->last.p)
        s->broken = true;
    return !s->broken;
}

enum step control_do_USER_LS(struct control_session *s)
{
    struct listing l = {.s = s};
    enum step n = s->name.n ? control_domain(s, s->name, &l.domain) : STEP_AGAIN;
    if (n != STEP_AGAIN)
        return n;
    engine_accounts(s->c->engine, each_user, &l);
    if (l.full)
        return STEP_ROOM;
    return s->more ? control_ok(s)
                   : control_end(s, 0, "there are no users", STR_NONE, "", "penny user add alice@example.org makes one");
}

enum step control_do_USER_SHOW(struct control_session *s)
{
    struct engine_account a;
    struct str key;
    enum step n = control_account(s, s->name, &a, &key);
    if (n != STEP_AGAIN)
        return n;
    return user_line(s, &a) ? control_ok(s) : STEP_ROOM;
}

/* ---- rm, quota, suspend ---- */

enum step control_do_USER_RM(struct control_session *s)
{
    char text[80];
    struct engine_account a;
    struct str key;
    enum step n = control_account(s, s->name, &a, &key);
    if (n != STEP_AGAIN)
        return n;
    if (a.messages && !(s->r->flags & CONTROL_FORCE)) {
        struct buf b;
        buf_fixed(&b, text, sizeof text - 1);
        buf_printf(&b, " has %llu message%s that would be lost", (unsigned long long)a.messages, a.messages == 1 ? "" : "s");
        text[b.n] = 0;
        return control_end(s, CONTROL_CONFIRM, "", key, text, "remove all the same: -y");
    }
    if (s->r->flags & CONTROL_DRY_RUN)
        return control_end(s, 0, "would remove ", key, "", "");
    s->op = (struct op){.kind = OP_ACCOUNT_REMOVE};
    s->op.account.account = a.id;
    return control_submit(s, changed);
}

enum step control_do_USER_QUOTA(struct control_session *s)
{
    struct engine_account a;
    struct str key;
    enum step n = control_account(s, s->name, &a, &key);
    if (n != STEP_AGAIN)
        return n;
    if (s->r->num[0] < -2 || s->r->num[0] > (int64_t)1 << 50)
        return control_end(s, EXIT_USAGE_BAD, "the quota is out of its limits", STR_NONE, "", "for example 5G, none, or default");
    if (s->r->flags & CONTROL_DRY_RUN)
        return control_end(s, 0, "would change the quota of ", key, "", "");
    s->op = (struct op){.kind = OP_ACCOUNT_QUOTA};
    s->op.account.account = a.id;
    s->op.account.quota = s->r->num[0] > 0 ? (uint64_t)s->r->num[0] : s->r->num[0] == -2 ? UINT64_MAX : 0;
    return control_submit(s, changed);
}

enum step control_do_USER_SUSPEND(struct control_session *s)
{
    bool off = s->r->flags & CONTROL_OFF;
    struct engine_account a;
    struct str key;
    enum step n = control_account(s, s->name, &a, &key);
    if (n != STEP_AGAIN)
        return n;
    if (a.suspended == !off)
        return control_end(s, 0, "", key, off ? " was not suspended" : " was suspended already", "");
    if (s->r->flags & CONTROL_DRY_RUN)
        return control_end(s, 0, off ? "would let in again " : "would suspend ", key, "", "");
    s->op = (struct op){.kind = OP_ACCOUNT_SUSPEND};
    s->op.account.account = a.id;
    s->op.account.suspended = !off;
    return control_submit(s, changed);
}
