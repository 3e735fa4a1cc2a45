# SPDX-License-Identifier: ISC
"""What strangers may and may not do on port 25; aliases, postmaster, sub-addresses, DSN, LMTP."""
import email, email.policy, time
from harness import *

HELLO = 'EHLO client.test'


def deliver(w, sender, rcpts, text=b'Subject: x\r\n\r\nhi\r\n'):
    """One transaction; the codes of MAIL, each RCPT and the end of data (None when there was no valid recipient)."""
    codes = [w.talk(f'MAIL FROM:<{sender}>')[0]]
    ok = False
    for r in rcpts:
        c = w.talk(f'RCPT TO:<{r}>')[0]
        codes.append(c)
        ok = ok or c == 250
    if not ok:
        w.talk('RSET')
        return codes + [None]
    equal(w.talk('DATA')[0], 354, 'DATA')
    w.send(text + b'.\r\n')
    return codes + [w.reply()[0]]


def test_no_open_relay():
    with Penny() as p:
        w = Wire(p.port['smtp'])
        w.reply()
        w.talk(HELLO)
        w.talk('MAIL FROM:<x@elsewhere.test>')
        for rcpt in ('victim@elsewhere.test', 'victim%elsewhere.test@demo.test', '@demo.test:victim@elsewhere.test', 'elsewhere.test!victim@demo.test', '"victim@elsewhere.test"@demo.test',
                     'victim@[192.0.2.1]', 'victim@[IPv6:2001:db8::1]', 'victim%elsewhere.test@[127.0.0.1]', '"victim@elsewhere.test"', 'victim@elsewhere.test.', 'demo.test!victim@elsewhere.test',
                     'victim@elsewhere.test@demo.test', 'victim@localhost', 'victim', 'victim@demo.test@elsewhere.test', '@demo.test,@demo.test:victim@elsewhere.test'):
            code, lines = w.talk(f'RCPT TO:<{rcpt}>')
            expect(500 <= code < 560, f'RCPT TO:<{rcpt}> got {lines}')
        expect(w.talk('RCPT TO:<bob@demo.test>')[0] == 250, 'a real recipient is still welcome')
        w.close()
        equal(p.cmd('queue', 'ls', '--json').stdout.strip(), '', 'nothing was queued')


def test_postmaster_any_case():
    with Penny() as p:
        w = Wire(p.port['smtp'])
        w.reply()
        w.talk(HELLO)
        for r in ('postmaster', 'PostMaster', 'POSTMASTER@demo.test', 'postmaster@DEMO.TEST', 'postmaster@mail.demo.test'):
            equal(deliver(w, 'x@elsewhere.test', [r]), [250, 250, 250], f'mail for {r}')
        w.close()


def test_aliases_and_dsn():
    with Penny(config='domain lists.test {\n    alias team -> alice@demo.test bob@demo.test\n    alias all -> team@lists.test\n    alias loop -> loop2@lists.test\n    alias loop2 -> loop@lists.test\n'
                      '    alias * -> alice@demo.test\n}\n') as p:
        w = Wire(p.port['smtp'])
        w.reply()
        w.talk(HELLO)
        equal(deliver(w, 'x@elsewhere.test', ['all@lists.test', 'nobody@demo.test', 'anything@lists.test', 'loop@lists.test'])[:3], [250, 250, 550], 'alias, unknown user')
        equal([len(p.mailbox(u)) for u in ('alice@demo.test', 'bob@demo.test')], [1, 1], 'one copy each, though alice is reached twice')
        m = email.message_from_bytes(p.mailbox('bob@demo.test')[0], policy=email.policy.default)
        equal(m['Return-Path'], '<x@elsewhere.test>', 'Return-Path')
        expect('client.test' in m['Received'] and 'mail.demo.test' in m['Received'], f"Received: {m['Received']}")
        # A success report to a local sender, asked for by DSN.
        w.talk('MAIL FROM:<alice@demo.test> RET=HDRS ENVID=QQ314159')
        equal(w.talk('RCPT TO:<bob@demo.test> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;bob@demo.test')[0], 250, 'RCPT with DSN parameters')
        equal(w.talk('DATA')[0], 354, 'DATA')
        w.send(b'Subject: notify me\r\n\r\nbody\r\n.\r\n')
        equal(w.reply()[0], 250, 'end of data')
        dsn = email.message_from_bytes(p.mailbox('alice@demo.test')[-1], policy=email.policy.default)
        equal(dsn.get_content_type(), 'multipart/report', 'a report came')
        equal(dsn['Return-Path'], '<>', 'with the null reverse-path')
        parts = list(dsn.iter_parts())
        status = parts[1].get_payload()
        fields = {k.lower(): v for block in status for k, v in block.items()}
        equal(fields['action'], 'delivered', 'Action')
        equal(fields['original-envelope-id'], 'QQ314159', 'Original-Envelope-Id')
        expect(fields['final-recipient'].endswith('bob@demo.test'), fields['final-recipient'])
        w.close()


