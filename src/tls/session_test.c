// SPDX-License-Identifier: ISC
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <malloc.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/fail.h"
#include "base/random.h"
#include "base/test.h"
#include "tls/inside.h"

/* A small authority: one root, leaves of every kind of key. */

enum { KINDS = 5 };
static const char *const kind_names[KINDS] = {"P-256", "P-384", "RSA-2048", "RSA-3072", "ED25519"};

struct leaf {
    char key_pem[8192], chain_pem[16384];
    size_t key_n, chain_n;
};
static struct leaf leaves[KINDS];
static char ca_pem[4096];
static size_t ca_n;

static EVP_PKEY *key_make(int kind)
{
    switch (kind) {
    case 0: return EVP_EC_gen("P-256");
    case 1: return EVP_EC_gen("P-384");
    case 2: return EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048);
    case 3: return EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)3072);
    default: return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    }
}

static void extension(X509 *x, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509V3_set_ctx_nodb(&ctx);
    X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
    X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    CHECK(e && X509_add_ext(x, e, -1) == 1);
    X509_EXTENSION_free(e);
}

static X509 *certificate(EVP_PKEY *key, const char *cn, const char *san, X509 *issuer, EVP_PKEY *issuer_key)
{
    static long serial = 100;
    X509 *x = X509_new();
    X509_set_version(x, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(x), serial++);
    time_t now = (time_t)(clock_unix_ms() / 1000);
    X509_time_adj_ex(X509_getm_notBefore(x), -1, 0, &now);
    X509_time_adj_ex(X509_getm_notAfter(x), 30, 0, &now);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC, (const unsigned char *)cn, -1, -1, 0);
    X509_set_issuer_name(x, X509_get_subject_name(issuer ? issuer : x));
    X509_set_pubkey(x, key);
    extension(x, issuer ? issuer : x, NID_basic_constraints, issuer ? "CA:FALSE" : "critical,CA:TRUE");
    if (san)
        extension(x, issuer, NID_subject_alt_name, san);
    CHECK(X509_sign(x, issuer_key, EVP_PKEY_is_a(issuer_key, "ED25519") ? NULL : EVP_sha256()) > 0);
    return x;
}

static size_t text_of(BIO *bio, char *to, size_t room)
{
    char *p;
    long n = BIO_get_mem_data(bio, &p);
    CHECK(n > 0 && (size_t)n < room);
    memcpy(to, p, (size_t)n);
    to[n] = '\0';
    BIO_free(bio);
    return (size_t)n;
}

static X509 *root;
static EVP_PKEY *root_key;

static void leaf_make(struct leaf *l, int kind, const char *san)
{
    EVP_PKEY *key = key_make(kind);
    X509 *x = certificate(key, kind_names[kind], san, root, root_key);
    BIO *a = BIO_new(BIO_s_mem()), *b = BIO_new(BIO_s_mem());
    PEM_write_bio_PrivateKey(a, key, NULL, NULL, 0, NULL, NULL);
    PEM_write_bio_X509(b, x);
    PEM_write_bio_X509(b, root);
    l->key_n = text_of(a, l->key_pem, sizeof l->key_pem);
    l->chain_n = text_of(b, l->chain_pem, sizeof l->chain_pem);
    X509_free(x);
    EVP_PKEY_free(key);
}

static void authority(void)
{
    if (root)
        return;
    CHECK(tls_warm());
    root_key = EVP_EC_gen("P-256");
    root = certificate(root_key, "Test root", NULL, NULL, root_key);
    BIO *bio = BIO_new(BIO_s_mem());
    PEM_write_bio_X509(bio, root);
    ca_n = text_of(bio, ca_pem, sizeof ca_pem);
    for (int i = 0; i < KINDS; i++)
        leaf_make(&leaves[i], i, "DNS:mail.demo.test,DNS:*.wild.test,IP:192.0.2.1");
}

/* The other process. */

