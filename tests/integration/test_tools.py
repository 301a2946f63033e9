# SPDX-License-Identifier: LGPL-2.1-or-later
# runner: cgroups
"""The small tools: their output, exit codes, and what they say of broken things."""
import json
import os
import signal
import socket
import subprocess
import tempfile
import time

import pytest

import support
import wire
from support import BUILD, domain_xml, run, tree, wait_for


SENDTO = '44' if os.uname().machine == 'x86_64' else '206'     # number of the system call


def tool(name):
    path = os.path.join(BUILD, 'tools', name)
    if not os.path.exists(path):
        pytest.skip(f'{name} is not built')
    return path


def call(name, *words, **options):
    return run([tool(name), *words], check=False, **options)


# What each says to these options: status, and a word of the output.
@pytest.mark.parametrize('name, words, status, said', [
    ('virt-host-validate', ['--help'], 0, 'syntax: '), ('virt-host-validate', ['-v'], 0, 'version: '),
    ('virt-host-validate', ['--bad'], 1, 'unrecognized option'), ('virt-host-validate', ['foo'], 1,
                                                                  'unsupported hypervisor name foo'),
    ('virt-host-validate', ['qemu', 'lxc'], 1, 'too many'), ('virt-host-validate', ['--format', 'x'], 1, 'text or json'),
    ('virt-pki-query-dn', ['--help'], 0, 'virt-pki-query-dn FILE'), ('virt-pki-query-dn', ['--version'], 0, '12.8.0'),
    ('virt-pki-query-dn', [], 1, 'Usage:'), ('virt-pki-query-dn', ['/nowhere'], 1, 'No such file'),
    ('virt-pki-query-dn', ['/dev/null', 'b'], 1, 'Usage:'), ('virt-pki-query-dn', ['/dev/null'], 1, 'PEM'),
    ('virt-pki-validate', ['-h'], 0, 'Usage:'), ('virt-pki-validate', ['-V'], 0, '(libvirt) 12.8.0'),
    ('virt-pki-validate', ['-x'], 1, 'invalid option'), ('virt-pki-validate', ['-p', '/nowhere'], 1, 'mkdir -m 755'),
    ('virt-qemu-run', ['-h'], 0, 'GUEST-XML-FILE'), ('virt-qemu-run', ['--bad'], 1, 'option parsing failed'),
    ('virt-qemu-run', [], 1, 'GUEST-XML-FILE'), ('virt-qemu-run', ['/nowhere'], 1, 'cannot read /nowhere'),
    ('virt-ssh-helper', ['-V'], 0, '(libvirt) 12.8.0'), ('virt-ssh-helper', [], 1, 'URI'),
    ('virt-ssh-helper', ['--bad'], 1, 'option parsing failed'),
    ('virt-ssh-helper', ['qemu+tcp://foo/system'], 1, 'unexpected URI transport'),
    ('virt-ssh-helper', ['qemu:///system?socket=/nowhere'], 1, 'cannot connect'),
    ('virt-qemu-qmp-proxy', ['-h'], 0, 'DOMAIN QMP-SOCK-PATH'), ('virt-qemu-qmp-proxy', [], 2, 'are needed'),
    ('virt-xml-validate', ['-h'], 0, 'XML-FILE'), ('virt-xml-validate', [], 1, 'syntax: '),
    ('virt-xml-validate', ['/nowhere'], 2, 'does not exist'),
])
def test_options(name, words, status, said):
    done = call(name, *words)
    assert done.returncode == status and said in done.stdout + done.stderr, done


# virt-host-validate

def make_host(root, files):
    for path, text in files.items():
        full = os.path.join(root, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, 'w', encoding='utf-8') as f:
            f.write(text)


NAMESPACES = {f'proc/self/ns/{name}': '' for name in ('ipc', 'mnt', 'pid', 'uts', 'net', 'user')}
GOOD_HOST = NAMESPACES | {
    'proc/cpuinfo': 'flags\t\t: fpu vmx svm sse\nfeatures : sie\n', 'dev/kvm': '', 'dev/vhost-net': '', 'dev/net/tun': '',
    'sys/fs/cgroup/cgroup.controllers': 'cpuset cpu io memory pids\n', 'sys/firmware/acpi/tables/DMAR': '',
    'sys/kernel/iommu_groups/0/type': '', 'sys/module/kvm_amd/parameters/sev': 'Y\n', 'sys/fs/fuse/connections/1/x': '',
}


def findings(root, *words):
    done = call('virt-host-validate', '--root', str(root), '--format', 'json', *words)
    found = {(kind['hypervisor'], check['check']): check for kind in json.loads(done.stdout) for check in kind['checks']}
    return done.returncode, found


