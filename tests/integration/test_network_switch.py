# SPDX-License-Identifier: LGPL-2.1-or-later
# runner: timeout 300
"""Guests on bridges of Open vSwitch (its userspace datapath), with VLANs; VLANs of the kernel's bridges, where it has them."""
import contextlib
import json
import os
import re
import socket
import subprocess
import time
import uuid
import xml.etree.ElementTree as ElementTree

import pytest

import support
from netnode import OUR_MARKS, caught, ip, links, network_xml, nic, start_network
from netnode import connection, device      # pylint: disable=unused-import # noqa: F401
from support import wait_for

libvirt = pytest.importorskip('libvirt', reason='python3-libvirt is not installed')

pytestmark = OUR_MARKS
SCHEMA = '/usr/share/openvswitch/vswitch.ovsschema'
needs_ovs = pytest.mark.skipif(not os.path.exists(SCHEMA) or not os.path.exists('/usr/sbin/ovs-vswitchd'),
                               reason='openvswitch-switch is not installed')
MAC = '52:54:00:00:60:01'
SWITCH = "<virtualport type='openvswitch'/>"
PRIORITY = "<vlan trunk='yes'><tag id='5'/><tag id='7' nativeMode='untagged'/></vlan>"

libvirt.registerErrorHandler(lambda *_: None, None)
support.run_events_while_waiting(libvirt)


@pytest.fixture
def switch(tmp_path, monkeypatch):
    """A running Open vSwitch with the bridge ovs0. The daemon finds it by OVS_RUNDIR."""
    run = str(tmp_path / 'ovs')
    os.mkdir(run)
    monkeypatch.setenv('OVS_RUNDIR', run)
    support.run(['ovsdb-tool', 'create', f'{run}/conf.db', SCHEMA])
    programs = []
    for words, ready in ((['ovsdb-server', f'{run}/conf.db', f'--remote=punix:{run}/db.sock'], 'db.sock'),
                         (['ovs-vswitchd', f'unix:{run}/db.sock', '--disable-system'], None)):
        programs.append(subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))  # pylint: disable=consider-using-with
        if ready:
            wait_for(lambda r=ready: os.path.exists(f'{run}/{r}'), 20, 'the database')
    support.run(['ovs-vsctl', '--no-wait', 'init'])
    support.run(['ovs-vsctl', '--timeout=20', 'add-br', 'ovs0', '--', 'set', 'bridge', 'ovs0', 'datapath_type=netdev'])
    yield run
    support.run(['ovs-vsctl', '--timeout=20', 'del-br', 'ovs0'], check=False)
    for program in reversed(programs):
        program.terminate()
        program.wait(20)


def columns(table, name, *wanted):
    """Values of a row of Open vSwitch's database."""
    answer = json.loads(support.run(['ovs-vsctl', '--format=json', f'--columns={",".join(wanted)}', 'find', table, f'name={name}']).stdout)
    assert len(answer['data']) == 1, answer

    def plain(value):
        if isinstance(value, list) and value[0] == 'map':
            return dict(value[1])
        return sorted(value[1]) if isinstance(value, list) and value[0] == 'set' else value
    return [plain(value) for value in answer['data'][0]]


def ports():
    return support.run(['ovs-vsctl', 'list-ports', 'ovs0']).stdout.split()


def start(connection, name, card):
    domain = connection.createXML(support.domain_xml(name, devices=card), libvirt.VIR_DOMAIN_START_PAUSED)
    return domain, ElementTree.fromstring(domain.XMLDesc()).find('devices/interface/target').get('dev')


@needs_ovs
def test_openvswitch(switch, connection, guest):
    card = f"<interface type='bridge'><mac address='{MAC}'/><source bridge='ovs0'/>{SWITCH}<vlan><tag id='42'/></vlan></interface>"
    domain, name = start(connection, 'plain', card)
    assert ports() == [name]
    assert columns('Port', name, 'tag', 'trunks') == [42, []]
    ids, = columns('Interface', name, 'external_ids')
    interface = ElementTree.fromstring(domain.XMLDesc()).find('devices/interface/virtualport/parameters').get('interfaceid')
    assert ids == {'attached-mac': MAC, 'iface-id': interface, 'vm-id': domain.UUIDString(), 'iface-status': 'active'}
    domain.destroy()
    wait_for(lambda: not ports(), 10, 'the port to go')