static struct tls_key *held[KINDS + 2];
static int signed_count;
static bool sign_fails;
static char signed_alg[16];

static bool sign(void *to, uint32_t key, const char *alg, const char *digest, struct str tbs, struct buf *signature)
{
    CHECK(to == held && key < KINDS + 2);
    signed_count++;
    snprintf(signed_alg, sizeof signed_alg, "%s", alg);
    return !sign_fails && tls_key_sign(held[key], alg, digest, tbs, signature);
}

static struct tls_server_context *server_for(int kind)
{
    struct why why;
    authority();
    struct tls_server_context *c = tls_server_context_new(&why);
    tls_server_context_sign(c, sign, held);
    if (!held[kind])
        held[kind] = tls_key_read(str_of(leaves[kind].key_pem, leaves[kind].key_n), &why);
    CHECK(held[kind] && tls_key_fits(held[kind], str_of(leaves[kind].chain_pem, leaves[kind].chain_n)));
    bool added = tls_server_context_add(c, str_of(leaves[kind].chain_pem, leaves[kind].chain_n), (uint32_t)kind, &why);
    CHECK(added);
    if (!added)
        fprintf(stderr, "%s: %s\n", kind_names[kind], why.text);
    return c;
}

/* Two ends and the wire between them: to[0] towards the server, to[1] towards the client. */

struct pair {
    struct tls *server, *client;
    struct buf to_server, to_client;
    struct why server_why, client_why;
    enum tls_result server_result, client_result;
};

static void pair_open(struct pair *p, struct tls_server_context *s, struct tls_client_context *c, const char *name, bool check_name)
{
    memset(p, 0, sizeof *p);
    p->server = tls_server_new(s);
    p->client = tls_client_new(c, str_c(name), check_name);
    CHECK(p->server && p->client);
    buf_init(&p->to_server, 1 << 20);
    buf_init(&p->to_client, 1 << 20);
}

static void pair_close(struct pair *p)
{
    tls_free(p->server);
    tls_free(p->client);
    buf_free(&p->to_server);
    buf_free(&p->to_client);
}

/* piece 0: whole; else that many octets at a time, each way. */
static void shake(struct pair *p, size_t piece)
{
    p->server_result = p->client_result = TLS_MORE;
    for (int i = 0, quiet = 0; i < 100000 && (p->server_result == TLS_MORE || p->client_result == TLS_MORE); i++) {
        char cell[1];
        struct buf in;
        size_t before = p->to_server.n + p->to_client.n;
        if (p->client_result == TLS_MORE && piece == 1 && p->to_client.n > 0) {
            buf_fixed(&in, cell, 1);
            buf_add(&in, str_head(buf_str(&p->to_client), 1));
            p->client_result = tls_handshake(p->client, &in, &p->to_server, &p->client_why);
            buf_consume(&p->to_client, 1 - in.n);
        } else if (p->client_result == TLS_MORE) {
            p->client_result = tls_handshake(p->client, &p->to_client, &p->to_server, &p->client_why);
        }
        if (p->server_result == TLS_MORE && piece == 1 && p->to_server.n > 0) {
            buf_fixed(&in, cell, 1);
            buf_add(&in, str_head(buf_str(&p->to_server), 1));
            p->server_result = tls_handshake(p->server, &in, &p->to_client, &p->server_why);
            buf_consume(&p->to_server, 1 - in.n);
        } else if (p->server_result == TLS_MORE) {
            p->server_result = tls_handshake(p->server, &p->to_server, &p->to_client, &p->server_why);
        }
        if (p->client_result == TLS_OK && p->server_result == TLS_MORE && p->to_client.n == p->to_client.max) { /* a ticket that fills the pipe */
            buf_fixed(&in, cell, 1);
            CHECK_NUM(tls_read(p->client, &p->to_client, &in, &p->to_server), TLS_MORE);
        }
        quiet = before == 0 && p->to_server.n + p->to_client.n == 0 ? quiet + 1 : 0;
        if (quiet > 50)
            break;
    }
}

