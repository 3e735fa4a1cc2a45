// SPDX-License-Identifier: ISC
/* For tests only: a DKIM verifier that shares nothing with the signer but the crypto library. Whole messages in memory,
 * relaxed/relaxed, sha256. */
#pragma once
#include "base/encode.h"
#include "base/test.h"
#include "tls/digest.h"
#include "tls/tls.h"

static inline void test_relaxed_field(struct buf *to, struct str field, bool with_end)
{
    struct str value, name = str_trim(str_cut(field, ':', &value));
    for (size_t i = 0; i < name.n; i++)
        buf_add_byte(to, ascii_lower(name.p[i]));
    buf_add_byte(to, ':');
    value = str_trim(value);
    for (size_t i = 0; i < value.n; i++) {
        char c = value.p[i], before = i ? value.p[i - 1] : 'x';
        bool white = c == ' ' || c == '\t' || c == '\r' || c == '\n',
             was = before == ' ' || before == '\t' || before == '\r' || before == '\n';
        if (!white)
            buf_add_byte(to, c);
        else if (!was)
            buf_add_byte(to, ' ');
    }
    if (with_end)
        buf_add(to, S("\r\n"));
}

static inline void test_relaxed_body(struct buf *to, struct str body)
{
    struct buf line, kept;
    buf_init(&line, 1 << 20);
    buf_init(&kept, 1 << 24);
    while (body.n) {
        size_t n = str_find_str(body, S("\r\n"));
        struct str text = str_head(body, n);
        body = str_skip(body, n + 2);
        buf_clear(&line);
        for (size_t i = 0; i < text.n; i++) {
            bool white = text.p[i] == ' ' || text.p[i] == '\t';
            if (!white)
                buf_add_byte(&line, text.p[i]);
            else if (i + 1 < text.n && text.p[i + 1] != ' ' && text.p[i + 1] != '\t')
                buf_add_byte(&line, ' ');
        }
        buf_add(&kept, buf_str(&line));
        buf_add(&kept, S("\r\n"));
    }
    struct str s = buf_str(&kept);
    while (str_ends(s, S("\r\n\r\n")))
        s.n -= 2;
    if (str_eq(s, S("\r\n")))
        s.n = 0;
    buf_add(to, s);
    buf_free(&line);
    buf_free(&kept);
}

/* Cuts the first field, with its folds, off *rest; without its last line end. Empty at the end of the header. */
static inline struct str test_field(struct str *rest)
{
    size_t n = 0;
    if (str_starts(*rest, S("\r\n"))) {
        *rest = str_skip(*rest, 2);
        return STR_NONE;
    }
    do
        n += str_find_str(str_skip(*rest, n), S("\r\n")) + 2;
    while (n < rest->n && (rest->p[n] == ' ' || rest->p[n] == '\t'));
    struct str field = str_head(*rest, n < rest->n ? n - 2 : rest->n - 2);
    *rest = str_skip(*rest, n);
    return field;
}

/* Value of a tag of a DKIM-Signature field, white space removed. */
static inline void test_tag(struct buf *to, struct str field, const char *tag)
{
    struct str rest;
    str_cut(field, ':', &rest);
    while (rest.n) {
        struct str value, one = str_cut(rest, ';', &rest), name = str_trim(str_cut(one, '=', &value));
        if (!str_eq(name, str_c(tag)))
            continue;
        for (size_t i = 0; i < value.n; i++)
            if (!strchr(" \t\r\n", value.p[i]))
                buf_add_byte(to, value.p[i]);
        return;
    }
}

/* Does the index-th DKIM-Signature field (0: the first) fit with this public key (tls_key_public's form)? */
static inline bool test_verify(struct str message, int index, struct str public_key)
{
    struct str rest = message, field[300], own = STR_NONE;
    size_t count = 0, used = SIZE_MAX;
    bool taken[300] = {false};
    struct buf text, tag, data;
    buf_init(&text, 1 << 24);
    buf_init(&tag, 1 << 16);
    buf_init(&data, 1 << 16);
    while (rest.n && count < 300 && (field[count] = test_field(&rest)).n)
        count++;
    for (size_t i = 0; i < count; i++)
        if (str_starts_icase(field[i], S("DKIM-Signature:")) && index-- == 0) {
            own = field[i];
            used = i;
        }
    bool ok = used != SIZE_MAX;
    /* the body */
    unsigned char hash[32];
    test_relaxed_body(&text, rest);
    tls_hash(TLS_SHA256, buf_str(&text), hash);
    test_tag(&tag, own, "bh");
    ok = ok && base64_decode(&data, buf_str(&tag)) && str_eq(buf_str(&data), str_of(hash, 32));
    /* the header: each name from the bottom */
    buf_clear(&text);
    buf_clear(&tag);
    test_tag(&tag, own, "h");
    for (struct str names = buf_str(&tag); names.n;) {
        struct str name = str_cut(names, ':', &names), value;
        for (size_t i = count; i-- > 0;)
            if (i != used && !taken[i] && str_eq_icase(str_trim(str_cut(field[i], ':', &value)), name)) {
                taken[i] = true;
                test_relaxed_field(&text, field[i], true);
                break;
            }
    }
    size_t b = str_find_str(own, S("b="));
    while (b < own.n && (own.p[b - 1] == 'b' || (own.p[b - 1] != ' ' && own.p[b - 1] != ';' && own.p[b - 1] != '\t')))
        b += 2 + str_find_str(str_skip(own, b + 2), S("b="));
    test_relaxed_field(&text, str_head(own, b + 2), false);
    tls_hash(TLS_SHA256, buf_str(&text), hash);
    buf_clear(&tag);
    buf_clear(&data);
    test_tag(&tag, own, "b");
    ok = ok && base64_decode(&data, buf_str(&tag)) && tls_public_verify_hash(public_key, hash, buf_str(&data));
    buf_free(&text);
    buf_free(&tag);
    buf_free(&data);
    return ok;
}