def test_a_good_host(tmp_path):
    make_host(tmp_path, GOOD_HOST)
    status, found = findings(tmp_path)
    assert status == 0 and {check['result'] for check in found.values()} == {'pass'}
    assert ('qemu', 'if device /dev/kvm is accessible') in found and ('lxc', "for cgroup 'freezer' controller support") in found
    quiet = call('virt-host-validate', '--root', str(tmp_path), '-q')
    assert (quiet.returncode, quiet.stdout) == (0, '')


@pytest.mark.parametrize('missing, kind, check, result', [
    ('dev/kvm', 'qemu', 'if device /dev/kvm exists', 'fail'),
    ('proc/cpuinfo', 'qemu', 'for hardware virtualization', 'fail'),
    ('dev/vhost-net', 'qemu', 'if device /dev/vhost-net exists', 'warn'),
    ('dev/net/tun', 'qemu', 'if device /dev/net/tun exists', 'fail'),
    ('sys/fs/cgroup/cgroup.controllers', 'lxc', "for cgroup 'memory' controller support", 'fail'),
    ('sys/firmware/acpi/tables/DMAR', 'qemu', 'for device assignment IOMMU support', 'warn'),
    ('sys/kernel/iommu_groups/0/type', 'qemu', 'if IOMMU is enabled by kernel', 'warn'),
    ('sys/module/kvm_amd/parameters/sev', 'qemu', 'for secure guest support', 'warn'),
    ('proc/self/ns/user', 'lxc', 'for namespace user', 'fail'),
    ('sys/fs/fuse/connections/1/x', 'lxc', 'if device /sys/fs/fuse/connections exists', 'fail'),
])
def test_each_finding_has_a_remedy(tmp_path, missing, kind, check, result):
    make_host(tmp_path, {path: text for path, text in GOOD_HOST.items() if path != missing})
    status, found = findings(tmp_path, kind)
    assert found[kind, check]['result'] == result and len(found[kind, check]['remedy']) > 10
    assert status == (1 if result == 'fail' else 0)


def test_cgroup_v1_and_words(tmp_path):
    """A controller is a word of the mount options, not a part of one."""
    files = dict(GOOD_HOST)
    del files['sys/fs/cgroup/cgroup.controllers']
    files['proc/self/mounts'] = 'cgroup /sys/fs/cgroup/cpuset cgroup rw,relatime,cpuset,memory 0 0\n'
    make_host(tmp_path, files)
    _, found = findings(tmp_path, 'qemu')
    assert found['qemu', "for cgroup 'cpuset' controller support"]['result'] == 'pass'
    assert found['qemu', "for cgroup 'cpu' controller support"]['result'] == 'fail'


def test_host_validate_as_reference():
    """The same checks with the same results on this very machine, whatever it is."""
    if not support.have('virt-host-validate'):
        pytest.skip('libvirt-clients is not installed')
    theirs = run(['virt-host-validate'], check=False, env=support.foreign_environment())
    ours = call('virt-host-validate')

    def plain(text):
        return [line.split(' (')[0] for line in text.splitlines()]
    assert plain(ours.stdout) == plain(theirs.stdout) and ours.returncode == theirs.returncode


# virt-xml-validate

def validate(text, *words):
    return call('virt-xml-validate', '--schemas', os.path.join(BUILD, 'schema'), '-', *words, stdin=text)


def test_xml_validate():
    good = domain_xml('x')
    assert validate(good).returncode == 0 and '- validates' in validate(good).stderr
    assert validate(good, 'domain').returncode == 0
    bad = validate(good.replace('</name>', '</name><bogus/>'))
    assert bad.returncode == 3 and 'fails to validate' in bad.stderr and 'bogus' in bad.stderr
    assert 'cannot determine schema type' in validate('<foo/>').stderr and validate('<foo/>').returncode == 3
    assert validate('<foo').returncode == 3
    missing = validate(good, 'nosuch')
    assert missing.returncode == 4 and 'nosuch.rng does not exist' in missing.stderr


def test_xml_validate_knows_rules():
    """Two disks at one place: right by the grammar, wrong by the rules."""
    disk = "<disk type='file' device='disk'><source file='/a'/><target dev='vda' bus='virtio'/></disk>"
    done = validate(domain_xml('x', devices=disk + disk))
    assert done.returncode == 3 and 'error: domain' in done.stderr, done


# Certificates

@pytest.fixture(scope='module')
def pki():
    with tempfile.TemporaryDirectory() as folder:
        yield support.Pki(folder)


