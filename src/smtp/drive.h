/* SPDX-License-Identifier: ISC */
/* Drives the machines with octets and chance, for the fuzz targets and for sessions_test: the first octets of the input choose
   settings, answers, pieces and time, the rest is what the peer sends. Whatever comes, the promises below are kept; a broken
   one ends the program (check). */
#pragma once
#include "smtp/client.h"
#include "smtp/fake_host.h"

enum { DRIVE_HEAD = 8, DRIVE_RUNS = 200000 };

struct drive { uint64_t dice; char line[SMTP_REPLY_LINE_MAX]; size_t line_n; unsigned replies, commits; };

static inline uint32_t drive_roll(struct drive *d, uint32_t limit)
{
    d->dice = d->dice * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(d->dice >> 33) % limit;
}

/* Promise: the server says nothing but reply lines: CRLF ended, at most 512 octets, three digits of 2yz to 5yz and a space or a
   dash. */
static inline void drive_reply_octets(struct drive *d, struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        check(d->line_n < sizeof d->line);
        d->line[d->line_n++] = s.p[i];
        check((unsigned char)s.p[i] >= ' ' || s.p[i] == '\r' || s.p[i] == '\n');
        if (s.p[i] != '\n')
            continue;
        const char *l = d->line;
        check(d->line_n >= 6 && l[d->line_n - 2] == '\r' && memchr(l, '\r', d->line_n) == l + d->line_n - 2);
        check(l[0] >= '2' && l[0] <= '5' && l[1] >= '0' && l[1] <= '5' && ascii_is_digit(l[2]) && (l[3] == ' ' || l[3] == '-'));
        d->replies += l[3] == ' ';
        d->line_n = 0;
    }
}

/* Promise: what is kept as text has no bare CR or LF and ends with CRLF. */
static inline void drive_text(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        check(s.p[i] != '\r' || (i + 1 < s.n && s.p[i + 1] == '\n'));
        check(s.p[i] != '\n' || (i > 0 && s.p[i - 1] == '\r'));
    }
    check(s.n == 0 || s.p[s.n - 1] == '\n');
}

static inline void drive_answer(struct drive *d, struct fake_host *f)
{
    struct smtp_ask *a = &f->s.ask;
    if (a->kind == SMTP_ASK_COMMIT) {
        check(a->envelope->rcpt_count > 0 && a->envelope->rcpt_count <= f->settings.rcpt_max);
        check(!f->settings.require_login || f->s.user.n);
        check(f->settings.message_max == 0 || f->message.n <= f->settings.message_max);
        check(a->received_count <= RECEIVED_MAX && a->trace.n > 0);
        check(a->envelope->priority >= -9 && a->envelope->priority <= (f->s.user.n ? f->settings.priority_max : 0));
        drive_text(a->trace);
        if (a->envelope->body != SMTP_BODY_BINARY)
            drive_text(buf_str(&f->message));
        d->commits++;
    }
    check(a->kind != SMTP_ASK_MAIL || !f->settings.require_login || f->s.user.n);
    f->rule_count = 0;
    if (drive_roll(d, 4) == 0) {
        static const char *const kinds[] = {"mail", "rcpt", "commit", "auth", "vrfy", "expn", "lmtp"};
        static const char *const rest[] = {" * retry 4.3.0 later", " * refuse 5.1.1 no", " * done - one|two", " * refuse 4.x odd",
                                           " * retry - "};
        char rule[64];
        const char *kind = kinds[drive_roll(d, 7)], *what = rest[drive_roll(d, 5)]; /* in this order with every compiler */
        snprintf(rule, sizeof rule, "%s%s", kind, what);
        check(fake_rule(f, str_c(rule)));
    }
    fake_answer(f);
}

static inline void drive_settings(struct drive *d, struct fake_host *f, const uint8_t *h)
{
    fake_settings(f);
    f->settings.kind = h[0] % 3 == 0 ? SMTP_RELAY : h[0] % 3 == 1 ? SMTP_SUBMISSION : SMTP_LMTP;
    f->settings.require_login = f->settings.kind == SMTP_SUBMISSION && (h[0] & 16);
    f->settings.add_missing = f->settings.kind == SMTP_SUBMISSION;
    f->settings.login_offered = h[1] & 1;
    f->settings.login_needs_tls = h[1] & 2;
    f->settings.offer_tls = h[1] & 4;
    f->settings.vrfy_allowed = h[1] & 8;
    f->settings.expn_allowed = h[1] & 16;
    f->settings.bare = h[1] & 32 ? SMTP_BARE_REFUSE : SMTP_BARE_NORMALISE;
    f->settings.scram_sha1 = h[1] & 64;
    f->settings.message_max = h[2] & 1 ? 60 : h[2] & 2 ? 0 : 5000;
    f->settings.rcpt_max = h[2] & 4 ? 2 : 10;
    f->settings.error_max = h[2] & 8 ? 100 : 5;
    f->settings.transaction_max = h[2] & 16 ? 2 : 0;
    f->settings.priority_max = h[2] & 128 ? 9 : 4;
    f->settings.greet_delay_ms = h[2] & 32 ? 1000 : 0;
    f->body_max = h[2] & 64 ? SMTP_SERVER_BODY_MIN : 70000;
    d->dice = (uint64_t)h[3] << 24 | (uint64_t)h[4] << 16 | (uint64_t)h[5] << 8 | h[6];
}

