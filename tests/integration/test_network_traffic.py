# SPDX-License-Identifier: LGPL-2.1-or-later
# runner: timeout 600
"""Limits of guests' traffic, measured with a guest that sends and receives as fast as it can; and where they are made in the kernel."""
import contextlib
import os
import re
import socket
import subprocess
import time
import xml.etree.ElementTree as ElementTree

import pytest

import support
from netnode import OUR_MARKS, caught, ip, links, network_xml, nic, start_network
from netnode import connection      # pylint: disable=unused-import # noqa: F401
from support import wait_for

libvirt = pytest.importorskip('libvirt', reason='python3-libvirt is not installed')

HAS_HTB = subprocess.run(['unshare', '-n', 'tc', 'qdisc', 'add', 'dev', 'lo', 'root', 'htb'], stderr=subprocess.DEVNULL,
                         check=False).returncode == 0 if os.geteuid() == 0 else False

pytestmark = [*OUR_MARKS,
              pytest.mark.skipif(not HAS_HTB, reason="this kernel has no 'sch_htb', by which traffic is limited")]
HOST, TO_HOST, TO_GUEST = '192.168.31.1', 7000, 7001
# Without an end, the guest sends to one port of the host and receives from another.
BUSY = f'''while,true;do,nc,{HOST},{TO_HOST},&lt;/dev/zero;usleep,100000;done,&amp;
while,true;do,nc,{HOST},{TO_GUEST},&gt;/dev/null;usleep,100000;done'''.replace('\n', '')
IN, OUT = (libvirt.VIR_DOMAIN_BANDWIDTH_IN_AVERAGE, libvirt.VIR_DOMAIN_BANDWIDTH_OUT_AVERAGE)

libvirt.registerErrorHandler(lambda *_: None, None)
support.run_events_while_waiting(libvirt)


def limits(inbound='', outbound=''):
    parts = ''.join(f'<{name} {values}/>' for name, values in (('inbound', inbound), ('outbound', outbound)) if values)
    return f'<bandwidth>{parts}</bandwidth>'


def rate(port, seconds=3, settle=1.5):
    """Kilobytes a second that pass at a port of the host, once what may pass in a burst has passed."""
    chunk, count = bytes(16384), 0
    with socket.create_server((HOST, port)) as server:
        server.settimeout(30)
        peer, _ = server.accept()
        with peer:
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 32768)
            peer.settimeout(10)
            begin = time.monotonic() + settle
            end = begin + seconds
            while time.monotonic() < end:
                support.run_meanwhile()
                n = peer.send(chunk) if port == TO_GUEST else len(peer.recv(len(chunk)))
                count += n if time.monotonic() >= begin else 0
    return count / seconds / 1000


def holds(port, limit):
    """Never more passes; as much does, as soon as the machine has the time for it."""
    for _ in range(5):
        measured = rate(port)
        assert measured < 1.15 * limit, (port, limit, measured)
        if measured > 0.6 * limit:
            return
    raise AssertionError(f'port {port}: {measured} of {limit}')


def is_free(port, former):
    """More passes than the former limit allowed (which is low, as an emulated guest on a busy machine is slow): at once, or as soon as the machine has the time for it."""
    wait_for(lambda: rate(port, 1, 0.5) > 1.5 * former, 60, f'more than {former} kB/s at port {port}')


def classes(device):
    return support.run(['tc', 'class', 'show', 'dev', device]).stdout


def rates(device):
    return sorted(re.findall(r' rate (\S+)', classes(device)))


def test_measured(connection, boot_defined):
    """What an interface may receive and send holds, also when it changes and when it goes; then what the whole network may."""
    network = start_network(connection, network_xml('n1', 31, bridge='virbr31'))
    card = nic('n1', '52:54:00:00:31:01', limits("average='300' burst='64'", "average='200' burst='64'"))
    wait = 'until,ip,route|grep,-q,192;do,sleep,1;done'
    domain, _ = boot_defined('busy', devices=card, extra=f'guest.run={wait};{BUSY}')
    holds(TO_GUEST, 300)
    holds(TO_HOST, 200)
    domain.setInterfaceParameters('52:54:00:00:31:01', {IN: 600, OUT: 100}, libvirt.VIR_DOMAIN_AFFECT_LIVE)
    holds(TO_GUEST, 600)
    holds(TO_HOST, 100)
    domain.setInterfaceParameters('52:54:00:00:31:01', {IN: 0, OUT: 0}, libvirt.VIR_DOMAIN_AFFECT_LIVE)
    assert not ElementTree.fromstring(domain.XMLDesc()).findall('.//bandwidth')
    is_free(TO_GUEST, 600)
    is_free(TO_HOST, 100)
    assert not [name for name in links() if name.startswith('ifb')]
    domain.detachDeviceFlags(card, libvirt.VIR_DOMAIN_AFFECT_LIVE)
    wait_for(lambda: not network.listAllPorts(), 30, 'the port to go')
    network.destroy()
    network.undefine()
    limited = limits("average='350'", "average='200' burst='64'")
    network = start_network(connection, network_xml('n1', 31, bridge='virbr31', more=limited))
    domain.attachDeviceFlags(nic('n1', '52:54:00:00:31:01'), libvirt.VIR_DOMAIN_AFFECT_LIVE)
    holds(TO_GUEST, 350)
    holds(TO_HOST, 200)
    domain.destroy()
    network.destroy()
    wait_for(lambda: not [name for name in links() if name.startswith(('ifb', 'vnet', 'virbr'))], 10, 'all devices to go')


