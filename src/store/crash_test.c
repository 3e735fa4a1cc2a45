/* SPDX-License-Identifier: ISC */
/* The crash disk. Some 240 mixed operations on a disk that records every write, sync and name; then power goes at every sync, and
   of what was not durable by then arrives: nothing, everything, each prefix, all but one write, each write torn after each 512
   bytes, and random blocks. From every such disk the store must come up by itself and hold exactly the operations up to some
   point that is not before the last acknowledged one: nothing acknowledged is missing, nothing is half there, nothing is there
   twice, no number is given again.

   A sample of each class by default; PENNY_TEST_LONG=1: every one, and 200 random states for each sync. */
#include "store/test_util.h"

enum { ACCOUNTS_MAX = 8, MESSAGES_MAX = 2000, STEPS = 80, OPS_MAX = 800 };

/* ---- what the store should hold ---- */

struct model_message { unsigned account, mailbox, uid, flags, text; bool gone; };
struct model {
    unsigned accounts, domains, aliases, message_count;
    unsigned uidnext[ACCOUNTS_MAX][2];
    struct model_message messages[MESSAGES_MAX];

    struct { bool waits; unsigned attempts; uint64_t id; } entry[MESSAGES_MAX]; /* of the queue, by number */
    unsigned entries, note;
    uint64_t max_id;
};
struct noted { uint64_t print; uint64_t acknowledged_at; unsigned uidnext; uint64_t max_id; bool has_account; };

static struct model model;
static struct noted noted[OPS_MAX]; /* state after i operations */
static unsigned op_count;
static uint64_t rng = 88172645463325252u;

static unsigned dice(unsigned n)
{
    rng ^= rng << 13, rng ^= rng >> 7, rng ^= rng << 17;
    return (unsigned)(rng % n);
}

static uint64_t mix(uint64_t h, uint64_t v) { return (h ^ v) * 0x9e3779b97f4a7c15u + (h >> 29); }
static uint64_t mix_str(uint64_t h, struct str s)
{
    return mix(mix(h, hash_crc32c((uint32_t)h, s.p, s.n)), s.n);
}

static size_t text_of(unsigned n, char *to, size_t cap)
{
    size_t size = n % 29 == 3 ? 90000 + n : 40 + n * 97 % 1500;
    size_t head = (size_t)snprintf(to, cap, "Subject: %u\r\n\r\n", n);
    for (size_t i = head; i < size; i++)
        to[i] = (char)('a' + (i * n + i / 251) % 26);
    return size > head ? size : head;
}

static uint64_t text_print(unsigned n)
{
    static uint64_t known[OPS_MAX];
    static char text[100000];
    if (!known[n]) {
        size_t size = text_of(n, text, sizeof text);
        known[n] = mix_str(mix_str(1, S("Received: here\r\n")), str_of(text, size));
    }
    return known[n];
}

/* Both prints go through the same order: accounts, their INBOX and Junk by uid, domains, aliases, queue length. */
static uint64_t model_print(void)
{
    uint64_t h = 7;
    for (unsigned a = 0; a < model.accounts; a++)
        for (unsigned m = 0; m < 2; m++) {
            h = mix(h, model.uidnext[a][m]);
            for (unsigned i = 0; i < model.message_count; i++) {
                const struct model_message *x = &model.messages[i];
                if (x->account == a && x->mailbox == m && !x->gone)
                    h = mix(mix(mix(h, x->uid), x->flags), text_print(x->text));
            }
        }
    h = mix(mix(h, model.domains), model.aliases);
    for (unsigned i = 1; i <= model.entries; i++)
        if (model.entry[i].waits)
            h = mix(mix(h, i), model.entry[i].attempts);
    return mix(h, model.note);
}

struct printing { struct fixture *f; account_id account; mailbox_id mailbox; uint64_t h; unsigned count; bool trouble; };

static bool print_message(void *to, const struct engine_message *m)
{
    struct printing *p = to;
    static char piece[100000];
    struct buf b;
    bool more = true;
    uint64_t text = 1;
    buf_clear(&p->f->text);
    while (more && !p->trouble) {
        buf_fixed(&b, piece, sizeof piece);
        p->trouble = engine_read(p->f->e, p->account, p->mailbox, m->uid, p->f->text.n, &b, &more, &p->f->why) != DONE;
        buf_add(&p->f->text, buf_str(&b));
    }
    struct str all = buf_str(&p->f->text);
    text = mix_str(mix_str(1, str_head(all, 16)), str_skip(all, 16));
    p->h = mix(mix(mix(p->h, m->uid), m->flags), text);
    return true;
}

