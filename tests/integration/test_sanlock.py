# SPDX-License-Identifier: LGPL-2.1-or-later
# runner: timeout 300
"""Leases of sanlock that keep two hosts from using a disk at a time (qemu.conf: lock_manager = "sanlock"), with a real sanlock."""
import hashlib
import os
import shutil
import subprocess

import pytest

import support
from support import domain_xml, wait_for

libvirt = pytest.importorskip('libvirt', reason='python3-libvirt is not installed')

pytestmark = [pytest.mark.foreign_library,
              pytest.mark.skipif(os.environ.get('LIBVIRT_TEST_SIDE') == 'reference', reason='about our own daemon'),
              pytest.mark.skipif(not shutil.which('sanlock'), reason='sanlock is not installed'),
              pytest.mark.skipif(os.geteuid() != 0, reason='only root may change to the user of a guest')]

libvirt.registerErrorHandler(lambda *_: None, None)

SETTINGS = 'auto_disk_leases = {}\nhost_id = {}\ndisk_lease_dir = "{}"\nio_timeout = 1\n'


class Host:
    """A host with a sanlock of its own, and the daemons on it."""
    def __init__(self, folder):
        self.folder = folder
        self.process = None
        folder.mkdir()

    def client(self, *words):
        return support.run(['sanlock', 'client', *words], env=dict(os.environ, SANLOCK_RUN_DIR=str(self.folder)), check=False)

    def start(self):
        # unprivileged: without limits of its own for memory and time
        env = dict(os.environ, SANLOCK_RUN_DIR=str(self.folder), SANLOCK_PRIVILEGED='0')
        with open(self.folder / 'log', 'ab') as log:
            self.process = subprocess.Popen(  # pylint: disable=consider-using-with
                ['sanlock', 'daemon', '-D', '-w', '0', '-h', '0', '-l', '0'], env=env, stdout=log, stderr=log)
        wait_for(lambda: self.client('status').returncode == 0, 10, 'sanlock to answer')

    def stop(self):
        if self.process:
            self.client('shutdown', '-f', '1')
            self.process.wait(60)

    def leases(self):
        """What is held here, as {file name: shared}."""
        lines = [line.split()[1] for line in self.client('status').stdout.splitlines() if line.startswith('r ')]
        return {os.path.basename(line.split(':')[2]): ':SH' in line for line in lines}


@pytest.fixture
def host(tmp_path):
    hosts = []

    def make(name='host', start=True):
        hosts.append(Host(tmp_path / name))
        if start:
            hosts[-1].start()
        return hosts[-1]
    yield make
    for one in hosts:
        one.stop()


@pytest.fixture
def locking(new_daemon, monkeypatch, tmp_path):
    """Makes a running daemon on a host, and a connection to it."""
    connections = []

    def make(on, host_id=1, automatic=1, **options):
        monkeypatch.setenv('SANLOCK_RUN_DIR', str(on.folder))
        daemon = new_daemon(**options)
        folder = os.path.join(daemon.root, 'etc/libvirt')
        os.makedirs(folder, exist_ok=True)
        for file, text in (('qemu.conf', 'lock_manager = "sanlock"\n'),
                           ('qemu-sanlock.conf', SETTINGS.format(automatic, host_id, tmp_path / 'leases'))):
            with open(os.path.join(folder, file), 'w', encoding='utf-8') as f:
                f.write(text)
        connections.append(libvirt.open(daemon.start().uri))
        return daemon, connections[-1]
    yield make
    for connection in connections:
        connection.close()


@pytest.fixture
def images(tmp_path):
    def make(name):
        path = str(tmp_path / name)
        with open(path, 'wb') as f:
            f.truncate(1 << 20)
        return path
    return make


def disk(path, target, more=''):
    return (f"<disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='{path}'/>"
            f"<target dev='{target}' bus='virtio'/>{more}</disk>")


