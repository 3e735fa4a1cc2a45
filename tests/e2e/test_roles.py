# SPDX-License-Identifier: ISC
"""The roles from outside: listeners that come and go, sockets of a service manager, descriptors that run out, restarts, memory, one session of processes."""
import os, pwd, re, resource, select, shutil, signal, socket, subprocess, tempfile, threading, time
from harness import *


def refused(port):
    with contextlib.suppress(OSError):
        socket.create_connection(('127.0.0.1', port), 2).close()
        return False
    return True


def hello(port):
    w = Wire(port)
    w.reply()
    return w, w.talk('EHLO client.test')


def memory(p, what):
    """kB of all processes of the server: "Pss" (a share of file pages too: how much that is depends on what else runs here), "Private_Dirty" (its own alone)."""
    total = 0
    for pid in [p.process.pid] + children(p.process.pid):
        total += int(re.search(rf'^{what}:\s+(\d+)', open(f'/proc/{pid}/smaps_rollup').read(), re.M).group(1))
    return total

def test_listeners_come_and_go():
    with Penny() as p:
        more = free_port()
        old, _ = hello(p.port['smtp'])
        p.configure(f'listen smtp 127.0.0.1:{more}\n')
        p.cmd('reload')
        w, _ = hello(more)
        w.close()
        # One goes: nobody may be left who listens there, and the session that came through another one stays.
        p.configure('')
        p.cmd('reload')
        until(lambda: refused(more), 5, 'the listener that was taken out is closed')
        equal(old.talk('NOOP')[0], 250, 'a session of before')
        # A port that is taken: all or nothing.
        taken = socket.socket()
        taken.bind(('127.0.0.1', 0))
        taken.listen()
        also = free_port()
        p.configure(f'listen smtp 127.0.0.1:{also}\nlisten smtp 127.0.0.1:{taken.getsockname()[1]}\n')
        r = p.cmd('reload', check=False)
        expect(r.returncode != 0 and str(taken.getsockname()[1]) in r.stderr + r.stdout, f'the taken port is named: {r.stderr}{r.stdout}')
        expect(refused(also), 'nothing of a refused configuration holds')
        equal(old.talk('NOOP')[0], 250, 'a session of before')
        w, _ = hello(p.port['smtp'])
        w.close()
        old.close()


def test_restart_keeps_listeners():
    with Penny() as p:
        for round in range(3):
            os.kill(p.roles()['edge-mx'], signal.SIGKILL)
            # The listening socket lives in master, too: no connection is refused, it only waits.
            w, answer = hello(p.port['smtp'])
            equal(answer[0], 250, 'EHLO at the successor')
            w.close()
        expect(p.process.poll() is None, 'master lives')


def test_back_off():
    with Penny() as p:
        first = p.roles()['keys']
        times = []
        for round in range(6):
            pid = until(lambda: p.roles().get('keys') or None, 10, 'keys is there')
            os.kill(pid, signal.SIGKILL)
            until(lambda: p.roles().get('keys') not in (None, pid), 10, 'keys is there again')
        delays = [int(x) for x in re.findall(r'event=role.restart peer=keys in-ms=(\d+)', p.log_text())]
        equal(delays, [10, 20, 40, 80, 160, 320], 'doubling back-off')


def test_no_descriptors():
    with Penny('connections-per-client 1000\n', users=()) as p:
        p.stop()
        with open(p.log, 'ab') as log:
            at = log.tell()
            p.process = subprocess.Popen([PENNY, 'serve', '-c', p.conf, '--dir', p.dir], stdin=subprocess.DEVNULL, stderr=log,
                                         preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64)))
        until(lambda: re.search(r'^ready ', p.log_text(at), re.M), 20, 'ready')
        edge = p.roles()['edge-mx']
        held, told = [], 0
        for i in range(80):
            s = socket.create_connection(('127.0.0.1', p.port['smtp']), 5)
            s.settimeout(5)
            got = s.recv(200)
            if got.startswith(b'421'):
                told += 1
                s.close()
                break
            held.append(s)
        expect(told == 1 and 20 < len(held) < 64, f'the client is told: {told} after {len(held)}')

        def ticks():
            return sum(int(x) for x in open(f'/proc/{edge}/stat').read().rsplit(')', 1)[1].split()[11:13])
        before = ticks()
        waiting = [socket.create_connection(('127.0.0.1', p.port['smtp']), 5) for _ in range(3)]
        time.sleep(1)
        expect(ticks() - before < 50, f'no spinning: {ticks() - before} ticks of processor in a second')
        for s in held + waiting:
            s.close()
        w, answer = hello(p.port['smtp'])
        equal(answer[0], 250, 'when there are descriptors again')
        w.close()


