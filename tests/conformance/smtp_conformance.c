// SPDX-License-Identifier: ISC
/* Public vectors against the SMTP codec and machine: smtp_conformance VECTORS [EXCUSES]. Prints "suite passed failed excused"
   for each suite, names every failure on standard error, and exits 1 when one has no excuse
   (tests/conformance/excuses-smtp.txt: suite, case, RFC section, reason). An excuse that is not needed is a failure, too. */
#include "base/encode.h"
#include "base/facts.h"
#include "base/json.h"
#include "smtp/codec.h"
#include "smtp/fake_host.h"

enum { FILE_MAX = 4 << 20, EXCUSES_MAX = 400 };

struct excuse { struct str suite, id; bool used; };
static struct excuse excuses[EXCUSES_MAX];
static size_t excuse_count;
static struct arena memory;
static const char *folder;
static struct { const char *name; unsigned passed, failed, excused; } suite;
static bool bad;

/* --- bookkeeping --------------------------------------------------------- */

static struct str read_file(const char *dir, const char *name)
{
    char path[1024];
    snprintf(path, sizeof path, "%s%s%s", dir, dir[0] ? "/" : "", name);
    FILE *f = fopen(path, "rb");
    char *p = f ? arena_alloc(&memory, FILE_MAX) : NULL;
    size_t n = p ? fread(p, 1, FILE_MAX, f) : 0;
    if (f)
        fclose(f);
    return n ? str_of(p, n) : STR_NONE;
}

static void read_excuses(const char *path)
{
    struct str text = read_file("", path);
    while (text.n && excuse_count < EXCUSES_MAX) {
        struct str line = str_cut(text, '\n', &text);
        struct str name = str_word(&line);
        if (name.n && name.p[0] != '#')
            excuses[excuse_count++] = (struct excuse){name, str_word(&line), false};
    }
}

static void begin(const char *name)
{
    suite.name = name;
    suite.passed = suite.failed = suite.excused = 0;
}

static void judge(const char *id, bool ok, struct str detail)
{
    struct excuse *e = NULL;
    for (size_t i = 0; i < excuse_count && !e; i++)
        if (str_eq(excuses[i].suite, str_c(suite.name)) && str_eq(excuses[i].id, str_c(id)))
            e = &excuses[i];
    if (e)
        e->used = true;
    if (ok && !e) {
        suite.passed++;
    } else if (!ok && e) {
        suite.excused++;
    } else {
        suite.failed++;
        bad = true;
        fprintf(stderr, "%s %s: %s%.*s\n", suite.name, id, ok ? "passed, though it is excused: " : "",
                STR_ARG(str_head(detail, 200)));
    }
}

static void end(void)
{
    printf("%-52s %8u %8u %8u\n", suite.name, suite.passed, suite.failed, suite.excused);
    if (suite.passed + suite.failed + suite.excused == 0) {
        fprintf(stderr, "%s: no case was found\n", suite.name);
        bad = true;
    }
}

static const struct json *load(const char *name)
{
    struct str text = read_file(folder, name);
    const struct json *j = text.n ? json_parse(&memory, text) : NULL;
    if (!j) {
        fprintf(stderr, "%s cannot be read\n", name);
        bad = true;
    }
    return j;
}

static const struct json *table(const struct json *j, const char *name)
{
    const struct json *t = j ? json_get(json_get(j, "tables"), name) : NULL;
    return t ? t->child : NULL;
}

static const char *number(const char *prefix, unsigned n)
{
    static char text[64];
    snprintf(text, sizeof text, "%s%u", prefix, n);
    return text;
}

/* --- a server session ---------------------------------------------------- */

struct session { struct fake_host f; struct buf out, in; struct machine *m; bool over; unsigned commits; struct buf first; };

static void session_open(struct session *s, void (*settings)(struct fake_host *f))
{
    fake_settings(&s->f);
    s->f.settings.message_max = 0;
    s->f.body_max = 8 << 20;
    if (settings)
        settings(&s->f);
    buf_init(&s->out, 1 << 20);
    buf_init(&s->in, 8 << 20);
    buf_init(&s->first, 8 << 20);
    s->m = fake_open(&s->f, &s->out);
    check(s->m != NULL);
    s->m->now_ms = 1000;
    s->over = false;
    s->commits = 0;
}

