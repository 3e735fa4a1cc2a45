// SPDX-License-Identifier: ISC
#include "base/test.h"
#include "config/inside.h"

static char errors_text[64 * 1024];

struct parsed {
    struct arena a;
    const struct config *c;
    struct str errors;
};

static struct parsed parse_with(const char *text, const struct config_reader *r)
{
    static struct buf b;
    struct parsed p;
    arena_init(&p.a, CONFIG_ARENA);
    buf_fixed(&b, errors_text, sizeof errors_text);
    p.c = config_load(&p.a, S("penny.conf"), str_c(text), r, &b, false);
    p.errors = buf_str(&b);
    return p;
}

static struct parsed parse(const char *text)
{
    return parse_with(text, NULL);
}

static bool says(const struct parsed *p, const char *what)
{
    return str_find_str(p->errors, str_c(what)) < p->errors.n;
}

TEST(nothing_is_a_configuration)
{
    struct parsed p = parse("");
    CHECK(p.c != NULL);
    CHECK_NUM(p.errors.n, 0);
    CHECK_NUM(p.c->message_size_max, 50 << 20);
    CHECK_NUM(p.c->recipients_max, 1000);
    CHECK_NUM(p.c->command_timeout_ms, 300000);
    CHECK_NUM(p.c->pop3_timeout_ms, 600000);
    CHECK_NUM(p.c->subaddress_separator, '+');
    CHECK_NUM(p.c->log_level, 2);
    CHECK(!p.c->cleartext_login_loopback && !p.c->bare_lf_refuse && !p.c->expn && !p.c->vrfy && !p.c->scram_sha1);
    CHECK_NUM(p.c->listens->kind, LISTEN_SMTP);
    CHECK_NUM(p.c->listens->port, 25);
    CHECK_STR(p.c->listens->host, S("*"));
    CHECK_NUM(p.c->listens->line, 0);
    arena_clear(&p.a);
    struct arena a;
    arena_init(&a, CONFIG_ARENA);
    CHECK(config_default(&a) != NULL);
    arena_clear(&a);
}

TEST(the_whole_language)
{
    struct parsed p = parse(
        "hostname MAIL.example.org   # a comment\r\n"
        "admin alice@example.org\n"
        "domain example.org {\n"
        "    alias postmaster abuse -> alice\n"
        "    alias team -> alice bob \\\n"
        "          carol@example.net\n"
        "    alias \"john doe\" -> alice;  alias * -> alice\n"
        "    quota 5G\n"
        "}\n"
        "domain xn--bcher-kva.example other.example\n"
        "domain bücher.example.net { quota none }\n"
        "listen smtp 127.0.0.1:2525 [::1]:2525\n"
        "listen submission 2587; listen pop3\n"
        "listen lmtp /run/penny/lmtp.sock\n"
        "tls key /k.pem cert \"/my cert.pem\"\n"
        "message-size 100M\nquota 2g\ncommand-timeout 1m30s\nlogin-delay 1m\ncleartext-login loopback\n"
        "bare-lf refuse\nexpn on\nvrfy on\nscram-sha-1 on\nsubaddress -\nlog debug\nrun-dir /run/penny\nservice-user mail\n");
    CHECK_STR(p.errors, S(""));
    if (!p.c)
        return;
    CHECK_STR(p.c->hostname, S("mail.example.org"));
    const struct config_domain *d = p.c->domains;
    CHECK_STR(d->name, S("example.org"));
    CHECK_NUM(d->quota, 5LL << 30);
    CHECK_NUM(d->line, 3);
    const struct config_alias *al = d->aliases;
    CHECK_STR(al->name, S("postmaster"));
    CHECK_STR(al->target[0], S("alice@example.org"));
    al = al->next->next;
    CHECK_STR(al->name, S("team"));
    CHECK_NUM(al->target_count, 3);
    CHECK_STR(al->target[2], S("carol@example.net"));
    CHECK_NUM(al->line, 5);
    CHECK_STR(al->next->name, S("john doe"));
    CHECK_STR(al->next->next->name, S("*"));
    CHECK_NUM(d->next->quota, 2LL << 30);
    CHECK(config_domain_find(p.c, S("other.example")) != NULL);
    const struct config_domain *idn = config_domain_find(p.c, S("xn--bcher-kva.example.net"));
    CHECK(idn && idn->quota == 0);
    const struct config_listen *l = p.c->listens;
    CHECK_STR(l->next->host, S("::1"));
    CHECK_NUM(l->next->port, 2525);
    l = l->next->next;
    CHECK_STR(l->host, S("*"));
    CHECK_NUM(l->port, 2587);
    CHECK_NUM(l->next->port, 110);
    CHECK_STR(l->next->next->host, S("/run/penny/lmtp.sock"));
    CHECK_STR(p.c->tls->cert_path, S("/my cert.pem"));
    CHECK_STR(p.c->tls->key_path, S("/k.pem"));
    CHECK_NUM(p.c->message_size_max, 100 << 20);
    CHECK_NUM(p.c->command_timeout_ms, 90000);
    CHECK_NUM(p.c->login_delay_s, 60);
    CHECK(p.c->cleartext_login_loopback && p.c->bare_lf_refuse && p.c->expn && p.c->vrfy && p.c->scram_sha1);
    CHECK_NUM(p.c->subaddress_separator, '-');
    CHECK_NUM(p.c->log_level, 3);
    arena_clear(&p.a);
}

