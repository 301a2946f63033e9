# SPDX-License-Identifier: LGPL-2.1-or-later
"""Storage pools that need more of the kernel: LVM, NFS, iSCSI."""
import contextlib
import os
import re
import time

import pytest

from conftest import GUEST, LONG, modules, run, virsh, wait_for
from storage_parts import MIB, boots, pool, volumes


@contextlib.contextmanager
def loop_device(path, mib):
    with open(path, 'wb') as f:
        f.truncate(mib * MIB)
    name = run('losetup', '--show', '-f', path).strip()
    try:
        yield name
    finally:
        run('losetup', '-d', name)


def test_logical_volumes(xml, tmp_path):
    modules('dm_mod', 'dm_snapshot')
    with loop_device(tmp_path / 'a', 128) as one, loop_device(tmp_path / 'b', 64) as two, \
            pool(xml, 'logical', 'group', f"<device path='{one}'/><device path='{two}'/><name>group</name>", '/dev/group') as name:
        run('mkfs.ext4', '-q', two)
        assert 'ext4' in virsh('pool-build', name, check=False) and 'group' not in run('vgs', '--noheadings', '-o', 'vg_name')
        virsh('pool-build', name, '--overwrite')
        virsh('pool-start', name)
        assert run('vgs', '--noheadings', '-o', 'pv_count', 'group').strip() == '2'
        found = virsh('find-storage-pool-sources', 'logical')
        assert '<name>group</name>' in found and one in found and two in found
        virsh('pool-autostart', name)
        virsh('vol-create-as', name, 'plain', '16M')
        uuid = run('lvs', '--noheadings', '-o', 'lv_uuid', 'group/plain').strip()
        assert virsh('vol-key', 'plain', name).strip() == uuid and virsh('vol-path', 'plain', name).strip() == '/dev/group/plain'
        assert virsh('vol-name', uuid).strip() == 'plain'
        assert re.search(f"<device path='{one}'>\\s*<extent start='[0-9]+' end='[0-9]+'/>", virsh('vol-dumpxml', 'plain', name))
        virsh('vol-resize', 'plain', '24M', name)
        assert int(run('blockdev', '--getsize64', '/dev/group/plain')) == 24 * MIB
        assert 'SHRINK' in virsh('vol-resize', 'plain', '16M', name, check=False)
        virsh('vol-resize', 'plain', '16M', name, '--shrink')
        boots(xml, name, 'plain')
        virsh('vol-create-as', name, 'shot', '8M', '--backing-vol', 'plain')
        assert '<path>/dev/group/plain</path>' in virsh('vol-dumpxml', 'shot', name)
        virsh('vol-create-as', name, 'sparse', '64M', '--allocation', '8M')
        assert re.search('Capacity: *64', virsh('vol-info', 'sparse', name)) and 'room' in virsh('vol-wipe', 'sparse', name, check=False)
        virsh('vol-clone', 'plain', 'copy', name)
        run('cmp', '/dev/group/plain', '/dev/group/copy')
        for bad in '-x', 'a/b', '..', 'a b':
            assert 'error' in virsh('vol-create-as', name, '--name', bad, '--capacity', '4M', check=False)
        run('systemctl', 'restart', 'libvirtd')
        assert set(volumes(name)) == {'plain', 'shot', 'sparse', 'copy'} and virsh('vol-name', uuid).strip() == 'plain'
        run('mkfs.ext4', '-q', '/dev/group/copy')
        run('mount', '/dev/group/copy', '/mnt')
        assert 'in use' in virsh('vol-delete', 'copy', name, check=False)
        run('umount', '/mnt')
        virsh('vol-delete', 'shot', name)
        virsh('vol-wipe', 'plain', name)
        run('cmp', '-n', 16 * MIB, '/dev/zero', '/dev/group/plain')
        for each in 'sparse', 'copy', 'plain':
            virsh('vol-delete', each, name)
        assert not run('lvs', '--noheadings', 'group').strip()
        virsh('pool-destroy', name)
        virsh('pool-delete', name)
        assert 'group' not in run('vgs', '--noheadings', '-o', 'vg_name') and one not in run('pvs', '--noheadings')