static void session_close(struct session *s)
{
    fake_close(&s->f);
    buf_free(&s->out);
    buf_free(&s->in);
    buf_free(&s->first);
}

static void session_run(struct session *s)
{
    while (!s->over) {
        size_t had = s->in.n;
        s->m->in = buf_str(&s->in);
        enum next next = machine_run(s->m);
        buf_consume(&s->in, had - s->m->in.n);
        fake_ran(&s->f, false);
        if (next == HANG_UP) {
            s->over = true;
        } else if (next == WAIT && (s->m->wants & WANT_ANSWER)) {
            if (s->f.s.ask.kind == SMTP_ASK_COMMIT && s->commits++ == 0)
                buf_add(&s->first, buf_str(&s->f.message));
            fake_answer(&s->f);
        } else if (next == WAIT && (s->m->wants & WANT_ROOM)) {
            continue;
        } else if (next == WAIT && s->m->deadline_ms && s->f.s.m.step && s->in.n == 0 && s->out.n == 0 &&
                   s->m->deadline_ms - s->m->now_ms < 60000) {
            s->m->now_ms = s->m->deadline_ms; /* a delay before a refusal */
            s->m->timed_out = true;
        } else {
            return;
        }
    }
}

static void session_send(struct session *s, struct str bytes, bool by_octets)
{
    for (size_t step; bytes.n && !s->over; bytes = str_skip(bytes, step)) {
        step = by_octets ? 1 : bytes.n;
        buf_add(&s->in, str_head(bytes, step));
        session_run(s);
    }
}

static unsigned last_code(struct session *s)
{
    struct str rest = buf_str(&s->out), line = STR_NONE;
    while (rest.n)
        line = str_cut(rest, '\n', &rest);
    uint64_t code;
    unsigned result = line.n >= 4 && str_to_u64(str_head(line, 3), &code) ? (unsigned)code : 0;
    buf_clear(&s->out);
    return result;
}

static unsigned converse(struct session *s, struct str line)
{
    session_send(s, line, false);
    return last_code(s);
}

/* --- end of data --------------------------------------------------------- */

static void refuse_bare(struct fake_host *f)
{
    f->settings.bare = SMTP_BARE_REFUSE;
}

static bool is_clean_text(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((s.p[i] == '\r' && (i + 1 == s.n || s.p[i + 1] != '\n')) || (s.p[i] == '\n' && (i == 0 || s.p[i - 1] != '\r')))
            return false;
    return true;
}

/* What we would send on is one message again, and ends where it ends. */
static bool survives_relaying(struct str stored)
{
    struct buf wire, back;
    struct smtp_data_writer w = {.dots = true};
    struct smtp_data_reader r = {.dots = true};
    buf_init(&wire, FILE_MAX);
    buf_init(&back, FILE_MAX);
    struct str in = stored;
    smtp_data_write(&w, &in, &wire);
    bool ok = in.n == 0 && smtp_data_write_end(&w, &wire) && is_clean_text(buf_str(&wire));
    in = buf_str(&wire);
    smtp_data_read(&r, &in, &back);
    ok = ok && r.ended && in.n == 0 && str_eq(buf_str(&back), stored);
    buf_free(&wire);
    buf_free(&back);
    return ok;
}

static const char BEFORE[] = "Subject: outer\r\n\r\nline1";
static const char BEHIND[] =
    "MAIL FROM:<smuggled@evil.test>\r\nRCPT TO:<victim@our.test>\r\nDATA\r\nSubject: SMUGGLED\r\n\r\nx\r\n.\r\n";

