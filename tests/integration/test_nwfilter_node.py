# SPDX-License-Identifier: LGPL-2.1-or-later
# runner: timeout 600
"""Filters of traffic on a real firewall: real frames from a guest's side of a bridge (a namespace behind a veth, and once a real guest) pass
or don't; changes under load and under kills leave no rule too many or too few."""
import contextlib
import json
import os
import random
import re
import shutil
import socket
import struct
import subprocess
import threading

import pytest

import support
from netnode import BOOT_SECONDS, connection, device, network_xml, nic, run_when_up, start_network  # noqa: F401 pylint: disable=unused-import
from support import wait_for, wait_for_mark


libvirt = pytest.importorskip('libvirt', reason='python3-libvirt is not installed')
pytestmark = [pytest.mark.foreign_library,
              pytest.mark.skipif(os.geteuid() != 0, reason='bridges can be made by root only'),
              pytest.mark.skipif(os.environ.get('LIBVIRT_TEST_SIDE') == 'reference', reason='about parts that only ours has')]
libvirt.registerErrorHandler(lambda *_: None, None)
support.run_events_while_waiting(libvirt)

KILLS = int(os.environ.get('LIBVIRT_TEST_KILLS') or 10)
MAC, OTHER, HOST = '52:54:00:00:00:01', '52:54:00:00:00:02', '02:00:00:00:00:10'
MARK = 0x88b5
# what no chain may hold up: the frame by which a test knows that the one before it did not come
PASS = "<rule action='accept' direction='inout' priority='-1000'><mac protocolid='0x88b5'/></rule>"
NO_CONNECTIONS = 'nf_conntrack_bridge'


def raw(mac):
    return bytes.fromhex(mac.replace(':', ''))


def frame(kind, payload=b'', src=MAC, dst=HOST):
    return raw(dst) + raw(src) + struct.pack('!H', kind) + payload.ljust(46, b'\0')


def arp(op, smac, sip, tmac='00:00:00:00:00:00', tip='10.0.0.1', src=MAC, kind=0x806):
    return frame(kind, struct.pack('!HHBBH', 1, 0x800, 6, 4, op) + raw(smac) + socket.inet_aton(sip) + raw(tmac) + socket.inet_aton(tip),
                 src, 'ff:ff:ff:ff:ff:ff')


def ipv4(sip, dip='10.0.0.1', proto=17, sport=1000, dport=2000, src=MAC):
    inner = struct.pack('!HHHH', sport, dport, 8, 0) if proto == 17 else struct.pack('!HHIIHHHH', sport, dport, 0, 0, 0x5002, 99, 0, 0) \
        if proto == 6 else struct.pack('!BBHHH', 8, 0, 0, 1, 1)
    head = struct.pack('!BBHHHBBH', 0x45, 0, 20 + len(inner), 1, 0, 64, proto, 0) + socket.inet_aton(sip) + socket.inet_aton(dip)
    total = sum(struct.unpack('!10H', head))
    total = (total & 0xffff) + (total >> 16)
    head = head[:10] + struct.pack('!H', ~(total + (total >> 16)) & 0xffff) + head[12:]
    return frame(0x800, head + inner, src)


