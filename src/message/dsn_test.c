// SPDX-License-Identifier: ISC
#include "base/test.h"
#include "message/dsn.h"
#include "message/mime.h"

static bool keep(void *self, struct str piece)
{
    buf_add(self, piece);
    return !((struct buf *)self)->full;
}

static struct dsn about(struct arena *a, const struct dsn_recipient *r, size_t n, struct str *original)
{
    struct dsn d = {.hostname = S("mail.example.org"),
                    .now_ms = 1795548001000,
                    .arrival_ms = 1795548000000,
                    .envid = S("QQ314159"),
                    .id = S("7F3K2"),
                    .subject = S("Hello"),
                    .recipients = r,
                    .count = n,
                    .original = source_memory(original),
                    .message_id = S("n1@mail.example.org")};
    CHECK_NUM(address_parse(a, S("alice@example.com"), false, &d.to), ADDRESS_OK);
    return d;
}

static struct dsn_recipient bob(void)
{
    return (struct dsn_recipient){.orcpt = S("rfc822;Bob@example.net"),
                                  .final = S("bob@example.net"),
                                  .action = DSN_FAILED,
                                  .status = S("5.1.1"),
                                  .diagnostic = S("550 5.1.1 no such user"),
                                  .remote_mta = S("mx.example.net"),
                                  .last_attempt_ms = 1795548001000};
}

/* The whole text, but for its boundary. */
TEST(failed)
{
    struct arena a;
    struct buf out;
    const char *why;
    struct str original = S("Received: x\r\nFrom: alice@example.com\r\nSubject: Hello\r\nMessage-ID: <m@example.com>\r\n\r\nbody "
                            "is not returned\r\n");
    arena_init(&a, 10000000);
    struct dsn_recipient failed = bob();
    struct dsn d = about(&a, &failed, 1, &original);
    buf_init(&out, 100000);
    CHECK(dsn_write(&d, &a, (struct sink){keep, &out}, &why));
    struct str s = buf_str(&out), b;
    const struct mime *m = mime_parse(&a, s);
    CHECK(mime_is(m->root, "multipart", "report") && m->flaws == 0 && m->count == 4);
    CHECK_STR(header_param(m->root->params, "report-type"), S("delivery-status"));
    CHECK_STR(header_value(&a, s, "From"), S("Mail Delivery System <postmaster@mail.example.org>"));
    CHECK_STR(header_value(&a, s, "To"), S("alice@example.com"));
    CHECK_STR(header_value(&a, s, "Subject"), S("Not delivered: Hello"));
    CHECK_STR(header_value(&a, s, "Auto-Submitted"), S("auto-replied"));
    CHECK_STR(header_value(&a, s, "In-Reply-To"), S("<m@example.com>"));
    b = mime_body(m, m->root->child);
    CHECK_STR(b, S("This is the mail system at mail.example.org\r\n\r\nYour message was not delivered to this recipient:\r\n\r\n "
                   " bob@example.net\r\n"
                   "    Why: there is no such mailbox (5.1.1)\r\n    mx.example.net said: 550 5.1.1 no such user\r\n"
                   "    What you can do: Check the spelling of the address, then send the\r\n    message again.\r\n\r\nThe "
                   "message:\r\n  Subject: Hello\r\n"
                   "  Came in: Tue, 24 Nov 2026 19:20:00 +0000\r\n  Our id: 7F3K2\r\n\r\nIf you need help, write to the "
                   "postmaster and quote that id. The rest of\r\n"
                   "this message is for mail programs.\r\n"));
    b = mime_body(m, m->root->child->next);
    CHECK_STR(b, S("Reporting-MTA: dns; mail.example.org\r\nOriginal-Envelope-Id: QQ314159\r\nArrival-Date: Tue, 24 Nov 2026 "
                   "19:20:00 +0000\r\n\r\n"
                   "Original-Recipient: rfc822;Bob@example.net\r\nFinal-Recipient: rfc822;bob@example.net\r\nAction: "
                   "failed\r\nStatus: 5.1.1\r\n"
                   "Remote-MTA: dns; mx.example.net\r\nDiagnostic-Code: smtp; 550 5.1.1 no such user\r\nLast-Attempt-Date: Tue, "
                   "24 Nov 2026 19:20:01 +0000\r\n"));
    const struct mime_part *third = m->root->child->next->next;
    CHECK(mime_is(third, "text", "rfc822-headers"));
    CHECK_STR(mime_body(m, third),
              S("Received: x\r\nFrom: alice@example.com\r\nSubject: Hello\r\nMessage-ID: <m@example.com>\r\n"));
    struct dsn_report report;
    CHECK(dsn_parse(&a, s, &report));
    CHECK_NUM(report.count, 1);
    CHECK_STR(report.reporting_mta, S("mail.example.org"));
    CHECK_STR(report.envid, S("QQ314159"));
    CHECK_STR(report.recipients[0].final, S("bob@example.net"));
    CHECK_STR(report.recipients[0].orcpt, S("rfc822;Bob@example.net"));
    CHECK_STR(report.recipients[0].diagnostic, S("550 5.1.1 no such user"));
    CHECK_NUM(report.recipients[0].last_attempt_ms, 1795548001000);
    buf_free(&out);
    arena_clear(&a);
}

