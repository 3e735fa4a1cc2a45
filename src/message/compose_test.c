// SPDX-License-Identifier: ISC
#include "base/random.h"
#include "base/test.h"
#include "message/compose.h"
#include "message/mime.h"

static struct arena arena;

static struct header_address who(const char *name, const char *address)
{
    struct header_address h = {.name = str_c(name)};
    CHECK_NUM(address_parse(&arena, str_c(address), true, &h.adr), ADDRESS_OK);
    return h;
}

/* Pulled through a buffer of that size. */
static enum compose_result pull(const struct compose *c, size_t room, struct buf *out)
{
    const char *why = NULL;
    struct composer *w = compose_begin(&arena, c, &why);
    CHECK(w != NULL);
    if (!w) {
        fprintf(stderr, "%s\n", why);
        return COMPOSE_FAILED;
    }
    for (;;) {
        struct buf b;
        buf_init(&b, room);
        enum compose_result r = compose_pull(w, &b);
        buf_add(out, buf_str(&b));
        buf_free(&b);
        if (r == COMPOSE_END && c->attachment_count) {
            struct compose_progress p = compose_progress(w);
            CHECK(p.done == p.total && p.total_known && p.attachment == c->attachment_count);
        }
        if (r != COMPOSE_MORE)
            return r;
    }
}

static void lines(struct str s, size_t most, bool eight_bit)
{
    for (size_t i = 0, column = 0; i < s.n; i++) {
        column = s.p[i] == '\n' ? 0 : column + 1;
        CHECK(column <= most + 1 && s.p[i] != 0 && (eight_bit || (unsigned char)s.p[i] < 0x80));
        CHECK(s.p[i] != '\n' || (i > 0 && s.p[i - 1] == '\r'));
        CHECK(s.p[i] != '\r' || (i + 1 < s.n && s.p[i + 1] == '\n'));
    }
}

static struct compose simple(void)
{
    struct compose c = {.from = who("Alice", "alice@example.org"),
                        .subject = S("Hello"),
                        .unix_ms = 1795548001000,
                        .message_id = S("1@example.org")};
    return c;
}

TEST(plain)
{
    arena_init(&arena, 1000000);
    struct compose c = simple();
    struct header_address to[2] = {who("Bob", "bob@example.org"), who("", "carol@b\xc3\xbc"
                                                                          "cher.example")},
                          bcc = who("", "secret@example.org");
    struct buf out;
    c.to = to;
    c.to_count = 2;
    c.bcc = &bcc;
    c.bcc_count = 1;
    c.text = S("Hi,\n\nthis is a line that is a good deal longer than seventy-eight columns, so it has to be wrapped softly.\n> "
               "quoted\nFrom here\n-- \nA\n");
    buf_init(&out, 100000);
    CHECK_NUM(pull(&c, 4096, &out), COMPOSE_END);
    CHECK_STR(buf_str(&out), S("Date: Tue, 24 Nov 2026 19:20:01 +0000\r\nFrom: Alice <alice@example.org>\r\nTo: Bob "
                               "<bob@example.org>, carol@xn--bcher-kva.example\r\nSubject: Hello\r\n"
                               "Message-ID: <1@example.org>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=us-ascii; "
                               "format=flowed\r\nContent-Transfer-Encoding: 7bit\r\n\r\n"
                               "Hi,\r\n\r\nthis is a line that is a good deal longer than seventy-eight columns, so it \r\nhas "
                               "to be wrapped softly.\r\n> quoted\r\n From here\r\n-- \r\nA\r\n"));
    CHECK(str_find_str(buf_str(&out), S("secret")) == out.n);
    const struct mime *m = mime_parse(&arena, buf_str(&out));
    struct buf text;
    buf_init(&text, 10000);
    CHECK(mime_text(m, m->root, &text));
    CHECK_STR(buf_str(&text), c.text);
    buf_free(&text);
    buf_free(&out);
    arena_clear(&arena);
}

TEST(text_round_trips)
{
    static const char *const texts[] = {"",
                                        "x",
                                        ("gr\xc3\xbc\xc3\x9f"
                                         "e\n"),
                                        "\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e\n",
                                        " leading\n  two\n>not a quote\n>> deep\n\nend\n",
                                        "a\r\nb\r\n",
                                        "tab\there\n\n\n"};
    char word[3000];
    memset(word, 'w', sizeof word - 1);
    word[sizeof word - 1] = 0;
    for (size_t i = 0; i <= countof(texts); i++)
        for (int variant = 0; variant < 8; variant++) {
            arena_init(&arena, 1000000);
            struct compose c = simple();
            struct buf out, text, want;
            c.text = i < countof(texts) ? str_c(texts[i]) : str_c(word);
            c.eight_bit = variant & 1;
            c.no_flowed = variant & 2;
            buf_init(&out, 100000);
            buf_init(&text, 100000);
            buf_init(&want, 100000);
            CHECK_NUM(pull(&c, variant & 4 ? 4096 : 9999, &out), COMPOSE_END);
            lines(buf_str(&out), 998, c.eight_bit);
            const struct mime *m = mime_parse(&arena, buf_str(&out));
            CHECK(mime_text(m, m->root, &text));
            for (size_t k = 0; k < c.text.n; k++)
                if (c.text.p[k] != '\r')
                    buf_add_byte(&want, c.text.p[k]);
            if (want.n && !str_ends(buf_str(&want), S("\n")))
                buf_add_byte(&want, '\n');
            struct str got = buf_str(&text);
            if (i == 4 && !c.no_flowed) /* a ">" at a line start is a quote to format=flowed, shown with a blank */
                CHECK(str_starts(got, S(" leading\n  two\n> not a quote\n>> deep\n")));
            else
                CHECK_STR(got, buf_str(&want));
            buf_free(&out);
            buf_free(&text);
            buf_free(&want);
            arena_clear(&arena);
        }
}

