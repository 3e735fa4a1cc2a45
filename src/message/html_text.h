// SPDX-License-Identifier: ISC
/* HTML to words, for this folder only. */
#pragma once
#include "message/mime.h"

struct html_text {
    struct buf *out;
    size_t start;
    bool space, preformatted;
};
void html_text(struct buf *out, struct str html); /* UTF-8 in, UTF-8 out with LF line ends */
