// SPDX-License-Identifier: ISC
/* The first octet chooses what is offered; the rest are a server's challenges, separated by newlines. */
#include "base/check.h"
#include "base/random.h"
#include "login/login.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct str offers[] = {{"SCRAM-SHA-256-PLUS", 18}, {"SCRAM-SHA-256", 13}, {"SCRAM-SHA-1", 11}, {"LOGIN", 5}, {"PLAIN", 5}};
    struct arena a;
    struct buf response;
    char store[4096];
    uint8_t how = size > 0 ? data[0] : 0;
    struct tls_facts tls = {.active = true, .has_exporter = true};
    struct str input = size > 0 ? str_of(data + 1, size - 1) : STR_NONE;
    arena_init(&a, 65536);
    random_seed(1);
    struct login_client *c = login_client_new(&a, offers[how % 5], S("user"), S("pencil"), &tls, true);
    bool go = c && login_client_step(c, true, STR_NONE, (buf_fixed(&response, store, sizeof store), &response));
    for (int i = 0; i < 5 && go; i++) {
        buf_fixed(&response, store, sizeof store);
        go = login_client_step(c, false, str_cut(input, '\n', &input), &response);
        check(!(how % 5 < 3 && login_client_done(c) && i == 0)); /* SCRAM is never done by one challenge */
    }
    login_client_clear(c);
    arena_clear(&a);
    random_seed(0);
    return 0;
}
