#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""make demo: the main job on real input, without a configuration file and without DNS. Every step is checked; the first that fails is named and ends it.

   a server on loopback in a fresh directory · two users · penny send composes text, a picture, a sound and a video to both · STARTTLS and AUTH ·
   accepted durably, delivered · read back over POP3 by Python's poplib, and by penny read and penny save · attachments byte for byte the same."""
import argparse, email, email.policy, math, os, poplib, re, shutil, signal, ssl, struct, subprocess, sys, tempfile, time, zlib

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PENNY = os.path.join(TOP, 'penny')
SUBJECT = 'Grüße aus Köln – ein Bild, ein Ton, ein Film'
TEXT = '''Hello both,

here are a picture, a sound and a video, made a moment ago.
Zwölf Boxkämpfer jagen Viktor quer über den großen Sylter Deich.

Alice
'''


def picture():
    """A PNG of 320 × 240: noise over a gradient, so that it does not shrink to nothing."""
    rows = b''.join(b'\0' + b''.join(bytes(((x * 255 // 320), (y * 255 // 240), v)) for x, v in enumerate(os.urandom(320))) for y in range(240))
    chunk = lambda kind, data: struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data))
    return b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', struct.pack('>IIBBBBB', 320, 240, 8, 2, 0, 0, 0)) + chunk(b'IDAT', zlib.compress(rows)) + chunk(b'IEND', b'')


def sound():
    """A WAV of three seconds: a falling fifth, 8 kHz, 16 bit."""
    n = 24000
    data = b''.join(struct.pack('<h', int(9000 * math.sin(2 * math.pi * (440 if i < n / 2 else 293.66) * i / 8000))) for i in range(n))
    return b'RIFF' + struct.pack('<I', 36 + len(data)) + b'WAVEfmt ' + struct.pack('<IHHIIHH', 16, 1, 1, 8000, 16000, 2, 16) + b'data' + struct.pack('<I', len(data)) + data


def video():
    """An AVI of 12 uncompressed frames, 64 × 48: a bar that walks across."""
    w, h, frames = 64, 48, 12
    chunk = lambda kind, data: kind + struct.pack('<I', len(data)) + data + (b'\0' if len(data) % 2 else b'')
    hdr = chunk(b'avih', struct.pack('<14I', 1000000 // 6, w * h * 3 * 6, 0, 0x10, frames, 0, 1, w * h * 3, w, h, 0, 0, 0, 0))
    strh = chunk(b'strh', b'vidsDIB ' + struct.pack('<IHHIIIIIIiI4h', 0, 0, 0, 0, 1, 6, 0, frames, w * h * 3, -1, 0, 0, 0, w, h))
    strf = chunk(b'strf', struct.pack('<IiiHHIIiiII', 40, w, h, 1, 24, 0, w * h * 3, 0, 0, 0, 0))
    movi = b''.join(chunk(b'00db', b''.join((b'\x30\xa0\xf0' if abs(x - f * w // frames) < 5 else b'\x20\x20\x20') for _ in range(h) for x in range(w))) for f in range(frames))
    lst = lambda kind, data: chunk(b'LIST', kind + data)
    body = b'AVI ' + lst(b'hdrl', hdr + lst(b'strl', strh + strf)) + lst(b'movi', movi)
    return b'RIFF' + struct.pack('<I', len(body)) + body


class Demo:
    def __init__(self, once):
        self.once, self.step, self.start = once, 'start', time.monotonic()
        self.top = tempfile.mkdtemp(prefix='penny-demo-')
        os.chmod(self.top, 0o755)
        self.dir = self.top + '/data'
        self.server = None
        self.color = sys.stdout.isatty() and 'NO_COLOR' not in os.environ

    def say(self, what, since):
        mark = '\033[32m✓\033[0m' if self.color else '✓'
        print(f'{mark} {(time.monotonic() - since) * 1000:8.1f} ms  {what}', flush=True)

    def penny(self, *args, input=None, home=None, ok=(0,)):
        env = dict(os.environ, PENNY_DIR=self.dir, HOME=home or self.top, XDG_CONFIG_HOME=(home or self.top) + '/config', XDG_DATA_HOME=(home or self.top) + '/share')
        env.pop('PENNY_CONFIG', None)
        r = subprocess.run([PENNY, *args], input=input, text=True, capture_output=True, env=env, timeout=60)
        if r.returncode not in ok:
            raise RuntimeError(f'penny {" ".join(args[:3])} … exit {r.returncode}: {(r.stderr or r.stdout).strip()}')
        return r.stdout

    def require(self, cond, what):
        if not cond:
            raise RuntimeError(what)

    def serve(self):
        self.step = 'the server starts on loopback'
        t = time.monotonic()
        self.log = open(self.top + '/log', 'w+')
        env = dict(os.environ)
        env.pop('PENNY_CONFIG', None)
        self.server = subprocess.Popen([PENNY, 'serve', '--loopback', '--dir', self.dir], stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, env=env)
        while True:
            text = open(self.top + '/log').read()
            m = re.search(r'^ready .*$', text, re.M)
            if m:
                break
            self.require(self.server.poll() is None and time.monotonic() - t < 30, 'no line "ready":\n' + text[-2000:])
            time.sleep(0.005)
        self.ready = m.group(0)
        self.port = {k: int(v) for k, v in re.findall(r'\b(smtp|submissions?|pop3s?)=127\.0\.0\.1:(\d+)', self.ready)}
        self.require({'smtp', 'submission', 'pop3', 'pop3s'} <= set(self.port), f'ports in: {self.ready}')
        self.say(f'server ready: {", ".join(f"{k} :{v}" for k, v in self.port.items())}', t)

    def users(self):
        self.step = 'two users are made'
        t = time.monotonic()
        self.password = {u: os.urandom(9).hex() for u in ('alice@demo.test', 'bob@demo.test')}
        for u, secret in self.password.items():
            self.penny('user', 'add', u, input=secret + '\n')
        self.say('users alice@demo.test and bob@demo.test', t)
        self.step = 'an account is remembered'
        t = time.monotonic()
        for u, secret in self.password.items():
            home = f'{self.top}/{u.split("@")[0]}'
            os.makedirs(home)
            self.penny('account', 'add', u, '--submission', f"127.0.0.1:{self.port['submission']}", '--pop3', f"127.0.0.1:{self.port['pop3']}", '--trust-this-certificate', input=secret + '\n', home=home)
        self.say('their user agents know where to submit and to read (certificate remembered)', t)

    def send(self):
        self.step = 'a picture, a sound and a video are made'
        t = time.monotonic()
        self.files = {'Bild – schöne Grüße.png': picture(), 'Ton.wav': sound(), 'Film.avi': video()}
        self.paths = []
        for name, data in self.files.items():
            path = f'{self.top}/{name}'
            with open(path, 'wb') as f:
                f.write(data)
            self.paths += ['-a', path]
        self.say(f'made {", ".join(f"{n} ({len(d) // 1000} kB)" for n, d in self.files.items())}', t)
        self.step = 'penny send composes and submits over STARTTLS and AUTH'
        t = time.monotonic()
        out = self.penny('send', '-s', SUBJECT, *self.paths, 'alice@demo.test', 'bob@demo.test', input=TEXT, home=self.top + '/alice')
        m = re.search(r'\b[0-9A-HJKMNP-TV-Z]{5,13}\b', out)
        self.require(m, f'no id in: {out}')
        self.id = m.group(0)
        self.say(f'submitted by alice over STARTTLS and AUTH, stored, in both mailboxes: id {self.id}', t)

    def read(self):
        self.step = 'the message is read over POP3 by another program'
        t = time.monotonic()
        for user, secret in self.password.items():
            context = ssl.create_default_context(cadata=ssl.get_server_certificate(('127.0.0.1', self.port['pop3s'])))
            context.check_hostname = False
            p = poplib.POP3('127.0.0.1', self.port['pop3'], timeout=30)
            p.stls(context)
            p.user(user)
            p.pass_(secret)
            poplib._MAXLINE = 1 << 20
            m = email.message_from_bytes(b'\r\n'.join(p.retr(1)[1]), policy=email.policy.default)
            p.quit()
            self.require(m['Subject'] == SUBJECT, f'Subject of {user}: {m["Subject"]}')
            got = {a.get_filename(): a.get_payload(decode=True) for a in m.iter_attachments()}
            self.require(got == self.files, f'attachments of {user} differ: {[(k, len(v)) for k, v in got.items()]}')
        self.say('read over POP3 with STLS by Python\'s poplib: subject and attachments the same, byte for byte, for both', t)
        self.step = 'penny read shows it, penny save saves it'
        t = time.monotonic()
        text = self.penny('read', '1', home=self.top + '/bob')
        self.require('Zwölf Boxkämpfer' in text and 'Film.avi' in text, f'penny read: {text[:500]}')
        out = self.top + '/saved'
        os.makedirs(out)
        self.penny('save', '1', '-o', out, home=self.top + '/bob')
        for name, data in self.files.items():
            with open(f'{out}/{name}', 'rb') as f:
                self.require(f.read() == data, f'penny save: {name} differs')
        self.say('penny read and penny save: the same again', t)

    def show(self):
        self.step = 'penny trace tells the life of the message'
        text = self.penny('trace', self.id)
        self.require(self.id in text and 'bob@demo.test' in text, f'penny trace: {text}')
        print()
        print(text.rstrip())
        print()
        p = self.port
        print(f'read    POP3 127.0.0.1:{p["pop3"]} (STARTTLS), :{p["pop3s"]} (TLS)      user bob@demo.test      password {self.password["bob@demo.test"]}')
        print(f'send    SMTP 127.0.0.1:{p["submission"]} (STARTTLS){", :" + str(p["submissions"]) + " (TLS)" if "submissions" in p else ""}      user alice@demo.test    password {self.password["alice@demo.test"]}')
        print('        the certificate is self-signed: a mail program asks once')
        print(f'try     echo hi | ./penny --dir {self.dir} send --as alice@demo.test -s hello bob@demo.test')
        print(f'        ./penny --dir {self.dir} ls --as bob@demo.test   ·   ./penny --dir {self.dir} trace bob@demo.test   ·   ./penny --dir {self.dir} status')

    def stop(self):
        if not self.server:
            return None
        self.server.send_signal(signal.SIGTERM)
        try:
            return self.server.wait(20)
        except subprocess.TimeoutExpired:
            self.server.kill()
            self.server.wait()
            return -9

    def run(self):
        try:
            for part in (self.serve, self.users, self.send, self.read, self.show):
                part()
            if not self.once:
                print('stop    Ctrl-C; nothing is left behind', flush=True)
                try:
                    self.server.wait()
                except KeyboardInterrupt:
                    print()
            self.step = 'the server stops when asked'
            code = self.stop()
            if self.once:
                self.require(code == 0, f'exit status {code}')
                print(f'every step held, {time.monotonic() - self.start:.1f} s')
            return 0
        except Exception as e:
            print(f'FAILED: {self.step}: {e}', file=sys.stderr)
            self.stop()
            sys.stderr.write(open(self.top + '/log').read()[-3000:])
            return 1
        finally:
            shutil.rmtree(self.top, ignore_errors=True)


if __name__ == '__main__':
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument('--once', action='store_true', help='exit when every step held')
    sys.exit(Demo(a.parse_args().once).run())