def test_submission_rules():
    with Penny() as p:
        w = Wire(p.port['submission'])
        w.reply()
        w.talk(HELLO)
        equal(w.talk('MAIL FROM:<alice@demo.test>')[0], 530, 'MAIL without a login')
        expect(w.talk('AUTH PLAIN AGFsaWNlQGRlbW8udGVzdAB4')[0] in (538, 530, 504), 'AUTH without TLS')
        w.close()
        s = p.smtp()
        code, text = s.docmd('MAIL FROM:<bob@demo.test>')
        expect(500 <= code < 560, f'alice as bob: {code} {text}')
        s.docmd('RSET')
        expect(s.docmd('MAIL FROM:<alice+tag@demo.test>')[0] == 250, 'a sub-address of her own')
        equal(s.docmd('RCPT TO:<someone@elsewhere.test>')[0], 250, 'a user may send elsewhere')
        s.docmd('DATA')
        s.send(b'Bcc: secret@elsewhere.test\r\nFrom: alice@demo.test\r\nSubject: away\r\n\r\nhi\r\n.\r\n')
        code, text = s.getreply()
        equal(code, 250, 'end of data')
        q = p.cmd('queue', 'ls', '--json').stdout
        expect('someone@elsewhere.test' in q, f'queue ls shows it: {q!r}')
        # The From field, which people see, has to be her own, too; a Sender field does not help.
        import smtplib
        for field, want in ((b'From: bob@demo.test\r\nSender: alice@demo.test', 550), (b'From: alice@demo.test, boss@bank.test', 550), (b'From: "Boss" <alice+x@demo.test>', 250)):
            try:
                s.sendmail('alice@demo.test', 'alice@demo.test', field + b'\r\nSubject: who am I\r\n\r\nhi\r\n')
                code, text = 250, b''
            except smtplib.SMTPDataError as e:
                code, text = e.smtp_code, e.smtp_error
            equal(code, want, f'{field}: {text}')
            expect(code == 250 or text.startswith(b'5.7.1 This user may not send as '), f'a clear reason: {text}')
        # Missing fields are completed, Bcc never leaves.
        s.sendmail('alice@demo.test', 'bob@demo.test', b'From: alice@demo.test\r\nBcc: x@demo.test\r\nSubject: completed\r\n\r\nhi\r\n')
        m = email.message_from_bytes(p.mailbox()[0], policy=email.policy.default)
        expect(m['Date'] and m['Message-ID'] and not m['Bcc'], f'completed: {m.keys()}')
        expect('ESMTPSA' in m['Received'], m['Received'])
        s.quit()


def test_subaddress_and_case():
    with Penny() as p:
        w = Wire(p.port['smtp'])
        w.reply()
        w.talk(HELLO)
        equal(deliver(w, '', ['Bob+anything@Demo.Test']), [250, 250, 250], 'sub-address, any case, null sender')
        equal(len(p.mailbox()), 1, 'delivered to bob')
        w.close()