static bool eod_data(struct str bytes, bool true_end, bool refuse, bool by_octets)
{
    struct session s;
    struct buf text;
    session_open(&s, refuse ? refuse_bare : NULL);
    buf_init(&text, FILE_MAX);
    buf_add_c(&text, BEFORE);
    buf_add(&text, bytes);
    struct str expected = str_head(buf_str(&text), str_find_str(buf_str(&text), S("\r\n.\r\n")) + 2);
    buf_add_c(&text, BEHIND);
    session_run(&s);
    converse(&s, S("EHLO a.example\r\n"));
    converse(&s, S("MAIL FROM:<a@b.example>\r\n"));
    converse(&s, S("RCPT TO:<c@d.example>\r\n"));
    bool ok = converse(&s, S("DATA\r\n")) == 354;
    session_send(&s, buf_str(&text), by_octets);
    struct str stored = buf_str(&s.first);
    struct buf kept; /* the octets before the end; bare ones as CRLF, which is what NORMALISE promises */
    struct smtp_data_reader plain = {.dots = false};
    bool has_bare = !is_clean_text(expected);
    buf_init(&kept, FILE_MAX);
    smtp_data_read(&plain, &expected, &kept);
    ok = ok && is_clean_text(stored) && survives_relaying(stored);
    if (true_end && has_bare && refuse)
        ok = ok && str_find_str(stored, S("outer")) == stored.n; /* refused; what follows are commands of their own */
    else if (true_end)
        ok = ok && s.commits >= 1 && str_eq(stored, buf_str(&kept));
    else
        ok = ok && s.commits <= 1 && (s.commits == 0 || str_find_str(stored, S("SMUGGLED")) < stored.n);
    buf_free(&kept);
    buf_free(&text);
    session_close(&s);
    return ok;
}

static bool eod_bdat(struct str bytes, bool binary, bool by_octets)
{
    struct session s;
    struct buf text, command;
    char storage[64];
    session_open(&s, NULL);
    buf_init(&text, FILE_MAX);
    buf_fixed(&command, storage, sizeof storage);
    buf_add_c(&text, BEFORE);
    buf_add(&text, bytes);
    buf_add_c(&text, BEHIND);
    buf_add(&command, S("BDAT "));
    buf_add_u64(&command, text.n);
    buf_add(&command, S(" LAST\r\n"));
    session_run(&s);
    converse(&s, S("EHLO a.example\r\n"));
    converse(&s, binary ? S("MAIL FROM:<a@b.example> BODY=BINARYMIME\r\n") : S("MAIL FROM:<a@b.example>\r\n"));
    converse(&s, S("RCPT TO:<c@d.example>\r\n"));
    session_send(&s, buf_str(&command), by_octets);
    session_send(&s, buf_str(&text), by_octets);
    struct str stored = buf_str(&s.first);
    bool ok = s.commits == 1 && (binary ? str_eq(stored, buf_str(&text)) : is_clean_text(stored) && survives_relaying(stored));
    buf_free(&text);
    session_close(&s);
    return ok;
}

static void end_of_data(void)
{
    const struct json *j = load("smtp/eod/eod-variants.json");
    static const char *const names[] = {"eod DATA normalise", "eod DATA refuse", "eod BDAT text", "eod BDAT binary"};
    for (unsigned way = 0; j && way < 4; way++) {
        begin(names[way]);
        for (const struct json *c = json_get(j, "cases")->child; c; c = c->next) {
            struct buf bytes;
            buf_init(&bytes, 4096);
            bool ok = base64_decode(&bytes, json_get_str(c, "bytes_b64")), true_end = json_get(c, "contains_true_eod")->num != 0;
            for (int by_octets = 0; by_octets < 2; by_octets++)
                ok = ok && (way < 2 ? eod_data(buf_str(&bytes), true_end, way == 1, by_octets)
                                    : eod_bdat(buf_str(&bytes), way == 3, by_octets));
            judge(json_get_str(c, "id").p ? arena_str_c(&memory, json_get_str(c, "id")) : "?", ok, json_get_str(c, "repr"));
            buf_free(&bytes);
        }
        end();
    }
}

/* --- Dovecot's tables ---------------------------------------------------- */

static struct str text_of(const struct json *j)
{
    if (!j || j->kind != JSON_OBJECT)
        return j ? j->str : STR_NONE;
    struct buf b;
    char *p = arena_alloc(&memory, 4096);
    buf_fixed(&b, p, 4096);
    return hex_decode(&b, json_get_str(j, "hex")) ? buf_str(&b) : STR_NONE;
}

static void allow_login(struct fake_host *f)
{
    f->settings.login_offered = true;
    f->settings.login_needs_tls = false;
}

