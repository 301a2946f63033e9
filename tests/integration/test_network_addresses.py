# SPDX-License-Identifier: LGPL-2.1-or-later
# runner: timeout 400
"""Bridges that are told guests' addresses instead of learning them: for a network that says so, and where the host wants it of all ports."""
import contextlib
import json
import os
import subprocess
import uuid

import pytest

import support
from netnode import BOOT_SECONDS, OUR_MARKS, caught, ip, network_xml, nic, run_when_up, start_network
from netnode import connection, device      # pylint: disable=unused-import # noqa: F401
from support import wait_for, wait_for_mark

libvirt = pytest.importorskip('libvirt', reason='python3-libvirt is not installed')

pytestmark = OUR_MARKS
MAC, OTHER_MAC = '52:54:00:00:31:01', '52:54:00:00:31:99'

libvirt.registerErrorHandler(lambda *_: None, None)
support.run_events_while_waiting(libvirt)


@pytest.fixture
def neighbour():
    """Puts a host with an address on a bridge, and gives what runs a program there."""
    spaces = []

    def join(bridge, address):
        spaces.append(f'near{uuid.uuid4().hex[:6]}')
        inside = ['ip', 'netns', 'exec', spaces[-1]]
        support.run(['ip', 'netns', 'add', spaces[-1]])
        support.run(['ip', 'link', 'add', 'near0', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', spaces[-1]])
        support.run(['ip', 'link', 'set', 'near0', 'master', bridge, 'up'])
        support.run([*inside, 'ip', 'address', 'add', address, 'dev', 'eth0'])
        support.run([*inside, 'ip', 'link', 'set', 'eth0', 'up'])
        return inside
    yield join
    for space in spaces:
        support.run(['ip', 'link', 'delete', 'near0'])
        support.run(['ip', 'netns', 'delete', space])
        support.run(['umount', '/run/netns'])


def port(name):
    """How the bridge treats a port."""
    return json.loads(support.run(['bridge', '-d', '-j', 'link', 'show', 'dev', name]).stdout)[0]


def known(name):
    """The addresses that a bridge has been told for a port."""
    return {entry['mac']: entry['state'] for entry in json.loads(support.run(['bridge', '-j', 'fdb', 'show', 'dev', name]).stdout) if 'master' in entry}


def test_told(connection, boot_defined, neighbour):      # noqa: F811 pylint: disable=redefined-outer-name
    """A guest on a bridge that learns nothing is reached from other ports of it, and reaches them."""
    xml = network_xml('n1', 31, hosts=f"<host mac='{MAC}' ip='192.168.31.11'/>", bridge='virbr31')
    start_network(connection, xml.replace("stp='off'", "stp='off' macTableManager='libvirt'"))
    inside = neighbour('virbr31', '192.168.31.5/24')
    _, log = boot_defined('told', devices=nic('n1', MAC, "<target dev='told0'/>"), extra=run_when_up(['ping -c 2 -W 5 192.168.31.5']))
    wait_for_mark(log, 'GUEST-RAN', BOOT_SECONDS)
    assert support.file_has(log, '2 packets received')
    assert subprocess.run([*inside, 'ping', '-qc1', '-W5', '192.168.31.11'], check=False).returncode == 0
    assert not port('told0')['learning'] and not port('told0')['flood'] and known('told0')[MAC] == 'static'


@pytest.fixture
def strict(guest_daemon):
    """A connection to a daemon that lets through only guests' own addresses."""
    with open(f'{guest_daemon.root}/etc/libvirt/qemu.conf', 'a', encoding='utf-8') as f:
        f.write('mac_filter = 1\n')
    guest_daemon.stop()
    guest_daemon.start()
    with contextlib.closing(libvirt.open(guest_daemon.uri)) as opened:
        yield opened
        for domain in opened.listAllDomains(libvirt.VIR_CONNECT_LIST_DOMAINS_ACTIVE):
            domain.destroy()
        for network in opened.listAllNetworks(libvirt.VIR_CONNECT_LIST_NETWORKS_ACTIVE):
            network.destroy()


def test_a_guest_takes_another_address(strict, guest):
    """What comes from another address than the guest's own doesn't pass, of whatever guest."""
    start_network(strict, network_xml('n1', 31, hosts=f"<host mac='{MAC}' ip='192.168.31.11'/>", bridge='virbr31'))

    def take(mac):
        return ['ip link set eth0 down', f'ip link set eth0 address {mac}', 'ip link set eth0 up', 'ip route replace default via 192.168.31.1']
    ping = 'ping -c 1 -W 3 192.168.31.1'
    log = support.console_file(guest, 'strict')
    xml = support.domain_xml('strict', guest=guest, console=log, devices=nic('n1', MAC, "<target dev='strict0'/>"),
                             extra=run_when_up([ping, *take(OTHER_MAC), ping, *take(MAC), ping]))
    strict.createXML(xml)
    wait_for_mark(log, 'GUEST-RAN', BOOT_SECONDS)
    with open(log, encoding='utf-8', errors='replace') as f:
        received = [line.split(', ')[1] for line in f.read().splitlines() if 'packets received' in line]
    assert received == ['1 packets received', '0 packets received', '1 packets received']
    os.unlink(log)


def is_strict(name):
    how = port(name)
    return how['locked'] and not how['learning'] and how['flood'] and known(name)[MAC] == 'static'


def test_strict_wherever_it_is(strict, device):     # noqa: F811 pylint: disable=redefined-outer-name
    """An interface that comes while the guest runs, moves, fails to, or is plugged in again, passes but its own address."""
    device('br31', 'type', 'bridge')
    network = start_network(strict, network_xml('n1', 31, bridge='virbr31'))
    domain = strict.createXML(support.domain_xml('a'), libvirt.VIR_DOMAIN_START_PAUSED)
    domain.attachDevice(nic('n1', MAC, "<target dev='strict0'/>"))
    assert is_strict('strict0')
    network.destroy()
    network.create()
    wait_for(lambda: 'master' in ip('link', 'show', 'strict0')[0], 10, 'the guest to be plugged in again')
    wait_for(lambda: port('strict0')['locked'], 10, 'the port to be strict')
    assert is_strict('strict0')
    card = f"<interface type='bridge'><mac address='{MAC}'/><source bridge='%s'/><target dev='strict0'/><model type='virtio'/></interface>"
    domain.updateDeviceFlags(card % 'br31', libvirt.VIR_DOMAIN_AFFECT_LIVE)
    assert ip('link', 'show', 'strict0')[0]['master'] == 'br31' and is_strict('strict0')
    assert 'nosuch' in str(caught(domain.updateDeviceFlags, card % 'nosuch', libvirt.VIR_DOMAIN_AFFECT_LIVE))
    assert ip('link', 'show', 'strict0')[0]['master'] == 'br31' and is_strict('strict0')
