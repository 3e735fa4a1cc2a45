# SPDX-License-Identifier: ISC
"""Postfix and its load generator, unpacked from Debian's package under build/peers and run from there: nothing is installed, nothing outside is touched."""
import glob, os, re, shutil, signal, socket, subprocess, threading, time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PEERS = os.path.join(TOP, 'build', 'peers')
ROOT = os.path.join(PEERS, 'root')
LIB = ROOT + '/usr/lib/postfix'
ENV = dict(os.environ, LD_LIBRARY_PATH=LIB)
LIBRARIES = ['libdb5.3', 'libicu72', 'libnsl2', 'libsasl2-2']  # shared libraries only


def prepare():
    """Fetches and unpacks once."""
    if os.path.exists(ROOT + '/usr/sbin/smtp-source'):
        return
    os.makedirs(PEERS, exist_ok=True)
    missing = [l for l in LIBRARIES if subprocess.run(['dpkg-query', '-W', l], capture_output=True).returncode]
    if missing:
        subprocess.run(['apt-get', 'install', '-qq', '-y', '--no-install-recommends', *missing], check=True, stdout=subprocess.DEVNULL)
    subprocess.run(['apt-get', 'download', '-qq', 'postfix'], cwd=PEERS, check=True, stderr=subprocess.DEVNULL)
    for deb in glob.glob(PEERS + '/*.deb'):
        subprocess.run(['dpkg-deb', '-x', deb, ROOT], check=True)


def version():
    r = subprocess.run(['dpkg-deb', '-f', *glob.glob(PEERS + '/postfix_*.deb')[:1], 'Version'], capture_output=True, text=True)
    return r.stdout.strip()


def wait_port(port, seconds=30):
    end = time.monotonic() + seconds
    while True:
        try:
            with socket.create_connection(('127.0.0.1', port), 2) as s:
                s.settimeout(10)
                if s.recv(3) == b'220':
                    return
        except OSError:
            pass
        if time.monotonic() > end:
            raise RuntimeError(f'nothing greets on port {port}')
        time.sleep(0.01)


class Postfix:
    """Accepts and queues durably, delivers nothing (every client on HOLD): the case in which Postfix is fastest. Or hands everything on, to a port of 127.0.0.1."""
    def __init__(self, port, forward=None):
        self.port, self.dir = port, PEERS + '/run'
        shutil.rmtree(self.dir, ignore_errors=True)
        for d in ('conf', 'spool', 'data'):
            os.makedirs(f'{self.dir}/{d}')
        # Postfix wants every parent of its queue to be searchable by its own user.
        shutil.chown(self.dir + '/data', 'daemon')
        with open(self.dir + '/conf/main.cf', 'w') as f:
            f.write(f'''compatibility_level = 3.6
queue_directory = {self.dir}/spool
data_directory = {self.dir}/data
daemon_directory = {LIB}/sbin
command_directory = {ROOT}/usr/sbin
shlib_directory = {LIB}
meta_directory = {ROOT}/etc/postfix
sendmail_path = {ROOT}/usr/sbin/sendmail
newaliases_path = {ROOT}/usr/bin/newaliases
mailq_path = {ROOT}/usr/bin/mailq
mail_owner = daemon
setgid_group = mail
import_environment = MAIL_CONFIG MAIL_DEBUG MAIL_LOGTAG TZ LANG=C LD_LIBRARY_PATH={LIB}
export_environment = TZ LANG=C MAIL_CONFIG LD_LIBRARY_PATH={LIB}
myhostname = mx.example.test
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mydestination = localhost
alias_maps =
alias_database =
mynetworks = 127.0.0.0/8
relayhost = [127.0.0.1]:{forward or 1}
smtpd_client_restrictions = {'' if forward else 'static:HOLD'}
smtpd_client_connection_count_limit = 0
default_process_limit = 600
maillog_file = {self.dir}/log
maillog_file_prefixes = {self.dir}
''')
        lines = []
        for line in open(ROOT + '/usr/share/postfix/master.cf.dist'):
            word = line.split()
            if line[:1].isspace() or len(word) < 8 or word[0].startswith('#') or word[7] in ('pipe',):
                continue
            if word[0] == 'smtp' and word[1] == 'inet':
                word[0] = f'127.0.0.1:{port}'
            word[4] = 'n'
            lines.append(' '.join(word) + '\n')
        lines.append('postlog unix-dgram n - n - 1 postlogd\n')
        open(self.dir + '/conf/master.cf', 'w').writelines(lines)
        out = open(self.dir + '/out', 'w')
        self.process = subprocess.Popen([ROOT + '/usr/sbin/postfix', '-c', self.dir + '/conf', 'start-fg'], env=ENV, stdout=out, stderr=out, stdin=subprocess.DEVNULL)
        wait_port(port)
        self.pid = int(open(self.dir + '/spool/pid/master.pid').read())

    def waiting(self):
        """Messages in its queues."""
        return sum(len(f) for queue in ('hold', 'incoming', 'active', 'deferred') for _, _, f in os.walk(f'{self.dir}/spool/{queue}'))

    def clear(self):
        for d in ('hold', 'incoming', 'deferred', 'active'):
            shutil.rmtree(f'{self.dir}/spool/{d}', ignore_errors=True)
        subprocess.run([ROOT + '/usr/sbin/postfix', '-c', self.dir + '/conf', 'check'], env=ENV, capture_output=True)

    def stop(self):
        os.kill(self.pid, signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
        shutil.rmtree(self.dir, ignore_errors=True)


class Sink:
    """smtp-sink: takes everything, keeps nothing: the generator's ceiling. With counting, .messages is how many it has had, as it says itself after each, and .last when."""
    def __init__(self, port, counting=False):
        self.messages, self.last = 0, 0
        self.process = subprocess.Popen([ROOT + '/usr/sbin/smtp-sink', *(['-c'] if counting else []), '-u', 'daemon', '-m', '1000', f'127.0.0.1:{port}', '1024'], env=ENV,
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE if counting else subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.pid, self.port = self.process.pid, port
        if counting:
            self.reader = threading.Thread(target=self.count, daemon=True)
            self.reader.start()
        wait_port(port)

    def count(self):
        fd = self.process.stdout.fileno()
        while text := os.read(fd, 65536):
            found = re.findall(rb'mesg=(\d+)\s*\r', text)
            if found and int(found[-1]) != self.messages:
                self.messages, self.last = int(found[-1]), time.monotonic()

    def stop(self):
        self.process.terminate()
        self.process.wait()


def source(port, sessions, messages, size, keep, to, seconds=120):
    """Runs smtp-source; wall seconds. Raises when it reports anything."""
    argv = [ROOT + '/usr/sbin/smtp-source', '-s', str(sessions), '-m', str(messages), '-l', str(size), '-f', 'sender@client.test', '-t', to, '-C', '100'] + (['-d'] if keep else []) + [f'127.0.0.1:{port}']
    t = time.monotonic()
    r = subprocess.run(argv, env=ENV, capture_output=True, text=True, timeout=seconds)
    wall = time.monotonic() - t
    if r.returncode or r.stderr.strip():
        raise RuntimeError(f'smtp-source: {r.stderr.strip()[-300:]}')
    return wall
