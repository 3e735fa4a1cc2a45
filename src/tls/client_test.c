// SPDX-License-Identifier: ISC
/* Clients that say how they want to be sure: authorities, DANE, names, resumption; over buffers, against our server. */
#include "base/clock.h"
#include "base/encode.h"
#include "base/random.h"
#include "base/test.h"
#include "tls/digest.h"
#include "tls/inside.h"
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

/* root → sub → leaf; a second root that nobody knows. */
enum { ROOT, SUB, LEAF, OLD, OTHER, CERTS };
static struct {
    X509 *x;
    EVP_PKEY *key;
} made[CERTS];
static char root_pem[4096];

static void extension(X509 *x, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509V3_set_ctx_nodb(&ctx);
    X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
    X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    CHECK(e && X509_add_ext(x, e, -1) == 1);
    X509_EXTENSION_free(e);
}

static void certify(int which, int by, const char *cn, const char *san, int days)
{
    static long serial = 1;
    X509 *x = X509_new();
    made[which].x = x;
    made[which].key = EVP_EC_gen("P-256");
    X509_set_version(x, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(x), serial++);
    time_t now = (time_t)(clock_unix_ms() / 1000);
    X509_time_adj_ex(X509_getm_notBefore(x), -100, 0, &now);
    X509_time_adj_ex(X509_getm_notAfter(x), days, 0, &now);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC, (const unsigned char *)cn, -1, -1, 0);
    X509_set_issuer_name(x, X509_get_subject_name(made[by].x));
    X509_set_pubkey(x, made[which].key);
    extension(x, made[by].x, NID_basic_constraints,
              which == ROOT || which == SUB || which == OTHER ? "critical,CA:TRUE" : "CA:FALSE");
    if (san)
        extension(x, made[by].x, NID_subject_alt_name, san);
    CHECK(X509_sign(x, made[by].key, EVP_sha256()) > 0);
}

static struct str pem_of(char *to, size_t room, int count, const int *which)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *p;
    for (int i = 0; i < count; i++)
        PEM_write_bio_X509(bio, made[which[i]].x);
    long n = BIO_get_mem_data(bio, &p);
    CHECK(n > 0 && (size_t)n < room);
    memcpy(to, p, (size_t)n);
    to[n] = '\0';
    BIO_free(bio);
    return str_of(to, (size_t)n);
}

static void set_up(void)
{
    if (made[ROOT].x)
        return;
    CHECK(tls_warm());
    certify(ROOT, ROOT, "root", NULL, 100);
    certify(SUB, ROOT, "sub", NULL, 100);
    certify(LEAF, SUB, "leaf", "DNS:mx.demo.test,DNS:*.wild.test", 30);
    certify(OLD, SUB, "old", "DNS:mx.demo.test", -1);
    certify(OTHER, OTHER, "other", NULL, 100);
    pem_of(root_pem, sizeof root_pem, 1, (int[]){ROOT});
}

static bool sign(void *to, uint32_t key, const char *alg, const char *digest, struct str tbs, struct buf *signature)
{
    char pem[2048], *p;
    struct why why;
    (void)to;
    BIO *bio = BIO_new(BIO_s_mem());
    PEM_write_bio_PrivateKey(bio, made[key].key, NULL, NULL, 0, NULL, NULL);
    long n = BIO_get_mem_data(bio, &p);
    memcpy(pem, p, (size_t)n);
    BIO_free(bio);
    struct tls_key *k = tls_key_read(str_of(pem, (size_t)n), &why);
    bool ok = k && tls_key_sign(k, alg, digest, tbs, signature);
    tls_key_free(k);
    return ok;
}

struct pair {
    struct tls *server, *client;
    struct buf up, down; /* to the server, to the client */
    struct why why;
    enum tls_result result;
};