@LONG
def test_thin_volumes(xml, tmp_path):
    """They are seen, what holds them is not; a pool is started when the host starts."""
    modules('dm_thin_pool')
    with loop_device(tmp_path / 'a', 96) as device, pool(xml, 'logical', 'slim', f"<device path='{device}'/><name>slim</name>", '/dev/slim') as name:
        run('vgcreate', '-q', 'slim', device)
        run('lvcreate', '-q', '-y', '-T', '-L', '32M', '-V', '64M', '-n', 'thin', 'slim/tank')
        run('vgchange', '-an', 'slim')
        virsh('pool-autostart', name)
        run('systemctl', 'stop', 'libvirtd')
        os.unlink('/run/libvirt/storage/autostarted')
        assert volumes(name) == ['thin'] and os.path.exists('/dev/slim/thin')
        run('dd', 'if=/dev/urandom', 'of=/dev/slim/thin', 'bs=1M', 'count=8', 'oflag=direct')
        virsh('pool-refresh', name)
        info = virsh('vol-info', 'thin', name, '--bytes')
        assert re.search(f'Capacity: *{64 * MIB} ', info) and re.search(f'Allocation: *{8 * MIB} ', info), info
        run('lvcreate', '-q', '-s', '-kn', '-n', 'shot', 'slim/thin')
        virsh('pool-refresh', name)
        assert '<path>/dev/slim/thin</path>' in virsh('vol-dumpxml', 'shot', name)
        virsh('vol-delete', 'thin', name)
        assert volumes(name) == ['shot']
        virsh('pool-destroy', name)
        virsh('pool-delete', name)


def test_folder_of_a_server(xml, tmp_path):
    modules('nfsd', 'nfs')
    os.makedirs('/srv/shared', exist_ok=True)
    run('systemctl', 'restart', 'nfs-server')
    run('exportfs', '-o', 'rw,no_root_squash,insecure,no_subtree_check,fsid=7', '127.0.0.1:/srv/shared')
    with pool(xml, 'netfs', 'shared', "<host name='127.0.0.1'/><dir path='/srv/shared'/><format type='nfs'/>", '/mnt/shared') as name:
        assert "<dir path='/srv/shared'/>" in virsh('find-storage-pool-sources-as', 'netfs', '127.0.0.1')
        virsh('pool-build', name)
        virsh('pool-start', name)
        assert run('findmnt', '-n', '-o', 'FSTYPE', '/mnt/shared').strip().startswith('nfs')
        virsh('vol-create-as', name, 'disk', '4M')
        assert os.stat('/srv/shared/disk').st_size == 4 * MIB
        virsh('vol-create-as', name, 'image', '8M', '--format', 'qcow2')
        assert sorted(os.listdir('/srv/shared')) == sorted(os.listdir('/mnt/shared')) == ['disk', 'image'] == sorted(volumes(name))
        boots(xml, name, 'disk')
        run('systemctl', 'restart', 'libvirtd')
        assert set(volumes(name)) == {'disk', 'image'}
        virsh('vol-delete', 'image', name)
        virsh('pool-destroy', name)
        assert not run('findmnt', '-n', '/mnt/shared', check=False)
        virsh('pool-delete', name)
        assert not os.path.exists('/mnt/shared')


def drop(port):
    run('nft', '-f', '-', stdin=f'''table inet swallow {{ chain arrived {{
type filter hook input priority 0
tcp dport {port} drop
tcp sport {port} drop
}}
}}''')


