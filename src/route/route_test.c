// SPDX-License-Identifier: ISC
/* A small world of users, aliases and domains, and where each address of it leads. */
#include "base/test.h"
#include "route/inside.h"

struct user {
    const char *key;
    uint64_t id, used, quota;
    bool suspended;
};
static const struct user users[] = {
    {"alice@demo.test", 1, 10, 0, false},       {"bob@demo.test", 2, 500, 500, false},
    {"carl@demo.test", 3, 499, 500, false},     {"eve@demo.test", 4, 0, 0, true},
    {"quota@small.test", 5, 2 << 20, 0, false}, {"free@small.test", 6, 2 << 20, UINT64_MAX, false},
    {"self@demo.test", 7, 0, 0, false},         {"j\xc3\xb6rg@demo.test", 8, 0, 0, false},
    {"a+b@demo.test", 9, 0, 0, false},          {"dan@only.test", 10, 0, 0, false},
};
static const char *const store_domains[] = {"store.test", "only.test"};
struct alias {
    const char *key;
    const char *targets[4];
};
static const struct alias aliases[] = {
    {"store@store.test", {"alice@demo.test", NULL}},
    {"*@store.test", {"bob+x@demo.test", "carl@demo.test", NULL}},
    {"broken@store.test", {"a b c", "alice@demo.test", NULL}},
};
static const char conf[] = "hostname mail.demo.test\n"
                           "listen smtp 127.0.0.1:2525 [::1]:2525\n"
                           "domain demo.test {\n"
                           "  alias team -> alice carl far@away.test\n"
                           "  alias nested -> team bob\n"
                           "  alias twice -> alice team alice\n"
                           "  alias one -> two\n alias two -> three\n alias three -> one\n"
                           "  alias self -> self alice\n"
                           "  alias itself -> itself\n"
                           "  alias out -> far@away.test\n"
                           "  alias ghosts -> nobody1 nobody2\n"
                           "  alias mixed -> alice nobody1\n"
                           "  alias tagged -> alice+lists\n"
                           "  alias full -> bob\n"
                           "  alias s1 -> s2\n alias s2 -> s3\n alias s3 -> s4\n alias s4 -> s5\n alias s5 -> s6\n alias s6 -> "
                           "s7\n alias s7 -> s8\n alias s8 -> s9\n alias s9 -> s10\n"
                           "  alias s10 -> s11\n alias s11 -> s12\n alias s12 -> s13\n alias s13 -> s14\n alias s14 -> s15\n "
                           "alias s15 -> s16\n alias s16 -> s17\n alias s17 -> s18\n"
                           "  alias s18 -> s19\n alias s19 -> s20\n alias s20 -> s21\n alias s21 -> alice\n"
                           "}\n"
                           "domain small.test { quota 1M }\n"
                           "domain catch.test { alias * -> alice@demo.test; alias postmaster -> carl@demo.test }\n"
                           "domain round.test { alias * -> nobody }\n";

static bool has_domain(void *self, struct str domain)
{
    (void)self;
    for (size_t i = 0; i < countof(store_domains); i++)
        if (str_eq(domain, str_c(store_domains[i])))
            return true;
    return false;
}

static bool account(void *self, struct str key, struct route_account *to)
{
    (void)self;
    for (size_t i = 0; i < countof(users); i++)
        if (str_eq(key, str_c(users[i].key))) {
            *to = (struct route_account){users[i].id, users[i].used, users[i].quota, users[i].suspended};
            return true;
        }
    return false;
}

static uint32_t alias(void *self, struct str key, const struct str **targets, uint32_t *line)
{
    static struct str found[4];
    (void)self;
    *line = 0;
    for (size_t i = 0; i < countof(aliases); i++)
        if (str_eq(key, str_c(aliases[i].key))) {
            uint32_t n = 0;
            for (; aliases[i].targets[n]; n++)
                found[n] = str_c(aliases[i].targets[n]);
            *targets = found;
            return n;
        }
    return 0;
}

static bool first_account(void *self, struct str domain, struct str *key)
{
    (void)self;
    *key = str_eq(domain, S("only.test")) ? S("dan@only.test") : S("alice@demo.test");
    return true;
}

struct world {
    struct arena a;
    struct route_facts f;
};

static struct world world(const char *text)
{
    static char errors[4096];
    struct buf b;
    struct world w;
    arena_init(&w.a, 64 << 20);
    buf_fixed(&b, errors, sizeof errors);
    w.f = (struct route_facts){
        NULL, has_domain, account, alias, config_parse(&w.a, S("penny.conf"), str_c(text), &b, false), first_account, NULL};
    CHECK_STR(buf_str(&b), S(""));
    return w;
}

