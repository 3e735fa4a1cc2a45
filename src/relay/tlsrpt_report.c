// SPDX-License-Identifier: ISC
/* The report as a file and as a message, RFC 8460 4.4, 5. */
#include "base/encode.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/random.h"
#include "message/date.h"
#include "message/header.h"
#include "relay/tlsrpt.h"
#include <stdio.h>
#include <zlib.h>

enum { DAY_S = 86400, BASE64_OCTETS = 57 /* of one line */ };

const char *tlsrpt_result_text(enum tlsrpt_result r)
{
    static const char *const words[TLSRPT_RESULTS] = {"",
                                                      "starttls-not-supported",
                                                      "certificate-host-mismatch",
                                                      "certificate-expired",
                                                      "certificate-not-trusted",
                                                      "validation-failure",
                                                      "tlsa-invalid",
                                                      "dnssec-invalid",
                                                      "dane-required",
                                                      "sts-policy-fetch-error",
                                                      "sts-policy-invalid",
                                                      "sts-webpki-invalid"};
    return words[r];
}

const char *tlsrpt_policy_text(enum tlsrpt_policy_type t)
{
    static const char *const words[TLSRPT_POLICY_TYPES] = {"no-policy-found", "sts", "tlsa"};
    return words[t];
}

/* The domain of the contact address, 5.1. */
static struct str submitter_of(const struct tlsrpt_sender *s)
{
    return str_skip(s->contact, str_find_last(s->contact, '@') + 1);
}

void tlsrpt_report_id(struct buf *to, int64_t day, uint64_t number, struct str submitter)
{
    char space[40];
    struct buf date;
    buf_fixed(&date, space, sizeof space);
    date_print_iso(&date, day * DAY_S * 1000);
    for (size_t i = 0; i < date.n && space[i] != 'T'; i++)
        if (space[i] != '-')
            buf_add_byte(to, space[i]);
    buf_printf(to, ".%s@", id_text(number).c);
    buf_add(to, submitter);
}

/* --- JSON --- */

static void json_time(struct json_writer *w, const char *name, int64_t unix_s)
{
    char space[40];
    struct buf b;
    buf_fixed(&b, space, sizeof space);
    date_print_iso(&b, unix_s * 1000);
    json_str(w, name, buf_str(&b));
}

static void json_list(struct json_writer *w, const char *name, const struct str *s, size_t n)
{
    json_array(w, name);
    for (size_t i = 0; i < n; i++)
        json_str(w, NULL, s[i]);
    json_end(w);
}

static void json_text(struct json_writer *w, const char *name, struct str s)
{
    if (s.n)
        json_str(w, name, s);
}

static void json_detail(struct json_writer *w, const struct tlsrpt_detail *d)
{
    json_object(w, NULL);
    json_str(w, "result-type", str_c(tlsrpt_result_text(d->result)));
    json_text(w, "sending-mta-ip", d->sending_ip);
    json_text(w, "receiving-mx-hostname", d->mx_host);
    json_text(w, "receiving-mx-helo", d->mx_helo);
    json_text(w, "receiving-ip", d->receiving_ip);
    json_num(w, "failed-session-count", (int64_t)d->count);
    json_text(w, "failure-reason-code", d->reason);
    json_end(w);
}

static void json_policy(struct json_writer *w, const struct tlsrpt_policy *p, struct str domain)
{
    json_object(w, NULL);
    json_object(w, "policy");
    json_str(w, "policy-type", str_c(tlsrpt_policy_text(p->type)));
    if (p->lines)
        json_list(w, "policy-string", p->line, p->lines);
    json_str(w, "policy-domain", domain);
    if (p->mx_patterns)
        json_list(w, "mx-host", p->mx_pattern, p->mx_patterns);
    json_end(w);
    json_object(w, "summary");
    json_num(w, "total-successful-session-count", (int64_t)p->success);
    json_num(w, "total-failure-session-count", (int64_t)p->failure);
    json_end(w);
    json_array(w, "failure-details");
    for (const struct tlsrpt_detail *d = p->detail; d; d = d->next)
        json_detail(w, d);
    json_end(w);
    json_end(w);
}

void tlsrpt_json(struct buf *to, const struct tlsrpt_sender *s, const struct tlsrpt_day *d)
{
    struct json_writer w;
    json_begin(&w, to);
    json_object(&w, NULL);
    json_str(&w, "organization-name", s->organization);
    json_object(&w, "date-range");
    json_time(&w, "start-datetime", d->day * DAY_S);
    json_time(&w, "end-datetime", (d->day + 1) * DAY_S - 1);
    json_end(&w);
    json_str(&w, "contact-info", s->contact);
    json_str(&w, "report-id", s->report_id);
    json_array(&w, "policies");
    for (const struct tlsrpt_policy *p = d->policy; p; p = p->next)
        json_policy(&w, p, d->domain);
    json_end(&w);
    json_end(&w);
}

