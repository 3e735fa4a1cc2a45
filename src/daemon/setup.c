// SPDX-License-Identifier: ISC
/* How a set-up comes over the link from master: a role opens no file, so every file of the configuration (includes, too), every
   certificate and key arrives as bytes, announced with its size. The same text is parsed here by the same parser. Master is
   trusted, but a mistake of ours there must not become an overflow here: all sizes are checked. */
#include "base/check.h"
#include "daemon/inside.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    PEM_MAX = 256 * 1024,
    AUTHORITIES_MAX = 4 << 20,
    PEM_COUNT_MAX = 1000,
    SETUP_MEM_MAX = 2 * CONFIG_ARENA,
};

struct setup_file {
    struct str from, pattern, path, text;
    uint32_t index;
    struct setup_file *next;
};

const struct setup *setup_hold(const struct setup *s)
{
    if (s)
        ((struct setup *)(uintptr_t)s)->holders++;
    return s;
}

static void wipe(struct str secret)
{
    if (secret.n)
        explicit_bzero((char *)(uintptr_t)secret.p, secret.n);
}

static void setup_free(struct setup *s)
{
    for (struct setup_pem *k = s->keys; k; k = k->next)
        wipe(k->pem);
    for (struct setup_secret *x = s->secrets; x; x = x->next)
        wipe(x->secret);
    explicit_bzero(s->ticket_key, sizeof s->ticket_key);
    explicit_bzero(s->salts, sizeof s->salts);
    for (struct setup_listener *l = s->listeners; l; l = l->next)
        if (l->fd >= 0)
            close(l->fd);
    if (s->lock_fd >= 0)
        close(s->lock_fd);
    if (s->clients_fd >= 0)
        close(s->clients_fd);
    arena_clear(&s->arena);
    free(s);
}

void setup_drop(const struct setup *s)
{
    struct setup *mine = (struct setup *)(uintptr_t)s;

    if (mine && --mine->holders == 0)
        setup_free(mine);
}

static void begin(struct setup_receiver *r, const struct msg_setup_begin *m)
{
    setup_receiver_clear(r);
    r->setup = calloc(1, sizeof *r->setup);
    if (!r->setup)
        return;
    *r->setup = (struct setup){.generation = m->generation, .first = m->first, .lock_fd = -1, .clients_fd = -1, .holders = 1};
    arena_init(&r->setup->arena, SETUP_MEM_MAX);
    r->last_file = &r->files;
}

static struct str copy(struct setup_receiver *r, struct str s)
{
    struct str mine = arena_str(&r->setup->arena, s);

    if (s.n && !mine.p)
        r->broken = true;
    return mine;
}

/* Octets of something follow: gives the place where they will be. */
static struct str expect(struct setup_receiver *r, size_t size, size_t most)
{
    if (r->got != r->wanted || size > most || !(r->data = arena_alloc(&r->setup->arena, size ? size : 1))) {
        r->broken = true;
        return STR_NONE;
    }
    r->wanted = size;
    r->got = 0;
    return str_of(r->data, size);
}

static void file(struct setup_receiver *r, const struct msg_setup_file *m)
{
    struct setup_file *f = arena_new(&r->setup->arena, struct setup_file);

    if (!f) {
        r->broken = true;
        return;
    }
    *f = (struct setup_file){
        .from = copy(r, m->from), .pattern = copy(r, m->pattern), .path = copy(r, m->path), .index = m->index};
    f->text = expect(r, m->size, CONFIG_FILE_MAX);
    *r->last_file = f;
    r->last_file = &f->next;
}

static void pem(struct setup_receiver *r, struct setup_pem **list, uint32_t key, uint32_t size)
{
    struct setup_pem *p = arena_new(&r->setup->arena, struct setup_pem);
    unsigned count = 0;

    for (; *list; list = &(*list)->next)
        count++;
    if (!p || count >= PEM_COUNT_MAX) {
        r->broken = true;
        return;
    }
    *p = (struct setup_pem){.key = key, .pem = expect(r, size, PEM_MAX)};
    *list = p;
}

static void secret(struct setup_receiver *r, const struct msg_setup_secret *m)
{
    struct setup_secret *x = arena_new(&r->setup->arena, struct setup_secret);

    if (!x) {
        r->broken = true;
        return;
    }
    *x = (struct setup_secret){.path = copy(r, m->path), .secret = copy(r, m->secret), .next = r->setup->secrets};
    r->setup->secrets = x;
}

static void bytes(struct setup_receiver *r, struct str data)
{
    if (data.n > r->wanted - r->got) {
        r->broken = true;
        return;
    }
    if (data.n)
        memcpy(r->data + r->got, data.p, data.n);
    r->got += data.n;
}

static void listener(struct setup_receiver *r, uint32_t kind, uint32_t index, int *fd)
{
    struct setup_listener **list = &r->setup->listeners, *l = arena_new(&r->setup->arena, struct setup_listener);

    if (!l || kind >= LISTEN_KIND_COUNT) {
        r->broken = true;
        return;
    }
    while (*list)
        list = &(*list)->next;
    *l = (struct setup_listener){.kind = (enum listen_kind)kind, .index = index, .fd = fd ? *fd : -1};
    *list = l;
    if (fd)
        *fd = -1;
}

