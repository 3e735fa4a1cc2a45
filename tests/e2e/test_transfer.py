# SPDX-License-Identifier: ISC
"""Mail between two servers: routes, TLS, retries, notifications."""
import email, email.policy, smtplib, ssl
from email.message import EmailMessage
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
