# SPDX-License-Identifier: ISC
"""Limits and bad manners: clients, errors, early talkers, quota, many recipients, large messages in little memory, a full disk, a damaged store."""
import contextlib, os, re, subprocess, tempfile
from harness import *
from test_relay import HELLO, deliver


def test_client_limits():
    with Penny(config='connections-per-client 2\nerrors 5\n') as p:
        # Loopback may have ten times as many.
        held = []
        for _ in range(20):
            w = Wire(p.port['smtp'])
            equal(w.reply()[0], 220, 'within the limit')
            held.append(w)
        w = Wire(p.port['smtp'])
        code, lines = w.reply()
        equal(code, 421, f'one more is turned away: {lines}')
        w.close()
        held.pop().close()

        def again():
            n = Wire(p.port['smtp'])
            code = n.reply()[0]
            n.close()
            return code == 220
        until(again, 10, 'room again when one has gone', 0.1)
        w = held[0]
        codes = []
        for _ in range(10):
            try:
                codes.append(w.talk('XYZZY')[0])
            except (Failed, OSError):
                break
        equal(codes[-1], 421, f'bad commands end the session: {codes}')
        expect(len(codes) <= 7, f'after the configured number: {codes}')


def test_rate_limit():
    with Penny(config='rate-per-client 3\n') as p:
        codes = []
        for _ in range(40):
            w = Wire(p.port['smtp'])
            codes.append(w.reply()[0])
            w.close()
        expect(codes[0] == 220 and codes[-1] == 421, f'too many connections a minute: {codes}')


def test_manners():
    with Penny(config='greet-delay 1s\n') as p:
        w = Wire(p.port['smtp'])
        w.send('EHLO early.test\r\n')
        equal(w.reply()[0], 554, 'who talks before the greeting is refused')
        w.close()
        w = Wire(p.port['smtp'])
        w.reply()
        w.send('EHLO client.test\r\nMAIL FROM:<x@elsewhere.test>\r\n')
        codes = [w.reply()[0]]
        while codes[-1] == 250 and len(codes) < 3:
            try:
                codes.append(w.reply()[0])
            except Failed:
                break
        expect(554 in codes or 503 in codes, f'pipelining before EHLO was answered: {codes}')
        w.close()
        w = Wire(p.port['submission'])
        w.reply()
        w.talk(HELLO)
        w.send('STARTTLS\r\nEHLO injected.test\r\n')
        w.reply()
        rest = w.f.read()
        expect(b'injected' not in rest and b'250' not in rest, f'nothing of before STARTTLS survives it: {rest[:80]!r}')
        w.close()


def test_vrfy_expn_help():
    with Penny() as p:
        w = Wire(p.port['smtp'])
        w.reply()
        w.talk(HELLO)
        equal([w.talk(c)[0] for c in ('VRFY bob', 'VRFY nobody', 'EXPN team', 'HELP', 'HELP MAIL', 'NOOP x', 'RSET', 'RSET x')], [252, 252, 502, 214, 214, 250, 250, 501], 'VRFY, EXPN, HELP, NOOP, RSET')
        w.close()
        p.configure('vrfy on\nexpn on\ndomain lists.test {\n    alias team -> alice@demo.test bob@demo.test\n}\n')
        p.cmd('reload')
        w = Wire(p.port['smtp'])
        w.reply()
        w.talk(HELLO)
        equal([w.talk('VRFY bob@demo.test')[0], w.talk('VRFY nobody@demo.test')[0]], [250, 550], 'VRFY when it is on')
        code, lines = w.talk('EXPN team@lists.test')
        expect(code == 250 and len(lines) == 2, f'EXPN when it is on: {lines}')
        w.close()


def test_quota():
    with Penny(config='quota 200k\n') as p:
        w = Wire(p.port['smtp'])
        w.reply()
        w.talk(HELLO)
        w.talk('MAIL FROM:<x@elsewhere.test> SIZE=150000')
        equal(w.talk('RCPT TO:<bob@demo.test>')[0], 250, 'fits')
        w.talk('RSET')
        body = b'Subject: fill\r\n\r\n' + (b'x' * 70 + b'\r\n') * 2500
        equal(deliver(w, 'x@elsewhere.test', ['bob@demo.test'], body), [250, 250, 250], '180 kB fit')
        equal(deliver(w, 'x@elsewhere.test', ['bob@demo.test'], body), [250, 250, 250], 'one message may overshoot')
        w.talk('MAIL FROM:<x@elsewhere.test> SIZE=1000')
        code, lines = w.talk('RCPT TO:<bob@demo.test>')
        expect(code in (452, 552) and '4.2.2' in lines[0] or '5.2.2' in lines[0], f'over quota: {lines}')
        equal(w.talk('RCPT TO:<alice@demo.test>')[0], 250, 'others are not concerned')
        w.talk('RSET')
        d = p.pop3()
        d.dele(1)
        d.dele(2)
        d.quit()
        w.talk('MAIL FROM:<x@elsewhere.test> SIZE=1000')
        equal(w.talk('RCPT TO:<bob@demo.test>')[0], 250, 'room again')
        w.close()


