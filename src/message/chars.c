// SPDX-License-Identifier: ISC
/* Character classes of the mail grammars. */
#include "base/str.h"
#include "message/inside.h"

const char base64_alphabet[65] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const char hex_digits[17] = "0123456789ABCDEF";

bool is_atext(char c)
{
    return ascii_is_alnum(c) || (c != 0 && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

bool is_token(char c)
{
    return c > ' ' && c < 0x7f && strchr("()<>@,;:\\\"/[]?=", c) == NULL;
}

int hex_value(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int base64_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* RFC 3629 as a machine of three numbers: octets still to come and the range of the next. */
void utf8_watch_byte(struct utf8_watch *w, unsigned char c)
{
    if (c < 0x80 && w->left == 0)
        return;
    if (w->left > 0 && c >= w->low && c <= w->high) {
        w->left--;
        w->low = 0x80;
        w->high = 0xbf;
        return;
    }
    w->bad = w->bad || w->left > 0;
    w->left = 0;
    if (c < 0x80)
        return;
    w->seen = true;
    w->low = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : 0x80;
    w->high = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : 0xbf;
    w->left = c >= 0xc2 && c <= 0xdf ? 1 : c >= 0xe0 && c <= 0xef ? 2 : c >= 0xf0 && c <= 0xf4 ? 3 : 0;
    w->bad = w->bad || w->left == 0;
}

void utf8_watch_end(struct utf8_watch *w)
{
    w->bad = w->bad || w->left > 0;
    w->left = 0;
}

struct str arena_buf(struct arena *a, struct buf *b)
{
    struct str copy = b->full ? STR_NONE : arena_str(a, buf_str(b));
    buf_free(b);
    return copy;
}
