// SPDX-License-Identifier: ISC
/* penny save N…: attachments into files, byte for byte, under safe names; a file that is there is never touched. */
#include <errno.h>
#include "agent/parts.h"

enum { TRIES = 1000, PIECE = 64 * 1024 };

struct saving {
    const char *folder;
    uint32_t part;
    unsigned saved;
    int status;
};

/* "Film.avi" → "Film-2.avi" … until a file could be made that was not there. */
static FILE *create(struct agent *g, const char *folder, struct str name, const char **path)
{
    size_t dot = str_find_last(name, '.');
    if (dot == 0 || dot == name.n)
        dot = name.n;
    for (unsigned i = 1; i <= TRIES; i++) {
        *path = agent_c(
            &g->a, i == 1 ? agent_text(&g->a, "%s/%.*s", folder, STR_ARG(name))
                          : agent_text(&g->a, "%s/%.*s-%u%.*s", folder, (int)dot, name.p, i, (int)(name.n - dot), name.p + dot));
        FILE *f = fopen(*path, "wbx");
        if (f || errno != EEXIST)
            return f;
    }
    return NULL;
}

static bool write_part(FILE *f, const struct mime *mime, const struct mime_part *p)
{
    struct mime_decoder d;
    struct str in = mime_body(mime, p);
    struct buf piece;
    bool ok = true;
    mime_decoder_init(&d, p->encoding);
    buf_init(&piece, PIECE);
    while (in.n && ok) {
        size_t before = in.n;
        mime_decode(&d, &in, &piece);
        ok = fwrite(piece.p ? piece.p + piece.head : "", 1, piece.n, f) == piece.n && (in.n < before || piece.n);
        buf_clear(&piece);
    }
    mime_decode_end(&d, &piece);
    ok = ok && fwrite(piece.p ? piece.p + piece.head : "", 1, piece.n, f) == piece.n;
    buf_free(&piece);
    return fclose(f) == 0 && ok;
}

static void save_one(struct agent *g, struct saving *x, const struct box_message *m, const struct mime *mime,
                     const struct mime_part *p)
{
    const char *path;
    struct str name = mime_file_name(&g->a, p);
    if (g->dry_run) {
        agent_print(name);
        putchar('\n');
        x->saved++;
        return;
    }
    FILE *f = create(g, x->folder, name, &path);
    if (!f) {
        x->status = agent_fail(CANNOT_CREATE, NULL, "%s cannot be made: %s", path, strerror(errno));
        return;
    }
    if (!write_part(f, mime, p)) {
        x->status = agent_fail(IO_ERROR, NULL, "%s cannot be written: %s", path, strerror(errno));
        (void)remove(path);
        return;
    }
    x->saved++;
    if (g->json) {
        struct buf b;
        struct json_writer w;
        buf_init(&b, 16 * 1024);
        json_begin(&w, &b);
        json_object(&w, NULL);
        json_num(&w, "v", 1);
        json_num(&w, "number", m->number);
        json_str(&w, "file", str_c(path));
        json_num(&w, "size", (int64_t)mime_part_size(mime, p));
        json_end(&w);
        agent_print_raw(buf_str(&b));
        buf_free(&b);
    } else {
        agent_print(str_c(path));
    }
    putchar('\n');
}

static bool each(struct agent *g, void *self, const struct box_message *m, struct str content)
{
    struct saving *x = self;
    size_t count = 0;
    const struct mime *mime = mime_parse(&g->a, content);
    const struct mime_part **parts = mime ? mime_attachments(&g->a, mime, &count) : NULL;
    if (count == 0)
        agent_note(g, "message %u has no attachments", m->number);
    for (size_t i = 0; i < count && x->status == DONE_OK; i++)
        if (!x->part || x->part == i + 1)
            save_one(g, x, m, mime, parts[i]);
    return x->status == DONE_OK;
}

int agent_do_save(struct agent *g)
{
    struct choice c = {.count = 0};
    struct saving x = {.folder = agent_option(g, OPTION_OUT), .status = DONE_OK};
    struct box_work w = {.choice = &c, .whole = true, .each = each, .self = &x};
    const char *part = agent_option(g, OPTION_PART);
    uint64_t n = 0;
    int status = box_choice(g, &c);
    if (status >= 0)
        return status;
    if (part && (!str_to_u64(str_c(part), &n) || n < 1 || n > 100000))
        return agent_fail(BAD_USAGE, NULL, "--part takes a number, not '%s'", part);
    x.part = (uint32_t)n;
    x.folder = x.folder ? x.folder : ".";
    status = box_run(g, &w);
    if (status < 0 && x.status == DONE_OK && !x.saved)
        return ANSWER_NO;
    return agent_flush(status >= 0 ? status : x.status);
}