@LONG
def test_folder_of_a_dead_server(xml):
    """A server that swallows everything: a file system that hangs makes its pool inaccessible, until the server is back."""
    modules('nfsd', 'nfs')
    os.makedirs('/srv/dead', exist_ok=True)
    run('systemctl', 'restart', 'nfs-server')
    run('exportfs', '-o', 'rw,no_root_squash,insecure,no_subtree_check,fsid=8', '127.0.0.1:/srv/dead')
    with pool(xml, 'netfs', 'dead', "<host name='127.0.0.1'/><dir path='/srv/dead'/><format type='nfs'/>", '/mnt/dead') as name, \
            pool(xml, 'dir', 'alive', '', '/srv/alive') as other:
        for each in name, other:
            virsh('pool-build', each)
            virsh('pool-start', each)
        virsh('vol-create-as', name, 'disk', '4M')
        drop(2049)
        try:
            said = virsh('pool-refresh', name, check=False)
            assert "not responding: server '127.0.0.1' has not answered" in said, said
            began = time.monotonic()
            assert 'not responding' in virsh('vol-info', 'disk', name, check=False)
            virsh('vol-create-as', other, 'disk', '1M')
            assert 'inaccessible' in virsh('pool-info', name) and 'running' in virsh('pool-info', other)
            assert 'disk' in virsh('vol-list', name)
            assert time.monotonic() - began < 60
            assert 'umount -f -l /mnt/dead' in virsh('pool-destroy', name, check=False), 'how it is ended by hand'
            run('systemctl', 'stop', 'libvirtd', seconds=60)
        finally:
            run('nft', 'delete', 'table', 'inet', 'swallow')
        wait_for(lambda: 'refreshed' in virsh('pool-refresh', name, check=False) and 'running' in virsh('pool-info', name),
                 what='the pool responding again')
        assert volumes(name) == ['disk']
        virsh('vol-delete', 'disk', name)


@pytest.fixture
def target(tmp_path):
    """A target with two units, that wants a password."""
    modules('iscsi_tcp')
    run('systemctl', 'start', 'tgt')
    name = 'iqn.2026-01.test.example:disks'

    def admin(*words):
        run('tgtadm', '--lld', 'iscsi', *words)
    wait_for(lambda: 'State: ready' in run('tgtadm', '--lld', 'iscsi', '--mode', 'sys', '--op', 'show', check=False), what='tgtd')
    admin('--mode', 'target', '--op', 'new', '--tid', '1', '--targetname', name)
    for n in 1, 2:
        path = tmp_path / f'unit{n}'
        with open(path, 'wb') as f:
            f.truncate(4 * n * MIB)
        admin('--mode', 'logicalunit', '--op', 'new', '--tid', '1', '--lun', str(n), '--backing-store', str(path))
    admin('--mode', 'target', '--op', 'bind', '--tid', '1', '--initiator-address', 'ALL')
    admin('--mode', 'account', '--op', 'new', '--user', 'visitor', '--password', 'twelvechars1')
    admin('--mode', 'account', '--op', 'bind', '--tid', '1', '--user', 'visitor')
    yield name
    admin('--mode', 'target', '--op', 'delete', '--tid', '1', '--force')
    run('systemctl', 'stop', 'tgt')


