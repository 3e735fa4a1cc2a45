// SPDX-License-Identifier: ISC
/* A message in pieces, then a field; and the same octets as a key record. Whatever comes, pieces change nothing and what is
 * written is a field. */
#include "base/check.h"
#include "sender/dkim.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool sign(struct str message, size_t piece, struct buf *field, unsigned char hash[32])
{
    static const struct dkim_key key = {DKIM_ED25519, S_INIT("example.org"), S_INIT("s1")};
    struct dkim_signer s;
    const char *why;
    dkim_sign_init(&s);
    for (struct str rest = message; rest.n; rest = str_skip(rest, piece))
        dkim_sign_feed(&s, str_head(rest, piece));
    bool ok = dkim_sign_end(&s, &why) && dkim_sign_question(&s, &key, 1700000000, 0, field, hash);
    check(s.body_size <= message.n + 2);
    dkim_sign_clear(&s);
    return ok;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned char a[32], b[32];
    struct buf whole, pieces;
    struct dkim_record r;
    struct str text = str_of(data, size);
    buf_init(&whole, DKIM_FIELD_MAX);
    buf_init(&pieces, DKIM_FIELD_MAX);
    bool ok = sign(text, size ? size : 1, &whole, a);
    check(sign(text, size ? 1 + data[0] % 7u : 1, &pieces, b) == ok);
    if (ok) {
        check(memcmp(a, b, sizeof a) == 0 && str_eq(buf_str(&whole), buf_str(&pieces)));
        check(dkim_sign_answer(&whole, str_of(a, sizeof a)));
        for (struct str rest = buf_str(&whole); rest.n;) {
            struct str line = str_cut(rest, '\n', &rest);
            check(line.n && line.n <= 79 && line.p[line.n - 1] == '\r');
            check(rest.n == 0 || rest.p[0] == ' ');
        }
    }
    dkim_record_parse(text, &r);
    dkim_selector_is_ok(text);
    buf_free(&whole);
    buf_free(&pieces);
    return 0;
}
