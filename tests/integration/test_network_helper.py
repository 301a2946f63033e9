# SPDX-License-Identifier: LGPL-2.1-or-later
"""Guests of a daemon that may make no network devices: QEMU's program for bridges gives them one."""
import contextlib
import json
import os
import shutil
import stat
import subprocess
import tempfile

import pytest

import support
from support import wait_for

libvirt = pytest.importorskip('libvirt', reason='python3-libvirt is not installed')
HELPER = '/usr/lib/qemu/qemu-bridge-helper'
USER = 65534
pytestmark = [pytest.mark.foreign_library,
              pytest.mark.skipif(os.geteuid() != 0 or not shutil.which('setpriv') or not os.path.exists(HELPER),
                                 reason='needs root, who becomes somebody else by setpriv, and QEMU\'s program for bridges')]
GUEST = """<domain type='qemu'><name>g</name><memory unit='MiB'>32</memory><os><type arch='x86_64' machine='pc'>hvm</type></os><features><acpi/></features>
  <devices><memballoon model='none'/>{}</devices></domain>"""
CARD = "<interface type='bridge'><mac address='52:54:00:00:77:{:02x}'/><source bridge='{}'/><model type='virtio'/>{}</interface>"


class Somebodys(support.Daemon):
    """One of a user without rights over the network."""

    def command(self):
        return ['setpriv', f'--reuid={USER}', f'--regid={USER}', '--clear-groups', *super().command()]

    def start(self):
        """It must get to its folder, and may do there what it likes."""
        for path, _, _ in os.walk(self.root):
            os.chown(path, USER, USER)
        folder = os.path.dirname(self.root)
        while folder != '/tmp':
            os.chmod(folder, 0o711)
            folder = os.path.dirname(folder)
        return super().start()


@pytest.fixture(scope='module', autouse=True)
def bridges():
    """Two of this test's own network; what it writes in /etc nobody else sees, nor who may open its /dev/net/tun."""
    with tempfile.TemporaryDirectory(prefix='e') as folder:
        subprocess.run(['mount', '-t', 'tmpfs', 'private', folder], check=True)
        for name in ('upper', 'work'):
            os.mkdir(os.path.join(folder, name))
        subprocess.run(['mount', '-t', 'overlay', 'private', '-o', f'lowerdir=/etc,upperdir={folder}/upper,workdir={folder}/work', '/etc'], check=True)
        os.makedirs('/etc/qemu', exist_ok=True)
        subprocess.run(['mount', '-t', 'tmpfs', 'private', '/dev/net'], check=True)
        os.mknod('/dev/net/tun', stat.S_IFCHR | 0o666, os.makedev(10, 200))
        os.chmod('/dev/net/tun', 0o666)
        for name in ('br7', 'br8'):
            support.run(['ip', 'link', 'add', name, 'type', 'bridge'])
            support.run(['ip', 'link', 'set', name, 'up'])
        yield
        for name in ('br7', 'br8'):
            support.run(['ip', 'link', 'delete', name])
        for mounted in ('/dev/net', '/etc', folder):
            subprocess.run(['umount', '-l', mounted], check=True)


@pytest.fixture
def connection():
    with open('/etc/qemu/bridge.conf', 'w', encoding='utf-8') as f:
        f.write('allow br7\n')
    with tempfile.TemporaryDirectory(prefix='h') as folder:
        helper = shutil.copy(HELPER, folder)
        os.chmod(helper, 0o4755)
        daemon = Somebodys(os.path.join(folder, 'd'))
        support.configured(lambda: daemon, f'bridge_helper = "{helper}"')
        opened = libvirt.open(daemon.uri)
        opened.helper, opened.daemon = helper, daemon
        yield opened
        with contextlib.suppress(libvirt.libvirtError):
            opened.lookupByName('g').destroy()
        opened.close()
        daemon.clean()


def ports(bridge):
    return [link['ifname'] for link in json.loads(support.run(['ip', '-j', 'link', 'show', 'master', bridge]).stdout or '[]')]


def refused(function, *args):
    with pytest.raises(libvirt.libvirtError) as caught:
        function(*args)
    return caught.value


def start(connection, *cards):
    return connection.createXML(GUEST.format(''.join(cards)), libvirt.VIR_DOMAIN_START_PAUSED)


def test_guest_on_a_bridge(connection):
    """From the start and while it runs; the devices are those that the definition names, and go with the guest."""
    guest = start(connection, CARD.format(1, 'br7', ''))
    assert len(ports('br7')) == 1 and f"<target dev='{ports('br7')[0]}'/>" in guest.XMLDesc()
    guest.attachDevice(CARD.format(2, 'br7', ''))
    assert len(ports('br7')) == 2 and all(f"<target dev='{name}'/>" in guest.XMLDesc() for name in ports('br7'))
    guest.detachDevice(CARD.format(2, 'br7', ''))
    before = ports('br7')
    connection.daemon.kill()
    connection.daemon.start()
    again = libvirt.open(connection.daemon.uri)
    assert ports('br7') == before and again.lookupByName('g').isActive()
    again.lookupByName('g').destroy()
    again.close()
    wait_for(lambda: not ports('br7'), 20, 'the end of its devices')


def test_bridge_that_is_not_allowed(connection):
    """Who says so, which file allows it, and the guest has left nothing."""
    error = refused(start, connection, CARD.format(1, 'br7', ''), CARD.format(2, 'br8', ''))
    assert error.get_error_code() == libvirt.VIR_ERR_OPERATION_DENIED
    assert "access denied by acl file" in str(error) and "'allow br8' in /etc/qemu/bridge.conf" in str(error) and connection.helper in str(error)
    wait_for(lambda: not ports('br7') + ports('br8'), 20, 'the end of its devices')


def test_network_that_is_the_systems(connection):
    """A session has no networks of the host's; what a guest can have there is told."""
    error = refused(start, connection, "<interface type='network'><source network='default'/></interface>")
    assert error.get_error_code() == libvirt.VIR_ERR_NO_NETWORK and "<interface type='user'/>" in str(error) and 'bridge.conf' in str(error)


def test_program_without_rights(connection):
    os.chmod(connection.helper, 0o755)
    error = refused(start, connection, CARD.format(1, 'br7', ''))
    assert 'Operation not permitted' in str(error) and f'chmod u+s {connection.helper}' in str(error)


@pytest.mark.parametrize('more, named', [("<filterref filter='clean-traffic'/>", '<filterref>'), ("<mtu size='1400'/>", '<mtu>'),
                                         ("<bandwidth><inbound average='100'/></bandwidth>", '<bandwidth>'),
                                         ("<port isolated='yes'/>", '<port isolated'), ("<driver queues='2'/>", 'several queues')])
def test_what_it_cannot_give(connection, more, named):
    """Nothing of what was asked for is left out in silence."""
    error = refused(start, connection, CARD.format(1, 'br7', more))
    assert error.get_error_code() == libvirt.VIR_ERR_CONFIG_UNSUPPORTED and named in str(error) and 'qemu:///system' in str(error)
    assert not ports('br7')
