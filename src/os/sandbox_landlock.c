/* SPDX-License-Identifier: ISC */
/* The Landlock half, by raw system calls: the C library has none, and its headers lag behind the kernel, so the numbers are here
   (landlock(7)). */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "os/inside.h"
#include "os/sandbox_inside.h"

#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule 445
#define SYS_landlock_restrict_self 446
#endif

enum {
    FS_EXECUTE = 1 << 0,
    FS_WRITE_FILE = 1 << 1,
    FS_READ_FILE = 1 << 2,
    FS_READ_DIR = 1 << 3,
    FS_REMOVE_DIR = 1 << 4,
    FS_REMOVE_FILE = 1 << 5,
    FS_MAKE_CHAR = 1 << 6,
    FS_MAKE_DIR = 1 << 7,
    FS_MAKE_REG = 1 << 8,
    FS_MAKE_SOCK = 1 << 9,
    FS_MAKE_FIFO = 1 << 10,
    FS_MAKE_BLOCK = 1 << 11,
    FS_MAKE_SYM = 1 << 12,
    FS_REFER = 1 << 13,    /* ABI 2: rename and link between directories */
    FS_TRUNCATE = 1 << 14, /* ABI 3 */
    FS_ABI_1 = (1 << 13) - 1,
    READS = FS_READ_FILE | FS_READ_DIR,
    WRITES = FS_WRITE_FILE | FS_REMOVE_DIR | FS_REMOVE_FILE | FS_MAKE_DIR | FS_MAKE_REG | FS_MAKE_SOCK | FS_REFER | FS_TRUNCATE,
    ON_A_FILE = FS_EXECUTE | FS_WRITE_FILE | FS_READ_FILE | FS_TRUNCATE,
    NET_BIND = 1,
    NET_CONNECT = 2, /* ABI 4: TCP */
    SCOPE_ABSTRACT_UNIX = 1,
    SCOPE_SIGNAL = 2, /* ABI 6 */
    RULE_PATH_BENEATH = 1,
    RULE_NET_PORT = 2,
    GET_VERSION = 1,
};
struct ruleset { uint64_t fs, net, scoped; };
struct net_port { uint64_t allowed, port; };
struct path_beneath { uint64_t allowed; int32_t fd; } __attribute__((packed));

static long create_ruleset(const struct ruleset *r, size_t size, uint32_t flags)
{
    return syscall(SYS_landlock_create_ruleset, r, size, flags);
}

static int add_path(int ruleset, const struct sandbox_path *path, uint64_t handled)
{
    struct stat st;
    int fd = open(path->path, O_PATH | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    uint64_t rights = READS | (path->write ? WRITES : 0U);
    if (fstat(fd, &st) == 0 && !S_ISDIR(st.st_mode))
        rights &= ON_A_FILE;
    struct path_beneath rule = {.allowed = rights & handled, .fd = fd};
    int error = rule.allowed != 0 && syscall(SYS_landlock_add_rule, ruleset, RULE_PATH_BENEATH, &rule, 0) != 0 ? -errno : 0;
    close(fd);
    return error;
}

/* What master gives up its roles have not got; single is a client of whatever port is configured. UDP is nothing that Landlock knows. */
bool sandbox_any_port(enum sandbox_role role)
{
    return role == SANDBOX_MASTER || role == SANDBOX_SINGLE;
}

int sandbox_landlock(const struct sandbox_profile *p, bool only_writing, unsigned *in_force, const char **failed)
{
    long abi = create_ruleset(NULL, 0, GET_VERSION);
    *failed = NULL;
    if (abi < 1)
        return 0;
    uint64_t all = (uint64_t)FS_ABI_1 | (abi >= 2 ? FS_REFER : 0) | (abi >= 3 ? FS_TRUNCATE : 0);
    struct ruleset r = {.fs = only_writing ? all & ~(uint64_t)(FS_EXECUTE | READS) : all};
    if (p->role == SANDBOX_MASTER) /* it starts roles, and they load their libraries; it binds after a reload */
        r.fs &= ~(uint64_t)FS_EXECUTE;
    if (abi >= 4 && !only_writing && !sandbox_any_port(p->role))
        r.net = NET_BIND | NET_CONNECT;
    if (abi >= 6 && !only_writing && p->role != SANDBOX_MASTER &&
        p->role != SANDBOX_SINGLE) /* single tells the service manager, by an abstract socket perhaps */
        r.scoped = SCOPE_ABSTRACT_UNIX | SCOPE_SIGNAL;
    size_t size = abi >= 6 ? sizeof r : abi >= 4 ? offsetof(struct ruleset, scoped) : offsetof(struct ruleset, net);
    int ruleset = (int)create_ruleset(&r, size, 0), error = 0;
    if (ruleset < 0)
        return -errno;
    for (size_t i = 0; i < p->path_count && error == 0; i++) {
        error = add_path(ruleset, &p->paths[i], r.fs);
        if (error != 0)
            *failed = p->paths[i].path;
    }
    for (size_t i = 0; i < p->port_count && error == 0 && r.net; i++) {
        struct net_port rule = {.allowed = NET_CONNECT, .port = p->ports[i]};
        if (syscall(SYS_landlock_add_rule, ruleset, RULE_NET_PORT, &rule, 0) != 0)
            error = -errno;
    }
    if (error == 0 && syscall(SYS_landlock_restrict_self, ruleset, 0) != 0)
        error = -errno;
    close(ruleset);
    if (error == 0)
        *in_force |= SANDBOX_FILES | (r.net ? SANDBOX_NET : 0U);
    return error;
}
