// SPDX-License-Identifier: ISC
#include <unistd.h>
#include "base/encode.h"
#include "base/random.h"
#include "base/test.h"
#include "login/inside.h"

static struct login_verifier verifier;
static const struct tls_facts with_tls = {.active = true, .has_exporter = true, .exporter = {1, 2, 3}};
static const struct tls_facts no_exporter = {.active = true};
static const struct tls_facts no_tls;

static void made(void)
{
    struct why why;
    if (verifier.version == 0)
        CHECK(login_verifier_make(S("pa,ss=w\xc3\xb6rd"), &verifier, &why) == DONE);
}

/* One login: the server knows "tim@example.org" only. */
static enum login_step run(struct login_server *l, bool has, struct str response, struct buf *challenge)
{
    enum login_step step = login_server_feed(l, has, response, challenge);
    if (step == LOGIN_NEED_VERIFIER)
        step = login_server_verifier(l, str_eq(str_c(l->user), S("tim@example.org")), &verifier, challenge);
    return step == LOGIN_NEED_PASSWORD_CHECK ? login_server_check(l) : step;
}

static enum login_step both(const char *offered, const char *user, const char *password, const struct tls_facts *client_tls,
                            const struct tls_facts *server_tls, bool sha1, char *mechanism)
{
    struct arena a;
    struct login_server l;
    char challenge_store[2048], response_store[2048];
    struct buf challenge, response;
    enum login_step step = LOGIN_FAILED;
    made();
    arena_init(&a, 65536);
    buf_fixed(&challenge, challenge_store, sizeof challenge_store);
    buf_fixed(&response, response_store, sizeof response_store);
    struct login_client *c = login_client_new(&a, str_c(offered), str_c(user), str_c(password), client_tls, sha1);
    CHECK(c != NULL);
    if (c && login_server_init(&l, login_client_mechanism(c), server_tls, sha1)) {
        snprintf(mechanism, 24, "%s", l.mechanism);
        bool go = login_client_step(c, true, STR_NONE, &response);
        step = run(&l, response.n > 0, buf_str(&response), &challenge);
        for (int i = 0; go && i < 5 && step == LOGIN_MORE; i++) {
            buf_clear(&response);
            go = login_client_step(c, false, buf_str(&challenge), &response);
            buf_clear(&challenge);
            if (go)
                step = run(&l, true, buf_str(&response), &challenge);
        }
        CHECK(step != LOGIN_OK || login_client_done(c));
        login_server_clear(&l);
        CHECK(l.password_n == 0);
    }
    login_client_clear(c);
    arena_clear(&a);
    return step;
}