static const struct {
    const char *text, *says;
} broken[] = {
    {"hostnam mail.example.org\n",
     "penny.conf:1:1: unknown word 'hostnam'\n    1 | hostnam mail.example.org\n      | ^^^^^^^ did you mean 'hostname'?\n"},
    {"\n\n  message-size 50Q\n", "penny.conf:3:16: '50Q' has a unit that is not known\n    3 |   message-size 50Q\n      |       "
                                 "         ^^^ for example 50M"},
    {"message-size 1\n", "message-size is out of its limits"},
    {"message-size 99999999999999999999\n", "too large a number"},
    {"message-size\n", "message-size needs a value"},
    {"message-size 1M 2M\n", "penny.conf:1:17: message-size takes one value"},
    {"message-size 1M\nmessage-size 2M\n",
     "was already set\n    2 | message-size 2M\n      | ^^^^^^^^^^^^ on line 1 of 'penny.conf'"},
    {"expn yes\n", "write 'on'"},
    {"bare-lf refus\n", "did you mean 'refuse'?"},
    {"cleartext-login on\n", "cleartext-login cannot be 'on'"},
    {"command-timeout 5\n", "has a unit that is not known"},
    {"login-delay 1500ms\n", "takes whole seconds"},
    {"myhostname a.example\n", "in Postfix; here: hostname NAME"},
    {"mydestination = a.example\n", "in Postfix; here: domain NAME"},
    {"hostname [192.0.2.1]\n", "may not be an address literal"},
    {"admin alice\n", "a whole address like alice@example.org"},
    {"domain\n", "domain needs a name"},
    {"domain alice@example.org\n", "a domain is the part behind the @"},
    {"domain a.example\ndomain A.example\n", "domain 'A.example' was already written"},
    {"domain a.example {\n alias x -> y\n", "this { is never closed"},
    {"}\n", "a } without its {"},
    {"{ alias x -> y }\n", "a { without a word that takes one"},
    {"expn { on }\n", "expn needs a value"},
    {"listen smtp 25 { x }\n", "listen takes no { }"},
    {"alias a -> b\n", "it belongs inside domain NAME { }"},
    {"domain a.example {\n listen smtp 25\n}\n", "it belongs outside of the { }"},
    {"domain a.example {\n alas x -> y\n}\n",
     "unknown word 'alas' in domain\n    2 |  alas x -> y\n      |  ^^^^ did you mean 'alias'?"},
    {"domain a.example {\n alias x => y\n}\n", "write -> here"},
    {"domain a.example {\n alias -> y\n}\n", "no name before ->"},
    {"domain a.example {\n alias x ->\n}\n", "no address behind ->"},
    {"domain a.example {\n alias x -> a..b\n}\n", "'a..b'"},
    {"domain a.example {\n alias x@b.example -> y\n}\n", "is not of this domain"},
    {"domain a.example {\n alias x -> y\n alias X -> z\n}\n", "alias 'X' was already written"},
    {"domain a.example {\n quota lots\n}\n", "'lots' is not a size"},
    {"listen\n", "listen needs a protocol"},
    {"listen smpt 25\n", "did you mean 'smtp'"},
    {"listen smtps 465\n", "that is called submissions"},
    {"listen smtp 25:smtp\n", "does not begin with an address"},
    {"listen smtp ::1:25\n", "write an IPv6 address as [::1]:25"},
    {"listen smtp 127.0.0.1:99999\n", "has no port from 0 to 65535"},
    {"listen smtp /tmp/x\n", "only lmtp listens on a path"},
    {"listen lmtp\n", "lmtp has no port of its own"},
    {"listen smtp 25\nlisten pop3 25\n", "is already taken by listen smtp"},
    {"tls cert a.pem\n", "tls needs the key, too"},
    {"dns\n", "dns needs a word behind it"},
    {"dns sever 1.2.3.4\n", "did you mean 'server'"},
    {"dns server\n", "dns server needs an address"},
    {"dns server ns.example.org\n", "'ns.example.org' is not the address of a name server"},
    {"dns server 192.0.2.1:0\n", "has no port from 1 to 65535"},
    {"dns server 192.0.2.1:65536\n", "has no port from 1 to 65535"},
    {"dns server [192.0.2.1]:53\n", "is not the address of a name server"},
    {"dns server [::1]x\n", "has no port from 1 to 65535"},
    {"dns server [::1\n", "is not the address of a name server"},
    {"dns server 192.0.2.1 for\n", "for needs a zone"},
    {"dns server for a.example\n", "dns server needs an address"},
    {"dns server 192.0.2.1 for a..example\n", "'a..example' is not the name of a zone"},
    {"dns server 1.1.1.1 1.1.1.2 1.1.1.3 1.1.1.4 1.1.1.5 1.1.1.6 1.1.1.7 1.1.1.8 1.1.1.9 for a.example b.example\n", "more than 16 name servers"},
    {"dns anchor\n", "dns anchor needs one file"},
    {"dns anchor a b\n", "dns anchor needs one file"},
    {"dns anchor a\ndns anchor b\n", "a second dns anchor"},
    {"dns validation maybe\n", "dns validation is on or off"},
    {"mx-port 0\n", "mx-port"},
    {"tls certificate a key b\n", "unknown word 'certificate' in tls"},
    {"include x.conf\n", "files cannot be included here"},
    {"hostname \"mail.example.org\n", "this quote is never closed"},
    {"hostname a\001b\n", "a control character (0x01) in a word"},
    {"hostname \xff\n", "this is not UTF-8"},
    {"foo { bar { baz } }\nhostnam x\n", "unknown word 'foo'"},
    {"subaddress xx\n", "is not a separator"},
    {"run-dir run\n", "begin it with /"},
};