/* Sends text one way through small rooms and takes it out at the other end. */
static void carry(struct tls *from, struct tls *to, struct buf *wire, struct buf *back, size_t n, size_t room)
{
    static char sent[200000], got[200000], small[64];
    struct buf plain, out, in;
    size_t had = 0;
    for (size_t i = 0; i < n; i++)
        sent[i] = (char)(i * 7 + i / 251);
    buf_init(&plain, n);
    buf_add(&plain, str_of(sent, n));
    for (int i = 0; i < 200000 && had < n; i++) {
        buf_fixed(&out, small, room < sizeof small ? room : sizeof small);
        enum tls_result r = tls_write(from, &plain, room ? &out : wire);
        CHECK(r == TLS_OK || r == TLS_MORE);
        if (room)
            buf_add(wire, buf_str(&out));
        buf_fixed(&in, got + had, room ? (n - had < room ? n - had : room) : n - had);
        r = tls_read(to, wire, &in, back);
        CHECK(r == TLS_OK || r == TLS_MORE);
        had += in.n;
    }
    CHECK_NUM(had, n);
    CHECK(memcmp(sent, got, n) == 0);
    buf_free(&plain);
}

static void facts_equal(struct pair *p, const char *version)
{
    struct tls_facts a, b;
    tls_facts_get(p->server, &a);
    tls_facts_get(p->client, &b);
    CHECK(a.active && b.active);
    CHECK_STR(str_c(a.version), str_c(version));
    CHECK_STR(str_c(a.sni), S("mail.demo.test"));
    CHECK(a.has_exporter && b.has_exporter && memcmp(a.exporter, b.exporter, 32) == 0);
    unsigned char zero[32] = {0};
    CHECK(memcmp(a.exporter, zero, 32) != 0);
}

TEST(every_kind_of_key_and_version)
{
    authority();
    struct tls_client_context *c = tls_client_context_new(str_of(ca_pem, ca_n), true);
    CHECK(c != NULL);
    for (int kind = 0; kind < KINDS; kind++)
        for (int version = 0; version < 2; version++)
            for (size_t piece = 0; piece < 2; piece++) {
                struct tls_server_context *s = server_for(kind);
                SSL_CTX_set_max_proto_version(s->entry[0].ctx, version ? TLS1_3_VERSION : TLS1_2_VERSION);
                struct pair p;
                pair_open(&p, s, c, "mail.demo.test", true);
                tls_server_context_free(s); /* the session keeps it: a reload does not disturb it */
                int before = signed_count;
                shake(&p, piece);
                if (p.server_result != TLS_OK || p.client_result != TLS_OK)
                    fprintf(stderr, "%s %d: %s | %s\n", kind_names[kind], version, p.server_why.text, p.client_why.text);
                CHECK(p.server_result == TLS_OK && p.client_result == TLS_OK);
                CHECK_NUM(signed_count - before, 1);
                facts_equal(&p, version ? "TLSv1.3" : "TLSv1.2");
                CHECK(tls_peer_verified(p.client) && !tls_peer_verified(p.server));
                carry(p.client, p.server, &p.to_server, &p.to_client, 100000, 0);
                carry(p.server, p.client, &p.to_client, &p.to_server, 50000, 37);
                tls_close(p.client, &p.to_server);
                struct buf plain;
                buf_init(&plain, 100);
                CHECK_NUM(tls_read(p.server, &p.to_server, &plain, &p.to_client), TLS_CLOSED);
                buf_free(&plain);
                pair_close(&p);
            }
    tls_client_context_free(c);
}

