// SPDX-License-Identifier: ISC
#include <errno.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "agent/outgoing.h"
#include "base/clock.h"

enum { PROGRESS_AFTER_MS = 500, PROGRESS_EVERY_MS = 100, PLAIN_EVERY_MS = 10000 };

/* ---- recipients ---- */

struct taking {
    struct agent *g;
    struct header_address *list;
    size_t count, cap;
    bool no_memory;
};

static void take(void *to, const struct header_address *h)
{
    struct taking *t = to;
    if (h->group_start || h->group_end)
        return;
    if (t->count == t->cap) {
        size_t cap = t->cap ? t->cap * 2 : 8;
        struct header_address *more = arena_array(&t->g->a, cap, sizeof *more);
        if (!more) {
            t->no_memory = true;
            return;
        }
        if (t->count)
            memcpy(more, t->list, t->count * sizeof *more);
        t->list = more;
        t->cap = cap;
    }
    t->list[t->count++] = *h;
}

/* "bob@example.org", "Bob <bob@example.org>", or a list of them. -1: fine. */
static int take_word(struct taking *t, const char *word)
{
    size_t before = t->count;
    struct address bare;
    if (address_parse(&t->g->a, str_c(word), true, &bare) == ADDRESS_OK) {
        struct header_address h = {.adr = bare};
        take(t, &h);
        return -1;
    }
    if (address_list_parse(&t->g->a, str_c(word), take, t) == 0 || t->count == before)
        return agent_fail(BAD_USAGE, "write it like bob@example.org or 'Bob <bob@example.org>'", "'%s' is not an address", word);
    for (size_t i = before; i < t->count; i++)
        if (!t->list[i].adr.domain.text.n)
            return agent_fail(BAD_USAGE, "write it like bob@example.org", "'%s' has no domain", word);
    return -1;
}

static int take_option(struct agent *g, enum option_id o, struct taking *t)
{
    uint32_t cursor = 0;
    const char *word;
    while ((word = agent_option_next(g, o, &cursor))) {
        int status = take_word(t, word);
        if (status >= 0)
            return status;
    }
    return -1;
}

static void add_envelope(struct agent *g, struct outgoing *o, const struct header_address *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct str key = address_key(&g->a, &list[i].adr);
        bool known = false;
        for (uint32_t j = 0; j < o->envelope_count && !known; j++)
            known = str_eq(address_key(&g->a, o->envelope[j]), key);
        if (!known)
            o->envelope[o->envelope_count++] = &list[i].adr;
    }
}

static int recipients(struct agent *g, struct outgoing *o)
{
    struct taking to = {.g = g}, cc = {.g = g}, bcc = {.g = g}, reply = {.g = g};
    int status = -1;
    for (uint32_t i = 0; i < g->arg_count && status < 0; i++)
        status = take_word(&to, g->arg[i]);
    if (status >= 0 || (status = take_option(g, OPTION_TO, &to)) >= 0 || (status = take_option(g, OPTION_CC, &cc)) >= 0 ||
        (status = take_option(g, OPTION_BCC, &bcc)) >= 0 || (status = take_option(g, OPTION_REPLY_TO, &reply)) >= 0)
        return status;
    size_t all = to.count + cc.count + bcc.count;
    if (!all)
        return agent_fail(BAD_USAGE, "penny send -s SUBJECT bob@example.org < text", "nobody to send it to");
    o->envelope = arena_array(&g->a, all, sizeof(struct address *));
    if (!o->envelope || to.no_memory || cc.no_memory || bcc.no_memory || reply.no_memory)
        return agent_fail(IO_ERROR, NULL, "no memory");
    o->c.to = to.list, o->c.to_count = to.count;
    o->c.cc = cc.list, o->c.cc_count = cc.count;
    o->c.bcc = bcc.list, o->c.bcc_count = bcc.count;
    o->c.reply_to = reply.list, o->c.reply_to_count = reply.count;
    add_envelope(g, o, to.list, to.count);
    add_envelope(g, o, cc.list, cc.count);
    add_envelope(g, o, bcc.list, bcc.count);
    return -1;
}

/* ---- attachments ---- */

struct file {
    FILE *f;
    uint64_t at;
};

static enum source_result read_source(void *self, uint64_t offset, struct buf *into)
{
    struct file *x = self;
    size_t room = buf_room(into) > 64 * 1024 ? 64 * 1024 : buf_room(into);
    char *to = room ? buf_reserve(into, room) : NULL;
    if (!to)
        return SOURCE_MORE;
    if (offset != x->at && fseeko(x->f, (off_t)offset, SEEK_SET) != 0)
        return SOURCE_FAILED;
    size_t n = fread(to, 1, room, x->f);
    buf_wrote(into, n);
    x->at = offset + n;
    if (ferror(x->f))
        return SOURCE_FAILED;
    return n < room ? SOURCE_END : SOURCE_MORE;
}