static void keep_fd(int *to, int *fd)
{
    if (*to < 0) {
        *to = *fd;
        *fd = -1;
    }
}

static void ticket_key(struct setup_receiver *r, struct str key)
{
    if (key.n != sizeof r->setup->ticket_key) {
        r->broken = true;
        return;
    }
    memcpy(r->setup->ticket_key, key.p, key.n);
    r->setup->has_ticket_key = true;
}

static void salts(struct setup_receiver *r, struct str secret)
{
    if (secret.n != sizeof r->setup->salts) {
        r->broken = true;
        return;
    }
    memcpy(r->setup->salts, secret.p, secret.n);
    r->setup->has_salts = true;
}

static void place(struct setup_receiver *r, const struct msg_setup_place *m)
{
    r->run_dir = copy(r, m->run_dir);
    r->hostname = copy(r, m->hostname);
    r->setup->owner_uid = m->owner_uid;
    r->setup->started_ms = m->started_ms;
}

void setup_receive(struct setup_receiver *r, const struct message *m, int *fd)
{
    if (m->kind == MSG_setup_begin)
        begin(r, &m->setup_begin);
    if (!r->setup || m->kind == MSG_setup_begin)
        return;
    switch ((int)m->kind) {
    case MSG_setup_dir:
        r->setup->dir = copy(r, m->setup_dir.path);
        keep_fd(&r->setup->lock_fd, fd);
        break;
    case MSG_setup_clients:
        r->setup->clients_slots = m->setup_clients.slots;
        keep_fd(&r->setup->clients_fd, fd);
        break;
    case MSG_setup_place:
        place(r, &m->setup_place);
        break;
    case MSG_setup_file:
        file(r, &m->setup_file);
        break;
    case MSG_setup_chain:
        pem(r, &r->setup->chains, m->setup_chain.key, m->setup_chain.size);
        break;
    case MSG_setup_key:
        pem(r, &r->setup->keys, m->setup_key.key, m->setup_key.size);
        break;
    case MSG_setup_salts:
        salts(r, m->setup_salts.secret);
        break;
    case MSG_setup_ticket_key:
        ticket_key(r, m->setup_ticket_key.key);
        break;
    case MSG_setup_secret:
        secret(r, &m->setup_secret);
        break;
    case MSG_setup_authorities:
        r->setup->authorities = expect(r, m->setup_authorities.size, AUTHORITIES_MAX);
        break;
    case MSG_setup_dns:
        r->setup->resolv_conf = copy(r, m->setup_dns.resolv_conf);
        r->setup->anchors = copy(r, m->setup_dns.anchors);
        break;
    case MSG_setup_bytes:
        bytes(r, m->setup_bytes.data);
        break;
    case MSG_setup_listener:
        listener(r, m->setup_listener.kind, m->setup_listener.index, fd);
        break;
    case MSG_setup_keep:
        listener(r, m->setup_keep.kind, m->setup_keep.index, NULL);
        break;
    default:
        r->broken = true;
    }
}

/* Answers the parser's question for an include from what came: config_reader. */
static enum config_read read_received(void *self, struct arena *a, struct str from, struct str pattern, uint32_t index,
                                      struct str *path, struct str *text, struct str *why)
{
    struct setup_receiver *r = self;

    (void)a;
    (void)why;
    for (const struct setup_file *f = r->files; f; f = f->next)
        if (f->index == index && str_eq(f->from, from) && str_eq(f->pattern, pattern) && f->pattern.n) {
            *path = f->path;
            *text = f->text;
            return CONFIG_READ_FILE;
        }
    return CONFIG_READ_NONE;
}

static struct config *parse(struct setup_receiver *r, struct why *why)
{
    const struct setup_file *first = r->files;
    struct config_reader reader = {r, read_received};
    struct buf errors;
    struct config *c;

    if (!first)
        return config_default(&r->setup->arena);
    buf_init(&errors, CONFIG_ERRORS_MAX);
    c = config_load(&r->setup->arena, first->path, first->text, &reader, &errors, false);
    if (!c)
        snprintf(why->text, sizeof why->text, "the configuration is refused: %.100s",
                 errors.n ? errors.p + errors.head : "no memory");
    for (char *p = why->text; *p; p++)
        if (*p == '\n')
            *p = ' ';
    buf_free(&errors);
    return c;
}

struct setup *setup_take(struct setup_receiver *r, struct why *why)
{
    struct setup *s = r->setup;
    struct config *c;

    *why = (struct why){"", "no memory for the set-up"};
    if (!s)
        return NULL;
    if (r->broken || r->got != r->wanted)
        snprintf(why->text, sizeof why->text, "the set-up from master is broken or too large");
    else if ((c = parse(r, why)) != NULL) {
        if (c->hostname.n == 0)
            c->hostname = r->hostname.n ? r->hostname : S("localhost");
        s->config = c;
        s->run_dir = r->run_dir;
        *r = (struct setup_receiver){0};
        return s;
    }
    setup_receiver_clear(r);
    return NULL;
}

void setup_receiver_clear(struct setup_receiver *r)
{
    if (r->setup)
        setup_free(r->setup);
    *r = (struct setup_receiver){0};
}
