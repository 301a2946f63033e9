# SPDX-License-Identifier: LGPL-2.1-or-later
"""Disks of a guest on real servers (Ceph, iSCSI, NFS, SSH, FTP), read by the guest, by hotplug as well."""
import contextlib
import os
import pathlib
import subprocess
import tempfile

import pytest

import servers
import support
from support import ask, domain_xml, file_has, wait_for

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason='needs root')
SIZE = 1 << 20
SOURCES = {'rbd': servers.Ceph, 'iscsi': servers.Iscsi, 'nfs': servers.Nfs, 'ssh': servers.Ssh, 'ftp': servers.Ftp}


@pytest.fixture(scope='module', autouse=True)
def private_folders():
    """What the servers write beside their folders, and the hosts that root knows, are nobody's else."""
    with contextlib.ExitStack() as stack:
        for folder in ('/run', '/root'):
            subprocess.run(['mount', '-t', 'tmpfs', 'private', folder], check=True)
            stack.callback(subprocess.run, ['umount', '-l', folder], check=True)
        yield


def content(name):
    return f'IMAGE {name}\n'.encode().ljust(SIZE, b'\0')


def written_image(path, name):
    with open(path, 'wb') as f:
        f.write(content(name))
    return path


def disk(protocol, name, inner, target, extra='', port=None):
    port = f" port='{port}'" if port else ''
    return (f"<disk type='network'><driver name='qemu' type='raw'/>{extra}<source protocol='{protocol}' name='{name}'>"
            f"<host name='127.0.0.1'{port}/>{inner}</source><target dev='{target}' bus='virtio'/><readonly/></disk>")


@pytest.fixture(scope='module')
def sources():
    """The servers that can be had here: a function that gives (disk, server) for a source, or skips."""
    running = {}
    with contextlib.ExitStack() as stack:
        folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix='s')))
        files = folder / 'files'
        files.mkdir()

        def start(name):
            where = folder / name
            if SOURCES[name].missing():
                pytest.skip(SOURCES[name].missing())
            arguments = {'iscsi': [files / 'iscsi'], 'ftp': [files]}.get(name, [])
            written_image(files / name, name)
            server = stack.enter_context(SOURCES[name](where, *arguments, **({'keys': False} if name == 'rbd' else {'open': True} if name == 'ftp' else {})))
            if name == 'rbd':
                server.rbd('import', str(files / name), 'rbd/image')
            elif name == 'nfs':
                written_image(f'{server.export}/image', name)
            elif name == 'ssh':
                os.makedirs('/root/.ssh', exist_ok=True)
                with open('/root/.ssh/known_hosts', 'w', encoding='utf-8') as known:
                    known.write(f'[127.0.0.1]:{server.port} ssh-ed25519 {server.host_key}\n')
            return server

        def give(name, target):
            server = running[name] = running.get(name) or start(name)
            return {
                'rbd': lambda: disk('rbd', 'rbd/image', '', target, port=6789),
                'iscsi': lambda: disk('iscsi', f'{servers.Iscsi.target}/1', '', target),
                'nfs': lambda: disk('nfs', f'{server.export}/image', '', target),
                'ssh': lambda: disk('ssh', str(files / 'ssh'), "<identity username='root'/>", target, port=server.port),
                'ftp': lambda: disk('ftp', 'ftp', '', target, port=server.port),
            }[name](), server
        yield give


def environment(agent):
    return (f"<qemu:commandline xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'><qemu:env name='SSH_AUTH_SOCK' value='{agent}'/>"
            "</qemu:commandline>")


@pytest.mark.parametrize('name', SOURCES)
def test_source(guest_daemon, guest, sources, tmp_path, name):
    """A guest that boots with the disk reads what the server has; another disk of the same kind is plugged in and out."""
    first, server = sources(name, 'vda')
    xml = domain_xml('reader', guest=guest, console=f'{guest_daemon.root}/console', extra='guest.run=head,-n1,/dev/vda', devices=first)
    if name == 'ssh':
        xml = xml.replace('</domain>', environment(server.agent) + '</domain>')
    guest_daemon.virsh('create', support.written(tmp_path, xml))
    wait_for(lambda: file_has(f'{guest_daemon.root}/console', f'IMAGE {name}'), 60, 'the guest reading its disk')
    sizes = [node['image']['virtual-size'] for node in ask(guest_daemon, 'reader', 'query-named-block-nodes') if node['drv'] == 'raw']
    assert sizes == [SIZE]
    second = support.written(tmp_path, sources(name, 'vdb')[0])
    guest_daemon.virsh('attach-device', 'reader', second, '--live')
    assert str(SIZE) in guest_daemon.virsh('domblkinfo', 'reader', 'vdb')
    wait_for(lambda: file_has(f'{guest_daemon.root}/console', 'GUEST-PLUG disk vdb'), 30, 'the guest seeing the disk')
    guest_daemon.virsh('detach-device', 'reader', second, '--live')
    wait_for(lambda: 'vdb' not in guest_daemon.virsh('domblklist', 'reader'), 30, 'the disk gone')
    guest_daemon.virsh('destroy', 'reader')


@pytest.mark.parametrize('name', [name for name in SOURCES if name != 'rbd'])     # its library waits for five minutes
def test_server_that_is_away(daemon, tmp_path, name):
    """Nobody answers there: the start fails with the disk's place in the document and the server's, and nothing is left."""
    path = 'iqn.2026-01.a.example:b/1' if name == 'iscsi' else '/folder/image'
    xml = domain_xml('alone', memory=16, devices=disk(name, path, "<identity username='x'/>" if name == 'ssh' else '', 'vda', port=9))
    with pytest.raises(AssertionError, match=r'domain\.devices\.disk\[1\] \(vda\).*(refused|connect)'):
        daemon.virsh('create', support.written(tmp_path, xml))
    assert 'alone' not in daemon.virsh('list', '--all')
