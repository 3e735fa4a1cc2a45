# SPDX-License-Identifier: ISC
"""Limits through the whole program: early talkers, errors, rates, quotas, many recipients, large messages in little memory; and what a disk does that is full or damaged."""
import email, email.policy, glob, os, re, signal, socket, subprocess, sys, time
from harness import *
from test_relay import HELLO, deliver


def talk(p, kind='smtp', hello=HELLO):
    w = Wire(p.port[kind])
    w.reply()
    if hello:
        w.talk(hello)
    return w


def closed(w):
    """The server ended this connection."""
    w.s.settimeout(20)
    try:
        return w.s.recv(1) == b''
    except ConnectionError:
        return True


# ---- strangers without manners ----

def test_early_talkers():
    with Penny(config='greet-delay 1s\n') as p:
        w = Wire(p.port['smtp'])
        w.send('EHLO early.test\r\n')
        equal(w.reply()[0], 554, 'who talks before the greeting')
        expect(closed(w), 'is put out')
        start = time.monotonic()
        w = talk(p)
        expect(time.monotonic() - start >= 0.9, 'the others wait for the greeting')
        equal(w.talk('NOOP')[0], 250, 'and are served')
        w.close()


def test_unauthorised_pipelining():
    with Penny() as p:
        # A group ends with DATA, EHLO, HELP …: what follows it may come only after the reply (RFC 2920 3.1).
        w = talk(p, hello=None)
        w.send('EHLO client.test\r\nMAIL FROM:<x@elsewhere.test>\r\nRCPT TO:<bob@demo.test>\r\nDATA\r\nSubject: pushed\r\n\r\nhi\r\n.\r\nQUIT\r\n')
        codes = []
        try:
            while True:
                codes.append(w.reply()[0])
        except (Failed, ConnectionError, ValueError):
            pass
        expect(codes and codes[-1] in (554, 503, 421, 550) and 354 not in codes, f'a whole session in one push: {codes}')
        equal(p.mailbox(), [], 'nothing was taken')
        # STARTTLS: what was sent behind it in the clear is never obeyed.
        w = talk(p)
        w.send('STARTTLS\r\nMAIL FROM:<x@elsewhere.test>\r\n')
        codes = []
        try:
            while len(codes) < 3:
                codes.append(w.reply()[0])
        except (Failed, ConnectionError, ValueError):
            pass
        expect(250 not in codes, f'a command behind STARTTLS: {codes}')
        w.close()
        # A proper group is served.
        w = talk(p)
        w.send('MAIL FROM:<x@elsewhere.test>\r\nRCPT TO:<bob@demo.test>\r\nDATA\r\n')
        equal([w.reply()[0] for _ in range(3)], [250, 250, 354], 'MAIL, RCPT, DATA in one group')
        w.send('Subject: group\r\n\r\nhi\r\n.\r\nQUIT\r\n')
        equal([w.reply()[0] for _ in range(2)], [250, 221], 'end of data and QUIT in one group')
        w.close()


def test_errors_end_a_session():
    with Penny(config='errors 5\n') as p:
        w = talk(p)
        codes = []
        try:
            for _ in range(10):
                codes.append(w.talk('RUBBISH')[0])
        except (Failed, OSError):
            pass
        expect(codes[-1] == 421 and 5 <= len(codes) <= 7 and set(codes[:-1]) == {500}, f'too many errors: {codes}')
        expect(closed(w), 'the session is over')
        w = talk(p)
        w.talk('MAIL FROM:<x@elsewhere.test>')
        codes = []
        try:
            for i in range(10):
                codes.append(w.talk(f'RCPT TO:<guess{i}@demo.test>')[0])
        except (Failed, OSError):
            pass
        equal(codes[-1], 421, f'who guesses names: {codes}')


def test_rate_and_connections_of_a_client():
    with Penny(config='rate-per-client 5\n') as p:
        codes = []
        for _ in range(60):
            w = Wire(p.port['smtp'])
            codes.append(w.reply()[0])
            w.close()
        expect(codes[0] == 220 and codes[-1] == 421, f'too many in a minute: {codes}')
    with Penny(config='connections-per-client 1\n') as p:
        held, codes = [], []
        for _ in range(12): # loopback may have ten times as many
            held.append(Wire(p.port['smtp']))
            codes.append(held[-1].reply()[0])
        equal(codes, [220] * 10 + [421] * 2, 'too many at a time')
        held.pop(0).close()
        held.pop(0).close()
        until(lambda: Wire(p.port['smtp']).reply()[0] == 220, 10, 'room again')


