// SPDX-License-Identifier: ISC
#include "agent/box.h"

enum { CONTENT_MAX = 1 << 30, HEADER_MAX = 256 * 1024 };

static bool number(struct str s, uint32_t *to)
{
    uint64_t v;
    if (!str_to_u64(s, &v) || v < 1 || v > UINT32_MAX)
        return false;
    *to = (uint32_t)v;
    return true;
}

int box_choice(struct agent *g, struct choice *c)
{
    c->count = 0;
    for (uint32_t i = 0; i < g->arg_count; i++) {
        struct str rest = str_c(g->arg[i]);
        while (rest.n) {
            struct str word = str_cut(rest, ',', &rest), to = STR_NONE, from = str_cut(word, '-', &to);
            struct range r = {0, 0};
            bool ok = true;
            if (str_eq(word, S("all")))
                r = (struct range){1, 0};
            else if (str_eq(word, S("last")) || str_eq(word, S("$")))
                r = (struct range){0, 0};
            else
                ok = number(from, &r.from) &&
                     (from.n == word.n ? (r.to = r.from) != 0 : to.n == 0 || (number(to, &r.to) && r.to >= r.from));
            if (!ok || c->count == RANGES_MAX)
                return agent_fail(BAD_USAGE, "numbers are those of penny ls: 3, 3-7, 3-, last, all",
                                  "'%.*s' is no message number", STR_ARG(word));
            c->range[c->count++] = r;
        }
    }
    return -1;
}

static bool chosen(const struct choice *c, uint32_t n, uint32_t total)
{
    if (!c->count)
        return !c->newest || n + c->newest > total;
    for (uint32_t i = 0; i < c->count; i++) {
        const struct range *r = &c->range[i];
        uint32_t from = r->from ? r->from : total, to = r->from ? r->to : total;
        if (n >= from && (to == 0 || n <= to))
            return true;
    }
    return false;
}

static int nothing_chosen(struct agent *g, const struct box_work *w)
{
    if (w->shown || (!w->choice->count && !g->arg_count))
        return -1;
    return agent_fail(ANSWER_NO, w->total ? "penny ls --all lists every message" : NULL,
                      w->total ? "there is no such message (there are %u)" : "the mailbox is empty", w->total);
}

/* ---- POP3 ---- */

struct pop3_box {
    struct agent *g;
    struct box_work *w;
    struct buf content;
    const struct pop3_client *client;
    bool stopped;
    int status;
};

static struct pop3_job *choose_jobs(void *self, const struct pop3_client *c, uint32_t *count)
{
    struct pop3_box *b = self;
    uint32_t total = c->message_count, n = 0;
    b->client = c;
    b->w->total = total;
    struct pop3_job *jobs = arena_array(&b->g->a, (size_t)total + 1, sizeof *jobs);
    for (uint32_t i = 0; jobs && i < total; i++)
        if (chosen(b->w->choice, i + 1, total))
            jobs[n++] = (struct pop3_job){.kind = b->w->whole ? POP3_JOB_RETR : POP3_JOB_TOP, .number = c->messages[i].number};
    *count = n;
    return jobs;
}

static void take_octets(void *self, struct str piece)
{
    struct pop3_box *b = self;
    buf_add(&b->content, piece);
}

static void job_done(void *self, const struct pop3_job *job)
{
    struct pop3_box *b = self;
    const struct pop3_client_message *m = NULL;
    uint32_t place = 0;
    for (uint32_t i = 0; i < b->client->message_count && !m; i++)
        if (b->client->messages[i].number == job->number) {
            m = &b->client->messages[i];
            place = i + 1;
        }
    if (job->outcome != DONE)
        b->status = agent_fail(job->outcome == RETRY ? TRY_LATER : ANSWER_NO, NULL, "message %u: %s", place, job->why.text);
    else if (b->content.full)
        b->status = agent_fail(IO_ERROR, NULL, "message %u is too large to be shown", place);
    else if (m && !b->stopped) {
        struct box_message out = {.number = place, .size = m->size, .id = m->uidl};
        b->w->shown++;
        b->stopped = !b->w->each(b->g, b->w->self, &out, buf_str(&b->content));
    }
    buf_clear(&b->content);
}

static int run_pop3(struct agent *g, struct box_work *w)
{
    struct account a;
    int status = account_choose(g, &a);
    if (status >= 0)
        return status;
    if (!a.has_pop3)
        return agent_fail(BAD_CONFIG, "penny account add ADDRESS --submission HOST --pop3 HOST",
                          "where %.*s reads mail is not remembered", STR_ARG(a.address));
    struct trust t = account_trust(g, a.pop3_pin, a.trust_file);
    struct pop3_box b = {.g = g, .w = w, .status = -1};
    struct pop3_work work = {choose_jobs, take_octets, job_done, &b};
    buf_init(&b.content, w->whole ? CONTENT_MAX : HEADER_MAX);
    status = pop3_run(g, &a, &t, &work);
    buf_free(&b.content);
    return status >= 0 ? status : b.status;
}

/* ---- the store of this machine ---- */

struct store_message {
    struct box_message m;
    uint32_t uid;
};
struct store_box {
    struct agent *g;
    struct box_work *w;
    struct store_message *list;
    uint32_t count, cap, at;
    bool full;
    struct buf content;
    struct arena scratch;
};