/* leaf: LEAF or OLD; count: how many of leaf, sub, root are sent. */
static struct tls_server_context *server_make(int leaf, int count)
{
    char chain[16384];
    struct why why;
    struct tls_server_context *s = tls_server_context_new(&why);
    tls_server_context_sign(s, sign, NULL);
    CHECK(tls_server_context_add(s, pem_of(chain, sizeof chain, count, (int[]){leaf, SUB, ROOT}), (uint32_t)leaf, &why));
    unsigned char key[80] = {7};
    tls_server_context_ticket_key(s, key);
    return s;
}

static void shake(struct pair *p, struct tls_server_context *s, struct tls_client_context *c, const struct tls_client_options *o)
{
    enum tls_result r = TLS_MORE;
    struct why why;
    *p = (struct pair){.server = tls_server_new(s), .client = tls_client_open(c, o), .result = TLS_MORE};
    CHECK(p->server && p->client);
    buf_init(&p->up, 1 << 18);
    buf_init(&p->down, 1 << 18);
    for (int i = 0; i < 20 && p->result != TLS_FAILED; i++) {
        if (p->result == TLS_MORE)
            p->result = tls_handshake(p->client, &p->down, &p->up, &p->why);
        if (r == TLS_MORE)
            r = tls_handshake(p->server, &p->up, &p->down, &why);
    }
    if (p->result == TLS_OK) { /* what the server said behind the hand-shake: tickets, or an alert */
        char cell[16];
        struct buf plain;
        buf_fixed(&plain, cell, sizeof cell);
        tls_read(p->client, &p->down, &plain, &p->up);
    }
}

static void pair_close(struct pair *p)
{
    tls_free(p->server);
    tls_free(p->client);
    buf_free(&p->up);
    buf_free(&p->down);
}

/* A TLSA record over one of the certificates. */
static struct tls_tlsa tlsa(int which, int usage, int selector, int matching, unsigned char room[4096])
{
    unsigned char *p = room;
    int n = selector ? i2d_X509_PUBKEY(X509_get_X509_PUBKEY(made[which].x), &p) : i2d_X509(made[which].x, &p);
    unsigned char digest[64];
    unsigned size = 0;
    if (matching) {
        CHECK(EVP_Digest(room, (size_t)n, digest, &size, matching == 1 ? EVP_sha256() : EVP_sha512(), NULL) == 1);
        memcpy(room, digest, size);
        n = (int)size;
    }
    return (struct tls_tlsa){(unsigned char)usage, (unsigned char)selector, (unsigned char)matching, str_of(room, (size_t)n)};
}

struct demand {
    const char *what;
    int leaf, chain; /* of the server */
    struct {
        int of, usage, selector, matching;
        bool wrong;
    } record[3];
    const char *name[3];
    enum tls_failure_kind kind;
    bool authenticated;
    const char *code;
};

