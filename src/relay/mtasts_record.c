// SPDX-License-Identifier: ISC
/* The TXT record of MTA-STS, RFC 8461 3.1, and the names that go with a domain. */
#include "relay/mtasts.h"
#include "relay/record.h"

void mtasts_record_name(struct buf *to, struct str domain)
{
    buf_add(to, S("_mta-sts."));
    buf_add(to, domain);
}

void mtasts_host(struct buf *to, struct str domain)
{
    buf_add(to, S("mta-sts."));
    buf_add(to, domain);
}

void mtasts_url(struct buf *to, struct str domain)
{
    buf_add(to, S("https://"));
    mtasts_host(to, domain);
    buf_add(to, S("/.well-known/mta-sts.txt"));
}

bool mtasts_media_type_is_ok(struct str content_type)
{
    struct str rest;
    return str_eq_icase(str_trim(str_cut(content_type, ';', &rest)), S("text/plain"));
}

static bool id_is_ok(struct str id)
{
    for (size_t i = 0; i < id.n; i++)
        if (!ascii_is_alnum(id.p[i]))
            return false;
    return id.n > 0 && id.n <= MTASTS_ID_MAX;
}

bool mtasts_record_parse(struct str txt, struct str *id)
{
    struct str name, value;
    *id = STR_NONE;
    if (!relay_record_begin(&txt, S("v=STSv1")))
        return false;
    while (txt.n) {
        if (!relay_record_field(&txt, &name, &value))
            return false;
        if (str_eq(name, S("id")) ? !id_is_ok(value) : !relay_record_extension_is_ok(name, value))
            return false;
        if (str_eq(name, S("id")) && !id->n) /* of fields that stand twice the first counts, 3.2 */
            *id = value;
    }
    return id->n > 0;
}

enum mtasts_seen mtasts_record_choose(const struct dns_answer *txt, struct str *id)
{
    bool unknown = false;
    struct str text = relay_record_only(txt, S("v=STSv1"), &unknown);
    *id = STR_NONE;
    return unknown ? MTASTS_UNKNOWN : text.p && mtasts_record_parse(text, id) ? MTASTS_RECORD : MTASTS_NO_RECORD;
}
