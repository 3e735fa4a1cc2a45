// SPDX-License-Identifier: ISC
/* EHLO, RFC 5321 4.1.1.1: the greeting that gets the list of extensions. */
#include "smtp/inside.h"

static void add_number(struct buf *b, const char *name, uint64_t n)
{
    buf_add_c(b, name);
    buf_add_u64(b, n);
}

static void add_keywords(const struct smtp_server *s, const struct smtp_caps *c, struct buf *b)
{
    buf_add(b, S("\nPIPELINING\nSIZE"));
    if (c->size_max)
        add_number(b, " ", c->size_max);
    buf_add(b, S("\n8BITMIME\nSMTPUTF8\nENHANCEDSTATUSCODES\nCHUNKING\nBINARYMIME\nDSN"));
    buf_add(b, S("\nMT-PRIORITY MIXER")); /* RFC 6710 appendix B */
    if (c->starttls)
        buf_add(b, S("\nSTARTTLS"));
    if (c->requiretls)
        buf_add(b, S("\nREQUIRETLS"));
    if (c->auth) {
        buf_add(b, S("\nAUTH "));
        buf_add_c(b, c->mechanisms);
    }
    if (s->settings->expn_allowed)
        buf_add(b, S("\nEXPN"));
    add_number(b, "\nLIMITS RCPTMAX=", c->rcpt_max); /* RFC 9422 */
    if (c->mail_max)
        add_number(b, " MAILMAX=", c->mail_max);
    buf_add(b, S("\nHELP"));
}

enum next smtp_answer_ehlo(struct smtp_server *s)
{
    struct smtp_caps caps;
    struct buf b;
    char storage[2048];
    buf_fixed(&b, storage, sizeof storage);
    smtp_offers(s, &caps);
    buf_add(&b, s->settings->hostname);
    buf_add(&b, S(" greets "));
    buf_add(&b, s->helo);
    add_keywords(s, &caps, &b);
    return smtp_answer_str(s, 250, NULL, buf_str(&b));
}

enum next smtp_cmd_ehlo(struct smtp_server *s, struct str arg)
{
    struct smtp_refusal r = smtp_take_helo(s, arg, true);
    if (r.code == 421)
        return smtp_goodbye(s, r.code, r.status, r.text);
    return r.code ? smtp_refuse(s, r) : smtp_answer_ehlo(s);
}
