// SPDX-License-Identifier: ISC
#pragma once
#include <stdio.h>
#include "base/arena.h"
#include "base/buf.h"
#include "base/compiler.h"
#include "base/json.h"
#include "config/config.h"
#include "control/client.h"

/* penny(1), EXIT STATUS */
enum {
    DONE_OK = 0,
    ANSWER_NO = 1,
    BAD_USAGE = 64,
    BAD_DATA = 65,
    NO_INPUT = 66,
    NO_SUCH_USER = 67,
    NOT_RUNNING = 69,
    BUG = 70,
    CANNOT_CREATE = 73,
    IO_ERROR = 74,
    TRY_LATER = 75,
    NOT_ALLOWED = 77,
    BAD_CONFIG = 78,
    INTERRUPTED = 130,
};

enum option_id {
#define OPTION(id, ...) OPTION_##id,
#include "agent/options.def"
#undef OPTION
    OPTION_COUNT
};
struct option_row {
    char letter;
    const char *word, *value;
    bool everywhere;
    const char *help;
};
extern const struct option_row agent_options[OPTION_COUNT];

enum { MANY = 1 << 20, GIVEN_MAX = 1000, AGENT_MEM = 256 << 20 };
enum group { RUN, LOOK, QUEUE, PEOPLE, CONFIG, DATA, MAIL, TOOLS, GROUP_COUNT };

struct agent;
struct command {
    int (*run)(struct agent *g);
    const char *words;
    enum group group;
    const char *arguments;
    uint32_t least, most;
    uint64_t options; /* bits by option_id */
    const char *what;
};
extern const struct command agent_commands[];
extern const size_t agent_command_count;
#define O(id) (1ULL << OPTION_##id)

struct given {
    enum option_id option;
    const char *value;
};

struct agent {
    struct arena a; /* everything; a command is short */
    const struct command *command;
    const char *const *arg; /* what is neither command word nor option */
    uint32_t arg_count;
    struct given given[GIVEN_MAX];
    uint32_t given_count;
    bool json, quiet, yes, dry_run, color, to_terminal;
    const char *dir;             /* data directory */
    bool dir_named;              /* by --dir or PENNY_DIR */
    const struct config *config; /* agent_config */
    struct engine *engine;       /* opened by ourselves; NULL: none */
    struct control_context context;
    struct control_client *client;
    FILE *pager;
};

/* args.c: fills g; an exit status other than -1: said, stop. */
int agent_args(struct agent *g, int argc, char **argv);
bool agent_has(const struct agent *g, enum option_id o);
const char *agent_option(const struct agent *g, enum option_id o);                        /* the last one given, or NULL */
const char *agent_option_next(const struct agent *g, enum option_id o, uint32_t *cursor); /* each in order */

/* help.c */
void agent_help(FILE *to);
void agent_help_command(FILE *to, const struct command *c);
int agent_unknown(const char *word, const char *second);
void agent_page(struct buf *to, bool conf); /* penny(1) or penny.conf(5) */

/* output.c: results go to standard output, everything else to standard error. */
int agent_fail(int status, const char *hint, const char *fmt, ...) PRINTF_LIKE(3, 4);
void agent_note(const struct agent *g, const char *fmt, ...) PRINTF_LIKE(2, 3);
void agent_print(struct str s); /* made safe for a terminal */
void agent_print_raw(struct str s);
size_t agent_width(void);                                     /* columns of the terminal; 80 */
bool agent_ask(struct agent *g, const char *question);        /* yes or no on the terminal; false without one */
struct str agent_size_text(struct arena *a, uint64_t octets); /* "12 kB" */
struct str agent_age_text(struct arena *a, int64_t unix_ms);  /* "3 min", "2 d", "12 Mar", "2024-01" */
struct str agent_time_text(struct arena *a, int64_t unix_ms); /* local time */
int64_t agent_time_of(struct str rfc3339);                    /* 0: none */
struct str agent_text(struct arena *a, const char *fmt, ...) PRINTF_LIKE(2, 3);
const char *agent_c(struct arena *a, struct str s);               /* NUL-terminated copy; ends the program when memory does */
const char *agent_paint(const struct agent *g, const char *code); /* "" without colour */
void agent_pager_begin(struct agent *g);
void agent_pager_end(struct agent *g);
int agent_flush(int status); /* 74 when standard output cannot be written */

/* table.c: rows are kept, then printed so that they fit. */
enum { COLUMNS_MAX = 8 };
struct column {
    const char *title;
    bool right, grows; /* takes and gives what room there is */
};
struct row {
    struct str cell[COLUMNS_MAX];
    const char *paint;
    struct row *next;
};
struct table {
    const struct column *column;
    size_t columns;
    struct row *first, **last;
};
void table_init(struct table *t, const struct column *column, size_t columns);
void table_add(struct agent *g, struct table *t, const char *paint, const struct str *cells);
void table_print(struct agent *g, const struct table *t);

/* server.c */
int agent_config(struct agent *g); /* loads; -1: fine */
struct str agent_socket(struct agent *g);
/* Connects to the server, or opens the directory when none runs. -1: fine. change: the directory may be made. */
int agent_open(struct agent *g, bool change);
void agent_close(struct agent *g);
struct control_request *agent_request(struct agent *g, enum control_verb verb);
/* Asks. With --json lines are printed as they are and row is not called. Returns the exit status; what was wrong has been said.
 */
int agent_ask_server(struct agent *g, struct control_request *r,
                     void (*row)(struct agent *g, void *self, const struct json *line), void *self);
int agent_ask_raw(struct agent *g, struct control_request *r, int (*body)(void *self, struct buf *to), void *body_self,
                  const struct control_replies *replies, struct control_end *end);
int agent_end(struct agent *g, const struct control_end *end);          /* says text and hint; the status */
int agent_simple(struct agent *g, enum control_verb verb, bool change); /* arg[0] is the name; nothing comes back */
int agent_secret(struct agent *g, const char *prompt, bool twice, struct buf *to);

/* config_file.c */
const struct config *agent_config_read(struct arena *a, const char *path, struct buf *errors, bool color, int *status);

#define COMMAND(function, ...) int agent_do_##function(struct agent *g);
#include "agent/commands.def"
#undef COMMAND
