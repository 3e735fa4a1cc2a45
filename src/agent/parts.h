// SPDX-License-Identifier: ISC
/* What a reader shows of a message's header. */
#pragma once
#include "agent/box.h"
#include "message/mime.h"

struct summary {
    struct str from_name, from; /* the first author: display name (may be empty) and address */
    struct str to, cc, subject; /* decoded */
    int64_t date_ms;            /* Date, else when it was received; 0: unknown */
    struct str message_id;
};
void summary_of(struct arena *a, struct str content, const struct box_message *m, struct summary *to);
