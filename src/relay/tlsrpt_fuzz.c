// SPDX-License-Identifier: ISC
/* The same octets as a record, a note, and texts of peers. */
#include "base/check.h"
#include "base/json.h"
#include "relay/tlsrpt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void day_is_sound(struct arena *a, struct tlsrpt_day *d)
{
    static const struct tlsrpt_sender s = {S_INIT("x"), S_INIT("a@example.org"), S_INIT("1@example.org")};
    struct buf b, json;
    struct tlsrpt_day back;
    buf_init(&b, TLSRPT_NOTE_MAX);
    buf_init(&json, 8 << 20);
    tlsrpt_encode(&b, d);
    check(!b.full && b.n <= d->size && tlsrpt_decode(a, buf_str(&b), &back));
    check(back.size == d->size);
    tlsrpt_json(&json, &s, d);
    check(!json.full && json_parse(a, buf_str(&json)));
    buf_free(&b);
    buf_free(&json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = str_of(data, size);
    struct tlsrpt_record r;
    struct tlsrpt_day d, fresh;
    struct arena a;
    arena_init(&a, 32 << 20);
    if (tlsrpt_record_parse(&a, text, &r))
        check(r.count > 0 && r.rua[0].to.n > 0);
    if (tlsrpt_decode(&a, text, &d)) {
        struct buf b;
        buf_init(&b, 2 * TLSRPT_NOTE_MAX);
        tlsrpt_encode(&b, &d);
        check(str_eq(buf_str(&b), text));
        buf_free(&b);
        check(tlsrpt_begin(&fresh, &a, d.domain, d.day) && tlsrpt_merge(&fresh, &d));
        if (d.domain.n)
            tlsrpt_due_ms(d.domain, d.day);
    }
    check(tlsrpt_begin(&fresh, &a, S("example.net"), 5));
    for (unsigned i = 1; i < 30 && text.n; i++) {
        struct tlsrpt_event e = {.type = (enum tlsrpt_policy_type)(i % TLSRPT_POLICY_TYPES),
                                 .result = (enum tlsrpt_result)(i % TLSRPT_RESULTS)};
        e.reason = str_head(text, 1 + text.n / 9);
        text = str_skip(text, 1 + text.n / 9);
        e.mx_helo = e.mx_host = str_head(text, 3);
        check(tlsrpt_add(&fresh, &e));
    }
    day_is_sound(&a, &fresh);
    arena_clear(&a);
    return 0;
}
