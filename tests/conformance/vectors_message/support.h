// SPDX-License-Identifier: ISC
/* Public test vectors against src/message. Cases are counted by suite; a failing case is excused only by a line of
   excuses-message.txt that names it with the section of the RFC that says why; an excuse for a case that passes is a failure,
   too. */
#pragma once
#include "base/arena.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/str.h"
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

struct suite {
    const char *name;
    unsigned passed, failed, excused, number;
};

static const char *vectors; /* the folder */
static struct arena memory; /* of the suite that runs; cleared by suite_begin */
enum { FILE_MAX = 16 * 1024 * 1024, EXCUSES_MAX = 500 };

static struct arena lasting;
static unsigned failed_suites;
static struct {
    struct str suite;
    uint64_t number;
    bool used;
} excuses[EXCUSES_MAX];
static size_t excuse_count;

static struct str read_file(struct arena *a, const char *path)
{
    FILE *f = fopen(path, "rb");
    struct buf b;
    char piece[65536];
    size_t n;
    buf_init(&b, FILE_MAX);
    while (f && (n = fread(piece, 1, sizeof piece, f)) > 0)
        buf_add(&b, str_of(piece, n));
    if (f)
        fclose(f);
    else
        fprintf(stderr, "%s: cannot be read\n", path);
    struct str s = arena_str(a, buf_str(&b));
    buf_free(&b);
    return s.p ? s : S("");
}

static struct str read_vector_if_there(const char *path)
{
    char whole[4096];
    struct stat st;
    snprintf(whole, sizeof whole, "%s/%s", vectors, path);
    return stat(whole, &st) == 0 ? read_file(&memory, whole) : S("");
}

/* Whole file below the folder; empty with a message when it cannot be read. */
static struct str read_vector(const char *path)
{
    char whole[4096];
    if ((size_t)snprintf(whole, sizeof whole, "%s/%s", vectors, path) >= sizeof whole)
        return S("");
    return read_file(&memory, whole);
}

/* Lone surrogates, which JSON may escape and no text may hold, become U+FFFD. */
static struct str without_surrogates(struct str s)
{
    struct str copy = arena_str(&memory, s);
    char *p = (char *)(uintptr_t)copy.p;
    for (size_t i = 0; i + 6 <= copy.n; i++) {
        bool surrogate = p[i] == '\\' && p[i + 1] == 'u' && (p[i + 2] | 0x20) == 'd' && strchr("89abcdefABCDEF", p[i + 3]);
        bool paired = surrogate && strchr("89abAB", p[i + 3]) && i + 12 <= copy.n && p[i + 6] == '\\' && p[i + 7] == 'u' &&
                      (p[i + 8] | 0x20) == 'd' && strchr("cdefCDEF", p[i + 9]);
        if (surrogate && !paired)
            memcpy(p + i + 2, "fffd", 4);
        i += paired ? 11 : surrogate ? 5 : p[i] == '\\' ? 1 : 0;
    }
    return copy;
}

static const struct json *read_json(const char *path)
{
    const struct json *j = json_parse(&memory, without_surrogates(read_vector(path)));
    if (!j)
        fprintf(stderr, "%s: not JSON that can be read here\n", path);
    return j;
}

static struct str decimal(long long v)
{
    char text[32];
    snprintf(text, sizeof text, "%lld", v);
    return arena_str(&memory, str_c(text));
}

/* "suite number reason", # comments */
static void read_excuses(const char *path)
{
    struct str rest = read_file(&lasting, path);
    while (rest.n > 0 && excuse_count < EXCUSES_MAX) {
        struct str line = str_trim(str_cut(rest, '\n', &rest));
        if (line.n == 0 || line.p[0] == '#')
            continue;
        excuses[excuse_count].suite = str_word(&line);
        if (!str_to_u64(str_word(&line), &excuses[excuse_count].number) || str_find_str(line, S("RFC")) == line.n) {
            fprintf(stderr, "%s: an excuse needs a number and the section of an RFC: %.*s\n", path,
                    STR_ARG(excuses[excuse_count].suite));
            failed_suites++;
        }
        excuse_count++;
    }
}

static bool is_excused(const char *suite, unsigned number)
{
    for (size_t i = 0; i < excuse_count; i++)
        if (str_eq(excuses[i].suite, str_c(suite)) && excuses[i].number == number)
            return excuses[i].used = true;
    return false;
}

/* An excuse for a case that does not exist hides that the vectors changed. */
static void unused_excuses(void)
{
    for (size_t i = 0; i < excuse_count; i++)
        if (!excuses[i].used) {
            fprintf(stderr, "%.*s %llu: is excused but there is no such case\n", STR_ARG(excuses[i].suite),
                    (unsigned long long)excuses[i].number);
            failed_suites++;
        }
}

static void suite_begin(struct suite *s, const char *name)
{
    arena_clear(&memory);
    *s = (struct suite){.name = name};
}

static void show(const char *what, struct str s)
{
    fprintf(stderr, "    %s <", what);
    for (size_t i = 0; i < s.n && i < 300; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c < ' ' || c == 0x7f)
            fprintf(stderr, "\\x%02x", c);
        else
            fputc(c, stderr);
    }
    fprintf(stderr, ">\n");
}

/* One case; its number within the suite is its name for the excuses, text is for a person. */
static void suite_case(struct suite *s, bool good, struct str text, struct str got)
{
    bool excused = is_excused(s->name, ++s->number);
    if (!good && excused) {
        s->excused++;
    } else if (good && !excused) {
        s->passed++;
    } else {
        s->failed++;
        fprintf(stderr, "%s %u: %s\n", s->name, s->number, excused ? "is excused but passes" : "failed");
        show("case", text);
        show("got", got);
    }
}

static void suite_end(struct suite *s)
{
    printf("%-52s %8u %8u %8u\n", s->name, s->passed, s->failed, s->excused);
    failed_suites += s->failed > 0 || s->number == 0;
    if (s->number == 0)
        fprintf(stderr, "%s: no case was found\n", s->name);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

/* Calls each for every regular file below path whose name ends so, in order. */
static void each_file(const char *path, const char *ending, void (*each)(void *self, const char *path, struct str text),
                      void *self)
{
    char whole[8300], below[4096];
    struct dirent **list;
    snprintf(whole, sizeof whole, "%s/%s", vectors, path);
    int n = scandir(whole, &list, NULL, by_name);
    for (int i = 0; i < n; i++) {
        struct stat st;
        snprintf(below, sizeof below, "%s/%s", path, list[i]->d_name);
        snprintf(whole, sizeof whole, "%s/%s", vectors, below);
        bool hidden = list[i]->d_name[0] == '.';
        free(list[i]);
        if (hidden || stat(whole, &st) != 0)
            continue;
        if (S_ISDIR(st.st_mode)) {
            each_file(below, ending, each, self);
        } else if (str_ends(str_c(below), str_c(ending))) {
            struct arena a;
            arena_init(&a, FILE_MAX);
            each(self, below, read_file(&a, whole));
            arena_clear(&a);
        }
    }
    if (n >= 0)
        free(list);
}

static struct str text_of(const struct json *j)
{
    return j && j->kind == JSON_STR ? j->str : STR_NONE;
}
