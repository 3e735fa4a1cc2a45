// SPDX-License-Identifier: ISC
/* Holds src/login against public vectors: argument 1 is their folder, argument 2 a file of excuses (default tests/conformance/excuses-login.txt).
   Prints "suite passed failed excused" rows; exits 1 when something failed without an excuse, 2 when the vectors are not there.
   An excuse is a line "suite<TAB>case<TAB>reason with its RFC section"; a case may end in * . */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unictype.h>
#include "base/compiler.h"
#include "base/encode.h"
#include "base/json.h"
#include "base/utf8.h"
#include "login/inside.h"

enum { TEXT_MAX = 16 << 20, EXCUSES_MAX = 200 };

static struct { char suite[64], name[128]; } excuses[EXCUSES_MAX];
static size_t excuse_count;
static unsigned long passed, failed, excused, failed_all;
static const char *suite;

static void begin(const char *name)
{
    suite = name;
    passed = failed = excused = 0;
}

static void end(void)
{
    printf("%-52s %8lu %8lu %8lu\n", suite, passed, failed, excused);
    failed_all += failed;
}

static bool has_excuse(const char *name)
{
    for (size_t i = 0; i < excuse_count; i++) {
        size_t n = strlen(excuses[i].name);
        bool open = n > 0 && excuses[i].name[n - 1] == '*';
        if (strcmp(excuses[i].suite, suite) == 0 && (open ? strncmp(excuses[i].name, name, n - 1) == 0 : strcmp(excuses[i].name, name) == 0))
            return true;
    }
    return false;
}

static void verdict(bool ok, const char *name)
{
    if (ok) {
        passed++;
    } else if (has_excuse(name)) {
        excused++;
    } else {
        failed++;
        fprintf(stderr, "%s: failed: %s\n", suite, name);
    }
}

static void excuses_read(const char *path)
{
    char line[1024];
    FILE *f = fopen(path, "r");
    while (f && fgets(line, sizeof line, f) && excuse_count < EXCUSES_MAX) {
        char *tab = strchr(line, '\t'), *tab2 = tab ? strchr(tab + 1, '\t') : NULL;
        if (line[0] == '#' || !tab2)
            continue;
        *tab = *tab2 = '\0';
        snprintf(excuses[excuse_count].suite, sizeof excuses->suite, "%.63s", line);
        snprintf(excuses[excuse_count++].name, sizeof excuses->name, "%.127s", tab + 1);
    }
    if (f)
        fclose(f);
}

/* The whole file, unpacked; ends the program when it is not there. */
static struct str slurp(const char *folder, const char *name)
{
    char command[2048];
    struct buf to;
    size_t n = strlen(name);
    bool packed = n > 3 && strcmp(name + n - 3, ".gz") == 0;
    if (strchr(folder, '\''))
        exit(2);
    snprintf(command, sizeof command, "%s '%s/sasl-precis-idna/%s'", packed ? "gzip -dc" : "cat", folder, name);
    FILE *f = popen(command, "r");
    buf_init(&to, TEXT_MAX);
    char piece[65536];
    for (size_t got; f && (got = fread(piece, 1, sizeof piece, f)) > 0;)
        buf_add(&to, str_of(piece, got));
    if (!f || pclose(f) != 0 || to.n == 0) {
        fprintf(stderr, "%s/sasl-precis-idna/%s is not there\n", folder, name);
        exit(2);
    }
    return buf_str(&to);
}

static const char *shown(struct str s)
{
    static char text[1024];
    struct buf to;
    buf_fixed(&to, text, sizeof text - 1);
    for (size_t i = 0; i < s.n && i < 100; i++) {
        if (s.p[i] > ' ' && s.p[i] < 0x7f)
            buf_add_byte(&to, s.p[i]);
        else
            buf_printf(&to, "\\x%02x", (unsigned)(unsigned char)s.p[i]);
    }
    text[to.n] = '\0';
    return text;
}

/* What our JSON reader refuses by design: half a surrogate pair is no text in UTF-8 (a noncharacter, as forbidden, stands in for it), and numbers
   are whole (the Unicode version's fraction is blanked). */
