# SPDX-License-Identifier: ISC
"""Store and forward: smtp-source → server → smtp-sink, penny and Postfix in turn, until the sink has the last message; and what a full queue costs."""
import statistics, sys, time
import peers
from harness import Penny, until
from measure import cpu, flushes, pss

SINK, POSTFIX, NOBODY = 2628, 2629, 1
SIZES, SESSIONS = (4096, 65536), (1, 10, 100)


def penny_server(port):
    """penny as a relay that carries everything on to a port of 127.0.0.1."""
    return Penny(config=f'connections 20000\nconnections-per-client 20000\nrelay for 127.0.0.0/8\nroute to * via 127.0.0.1:{port}\n', users=()).__enter__()


def postfix_server(port):
    return peers.Postfix(POSTFIX, f'myhostname = mx.example.test\nrelayhost = [127.0.0.1]:{port}\n')


def close(penny):
    penny.__exit__(None, None, None)


def pass_on(sink, port, sessions, n, size, seconds=300):
    """Wall seconds until the sink has n messages more."""
    before, start = sink.messages, time.monotonic()
    peers.source(port, sessions, n, size, True, 'user@far.test', seconds)
    until(lambda: sink.messages - before >= n, seconds, f'{n} messages at the sink', every=0.005)
    wall = sink.last - start
    if sink.messages - before != n:
        raise RuntimeError(f'{n} messages were sent, {sink.messages - before} arrived')
    return wall


def cross(rounds, scale):
    """(server, size, sessions) → list of (rate, CPU ms a message, pss)"""
    out = {}
    sink, postfix, penny = peers.Sink(SINK, counting=True), postfix_server(SINK), penny_server(SINK)
    servers = (('sink', sink.pid, SINK, 20000), ('postfix', postfix.pid, POSTFIX, 3000), ('penny', penny.process.pid, penny.port['smtp'], 20000))
    try:
        for round in range(rounds):
            for size in SIZES:
                for sessions in SESSIONS:
                    for name, pid, port, base in servers:
                        n = max(sessions, int(base * scale * (0.25 if size > 4096 else 1) * (0.3 if sessions == 1 else 1)))
                        pass_on(sink, port, min(sessions, 50), max(100, sessions), size)
                        c = cpu(pid)
                        wall = pass_on(sink, port, sessions, n, size)
                        if name == 'penny':  # its last results may still be on their way to the disk
                            until(lambda: not penny.cmd('queue', 'ls', '--json').stdout.strip(), 30, 'the queue is empty')
                        out.setdefault((name, size, sessions), []).append((n / wall, (cpu(pid) - c) * 1000 / n, pss(pid)))
                print(f'  store and forward, round {round + 1} of {rounds}, {size // 1024} KiB done', file=sys.stderr, flush=True)
    finally:
        sink.stop()
        postfix.stop()
        close(penny)
    return out


def syncs(messages=3000):
    """Flushes a message, both halves: accepting it and being done with it."""
    out = {}
    for name in ('postfix', 'penny'):
        sink = peers.Sink(SINK, counting=True)
        server = postfix_server(SINK) if name == 'postfix' else penny_server(SINK)
        pid, port = (server.pid, POSTFIX) if name == 'postfix' else (server.process.pid, server.port['smtp'])
        try:
            pass_on(sink, port, 50, 200, 4096)
            out[name] = flushes(pid, lambda: pass_on(sink, port, 100, messages, 4096)) / messages
        finally:
            server.stop() if name == 'postfix' else close(server)
            sink.stop()
    return out


def full(count):
    """Memory with so many messages in the queue, for a host that is down; and how long penny takes to start with them. (postfix pss, penny pss, start ms)"""
    send = lambda port: peers.source(port, 100, count, 4096, True, 'user@far.test', seconds=1800)
    postfix = postfix_server(NOBODY)
    try:
        send(POSTFIX)
        until(lambda: postfix.waiting() >= count, 300, 'all are in the queue of Postfix', every=1)
        other = pss(postfix.pid)
    finally:
        postfix.stop()
    penny = penny_server(NOBODY)
    try:
        send(penny.port['smtp'])
        until(lambda: f'{count} ' in penny.cmd('queue', 'shape').stdout.replace(',', ''), 300, 'all are in the queue', every=1)
        ours = pss(penny.process.pid)
        starts = []
        for _ in range(3):
            penny.stop()
            start = time.monotonic()
            penny.start()
            starts.append((time.monotonic() - start) * 1000)
    finally:
        close(penny)
    return other, ours, statistics.median(starts)


def section(rounds, scale):
    """The part of docs/performance.md."""
    data, sync, queued = cross(rounds, scale), syncs(), max(1000, int(100000 * scale))
    other, ours, start = full(queued)
    med = lambda key, i: statistics.median(v[i] for v in data[key])
    rows = ''
    for size in SIZES:
        for sessions in SESSIONS:
            s, x, p = (med((name, size, sessions), 0) for name in ('sink', 'postfix', 'penny'))
            xc, pc = med(('postfix', size, sessions), 1), med(('penny', size, sessions), 1)
            rows += f'| {size // 1024} KiB | {sessions} | {s:,.0f} | {x:,.0f} | {p:,.0f} | {p / x:.1f} | {xc:.3f} | {pc:.3f} | {pc / xc:.3f} |\n'
    return f'''
## Store and forward

`smtp-source -d` → server → `smtp-sink -c`: messages a second until the sink has counted the last one. Postfix: `relayhost`, its own defaults; penny: `route to * via`. Both accept durably first and log each message.
The ceiling is the generator with the sink at its other end. Every message arrived, none twice.

| size | sessions | ceiling /s | Postfix /s | penny /s | × Postfix | Postfix ms CPU | penny ms CPU | CPU ratio |
|---|---|---|---|---|---|---|---|---|
{rows}
| | Postfix | penny |
|---|---|---|
| flushes a message (strace, 100 sessions, 4 KiB) | {sync["postfix"]:.2f} | {sync["penny"]:.3f} |
| memory, 100 sessions (PSS of all processes) | {med(("postfix", 4096, 100), 2) / 1e6:.0f} MB | {med(("penny", 4096, 100), 2) / 1e6:.1f} MB |
| memory with {queued:,} messages queued for a host that is down | {other / 1e6:.0f} MB | {ours / 1e6:.1f} MB |
| start with these {queued:,} messages until every listener accepts | | {start:.0f} ms |
'''
