/* SPDX-License-Identifier: ISC */
#include "store/index.h"
#include <stdio.h>
#include <unistd.h>

/* state: one row. message.n: which delivery of its accept record this copy is. bits: body type (2), UTF-8 header (4). */
static const char schema[] =
    "CREATE TABLE state(one INTEGER PRIMARY KEY, version INTEGER, store BLOB, position INTEGER, batch INTEGER, next_id INTEGER, "
    "next_body INTEGER,"
    " next_queue INTEGER, next_account INTEGER, found INTEGER, snapshot INTEGER, as_of INTEGER,"
    " bodies INTEGER, queued INTEGER);"
    "CREATE TABLE account(id INTEGER PRIMARY KEY, name BLOB, quota INTEGER, verifier BLOB, created INTEGER, suspended INTEGER,"
    " next_mailbox INTEGER, uidvalidity INTEGER);"
    "CREATE TABLE mailbox(account INTEGER, id INTEGER, name BLOB, special BLOB, uidvalidity INTEGER, uidnext INTEGER, modseq "
    "INTEGER, messages INTEGER,"
    " bytes INTEGER, PRIMARY KEY(account, id)) WITHOUT ROWID;"
    "CREATE TABLE message(account INTEGER, mailbox INTEGER, uid INTEGER, flags INTEGER, modseq INTEGER, accept INTEGER, n "
    "INTEGER, size INTEGER,"
    " received INTEGER, bits INTEGER, PRIMARY KEY(account, mailbox, uid)) WITHOUT ROWID;"
    "CREATE TABLE expunged(account INTEGER, mailbox INTEGER, modseq INTEGER, first INTEGER, last INTEGER, PRIMARY KEY(account, "
    "mailbox, modseq, first))"
    " WITHOUT ROWID;"
    "CREATE TABLE accepted(id INTEGER PRIMARY KEY, pos INTEGER, len INTEGER, body INTEGER, refs INTEGER, received INTEGER, "
    "search BLOB);"
    "CREATE TABLE body(id INTEGER PRIMARY KEY, pos INTEGER, size INTEGER, refs INTEGER, large INTEGER);"
    "CREATE TABLE queue(id INTEGER PRIMARY KEY, accept INTEGER, n INTEGER, next INTEGER, attempts INTEGER, reply BLOB, domain "
    "BLOB, held INTEGER,"
    " warned INTEGER, priority INTEGER, expire INTEGER, route BLOB, received INTEGER);"
    "CREATE INDEX queue_due ON queue(held, next, id, domain);"
    "CREATE INDEX queue_domain ON queue(domain, held, next, id, received, attempts);"
    "CREATE INDEX queue_urgent ON queue(domain, priority DESC, next, id) WHERE priority>0 AND held=0;"
    "CREATE TABLE domain(name BLOB PRIMARY KEY) WITHOUT ROWID;"
    "CREATE TABLE alias(name BLOB, n INTEGER, target BLOB, PRIMARY KEY(name, n)) WITHOUT ROWID;"
    "CREATE TABLE attempt(accept INTEGER, queue INTEGER, n INTEGER, fact BLOB, PRIMARY KEY(accept, queue, n)) WITHOUT ROWID;"
    "CREATE TABLE note(kind INTEGER, key BLOB, value BLOB, expires INTEGER, PRIMARY KEY(kind, key)) WITHOUT ROWID;"
    "CREATE TABLE live(segment INTEGER PRIMARY KEY, bytes INTEGER);"
    "CREATE TABLE find(term INTEGER, id INTEGER, PRIMARY KEY(term, id)) WITHOUT ROWID;";