def test_query_dn(pki):
    assert call('virt-pki-query-dn', pki.path('libvirt/clientcert.pem')).stdout == 'O=Test,CN=the client\n'


def test_pki_validate(pki, tmp_path):
    done = call('virt-pki-validate', '-p', pki.folder)
    assert done.returncode == 0, done.stdout
    assert 'Found CA certificate' in done.stdout and 'Found server private key' in done.stdout

    def broken(change, said):
        copy = tmp_path / said.replace(' ', '')[:20]
        run(['cp', '-a', pki.folder, str(copy)])
        change(copy)
        result = call('virt-pki-validate', '--path', str(copy))
        assert said in result.stdout, result
        return result.returncode

    key, cert = 'libvirt/private/serverkey.pem', 'libvirt/servercert.pem'
    assert broken(lambda p: (p / key).unlink(), 'Missing server private key') == 1
    assert broken(lambda p: (p / key).chmod(0o644), 'as root do: chmod 0600') == 1
    assert broken(lambda p: (p / 'CA/cacert.pem').unlink(), 'Missing CA certificate') == 1
    assert broken(lambda p: (p / cert).write_text('junk'), 'is no certificate in PEM format') == 1
    assert broken(lambda p: (p / cert).unlink(), 'cannot act as a server') == 0
    assert broken(lambda p: (p / cert).write_bytes((p / 'libvirt/clientcert.pem').read_bytes()),
                  'does not belong to the server certificate') == 1
    other = support.Pki(tmp_path / 'other')
    assert broken(lambda p: (p / 'CA/cacert.pem').write_text(open(other.path('CA/cacert.pem'), encoding='ascii').read()),
                  'the CA did not sign it') == 1


# virt-ssh-helper

@pytest.mark.parametrize('readonly', [False, True])
def test_ssh_helper_carries_a_connection(daemon, protocol, readonly):
    """A whole connection through it; it ends when the client does."""
    ours, theirs = socket.socketpair()
    words = ['-r'] * readonly + [daemon.uri_ro if readonly else daemon.uri]
    with subprocess.Popen([tool('virt-ssh-helper'), *words], stdin=theirs, stdout=theirs) as process:
        theirs.close()
        with wire.Client(ours, protocol) as client:
            client.open()
            assert client.call('CONNECT_GET_LIB_VERSION')
        assert process.wait(20) == 0


# virt-qemu-run

def test_qemu_run_ends_with_signal(tmp_path):
    """It runs a guest below its own folder; a signal ends guest and program."""
    root = tmp_path / 'root'
    xml = support.written(tmp_path, domain_xml('alone', memory=32))
    env = dict(os.environ, LIBVIRT_DRIVER_DIR=tree.modules(BUILD))
    with subprocess.Popen([tool('virt-qemu-run'), '-v', '-r', str(root), xml], env=env, stderr=subprocess.PIPE,
                          text=True) as process:
        try:
            wait_for(lambda: support.guest_processes(str(root)), 60, 'the guest')
            process.send_signal(signal.SIGTERM)
            _, said = process.communicate(timeout=60)
        finally:
            process.kill()
            support.kill_guests(str(root))
    assert process.returncode == 0 and 'the VM has ended' in said, said
    assert not support.guest_processes(str(root))


def test_qemu_run_of_nonsense(tmp_path):
    env = dict(os.environ, LIBVIRT_DRIVER_DIR=tree.modules(BUILD))
    done = call('virt-qemu-run', '-r', str(tmp_path / 'root'), support.written(tmp_path, '<foo'), env=env)
    assert done.returncode == 1 and 'cannot start VM' in done.stderr


# virt-qemu-qmp-proxy