TEST(each_mistake_is_named)
{
    for (size_t i = 0; i < countof(broken); i++) {
        struct parsed p = parse(broken[i].text);
        CHECK(p.c == NULL);
        if (!says(&p, broken[i].says))
            test_fail(__FILE__, __LINE__, "%s\nsaid %.*s\nnot  %s", broken[i].text, STR_ARG(p.errors), broken[i].says);
        test_checks++;
        arena_clear(&p.a);
    }
}

TEST(all_mistakes_at_once_and_no_echoes)
{
    struct parsed p = parse("hostnam a.example\nfoo { bar; baz { } }\ndomain -bad- {\n alas x -> y\n}\nexpn maybe\n");
    size_t lines = 0;
    CHECK(p.c == NULL);
    for (struct str rest = p.errors; rest.n;)
        lines += str_starts(str_cut(rest, '\n', &rest), S("penny.conf:"));
    CHECK_NUM(lines, 5);
    CHECK(says(&p, "penny.conf:2:1: unknown word 'foo'") && says(&p, "penny.conf:4:2:") && says(&p, "penny.conf:6:6:"));
    arena_clear(&p.a);
}

TEST(too_many_mistakes_are_counted)
{
    char text[4096] = "";
    for (int i = 0; i < 150; i++)
        strcat(text, "qqq 1\n");
    struct parsed p = parse(text);
    CHECK(says(&p, "… and 50 more"));
    arena_clear(&p.a);
}

