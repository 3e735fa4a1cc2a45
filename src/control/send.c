// SPDX-License-Identifier: ISC
/* penny send on the server's own store: a whole message and its recipients go through the same routing as any other.

       REQUEST ─► recipients are routed (one refused: nothing is sent) ─► DATA … END ─► body ─► OP_ACCEPT ─► LINE, DONE  */
#include "base/clock.h"
#include "base/encode.h"
#include "control/inside.h"
#include "message/trace.h"

struct sending {
    struct str sender, account;
    struct op_rcpt *rcpts;
    struct op_delivery *deliveries;
    struct op_queued *queued;
    uint32_t rcpt_count, delivery_count, queued_count, delivery_cap, queued_cap;
    const struct route_failure *failures;
    uint64_t size;
};

/* Room for n more in one of the lists; false: no memory. */
static bool grow(struct control_session *s, void **list, uint32_t count, uint32_t *cap, uint32_t n, size_t size)
{
    if (count + n <= *cap)
        return true;
    uint32_t more = (count + n) * 2 + 16;
    void *p = arena_array(&s->a, more, size);
    if (!p)
        return false;
    if (count)
        memcpy(p, *list, count * size);
    *list = p;
    *cap = more;
    return true;
}

static struct str prefix(struct control_session *s, const struct sending *w, struct str key)
{
    struct buf b;
    struct address from;
    char text[PATH_MAX_MAIL * 6];
    buf_fixed(&b, text, sizeof text);
    if (address_parse(&s->a, w->sender, true, &from) == ADDRESS_OK)
        trace_return_path(&b, &from);
    trace_delivered_to(&b, key);
    return control_keep(s, buf_str(&b));
}

/* Two recipients that lead to the same place put one copy there. */
static bool is_there(const struct sending *w, const struct route_target *t)
{
    for (uint32_t i = 0; i < w->delivery_count && t->kind == ROUTE_LOCAL; i++)
        if (w->deliveries[i].account == t->account && str_eq_icase(w->deliveries[i].folder, t->folder))
            return true;
    for (uint32_t i = 0; i < w->queued_count && t->kind == ROUTE_REMOTE; i++)
        if (str_eq(w->queued[i].address, t->address))
            return true;
    return false;
}

static enum step add_targets(struct control_session *s, struct sending *w, const struct route_result *r)
{
    void *deliveries = w->deliveries, *queued = w->queued;
    bool ok = grow(s, &deliveries, w->delivery_count, &w->delivery_cap, r->target_count, sizeof *w->deliveries) &&
              grow(s, &queued, w->queued_count, &w->queued_cap, r->target_count, sizeof *w->queued);
    if (!ok)
        return control_no_memory(s);
    w->deliveries = deliveries;
    w->queued = queued;
    for (const struct route_target *t = r->targets; t; t = t->next) {
        if (is_there(w, t))
            continue;
        if (t->kind == ROUTE_LOCAL) {
            struct op_delivery d = {
                .account = t->account, .folder = t->folder, .prefix = prefix(s, w, t->key), .rcpt = w->rcpt_count};
            if (!d.prefix.p)
                return control_no_memory(s);
            w->deliveries[w->delivery_count++] = d;
        } else {
            w->queued[w->queued_count++] = (struct op_queued){.address = t->address, .rcpt = w->rcpt_count};
        }
    }
    return STEP_AGAIN;
}

static enum step one_recipient(struct control_session *s, struct sending *w, const struct route_facts *f, struct str word)
{
    struct address adr;
    enum address_error e = address_parse(&s->a, word, true, &adr);
    if (e == ADDRESS_NO_MEMORY)
        return control_no_memory(s);
    if (e != ADDRESS_OK)
        return control_end(s, EXIT_USAGE_BAD, "", word, " is not an address", address_error_text(e));
    struct route_result r = route_resolve(&s->a, f, &adr, true, 0, NULL);
    if (r.outcome != DONE)
        return control_end(s, r.outcome == RETRY ? EXIT_LATER : EXIT_NO_USER, "", word, " is not reached; nothing was sent",
                           r.why.text);
    if (r.failures)
        w->failures = r.failures;
    enum step n = add_targets(s, w, &r);
    if (n == STEP_AGAIN)
        w->rcpts[w->rcpt_count++] = (struct op_rcpt){.address = control_keep(s, word), .orcpt = S("")};
    return n;
}

static enum step accepted(struct control_session *s)
{
    struct sending *w = s->work;
    if (s->answer.outcome != DONE)
        return control_finish(s);
    if (s->c->hooks.accepted)
        s->c->hooks.accepted(s->c->hooks.self, &s->op.accept);
    struct json_writer out = control_line_begin(s);
    control_id(&out, "id", s->op.accept.id);
    json_str(&out, "from", w->sender);
    json_num(&out, "size", (int64_t)w->size);
    json_num(&out, "delivered", w->delivery_count);
    json_num(&out, "queued", w->queued_count);
    json_array(&out, "failed");
    uint64_t failed = 0;
    for (uint32_t i = 0; i < w->delivery_count && failed < 100; i++)
        if (w->deliveries[i].outcome != DONE) {
            json_object(&out, NULL);
            json_str(&out, "address", w->rcpts[w->deliveries[i].rcpt].address);
            json_str(&out, "why", str_c(w->deliveries[i].why.text));
            json_end(&out);
            failed++;
        }
    for (const struct route_failure *f = w->failures; f && failed < 100; f = f->next, failed++) {
        json_object(&out, NULL);
        json_str(&out, "address", f->address);
        json_str(&out, "why", str_c(f->why.text));
        json_end(&out);
    }
    json_end(&out);
    if (!control_line_end(s, &out))
        return STEP_ROOM;
    return failed ? control_end(s, EXIT_NO, "not everybody was reached", STR_NONE, "", "") : control_ok(s);
}