/* "alice@demo.test/INBOX far@away.test> ; !nobody@demo.test:5.1.1" */
static void describe(struct buf *to, const struct route_result *r)
{
    if (r->outcome != DONE) {
        buf_printf(to, "%s %s", r->outcome == RETRY ? "retry" : "refuse", r->why.status);
        return;
    }
    for (const struct route_target *t = r->targets; t; t = t->next) {
        buf_add_c(to, t == r->targets ? "" : " ");
        buf_add(to, t->kind == ROUTE_LOCAL ? t->key : t->address);
        if (t->kind == ROUTE_LOCAL) {
            buf_add_c(to, "/");
            buf_add(to, t->folder);
        } else {
            buf_add_c(to, ">");
        }
    }
    for (const struct route_failure *f = r->failures; f; f = f->next) {
        buf_add_c(to, " !");
        buf_add(to, f->address);
        buf_printf(to, ":%s", f->why.status);
    }
}

static const struct {
    const char *rcpt;
    bool relay;
    uint64_t size;
    const char *leads;
} table[] = {
    {"<alice@demo.test>", false, 0, "alice@demo.test/INBOX"},
    {"<ALICE@Demo.TEST>", false, 0, "alice@demo.test/INBOX"},
    {"<alice+Shop@demo.test>", false, 0, "alice@demo.test/Shop"},
    {"<alice+@demo.test>", false, 0, "alice@demo.test/INBOX"},
    {"<a+b@demo.test>", false, 0, "a+b@demo.test/INBOX"},
    {"<+x@demo.test>", false, 0, "refuse 5.1.1"},
    {"<j\xc3\xb6rg@demo.test>", false, 0, "j\xc3\xb6rg@demo.test/INBOX"},
    {"<\"alice\"@demo.test>", false, 0, "alice@demo.test/INBOX"},
    {"<nobody@demo.test>", false, 0, "refuse 5.1.1"},
    {"<nobody+x@demo.test>", true, 0, "refuse 5.1.1"},
    /* aliases */
    {"<team@demo.test>", false, 0, "alice@demo.test/INBOX carl@demo.test/INBOX far@away.test>"},
    {"<Team+x@demo.test>", false, 0, "alice@demo.test/INBOX carl@demo.test/INBOX far@away.test>"},
    {"<nested@demo.test>", false, 0, "alice@demo.test/INBOX carl@demo.test/INBOX far@away.test> !bob@demo.test:4.2.2"},
    {"<twice@demo.test>", false, 0, "alice@demo.test/INBOX carl@demo.test/INBOX far@away.test>"},
    {"<one@demo.test>", false, 0, "refuse 5.4.6"},
    {"<self@demo.test>", false, 0, "self@demo.test/INBOX alice@demo.test/INBOX"},
    {"<itself@demo.test>", false, 0, "refuse 5.4.6"},
    {"<out@demo.test>", false, 0, "far@away.test>"},
    {"<ghosts@demo.test>", false, 0, "refuse 5.1.1"},
    {"<mixed@demo.test>", false, 0, "alice@demo.test/INBOX !nobody1@demo.test:5.1.1"},
    {"<tagged@demo.test>", false, 0, "alice@demo.test/lists"},
    {"<s1@demo.test>", false, 0, "refuse 5.4.6"},
    {"<s2@demo.test>", false, 0, "alice@demo.test/INBOX"},
    {"<store@store.test>", false, 0, "alice@demo.test/INBOX"},
    {"<any@store.test>", false, 0, "carl@demo.test/INBOX !bob+x@demo.test:4.2.2"},
    {"<broken@store.test>", false, 0, "alice@demo.test/INBOX !broken@store.test:5.3.5"},
    {"<x@catch.test>", false, 0, "alice@demo.test/INBOX"},
    {"<x@round.test>", false, 0, "refuse 5.4.6"},
    /* states */
    {"<eve@demo.test>", false, 0, "refuse 5.2.1"},
    {"<bob@demo.test>", false, 0, "retry 4.2.2"},
    {"<full@demo.test>", false, 0, "retry 4.2.2"},
    {"<carl@demo.test>", false, 400, "carl@demo.test/INBOX"},
    {"<carl@demo.test>", false, 501, "refuse 5.2.3"},
    {"<quota@small.test>", false, 0, "retry 4.2.2"},
    {"<free@small.test>", false, 0, "free@small.test/INBOX"},
    /* elsewhere: no spelling is relayed for a stranger */
    {"<x@away.test>", false, 0, "refuse 5.7.1"},
    {"<x@away.test>", true, 0, "x@away.test>"},
    {"<X.y@AWAY.test>", true, 0, "X.y@away.test>"},
    {"<x%away.test@demo.test>", false, 0, "refuse 5.1.1"},
    {"<x%away.test@demo.test>", true, 0, "refuse 5.1.1"},
    {"<away.test!x@demo.test>", false, 0, "refuse 5.1.1"},
    {"<\"x@away.test\"@demo.test>", false, 0, "refuse 5.1.1"},
    {"<@demo.test:x@away.test>", false, 0, "refuse 5.7.1"},
    {"<x@sub.demo.test>", false, 0, "refuse 5.7.1"},
    {"<x@[192.0.2.1]>", false, 0, "refuse 5.7.1"},
    {"<x@[192.0.2.1]>", true, 0, "x@[192.0.2.1]>"},
    /* this machine itself */
    {"<alice@[127.0.0.1]>", false, 0, "alice@demo.test/INBOX"},
    {"<alice@[IPv6:::1]>", false, 0, "alice@demo.test/INBOX"},
    {"<x@away.test@[127.0.0.1]>", false, 0, "syntax"},
    {"<nobody@[127.0.0.1]>", true, 0, "refuse 5.1.1"},
    {"<alice@mail.demo.test>", false, 0, "alice@demo.test/INBOX"},
    {"<postmaster@mail.demo.test>", false, 0, "alice@demo.test/INBOX"},
    /* postmaster */
    {"<postmaster>", false, 0, "alice@demo.test/INBOX"},
    {"<PostMaster>", false, 0, "alice@demo.test/INBOX"},
    {"<POSTMASTER@demo.test>", false, 0, "alice@demo.test/INBOX"},
    {"<postmaster+x@demo.test>", false, 0, "alice@demo.test/INBOX"},
    {"<postmaster@catch.test>", false, 0, "carl@demo.test/INBOX"},
    {"<postmaster@only.test>", false, 0, "dan@only.test/INBOX"},
    {"<postmaster@away.test>", false, 0, "refuse 5.7.1"},
    {"<alice>", false, 0, "syntax"},
};

