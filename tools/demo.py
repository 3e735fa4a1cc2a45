#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""make demo: the main job on real input. Every step is checked; the first that fails is named and ends it. Whoever runs it configures nothing.

   a name server with signed zones · two servers, one.test on 127.0.0.2 and two.test on 127.0.0.3, each in a fresh directory ·
   penny send composes text, a picture, a sound and a video from alice@one.test to bob@two.test and carol@one.test · STARTTLS and AUTH ·
   accepted durably, delivered to carol, handed by MX to the other server · read there over POP3 by Python's poplib, and by penny read and penny save ·
   attachments byte for byte the same · bob answers, and the answer finds its way back."""
import argparse, email, email.policy, os, poplib, re, shutil, signal, socket, ssl, subprocess, sys, tempfile, time

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(TOP, 'tests', 'e2e'))
import media
from dns_server import NameServer

PENNY = os.path.join(TOP, 'penny')
SUBJECT = 'Grüße aus Köln – ein Bild, ein Ton, ein Film'
TEXT = '''Hello both,

here are a picture, a sound and a video, made a moment ago.
Zwölf Boxkämpfer jagen Viktor quer über den großen Sylter Deich.

Alice
'''
HOSTS = {'one.test': '127.0.0.2', 'two.test': '127.0.0.3'}
PORTS = {'smtp': 2525, 'submission': 2587, 'submissions': 2465, 'pop3': 2110, 'pop3s': 2995}
ID = r'\b[0-9A-HJKMNP-TV-Z]{5,13}\b'


def require(cond, what):
    if not cond:
        raise RuntimeError(what)


def wait(cond, what, seconds=20):
    end = time.monotonic() + seconds
    while not cond():
        require(time.monotonic() < end, f'{what}: not within {seconds} s')
        time.sleep(0.005)


def free_port(port):
    """This one or the next that nobody has on any of the hosts: the servers find each other by one number (mx-port)."""
    while True:
        try:
            for host in HOSTS.values():
                with socket.socket() as s:
                    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                    s.bind((host, port))
            return port
        except OSError:
            port += 10


class Server:
    """One of the two: its configuration, its process, its users' passwords, and the command line as its operator and as its users have it."""

    def __init__(self, top, domain, port, names):
        self.domain, self.host, self.port = domain, HOSTS[domain], port
        self.top = f'{top}/{domain}'
        self.dir, self.log = self.top + '/data', self.top + '/log'
        self.password, self.process = {}, None
        os.mkdir(self.top)
        with open(self.top + '/penny.conf', 'w') as f:
            f.write(f'hostname mail.{domain}\ndomain {domain}\n' + ''.join(f'listen {kind} {self.host}:{n}\n' for kind, n in port.items()) +
                    f'dns server {names.address}        # the small name server of this demo, and the keys of its zones\ndns anchor {names.anchors}\n'
                    f'mx-port {port["smtp"]}                     # where the other server is, instead of 25\nmx-private on                    # on loopback\n')

    def penny(self, *args, user=None, input=None):
        """penny … as the operator, or as a user at home, who has nothing but an account."""
        home = f'{self.top}/home/{user}' if user else self.top
        env = dict(os.environ, HOME=home, XDG_CONFIG_HOME=home + '/config', XDG_DATA_HOME=home + '/share', PENNY_CONFIG=self.top + '/penny.conf', PENNY_DIR=self.dir)
        if user:
            os.makedirs(home, exist_ok=True)
            del env['PENNY_CONFIG'], env['PENNY_DIR']
        r = subprocess.run([PENNY, *args], input=input, text=True, capture_output=True, env=env, timeout=60)
        require(r.returncode == 0, f'penny {" ".join(args[:3])} … exit {r.returncode}: {(r.stderr or r.stdout).strip()}')
        return r.stdout

    def start(self):
        log = open(self.log, 'w')
        self.process = subprocess.Popen([PENNY, 'serve', '-c', self.top + '/penny.conf', '--dir', self.dir], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait(lambda: self.process.poll() is not None or re.search(r'^ready ', open(self.log).read(), re.M), 'the line "ready"')
        require(self.process.poll() is None, 'the server ended')

    def add(self, user):
        self.password[user] = os.urandom(9).hex()
        self.penny('user', 'add', user, input=self.password[user] + '\n')
        self.penny('account', 'add', user, '--submission', f'{self.host}:{self.port["submission"]}', '--pop3', f'{self.host}:{self.port["pop3"]}', '--trust-this-certificate',
                   user=user, input=self.password[user] + '\n')

    def fetch(self, user):
        """All messages of a maildrop, by somebody else's POP3 client over STLS."""
        context = ssl.create_default_context(cadata=ssl.get_server_certificate((self.host, self.port['pop3s'])))
        context.check_hostname = False
        poplib._MAXLINE = 1 << 20
        p = poplib.POP3(self.host, self.port['pop3'], timeout=30)
        p.stls(context)
        p.user(user)
        p.pass_(self.password[user])
        out = [email.message_from_bytes(b'\r\n'.join(p.retr(n + 1)[1]), policy=email.policy.default) for n in range(p.stat()[0])]
        p.quit()
        return out

    def stop(self):
        """Exit status; None when it never ran."""
        if self.process is None:
            return None
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()


class Demo:
    def __init__(self, once):
        self.once, self.step, self.start = once, 'start', time.monotonic()
        self.top = tempfile.mkdtemp(prefix='penny-demo-')
        os.chmod(self.top, 0o755)  # the roles of a server that root starts run as somebody else
        self.names, self.one, self.two = None, None, None
        self.color = sys.stdout.isatty() and 'NO_COLOR' not in os.environ

    def begin(self, step):
        self.step, self.since = step, time.monotonic()

    def done(self, what):
        mark = '\033[32m✓\033[0m' if self.color else '✓'
        print(f'{mark} {(time.monotonic() - self.since) * 1000:8.1f} ms  {what}', flush=True)

    def serve(self):
        self.begin('a name server starts')
        zones = {'test': ''} | {zone: f'@ MX 10 mail\nmail A {host}\n' for zone, host in HOSTS.items()}
        self.names = NameServer(zones, signed=zones).start()
        self.done(f'name server on {self.names.address}: zones one.test and two.test, signed')
        self.begin('two servers start')
        port = {kind: free_port(n) for kind, n in PORTS.items()}
        self.one, self.two = (Server(self.top, domain, port, self.names) for domain in HOSTS)
        for s in (self.one, self.two):
            s.start()
        self.done(f'servers ready: {", ".join(f"mail.{s.domain} on {s.host}" for s in (self.one, self.two))}: ' + ', '.join(f'{k} :{n}' for k, n in port.items()))

    def users(self):
        self.begin('users and their accounts are made')
        for s, user in ((self.one, 'alice@one.test'), (self.one, 'carol@one.test'), (self.two, 'bob@two.test')):
            s.add(user)
        self.done('users alice@one.test, carol@one.test, bob@two.test; their user agents know where to submit and to read (certificates remembered)')

    def send(self):
        self.begin('a picture, a sound and a video are made')
        self.files = {'Bild – schöne Grüße.png': media.picture(), 'Ton.wav': media.sound(), 'Film.avi': media.video()}
        attach = []
        for name, data in self.files.items():
            attach += ['-a', f'{self.top}/{name}']
            with open(attach[-1], 'wb') as f:
                f.write(data)
        self.done('made ' + ', '.join(f'{n} ({len(d) // 1000} kB)' for n, d in self.files.items()))
        self.begin('penny send composes and submits over STARTTLS and AUTH')
        out = self.one.penny('send', '-s', SUBJECT, *attach, 'bob@two.test', 'carol@one.test', user='alice@one.test', input=TEXT)
        m = re.search(ID, out)
        require(m, f'no id in: {out}')
        self.id = m.group(0)
        self.done(f'submitted by alice over STARTTLS and AUTH, stored, in carol\'s mailbox: id {self.id}')

    def cross(self):
        self.begin('the message goes to the other server by MX')
        wait(lambda: ' sent ' in self.one.penny('trace', self.id), 'the other server has taken it')
        trace = self.one.penny('trace', self.id)
        m = re.search(rf' sent +bob@two\.test by mail\.two\.test \[127\.0\.0\.3\]: 250 .* id ({ID}) \(TLS', trace)
        require(m, f'not by mail.two.test over TLS: {trace}')
        self.there = m.group(1)
        require(not self.one.penny('queue', 'ls', '--json').strip(), 'the queue is not empty')
        self.done(f'looked up, connected, STARTTLS, taken by mail.two.test: id {self.there} there; nothing waits in the queue')

    def read(self):
        self.begin('the message is read over POP3 by another program')
        for s, user in ((self.two, 'bob@two.test'), (self.one, 'carol@one.test')):
            m = s.fetch(user)[0]
            require(m['Subject'] == SUBJECT, f'Subject of {user}: {m["Subject"]}')
            got = {a.get_filename(): a.get_payload(decode=True) for a in m.iter_attachments()}
            require(got == self.files, f'attachments of {user} differ: {[(k, len(v)) for k, v in got.items()]}')
        self.done('read over POP3 with STLS by Python\'s poplib: subject and attachments the same, byte for byte, for both')
        self.begin('penny read shows it, penny save saves it')
        text = self.two.penny('read', '1', user='bob@two.test')
        require('Zwölf Boxkämpfer' in text and 'Film.avi' in text, f'penny read: {text[:500]}')
        out = self.top + '/saved'
        os.makedirs(out)
        self.two.penny('save', '1', '-o', out, user='bob@two.test')
        for name, data in self.files.items():
            with open(f'{out}/{name}', 'rb') as f:
                require(f.read() == data, f'penny save: {name} differs')
        self.done('penny read and penny save as bob: the same again')

    def answer(self):
        self.begin('an answer comes back')
        self.two.penny('send', '-s', f'Re: {SUBJECT}', 'alice@one.test', user='bob@two.test', input='Schön!\n')
        wait(lambda: 'Re: ' in self.one.penny('ls', user='alice@one.test'), 'alice has the answer')
        text = self.one.penny('read', '1', user='alice@one.test')
        require('Schön!' in text and 'bob@two.test' in text, f'penny read: {text}')
        self.done('bob answers; alice has it on the other server')

    def show(self):
        self.begin('penny trace tells the life of the message on each server')
        for s, id in ((self.one, self.id), (self.two, self.there)):
            text = s.penny('trace', id)
            require(id in text and 'bob@two.test' in text, f'penny trace: {text}')
            print(f'\nmail.{s.domain}$ penny trace {id}\n{text.rstrip()}')
        print(f'\nmail.one.test$ penny probe mx two.test\n{self.one.penny("probe", "mx", "two.test").rstrip()}\n')
        for s, user in ((self.two, 'bob@two.test'), (self.one, 'alice@one.test')):
            p = s.port
            print(f'{user}    password {s.password[user]}\n'
                  f'    read    POP3 {s.host}:{p["pop3"]} (STARTTLS), :{p["pop3s"]} (TLS)    send    SMTP {s.host}:{p["submission"]} (STARTTLS), :{p["submissions"]} (TLS)')
        print('    the certificates are self-signed: a mail program asks once')
        at = {s: f'./penny --dir {s.dir}' for s in (self.one, self.two)}
        print(f'try     echo hi | {at[self.one]} send --as alice@one.test -s hello bob@two.test\n'
              f'        {at[self.two]} ls --as bob@two.test   ·   {at[self.one]} trace bob@two.test   ·   {at[self.one]} status')

    def stop(self):
        codes = [s.stop() for s in (self.one, self.two) if s]
        if self.names:
            self.names.stop()
        return codes

    def run(self):
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
        try:
            for part in (self.serve, self.users, self.send, self.cross, self.read, self.answer, self.show):
                part()
            if not self.once:
                print('stop    Ctrl-C; nothing is left behind', flush=True)
                try:
                    self.two.process.wait()
                except KeyboardInterrupt:
                    print()
            self.begin('the servers stop when asked')
            codes = self.stop()
            require(not self.once or codes == [0, 0], f'exit status {codes}')
            if self.once:
                print(f'every step held, {time.monotonic() - self.start:.1f} s')
            return 0
        except Exception as e:
            print(f'FAILED: {self.step}: {e}', file=sys.stderr)
            self.stop()
            for s in (self.one, self.two):
                if s and os.path.exists(s.log):
                    sys.stderr.write(f'--- mail.{s.domain}\n{open(s.log).read()[-3000:]}')
            return 1
        finally:
            self.stop()
            shutil.rmtree(self.top, ignore_errors=True)


if __name__ == '__main__':
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument('--once', action='store_true', help='exit when every step held')
    sys.exit(Demo(a.parse_args().once).run())