static const struct demand dane[] = {
    {"3 1 1", LEAF, 2, {{LEAF, 3, 1, 1, false}}, {"other.test"}, TLS_FINE, true, ""},
    {"3 1 1 wrong", LEAF, 2, {{LEAF, 3, 1, 1, true}}, {"mx.demo.test"}, TLS_NO_TLSA_MATCH, false, "X509_V_ERR_DANE_NO_MATCH"},
    {"3 0 1", LEAF, 1, {{LEAF, 3, 0, 1, false}}, {"x.test"}, TLS_FINE, true, ""},
    {"3 0 2", LEAF, 1, {{LEAF, 3, 0, 2, false}}, {"x.test"}, TLS_FINE, true, ""},
    {"3 1 0", LEAF, 1, {{LEAF, 3, 1, 0, false}}, {"x.test"}, TLS_FINE, true, ""},
    {"3 0 0", LEAF, 1, {{LEAF, 3, 0, 0, false}}, {"x.test"}, TLS_FINE, true, ""},
    {"3 1 1 expired", OLD, 2, {{OLD, 3, 1, 1, false}}, {"mx.demo.test"}, TLS_FINE, true, ""},
    {"3 1 1 of the authority", LEAF, 3, {{SUB, 3, 1, 1, false}}, {"mx.demo.test"}, TLS_NO_TLSA_MATCH, false, ""},
    {"2 0 1", LEAF, 3, {{ROOT, 2, 0, 1, false}}, {"mx.demo.test"}, TLS_FINE, true, ""},
    {"2 0 1 middle", LEAF, 2, {{SUB, 2, 0, 1, false}}, {"mx.demo.test"}, TLS_FINE, true, ""},
    {"2 1 1 middle", LEAF, 2, {{SUB, 2, 1, 1, false}}, {"mx.demo.test"}, TLS_FINE, true, ""},
    {"2 1 2", LEAF, 3, {{ROOT, 2, 1, 2, false}}, {"mx.demo.test"}, TLS_FINE, true, ""},
    {"2 0 0 not sent", LEAF, 2, {{ROOT, 2, 0, 0, false}}, {"mx.demo.test"}, TLS_FINE, true, ""},
    {"2 0 1 not sent", LEAF, 2, {{ROOT, 2, 0, 1, false}}, {"mx.demo.test"}, TLS_NO_TLSA_MATCH, false, ""},
    {"2 0 1 other", LEAF, 3, {{OTHER, 2, 0, 1, false}}, {"mx.demo.test"}, TLS_NO_TLSA_MATCH, false, ""},
    {"2 0 1 name", LEAF, 3, {{ROOT, 2, 0, 1, false}}, {"x.test"}, TLS_WRONG_NAME, false, "X509_V_ERR_HOSTNAME_MISMATCH"},
    {"2 0 1 second name", LEAF, 3, {{ROOT, 2, 0, 1, false}}, {"x.test", "demo.test", "mx.demo.test"}, TLS_FINE, true, ""},
    {"2 0 1 wildcard", LEAF, 3, {{ROOT, 2, 0, 1, false}}, {"a.wild.test"}, TLS_FINE, true, ""},
    {"2 0 1 deep wildcard", LEAF, 3, {{ROOT, 2, 0, 1, false}}, {"b.a.wild.test"}, TLS_WRONG_NAME, false, ""},
    {"2 0 1 expired", OLD, 3, {{ROOT, 2, 0, 1, false}}, {"mx.demo.test"}, TLS_EXPIRED, false, "X509_V_ERR_CERT_HAS_EXPIRED"},
    {"mixed: one fits",
     LEAF,
     3,
     {{OTHER, 2, 0, 1, false}, {LEAF, 3, 1, 1, true}, {LEAF, 3, 1, 1, false}},
     {"x.test"},
     TLS_FINE,
     true,
     ""},
    {"mixed: 1 1 1 is left out",
     LEAF,
     3,
     {{LEAF, 1, 1, 1, false}, {LEAF, 3, 1, 1, true}},
     {"mx.demo.test"},
     TLS_NO_TLSA_MATCH,
     false,
     ""},
    {"agility: of two digests the stronger",
     LEAF,
     2,
     {{LEAF, 3, 1, 1, false}, {LEAF, 3, 1, 2, true}},
     {"x.test"},
     TLS_NO_TLSA_MATCH,
     false,
     ""},
    {"unusable: 0 and 1", OLD, 2, {{LEAF, 1, 1, 1, false}, {ROOT, 0, 0, 1, false}}, {"x.test"}, TLS_FINE, false, ""},
    {"unusable: selector", OLD, 2, {{LEAF, 3, 2, 1, false}}, {"x.test"}, TLS_FINE, false, ""},
    {"unusable: matching", OLD, 2, {{LEAF, 3, 1, 3, false}}, {"x.test"}, TLS_FINE, false, ""},
};

