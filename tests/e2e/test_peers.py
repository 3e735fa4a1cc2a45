# SPDX-License-Identifier: ISC
"""Other makes of server, both ways: Postfix, Exim and OpenSMTPD as receiver of what penny sends and as sender of what it takes; STARTTLS, PIPELINING, CHUNKING, DSN, SMTPUTF8 where they have them."""
import email, email.policy, smtplib, ssl
from email.message import EmailMessage
import media
from harness import *
from peers import Exim, OpenSmtpd, PostfixMta
from test_transfer import reports

UTF8 = email.policy.SMTP.clone(utf8=True)


def letter(subject, sender, to, octets=0):
    """Text in two languages, a picture, and as many octets more."""
    m = EmailMessage()
    m['From'], m['To'], m['Subject'] = sender, to, subject
    m.set_content('Grüße aus Köln.\n.a line with a dot\n' + 'x' * 900 + '\n', cte='8bit')
    m.add_attachment(media.picture(), maintype='image', subtype='png', filename='Bild – schöne Grüße.png')
    if octets:
        m.add_attachment(os.urandom(octets), maintype='application', subtype='octet-stream', filename='data.bin')
    return m


def content(m):
    """What a reader gets: the text and each attachment, decoded."""
    return m.get_body().get_content(), {a.get_filename(): a.get_payload(decode=True) for a in m.iter_attachments()}


def same(got, want, what):
    """The same to a reader, whatever was re-encoded on the way."""
    got, want = content(got), content(email.message_from_bytes(want.as_bytes(policy=email.policy.SMTP), policy=email.policy.default))
    equal(got[0].replace('\r\n', '\n').rstrip('\n'), want[0].replace('\r\n', '\n').rstrip('\n'), f'{what}: the text')
    expect(got[1] == want[1], f'{what}: attachments {[(k, len(v)) for k, v in got[1].items()]}')


def submit(p, sender, rcpts, m, mail_options=('BODY=8BITMIME',), rcpt_options=(), policy=email.policy.SMTP):
    with smtplib.SMTP('127.0.0.1', p.port['submission'], timeout=60, local_hostname='client.test') as s:
        s.starttls(context=ssl._create_unverified_context())
        s.login('alice@one.test', PASSWORD)
        return s.sendmail(sender, rcpts, m.as_bytes(policy=policy), mail_options, rcpt_options)


@contextlib.contextmanager
def world(make, users=('bob', 'carol', 'jürgen')):
    """penny for one.test and another MTA for peer.test; each has the way to the other in its configuration."""
    peer_port = free_port()
    p = Penny(domain='one.test', hostname='mail.one.test', users=('alice@one.test', 'dora@one.test', 'jörg@one.test'), config=f'route to peer.test via 127.0.0.1:{peer_port}\n')
    with make(peer_port, 'peer.test', users, {'one.test': p.port['smtp']}) as peer, p:
        try:
            yield p, peer
        except BaseException:
            sys.stderr.write(f'--- the peer\'s log\n{peer.log()[-3000:]}\n')
            raise


def arrived(fetch, subject, what):
    return until(lambda: [m for m in fetch() if m['Subject'] == subject], 60, what, every=0.2)[0]


def inbox(p, user):
    return [email.message_from_bytes(m, policy=email.policy.default) for m in p.mailbox(user)]


def nothing_waits(p):
    until(lambda: not p.cmd('queue', 'ls', '--json').stdout.strip(), 30, 'the queue is empty')


def told(p, user, action):
    """The fields by recipient of a notice of such an action, in a mailbox of ours."""
    def look():
        return [fields for _, fields in reports(p, user) if any(f['Action'] == action for f in fields.values())]
    return until(look, 60, f'{user} is told: {action}', every=0.2)[0]


def we_send(p, peer, tls):
    for octets in (0, 3000000):
        m = letter(f'{octets} octets more', 'alice@one.test', 'bob@peer.test', octets)
        submit(p, 'alice@one.test', ['bob@peer.test', 'carol@peer.test'], m)
        for user in ('bob', 'carol'):
            same(arrived(lambda: peer.mailbox(user), m['Subject'], f'{user} has it'), m, user)
    nothing_waits(p)
    trace = p.cmd('trace', 'bob@peer.test').stdout
    expect('sent' in trace and ('(TLSv1.3' in trace) == tls, f'{"over TLS" if tls else "in the clear"}: {trace}')


