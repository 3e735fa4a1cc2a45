/* SPDX-License-Identifier: ISC */
/* Unit tests: TEST(name) { CHECK(…); }, one binary per x_test.c. Every CHECK counts; a test without one fails, so that nothing is green by saying nothing. */
#pragma once
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/str.h"

struct test { const char *name; void (*run)(void); struct test *next; };
static struct test *test_first, **test_last = &test_first;
static unsigned long test_checks, test_failures;

#define TEST(test_name)                                                                                        \
    static void test_##test_name(void);                                                                        \
    __attribute__((constructor)) static void test_register_##test_name(void)                                   \
    {                                                                                                          \
        static struct test t = {#test_name, test_##test_name, NULL};                                           \
        *test_last = &t;                                                                                       \
        test_last = &t.next;                                                                                   \
    }                                                                                                          \
    static void test_##test_name(void)

#define CHECK(cond) (test_checks++, (cond) ? (void)0 : test_fail(__FILE__, __LINE__, "%s", #cond))
#define CHECK_STR(got, want) test_str(__FILE__, __LINE__, (got), (want))
#define CHECK_NUM(got, want) test_num(__FILE__, __LINE__, (long long)(got), (long long)(want))

__attribute__((format(printf, 3, 4))) static inline void test_fail(const char *file, int line, const char *fmt, ...)
{
    va_list ap;
    test_failures++;
    fprintf(stderr, "%s:%d: ", file, line);
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputc('\n', stderr);
}
static inline void test_str(const char *file, int line, struct str got, struct str want)
{
    test_checks++;
    if (!str_eq(got, want))
        test_fail(file, line, "got  <%.*s>\n   wanted <%.*s>", STR_ARG(got), STR_ARG(want));
}
static inline void test_num(const char *file, int line, long long got, long long want)
{
    test_checks++;
    if (got != want)
        test_fail(file, line, "got %lld, wanted %lld", got, want);
}

int main(int argc, char **argv)
{
    unsigned long run = 0;
    for (struct test *t = test_first; t; t = t->next) {
        if (argc > 1 && !strstr(t->name, argv[1]))
            continue;
        unsigned long before = test_checks;
        t->run();
        run++;
        if (test_checks == before)
            test_fail(t->name, 0, "checks nothing");
    }
    printf("%-40s %lu tests, %lu checks, %lu failures\n", argv[0], run, test_checks, test_failures);
    return test_failures != 0 || run == 0;
}
