// SPDX-License-Identifier: ISC
/* The control and the metrics socket over real descriptors. */
#include "base/json.h"
#include "daemon/role_rig.h"
#include "os/net.h"

static int dial(struct rig *r, const char *name)
{
    char path[128];
    struct why why;

    snprintf(path, sizeof path, "%s/%s", r->dir, name);
    int fd = net_connect_unix(path, &why);
    CHECK(fd >= 0);
    return fd;
}

static void put(struct rig *r, int fd, struct str bytes)
{
    struct buf b;

    buf_init(&b, 1 << 20);
    buf_add(&b, bytes);
    for (int i = 0; i < 1000 && net_write(fd, &b) == NET_AGAIN; i++)
        loop_turn(r->loop, 5);
    buf_free(&b);
}

/* Reads until the end of a frame DONE (control) or the end of input. */
static struct control_end ask(struct rig *r, int fd, const struct control_request *q, struct buf *lines)
{
    struct control_end end = {.code = 999};
    struct buf in, out;
    int64_t until = clock_mono_ms() + RIG_WAIT_MS;
    bool done = false;

    buf_init(&in, 1 << 20);
    buf_init(&out, 1 << 20);
    control_frame_request(&out, q);
    put(r, fd, buf_str(&out));
    while (!done && clock_mono_ms() < until) {
        enum control_frame kind;
        struct str payload;
        loop_turn(r->loop, 5);
        if (net_read(fd, &in, 65536) == NET_END)
            break;
        while (!done && control_frame_take(&in, &kind, &payload) == CONTROL_TAKE_FRAME) {
            if (kind == CONTROL_FRAME_LINE || kind == CONTROL_FRAME_BYTES)
                buf_add(lines, payload);
            if ((done = kind == CONTROL_FRAME_DONE && payload.n == sizeof end))
                memcpy(&end, payload.p, sizeof end);
        }
    }
    buf_free(&in);
    buf_free(&out);
    return end;
}

static struct control_request *request(enum control_verb verb, const char *name, const char *secret)
{
    struct control_request *q = calloc(1, sizeof *q);

    control_request_init(q, verb);
    CHECK(control_request_name(q, str_c(name)));
    CHECK(control_request_secret(q, str_c(secret)));
    q->num[0] = -1;
    return q;
}

TEST(users_over_the_socket)
{
    struct rig *r = rig_new(NULL);
    struct buf lines;
    struct engine_account a;
    struct login_verifier v;

    buf_init(&lines, 1 << 20);
    rig_open_keys(r, NULL);
    int fd = dial(r, "control");
    struct control_request *q = request(CONTROL_USER_ADD, "alice@demo.test", "opensesame");
    struct control_end end = ask(r, fd, q, &lines);
    CHECK_NUM(end.code, 0);
    CHECK(engine_account_by_name(rig_store(r)->engine, S("alice@demo.test"), &a) && a.verifier.n == sizeof v);
    memcpy(&v, a.verifier.p, sizeof v);
    CHECK(login_password_is(S("opensesame"), &v));
    free(q);
    q = request(CONTROL_USER_PASSWD, "alice@demo.test", "another");
    end = ask(r, fd, q, &lines); /* on the same connection */
    CHECK_NUM(end.code, 0);
    CHECK(engine_account_by_name(rig_store(r)->engine, S("alice@demo.test"), &a) && a.verifier.n == sizeof v);
    memcpy(&v, a.verifier.p, sizeof v);
    CHECK(login_password_is(S("another"), &v));
    free(q);
    q = request(CONTROL_STATUS, "", "");
    buf_clear(&lines);
    end = ask(r, fd, q, &lines);
    CHECK_NUM(end.code, 0);
    struct arena json;
    arena_init(&json, 1 << 20);
    const struct json *j = json_parse(&json, str_trim(buf_str(&lines)));
    CHECK(j && json_get(j, "roles") && json_get(j, "mail") && json_get_num(json_get(j, "mail"), "accepted", -1) == 0);
    arena_clear(&json);
    free(q);
    /* keys is not there: a clear answer, not a wait */
    actor_free(r->keys);
    r->keys = NULL;
    rig_hang_up(&r->user_keys);
    rig_turns(r, 5);
    q = request(CONTROL_USER_ADD, "bob@demo.test", "opensesame");
    end = ask(r, fd, q, &lines);
    CHECK(end.code != 0 && end.code != 999 && end.text[0]);
    free(q);
    net_close(fd);
    rig_turns(r, 3);
    buf_free(&lines);
    rig_free(r);
}

