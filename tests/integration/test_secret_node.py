# SPDX-License-Identifier: LGPL-2.1-or-later
# runner: timeout 300
"""Secrets of a real host: beside Debian's daemon, on the disk, after kills, with hostile files, and in guests."""
import base64
import contextlib
import os
import re
import shutil
import subprocess

import pytest

import agreement
import support
from support import ask, domain_xml, file_has, wait_for
from test_secret import MORE, SECRETS, memory_has

libvirt = pytest.importorskip('libvirt', reason='python3-libvirt is not installed')
pytestmark = [pytest.mark.foreign_library,
              pytest.mark.skipif(os.environ.get('LIBVIRT_TEST_SIDE') == 'reference', reason='about parts that only ours has')]
libvirt.registerErrorHandler(lambda *_: None, None)
KILLS = int(os.environ.get('LIBVIRT_TEST_KILLS') or 20)
U = '11111111-1111-1111-1111-1111111111%02d'
VALUE = b'correct horse\0battery \xff staple'
PHRASE = b'correct horse battery staple'


def secret_xml(number=1, usage="<usage type='volume'><volume>/v1</volume></usage>", attrs=''):
    return f"<secret{attrs}><uuid>{U % number}</uuid>{usage.replace('/v1', f'/v{number}')}</secret>"


def folder(daemon):
    return os.path.join(daemon.root, 'etc/libvirt/secrets')


def own_key(daemon):
    return os.path.join(daemon.root, 'var/lib/libvirt/secrets/host-key')


def path(daemon, suffix, number=1):
    return os.path.join(folder(daemon), f'{U % number}.{suffix}')


def read(name):
    with open(name, 'rb') as f:
        return f.read()


def write(name, data):
    with open(name, 'wb') as f:
        f.write(data)


def kept(daemon, number=1):
    """Suffixes of a secret's files."""
    return sorted(name.rpartition('.')[2] for name in os.listdir(folder(daemon)) if name.startswith(U % number))


def configure(daemon, text):
    os.makedirs(os.path.join(daemon.root, 'etc/libvirt'), exist_ok=True)
    write(os.path.join(daemon.root, 'etc/libvirt/secret.conf'), text.encode())


@contextlib.contextmanager
def connected(daemon):
    connection = libvirt.open(daemon.uri)
    yield connection
    with contextlib.suppress(libvirt.libvirtError):
        connection.close()


def secret_of(connection, number=1):
    return connection.secretLookupByUUIDString(U % number)


def value(daemon, number=1):
    with connected(daemon) as connection:
        return secret_of(connection, number).value()


def define(daemon, *numbers, data=VALUE, **options):
    with connected(daemon) as connection:
        for number in numbers:
            connection.secretDefineXML(secret_xml(number, **options)).setValue(data)


def refused(daemon, number=1, to=None):
    """The text of the error when a value is read, or set @to something."""
    with connected(daemon) as connection, pytest.raises(libvirt.libvirtError) as problem:
        secret = secret_of(connection, number)
        _ = secret.value() if to is None else secret.setValue(to)
    return str(problem.value)


def restart(daemon):
    daemon.stop()
    daemon.start()


@pytest.mark.parametrize('name, script, differing', [
    ('all', SECRETS, ['none 1', 'relative 1', 'other type']),   # the reasons are in test_secret.py
    ('events', MORE, ['too long'])])
def test_agrees(tmp_path, daemon, reference, name, script, differing):
    ours = agreement.answers(script, support.foreign_environment(), tmp_path / f'ours-{name}', daemon.uri)
    theirs = agreement.answers(script, support.foreign_environment(), tmp_path / f'theirs-{name}', reference.uri)
    # events from a daemon come when they come; the scripts wait for those that they are about
    assert {o[0]: o[1] for o in ours if o[0] not in differing} == {t[0]: t[1] for t in theirs if t[0] not in differing}


def test_kept(daemon):
    """What is on the disk, who may read it, and that it is there after a restart, but for what is ephemeral."""
    define(daemon, 1)
    define(daemon, 2, attrs=" private='yes'")
    define(daemon, 3, attrs=" ephemeral='yes'", data=b'short-lived')
    assert kept(daemon) == kept(daemon, 2) == ['aes256gcm', 'xml'] and not kept(daemon, 3)
    assert os.stat(folder(daemon)).st_mode & 0o777 == 0o700
    for name in [path(daemon, 'xml'), path(daemon, 'aes256gcm'), own_key(daemon)]:
        assert os.stat(name).st_mode & 0o777 == 0o600
    assert len(read(own_key(daemon))) == 32
    for where, _, names in os.walk(daemon.root):
        for name in names:
            if os.path.isfile(os.path.join(where, name)):
                data = read(os.path.join(where, name))
                assert b'battery' not in data and base64.b64encode(VALUE) not in data, name
    assert memory_has(daemon.process.pid, b'short-lived')
    assert not memory_has(daemon.process.pid, VALUE)
    restart(daemon)
    assert value(daemon) == VALUE
    assert 'private' in refused(daemon, 2)
    with connected(daemon) as connection:
        assert len(connection.listAllSecrets()) == 2
        secret_of(connection).undefine()
        assert not kept(daemon)
        with pytest.raises(libvirt.libvirtError):
            connection.secretDefineXML(secret_xml(1)).value()
    assert daemon.virsh('secret-list', uri=daemon.uri.replace('qemu', 'secret', 1)).count('/v') == 2


