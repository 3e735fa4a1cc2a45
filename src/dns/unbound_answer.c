// SPDX-License-Identifier: ISC
/* What libunbound says of a question, as an answer of ours. */
#include "base/utf8.h"
#include "dns/unbound_library.h"

static struct str printable(struct arena *a, const char *text)
{
    char store[4 * DNS_WHY_MAX];
    struct buf b;
    buf_fixed(&b, store, sizeof store);
    utf8_add_printable(&b, str_head(str_c(text), DNS_WHY_MAX)); /* an octet may become three */
    struct str said = str_head(buf_str(&b), DNS_WHY_MAX);
    while (said.n > 0 && said.n < b.n && ((unsigned char)said.p[said.n] & 0xc0) == 0x80)
        said.n--;
    return arena_str(a, said);
}

static struct dns_answer trouble(struct arena *a, enum dns_status status, const char *text)
{
    return (struct dns_answer){.status = status, .why = printable(a, text)};
}

static const char *rcode_text(int rcode)
{
    switch (rcode) {
    case 1: return "a server says that the question is malformed (FORMERR)";
    case 2: return "no server in charge gives a useful answer (SERVFAIL)";
    case 4: return "a server does not know this kind of question (NOTIMP)";
    case 5: return "the servers refuse to answer (REFUSED)";
    default: return "the servers answer with an error";
    }
}

static struct dns_answer records_of(struct arena *a, const struct ub_result *res)
{
    struct dns_answer answer = {.status = DNS_OK, .type = (enum dns_type)res->qtype, .secure = res->secure != 0, .ttl_s = res->ttl > 0 ? (uint32_t)res->ttl : 0};
    size_t count = 0, sum = 0;
    while (res->data && res->data[count])
        count++;
    if (!dns_answer_room(a, &answer, count))
        return trouble(a, DNS_SERVFAIL, "no memory for the answer");
    for (size_t i = 0; i < count; i++)
        if (res->len[i] < 0 || !dns_answer_add(a, &answer, str_of(res->data[i], (size_t)res->len[i]), &sum))
            return trouble(a, DNS_SERVFAIL, "no memory for the answer");
    if (answer.count == 0)
        return trouble(a, DNS_SERVFAIL, "the records in the answer make no sense");
    return answer;
}

static void set_canonical(struct arena *a, const struct ub_result *res, struct dns_answer *answer)
{
    char text[DNS_NAME_MAX];
    struct buf b;
    buf_fixed(&b, text, sizeof text);
    if (res->canonname && dns_name_normal(str_c(res->canonname), &b))
        answer->canonical = arena_str(a, buf_str(&b));
}

struct dns_answer unbound_answer(struct arena *a, const struct unbound_library *lib, int error, const struct ub_result *res)
{
    struct dns_answer answer;
    if (error != 0 || !res)
        return trouble(a, DNS_SERVFAIL, lib->ub_strerror(error));
    if (res->bogus)
        return trouble(a, DNS_BOGUS, res->why_bogus ? res->why_bogus : "the answer is not signed as it should be");
    if (res->havedata)
        answer = records_of(a, res);
    else if (res->rcode == 3 || res->nxdomain)
        answer = (struct dns_answer){.status = DNS_NXDOMAIN, .secure = res->secure != 0, .ttl_s = res->ttl > 0 ? (uint32_t)res->ttl : 0};
    else if (res->rcode == 0)
        answer = (struct dns_answer){.status = DNS_NODATA, .secure = res->secure != 0, .ttl_s = res->ttl > 0 ? (uint32_t)res->ttl : 0};
    else
        answer = trouble(a, DNS_SERVFAIL, rcode_text(res->rcode));
    set_canonical(a, res, &answer);
    return answer;
}
