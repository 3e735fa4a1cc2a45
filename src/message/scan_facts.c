// SPDX-License-Identifier: ISC
/* What an entity is, by the two fields that say so: Content-Type and Content-Transfer-Encoding (RFC 2045 5 and 6). */
#include "message/inside.h"
#include "message/scan.h"

bool mime_encoding_is_identity(enum mime_encoding e)
{
    return e == MIME_7BIT || e == MIME_8BIT || e == MIME_BINARY;
}

enum mime_encoding mime_encoding_of(struct str name)
{
    static const struct {
        const char *name;
        enum mime_encoding e;
    } names[] = {
        {"7bit", MIME_7BIT},         {"8bit", MIME_8BIT},
        {"binary", MIME_BINARY},     {"quoted-printable", MIME_QUOTED_PRINTABLE},
        {"base64", MIME_BASE64},     {"x-uuencode", MIME_UUENCODE},
        {"uuencode", MIME_UUENCODE}, {"x-uue", MIME_UUENCODE},
        {"uue", MIME_UUENCODE},      {"7-bit", MIME_7BIT},
        {"8-bit", MIME_8BIT},
    };
    for (size_t i = 0; i < countof(names); i++)
        if (str_eq_icase(name, str_c(names[i].name)))
            return names[i].e;
    return name.n == 0 ? MIME_7BIT : MIME_UNKNOWN_ENCODING;
}

bool mime_split_type(struct str head, struct str *type, struct str *subtype)
{
    struct str rest;
    *type = str_cut(head, '/', &rest);
    *subtype = rest;
    for (size_t i = 0; i < head.n; i++)
        if (!is_token(head.p[i]) && i != type->n)
            return false;
    return type->n > 0 && rest.n > 0;
}

static void lower_to(char to[SCAN_TYPE_MAX], struct str s)
{
    size_t n = s.n < SCAN_TYPE_MAX - 1 ? s.n : SCAN_TYPE_MAX - 1;
    for (size_t i = 0; i < n; i++)
        to[i] = ascii_lower(s.p[i]);
    to[n] = 0;
}

/* Type, encoding and boundary from the two fields that were captured. */
void scan_read_facts(struct mime_scan *s, struct scan_entity *e, struct scan_facts *f)
{
    struct header_field field;
    struct str head, type = S("text"), subtype = S("plain"), fields = buf_str(&s->captured);
    const struct header_param *params = NULL;
    if (header_find(fields, "Content-Type", &field)) {
        params = header_params(&s->scratch, field.value, &head);
        f->typed = mime_split_type(head, &type, &subtype);
    }
    if (!f->typed) {
        type = e->digest ? S("message") : S("text");
        subtype = e->digest ? S("rfc822") : S("plain");
    }
    lower_to(f->type, type);
    lower_to(f->subtype, subtype);
    f->encoding = MIME_7BIT;
    if (header_find(fields, "Content-Transfer-Encoding", &field)) {
        (void)header_params(&s->scratch, field.value, &head);
        f->encoding = mime_encoding_of(head);
    }
    f->seen = s->header.seen;
    f->broken = s->header.broken;
    bool multipart = strcmp(f->type, "multipart") == 0;
    bool message = strcmp(f->type, "message") == 0 &&
                   (strcmp(f->subtype, "rfc822") == 0 || strcmp(f->subtype, "global") == 0 || strcmp(f->subtype, "news") == 0);
    struct str boundary = header_param(params, "boundary");
    while (boundary.n > 0 && is_fws(boundary.p[boundary.n - 1]))
        boundary.n--;
    bool bounded = boundary.n > 0 && boundary.n <= SCAN_BOUNDARY_MAX;
    if (multipart && !bounded)
        f->flaws |= MIME_FLAW_NO_BOUNDARY;
    if ((multipart || message) && (s->depth > MIME_DEPTH_MAX || s->parts >= MIME_PARTS_MAX))
        f->flaws |= s->depth > MIME_DEPTH_MAX ? MIME_FLAW_DEPTH : MIME_FLAW_PARTS;
    else if (multipart && bounded)
        f->kind = SCAN_MULTIPART;
    else if (message && mime_encoding_is_identity(f->encoding))
        f->kind = SCAN_MESSAGE;
    e->kind = f->kind;
    e->digest = f->kind == SCAN_MULTIPART && strcmp(f->subtype, "digest") == 0;
    if (f->kind == SCAN_MULTIPART) {
        memcpy(e->boundary, boundary.p, boundary.n);
        e->boundary_n = (uint32_t)boundary.n;
        s->multiparts++;
    }
    arena_clear(&s->scratch);
}
