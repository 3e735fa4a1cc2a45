// SPDX-License-Identifier: ISC
/* Notifications: read from anything; and written about anything (the input gives addresses, replies and the original), sound, and
 * read back with the same recipients. */
#include "base/check.h"
#include "base/random.h"
#include "message/dsn.h"
#include "message/mime.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool keep(void *self, struct str piece)
{
    buf_add(self, piece);
    return true;
}

static void is_sound(struct str s, bool eight_bit)
{
    for (size_t i = 0, column = 0; i < s.n; i++) {
        column = s.p[i] == '\n' ? 0 : column + 1;
        check(s.p[i] != 0 && column <= 999);
        check(eight_bit || (unsigned char)s.p[i] < 0x80);
        check(s.p[i] != '\r' || (i + 1 < s.n && s.p[i + 1] == '\n'));
        check(s.p[i] != '\n' || (i > 0 && s.p[i - 1] == '\r'));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a;
    struct dsn_report report;
    struct str in = str_of(data, size), rest = in;
    arena_init(&a, 16 * 1024 * 1024);
    random_seed(size + 1);
    dsn_parse(&a, in, &report);
    uint8_t choice = size ? data[0] : 0;
    struct dsn_recipient r[2] = {{.action = (enum dsn_action)(choice % 5), .will_retry_until_ms = 1}, {.action = DSN_FAILED}};
    for (int i = 0; i < 2; i++) {
        r[i].final = str_cut(rest, '\n', &rest);
        r[i].orcpt = str_cut(rest, '\n', &rest);
        r[i].status = str_cut(rest, '\n', &rest);
        r[i].diagnostic = str_cut(rest, '\n', &rest);
        r[i].remote_mta = str_cut(rest, '\n', &rest);
        r[i].why = str_cut(rest, '\n', &rest);
    }
    struct dsn d = {.recipients = r,
                    .count = 2,
                    .utf8 = (choice & 8) != 0,
                    .full = (choice & 16) != 0,
                    .original = source_memory(&rest),
                    .original_bits = 1};
    d.hostname = str_cut(rest, '\n', &rest);
    d.envid = str_cut(rest, '\n', &rest);
    d.subject = str_cut(rest, '\n', &rest);
    d.original.size = rest.n;
    check(address_parse(&a, S("alice@example.org"), false, &d.to) == ADDRESS_OK);
    struct buf out;
    const char *why;
    buf_init(&out, 20 * size + 100000);
    check(dsn_write(&d, &a, (struct sink){keep, &out}, &why) && !out.full);
    is_sound(buf_str(&out), d.utf8 || d.full);
    const struct mime *m = mime_parse(&a, buf_str(&out));
    check(m && mime_is(m->root, "multipart", "report"));
    check(dsn_parse(&a, buf_str(&out), &report));
    check(report.count <= 2);
    for (size_t i = 0; i < report.count; i++)
        check(report.count < 2 || report.recipients[i].action == r[i].action);
    buf_free(&out);
    arena_clear(&a);
    random_seed(0);
    return 0;
}