class Guest:
    """The other end of veth0 in a namespace of its own; the host's side is in the bridge br0."""

    def __init__(self):
        support.run(['ip', 'link', 'add', 'br0', 'address', HOST, 'type', 'bridge'])
        support.run(['ip', 'address', 'add', '10.0.0.1/24', 'dev', 'br0'])
        support.run(['ip', 'link', 'add', 'veth0', 'type', 'veth', 'peer', 'name', 'eth0', 'address', MAC])
        self.process = subprocess.Popen(['unshare', '--net', 'sleep', 'infinity'])
        own = os.readlink('/proc/self/ns/net')
        wait_for(lambda: os.readlink(f'/proc/{self.process.pid}/ns/net') != own, what='the namespace')
        support.run(['ip', 'link', 'set', 'eth0', 'netns', str(self.process.pid)])
        for words in (['ip', 'link', 'set', 'veth0', 'master', 'br0', 'up'], ['ip', 'link', 'set', 'br0', 'up']):
            support.run(words)
        self.inside('ip', 'link', 'set', 'eth0', 'up')
        self.host = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        self.host.bind(('br0', 0))
        self.guest = self.socket_inside()
        wait_for(lambda: 'state UP' in support.run(['ip', 'link', 'show', 'br0']).stdout, what='the bridge being up')

    def inside(self, *words, **options):
        return support.run(['nsenter', '-t', str(self.process.pid), '-n', *words], **options)

    def socket_inside(self):
        """A raw socket on the guest's device: a thread goes there to open it."""
        made = []

        def go():
            with open(f'/proc/{self.process.pid}/ns/net', 'rb') as target:
                libc.setns(target.fileno(), 0)
            made.append(socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3)))
            made[0].bind(('eth0', 0))
        import ctypes       # pylint: disable=import-outside-toplevel
        libc = ctypes.CDLL(None, use_errno=True)
        thread = threading.Thread(target=go)
        thread.start()
        thread.join()
        return made[0]

    def passes(self, data, out=True):
        """Whether a frame gets from the guest to the host (@out), or the other way."""
        sender, receiver = (self.guest, self.host) if out else (self.host, self.guest)
        mark = os.urandom(16)
        sender.send(data)
        sender.send(frame(MARK, mark, *((MAC, HOST) if out else (HOST, MAC))))
        receiver.settimeout(10)
        came = False
        while True:
            got = receiver.recv(4096)
            if got[12:14] == struct.pack('!H', MARK) and got[14:30] == mark:
                return came
            # the kernel tells of a VLAN's tag elsewhere, and a bridge may cut what pads an IP packet
            came = came or (len(got) > 33 and (data.startswith(got) or (data[:12] + data[16:]).startswith(got)))

    def close(self):
        self.host.close()
        self.guest.close()
        self.process.kill()
        self.process.wait()
        subprocess.run(['ip', 'link', 'del', 'br0'], check=True)
        wait_for(lambda: subprocess.run(['ip', 'link', 'show', 'veth0'], capture_output=True, check=False).returncode, what='veth0 gone')


@pytest.fixture
def guest():
    made = Guest()
    yield made
    made.close()


@pytest.fixture
def host(new_daemon):
    """A daemon with the filters that are installed, and a connection to it."""
    daemon = new_daemon()
    shutil.copytree(f'{support.SOURCE}/data/nwfilter', f'{daemon.root}/etc/libvirt/nwfilter')
    daemon.start()
    with contextlib.closing(libvirt.open(daemon.uri)) as conn:
        conn.daemon = daemon
        yield conn


def binding_xml(name, filter_name, parameters=(), mac=MAC):
    given = ''.join(f"<parameter name='{key}' value='{value}'/>" for key, value in parameters)
    return (f"<filterbinding><owner><name>g</name><uuid>11111111-2222-3333-4444-555555555555</uuid></owner><portdev name='{name}'/>"
            f"<mac address='{mac}'/><filterref filter='{filter_name}'>{given}</filterref></filterbinding>")


def filter_xml(name, inside, chain='root', uuid='11111111-1111-1111-1111-111111111111'):
    return f"<filter name='{name}' chain='{chain}'><uuid>{uuid}</uuid>{inside}</filter>"


def table():
    """What nftables has of ours: the lines of the table, or nothing."""
    done = subprocess.run(['nft', 'list', 'table', 'bridge', 'libvirt_nwfilter'], capture_output=True, text=True, check=False)
    return done.stdout


def make_devices(pattern, count, verb='add'):
    """Interfaces of nobody, so that a daemon that starts doesn't take their bindings for those of guests that are gone."""
    kind = 'type ifb' if verb == 'add' else ''
    subprocess.run(['ip', '-batch', '-'], input=''.join(f'link {verb} {pattern.format(n)} {kind}\n' for n in range(count)), text=True, check=True)