TEST(kinds)
{
    struct str original = S("Subject: gr\xc3\xbc\xc3\x9f"
                            "e\r\n\r\nb\xc3\xb6"
                            "dy\r\n");
    struct dsn_recipient r[5] = {
        bob(),
        {.final = S("j\xc3\xb6@example.net"), .action = DSN_DELAYED, .will_retry_until_ms = 1795600000000},
        {.final = S("c@x"), .action = DSN_DELIVERED},
        {.final = S("d@x"), .action = DSN_RELAYED},
        {.final = S("\"a  b\"@x"), .action = DSN_EXPANDED}};
    for (int variant = 0; variant < 8; variant++) {
        struct arena a;
        struct buf out;
        const char *why;
        struct dsn_report report;
        arena_init(&a, 10000000);
        struct dsn d = about(&a, r, 5, &original);
        buf_init(&out, 100000);
        d.utf8 = variant & 1;
        d.full = variant & 2;
        d.original_bits = 1;
        if (variant & 4)
            d.full_max = 5;
        CHECK(dsn_write(&d, &a, (struct sink){keep, &out}, &why));
        const struct mime *m = mime_parse(&a, buf_str(&out));
        const struct mime_part *status = m->root->child->next, *third = status->next;
        CHECK(mime_is(status, "message", d.utf8 ? "global-delivery-status" : "delivery-status"));
        bool whole = d.full && !d.full_max;
        CHECK(mime_is(third, whole || d.utf8 ? "message" : "text",
                      whole    ? (d.utf8 ? "global" : "rfc822")
                      : d.utf8 ? "global-headers"
                               : "rfc822-headers"));
        struct buf b;
        buf_init(&b, 10000);
        CHECK(mime_part_decode(m, third, &b));
        CHECK_STR(buf_str(&b), whole ? original
                                     : S("Subject: gr\xc3\xbc\xc3\x9f"
                                         "e\r\n"));
        buf_free(&b);
        CHECK(dsn_parse(&a, buf_str(&out), &report) && report.count == 5);
        CHECK_STR(report.recipients[1].final, d.utf8 ? S("j\xc3\xb6@example.net") : S("j\\x{F6}@example.net"));
        CHECK_STR(report.recipients[1].status, S("4.0.0"));
        CHECK_NUM(report.recipients[1].will_retry_until_ms, 1795600000000);
        CHECK_STR(report.recipients[4].final, S("\"a  b\"@x"));
        CHECK_NUM(report.recipients[4].action, DSN_EXPANDED);
        for (size_t i = 0; i < out.n; i++)
            CHECK((unsigned char)buf_str(&out).p[i] < 0x80 || d.utf8 || whole);
        buf_free(&out);
        arena_clear(&a);
    }
}

static enum source_result unreadable(void *self, uint64_t offset, struct buf *into)
{
    (void)self;
    (void)offset;
    (void)into;
    return SOURCE_FAILED;
}

TEST(what_cannot_be_written)
{
    struct arena a;
    struct buf out;
    const char *why = "";
    struct str original = S("");
    arena_init(&a, 10000000);
    struct dsn_recipient failed = bob();
    struct dsn d = about(&a, &failed, 1, &original);
    buf_init(&out, 100);
    CHECK(!dsn_write(&d, &a, (struct sink){keep, &out}, &why));
    CHECK_STR(str_c(why), S("the notification cannot be written on"));
    d.original.read = unreadable;
    CHECK(!dsn_write(&d, &a, (struct sink){keep, &out}, &why));
    CHECK_STR(str_c(why), S("the original message cannot be read"));
    d.original.read = NULL;
    buf_free(&out);
    buf_init(&out, 100000);
    CHECK(dsn_write(&d, &a, (struct sink){keep, &out}, &why));
    CHECK_NUM(mime_parse(&a, buf_str(&out))->count, 3);
    struct dsn_report report;
    CHECK(!dsn_parse(&a, S("Subject: x\r\n\r\nno report"), &report));
    CHECK_STR(str_c(dsn_status_words(S("5.2.2"))), S("the mailbox is full"));
    CHECK_STR(str_c(dsn_status_words(S("4.9.9"))), S("something is wrong for the moment"));
    CHECK_STR(str_c(dsn_status_words(S(""))), S("no reason was given"));
    buf_free(&out);
    arena_clear(&a);
}
