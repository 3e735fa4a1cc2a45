// SPDX-License-Identifier: ISC
/* A real name server for tests: knotd (Debian: knot) on a loopback port of its own, signing by itself, in a directory of its own, stopped by its pid. Each zone is
   named, its text given, and how it is signed; what a parent must say of a signed child (DS) is filled in for "@DS child" lines, and something wrong for
   "@WRONGDS child". Zones are listed children first. For tests only. */
#pragma once
#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "base/str.h"

struct knot_zone { const char *name, *text; bool is_signed; };
struct knot_rig {
    char dir[64];
    pid_t pid;
    uint16_t port;
    char anchors[1024]; /* DS of the zone that was listed last */
};

static bool knot_installed(void)
{
    return (access("/usr/sbin/knotd", X_OK) == 0 || access("/usr/local/sbin/knotd", X_OK) == 0) && getenv("PENNY_NO_KNOT") == NULL;
}

/* A port that is free for UDP and TCP now. */
static uint16_t knot_free_port(void)
{
    for (int i = 0; i < 50; i++) {
        struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        socklen_t n = sizeof a;
        int tcp = socket(AF_INET, SOCK_STREAM, 0), udp = socket(AF_INET, SOCK_DGRAM, 0);
        bool ok = bind(tcp, (struct sockaddr *)&a, n) == 0 && getsockname(tcp, (struct sockaddr *)&a, &n) == 0 && bind(udp, (struct sockaddr *)&a, n) == 0;
        close(tcp);
        close(udp);
        if (ok)
            return ntohs(a.sin_port);
    }
    return 0;
}

