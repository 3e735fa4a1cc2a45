// SPDX-License-Identifier: ISC
/* penny serve: the command line, the directory, the user, and then master_run. And the entry of a role's process. */
#include "base/clock.h"
#include "base/facts.h"
#include "base/random.h"
#include "daemon/clients.h"
#include "daemon/daemon.h"
#include "daemon/master.h"
#include "os/disk.h"
#include "os/file.h"
#include "os/net.h"
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    EX_OK_ = 0,
    EX_USAGE_ = 64,
    EX_NOUSER_ = 67,
    EX_UNAVAILABLE_ = 69,
    EX_OSERR_ = 71,
    EX_CANTCREAT_ = 73,
    EX_CONFIG_ = 78
}; /* sysexits(3) */

enum { LOCK_TRIES = 100 /* two seconds */ };

struct options {
    const char *config, *dir, *user;
    bool single, loopback, help;
};

static const char usage[] =
    "usage: penny serve [-c FILE | --loopback] [--dir DIR] [--single] [--user NAME]\n"
    "  -c, --config FILE   the configuration (or PENNY_CONFIG; else DIR/penny.conf, /etc/penny/penny.conf, or the defaults)\n"
    "      --dir DIR       where the mail is (or PENNY_DIR; else /var/lib/penny as root, ~/.local/share/penny otherwise)\n"
    "      --loopback      to try it: no configuration, only 127.0.0.1, ports 2525 smtp, 2587 submission, 2465, 2110 pop3, 2995 "
    "(the next free ones)\n"
    "      --single        all roles in one process, not isolated from each other: for debugging and very small machines\n"
    "      --user NAME     as root: the user that the roles run as (else service-user of the configuration, else penny)\n";

static int complain(int status, const char *what, const char *why)
{
    fprintf(stderr, "penny: %s%s%s\n", what, why[0] ? ": " : "", why);
    return status;
}

/* ---- the command line ---- */

static bool takes(const char *arg, const char *name, int argc, char **argv, int *i, const char **value)
{
    size_t n = strlen(name);

    if (strncmp(arg, name, n) != 0)
        return false;
    if (arg[n] == '=' && n > 2) {
        *value = arg + n + 1;
        return true;
    }
    if (arg[n] != '\0' || *i + 1 >= argc)
        return false;
    *value = argv[++*i];
    return true;
}

static bool parse_options(int argc, char **argv, struct options *o)
{
    o->config = getenv("PENNY_CONFIG");
    o->dir = getenv("PENNY_DIR");
    for (int i = 1; i < argc; i++) {
        const char *arg = argv[i];
        if (strcmp(arg, "--single") == 0)
            o->single = true;
        else if (strcmp(arg, "--loopback") == 0)
            o->loopback = true;
        else if (strcmp(arg, "--help") == 0 || strcmp(arg, "-h") == 0)
            o->help = true;
        else if (!takes(arg, "-c", argc, argv, &i, &o->config) && !takes(arg, "--config", argc, argv, &i, &o->config) &&
                 !takes(arg, "--dir", argc, argv, &i, &o->dir) && !takes(arg, "--user", argc, argv, &i, &o->user)) {
            fprintf(stderr, "penny: serve: %s: no such option, or its value is missing\n%s", arg, usage);
            return false;
        }
    }
    if (o->loopback && o->config && o->config != getenv("PENNY_CONFIG")) {
        fprintf(stderr, "penny: serve: --loopback stands for a configuration; leave out -c\n%s", usage);
        return false;
    }
    return true;
}

/* ---- to try it ---- */

enum { TRY_PORTS = 200 };

static bool port_is_free(uint16_t port)
{
    struct why why;
    int fd = net_listen("127.0.0.1", port, &why);

    if (fd < 0)
        return false;
    net_close(fd);
    return true;
}

/* The configuration of --loopback: a port for each protocol, the usual one above 2000 or the next one that nobody has. */
static bool write_loopback(char *to, size_t cap)
{
    static const struct {
        const char *word;
        uint16_t port;
    } services[] = {{"smtp", 2525}, {"submission", 2587}, {"submissions", 2465}, {"pop3", 2110}, {"pop3s", 2995}};
    struct buf b;

    buf_fixed(&b, to, cap - 1);
    for (size_t i = 0; i < countof(services); i++) {
        uint16_t port = services[i].port;
        while (port < services[i].port + TRY_PORTS && !port_is_free(port))
            port = (uint16_t)(port + 10);
        buf_printf(&b, "listen %s 127.0.0.1:%u\n", services[i].word, port);
    }
    to[b.n] = '\0';
    return !b.full;
}

