/* SPDX-License-Identifier: ISC */
/* A host for tests and fuzzers: it answers a server machine's questions as it was told, drains the body, and keeps what was
   committed. Only *_test.c and *_fuzz.c include this; it is one file with its functions inside, since tests link with the
   folder's archive and nothing else. */
#pragma once
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/check.h"
#include "base/limits.h"
#include "smtp/server.h"

enum { FAKE_BODY_MAX = 1 << 22, FAKE_RULES = 64 };

struct fake_rule { char kind[8]; char match[64]; enum outcome outcome; struct why why; };

struct fake_host {
    struct smtp_server s;
    struct smtp_settings settings;
    struct buf body, message, log;
    size_t body_max;
    struct arena connection, transaction, scratch;
    struct fake_rule rules[FAKE_RULES]; size_t rule_count;
    char hostname[64];
    unsigned auth_step;
    bool auth_never, no_sender_check, trusted;
    uint64_t ids;
    uint64_t dice;
    bool open;
};

static inline uint64_t fake_next_id(void *host) { return ++((struct fake_host *)host)->ids; }

static inline void fake_settings(struct fake_host *f)
{
    str_to_c(S("mail.demo.test"), f->hostname, sizeof f->hostname);
    f->settings = (struct smtp_settings){.kind = SMTP_RELAY,
                                         .hostname = str_c(f->hostname),
                                         .message_max = 100000,
                                         .rcpt_max = 10,
                                         .error_max = 5,
                                         .command_timeout_ms = 300000,
                                         .data_timeout_ms = 300000,
                                         .login_needs_tls = true};
    f->body_max = 4096;
    f->rule_count = 0;
    f->auth_step = 0;
    f->auth_never = f->trusted = false;
    f->ids = 0;
    f->dice = 99;
}

static inline struct machine *fake_open(struct fake_host *f, struct buf *out)
{
    buf_init(&f->body, f->body_max);
    buf_init(&f->message, FAKE_BODY_MAX);
    buf_init(&f->log, FAKE_BODY_MAX);
    arena_init(&f->connection, SESSION_CONNECTION_MEM);
    arena_init(&f->transaction, SESSION_TRANSACTION_MEM);
    arena_init(&f->scratch, SESSION_SCRATCH_MEM);
    f->s = (struct smtp_server){.settings = &f->settings,
                                .body = &f->body,
                                .connection = &f->connection,
                                .transaction = &f->transaction,
                                .scratch = &f->scratch,
                                .next_id = fake_next_id,
                                .host = f};
    f->s.m.out = out;
    str_to_c(S("192.0.2.1"), f->s.client.ip, sizeof f->s.client.ip);
    f->s.client.trusted = f->trusted;
    f->open = smtp_server_init(&f->s);
    return f->open ? &f->s.m : NULL;
}

static inline void fake_close(struct fake_host *f)
{
    if (f->open)
        smtp_server_clear(&f->s);
    f->open = false;
    arena_clear(&f->connection);
    arena_clear(&f->transaction);
    arena_clear(&f->scratch);
    buf_free(&f->body);
    buf_free(&f->message);
    buf_free(&f->log);
}

/* After every run. tiny: a few octets only. */
static inline void fake_ran(struct fake_host *f, bool tiny)
{
    if (f->s.body_aborted) {
        buf_clear(&f->message);
        f->s.body_aborted = false;
    }
    f->dice = f->dice * 6364136223846793005u + 1442695040888963407u;
    size_t n = tiny ? (size_t)(f->dice >> 33) % 60 : f->body.n;
    if (n > f->body.n)
        n = f->body.n;
    buf_add(&f->message, str_head(buf_str(&f->body), n));
    buf_consume(&f->body, n);
}

static inline void fake_say(struct fake_host *f, const char *kind, struct str what)
{
    struct smtp_ask *a = &f->s.ask;
    a->outcome = DONE;
    for (size_t i = 0; i < f->rule_count; i++) {
        struct fake_rule *r = &f->rules[i];
        if (strcmp(r->kind, kind) == 0 && str_find_str(what, str_c(r->match)) < what.n + (r->match[0] == 0)) {
            a->outcome = r->outcome;
            a->why = r->why;
            return;
        }
    }
}

