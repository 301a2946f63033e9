# SPDX-License-Identifier: LGPL-2.1-or-later
# runner: timeout 900
"""Virtual networks of a real host, which is this test's own network namespace: bridges, dnsmasq, the firewall's rules, and guests on
them that reach each other, the host and a server behind it. Through python3-libvirt on Debian's library."""
import concurrent.futures
import contextlib
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

import pytest

import support
from netnode import BOOT_SECONDS, OUR_MARKS, ask_server, caught, dnsmasqs, ip, links, network_xml, nic, nothing_left, rules, run_when_up, start_network
from netnode import connection, device, server      # pylint: disable=unused-import # noqa: F401
from support import wait_for, wait_for_mark

libvirt = pytest.importorskip('libvirt', reason='python3-libvirt is not installed')

pytestmark = OUR_MARKS
KILLS = int(os.environ.get('LIBVIRT_TEST_KILLS') or 25)

libvirt.registerErrorHandler(lambda *_: None, None)
support.run_events_while_waiting(libvirt)


def test_life(guest_daemon, connection):
    network = start_network(connection, network_xml('n1', 31, bridge='virbr31'))
    bridge = ip('-d', 'link', 'show', 'virbr31')[0]
    assert bridge['linkinfo']['info_kind'] == 'bridge' and 'UP' in bridge['flags']
    assert [a['local'] for a in ip('address', 'show', 'virbr31')[0]['addr_info'] if a['family'] == 'inet'] == ['192.168.31.1']
    assert 'masquerade' in rules() and len(dnsmasqs('n1')) >= 1
    before, text = dnsmasqs('n1'), network.XMLDesc()
    guest_daemon.crash()
    guest_daemon.restart()
    again = libvirt.open(guest_daemon.uri)
    network = again.networkLookupByName('n1')
    assert network.isActive() and network.XMLDesc() == text and dnsmasqs('n1') == before
    network.destroy()
    nothing_left('virbr31', 'n1')
    assert not network.isActive() and network.isPersistent()
    network.undefine()
    again.close()


def test_mended(guest_daemon, connection):
    """What somebody has taken away while no daemon ran is there again."""
    start_network(connection, network_xml('n1', 31, bridge='virbr31'))
    guest_daemon.crash()
    support.run(['nft', 'flush', 'ruleset'])
    support.run(['ip', 'address', 'flush', 'dev', 'virbr31'])
    for pid in dnsmasqs('n1'):
        os.kill(pid, signal.SIGKILL)
    guest_daemon.restart()
    libvirt.open(guest_daemon.uri).close()      # answered when all is there again
    assert '_virbr31' in rules() and dnsmasqs('n1')
    assert ip('address', 'show', 'virbr31')[0]['addr_info'][0]['local'] == '192.168.31.1'
    support.run(['ip', 'link', 'delete', 'virbr31'])
    guest_daemon.crash()
    guest_daemon.restart()
    again = libvirt.open(guest_daemon.uri)
    assert 'virbr31' in links()
    again.networkLookupByName('n1').destroy()
    nothing_left('virbr31', 'n1')
    again.close()


def test_dnsmasq_dies(connection):
    start_network(connection, network_xml('n1', 31))
    before = dnsmasqs('n1')
    for pid in before:
        os.kill(pid, signal.SIGKILL)
    wait_for(lambda: dnsmasqs('n1') and not set(before) & set(dnsmasqs('n1')), 20, 'a new dnsmasq')


def test_names_of_bridges(connection, device):
    """Chosen ones are free, also when somebody else has one; given ones are for one network only."""
    device('virbr0', 'type', 'bridge')
    names = [connection.networkDefineXML(f'<network><name>b{i}</name></network>').bridgeName() for i in range(5)]
    assert len(set(names)) == 5 and 'virbr0' not in names and all(re.fullmatch(r'virbr\d+', name) for name in names)
    taken = caught(connection.networkDefineXML, f"<network><name>other</name><bridge name='{names[0]}'/></network>")
    assert taken.get_error_code() == libvirt.VIR_ERR_INTERNAL_ERROR and "'b0'" in str(taken)
    # a bridge that isn't ours stays what it is
    foreign = connection.networkDefineXML("<network><name>mine</name><bridge name='virbr0'/></network>")
    assert 'not made for it' in str(caught(foreign.create))
    assert 'virbr0' in links()
    support.run(['ip', 'link', 'delete', 'virbr0'])
    foreign.create()
    foreign.destroy()
    assert 'virbr0' not in links()


