# SPDX-License-Identifier: ISC
"""Extensions of SMTP that the queue keeps and acts on, end to end."""
from harness import *
from test_transfer import Peer, reports, sender_to

LETTER = 'From: alice@one.test\r\nSubject: {}\r\n\r\nhello\r\n'


def send(p, subject, to, mail_options=(), rcpt_options=(), user='alice@one.test'):
    """One message by submission; what MAIL was answered with."""
    s = p.smtp(user=user)
    s.ehlo()
    code, said = s.mail(user, list(mail_options))
    equal(code, 250, f'MAIL with {mail_options}: {said}')
    for r in to:
        equal(s.rcpt(r, list(rcpt_options))[0], 250, f'RCPT {r}')
    equal(s.data(LETTER.format(subject))[0], 250, 'the message')
    s.quit()
    return said.decode()


def test_priority_is_passed_on():
    with Peer(ehlo=('PIPELINING', 'MT-PRIORITY MIXER')) as peer, sender_to(peer) as p:
        expect('2.1.0' in send(p, 'usual', ['bob@peer.test']), 'nothing is said')
        expect(send(p, 'high', ['bob@peer.test'], ['MT-PRIORITY=9']).startswith('2.3.6 4 '), 'more than users may')
        send(p, 'low', ['bob@peer.test'], ['MT-PRIORITY=-9'])
        until(lambda: len(peer.received) == 3, 20, 'all of them')
        said = {text.partition(b'Subject: ')[2].split(b'\r')[0].decode(): (mail.split()[-1], b'priority ' in text) for mail, _, text in peer.received}
        equal(said, {'usual': ('MT-PRIORITY=0', False), 'high': ('MT-PRIORITY=4', True), 'low': ('MT-PRIORITY=-9', True)}, 'what the peer hears, and Received')
        w = Wire(p.port['smtp'])
        w.reply()
        w.talk('EHLO stranger.test')
        equal(w.talk('MAIL FROM:<x@stranger.test> MT-PRIORITY=1')[1], ['250 2.3.6 0 is the new priority: a higher one is not for this sender'], 'strangers')
        w.close()


def test_requiretls_is_kept():
    with Peer(ehlo=('PIPELINING', 'REQUIRETLS')) as peer, sender_to(peer) as p:
        w = Wire(p.port['submission'])
        w.reply()
        expect(not any('REQUIRETLS' in x for x in w.talk('EHLO me.test')[1]), 'not offered in clear')
        w.close()
        send(p, 'secret', ['bob@peer.test'], ['REQUIRETLS', 'RET=FULL'])
        until(lambda: reports(p, 'alice@one.test'), 20, 'it comes back', every=0.2)
        m, fields = reports(p, 'alice@one.test')[0]
        equal([fields['bob@peer.test'][k] for k in ('Action', 'Status')], ['failed', '5.7.10'], 'what is said of it')
        equal(list(m.iter_parts())[2].get_content_type(), 'text/rfc822-headers', 'only the header comes back')
        send(p, 'open', ['bob@peer.test'])
        until(lambda: peer.received, 20, 'without the demand it goes')
        expect(b'Subject: open' in peer.received[0][2], 'the first that arrived')