/* ---- where things are ---- */

static bool choose_dir(struct master *m, const char *named)
{
    const char *home = getenv("HOME"), *data = getenv("XDG_DATA_HOME");
    int n;

    if (named && named[0])
        n = snprintf(m->dir, sizeof m->dir, "%s", named);
    else if (m->root)
        n = snprintf(m->dir, sizeof m->dir, "/var/lib/penny");
    else if (data && data[0] == '/')
        n = snprintf(m->dir, sizeof m->dir, "%s/penny", data);
    else
        n = snprintf(m->dir, sizeof m->dir, "%s/.local/share/penny", home ? home : ".");
    return n > 0 && (size_t)n < sizeof m->dir - 64;
}

static const char *choose_config(const struct master *m, const char *named, bool dir_named, char *to, size_t cap)
{
    if (named && named[0])
        return named;
    snprintf(to, cap, "%s/penny.conf", m->dir);
    if (file_exists(to))
        return to;
    snprintf(to, cap, "/etc/penny/penny.conf");
    return !dir_named && file_exists(to) ? to : NULL;
}

static int make_dir(struct master *m)
{
    struct why why = {0};
    char *real;
    int holder = 0, error = 0;
    char text[96];

    if (file_make_dirs(m->dir, 0700, &why) != DONE)
        return complain(EX_CANTCREAT_, m->dir, why.text);
    real = realpath(m->dir, NULL);
    if (real && strlen(real) < sizeof m->dir - 64)
        snprintf(m->dir, sizeof m->dir, "%s", real);
    free(real);
    /* After kill -9 the last thread of the store holds the lock a moment longer than its master lives. */
    const struct timespec moment = {.tv_nsec = 20 * 1000 * 1000};
    for (int tries = 0; (m->lock_fd = disk_lock_dir(m->dir, &holder, &error)) < 0 && tries < LOCK_TRIES; tries++) {
        if (holder <= 0 || kill(holder, 0) == 0 || errno != ESRCH)
            break;
        nanosleep(&moment, NULL);
    }
    if (m->lock_fd >= 0)
        return 0;
    if (holder > 0)
        snprintf(text, sizeof text, "in use by process %d; one server for each directory", holder);
    else
        snprintf(text, sizeof text, "cannot be locked: %s", disk_error_text(error));
    return complain(EX_CANTCREAT_, m->dir, text);
}

static int make_run_dir(struct master *m)
{
    const struct str named = m->site->config->run_dir;
    struct why why = {0};

    if (named.n ? !str_to_c(named, m->run_dir, sizeof m->run_dir)
                : snprintf(m->run_dir, sizeof m->run_dir, "%.1000s/run", m->dir) < 0)
        return complain(EX_CONFIG_, "run-dir", "the path is too long");
    if (file_make_dirs(m->run_dir, 0755, &why) != DONE)
        return complain(EX_CANTCREAT_, m->run_dir, why.text);
    return 0;
}

/* ---- who we are ---- */

static bool owner_of(const char *path, uid_t *uid, gid_t *gid)
{
    struct stat st;

    if (stat(path, &st) != 0 || st.st_uid == 0)
        return false;
    *uid = st.st_uid;
    *gid = st.st_gid;
    return true;
}

/* --user, service-user, penny, the owner of the directory, nobody: the first that there is. One that was named must exist. */
static int choose_user(struct master *m, const char *option)
{
    char configured[256];
    const char *named = option;

    if (!m->root) {
        m->uid = getuid();
        m->gid = getgid();
        return 0;
    }
    if (!named && m->site->config->service_user.n && str_to_c(m->site->config->service_user, configured, sizeof configured))
        named = configured;
    if (named) {
        if (!process_user_find(named, &m->uid, &m->gid))
            return complain(EX_NOUSER_, named, "no such user: the roles need one to run as");
    } else if (!process_user_find("penny", &m->uid, &m->gid) && !owner_of(m->dir, &m->uid, &m->gid)) {
        if (!process_user_find("nobody", &m->uid, &m->gid))
            return complain(EX_NOUSER_, "penny", "no such user: make one, or name another with --user or service-user");
        fact(FACT_WARN, "server.nobody",
             fact_c("hint", "there is no user penny, so the roles run as nobody: make one (useradd --system penny)"));
    }
    if (m->uid == 0)
        return complain(EX_NOUSER_, named ? named : "root", "the roles do not run as root: name another user");
    return 0;
}

