// SPDX-License-Identifier: ISC
/* What the administrator said, read from the disk: the configuration with its includes, certificates and keys. */
#include "base/facts.h"
#include "daemon/master.h"
#include "os/file.h"
#include "os/net.h"
#include "tls/tls.h"
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { DNS_FILE_MAX = 65536, AUTHORITIES_FILE_MAX = 4 << 20, SECRET_MAX = 1024, PEM_FILE_MAX = 256 * 1024, SITE_MEM = 2 * CONFIG_ARENA + 4 * 1024 * 1024 };

static void complain(struct buf *errors, const char *text)
{
    buf_add_c(errors, text);
    buf_add_byte(errors, '\n');
}

static bool read_into(struct arena *a, const char *path, size_t max, struct str *text, struct why *why)
{
    struct buf b;

    buf_init(&b, max);
    bool ok = file_read(path, max, &b, why) == DONE;
    *text = ok ? arena_str(a, buf_str(&b)) : STR_NONE;
    if (ok && b.n > 0 && !text->p) {
        *why = (struct why){"", "no memory"};
        ok = false;
    }
    if (b.p)
        explicit_bzero(b.p, b.cap);
    buf_free(&b);
    return ok;
}

/* ---- the configuration ---- */

/* A relative pattern is beside the file that says it. */
static bool beside(struct str from, struct str pattern, char *to, size_t cap)
{
    size_t slash = str_find_last(from, '/');
    int n;

    if (pattern.n > 0 && pattern.p[0] == '/')
        return str_to_c(pattern, to, cap);
    n = snprintf(to, cap, "%.*s%.*s", (int)(slash < from.n ? slash + 1 : 0), from.p ? from.p : "", STR_ARG(pattern));
    return n >= 0 && (size_t)n < cap;
}

static struct site_file *add_file(struct site *s, struct str from, struct str pattern, uint32_t index, struct str path,
                                  struct str text)
{
    struct site_file **last = &s->files, *f = arena_new(&s->arena, struct site_file);

    if (!f)
        return NULL;
    while (*last)
        last = &(*last)->next;
    *f = (struct site_file){
        arena_str(&s->arena, from), arena_str(&s->arena, pattern), arena_str(&s->arena, path), text, index, NULL};
    *last = f;
    return f;
}

static enum config_read read_include(void *self, struct arena *a, struct str from, struct str pattern, uint32_t index,
                                     struct str *path, struct str *text, struct str *why)
{
    struct site *s = self;
    char full[1024];
    struct why problem = {0};
    glob_t found;
    enum config_read result = CONFIG_READ_NONE;

    if (!beside(from, pattern, full, sizeof full))
        return CONFIG_READ_NONE;
    if (glob(full, 0, NULL, &found) != 0)
        return CONFIG_READ_NONE;
    if (index < found.gl_pathc) {
        *path = arena_str(a, str_c(found.gl_pathv[index]));
        if (read_into(a, found.gl_pathv[index], CONFIG_FILE_MAX, text, &problem) &&
            add_file(s, from, pattern, index, *path, *text)) {
            result = CONFIG_READ_FILE;
        } else {
            *why = arena_str(a, str_c(problem.text));
            result = CONFIG_READ_FAILED;
        }
    }
    globfree(&found);
    return result;
}

static bool load_config(struct site *s, const char *path, const char *builtin, struct buf *errors)
{
    struct config_reader reader = {s, read_include};
    struct why why;
    struct str text;
    char host[256];

    if ((!path || !path[0]) && builtin) {
        struct site_file *f = add_file(s, STR_NONE, STR_NONE, 0, S("(built in)"), arena_str(&s->arena, str_c(builtin)));
        s->config = f ? config_load(&s->arena, f->path, f->text, &reader, errors, false) : NULL;
    } else if (!path || !path[0]) {
        s->config = config_default(&s->arena);
    } else if (!read_into(&s->arena, path, CONFIG_FILE_MAX, &text, &why)) {
        complain(errors, why.text);
        return false;
    } else {
        struct site_file *f = add_file(s, STR_NONE, STR_NONE, 0, str_c(path), text);
        s->config = f ? config_load(&s->arena, f->path, f->text, &reader, errors, false) : NULL;
    }
    if (!s->config)
        return false;
    s->hostname = s->config->hostname;
    if (s->hostname.n == 0)
        s->hostname = arena_str(&s->arena, process_hostname(host) ? str_c(host) : S("localhost"));
    return true;
}

