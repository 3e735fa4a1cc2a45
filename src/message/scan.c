// SPDX-License-Identifier: ISC
/* The stream of a message's parts. Everything turns on lines: a delimiter can only stand at the start of one, and the line end
   before it is its own.

       in a header:     each line goes to header_scan; its end decides what the entity is: a leaf, a multipart, a message inside
       in a body:       text of a line goes out at once; its line end is held (pend) until the next line is known to be
                        no delimiter
       at a line start: (with an open multipart) octets are held while they are the start of a delimiter line
           "--b"        closes all inside, begins a part
           "--b--"      closes all inside, what follows is epilogue */
#include "message/scan.h"
#include "base/check.h"
#include "message/inside.h"

static void begin_entity(struct mime_scan *s)
{
    bool digest = s->depth > 0 && s->open[s->depth - 1].kind == SCAN_MULTIPART && s->open[s->depth - 1].digest;
    check(s->depth < countof(s->open));
    s->open[s->depth++] = (struct scan_entity){.in_header = true, .digest = digest};
    s->parts++;
    header_scan_init(&s->header);
    buf_clear(&s->captured);
    s->header.capture = HEADER_CONTENT_TYPE | HEADER_CONTENT_TRANSFER_ENCODING;
    s->header.captured = &s->captured;
    s->line_start = true;
    if (s->watch.begin)
        s->watch.begin(s->watch.self, s->offset);
}

void scan_init(struct mime_scan *s, const struct scan_watch *watch)
{
    memset(s, 0, offsetof(struct mime_scan, capture_storage));
    s->watch = *watch;
    buf_fixed(&s->captured, s->capture_storage, sizeof s->capture_storage);
    buf_fixed(&s->passed, s->pass_storage, sizeof s->pass_storage);
    arena_init(&s->scratch, 1024 * 1024);
    begin_entity(s);
}

/* The header of the innermost entity is over. */
static void header_over(struct mime_scan *s)
{
    struct scan_entity *e = &s->open[s->depth - 1];
    struct scan_facts f = {0};
    e->in_header = false;
    scan_read_facts(s, e, &f);
    s->flaws |= f.flaws;
    if (s->watch.headed)
        s->watch.headed(s->watch.self, s->offset, &f);
    if (f.kind == SCAN_MESSAGE)
        begin_entity(s);
}

static void report(struct mime_scan *s, void (*what)(void *, struct str), struct str bytes)
{
    if (what && bytes.n)
        what(s->watch.self, bytes);
    s->offset += bytes.n;
}

static void body_text(struct mime_scan *s, struct str bytes);

/* Bytes of a header, at most to the end of a line. What turns out to be no header is text of the entity (or, in a digest, of the
   message in it: the call comes back here once more, never deeper, since that one's header may not be missing twice). */
static void head_text(struct mime_scan *s, struct str bytes, bool last)
{
    char rest[1024 + HEADER_NAME_HOLD];
    do {
        struct str piece = str_head(bytes, 1024);
        uint64_t before = s->header.size - s->header.held; /* reported so far */
        buf_clear(&s->passed);
        header_scan_feed(&s->header, piece, &s->passed);
        bytes = str_skip(bytes, piece.n);
        if (last && bytes.n == 0)
            header_scan_end(&s->header, &s->passed);
        struct str out = buf_str(&s->passed);
        size_t n = out.n;
        if (s->header.ended)
            n = s->header.no_header ? 0 : (size_t)(s->header.size - before);
        report(s, s->watch.header, str_head(out, n));
        if (s->header.ended) {
            size_t rest_n = out.n - n;
            memcpy(rest, out.p + n, rest_n); /* the buffer serves the entity inside, too */
            header_over(s);
            if (rest_n && s->open[s->depth - 1].in_header)
                head_text(s, str_of(rest, rest_n), false);
            else if (rest_n)
                body_text(s, str_of(rest, rest_n));
            if (bytes.n && s->open[s->depth - 1].in_header)
                continue;
            if (bytes.n)
                body_text(s, bytes);
            return;
        }
    } while (bytes.n > 0);
}

