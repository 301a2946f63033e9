# SPDX-License-Identifier: LGPL-2.1-or-later
# runner: timeout 300
"""Pools in a volume of a real Gluster server, on an address of its own."""
import contextlib
import os
import random
import subprocess
import threading
import time

import pytest

import servers
from storage_parts import MIB, connected, libvirt, pool_xml, refused, vol_xml
from support import ask, domain_xml, wait_for
from test_storage_dead import Asked, answers, quickly, swallowed
from test_storage_remote import copied_and_killed, files_pool, needs, private_run, read, virsh  # pylint: disable=unused-import
from test_storage_streams import download, upload

pytestmark = [pytest.mark.foreign_library, pytest.mark.skipif(os.geteuid() != 0, reason='needs root')]


@pytest.fixture
def connection(daemon):
    with connected(daemon) as opened:
        yield opened


@contextlib.contextmanager
def served(connection, tmp_path):
    needs(connection, 'gluster', servers.Gluster)
    with servers.Gluster(tmp_path / 'gluster') as server:
        yield server


def gluster_xml(server, name='g', folder='/', volume='vol'):
    return pool_xml('gluster', name, f"<host name='{server.address}'/><name>{volume}</name><dir path='{folder}'/>")


def is_found(connection, server):
    """A server's volumes, for pools of both types."""
    found = connection.findStoragePoolSources('gluster', f"<source><host name='{server.address}'/></source>", 0)
    assert f"<host name='{server.address}'/>" in found and '<name>vol</name>' in found and "<dir path='/'/>" in found
    refused(libvirt.VIR_ERR_INVALID_ARG, connection.findStoragePoolSources, 'gluster', None, 0)
    for form in '', "<format type='glusterfs'/>":
        found = connection.findStoragePoolSources('netfs', f"<source><host name='{server.address}'/>{form}</source>", 0)
        assert "<dir path='/vol'/>" in found and "<format type='glusterfs'/>" in found and 'nfs' not in found.replace('netfs', '')
    said = refused(libvirt.VIR_ERR_OPERATION_FAILED, connection.findStoragePoolSources, 'netfs',
                   f"<source><host name='{server.address}'/><format type='nfs'/></source>", 0)
    assert 'showmount' in said and server.address in said