static struct str whole(struct str s)
{
    static const char version[] = "\"unicode_version\": ";
    char *p = (char *)(uintptr_t)s.p;
    for (size_t i = 0; i + sizeof version < s.n; i++) {
        if (memcmp(p + i, "\\ud8", 4) == 0 && p[i + 6] == '"')
            memcpy(p + i, "\\ufdd0", 6);
        if (memcmp(p + i, version, sizeof version - 1) == 0)
            for (size_t at = i + sizeof version - 1, dot = 0; at < s.n && p[at] != '\n' && p[at] != ','; at++)
                if ((dot = dot || p[at] == '.'))
                    p[at] = ' ';
    }
    return s;
}

static const struct json *parsed(struct arena *a, const char *folder, const char *name)
{
    const struct json *j = json_parse(a, whole(slurp(folder, name)));
    if (!j) {
        fprintf(stderr, "%s: no JSON\n", name);
        exit(2);
    }
    return j;
}

/* --- SCRAM --- */

static bool octets_are(const unsigned char *got, size_t n, struct str hex)
{
    char text[128];
    struct buf to;
    buf_fixed(&to, text, sizeof text);
    hex_encode(&to, str_of(got, n));
    return str_eq(buf_str(&to), hex);
}

/* A server's session whose nonce is set to the RFC's, so that its words can be compared. */
static bool scram_server_says(const struct json *c, struct str client_final, struct buf *challenge)
{
    struct login_server l;
    struct login_verifier v = {.version = 1, .scram_iterations = 4096};
    struct str first = json_get_str(c, "client_first"), server_first = json_get_str(c, "server_first"), rest = server_first, nonce, salt, count;
    enum tls_digest d = login_digest(json_get_str(c, "mech"));
    char salt_text[64];
    struct buf salt_buf;
    buf_fixed(&salt_buf, salt_text, sizeof salt_text);
    buf_clear(challenge);
    if (!scram_attribute(&rest, 'r', &nonce) || !scram_attribute(&rest, 's', &salt) || !scram_attribute(&rest, 'i', &count) ||
        !base64_decode(&salt_buf, salt) || !login_server_init(&l, json_get_str(c, "mech"), NULL, true) ||
        login_server_feed(&l, true, first, challenge) != LOGIN_NEED_VERIFIER || !str_eq(str_c(l.user), json_get_str(c, "user")))
        return false;
    scram_keys(d, json_get_str(c, "password"), buf_str(&salt_buf), 4096, d == TLS_SHA1 ? v.sha1_stored : v.sha256_stored,
               d == TLS_SHA1 ? v.sha1_server : v.sha256_server, NULL);
    if (login_server_verifier(&l, true, &v, challenge) != LOGIN_MORE)
        return false;
    /* what it has said itself, exchanged for what the RFC's server said */
    size_t bare = (size_t)(first.n - l.gs2_n) + 1;
    memcpy(l.scram + bare, server_first.p, server_first.n);
    l.scram_n = bare + server_first.n;
    l.nonce_at = bare + 2;
    l.nonce_n = nonce.n;
    buf_clear(challenge);
    return login_server_feed(&l, true, client_final, challenge) == LOGIN_MORE && login_server_feed(&l, true, STR_NONE, challenge) == LOGIN_OK;
}

static void scram(const char *folder, struct arena *a)
{
    char text[2048], broken[512], name[128];
    struct buf challenge;
    begin("login/scram");
    buf_fixed(&challenge, text, sizeof text);
    for (const struct json *c = json_get(parsed(a, folder, "rfc/scram.json"), "cases")->child; c; c = c->next) {
        enum tls_digest d = login_digest(json_get_str(c, "mech"));
        unsigned char stored[32], server[32], client[32];
        char salt_text[64];
        struct buf salt;
        struct str rest = json_get_str(c, "server_first"), nonce, salt64, final = json_get_str(c, "client_final");
        buf_fixed(&salt, salt_text, sizeof salt_text);
        bool ok = scram_attribute(&rest, 'r', &nonce) && scram_attribute(&rest, 's', &salt64) && base64_decode(&salt, salt64);
        scram_keys(d, json_get_str(c, "password"), buf_str(&salt), 4096, stored, server, client);
        size_t n = tls_digest_size(d);
        snprintf(name, sizeof name, "%.*s keys", STR_ARG(json_get_str(c, "mech")));
        verdict(ok && octets_are(stored, n, json_get_str(c, "stored_key")) && octets_are(server, n, json_get_str(c, "server_key")) &&
                    octets_are(client, n, json_get_str(c, "client_key")), name);
        snprintf(name, sizeof name, "%.*s server", STR_ARG(json_get_str(c, "mech")));
        verdict(scram_server_says(c, final, &challenge) && str_eq(buf_str(&challenge), json_get_str(c, "server_final")), name);
        /* each octet of the client's last message changed: never logged in */
        bool held = true;
        for (size_t i = 0; i < final.n && final.n < sizeof broken; i++) {
            memcpy(broken, final.p, final.n);
            broken[i] = broken[i] == 'A' ? 'B' : 'A';
            held = held && !scram_server_says(c, str_of(broken, final.n), &challenge);
        }
        snprintf(name, sizeof name, "%.*s broken proofs", STR_ARG(json_get_str(c, "mech")));
        verdict(held, name);
    }
    end();
}

