/* SPDX-License-Identifier: ISC */
#include "os/net.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/test.h"
#include "os/fail.h"

static char storage[300000];
static struct buf in;

static struct buf *fresh(void)
{
    buf_fixed(&in, storage, sizeof storage);
    return &in;
}

/* Client and server end of one connection to host. */
static bool connect_ends(const char *host, const char *to, int ends[2], struct net_peer *peer)
{
    struct why why = {{0}, {0}};
    struct net_peer local;
    enum net_result r;
    int l = net_listen(host, 0, &why);
    if (l < 0 || !net_local_of(l, &local))
        return false;
    CHECK(net_is_listening(l));
    CHECK(net_accept(l, peer, &r) == -1 && r == NET_AGAIN);
    ends[0] = net_connect(to, local.port, &why);
    ends[1] = -1;
    if (ends[0] >= 0 && net_wait(ends[0], false, true, 1000) && net_connected(ends[0], &why) == NET_OK &&
        net_wait(l, true, false, 1000))
        ends[1] = net_accept(l, peer, &r);
    CHECK(ends[1] < 0 || r == NET_OK);
    int nodelay = 0, keepalive = 0;
    socklen_t n = sizeof nodelay;
    CHECK(getsockopt(ends[1], IPPROTO_TCP, TCP_NODELAY, &nodelay, &n) == 0 && nodelay &&
          getsockopt(ends[1], SOL_SOCKET, SO_KEEPALIVE, &keepalive, &n) == 0 && keepalive);
    CHECK((fcntl(ends[1], F_GETFL) & O_NONBLOCK) && (fcntl(ends[1], F_GETFD) & FD_CLOEXEC));
    net_close(l);
    return ends[1] >= 0;
}

TEST(own_addresses)
{
    struct net_own own[64];
    bool loopback = false;
    size_t n = net_own_addresses(own, 64);
    for (size_t i = 0; i < n; i++)
        loopback = loopback || strcmp(own[i].text, "127.0.0.1") == 0;
    CHECK(n >= 1 && n <= 64 && loopback);
    CHECK_NUM(net_own_addresses(own, 1), 1);
    CHECK_NUM(net_own_addresses(own, 0), 0);
}

TEST(tcp_both_ways)
{
    static const struct { const char *host, *to, *text; bool ipv6;
    } cases[] = {
        {"127.0.0.1", "127.0.0.1", "127.0.0.1", false}, {"::1", "::1", "::1", true}, {"[::1]", "[::1]", "::1", true},
        {"*", "127.0.0.1", "127.0.0.1", false},         {"*", "::1", "::1", true},   {"::", "127.0.0.1", "127.0.0.1", false},
        {"0.0.0.0", "127.0.0.1", "127.0.0.1", false},
    };
    int probe = socket(AF_INET6, SOCK_STREAM, 0);
    bool have_ipv6 = probe >= 0 && net_listen("::1", 0, NULL) >= 0;
    net_close(probe);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct net_peer peer, own;
        int ends[2];
        if (cases[i].ipv6 && !have_ipv6)
            continue;
        if (!connect_ends(cases[i].host, cases[i].to, ends, &peer)) {
            test_fail(__FILE__, __LINE__, "%s <- %s: no connection", cases[i].host, cases[i].to);
            continue;
        }
        CHECK_STR(str_c(peer.text), str_c(cases[i].text));
        CHECK(peer.ipv6 == cases[i].ipv6 && peer.loopback && !peer.local && peer.port != 0);
        CHECK(net_local_of(ends[0], &own) && own.port == peer.port);
        CHECK(net_peer_of(ends[1], &own) && own.key == peer.key);
        CHECK(net_read(ends[1], fresh(), 100) == NET_AGAIN);
        struct buf out;
        buf_init(&out, 100);
        buf_add(&out, S("hello"));
        CHECK(net_write(ends[0], &out) == NET_OK && out.n == 0);
        CHECK(net_wait(ends[1], true, false, 1000) && net_read(ends[1], &in, 3) == NET_OK);
        CHECK_STR(buf_str(&in), S("hel"));
        CHECK(net_read(ends[1], &in, 100) == NET_OK);
        CHECK_STR(buf_str(&in), S("hello"));
        net_shutdown(ends[0]);
        CHECK(net_wait(ends[1], true, false, 1000) && net_read(ends[1], &in, 100) == NET_END);
        const struct str parts[] = {S("a"), S(""), S("bc"), S("d")};
        size_t wrote;
        CHECK(net_write_parts(ends[1], parts, 4, &wrote) == NET_OK && wrote == 4);
        CHECK(net_wait(ends[0], true, false, 1000) && net_read(ends[0], fresh(), 100) == NET_OK);
        CHECK_STR(buf_str(&in), S("abcd"));
        net_close(ends[0]);
        net_close(ends[1]);
        buf_free(&out);
    }
}

