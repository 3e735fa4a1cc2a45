# SPDX-License-Identifier: ISC
"""What the operator does: commands with and without a running server, reload, stop, death of a role, backup, sandbox."""
import json, os, poplib, re, shutil, signal, socket, subprocess, tempfile, time
from harness import *


def send(p, subject, sender='x@elsewhere.test', rcpt='bob@demo.test'):
    w = Wire(p.port['smtp'])
    w.reply()
    w.talk('EHLO client.test')
    w.talk(f'MAIL FROM:<{sender}>')
    w.talk(f'RCPT TO:<{rcpt}>')
    w.talk('DATA')
    w.send(f'Subject: {subject}\r\n\r\nhi\r\n.\r\n')
    code, lines = w.reply()
    equal(code, 250, 'end of data')
    w.close()
    return lines[-1]


def test_users_domains_aliases():
    with Penny() as p:
        p.cmd('user', 'add', 'carol@demo.test', input='another secret\n')
        expect('carol@demo.test' in p.cmd('user', 'ls').stdout, 'user ls')
        equal(len(p.mailbox('alice@demo.test')), 0, 'alice can log in')
        p.cmd('user', 'passwd', 'carol@demo.test', input='a new secret\n')
        p.pop3('carol@demo.test', 'a new secret').quit()
        import poplib
        try:
            p.pop3('carol@demo.test', 'another secret')
            raise Failed('the old password still works')
        except poplib.error_proto:
            pass
        p.cmd('domain', 'add', 'other.test')
        p.cmd('alias', 'add', 'info@other.test', 'carol@demo.test')
        send(p, 'to an alias', rcpt='info@other.test')
        d = p.pop3('carol@demo.test', 'a new secret')
        equal(d.stat()[0], 1, 'delivered through the alias')
        d.quit()
        rows = [json.loads(l) for l in p.cmd('user', 'ls', '--json').stdout.splitlines()]
        equal(sorted(r['name'] for r in rows), ['alice@demo.test', 'bob@demo.test', 'carol@demo.test'], 'user ls --json')
        p.cmd('alias', 'rm', 'info@other.test', '-y')
        p.cmd('user', 'rm', 'carol@demo.test', '-y')
        r = p.cmd('domain', 'rm', 'demo.test', '-y', check=False)
        expect(r.returncode != 0 and 'penny.conf' in r.stderr, f'what the file says is not changed by a command: {r.stderr}')
        p.stop()
        expect('carol' not in p.cmd('user', 'ls').stdout, 'without a server the command opens the directory itself')
        r = p.cmd('user', 'show', 'nobody@demo.test', check=False)
        equal(r.returncode, 67, f'exit status for an unknown user: {r.stderr}')


def test_restart_keeps_all():
    with Penny() as p:
        reply = send(p, 'kept')
        first = p.pop3()
        uidl = first.uidl(1)
        first.quit()
        p.stop()
        p.start()
        d = p.pop3()
        equal(d.uidl(1), uidl, 'UIDL after a restart')
        d.quit()
        p.kill()
        os.system(f'rm -rf {p.dir}/store/index*')
        p.start()
        d = p.pop3()
        equal(d.uidl(1), uidl, 'UIDL after the index was lost')
        d.quit()
        ident = re.search(r'\b([0-9A-HJKMNP-TV-Z]{5,13})\b\s*$', reply)
        expect(ident, f'the reply ends with the id: {reply}')
        t = p.cmd('trace', ident.group(1)).stdout
        expect('bob@demo.test' in t and 'x@elsewhere.test' in t, f'trace: {t}')
        p.cmd('store', 'verify')


def test_roles_die():
    with Penny() as p:
        for role in ('edge-mx', 'edge-user', 'keys', 'dns', 'relay', 'store'):
            before = p.roles()
            expect(role in before, f'{role} runs: {before}')
            os.kill(before[role], signal.SIGKILL)
            until(lambda: role in p.roles() and p.roles()[role] != before[role], 20, f'{role} is started anew')
            after = p.roles()
            for other in before:
                if other != role:
                    equal(after[other], before[other], f'{other} goes on when {role} dies')

            def works():
                try:
                    send(p, f'after {role}')
                    p.pop3().quit()
                    return True
                except (OSError, Failed, EOFError, Exception):
                    return False
            until(works, 20, f'mail flows after {role} died', 0.2)


