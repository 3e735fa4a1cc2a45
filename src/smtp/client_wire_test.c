// SPDX-License-Identifier: ISC
/* Plays tests/wire/smtp-client/ *.t: S: lines are the peer's, C: lines are what the client machine must send. Directives:
     SET user=… password=… tls=never|opportunistic|required lmtp=1 cleartext=1 chunking=1
     MESSAGE from=… to=a,b utf8=1 requiretls=1 priority=n body=7bit|8bit|binary ret=full|hdrs envid=… notify=bits orcpt=… (\xNN
   escapes) TEXT octets, with escapes, of the last MESSAGE           BROKEN: it cannot be read to its end After RESULT: what came
   of each message and of the session. */
#include <dirent.h>
#include "base/clock.h"
#include "base/test.h"
#include "base/transcript.h"
#include "smtp/client.h"

enum { MESSAGES = 8, RCPTS = 8, SEEDS = 6 };

struct message { struct smtp_client_message m; struct smtp_client_rcpt rcpt[RCPTS]; struct str text; bool broken; };

struct host {
    struct smtp_client c;
    struct smtp_client_settings settings;
    struct arena connection, transaction, memory;
    struct message messages[MESSAGES];
    size_t count, next;
    struct buf log;
    uint64_t dice;
    bool opened;
};

static void forget(struct host *h)
{
    arena_clear(&h->memory);
    arena_init(&h->memory, 1 << 20);
    h->settings = (struct smtp_client_settings){.helo = S("me.test"), .tls = SMTP_TLS_OPPORTUNISTIC};
    h->count = h->next = 0;
    h->opened = false;
}

static struct machine *host_open(void *self, struct buf *out)
{
    struct host *h = self;
    arena_init(&h->connection, 64 * 1024);
    arena_init(&h->transaction, 1 << 20);
    buf_init(&h->log, 1 << 20);
    h->dice = 5;
    h->next = 0;
    h->c = (struct smtp_client){.settings = &h->settings, .connection = &h->connection, .transaction = &h->transaction};
    h->c.m.out = out;
    h->opened = true;
    h->c.message = h->count ? &h->messages[0].m : NULL; /* known from the start, so that a session that never comes so far speaks
                                                           of it too */
    return smtp_client_init(&h->c) ? &h->c.m : NULL;
}

static struct str escaped(struct host *h, struct str s)
{
    char *p = arena_alloc(&h->memory, s.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        static const char hex[] = "0123456789abcdef";
        if (s.p[i] != '\\' || i + 1 == s.n) {
            p[n++] = s.p[i];
            continue;
        }
        switch (s.p[++i]) {
        case 'r': p[n++] = '\r'; break;
        case 'n': p[n++] = '\n'; break;
        case '0': p[n++] = 0; break;
        case 'x':
            if (i + 2 < s.n) {
                const char *a = strchr(hex, ascii_lower(s.p[i + 1])), *b = strchr(hex, ascii_lower(s.p[i + 2]));
                if (a && b)
                    p[n++] = (char)((a - hex) * 16 + (b - hex));
            }
            i += 2;
            break;
        default: p[n++] = s.p[i]; break;
        }
    }
    return str_of(p, n);
}

static bool set_option(struct host *h, struct str name, struct str v)
{
    struct smtp_client_settings *t = &h->settings;
    struct str keep = arena_str(&h->memory, v);
    if (str_eq(name, S("user"))) t->user = keep;
    else if (str_eq(name, S("password"))) t->password = keep;
    else if (str_eq(name, S("lmtp"))) t->lmtp = true;
    else if (str_eq(name, S("cleartext"))) t->cleartext_login = true;
    else if (str_eq(name, S("chunking"))) t->prefer_chunking = true;
    else if (str_eq(name, S("tls")))
        t->tls = str_eq(v, S("required")) ? SMTP_TLS_REQUIRED : str_eq(v, S("never")) ? SMTP_TLS_NEVER : SMTP_TLS_OPPORTUNISTIC;
    else return false;
    return true;
}

static bool message_option(struct host *h, struct message *m, struct str name, struct str v)
{
    uint64_t n = 0;
    struct str text = escaped(h, v);
    if (str_eq(name, S("from"))) m->m.from = text;
    else if (str_eq(name, S("utf8"))) m->m.smtputf8 = true;
    else if (str_eq(name, S("requiretls"))) m->m.requiretls = true;
    else if (str_eq(name, S("priority"))) {
        bool minus = v.n && v.p[0] == '-';
        if (!str_to_u64(str_skip(v, minus), &n))
            return false;
        m->m.priority = minus ? -(int)n : (int)n;
        m->m.has_priority = true;
    } else if (str_eq(name, S("envid")))
        m->m.envid = text;
    else if (str_eq(name, S("ret"))) m->m.ret = str_eq(v, S("full")) ? SMTP_RET_FULL : SMTP_RET_HDRS;
    else if (str_eq(name, S("body")))
        m->m.body = str_eq(v, S("8bit")) ? SMTP_BODY_8BIT : str_eq(v, S("binary")) ? SMTP_BODY_BINARY : SMTP_BODY_7BIT;
    else if (str_eq(name, S("notify")) && str_to_u64(v, &n)) m->rcpt[0].notify = (uint32_t)n;
    else if (str_eq(name, S("orcpt"))) m->rcpt[0].orcpt = text;
    else if (str_eq(name, S("to"))) {
        for (struct str one; text.n && m->m.rcpt_count < RCPTS;) {
            one = str_cut(text, ',', &text);
            m->rcpt[m->m.rcpt_count++].address = one;
        }
    } else return false;
    return true;
}

