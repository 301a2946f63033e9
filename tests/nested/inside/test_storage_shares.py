# SPDX-License-Identifier: LGPL-2.1-or-later
"""Folders of servers that give root no rights: NFS that squashes it, and Samba."""
import contextlib
import os
import pwd
import subprocess

from conftest import GUEST, LONG, modules, run, virsh, wait_for
from storage_parts import MIB, boots, pool, volumes

USER, GROUP = 4321, 8765


@contextlib.contextmanager
def exported(folder, owner, group, mode, fsid):
    """A folder of this user's on a server that takes root for nobody."""
    modules('nfsd', 'nfs')
    os.makedirs(folder)
    os.chown(folder, owner, group)
    os.chmod(folder, mode)
    run('systemctl', 'restart', 'nfs-server')
    run('exportfs', '-o', f'rw,root_squash,insecure,no_subtree_check,fsid={fsid}', f'127.0.0.1:{folder}')
    try:
        yield f"<host name='127.0.0.1'/><dir path='{folder}'/><format type='nfs'/>"
    finally:
        run('exportfs', '-u', f'127.0.0.1:{folder}', check=False)


def volume(xml, name, form, owner, group, size=4 * MIB, mode='0600', more=''):
    return xml(f"""<volume><name>{name}</name><capacity>{size}</capacity><allocation>0</allocation><target><format type='{form}'/>
<permissions><owner>{owner}</owner><group>{group}</group><mode>{mode}</mode></permissions></target>{more}</volume>""", f'{name}.xml')


def owner_of(path):
    info = os.stat(path)
    return info.st_uid, info.st_gid, info.st_mode & 0o7777


def test_root_is_nobody(xml):
    """Volumes are made, filled, read, copied, resized, wiped and deleted as the user that they are to belong to."""
    with exported('/srv/squashed', USER, GROUP, 0o755, 11) as source, pool(xml, 'netfs', 'squashed', source, '/mnt/squashed') as name:
        virsh('pool-build', name)
        virsh('pool-start', name)
        said = virsh('vol-create-as', name, 'nobody', '1M', check=False)
        assert 'ermission denied' in said and '<owner>' in said, said
        for volume_name, form in ('raw', 'raw'), ('image', 'qcow2'):
            virsh('vol-create', name, volume(xml, volume_name, form, USER, GROUP))
            assert owner_of(f'/srv/squashed/{volume_name}') == (USER, GROUP, 0o600)
        assert sorted(os.listdir('/srv/squashed')) == ['image', 'raw'] == sorted(volumes(name))
        assert "type='qcow2'" in virsh('vol-dumpxml', 'image', name), 'it is looked into'
        virsh('vol-upload', 'raw', f'{GUEST}/boot.img', '--pool', name)
        run('cmp', '/srv/squashed/raw', f'{GUEST}/boot.img')
        virsh('vol-download', 'raw', '/run/down', '--pool', name)
        run('cmp', '/run/down', f'{GUEST}/boot.img')
        for form in 'raw', 'qcow2':
            virsh('vol-create-from', name, volume(xml, 'copy', form, USER, GROUP), 'raw', '--inputpool', name)
            assert owner_of('/srv/squashed/copy') == (USER, GROUP, 0o600)
            run('qemu-img', 'compare', '-f', 'raw', '-F', form, f'{GUEST}/boot.img', '/srv/squashed/copy')
            virsh('vol-resize', 'copy', '8M', name)
            assert '8.00 MiB' in virsh('vol-info', 'copy', name)
            virsh('vol-wipe', 'copy', name)
            virsh('vol-delete', 'copy', name)
        assert sorted(os.listdir('/srv/squashed')) == ['image', 'raw']
        virsh('vol-create', name, volume(xml, 'folder', 'dir', USER, GROUP, mode='0711'))
        assert owner_of('/srv/squashed/folder') == (USER, GROUP, 0o711)
        for left in 'folder', 'raw', 'image':
            virsh('vol-delete', left, name)
        assert os.listdir('/srv/squashed') == [] == volumes(name)
        # another user has no rights there either
        said = virsh('vol-create', name, volume(xml, 'other', 'raw', USER + 1, GROUP + 1), check=False)
        assert 'ermission denied' in said and os.listdir('/srv/squashed') == [], said
        virsh('pool-destroy', name)
        assert not run('findmnt', '-n', '/mnt/squashed', check=False)