static unsigned command_code(struct str command)
{
    struct session s;
    session_open(&s, NULL);
    session_run(&s);
    bool greet = !str_starts_icase(command, S("EHLO")), rcpt = str_starts_icase(command, S("RCPT"));
    if (greet)
        converse(&s, S("EHLO a.example\r\n"));
    if (rcpt)
        converse(&s, S("MAIL FROM:<a@b.example>\r\n"));
    unsigned code = converse(&s, command);
    if (!str_ends(command, S("\n"))) { /* an unfinished one: the end of input must not make a command of it */
        s.m->in_end = true;
        session_run(&s);
        code = s.over && s.commits == 0 ? 500 : 250;
    }
    session_close(&s);
    return code;
}

static unsigned response_code(struct str response)
{
    struct session s;
    session_open(&s, allow_login);
    session_run(&s);
    converse(&s, S("EHLO a.example\r\n"));
    converse(&s, S("AUTH PLAIN\r\n"));
    unsigned code = converse(&s, response);
    session_close(&s);
    return code;
}

static void dovecot_commands(void)
{
    const struct json *j = load("smtp/transcribed/dovecot-command-parser.json");
    unsigned n = 0;
    begin("dovecot-command-parser");
    for (const struct json *c = table(j, "invalid_command_parse_tests"); c; c = c->next)
        judge(number("invalid-command-", ++n), command_code(text_of(json_get(c, "command"))) >= 500,
              text_of(json_get(c, "command")));
    n = 0;
    for (const struct json *c = table(j, "valid_command_parse_tests"); c; c = c->next)
        judge(number("valid-command-", ++n), command_code(text_of(json_get(c, "command"))) < 300,
              text_of(json_get(c, "command")));
    n = 0;
    for (const struct json *c = table(j, "invalid_auth_response_parse_tests"); c; c = c->next)
        judge(number("invalid-response-", ++n), response_code(text_of(json_get(c, "auth_response"))) < 502,
              text_of(json_get(c, "auth_response")));
    n = 0;
    for (const struct json *c = table(j, "valid_auth_response_parse_tests"); c;
         c = c->next) /* parsed: not 500 or 501, only the credentials are wrong */
        judge(number("valid-response-", ++n), response_code(text_of(json_get(c, "auth_response"))) == 535,
              text_of(json_get(c, "auth_response")));
    end();
}

static struct smtp_caps caps_of(struct str names)
{
    struct smtp_caps c = {.esmtp = true};
#define HAS(member, name) c.member = str_find_str(names, S("SMTP_CAPABILITY_" name)) < names.n
    HAS(auth, "AUTH");
    HAS(eightbitmime, "8BITMIME");
    HAS(binarymime, "BINARYMIME");
    HAS(chunking, "CHUNKING");
    HAS(dsn, "DSN");
    HAS(size, "SIZE");
#undef HAS
    return c;
}

static bool params_ok(const struct json *c, bool mail)
{
    struct buf b;
    char storage[1024];
    struct smtp_caps caps = caps_of(json_get_str(c, "caps"));
    struct smtp_envelope e = {0};
    struct smtp_rcpt r = {0};
    buf_fixed(&b, storage, sizeof storage);
    if (json_get_str(c, "input").n)
        buf_add_byte(&b, ' ');
    buf_add(&b, json_get_str(c, "input"));
    struct smtp_refusal refusal =
        mail ? smtp_mail_params(&memory, buf_str(&b), &caps, &e) : smtp_rcpt_params(&memory, buf_str(&b), &caps, false, &r);
    const struct json *p = json_get(c, "params");
    if (refusal.code || !p)
        return refusal.code == 0;
    const struct json *envid = json_get(p, "envid"), *size = json_get(p, "size"), *notify = json_get(p, "notify");
    if (envid && envid->kind == JSON_STR && !str_eq(envid->str, e.envid))
        return false;
    if (notify && notify->kind == JSON_STR) {
        struct str t = notify->str;
        uint32_t bits = (str_find_str(t, S("_NEVER")) < t.n ? SMTP_NOTIFY_NEVER : 0u) |
                        (str_find_str(t, S("_SUCCESS")) < t.n ? SMTP_NOTIFY_SUCCESS : 0u) |
                        (str_find_str(t, S("_FAILURE")) < t.n ? SMTP_NOTIFY_FAILURE : 0u) |
                        (str_find_str(t, S("_DELAY")) < t.n ? SMTP_NOTIFY_DELAY : 0u);
        if (bits != r.notify)
            return false;
    }
    return !size || (uint64_t)size->num == e.size_declared;
}

