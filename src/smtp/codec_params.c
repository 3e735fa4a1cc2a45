// SPDX-License-Identifier: ISC
/* The parameters of MAIL and RCPT: RFC 5321 4.1.2 (esmtp-param), 1870, 6152, 3030, 3461, 4954, 6531, 6710, 8689. One table
   for each command. */
#include <stddef.h>
#include "base/compiler.h"
#include "base/utf8.h"
#include "smtp/codec.h"

struct params {
    struct arena *arena;
    bool utf8;
    struct smtp_envelope *mail;
    struct smtp_rcpt *rcpt;
};

struct param {
    const char *name;
    size_t offered;              /* offsetof in struct smtp_caps of the extension that it needs */
    bool has_value;
    struct smtp_refusal (*take)(struct params *p, struct str value);
};

static const struct smtp_refusal FINE = {0, NULL, NULL},
NO_MEMORY = {452, "4.3.1", "No memory for the parameters, try again later"};

static struct smtp_refusal bad(const char *text)
{
    return (struct smtp_refusal){501, "5.5.4", text};
}

static struct smtp_refusal take_size(struct params *p, struct str value)
{
    bool digits = value.n <= 20; /* RFC 1870 3: 1*20DIGIT */
    for (size_t i = 0; i < value.n; i++)
        digits = digits && ascii_is_digit(value.p[i]);
    if (!digits)
        return bad("SIZE wants a number of octets, 1 to 20 digits");
    if (!str_to_u64(value, &p->mail->size_declared))
        p->mail->size_declared = UINT64_MAX; /* beyond 64 bits is a number, too: too large a one */
    return FINE;
}

static struct smtp_refusal take_body(struct params *p, struct str value)
{
    if (str_eq_icase(value, S("7BIT")))
        p->mail->body = SMTP_BODY_7BIT;
    else if (str_eq_icase(value, S("8BITMIME")))
        p->mail->body = SMTP_BODY_8BIT;
    else if (str_eq_icase(value, S("BINARYMIME")))
        p->mail->body = SMTP_BODY_BINARY;
    else
        return bad("BODY is 7BIT, 8BITMIME or BINARYMIME");
    return FINE;
}

static struct smtp_refusal take_smtputf8(struct params *p, struct str value)
{
    (void)value;
    p->mail->smtputf8 = true;
    return FINE;
}

static struct smtp_refusal take_requiretls(struct params *p, struct str value)
{
    (void)value;
    p->mail->requiretls = true;
    return FINE;
}

static struct smtp_refusal take_priority(struct params *p, struct str value)
{
    bool minus = value.n == 2 && value.p[0] == '-';
    char digit = value.n == (minus ? 2u : 1u) ? value.p[minus] : ' ';
    if (!ascii_is_digit(digit) || (minus && digit == '0')) /* RFC 6710 7 */
        return bad("MT-PRIORITY is a number from -9 to 9");
    p->mail->priority = minus ? '0' - digit : digit - '0';
    return FINE;
}

static struct smtp_refusal take_ret(struct params *p, struct str value)
{
    if (!str_eq_icase(value, S("FULL")) && !str_eq_icase(value, S("HDRS")))
        return bad("RET is FULL or HDRS");
    p->mail->ret = str_eq_icase(value, S("FULL")) ? SMTP_RET_FULL : SMTP_RET_HDRS;
    return FINE;
}

static struct smtp_refusal decode_xtext(struct params *p, struct str value, const char *broken, struct str *to)
{
    struct buf b;
    char storage[SMTP_COMMAND_MAX];
    buf_fixed(&b, storage, sizeof storage);
    if (!smtp_xtext_decode(&b, value) || b.full)
        return bad(broken);
    *to = arena_str(p->arena, buf_str(&b));
    return to->p ? FINE : NO_MEMORY;
}

static struct smtp_refusal take_envid(struct params *p, struct str value)
{
    if (value.n > 100) /* RFC 3461 4.4 */
        return bad("ENVID is longer than 100 characters");
    struct smtp_refusal r = decode_xtext(p, value, "ENVID is not xtext (RFC 3461 4)", &p->mail->envid);
    for (size_t i = 0; r.code == 0 && i < p->mail->envid.n; i++) /* 4.4: printable US-ASCII and space, after decoding */
        if (p->mail->envid.p[i] < ' ' || p->mail->envid.p[i] > '~')
            return bad("ENVID holds a character that is not printable ASCII");
    return r;
}

static struct smtp_refusal take_auth(struct params *p, struct str value)
{
    static const char BROKEN[] = "AUTH wants a mailbox in xtext, or <>";
    struct str text;
    struct smtp_refusal r = decode_xtext(p, value, BROKEN, &text);
    struct address adr;
    if (r.code)
        return r;
    if (!str_eq(text, S("<>")) && address_parse(p->arena, text, p->utf8, &adr) != ADDRESS_OK) {
        /* RFC 4954 5 says "mailbox"; a bare user name is seen too and kept: it is a hint and decides nothing */
        for (size_t i = 0; i < text.n; i++)
            if ((unsigned char)text.p[i] <= ' ' || text.p[i] == '<' || text.p[i] == '>' || text.p[i] == 127)
                return bad(BROKEN);
    }
    p->mail->auth = text;
    return FINE;
}