@LONG
def test_where_all_may_write(xml):
    """Root's files are nobody's there; those of others are theirs. Where names are their owners' alone (sticky), Debian's kernel doesn't open
    what root has just made, which leaves nothing."""
    with exported('/srv/common', 0, 0, 0o777, 12) as source, pool(xml, 'netfs', 'common', source, '/mnt/common') as name:
        virsh('pool-build', name)
        virsh('pool-start', name)
        for form in 'raw', 'qcow2':
            virsh('vol-create-as', name, 'mine', '2M', '--format', form)
            assert owner_of('/srv/common/mine')[:2] == (65534, 65534)
            virsh('vol-resize', 'mine', '4M', name)
            virsh('vol-delete', 'mine', name)
            virsh('vol-create', name, volume(xml, 'theirs', form, USER, GROUP))
            assert owner_of('/srv/common/theirs') == (USER, GROUP, 0o600)
            virsh('vol-delete', 'theirs', name)
        os.chmod('/srv/common', 0o1777)
        virsh('pool-destroy', name)
        virsh('pool-start', name)
        said = virsh('vol-create-as', name, 'mine', '2M', check=False)
        assert 'ermission denied' in said and '<owner>' in said and os.listdir('/srv/common') == [], said
        virsh('vol-create', name, volume(xml, 'theirs', 'qcow2', USER, GROUP))
        assert owner_of('/srv/common/theirs') == (USER, GROUP, 0o600)
        virsh('vol-delete', 'theirs', name)
        assert os.listdir('/srv/common') == []


@LONG
def test_guest_on_what_cannot_be_given(xml):
    """QEMU's user has the volume already, or is kept out by its rights, which is said; that root can't change whose it is hinders nobody."""
    qemu = pwd.getpwnam('libvirt-qemu')
    with exported('/srv/guests', qemu.pw_uid, qemu.pw_gid, 0o755, 13) as source, pool(xml, 'netfs', 'guests', source, '/mnt/guests') as name:
        virsh('pool-build', name)
        virsh('pool-start', name)
        virsh('vol-create', name, volume(xml, 'disk', 'raw', qemu.pw_uid, qemu.pw_gid))
        boots(xml, name, 'disk', '/srv/guests/disk')
        assert owner_of('/srv/guests/disk') == (qemu.pw_uid, qemu.pw_gid, 0o600), 'it is whose it was'
        os.chown('/srv/guests', USER, GROUP)
        os.chown('/srv/guests/disk', USER, GROUP)
        virsh('pool-refresh', name)
        said = virsh('create', xml(f"""<domain type='qemu'><name>kept-out</name><memory unit='MiB'>32</memory>
<os><type arch='x86_64' machine='q35'>hvm</type></os><devices><disk type='volume' device='disk'><source pool='{name}' volume='disk'/>
<target dev='vda' bus='virtio'/></disk></devices></domain>"""), check=False)
        assert "/mnt/guests/disk'" in said and "'libvirt-qemu' can't read and write" in said, said


@contextlib.contextmanager
def samba(tmp_path):
    """A server with a share for guests, and one for a user."""
    modules('cifs')
    run('systemctl', 'stop', 'smbd', 'nmbd', check=False)       # the package's own, whose folder goes with them
    os.makedirs('/run/samba', exist_ok=True)
    for folder in 'guests', 'private':
        os.makedirs(f'/srv/smb/{folder}')
        os.chown(f'/srv/smb/{folder}', USER, USER)
    run('groupadd', '-g', USER, 'visitor')
    run('useradd', '-M', '-u', USER, '-g', USER, 'visitor')
    config = tmp_path / 'smb.conf'
    state = '\n'.join(f'{key} directory = {tmp_path}' for key in ('lock', 'state', 'cache', 'private')) + f'\npid directory = {tmp_path}'
    config.write_text(f"""[global]
map to guest = bad user
guest account = visitor
server role = standalone server
interfaces = lo
bind interfaces only = yes
disable netbios = yes
smb ports = 445
load printers = no
passdb backend = smbpasswd:{tmp_path}/passwd
log file = {tmp_path}/log
log level = 2
{state}
[guests]
path = /srv/smb/guests
guest ok = yes
force user = visitor
read only = no
[private]
path = /srv/smb/private
valid users = visitor
read only = no
""")
    run('smbpasswd', '-c', config, '-s', '-a', 'visitor', stdin='twelvechars1\ntwelvechars1\n')
    with subprocess.Popen(['smbd', '--foreground', '--no-process-group', '-s', config], start_new_session=True) as server:
        try:
            wait_for(lambda: server.poll() is not None or run('ss', '-tlnH', 'sport', '=', ':445').strip(), what='smbd')
            assert server.poll() is None, (tmp_path / 'log').read_text()
            yield server
        finally:
            server.terminate()
            server.wait(30)
            print((tmp_path / 'log').read_text()[-4000:])