def test_ephemeral_and_back(daemon):
    define(daemon, 1)
    with connected(daemon) as connection:
        connection.secretDefineXML(secret_xml(1, attrs=" ephemeral='yes'"))
        assert not kept(daemon) and secret_of(connection).value() == VALUE
        connection.secretDefineXML(secret_xml(1))
    restart(daemon)
    assert value(daemon) == VALUE and kept(daemon) == ['aes256gcm', 'xml']


def test_virsh(daemon, tmp_path):
    for virsh in (daemon.virsh, daemon.debian_virsh):
        virsh('secret-define', support.written(tmp_path, secret_xml()))
        virsh('secret-set-value', U % 1, '--file', support.written(tmp_path, 'open sesame'), '--plain')
        assert virsh('secret-get-value', U % 1, '--plain').strip() == 'open sesame'
        assert U % 1 in virsh('secret-list') and '/v1' in virsh('secret-dumpxml', U % 1)
        virsh('secret-undefine', U % 1)
        assert U % 1 not in virsh('secret-list')


def test_values_of_the_reference(daemon, reference):
    """Values that Debian's daemon has kept are read, and encrypted when they are set again; of two the newer counts; and back."""
    reference.virsh('secret-define', support.written(reference.shared, secret_xml()))
    reference.virsh('secret-set-value', U % 1, base64.b64encode(VALUE).decode())
    shown = support.run(['nsenter', '-t', str(reference.init()), '-a', 'sh', '-c',
                         f'cat /etc/libvirt/secrets/{U % 1}.xml; echo =; cat /etc/libvirt/secrets/{U % 1}.base64']).stdout
    xml, plain = shown.split('=\n', 1)
    daemon.stop()
    write(path(daemon, 'xml'), xml.encode())
    write(path(daemon, 'base64'), plain.encode())
    daemon.start()
    assert value(daemon) == VALUE and kept(daemon) == ['base64', 'xml']
    define(daemon, 1, data=b'new')
    assert value(daemon) == b'new' and kept(daemon) == ['aes256gcm', 'xml']
    write(path(daemon, 'base64'), plain.encode())
    assert value(daemon) == VALUE
    os.utime(path(daemon, 'base64'), (1, 1))
    assert value(daemon) == b'new'
    daemon.stop()
    configure(daemon, 'encrypt_data = 0\n')
    daemon.start()
    assert value(daemon) == b'new'
    define(daemon, 1, data=VALUE)
    assert kept(daemon) == ['base64', 'xml'] and read(path(daemon, 'base64')) == plain.encode()


def test_hostile_files(new_daemon):
    """Each bad file is told by its name; the other secrets are there."""
    daemon = new_daemon(config='log_outputs = "3:stderr"\n').start()
    define(daemon, *range(1, 10))
    good = read(path(daemon, 'aes256gcm', 1))
    daemon.stop()
    broken = {1: good[:-1], 2: read(path(daemon, 'aes256gcm', 3)), 3: b'', 4: good[:44], 5: b'x' * 100_000, 6: good[:50] + b'\0' + good[51:]}
    for number, data in broken.items():
        write(path(daemon, 'aes256gcm', number), data)
    os.unlink(path(daemon, 'aes256gcm', 7))
    write(path(daemon, 'base64', 7), b'*not base64*')
    os.mkfifo(path(daemon, 'xml', 20))
    write(path(daemon, 'xml', 21), b'<secret>')
    write(path(daemon, 'xml', 22), secret_xml(9).encode())
    write(path(daemon, 'xml', 23), secret_xml(23, attrs=" ephemeral='yes'").encode())
    write(path(daemon, 'xml', 24), secret_xml(24).replace('/v24', '/v8').encode())
    write(path(daemon, 'xml', 25), b'<secret>' + b' ' * (1 << 21) + b'</secret>')
    daemon.start()
    with connected(daemon) as connection:   # waits for the drivers
        log = read(daemon.log).decode(errors='replace')
        for number in range(20, 26):
            assert re.search(f"{U % number}.xml' is left out: ", log), number
        assert sorted(s.UUIDString() for s in connection.listAllSecrets()) == [U % n for n in range(1, 10)]
    for number in list(broken) + [7]:
        assert path(daemon, 'base64' if number == 7 else 'aes256gcm', number) in refused(daemon, number)
    assert value(daemon, 8) == value(daemon, 9) == VALUE
    define(daemon, 1, data=b'mended')
    assert value(daemon) == b'mended'