#define QUEUE_ROW "id, accept, n, next, attempts, reply, domain, held, warned, priority, expire, route, received"
static const char *const sql[Q_COUNT] = {
    [Q_BEGIN] = "BEGIN IMMEDIATE",
    [Q_COMMIT] = "COMMIT",
    [Q_ROLLBACK] = "ROLLBACK",
    [Q_STATE] = "SELECT version, store, position, batch, next_id, next_body, next_queue, next_account, snapshot, as_of, bodies, "
                "queued FROM state",
    [Q_STATE_SET] =
        "UPDATE state SET position=?, batch=?, next_id=?, next_body=?, next_queue=?, next_account=?, bodies=?, queued=?",
    [Q_SNAPSHOT_SET] = "UPDATE state SET snapshot=?, as_of=?",
    [Q_ACCEPTED_ADD] = "INSERT OR REPLACE INTO accepted VALUES(?,?,?,?,?,?,?)",
    [Q_ACCEPTED_RELEASE] = "UPDATE accepted SET refs=refs-1 WHERE id=? RETURNING refs, body",
    [Q_ACCEPTED_DROP] = "DELETE FROM accepted WHERE id=? AND refs<=0 RETURNING pos, len",
    [Q_ACCEPTED_MOVE] = "UPDATE accepted SET pos=? WHERE id=? AND pos=? RETURNING len",
    [Q_BODY_ADD] = "INSERT INTO body VALUES(?,?,?,1,?) ON CONFLICT(id) DO UPDATE SET refs=max(refs,0)+1 RETURNING refs, pos",
    [Q_BODY_RELEASE] = "UPDATE body SET refs=refs-1 WHERE id=? RETURNING refs, pos, size, large",
    [Q_BODY_DROP] = "DELETE FROM body WHERE id=? AND refs<=0",
    [Q_BODY_MOVE] = "UPDATE body SET pos=? WHERE id=? AND pos=? RETURNING size, large, refs",
    [Q_MESSAGE_ADD] = "INSERT OR REPLACE INTO message VALUES(?,?,?,0,?,?,?,?,?,?)",
    [Q_MESSAGE_RANGE] = "SELECT uid, accept, size FROM message WHERE account=? AND mailbox=? AND uid BETWEEN ? AND ?",
    [Q_MESSAGE_DROP] = "DELETE FROM message WHERE account=? AND mailbox=? AND uid=?",
    [Q_MESSAGE_FLAGS] =
        "UPDATE message SET flags=(flags|?5)&~?6, modseq=?7 WHERE account=?1 AND mailbox=?2 AND uid BETWEEN ?3 AND ?4",
    [Q_MAILBOX_ADD] = "INSERT OR REPLACE INTO mailbox VALUES(?,?,?,?,?,?,?,?,?)",
    [Q_MAILBOX_DELIVERED] =
        ("UPDATE mailbox SET uidnext=max(uidnext,?3+1), modseq=max(modseq,?4), messages=messages+1, bytes=bytes+?5"
         " WHERE account=?1 AND id=?2"),
    [Q_MAILBOX_EXPUNGED] =
        "UPDATE mailbox SET modseq=max(modseq,?3), messages=messages-?4, bytes=bytes-?5 WHERE account=?1 AND id=?2",
    [Q_MAILBOX_MODSEQ] = "UPDATE mailbox SET modseq=max(modseq,?3) WHERE account=?1 AND id=?2",
    [Q_MAILBOX_BASE] = "UPDATE account SET next_mailbox=max(next_mailbox,?2+1), uidvalidity=max(uidvalidity,?3) WHERE id=?1",
    [Q_EXPUNGED_ADD] = "INSERT OR REPLACE INTO expunged VALUES(?,?,?,?,?)",
    [Q_ACCOUNT_ADD] = "INSERT OR REPLACE INTO account VALUES(?,?,?,?,?,?,1,0)",
    [Q_ACCOUNT_VERIFIER] = "UPDATE account SET verifier=? WHERE id=?",
    [Q_ACCOUNT_QUOTA] = "UPDATE account SET quota=? WHERE id=?",
    [Q_ACCOUNT_SUSPEND] = "UPDATE account SET suspended=? WHERE id=?",
    [Q_ACCOUNT_DROP] = "DELETE FROM account WHERE id=?",
    [Q_ACCOUNT_ACCEPTS] = "SELECT accept FROM message WHERE account=?",
    [Q_ACCOUNT_MESSAGES_DROP] = "DELETE FROM message WHERE account=?",
    [Q_ACCOUNT_MAILBOXES_DROP] = "DELETE FROM mailbox WHERE account=?",
    [Q_ACCOUNT_EXPUNGED_DROP] = "DELETE FROM expunged WHERE account=?",
    [Q_DOMAIN_ADD] = "INSERT OR REPLACE INTO domain VALUES(?)",
    [Q_DOMAIN_DROP] = "DELETE FROM domain WHERE name=?",
    [Q_ALIAS_ADD] = "INSERT OR REPLACE INTO alias VALUES(?,?,?)",
    [Q_ALIAS_DROP] = "DELETE FROM alias WHERE name=?",
    [Q_QUEUE_ADD] = "INSERT INTO queue VALUES(?1,?2,?3,?4,0,NULL,?5,0,0,?6,0,NULL,?4)",
    [Q_QUEUE_DROP] = "DELETE FROM queue WHERE id=? RETURNING accept",
    [Q_QUEUE_WAIT] = "UPDATE queue SET next=?2, attempts=max(attempts,?3), warned=max(warned,?4), reply=?5 WHERE id=?1",
    [Q_QUEUE_CHANGE] =
        "UPDATE queue SET next=iif(?1&1,?2,next), held=iif(?1&2,1,iif(?1&4,0,held)), route=iif(?1&8,nullif(?3,x''),route),"
        " priority=iif(?1&16,?4,priority), expire=iif(?1&32,?5,expire) WHERE id=?6", /* ?1: bits of enum queue_change */
    [Q_QUEUE_IDS] = "SELECT id FROM queue WHERE id>? ORDER BY id LIMIT 1000",
    [Q_QUEUE_IDS_OF] = "SELECT id FROM queue WHERE +domain=?2 AND id>?1 ORDER BY id LIMIT 1000", /* in order of id: one pass in all */
    [Q_QUEUE_AGE] = "UPDATE queue SET domain=x'', held=0, warned=0, priority=0, expire=0, received=next WHERE held IS NULL",
    [Q_ATTEMPT_ADD] = "INSERT OR REPLACE INTO attempt SELECT ?1,?2,?3,?4 WHERE EXISTS(SELECT 1 FROM accepted WHERE id=?1)",
    [Q_ATTEMPTS_DROP] = "DELETE FROM attempt WHERE accept=?",
    [Q_NOTE_SET] = "INSERT OR REPLACE INTO note VALUES(?,?,?,?)",
    [Q_NOTE_DROP] = "DELETE FROM note WHERE kind=? AND key=?",
    [Q_LIVE] = "INSERT INTO live VALUES(?1,?2) ON CONFLICT(segment) DO UPDATE SET bytes=bytes+?2",
    [Q_LIVE_DROP] = "DELETE FROM live WHERE segment=?",
    [Q_FIND_ADD] = "INSERT OR IGNORE INTO find VALUES(?,?)",
    [Q_FIND_NEXT] = "SELECT id, search FROM accepted WHERE id>(SELECT found FROM state) ORDER BY id LIMIT ?",
    [Q_FOUND_SET] = "UPDATE state SET found=?",
    [Q_R_MAILBOXES] =
        "SELECT id, name, special, uidvalidity, uidnext, modseq, messages, bytes FROM mailbox WHERE account=? ORDER BY id",
    [Q_R_MESSAGES] = "SELECT uid, flags, modseq, size, received, bits, accept FROM message WHERE account=? AND mailbox=? AND "
                     "uid>=? ORDER BY uid",
    [Q_R_MESSAGE] = "SELECT accept, n, size FROM message WHERE account=? AND mailbox=? AND uid=?",
    [Q_R_MESSAGE_SIZES] = "SELECT size FROM message WHERE account=? AND mailbox=? AND uid=?",
    [Q_R_ACCEPTED] = "SELECT pos, body, refs, received, search FROM accepted WHERE id=?",
    [Q_R_BODY] = "SELECT pos, size, large, refs FROM body WHERE id=?",
    [Q_R_QUEUE] = "SELECT " QUEUE_ROW " FROM queue WHERE id>=? ORDER BY id",
    [Q_R_QUEUE_ONE] = "SELECT " QUEUE_ROW " FROM queue WHERE id=?",
    /* A cursor goes by next and id; SQLite finds its place among equal ones only when they are asked for alone. */
    [Q_R_QUEUE_DUE_SAME] = "SELECT next, id, domain FROM queue INDEXED BY queue_due WHERE held=0 AND next=?1 AND id>?2 AND ?1<=?3"
                           " ORDER BY id LIMIT ?4",
    [Q_R_QUEUE_DUE] = "SELECT next, id, domain FROM queue INDEXED BY queue_due WHERE held=0 AND next>?1 AND next<=?3 AND ?2=?2"
                      " ORDER BY next, id LIMIT ?4",
    [Q_R_QUEUE_DUE_OF_SAME] = "SELECT " QUEUE_ROW " FROM queue INDEXED BY queue_domain WHERE domain=?5 AND held=0 AND next=?1 AND id>?2 AND ?1<=?3"
                              " ORDER BY id LIMIT ?4",
    [Q_R_QUEUE_DUE_OF] = "SELECT " QUEUE_ROW " FROM queue INDEXED BY queue_domain WHERE domain=?5 AND held=0 AND next>?1 AND next<=?3 AND ?2=?2"
                         " ORDER BY next, id LIMIT ?4",
    [Q_R_QUEUE_URGENT] = "SELECT " QUEUE_ROW " FROM queue INDEXED BY queue_urgent WHERE domain=?1 AND priority>0 AND held=0"
                         " AND next<=?2 ORDER BY priority DESC, next, id LIMIT ?3",
    [Q_R_QUEUE_NEXT] = "SELECT min(next) FROM queue INDEXED BY queue_due WHERE held=0 AND next>?",
    [Q_R_QUEUE_DOMAIN_SAME] = "SELECT " QUEUE_ROW " FROM queue INDEXED BY queue_domain WHERE domain=?1 AND held=?2 AND next=?3 AND id>?4"
                              " ORDER BY id",
    [Q_R_QUEUE_DOMAIN] = "SELECT " QUEUE_ROW " FROM queue INDEXED BY queue_domain WHERE domain=?1 AND (held,next)>(?2,?3) AND ?4=?4"
                         " ORDER BY held, next, id",
    [Q_R_QUEUE_COUNT] = "SELECT count(*) FROM queue INDEXED BY queue_domain WHERE domain=?",
    [Q_R_QUEUE_SHAPE] = "SELECT domain, count(*), sum(held), min(next), min(received), sum(received>?1), sum(received>?2), "
                        "sum(received>?3), sum(attempts=0)"
                        " FROM queue GROUP BY domain ORDER BY count(*) DESC, domain LIMIT ?4",
    [Q_R_ATTEMPTS] = "SELECT fact FROM attempt WHERE accept=? ORDER BY accept, queue, n",
    [Q_R_NOTE] = "SELECT value, expires FROM note WHERE kind=? AND key=?",
    [Q_R_NOTES] = "SELECT key, value, expires FROM note WHERE kind=? AND key>? ORDER BY key",
    [Q_R_FIND] = "SELECT id FROM find WHERE term=? ORDER BY id DESC",
    [Q_R_RECENT] = "SELECT id, search FROM accepted WHERE id<? ORDER BY id DESC LIMIT ?",
    [Q_R_COUNTS] = "SELECT bodies, queued FROM state",
    [Q_R_LIVE] = "SELECT segment, bytes FROM live ORDER BY segment",
    [Q_R_EXPIRED] = "SELECT id FROM accepted WHERE id>? AND refs<=0 AND received<? ORDER BY id LIMIT ?",
    [Q_R_FOUND] = "SELECT found FROM state",
};

