/* SPDX-License-Identifier: ISC */
/* What the administrator said: one text file, one table of settings (settings.def) that drives parser, defaults, "did you mean", config show/explain,
   the manual page and completion. Pure: text in, struct config or a list of complaints out. */
#pragma once
#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"

enum listen_kind { LISTEN_SMTP, LISTEN_SUBMISSION, LISTEN_SUBMISSIONS, LISTEN_LMTP, LISTEN_POP3, LISTEN_POP3S };
struct config_listen { enum listen_kind kind; struct str host; /* "127.0.0.1", "::1", "*", or a path for LMTP */ uint16_t port; uint32_t line; struct config_listen *next; };
struct config_tls { struct str cert_path, key_path; uint32_t line; struct config_tls *next; };
struct config_alias { struct str name; /* local part, lower case; "*" catch-all */ struct str *target; uint32_t target_count; uint32_t line; struct config_alias *next; };
struct config_domain { struct str name; /* A-labels */ uint64_t quota; /* octets for each account without its own; 0: none */ struct config_alias *aliases; uint32_t line; struct config_domain *next; };

struct config {
    struct str path;               /* "" when there is no file */
    struct str hostname;
    struct config_listen *listens;
    struct config_tls *tls;        /* none: self-signed */
    struct config_domain *domains;
    /* one member for each scalar of settings.def, same name: */
    uint64_t message_size_max;     /* 50 MB */
    uint64_t recipients_max;       /* 1,000 */
    uint64_t errors_max;           /* 20 */
    uint64_t connections_max;      /* all edges together; 10,000 */
    uint64_t connections_per_client_max; /* by address, IPv6 by /64; 100 (loopback: 1,000) */
    uint64_t rate_per_client_max;  /* new connections a minute and client; 0: no limit */
    uint64_t quota;                /* default of an account; 0: none */
    int64_t command_timeout_ms, data_timeout_ms, greet_delay_ms, pop3_timeout_ms;
    uint64_t login_delay_s;
    bool cleartext_login_loopback; /* "cleartext-login loopback" */
    bool bare_lf_refuse, expn, vrfy, scram_sha1;
    char subaddress_separator;     /* '+'; 0: off */
    struct str run_dir, service_user;
    /* further settings: see settings.def */
};

struct config_complaint { uint32_t line, column, length; struct str text, hint; bool warning; };
/* Parses text (named path in complaints). Returns NULL when an error was found; complaints are printed into errors in the shape of
   user-experience: place, source line with caret, hint. All problems at once. Everything lives in a. */
struct config *config_parse(struct arena *a, struct str path, struct str text, struct buf *errors, bool color);
struct config *config_default(struct arena *a); /* no file: hostname from the kernel is the caller's business */