TEST(keys)
{
    static const struct { const char *a, *b; bool same;
    } cases[] = {
        {"192.0.2.1", "192.0.2.1", true},
        {"192.0.2.1", "192.0.2.2", false},
        {"2001:db8:1:2::1", "2001:db8:1:2:ffff::9", true},
        {"2001:db8:1:2::1", "2001:db8:1:3::1", false},
        {"::ffff:192.0.2.1", "192.0.2.1", true},
        {"[2001:db8::1]", "2001:db8::2", true},
        {"::1", "0.0.0.0", false},
        {"::5", "0.0.0.5", false},
    };
    uint64_t a, b;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        CHECK(net_key(str_c(cases[i].a), &a) && net_key(str_c(cases[i].b), &b) && (a == b) == cases[i].same);
    CHECK(!net_key(S("example.org"), &a) && !net_key(S(""), &a) && !net_key(S("1.2.3"), &a) && !net_key(S("1.2.3.4 "), &a) &&
          !net_key(S("[1.2.3.4"), &a));
    CHECK(!net_key(S("2001:db8:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000"), &a));
}

TEST(limits_of_buffers)
{
    int fds[2];
    struct buf b;
    CHECK(net_pair(fds));
    CHECK(write(fds[1], "0123456789", 10) == 10);
    buf_init(&b, 4);
    CHECK(net_read(fds[0], &b, 100) == NET_OK);
    CHECK_STR(buf_str(&b), S("0123"));
    CHECK(net_read(fds[0], &b, 100) == NET_FULL && !b.full);
    buf_consume(&b, 2);
    CHECK(net_read(fds[0], &b, 100) == NET_OK);
    CHECK_STR(buf_str(&b), S("2345"));
    buf_free(&b);
    CHECK(net_read(fds[0], fresh(), 0) == NET_FULL);
    CHECK(net_read(fds[0], &in, 100) == NET_OK);
    CHECK_STR(buf_str(&in), S("6789"));
    /* A writer that is not read is told so, and goes on where it was. */
    static char big[1 << 20], back[1 << 20];
    for (size_t i = 0; i < sizeof big; i++)
        big[i] = (char)(i * 7 >> 3);
    buf_init(&b, sizeof big);
    buf_add(&b, str_of(big, sizeof big));
    size_t got = 0;
    unsigned again = 0;
    while (got < sizeof big) {
        enum net_result r = net_write(fds[1], &b);
        again += r == NET_AGAIN;
        CHECK((r == NET_OK) == (b.n == 0));
        while (net_read(fds[0], fresh(), 70000) == NET_OK) {
            memcpy(back + got, in.p, in.n);
            got += in.n;
        }
    }
    CHECK(again > 0 && memcmp(big, back, sizeof big) == 0);
    buf_free(&b);
    const struct str parts[] = {str_of(big, 1 << 19), str_of(big + (1 << 19), 1 << 19)};
    size_t wrote;
    CHECK(net_write_parts(fds[1], parts, 2, &wrote) == NET_AGAIN && wrote > 0 && wrote < sizeof big);
    net_close(fds[0]);
    CHECK(net_write_parts(fds[1], parts, 2, &wrote) == NET_ERROR); /* and no SIGPIPE */
    net_close(fds[1]);
    net_close(-1);
}

TEST(no_memory_loses_the_connection_and_not_the_process)
{
    int fds[2];
    struct buf b;
    CHECK(net_pair(fds));
    CHECK(write(fds[1], "abc", 3) == 3);
    buf_init(&b, 100);
    fail_alloc_at(1);
    CHECK(net_read(fds[0], &b, 100) == NET_ERROR);
    fail_alloc_at(0);
    buf_free(&b);
    net_close(fds[0]);
    net_close(fds[1]);
}

TEST(discard)
{
    int fds[2];
    CHECK(net_pair(fds));
    CHECK(write(fds[1], "abc", 3) == 3);
    CHECK(net_discard(fds[0]) == NET_AGAIN);
    net_close(fds[1]);
    CHECK(net_discard(fds[0]) == NET_END);
    net_close(fds[0]);
}

