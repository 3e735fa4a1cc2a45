// SPDX-License-Identifier: ISC
/* What a reader would save, and under which name. A name from a stranger never gets to be a path. */
#include "base/utf8.h"
#include "message/compose.h"
#include "message/inside.h"
#include "message/mime.h"
#include <stdio.h>

enum { NAME_MAX_OCTETS = 200 };

static bool is_attached(const struct mime_part *p)
{
    return str_eq(p->disposition, S("attachment"));
}

static struct str given_name(const struct mime_part *p)
{
    struct str name = header_param(p->disposition_params, "filename");
    return name.n ? name : header_param(p->params, "name");
}

/* Is this one entry of the list? Its inside is then not looked at. */
static bool is_entry(const struct mime_part *p)
{
    if (p->depth == 0)
        return !p->child && (is_attached(p) || !mime_is(p, "text", NULL));
    if (mime_is(p, "message", NULL))
        return true;
    if (p->child)
        return false;
    if (is_attached(p) || given_name(p).n)
        return true;
    return !mime_is(p, "text", "plain") && !mime_is(p, "text", "html") && !mime_is(p, "multipart", NULL);
}

/* The next part in document order that is not inside p. */
static const struct mime_part *next_outside(const struct mime_part *p)
{
    while (p && !p->next)
        p = p->parent;
    return p ? p->next : NULL;
}

const struct mime_part **mime_attachments(struct arena *a, const struct mime *m, size_t *count)
{
    const struct mime_part **list = NULL;
    *count = 0;
    for (int pass = 0; pass < 2; pass++) {
        size_t n = 0;
        for (const struct mime_part *p = m->root; p;) {
            bool entry = is_entry(p);
            if (entry && list)
                list[n] = p;
            n += entry;
            p = entry ? next_outside(p) : mime_next(p);
        }
        if (n == 0 || pass == 1 || !(list = arena_array(a, n, sizeof(struct mime_part *))))
            break;
        *count = n;
    }
    return list;
}

/* Names that Windows keeps for devices; a saved attachment travels on. */
static bool is_device(struct str name)
{
    static const char *const devices[] = {"con", "prn", "aux", "nul"};
    struct str rest, stem = str_cut(name, '.', &rest);
    for (size_t i = 0; i < countof(devices); i++)
        if (str_eq_icase(stem, str_c(devices[i])))
            return true;
    return stem.n == 4 && (str_starts_icase(stem, S("com")) || str_starts_icase(stem, S("lpt"))) && ascii_is_digit(stem.p[3]);
}

/* Characters that turn text around or hide it: a name must read as what it is. */
static bool is_hidden(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
           (c >= 0x2060 && c <= 0x206f) || c == 0xfeff || c == 0xfffd;
}

/* Whole characters of s that fit into n octets. */
static struct str clip(struct str s, size_t n)
{
    if (s.n <= n)
        return s;
    while (n > 0 && ((unsigned char)s.p[n] & 0xc0) == 0x80)
        n--;
    return str_head(s, n);
}

static void add_safe(struct buf *to, struct str name)
{
    size_t slash = str_find_last(name, '/'), back;
    if (slash < name.n)
        name = str_skip(name, slash + 1);
    if ((back = str_find_last(name, '\\')) < name.n)
        name = str_skip(name, back + 1);
    for (size_t i = 0, n; i < name.n; i += n) {
        uint32_t c = utf8_next(str_skip(name, i), &n);
        if (is_hidden(c))
            continue;
        if (c < 0x80 && strchr(":*?\"<>|", (char)c))
            buf_add_byte(to, '_');
        else if (!(to->n == 0 && (c == '.' || c == ' ' || c == '-')))
            utf8_add(to, c);
    }
    while (to->n > 0 && (to->p[to->head + to->n - 1] == '.' || to->p[to->head + to->n - 1] == ' '))
        to->n--;
}

/* "part-2.1": where it stands in the tree. */
static void add_place(struct buf *to, const struct mime_part *p)
{
    uint32_t path[64];
    int n = 0;
    for (; p && p->parent && n < 64; p = p->parent)
        path[n++] = p->index;
    buf_add(to, S("part-"));
    if (n == 0)
        buf_add(to, S("1"));
    while (n-- > 0) {
        buf_add_u64(to, path[n]);
        if (n > 0)
            buf_add_byte(to, '.');
    }
}

static bool has_extension(struct str name)
{
    size_t dot = str_find_last(name, '.');
    for (size_t i = dot + 1; i < name.n; i++)
        if (!ascii_is_alnum(name.p[i]))
            return false;
    return dot < name.n && dot > 0 && name.n - dot >= 2 && name.n - dot <= 9;
}

struct str mime_file_name(struct arena *a, const struct mime_part *p)
{
    char storage[4096];
    struct buf b;
    buf_fixed(&b, storage, sizeof storage);
    add_safe(&b, clip(given_name(p), 1000));
    if (b.n == 0)
        add_place(&b, p);
    struct str name = buf_str(&b), tail = S("");
    size_t dot = has_extension(name) ? str_find_last(name, '.') : name.n;
    char extension[16] = "";
    if (dot < name.n) {
        tail = str_skip(name, dot);
        name = str_head(name, dot);
    } else if (compose_extension(p->type, p->subtype)) {
        snprintf(extension, sizeof extension, ".%s", compose_extension(p->type, p->subtype));
        tail = str_c(extension);
    }
    char whole[NAME_MAX_OCTETS + 40];
    struct buf w;
    buf_fixed(&w, whole, sizeof whole);
    if (is_device(name))
        buf_add_byte(&w, '_');
    buf_add(&w, clip(name, NAME_MAX_OCTETS - tail.n - 1));
    buf_add(&w, tail);
    struct str made = arena_str(a, buf_str(&w));
    return made.p ? made : S("attachment");
}