def test_bridges_for_many_at_once(guest_daemon, connection):
    """Who makes networks at the same time, each by a connection of its own, gets different bridges; nobody's start fails."""
    def make(number):
        with contextlib.closing(libvirt.open(guest_daemon.uri)) as own:
            return own.networkCreateXML(f'<network><name>many{number}</name></network>').bridgeName()
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        names = list(pool.map(make, range(16)))
    assert len(set(names)) == 16 and set(names) <= set(links())
    assert len(connection.listAllNetworks(libvirt.VIR_CONNECT_LIST_NETWORKS_ACTIVE)) == 16


def test_default_network(new_daemon, device):
    """The definition that is installed starts by itself, on a subnet that the host doesn't have; it stays there."""
    daemon = new_daemon()
    folder = f'{daemon.root}/etc/libvirt/qemu/networks'
    os.makedirs(f'{folder}/autostart')
    shutil.copy(f'{support.SOURCE}/data/networks/default.xml', folder)
    os.symlink(f'{folder}/default.xml', f'{folder}/autostart/default.xml')
    device('lan0', 'type', 'bridge', address='192.168.122.77/24')
    device('lan1', 'type', 'bridge', address='192.168.123.1/26')
    texts = []
    for _ in range(2):
        if daemon.process:
            daemon.stop()
            os.unlink(f'{daemon.root}/run/libvirt/network/autostarted')     # as a boot of the machine does
        daemon.start()
        connection = libvirt.open(daemon.uri)
        network = connection.networkLookupByName('default')
        assert network.isActive() and network.autostart()
        texts.append(network.XMLDesc(libvirt.VIR_NETWORK_XML_INACTIVE))
        network.destroy()
        connection.close()
    tree = ElementTree.fromstring(texts[0])
    assert tree.find('ip').get('address') == '192.168.124.1' and tree.find('ip/dhcp/range').get('end') == '192.168.124.254'
    assert texts[0] == texts[1]
    nothing_left('virbr0', 'default')


def test_conflict(connection, device):
    device('lan0', 'type', 'bridge', address='192.168.31.7/24')
    network = connection.networkDefineXML(network_xml('n1', 31, bridge='virbr31'))
    problem = caught(network.create)
    assert "'lan0'" in str(problem) and '192.168.31.0/24' in str(problem)
    nothing_left('virbr31', 'n1')
    support.run(['ip', 'link', 'delete', 'lan0'])
    network.create()


def test_failed_start_leaves_nothing(connection):
    bad = network_xml('n1', 31, bridge='virbr31', more="<dns><txt name='a' value='b'/></dns>").replace(
        '<network>', "<network xmlns:dnsmasq='http://libvirt.org/schemas/network/dnsmasq/1.0'>").replace(
            '</network>', "<dnsmasq:options><dnsmasq:option value='no-such-option'/></dnsmasq:options></network>")
    network = connection.networkDefineXML(bad)
    problem = caught(network.create)
    assert 'dnsmasq' in str(problem) and 'n1' in str(problem)
    nothing_left('virbr31', 'n1')
    assert not network.isActive()


def test_line_breaks(connection):
    problem = caught(connection.networkDefineXML, network_xml('n1', 31, more="<dns><txt name='a' value='b&#10;dhcp-script=/x'/></dns>"))
    assert problem.get_error_code() == libvirt.VIR_ERR_XML_ERROR and 'line break' in str(problem)


