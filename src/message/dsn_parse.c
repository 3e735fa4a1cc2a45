// SPDX-License-Identifier: ISC
/* Reading a notification back: the fields of message/delivery-status, block by block. */
#include "message/date.h"
#include "message/dsn_inside.h"
#include "message/inside.h"

enum { RECIPIENTS_MAX = 1000, STATUS_PART_MAX = 1024 * 1024 };

/* "rfc822; bob@example.org" → what stands behind the type. */
static struct str behind_type(struct str value)
{
    struct str rest, type = str_cut(value, ';', &rest);
    return str_trim(type.n == value.n ? value : rest);
}

static int64_t date_of(struct arena *a, struct str block, const char *name)
{
    struct date when;
    return date_parse_loose(header_value(a, block, name), &when) ? when.unix_ms : 0;
}

static enum dsn_action action_of(struct str name)
{
    for (enum dsn_action i = DSN_FAILED; i <= DSN_EXPANDED; i++)
        if (str_eq_icase(name, str_c(dsn_action_name(i))))
            return i;
    return DSN_FAILED;
}

/* The next block of fields: up to an empty line. */
static struct str take_block(struct str *rest)
{
    while (rest->n > 0 && (rest->p[0] == '\r' || rest->p[0] == '\n'))
        *rest = str_skip(*rest, 1);
    size_t n = header_body(*rest);
    struct str block = str_head(*rest, n);
    *rest = n ? str_skip(*rest, n) : STR_NONE; /* what is no header ends it */
    return block;
}

static const struct mime_part *status_part(const struct mime *m)
{
    for (const struct mime_part *p = m->root; p; p = mime_next(p))
        if (mime_is(p, "message", "delivery-status") || mime_is(p, "message", "global-delivery-status"))
            return p;
    return NULL;
}

bool dsn_parse(struct arena *a, struct str message, struct dsn_report *to)
{
    const struct mime *m = mime_parse(a, message);
    const struct mime_part *p = m ? status_part(m) : NULL;
    struct buf b;
    if (!p)
        return false;
    buf_init(&b, STATUS_PART_MAX);
    bool decoded = mime_part_decode(m, p, &b);
    struct str rest = arena_buf(a, &b);
    struct dsn_recipient *list = arena_array(a, RECIPIENTS_MAX, sizeof *list);
    if (!decoded || !rest.p || !list)
        return false;
    struct str block = take_block(&rest);
    *to = (struct dsn_report){.recipients = list};
    to->reporting_mta = behind_type(header_value(a, block, "Reporting-MTA"));
    to->envid = header_value(a, block, "Original-Envelope-Id");
    for (; block.n > 0 && to->count < RECIPIENTS_MAX;
         block = take_block(&rest)) { /* some mailers leave out the empty line behind the first block, or all of it */
        struct dsn_recipient *r = &list[to->count];
        r->final = behind_type(header_value(a, block, "Final-Recipient"));
        r->orcpt = header_value(a, block, "Original-Recipient");
        r->action = action_of(header_value(a, block, "Action"));
        r->status = header_value(a, block, "Status");
        r->diagnostic = behind_type(header_value(a, block, "Diagnostic-Code"));
        r->remote_mta = behind_type(header_value(a, block, "Remote-MTA"));
        r->last_attempt_ms = date_of(a, block, "Last-Attempt-Date");
        r->will_retry_until_ms = date_of(a, block, "Will-Retry-Until");
        r->why = S("");
        to->count += r->final.n > 0;
    }
    return true;
}