TEST(everything)
{
    static const char png[] = "\x89PNG\r\n\x1a\n\0\0\0\rIHDR", eml[] = "Subject: inner\n\nbody\n";
    char noise[40000];
    random_seed(5);
    random_bytes(noise, sizeof noise);
    random_seed(0);
    struct str bytes[4] = {str_of(png, sizeof png - 1), str_of(noise, sizeof noise), str_c(eml), S("plain text\n")};
    for (size_t room = 4096; room < 20000; room += 3333) {
        arena_init(&arena, 4000000);
        struct compose c = simple();
        struct header_address to = who("J\xc3\xb6rg", "j@example.org");
        struct compose_attachment list[4] = {
            {.name = S("/tmp/\xe7\x94\xbb\xe5\x83\x8f.png"),
             .source = source_memory(&bytes[0]),
             .show = true,
             .content_id = S("pic")},
            {.name = S("noise.bin"), .source = source_memory(&bytes[1])},
            {.name = S("a.eml"), .source = source_memory(&bytes[2])},
            {.name = S("notes.txt"), .type = S("bad type"), .source = source_memory(&bytes[3])},
        };
        struct compose_field extra = {S("X-Test"), S("a\r\nBcc: b")};
        struct buf out;
        size_t n;
        c.to = &to;
        c.to_count = 1;
        c.text = S("text");
        c.html = S("<p>text <img src=\"cid:pic\">");
        c.attachments = list;
        c.attachment_count = 4;
        c.extra = &extra;
        c.extra_count = 1;
        c.in_reply_to = S("<x@y>");
        c.references = S("<w@y> <x@y>");
        buf_init(&out, 1000000);
        CHECK_NUM(pull(&c, room, &out), COMPOSE_END);
        lines(buf_str(&out), 78, false);
        const struct mime *m = mime_parse(&arena, buf_str(&out));
        CHECK_NUM(m->flaws, 0);
        const struct mime_part *alternative = m->root->child, *related = alternative->child->next;
        CHECK(mime_is(m->root, "multipart", "mixed") && mime_is(alternative, "multipart", "alternative") &&
              mime_is(related, "multipart", "related"));
        CHECK(mime_is(related->child, "text", "html") && mime_is(related->child->next, "image", "png"));
        const struct mime_part **parts = mime_attachments(&arena, m, &n);
        CHECK_NUM(n, 4);
        CHECK_STR(mime_file_name(&arena, parts[0]), S("\xe7\x94\xbb\xe5\x83\x8f.png"));
        CHECK_STR(header_param(parts[0]->params, "name"), S("\xe7\x94\xbb\xe5\x83\x8f.png"));
        CHECK_STR(parts[0]->id, S("pic"));
        CHECK(mime_is(parts[2], "message", "rfc822") && parts[2]->child);
        CHECK_STR(header_value(&arena, buf_str(&out), "X-Test"), S("a  Bcc: b"));
        CHECK(header_find(buf_str(&out), "Bcc", &(struct header_field){0}) == false);
        for (size_t i = 0; i < n; i++) {
            struct buf b;
            buf_init(&b, 100000);
            CHECK(mime_part_decode(m, parts[i], &b));
            CHECK_STR(buf_str(&b), i == 2 ? S("Subject: inner\r\n\r\nbody\r\n") : bytes[i]);
            buf_free(&b);
        }
        buf_free(&out);
        arena_clear(&arena);
    }
}

TEST(refusals)
{
    const char *why = NULL;
    arena_init(&arena, 1000000);
    struct compose c = simple();
    struct compose_field extra = {S("Bcc"), S("x")};
    c.extra = &extra;
    c.extra_count = 1;
    CHECK(!compose_begin(&arena, &c, &why) && why);
    extra.name = S("a b");
    CHECK(!compose_begin(&arena, &c, &why));
    c.extra_count = 0;
    c.text = S("\xff");
    CHECK(!compose_begin(&arena, &c, &why));
    c.text = S("");
    c.message_id = S("a b@c");
    CHECK(!compose_begin(&arena, &c, &why));
    c.message_id = S("");
    struct header_address to = who("", "j\xc3\xb6@example.org");
    c.to = &to;
    c.to_count = 1;
    CHECK(compose_needs_utf8(&c) && !compose_begin(&arena, &c, &why));
    c.utf8 = true;
    struct composer *w = compose_begin(&arena, &c, &why);
    CHECK(w && compose_message_id(w).n > 20);
    c = (struct compose){0};
    CHECK(!compose_begin(&arena, &c, &why));
    arena_clear(&arena);
}