def test_limits_of_a_client():
    with Penny('connections-per-client 1\n', users=()) as p:
        held = []
        for i in range(10):  # loopback may have ten times as many
            w, _ = hello(p.port['smtp'])
            held.append(w)
        # Both edges count together.
        w = Wire(p.port['submission'])
        code, lines = w.reply()
        expect(code == 421 and 'too many connections from your address' in lines[0], f'one too many: {lines}')
        # What an edge had counted does not outlive it.
        os.kill(p.roles()['edge-mx'], signal.SIGKILL)
        until(lambda: re.search(r'event=role.restart peer=edge-mx', p.log_text()), 5, 'edge-mx is restarted')
        until(lambda: Wire(p.port['submission']).reply()[0] == 220, 5, 'its connections no longer count')


def test_service_manager():
    """Sockets by LISTEN_FDS, readiness by NOTIFY_SOCKET, as systemd does it."""
    top = tempfile.mkdtemp(prefix='penny-e2e-')
    try:
        os.chmod(top, 0o755)
        notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        notify.bind(top + '/notify')
        notify.settimeout(30)
        os.chmod(top + '/notify', 0o666)
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(('127.0.0.1', 0))
        listener.listen(100)
        port = listener.getsockname()[1]
        with open(top + '/penny.conf', 'w') as f:
            f.write(f'hostname mail.demo.test\ndomain demo.test\nlisten smtp 127.0.0.1:{port}\n')
        waits = socket.create_connection(('127.0.0.1', port))  # before anybody accepts
        script = f'export LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=smtp NOTIFY_SOCKET={top}/notify; exec 3<&{listener.fileno()}; exec "$0" serve -c {top}/penny.conf --dir {top}/data'
        with open(top + '/log', 'w') as log:
            s = subprocess.Popen(['/bin/sh', '-c', script, PENNY], pass_fds=[listener.fileno()], stdin=subprocess.DEVNULL, stderr=log, stdout=log)
        listener.close()
        try:
            expect(b'READY=1' in notify.recv(1000), 'the service manager hears READY=1')
            waits.settimeout(10)
            expect(waits.recv(100).startswith(b'220 '), 'who waited is served')
            s.send_signal(signal.SIGHUP)
            expect(b'RELOADING=1' in notify.recv(1000), 'RELOADING=1')
            expect(b'READY=1' in notify.recv(1000), 'READY=1 again')
            waits.sendall(b'NOOP\r\n')
            expect(waits.recv(100).startswith(b'250 '), 'the session lived through the reload')
            s.send_signal(signal.SIGTERM)
            expect(b'STOPPING=1' in notify.recv(1000), 'STOPPING=1')
            equal(s.wait(20), 0, 'exit status')
        except BaseException:
            sys.stderr.write(open(top + '/log').read())
            raise
        finally:
            if s.poll() is None:
                s.kill()
                s.wait()
    finally:
        shutil.rmtree(top, ignore_errors=True)


def test_one_session_of_processes():
    with Penny() as p:
        sid = os.getsid(p.process.pid)
        expect(sid != os.getsid(0), 'its own session')
        for role, pid in p.roles().items():
            equal(os.getsid(pid), sid, f'session of {role}')
            status = open(f'/proc/{pid}/status').read()
            if os.geteuid() == 0:
                expect(re.search(r'^Uid:\s+(\d+)', status, re.M).group(1) != '0', f'{role} is not root')
            expect(re.search(r'^NoNewPrivs:\s+1', status, re.M), f'{role} gains no privileges')
        expect(len(p.roles()) == 6, f'roles: {p.roles()}')
        pids = list(p.roles().values())
        # Without master nobody goes on.
        os.kill(p.process.pid, signal.SIGKILL)
        p.process.wait()
        until(lambda: not any(alive(x) for x in pids), 5, 'roles end with master')
        p.process = None
        p.start()