def paused(connection, name, *cards):
    return connection.createXML(support.domain_xml(name, devices=''.join(cards)), libvirt.VIR_DOMAIN_START_PAUSED)


def test_shares(guest_daemon, connection, guest):
    """Guaranteed rates: classes of the bridge, as many as there are ports with one, also after the daemon was killed."""
    network = start_network(connection, network_xml('n1', 31, bridge='virbr31', more=limits("average='1000' peak='2000'")))
    first = paused(connection, 'a', nic('n1', '52:54:00:00:31:01', limits("average='500' floor='300'")))
    second = paused(connection, 'b', nic('n1', '52:54:00:00:31:02', limits("average='500' floor='600'")))
    assert 'rate 2400Kbit' in classes('virbr31') and 'rate 4800Kbit' in classes('virbr31')
    problem = caught(paused, connection, 'c', nic('n1', '52:54:00:00:31:03', limits("average='500' floor='1500'")))
    assert "'floor'" in str(problem) and "'n1'" in str(problem)
    assert len(network.listAllPorts()) == 2 and classes('virbr31').count('class htb') == 4
    device = next(card['ifname'] for card in ip('link') if card['ifname'].startswith('vnet'))
    assert 'rate 4Mbit' in classes(device)
    before = rates('virbr31')
    guest_daemon.crash()
    guest_daemon.restart()
    assert rates('virbr31') == before
    again = libvirt.open(guest_daemon.uri)
    domain = again.lookupByName('b')
    domain.setInterfaceParameters('52:54:00:00:31:02', {IN: 500, libvirt.VIR_DOMAIN_BANDWIDTH_IN_FLOOR: 200}, 0)
    assert 'rate 1600Kbit' in classes('virbr31') and 'rate 4800Kbit' not in classes('virbr31')
    again.lookupByName('a').destroy()
    wait_for(lambda: classes('virbr31').count('class htb') == 3, 10, 'the share to go')
    del first, second
    again.close()


def test_port_group(connection, guest):
    """Guests get the limits of their group, new ones those that it has now."""
    group = "<portgroup name='slow'>" + limits("average='100'", "average='50'") + '</portgroup>'
    network = start_network(connection, network_xml('n1', 31, bridge='virbr31').replace('</network>', group + '</network>'))
    card = nic('n1', '52:54:00:00:31:01').replace("network='n1'", "network='n1' portgroup='slow'")
    domain = paused(connection, 'a', card)
    device = ElementTree.fromstring(domain.XMLDesc()).find('devices/interface/target').get('dev')
    assert 'rate 800Kbit' in classes(device)
    assert domain.interfaceParameters(device, 0)[OUT] == 50
    domain.destroy()
    network.update(libvirt.VIR_NETWORK_UPDATE_COMMAND_MODIFY, libvirt.VIR_NETWORK_SECTION_PORTGROUP, -1,
                   group.replace("'100'", "'200'"), libvirt.VIR_NETWORK_UPDATE_AFFECT_LIVE)
    domain = paused(connection, 'a', card)
    device = ElementTree.fromstring(domain.XMLDesc()).find('devices/interface/target').get('dev')
    assert 'rate 1600Kbit' in classes(device)
    domain.destroy()
    wait_for(lambda: not [name for name in links() if name.startswith('ifb')], 10, 'all devices to go')


def test_swept(guest_daemon, connection, guest):
    """Devices that limits were made with, of guests that ended while no daemon ran, go when the next one starts."""
    start_network(connection, network_xml('n1', 31, bridge='virbr31'))
    paused(connection, 'a', nic('n1', '52:54:00:00:31:01', limits(outbound="average='50'")))
    made = [name for name in links() if name.startswith('ifb')]
    if not made:
        pytest.skip("this kernel has 'act_police', which needs no device")
    guest_daemon.crash()
    with contextlib.suppress(ProcessLookupError):
        for pid in support.run(['pgrep', '-f', 'guest=a,']).stdout.split():
            os.kill(int(pid), 9)
    wait_for(lambda: not [name for name in links() if name.startswith('vnet')], 10, 'the guest to end')
    guest_daemon.restart()
    wait_for(lambda: not [name for name in links() if name.startswith('ifb')], 10, 'the device to go')