static void play(const struct demand *d, bool enforce, int version)
{
    unsigned char space[3][4096];
    struct tls_tlsa record[3];
    struct str name[3];
    struct tls_client_options o = {
        .server_name = S("mx.demo.test"), .trust = TLS_TRUST_DANE, .enforce = enforce, .names = name, .tlsa = record};
    for (; o.tlsa_count < 3 && d->record[o.tlsa_count].matching + d->record[o.tlsa_count].usage; o.tlsa_count++) {
        record[o.tlsa_count] = tlsa(d->record[o.tlsa_count].of, d->record[o.tlsa_count].usage, d->record[o.tlsa_count].selector,
                                    d->record[o.tlsa_count].matching, space[o.tlsa_count]);
        if (d->record[o.tlsa_count].wrong)
            space[o.tlsa_count][5] ^= 1;
    }
    for (; o.name_count < 3 && d->name[o.name_count]; o.name_count++)
        name[o.name_count] = str_c(d->name[o.name_count]);
    struct tls_server_context *s = server_make(d->leaf, d->chain);
    struct tls_client_context *c = tls_client_context_new(str_c(root_pem), true); /* authorities are there, and must not count */
    SSL_CTX_set_max_proto_version(c->ctx, version);
    struct pair p;
    struct tls_failure f;
    shake(&p, s, c, &o);
    tls_failure_get(p.client, &f);
    unsigned long before = test_failures;
    CHECK_NUM(f.kind, d->kind);
    CHECK_NUM(p.result, enforce && d->kind != TLS_FINE ? TLS_FAILED : TLS_OK);
    CHECK_NUM(tls_authenticated(p.client), d->authenticated);
    if (d->code[0])
        CHECK_STR(str_c(f.code), str_c(d->code));
    if (p.result == TLS_FAILED)
        CHECK(p.why.text[0]);
    if (before != test_failures)
        fprintf(stderr, "  in: %s, enforce %d, why %s, code %s\n", d->what, enforce, p.why.text, f.code);
    pair_close(&p);
    tls_client_context_free(c);
    tls_server_context_free(s);
}

TEST(dane_by_the_table)
{
    set_up();
    for (size_t i = 0; i < countof(dane); i++)
        for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
            play(&dane[i], true, version);
            play(&dane[i], false, version);
        }
}

TEST(usable_records)
{
    static const struct {
        int usage, selector, matching;
        size_t n;
        bool usable;
    } cases[] = {
        {3, 1, 1, 32, true},  {3, 1, 1, 31, false}, {3, 1, 1, 33, false}, {2, 0, 2, 64, true},    {2, 0, 2, 32, false},
        {1, 1, 1, 32, false}, {0, 0, 1, 32, false}, {4, 0, 1, 32, false}, {255, 0, 1, 32, false}, {3, 2, 1, 32, false},
        {3, 1, 3, 48, false}, {3, 1, 0, 32, false}, {3, 0, 0, 32, false}, {3, 0, 0, 0, false},    {3, 1, 1, 0, false},
    };
    unsigned char zeros[64] = {0}, space[4096];
    set_up();
    for (size_t i = 0; i < countof(cases); i++) {
        struct tls_tlsa r = {(unsigned char)cases[i].usage, (unsigned char)cases[i].selector, (unsigned char)cases[i].matching,
                             str_of(zeros, cases[i].n)};
        CHECK_NUM(tls_tlsa_usable(&r), cases[i].usable);
    }
    for (int selector = 0; selector < 2; selector++) {
        struct tls_tlsa r = tlsa(LEAF, 3, selector, 0, space);
        CHECK(tls_tlsa_usable(&r));
        r.data.n--;
        CHECK(!tls_tlsa_usable(&r));
        r.data.n += 2;
        CHECK(!tls_tlsa_usable(&r));
    }
}

static const struct {
    int leaf, chain;
    const char *name[2];
    bool authorities;
    enum tls_failure_kind kind;
} pkix[] = {
    {LEAF, 2, {"mx.demo.test"}, true, TLS_FINE},
    {LEAF, 2, {"MX.demo.test."}, true, TLS_FINE},
    {LEAF, 2, {"demo.test", "mx.demo.test"}, true, TLS_FINE},
    {LEAF, 2, {NULL}, true, TLS_FINE},
    {LEAF, 2, {"leaf"}, true, TLS_WRONG_NAME}, /* the common name does not count */
    {LEAF, 2, {"demo.test"}, true, TLS_WRONG_NAME},
    {LEAF, 2, {"192.0.2.1"}, true, TLS_WRONG_NAME},
    {OLD, 2, {"mx.demo.test"}, true, TLS_EXPIRED},
    {LEAF, 1, {"mx.demo.test"}, true, TLS_NOT_TRUSTED},
    {LEAF, 2, {"mx.demo.test"}, false, TLS_NOT_TRUSTED},
};

