# SPDX-License-Identifier: LGPL-2.1-or-later
# runner: timeout 400
"""A guest boots by itself from a volume of each kind of pool. What this kernel lacks is in the nested host."""
import base64
import contextlib
import os
import subprocess

import pytest

import servers
from guest import bootable
from storage_parts import connected, libvirt, loop_device, pool_xml, vol_xml
from support import console_file, domain_xml, wait_for_mark

pytestmark = [pytest.mark.foreign_library, pytest.mark.skipif(os.geteuid() != 0, reason='needs root'),
              pytest.mark.skipif(bool(bootable.missing()), reason=str(bootable.missing()))]
DISK = "<disk type='volume' device='disk'><source pool='pool' volume='{}'/><target dev='vda'/></disk>"


def filled(connection, pool, document, image):
    """A volume of @pool that is made from the file @image."""
    images = connection.storagePoolCreateXML(f"<pool type='dir'><name>images</name><target><path>{os.path.dirname(image)}</path></target></pool>")
    vol = pool.createXMLFrom(document, images.storageVolLookupByName(os.path.basename(image)))
    images.destroy()
    return vol


def running(connection, document):
    pool = connection.storagePoolDefineXML(document)
    pool.build(0 if "type='dir'" in document else libvirt.VIR_STORAGE_POOL_BUILD_OVERWRITE)
    pool.create()
    return pool


@contextlib.contextmanager
def in_folder(connection, tmp_path, image):
    pool = running(connection, pool_xml('dir', 'pool', '', tmp_path / 'pool'))
    vol = filled(connection, pool, vol_xml('boot', bootable.SIZE_MIB, 'qcow2'), image)
    yield vol, lambda: subprocess.run(['qemu-img', 'convert', '-O', 'raw', vol.path(), tmp_path / 'raw'], check=True) and tmp_path / 'raw'


@contextlib.contextmanager
def in_file_system(connection, tmp_path, image):
    with loop_device(tmp_path / 'disk', 64) as device:
        source = f"<device path='{device}'/><format type='ext4'/>"
        pool = running(connection, pool_xml('fs', 'pool', source, tmp_path / 'mounted'))
        vol = filled(connection, pool, vol_xml('boot', bootable.SIZE_MIB), image)
        try:
            yield vol, vol.path
        finally:
            pool.destroy()


def in_partition(connection, tmp_path, image):
    return in_partition_of('gpt', connection, tmp_path, image)


def in_dos_partition(connection, tmp_path, image):
    return in_partition_of('dos', connection, tmp_path, image)


@contextlib.contextmanager
def in_partition_of(table, connection, tmp_path, image):
    if servers.lacking('parted', 'sfdisk'):
        pytest.skip('parted or sfdisk is not installed')
    with loop_device(tmp_path / 'disk', 64) as device:
        pool = running(connection, pool_xml('disk', 'pool', f"<device path='{device}'/><format type='{table}'/>", '/dev'))
        vol = filled(connection, pool, vol_xml(f'{os.path.basename(device)}p1', bootable.SIZE_MIB, 'none'), image)
        try:
            yield vol, vol.path
        finally:
            pool.destroy()


def remote_pool(connection, kind, server, source, usage, element, key):
    """A pool on a server that wants a key."""
    if f"<pool type='{kind}' supported='yes'>" not in connection.getStoragePoolCapabilities():
        pytest.skip(f'built without {kind}')
    secret = connection.secretDefineXML(f"<secret private='yes'><usage type='{usage}'><{element}>it</{element}></usage></secret>")
    secret.setValue(key)
    auth = f"<auth type='{'ceph' if kind == 'rbd' else 'chap'}' username='{server.user}'><secret usage='it'/></auth>"
    return connection.storagePoolCreateXML(pool_xml(kind, 'pool', f"<host name='127.0.0.1' port='{server.port}'/>{source}{auth}"))


@contextlib.contextmanager
def in_ceph(connection, tmp_path, image):
    with servers.Ceph(tmp_path / 'ceph') as server:
        pool = remote_pool(connection, 'rbd', server, '<name>rbd</name>', 'ceph', 'name', base64.b64decode(server.key))
        vol = filled(connection, pool, vol_xml('boot', bootable.SIZE_MIB), image)
        yield vol, lambda: server.rbd('export', vol.path(), f'{tmp_path}/raw') or f'{tmp_path}/raw'
        pool.destroy()


@contextlib.contextmanager
def in_unit(connection, tmp_path, image):
    with servers.Iscsi(tmp_path / 'iscsi', image, chap=True) as server:
        initiator = "<initiator><iqn name='iqn.2026-01.test.example:us'/></initiator>"
        pool = remote_pool(connection, 'iscsi-direct', server, f"<device path='{server.target}'/>{initiator}", 'iscsi', 'target',
                           server.secret.encode())
        yield pool.storageVolLookupByName('unit:0:0:1'), lambda: image
        pool.destroy()


@pytest.fixture
def private_run():
    """What the servers write beside their folders is nobody's else."""
    subprocess.run(['mount', '-t', 'tmpfs', 'private', '/run'], check=True)
    yield
    subprocess.run(['umount', '-l', '/run'], check=True)


@pytest.mark.parametrize('kind', [in_folder, in_file_system, in_partition, in_dos_partition, in_ceph, in_unit])
def test_boots_from(guest_daemon, guest, tmp_path, private_run, kind):      # pylint: disable=unused-argument
    """The firmware loads a kernel from the volume, and what the guest writes there is in the volume."""
    server = {in_ceph: servers.Ceph, in_unit: servers.Iscsi}.get(kind)
    if server and server.missing():
        pytest.skip(server.missing())
    os.mkdir(tmp_path / 'images')
    image, console = str(tmp_path / 'images/boot.img'), console_file(guest, kind.__name__)
    bootable.make(image, guest.folder)
    with connected(guest_daemon) as connection, kind(connection, tmp_path, image) as (vol, content):
        domain = connection.createXML(domain_xml('boots', console=console, devices=DISK.format(vol.name())))
        wait_for_mark(console, 'GUEST-RAN 0', 90)
        domain.destroy()
        with open(content(), 'rb') as f:
            assert bootable.was_here(f)
    os.unlink(console)