static bool host_directive(void *self, struct str word, struct str text)
{
    struct host *h = self;
    bool message = str_eq(word, S("MESSAGE")), ok = true;
    if (str_eq(word, S("TEXT")) && h->count) {
        struct message *m = &h->messages[h->count - 1];
        m->text = escaped(h, text);
        m->m.size = m->text.n;
        return true;
    }
    if (str_eq(word, S("BROKEN")) && h->count)
        return h->messages[h->count - 1].broken = true;
    if (!message && !str_eq(word, S("SET")))
        return false;
    if (message && h->count == MESSAGES)
        return false;
    struct message *m = message ? &h->messages[h->count++] : NULL;
    if (m) {
        *m = (struct message){0};
        m->m.rcpt = m->rcpt;
    }
    for (struct str one; ok && (one = str_word(&text)).n;) {
        struct str v, name = str_cut(one, '=', &v);
        ok = m ? message_option(h, m, name, v) : set_option(h, name, v);
    }
    return ok;
}

static void log_result(struct buf *b, struct str name, const struct smtp_result *r)
{
    buf_add(b, name);
    buf_printf(b, ": outcome=%d", (int)r->outcome);
    if (r->outcome) {
        buf_printf(b, " code=%u status=%s text=", (unsigned)r->code, r->status);
        buf_add(b, r->text);
    }
}

static void log_message(struct host *h, const struct smtp_client_message *m)
{
    CHECK(m->finished);
    log_result(&h->log, S("message"), &m->result);
    buf_add(&h->log, S("\r\n"));
    for (uint32_t i = 0; i < m->rcpt_count; i++) {
        log_result(&h->log, m->rcpt[i].address, &m->rcpt[i].result);
        buf_add(&h->log, S("\r\n"));
    }
}

static void host_answer(void *self)
{
    struct host *h = self;
    struct smtp_client_ask *a = &h->c.ask;
    if (a->kind == SMTP_CLIENT_ASK_MESSAGE) {
        if (h->next)
            log_message(h, &h->messages[h->next - 1].m);
        h->c.message = h->next < h->count ? &h->messages[h->next++].m : NULL;
    } else {
        struct message *m = &h->messages[h->next - 1];
        struct str rest = str_skip(m->text, (size_t)a->offset);
        h->dice = h->dice * 6364136223846793005u + 1;
        a->data = str_head(rest, 1 + (size_t)(h->dice >> 40) % 7);
        a->outcome = rest.n == 0 && m->broken ? RETRY : DONE;
    }
    h->c.m.answered = true;
}

static void host_ran(void *self, bool tiny)
{
    (void)self;
    (void)tiny;
}

static void host_close(void *self, struct buf *result)
{
    struct host *h = self;
    const struct smtp_client_message *last = h->c.message;
    if (last && (h->next == 0 || last == &h->messages[h->next - 1].m) && last->finished)
        log_message(h, last);
    log_result(&h->log, S("session"), &h->c.failure);
    if (h->c.failed_at)
        buf_printf(&h->log, " at=%s", h->c.failed_at);
    buf_add(&h->log, S("\r\n"));
    buf_add(result, buf_str(&h->log));
    smtp_client_clear(&h->c);
    arena_clear(&h->connection);
    arena_clear(&h->transaction);
    buf_free(&h->log);
    forget(h);
}

static bool play_file(const char *path)
{
    static struct host h;
    static char text[65536];
    char error[4096] = "";
    FILE *f = fopen(path, "rb");
    size_t n = f ? fread(text, 1, sizeof text, f) : 0;
    struct arena a;
    struct transcript t;
    if (f)
        fclose(f);
    arena_init(&a, 8 << 20);
    forget(&h);
    struct transcript_host th = {.self = &h,
                                 .peer = 'S',
                                 .out_min = SMTP_CLIENT_OUT_MIN,
                                 .open = host_open,
                                 .directive = host_directive,
                                 .answer = host_answer,
                                 .ran = host_ran,
                                 .close = host_close};
    bool ok = transcript_parse(&a, path, str_of(text, n), &t, error, sizeof error) &&
              transcript_play_all(&t, &th, SEEDS, error, sizeof error);
    if (!ok)
        test_fail(path, 0, "%s", error);
    arena_clear(&a);
    arena_clear(&h.memory);
    return ok;
}

TEST(transcripts)
{
    const char *dir = "tests/wire/smtp-client", *only = getenv("PENNY_WIRE_ONLY");
    DIR *d = opendir(dir);
    struct dirent *e;
    char path[512];
    unsigned played = 0;
    CHECK(d != NULL);
    while (d && (e = readdir(d))) {
        if (!str_ends(str_c(e->d_name), S(".t")) || (only && !strstr(e->d_name, only)))
            continue;
        snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
        CHECK(play_file(path));
        played++;
    }
    CHECK(played > 0);
    if (d)
        closedir(d);
}
