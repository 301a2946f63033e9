# SPDX-License-Identifier: LGPL-2.1-or-later
"""Daemons reached over TLS, TCP and ssh: our clients and Debian's, our daemon and Debian's; certificates that must not do."""
import contextlib
import errno
import os
import re
import shutil
import socket
import stat
import urllib.parse

import pytest

import support
from networked import CLIENTS, ask, free_port, server_conf
from support import tree


@pytest.mark.parametrize('who', CLIENTS)
@pytest.mark.parametrize('way', ['tls', 'tcp'])
def test_a_whole_life(listening, tmp_path, who, way):
    daemon = listening()
    uri = daemon.tls() if way == 'tls' else daemon.tcp
    name, much = f'far-{who}', 'x' * 1_000_000      # through full sockets, both ways
    text = support.domain_xml(name).replace('<memory', f'<description>{much}</description><memory', 1)
    ask(daemon, uri, 'define', support.written(tmp_path, text), who=who, check=True)
    assert ask(daemon, uri, 'list', '--all', '--name', who=who, check=True).stdout.split() == [name]
    assert ask(daemon, uri, 'capabilities', who=who, check=True).stdout == daemon.virsh('capabilities')
    seen = ask(daemon, uri, '; '.join(['dumpxml ' + name] * 3), who=who, check=True).stdout
    assert seen.count(much) == 3
    ask(daemon, uri, 'undefine', name, who=who, check=True)


@pytest.mark.parametrize('ours', [True, False])
def test_secure_and_encrypted(listening, ours):
    daemon = listening()
    script = f'''
for address in uri, {daemon.tls()!r}, {daemon.tcp!r}:
    conn = libvirt.open(address)
    print(conn.isSecure(), conn.isEncrypted(), conn.isAlive())
'''
    assert daemon.python(script, ours=ours).splitlines() == ['1 0 1', '1 1 1', '0 0 1']


def test_events_come_over_tls(listening):
    daemon = listening()
    out = daemon.python(f'''
libvirt.virEventRegisterDefaultImpl()
conn, seen = libvirt.open({daemon.tls()!r}), []
conn.domainEventRegisterAny(None, libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE, lambda c, d, e, *_: seen.append((d.name(), e)), None)
conn.defineXML({support.domain_xml('told')!r}).undefine()
while len(seen) < 2:
    libvirt.virEventRunDefaultImpl()
print(seen)
''', ours=True)
    assert out.strip() == "[('told', 0), ('told', 1)]"


def test_descriptors_stay_on_the_host(listening):
    daemon = listening()
    daemon.virsh('define', support.written(daemon.root, support.domain_xml('here')))
    out = daemon.python(f'''
import socket
here, there = socket.socketpair()
for address in {daemon.tls()!r}, {daemon.tcp!r}:
    conn = libvirt.open(address)
    try:
        conn.lookupByName('here').openGraphics(0, there.fileno())
    except libvirt.libvirtError as e:
        print(e.get_error_code(), conn.isAlive())
''', ours=True)
    assert out.splitlines() == ['84 1', '84 1']     # VIR_ERR_OPERATION_UNSUPPORTED


def test_same_error_codes_as_debian(listening):
    daemon = listening()
    uris = ['qemu+tcp://127.0.0.1:1/system', 'qemu+nosuch://h/system', 'qemu+ext:///system', 'qemu+unix://h/system',
            'qemu+ssh://h/system?proxy=odd', 'qemu+ssh://h/system?command=/bin/false', daemon.tls('foreign'), daemon.tls('missing'),
            daemon.tls(host='127.0.0.2'), daemon.tls(more='&tls_priority=NONSENSE'), daemon.tcp.replace('tcp', 'tls'),
            daemon.tls().replace('tls', 'tcp')]
    script = f'''
for address in {uris!r}:
    try:
        libvirt.open(address)
        print(address, 'is open')
    except libvirt.libvirtError as e:
        print(address, e.get_error_code(), e.get_error_domain())
'''
    ours, debian = (daemon.python(script, ours=who).splitlines() for who in (True, False))
    assert ours == debian and len(ours) == len(uris) and not any('open' in line for line in ours)