static enum source_result broken(void *self, uint64_t offset, struct buf *into)
{
    int *count = self;
    if (++*count == 1) {
        buf_add(into, S("some"));
        return SOURCE_MORE;
    }
    (void)offset;
    return *count == 2 ? SOURCE_LATER : SOURCE_FAILED;
}

TEST(sources_that_fail)
{
    arena_init(&arena, 1000000);
    int count = 0;
    const char *why;
    struct compose c = simple();
    struct compose_attachment a = {.name = S("x.bin"), .source = {broken, &count, SOURCE_SIZE_UNKNOWN, false}};
    struct buf out;
    c.attachments = &a;
    c.attachment_count = 1;
    buf_init(&out, 100000);
    struct composer *w = compose_begin(&arena, &c, &why);
    CHECK_NUM(compose_pull(w, &out), COMPOSE_LATER);
    CHECK(!compose_progress(w).total_known);
    CHECK_NUM(compose_pull(w, &out), COMPOSE_FAILED);
    CHECK_STR(str_c(compose_failure(w)), S("attachment 1 (x.bin) cannot be read"));
    CHECK_NUM(compose_pull(w, &out), COMPOSE_FAILED);
    buf_free(&out);
    arena_clear(&arena);
}

TEST(sniffing)
{
    static const struct {
        const char *bytes;
        size_t n;
        const char *name, *type;
        bool text;
    } cases[] = {
#define IN(s) s, sizeof(s) - 1
        {IN("\x89PNG\r\n\x1a\n"), "x.jpg", "image/png", false},
        {IN("\xff\xd8\xff\xe0"), "", "image/jpeg", false},
        {IN("GIF89a"), "", "image/gif", true},
        {IN("RIFF\0\0\0\0WEBPVP8 "), "", "image/webp", false},
        {IN("RIFF\0\0\0\0WAVEfmt "), "", "audio/wav", false},
        {IN("RIFF\0\0\0\0AVI LIST"), "", "video/x-msvideo", false},
        {IN("%PDF-1.7"), "", "application/pdf", true},
        {IN("PK\3\4xxxx"), "a.zip", "application/zip", false},
        {IN("\x1f\x8b\x08"), "", "application/gzip", false},
        {IN("PK\3\4xxxx"), "a.docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document", false},
        {IN("PK\3\4xxxx"), "a.odt", "application/vnd.oasis.opendocument.text", false},
        {IN("PK\3\4xxxx"), "a.png", "application/zip", false},
        {IN("ID3\3"), "", "audio/mpeg", false},
        {IN("\xff\xfb\x90\x44"), "", "audio/mpeg", false},
        {IN("fLaC\0"), "", "audio/flac", false},
        {IN("\0\0\0\x18"
            "ftypmp42"),
         "", "video/mp4", false},
        {IN("\0\0\0\x18"
            "ftypqt  "),
         "", "video/quicktime", false},
        {IN("\0\0\0\x18"
            "ftypM4A "),
         "", "audio/mp4", false},
        {IN("\x1a\x45\xdf\xa3"), "a.mkv", "video/x-matroska", false},
        {IN("\x1a\x45\xdf\xa3"), "a.webm", "video/webm", false},
        {IN("hello\n"), "", "text/plain", true},
        {IN("hello\n"), "a.png", "text/plain", true},
        {IN("hello\n"), "a.csv", "text/csv", true},
        {IN("<!DOCTYPE html>"), "", "text/html", true},
        {IN("<?xml version='1.0'?>"), "a.svg", "image/svg+xml", true},
        {IN("gr\xc3\xbc\xc3"), "", "text/plain", true},
        {IN("\x01\x02"), "", "application/octet-stream", false},
        {IN("\x01\x02"), "a.txt", "application/octet-stream", false},
        {IN("\x01\x02"), "a.mp3", "audio/mpeg", false},
        {IN("Subject: x\n\ny"), "a.eml", "message/rfc822", true},
        {IN(""), "", "text/plain", true},
        {IN("BMxxxx\0\0\0\0"), "", "image/bmp", false},
        {IN("BMW is a car"), "", "text/plain", true},
#undef IN
    };
    for (size_t i = 0; i < countof(cases); i++) {
        bool text;
        CHECK_STR(str_c(compose_sniff(str_of(cases[i].bytes, cases[i].n), str_c(cases[i].name), &text)), str_c(cases[i].type));
        CHECK_NUM(text, cases[i].text);
    }
    char ogg[64] = "OggS";
    memcpy(ogg + 28, "OpusHead", 8);
    CHECK_STR(str_c(compose_sniff(str_of(ogg, sizeof ogg), S("a.opus"), NULL)), S("audio/ogg"));
    CHECK_STR(str_c(compose_extension(S("image"), S("JPEG"))), S("jpg"));
    CHECK(compose_extension(S("x"), S("y")) == NULL);
}