TEST(left_while_keys_works)
{
    struct rig *r = rig_new(NULL);
    struct buf out;
    struct engine_account a;

    rig_open_keys(r, NULL);
    struct control_request *q = request(CONTROL_USER_ADD, "alice@demo.test", "opensesame");
    int fd = dial(r, "control");
    buf_init(&out, 1 << 20);
    control_frame_request(&out, q);
    put(r, fd, buf_str(&out));
    rig_turns(r, 3);
    net_close(fd);
    for (int i = 0; i < 60; i++)
        loop_turn(r->loop, 10);
    fd = dial(r, "control");
    struct control_end end = ask(r, fd, q, &out); /* the server lives; the first one may have been carried out or not */
    CHECK(end.code != 999);
    CHECK(engine_account_by_name(rig_store(r)->engine, S("alice@demo.test"), &a));
    free(q);
    net_close(fd);
    buf_free(&out);
    rig_free(r);
}

TEST(rubbish_on_the_control_socket)
{
    struct rig *r = rig_new(NULL);
    static const struct str cases[] = {{"\377\377\377\377\377\377\377\377", 8},
                                       {"GET / HTTP/1.0\r\n\r\n", 18},
                                       {"\1\0\0\0", 4},
                                       {"\0\0\0\0\0\0\0\0\0\0\0\0", 12}};

    for (size_t i = 0; i < countof(cases); i++) {
        int fd = dial(r, "control");
        put(r, fd, cases[i]);
        rig_turns(r, 5);
        net_close(fd);
        rig_turns(r, 5);
    }
    int fds[100];
    for (size_t i = 0; i < countof(fds); i++) { /* more than are let in */
        fds[i] = dial(r, "control");
        rig_turns(r, 2);
    }
    for (size_t i = 0; i < countof(fds); i++)
        net_close(fds[i]);
    rig_turns(r, 5);
    struct buf lines;
    buf_init(&lines, 1 << 20);
    int fd = dial(r, "control");
    struct control_request *q = request(CONTROL_STORE_STAT, "", "");
    CHECK_NUM(ask(r, fd, q, &lines).code, 0);
    free(q);
    net_close(fd);
    buf_free(&lines);
    rig_free(r);
}

static struct str slurp(struct rig *r, int fd, struct buf *to)
{
    int64_t until = clock_mono_ms() + RIG_WAIT_MS;

    while (clock_mono_ms() < until) {
        enum net_result n = net_read(fd, to, 65536);
        if (n == NET_END || n == NET_ERROR)
            break;
        loop_turn(r->loop, 5);
    }
    return buf_str(to);
}

TEST(metrics)
{
    struct rig *r = rig_new(NULL);
    struct buf b;

    buf_init(&b, 1 << 20);
    rig_account(r, "alice@demo.test", 0, STR_NONE);
    for (int i = 0; i < 3; i++)
        rig_mail(&r->mx, MAIL(STRANGER, .to = {"alice@demo.test"}));
    rig_send(&r->mx, &MSG(counter, .name = S("edge.sessions"), .value = 17));
    rig_send(&r->mx, &MSG(gauge, .name = S("edge-mx.open"), .value = 4));
    rig_send(&r->mx, &MSG(counter, .name = S("evil{name=\"x\"} 1\\"), .value = 5));
    rig_turns(r, 4);
    int fd = dial(r, "metrics");
    put(r, fd, S("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"));
    struct str text = slurp(r, fd, &b);
    CHECK(str_starts(text, S("HTTP/1.0 200 OK\r\nContent-Type: text/plain; version=0.0.4")));
    CHECK(has(text, "\npenny_messages_accepted_total 3\n"));
    CHECK(has(text, "\npenny_edge_sessions_total{role=\"all\"} 17\n"));
    CHECK(has(text, "\npenny_edge_mx_open{role=\"all\"} 4\n"));
    CHECK(has(text, "\npenny_accept_seconds_count 3\n"));
    CHECK(has(text, "\npenny_evil_name__x___1__total{role=\"all\"} 5\n"));
    net_close(fd);
    fd = dial(r, "metrics"); /* who says nothing gets it bare */
    buf_clear(&b);
    CHECK(str_starts(slurp(r, fd, &b), S("# HELP penny_")));
    net_close(fd);
    fd = dial(r, "metrics");
    put(r, fd, S("POST / HTTP/1.1\r\n\r\n"));
    buf_clear(&b);
    CHECK(str_starts(slurp(r, fd, &b), S("HTTP/1.0 405 ")));
    net_close(fd);
    /* every line is a comment or a name, labels and a number */
    buf_clear(&b);
    store_metrics_text(rig_store(r), &b);
    for (struct str rest = buf_str(&b); rest.n;) {
        struct str line = str_cut(rest, '\n', &rest);
        CHECK(line.p[0] == '#' || (str_starts(line, S("penny_")) && str_find(line, ' ') < line.n));
    }
    buf_free(&b);
    rig_free(r);
}
