// SPDX-License-Identifier: ISC
/* A site from the disk, and as messages to roles. How roles live and die is tested from outside (tests/e2e/test_roles.py). */
#include "base/facts.h"
#include "base/test.h"
#include "daemon/master.h"
#include "os/file.h"
#include "os/net.h"
#include "tls/tls.h"
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char top[64];
static bool quiet(void *to, struct str line)
{
    (void)to;
    (void)line;
    return true;
}

static const char *in_top(const char *name)
{
    static char paths[4][256];
    static unsigned next;
    char *path = paths[next++ % 4];
    snprintf(path, 256, "%s/%s", top, name);
    return path;
}

static void put(const char *name, const char *text)
{
    struct why why;
    CHECK(file_write(in_top(name), str_c(text), 0600, &why) == DONE);
}

static void begin(void)
{
    struct why why;
    fact_sink(quiet, NULL);
    snprintf(top, sizeof top, "/tmp/penny-master-XXXXXX");
    CHECK(mkdtemp(top) != NULL);
    CHECK(file_make_dirs(in_top("d"), 0700, &why) == DONE);
}

static void end(void)
{
    static const char *const names[] = {"penny.conf",
                                        "one.conf",
                                        "two.conf",
                                        "a.crt",
                                        "a.key",
                                        "b.crt",
                                        "b.key",
                                        "d/keys/self-signed.crt",
                                        "d/keys/self-signed.key",
                                        "d/keys",
                                        "d",
                                        "lmtp",
                                        ""};
    for (size_t i = 0; i < countof(names); i++)
        remove(in_top(names[i]));
    fact_sink(NULL, NULL);
}

static struct site *load(const char *config, struct buf *errors)
{
    if (config)
        put("penny.conf", config);
    buf_init(errors, CONFIG_ERRORS_MAX);
    return site_load(config ? in_top("penny.conf") : NULL, NULL, in_top("d"), errors);
}

static bool complains(const char *config, const char *about)
{
    struct buf errors;
    struct site *s = load(config, &errors);
    bool ok = !s && str_find_str(buf_str(&errors), str_c(about)) < errors.n;
    if (!ok)
        fprintf(stderr, "wanted <%s> in <%.*s>\n", about, STR_ARG(buf_str(&errors)));
    site_free(s);
    buf_free(&errors);
    return ok;
}

static void certificate(const char *crt, const char *key)
{
    struct buf c, k;
    struct why why;
    buf_init(&c, 65536);
    buf_init(&k, 65536);
    CHECK(tls_self_signed(S("mail.demo.test"), &k, &c, &why));
    CHECK(file_write(in_top(crt), buf_str(&c), 0600, &why) == DONE && file_write(in_top(key), buf_str(&k), 0600, &why) == DONE);
    buf_free(&c);
    buf_free(&k);
}

TEST(a_certificate_is_made_once)
{
    begin();
    struct buf errors;
    struct stat first, second, key;
    struct site *s = load("hostname mail.demo.test\n", &errors);
    CHECK(s && s->keys && !s->keys->next);
    CHECK(stat(in_top("d/keys/self-signed.crt"), &first) == 0 && stat(in_top("d/keys/self-signed.key"), &key) == 0);
    CHECK_NUM(key.st_mode & 0777, 0600);
    site_free(s);
    buf_free(&errors);
    s = load("hostname mail.demo.test\n", &errors);
    CHECK(s && stat(in_top("d/keys/self-signed.crt"), &second) == 0 && first.st_ino == second.st_ino);
    site_free(s);
    buf_free(&errors);
    end();
}

TEST(what_is_wrong_is_said)
{
    begin();
    certificate("a.crt", "a.key");
    certificate("b.crt", "b.key");
    CHECK(complains("hostname mail.demo.test\nno-such-word\n", "no-such-word"));
    CHECK(complains("hostname mail.demo.test\ntls cert missing.crt key a.key\n", "missing.crt"));
    CHECK(complains("hostname mail.demo.test\ntls cert a.crt key b.key\n", "does not belong"));
    CHECK(complains("hostname mail.demo.test\ntls cert penny.conf key a.key\n", "penny.conf"));
    CHECK(complains("hostname mail.demo.test\ntls cert a.crt key penny.conf\n", "penny.conf"));
    struct buf errors;
    buf_init(&errors, 4096);
    CHECK(site_load(in_top("not-there.conf"), NULL, in_top("d"), &errors) == NULL);
    CHECK(str_find_str(buf_str(&errors), S("not-there.conf")) < errors.n);
    buf_free(&errors);
    /* beside the file */
    struct site *s = load("hostname mail.demo.test\ntls cert a.crt key a.key\ntls cert b.crt key b.key\n", &errors);
    CHECK(s && s->keys && s->keys->next && !s->keys->next->next);
    site_free(s);
    buf_free(&errors);
    end();
}