static void content(struct mime_scan *s, struct str bytes)
{
    report(s, s->open[s->depth - 1].kind == SCAN_LEAF ? s->watch.body : s->watch.glue, bytes);
}

static void release_pend(struct mime_scan *s)
{
    struct str pend = str_of(s->pend, s->pend_n);
    s->pend_n = 0;
    content(s, pend);
}

/* Text of a body or of glue up to a line end behind which a delimiter may stand, or to the end of bytes; the line end stays in
 * pend. */
static void body_text(struct mime_scan *s, struct str bytes)
{
    if (s->multiparts == 0) {
        content(s, bytes);
        return;
    }
    if (s->pend_n == 1 && bytes.n > 0) { /* a CR at the end of the last piece */
        if (bytes.p[0] == '\n') {
            s->pend[s->pend_n++] = '\n';
            s->line_start = true;
            check(bytes.n == 1);
            return;
        }
        release_pend(s);
    }
    bool line = bytes.n > 0 && bytes.p[bytes.n - 1] == '\n';
    size_t end = bytes.n - (line ? 1 : 0);
    size_t cr = end > 0 && bytes.p[end - 1] == '\r';
    content(s, str_head(bytes, end - cr));
    memcpy(s->pend, bytes.p + end - cr, bytes.n - end + cr);
    s->pend_n = (uint32_t)(bytes.n - end + cr);
    s->line_start = line;
}

/* How much of bytes the next step may take: a header line; a body up to a line end that something like a delimiter follows. */
static size_t stretch(const struct mime_scan *s, struct str bytes)
{
    const char *lf = memchr(bytes.p, '\n', bytes.n);
    bool lines = !s->open[s->depth - 1].in_header && s->pend_n != 1;
    if (s->multiparts == 0 && !s->open[s->depth - 1].in_header)
        return bytes.n;
    while (lf && lines && lf + 1 < bytes.p + bytes.n && lf[1] != '-')
        lf = memchr(lf + 1, '\n', (size_t)(bytes.p + bytes.n - lf - 1));
    return lf ? (size_t)(lf - bytes.p) + 1 : bytes.n;
}

/* ---- delimiters ---- */

enum verdict { NO, MAYBE, OPENS, CLOSES };

/* What the octet at place k of a line says about this entity's delimiter, when all before fitted. */
static enum verdict compare(const struct scan_entity *e, uint32_t k, char c)
{
    uint32_t full = e->boundary_n + 2;
    if (k < full)
        return c == (k < 2 ? '-' : e->boundary[k - 2]) ? MAYBE : NO;
    if (k == full)
        return is_fws(c) ? OPENS : c == '-' ? MAYBE : NO;
    if (k == full + 1)
        return c == '-' ? MAYBE : NO;
    return is_fws(c) ? CLOSES : NO;
}

/* The next octet of a line start. The innermost entity wins whose delimiter it is; a longer delimiter that the line may still
 * become is waited for. */
static enum verdict judge(struct mime_scan *s, char c, uint32_t *level)
{
    enum verdict found = s->hold_n == 0 ? NO : (enum verdict)s->found; /* by a shorter delimiter, some octets ago */
    uint64_t alive = 0;
    *level = s->found_level;
    for (uint32_t i = s->depth; i-- > 0;) {
        const struct scan_entity *e = &s->open[i];
        bool fits = s->hold_n == 0 ? e->kind == SCAN_MULTIPART && !e->closed : (s->alive >> i & 1) != 0;
        enum verdict v = fits ? compare(e, s->hold_n, c) : NO;
        if (v == MAYBE)
            alive |= (uint64_t)1 << i;
        else if (found == NO && v != NO) {
            found = v;
            *level = i;
        }
    }
    s->alive = alive;
    s->found = (uint32_t)found;
    s->found_level = *level;
    return alive ? MAYBE : found;
}