bool tlsrpt_gzip(struct buf *to, struct str text)
{
    z_stream z = {0};
    if (text.n > UINT32_MAX || deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        return false;
    uLong bound = deflateBound(&z, (uLong)text.n);
    char *p = bound <= UINT32_MAX ? buf_reserve(to, bound) : NULL;
    bool ok = false;
    if (p) {
        z.next_in = (unsigned char *)(text.n ? text.p : ""); /* zlib's type is older than const; it only reads */
        z.avail_in = (uInt)text.n;
        z.next_out = (unsigned char *)p;
        z.avail_out = (uInt)bound;
        ok = deflate(&z, Z_FINISH) == Z_STREAM_END;
        if (ok)
            buf_wrote(to, z.total_out);
    }
    deflateEnd(&z);
    return ok;
}

void tlsrpt_file_name(struct buf *to, struct str submitter, const struct tlsrpt_day *d, struct str unique)
{
    buf_add(to, submitter);
    buf_add_byte(to, '!');
    buf_add(to, d->domain);
    buf_printf(to, "!%lld!%lld", (long long)(d->day * DAY_S), (long long)((d->day + 1) * DAY_S - 1));
    if (unique.n) {
        buf_add_byte(to, '!');
        buf_add(to, unique);
    }
    buf_add(to, S(".json.gz"));
}

/* --- the message --- */

void tlsrpt_subject(struct buf *to, const struct tlsrpt_sender *s, const struct tlsrpt_day *d)
{
    buf_add(to, S("Report Domain: "));
    buf_add(to, d->domain);
    buf_add(to, S(" Submitter: "));
    buf_add(to, submitter_of(s));
    buf_add(to, S(" Report-ID: <"));
    buf_add(to, s->report_id);
    buf_add_byte(to, '>');
}

static void put_header(struct buf *to, const struct tlsrpt_sender *s, const struct tlsrpt_day *d, struct str recipient,
                       int64_t unix_ms, const char *boundary)
{
    char space[1200];
    struct buf b;
    buf_fixed(&b, space, sizeof space);
    date_print(&b, unix_ms, 0);
    header_write_raw(to, "Date", buf_str(&b));
    buf_clear(&b);
    tlsrpt_subject(&b, s, d);
    to->full |= b.full;
    header_write_raw(to, "From", s->contact);
    header_write_raw(to, "To", recipient);
    header_write_raw(to, "Subject", buf_str(&b));
    buf_clear(&b);
    buf_printf(&b, "<%.*s>", STR_ARG(s->report_id));
    to->full |= b.full;
    header_write_raw(to, "Message-ID", buf_str(&b));
    header_write_raw(to, "TLS-Report-Domain", d->domain);
    header_write_raw(to, "TLS-Report-Submitter", submitter_of(s));
    header_write_raw(to, "TLS-Required", S("No"));               /* RFC 8460 5.3, 8689 3: it must arrive though TLS is broken */
    header_write_raw(to, "Auto-Submitted", S("auto-generated")); /* RFC 3834 5 */
    header_write_raw(to, "MIME-Version", S("1.0"));
    buf_add(to, S("Content-Type: multipart/report; report-type=\"tlsrpt\";\r\n"));
    buf_printf(to, " boundary=\"%s\"\r\n\r\n", boundary);
}

static void put_words(struct buf *to, const struct tlsrpt_sender *s, const struct tlsrpt_day *d)
{
    uint64_t success = 0, failure = 0;
    for (const struct tlsrpt_policy *p = d->policy; p; p = p->next) {
        success += p->success;
        failure += p->failure;
    }
    char space[40];
    struct buf date;
    buf_fixed(&date, space, sizeof space);
    date_print_iso(&date, d->day * DAY_S * 1000);
    buf_add(to, S("This is an aggregate TLS report (RFC 8460)\r\nfrom "));
    buf_add(to, submitter_of(s));
    buf_add(to, S("\r\nabout mail to "));
    buf_add(to, d->domain);
    buf_printf(to, "\r\non %.*s (UTC).\r\n\r\n", STR_ARG(str_head(buf_str(&date), 10)));
    buf_printf(to, "Sessions with TLS as it should be: %llu\r\nFailures: %llu\r\n", (unsigned long long)success,
               (unsigned long long)failure);
    for (const struct tlsrpt_policy *p = d->policy; p; p = p->next)
        for (const struct tlsrpt_detail *e = p->detail; e; e = e->next)
            buf_printf(to, "    %llu %s\r\n", (unsigned long long)e->count, tlsrpt_result_text(e->result));
    buf_add(to, S("\r\nThe attached file has the details.\r\n"));
}

void tlsrpt_message(struct buf *to, const struct tlsrpt_sender *s, const struct tlsrpt_day *d, struct str recipient,
                    struct str zipped, int64_t unix_ms)
{
    char boundary[40];
    snprintf(boundary, sizeof boundary, "=_tlsrpt_%016llx", (unsigned long long)random_u64());
    put_header(to, s, d, recipient, unix_ms, boundary);
    buf_printf(to, "--%s\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n", boundary);
    put_words(to, s, d);
    buf_printf(to, "\r\n--%s\r\nContent-Type: " TLSRPT_MEDIA_TYPE "\r\nContent-Transfer-Encoding: base64\r\n", boundary);
    buf_add(to, S("Content-Disposition: attachment;\r\n filename=\""));
    tlsrpt_file_name(to, submitter_of(s), d, STR_NONE);
    buf_add(to, S("\"\r\n\r\n"));
    for (; zipped.n; zipped = str_skip(zipped, BASE64_OCTETS)) {
        base64_encode(to, str_head(zipped, BASE64_OCTETS));
        buf_add(to, S("\r\n"));
    }
    buf_printf(to, "\r\n--%s--\r\n", boundary);
}

int64_t tlsrpt_due_ms(struct str domain, int64_t day)
{
    enum {
        SETTLE_S = 15 * 60,
        SPREAD_S = 4 * 3600
    }; /* what is still being counted comes in; then not all reports at once, 4.1 */
    uint32_t spread = hash_crc32c((uint32_t)day, domain.p, domain.n) % SPREAD_S;
    return ((day + 1) * DAY_S + SETTLE_S + spread) * 1000;
}
