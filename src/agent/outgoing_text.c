// SPDX-License-Identifier: ISC
/* The text of a message that is to be sent: from standard input, the editor, and a file of HTML. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>
#include "agent/outgoing.h"
#include "base/utf8.h"
#include "message/mime.h"

enum { TEXT_MAX = 128 << 20 };

static int read_file(struct agent *g, FILE *f, const char *name, struct str *to)
{
    struct buf b;
    buf_init(&b, TEXT_MAX);
    char *room;
    size_t n = 1;
    while (n && (room = buf_reserve(&b, 64 * 1024)))
        buf_wrote(&b, n = fread(room, 1, 64 * 1024, f));
    bool failed = ferror(f), large = n != 0;
    *to = arena_str(&g->a, buf_str(&b));
    buf_free(&b);
    if (failed)
        return agent_fail(IO_ERROR, NULL, "%s cannot be read: %s", name, strerror(errno));
    return large || !to->p ? agent_fail(BAD_DATA, "attach it instead: -a FILE", "%s is too long for the text of a message", name)
                           : -1;
}

/* Anything that is not UTF-8 is taken for windows-1252; NULs are no text. */
int outgoing_utf8(struct agent *g, const char *name, struct str *text)
{
    if (str_find(*text, '\0') < text->n)
        return agent_fail(BAD_DATA, "attach it instead: -a FILE", "%s is not text", name);
    if (utf8_is_valid(*text))
        return -1;
    struct charset_decoder d;
    struct buf b;
    struct str in = *text;
    buf_init(&b, TEXT_MAX * 2);
    (void)charset_decoder_init(&d, S("windows-1252"));
    charset_decode(&d, &in, &b);
    charset_decode_end(&d, &b);
    *text = arena_str(&g->a, buf_str(&b));
    buf_free(&b);
    return text->p ? -1 : agent_fail(IO_ERROR, NULL, "no memory");
}

/* On a terminal: the editor, if there is one. */
static int edit(struct agent *g, struct str *text)
{
    char path[] = "/tmp/penny-XXXXXX";
    const char *editor = getenv("VISUAL");
    if (!editor || !*editor)
        editor = getenv("EDITOR");
    if (!editor || !*editor) {
        fputs("Write the text; end it with Ctrl-D at the start of a line.\n", stderr);
        return read_file(g, stdin, "the text", text);
    }
    int fd = mkstemp(path);
    if (fd < 0)
        return agent_fail(CANNOT_CREATE, NULL, "no temporary file for the editor: %s", strerror(errno));
    close(fd);
    const char *line = agent_c(
        &g->a, agent_text(&g->a, "%s %s", editor, path)); /* the editor may be a command with arguments; the path is ours */
    int ended = system(line);
    FILE *f = ended == 0 ? fopen(path, "rb") : NULL;
    int status = f ? read_file(g, f, "the text", text) : agent_fail(INTERRUPTED, NULL, "the editor failed; nothing was sent");
    if (f)
        fclose(f);
    unlink(path);
    if (status < 0 && !str_trim(*text).n)
        status = agent_fail(INTERRUPTED, NULL, "the text is empty; nothing was sent");
    return status;
}

int outgoing_texts(struct agent *g, struct outgoing *o)
{
    const char *html = agent_option(g, OPTION_HTML);
    int status = isatty(STDIN_FILENO) ? edit(g, &o->c.text) : read_file(g, stdin, "standard input", &o->c.text);
    if (status < 0)
        status = outgoing_utf8(g, "the text", &o->c.text);
    if (status >= 0 || !html)
        return status;
    FILE *f = fopen(html, "rb");
    if (!f)
        return agent_fail(NO_INPUT, NULL, "%s: %s", html, strerror(errno));
    status = read_file(g, f, html, &o->c.html);
    fclose(f);
    return status >= 0 ? status : outgoing_utf8(g, html, &o->c.html);
}