def test_update(guest_daemon, connection):
    """Sections change while it runs; dnsmasq goes on where it can."""
    network = start_network(connection, network_xml('n1', 31))
    before = dnsmasqs('n1')
    both = libvirt.VIR_NETWORK_UPDATE_AFFECT_LIVE | libvirt.VIR_NETWORK_UPDATE_AFFECT_CONFIG
    network.update(libvirt.VIR_NETWORK_UPDATE_COMMAND_ADD_LAST, libvirt.VIR_NETWORK_SECTION_IP_DHCP_HOST, -1,
                   "<host mac='52:54:00:00:00:09' name='nine' ip='192.168.31.9'/>", both)
    assert dnsmasqs('n1') == before
    assert support.file_has(f'{guest_daemon.root}/var/lib/libvirt/dnsmasq/n1.hostsfile', '192.168.31.9,nine')
    assert support.file_has(f'{guest_daemon.root}/etc/libvirt/qemu/networks/n1.xml', '192.168.31.9')
    assert support.file_has(f'{guest_daemon.root}/run/libvirt/network/n1.xml', '192.168.31.9')
    network.update(libvirt.VIR_NETWORK_UPDATE_COMMAND_ADD_LAST, libvirt.VIR_NETWORK_SECTION_IP_DHCP_RANGE, -1,
                   "<range start='192.168.31.120' end='192.168.31.130'/>", both)
    assert support.file_has(f'{guest_daemon.root}/var/lib/libvirt/dnsmasq/n1.conf', '192.168.31.120')
    assert dnsmasqs('n1') and not set(before) & set(dnsmasqs('n1'))


def test_inactive_network(connection, guest):
    connection.networkDefineXML(network_xml('n1', 31))
    domain = connection.defineXML(support.domain_xml('wants', devices=nic('n1', '52:54:00:00:31:01')))
    problem = caught(domain.create)
    assert problem.get_error_code() == libvirt.VIR_ERR_OPERATION_INVALID
    assert 'virsh net-start n1' in str(problem)
    connection.networkLookupByName('n1').setAutostart(1)
    domain.create()
    network = connection.networkLookupByName('n1')
    assert network.isActive() and len(network.listAllPorts()) == 1
    domain.destroy()
    wait_for(lambda: not network.listAllPorts(), 10, 'the port to go')
    missing = caught(connection.createXML, support.domain_xml('lost', devices=nic('nowhere', '52:54:00:00:31:02')))
    assert missing.get_error_code() == libvirt.VIR_ERR_NO_NETWORK


def test_guests_behind_nat(guest_daemon, connection, boot_defined, server):
    hosts = ("<host mac='52:54:00:00:31:01' name='one' ip='192.168.31.11'/>"
             "<host mac='52:54:00:00:31:02' name='two' ip='192.168.31.12'/>")
    network = start_network(connection, network_xml('n1', 31, hosts=hosts, bridge='virbr31'))
    _, log = boot_defined('one', devices=nic('n1', '52:54:00:00:31:01'))
    told = guest_daemon.virsh('domifaddr', 'one', '--wait', '--timeout', str(BOOT_SECONDS))
    assert re.search(r'^ vnet\d+ +52:54:00:00:31:01 +ipv4 +192\.168\.31\.11/24$', told, re.M), told
    wait_for_mark(log, 'GUEST-IP eth0 192.168.31.11', 30)
    commands = ['ping -c 2 -W 5 192.168.31.11', 'ping -c 1 -W 5 192.168.31.1', 'nslookup one.lan 192.168.31.1', ask_server()]
    domain, log = boot_defined('two', devices=nic('n1', '52:54:00:00:31:02'), extra=run_when_up(commands))
    wait_for_mark(log, 'GUEST-RAN', BOOT_SECONDS)
    with open(log, encoding='utf-8', errors='replace') as f:
        said = f.read()
    assert 'GUEST-IP eth0 192.168.31.12' in said
    assert '2 packets received' in said and '1 packets received' in said
    assert 'one.lan' in said and '192.168.31.11' in said
    assert 'you are 10.99.0.1' in said      # the server sees the host's own address
    leases = {lease['mac']: lease for lease in network.DHCPLeases()}
    assert leases['52:54:00:00:31:02']['ipaddr'] == '192.168.31.12' and leases['52:54:00:00:31:02']['iface'] == 'virbr31'
    assert [lease['ipaddr'] for lease in network.DHCPLeases('52:54:00:00:31:01')] == ['192.168.31.11']
    source = ElementTree.fromstring(domain.XMLDesc()).find('devices/interface/source')
    assert source.get('bridge') == 'virbr31' and source.get('portid') in {p.UUIDString() for p in network.listAllPorts()}
    assert 'n1' in guest_daemon.virsh('domiflist', 'two').split()
    for kind in (libvirt.VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_LEASE, libvirt.VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_ARP):
        addresses = domain.interfaceAddresses(kind)
        assert [a['addr'] for card in addresses.values() for a in card['addrs']] == ['192.168.31.12'], kind


