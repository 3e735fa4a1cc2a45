/* SPDX-License-Identifier: ISC */
/* Passwords: from a terminal without echo, or one line of standard input. Never from the command line, where everybody can read
   them. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>
#include "os/fail.h"
#include "os/file.h"
#include "os/inside.h"

static enum outcome no(struct why *why, const char *text)
{
    why_text(why, text);
    return REFUSE;
}

/* Byte by byte, so that what stands behind the line stays for the next reader. */
static enum outcome read_line(int fd, struct buf *to, struct why *why)
{
    bool any = false;
    for (char c;;) {
        ssize_t n = OS_CALL(read(fd, &c, 1));
        if (n < 0)
            return no(why, errno == EINTR ? "interrupted" : "standard input cannot be read");
        any = any || n > 0;
        if (n == 0 || c == '\n')
            break;
        buf_add_byte(to, c);
    }
    struct str line = buf_str(to);
    if (line.n > 0 && line.p[line.n - 1] == '\r')
        to->n--;
    if (to->full)
        return no(why, "too long");
    return to->n > 0 ? DONE : no(why, any ? "empty" : "nothing was given");
}

static bool say(int fd, const char *text)
{
    return write(fd, text, strlen(text)) >= 0;
}

static volatile sig_atomic_t caught;

static void catch(int signal)
{
    caught = signal;
}

/* Signals that would end us end the question first, so that the terminal gets its echo back; then they are raised again. */
static const int ending[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
enum { ENDING = sizeof ending / sizeof *ending };

static enum outcome ask_terminal(int terminal, const char *prompt, struct buf *to, struct why *why)
{
    struct termios before, quiet;
    struct sigaction old[ENDING], handler = {.sa_handler = catch};
    sigset_t stop, mask;
    buf_clear(to);
    if (OS_CALL(tcgetattr(terminal, &before)) != 0)
        return no(why, "the terminal cannot be used");
    caught = 0;
    for (size_t i = 0; i < ENDING; i++)
        sigaction(ending[i], &handler, &old[i]);
    sigemptyset(&stop);
    sigaddset(&stop, SIGTSTP); /* a shell that is returned to would have no echo */
    sigprocmask(SIG_BLOCK, &stop, &mask);
    say(terminal, prompt);
    quiet = before;
    quiet.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK | ECHONL);
    enum outcome r = OS_CALL(tcsetattr(terminal, TCSAFLUSH, &quiet)) == 0 ? read_line(terminal, to, why)
                                                                          : no(why, "echo cannot be turned off");
    (void)tcsetattr(terminal, TCSAFLUSH, &before);
    say(terminal, "\n");
    sigprocmask(SIG_SETMASK, &mask, NULL);
    for (size_t i = 0; i < ENDING; i++)
        sigaction(ending[i], &old[i], NULL);
    if (caught)
        raise(caught);
    return r;
}

enum outcome file_read_secret(const char *prompt, bool twice, struct buf *to, struct why *why)
{
    char storage[1024];
    struct buf again;
    buf_clear(to);
    if (!file_is_terminal(STDIN_FILENO))
        return read_line(STDIN_FILENO, to, why);
    int terminal = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    if (terminal < 0)
        return no(why, "no terminal to ask on: give the password on standard input");
    enum outcome r = ask_terminal(terminal, prompt, to, why);
    if (r == DONE && twice) {
        buf_fixed(&again, storage, sizeof storage);
        r = ask_terminal(terminal, "Once more: ", &again, why);
        if (r == DONE && !str_eq(buf_str(to), buf_str(&again)))
            r = no(why, "the two are not the same");
        explicit_bzero(storage, sizeof storage);
    }
    close(terminal);
    return r;
}
