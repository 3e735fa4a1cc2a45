// SPDX-License-Identifier: ISC
/* What lies in the maildrop: STAT, LIST, UIDL, sent together when the server pipelines.

     client_list ──► stat_said ──► list_said ──lines──► list_done ──► uidl_said ──lines──► client_jobs                        */
#include "pop3/client_inside.h"

static enum next broken(struct pop3_client *c)
{
    return client_end(c, RETRY, "", "the server's list of messages is broken");
}

static enum next uidl_line(struct pop3_client *c, struct str line)
{
    struct pop3_client_state *st = c->state;
    struct str rest = line, number = str_word(&rest), id = str_word(&rest);
    uint64_t n;
    if (!str_to_u64(number, &n) || id.n == 0)
        return broken(c);
    while (st->uidl_at < c->message_count && c->messages[st->uidl_at].number < n)
        st->uidl_at++;
    if (st->uidl_at == c->message_count || c->messages[st->uidl_at].number != n)
        return AGAIN; /* of a message that LIST did not name */
    c->messages[st->uidl_at].uidl = arena_str(c->connection, str_head(id, 70)); /* RFC 1939 7: 70 characters */
    return c->messages[st->uidl_at].uidl.p ? AGAIN : client_end(c, RETRY, "", "no memory for so many messages");
}

static enum next uidl_said(struct pop3_client *c, bool ok, struct str text)
{
    (void)text;
    return ok ? client_lines(c, uidl_line, client_jobs) : client_jobs(c); /* optional: without it messages have no id */
}

static enum next list_done(struct pop3_client *c)
{
    c->message_count = c->state->listed;
    if (c->state->capabilities & HAS_PIPELINING)
        return client_expect(c, uidl_said);
    return client_command(c, "UIDL", uidl_said);
}

static enum next list_line(struct pop3_client *c, struct str line)
{
    struct pop3_client_state *st = c->state;
    struct str rest = line, number = str_word(&rest), size = str_word(&rest);
    uint64_t n, octets;
    if (!str_to_u64(number, &n) || !str_to_u64(size, &octets) || n == 0 || n > UINT32_MAX || st->listed == c->message_count ||
        (st->listed > 0 && n <= c->messages[st->listed - 1].number))
        return broken(c);
    c->messages[st->listed++] = (struct pop3_client_message){(uint32_t)n, octets, STR_NONE};
    return AGAIN;
}

static enum next list_said(struct pop3_client *c, bool ok, struct str text)
{
    return ok ? client_lines(c, list_line, list_done) : client_end_err(c, text, RETRY);
}

static enum next stat_said(struct pop3_client *c, bool ok, struct str text)
{
    uint64_t count, max = c->settings->message_max > 0 ? c->settings->message_max : CLIENT_MESSAGES_MAX;
    if (!ok)
        return client_end_err(c, text, RETRY);
    struct str number = str_word(&text), octets = str_word(&text);
    if (!str_to_u64(number, &count) || !str_to_u64(octets, &c->octets))
        return broken(c);
    if (count > max)
        return client_end(c, REFUSE, "", "the maildrop holds more messages than can be listed");
    c->message_count = (uint32_t)count;
    c->messages = count > 0 ? arena_array(c->connection, c->message_count, sizeof *c->messages) : NULL;
    if (count > 0 && !c->messages)
        return client_end(c, RETRY, "", "no memory for so many messages");
    if (c->state->capabilities & HAS_PIPELINING)
        return client_expect(c, list_said);
    return client_command(c, "LIST", list_said);
}

enum next client_list(struct pop3_client *c)
{
    bool pipelining = c->state->capabilities & HAS_PIPELINING;
    c->state->listed = c->state->uidl_at = 0;
    return client_command(c, pipelining ? "STAT\r\nLIST\r\nUIDL" : "STAT", stat_said);
}