static bool fail(struct index *x)
{
    x->error = sqlite3_errcode(x->db) & 255;
    if (x->error == SQLITE_OK)
        x->error = SQLITE_ERROR;
    snprintf(x->error_text, sizeof x->error_text, "%s", sqlite3_errmsg(x->db));
    return false;
}

bool index_is_damaged(const struct index *x)
{
    return x->error == SQLITE_CORRUPT || x->error == SQLITE_NOTADB || x->error == SQLITE_ERROR || x->error == SQLITE_CONSTRAINT;
}

sqlite3_stmt *index_q(struct index *x, enum index_statement which)
{
    sqlite3_stmt **s = &x->q[which];
    if (*s) {
        sqlite3_reset(*s);
        return *s;
    }
    if (sqlite3_prepare_v3(x->db, sql[which], -1, SQLITE_PREPARE_PERSISTENT, s, NULL) != SQLITE_OK) {
        fail(x);
        *s = NULL;
    }
    return *s;
}

bool index_run(struct index *x, sqlite3_stmt *s)
{
    if (!s)
        return false;
    int r;
    while ((r = sqlite3_step(s)) == SQLITE_ROW) {
    }
    if (r != SQLITE_DONE) {
        fail(x);
        sqlite3_reset(s);
        return false;
    }
    sqlite3_reset(s);
    return true;
}

