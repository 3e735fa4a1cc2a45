// SPDX-License-Identifier: ISC
/* What the administrator said: one text file, one table of settings (settings.def) that drives parser, defaults, "did you mean",
   config show/explain, the manual page and completion. Pure: text in, struct config or a list of complaints out. */
#pragma once
#include "base/arena.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/str.h"

enum listen_kind {
    LISTEN_SMTP,
    LISTEN_SUBMISSION,
    LISTEN_SUBMISSIONS,
    LISTEN_LMTP,
    LISTEN_POP3,
    LISTEN_POP3S,
    LISTEN_KIND_COUNT
};
const char *config_listen_word(enum listen_kind k); /* "submissions" */
uint16_t config_listen_port(enum listen_kind k);    /* the registered port; 0 for LMTP */

/* Each thing knows where it was written: file (a path; "" for a default) and line (0 for a default). */
struct config_listen {
    enum listen_kind kind;
    struct str host; /* "127.0.0.1", "::1", "*", or a path for LMTP */
    uint16_t port;
    uint32_t line;
    struct str file;
    struct config_listen *next;
};
struct config_tls {
    struct str cert_path, key_path;
    uint32_t line;
    struct str file;
    struct config_tls *next;
};
/* Names to things; see index.c. */
struct config_index {
    const struct str **slot;
    size_t cap, count;
};
struct config_dns_server {
    struct str address; /* a literal, without brackets */
    uint16_t port;
    struct str zone; /* A-labels; "": for everything */
    uint32_t line;
    struct str file;
    struct config_dns_server *next;
};
/* Where mail for a domain goes when not to its MX. */
enum config_route_kind { CONFIG_ROUTE_SMTP, CONFIG_ROUTE_LMTP, CONFIG_ROUTE_MX };
struct config_route {
    struct str domain;  /* A-labels or a literal; "*.example.org": all below it; "*": every domain; "": not of the configuration */
    enum config_route_kind kind;
    struct str text;    /* as it was written: "smtp://192.0.2.1:25" */
    struct str host;    /* A-labels, or an address without brackets when literal; "" for MX and a path */
    bool literal;
    uint16_t port;      /* 0 for MX and a path */
    struct str path;    /* LMTP over a unix socket */
    bool tls;           /* from the first octet */
    struct str user;    /* "" none */
    struct str secret;  /* path of the file with the password */
    uint32_t line;
    struct str file;
    struct config_route *next;
};
/* "relay for": a domain that we are a backup of, or a network whose clients may send anywhere without a login. */
struct config_relay {
    bool network, v6;
    struct str text;    /* as it was written */
    struct str domain;
    unsigned char ip[16];
    uint32_t bits, line;
    struct str file;
    struct config_relay *next;
};
/* "tls-policy": what is demanded of the way to a domain; each word but the first two is a floor below what the domain publishes. */
enum config_tls_word {
    CONFIG_TLS_AUTO,          /* nothing said: DANE, else MTA-STS, else TLS where offered */
    CONFIG_TLS_NEVER,         /* no TLS, whatever is published */
    CONFIG_TLS_OPPORTUNISTIC, /* TLS where offered; what is published is ignored */
    CONFIG_TLS_REQUIRED,      /* encryption */
    CONFIG_TLS_VERIFY,        /* a certificate of a known authority for the host or the domain; or DANE */
    CONFIG_TLS_DANE,          /* DANE or no delivery */
    CONFIG_TLS_WORDS
};
struct config_tls_policy {
    struct str domain; /* A-labels; "*.example.org": every name below; "*": all others */
    enum config_tls_word word;
    uint32_t line;
    struct str file;
    struct config_tls_policy *next;
};
struct config_alias {
    struct str name;    /* local part, lower case; "*" catch-all */
    struct str *target; /* whole addresses */
    uint32_t target_count;
    uint32_t line;
    struct str file;
    struct config_alias *next;
};
struct config_domain {
    struct str name; /* A-labels */
    uint64_t quota;  /* octets for each account without its own; 0: none */
    bool quota_set;  /* false: the general one */
    struct config_alias *aliases, *last_alias;
    struct config_index alias_index;
    uint32_t line;
    struct str file;
    struct config_domain *next;
};

enum config_setting_id {
#define SETTING(member, kind, word, ...) CONFIG_##member,
#include "config/settings.def"
#undef SETTING
    CONFIG_SETTING_COUNT
};
struct config_source {
    struct str file;
    uint32_t line;
}; /* line 0: the default holds */