static bool print_queue(void *to, const struct engine_queued *q)
{
    struct printing *p = to;
    struct why why;
    char text[32];
    struct buf b;
    bool more;
    p->h = mix(mix(p->h, q->queue_id), q->attempts);
    buf_fixed(&b, text, sizeof text);
    p->trouble |= q->address.n == 0 ||
                  engine_queue_read(p->f->e, q->id, NULL, 0, &b, &more, &why) != DONE; /* its body lives as long as it waits */
    return true;
}
static bool count_domain(void *to, struct str name) { (void)name; ((struct printing *)to)->count++; return true; }
static bool count_alias(void *to, struct str name, const struct str *t, uint32_t n)
{
    (void)t;
    return n > 0 && count_domain(to, name);
}

static uint64_t engine_print(struct fixture *f)
{
    struct printing p = {.f = f, .h = 7};
    struct engine_mailbox m;
    for (p.account = 1; account_get(f->e, p.account); p.account++)
        for (unsigned k = 0; k < 2; k++) {
            p.mailbox = k ? 4 : 1;
            if (!engine_mailbox_by_name(f->e, p.account, k ? S("Junk") : S("INBOX"), &m))
                p.trouble = true;
            p.h = mix(p.h, m.uidnext);
            engine_messages(f->e, p.account, p.mailbox, 1, print_message, &p);
        }
    unsigned *n = &p.count;
    engine_domains(f->e, count_domain, &p);
    p.h = mix(p.h, *n), *n = 0;
    engine_aliases(f->e, count_alias, &p);
    p.h = mix(p.h, *n), *n = 0;
    engine_queue(f->e, 0, print_queue, &p);
    struct engine_note note = {.value = {"", 0}};
    engine_note_get(f->e, 1, S("key"), &note);
    return p.trouble ? 0 : mix(p.h, note.value.n);
}

/* ---- the run that is recorded ---- */

struct step_op {
    struct op op;
    struct op_delivery d[3];
    struct op_queued q;
    struct op_result result;
    uint64_t uid64;
    uint32_t uids[3];
    char name[32];
    struct str target;
    unsigned number;
};
static struct step_op step_ops[6];
static struct disk_twin *twin;
static unsigned finished;

static void step_done(struct op *op)
{
    struct step_op *s = op->owner;
    finished++;
    CHECK_NUM(op->outcome, DONE);
    noted[s->number].acknowledged_at = disk_twin_events(twin);
}

static void after_op(struct step_op *s)
{
    s->number = ++op_count;
    noted[op_count] =
        (struct noted){model_print(), UINT64_MAX, model.accounts ? model.uidnext[0][0] : 0, model.max_id, model.accounts > 0};
}

static void plan_accept_op(struct fixture *f, struct step_op *s)
{
    static char text[100000];
    unsigned n = op_count + 1, copies = dice(10) == 0 ? 0 : 1 + dice(3), same = dice(6) == 0 && n > 3 ? n - dice(3) : n;
    bool queued = copies == 0 || dice(4) == 0;
    s->op = accept_op(s->d, copies, &s->q, queued, NULL, 0);
    for (unsigned i = 0; i < copies; i++) {
        unsigned a = dice(model.accounts), m = dice(3) == 0;
        s->d[i] = (struct op_delivery){.account = a + 1, .folder = m ? S("Junk") : S("INBOX")};
        model.messages[model.message_count++] =
            (struct model_message){.account = a, .mailbox = m, .uid = model.uidnext[a][m]++, .text = same};
    }
    s->q = (struct op_queued){.address = S("far@away.test")};
    s->op.accept.id = engine_lease_ids(f->e, 1);
    if (queued) {
        model.entry[++model.entries].waits = true;
        model.entry[model.entries].id = s->op.accept.id;
    }
    if (s->op.accept.id > model.max_id)
        model.max_id = s->op.accept.id;
    s->op.accept.body = put_body(f, str_of(text, text_of(same, text, sizeof text)), 30000);
}

static bool plan_change(struct step_op *s)
{
    unsigned i = dice(model.message_count), kind = dice(2);
    struct model_message *x = &model.messages[i];
    if (x->gone)
        return false;
    s->uids[0] = x->uid;
    s->op = (struct op){.kind = kind ? OP_EXPUNGE : OP_FLAGS};
    if (kind) {
        s->op.expunge.account = x->account + 1, s->op.expunge.mailbox = x->mailbox ? 4 : 1, s->op.expunge.uids = s->uids,
        s->op.expunge.count = 1;
        x->gone = true;
    } else {
        s->op.flags.account = x->account + 1, s->op.flags.mailbox = x->mailbox ? 4 : 1, s->op.flags.uids = s->uids,
        s->op.flags.count = 1;
        s->op.flags.set = FLAG_SEEN, s->op.flags.clear = FLAG_FLAGGED;
        x->flags |= FLAG_SEEN;
    }
    return true;
}

