# SPDX-License-Identifier: ISC
"""Mail between two servers: routes, TLS, retries, notifications."""
import email, email.policy, smtplib, socketserver, ssl, threading
from email.message import EmailMessage
from dns_server import NameServer
from harness import *


def pair(one='', two='', **more):
    """Two servers whose domains lead to each other by a route."""
    a = Penny(domain='one.test', hostname='mail.one.test', users=('alice@one.test',), config='')
    b = Penny(domain='two.test', hostname='mail.two.test', users=('bob@two.test', 'carol@two.test'), config='')
    a.configure(f'route to two.test via smtp://127.0.0.1:{b.port["smtp"]}\n' + one)
    b.configure(f'route to one.test via smtp://127.0.0.1:{a.port["smtp"]}\n' + two)
    return a, b


def submit(p, sender, rcpts, message):
    context = ssl._create_unverified_context()
    with smtplib.SMTP('127.0.0.1', p.port['submission'], timeout=30) as s:
        s.starttls(context=context)
        s.login(sender, PASSWORD)
        return s.sendmail(sender, rcpts, message)


def letter(subject='over the fence', size=1000, to='bob@two.test'):
    m = EmailMessage()
    m['From'], m['To'], m['Subject'] = 'alice@one.test', to, subject
    m.set_content('Hello Bob,\n\nhere it is.\n')
    m.add_attachment(os.urandom(size), maintype='application', subtype='octet-stream', filename='data.bin')
    return m


def mailbox(p, user):
    """All messages of a user, by POP3."""
    import poplib
    s = poplib.POP3_SSL('127.0.0.1', p.port['pop3s'], context=ssl._create_unverified_context(), timeout=30)
    try:
        s.user(user)
        s.pass_(PASSWORD)
        return [email.message_from_bytes(b'\r\n'.join(s.retr(i + 1)[1]) + b'\r\n', policy=email.policy.default) for i in range(s.stat()[0])]
    finally:
        s.quit()


def test_message_crosses():
    a, b = pair()
    with b, a:
        for size in (1000, 300000, 5000000):
            m = letter(f'size {size}', size)
            submit(a, 'alice@one.test', ['bob@two.test'], m.as_bytes(policy=email.policy.SMTP))
            until(lambda: any(x['Subject'] == f'size {size}' for x in mailbox(b, 'bob@two.test')), 20, f'{size} octets arrive', every=0.2)
            got = [x for x in mailbox(b, 'bob@two.test') if x['Subject'] == f'size {size}'][0]
            want = next(m.iter_attachments()).get_content()
            equal(next(got.iter_attachments()).get_content(), want, 'the attachment')
            expect('alice@one.test' in got['Return-Path'], 'who sent it')
            expect(any('TLS' in r for r in got.get_all('Received') if 'mail.two.test' in r), 'it came over TLS: ' + repr(got.get_all('Received')))
        until(lambda: a.cmd('queue', 'ls', '--json').stdout.strip() == '', 10, 'the queue is empty')