def test_long_lines_and_odd_octets():
    with Penny(config='errors 1000\n') as p:
        w = talk(p)
        equal(w.talk('NOOP ' + 'x' * 5000)[0], 500, 'a command line that is too long')
        for line in (b'MAIL FROM:<a\0b@elsewhere.test>', b'MAIL FROM:<a@b.test> SIZE=x', b'MAIL FROM:<' + b'a' * 65 + b'@b.test>', b'MAIL FROM:<a@b.test', b'MAIL FROM: a@b.test>', b'RCPT TO:<bob@demo.test>',
                     b'DATA', b'MAIL FROM:<a@b..test>', b'MAIL FROM:<\xff\xfe@b.test> SMTPUTF8', b'MAIL FROM:<a@b.test> NONSENSE=1', b'AUTH', b'HELO', b'EHLO'):
            w.send(line + b'\r\n')
            code, lines = w.reply()
            expect(500 <= code < 560 and len(lines[0]) > 8, f'{line!r}: {lines}')
        equal(w.talk('NOOP')[0], 250, 'still there')
        w.close()


# ---- what commands tell ----

def test_vrfy_expn_help():
    with Penny(config='domain lists.test {\n    alias team -> alice@demo.test bob@demo.test\n}\n') as p:
        w = talk(p)
        equal(w.talk('VRFY bob@demo.test')[0], 252, 'VRFY tells nothing')
        equal(w.talk('VRFY nobody@demo.test')[0], 252, 'VRFY tells nothing of who is not there')
        expect(w.talk('EXPN team@lists.test')[0] in (502, 550), 'EXPN is off')
        code, lines = w.talk('HELP')
        expect(code in (211, 214) and any('MAIL' in l for l in lines), f'HELP: {lines}')
        expect(w.talk('HELP MAIL')[0] in (211, 214), 'HELP MAIL')
        w.close()
        p.configure('domain lists.test {\n    alias team -> alice@demo.test bob@demo.test\n}\nexpn on\nvrfy on\n')
        p.cmd('reload')
        w = talk(p)
        code, lines = w.talk('EXPN team@lists.test')
        expect(code == 250 and any('alice@demo.test' in l for l in lines) and any('bob@demo.test' in l for l in lines), f'EXPN allowed: {lines}')
        equal([w.talk('VRFY bob@demo.test')[0], w.talk('VRFY nobody@demo.test')[0]], [250, 550], 'VRFY allowed')
        w.close()


# ---- many and much ----

def test_thousand_recipients():
    with Penny(config='domain many.test {\n    alias * -> bob@demo.test\n}\n') as p:
        w = talk(p)
        w.send('MAIL FROM:<x@elsewhere.test>\r\n' + ''.join(f'RCPT TO:<r{i}@many.test>\r\n' for i in range(1001)))
        codes = [w.reply()[0] for _ in range(1002)]
        equal((codes[:1001].count(250), codes[1001]), (1001, 452), 'a thousand recipients, and one more')
        equal(w.talk('DATA')[0], 354, 'DATA')
        w.send('Subject: to a thousand\r\n\r\nhi\r\n.\r\n')
        equal(w.reply()[0], 250, 'end of data')
        w.close()
        equal(len(p.mailbox()), 1, 'one copy: all lead to the same mailbox')


def test_catch_all():
    with Penny(config='domain all.test {\n    alias * -> alice@demo.test\n    alias sales -> bob@demo.test\n}\n') as p:
        w = talk(p)
        for r in ('anybody', 'any+body', 'sales', '"odd one"'):
            equal(deliver(w, 'x@elsewhere.test', [f'{r}@all.test']), [250, 250, 250], r)
        w.close()
        equal([len(p.mailbox(u)) for u in ('alice@demo.test', 'bob@demo.test')], [3, 1], 'a name of its own comes first')