static void list_line(void *self, struct str line)
{
    struct store_box *b = self;
    const struct json *j = json_parse(&b->scratch, line);
    if (j && b->count == b->cap) {
        uint32_t cap = b->cap ? b->cap * 2 : 256;
        struct store_message *more = arena_array(&b->g->a, cap, sizeof *more);
        b->full |= !more;
        if (more && b->count)
            memcpy(more, b->list, b->count * sizeof *more);
        if (more)
            b->list = more, b->cap = cap;
    }
    if (j && b->count < b->cap) {
        uint32_t uid = (uint32_t)json_get_num(j, "uid", 0);
        b->list[b->count] = (struct store_message){.uid = uid,
                                                   .m = {.number = b->count + 1,
                                                         .size = (uint64_t)json_get_num(j, "size", 0),
                                                         .id = agent_text(&b->g->a, "uid:%u", uid),
                                                         .received_ms = agent_time_of(json_get_str(j, "received")),
                                                         .has_flags = true,
                                                         .seen = json_get_num(j, "seen", 0) != 0,
                                                         .answered = json_get_num(j, "answered", 0) != 0,
                                                         .flagged = json_get_num(j, "flagged", 0) != 0}};
        b->count++;
    }
    arena_clear(&b->scratch);
}

/* With headers: each line is followed by the octets of its message's header. */
static void header_line(void *self, struct str line)
{
    struct store_box *b = self;
    const struct json *j = json_parse(&b->scratch, line);
    uint32_t uid = j ? (uint32_t)json_get_num(j, "uid", 0) : 0;
    while (b->at < b->count && b->list[b->at].uid < uid)
        b->at++;
    arena_clear(&b->scratch);
}

static void header_bytes(void *self, struct str piece)
{
    struct store_box *b = self;
    if (b->at >= b->count || b->full || !chosen(b->w->choice, b->at + 1, b->count))
        return;
    b->w->shown++;
    b->full |= !b->w->each(b->g, b->w->self, &b->list[b->at].m, piece);
}

static void whole_bytes(void *self, struct str piece)
{
    struct store_box *b = self;
    buf_add(&b->content, piece);
}

static struct control_request *box_request(struct agent *g, enum control_verb verb)
{
    struct control_request *r = agent_request(g, verb);
    const char *folder = agent_option(g, OPTION_FOLDER), *as = agent_option(g, OPTION_AS);
    if (!control_request_name(r, str_c(as)) || !control_request_arg(r, str_c(folder ? folder : "INBOX")))
        return NULL;
    return r;
}

static int fetch_whole(struct agent *g, struct store_box *b, struct control_request *r)
{
    struct control_replies replies = {b, NULL, whole_bytes, NULL};
    struct control_end end;
    for (uint32_t i = 0; i < b->count; i++) {
        if (!chosen(b->w->choice, i + 1, b->count))
            continue;
        r->num[0] = b->list[i].uid;
        buf_clear(&b->content);
        if (agent_ask_raw(g, r, NULL, NULL, &replies, &end) != DONE_OK)
            return agent_end(g, &end);
        if (b->content.full)
            return agent_fail(IO_ERROR, NULL, "message %u is too large to be shown", i + 1);
        b->w->shown++;
        if (!b->w->each(g, b->w->self, &b->list[i].m, buf_str(&b->content)))
            break;
    }
    return -1;
}

static int run_store(struct agent *g, struct box_work *w)
{
    struct store_box b = {.g = g, .w = w};
    struct control_replies replies = {&b, list_line, NULL, NULL};
    struct control_end end;
    struct control_request *r = box_request(g, CONTROL_MAIL_LS), *read = box_request(g, CONTROL_MAIL_READ);
    int status = r && read ? agent_open(g, false) : agent_fail(BAD_USAGE, NULL, "that name is too long");
    if (status >= 0)
        return status;
    arena_init(&b.scratch, 1 << 20);
    buf_init(&b.content, CONTENT_MAX);
    if (agent_ask_raw(g, r, NULL, NULL, &replies, &end) != DONE_OK)
        status = agent_end(g, &end);
    w->total = b.count;
    if (status < 0 && w->whole) {
        status = fetch_whole(g, &b, read);
    } else if (status < 0 && b.count) {
        uint32_t first = 0;
        while (first < b.count && !chosen(w->choice, first + 1, b.count))
            first++;
        replies = (struct control_replies){&b, header_line, header_bytes, NULL};
        r->flags |= CONTROL_HEADERS;
        r->num[0] = first < b.count ? b.list[first].uid : 1;
        if (first < b.count && agent_ask_raw(g, r, NULL, NULL, &replies, &end) != DONE_OK)
            status = agent_end(g, &end);
    }
    buf_free(&b.content);
    arena_clear(&b.scratch);
    return status;
}

int box_run(struct agent *g, struct box_work *w)
{
    if (agent_has(g, OPTION_FOLDER) && !agent_has(g, OPTION_AS))
        return agent_fail(BAD_USAGE, "POP3 knows only INBOX", "--folder needs --as");
    int status = agent_has(g, OPTION_AS) ? run_store(g, w) : run_pop3(g, w);
    return status >= 0 ? status : nothing_chosen(g, w);
}
