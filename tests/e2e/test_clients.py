# SPDX-License-Identifier: ISC
"""Programs of others against a running server, over TLS, each sending or fetching a real message."""
import email, email.policy, os, ssl
from harness import *


def message(subject, body='Hello.\n', to='bob@demo.test', sender='alice@demo.test'):
    return f'From: {sender}\nTo: {to}\nSubject: {subject}\n\n{body}'


def certificate(p):
    path = p.top + '/server.pem'
    with open(path, 'w') as f:
        f.write(ssl.get_server_certificate(('127.0.0.1', p.port['pop3s'])))
    return path


def subjects(p, user='bob@demo.test'):
    return [email.message_from_bytes(m, policy=email.policy.default)['Subject'] for m in p.mailbox(user)]


def test_swaks():
    with Penny() as p:
        for auth in ('PLAIN', 'LOGIN'):
            run(['swaks', '--server', f"127.0.0.1:{p.port['submission']}", '--tls', '--auth', auth, '--auth-user', 'alice@demo.test', '--auth-password', PASSWORD,
                 '--from', 'alice@demo.test', '--to', 'bob@demo.test', '--header', f'Subject: swaks {auth}', '--ehlo', 'client.test'])
        run(['swaks', '--server', f"127.0.0.1:{p.port['submissions']}", '--tls-on-connect', '--auth', 'PLAIN', '--auth-user', 'alice@demo.test', '--auth-password', PASSWORD,
             '--from', 'alice@demo.test', '--to', 'bob@demo.test', '--header', 'Subject: swaks implicit', '--ehlo', 'client.test'])
        # Without a login: the relay port takes mail for its own domain over STARTTLS, pipelined.
        run(['swaks', '--server', f"127.0.0.1:{p.port['smtp']}", '--tls', '--pipeline', '--from', 'x@elsewhere.test', '--to', 'bob@demo.test',
             '--header', 'Subject: swaks relay', '--ehlo', 'client.test'])
        equal(subjects(p), ['swaks PLAIN', 'swaks LOGIN', 'swaks implicit', 'swaks relay'], 'subjects in the mailbox')
        r = run(['swaks', '--server', f"127.0.0.1:{p.port['submission']}", '--tls', '--auth', 'PLAIN', '--auth-user', 'alice@demo.test', '--auth-password', 'wrong',
                 '--from', 'alice@demo.test', '--to', 'bob@demo.test', '--ehlo', 'client.test'], check=False)
        expect(r.returncode == 28 and '535' in r.stdout, f'a wrong password gets 535, not {r.returncode}: {r.stdout[-300:]}')


def test_curl():
    with Penny() as p:
        ca = certificate(p)
        path = p.top + '/m.eml'
        open(path, 'w', newline='').write(message('curl smtp', 'line\n.dot\n..dots\n').replace('\n', '\r\n'))
        name = ['--resolve', f"mail.demo.test:{p.port['submission']}:127.0.0.1", '--resolve', f"mail.demo.test:{p.port['pop3']}:127.0.0.1", '--resolve', f"mail.demo.test:{p.port['pop3s']}:127.0.0.1"]
        run(['curl', '-sS', '--ssl-reqd', '--cacert', ca, *name, f"smtp://mail.demo.test:{p.port['submission']}/client.test", '-u', f'alice@demo.test:{PASSWORD}',
             '--mail-from', 'alice@demo.test', '--mail-rcpt', 'bob@demo.test', '-T', path])
        for url in (f"pop3://mail.demo.test:{p.port['pop3']}/1", f"pop3s://mail.demo.test:{p.port['pop3s']}/1"):
            r = run(['curl', '-sS', '--ssl-reqd', '--cacert', ca, *name, url, '-u', f'bob@demo.test:{PASSWORD}'])
            expect('Subject: curl smtp' in r.stdout and '\n.dot\n..dots\n' in r.stdout.replace('\r', ''), f'what curl fetched: {r.stdout!r}')
        # SASL by name, SCRAM too.
        for mech in ('PLAIN', 'LOGIN'):
            run(['curl', '-sS', '--ssl-reqd', '--cacert', ca, *name, f"pop3://mail.demo.test:{p.port['pop3']}/", '-u', f'bob@demo.test:{PASSWORD}', '--login-options', f'AUTH={mech}'])


