# SPDX-License-Identifier: LGPL-2.1-or-later
# runner: timeout 300
"""Pools on real servers by their own protocols: Ceph and iSCSI, on loopback."""
import base64
import hashlib
import json
import os
import random
import re
import signal
import subprocess

import pytest

import servers
import support
from storage_parts import MIB, connected, libvirt, pool_xml, refused, vol_xml
from support import wait_for
from test_storage_jobs import client
from test_storage_streams import download, upload

pytestmark = [pytest.mark.foreign_library, pytest.mark.skipif(os.geteuid() != 0, reason='needs root')]
INITIATOR = 'iqn.2026-01.test.example:us'


@pytest.fixture
def connection(daemon):
    with connected(daemon) as opened:
        yield opened


@pytest.fixture(autouse=True)
def private_run():
    """What the servers write beside their folders is nobody's else."""
    subprocess.run(['mount', '-t', 'tmpfs', 'private', '/run'], check=True)
    yield
    subprocess.run(['umount', '-l', '/run'], check=True)


def needs(connection, kind, server):
    """Skip what isn't built or installed here."""
    if server.missing():
        pytest.skip(server.missing())
    if not os.path.exists(os.path.join(support.BUILD, 'src', f'libvirt_storage_backend_{kind.replace("-", "_")}.so')):
        pytest.skip(f'built without {kind}')
    supported = dict(re.findall("<pool type='(.*?)' supported='(.*?)'>", connection.getStoragePoolCapabilities()))
    assert supported[kind] == 'yes', 'its module is not loaded'


def secret(connection, usage, element, value):
    made = connection.secretDefineXML(f"<secret private='yes'><usage type='{usage}'><{element}>it</{element}></usage></secret>")
    made.setValue(value)


def rbd_xml(server, name='r', more=''):
    auth = f"<auth type='ceph' username='{server.user}'><secret usage='it'/></auth>"
    return pool_xml('rbd', name, f"<host name='127.0.0.1' port='{server.port}'/><name>rbd</name>{auth}", more=more)


def images(server):
    return json.loads(server.rbd('ls', 'rbd', '--format', 'json'))


def exported(server, name):
    return subprocess.run(['rbd', '-c', server.conf, 'export', f'rbd/{name}', '-'], check=True, capture_output=True).stdout


