// SPDX-License-Identifier: ISC
#include "base/random.h"
#include "base/test.h"
#include "sender/inside.h"
#include "sender/test_verify.h"

/* RFC 8463 A.3: the message and both its signatures. */
static const char rfc8463_signatures[] = "DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;\r\n"
                                         " d=football.example.com; i=@football.example.com;\r\n"
                                         " q=dns/txt; s=brisbane; t=1528637909; h=from : to :\r\n"
                                         " subject : date : message-id : from : subject : date;\r\n"
                                         " bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n"
                                         " b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus\r\n"
                                         " Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==\r\n"
                                         "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;\r\n"
                                         " d=football.example.com; i=@football.example.com;\r\n"
                                         " q=dns/txt; s=test; t=1528637909; h=from : to : subject :\r\n"
                                         " date : message-id : from : subject : date;\r\n"
                                         " bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n"
                                         " b=F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3\r\n"
                                         " DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tFOeS9mPYQTnGdaSGsgeefOsk2Jz\r\n"
                                         " dA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8=\r\n";
static const char rfc8463_message[] = "From: Joe SixPack <joe@football.example.com>\r\n"
                                      "To: Suzie Q <suzie@shopping.example.net>\r\n"
                                      "Subject: Is dinner ready?\r\n"
                                      "Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\r\n"
                                      "Message-ID: <20030712040037.46341.5F8J@football.example.com>\r\n"
                                      "\r\n"
                                      "Hi.\r\n"
                                      "\r\n"
                                      "We lost the game.  Are you hungry yet?\r\n"
                                      "\r\n"
                                      "Joe.\r\n";
static const char rfc8463_ed25519[] = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
static const char rfc8463_rsa[] =
    "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQiY/J16JYi0Qvx/byYzCNb3W91y3FutAC"
    "DfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB";
/* A.1: the Ed25519 secret key as PKCS #8 (RFC 8410 7), and the RSA key. */
static const char rfc8463_ed25519_secret[] =
    "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n-----END PRIVATE KEY-----\n";

static struct str decoded(struct buf *to, const char *text)
{
    buf_clear(to);
    CHECK(base64_decode(to, str_c(text)));
    return buf_str(to);
}

TEST(rfc8463_appendix_a)
{
    struct buf whole, key;
    buf_init(&whole, 1 << 16);
    buf_init(&key, 1000);
    buf_add_c(&whole, rfc8463_signatures);
    buf_add_c(&whole, rfc8463_message);
    CHECK(test_verify(buf_str(&whole), 0, decoded(&key, rfc8463_ed25519)));
    CHECK(test_verify(buf_str(&whole), 1, decoded(&key, rfc8463_rsa)));
    CHECK(!test_verify(buf_str(&whole), 0, decoded(&key, rfc8463_rsa)));
    struct dkim_signer s;
    const char *why;
    char text[64];
    struct buf b;
    dkim_sign_init(&s);
    dkim_sign_feed(&s, str_c(rfc8463_message));
    CHECK(dkim_sign_end(&s, &why));
    buf_fixed(&b, text, sizeof text);
    base64_encode(&b, str_of(s.body_hash, 32));
    CHECK_STR(buf_str(&b), S("2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8="));
    dkim_sign_clear(&s);
    /* The RFC's secret key signs; the RFC's public key verifies. */
    struct why error;
    struct tls_key *k = tls_key_read(str_c(rfc8463_ed25519_secret), &error);
    CHECK(k != NULL);
    buf_clear(&key);
    CHECK(tls_key_public(k, &key));
    buf_clear(&whole);
    base64_encode(&whole, buf_str(&key));
    CHECK_STR(buf_str(&whole), str_c(rfc8463_ed25519));
    tls_key_free(k);
    buf_free(&whole);
    buf_free(&key);
}

/* --- the signer against the verifier --- */

static struct tls_key *keys[DKIM_ALG_COUNT];
static struct buf publics[DKIM_ALG_COUNT];
static const struct dkim_key names[DKIM_ALG_COUNT] = {{DKIM_ED25519, S_INIT("example.org"), S_INIT("p2026e")},
                                                      {DKIM_RSA, S_INIT("example.org"), S_INIT("p2026r")}};