def test_pool(connection, daemon, tmp_path):
    """Its life; volumes are found, made, resized, deleted."""
    with served(connection, tmp_path) as server:
        is_found(connection, server)
        none = connection.storagePoolDefineXML(gluster_xml(server, 'none', volume='none'))
        assert "no volume 'none'" in refused(libvirt.VIR_ERR_OPERATION_FAILED, none.create)
        none.undefine()
        none = connection.storagePoolDefineXML(gluster_xml(server, 'none', '/nowhere'))
        assert '/nowhere' in refused(libvirt.VIR_ERR_SYSTEM_ERROR, none.create)
        none.undefine()

        pool = connection.storagePoolDefineXML(gluster_xml(server))
        pool.build()        # nothing to do, as on other servers
        pool.create()
        assert not pool.listVolumes() and pool.info()[1] > 256 * MIB
        vol, url = pool.createXML(vol_xml('one', 16)), f'gluster://{server.address}/vol'
        assert vol.path() == vol.key() == f'{url}/one' and vol.info() == [libvirt.VIR_STORAGE_VOL_NETWORK, 16 * MIB, 16 * MIB]
        assert os.listdir(server.brick).count('one') == 1 and os.stat(f'{server.brick}/one').st_size == 16 * MIB
        sparse = pool.createXML(vol_xml('sparse one', 16, allocation=0))
        assert sparse.path() == f'{url}/sparse%20one' and sparse.info()[2] == 0
        assert connection.storageVolLookupByPath(sparse.path()).name() == connection.storageVolLookupByKey(sparse.key()).name() == 'sparse one'
        refused(libvirt.VIR_ERR_STORAGE_VOL_EXIST, pool.createXML, vol_xml('one'))
        for bad in 'a/b', '..', '.new-libvirt-x':
            refused(libvirt.VIR_ERR_OPERATION_INVALID, pool.createXML, vol_xml(bad))
        for size, flags in (24, libvirt.VIR_STORAGE_VOL_RESIZE_ALLOCATE), (8, libvirt.VIR_STORAGE_VOL_RESIZE_SHRINK), (20, 0):
            vol.resize(size * MIB, flags)
            assert os.stat(f'{server.brick}/one').st_size == size * MIB == vol.info()[1]
        refused(libvirt.VIR_ERR_INVALID_ARG, vol.resize, 8 * MIB)

        image = pool.createXML(vol_xml('image', 32, 'qcow2'))
        assert image.info()[1] == 32 * MIB and "<format type='qcow2'/>" in image.XMLDesc() and read(f'{server.brick}/image')[:4] == b'QFI\xfb'
        for size, flags in (40, libvirt.VIR_STORAGE_VOL_RESIZE_ALLOCATE), (32, libvirt.VIR_STORAGE_VOL_RESIZE_SHRINK):
            image.resize(size * MIB, flags)
            assert image.info()[1] == size * MIB and os.stat(f'{server.brick}/image').st_size % 4096 == 0
            subprocess.run(['qemu-img', 'check', '-q', f'{server.brick}/image'], check=True)
            assert (image.info()[2] > 8 * MIB) == bool(flags & libvirt.VIR_STORAGE_VOL_RESIZE_ALLOCATE), 'what it gains is allocated'
        layer = pool.createXML(vol_xml('layer', 32, 'qcow2').replace(
            '</volume>', f"<backingStore><path>{image.path()}</path><format type='qcow2'/></backingStore></volume>"))
        assert f'<path>{image.path()}</path>' in layer.XMLDesc().split('<backingStore>')[1]
        inner = pool.createXML(vol_xml('inner', 0, 'dir'))
        assert inner.info()[0] == libvirt.VIR_STORAGE_VOL_NETDIR and os.path.isdir(f'{server.brick}/inner')
        assert 'directory' in refused(libvirt.VIR_ERR_OPERATION_INVALID, upload, connection, inner, b'x')
        owned = pool.createXML(vol_xml('owned').replace('</format>', '').replace(
            '</target>', '<permissions><mode>0640</mode><owner>7</owner><group>8</group></permissions></target>'))
        info = os.stat(f'{server.brick}/owned')
        assert (info.st_mode & 0o7777, info.st_uid, info.st_gid) == (0o640, 7, 8) and '<owner>7</owner>' in owned.XMLDesc()
        refused(libvirt.VIR_ERR_NO_SUPPORT, pool.createXML, vol_xml('secret').replace('</target>', "<encryption format='luks'/></target>"))

        second = connection.storagePoolCreateXML(gluster_xml(server, 'second', '/inner/'))
        low = second.createXML(vol_xml('low'))
        assert low.path() == f'{url}/inner/low' and os.path.exists(f'{server.brick}/inner/low')
        os.symlink('../one', f'{server.brick}/inner/link')
        second.refresh()
        assert second.listVolumes() == ['low'], 'a link is no volume'
        refused(libvirt.VIR_ERR_SYSTEM_ERROR, inner.delete)
        low.delete()
        second.destroy()
        os.unlink(f'{server.brick}/inner/link')
        inner.delete()
        for each in layer, owned, sparse:
            each.delete()
        assert sorted(pool.listVolumes()) == ['image', 'one'] == sorted(n for n in os.listdir(server.brick) if n[0] != '.')

        subprocess.run(['qemu-img', 'create', '-q', '-f', 'qcow2', f'{url}/other', '5M'], check=True)
        pool.refresh()
        assert sorted(pool.listVolumes()) == ['image', 'one', 'other'] and pool.storageVolLookupByName('other').info()[1] == 5 * MIB
        daemon.kill()
        daemon.start()
        again = libvirt.open(daemon.uri)
        pool = again.storagePoolLookupByName('g')
        assert pool.isActive() and sorted(pool.listVolumes()) == ['image', 'one', 'other']
        assert pool.storageVolLookupByName('one').info()[1] == 20 * MIB
        pool.destroy()
        refused(libvirt.VIR_ERR_NO_SUPPORT, pool.delete)
        again.close()


