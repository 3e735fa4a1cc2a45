# SPDX-License-Identifier: ISC
"""Mail between two servers: routes, TLS, retries, notifications."""
import email, email.policy, smtplib, ssl
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
        until(lambda: 'relay.result' in a.log_text(), 20, 'an attempt')
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
                pids = [p for p in children(a.process.pid) if b'relay' in open(f'/proc/{p}/cmdline', 'rb').read()]
                os.kill(pids[0], signal.SIGKILL)
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
