# SPDX-License-Identifier: LGPL-2.1-or-later
# runner: timeout 300
"""Guests whose disks are on real servers that want a password or a key (Ceph, iSCSI), which is a secret."""
import base64
import contextlib
import os
import subprocess

import pytest

import servers
import support
from support import domain_xml, file_has, wait_for

pytestmark = [pytest.mark.skipif(os.geteuid() != 0, reason='needs root'),
              pytest.mark.skipif(os.environ.get('LIBVIRT_TEST_SIDE') == 'reference', reason='about parts that only ours has')]
UUID = '11111111-1111-1111-1111-111111111101'
KINDS = {'rbd': (servers.Ceph, 'ceph', 'name'), 'iscsi': (servers.Iscsi, 'iscsi', 'target')}


@pytest.fixture(autouse=True)
def private_folders():
    """What the servers write beside their folders is nobody's else."""
    with contextlib.ExitStack() as stack:
        subprocess.run(['mount', '-t', 'tmpfs', 'private', '/run'], check=True)
        stack.callback(subprocess.run, ['umount', '-l', '/run'], check=True)
        yield


@pytest.mark.parametrize('protocol', KINDS)
def test_key_of_a_server(guest_daemon, guest, tmp_path, protocol):
    kind, usage, element = KINDS[protocol]
    if kind.missing():
        pytest.skip(kind.missing())
    image = tmp_path / 'image'
    image.write_bytes(f'IMAGE {protocol}\n'.encode().ljust(1 << 20, b'\0'))
    daemon, console = guest_daemon, f'{guest_daemon.root}/console'
    with servers.Ceph(tmp_path / 'server') if protocol == 'rbd' else servers.Iscsi(tmp_path / 'server', image, chap=True) as server:
        if protocol == 'rbd':
            server.rbd('import', str(image), 'rbd/image')
            name, port, key = 'rbd/image', server.port, server.key
        else:
            name, port, key = f'{server.target}/1', server.port, server.encoded
        xml = support.written(tmp_path, domain_xml('reader', guest=guest, console=console, extra='guest.run=head,-n1,/dev/vda', devices=f"""
            <disk type='network'><driver name='qemu' type='raw'/><auth username='{server.user}'><secret type='{usage}' usage='it'/></auth>
            <source protocol='{protocol}' name='{name}'><host name='127.0.0.1' port='{port}'/></source>
            <target dev='vda' bus='virtio'/><readonly/></disk>"""))
        with pytest.raises(AssertionError, match=f"'it' of type {usage} is defined"):
            daemon.virsh('create', xml)
        daemon.virsh('secret-define', support.written(
            tmp_path, f"<secret private='yes'><uuid>{UUID}</uuid><usage type='{usage}'><{element}>it</{element}></usage></secret>"))
        daemon.virsh('secret-set-value', UUID, key)
        daemon.virsh('create', xml)
        wait_for(lambda: file_has(console, f'IMAGE {protocol}'), 90, 'the guest reading its disk')
        pid, = support.guest_processes(daemon.root)
        with open(f'/proc/{pid}/cmdline', 'rb') as f:
            command = f.read()
        assert key.encode() not in command and base64.b64decode(key) not in command
        daemon.virsh('destroy', 'reader')
