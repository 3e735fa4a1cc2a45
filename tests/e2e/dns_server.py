# SPDX-License-Identifier: ISC
"""A real name server (knotd) on loopback with zones of the test's own, signed by itself where wanted; stopped by its process."""
import os, shutil, socket, subprocess, tempfile, time

PATH = '/usr/sbin:/usr/local/sbin:' + os.environ.get('PATH', '/usr/bin:/bin')


def free_port():
    """For TCP and UDP."""
    for _ in range(50):
        with socket.socket() as t, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as u:
            t.bind(('127.0.0.1', 0))
            port = t.getsockname()[1]
            try:
                u.bind(('127.0.0.1', port))
                return port
            except OSError:
                pass
    raise OSError('no free port')


class NameServer:
    """NameServer({'one.test': 'text', …}, signed=('one.test', …)): zones as text behind their SOA and NS; of signed ones below 'parent' the DS is put there.
    .address for "dns server", .anchors: a file for "dns anchor" that trusts every signed zone without a signed parent here."""

    def __init__(self, zones, signed=(), address='127.0.0.1', port=None):
        self.zones, self.signed = dict(zones), set(signed)
        self.host, self.port = address, port or free_port()
        self.address = f'{self.host}:{self.port}'
        self.dir = tempfile.mkdtemp(prefix='penny-dns-')
        os.chmod(self.dir, 0o755)
        self.conf = self.dir + '/knot.conf'
        self.anchors = self.dir + '/anchors'
        self.process = None

    def tool(self, *args):
        return subprocess.run(args, env=dict(os.environ, PATH=PATH), capture_output=True, text=True, timeout=30, check=True).stdout

    def write_zone(self, zone):
        serial = int(time.time() * 10) % 2 ** 31
        with open(f'{self.dir}/{zone}.zone', 'w') as f:
            f.write(f'$ORIGIN {zone}.\n$TTL 5\n@ SOA ns admin {serial} 3600 600 86400 5\n@ NS ns\nns A {self.host}\n{self.zones[zone]}\n')
            for child, ds in self.delegations(zone):
                f.write(f'{child}. NS ns.{child}.\nns.{child}. A {self.host}\n{ds}\n')

    def parent(self, zone):
        above = [z for z in self.zones if zone != z and zone.endswith('.' + z)]
        return max(above, key=len, default=None)

    def ds(self, zone):
        return next(line for line in self.tool('keymgr', '-c', self.conf, zone, 'ds').splitlines() if line.split()[4] == '2') if zone in self.signed else ''

    def delegations(self, zone):
        return [(z, self.ds(z)) for z in self.zones if self.parent(z) == zone]

    def start(self):
        with open(self.conf, 'w') as f:
            f.write(f'server:\n    rundir: "{self.dir}"\n    listen: {self.host}@{self.port}\n    udp-workers: 1\n    tcp-workers: 1\n    background-workers: 1\n'
                    f'database:\n    storage: "{self.dir}"\n    journal-db-max-size: 20M\n    kasp-db-max-size: 20M\n    timer-db-max-size: 5M\n'
                    f'log:\n  - target: "{self.dir}/log"\n    any: info\n'
                    'policy:\n  - id: fast\n    algorithm: ecdsap256sha256\n    single-type-signing: on\n'
                    f'template:\n  - id: default\n    storage: "{self.dir}"\nzone:\n')
            for z in self.zones:
                f.write(f'  - domain: "{z}"\n    file: "{z}.zone"\n    zonefile-load: difference-no-serial\n    journal-content: all\n    zonefile-sync: -1\n')
                if z in self.signed:
                    f.write('    dnssec-signing: on\n    dnssec-policy: fast\n')
        for z in self.signed:
            self.tool('keymgr', '-c', self.conf, z, 'generate', 'algorithm=ecdsap256sha256', 'ksk=yes', 'zsk=yes')
        for z in self.zones:
            self.write_zone(z)
        with open(self.anchors, 'w') as f:
            f.write('; trust anchors of a test\n' + ''.join(self.ds(z) + '\n' for z in self.signed if self.parent(z) not in self.signed))
        self.process = subprocess.Popen(['knotd', '-c', self.conf], env=dict(os.environ, PATH=PATH), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        end = time.monotonic() + 15
        while not all(self.answers(z) for z in self.zones):
            if time.monotonic() > end or self.process.poll() is not None:
                raise OSError('knotd does not serve: ' + open(self.dir + '/log').read()[-2000:])
            time.sleep(0.05)
        return self

    def answers(self, zone):
        q = b'\x12\x34\0\0\0\1\0\0\0\0\0\0' + b''.join(bytes([len(p)]) + p.encode() for p in zone.split('.')) + b'\0\0\x06\0\1'
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.settimeout(0.2)
            try:
                s.sendto(q, (self.host, self.port))
                a = s.recv(512)
                return a[3] & 15 == 0 and a[7] > 0
            except OSError:
                return False

    def change(self, zone, text):
        """Another text holds from now on."""
        self.zones[zone] = text
        self.write_zone(zone)
        self.tool('knotc', '-s', self.dir + '/knot.sock', '-b', 'zone-reload', zone)

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        shutil.rmtree(self.dir, ignore_errors=True)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()
