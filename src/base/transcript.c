/* SPDX-License-Identifier: ISC */
#include "base/transcript.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { RESULT_MAX = 8 << 20, RUNS_MAX = 2000000, OUT_MAX = 1 << 20 };

PRINTF_LIKE(3, 4) static bool fail(char *error, size_t size, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(error, size, fmt, ap);
    va_end(ap);
    return false;
}

/* --- reading ------------------------------------------------------------- */

static int hex(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool unescape(struct arena *a, struct str s, bool crlf, struct str *to)
{
    char *p = arena_alloc(a, s.n + 2);
    size_t n = 0;
    if (!p)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] != '\\') {
            p[n++] = s.p[i];
            continue;
        }
        if (++i == s.n)
            return false;
        switch (s.p[i]) {
        case 'r': p[n++] = '\r'; break;
        case 'n': p[n++] = '\n'; break;
        case 't': p[n++] = '\t'; break;
        case '0': p[n++] = 0; break;
        case '\\': p[n++] = '\\'; break;
        case 'x':
            if (i + 2 >= s.n || hex(s.p[i + 1]) < 0 || hex(s.p[i + 2]) < 0)
                return false;
            p[n++] = (char)(hex(s.p[i + 1]) * 16 + hex(s.p[i + 2]));
            i += 2;
            break;
        default: return false;
        }
    }
    if (crlf) {
        p[n++] = '\r';
        p[n++] = '\n';
    }
    *to = str_of(p, n);
    return true;
}

bool transcript_parse(struct arena *a, const char *name, struct str text, struct transcript *to, char *error, size_t size)
{
    size_t lines = 1;
    for (size_t i = 0; i < text.n; i++)
        lines += text.p[i] == '\n';
    *to = (struct transcript){.name = name, .steps = arena_array(a, lines, sizeof *to->steps)};
    if (!to->steps)
        return fail(error, size, "%s: no memory", name);
    for (uint32_t number = 1; text.n; number++) {
        struct str line = str_cut(text, '\n', &text);
        if (line.n && line.p[line.n - 1] == '\r')
            line.n--;
        if (line.n == 0 || line.p[0] == '#')
            continue;
        struct transcript_step *s = &to->steps[to->count];
        bool peer =
            line.n >= 2 && (line.p[0] == 'C' || line.p[0] == 'S') && (line.p[1] == ':' || line.p[1] == '~' || line.p[1] == '*');
        size_t word = peer ? 2 : str_find(line, ' ');
        s->word = str_head(line, word);
        s->text = str_skip(line, word);
        s->line = number;
        if (s->text.n && s->text.p[0] == ' ')
            s->text = str_skip(s->text, 1);
        if (peer && !unescape(a, s->text, false, &s->text))
            return fail(error, size, "%s:%u: broken escape", name, (unsigned)number);
        to->count++;
    }
    return to->count > 0 || fail(error, size, "%s: holds no line", name);
}

bool transcript_fits(struct str pattern, struct str line)
{
    size_t at = str_find_str(pattern, S("..."));
    if (at == pattern.n)
        return str_eq(pattern, line);
    if (!str_starts(line, str_head(pattern, at)))
        return false;
    line = str_skip(line, at);
    pattern = str_skip(pattern, at + 3);
    if (str_find_str(pattern, S("...")) == pattern.n) /* the last one: what follows must stand at the end */
        return str_ends(line, pattern);
    struct str fixed = str_head(pattern, str_find_str(pattern, S("...")));
    size_t found = str_find_str(line, fixed);
    return (found < line.n || fixed.n == 0) && transcript_fits(str_skip(pattern, fixed.n), str_skip(line, found + fixed.n));
}

/* --- playing ------------------------------------------------------------- */

struct play {
    const struct transcript *t;
    const struct transcript_host *h;
    struct transcript_way way;
    struct machine *m;
    struct buf out, in, group, *result;
    size_t matched;        /* octets of result that lines of the file have taken */
    uint64_t random;
    int64_t now;
    uint32_t runs;
    bool need_tls, closed, cut, over;
    enum next last;
};

static size_t next_random(struct play *p, size_t limit)
{
    p->random ^= p->random << 13;
    p->random ^= p->random >> 7;
    p->random ^= p->random << 17;
    return (size_t)(p->random % limit);
}