def test_quota():
    with Penny(config='domain small.test {\n    quota 100k\n}\n', users=('alice@demo.test', 'bob@demo.test', 'carol@small.test')) as p:
        w = talk(p)
        w.talk('MAIL FROM:<x@elsewhere.test> SIZE=200000')
        code, lines = w.talk('RCPT TO:<carol@small.test>')
        expect(code == 552, f'larger than the whole quota, said at RCPT: {lines}')
        equal(w.talk('RCPT TO:<bob@demo.test>')[0], 250, 'others may have it')
        w.talk('RSET')
        text = b'Subject: some\r\n\r\n' + (b'x' * 70 + b'\r\n') * 1000
        equal(deliver(w, 'x@elsewhere.test', ['carol@small.test'], text), [250, 250, 250], 'the first')
        equal(deliver(w, 'x@elsewhere.test', ['carol@small.test'], text), [250, 250, 250], 'one message may overshoot')
        equal(deliver(w, 'x@elsewhere.test', ['carol@small.test'], text)[1], 452, 'then it is full')
        equal(deliver(w, 'x@elsewhere.test', ['carol@small.test', 'bob@demo.test'], text), [250, 452, 250, 250], 'others are not held up')
        d = p.pop3('carol@small.test')
        d.dele(1)
        d.dele(2)
        d.quit()
        equal(deliver(w, 'x@elsewhere.test', ['carol@small.test'], text), [250, 250, 250], 'room again')
        w.close()


def peak_kb(pid):
    return int(re.search(r'VmHWM:\s+(\d+) kB', open(f'/proc/{pid}/status').read()).group(1))


def test_large_message_in_little_memory():
    """50 MB, in and out, while no role grows by more than a few."""
    with Penny() as p:
        block = (b'0123456789' * 7 + b'\r\n') * 1000
        head = b'Subject: large\r\n\r\n'
        n = (52428800 - len(head)) // len(block)
        w = talk(p)
        equal(deliver(w, 'x@elsewhere.test', ['bob@demo.test'], head), [250, 250, 250], 'a small one')
        p.pop3().quit()
        roles = p.roles()
        before = {r: peak_kb(pid) for r, pid in roles.items()}
        equal([w.talk('MAIL FROM:<x@elsewhere.test>')[0], w.talk('RCPT TO:<bob@demo.test>')[0], w.talk('DATA')[0]], [250, 250, 354], 'envelope')
        w.send(head)
        for _ in range(n):
            w.send(block)
        w.send(b'.\r\n')
        equal(w.reply()[0], 250, f'{n * len(block)} octets')
        equal(w.talk('MAIL FROM:<x@elsewhere.test> SIZE=52428801')[0], 552, 'one octet more')
        w.close()
        d = p.pop3()
        d._putcmd('RETR 2')
        d._getresp()
        size, count = 0, 0
        while True:
            line = d.file.readline()
            if line == b'.\r\n':
                break
            size += len(line)
            count += line == b'0123456789' * 7 + b'\r\n'
        d.quit()
        equal(count, n * 1000, 'lines that came back')
        equal(p.roles(), roles, 'the same processes')
        for r, pid in roles.items():
            grown = peak_kb(pid) - before[r]
            expect(grown < 8192, f'{r} grew by {grown} kB')


# ---- the disk ----

INSIDE = 'PENNY_TEST_MOUNTS'


def in_own_mounts(name):
    """This test again in a mount namespace of its own, where a small file system is put over a directory: needs root."""
    if os.getuid() != 0:
        raise Failed('needs root, to mount a small file system')
    r = subprocess.run(['unshare', '-m', '--propagation', 'private', sys.executable, os.path.join(os.path.dirname(os.path.abspath(__file__)), 'run.py'), name],
                       capture_output=True, text=True, env=dict(os.environ, **{INSIDE: '1'}), timeout=300)
    if r.returncode != 0:
        raise Failed(r.stdout[-1500:] + r.stderr[-3000:])