/* What root made (commands, an earlier start) becomes the service user's. Nothing that has a second name, nothing behind a link.
   */
static int give_away(const struct master *m, const char *top)
{
    char *paths[2] = {(char *)(uintptr_t)top, NULL};
    FTS *walk = fts_open(paths, FTS_PHYSICAL | FTS_XDEV | FTS_NOCHDIR, NULL);
    int status = 0;

    if (!walk)
        return complain(EX_OSERR_, top, strerror(errno));
    for (FTSENT *e; (e = fts_read(walk)) && status == 0;) {
        if (e->fts_info == FTS_DP || e->fts_info == FTS_SL || e->fts_info == FTS_SLNONE)
            continue;
        if (e->fts_info == FTS_DNR || e->fts_info == FTS_ERR || e->fts_info == FTS_NS)
            status = complain(EX_OSERR_, e->fts_path, strerror(e->fts_errno));
        else if (e->fts_info == FTS_D && e->fts_level == 1 && strcmp(e->fts_name, "keys") == 0 && !m->single)
            fts_set(walk, e, FTS_SKIP); /* master reads them and hands them over; nobody else needs to */
        else if (e->fts_statp->st_uid == 0 && (e->fts_info == FTS_D || e->fts_statp->st_nlink == 1) &&
                 fchownat(AT_FDCWD, e->fts_path, m->uid, m->gid, AT_SYMLINK_NOFOLLOW) != 0)
            status = complain(EX_OSERR_, e->fts_path, strerror(errno));
    }
    fts_close(walk);
    return status;
}

static int take_user(struct master *m, const char *option)
{
    struct why why = {0};
    int status = choose_user(m, option);

    if (status || !m->root)
        return status;
    status = give_away(m, m->dir);
    if (!status && strncmp(m->run_dir, m->dir, strlen(m->dir)) != 0)
        status = give_away(m, m->run_dir);
    if (!status && m->single) {
        if (!process_user_drop(m->uid, m->gid, &why))
            return complain(EX_OSERR_, "--single does not run as root", why.text);
        m->root = false;
    }
    return status;
}

/* ---- ---- */

static int load_site(struct master *m)
{
    struct buf errors;
    struct process_listen passed[SITE_LISTENERS_MAX];
    struct why why = {0};

    buf_init(&errors, CONFIG_ERRORS_MAX);
    m->site = site_load(m->config_path, m->builtin, m->dir, &errors);
    if (errors.n > 0)
        fprintf(stderr, "%.*s", STR_ARG(buf_str(&errors)));
    buf_free(&errors);
    if (!m->site)
        return complain(EX_CONFIG_, m->config_path ? m->config_path : "the configuration", "not usable, nothing was started");
    fact_level_max(m->site->config->log_level);
    site_inherit(m->site, passed, process_listen_fds(passed, SITE_LISTENERS_MAX));
    if (!m->site->listeners)
        return complain(EX_CONFIG_, "no listener", "there is nothing to serve");
    if (!site_listen(m->site, NULL, &why)) {
        if (!m->config_path)
            return complain(
                EX_UNAVAILABLE_, why.text,
                "without a configuration the registered ports are used; \"listen smtp 127.0.0.1:2525\" in a file says otherwise");
        return complain(EX_UNAVAILABLE_, why.text, "");
    }
    return 0;
}

static int make_clients(struct master *m)
{
    m->clients_fd = memfd_create("clients", MFD_CLOEXEC);
    if (m->clients_fd < 0 || ftruncate(m->clients_fd, (off_t)clients_size(CLIENTS_SLOTS)) != 0)
        return complain(EX_OSERR_, "memory for the table of clients", strerror(errno));
    return 0;
}

/* Made once and kept: a name that nobody has must not show itself by a salt that a restart changes. */
static int load_salts(struct master *m)
{
    char dir[1060], path[1080];
    struct buf b;
    struct why why = {0};

    snprintf(dir, sizeof dir, "%s/keys", m->dir);
    snprintf(path, sizeof path, "%s/salts", dir);
    buf_init(&b, sizeof m->salts);
    bool ok = file_exists(path) ? file_read(path, sizeof m->salts, &b, &why) == DONE : false;
    if (ok && b.n == sizeof m->salts) {
        memcpy(m->salts, b.p, sizeof m->salts);
    } else if (!file_exists(path)) {
        random_bytes(m->salts, sizeof m->salts);
        ok = file_make_dirs(dir, 0700, &why) == DONE && file_write(path, str_of(m->salts, sizeof m->salts), 0600, &why) == DONE;
    } else if (ok) {
        ok = false;
        snprintf(why.text, sizeof why.text, "is not 32 octets long; remove it and another is made");
    }
    buf_free(&b);
    return ok ? 0 : complain(EX_CANTCREAT_, path, why.text);
}

