# SPDX-License-Identifier: ISC
"""The queue in an operator's hands, and over the deaths of those who work on it."""
import json
from harness import *
from test_transfer import Peer, children, email, letter, reports, sender_to, submit, text


def queued(a, *args):
    return [json.loads(line) for line in text(a, 'queue', 'ls', '--json', *args).splitlines()]


def put(a, rcpt, subject='over the fence'):
    submit(a, 'alice@one.test', [rcpt], letter(subject).as_bytes(policy=email.policy.SMTP))


def test_operator():
    with Peer(codes={'dot': '451 4.3.2 not today, <sorry>'}) as peer, sender_to(peer) as a:
        put(a, 'x@peer.test')
        put(a, 'y@peer.test')
        until(lambda: [q['attempts'] for q in queued(a)] == [1, 1], 20, 'both were tried')
        x = queued(a, '--to', 'x@peer.test')[0]
        equal((x['state'], x['last_reply'], x['code'], x['status']), ('waiting', '451 4.3.2 not today, <sorry>', 451, '4.3.2'), 'what it shows')
        why = text(a, 'queue', 'why', x['id'])
        for word in ('451 4.3.2 not today, <sorry>', "the recipient's system takes no mail at the moment", 'in 5 min', 'x@peer.test', '127.0.0.1'):
            expect(word in why or word == 'in 5 min' and 'in ' in why, f'queue why says {word}: {why}')
        trace = text(a, 'trace', x['id'])
        expect('deferred' in trace and '451 4.3.2 not today, <sorry>' in trace, 'trace has the words of the remote host: ' + trace)
        a.cmd('queue', 'hold', x['id'])
        equal([q['state'] for q in queued(a, '--to', 'x@peer.test')], ['held'], 'held')
        peer.codes = {}
        a.cmd('queue', 'retry', '--all', '-y')
        until(lambda: len(queued(a)) == 1, 20, 'the other one goes')
        equal([r[1] for r in peer.received if r[1]][-1], ['y@peer.test'], 'which')
        equal(queued(a)[0]['state'], 'held', 'a retry is no release')
        a.cmd('queue', 'release', x['id'])
        until(lambda: not queued(a), 20, 'released')
        trace = text(a, 'trace', x['id'])
        expect('sent' in trace and '250 ok' in trace, 'the end of its life: ' + trace)


def test_another_way():
    with Peer(codes={'greeting': '421 4.3.2 full'}) as peer, Peer() as other, sender_to(peer, f'route to other.test via 127.0.0.1:{other.port}\n') as a:
        put(a, 'x@peer.test')
        until(lambda: 'queue.' in a.log_text() or queued(a)[0]['state'] != 'new', 20, 'it was tried')
        r = a.cmd('queue', 'route', '--all', check=False)
        equal(r.returncode, 64, 'where to?')
        r = a.cmd('queue', 'route', '--all', '--via', 'gopher://hole', check=False)
        equal(r.returncode, 64, 'not a way')
        r = a.cmd('queue', 'route', '--all', '--via', 'smtp://127.0.0.1:9', check=False)
        equal(r.returncode, 64, 'a port that the relay may not connect to')
        a.cmd('queue', 'route', '--domain', 'PEER.test', '--via', f'smtp://127.0.0.1:{other.port}')
        until(lambda: not queued(a), 20, 'it goes the other way')
        equal(len(other.received), 1, 'there')


def test_bounce_and_drop():
    with Peer(codes={'dot': '450 4.2.1 the mailbox is closed just now'}) as peer, sender_to(peer) as a:
        for rcpt in ('x@peer.test', 'y@peer.test'):
            put(a, rcpt)
        until(lambda: [q['attempts'] for q in queued(a)] == [1, 1], 20, 'both were tried')
        r = a.cmd('queue', 'drop', '--to', 'x@peer.test', check=False)
        equal(r.returncode, 77, 'without a terminal and -y nothing goes')
        equal(len(queued(a)), 2, 'both are there')
        equal(a.cmd('queue', 'drop', check=False).returncode, 64, 'which?')
        a.cmd('queue', 'drop', '--to', 'x@peer.test', '-y')
        equal([q['to'] for q in queued(a)], ['y@peer.test'], 'one is left')
        a.cmd('queue', 'bounce', '--older', '1ms', '-y')
        until(lambda: reports(a, 'alice@one.test'), 20, 'alice is told', every=0.2)
        m, fields = reports(a, 'alice@one.test')[0]
        equal(set(fields), {'y@peer.test'}, 'of the one that was given back')
        expect('the mailbox is closed just now' in fields['y@peer.test']['Diagnostic-Code'], 'with the last reply')
        equal(queued(a), [], 'nothing waits')
        shape = text(a, 'queue', 'shape', '--json')
        equal(shape, '', 'no shape')


def test_shape_and_without_a_server():
    with Peer(codes={'dot': '450 no'}) as peer, sender_to(peer) as a:
        for i in range(5):
            put(a, f'u{i}@peer.test')
        shape = json.loads(text(a, 'queue', 'shape', '--json'))
        equal((shape['domain'], shape['entries'], shape['last_hour']), ('peer.test', 5, 5), 'shape')
        until(lambda: [q['attempts'] for q in queued(a)] == [1] * 5, 20, 'all were tried')
        a.stop()
        equal(len(queued(a)), 5, 'the queue without a server')
        a.cmd('queue', 'hold', '--domain', 'peer.test')
        a.cmd('queue', 'release', '--to', 'u3@peer.test')
        peer.codes = {}
        a.start()
        until(lambda: len(queued(a)) == 4, 20, 'the released one goes')
        equal([r[1] for r in peer.received][-1], ['u3@peer.test'], 'which')
        a.cmd('queue', 'release', '--all')
        until(lambda: not queued(a), 20, 'the rest')


def test_kills_lose_nothing():
    """The store, the relay, and the whole server die while messages are on their way; what was tried later arrives, and only what was in flight may come twice."""
    with Peer(delay=0.02) as peer, sender_to(peer, 'retry-first 1s\n') as a:
        for i in range(60):
            put(a, 'x@peer.test', f'n{i}')
            if i in (15, 30):
                word = b'relay' if i == 15 else b'store'
                pids = [p for p in children(a.process.pid) if word in open(f'/proc/{p}/cmdline', 'rb').read()]
                os.kill(pids[0], signal.SIGKILL)
                until(lambda: not alive(pids[0]), 10, 'it is dead')
                time.sleep(1)
            if i == 45:
                a.kill()
                a.start()

        def subjects():
            return [line for r in list(peer.received) for line in r[2].decode().splitlines() if line.startswith('Subject: n')]
        until(lambda: len(set(subjects())) == 60, 60, 'all arrive', every=0.5)
        until(lambda: not queued(a), 30, 'the queue is empty', every=0.5)
        expect(len(subjects()) <= 60 + 3 * 20, f'{len(subjects())} copies of 60')
