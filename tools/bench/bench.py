#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""make bench: durable accept rate, store-and-forward rate (forward.py), CPU, disk flushes and memory of penny, side by side with Postfix and with the load generator's ceiling, in one run.
Figures are medians of the rounds; absolute ones drift with the machine, ratios of one run do not. Writes docs/performance.md."""
import argparse, json, os, platform, resource, socket, statistics, sys, time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..', 'tests', 'e2e'))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import forward, peers
from harness import Penny
from measure import cpu, flushes, pss


def holding_postfix():
    """Accepts and queues durably, delivers nothing: the case in which Postfix is fastest."""
    return peers.Postfix(2629, 'myhostname = mx.example.test\nrelayhost = [127.0.0.1]:1\nsmtpd_client_restrictions = static:HOLD\n')


def penny_server():
    p = Penny(config='connections 20000\nconnections-per-client 20000\nrate-per-client 0\n', users=('user@example.test',), domain='example.test')
    p.__enter__()
    return p


def stat(p):
    return json.loads(p.cmd('store', 'stat', '--json').stdout.splitlines()[0])


def accept(rounds, scale):
    """(server, size, sessions, keep) → list of (rate, cpu ms a message, pss)"""
    out = {}
    extra, sent = {}, 0
    sink, postfix, penny = peers.Sink(2628), holding_postfix(), penny_server()
    try:
        for round in range(rounds):
            for size in (4096, 65536):
                for keep in (True, False):
                    for sessions in (1, 10, 100, 500):
                        for name, pid, port, base in (('sink', sink.pid, sink.port, 20000), ('postfix', postfix.pid, postfix.port, 2500), ('penny', penny.process.pid, penny.port['smtp'], 20000)):
                            n = int(base * scale * (0.25 if size > 4096 else 1) * (0.3 if sessions == 1 else 1) * (1 if keep else 0.5))
                            peers.source(port, min(sessions, 50), max(100, sessions), size, keep, 'user@example.test')
                            before = stat(penny) if name == 'penny' else None
                            c = cpu(pid)
                            sent += (n + max(100, sessions)) if before else 0
                            wall = peers.source(port, sessions, n, size, keep, 'user@example.test')
                            used = cpu(pid) - c
                            out.setdefault((name, size, sessions, keep), []).append((n / wall, used * 1000 / n, pss(pid)))
                            if before:
                                after = stat(penny)
                                commits = after['commits'] - before['commits']
                                extra.setdefault((size, sessions, keep), []).append((n / max(1, commits), (after['fdatasyncs'] - before['fdatasyncs']) / n,
                                                                                     (after['fdatasync_us_total'] - before['fdatasync_us_total']) / max(1, after['fdatasyncs'] - before['fdatasyncs'])))
                            if name == 'postfix':
                                postfix.clear()
                print(f'  round {round + 1} of {rounds}, {size // 1024} KiB done', file=sys.stderr, flush=True)
        got = int(json.loads(penny.cmd('user', 'show', 'user@example.test', '--json').stdout.splitlines()[0])['messages'])
    finally:
        sink.stop()
        postfix.stop()
        penny.__exit__(None, None, None)
    if got != sent:
        raise RuntimeError(f'{sent} messages were acknowledged, {got} are in the mailbox')
    return out, extra, got


def syncs(messages=3000):
    """Flushes a message, in a run of its own."""
    out = {}
    for name in ('postfix', 'penny'):
        server = holding_postfix() if name == 'postfix' else penny_server()
        pid, port = (server.pid, server.port) if name == 'postfix' else (server.process.pid, server.port['smtp'])
        try:
            peers.source(port, 50, 200, 4096, True, 'user@example.test')
            out[name] = flushes(pid, lambda: peers.source(port, 100, messages, 4096, True, 'user@example.test')) / messages
        finally:
            server.stop() if name == 'postfix' else server.__exit__(None, None, None)
    return out


def idle(connections=5000):
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(connections + 200, 1024), resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    p = penny_server()
    socks = []
    try:
        time.sleep(1)
        before = pss(p.process.pid)
        for i in range(connections):
            s = socket.create_connection(('127.0.0.1', p.port['smtp']), 20)
            s.recv(512)
            s.sendall(b'EHLO idle.test\r\n')
            s.recv(2048)
            socks.append(s)
        time.sleep(1)
        after = pss(p.process.pid)
        starts = []
        for s in socks:
            s.close()
        for _ in range(5):
            p.stop()
            t = time.monotonic()
            p.start()
            starts.append((time.monotonic() - t) * 1000)
        return before, (after - before) / connections, statistics.median(starts)
    finally:
        p.__exit__(None, None, None)


def disk():
    """The machine's own limit: fdatasync of a 4 KiB append into written space."""
    path = os.path.join(peers.TOP, 'build', 'disk-limit')
    fd = os.open(path, os.O_CREAT | os.O_RDWR | os.O_TRUNC)
    try:
        os.write(fd, b'\0' * (4096 * 1000))
        os.fsync(fd)
        t = time.monotonic()
        for i in range(500):
            os.pwrite(fd, b'x' * 4096, i * 4096)
            os.fdatasync(fd)
        return (time.monotonic() - t) / 500 * 1e6
    finally:
        os.close(fd)
        os.unlink(path)