# Folder of the server, folder of the client, host, what the client's error says.
REFUSED = [
    ('foreign', 'good', 'localhost', 'certificate is NOT trusted'),
    ('misnamed', 'good', 'localhost', 'does not match'),
    ('good', 'foreign', 'localhost', 'certificate is NOT trusted'),
    ('good', 'nobody', 'localhost', 'daemon\'s log tells why'),
    ('good', 'missing', 'localhost', 'missing/cacert.pem'),
    ('good', 'posing', 'localhost', 'posing/clientcert.pem failed validation'),
]


@pytest.mark.parametrize('server, client, host, text', REFUSED)
def test_certificates_that_do_not_do(listening, server, client, host, text):
    daemon = listening(server)
    done = ask(daemon, daemon.tls(client, host), 'uri')
    assert done.returncode == 1 and text in done.stderr
    assert 'Running hypervisor' in daemon.virsh('version')


@pytest.mark.parametrize('who', ['foreign', 'posing', 'nobody'])
def test_the_server_judges_by_itself(listening, who):
    """A client that checks nothing is refused all the same, and the log tells why."""
    daemon = listening()
    done = ask(daemon, daemon.tls(who, more='&no_verify=1&no_sanity=1'), 'uri')
    assert done.returncode == 1
    support.wait_for(lambda: "Failed to verify peer's certificate" in daemon.output(), what='the reason in the log')


def test_unverified_on_demand(listening):
    daemon = listening('foreign', extra='tls_no_verify_certificate = 1\n')
    assert ask(daemon, daemon.tls(more='&no_verify=1'), 'uri').returncode == 0
    assert ask(daemon, daemon.tls('nobody', more='&no_verify=1'), 'uri').returncode == 0


@pytest.mark.parametrize('who', CLIENTS)
def test_names_that_are_allowed(listening, who):
    daemon = listening(extra='tls_allowed_dn_list = [ "O=Us,*" ]\n')
    assert ask(daemon, daemon.tls(), 'uri', who=who).returncode == 0
    assert ask(daemon, daemon.tls('bob'), 'uri', who=who).returncode == 1
    assert 'O=Them,CN=bob' in daemon.output() and 'tls_allowed_dn_list' in daemon.output()
    nobody = listening(extra='tls_allowed_dn_list = [ ]\n')
    assert ask(nobody, nobody.tls(), 'uri', who=who).returncode == 1


@pytest.mark.parametrize('priority, text', [('NORMAL:-VERS-ALL:+VERS-TLS1.2', None), ('NONSENSE', 'NONSENSE'),
                                            ('NORMAL:-VERS-ALL:+VERS-TLS1.3', 'handshake failed')])
def test_priorities(listening, priority, text):
    daemon = listening(extra='tls_priority = "NORMAL:-VERS-ALL:+VERS-TLS1.2"\n')
    done = ask(daemon, daemon.tls(more=f'&tls_priority={priority}'), 'uri')
    assert (text in done.stderr) if text else done.returncode == 0


def admin_command(daemon, *words):
    return [tree.place(support.BUILD, 'virt-admin'), '-c', daemon.admin_uri, *words]


def admin(daemon, *words):
    return support.run(admin_command(daemon, *words), check=False)