def test_content(connection, daemon, tmp_path):
    """Streams, wipes and copies, with their holes."""
    with served(connection, tmp_path) as server:
        pool, files = connection.storagePoolCreateXML(gluster_xml(server)), files_pool(connection, tmp_path / 'files')
        vol = pool.createXML(vol_xml('v', 6))
        whole = bytearray(6 * MIB)
        for offset, size in ((0, 1), (1, 511), (4095, 131073), (MIB + 7, MIB), (6 * MIB - 1, 1), (0, 6 * MIB)):
            data = random.randbytes(size)
            whole[offset:offset + size] = data
            upload(connection, vol, data, offset, size)
            assert read(f'{server.brick}/v') == whole and download(connection, vol, offset, size) == data
        copy = files.createXMLFrom(vol_xml('raw', 6), vol)
        assert read(copy.path()) == whole
        again = pool.createXMLFrom(vol_xml('again', 8), copy)
        assert read(f'{server.brick}/again') == whole + bytes(2 * MIB) and again.info()[1] == 8 * MIB
        upload(connection, vol, bytes(whole) + b'more')
        assert vol.info()[1] == 6 * MIB + 4, 'a volume grows, as its file does'
        vol.wipePattern(libvirt.VIR_STORAGE_VOL_WIPE_ALG_NNSA)
        assert read(f'{server.brick}/v') == bytes(6 * MIB + 4)
        again.wipePattern(libvirt.VIR_STORAGE_VOL_WIPE_ALG_TRIM)
        assert os.stat(f'{server.brick}/again').st_blocks == 0 and again.info()[1:] == [8 * MIB, 0]

        source, back = tmp_path / 'source', tmp_path / 'back'
        with open(source, 'wb') as f:
            f.seek(9 * MIB)
            f.write(random.randbytes(MIB))
            f.truncate(64 * MIB)
        vol = pool.createXML(vol_xml('sparse', 64, allocation=0))
        upload(connection, vol, random.randbytes(100000), 20 * MIB + 1)
        virsh(daemon, 'vol-upload', '--sparse', '--pool', 'g', 'sparse', source)
        assert read(f'{server.brick}/sparse') == read(source) and vol.info()[2] < 2 * MIB
        virsh(daemon, 'vol-download', '--sparse', '--pool', 'g', 'sparse', back)
        assert read(back) == read(source) and os.stat(back).st_blocks * 512 < 2 * MIB

        copy = files.createXMLFrom(vol_xml('copy', 64, 'qcow2'), vol)
        image = pool.createXMLFrom(vol_xml('image', 64, 'qcow2'), copy)
        subprocess.run(['qemu-img', 'convert', '-O', 'raw', f'{server.brick}/image', back], check=True)
        assert read(back) == read(source) and image.info()[1] == 64 * MIB
        third = files.createXMLFrom(vol_xml('third', 64), image)
        assert read(third.path()) == read(source)

        small, vol = tmp_path / 'small', pool.createXML(vol_xml('small', 0))
        subprocess.run(['qemu-img', 'create', '-q', '-f', 'qcow2', small, '8M'], check=True)
        assert os.stat(small).st_size % 4096, 'QEMU would not read the end of it there'
        upload(connection, vol, read(small))
        subprocess.run(['qemu-img', 'compare', '-q', '-f', 'qcow2', f'gluster://{server.address}/vol/small', small], check=True)
        upload(connection, vol, b'no image')
        assert vol.info()[1] == os.stat(f'{server.brick}/small').st_size
        assert not [n for n in os.listdir(server.brick) if n.startswith('.new')]


def test_others_write(connection, tmp_path):
    """What other clients do shows at once."""
    with served(connection, tmp_path) as server:
        one, other = (connection.storagePoolCreateXML(gluster_xml(server, name)) for name in ('one', 'other'))
        for size in 4096, MIB:
            vol = one.createXML(vol_xml(f'v{size}', 1, allocation=0))
            other.refresh()
            seen = other.storageVolLookupByName(vol.name())
            for _ in range(3):
                data = random.randbytes(size)
                upload(connection, vol, data)
                assert download(connection, seen, 0, size) == data and seen.info()[2] == vol.info()[2] >= size
            for mib in 3, 2:
                vol.resize(mib * MIB, libvirt.VIR_STORAGE_VOL_RESIZE_SHRINK)
                assert seen.info()[1] == mib * MIB
            vol.delete()
            refused(libvirt.VIR_ERR_SYSTEM_ERROR, seen.info)
            again = one.createXML(vol_xml(vol.name(), 1))
            upload(connection, again, data)
            assert download(connection, seen, 0, size) == data, 'another file of that name'


