// SPDX-License-Identifier: ISC
/* The configuration as files: config itself never opens one. */
#include <glob.h>
#include "agent/inside.h"
#include "os/file.h"

struct reader {
    glob_t found;
    bool open;
    char pattern[1024];
};

/* Relative names are looked up beside the file that includes them. */
static bool whole_pattern(struct str from, struct str pattern, char *to, size_t size)
{
    struct buf b;
    size_t slash = str_find_last(from, '/');
    buf_fixed(&b, to, size - 1);
    if (pattern.n && pattern.p[0] != '/' && slash < from.n)
        buf_add(&b, str_head(from, slash + 1));
    buf_add(&b, pattern);
    to[b.n] = 0;
    return !b.full && str_find(pattern, '\0') == pattern.n;
}

static enum config_read read_next(void *self, struct arena *a, struct str from, struct str pattern, uint32_t index,
                                  struct str *path, struct str *text, struct str *why_text)
{
    struct reader *r = self;
    struct why why = {"", ""};
    struct buf b;
    if (index == 0) {
        if (r->open)
            globfree(&r->found);
        r->open = false;
        if (!whole_pattern(from, pattern, r->pattern, sizeof r->pattern)) {
            *why_text = S("the name is too long");
            return CONFIG_READ_FAILED;
        }
        if (glob(r->pattern, 0, NULL, &r->found) != 0)
            return CONFIG_READ_NONE;
        r->open = true;
    }
    if (!r->open || index >= r->found.gl_pathc)
        return CONFIG_READ_NONE;
    *path = arena_str(a, str_c(r->found.gl_pathv[index]));
    buf_init(&b, CONFIG_FILE_MAX + 1);
    enum config_read result = CONFIG_READ_FILE;
    if (file_read(r->found.gl_pathv[index], CONFIG_FILE_MAX, &b, &why) != DONE) {
        *why_text = arena_str(a, str_c(why.text));
        result = CONFIG_READ_FAILED;
    } else {
        *text = arena_str(a, buf_str(&b));
        if (!text->p) {
            *why_text = S("no memory");
            result = CONFIG_READ_FAILED;
        }
    }
    buf_free(&b);
    return result;
}

const struct config *agent_config_read(struct arena *a, const char *path, struct buf *errors, bool color, int *status)
{
    struct reader r = {.open = false};
    struct config_reader reader = {&r, read_next};
    struct why why = {"", ""};
    struct buf text;
    buf_init(&text, CONFIG_FILE_MAX + 1);
    if (file_read(path, CONFIG_FILE_MAX, &text, &why) != DONE) {
        buf_free(&text);
        *status = agent_fail(NO_INPUT, "name it with -c FILE or PENNY_CONFIG; without any file the defaults hold",
                             "the configuration cannot be read: %s", why.text);
        return NULL;
    }
    const struct config *c = config_load(a, arena_str(a, str_c(path)), arena_str(a, buf_str(&text)), &reader, errors, color);
    buf_free(&text);
    if (r.open)
        globfree(&r.found);
    *status = BAD_CONFIG;
    return c;
}
