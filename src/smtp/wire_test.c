// SPDX-License-Identifier: ISC
/* Plays tests/wire/smtp/ *.t against the server machine, every way that base/transcript.h knows, with a fake host
   (fake_host.h). After the session's lines the file may say what was committed: lines "S: == message …", "S: <header and
   body>", "S: == outcome 1". Run from the top of the tree; PENNY_WIRE names another folder, PENNY_WIRE_ONLY one file. */
#include <dirent.h>
#include "base/clock.h"
#include "base/random.h"
#include "base/test.h"
#include "base/transcript.h"
#include "smtp/fake_host.h"

enum { SEEDS = 6 };

static struct machine *host_open(void *self, struct buf *out)
{
    random_seed(7);
    return fake_open(self, out);
}

static bool host_directive(void *self, struct str word, struct str text)
{
    struct fake_host *f = self;
    if (str_eq(word, S("SET")))
        return fake_set(f, text);
    if (str_eq(word, S("ANSWER")))
        return fake_rule(f, text);
    if (str_eq(word, S("FORGET"))) {
        f->rule_count = 0;
        return true;
    }
    return false;
}

static void host_answer(void *self)
{
    fake_answer(self);
}

static void host_ran(void *self, bool tiny)
{
    fake_ran(self, tiny);
}

static void host_close(void *self, struct buf *result)
{
    struct fake_host *f = self;
    buf_add(result, buf_str(&f->log));
    fake_close(f);
    fake_settings(f);
}

static char *read_file(const char *path, size_t *n)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        return NULL;
    fseek(file, 0, SEEK_END);
    long size = ftell(file);
    rewind(file);
    char *p = malloc((size_t)size + 1);
    *n = p ? fread(p, 1, (size_t)size, file) : 0;
    fclose(file);
    return p;
}

static bool play_file(const char *path)
{
    static struct fake_host f;
    char error[4096] = "";
    size_t n = 0;
    char *text = read_file(path, &n);
    struct arena a;
    struct transcript t;
    arena_init(&a, 8 << 20);
    fake_settings(&f);
    struct transcript_host h = {.self = &f,
                                .peer = 'C',
                                .out_min = SMTP_SERVER_OUT_MIN,
                                .open = host_open,
                                .directive = host_directive,
                                .answer = host_answer,
                                .ran = host_ran,
                                .close = host_close};
    bool ok = text && transcript_parse(&a, path, str_of(text, n), &t, error, sizeof error) &&
              transcript_play_all(&t, &h, SEEDS, error, sizeof error);
    if (!ok)
        test_fail(path, 0, "%s", error[0] ? error : "cannot be read");
    arena_clear(&a);
    free(text);
    return ok;
}

TEST(transcripts)
{
    const char *dir = getenv("PENNY_WIRE") ? getenv("PENNY_WIRE") : "tests/wire/smtp", *only = getenv("PENNY_WIRE_ONLY");
    DIR *d = opendir(dir);
    struct dirent *e;
    char path[512];
    unsigned played = 0;
    CHECK(d != NULL);
    while (d && (e = readdir(d))) {
        if (!str_ends(str_c(e->d_name), S(".t")) || (only && !strstr(e->d_name, only)))
            continue;
        snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
        CHECK(play_file(path));
        played++;
    }
    CHECK(played > 0);
    if (d)
        closedir(d);
}