class Peer:
    """Another make of server on 127.0.0.1: takes what its words say. received: (sender, [rcpt], octets)."""
    def __init__(self, ehlo=('PIPELINING', 'SIZE 1000000'), room=1000, rcpts_max=1000, codes=None, delay=0, address=('127.0.0.1', 0)):
        self.ehlo, self.room, self.rcpts_max, self.codes, self.delay = ehlo, room, rcpts_max, codes or {}, delay
        self.received, self.open, self.connections, self.turned_away, self.most = [], 0, 0, 0, 0
        self.lock = threading.Lock()
        peer = self

        class Handler(socketserver.StreamRequestHandler):
            def say(self, line):
                self.wfile.write(line.encode() + b'\r\n')

            def handle(self):
                with peer.lock:
                    peer.connections += 1
                    full = peer.open >= peer.room
                    peer.turned_away += full
                    peer.open += not full
                    peer.most = max(peer.most, peer.open)
                if full:
                    self.say('421 4.7.0 too many connections')
                    return
                try:
                    self.talk()
                except OSError:
                    pass
                finally:
                    with peer.lock:
                        peer.open -= 1

            def talk(self):
                sender, rcpts = '', []
                if 'greeting' in peer.codes:
                    self.say(peer.codes['greeting'])
                    return
                self.say('220 peer.test ESMTP')
                while line := self.rfile.readline():
                    verb = line.split(b':')[0].strip().upper().decode()
                    arg = line.partition(b':')[2].strip().decode(errors='replace')
                    if verb.startswith('EHLO'):
                        words = ['peer.test'] + list(peer.ehlo)
                        for i, w in enumerate(words):
                            self.say(f'250{" " if i + 1 == len(words) else "-"}{w}')
                    elif verb == 'MAIL FROM':
                        sender, rcpts = arg, []
                        self.say(peer.codes.get('mail', '250 ok'))
                    elif verb == 'RCPT TO':
                        name = arg[1:].split('@')[0]
                        if len(rcpts) >= peer.rcpts_max:
                            self.say('452 4.5.3 too many recipients')
                        elif name in peer.codes:
                            self.say(peer.codes[name])
                        else:
                            rcpts.append(arg.split('>')[0][1:])
                            self.say('250 ok')
                    elif verb == 'DATA':
                        if not rcpts:
                            self.say('503 nobody')
                            continue
                        self.say('354 go on')
                        data = []
                        while (text := self.rfile.readline()) not in (b'.\r\n', b''):
                            data.append(text[1:] if text.startswith(b'.') else text)
                        time.sleep(peer.delay)
                        with peer.lock:
                            peer.received.append((sender, rcpts, b''.join(data)))
                        self.say(peer.codes.get('dot', '250 ok'))
                    elif verb == 'QUIT':
                        self.say('221 bye')
                        return
                    elif verb == 'RSET':
                        self.say('250 ok')
                    else:
                        self.say('500 what')

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = daemon_threads = True
            request_queue_size = 200

        self.server = Server(address, Handler)
        self.port = self.server.server_address[1]

    def __enter__(self):
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


def sender_to(peer, more=''):
    return Penny(domain='one.test', hostname='mail.one.test', users=('alice@one.test',), config=f'route to peer.test via 127.0.0.1:{peer.port}\n' + more)


def text(p, *args):
    return p.cmd(*args).stdout


def reports(p, user):
    """Delivery status notifications in a mailbox: (message, {recipient: fields})."""
    out = []
    for m in mailbox(p, user):
        if m.get_content_type() != 'multipart/report':
            continue
        parts = list(m.iter_parts())
        blocks = parts[1].get_payload()
        fields = {}
        for b in blocks[1:]:
            fields[b['Final-Recipient'].split(';')[1].strip()] = b
        out.append((m, fields))
    return out


def test_refused_recipient_is_reported():
    a, b = pair()
    with b, a:
        submit(a, 'alice@one.test', ['nobody@two.test', 'bob@two.test'], letter().as_bytes(policy=email.policy.SMTP))
        until(lambda: len(mailbox(b, 'bob@two.test')) == 1, 20, 'the other recipient has it', every=0.2)
        until(lambda: reports(a, 'alice@one.test'), 20, 'alice is told', every=0.2)
        m, fields = reports(a, 'alice@one.test')[0]
        equal(set(fields), {'nobody@two.test'}, 'whom it tells of')
        f = fields['nobody@two.test']
        equal(f['Action'], 'failed', 'action')
        equal(f['Status'], '5.1.1', 'status')
        expect('550' in f['Diagnostic-Code'] and 'nobody@two.test' in f['Diagnostic-Code'], f['Diagnostic-Code'])
        expect('mail.two.test' in f['Remote-MTA'] or '127.0.0.1' in f['Remote-MTA'], f['Remote-MTA'])


def test_receiver_down_then_up():
    a, b = pair(one='retry-first 1s\n')
    with a:
        submit(a, 'alice@one.test', ['bob@two.test'], letter().as_bytes(policy=email.policy.SMTP))
        until(lambda: 'queue.deferred' in a.log_text(), 20, 'an attempt')
        expect('bob@two.test' in text(a, 'queue', 'ls', '--json'), 'it is in the queue')
        with b:
            def arrived():
                a.cmd('queue', 'retry', '--all', '-y', check=False)
                return len(mailbox(b, 'bob@two.test')) == 1
            until(arrived, 30, 'it arrives', every=0.5)
            until(lambda: text(a, 'queue', 'ls', '--json').strip() == '', 10, 'the queue is empty')


def test_restart_of_the_relay_loses_nothing():
    a, b = pair(one='retry-first 1s\n')
    with b, a:
        sent = 0
        for i in range(40):
            submit(a, 'alice@one.test', ['bob@two.test'], letter(f'n{i}', 20000).as_bytes(policy=email.policy.SMTP))
            sent += 1
            if i % 10 == 5:
                os.kill(until(lambda: a.roles().get('relay'), 10, 'the relay is back'), signal.SIGKILL)
        until(lambda: {x['Subject'] for x in mailbox(b, 'bob@two.test')} == {f'n{i}' for i in range(40)}, 60, 'all arrive', every=1)


