// SPDX-License-Identifier: ISC
/* The first octet names mechanism and channel; the rest are responses, separated by newlines ("-": no response). */
#include <sodium.h>
#include "base/check.h"
#include "base/random.h"
#include "login/inside.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct str names[] = {{"PLAIN", 5}, {"LOGIN", 5}, {"SCRAM-SHA-256", 13}, {"SCRAM-SHA-256-PLUS", 18}, {"SCRAM-SHA-1", 11}};
    struct login_server l;
    struct login_verifier v;
    char store[4096];
    struct buf challenge;
    uint8_t how = size > 0 ? data[0] : 0;
    struct tls_facts tls = {.active = how & 8, .has_exporter = how & 16};
    struct str input = size > 0 ? str_of(data + 1, size - 1) : STR_NONE;
    if (!login_server_init(&l, names[(how & 7) % 5], &tls, true))
        return 0;
    random_seed(1);
    login_fake_verifier(S("known"), &v); /* keys that nobody has the password for */
    for (int i = 0; i < 10; i++) {
        struct str line = str_cut(input, '\n', &input);
        buf_fixed(&challenge, store, sizeof store);
        enum login_step step = login_server_feed(&l, !str_eq(line, S("-")), line, &challenge);
        check(step != LOGIN_OK);
        if (step == LOGIN_NEED_VERIFIER) {
            check(memchr(l.user, '\0', sizeof l.user) != NULL && l.user[0] != '\0');
            step = login_server_verifier(&l, how & 32, &v, &challenge);
        }
        if (step != LOGIN_MORE) /* argon2 is not what is looked for here */
            break;
    }
    login_server_clear(&l);
    check(sodium_is_zero((const unsigned char *)l.password, sizeof l.password));
    random_seed(0);
    return 0;
}
