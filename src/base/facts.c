/* SPDX-License-Identifier: ISC */
#include "base/facts.h"
#include <pthread.h>
#include <stdarg.h>
#include <unistd.h>
#include "base/buf.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/utf8.h"

enum {
    LINE_MAX_BYTES = 4096,
    VALUE_MAX_BYTES = 1024,    /* of one value, before escaping; a longer one is cut and ends in … */
    WAITING_MAX = 64 * 1024,   /* lines of other threads */
    COUNTERS_MAX = 256,
    COUNTER_SLOTS = 1024,      /* a power of two */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static bool (*sink_fn)(void *to, struct str line);
static void *sink_to;
static pthread_t sink_thread;
static const char *role_name;
static enum fact_level level_max = FACT_INFO;
static uint64_t dropped;
static char waiting[WAITING_MAX];
static size_t waiting_n;

/* ---- one line ---- */

static bool is_bare(struct str v)
{
    for (size_t i = 0; i < v.n; i++)
        if (!ascii_is_alnum(v.p[i]) && (v.p[i] == 0 || !strchr("-_.:/", v.p[i])))
            return false;
    return v.n > 0;
}

static void add_quoted(struct buf *line, struct str v)
{
    size_t n;
    buf_add_byte(line, '"');
    for (; v.n > 0; v = str_skip(v, n)) {
        uint32_t c = utf8_next(v, &n);
        if (c == '"' || c == '\\')
            buf_printf(line, "\\%c", (int)c);
        else if (c == '\n')
            buf_add_c(line, "\\n");
        else if (c == '\r')
            buf_add_c(line, "\\r");
        else if (c == '\t')
            buf_add_c(line, "\\t");
        else if (c < 0x20 || c == 0x7f || (c == 0xfffd && n == 1))
            buf_printf(line, "\\x%02x", (unsigned)(unsigned char)v.p[0]);
        else
            utf8_add_printable(line, str_head(v, n));
    }
    buf_add_byte(line, '"');
}

/* Cuts between scalars, so that a broken one in the log means that the peer sent it. */
static struct str cut_value(struct str v)
{
    v = str_head(v, VALUE_MAX_BYTES);
    while (v.n > VALUE_MAX_BYTES - 4 && (unsigned char)v.p[v.n - 1] >= 0x80)
        v.n--;
    return v;
}

static void add_field(struct buf *line, const struct fact_field *f)
{
    char storage[VALUE_MAX_BYTES * 4 + 128];
    struct buf text;
    buf_fixed(&text, storage, sizeof storage);
    buf_printf(&text, " %s=", f->name);
    if (f->kind == FACT_NUM) {
        buf_printf(&text, "%lld", (long long)f->num);
    } else if (is_bare(f->str) && f->str.n <= VALUE_MAX_BYTES) {
        buf_add(&text, f->str);
    } else {
        add_quoted(&text, f->str.n > VALUE_MAX_BYTES ? cut_value(f->str) : f->str);
        if (f->str.n > VALUE_MAX_BYTES)
            buf_add_c(&text, "…");
    }
    if (buf_room(line) > text.n + sizeof " cut=1\n")
        buf_add(line, buf_str(&text));
    else if (buf_room(line) > sizeof " cut=1\n" && !str_ends(buf_str(line), S(" cut=1")))
        buf_add_c(line, " cut=1"); /* whole fields are left out, never half of one */
}

/* ---- where lines go ---- */

static bool to_standard_error(struct str line)
{
    ssize_t n = write(STDERR_FILENO, line.p, line.n);
    return n == (ssize_t)line.n;
}

/* Set while this thread holds the lock: a sink that writes a fact itself (a link that breaks) must not come back here. */
static _Thread_local bool delivering;

static void count_dropped(void)
{
    __atomic_fetch_add(&dropped, 1, __ATOMIC_RELAXED);
}

static void enter(void)
{
    pthread_mutex_lock(&lock);
    delivering = true;
}

static void leave(void)
{
    delivering = false;
    pthread_mutex_unlock(&lock);
}

/* Between enter and leave, on the sink's thread. */
static void flush_waiting(void)
{
    struct str rest = {waiting, waiting_n};
    while (rest.n > 0) {
        size_t n = str_find(rest, '\n') + 1;
        if (!sink_fn(sink_to, str_head(rest, n)))
            count_dropped();
        rest = str_skip(rest, n);
    }
    __atomic_store_n(&waiting_n, 0, __ATOMIC_RELAXED);
}

static void deliver(struct str line)
{
    if (delivering) {
        count_dropped();
        return;
    }
    enter();
    bool taken = true;
    if (!sink_fn) {
        taken = to_standard_error(line);
    } else if (pthread_equal(sink_thread, pthread_self())) {
        flush_waiting();
        taken = sink_fn(sink_to, line);
    } else if (line.n <= WAITING_MAX - waiting_n) {
        memcpy(waiting + waiting_n, line.p, line.n);
        __atomic_store_n(&waiting_n, waiting_n + line.n, __ATOMIC_RELAXED);
    } else {
        taken = false;
    }
    if (!taken)
        count_dropped();
    leave();
}

void fact_write(enum fact_level level, const char *event, ...)
{
    static const char *const names[] = {"error", "warn", "info", "debug"};
    if (level > level_max)
        return;
    char storage[LINE_MAX_BYTES];
    struct buf line;
    buf_fixed(&line, storage, sizeof storage);
    buf_printf(&line, "time=%s level=%s", clock_text(clock_unix_ms()).c, names[level]);
    if (role_name)
        buf_printf(&line, " role=%s", role_name);
    buf_printf(&line, " event=%s", event);
    va_list ap;
    va_start(ap, event);
    for (;;) {
        struct fact_field f = va_arg(ap, struct fact_field);
        if (f.kind == FACT_END)
            break;
        add_field(&line, &f);
    }
    va_end(ap);
    buf_add_byte(&line, '\n');
    deliver(buf_str(&line));
}

void fact_flush(void)
{
    if (delivering || __atomic_load_n(&waiting_n, __ATOMIC_RELAXED) == 0) /* asked in every turn of a loop: usually one load */
        return;
    enter();
    if (sink_fn && waiting_n > 0 && pthread_equal(sink_thread, pthread_self()))
        flush_waiting();
    leave();
}

void fact_sink(bool (*sink)(void *to, struct str line), void *to)
{
    fact_flush();
    enter();
    sink_fn = sink;
    sink_to = to;
    sink_thread = pthread_self();
    leave();
}

void fact_role(const char *role)
{
    role_name = role;
}

void fact_level_max(enum fact_level level)
{
    level_max = level;
}

uint64_t fact_dropped(void)
{
    return __atomic_load_n(&dropped, __ATOMIC_RELAXED);
}

/* ---- counters: found by the literal's address; the same name at another address is found by text once, then by that address,
   too ---- */

struct counter { const char *name; uint64_t value; };
static struct counter counters[COUNTERS_MAX];
static size_t counter_n;
static struct { const char *name; struct counter *counter; } slots[COUNTER_SLOTS];
static pthread_mutex_t counter_lock = PTHREAD_MUTEX_INITIALIZER;

static struct counter *counter_of(const char *name)
{
    size_t at = ((uintptr_t)name * 0x9e3779b1u >> 7) % COUNTER_SLOTS;
    size_t probes = 0;
    for (; slots[at].name && probes < COUNTER_SLOTS / 2; at = (at + 1) % COUNTER_SLOTS, probes++)
        if (slots[at].name == name)
            return slots[at].counter;
    struct counter *c = NULL;
    for (size_t i = 0; i < counter_n && !c; i++)
        if (strcmp(counters[i].name, name) == 0)
            c = &counters[i];
    if (!c) {
        check(counter_n < COUNTERS_MAX); /* names are literals: their number is ours */
        c = &counters[counter_n++];
        c->name = name;
    }
    if (!slots[at].name) {
        slots[at].name = name;
        slots[at].counter = c;
    }
    return c;
}

void fact_count(const char *name, uint64_t add)
{
    pthread_mutex_lock(&counter_lock);
    counter_of(name)->value += add;
    pthread_mutex_unlock(&counter_lock);
}

void fact_counters(void (*each)(void *to, const char *name, uint64_t value), void *to)
{
    for (size_t i = 0;; i++) {
        pthread_mutex_lock(&counter_lock);
        bool more = i < counter_n;
        struct counter c = more ? counters[i] : (struct counter){NULL, 0};
        pthread_mutex_unlock(&counter_lock);
        if (!more)
            return;
        each(to, c.name, c.value);
    }
}