TEST(where_each_address_leads)
{
    struct world w = world(conf);
    for (size_t i = 0; i < countof(table); i++) {
        char text[1024];
        struct buf b, steps;
        struct address adr;
        struct str rest = str_c(table[i].rcpt);
        buf_fixed(&b, text, sizeof text);
        buf_init(&steps, 64 * 1024);
        if (address_parse_path(&w.a, &rest, false, true, true, &adr) != ADDRESS_OK) {
            buf_add_c(&b, "syntax");
        } else {
            struct route_result r = route_resolve(&w.a, &w.f, &adr, table[i].relay, table[i].size, &steps);
            describe(&b, &r);
            CHECK(steps.n > 0 && !steps.full);
            CHECK((r.outcome == DONE) == (r.target_count > 0));
            CHECK(r.outcome == DONE || strlen(r.why.text) > 10);
        }
        test_checks++;
        if (!str_eq(buf_str(&b), str_c(table[i].leads)))
            test_fail(__FILE__, __LINE__, "%s leads to <%.*s>, wanted <%s>\n%.*s", table[i].rcpt, STR_ARG(buf_str(&b)),
                      table[i].leads, STR_ARG(buf_str(&steps)));
        buf_free(&steps);
    }
    arena_clear(&w.a);
}

static struct route_result resolve(struct world *w, const char *rcpt, struct buf *steps)
{
    struct address adr;
    CHECK_NUM(address_parse(&w->a, str_c(rcpt), true, &adr), ADDRESS_OK);
    return route_resolve(&w->a, &w->f, &adr, false, 0, steps);
}

TEST(a_circle_is_told_with_its_chain)
{
    struct world w = world(conf);
    struct route_result r = resolve(&w, "one@demo.test", NULL);
    CHECK_STR(str_c(r.why.text), S("aliases lead in a circle: one@demo.test->two@demo.test->three@demo.test->one@demo.test"));
    CHECK(resolve(&w, "team@demo.test", NULL).expanded);
    CHECK(!resolve(&w, "out@demo.test", NULL).expanded);
    arena_clear(&w.a);
}

TEST(the_explanation_names_the_line)
{
    char text[4096];
    struct buf b;
    struct world w = world(conf);
    buf_fixed(&b, text, sizeof text);
    (void)resolve(&w, "tagged@demo.test", &b);
    CHECK_STR(buf_str(&b), S("  tagged@demo.test             alias, leads to alice+lists@demo.test   (penny.conf:15)\n"
                             "  alice+lists@demo.test        has a tag: lists\n"
                             "  alice@demo.test              user, folder lists\n"));
    arena_clear(&w.a);
}

