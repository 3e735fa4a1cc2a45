// SPDX-License-Identifier: ISC
/* Random and mutated sessions against both machines (drive.h holds what must be true of each). COUNT=100000 for the long run,
   SEED for another one; a failing run names its number, which repeats it: SEED=… FIRST=number COUNT=1. */
#include "base/facts.h"
#include "base/test.h"
#include "smtp/drive.h"

static uint64_t dice;

static uint32_t roll(uint32_t limit)
{
    dice = dice * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(dice >> 33) % limit;
}

static const char *const client_lines[] = {
    "EHLO a.example\r\n", "EHLO a.example\r\n", "LHLO a.example\r\n", "LHLO a.example\r\n", "HELO a.example\r\n",
    "MAIL FROM:<alice@demo.test>\r\n", "MAIL FROM:<alice@demo.test>\r\n",
    "MAIL FROM:<> SIZE=50 BODY=8BITMIME\r\n", "MAIL FROM:<a@b.example> SMTPUTF8 RET=HDRS ENVID=x\r\n",
    "MAIL FROM:<a@b.example> BODY=BINARYMIME\r\n",
    "RCPT TO:<bob@demo.test>\r\n", "RCPT TO:<bob@demo.test>\r\n",
    "RCPT TO:<c@d.example> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;c@d\r\n", "RCPT TO:<@x,@y:\"q z\"@[1.2.3.4]>\r\n",
    "RCPT TO:<postmaster>\r\n", "DATA\r\n", "DATA\r\n", "DATA\r\n", "From: a@b.example\r\nSubject: x\r\n\r\nhello\r\n.\r\n",
    "From: a@b\r\nBcc: x\r\n y\r\n\r\n..\r\n.\r\n", ".\r\n", "\r\n.\r\n",
    "Received: a\r\nReceived: b\r\n", "text\nwith\rbare\r\n", "BDAT 5\r\nA: b\n", "BDAT 10 LAST\r\nA: b\r\n\r\nx\n",
    "BDAT 0 LAST\r\n", "BDAT 70\r\n", "BDAT 99999999999999999999\r\n", "BDAT x\r\n",
    "RSET\r\n", "NOOP\r\n", "QUIT\r\n", "VRFY bob\r\n", "EXPN list SMTPUTF8\r\n", "HELP\r\n", "HELP MAIL\r\n", "STARTTLS\r\n",
    "AUTH PLAIN AGFsaWNlQGRlbW8udGVzdABzZWNyZXQ=\r\n",
    "AUTH PLAIN\r\n", "AGFsaWNlQGRlbW8udGVzdABzZWNyZXQ=\r\n", "AUTH LOGIN\r\n", "YWxpY2U=\r\n", "c2VjcmV0\r\n", "*\r\n",
    "AUTH SCRAM-SHA-1 =\r\n", "FROP\r\n", "POST / HTTP/1.1\r\n", "\r\n", " \r\n",
    "MAIL FROM:<a@b.example> REQUIRETLS\r\n", "MAIL FROM:<alice@demo.test> MT-PRIORITY=5\r\n", "MAIL FROM:<> MT-PRIORITY=-9\r\n",
};
static const char *const server_lines[] = {
    "220 mail.test ESMTP\r\n",
    "220 mail.test ESMTP\r\n",
    "250-mail.test\r\n250-PIPELINING\r\n250-SIZE 1000\r\n250-8BITMIME\r\n250-DSN\r\n250-MT-PRIORITY\r\n250 SMTPUTF8\r\n",
    "250-mail.test\r\n250-PIPELINING\r\n250-CHUNKING\r\n250-BINARYMIME\r\n250-REQUIRETLS\r\n250-AUTH PLAIN LOGIN SCRAM-SHA-256\r\n250 STARTTLS\r\n",
    "250 ok\r\n",
    "250 2.1.5 ok\r\n",
    "250 ok\r\n",
    "250 ok\r\n",
    "250-two\r\n250 lines\r\n",
    "354 go\r\n",
    "354 go\r\n",
    "334 \r\n",
    "334 VXNlciBOYW1l\r\n",
    "235 2.7.0 ok\r\n",
    "235 ok\r\n",
    "451 4.3.0 later\r\n",
    "550 5.1.1 no\r\n",
    "552 too many\r\n",
    "554 no\r\n",
    "421 4.3.2 bye\r\n",
    "500 what\r\n",
    "221 bye\r\n",
    "220 go ahead\r\n",
    "HTTP/1.1 200 OK\r\n",
    "250",
    "\n",
    "2\r\n",
    "999 x\r\n",
};

