// SPDX-License-Identifier: ISC
/* Addresses as RFC 5321 (envelope), 5322 (headers) and 6531 (internationalised) define them. A struct address or struct domain
   exists only if a parser here made it: nobody else builds one. */
#pragma once
#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"

enum domain_kind { DOMAIN_NAME, DOMAIN_IPV4, DOMAIN_IPV6, DOMAIN_OTHER_LITERAL };

struct domain {
    enum domain_kind kind;
    struct str text;  /* as written, without brackets */
    struct str ascii; /* lower-case A-labels of a DOMAIN_NAME (IDNA 2008, UTS 46 mapping), what is compared and looked up;
                         for literals the canonical text "[192.0.2.1]", "[IPv6:2001:db8::1]" */
};

struct address {
    struct str local;     /* unquoted, unescaped bytes of the local part */
    struct domain domain; /* text.n == 0 only for a bare <postmaster> */
    bool utf8;            /* needs SMTPUTF8: local part or domain as written is not ASCII */
};

enum address_error {
    ADDRESS_OK,
    ADDRESS_EMPTY,
    ADDRESS_SYNTAX,
    ADDRESS_LOCAL_TOO_LONG,
    ADDRESS_DOMAIN_TOO_LONG,
    ADDRESS_BAD_DOMAIN,
    ADDRESS_BAD_LITERAL,
    ADDRESS_BAD_UTF8,
    ADDRESS_NEEDS_UTF8,
    ADDRESS_NO_MEMORY,
};
/* One line in plain words, for a reply: "the local part is longer than 64 octets". */
const char *address_error_text(enum address_error e);

/* The path of MAIL or RCPT, RFC 5321 4.1.2, taken from the front of *rest ("<@a,@b:user@example.org> SIZE=5" → rest " SIZE=5").
   Source routes are parsed and dropped (appendix C, F.2). null_ok: "<>" gives DONE with local.n == domain.text.n == 0
   (reverse-path). bare_ok: <postmaster> in any case without domain. utf8_ok: SMTPUTF8 was asked for. Everything is copied into a.
 */
enum address_error address_parse_path(struct arena *a, struct str *rest, bool null_ok, bool bare_ok, bool utf8_ok,
                                      struct address *to);
/* A bare addr-spec ("user@example.org"), whole slice, envelope grammar. */
enum address_error address_parse(struct arena *a, struct str text, bool utf8_ok, struct address *to);
enum address_error domain_parse(struct arena *a, struct str text, bool utf8_ok, struct domain *to);

/* Canonical envelope form: quoted only when it must be; domain as written or, if ascii, as A-labels. Without <>. */
void address_print(struct buf *to, const struct address *adr, bool ascii);
/* The key under which a mailbox is found: local part lower-cased (ASCII) and, when utf8, NFC, '@', domain.ascii. */
struct str address_key(struct arena *a, const struct address *adr);
bool address_is_null(const struct address *adr);
bool address_is_postmaster(const struct address *adr); /* local part "postmaster" in any case */
/* Sub-addressing, RFC 5233: user+detail. base gets the local part up to the first separator, detail what follows; false: none. */
bool address_split(const struct address *adr, char separator, struct str *base, struct str *detail);

/* Header fields, RFC 5322 3.4 with obs- forms, comments, groups, encoded words in phrases. */
struct header_address {
    struct str name; /* decoded display name, UTF-8 */
    struct address adr;
    bool group_start, group_end;
};
/* Calls each for every mailbox; broken parts are skipped. Returns the number found; a limits memory. */
size_t address_list_parse(struct arena *a, struct str value, void (*each)(void *to, const struct header_address *h), void *to);
