// SPDX-License-Identifier: ISC
/* The first octet says what the rest is: 0 to 7 rdata of each type, 8 an encoded answer, 9 a name in text, 10 a script, 11 trust anchors and resolv.conf. */
#include <stdlib.h>
#include "base/check.h"
#include "dns/inside.h"
#include "dns/script.h"

static void check_name(struct str name)
{
    char text[DNS_NAME_MAX];
    struct buf b;
    buf_fixed(&b, text, sizeof text);
    check(dns_name_normal(name, &b) && str_eq(buf_str(&b), name));
}

static void check_answer(struct arena *a, const struct dns_answer *answer)
{
    struct buf bytes, text;
    struct dns_answer again;
    buf_init(&bytes, DNS_ANSWER_MAX);
    buf_init(&text, 1 << 20);
    dns_answer_encode(&bytes, answer);
    dns_answer_text(&text, answer);
    for (size_t i = 0; i < answer->count; i++) {
        const struct dns_record *r = &answer->records[i];
        dns_record_text(&text, r);
        if (r->type == DNS_MX)
            check_name(r->mx.host);
        if (r->type == DNS_CNAME || r->type == DNS_PTR)
            check_name(r->name);
    }
    check(!bytes.full);
    check(dns_answer_decode(a, buf_str(&bytes), &again));
    check(again.count == answer->count && again.status == answer->status);
    buf_free(&text);
    buf_free(&bytes);
}

static void try_rdata(struct arena *a, enum dns_type type, struct str input)
{
    struct dns_answer answer = {.status = DNS_OK, .type = type, .name = S("a"), .canonical = S("a")};
    size_t sum = 0;
    if (!dns_answer_room(a, &answer, 600))
        return;
    while (input.n > 0) { /* length, octets */
        size_t n = (unsigned char)input.p[0];
        struct str rdata = str_head(str_skip(input, 1), n);
        input = str_skip(input, 1 + n);
        if (!dns_answer_add(a, &answer, rdata, &sum))
            return;
    }
    if (answer.count > 0)
        check_answer(a, &answer);
}

static void try_name(struct str input)
{
    char text[DNS_NAME_MAX];
    struct buf b;
    buf_fixed(&b, text, sizeof text);
    if (dns_name_normal(input, &b))
        check_name(buf_str(&b));
}

static void try_script(struct arena *a, struct str input)
{
    static const char *const names[] = {"a", "b.a", "c.b.a", "one.test", "mx1.one.test"};
    struct why why;
    struct dns_script *s = dns_script_new(input, &why);
    for (size_t i = 0; s && i < countof(names); i++)
        for (int type = 1; type < 53; type++) {
            struct dns_answer answer;
            if (dns_type_known((uint32_t)type) && dns_script_answer(s, a, str_c(names[i]), (enum dns_type)type, &answer)) {
                check((answer.status == DNS_OK) == (answer.count > 0));
                check(answer.status < DNS_SERVFAIL || !answer.secure);
            }
            arena_clear(a);
        }
    dns_script_free(s);
}

static void try_plan(struct str input)
{
    static struct dns_plan plan;
    struct why why;
    if (dns_plan_make(&(struct dns_settings){.anchors = input}, &plan, &why))
        check(plan.anchor_count > 0 && plan.anchor_count <= DNS_ANCHORS_MAX);
    else
        check(why.text[0] != '\0');
    if (dns_plan_make(&(struct dns_settings){.resolv_conf = input}, &plan, &why))
        check(plan.server_count <= 3);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum dns_type types[] = {DNS_A, DNS_CNAME, DNS_PTR, DNS_MX, DNS_TXT, DNS_AAAA, DNS_SRV, DNS_TLSA};
    struct arena a;
    if (size == 0)
        return 0;
    char *exact = malloc(size);
    check(exact != NULL);
    memcpy(exact, data + 1, size - 1);
    struct str input = str_of(exact, size - 1);
    struct dns_answer answer;
    arena_init(&a, 4 * DNS_ANSWER_MEM);
    switch (data[0] % 12) {
    case 8:
        if (dns_answer_decode(&a, input, &answer))
            check_answer(&a, &answer);
        break;
    case 9: try_name(input); break;
    case 10: try_script(&a, input); break;
    case 11: try_plan(input); break;
    default: try_rdata(&a, types[data[0] % 12], input);
    }
    arena_clear(&a);
    free(exact);
    return 0;
}