def problem(call, *args):
    with pytest.raises(libvirt.libvirtError) as caught:
        call(*args)
    return caught.value


def test_the_installed_filters(host):
    """All that people refer to are there and fit; each has a UUID that stays."""
    names = {f.name(): f.UUIDString() for f in host.listAllNWFilters()}
    assert {'clean-traffic', 'no-mac-spoofing', 'no-ip-spoofing', 'no-arp-spoofing', 'allow-dhcp', 'allow-ipv6', 'qemu-announce-self',
            'no-ipv6-spoofing', 'clean-traffic-gateway'} <= names.keys() and len(names) == 24
    make_devices('p{}', len(names))
    for number, name in enumerate(names):
        given = [('IP', '10.0.0.5'), ('IPV6', 'fe80::5'), ('DHCPSERVER', '10.0.0.1'), ('GATEWAY_MAC', HOST), ('DHCPSERVERV6', 'fe80::1')]
        if 'v6' in name:
            given = [('DHCPSERVER', 'fe80::1') if key == 'DHCPSERVER' else (key, value) for key, value in given]
        host.nwfilterBindingCreateXML(binding_xml(f'p{number}', name, given))
    host.daemon.stop()
    host.daemon.start()
    with contextlib.closing(libvirt.open(host.daemon.uri)) as again:
        assert {f.name(): f.UUIDString() for f in again.listAllNWFilters()} == names
        assert len(again.listAllNWFilterBindings()) == len(names)
        for binding in again.listAllNWFilterBindings():
            binding.delete()
    assert table() == ''
    make_devices('p{}', len(names), 'del')


def test_clean_traffic(host, guest):
    host.nwfilterDefineXML(filter_xml('t', PASS + "<filterref filter='clean-traffic'/>"))
    host.nwfilterBindingCreateXML(binding_xml('veth0', 't', [('IP', '10.0.0.5')]))
    good = {'arp': arp(1, MAC, '10.0.0.5'), 'udp': ipv4('10.0.0.5'), 'ping': ipv4('10.0.0.5', proto=1), 'dhcp': ipv4('0.0.0.0', sport=68, dport=67)}
    bad = {"another's address": ipv4('10.0.0.6'), "another's hardware address": ipv4('10.0.0.5', src=OTHER), 'arp for another': arp(2, MAC, '10.0.0.6'),
           "arp with another's hardware address": arp(2, OTHER, '10.0.0.5'), 'arp from another': arp(1, MAC, '10.0.0.5', src=OTHER),
           'ipv6': frame(0x86dd), 'other': frame(0x1234)}
    assert [what for what, data in good.items() if not guest.passes(data)] == []
    assert [what for what, data in bad.items() if guest.passes(data)] == []
    assert guest.passes(ipv4('10.0.0.1', '10.0.0.5', src=HOST).replace(raw(HOST), raw(MAC), 1), out=False)
    guest.inside('ip', 'address', 'add', '10.0.0.5/24', 'dev', 'eth0')
    assert '1 received' in guest.inside('ping', '-c', '1', '-W', '5', '10.0.0.1').stdout
    guest.inside('ip', 'address', 'add', '10.0.0.6/24', 'dev', 'eth0')
    assert '0 received' in guest.inside('ping', '-c', '1', '-W', '1', '-I', '10.0.0.6', '10.0.0.1', check=False).stdout
    host.nwfilterBindingLookupByPortDev('veth0').delete()
    assert all(guest.passes(bad[what]) for what in ("another's address", 'arp for another', 'other'))
    assert table() == ''


