/* SPDX-License-Identifier: ISC */
/* Sockets, non-blocking and close-on-exec. Bytes go between the kernel and a struct buf. No name is ever looked up here but in
   net_dial, which is for commands. */
#pragma once
#include "base/buf.h"
#include "base/outcome.h"

enum net_result {
    NET_OK,    /* done: bytes were read, everything was written, a connection came */
    NET_AGAIN, /* nothing now: wait until it is readable or writable */
    NET_END,   /* read: the peer sends no more */
    NET_FULL,  /* accept: no descriptors or memory: stop listening for a moment (loop timer), do not spin. read: the buffer has no
                  room */
    NET_ERROR, /* reset, broken pipe, time-out: close it */
};

struct net_peer {
    char text[64];      /* "192.0.2.1", "2001:db8::1" (never a mapped address), "local" for a unix socket; empty: unknown */
    uint16_t port;
    uint64_t key;       /* one number a client: IPv4 address, IPv6 /64 network; 0 for unix. Tables that count clients use this. */
    bool ipv6, loopback, local; /* loopback: 127/8, ::1 and unix sockets */
};

/* host: an address literal (IPv6 with or without brackets), or "*": every address, IPv4 and IPv6 (IPv4 only where the kernel has
   no IPv6). -1 with why in words: "127.0.0.1:25: permission denied (ports below 1024 need root or CAP_NET_BIND_SERVICE)". Port 0:
   the kernel chooses. */
int net_listen(const char *host, uint16_t port, struct why *why);
/* A path; mode as for chmod; a dead socket file of an earlier run is replaced, one that answers is not. */
int net_listen_unix(const char *path, uint32_t mode, struct why *why);
/* Makes a socket that was inherited fit for net_accept; false: it is no listening stream socket. */
bool net_listen_adopt(int fd);
static inline bool net_is_listening(int fd) { return net_listen_adopt(fd); }
/* The next connection: a descriptor and NET_OK, or -1 and NET_AGAIN | NET_FULL | NET_ERROR (the listener itself is broken). A
   connection that was gone before we took it is skipped. Never blocks. TCP connections have TCP_NODELAY and keep-alive, from
   their listener. */
int net_accept(int listener, struct net_peer *peer, enum net_result *result);

/* Appends at most most bytes (and what to has room for). NET_OK, NET_AGAIN, NET_END, NET_FULL, NET_ERROR. Storage is only taken
   when bytes are there. */
enum net_result net_read(int fd, struct buf *to, size_t most);
/* Writes from the front and consumes. NET_OK: empty now; NET_AGAIN: some is left; NET_ERROR. Never raises SIGPIPE. */
enum net_result net_write(int fd, struct buf *from);
/* Gathered; *wrote counts the bytes that left. */
enum net_result net_write_parts(int fd, const struct str *parts, size_t count, size_t *wrote);
void net_nodelay(int fd);
void net_buffers(int fd, int receive, int send);  /* SO_RCVBUF, SO_SNDBUF in bytes; 0: leave */
void net_shutdown(int fd);                        /* we send no more */
/* Throws away what the peer still sends, so that close does not reset the last reply away: call when readable after net_shutdown.
   NET_AGAIN: more may come; NET_END or NET_ERROR: close now. */
enum net_result net_discard(int fd);
void net_close(int fd);                           /* -1 is allowed */

bool net_peer_of(int fd, struct net_peer *peer);
bool net_local_of(int fd, struct net_peer *local);
bool net_peer_process(int fd, uint32_t *uid, uint32_t *gid, int32_t *pid); /* SO_PEERCRED of a unix socket */
/* The key of an address text, as above; false: not an address. */
bool net_key(struct str text, uint64_t *key);
/* Addresses of this machine's interfaces that are up, loopback included; at most max, returns how many. Before the sandbox closes. */
struct net_own { char text[64]; };
size_t net_own_addresses(struct net_own *to, size_t max);
/* A connected pair of stream sockets, both non-blocking and close-on-exec. */
bool net_pair(int fds[2]);
void net_blocking(int fd, bool blocking);

/* Client ends. literal: an address; the descriptor becomes writable when the connection stands or failed: then net_connected. */
int net_connect(const char *literal, uint16_t port, struct why *why);
int net_connect_unix(const char *path, struct why *why);      /* at once or not at all */
enum net_result net_connected(int fd, struct why *why);       /* NET_OK, NET_AGAIN, NET_ERROR */
/* For commands: blocks, looks names up by the system's resolver, tries every address. The descriptor is non-blocking. -1 with
   why. */
int net_dial(const char *host, uint16_t port, int64_t timeout_ms, struct why *why);
/* For commands without a loop: waits until readable or writable (enum loop_interest); false: time is over. */
bool net_wait(int fd, bool read, bool write, int64_t timeout_ms);
