/* SPDX-License-Identifier: ISC */
/* Private to the relay role.

     job (a message to one domain) ──► hop (a domain: its route, or the look-up of its MX)
                                         └──► site (a set of hosts: gate, queue)
                                                └──► conn (one connection: host loop of smtp/client.h)

   relay_role.c  messages, life            relay_job.c   jobs and their octets      relay_hop.c      look-ups
   relay_site.c  queues and gates          relay_conn.c  connections                relay_session.c  questions of the machine
   relay_convert.c  messages made fit
   relay_tls.c   what a connection must be, and whether it is that   relay_resume.c   tickets of earlier ones */
#pragma once
#include "daemon/inside.h"
#include "message/convert.h"
#include "os/loop.h"
#include "os/net.h"
#include "relay/mx_config.h"
#include "relay/security.h"
#include "relay/site.h"
#include "smtp/client.h"
#include "tls/tls.h"

enum {
    RELAY_JOBS_MAX = 1024,       /* window: jobs at this role */
    RELAY_OCTETS_MAX = 64 << 20, /* of bodies that store may send unasked */
    RELAY_SITE_JOBS_MAX = 256,   /* jobs that wait at one site: further ones go back */
    RELAY_CONNS_MAX = 500,
    RELAY_HOPS_MAX = 4096,
    RELAY_BUCKETS = 1024,
    RELAY_CONNECT_MS = 15 * 1000, /* of one address */
    RELAY_HANDSHAKE_MS = 60 * 1000,
    RELAY_IDLE_MS = 5 * 1000, /* a connection waits for another message of its site */
    RELAY_STALL_MS = 5 * 60 * 1000,
    RELAY_CONN_MESSAGES = 1000,     /* then another host gets its turn */
    RELAY_TRIES_MAX = 5,            /* connections that a job may lose before it began, without its being an attempt */
    RELAY_HOP_KEEP_MS = 300 * 1000, /* a look-up is used again for at most this long, and at least: */
    RELAY_HOP_LEAST_MS = 5 * 1000,
    RELAY_BAD_MS = 60 * 1000, /* an address that did not answer stands behind the others */
    RELAY_BAD_MAX = 32,
    RELAY_BARRED_MS = 60 * 1000, /* a domain whose hosts are not what they have to be is left alone for so long */
    RELAY_TICKETS_MAX = 512,
    RELAY_TICKETS_OCTETS = 2 << 20,
    RELAY_BUF_MAX = 256 * 1024,
    RELAY_JOB_MEM = 4 << 20,
    RELAY_RCPT_MAX = 10000,
    RELAY_PORTS_MAX = 1024,
};

struct relay;
struct relay_hop;
struct relay_site;
struct relay_conn;

/* What a message asks of the way, RFC 8689. */
struct relay_demand {
    bool requiretls, null_sender, tls_optional;
};

enum relay_job_state { JOB_COMING, JOB_LOOKING, JOB_QUEUED, JOB_SENDING };
struct relay_job {
    struct relay_job *bucket; /* by number */
    struct relay_job *next;   /* in the list of hop (LOOKING) or site (QUEUED) */
    enum relay_job_state state;
    struct relay_hop *hop;   /* from LOOKING on */
    struct relay_conn *conn; /* SENDING */
    uint64_t number, id, size;
    struct arena arena; /* all strings */
    struct smtp_client_message message;
    uint64_t *queue_id; /* of message.rcpt[i] */
    uint32_t expected;  /* recipients announced */
    struct str next_hop, route;
    enum smtp_body body; /* as it is; message.body: as it is sent */
    struct relay_demand demand;
    bool now, broken;
    unsigned tries;
    /* octets: first stays for the whole life, so that a second connection begins without asking */
    char *first, *piece;
    uint32_t first_n, piece_n;
    uint64_t piece_at;
    bool first_last, piece_last;
    bool asked; /* work_more is open */
    uint64_t asked_at;
    struct relay_conversion *conversion; /* NULL: it is sent as it is */
};

/* The message made fit for a peer that takes no 8-bit or binary octets: read twice from store, nothing is held but a piece. */
struct relay_conversion {
    struct arena arena;
    struct convert *convert;
    bool looked, ended;
    uint64_t read_at; /* octets of the original that were taken in this pass */
    uint64_t out_at;  /* octets given out before what is in out */
    struct buf out;
};