ZONES = {
    'test': '',
    'two.test': '@ MX 5 dead\n@ MX 10 mx\ndead A 127.0.0.3\nmx A 127.0.0.2\n',
    'null.test': '@ MX 0 .\n',
    'nowhere.test': '@ TXT "no hosts at all"\n',
    'late.test': '@ MX 5 dead\ndead A 127.0.0.3\n',
}


def test_a_list_with_every_outcome():
    b = Penny(domain='two.test', hostname='mx.two.test', users=('bob@two.test', 'carol@two.test'))
    b.configure(f'listen smtp 127.0.0.2:{b.port["smtp"]}\ndomain full.test\n')
    with NameServer(ZONES) as dns, b:
        a = Penny(domain='one.test', hostname='mail.one.test', users=('alice@one.test', 'dora@one.test'),
                  config=f'dns server {dns.address}\ndns validation off\nmx-port {b.port["smtp"]}\nmx-private on\n')
        with a:
            rcpts = ['dora@one.test', 'bob@two.test', 'carol@two.test', 'nobody@two.test', 'x@null.test', 'x@nothing.test', 'x@nowhere.test', 'x@late.test']
            submit(a, 'alice@one.test', rcpts, letter().as_bytes(policy=email.policy.SMTP))
            for server, user in ((a, 'dora@one.test'), (b, 'bob@two.test'), (b, 'carol@two.test')):
                until(lambda: len(mailbox(server, user)) == 1, 20, f'{user} has it', every=0.2)

            def told():
                got = {}
                for m, fields in reports(a, 'alice@one.test'):
                    got.update({k: (v['Action'], v['Status']) for k, v in fields.items()})
                return got if len(got) == 4 else None
            equal(until(told, 20, 'alice is told of four', every=0.2), {
                'nobody@two.test': ('failed', '5.1.1'), 'x@null.test': ('failed', '5.1.10'), 'x@nothing.test': ('failed', '5.1.2'), 'x@nowhere.test': ('failed', '5.4.4'),
            }, 'what she is told')
            rest = text(a, 'queue', 'ls', '--json')
            expect('x@late.test' in rest and rest.count('\n') == 1, 'one waits: ' + rest)
            equal(len(mailbox(b, 'bob@two.test')), 1, 'once only')


def test_less_is_sent_to_a_peer_that_takes_less():
    body = 'Subject: umlauts\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\nGr\u00fc\u00dfe\r\n' + 'z\u00e4hlt ' * 20000 + '\r\n'
    with Peer() as peer, sender_to(peer) as a:
        with smtplib.SMTP('127.0.0.1', a.port['submission'], timeout=30) as s:
            s.starttls(context=ssl._create_unverified_context())
            s.login('alice@one.test', PASSWORD)
            s.sendmail('alice@one.test', ['x@peer.test'], body.replace('z\u00e4hlt ', 'z\u00e4hlt\r\n').encode(), mail_options=['BODY=8BITMIME'])
        until(lambda: peer.received, 20, 'it arrives')
        data = peer.received[0][2]
        expect(all(c < 128 for c in data), 'seven bits only')
        got = email.message_from_bytes(data, policy=email.policy.default)
        expect(got.get_content().startswith('Gr\u00fc\u00dfe') and got.get_content().count('z\u00e4hlt') == 20000, 'the same text')
        # Too large for the peer, which says so in EHLO: it is not even asked.
        submit(a, 'alice@one.test', ['big@peer.test'], letter(size=1500000).as_bytes(policy=email.policy.SMTP))
        until(lambda: reports(a, 'alice@one.test'), 20, 'alice is told', every=0.2)
        equal(reports(a, 'alice@one.test')[0][1]['big@peer.test']['Status'], '5.3.4', 'too large')


def test_too_many_recipients_go_in_several_transactions():
    with Peer(rcpts_max=3, codes={'u7': '550 5.1.1 no u7'}) as peer, sender_to(peer) as a:
        submit(a, 'alice@one.test', [f'u{i}@peer.test' for i in range(10)], letter().as_bytes(policy=email.policy.SMTP))
        until(lambda: sum(len(r[1]) for r in peer.received) == 9, 20, 'all nine have it')
        equal(sorted(x for r in peer.received for x in r[1]), sorted(f'u{i}@peer.test' for i in range(10) if i != 7), 'each once')
        until(lambda: reports(a, 'alice@one.test'), 20, 'alice is told of u7', every=0.2)