def test_thousand_recipients():
    names = [f'u{i}@demo.test' for i in range(1000)]
    with Penny(users=()) as p:
        p.cmd('user', 'add', 'all@demo.test', input=PASSWORD + '\n')
        p.configure('domain many.test {\n' + ''.join(f'    alias a{i} -> all@demo.test\n' for i in range(1000)) + '}\n')
        p.cmd('reload')
        w = Wire(p.port['smtp'])
        w.reply()
        expect(any('RCPTMAX=1000' in l for l in w.talk(HELLO)[1]), 'LIMITS says so')
        w.talk('MAIL FROM:<x@elsewhere.test>')
        w.send(''.join(f'RCPT TO:<a{i}@many.test>\r\n' for i in range(1000)))
        expect(all(w.reply()[0] == 250 for _ in names), 'a thousand recipients')
        equal(w.talk('RCPT TO:<a1@many.test>')[0], 452, 'one more')
        w.talk('DATA')
        w.send(b'Subject: many\r\n\r\nhi\r\n.\r\n')
        equal(w.reply()[0], 250, 'accepted')
        w.close()
        equal(len(p.mailbox('all@demo.test')), 1, 'one copy, though a thousand aliases lead there')


def peak(pid):
    return int(re.search(r'VmHWM:\s+(\d+)', open(f'/proc/{pid}/status').read()).group(1)) * 1024


def test_large_message_in_little_memory():
    with Penny() as p:
        before = {r: peak(pid) for r, pid in p.roles().items()}
        block = (b'y' * 70 + b'\r\n') * 10000
        w = Wire(p.port['smtp'])
        w.reply()
        w.talk(HELLO)
        equal(deliver(w, 'x@elsewhere.test', ['bob@demo.test', 'alice@demo.test'], b'Subject: large\r\n\r\n' + block * 70), [250, 250, 250, 250], '50 MB')
        w.close()
        d = p.pop3()
        expect(d.list(1).split()[-1] and int(d.list(1).split()[-1]) > 50_000_000, 'its size')
        n = sum(len(x) + 2 for x in d.retr(1)[1])
        expect(n > 50_000_000, f'{n} octets came back')
        d.quit()
        for r, pid in p.roles().items():
            grown = peak(pid) - before[r]
            expect(grown < 24_000_000, f'{r} grew by {grown} octets for a message of 50 MB')


def test_disk_full():
    """A store on a small file system of its own: 452 when it is full, nothing lost, service when there is room again."""
    top = tempfile.mkdtemp(prefix='penny-e2e-')
    subprocess.run(['mount', '-t', 'tmpfs', '-o', 'size=220m', 'tmpfs', top], check=True)
    try:
        with Penny(keep=top) as p:
            ballast = top + '/ballast'
            acked = 0
            w = Wire(p.port['smtp'])
            w.reply()
            w.talk(HELLO)
            body = b'Subject: s\r\n\r\n' + os.urandom(45000).hex().encode().replace(b'0', b'0\r\n') + b'\r\n'
            with open(ballast, 'wb') as f:
                try:
                    while True:
                        f.write(b'\0' * 65536)
                        f.flush()
                except OSError:
                    pass
            refused = None
            for i in range(3000):
                codes = deliver(w, 'x@elsewhere.test', ['bob@demo.test'], body)
                if codes[-1] == 250:
                    acked += 1
                else:
                    refused = codes
                    break
            expect(refused and any(c in (451, 452) for c in refused if c), f'a full disk is told as such after {acked} messages: {refused}')
            os.unlink(ballast)

            def works():
                try:
                    n = Wire(p.port['smtp'])
                    n.reply()
                    n.talk(HELLO)
                    ok = deliver(n, 'x@elsewhere.test', ['bob@demo.test'])[-1] == 250
                    n.close()
                    return ok
                except (OSError, Failed):
                    return False
            until(works, 30, 'service when there is room again', 0.2)
            acked += 1

            def readable():
                with contextlib.suppress(Exception): # the index follows as soon as it finds room
                    d = p.pop3()
                    n = d.stat()[0]
                    d.quit()
                    return n
            equal(until(readable, 30, 'the mailbox can be read again', 0.2), acked, 'every acknowledged message, and no other')
            w.close()
    finally:
        subprocess.run(['umount', '-l', top], check=False)


def test_damaged_store():
    with Penny() as p:
        w = Wire(p.port['smtp'])
        w.reply()
        w.talk(HELLO)
        for i in range(5):
            deliver(w, 'x@elsewhere.test', ['bob@demo.test'], f'Subject: number {i}\r\n\r\nhi\r\n'.encode())
        w.close()
        p.kill()
        # A damaged index is made anew.
        index = [f for f in os.listdir(p.dir + '/store') if f.startswith('index')]
        expect(index, 'there is an index')
        for f in index:
            with open(f'{p.dir}/store/{f}', 'r+b') as h:
                h.write(os.urandom(3000))
        p.start()
        equal(len(p.mailbox()), 5, 'after the index was damaged')
        # A torn tail is cut: what was never acknowledged goes, what was stays.
        p.kill()
        segments = sorted(os.listdir(p.dir + '/store/log'))
        with open(f'{p.dir}/store/log/{segments[-1]}', 'r+b') as h:
            data = h.read()
            end = len(data.rstrip(b'\0'))
            h.seek((end + 511) // 512 * 512)
            h.write(os.urandom(700))
        p.start()
        equal(len(p.mailbox()), 5, 'after a torn tail')
        equal(p.cmd('store', 'verify', check=False).returncode, 0, 'and verify agrees')