/* ---- keys and certificates ---- */

static bool add_key(struct site *s, struct str chain, struct str key, const char *cert_path, const char *key_path,
                    struct buf *errors)
{
    struct site_key **last = &s->keys, *k = arena_new(&s->arena, struct site_key);
    struct why why = {0};
    struct tls_key *parsed = tls_key_read(key, &why);
    bool fits = parsed && tls_key_fits(parsed, chain);
    int64_t not_after = 0;
    struct buf names;
    char line[2400];

    tls_key_free(parsed);
    buf_init(&names, 4096);
    if (k && fits && tls_certificate_facts(chain, &not_after, &names, &why)) {
        while (*last)
            last = &(*last)->next;
        *k = (struct site_key){chain, key, NULL};
        *last = k;
        buf_free(&names);
        return true;
    }
    buf_free(&names);
    if (parsed && !fits)
        snprintf(line, sizeof line, "%s: this key does not belong to the certificate %s", key_path, cert_path);
    else
        snprintf(line, sizeof line, "%s: %s", parsed ? cert_path : key_path, why.text[0] ? why.text : "no memory");
    complain(errors, line);
    return false;
}

static bool load_tls(struct site *s, const struct config_tls *t, struct buf *errors)
{
    char cert_path[1024], key_path[1024];
    struct str chain, key;
    struct why why;

    if (!beside(t->file, t->cert_path, cert_path, sizeof cert_path) || !beside(t->file, t->key_path, key_path, sizeof key_path)) {
        complain(errors, "a path of a tls line is too long");
        return false;
    }
    if (!read_into(&s->arena, cert_path, PEM_FILE_MAX, &chain, &why) ||
        !read_into(&s->arena, key_path, PEM_FILE_MAX, &key, &why)) {
        complain(errors, why.text);
        return false;
    }
    return add_key(s, chain, key, cert_path, key_path, errors);
}

/* Made at the first start, and again when the host got another name: clients that pinned the old one have to be asked anyway. */
static bool self_signed(struct site *s, const char *dir, struct buf *errors)
{
    char cert_path[1100], key_path[1100], keys_dir[1040];
    struct buf chain, key;
    struct why why = {0};
    bool ok = true;

    snprintf(keys_dir, sizeof keys_dir, "%s/keys", dir);
    snprintf(cert_path, sizeof cert_path, "%s/self-signed.crt", keys_dir);
    snprintf(key_path, sizeof key_path, "%s/self-signed.key", keys_dir);
    buf_init(&chain, PEM_FILE_MAX);
    buf_init(&key, PEM_FILE_MAX);
    if (!file_exists(cert_path) || !file_exists(key_path)) {
        ok = tls_self_signed(s->hostname, &key, &chain, &why) && file_make_dirs(keys_dir, 0700, &why) == DONE &&
             file_write(key_path, buf_str(&key), 0600, &why) == DONE &&
             file_write(cert_path, buf_str(&chain), 0644, &why) == DONE;
        if (ok)
            fact(FACT_INFO, "tls.self-signed", fact_c("path", cert_path), fact_str("name", s->hostname));
    } else {
        ok = file_read(cert_path, PEM_FILE_MAX, &chain, &why) == DONE && file_read(key_path, PEM_FILE_MAX, &key, &why) == DONE;
    }
    if (!ok)
        complain(errors, why.text);
    ok =
        ok && add_key(s, arena_str(&s->arena, buf_str(&chain)), arena_str(&s->arena, buf_str(&key)), cert_path, key_path, errors);
    if (key.p)
        explicit_bzero(key.p, key.cap);
    buf_free(&chain);
    buf_free(&key);
    return ok;
}

static bool load_keys(struct site *s, const char *dir, struct buf *errors)
{
    bool ok = true;

    if (!s->config->tls)
        return self_signed(s, dir, errors);
    for (const struct config_tls *t = s->config->tls; t; t = t->next)
        ok &= load_tls(s, t, errors);
    return ok;
}