def we_are_refused(p, peer):
    """One recipient of two is refused: the other has it, the sender is told in the words of the peer."""
    submit(p, 'alice@one.test', ['nobody@peer.test', 'bob@peer.test'], letter('one of two', 'alice@one.test', 'bob@peer.test'))
    arrived(lambda: peer.mailbox('bob'), 'one of two', 'bob has it')
    fields = told(p, 'alice@one.test', 'failed')
    equal(list(fields), ['nobody@peer.test'], 'whom the notice tells of')
    f = fields['nobody@peer.test']
    expect(f['Status'].startswith('5.') and re.match(r'smtp; *55\d', f['Diagnostic-Code']) and '127.0.0.1' in f['Remote-MTA'], f.as_string())
    nothing_waits(p)


def we_ask_for_a_receipt(p, peer, user='bob'):
    """NOTIFY, RET, ENVID and ORCPT go through to a peer with DSN, and what it reports finds its way back."""
    submit(p, 'alice@one.test', [f'{user}@peer.test'], letter('with a receipt', 'alice@one.test', 'bob@peer.test'), ('BODY=8BITMIME', 'RET=HDRS', 'ENVID=receipt-1'),
           ('NOTIFY=SUCCESS,FAILURE', 'ORCPT=rfc822;first@elsewhere.test'))
    arrived(lambda: peer.mailbox(user), 'with a receipt', 'bob has it')
    m = until(lambda: [x for x in inbox(p, 'alice@one.test') if x.get_content_type() == 'multipart/report' and 'with a receipt' in x.as_string()], 60, 'the receipt comes back', every=0.2)[0]
    status = next(x for x in m.walk() if x.get_content_type() == 'message/delivery-status').as_string()
    expect('receipt-1' in status and 'first@elsewhere.test' in status and re.search(r'^Action: (delivered|relayed)', status, re.M | re.I), f'what it says: {status}')


def we_send_utf8(p, peer):
    """From and to addresses beyond ASCII; python's smtplib cannot log in as jörg, penny send can."""
    path = os.path.join(p.top, 'Zeichnung für Jürgen.png')
    with open(path, 'wb') as f:
        f.write(media.picture())
    p.cmd('send', '--as', 'jörg@one.test', '-s', 'Grüße', '-a', path, 'jürgen@peer.test', input='Schöne Grüße\n')
    got = arrived(lambda: peer.mailbox('jürgen'), 'Grüße', 'jürgen has it')
    text, files = content(got)
    expect(text.strip() == 'Schöne Grüße' and files == {os.path.basename(path): open(path, 'rb').read()}, f'what jürgen has: {text} {list(files)}')
    expect('jörg@one.test' in got['From'], f'from whom: {got["From"]}')
    nothing_waits(p)


def they_send(p, peer):
    for octets in (0, 3000000):
        m = letter(f'{octets} octets from there', 'bob@peer.test', 'alice@one.test', octets)
        peer.submit('bob@peer.test', ['alice@one.test', 'dora@one.test'], m.as_bytes(policy=email.policy.SMTP), ['BODY=8BITMIME'])
        for user in ('alice@one.test', 'dora@one.test'):
            got = arrived(lambda: inbox(p, user), m['Subject'], f'{user} has it')
            same(got, m, user)
            equal(got['Return-Path'], '<bob@peer.test>', 'from whom')
            expect(re.search(r'by mail\.one\.test with ESMTPS\s', got['Received']), f'how it came: {got["Received"]}')


def they_are_refused(p, peer):
    peer.submit('bob@peer.test', ['nobody@one.test', 'dora@one.test'], letter('one of two', 'bob@peer.test', 'dora@one.test').as_bytes(policy=email.policy.SMTP), ['BODY=8BITMIME'])
    arrived(lambda: inbox(p, 'dora@one.test'), 'one of two', 'dora has it')
    m = until(lambda: [x for x in peer.mailbox('bob') if 'nobody@one.test' in x.as_string() and x['Return-Path'] in ('<>', None) and 'one of two' not in str(x['Subject'])], 60, 'bob is told', every=0.2)[0]
    expect('5.1.1' in m.as_string() or '550' in m.as_string(), f'in our words: {m.as_string()[:2000]}')