DROP = "<rule action='drop' direction='{}' priority='{}'>{}</rule>"
# a rule, a frame from the guest that it drops, and one that it doesn't
FRAMES = [
    ("<mac srcmacaddr='52:54:00:00:00:00' srcmacmask='ff:ff:ff:ff:ff:f0'/>", frame(0x1111), frame(0x1111, src='52:54:00:00:01:00')),
    (f"<mac dstmacaddr='{HOST}' protocolid='0x1111'/>", frame(0x1111), frame(0x1112)),
    (f"<mac match='no' srcmacaddr='{MAC}'/>", frame(0x1111, src=OTHER), frame(0x1111)),
    ("<vlan vlanid='5'/>", frame(0x8100, struct.pack('!HH', 5, 0x1111)), frame(0x8100, struct.pack('!HH', 6, 0x1111))),
    ("<arp opcode='Reply'/>", arp(2, MAC, '10.0.0.5'), arp(1, MAC, '10.0.0.5')),
    ("<arp arpsrcipaddr='10.1.0.0' arpsrcipmask='16'/>", arp(1, MAC, '10.1.9.9'), arp(1, MAC, '10.2.9.9')),
    (f"<arp arpdstmacaddr='{OTHER}' arpdstipaddr='10.0.0.9'/>", arp(2, MAC, '10.0.0.5', OTHER, '10.0.0.9'), arp(2, MAC, '10.0.0.5', OTHER, '10.0.0.8')),
    ("<rarp opcode='Request_Reverse'/>", arp(3, MAC, '0.0.0.0', kind=0x8035), arp(4, MAC, '0.0.0.0', kind=0x8035)),
    ("<ip srcipaddr='10.0.0.64' srcipmask='26'/>", ipv4('10.0.0.65'), ipv4('10.0.0.5')),
    ("<ip protocol='udp' dstportstart='50' dstportend='60'/>", ipv4('10.0.0.5', dport=55), ipv4('10.0.0.5', dport=61)),
    ("<ip match='no' protocol='tcp'/>", ipv4('10.0.0.5'), ipv4('10.0.0.5', proto=6)),
    ("<udp dstportstart='53'/>", ipv4('10.0.0.5', dport=53), ipv4('10.0.0.5', dport=54)),
    ("<tcp srcportstart='1' srcportend='100' dstipfrom='10.0.0.1' dstipto='10.0.0.3'/>", ipv4('10.0.0.5', proto=6, sport=99),
     ipv4('10.0.0.5', proto=6, sport=101)),
    ("<tcp flags='SYN/SYN'/>", ipv4('10.0.0.5', proto=6), ipv4('10.0.0.5')),
    ("<icmp type='8'/>", ipv4('10.0.0.5', proto=1), ipv4('10.0.0.5')),
    ("<all srcipaddr='10.0.0.5'/>", ipv4('10.0.0.5'), ipv4('10.0.0.6')),
    ("<all match='no' srcipaddr='10.0.0.0' srcipmask='8'/>", ipv4('11.0.0.5'), ipv4('10.0.0.6')),
    ("<all-ipv6/>", frame(0x86dd, struct.pack('!IHBB', 0x60000000, 0, 59, 64) + bytes(32)), ipv4('10.0.0.6')),
]


def test_rules_on_real_frames(host, guest):
    """Each rule drops what it is about and nothing else; for frames to the guest it drops nothing from it."""
    host.nwfilterDefineXML(filter_xml('t', PASS))
    host.nwfilterBindingCreateXML(binding_xml('veth0', 't'))
    for match, dropped, kept in FRAMES:
        host.nwfilterDefineXML(filter_xml('t', PASS + DROP.format('out', 500, match)))
        assert not guest.passes(dropped) and guest.passes(kept), match
    host.nwfilterDefineXML(filter_xml('t', PASS + DROP.format('in', 500, "<mac protocolid='0x1111'/>")))
    assert guest.passes(frame(0x1111)) and not guest.passes(frame(0x1111, src=HOST, dst=MAC), out=False)
    # both directions: sender and receiver change places with them
    host.nwfilterDefineXML(filter_xml('t', PASS + DROP.format('inout', 500, f"<mac srcmacaddr='{HOST}' protocolid='0x1111'/>")))
    assert not guest.passes(frame(0x1111)) and not guest.passes(frame(0x1111, src=HOST, dst=MAC), out=False)