def test_units_of_a_target(xml, target):
    source = f"<host name='127.0.0.1'/><device path='{target}'/>"
    auth = "<auth type='chap' username='visitor'><secret usage='it'/></auth>"
    with pool(xml, 'iscsi', 'plain', source, '/dev/disk/by-path') as name:
        assert target in virsh('find-storage-pool-sources-as', 'iscsi', '127.0.0.1')
        assert 'error' in virsh('pool-start', name, check=False)
    virsh('secret-define', xml("<secret private='yes'><usage type='iscsi'><target>it</target></usage></secret>"))
    uuid = virsh('secret-list').splitlines()[2].split()[0]
    virsh('secret-set-value', uuid, run('base64', stdin='twelvechars1').strip())
    with pool(xml, 'iscsi', 'units', source + auth, '/dev/disk/by-path') as name:
        virsh('pool-start', name)
        assert sorted(volumes(name)) == ['unit:0:0:1', 'unit:0:0:2']
        path = virsh('vol-path', 'unit:0:0:1', name).strip()
        assert path.startswith('/dev/disk/by-path/') and target in path
        assert re.search('Capacity: *4.00 MiB', virsh('vol-info', 'unit:0:0:1', name))
        boots(xml, name, 'unit:0:0:1')
        virsh('vol-wipe', 'unit:0:0:1', name)
        run('cmp', '-n', 4 * MIB, '/dev/zero', path)
        assert 'error' in virsh('vol-delete', 'unit:0:0:1', name, check=False)
        run('systemctl', 'restart', 'libvirtd')
        assert sorted(volumes(name)) == ['unit:0:0:1', 'unit:0:0:2']
        host = run('sh', '-c', 'basename $(dirname $(readlink -f /sys/class/iscsi_session/session*/device))').strip()
        with pool(xml, 'scsi', 'host', f"<adapter name='{host}'/>", '/dev/disk/by-path') as same:
            virsh('pool-start', same)
            assert set(volumes(name)) <= set(volumes(same))
        virsh('pool-destroy', name)
        assert not os.path.exists('/sys/class/iscsi_session') or not os.listdir('/sys/class/iscsi_session')
        assert 'twelvechars1' not in run('grep', '-r', 'twelvechars1', '/etc/iscsi/nodes', '/var/lib/iscsi/nodes', check=False)
    virsh('secret-undefine', uuid)


def remove_module(name):
    """udev may still look at what it has brought."""
    wait_for(lambda: not run('modprobe', '-r', name, check=False), what=f'{name} being out of use')


@LONG
def test_disk_with_two_ways(xml):
    """A SCSI host's disk, and what the device mapper makes of the two ways to it."""
    modules('scsi_debug', 'dm_multipath', 'dm_round_robin')
    remove_module('scsi_debug')
    try:
        run('modprobe', 'scsi_debug', 'dev_size_mb=8', 'num_tgts=1', 'max_luns=2')
        host = wait_for(lambda: [name for name in os.listdir('/sys/class/scsi_host')
                                 if open(f'/sys/class/scsi_host/{name}/proc_name', encoding='utf-8').read().strip() == 'scsi_debug'])[0]
        with pool(xml, 'scsi', 'host', f"<adapter name='{host}'/>", '/dev/disk/by-path') as name:
            virsh('pool-start', name)
            assert sorted(volumes(name)) == ['unit:0:0:0', 'unit:0:0:1']
            paths = [virsh('vol-path', unit, name).strip() for unit in sorted(volumes(name))]
            devices = [os.path.realpath(path) for path in paths]
            boots(xml, name, 'unit:0:0:0')
            virsh('vol-wipe', 'unit:0:0:0', name)
            run('cmp', '-n', 8 * MIB, '/dev/zero', paths[0])
            run('dmsetup', 'create', 'two', '--uuid', 'mpath-360000000000000001', '--table', (
                f'0 16384 multipath 0 0 1 1 round-robin 0 2 1 {devices[0]} 1000 {devices[1]} 1000'))
            assert 'busy' in virsh('vol-wipe', 'unit:0:0:0', name, check=False)
            with pool(xml, 'mpath', 'ways', '', '/dev/mapper') as ways:
                virsh('pool-start', ways)
                unit = volumes(ways)[0]
                assert unit.startswith('dm-') and virsh('vol-path', unit, ways).strip() == '/dev/mapper/two'
                assert virsh('vol-key', unit, ways).strip() == '360000000000000001'
                boots(xml, ways, unit)
                run('cmp', '-n', 512, devices[0], f'{GUEST}/boot.img')
    finally:
        run('dmsetup', 'remove', 'two', check=False)
        remove_module('scsi_debug')