def test_isolated_and_routed(connection, boot_defined, server):
    start_network(connection, network_xml('alone', 32, mode=None))
    start_network(connection, network_xml('routed', 33, mode='route'))
    said = {}
    for name, number in (('alone', 32), ('routed', 33)):
        way = [f'ip route replace default via 192.168.{number}.1'] if name == 'alone' else []
        commands = [*way, f'ping -c 1 -W 5 192.168.{number}.1', f'timeout 5 {ask_server()}']
        _, log = boot_defined(name, devices=nic(name, f'52:54:00:00:{number}:01'), extra=run_when_up(commands))
        wait_for_mark(log, 'GUEST-RAN', BOOT_SECONDS)
        with open(log, encoding='utf-8', errors='replace') as f:
            said[name] = f.read()
        assert '1 packets received' in said[name]
    assert 'you are' not in said['alone']
    assert re.search(r'you are 192\.168\.33\.\d+', said['routed'])      # not translated


def test_router_advertisement(connection, boot_defined):
    """A guest takes its IPv6 address from what the network tells, and reaches the host."""
    more = "<ip family='ipv6' address='fd00:31::1' prefix='64'/>"
    start_network(connection, network_xml('n1', 31).replace('</network>', more + '</network>'))
    commands = ('guest.run=until,ip,-6,addr,show,dev,eth0|grep,fd00:31:|grep,-vq,tentative;do,sleep,1;done;ip,-6,addr,show,dev,eth0;'
                'ping,-6,-c,2,-W,5,fd00:31::1')
    _, log = boot_defined('six', devices=nic('n1', '52:54:00:00:31:06'), extra=commands)
    wait_for_mark(log, 'GUEST-RAN', BOOT_SECONDS)
    assert support.file_has(log, 'fd00:31::5054:ff:fe00:3106') and support.file_has(log, '2 packets received')
    assert open('/proc/sys/net/ipv6/conf/all/forwarding', encoding='ascii').read() == '1\n'     # pylint: disable=consider-using-with


SIX_SERVER = '''
import socket
s = socket.create_server(('fd00:99::2', 8000), family=socket.AF_INET6)
while True:
    c, peer = s.accept()
    c.sendall(b'you are ' + peer[0].encode() + b'\\n')
    c.close()
'''


@pytest.fixture
def six_server(server):
    """The same by IPv6: it knows the way to fd00:33::/64 only."""
    inside = ['ip', 'netns', 'exec', server]
    support.run(['ip', 'address', 'add', 'fd00:99::1/64', 'dev', 'up0', 'nodad'])
    support.run([*inside, 'ip', 'address', 'add', 'fd00:99::2/64', 'dev', 'eth0', 'nodad'])
    support.run([*inside, 'ip', 'route', 'add', 'fd00:33::/64', 'via', 'fd00:99::1'])
    with subprocess.Popen([*inside, sys.executable, '-c', SIX_SERVER]) as process:
        wait_for(lambda: '[fd00:99::2]:8000' in support.run([*inside, 'ss', '-tln']).stdout, 20, 'the server')
        yield
        process.kill()


@pytest.mark.parametrize('name,number,mode,sees', [('translated', 31, 'nat', 'fd00:99::1'), ('routed', 33, 'route', 'fd00:33:'),
                                                         ('alone', 32, None, None)])
