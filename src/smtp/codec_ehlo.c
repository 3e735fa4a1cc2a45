// SPDX-License-Identifier: ISC
/* The keywords of an EHLO answer, RFC 5321 4.1.1.1. */
#include <stddef.h>
#include "base/compiler.h"
#include "smtp/codec.h"

static uint32_t limit(struct str value)
{
    uint64_t n;
    return str_to_u64(value, &n) ? n > UINT32_MAX ? UINT32_MAX : (uint32_t)n : 0;
}

static void take_limits(struct smtp_caps *c, struct str rest) /* RFC 9422 */
{
    for (struct str word; (word = str_word(&rest)).n;) {
        struct str value, name = str_cut(word, '=', &value);
        if (str_eq_icase(name, S("RCPTMAX")))
            c->rcpt_max = limit(value);
        else if (str_eq_icase(name, S("MAILMAX")))
            c->mail_max = limit(value);
    }
}

static void take_mechanisms(struct smtp_caps *c, struct str rest)
{
    size_t n = strlen(c->mechanisms);
    c->auth = true;
    for (struct str word; (word = str_word(&rest)).n;) {
        if (n + 1 + word.n + 1 > sizeof c->mechanisms)
            return;
        if (n)
            c->mechanisms[n++] = ' ';
        memcpy(c->mechanisms + n, word.p, word.n);
        n += word.n;
        c->mechanisms[n] = 0;
    }
}

void smtp_caps_line(struct smtp_caps *c, struct str line)
{
    static const struct { const char *name; size_t at; } simple[] = {
        {"PIPELINING", offsetof(struct smtp_caps, pipelining)},     {"8BITMIME", offsetof(struct smtp_caps, eightbitmime)},
        {"SMTPUTF8", offsetof(struct smtp_caps, smtputf8)},
        {"ENHANCEDSTATUSCODES", offsetof(struct smtp_caps, enhancedstatuscodes)},
        {"CHUNKING", offsetof(struct smtp_caps, chunking)},         {"BINARYMIME", offsetof(struct smtp_caps, binarymime)},
        {"DSN", offsetof(struct smtp_caps, dsn)},                   {"STARTTLS", offsetof(struct smtp_caps, starttls)},
        {"REQUIRETLS", offsetof(struct smtp_caps, requiretls)},     {"SIZE", offsetof(struct smtp_caps, size)},
        {"MT-PRIORITY", offsetof(struct smtp_caps, mt_priority)},
    };
    struct str word = str_word(&line);
    for (size_t i = 0; i < countof(simple); i++)
        if (str_eq_icase(word, str_c(simple[i].name)))
            *(bool *)((char *)c + simple[i].at) = true;
    if (str_eq_icase(word, S("SIZE"))) {
        uint64_t n;
        c->size_max = str_to_u64(str_word(&line), &n) ? n : 0;
    } else if (str_eq_icase(word, S("AUTH"))) {
        take_mechanisms(c, line);
    } else if (str_starts_icase(word, S("AUTH="))) { /* written so before RFC 2554 */
        take_mechanisms(c, str_skip(word, 5));
        take_mechanisms(c, line);
    } else if (str_eq_icase(word, S("LIMITS"))) {
        take_limits(c, line);
    }
}