/* What became of an attempt, an operator's drop, or a note. */
static bool plan_queue_op(struct step_op *s, unsigned entries)
{
    unsigned i = entries ? 1 + dice(entries) : 0, kind = dice(4);
    if (kind == 0) {
        model.note = dice(50);
        s->op = (struct op){
            .kind = OP_NOTE,
            .note = {.kind = 1, .key = S("key"), .value = str_of(s->name, model.note < sizeof s->name ? model.note : 0)}};
        model.note = (unsigned)s->op.note.value.n;
        return true;
    }
    if (!i || !model.entry[i].waits)
        return false;
    s->uid64 = i;
    s->result = (struct op_result){.queue_id = i,
                                   .outcome = kind == 1 ? DONE : RETRY,
                                   .done = kind == 1,
                                   .attempts = model.entry[i].attempts + 1,
                                   .text = S("later"),
                                   .at_ms = 5,
                                   .next_ms = 7};
    if (kind == 3)
        s->op = (struct op){.kind = OP_QUEUE_CHANGE, .queue_change = {.ids = &s->uid64, .count = 1, .what = QUEUE_DROP}};
    else
        s->op = (struct op){.kind = OP_QUEUE_RESULT, .queue_result = {model.entry[i].id, &s->result, 1}};
    model.entry[i].waits = kind == 2;
    model.entry[i].attempts += kind == 2;
    return true;
}

static void plan_directory_op(struct step_op *s)
{
    unsigned kind = model.accounts < 2 ? 0 : model.accounts < ACCOUNTS_MAX ? dice(3) : 1 + dice(2);
    s->target = S("a@away.test");
    snprintf(s->name, sizeof s->name, "n%u@demo.test", op_count);
    if (kind == 0) {
        s->op = (struct op){.kind = OP_ACCOUNT_ADD, .account_add = {.name = str_c(s->name)}};
        model.uidnext[model.accounts][0] = model.uidnext[model.accounts][1] = 1;
        model.accounts++;
    } else if (kind == 1) {
        s->op = (struct op){.kind = OP_DOMAIN_ADD, .domain = {str_c(s->name)}};
        model.domains++;
    } else {
        s->op = (struct op){.kind = OP_ALIAS_SET, .alias = {str_c(s->name), &s->target, 1}};
        model.aliases++;
    }
}

static void submit(struct fixture *f, struct step_op *s)
{
    after_op(s);
    s->op.done = step_done;
    s->op.owner = s;
    engine_submit(f->e, &s->op);
}

/* One step: some operations that are submitted together, or one of the directory. Messages of a step are not changed by the same
   step. */
static void run_step(struct fixture *f, unsigned step)
{
    unsigned n = 0, want = 1 + dice(5);
    finished = 0;
    if (step < 2 || dice(12) == 0) {
        plan_directory_op(&step_ops[0]);
        submit(f, &step_ops[n++]);
    } else {
        unsigned changes = model.message_count > 10 && dice(3) == 0, entries = model.entries, queue = dice(3) == 0;
        for (; n < want; n++) {
            if (queue && n < 2 && plan_queue_op(&step_ops[n], entries)) {
                submit(f, &step_ops[n]);
                continue;
            }
            if (changes && n == 0 && plan_change(&step_ops[0])) {
                submit(f, &step_ops[0]);
                continue;
            }
            plan_accept_op(f, &step_ops[n]);
            submit(f, &step_ops[n]);
        }
    }
    for (int i = 0; finished < n && i < 100; i++)
        engine_turn(f->e);
    CHECK_NUM(finished, n);
}

/* ---- power cuts ---- */

enum cut { CUT_NONE, CUT_ALL, CUT_PREFIX, CUT_LOST, CUT_TORN, CUT_TORN_FRONT, CUT_RANDOM, CUT_KINDS };
struct cutting { enum cut cut; uint32_t i, block; uint64_t seed; unsigned often; };

static bool keep(void *to, uint32_t i, uint32_t block, uint32_t blocks)
{
    struct cutting *c = to;
    (void)blocks;
    switch (c->cut) {
    case CUT_NONE: return false;
    case CUT_ALL: return true;
    case CUT_PREFIX: return i < c->i;
    case CUT_LOST: return i != c->i;
    case CUT_TORN: return i != c->i || block < c->block;
    case CUT_TORN_FRONT: return i != c->i || block >= c->block;
    case CUT_RANDOM: case CUT_KINDS: break;
    }
    c->seed = c->seed * 6364136223846793005u + 1442695040888963407u;
    return (c->seed >> 33) % 8 < c->often;
}

static unsigned long states[CUT_KINDS];

