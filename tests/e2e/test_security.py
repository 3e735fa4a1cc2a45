# SPDX-License-Identifier: ISC
"""Transport security: DANE against a real name server that signs its zones, and what the configuration demands."""
import email, email.policy, hashlib, json
from dns_server import NameServer
from harness import *
from test_transfer import Peer, letter, mailbox, reports, submit

WRONG = '3 1 1 ' + '0123456789abcdef' * 4


def receiver(domains, more=''):
    """A server on 127.0.0.2, at the port that becomes mx-port, with bob in each domain."""
    b = Penny(domain=domains[0], hostname='mx.' + domains[0], users=tuple('bob@' + d for d in domains))
    b.base += ''.join(f'domain {d}\n' for d in domains[1:]) + f'listen smtp 127.0.0.2:{b.port["smtp"]}\n'
    b.configure(more)
    return b


def sender(dns, port, more=''):
    return Penny(domain='one.test', hostname='mail.one.test', users=('alice@one.test',),
                 config=f'dns server {dns.address}\ndns anchor {dns.anchors}\nmx-port {port}\nmx-private on\n{more}')


def key_hash(p):
    """The key of its certificate, for TLSA 3 1 1."""
    pem = ssl.get_server_certificate(('127.0.0.1', p.port['pop3s']))
    key = run(['openssl', 'x509', '-pubkey', '-noout'], input=pem).stdout
    der = subprocess.run(['openssl', 'pkey', '-pubin', '-outform', 'DER'], input=key.encode(), capture_output=True, check=True).stdout
    return hashlib.sha256(der).hexdigest()


def octets(m):
    return m.as_bytes(policy=email.policy.SMTP)


def queue(p):
    return [json.loads(line) for line in p.cmd('queue', 'ls', '--json').stdout.splitlines()]


def waits(p, rcpt, *words):
    """rcpt has been tried and is kept; queue why says why."""
    until(lambda: any(e['to'] == rcpt and e['attempts'] for e in queue(p)), 20, f'{rcpt} was tried')
    said = why(p, rcpt)
    for w in words:
        expect(w in said, f'queue why {rcpt} says {w!r}: {said}')


def why(p, rcpt):
    return ''.join(p.cmd('queue', 'why', e['id']).stdout for e in queue(p) if e['to'] == rcpt)


def counter(p, name):
    s = socket.socket(socket.AF_UNIX)
    s.connect(p.dir + '/run/metrics')
    s.sendall(b'GET /metrics HTTP/1.0\r\n\r\n')
    text = b''.join(iter(lambda: s.recv(65536), b'')).decode()
    s.close()
    m = re.search(rf'^penny_{name}_total(?:\{{[^}}]*\}})? (\d+)$', text, re.M)
    return int(m.group(1)) if m else 0


def test_dane():
    domains = ('good.test', 'wrong.test', 'odd.test', 'second.test', 'plain.test', 'alias.test')
    with receiver(domains) as b:
        port, good = b.port['smtp'], '3 1 1 ' + key_hash(b)
        at = f'_{port}._tcp'
        zones = {
            'test': '',
            'good.test': f'@ MX 10 mx\nmx A 127.0.0.2\n{at}.mx TLSA {good}\n{at}.mx TLSA {WRONG}\n',
            'wrong.test': f'@ MX 10 mx\nmx A 127.0.0.2\n{at}.mx TLSA {WRONG}\n',
            'odd.test': f'@ MX 10 mx\nmx A 127.0.0.2\n{at}.mx TLSA 1 1 1 {"00" * 32}\n{at}.mx TLSA 3 1 9 {"00" * 32}\n',
            'second.test': f'@ MX 10 mx1\n@ MX 20 mx2\nmx1 A 127.0.0.2\nmx2 A 127.0.0.2\n{at}.mx1 TLSA {WRONG}\n{at}.mx2 TLSA {good}\n',
            'plain.test': f'@ MX 10 mx\nmx A 127.0.0.2\n{at}.mx TLSA {WRONG}\n', # not signed: it means nothing
            'alias.test': f'@ MX 10 mx\nmx CNAME mx.good.test.\n',
            'bare.test': f'@ MX 10 mx\nmx A 127.0.0.3\n{at}.mx TLSA {good}\n',
        }
        with NameServer(zones, signed=set(zones) - {'plain.test'}) as dns, Peer(address=('127.0.0.3', port)) as bare, sender(dns, port) as a:
            for d in ('good.test', 'odd.test', 'second.test', 'plain.test', 'alias.test'):
                submit(a, 'alice@one.test', ['bob@' + d], octets(letter(d, to='bob@' + d)))
                until(lambda: mailbox(b, 'bob@' + d), 20, f'it arrives at {d}', every=0.1)
            traced = a.cmd('trace', 'bob@good.test').stdout
            expect('verified by DANE' in traced, 'trace says how sure it was: ' + traced)
            submit(a, 'alice@one.test', ['bob@wrong.test'], octets(letter()))
            waits(a, 'bob@wrong.test', 'TLSA', 'mx.wrong.test', 'not as well protected')
            submit(a, 'alice@one.test', ['bob@bare.test'], octets(letter()))
            waits(a, 'bob@bare.test', 'STARTTLS')
            equal([bare.received, mailbox(b, 'bob@wrong.test')], [[], []], 'nothing leaves in clear, nothing goes to a stranger')
            # What the record says is made right: the next attempt arrives.
            dns.change('wrong.test', f'@ MX 10 mx\nmx A 127.0.0.2\n{at}.mx TLSA {good}\n')

            def arrived():
                a.cmd('queue', 'retry', '--domain', 'wrong.test', '-y', check=False)
                return mailbox(b, 'bob@wrong.test')
            until(arrived, 30, 'it arrives after all', every=0.5)
            equal([e['to'] for e in queue(a)], ['bob@bare.test'], 'only the bare one waits')