def test_six(connection, boot_defined, six_server, name, number, mode, sees):
    """By what routers tell, guests reach the server: translated, as they are, or not at all; also if they name a router themselves."""
    six = f"<ip family='ipv6' address='fd00:{number}::1' prefix='64'/></network>"
    xml = network_xml(name, number, mode=mode).replace('</network>', six)
    if mode == 'nat':
        xml = xml.replace("<forward mode='nat'/>", "<forward mode='nat'><nat ipv6='yes'/></forward>")
    start_network(connection, xml)
    way = f'ip,-6,route,replace,default,via,fd00:{number}::1;' if not mode else ''
    commands = (f'guest.run=until,ip,-6,addr,show,dev,eth0|grep,fd00:{number}:|grep,-vq,tentative;do,sleep,1;done;{way}'
                f'ping,-6,-c,1,-W,5,fd00:{number}::1;timeout,8,nc,fd00:99::2,8000,&lt;/dev/null')
    _, log = boot_defined(name, devices=nic(name, f'52:54:00:00:{number}:06'), extra=commands)
    wait_for_mark(log, 'GUEST-RAN', BOOT_SECONDS)
    assert support.file_has(log, '1 packets received')
    assert support.file_has(log, f'you are {sees}') if sees else not support.file_has(log, 'you are')


def test_hotplug(connection, boot_defined):
    network = start_network(connection, network_xml('n1', 31))
    domain, log = boot_defined('plugged')
    xml = nic('n1', '52:54:00:00:31:05')
    domain.attachDeviceFlags(xml, libvirt.VIR_DOMAIN_AFFECT_LIVE)
    wait_for_mark(log, 'GUEST-IP eth0 192.168.31.', 30)
    assert [p.UUIDString() for p in network.listAllPorts()]
    domain.detachDeviceFlags(xml, libvirt.VIR_DOMAIN_AFFECT_LIVE)
    wait_for(lambda: not network.listAllPorts(), 30, 'the port to go')
    wait_for(lambda: not [link for link in links() if link.startswith('vnet')], 10, 'the tap device to go')


def test_direct(connection, boot_defined, device):
    """A macvtap device on a device of the host: there while the guest runs, gone with it."""
    device('far1', 'type', 'veth', 'peer', 'name', 'up1', address='192.168.40.1/24')
    support.run(['ip', 'link', 'set', 'up1', 'up'])
    mac = '52:54:00:00:40:01'
    card = f"<interface type='direct'><mac address='{mac}'/><source dev='up1' mode='bridge'/><model type='virtio'/></interface>"
    commands = 'guest.run=ip,address,add,192.168.40.2/24,dev,eth0;ip,link,set,eth0,up;ping,-c,2,-W,5,192.168.40.1'
    domain, log = boot_defined('direct', devices=card, extra=commands)
    wait_for_mark(log, 'GUEST-RAN 0', BOOT_SECONDS)
    target = ElementTree.fromstring(domain.XMLDesc()).find('devices/interface/target').get('dev')
    assert target in links()
    domain.destroy()
    wait_for(lambda: target not in links(), 10, 'the macvtap device to go')


def live_card(domain, flags=0):
    return ElementTree.fromstring(domain.XMLDesc(flags)).find('devices/interface')