/* Ends the innermost entity here. An unfinished header may open one more inside; the caller's loop ends that first. */
static void end_entity(struct mime_scan *s)
{
    struct scan_entity *e = &s->open[s->depth - 1];
    if (e->in_header) {
        head_text(s, STR_NONE, true);
        if (s->pend_n)
            release_pend(s);
        return;
    }
    bool unfinished = e->kind == SCAN_MULTIPART && !e->closed;
    if (unfinished) {
        s->multiparts--;
        s->flaws |= MIME_FLAW_UNFINISHED;
    }
    if (s->watch.end)
        s->watch.end(s->watch.self, s->offset, unfinished);
    s->depth--;
}

static void take_delimiter(struct mime_scan *s, uint32_t level, bool closes)
{
    while (s->depth - 1 > level)
        end_entity(s);
    struct str pend = str_of(s->pend, s->pend_n), hold = str_of(s->hold, s->hold_n);
    report(s, s->watch.delimiter, pend);
    report(s, s->watch.delimiter, hold);
    s->pend_n = s->hold_n = 0;
    s->line_start = false;
    s->delimiter = true;
    s->opens = !closes;
    if (closes) {
        s->open[level].closed = true;
        s->multiparts--;
    }
}

/* At a line start: one byte more. False: it is not taken. */
static bool line_start_byte(struct mime_scan *s, char c)
{
    uint32_t level = 0;
    enum verdict v = judge(s, c, &level);
    if (v == MAYBE) {
        s->hold[s->hold_n++] = c;
        return true;
    }
    if (v != NO) {
        take_delimiter(s, level, v == CLOSES);
        return false;
    }
    char hold[sizeof s->hold];
    uint32_t n = s->hold_n;
    memcpy(hold, s->hold, n);
    s->hold_n = 0;
    s->line_start = false;
    if (s->open[s->depth - 1].in_header) {
        head_text(s, str_of(hold, n), false);
    } else {
        release_pend(s);
        content(s, str_of(hold, n)); /* no line end in it */
    }
    return false;
}

/* The line of a delimiter is over. */
static void delimiter_over(struct mime_scan *s)
{
    s->delimiter = false;
    s->line_start = true;
    if (s->opens && s->parts < MIME_PARTS_MAX)
        begin_entity(s);
    else if (s->opens)
        s->flaws |= MIME_FLAW_PARTS;
}

static size_t delimiter_text(struct mime_scan *s, struct str piece)
{
    size_t n = str_find(piece, '\n');
    n += n < piece.n;
    report(s, s->watch.delimiter, str_head(piece, n));
    if (piece.p[n - 1] == '\n')
        delimiter_over(s);
    return n;
}

void scan_feed(struct mime_scan *s, struct str piece)
{
    while (piece.n > 0) {
        size_t n;
        if (s->delimiter) {
            n = delimiter_text(s, piece);
        } else if (s->line_start && s->multiparts > 0) {
            n = line_start_byte(s, piece.p[0]) ? 1 : 0;
        } else {
            n = stretch(s, piece);
            struct str part = str_head(piece, n);
            s->line_start = false;
            if (s->open[s->depth - 1].in_header) {
                head_text(s, part, false);
                s->line_start = s->line_start || (part.p[n - 1] == '\n' && s->pend_n == 0);
            } else {
                body_text(s, part);
            }
        }
        piece = str_skip(piece, n);
    }
}

void scan_end(struct mime_scan *s)
{
    uint32_t level = 0;
    if (s->hold_n > 0 && !s->delimiter) {
        enum verdict v = judge(s, '\n', &level); /* the end of the message ends the line */
        if (v != NO) {
            take_delimiter(s, level, v == CLOSES);
        } else if (s->open[s->depth - 1].in_header) {
            head_text(s, str_of(s->hold, s->hold_n), false);
        } else {
            release_pend(s);
            content(s, str_of(s->hold, s->hold_n));
        }
    }
    if (s->pend_n)
        release_pend(s);
    if (s->delimiter)
        delimiter_over(s);
    while (s->depth > 0)
        end_entity(s);
}