@needs_ovs
def test_network_of_openvswitch(switch, connection, guest):
    """Switch and VLANs come from the network and its port groups."""
    group = f"<portgroup name='trunk'>{PRIORITY}<virtualport><parameters profileid='pr &quot;x'/></virtualport></portgroup>"
    network = start_network(connection, f"""<network><name>ovs</name><forward mode='bridge'/><bridge name='ovs0'/>
      <vlan><tag id='9'/></vlan>{SWITCH}{group}</network>""")
    card = f"<interface type='network'><mac address='{MAC}'/><source network='ovs' portgroup='trunk'/></interface>"
    domain, name = start(connection, 'trunk', card)
    assert columns('Port', name, 'tag', 'trunks', 'vlan_mode') == [7, [5, 7], 'native-untagged']
    assert columns('Interface', name, 'external_ids')[0]['port-profile'] == 'pr "x'
    domain.attachDevice("<interface type='network'><source network='ovs'/></interface>")
    other = next(p for p in ports() if p != name)
    assert columns('Port', other, 'tag', 'vlan_mode') == [9, []]
    domain.destroy()
    wait_for(lambda: not ports(), 10, 'the ports to go')
    assert not network.listAllPorts()


@needs_ovs
def test_no_switch(connection, guest, monkeypatch, tmp_path):
    """Open vSwitch that doesn't run is named, and nothing is left."""
    card = f"<interface type='bridge'><mac address='{MAC}'/><source bridge='ovs0'/>{SWITCH}</interface>"
    problem = caught(start, connection, 'lost', card)
    assert 'Open vSwitch' in str(problem) and 'ovs-vsctl' in str(problem)
    assert not [link for link in links() if link.startswith('vnet')]


@needs_ovs
def test_deaf_switch(new_daemon, guest, monkeypatch, tmp_path):
    """Open vSwitch that takes longer for an answer than libvirtd.conf allows."""
    monkeypatch.setenv('OVS_RUNDIR', str(tmp_path))
    daemon = new_daemon(guest=guest, config='ovs_timeout = 2\n').start()
    card = f"<interface type='bridge'><mac address='{MAC}'/><source bridge='ovs0'/>{SWITCH}</interface>"
    with socket.socket(socket.AF_UNIX) as deaf, contextlib.closing(libvirt.open(daemon.uri)) as opened:
        deaf.bind(f'{tmp_path}/db.sock')
        deaf.listen()
        begin = time.monotonic()
        problem = caught(start, opened, 'lost', card)
        took = time.monotonic() - begin
    assert 'Open vSwitch' in str(problem) and 1.5 < took < 4.5, took
    assert not [link for link in links() if link.startswith('vnet')]


def test_vlan_of_the_kernel(connection, guest, device):
    """A port with a VLAN, or an error that names what the kernel lacks."""
    bridge = f'br{uuid.uuid4().hex[:6]}'
    device(bridge, 'type', 'bridge')
    card = f"<interface type='bridge'><mac address='{MAC}'/><source bridge='{bridge}'/>{PRIORITY}</interface>"
    if subprocess.run(['ip', 'link', 'set', bridge, 'type', 'bridge', 'vlan_filtering', '1'], stderr=subprocess.DEVNULL, check=False).returncode:
        assert 'CONFIG_BRIDGE_VLAN_FILTERING' in str(caught(start, connection, 'lost', card))
        assert not [link for link in links() if link.startswith('vnet')]
        return
    domain, name = start(connection, 'trunk', card)
    vlans = json.loads(support.run(['bridge', '-j', 'vlan', 'show', 'dev', name]).stdout)[0]['vlans']
    assert {v['vlan']: sorted(v.get('flags', [])) for v in vlans} == {5: [], 7: ['Egress Untagged', 'PVID']}
    domain.destroy()


def mtu(name):
    return ip('link', 'show', name)[0]['mtu']