TEST(a_warning_is_no_error)
{
    struct parsed p = parse("hostname mail\n");
    CHECK(p.c != NULL);
    CHECK(says(&p, "penny.conf:1:10: warning: this name has no dot"));
    arena_clear(&p.a);
}

/* Every word of the language with one edit is answered with the right word among the (at most two) suggestions. */
static bool suggested(const char *typo, const char *word, const char *const *words, size_t count)
{
    const char *near[2];
    size_t n = config_nearest(str_c(typo), words, count, near);
    for (size_t i = 0; i < n; i++)
        if (strcmp(near[i], word) == 0)
            return true;
    return false;
}

static bool is_word(const char *typo, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(typo, words[i]) == 0)
            return true;
    return false;
}

static void check_typo(const char *typo, const char *word, const char *const *words, size_t count)
{
    test_checks++;
    if (!is_word(typo, words, count) && !suggested(typo, word, words, count))
        test_fail(__FILE__, __LINE__, "'%s' for '%s' is not suggested", typo, word);
}

static void typos(const char *word, const char *const *words, size_t count)
{
    char t[64];
    size_t n = strlen(word);
    for (size_t i = 0; i < n && n > 1; i++) { /* one letter left out */
        snprintf(t, sizeof t, "%.*s%s", (int)i, word, word + i + 1);
        check_typo(t, word, words, count);
    }
    for (size_t i = 0; i < n; i++) { /* doubled, replaced */
        snprintf(t, sizeof t, "%.*s%c%s", (int)i + 1, word, word[i], word + i + 1);
        check_typo(t, word, words, count);
        snprintf(t, sizeof t, "%s", word);
        t[i] = 'q';
        check_typo(t, word, words, count);
    }
    for (size_t i = 0; i + 1 < n; i++) { /* swapped */
        snprintf(t, sizeof t, "%s", word);
        t[i] = word[i + 1];
        t[i + 1] = word[i];
        check_typo(t, word, words, count);
    }
}

TEST(one_edit_leads_back)
{
    const char *words[SUGGEST_MAX];
    size_t count = config_words(NULL, words);
    CHECK(count > 20);
    for (size_t i = 0; i < count; i++)
        typos(words[i], words, count);
    count = config_words("domain", words);
    CHECK_NUM(count, 2);
    for (size_t i = 0; i < count; i++)
        typos(words[i], words, count);
    for (size_t i = 0; i < LISTEN_KIND_COUNT; i++)
        words[i] = config_listen_word((enum listen_kind)i);
    for (size_t i = 0; i < LISTEN_KIND_COUNT; i++)
        typos(words[i], words, LISTEN_KIND_COUNT);
}

TEST(what_show_prints_can_be_read_again)
{
    static char text[32 * 1024];
    struct buf b;
    struct parsed p = parse("hostname a.example\ndomain b.example {\n alias x \"y z\" -> q\n quota 1G\n}\nlisten smtp "
                            "[::1]:25\nlisten lmtp /x\ntls cert /a key /b\nexpn on\nsubaddress off\n");
    buf_fixed(&b, text, sizeof text - 1);
    CHECK(p.c && config_show(p.c, STR_NONE, &b));
    text[b.n] = 0;
    CHECK(str_find_str(buf_str(&b), S("# penny.conf:1\n")) < b.n);
    struct parsed again = parse(text);
    CHECK_STR(again.errors, S(""));
    CHECK(again.c && again.c->expn && again.c->subaddress_separator == 0);
    CHECK(again.c && again.c->domains->quota == 1 << 30 && str_eq(again.c->domains->aliases->next->name, S("y z")));
    buf_clear(&b);
    CHECK(config_show(p.c, S("listen"), &b));
    CHECK(!config_show(p.c, S("lisen"), &b));
    buf_clear(&b);
    config_show_json(p.c, &b);
    CHECK(str_find_str(buf_str(&b),
                       S("{\"v\":1,\"key\":\"hostname\",\"value\":\"a.example\",\"source\":\"penny.conf\",\"line\":1}\n")) < b.n);
    arena_clear(&p.a);
    arena_clear(&again.a);
}

