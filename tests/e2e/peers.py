# SPDX-License-Identifier: ISC
"""Postfix with its load generator, Exim and OpenSMTPD, unpacked from Debian's packages under build/peers and run from there: nothing is installed, no service is started, nothing outside is touched.
The shared libraries that they need are in tools/deps (peers)."""
import email, email.policy, glob, os, re, shutil, signal, smtplib, socket, ssl, subprocess, threading, time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
MAIL = 1  # uid and gid of "daemon", which every Debian has: whom the mailboxes belong to


def place():
    """build/peers; the daemons run as somebody else, so where others may not go (below /root, say) it is a folder of our own in /tmp."""
    path = os.path.join(TOP, 'build', 'peers')
    parents = [path.rsplit('/', n)[0] or '/' for n in range(2, path.count('/') + 1)]
    if all(os.stat(p).st_mode & 1 for p in parents):
        return path
    path = f'/tmp/penny-peers-{os.getuid()}'
    os.makedirs(path, 0o755, exist_ok=True)
    if os.path.islink(path) or os.stat(path).st_uid != os.getuid():
        raise RuntimeError(f'{path} is not ours')
    return path


PEERS = place()


def unpack(package):
    """Fetches and unpacks once; the folder that is its root."""
    top = f'{PEERS}/{package}'
    if not os.path.exists(top + '/root/usr'):
        shutil.rmtree(top, ignore_errors=True)
        os.makedirs(top)
        fetch = lambda: subprocess.run(['apt-get', 'download', '-qq', package], cwd=top, capture_output=True, text=True)
        r = fetch()
        if r.returncode:  # a fresh machine has no package lists
            subprocess.run(['apt-get', 'update', '-qq'], capture_output=True)
            r = fetch()
        if r.returncode:
            raise RuntimeError(f'{package} cannot be fetched: {r.stderr.strip()[-300:]}')
        subprocess.run(['dpkg-deb', '-x', *glob.glob(top + '/*.deb'), top + '/root'], check=True)
    return top + '/root'


def version(package='postfix'):
    return subprocess.run(['dpkg-deb', '-f', *glob.glob(f'{PEERS}/{package}/*.deb')[:1], 'Version'], capture_output=True, text=True).stdout.strip()


def wait_port(port, process=None, seconds=30):
    end = time.monotonic() + seconds
    while True:
        try:
            with socket.create_connection(('127.0.0.1', port), 2) as s:
                s.settimeout(10)
                if s.recv(3) == b'220':
                    return
        except OSError:
            pass
        if time.monotonic() > end or process and process.poll() is not None:
            raise RuntimeError(f'nothing greets on port {port}')
        time.sleep(0.01)


class Peer:
    """What the three have in common: a directory, a process on 127.0.0.1, maildirs of its users, a log."""

    def __init__(self, package, port):
        self.root, self.port, self.process = unpack(package), port, None
        self.dir = f'{PEERS}/run-{package}-{port}'
        shutil.rmtree(self.dir, ignore_errors=True)
        os.makedirs(self.dir + '/mail')
        shutil.chown(self.dir + '/mail', MAIL, MAIL)
        self.start()

    def certificate(self, name):
        """PEM files of a key and a certificate that it signs itself."""
        cert, key = self.dir + '/cert.pem', self.dir + '/key.pem'
        subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', key, '-out', cert, '-days', '30', '-subj', f'/CN={name}'],
                       check=True, capture_output=True)
        return cert, key

    def run(self, argv, env=None):
        """In the foreground, so that it can be stopped by its id."""
        with open(self.dir + '/out', 'w') as out:
            self.process = subprocess.Popen(argv, env=env, stdout=out, stderr=out, stdin=subprocess.DEVNULL)
        try:
            wait_port(self.port, self.process)
        except RuntimeError as e:
            self.stop()
            raise RuntimeError(f'{e}: {open(self.dir + "/out").read()[-1000:]}{self.log()[-1000:]}') from None

    def mailbox(self, user):
        """All messages in a maildir of its own, oldest first."""
        paths = sorted(glob.glob(f'{self.dir}/mail/{user}/new/*'), key=os.path.getmtime)
        return [email.message_from_bytes(open(p, 'rb').read(), policy=email.policy.default) for p in paths]

    def submit(self, sender, rcpts, message, mail_options=(), rcpt_options=()):
        with smtplib.SMTP('127.0.0.1', self.port, timeout=60, local_hostname='client.test') as s:
            s.ehlo()
            if s.has_extn('starttls'):
                s.starttls(context=ssl._create_unverified_context())
            return s.sendmail(sender, rcpts, message, mail_options, rcpt_options)

    def log(self):
        return ''.join(open(p, errors='replace').read() for p in glob.glob(self.dir + '/log*') if os.path.isfile(p))

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
        shutil.rmtree(self.dir, ignore_errors=True)