def test_order_and_chains(host, guest):
    """Priorities count within a chain, chains come by theirs, a filter's own chain returns to the root."""
    rule = "<rule action='{}' direction='out' priority='{}'><mac protocolid='0x1111'/></rule>"
    host.nwfilterDefineXML(filter_xml('sub', rule.format('return', 5) + rule.format('drop', 6), chain='mac-x', uuid='21111111-1111-1111-1111-111111111111'))
    for root, passed in ((rule.format('accept', 9), True), (rule.format('drop', 9), False), (rule.format('drop', 9) + rule.format('accept', 8), True),
                         (rule.format('continue', 7) + rule.format('drop', 8), False)):
        host.nwfilterDefineXML(filter_xml('t', PASS + "<filterref filter='sub'/>" + root))
        if not host.listAllNWFilterBindings():
            host.nwfilterBindingCreateXML(binding_xml('veth0', 't'))
        assert guest.passes(frame(0x1111)) == passed, root
    host.nwfilterDefineXML(filter_xml('sub', rule.format('drop', 5), chain='mac-x', uuid='21111111-1111-1111-1111-111111111111'))
    host.nwfilterDefineXML(filter_xml('t', PASS + "<filterref filter='sub'/>" + rule.format('accept', -900)))
    assert guest.passes(frame(0x1111))      # the root's rule stands before the chain (-800)


def test_variables(host, guest):
    lists = [('A', '10.0.0.5'), ('A', '10.0.0.6'), ('P', '53'), ('P', '54'), ('P', '55')]
    rule = "<rule action='drop' direction='out' priority='9'><ip srcipaddr='{}' protocol='udp' dstportstart='{}'/></rule>"
    host.nwfilterDefineXML(filter_xml('t', PASS + rule.format('$A[@1]', '$P[@2]')))
    host.nwfilterBindingCreateXML(binding_xml('veth0', 't', lists))
    assert [guest.passes(ipv4(a, dport=p)) for a in ('10.0.0.5', '10.0.0.6', '10.0.0.7') for p in (53, 55, 56)] == [False, False, True] * 2 + [True] * 3
    assert 'iterators' in str(problem(host.nwfilterDefineXML, filter_xml('t', PASS + rule.format('$A', '$P'))))
    host.nwfilterDefineXML(filter_xml('t', PASS + rule.format('$A[1]', '$P[0]')))
    assert not guest.passes(ipv4('10.0.0.6', dport=53)) and guest.passes(ipv4('10.0.0.5', dport=53)) and guest.passes(ipv4('10.0.0.6', dport=54))
    for bad, said in (('$A[2]', '2 values'), ('$B', '$B'), ('$P', 'can\'t be the value')):
        assert said in str(problem(host.nwfilterDefineXML, filter_xml('t', PASS + rule.format(bad, '1'))))
    assert not guest.passes(ipv4('10.0.0.6', dport=53))     # the old rules are in force


VALUES = {'filter_mac': MAC, 'filter_mac_mask': 'ff:ff:ff:ff:ff:00', 'filter_ipv4': '10.0.0.1', 'filter_ipv6': 'fe80::1', 'filter_mask4': '24',
          'filter_mask6': '64', 'filter_ethertype': 'arp', 'filter_opcode': 'Request', 'filter_ip_protocol': 'tcp', 'filter_bool': 'false',
          'filter_state': 'NEW,ESTABLISHED', 'filter_tcp_flags': 'SYN,ACK/SYN', 'filter_ipset': 'x', 'filter_ipset_flags': 'src',
          'filter_comment': 'it "is" \\ fine', 'filter_number': '5', 'filter_decimal': '5'}
WITH = {'ipsetflags': "ipset='x'", 'ipset': "ipsetflags='src'", 'srcipto': "srcipfrom='{}'", 'dstipto': "dstipfrom='{}'"}


