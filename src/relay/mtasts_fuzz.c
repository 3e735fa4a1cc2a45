// SPDX-License-Identifier: ISC
/* The same octets as a record, a policy, a note and a host name. */
#include "base/check.h"
#include "relay/mtasts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void note_is_one(struct arena *a, const struct mtasts_entry *e)
{
    struct buf b, again;
    struct mtasts_entry back;
    buf_init(&b, MTASTS_NOTE_MAX);
    buf_init(&again, MTASTS_NOTE_MAX);
    mtasts_encode(&b, e);
    check(!b.full && mtasts_decode(a, buf_str(&b), &back));
    mtasts_encode(&again, &back);
    check(str_eq(buf_str(&b), buf_str(&again)));
    buf_free(&b);
    buf_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = str_of(data, size), id;
    struct arena a;
    struct mtasts_entry e = {0};
    struct why why = {"", ""};
    arena_init(&a, 4 << 20);
    if (mtasts_record_parse(text, &id))
        check(id.n > 0 && id.n <= MTASTS_ID_MAX);
    if (mtasts_fetched(&a, &e, S("1"), text, 1000, &why) == MTASTS_FINE) {
        size_t n = 0;
        struct str *line = mtasts_policy_lines(&a, &e.policy, &n);
        check(line && n == e.policy.mx_count + 3);
        note_is_one(&a, &e);
        for (size_t i = 0; i < e.policy.mx_count; i++)
            if (e.policy.mx[i].p[0] != '*')
                check(mtasts_mx_match(&e.policy, e.policy.mx[i]));
    } else {
        check(why.text[0] && !e.has_policy);
        mtasts_mx_match(&e.policy, text);
    }
    if (mtasts_decode(&a, text, &e)) { /* one encoding for one entry */
        struct buf b;
        buf_init(&b, MTASTS_NOTE_MAX * 2);
        mtasts_encode(&b, &e);
        check(str_eq(buf_str(&b), text));
        mtasts_policy_now(&e, 5);
        mtasts_plan(&e, MTASTS_RECORD, S("1"), 5);
        mtasts_expires_ms(&e);
        buf_free(&b);
    }
    mtasts_media_type_is_ok(text);
    arena_clear(&a);
    return 0;
}