/* Buffers that hold a hundred octets: each call goes on where the last one stopped. */
TEST(narrow_buffers)
{
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        struct tls_server_context *s = server_for(3);
        struct tls_client_context *c = tls_client_context_new(str_of(ca_pem, ca_n), true);
        unsigned char ticket[80] = {9};
        tls_server_context_ticket_key(s, ticket);
        SSL_CTX_set_max_proto_version(c->ctx, version);
        struct pair p;
        pair_open(&p, s, c, "mail.demo.test", true);
        buf_free(&p.to_server);
        buf_free(&p.to_client);
        buf_init(&p.to_server, 100);
        buf_init(&p.to_client, 100);
        shake(&p, 0);
        CHECK(p.server_result == TLS_OK && p.client_result == TLS_OK);
        carry(p.client, p.server, &p.to_server, &p.to_client, 20000, 0);
        carry(p.server, p.client, &p.to_client, &p.to_server, 20000, 0);
        pair_close(&p);
        tls_client_context_free(c);
        tls_server_context_free(s);
    }
}

TEST(rsa_without_pss_for_an_old_peer)
{
    struct tls_server_context *s = server_for(2);
    struct tls_client_context *c = tls_client_context_new(str_of(ca_pem, ca_n), true);
    CHECK(SSL_CTX_set1_sigalgs_list(c->ctx, "RSA+SHA256:ECDSA+SHA256") == 1);
    SSL_CTX_set_max_proto_version(c->ctx, TLS1_2_VERSION);
    struct pair p;
    pair_open(&p, s, c, "mail.demo.test", true);
    shake(&p, 0);
    CHECK(p.server_result == TLS_OK && p.client_result == TLS_OK);
    CHECK_STR(str_c(signed_alg), S("RSA-PKCS1"));
    pair_close(&p);
    tls_client_context_free(c);
    tls_server_context_free(s);
}

TEST(the_signing_function_fails)
{
    for (int kind = 0; kind < KINDS; kind++) {
        struct tls_server_context *s = server_for(kind);
        struct tls_client_context *c = tls_client_context_new(STR_NONE, false);
        struct pair p;
        pair_open(&p, s, c, "mail.demo.test", false);
        sign_fails = true;
        shake(&p, 0);
        sign_fails = false;
        CHECK_NUM(p.server_result, TLS_FAILED);
        CHECK_NUM(p.client_result, TLS_FAILED);
        CHECK(p.server_why.text[0] && p.client_why.text[0]);
        CHECK_NUM(tls_handshake(p.server, &p.to_server, &p.to_client, &p.server_why), TLS_FAILED);
        pair_close(&p);
        tls_client_context_free(c);
        tls_server_context_free(s);
    }
}

TEST(every_allocation_of_ours_fails)
{
    struct why why;
    bool failed = true;
    authority();
    for (uint64_t n = 1; failed && n < 50; n++) {
        fail_alloc_at(n);
        struct tls_server_context *s = tls_server_context_new(&why);
        struct tls_client_context *c = tls_client_context_new(str_of(ca_pem, ca_n), true);
        struct tls *a = NULL, *b = NULL;
        if (s && tls_server_context_add(s, str_of(leaves[0].chain_pem, leaves[0].chain_n), 0, &why))
            a = tls_server_new(s);
        if (c)
            b = tls_client_new(c, S("mail.demo.test"), true);
        failed = fail_alloc_happened();
        CHECK(failed || (a && b));
        CHECK(!failed || !a || !b);
        fail_alloc_at(0);
        tls_free(a);
        tls_free(b);
        tls_server_context_free(s);
        tls_client_context_free(c);
    }
    CHECK(!failed);
}

