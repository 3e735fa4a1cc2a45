// SPDX-License-Identifier: ISC
/* Enhanced status codes in plain words (RFC 3463, the IANA registry), and the sentences for a person. */
#include "base/utf8.h"
#include "message/date.h"
#include "message/dsn_inside.h"
#include "message/inside.h"

static const struct {
    const char *code, *words, *advice;
} statuses[] = {
    {"1.0", "something is wrong with the address", "Check the address."},
    {"1.1", "there is no such mailbox", "Check the spelling of the address, then send the message again."},
    {"1.2", "there is no such domain, or it takes no mail", "Check what stands behind the @, then send the message again."},
    {"1.3", "the address is not written as an address must be", "Check the spelling of the address."},
    {"1.4", "the address means more than one mailbox", "Ask the recipient for an exact address."},
    {"1.6", "the mailbox has moved and left no address", "Ask the recipient for the new address by another way."},
    {"1.7", "the sender's address is not written as an address must be", "Check the sender's address in your mail program."},
    {"1.8", "the sender's domain does not exist", "Check the sender's address in your mail program."},
    {"1.9", "the message was handed on to a system that sends no such notices", NULL},
    {"1.10", "the domain says that it takes no mail", "Ask the recipient for another address."},
    {"2.0", "something is wrong with the mailbox", "Try again later, or tell the recipient by another way."},
    {"2.1", "the mailbox is switched off and takes no mail", "Tell the recipient by another way."},
    {"2.2", "the mailbox is full", "Tell the recipient by another way, and send the message again later."},
    {"2.3", "the message is larger than the mailbox takes", "Send a smaller message, or share the attachment by another way."},
    {"2.4", "a mailing list could not be expanded", "Tell the owner of the list."},
    {"3.1", "the recipient's system has no room for messages", "Send the message again later."},
    {"3.2", "the recipient's system takes no mail at the moment", "Send the message again later."},
    {"3.4", "the message is larger than the recipient's system takes",
     "Send a smaller message, or share the attachment by another way."},
    {"3.5", "the recipient's system is set up wrongly", "Tell the recipient by another way."},
    {"4.1", "the recipient's system did not answer", "Send the message again later."},
    {"4.2", "the connection to the recipient's system broke", "Send the message again later."},
    {"4.3", "a directory that was needed did not answer", "Send the message again later."},
    {"4.4", "no way to the recipient's system was found", "Check what stands behind the @ of the address."},
    {"4.5", "the mail system has too much to do", "Send the message again later."},
    {"4.6", "the message went round in a circle", "Tell the postmaster of the recipient's domain."},
    {"4.7", "the message waited too long", "Send the message again, or tell the recipient by another way."},
    {"5.1", "the two mail systems did not understand each other", "Tell your postmaster."},
    {"5.2", "the two mail systems did not understand each other", "Tell your postmaster."},
    {"5.3", "the message has too many recipients", "Send it to fewer recipients at a time."},
    {"6.1", "the recipient's system does not take this kind of content", "Send it in another form."},
    {"6.7", "the recipient's system cannot take addresses that are not ASCII",
     "Ask the recipient for an address of plain letters."},
    {"6.9", "the recipient's system cannot take headers that are not ASCII",
     "Ask the recipient for an address of plain letters."},
    {"7.0", "the recipient's system refused the message by its rules", "Tell the recipient by another way."},
    {"7.1", "the recipient's system refused the message by its rules",
     "If you think that this is wrong, tell the recipient by another way."},
    {"7.2", "the sender may not write to this list", "Ask the owner of the list."},
    {"7.4", "the message needs a protection that the recipient's system does not have", "Tell the recipient by another way."},
    {"7.5", "the way to the recipient's system is not as well protected as it has to be", "Tell the recipient by another way."},
    {"7.8", "the login was refused", "Check user name and password in your mail program."},
    {"7.10", "the connection must be encrypted", "Check the settings of your mail program."},
    {"7.20", "the message carries no valid DKIM signature", "Tell your postmaster."},
    {"7.23", "the sender's domain does not allow this system to send (SPF)", "Tell your postmaster."},
    {"7.25", "the sending system's name and address do not fit together", "Tell your postmaster."},
    {"7.26", "the message failed several checks of where it comes from", "Tell your postmaster."},
    {"7.30", "the message may only go over protected ways, and no way to the recipient's system is", "Send it without demanding TLS, or tell the recipient by another way."},
    {"7.27", "the sender's domain says that it takes no mail", "Check the sender's address in your mail program."},
};