static int set_up(struct master *m, const struct options *o, char *config, size_t cap)
{
    int status;

    if (!choose_dir(m, o->dir))
        return complain(EX_USAGE_, "--dir", "the path is too long");
    m->config_path = o->loopback ? NULL : choose_config(m, o->config, o->dir && o->dir[0], config, cap);
    status = make_dir(m);
    if (!status)
        status = load_site(m);
    if (!status)
        status = load_salts(m);
    if (!status)
        status = make_run_dir(m);
    if (!status)
        status = take_user(m, o->user);
    if (!status)
        status = make_clients(m);
    return status;
}

int daemon_serve(int argc, char **argv)
{
    struct options o = {0};
    struct why why = {0};
    char config[1100], builtin[400];
    int status;
    struct master *m = calloc(1, sizeof *m);

    if (!m || !parse_options(argc, argv, &o)) {
        free(m);
        return EX_USAGE_;
    }
    if (o.help) {
        free(m);
        fputs(usage, stdout);
        return EX_OK_;
    }
    *m = (struct master){.single = o.single,
                         .root = process_is_root(),
                         .lock_fd = -1,
                         .clients_fd = -1,
                         .generation = 1,
                         .started_ms = clock_mono_ms(),
                         .started_unix_ms = clock_unix_ms()};
    fact_role(o.single ? "single" : "master");
    if (!process_init(&why) || !(m->loop = loop_new())) {
        free(m);
        return complain(EX_OSERR_, "start", why.text);
    }
    process_raise_nofile();
    process_undumpable();
    m->own_session = process_own_session();
    random_bytes(m->ticket_key, sizeof m->ticket_key);
    log_start(&m->log, m->loop);
    fact_sink(log_add, &m->log);
    if (o.loopback && write_loopback(builtin, sizeof builtin))
        m->builtin = builtin;
    status = set_up(m, &o, config, sizeof config);
    if (!status)
        status = master_run(m);
    log_flush(&m->log, 2000);
    fact_sink(NULL, NULL);
    log_stop(&m->log);
    site_free(m->site);
    site_free(m->coming);
    net_close(m->clients_fd);
    if (m->lock_fd >= 0)
        disk_unlock_dir(m->lock_fd);
    loop_free(m->loop);
    explicit_bzero(m->ticket_key, sizeof m->ticket_key);
    explicit_bzero(m->salts, sizeof m->salts);
    free(m);
    return status;
}

/* ---- a role's process ---- */

struct role_process {
    struct loop *loop;
    struct actor *actor;
    int status;
};

static bool to_master(void *to, struct str line)
{
    struct actor *a = to;
    struct peer *master = actor_peer(a, ROLE_MASTER);

    return line.n <= 8192 && peer_room(master) > LINK_STREAM_MAX / 2 && peer_send(master, &MSG(log, .line = line));
}

static void ended(void *to, struct actor *a, int status)
{
    struct role_process *p = to;

    (void)a;
    p->status = status;
    loop_stop(p->loop);
}

int daemon_role(int argc, char **argv)
{
    struct role_process p = {0};
    enum role who;
    uint64_t incarnation;
    struct link *l;

    if (argc < 3 || !role_by_name(str_c(argv[1]), &who) || who == ROLE_MASTER || !str_to_u64(str_c(argv[2]), &incarnation))
        return complain(EX_USAGE_, "role", "this is not a command for people");
    fact_role(role_name(who));
    process_title(role_name(who));
    process_undumpable();
    process_no_core();
    p.loop = loop_new();
    p.actor = p.loop ? actor_new(role_type_of(who), p.loop, (uint32_t)incarnation, false, ended, &p) : NULL;
    if (!p.actor)
        return EX_OSERR_;
    l = link_new(p.loop, 3, "master", &peer_handler, actor_peer(p.actor, ROLE_MASTER), LINK_QUEUE_MAX);
    if (!l)
        return complain(EX_USAGE_, "role", "descriptor 3 is no link");
    actor_link(p.actor, ROLE_MASTER, 0, l);
    fact_sink(to_master, p.actor);
    loop_run(p.loop);
    fact_sink(NULL, NULL);
    actor_free(p.actor);
    return p.status;
}