static enum step commit(struct control_session *s)
{
    struct sending *w = s->work;
    struct buf trace;
    char text[2048];
    uint64_t id = s->c->hooks.next_id(s->c->hooks.self);
    struct id_text word = id_text(id);
    body_ref body = engine_body_end(s->c->engine, s->body);
    s->body = NULL;
    if (!body)
        return control_end(s, EXIT_DISK, "the message cannot be stored", STR_NONE, "", "penny status, penny store stat");
    buf_fixed(&trace, text, sizeof text);
    struct trace_received t = {.helo = S("localhost"),
                               .client_ip = S("unix"),
                               .by = s->c->config->hostname,
                               .id = str_c(word.c),
                               .auth = true,
                               .esmtp = true,
                               .unix_ms = clock_unix_ms()};
    trace_received(&trace, &t);
    struct str kept = control_keep(s, buf_str(&trace));
    if (!kept.p) {
        engine_body_drop(s->c->engine, body);
        return control_no_memory(s);
    }
    s->op = (struct op){.kind = OP_ACCEPT};
    s->op.accept = (struct op_accept){.id = id,
                                      .received_ms = t.unix_ms,
                                      .connected_ms = t.unix_ms,
                                      .mail_ms = t.unix_ms,
                                      .data_ms = t.unix_ms,
                                      .from = w->sender,
                                      .auth_user = w->account,
                                      .client = S("local"),
                                      .helo = S("localhost"),
                                      .trace = kept,
                                      .body = body,
                                      .body_size = w->size,
                                      .body_type = (uint32_t)s->r->num[0],
                                      .smtputf8 = !(s->r->num[1] == 0),
                                      .rcpts = w->rcpts,
                                      .rcpt_count = w->rcpt_count,
                                      .deliveries = w->deliveries,
                                      .delivery_count = w->delivery_count,
                                      .queued = w->queued,
                                      .queued_count = w->queued_count,
                                      .kind = S("agent")};
    return control_submit(s, accepted);
}

static enum step take_data(struct control_session *s)
{
    enum control_frame kind;
    struct str payload;
    struct why why = {"", ""};
    struct sending *w = s->work;
    switch (control_frame_take(&s->in, &kind, &payload)) {
    case CONTROL_TAKE_MORE:
        return STEP_INPUT;
    case CONTROL_TAKE_BROKEN:
        s->broken = true;
        return STEP_END;
    case CONTROL_TAKE_FRAME:
        break;
    }
    if (kind == CONTROL_FRAME_END)
        return w->size ? commit(s) : control_end(s, EXIT_DATA, "the message is empty", STR_NONE, "", "");
    if (kind != CONTROL_FRAME_DATA) {
        s->broken = true;
        return STEP_END;
    }
    if (w->size + payload.n > s->c->config->message_size_max)
        return control_end(s, EXIT_DATA, "the message is larger than this server takes", STR_NONE, "",
                           "message-size in the configuration says how much: penny config show message-size");
    while (payload.n) {
        struct str piece = str_head(payload, BODY_PIECE_MAX);
        enum outcome o = engine_body_add(s->c->engine, s->body, piece, &why);
        if (o != DONE)
            return control_outcome(s, o, &why);
        w->size += piece.n;
        payload = str_skip(payload, piece.n);
    }
    return STEP_AGAIN;
}

/* The account, and args[0]: the sender if it is not the account's own name, which the account must own. */
enum step control_do_MAIL_SEND(struct control_session *s)
{
    struct engine_account a;
    struct str word;
    size_t cursor = 0;
    struct address from;
    struct sending *w = arena_new(&s->a, struct sending);
    struct route_facts facts = control_route_facts(s->c->engine, s->c->config);
    if (!w)
        return control_no_memory(s);
    enum step n = control_account(s, s->name, &a, &w->account);
    if (n != STEP_AGAIN)
        return n;
    struct str sender = control_request_next_arg(s->r, &cursor), key;
    n = control_address(s, sender.n ? sender : w->account, &from, &key);
    if (n != STEP_AGAIN)
        return n;
    w->sender = control_keep(s, sender.n ? sender : w->account);
    w->rcpts = arena_array(&s->a, s->r->args_n + 1, sizeof *w->rcpts);
    if (!w->rcpts || !w->sender.p)
        return control_no_memory(s);
    if (a.suspended)
        return control_end(s, EXIT_NOT_ALLOWED, "the account ", w->account, " is suspended",
                           "penny user suspend --off ADDRESS ends that");
    if (!route_owns(&s->a, &facts, w->account, &from))
        return control_end(s, EXIT_NOT_ALLOWED, "", w->account, " may not send as that address",
                           "a user may send as the own name, its tags, and aliases that lead there");
    while ((word = control_request_next_arg(s->r, &cursor)).p)
        if ((n = one_recipient(s, w, &facts, word)) != STEP_AGAIN)
            return n;
    if (!w->rcpt_count)
        return control_end(s, EXIT_USAGE_BAD, "nobody to send it to", STR_NONE, "", "");
    if (s->r->flags & CONTROL_DRY_RUN)
        return control_end(s, 0, "would send it", STR_NONE, "", "");
    s->body = engine_body_begin(s->c->engine);
    if (!s->body)
        return control_no_memory(s);
    s->work = w;
    s->step = take_data;
    return STEP_AGAIN;
}
