// SPDX-License-Identifier: ISC
/* Envelope paths: what was taken prints to something that is taken again and has the same key. */
#include "base/check.h"
#include "base/utf8.h"
#include "message/address.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void again(struct arena *a, const struct address *adr)
{
    struct buf text;
    struct address other;
    buf_init(&text, 4096);
    address_print(&text, adr, false);
    check(!text.full);
    if (adr->domain.text.n) {
        check(address_parse(a, buf_str(&text), true, &other) == ADDRESS_OK || text.n > 64 /* quoting may make it too long */);
        if (address_parse(a, buf_str(&text), true, &other) == ADDRESS_OK) {
            check(str_eq(address_key(a, adr), address_key(a, &other)));
            check(other.utf8 == adr->utf8);
        }
    }
    buf_clear(&text);
    address_print(&text, adr, true);
    check(str_find(buf_str(&text), '\r') == text.n && str_find(buf_str(&text), '\n') == text.n &&
          str_find(buf_str(&text), 0) == text.n);
    buf_free(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a;
    struct address adr;
    struct domain domain;
    struct str in = str_of(data, size), rest = in;
    arena_init(&a, 1024 * 1024);
    if (address_parse_path(&a, &rest, true, true, true, &adr) == ADDRESS_OK) {
        check(rest.n < size && rest.p[-1] == '>');
        again(&a, &adr);
    }
    if (address_parse(&a, in, true, &adr) == ADDRESS_OK)
        again(&a, &adr);
    if (address_parse(&a, in, false, &adr) == ADDRESS_OK)
        check(!adr.utf8 && utf8_is_ascii(in));
    if (domain_parse(&a, in, true, &domain) == ADDRESS_OK) {
        struct domain twice;
        check(utf8_is_ascii(domain.ascii));
        check(domain_parse(&a, domain.ascii, false, &twice) == ADDRESS_OK && str_eq(twice.ascii, domain.ascii));
    }
    arena_clear(&a);
    return 0;
}