def test_device(connection, guest, device):
    """The device on the host has another address than the guest, whatever that is, queues nothing, and the name that the kernel makes."""
    device('br31', 'type', 'bridge')
    card = "<interface type='bridge'><mac address='%s'/><source bridge='br31'/><target dev='%s'/><driver queues='2'/><model type='virtio'/></interface>"
    domain, name = start(connection, 'a', card % (MAC, 'own%d'))
    domain.attachDevice(card % (MAC.replace('52', 'fe', 1), 'own%d'))
    assert {card.find('target').get('dev') for card in ElementTree.fromstring(domain.XMLDesc()).findall('devices/interface')} == {'own0', 'own1'}
    assert name == 'own0'
    for name, address in (('own0', MAC.replace('52', 'fe', 1)), ('own1', MAC.replace('52', 'fa', 1))):
        link = ip('link', 'show', name)[0]
        assert (link['address'], link['qdisc'], link['master']) == (address, 'noqueue', 'br31')
    domain.destroy()
    device('far31', 'type', 'veth', 'peer', 'name', 'near31')
    direct = f"<interface type='direct'><mac address='{MAC}'/><source dev='far31' mode='bridge'/><target dev='own%dx'/></interface>"
    domain, name = start(connection, 'a', direct)
    assert name == 'own0x' and 'own0x' in links()
    domain.destroy()


def test_queues(connection, guest, device):
    """A card that has one queue gets one: what the kernel put into others would never arrive."""
    device('br31', 'type', 'bridge')
    card = f"<interface type='bridge'><mac address='{MAC}'/><source bridge='br31'/><model type='%s'/><driver queues='3'/></interface>"
    for model, several in (('e1000', False), ('virtio', True)):
        domain, name = start(connection, 'a', card % model)
        assert ip('-d', 'link', 'show', name)[0]['linkinfo']['info_data']['multi_queue'] is several
        domain.destroy()
    user = f"<interface type='user'><mac address='{MAC}'/><model type='virtio'/>%s</interface>"
    for more, named in (("<driver queues='3'/>", 'queues'), ("<vlan><tag id='5'/></vlan>", '<vlan>'), ("<driver rx_queue_size='500'/>", 'rx_queue_size')):
        problem = caught(start, connection, 'a', user % more)
        assert problem.get_error_code() == libvirt.VIR_ERR_CONFIG_UNSUPPORTED and named in str(problem)


def test_device_of_others(connection, guest, device):
    """A device that somebody else makes (managed='no'): a tap or a macvtap device, which stays as it was; and none is made."""
    device('far31', 'type', 'veth', 'peer', 'name', 'near31')
    device('other31', 'link', 'far31', 'type', 'macvtap', 'mode', 'bridge')
    device('own31', 'mode', 'tap', kind='tuntap')
    card = f"<interface type='ethernet'><mac address='{MAC}'/><target dev='%s' managed='no'/><model type='virtio'/></interface>"
    for name, kind in (('own31', 'tun'), ('other31', 'macvtap')):
        before = ip('-d', 'link', 'show', name)[0]
        domain, there = start(connection, 'a', card % name)
        assert there == name and ip('link', 'show', name)[0]['address'] == before['address'] and before['linkinfo']['info_kind'] == kind
        domain.destroy()
        assert name in links()
    support.run(['ip', 'link', 'delete', 'own31'])
    assert "no network device 'own31'" in str(caught(start, connection, 'a', card % 'own31')) and 'own31' not in links()
    assert 'target' in str(caught(start, connection, 'a', (card % 'x').replace("dev='x' ", '')))