static void dovecot_params(void)
{
    static const struct { const char *table, *id; bool mail, valid; } tables[] = {
        {"invalid_mail_params_parse_tests", "invalid-mail-", true, false},
        {"valid_mail_params_parse_tests", "valid-mail-", true, true},
        {"invalid_rcpt_params_parse_tests", "invalid-rcpt-", false, false},
        {"valid_rcpt_params_parse_tests", "valid-rcpt-", false, true}};
    const struct json *j = load("smtp/transcribed/dovecot-params.json");
    begin("dovecot-params");
    for (size_t i = 0; i < countof(tables); i++) {
        unsigned n = 0;
        for (const struct json *c = table(j, tables[i].table); c; c = c->next)
            judge(number(tables[i].id, ++n), params_ok(c, tables[i].mail) == tables[i].valid, json_get_str(c, "input"));
    }
    end();
}

/* A whole reply, octets as they come off the wire. */
static bool reply_ok(struct str text, unsigned *code, struct buf *lines)
{
    struct machine m = {.in = text};
    struct smtp_reply_reader r = {0};
    struct str line;
    while (machine_take_line(&m, &line, false)) {
        enum smtp_reply_step step = smtp_reply_feed(&r, line, lines);
        *code = r.code;
        if (step != SMTP_REPLY_MORE)
            return step == SMTP_REPLY_DONE && m.in.n == 0;
    }
    return false;
}

static void dovecot_replies(void)
{
    const struct json *j = load("smtp/transcribed/dovecot-reply.json");
    unsigned n = 0, code = 0;
    char storage[4096];
    struct buf b;
    begin("dovecot-reply");
    for (const struct json *c = table(j, "invalid_reply_parse_tests"); c; c = c->next) {
        buf_fixed(&b, storage, sizeof storage);
        judge(number("invalid-", ++n), !reply_ok(json_get_str(c, "reply"), &code, &b), json_get_str(c, "reply"));
    }
    n = 0;
    for (const struct json *c = table(j, "valid_reply_parse_tests"); c; c = c->next) {
        buf_fixed(&b, storage, sizeof storage);
        bool ok = reply_ok(json_get_str(c, "input"), &code, &b) && code == (unsigned)json_get_num(c, "status", 0);
        const struct json *enhanced = json_get(c, "enhanced_code");
        if (enhanced && enhanced->kind == JSON_ARRAY && enhanced->child) {
            char status[12], want[40];
            struct str text = buf_str(&b);
            snprintf(want, sizeof want, "%d.%d.%d", (int)enhanced->child->num, (int)enhanced->child->next->num,
                     (int)enhanced->child->next->next->num);
            ok = ok && smtp_status_take(code, &text, status) && strcmp(status, want) == 0;
        }
        judge(number("valid-", ++n), ok, json_get_str(c, "input"));
    }
    end();
}

static void dovecot_dots(void)
{
    const struct json *j = load("smtp/transcribed/dovecot-ostream-dot.json");
    unsigned n = 0;
    begin("dovecot-ostream-dot");
    for (const struct json *c = table(j, "tests"); c; c = c->next) {
        char storage[1024];
        struct buf b;
        struct smtp_data_writer w = {.dots = true};
        struct str in = c->child->str;
        buf_fixed(&b, storage, sizeof storage);
        smtp_data_write(&w, &in, &b);
        judge(number("", ++n), smtp_data_write_end(&w, &b) && str_eq(buf_str(&b), c->child->next->str), c->child->str);
    }
    end();
    j = load("smtp/transcribed/dovecot-istream-dot.json");
    n = 0;
    begin("dovecot-istream-dot");
    for (const struct json *c = table(j, "tests"); c; c = c->next) {
        const struct json *in = c->child->next, *out = in ? in->next : NULL, *rest = out ? out->next : NULL;
        char storage[1024];
        struct buf b;
        struct smtp_data_reader r = {.dots = true};
        if (!rest || in->kind != JSON_STR)
            continue;
        struct str left = in->str;
        buf_fixed(&b, storage, sizeof storage);
        smtp_data_read(&r, &left, &b);
        judge(number("", ++n), r.ended && str_eq(buf_str(&b), out->str) && str_eq(left, rest->str), in->str);
    }
    end();
}

