// SPDX-License-Identifier: ISC
/* Requests and frames: u32 kind, u32 length, payload; native byte order, both ends are this program on this machine. */
#include "control/control.h"

static const struct {
    const char *word;
    bool changes;
} verbs[CONTROL_VERB_COUNT] = {
#define VERB(id, word, change) {word, change},
#include "control/verbs.def"
#undef VERB
};

const char *control_verb_word(uint32_t verb)
{
    return verb < CONTROL_VERB_COUNT ? verbs[verb].word : "?";
}

void control_request_init(struct control_request *r, enum control_verb verb)
{
    memset(r, 0, sizeof *r);
    r->version = CONTROL_VERSION;
    r->verb = (uint32_t)verb;
}

static bool plain(struct str s)
{
    return str_find(s, '\0') == s.n;
}

bool control_request_name(struct control_request *r, struct str name)
{
    if (name.n > sizeof r->name || !plain(name))
        return false;
    if (name.n)
        memcpy(r->name, name.p, name.n);
    r->name_n = (uint32_t)name.n;
    return true;
}

bool control_request_arg(struct control_request *r, struct str word)
{
    if (word.n + 1 > sizeof r->args - r->args_n || !plain(word))
        return false;
    if (word.n)
        memcpy(r->args + r->args_n, word.p, word.n);
    r->args_n += (uint32_t)word.n;
    r->args[r->args_n++] = 0;
    return true;
}

bool control_request_secret(struct control_request *r, struct str secret)
{
    if (secret.n > sizeof r->secret || !plain(secret))
        return false;
    if (secret.n)
        memcpy(r->secret, secret.p, secret.n);
    r->secret_n = (uint32_t)secret.n;
    return true;
}

struct str control_request_next_arg(const struct control_request *r, size_t *cursor)
{
    struct str rest = str_skip(str_of(r->args, r->args_n), *cursor);
    if (rest.n == 0)
        return STR_NONE;
    struct str word = str_head(rest, str_find(rest, '\0'));
    *cursor += word.n + 1;
    return word;
}

void control_frame_add(struct buf *to, enum control_frame kind, struct str payload)
{
    uint32_t head[2] = {(uint32_t)kind, (uint32_t)payload.n};
    if (payload.n > CONTROL_FRAME_MAX || buf_room(to) < sizeof head + payload.n) {
        to->full = true;
        return;
    }
    buf_add(to, str_of(head, sizeof head));
    buf_add(to, payload);
}

void control_frame_request(struct buf *to, const struct control_request *r)
{
    control_frame_add(to, CONTROL_FRAME_REQUEST, str_of(r, offsetof(struct control_request, args) + r->args_n));
}

enum control_take control_frame_take(struct buf *in, enum control_frame *kind, struct str *payload)
{
    uint32_t head[2];
    struct str have = buf_str(in);
    if (have.n < sizeof head)
        return CONTROL_TAKE_MORE;
    memcpy(head, have.p, sizeof head);
    if (head[0] < CONTROL_FRAME_REQUEST || head[0] > CONTROL_FRAME_DONE || head[1] > CONTROL_FRAME_MAX)
        return CONTROL_TAKE_BROKEN;
    if (have.n - sizeof head < head[1])
        return CONTROL_TAKE_MORE;
    *kind = (enum control_frame)head[0];
    *payload = str_of(have.p + sizeof head, head[1]);
    buf_consume(in, sizeof head + head[1]);
    return CONTROL_TAKE_FRAME;
}