static bool resumes(int version, const unsigned char *second_key, const unsigned char *third_key)
{
    unsigned char key[80];
    struct tls_client_context *c = tls_client_context_new(str_of(ca_pem, ca_n), true);
    struct tls_server_context *s[2];
    SSL_SESSION *session = NULL;
    bool reused = false;
    memset(key, 3, sizeof key);
    for (int i = 0; i < 2; i++) { /* two edges, or the same one after a reload */
        s[i] = server_for(0);
        SSL_CTX_set_max_proto_version(s[i]->entry[0].ctx, version);
        tls_server_context_ticket_key(s[i], key);
        if (i == 1 && second_key)
            tls_server_context_ticket_key(s[i], second_key);
        if (i == 1 && third_key)
            tls_server_context_ticket_key(s[i], third_key);
        struct pair p;
        pair_open(&p, s[i], c, "mail.demo.test", true);
        if (session)
            CHECK(SSL_set_session(p.client->ssl, session) == 1);
        shake(&p, 0);
        CHECK(p.server_result == TLS_OK && p.client_result == TLS_OK);
        carry(p.server, p.client, &p.to_client, &p.to_server, 10, 0); /* brings the ticket of TLS 1.3 */
        carry(p.client, p.server, &p.to_server, &p.to_client, 10, 0);
        facts_equal(&p, version == TLS1_3_VERSION ? "TLSv1.3" : "TLSv1.2");
        CHECK(tls_peer_verified(p.client));
        if (session)
            reused = SSL_session_reused(p.server->ssl) == 1;
        else
            session = SSL_get1_session(p.client->ssl);
        tls_close(p.client, &p.to_server); /* a session that was cut is not resumed */
        pair_close(&p);
    }
    SSL_SESSION_free(session);
    tls_server_context_free(s[0]);
    tls_server_context_free(s[1]);
    tls_client_context_free(c);
    return reused;
}

TEST(tickets_resume_across_contexts_and_one_rotation)
{
    unsigned char second[80], third[80];
    memset(second, 4, sizeof second);
    memset(third, 5, sizeof third);
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        CHECK(resumes(version, NULL, NULL));
        CHECK(resumes(version, second, NULL));
        CHECK(!resumes(version, second, third));
    }
}

static enum tls_result client_says(const char *name, bool check_name, struct str ca, struct why *why)
{
    struct tls_server_context *s = server_for(0);
    struct tls_client_context *c = tls_client_context_new(ca, ca.n > 0);
    struct pair p;
    CHECK(c != NULL);
    pair_open(&p, s, c, name, check_name);
    shake(&p, 0);
    enum tls_result result = p.client_result;
    *why = p.client_why;
    pair_close(&p);
    tls_client_context_free(c);
    tls_server_context_free(s);
    return result;
}

TEST(clients_refuse_what_they_must)
{
    struct why why;
    char other_key[2048], other_chain[4096];
    struct buf key, chain;
    struct str ca;
    authority();
    ca = str_of(ca_pem, ca_n);
    CHECK_NUM(client_says("mail.demo.test", true, ca, &why), TLS_OK);
    CHECK_NUM(client_says("mail.demo.test.", true, ca, &why), TLS_OK);
    CHECK_NUM(client_says("MAIL.demo.test", true, ca, &why), TLS_OK);
    CHECK_NUM(client_says("a.wild.test", true, ca, &why), TLS_OK);
    CHECK_NUM(client_says("192.0.2.1", true, ca, &why), TLS_OK);
    CHECK_NUM(client_says("192.0.2.2", true, ca, &why), TLS_FAILED);
    CHECK_NUM(client_says("a.b.wild.test", true, ca, &why), TLS_FAILED);
    CHECK_NUM(client_says("other.demo.test", true, ca, &why), TLS_FAILED);
    CHECK(strstr(why.text, "ostname") != NULL);
    CHECK_NUM(client_says("other.demo.test", false, ca, &why), TLS_OK);
    CHECK_NUM(client_says("", false, ca, &why), TLS_OK);
    buf_fixed(&key, other_key, sizeof other_key);
    buf_fixed(&chain, other_chain, sizeof other_chain);
    CHECK(tls_self_signed(S("mail.demo.test"), &key, &chain, &why));
    CHECK_NUM(client_says("mail.demo.test", true, buf_str(&chain), &why), TLS_FAILED);
    CHECK(strstr(why.text, "not accepted") != NULL);
    CHECK_NUM(client_says("mail.demo.test", true, STR_NONE, &why), TLS_OK); /* no authorities: no verification asked for */
    CHECK(tls_client_context_new(S("no certificate"), true) == NULL);
    struct tls_client_context *c = tls_client_context_new(STR_NONE, false);
    CHECK(tls_client_new(c, STR_NONE, true) == NULL);
    tls_client_context_free(c);
    clock_simulate(1000, clock_unix_ms() + INT64_C(31) * 86400 * 1000);
    CHECK_NUM(client_says("mail.demo.test", true, ca, &why), TLS_FAILED);
    CHECK(strstr(why.text, "expired") != NULL);
    clock_simulate(0, 0);
}

