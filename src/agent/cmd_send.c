// SPDX-License-Identifier: ISC
/* penny send: over submission with a remembered account, or as a user of the store on this machine (--as). */
#include "agent/mailer.h"
#include "agent/outgoing.h"
#include "base/encode.h"

struct sending {
    struct agent *g;
    struct outgoing o;
    struct smtp_client_message m;
    int status;
    bool broken;
};

/* ---- over the network ---- */

static bool begin(void *self, const struct smtp_caps *offers)
{
    struct sending *x = self;
    (void)offers;
    x->status = outgoing_begin(x->g, &x->o);
    return x->status < 0;
}

static int body(void *self, struct buf *to)
{
    struct sending *x = self;
    int n = outgoing_body(&x->o, to);
    x->broken |= n < 0;
    return n;
}

/* The id that a penny server ends its reply with; empty for other servers. */
static struct str id_in(struct str reply)
{
    struct str rest = str_trim(reply), word = STR_NONE, w;
    uint64_t id;
    while ((w = str_word(&rest)).n)
        word = w;
    return word.n >= 5 && word.n <= 13 && id_parse(word, &id) ? word : STR_NONE;
}

static void json_result(const struct sending *x, struct str id, const char *server)
{
    struct buf b;
    struct json_writer w;
    buf_init(&b, 4 << 20);
    json_begin(&w, &b);
    json_object(&w, NULL);
    json_num(&w, "v", 1);
    json_str(&w, "id", id);
    json_str(&w, "message_id", compose_message_id(x->o.composer));
    json_str(&w, "server", str_c(server));
    json_str(&w, "reply", x->m.result.text);
    json_num(&w, "size", (int64_t)x->o.written);
    json_array(&w, "recipients");
    for (uint32_t i = 0; i < x->m.rcpt_count; i++) {
        const struct smtp_client_rcpt *r = &x->m.rcpt[i];
        json_object(&w, NULL);
        json_str(&w, "address", r->address);
        json_bool(&w, "accepted", r->result.outcome == DONE);
        json_num(&w, "code", r->result.code);
        json_str(&w, "reply", r->result.text);
        json_end(&w);
    }
    json_end(&w);
    json_end(&w);
    buf_add_byte(&b, '\n');
    agent_print_raw(buf_str(&b));
    buf_free(&b);
}

static int said(const struct smtp_result *r, const char *address)
{
    int status = r->outcome == RETRY ? TRY_LATER : strcmp(r->status, "5.1.1") == 0 ? NO_SUCH_USER : ANSWER_NO;
    return agent_fail(status, NULL, "%s: %s%u%s%s%s %.*s", address, r->code ? "" : "(not asked) ", r->code, *r->status ? " " : "",
                      r->status, "", STR_ARG(r->text));
}

static int report(struct agent *g, const struct sending *x, const struct endpoint *to)
{
    uint32_t accepted = 0;
    int status = DONE_OK;
    for (uint32_t i = 0; i < x->m.rcpt_count; i++) {
        const struct smtp_result *r = &x->m.rcpt[i].result;
        if (r->outcome == DONE)
            accepted++;
        else
            status = said(r, agent_c(&g->a, x->m.rcpt[i].address));
    }
    struct str id = id_in(x->m.result.text);
    if (g->json) {
        json_result(x, id, to->host);
    } else if (accepted) {
        if (id.n)
            printf("%s%.*s%s", agent_paint(g, "\033[1m"), STR_ARG(id), agent_paint(g, "\033[0m"));
        else
            agent_print(x->m.result.text);
        printf("  accepted by %s for %u recipient%s, %.*s\n", to->host, accepted, accepted == 1 ? "" : "s",
               STR_ARG(agent_size_text(&g->a, x->o.written)));
    }
    if (!accepted && x->m.result.outcome != DONE && x->m.result.text.n && status == DONE_OK)
        status = said(&x->m.result, to->host);
    if (accepted && status != DONE_OK)
        return agent_flush(ANSWER_NO);
    return agent_flush(status);
}