/* --- paths and EHLO answers ---------------------------------------------- */

static void paths(void)
{
    const struct json *j = load("smtp/transcribed/gosmtp-parse.json");
    const struct json *t = j ? json_get(j, "tables")->child : NULL;
    unsigned n = 0;
    begin("gosmtp-parse");
    for (const struct json *c = t ? json_get(t, "rows")->child : NULL; c; c = c->next) {
        struct str rest = c->child->str;
        struct address adr;
        char storage[512];
        struct buf b;
        buf_fixed(&b, storage, sizeof storage);
        bool ok = address_parse_path(&memory, &rest, true, false, false, &adr) == ADDRESS_OK;
        if (ok)
            address_print(&b, &adr, false);
        judge(number("path-", ++n), ok && str_eq(buf_str(&b), c->child->next->str) && str_eq(rest, c->child->next->next->str),
              c->child->str);
    }
    n = 0;
    for (const struct json *c = t && t->next ? json_get(t->next, "rows")->child : NULL; c; c = c->next) {
        struct str rest = c->str;
        struct address adr;
        judge(number("broken-", ++n), address_parse_path(&memory, &rest, true, false, false, &adr) != ADDRESS_OK, c->str);
    }
    end();
}

/* rows of [concat!(lines …), Ok(EhloResponse{…})]: what is comparable is compared. */
static void ehlo(void)
{
    const struct json *j = load("smtp/transcribed/smtp-proto-parser.json");
    unsigned n = 0;
    begin("smtp-proto ehlo");
    for (const struct json *t = j ? json_get(j, "tables")->child : NULL; t; t = t->next) {
        if (!str_eq(json_get_str(t, "test"), S("parse_ehlo")))
            continue;
        for (const struct json *c = json_get(t, "rows")->child; c; c = c->next) {
            if (c->kind != JSON_ARRAY || !c->child || !c->child->next)
                continue;
            struct smtp_caps caps = {0};
            struct smtp_reply_reader r = {0};
            char storage[8192];
            struct buf b;
            enum smtp_reply_step step = SMTP_REPLY_MORE;
            const struct json *args = json_get(c->child, "args"), *want = json_get(c->child->next, "args");
            bool good = str_eq(json_get_str(c->child->next, "fn"), S("Ok"));
            buf_fixed(&b, storage, sizeof storage);
            for (const struct json *line = args ? args->child : NULL; line && step == SMTP_REPLY_MORE; line = line->next) {
                struct str text = str_trim(line->str);
                if (r.lines)
                    smtp_caps_line(&caps, str_skip(text, 4));
                step = smtp_reply_feed(&r, text, &b);
            }
            bool ok = good == (step == SMTP_REPLY_DONE && r.code < 300);
            if (good && want && want->child) {
                const struct json *fields = json_get(want->child, "args");
                struct str list = json_get_str(fields, "capabilities");
#define SAME(member, name) ok = ok && caps.member == (str_find_str(list, S(name)) < list.n)
                SAME(pipelining, "EXT_PIPELINING");
                SAME(eightbitmime, "EXT_8BIT_MIME");
                SAME(smtputf8, "EXT_SMTP_UTF8");
                SAME(enhancedstatuscodes, "EXT_ENHANCED_STATUS_CODES");
                SAME(chunking, "EXT_CHUNKING");
                SAME(binarymime, "EXT_BINARY_MIME");
                SAME(dsn, "EXT_DSN");
                SAME(starttls, "EXT_START_TLS");
                SAME(requiretls, "EXT_REQUIRE_TLS");
                SAME(size, "EXT_SIZE");
#undef SAME
                ok = ok && caps.size_max == (uint64_t)json_get_num(fields, "size", 0);
            }
            judge(number("", ++n), ok, args && args->child ? args->child->str : STR_NONE);
        }
    }
    end();
}