def guest_xml(on, name, devices='', **options):
    """A guest whose process finds the host's sanlock."""
    place = f"<qemu:commandline><qemu:env name='SANLOCK_RUN_DIR' value='{on.folder}'/></qemu:commandline></domain>"
    xml = domain_xml(name, devices=devices, **options).replace('</domain>', place)
    return xml.replace('<domain ', "<domain xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0' ", 1)


def name_of(path):
    return hashlib.md5(path.encode()).hexdigest()


def refused(call, *arguments):
    with pytest.raises(libvirt.libvirtError) as caught:
        call(*arguments)
    return caught.value.get_error_code(), str(caught.value)


def test_what_has_leases(host, locking, images, tmp_path):
    """Writable disks alone, shared ones with others, read-only ones none; until the guest's process ends, whatever becomes of the daemon."""
    here = host()
    daemon, connection = locking(here)
    alone, shared, readonly = images('a.img'), images('b:1.img'), images('c.img')
    devices = disk(alone, 'vda') + disk(shared, 'vdb', '<shareable/>') + disk(readonly, 'vdc', '<readonly/>')
    domain = connection.createXML(guest_xml(here, 'g1', devices), 0)
    assert here.leases() == {name_of(alone): False, name_of(shared): True}
    assert sorted(os.listdir(tmp_path / 'leases')) == sorted(['__LIBVIRT__DISKS__', name_of(alone), name_of(shared)])
    pid = support.guest_processes(daemon.root)[0]
    assert os.path.basename(os.readlink(f'/proc/{pid}/exe')).startswith('qemu-system')
    daemon.crash()
    assert name_of(alone) in here.leases()
    daemon.restart()
    assert name_of(alone) in here.leases()
    again = libvirt.open(daemon.uri)
    assert again.lookupByName('g1').isActive()
    again.lookupByName('g1').destroy()
    wait_for(lambda: not here.leases(), 10, 'the leases to end with the guest')
    again.close()
    del domain


def test_two_hosts(host, locking, images, tmp_path):
    """Who comes second is refused, told why, and has nothing; shared disks are for both."""
    one, two = host('one'), host('two')
    _, first = locking(one, 1)
    _, second = locking(two, 2)
    image, shared = images('a.img'), images('b.img')
    first.createXML(guest_xml(one, 'g1', disk(image, 'vda') + disk(shared, 'vdb', '<shareable/>')), 0)
    code, text = refused(second.createXML, guest_xml(two, 'g2', disk(image, 'vda')), 0)
    assert code == libvirt.VIR_ERR_RESOURCE_BUSY and 'another host' in text and two.leases() == {}
    code, text = refused(first.createXML, guest_xml(one, 'g3', disk(image, 'vda')), 0)
    assert code == libvirt.VIR_ERR_RESOURCE_BUSY and 'another guest' in text
    second.createXML(guest_xml(two, 'g4', disk(shared, 'vda', '<shareable/>')), 0).destroy()
    first.lookupByName('g1').destroy()
    wait_for(lambda: not one.leases(), 10, 'the leases to end with the guest')
    second.createXML(guest_xml(two, 'g2', disk(image, 'vda')), 0).destroy()
    assert not [name for name in os.listdir(tmp_path / 'leases') if '.' in name]      # nothing half made


def test_disks_that_come_and_go(host, locking, images, guest):
    """A disk that is plugged in has its lease before QEMU opens it, and until the guest has let go of it."""
    here = host()
    _, connection = locking(here, guest=guest)
    image, busy = images('a.img'), images('b.img')
    console = support.console_file(guest, 'g1')
    domain = connection.createXML(guest_xml(here, 'g1', guest=guest, console=console), 0)
    support.wait_for_mark(console, 'GUEST-READY', 60)
    for _ in range(2):
        domain.attachDevice(disk(image, 'vdx'))
        assert here.leases() == {name_of(image): False}
        domain.detachDevice(disk(image, 'vdx'))
        wait_for(lambda: not here.leases(), 20, 'the lease to go with the disk')
    other = connection.createXML(guest_xml(here, 'g2', disk(busy, 'vda')), 0)
    assert refused(domain.attachDevice, disk(busy, 'vdy'))[0] == libvirt.VIR_ERR_RESOURCE_BUSY
    assert busy not in domain.XMLDesc()
    other.destroy()
    os.unlink(console)