TEST(the_name_chooses_the_certificate)
{
    static struct leaf other, rsa;
    struct why why;
    struct tls_server_context *s = server_for(0);
    leaf_make(&other, 0, "DNS:other.test,DNS:*.many.test");
    leaf_make(&rsa, 2, "DNS:other.test,DNS:*.many.test");
    held[KINDS] = tls_key_read(str_of(other.key_pem, other.key_n), &why);
    held[KINDS + 1] = tls_key_read(str_of(rsa.key_pem, rsa.key_n), &why);
    CHECK(tls_server_context_add(s, str_of(other.chain_pem, other.chain_n), KINDS, &why));
    CHECK(tls_server_context_add(s, str_of(rsa.chain_pem, rsa.chain_n), KINDS + 1, &why));
    CHECK_NUM(s->entry_count, 2);
    struct tls_client_context *c = tls_client_context_new(str_of(ca_pem, ca_n), true);
    static const struct { const char *name, *sigalgs; bool ok; } cases[] = {
        {"mail.demo.test", NULL, true}, {"other.test", NULL, true},  {"x.many.test", NULL, true},
        {"unknown.test", NULL, false},  {"other.test", "RSA-PSS+SHA256:ECDSA+SHA384:RSA+SHA256", true},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        struct pair p;
        pair_open(&p, s, c, cases[i].name, true);
        if (cases[i].sigalgs)
            SSL_set1_sigalgs_list(p.client->ssl, cases[i].sigalgs);
        shake(&p, 0);
        if (!cases[i].sigalgs)
            CHECK_NUM(p.client_result, cases[i].ok ? TLS_OK : TLS_FAILED);
        else /* this client knows no way to check ECDSA with SHA-256: the RSA chain of the same names is shown */
            CHECK(str_starts(str_c(signed_alg), S("RSA")));
        pair_close(&p);
    }
    tls_client_context_free(c);
    tls_server_context_free(s);
    tls_key_free(held[KINDS]);
    tls_key_free(held[KINDS + 1]);
    held[KINDS] = held[KINDS + 1] = NULL;
}

TEST(garbage)
{
    struct tls_server_context *s = server_for(0);
    struct tls_client_context *c = tls_client_context_new(STR_NONE, false);
    static const struct str texts[] = {
        {"EHLO client.example.org\r\nQUIT\r\n", 31}, {"GET / HTTP/1.1\r\n\r\n", 18}, {"\x16\x03\x01\xff\xff\x01", 6},
        {"\x15\x03\x03\x00\x02\x02\x28", 7},         {"\x80\x2e\x01\x03\x01\x00", 6},
    };
    for (size_t i = 0; i < countof(texts); i++)
        for (int side = 0; side < 2; side++) {
            struct tls *t = side ? tls_client_new(c, S("a.test"), false) : tls_server_new(s);
            struct buf in, out;
            struct why why = {"", ""};
            buf_init(&in, 1000);
            buf_init(&out, 100000);
            tls_handshake(t, &in, &out, &why);
            buf_add(&in, texts[i]);
            enum tls_result r = tls_handshake(t, &in, &out, &why);
            CHECK(r == TLS_FAILED || r == TLS_MORE);
            CHECK(r == TLS_MORE || why.text[0]);
            if (i < 2)
                CHECK_NUM(r, TLS_FAILED);
            tls_free(t);
            buf_free(&in);
            buf_free(&out);
        }
    tls_client_context_free(c);
    tls_server_context_free(s);
}