TEST(authorities_by_the_table)
{
    set_up();
    for (size_t i = 0; i < countof(pkix); i++)
        for (int enforce = 0; enforce < 2; enforce++) {
            struct str name[2] = {str_c(pkix[i].name[0]), str_c(pkix[i].name[1])};
            struct tls_client_options o = {.server_name = S("mx.demo.test"),
                                           .trust = TLS_TRUST_PKIX,
                                           .enforce = enforce != 0,
                                           .names = name,
                                           .name_count = pkix[i].name[1] ? 2 : pkix[i].name[0] != NULL};
            struct tls_server_context *s = server_make(pkix[i].leaf, pkix[i].chain);
            struct tls_client_context *c = tls_client_context_new(pkix[i].authorities ? str_c(root_pem) : STR_NONE, false);
            struct pair p;
            struct tls_failure f;
            shake(&p, s, c, &o);
            tls_failure_get(p.client, &f);
            CHECK_NUM(f.kind, pkix[i].kind);
            CHECK_NUM(p.result, enforce && pkix[i].kind != TLS_FINE ? TLS_FAILED : TLS_OK);
            CHECK_NUM(tls_authenticated(p.client), pkix[i].kind == TLS_FINE);
            pair_close(&p);
            o.trust = TLS_TRUST_ANY;
            shake(&p, s, c, &o);
            tls_failure_get(p.client, &f);
            CHECK(p.result == TLS_OK && f.kind == TLS_FINE && !tls_authenticated(p.client));
            pair_close(&p);
            tls_client_context_free(c);
            tls_server_context_free(s);
        }
}

TEST(a_broken_hand_shake_is_told_from_a_bad_certificate)
{
    set_up();
    struct tls_client_context *c = tls_client_context_new(str_c(root_pem), false);
    struct str name = S("mx.demo.test");
    struct tls_client_options o = {
        .server_name = name, .trust = TLS_TRUST_PKIX, .enforce = true, .names = &name, .name_count = 1};
    struct tls *t = tls_client_open(c, &o);
    struct tls_failure f;
    struct buf in, out;
    struct why why;
    buf_init(&in, 1000);
    buf_init(&out, 10000);
    CHECK_NUM(tls_handshake(t, &in, &out, &why), TLS_MORE);
    buf_add(&in, S("454 TLS not available\r\n"));
    CHECK_NUM(tls_handshake(t, &in, &out, &why), TLS_FAILED);
    tls_failure_get(t, &f);
    CHECK_NUM(f.kind, TLS_HANDSHAKE);
    CHECK_STR(str_c(f.code), S("wrong version number"));
    tls_free(t);
    buf_free(&in);
    buf_free(&out);
    o.name_count = 9;
    CHECK(tls_client_open(c, &o) == NULL);
    o.name_count = 0;
    o.trust = TLS_TRUST_DANE;
    unsigned char space[4096];
    struct tls_tlsa r = tlsa(LEAF, 3, 1, 1, space);
    o.tlsa = &r;
    o.tlsa_count = 1;
    CHECK(tls_client_open(c, &o) == NULL); /* DANE without a name to check */
    tls_client_context_free(c);
}