static void keys_make(void)
{
    static const enum tls_key_kind kind[] = {TLS_KEY_ED25519, TLS_KEY_RSA};
    struct why why;
    for (int i = 0; i < DKIM_ALG_COUNT && !keys[i]; i++) {
        struct buf pem;
        buf_init(&pem, 8192);
        buf_init(&publics[i], 1000);
        CHECK(tls_key_generate(kind[i], &pem, &why));
        keys[i] = tls_key_read(buf_str(&pem), &why);
        CHECK(keys[i] && tls_key_public(keys[i], &publics[i]));
        buf_free(&pem);
    }
}

/* pieces 0: whole; else random ones with that seed. Both signatures stand before the message in to. */
static bool sign(struct buf *to, struct str message, uint64_t pieces)
{
    struct dkim_signer s;
    const char *why = NULL;
    keys_make();
    dkim_sign_init(&s);
    if (pieces)
        random_seed(pieces);
    for (struct str rest = message; rest.n;) {
        size_t n = pieces == 1 ? 1 : pieces ? 1 + (size_t)random_below(40) : rest.n;
        dkim_sign_feed(&s, str_head(rest, n));
        rest = str_skip(rest, n);
    }
    random_seed(0);
    bool ok = dkim_sign_end(&s, &why);
    CHECK(why != NULL && (ok == (why[0] == '\0')));
    for (int i = 0; ok && i < DKIM_ALG_COUNT; i++) {
        struct buf field, signature;
        unsigned char hash[32];
        buf_init(&field, DKIM_FIELD_MAX);
        buf_init(&signature, DKIM_SIGNATURE_MAX);
        ok = dkim_sign_question(&s, &names[i], 1700000000, i ? 1700600000 : 0, &field, hash);
        CHECK(ok && tls_key_sign_hash(keys[i], hash, &signature));
        CHECK(dkim_sign_answer(&field, buf_str(&signature)));
        buf_add(to, buf_str(&field));
        buf_free(&field);
        buf_free(&signature);
    }
    buf_add(to, message);
    dkim_sign_clear(&s);
    return ok;
}

static bool both_fit(struct str signed_message)
{
    return test_verify(signed_message, 0, buf_str(&publics[0])) && test_verify(signed_message, 1, buf_str(&publics[1]));
}

static void lines_are_short(struct str text)
{
    while (text.n) {
        size_t n = str_find_str(text, S("\r\n"));
        CHECK(n <= 78);
        CHECK(str_find(str_head(text, n), '\n') == n && str_find(str_head(text, n), '\r') == n);
        text = str_skip(text, n + 2);
    }
}

static const struct {
    const char *message;
    bool ok;
} messages[] = {
    {rfc8463_message, true},
    {"From: a@example.org\r\n\r\n", true},
    {"From: a@example.org\r\n", true},
    {"From: a@example.org", true},
    {"From: a@example.org\r\n\r\n\r\n\r\n\r\n", true},
    {"From: a@example.org\r\n\r\n \t \r\n\t\r\n", true},
    {"From: a@example.org\r\n\r\nno end of line", true},
    {"From: a@example.org\r\n\r\nspace at the end  ", true},
    {"From: a@example.org\r\n\r\n  leading \t and   inner\t\r\n\r\n\r\nx\r\n\r\n", true},
    {"A: X\r\nB : Y\t\r\n\tZ  \r\nFROM : \t\r\n \ta@example.org \r\n\r\n C \r\nD \t E\r\n\r\n\r\n", true},
    {"From: a@example.org\r\nSubject:\r\nTo: \r\nCc:\r\n \r\n\r\nx\r\n", true},
    {"From: a@example.org\r\nFrom: b@example.org\r\nSubject: 1\r\nSubject: 2\r\nSubject: 3\r\nList-Id: x\r\nList-Id: "
     "y\r\n\r\nx\r\n",
     true},
    {"From: a@example.org\r\nContent-Type: multipart/mixed;\r\n boundary=\"a b\"\r\nMIME-Version: 1.0\r\n\r\n--a "
     "b\r\n\r\nx\r\n--a b--\r\n",
     true},
    {"From: a@example.org\r\nX-Very-Long-Name-That-Is-Longer-Than-What-Is-Held-Of-A-Name-And-Then-Some-More: x\r\nDate: "
     "y\r\n\r\nx\r\n",
     true},
    {"From: \xc3\xa4@example.org\r\nSubject: \xff\xfe\r\n\r\n\xc3\xa4\x80\r\n", true},
    {"Subject: no author\r\n\r\nx\r\n", false},
    {"\r\nFrom: a@example.org\r\n\r\nx\r\n", false},
    {"", false},
};

