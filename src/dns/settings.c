// SPDX-License-Identifier: ISC
/* Whom to ask and whom to believe: servers from the configuration or resolv.conf(5), trust anchors from a text or built in. */
#include <stdio.h>
#include "base/encode.h"
#include "base/utf8.h"
#include "dns/inside.h"

enum { RESOLV_CONF_SERVERS = 3 }; /* resolv.conf(5): MAXNS */

/* The root zone's key signing keys of 2017 and 2024, as IANA publishes them (https://data.iana.org/root-anchors/root-anchors.xml). */
static const struct str root_keys[] = {
    S_INIT(". IN DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D"),
    S_INIT(". IN DS 38696 8 2 683D2D0ACB8C9B712A1948B27F741219298D0A450D612C483AF444A4C0FB2B16"),
};

static bool complain(struct why *why, const char *what, struct str about)
{
    struct buf b;
    char text[sizeof why->text];
    buf_fixed(&b, text, sizeof text - 1);
    buf_add_c(&b, what);
    utf8_add_printable(&b, str_head(about, 60));
    snprintf(why->text, sizeof why->text, "%.*s", STR_ARG(buf_str(&b)));
    why->status[0] = '\0';
    return false;
}

static bool add_server(struct dns_plan *to, struct str zone, const struct dns_ip *ip, uint16_t port)
{
    struct buf name;
    size_t at = to->server_count;
    buf_fixed(&name, to->servers[at].zone, DNS_NAME_MAX);
    if (zone.n > 0 && !dns_name_normal(zone, &name))
        return false;
    to->servers[at].zone[name.n] = '\0';
    snprintf(to->servers[at].address, sizeof to->servers[at].address, "%s@%u", dns_ip_text(ip).c, port ? port : 53u);
    to->loopback = to->loopback || (ip->v6 ? memcmp(ip->b, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1", 16) == 0 : ip->b[0] == 127);
    to->forwarder_count += zone.n == 0;
    to->server_count++;
    return true;
}

static bool plan_servers(const struct dns_settings *settings, struct dns_plan *to, struct why *why)
{
    if (settings->server_count > DNS_SERVERS_MAX)
        return complain(why, "more DNS servers than can be kept", STR_NONE);
    for (size_t i = 0; i < settings->server_count; i++) {
        const struct dns_server *s = &settings->servers[i];
        struct dns_ip ip;
        if (!dns_ip_parse(s->address, &ip))
            return complain(why, "a DNS server is named by its address, and this is none: ", s->address);
        if (!add_server(to, s->zone, &ip, s->port))
            return complain(why, "this is not a zone's name: ", s->zone);
    }
    return true;
}

/* "nameserver 192.0.2.1" lines; what else stands there is for other programs. An address with a scope ("fe80::1%eth0") is passed over. */
static void plan_system(struct str text, struct dns_plan *to)
{
    while (text.n > 0 && to->forwarder_count < RESOLV_CONF_SERVERS && to->server_count < DNS_SERVERS_MAX) {
        struct str line = str_trim(str_cut(text, '\n', &text));
        struct dns_ip ip;
        if (!str_eq(str_word(&line), S("nameserver")))
            continue;
        if (dns_ip_parse(str_word(&line), &ip) && add_server(to, STR_NONE, &ip, 53))
            to->from_system = true;
    }
}

static bool take_number(struct str *rest, uint64_t most)
{
    uint64_t v;
    return str_to_u64(str_word(rest), &v) && v <= most;
}

/* What is left, in any number of words, as octets. */
static bool take_octets(struct str rest, bool base64, size_t least)
{
    char text[DNS_ANCHOR_MAX], octets[DNS_ANCHOR_MAX];
    struct buf b, to;
    buf_fixed(&b, text, sizeof text);
    buf_fixed(&to, octets, sizeof octets);
    for (struct str word; (word = str_word(&rest)).n > 0;)
        buf_add(&b, word);
    return !b.full && (base64 ? base64_decode(&to, buf_str(&b)) : hex_decode(&to, buf_str(&b))) && to.n >= least;
}

/* owner [ttl] [IN] DS tag algorithm digest-type hex, or DNSKEY flags 3 algorithm base64 (RFC 4034 2.2, 5.3). libunbound says only that something is wrong, and when it
   is too late. */
static bool is_anchor(struct str line)
{
    char text[DNS_NAME_MAX];
    struct buf b;
    buf_fixed(&b, text, sizeof text);
    if (line.n >= DNS_ANCHOR_MAX || !dns_name_normal(str_word(&line), &b))
        return false;
    for (int i = 0; i < 3; i++) {
        struct str word = str_word(&line);
        if (str_eq_icase(word, S("DS")))
            return take_number(&line, 65535) && take_number(&line, 255) && take_number(&line, 255) && take_octets(line, false, 20);
        if (str_eq_icase(word, S("DNSKEY")))
            return take_number(&line, 65535) && str_eq(str_word(&line), S("3")) && take_number(&line, 255) && take_octets(line, true, 16);
        uint64_t ttl;
        if (!str_eq_icase(word, S("IN")) && !str_to_u64(word, &ttl))
            return false;
    }
    return false;
}

/* Files that are kept by RFC 5011 say of each key in what state it is; only valid ones (2) and those that went missing (3) count. */
static bool is_current(struct str comment)
{
    size_t at = str_find_str(comment, S(";state="));
    if (at == comment.n)
        return true;
    struct str state = str_skip(comment, at + 7);
    return state.n > 0 && (state.p[0] == '2' || state.p[0] == '3');
}

static bool plan_anchors(const struct dns_settings *settings, struct dns_plan *to, struct why *why)
{
    for (struct str text = settings->anchors; text.n > 0;) {
        struct str comment, whole = str_cut(text, '\n', &text), line = str_trim(str_cut(whole, ';', &comment));
        if (line.n == 0 || !is_current(comment))
            continue;
        if (!is_anchor(line))
            return complain(why, "a trust anchor is a DS or DNSKEY record on one line, and this is none: ", line);
        if (to->anchor_count == DNS_ANCHORS_MAX)
            return complain(why, "more trust anchors than can be kept", STR_NONE);
        to->anchors[to->anchor_count++] = line;
    }
    if (to->anchor_count == 0 && str_trim(settings->anchors).n > 0)
        return complain(why, "the trust anchors' file names no valid key", STR_NONE);
    to->root_anchors = to->anchor_count == 0;
    for (size_t i = 0; to->root_anchors && i < countof(root_keys); i++)
        to->anchors[i] = root_keys[i];
    if (to->root_anchors)
        to->anchor_count = countof(root_keys);
    return true;
}

bool dns_plan_make(const struct dns_settings *settings, struct dns_plan *to, struct why *why)
{
    *to = (struct dns_plan){0};
    *why = (struct why){0};
    if (!plan_servers(settings, to, why) || !plan_anchors(settings, to, why))
        return false;
    if (to->forwarder_count == 0)
        plan_system(settings->resolv_conf, to);
    if (settings->no_validation)
        to->anchor_count = 0;
    return true;
}