struct config {
    struct str path;               /* "" when there is no file */
    struct config_listen *listens; /* without a listen line: the registered ports on every address */
    struct config_tls *tls;        /* none: self-signed */
    struct config_domain *domains, *last_domain;
    struct config_dns_server *dns_servers; /* none: the system's */
    struct str dns_anchor;                 /* a path; "": the keys that are built in */
    bool dns_unvalidated;                  /* "dns validation off" */
    uint32_t dns_anchor_line, dns_validation_line;
    struct str dns_anchor_file, dns_validation_file;
    struct config_route *routes;
    struct config_relay *relays;
    struct config_tls_policy *tls_policies;
    struct config_index domain_index;
    /* one member for each scalar of settings.def, same name: */
    struct str hostname;                 /* "" when not set: the caller asks the kernel */
    struct str admin;                    /* an address; "" none */
    uint64_t message_size_max;           /* 50 MB */
    uint64_t recipients_max;             /* 1,000 */
    uint64_t errors_max;                 /* 20 */
    uint64_t connections_max;            /* all edges together; 10,000 */
    uint64_t connections_per_client_max; /* by address, IPv6 by /64; 100 (loopback: 1,000) */
    uint64_t rate_per_client_max;        /* new connections a minute and client; 0: no limit */
    uint64_t quota;                      /* default of an account; 0: none */
    int64_t command_timeout_ms, data_timeout_ms, greet_delay_ms, pop3_timeout_ms;
    uint64_t login_delay_s;
    bool cleartext_login_loopback; /* "cleartext-login loopback" */
    bool bare_lf_refuse, expn, vrfy, scram_sha1;
    uint64_t priority_most;           /* 0 … 9 */
    uint64_t mx_port;                 /* 25 */
    bool mx_private;
    int64_t retry_first_ms, retry_most_ms, warn_after_ms, give_up_after_ms; /* the queue's schedule */
    char subaddress_separator;        /* '+'; 0: off */
    struct str run_dir, service_user; /* "" when not set */
    uint32_t log_level;               /* enum fact_level */
    struct config_source source[CONFIG_SETTING_COUNT];
};

struct config_complaint {
    uint32_t line, column, length;
    struct str text, hint;
    bool warning;
};
/* Parses text (named path in complaints). Returns NULL when an error was found; complaints are printed into errors in the shape
   of user-experience: place, source line with caret, hint. All problems at once. Everything lives in a; path and text must live
   as long. */
struct config *config_parse(struct arena *a, struct str path, struct str text, struct buf *errors, bool color);
struct config *config_default(struct arena *a); /* no file: hostname from the kernel is the caller's business. NULL: no memory */

/* As config_parse, with "include PATTERN": the index-th file that matches (relative patterns are relative to the including file,
   in order of name). DONE: path and text are set (living as long as a); REFUSE: no more files; RETRY: could not be read, why. */
struct config_reader {
    void *self;
    enum config_read {
        CONFIG_READ_FILE,
        CONFIG_READ_NONE,
        CONFIG_READ_FAILED
    } (*read)(void *self, struct arena *a, struct str from, struct str pattern, uint32_t index, struct str *path,
              struct str *text, struct str *why);
};
struct config *config_load(struct arena *a, struct str path, struct str text, const struct config_reader *reader,
                           struct buf *errors, bool color);
enum {
    CONFIG_FILE_MAX = 1 << 20,
    CONFIG_ARENA = 16 << 20,
    CONFIG_ERRORS_MAX = 256 * 1024,
    CONFIG_INCLUDE_DEPTH = 8,
    CONFIG_FILES_MAX = 1000,
    CONFIG_DNS_SERVERS_MAX = 16
};

/* Look-ups by canonical key; NULL when the file does not say it. */
const struct config_domain *config_domain_find(const struct config *c, struct str name);
const struct config_alias *config_alias_find(const struct config_domain *d, struct str local);
/* The route of a domain (A-labels or "[literal]"): its own, else the longest "*." that it is below, else "*". NULL: by its MX. */
const struct config_route *config_route_find(const struct config *c, struct str domain);
/* What stands behind via, for an operator's word, too. NULL: fine (strings point into text or a); else what is wrong with it. */
const char *config_route_parse(struct arena *a, struct str text, struct config_route *to);
/* What was said about a domain (A-labels), chosen as config_route_find does. NULL: nothing. */
const struct config_tls_policy *config_tls_policy_find(const struct config *c, struct str domain);
const char *config_tls_word_text(enum config_tls_word word); /* "auto", "never" … */
const struct config_relay *config_relay_domain(const struct config *c, struct str domain);
/* client: an address text. */
const struct config_relay *config_relay_client(const struct config *c, struct str client);

/* penny config show: effective value of every setting (or of those that key names) and where it came from. False: no such word.
 */
bool config_show(const struct config *c, struct str key, struct buf *to);
void config_show_json(const struct config *c, struct buf *to); /* NDJSON */
/* penny config explain KEY: what it means, its syntax, default, limits, an example. False: no such word; to gets suggestions. */
bool config_explain(struct str key, struct buf *to);
/* Text for mdoc: a line may not begin with . or ', a backslash is \e, what is not ASCII goes by number. Ends the line. */
void config_mdoc(struct buf *to, const char *text);
/* The generated part of penny.conf(5), mdoc. */
void config_manual(struct buf *to);
/* Every word that may begin a line, for completion; index from 0; NULL at the end. */
const char *config_word(size_t index);

/* "50M", "none": octets; false: not a size. */
bool config_size_of(struct str text, uint64_t *octets);
bool config_duration_of(struct str text, int64_t *ms); /* "90s", "4h", "2d" */
/* Nearest words by edit distance (and synonyms of other mailers, for the configuration's own words): writes at most two to near,
 * returns how many. */
size_t config_nearest(struct str word, const char *const *words, size_t count, const char *near[2]);