bool index_load_state(struct index *x)
{
    sqlite3_stmt *s = index_q(x, Q_STATE);
    if (!s)
        return false;
    if (sqlite3_step(s) != SQLITE_ROW) {
        fail(x);
        return false;
    }
    x->position = (log_pos)sqlite3_column_int64(s, 2);
    x->batch = (uint64_t)sqlite3_column_int64(s, 3);
    x->counters = (struct counters){(uint64_t)sqlite3_column_int64(s, 4), (uint64_t)sqlite3_column_int64(s, 5),
                                    (uint64_t)sqlite3_column_int64(s, 6), (uint64_t)sqlite3_column_int64(s, 7)};
    x->snapshot = (log_pos)sqlite3_column_int64(s, 8);
    x->snapshot_as_of = (log_pos)sqlite3_column_int64(s, 9);
    x->bodies = sqlite3_column_int64(s, 10);
    x->queued = sqlite3_column_int64(s, 11);
    sqlite3_reset(s);
    return true;
}

static bool make(struct index *x)
{
    char first[128];
    sqlite3_stmt *s;
    snprintf(first, sizeof first, "INSERT INTO state VALUES(1,%d,?,0,0,1,1,1,1,0,0,0,0,0)", INDEX_VERSION);
    if (sqlite3_exec(x->db, "BEGIN", NULL, NULL, NULL) != SQLITE_OK ||
        sqlite3_exec(x->db, schema, NULL, NULL, NULL) != SQLITE_OK || sqlite3_prepare_v2(x->db, first, -1, &s, NULL) != SQLITE_OK)
        return fail(x);
    sqlite3_bind_blob(s, 1, x->log->key.store_id, 16, SQLITE_STATIC);
    bool ok = sqlite3_step(s) == SQLITE_DONE;
    sqlite3_finalize(s);
    return ok && sqlite3_exec(x->db, "COMMIT", NULL, NULL, NULL) == SQLITE_OK ? true : fail(x);
}

