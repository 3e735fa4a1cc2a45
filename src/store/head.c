/* SPDX-License-Identifier: ISC */
/* A cheap look at a header for the trace: Message-ID and Subject, unfolded, and whether there are bytes above 127 (RFC 6532). No
   parser of messages: what is broken is taken as it stands. */
#include "store/inside.h"

static void keep(struct str line, char *to, size_t max, size_t *n)
{
    struct str v = str_trim(line);
    *n = 0;
    for (size_t i = 0; i < v.n && *n < max; i++) {
        unsigned char c = (unsigned char)v.p[i];
        if (c == '\r' || c == '\n')
            continue;
        to[(*n)++] = c < 32 || c == 127 ? ' ' : (char)c;
    }
}

static void field(struct str line, struct body_head *to)
{
    if (to->message_id_n == 0 && str_starts_icase(line, S("message-id:")))
        keep(str_skip(line, 11), to->message_id, sizeof to->message_id, &to->message_id_n);
    else if (to->subject_n == 0 && str_starts_icase(line, S("subject:")))
        keep(str_skip(line, 8), to->subject, sizeof to->subject, &to->subject_n);
}

void head_scan(struct str text, struct body_head *to)
{
    size_t start = 0;
    for (size_t at = 0; at < text.n;) {
        const char *nl = memchr(text.p + at, '\n', text.n - at);
        size_t end = nl ? (size_t)(nl - text.p) + 1 : text.n;
        if (!to->utf8)
            for (size_t i = at; i < end; i++)
                to->utf8 |= (unsigned char)text.p[i] > 127;
        bool folded = end < text.n && (text.p[end] == ' ' || text.p[end] == '\t');
        if (!folded) {
            field(str_of(text.p + start, end - start), to);
            start = end;
        }
        if (end < text.n && (text.p[end] == '\n' || (text.p[end] == '\r' && end + 1 < text.n && text.p[end + 1] == '\n')))
            return;
        at = end;
    }
}