static int send_by_account(struct agent *g)
{
    struct account a;
    struct sending x = {.g = g, .status = -1};
    int status = account_choose(g, &a);
    if (status >= 0)
        return status;
    if (!a.has_submission)
        return agent_fail(BAD_CONFIG, "penny account add ADDRESS --submission HOST --pop3 HOST",
                          "where %.*s hands mail in is not remembered", STR_ARG(a.address));
    status = outgoing_make(g, &x.o, a.address, a.name);
    if (status >= 0)
        return status;
    bool utf8 = compose_needs_utf8(&x.o.c);
    x.o.c.utf8 = utf8;
    x.m = (struct smtp_client_message){
        .from = outgoing_address(g, &x.o.c.from.adr, utf8), .smtputf8 = utf8, .rcpt_count = x.o.envelope_count};
    x.m.rcpt = arena_array(&g->a, x.o.envelope_count, sizeof *x.m.rcpt);
    if (!x.m.rcpt)
        return agent_fail(IO_ERROR, NULL, "no memory");
    for (uint32_t i = 0; i < x.o.envelope_count; i++)
        x.m.rcpt[i].address = outgoing_address(g, x.o.envelope[i], utf8);
    if (g->dry_run) {
        agent_note(g, "would send to %u recipient%s by %s:%u", x.m.rcpt_count, x.m.rcpt_count == 1 ? "" : "s", a.submission.host,
                   a.submission.port);
        return DONE_OK;
    }
    struct trust t = account_trust(g, a.submission_pin, a.trust_file);
    struct submission s = {&x.m, begin, body, &x};
    status = submit(g, &a, &t, &s);
    outgoing_end_progress(&x.o);
    if (status >= 0 || x.status >= 0)
        return status >= 0 ? status : x.status;
    return x.broken ? IO_ERROR : report(g, &x, &a.submission);
}

/* ---- on the store of this machine ---- */

static void on_line(void *self, struct str line)
{
    struct sending *x = self;
    struct agent *g = x->g;
    if (g->json) {
        agent_print_raw(line);
        putchar('\n');
        return;
    }
    const struct json *j = json_parse(&g->a, line), *failed = j ? json_get(j, "failed") : NULL;
    if (!j)
        return;
    printf("%s%.*s%s  ", agent_paint(g, "\033[1m"), STR_ARG(json_get_str(j, "id")), agent_paint(g, "\033[0m"));
    printf("delivered to %lld, queued for %lld, %.*s\n", (long long)json_get_num(j, "delivered", 0),
           (long long)json_get_num(j, "queued", 0), STR_ARG(agent_size_text(&g->a, (uint64_t)json_get_num(j, "size", 0))));
    for (const struct json *f = failed ? failed->child : NULL; f; f = f->next)
        (void)agent_fail(0, NULL, "%.*s: %.*s", STR_ARG(json_get_str(f, "address")), STR_ARG(json_get_str(f, "why")));
}

static int send_as(struct agent *g, const char *as)
{
    struct sending x = {.g = g, .status = -1};
    struct control_replies replies = {&x, on_line, NULL, NULL};
    struct control_end end;
    struct control_request *r = agent_request(g, CONTROL_MAIL_SEND);
    int status = outgoing_make(g, &x.o, str_c(as), STR_NONE);
    if (status >= 0)
        return status;
    bool utf8 = compose_needs_utf8(&x.o.c);
    x.o.c.utf8 = utf8;
    r->num[1] = utf8;
    bool fits = control_request_name(r, str_c(as)) && control_request_arg(r, outgoing_address(g, &x.o.c.from.adr, utf8));
    for (uint32_t i = 0; i < x.o.envelope_count && fits; i++)
        fits = control_request_arg(r, outgoing_address(g, x.o.envelope[i], utf8));
    if (!fits)
        return agent_fail(BAD_USAGE, "send it to an alias", "that are too many recipients for one command");
    status = outgoing_begin(g, &x.o);
    if (status < 0)
        status = agent_open(g, false);
    if (status >= 0)
        return status;
    agent_ask_raw(g, r, g->dry_run ? NULL : body, &x, &replies, &end);
    outgoing_end_progress(&x.o);
    return x.broken ? IO_ERROR : agent_flush(agent_end(g, &end));
}

int agent_do_send(struct agent *g)
{
    const char *as = agent_option(g, OPTION_AS);
    if (as && agent_has(g, OPTION_ACCOUNT))
        return agent_fail(BAD_USAGE, NULL, "--as and --account exclude each other");
    return as ? send_as(g, as) : send_by_account(g);
}