/* Random and mutated octets to both ends of a hand-shake, and to finished sessions. */
TEST(mutated_handshakes)
{
    struct tls_server_context *s = server_for(0);
    struct tls_client_context *c = tls_client_context_new(STR_NONE, false);
    random_seed(77);
    int failed = 0;
    for (int i = 0; i < 300; i++) {
        struct pair p;
        pair_open(&p, s, c, "mail.demo.test", false);
        for (int turn = 0; turn < 8; turn++) {
            struct buf *wire = turn & 1 ? &p.to_client : &p.to_server;
            if (random_below(3) == 0 && wire->n > 0)
                wire->p[wire->head + random_below(wire->n)] = (char)random_u64();
            if (turn & 1)
                failed += tls_handshake(p.client, &p.to_client, &p.to_server, &p.client_why) == TLS_FAILED;
            else
                failed += tls_handshake(p.server, &p.to_server, &p.to_client, &p.server_why) == TLS_FAILED;
        }
        pair_close(&p);
    }
    CHECK(failed > 50);
    random_seed(0);
    tls_client_context_free(c);
    tls_server_context_free(s);
}

/* After tls_warm no descriptor is needed: the sandbox may close. */
TEST(works_without_files)
{
    authority();
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        struct rlimit none = {0, 0};
        setrlimit(RLIMIT_NOFILE, &none);
        unsigned long before = test_failures;
        struct why why;
        for (int kind = 0; kind < KINDS; kind += 2)
            client_says("mail.demo.test", true, str_of(ca_pem, ca_n), &why);
        struct tls_server_context *s = server_for(2);
        struct tls_client_context *c = tls_client_context_new(str_of(ca_pem, ca_n), true);
        struct pair p;
        pair_open(&p, s, c, "mail.demo.test", true);
        shake(&p, 0);
        _exit(test_failures != before || p.client_result != TLS_OK);
    }
    int status = -1;
    CHECK(pid > 0 && waitpid(pid, &status, 0) == pid);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* What a quiet session holds: printed, and bounded, so that a regression is seen. */
TEST(memory_of_an_idle_session)
{
#ifndef PENNY_SANITIZED
    enum { COUNT = 100 };
    static struct pair p[COUNT];
    struct tls_server_context *s = server_for(0);
    struct tls_client_context *c = tls_client_context_new(STR_NONE, false);
    unsigned char key[80] = {1};
    tls_server_context_ticket_key(s, key);
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        SSL_CTX_set_max_proto_version(s->entry[0].ctx, version);
        for (int i = 0; i < COUNT; i++) {
            pair_open(&p[i], s, c, "mail.demo.test", false);
            shake(&p[i], 0);
            carry(p[i].client, p[i].server, &p[i].to_server, &p[i].to_client, 100, 0);
            buf_free(&p[i].to_server);
            buf_free(&p[i].to_client);
            buf_init(&p[i].to_server, 1000);
            buf_init(&p[i].to_client, 1000);
        }
        size_t all = mallinfo2().uordblks;
        for (int i = 0; i < COUNT; i++) {
            tls_free(p[i].server);
            p[i].server = NULL;
        }
        size_t each = (all - mallinfo2().uordblks) / COUNT;
        printf("  an idle %s server session holds %zu octets\n", version == TLS1_3_VERSION ? "TLS 1.3" : "TLS 1.2", each);
        CHECK(each > 1000 && each < 40000);
        for (int i = 0; i < COUNT; i++)
            pair_close(&p[i]);
    }
    tls_client_context_free(c);
    tls_server_context_free(s);
#else
    CHECK(tls_warm());
#endif
}
