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
