// SPDX-License-Identifier: ISC
/* The profiles: SASLprep (RFC 4013), UsernameCaseMapped and OpaqueString (RFC 8265). Octets of ASCII, nearly all there is, take the short way. */
#include <idn2.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <unicase.h>
#include <unictype.h>
#include <uninorm.h>
#include <unistr.h>
#include "base/compiler.h"
#include "base/utf8.h"
#include "login/inside.h"
#include "login/saslprep_tables.h"

void login_why(struct why *why, const char *text)
{
    if (why)
        snprintf(why->text, sizeof why->text, "%s", text), why->status[0] = '\0';
}

bool login_scalars(struct str s, ucs4_t *to, size_t cap, size_t *n, struct why *why)
{
    if (!utf8_is_valid(s)) {
        login_why(why, "not valid UTF-8");
        return false;
    }
    for (*n = 0; s.n > 0;) {
        size_t used;
        if (*n == cap) {
            login_why(why, "too long");
            return false;
        }
        to[(*n)++] = utf8_next(s, &used);
        s = str_skip(s, used);
    }
    return true;
}

static bool put(const ucs4_t *s, size_t n, struct buf *to, struct why *why)
{
    for (size_t i = 0; i < n; i++)
        utf8_add(to, s[i]);
    if (to->full)
        login_why(why, "too long");
    return !to->full;
}

static bool normalize(uninorm_t form, const ucs4_t *s, size_t n, ucs4_t *to, size_t *to_n, struct why *why)
{
    size_t room = SCALARS_MAX;
    ucs4_t *got = n > 0 ? u32_normalize(form, s, n, to, &room) : to;
    *to_n = n > 0 ? room : 0;
    if (got != to) {
        free(got);
        login_why(why, "too long");
        return false;
    }
    return true;
}

static bool in_table(const struct saslprep_range *r, size_t count, ucs4_t c)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t at = (low + high) / 2;
        if (c > r[at].last)
            low = at + 1;
        else
            high = at;
    }
    return low < count && c >= r[low].first;
}
#define IN(table, c) in_table((table), countof(table), (c))

/* RFC 3454 6 */
static bool saslprep_bidi_is(const ucs4_t *s, size_t n)
{
    bool right = false, left = false;
    for (size_t i = 0; i < n; i++) {
        right = right || IN(saslprep_right_to_left, s[i]);
        left = left || uc_bidi_class(s[i]) == UC_BIDI_L;
    }
    return !right || (!left && IN(saslprep_right_to_left, s[0]) && IN(saslprep_right_to_left, s[n - 1]));
}

/* RFC 4013 2.1 to 2.5. softly: the string would be fine but for what Unicode 3.2 did not know or for its direction. */
static bool saslprep(struct str s, struct buf *to, struct why *why, bool *softly)
{
    ucs4_t in[SCALARS_MAX], out[SCALARS_MAX];
    size_t n = 0, kept = 0, done = 0;
    bool ok = login_scalars(s, in, SCALARS_MAX, &n, why);
    *softly = false;
    for (size_t i = 0; ok && i < n; i++)
        if (!IN(saslprep_nothing, in[i]))
            in[kept++] = IN(saslprep_spaces, in[i]) ? ' ' : in[i];
    ok = ok && normalize(UNINORM_NFKC, in, kept, out, &done, why);
    bool unassigned = false;
    for (size_t i = 0; ok && i < done; i++) {
        unassigned = unassigned || IN(saslprep_unassigned, out[i]);
        if (IN(saslprep_prohibited, out[i])) {
            login_why(why, "holds a control or other forbidden character");
            ok = false;
        }
    }
    if (ok && (unassigned || !saslprep_bidi_is(out, done))) {
        login_why(why, unassigned ? "holds a character that Unicode 3.2 does not know" : "mixes characters written from left and from right");
        *softly = true;
        ok = false;
    }
    ok = ok && put(out, done, to, why);
    sodium_memzero(in, sizeof in);
    sodium_memzero(out, sizeof out);
    return ok;
}

bool login_saslprep(struct str s, struct buf *to, struct why *why)
{
    bool softly;
    return saslprep(s, to, why, &softly);
}

/* The rules run in the order that RFC 8264 7 commands: mapping, normalization, direction, and last what may be there at all. So decomposed letters, as
   some systems type them, are judged as what they make up. */
bool login_opaque_string(struct str s, struct buf *to, struct why *why)
{
    ucs4_t in[SCALARS_MAX], out[SCALARS_MAX];
    size_t n = 0, done = 0;
    bool ok = login_scalars(s, in, SCALARS_MAX, &n, why);
    for (size_t i = 0; ok && i < n; i++)
        if (uc_is_general_category_withtable(in[i], UC_CATEGORY_MASK_Zs))
            in[i] = ' ';
    ok = ok && normalize(UNINORM_NFC, in, n, out, &done, why);
    if (ok && (done == 0 || !precis_class_is(out, done, true))) {
        login_why(why, done == 0 ? "empty" : "holds a control or other forbidden character");
        ok = false;
    }
    ok = ok && put(out, done, to, why);
    sodium_memzero(in, sizeof in);
    sodium_memzero(out, sizeof out);
    return ok;
}