static void drain(struct play *p)
{
    size_t n = p->out.n;
    if (p->way.tiny && n > 3)
        n = 1 + next_random(p, n < 40 ? n : 40);
    buf_add(p->result, str_head(buf_str(&p->out), n));
    buf_consume(&p->out, n);
    p->h->ran(p->h->self, p->way.tiny);
}

/* One run over an exact copy of the input, so that a sanitizer sees a step that reads behind it. */
static enum next run_once(struct play *p)
{
    struct machine *m = p->m;
    size_t n = p->in.n;
    char *copy = malloc(n ? n : 1);
    if (!copy)
        abort();
    if (n)
        memcpy(copy, buf_str(&p->in).p, n);
    m->in = str_of(copy, n);
    m->now_ms = p->now;
    m->unix_ms = 1764012001000 + p->now - 1000000;
    enum next next = machine_run(m);
    buf_consume(&p->in, n - m->in.n);
    m->in = STR_NONE;
    free(copy);
    p->runs++;
    return next;
}

/* Runs until the machine can do no more with what it has. answers: give them. */
static bool settle(struct play *p, bool answers)
{
    while (!p->closed && !p->need_tls) {
        enum next next = p->last = run_once(p);
        drain(p);
        if (next == HANG_UP || next == NEED_TLS) {
            while (p->out.n)
                drain(p);
            p->closed = next == HANG_UP;
            p->need_tls = next == NEED_TLS;
            if (p->need_tls)
                buf_clear(&p->in); /* no plaintext survives */
            return true;
        }
        if (p->runs > RUNS_MAX)
            return false;
        if ((p->m->wants & WANT_ANSWER) && answers) {
            p->h->answer(p->h->self);
            continue;
        }
        if (p->out.n || (p->m->wants & WANT_ROOM)) {
            if (p->out.n == 0 && !p->way.tiny && p->runs > RUNS_MAX / 2)
                return false;
            if (p->out.n && !(p->m->wants & WANT_ROOM)) {
                drain(p);
                continue;
            }
            continue;
        }
        return true;
    }
    return true;
}

static bool feed(struct play *p, struct str bytes)
{
    while (bytes.n) {
        size_t n = bytes.n;
        switch (p->way.pieces) {
        case TRANSCRIPT_WHOLE: break;
        case TRANSCRIPT_LINES: n = str_find(bytes, '\n') < bytes.n ? str_find(bytes, '\n') + 1 : bytes.n; break;
        case TRANSCRIPT_BYTES: n = 1; break;
        case TRANSCRIPT_RANDOM: n = 1 + next_random(p, bytes.n < 50 ? bytes.n : 50); break;
        }
        buf_add(&p->in, str_head(bytes, n));
        bytes = str_skip(bytes, n);
        if (!settle(p, !p->way.late))
            return false;
    }
    return settle(p, true);
}

static bool take_line(struct play *p, struct str *line)
{
    struct str rest = str_skip(buf_str(p->result), p->matched);
    size_t lf = str_find(rest, '\n');
    if (lf == rest.n)
        return false;
    *line = str_head(rest, lf > 0 && rest.p[lf - 1] == '\r' ? lf - 1 : lf);
    p->matched += lf + 1;
    return true;
}

static bool expect(struct play *p, const struct transcript_step *s, char *error, size_t size)
{
    bool skip = s->word.p[1] == '*';
    struct str line = STR_NONE;
    if (p->way.no_match || p->cut)
        return true;
    do {
        if (!take_line(p, &line))
            return fail(error, size, "%s:%u: wanted <%.*s>, nothing came%s", p->t->name, (unsigned)s->line, STR_ARG(s->text),
                        p->closed ? " (hung up)" : "");
        if (transcript_fits(s->text, line))
            return true;
    } while (skip);
    return fail(error, size, "%s:%u: wanted <%.*s>, got <%.*s>", p->t->name, (unsigned)s->line, STR_ARG(s->text), STR_ARG(line));
}

static bool pass_time(struct play *p, int64_t ms)
{
    int64_t end = p->now + ms;
    while (!p->closed && p->last == WAIT && p->m->deadline_ms && p->m->deadline_ms <= end) {
        p->now = p->m->deadline_ms > p->now ? p->m->deadline_ms : p->now;
        p->m->timed_out = true;
        if (!settle(p, true))
            return false;
    }
    p->now = end;
    return settle(p, true);
}