def they_ask_for_a_receipt(p, peer):
    """We keep DSN: the receipt for what their user sent comes from us."""
    peer.submit('bob@peer.test', ['alice@one.test'], letter('their receipt', 'bob@peer.test', 'alice@one.test').as_bytes(policy=email.policy.SMTP), ['BODY=8BITMIME', 'ENVID=theirs-7'], ['NOTIFY=SUCCESS'])
    arrived(lambda: inbox(p, 'alice@one.test'), 'their receipt', 'alice has it')
    m = until(lambda: [x for x in peer.mailbox('bob') if x.get_content_type() == 'multipart/report' and 'theirs-7' in x.as_string()], 60, 'the receipt is there', every=0.2)[0]
    status = next(x for x in m.walk() if x.get_content_type() == 'message/delivery-status').as_string()
    expect('mail.one.test' in status and re.search(r'^Action: delivered', status, re.M | re.I), f'ours: {status}')


def they_send_utf8(p, peer):
    m = letter('Grüße zurück', 'jürgen@peer.test', 'jörg@one.test')
    peer.submit('jürgen@peer.test', ['jörg@one.test'], m.as_bytes(policy=UTF8), ['SMTPUTF8', 'BODY=8BITMIME'])
    got = arrived(lambda: utf8_inbox(p), 'Grüße zurück', 'jörg has it')
    same(got, m, 'jörg')


def utf8_inbox(p):
    """jörg's mail, by a POP3 session in UTF8 mode (RFC 6856)."""
    import poplib
    poplib._MAXLINE = 1 << 20
    s = poplib.POP3_SSL('127.0.0.1', p.port['pop3s'], context=p.tls(), timeout=60)
    s.encoding = 'utf-8'
    s.utf8()
    s.user('jörg@one.test')
    s.pass_(PASSWORD)
    out = [email.message_from_bytes(b'\r\n'.join(s.retr(i + 1)[1]) + b'\r\n', policy=email.policy.default) for i in range(s.stat()[0])]
    s.quit()
    return out


def test_postfix():
    with world(PostfixMta) as (p, peer):
        we_send(p, peer, tls=True)
        we_are_refused(p, peer)
        we_ask_for_a_receipt(p, peer)
        we_send_utf8(p, peer)
        they_send(p, peer)
        they_are_refused(p, peer)
        they_ask_for_a_receipt(p, peer)
        they_send_utf8(p, peer)


def test_exim():
    with world(Exim) as (p, peer):
        we_send(p, peer, tls=True)
        we_are_refused(p, peer)
        we_ask_for_a_receipt(p, peer)
        we_send_utf8(p, peer)
        they_send(p, peer)
        they_are_refused(p, peer)
        they_ask_for_a_receipt(p, peer)
        they_send_utf8(p, peer)
        # Its log says how each message went: L is PIPELINING (L- when it was offered in vain), K is CHUNKING.
        sent = [line for line in peer.log().splitlines() if '=> alice@one.test' in line]
        expect(sent and all(' L ' in line and ' K ' in line and 'X=TLS1.3' in line for line in sent), f'how it sent: {sent}')
        taken = [line for line in peer.log().splitlines() if '<= alice@one.test' in line]
        expect(taken and all(re.search(r' L\.? ', line) and 'X=TLS1.3' in line for line in taken), f'how it was sent to: {taken}')


def test_opensmtpd():
    with world(OpenSmtpd, users=('bob', 'carol')) as (p, peer):
        we_send(p, peer, tls=False)
        we_are_refused(p, peer)
        they_send(p, peer)
        they_are_refused(p, peer)
        # Without SMTPUTF8 there, an address that needs it cannot be reached; its sender is told.
        submit(p, 'alice@one.test', ['jürgen@peer.test'], letter('Grüße', 'alice@one.test', 'jürgen@peer.test'), ['SMTPUTF8', 'BODY=8BITMIME'], policy=UTF8)
        until(lambda: '5.6.7' in ''.join(x.as_string() for x in inbox(p, 'alice@one.test')), 30, 'alice is told', every=0.2)


for t in (test_postfix, test_exim, test_opensmtpd):
    t.LONG = True
del t
