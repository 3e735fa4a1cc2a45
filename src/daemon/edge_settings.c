// SPDX-License-Identifier: ISC
/* One generation of settings as the machines want them. Sessions hold theirs, so a reload changes nothing for those that are
   under way. */
#include "daemon/edge.h"
#include <stdio.h>
#include <stdlib.h>

static struct smtp_settings smtp_of(const struct config *c, enum smtp_kind kind, bool tls, bool loopback)
{
    bool submission = kind == SMTP_SUBMISSION;

    return (struct smtp_settings){
        .kind = kind,
        .hostname = c->hostname,
        .message_max = c->message_size_max,
        .rcpt_max = (uint32_t)c->recipients_max,
        .error_max = (uint32_t)c->errors_max,
        .bare = c->bare_lf_refuse ? SMTP_BARE_REFUSE : SMTP_BARE_NORMALISE,
        .offer_tls = tls && kind != SMTP_LMTP,
        .login_offered = submission, /* edge-mx has no way to ask keys, and LMTP is local */
        .login_needs_tls = !(loopback && c->cleartext_login_loopback),
        .scram_sha1 = c->scram_sha1,
        .expn_allowed = c->expn,
        .vrfy_allowed = c->vrfy,
        .require_login = submission,
        .add_missing = submission,
        .priority_max = (int)c->priority_most,
        .command_timeout_ms = c->command_timeout_ms,
        .data_timeout_ms = c->data_timeout_ms,
        .greet_delay_ms = kind == SMTP_RELAY ? c->greet_delay_ms : 0,
    };
}

static struct pop3_settings pop3_of(const struct config *c, bool tls, bool loopback)
{
    return (struct pop3_settings){
        .hostname = c->hostname,
        .offer_tls = tls,
        .login_needs_tls = !(loopback && c->cleartext_login_loopback),
        .scram_sha1 = c->scram_sha1,
        .idle_timeout_ms = c->pop3_timeout_ms,
        .error_max = (uint32_t)c->errors_max,
        .expire_days = -1,
        .login_delay_s = (uint32_t)c->login_delay_s,
    };
}

static bool certificates(struct edge *e, struct edge_settings *s, const struct setup *setup, struct why *why)
{
    if (!setup->chains)
        return true;
    s->tls = tls_server_context_new(why);
    if (!s->tls)
        return false;
    for (const struct setup_pem *p = setup->chains; p; p = p->next)
        if (!tls_server_context_add(s->tls, p->pem, p->key, why))
            return false;
    tls_server_context_sign(s->tls, signers_sign, &e->signers);
    if (setup->has_ticket_key)
        tls_server_context_ticket_key(s->tls, setup->ticket_key);
    return true;
}

void edge_settings_ticket_key(struct edge *e, struct str key)
{
    const unsigned char *octets = (const unsigned char *)key.p;

    if (!e || key.n != 80)
        return;
    if (e->settings && e->settings->tls)
        tls_server_context_ticket_key(e->settings->tls, octets);
    if (e->coming && e->coming->tls)
        tls_server_context_ticket_key(e->coming->tls, octets);
}

struct edge_settings *edge_settings_new(struct edge *e, const struct setup *setup, struct why *why)
{
    struct edge_settings *s = calloc(1, sizeof *s);

    if (!s) {
        *why = (struct why){"", "no memory for the settings"};
        return NULL;
    }
    s->holders = 1;
    s->setup = setup_hold(setup);
    if (!certificates(e, s, setup, why)) {
        edge_settings_drop(s);
        return NULL;
    }
    for (int loopback = 0; loopback < 2; loopback++) {
        for (int kind = SMTP_RELAY; kind <= SMTP_LMTP; kind++)
            s->smtp[kind][loopback] = smtp_of(setup->config, (enum smtp_kind)kind, s->tls != NULL, loopback != 0);
        s->pop3[loopback] = pop3_of(setup->config, s->tls != NULL, loopback != 0);
    }
    return s;
}

struct edge_settings *edge_settings_hold(struct edge_settings *s)
{
    s->holders++;
    return s;
}

void edge_settings_drop(struct edge_settings *s)
{
    if (!s || --s->holders > 0)
        return;
    tls_server_context_free(s->tls);
    setup_drop(s->setup);
    free(s);
}