def test_killed(connection, daemon, tmp_path):
    with served(connection, tmp_path) as server:
        pool = connection.storagePoolDefineXML(gluster_xml(server))
        pool.create()

        def listed():
            return [name for name in os.listdir(server.brick) if name != '.glusterfs']
        copied_and_killed(connection, daemon, tmp_path, pool, gluster_xml(server, 'second'), listed)
        with connected(daemon) as again:
            pool = again.storagePoolLookupByName('g')
            assert pool.isActive() and pool.listVolumes() == listed() == []


def test_guest(guest_daemon, tmp_path):
    """A guest's disk is a volume, in the format that it has."""
    disk = "<disk type='volume' device='disk'><source pool='g' volume='{}'/><target dev='{}' bus='virtio'/></disk>"
    with connected(guest_daemon) as connection, served(connection, tmp_path) as server:
        pool = connection.storagePoolCreateXML(gluster_xml(server))
        for name, kind in ('raw', 'raw'), ('image', 'qcow2'), ('inner', 'dir'):
            pool.createXML(vol_xml(name, 8, kind))
        domain = connection.createXML(domain_xml('gl', devices=disk.format('raw', 'vda') + disk.format('image', 'vdb')), libvirt.VIR_DOMAIN_START_PAUSED)
        try:
            assert "<source protocol='gluster' name='vol/raw'" in domain.XMLDesc() and f"<host name='{server.address}'" in domain.XMLDesc()
            assert sorted(d['inserted']['drv'] for d in ask(guest_daemon, 'gl', 'query-block') if d.get('inserted')) == ['qcow2', 'raw']
            assert domain.blockInfo('vdb')[0] == 8 * MIB
            assert 'directory on a server' in refused(libvirt.VIR_ERR_CONFIG_UNSUPPORTED, domain.attachDevice, disk.format('inner', 'vdc'))
        finally:
            domain.destroy()


# Two threads' calls on one connection, of our client: Debian's may hold the second one back until the first one's answer.
ONE_CONNECTION = """
import threading, time
connection = libvirt.open(uri)
pool, files = connection.storagePoolLookupByName('g'), connection.storagePoolLookupByName('f')
refusal = []
def create():
    try:
        pool.create()
    except libvirt.libvirtError as error:
        refusal.append(error)
thread = threading.Thread(target=create)
thread.start()
for _ in range(20):
    began = time.monotonic()
    files.refresh()
    assert time.monotonic() - began < 5
assert thread.is_alive()
thread.join()
print(refusal[0])
"""


def test_dead(connection, daemon, tmp_path):
    """A server that swallows everything, and one that is gone: other pools don't feel it, and it is as before when the server is."""
    with served(connection, tmp_path) as server:
        (tmp_path / 'files').mkdir()
        pool, files = connection.storagePoolDefineXML(gluster_xml(server)), connection.storagePoolCreateXML(pool_xml('dir', 'f', '', tmp_path / 'files'))
        pool.create()
        pool.createXML(vol_xml('one'))
        with swallowed(24007, *range(49000, 49170)):
            asked = Asked(daemon, 'g', 'one')
            asked.start()
            quickly(lambda: files.createXML(vol_xml('v')).delete(), files.refresh, connection.listAllStoragePools, pool.info, pool.listVolumes)
            asked.join(45)
            assert asked.seconds[0] < 45 and asked.seconds[1] < 5
            assert len(asked.errors) == 2 and all(f"storage pool 'g' is not responding: server '{server.address}'" in str(e) for e in asked.errors), asked.errors
            assert pool.info()[0] == libvirt.VIR_STORAGE_POOL_INACCESSIBLE
            quickly(pool.destroy)
            began, refusal = time.monotonic(), []
            thread = threading.Thread(target=lambda: refusal.append(daemon.python(ONE_CONNECTION, ours=True)))
            thread.start()
            quickly(files.refresh)
            thread.join(45)
            assert refusal and time.monotonic() - began < 45 and 'not responding' in refusal[0]
        wait_for(lambda: pool.isActive() or not _fails(pool.create), 90, 'the pool starting again')
        wait_for(lambda: answers(pool, 'one'), 90, 'the pool')
        assert pool.info()[0] == libvirt.VIR_STORAGE_POOL_RUNNING
    assert 'not responding' in refused(libvirt.VIR_ERR_SYSTEM_ERROR, pool.refresh)
    assert pool.isActive() and pool.listVolumes() == ['one'], 'what was known is not forgotten'
    quickly(pool.destroy, daemon.stop)
    daemon.start()


def _fails(call):
    try:
        call()
    except libvirt.libvirtError:
        return True
    return False