def test_certificates_are_read_anew(listening, pki, tmp_path):
    folder = str(tmp_path / 'live')
    shutil.copytree(pki.path('good'), folder)
    daemon = listening(folder)
    assert ask(daemon, daemon.tls(), 'uri').returncode == 0
    shutil.copytree(pki.path('foreign'), folder, dirs_exist_ok=True)
    assert ask(daemon, daemon.tls(), 'uri').returncode == 0
    assert admin(daemon, 'server-update-tls', 'libvirtd').returncode == 0
    assert ask(daemon, daemon.tls('foreign'), 'uri').returncode == 0
    assert ask(daemon, daemon.tls(), 'uri').returncode == 1
    os.truncate(os.path.join(folder, 'servercert.pem'), 100)
    done = admin(daemon, 'server-update-tls', 'libvirtd')
    assert done.returncode == 1 and f'{folder}/servercert.pem' in done.stderr
    assert ask(daemon, daemon.tls('foreign'), 'uri').returncode == 0      # with what it had
    assert 'no tls service found' in admin(daemon, 'server-update-tls', 'admin').stderr


def test_client_info(listening):
    daemon = listening()
    daemon.python(f'''
import subprocess
conns = [libvirt.open({daemon.tcp!r}), libvirt.open({daemon.tls()!r})]
def ask(*words):
    return subprocess.run({admin_command(daemon)!r} + list(words), check=True, capture_output=True, text=True).stdout
for line in ask('client-list', 'libvirtd').splitlines()[2:]:
    if line.split():
        number, way = line.split()[:2]
        with open({daemon.root!r} + '/' + way, 'w') as f:
            f.write(ask('client-info', 'libvirtd', number))
''')
    def told(way):
        with open(os.path.join(daemon.root, way), encoding='utf-8') as f:
            return f.read()
    tcp, tls = told('tcp'), told('tls')
    assert 'transport      : tcp' in tcp and 'sock_addr      : 127.0.0.1:' in tcp and 'dname' not in tcp
    assert 'transport      : tls' in tls and 'tls_x509_dname : O=Us,CN=alice' in tls


def test_who_stalls_costs_nobody_else(listening):
    daemon = listening(extra='max_anonymous_clients = 5\n')
    with contextlib.ExitStack() as stack:
        silent = [stack.enter_context(socket.create_connection(('127.0.0.1', daemon.tls_port))) for _ in range(8)]
        silent[0].sendall(b'\x16\x03\x01\x40\x00')       # and one that begins
        support.wait_for(lambda: re.search(r'nclients_unauth *: 5$', admin(daemon, 'server-clients-info', 'libvirtd').stdout,
                                           re.M), what='five clients whose handshake is not done')
        assert 'Running hypervisor' in daemon.virsh('version')
        for connection in silent[:5]:
            connection.settimeout(30)
            assert connection.recv(100) == b''
    assert ask(daemon, daemon.tls(), 'uri').returncode == 0


@pytest.mark.parametrize('noise', [b'GET / HTTP/1.0\r\n\r\n', b'\x00' * 70000, b'\x16\x03\x03\x00\x05\x01\x00\x00\x01\x00', b''],
                         ids=['http', 'zeros', 'short', 'nothing'])
def test_noise_on_the_port(listening, noise):
    daemon = listening()
    with socket.create_connection(('127.0.0.1', daemon.tls_port)) as connection:
        connection.settimeout(30)
        try:
            connection.sendall(noise)
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(4096):
                pass
        except OSError as problem:      # it hung up before all was said
            assert problem.errno in (errno.EPIPE, errno.ECONNRESET, errno.ENOTCONN), problem
    assert ask(daemon, daemon.tls(), 'uri').returncode == 0


@pytest.mark.parametrize('change, text', [
    ('cert_file = "/nowhere/cert.pem"\n', '/nowhere/cert.pem'), ('ca_file = "/nowhere/ca.pem"\n', '/nowhere/ca.pem'),
    ('crl_file = "/nowhere/crl.pem"\n', '/nowhere/crl.pem'), ('tls_priority = "NONSENSE"\n', 'NONSENSE'),
    ('listen_addr = "192.0.2.1"\n', '192.0.2.1'), ('tls_port = "nosuchservice"\n', 'nosuchservice')])