TEST(name_servers)
{
    static char text[32 * 1024];
    struct buf b;
    struct parsed p = parse("dns server 192.0.2.53 127.0.0.1:5353 [2001:db8::53]:54 ::1\ndns server 10.0.0.1 for Corp.Example b\xc3\xbc" "cher.example\n"
                            "dns anchor keys/root.key; dns validation off\nmx-port 2525; mx-private on\n");
    CHECK_STR(p.errors, S(""));
    const struct config_dns_server *s = p.c ? p.c->dns_servers : NULL;
    static const struct { const char *address; uint16_t port; const char *zone; } want[] = {
        {"192.0.2.53", 53, ""},          {"127.0.0.1", 5353, ""},        {"2001:db8::53", 54, ""}, {"::1", 53, ""},
        {"10.0.0.1", 53, "corp.example"}, {"10.0.0.1", 53, "xn--bcher-kva.example"}};
    for (size_t i = 0; i < countof(want); i++, s = s ? s->next : NULL)
        CHECK(s && str_eq(s->address, str_c(want[i].address)) && s->port == want[i].port && str_eq(s->zone, str_c(want[i].zone)));
    CHECK(!s && p.c && p.c->dns_unvalidated && p.c->mx_port == 2525 && p.c->mx_private);
    CHECK_STR(p.c->dns_anchor, S("keys/root.key"));
    buf_fixed(&b, text, sizeof text - 1);
    CHECK(config_show(p.c, STR_NONE, &b));
    text[b.n] = 0;
    struct parsed again = parse(text);
    CHECK_STR(again.errors, S(""));
    s = again.c ? again.c->dns_servers : NULL;
    for (size_t i = 0; i < countof(want); i++, s = s ? s->next : NULL)
        CHECK(s && str_eq(s->address, str_c(want[i].address)) && s->port == want[i].port && str_eq(s->zone, str_c(want[i].zone)));
    CHECK(again.c && again.c->dns_unvalidated && str_eq(again.c->dns_anchor, p.c->dns_anchor));
    buf_clear(&b);
    CHECK(config_show(p.c, S("dns"), &b));
    buf_clear(&b);
    config_show_json(p.c, &b);
    CHECK(str_find_str(buf_str(&b), S("{\"v\":1,\"key\":\"dns\",\"server\":\"10.0.0.1\",\"port\":53,\"zone\":\"corp.example\"")) < b.n);
    arena_clear(&p.a);
    arena_clear(&again.a);
}

TEST(every_word_is_explained)
{
    static char text[64 * 1024];
    struct buf b;
    const char *word;
    buf_fixed(&b, text, sizeof text);
    for (size_t i = 0; (word = config_word(i)); i++) {
        CHECK(config_explain(str_c(word), &b));
        CHECK(b.n > 40 && !b.full);
        buf_clear(&b);
    }
    CHECK(!config_explain(S("hostnam"), &b));
    CHECK_STR(buf_str(&b), S("did you mean 'hostname'?"));
    buf_clear(&b);
    CHECK(!config_explain(S("quotta"), &b));
    CHECK_STR(buf_str(&b), S("did you mean 'quota'?"));
    buf_clear(&b);
    config_manual(&b);
    CHECK(!b.full && str_find_str(buf_str(&b), S(".It Ic message-size Ar SIZE\n")) < b.n);
}

struct files {
    unsigned asked;
};

static enum config_read read_file(void *self, struct arena *a, struct str from, struct str pattern, uint32_t index,
                                  struct str *path, struct str *text, struct str *why)
{
    struct files *f = self;
    (void)a, (void)from;
    f->asked++;
    if (str_eq(pattern, S("conf.d/*.conf")) && index < 2) {
        *path = index ? S("conf.d/b.conf") : S("conf.d/a.conf");
        *text = index ? S("domain b.example { alias x -> y }\nnonsense\n") : S("domain a.example\n");
        return CONFIG_READ_FILE;
    }
    if (str_eq(pattern, S("self.conf")) && index == 0) {
        *path = pattern;
        *text = S("include self.conf\n");
        return CONFIG_READ_FILE;
    }
    if (str_eq(pattern, S("secret.conf")) && index == 0) {
        *why = S("permission denied");
        return CONFIG_READ_FAILED;
    }
    return CONFIG_READ_NONE;
}

