// SPDX-License-Identifier: ISC
/* Addresses, domains and accounts as an operator writes them. */
#include "control/inside.h"

enum step control_address(struct control_session *s, struct str text, struct address *to, struct str *key)
{
    enum address_error e = address_parse(&s->a, text, true, to);
    if (e == ADDRESS_NO_MEMORY)
        return control_no_memory(s);
    if (e != ADDRESS_OK && str_find(text, '@') == text.n)
        return control_end(s, EXIT_USAGE_BAD, "", text, " is not a whole address", "write it like alice@example.org");
    if (e != ADDRESS_OK)
        return control_end(s, EXIT_USAGE_BAD, address_error_text(e), STR_NONE, "", "write the address like alice@example.org");
    if (to->domain.kind != DOMAIN_NAME)
        return control_end(s, EXIT_USAGE_BAD, "", text, " has no domain name", "an account belongs to a domain like example.org");
    *key = address_key(&s->a, to);
    return key->p ? STEP_AGAIN : control_no_memory(s);
}

enum step control_domain(struct control_session *s, struct str text, struct str *name)
{
    struct domain d;
    enum address_error e = domain_parse(&s->a, text, true, &d);
    if (e == ADDRESS_NO_MEMORY)
        return control_no_memory(s);
    if (e != ADDRESS_OK || d.kind != DOMAIN_NAME)
        return control_end(s, EXIT_USAGE_BAD, "", text, " is not a domain name", "write it like example.org");
    *name = d.ascii;
    return STEP_AGAIN;
}

enum step control_account(struct control_session *s, struct str text, struct engine_account *to, struct str *key)
{
    struct address adr;
    enum step n = control_address(s, text, &adr, key);
    if (n != STEP_AGAIN)
        return n;
    if (!engine_account_by_name(s->c->engine, *key, to))
        return control_end(s, EXIT_NO_USER, "there is no user ", *key, "", "penny user ls shows all; penny user add makes one");
    return STEP_AGAIN;
}

enum step control_mailbox(struct control_session *s, struct engine_account *a, struct engine_mailbox *m)
{
    struct str key;
    size_t cursor = 0;
    enum step n = control_account(s, s->name, a, &key);
    if (n != STEP_AGAIN)
        return n;
    struct str folder = control_request_next_arg(s->r, &cursor);
    if (!folder.n || str_eq_icase(folder, S("INBOX")))
        folder = S("INBOX");
    if (!engine_mailbox_by_name(s->c->engine, a->id, folder, m))
        return control_end(s, EXIT_NO, "there is no folder ", folder, "", "");
    return STEP_AGAIN;
}

bool control_domain_known(struct control_session *s, struct str name)
{
    return config_domain_find(s->c->config, name) || engine_domain(s->c->engine, name);
}

struct str control_place(struct control_session *s, struct str file, uint32_t line)
{
    char text[600];
    struct buf b;
    buf_fixed(&b, text, sizeof text - 1);
    buf_add(&b, str_head(file, 500));
    buf_printf(&b, ":%u", line);
    return control_keep(s, buf_str(&b));
}

bool control_in_domain(struct str key, struct str domain)
{
    size_t at = str_find_last(key, '@');
    return domain.n == 0 || (at < key.n && str_eq(str_skip(key, at + 1), domain));
}
