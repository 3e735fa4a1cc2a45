/* SPDX-License-Identifier: ISC */
/* A streaming JSON writer (NDJSON lines of --json, the control socket) and a small bounded reader for the same. Numbers are
   int64. */
#pragma once
#include "base/arena.h"
#include "base/buf.h"

struct json_writer {
    struct buf *to;
    uint32_t depth;        /* at most 60 */
    uint64_t comma, array; /* one bit a level */
};
void json_begin(struct json_writer *w, struct buf *to);
void json_object(struct json_writer *w, const char *name); /* name NULL inside arrays and at the top */
void json_array(struct json_writer *w, const char *name);
void json_end(struct json_writer *w);                      /* closes the innermost object or array */
void json_str(struct json_writer *w, const char *name, struct str v); /* broken UTF-8 becomes U+FFFD */
void json_num(struct json_writer *w, const char *name, int64_t v);
void json_bool(struct json_writer *w, const char *name, bool v);
void json_null(struct json_writer *w, const char *name);

enum json_kind { JSON_NULL, JSON_BOOL, JSON_NUM, JSON_STR, JSON_ARRAY, JSON_OBJECT };
struct json {
    enum json_kind kind;
    struct str name;     /* of an object's member */
    struct str str;
    int64_t num;         /* JSON_NUM, JSON_BOOL */
    struct json *child;  /* first of an array or object */
    struct json *next;
};
/* Whole text, RFC 8259, depth at most 16, white space around it allowed; NULL when broken, when the arena is full, or when a
   number is no int64. Strings are valid UTF-8 and may hold NUL; they point into text unless they hold escapes. */
const struct json *json_parse(struct arena *a, struct str text);
const struct json *json_get(const struct json *object, const char *name); /* NULL if absent */
struct str json_get_str(const struct json *object, const char *name);     /* empty if absent */
int64_t json_get_num(const struct json *object, const char *name, int64_t otherwise);