TEST(files_are_included)
{
    struct files f = {0};
    struct config_reader r = {&f, read_file};
    struct parsed p = parse_with("include conf.d/*.conf\nhostname m.example\n", &r);
    CHECK(says(&p, "conf.d/b.conf:2:1: unknown word 'nonsense'"));
    CHECK_NUM(f.asked, 3);
    arena_clear(&p.a);
    p = parse_with("include none.d/*.conf\nhostname m.example\n", &r);
    CHECK(p.c && str_eq(p.c->hostname, S("m.example")));
    arena_clear(&p.a);
    p = parse_with("include missing.conf\n", &r);
    CHECK(says(&p, "there is no file 'missing.conf'"));
    arena_clear(&p.a);
    p = parse_with("include self.conf\n", &r);
    CHECK(says(&p, "does a file include itself?"));
    arena_clear(&p.a);
    p = parse_with("include secret.conf\n", &r);
    CHECK(says(&p, "cannot read 'secret.conf': 'permission denied'"));
    arena_clear(&p.a);
    p = parse_with("domain x.example {\n alias a -> b\n}\ninclude conf.d/*.conf\n", &r);
    CHECK(says(&p, "nonsense"));
    arena_clear(&p.a);
}

TEST(values)
{
    uint64_t v;
    static const struct {
        const char *text;
        long long size;
    } sizes[] = {{"0", 0},           {"none", 0},         {"500", 500},     {"64k", 65536}, {"50M", 52428800},
                 {"5GB", 5LL << 30}, {"1TiB", 1LL << 40}, {"12b", 12},      {"", -1},       {"k", -1},
                 {"5x", -1},         {"-1", -1},          {"20000000T", -1}};
    for (size_t i = 0; i < countof(sizes); i++)
        CHECK_NUM(config_size(str_c(sizes[i].text), &v) == VALUE_OK ? (long long)v : -1, sizes[i].size);
    static const struct {
        const char *text;
        long long ms;
    } durations[] = {{"0", 0},  {"500ms", 500}, {"5m", 300000}, {"1h30m", 5400000}, {"30d", 2592000000},        {"1w", 604800000},
                     {"5", -1}, {"", -1},       {"m", -1},      {"5y", -1},         {"999999999999999999w", -1}};
    for (size_t i = 0; i < countof(durations); i++)
        CHECK_NUM(config_duration(str_c(durations[i].text), &v) == VALUE_OK ? (long long)v : -1, durations[i].ms);
}

TEST(many_domains_and_aliases_are_found)
{
    struct buf b;
    char name[64];
    buf_init(&b, 1 << 20);
    for (int i = 0; i < 3000; i++)
        buf_printf(&b, "domain d%d.example\n", i);
    buf_add(&b, S("domain big.example {\n"));
    for (int i = 0; i < 3000; i++)
        buf_printf(&b, "alias a%d -> b%d\n", i, i);
    buf_add(&b, S("}\n"));
    buf_add_byte(&b, 0);
    struct parsed p = parse(b.p + b.head);
    CHECK_STR(p.errors, S(""));
    for (int i = 0; p.c && i < 3000; i += 7) {
        snprintf(name, sizeof name, "D%d.example", i);
        const struct config_domain *d = config_domain_find(p.c, str_c(name));
        CHECK(d && d->line == (uint32_t)i + 1);
        snprintf(name, sizeof name, "a%d", i);
        const struct config_alias *al = config_alias_find(config_domain_find(p.c, S("big.example")), str_c(name));
        CHECK(al && al->line == (uint32_t)i + 3002);
    }
    CHECK(p.c && !config_domain_find(p.c, S("d3000.example")) && !config_alias_find(p.c->domains, S("a1")));
    buf_free(&b);
    arena_clear(&p.a);
}

TEST(a_small_arena_is_an_error_not_a_crash)
{
    for (size_t max = 0; max < 3 << 20; max += max < 4096 ? 64 : 65536) {
        struct arena a;
        struct buf b;
        arena_init(&a, max);
        buf_fixed(&b, errors_text, sizeof errors_text);
        const struct config *c = config_parse(
            &a, S("x"), S("domain a.example {\n alias x -> y z\n}\nhostname b.example\nlisten smtp 25\n"), &b, false);
        CHECK(c != NULL || b.n > 0);
        arena_clear(&a);
    }
}

