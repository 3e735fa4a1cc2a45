# SPDX-License-Identifier: ISC
"""Names: penny probe mx against a real name server that signs its zones."""
import json, tempfile
from dns_server import NameServer
from harness import *

TLSA = '3 1 1 ' + '00112233445566778899aabbccddeeff' * 2
ZONES = {
    'test': '',
    'one.test': '@ MX 10 mx1\n@ MX 20 mx2\n@ MX 30 gone\nmx1 A 192.0.2.1\nmx1 AAAA 2001:db8::1\nmx2 CNAME mx1\n_25._tcp.mx1 TLSA ' + TLSA
                + '\nnull MX 0 .\nhere MX 5 local\nlocal A 10.9.8.7\nloop MX 5 lo\nlo A 127.0.0.1\nme MX 5 mail.own.test.\nxn--bcher-kva MX 1 mx1\n',
    'plain.test': '@ A 192.0.2.9\n',
}


def probe(config, *args, status=0):
    with tempfile.TemporaryDirectory() as top:
        conf = top + '/penny.conf'
        with open(conf, 'w') as f:
            f.write('hostname mail.own.test\n' + config)
        env = dict(os.environ, PENNY_CONFIG=conf, PENNY_DIR=top + '/data', NO_COLOR='1', COLUMNS='200')
        r = subprocess.run([PENNY, 'probe', 'mx', *args], env=env, capture_output=True, text=True, timeout=60)
        equal(r.returncode, status, f'status of probe mx {args}: {r.stdout}{r.stderr}')
        return r.stdout


def test_probe_mx():
    with NameServer(ZONES, signed=('test', 'one.test')) as dns:
        config = f'dns server {dns.address}\ndns anchor {dns.anchors}\n'
        out = json.loads(probe(config, '--json', 'someone@one.test'))
        equal([out['domain'], out['outcome'], out['mx_secure'], out['site']], ['one.test', 'done', True, 'gone.one.test,mx1.one.test,mx2.one.test'], 'the look-up')
        hosts = {h['host']: h for h in out['hosts']}
        equal(hosts['mx1.one.test']['addresses'], ['2001:db8::1', '192.0.2.1'], 'IPv6 and IPv4 take turns')
        equal([hosts['mx1.one.test'][k] for k in ('secure', 'dane', 'tlsa_base')], [True, 'usable', 'mx1.one.test'], 'DANE')
        equal([hosts['mx2.one.test'][k] for k in ('canonical', 'dane', 'tlsa_base')], ['mx1.one.test', 'usable', 'mx1.one.test'], 'DANE of an alias')
        equal([hosts['gone.one.test'][k] for k in ('state', 'status')], ['unusable', '5.4.4'], 'a host that is not there')
        table = probe(config, 'one.test')
        expect('one.test: MX, proved by DNSSEC' in table and 'usable at mx1.one.test' in table, table)
        expect('no MX, so the domain is its own host' in probe(config, 'plain.test'), 'implicit')
        expect('5.1.10' in probe(config, 'null.one.test', status=1), 'null MX')
        expect('5.1.2' in probe(config, 'nothing.one.test', status=1), 'no such domain')
        expect('5.4.4' in probe(config, 'here.one.test', status=1), 'to a private address')
        expect('5.4.6' in probe(config, 'loop.one.test', status=1), 'to loopback, where this machine listens')
        expect('10.9.8.7' in probe(config + 'mx-private on\n', 'here.one.test'), 'to a private address, allowed')
        expect('5.4.6' in probe(config, 'me.one.test', status=1), 'to itself')
        expect('mx1.one.test' in probe(config, 'bücher.one.test'), 'a name in Unicode')
        expect('[192.0.2.7]' in probe(config, '[192.0.2.7]'), 'a literal')
        # Another key than the zones are signed with: nothing is believed, and nothing is refused for good.
        wrong = dns.dir + '/wrong'
        with open(wrong, 'w') as f:
            f.write('test. DS 1 13 2 ' + '00' * 32 + '\n')
        out = probe(f'dns server {dns.address}\ndns anchor {wrong}\n', 'one.test', status=75)
        expect('4.4.3' in out and 'signatures' in out, out)
        out = json.loads(probe(f'dns server {dns.address}\ndns validation off\n', '--json', 'one.test'))
        expect(not out['mx_secure'] and all(h['dane'] == 'none' for h in out['hosts']), f'without validation: {out}')


def test_reload_of_name_servers():
    with NameServer(ZONES, signed=('test', 'one.test')) as dns:
        with Penny(config=f'dns server {dns.address}\ndns anchor {dns.anchors}\n') as p:
            expect(f'forwards to 127.0.0.1@{dns.port}, validates with 1 trust anchor' in p.log_text(), 'whom it asks')
            before = p.roles()['dns']
            p.configure(f'dns server {dns.address}\ndns anchor /nowhere/at/all\n')
            r = p.cmd('reload', check=False)
            expect(r.returncode != 0 and '/nowhere/at/all' in r.stdout + r.stderr, f'the file is not there: {r}')
            with open(dns.dir + '/broken', 'w') as f:
                f.write('test. DS nonsense\n')
            p.configure(f'dns server {dns.address}\ndns anchor {dns.dir}/broken\n')
            r = p.cmd('reload', check=False)
            expect(r.returncode != 0 and 'test. DS nonsense' in r.stdout + r.stderr, f'a broken anchor: {r}')
            equal(p.roles()['dns'], before, 'the old one goes on')
            at = os.path.getsize(p.log)
            p.configure(f'dns server {dns.address}\n')
            p.cmd('reload')
            until(lambda: 'validates with 2 trust anchors' in p.log_text(at), 10, 'the new one holds')
            equal(p.roles()['dns'], before, 'in the same process')
            # A port that its sandbox does not let through: the role begins anew.
            p.configure('dns server 127.0.0.1:5399\n')
            p.cmd('reload')
            until(lambda: p.roles().get('dns', before) != before, 10, 'the role is started anew')
            until(lambda: '127.0.0.1@5399' in p.log_text(at), 10, 'with the new server')
