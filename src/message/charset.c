// SPDX-License-Identifier: ISC
/* Charsets to UTF-8. The few that matter are ours; the rest is the C library's iconv, but only names on the list below ever reach
   it (some of its converters had holes), and after charset_seal() nothing more is opened. */
#include "base/utf8.h"
#include "message/inside.h"
#include "message/mime.h"
#include <errno.h>
#include <iconv.h>

enum { KIND_GUESS, KIND_UTF8, KIND_1252, KIND_LATIN9, KIND_ICONV };

static const uint16_t high_1252[32] = {0x20ac, 0x81,   0x201a, 0x192,  0x201e, 0x2026, 0x2020, 0x2021, 0x2c6,  0x2030, 0x160,
                                       0x2039, 0x152,  0x8d,   0x17d,  0x8f,   0x90,   0x2018, 0x2019, 0x201c, 0x201d, 0x2022,
                                       0x2013, 0x2014, 0x2dc,  0x2122, 0x161,  0x203a, 0x153,  0x9d,   0x17e,  0x178};

/* The first name of a row is iconv's; the others are what mailers write. Rows without one go by their first name. */
static const char *const charsets[][8] = {
    {"ISO-8859-2", "latin2", "iso8859-2"},
    {"ISO-8859-3"},
    {"ISO-8859-4"},
    {"ISO-8859-5"},
    {"ISO-8859-6", "iso-8859-6-i"},
    {"ISO-8859-7"},
    {"ISO-8859-8", "iso-8859-8-i", "iso-8859-8-e", "visual"},
    {"ISO-8859-9", "latin5"},
    {"ISO-8859-10"},
    {"ISO-8859-13"},
    {"ISO-8859-14"},
    {"ISO-8859-16"},
    {"CP1250", "windows-1250"},
    {"CP1251", "windows-1251"},
    {"CP1253", "windows-1253"},
    {"CP1254", "windows-1254"},
    {"CP1255", "windows-1255"},
    {"CP1256", "windows-1256"},
    {"CP1257", "windows-1257"},
    {"CP1258", "windows-1258"},
    {"KOI8-R", "koi8r"},
    {"KOI8-U"},
    {"IBM850", "cp850"},
    {"IBM437", "cp437"},
    {"IBM866", "cp866"},
    {"MACINTOSH", "x-mac-roman", "mac"},
    {"CP874", "tis-620", "windows-874", "iso-8859-11"},
    {"CP932", "shift_jis", "shift-jis", "sjis", "x-sjis", "ms_kanji", "windows-31j"},
    {"EUC-JP", "x-euc-jp"},
    {"ISO-2022-JP", "iso-2022-jp-1", "csiso2022jp"},
    {"GB18030", "gb2312", "gbk", "x-gbk", "cp936", "gb_2312-80", "euc-cn"},
    {"BIG5-HKSCS", "big5", "big-5", "x-x-big5", "cn-big5"},
    {"UHC", "euc-kr", "ks_c_5601-1987", "ks_c_5601", "cp949", "ksc5601", "windows-949"},
    {"ISO-2022-KR"},
    {"UTF-7", "unicode-1-1-utf-7"},
    {"UTF-16", "ucs-2"},
    {"UTF-16LE"},
    {"UTF-16BE"},
    {"UTF-32"},
    {"UTF-32LE"},
    {"UTF-32BE"},
};
static iconv_t opened[countof(charsets)];
static enum { UNTRIED, OPEN, ABSENT } state[countof(charsets)];
static bool sealed;

static bool open_slot(size_t i)
{
    if (state[i] == UNTRIED && !sealed) {
        opened[i] = iconv_open("UTF-8", charsets[i][0]);
        state[i] = opened[i] == (iconv_t)-1 ? ABSENT : OPEN;
    }
    return state[i] == OPEN;
}

void charset_warm(void)
{
    char in[] = "a", out[16];
    for (size_t i = 0; i < countof(charsets); i++)
        if (open_slot(i)) { /* one conversion, so that everything is loaded */
            char *from = in, *to = out;
            size_t from_n = 1, to_n = sizeof out;
            (void)iconv(opened[i], &from, &from_n, &to, &to_n);
        }
}

void charset_seal(void)
{
    sealed = true;
}

static bool is_one_of(struct str name, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count && names[i]; i++)
        if (str_eq_icase(name, str_c(names[i])))
            return true;
    return false;
}

bool charset_decoder_init(struct charset_decoder *d, struct str charset)
{
    static const char *const ascii[] = {"us-ascii", "ascii", "ansi_x3.4-1968", "iso646-us", "7bit", "8bit", "default"};
    static const char *const utf8[] = {"utf-8", "utf8", "unicode-1-1-utf-8", "utf-8-mac"};
    static const char *const latin1[] = {"iso-8859-1",   "latin1", "iso8859-1", "iso_8859-1", "iso_8859-1:1987",
                                         "windows-1252", "cp1252", "l1",        "x-ansi",     "iso-8859-1-windows-3.1-latin-1"};
    static const char *const latin9[] = {"iso-8859-15", "latin9", "latin-9", "iso8859-15", "iso_8859-15"};
    *d = (struct charset_decoder){.kind = KIND_GUESS};
    charset = str_trim(charset);
    if (is_one_of(charset, utf8, countof(utf8)))
        d->kind = KIND_UTF8;
    else if (is_one_of(charset, latin1, countof(latin1))) /* every mailer that says 8859-1 and uses 80-9F means windows-1252 */
        d->kind = KIND_1252;
    else if (is_one_of(charset, latin9, countof(latin9)))
        d->kind = KIND_LATIN9;
    for (size_t i = 0; d->kind == KIND_GUESS && i < countof(charsets); i++) {
        if (!is_one_of(charset, charsets[i], countof(charsets[i])) || !open_slot(i))
            continue;
        iconv(opened[i], NULL, NULL, NULL, NULL);
        d->kind = KIND_ICONV;
        d->slot = (int)i;
    }
    return d->kind != KIND_GUESS || is_one_of(charset, ascii, countof(ascii));
}

