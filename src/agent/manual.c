// SPDX-License-Identifier: ISC
/* penny man: penny(1) and penny.conf(5), whose lists are made from the tables. */
#include "agent/inside.h"

static void option(struct buf *to, const struct option_row *o)
{
    buf_add(to, S(".It "));
    if (o->letter)
        buf_printf(to, "Fl %c , ", o->letter);
    buf_printf(to, "Fl \\-%s", o->word);
    if (o->value)
        buf_printf(to, " Ar %s", o->value);
    buf_add_byte(to, '\n');
    config_mdoc(to, o->help);
}

static void commands(struct buf *to)
{
    buf_add(to, S(".Bl -tag -width Ds\n"));
    for (size_t i = 0; i < agent_command_count; i++) {
        const struct command *c = &agent_commands[i];
        buf_printf(to, ".It Xo\n.Ic %s\n", c->words);
        if (*c->arguments)
            config_mdoc(to, c->arguments);
        buf_add(to, S(".Xc\n"));
        config_mdoc(to, c->what);
        if (c->options) {
            buf_add(to, S(".Bl -tag -compact -width Ds\n"));
            for (size_t o = 0; o < OPTION_COUNT; o++)
                if (c->options >> o & 1)
                    option(to, &agent_options[o]);
            buf_add(to, S(".El\n"));
        }
    }
    buf_add(to, S(".El\n"));
}

static const char head[] = ".Dd November 24, 2026\n.Dt PENNY 1\n.Os\n.Sh NAME\n.Nm penny\n.Nd a whole mail system in one "
                           "program\n.Sh SYNOPSIS\n.Nm\n.Op Ar options\n.Ar command\n.Op Ar arguments\n"
                           ".Sh DESCRIPTION\n.Nm\nis a mail server (SMTP, submission, LMTP, POP3) and a mail user "
                           "agent.\nWithout a configuration file every setting has a default; see\n.Xr penny.conf 5 .\n"
                           ".Pp\nThe operator's commands ask the server that runs on the data directory over its control "
                           "socket.\nWhen none runs they work on the directory itself.\n"
                           "What the configuration file says wins: commands refuse to change it and name the line.\n"
                           ".Pp\nPasswords are never given on the command line: they are asked for on the terminal, or read as "
                           "one line from standard input.\n"
                           ".Pp\nThe options of every command are:\n.Bl -tag -width Ds\n";
static const char between[] = ".El\n.Sh COMMANDS\n";
static const char tail[] =
    ".Sh ENVIRONMENT\n.Bl -tag -width Ds\n.It Ev PENNY_CONFIG\nstands for\n.Fl c .\n.It Ev PENNY_DIR\nstands for\n.Fl \\-dir .\n"
    ".It Ev NO_COLOR , CLICOLOR_FORCE\nno colour; colour also into a file.\n.It Ev PAGER\nshows long output; empty or\n.Ql cat "
    ":\nnone.\n.It Ev EDITOR\nwrites the text of\n.Ic send\non a terminal.\n.El\n"
    ".Sh FILES\n.Bl -tag -width Ds\n.It Pa /etc/penny/penny.conf\nthe configuration, if the data directory holds none.\n.It Pa "
    "/var/lib/penny\nthe data directory.\n"
    ".It Pa ~/.config/penny/accounts\nthe remembered accounts, readable only by their owner.\n.El\n"
    ".Sh EXIT STATUS\n.Bl -tag -compact -width Ds\n.It 0\ndone\n.It 1\nthe answer is no: nothing found, check failed, not "
    "everybody reached\n.It 64\nusage\n.It 65\nbad data (a message, a password, an address)\n"
    ".It 66\na file is missing (an attachment, the configuration)\n.It 67\nno such user\n.It 69\nthe server does not run or does "
    "not answer, or the directory is in use\n.It 70\na bug\n.It 73\ncannot create: it exists already\n.It 74\ninput or output "
    "error\n"
    ".It 75\nnot now: try again later\n.It 77\nnot allowed\n.It 78\nthe configuration has errors\n.It 130\ninterrupted\n.El\n"
    ".Sh EXAMPLES\n.Bd -literal -offset indent\npenny serve \\-\\-dir /var/lib/penny\npenny user add alice@example.org\npenny "
    "alias add team@example.org alice bob\n"
    "penny account add alice@example.org \\-\\-submission mail.example.org \\-\\-pop3 mail.example.org\necho hello | penny send "
    "\\-s greetings \\-a photo.jpg bob@example.org\npenny ls; penny read 1; penny save 1\npenny trace bob@example.org\n.Ed\n"
    ".Sh SEE ALSO\n.Xr penny.conf 5\n";

static void agent_manual(struct buf *to)
{
    buf_add_c(to, head);
    for (size_t o = 0; o < OPTION_COUNT; o++)
        if (agent_options[o].everywhere)
            option(to, &agent_options[o]);
    buf_add_c(to, between);
    commands(to);
    buf_add_c(to, tail);
}

static const char conf_head[] =
    ".Dd November 24, 2026\n.Dt PENNY.CONF 5\n.Os\n.Sh NAME\n.Nm penny.conf\n.Nd configuration of the penny mail system\n.Sh "
    "DESCRIPTION\nThe file is made of lines of words.\n.Ql #\nbegins a comment.\n"
    "A backslash at the end of a line joins it with the next; a semicolon ends a line within a line.\nA word with blanks is put "
    "in double quotes.\nBlocks stand in braces.\n"
    "Sizes are written\n.Ql 500K , 50M , 5G ;\ndurations\n.Ql 500ms , 30s , 5m , 2h , 30d , 1h30m .\n"
    ".Pp\nEvery setting has a default, so that no file at all is a valid configuration;\n.Ql domain example.org\nis a whole "
    "one.\n.Ic penny config check\nreads a file and tells everything that is wrong with it,\n"
    ".Ic penny config show\nshows what holds and where it was said, and\n.Ic penny reload\nmakes a running server read it again, "
    "all of it or nothing.\n"
    ".Pp\nThe words are:\n";
static const char conf_tail[] =
    ".Sh EXAMPLES\n.Bd -literal -offset indent\nhostname mail.example.org\nadmin    alice@example.org\n\ndomain example.org {\n  "
    "  alias postmaster abuse info -> alice\n    alias team -> alice bob carol@example.net\n    alias *    -> alice          # "
    "everybody else; leave out to refuse unknown names\n    quota 5G\n}\n"
    "listen smtp 25\nlisten submission 587\nlisten pop3s 995\ntls cert /etc/ssl/mail.pem key /etc/ssl/private/mail.key\ninclude "
    "conf.d/*.conf\n.Ed\n.Sh SEE ALSO\n.Xr penny 1\n";

void agent_page(struct buf *to, bool conf)
{
    if (!conf) {
        agent_manual(to);
        return;
    }
    buf_add_c(to, conf_head);
    config_manual(to);
    buf_add_c(to, conf_tail);
}

int agent_do_man(struct agent *g)
{
    struct buf b;
    bool conf = g->arg_count && str_starts(str_c(g->arg[0]), S("penny.conf"));
    if (g->arg_count && !conf && !str_starts(str_c(g->arg[0]), S("penny")))
        return agent_fail(BAD_USAGE, "penny man, penny man penny.conf", "there is no page '%s'", g->arg[0]);
    buf_init(&b, 1 << 20);
    agent_page(&b, conf);
    agent_print_raw(buf_str(&b));
    buf_free(&b);
    return agent_flush(DONE_OK);
}
