/* SPDX-License-Identifier: ISC */
/* One pairing heap of all timers, by key_ms. A key may be earlier than the time that is wanted: then the timer is moved when its
   key comes. */
#include "os/timer.h"
#include "os/inside.h"

/* Two heaps become one: the later root becomes the first child of the earlier. prev is the parent for a first child, else the
   left neighbour. */
static struct loop_timer *merge(struct loop_timer *a, struct loop_timer *b)
{
    if (!a || !b)
        return a ? a : b;
    if (b->key_ms < a->key_ms) {
        struct loop_timer *t = a;
        a = b;
        b = t;
    }
    b->prev = a;
    b->next = a->child;
    if (a->child)
        a->child->prev = b;
    a->child = b;
    a->next = a->prev = NULL;
    return a;
}

/* The children of a removed root: merged in pairs from the left, the pairs from the right. Without recursion. */
static struct loop_timer *merge_children(struct loop_timer *first)
{
    struct loop_timer *pairs = NULL; /* a stack through next */
    while (first) {
        struct loop_timer *a = first, *b = a->next;
        first = b ? b->next : NULL;
        a->next = a->prev = NULL;
        if (b)
            b->next = b->prev = NULL;
        a = merge(a, b);
        a->next = pairs;
        pairs = a;
    }
    struct loop_timer *root = NULL;
    while (pairs) {
        struct loop_timer *next = pairs->next;
        pairs->next = NULL;
        root = merge(root, pairs);
        pairs = next;
    }
    return root;
}

static void insert(struct loop_timer *t)
{
    t->child = t->next = t->prev = NULL;
    t->loop->timers = merge(t->loop->timers, t);
}

static void take_out(struct loop_timer *t)
{
    struct loop *loop = t->loop;
    struct loop_timer *below = merge_children(t->child);
    if (t == loop->timers) {
        loop->timers = below;
    } else {
        if (t->prev->child == t)
            t->prev->child = t->next;
        else
            t->prev->next = t->next;
        if (t->next)
            t->next->prev = t->prev;
        loop->timers = merge(loop->timers, below);
    }
    t->child = t->next = t->prev = NULL;
}

void loop_timer_init(struct loop_timer *t, struct loop *loop, void (*on_time)(void *self), void *self)
{
    *t = (struct loop_timer){.loop = loop, .on_time = on_time, .self = self};
}

void loop_timer_at(struct loop_timer *t, int64_t mono_ms)
{
    if (t->loop->in_timers && mono_ms <= t->loop->now_ms)
        mono_ms = t->loop->now_ms + 1; /* a timer that always wants to run now must not keep the turn from ending */
    t->at_ms = mono_ms;
    if (t->active && t->key_ms <= mono_ms)
        return;
    if (t->active)
        take_out(t);
    t->key_ms = mono_ms;
    t->active = true;
    insert(t);
}

void loop_timer_in(struct loop_timer *t, int64_t ms)
{
    loop_timer_at(t, t->loop->now_ms + ms);
}

void loop_timer_stop(struct loop_timer *t)
{
    if (!t->active)
        return;
    take_out(t);
    t->active = false;
}

int64_t timer_wait(const struct loop_timer *first, int64_t now_ms)
{
    return !first ? -1 : first->key_ms <= now_ms ? 0 : first->key_ms - now_ms;
}

void timer_run_due(struct loop *loop)
{
    loop->in_timers = true;
    while (loop->timers && loop->timers->key_ms <= loop->now_ms) {
        struct loop_timer *t = loop->timers;
        take_out(t);
        if (t->at_ms > loop->now_ms) {
            t->key_ms = t->at_ms;
            insert(t);
            continue;
        }
        t->active = false;
        t->on_time(t->self);
    }
    loop->in_timers = false;
}