def scram_salt(p, user):
    """What the server says first to SCRAM-SHA-256: salt and iterations of that user."""
    import base64
    d = poplib.POP3_SSL('127.0.0.1', p.port['pop3s'], context=p.tls(), timeout=60)
    d._putcmd('AUTH SCRAM-SHA-256 ' + base64.b64encode(f'n,,n={user},r=abcdef'.encode()).decode())
    line = d._getline()[0]
    d.close()
    return re.search(r's=[^,]*,i=.*', base64.b64decode(line[2:]).decode()).group(0)


def test_unknown_users_look_alike():
    """A name that nobody has gets a salt as steady as those of real users: over a restart, and over the death of the role."""
    with Penny() as p:
        before = {u: scram_salt(p, u) for u in ('alice@demo.test', 'nobody@demo.test', 'nobody2@demo.test')}
        equal(len(set(before.values())), 3, 'different salts')
        keys = p.roles()['keys']
        os.kill(keys, signal.SIGKILL)
        until(lambda: p.roles().get('keys', keys) != keys, 20, 'keys is started anew')
        for _ in range(2):
            equal({u: until(lambda: scram_salt(p, u), 10, 'an answer') for u in before}, before, 'salts')
            p.stop()
            p.start()


def test_session_survives_reload():
    with Penny() as p:
        w = Wire(p.port['smtp'])
        w.reply()
        w.talk('EHLO client.test')
        p.configure('domain fresh.test\nmessage-size 4M\n')
        p.cmd('reload')
        until(lambda: 'fresh.test' in p.cmd('domain', 'ls').stdout, 10, 'the new domain')
        equal(w.talk('NOOP')[0], 250, 'the old session goes on')
        n = Wire(p.port['smtp'])
        n.reply()
        expect(any('SIZE 4194304' in l for l in n.talk('EHLO x.test')[1]), 'a new session has the new size')
        n.close()
        p.configure('domian broken.test\n')
        r = p.cmd('reload', check=False)
        expect(r.returncode != 0 and 'domain' in r.stderr, f'a broken file is refused with a suggestion: {r.stderr}')
        equal(w.talk('NOOP')[0], 250, 'and nothing changed')
        os.kill(p.process.pid, signal.SIGHUP)
        time.sleep(0.3)
        equal(w.talk('NOOP')[0], 250, 'SIGHUP with a broken file changes nothing either')
        w.close()


def test_stop_says_421():
    with Penny() as p:
        w = Wire(p.port['smtp'])
        w.reply()
        w.talk('EHLO client.test')
        p.process.send_signal(signal.SIGTERM)
        equal(w.reply()[0], 421, 'an open session is told')
        p.stop()


def test_config_errors():
    with Penny() as p:
        p.configure('domian x.test\nlisten smtp 127.0.0.1:99999\n')
        r = p.cmd('config', 'check', check=False)
        expect(r.returncode == 78, f'exit status 78, not {r.returncode}')
        n = p.base.count('\n')
        expect(f'penny.conf:{n + 1}:1' in r.stderr + r.stdout and "did you mean 'domain'" in r.stderr + r.stdout and f'penny.conf:{n + 2}:' in r.stderr + r.stdout, f'both errors, with places: {r.stderr}{r.stdout}')
        p.configure('')
        expect('message-size' in p.cmd('config', 'show').stdout, 'config show')
        expect('message' in p.cmd('config', 'explain', 'message-size').stdout, 'config explain')


def test_backup_and_restore():
    with Penny() as p:
        send(p, 'before the backup')
        backup = p.top + '/backup'
        p.cmd('backup', backup)
        send(p, 'after the backup')
        p.stop()
        os.system(f'rm -rf {p.dir}/store')
        p.cmd('restore', backup)
        p.start()
        got = p.mailbox()
        equal(len(got), 1, 'the state of the backup')
        expect(b'before the backup' in got[0], 'its message')