def rows():
    """(protocol, attribute, value) for every row of the format's table."""
    with open(f'{support.SOURCE}/schema/nwfilter.schema', encoding='utf-8') as f:
        text = f.read()
    protocols = re.search(r'enum NwfilterProtocol.*?\n((?:    .*\n)+)', text).group(1).split()
    structs = dict(re.findall(r'struct (\w+) :.*\n((?:    .*\n)+)', text))

    def attributes(struct):
        for line in structs[struct].splitlines():
            keys = line.split(' : ')[0].split()
            when = next((key[len('when=protocol:'):].split(',') for key in keys if key.startswith('when=')), None)
            unless = next((key[len('unless=protocol:'):].split(',') for key in keys if key.startswith('unless=')), [])
            meant = [p for p in (when or protocols) if p not in unless]
            if keys[0] == 'part':
                for name, form, inner in attributes(keys[2]):
                    yield name, form, [p for p in meant if p in inner]
            elif keys[0] == 'attr' and keys[2] == 'string':
                yield keys[1], next(key[5:] for key in keys if key.startswith('form=')), meant
    return [(p, name, VALUES[form]) for name, form, meant in attributes('NwfilterMatch') for p in meant]


def test_every_attribute(host):
    """Every attribute of every protocol makes rules that the kernel takes, but for those whose error says why not."""
    refused = {}
    host.nwfilterDefineXML(filter_xml('t', ''))
    host.nwfilterBindingCreateXML(binding_xml('port0', 't'))
    all_rows = rows()
    assert len(all_rows) > 250
    for protocol, name, value in all_rows:
        address = 'fe80::1' if protocol.endswith('v6') else '10.0.0.1'
        more = WITH.get(name, '').format(address)
        if protocol in ('ip', 'ipv6') and 'port' in name:
            more = "protocol='tcp'"
        if protocol == 'ipv6' and name in ('type', 'typeend', 'code', 'codeend'):
            more = "protocol='icmpv6'"
        given = value.replace('"', '&quot;')
        rule = (f"<rule action='drop' direction='{{}}' priority='5'><{protocol} {name}=\"{given}\" {more}/></rule>")
        for direction in ('in', 'out', 'inout'):
            try:
                host.nwfilterDefineXML(filter_xml('t', rule.format(direction)))
            except libvirt.libvirtError as error:
                refused.setdefault(str(error), set()).add((protocol, name, direction))
    reasons = {'ipset': 0, NO_CONNECTIONS: 0, 'is for one direction': 0}
    for text, which in refused.items():
        [reason] = [word for word in reasons if word in text] or [None]
        assert reason, (text, sorted(which)[:5])
        reasons[reason] += len(which)
        names = {name for _, name, _ in which}
        assert names <= {'ipset': {'ipset', 'ipsetflags'}, NO_CONNECTIONS: {'state', 'connlimit-above'},
                         'is for one direction': {'srcmacaddr', 'srcmacmask'}}[reason], (text, names)
    gratuitous = problem(host.nwfilterDefineXML, filter_xml('t', DROP.format('in', 1, "<arp gratuitous='true'/>")))
    assert 'gratuitous' in str(gratuitous)


