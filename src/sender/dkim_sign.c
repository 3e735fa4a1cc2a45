// SPDX-License-Identifier: ISC
/* The message as it goes by: fields that are signed are kept in canonical form, the body is hashed in canonical form (RFC
   6376 3.4.2, 3.4.4).

       HEADER_NAME ──":"──► HEADER_VALUE        header_octet
            ▲   ▲              │    │
            │   └──next field──┘    │
            │   empty line          │ empty line
            └───────────┬───────────┘
                        ▼
                      BODY ──dkim_sign_end──► ENDED     body_feed */
#include "sender/inside.h"
#include "tls/digest.h"

/* RFC 6376 5.4.1, and what a reader is shown or a mailer acts on. Fields that travel (Received, Return-Path, DKIM-Signature) are
 * left alone, 5.4. */
const struct dkim_name dkim_names[DKIM_NAMES] = {
    {"from", DKIM_ALWAYS_ONE_MORE},
    {"to", DKIM_ALWAYS_ONE_MORE},
    {"cc", DKIM_ALWAYS_ONE_MORE},
    {"subject", DKIM_ALWAYS_ONE_MORE},
    {"date", DKIM_ALWAYS_ONE_MORE},
    {"reply-to", DKIM_ALWAYS_ONE_MORE},
    {"sender", DKIM_ONE_MORE},
    {"message-id", DKIM_ONE_MORE},
    {"in-reply-to", DKIM_ONE_MORE},
    {"references", DKIM_ONE_MORE},
    {"mime-version", DKIM_ONE_MORE},
    {"content-type", DKIM_ONE_MORE},
    {"content-transfer-encoding", DKIM_ONE_MORE},
    {"auto-submitted", DKIM_ONE_MORE},
    {"tls-report-domain", DKIM_ONE_MORE}, /* RFC 8460 5.3 */
    {"tls-report-submitter", DKIM_ONE_MORE},
    {"list-id", DKIM_EACH},
    {"list-help", DKIM_EACH},
    {"list-unsubscribe", DKIM_EACH},
    {"list-unsubscribe-post", DKIM_EACH}, /* RFC 8058 4 */
    {"list-subscribe", DKIM_EACH},
    {"list-post", DKIM_EACH},
    {"resent-from", DKIM_EACH},
    {"resent-to", DKIM_EACH},
    {"resent-cc", DKIM_EACH},
    {"resent-date", DKIM_EACH},
    {"resent-message-id", DKIM_EACH},
};

void dkim_sign_init(struct dkim_signer *s)
{
    s->failed = s->from = s->cr = s->keep = s->space = s->started = s->content = false;
    s->line_start = true;
    s->state = DKIM_HEADER_NAME;
    s->body_size = s->empty_lines = 0;
    s->fields = s->name_n = 0;
    buf_init(&s->signed_fields, DKIM_SIGNED_MAX);
    s->body = tls_hash_new(TLS_SHA256);
    s->failed = !s->body;
}

void dkim_sign_clear(struct dkim_signer *s)
{
    buf_free(&s->signed_fields);
    tls_hash_free(s->body);
    s->body = NULL;
    s->state = DKIM_ENDED;
    s->failed = true;
}

/* --- header --- */

static bool is_space(char c)
{
    return c == ' ' || c == '\t';
}

static void field_end(struct dkim_signer *s)
{
    if (!s->keep)
        return;
    struct dkim_field *f = &s->field[s->fields++];
    buf_add(&s->signed_fields, S("\r\n"));
    f->n = (uint32_t)s->signed_fields.n - f->at;
    s->failed |= s->signed_fields.full;
    s->keep = false;
}

/* The colon was met: is this one of the fields that are signed? */
static void field_begin(struct dkim_signer *s)
{
    struct str name = str_trim(str_of(s->name, s->name_n < sizeof s->name ? s->name_n : 0));
    s->state = DKIM_HEADER_VALUE;
    for (uint8_t i = 0; i < DKIM_NAMES; i++) {
        if (!str_eq(name, str_c(dkim_names[i].name)))
            continue;
        s->keep = s->fields < DKIM_FIELDS_MAX;
        s->failed |= !s->keep;
        s->from |= i == 0;
        if (!s->keep)
            return;
        s->field[s->fields] = (struct dkim_field){(uint32_t)s->signed_fields.n, 0, i};
        buf_add(&s->signed_fields, name);
        buf_add_byte(&s->signed_fields, ':');
        s->space = s->started = false;
    }
}

static void value_octet(struct dkim_signer *s, char c)
{
    if (is_space(c)) {
        s->space = true;
        return;
    }
    if (s->space && s->started)
        buf_add_byte(&s->signed_fields, ' ');
    buf_add_byte(&s->signed_fields, c);
    s->started = true;
    s->space = false;
}

