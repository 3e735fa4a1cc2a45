/* SPDX-License-Identifier: ISC */
/* Any bytes as the payload of any record: readers never leave it, never loop, and an index takes whatever it is given without
   losing itself. The first byte chooses the type. */
#include <stddef.h>
#include "base/facts.h"
#include "store/index.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool quiet(void *to, struct str line) { (void)to; (void)line; return true; }
static void count_term(void *to, struct str term) { *(size_t *)to += term.n; }

static void read_all(struct str p)
{
    struct fact_accept a;
    struct fact_uids u;
    struct fact_account acc;
    struct fact_body b;
    struct fact_map m;
    struct fact_piece piece;
    struct fact_rcpt rcpt;
    struct fact_delivery d;
    struct fact_queued q;
    struct fact_mailbox box;
    struct fact_moved moved;
    struct fact_result result;
    struct fact_change change;
    struct fact_note note;
    struct mark mark;
    uint32_t first, last, n = 0;
    size_t terms = 0;
    if (fact_accept_read(p, &a)) {
        while (fact_rcpt_next(&a.rcpts, &rcpt) || fact_delivery_next(&a.deliveries, &d) || fact_queued_next(&a.queued, &q)) {
        }
    }
    if (fact_uids_read(p, &u))
        while (n++ < 1000 && fact_uids_next(&u, &first, &last))
            if (last < first)
                __builtin_trap();
    if (fact_account_read(p, &acc))
        while (fact_mailbox_next(&acc.mailboxes, &box)) {
        }
    if (fact_map_read(p, &m))
        for (uint32_t i = 0; i < m.count && i < 1000; i++)
            fact_map_piece(&m, i);
    fact_body_read(p, &b);
    fact_piece_read(p, &piece);
    mark_read(p, &mark);
    fact_result_read(p, &result);
    fact_note_read(p, &note);
    if (fact_change_read(p, &change))
        while (change.ids.n > 0 && !change.ids.bad)
            dec_var(&change.ids);
    struct dec list = dec_of(p);
    while (fact_moved_next(&list, &moved)) {
    }
    index_terms(p, count_term, &terms);
    if (terms > p.n)
        __builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct log log = {.disk = &disk_kernel, .dir = "/nonexistent"};
    struct index x;
    struct why why = {0};
    bool fresh;
    fact_sink(quiet, NULL);
    if (size < 1 || size > 4096)
        return 0;
    struct str p = str_of(data + 1, size - 1);
    read_all(p);
    if (index_open(&x, ":memory:", &log, false, &fresh, &why) != DONE)
        __builtin_trap();
    struct record r = {(enum record_type)(data[0] % RECORD_TYPE_END), pos_of(1, 4096), 1, p, 0, record_size(p.n)};
    if (index_begin(&x) && (index_apply(&x, &r) ? !index_commit(&x) : (index_rollback(&x), false)))
        __builtin_trap();
    index_load_rows(&x, p);
    if (!index_load_state(&x))
        __builtin_trap();
    index_close(&x);
    return 0;
}