def main():
    a = argparse.ArgumentParser(description=__doc__)
    a.add_argument('--rounds', type=int, default=3)
    a.add_argument('--scale', type=float, default=1.0, help='factor on the number of messages')
    a.add_argument('--out', default=os.path.join(peers.TOP, 'docs', 'performance.md'))
    a = a.parse_args()
    peers.unpack('postfix')
    os.makedirs(os.path.join(peers.TOP, 'build'), exist_ok=True)
    flush_us = disk()
    data, extra, got = accept(a.rounds, a.scale)
    sync = syncs()
    passing = forward.section(a.rounds, a.scale)
    memory, connection, start = idle()
    med = lambda key, i: statistics.median(v[i] for v in data[key])
    head = f'''# Performance

Written by `make bench` (tools/bench/bench.py) on {time.strftime("%Y-%m-%d")}: {os.cpu_count()} cores ({next((l.split(":")[1].strip() for l in open("/proc/cpuinfo") if l.startswith("model name")), platform.machine())}), Linux {platform.release()},
generator and servers on the same cores over loopback; a fdatasync of 4 KiB takes {flush_us:.0f} µs here. Postfix {peers.version()}: every message on HOLD, that is accepted and queued durably and never delivered.
penny: accepted durably **and delivered into a mailbox** before the 250. `smtp-sink` keeps nothing: it is the generator's ceiling. Medians of {a.rounds} rounds, all three servers in turn within each round.
Absolute figures drift with the machine: compare within the table. *rate × fdatasync* is how many messages arrive while one flush runs: what a commit without any
waiting would carry.

## Acceptance

Commands: `smtp-source -s SESSIONS -m N -l SIZE [-d] 127.0.0.1:PORT` (`-d`: connection kept); CPU from /proc of all processes of a server, reaped children included.

| size | connection | sessions | ceiling /s | Postfix /s | penny /s | of ceiling | × Postfix | Postfix ms CPU | penny ms CPU | CPU ratio | messages a commit | rate × fdatasync | fdatasync µs |
|---|---|---|---|---|---|---|---|---|---|---|---|---|---|
'''
    rows = []
    for size in (4096, 65536):
        for keep in (True, False):
            for sessions in (1, 10, 100, 500):
                s, x, p = (med((n, size, sessions, keep), 0) for n in ('sink', 'postfix', 'penny'))
                xc, pc = med(('postfix', size, sessions, keep), 1), med(('penny', size, sessions, keep), 1)
                e = extra[(size, sessions, keep)]
                rows.append(f'| {size // 1024} KiB | {"kept" if keep else "one each"} | {sessions} | {s:,.0f} | {x:,.0f} | {p:,.0f} | {p / s:.2f} | {p / x:.1f} | {xc:.3f} | {pc:.3f} | {pc / xc:.3f} | '
                            f'{statistics.median(v[0] for v in e):.1f} | {p * statistics.median(v[2] for v in e) / 1e6:.1f} | {statistics.median(v[2] for v in e):.0f} |\n')
    tail = f'''
| | Postfix | penny |
|---|---|---|
| flushes a message (strace, 100 sessions, 4 KiB) | {sync["postfix"]:.2f} | {sync["penny"]:.3f} |
| memory, 100 sessions (PSS of all processes) | {med(("postfix", 4096, 100, True), 2) / 1e6:.0f} MB | {med(("penny", 4096, 100, True), 2) / 1e6:.1f} MB |
| memory idle after start (PSS of all roles) | | {memory / 1e6:.1f} MB |
| a further idle connection (of 5,000, after EHLO) | | {connection / 1000:.1f} kB |
| start until every listener accepts | | {start:.0f} ms |

{got:,} messages were acknowledged by penny in this run; the mailbox was counted afterwards and holds that many.
'''
    text = head + ''.join(rows) + tail + passing
    print(text)
    with open(a.out, 'w') as f:
        f.write(text)


if __name__ == '__main__':
    main()