def test_keys(new_daemon, tmp_path, monkeypatch):
    """The key of secret.conf goes before the service's credential, that before our own; what an earlier one has encrypted is read."""
    daemon = new_daemon().start()
    define(daemon, 1)
    daemon.stop()
    write(tmp_path / 'secrets-encryption-key', os.urandom(32))
    monkeypatch.setenv('CREDENTIALS_DIRECTORY', str(tmp_path))
    daemon.start()
    define(daemon, 2)
    daemon.stop()
    key = tmp_path / 'key'
    write(key, os.urandom(32))
    configure(daemon, f'secrets_encryption_key = "{key}"\n')
    daemon.start()
    define(daemon, 3)
    assert [value(daemon, n) for n in (1, 2, 3)] == [VALUE] * 3
    os.unlink(own_key(daemon))
    assert 'not there' in refused(daemon, 1) and value(daemon, 2) == VALUE
    for bad in (b'', b'short', b'x' * 33, b'x' * 5000):
        write(key, bad)
        assert str(key) in refused(daemon, 3) and str(key) in refused(daemon, 3, to=b'x')
    os.unlink(key)
    assert str(key) in refused(daemon, 2, to=b'x') and not os.path.exists(own_key(daemon))
    write(key, os.urandom(32))
    assert 'another key' in refused(daemon, 3)
    define(daemon, 1, 3, data=b'again')
    assert value(daemon, 1) == value(daemon, 3) == b'again'


CHURN = '''
import sys, libvirt
libvirt.registerErrorHandler(lambda *_: None, None)
secret = libvirt.open(sys.argv[1]).secretLookupByUUIDString(sys.argv[2])
number = int(sys.argv[3])
while True:
    secret.setValue(b'%d' % number)
    print(number, flush=True)
    number += 1
'''


def test_killed_at_any_moment(daemon):
    """The value is the last that was acknowledged, or the one that was under way."""
    define(daemon, 1, data=b'0')
    last = 0
    for turn in range(KILLS):
        with subprocess.Popen([support.PYTHON, '-c', CHURN, daemon.uri, U % 1, str(last + 1)], stdout=subprocess.PIPE, text=True,
                              stderr=subprocess.DEVNULL, env=support.foreign_environment()) as client:
            for _ in range(turn % 7 + 1):
                last = int(client.stdout.readline())
            daemon.crash()
            rest = client.stdout.read().split()
        last = int(rest[-1]) if rest else last
        daemon.restart()
        found = int(value(daemon))
        assert found in (last, last + 1)
        last = found


@pytest.fixture
def luks(tmp_path):
    """An image that is encrypted with PHRASE, with a mark at its beginning."""
    if not shutil.which('qemu-img'):
        pytest.skip('qemu-utils is not installed')
    image, raw, key = (str(tmp_path / name) for name in ('luks', 'raw', 'key'))
    write(key, PHRASE)
    write(raw, b'IMAGE of luks\n'.ljust(1 << 20, b'\0'))
    given = ['--object', f'secret,id=k,file={key}']
    options = 'encrypt.format=luks,encrypt.key-secret=k,encrypt.iter-time=10'
    support.make_encrypted('convert', *given, '-O', 'qcow2', '-o', options, raw, image)
    os.unlink(raw)
    return image


def luks_disk(image, target='vda', named="usage='/v1'"):
    return (f"<disk type='file'><driver name='qemu' type='qcow2'/><source file='{image}'><encryption format='luks'>"
            f"<secret type='passphrase' {named}/></encryption></source><target dev='{target}' bus='virtio'/></disk>")


def nowhere(daemon, pid):
    """The value is neither on the command line nor in the environment of a guest, nor in the log or a file of the daemon's."""
    for name in ('cmdline', 'environ'):
        data = read(f'/proc/{pid}/{name}')
        assert b'battery' not in data and base64.b64encode(PHRASE) not in data
    for where, _, names in os.walk(daemon.root):
        for name in names:
            if os.path.isfile(os.path.join(where, name)) and not os.path.islink(os.path.join(where, name)):
                data = read(os.path.join(where, name))
                assert b'battery' not in data and base64.b64encode(PHRASE) not in data, name