# ---- Postfix ----

def lib():
    return unpack('postfix') + '/usr/lib/postfix'


def env():
    return dict(os.environ, LD_LIBRARY_PATH=lib())


class Postfix(Peer):
    """Postfix with lines of main.cf of the caller's."""

    def __init__(self, port, main='', files=None):
        self.main, self.files = main, files or {}
        super().__init__('postfix', port)

    def start(self):
        for d in ('conf', 'spool', 'data'):
            os.makedirs(f'{self.dir}/{d}')
        shutil.chown(self.dir + '/data', 'daemon')
        for name, text in self.files.items():
            with open(f'{self.dir}/conf/{name}', 'w') as f:
                f.write(text)
        with open(self.dir + '/conf/main.cf', 'w') as f:
            f.write(f'''compatibility_level = 3.6
queue_directory = {self.dir}/spool
data_directory = {self.dir}/data
daemon_directory = {lib()}/sbin
command_directory = {self.root}/usr/sbin
shlib_directory = {lib()}
meta_directory = {self.root}/etc/postfix
sendmail_path = {self.root}/usr/sbin/sendmail
newaliases_path = {self.root}/usr/bin/newaliases
mailq_path = {self.root}/usr/bin/mailq
mail_owner = daemon
setgid_group = mail
import_environment = MAIL_CONFIG MAIL_DEBUG MAIL_LOGTAG TZ LANG=C LD_LIBRARY_PATH={lib()}
export_environment = TZ LANG=C MAIL_CONFIG LD_LIBRARY_PATH={lib()}
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mydestination = localhost
alias_maps =
alias_database =
mynetworks = 127.0.0.0/8
smtpd_client_connection_count_limit = 0
default_process_limit = 600
maillog_file = {self.dir}/log
maillog_file_prefixes = {self.dir}
{self.main.replace("$DIR", self.dir)}
''')
        lines = []
        for line in open(self.root + '/usr/share/postfix/master.cf.dist'):
            word = line.split()
            if line[:1].isspace() or len(word) < 8 or word[0].startswith('#') or word[7] in ('pipe',):
                continue
            if word[0] == 'smtp' and word[1] == 'inet':
                word[0] = f'127.0.0.1:{self.port}'
            word[4] = 'n'
            lines.append(' '.join(word) + '\n')
        if not any(line.startswith('postlog ') for line in lines):
            lines.append('postlog unix-dgram n - n - 1 postlogd\n')
        with open(self.dir + '/conf/master.cf', 'w') as f:
            f.writelines(lines)
        self.run([self.root + '/usr/sbin/postfix', '-c', self.dir + '/conf', 'start-fg'], env())
        self.pid = int(open(self.dir + '/spool/pid/master.pid').read())

    def waiting(self):
        """Messages in its queues."""
        return sum(len(f) for queue in ('hold', 'incoming', 'active', 'deferred') for _, _, f in os.walk(f'{self.dir}/spool/{queue}'))

    def clear(self):
        for d in ('hold', 'incoming', 'deferred', 'active'):
            shutil.rmtree(f'{self.dir}/spool/{d}', ignore_errors=True)
        subprocess.run([self.root + '/usr/sbin/postfix', '-c', self.dir + '/conf', 'check'], env=env(), capture_output=True)

    def stop(self):
        if self.process.poll() is None and os.path.exists(self.dir + '/spool/pid/master.pid'):
            os.kill(int(open(self.dir + '/spool/pid/master.pid').read()), signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                pass
        super().stop()


class PostfixMta(Postfix):
    """Postfix as a whole MTA: maildirs for users of a domain, {domain: port of 127.0.0.1} for the rest of the world, STARTTLS both ways."""

    def __init__(self, port, domain, users, routes):
        self.domain = domain
        super().__init__(port, f"""myhostname = mx.{domain}
virtual_mailbox_domains = {domain}
virtual_mailbox_base = $DIR/mail
virtual_mailbox_maps = texthash:$DIR/conf/users
virtual_minimum_uid = 1
virtual_uid_maps = static:{MAIL}
virtual_gid_maps = static:{MAIL}
transport_maps = texthash:$DIR/conf/routes
smtpd_tls_cert_file = $DIR/cert.pem
smtpd_tls_key_file = $DIR/key.pem
smtpd_tls_security_level = may
smtpd_tls_received_header = yes
smtp_tls_security_level = encrypt
smtputf8_enable = yes
""", {'users': ''.join(f'{u}@{domain} {u}/\n' for u in users), 'routes': ''.join(f'{d} smtp:[127.0.0.1]:{p}\n' for d, p in routes.items())})

    def start(self):
        self.certificate(f'mx.{self.domain}')
        super().start()


# ---- Exim ----

def view(root, etc, var):
    """Words before a command that is to see a file system in which a package is installed: its /usr and an /etc of its own over ours, another /var; in a mount name space of its own."""
    mounts = f'mount -t overlay view -o "lowerdir={root}/usr:/usr" /usr; mount -t overlay view -o "lowerdir={etc}:/etc" /etc; mount --bind "{var}" /var; exec "$@"'
    return ['unshare', '--mount', 'sh', '-ec', mounts, 'sh']


def accounts(etc, names):
    """/etc/passwd and /etc/group with more users, whose numbers nobody has."""
    for file, line in (('passwd', '{0}:x:{1}:{1}::/nonexistent:/usr/sbin/nologin\n'), ('group', '{0}:x:{1}:\n')):
        with open(f'/etc/{file}') as old, open(f'{etc}/{file}', 'w') as new:
            new.write(old.read() + ''.join(line.format(name, 64990 + i) for i, name in enumerate(names)))


class Exim(Peer):
    """Exim as a whole MTA, in the same terms as PostfixMta. Its binary has its paths and its user compiled in, so it runs in a view of its own (root only)."""

    def __init__(self, port, domain, users, routes):
        self.domain, self.users, self.routes = domain, users, routes
        super().__init__('exim4-daemon-light', port)

    def start(self):
        etc, var = self.dir + '/etc', self.dir + '/var'
        for d in (etc + '/exim4', var + '/spool/exim4', self.dir + '/logs'):
            os.makedirs(d)
        accounts(etc, ['Debian-exim'])
        for d in (var + '/spool/exim4', self.dir + '/logs'):
            os.chown(d, 64990, 64990)
        cert, key = self.certificate(f'mx.{self.domain}')
        os.chmod(key, 0o644)
        with open(etc + '/exim4/exim4.conf', 'w') as f:
            f.write(f"""primary_hostname = mx.{self.domain}
spool_directory = /var/spool/exim4
log_file_path = {self.dir}/logs/%slog
log_selector = +pipelining +tls_cipher +received_recipients +smtp_confirmation
local_interfaces = 127.0.0.1
daemon_smtp_ports = {self.port}
queue_run_max = 5
timezone = UTC
tls_advertise_hosts = *
tls_certificate = {cert}
tls_privatekey = {key}
dsn_advertise_hosts = *
smtputf8_advertise_hosts = *
chunking_advertise_hosts = *
allow_utf8_domains
acl_smtp_rcpt = check_rcpt
acl_smtp_data = accept
begin acl
check_rcpt:
  accept domains = {self.domain}
         local_parts = {' : '.join(self.users)}
  deny domains = {self.domain}
       message = no such person here
  accept
begin routers
here:
  driver = accept
  domains = {self.domain}
  local_parts = {' : '.join(self.users)}
  transport = maildir
  no_more
there:
  driver = manualroute
  transport = smtp
  route_list = {' ; '.join(f'{d} 127.0.0.1::{p}' for d, p in self.routes.items())}
  self = send
begin transports
maildir:
  driver = appendfile
  directory = {self.dir}/mail/${{bless:$local_part}}
  maildir_format
  create_directory
  create_file = anywhere
  user = {MAIL}
  group = {MAIL}
smtp:
  driver = smtp
  hosts_require_tls = *
  tls_verify_hosts =
  tls_try_verify_hosts =
begin retry
* * F,1h,5s
""".replace('${bless:$local_part}', f"${{lookup{{$local_part}}lsearch{{{etc}/users}}}}"))
        with open(etc + '/users', 'w') as f:
            f.write(''.join(f'{u}: {u}\n' for u in self.users))
        self.run([*view(self.root, etc, var), '/usr/sbin/exim4', '-bdf', '-q5s'])

    def log(self):
        return ''.join(open(p, errors='replace').read() for p in sorted(glob.glob(self.dir + '/logs/*')))


class OpenSmtpd(Peer):
    """OpenSMTPD, in the same terms and in a view of its own too. It knows neither PIPELINING nor SMTPUTF8; as a server it goes without TLS here (the engine that holds its key does not
    work with OpenSSL 3), as a client it insists on it."""

    def __init__(self, port, domain, users, routes):
        self.domain, self.users, self.routes = domain, users, routes
        super().__init__('opensmtpd', port)

    def start(self):
        etc, var = self.dir + '/etc', self.dir + '/var'
        for d in (etc, var + '/spool/smtpd', var + '/lib/opensmtpd/empty', var + '/run'):
            os.makedirs(d)
        os.chmod(var + '/spool/smtpd', 0o711)
        accounts(etc, ['opensmtpd', 'opensmtpq'])
        with open(etc + '/people', 'w') as f:
            f.write(''.join(f'{u} {MAIL}:{MAIL}:{self.dir}/mail/{u}\n' for u in self.users))
        with open(etc + '/smtpd.conf', 'w') as f:
            f.write(f"""table people file:/etc/people
listen on 127.0.0.1 port {self.port} hostname mx.{self.domain}
action here maildir "{self.dir}/mail/%{{dest.user}}" userbase <people>
match from any for domain "{self.domain}" action here
""" + ''.join(f'action to_{p} relay helo mx.{self.domain} host "smtp+tls://127.0.0.1:{p}" tls no-verify\nmatch from any for domain "{d}" action to_{p}\n' for d, p in self.routes.items()))
        self.run([*view(self.root, etc, var), '/usr/sbin/smtpd', '-dv', '-f', '/etc/smtpd.conf'])

    def log(self):
        return open(self.dir + '/out', errors='replace').read()


# ---- the load generator of Postfix ----

class Sink:
    """smtp-sink: takes everything, keeps nothing: the generator's ceiling. With counting, .messages is how many it has had, as it says itself after each, and .last when."""
    def __init__(self, port, counting=False):
        self.messages, self.last = 0, 0
        self.process = subprocess.Popen([unpack('postfix') + '/usr/sbin/smtp-sink', *(['-c'] if counting else []), '-u', 'daemon', '-m', '1000', f'127.0.0.1:{port}', '1024'], env=env(),
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
    argv = [unpack('postfix') + '/usr/sbin/smtp-source', '-s', str(sessions), '-m', str(messages), '-l', str(size), '-f', 'sender@client.test', '-t', to, '-C', '100'] + (['-d'] if keep else []) + [f'127.0.0.1:{port}']
    t = time.monotonic()
    r = subprocess.run(argv, env=env(), capture_output=True, text=True, timeout=seconds)
    wall = time.monotonic() - t
    if r.returncode or r.stderr.strip():
        raise RuntimeError(f'smtp-source: {r.stderr.strip()[-300:]}')
    return wall