def test_lmtp():
    import socket
    with Penny(config='') as p:
        p.configure(f'listen lmtp {p.dir}/run/lmtp\n')
        p.cmd('reload')
        path = f'{p.dir}/run/lmtp'
        until(lambda: os.path.exists(path), 10, 'the LMTP socket after a reload')
        s = socket.socket(socket.AF_UNIX)
        s.connect(path)
        w = Wire.__new__(Wire)
        w.s, w.f = s, s.makefile('rb')
        equal(w.reply()[0], 220, 'greeting')
        equal(w.talk('LHLO client.test')[0], 250, 'LHLO')
        w.talk('MAIL FROM:<x@elsewhere.test>')
        equal([w.talk(f'RCPT TO:<{r}@demo.test>')[0] for r in ('alice', 'nobody', 'bob')], [250, 550, 250], 'recipients')
        w.talk('DATA')
        w.send(b'Subject: lmtp\r\n\r\nhi\r\n.\r\n')
        equal([w.reply()[0], w.reply()[0]], [250, 250], 'a reply for each accepted recipient')
        w.close()
        equal([len(p.mailbox(u)) for u in ('alice@demo.test', 'bob@demo.test')], [1, 1], 'delivered')


def test_large_and_too_large():
    with Penny(config='message-size 3M\n') as p:
        w = Wire(p.port['smtp'])
        w.reply()
        expect(any('SIZE 3145728' in l for l in w.talk(HELLO)[1]), 'SIZE is offered')
        equal(w.talk('MAIL FROM:<x@elsewhere.test> SIZE=3145729')[0], 552, 'declared too large')
        block = (b'0123456789' * 7 + b'\r\n') * 1000
        equal(deliver(w, 'x@elsewhere.test', ['bob@demo.test'], b'Subject: big\r\n\r\n' + block * 30), [250, 250, 250], '2 MB')
        equal(deliver(w, 'x@elsewhere.test', ['bob@demo.test'], b'Subject: big\r\n\r\n' + block * 50), [250, 250, 552], '3.6 MB')
        expect(p.mailbox()[0].endswith(block * 30), 'the body is whole')
        w.close()


def test_smtputf8_and_binary():
    import base64
    with Penny() as p:
        p.cmd('user', 'add', 'jörg@demo.test', input=PASSWORD + '\n')
        w = Wire(p.port['smtp'])
        w.reply()
        w.talk(HELLO)
        w.send('MAIL FROM:<用户@elsewhere.test> SMTPUTF8 BODY=8BITMIME\r\n')
        equal(w.reply()[0], 250, 'MAIL with SMTPUTF8')
        w.send('RCPT TO:<jörg@demo.test>\r\n')
        equal(w.reply()[0], 250, 'RCPT')
        equal(w.talk('DATA')[0], 354, 'DATA')
        w.send('Subject: Grüße\r\n\r\nhi\r\n.\r\n')
        equal(w.reply()[0], 250, 'end of data')
        octets = bytes(range(256)) * 5
        text = b'MIME-Version: 1.0\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: binary\r\n\r\n' + octets
        equal(w.talk('MAIL FROM:<x@elsewhere.test> BODY=BINARYMIME')[0], 250, 'BINARYMIME')
        equal(w.talk('RCPT TO:<bob@demo.test>')[0], 250, 'RCPT')
        w.send(b'BDAT 100\r\n' + text[:100])
        equal(w.reply()[0], 250, 'first chunk')
        w.send(f'BDAT {len(text) - 100} LAST\r\n'.encode() + text[100:])
        equal(w.reply()[0], 250, 'last chunk')
        w.close()
        m = email.message_from_bytes(p.mailbox()[0], policy=email.policy.default)
        equal(m['Content-Transfer-Encoding'], 'base64', 'a binary body leaves POP3 as base64')
        equal(m.get_payload(decode=True), octets, 'octets')