TEST(postmaster_goes_to_the_admin)
{
    struct world w = world("hostname h.test\nadmin carl@demo.test\ndomain demo.test { alias * -> alice }\n");
    struct route_result r = resolve(&w, "postmaster@demo.test", NULL);
    CHECK(r.outcome == DONE && r.targets->account == 3);
    arena_clear(&w.a);
    w = world("domain demo.test\n");
    w.f.first_account = NULL;
    r = resolve(&w, "postmaster@demo.test", NULL);
    CHECK(r.outcome == RETRY);
    arena_clear(&w.a);
    w = world("domain demo.test\nsubaddress off\n");
    r = resolve(&w, "alice+x@demo.test", NULL);
    CHECK_STR(str_c(r.why.status), S("5.1.1"));
    arena_clear(&w.a);
}

TEST(an_alias_may_not_explode)
{
    static char text[400000];
    size_t n = (size_t)snprintf(text, sizeof text, "domain demo.test {\n");
    for (int i = 0; i < 10; i++) {
        n += (size_t)snprintf(text + n, sizeof text - n, "alias big%d ->", i);
        for (int j = 0; j < 1500; j++)
            n += (size_t)snprintf(text + n, sizeof text - n, " u%dx%d@away.test", i, j);
        n += (size_t)snprintf(text + n, sizeof text - n, "\n");
    }
    snprintf(text + n, sizeof text - n, "alias all -> big0 big1 big2 big3 big4 big5 big6 big7 big8 big9\n}\n");
    struct world w = world(text);
    struct route_result r = resolve(&w, "all@demo.test", NULL);
    CHECK_STR(str_c(r.why.status), S("5.3.5"));
    r = resolve(&w, "big3@demo.test", NULL);
    CHECK_NUM(r.target_count, 1500);
    arena_clear(&w.a);
}

TEST(a_small_arena_says_later)
{
    struct world w = world(conf);
    unsigned retries = 0, done = 0;
    for (size_t max = 0; max < 40000; max += 97) {
        struct arena small;
        struct address adr;
        arena_init(&small, max);
        CHECK(address_parse(&w.a, S("nested@demo.test"), true, &adr) == ADDRESS_OK);
        struct route_result r = route_resolve(&small, &w.f, &adr, false, 0, NULL);
        retries += r.outcome == RETRY;
        done += r.outcome == DONE;
        CHECK(r.outcome != REFUSE && (r.outcome == DONE || str_eq(str_c(r.why.status), S("4.3.0"))));
        CHECK(r.outcome != DONE || r.target_count == 3);
        arena_clear(&small);
    }
    CHECK(retries > 3 && done > 3);
    arena_clear(&w.a);
}

static const struct {
    const char *account, *from;
    bool owns;
} owners[] = {
    {"alice@demo.test", "alice@demo.test", true},     {"alice@demo.test", "Alice@DEMO.test", true},
    {"alice@demo.test", "alice+any@demo.test", true}, {"alice@demo.test", "team@demo.test", true},
    {"carl@demo.test", "nested@demo.test", true},     {"alice@demo.test", "x@catch.test", true},
    {"alice@demo.test", "store@store.test", true},    {"alice@demo.test", "bob@demo.test", false},
    {"alice@demo.test", "carl@demo.test", false},     {"bob@demo.test", "full@demo.test", true},
    {"eve@demo.test", "eve@demo.test", true},         {"alice@demo.test", "alice@away.test", false},
    {"alice@demo.test", "far@away.test", false},      {"alice@demo.test", "one@demo.test", false},
    {"alice@demo.test", "nobody@demo.test", false},   {"alice@demo.test", "alice@[127.0.0.1]", true},
};

TEST(who_may_send_as_whom)
{
    struct world w = world(conf);
    for (size_t i = 0; i < countof(owners); i++) {
        struct address from;
        CHECK_NUM(address_parse(&w.a, str_c(owners[i].from), true, &from), ADDRESS_OK);
        test_checks++;
        if (route_owns(&w.a, &w.f, str_c(owners[i].account), &from) != owners[i].owns)
            test_fail(__FILE__, __LINE__, "%s as %s: not %d", owners[i].account, owners[i].from, owners[i].owns);
    }
    struct address null = {.local = STR_NONE};
    CHECK(!route_owns(&w.a, &w.f, S("alice@demo.test"), &null));
    arena_clear(&w.a);
}