static uint32_t single_byte(int kind, unsigned char c)
{
    static const unsigned char differs[8] = {0xa4, 0xa6, 0xa8, 0xb4, 0xb8, 0xbc, 0xbd, 0xbe};
    static const uint16_t latin9[8] = {0x20ac, 0x160, 0x161, 0x17d, 0x17e, 0x152, 0x153, 0x178};
    if (kind == KIND_LATIN9)
        for (int i = 0; i < 8; i++)
            if (differs[i] == c)
                return latin9[i];
    return kind != KIND_LATIN9 && c >= 0x80 && c < 0xa0 ? high_1252[c - 0x80] : c;
}

/* How many octets a UTF-8 sequence that starts so would have; 1 for what starts none. */
static size_t utf8_length(unsigned char c)
{
    return c >= 0xf0 && c <= 0xf4 ? 4 : c >= 0xe0 && c < 0xf0 ? 3 : c >= 0xc2 && c < 0xe0 ? 2 : 1;
}

/* Is s, shorter than a sequence, the start of a good one? */
static bool utf8_may_grow(struct str s)
{
    static const char *const tails[] = {"\x80", "\x80\x80", "\x80\x80\x80", "\xa0\x80", "\x90\x80\x80"};
    char whole[8];
    for (size_t i = 0; i < countof(tails); i++) {
        size_t n = strlen(tails[i]);
        if (s.n + n > 4 || s.n + n != utf8_length((unsigned char)s.p[0]))
            continue;
        memcpy(whole, s.p, s.n);
        memcpy(whole + s.n, tails[i], n);
        if (utf8_is_valid(str_of(whole, s.n + n)))
            return true;
    }
    return false;
}

/* One character from the front of s; 0: more octets are needed. */
static size_t utf8_step(struct charset_decoder *d, struct str s, bool last, struct buf *out)
{
    unsigned char c = (unsigned char)s.p[0];
    size_t want = utf8_length(c);
    if (c < 0x80) {
        buf_add_byte(out, (char)c);
        return 1;
    }
    if (want > 1 && s.n >= want && utf8_is_valid(str_head(s, want))) {
        buf_add(out, str_head(s, want));
        return want;
    }
    if (want > 1 && s.n < want && !last && utf8_may_grow(s))
        return 0;
    d->broken = true;
    utf8_add(out, d->kind == KIND_GUESS ? single_byte(KIND_1252, c) : 0xfffd);
    return 1;
}

static size_t iconv_step(struct charset_decoder *d, struct str s, bool last, struct buf *out)
{
    char text[64], *from = (char *)(uintptr_t)s.p, *to = text;
    size_t room = buf_room(out) < sizeof text ? buf_room(out) : sizeof text, from_n = s.n, to_n = room;
    size_t rc = iconv(opened[d->slot], &from, &from_n, &to, &to_n);
    int why = rc == (size_t)-1 ? errno : 0;
    buf_add(out, str_of(text, room - to_n));
    size_t used = s.n - from_n;
    if (buf_room(out) < 3)
        return used;
    if (why == EILSEQ || (why == EINVAL && (last || from_n >= sizeof d->hold))) {
        d->broken = true;
        utf8_add(out, 0xfffd);
        return used + 1;
    }
    return used;
}

static size_t step(struct charset_decoder *d, struct str s, bool last, struct buf *out)
{
    if (d->kind == KIND_ICONV)
        return iconv_step(d, s, last, out);
    if (d->kind == KIND_GUESS || d->kind == KIND_UTF8)
        return utf8_step(d, s, last, out);
    utf8_add(out, single_byte(d->kind, (unsigned char)s.p[0]));
    return 1;
}

static size_t room_wanted(const struct charset_decoder *d)
{
    return d->kind == KIND_ICONV ? 16 : 4; /* what one character can become */
}

/* A run of ASCII needs no thought (iconv may have shift states). */
static size_t plain_run(const struct charset_decoder *d, struct str s, struct buf *out)
{
    size_t n = 0, most = buf_room(out) < s.n ? buf_room(out) : s.n;
    while (d->kind != KIND_ICONV && n < most && !is_high(s.p[n]))
        n++;
    buf_add(out, str_head(s, n));
    return n;
}

void charset_decode(struct charset_decoder *d, struct str *in, struct buf *out)
{
    while (d->held > 0 && in->n > 0 && buf_room(out) >= room_wanted(d)) { /* a character that lies across two pieces */
        d->hold[d->held++] = in->p[0];
        *in = str_skip(*in, 1);
        size_t used = step(d, str_of(d->hold, d->held), d->held == sizeof d->hold, out);
        used = used > d->held ? d->held : used;
        d->held -= (uint32_t)used;
        memmove(d->hold, d->hold + used, d->held);
    }
    while (in->n > 0 && buf_room(out) >= room_wanted(d)) {
        size_t used = plain_run(d, *in, out);
        if (used == 0)
            used = step(d, *in, false, out);
        if (used == 0) {
            d->held = (uint32_t)in->n; /* less than a character: at most 15 */
            memcpy(d->hold, in->p, in->n);
            used = in->n;
        }
        *in = str_skip(*in, used);
    }
}

void charset_decode_end(struct charset_decoder *d, struct buf *out)
{
    uint32_t at = 0;
    while (at < d->held && buf_room(out) >= room_wanted(d))
        at += (uint32_t)step(d, str_of(d->hold + at, d->held - at), true, out);
    d->held = 0;
}