static inline void fake_auth(struct fake_host *f)
{
    struct smtp_ask *a = &f->s.ask;
    if (a->mechanism.n)
        f->auth_step = 0;
    fake_say(f, "auth", STR_NONE);
    bool plain = a->mechanism.n ? str_eq_icase(a->mechanism, S("PLAIN")) : f->auth_step >= 10;
    struct str good = S("\0alice@demo.test\0secret");
    a->auth = SMTP_AUTH_FAILED;
    if (plain && !a->has_data) {
        a->auth = SMTP_AUTH_MORE;
        f->auth_step = 10;
    } else if (plain) {
        a->auth = str_eq(a->data, good) || str_ends(a->data, S("\0secretpassword")) ? SMTP_AUTH_OK : SMTP_AUTH_FAILED;
    } else { /* LOGIN and others: two questions, then the word is "secret" */
        static const char *const questions[] = {"User Name", "Password"};
        if (f->auth_step == 0 && a->has_data)
            f->auth_step = 1;
        if (f->auth_step < 2) {
            a->answer_data = str_c(questions[f->auth_step++]);
            a->auth = SMTP_AUTH_MORE;
        } else {
            a->auth = str_eq(a->data, S("secret")) ? SMTP_AUTH_OK : SMTP_AUTH_FAILED;
        }
    }
    if (a->outcome != DONE)
        a->auth = SMTP_AUTH_FAILED;
    if (a->auth == SMTP_AUTH_OK)
        f->s.user = S("alice@demo.test");
}

static inline void fake_log_address(struct buf *b, const char *name, const struct address *adr)
{
    buf_add_c(b, name);
    buf_add(b, S("<"));
    address_print(b, adr, false);
    buf_add(b, S(">"));
}

static inline void fake_commit(struct fake_host *f)
{
    struct smtp_ask *a = &f->s.ask;
    const struct smtp_envelope *e = a->envelope;
    check(f->body.n == 0);
    check(a->size == f->message.n);
    struct buf *b = &f->log;
    fake_say(f, "commit", STR_NONE);
    fake_log_address(b, "== message from ", &e->from);
    for (uint32_t i = 0; i < e->rcpt_count; i++) {
        fake_log_address(b, " to ", &e->rcpt[i].adr);
        if (e->rcpt[i].notify)
            buf_printf(b, " notify=%u", (unsigned)e->rcpt[i].notify);
        if (e->rcpt[i].orcpt.n) {
            buf_add(b, S(" orcpt="));
            buf_add(b, e->rcpt[i].orcpt);
        }
    }
    buf_printf(b, " body=%d utf8=%d ret=%d size=%llu received=%u 8bit=%d%d", (int)e->body, e->smtputf8, (int)e->ret,
               (unsigned long long)a->size, (unsigned)a->received_count, a->header_8bit, a->body_8bit);
    if (e->priority)
        buf_printf(b, " priority=%d", e->priority);
    if (e->requiretls)
        buf_add(b, S(" requiretls"));
    if (e->envid.n) {
        buf_add(b, S(" envid="));
        buf_add(b, e->envid);
    }
    if (e->auth.n) {
        buf_add(b, S(" auth="));
        buf_add(b, e->auth);
    }
    buf_add(b, S("\r\n"));
    buf_add(b, a->trace);
    buf_add(b, buf_str(&f->message));
    buf_printf(b, "== outcome %d\r\n", (int)a->outcome);
    buf_clear(&f->message);
}

static inline void fake_answer(struct fake_host *f)
{
    struct smtp_ask *a = &f->s.ask;
    static enum outcome outcomes[1024];
    static struct why whys[1024];
    char text[1024];
    struct buf b;
    buf_fixed(&b, text, sizeof text);
    switch (a->kind) {
    case SMTP_ASK_NONE: check(false); break;
    case SMTP_ASK_AUTH: fake_auth(f); break;
    case SMTP_ASK_MAIL:
        address_print(&b, &a->envelope->from, false);
        fake_say(f, "mail", buf_str(&b));
        break;
    case SMTP_ASK_RCPT:
        address_print(&b, &a->rcpt->adr, false);
        fake_say(f, "rcpt", buf_str(&b));
        break;
    case SMTP_ASK_COMMIT:
        fake_commit(f);
        if (f->settings.kind == SMTP_LMTP) {
            for (uint32_t i = 0; i < a->envelope->rcpt_count && i < 1024; i++) {
                enum outcome all = a->outcome;
                struct why why = a->why;
                buf_clear(&b);
                address_print(&b, &a->envelope->rcpt[i].adr, false);
                fake_say(f, "lmtp", buf_str(&b));
                outcomes[i] = all == DONE ? a->outcome : all;
                whys[i] = all == DONE ? a->why : why;
                a->outcome = all;
                a->why = why;
            }
            a->rcpt_outcome = outcomes;
            a->rcpt_why = whys;
        }
        break;
    case SMTP_ASK_VRFY:
    case SMTP_ASK_EXPN:
        fake_say(f, a->kind == SMTP_ASK_VRFY ? "vrfy" : "expn", a->data);
        a->answer_data = str_c(a->why.text);
        break;
    }
    f->s.m.answered = true;
}