/* Two connections in a row, the second with what the first left behind. */
static bool resumes(int version, const struct tls_client_options *first, const struct tls_client_options *second, bool spoil)
{
    struct tls_server_context *s = server_make(LEAF, 3);
    struct tls_client_context *c = tls_client_context_new(str_c(root_pem), false);
    SSL_CTX_set_max_proto_version(c->ctx, version);
    struct tls_client_options o = *first;
    struct pair p;
    struct buf kept;
    int64_t expires = 0, now = clock_unix_ms() / 1000;
    buf_init(&kept, TLS_SESSION_MAX);
    shake(&p, s, c, &o);
    CHECK_NUM(p.result, TLS_OK);
    CHECK(!tls_session_resumed(p.client));
    bool had = tls_session_export(p.client, &kept, &expires);
    CHECK(!had || (expires > now && expires <= now + TLS_SESSION_AGE_S + 2));
    pair_close(&p);
    o = *second;
    o.session = buf_str(&kept);
    if (spoil)
        kept.p[20] ^= 0x40; /* in the hash of the demands */
    shake(&p, s, c, &o);
    CHECK_NUM(p.result, TLS_OK);
    bool resumed = tls_session_resumed(p.client);
    CHECK_NUM(tls_authenticated(p.client), o.trust != TLS_TRUST_ANY && (o.enforce || o.trust == TLS_TRUST_DANE));
    pair_close(&p);
    buf_free(&kept);
    tls_client_context_free(c);
    tls_server_context_free(s);
    return resumed;
}

TEST(sessions_are_resumed_under_the_same_demands_only)
{
    unsigned char space[2][4096];
    struct str name[2] = {S_INIT("mx.demo.test"), S_INIT("demo.test")};
    set_up();
    struct tls_tlsa record[2] = {tlsa(LEAF, 3, 1, 1, space[0]), tlsa(SUB, 2, 1, 1, space[1])};
    struct tls_client_options
        any = {.server_name = name[0]},
        pkix1 = {.server_name = name[0], .trust = TLS_TRUST_PKIX, .enforce = true, .names = name, .name_count = 1},
        pkix2 = {.server_name = name[0], .trust = TLS_TRUST_PKIX, .enforce = true, .names = name, .name_count = 2},
        wrong = {.server_name = name[0], .trust = TLS_TRUST_PKIX, .enforce = false, .names = name + 1, .name_count = 1},
        dane1 = {.server_name = name[0],
                 .trust = TLS_TRUST_DANE,
                 .enforce = true,
                 .names = name,
                 .name_count = 1,
                 .tlsa = record,
                 .tlsa_count = 1},
        dane2 = {.server_name = name[0],
                 .trust = TLS_TRUST_DANE,
                 .enforce = true,
                 .names = name,
                 .name_count = 1,
                 .tlsa = record,
                 .tlsa_count = 2},
        ours = {.server_name = name[1]};
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        CHECK(resumes(version, &any, &any, false));
        CHECK(resumes(version, &pkix1, &pkix1, false));
        CHECK(resumes(version, &dane1, &dane1, false));
        CHECK(!resumes(version, &any, &pkix1, false));
        CHECK(!resumes(version, &any, &dane1, false));
        CHECK(!resumes(version, &pkix1, &pkix2, false));
        CHECK(!resumes(version, &pkix1, &dane1, false));
        CHECK(!resumes(version, &dane1, &dane2, false));
        CHECK(!resumes(version, &any, &ours, false));
        CHECK(!resumes(version, &wrong, &wrong, false)); /* what was not what was asked for is not kept */
        CHECK(!resumes(version, &any, &any, true));
    }
}

TEST(session_octets_of_any_kind)
{
    set_up();
    struct tls_client_context *c = tls_client_context_new(STR_NONE, false);
    struct tls_client_options o = {.server_name = S("mx.demo.test")};
    struct tls *t = tls_client_open(c, &o);
    char bytes[600] = "PNY1";
    memcpy(bytes + 4, t->demands, 32);
    random_seed(5);
    for (int i = 0; i < 2000; i++) {
        size_t n = (size_t)random_below(sizeof bytes);
        random_bytes(bytes + 36, sizeof bytes - 36);
        bytes[36] = 0x30;
        tls_session_import(t, str_of(bytes, n));
    }
    random_seed(0);
    struct buf b, in, out;
    struct why why;
    int64_t expires;
    buf_init(&b, 100);
    buf_init(&in, 100);
    buf_init(&out, 10000);
    CHECK(!tls_session_export(t, &b, &expires));
    CHECK_NUM(tls_handshake(t, &in, &out, &why), TLS_MORE);
    tls_free(t);
    buf_free(&b);
    buf_free(&out);
    tls_client_context_free(c);
}