def test_sandbox():
    with Penny() as p:
        for role, pid in p.roles().items():
            status = open(f'/proc/{pid}/status').read()
            expect('Seccomp:\t2' in status, f'{role} has a seccomp filter')
            expect('NoNewPrivs:\t1' in status, f'{role} has no_new_privs')
        cmd = p.cmd('status').stdout
        expect('edge-mx' in cmd and 'store' in cmd, f'status shows the roles: {cmd}')
        if os.getuid() == 0:
            equal(len(re.findall(r'memory [0-9.]+ [kM]B', cmd)), len(p.roles()), f'root sees what each role holds: {cmd}')


def test_metrics():
    with Penny() as p:
        send(p, 'one')
        s = socket.socket(socket.AF_UNIX)
        s.connect(p.dir + '/run/metrics')
        s.sendall(b'GET /metrics HTTP/1.0\r\n\r\n')
        text = b''
        while True:
            b = s.recv(65536)
            if not b:
                break
            text += b
        for name in (b'store_fdatasync_seconds', b'store_commit_operations', b'accept_seconds'):
            buckets = [int(n) for n in re.findall(rb'^penny_' + name + rb'_bucket\{le="[^"]+"\} (\d+)$', text, re.M)]
            count = int(re.search(rb'^penny_' + name + rb'_count (\d+)$', text, re.M).group(1))
            expect(count > 0 and buckets == sorted(buckets) and buckets[-1] == count, f'histogram {name}: {buckets} {count}')
            expect(float(re.search(rb'^penny_' + name + rb'_sum (\S+)$', text, re.M).group(1)) > 0, f'its sum: {name}')
        expect(re.search(rb'^penny_[a-z_]+(\{[^}]*\})? [0-9]', text, re.M), f'Prometheus text: {text[:300]}')


def test_single_process():
    with Penny(args=['--single']) as p:
        send(p, 'one process')
        equal(len(p.mailbox()), 1, 'delivered')
        equal(p.roles(), {}, 'no roles beside it')


def test_port_busy():
    with Penny() as p:
        with Penny(users=()) as q:
            pass
        other = Penny(users=())
        other.port = dict(p.port)
        other.base = p.base
        other.configure('')
        r = run([PENNY, 'serve', '-c', other.conf, '--dir', other.dir], check=False)
        expect(r.returncode == 69 and str(p.port['smtp']) in r.stderr, f'a busy port is named, exit 69: {r.returncode} {r.stderr}')


def test_loopback_needs_no_configuration():
    """penny serve --loopback: a directory is all it is told."""
    top = tempfile.mkdtemp(prefix='penny-e2e-')
    env = {k: v for k, v in os.environ.items() if k != 'PENNY_CONFIG'} | {'PENNY_DIR': top + '/data', 'HOME': top}
    os.chmod(top, 0o755)
    server = subprocess.Popen([PENNY, 'serve', '--loopback', '--dir', top + '/data'], stdin=subprocess.DEVNULL, stdout=open(top + '/log', 'w'), stderr=subprocess.STDOUT, env=env)
    try:
        m = until(lambda: re.search(r'^ready .*smtp=127\.0\.0\.1:(\d+)', open(top + '/log').read(), re.M), 20, 'ready')
        for user in ('alice', 'bob'):
            subprocess.run([PENNY, 'user', 'add', user + '@demo.test'], input=PASSWORD + '\n', text=True, check=True, env=env, timeout=30, stdout=subprocess.DEVNULL)
        subprocess.run([PENNY, 'send', '--as', 'alice@demo.test', '-s', 'no file', 'bob@demo.test'], input='hi\n', text=True, check=True, env=env, timeout=30, stdout=subprocess.DEVNULL)
        w = Wire(int(m.group(1)))
        expect(w.reply()[0] == 220 and w.talk('EHLO x')[0] == 250, 'it greets')
        w.close()
        ls = subprocess.run([PENNY, 'ls', '--as', 'bob@demo.test'], capture_output=True, text=True, check=True, env=env, timeout=30).stdout
        expect('no file' in ls, f'bob has it: {ls}')
        server.send_signal(signal.SIGTERM)
        equal(server.wait(20), 0, 'exit status')
    finally:
        server.kill()
        server.wait()
        shutil.rmtree(top, ignore_errors=True)
