/* SPDX-License-Identifier: ISC */
#include "store/table.h"
#include <stdio.h>
#include "base/test.h"

enum { N = 3000 };
static char keys[N][16];

TEST(put_get_remove)
{
    struct table t = {0};
    CHECK(table_get(&t, S("x")) == NULL && table_remove(&t, S("x")) == NULL);
    for (int i = 0; i < N; i++) {
        snprintf(keys[i], sizeof keys[i], "key %d", i);
        CHECK(table_put(&t, str_c(keys[i]), keys[i]));
    }
    CHECK_NUM(t.count, N);
    CHECK(table_put(&t, str_c(keys[5]), keys[6]) && table_get(&t, str_c(keys[5])) == keys[6]); /* replaces */
    CHECK(table_put(&t, str_c(keys[5]), keys[5]));
    CHECK_NUM(t.count, N);
    for (int i = 0; i < N; i += 3)
        CHECK(table_remove(&t, str_c(keys[i])) == keys[i]);
    for (int i = 0; i < N; i++)
        CHECK(table_get(&t, str_c(keys[i])) == (i % 3 == 0 ? NULL : keys[i]));
    size_t at = 0, n = 0;
    while (table_next(&t, &at))
        n++;
    CHECK_NUM(n, t.count);
    CHECK_NUM(n, N - N / 3);
    table_free(&t);
}