static int find_status(struct str status)
{
    struct str detail = str_skip(status, str_find(status, '.') + 1);
    for (size_t i = 0; i < countof(statuses); i++)
        if (str_eq(detail, str_c(statuses[i].code)))
            return (int)i;
    return -1;
}

const char *dsn_status_words(struct str status)
{
    int i = find_status(status);
    if (i >= 0)
        return statuses[i].words;
    if (status.n == 0)
        return "no reason was given";
    return status.p[0] == '2'   ? "all is well"
           : status.p[0] == '4' ? "something is wrong for the moment"
                                : "the mail system refused the message";
}

const char *dsn_action_name(enum dsn_action action)
{
    switch (action) {
    case DSN_FAILED:
        return "failed";
    case DSN_DELAYED:
        return "delayed";
    case DSN_DELIVERED:
        return "delivered";
    case DSN_RELAYED:
        return "relayed";
    case DSN_EXPANDED:
        return "expanded";
    }
    return "failed";
}

struct str dsn_status(const struct dsn_recipient *r)
{
    if (r->status.n)
        return r->status;
    return r->action == DSN_FAILED ? S("5.0.0") : r->action == DSN_DELAYED ? S("4.0.0") : S("2.0.0");
}

/* ---- the text ---- */

/* A line of ours or of others: controls away, long ones wrapped with an indent. */
static void add_line(struct dsn_out *o, struct str indent, struct str s)
{
    char storage[512];
    struct buf line;
    s = str_trim(str_head(s, DSN_FIELD_MAX));
    do {
        size_t room = 76 - indent.n, n = s.n;
        if (n > room) {
            n = room;
            while (n > 0 && s.p[n] != ' ')
                n--;
            for (n = n ? n : room; n > 1 && ((unsigned char)s.p[n] & 0xc0) == 0x80;)
                n--;
        }
        buf_fixed(&line, storage, sizeof storage);
        buf_add(&line, indent);
        for (size_t i = 0, used; i < n; i += used) {
            uint32_t c = utf8_next(str_of(s.p + i, n - i), &used);
            utf8_add(&line, c < 0x20 || c == 0x7f ? ' ' : c); /* what is not UTF-8 becomes U+FFFD */
        }
        buf_add(&line, S("\r\n"));
        dsn_add(o, buf_str(&line));
        s = str_trim(str_skip(s, n));
    } while (s.n > 0);
}

static void add_fact(struct dsn_out *o, const char *before, struct str s, struct str indent)
{
    char storage[1200];
    struct buf b;
    buf_fixed(&b, storage, sizeof storage);
    buf_add_c(&b, before);
    buf_add(&b, str_head(s, DSN_FIELD_MAX));
    add_line(o, indent, buf_str(&b));
}

static void add_date(struct dsn_out *o, const char *before, int64_t unix_ms, struct str indent)
{
    char storage[64];
    struct buf b;
    buf_fixed(&b, storage, sizeof storage);
    date_print(&b, unix_ms, 0);
    add_fact(o, before, buf_str(&b), indent);
}