def test_python():
    with Penny() as p:
        s = p.smtp()
        body = 'Grüße\n.\n.leading dot\n' + 'x' * 900 + '\n'
        refused = s.sendmail('alice@demo.test', ['bob@demo.test', 'alice@demo.test'], message('smtplib', body).replace('\n', '\r\n').encode(), mail_options=['BODY=8BITMIME'])
        equal(refused, {}, 'refused recipients')
        s.quit()
        got = p.mailbox('bob@demo.test')
        expect(got[0].replace(b'\r\n', b'\n').endswith(body.encode()), 'body is as sent')
        d = p.pop3('alice@demo.test')
        equal(d.stat()[0], 1, 'alice has one message')
        uidl = d.uidl(1)
        d.dele(1)
        d.rset()
        expect(d.uidl(1) == uidl, 'UIDL is stable')
        expect(d.top(1, 0)[1][-1] == b'', 'TOP 0 ends with the empty line')
        d.dele(1)
        d.quit()
        equal(p.mailbox('alice@demo.test'), [], 'deleted at QUIT')


def test_msmtp_scram():
    with Penny() as p:
        rc = p.top + '/msmtprc'
        for auth in ('scram-sha-256', 'plain'):
            open(rc, 'w').write(f"defaults\ntls on\ntls_certcheck on\ntls_trust_file {certificate(p)}\naccount default\nhost localhost\nport {p.port['submission']}\nfrom alice@demo.test\n"
                                f"auth {auth}\nuser alice@demo.test\npassword {PASSWORD!r}\n".replace("'", '"'))
            os.chmod(rc, 0o600)
            run(['msmtp', '-C', rc, 'bob@demo.test'], input=message(f'msmtp {auth}'))
        equal(subjects(p), ['msmtp scram-sha-256', 'msmtp plain'], 'subjects')


def test_mpop():
    with Penny() as p:
        p.smtp().sendmail('alice@demo.test', 'bob@demo.test', message('for mpop'))
        out = p.top + '/mbox'
        rc = p.top + '/mpoprc'
        open(rc, 'w').write(f"account default\nhost localhost\nport {p.port['pop3']}\ntls on\ntls_starttls on\ntls_trust_file {certificate(p)}\nuser bob@demo.test\n"
                            f'password "{PASSWORD}"\nauth scram-sha-256\nkeep off\ndelivery mbox {out}\n')
        os.chmod(rc, 0o600)
        run(['mpop', '-C', rc, '--uidls-file=' + p.top + '/uidls'])
        expect('Subject: for mpop' in open(out).read(), 'mpop delivered the message')
        equal(p.mailbox(), [], 'and deleted it')


def test_fetchmail():
    with Penny() as p:
        p.smtp().sendmail('alice@demo.test', 'bob@demo.test', message('for fetchmail'))
        rc, out = p.top + '/fetchmailrc', p.top + '/fetched'
        open(rc, 'w').write(f"poll localhost protocol pop3 port {p.port['pop3']}\n user \"bob@demo.test\" password \"{PASSWORD}\" sslproto \"TLS1.2+\" sslcertck sslcertfile \"{certificate(p)}\"\n mda \"cat >> {out}\"\n")
        os.chmod(rc, 0o700)
        run(['fetchmail', '-f', rc, '--nosyslog', '--pidfile', p.top + '/fm.pid', '-i', p.top + '/fm.ids'], env={'HOME': p.top, 'FETCHMAILHOME': p.top})
        expect('Subject: for fetchmail' in open(out).read(), 'fetchmail handed the message over')


def test_getmail():
    with Penny() as p:
        p.smtp().sendmail('alice@demo.test', 'bob@demo.test', message('for getmail'))
        home = p.top + '/getmail'
        os.makedirs(home)
        os.chmod(home, 0o700)
        open(home + '/getmailrc', 'w').write(f"[retriever]\ntype = SimplePOP3SSLRetriever\nserver = localhost\nport = {p.port['pop3s']}\nusername = bob@demo.test\npassword = {PASSWORD}\n"
                                             f"ca_certs = {certificate(p)}\n[destination]\ntype = MDA_external\npath = /usr/bin/tee\narguments = ('-a', '{home}/got')\nallow_root_commands = true\nignore_stderr = true\n"
                                             f"unixfrom = false\n[options]\ndelete = true\n")
        run(['getmail', '--getmaildir', home])
        expect('Subject: for getmail' in open(home + '/got').read(), 'getmail handed the message over')
        equal(p.mailbox(), [], 'and deleted on the server')