static void cut_once(uint64_t at, struct cutting c)
{
    struct fixture f;
    struct disk_twin *t = disk_twin_crash(twin, at, keep, &c);
    states[c.cut]++;
    fixture_open_twin(&f, t, &(struct engine_options){.segment_size = 128 * 1024});
    unsigned least = 0, j = 0;
    bool found = false;
    for (unsigned i = 1; i <= op_count; i++)
        if (noted[i].acknowledged_at <= at)
            least = i;
    uint64_t print = f.e ? engine_print(&f) : 0;
    for (j = least; j <= op_count && !found; j++)
        found = noted[j].print == print;
    j--;
    bool fine = f.e && found && f.e->stat.rotten == 0 && engine_lease_ids(f.e, 1) > noted[least].max_id;
    if (fine && noted[j].has_account)
        fine = deliver(&f, 1, S("\r\nnew")).uid == noted[j].uidnext;
    CHECK(fine);
    if (!fine)
        fprintf(stderr,
                "lease %llu max %llu; cut %d at event %llu, change %u block %u seed %llu: open %d, state %s, at least %u "
                "operations, found as %u, rot %llu: %s\n",
                f.e ? (unsigned long long)f.e->counters.next_id : 0, (unsigned long long)noted[least].max_id, c.cut,
                (unsigned long long)at, c.i, c.block, (unsigned long long)c.seed, f.e != NULL,
                found ? "of a moment" : "of no moment", least, j, f.e ? (unsigned long long)f.e->stat.rotten : 0, f.why.text);
    fixture_close_twin(&f);
    disk_twin_free(t);
}

static void cut_everyhow(uint64_t at, bool all)
{
    uint32_t pending = disk_twin_pending(twin, at);
    cut_once(at, (struct cutting){.cut = CUT_ALL});
    if (pending == 0)
        return;
    cut_once(at, (struct cutting){.cut = CUT_NONE});
    uint32_t one = dice(pending);
    for (uint32_t i = 0; i < pending; i++) {
        if (!all && i != one)
            continue;
        cut_once(at, (struct cutting){.cut = CUT_PREFIX, .i = i});
        if (pending > 1)
            cut_once(at, (struct cutting){.cut = CUT_LOST, .i = i});
        uint32_t blocks = disk_twin_pending_blocks(twin, at, i), torn = blocks > 1 ? 1 + dice(blocks - 1) : 0;
        for (uint32_t b = 1; b < blocks; b++) {
            if (!all && b != torn)
                continue;
            cut_once(at, (struct cutting){.cut = CUT_TORN, .i = i, .block = b});
            cut_once(at, (struct cutting){.cut = CUT_TORN_FRONT, .i = i, .block = b});
        }
    }
    for (unsigned r = 0; r < (all ? 200u : 2u); r++)
        cut_once(at, (struct cutting){.cut = CUT_RANDOM, .seed = at * 1000 + r, .often = 1 + r % 7});
}

TEST(power_cuts)
{
    struct fixture f;
    struct why why;
    bool all = getenv("PENNY_TEST_LONG") != NULL;
    twin = disk_twin_new();
    random_seed(42);
    fixture_open_twin(&f, twin, &(struct engine_options){.segment_size = 128 * 1024});
    noted[0].print = model_print();
    for (unsigned step = 0; step < STEPS; step++) {
        if (step == 40)
            CHECK_NUM(engine_compact(f.e, false, NULL, NULL, &why), DONE);
        if (step == 52 || step == 53) { /* an orderly restart, twice */
            engine_close(f.e);
            f.e = engine_open("/d", -1, &f.o, &f.why);
        }
        if (step == 66)
            CHECK_NUM(engine_compact(f.e, true, NULL, NULL, &why), DONE);
        run_step(&f, step);
        if (step % 20 == 0)
            CHECK(engine_print(&f) == model_print());
    }
    CHECK(engine_print(&f) == model_print());
    CHECK(op_count >= 200);
    CHECK(f.e->stat.dropped > 0);
    fixture_close_twin(&f);
    uint64_t events = disk_twin_events(twin);
    unsigned points = 0, every = all ? 1 : 3;
    for (uint64_t at = 0; at <= events; at++)
        if ((at == events || disk_twin_is_sync(twin, at)) && points++ % every == 0)
            cut_everyhow(at, all);
    for (int i = 0; i < CUT_KINDS - 0 && i <= CUT_RANDOM; i++)
        CHECK(states[i] > 0);
    printf("%u operations, %llu events, %u syncs; states: none %lu, all %lu, prefix %lu, lost %lu, torn %lu, torn front %lu, "
           "random %lu\n",
           op_count, (unsigned long long)events, points, states[0], states[1], states[2], states[3], states[4], states[5],
           states[6]);
    disk_twin_free(twin);
    random_seed(0);
}