/* Is it ours, of this store, of a version that we know? */
static enum outcome examine(struct index *x, bool *fresh, struct why *why)
{
    sqlite3_stmt *s;
    if (sqlite3_prepare_v2(x->db, "SELECT count(*) FROM sqlite_master", -1, &s, NULL) != SQLITE_OK ||
        sqlite3_step(s) != SQLITE_ROW) {
        fail(x);
        return RETRY;
    }
    *fresh = sqlite3_column_int(s, 0) == 0;
    sqlite3_finalize(s);
    if (*fresh && !make(x))
        return RETRY;
    s = index_q(x, Q_STATE);
    if (!s || sqlite3_step(s) != SQLITE_ROW) {
        x->error = SQLITE_CORRUPT;
        return RETRY;
    }
    int version = sqlite3_column_int(s, 0);
    bool ours = sqlite3_column_bytes(s, 1) == 16 && memcmp(sqlite3_column_blob(s, 1), x->log->key.store_id, 16) == 0;
    sqlite3_reset(s);
    if (version > INDEX_VERSION) {
        snprintf(why->text, sizeof why->text, "the index has version %d, this program knows up to %d: use a newer penny", version,
                 INDEX_VERSION);
        return REFUSE;
    }
    if (version < INDEX_VERSION || !ours) { /* an old one is rebuilt from the log: that is the upgrade */
        x->error = SQLITE_CORRUPT;
        snprintf(x->error_text, sizeof x->error_text, "%s", ours ? "an old version" : "it belongs to another store");
        return RETRY;
    }
    return index_load_state(x) ? DONE : RETRY;
}

static int on_wal(void *index, sqlite3 *db, const char *name, int pages)
{
    (void)db;
    (void)name;
    ((struct index *)index)->wal_pages = pages;
    return SQLITE_OK;
}

