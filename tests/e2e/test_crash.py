# SPDX-License-Identifier: ISC
"""kill -9 of each role, and of all at once, under load: every message that got its 250 is there afterwards, once. A message may be there although its sender saw no reply
after the final dot (RFC 1047); such ones are counted, and only they may be doubled by a sender that tries again."""
import collections, os, random, re, signal, threading, time
from harness import *


class Load:
    """Senders that try each message until it is acknowledged; what was acknowledged and what was in doubt is kept."""
    def __init__(self, p, threads, seed):
        self.p, self.stop, self.lock = p, threading.Event(), threading.Lock()
        self.acked, self.doubt, self.sent = set(), collections.Counter(), 0
        self.threads = [threading.Thread(target=self.run, args=(i, random.Random(seed * 100 + i)), daemon=True) for i in range(threads)]
        for t in self.threads:
            t.start()

    def run(self, number, rnd):
        n = 0
        wire = None
        while not self.stop.is_set():
            name = f'm-{number}-{n}'
            size = rnd.choice((10, 1000, 4000, 100000))
            rcpts = rnd.choice((['bob'], ['alice'], ['alice', 'bob']))
            dotted = False
            try:
                if wire is None:
                    wire = Wire(self.p.port['smtp'], 20)
                    if wire.reply()[0] != 220 or wire.talk('EHLO load.test')[0] != 250:
                        raise OSError('not now')
                wire.send(f'MAIL FROM:<load@elsewhere.test>\r\n' + ''.join(f'RCPT TO:<{r}@demo.test>\r\n' for r in rcpts) + 'DATA\r\n')
                codes = [wire.reply()[0] for _ in range(len(rcpts) + 2)]
                if codes[-1] != 354:
                    raise OSError('not now')
                wire.send(f'Subject: {name} {",".join(rcpts)}\r\n\r\n' + 'x' * 70 + '\r\n' + ('y' * 70 + '\r\n') * (size // 72))
                dotted = True
                wire.send('.\r\n')
                code = wire.reply()[0]
                dotted = False
                if code != 250:
                    raise OSError('not now')
                with self.lock:
                    self.sent += 1
                    self.acked.update((name, r) for r in rcpts)
                n += 1
            except (OSError, Failed, ValueError):
                if dotted:
                    with self.lock:
                        for r in rcpts:
                            self.doubt[(name, r)] += 1
                if wire:
                    wire.close()
                wire = None
                time.sleep(0.02)

    def end(self):
        self.stop.set()
        for t in self.threads:
            t.join(60)
            expect(not t.is_alive(), 'a sender hangs')


def judge(p, load, what):
    found = collections.Counter()
    for user in ('alice', 'bob'):
        d = p.pop3(f'{user}@demo.test')
        for i in range(d.stat()[0]):
            head = b'\n'.join(d.top(i + 1, 0)[1])
            found[(re.search(rb'^Subject: (\S+)', head, re.M).group(1).decode(), user)] += 1
        d.quit()
    missing = [m for m in load.acked if not found[m]]
    expect(not missing, f'{what}: {len(missing)} acknowledged messages are missing, of {len(load.acked)}: {missing[:5]}')
    extra = {m: n for m, n in found.items() if n > 1 + load.doubt[m] - (0 if m in load.acked else 1)}
    expect(not extra, f'{what}: doubled without doubt: {list(extra.items())[:5]}')
    expect(len(load.acked) > 20, f'{what}: the load was real: {len(load.acked)}')
    print(f'        {what}: {len(load.acked)} acknowledged, 0 missing, {sum(n - 1 for n in found.values())} doubled after a lost reply', flush=True)


def kill_roles(rounds, seed):
    rnd = random.Random(seed)
    with Penny(config='connections-per-client 1000\n') as p:
        load = Load(p, 6, seed)
        try:
            for _ in range(rounds):
                for role in ('store', 'edge-mx', 'keys', 'relay', 'dns', 'edge-user'):
                    time.sleep(rnd.uniform(0.1, 0.5))
                    roles = until(lambda: (lambda r: r if role in r else None)(p.roles()), 20, f'{role} is back')
                    os.kill(roles[role], signal.SIGKILL)
            time.sleep(1)
            before = len(load.acked)
            until(lambda: len(load.acked) > before, 30, 'mail flows again')
        finally:
            load.end()
        judge(p, load, f'kill -9 of roles, seed {seed}')
        p.cmd('store', 'verify')


def kill_all(rounds, seed):
    rnd = random.Random(seed)
    with Penny(config='connections-per-client 1000\n') as p:
        load = Load(p, 6, seed)
        try:
            for _ in range(rounds):
                time.sleep(rnd.uniform(0.3, 1.0))
                p.kill()
                if rnd.random() < 0.3:
                    os.system(f'rm -rf {p.dir}/store/index*')
                p.start()
            before = len(load.acked)
            until(lambda: len(load.acked) > before, 30, 'mail flows again')
        finally:
            load.end()
        judge(p, load, f'kill -9 of everything, seed {seed}')
        p.cmd('store', 'verify')


def test_kill_roles():
    kill_roles(1, 1)


def test_kill_all():
    kill_all(2, 2)


def test_kill_roles_long():
    for seed in range(10, 14):
        kill_roles(4, seed)


def test_kill_all_long():
    for seed in range(20, 23):
        kill_all(6, seed)


test_kill_roles_long.LONG = test_kill_all_long.LONG = True


def hostile(p, kind, seed, count):
    """Sessions of half-sensible rubbish over real sockets; the roles must be the same processes afterwards."""
    rnd = random.Random(seed)
    smtp = [b'EHLO x', b'HELO x', b'MAIL FROM:<a@b.test>', b'RCPT TO:<bob@demo.test>', b'DATA', b'BDAT 10', b'BDAT 3 LAST', b'RSET', b'NOOP', b'VRFY bob', b'EXPN x', b'HELP', b'STARTTLS', b'AUTH PLAIN',
            b'AUTH SCRAM-SHA-256 =', b'.', b'QUIT', b'LHLO x', b'MAIL FROM:<> SIZE=99999999999999999999 BODY=X', b'RCPT TO:<@a,@b:"q\\"x"@[IPv6:::1]> NOTIFY=NEVER,NEVER', b'\xff\xfe\x00\x01']
    pop3 = [b'USER bob@demo.test', b'PASS x', b'CAPA', b'STLS', b'AUTH PLAIN', b'AUTH', b'STAT', b'LIST 1', b'UIDL', b'RETR 1', b'TOP 1 5', b'DELE 1', b'RSET', b'NOOP', b'UTF8', b'LANG', b'QUIT', b'APOP x y', b'\x00\xff']
    words = smtp if kind == 'smtp' else pop3
    import socket
    for _ in range(count):
        with socket.create_connection(('127.0.0.1', p.port[kind]), 20) as s:
            data = b''
            for _ in range(rnd.randrange(1, 12)):
                line = bytearray(rnd.choice(words))
                for _ in range(rnd.choice((0, 0, 1, 3))):
                    if line:
                        line[rnd.randrange(len(line))] = rnd.randrange(256)
                data += bytes(line) + rnd.choice((b'\r\n', b'\r\n', b'\r\n', b'\n', b'\r', b'', b' ' * 3000 + b'\r\n'))
            try:
                s.sendall(data)
                s.shutdown(socket.SHUT_WR)
                while s.recv(65536):
                    pass
            except OSError:
                pass


def test_hostile_sessions(count=300):
    with Penny(config='connections-per-client 10000\nrate-per-client 0\n') as p:
        before = p.roles()
        for kind in ('smtp', 'pop3', 'submission'):
            hostile(p, 'smtp' if kind == 'submission' else kind, 7, count)
        for port in ('submissions', 'pop3s'):
            for i in range(20):
                try:
                    w = Wire(p.port[port], 5)
                    w.send(random.Random(i).randbytes(300))
                    w.close()
                except OSError:
                    pass
        equal(p.roles(), before, 'no role died')
        p.smtp().sendmail('alice@demo.test', 'bob@demo.test', 'Subject: still here\n\nhi\n')
        expect(any(b'still here' in m for m in p.mailbox()), 'mail flows')