def test_named_leases(host, locking, images, tmp_path):
    """What definitions name is the administrator's; so are their lockspaces."""
    here = host()
    _, connection = locking(here, automatic=0)
    image, area, key = images('a.img'), tmp_path / 'area', tmp_path / 'keys'
    named = f"<lease><lockspace>area</lockspace><key>k1</key><target path='{key}' offset='1048576'/></lease>"
    code, text = refused(connection.createXML, guest_xml(here, 'g1', disk(image, 'vda')), 0)
    assert code == libvirt.VIR_ERR_CONFIG_UNSUPPORTED and 'require_lease_for_disks in qemu-sanlock.conf' in text
    code, text = refused(connection.createXML, guest_xml(here, 'g1', named), 0)
    assert code == libvirt.VIR_ERR_CONFIG_UNSUPPORTED and 'add_lockspace' in text
    for path in (area, key):
        with open(path, 'wb') as f:
            f.truncate(2 << 20)
    assert here.client('init', '-s', f'area:0:{area}:0', '-o', '1').returncode == 0
    assert here.client('add_lockspace', '-s', f'area:1:{area}:0', '-o', '1').returncode == 0
    code, text = refused(connection.createXML, guest_xml(here, 'g1', named), 0)
    assert code == libvirt.VIR_ERR_CONFIG_UNSUPPORTED and 'client init' in text
    assert here.client('init', '-r', f'area:k1:{key}:1048576').returncode == 0
    domain = connection.createXML(guest_xml(here, 'g1', named + disk(image, 'vda')), 0)
    assert here.leases() == {'keys': False}
    assert refused(connection.createXML, guest_xml(here, 'g2', named), 0)[0] == libvirt.VIR_ERR_RESOURCE_BUSY
    for wrong in ('a:b', 'x' * 49):
        assert 'sanlock takes' in refused(connection.createXML, guest_xml(here, 'g2', named.replace('k1', wrong)), 0)[1]
    domain.destroy()


def test_cannot_be_had(host, locking, images):
    """No guest runs without what is asked for, and the error names the mend."""
    silent, image = host(start=False), images('a.img')
    daemon, connection = locking(silent)
    code, text = refused(connection.createXML, guest_xml(silent, 'g1', disk(image, 'vda')), 0)
    assert code == libvirt.VIR_ERR_OPERATION_FAILED and 'systemctl start sanlock' in text
    assert support.guest_processes(daemon.root) == []
    xml = guest_xml(silent, 'g1', disk(image, 'vda')).replace('<devices>', '<on_lockfailure>pause</on_lockfailure><devices>')
    assert 'poweroff' in refused(connection.createXML, xml, 0)[1]
    _, unnumbered = locking(silent, host_id=0)
    assert 'host_id' in refused(unnumbered.createXML, guest_xml(silent, 'g1', disk(image, 'vda')), 0)[1]
    many = ''.join(disk(images(f'm{i}'), f'vd{chr(97 + i)}') for i in range(9))
    silent.start()
    assert 'needs 9 leases' in refused(connection.createXML, guest_xml(silent, 'g1', many), 0)[1]


def test_lease_that_is_lost(host, locking, images):
    """A host that is cut off from the leases ends the guests that hold them."""
    here = host()
    daemon, connection = locking(here)
    connection.createXML(guest_xml(here, 'g1', disk(images('a.img'), 'vda')), 0)
    here.client('shutdown', '-f', '1')
    wait_for(lambda: not support.guest_processes(daemon.root), 60, 'the guest to be ended')
    wait_for(lambda: not connection.listDomainsID(), 10, 'the daemon to notice')
