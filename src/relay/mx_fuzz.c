// SPDX-License-Identifier: ISC
/* First octet: settings; second: order of answers; then a line with the domain; the rest is the world, as dns/script.h reads it. */
#include <stdlib.h>
#include "base/check.h"
#include "dns/script.h"
#include "relay/mx.h"

static void check_hosts(const struct relay_mx *m, const struct dns_ip *own)
{
    check(m->ready <= m->host_count);
    for (size_t i = 0; i < m->host_count; i++) {
        const struct relay_mx_host *h = &m->hosts[i];
        check(i == 0 || m->hosts[i - 1].preference <= h->preference);
        if (i < m->ready)
            check(h->state != RELAY_HOST_WAITING && h->state != RELAY_HOST_ASKING);
        if (h->state != RELAY_HOST_READY)
            continue;
        check(h->address_count > 0 && h->address_count <= RELAY_MX_ADDRESSES_MAX);
        for (size_t k = 0; k < h->address_count; k++) {
            check(m->settings->allow_private || !relay_address_avoided(&h->addresses[k]));
            check(m->settings->allow_own || !dns_ip_eq(&h->addresses[k], own));
        }
    }
    if (m->state == RELAY_MX_END && m->outcome != DONE)
        check(m->why.status[0] != '\0' && m->why.text[0] != '\0');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct str own_name = S_INIT("mail.own.test");
    struct str input = str_of(data, size);
    uint8_t how = size > 0 ? data[0] : 0, order = size > 1 ? data[1] : 0;
    struct str world = str_skip(input, 2), name = str_cut(world, '\n', &world);
    struct dns_ip own;
    struct domain domain;
    struct why why;
    struct arena a;
    struct buf explained;
    struct relay_mx m;
    struct relay_mx_question asked[128];
    size_t count = 0;
    check(dns_ip_parse(S("192.0.2.77"), &own));
    struct relay_mx_settings settings = {.own_names = &own_name, .own_name_count = 1, .own_addresses = &own, .own_address_count = 1, .port = how & 1 ? 2525 : 0, .is_host = how & 2,
                                         .allow_private = how & 4, .allow_own = how & 8, .no_ipv6 = how & 16, .no_ipv4 = how & 32, .no_tlsa = how & 64, .hosts_max = how & 128 ? 2 : 0, .seed = 1};
    struct dns_script *script = dns_script_new(world, &why);
    arena_init(&a, RELAY_MX_MEM);
    if (!script || domain_parse(&a, name, true, &domain) != ADDRESS_OK) {
        dns_script_free(script);
        arena_clear(&a);
        return 0;
    }
    relay_mx_init(&m, &a, &settings, &domain);
    for (int turn = 0; m.state != RELAY_MX_END; turn++) {
        check(turn < 1000);
        check_hosts(&m, &own);
        if (m.state == RELAY_MX_HOSTS) {
            relay_mx_more(&m);
            continue;
        }
        while (count < 128 && relay_mx_question(&m, &asked[count]))
            count++;
        check(count > 0);
        size_t at = (order + (size_t)turn * 7) % count;
        struct relay_mx_question q = asked[at];
        struct arena scratch;
        struct dns_answer answer;
        asked[at] = asked[--count];
        arena_init(&scratch, DNS_ANSWER_MEM);
        check(dns_script_answer(script, &scratch, str_c(q.name), q.type, &answer));
        relay_mx_answer(&m, q.id, &answer);
        arena_clear(&scratch);
    }
    check_hosts(&m, &own);
    buf_init(&explained, 1 << 20);
    relay_mx_explain(&m, &explained);
    check(!explained.full);
    buf_free(&explained);
    arena_clear(&a);
    dns_script_free(script);
    return 0;
}