class Qmp:
    """A client of the proxy."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(20)
        wait_for(lambda: self.socket.connect_ex(path) == 0, 20, 'the proxy listening')
        self.file = self.socket.makefile('rw')

    def read(self):
        return json.loads(self.file.readline())

    def send(self, text):
        self.file.write(text)
        self.file.flush()

    def ask(self, text):
        self.send(text)
        while True:
            answer = self.read()
            if 'event' not in answer:
                return answer

    def close(self):
        self.file.close()
        self.socket.close()


def test_qmp_proxy(daemon, tmp_path):
    daemon.virsh('create', support.written(tmp_path, domain_xml('talks', memory=32)))
    path = str(tmp_path / 'qmp')
    with subprocess.Popen([tool('virt-qemu-qmp-proxy'), '-c', daemon.uri, 'talks', path]) as process:
        try:
            one, two = Qmp(path), Qmp(path)
            assert one.read()['QMP']['version']['qemu']['major'] >= 6
            assert one.ask('{"execute":"query-name"}')['error']['class'] == 'CommandNotFound'
            assert one.ask('{"execute":"qmp_capabilities","id":[1]}') == {'return': {}, 'id': [1]}
            assert one.ask('{"execute":\n "query-name", "id":{"a":"b"}}') == {'return': {'name': 'talks'}, 'id': {'a': 'b'}}
            assert 'error' in one.ask('{"execute":"no-such","id":7}')
            assert two.read()['QMP'] and two.ask('{"execute":"qmp_capabilities"}') == {'return': {}}
            assert two.ask('{"execute":"stop"}') == {'return': {}}
            assert wait_for(one.read, 20, 'an event')['event'] == 'STOP'
            assert 'error' in two.ask('nonsense\n')
            assert two.file.read() == ''
            one.close()
            two.close()
        finally:
            process.send_signal(signal.SIGTERM)
    assert process.returncode == 0 and not os.path.exists(path)
    assert 'talks' in daemon.virsh('list', '--name')


def sends(process):
    """Whether a thread of the process is held up in send()."""
    for task in os.listdir(f'/proc/{process.pid}/task'):
        with open(f'/proc/{process.pid}/task/{task}/syscall', encoding='ascii') as f:
            if f.read().split()[0] == SENDTO:
                return True
    return False


def test_qmp_proxy_waits_for_no_client(daemon, tmp_path):
    """One that doesn't read its answers keeps no events from the others."""
    daemon.virsh('create', support.written(tmp_path, domain_xml('busy', memory=32)))
    path = str(tmp_path / 'qmp')
    with subprocess.Popen([tool('virt-qemu-qmp-proxy'), '-c', daemon.uri, 'busy', path]) as process:
        try:
            deaf = Qmp(path)
            deaf.read()
            deaf.ask('{"execute":"qmp_capabilities"}')
            deaf.send('{"execute":"query-qmp-schema"}' * 8)
            wait_for(lambda: sends(process), 20, 'its socket being full')
            other = Qmp(path)
            other.read()
            other.ask('{"execute":"qmp_capabilities"}')
            began = time.monotonic()
            for command, event in (('stop', 'STOP'), ('cont', 'RESUME'), ('stop', 'STOP')):
                other.send(f'{{"execute":"{command}"}}')
                answers = [other.read(), other.read()]
                assert {'return': {}} in answers and event in [a.get('event') for a in answers]
            assert sends(process) and time.monotonic() - began < 5
            deaf.close()
            other.close()
        finally:
            process.send_signal(signal.SIGTERM)
    assert process.returncode == 0


# libvirt-guests

def guests(uri, folder, command, **settings):
    """Run the script, with our virsh and files of its own."""
    text = ''.join(f"{name}='{value}'\n" for name, value in settings.items())
    conf = support.written(folder, f"URIS='{uri}'\n{text}")
    env = dict(os.environ, LIBVIRT_GUESTS_CONF=conf, LIBVIRT_GUESTS_STATE=str(folder / 'state'),
               LIBVIRT_GUESTS_LOCK=str(folder / 'lock'), PATH=os.path.dirname(tree.place(BUILD, 'virsh')) + ':' + os.environ['PATH'])
    return run(['sh', tool('libvirt-guests/libvirt-guests.sh'), command], env=env, check=False)


def test_guests_end_and_come_back(daemon, protocol, tmp_path):
    uri = tree.uri(daemon.root, driver='test', path='default')
    with wire.Client(daemon.socket, protocol) as kept:
        kept.open('test:///default')   # the test driver's guests live as long as somebody is connected
        check_guests(daemon, uri, tmp_path)


def check_guests(daemon, uri, tmp_path):
    for name in ('one', 'two'):
        xml = domain_xml(name).replace("<domain type='qemu'>", "<domain type='test'>")
        daemon.virsh('define', support.written(tmp_path, xml), uri=uri)
        daemon.virsh('start', name, uri=uri)

    def running():
        return set(daemon.virsh('list', '--name', uri=uri).split())
    assert guests(uri, tmp_path, 'status').returncode == 3
    assert guests(uri, tmp_path, 'stop').returncode == 0 and 'one' in running()
    assert guests(uri, tmp_path, 'start').returncode == 0
    assert guests(uri, tmp_path, 'status').returncode == 0
    assert 'two' in guests(uri, tmp_path, 'gueststatus').stdout
    for parallel in (0, 2):
        done = guests(uri, tmp_path, 'stop', PARALLEL_SHUTDOWN=parallel)
        assert done.returncode == 0 and 'Shutdown of guest one complete' in done.stdout, done
        assert not running()
        assert guests(uri, tmp_path, 'status').returncode == 3
        done = guests(uri, tmp_path, 'start', ON_BOOT='start')
        assert done.returncode == 0 and {'one', 'two'} <= running(), done
    assert guests(uri, tmp_path, 'stop', ON_SHUTDOWN='explode').returncode == 1
    assert guests(uri, tmp_path, 'nonsense').returncode == 3


