// SPDX-License-Identifier: ISC
/* PRECIS (RFC 8264): which characters a name or a password may hold, and in which company. Properties come from libunistring, so a newer Unicode
   there widens what is assigned and changes nothing else. */
#include <unictype.h>
#include <uninorm.h>
#include "login/inside.h"

struct range {
    ucs4_t first, last;
};

static bool in(const struct range *r, size_t n, ucs4_t c)
{
    for (size_t i = 0; i < n; i++)
        if (c >= r[i].first && c <= r[i].last)
            return true;
    return false;
}
#define IN(table, c) in((table), sizeof(table) / sizeof((table)[0]), (c))

/* RFC 5892 2.6 and 2.9. */
static const struct range exceptions_valid[] = {{0xDF, 0xDF}, {0x3C2, 0x3C2}, {0x6FD, 0x6FE}, {0xF0B, 0xF0B}, {0x3007, 0x3007}};
static const struct range exceptions_context[] = {{0xB7, 0xB7},     {0x375, 0x375}, {0x5F3, 0x5F4}, {0x30FB, 0x30FB},
                                                  {0x660, 0x669}, {0x6F0, 0x6F9}};
static const struct range exceptions_not[] = {{0x640, 0x640}, {0x7FA, 0x7FA}, {0x302E, 0x302F}, {0x3031, 0x3035}, {0x303B, 0x303B}};
static const struct range old_hangul_jamo[] = {{0x1100, 0x11FF}, {0xA960, 0xA97C}, {0xD7B0, 0xD7C6}, {0xD7CB, 0xD7FB}};

static bool has_compatibility_form(ucs4_t c)
{
    ucs4_t to[32];
    size_t n = 32;
    ucs4_t *got = u32_normalize(UNINORM_NFKC, &c, 1, to, &n);
    return !(got == to && n == 1 && to[0] == c);
}

static bool category(ucs4_t c, uint32_t bits)
{
    return uc_is_general_category_withtable(c, bits);
}

enum precis precis_of(ucs4_t c)
{
    if (IN(exceptions_valid, c))
        return PRECIS_PVALID;
    if (IN(exceptions_context, c))
        return PRECIS_CONTEXTO;
    if (IN(exceptions_not, c))
        return PRECIS_DISALLOWED;
    if (category(c, UC_CATEGORY_MASK_Cn) && !uc_is_property_not_a_character(c))
        return PRECIS_UNASSIGNED;
    if (c >= 0x21 && c <= 0x7E)
        return PRECIS_PVALID;
    if (c == 0x200C || c == 0x200D)
        return PRECIS_CONTEXTJ;
    if (IN(old_hangul_jamo, c) || uc_is_property_default_ignorable_code_point(c) || uc_is_property_not_a_character(c) ||
        category(c, UC_CATEGORY_MASK_Cc))
        return PRECIS_DISALLOWED;
    if (has_compatibility_form(c))
        return PRECIS_FREE_PVAL;
    if (category(c, UC_CATEGORY_MASK_Ll | UC_CATEGORY_MASK_Lu | UC_CATEGORY_MASK_Lo | UC_CATEGORY_MASK_Nd | UC_CATEGORY_MASK_Lm |
                        UC_CATEGORY_MASK_Mn | UC_CATEGORY_MASK_Mc))
        return PRECIS_PVALID;
    if (category(c, UC_CATEGORY_MASK_Lt | UC_CATEGORY_MASK_Nl | UC_CATEGORY_MASK_No | UC_CATEGORY_MASK_Me | UC_CATEGORY_MASK_Zs |
                        UC_CATEGORY_MASK_S | UC_CATEGORY_MASK_P))
        return PRECIS_FREE_PVAL;
    return PRECIS_DISALLOWED;
}

static bool script_is(ucs4_t c, const char *name)
{
    const uc_script_t *s = uc_script(c);
    return s && strcmp(s->name, name) == 0;
}