/* One session. h[7]: bit 0 all input at once, bit 1 a tiny output buffer, bits 2 and 3: a polite peer sends line by line and
   waits for replies. */
static inline struct drive drive_server(const uint8_t *data, size_t size)
{
    static struct fake_host f;
    struct drive d = {0};
    struct buf out;
    if (size < DRIVE_HEAD)
        return d;
    drive_settings(&d, &f, data);
    bool polite = data[7] & 12, at_once = data[7] & 1 && !polite, tiny = data[7] & 2;
    buf_init(&out, tiny ? SMTP_SERVER_OUT_MIN : 1 << 20);
    struct machine *m = fake_open(&f, &out);
    check(m != NULL);
    const char *p = (const char *)data + DRIVE_HEAD;
    size_t have = 0, taken = 0, n = size - DRIVE_HEAD;
    bool over = false;
    m->now_ms = 1000;
    m->unix_ms = 1764012001000;
    for (unsigned run = 0; !over; run++) {
        check(run < DRIVE_RUNS);
        char *copy = malloc(have - taken + 1); /* exact, so that a sanitizer sees each overrun */
        check(copy != NULL);
        memcpy(copy, p + taken, have - taken);
        m->in = str_of(copy, have - taken);
        enum next next = machine_run(m);
        taken = have - m->in.n;
        m->in = STR_NONE;
        free(copy);
        size_t some = tiny ? drive_roll(&d, 50) : out.n;
        drive_reply_octets(&d, str_head(buf_str(&out), some));
        buf_consume(&out, some);
        fake_ran(&f, tiny);
        if (next == HANG_UP) {
            over = true;
        } else if (next == NEED_TLS) {
            m->tls.active = drive_roll(&d, 8) != 0;
            taken = have;
        } else if (m->wants & WANT_ANSWER && (at_once || drive_roll(&d, 2))) {
            drive_answer(&d, &f);
        } else if (m->deadline_ms && drive_roll(&d, 64) == 0) {
            m->now_ms = m->deadline_ms;
            m->timed_out = true;
        } else if (have < n) {
            size_t piece = at_once ? n : 1 + drive_roll(&d, 40);
            if (polite) {
                struct str line = str_of(p + have, n - have);
                piece = m->wants & WANT_INPUT ? str_find(line, '\n') + 1 : 0;
            }
            have += piece < n - have ? piece : n - have;
        } else if (!(m->wants & WANT_ANSWER) && out.n == 0 && f.body.n == 0) {
            m->in_end = true;
        }
        m->stopping = m->stopping || drive_roll(&d, 4000) == 0;
    }
    check(machine_run(m) == HANG_UP);
    drive_reply_octets(&d, buf_str(&out));
    check(d.line_n == 0);
    fake_close(&f);
    buf_free(&out);
    return d;
}

/* --- the client ---------------------------------------------------------- */

struct drive_message { struct smtp_client_message m; struct smtp_client_rcpt rcpt[3]; };

static inline void drive_make_message(struct drive *d, struct drive_message *m, const struct str *texts)
{
    *m = (struct drive_message){0};
    m->m.rcpt = m->rcpt;
    m->m.rcpt_count = 1 + drive_roll(d, 3);
    m->m.from = drive_roll(d, 4) ? S("alice@demo.test") : S("");
    m->m.body = (enum smtp_body)drive_roll(d, 3);
    m->m.ret = (enum smtp_ret)drive_roll(d, 3);
    m->m.envid = drive_roll(d, 2) ? S("a=b") : S("");
    m->m.requiretls = drive_roll(d, 6) == 0;
    m->m.priority = (int)drive_roll(d, 19) - 9;
    m->m.has_priority = drive_roll(d, 2);
    m->m.size = texts[m->m.body].n;
    for (uint32_t i = 0; i < m->m.rcpt_count; i++)
        m->rcpt[i] = (struct smtp_client_rcpt){
            .address = S("\"b c\"@demo.test"), .orcpt = S("rfc822;b+c@demo.test"), .notify = drive_roll(d, 16)};
}

