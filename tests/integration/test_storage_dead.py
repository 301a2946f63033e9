# SPDX-License-Identifier: LGPL-2.1-or-later
# runner: timeout 300
"""Servers that swallow every packet: the pool is not responding, says so within a deadline, and nothing else feels it."""
import base64
import contextlib
import os
import subprocess
import threading
import time

import pytest

import servers
from storage_parts import MIB, connected, libvirt, pool_xml, vol_xml
from support import wait_for
from test_storage_remote import INITIATOR, needs, private_run, rbd_xml, secret       # pylint: disable=unused-import

pytestmark = [pytest.mark.foreign_library, pytest.mark.skipif(os.geteuid() != 0, reason='needs root')]
POLL = ('7', '271')     # system calls
DEADLINE = 45       # seconds: of a call, 30 without an answer at most, on a busy machine


@contextlib.contextmanager
def swallowed(*ports):
    """Nothing reaches these ports, nor comes from them, in this network namespace."""
    rules = '\n'.join(f'tcp {side} {port} drop' for port in ports for side in ('dport', 'sport'))
    subprocess.run(['nft', '-f', '-'], input=f'''table inet swallow {{ chain arrived {{
type filter hook input priority 0
{rules}
}}
}}''', text=True, check=True)
    try:
        yield
    finally:
        subprocess.run(['nft', 'delete', 'table', 'inet', 'swallow'], check=True)


class Asked(threading.Thread):
    """A call on a connection of its own, which is to fail in time."""

    def __init__(self, daemon, pool, volume):
        super().__init__()
        self.connection, self.pool, self.volume, self.errors, self.seconds = libvirt.open(daemon.uri), pool, volume, [], [None] * 2

    def run(self):
        for n in range(2):      # what is known to be dead is not asked again at once
            began = time.monotonic()
            try:
                self.connection.storagePoolLookupByName(self.pool).storageVolLookupByName(self.volume).info()
            except libvirt.libvirtError as error:
                self.errors.append(error)
            self.seconds[n] = time.monotonic() - began
        with contextlib.suppress(libvirt.libvirtError):
            self.connection.close()


def quickly(*calls):
    for call in calls:
        began = time.monotonic()
        call()
        assert time.monotonic() - began < 5, call


def answers(pool, volume):
    with contextlib.suppress(libvirt.libvirtError):
        pool.refresh()
        return pool.storageVolLookupByName(volume).info()
    return None


@pytest.fixture
def pools(daemon, tmp_path):
    """A connection, and a pool of each server and of a folder, by name: r, i, f."""
    with contextlib.ExitStack() as stack:
        connection = stack.enter_context(connected(daemon))
        for kind, server in ('rbd', servers.Ceph), ('iscsi-direct', servers.Iscsi):
            needs(connection, kind, server)
        with open(tmp_path / 'unit', 'wb') as f:
            f.truncate(4 * MIB)
        ceph = stack.enter_context(servers.Ceph(tmp_path / 'ceph'))
        iscsi = stack.enter_context(servers.Iscsi(tmp_path / 'iscsi', tmp_path / 'unit'))
        secret(connection, 'ceph', 'name', base64.b64decode(ceph.key))
        (tmp_path / 'files').mkdir()
        for xml in (rbd_xml(ceph), pool_xml('dir', 'f', '', tmp_path / 'files'), pool_xml('iscsi-direct', 'i', (
                f"<host name='127.0.0.1' port='{iscsi.port}'/><device path='{iscsi.target}'/><initiator><iqn name='{INITIATOR}'/></initiator>"))):
            connection.storagePoolDefineXML(xml).create()
        ports = [iscsi.port, ceph.port, *range(6800, 6810)]
        yield connection, {name: connection.storagePoolLookupByName(name) for name in 'rif'}, ports


def waits_for_server(daemon):
    """Whether a thread of the daemon's storage has the kernel wait for an answer."""
    folder = f'/proc/{daemon.process.pid}/task'
    for task in os.listdir(folder):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            with open(f'{folder}/{task}/comm', encoding='utf-8') as name, open(f'{folder}/{task}/syscall', encoding='utf-8') as call:
                if name.read().strip() == 'storage' and call.read().split()[0] in POLL:
                    return True
    return False


def test_swallowed(daemon, pools):
    connection, by_name, ports = pools
    rbd, iscsi, files = (by_name[name] for name in 'rif')
    volumes = {'r': rbd.createXML(vol_xml('one')).name(), 'i': 'unit:0:0:1'}
    state = {name: lambda pool=pool: pool.info()[0] for name, pool in by_name.items()}
    assert all(told() == libvirt.VIR_STORAGE_POOL_RUNNING for told in state.values())
    with swallowed(*ports):
        asked = [Asked(daemon, pool, volume) for pool, volume in volumes.items()]
        for each in asked:
            each.start()
        quickly(lambda: files.createXML(vol_xml('v')).delete(), files.refresh, connection.listAllStoragePools, rbd.info, iscsi.XMLDesc,
                iscsi.listVolumes, lambda: rbd.storageVolLookupByName('one').path())
        for each in asked:
            each.join(DEADLINE)
            assert each.seconds[0] < DEADLINE and each.seconds[1] < 5, each.pool
            assert [error for error in each.errors if f"storage pool '{each.pool}' is not responding: server '127.0.0.1'" in str(error)] == \
                each.errors, each.errors
            assert len(each.errors) == 2
        assert state['r']() == state['i']() == libvirt.VIR_STORAGE_POOL_INACCESSIBLE and state['f']() == libvirt.VIR_STORAGE_POOL_RUNNING
        assert 'inaccessible' in daemon.virsh('pool-list', '--details')
    for name, pool in ('r', rbd), ('i', iscsi):
        wait_for(lambda: answers(pool, volumes[name]), 90, f'pool {name}')       # pylint: disable=cell-var-from-loop
        assert state[name]() == libvirt.VIR_STORAGE_POOL_RUNNING
    with swallowed(*ports):     # the end of the daemon doesn't wait for those that hang
        asked = [Asked(daemon, *item) for item in volumes.items()]
        for each in asked:
            each.start()
        wait_for(lambda: waits_for_server(daemon), what='a call being under way')
        began = time.monotonic()
        daemon.stop()
        assert time.monotonic() - began < 15
        for each in asked:
            each.join()
            assert each.errors
    daemon.start()
