// SPDX-License-Identifier: ISC
/* HELO, RFC 5321 4.1.1.1: the old greeting, without extensions. */
#include "smtp/inside.h"

/* A domain, an address literal, or one of the names that machines really give themselves (underscores, bare addresses). RFC
   5321 4.1.4 forbids to refuse a name that does not resolve; what cannot stand in a Received field is refused. */
static bool name_ok(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!ascii_is_alnum(s.p[i]) && !strchr(".-_:[]", s.p[i]))
            return false;
    return s.n > 0 && s.n <= DOMAIN_MAX;
}

struct smtp_refusal smtp_take_helo(struct smtp_server *s, struct str arg, bool esmtp)
{
    struct str rest = arg, name = str_word(&rest);
    if (name.n == 0)
        return (struct smtp_refusal){501, "5.5.4", "Say who you are: a domain or an address literal"};
    if (name.n > DOMAIN_MAX)
        return (struct smtp_refusal){501, "5.5.4", "That name is longer than 255 octets"};
    if (!name_ok(name) || str_trim(rest).n)
        return (struct smtp_refusal){501, "5.5.4", "That is neither a domain nor an address literal"};
    struct str kept = str_eq(name, s->helo) ? s->helo : arena_str(s->connection, name);
    if (!kept.p)
        return (struct smtp_refusal){421, "4.3.1", "Too many greetings"};
    smtp_transaction_drop(s); /* 4.1.4: as if RSET had been given */
    s->helo = kept;
    s->esmtp = esmtp;
    s->state->phase = PHASE_READY;
    return (struct smtp_refusal){0, NULL, NULL};
}

enum next smtp_cmd_helo(struct smtp_server *s, struct str arg)
{
    struct smtp_refusal r = smtp_take_helo(s, arg, false);
    if (r.code == 421)
        return smtp_goodbye(s, r.code, r.status, r.text);
    return r.code ? smtp_refuse(s, r) : smtp_answer_str(s, 250, NULL, s->settings->hostname);
}