def test_disk_full():
    """452 while the disk is full, nothing that was acknowledged is lost, and mail flows when there is room again."""
    if not os.environ.get(INSIDE):
        in_own_mounts('limits.disk_full')
        return
    p = Penny()
    os.makedirs(p.dir)
    run(['mount', '-t', 'tmpfs', '-o', 'size=48m,mode=755', 'tmpfs', p.dir])
    try:
        with p:
            block = (b'x' * 70 + b'\r\n') * 2000
            w = talk(p)
            good, codes = 0, []
            for i in range(1000):
                codes = deliver(w, 'x@elsewhere.test', ['bob@demo.test'], f'Subject: n{i}\r\n\r\n'.encode() + block)
                if codes[-1] != 250:
                    break
                good += 1
            expect(codes[-1] in (452, 451) or codes[1] in (451, 452), f'a full disk says: {codes}')
            expect(good > 50, f'there was room for some: {good}')
            codes = deliver(w, 'x@elsewhere.test', ['bob@demo.test'], b'Subject: again\r\n\r\n' + block)
            expect(codes[-1] in (451, 452, None), f'and again: {codes}')
            w.close()
            p.pop3().quit()
            equal([re.search(rb'^Subject: (\S+)', m, re.M).group(1).decode() for m in p.mailbox()], [f'n{i}' for i in range(good)], 'all that was acknowledged, in order, and no more')
            p.kill()
            p.start()
            equal(len(p.mailbox()), good, 'the same after kill -9 on a full disk')
            run(['mount', '-o', 'remount,size=256m', p.dir])

            def works():
                w = talk(p)
                ok = deliver(w, 'x@elsewhere.test', ['bob@demo.test'], b'Subject: after\r\n\r\n' + block)[-1] == 250
                w.close()
                return ok
            until(works, 30, 'mail flows again', 0.2)
            expect(b'Subject: after' in p.mailbox()[-1], 'and arrives')
            p.cmd('store', 'verify')
    finally:
        subprocess.run(['umount', '-l', p.dir])


def fill(p, n=20):
    w = talk(p)
    for i in range(n):
        equal(deliver(w, 'x@elsewhere.test', ['bob@demo.test'], f'Subject: n{i}\r\n\r\nhi\r\n'.encode())[-1], 250, 'delivered')
    w.close()


def test_torn_tail():
    with Penny() as p:
        fill(p)
        p.kill()
        log = sorted(glob.glob(p.dir + '/store/log/*'))[-1]
        data = open(log, 'rb').read()
        end = (len(data.rstrip(b'\0')) + 64 + 511) // 512 * 512 # a sector of its own: the last mark ends with zeros
        with open(log, 'r+b') as f: # a commit that did not reach the disk whole: half of it is rubbish
            f.seek(end)
            f.write(os.urandom(700))
        p.start()
        equal(len(p.mailbox()), 20, 'nothing acknowledged is missing behind a torn tail')
        fill(p, 2)
        equal(len(p.mailbox()), 22, 'and mail flows')
        p.cmd('store', 'verify')


def test_damaged_and_missing_index():
    with Penny() as p:
        fill(p)
        before = p.mailbox()
        for what in ('rubbish', 'short', 'missing', 'directory full of rubbish'):
            p.kill()
            for path in glob.glob(p.dir + '/store/index*'):
                size = os.path.getsize(path)
                if what == 'missing':
                    os.unlink(path)
                elif what == 'short':
                    os.truncate(path, size // 3)
                else:
                    with open(path, 'r+b') as f:
                        f.write(os.urandom(size))
            p.start()
            equal(p.mailbox(), before, f'index: {what}')
        p.stop()
        p.cmd('store', 'rebuild')
        p.start()
        equal(p.mailbox(), before, 'store rebuild')


def test_rot_in_the_middle():
    """An octet of a message's text turned over: that message is a clear error, the others are served, verify names it."""
    with Penny() as p:
        fill(p)
        w = talk(p)
        equal(deliver(w, 'x@elsewhere.test', ['bob@demo.test'], b'Subject: victim\r\n\r\n' + b'FINDME' * 10 + b'\r\n')[-1], 250, 'the victim')
        w.close()
        fill(p, 5)
        p.stop()
        log = [x for x in glob.glob(p.dir + '/store/log/*') if b'FINDME' in open(x, 'rb').read()][0]
        at = open(log, 'rb').read().index(b'FINDME')
        with open(log, 'r+b') as f:
            f.seek(at)
            f.write(b'LOSTIT')
        r = p.cmd('store', 'verify', check=False)
        expect(r.returncode != 0, f'verify finds it: {r.stdout}{r.stderr}')
        p.start()
        d = p.pop3()
        n = d.stat()[0]
        expect(n >= 20, f'the mailbox opens: {n}')
        read = bad = 0
        import poplib
        for i in range(n):
            try:
                expect(b'LOSTIT' not in b'\n'.join(d.retr(i + 1)[1]), 'rot is never shown as if it were the message')
                read += 1
            except poplib.error_proto as e:
                expect(b'[SYS/TEMP]' in e.args[0] and b'damaged' in e.args[0], f'a clear error: {e}')
                bad += 1
        d.quit()
        expect(bad == 1 and read == n - 1, f'{read} read, {bad} refused')
        fill(p, 1)