enum relay_hop_state { HOP_LOOKING, HOP_READY, HOP_FAILED };
struct relay_hop {
    struct relay_hop *bucket; /* by key, or NULL: a newer one has its place */
    struct relay *relay;
    uint32_t serial, refs; /* refs: jobs and conns */
    bool listed;
    enum relay_hop_state state;
    struct arena arena;
    struct str key; /* "domain" or "domain route" */
    struct str domain;
    struct config_route route; /* kind, host … when routed */
    bool routed;
    struct str user, password;
    struct relay_mx_settings mx_settings;
    struct relay_mx mx;
    uint32_t *asked; /* question ids outstanding */
    size_t asked_count, asked_cap;
    int64_t expires_ms;
    struct relay_job *waiting, **waiting_last; /* LOOKING */
    struct relay_site *site;                   /* READY */
    int64_t barred_ms; /* no host was good enough a moment ago: until then. Messages that demand something of their own try */
    struct why barred_why;
};

struct relay_bad {
    struct dns_ip ip;
    int64_t until_ms;
};
struct relay_site {
    struct relay_site *bucket;
    struct relay *relay;
    struct relay_gate gate;
    struct relay_job *first, **last;
    uint32_t waiting, hops; /* jobs queued; hops that lead here */
    int lowest;             /* priority of the last one that was put behind all */
    struct relay_conn *conns;
    struct loop_timer timer; /* the gate may open then */
    struct relay_bad bad[RELAY_BAD_MAX];
    uint32_t bad_next;
    int64_t used_ms;
    bool told;        /* store was told that it is dead */
    bool busy, again; /* within relay_site_work; something happened meanwhile */
    size_t n;
    char key[];
};

enum relay_conn_state { CONN_CONNECTING, CONN_SHAKING, CONN_RUNNING, CONN_ENDING, CONN_LOOKING };
struct relay_conn {
    struct relay_conn *next, **back; /* of the site */
    struct relay_conn *doomed;
    struct relay *relay;
    struct relay_site *site;
    struct relay_hop *hop;              /* whose hosts it tries */
    struct relay_demand demand;         /* of the job that it was opened for */
    struct security security;           /* decided for the host that it is at; points into hop */
    bool unfit;                         /* the host does not offer what the job demands */
    unsigned failed, skipped, unwanted; /* hosts: that did not answer well; that were not good enough for now; for good */
    enum relay_conn_state state;
    struct smtp_client client; /* the machine: once connected */
    struct smtp_client_settings settings;
    struct relay_job *job;
    struct loop_io io;
    struct loop_timer timer;
    int fd;
    struct tls *tls;
    bool greeted, closing, running, idle_over, preparing /* its message is being looked through */, asked_message,
        clear /* without TLS: it failed before */, in_end, idle, tls_more, machine, stalled;
    uint32_t messages;
    size_t host, address;        /* where it is in hop->mx */
    bool tried, passed, all_bad; /* passed: over bad ones; second round: the addresses that were bad, too */
    struct dns_ip ip;
    struct str host_name;
    char ip_text[64];
    struct why why; /* of the last failure */
    enum outcome outcome;
    uint16_t code;
    char said[512]; /* the reply that refused us */
    char status[12];
    const char *stage;
    struct arena connection, transaction;
    struct buf in, out, wire_in, wire_out;
};

struct relay {
    struct actor *actor;
    struct loop *loop;
    const struct config *config;
    struct relay_mx_settings mx_settings; /* for domains without a route */
    struct arena settings_arena;
    const struct setup_secret *secrets; /* of the setup that holds */
    struct str authorities;             /* of the same; empty: no certificate can be proved */
    struct str helo;
    struct tls_client_context *tls, *tls_proving;
    struct relay_ticket *tickets[RELAY_TICKETS_MAX];
    size_t tickets_octets;
    unsigned tickets_hand;
    struct relay_job *jobs[RELAY_BUCKETS];
    struct relay_hop *hops[RELAY_BUCKETS];
    struct relay_site *sites[RELAY_BUCKETS];
    size_t job_count, hop_count, conn_count;
    uint32_t next_serial;
    struct relay_conn *doomed;
    struct loop_defer burial;
    uint16_t ports[RELAY_PORTS_MAX]; /* that the sandbox lets it connect to */
    size_t port_count;
    size_t told_jobs, told_conns;
    bool stopping, begun;
};

/* relay_role.c */
struct tls_client_context *relay_tls_proving(struct relay *r); /* NULL: no memory */

/* relay_tls.c */
/* What host number host of h has to be for that demand; a socket of this machine: nothing. q (may be NULL): what was decided
   about. */
void relay_tls_decide(const struct relay_hop *h, size_t host, struct relay_demand demand, struct security_question *q,
                      struct security *to);