def test_daemon_refuses_to_start(new_daemon, pki, change, text):
    lines = server_conf(pki.path('good'), free_port(), free_port()).splitlines()
    lines = [line for line in lines if line.split()[0] != change.split()[0]]
    daemon = new_daemon(config='\n'.join(lines) + '\n' + change, arguments=['--listen'])
    done = support.run(daemon.command(), check=False)
    assert done.returncode == 1 and text in done.stderr


def test_nobody_listens_unasked(new_daemon, pki):
    ports = free_port(), free_port()
    new_daemon(config=server_conf(pki.path('good'), *ports)).start()
    for port in ports:
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(('127.0.0.1', port))


@pytest.mark.parametrize('uri, text', [
    ('qemu+tcp://127.0.0.1:1/system', '127.0.0.1:1'), ('qemu+nosuch://localhost/system', 'nosuch'),
    ('qemu+libssh2://localhost/system', 'qemu+ssh'), ('qemu+unix://localhost/system', 'localhost'),
    ('qemu+ext:///system', 'command'), ('qemu+ssh://localhost/system?proxy=odd', 'odd'),
    ('qemu+ssh://localhost/system?command=/nowhere/ssh', '/nowhere/ssh')])
def test_ways_that_lead_nowhere(daemon, uri, text):
    done = ask(daemon, uri, 'uri')
    assert done.returncode == 1 and text in done.stderr


def test_our_client_at_debians_daemon(pki, tmp_path):
    if not support.reference_root():
        pytest.skip('LIBVIRT_REFERENCE does not name a reference root, or not root')
    ports = free_port(), free_port()
    reference = support.ReferenceDaemon(str(tmp_path / 'r'), config=server_conf(pki.path('good'), *ports), binds=[pki.folder])
    reference.start()
    try:
        reference.crash()
        inside = ['nsenter', '-t', str(reference.init())]
        support.run(inside + ['--net', 'ip', 'link', 'set', 'lo', 'up'])
        support.run(inside + ['-a', 'libvirtd', '-d', '-l'])
        for uri in (f'qemu+tcp://127.0.0.1:{ports[1]}/system',
                    f'qemu+tls://localhost:{ports[0]}/system?pkipath={pki.path("good")}'):
            out = support.run(inside + ['--net', tree.place(support.BUILD, 'virsh'), '-c', uri, 'version']).stdout
            assert 'Running hypervisor: QEMU' in out
        refused = support.run(inside + ['--net', tree.place(support.BUILD, 'virsh'), '-c',
                                        f'qemu+tls://localhost:{ports[0]}/system?no_verify=1&no_sanity=1&'
                                        f'pkipath={pki.path("foreign")}', 'version'], check=False)
        assert refused.returncode == 1
    finally:
        reference.clean()


# ssh: a script in its place, which runs what the far host would run