def test_encrypted_disk(guest_daemon, guest, luks, tmp_path):
    """A guest boots with a disk whose key is a secret, private at that; another is plugged in and out."""
    daemon, console = guest_daemon, f'{guest_daemon.root}/console'
    xml = support.written(tmp_path, domain_xml('crypt', guest=guest, console=console, extra='guest.run=head,-n1,/dev/vda',
                                               devices=luks_disk(luks)))
    with pytest.raises(AssertionError, match=r"vda.*/v1.*virsh secret-define(.|\n)*virsh secret-set-value"):
        daemon.virsh('create', xml)
    with connected(daemon) as connection:
        connection.secretDefineXML(secret_xml(1, attrs=" private='yes'"))
    with pytest.raises(AssertionError, match=f'vda.*has no value.*virsh secret-set-value {U % 1}'):
        daemon.virsh('create', xml)
    define(daemon, 1, attrs=" private='yes'", data=b'wrong')
    with pytest.raises(AssertionError, match='(?i)password|key'):
        daemon.virsh('create', xml)
    define(daemon, 1, attrs=" private='yes'", data=PHRASE)
    daemon.virsh('create', xml)
    wait_for(lambda: file_has(console, 'IMAGE of luks'), 90, 'the guest reading its disk')
    pid, = support.guest_processes(daemon.root)
    nowhere(daemon, pid)
    second = str(tmp_path / 'second')
    shutil.copy(luks, second)
    missing = support.written(tmp_path, luks_disk(second, 'vdb', f"uuid='{U % 9}'"))
    with pytest.raises(AssertionError, match=U % 9):
        daemon.virsh('attach-device', 'crypt', missing, '--live')
    plug = support.written(tmp_path, luks_disk(second, 'vdb', f"uuid='{U % 1}'"))
    daemon.virsh('attach-device', 'crypt', plug, '--live')
    wait_for(lambda: file_has(console, 'GUEST-PLUG disk vdb'), 30, 'the guest seeing the disk')
    nowhere(daemon, pid)
    daemon.virsh('detach-device', 'crypt', plug, '--live')
    wait_for(lambda: 'vdb' not in daemon.virsh('domblklist', 'crypt'), 30, 'the disk gone')
    secrets = [o['name'] for o in ask(daemon, 'crypt', 'qom-list', path='/objects') if 'secret' in o['name']]
    assert len(secrets) == 1
    daemon.virsh('destroy', 'crypt')


@pytest.mark.skipif(not shutil.which('swtpm_setup') or os.geteuid() != 0, reason='swtpm is not installed, or not root')
def test_encrypted_tpm(new_daemon, guest, tmp_path):
    """The state of a TPM is encrypted with a secret for it; another value can't open it."""
    daemon = new_daemon(guest=guest)
    os.makedirs(os.path.join(daemon.root, 'etc/libvirt'), exist_ok=True)
    write(os.path.join(daemon.root, 'etc/libvirt/qemu.conf'), b'swtpm_user = "root"\nswtpm_group = "root"\n')
    daemon.start()
    usage = "<usage type='vtpm'><name>crypt</name></usage>"
    tpm = f"<tpm model='tpm-tis'><backend type='emulator' version='2.0'><encryption secret='{U % 1}'/></backend></tpm>"
    xml = support.written(tmp_path, domain_xml('tpm', guest=guest, console=f'{daemon.root}/console', devices=tpm))
    with pytest.raises(AssertionError, match=f'TPM.*{U % 1}.*virsh secret-define'):
        daemon.virsh('define', xml) + daemon.virsh('start', 'tpm')
    define(daemon, 1, usage=usage, data=PHRASE)
    daemon.virsh('start', 'tpm')
    pid, = support.guest_processes(daemon.root)
    nowhere(daemon, pid)
    for name in filter(str.isdigit, os.listdir('/proc')):
        with contextlib.suppress(OSError):
            assert b'battery' not in read(f'/proc/{name}/cmdline')
    daemon.virsh('destroy', 'tpm')
    define(daemon, 1, usage=usage, data=b'other')
    with pytest.raises(AssertionError, match='tpm.*CMD_INIT'):
        daemon.virsh('start', 'tpm')
    assert file_has(f'{daemon.root}/var/log/libvirt/qemu/tpm-swtpm-tpm0.log', 'integrity')
    define(daemon, 1, usage=usage, data=PHRASE)
    daemon.virsh('start', 'tpm')
    wait_for(lambda: file_has(f'{daemon.root}/console', 'GUEST-READY'), 90, 'the guest booting')
    daemon.virsh('destroy', 'tpm')
