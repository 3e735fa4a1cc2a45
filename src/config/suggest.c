// SPDX-License-Identifier: ISC
/* "Did you mean": edit distance with swapped neighbours (optimal string alignment), and the words of other mailers. */
#include "config/inside.h"

enum { WORD_MAX = 40 };

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* _ and - are the same, case does not count. */
static char folded(char c)
{
    return c == '_' ? '-' : ascii_lower(c);
}

static unsigned distance(struct str a, struct str b)
{
    unsigned row[3][WORD_MAX + 1];
    if (a.n > WORD_MAX || b.n > WORD_MAX)
        return WORD_MAX;
    for (size_t j = 0; j <= b.n; j++)
        row[0][j] = (unsigned)j;
    for (size_t i = 1; i <= a.n; i++) {
        unsigned *now = row[i % 3], *last = row[(i - 1) % 3], *before = row[(i + 1) % 3];
        now[0] = (unsigned)i;
        for (size_t j = 1; j <= b.n; j++) {
            bool same = folded(a.p[i - 1]) == folded(b.p[j - 1]);
            now[j] = least(least(last[j] + 1, now[j - 1] + 1), last[j - 1] + !same);
            if (i > 1 && j > 1 && folded(a.p[i - 1]) == folded(b.p[j - 2]) && folded(a.p[i - 2]) == folded(b.p[j - 1]))
                now[j] = least(now[j], before[j - 2] + 1);
        }
    }
    return row[a.n % 3][b.n];
}

size_t config_nearest(struct str word, const char *const *words, size_t count, const char *near[2])
{
    unsigned best[2] = {WORD_MAX, WORD_MAX};
    unsigned most = word.n <= 2 ? 1 : word.n <= 5 ? 2 : 3;
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        struct str w = str_c(words[i]);
        unsigned d = distance(word, w);
        bool begins = word.n >= 3 && str_starts_icase(w, word); /* "sub" for "submission" */
        if (begins && d > most)
            d = most;
        if (d > most || d >= w.n || (n && strcmp(near[0], words[i]) == 0)) /* quota stands in two tables */
            continue;
        if (d < best[0]) {
            best[1] = best[0], near[1] = near[0];
            best[0] = d, near[0] = words[i];
            n = n < 2 ? n + 1 : 2;
        } else if (d < best[1]) {
            best[1] = d, near[1] = words[i];
            n = n < 2 ? n + 1 : 2;
        }
    }
    if (n == 2 && best[1] > best[0] + 1) /* only what is about as near */
        n = 1;
    return n;
}

static const struct {
    const char *there, *here;
} synonyms[] = {
    {"myhostname", "in Postfix; here: hostname NAME"},
    {"primary_hostname", "in Exim; here: hostname NAME"},
    {"mydestination", "in Postfix; here: domain NAME, one line for each"},
    {"virtual_mailbox_domains", "in Postfix; here: domain NAME"},
    {"virtual_alias_domains", "in Postfix; here: domain NAME { alias … -> … }"},
    {"virtual_alias_maps", "in Postfix; here: alias lines in domain NAME { }"},
    {"alias_maps", "in Postfix; here: alias lines in domain NAME { }"},
    {"local_domains", "in Exim and chasquid; here: domain NAME"},
    {"domainlist", "in Exim; here: domain NAME"},
    {"mailname", "here: hostname NAME"},
    {"server_name", "here: hostname NAME"},
    {"message_size_limit", "in Postfix and Exim; here: message-size SIZE"},
    {"max-message-size", "here: message-size SIZE"},
    {"mailbox_size_limit", "in Postfix; here: quota SIZE"},
    {"recipient_delimiter", "in Postfix and Dovecot; here: subaddress CHARACTER"},
    {"smtpd_recipient_limit", "in Postfix; here: recipients NUMBER"},
    {"recipients_max", "in Exim; here: recipients NUMBER"},
    {"smtpd_hard_error_limit", "in Postfix; here: errors NUMBER"},
    {"smtpd_client_connection_count_limit", "in Postfix; here: connections-per-client NUMBER"},
    {"smtpd_client_connection_rate_limit", "in Postfix; here: rate-per-client NUMBER"},
    {"smtp_accept_max", "in Exim; here: connections NUMBER"},
    {"smtp_accept_max_per_host", "in Exim; here: connections-per-client NUMBER"},
    {"smtpd_timeout", "in Postfix; here: command-timeout DURATION"},
    {"smtpd_forbid_bare_newline", "in Postfix; here: bare-lf normalise|refuse"},
    {"smtpd_tls_cert_file", "in Postfix; here: tls cert FILE key FILE"},
    {"smtpd_tls_key_file", "in Postfix; here: tls cert FILE key FILE"},
    {"tls_certificate", "in Exim; here: tls cert FILE key FILE"},
    {"ssl_cert", "in Dovecot; here: tls cert FILE key FILE"},
    {"ssl_key", "in Dovecot; here: tls cert FILE key FILE"},
    {"certificate", "here: tls cert FILE key FILE"},
    {"pki", "in OpenSMTPD; here: tls cert FILE key FILE"},
    {"disable_plaintext_auth", "in Dovecot; here: cleartext-login off|loopback"},
    {"auth_allow_cleartext", "in Dovecot; here: cleartext-login off|loopback"},
    {"disable_vrfy_command", "in Postfix; here: vrfy off|on"},
    {"inet_interfaces", "in Postfix; here: listen KIND ADDRESS:PORT"},
    {"daemon_smtp_ports", "in Exim; here: listen smtp PORT"},
    {"port", "here: listen KIND PORT"},
    {"bind", "here: listen KIND ADDRESS:PORT"},
    {"mynetworks", "in Postfix; here nobody may relay without logging in"},
    {"postmaster", "here: admin ADDRESS, or alias postmaster -> … in a domain"},
    {"user", "users are not in this file: penny user add ADDRESS"},
    {"account", "users are not in this file: penny user add ADDRESS"},
    {"password", "passwords are not in this file: penny user passwd ADDRESS"},
};

const char *config_synonym(struct str word)
{
    for (size_t i = 0; i < countof(synonyms); i++)
        if (distance(word, str_c(synonyms[i].there)) == 0)
            return synonyms[i].here;
    return NULL;
}

size_t config_words(const char *block, const char *words[SUGGEST_MAX])
{
    size_t n = 0;
    for (size_t i = 0; i < DIRECTIVE_COUNT; i++) {
        const char *b = config_directives[i].block;
        if ((b == NULL) == (block == NULL) && (!b || strcmp(b, block) == 0))
            words[n++] = config_directives[i].word;
    }
    if (!block)
        for (size_t i = 0; i < CONFIG_SETTING_COUNT; i++)
            words[n++] = config_settings[i].word;
    return n;
}

struct str config_suggest(struct parser *p, struct str word, const char *const *words, size_t count)
{
    const char *near[2];
    const char *synonym = config_synonym(word);
    size_t n = synonym ? 0 : config_nearest(word, words, count, near);
    if (synonym)
        return str_c(synonym);
    if (n == 2)
        return config_format(p, "did you mean '%s' or '%s'?", near[0], near[1]);
    if (n == 1)
        return config_format(p, "did you mean '%s'?", near[0]);
    return STR_NONE;
}