static void line_octet(struct dkim_signer *s, char c)
{
    if (s->line_start) {
        s->line_start = false;
        if (!is_space(c) || s->state != DKIM_HEADER_VALUE) { /* else: the field goes on in this line */
            field_end(s);
            s->state = DKIM_HEADER_NAME;
            s->name_n = 0;
        }
    }
    if (s->state == DKIM_HEADER_NAME && c == ':')
        field_begin(s);
    else if (s->state == DKIM_HEADER_NAME && s->name_n < sizeof s->name)
        s->name[s->name_n++] = ascii_lower(c);
    else if (s->keep)
        value_octet(s, c);
}

static void header_octet(struct dkim_signer *s, char c)
{
    if (c == '\n') {
        s->cr = false;
        if (s->line_start) {
            field_end(s);
            s->state = DKIM_BODY;
            s->space = false;
        }
        s->line_start = true;
        return;
    }
    if (s->cr) /* a bare CR is an octet like others: none is sent */
        line_octet(s, '\r');
    s->cr = c == '\r';
    if (!s->cr)
        line_octet(s, c);
}

/* --- body --- */

/* Canonical octets on their way into the hash: words are short, calls are not for nothing. */
struct pile {
    struct dkim_signer *s;
    size_t n;
    char c[2048];
};

static void pile_flush(struct pile *p)
{
    tls_hash_add(p->s->body, str_of(p->c, p->n));
    p->s->body_size += p->n;
    p->n = 0;
}

static void pile_add(struct pile *p, char c)
{
    if (p->n == sizeof p->c)
        pile_flush(p);
    p->c[p->n++] = c;
}

/* How many octets stand in s that are canonical as they are, so that lines need not be looked at twice: no line end, no white
 * space but single spaces between others. */
static size_t canonical_run(struct str s)
{
    size_t i = 0;
    for (; i < s.n; i++) {
        char c = s.p[i];
        if ((unsigned char)c > ' ')
            continue;
        bool single = c == ' ' && i + 1 < s.n && !is_space(s.p[i + 1]) && s.p[i + 1] != '\r';
        if (c == '\r' || c == '\t' || (c == ' ' && !single))
            break;
    }
    return i;
}

static void pile_add_run(struct pile *p, struct str run)
{
    while (run.n) {
        if (p->n == sizeof p->c)
            pile_flush(p);
        struct str part = str_head(run, sizeof p->c - p->n);
        memcpy(p->c + p->n, part.p, part.n);
        p->n += part.n;
        run = str_skip(run, part.n);
    }
}

static void body_line_end(struct pile *p)
{
    struct dkim_signer *s = p->s;
    s->space = false;
    if (s->content) {
        pile_add(p, '\r');
        pile_add(p, '\n');
    } else {
        s->empty_lines++;
    }
    s->content = false;
}

static void body_octet(struct pile *p, char c)
{
    struct dkim_signer *s = p->s;
    for (; s->empty_lines; s->empty_lines--) {
        pile_add(p, '\r');
        pile_add(p, '\n');
    }
    if (s->space)
        pile_add(p, ' ');
    pile_add(p, c);
    s->space = false;
    s->content = true;
}

static void body_feed(struct dkim_signer *s, struct str piece)
{
    struct pile p = {.s = s, .n = 0};
    for (size_t i = 0; i < piece.n; i++) {
        char c = piece.p[i];
        if (s->cr) {
            s->cr = false;
            if (c == '\n') {
                body_line_end(&p);
                continue;
            }
            body_octet(&p, '\r');
        }
        if (c == '\r') {
            s->cr = true;
        } else if (is_space(c)) {
            s->space = true;
        } else {
            body_octet(&p, c);
            size_t run = canonical_run(str_skip(piece, i + 1));
            pile_add_run(&p, str_of(piece.p + i + 1, run));
            i += run;
        }
    }
    pile_flush(&p);
}

void dkim_sign_feed(struct dkim_signer *s, struct str piece)
{
    size_t i = 0;
    if (s->failed || s->state == DKIM_ENDED)
        return;
    while (i < piece.n && s->state < DKIM_BODY)
        header_octet(s, piece.p[i++]);
    if (i < piece.n)
        body_feed(s, str_skip(piece, i));
}

bool dkim_sign_end(struct dkim_signer *s, const char **why)
{
    if (!s->failed && s->state == DKIM_BODY) {
        struct pile p = {.s = s, .n = 0};
        if (s->cr)
            body_octet(&p, '\r');
        if (s->content)
            body_line_end(&p);
        pile_flush(&p);
    } else if (!s->failed && s->state < DKIM_BODY) {
        field_end(s); /* a message that ends within its header */
    }
    s->failed |= s->signed_fields.full;
    *why = !s->body    ? "no memory"
           : s->failed ? "the header has too many or too long fields"
           : !s->from  ? "there is no From field"
                       : "";
    if (s->failed || !s->from || s->state == DKIM_ENDED)
        return false;
    tls_hash_end(s->body, s->body_hash);
    s->body = NULL;
    s->state = DKIM_ENDED;
    return true;
}