/* ---- name servers ---- */

/* A machine without resolv.conf is no error: names are then looked up from the root down. */
static bool load_dns(struct site *s, struct buf *errors)
{
    char path[1024];
    struct why why;

    if (!read_into(&s->arena, "/etc/resolv.conf", DNS_FILE_MAX, &s->resolv_conf, &why))
        s->resolv_conf = STR_NONE;
    if (s->config->dns_anchor.n == 0)
        return true;
    if (str_to_c(s->config->dns_anchor, path, sizeof path) && read_into(&s->arena, path, DNS_FILE_MAX, &s->anchors, &why))
        return true;
    complain(errors, why.text);
    return false;
}

/* ---- what relay needs ---- */

static bool load_secret(struct site *s, const struct config_route *r, struct buf *errors)
{
    struct setup_secret *x = arena_new(&s->arena, struct setup_secret);
    char path[1024];
    struct why why = {"", "no memory"};

    for (const struct setup_secret *o = s->secrets; o; o = o->next)
        if (str_eq(o->path, r->secret))
            return true;
    if (x && str_to_c(r->secret, path, sizeof path) && read_into(&s->arena, path, SECRET_MAX, &x->secret, &why)) {
        x->path = r->secret;
        while (x->secret.n && (x->secret.p[x->secret.n - 1] == '\n' || x->secret.p[x->secret.n - 1] == '\r'))
            x->secret.n--;
        x->next = s->secrets;
        s->secrets = x;
        return true;
    }
    complain(errors, why.text);
    return false;
}

/* A machine without authorities still sends mail: only certificates cannot be proved then. */
static void load_authorities(struct site *s)
{
    static const char *const bundles[] = {"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"};
    struct why why;

    for (size_t i = 0; i < countof(bundles) && !s->authorities.n; i++)
        if (!file_exists(bundles[i]) || !read_into(&s->arena, bundles[i], AUTHORITIES_FILE_MAX, &s->authorities, &why))
            s->authorities = STR_NONE;
}

static bool load_relay(struct site *s, struct buf *errors)
{
    bool ok = true;

    for (const struct config_route *r = s->config->routes; r; r = r->next)
        if (r->secret.n)
            ok &= load_secret(s, r, errors);
    load_authorities(s);
    return ok;
}

/* ---- */

static bool list_listeners(struct site *s, struct buf *errors)
{
    struct site_listener **last = &s->listeners;
    uint32_t index = 0;

    for (const struct config_listen *l = s->config->listens; l; l = l->next) {
        struct site_listener *n = arena_new(&s->arena, struct site_listener);
        if (!n || index == SITE_LISTENERS_MAX) {
            complain(errors, "there are more than 64 listeners");
            return false;
        }
        *n = (struct site_listener){.kind = l->kind, .index = index++, .fd = -1, .host = l->host, .port = l->port};
        *last = n;
        last = &n->next;
    }
    return true;
}

struct site *site_load(const char *path, const char *builtin, const char *dir, struct buf *errors)
{
    struct site *s = calloc(1, sizeof *s);

    if (!s) {
        complain(errors, "no memory");
        return NULL;
    }
    arena_init(&s->arena, SITE_MEM);
    if (load_config(s, path, builtin, errors) && load_keys(s, dir, errors) && load_dns(s, errors) && load_relay(s, errors) && list_listeners(s, errors))
        return s;
    site_free(s);
    return NULL;
}

static void close_listener(struct site_listener *l)
{
    char path[1024];

    if (l->fd < 0 || l->kept)
        return;
    net_close(l->fd);
    if (!l->inherited && l->host.n > 0 && l->host.p[0] == '/' && str_to_c(l->host, path, sizeof path))
        unlink(path);
}

void site_free(struct site *s)
{
    if (!s)
        return;
    for (struct site_listener *l = s->listeners; l; l = l->next)
        close_listener(l);
    for (struct site_key *k = s->keys; k; k = k->next)
        explicit_bzero((char *)(uintptr_t)k->key.p, k->key.n);
    for (struct setup_secret *x = s->secrets; x; x = x->next)
        explicit_bzero((char *)(uintptr_t)x->secret.p, x->secret.n);
    arena_clear(&s->arena);
    free(s);
}