static const char *headline(enum dsn_action action, bool one)
{
    switch (action) {
    case DSN_FAILED:
        return one ? "Your message was not delivered to this recipient:" : "Your message was not delivered to these recipients:";
    case DSN_DELAYED:
        return one ? "Your message is still waiting to be delivered to this recipient. We keep trying; you need do nothing."
                   : "Your message is still waiting to be delivered to these recipients. We keep trying; you need do nothing.";
    case DSN_DELIVERED:
        return one ? "Your message was delivered to this recipient:" : "Your message was delivered to these recipients:";
    case DSN_RELAYED:
        return one ? "Your message was passed on to a system that may send no further notice, for this recipient:"
                   : "Your message was passed on to a system that may send no further notice, for these recipients:";
    case DSN_EXPANDED:
        return one ? "Your message was passed on to the members of this list:"
                   : "Your message was passed on to the members of these lists:";
    }
    return "";
}

static void add_recipient(struct dsn_out *o, const struct dsn_recipient *r)
{
    char storage[1200];
    struct buf b;
    struct str status = dsn_status(r);
    int known = find_status(status);
    add_line(o, S("  "), r->final);
    if (r->action == DSN_FAILED || r->action == DSN_DELAYED) {
        buf_fixed(&b, storage, sizeof storage);
        buf_add(&b, S("Why: "));
        buf_add(&b, r->why.n ? str_head(r->why, 500) : str_c(dsn_status_words(status)));
        buf_add(&b, S(" ("));
        buf_add(&b, str_head(status, 20));
        buf_add(&b, S(")"));
        add_line(o, S("    "), buf_str(&b));
    }
    if (r->diagnostic.n) {
        buf_fixed(&b, storage, sizeof storage);
        buf_add(&b, r->remote_mta.n ? str_head(r->remote_mta, 255) : S("The mail system"));
        buf_add(&b, S(" said: "));
        buf_add(&b, str_head(r->diagnostic, DSN_FIELD_MAX));
        add_line(o, S("    "), buf_str(&b));
    }
    if (r->action == DSN_DELAYED && r->will_retry_until_ms)
        add_date(o, "We try until: ", r->will_retry_until_ms, S("    "));
    if (r->action == DSN_FAILED && known >= 0 && statuses[known].advice)
        add_fact(o, "What you can do: ", str_c(statuses[known].advice), S("    "));
    dsn_add(o, S("\r\n"));
}

void dsn_write_text(struct dsn_out *o, const struct dsn *d)
{
    add_fact(o, "This is the mail system at ", d->hostname, S(""));
    dsn_add(o, S("\r\n"));
    for (enum dsn_action a = DSN_FAILED; a <= DSN_EXPANDED; a++) {
        size_t count = 0;
        for (size_t i = 0; i < d->count; i++)
            count += d->recipients[i].action == a;
        if (count == 0)
            continue;
        add_line(o, S(""), str_c(headline(a, count == 1)));
        dsn_add(o, S("\r\n"));
        for (size_t i = 0; i < d->count; i++)
            if (d->recipients[i].action == a)
                add_recipient(o, &d->recipients[i]);
    }
    dsn_add(o, S("The message:\r\n"));
    add_fact(o, "Subject: ", d->subject.n ? d->subject : S("(none)"), S("  "));
    if (d->arrival_ms)
        add_date(o, "Came in: ", d->arrival_ms, S("  "));
    if (d->id.n)
        add_fact(o, "Our id: ", d->id, S("  "));
    dsn_add(o, S("\r\n"));
    add_line(o, S(""),
             S("If you need help, write to the postmaster and quote that id. The rest of this message is for mail programs."));
}

bool dsn_text_is_ascii(const struct dsn *d)
{
    bool ascii = utf8_is_ascii(d->subject) && utf8_is_ascii(d->hostname) && utf8_is_ascii(d->id);
    for (size_t i = 0; i < d->count; i++) {
        const struct dsn_recipient *r = &d->recipients[i];
        ascii = ascii && utf8_is_ascii(r->final) && utf8_is_ascii(r->why) && utf8_is_ascii(r->diagnostic) &&
                utf8_is_ascii(r->remote_mta) && utf8_is_ascii(r->status);
    }
    return ascii;
}