static int attachments(struct agent *g, struct outgoing *o)
{
    struct compose_attachment *list = arena_array(&g->a, GIVEN_MAX, sizeof *list);
    uint32_t cursor = 0, count = 0;
    const char *path;
    if (!list)
        return agent_fail(IO_ERROR, NULL, "no memory");
    while ((path = agent_option_next(g, OPTION_ATTACH, &cursor))) {
        struct stat st;
        struct file *x = arena_new(&g->a, struct file);
        if (!x || !(x->f = fopen(path, "rb")) || fstat(fileno(x->f), &st) != 0)
            return agent_fail(NO_INPUT, "nothing was sent", "the attachment %s: %s", path, strerror(errno));
        if (S_ISDIR(st.st_mode))
            return agent_fail(NO_INPUT, "nothing was sent; pack it first: tar czf", "the attachment %s is a directory", path);
        struct str name = str_c(path);
        size_t slash = str_find_last(name, '/');
        bool regular = S_ISREG(st.st_mode);
        list[count++] = (struct compose_attachment){
            .name = slash < name.n ? str_skip(name, slash + 1) : name,
            .source = {read_source, x, regular ? (uint64_t)st.st_size : SOURCE_SIZE_UNKNOWN, regular}};
    }
    o->c.attachments = list;
    o->c.attachment_count = count;
    return -1;
}

static int32_t offset_now(int64_t unix_ms)
{
    time_t t = (time_t)(unix_ms / 1000);
    struct tm tm;
    return localtime_r(&t, &tm) ? (int32_t)(tm.tm_gmtoff / 60) : 0;
}

int outgoing_make(struct agent *g, struct outgoing *o, struct str from, struct str name)
{
    const char *wanted = agent_option(g, OPTION_FROM), *subject = agent_option(g, OPTION_SUBJECT);
    struct taking sender = {.g = g};
    int status = wanted ? take_word(&sender, wanted) : take_word(&sender, agent_c(&g->a, from));
    if (status < 0)
        status = recipients(g, o);
    if (status < 0)
        status = attachments(g, o); /* before the text is typed: a missing file is said at once */
    if (status < 0)
        status = outgoing_texts(g, o);
    if (status >= 0)
        return status;
    o->c.from = sender.list[0];
    if (!wanted && name.n)
        o->c.from.name = name;
    o->c.subject = subject ? str_c(subject) : STR_NONE;
    if ((status = outgoing_utf8(g, "the subject", &o->c.subject)) >= 0)
        return status;
    o->c.unix_ms = clock_unix_ms();
    o->c.offset_min = offset_now(o->c.unix_ms);
    o->c.message_id_domain = o->c.from.adr.domain.ascii;
    o->c.user_agent = S("penny");
    o->started_ms = clock_mono_ms();
    return -1;
}

int outgoing_begin(struct agent *g, struct outgoing *o)
{
    const char *why = "";
    o->composer = compose_begin(&g->a, &o->c, &why);
    return o->composer ? -1 : agent_fail(BAD_DATA, NULL, "the message cannot be written: %s", why ? why : "no memory");
}

/* ---- progress ---- */

static void progress(struct outgoing *o)
{
    int64_t now = clock_mono_ms(), ran = now - o->started_ms;
    bool terminal = isatty(STDERR_FILENO);
    if (ran < PROGRESS_AFTER_MS || now - o->shown_ms < (terminal ? PROGRESS_EVERY_MS : PLAIN_EVERY_MS))
        return;
    struct compose_progress p = compose_progress(o->composer);
    double rate = (double)p.done / 1000.0 / ((double)ran / 1000.0);
    o->shown_ms = now;
    if (p.total_known && p.total) {
        unsigned percent = (unsigned)(p.done * 100 / p.total);
        double left = rate > 0 ? (double)(p.total - p.done) / 1000.0 / rate : 0;
        fprintf(stderr, "%ssending %3u %%  %.1f of %.1f MB  %.0f kB/s  %.0f s left%s", terminal ? "\r" : "", percent,
                (double)p.done / 1e6, (double)p.total / 1e6, rate, left, terminal ? "\033[K" : "\n");
    } else {
        fprintf(stderr, "%ssending %.1f MB  %.0f kB/s%s", terminal ? "\r" : "", (double)p.done / 1e6, rate,
                terminal ? "\033[K" : "\n");
    }
    o->bar = terminal;
}

void outgoing_end_progress(struct outgoing *o)
{
    if (o->bar)
        fputs("\r\033[K", stderr);
    o->bar = false;
}

int outgoing_body(void *self, struct buf *to)
{
    struct outgoing *o = self;
    size_t before = to->n;
    enum compose_result r = compose_pull(o->composer, to);
    o->written += to->n - before;
    progress(o);
    switch (r) {
    case COMPOSE_MORE:
    case COMPOSE_LATER:
        return 1;
    case COMPOSE_END:
        return 0;
    case COMPOSE_FAILED:
        break;
    }
    outgoing_end_progress(o);
    (void)agent_fail(IO_ERROR, NULL, "%s", compose_failure(o->composer));
    return -1;
}

struct str outgoing_address(struct agent *g, const struct address *a, bool utf8)
{
    char text[1024];
    struct buf b;
    buf_fixed(&b, text, sizeof text);
    address_print(&b, a, !utf8);
    return arena_str(&g->a, buf_str(&b));
}
