// SPDX-License-Identifier: ISC
/* The message folder as a filter, for mime_oracle.py: standard input in, standard output out.
       parse     a message → JSON lines: depth, type, file name, decoded content in hexadecimal, text
       header    a message → JSON line: subject, from, to (names and addresses), date
       compose   a JSON description → a message
       convert   a message → the same, 7bit                                                        */
#include "base/encode.h"
#include "base/json.h"
#include "message/compose.h"
#include "message/convert.h"
#include "message/date.h"
#include "message/mime.h"
#include <stdio.h>

enum { INPUT_MAX = 16 << 20, LIST_MAX = 50 };

static struct arena memory;

static bool put(void *self, struct str piece)
{
    return fwrite(piece.p, 1, piece.n, self) == piece.n;
}

static void parse(struct str in)
{
    const struct mime *m = mime_parse(&memory, in);
    for (const struct mime_part *p = m->root; p; p = mime_next(p)) {
        struct buf line, content, hex;
        struct json_writer w;
        char type[200];
        buf_init(&line, INPUT_MAX);
        buf_init(&content, INPUT_MAX);
        buf_init(&hex, 2 * INPUT_MAX);
        snprintf(type, sizeof type, "%.*s/%.*s", STR_ARG(p->type), STR_ARG(p->subtype));
        json_begin(&w, &line);
        json_object(&w, NULL);
        json_num(&w, "depth", p->depth);
        json_str(&w, "type", str_c(type));
        json_str(&w, "name", header_param(p->disposition_params, "filename"));
        if (!p->child) {
            mime_part_decode(m, p, &content);
            hex_encode(&hex, buf_str(&content));
            json_str(&w, "content", buf_str(&hex));
        }
        if (!p->child && mime_is(p, "text", NULL)) {
            buf_clear(&content);
            mime_text(m, p, &content);
            json_str(&w, "text", buf_str(&content));
        }
        json_end(&w);
        buf_add(&line, S("\n"));
        put(stdout, buf_str(&line));
        buf_free(&line);
        buf_free(&content);
        buf_free(&hex);
    }
}

static void add_address(void *to, const struct header_address *h)
{
    struct json_writer *w = to;
    struct buf b;
    if (h->group_start || h->group_end)
        return;
    buf_init(&b, 4096);
    address_print(&b, &h->adr, false);
    json_array(w, NULL);
    json_str(w, NULL, h->name);
    json_str(w, NULL, buf_str(&b));
    json_end(w);
    buf_free(&b);
}

static void header(struct str in)
{
    struct buf line;
    struct json_writer w;
    struct date d = {0};
    buf_init(&line, INPUT_MAX);
    json_begin(&w, &line);
    json_object(&w, NULL);
    json_str(&w, "subject", header_text(&memory, in, "Subject"));
    json_array(&w, "to");
    address_list_parse(&memory, header_value(&memory, in, "To"), add_address, &w);
    json_end(&w);
    date_parse(header_value(&memory, in, "Date"), &d);
    json_num(&w, "date", d.unix_ms / 1000);
    json_end(&w);
    buf_add(&line, S("\n"));
    put(stdout, buf_str(&line));
    buf_free(&line);
}

static size_t addresses(const struct json *list, struct header_address *to)
{
    size_t n = 0;
    for (const struct json *j = list ? list->child : NULL; j && n < LIST_MAX; j = j->next) {
        to[n] = (struct header_address){.name = j->child->str};
        if (address_parse(&memory, j->child->next->str, true, &to[n].adr) == ADDRESS_OK)
            n++;
    }
    return n;
}

static int compose(struct str in)
{
    const struct json *j = json_parse(&memory, in);
    static struct header_address from[1], to[LIST_MAX], cc[LIST_MAX], bcc[LIST_MAX];
    static struct compose_attachment files[LIST_MAX];
    static struct str bytes[LIST_MAX];
    const char *why = "not JSON";
    struct compose c = {.subject = json_get_str(j, "subject"),
                        .text = json_get_str(j, "text"),
                        .html = json_get_str(j, "html"),
                        .unix_ms = json_get_num(j, "date", 0) * 1000,
                        .message_id_domain = S("oracle.example"),
                        .to = to,
                        .cc = cc,
                        .bcc = bcc,
                        .eight_bit = json_get_num(j, "eight_bit", 0) != 0,
                        .attachments = files};
    addresses(json_get(j, "from"), from);
    c.from = from[0];
    c.to_count = addresses(json_get(j, "to"), to);
    c.cc_count = addresses(json_get(j, "cc"), cc);
    c.bcc_count = addresses(json_get(j, "bcc"), bcc);
    const struct json *list = json_get(j, "attachments");
    for (const struct json *f = list ? list->child : NULL; f && c.attachment_count < LIST_MAX; f = f->next) {
        size_t i = c.attachment_count++;
        struct buf b;
        buf_init(&b, INPUT_MAX);
        hex_decode(&b, json_get_str(f, "content"));
        bytes[i] = arena_str(&memory, buf_str(&b));
        buf_free(&b);
        files[i].name = json_get_str(f, "name");
        files[i].source = source_memory(&bytes[i]);
    }
    struct composer *w = compose_begin(&memory, &c, &why);
    if (!w || compose_write(w, (struct sink){put, stdout}) != COMPOSE_END) {
        fprintf(stderr, "compose: %s\n", w ? compose_failure(w) : why);
        return 1;
    }
    return 0;
}

static void convert(struct str in)
{
    char storage[8192];
    struct buf out;
    struct convert *c = convert_begin(&memory, CONVERT_7BIT);
    convert_look(c, in);
    convert_looked(c);
    buf_fixed(&out, storage, sizeof storage);
    while (in.n > 0) {
        convert_feed(c, &in, &out);
        put(stdout, buf_str(&out));
        buf_clear(&out);
    }
    convert_end(c, &out);
    put(stdout, buf_str(&out));
}

int main(int argc, char **argv)
{
    struct buf in;
    char piece[65536];
    size_t n;
    int status = 0;
    if (argc != 2)
        return 2;
    buf_init(&in, INPUT_MAX);
    arena_init(&memory, 8 * (size_t)INPUT_MAX);
    while ((n = fread(piece, 1, sizeof piece, stdin)) > 0)
        buf_add(&in, str_of(piece, n));
    struct str mode = str_c(argv[1]);
    if (str_eq(mode, S("parse")))
        parse(buf_str(&in));
    else if (str_eq(mode, S("header")))
        header(buf_str(&in));
    else if (str_eq(mode, S("compose")))
        status = compose(buf_str(&in));
    else if (str_eq(mode, S("convert")))
        convert(buf_str(&in));
    else
        status = 2;
    buf_free(&in);
    arena_clear(&memory);
    return status;
}