TEST(keys_are_made_and_sign_hashes)
{
    static const enum tls_key_kind kinds[] = {TLS_KEY_ED25519, TLS_KEY_RSA, TLS_KEY_EC};
    unsigned char hash[32];
    struct why why;
    memset(hash, 0x5a, sizeof hash);
    for (size_t i = 0; i < countof(kinds); i++) {
        struct buf pem, public, signature;
        buf_init(&pem, 8192);
        buf_init(&public, 1024);
        buf_init(&signature, 1024);
        CHECK(tls_key_generate(kinds[i], &pem, &why));
        struct tls_key *k = tls_key_read(buf_str(&pem), &why);
        CHECK(k && tls_key_kind(k) == kinds[i]);
        CHECK(tls_key_public(k, &public));
        CHECK(kinds[i] != TLS_KEY_ED25519 || public.n == 32);
        CHECK_NUM(tls_key_sign_hash(k, hash, &signature), kinds[i] != TLS_KEY_EC);
        if (kinds[i] != TLS_KEY_EC) {
            CHECK(tls_public_verify_hash(buf_str(&public), hash, buf_str(&signature)));
            hash[0] ^= 1;
            CHECK(!tls_public_verify_hash(buf_str(&public), hash, buf_str(&signature)));
            hash[0] ^= 1;
            signature.p[3] ^= 1;
            CHECK(!tls_public_verify_hash(buf_str(&public), hash, buf_str(&signature)));
        }
        struct buf small;
        char cell[8];
        buf_fixed(&small, cell, sizeof cell);
        CHECK(!tls_key_public(k, &small));
        CHECK(!tls_key_generate(kinds[i], &small, &why));
        tls_key_free(k);
        buf_free(&pem);
        buf_free(&public);
        buf_free(&signature);
    }
    struct buf none;
    buf_init(&none, 8192);
    CHECK(!tls_key_generate(TLS_KEY_OTHER, &none, &why));
    CHECK(!tls_public_verify_hash(S("no key"), hash, S("x")));
    buf_free(&none);
}

/* An RSA signature over a hash is the one over the text (RFC 8017 8.2.1): what verifiers compute. */
TEST(signing_a_hash_is_signing_the_text)
{
    struct why why;
    struct buf pem, a, b;
    unsigned char hash[32];
    struct str text = S("from:joe\r\n");
    buf_init(&pem, 8192);
    buf_init(&a, 1024);
    buf_init(&b, 1024);
    CHECK(tls_key_generate(TLS_KEY_RSA, &pem, &why));
    struct tls_key *k = tls_key_read(buf_str(&pem), &why);
    tls_hash(TLS_SHA256, text, hash);
    CHECK(tls_key_sign_hash(k, hash, &a) && tls_key_sign(k, "RSA-PKCS1", "SHA256", text, &b));
    CHECK_STR(buf_str(&a), buf_str(&b));
    tls_key_free(k);
    buf_free(&pem);
    buf_free(&a);
    buf_free(&b);
}

TEST(hashes_in_pieces)
{
    unsigned char whole[32], pieces[32];
    struct str text = S("The quick brown fox jumps over the lazy dog");
    for (int d = TLS_SHA1; d <= TLS_SHA256; d++) {
        struct tls_hash *h = tls_hash_new((enum tls_digest)d);
        tls_hash((enum tls_digest)d, text, whole);
        for (size_t i = 0; i < text.n; i += 5)
            tls_hash_add(h, str_head(str_skip(text, i), 5));
        tls_hash_add(h, STR_NONE);
        tls_hash_end(h, pieces);
        CHECK(memcmp(whole, pieces, tls_digest_size((enum tls_digest)d)) == 0);
    }
    tls_hash_free(tls_hash_new(TLS_SHA256));
    tls_hash_free(NULL);
}