TEST(what_is_signed_verifies)
{
    for (size_t i = 0; i < countof(messages); i++) {
        struct buf whole, again;
        buf_init(&whole, 1 << 18);
        bool ok = sign(&whole, str_c(messages[i].message), 0);
        CHECK_NUM(ok, messages[i].ok);
        if (ok && str_ends(str_c(messages[i].message), S("\r\n"))) {
            bool fits = both_fit(buf_str(&whole));
            CHECK(fits);
            if (!fits)
                fprintf(stderr, "  message %zu\n%.*s", i, STR_ARG(buf_str(&whole)));
            lines_are_short(str_head(buf_str(&whole), whole.n - strlen(messages[i].message)));
        }
        for (uint64_t seed = 1; seed < 20;
             seed++) { /* Ed25519 and RSA with PKCS #1 1.5 sign without chance: pieces change nothing */
            buf_init(&again, 1 << 18);
            CHECK_NUM(sign(&again, str_c(messages[i].message), seed), messages[i].ok);
            CHECK_STR(buf_str(&again), buf_str(&whole));
            buf_free(&again);
        }
        buf_free(&whole);
    }
}

static bool replaced_fits(struct str whole, const char *old, const char *new)
{
    struct buf b;
    buf_init(&b, 1 << 18);
    size_t at = str_find_str(whole, str_c(old));
    CHECK(at < whole.n);
    buf_add(&b, str_head(whole, at));
    buf_add_c(&b, new);
    buf_add(&b, str_skip(whole, at + strlen(old)));
    bool fits = both_fit(buf_str(&b));
    buf_free(&b);
    return fits;
}

TEST(what_hosts_do_on_the_way)
{
    struct buf b;
    buf_init(&b, 1 << 18);
    CHECK(sign(&b, str_c(rfc8463_message), 0));
    struct str whole = buf_str(&b);
    CHECK(both_fit(whole));
    /* allowed by relaxed */
    CHECK(replaced_fits(whole, "Subject: Is dinner", "subject:   Is\r\n\t dinner"));
    CHECK(replaced_fits(whole, "game.  Are", "game. Are"));
    CHECK(replaced_fits(whole, "Joe.\r\n", "Joe. \t\r\n\r\n\r\n"));
    CHECK(replaced_fits(whole, "From: Joe", "Received: by x; date\r\nX-New: y\r\nFrom: Joe"));
    CHECK(replaced_fits(whole, "From: Joe", "List-Id: <new.example>\r\nFrom: Joe")); /* a list that names itself breaks nothing */
    /* not allowed */
    CHECK(!replaced_fits(whole, "Is dinner", "Isdinner"));
    CHECK(!replaced_fits(whole, "lost the", "won the"));
    CHECK(!replaced_fits(whole, "Joe.\r\n", "Joe.\r\nMore.\r\n"));
    static const char *const added[] = {"From: x@evil.example", "To: x@example",  "Cc: x", "Subject: x", "Date: x",
                                        "Reply-To: x",          "Message-ID: <x>"};
    for (size_t i = 0; i < countof(added); i++)
        for (int below = 0; below < 2; below++) {
            char text[200];
            snprintf(text, sizeof text,
                     below ? "Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\r\n%s\r\n"
                           : "%s\r\nDate: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\r\n",
                     added[i]);
            CHECK(!replaced_fits(whole, "Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\r\n", text));
        }
    CHECK(!replaced_fits(whole, "To: Suzie Q <suzie@shopping.example.net>\r\n", ""));
    buf_free(&b);
}