static size_t make_session(uint8_t *to, size_t max, bool server)
{
    size_t n = 0;
    for (; n < DRIVE_HEAD; n++)
        to[n] = (uint8_t)roll(256);
    const char *const *lines = server ? client_lines : server_lines;
    uint32_t count = (uint32_t)(server ? countof(client_lines) : countof(server_lines)), wanted = 1 + roll(40);
    bool orderly = roll(2);
    for (uint32_t i = 0; i < wanted; i++) {
        /* orderly: an outline that gets far, chance in between */
        static const uint8_t outline[] = {0, 5, 10, 15, 18, 5, 11, 12, 24, 25, 30, 6, 14, 16, 19, 32},
                             greeting[] = {0, 3, 4, 4, 4, 9, 4, 4, 4, 5, 9, 4};
        bool follow = orderly && roll(6) && i < (server ? countof(outline) : countof(greeting));
        const char *line = follow ? lines[server ? outline[i] : greeting[i]] : lines[roll(count)];
        if (follow && server && i == 0 && to[0] % 3 == 2)
            line = lines[2]; /* LMTP */
        size_t len = strlen(line);
        if (n + len > max)
            break;
        memcpy(to + n, line, len);
        n += len;
    }
    for (uint32_t mutations = roll(3) ? 0 : 1 + roll(6); mutations && n > DRIVE_HEAD; mutations--) {
        size_t at = DRIVE_HEAD + roll((uint32_t)(n - DRIVE_HEAD));
        switch (roll(4)) {
        case 0: to[at] = (uint8_t)roll(256); break;
        case 1: to[at] = (uint8_t)"\r\n.\0 <>@="[roll(9)]; break;
        case 2: memmove(to + at, to + at + 1, n - at - 1); n--; break;
        default: n = at; break;
        }
    }
    return n;
}

static uint64_t number(const char *name, uint64_t otherwise)
{
    uint64_t n;
    return getenv(name) && str_to_u64(str_c(getenv(name)), &n) ? n : otherwise;
}

static bool no_facts(void *to, struct str line)
{
    (void)to;
    (void)line;
    return true;
}

static void play(bool server)
{
    uint8_t input[8192];
    uint64_t count = number("COUNT", 20000), first = number("FIRST", 0), seed = number("SEED", 1), replies = 0, commits = 0;
    fact_sink(no_facts, NULL);
    for (uint64_t i = first; i < first + count; i++) {
        dice = (seed << 40) ^ (i * 2654435761u) ^ 88172645463325252u;
        roll(2);
        size_t n = make_session(input, sizeof input, server);
        uint8_t *exact = malloc(n);
        if (!exact)
            abort();
        memcpy(exact, input, n);
        if (getenv("VERBOSE"))
            fprintf(stderr, "session %llu\n", (unsigned long long)i);
        struct drive d = server ? drive_server(exact, n) : drive_client(exact, n);
        replies += d.replies;
        commits += d.commits;
        free(exact);
    }
    printf("  %llu sessions against the %s: %llu replies, %llu messages\n", (unsigned long long)count,
           server ? "server" : "client", (unsigned long long)replies, (unsigned long long)commits);
    /* a generator that reaches nothing would prove nothing */
    CHECK(count < 1000 || !server || (replies > count * 3 && commits > count / 20));
    CHECK(count < 1000 || server || commits > count / 20);
}

TEST(server)
{
    play(true);
}

TEST(client)
{
    play(false);
}