TEST(listeners_are_kept_bound_or_given_up)
{
    begin();
    struct buf errors;
    struct why why = {0};
    char config[512], taken_text[600];
    struct net_peer local;
    int taken = net_listen("127.0.0.1", 0, &why);
    CHECK(taken >= 0 && net_local_of(taken, &local));
    int probe = net_listen("127.0.0.1", 0, &why);
    struct net_peer free_port;
    CHECK(probe >= 0 && net_local_of(probe, &free_port));
    net_close(probe);
    snprintf(config, sizeof config, "hostname h.test\nlisten smtp 127.0.0.1:%u\nlisten lmtp %s\n", free_port.port,
             in_top("lmtp"));
    struct site *first = load(config, &errors);
    buf_free(&errors);
    CHECK(first && site_listen(first, NULL, &why));
    CHECK(site_edge_has(first, ROLE_EDGE_MX) && site_edge_has(first, ROLE_EDGE_USER));
    int kept = first->listeners->fd;
    snprintf(taken_text, sizeof taken_text, "%slisten smtp 127.0.0.1:%u\n", config, local.port);
    struct site *second = load(taken_text, &errors);
    buf_free(&errors);
    CHECK(second && !site_listen(second, first, &why));
    CHECK(strstr(why.text, "in use") != NULL);
    CHECK(second->listeners->fd == kept && second->listeners->kept);
    site_free(second); /* refused: what the first one holds stays open */
    CHECK(net_is_listening(kept));
    CHECK(access(in_top("lmtp"), F_OK) == 0);
    net_close(taken);
    second = load(taken_text, &errors);
    buf_free(&errors);
    CHECK(second && site_listen(second, first, &why));
    const struct site_listener *last = second->listeners;
    while (last->next)
        last = last->next;
    CHECK(last->fd >= 0 && !last->kept && last->index == 2);
    for (struct site_listener *l = first->listeners; l; l = l->next)
        l->kept = true; /* as a reload does that went well */
    for (struct site_listener *l = second->listeners; l; l = l->next)
        l->kept = false;
    site_free(first);
    CHECK(net_is_listening(kept));
    site_free(second);
    CHECK(!net_is_listening(kept));
    CHECK(access(in_top("lmtp"), F_OK) != 0);
    end();
}

/* ---- a site as messages ---- */
struct receiver {
    struct setup_receiver r;
    enum role who;
    unsigned broken;
    bool complete;
};

static void on_frame(void *self, struct link *l, struct frame *f)
{
    struct receiver *x = self;
    struct message m;
    (void)l;
    if (!message_may(f->type, ROLE_MASTER, x->who) || !message_read(f->type, f->payload, &m))
        x->broken++;
    else if (m.kind == MSG_setup_end)
        x->complete = true;
    else
        setup_receive(&x->r, &m, &f->fd);
}

static void nothing(void *self, struct link *l, struct frame *f)
{
    (void)self;
    (void)l;
    (void)f;
}
static void closed(void *self, struct link *l, const char *why)
{
    (void)self;
    (void)l;
    (void)why;
}

static struct setup *sent(struct master *m, enum role who, struct why *why)
{
    struct receiver x = {.who = who};
    struct link_handler ours = {nothing, closed, NULL}, theirs = {on_frame, closed, NULL};
    struct link *ends[2];
    struct crew c = {.master = m, .who = who};
    CHECK(link_new_pair(m->loop, "a", &ours, &c, "b", &theirs, &x, LINK_QUEUE_MAX, ends));
    c.link = ends[0];
    master_setup_send(&c, m->site, 1, true);
    for (int i = 0; i < 5; i++)
        loop_turn(m->loop, 0);
    CHECK_NUM(x.broken, 0);
    CHECK(x.complete);
    link_free(ends[0]);
    link_free(ends[1]);
    return setup_take(&x.r, why);
}

TEST(each_role_gets_its_part_and_no_more)
{
    begin();
    struct buf errors;
    struct why why = {0};
    struct master m = {.lock_fd = -1, .generation = 1, .uid = 7};
    put("one.conf", "domain one.test\n");
    put("two.conf", "domain two.test\n");
    certificate("a.crt", "a.key");
    m.site =
        load("hostname mail.demo.test\ninclude *e.conf\ninclude two.conf\ntls cert a.crt key a.key\nlisten smtp 127.0.0.1:2525\n",
             &errors);
    CHECK(m.site != NULL);
    buf_free(&errors);
    m.loop = loop_new();
    m.lock_fd = file_open_read(in_top("a.crt"), &why); /* any descriptor */
    m.clients_fd = file_open_read(in_top("a.crt"), &why);
    m.site->listeners->fd = net_listen("127.0.0.1", 0, &why);
    snprintf(m.dir, sizeof m.dir, "%s", in_top("d"));
    snprintf(m.run_dir, sizeof m.run_dir, "%s", in_top("d/run"));
    buf_init(&m.scratch, FRAME_MAX);
    CHECK(buf_reserve(&m.scratch, FRAME_MAX) != NULL);
    for (int who = 1; who < ROLE_COUNT; who++) {
        struct setup *s = sent(&m, (enum role)who, &why);
        CHECK(s != NULL);
        if (!s)
            continue;
        bool edge = who == ROLE_EDGE_MX || who == ROLE_EDGE_USER;
        CHECK_STR(s->config->hostname, S("mail.demo.test"));
        CHECK(config_domain_find(s->config, S("one.test")) && config_domain_find(s->config, S("two.test")));
        CHECK((s->keys != NULL) == (who == ROLE_KEYS)); /* nobody else ever sees a private key */
        CHECK((s->chains != NULL) == edge);
        CHECK((s->lock_fd >= 0) == (who == ROLE_STORE));
        CHECK_STR(s->dir, who == ROLE_STORE ? str_c(m.dir) : S(""));
        CHECK((s->listeners != NULL) == (who == ROLE_EDGE_MX));
        CHECK((s->clients_fd >= 0) == edge);
        CHECK(s->has_ticket_key == edge);
        CHECK(s->has_salts == (who == ROLE_KEYS));
        CHECK_NUM(s->owner_uid, 7);
        setup_drop(s);
    }
    site_free(m.site);
    net_close(m.lock_fd);
    net_close(m.clients_fd);
    buf_free(&m.scratch);
    loop_free(m.loop);
    end();
}
