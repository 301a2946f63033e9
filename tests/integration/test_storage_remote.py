# SPDX-License-Identifier: LGPL-2.1-or-later
# runner: timeout 300
"""Pools on real servers by their own protocols: Ceph and iSCSI, on loopback."""
import base64
import json
import os
import re
import subprocess

import pytest

import servers
from storage_parts import MIB, connected, libvirt, pool_xml, refused, vol_xml

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
    supported = dict(re.findall("<pool type='(.*?)' supported='(.*?)'>", connection.getStoragePoolCapabilities()))
    if supported[kind] != 'yes':
        pytest.skip(f'built without {kind}')


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