def test_hostile_filters(host):
    """Circles, trees that double at each step, lists that multiply, names that end commands: an error, and nothing is in force."""
    assert problem(host.nwfilterDefineXML, filter_xml('t', "<filterref filter='t'/>")).get_error_code() == libvirt.VIR_ERR_OPERATION_FAILED
    for depth in range(30):
        inside = DROP.format('in', 1, '') if depth == 0 else f"<filterref filter='f{depth - 1}'/>" * 2
        host.nwfilterDefineXML(filter_xml(f'f{depth}', inside, uuid=f'11111111-1111-1111-1111-2222222222{depth:02}'))
    assert re.search('too often|more than', str(problem(host.nwfilterBindingCreateXML, binding_xml('port0', 'f29'))))
    wide = ''.join(f"<ip srcipaddr='$A[@1]' dstipaddr='$A[@2]' srcportstart='$P[@3]' dstportstart='$P[@4]' protocol='tcp'/>" for _ in range(4))
    host.nwfilterDefineXML(filter_xml('wide', DROP.format('out', 1, wide)))
    lists = [('A', f'10.0.{n}.1') for n in range(40)] + [('P', str(n)) for n in range(40)]
    assert 'more than' in str(problem(host.nwfilterBindingCreateXML, binding_xml('port0', 'wide', lists)))
    host.nwfilterDefineXML(filter_xml('plain', DROP.format('in', 1, '<mac/>'), uuid='31111111-1111-1111-1111-111111111111'))
    for name in ('a"b', 'a b', 'a*', 'x' * 16, '../x'):
        problem(host.nwfilterBindingCreateXML, binding_xml(name.replace('"', '&quot;'), 'plain'))
    assert 'missing' in str(problem(host.nwfilterBindingCreateXML, binding_xml('port0', 'nowhere')))
    assert table() == '' and host.listAllNWFilterBindings() == []


def chains():
    done = subprocess.run(['nft', '-j', 'list', 'table', 'bridge', 'libvirt_nwfilter'], capture_output=True, text=True, check=False)
    if done.returncode:
        return set()
    return {item['chain']['name'] for item in json.loads(done.stdout)['nftables'] if 'chain' in item} - {
        'from', 'from_packets', 'to', 'to_packets'}


def test_many_changes_at_once(host):
    """Four connections change a filter and bind and unbind interfaces: all see whole rules, and none is left."""
    host.nwfilterDefineXML(filter_xml('t', DROP.format('in', 1, '<mac/>')))
    failures = []

    def work(number):
        try:
            with contextlib.closing(libvirt.open(host.daemon.uri)) as conn:
                for n in range(25):
                    binding = conn.nwfilterBindingCreateXML(binding_xml(f'w{number}n{n}', 't'))
                    conn.nwfilterDefineXML(filter_xml('t', DROP.format('in', n % 9, '<mac/>') * (n % 3 + 1)))
                    if n % 2:
                        binding.delete()
        except libvirt.libvirtError as error:
            failures.append(str(error))
    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    left = [binding.portDev() for binding in host.listAllNWFilterBindings()]
    assert len(left) == 4 * 13 and chains() == {f'to2_{name}' for name in left}
    for binding in host.listAllNWFilterBindings():
        binding.delete()
    assert table() == ''


def test_killed_at_any_moment(host):
    """After each kill the next daemon has the rules of the bindings that it knows, and no others."""
    daemon, seed = host.daemon, random.Random(int(os.environ.get('SEED') or 1))
    host.nwfilterDefineXML(filter_xml('t', DROP.format('in', 1, '<mac/>')))
    made = 0
    for number in range(2):
        make_devices(f'k{number}n{{}}', 60)
    for _ in range(KILLS):
        def work(number):
            with contextlib.suppress(libvirt.libvirtError), contextlib.closing(libvirt.open(daemon.uri)) as conn:
                for n in range(60):
                    binding = conn.nwfilterBindingCreateXML(binding_xml(f'k{number}n{n}', 't'))
                    conn.nwfilterDefineXML(filter_xml('t', DROP.format('in', n % 9, '<mac/>')))
                    if n % 3:
                        binding.delete()
        threads = [threading.Thread(target=work, args=(number,)) for number in range(2)]
        for thread in threads:
            thread.start()
        moment = threading.Event()
        moment.wait(seed.random() * 0.5)        # the moment of the kill is by chance
        daemon.kill()
        for thread in threads:
            thread.join()
        daemon.start()
        with contextlib.closing(libvirt.open(daemon.uri)) as conn:
            assert chains() == {f'to2_{binding.portDev()}' for binding in conn.listAllNWFilterBindings()}
            made += len(conn.listAllNWFilterBindings())
            for binding in conn.listAllNWFilterBindings():
                binding.delete()
        assert table() == ''
    assert made
    for number in range(2):
        make_devices(f'k{number}n{{}}', 60, 'del')