static bool is_peer(const struct play *p, const struct transcript_step *s)
{
    return s->word.n == 2 && s->word.p[0] == p->h->peer && s->word.p[1] != '*';
}

static bool is_line(const struct transcript_step *s)
{
    return s->word.n == 2 && (s->word.p[0] == 'C' || s->word.p[0] == 'S');
}

static bool step(struct play *p, const struct transcript_step *s, char *error, size_t size)
{
    if (is_line(s))
        return expect(p, s, error, size);
    if (str_eq(s->word, S("WAIT"))) {
        uint64_t ms;
        if (!str_to_u64(s->text, &ms) || !pass_time(p, (int64_t)ms))
            return fail(error, size, "%s:%u: WAIT is broken, or the machine spins", p->t->name, (unsigned)s->line);
    } else if (str_eq(s->word, S("TLS"))) {
        if (!p->need_tls && !p->cut)
            return fail(error, size, "%s:%u: the machine did not ask for TLS", p->t->name, (unsigned)s->line);
        p->need_tls = false;
        p->m->tls.active = true;
        memcpy(p->m->tls.version, "TLSv1.3", 8);
        memcpy(p->m->tls.cipher, "TLS_AES_256_GCM_SHA384", 23);
        return settle(p, true);
    } else if (str_eq(s->word, S("STOP"))) {
        p->m->stopping = true;
        return settle(p, true);
    } else if (str_eq(s->word, S("END"))) {
        p->m->in_end = true;
        return settle(p, true);
    } else if (str_eq(s->word, S("CLOSED"))) {
        if (!p->closed && !p->cut)
            return fail(error, size, "%s:%u: the machine did not hang up", p->t->name, (unsigned)s->line);
    } else if (str_eq(s->word, S("RESULT"))) {
        if (p->m)
            p->h->close(p->h->self, p->result);
        p->m = NULL;
        p->over = true;
    } else if (!str_eq(s->word, S("WHOLE-ONLY")) && !p->h->directive(p->h->self, s->word, s->text)) {
        return fail(error, size, "%s:%u: no such directive, or broken: %.*s %.*s", p->t->name, (unsigned)s->line,
                    STR_ARG(s->word), STR_ARG(s->text));
    }
    return true;
}

/* The session begins with the first thing that is not a setting. A peer's line there has arrived before the first run: an early
   talker. */
static bool open_session(struct play *p, const struct transcript_step *s, char *error, size_t size)
{
    bool ours = str_eq(s->word, S("WAIT")) || str_eq(s->word, S("STOP")) || str_eq(s->word, S("END"));
    if (p->m || p->over || !(is_line(s) || ours))
        return true;
    if (!(p->m = p->h->open(p->h->self, &p->out)))
        return fail(error, size, "%s: the session cannot be opened", p->t->name);
    return is_peer(p, s) || settle(p, true) || fail(error, size, "%s: the machine spins", p->t->name);
}

static bool play_steps(struct play *p, char *error, size_t size)
{
    const struct transcript *t = p->t;
    uint32_t peer_lines = 0;
    for (size_t i = 0; i < t->count && !(p->cut && p->closed);) {
        if (!open_session(p, &t->steps[i], error, size))
            return false;
        if (!is_peer(p, &t->steps[i])) {
            if (!step(p, &t->steps[i++], error, size))
                return false;
            continue;
        }
        buf_clear(&p->group);
        for (; i < t->count && is_peer(p, &t->steps[i]) && !p->cut; i++) {
            buf_add(&p->group, t->steps[i].text);
            if (t->steps[i].word.p[1] == ':')
                buf_add(&p->group, S("\r\n"));
            p->cut = p->way.cut && ++peer_lines == p->way.cut;
        }
        if (!feed(p, buf_str(&p->group)))
            return fail(error, size, "%s: the machine spins or wants what it has", t->name);
        if (p->cut) {
            p->m->in_end = true;
            p->need_tls = false;
            return settle(p, true) || fail(error, size, "%s: the machine spins at the end of input", t->name);
        }
    }
    return true;
}

