// SPDX-License-Identifier: ISC
/* The first octet says how (1, 2: TLS wish; 4: UTF8; 8: small pieces); the rest is what a server sends. */
#include <stdlib.h>
#include "base/check.h"
#include "base/random.h"
#include "pop3/client_inside.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pop3_client c;
    struct arena connection;
    struct buf out, body;
    uint8_t how = size > 0 ? data[0] : 0;
    struct pop3_client_settings settings = {.user = S("alice@demo.test"), .password = S("secret"), .tls = (enum pop3_client_tls)((how & 3) % 3),
                                            .utf8 = how & 4, .message_max = 1000};
    struct pop3_job jobs[] = {{.kind = POP3_JOB_RETR, .number = 1}, {.kind = POP3_JOB_TOP, .number = 2}, {.kind = POP3_JOB_DELE, .number = 1}};
    struct str input = size > 0 ? str_of(data + 1, size - 1) : STR_NONE;
    size_t have = 0, piece = how & 8 ? 1 : 4096;
    bool given = false, ended = false;
    arena_init(&connection, 1 << 20);
    buf_init(&out, 8192);
    buf_init(&body, 4096);
    random_seed(1); /* the same nonce: a SCRAM dialogue can be learned */
    c = (struct pop3_client){.settings = &settings, .connection = &connection, .body = &body};
    c.m.out = &out;
    check(pop3_client_init(&c));
    for (int turn = 0; turn < 200000 && !ended; turn++) {
        char *exact = malloc(have + 1);
        if (!exact)
            break;
        if (have > 0)
            memcpy(exact, input.p, have);
        c.m.in = str_of(exact, have);
        c.m.in_end = have == input.n;
        c.m.now_ms = turn + 1;
        enum next next = machine_run(&c.m);
        input = str_skip(input, have - c.m.in.n);
        have = c.m.in.n;
        free(exact);
        buf_consume(&out, out.n);
        buf_consume(&body, body.n);
        if (next == NEED_TLS)
            c.m.tls.active = c.m.tls.has_exporter = true;
        else if (next == WAIT && (c.m.wants & WANT_ANSWER)) {
            c.ask.jobs = jobs;
            c.ask.job_count = c.ask.kind == POP3_CLIENT_ASK_JOBS && !given ? 3 : c.ask.kind == POP3_CLIENT_ASK_JOBS ? 0 : c.ask.job_count;
            given = given || c.ask.kind == POP3_CLIENT_ASK_JOBS;
            c.m.answered = true;
        } else if (next == WAIT && !(c.m.wants & WANT_ROOM)) {
            have = have + piece < input.n ? have + piece : input.n;
        }
        ended = next == HANG_UP;
    }
    check(ended);
    pop3_client_clear(&c);
    arena_clear(&connection);
    buf_free(&out);
    buf_free(&body);
    random_seed(0);
    return 0;
}