/* Runs a program whose output is read up to size; true: it ended with 0. */
static bool knot_run(char *const *argv, char *output, size_t size)
{
    int out[2], status = -1;
    size_t n = 0;
    if (pipe(out) != 0)
        return false;
    pid_t pid = fork();
    if (pid == 0) {
        dup2(out[1], 1);
        close(out[0]);
        close(out[1]);
        execvp(argv[0], argv);
        _exit(127);
    }
    close(out[1]);
    for (ssize_t got; n + 1 < size && (got = read(out[0], output + n, size - 1 - n)) > 0;)
        n += (size_t)got;
    output[n] = '\0';
    close(out[0]);
    return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

static bool knot_keymgr(struct knot_rig *k, const char *zone, const char *word, const char *more1, const char *more2, const char *more3, char *output, size_t size)
{
    char conf[96];
    snprintf(conf, sizeof conf, "%s/knot.conf", k->dir);
    char *argv[] = {"keymgr", "-c", conf, (char *)zone, (char *)word, (char *)more1, (char *)more2, (char *)more3, NULL};
    setenv("PATH", "/usr/sbin:/sbin:/usr/local/sbin:/usr/bin:/bin:/usr/local/bin", 1);
    return knot_run(argv, output, size);
}

/* The DS (SHA-256) of a zone without its owner: "35631 13 2 hex…". */
static bool knot_ds(struct knot_rig *k, const char *zone, char *to, size_t size)
{
    char output[2048];
    if (!knot_keymgr(k, zone, "ds", NULL, NULL, NULL, output, sizeof output))
        return false;
    for (char *line = strtok(output, "\n"); line; line = strtok(NULL, "\n")) {
        char *ds = strstr(line, " DS ");
        if (ds && strstr(ds, " 2 ")) {
            snprintf(to, size, "%s", ds + 4);
            return true;
        }
    }
    return false;
}

static bool knot_write_zone(struct knot_rig *k, const struct knot_zone *z)
{
    char path[192], child[128], ds[512];
    struct str rest = str_c(z->text);
    snprintf(path, sizeof path, "%s/%s.zone", k->dir, z->name);
    FILE *f = fopen(path, "w");
    if (!f)
        return false;
    fprintf(f, "$TTL 300\n@ SOA ns.%s. admin.%s. 1 3600 600 86400 300\n@ NS ns.%s.\nns.%s. A 127.0.0.1\n", z->name, z->name, z->name, z->name);
    while (rest.n > 0) {
        struct str line = str_trim(str_cut(rest, '\n', &rest));
        bool wrong = str_starts(line, S("@WRONGDS "));
        if (!wrong && !str_starts(line, S("@DS "))) {
            fprintf(f, "%.*s\n", STR_ARG(line));
            continue;
        }
        if (!str_to_c(str_trim(str_skip(line, wrong ? 9 : 4)), child, sizeof child) || !knot_ds(k, child, ds, sizeof ds))
            return false;
        if (wrong)
            ds[strlen(ds) - 1] = ds[strlen(ds) - 1] == '0' ? '1' : '0';
        fprintf(f, "%s. NS ns.%s.\n%s. DS %s\n", child, child, child, ds);
    }
    return fclose(f) == 0;
}

static bool knot_write_conf(struct knot_rig *k, const struct knot_zone *zones, size_t count)
{
    char path[96];
    snprintf(path, sizeof path, "%s/knot.conf", k->dir);
    FILE *f = fopen(path, "w");
    if (!f)
        return false;
    fprintf(f, "server:\n    rundir: \"%s\"\n    listen: 127.0.0.1@%u\n    udp-workers: 1\n    tcp-workers: 1\n    background-workers: 1\n", k->dir, k->port);
    fprintf(f, "database:\n    storage: \"%s\"\n    journal-db-max-size: 10M\n    kasp-db-max-size: 10M\n    timer-db-max-size: 5M\n", k->dir);
    fprintf(f, "log:\n  - target: \"%s/log\"\n    any: info\n", k->dir);
    fprintf(f, "policy:\n  - id: fast\n    algorithm: ecdsap256sha256\n    single-type-signing: on\n    nsec3: on\n");
    fprintf(f, "template:\n  - id: default\n    storage: \"%s\"\nzone:\n", k->dir);
    for (size_t i = 0; i < count; i++)
        fprintf(f, "  - domain: \"%s\"\n    file: \"%s.zone\"\n    zonefile-load: difference-no-serial\n    journal-content: all\n    zonefile-sync: -1\n%s", zones[i].name,
                zones[i].name, zones[i].is_signed ? "    dnssec-signing: on\n    dnssec-policy: fast\n" : "");
    return fclose(f) == 0;
}

/* Answers with NOERROR and an answer for the last zone's SOA? A query by hand, over UDP. */
static bool knot_answers(struct knot_rig *k, const char *zone)
{
    unsigned char q[300] = {0x12, 0x34, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0}, a[512];
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(k->port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval wait = {.tv_usec = 100000};
    size_t n = 12;
    for (struct str rest = str_c(zone); rest.n > 0;) {
        struct str label = str_cut(rest, '.', &rest);
        q[n++] = (unsigned char)label.n;
        memcpy(q + n, label.p, label.n);
        n += label.n;
    }
    q[n] = 0;
    q[n + 2] = 6;
    q[n + 4] = 1;
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    bool ok = connect(fd, (struct sockaddr *)&to, sizeof to) == 0 && send(fd, q, n + 5, 0) > 0 && recv(fd, a, sizeof a, 0) > 12 && (a[3] & 15) == 0 && a[7] > 0;
    close(fd);
    return ok;
}

static void knot_stop(struct knot_rig *k)
{
    char *argv[] = {"rm", "-rf", k->dir, NULL};
    char output[64];
    if (k->pid > 0) {
        kill(k->pid, SIGTERM);
        for (int i = 0; i < 200; i++) {
            if (waitpid(k->pid, NULL, WNOHANG) == k->pid) {
                k->pid = 0;
                break;
            }
            nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
        }
        if (k->pid > 0) {
            kill(k->pid, SIGKILL);
            waitpid(k->pid, NULL, 0);
        }
        k->pid = 0;
    }
    if (strncmp(k->dir, "/tmp/penny-knot-", 16) == 0 && !getenv("KEEP"))
        knot_run(argv, output, sizeof output);
}

static bool knot_start(struct knot_rig *k, const struct knot_zone *zones, size_t count)
{
    char output[2048], conf[96], ds[512];
    *k = (struct knot_rig){.dir = "/tmp/penny-knot-XXXXXX", .port = knot_free_port()};
    if (k->port == 0 || !mkdtemp(k->dir) || !knot_write_conf(k, zones, count))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (zones[i].is_signed && !knot_keymgr(k, zones[i].name, "generate", "algorithm=ecdsap256sha256", "ksk=yes", "zsk=yes", output, sizeof output))
            return false;
        if (!knot_write_zone(k, &zones[i]))
            return false;
    }
    const char *top = zones[count - 1].name;
    if (zones[count - 1].is_signed && knot_ds(k, top, ds, sizeof ds))
        snprintf(k->anchors, sizeof k->anchors, "; of a test\n%s. IN DS %s\n", top, ds);
    snprintf(conf, sizeof conf, "%s/knot.conf", k->dir);
    k->pid = fork();
    if (k->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that dies takes it along */
        execlp("knotd", "knotd", "-c", conf, (char *)NULL);
        _exit(127);
    }
    for (int i = 0; k->pid > 0 && i < 100; i++) {
        bool all = true;
        for (size_t z = 0; z < count && all; z++)
            all = knot_answers(k, zones[z].name);
        if (all)
            return true;
        if (waitpid(k->pid, NULL, WNOHANG) == k->pid)
            k->pid = 0;
        nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
    }
    return false;
}