/* --- PLAIN, SASLprep --- */

static void others(const char *folder, struct arena *a)
{
    const struct json *all = parsed(a, folder, "rfc/other-mechanisms.json");
    char text[2048];
    struct buf to;
    begin("login/plain");
    for (const struct json *c = json_get(all, "plain")->child; c; c = c->next) {
        struct login_server l;
        struct str message = json_get_str(c, "message");
        buf_fixed(&to, text, sizeof text);
        login_server_init(&l, S("PLAIN"), NULL, false);
        enum login_step step = login_server_feed(&l, true, message, &to);
        bool error = json_get(c, "error") != NULL, ok = step == LOGIN_NEED_VERIFIER;
        if (!error)
            ok = ok && str_eq(str_of(l.password, l.password_n), json_get_str(c, "passwd")) && str_eq_icase(str_c(l.user), json_get_str(c, "authcid"));
        verdict(ok != error, shown(message));
    }
    end();
    begin("login/saslprep");
    for (const struct json *c = json_get(all, "saslprep")->child; c; c = c->next) {
        buf_fixed(&to, text, sizeof text);
        bool ok = login_saslprep(json_get_str(c, "in"), &to, NULL), error = json_get(c, "error") != NULL;
        verdict(ok != error && (error || str_eq(buf_str(&to), json_get_str(c, "out"))), shown(json_get_str(c, "in")));
    }
    end();
    begin("login/pbkdf2");
    for (const struct json *c = json_get(all, "pbkdf2_hmac_sha1")->child; c; c = c->next) {
        unsigned char out[32];
        struct str want = str_head(json_get_str(c, "DK"), 40); /* one block is all that SCRAM needs */
        tls_pbkdf2(TLS_SHA1, json_get_str(c, "P"), json_get_str(c, "S"), (uint32_t)json_get_num(c, "c", 1), out);
        verdict(octets_are(out, want.n / 2, want), shown(json_get_str(c, "P")));
    }
    end();
}

/* --- PRECIS --- */

static void rfc_examples(const char *folder, struct arena *a)
{
    static const struct { const char *suite, *list; bool (*profile)(struct str, struct buf *, struct why *); } lists[] = {
        {"login/rfc8265-usernames", "username", login_username_case_mapped}, {"login/rfc8265-passwords", "password", login_opaque_string}};
    const struct json *all = parsed(a, folder, "rfc/precis-rfc.json");
    char text[4096];
    struct buf to;
    for (size_t i = 0; i < countof(lists); i++) {
        begin(lists[i].suite);
        for (const struct json *c = json_get(all, lists[i].list)->child; c; c = c->next) {
            struct str in = json_get_str(c, "in"), want = json_get_str(c, json_get(c, "out") ? "out" : "casemapped");
            buf_fixed(&to, text, sizeof text);
            bool ok = lists[i].profile(in, &to, NULL);
            verdict(ok == (json_get_num(c, "legal", 0) != 0) && (!ok || want.n == 0 || str_eq(buf_str(&to), want)), shown(in));
        }
        end();
    }
}

static bool class_holds(struct str s, bool freeform, struct buf *to)
{
    static ucs4_t scalars[SCALARS_MAX];
    size_t n;
    buf_add(to, s);
    return login_scalars(s, scalars, SCALARS_MAX, &n, NULL) && precis_class_is(scalars, n, freeform);
}

static bool freeform(struct str s, struct buf *to, struct why *why)
{
    (void)why;
    return class_holds(s, true, to);
}