def test_rbd(connection, daemon, tmp_path):
    needs(connection, 'rbd', servers.Ceph)
    with servers.Ceph(tmp_path / 'ceph') as server:
        pool = connection.storagePoolDefineXML(rbd_xml(server))
        refused(libvirt.VIR_ERR_NO_SECRET, pool.create)
        secret(connection, 'ceph', 'name', b'not the key at all')
        refused(libvirt.VIR_ERR_SYSTEM_ERROR, pool.create)
        connection.secretLookupByUsage(libvirt.VIR_SECRET_USAGE_TYPE_CEPH, 'it').setValue(base64.b64decode(server.key))
        pool.create()
        assert not pool.listVolumes()

        vol = pool.createXML(vol_xml('one', 16))
        assert images(server) == ['one'] and vol.path() == vol.key() == 'rbd/one'
        assert vol.info()[:2] == [libvirt.VIR_STORAGE_VOL_NETWORK, 16 * MIB] and vol.info()[2] == 0
        refused(libvirt.VIR_ERR_STORAGE_VOL_EXIST, pool.createXML, vol_xml('one'))
        for bad in 'a/b', 'a@b', 'x' * 256:
            with pytest.raises(libvirt.libvirtError):
                pool.createXML(vol_xml(bad))
        refused(libvirt.VIR_ERR_CONFIG_UNSUPPORTED, pool.createXML, vol_xml('two', kind='qcow2'))
        vol.resize(24 * MIB)
        refused(libvirt.VIR_ERR_INVALID_ARG, vol.resize, 8 * MIB)
        vol.resize(8 * MIB, libvirt.VIR_STORAGE_VOL_RESIZE_SHRINK)
        assert json.loads(server.rbd('info', 'rbd/one', '--format', 'json'))['size'] == 8 * MIB == vol.info()[1]

        os.mkdir(tmp_path / 'files')
        files = connection.storagePoolCreateXML(
            f"<pool type='dir'><name>f</name><target><path>{tmp_path}/files</path></target></pool>")
        source, data = files.createXML(vol_xml('source', 8)), os.urandom(MIB)
        with open(source.path(), 'r+b') as f:
            f.seek(5 * MIB)
            f.write(data)
        copy = pool.createXMLFrom(vol_xml('copy', 8), source)
        assert exported(server, 'copy') == bytes(5 * MIB) + data + bytes(2 * MIB)
        clone = pool.createXMLFrom(vol_xml('clone', 12), copy)
        assert exported(server, 'clone') == bytes(5 * MIB) + data + bytes(6 * MIB) and clone.info()[1] == 12 * MIB
        assert 'delete-snapshots' in refused(libvirt.VIR_ERR_OPERATION_INVALID, copy.delete)
        assert 'flatten' in refused(libvirt.VIR_ERR_OPERATION_INVALID, copy.delete, libvirt.VIR_STORAGE_VOL_DELETE_WITH_SNAPSHOTS)
        assert download(connection, clone) == exported(server, 'clone'), 'with what it has from where it was cloned'
        clone.wipe()
        assert not any(exported(server, 'clone'))
        assert exported(server, 'copy')[5 * MIB:6 * MIB] == data
        clone.delete()
        copy.wipePattern(libvirt.VIR_STORAGE_VOL_WIPE_ALG_TRIM)
        assert not any(exported(server, 'copy')) and copy.info()[2] < 8 * MIB
        copy.delete(libvirt.VIR_STORAGE_VOL_DELETE_WITH_SNAPSHOTS)
        assert images(server) == ['one']

        server.rbd('create', 'rbd/other', '--size', '4M')
        pool.refresh()
        assert sorted(pool.listVolumes()) == ['one', 'other']
        daemon.kill()
        daemon.start()
        again = libvirt.open(daemon.uri)
        pool = again.storagePoolLookupByName('r')
        assert pool.isActive() and sorted(pool.listVolumes()) == ['one', 'other']
        pool.destroy()
        refused(libvirt.VIR_ERR_NO_SUPPORT, pool.delete)
        again.close()


def copier(daemon, pool, name, source):
    """Who makes volume @name of @pool from @source; it has begun."""
    document = vol_xml(name, 64, allocation=0)
    process = client(daemon, f"p.createXMLFrom({document!r}, c.storageVolLookupByPath({source.path()!r}), 0)", pool.name())
    wait_for(lambda: name in pool.listVolumes(), what='the copy having begun')
    wait_for(lambda: pool.storageVolLookupByName(name).info()[2] > 0, what='progress of the copy')
    process.stdout.close()
    return process


def filled(connection, tmp_path, mib):
    files = files_pool(connection, tmp_path / 'files')
    source = files.createXML(vol_xml('source', mib, allocation=0))
    with open(source.path(), 'r+b') as f:
        f.writelines(random.randbytes(MIB) for _ in range(mib))
    return source


def half_made(names):
    return [name for name in names if name.startswith('.new-')]


def copied_and_killed(connection, daemon, tmp_path, pool, second_xml, listed):
    """What is being copied has no name yet, and is left alone by another pool on the same storage; killed, the daemon leaves no volume.
    @listed: what the server has."""
    source = filled(connection, tmp_path, 64)
    copy = copier(daemon, pool, 'copy', source)
    second = connection.storagePoolCreateXML(second_xml)
    second.refresh()
    assert not half_made(second.listVolumes())
    assert copy.wait(60) == 0
    assert download(connection, pool.storageVolLookupByName('copy')) == read(source.path())
    pool.storageVolLookupByName('copy').delete()
    assert listed() == []
    copy = copier(daemon, pool, 'half', source)
    daemon.process.send_signal(signal.SIGSTOP)
    assert len(listed()) == 1 == len(half_made(listed()))
    daemon.kill()
    copy.wait(60)
    daemon.start()