def test_words_of_the_configuration():
    domains = ('a.test', 'b.test', 'c.test')
    with receiver(domains) as b:
        port, good = b.port['smtp'], '3 1 1 ' + key_hash(b)
        at = f'_{port}._tcp'
        zones = {
            'test': '',
            'a.test': f'@ MX 10 mx\nmx A 127.0.0.2\n{at}.mx TLSA {good}\n',
            'b.test': '@ MX 10 mx\nmx A 127.0.0.2\n',
            'c.test': f'@ MX 10 mx\nmx A 127.0.0.2\n{at}.mx TLSA {WRONG}\n',
            'bare.test': '@ MX 10 mx\nmx A 127.0.0.3\n',
        }
        words = 'tls-policy a.test b.test dane\ntls-policy c.test opportunistic\ntls-policy bare.test required\n'
        with NameServer(zones, signed=zones) as dns, Peer(address=('127.0.0.3', port)) as bare, sender(dns, port, words) as a:
            submit(a, 'alice@one.test', ['bob@a.test', 'bob@b.test', 'bob@c.test', 'x@bare.test'], octets(letter()))
            for d in ('a.test', 'c.test'):
                until(lambda: mailbox(b, 'bob@' + d), 20, f'it arrives at {d}', every=0.1)
            waits(a, 'bob@b.test', 'tls-policy demands DANE')
            waits(a, 'x@bare.test', 'STARTTLS')
            a.configure(f'dns server {dns.address}\ndns anchor {dns.anchors}\nmx-port {port}\nmx-private on\ntls-policy b.test verify\ntls-policy bare.test never\n')
            a.cmd('reload')
            a.cmd('queue', 'retry', '--all', '-y')
            until(lambda: bare.received, 20, 'without TLS', every=0.1)
            until(lambda: 'self-signed' in why(a, 'bob@b.test'), 20, 'no authority vouches for it', every=0.2)
            equal(mailbox(b, 'bob@b.test'), [], 'so nothing went there')


def test_tls_sessions_are_resumed():
    with receiver(('two.test',)) as b:
        port = b.port['smtp']
        zones = {'test': '', 'two.test': f'@ MX 10 mx\nmx A 127.0.0.2\n_{port}._tcp.mx TLSA 3 1 1 {key_hash(b)}\n'}
        with NameServer(zones, signed=zones) as dns, sender(dns, port) as a:
            for n in range(2):
                submit(a, 'alice@one.test', ['bob@two.test'], octets(letter(f'n{n}')))
                until(lambda: len(mailbox(b, 'bob@two.test')) == n + 1, 20, 'it arrives', every=0.1)
                until(lambda: counter(a, 'relay_tls_sessions') == 1, 20, 'one whole hand-shake')
                until(lambda: '127.0.0.2:' + format(port) not in connections(port), 20, 'the connection is closed', every=0.2)
            until(lambda: counter(a, 'relay_tls_resumed') == 1, 20, 'and one that was resumed')
            expect('verified by DANE' in a.cmd('trace', 'bob@two.test').stdout, 'which is as sure')


def connections(port):
    """Established ones to that port, as text."""
    out = []
    for line in open('/proc/net/tcp').read().splitlines()[1:]:
        w = line.split()
        if w[3] == '01':
            host, p = w[2].split(':')
            out.append('.'.join(str(x) for x in bytes.fromhex(host)[::-1]) + ':' + str(int(p, 16)))
    return out
