// SPDX-License-Identifier: ISC
/* Runs a client's machine over one connection, blocking: for commands. Clear text until TLS was asked for, then TLS with the
 * certificate checked. */
#pragma once
#include "agent/inside.h"
#include "base/machine.h"
#include "tls/tls.h"

struct endpoint { /* "host:port", "submissions://host", "[::1]:2525" */
    char host[256];
    uint16_t port;
    bool implicit; /* TLS from the start */
    bool unsure;   /* neither port nor scheme said whether */
};
/* usual: the port when none is said; implicit_port: the one that means TLS from the start. False: not one. */
/* For a port whose custom is not known: who says nothing for two seconds waits for TLS. Sets implicit. */
void endpoint_probe(struct endpoint *e);
bool endpoint_parse(struct str text, uint16_t usual, uint16_t implicit_port, struct endpoint *to);

struct trust {        /* what the certificate has to be */
    bool insecure;    /* anything */
    bool learn;       /* anything, and remembered in seen */
    char pinned[65];  /* SHA-256 in hexadecimal of the one certificate; empty: the system's authorities and file */
    const char *file; /* further authorities (PEM), or NULL */
    char seen[65];    /* what the server showed */
    bool refused;     /* that was the reason of the failure */
    bool ask;         /* the caller asks the person then: nothing is said about it */
};

struct net_host {
    struct machine *m;
    struct buf out; /* m->out */
    void *self;
    void (*answer)(void *self); /* m wants an answer: give it, set m->answered */
    bool (*drain)(void *self);  /* take octets out of further buffers (POP3 body): were there any? May be NULL */
    struct trust *trust;
    const char *host;
    int fd;
    struct tls *tls;
    struct tls_client_context *context;
    struct buf wire_in, wire_out, plain;
    struct why why; /* why the connection failed; text empty: it did not */
};
/* Connects; with implicit TLS shakes hands. -1: fine, else the exit status and why is said in h->why. m->out is set to h->out. */
int net_host_open(struct net_host *h, struct machine *m, const struct endpoint *to, struct trust *trust);
/* Until HANG_UP. False: the connection broke (h->why). */
bool net_host_run(struct net_host *h);
void net_host_close(struct net_host *h);