/* May j go over c as it is now? */
bool relay_tls_fits(const struct relay_conn *c, const struct relay_job *j);
bool relay_tls_open(struct relay_conn *c);                       /* c->tls, by c->security. False: no memory */
void relay_tls_keep(struct relay_conn *c);                       /* before it goes: its ticket */
void relay_tls_text(const struct relay_conn *c, char text[128]); /* "TLSv1.3 …, verified by DANE"; "": no TLS */

/* relay_resume.c */
struct str relay_ticket(struct relay *r, struct str key); /* empty: none. Good until the next call */
void relay_ticket_keep(struct relay *r, struct str key, struct str octets, int64_t expires_unix);
void relay_tickets_drop(struct relay *r);

/* relay_job.c */
void relay_job_begin(struct relay *r, const struct msg_work_begin *m);
void relay_job_rcpt(struct relay *r, const struct msg_work_rcpt *m);
void relay_job_end(struct relay *r, const struct msg_work_end *m);
void relay_job_piece(struct relay *r, const struct msg_work_piece *m);
void relay_job_cancel(struct relay *r, uint64_t number);
/* What recipient i came to. why.text may be a peer's reply, sanitised. */
void relay_job_result(struct relay_job *j, struct relay *r, uint32_t i, const struct smtp_result *result, const char *stage,
                      const struct relay_conn *c);
/* All recipients: the same. Ends the job. */
void relay_job_fail(struct relay_job *j, struct relay *r, const struct smtp_result *result, const char *stage,
                    const struct relay_conn *c);
void relay_job_back(struct relay_job *j, struct relay *r, int64_t not_before_ms, const char *why); /* ends the job */
void relay_job_done(struct relay_job *j, struct relay *r);                                         /* ends the job */
void relay_jobs_drop(struct relay *r);                                                             /* store is gone */
/* Octets from offset on. False: they are on their way (relay_conn_run is called when they are here). */
enum relay_data { RELAY_DATA_HERE, RELAY_DATA_LATER, RELAY_DATA_FAILED };
enum relay_data relay_job_data(struct relay_job *j, struct relay *r, uint64_t offset, struct str *to);

/* relay_convert.c */
enum relay_data relay_convert_begin(struct relay_job *j, struct relay *r,
                                    const struct smtp_caps *offers); /* HERE: the message may begin */
enum relay_data relay_convert_data(struct relay_job *j, struct relay *r, uint64_t offset, struct str *to);
void relay_convert_end(struct relay_job *j);

/* relay_hop.c */
void relay_hop_take(struct relay *r, struct relay_job *j); /* finds or makes the hop of a job, which goes on from there */
void relay_hop_answer(struct relay *r, const struct msg_dns_answer *m);
void relay_hops_unanswered(struct relay *r); /* dns is gone */
void relay_hop_ask(struct relay_hop *h);     /* after relay_mx_more */
void relay_hop_hold(struct relay_hop *h);
void relay_hop_drop(struct relay_hop *h);
void relay_hops_sweep(struct relay *r, bool all);

/* relay_site.c */
struct relay_site *relay_site_get(struct relay *r, struct str key); /* NULL: no memory */
void relay_site_add(struct relay_site *s, struct relay_job *j, bool front);
struct relay_job *relay_site_take(struct relay_site *s, const struct relay_conn *c);
void relay_site_remove(struct relay_site *s, struct relay_job *j);
void relay_site_work(struct relay_site *s);                             /* wakes idle connections, opens new ones, tells store */
void relay_site_dead(struct relay_site *s, const struct relay_conn *c); /* the gate says so: what waits goes back */
void relay_site_mark_bad(struct relay_site *s, const struct dns_ip *ip);
bool relay_site_is_bad(const struct relay_site *s, const struct dns_ip *ip);
/* The hosts of h are not good enough for demand: jobs that want no less have that result. */
void relay_site_bar(struct relay_site *s, struct relay_hop *h, struct relay_demand demand, const struct smtp_result *result,
                    const struct relay_conn *c);
void relay_sites_sweep(struct relay *r, bool all);

/* relay_conn.c */
void relay_conn_open(struct relay_site *s, struct relay_job *j); /* to a host for j, who need not be the first to go over it */
void relay_conn_run(struct relay_conn *c);
void relay_conn_looked(struct relay_hop *h); /* more hosts of h are known */
void relay_conn_end(struct relay_conn *c);
void relay_conns_stop(struct relay *r); /* the idle ones say QUIT; the others end with their message */
void relay_conns_kill(struct relay *r);
void relay_burial_init(struct relay *r);
void relay_bury(struct relay *r);

/* relay_session.c */
bool relay_session_answer(struct relay_conn *c); /* the machine's question. False: not now */
void relay_session_over(struct relay_conn *c);   /* HANG_UP, or the connection is lost: what of the job */
