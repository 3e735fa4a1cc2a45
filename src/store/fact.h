/* SPDX-License-Identifier: ISC */
/* What the records of the log say, decoded. Slices point into the record. Lists are read one by one with the next functions: no
   memory is taken. Every reader gives false for a payload that is not what it must be, and reads fields that a newer version
   appended as absent. */
#pragma once
#include "store/codec.h"
#include "store/log.h"
#include "store/ops.h"

struct fact_accept {
    uint64_t id, about;
    int64_t received_ms, connected_ms, mail_ms, data_ms;
    uint64_t body_id, body_pos, body_size;
    uint32_t ret, body_type;
    bool smtputf8, requiretls, utf8_header, body_large;
    int priority;
    struct str kind, from, envid, auth_user, client, helo, tls, trace, message_id, subject;
    uint32_t rcpt_count, delivery_count, queued_count;
    struct dec rcpts, deliveries, queued;
};
struct fact_rcpt { struct str address, orcpt; uint32_t notify; };
struct fact_delivery { account_id account; mailbox_id mailbox; uint32_t uid, rcpt; uint64_t modseq; struct str prefix; };
struct fact_queued { uint64_t queue_id; struct str address, orcpt; uint32_t notify, rcpt; };
bool fact_accept_read(struct str payload, struct fact_accept *to);
bool fact_rcpt_next(struct dec *list, struct fact_rcpt *to);
bool fact_delivery_next(struct dec *list, struct fact_delivery *to);
bool fact_queued_next(struct dec *list, struct fact_queued *to);

/* Uids as ranges: count of ranges, then gap and length of each. */
struct fact_uids {
    account_id account;
    mailbox_id mailbox;
    uint64_t modseq;
    uint32_t set, clear;
    uint32_t ranges, last;
    struct dec list;
};
bool fact_uids_read(struct str payload, struct fact_uids *to);
bool fact_uids_next(struct fact_uids *f, uint32_t *first, uint32_t *last);
void fact_uids_write(struct enc *e, enum record_type type, account_id a, mailbox_id m, uint64_t modseq, uint32_t set,
                     uint32_t clear, const uint32_t *uids, uint32_t count); /* uids rise */

struct fact_mailbox {
    account_id account;
    mailbox_id id;
    uint32_t uidvalidity, uidnext, messages;
    uint64_t modseq, bytes;
    struct str name, special_use;
};
void fact_mailbox_write(struct enc *e, const struct fact_mailbox *m);          /* fields only */
bool fact_mailbox_next(struct dec *d, struct fact_mailbox *to);

struct fact_account {
    account_id id;
    struct str name, verifier;
    uint64_t quota;
    int64_t created_ms;
    bool suspended;
    uint32_t mailbox_count;
    struct dec mailboxes;
};
bool fact_account_read(struct str payload, struct fact_account *to);

/* body: where the record lies that holds body id (or accept id) now. */
struct fact_moved { bool accept; uint64_t id; log_pos from, to; };
void fact_moved_write(struct enc *e, const struct fact_moved *m); /* fields only; a MOVED record is a count and these */
bool fact_moved_next(struct dec *d, struct fact_moved *to);

/* A whole or partial body as it lies in a BODY, PIECE or MAP record. */
struct fact_body { uint64_t id; const unsigned char *hash; struct str bytes; };
bool fact_body_read(struct str payload, struct fact_body *to);
struct fact_map { uint64_t id, size; const unsigned char *hash; uint32_t count, piece_size; struct str positions; };
bool fact_map_read(struct str payload, struct fact_map *to);
log_pos fact_map_piece(const struct fact_map *m, uint32_t i);                  /* 0: no such piece */
struct fact_piece { uint64_t id; uint32_t index; struct str bytes; };
bool fact_piece_read(struct str payload, struct fact_piece *to);

/* An attempt, as the table attempt keeps it, too. */
struct fact_result {
    uint64_t queue_id, id;
    enum outcome outcome;
    bool done, warned;
    uint32_t code, attempts;
    int64_t at_ms, next_ms;
    struct str status, text, host, ip, tls;
};
bool fact_result_read(struct str payload, struct fact_result *to);
struct fact_change {
    uint32_t what, count;
    int64_t next_ms, expire_ms;
    int32_t priority;
    struct str domain, route;
    struct dec ids;
};
bool fact_change_read(struct str payload, struct fact_change *to); /* ids: dec_var each */
struct fact_note { uint32_t kind; int64_t expires_ms; struct str key, value; };
bool fact_note_read(struct str payload, struct fact_note *to);
/* The key of the queue by domain: what stands behind the last @ of an address, in lower case; empty: there is none. Writes at
   most 255 octets. */
struct str fact_domain(struct str address, char to[256]);
