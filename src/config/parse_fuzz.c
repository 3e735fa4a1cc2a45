// SPDX-License-Identifier: ISC
#include <stdlib.h>
#include "base/check.h"
#include "config/inside.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct includes {
    struct str text;
};

static enum config_read read_file(void *self, struct arena *a, struct str from, struct str pattern, uint32_t index,
                                  struct str *path, struct str *text, struct str *why)
{
    struct includes *i = self;
    (void)a, (void)from, (void)why;
    if (index >= pattern.n % 3)
        return CONFIG_READ_NONE;
    *path = pattern;
    *text = str_skip(i->text, pattern.n);
    return CONFIG_READ_FILE;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a;
    struct buf errors, shown;
    struct includes i = {str_of(data, size)};
    struct config_reader r = {&i, read_file};
    arena_init(&a, CONFIG_ARENA);
    buf_init(&errors, CONFIG_ERRORS_MAX);
    buf_init(&shown, 4 << 20);
    const struct config *c = config_load(&a, S("fuzz.conf"), i.text, size && data[0] % 2 ? &r : NULL, &errors, size & 1);
    check(c || errors.n);
    if (c) {
        config_show(c, STR_NONE, &shown);
        config_show_json(c, &shown);
    }
    buf_free(&errors);
    buf_free(&shown);
    arena_clear(&a);
    return 0;
}