TEST(routes_and_relays)
{
    static char text[32 * 1024];
    struct buf b;
    struct parsed p = parse("route to two.test B\xc3\xbc" "cher.example via smtp://127.0.0.1:2626\nroute to *.corp.example via [2001:db8::1]\n"
                            "route to * via smtps://me@smtp.example.org secret file:keys/s\nroute to l.test via lmtp:/run/l\nroute to m.test via mx\n"
                            "relay for three.test 192.0.2.0/24 2001:db8::/32 ::1\n");
    CHECK_STR(p.errors, S(""));
    static const struct { const char *domain, *host, *path; uint16_t port; bool tls; } want[] = {
        {"two.test", "127.0.0.1", "", 2626, false},
        {"xn--bcher-kva.example", "127.0.0.1", "", 2626, false},
        {"a.corp.example", "2001:db8::1", "", 25, false},
        {"corp.example", "smtp.example.org", "", 465, true},
        {"l.test", "", "/run/l", 0, false},
        {"m.test", "", "", 0, false},
        {"[192.0.2.1]", "smtp.example.org", "", 465, true},
    };
    for (size_t i = 0; i < countof(want); i++) {
        const struct config_route *r = config_route_find(p.c, str_c(want[i].domain));
        CHECK(r && str_eq(r->host, str_c(want[i].host)) && str_eq(r->path, str_c(want[i].path)) && r->port == want[i].port && r->tls == want[i].tls);
    }
    const struct config_route *all = config_route_find(p.c, S("other.test"));
    CHECK(all && str_eq(all->user, S("me")) && str_eq(all->secret, S("keys/s")));
    CHECK(config_relay_domain(p.c, S("THREE.test")) && !config_relay_domain(p.c, S("two.test")));
    CHECK(config_relay_client(p.c, S("192.0.2.77")) && !config_relay_client(p.c, S("192.0.3.1")) && !config_relay_client(p.c, S("")));
    CHECK(config_relay_client(p.c, S("2001:db8:1::7")) && !config_relay_client(p.c, S("2001:db9::7")) && config_relay_client(p.c, S("::1")));
    buf_fixed(&b, text, sizeof text - 1);
    CHECK(config_show(p.c, STR_NONE, &b));
    text[b.n] = 0;
    struct parsed again = parse(text);
    CHECK_STR(again.errors, S(""));
    CHECK(again.c && config_route_find(again.c, S("other.test")) && config_relay_client(again.c, S("192.0.2.77")));
    arena_clear(&p.a);
    arena_clear(&again.a);
}

TEST(routes_that_lead_nowhere)
{
    static const struct { const char *text, *says; } cases[] = {
        {"route two.test\n", "route needs a domain"},
        {"route to two.test\n", "route needs a domain"},
        {"route to via smtp://h.test\n", "route needs a domain"},
        {"route to two.test via\n", "route needs a domain"},
        {"route to two.test via http://h.test\n", "smtp://, smtps://"},
        {"route to two.test via smtp://h.test:0\n", "from 1 to 65535"},
        {"route to two.test via [h.test]\n", "only addresses stand in brackets"},
        {"route to two.test via ::1\n", "[2001:db8::1]:25"},
        {"route to two.test via smtp://u:p@h.test\n", "a password does not stand"},
        {"route to two.test via smtp://u@h.test\n", "a user needs a password"},
        {"route to two.test via h.test secert file:x\n", "secret"},
        {"route to two..test via h.test\n", "is not a domain name"},
        {"route to two.test via a.test\nroute to two.test via b.test\n", "has a route already"},
        {"rout to two.test via a.test\n", "route"},
        {"relay two.test\n", "relay for needs"},
        {"relay for 192.0.2.1/24\n", "bits behind its length"},
        {"relay for 192.0.2.0/33\n", "from 0 to 32"},
        {"relay for a..b\n", "neither a domain nor a network"},
        {"relay for 0.0.0.0/0\n", "everybody may send"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        struct parsed p = parse(cases[i].text);
        CHECK(str_find_str(p.errors, str_c(cases[i].says)) < p.errors.n);
        arena_clear(&p.a);
    }
}