enum outcome index_open(struct index *x, const char *path, const struct log *log, bool read_only, bool *fresh, struct why *why)
{
    *x = (struct index){.log = log};
    *fresh = false;
    int flags = (read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE) | SQLITE_OPEN_NOMUTEX;
    enum outcome o = RETRY;
    if (sqlite3_open_v2(path, &x->db, flags, NULL) != SQLITE_OK || sqlite3_busy_timeout(x->db, 10000) != SQLITE_OK ||
        (!read_only && sqlite3_exec(x->db, "PRAGMA page_size=8192; PRAGMA journal_mode=WAL;", NULL, NULL, NULL) != SQLITE_OK) ||
        sqlite3_exec(
            x->db, "PRAGMA synchronous=NORMAL; PRAGMA secure_delete=OFF; PRAGMA temp_store=MEMORY; PRAGMA wal_autocheckpoint=0;",
            NULL, NULL, NULL) != SQLITE_OK ||
        sqlite3_exec(x->db, read_only ? "PRAGMA cache_size=-2048" : "PRAGMA cache_size=-16384", NULL, NULL, NULL) != SQLITE_OK) {
        if (x->db)
            fail(x);
    } else {
        sqlite3_wal_hook(x->db, on_wal, x);
        o = examine(x, fresh, why);
    }
    if (o == RETRY && !why->text[0])
        snprintf(why->text, sizeof why->text, "the index cannot be opened: %.100s", x->error_text);
    return o;
}

void index_close(struct index *x)
{
    for (int i = 0; i < Q_COUNT; i++)
        sqlite3_finalize(x->q[i]);
    if (x->db)
        sqlite3_close(x->db);
    *x = (struct index){0};
}

void index_remove_files(const char *path)
{
    static const char *const tails[] = {"", "-wal", "-shm"};
    char name[600];
    for (int i = 0; i < 3; i++) {
        int n = snprintf(name, sizeof name, "%s%s", path, tails[i]);
        if (n > 0 && (size_t)n < sizeof name)
            unlink(name);
    }
}

bool index_begin(struct index *x)
{
    x->error = SQLITE_OK;
    x->live_count = 0;
    return x->open = index_run(x, index_q(x, Q_BEGIN));
}

static bool live_flush(struct index *x)
{
    for (uint32_t i = 0; i < x->live_count; i++) {
        sqlite3_stmt *s = index_q(x, Q_LIVE);
        if (!s)
            return false;
        sqlite3_bind_int64(s, 1, x->live[i].segment);
        sqlite3_bind_int64(s, 2, x->live[i].bytes);
        if (!index_run(x, s))
            return false;
    }
    x->live_count = 0;
    return true;
}

void index_live(struct index *x, uint32_t segment, int64_t bytes)
{
    for (uint32_t i = x->live_count; i-- > 0;)
        if (x->live[i].segment == segment) {
            x->live[i].bytes += bytes;
            return;
        }
    if (x->live_count == sizeof x->live / sizeof *x->live && !live_flush(x))
        return;
    x->live[x->live_count++] = (struct live_delta){segment, bytes};
}

bool index_commit(struct index *x)
{
    sqlite3_stmt *s = index_q(x, Q_STATE_SET);
    const uint64_t v[] = {x->position,
                          x->batch,
                          x->counters.next_id,
                          x->counters.next_body,
                          x->counters.next_queue,
                          x->counters.next_account,
                          (uint64_t)x->bodies,
                          (uint64_t)x->queued};
    if (s)
        for (int i = 0; i < 8; i++)
            sqlite3_bind_int64(s, i + 1, (int64_t)v[i]);
    if (!s || !live_flush(x) || !index_run(x, s) || !index_run(x, index_q(x, Q_COMMIT))) {
        index_rollback(x);
        return false;
    }
    x->open = false;
    return true;
}

void index_rollback(struct index *x)
{
    int error = x->error;
    char text[sizeof x->error_text];
    memcpy(text, x->error_text, sizeof text);
    if (x->open && !sqlite3_get_autocommit(x->db))
        index_run(x, index_q(x, Q_ROLLBACK));
    x->open = false;
    x->live_count = 0;
    index_load_state(x);
    x->error = error;
    memcpy(x->error_text, text, sizeof text);
}