/* RFC 8265 3.3.1 1: full-width and half-width forms to what they are forms of. */
static void map_width(ucs4_t *s, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        ucs4_t parts[UC_DECOMPOSITION_MAX_LENGTH];
        int tag, count = uc_decomposition(s[i], &tag, parts);
        if (count == 1 && (tag == UC_DECOMP_WIDE || tag == UC_DECOMP_NARROW))
            s[i] = parts[0];
    }
}

static bool username(struct str s, bool case_mapped, struct buf *to, struct why *why)
{
    ucs4_t in[SCALARS_MAX], out[SCALARS_MAX];
    size_t n = 0, done = 0, room = SCALARS_MAX;
    if (!login_scalars(s, in, SCALARS_MAX, &n, why))
        return false;
    map_width(in, n);
    if (case_mapped && n > 0) {
        ucs4_t *got = u32_tolower(in, n, "", NULL, out, &room);
        if (got != out) {
            free(got);
            login_why(why, "too long");
            return false;
        }
        memcpy(in, out, room * sizeof *in);
        n = room;
    }
    if (!normalize(UNINORM_NFC, in, n, out, &done, why))
        return false;
    if (done == 0 || !precis_class_is(out, done, false)) {
        login_why(why, done == 0 ? "empty" : "holds a space, symbol or other character that no user name may hold");
        return false;
    }
    if (!precis_bidi_is(out, done)) {
        login_why(why, "mixes characters written from left and from right");
        return false;
    }
    return put(out, done, to, why);
}

bool login_username_case_mapped(struct str s, struct buf *to, struct why *why)
{
    return username(s, true, to, why);
}

bool login_username_case_preserved(struct str s, struct buf *to, struct why *why)
{
    return username(s, false, to, why);
}

static bool domain_ascii(struct str s, struct buf *to)
{
    size_t before = to->n;
    for (size_t i = 0; i < s.n; i++) {
        bool dot = s.p[i] == '.', label_empty = dot && (i == 0 || i + 1 == s.n || s.p[i - 1] == '.');
        if (label_empty || (!ascii_is_alnum(s.p[i]) && !dot && !strchr("-_[]:", s.p[i])))
            return false;
        buf_add_byte(to, ascii_lower(s.p[i]));
    }
    return !to->full && to->n > before;
}

static bool domain(struct str s, struct buf *to, struct why *why)
{
    char text[256];
    uint8_t *ascii = NULL;
    if (s.n > 0 && s.p[s.n - 1] == '.')
        s.n--;
    bool ok = s.n > 0 && str_to_c(s, text, sizeof text) &&
              (utf8_is_ascii(s) || idn2_lookup_u8((const uint8_t *)text, &ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) == IDN2_OK) &&
              domain_ascii(ascii ? str_c((const char *)ascii) : s, to);
    idn2_free(ascii);
    if (!ok)
        login_why(why, "the part behind the @ is no domain");
    return ok;
}

static bool user_parts(struct str user, struct buf *to, struct why *why)
{
    size_t at = str_find_last(user, '@');
    if (user.n == 0 || user.n > LOGIN_USER_MAX || at == 0) {
        login_why(why, user.n > LOGIN_USER_MAX ? "a user name has at most 320 octets" : "the user name is empty");
        return false;
    }
    struct str local = str_head(user, at);
    bool ascii = true;
    for (size_t i = 0; i < local.n; i++)
        ascii = ascii && local.p[i] > ' ' && local.p[i] < 0x7f;
    for (size_t i = 0; ascii && i < local.n; i++)
        buf_add_byte(to, ascii_lower(local.p[i]));
    if (!ascii && !login_username_case_mapped(local, to, why))
        return false;
    if (!ascii && str_find(buf_str(to), '@') < to->n) { /* a full-width @ that became one: the name would be another's */
        login_why(why, "holds a second @");
        return false;
    }
    if (at == user.n)
        return !to->full;
    buf_add_byte(to, '@');
    return domain(str_skip(user, at + 1), to, why) && !to->full;
}

bool login_prepare_user(struct str user, struct buf *to, struct why *why)
{
    char text[LOGIN_USER_MAX];
    struct buf whole;
    buf_fixed(&whole, text, sizeof text);
    if (!user_parts(user, &whole, why))
        return false;
    buf_add(to, buf_str(&whole));
    return !to->full;
}

bool login_prepare_password(struct str password, struct buf *to, struct why *why)
{
    bool softly = false, plain = true;
    size_t before = to->n;
    if (password.n == 0 || password.n > LOGIN_PASSWORD_MAX) {
        login_why(why, password.n == 0 ? "the password is empty" : "a password has at most 1,000 octets");
        return false;
    }
    for (size_t i = 0; i < password.n; i++)
        plain = plain && password.p[i] >= ' ' && password.p[i] < 0x7f;
    if (plain)
        buf_add(to, password);
    else if (!saslprep(password, to, why, &softly) && !(softly && login_opaque_string(password, to, why)))
        return false;
    if (to->full || to->n == before) {
        login_why(why, to->full ? "a password has at most 1,000 octets" : "the password is empty");
        return false;
    }
    return true;
}
