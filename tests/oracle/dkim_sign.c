// SPDX-License-Identifier: ISC
/* dkim_sign DIRECTORY FILE…: makes an Ed25519 and an RSA key, writes their records to DIRECTORY/records ("name TAB text" a line)
   and each file signed with both to DIRECTORY/NAME.signed, in seeded random pieces. For tests/oracle/verify_dkim.py. */
#include "base/check.h"
#include "base/random.h"
#include "sender/dkim.h"
#include "tls/tls.h"
#include <stdio.h>
#include <stdlib.h>

static const struct dkim_key names[DKIM_ALG_COUNT] = {{DKIM_ED25519, S_INIT("example.org"), S_INIT("e1")},
                                                      {DKIM_RSA, S_INIT("example.org"), S_INIT("r1")}};
static struct tls_key *keys[DKIM_ALG_COUNT];

static void records(const char *directory)
{
    static const enum tls_key_kind kind[] = {TLS_KEY_ED25519, TLS_KEY_RSA};
    char path[1024];
    snprintf(path, sizeof path, "%s/records", directory);
    FILE *f = fopen(path, "wb");
    check(f != NULL);
    for (int i = 0; i < DKIM_ALG_COUNT; i++) {
        struct buf b, public;
        struct why why;
        buf_init(&b, 1 << 16);
        buf_init(&public, 4096);
        check(tls_key_generate(kind[i], &b, &why));
        keys[i] = tls_key_read(buf_str(&b), &why);
        check(keys[i] && tls_key_public(keys[i], &public));
        buf_clear(&b);
        dkim_record_name(&b, &names[i]);
        buf_add_byte(&b, '\t');
        dkim_record_text(&b, names[i].alg, buf_str(&public), STR_NONE);
        fprintf(f, "%.*s\n", STR_ARG(buf_str(&b)));
        buf_free(&b);
        buf_free(&public);
    }
    fclose(f);
}

static bool sign(struct str message, FILE *to)
{
    struct dkim_signer s;
    const char *why;
    dkim_sign_init(&s);
    for (struct str rest = message; rest.n;) {
        size_t n = 1 + (size_t)random_below(200);
        dkim_sign_feed(&s, str_head(rest, n));
        rest = str_skip(rest, n);
    }
    bool ok = dkim_sign_end(&s, &why);
    for (int i = 0; ok && i < DKIM_ALG_COUNT; i++) {
        struct buf field, signature;
        unsigned char hash[32];
        buf_init(&field, DKIM_FIELD_MAX);
        buf_init(&signature, DKIM_SIGNATURE_MAX);
        check(dkim_sign_question(&s, &names[i], 1700000000, 0, &field, hash));
        check(tls_key_sign_hash(keys[i], hash, &signature) && dkim_sign_answer(&field, buf_str(&signature)));
        fwrite(buf_str(&field).p, 1, field.n, to);
        buf_free(&field);
        buf_free(&signature);
    }
    fwrite(message.p, 1, message.n, to);
    if (!ok)
        fprintf(stderr, "not signed: %s\n", why);
    dkim_sign_clear(&s);
    return ok;
}

int main(int argc, char **argv)
{
    static char message[8 << 20];
    check(argc > 2 && tls_warm());
    records(argv[1]);
    random_seed(7);
    for (int i = 2; i < argc; i++) {
        char path[1024];
        const char *name = strrchr(argv[i], '/');
        FILE *from = fopen(argv[i], "rb");
        check(from != NULL);
        size_t n = fread(message, 1, sizeof message, from);
        fclose(from);
        snprintf(path, sizeof path, "%s/%s.signed", argv[1], name ? name + 1 : argv[i]);
        FILE *to = fopen(path, "wb");
        check(to != NULL);
        bool ok = sign(str_of(message, n), to);
        fclose(to);
        if (!ok)
            remove(path);
    }
    return 0;
}
