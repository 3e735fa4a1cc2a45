// SPDX-License-Identifier: ISC
/* penny status, reload, stop */
#include "base/clock.h"
#include "control/inside.h"

enum step control_do_STATUS(struct control_session *s)
{
    struct control_context *c = s->c;
    struct json_writer w = control_line_begin(s);
    json_bool(&w, "running", !c->direct);
    json_str(&w, "hostname", c->config->hostname);
    json_str(&w, "config", c->config->path);
    json_str(&w, "dir", c->dir);
    if (!c->direct) {
        control_time(&w, "started", c->started_ms);
        json_num(&w, "uptime_s", (clock_unix_ms() - c->started_ms) / 1000);
    }
    json_object(&w, "store");
    control_stat(s, &w);
    json_end(&w);
    json_array(&w, "listen");
    for (const struct config_listen *l = c->config->listens; l && !c->direct; l = l->next) {
        json_object(&w, NULL);
        json_str(&w, "kind", str_c(config_listen_word(l->kind)));
        json_str(&w, "host", l->host);
        json_num(&w, "port", l->port);
        json_end(&w);
    }
    json_end(&w);
    if (c->hooks.status)
        c->hooks.status(c->hooks.self, &w);
    return control_line_end(s, &w) ? control_ok(s) : STEP_ROOM;
}

static enum step reloaded(struct control_session *s)
{
    if (s->answer.data.n && !control_bytes(s, buf_str(&s->answer.data)))
        return STEP_ROOM;
    if (s->answer.outcome == DONE)
        return control_end(s, 0, "the new configuration holds", STR_NONE, "", "");
    return control_end(s, EXIT_CONFIG, "not loaded; the server keeps the configuration that it had", STR_NONE, "",
                       s->answer.why.text);
}

enum step control_do_RELOAD(struct control_session *s)
{
    s->owed = true;
    s->step = reloaded;
    s->c->hooks.reload(s->c->hooks.self, s);
    return STEP_ANSWER;
}

enum step control_do_STOP(struct control_session *s)
{
    if (s->r->flags & CONTROL_DRY_RUN)
        return control_end(s, 0, "would stop the server", STR_NONE, "", "");
    s->c->hooks.stop(s->c->hooks.self);
    return control_end(s, 0, "stopping", STR_NONE, "", "");
}
