# SPDX-License-Identifier: ISC
"""A real server in a directory of its own, and what the end-to-end tests ask of it. Everything is on loopback; every process is stopped by its id."""
import contextlib, os, re, shutil, signal, socket, ssl, subprocess, sys, tempfile, time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PENNY = os.environ.get('PENNY', os.path.join(TOP, 'penny'))
PASSWORD = 'correct horse battery staple'


class Failed(Exception):
    pass


def expect(cond, what):
    if not cond:
        raise Failed(what)


def equal(got, want, what):
    if got != want:
        raise Failed(f'{what}: got {got!r}, wanted {want!r}')


def free_ports(n):
    """All bound at one time, so that no two are the same."""
    socks = [socket.socket() for _ in range(n)]
    try:
        for s in socks:
            s.bind(('127.0.0.1', 0))
        return [s.getsockname()[1] for s in socks]
    finally:
        for s in socks:
            s.close()


def free_port():
    return free_ports(1)[0]


def until(cond, seconds, what, every=0.02):
    """Waits for a state of the world; the bound only ends a broken test, it is no measurement."""
    end = time.monotonic() + seconds
    while True:
        value = cond()
        if value:
            return value
        if time.monotonic() > end:
            raise Failed(f'{what}: not within {seconds} s')
        time.sleep(every)


