// SPDX-License-Identifier: ISC
/* What a person sees: plain words on standard error, results on standard output, nothing that a terminal could be tricked with.
 */
#include <stdlib.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>
#include "agent/inside.h"
#include "base/clock.h"
#include "base/utf8.h"
#include "message/date.h"

static void printable(FILE *to, struct str s)
{
    struct buf b;
    buf_init(&b, s.n * 3 + 64);
    utf8_add_printable(&b, s);
    fwrite(b.p ? b.p + b.head : "", 1, b.n, to);
    buf_free(&b);
}

static void print_lines(FILE *to, struct str text, const char *before)
{
    while (text.n) {
        struct str line = str_cut(text, '\n', &text);
        fputs(before, to);
        printable(to, line);
        fputc('\n', to);
    }
}

int agent_fail(int status, const char *hint, const char *fmt, ...)
{
    char text[2048];
    struct buf b;
    va_list ap;
    buf_fixed(&b, text, sizeof text);
    va_start(ap, fmt);
    buf_vprintf(&b, fmt, ap);
    va_end(ap);
    fflush(stdout);
    fputs("penny: ", stderr);
    print_lines(stderr, b.full && b.n == 0 ? S("(a text too long to show)") : buf_str(&b), "");
    if (hint && *hint)
        print_lines(stderr, str_c(hint), "   → ");
    return status;
}

void agent_note(const struct agent *g, const char *fmt, ...)
{
    char text[2048];
    struct buf b;
    va_list ap;
    if (g->quiet)
        return;
    buf_fixed(&b, text, sizeof text);
    va_start(ap, fmt);
    buf_vprintf(&b, fmt, ap);
    va_end(ap);
    fflush(stdout);
    print_lines(stderr, buf_str(&b), "");
}

void agent_print(struct str s)
{
    printable(stdout, s);
}
void agent_print_raw(struct str s)
{
    fwrite(s.p, 1, s.n, stdout);
}
const char *agent_paint(const struct agent *g, const char *code)
{
    return g->color ? code : "";
}

size_t agent_width(void)
{
    struct winsize w;
    const char *columns = getenv("COLUMNS");
    uint64_t n = 0;
    if (columns && str_to_u64(str_c(columns), &n) && n >= 20 && n < 1000)
        return (size_t)n;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col >= 20)
        return w.ws_col;
    return isatty(STDOUT_FILENO) ? 80 : 200;
}

bool agent_ask(struct agent *g, const char *question)
{
    char answer[16] = "";
    if (g->yes)
        return true;
    if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO))
        return false;
    fprintf(stderr, "%s [y/N] ", question);
    if (!fgets(answer, sizeof answer, stdin))
        return false;
    return answer[0] == 'y' || answer[0] == 'Y' || answer[0] == 'j' || answer[0] == 'J';
}

struct str agent_text(struct arena *a, const char *fmt, ...)
{
    char text[4096];
    struct buf b;
    va_list ap;
    buf_fixed(&b, text, sizeof text);
    va_start(ap, fmt);
    buf_vprintf(&b, fmt, ap);
    va_end(ap);
    return arena_str(a, buf_str(&b));
}

const char *agent_c(struct arena *a, struct str s)
{
    const char *c = arena_str_c(a, s);
    if (!c)
        exit(agent_fail(IO_ERROR, NULL, "no memory"));
    return c;
}

struct str agent_size_text(struct arena *a, uint64_t octets)
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB"};
    double v = (double)octets;
    size_t u = 0;
    while (v >= 999.5 && u + 1 < countof(units)) {
        v /= 1000;
        u++;
    }
    return u == 0 || v >= 99.5 ? agent_text(a, "%.0f %s", v, units[u]) : agent_text(a, "%.1f %s", v, units[u]);
}

static bool local(int64_t unix_ms, struct tm *to)
{
    time_t t = (time_t)(unix_ms / 1000);
    return localtime_r(&t, to) != NULL;
}

struct str agent_age_text(struct arena *a, int64_t unix_ms)
{
    int64_t s = (clock_unix_ms() - unix_ms) / 1000;
    char text[40];
    struct tm t;
    if (s < 0 && s > -120)
        s = 0;
    if (s >= 0 && s < 60)
        return S("now");
    if (s >= 0 && s < 3600)
        return agent_text(a, "%lld min", (long long)(s / 60));
    if (s >= 0 && s < 86400)
        return agent_text(a, "%lld h", (long long)(s / 3600));
    if (s >= 0 && s < 7 * 86400)
        return agent_text(a, "%lld d", (long long)(s / 86400));
    if (!local(unix_ms, &t) || strftime(text, sizeof text, s >= 0 && s < 300 * 86400 ? "%e %b" : "%Y-%m-%d", &t) == 0)
        return S("?");
    return agent_text(a, "%s", text);
}

struct str agent_time_text(struct arena *a, int64_t unix_ms)
{
    char text[60];
    struct tm t;
    if (!local(unix_ms, &t) || strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &t) == 0)
        return S("?");
    return agent_text(a, "%s", text);
}

int64_t agent_time_of(struct str rfc3339)
{
    struct date d;
    return date_parse_loose(rfc3339, &d) ? d.unix_ms : 0;
}

void agent_pager_begin(struct agent *g)
{
    const char *pager = getenv("PAGER");
    if (!g->to_terminal || agent_has(g, OPTION_NO_PAGER) || g->json || (pager && (!*pager || strcmp(pager, "cat") == 0)))
        return;
    fflush(stdout);
    if (!getenv("LESS"))
        (void)!setenv("LESS", "FRX", 0);
    g->pager = popen(pager ? pager : "less", "w");
    if (g->pager && dup2(fileno(g->pager), STDOUT_FILENO) < 0) {
        pclose(g->pager);
        g->pager = NULL;
    }
}

void agent_pager_end(struct agent *g)
{
    if (!g->pager)
        return;
    fflush(stdout);
    close(STDOUT_FILENO);
    pclose(g->pager);
    g->pager = NULL;
}

int agent_flush(int status)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    return status ? status : agent_fail(IO_ERROR, "is the disk full, or the reader gone?", "the result cannot be written");
}