static bool identifier(struct str s, struct buf *to, struct why *why)
{
    (void)why;
    return class_holds(s, false, to);
}

static void golden(const char *folder, struct arena *a)
{
    static const struct { const char *suite, *profile; bool (*run)(struct str, struct buf *, struct why *); } profiles[] = {
        {"login/golden-UsernameCaseMapped", "UsernameCaseMapped", login_username_case_mapped},
        {"login/golden-UsernameCaseMapped:ToLower", "UsernameCaseMapped:ToLower", login_username_case_mapped},
        {"login/golden-UsernameCasePreserved", "UsernameCasePreserved", login_username_case_preserved},
        {"login/golden-OpaqueString", "OpaqueString", login_opaque_string},
        {"login/golden-FreeFormClass", "FreeFormClass", freeform},
        {"login/golden-IdentifierClass", "IdentifierClass", identifier},
    };
    const struct json *all = parsed(a, folder, "precis/golden.json.gz");
    static char text[SCALARS_MAX * 4];
    for (size_t i = 0; i < countof(profiles); i++) {
        begin(profiles[i].suite);
        for (const struct json *c = all->child; c; c = c->next) {
            struct buf to;
            const struct json *want = json_get(c, "output");
            struct str in = json_get_str(c, "input");
            if (!str_eq(json_get_str(c, "profile"), str_c(profiles[i].profile)))
                continue;
            buf_fixed(&to, text, sizeof text);
            bool ok = profiles[i].run(in, &to, NULL), legal = want && want->kind == JSON_STR;
            verdict(ok == legal && (!ok || str_eq(buf_str(&to), want->str)), shown(in));
        }
        end();
    }
}

/* Each code point's derived property. What is unassigned in our Unicode and assigned in a newer one is no error (RFC 8264 13.4). */
static void derived(const char *folder, const char *file, const char *name)
{
    static const struct { const char *name; enum precis value; } values[] = {
        {"PVALID", PRECIS_PVALID}, {"FREE_PVAL", PRECIS_FREE_PVAL}, {"CONTEXTJ", PRECIS_CONTEXTJ}, {"CONTEXTO", PRECIS_CONTEXTO},
        {"DISALLOWED", PRECIS_DISALLOWED}, {"UNASSIGNED", PRECIS_UNASSIGNED}};
    struct str all = slurp(folder, file);
    begin(name);
    while (all.n > 0) {
        struct str line = str_cut(all, '\n', &all), rest, kind;
        char range[32];
        struct str codes = str_cut(line, ' ', &rest);
        kind = str_cut(rest, '/', &rest);
        if (!str_to_c(codes, range, sizeof range) || strlen(range) < 9)
            continue;
        unsigned long first = strtoul(range, NULL, 16), last = strtoul(strchr(range, '-') + 1, NULL, 16);
        enum precis want = PRECIS_UNASSIGNED;
        for (size_t i = 0; i < countof(values); i++)
            if (str_eq(str_trim(kind), str_c(values[i].name)))
                want = values[i].value;
        for (unsigned long c = first; c <= last; c++) {
            char label[24];
            enum precis got = precis_of((ucs4_t)c);
            if (want == PRECIS_UNASSIGNED || (c >= 0xD800 && c <= 0xDFFF))
                continue; /* may have been assigned since; surrogates are no characters */
            snprintf(label, sizeof label, "%s%04lX", got == PRECIS_UNASSIGNED ? "unassigned " : "", c);
            verdict(got == want, label);
        }
    }
    end();
}

int main(int argc, char **argv)
{
    static struct arena a;
    if (argc < 2) {
        fprintf(stderr, "usage: login_conformance VECTORS [EXCUSES]\n");
        return 2;
    }
    arena_init(&a, 64 << 20);
    login_warm();
    excuses_read(argc > 2 ? argv[2] : "tests/conformance/excuses-login.txt");
    scram(argv[1], &a);
    others(argv[1], &a);
    rfc_examples(argv[1], &a);
    golden(argv[1], &a);
    derived(argv[1], "precis/derived-props-15.0.txt", "login/derived-properties-15.0");
    derived(argv[1], "precis/derived-props-6.3.txt", "login/derived-properties-6.3");
    arena_clear(&a);
    return failed_all != 0;
}