def test_a_real_guest(guest_daemon, connection, boot_defined):     # noqa: F811 pylint: disable=redefined-outer-name
    """clean-traffic on a guest of a network: its own address works, another's doesn't; filters change live and go with it."""
    shutil.copytree(f'{support.SOURCE}/data/nwfilter', f'{guest_daemon.root}/etc/libvirt/nwfilter', dirs_exist_ok=True)
    guest_daemon.stop()
    guest_daemon.start()
    with contextlib.closing(libvirt.open(guest_daemon.uri)) as conn:
        start_network(conn, network_xml('n1', 31, hosts="<host mac='52:54:00:00:31:01' ip='192.168.31.11'/>", bridge='virbr31'))
        ref = "<filterref filter='clean-traffic'><parameter name='IP' value='192.168.31.11'/></filterref>"
        device_xml = nic('n1', '52:54:00:00:31:01').replace('</interface>', ref + '</interface>')
        commands = ['ping -c 1 -W 5 192.168.31.1', 'ip address add 192.168.31.12/24 dev eth0', 'ping -c 1 -W 2 -I 192.168.31.12 192.168.31.1',
                    'ip link set eth0 down', 'ip link set eth0 address 52:54:00:00:31:99', 'ip link set eth0 up',
                    'ip route replace default via 192.168.31.1', 'ping -c 1 -W 2 -I 192.168.31.11 192.168.31.1']
        xml = support.domain_xml('one', guest=support.build_guest(), console=f'{guest_daemon.root}/console', devices=device_xml,
                                 extra=run_when_up(commands))
        domain = conn.defineXML(xml)
        domain.create()
        wait_for_mark(f'{guest_daemon.root}/console', 'GUEST-RAN', BOOT_SECONDS)
        with open(f'{guest_daemon.root}/console', encoding='utf-8', errors='replace') as f:
            said = f.read()
        assert 'GUEST-IP eth0 192.168.31.11' in said and said.count('1 packets received') == 1 and said.count('0 packets received') == 2, said
        [binding] = conn.listAllNWFilterBindings()
        assert binding.filterName() == 'clean-traffic' and f'_{binding.portDev()}' in table()
        guest_daemon.kill()
    guest_daemon.start()
    with contextlib.closing(libvirt.open(guest_daemon.uri)) as conn:
        domain = conn.lookupByName('one')
        assert domain.isActive()
        assert len(conn.listAllNWFilterBindings()) == 1, guest_daemon.output()
        [binding] = conn.listAllNWFilterBindings()      # found again, with its rules
        assert f'_{binding.portDev()}' in table()
        live = re.search(r'<interface.*?</interface>', domain.XMLDesc(), re.S).group(0)
        domain.updateDeviceFlags(live.replace('clean-traffic', 'allow-arp'), libvirt.VIR_DOMAIN_AFFECT_LIVE)
        assert [b.filterName() for b in conn.listAllNWFilterBindings()] == ['allow-arp']
        assert 'nowhere' in str(problem(domain.updateDeviceFlags, live.replace('clean-traffic', 'nowhere'), libvirt.VIR_DOMAIN_AFFECT_LIVE))
        assert [b.filterName() for b in conn.listAllNWFilterBindings()] == ['allow-arp']
        assert problem(conn.nwfilterLookupByName('allow-arp').undefine).get_error_code() == libvirt.VIR_ERR_OPERATION_INVALID
        domain.destroy()
        assert conn.listAllNWFilterBindings() == [] and table() == ''
        broken = conn.defineXML(domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE).replace("filter='clean-traffic'", "filter='nowhere'"))
        assert "filter 'nowhere'" in str(problem(broken.create)) and 'nwfilter-list' in str(problem(broken.create))
        conn.networkLookupByName('n1').destroy()
    assert table() == ''