/* Promise: every recipient of every message that was handed over has an outcome, and a success is one that the peer told. */
static inline void drive_judge(const struct smtp_client_message *m)
{
    check(m->finished && m->result.outcome);
    for (uint32_t i = 0; i < m->rcpt_count; i++) {
        const struct smtp_result *r = &m->rcpt[i].result;
        check(r->outcome == DONE || r->outcome == RETRY || r->outcome == REFUSE);
        check((r->outcome == DONE) == (r->code >= 200 && r->code < 300));
        check(r->text.n <= 512);
    }
}

/* The peer's octets against a client with three messages. Commands and DATA are checked for bare CR and LF (not BDAT: those are
   counted octets). */
static inline struct drive drive_client(const uint8_t *data, size_t size)
{
    static const struct str texts[3] = {
        {"A: b\r\n\r\n.x\r\n..\r\n", 17}, {"A: b\r\n\r\n\xc3\xa9\n.\n\rz", 15}, {"\0\r\n.\r\n\xff", 7}};
    struct drive d = {0};
    if (size < DRIVE_HEAD)
        return d;
    struct smtp_client_settings t = {.helo = S("me.test"),
                                     .lmtp = data[0] & 1,
                                     .tls = (enum smtp_tls_policy)(data[0] / 2 % 3),
                                     .user = data[1] & 1 ? S("alice@demo.test") : S(""),
                                     .password = S("secret"),
                                     .scram_sha1 = data[1] & 2,
                                     .cleartext_login = data[1] & 4,
                                     .prefer_chunking = data[1] & 8,
                                     .eight_bit_anyway = data[1] & 16};
    d.dice = (uint64_t)data[3] << 24 | (uint64_t)data[4] << 16 | (uint64_t)data[5] << 8 | data[6];
    struct arena connection, transaction;
    struct buf out;
    struct drive_message message;
    arena_init(&connection, SESSION_CONNECTION_MEM);
    arena_init(&transaction, SESSION_TRANSACTION_MEM);
    buf_init(&out, SMTP_CLIENT_OUT_MIN);
    struct smtp_client c = {.settings = &t, .connection = &connection, .transaction = &transaction};
    c.m.out = &out;
    c.m.now_ms = 1000;
    check(smtp_client_init(&c));
    const char *p = (const char *)data + DRIVE_HEAD;
    size_t have = 0, taken = 0, n = size - DRIVE_HEAD;
    unsigned left = 3;
    bool binary = t.prefer_chunking, over = false;
    char before = 0;
    for (unsigned run = 0; !over; run++) {
        check(run < DRIVE_RUNS);
        char *copy = malloc(have - taken + 1);
        check(copy != NULL);
        memcpy(copy, p + taken, have - taken);
        c.m.in = str_of(copy, have - taken);
        enum next next = machine_run(&c.m);
        taken = have - c.m.in.n;
        c.m.in = STR_NONE;
        free(copy);
        size_t some = data[7] & 2 ? drive_roll(&d, 50) : out.n;
        struct str sent = str_head(buf_str(&out), some);
        binary = binary || (c.message && c.message->body == SMTP_BODY_BINARY);
        for (size_t i = 0; i < sent.n && !binary; before = sent.p[i++])
            check((sent.p[i] == '\n') == (before == '\r'));
        buf_consume(&out, sent.n);
        if (next == HANG_UP) {
            over = true;
        } else if (next == NEED_TLS) {
            c.m.tls.active = drive_roll(&d, 8) != 0;
            taken = have;
        } else if ((c.m.wants & WANT_ANSWER) && c.ask.kind == SMTP_CLIENT_ASK_MESSAGE) {
            if (c.message)
                drive_judge(c.message);
            c.message = left ? &message.m : NULL;
            if (left-- > 0)
                drive_make_message(&d, &message, texts);
            else
                left = 0;
            c.m.answered = true;
        } else if (c.m.wants & WANT_ANSWER) {
            struct str rest = str_skip(texts[message.m.body], (size_t)c.ask.offset);
            c.ask.data = str_head(rest, 1 + drive_roll(&d, 9));
            c.ask.outcome = drive_roll(&d, 50) ? DONE : RETRY;
            c.m.answered = true;
        } else if (c.m.deadline_ms && drive_roll(&d, 64) == 0) {
            c.m.now_ms = c.m.deadline_ms;
            c.m.timed_out = true;
        } else if (have < n) {
            size_t piece = data[7] & 1 ? n : 1 + drive_roll(&d, 40);
            have += piece < n - have ? piece : n - have;
        } else {
            c.m.in_end = true;
        }
    }
    check(machine_run(&c.m) == HANG_UP);
    if (c.message)
        drive_judge(c.message);
    d.commits = 3 - left;
    smtp_client_clear(&c);
    arena_clear(&connection);
    arena_clear(&transaction);
    buf_free(&out);
    return d;
}
