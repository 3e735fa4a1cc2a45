// SPDX-License-Identifier: ISC
/* Types of files by their first octets, then by the name. One table; the same rows give the extension for a type. */
#include "base/utf8.h"
#include "message/compose.h"
#include "message/inside.h"

struct magic {
    uint16_t offset;
    const char *bytes;
    uint16_t n;
    const char *type;
};
#define M(offset, bytes, type)                                                                                                   \
    {                                                                                                                            \
        offset, bytes, sizeof(bytes) - 1, type                                                                                   \
    }

static const struct magic magics[] = {
    M(0, "\x89PNG\r\n\x1a\n", "image/png"),
    M(0, "\xff\xd8\xff", "image/jpeg"),
    M(0, "GIF87a", "image/gif"),
    M(0, "GIF89a", "image/gif"),
    M(8, "WEBP", "image/webp"),
    M(0, "BM", "image/bmp"),
    M(0, "II*\0", "image/tiff"),
    M(0, "MM\0*", "image/tiff"),
    M(4, "ftypavif", "image/avif"),
    M(4, "ftypheic", "image/heic"),
    M(4, "ftypheix", "image/heic"),
    M(4, "ftypmif1", "image/heif"),
    M(0, "\0\0\1\0", "image/vnd.microsoft.icon"),
    M(0, "%PDF-", "application/pdf"),
    M(0, "%!PS", "application/postscript"),
    M(0, "PK\3\4", "application/zip"),
    M(0, "PK\5\6", "application/zip"),
    M(0, "\x1f\x8b", "application/gzip"),
    M(0, "BZh", "application/x-bzip2"),
    M(0,
      "\xfd"
      "7zXZ\0",
      "application/x-xz"),
    M(0, "\x28\xb5\x2f\xfd", "application/zstd"),
    M(0, "7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    M(0, "Rar!\x1a\7", "application/vnd.rar"),
    M(257, "ustar", "application/x-tar"),
    M(0,
      "\x7f"
      "ELF",
      "application/x-executable"),
    M(0, "MZ", "application/vnd.microsoft.portable-executable"),
    M(0, "SQLite format 3\0", "application/vnd.sqlite3"),
    M(0, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole-storage"),
    M(8, "WAVE", "audio/wav"),
    M(8, "AVI ", "video/x-msvideo"),
    M(0, "ID3", "audio/mpeg"),
    M(0, "\xff\xfb", "audio/mpeg"),
    M(0, "\xff\xf3", "audio/mpeg"),
    M(0, "\xff\xf2", "audio/mpeg"),
    M(0, "\xff\xf1", "audio/aac"),
    M(0, "\xff\xf9", "audio/aac"),
    M(28,
      "\x7f"
      "FLAC",
      "audio/ogg"),
    M(28, "\1vorbis", "audio/ogg"),
    M(28, "OpusHead", "audio/ogg"),
    M(28, "Speex", "audio/ogg"),
    M(28, "\x80theora", "video/ogg"),
    M(0, "OggS", "application/ogg"),
    M(0, "fLaC", "audio/flac"),
    M(0, "MThd", "audio/midi"),
    M(0, ".snd", "audio/basic"),
    M(8, "AIFF", "audio/aiff"),
    M(4, "ftypM4A", "audio/mp4"),
    M(4, "ftypqt", "video/quicktime"),
    M(4, "moov", "video/quicktime"),
    M(4, "ftyp3g", "video/3gpp"),
    M(4, "ftyp", "video/mp4"),
    M(0, "\x1a\x45\xdf\xa3", "video/x-matroska"),
    M(0, "FLV\1", "video/x-flv"),
    M(0, "\0\0\1\xba", "video/mpeg"),
    M(0, "\0\0\1\xb3", "video/mpeg"),
    M(0, "wOFF", "font/woff"),
    M(0, "wOF2", "font/woff2"),
    M(0, "OTTO", "font/otf"),
    M(0, "-----BEGIN PGP SIGNATURE-----", "application/pgp-signature"),
    M(0, "BEGIN:VCALENDAR", "text/calendar"),
    M(0, "BEGIN:VCARD", "text/vcard"),
    M(0, "<?xml", "application/xml"),
};

/* The first row of a type gives its extension. Types that only the name can tell stand here as well; text says that the contents
 * must be text for the row to count. */
static const struct {
    const char *extension, *type;
    bool text;
} names[] = {
    {"txt", "text/plain", true},
    {"html", "text/html", true},
    {"htm", "text/html", true},
    {"css", "text/css", true},
    {"csv", "text/csv", true},
    {"md", "text/markdown", true},
    {"js", "text/javascript", true},
    {"json", "application/json", true},
    {"xml", "application/xml", true},
    {"svg", "image/svg+xml", true},
    {"ics", "text/calendar", true},
    {"vcf", "text/vcard", true},
    {"tex", "application/x-tex", true},
    {"yaml", "application/yaml", true},
    {"yml", "application/yaml", true},
    {"toml", "application/toml", true},
    {"sh", "application/x-sh", true},
    {"diff", "text/x-diff", true},
    {"patch", "text/x-diff", true},
    {"c", "text/x-c", true},
    {"h", "text/x-c", true},
    {"py", "text/x-python", true},
    {"rtf", "application/rtf", true},
    {"eml", "message/rfc822", false},
    {"png", "image/png", false},
    {"jpg", "image/jpeg", false},
    {"jpeg", "image/jpeg", false},
    {"gif", "image/gif", false},
    {"webp", "image/webp", false},
    {"bmp", "image/bmp", false},
    {"tiff", "image/tiff", false},
    {"tif", "image/tiff", false},
    {"avif", "image/avif", false},
    {"heic", "image/heic", false},
    {"ico", "image/vnd.microsoft.icon", false},
    {"pdf", "application/pdf", false},
    {"ps", "application/postscript", true},
    {"zip", "application/zip", false},
    {"gz", "application/gzip", false},
    {"bz2", "application/x-bzip2", false},
    {"xz", "application/x-xz", false},
    {"zst", "application/zstd", false},
    {"7z", "application/x-7z-compressed", false},
    {"rar", "application/vnd.rar", false},
    {"tar", "application/x-tar", false},
    {"wav", "audio/wav", false},
    {"mp3", "audio/mpeg", false},
    {"m4a", "audio/mp4", false},
    {"aac", "audio/aac", false},
    {"ogg", "audio/ogg", false},
    {"oga", "audio/ogg", false},
    {"opus", "audio/ogg", false},
    {"ogv", "video/ogg", false},
    {"flac", "audio/flac", false},
    {"mid", "audio/midi", false},
    {"avi", "video/x-msvideo", false},
    {"mp4", "video/mp4", false},
    {"m4v", "video/mp4", false},
    {"mov", "video/quicktime", false},
    {"mkv", "video/x-matroska", false},
    {"webm", "video/webm", false},
    {"mpg", "video/mpeg", false},
    {"mpeg", "video/mpeg", false},
    {"3gp", "video/3gpp", false},
    {"docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document", false},
    {"xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", false},
    {"pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation", false},
    {"odt", "application/vnd.oasis.opendocument.text", false},
    {"ods", "application/vnd.oasis.opendocument.spreadsheet", false},
    {"odp", "application/vnd.oasis.opendocument.presentation", false},
    {"epub", "application/epub+zip", false},
    {"jar", "application/java-archive", false},
    {"doc", "application/msword", false},
    {"xls", "application/vnd.ms-excel", false},
    {"ppt", "application/vnd.ms-powerpoint", false},
    {"asc", "application/pgp-signature", false},
    {"bin", "application/octet-stream", false},
};

const char *compose_extension(struct str type, struct str subtype)
{
    for (size_t i = 0; i < countof(names); i++) {
        struct str rest, main = str_cut(str_c(names[i].type), '/', &rest);
        if (str_eq_icase(main, type) && str_eq_icase(rest, subtype))
            return names[i].extension;
    }
    return NULL;
}

static const char *by_name(struct str name, bool *needs_text)
{
    size_t dot = str_find_last(name, '.');
    for (size_t i = 0; dot < name.n && i < countof(names); i++)
        if (str_eq_icase(str_skip(name, dot + 1), str_c(names[i].extension))) {
            *needs_text = names[i].text;
            return names[i].type;
        }
    return NULL;
}

static const char *by_magic(struct str s)
{
    for (size_t i = 0; i < countof(magics); i++) {
        const struct magic *m = &magics[i];
        bool riff = m->offset == 8 &&
                    (strncmp(m->bytes, "WEBP", 4) == 0 || strncmp(m->bytes, "WAVE", 4) == 0 || strncmp(m->bytes, "AVI ", 4) == 0);
        bool good = s.n >= (size_t)m->offset + m->n && memcmp(s.p + m->offset, m->bytes, m->n) == 0;
        if (good && riff && !str_starts(s, S("RIFF")))
            continue;
        if (good && m->offset == 28 && !str_starts(s, S("OggS")))
            continue;
        if (good && m->offset == 8 && strncmp(m->bytes, "AIFF", 4) == 0 && !str_starts(s, S("FORM")))
            continue;
        if (good && strcmp(m->bytes, "BM") == 0 &&
            (s.n < 10 || memcmp(s.p + 6, "\0\0\0\0", 4) != 0)) /* two letters are little: reserved fields are zero */
            continue;
        if (good)
            return m->type;
    }
    return NULL;
}

/* UTF-8 (cut at the end, perhaps) without controls other than those of text. */
static bool is_text(struct str s)
{
    for (int cut = 0; cut < 4; cut++) {
        struct str t = str_head(s, s.n > (size_t)cut ? s.n - (size_t)cut : 0);
        if (!utf8_is_valid(t))
            continue;
        for (size_t i = 0; i < t.n; i++)
            if ((is_ctl(t.p[i]) && !strchr("\t\n\r\f\x1b", t.p[i])) || t.p[i] == 0)
                return false;
        return true;
    }
    return false;
}

static bool looks_like_html(struct str s)
{
    static const char *const starts[] = {"<!doctype html", "<html", "<head", "<body"};
    s = str_trim(s);
    for (size_t i = 0; i < countof(starts); i++)
        if (str_starts_icase(s, str_c(starts[i])))
            return true;
    return false;
}

const char *compose_sniff(struct str first, struct str name, bool *text)
{
    bool needs_text = false, is = is_text(first);
    const char *named = by_name(name, &needs_text), *magic = by_magic(first);
    if (text)
        *text = is;
    if (magic && named) {
        /* containers: the name says what is in them */
        bool zip = strcmp(magic, "application/zip") == 0 &&
                   (strncmp(named, "application/vnd.o", 17) == 0 || strstr(named, "epub") || strstr(named, "java-archive"));
        bool ole = strcmp(magic, "application/x-ole-storage") == 0 && (strstr(named, "ms-") || strstr(named, "msword"));
        bool webm = strcmp(named, "video/webm") == 0 && strcmp(magic, "video/x-matroska") == 0;
        bool ogg = strcmp(magic, "application/ogg") == 0 && strstr(named, "ogg");
        bool xml = strcmp(magic, "application/xml") == 0 && needs_text;
        return zip || ole || webm || ogg || xml ? named : magic;
    }
    if (magic)
        return magic;
    if (named && (needs_text ? is : !is || strncmp(named, "message/", 8) == 0))
        return named; /* no picture, whatever it is called, is plain text */
    if (first.n > 0 && is)
        return looks_like_html(first) ? "text/html" : "text/plain";
    return first.n == 0 && !named ? "text/plain" : "application/octet-stream";
}