def test_changes(connection, guest, device):
    """What else of an interface can change while the guest runs; and what can't, where nothing on the host is the interface's own."""
    device('br31', 'type', 'bridge')
    card = f"<interface type='bridge'%s><mac address='{MAC}'/><source bridge='br31'/><model type='virtio'/>%s</interface>"
    user = f"<interface type='user'><mac address='{MAC.replace('01', '02')}'/><model type='virtio'/>%s</interface>"
    domain, name = start(connection, 'a', card % ('', '') + user % '')
    some = "<coalesce><rx><frames max='7'/></rx></coalesce>"
    for given, wanted in ((some, 7), (some.replace('7', '9'), 9), ('', 0)):
        domain.updateDeviceFlags(card % ('', given), libvirt.VIR_DOMAIN_AFFECT_LIVE)
        assert support.coalesced_frames(name) == wanted and (given in re.sub(r'\s*\n\s*', '', domain.XMLDesc())) and ('<coalesce' in domain.XMLDesc()) == bool(given)
    domain.updateDeviceFlags(card % (" trustGuestRxFilters='yes'", ''), libvirt.VIR_DOMAIN_AFFECT_LIVE)
    assert "<interface type='bridge' trustGuestRxFilters='yes'>" in domain.XMLDesc()
    for more, named in ((some, 'coalesce'), ("<bandwidth><inbound average='100'/></bandwidth>", 'bandwidth'), ("<vlan><tag id='5'/></vlan>", 'vlan')):
        before = domain.XMLDesc()
        assert named in str(caught(domain.updateDeviceFlags, user % more, libvirt.VIR_DOMAIN_AFFECT_LIVE)) and domain.XMLDesc() == before
    moved = (user % '').replace("'user'>", "'bridge'><source bridge='br31'/>")
    assert 'interface@type' in str(caught(domain.updateDeviceFlags, moved, libvirt.VIR_DOMAIN_AFFECT_LIVE))
    domain.destroy()


def test_size_of_packets(connection, guest, device):
    """A guest makes a bridge's packets no smaller: its device takes what the bridge has; and the size that a network has stays."""
    device('jumbo', 'type', 'bridge')
    device('far31', 'mtu', '9000', 'type', 'veth', 'peer', 'name', 'near31')
    support.run(['ip', 'link', 'set', 'near31', 'mtu', '9000', 'master', 'jumbo', 'up'])
    assert mtu('jumbo') == 9000
    card = "<interface type='bridge'><mac address='%s'/><source bridge='jumbo'/><model type='virtio'/></interface>"
    domain, name = start(connection, 'a', card % MAC)
    assert mtu(name) == mtu('jumbo') == 9000
    domain.attachDevice(card % MAC.replace('01', '02'))
    assert mtu('jumbo') == 9000
    start_network(connection, network_xml('n1', 31, bridge='virbr31', more="<mtu size='4000'/>"))
    domain.attachDevice(nic('n1', MAC.replace('01', '03'), "<target dev='small'/><mtu size='1400'/>"))
    domain.attachDevice(nic('n1', MAC.replace('01', '04'), "<target dev='usual'/>"))
    assert (mtu('small'), mtu('usual'), mtu('virbr31')) == (1400, 4000, 4000)
    domain.updateDeviceFlags(card.replace('>', "><target dev='usual'/>", 1) % MAC.replace('01', '04'), libvirt.VIR_DOMAIN_AFFECT_LIVE)
    assert mtu('usual') == mtu('jumbo') == 9000
    support.run(['ip', 'link', 'set', 'jumbo', 'mtu', '65535'])
    domain.attachDevice(card.replace('>', "><target dev='huge'/>", 1) % MAC.replace('01', '06'))
    assert (mtu('huge'), mtu('jumbo')) == (65521, 65535)
    start_network(connection, network_xml('n2', 32, bridge='virbr32', more="<mtu size='1500'/>"))
    domain.attachDevice(nic('n2', MAC.replace('01', '05'), "<mtu size='1400'/>"))
    assert mtu('virbr32') == 1500
    domain.destroy()


def master(name):
    return ip('link', 'show', name)[0].get('master')


def network_of(domain):
    source = ElementTree.fromstring(domain.XMLDesc()).find('devices/interface/source')
    return source.get('network'), source.get('bridge'), source.get('portid')