/* RFC 5892 A.1 */
static bool joiner_fits(const ucs4_t *s, size_t n, size_t at)
{
    if (at > 0 && uc_combining_class(s[at - 1]) == UC_CCC_VR)
        return true;
    if (s[at] == 0x200D)
        return false;
    size_t left = at, right = at + 1;
    while (left > 0 && uc_joining_type(s[left - 1]) == UC_JOINING_TYPE_T)
        left--;
    while (right < n && uc_joining_type(s[right]) == UC_JOINING_TYPE_T)
        right++;
    if (left == 0 || right == n)
        return false;
    int before = uc_joining_type(s[left - 1]), after = uc_joining_type(s[right]);
    return (before == UC_JOINING_TYPE_L || before == UC_JOINING_TYPE_D) && (after == UC_JOINING_TYPE_R || after == UC_JOINING_TYPE_D);
}

static bool holds_kana_or_han(const ucs4_t *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (script_is(s[i], "Hiragana") || script_is(s[i], "Katakana") || script_is(s[i], "Han"))
            return true;
    return false;
}

static bool holds(const ucs4_t *s, size_t n, ucs4_t first, ucs4_t last)
{
    for (size_t i = 0; i < n; i++)
        if (s[i] >= first && s[i] <= last)
            return true;
    return false;
}

/* RFC 5892 A.3 to A.9 */
static bool context_fits(const ucs4_t *s, size_t n, size_t at)
{
    switch (s[at]) {
    case 0xB7: return at > 0 && at + 1 < n && s[at - 1] == 'l' && s[at + 1] == 'l';
    case 0x375: return at + 1 < n && script_is(s[at + 1], "Greek");
    case 0x5F3:
    case 0x5F4: return at > 0 && script_is(s[at - 1], "Hebrew");
    case 0x30FB: return holds_kana_or_han(s, n);
    default: return s[at] < 0x6F0 ? !holds(s, n, 0x6F0, 0x6F9) : !holds(s, n, 0x660, 0x669);
    }
}

bool precis_class_is(const ucs4_t *s, size_t n, bool freeform)
{
    for (size_t i = 0; i < n; i++)
        switch (precis_of(s[i])) {
        case PRECIS_PVALID: break;
        case PRECIS_FREE_PVAL:
            if (!freeform)
                return false;
            break;
        case PRECIS_CONTEXTJ:
            if (!joiner_fits(s, n, i))
                return false;
            break;
        case PRECIS_CONTEXTO:
            if (!context_fits(s, n, i))
                return false;
            break;
        case PRECIS_DISALLOWED:
        case PRECIS_UNASSIGNED: return false;
        }
    return true;
}

#define BIDI(class) (1u << UC_BIDI_##class)

/* RFC 5893 2: the six conditions, only asked of strings with a right-to-left character (R, AL, AN). */
bool precis_bidi_is(const ucs4_t *s, size_t n)
{
    uint32_t seen = 0;
    for (size_t i = 0; i < n; i++)
        seen |= 1u << uc_bidi_class(s[i]);
    if (!(seen & (BIDI(R) | BIDI(AL) | BIDI(AN))))
        return true;
    uint32_t first = 1u << uc_bidi_class(s[0]), last = 0;
    for (size_t i = n; i-- > 0 && last == 0;)
        if (uc_bidi_class(s[i]) != UC_BIDI_NSM)
            last = 1u << uc_bidi_class(s[i]);
    const uint32_t both = BIDI(EN) | BIDI(ES) | BIDI(CS) | BIDI(ET) | BIDI(ON) | BIDI(BN) | BIDI(NSM);
    if (first & (BIDI(R) | BIDI(AL))) /* conditions 2 to 4 */
        return !(seen & ~(both | BIDI(R) | BIDI(AL) | BIDI(AN))) && (last & (BIDI(R) | BIDI(AL) | BIDI(EN) | BIDI(AN))) &&
               !((seen & BIDI(EN)) && (seen & BIDI(AN)));
    if (first & BIDI(L)) /* conditions 5 and 6 */
        return !(seen & ~(both | BIDI(L))) && (last & (BIDI(L) | BIDI(EN)));
    return false; /* condition 1 */
}