def test_a_peer_with_room_for_five():
    n = 400
    with Peer(room=5, delay=0.01) as peer, sender_to(peer) as a:
        def some(k):
            with smtplib.SMTP('127.0.0.1', a.port['submission'], timeout=30) as s:
                s.starttls(context=ssl._create_unverified_context())
                s.login('alice@one.test', PASSWORD)
                for i in range(n // 4):
                    s.sendmail('alice@one.test', [f'u{k}-{i}@peer.test'], letter(size=100).as_bytes(policy=email.policy.SMTP))
        threads = [threading.Thread(target=some, args=(k,)) for k in range(4)]
        [t.start() for t in threads]
        [t.join() for t in threads]
        until(lambda: len(peer.received) >= n, 60, 'all arrive')
        equal(len({r[1][0] for r in peer.received}), n, 'each once')
        equal(a.log_text().count('queue.deferred'), 0, 'nothing was deferred')
        expect(peer.turned_away < n // 100 + 2, f'{peer.turned_away} connections too many')


def test_a_message_that_is_never_answered_well():
    with Peer(codes={'dot': '451 4.3.0 not today'}) as peer, sender_to(peer) as a:
        submit(a, 'alice@one.test', ['x@peer.test'], letter().as_bytes(policy=email.policy.SMTP))
        until(lambda: 'queue.deferred' in a.log_text(), 20, 'an attempt')
        expect('not today' in text(a, 'queue', 'ls', '--json'), 'the reply is in the queue')
        peer.codes = {'dot': '554 5.6.0 never'}
        a.cmd('queue', 'retry', '--all', '-y')
        until(lambda: reports(a, 'alice@one.test'), 20, 'alice is told', every=0.2)
        equal(reports(a, 'alice@one.test')[0][1]['x@peer.test']['Status'], '5.6.0', 'in its words')
    with Peer(codes={'greeting': '554 5.3.2 no mail here'}) as peer, sender_to(peer) as a:
        submit(a, 'alice@one.test', ['x@peer.test'], letter().as_bytes(policy=email.policy.SMTP))
        until(lambda: reports(a, 'alice@one.test'), 20, 'alice is told', every=0.2)


def test_relay_for_a_network_and_a_domain():
    """Clients of a network send without a login; mail for a domain that this is a backup of is taken from anybody and carried on."""
    with Peer(ehlo=('PIPELINING', '8BITMIME')) as peer:
        a = Penny(domain='one.test', hostname='mail.one.test', users=('alice@one.test',),
                  config=f'relay for 127.0.0.2 backup.test\nroute to * via 127.0.0.1:{peer.port}\n')
        with a:
            for source, rcpt, code in (('127.0.0.2', 'x@peer.test', 250), ('127.0.0.1', 'x@peer.test', 550), ('127.0.0.1', 'y@backup.test', 250), ('127.0.0.1', 'alice@one.test', 250)):
                with smtplib.SMTP('127.0.0.1', a.port['smtp'], timeout=30, source_address=(source, 0)) as s:
                    s.ehlo('client.test')
                    s.mail('z@elsewhere.test')
                    equal(s.rcpt(rcpt)[0], code, f'{rcpt} from {source}')
                    if code == 250:
                        equal(s.data(b'Subject: hi\r\n\r\nhi\r\n')[0], 250, 'taken')
            until(lambda: len(peer.received) == 2, 20, 'both went on')
            equal(sorted(r[1][0] for r in peer.received), ['x@peer.test', 'y@backup.test'], 'whose')


def test_smart_host_with_a_login():
    """A password stands in a file of its own, which only the master reads; without a certificate that can be proved it is not sent."""
    b = Penny(domain='two.test', hostname='mail.two.test', users=('bob@two.test',))
    with b:
        a = Penny(domain='one.test', hostname='mail.one.test', users=('alice@one.test',))
        with open(os.path.join(a.top, 'secret'), 'w') as f:
            f.write(PASSWORD + '\n')
        a.configure(f'route to * via submission://bob@two.test@localhost:{b.port["submission"]} secret file:secret\n')
        with a:
            submit(a, 'alice@one.test', ['bob@two.test'], letter().as_bytes(policy=email.policy.SMTP))
            until(lambda: 'queue.deferred' in a.log_text(), 20, 'an attempt')
            expect('queue.deferred' in a.log_text(), 'not sent')
            expect('login' not in b.log_text(), 'the password was not shown')