def test_pool_of_devices(guest_daemon, connection, guest, device):
    """Guests of a network of devices are told as what they got, the least used one; also after the daemon was killed."""
    for name in ('up1', 'up2'):
        device(f'far{name}', 'type', 'veth', 'peer', 'name', name)
        support.run(['ip', 'link', 'set', name, 'up'])
    pool = start_network(connection, "<network><name>pool</name><forward mode='vepa'><interface dev='up1'/><interface dev='up2'/></forward></network>")
    alone = start_network(connection, "<network><name>alone</name><forward mode='passthrough'><interface dev='farup1'/></forward></network>")
    cards = [nic('pool', f'52:54:00:00:41:0{i}') for i in range(3)]
    first = connection.createXML(support.domain_xml('first', devices=cards[0]), libvirt.VIR_DOMAIN_START_PAUSED)
    second = connection.defineXML(support.domain_xml('second', devices=cards[1]))
    second.createWithFlags(libvirt.VIR_DOMAIN_START_PAUSED)
    for domain, dev in ((first, 'up1'), (second, 'up2')):
        card = live_card(domain)
        source = card.find('source')
        assert card.get('type') == 'direct' and card.find('actual') is None
        assert (source.get('network'), source.get('dev'), source.get('mode')) == ('pool', dev, 'vepa')
        assert source.get('portid') in {port.UUIDString() for port in pool.listAllPorts()}
        inactive = live_card(domain, libvirt.VIR_DOMAIN_XML_INACTIVE)
        assert inactive.get('type') == 'network' and inactive.find('source').attrib == {'network': 'pool'}
    assert re.search(r'direct\s+pool', guest_daemon.virsh('domiflist', 'second'))

    def used():
        return [i.get('connections') for i in ElementTree.fromstring(pool.XMLDesc()).findall('forward/interface')]
    assert used() == ['1', '1']
    one = connection.createXML(support.domain_xml('one', devices=nic('alone', '52:54:00:00:41:07')), libvirt.VIR_DOMAIN_START_PAUSED)
    assert 'no device left' in str(caught(connection.createXML, support.domain_xml('two', devices=nic('alone', '52:54:00:00:41:08')), 2))
    guest_daemon.crash()
    guest_daemon.restart()
    again = libvirt.open(guest_daemon.uri)
    pool = again.networkLookupByName('pool')
    second = again.lookupByName('second')
    assert used() == ['1', '1'] and live_card(second).get('type') == 'direct'
    second.attachDevice(cards[2])
    assert used() == ['2', '1']
    text = ElementTree.tostring(live_card(second), encoding='unicode')      # as it is told, it can be taken away
    second.detachDeviceFlags(text, libvirt.VIR_DOMAIN_AFFECT_CONFIG)
    second.destroy()
    again.lookupByName('first').destroy()
    again.lookupByName('one').destroy()
    wait_for(lambda: not [name for name in links() if name.startswith('macvtap')], 10, 'the macvtap devices to go')
    assert not pool.listAllPorts() and used() == [None, None]
    del one, alone
    again.close()


def test_trusted_guest(guest_daemon, connection, boot_defined, device):
    """The macvtap device follows the address and the multicast addresses that a trusted guest has; not those of others."""
    device('far1', 'type', 'veth', 'peer', 'name', 'up1', address='192.168.40.1/24')
    support.run(['ip', 'link', 'set', 'up1', 'up'])
    old, new = '52:54:00:00:40:01', '52:54:00:00:40:99'
    card = f"<interface type='direct' trustGuestRxFilters='yes'><mac address='{old}'/><source dev='up1' mode='bridge'/><model type='virtio'/></interface>"
    commands = (f'guest.run=ip,link,set,eth0,down;ip,link,set,eth0,address,{new};ip,address,add,192.168.40.2/24,dev,eth0;ip,link,set,eth0,up;sleep,3;'
                'ping,-c,2,-W,5,192.168.40.1')
    domain, log = boot_defined('trusted', devices=card, extra=commands)
    name = live_card(domain).find('target').get('dev')
    wait_for_mark(log, 'GUEST-RAN', BOOT_SECONDS)
    wait_for(lambda: ip('link', 'show', name)[0]['address'] == new, 10, 'the device to follow')
    assert support.file_has(log, '2 packets received')
    wait_for(lambda: '33:33:ff:00:40:99' in support.run(['ip', 'maddress', 'show', 'dev', name]).stdout, 10, 'the multicast address')
    guest_daemon.crash()
    guest_daemon.restart()
    again = libvirt.open(guest_daemon.uri)
    again.lookupByName('trusted').destroy()
    wait_for(lambda: name not in links(), 10, 'the macvtap device to go')
    again.close()


def killed_again_and_again(daemon, script, times, seconds):
    """A connection after each of so many kills of the daemon, each at a random moment of what the script does to it."""
    seed = int(os.environ.get('LIBVIRT_TEST_SEED') or 1)
    chosen = random.Random(seed)
    for turn in range(times):
        with subprocess.Popen([sys.executable, '-c', script, daemon.uri, str(seed * 1000 + turn)], stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, env=support.foreign_environment()) as client:
            client.stdout.readline()
            with contextlib.suppress(subprocess.TimeoutExpired):
                client.wait(chosen.uniform(0, seconds))
            daemon.crash()
            client.kill()
        daemon.restart()
        again = libvirt.open(daemon.uri)
        yield again
        again.close()


