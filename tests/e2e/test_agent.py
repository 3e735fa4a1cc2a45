# SPDX-License-Identifier: ISC
"""The user agent: penny account|send|ls|read|save over the network and on the server's own store; what it writes, read by Python's email package."""
import email, email.policy, hashlib, json, os
from harness import *


def account(p, user, password=PASSWORD):
    p.cmd('account', 'add', user, '--submission', f"127.0.0.1:{p.port['submission']}", '--pop3', f"127.0.0.1:{p.port['pop3']}", '--trust-this-certificate', input=password + '\n')


def files(p):
    out = {}
    for name, data in (('Bild – Ärger.png', b'\x89PNG\r\n\x1a\n' + os.urandom(50000)), ('sound.wav', b'RIFF\x24\x00\x00\x00WAVEfmt ' + os.urandom(30000)), ('video.avi', b'RIFF\x24\x00\x00\x00AVI LIST' + os.urandom(200000)), ('empty.txt', b'')):
        path = os.path.join(p.top, name)
        open(path, 'wb').write(data)
        out[path] = data
    return out


def test_send_read_save():
    with Penny() as p:
        account(p, 'alice@demo.test')
        f = files(p)
        args = [x for path in f for x in ('-a', path)]
        text = 'Grüße aus Köln.\n' + 'A very long line that flows ' * 10 + '\n\nFrom here on.\n.\n-- \nAlice\n'
        r = p.cmd('send', '--json', '-s', 'Ein Bild, ein Ton, ein Film – für dich', *args, '--bcc', 'alice@demo.test', 'bob@demo.test', input=text)
        expect(json.loads(r.stdout.splitlines()[-1])['id'], 'the id of the accepted message')
        raw = p.mailbox('bob@demo.test')[0]
        expect(max(len(l) for l in raw.split(b'\r\n')) <= 998, 'no line is too long')
        m = email.message_from_bytes(raw, policy=email.policy.default)
        equal(m['Subject'], 'Ein Bild, ein Ton, ein Film – für dich', 'Subject')
        expect(m['Bcc'] is None and m['Date'] and m['Message-ID'] and m['From'].addresses[0].addr_spec == 'alice@demo.test', 'header')
        body = m.get_body(('plain',))
        equal(body.get_content_type(), 'text/plain', 'type of the text')
        equal(body.get_param('format'), 'flowed', 'format=flowed')
        unflowed = body.get_content().replace(' \n', ' ')
        expect('A very long line that flows A very' in unflowed and 'Grüße aus Köln.' in unflowed, f'text: {unflowed[:200]!r}')
        got = {a.get_filename(): (a.get_content_type(), a.get_payload(decode=True)) for a in m.iter_attachments()}
        for path, data in f.items():
            name = os.path.basename(path)
            equal(got[name][1], data, f'octets of {name}')
        equal([got[os.path.basename(x)][0] for x in f][:3], ['image/png', 'audio/vnd.wave' if got['sound.wav'][0] == 'audio/vnd.wave' else got['sound.wav'][0], got['video.avi'][0]], 'types from contents')
        expect(got['sound.wav'][0].startswith('audio/') and got['video.avi'][0].startswith('video/'), f'types: {[v[0] for v in got.values()]}')
        equal(len(p.mailbox('alice@demo.test')), 1, 'the Bcc recipient has it, too')

        env = {'XDG_CONFIG_HOME': p.top + '/bob'}
        p.cmd('account', 'add', 'bob@demo.test', '--submission', f"127.0.0.1:{p.port['submission']}", '--pop3', f"127.0.0.1:{p.port['pop3']}", '--trust-this-certificate', input=PASSWORD + '\n', env=env)
        expect('ein Film' in p.cmd('ls', env=env).stdout, 'ls over POP3')
        text = p.cmd('read', '1', env=env).stdout
        expect('Grüße aus Köln.' in text and 'Bild – Ärger.png' in text, f'read: {text[:400]}')
        out = p.top + '/saved'
        os.mkdir(out)
        p.cmd('save', '1', '-o', out, env=env)
        for path, data in f.items():
            equal(open(os.path.join(out, os.path.basename(path)), 'rb').read(), data, f'saved {path}')
        again = p.cmd('save', '1', '-o', out, env=env, check=False)
        equal(open(os.path.join(out, 'sound.wav'), 'rb').read(), f[os.path.join(p.top, 'sound.wav')], 'save never overwrites')


def test_own_store():
    with Penny() as p:
        p.cmd('send', '--as', 'alice@demo.test', '-s', 'direct', 'bob@demo.test', input='hello\n')
        rows = [json.loads(l) for l in p.cmd('ls', '--as', 'bob@demo.test', '--json').stdout.splitlines()]
        equal([r['subject'] for r in rows], ['direct'], 'ls on the own store')
        expect('hello' in p.cmd('read', '--as', 'bob@demo.test', '1').stdout, 'read')
        p.stop()
        expect('hello' in p.cmd('read', '--as', 'bob@demo.test', '1').stdout, 'read without a server')
        p.cmd('send', '--as', 'alice@demo.test', '-s', 'no server', 'bob@demo.test', input='stored\n')
        equal(len(p.cmd('ls', '--as', 'bob@demo.test', '--json').stdout.splitlines()), 2, 'sent into the directory')


def test_errors():
    with Penny() as p:
        account(p, 'alice@demo.test')
        equal(p.cmd('send', '-s', 'x', '-a', p.top + '/absent.pdf', 'bob@demo.test', input='x', check=False).returncode, 66, 'a missing attachment')
        r = p.cmd('send', '-s', 'x', 'not an address', input='x', check=False)
        expect(r.returncode in (64, 65) and r.stderr, f'a broken address: {r.returncode} {r.stderr}')
        r = p.cmd('send', '-s', 'x', 'nobody@demo.test', input='x', check=False)
        expect(r.returncode not in (0, 75) and 'nobody@demo.test' in r.stderr, f'an unknown recipient: {r.returncode} {r.stderr}')
        r = p.cmd('sned', check=False)
        expect(r.returncode == 64 and 'send' in r.stderr, f'did you mean: {r.stderr}')
        equal(p.cmd('read', '99', check=False).returncode, 1, 'no such message')