/* "kind match outcome status text": ANSWER rcpt nobody@ refuse 5.1.1 No such mailbox. match "*": anything. */
static inline bool fake_rule(struct fake_host *f, struct str text)
{
    if (f->rule_count == FAKE_RULES)
        return false;
    struct fake_rule *r = &f->rules[f->rule_count];
    struct str kind = str_word(&text), match = str_word(&text), outcome = str_word(&text), status = str_word(&text);
    *r = (struct fake_rule){{0}, {0}, DONE, {{0}, {0}}};
    if (!str_to_c(kind, r->kind, sizeof r->kind) || !str_to_c(str_eq(match, S("*")) ? S("") : match, r->match, sizeof r->match))
        return false;
    r->outcome = str_eq(outcome, S("done"))     ? DONE
                 : str_eq(outcome, S("retry"))  ? RETRY
                 : str_eq(outcome, S("refuse")) ? REFUSE
                                                : 0;
    if (!str_eq(status, S("-")) && !str_to_c(status, r->why.status, sizeof r->why.status))
        return false;
    if (!str_to_c(str_trim(text), r->why.text, sizeof r->why.text) || !r->outcome)
        return false;
    for (char *c = r->why.text; *c; c++)
        *c = *c == '|' ? '\n' : *c; /* EXPN's lines */
    f->rule_count++;
    return true;
}

static inline bool fake_set(struct fake_host *f, struct str text)
{
    struct smtp_settings *t = &f->settings;
    for (struct str word; (word = str_word(&text)).n;) {
        struct str v, name = str_cut(word, '=', &v);
        uint64_t n = 0;
        bool number = str_to_u64(v, &n), on = n != 0;
        if (str_eq(name, S("kind")))
            t->kind = str_eq(v, S("submission")) ? SMTP_SUBMISSION : str_eq(v, S("lmtp")) ? SMTP_LMTP : SMTP_RELAY;
        else if (!number)
            return false;
        else if (str_eq(name, S("message_max"))) t->message_max = n;
        else if (str_eq(name, S("rcpt_max"))) t->rcpt_max = (uint32_t)n;
        else if (str_eq(name, S("error_max"))) t->error_max = (uint32_t)n;
        else if (str_eq(name, S("transaction_max"))) t->transaction_max = (uint32_t)n;
        else if (str_eq(name, S("bare_refuse"))) t->bare = on ? SMTP_BARE_REFUSE : SMTP_BARE_NORMALISE;
        else if (str_eq(name, S("offer_tls"))) t->offer_tls = on;
        else if (str_eq(name, S("login_needs_tls"))) t->login_needs_tls = on;
        else if (str_eq(name, S("login"))) t->login_offered = on;
        else if (str_eq(name, S("scram_sha1"))) t->scram_sha1 = on;
        else if (str_eq(name, S("expn"))) t->expn_allowed = on;
        else if (str_eq(name, S("vrfy"))) t->vrfy_allowed = on;
        else if (str_eq(name, S("require_login"))) t->require_login = on;
        else if (str_eq(name, S("add_missing"))) t->add_missing = on;
        else if (str_eq(name, S("priority_max"))) t->priority_max = (int)n;
        else if (str_eq(name, S("trusted"))) f->trusted = on;
        else if (str_eq(name, S("greet_delay"))) t->greet_delay_ms = (int64_t)n;
        else if (str_eq(name, S("body_max"))) f->body_max = (size_t)n;
        else return false;
    }
    return true;
}
