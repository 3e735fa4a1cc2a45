// SPDX-License-Identifier: ISC
/* The decision in words, and what a TLS report says of how it went. */
#include "base/utf8.h"
#include "relay/security.h"
#include <stdio.h>

static enum tlsrpt_result result_of(enum tls_failure_kind kind)
{
    switch (kind) {
    case TLS_FINE:
        return TLSRPT_SUCCESS;
    case TLS_WRONG_NAME:
        return TLSRPT_CERTIFICATE_HOST_MISMATCH;
    case TLS_EXPIRED:
        return TLSRPT_CERTIFICATE_EXPIRED;
    case TLS_NOT_TRUSTED:
        return TLSRPT_CERTIFICATE_NOT_TRUSTED;
    case TLS_NO_TLSA_MATCH:
        return TLSRPT_TLSA_INVALID;
    case TLS_HANDSHAKE:
        return TLSRPT_VALIDATION_FAILURE;
    }
    return TLSRPT_VALIDATION_FAILURE;
}

enum tlsrpt_result security_result(const struct security *s, bool starttls, bool done, const struct tls_failure *f)
{
    if (s->verdict != SECURITY_GO)
        return s->skipped;
    if (!starttls)
        return TLSRPT_STARTTLS_NOT_SUPPORTED;
    if (f && f->kind != TLS_FINE)
        return result_of(f->kind);
    if (!done)
        return TLSRPT_VALIDATION_FAILURE;
    if (s->policy == TLSRPT_TLSA && s->trust != TLS_TRUST_DANE) /* the records were of no use: they should know */
        return TLSRPT_TLSA_INVALID;
    return s->mx_mismatch ? TLSRPT_VALIDATION_FAILURE : TLSRPT_SUCCESS;
}

static bool tlsa_lines(struct arena *a, const struct dane_facts *f, struct tlsrpt_event *to)
{
    struct str *line = arena_array(a, f->count + 1, sizeof *line);
    struct buf b;
    if (!line)
        return false;
    buf_init(&b, 2 * UINT16_MAX + 64);
    for (size_t i = 0; i < f->count; i++) {
        buf_clear(&b);
        dane_record_text(&b, &f->record[i]);
        line[i] = b.full ? STR_NONE : arena_str(a, buf_str(&b));
        if (!line[i].p)
            break;
        to->lines = i + 1;
    }
    buf_free(&b);
    to->line = line;
    return to->lines == f->count;
}

bool security_event(struct arena *a, const struct security_question *q, const struct security *s, struct tlsrpt_event *to)
{
    *to = (struct tlsrpt_event){.type = s->policy, .mx_host = q->host};
    if (s->policy == TLSRPT_TLSA)
        return !q->dane || tlsa_lines(a, q->dane, to);
    if (s->policy == TLSRPT_STS && q->mtasts) {
        to->line = mtasts_policy_lines(a, q->mtasts, &to->lines);
        to->mx_pattern = q->mtasts->mx;
        to->mx_patterns = q->mtasts->mx_count;
        return to->line != NULL;
    }
    return true;
}

/* --- in words --- */

static void say(struct buf *to, const char *text, struct str about)
{
    buf_add_c(to, text);
    utf8_add_printable(to, about);
}

static void say_dane(const struct security_question *q, const struct security *s, struct buf *to)
{
    if (q->literal || !q->dane)
        return;
    buf_add(to, S("DANE: "));
    switch (q->dane->status) {
    case DANE_ABSENT:
        say(to, "no secure TLSA records for ", q->host);
        break;
    case DANE_FAILED:
        say(to, "", str_c(q->dane->why.text));
        break;
    case DANE_UNUSABLE:
        buf_printf(to, "%u TLSA records, none of which can be used", q->dane->unusable);
        say(to, ", at ", q->dane->base);
        buf_add(to, S(": encryption is a must"));
        break;
    case DANE_USABLE:
        buf_printf(to, "%zu usable TLSA records", q->dane->count);
        if (q->dane->unusable)
            buf_printf(to, " (and %u others)", q->dane->unusable);
        say(to, " at ", q->dane->base);
        buf_add_c(to, s->trust == TLS_TRUST_DANE && s->enforce ? ": TLS, authenticated by them" : "");
        break;
    }
    buf_add_byte(to, '\n');
}

static void say_mtasts(const struct security_question *q, const struct security *s, struct buf *to)
{
    if (q->literal || !q->mtasts)
        return;
    buf_printf(to, "MTA-STS: mode %s", mtasts_mode_text(q->mtasts->mode));
    if (q->configured && !q->used_mx)
        buf_add(to, S(", which does not count for a host of the configuration"));
    else if (q->dane && q->dane->status == DANE_USABLE)
        buf_add(to, S(", which DANE precedes"));
    else if (q->mtasts->mode != MTASTS_NONE) {
        say(to, mtasts_mx_match(q->mtasts, q->host) ? ", lists " : ", does not list ", q->host);
        buf_add_c(to, s->policy == TLSRPT_STS && s->trust == TLS_TRUST_PKIX && !s->enforce ? ": checked, not enforced" : "");
    }
    buf_add_byte(to, '\n');
}

static void say_wishes(const struct security_question *q, struct buf *to)
{
    if (q->word != CONFIG_TLS_AUTO)
        buf_printf(to, "tls-policy: %s\n", config_tls_word_text(q->word));
    if (q->used_mx)
        buf_add_c(to, q->mx_secure ? "MX: proved by DNSSEC\n" : "MX: not proved by DNSSEC\n");
    if (q->requiretls)
        buf_add_c(to, q->null_sender ? "REQUIRETLS: of a notice, so kept where it is offered\n"
                                     : "REQUIRETLS: the sender insists on TLS all the way\n");
    else if (q->tls_optional)
        buf_add(to, S("TLS-Required: No: delivery comes before TLS\n"));
}

static void say_result(const struct security *s, struct buf *to)
{
    static const char *const words[] = {"without TLS", "TLS where offered", "only with TLS"};
    if (s->verdict != SECURITY_GO) {
        say(to, s->verdict == SECURITY_SKIP ? "result: not to this host now: " : "result: not to this host with this message: ",
            str_c(s->why.text));
        buf_add_byte(to, '\n');
        return;
    }
    buf_printf(to, "result: %s", words[s->tls]);
    if (s->trust == TLS_TRUST_ANY && s->tls != SMTP_TLS_NEVER)
        buf_add(to, S(", no certificate is asked for"));
    if (s->trust == TLS_TRUST_DANE)
        buf_add_c(to, s->enforce ? ", certificate by TLSA records" : ", TLSA records only looked at");
    if (s->trust == TLS_TRUST_PKIX)
        buf_add_c(to, s->enforce ? ", certificate of a known authority" : ", certificate only looked at");
    for (size_t i = 0; s->trust != TLS_TRUST_ANY && i < s->names; i++)
        say(to, i ? " or " : " for ", s->name[i]);
    if (s->requiretls)
        buf_add(to, S(", and REQUIRETLS has to be offered"));
    if (s->enforce && s->trust != TLS_TRUST_ANY && !s->authenticated_means_secure)
        buf_add(to, S(" (an insecure DNS named the host)"));
    buf_add_byte(to, '\n');
}

void security_explain(const struct security_question *q, const struct security *s, struct buf *to)
{
    say_wishes(q, to);
    say_dane(q, s, to);
    say_mtasts(q, s, to);
    say_result(s, to);
}