def test_network_restarts(guest_daemon, connection, guest):
    """A guest is plugged in again, under the same id, also when its network has another bridge then, or the daemon was killed meanwhile."""
    network = start_network(connection, network_xml('n1', 31, bridge='virbr31'))
    domain, name = start(connection, 'a', nic('n1', MAC))
    before = network_of(domain)
    network.destroy()
    assert not master(name)
    network.create()
    wait_for(lambda: master(name) == 'virbr31' and len(network.listAllPorts()) == 1, 10, 'the guest to be plugged in again')
    assert network_of(domain) == before and network.listAllPorts()[0].UUIDString() == before[2]
    connection.networkDefineXML(network.XMLDesc(libvirt.VIR_NETWORK_XML_INACTIVE).replace('virbr31', 'virbr37'))
    network.destroy()
    network.create()
    wait_for(lambda: master(name) == 'virbr37' and network_of(domain) == ('n1', 'virbr37', before[2]), 10, 'the other bridge')
    network.destroy()
    network.create()
    guest_daemon.crash()
    guest_daemon.restart()
    wait_for(lambda: master(name) == 'virbr37', 10, 'the guest to be plugged in after a crash')
    again = libvirt.open(guest_daemon.uri)
    again.lookupByName('a').destroy()
    wait_for(lambda: not again.networkLookupByName('n1').listAllPorts(), 10, 'the port to go')
    again.close()


def test_moves(connection, guest, device):
    """An interface of a running guest goes to another network and back; what can't be is refused, and all stays as it was."""
    bridge = f'br{uuid.uuid4().hex[:6]}'
    device(bridge, 'type', 'bridge')
    first, second = (start_network(connection, network_xml(f'n{i}', 30 + i, bridge=f'virbr3{i}')) for i in (1, 2))
    domain, name = start(connection, 'a', nic('n1', MAC))
    domain.updateDeviceFlags(nic('n2', MAC), libvirt.VIR_DOMAIN_AFFECT_LIVE)
    assert master(name) == 'virbr32' and (len(first.listAllPorts()), len(second.listAllPorts())) == (0, 1)
    assert network_of(domain) == ('n2', 'virbr32', second.listAllPorts()[0].UUIDString())
    domain.updateDeviceFlags(f"<interface type='bridge'><mac address='{MAC}'/><source bridge='{bridge}'/><model type='virtio'/></interface>",
                             libvirt.VIR_DOMAIN_AFFECT_LIVE)
    assert master(name) == bridge and not second.listAllPorts()
    domain.updateDeviceFlags(nic('n1', MAC, "<link state='down'/><bandwidth><inbound average='100'/></bandwidth>"),
                             libvirt.VIR_DOMAIN_AFFECT_LIVE)
    assert master(name) == 'virbr31' and len(first.listAllPorts()) == 1
    assert '800Kbit' in support.run(['tc', 'class', 'show', 'dev', name]).stdout
    for bad, words in ((nic('nowhere', MAC), 'nowhere'), (nic('n2', MAC, "<mtu size='1400'/>"), 'mtu'),
                       (f"<interface type='direct'><mac address='{MAC}'/><source dev='{bridge}' mode='vepa'/><model type='virtio'/></interface>", 'bridge')):
        before = network_of(domain)
        assert words in str(caught(domain.updateDeviceFlags, bad, libvirt.VIR_DOMAIN_AFFECT_LIVE))
        assert master(name) == 'virbr31' and network_of(domain) == before and len(first.listAllPorts()) == 1, bad
        assert not second.listAllPorts()
    domain.destroy()


@needs_ovs
def test_moves_between_switches(switch, connection, guest, device):
    bridge = f'br{uuid.uuid4().hex[:6]}'
    device(bridge, 'type', 'bridge')
    plain = f"<interface type='bridge'><mac address='{MAC}'/><source bridge='{bridge}'/><model type='virtio'/></interface>"
    tagged = f"""<interface type='bridge'><mac address='{MAC}'/><source bridge='ovs0'/>{SWITCH}<vlan><tag id='42'/></vlan>
      <model type='virtio'/></interface>"""
    domain, name = start(connection, 'a', plain)
    domain.updateDeviceFlags(tagged, libvirt.VIR_DOMAIN_AFFECT_LIVE)
    assert ports() == [name] and columns('Port', name, 'tag') == [42]
    domain.updateDeviceFlags(domain.XMLDesc().split('<interface')[1].join(['<interface', '']).split('</interface>')[0]
                             .replace("id='42'", "id='43'") + '</interface>', libvirt.VIR_DOMAIN_AFFECT_LIVE)
    assert columns('Port', name, 'tag') == [43]
    domain.updateDeviceFlags(plain, libvirt.VIR_DOMAIN_AFFECT_LIVE)
    assert not ports() and master(name) == bridge
    domain.destroy()