TEST(the_field_as_text)
{
    struct dkim_signer s;
    const char *why;
    unsigned char hash[32];
    char text[DKIM_FIELD_MAX];
    struct buf field;
    dkim_sign_init(&s);
    dkim_sign_feed(&s, S("From: a@example.org\r\nSubject: x\r\nMessage-ID: <1@example.org>\r\nList-Id: y\r\n\r\n"));
    CHECK(dkim_sign_end(&s, &why));
    CHECK_NUM(s.body_size, 0);
    buf_fixed(&field, text, sizeof text);
    CHECK(dkim_sign_question(&s, &names[0], 1700000000, 1700600000, &field, hash));
    CHECK_STR(buf_str(&field), S("DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed; d=example.org;\r\n"
                                 " s=p2026e; q=dns/txt; t=1700000000; x=1700600000; h=from:from:to:cc:subject:\r\n"
                                 " subject:date:reply-to:message-id:message-id:list-id;\r\n"
                                 " bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; b="));
    CHECK(dkim_sign_answer(&field, S("abc")));
    CHECK(str_ends(buf_str(&field), S("=; b=YWJj\r\n")));
    CHECK(!dkim_sign_answer(&field, S("abc"))); /* answered already */
    /* what cannot be asked */
    static const struct {
        const char *domain, *selector;
        int64_t t, x;
        bool ok;
    } cases[] = {
        {"example.org", "s", 1, 0, true},
        {"example.org", "s.x", 1, 2, true},
        {"example.org", "", 1, 0, false},
        {"", "s", 1, 0, false},
        {"example.org", "s;x", 1, 0, false},
        {"example .org", "s", 1, 0, false},
        {"example.org", "s", 2, 2, false},
        {"example.org", "s", -1, 0, false},
        {"example.org.", "s", 1, 0, false},
        {"a..b", "s", 1, 0, false},
        {"-a.b", "s", 1, 0, false},
        {"a-.b", "s", 1, 0, false},
        {"xn--bcher-kva.example", "s", 1, 0, true},
        {"\xc3\xa4.example", "s", 1, 0, false},
        {"a.b", "a\r\nb", 1, 0, false},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        struct dkim_key k = {DKIM_RSA, str_c(cases[i].domain), str_c(cases[i].selector)};
        buf_clear(&field);
        CHECK_NUM(dkim_sign_question(&s, &k, cases[i].t, cases[i].x, &field, hash), cases[i].ok);
        CHECK(cases[i].ok || field.n == 0);
    }
    struct buf small;
    char cell[100];
    buf_fixed(&small, cell, sizeof cell);
    CHECK(!dkim_sign_question(&s, &names[0], 1, 0, &small, hash));
    dkim_sign_clear(&s);
    CHECK(!dkim_sign_question(&s, &names[0], 1, 0, &field, hash));
}

TEST(long_names_and_many_fields)
{
    struct buf message, whole;
    char label[64];
    memset(label, 'a', 63);
    label[63] = '\0';
    buf_init(&message, 1 << 20);
    buf_add(&message, S("From: a@example.org\r\n"));
    for (int i = 0; i < 150; i++)
        buf_printf(&message, "List-Post: <mailto:%d@example.org>\r\n", i);
    buf_add(&message, S("\r\nx\r\n"));
    buf_init(&whole, 1 << 20);
    CHECK(sign(&whole, buf_str(&message), 0));
    CHECK(both_fit(buf_str(&whole)));
    lines_are_short(str_head(buf_str(&whole), whole.n - message.n));
    buf_clear(&message);
    buf_add(&message, S("From: a@example.org\r\n"));
    for (int i = 0; i < DKIM_FIELDS_MAX; i++)
        buf_add(&message, S("To: b\r\n"));
    buf_add(&message, S("\r\nx\r\n"));
    buf_clear(&whole);
    CHECK(!sign(&whole, buf_str(&message), 0)); /* one too many */
    buf_clear(&message);
    buf_add(&message, S("From: a@example.org\r\nSubject: "));
    for (int i = 0; i < DKIM_SIGNED_MAX; i++)
        buf_add_byte(&message, 'x');
    buf_add(&message, S("\r\n\r\nx\r\n"));
    CHECK(!sign(&whole, buf_str(&message), 0));
    /* a domain of 253 octets is one piece that no fold can break */
    struct dkim_signer s;
    const char *why;
    unsigned char hash[32];
    char domain[256];
    snprintf(domain, sizeof domain, "%s.%s.%s.%.61s", label, label, label, label);
    struct dkim_key k = {DKIM_ED25519, str_c(domain), S("s")};
    dkim_sign_init(&s);
    dkim_sign_feed(&s, str_c(rfc8463_message));
    CHECK(dkim_sign_end(&s, &why));
    buf_clear(&whole);
    CHECK(dkim_sign_question(&s, &k, 1, 0, &whole, hash));
    CHECK(str_find_str(buf_str(&whole), str_c(domain)) < whole.n);
    dkim_sign_clear(&s);
    buf_free(&message);
    buf_free(&whole);
}