def test_rbd_killed(connection, daemon, tmp_path):
    needs(connection, 'rbd', servers.Ceph)
    with servers.Ceph(tmp_path / 'ceph', keys=False) as server:
        def xml(name):
            return re.sub('<auth.*</auth>', '', rbd_xml(server, name))
        pool = connection.storagePoolDefineXML(xml('r'))
        pool.create()
        copied_and_killed(connection, daemon, tmp_path, pool, xml('second'), lambda: images(server))
        with connected(daemon) as again:
            pool = again.storagePoolLookupByName('r')
            assert pool.isActive() and pool.listVolumes() == []

            def swept():
                pool.refresh()
                return images(server) == []
            wait_for(swept, 60, 'Ceph giving the killed client up, and its image going')
            # a clone that was not finished takes its snapshot along
            parent = pool.createXML(vol_xml('parent', 8))
            left = '.new-libvirt-00000000-0000000000000000'
            with open('/etc/machine-id', 'rb') as f:
                left = left.replace('00000000-', hashlib.sha256(f.read()).hexdigest()[:8] + '-', 1)
            server.rbd('snap', 'create', 'rbd/parent@libvirt-x')
            server.rbd('snap', 'protect', 'rbd/parent@libvirt-x')
            server.rbd('clone', 'rbd/parent@libvirt-x', f'rbd/{left}')
            pool.refresh()
            assert images(server) == ['parent'] == pool.listVolumes()
            parent.delete()


def files_pool(connection, folder):
    os.mkdir(folder)
    return connection.storagePoolCreateXML(pool_xml('dir', 'files', '', folder))


def read(path):
    with open(path, 'rb') as f:
        return f.read()


def as_raw(path, back):
    """What an image holds."""
    subprocess.run(['qemu-img', 'convert', '-O', 'raw', str(path), str(back)], check=True)
    return read(back)


def virsh(daemon, *words):
    """Debian's, which must do with what it finds here."""
    return subprocess.run([support.DEBIAN_VIRSH, '-q', '-c', daemon.uri, *map(str, words)], check=True, env=support.foreign_environment(),
                          capture_output=True, text=True)


def streamed_everywhere(connection, vol, content):
    """Parts of a volume, around the edges of blocks, packets and what is gathered; @content gives all that its server has."""
    whole = bytearray(content())
    for offset, size in ((0, 1), (1, 511), (511, 514), (4095, 131073), (MIB - 1, 2), (MIB + 7, MIB), (len(whole) - 1, 1), (0, len(whole))):
        data = random.randbytes(size)
        whole[offset:offset + size] = data
        upload(connection, vol, data, offset, size)
        assert content() == whole
        assert download(connection, vol, offset, size) == data
    assert download(connection, vol) == whole
    assert 'room for' in refused(libvirt.VIR_ERR_INVALID_ARG, upload, connection, vol, b'', len(whole), 1)
    assert 'have room' in refused(libvirt.VIR_ERR_SYSTEM_ERROR, upload, connection, vol, b'12', len(whole) - 1, 0)
    return bytes(whole)


def copied_everywhere(pool, files, vol, whole, tmp_path):
    """A volume that a server keeps becomes files of all kinds, and with @pool what it can make: the same bytes each time."""
    for kind in 'raw', 'qcow2', 'vmdk':
        copy = files.createXMLFrom(vol_xml(f'of-{kind}', kind=kind), vol)
        assert as_raw(copy.path(), tmp_path / 'back') == whole and copy.info()[1] == len(whole)
        if pool:
            again = pool.createXMLFrom(vol_xml(f'again-{kind}'), copy)
            third = files.createXMLFrom(vol_xml('third'), again)
            assert read(third.path()) == whole
            third.delete()
            again.delete()
        copy.delete()