class Penny:
    """with Penny() as p: …   users alice@demo.test and bob@demo.test exist; ports in p.port['smtp'] etc."""
    KINDS = ('smtp', 'submission', 'submissions', 'pop3', 'pop3s')

    def __init__(self, config='', users=('alice@demo.test', 'bob@demo.test'), args=(), keep=None, domain='demo.test', hostname='mail.demo.test'):
        self.top = keep or tempfile.mkdtemp(prefix='penny-e2e-')
        self.dir = os.path.join(self.top, 'data')
        self.conf = os.path.join(self.top, 'penny.conf')
        self.log = os.path.join(self.top, 'log')
        self.users = users
        self.args = list(args)
        self.process = None
        self.port = dict(zip(self.KINDS, free_ports(len(self.KINDS))))
        self.lmtp = os.path.join(self.top, 'lmtp')
        self.base = f'hostname {hostname}\ndomain {domain}\n' + ''.join(f'listen {k} 127.0.0.1:{p}\n' for k, p in self.port.items())
        self.configure(config)
        # A directory that a service user can reach when the test runs as root.
        os.chmod(self.top, 0o755)

    def configure(self, more):
        with open(self.conf, 'w') as f:
            f.write(self.base + more)

    def __enter__(self):
        for u in self.users:
            self.cmd('user', 'add', u, input=PASSWORD + '\n')
        self.start()
        return self

    def __exit__(self, kind, value, tb):
        if kind is not None:
            with contextlib.suppress(OSError):
                text = open(self.log, errors='replace').read()
                sys.stderr.write('--- server log, last lines\n' + '\n'.join(text.splitlines()[-25:]) + '\n')
        try:
            if self.process:
                self.stop(check=kind is None)
        finally:
            self.kill()
            if not os.environ.get('KEEP'):
                shutil.rmtree(self.top, ignore_errors=True)

    def start(self, wait=30):
        with open(self.log, 'ab') as log:
            at = log.tell()
            self.process = subprocess.Popen([PENNY, 'serve', '-c', self.conf, '--dir', self.dir] + self.args, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

        def ready():
            if self.process.poll() is not None:
                raise Failed(f'server ended with {self.process.returncode}: ' + self.log_text(at)[-800:])
            return re.search(r'^ready ', self.log_text(at), re.M)
        until(ready, wait, 'the line "ready"')
        return self

    def log_text(self, at=0):
        with open(self.log, 'rb') as f:
            f.seek(at)
            return f.read().decode(errors='replace')

    def stop(self, check=True, wait=30):
        p, self.process = self.process, None
        if p is None:
            return
        p.send_signal(signal.SIGTERM)
        try:
            code = p.wait(wait)
        except subprocess.TimeoutExpired:
            p.kill()
            p.wait()
            raise Failed('the server did not stop on SIGTERM')
        if check:
            equal(code, 0, 'exit status after SIGTERM')

    def kill(self):
        """The power of kill -9 over all processes of the server."""
        p, self.process = self.process, None
        if p is None:
            return
        os.kill(p.pid, signal.SIGSTOP) # master starts nobody between the look and the blow
        pids = [p.pid] + list(children(p.pid))
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        p.wait()
        until(lambda: not any(alive(x) for x in pids), 10, 'killed processes are gone')

    def roles(self):
        """role → pid, from the names that the roles give themselves."""
        out = {}
        for pid in children(self.process.pid):
            with contextlib.suppress(OSError):
                text = open(f'/proc/{pid}/cmdline', 'rb').read().replace(b'\0', b' ').decode(errors='replace')
                m = re.search(r'\b(edge-mx|edge-user|store|keys|dns|relay)\b', text)
                if m:
                    out[m.group(1)] = pid
        return out

    def cmd(self, *args, input=None, check=True, text=True, env=None):
        e = dict(os.environ, PENNY_CONFIG=self.conf, PENNY_DIR=self.dir, NO_COLOR='1', HOME=self.top, XDG_CONFIG_HOME=self.top + '/xdg')
        e.update(env or {})
        r = subprocess.run([PENNY] + list(args), input=input, text=text, capture_output=True, env=e, timeout=120)
        if check and r.returncode != 0:
            raise Failed(f'penny {" ".join(args)}: exit {r.returncode}: {r.stderr}{r.stdout}')
        return r

    def tls(self):
        """A context that trusts exactly this server's certificate."""
        pem = ssl.get_server_certificate(('127.0.0.1', self.port['pop3s']))
        c = ssl.create_default_context(cadata=pem)
        c.check_hostname = False
        return c

    def smtp(self, kind='submission', user='alice@demo.test', password=PASSWORD):
        import smtplib
        s = smtplib.SMTP('127.0.0.1', self.port[kind], timeout=60, local_hostname='client.test')
        if user:
            s.starttls(context=self.tls())
            s.login(user, password)
        return s

    def pop3(self, user='bob@demo.test', password=PASSWORD):
        import poplib
        p = poplib.POP3_SSL('127.0.0.1', self.port['pop3s'], context=self.tls(), timeout=60)
        poplib._MAXLINE = 1 << 20
        p.user(user)
        p.pass_(password)
        return p

    def mailbox(self, user='bob@demo.test'):
        """All messages of a maildrop as bytes with CRLF, oldest first."""
        p = self.pop3(user)
        n = p.stat()[0]
        out = [b'\r\n'.join(p.retr(i + 1)[1]) + b'\r\n' for i in range(n)]
        p.quit()
        return out


def children(pid):
    todo, out = [pid], []
    while todo:
        parent = todo.pop()
        for name in os.listdir('/proc'):
            if name.isdigit():
                with contextlib.suppress(OSError, ValueError):
                    stat = open(f'/proc/{name}/stat').read()
                    if int(stat.rpartition(')')[2].split()[1]) == parent:
                        out.append(int(name))
                        todo.append(int(name))
    return out


def alive(pid):
    try:
        return open(f'/proc/{pid}/stat').read().rpartition(')')[2].split()[0] != 'Z'
    except OSError:
        return False


def run(argv, input=None, check=True, env=None, timeout=120):
    """Another program; its words on failure."""
    r = subprocess.run(argv, input=input, capture_output=True, text=True, env=dict(os.environ, **(env or {})), timeout=timeout)
    if check and r.returncode != 0:
        raise Failed(f'{argv[0]}: exit {r.returncode}: {r.stdout[-1500:]}{r.stderr[-1500:]}')
    return r


class Wire:
    """A bare conversation: send bytes, read replies."""
    def __init__(self, port, timeout=60):
        self.s = socket.create_connection(('127.0.0.1', port), timeout)
        self.f = self.s.makefile('rb')

    def reply(self):
        """One SMTP reply: (code, [lines])."""
        lines = []
        while True:
            line = self.f.readline()
            if not line:
                raise Failed('connection closed while a reply was due')
            lines.append(line.rstrip(b'\r\n').decode(errors='replace'))
            if line[3:4] != b'-':
                return int(line[:3]), lines

    def line(self):
        return self.f.readline().rstrip(b'\r\n').decode(errors='replace')

    def send(self, data):
        self.s.sendall(data if isinstance(data, bytes) else data.encode())

    def talk(self, line):
        self.send(line + '\r\n')
        return self.reply()

    def close(self):
        self.f.close()
        self.s.close()