bool transcript_play(const struct transcript *t, const struct transcript_host *h, struct transcript_way way, struct buf *result,
                     char *error, size_t size)
{
    struct play p = {
        .t = t, .h = h, .way = way, .result = result, .random = way.seed * 2654435761u + 88172645463325252u, .now = 1000000};
    buf_init(&p.out, way.tiny ? h->out_min : OUT_MAX);
    buf_init(&p.in, RESULT_MAX);
    buf_init(&p.group, RESULT_MAX);
    buf_clear(result);
    bool ok = play_steps(&p, error, size);
    if (ok && !way.no_match && !p.cut && p.matched != result->n)
        ok =
            fail(error, size, "%s: more came than the file says: <%.*s>", t->name, STR_ARG(str_skip(buf_str(result), p.matched)));
    if (ok && p.cut && !p.closed)
        ok = fail(error, size, "%s: cut behind line %u, the machine did not hang up", t->name, (unsigned)way.cut);
    if (p.m)
        h->close(h->self, result);
    buf_free(&p.out);
    buf_free(&p.in);
    buf_free(&p.group);
    return ok;
}

static uint32_t peer_lines(const struct transcript *t, char peer)
{
    uint32_t n = 0;
    for (size_t i = 0; i < t->count; i++)
        n += t->steps[i].word.n == 2 && t->steps[i].word.p[0] == peer && t->steps[i].word.p[1] != '*';
    return n;
}

static bool play_same(const struct transcript *t, const struct transcript_host *h, struct transcript_way way,
                      const struct buf *whole, struct buf *got, char *error, size_t size)
{
    if (!transcript_play(t, h, way, got, error, size)) {
        size_t n = strlen(error);
        snprintf(error + n, size - n, "\n   (pieces %d, seed %llu, %s, %s, cut %u)", (int)way.pieces,
                 (unsigned long long)way.seed, way.late ? "late" : "prompt", way.tiny ? "tiny" : "roomy", (unsigned)way.cut);
        return false;
    }
    if (way.cut || str_eq(buf_str(whole), buf_str(got)))
        return true;
    return fail(error, size, "%s: another result (pieces %d, seed %llu, %s, %s)\n--- whole\n%.*s\n--- so\n%.*s", t->name,
                (int)way.pieces, (unsigned long long)way.seed, way.late ? "late" : "prompt", way.tiny ? "tiny" : "roomy",
                STR_ARG(buf_str(whole)), STR_ARG(buf_str(got)));
}

bool transcript_play_all(const struct transcript *t, const struct transcript_host *h, uint32_t seeds, char *error, size_t size)
{
    struct buf whole, got;
    bool whole_only = false;
    buf_init(&whole, RESULT_MAX);
    buf_init(&got, RESULT_MAX);
    for (size_t i = 0; i < t->count; i++)
        whole_only = whole_only || str_eq(t->steps[i].word, S("WHOLE-ONLY"));
    bool ok = transcript_play(t, h, (struct transcript_way){.pieces = TRANSCRIPT_WHOLE}, &whole, error, size);
    for (unsigned bits = 0; ok && bits < 4; bits++) {
        bool late = bits & 1, tiny = bits & 2;
        ok = play_same(t, h, (struct transcript_way){.pieces = TRANSCRIPT_WHOLE, .late = late, .tiny = tiny, .seed = bits},
                       &whole, &got, error, size);
        for (int pieces = TRANSCRIPT_LINES; ok && !whole_only && pieces <= TRANSCRIPT_BYTES; pieces++)
            ok = play_same(t, h, (struct transcript_way){.pieces = (enum transcript_pieces)pieces, .late = late, .tiny = tiny},
                           &whole, &got, error, size);
        for (uint32_t seed = 1; ok && !whole_only && seed <= seeds; seed++)
            ok = play_same(t, h, (struct transcript_way){.pieces = TRANSCRIPT_RANDOM, .seed = seed, .late = late, .tiny = tiny},
                           &whole, &got, error, size);
    }
    uint32_t lines = peer_lines(t, h->peer);
    for (uint32_t cut = 1; ok && cut <= lines; cut++)
        ok = play_same(t, h, (struct transcript_way){.pieces = TRANSCRIPT_WHOLE, .cut = cut}, &whole, &got, error, size);
    buf_free(&whole);
    buf_free(&got);
    return ok;
}