def test_not_root():
    if os.geteuid() != 0:
        return
    nobody = pwd.getpwnam('nobody')
    top = tempfile.mkdtemp(prefix='penny-e2e-')
    try:
        os.chown(top, nobody.pw_uid, nobody.pw_gid)
        shutil.copy(PENNY, top + '/penny')
        os.chmod(top + '/penny', 0o755)
        port = free_port()
        with open(top + '/penny.conf', 'w') as f:
            f.write(f'hostname mail.demo.test\ndomain demo.test\nlisten smtp 127.0.0.1:{port}\n')
        for more in ([], ['--single']):
            log = open(top + '/log', 'w+')
            s = subprocess.Popen([top + '/penny', 'serve', '-c', top + '/penny.conf', '--dir', top + '/data'] + more, user=nobody.pw_uid, group=nobody.pw_gid, extra_groups=[],
                                 stdin=subprocess.DEVNULL, stderr=log)
            try:
                until(lambda: s.poll() is not None or re.search('^ready ', open(top + '/log').read(), re.M), 20, 'ready')
                expect(s.poll() is None, open(top + '/log').read())
                w, answer = hello(port)
                equal(answer[0], 250, 'EHLO')
                w.close()
                s.send_signal(signal.SIGTERM)
                equal(s.wait(20), 0, 'exit status')
            finally:
                if s.poll() is None:
                    s.kill()
                    s.wait()
    finally:
        shutil.rmtree(top, ignore_errors=True)


def test_many_idle():
    count = 2000
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with Penny('connections-per-client 10000\n') as p:
        before = memory(p, 'Private_Dirty')
        expect(before < 12 * 1024, f'idle: {before} kB of its own')
        held = []
        for i in range(count):
            s = socket.create_connection(('127.0.0.1', p.port['smtp']), 10)
            s.recv(200)
            s.sendall(b'EHLO x\r\n')
            s.recv(1000)
            held.append(s)
        each = (memory(p, 'Private_Dirty') - before) / count
        print(f'        idle {before / 1024:.1f} MB of its own, each further connection {each:.1f} kB', flush=True)
        expect(each < 20, f'an idle connection takes {each:.1f} kB')
        start = time.monotonic()
        p.stop()
        expect(time.monotonic() - start < 5, f'a stop with {count} sessions took {time.monotonic() - start:.1f} s')
        for s in held:
            s.settimeout(5)
            expect(s.recv(100).startswith(b'421 '), 'each is told')
            s.close()


def test_log_reader_sleeps():
    """Nobody reads standard error: mail goes on, lines are dropped and counted."""
    p = Penny(users=('bob@demo.test',))
    r, w = os.pipe()
    try:
        for u in p.users:
            p.cmd('user', 'add', u, input=PASSWORD + '\n')
        p.process = subprocess.Popen([PENNY, 'serve', '-c', p.conf, '--dir', p.dir], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=w)
        os.close(w)
        text = b''
        while b'\nready ' not in text and not text.startswith(b'ready '):
            text += os.read(r, 65536)
        lines = 0
        while lines < 9000:  # each refusal is a line of some hundred octets; a pipe holds 64 kB, master a megabyte
            c, _ = hello(p.port['smtp'])
            for i in range(15):
                equal(c.talk('MAIL FROM:<' + 'x' * 60 + '>')[0], 501, 'MAIL')
            lines += 17
            c.close()
        expect(p.process.poll() is None, 'the server lives')
        c, answer = hello(p.port['smtp'])
        equal(answer[0], 250, 'EHLO')
        c.close()
        text = b''
        while b'event=log.dropped' not in text:  # now somebody reads
            expect(select.select([r], [], [], 5)[0], 'what was dropped is told')
            text = text[-100:] + os.read(r, 65536)
        p.stop()
    finally:
        os.close(r)
        p.kill()
        shutil.rmtree(p.top, ignore_errors=True)