TEST(records)
{
    struct buf b;
    struct dkim_record r;
    buf_init(&b, 4096);
    keys_make();
    dkim_record_name(&b, &names[0]);
    CHECK_STR(buf_str(&b), S("p2026e._domainkey.example.org"));
    for (int i = 0; i < DKIM_ALG_COUNT; i++) {
        char space[2048], back[1024];
        struct buf zone, raw;
        buf_clear(&b);
        dkim_record_text(&b, (enum dkim_alg)i, buf_str(&publics[i]), i ? S("*:tlsrpt") : STR_NONE);
        CHECK(dkim_record_parse(buf_str(&b), &r));
        CHECK(r.alg == (enum dkim_alg)i && !r.revoked && !r.testing && !r.strict);
        buf_fixed(&raw, back, sizeof back);
        CHECK(base64_decode(&raw, r.public_base64));
        CHECK_STR(buf_str(&raw), buf_str(&publics[i]));
        buf_fixed(&zone, space, sizeof space);
        dkim_record_zone(&zone, &names[i], buf_str(&b));
        CHECK(str_starts(buf_str(&zone), i ? S("p2026r._domainkey.example.org. IN TXT ( \"v=DKIM1; k=rsa; ")
                                           : S("p2026e._domainkey.example.org. IN TXT ( \"v=DKIM1; k=ed25519; ")));
        size_t quotes = 0;
        for (size_t at = 0; at < zone.n; at++)
            quotes += buf_str(&zone).p[at] == '"';
        CHECK_NUM(quotes, i ? 4 : 2);
    }
    buf_free(&b);
    static const struct {
        const char *text;
        bool ok;
        enum dkim_alg alg;
        bool testing, strict, revoked;
    } cases[] = {
        {"v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=", true, DKIM_ED25519, false, false, false},
        {"p=MIGf", true, DKIM_RSA, false, false, false},
        {" v = DKIM1 ; p = MI Gf ; ", true, DKIM_RSA, false, false, false},
        {"v=DKIM1; t=y:s; p=MIGf", true, DKIM_RSA, true, true, false},
        {"v=DKIM1; p=", true, DKIM_RSA, false, false, true},
        {"v=DKIM1; h=sha1 : sha256; s=email; n=a note; p=MIGf", true, DKIM_RSA, false, false, false},
        {"v=DKIM1; h=sha1; p=MIGf", false, DKIM_RSA, false, false, false},
        {"v=DKIM1; s=tlsrpt; p=MIGf", false, DKIM_RSA, false, false, false},
        {"v=DKIM2; p=MIGf", false, DKIM_RSA, false, false, false},
        {"p=MIGf; v=DKIM1", false, DKIM_RSA, false, false, false},
        {"v=DKIM1", false, DKIM_RSA, false, false, false},
        {"v=DKIM1; p=MIGf; p=MIGf", false, DKIM_RSA, false, false, false},
        {"v=DKIM1; p=MIG", false, DKIM_RSA, false, false, false},
        {"v=DKIM1; p=M!Gf", false, DKIM_RSA, false, false, false},
        {"v=DKIM1; p=====", false, DKIM_RSA, false, false, false},
        {"v=DKIM1; k=dsa; p=MIGf", false, DKIM_RSA, false, false, false},
        {"v=DKIM1; nonsense; p=MIGf", false, DKIM_RSA, false, false, false},
        {"", false, DKIM_RSA, false, false, false},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        bool ok = dkim_record_parse(str_c(cases[i].text), &r);
        CHECK_NUM(ok, cases[i].ok);
        CHECK(!ok || (r.alg == cases[i].alg && r.testing == cases[i].testing && r.strict == cases[i].strict &&
                      r.revoked == cases[i].revoked));
    }
}