TEST(every_mechanism_both_ends)
{
    static const struct {
        const char *offered, *user, *password;
        const struct tls_facts *client, *server;
        bool sha1;
        enum login_step step;
        const char *mechanism;
    } cases[] = {
        {"PLAIN LOGIN SCRAM-SHA-256 SCRAM-SHA-256-PLUS", "tim@example.org", "pa,ss=w\xc3\xb6rd", &with_tls, &with_tls, false, LOGIN_OK, "SCRAM-SHA-256-PLUS"},
        {"PLAIN LOGIN SCRAM-SHA-256", "tim@example.org", "pa,ss=w\xc3\xb6rd", &no_exporter, &no_exporter, false, LOGIN_OK, "SCRAM-SHA-256"},
        {"SCRAM-SHA-256-PLUS SCRAM-SHA-256", "tim@example.org", "pa,ss=w\xc3\xb6rd", &no_tls, &no_tls, false, LOGIN_OK, "SCRAM-SHA-256"},
        {"SCRAM-SHA-1 PLAIN", "tim@example.org", "pa,ss=w\xc3\xb6rd", &no_tls, &no_tls, true, LOGIN_OK, "SCRAM-SHA-1"},
        {"SCRAM-SHA-1 PLAIN", "TIM@EXAMPLE.ORG", "pa,ss=wo\xcc\x88rd", &no_tls, &no_tls, false, LOGIN_OK, "PLAIN"},
        {"login", "tim@example.org.", "pa,ss=w\xc3\xb6rd", &with_tls, &with_tls, false, LOGIN_OK, "LOGIN"},
        {"SCRAM-SHA-256", "Tim@Example.org", "pa,ss=wo\xcc\x88rd", &no_tls, &no_tls, false, LOGIN_OK, "SCRAM-SHA-256"}, /* NFKC on both ends */
        /* wrong password, unknown user */
        {"PLAIN", "tim@example.org", "pa,ss=wurd", &with_tls, &with_tls, false, LOGIN_FAILED, "PLAIN"},
        {"LOGIN", "tim@example.org", "x", &with_tls, &with_tls, false, LOGIN_FAILED, "LOGIN"},
        {"SCRAM-SHA-256", "tim@example.org", "x", &no_tls, &no_tls, false, LOGIN_FAILED, "SCRAM-SHA-256"},
        {"SCRAM-SHA-256", "tom@example.org", "pa,ss=w\xc3\xb6rd", &no_tls, &no_tls, false, LOGIN_FAILED, "SCRAM-SHA-256"},
        {"PLAIN", "tom@example.org", "pa,ss=w\xc3\xb6rd", &no_tls, &no_tls, false, LOGIN_FAILED, "PLAIN"},
        /* somebody took -PLUS out of the list: the client says y, the server knows better */
        {"SCRAM-SHA-256", "tim@example.org", "pa,ss=w\xc3\xb6rd", &with_tls, &with_tls, false, LOGIN_FAILED, "SCRAM-SHA-256"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char mechanism[24] = "";
        enum login_step step = both(cases[i].offered, cases[i].user, cases[i].password, cases[i].client, cases[i].server, cases[i].sha1, mechanism);
        if (step != cases[i].step)
            fprintf(stderr, "case %zu\n", i);
        CHECK_NUM(step, cases[i].step);
        CHECK_STR(str_c(mechanism), str_c(cases[i].mechanism));
    }
    struct tls_facts other = with_tls; /* two channels with somebody in between */
    other.exporter[31] = 9;
    char mechanism[24];
    CHECK_NUM(both("SCRAM-SHA-256-PLUS", "tim@example.org", "pa,ss=w\xc3\xb6rd", &with_tls, &other, false, mechanism), LOGIN_FAILED);
}

TEST(what_is_offered_and_allowed)
{
    char store[200];
    struct buf to;
    struct login_server l;
    struct arena a;
    buf_fixed(&to, store, sizeof store);
    login_mechanisms(&to, true, true, false);
    CHECK_STR(buf_str(&to), S("SCRAM-SHA-256-PLUS SCRAM-SHA-256 PLAIN LOGIN"));
    buf_clear(&to);
    login_mechanisms(&to, true, false, true);
    CHECK_STR(buf_str(&to), S("SCRAM-SHA-256 SCRAM-SHA-1 PLAIN LOGIN"));
    CHECK(!login_server_init(&l, S("SCRAM-SHA-256-PLUS"), &no_exporter, false));
    CHECK(!login_server_init(&l, S("SCRAM-SHA-1"), &with_tls, false));
    CHECK(login_server_init(&l, S("scram-sha-1"), &with_tls, true));
    CHECK(!login_server_init(&l, S("CRAM-MD5"), &with_tls, true));
    CHECK(!login_server_init(&l, S(""), &with_tls, true));
    CHECK_NUM(login_server_feed(&l, true, S("x"), &to), LOGIN_FAILED);
    arena_init(&a, 10000);
    CHECK(login_client_new(&a, S("GSSAPI CRAM-MD5 PLAINX"), S("u"), S("p"), &with_tls, true) == NULL);
    CHECK(login_client_new(&a, S("PLAIN"), S(""), S("p"), &with_tls, true) == NULL);
    arena_clear(&a);
}

static enum login_step feed_text(const char *mechanism, const struct tls_facts *tls, const char *const *lines, size_t count, struct str password_line)
{
    struct login_server l;
    char store[2048];
    struct buf challenge;
    enum login_step step = LOGIN_FAILED;
    made();
    CHECK(login_server_init(&l, str_c(mechanism), tls, true));
    buf_fixed(&challenge, store, sizeof store);
    for (size_t i = 0; i < count; i++)
        step = run(&l, true, str_c(lines[i]), &challenge);
    if (password_line.p)
        step = run(&l, true, password_line, &challenge);
    login_server_clear(&l);
    return step;
}

TEST(broken_messages)
{
    static const struct { const char *mechanism, *first; bool ok; } cases[] = {
        {"SCRAM-SHA-256", "n,,n=user,r=abc", true},
        {"SCRAM-SHA-256", "y,,n=user,r=abc", true},
        {"SCRAM-SHA-256", "n,a=user,n=user,r=abc", true},
        {"SCRAM-SHA-256", "n,,n=a=2Cb=3Dc,r=abc", true},
        {"SCRAM-SHA-256", "n,,n=user,r=abc,x=extension", true},
        {"SCRAM-SHA-256", "n,,n=a=40b,r=abc", false},
        {"SCRAM-SHA-256", "n,,n=a=,r=abc", false},
        {"SCRAM-SHA-256", "n,,n=,r=abc", false},
        {"SCRAM-SHA-256", "n,,n=user,r=", false},
        {"SCRAM-SHA-256", "n,,n=user", false},
        {"SCRAM-SHA-256", "n,,r=abc,n=user", false},
        {"SCRAM-SHA-256", "n,,m=x,n=user,r=abc", false},
        {"SCRAM-SHA-256", "n,n=user,r=abc", false},
        {"SCRAM-SHA-256", "n,b=user,n=user,r=abc", false},
        {"SCRAM-SHA-256", "p=tls-exporter,,n=user,r=abc", false},
        {"SCRAM-SHA-256", "x,,n=user,r=abc", false},
        {"SCRAM-SHA-256", ",,n=user,r=abc", false},
        {"SCRAM-SHA-256", "n", false},
        {"SCRAM-SHA-256", "", false},
        {"SCRAM-SHA-256", "n,,n=us er,r=abc", false},
        {"SCRAM-SHA-256", "n,,n=user,r=a\x80" "c", false},
        {"SCRAM-SHA-256", "n,,n=\xff,r=abc", false},
        {"SCRAM-SHA-256-PLUS", "p=tls-exporter,,n=user,r=abc", true},
        {"SCRAM-SHA-256-PLUS", "p=tls-unique,,n=user,r=abc", false},
        {"SCRAM-SHA-256-PLUS", "n,,n=user,r=abc", false},
        {"SCRAM-SHA-256-PLUS", "y,,n=user,r=abc", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        bool plus = cases[i].mechanism[13] != 0;
        enum login_step step = feed_text(cases[i].mechanism, plus ? &with_tls : &no_tls, &cases[i].first, 1, STR_NONE);
        if (step != (cases[i].ok ? LOGIN_MORE : LOGIN_FAILED))
            fprintf(stderr, "%s\n", cases[i].first);
        CHECK_NUM(step, cases[i].ok ? LOGIN_MORE : LOGIN_FAILED);
    }
    static const struct { struct str message; enum login_step step; } plains[] = {
        {{"\0tim@example.org\0pa,ss=w\xc3\xb6rd", 28}, LOGIN_OK},
        {{"tim@example.org\0tim@example.org\0pa,ss=w\xc3\xb6rd", 43}, LOGIN_OK},
        {{"other\0tim@example.org\0pa,ss=w\xc3\xb6rd", 33}, LOGIN_FAILED},
        {{"tim@example.org\0pa,ss=w\xc3\xb6rd", 27}, LOGIN_FAILED},
        {{"\0tim@example.org\0", 17}, LOGIN_FAILED},
        {{"\0\0pw", 4}, LOGIN_FAILED},
        {{"\0tim@example.org\0pw\0x", 21}, LOGIN_FAILED},
        {{"\0tim@example.org\0\xff\xfe", 19}, LOGIN_FAILED},
        {{"", 0}, LOGIN_FAILED},
        {{"\0\0\0", 3}, LOGIN_FAILED},
    };
    for (size_t i = 0; i < sizeof plains / sizeof plains[0]; i++)
        CHECK_NUM(feed_text("PLAIN", &with_tls, NULL, 0, plains[i].message), plains[i].step);
    static const char *const good[] = {"tim@example.org"}, *const empty[] = {""};
    CHECK_NUM(feed_text("LOGIN", &with_tls, good, 1, S("pa,ss=w\xc3\xb6rd")), LOGIN_OK);
    CHECK_NUM(feed_text("LOGIN", &with_tls, good, 1, S("")), LOGIN_FAILED);
    CHECK_NUM(feed_text("LOGIN", &with_tls, empty, 1, S("x")), LOGIN_FAILED);
}

/* Salts and costs do not tell who exists: the same each time for a name, different from name to name, and as many iterations as real ones. */
TEST(nobody_looks_like_somebody)
{
    struct login_verifier a, b, c;
    made();
    login_fake_verifier(S("nobody@example.org"), &a);
    login_fake_verifier(S("nobody@example.org"), &b);
    login_fake_verifier(S("somebody@example.org"), &c);
    CHECK(memcmp(&a, &b, sizeof a) == 0);
    CHECK(memcmp(a.scram_salt, c.scram_salt, sizeof a.scram_salt) != 0);
    CHECK_NUM(a.scram_iterations, verifier.scram_iterations);
    CHECK_NUM(strlen(a.argon2id), strlen(verifier.argon2id));
    CHECK(memcmp(a.argon2id, verifier.argon2id, strlen("$argon2id$v=19$m=19456,t=2,p=1$")) == 0);
    CHECK(!login_password_is(S(""), &a) && !login_password_is(S("x"), &a));
    CHECK(login_password_is(S("pa,ss=w\xc3\xb6rd"), &verifier));
    verifier.version = 2; /* of a later program */
    CHECK(!login_password_is(S("pa,ss=w\xc3\xb6rd"), &verifier));
    verifier.version = 1;
}

TEST(client_refuses_bad_servers)
{
    static const struct { const char *first; bool ok; } cases[] = {
        {"%sX,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096", true},   {"%s,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096", false},
        {"X%s,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096", false},  {"%sX,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=0", false},
        {"%sX,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=1", false},     {"%sX,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=99999999999", false},
        {"%sX,s=W22ZaJ0SNY7soEsUEjb6gQ==", false},         {"%sX,s=,i=4096", false},
        {"%sX,s=!!!!,i=4096", false},                      {"%sX,i=4096,s=W22ZaJ0SNY7soEsUEjb6gQ==", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct arena a;
        char store[2048], nonce[64], first[300];
        struct buf response;
        arena_init(&a, 65536);
        buf_fixed(&response, store, sizeof store);
        struct login_client *c = login_client_new(&a, S("SCRAM-SHA-256"), S("u,=ser"), S("pencil"), &no_tls, false);
        CHECK(login_client_step(c, true, STR_NONE, &response));
        struct str sent = buf_str(&response);
        CHECK(str_starts(sent, S("n,,n=u=2C=3Dser,r=")));
        CHECK(str_to_c(str_skip(sent, 18), nonce, sizeof nonce));
        char *percent = strstr(cases[i].first, "%s") ? first + 2 : NULL;
        CHECK(percent != NULL);
        size_t before = (size_t)(strstr(cases[i].first, "%s") - cases[i].first);
        snprintf(first, sizeof first, "r=%.*s%s%s", (int)before, cases[i].first, nonce, cases[i].first + before + 2);
        buf_clear(&response);
        CHECK(login_client_step(c, false, str_c(first), &response) == cases[i].ok);
        buf_clear(&response);
        CHECK(!login_client_step(c, false, S("v=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="), &response));
        CHECK(!login_client_done(c));
        arena_clear(&a);
    }
}

TEST(names_and_passwords)
{
    static const struct { const char *in, *out; } users[] = {
        {"Alice@Demo.TEST", "alice@demo.test"}, {"alice", "alice"}, {"ALICE+tag@demo.test.", "alice+tag@demo.test"},
        {"J\xc3\x96RG@b\xc3\xbc" "cher.test", "j\xc3\xb6rg@xn--bcher-kva.test"}, {"jo\xcc\x88rg@B\xc3\x9c" "CHER.test", "j\xc3\xb6rg@xn--bcher-kva.test"},
        {"\xef\xbc\xa1lice@demo.test", "alice@demo.test"}, /* full-width */
        {"a@b@demo.test", "a@b@demo.test"}, {"", NULL}, {"@demo.test", NULL}, {"a@", NULL}, {"a@..", NULL}, {"a@b..c", NULL}, {"a@.b", NULL}, {"\xef\xbc\xa0like", NULL}, {"a b@demo.test", NULL}, {"a@b c", NULL}, {"\xff@b.test", NULL},
        {"a\x01@b.test", NULL}, {"\xe2\x99\xa5@b.test", NULL}, {"a\xd7\x90@b.test", NULL},
    };
    for (size_t i = 0; i < sizeof users / sizeof users[0]; i++) {
        char store[400];
        struct buf to;
        struct why why = {"", ""};
        buf_fixed(&to, store, sizeof store);
        bool ok = login_prepare_user(str_c(users[i].in), &to, &why);
        CHECK(ok == (users[i].out != NULL));
        if (ok && users[i].out)
            CHECK_STR(buf_str(&to), str_c(users[i].out));
        else
            CHECK(why.text[0] != '\0');
    }
    static const struct { const char *in, *out; } passwords[] = {
        {"correct horse", "correct horse"}, {"a\xc2\xa0z", "a z"}, {"I\xc2\xadX", "IX"}, {"\xc2\xaa", "a"}, {"\xe2\x85\xa8", "IX"}, {"\x07", NULL},
        {"", NULL}, {"\xff", NULL}, {"a\nb", NULL}, {"\xc2\xad", NULL},
        {"\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80"}, /* newer than Unicode 3.2: OpaqueString takes it */
        {"\xd8\xa7" "1", "\xd8\xa7" "1"},         /* SASLprep refuses its direction, OpaqueString has no such rule */
    };
    for (size_t i = 0; i < sizeof passwords / sizeof passwords[0]; i++) {
        char store[1000];
        struct buf to;
        struct why why = {"", ""};
        buf_fixed(&to, store, sizeof store);
        bool ok = login_prepare_password(str_c(passwords[i].in), &to, &why);
        CHECK(ok == (passwords[i].out != NULL));
        if (ok && passwords[i].out)
            CHECK_STR(buf_str(&to), str_c(passwords[i].out));
        else
            CHECK(why.text[0] != '\0');
    }
    struct why why;
    struct login_verifier v;
    char big[1002];
    memset(big, 'x', sizeof big);
    CHECK_NUM(login_verifier_make(str_of(big, 1001), &v, &why), REFUSE);
    CHECK(strstr(why.text, "1,000") != NULL);
    CHECK_NUM(login_verifier_make(STR_NONE, &v, &why), REFUSE);
}

/* RFC 7677 3 and RFC 5802 5: the keys behind the examples. */
TEST(rfc_keys)
{
    static const struct { enum tls_digest d; const char *salt, *stored, *server; } cases[] = {
        {TLS_SHA256, "W22ZaJ0SNY7soEsUEjb6gQ==", "WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=", "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="},
        {TLS_SHA1, "QSXCR+Q6sek8bf92", "6dlGYMOdZcOPutkcNY8U2g7vK9Y=", "D+CSWLOshSulAsxiupA+qs2/fTE="},
    };
    for (size_t i = 0; i < 2; i++) {
        unsigned char stored[32], server[32];
        char salt_store[32], text[64];
        struct buf salt, to;
        buf_fixed(&salt, salt_store, sizeof salt_store);
        CHECK(base64_decode(&salt, str_c(cases[i].salt)));
        scram_keys(cases[i].d, S("pencil"), buf_str(&salt), 4096, stored, server, NULL);
        buf_fixed(&to, text, sizeof text);
        base64_encode(&to, str_of(stored, tls_digest_size(cases[i].d)));
        CHECK_STR(buf_str(&to), str_c(cases[i].stored));
        buf_clear(&to);
        base64_encode(&to, str_of(server, tls_digest_size(cases[i].d)));
        CHECK_STR(buf_str(&to), str_c(cases[i].server));
    }
}