static void responses(void)
{
    const struct json *j = load("smtp/transcribed/smtp-proto-parser.json");
    unsigned n = 0;
    begin("smtp-proto response");
    for (const struct json *t = j ? json_get(j, "tables")->child : NULL; t; t = t->next) {
        if (!str_eq(json_get_str(t, "test"), S("parse_response")))
            continue;
        for (const struct json *c = json_get(t, "rows")->child; c; c = c->next) {
            const struct json *parts = json_get(c->child, "args"), *want = json_get(c->child->next, "args"),
                              *esc = want ? json_get(want, "esc") : NULL;
            struct smtp_reply_reader r = {0};
            struct buf b;
            char storage[4096], status[12], wanted[40] = "";
            enum smtp_reply_step step = SMTP_REPLY_MORE;
            buf_fixed(&b, storage, sizeof storage);
            for (const struct json *part = parts ? parts->child : c->child; part && step == SMTP_REPLY_MORE;
                 part = parts ? part->next : NULL)
                step = smtp_reply_feed(&r, str_trim(part->str), &b);
            struct str text = buf_str(&b);
            (void)smtp_status_take(r.code ? r.code : 500, &text, status);
            if (esc && esc->child && esc->child->num)
                snprintf(wanted, sizeof wanted, "%d.%d.%d", (int)esc->child->num, (int)esc->child->next->num,
                         (int)esc->child->next->next->num);
            judge(number("", ++n),
                  step == SMTP_REPLY_DONE && want && r.code == json_get_num(want, "code", 0) && strcmp(status, wanted) == 0,
                  buf_str(&b));
        }
    }
    end();
}

/* --- chasquid's dialogues ------------------------------------------------ */

static bool chasquid_refuses_bare, chasquid_tls;

static void chasquid_settings(struct fake_host *f)
{
    f->settings.error_max = 2;
    f->settings.message_max = 1 << 20;
    f->settings.bare = chasquid_refuses_bare ? SMTP_BARE_REFUSE : SMTP_BARE_NORMALISE;
    f->settings.login_offered = chasquid_tls;
    f->settings.login_needs_tls = false;
}

/* 'text' with \r \n, (a + b) * n: what their driver takes. */
static void evaluate(struct str s, struct buf *to, unsigned depth)
{
    struct buf part;
    buf_init(&part, FILE_MAX);
    while ((s = str_trim(s)).n && depth < 8) {
        buf_clear(&part);
        if (s.p[0] == '(') {
            size_t close = str_find_last(s, ')');
            evaluate(str_skip(str_head(s, close), 1), &part, depth + 1);
            s = str_trim(str_skip(s, close + 1));
        } else if (s.p[0] == '\'') {
            s = str_skip(s, 1);
            for (; s.n && s.p[0] != '\''; s = str_skip(s, 1)) {
                if (s.p[0] == '\\' && s.n > 1) {
                    s = str_skip(s, 1);
                    buf_add_byte(&part, s.p[0] == 'r' ? '\r' : s.p[0] == 'n' ? '\n' : s.p[0]);
                } else {
                    buf_add_byte(&part, s.p[0]);
                }
            }
            s = str_trim(str_skip(s, 1));
        } else {
            break;
        }
        uint64_t times = 1;
        if (s.n && s.p[0] == '*') {
            size_t n = 1;
            while (n < s.n && (s.p[n] == ' ' || ascii_is_digit(s.p[n])))
                n++;
            if (!str_to_u64(str_trim(str_skip(str_head(s, n), 1)), &times))
                times = 1;
            s = str_trim(str_skip(s, n));
        }
        for (uint64_t i = 0; i < times; i++)
            buf_add(to, buf_str(&part));
        if (s.n && s.p[0] == '+')
            s = str_skip(s, 1);
    }
    buf_free(&part);
}

