// SPDX-License-Identifier: ISC
/* The DKIM-Signature field, RFC 6376 3.5: written folded, hashed canonical (3.7), completed with the signature. */
#include "base/encode.h"
#include "sender/inside.h"
#include "tls/digest.h"

enum { WIDTH = 78 };

const char *dkim_alg_text(enum dkim_alg alg)
{
    return alg == DKIM_ED25519 ? "ed25519-sha256" : "rsa-sha256";
}

bool dkim_alg_parse(struct str k, enum dkim_alg *alg)
{
    *alg = str_eq(k, S("ed25519")) ? DKIM_ED25519 : DKIM_RSA;
    return *alg == DKIM_ED25519 || str_eq(k, S("rsa"));
}

/* One label or several: letters, digits and inner hyphens, and the underscore that some have. */
bool dkim_selector_is_ok(struct str s)
{
    size_t label = 0;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool edge = label == 0 || i + 1 == s.n || s.p[i + 1] == '.';
        if (c == '.' ? label == 0 : !ascii_is_alnum(c) && c != '_' && (c != '-' || edge))
            return false;
        label = c == '.' ? 0 : label + 1;
        if (label > 63)
            return false;
    }
    return s.n > 0 && s.n <= 253 && label > 0;
}

/* Where the line stands. */
static size_t column(const struct buf *b)
{
    struct str s = buf_str(b);
    size_t at = str_find_last(s, '\n');
    return at == s.n ? s.n : s.n - at - 1;
}

/* A piece that is not broken, behind a space or a fold. */
static void put(struct buf *b, struct str piece)
{
    buf_add_c(b, column(b) + 1 + piece.n > WIDTH ? "\r\n " : " ");
    buf_add(b, piece);
}

static void put_tag(struct buf *b, const char *name, struct str value)
{
    char space[400];
    struct buf piece;
    buf_fixed(&piece, space, sizeof space);
    buf_printf(&piece, "%s=", name);
    buf_add(&piece, value);
    buf_add_byte(&piece, ';');
    b->full |= piece.full;
    put(b, buf_str(&piece));
}

static void put_number(struct buf *b, const char *name, int64_t value)
{
    char space[24];
    struct buf number;
    buf_fixed(&number, space, sizeof space);
    buf_add_u64(&number, (uint64_t)value);
    put_tag(b, name, buf_str(&number));
}

static uint32_t count_of(const struct dkim_signer *s, size_t name)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < s->fields; i++)
        n += s->field[i].name == name;
    return n;
}

/* How often a name stands in h=. */
static uint32_t often(const struct dkim_signer *s, size_t name)
{
    uint32_t n = count_of(s, name);
    switch (dkim_names[name].often) {
    case DKIM_EACH:
        return n;
    case DKIM_ONE_MORE:
        return n ? n + 1 : 0;
    case DKIM_ALWAYS_ONE_MORE:
        return n + 1;
    }
    return n;
}

/* h=: folded behind colons, 3.5 allows white space there. */
static void put_names(struct buf *b, const struct dkim_signer *s)
{
    bool first = true;
    for (size_t name = 0; name < DKIM_NAMES; name++)
        for (uint32_t i = often(s, name); i; i--) {
            struct str text = str_c(dkim_names[name].name);
            if (first) {
                buf_add_c(b, column(b) + 4 + text.n > WIDTH ? "\r\n h=" : " h=");
            } else {
                buf_add_byte(b, ':');
                if (column(b) + text.n + 1 > WIDTH)
                    buf_add(b, S("\r\n "));
            }
            buf_add(b, text);
            first = false;
        }
    buf_add_byte(b, ';');
}

/* Fields of one name are signed from the last to the first, 5.4.2. */
static void hash_fields(struct tls_hash *h, const struct dkim_signer *s)
{
    struct str all = buf_str(&s->signed_fields);
    for (size_t name = 0; name < DKIM_NAMES; name++)
        for (uint32_t i = s->fields; i; i--)
            if (s->field[i - 1].name == name)
                tls_hash_add(h, str_of(all.p + s->field[i - 1].at, s->field[i - 1].n));
}

/* Our own field: it is written with single spaces, so that only folds and the name differ from the canonical form. */
static void hash_own(struct tls_hash *h, struct str field)
{
    struct str rest = str_skip(field, sizeof "DKIM-Signature: " - 1);
    tls_hash_add(h, S("dkim-signature:"));
    while (rest.n) {
        tls_hash_add(h, str_cut(rest, '\r', &rest));
        rest = str_skip(rest, 1);
    }
}

bool dkim_sign_question(struct dkim_signer *s, const struct dkim_key *k, int64_t unix_s, int64_t expires_s, struct buf *field,
                        unsigned char hash[32])
{
    char space[64];
    struct buf body, own = {0};
    if (s->failed || !s->from || s->state != DKIM_ENDED || !dkim_selector_is_ok(k->domain) || !dkim_selector_is_ok(k->selector) ||
        unix_s < 0 || (expires_s && expires_s <= unix_s))
        return false;
    buf_fixed(&body, space, sizeof space);
    base64_encode(&body, str_of(s->body_hash, sizeof s->body_hash));
    buf_init(&own, DKIM_FIELD_MAX);
    buf_add(&own, S("DKIM-Signature: v=1;"));
    put_tag(&own, "a", str_c(dkim_alg_text(k->alg)));
    put_tag(&own, "c", S("relaxed/relaxed"));
    put_tag(&own, "d", k->domain);
    put_tag(&own, "s", k->selector);
    put_tag(&own, "q", S("dns/txt"));
    put_number(&own, "t", unix_s);
    if (expires_s)
        put_number(&own, "x", expires_s);
    put_names(&own, s);
    put_tag(&own, "bh", buf_str(&body));
    put(&own, S("b="));
    struct tls_hash *h = own.full ? NULL : tls_hash_new(TLS_SHA256);
    if (h) {
        hash_fields(h, s);
        hash_own(h, buf_str(&own));
        tls_hash_end(h, hash);
        buf_add(field, buf_str(&own));
    }
    bool ok = h && !field->full;
    buf_free(&own);
    return ok;
}

bool dkim_sign_answer(struct buf *field, struct str signature)
{
    char space[DKIM_SIGNATURE_MAX * 4 / 3 + 8];
    struct buf text;
    buf_fixed(&text, space, sizeof space);
    base64_encode(&text, signature);
    if (text.full || signature.n == 0 || !str_ends(buf_str(field), S(" b=")))
        return false;
    for (struct str rest = buf_str(&text); rest.n;) {
        size_t at = column(field), room = at < WIDTH ? WIDTH - at : 0;
        buf_add(field, str_head(rest, room));
        rest = str_skip(rest, room);
        if (rest.n)
            buf_add(field, S("\r\n "));
    }
    buf_add(field, S("\r\n"));
    return !field->full;
}