def test_rbd_content(connection, daemon, tmp_path):
    """Streams, wipes and copies of images of Ceph, with their holes."""
    needs(connection, 'rbd', servers.Ceph)
    with servers.Ceph(tmp_path / 'ceph') as server:
        secret(connection, 'ceph', 'name', base64.b64decode(server.key))
        pool, files = connection.storagePoolCreateXML(rbd_xml(server)), files_pool(connection, tmp_path / 'files')
        vol = pool.createXML(vol_xml('v', 6))
        whole = streamed_everywhere(connection, vol, lambda: exported(server, 'v'))
        copied_everywhere(pool, files, vol, whole, tmp_path)
        vol.wipePattern(libvirt.VIR_STORAGE_VOL_WIPE_ALG_NNSA)
        assert exported(server, 'v') == bytes(6 * MIB)
        vol.delete()

        source, back = tmp_path / 'source', tmp_path / 'back'
        with open(source, 'wb') as f:
            for place in (9, 30):
                f.seek(place * MIB)
                f.write(random.randbytes(MIB))
            f.truncate(64 * MIB)
        vol = pool.createXML(vol_xml('v', 64))
        upload(connection, vol, random.randbytes(100000), 20 * MIB + 1)
        virsh(daemon, 'vol-upload', '--sparse', '--pool', 'r', 'v', source)
        assert exported(server, 'v') == read(source) and vol.info()[2] == 8 * MIB, 'two objects'
        virsh(daemon, 'vol-download', '--sparse', '--pool', 'r', 'v', back)
        assert read(back) == read(source) and os.stat(back).st_blocks * 512 <= 8 * MIB
        copy = files.createXMLFrom(vol_xml('sparse', allocation=0), vol)
        assert read(copy.path()) == read(source) and copy.info()[2] <= 8 * MIB
        small = "<volume><name>small</name><capacity>1</capacity><target><format type='raw'/></target></volume>"
        assert pool.createXMLFrom(small, copy).info()[1] == 64 * MIB and exported(server, 'small') == read(source)

        big = pool.createXML(vol_xml('big', 96))
        upload(connection, big, random.randbytes(96 * MIB))
        script = (f"import libvirt\nc = libvirt.open({daemon.uri!r})\nfrom_ = c.storagePoolLookupByName('r').storageVolLookupByName('big')\n"
                  "c.storagePoolLookupByName('files').createXMLFrom("
                  f"{vol_xml('copy', kind='KIND')!r}, from_)\n")
        for kind in 'raw', 'qcow2':
            client = subprocess.Popen([support.PYTHON, '-c', script.replace('KIND', kind)], env=support.foreign_environment())
            wait_for(lambda: 'copy' in files.listVolumes() and files.storageVolLookupByName('copy').info()[2] > 0, what='progress of the copy')
            client.kill()
            client.wait()
            wait_for(lambda: 'copy' not in files.listVolumes() or os.path.exists(tmp_path / 'files/copy'), what='the end of the copy')
            big.resize(96 * MIB)    # waits half a minute where Ceph thinks of a QEMU that was killed, which converted, as alive
            if 'copy' in files.listVolumes():   # it was quicker
                files.storageVolLookupByName('copy').delete()
            assert not {'copy'} & set(os.listdir(tmp_path / 'files'))
        stream = connection.newStream()
        big.upload(stream, 0, 0)
        stream.send(b'x' * 300000)
        stream.abort()
        big.delete()


def test_iscsi_direct(connection, tmp_path):
    needs(connection, 'iscsi-direct', servers.Iscsi)
    for n, mib in enumerate((4, 8)):
        with open(tmp_path / f'image{n}', 'wb') as f:
            f.write(b'x' * (mib * MIB))
    with servers.Iscsi(tmp_path / 'iscsi', tmp_path / 'image0', tmp_path / 'image1', chap=True) as server:
        host, initiator = f"<host name='127.0.0.1' port='{server.port}'/>", f"<initiator><iqn name='{INITIATOR}'/></initiator>"
        found = connection.findStoragePoolSources('iscsi-direct', f'<source>{host}{initiator}</source>', 0)
        assert f"<device path='{server.target}'/>" in found
        refused(libvirt.VIR_ERR_INVALID_ARG, connection.findStoragePoolSources, 'iscsi-direct', f'<source>{host}</source>', 0)
        plain = f"{host}<device path='{server.target}'/>{initiator}"
        pool = connection.storagePoolDefineXML(pool_xml('iscsi-direct', 'i', plain))
        refused(libvirt.VIR_ERR_OPERATION_FAILED, pool.create)
        pool.undefine()
        pool = connection.storagePoolDefineXML(pool_xml('iscsi-direct', 'i', (
            f"{plain}<auth type='chap' username='{server.user}'><secret usage='it'/></auth>")))
        secret(connection, 'iscsi', 'target', server.secret.encode())
        pool.create()
        assert sorted(pool.listVolumes()) == ['unit:0:0:1', 'unit:0:0:2'] and pool.info()[1] == 12 * MIB
        vol = pool.storageVolLookupByName('unit:0:0:1')
        assert vol.info() == [libvirt.VIR_STORAGE_VOL_NETWORK, 4 * MIB, 4 * MIB]
        assert vol.key() == vol.path() == f'ip-127.0.0.1-iscsi-{server.target}-lun-1'
        vol.wipe()
        with open(tmp_path / 'image0', 'rb') as f:
            assert not any(f.read())
        with open(tmp_path / 'image1', 'rb') as f:
            assert f.read() == b'x' * (8 * MIB)
        refused(libvirt.VIR_ERR_NO_SUPPORT, vol.delete)
        refused(libvirt.VIR_ERR_NO_SUPPORT, pool.createXML, vol_xml('x'))
    assert 'not responding' in refused(libvirt.VIR_ERR_OPERATION_TIMEOUT, pool.refresh)
    assert pool.isActive() and len(pool.listVolumes()) == 2, 'what was known is not forgotten'