TEST(unix_sockets)
{
    char dir[] = "/tmp/penny-net-XXXXXX", path[64];
    struct why why = {{0}, {0}};
    struct net_peer peer;
    struct stat st;
    enum net_result r;
    uint32_t uid, gid;
    int32_t pid;
    CHECK(mkdtemp(dir) != NULL);
    snprintf(path, sizeof path, "%s/s", dir);
    int l = net_listen_unix(path, 0660, &why);
    CHECK(l >= 0 && stat(path, &st) == 0 && (st.st_mode & 0777) == 0660);
    CHECK(net_listen_unix(path, 0660, &why) == -1); /* somebody answers there */
    CHECK(strstr(why.text, path) != NULL);
    int c = net_connect_unix(path, &why);
    int s = net_accept(l, &peer, &r);
    CHECK(c >= 0 && s >= 0 && r == NET_OK && peer.local && peer.loopback && peer.key == 0);
    CHECK_STR(str_c(peer.text), S("local"));
    CHECK(net_peer_process(s, &uid, &gid, &pid) && uid == getuid() && gid == getgid() && pid == getpid());
    net_close(c);
    net_close(s);
    net_close(l);
    CHECK(net_connect_unix(path, &why) == -1 && strstr(why.text, "refused") != NULL);
    l = net_listen_unix(path, 0600, &why); /* a dead one is replaced */
    CHECK(l >= 0);
    net_close(l);
    unlink(path);
    FILE *f = fopen(path, "w");
    CHECK(f != NULL);
    fclose(f);
    CHECK(net_listen_unix(path, 0600, &why) == -1); /* a file of somebody's is not */
    CHECK(stat(path, &st) == 0 && S_ISREG(st.st_mode));
    unlink(path);
    CHECK(rmdir(dir) == 0);
    char too_long[200];
    memset(too_long, 'x', sizeof too_long);
    too_long[199] = 0;
    CHECK(net_listen_unix(too_long, 0600, &why) == -1 && net_connect_unix("", &why) == -1);
}

TEST(words_for_what_goes_wrong)
{
    struct why why = {{0}, {0}};
    struct net_peer local;
    int l = net_listen("127.0.0.1", 0, &why);
    CHECK(net_local_of(l, &local));
    CHECK(net_listen("127.0.0.1", local.port, &why) == -1 && strstr(why.text, "another program"));
    CHECK(net_listen("192.0.2.1", 0, &why) == -1 && strstr(why.text, "no interface"));
    CHECK(net_listen("localhost", 0, &why) == -1 && strstr(why.text, "literal"));
    CHECK(net_listen("", 0, &why) == -1 && net_listen("1.2.3", 0, NULL) == -1);
    CHECK(net_connect("mail.example", 25, &why) == -1);
    CHECK(!net_is_listening(0) && !net_is_listening(-1));
    net_close(l);
    int c = net_connect("127.0.0.1", local.port, &why);
    CHECK(c >= 0 ? net_wait(c, false, true, 1000) && net_connected(c, &why) == NET_ERROR && strstr(why.text, "refused")
                 : strstr(why.text, "refused") != NULL);
    net_close(c);
    CHECK(net_dial("127.0.0.1", local.port, 1000, &why) == -1 && strstr(why.text, "refused"));
    CHECK(net_dial("no such host", 25, 1000, &why) == -1 && strstr(why.text, "no such host"));
}

TEST(dial)
{
    struct why why = {{0}, {0}};
    struct net_peer local, peer;
    enum net_result r;
    int l = net_listen("127.0.0.1", 0, &why);
    CHECK(net_local_of(l, &local));
    static const char *const names[] = {"127.0.0.1", "localhost"};
    for (size_t i = 0; i < 2; i++) {
        int c = net_dial(names[i], local.port, 1000, &why);
        CHECK(c >= 0 && (fcntl(c, F_GETFL) & O_NONBLOCK) && (fcntl(c, F_GETFD) & FD_CLOEXEC));
        int s = net_accept(l, &peer, &r);
        CHECK(s >= 0);
        net_close(c);
        net_close(s);
    }
    net_close(l);
}

TEST(accept_says_full_and_skips_what_is_gone)
{
    struct net_peer local, peer;
    enum net_result r;
    int l = net_listen("127.0.0.1", 0, NULL);
    CHECK(net_local_of(l, &local));
    int c = net_connect("127.0.0.1", local.port, NULL);
    CHECK(net_wait(l, true, false, 1000));
    static const struct {
        int error;
        enum net_result want;
    } cases[] = {{EMFILE, NET_FULL},  {ENFILE, NET_FULL}, {ENOBUFS, NET_FULL}, {ENOMEM, NET_FULL},
                 {EAGAIN, NET_AGAIN}, {EBADF, NET_ERROR}, {EINVAL, NET_ERROR}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        os_fail_at(1, cases[i].error);
        CHECK(net_accept(l, &peer, &r) == -1 && r == cases[i].want);
    }
    os_fail_at(1, ECONNABORTED);
    int s = net_accept(l, &peer, &r);
    CHECK(s >= 0 && r == NET_OK);
    os_fail_at(1, EINTR);
    CHECK(net_accept(l, &peer, &r) == -1 && r == NET_AGAIN); /* and then there is none */
    os_fail_at(0, 0);
    net_close(s);
    net_close(c);
    net_close(l);
}

TEST(every_failing_call_is_reported_and_leaks_nothing)
{
    int lowest = dup(0);
    close(lowest);
    for (uint64_t n = 1;; n++) {
        struct why why = {{0}, {0}};
        os_fail_at(n, ENOMEM);
        int l = net_listen("*", 0, &why);
        bool failed = os_fail_happened();
        CHECK((l < 0) == failed && (!failed || why.text[0]));
        net_close(l);
        if (!failed)
            break;
    }
    os_fail_at(0, 0);
    int now = dup(0);
    CHECK_NUM(now, lowest);
    close(now);
}