CHURN = '''
import random, sys, libvirt
libvirt.registerErrorHandler(lambda *_: None, None)
connection = libvirt.open(sys.argv[1])
chosen = random.Random(int(sys.argv[2]))
print('ready', flush=True)
while True:
    name = chosen.choice(['n1', 'n2', 'n3'])
    network = connection.networkLookupByName(name)
    try:
        if network.isActive() and chosen.random() < 0.5:
            network.update(libvirt.VIR_NETWORK_UPDATE_COMMAND_ADD_LAST, libvirt.VIR_NETWORK_SECTION_IP_DHCP_HOST, -1,
                           "<host mac='52:54:00:00:00:%02x' ip='192.168.%s.%d'/>" % (chosen.randrange(200), 30 + int(name[1]), chosen.randrange(10, 200)),
                           libvirt.VIR_NETWORK_UPDATE_AFFECT_LIVE)
        elif network.isActive():
            network.destroy()
        else:
            network.create()
    except libvirt.libvirtError as problem:
        if 'closed' in str(problem) or 'end of file' in str(problem).lower():
            raise
'''


def is_whole(connection, name, number):
    """Whether all of a network is there, or none of it."""
    network, bridge = connection.networkLookupByName(name), f'virbr{number}'
    parts = [bridge in links(), f'to_{bridge}' in rules(), f'nat_{bridge}' in rules(), bool(dnsmasqs(name))]
    assert parts == [bool(network.isActive())] * 4, (name, network.isActive(), parts)


def test_killed_at_any_moment(guest_daemon, connection):
    """The daemon is killed while networks start, stop and change: the next one has each of them wholly or not at all."""
    networks = (('n1', 31), ('n2', 32), ('n3', 33))
    for name, number in networks:
        connection.networkDefineXML(network_xml(name, number, bridge=f'virbr{number}'))
    for again in killed_again_and_again(guest_daemon, CHURN, KILLS, 0.25):
        for name, number in networks:
            is_whole(again, name, number)
    again = libvirt.open(guest_daemon.uri)
    for name, number in networks:
        network = again.networkLookupByName(name)
        if network.isActive():
            network.destroy()
        nothing_left(f'virbr{number}', name)
    again.close()


GUEST_CHURN = '''
import random, sys, libvirt
libvirt.registerErrorHandler(lambda *_: None, None)
connection = libvirt.open(sys.argv[1])
chosen = random.Random(int(sys.argv[2]))
print('ready', flush=True)
while True:
    domain = connection.lookupByName(chosen.choice(['g1', 'g2']))
    try:
        domain.destroy() if domain.isActive() else domain.createWithFlags(libvirt.VIR_DOMAIN_START_PAUSED)
    except libvirt.libvirtError as problem:
        if 'closed' in str(problem) or 'end of file' in str(problem).lower():
            raise
'''


def test_guests_and_the_daemon_killed(guest_daemon, connection, device):
    """The daemon is killed while guests with interfaces start and end: what belongs to a guest goes with it."""
    device('far1', 'type', 'veth', 'peer', 'name', 'up1')
    start_network(connection, network_xml('n1', 31, bridge='virbr31'))
    for number, name in enumerate(('g1', 'g2')):
        direct = f"<interface type='direct'><mac address='52:54:00:00:50:0{number}'/><source dev='up1' mode='vepa'/><model type='virtio'/></interface>"
        connection.defineXML(support.domain_xml(name, devices=nic('n1', f'52:54:00:00:31:0{number}') + direct))
    for again in killed_again_and_again(guest_daemon, GUEST_CHURN, KILLS // 2, 0.6):
        running = again.numOfDomains()
        assert len(again.networkLookupByName('n1').listAllPorts()) == running
        macvtaps = {link['ifname'] for link in ip('-d', 'link') if link.get('linkinfo', {}).get('info_kind') == 'macvtap'}
        assert len(macvtaps) == running, (macvtaps, running)
        assert len([link for link in links() if link.startswith('vnet')]) == running