def test_iscsi_content(connection, daemon, tmp_path):
    """Streams, wipes and copies of units of a target, also of one that knows its holes."""
    needs(connection, 'iscsi-direct', servers.Iscsi)
    for name, mib in ('unit', 3), ('thin', 64):
        with open(tmp_path / name, 'wb') as f:
            f.truncate(mib * MIB)
    with servers.Iscsi(tmp_path / 'iscsi', tmp_path / 'unit', tmp_path / 'thin', chap=True) as server:
        server.admin('--mode', 'logicalunit', '--op', 'update', '--tid', '1', '--lun', '2', '--params', 'thin_provisioning=1')
        secret(connection, 'iscsi', 'target', server.secret.encode())
        pool = connection.storagePoolCreateXML(pool_xml('iscsi-direct', 'i', (
            f"<host name='127.0.0.1' port='{server.port}'/><device path='{server.target}'/><initiator><iqn name='{INITIATOR}'/></initiator>"
            f"<auth type='chap' username='{server.user}'><secret usage='it'/></auth>")))
        files, vol = files_pool(connection, tmp_path / 'files'), pool.storageVolLookupByName('unit:0:0:1')
        whole = streamed_everywhere(connection, vol, lambda: read(tmp_path / 'unit'))
        copied_everywhere(None, files, vol, whole, tmp_path)
        assert 'server' in refused(libvirt.VIR_ERR_NO_SUPPORT, vol.wipePattern, libvirt.VIR_STORAGE_VOL_WIPE_ALG_TRIM)
        vol.wipePattern(libvirt.VIR_STORAGE_VOL_WIPE_ALG_NNSA)
        assert read(tmp_path / 'unit') == bytes(3 * MIB)

        thin, source, back = pool.storageVolLookupByName('unit:0:0:2'), tmp_path / 'source', tmp_path / 'back'
        with open(source, 'wb') as f:
            f.seek(9 * MIB + 100)
            f.write(random.randbytes(MIB))
            f.truncate(64 * MIB)
        upload(connection, thin, random.randbytes(100000), 20 * MIB + 1)
        virsh(daemon, 'vol-upload', '--sparse', '--pool', 'i', 'unit:0:0:2', source)
        assert read(tmp_path / 'thin') == read(source)
        virsh(daemon, 'vol-download', '--sparse', '--pool', 'i', 'unit:0:0:2', back)
        assert read(back) == read(source) and os.stat(back).st_blocks * 512 < 4 * MIB
        thin.wipePattern(libvirt.VIR_STORAGE_VOL_WIPE_ALG_TRIM)
        assert not any(read(tmp_path / 'thin')) and os.stat(tmp_path / 'thin').st_blocks * 512 < MIB
        stream = connection.newStream()
        thin.download(stream, 0, 0)
        assert stream.recv(1000)
    refused(libvirt.VIR_ERR_OPERATION_TIMEOUT, lambda: [stream.recv(262144) for _ in range(256)])
