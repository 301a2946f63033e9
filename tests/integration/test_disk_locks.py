# SPDX-License-Identifier: LGPL-2.1-or-later
# runner: timeout 300
"""Locks that keep two hosts from using a disk at a time (qemu.conf: lock_manager = "lockd"): who has which, for how long."""
import fcntl
import hashlib
import os

import pytest

import support
from support import domain_xml, wait_for

libvirt = pytest.importorskip('libvirt', reason='python3-libvirt is not installed')

pytestmark = [pytest.mark.foreign_library,
              pytest.mark.skipif(os.environ.get('LIBVIRT_TEST_SIDE') == 'reference', reason='about our own daemon')]

libvirt.registerErrorHandler(lambda *_: None, None)


def lock_manager(daemon, settings=''):
    folder = os.path.join(daemon.root, 'etc/libvirt')
    os.makedirs(folder, exist_ok=True)
    for file, text in (('qemu.conf', 'lock_manager = "lockd"\n'), ('qemu-lockd.conf', settings)):
        with open(os.path.join(folder, file), 'w', encoding='utf-8') as f:
            f.write(text)
    return daemon


@pytest.fixture
def locking(new_daemon):
    """Makes a running daemon with these settings in its qemu-lockd.conf, and a connection to it."""
    connections = []

    def make(settings=''):
        daemon = lock_manager(new_daemon(), settings).start()
        connections.append(libvirt.open(daemon.uri))
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


def lease(folder, key, space='area', offset=''):
    return f"<lease><lockspace>{space}</lockspace><key>{key}</key><target path='{folder}'{offset}/></lease>"


def locked(path):
    """As another host sees it: 'alone', 'shared', or None."""
    with open(path, 'r+b') as f:
        for kind, answer in ((fcntl.LOCK_SH, 'alone'), (fcntl.LOCK_EX, 'shared')):
            try:
                fcntl.lockf(f, kind | fcntl.LOCK_NB, 1, 0)
            except OSError:
                return answer
    return None


def refused(call, *arguments):
    with pytest.raises(libvirt.libvirtError) as caught:
        call(*arguments)
    return caught.value.get_error_code(), str(caught.value)


def test_what_is_locked(locking, images):
    """Writable disks alone, shared ones with others, read-only ones not at all; from before the guest runs to its end."""
    daemon, connection = locking()
    alone, shared, readonly = images('a.img'), images('b.img'), images('c.img')
    xml = domain_xml('g1', devices=disk(alone, 'vda') + disk(shared, 'vdb', '<shareable/>') + disk(readonly, 'vdc', '<readonly/>'))
    domain = connection.createXML(xml, libvirt.VIR_DOMAIN_START_PAUSED)
    assert [locked(path) for path in (alone, shared, readonly)] == ['alone', 'shared', None]
    other = connection.createXML(domain_xml('g2', devices=disk(shared, 'vda', '<shareable/>')), 0)
    other.destroy()
    domain.resume()
    domain.suspend()
    assert [locked(path) for path in (alone, shared, readonly)] == ['alone', 'shared', None]
    daemon.crash()
    assert locked(alone) == 'alone'         # whatever becomes of the daemon
    daemon.restart()
    assert locked(alone) == 'alone'
    again = libvirt.open(daemon.uri)
    again.lookupByName('g1').destroy()
    assert [locked(path) for path in (alone, shared)] == [None, None]
    again.close()


def test_refused(locking, images):
    """A second host's guest; a failed start keeps nothing."""
    first, one = locking()
    _, two = locking()
    image, other = images('a.img'), images('b.img')
    one.createXML(domain_xml('g1', devices=disk(image, 'vda')), 0)
    code, text = refused(two.createXML, domain_xml('g2', devices=disk(other, 'vda') + disk(image, 'vdb')), 0)
    assert code == libvirt.VIR_ERR_RESOURCE_BUSY and f"disk 'vdb' of domain 'g2' is in use: '{image}' is locked by" in text and 'g1' in text
    assert locked(other) is None
    code, text = refused(two.createXML, domain_xml('g3', devices=disk(image, 'vda', '<shareable/>')), 0)
    assert code == libvirt.VIR_ERR_RESOURCE_BUSY
    with open(other, 'r+b') as f:           # as another program's lock does
        fcntl.lockf(f, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, 0)
        code, text = refused(two.createXML, domain_xml('g2', devices=disk(other, 'vda')), 0)
        assert code == libvirt.VIR_ERR_RESOURCE_BUSY and f'process {os.getpid()}' in text
    two.createXML(domain_xml('g2', devices=disk(other, 'vda')), 0).destroy()
    support.kill_guests(first.root)
    wait_for(lambda: locked(image) is None, 10, 'the lock to end with its guest')


def test_folder_of_locks(locking, images, tmp_path):
    """Beside the disks, by the sum of their paths; the file tells who has it, also to another host."""
    folder = tmp_path / 'locks'
    folder.mkdir()
    settings = f'file_lockspace_dir = "{folder}"\n'
    _, one = locking(settings)
    _, two = locking(settings)
    image = images('a.img')
    domain = one.createXML(domain_xml('g1', devices=disk(image, 'vda')), 0)
    file = folder / hashlib.sha256(image.encode()).hexdigest()
    assert locked(file) == 'alone' and locked(image) is None and len(list(folder.iterdir())) == 1
    code, text = refused(two.createXML, domain_xml('g2', devices=disk(image, 'vda')), 0)
    assert code == libvirt.VIR_ERR_RESOURCE_BUSY and f"'{file}' is locked by domain 'g1' on host '{os.uname().nodename}'" in text
    domain.destroy()
    assert locked(file) is None
    two.createXML(domain_xml('g2', devices=disk(image, 'vda')), 0).destroy()
    folder.rename(tmp_path / 'gone')
    code, text = refused(one.createXML, domain_xml('g1', devices=disk(image, 'vda')), 0)
    assert code == libvirt.VIR_ERR_SYSTEM_ERROR and f"cannot open '{file}' to lock disk 'vda' of domain 'g1'" in text


