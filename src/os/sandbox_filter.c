/* SPDX-License-Identifier: ISC */
/* The seccomp half: one table of calls by role, a few with conditions, a few that fail politely. */
#include <errno.h>
#include <netinet/in.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <fcntl.h>
#include <unistd.h>
#include "base/check.h"
#include "os/inside.h"
#include "os/sandbox_inside.h"

#define BIT(role) (1U << (role))
enum {
    SPAWN = BIT(SANDBOX_MASTER),
    BOSS = SPAWN | BIT(SANDBOX_SINGLE),
    FILES = BOSS | BIT(SANDBOX_STORE),
    CLIENTS = BIT(SANDBOX_DNS) | BIT(SANDBOX_RELAY),
    EVERY = FILES | BIT(SANDBOX_EDGE) | BIT(SANDBOX_KEYS) | CLIENTS,
};

static const struct { const char *name; unsigned roles; } calls[] = {
#define CALL(name, roles) {#name, roles},
#include "os/sandbox_calls.def"
#undef CALL
};

/* What libraries try and can do without: no reason to die, no reason to allow. */
static const struct { const char *name; int error;
} polite[] = {
    {"clone3", ENOSYS}, /* its flags lie in memory, where a filter cannot see them: libc falls back to clone */
    {"openat2", ENOSYS},     {"io_uring_setup", ENOSYS}, {"sched_setaffinity", EPERM},  {"sched_setscheduler", EPERM},
    {"setpriority", EPERM},  {"sched_getparam", EPERM},  {"sched_getscheduler", EPERM}, {"statx", ENOSYS},
    {"close_range", ENOSYS}, {"ioctl", ENOTTY},
};

struct filter { scmp_filter_ctx c; int error; unsigned role; };

/* The first error is kept. */
static void rule(struct filter *f, uint32_t action, const char *name, const struct scmp_arg_cmp *conditions, size_t count)
{
    int number = seccomp_syscall_resolve_name(name);
    if (number == __NR_SCMP_ERROR || number < 0 || f->error != 0) /* negative: not on this processor */
        return;
    f->error = seccomp_rule_add_array(f->c, action, number, (unsigned)count, conditions);
}

/* Allowed when, of argument number arg, the bits in mask are value. */
static void allow_if(struct filter *f, const char *name, unsigned arg, scmp_datum_t mask, scmp_datum_t value)
{
    const struct scmp_arg_cmp condition = {.arg = arg, .op = SCMP_CMP_MASKED_EQ, .datum_a = mask, .datum_b = value};
    rule(f, SCMP_ACT_ALLOW, name, &condition, 1);
}

static void allow_with_conditions(struct filter *f)
{
    const scmp_datum_t all = ~(scmp_datum_t)0,
                       number = 0xffffffff; /* an int's upper half is not looked at by the kernel either */
    const scmp_datum_t thread = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD, pid = (scmp_datum_t)getpid();
    allow_if(f, "mmap", 2, PROT_EXEC, 0);
    allow_if(f, "mmap2", 2, PROT_EXEC, 0);
    allow_if(f, "mprotect", 2, PROT_EXEC, 0);
    allow_if(f, "clone", 0, thread, thread); /* a thread, never a process */
    allow_if(f, "tgkill", 0, number, pid);   /* abort() */
    allow_if(f, "prctl", 0, number, PR_SET_NAME);
    const struct scmp_arg_cmp undumpable[] = {{0, SCMP_CMP_MASKED_EQ, number, PR_SET_DUMPABLE}, {1, SCMP_CMP_MASKED_EQ, all, 0}};
    rule(f, SCMP_ACT_ALLOW, "prctl", undumpable, 2);
    allow_if(f, "prctl", 0, number, 0x53564d41); /* PR_SET_VMA: libc names its areas */
    allow_if(f, "prlimit64", 2, all, 0);         /* asks only */
    allow_if(f, "socketpair", 0, number, AF_UNIX);
    if (!(BOSS & BIT(f->role))) {
        allow_if(f, "setsockopt", 1, number, SOL_SOCKET);
        allow_if(f, "setsockopt", 1, number, IPPROTO_TCP);
        if (CLIENTS & BIT(f->role)) {
            allow_if(f, "setsockopt", 1, number, IPPROTO_IP);
            allow_if(f, "setsockopt", 1, number, IPPROTO_IPV6);
        }
    }
    if (!(FILES &
          BIT(f->role))) /* libc's fstat asks by an empty path; with another path it tells whether a file is there, and no more */
        allow_if(f, "newfstatat", 3, AT_EMPTY_PATH, AT_EMPTY_PATH);
    if (CLIENTS & BIT(f->role)) {
        if (f->role == SANDBOX_RELAY)
            allow_if(f, "socket", 0, number, AF_UNIX); /* LMTP */
        allow_if(f, "socket", 0, number, AF_INET);
        allow_if(f, "socket", 0, number, AF_INET6);
    }
    if (f->role == SANDBOX_SINGLE) {
        allow_if(f, "socket", 0, number, AF_UNIX); /* to tell the service manager; listeners after a reload */
        allow_if(f, "socket", 0, number, AF_INET);
        allow_if(f, "socket", 0, number, AF_INET6);
        allow_if(f, "kill", 0, number, pid);
    }
}

static bool is_allowed(unsigned role, const char *name)
{
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
        if ((calls[i].roles & BIT(role)) && strcmp(calls[i].name, name) == 0)
            return true;
    return false;
}

int sandbox_filter_load(enum sandbox_role role, bool set_no_new_privs)
{
    /* A master that asks for something unforeseen is told no and lives: without it nobody starts a role again. */
    uint32_t otherwise = role == SANDBOX_MASTER ? SCMP_ACT_ERRNO(EPERM) : SCMP_ACT_KILL_PROCESS;
    struct filter f = {.c = seccomp_init(otherwise), .role = role};
    if (!f.c)
        return -ENOMEM;
    f.error = seccomp_attr_set(f.c, SCMP_FLTATR_CTL_NNP, set_no_new_privs);
    (void)seccomp_attr_set(f.c, SCMP_FLTATR_API_SYSRAWRC, 1); /* the kernel's own errors, where the library can pass them on */
    (void)seccomp_attr_set(f.c, SCMP_FLTATR_CTL_OPTIMIZE, 2); /* a tree instead of a list; older libraries cannot */
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
        if (calls[i].roles & BIT(role))
            rule(&f, SCMP_ACT_ALLOW, calls[i].name, NULL, 0);
    for (size_t i = 0; i < sizeof polite / sizeof *polite; i++)
        if (!is_allowed(role, polite[i].name) && SCMP_ACT_ERRNO((uint32_t)polite[i].error) != otherwise)
            rule(&f, SCMP_ACT_ERRNO((uint32_t)polite[i].error), polite[i].name, NULL, 0);
    if (role != SANDBOX_MASTER)
        allow_with_conditions(&f);
    check(f.error == 0 || f.error == -ENOMEM); /* the table is wrong: no kernel is to blame */
    int error = f.error ? f.error : seccomp_load(f.c);
    seccomp_release(f.c);
    return error;
}
