/* SPDX-License-Identifier: ISC */
/* The simulated twin of loop and net, for tests: a clock that moves only when nothing is left to do, streams in memory with
   latency, pieces, narrow windows, cuts and silences, all from one seed. While a simulation stands, loop_new, net_listen,
   net_connect and everything on their descriptors happen in it, so whole roles run unchanged in one process; a seed that fails is
   a bug report. Worker pools run their jobs on the loop's thread, at the end of the turn.

   What is not simulated: unix sockets, signals, other processes, files (the log has a disk twin of its own). Descriptors of the
   kernel's in a simulated loop (signals, wake-ups) are looked at in each turn, without waiting. */
#pragma once
#include "os/loop.h"

struct sim_options {
    uint64_t seed;               /* not 0 */
    int64_t unix_ms;             /* civil time at the beginning; 0: 2026-01-01 */
    int64_t latency_min_us, latency_max_us; /* of each piece, one way; 0, 0: 100 µs to 30 ms */
    size_t window;               /* bytes on their way each direction before a writer has to wait; 0: 64 KiB */
    uint32_t piece_max;          /* a write travels in pieces of 1 … this many bytes; 0: 1500 */
    uint32_t cut_per_million;    /* of pieces: the connection is reset here */
    uint32_t silence_per_million; /* of pieces: from here on nothing arrives in either direction, and nobody is told */
};
struct sim_counts { uint64_t connections, pieces, bytes, cuts, silences, turns; int64_t simulated_ms; };

/* Seeds random, sets the clock. One at a time. */
void sim_begin(const struct sim_options *o);
/* Everything must be closed (checked, with the number of descriptors left open); clock and randomness are the kernel's again. */
void sim_end(struct sim_counts *counts); /* counts may be NULL */
/* The next loop_run came to its end because nothing could ever happen again, though something was being watched. */
bool sim_is_stuck(void);
/* Resets the connection of this descriptor now, or makes it silent. */
void sim_cut(int fd);
void sim_silence(int fd);