def test_leases(locking, images, tmp_path):
    """What definitions name, and that they must."""
    _, connection = locking('auto_disk_leases = 0\n')
    image = images('a.img')
    code, text = refused(connection.createXML, domain_xml('g1', devices=disk(image, 'vda')), 0)
    assert code == libvirt.VIR_ERR_CONFIG_UNSUPPORTED and "disk 'vda'" in text and 'require_lease_for_disks' in text
    connection.createXML(domain_xml('g1', devices=disk(image, 'vda', '<shareable/>')), 0).destroy()
    with_lease = domain_xml('g1', devices=disk(image, 'vda') + lease(tmp_path, 'k1'))
    code, text = refused(connection.createXML, with_lease, 0)
    assert code == libvirt.VIR_ERR_CONFIG_UNSUPPORTED and f'mkdir -p {tmp_path}/area' in text
    (tmp_path / 'area').mkdir()
    domain = connection.createXML(with_lease, 0)
    assert locked(tmp_path / 'area/k1') == 'alone' and locked(image) is None
    code, text = refused(connection.createXML, domain_xml('g2', devices=lease(tmp_path, 'k1')), 0)
    assert code == libvirt.VIR_ERR_RESOURCE_BUSY and "lease 'k1' of domain 'g2' is in use" in text and "domain 'g1'" in text
    for wrong, word in ((lease(tmp_path, 'k2', offset=" offset='512'"), 'offset'), (lease(tmp_path, '../k2'), '../k2'),
                        (lease(tmp_path, 'k2', space='..'), '..')):
        assert word in refused(connection.createXML, domain_xml('g2', devices=wrong), 0)[1]
    domain.attachDevice(lease(tmp_path, 'k3'))
    assert locked(tmp_path / 'area/k3') == 'alone'
    assert refused(domain.attachDevice, lease(tmp_path, 'k4', space='none'))[0] == libvirt.VIR_ERR_CONFIG_UNSUPPORTED
    domain.detachDevice(lease(tmp_path, 'k3'))
    wait_for(lambda: locked(tmp_path / 'area/k3') is None, 10, 'the lease to be given back')
    domain.destroy()
    assert locked(tmp_path / 'area/k1') is None
    _, relaxed = locking('auto_disk_leases = 0\nrequire_lease_for_disks = 0\n')
    relaxed.createXML(domain_xml('g1', devices=disk(image, 'vda')), 0).destroy()


def test_disks_that_come_and_go(new_daemon, guest, images):
    """A disk that is plugged in is locked before QEMU opens it, and until the guest has let go of it."""
    daemon = lock_manager(new_daemon(guest=guest)).start()
    connection = libvirt.open(daemon.uri)
    image, busy = images('a.img'), images('b.img')
    console = support.console_file(guest, 'g1')
    domain = connection.createXML(domain_xml('g1', guest=guest, console=console), 0)
    support.wait_for_mark(console, 'GUEST-READY', 60)
    for _ in range(2):
        domain.attachDevice(disk(image, 'vdx'))
        assert locked(image) == 'alone'
        domain.detachDevice(disk(image, 'vdx'))
        wait_for(lambda: locked(image) is None, 20, 'the lock to go with the disk')
    with open(busy, 'r+b') as f:
        fcntl.lockf(f, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, 0)
        assert refused(domain.attachDevice, disk(busy, 'vdy'))[0] == libvirt.VIR_ERR_RESOURCE_BUSY
    assert busy not in domain.XMLDesc()
    assert refused(domain.attachDevice, disk(image, 'vdz').replace('virtio', 'ide'))[0] != libvirt.VIR_ERR_RESOURCE_BUSY
    wait_for(lambda: locked(image) is None, 10, 'what did not come to keep nothing')
    connection.close()
    os.unlink(console)


def test_reference_agrees(locking, images, tmp_path):
    """Debian's own lock daemon keeps us off its disks, and is kept off ours."""
    if not support.reference_root():
        pytest.skip('LIBVIRT_REFERENCE does not name a reference root, or not root')
    other = support.ReferenceDaemon(str(tmp_path / 'r'), binds=[str(tmp_path)], qemu_config=['lock_manager = "lockd"'])
    other.start()
    image, mine = images('a.img'), images('b.img')
    _, connection = locking()
    theirs = libvirt.open(other.uri)
    try:
        domain = theirs.createXML(domain_xml('g1', devices=disk(image, 'vda', '<shareable/>')), 0)
        code, text = refused(connection.createXML, domain_xml('g2', devices=disk(image, 'vda')), 0)
        assert code == libvirt.VIR_ERR_RESOURCE_BUSY and 'virtlockd' in text
        connection.createXML(domain_xml('g2', devices=disk(image, 'vda', '<shareable/>')), 0).destroy()
        domain.destroy()
        connection.createXML(domain_xml('g2', devices=disk(mine, 'vda', '<shareable/>')), 0)
        paused = theirs.createXML(domain_xml('g1', devices=disk(mine, 'vda', '<shareable/>')), 0)   # both share
        paused.destroy()
        with open(mine, 'r+b') as f:        # as theirs would lock it
            assert locked(f.name) == 'shared'
    finally:
        theirs.close()
        other.clean()