# Host names

STATUS = [
    {'ip-address': '192.168.122.10', 'mac-address': '52:54:00:aa:bb:01', 'hostname': 'alpha', 'expiry-time': 9999999997},
    {'ip-address': '192.168.122.11', 'mac-address': '52:54:00:aa:bb:02', 'hostname': 'old', 'expiry-time': 1000},
    {'ip-address': '192.168.122.12', 'mac-address': '52:54:00:aa:bb:03', 'hostname': 'Noexp', 'client-id': 'a"b\\u0041'},
    {'ip-address': 'fd00::5', 'mac-address': '52:54:00:aa:bb:01', 'hostname': 'alpha', 'expiry-time': 9999999999},
    {'ip-address': '192.168.122.20', 'mac-address': '52:54:00:aa:bb:09', 'hostname': 'alpha', 'expiry-time': 9999999998},
    {'ip-address': 'nonsense', 'mac-address': '52:54:00:aa:bb:09', 'hostname': 'alpha', 'extra': [{'a': [1.5e3, None]}]},
    {'ip-address': '192.168.122.21', 'mac-address': '52:54:00:aa:bb:0a', 'expiry-time': 0},
]
MACS = [
    {'domain': 'guest1', 'macs': ['52:54:00:aa:bb:01', '52:54:00:aa:bb:03']},
    {'macs': ['52:54:00:aa:bb:0a'], 'domain': 'Guest3'}, {'domain': 'guest4', 'macs': ['52:54:00:aa:bb:02']},
]
# An address beside 127.0.0.1, without which the C library looks for no addresses of version 4.
NSS = """ip link set lo up && ip addr add 10.9.9.9/24 dev lo && ip addr add fd99::1/64 dev lo || exit 9
mount -t tmpfs none /var/lib && mkdir -p /var/lib/libvirt/dnsmasq && cp "$1"/* /var/lib/libvirt/dnsmasq || exit 9
shift
exec getent "$@"
"""


def lookup(folder, service, database, name):
    env = dict(support.foreign_environment(), LD_LIBRARY_PATH=os.path.join(BUILD, 'tools/nss'))
    done = run(['unshare', '--mount', '--net', 'sh', '-c', NSS, 'sh', str(folder), '-s', service, database, name], env=env, check=False)
    assert done.returncode in (0, 2), done
    return list(dict.fromkeys(line.split()[0] for line in done.stdout.splitlines()))


@pytest.mark.skipif(os.geteuid() != 0, reason='needs root')
def test_host_names(tmp_path):
    tool('nss/libnss_libvirt.so.2')
    (tmp_path / 'virbr0.status').write_text(json.dumps(STATUS, indent=1))
    (tmp_path / 'virbr0.macs').write_text(json.dumps(MACS))
    # broken neighbours spoil nothing
    (tmp_path / 'a.status').write_text('[{"ip-address": "10.0.0.1", "hostname": "alpha"')
    (tmp_path / 'b.status').write_text('')
    (tmp_path / 'c.status').write_text('[' * 100000)
    (tmp_path / 'd.macs').write_text('{"domain": [')
    # addresses in the order of getaddrinfo(), which sorts by its own rules: compare as sets
    for name, expected in (('alpha', {'fd00::5', '192.168.122.20', '192.168.122.10'}), ('ALPHA', {
            'fd00::5', '192.168.122.20', '192.168.122.10'}), ('old', set()), ('noexp', {'192.168.122.12'}), ('guest1', set())):
        assert set(lookup(tmp_path, 'libvirt', 'ahosts', name)) == expected, name
    assert lookup(tmp_path, 'libvirt', 'ahostsv4', 'alpha') == ['192.168.122.20', '192.168.122.10']
    assert lookup(tmp_path, 'libvirt', 'hosts', 'alpha') == ['fd00::5']
    for name, expected in (('guest1', {'fd00::5', '192.168.122.12', '192.168.122.10'}), ('guest3', {'192.168.122.21'}),
                           ('guest4', set()), ('alpha', set())):
        assert set(lookup(tmp_path, 'libvirt_guest', 'ahosts', name)) == expected, name