def life_of_share(xml, name, folder, boot):
    virsh('pool-build', name)
    virsh('pool-start', name)
    assert run('findmnt', '-n', '-o', 'FSTYPE', f'/mnt/{name}').strip() == 'cifs'
    options = run('findmnt', '-n', '-o', 'OPTIONS', f'/mnt/{name}').split(',')
    assert {'nosuid', 'nodev', 'noexec'} <= set(options), options
    virsh('vol-create-as', name, 'disk', '4M', '--allocation', '0')
    virsh('vol-create-as', name, 'image', '8M', '--format', 'qcow2')
    assert sorted(os.listdir(folder)) == ['disk', 'image'] == sorted(volumes(name))
    assert os.stat(f'{folder}/disk').st_size == 4 * MIB and "type='qcow2'" in virsh('vol-dumpxml', 'image', name)
    virsh('vol-create-from', name, xml("<volume><name>copy</name><capacity>0</capacity><target><format type='qcow2'/></target></volume>"), 'disk',
          '--inputpool', name)
    virsh('vol-resize', 'copy', '8M', name)
    if boot:
        boots(xml, name, 'disk')
    run('systemctl', 'restart', 'libvirtd')
    assert set(volumes(name)) == {'copy', 'disk', 'image'}
    for left in 'copy', 'disk', 'image':
        virsh('vol-delete', left, name)
    assert os.listdir(folder) == []
    virsh('pool-destroy', name)
    assert not run('findmnt', '-n', f'/mnt/{name}', check=False)
    virsh('pool-delete', name)


@LONG
def test_samba(xml, tmp_path):
    """A share that lets everybody in, and one whose user and password stand in a file that <mount_opts> name."""
    with samba(tmp_path):
        found = virsh('find-storage-pool-sources-as', 'netfs', '127.0.0.1')
        assert "<dir path='/guests'/>" in found and "<format type='cifs'/>" in found and 'IPC$' not in found, found
        source = "<host name='127.0.0.1'/><dir path='/{}'/><format type='cifs'/>"
        qemu = pwd.getpwnam('libvirt-qemu')     # all files of a share are one user's here, who can't be changed
        owner = f"<fs:mount_opts><fs:option name='uid={qemu.pw_uid}'/><fs:option name='gid={qemu.pw_gid}'/></fs:mount_opts>"
        with pool(xml, 'netfs', 'guests', source.format('guests'), '/mnt/guests', owner) as name:
            life_of_share(xml, name, '/srv/smb/guests', True)
        with pool(xml, 'netfs', 'private', source.format('private'), '/mnt/private') as name:
            virsh('pool-build', name)
            said = virsh('pool-start', name, check=False)
            assert "'//127.0.0.1/private'" in said and 'ermission denied' in said, said
            assert not run('findmnt', '-n', '/mnt/private', check=False)
        credentials = tmp_path / 'credentials'
        credentials.write_text('username=visitor\npassword=twelvechars1\n')
        credentials.chmod(0o600)
        options = f"<fs:mount_opts><fs:option name='credentials={credentials}'/></fs:mount_opts>"
        with pool(xml, 'netfs', 'private', source.format('private'), '/mnt/private', options) as name:
            life_of_share(xml, name, '/srv/smb/private', False)