static void chasquid_line(struct session *s, bool *open, const char *file, unsigned line_number, struct str line)
{
    struct str verb = str_word(&line);
    char id[256];
    line = str_skip(line, line.n && line.p[0] == ' ');
    snprintf(id, sizeof id, "%s:%u", file, line_number);
    if (str_eq(verb, S("close")) || str_eq(verb, S("tcp_connect")) || str_eq(verb, S("tls_connect"))) {
        if (*open)
            session_close(s);
        *open = !str_eq(verb, S("close"));
        chasquid_tls = str_eq(verb, S("tls_connect"));
        if (*open) {
            session_open(s, chasquid_settings);
            s->m->tls.active = chasquid_tls;
            session_run(s);
        }
    } else if (!*open) {
        return;
    } else if (str_eq(verb, S("->"))) {
        struct buf b;
        buf_init(&b, FILE_MAX);
        bool bare = str_starts(line, S("RCPT TO: ")) && str_find(line, '<') == line.n;
        if (bare) { /* their parser forgives it; RFC 5321 4.1.2 wants the brackets */
            buf_add(&b, S("RCPT TO:<"));
            buf_add(&b, str_skip(line, 9));
            buf_add_byte(&b, '>');
        } else {
            buf_add(&b, line);
        }
        buf_add(&b, S("\r\n"));
        session_send(s, buf_str(&b), false);
        buf_free(&b);
    } else if (str_eq(verb, S("~>"))) {
        struct buf b;
        buf_init(&b, FILE_MAX);
        evaluate(line, &b, 0);
        session_send(s, buf_str(&b), false);
        buf_free(&b);
    } else if (str_eq(verb, S("<~")) || str_eq(verb, S("<-"))) {
        struct str got = buf_str(&s->out);
        judge(id, got.n >= 3 && str_eq(str_head(got, 3), str_head(line, 3)), got); /* the code; the words are theirs */
        buf_clear(&s->out);
    } else if (str_eq(verb, S("<..."))) {
        struct str got = buf_str(&s->out);
        judge(id, str_find_str(got, line) < got.n, got);
        buf_clear(&s->out);
    }
}

static void chasquid(void)
{
    static const char *const files[] = {
        "t-12-minor_dialogs/auth_multi_dialog.cmy", "t-12-minor_dialogs/auth_too_many_failures.cmy",
        "t-12-minor_dialogs/bad_data_dot_2.cmy",
        "t-12-minor_dialogs/bad_mail_from.cmy", "t-12-minor_dialogs/bad_rcpt_to.cmy", "t-12-minor_dialogs/empty_helo.cmy",
        "t-12-minor_dialogs/helo.cmy",
        "t-12-minor_dialogs/line_too_long.cmy", "t-12-minor_dialogs/message_too_big.cmy", "t-12-minor_dialogs/sendmail.cmy",
        "t-12-minor_dialogs/unknown_command.cmy",
        "t-05-null_address/sendmail.cmy"};
    begin("chasquid-dialogs");
    for (size_t i = 0; i < countof(files); i++) {
        char path[256];
        struct session s;
        bool open = false;
        snprintf(path, sizeof path, "smtp/chasquid-dialogs/%s", files[i]);
        struct str text = read_file(folder, path);
        chasquid_refuses_bare = strstr(files[i], "bad_data") != NULL;
        for (unsigned number_of = 1; text.n; number_of++) {
            struct str line = str_cut(text, '\n', &text);
            if (str_starts(line, S("c ")))
                chasquid_line(&s, &open, strchr(files[i], '/') + 1, number_of, str_skip(line, 2));
        }
        if (open)
            session_close(&s);
    }
    end();
}

static bool no_facts(void *to, struct str line)
{
    (void)to;
    (void)line;
    return true;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: smtp_conformance VECTORS [EXCUSES]\n");
        return 2;
    }
    folder = argv[1];
    arena_init(&memory, (size_t)256 << 20);
    fact_sink(no_facts, NULL);
    read_excuses(argc > 2 ? argv[2] : "tests/conformance/excuses-smtp.txt");
    end_of_data();
    dovecot_commands();
    dovecot_params();
    dovecot_replies();
    dovecot_dots();
    paths();
    ehlo();
    responses();
    chasquid();
    for (size_t i = 0; i < excuse_count; i++)
        if (!excuses[i].used) {
            fprintf(stderr, "excuse without a case: %.*s %.*s\n", STR_ARG(excuses[i].suite), STR_ARG(excuses[i].id));
            bad = true;
        }
    arena_clear(&memory);
    return bad;
}