static struct smtp_refusal take_notify(struct params *p, struct str value)
{
    uint32_t bits = 0;
    bool more = true;
    while (more) {
        more = str_find(value, ',') < value.n;
        struct str word = str_cut(value, ',', &value);
        uint32_t bit = str_eq_icase(word, S("NEVER"))     ? SMTP_NOTIFY_NEVER
                       : str_eq_icase(word, S("SUCCESS")) ? SMTP_NOTIFY_SUCCESS
                       : str_eq_icase(word, S("FAILURE")) ? SMTP_NOTIFY_FAILURE
                       : str_eq_icase(word, S("DELAY"))   ? SMTP_NOTIFY_DELAY
                                                          : 0;
        if (bit == 0)
            return bad("NOTIFY is NEVER, or a list of SUCCESS, FAILURE and DELAY");
        bits |= bit;
    }
    if ((bits & SMTP_NOTIFY_NEVER) && bits != SMTP_NOTIFY_NEVER) /* RFC 3461 4.1 */
        return bad("NOTIFY=NEVER stands alone");
    p->rcpt->notify = bits;
    return FINE;
}

static struct smtp_refusal take_orcpt(struct params *p, struct str value)
{
    struct buf b;
    char storage[SMTP_COMMAND_MAX];
    buf_fixed(&b, storage, sizeof storage);
    if (value.n > 500) /* RFC 3461 4.2 */
        return bad("ORCPT is longer than 500 characters");
    if (!smtp_orcpt_decode(&b, value, p->utf8) || b.full)
        return bad("ORCPT wants a type, a semicolon and an address in xtext: rfc822;bob@example.org");
    p->rcpt->orcpt = arena_str(p->arena, buf_str(&b));
    return p->rcpt->orcpt.p ? FINE : NO_MEMORY;
}

#define CAP(member) offsetof(struct smtp_caps, member)
static const struct param MAIL_PARAMS[] = {
    {"SIZE", CAP(size), true, take_size},
    {"BODY", CAP(eightbitmime), true, take_body},
    {"SMTPUTF8", CAP(smtputf8), false, take_smtputf8},
    {"RET", CAP(dsn), true, take_ret},
    {"ENVID", CAP(dsn), true, take_envid},
    {"AUTH", CAP(auth), true, take_auth},
    {"REQUIRETLS", CAP(requiretls), false, take_requiretls},
    {"MT-PRIORITY", CAP(mt_priority), true, take_priority},
};
static const struct param RCPT_PARAMS[] = {
    {"NOTIFY", CAP(dsn), true, take_notify},
    {"ORCPT", CAP(dsn), true, take_orcpt},
};

static bool keyword_ok(struct str s) /* (ALPHA / DIGIT) *(ALPHA / DIGIT / "-") */
{
    if (s.n == 0 || !ascii_is_alnum(s.p[0]))
        return false;
    for (size_t i = 1; i < s.n; i++)
        if (!ascii_is_alnum(s.p[i]) && s.p[i] != '-')
            return false;
    return true;
}

static bool value_ok(struct str s, bool utf8) /* 1*(%d33-60 / %d62-126), RFC 6531 3.3 adds UTF-8 */
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c < 33 || c == '=' || c == 127 || (c > 127 && !utf8))
            return false;
    }
    return s.n > 0 && (!utf8 || utf8_is_valid(s));
}

static const struct param *find(const struct param *table, size_t n, struct str name, const struct smtp_caps *offered)
{
    for (size_t i = 0; i < n; i++)
        if (str_eq_icase(name, str_c(table[i].name)))
            return *((const bool *)(const void *)((const char *)offered + table[i].offered)) ? &table[i] : NULL;
    return NULL;
}

static struct smtp_refusal take_all(struct params *p, struct str rest, const struct smtp_caps *offered, const struct param *table,
                                    size_t n)
{
    uint32_t seen = 0;
    if (rest.n && rest.p[0] != ' ')
        return bad("A space must stand between the path and its parameters");
    for (struct str word; (word = str_word(&rest)).n;) {
        struct str value, name = str_cut(word, '=', &value);
        bool has_value = name.n < word.n;
        if (!keyword_ok(name) || (has_value && !value_ok(value, p->utf8)))
            return bad("A parameter is written KEYWORD or KEYWORD=value");
        const struct param *q = find(table, n, name, offered);
        if (!q)
            return (struct smtp_refusal){555, "5.5.4", "A parameter is unknown here or was not offered"};
        if (has_value != q->has_value)
            return bad(q->has_value ? "This parameter wants a value" : "This parameter takes no value");
        uint32_t bit = UINT32_C(1) << (q - table);
        if (seen & bit)
            return bad("A parameter is given twice");
        seen |= bit;
        struct smtp_refusal r = q->take(p, value);
        if (r.code)
            return r;
    }
    return FINE;
}

/* SMTPUTF8 decides how the others are read, wherever it stands. */
static bool says_smtputf8(struct str rest)
{
    for (struct str word; (word = str_word(&rest)).n;)
        if (str_eq_icase(word, S("SMTPUTF8")))
            return true;
    return false;
}

struct smtp_refusal smtp_mail_params(struct arena *a, struct str rest, const struct smtp_caps *offered, struct smtp_envelope *to)
{
    struct params p = {.arena = a, .utf8 = offered->smtputf8 && says_smtputf8(rest), .mail = to};
    struct smtp_refusal r = take_all(&p, rest, offered, MAIL_PARAMS, countof(MAIL_PARAMS));
    if (r.code == 0 && to->body == SMTP_BODY_BINARY && !offered->binarymime)
        return (struct smtp_refusal){555, "5.5.4", "BODY=BINARYMIME was not offered"};
    return r;
}

struct smtp_refusal smtp_rcpt_params(struct arena *a, struct str rest, const struct smtp_caps *offered, bool smtputf8,
                                     struct smtp_rcpt *to)
{
    struct params p = {.arena = a, .utf8 = smtputf8, .rcpt = to};
    return take_all(&p, rest, offered, RCPT_PARAMS, countof(RCPT_PARAMS));
}
