# SPDX-License-Identifier: LGPL-2.1-or-later
"""Pools that are mounted: file systems of devices and files. What servers export is mounted in the nested host."""
import os
import shutil
import subprocess

import pytest

import servers
from storage_parts import MIB, connected, content, libvirt, loop_device, mounts, pool_xml, refused, vol_xml

pytestmark = pytest.mark.foreign_library
OVERWRITE, KEEP = libvirt.VIR_STORAGE_POOL_BUILD_OVERWRITE, libvirt.VIR_STORAGE_POOL_BUILD_NO_OVERWRITE
FS_SPACE = " xmlns:fs='http://libvirt.org/schemas/storagepool/fs/1.0'"


@pytest.fixture
def connection(daemon):
    with connected(daemon) as opened:
        yield opened


@pytest.fixture
def device(tmp_path):
    with loop_device(tmp_path / 'disk', 64) as name:
        yield name


def fs_xml(device, target, kind='ext4', **more):
    return pool_xml('fs', 'p', f"<device path='{device}'/><format type='{kind}'/>", target, **more)


def test_life(connection, daemon, device, tmp_path):
    target = tmp_path / 'target'
    pool = connection.storagePoolDefineXML(fs_xml(device, target, more=(
        "<fs:mount_opts><fs:option name='noatime'/></fs:mount_opts>"), space=FS_SPACE))
    refused(libvirt.VIR_ERR_SYSTEM_ERROR, pool.create)
    pool.build()
    assert content(device) is None
    assert 'wrong fs type' in refused(libvirt.VIR_ERR_OPERATION_FAILED, pool.create)
    pool.build(KEEP)
    assert content(device) == 'ext4'
    assert 'ext4' in refused(libvirt.VIR_ERR_STORAGE_POOL_BUILT, pool.build, KEEP)
    pool.create()
    assert mounts(target)[0][:2] == (device, 'ext4')
    assert {'nodev', 'nosuid', 'noexec', 'noatime'} <= set(mounts(target)[0][2].split(','))
    assert 50 * MIB < pool.info()[1] < 64 * MIB
    refused(libvirt.VIR_ERR_OPERATION_INVALID, pool.build, OVERWRITE)
    vol = pool.createXML(vol_xml('v', 4))
    assert vol.path() == f'{target}/v' and os.stat(target / 'v').st_size == 4 * MIB
    assert 'lost+found' in pool.listVolumes()

    daemon.kill()
    daemon.start()
    connection = libvirt.open(daemon.uri)
    pool = connection.storagePoolLookupByName('p')
    assert pool.isActive() and len(mounts(target)) == 1 and 'v' in pool.listVolumes()
    daemon.kill()
    subprocess.run(['umount', target], check=True)
    daemon.start()
    connection = libvirt.open(daemon.uri)
    pool = connection.storagePoolLookupByName('p')
    assert pool.isActive() and len(mounts(target)) == 1, 'what is missing is mended'

    with open(target / 'v', 'rb'):
        assert 'fuser' in refused(libvirt.VIR_ERR_OPERATION_FAILED, pool.destroy)
        assert pool.isActive() and 'v' in pool.listVolumes()
    pool.destroy()
    assert not mounts(target) and not os.listdir(target)
    pool.build(OVERWRITE)
    pool.create()
    assert pool.listVolumes() == ['lost+found']
    pool.destroy()
    pool.delete()
    assert not target.exists()
    pool.undefine()
    connection.close()


@pytest.mark.parametrize('kind', ['ext2', 'ext3', 'xfs', 'vfat'])
def test_formats(connection, tmp_path, kind):
    if not shutil.which(f'mkfs.{kind}'):
        pytest.skip(f'mkfs.{kind} is not installed')
    with loop_device(tmp_path / 'disk', 320 if kind == 'xfs' else 32) as device:
        pool = connection.storagePoolDefineXML(fs_xml(device, tmp_path / 'target', kind))
        pool.build(KEEP)
        assert content(device) == kind
        with open('/proc/filesystems', encoding='utf-8') as f:
            if f'\t{kind}\n' not in f.read():
                pytest.skip(f'this kernel has no {kind}')
        pool.create()
        pool.createXML(vol_xml('v', 4))
        pool.destroy()


def test_image_file_is_mounted(connection, tmp_path):
    with loop_device(tmp_path / 'probe', 1):
        pass
    with open(tmp_path / 'image', 'wb') as f:
        f.truncate(32 * MIB)
    target = tmp_path / 'target'
    pool = connection.storagePoolDefineXML(fs_xml(tmp_path / 'image', target, 'ext4'))
    pool.build(KEEP)
    pool.create()
    assert mounts(target)[0][0].startswith('/dev/loop')
    pool.destroy()
    assert not mounts(target)
    pool.undefine()
    pool = connection.storagePoolDefineXML(fs_xml(tmp_path / 'image', target, 'auto'))
    assert 'ext4' in refused(libvirt.VIR_ERR_OPERATION_INVALID, pool.build, OVERWRITE)
    pool.create()
    pool.destroy()


def test_what_is_mounted_already(connection, device, tmp_path):
    target = tmp_path / 'target'
    os.mkdir(target)
    subprocess.run(['mkfs.ext4', '-q', device], check=True)
    pool = connection.storagePoolDefineXML(fs_xml(device, target))
    subprocess.run(['mount', '-t', 'tmpfs', 'none', target], check=True)
    assert 'umount' in refused(libvirt.VIR_ERR_OPERATION_INVALID, pool.create)
    subprocess.run(['umount', target], check=True)
    subprocess.run(['mount', device, target], check=True)
    pool.create()
    assert len(mounts(target)) == 1
    refused(libvirt.VIR_ERR_OPERATION_FAILED, connection.storagePoolCreateXML, fs_xml(device, target).replace('<name>p', '<name>q'))
    pool.destroy()
    assert not mounts(target)


@pytest.mark.parametrize('host, path, fault', [
    ('-oProxy', '/export', 'host'), ('a/b', '/export', 'host'), ('server', 'export', 'absolute'), ('server', '-x', 'given to mount'),
    ('ser&#10;ver', '/export', 'given to mount')])
def test_words_for_programs_are_checked(connection, tmp_path, host, path, fault):
    pool = connection.storagePoolDefineXML(pool_xml('netfs', 'p', f"<host name='{host}'/><dir path='{path}'/><format type='nfs'/>", tmp_path))
    assert fault in refused(libvirt.VIR_ERR_XML_ERROR, pool.create)


def test_options_are_checked(connection, device, tmp_path):
    pool = connection.storagePoolDefineXML(fs_xml(device, tmp_path, more=(
        "<fs:mount_opts><fs:option name='-x'/></fs:mount_opts>"), space=FS_SPACE))
    assert 'mount_opts' in refused(libvirt.VIR_ERR_XML_ERROR, pool.create)


def test_exports_are_found(connection, tmp_path):
    missing = servers.Nfs.missing() or servers.lacking('showmount')
    if missing:
        pytest.skip(missing)
    with servers.Nfs(tmp_path / 'nfs') as server:
        found = connection.findStoragePoolSources('netfs', "<source><host name='127.0.0.1'/></source>", 0)
    assert f"<dir path='{server.export}'/>" in found and "<host name='127.0.0.1'/>" in found and "<format type='nfs'/>" in found
    refused(libvirt.VIR_ERR_INVALID_ARG, connection.findStoragePoolSources, 'netfs', None, 0)
    refused(libvirt.VIR_ERR_INVALID_ARG, connection.findStoragePoolSources, 'netfs', "<source><host name='-x'/></source>", 0)