def script(path, text):
    path.write_text(text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


@pytest.fixture
def fake_ssh(tmp_path, daemon):
    """Stands for ssh; leaves its arguments in `words`, and those of the program at the far end in `far`."""
    bridge = script(tmp_path / 'bridge', f'''#!{support.PYTHON}
import os, socket, sys, threading
if sys.argv[1:] in (['-q'], ['-h']):
    sys.exit('unknown option')
with open({str(tmp_path / "far")!r}, 'w') as f:
    f.write(repr([os.path.basename(sys.argv[0])] + sys.argv[1:]))
there = socket.socket(socket.AF_UNIX)
there.connect({daemon.socket!r})
def pump(read, write):
    while data := read(65536):
        write(data)
    os._exit(0)
threading.Thread(target=pump, args=(there.recv, lambda data: os.write(1, data))).start()
pump(lambda n: os.read(0, n), there.sendall)
''')
    for name in ('virt-ssh-helper', 'nc'):
        (tmp_path / name).symlink_to(bridge)
    return script(tmp_path / 'ssh', f'''#!{support.PYTHON}
import os, sys
with open({str(tmp_path / "words")!r}, 'w') as f:
    f.write(repr(sys.argv[1:-1]))
os.environ['PATH'] = {str(tmp_path)!r} + ':' + os.environ['PATH']
os.execvp('sh', ['sh', '-c', sys.argv[-1]])
''')


def through(fake, more='', where='joe@far:2222'):
    return f'qemu+ssh://{where}/system?command={urllib.parse.quote(str(fake))}{more}'


@pytest.mark.parametrize('more, words, far', [
    ('', ['-T', '-p', '2222', '-l', 'joe', '-e', 'none', '--', 'far'], ['virt-ssh-helper', 'qemu:///system']),
    ('&keyfile=/k&no_tty=1&no_verify=1', ['-T', '-p', '2222', '-l', 'joe', '-i', '/k', '-e', 'none', '-o', 'BatchMode=yes', '-o',
                                          'StrictHostKeyChecking=no', '--', 'far'], ['virt-ssh-helper', 'qemu:///system']),
    ('&proxy=native', None, ['virt-ssh-helper', 'qemu:///system']),
    ('&proxy=netcat', None, ['nc', '-U', '/var/run/libvirt/libvirt-sock']),
    ('&netcat=nc&socket=/a%20b', None, ['nc', '-U', '/a b']),
    ('&socket=/x%27$(id)', None, ['nc', '-U', "/x'$(id)"]),
])
def test_ssh(daemon, fake_ssh, tmp_path, more, words, far):
    done = ask(daemon, through(fake_ssh, more), 'list', '--all')
    assert done.returncode == 0, done.stderr
    assert words is None or eval((tmp_path / 'words').read_text()) == words
    assert eval((tmp_path / 'far').read_text()) == far


def test_ssh_to_a_host_that_looks_like_an_option(daemon, fake_ssh, tmp_path):
    ask(daemon, through(fake_ssh, where='-oProxyCommand=x'), 'list')
    if (tmp_path / 'words').exists():
        assert eval((tmp_path / 'words').read_text())[-2] == '--'


def test_what_ssh_says_is_in_the_error(daemon, tmp_path):
    fake = script(tmp_path / 'ssh', '#!/bin/sh\necho "joe@far: Permission denied (publickey)." >&2\nexit 255\n')
    done = ask(daemon, through(fake), 'uri')
    assert done.returncode == 1 and 'Permission denied (publickey).' in done.stderr


@pytest.mark.parametrize('far, text', [
    ('', "'nc' is not on the far host: install virt-ssh-helper there, which comes with libvirt, or netcat-openbsd"),
    ('echo "[v1.10-47]" >&2\necho "connect to somewhere: nc [-options] hostname port[s]" >&2', "'nc' of the far host is netcat-traditional")])
def test_nothing_connects_at_the_far_end(daemon, tmp_path, far, text):
    """A host with neither helper nor a netcat that knows UNIX sockets says so, and what to install."""
    there = tmp_path / 'bin'
    there.mkdir()
    for name in ('sh', 'grep'):
        (there / name).symlink_to(shutil.which(name))
    if far:
        script(there / 'nc', f'#!/bin/sh\n{far}\n')
    fake = script(tmp_path / 'ssh', f'#!{support.PYTHON}\nimport os, sys\nos.execve("/bin/sh", ["sh", "-c", sys.argv[-1]], {{"PATH": "{there}"}})\n')
    done = ask(daemon, through(fake), 'uri')
    assert done.returncode == 1 and text in done.stderr, done.stderr


def test_the_tunnel_ends_with_the_connection(daemon, fake_ssh, tmp_path):
    daemon.python(f'''
import os, subprocess
def children():
    with open(f'/proc/{{os.getpid()}}/task/{{os.getpid()}}/children') as f:
        return f.read().split()
conn = libvirt.open({through(fake_ssh)!r})
assert len(children()) == 1 and not conn.isEncrypted() - 1
conn.close()
assert children() == []
''', ours=True)


def test_ext_runs_a_program(daemon, fake_ssh, tmp_path):
    assert ask(daemon, f'qemu+ext:///system?command={tmp_path}/bridge', 'list', '--all').returncode == 0
